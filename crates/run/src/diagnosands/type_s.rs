//! How often a significant estimate has the wrong sign.
//!
//! # What it is
//! Among simulations whose test rejects, the share in which estimate and estimand differ in sign.
//! It is large where power is low: then a significant result says little about the direction.
//!
//! # Formula
//! ```text
//! type_s = count(sign(estimate) != sign(estimand)) / n
//! ```
//! n: simulations with an estimate, p <= alpha and an estimand other than 0. An estimand of
//! exactly 0 has no sign to be missed and is not counted (DeclareDesign counts it as wrong); the
//! rate of rejections there is `false_positive`.
//!
//! # Monte Carlo error
//! ```text
//! sqrt(type_s (1 - type_s) / n)
//! ```
//! with the Wilson interval beside it. n is the number of significant simulations, not of all.
//!
//! # References
//! Gelman and Carlin 2014, Perspectives on Psychological Science 9:641. Wilson 1927, Journal of
//! the American Statistical Association 22:209.

use trialrun_plan::Row;

use super::{Diagnosand, Drift, Scope, Summary, significant};

pub(super) const DIAGNOSAND: Diagnosand = Diagnosand {
    name: "type_s",
    summary: Summary::Rate(wrong_sign),
    compared: false,
    needs_estimand: true,
    needs_estimate: true,
    better: None,
    drift: Drift::By(0.05),
    scope: Scope::Tests,
};

fn wrong_sign(row: &Row, alpha: f64) -> Option<bool> {
    let same = |a: f64, b: f64| (a > 0.0 && b > 0.0) || (a < 0.0 && b < 0.0);
    significant(row, alpha).map(|(fit, estimand)| !same(fit.estimate, estimand))
}
