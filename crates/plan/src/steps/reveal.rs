//! Reveals the outcome that goes with the condition a unit was assigned to.
//!
//! The conditions may be assigned, or be outcomes that were revealed before (take-up), or any other
//! variable (the share of treated neighbours): then the formula of the potential outcomes is
//! evaluated at the values that the units have.
//!
//! # Fields
//! - `outcome`: an outcome that a PotentialOutcomes step declares; the variable of that name is
//!   made.
//! - `by`: the variables of the conditions, one or a list; by default those of the potential
//!   outcomes.
//! - `response`: a variable; the outcome is missing where it is not 1. It may be a potential
//!   outcome that was revealed itself, so that treatment drives attrition.
//!
//! # Example
//! ```ron
//! Reveal(outcome: score, by: [treatment]),
//! Reveal(outcome: responds, by: treatment),
//! Reveal(outcome: income, by: treatment, response: responds),
//! ```

use trialrun_lang::{Diagnostic, Span, did_you_mean, suggestion};

use super::{Declared, all_of};
use crate::compile::ir::{NA, NodeId, NodeKind};
use crate::compile::{Compiler, Context, Declares, Missing, Value};
use crate::declared::{Fields, Name, Reader, joined};
use crate::exec::reveal::Reveal as RevealOp;
use crate::functions::Fun;
use crate::ids::LevelId;

/// A reveal, as declared.
#[derive(Clone, Debug)]
pub struct Reveal {
    outcome: Name,
    by: Vec<Name>,
    response: Option<Name>,
}

impl Declared for Reveal {
    fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let outcome = f.required(r, "outcome", Reader::identifier);
        let by = f.optional(r, "by", |r, node| r.list(node, Reader::identifier));
        let response = f.optional(r, "response", Reader::identifier);
        Some(Self { outcome: outcome?, by: by.unwrap_or_default(), response })
    }

    fn compile(&self, cx: &mut Compiler<'_>) {
        if cx.data.is_some() {
            return;
        }
        let Some(at) = cx.outcomes.iter().position(|o| o.name == self.outcome.text) else {
            self.unknown(cx);
            return cx.define_unknown(&self.outcome, cx.frame);
        };
        if !self.names_fit(cx, at) || self.reveal(cx, at).is_none() {
            cx.define_unknown(&self.outcome, cx.frame);
        }
    }

    fn declares(&self) -> Vec<(Declares, Name)> {
        all_of(Declares::Variable, [self.outcome.clone()])
    }

    fn describe(&self) -> String {
        let by: Vec<String> = self.by.iter().map(|n| format!("`{}`", n.text)).collect();
        let by = if by.is_empty() { "its assigned variables".into() } else { by.join(" and ") };
        let response = self.response.as_ref();
        let missing =
            response.map_or(String::new(), |r| format!(", missing where `{}` is not 1", r.text));
        format!("reveal `{}` by {by}{missing}", self.outcome.text)
    }
}

impl Reveal {
    /// Reports an outcome that no step before declares.
    fn unknown(&self, cx: &mut Compiler<'_>) {
        let Name { text, span } = &self.outcome;
        if cx.is_doubtful(text) || cx.told_to_be_later(Declares::Outcome, text, *span) {
            return;
        }
        let known: Vec<String> = cx.outcomes.iter().map(|o| o.name.clone()).collect();
        let meant = did_you_mean(text, &known).map(str::to_string);
        let hint = meant.as_ref().map_or_else(
            || "declare them in a PotentialOutcomes step before this one".to_string(),
            |meant| format!("did you mean `{meant}`?"),
        );
        // The name that was meant is not wrong where it is used.
        cx.doubtful.extend(meant);
        let message = format!("no step declares potential outcomes of `{text}`");
        cx.report(Diagnostic::error(*span, message).label("unknown outcome").hint(hint));
    }

    /// Where `by` stands, or the outcome.
    fn by_span(&self) -> Span {
        let by = self.by.iter().map(|name| name.span).reduce(Span::join);
        by.unwrap_or(self.outcome.span)
    }

    /// Whether `by` names just the variables that the potential outcomes depend on.
    fn names_fit(&self, cx: &mut Compiler<'_>, at: usize) -> bool {
        let needed: Vec<String> = cx.outcomes[at].by.iter().map(|(n, _)| n.clone()).collect();
        for name in &self.by {
            if !needed.contains(&name.text) {
                let message = format!("`{}` does not depend on `{}`", self.outcome.text, name.text);
                let error = Diagnostic::error(name.span, message)
                    .label("not among its conditions")
                    .maybe_hint(suggestion(&name.text, &needed));
                cx.report(error);
                return false;
            }
        }
        let missing = needed.iter().find(|n| !self.by.iter().any(|b| b.text == **n));
        if let (Some(missing), false) = (missing, self.by.is_empty()) {
            let message = format!("`{}` depends on `{missing}` too", self.outcome.text);
            let all: Vec<&str> = needed.iter().map(String::as_str).collect();
            let error = Diagnostic::error(self.by_span(), message)
                .label(format!("`{missing}` is missing"))
                .hint(format!("write `by: [{}]`, or leave `by` out", all.join(", ")));
            cx.report(error);
            return false;
        }
        true
    }

    fn reveal(&self, cx: &mut Compiler<'_>, at: usize) -> Option<()> {
        let by = cx.outcomes[at].by.iter();
        let assigned = by.clone().all(|(name, _)| cx.assigned.iter().any(|(a, _)| a == name));
        let known = by.clone().all(|(name, _)| cx.binding(name).is_some());
        let revealed = if assigned || !known { self.choose(cx, at) } else { self.evaluate(cx, at) };
        let response = self.response.as_ref();
        let frame = Context::at(cx.frame);
        let response = response.map(|r| cx.resolve(&r.text, r.span, &frame).map(|n| (n, r.span)));
        let mut node = revealed?;
        if let Some(response) = response {
            let (response, span) = response?;
            let one = cx.graph.constant(1.0, span);
            let responds = cx.map(Fun::Eq, vec![response, one], span);
            let missing = cx.graph.constant(NA, span);
            let chosen = cx.map(Fun::If, vec![responds, node, missing], span);
            node = cx.keep_as_revealed(chosen);
        }
        cx.define(&self.outcome, node, cx.frame);
        Some(())
    }

    /// Where a variable of the conditions is named, or the outcome.
    fn span_of(&self, variable: &str) -> Span {
        self.by.iter().find(|b| b.text == variable).map_or(self.outcome.span, |b| b.span)
    }

    /// Reports that the units of the potential outcomes are no longer there.
    fn rows_are_gone(&self, cx: &mut Compiler<'_>) {
        let message = format!("the rows of `{}` are gone", self.outcome.text);
        let error = Diagnostic::error(self.outcome.span, message)
            .label("its potential outcomes are further down than the rows");
        cx.report(error.hint("put this step before the Aggregate step"));
    }

    /// Chooses among the columns of potential outcomes by assigned variables.
    fn choose(&self, cx: &mut Compiler<'_>, at: usize) -> Option<NodeId> {
        let outcome = &cx.outcomes[at];
        let (by, sources) = (outcome.by.clone(), outcome.columns.clone());
        let frame = cx.frame;
        let mut assigned = Vec::new();
        let mut level = LevelId::WHOLE;
        let mut deepest_choice = LevelId::WHOLE;
        for (variable, conditions) in &by {
            let given = cx.assigned.iter().find(|(name, _)| name == variable);
            let span = self.span_of(variable);
            let Some((_, possible)) = given else {
                not_assigned(cx, variable, span);
                return None;
            };
            if let Some(lost) = possible.iter().find(|p| !conditions.contains(p)) {
                let message = format!(
                    "`{variable}` can be assigned `{}`, for which `{}` has no potential outcome",
                    lost.label, self.outcome.text
                );
                let known: Vec<&str> = conditions.iter().map(|c| c.label.as_str()).collect();
                let hint = format!("its potential outcomes are for {}", joined(&known, "and"));
                let error = Diagnostic::error(span, message).label("conditions do not match");
                cx.report(error.hint(hint));
                return None;
            }
            let node = cx.resolve(variable, span, &Context::at(frame))?;
            deepest_choice = cx.deeper(deepest_choice, cx.graph.node(node).level);
            assigned.push((node, conditions.iter().map(|c| c.value).collect::<Vec<f64>>()));
        }
        let mut missing = Missing::Never;
        let (name, span) = (&self.outcome.text, self.outcome.span);
        let mut seen = |source: NodeId| {
            let level = cx.graph.node(source).level;
            // The groups of an Aggregate step are other units, even where they are as many.
            let is_left = cx.left_of(level, frame).is_some() || cx.is_linked(level, frame);
            is_left.then(|| cx.see(source, frame, name, span))?
        };
        let sources: Vec<Option<NodeId>> = sources.into_iter().map(&mut seen).collect();
        let Some(sources) = sources.into_iter().collect::<Option<Vec<NodeId>>>() else {
            self.rows_are_gone(cx);
            return None;
        };
        for source in &sources {
            level = cx.deeper(level, cx.graph.node(*source).level);
            missing = missing.max(cx.missing(*source));
        }
        level = cx.deeper(level, deepest_choice);
        let sources = sources.iter().map(|s| cx.column_at(*s, level)).collect();
        let assigned =
            assigned.into_iter().map(|(n, c)| (cx.column_at(n, deepest_choice), c)).collect();
        let runs = cx.runs_between(deepest_choice, level);
        let out = cx.new_column(level);
        cx.columns[out.idx()].missing = missing;
        let alone = deepest_choice == level;
        cx.push(RevealOp { level, choice: deepest_choice, runs, alone, assigned, sources, out });
        Some(cx.graph.add(NodeKind::Column(out), level, self.outcome.span))
    }

    /// Evaluates the formula at the values that the variables of the conditions have.
    fn evaluate(&self, cx: &mut Compiler<'_>, at: usize) -> Option<NodeId> {
        let outcome = &cx.outcomes[at];
        let (by, labels) = (outcome.by.clone(), outcome.labels.clone());
        let (formula, before) = (outcome.formula.clone(), outcome.level);
        let Some(level) = cx.left_of(before, cx.frame) else {
            self.rows_are_gone(cx);
            return None;
        };
        if level != before && cx.looks_around(&formula) {
            let message = format!("`{}` depends on the whole population", self.outcome.text);
            let error = Diagnostic::error(self.outcome.span, message)
                .label("its formula has a reduction or `N`, and a sample was drawn since");
            cx.report(error.hint("declare the reduction as a variable before the sampling"));
            return None;
        }
        let mut context = Context::at(level);
        for ((variable, _), wanted) in by.into_iter().zip(labels) {
            let span = self.span_of(&variable);
            let id = cx.resolve(&variable, span, &Context::at(cx.frame))?;
            let found = cx.labels_of(id);
            let same = |a: u32, b: u32| cx.labels[a as usize] == cx.labels[b as usize];
            if let Some(wanted) = wanted
                && !found.is_some_and(|found| same(found, wanted))
            {
                let names: Vec<&str> =
                    cx.labels[wanted as usize].iter().map(String::as_str).collect();
                let message = format!("the categories of `{variable}` are not the conditions");
                let hint = format!("`{}` has {}", self.outcome.text, joined(&names, "and"));
                let error = Diagnostic::error(span, message).label("other categories");
                cx.report(error.hint(hint));
                return None;
            }
            context.given.push((variable, Value { id, labels: found }));
        }
        cx.scalar(&formula, &context).map(|value| cx.keep_as_revealed(value.id))
    }
}

/// Reports that a variable is not assigned before.
fn not_assigned(cx: &mut Compiler<'_>, variable: &str, span: Span) {
    let later = cx.binding(variable).is_none();
    if cx.is_doubtful(variable)
        || (later && cx.told_to_be_later(Declares::Variable, variable, span))
    {
        return;
    }
    let message = format!("`{variable}` is not assigned before this step");
    let error = Diagnostic::error(span, message).label("not an assigned variable");
    cx.report(error.hint("put an Assignment step for it before the Reveal step"));
}
