//! Bounds on a rate and on a mean: what every other bound is made of.
//!
//! Each takes the probability `error` with which it may miss, both sides together.

use crate::moments::Moments;
use crate::special::{fisher_f, student_t};

/// Fewest values whose mean has bounds.
const N_MIN: u64 = 50;

/// Largest `|skewness| q / sqrt(n)` at which a mean has bounds.
const LEAN_MAX: f64 = 0.5;

/// The size and the shape of a sample of independent numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sample {
    /// Number of values.
    pub n: u64,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation, divisor `n - 1`.
    pub sd: f64,
    /// Their skewness `m3 / m2^(3/2)`, 0 where they do not vary.
    pub skewness: f64,
}

impl Sample {
    /// The sample with these moments.
    pub fn of(m: &Moments) -> Self {
        let n = m.n as f64;
        let variance = m.m2 / n;
        let skewness = if variance > 0.0 { m.m3 / n / (variance * variance.sqrt()) } else { 0.0 };
        Self { n: m.n, mean: m.mean, sd: m.sd().unwrap_or(0.0), skewness }
    }

    /// Bounds on the mean of the population.
    ///
    /// The interval of Student's t, with the skewness of the values taken out by Hall's cubic
    /// transformation: with `q` the quantile of t with n - 1 degrees of freedom at
    /// `1 - error / 2`,
    /// ```text
    /// mean - sd / sqrt(n) g(q)  to  mean - sd / sqrt(n) g(-q)
    /// g(x) = 3 sqrt(n) / s ((1 + s (x / sqrt(n) - s / (6 n)))^(1/3) - 1),   s = skewness
    /// ```
    /// which is the t interval where s = 0. It is right to order 1 / n where the fourth moment is
    /// finite. There are no bounds yet below 50 values, or where `|s| q / sqrt(n) > 0.5`: a few
    /// large values then make up the mean, and more simulations have to tell. A sample without
    /// any variation is taken for a constant.
    ///
    /// # References
    /// Hall 1992, "On the removal of skewness by transformation", Journal of the Royal Statistical
    /// Society B 54:221, for the studentised mean.
    pub fn bounds(&self, error: f64) -> Option<(f64, f64)> {
        if self.n < N_MIN || !(self.mean.is_finite() && self.sd.is_finite()) {
            return None;
        }
        if self.sd == 0.0 {
            return Some((self.mean, self.mean));
        }
        let n = self.n as f64;
        let q = -student_t::quantile(error / 2.0, n - 1.0);
        let lean = self.skewness / n.sqrt();
        if lean.is_nan() || lean.abs() * q > LEAN_MAX {
            return None;
        }
        // The cube root of 1 + u less 1, without cancellation.
        let root = |u: f64| libm::expm1(libm::log1p(u) / 3.0);
        let g = |x: f64| {
            if lean == 0.0 { x } else { 3.0 / lean * root(lean * (x - lean / 6.0)) }
        };
        let unit = self.sd / n.sqrt();
        Some((self.mean - unit * g(q), self.mean - unit * g(-q)))
    }
}

/// Bounds on the probability of an event that happened in `events` of `n` independent trials.
///
/// The interval of Clopper and Pearson: it misses with probability `error` at most, whatever the
/// probability and `n` are. `None` where `n = 0`.
///
/// ```text
/// low  = x F / (x F + n - x + 1)   F: quantile error / 2 of F with 2 x and 2 (n - x + 1) df
/// high = 1 - low of the trials without the event
/// ```
///
/// # References
/// Clopper and Pearson 1934, Biometrika 26:404.
pub fn rate(events: u64, n: u64, error: f64) -> Option<(f64, f64)> {
    let low = |events: u64| {
        if events == 0 {
            return 0.0;
        }
        let (x, rest) = (events as f64, (n - events) as f64 + 1.0);
        let scaled = x * fisher_f::quantile(error / 2.0, 2.0 * x, 2.0 * rest);
        scaled / (scaled + rest)
    };
    (n > 0).then(|| (low(events), 1.0 - low(n - events)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::special::beta;

    /// At each bound the observed count is exactly as unlikely as it should be.
    #[test]
    fn rates_have_the_limits_of_clopper_and_pearson() {
        for (events, n) in
            [(0, 10), (1, 10), (10, 10), (950, 1000), (7, 200_000), (199_999, 200_000)]
        {
            for error in [0.05, 1e-3, 1e-7] {
                let (low, high) = rate(events, n, error).unwrap();
                let (x, all) = (events as f64, n as f64);
                // P(X >= x) and P(X <= x) of a binomial are incomplete beta functions.
                if events > 0 {
                    let reached = beta::lower(x, all - x + 1.0, low, 1.0 - low);
                    assert!((reached / (error / 2.0) - 1.0).abs() < 1e-8, "{events} {n} {reached}");
                } else {
                    assert_eq!(low, 0.0);
                }
                if events < n {
                    let reached = beta::upper(x + 1.0, all - x, high, 1.0 - high);
                    // A bound near 1 has only so many digits of its distance from 1.
                    let digits = (all - x) * f64::EPSILON / (1.0 - high);
                    let off = (reached / (error / 2.0) - 1.0).abs();
                    assert!(off < 1e-8 + digits, "{events} {n} {reached}");
                } else {
                    assert_eq!(high, 1.0);
                }
            }
        }
        assert_eq!(rate(0, 0, 0.05), None);
        // R 4.2.2: binom.test(37, 50)$conf.int
        let (low, high) = rate(37, 50, 0.05).unwrap();
        assert!((low - 0.596_552_321_271_934_4).abs() < 1e-12, "{low}");
        assert!((high - 0.853_699_415_603_445_5).abs() < 1e-12, "{high}");
    }

    #[test]
    fn a_symmetric_sample_has_the_interval_of_t() {
        let sample = Sample { n: 100, mean: 3.0, sd: 2.0, skewness: 0.0 };
        let (low, high) = sample.bounds(0.05).unwrap();
        // R 4.2.2: 3 + c(-1, 1) * qt(0.975, 99) * 2 / 10
        assert!((low - 2.603_156_609_682_716_6).abs() < 1e-12, "{low}");
        assert!((high - 3.396_843_390_317_283_4).abs() < 1e-12, "{high}");
        let slight = Sample { skewness: 1e-9, ..sample }.bounds(0.05).unwrap();
        assert!((slight.0 - low).abs() < 1e-9 && (slight.1 - high).abs() < 1e-9);
    }

    /// The transformation is inverted: g^-1(T) = T + s (T^2 / 3 + 1 / 6) / sqrt(n) + s^2 T^3 / 27 n
    /// is the quantile at each bound.
    #[test]
    fn the_bounds_of_a_skew_sample_solve_halls_equation() {
        let sample = Sample { n: 400, mean: 1.0, sd: 1.5, skewness: 2.0 };
        let (low, high) = sample.bounds(1e-3).unwrap();
        let q = -student_t::quantile(5e-4, 399.0);
        for (bound, quantile) in [(low, q), (high, -q)] {
            let t = (1.0 - bound) / (1.5 / 20.0);
            let back = t + 0.1 * (t * t / 3.0 + 1.0 / 6.0) + 0.01 * t * t * t / 27.0;
            assert!((back - quantile).abs() < 1e-10, "{back} {quantile}");
        }
        assert!(1.0 - low < high - 1.0, "the long tail is above");
    }

    #[test]
    fn what_tells_nothing_has_no_bounds() {
        let sample = Sample { n: 49, mean: 0.0, sd: 1.0, skewness: 0.0 };
        assert_eq!(sample.bounds(0.05), None);
        assert_eq!(Sample { n: 1000, skewness: 20.0, ..sample }.bounds(1e-3), None);
        assert_eq!(Sample { n: 1000, mean: f64::INFINITY, ..sample }.bounds(1e-3), None);
        assert_eq!(Sample { n: 1000, sd: f64::NAN, ..sample }.bounds(1e-3), None);
        assert_eq!(Sample { n: 1000, sd: 0.0, mean: 2.0, ..sample }.bounds(1e-3), Some((2.0, 2.0)));
        assert_eq!(Sample::of(&Moments::default()), Sample::default());
    }
}
