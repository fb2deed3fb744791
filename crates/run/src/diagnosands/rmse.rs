//! The typical size of an estimate's error: the root of the mean squared error.
//!
//! # What it is
//! It counts bias and spread together: a small number means that an estimate is usually close to
//! its estimand. The unit is that of the estimand.
//!
//! # Formula
//! ```text
//! rmse = sqrt(sum (estimate - estimand)^2 / n)
//! ```
//! n: simulations with an estimate. The estimator must name an estimand.
//!
//! # Monte Carlo error
//! ```text
//! sd((estimate - estimand)^2) / (2 rmse sqrt(n))
//! ```
//! the delta method on the mean of squares. The difference of two estimators' rmse takes the
//! squares of both in the same simulation, so that what they share cancels:
//! ```text
//! sd(a^2 / (2 rmse_a) - b^2 / (2 rmse_b)) / sqrt(n)      a, b: errors of the two
//! ```
//!
//! # References
//! Morris, White and Crowther 2019, Statistics in Medicine 38:2074, table 6 (mean squared error).

use trialrun_plan::Row;

use super::{Better, Diagnosand, Drift, Scope, Summary, aimed};

pub(super) const DIAGNOSAND: Diagnosand = Diagnosand {
    name: "rmse",
    summary: Summary::RootMean(squared_error),
    compared: true,
    needs_estimand: true,
    needs_estimate: true,
    better: Some(Better::Smaller),
    drift: Drift::OfItself(0.03),
    scope: Scope::Estimators,
};

fn squared_error(row: &Row, _alpha: f64) -> Option<f64> {
    let (fit, estimand) = aimed(row)?;
    let error = fit.estimate - estimand;
    Some(error * error)
}
