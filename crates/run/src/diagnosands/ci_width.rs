//! The mean width of the confidence interval.
//!
//! # What it is
//! How precise the study would say it is: the distance between the interval's ends, averaged. Of
//! two estimators that cover equally often, the one with narrower intervals is better.
//!
//! # Formula
//! ```text
//! ci_width = sum (high - low) / n
//! ```
//! n: simulations with an estimate, and an interval that has two ends: where a resampling test
//! rejects nothing on one side, it has none there.
//!
//! # Monte Carlo error
//! ```text
//! sd(high - low) / sqrt(n)
//! ```
//!
//! # References
//! Blair, Cooper, Coppock and Humphreys 2019, American Political Science Review 113:838 (there
//! the mean length of the interval).

use trialrun_plan::Row;

use super::{Better, Diagnosand, Drift, Scope, Summary};

pub(super) const DIAGNOSAND: Diagnosand = Diagnosand {
    name: "ci_width",
    summary: Summary::Mean(width),
    compared: false,
    needs_estimand: false,
    needs_estimate: true,
    better: Some(Better::Smaller),
    drift: Drift::OfItself(0.03),
    scope: Scope::Estimators,
};

fn width(row: &Row, _alpha: f64) -> Option<f64> {
    row.estimate().map(|fit| fit.conf_high - fit.conf_low).filter(|width| width.is_finite())
}
