//! How often the estimator gives no estimate.
//!
//! # What it is
//! The share of simulations in which the fit failed: no rows, no residual degree of freedom, an
//! estimand that is not a number, no convergence ... Reports count the reasons. All other
//! diagnosands leave these simulations out, so they speak of studies whose analysis went through.
//!
//! # Formula
//! ```text
//! failures = count(no estimate) / n
//! ```
//! n: all simulations.
//!
//! # Monte Carlo error
//! ```text
//! sqrt(failures (1 - failures) / n)
//! ```
//! with the Wilson interval beside it.
//!
//! # References
//! Morris, White and Crowther 2019, Statistics in Medicine 38:2074 (missing estimates). Wilson
//! 1927, Journal of the American Statistical Association 22:209.

use trialrun_plan::Row;

use super::{Better, Diagnosand, Drift, Scope, Summary};

pub(super) const DIAGNOSAND: Diagnosand = Diagnosand {
    name: "failures",
    summary: Summary::Rate(failed),
    compared: false,
    needs_estimand: false,
    needs_estimate: false,
    better: Some(Better::Smaller),
    drift: Drift::By(0.005),
    scope: Scope::Estimators,
};

fn failed(row: &Row, _alpha: f64) -> Option<bool> {
    Some(row.fit.is_err())
}
