//! How often a variance is estimated as exactly 0.
//!
//! # What it is
//! The share of fits that lie on the boundary of the parameter space, as a mixed model's fit does
//! when its random intercept has a variance of exactly 0 (lme4: a singular fit). Such a fit is a
//! success; many of them say that the data can not tell the variance from 0.
//!
//! # Formula
//! ```text
//! boundary = count(on the boundary) / n
//! ```
//! n: simulations with an estimate.
//!
//! # Monte Carlo error
//! ```text
//! sqrt(boundary (1 - boundary) / n)
//! ```
//! with the Wilson interval beside it.
//!
//! # References
//! Bates, Maechler, Bolker and Walker 2015, Journal of Statistical Software 67(1). Wilson 1927,
//! Journal of the American Statistical Association 22:209.

use trialrun_plan::Row;

use super::{Better, Diagnosand, Drift, Scope, Summary};

pub(super) const DIAGNOSAND: Diagnosand = Diagnosand {
    name: "boundary",
    summary: Summary::Rate(on_boundary),
    compared: false,
    needs_estimand: false,
    needs_estimate: false,
    better: Some(Better::Smaller),
    drift: Drift::By(0.02),
    scope: Scope::Estimators,
};

fn on_boundary(row: &Row, _alpha: f64) -> Option<bool> {
    row.tested().map(|_| row.boundary)
}
