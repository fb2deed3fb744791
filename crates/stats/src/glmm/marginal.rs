//! Means over the distribution of the random effects, with their derivatives.

use crate::glm::Family;
use crate::linalg::emptied;
use crate::special::normal;

/// Beyond this many standard deviations the normal density is rounding error beside one.
const REACH: f64 = 8.6;
/// Most that two nodes are apart: the sum over nodes so far apart is exact for the normal density.
const STEP_MAX: f64 = 0.5;
/// Least that they are apart.
const STEP_MIN: f64 = 0.005;
/// The error of the sum is `exp(-2 pi d / step)`, `d` the width of the strip around the real line
/// in which the integrand has no pole: this is the exponent.
const DIGITS: f64 = 40.0;

/// The mean `M(eta, v) = E mu(eta + sqrt(v) X)`, `X` standard normal, and its first four
/// derivatives by `eta`. Those by `v` follow from the heat equation, `dM/dv = M'' / 2`.
pub(super) type Tower = [f64; 5];

/// Nodes of the sum for one spread, kept for the rows that share it.
#[derive(Debug, Default)]
pub(super) struct Mixture {
    v: f64,
    /// Shifts of the linear predictor, and their weights.
    nodes: Vec<(f64, f64)>,
}

impl Mixture {
    /// The mean of a family over effects of variance `v`.
    ///
    /// Probit and Poisson have closed forms; the others are summed over equidistant nodes, which
    /// converges geometrically for analytic integrands.
    /// Domain: binomial families and Poisson's.
    ///
    /// # References
    /// Zeger, Liang and Albert 1988, Biometrics 44:1049, section 2 (closed forms). Trefethen and
    /// Weideman 2014, SIAM Review 56:385, theorem 5.1 (the sum).
    pub fn tower(&mut self, family: Family, eta: f64, v: f64) -> Tower {
        match family {
            Family::Poisson => [libm::exp(eta + 0.5 * v); 5],
            Family::Probit => probit(eta, v),
            _ if v == 0.0 => of_point(family, eta),
            _ => {
                self.spread(family, v);
                let mut sum = [0.0; 5];
                for (shift, weight) in &self.nodes {
                    let one = of_point(family, eta + shift);
                    sum.iter_mut().zip(one).for_each(|(s, o)| *s += weight * o);
                }
                sum
            }
        }
    }

    /// Places the nodes for a variance.
    fn spread(&mut self, family: Family, v: f64) {
        if self.v == v {
            return;
        }
        self.v = v;
        let sd = v.sqrt();
        // The logistic function has its poles at pi; the other grows without end beyond half of it.
        let strip = match family {
            Family::Logit => std::f64::consts::PI,
            _ => std::f64::consts::FRAC_PI_2,
        };
        let step = 2.0 * std::f64::consts::PI * strip / (DIGITS * sd);
        let step = step.clamp(STEP_MIN, STEP_MAX);
        let n = (REACH / step).ceil() as i32;
        let nodes = emptied(&mut self.nodes, 2 * n as usize + 1);
        nodes.extend((-n..=n).map(|k| {
            let x = f64::from(k) * step;
            (sd * x, step * normal::pdf(x))
        }));
    }
}

/// The mean at a linear predictor, and its derivatives.
fn of_point(family: Family, eta: f64) -> Tower {
    if family == Family::Logit {
        let mean = family.mean(eta, 0.0);
        let (d, tilt) = (mean.slope, 1.0 - 2.0 * mean.mu);
        return [mean.mu, d, mean.bend, d * (1.0 - 6.0 * d), d * tilt * (1.0 - 12.0 * d)];
    }
    // The complementary log-log link: all derivatives have the factor t exp(-t).
    let t = libm::exp(eta);
    if t > 700.0 {
        return [1.0, 0.0, 0.0, 0.0, 0.0];
    }
    let slope = t * libm::exp(-t);
    let third = slope * (1.0 + t * (t - 3.0));
    let fourth = slope * (1.0 + t * (-7.0 + t * (6.0 - t)));
    [-libm::expm1(-t), slope, slope * (1.0 - t), third, fourth]
}

/// The closed form for the probit link: `Phi(eta / sqrt(1 + v))`.
fn probit(eta: f64, v: f64) -> Tower {
    let s = (1.0 + v).sqrt();
    let z = eta / s;
    let d = normal::pdf(z) / s;
    let (second, third) = (-z * d / s, (z * z - 1.0) * d / (s * s));
    [normal::cdf(z), d, second, third, z * (3.0 - z * z) * d / (s * s * s)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::glmm::Nodes;

    const FAMILIES: [Family; 4] = [Family::Logit, Family::Probit, Family::Cloglog, Family::Poisson];

    /// Each derivative is that of the one before, and that by the variance half of the second.
    #[test]
    fn derivatives_follow_from_one_another() {
        let mut mixture = Mixture::default();
        for family in FAMILIES {
            for v in [0.0, 0.04, 1.3, 9.0] {
                for eta in [-4.0, -0.3, 0.0, 1.9] {
                    let h = 1e-5;
                    let mut at = |eta: f64, v: f64| mixture.tower(family, eta, v);
                    let (low, here, high) = (at(eta - h, v), at(eta, v), at(eta + h, v));
                    for order in 0..4 {
                        let slope = (high[order] - low[order]) / (2.0 * h);
                        let error = (slope - here[order + 1]).abs() / (1.0 + slope.abs());
                        assert!(error < 1e-8, "{family:?} {eta} {v} {order}: {error:e}");
                    }
                    let slope = (at(eta, v + h)[0] - at(eta, (v - h).max(0.0))[0]) / (h + h.min(v));
                    let error = (slope - 0.5 * here[2]).abs() / (1.0 + slope.abs());
                    assert!(error < 1e-5, "{family:?} {eta} {v}: {error:e}");
                }
            }
        }
    }

    /// The sum against Gauss and Hermite's rule, where that has converged, and the limit of a large
    /// variance, where every link is a step.
    #[test]
    fn sums_are_those_of_other_rules() {
        let rule = Nodes::new(99).expect("a rule");
        let mut mixture = Mixture::default();
        for family in FAMILIES {
            for v in [0.01_f64, 0.3, 1.0] {
                for eta in [-6.0, -1.0, 0.4, 2.5] {
                    let expected: f64 = rule
                        .at
                        .iter()
                        .zip(&rule.log_weight)
                        .map(|(x, w)| {
                            let weight = libm::exp(w - 0.5 * x * x);
                            weight * family.mean(eta + v.sqrt() * x, 0.0).mu
                        })
                        .sum();
                    let ours = mixture.tower(family, eta, v)[0];
                    let error = (ours - expected).abs() / expected;
                    assert!(error < 1e-12, "{family:?} {eta} {v}: {error:e}");
                }
            }
        }
        for eta in [-300.0, 0.0, 400.0] {
            let limit = mixture.tower(Family::Logit, eta, 1e6)[0];
            assert!((limit - normal::cdf(eta / 1e3)).abs() < 1e-4, "{eta}: {limit}");
        }
    }
}
