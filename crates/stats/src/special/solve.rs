//! Quantiles by Halley's method on the logarithm of a tail.

/// What a tail is at a point.
pub struct Point {
    /// The tail, positive.
    pub tail: f64,
    /// Derivative of the tail by the logarithm of `x`: positive for a lower tail.
    pub slope: f64,
    /// Derivative of the logarithm of `|slope|` by the logarithm of `x`.
    pub elasticity: f64,
}

/// Where to look for a root.
pub struct Range {
    /// The first guess.
    pub start: f64,
    /// A point at which the tail does not underflow.
    pub anchor: f64,
}

/// The `x > 0` at which a tail is `target`.
///
/// The densities of this crate are log-concave in `ln x`, and then so are both tails: Newton's
/// method for `ln tail` as a function of `ln x` goes to the safe side of the root, if need be, and
/// then approaches it from there without fail. Near the root Halley's correction makes the steps
/// cubic. Where the tail underflows, `x` moves half way back in `ln x`.
///
/// Returns 0 or infinity where the root is outside of what a double can hold.
#[inline]
pub fn tail(range: &Range, target: f64, at: impl Fn(f64) -> Point) -> f64 {
    const STEPS_MAX: u32 = 200;
    /// The next error is of the order of the cube of this.
    const CLOSE: f64 = 1e-6;
    let between = |p: f64, q: f64| p.sqrt() * q.sqrt();
    let (least, most) = (f64::MIN_POSITIVE, f64::MAX);
    let mut x = range.start.clamp(least, most);
    // The last points with a tail and without one.
    let (mut alive, mut dead) = (range.anchor, f64::NAN);
    for _ in 0..STEPS_MAX {
        let Point { tail, slope, elasticity } = at(x);
        if tail < f64::MIN_POSITIVE || slope == 0.0 {
            dead = x;
            x = between(alive, dead);
            continue;
        }
        alive = x;
        let miss = libm::log(tail / target);
        let rate = slope / tail;
        let newton = -miss / rate;
        let bend = 0.5 * newton * (elasticity - rate);
        let step = if bend.abs() < 0.5 { newton / (1.0 + bend) } else { newton };
        x *= libm::exp(step);
        if miss.abs() < CLOSE {
            break;
        }
        if (x <= dead && dead < alive) || (x >= dead && dead > alive) {
            x = between(alive, dead);
        }
        // A step from far off may go too far; one from the last number has nowhere to go.
        if x < least && alive == least {
            return 0.0;
        }
        if x > most && alive == most {
            return f64::INFINITY;
        }
        x = x.clamp(least, most);
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponential_quantiles_from_far_off() {
        // P(X > x) = exp(-x): the root is -ln(target).
        for target in [0.9, 0.5, 1e-3, 1e-200] {
            for start in [1e-6, 1.0, 50.0, 1e6] {
                let range = Range { start, anchor: 1.0 };
                let x = tail(&range, target, |x| {
                    let tail = libm::exp(-x);
                    Point { tail, slope: -x * tail, elasticity: 1.0 - x }
                });
                assert!((x / -libm::log(target) - 1.0).abs() < 4e-15, "{target} {start} {x}");
            }
        }
    }
}
