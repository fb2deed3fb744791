//! Critical values of Student's t at one level for many degrees of freedom.

use super::student_t::quantile;

/// Number of pieces of `1 / df`, which runs from 0 to 1.
const PIECES: usize = 32;
/// Coefficients of a piece.
const TERMS: usize = 12;

/// Two-sided critical values of Student's t at one level: `P(|T| >= value) = alpha`.
///
/// A fit with Satterthwaite degrees of freedom needs a quantile at a new `df` each time. This
/// is a table of polynomials in `1 / df`, interpolated at Chebyshev points of [`quantile`], that
/// answers in a fraction of the time.
#[derive(Clone, Debug)]
pub struct Critical {
    alpha: f64,
    /// The table serves for `1 / df` up to here.
    inverse_max: f64,
    pieces: Vec<[f64; TERMS]>,
}

impl Critical {
    /// The table of level `alpha`, made from a few hundred quantiles.
    ///
    /// Domain: `0 < alpha < 1`; the table of another level gives NaN.
    pub fn new(alpha: f64) -> Self {
        let alpha = if alpha > 0.0 && alpha < 1.0 { alpha } else { f64::NAN };
        let mut table = Self { alpha, inverse_max: -1.0, pieces: Vec::with_capacity(PIECES) };
        for piece in 0..PIECES {
            let middle = piece as f64 + 0.5;
            let coefficients = polynomial(|s| table.slow(PIECES as f64 / (middle + 0.5 * s)));
            table.pieces.push(coefficients);
            if !table.holds(piece) {
                break;
            }
            table.inverse_max = (piece + 1) as f64 / PIECES as f64;
        }
        table
    }

    /// The level.
    pub fn alpha(&self) -> f64 {
        self.alpha
    }

    /// The critical value `-quantile(alpha / 2, df)`, to a relative 1e-13.
    ///
    /// Domain: `df > 0`, infinite for the normal; NaN elsewhere. Below 1 degree of freedom, and
    /// where a table of this size is not exact enough (`alpha` below 1e-6), the quantile is
    /// computed anew.
    #[inline]
    pub fn at(&self, df: f64) -> f64 {
        let inverse = 1.0 / df;
        if df > 0.0 && inverse <= self.inverse_max { self.fast(inverse) } else { self.slow(df) }
    }

    fn slow(&self, df: f64) -> f64 {
        -quantile(0.5 * self.alpha, df)
    }

    #[inline]
    fn fast(&self, inverse: f64) -> f64 {
        let place = inverse * PIECES as f64;
        let piece = (place as usize).min(self.pieces.len() - 1);
        let s = 2.0 * (place - piece as f64) - 1.0;
        evaluate(&self.pieces[piece], s)
    }

    /// Whether a piece gives the quantile to the accuracy promised, with a margin.
    fn holds(&self, piece: usize) -> bool {
        [0.02, 0.31, 0.64, 0.98].iter().all(|share| {
            let inverse = (piece as f64 + share) / PIECES as f64;
            (self.fast(inverse) / self.slow(1.0 / inverse) - 1.0).abs() < 2e-14
        })
    }
}

/// `sum of c_k s^k`, by powers of `s^4` so that the products do not wait for each other.
#[inline]
fn evaluate(c: &[f64; TERMS], s: f64) -> f64 {
    let square = s * s;
    let fourth = square * square;
    let four = |k: usize| (c[k] + c[k + 1] * s) + (c[k + 2] + c[k + 3] * s) * square;
    four(0) + fourth * (four(4) + fourth * four(8))
}

/// Coefficients of the polynomial through `f` at the Chebyshev points of `[-1, 1]`.
fn polynomial(f: impl Fn(f64) -> f64) -> [f64; TERMS] {
    let angle = |i: usize| std::f64::consts::PI * (i as f64 + 0.5) / TERMS as f64;
    let values: [f64; TERMS] = std::array::from_fn(|i| f(libm::cos(angle(i))));
    let mut sum = [0.0; TERMS];
    // The Chebyshev polynomial of degree k and the one before it, in powers of s.
    let (mut before, mut now) = ([0.0; TERMS], [0.0; TERMS]);
    now[0] = 1.0;
    for k in 0..TERMS {
        let weight = if k == 0 { 1.0 } else { 2.0 } / TERMS as f64;
        let term = |i: usize| values[i] * libm::cos(k as f64 * angle(i));
        let c = weight * (0..TERMS).map(term).sum::<f64>();
        for (sum, t) in sum.iter_mut().zip(now) {
            *sum += c * t;
        }
        let factor = if k == 0 { 1.0 } else { 2.0 };
        let next = std::array::from_fn(|j| {
            let shifted = if j == 0 { 0.0 } else { now[j - 1] };
            factor * shifted - before[j]
        });
        (before, now) = (now, next);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_agrees_with_the_quantile() {
        for alpha in [0.001, 0.01, 0.05, 0.1, 0.5, 0.95] {
            let table = Critical::new(alpha);
            assert_eq!(table.inverse_max, 1.0, "{alpha}");
            for i in 0..=20_000 {
                // From 0.9 to 1e9 in equal ratios.
                let df = 0.9 * libm::exp(f64::from(i) * 1.04e-3);
                let (fast, slow) = (table.at(df), -quantile(0.5 * alpha, df));
                assert!((fast / slow - 1.0).abs() <= 1e-13, "{alpha} {df}: {fast} {slow}");
            }
            let slow = -quantile(0.5 * alpha, f64::INFINITY);
            assert!((table.at(f64::INFINITY) / slow - 1.0).abs() <= 1e-13);
        }
    }

    #[test]
    fn extreme_levels_fall_back_on_the_quantile() {
        for alpha in [1e-300, 1e-20, 1e-7, 1.0 - 1e-9] {
            let table = Critical::new(alpha);
            for i in 0..=500 {
                let df = libm::exp(f64::from(i) * 0.03);
                let (fast, slow) = (table.at(df), -quantile(0.5 * alpha, df));
                assert!((fast / slow - 1.0).abs() <= 1e-13, "{alpha} {df}: {fast} {slow}");
            }
        }
    }

    #[test]
    fn outside_the_domain() {
        let table = Critical::new(0.05);
        for df in [f64::NAN, 0.0, -1.0, f64::NEG_INFINITY] {
            assert!(table.at(df).is_nan());
        }
        for alpha in [f64::NAN, -0.1, 0.0, 1.0, 1.5, 3.0, f64::INFINITY] {
            let table = Critical::new(alpha);
            assert!(table.at(5.0).is_nan() && table.at(f64::INFINITY).is_nan());
        }
    }
}
