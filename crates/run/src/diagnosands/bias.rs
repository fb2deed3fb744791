//! The mean error of the estimates.
//!
//! # What it is
//! By how much the estimator misses its estimand on average. An unbiased estimator has a bias
//! within about two Monte Carlo errors of 0. The unit is that of the estimand.
//!
//! # Formula
//! ```text
//! bias = sum (estimate - estimand) / n
//! ```
//! n: simulations with an estimate. The estimator must name an estimand.
//!
//! # Monte Carlo error
//! ```text
//! sd(estimate - estimand) / sqrt(n)
//! ```
//! with divisor n - 1 in the standard deviation.
//!
//! # References
//! Morris, White and Crowther 2019, Statistics in Medicine 38:2074, table 6. Where the estimand
//! varies between simulations, the error of a simulation is taken from its own estimand.

use trialrun_plan::Row;

use super::{Better, Diagnosand, Drift, Scope, Summary, aimed};

pub(super) const DIAGNOSAND: Diagnosand = Diagnosand {
    name: "bias",
    summary: Summary::Mean(error),
    compared: true,
    needs_estimand: true,
    needs_estimate: true,
    better: Some(Better::NearerZero),
    drift: Drift::OfSpread(0.05),
    scope: Scope::Estimators,
};

fn error(row: &Row, _alpha: f64) -> Option<f64> {
    aimed(row).map(|(fit, estimand)| fit.estimate - estimand)
}
