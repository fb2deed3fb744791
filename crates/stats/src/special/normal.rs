//! The standard normal distribution.

use std::f64::consts::PI;

/// Numerator of the scaled tail `2 exp(z^2 / 2) P(Z > z)` for `0 <= z <= 39`, in powers of `z`.
/// All coefficients are positive, so that no digit cancels; relative error 6e-18.
const TOP: [f64; 12] = [
    1.0,
    1.666545891957867,
    1.376173498206129,
    0.7279600870686447,
    0.2706921748504016,
    0.07361383360359099,
    0.01480993786460874,
    0.002179734205655947,
    0.00022554654890049903,
    1.4928657692243203e-05,
    4.86404112571857e-07,
    0.0,
];
/// Denominator of the same.
const BOTTOM: [f64; 12] = [
    1.0,
    2.4644304527607326,
    2.8425045076363222,
    2.029696841611648,
    0.9993473638731207,
    0.3572645629952743,
    0.094955729692531,
    0.018842965935393988,
    0.0027506019934346792,
    0.0002832902955080205,
    1.871029773685485e-05,
    6.09617150734612e-07,
];
/// Beyond this the tail is below the least double.
const Z_MAX: f64 = 39.0;

/// Density `exp(-z^2 / 2) / sqrt(2 pi)`.
///
/// Domain: every `z`.
#[inline]
pub fn pdf(z: f64) -> f64 {
    if z.abs() > Z_MAX { 0.0 } else { exp_half_square(z) / (2.0 * PI).sqrt() }
}

/// Probability of a value at or below `z`.
///
/// Domain: every `z`; relative error below 1e-15 in both tails.
#[inline]
pub fn cdf(z: f64) -> f64 {
    upper(-z)
}

/// Probability of a value above `z`.
///
/// Domain: every `z`; relative error below 1e-15 in both tails.
#[inline]
pub fn upper(z: f64) -> f64 {
    let size = z.abs();
    let tail = if size > Z_MAX { 0.0 } else { 0.5 * exp_half_square(size) * scaled_upper(size) };
    if z < 0.0 { 1.0 - tail } else { tail }
}

/// Density over upper tail, `pdf(z) / upper(z)`: the hazard, or the inverse of Mills' ratio.
///
/// Domain: every `z`; relative error below 1e-15. It is near `z` for large `z`, and never zero
/// where the density is not.
#[inline]
pub fn hazard(z: f64) -> f64 {
    if z < 0.0 {
        pdf(z) / upper(z)
    } else if z <= Z_MAX {
        (2.0 / PI).sqrt() / scaled_upper(z)
    } else {
        // Five terms of the asymptotic series: the next, 8162 / z^11, is below 3e-14 here,
        // relatively 1e-15.
        let r = 1.0 / z;
        let s = r * r;
        z + r * (1.0 - s * (2.0 - s * (10.0 - s * (74.0 - 706.0 * s))))
    }
}

/// Logarithm of the upper tail.
///
/// Domain: every `z`; finite as long as `z^2` is.
#[inline]
pub fn log_upper(z: f64) -> f64 {
    if z < Z_MAX / 2.0 {
        if z < -1.0 { libm::log1p(-upper(-z)) } else { libm::log(upper(z)) }
    } else {
        // pdf / hazard, without the underflow of the density.
        -0.5 * z * z - 0.5 * libm::log(2.0 * PI) - libm::log(hazard(z))
    }
}

/// Scaled tail `2 exp(z^2 / 2) P(Z > z)`, which is `erfcx(z / sqrt(2))`.
///
/// Domain: `0 <= z <= 39`.
#[inline]
pub(super) fn scaled_upper(z: f64) -> f64 {
    alternate(&TOP, z) / alternate(&BOTTOM, z)
}

/// Value below which a standard normal variable falls with probability `p`.
///
/// Domain: `0 <= p <= 1`, with infinite values at the ends; NaN elsewhere.
///
/// # References
/// Wichura (1988), Applied Statistics 37, 477, algorithm AS 241 (PPND16).
pub fn quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180625 - q * q;
        return q * ratio(&CENTRE, r);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    if tail == 0.0 {
        return f64::INFINITY.copysign(q);
    }
    // The logarithm makes a NaN of what is outside the domain.
    let r = (-libm::log(tail)).sqrt();
    let size = if r <= 5.0 { ratio(&MIDDLE, r - 1.6) } else { ratio(&FAR, r - 5.0) };
    size.copysign(q)
}

/// Numerator and denominator of an approximation of AS 241.
type Ratio = [[f64; 8]; 2];

const CENTRE: Ratio = [
    [
        3.3871328727963665,
        133.14166789178438,
        1971.5909503065513,
        13731.69376550946,
        45921.95393154987,
        67265.7709270087,
        33430.57558358813,
        2509.0809287301227,
    ],
    [
        1.0,
        42.31333070160091,
        687.1870074920579,
        5394.196021424751,
        21213.794301586597,
        39307.89580009271,
        28729.085735721943,
        5226.495278852854,
    ],
];
const MIDDLE: Ratio = [
    [
        1.4234371107496835,
        4.630337846156546,
        5.769497221460691,
        3.6478483247632045,
        1.2704582524523684,
        0.2417807251774506,
        0.022723844989269184,
        0.0007745450142783414,
    ],
    [
        1.0,
        2.053191626637759,
        1.6763848301838038,
        0.6897673349851,
        0.14810397642748008,
        0.015198666563616457,
        0.0005475938084995345,
        1.0507500716444169e-09,
    ],
];
const FAR: Ratio = [
    [
        6.657904643501103,
        5.463784911164114,
        1.7848265399172913,
        0.29656057182850487,
        0.026532189526576124,
        0.0012426609473880784,
        2.7115555687434876e-05,
        2.0103343992922881e-07,
    ],
    [
        1.0,
        0.599832206555888,
        0.1369298809227358,
        0.014875361290850615,
        0.0007868691311456133,
        1.8463183175100548e-05,
        1.421511758316446e-07,
        2.0442631033899397e-15,
    ],
];

#[inline]
fn ratio([top, bottom]: &Ratio, r: f64) -> f64 {
    let polynomial = |c: &[f64; 8]| c.iter().rev().fold(0.0, |sum, &c| sum * r + c);
    polynomial(top) / polynomial(bottom)
}

/// A polynomial by its even and odd halves, which the processor works out side by side.
#[inline]
fn alternate(c: &[f64; 12], z: f64) -> f64 {
    let square = z * z;
    let (mut even, mut odd) = (c[10], c[11]);
    for k in (0..5).rev() {
        even = even * square + c[2 * k];
        odd = odd * square + c[2 * k + 1];
    }
    even + z * odd
}

/// `exp(-z^2 / 2)` with the rounding error of the square put back; `|z| <= 39`.
#[inline]
fn exp_half_square(z: f64) -> f64 {
    // The square of a single-precision number is exact in double precision.
    let head = f64::from(z as f32);
    let rest = 0.5 * (z - head) * (z + head);
    libm::exp(-0.5 * head * head) * (1.0 - rest * (1.0 - 0.5 * rest * (1.0 - rest / 3.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends() {
        assert_eq!((cdf(0.0), upper(0.0)), (0.5, 0.5));
        assert_eq!((cdf(f64::NEG_INFINITY), cdf(f64::INFINITY)), (0.0, 1.0));
        assert_eq!((upper(f64::NEG_INFINITY), upper(f64::INFINITY)), (1.0, 0.0));
        assert_eq!((quantile(0.0), quantile(1.0)), (f64::NEG_INFINITY, f64::INFINITY));
        assert_eq!((quantile(0.5), pdf(f64::INFINITY)), (0.0, 0.0));
        for x in [f64::NAN, -0.1, 1.1, f64::INFINITY] {
            assert!(quantile(x).is_nan());
        }
        assert!(cdf(f64::NAN).is_nan() && upper(f64::NAN).is_nan() && pdf(f64::NAN).is_nan());
    }

    #[test]
    fn hazard_and_logarithm_agree_with_the_tail_and_continue_it() {
        for i in -300..300 {
            let z = f64::from(i) * 0.1;
            assert!((hazard(z) * upper(z) / pdf(z) - 1.0).abs() < 1e-14, "{z}");
            let log = libm::log(upper(z));
            assert!((log_upper(z) - log).abs() <= 1e-14 * (1.0 + log.abs()), "{z}");
        }
        // Both sides of the place where the series takes over.
        let (below, above) = (Z_MAX, Z_MAX + 1e-9);
        assert!((hazard(above) - hazard(below) - 1e-9).abs() < 1e-11);
        assert!((log_upper(above) - log_upper(below) + 1e-9 * hazard(Z_MAX)).abs() < 1e-11);
        assert!(hazard(1e9) == 1e9 && log_upper(1e150).is_finite());
    }
}
