//! Fisher's F distribution.

use super::{Tails, beta, chi_squared, gamma, incomplete_gamma, normal, solve, student_t};

/// Degrees of freedom from which on a mean square does not vary, to any digit.
const DF_INFINITE: f64 = 1e100;

/// Probability of a value at or below `f`, with `d1` and `d2` degrees of freedom.
///
/// `I_x(d1 / 2, d2 / 2)` at `x = d1 f / (d1 f + d2)`.
///
/// Domain: `d1` and `d2` positive, infinite ones included; every `f`; NaN elsewhere. Digits are
/// lost where `d1 f / d2` is outside of 1e-307 to 1e307.
pub fn cdf(f: f64, d1: f64, d2: f64) -> f64 {
    tails(f, d1, d2).lower
}

/// Probability of a value above `f`, with `d1` and `d2` degrees of freedom.
///
/// Domain: as for [`cdf`].
pub fn upper(f: f64, d1: f64, d2: f64) -> f64 {
    if d1 == 1.0 && f > 0.0 {
        // The square of a t: this way is faster.
        return student_t::two_sided_square(f, d2);
    }
    tails(f, d1, d2).upper
}

/// Value at or below which an F variable falls with probability `p`.
///
/// Domain: `d1` and `d2` positive, infinite ones included; `0 <= p <= 1`; NaN elsewhere.
///
/// # References
/// Start: Paulson (1942), Annals of Mathematical Statistics 13, 233.
pub fn quantile(p: f64, d1: f64, d2: f64) -> f64 {
    if !(d1 > 0.0 && d2 > 0.0 && (0.0..=1.0).contains(&p)) {
        return f64::NAN;
    }
    if p <= 0.5 { lower_quantile(p, d1, d2) } else { 1.0 / lower_quantile(1.0 - p, d2, d1) }
}

/// The `f` with `cdf(f) = p`, for a `p` up to one half.
fn lower_quantile(p: f64, d1: f64, d2: f64) -> f64 {
    match (d1 > DF_INFINITE, d2 > DF_INFINITE) {
        (true, true) => return 1.0,
        (true, false) => return d2 / chi_squared::upper_quantile(p, d2),
        (false, true) => return chi_squared::lower_quantile(p, d1) / d1,
        (false, false) => {}
    }
    if p == 0.0 {
        return 0.0;
    }
    // I_x(a, b) < (x / y)^a / (a B(a, b)), so this is never too large.
    let (a, b) = (0.5 * d1, 0.5 * d2);
    let ln_scale = gamma::ln_rising(1.0, a) - gamma::ln_rising(b, a);
    let power = libm::exp((libm::log(p) + ln_scale) / a) * (d2 / d1);
    let start = power.max(cube(normal::quantile(p), d1, d2));
    let range = solve::Range { start, anchor: 1.0 };
    solve::tail(&range, p, |f| {
        let Odds { x, y, lean } = odds(f, d1, d2);
        let tails = beta::tails(a, b, x, y, lean);
        solve::Point { tail: tails.lower, slope: tails.slope, elasticity: lean }
    })
}

/// Paulson's approximation: the cube root of an F is nearly a ratio of two normals.
/// Zero where it has no root or is far off.
fn cube(z: f64, d1: f64, d2: f64) -> f64 {
    if d1.min(d2) < 1.0 {
        return 0.0;
    }
    let (c1, c2) = (2.0 / (9.0 * d1), 2.0 / (9.0 * d2));
    let (m1, m2) = (1.0 - c1, 1.0 - c2);
    let discriminant = c1 * m2 * m2 + c2 * m1 * m1 - z * z * c1 * c2;
    let denominator = m2 * m2 - z * z * c2;
    let root = (m1 * m2 + z * discriminant.max(0.0).sqrt()) / denominator;
    if root > 0.0 && root < f64::INFINITY { root * root * root } else { 0.0 }
}

/// An F value as the argument of the incomplete beta function.
struct Odds {
    x: f64,
    y: f64,
    /// `a y - b x`, without cancellation.
    lean: f64,
}

fn odds(f: f64, d1: f64, d2: f64) -> Odds {
    let ratio = f * (d1 / d2);
    let (x, y) = if ratio <= 1.0 {
        (ratio / (1.0 + ratio), 1.0 / (1.0 + ratio))
    } else {
        let inverse = (d2 / d1) / f;
        (1.0 / (1.0 + inverse), inverse / (1.0 + inverse))
    };
    let lean = if f <= 1.0 { 0.5 * d1 * y * (1.0 - f) } else { 0.5 * d2 * x * ((1.0 - f) / f) };
    // Where a share underflows it is still not zero: with few df its power is near 1.
    Odds { x: x.max(f64::MIN_POSITIVE), y: y.max(f64::MIN_POSITIVE), lean }
}

fn tails(f: f64, d1: f64, d2: f64) -> Tails {
    if !(d1 > 0.0 && d2 > 0.0) || f.is_nan() {
        return Tails::UNDEFINED;
    }
    if f <= 0.0 {
        return Tails::AT_ZERO;
    }
    if f == f64::INFINITY {
        return Tails::AT_INFINITY;
    }
    match (d1 > DF_INFINITE, d2 > DF_INFINITE) {
        (true, true) if f < 1.0 => Tails::AT_ZERO,
        (true, true) => Tails::AT_INFINITY,
        (true, false) => mean_square(1.0 / f, (f - 1.0) / f, d2).swapped(),
        (false, true) => mean_square(f, 1.0 - f, d1),
        (false, false) => {
            let Odds { x, y, lean } = odds(f, d1, d2);
            beta::tails(0.5 * d1, 0.5 * d2, x, y, lean)
        }
    }
}

/// Tails of a chi-squared variable over its degrees of freedom; `rest` is `1 - value`.
fn mean_square(value: f64, rest: f64, df: f64) -> Tails {
    let a = 0.5 * df;
    incomplete_gamma::tails(a, a * value, a * rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INF: f64 = f64::INFINITY;

    #[test]
    fn the_ends() {
        for (d1, d2) in [(1.0, 3.0), (2.0, 3.0), (INF, 3.0), (2.0, INF), (1.0, INF), (INF, INF)] {
            assert_eq!((cdf(0.0, d1, d2), upper(0.0, d1, d2)), (0.0, 1.0));
            assert_eq!((cdf(-1.0, d1, d2), upper(-1.0, d1, d2)), (0.0, 1.0));
            assert_eq!((cdf(INF, d1, d2), upper(INF, d1, d2)), (1.0, 0.0));
        }
        assert_eq!((quantile(0.0, 2.0, 3.0), quantile(1.0, 2.0, 3.0)), (0.0, INF));
        assert_eq!((cdf(0.99, INF, INF), cdf(1.0, INF, INF)), (0.0, 1.0));
        assert_eq!(quantile(0.3, INF, INF), 1.0);
    }

    #[test]
    fn outside_the_domain() {
        for bad in [f64::NAN, 0.0, -1.0] {
            assert!(cdf(1.0, bad, 3.0).is_nan() && cdf(1.0, 1.0, bad).is_nan());
            assert!(upper(1.0, bad, 3.0).is_nan() && upper(1.0, 1.0, bad).is_nan());
            assert!(quantile(0.5, bad, 3.0).is_nan() && quantile(0.5, 3.0, bad).is_nan());
        }
        assert!(upper(f64::NAN, 1.0, 3.0).is_nan() && cdf(f64::NAN, 2.0, 3.0).is_nan());
        for p in [f64::NAN, -0.1, 1.1] {
            assert!(quantile(p, 2.0, 3.0).is_nan());
        }
    }

    #[test]
    fn one_numerator_df_is_the_square_of_t() {
        for d2 in [0.5, 3.0, 40.0, 1e6] {
            for f in [1e-9, 0.4, 3.0, 60.0] {
                let (fast, general) = (upper(f, 1.0, d2), tails(f, 1.0, d2).upper);
                assert!((fast / general - 1.0).abs() < 1e-13, "{f} {d2}: {fast} {general}");
            }
        }
    }
}
