//! How often the test rejects where there is nothing to find.
//!
//! # What it is
//! Among simulations whose estimand is exactly 0, the share whose p-value is at most alpha. An
//! honest test has a rate near alpha. Designs whose estimand is never exactly 0 have no such rate;
//! to see it, set the effect to 0.
//!
//! # Formula
//! ```text
//! false_positive = count(p <= alpha) / n
//! ```
//! n: simulations with an estimate and an estimand of exactly 0.
//!
//! # Monte Carlo error
//! ```text
//! sqrt(false_positive (1 - false_positive) / n)
//! ```
//! with the Wilson interval beside it.
//!
//! # References
//! Morris, White and Crowther 2019, Statistics in Medicine 38:2074, table 6 (type I error).
//! Wilson 1927, Journal of the American Statistical Association 22:209.

use trialrun_plan::Row;

use super::{Better, Diagnosand, Drift, Scope, Summary, aimed};

pub(super) const DIAGNOSAND: Diagnosand = Diagnosand {
    name: "false_positive",
    summary: Summary::Rate(rejects_zero),
    compared: false,
    needs_estimand: true,
    needs_estimate: true,
    better: Some(Better::Smaller),
    drift: Drift::By(0.01),
    scope: Scope::Tests,
};

fn rejects_zero(row: &Row, alpha: f64) -> Option<bool> {
    let (fit, estimand) = aimed(row)?;
    (estimand == 0.0).then_some(fit.p_value <= alpha)
}
