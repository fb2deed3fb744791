//! How often a family of tests rejects anything at all.
//!
//! # What it is
//! The share of simulations in which at least one member's corrected p-value is at most alpha:
//! the disjunctive power. Where every estimand is 0 it is the family-wise error rate; see `fwer`.
//!
//! # Formula
//! ```text
//! any_significant = count(some corrected p <= alpha) / n
//! ```
//! n: simulations in which at least one member has an estimate. A fit that failed rejects nothing.
//!
//! # Monte Carlo error
//! ```text
//! sqrt(any_significant (1 - any_significant) / n)
//! ```
//!
//! # References
//! Bretz, Hothorn and Westfall 2010, Multiple Comparisons Using R, section 2.2.

use super::{Better, Drift, FamilyDiagnosand, Tallied};

pub(super) const DIAGNOSAND: FamilyDiagnosand = FamilyDiagnosand {
    name: "any_significant",
    summary: Tallied::Rate(|tally| tally.counted().map(|tally| tally.rejected > 0)),
    needs_estimand: false,
    better: Better::Larger,
    drift: Drift::By(0.02),
};
