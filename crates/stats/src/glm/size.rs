//! The size of the negative binomial family, at the maximum of the likelihood.

use super::newton::Search;
use super::rows::Cells;
use super::{Data, Failure, Family};
use crate::linalg::room;

/// One over the size changes by less than this share in the last step.
const SETTLED: f64 = 1e-12;
/// Steps of the search; ten are many.
const STEPS_MAX: usize = 200;
/// Above this one over the size is taken for infinite.
const ALPHA_MAX: f64 = 1e12;
/// Below this the series in `alpha mu` replaces a difference that would lose digits.
const SERIES_MAX: f64 = 0.05;

/// Work space.
#[derive(Clone, Debug, Default)]
pub(super) struct Size {
    /// Weight of the observations above each whole number.
    above: Vec<f64>,
}

/// The derivatives of the log-likelihood by `alpha`.
struct Derivatives {
    first: f64,
    second: f64,
}

impl Size {
    /// Fits coefficients and `alpha`, one over the size, and returns `alpha`.
    ///
    /// The log-likelihood is `sum_i [sum_(k < y_i) log(1 + alpha k) + y_i log mu_i - (y_i + 1 /
    /// alpha) log(1 + alpha mu_i) - log y_i!]`. Where it falls at `alpha = 0`, that is the maximum:
    /// Poisson's model, with an infinite size. Otherwise its derivative has a root; coefficients
    /// are fitted again at each `alpha` of the search.
    ///
    /// # Errors
    /// As [`Search::start`]; `NotConverged` where no size explains the variance.
    ///
    /// # References
    /// Lawless 1987, Canadian Journal of Statistics 15:209, equations 2.3 to 2.5.
    pub fn fit(&mut self, data: &Data, cells: &Cells, search: &mut Search) -> Result<f64, Failure> {
        self.count(data, cells);
        let family = Family::NegativeBinomial;
        search.start(cells, family, 0.0)?;
        let at_zero = self.derivatives(cells, search, 0.0);
        if at_zero.first <= 0.0 {
            return Ok(0.0);
        }
        let (mut low, mut high) = (0.0, f64::INFINITY);
        let mut alpha = moments(cells, search);
        for _ in 0..STEPS_MAX {
            search.climb(cells, family, alpha)?;
            let d = self.derivatives(cells, search, alpha);
            if d.first > 0.0 {
                low = alpha;
            } else {
                high = alpha;
            }
            let newton = alpha - d.first / d.second;
            let inside = d.second < 0.0 && newton > low && newton < high;
            let next = match (inside, high.is_finite()) {
                (true, _) => newton.min(16.0 * alpha),
                (false, true) if low > 0.0 => (low * high).sqrt(),
                (false, true) => 0.25 * high,
                (false, false) => 4.0 * alpha,
            };
            if (next - alpha).abs() <= SETTLED * next {
                search.climb(cells, family, next)?;
                return Ok(next);
            }
            alpha = next;
            if alpha > ALPHA_MAX {
                break;
            }
        }
        Err(Failure::NotConverged)
    }

    /// Counts the outcomes above each whole number.
    fn count(&mut self, data: &Data, cells: &Cells) {
        let top = cells.live().map(|(i, _)| data.y[i]).fold(0.0, f64::max) as usize;
        // The largest count varies more than the number of rows does.
        let spare = if self.above.capacity() < top { 4 * top + 1024 } else { top };
        let above = &mut room(&mut self.above, spare)[..top];
        above.fill(0.0);
        for (i, c) in cells.live().filter(|(i, _)| data.y[*i] > 0.0) {
            above[data.y[i] as usize - 1] += cells.w[c];
        }
        for k in (1..top).rev() {
            above[k - 1] += above[k];
        }
        self.above.truncate(top);
    }

    fn derivatives(&self, cells: &Cells, search: &Search, alpha: f64) -> Derivatives {
        let (mut first, mut second) = (0.0, 0.0);
        for (k, n) in self.above.iter().enumerate() {
            let share = k as f64 / (1.0 + alpha * k as f64);
            first += n * share;
            second -= n * share * share;
        }
        for c in 0..cells.m {
            let (mu, w) = (libm::exp(search.eta[c]), cells.total(c));
            let (bend, bend_slope) = bend(alpha * mu);
            let share = mu / (1.0 + alpha * mu);
            first -= w * (cells.y[c] * share + mu * mu * bend);
            second += w * (cells.y[c] * share * share - mu * mu * mu * bend_slope);
        }
        Derivatives { first, second }
    }
}

/// `[t / (1 + t) - log(1 + t)] / t^2` and its derivative.
fn bend(t: f64) -> (f64, f64) {
    if t < SERIES_MAX {
        let (mut value, mut slope, mut power) = (0.0, 0.0, 1.0);
        for n in 2..14 {
            let sign = if n % 2 == 0 { -1.0 } else { 1.0 };
            let coefficient = sign * (1.0 - 1.0 / f64::from(n));
            value += coefficient * power;
            let next = -sign * (1.0 - 1.0 / f64::from(n + 1));
            slope += next * f64::from(n - 1) * power;
            power *= t;
        }
        return (value, slope);
    }
    let u = 1.0 + t;
    let difference = t / u - libm::log1p(t);
    (difference / (t * t), -1.0 / (t * u * u) - 2.0 * difference / (t * t * t))
}

/// A first `alpha`: that of the Pearson residuals.
fn moments(cells: &Cells, search: &Search) -> f64 {
    let (mut excess, mut scale) = (0.0, 0.0);
    for c in 0..cells.m {
        let mu = libm::exp(search.eta[c]);
        let d = cells.y[c] - mu;
        excess += cells.w[c] * (cells.within[c] + cells.n[c] * (d * d - mu));
        scale += cells.total(c) * mu * mu;
    }
    (excess / scale).max(1e-3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_series_continues_the_formula() {
        let (t, h) = (SERIES_MAX, 1e-12);
        let (below, above) = (bend(t - h), bend(t + h));
        assert!((below.0 - above.0).abs() < 3e-12 && (below.1 - above.1).abs() < 1e-11);
        assert!(bend(0.0).0 == -0.5 && (bend(0.0).1 - 2.0 / 3.0).abs() < 1e-15);
        let slope = (bend(1.0 + 1e-5).0 - bend(1.0 - 1e-5).0) / 2e-5;
        assert!((bend(1.0).1 - slope).abs() < 1e-9);
    }
}
