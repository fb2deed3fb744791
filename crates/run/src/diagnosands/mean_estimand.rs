//! The mean of the estimand.
//!
//! # What it is
//! What the estimator aims at, averaged over simulations: the estimand varies where the population
//! or the sample does. `mean_estimate - mean_estimand` is the bias.
//!
//! # Formula
//! ```text
//! mean_estimand = sum estimand / n
//! ```
//! n: simulations with an estimate, so that failed fits do not part it from `mean_estimate`.
//!
//! # Monte Carlo error
//! ```text
//! sd(estimand) / sqrt(n)
//! ```
//!
//! # References
//! Blair, Cooper, Coppock and Humphreys 2019, American Political Science Review 113:838.

use trialrun_plan::Row;

use super::{Diagnosand, Drift, Scope, Summary, aimed};

pub(super) const DIAGNOSAND: Diagnosand = Diagnosand {
    name: "mean_estimand",
    summary: Summary::Mean(value),
    compared: false,
    needs_estimand: true,
    needs_estimate: true,
    better: None,
    drift: Drift::OfSpread(0.05),
    scope: Scope::Estimators,
};

fn value(row: &Row, _alpha: f64) -> Option<f64> {
    aimed(row).map(|(_, estimand)| estimand)
}
