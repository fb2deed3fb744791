//! How often the test rejects that the coefficient is 0.
//!
//! # What it is
//! The share of simulations whose p-value is at most alpha (0.05 unless the design says
//! otherwise). Where the true effect is 0 this is the rate of false alarms; see `false_positive`.
//!
//! A joint test (`joint: [["z1", "z2"]]`) has the power to reject that all of its hypotheses are
//! true; where they are, it is the rate of its false alarms.
//!
//! # Formula
//! ```text
//! power = count(p <= alpha) / n
//! ```
//! n: simulations with an estimate. No estimand is needed.
//!
//! # Monte Carlo error
//! ```text
//! sqrt(power (1 - power) / n)
//! ```
//! It is 0 where every test rejects or none does; the Wilson interval, printed beside it, is not.
//!
//! # References
//! Morris, White and Crowther 2019, Statistics in Medicine 38:2074, table 6. Wilson 1927, Journal
//! of the American Statistical Association 22:209.

use trialrun_plan::Row;

use super::{Better, Diagnosand, Drift, Scope, Summary};

pub(super) const DIAGNOSAND: Diagnosand = Diagnosand {
    name: "power",
    summary: Summary::Rate(rejects),
    compared: true,
    needs_estimand: false,
    needs_estimate: false,
    better: Some(Better::Larger),
    drift: Drift::By(0.02),
    scope: Scope::Tests,
};

fn rejects(row: &Row, alpha: f64) -> Option<bool> {
    row.tested().map(|fit| fit.p_value <= alpha)
}
