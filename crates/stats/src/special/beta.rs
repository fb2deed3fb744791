//! The regularised incomplete beta function.

use std::f64::consts::PI;

use super::half_line::{exp_bend, integrate};
use super::{Tails, fraction, gamma};

/// From these parameters on, and near the mean, a tail is integrated: its fraction would be long.
const SHAPE_LARGE: f64 = 1e5;
/// How near to the mean, as a share of the smaller parameter.
const SHAPE_SPREAD: f64 = 0.3;
/// Largest `x max(1, b)` for which the power series in `x` serves.
const SERIES_MAX: f64 = 0.7;

/// Lower tail `I_x(a, b)`, the integral of `t^(a-1) (1-t)^(b-1) / B(a, b)` from 0 to `x`.
///
/// `y` is `1 - x`: where `x` is near 1 the caller knows it to more digits than `x` can hold.
///
/// Domain: `a` and `b` positive and finite, `x` and `y` in `[0, 1]`; NaN elsewhere.
pub fn lower(a: f64, b: f64, x: f64, y: f64) -> f64 {
    tails(a, b, x, y, a * y - b * x).lower
}

/// Upper tail `1 - I_x(a, b) = I_y(b, a)`; arguments as for [`lower`].
pub fn upper(a: f64, b: f64, x: f64, y: f64) -> f64 {
    tails(a, b, x, y, a * y - b * x).upper
}

/// Both tails of the beta distribution, and the derivative of the lower one by `ln(x / y)`.
///
/// `lean` is `a y - b x`, the distance to the mean `a / (a + b)`. With large parameters it has
/// fewer digits than `x` where it is taken from `x`, so a caller who knows better gives it.
///
/// Domain: as for [`lower`].
///
/// # References
/// DiDonato & Morris (1992), ACM Transactions on Mathematical Software 18, 360: the power series
/// of their BPSER (DLMF 8.17.7) and the continued fraction of their BFRAC. Loader (2000), Fast and
/// accurate computation of binomial probabilities, for the factor before the fraction.
pub fn tails(a: f64, b: f64, x: f64, y: f64, lean: f64) -> Tails {
    let positive = |p: f64| p > 0.0 && p < f64::INFINITY;
    let share = |p: f64| (0.0..=1.0).contains(&p);
    if !(positive(a) && positive(b) && share(x) && share(y)) || lean.is_nan() {
        return Tails::UNDEFINED;
    }
    if x == 0.0 {
        return Tails::AT_ZERO;
    }
    if y == 0.0 {
        return Tails::AT_INFINITY;
    }
    let series_x = a < 1.0 && x * b.max(1.0) <= SERIES_MAX;
    let series_y = b < 1.0 && y * a.max(1.0) <= SERIES_MAX;
    if series_x && !(series_y && y < x) {
        small_shape(a, b, x)
    } else if series_y {
        small_shape(b, a, y).swapped()
    } else if lean >= 0.0 {
        below_mean(a, b, x, y, lean)
    } else {
        below_mean(b, a, y, x, -lean).swapped()
    }
}

/// `I_x(a, b) = exp(L)` with `L = a ln x + ln((b)_a / (1)_a) + ln(1 + a S)`. As `a` goes to 0
/// every part of `L` goes to 0 with it, so that `1 - exp(L)` keeps its digits.
fn small_shape(a: f64, b: f64, x: f64) -> Tails {
    let mut term = 1.0;
    let mut sum = 0.0;
    let mut k = 0.0;
    while f64::abs(term) > 1e-17 {
        k += 1.0;
        term *= (k - b) * x / k;
        sum += term / (a + k);
    }
    let scale = gamma::ln_rising(b, a) - gamma::ln_rising(1.0, a);
    let ln_lower = a * libm::log(x) + scale + libm::log1p(a * sum);
    let lower = libm::exp(ln_lower);
    let slope = a * lower * libm::exp(b * libm::log1p(-x)) / (1.0 + a * sum);
    Tails { lower, upper: -libm::expm1(ln_lower), slope }
}

/// The tails where `x` is at most the mean: the lower one is computed, the upper is its rest.
fn below_mean(a: f64, b: f64, x: f64, y: f64, lean: f64) -> Tails {
    let total = a + b;
    let deviance = gamma::bd0(a, total * x, lean) + gamma::bd0(b, total * y, -lean);
    let error = gamma::stirlerr(total) - gamma::stirlerr(a) - gamma::stirlerr(b);
    let slope = (a * (b / total) / (2.0 * PI)).sqrt() * libm::exp(error - deviance);
    if slope == 0.0 {
        return Tails::from_lower(0.0, 0.0);
    }
    let least = a.min(b);
    let area = if least > SHAPE_LARGE && lean < SHAPE_SPREAD * least {
        // The density of the log odds, from x downwards; the smaller of x and y is the one that
        // makes the parts of the bend add up without loss.
        integrate(lean, total * x * y, |v| {
            let (share, step) = if x <= y { (x, -v) } else { (y, v) };
            let moved = share * libm::expm1(step);
            total * (share * exp_bend(step) - gamma::bd0(1.0, 1.0 + moved, -moved))
        })
    } else {
        lower_fraction(a, b, x, y, lean)
    };
    Tails::from_lower(slope * area, slope)
}

/// `I_x(a, b) / slope` for `x` at most the mean.
fn lower_fraction(a: f64, b: f64, x: f64, y: f64, lean: f64) -> f64 {
    let total = a + b;
    let mut inverse = 1.0 / (a + 1.0);
    fraction::steed(a * inverse * (lean + 1.0), |n| {
        // Products in this order neither overflow nor underflow near the mean.
        let before = x * inverse;
        inverse = 1.0 / (a + 2.0 * n + 1.0);
        let common = n * ((b - n) * before);
        (
            (a + n - 1.0) * ((total + n - 1.0) * before) * common,
            n + common + (a + n) * inverse * (lean + 1.0 + n * (1.0 + y)),
        )
    })
}
