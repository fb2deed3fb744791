//! The mean degrees of freedom of the test.
//!
//! # What it is
//! How many degrees of freedom the estimator's t distribution has, on average. Few of them mean
//! wide intervals. Tests that use the normal distribution have none to count.
//!
//! # Formula
//! ```text
//! mean_df = sum df / n
//! ```
//! n: simulations with an estimate and finite degrees of freedom.
//!
//! # Monte Carlo error
//! ```text
//! sd(df) / sqrt(n)
//! ```
//!
//! # References
//! Pustejovsky and Tipton 2018, Journal of Business and Economic Statistics 36:672, on degrees of
//! freedom that vary with the data.

use trialrun_plan::Row;

use super::{Diagnosand, Drift, Scope, Summary};

pub(super) const DIAGNOSAND: Diagnosand = Diagnosand {
    name: "mean_df",
    summary: Summary::Mean(value),
    compared: false,
    needs_estimand: false,
    needs_estimate: false,
    better: None,
    drift: Drift::OfItself(0.03),
    scope: Scope::Estimators,
};

fn value(row: &Row, _alpha: f64) -> Option<f64> {
    row.tested().map(|fit| fit.df).filter(|df| df.is_finite())
}
