//! What an estimator gives in one simulation.

use trialrun_stats::Failure;

/// One estimate with its uncertainty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The estimate of the coefficient.
    pub estimate: f64,
    /// Its standard error, above 0.
    pub std_error: f64,
    /// Degrees of freedom of the t distribution; infinite where the normal is used.
    pub df: f64,
    /// Estimate over standard error.
    pub statistic: f64,
    /// Two-sided p-value of the hypothesis that the coefficient is 0.
    pub p_value: f64,
    /// Lower end of the interval of level 1 - alpha.
    pub conf_low: f64,
    /// Upper end of the interval.
    pub conf_high: f64,
}

impl Estimate {
    /// A test of several hypotheses, which has no estimate: every other number is 0.
    pub(crate) fn of_test(statistic: f64, df: f64, p_value: f64) -> Self {
        let (estimate, std_error, conf_low, conf_high) = (0.0, 0.0, 0.0, 0.0);
        Self { estimate, std_error, df, statistic, p_value, conf_low, conf_high }
    }
}

/// The result of one estimator for one term in one simulation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// The value of the estimand, where the estimator names one.
    pub estimand: Option<f64>,
    /// The estimate, or why there is none.
    pub fit: Result<Estimate, Failure>,
    /// Whether the fit lies on the boundary of the parameter space (a variance of exactly 0).
    pub boundary: bool,
    /// Observations that the fit used.
    pub n_obs: f64,
    /// Whether it is a joint test of several hypotheses. Its `fit` has a statistic, `df` (that of
    /// the denominator, infinite for chi-squared) and a p-value, and no estimate.
    pub is_joint: bool,
}

impl Row {
    /// A row that was not yet computed.
    pub const EMPTY: Self = Self {
        estimand: None,
        fit: Err(Failure::NoRows),
        boundary: false,
        n_obs: 0.0,
        is_joint: false,
    };

    /// The estimate; none where the fit failed, or where the row is a joint test.
    pub fn estimate(&self) -> Option<&Estimate> {
        self.tested().filter(|_| !self.is_joint)
    }

    /// What has the test's statistic, degrees of freedom and p-value; none where the fit failed.
    pub fn tested(&self) -> Option<&Estimate> {
        self.fit.as_ref().ok()
    }
}
