//! How often some member of a family has no estimate.
//!
//! # What it is
//! The share of simulations in which at least one member's fit failed, or its estimand was of
//! nobody. Such a member rejects nothing, and the others are corrected as a smaller family.
//!
//! # Formula
//! ```text
//! incomplete = count(some member without an estimate) / n
//! ```
//! n: all simulations.
//!
//! # Monte Carlo error
//! ```text
//! sqrt(incomplete (1 - incomplete) / n)
//! ```
//!
//! # References
//! Morris, White and Crowther 2019, Statistics in Medicine 38:2074, section 4.5 (missing
//! estimates).

use super::{Better, Drift, FamilyDiagnosand, Tallied};

pub(super) const DIAGNOSAND: FamilyDiagnosand = FamilyDiagnosand {
    name: "incomplete",
    summary: Tallied::Rate(|tally| Some(tally.fitted < tally.members)),
    needs_estimand: false,
    better: Better::Smaller,
    drift: Drift::By(0.005),
};
