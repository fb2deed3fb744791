//! The families of generalised linear models: what one observation says of its linear predictor.

use crate::special::normal;

/// How outcomes are distributed around their mean, and how the mean depends on the predictors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// Shares of successes, `logit(mu) = eta`.
    Logit,
    /// Shares of successes, `mu = Phi(eta)`.
    Probit,
    /// Shares of successes, `mu = 1 - exp(-exp(eta))`.
    Cloglog,
    /// Counts of variance `mu`, `log(mu) = eta`.
    Poisson,
    /// Counts of variance `mu + mu^2 / size`, `log(mu) = eta`; the size is estimated.
    NegativeBinomial,
    /// Positive numbers of variance `phi mu^2`, `log(mu) = eta`.
    GammaLog,
    /// Positive numbers of variance `phi mu^2`, `1 / mu = eta`, the canonical link.
    GammaInverse,
}

impl Family {
    /// Every family.
    pub const ALL: [Self; 7] = [
        Self::Logit,
        Self::Probit,
        Self::Cloglog,
        Self::Poisson,
        Self::NegativeBinomial,
        Self::GammaLog,
        Self::GammaInverse,
    ];
}

/// What an observation of weight one adds to the score of its linear predictor.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pull {
    /// Derivative of the log-likelihood.
    pub score: f64,
    /// Second derivative, negated: above zero in every family.
    pub weight: f64,
}

/// The mean at a linear predictor.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mean {
    /// The mean.
    pub mu: f64,
    /// Its derivative by the linear predictor.
    pub slope: f64,
    /// Its second derivative.
    pub bend: f64,
    /// The information that an observation of weight one is expected to hold.
    pub fisher: f64,
    /// `score / (y - mu)`, which does not depend on `y`.
    pub gain: f64,
}

/// Largest whole outcome of the negative binomial family.
pub(crate) const COUNT_MAX: f64 = 1e6;

impl Family {
    /// Whether the outcome is a share of successes.
    pub fn is_binomial(self) -> bool {
        matches!(self, Self::Logit | Self::Probit | Self::Cloglog)
    }

    /// Whether the variance has a factor that is estimated.
    pub fn has_dispersion(self) -> bool {
        matches!(self, Self::GammaLog | Self::GammaInverse)
    }

    /// Whether the family allows the outcome.
    pub(crate) fn allows(self, y: f64) -> bool {
        match self {
            Self::Logit | Self::Probit | Self::Cloglog => (0.0..=1.0).contains(&y),
            Self::Poisson => y >= 0.0 && y.is_finite(),
            Self::NegativeBinomial => (0.0..=COUNT_MAX).contains(&y) && y.fract() == 0.0,
            Self::GammaLog | Self::GammaInverse => y > 0.0 && y.is_finite(),
        }
    }

    /// Where the likelihood of an outcome wants its linear predictor to go: without end downwards
    /// (-1) or upwards (1), or to a finite place (0).
    pub(crate) fn leaning(self, y: f64) -> f64 {
        match self {
            Self::Logit | Self::Probit | Self::Cloglog if y == 1.0 => 1.0,
            Self::GammaLog | Self::GammaInverse => 0.0,
            _ if y == 0.0 => -1.0,
            _ => 0.0,
        }
    }

    /// A linear predictor near that of the outcome, for the first step; `w` is its weight.
    pub(crate) fn start(self, y: f64, w: f64) -> f64 {
        let share = (w * y + 0.5) / (w + 1.0);
        match self {
            Self::Logit => libm::log(share / (1.0 - share)),
            Self::Probit => normal::quantile(share),
            Self::Cloglog => libm::log(-libm::log1p(-share)),
            Self::Poisson | Self::NegativeBinomial => libm::log(y + 0.1),
            Self::GammaLog => libm::log(y),
            Self::GammaInverse => 1.0 / y,
        }
    }

    /// Whether a linear predictor has a mean.
    pub(crate) fn has_mean(self, eta: f64) -> bool {
        match self {
            Self::GammaInverse => eta > 0.0 && eta.is_finite(),
            Self::Poisson | Self::NegativeBinomial | Self::GammaLog => eta.abs() < 690.0,
            _ => eta.is_finite(),
        }
    }

    /// Score and observed information; `alpha` is one over the size.
    #[inline(always)]
    pub(crate) fn pull(self, eta: f64, y: f64, alpha: f64) -> Pull {
        match self {
            Self::Logit => {
                let e = libm::exp(-eta.abs());
                let rare = e / (1.0 + e);
                let mu = if eta < 0.0 { rare } else { 1.0 / (1.0 + e) };
                Pull { score: y - mu, weight: rare / (1.0 + e) }
            }
            Self::Probit => {
                let (up, down) = (normal::hazard(-eta), normal::hazard(eta));
                let weight = y * up * (up + eta) + (1.0 - y) * down * (down - eta);
                Pull { score: y * up - (1.0 - y) * down, weight }
            }
            Self::Cloglog => {
                let t = libm::exp(eta);
                let r = share_of_exp(t);
                let weight = y * r * (t + r - 1.0).max(0.0) + (1.0 - y) * t;
                Pull { score: y * r - (1.0 - y) * t, weight }
            }
            Self::Poisson => {
                let mu = libm::exp(eta);
                Pull { score: y - mu, weight: mu }
            }
            Self::NegativeBinomial => {
                let mu = libm::exp(eta);
                let d = 1.0 + alpha * mu;
                Pull { score: (y - mu) / d, weight: mu * (1.0 + alpha * y) / (d * d) }
            }
            Self::GammaLog => {
                let ratio = y * libm::exp(-eta);
                Pull { score: ratio - 1.0, weight: ratio }
            }
            Self::GammaInverse => {
                let mu = 1.0 / eta;
                Pull { score: mu - y, weight: mu * mu }
            }
        }
    }

    /// The mean and what goes with it.
    #[inline(always)]
    pub(crate) fn mean(self, eta: f64, alpha: f64) -> Mean {
        match self {
            Self::Logit => {
                let e = libm::exp(-eta.abs());
                let (rare, rest) = (e / (1.0 + e), 1.0 / (1.0 + e));
                let mu = if eta < 0.0 { rare } else { rest };
                let slope = rare * rest;
                let bend = if eta < 0.0 { slope * (rest - rare) } else { slope * (rare - rest) };
                Mean { mu, slope, bend, fisher: slope, gain: 1.0 }
            }
            Self::Probit => {
                let (up, down) = (normal::hazard(-eta), normal::hazard(eta));
                let slope = normal::pdf(eta);
                let mu = normal::cdf(eta);
                Mean { mu, slope, bend: -eta * slope, fisher: up * down, gain: up + down }
            }
            Self::Cloglog => {
                let t = libm::exp(eta);
                let r = share_of_exp(t);
                let slope = t * libm::exp(-t);
                let mu = -libm::expm1(-t);
                Mean { mu, slope, bend: slope * (1.0 - t), fisher: t * r, gain: r + t }
            }
            Self::Poisson => {
                let mu = libm::exp(eta);
                Mean { mu, slope: mu, bend: mu, fisher: mu, gain: 1.0 }
            }
            Self::NegativeBinomial => {
                let mu = libm::exp(eta);
                let gain = 1.0 / (1.0 + alpha * mu);
                Mean { mu, slope: mu, bend: mu, fisher: mu * gain, gain }
            }
            Self::GammaLog => {
                let mu = libm::exp(eta);
                Mean { mu, slope: mu, bend: mu, fisher: 1.0, gain: 1.0 / mu }
            }
            Self::GammaInverse => {
                let mu = 1.0 / eta;
                let square = mu * mu;
                Mean { mu, slope: -square, bend: 2.0 * square * mu, fisher: square, gain: -1.0 }
            }
        }
    }

    /// What an observation of weight one costs: minus its log-likelihood, but for what depends on
    /// the outcome alone.
    pub(crate) fn loss(self, eta: f64, y: f64, alpha: f64) -> f64 {
        let part = |share: f64, log: f64| if share == 0.0 { 0.0 } else { share * log };
        match self {
            Self::Logit => {
                let rare = libm::log1p(libm::exp(-eta.abs()));
                let (low, high) = if eta < 0.0 { (-eta, 0.0) } else { (0.0, eta) };
                part(y, rare + low) + part(1.0 - y, rare + high)
            }
            Self::Probit => {
                part(y, -normal::log_upper(-eta)) + part(1.0 - y, -normal::log_upper(eta))
            }
            Self::Cloglog => {
                let t = libm::exp(eta);
                part(y, -libm::log(-libm::expm1(-t))) + part(1.0 - y, t)
            }
            Self::Poisson => libm::exp(eta) - y * eta,
            Self::NegativeBinomial if alpha == 0.0 => libm::exp(eta) - y * eta,
            Self::NegativeBinomial => {
                (y + 1.0 / alpha) * libm::log1p(alpha * libm::exp(eta)) - y * eta
            }
            Self::GammaLog => y * libm::exp(-eta) + eta,
            Self::GammaInverse => y * eta - libm::log(eta),
        }
    }

    /// The least that an observation of weight one can cost.
    pub(crate) fn least_loss(self, y: f64, alpha: f64) -> f64 {
        let entropy = |v: f64| if v > 0.0 { v * libm::log(v) } else { 0.0 };
        match self {
            Self::Logit | Self::Probit | Self::Cloglog => -entropy(y) - entropy(1.0 - y),
            Self::Poisson => y - entropy(y),
            Self::NegativeBinomial if alpha == 0.0 => y - entropy(y),
            Self::NegativeBinomial => (y + 1.0 / alpha) * libm::log1p(alpha * y) - entropy(y),
            Self::GammaLog | Self::GammaInverse => 1.0 + libm::log(y),
        }
    }
}

/// `t / (exp(t) - 1)`.
fn share_of_exp(t: f64) -> f64 {
    if t == 0.0 { 1.0 } else { t / libm::expm1(t) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn close(what: &str, ours: f64, theirs: f64, tolerance: f64) {
        assert!(
            (ours - theirs).abs() <= tolerance * (1.0 + theirs.abs()),
            "{what}: {ours} {theirs}"
        );
    }

    #[test]
    fn derivatives_are_those_of_the_loss_and_of_the_mean() {
        let h = 1e-5;
        for family in Family::ALL {
            for eta in [0.3, 0.6, 1.0, 1.7, 2.5] {
                for y in [0.2, 1.0] {
                    let what = format!("{family:?} {eta} {y}");
                    let alpha = 0.7;
                    let loss = |e| family.loss(e, y, alpha);
                    let pull = family.pull(eta, y, alpha);
                    close(&what, pull.score, (loss(eta - h) - loss(eta + h)) / (2.0 * h), 1e-7);
                    let score = |e| family.pull(e, y, alpha).score;
                    close(&what, pull.weight, (score(eta - h) - score(eta + h)) / (2.0 * h), 1e-7);
                    let mean = family.mean(eta, alpha);
                    let mu = |e| family.mean(e, alpha).mu;
                    close(&what, mean.slope, (mu(eta + h) - mu(eta - h)) / (2.0 * h), 1e-6);
                    let slope = |e| family.mean(e, alpha).slope;
                    close(&what, mean.bend, (slope(eta + h) - slope(eta - h)) / (2.0 * h), 1e-5);
                    close(&what, pull.score, mean.gain * (y - mean.mu), 1e-13);
                    close(&what, mean.fisher, mean.gain * mean.slope, 1e-13);
                }
            }
        }
    }

    #[test]
    fn tails_stay_finite_and_the_least_loss_is_least() {
        for family in [Family::Logit, Family::Probit, Family::Cloglog] {
            for eta in [-600.0, -60.0, -30.0, 3.0, 6.0] {
                let at_bound = [family.pull(eta, 0.0, 0.0), family.pull(eta, 1.0, 0.0)];
                assert!(at_bound.iter().all(|p| p.score.is_finite() && p.weight >= 0.0));
            }
            assert!(family.loss(1.3, 0.4, 0.0) > family.least_loss(0.4, 0.0));
        }
        close(
            "logit",
            Family::Logit.least_loss(0.5, 0.0),
            Family::Logit.loss(0.0, 0.5, 0.0),
            1e-15,
        );
        let at = libm::log(3.0);
        for family in [Family::Poisson, Family::NegativeBinomial, Family::GammaLog] {
            close("log", family.least_loss(3.0, 0.5), family.loss(at, 3.0, 0.5), 1e-14);
        }
    }
}
