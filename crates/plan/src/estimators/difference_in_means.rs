//! The difference in means of two conditions, with the standard error that fits the design.
//!
//! # Fields
//! - `formula`: the outcome and the treatment, `"y ~ z"`; several outcomes are `"cbind(a, b) ~ z"`.
//! - `blocks`: a level or a variable: the blocks within which treatment was assigned.
//! - `clusters`: a level or a variable: the clusters that were assigned as wholes.
//! - `weights`: a variable.
//! - `condition1`, `condition2`: the conditions to compare, second less first. They may be left
//!   out where there are two: then the second is compared with the first.
//!
//! # Formula
//! `t = sum_b (n_b / n) t_b`, `t_b` the difference in means of block `b` (one block where none are
//! given). What is known of the design chooses the standard error; `design` in the fit names it.
//!
//! | design | variance | degrees of freedom |
//! |---|---|---|
//! | Standard | `s1^2 / n1 + s0^2 / n0` (Neyman) | Welch |
//! | Standard, weighted | HC2 | `n - 2` |
//! | Clustered | CR2 | Satterthwaite of CR2 |
//! | Blocked | `sum_b (n_b / n)^2 V_b` | `n - 2 blocks` |
//! | Block-clustered | the same, `V_b` by CR2 | `clusters - 2 blocks` |
//! | Matched-pair | `sum_b (t_b - t)^2 / (B (B - 1))` | `B - 1` |
//! | Matched-pair clustered | `B / ((B - 1) n^2) sum_b (n_b t_b - n t / B)^2` | `B - 1` |
//! | Hybrid | both, for large and for small blocks | Satterthwaite |
//!
//! A block is small where an arm has one unit or cluster: such blocks tell their variance only
//! together. Pairs of unequal size, and small blocks in general, are weighted so that the variance
//! is unbiased where the effect is the same in all blocks, and conservative where it is not.
//! estimatr before 2.0 took every design with one block of two for matched pairs.
//! With weights `n_b` is the sum of weights. Units of weight zero are not there.
//!
//! # Assumptions
//! Units (clusters) were assigned at random within blocks, with one probability in each block.
//!
//! # When it fails
//! `empty_arm`: a block has one condition only. `too_few_in_arm`: one unit or cluster in an arm,
//! and no second block of that kind. `mixed_cluster`: both conditions in a cluster.
//! `split_cluster`: a cluster in two blocks. `not_a_condition`: a treatment that was not assigned
//! by the design has values beside 0 and 1.
//!
//! # Example
//! ```ron
//! Estimator(label: "Difference in means", estimand: ate,
//!     method: DifferenceInMeans(formula: "score ~ tutoring", blocks: school, clusters: class)),
//! ```
//!
//! # References
//! Neyman 1923 (Statistical Science 1990, 5:465). Gerber and Green 2012, Field Experiments,
//! chapter 3. Imai, King and Nall 2009, Statistical Science 24:29. Pashley and Miratrix 2021,
//! Journal of Educational and Behavioral Statistics 46:271. Blair, Cooper, Coppock, Humphreys and
//! Sonnet, estimatr.

use trialrun_stats::dim::{self, Arms, Design};
use trialrun_stats::{Failure, Observations};

use super::Declared;
use super::build::{self, Beside, Wanted};
use super::contrast::{contrast, read_condition};
use super::details::Details;
use super::estimation::{Coef, Fit, Fitted};
use super::model::Model;
use super::outcomes;
use super::resolve::{self, Resolved};
use crate::compile::Compiler;
use crate::declared::{Fields, Name, Reader, Text};
use crate::exec::Workspace;
use crate::functions::Fun;
use crate::ids::LevelId;

/// A difference in means, as declared.
#[derive(Clone, Debug)]
pub struct DifferenceInMeans {
    formula: Text,
    blocks: Option<Name>,
    clusters: Option<Name>,
    weights: Option<Name>,
    conditions: [Option<Name>; 2],
}

impl Declared for DifferenceInMeans {
    fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let formula = f.required(r, "formula", Reader::text);
        let blocks = f.optional(r, "blocks", Reader::identifier);
        let clusters = f.optional(r, "clusters", Reader::identifier);
        let weights = f.optional(r, "weights", Reader::identifier);
        let conditions =
            ["condition1", "condition2"].map(|name| f.optional(r, name, read_condition));
        Some(Self { formula: formula?, blocks, clusters, weights, conditions })
    }

    fn compile(&self, cx: &mut Compiler<'_>, level: LevelId) -> Option<(Model, Box<dyn Fit>)> {
        let formula = resolve::parse(cx, &self.formula)?;
        let wanted = self.conditions.each_ref().map(Option::as_ref);
        let found = contrast(cx, &formula, level, "DifferenceInMeans", wanted);
        let outcomes = outcomes::several(cx, &formula, &resolve::context(level));
        let resolved = found.zip(outcomes).map(|(found, outcomes)| {
            let subset = found.has_others.then(|| {
                let other = cx.graph.constant(2.0, formula.span);
                cx.map(Fun::Ne, vec![found.treated, other], formula.span)
            });
            let resolved = Resolved::of_one(outcomes, found.treated, found.label, &formula);
            (resolved, subset)
        });
        let (resolved, subset) = resolved.map_or((None, None), |(r, s)| (Some(r), s));
        let clusters = self.clusters.as_ref();
        let groups = match (&self.blocks, clusters) {
            (Some(blocks), clusters) => Wanted::Blocks(blocks, clusters),
            (None, Some(clusters)) => Wanted::Clusters(clusters),
            (None, None) => Wanted::Nothing,
        };
        let weights = self.weights.as_ref();
        let beside = Beside { weights, subset, ..Beside::default() };
        let model = build::assemble(cx, resolved, level, &groups, beside)?;
        Some((model, Box::new(Means { clustered: clusters.is_some() })))
    }

    fn describe(&self) -> String {
        let mut text = format!("the difference in means of `{}`", self.formula.text);
        let parts = [
            (&self.clusters, ", clustered by"),
            (&self.blocks, ", within the blocks of"),
            (&self.weights, ", weighted by"),
        ];
        for (name, words) in parts {
            if let Some(name) = name {
                text += &format!("{words} `{}`", name.text);
            }
        }
        text
    }
}

/// The fit.
struct Means {
    clustered: bool,
}

impl Means {
    fn means(&self, model: &Model, ws: &mut Workspace) -> Result<dim::Fit, Failure> {
        let n = ws.size(model.rows);
        let Workspace { columns, runs, model: scratch, dim, .. } = ws;
        let rows = model.rows(scratch, columns, runs, n);
        let arms = Arms {
            y: rows.y,
            treated: rows.x,
            observations: rows.observations,
            blocks: &scratch.blocks,
            clusters: if self.clustered { rows.groups } else { &[] },
        };
        dim::fit(&arms, dim)
    }
}

impl Fit for Means {
    fn fit(
        &self,
        model: &Model,
        ws: &mut Workspace,
        give: &mut dyn FnMut(usize, Result<Coef, Failure>),
    ) -> Result<Fitted, Failure> {
        let dim::Fit { estimate, std_error, df, n_obs, .. } = self.means(model, ws)?;
        for i in 0..ws.model.targets.len() {
            give(i, Ok(Coef { estimate, std_error, df }));
        }
        Ok(Fitted { n_obs, boundary: false })
    }

    fn is_linear(&self) -> bool {
        true
    }

    fn details(&self, model: &Model, ws: &mut Workspace) -> Result<Details, Failure> {
        let fit = self.means(model, ws)?;
        let n = ws.size(model.rows);
        let rows = model.rows(&ws.model, &ws.columns, &ws.runs, n);
        let weighted = matches!(rows.observations, Observations::Weighted(_));
        let mut design = match (fit.design, self.clustered) {
            (Design::Standard, false) => "Standard",
            (Design::Standard, true) => "Clustered",
            (Design::Blocked, false) => "Blocked",
            (Design::Blocked, true) => "Block-clustered",
            (Design::MatchedPair, false) => "Matched-pair",
            (Design::MatchedPair, true) => "Matched-pair clustered",
            (Design::Hybrid, false) => "Hybrid",
            (Design::Hybrid, true) => "Hybrid clustered",
        }
        .to_string();
        if weighted {
            design += " (weighted)";
        }
        let mut numbers = Vec::new();
        if fit.n_blocks > 0 {
            numbers.push(("n_blocks", fit.n_blocks as f64));
        }
        if fit.n_clusters > 0 {
            numbers.push(("n_clusters", fit.n_clusters as f64));
        }
        let words = vec![("design", design)];
        let vcov = vec![fit.std_error * fit.std_error];
        Ok(Details { numbers, words, kept: vec![true], vcov, ..Details::default() })
    }
}
