//! What `HorvitzThompson` and `Hajek` share: their fields, and where probabilities come from.

mod units;

use trialrun_lang::Diagnostic;
use trialrun_stats::Failure;
use trialrun_stats::ht::{self, Variance, Weighting};

use super::build::{self, Beside, Wanted};
use super::contrast::{Contrast, contrast, read_condition};
use super::details::Details;
use super::estimation::{Coef, Fit, Fitted};
use super::model::Model;
use super::outcomes;
use super::resolve::{self, Resolved};
use crate::compile::Compiler;
use crate::compile::ir::NodeKind;
use crate::declared::{Fields, Name, Reader, Scalar, Text};
use crate::exec::Workspace;
use crate::ids::LevelId;
pub(crate) use units::AssignedUnits;
use units::Source;

/// An inverse-probability estimator, as declared.
#[derive(Clone, Debug)]
pub struct InverseProbability {
    formula: Text,
    weighting: Weighting,
    variance: Variance,
    blocks: Option<Name>,
    clusters: Option<Name>,
    prob: Option<Scalar>,
    complete: Option<bool>,
    conditions: [Option<Name>; 2],
}

/// The standard errors, by name.
const SE: &[(&str, Variance)] = &[("youngs", Variance::Youngs), ("constant", Variance::Constant)];

/// The kinds of assignment, by name.
const ASSIGNMENT: &[(&str, bool)] = &[("Simple", false), ("Complete", true)];

impl InverseProbability {
    /// Reads the fields but the formula.
    pub fn read(
        r: &mut Reader,
        f: &mut Fields<'_>,
        formula: Option<Text>,
        weighting: Weighting,
    ) -> Option<Self> {
        let se_node = f.take(r, "se");
        let variance = se_node.map_or(Some(Variance::Youngs), |node| r.choice(node, SE));
        let complete = f.take(r, "assignment").map(|node| r.choice(node, ASSIGNMENT));
        let prob = f.optional(r, "prob", Reader::scalar);
        let blocks = f.optional(r, "blocks", Reader::identifier);
        let clusters = f.optional(r, "clusters", Reader::identifier);
        let conditions =
            ["condition1", "condition2"].map(|name| f.optional(r, name, read_condition));
        let complete = match complete {
            None => None,
            Some(complete) => Some(complete?),
        };
        if let (Some(Variance::Constant), Some(true), Some(node)) = (variance, complete, se_node) {
            let message = "`se: constant` is for simple assignment";
            let error = Diagnostic::error(node.span, message).label("assignment is complete");
            r.error(error.hint("use `youngs`"));
            return None;
        }
        let (formula, variance) = (formula?, variance?);
        Some(Self { formula, weighting, variance, blocks, clusters, prob, complete, conditions })
    }

    /// The name of the method.
    fn name(&self) -> &'static str {
        match self.weighting {
            Weighting::HorvitzThompson => "HorvitzThompson",
            Weighting::Hajek => "Hajek",
        }
    }

    /// Whether the fields say how units were assigned.
    fn is_given(&self) -> bool {
        let named = self.blocks.is_some() || self.clusters.is_some();
        named || self.prob.is_some() || self.complete.is_some()
    }

    /// The model, and how it is fitted.
    pub fn compile(&self, cx: &mut Compiler<'_>, level: LevelId) -> Option<(Model, Box<dyn Fit>)> {
        let formula = resolve::parse(cx, &self.formula)?;
        let wanted = self.conditions.each_ref().map(Option::as_ref);
        let found = contrast(cx, &formula, level, self.name(), wanted);
        let outcome = outcomes::one(cx, &formula, &resolve::context(level));
        let (found, outcome) = (found?, vec![outcome?]);
        let label = found.label.clone();
        let resolved = Resolved::of_one(outcome, found.treated, label, &formula);
        let (model, source) = if self.is_given() {
            self.given(cx, level, resolved, &found)?
        } else {
            self.declared(cx, level, resolved, &found)?
        };
        let (weighting, variance) = (self.weighting, self.variance);
        Some((model, Box::new(Inverse { weighting, variance, source })))
    }

    /// Probabilities as the fields give them.
    fn given(
        &self,
        cx: &mut Compiler<'_>,
        level: LevelId,
        resolved: Resolved,
        found: &Contrast,
    ) -> Option<(Model, Source)> {
        if let Some(prob) = self.prob.as_ref().filter(|_| found.has_others) {
            let message = "`prob` is for two conditions; there are more";
            let error = Diagnostic::error(prob.span(), message).label("of the second of two");
            cx.report(error.hint("leave it out: shares of units are taken instead"));
            return None;
        }
        let context = resolve::context(level);
        let prob = match &self.prob {
            None => None,
            Some(prob) => Some(cx.scalar(prob, &context)?.id),
        };
        let clusters = self.clusters.as_ref();
        let groups = match (&self.blocks, clusters) {
            (Some(blocks), clusters) => Wanted::Blocks(blocks, clusters),
            (None, Some(clusters)) => Wanted::Clusters(clusters),
            (None, None) => Wanted::Nothing,
        };
        let every_row = Some(resolved.with_every_row());
        let mut model = build::assemble(cx, every_row, level, &groups, Beside::default())?;
        let has_prob = prob.is_some();
        if let Some(prob) = prob {
            build::add_extra(cx, &mut model, prob);
        }
        let complete = self.complete.unwrap_or(false);
        let clustered = clusters.is_some();
        Some((model, Source::Given { complete, clustered, has_prob }))
    }

    /// Probabilities of the design's own assignment.
    fn declared(
        &self,
        cx: &mut Compiler<'_>,
        level: LevelId,
        resolved: Resolved,
        found: &Contrast,
    ) -> Option<(Model, Source)> {
        let span = resolved.span;
        let joint = self.variance == Variance::Youngs;
        let variable = found.variable.as_deref();
        let info = variable.and_then(|name| cx.use_probabilities(name, joint));
        let info = info.map(|info| {
            let arm = |label: &str| info.arms.iter().position(|arm| arm == label);
            (info.id, info.level, found.conditions.each_ref().map(|c| arm(&c.label)))
        });
        let Some((id, own_level, [Some(first), Some(second)])) = info else {
            let label = match cx.data {
                Some(_) => "real data do not tell how units were assigned",
                None => "the treatment is not assigned by a step of this design",
            };
            let error = Diagnostic::error(span, "the probabilities of assignment are not known")
                .label(label)
                .hint("give them: `assignment: Simple, prob: 0.5`, with `blocks` and `clusters`");
            cx.report(error);
            return None;
        };
        let every_unit = Some(resolved.with_every_unit());
        let mut model =
            build::assemble(cx, every_unit, level, &Wanted::Nothing, Beside::default())?;
        if !cx.is_above(own_level, model.rows) {
            let message = "the rows are no longer those that were assigned";
            let error = Diagnostic::error(span, message).label("aggregated since");
            cx.report(error.hint("put the estimator before the Aggregate step"));
            return None;
        }
        let row = cx.graph.add(NodeKind::Index(own_level), own_level, span);
        build::add_extra(cx, &mut model, row);
        Some((model, Source::Declared { id, arms: [first, second] }))
    }

    /// The method in a phrase.
    pub fn describe(&self) -> String {
        let name = match self.weighting {
            Weighting::HorvitzThompson => "the Horvitz-Thompson estimator",
            Weighting::Hajek => "the Hajek estimator",
        };
        let source = if self.is_given() { "given" } else { "of the design" };
        format!("{name} of `{}` with the probabilities {source}", self.formula.text)
    }
}

/// The fit.
struct Inverse {
    weighting: Weighting,
    variance: Variance,
    source: Source,
}

impl Inverse {
    fn estimate(&self, model: &Model, ws: &mut Workspace) -> Result<ht::Fit, Failure> {
        let mut assigned = std::mem::take(&mut ws.assigned);
        let mut scratch = std::mem::take(&mut ws.ht);
        let found = self.source.fill(model, ws, &mut assigned).and_then(|()| {
            self.source.with_pairs(ws, &assigned, |units, pairs| {
                ht::fit(units, pairs, self.weighting, self.variance, &mut scratch)
            })
        });
        (ws.assigned, ws.ht) = (assigned, scratch);
        found
    }
}

impl Fit for Inverse {
    fn fit(
        &self,
        model: &Model,
        ws: &mut Workspace,
        give: &mut dyn FnMut(usize, Result<Coef, Failure>),
    ) -> Result<Fitted, Failure> {
        let ht::Fit { estimate, std_error, n_obs, .. } = self.estimate(model, ws)?;
        for i in 0..ws.model.targets.len() {
            give(i, Ok(Coef { estimate, std_error, df: f64::INFINITY }));
        }
        Ok(Fitted { n_obs, boundary: false })
    }

    fn is_linear(&self) -> bool {
        true
    }

    fn details(&self, model: &Model, ws: &mut Workspace) -> Result<Details, Failure> {
        let fit = self.estimate(model, ws)?;
        let words = vec![("assignment", self.source.describe())];
        let numbers = vec![("n_units", fit.n_units as f64)];
        let vcov = vec![fit.std_error * fit.std_error];
        Ok(Details { numbers, words, kept: vec![true], vcov, ..Details::default() })
    }
}
