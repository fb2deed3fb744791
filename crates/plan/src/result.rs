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
}

impl Row {
    /// A row that was not yet computed.
    pub const EMPTY: Self =
        Self { estimand: None, fit: Err(Failure::NoRows), boundary: false, n_obs: 0.0 };
}
