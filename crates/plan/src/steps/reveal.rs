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

use trialrun_lang::{Diagnostic, suggestion};

use super::Declared;
use crate::compile::{Compiler, Context};
use crate::declared::{Fields, Name, Reader};
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
            if cx.is_doubtful(&self.outcome.text) {
                return cx.define_unknown(&self.outcome, cx.frame);
            }
            let known: Vec<String> = cx.outcomes.iter().map(|o| o.name.clone()).collect();
            let message = format!("no step declares potential outcomes of `{}`", self.outcome.text);
            let hint = suggestion(&self.outcome.text, &known)
                .unwrap_or_else(|| "declare them in a PotentialOutcomes step before".into());
            cx.report(
                Diagnostic::error(self.outcome.span, message).label("unknown outcome").hint(hint),
            );
            cx.define_unknown(&self.outcome, cx.frame);
            return;
        };
        if !self.names_fit(cx, at) || self.reveal(cx, at).is_none() {
            cx.define_unknown(&self.outcome, cx.frame);
        }
    }

    fn describe(&self) -> String {
        let by: Vec<String> = self.by.iter().map(|n| format!("`{}`", n.text)).collect();
        let by = if by.is_empty() { "its assigned variables".into() } else { by.join(" and ") };
        format!("reveal `{}` by {by}", self.outcome.text)
    }
}

impl Reveal {
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
            let message = format!("`by` lacks `{missing}`");
            let error = Diagnostic::error(self.outcome.span, message)
                .label(format!("its potential outcomes depend on `{missing}` too"));
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
                if cx.is_doubtful(variable) {
                    return None;
                }
                let message = format!("`{variable}` is not assigned before this step");
                let error = Diagnostic::error(span, message).label("not an assigned variable");
                cx.report(error.hint("put an Assignment step for it before the Reveal step"));
                return None;
            };
            if let Some(lost) = possible.iter().find(|p| !conditions.contains(p)) {
                let message = format!(
                    "`{variable}` can be assigned `{}`, for which `{}` has no potential outcome",
                    lost.label, self.outcome.text
                );
                cx.report(Diagnostic::error(span, message).label("conditions do not match"));
                return None;
            }
            let node = cx.resolve(variable, span, &Context::at(frame))?;
            deepest_choice = cx.deeper(deepest_choice, cx.graph.node(node).level);
            assigned.push((node, conditions.iter().map(|c| c.value).collect::<Vec<f64>>()));
        }
        for source in &sources {
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
