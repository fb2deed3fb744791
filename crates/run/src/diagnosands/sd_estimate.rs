//! The standard deviation of the estimates: the estimator's true standard error.
//!
//! # What it is
//! How much the estimate varies from simulation to simulation (the empirical standard error). The
//! standard errors that the estimator reports should be about as large; see `se_ratio`.
//!
//! # Formula
//! ```text
//! sd_estimate = s = sqrt(M2 / (n - 1))      M_k = sum (estimate - mean_estimate)^k
//! ```
//! n: simulations with an estimate.
//!
//! # Monte Carlo error
//! ```text
//! sqrt(Var(s^2)) / (2 s)      Var(s^2) = (M4 / n - s^4 (n - 3) / (n - 1)) / n
//! ```
//! the delta method on the variance, whose own variance is exact whatever the distribution of the
//! estimates. (The usual s / sqrt(2 (n - 1)) holds for normal estimates only.)
//!
//! # References
//! Morris, White and Crowther 2019, Statistics in Medicine 38:2074, table 6 (empirical standard
//! error). Cramer 1946, Mathematical Methods of Statistics, section 27.4 (variance of s^2).

use super::{Diagnosand, Drift, Scope, Summary, mean_estimate};

pub(super) const DIAGNOSAND: Diagnosand = Diagnosand {
    name: "sd_estimate",
    summary: Summary::Sd(mean_estimate::value),
    compared: false,
    needs_estimand: false,
    needs_estimate: true,
    better: None,
    drift: Drift::OfItself(0.03),
    scope: Scope::Estimators,
};
