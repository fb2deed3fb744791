//! How often a family of tests rejects every hypothesis.
//!
//! # What it is
//! The share of simulations in which each member's corrected p-value is at most alpha: the
//! conjunctive power, which a claim about all outcomes asks for.
//!
//! # Formula
//! ```text
//! all_significant = count(every corrected p <= alpha) / n
//! ```
//! n: simulations in which at least one member has an estimate. A fit that failed rejects nothing:
//! where one failed, not all are significant.
//!
//! # Monte Carlo error
//! ```text
//! sqrt(all_significant (1 - all_significant) / n)
//! ```
//!
//! # References
//! Bretz, Hothorn and Westfall 2010, Multiple Comparisons Using R, section 2.2.

use super::{Better, Drift, FamilyDiagnosand, Tallied};

pub(super) const DIAGNOSAND: FamilyDiagnosand = FamilyDiagnosand {
    name: "all_significant",
    summary: Tallied::Rate(|tally| tally.counted().map(|tally| tally.rejected == tally.members)),
    needs_estimand: false,
    better: Better::Larger,
    drift: Drift::By(0.02),
};
