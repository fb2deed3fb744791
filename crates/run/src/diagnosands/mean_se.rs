//! The mean of the standard errors that the estimator reports.
//!
//! # What it is
//! What the study would be told about its precision, on average. Compare it with `sd_estimate`,
//! the precision that it really has.
//!
//! # Formula
//! ```text
//! mean_se = sum std_error / n
//! ```
//! n: simulations with an estimate.
//!
//! # Monte Carlo error
//! ```text
//! sd(std_error) / sqrt(n)
//! ```
//!
//! # References
//! Morris, White and Crowther 2019, Statistics in Medicine 38:2074, table 6. They average squares
//! and take the root (average model standard error); this is the mean itself.

use trialrun_plan::Row;

use super::{Better, Diagnosand, Drift, Scope, Summary};

pub(super) const DIAGNOSAND: Diagnosand = Diagnosand {
    name: "mean_se",
    summary: Summary::Mean(value),
    compared: false,
    needs_estimand: false,
    needs_estimate: true,
    better: Some(Better::Smaller),
    drift: Drift::OfItself(0.03),
    scope: Scope::Estimators,
};

pub(super) fn value(row: &Row, _alpha: f64) -> Option<f64> {
    row.estimate().map(|fit| fit.std_error)
}
