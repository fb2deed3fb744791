//! Whether reported standard errors are as large as they should be.
//!
//! # What it is
//! The mean of the reported standard errors over the standard deviation of the estimates. Below 1
//! the estimator claims more precision than it has, above 1 less.
//!
//! # Formula
//! ```text
//! se_ratio = r = mean_se / sd_estimate
//! ```
//! n: simulations with an estimate; two at least, and estimates that differ.
//!
//! # Monte Carlo error
//! Numerator and denominator come from the same simulations and are correlated: a simulation with
//! a large standard error may be one with a far estimate. With w the standard errors, x the
//! estimates and `v = sum (x - mean x)^2 / n`, log r = log(mean w) - log(v) / 2 moves with
//! simulation i by
//! ```text
//! u_i = (w_i - mean w) / mean w - ((x_i - mean x)^2 - v) / (2 v)
//! ```
//! which has mean 0. The error is the delta method's `r sqrt(sum u^2 / (n (n - 1)))`, where
//! ```text
//! sum u^2 = sum (w - mean w)^2 / (mean w)^2 + (sum (x - mean x)^4 / v^2 - n) / 4
//!           - sum (w - mean w) (x - mean x)^2 / (v mean w)
//! ```
//!
//! # References
//! Morris, White and Crowther 2019, Statistics in Medicine 38:2074, table 6, has the relative
//! error in the model standard error, with an error formula that takes the estimates as normal and
//! the two as independent.

use super::{Diagnosand, Drift, Scope, Summary, mean_estimate, mean_se};

pub(super) const DIAGNOSAND: Diagnosand = Diagnosand {
    name: "se_ratio",
    summary: Summary::MeanOverSd { mean: mean_se::value, sd: mean_estimate::value },
    compared: false,
    needs_estimand: false,
    needs_estimate: true,
    better: None,
    drift: Drift::By(0.03),
    scope: Scope::Estimators,
};
