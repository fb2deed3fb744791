//! The regularised incomplete gamma functions.

use std::f64::consts::PI;

use super::half_line::{exp_bend, integrate};
use super::{Tails, fraction, gamma};

/// From this shape on, and near the mean, a tail is integrated: its fraction would be long.
const SHAPE_LARGE: f64 = 1e5;
/// How near to the mean, as a share of the shape.
const SHAPE_SPREAD: f64 = 0.3;
/// Below this `x` and a shape of 1, the power series serves.
const SERIES_MAX: f64 = 1.2;

/// Lower tail `P(a, x)`, the integral of `t^(a-1) exp(-t) / gamma(a)` from 0 to `x`.
///
/// Domain: `0 < a < inf`, `x >= 0`; NaN elsewhere.
pub fn lower(a: f64, x: f64) -> f64 {
    tails(a, x, a - x).lower
}

/// Upper tail `Q(a, x) = 1 - P(a, x)`, the integral from `x` to infinity.
///
/// Domain: `0 < a < inf`, `x >= 0`; NaN elsewhere.
pub fn upper(a: f64, x: f64) -> f64 {
    tails(a, x, a - x).upper
}

/// Both tails of the gamma distribution of shape `a` and scale 1, and the slope between them.
///
/// `lean` is `a - x`, the distance to the mean. A caller who knows it to more digits than the
/// difference of two rounded numbers has gives it.
///
/// Domain: `0 < a < inf`; `x` below 0 counts as 0. NaN elsewhere.
///
/// # References
/// Power series: DLMF 8.7.1. Upper tail: the even part of the fraction DLMF 8.9.2. Lower tail: the
/// limit of the fraction of the incomplete beta function ([`super::beta`]) for large `b`. Factor
/// before both: Loader (2000), as for [`gamma::stirlerr`].
pub fn tails(a: f64, x: f64, lean: f64) -> Tails {
    if !(a > 0.0 && a < f64::INFINITY) || x.is_nan() || lean.is_nan() {
        return Tails::UNDEFINED;
    }
    if x <= 0.0 {
        return Tails::AT_ZERO;
    }
    if x == f64::INFINITY {
        return Tails::AT_INFINITY;
    }
    if a < 1.0 && x <= SERIES_MAX {
        return small_shape(a, x);
    }
    let deviance = gamma::stirlerr(a) + gamma::bd0(a, x, lean);
    let slope = (a / (2.0 * PI)).sqrt() * libm::exp(-deviance);
    if slope == 0.0 {
        return if lean >= 0.0 { Tails::AT_ZERO } else { Tails::AT_INFINITY };
    }
    let integral = a > SHAPE_LARGE && lean.abs() < SHAPE_SPREAD * a;
    if lean >= 0.0 {
        let area = if integral {
            integrate(lean, x, |v| x * exp_bend(-v))
        } else {
            lower_fraction(a, x, lean)
        };
        Tails::from_lower(slope * area, slope)
    } else {
        let area = if integral {
            integrate(-lean, x, |v| x * exp_bend(v))
        } else {
            fraction::steed(1.0 - lean, |n| (n * (a - n), 2.0 * n + 1.0 - lean))
        };
        Tails::from_lower(slope * area, slope).swapped()
    }
}

/// `P(a, x) = exp(L)` with `L = a ln x - ln gamma(1 + a) + ln(1 + a S)`. As `a` goes to 0 every
/// part of `L` goes to 0 with it, so that `1 - exp(L)` keeps its digits.
fn small_shape(a: f64, x: f64) -> Tails {
    let mut term = 1.0;
    let mut sum = 0.0;
    let mut k = 0.0;
    while f64::abs(term) > 1e-17 {
        k += 1.0;
        term *= -x / k;
        sum += term / (a + k);
    }
    let ln_lower = a * libm::log(x) - gamma::ln_rising(1.0, a) + libm::log1p(a * sum);
    let lower = libm::exp(ln_lower);
    let slope = a * lower * libm::exp(-x) / (1.0 + a * sum);
    Tails { lower, upper: -libm::expm1(ln_lower), slope }
}

/// `P(a, x) / slope` for `x <= a`, where `lean = a - x`.
fn lower_fraction(a: f64, x: f64, lean: f64) -> f64 {
    let mut inverse = 1.0 / (a + 1.0);
    fraction::steed(a * inverse * (lean + 1.0), |n| {
        let before = inverse;
        inverse = 1.0 / (a + 2.0 * n + 1.0);
        let share = x * before;
        (
            (a + n - 1.0) * share * (n * share),
            n + n * share + (a + n) * inverse * (lean + 1.0 + 2.0 * n),
        )
    })
}
