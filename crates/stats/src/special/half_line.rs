//! Tails of densities with very large parameters, by numerical integration.

/// The integral of `exp(-bend(v) - lean v)` over `v > 0`, for a convex `bend` that starts like
/// `curvature v^2 / 2`.
///
/// The substitution `v = width exp(s - exp(-s))` makes the integrand fall off doubly
/// exponentially at both ends, so that equal steps in `s` converge exponentially; every term is
/// positive, so the sum keeps its relative accuracy. The cost does not depend on the parameters.
///
/// # References
/// Takahasi & Mori (1974), Publications of RIMS 9, 721.
pub fn integrate(lean: f64, curvature: f64, bend: impl Fn(f64) -> f64) -> f64 {
    const STEP: f64 = 0.1;
    const FIRST: i32 = -36;
    const LAST: i32 = 40;
    let width = 1.0 / (lean + curvature.sqrt());
    let mut sum = 0.0;
    for k in FIRST..=LAST {
        let s = STEP * f64::from(k);
        let decay = libm::exp(-s);
        let u = libm::exp(s - decay);
        let v = width * u;
        let term = u * (1.0 + decay) * libm::exp(-(lean * v + bend(v)));
        sum += term;
        if k > 0 && term < 1e-18 * sum {
            break;
        }
    }
    STEP * width * sum
}

/// `exp(v) - 1 - v` for `|v| <= 1`, without cancellation.
pub fn exp_bend(v: f64) -> f64 {
    let square = v * v;
    let (mut even, mut odd) = (0.0, 0.0);
    for k in (0..INVERSE_FACTORIALS.len() / 2).rev() {
        even = even * square + INVERSE_FACTORIALS[2 * k];
        odd = odd * square + INVERSE_FACTORIALS[2 * k + 1];
    }
    square * (even + v * odd)
}

/// `1 / k!` from `k = 2`.
const INVERSE_FACTORIALS: [f64; 16] = {
    let mut inverse = [0.0; 16];
    let mut factorial = 1.0;
    let mut k = 0;
    while k < 16 {
        factorial *= (k + 2) as f64;
        inverse[k] = 1.0 / factorial;
        k += 1;
    }
    inverse
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exponential_and_a_half_normal() {
        assert!((integrate(3.0, 0.0, |_| 0.0) * 3.0 - 1.0).abs() < 1e-15);
        let half = integrate(0.0, 4.0, |v| 2.0 * v * v);
        assert!((half * 2.0 / (0.5 * std::f64::consts::PI).sqrt() - 1.0).abs() < 1e-15);
    }

    #[test]
    fn bend_of_the_exponential() {
        for v in [-1.0, -0.3, 0.4, 1.0] {
            let plain = libm::expm1(v) - v;
            assert!((exp_bend(v) / plain - 1.0).abs() < 4e-15);
        }
    }
}
