//! The logarithm of the gamma function, and the parts of it that survive cancellation.

/// `STIRLING(1 / z^2) / z` is `stirlerr(z)` for `z >= 4`, to a relative 2e-17.
const STIRLING: [f64; 10] = [
    0.08333333333333333,
    -0.002777777777772176,
    0.0007936507905516767,
    -0.0005952374274455739,
    0.0008416770575431596,
    -0.0019127622508607414,
    0.006217082070658744,
    -0.024415663820603565,
    0.08682485950808629,
    -0.17679466042076464,
];
/// The least argument of `STIRLING`.
const STIRLING_MIN: f64 = 4.0;

/// `ATANH(v^2)` is `(atanh(v) / v - 1) / v^2` for `|v| <= 1/3`, to a relative 1.2e-16.
const ATANH: [f64; 10] = [
    0.3333333333333333,
    0.20000000000007395,
    0.14285714283527173,
    0.11111111361320593,
    0.09090894595815745,
    0.07692788223956301,
    0.06657023343823615,
    0.06000970005396791,
    0.04398290605117554,
    0.08086175654893493,
];

/// Logarithm of the gamma function.
///
/// Domain: `x >= 0`, infinite at 0; NaN for a negative `x`.
#[inline]
pub fn ln_gamma(x: f64) -> f64 {
    if x >= 0.0 { libm::lgamma(x) } else { f64::NAN }
}

/// Error of Stirling's formula, `ln z! - ln(sqrt(2 pi z) (z / e)^z)`.
///
/// Domain: `z > 0`; absolute error below 1e-15. It falls from infinity at 0 as `1 / (12 z)`.
///
/// # References
/// Loader (2000), Fast and accurate computation of binomial probabilities, section 2.
#[inline]
pub fn stirlerr(z: f64) -> f64 {
    let mut z = z;
    let mut lift = 0.0;
    while z < STIRLING_MIN {
        lift += (z + 0.5) * libm::log1p(1.0 / z) - 1.0;
        z += 1.0;
    }
    let s = 1.0 / z;
    lift + s * horner(&STIRLING, s * s)
}

/// Deviance term `x ln(x / m) - (x - m)`, from `d = x - m`.
///
/// Zero at `x = m`, positive elsewhere; relative error of a few units in the last place, which
/// is why the caller gives `d`: the difference of two rounded numbers would not do.
///
/// Domain: `x > 0`, `m > 0`.
///
/// # References
/// Loader (2000), as for [`stirlerr`], section 3.
#[inline]
pub fn bd0(x: f64, m: f64, d: f64) -> f64 {
    let v = 0.5 * d / (0.5 * x + 0.5 * m);
    if v.abs() <= 1.0 / 3.0 {
        let square = v * v;
        return v * (d + 2.0 * x * square * horner(&ATANH, square));
    }
    let ratio = x / m;
    let log = if ratio > 0.0 && ratio < f64::INFINITY {
        libm::log(ratio)
    } else {
        libm::log(x) - libm::log(m)
    };
    x * log - d
}

/// Logarithm of the rising factorial, `ln gamma(b + a) - ln gamma(b)`.
///
/// Its relative error stays small as `a` goes to 0, unlike that of the plain difference.
///
/// Domain: `a >= 0`, `b > 0`.
#[inline]
pub fn ln_rising(b: f64, a: f64) -> f64 {
    // gamma(b + a) / gamma(b) is that of b + 1 over (1 + a / b).
    let mut b = b;
    let mut growth = 0.0;
    while b < STIRLING_MIN {
        let ratio = a / b;
        growth += ratio + growth * ratio;
        b += 1.0;
    }
    let top = b + a;
    let (s0, s1) = (1.0 / b, 1.0 / top);
    let (t0, t1) = (s0 * s0, s1 * s1);
    // Divided difference of the polynomial between t0 and t1, and its value at t1.
    let (mut slope, mut at0, mut at1) = (0.0, 0.0, 0.0);
    for &c in STIRLING.iter().rev() {
        slope = slope * t1 + at0;
        at0 = at0 * t0 + c;
        at1 = at1 * t1 + c;
    }
    let series = -a * s0 * s1 * (at1 + s0 * (s0 + s1) * slope);
    let leading = (b - 0.5) * libm::log1p(a * s0) + a * (libm::log(top) - 1.0);
    leading + series - libm::log1p(growth)
}

#[inline]
fn horner(coefficients: &[f64; 10], t: f64) -> f64 {
    let c = coefficients;
    let square = t * t;
    let even = (((c[8] * square + c[6]) * square + c[4]) * square + c[2]) * square + c[0];
    let odd = (((c[9] * square + c[7]) * square + c[5]) * square + c[3]) * square + c[1];
    even + t * odd
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rising_factorials_of_whole_numbers() {
        for (b, a, value) in [(1.0, 4.0, 24.0), (0.5, 3.0, 1.875), (7.0, 2.0, 56.0)] {
            assert!((ln_rising(b, a) / libm::log(value) - 1.0).abs() < 4e-15);
        }
    }

    #[test]
    fn rising_factorial_of_a_tiny_step_is_the_digamma_function() {
        const EULER: f64 = 0.577_215_664_901_532_9;
        let step = 1e-30;
        for (b, digamma) in [(1.0, -EULER), (2.0, 1.0 - EULER), (4.0, 11.0 / 6.0 - EULER)] {
            assert!((ln_rising(b, step) / (step * digamma) - 1.0).abs() < 1e-15);
        }
    }

    #[test]
    fn deviance_is_smooth_where_its_formula_changes() {
        for m in [0.5f64, 2.0] {
            let at = |m: f64| bd0(1.0, m, 1.0 - m);
            let (inside, outside) = (at(m * (1.0 - 1e-15)), at(m * (1.0 + 1e-15)));
            assert!((inside / outside - 1.0).abs() < 2e-14);
        }
        assert_eq!(bd0(3.0, 3.0, 0.0), 0.0);
    }
}
