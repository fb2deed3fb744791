//! Student's t distribution, with any positive real number of degrees of freedom.

use std::f64::consts::PI;

use super::{beta, normal, solve};

pub use super::critical::Critical;

/// From here on the distribution is the normal, to all digits of every tail.
const DF_NORMAL: f64 = 1e25;
/// Least `a = df / 2` of the expansion around the normal; smaller ones are lifted above it.
const SHAPE_MIN: f64 = 10.0;
/// Largest `ln(1 + t^2 / df)` of the expansion; beyond it the power series is short.
const WIDTH_MAX: f64 = 1.25;

/// Probability of a value at or below `t`.
///
/// Domain: `df > 0`, infinite for the normal; every `t`; NaN elsewhere.
#[inline]
pub fn cdf(t: f64, df: f64) -> f64 {
    upper(-t, df)
}

/// Probability of a value above `t`.
///
/// Domain: as for [`cdf`].
#[inline]
pub fn upper(t: f64, df: f64) -> f64 {
    let half = 0.5 * two_sided(t, df);
    if t < 0.0 { 1.0 - half } else { half }
}

/// Probability of a value at least as far from zero as `t`, `P(|T| >= |t|)`.
///
/// `I_x(df / 2, 1 / 2)` at `x = df / (df + t^2)`; computed for itself, so that a tiny
/// probability has as many correct digits as a large one.
///
/// Domain: as for [`cdf`].
///
/// # References
/// Near the centre an expansion around the normal tail, of the kind of BGRAT in DiDonato & Morris
/// (1992), ACM Transactions on Mathematical Software 18, 360; see `near_tail`. Further out
/// the power series DLMF 8.17.8.
#[inline]
pub fn two_sided(t: f64, df: f64) -> f64 {
    if t.is_nan() || df.is_nan() || df <= 0.0 {
        return f64::NAN;
    }
    if df > DF_NORMAL {
        return 2.0 * normal::upper(t.abs());
    }
    tail(Odds::of(t.abs(), df), df).0.min(1.0)
}

/// [`two_sided`] at the square of `t`.
pub(super) fn two_sided_square(square: f64, df: f64) -> f64 {
    if square.is_nan() || df.is_nan() || df <= 0.0 {
        return f64::NAN;
    }
    if df > DF_NORMAL {
        return 2.0 * normal::upper(square.sqrt());
    }
    tail(Odds::of_square(square, df), df).0.min(1.0)
}

/// Value at or below which a t variable falls with probability `p`.
///
/// Domain: `df > 0`, infinite for the normal; `0 <= p <= 1`, with infinite values at the ends;
/// NaN elsewhere.
pub fn quantile(p: f64, df: f64) -> f64 {
    if !(df > 0.0 && (0.0..=1.0).contains(&p)) {
        return f64::NAN;
    }
    if df > DF_NORMAL {
        return normal::quantile(p);
    }
    let outside = 2.0 * p.min(1.0 - p);
    let size = if outside == 1.0 {
        0.0
    } else if outside == 0.0 {
        f64::INFINITY
    } else {
        let range = solve::Range { start: start(outside, df), anchor: 1.0 };
        if outside <= 0.5 {
            solve::tail(&range, outside, |t| {
                let odds = Odds::of(t, df);
                let (tail, slope) = tail(odds, df);
                solve::Point { tail, slope: -slope, elasticity: odds.x() - df * odds.y() }
            })
        } else {
            solve::tail(&range, 1.0 - outside, |t| {
                let odds = Odds::of(t, df);
                let elasticity = odds.x() - df * odds.y();
                let centre = beta::tails(0.5, 0.5 * df, odds.y(), odds.x(), 0.5 * elasticity);
                solve::Point { tail: centre.lower, slope: 2.0 * centre.slope, elasticity }
            })
        }
    };
    if p < 0.5 { -size } else { size }
}

/// A rough `t` with `two_sided(t, df) = outside`.
fn start(outside: f64, df: f64) -> f64 {
    let a = 0.5 * df;
    let z = normal::quantile(0.5 * outside);
    let mut width = 0.5 * z * z / (a - 0.25);
    if !(0.0..=1.0).contains(&width) {
        // The leading term of the power series, x^a.
        let scale = gamma_ratio(a) / (a * PI.sqrt());
        width = (libm::log(scale / outside) / a).max(1e-3);
    }
    let t = (df * libm::expm1(width)).sqrt();
    if t < f64::INFINITY { t } else { libm::exp(0.5 * (libm::log(df) + width)) }
}

/// The odds `t^2 / df = y / x`, and their `width = ln(1 + odds)`, finite where the odds are not.
#[derive(Clone, Copy)]
struct Odds {
    ratio: f64,
    width: f64,
}

impl Odds {
    #[inline]
    fn of(t: f64, df: f64) -> Self {
        let ratio = t / df * t;
        if ratio < f64::INFINITY {
            return Self { ratio, width: libm::log1p(ratio) };
        }
        Self { ratio, width: 2.0 * libm::log(t) - libm::log(df) }
    }

    #[inline]
    fn of_square(square: f64, df: f64) -> Self {
        let ratio = square / df;
        if ratio < f64::INFINITY {
            return Self { ratio, width: libm::log1p(ratio) };
        }
        Self { ratio, width: libm::log(square) - libm::log(df) }
    }

    #[inline]
    fn x(self) -> f64 {
        1.0 / (1.0 + self.ratio)
    }

    #[inline]
    fn y(self) -> f64 {
        if self.ratio < 1.0 { self.ratio / (1.0 + self.ratio) } else { 1.0 - self.x() }
    }
}

/// Two-sided tail, and the size of its derivative by `ln t`.
#[inline]
fn tail(odds: Odds, df: f64) -> (f64, f64) {
    if odds.width > WIDTH_MAX { far_tail(odds, 0.5 * df) } else { near_tail(odds, 0.5 * df) }
}

/// By the power series `x^a sqrt(y) / (a B(a, 1/2))` times the sum of
/// `(a + 1/2)_k / (a + 1)_k x^k`.
fn far_tail(odds: Odds, a: f64) -> (f64, f64) {
    let x = odds.x();
    let mut term = 1.0;
    let mut sum = 1.0;
    let mut k = a + 0.5;
    while term > 0.25 * f64::EPSILON * sum {
        term *= x * (k / (k + 0.5));
        sum += term;
        k += 1.0;
    }
    let slope = libm::exp(-a * odds.width) * (odds.y() / PI).sqrt() * gamma_ratio(a);
    (slope / a * sum, 2.0 * slope)
}

/// By an expansion around the normal tail at `a + m`, plus the first `m` terms of the power
/// series at `a`. Every sum is of positive terms but for a correction of a few per cent.
///
/// With `w = ln(1 / x)` and `c = a - 1/4`, and `exp(-h)` for the variable of its integral, the
/// incomplete beta function is
///
/// ```text
/// I_x(a, 1/2) = integral from w of exp(-c h) h^(-1/2) g(h) dh / B(a, 1/2),
/// g(h) = (sinh(h/2) / (h/2))^(-1/2) = 1 - h^2/48 + ...
/// ```
///
/// `g` is even, so the terms fall by `1 / c^2`. Each is an incomplete gamma function of order
/// `2k + 1/2`, which is a multiple of that of order `1/2`, the normal tail at `u = c w`, plus
/// `exp(-u)` times a polynomial. The multiples add up to one, since the tail at `t = 0` is one.
#[inline]
fn near_tail(odds: Odds, a: f64) -> (f64, f64) {
    let lifts = if a < SHAPE_MIN { (SHAPE_MIN - a).ceil() } else { 0.0 };
    let top = a + lifts;
    let shifted = top - 0.25;
    let u = shifted * odds.width;
    let v = 1.0 / (shifted * shifted);
    let square = odds.width * odds.width;
    let (head, rest) = if odds.width > 0.5 {
        expansion::<13>(v, square, u)
    } else if odds.width > 0.25 || shifted < 15.0 {
        expansion::<10>(v, square, u)
    } else {
        expansion::<6>(v, square, u)
    };
    let decay = libm::exp(-u);
    let normal = normal::scaled_upper((2.0 * u).sqrt().min(39.0));
    let base = normal + (u / PI).sqrt() * rest / head;
    // slope = x^top sqrt(y) / B(top, 1/2), without the factor exp(-u).
    let x = odds.x();
    let scale = odds.y() * shifted * x.sqrt() / PI;
    let mut slope = scale.sqrt() / head;
    let mut sum = base;
    for lift in (0..lifts as u32).rev() {
        let b = a + f64::from(lift);
        let term = slope / (x * (b + 0.5));
        sum += term;
        slope = term * b;
    }
    (decay * sum, 2.0 * decay * slope)
}

/// `G` and `H` of `I_x(a, 1/2) = erfc(sqrt(u)) + exp(-u) sqrt(u / pi) H / G`.
///
/// With `v = 1 / c^2`, `square = w^2` and `s_k = SIGMA[k] + v s_(k+1)`: `G = 1 + v s_1` and
/// `H = v sum of square^(k-1) s_k (EVEN[k] + ODD[k] u)` over `k = 1..=TERMS`. Of these terms 13
/// are enough for `w <= 1.25`, 10 for `w <= 1/2`, and 6 for `w <= 1/4` where `c >= 15`: what is
/// left out is below 1e-16 of the tail.
#[inline]
fn expansion<const TERMS: usize>(v: f64, square: f64, u: f64) -> (f64, f64) {
    let mut s = 0.0;
    let mut h = 0.0;
    for k in (0..TERMS).rev() {
        s = SIGMA[k] + v * s;
        h = h * square + s * (EVEN[k] + ODD[k] * u);
    }
    (1.0 + v * s, v * h)
}

/// `gamma(a + 1/2) / gamma(a)`, which is `sqrt(c) / G` for large `a`.
fn gamma_ratio(a: f64) -> f64 {
    let lifts = if a < SHAPE_MIN { (SHAPE_MIN - a).ceil() } else { 0.0 };
    let shifted = a + lifts - 0.25;
    let v = 1.0 / (shifted * shifted);
    let head = 1.0 + v * SIGMA.iter().rev().fold(0.0, |s, c| c + v * s);
    let (mut top, mut bottom) = (1.0, head);
    for lift in 0..lifts as u32 {
        let b = a + f64::from(lift);
        top *= b;
        bottom *= b + 0.5;
    }
    shifted.sqrt() * top / bottom
}

/// Coefficients of `g(h)` in powers of `h^2` from `k = 1`, each times `(1/2)_2k`.
const SIGMA: [f64; 13] = [
    -0.015625,
    0.0025634765625,
    -0.0012798309326171875,
    0.0013435110449790955,
    -0.0024328966392204165,
    0.006754237533641572,
    -0.02663696061311782,
    0.14152745551956433,
    -0.9743845430322016,
    8.436862512297838,
    -89.72583216405525,
    1149.7291793157276,
    -17470.34610734311,
];
/// `1 / (1/2)_(2k-1)`, from `k = 1`.
const EVEN: [f64; 13] = [
    2.0,
    0.5333333333333333,
    0.033862433862433865,
    0.0009472009472009472,
    1.4858054073740349e-05,
    1.4895292304501602e-07,
    1.0361942472696766e-09,
    5.293457201888515e-12,
    2.0697779870531825e-14,
    6.39313663954651e-17,
    1.5992837122067567e-19,
    3.3060128417710734e-22,
    5.742097858047891e-25,
];
/// `1 / (1/2)_2k`, from `k = 1`.
const ODD: [f64; 13] = [
    1.3333333333333333,
    0.1523809523809524,
    0.0061568061568061565,
    0.00012629345962679296,
    1.5640056919726682e-06,
    1.2952428090870958e-08,
    7.675512942738345e-11,
    3.4151336786377513e-13,
    1.1827302783161044e-15,
    3.278531610023851e-18,
    7.438528893984915e-21,
    1.4068139752217334e-23,
    2.2518030815874082e-26,
];

#[cfg(test)]
mod tests {
    use super::*;

    const INF: f64 = f64::INFINITY;

    #[test]
    fn the_ends() {
        for df in [1e-3, 1.0, 7.5, 1e6, INF] {
            assert_eq!((two_sided(0.0, df), cdf(0.0, df), upper(0.0, df)), (1.0, 0.5, 0.5));
            assert_eq!((two_sided(INF, df), cdf(INF, df), upper(INF, df)), (0.0, 1.0, 0.0));
            assert_eq!((cdf(-INF, df), upper(-INF, df)), (0.0, 1.0));
            assert_eq!((quantile(0.0, df), quantile(0.5, df), quantile(1.0, df)), (-INF, 0.0, INF));
        }
        // The root, about 1e15000, is above the largest double.
        assert_eq!(quantile(1e-30, 2e-3), -INF);
    }

    #[test]
    fn outside_the_domain() {
        for df in [f64::NAN, 0.0, -1.0] {
            assert!(
                two_sided(1.0, df).is_nan() && cdf(1.0, df).is_nan() && upper(1.0, df).is_nan()
            );
            assert!(quantile(0.5, df).is_nan());
        }
        for p in [f64::NAN, -0.1, 1.1] {
            assert!(quantile(p, 3.0).is_nan() && quantile(p, INF).is_nan());
        }
        assert!(two_sided(f64::NAN, 3.0).is_nan() && cdf(f64::NAN, INF).is_nan());
    }

    #[test]
    fn cauchy() {
        for t in [1e-12, 0.1, 1.0, 1.6, 1.9, 50.0, 1e9] {
            let exact = 2.0 / PI * libm::atan2(1.0, t);
            assert!((two_sided(t, 1.0) / exact - 1.0).abs() < 2e-15, "{t}");
        }
    }

    #[test]
    fn both_ways_agree_where_they_meet() {
        for df in [0.3, 1.0, 4.4, 20.0, 90.0, 800.0] {
            let t = (df * libm::expm1(WIDTH_MAX)).sqrt();
            let odds = Odds::of(t, df);
            let (near, far) = (near_tail(odds, 0.5 * df), far_tail(odds, 0.5 * df));
            assert!((near.0 / far.0 - 1.0).abs() < 2e-15, "{df}: {near:?} {far:?}");
            assert!((near.1 / far.1 - 1.0).abs() < 2e-15, "{df}: {near:?} {far:?}");
        }
    }
}
