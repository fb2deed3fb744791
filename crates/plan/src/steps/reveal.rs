//! Reveals the outcome that goes with the condition a unit was assigned to.
//!
//! # Fields
//! - `outcome`: an outcome that a PotentialOutcomes step declares; the variable of that name is
//!   made.
//! - `by`: the assigned variables, one or a list; by default those of the potential outcomes.
//!
//! # Example
//! ```ron
//! Reveal(outcome: score, by: [treatment]),
//! ```

use trialrun_lang::{Diagnostic, Span, did_you_mean, suggestion};

use super::{Declared, all_of};
use crate::compile::{Compiler, Context, Declares};
use crate::declared::{Fields, Name, Reader, joined};
use crate::exec::reveal::Reveal as RevealOp;
use crate::ids::LevelId;

/// A reveal, as declared.
#[derive(Clone, Debug)]
pub struct Reveal {
    outcome: Name,
    by: Vec<Name>,
}

impl Declared for Reveal {
    fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let outcome = f.required(r, "outcome", Reader::identifier);
        let by = f.optional(r, "by", |r, node| r.list(node, Reader::identifier));
        Some(Self { outcome: outcome?, by: by.unwrap_or_default() })
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
        format!("reveal `{}` by {by}", self.outcome.text)
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
        let outcome = &cx.outcomes[at];
        let (by, sources) = (outcome.by.clone(), outcome.columns.clone());
        let frame = cx.frame;
        let mut assigned = Vec::new();
        let mut level = LevelId::WHOLE;
        let mut deepest_choice = LevelId::WHOLE;
        for (variable, conditions) in &by {
            let given = cx.assigned.iter().find(|(name, _)| name == variable);
            let span =
                self.by.iter().find(|b| b.text == *variable).map_or(self.outcome.span, |b| b.span);
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
        for source in &sources {
            if !cx.is_above(cx.graph.node(*source).level, frame) {
                let message = format!("the rows of `{}` are gone", self.outcome.text);
                let error = Diagnostic::error(self.outcome.span, message)
                    .label("its potential outcomes are further down than the rows");
                cx.report(error.hint("put this step before the Aggregate step"));
                return None;
            }
            level = cx.deeper(level, cx.graph.node(*source).level);
        }
        level = cx.deeper(level, deepest_choice);
        let sources = sources.iter().map(|s| cx.column_at(*s, level)).collect();
        let assigned =
            assigned.into_iter().map(|(n, c)| (cx.column_at(n, deepest_choice), c)).collect();
        let runs = cx.runs_between(deepest_choice, level);
        let out = cx.new_column(level);
        let alone = deepest_choice == level;
        cx.push(RevealOp { level, choice: deepest_choice, runs, alone, assigned, sources, out });
        cx.define_column(&self.outcome, out, frame);
        Some(())
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
