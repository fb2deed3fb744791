//! Distributions by plain numerical integration, independent of the special functions under test.

/// Simpson's rule with an even number of panels.
pub fn integral(f: impl Fn(f64) -> f64, low: f64, high: f64, panels: usize) -> f64 {
    let h = (high - low) / panels as f64;
    let weight = |i: usize| match i {
        0 => 1.0,
        i if i == panels => 1.0,
        i if i % 2 == 1 => 4.0,
        _ => 2.0,
    };
    (0..=panels).map(|i| weight(i) * f(low + h * i as f64)).sum::<f64>() * h / 3.0
}

/// The distribution function of the standard normal distribution, by its power series:
/// `1/2 + phi(x) (x + x^3/3 + x^5/15 + ...)`.
pub fn normal_cdf(x: f64) -> f64 {
    if x.abs() > 8.0 {
        return if x > 0.0 { 1.0 } else { 0.0 };
    }
    let (mut term, mut sum, mut k) = (x, x, 3.0);
    while term.abs() > 1e-18 * sum.abs() {
        term *= x * x / k;
        sum += term;
        k += 2.0;
    }
    let phi = (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    (0.5 + phi * sum).clamp(0.0, 1.0)
}

/// The logarithm of the gamma function at a positive multiple of a half.
fn log_gamma_of_half(twice: usize) -> f64 {
    let start = if twice.is_multiple_of(2) { 2 } else { 1 };
    let first = if start == 2 { 0.0 } else { std::f64::consts::PI.ln() / 2.0 };
    first + (start..twice).step_by(2).map(|k| (k as f64 / 2.0).ln()).sum::<f64>()
}

/// The probability that `|T| > critical`, `T` noncentral t: `(Z + shift) / S`, `S^2` a chi-squared
/// variable over its `df` degrees of freedom. Integrated over the density of `S`.
pub fn t_power(critical: f64, df: usize, shift: f64) -> f64 {
    let nu = df as f64;
    let constant = 2.0_f64.ln() + nu / 2.0 * (nu / 2.0).ln() - log_gamma_of_half(df);
    let density = |s: f64| (constant + (nu - 1.0) * s.ln() - nu * s * s / 2.0).exp();
    let rejected = |s: f64| normal_cdf(-critical * s - shift) + normal_cdf(shift - critical * s);
    let high = 1.0 + 12.0 / nu.sqrt();
    let at = |s: f64| if s == 0.0 { 0.0 } else { density(s) * rejected(s) };
    integral(at, 0.0, high, 4000)
}

/// The critical value of a two-sided t test of level `alpha`, by bisection.
pub fn t_critical(alpha: f64, df: usize) -> f64 {
    let (mut low, mut high) = (0.0, 1000.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if t_power(middle, df, 0.0) > alpha { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

/// The distribution function of the F distribution: the incomplete beta function at
/// `a x / (a x + b)`. Both degrees of freedom must be 2 or more.
pub fn f_cdf(x: f64, a: usize, b: usize) -> f64 {
    assert!(a >= 2 && b >= 2, "the density of the beta distribution has to be bounded");
    let (p, q) = (a as f64 / 2.0, b as f64 / 2.0);
    let constant = log_gamma_of_half(a + b) - log_gamma_of_half(a) - log_gamma_of_half(b);
    let density = |t: f64| constant.exp() * t.powf(p - 1.0) * (1.0 - t).powf(q - 1.0);
    integral(density, 0.0, a as f64 * x / (a as f64 * x + b as f64), 4000)
}

/// The quadrature itself, against a table of the normal distribution (Abramowitz and Stegun 1964,
/// table 26.1) and closed forms: with 2 degrees of freedom, and F with 2 or 4 in the numerator.
#[test]
fn quadrature_gives_known_values() {
    let t_of_2 = |alpha: f64| (1.0 - alpha) / (alpha * (2.0 - alpha) / 2.0).sqrt();
    let f_of_4 = |x: f64| {
        let share: f64 = 4.0 * x / (4.0 * x + 10.0);
        1.0 - (1.0 - share).powi(5) * (1.0 + 5.0 * share)
    };
    for (what, ours, expected, room) in [
        ("normal", normal_cdf(1.96), 0.975_002_104_851_78, 1e-13),
        ("normal", normal_cdf(-3.0), 0.001_349_898_031_63, 1e-13),
        ("t, 2 df", t_critical(0.05, 2), t_of_2(0.05), 1e-8),
        ("t, 2 df", t_critical(0.1, 2), t_of_2(0.1), 1e-8),
        ("t, 5 df", t_critical(0.05, 5), 2.571, 5e-4),
        ("t, 30 df", t_critical(0.01, 30), 2.750, 5e-4),
        ("F, 2 and 7 df", f_cdf(1.3, 2, 7), 1.0 - (1.0 + 2.6 / 7.0_f64).powf(-3.5), 1e-10),
        ("F, 4 and 10 df", f_cdf(0.8, 4, 10), f_of_4(0.8), 1e-10),
    ] {
        assert!((ours - expected).abs() < room, "{what}: {ours}, not {expected}");
    }
}
