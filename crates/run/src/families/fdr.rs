//! Which share of a family's discoveries is false: the false discovery rate.
//!
//! # What it is
//! The mean share of rejections that are of hypotheses whose estimand is exactly 0; a simulation
//! without any rejection counts as 0. Benjamini and Hochberg's correction keeps it at alpha times
//! the share of true hypotheses where tests are independent.
//!
//! # Formula
//! ```text
//! fdr = sum (false rejections / max(1, rejections)) / n
//! ```
//! n: simulations in which at least one member has an estimate, and all that have one have an
//! estimand. Every member's estimator must name one.
//!
//! # Monte Carlo error
//! ```text
//! sd / sqrt(n)          sd: of the share
//! ```
//!
//! # References
//! Benjamini and Hochberg 1995, Journal of the Royal Statistical Society B 57:289.

use super::{Better, Drift, FamilyDiagnosand, Tallied, Tally};

pub(super) const DIAGNOSAND: FamilyDiagnosand = FamilyDiagnosand {
    name: "fdr",
    summary: Tallied::Share(false_share),
    needs_estimand: true,
    better: Better::Smaller,
    drift: Drift::By(0.01),
};

fn false_share(tally: &Tally) -> Option<f64> {
    let tally = tally.counted().filter(|tally| tally.aimed == tally.fitted)?;
    Some(f64::from(tally.false_rejections) / f64::from(tally.rejected.max(1)))
}
