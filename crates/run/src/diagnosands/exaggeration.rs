//! By what factor a significant estimate is too large on average.
//!
//! # What it is
//! Among simulations whose test rejects, the mean ratio of the sizes of estimate and estimand. 2
//! says that published effects of such a study would be twice the true ones. It is large where
//! power is low.
//!
//! # Formula
//! ```text
//! exaggeration = sum |estimate| / |estimand| / n
//! ```
//! n: simulations with an estimate, p <= alpha and an estimand other than 0. Sizes, not signed
//! values, are compared: estimates of the wrong sign count with their size (DeclareDesign's ratio
//! is signed, and such estimates make it smaller).
//!
//! # Monte Carlo error
//! ```text
//! sd(|estimate| / |estimand|) / sqrt(n)
//! ```
//! n is the number of significant simulations, not of all.
//!
//! # References
//! Gelman and Carlin 2014, Perspectives on Psychological Science 9:641 (type M error).

use trialrun_plan::Row;

use super::{Diagnosand, Drift, Scope, Summary, significant};

pub(super) const DIAGNOSAND: Diagnosand = Diagnosand {
    name: "exaggeration",
    summary: Summary::Mean(ratio),
    compared: false,
    needs_estimand: true,
    needs_estimate: true,
    better: None,
    drift: Drift::OfItself(0.1),
    scope: Scope::Tests,
};

fn ratio(row: &Row, alpha: f64) -> Option<f64> {
    significant(row, alpha).map(|(fit, estimand)| (fit.estimate / estimand).abs())
}
