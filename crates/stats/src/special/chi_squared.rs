//! The chi-squared distribution.

use super::{Tails, gamma, incomplete_gamma, normal, solve};

/// Probability of a value at or below `x`, with `df` degrees of freedom: `P(df / 2, x / 2)`.
///
/// Domain: `0 < df < inf`, every `x`; NaN elsewhere.
pub fn cdf(x: f64, df: f64) -> f64 {
    incomplete_gamma::lower(0.5 * df, 0.5 * x)
}

/// Probability of a value above `x`, with `df` degrees of freedom: `Q(df / 2, x / 2)`.
///
/// Domain: `0 < df < inf`, every `x`; NaN elsewhere.
pub fn upper(x: f64, df: f64) -> f64 {
    incomplete_gamma::upper(0.5 * df, 0.5 * x)
}

/// Value at or below which a chi-squared variable falls with probability `p`.
///
/// Domain: `0 < df < inf`, `0 <= p <= 1`; NaN elsewhere.
///
/// # References
/// Start: Wilson & Hilferty (1931), PNAS 17, 684.
pub fn quantile(p: f64, df: f64) -> f64 {
    if p <= 0.5 { lower_quantile(p, df) } else { upper_quantile(1.0 - p, df) }
}

/// The `x` with `cdf(x) = p`, for a `p` up to about one half.
pub(super) fn lower_quantile(p: f64, df: f64) -> f64 {
    let a = 0.5 * df;
    if !in_domain(p, df) {
        return f64::NAN;
    }
    if p == 0.0 {
        return 0.0;
    }
    // P(a, x) < x^a / gamma(a + 1), so this is never too large.
    let power = libm::exp((libm::log(p) + gamma::ln_rising(1.0, a)) / a);
    let start = power.max(cube(normal::quantile(p), df));
    let range = solve::Range { start, anchor: a };
    2.0 * solve::tail(&range, p, |x| point(a, x, |t| (t.lower, t.slope)))
}

/// The `x` with `upper(x) = q`, for a `q` up to about one half.
pub(super) fn upper_quantile(q: f64, df: f64) -> f64 {
    let a = 0.5 * df;
    if !in_domain(q, df) {
        return f64::NAN;
    }
    if q == 0.0 {
        return f64::INFINITY;
    }
    // For a small shape Q(a, x) is about a E1(x), and falls like exp(-x) once x exceeds 1.
    let small = (-libm::log(q / a)).max(libm::exp(-q / a));
    let start = if a < 0.5 { small } else { cube(-normal::quantile(q), df) };
    let range = solve::Range { start, anchor: a };
    2.0 * solve::tail(&range, q, |x| point(a, x, |t| (t.upper, -t.slope)))
}

fn in_domain(p: f64, df: f64) -> bool {
    (0.0..=1.0).contains(&p) && df > 0.0 && df < f64::INFINITY
}

/// Wilson and Hilferty's half of a chi-squared quantile; zero where it would be negative.
fn cube(z: f64, df: f64) -> f64 {
    let c = 2.0 / (9.0 * df);
    let root = (1.0 - c + z * c.sqrt()).max(0.0);
    0.5 * df * root * root * root
}

fn point(a: f64, x: f64, side: impl Fn(Tails) -> (f64, f64)) -> solve::Point {
    let lean = a - x;
    let (tail, slope) = side(incomplete_gamma::tails(a, x, lean));
    solve::Point { tail, slope, elasticity: lean }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends() {
        assert_eq!((cdf(0.0, 3.0), upper(0.0, 3.0)), (0.0, 1.0));
        assert_eq!((cdf(-1.0, 3.0), upper(-1.0, 3.0)), (0.0, 1.0));
        assert_eq!((cdf(f64::INFINITY, 3.0), upper(f64::INFINITY, 3.0)), (1.0, 0.0));
        assert_eq!((quantile(0.0, 3.0), quantile(1.0, 3.0)), (0.0, f64::INFINITY));
        // The root, about 1e-3000, is below the least double.
        assert_eq!(quantile(1e-30, 0.02), 0.0);
    }

    #[test]
    fn outside_the_domain() {
        for df in [f64::NAN, 0.0, -1.0, f64::INFINITY] {
            assert!(cdf(1.0, df).is_nan() && upper(1.0, df).is_nan());
            assert!(quantile(0.5, df).is_nan());
        }
        for p in [f64::NAN, -0.1, 1.1] {
            assert!(quantile(p, 3.0).is_nan());
        }
        assert!(cdf(f64::NAN, 3.0).is_nan());
    }
}
