//! The Horvitz-Thompson estimator: each outcome weighted by the inverse probability of its
//! condition. It has no bias under any assignment whose probabilities are known.
//!
//! # Fields
//! - `formula`: the outcome and the treatment, `"y ~ z"`.
//! - `se`: `youngs` (the default), for any assignment; or `constant`, for simple assignment, which
//!   takes the effect for the same in all units.
//! - `condition1`, `condition2`: the conditions to compare, second less first. They may be left out
//!   where there are two.
//! - `assignment`, `prob`, `blocks`, `clusters`: how units were assigned. Without them it is what
//!   the design's Assignment step says, which real data do not know. `assignment` is `Simple` or
//!   `Complete`; `prob` the probability of the second of two conditions, a number or an
//!   expression. Without `prob` it is the share of units that got a condition, in each block.
//!   `blocks` and `clusters` are levels or variables.
//!
//! # Formula
//! `t = (sum_2 y / p2 - sum_1 y / p1) / n`, `n` all observations, those of other conditions too.
//! The variance is that of Aronow and Samii: `(sum v^2 + sum_{i != j} s v_i v_j (p_ij - p_i p_j) /
//! p_ij) / n^2` with `v = y / p` and `s` 1 within, -2 between conditions. What never occurs
//! together, such as both conditions of one unit, is bounded by Young's inequality, so that the
//! variance is not too small in expectation. estimatr 1.0.4 leaves the bound out for units of one
//! pair. Clusters count by their totals. Where units are independent or exchangeable within blocks
//! the cost is linear in their number; else it is quadratic.
//! Tests and intervals are normal.
//!
//! # Assumptions
//! The probabilities are right, and a unit's outcome depends on its own condition only.
//!
//! # When it fails
//! `no_probability`: a unit has a condition of probability zero. `needs_simple`: `constant` with
//! another assignment than simple. `mixed_cluster`, `split_cluster`: as in `DifferenceInMeans`.
//!
//! # Example
//! ```ron
//! Estimator(label: "Horvitz-Thompson", estimand: ate,
//!     method: HorvitzThompson(formula: "y ~ z", se: youngs)),
//! Estimator(label: "The same on real data",
//!     method: HorvitzThompson(formula: "y ~ z", assignment: Complete, blocks: school)),
//! ```
//!
//! # References
//! Horvitz and Thompson 1952, Journal of the American Statistical Association 47:663. Aronow and
//! Samii 2017, Annals of Applied Statistics 11:1912. Middleton and Aronow 2015, Statistics,
//! Politics and Policy 6:39. Blair, Cooper, Coppock, Humphreys and Sonnet, estimatr.

use trialrun_stats::ht::Weighting;

use super::Declared;
use super::estimation::Fit;
use super::inverse_probability::InverseProbability;
use super::model::Model;
use crate::compile::Compiler;
use crate::declared::{Fields, Reader};
use crate::ids::LevelId;

/// The Horvitz-Thompson estimator, as declared.
#[derive(Clone, Debug)]
pub struct HorvitzThompson(InverseProbability);

impl Declared for HorvitzThompson {
    fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let formula = f.required(r, "formula", Reader::text);
        InverseProbability::read(r, f, formula, Weighting::HorvitzThompson).map(Self)
    }

    fn compile(&self, cx: &mut Compiler<'_>, level: LevelId) -> Option<(Model, Box<dyn Fit>)> {
        self.0.compile(cx, level)
    }

    fn describe(&self) -> String {
        self.0.describe()
    }
}
