//! How many hypotheses a family of tests rejects.
//!
//! # What it is
//! The mean number of members whose corrected p-value is at most alpha. Over the number of members
//! it is the average power.
//!
//! # Formula
//! ```text
//! n_significant = sum count(corrected p <= alpha) / n
//! ```
//! n: simulations in which at least one member has an estimate. A fit that failed rejects nothing.
//!
//! # Monte Carlo error
//! ```text
//! sd / sqrt(n)          sd: of the number
//! ```
//!
//! # References
//! Bretz, Hothorn and Westfall 2010, Multiple Comparisons Using R, section 2.2.

use super::{Better, Drift, FamilyDiagnosand, Tallied};

pub(super) const DIAGNOSAND: FamilyDiagnosand = FamilyDiagnosand {
    name: "n_significant",
    summary: Tallied::Mean(|tally| tally.counted().map(|tally| f64::from(tally.rejected))),
    needs_estimand: false,
    better: Better::Larger,
    drift: Drift::OfItself(0.05),
};
