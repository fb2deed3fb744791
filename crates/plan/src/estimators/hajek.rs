//! The Hajek estimator: the difference of means weighted by the inverse probability of each unit's
//! condition. It is what `LmRobust` with such weights estimates, with a standard error that knows
//! the assignment.
//!
//! # Fields
//! - `formula`: the outcome and the treatment, `"y ~ z"`.
//! - `se`: `youngs` (the default) or `constant`, as for `HorvitzThompson`.
//! - `condition1`, `condition2`: the conditions to compare, second less first.
//! - `assignment`, `prob`, `blocks`, `clusters`: how units were assigned, as for `HorvitzThompson`,
//!   where it is not the design's Assignment step that says so.
//!
//! # Formula
//! `t = m2 - m1`, `m_a = (sum_a y / p_a) / (sum_a 1 / p_a)`. The variance is that of
//! Horvitz-Thompson for the residuals `y - m_a`, each sum over its own `sum_a 1 / p_a` (Taylor).
//! Tests and intervals are normal. It has a small bias, and mostly a smaller error than
//! Horvitz-Thompson, since it does not change with the origin of the outcome.
//!
//! # Assumptions
//! As `HorvitzThompson`; many units in each condition.
//!
//! # When it fails
//! As `HorvitzThompson`, and `empty_arm`: nobody got one of the conditions.
//!
//! # Example
//! ```ron
//! Estimator(label: "Hajek", estimand: ate, method: Hajek(formula: "y ~ z")),
//! ```
//!
//! # References
//! Hajek 1971, in Foundations of Statistical Inference. Aronow and Samii 2017, Annals of Applied
//! Statistics 11:1912, section 7.

use trialrun_stats::ht::Weighting;

use super::Declared;
use super::estimation::Fit;
use super::inverse_probability::InverseProbability;
use super::model::Model;
use crate::compile::Compiler;
use crate::declared::{Fields, Reader};
use crate::ids::LevelId;

/// The Hajek estimator, as declared.
#[derive(Clone, Debug)]
pub struct Hajek(InverseProbability);

impl Declared for Hajek {
    fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let formula = f.required(r, "formula", Reader::text);
        InverseProbability::read(r, f, formula, Weighting::Hajek).map(Self)
    }

    fn compile(&self, cx: &mut Compiler<'_>, level: LevelId) -> Option<(Model, Box<dyn Fit>)> {
        self.0.compile(cx, level)
    }

    fn describe(&self) -> String {
        self.0.describe()
    }
}
