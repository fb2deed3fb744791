//! What one observation says of its linear predictor, up to the fourth derivative.

use super::Curvature;
use crate::glm::Family;
use crate::special::normal;

/// The log-likelihood of an observation of weight one, and its derivatives by the linear
/// predictor.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Jet {
    /// Minus the log-likelihood, but for what depends on the outcome alone.
    pub loss: f64,
    /// First derivative of the log-likelihood.
    pub score: f64,
    /// Second derivative, negated: the observed information.
    pub weight: f64,
    /// Third derivative.
    pub third: f64,
    /// The information that the approximation uses: observed or expected.
    pub bent: f64,
    /// Its first derivative.
    pub bent_slope: f64,
    /// Its second derivative.
    pub bent_bend: f64,
}

/// Logarithm of the largest rate of the complementary log-log link whose derivatives are told.
const RATE_LOG_MAX: f64 = 700.0;

/// First to fourth derivative of a log-likelihood.
type Tower = [f64; 4];

impl Jet {
    /// The derivatives at `eta` for the outcome `y`, a share or a count.
    ///
    /// Domain: binomial families and Poisson's; `eta` such that the family has a mean there.
    #[inline(always)]
    pub fn at(family: Family, curvature: Curvature, eta: f64, y: f64) -> Self {
        match family {
            Family::Logit => logit(eta, y),
            Family::Probit => probit(curvature, eta, y),
            Family::Cloglog => cloglog(curvature, eta, y),
            _ => poisson(eta, y),
        }
    }

    /// The same for an observation of weight `n`.
    #[inline(always)]
    pub fn times(self, n: f64) -> Self {
        Self {
            loss: n * self.loss,
            score: n * self.score,
            weight: n * self.weight,
            third: n * self.third,
            bent: n * self.bent,
            bent_slope: n * self.bent_slope,
            bent_bend: n * self.bent_bend,
        }
    }

    /// The mixture of the derivatives of a success and of a failure.
    fn mixed(loss: f64, y: f64, success: Tower, failure: Tower) -> Self {
        let [score, second, third, fourth] =
            std::array::from_fn(|i| y * success[i] + (1.0 - y) * failure[i]);
        let weight = -second;
        Self { loss, score, weight, third, bent: weight, bent_slope: -third, bent_bend: -fourth }
    }

    /// The same with the expected information, given with its derivatives.
    fn expected(self, [bent, bent_slope, bent_bend]: [f64; 3]) -> Self {
        Self { bent, bent_slope, bent_bend, ..self }
    }
}

/// The logistic link is canonical: expected and observed information are one.
#[inline(always)]
fn logit(eta: f64, y: f64) -> Jet {
    let e = libm::exp(-eta.abs());
    let (rare, rest) = (e / (1.0 + e), 1.0 / (1.0 + e));
    let mu = if eta < 0.0 { rare } else { rest };
    let tilt = if eta < 0.0 { rest - rare } else { rare - rest };
    let d = rare * rest;
    // -log(mu) and -log(1 - mu).
    let tail = libm::log1p(e);
    let (up, down) = if eta < 0.0 { (tail - eta, tail) } else { (tail, tail + eta) };
    let (slope, bend) = (d * tilt, d * (tilt * tilt - 2.0 * d));
    Jet {
        loss: y * up + (1.0 - y) * down,
        score: y - mu,
        weight: d,
        third: -slope,
        bent: d,
        bent_slope: slope,
        bent_bend: bend,
    }
}

/// So is the logarithm for counts.
#[inline(always)]
fn poisson(eta: f64, y: f64) -> Jet {
    let mu = libm::exp(eta);
    Jet {
        loss: mu - y * eta,
        score: y - mu,
        weight: mu,
        third: -mu,
        bent: mu,
        bent_slope: mu,
        bent_bend: mu,
    }
}

/// Derivatives of `log Phi(eta)`, from the hazard `u = phi / Phi`: with `a = u + eta`, `u' = -u a`.
fn log_normal(eta: f64) -> Tower {
    let u = normal::hazard(-eta);
    let a = u + eta;
    let third = u * (a * (a + u) - 1.0);
    let fourth = -third * (a + u) + 2.0 * u * a * (1.0 - u * a);
    [u, -u * a, third, fourth]
}

fn probit(curvature: Curvature, eta: f64, y: f64) -> Jet {
    let success = log_normal(eta);
    // log Phi(-eta): odd derivatives change sign.
    let [a, b, c, d] = log_normal(-eta);
    let jet = Jet::mixed(Family::Probit.loss(eta, y, 0.0), y, success, [-a, b, -c, d]);
    if curvature == Curvature::Observed {
        return jet;
    }
    // phi^2 / (Phi (1 - Phi)) is the product of the two hazards.
    let (up, down) = (success[0], a);
    let f = up * down;
    let slope = down - up - 2.0 * eta;
    let bend = down * (down - eta) + up * (up + eta) - 2.0;
    jet.expected([f, f * slope, f * (slope * slope + bend)])
}

fn cloglog(curvature: Curvature, eta: f64, y: f64) -> Jet {
    // Failures are impossible long before this rate, and no success is news.
    let t = libm::exp(eta.min(RATE_LOG_MAX));
    let r = if t == 0.0 { 1.0 } else { t / libm::expm1(t) };
    if r == 0.0 {
        let jet = Jet::mixed(Family::Cloglog.loss(eta, y, 0.0), y, [0.0; 4], [-t; 4]);
        return if curvature == Curvature::Observed { jet } else { jet.expected([0.0; 3]) };
    }
    // With `b = t + r - 1`: r' = -r b and b' = t - r b, by eta.
    let b = t + r - 1.0;
    let b_slope = t - r * b;
    let p = b * b - b_slope;
    let p_slope = 2.0 * b * b_slope - t - r * b * b + r * b_slope;
    let success = [r, -r * b, r * p, r * (p_slope - b * p)];
    let jet = Jet::mixed(Family::Cloglog.loss(eta, y, 0.0), y, success, [-t; 4]);
    if curvature == Curvature::Observed {
        return jet;
    }
    let f = t * r;
    jet.expected([f, f * (1.0 - b), f * ((1.0 - b) * (1.0 - b) - b_slope)])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each derivative is that of the one before, by central differences.
    #[test]
    fn derivatives_follow_from_one_another() {
        let h = 1e-5;
        for family in [Family::Logit, Family::Probit, Family::Cloglog, Family::Poisson] {
            for curvature in [Curvature::Observed, Curvature::Expected] {
                for eta in [-4.0, -1.3, 0.2, 0.9, 1.8] {
                    for y in [0.0, 0.3, 1.0] {
                        let at = |e: f64| Jet::at(family, curvature, e, y);
                        let (low, here, high) = (at(eta - h), at(eta), at(eta + h));
                        let slope = |of: fn(&Jet) -> f64| (of(&high) - of(&low)) / (2.0 * h);
                        let what = format!("{family:?} {curvature:?} {eta} {y}");
                        let close = |ours: f64, theirs: f64| {
                            let error = (ours - theirs).abs() / (1.0 + theirs.abs());
                            assert!(error < 1e-8, "{what}: {ours} {theirs}");
                        };
                        close(here.score, -slope(|j| j.loss));
                        close(here.weight, -slope(|j| j.score));
                        close(here.third, -slope(|j| j.weight));
                        close(here.bent_slope, slope(|j| j.bent));
                        close(here.bent_bend, slope(|j| j.bent_slope));
                        let mean = family.mean(eta, 0.0);
                        let theirs = match curvature {
                            Curvature::Observed => here.weight,
                            Curvature::Expected => mean.fisher,
                        };
                        assert!((here.bent - theirs).abs() <= 1e-14 * theirs, "{what}");
                        let pull = family.pull(eta, y, 0.0);
                        assert!((here.score - pull.score).abs() < 1e-14, "{what}");
                        assert!((here.weight - pull.weight).abs() < 1e-14, "{what}");
                        close(here.loss, family.loss(eta, y, 0.0));
                    }
                }
            }
        }
    }

    #[test]
    fn tails_are_finite() {
        for family in [Family::Logit, Family::Probit, Family::Cloglog, Family::Poisson] {
            for curvature in [Curvature::Observed, Curvature::Expected] {
                for eta in [-600.0, -50.0, -36.0, 5.0, 6.4, 400.0, 800.0] {
                    // Beyond, failures and counts are impossible.
                    let few = if eta > 10.0 { 1.0 } else { 0.0 };
                    for y in [few, 1.0] {
                        if eta > 10.0 && family == Family::Poisson {
                            continue;
                        }
                        let j = Jet::at(family, curvature, eta, y);
                        let all =
                            [j.loss, j.score, j.weight, j.third, j.bent, j.bent_slope, j.bent_bend];
                        assert!(all.iter().all(|v| v.is_finite()), "{family:?} {eta} {y} {j:?}");
                    }
                }
            }
        }
    }
}
