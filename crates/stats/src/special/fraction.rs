//! Continued fractions by Steed's forward recurrence.

/// Terms after which a fraction is given up; those of this crate need fewer than a thousand.
const TERMS_MAX: u32 = 100_000;

/// Value of `1 / (b0 + a1 / (b1 + a2 / (b2 + ...)))`, where `term(n)` gives `(an, bn)`.
///
/// Steed's form adds ever smaller steps to the value, so that it can tell when a step no longer
/// matters; it needs no rescaling.
///
/// # References
/// Barnett, Feng, Steed & Goldfarb (1974), Computer Physics Communications 8, 377.
#[inline]
pub fn steed(b0: f64, mut term: impl FnMut(f64) -> (f64, f64)) -> f64 {
    let mut inverse = 1.0 / b0;
    let mut step = inverse;
    let mut value = inverse;
    let mut n = 0.0;
    for _ in 0..TERMS_MAX {
        n += 1.0;
        let (a, b) = term(n);
        let next = 1.0 / (b + a * inverse);
        step *= -a * inverse * next;
        inverse = next;
        value += step;
        if step.is_nan() || step.abs() <= 0.25 * f64::EPSILON * value.abs() {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_golden_ratio() {
        let ratio = steed(1.0, |_| (1.0, 1.0));
        assert!((ratio - (5.0f64.sqrt() - 1.0) / 2.0).abs() < 2.0 * f64::EPSILON);
    }

    #[test]
    fn the_arctangent() {
        let quarter = steed(1.0, |n| (n * n, 2.0 * n + 1.0));
        assert!((quarter - std::f64::consts::FRAC_PI_4).abs() < 2.0 * f64::EPSILON);
    }
}
