//! The mean of the estimates.
//!
//! # What it is
//! The centre of the estimator's sampling distribution.
//!
//! # Formula
//! ```text
//! mean_estimate = sum estimate / n
//! ```
//! n: simulations with an estimate.
//!
//! # Monte Carlo error
//! ```text
//! sd(estimate) / sqrt(n)
//! ```
//!
//! # References
//! Blair, Cooper, Coppock and Humphreys 2019, American Political Science Review 113:838.

use trialrun_plan::Row;

use super::{Diagnosand, Drift, Scope, Summary};

pub(super) const DIAGNOSAND: Diagnosand = Diagnosand {
    name: "mean_estimate",
    summary: Summary::Mean(value),
    compared: false,
    needs_estimand: false,
    needs_estimate: true,
    better: None,
    drift: Drift::OfSpread(0.05),
    scope: Scope::Estimators,
};

pub(super) fn value(row: &Row, _alpha: f64) -> Option<f64> {
    row.estimate().map(|fit| fit.estimate)
}
