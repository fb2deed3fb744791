//! How often a family of tests rejects a hypothesis that is true: the family-wise error rate.
//!
//! # What it is
//! The share of simulations in which some member's corrected p-value is at most alpha although its
//! estimand is exactly 0. A correction that keeps the rate has it at alpha or below, however many
//! members there are and whatever the other estimands.
//!
//! # Formula
//! ```text
//! fwer = count(some corrected p <= alpha among members with estimand 0) / n
//! ```
//! n: simulations in which at least one member has an estimate and an estimand of exactly 0. With
//! m independent tests of true hypotheses it is `1 - (1 - alpha)^m` without a correction,
//! `1 - (1 - alpha / m)^m` with Bonferroni's, Holm's or Hochberg's about that, and alpha with
//! Sidak's.
//!
//! # Monte Carlo error
//! ```text
//! sqrt(fwer (1 - fwer) / n)
//! ```
//!
//! # References
//! Hochberg and Tamhane 1987, Multiple Comparison Procedures, chapter 1.

use super::{Better, Drift, FamilyDiagnosand, Tallied};

pub(super) const DIAGNOSAND: FamilyDiagnosand = FamilyDiagnosand {
    name: "fwer",
    summary: Tallied::Rate(|tally| (tally.nulls > 0).then_some(tally.false_rejections > 0)),
    needs_estimand: true,
    better: Better::Smaller,
    drift: Drift::By(0.01),
};
