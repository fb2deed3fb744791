//! How often the confidence interval contains the estimand.
//!
//! # What it is
//! The share of simulations in which the estimand lies in the interval of level 1 - alpha, its
//! ends included. An honest estimator has a coverage near 1 - alpha: 0.95 unless the design says
//! otherwise. Lower coverage means intervals that are too narrow or off centre.
//!
//! # Formula
//! ```text
//! coverage = count(low <= estimand <= high) / n
//! ```
//! n: simulations with an estimate. The estimator must name an estimand.
//!
//! # Monte Carlo error
//! ```text
//! sqrt(coverage (1 - coverage) / n)
//! ```
//! It is 0 where every interval covers or none does; the Wilson interval, printed beside it, is
//! not.
//!
//! # References
//! Morris, White and Crowther 2019, Statistics in Medicine 38:2074, table 6. Wilson 1927, Journal
//! of the American Statistical Association 22:209.

use trialrun_plan::Row;

use super::{Better, Diagnosand, Drift, Scope, Summary, aimed};

pub(super) const DIAGNOSAND: Diagnosand = Diagnosand {
    name: "coverage",
    summary: Summary::Rate(covers),
    compared: true,
    needs_estimand: true,
    needs_estimate: true,
    better: Some(Better::NearerConfidence),
    drift: Drift::By(0.01),
    scope: Scope::Estimators,
};

fn covers(row: &Row, _alpha: f64) -> Option<bool> {
    aimed(row).map(|(fit, estimand)| fit.conf_low <= estimand && estimand <= fit.conf_high)
}
