//! The words for names that mean nothing where they stand.

use trialrun_lang::{Diagnostic, Span, did_you_mean, suggestion};

use super::{Binding, Compiler, Context, Declares};
use crate::declared::{Name, joined};
use crate::ids::LevelId;

/// How many names a hint lists.
const LISTED_MAX: usize = 12;

impl Compiler<'_> {
    /// Reports a name that has a meaning already.
    pub(super) fn defined_twice(&mut self, name: &Name, binding: Binding) {
        let Some((known, first)) = self.scope.get(&name.text).copied() else { return };
        let what = |binding: Binding| match binding {
            Binding::Variable(_) => "variable",
            Binding::Level(_) => "level",
            Binding::Parameter(_) => "parameter",
        };
        let (old, new) = (what(known), what(binding));
        let message = format!("`{}` is defined twice", name.text);
        let mut error = Diagnostic::error(name.span, message);
        if first == name.span {
            error = error.label("this makes two variables of that name");
        } else if old == new {
            error = error.label("defined again here").related(first, "first defined here");
        } else {
            let label = format!("defined again here, as a {new}");
            error = error.label(label).related(first, format!("first defined here, as a {old}"));
        }
        self.report(error.hint("give one of them another name"));
    }

    /// Reports a name that stands for nothing.
    pub(super) fn unknown(&mut self, name: &str, span: Span, context: &Context) {
        if self.is_doubtful(name) {
            return;
        }
        let what = if context.by_name { "level or variable" } else { "variable" };
        let kinds = [Declares::Variable, Declares::Level];
        if kinds.into_iter().any(|kind| self.told_to_be_later(kind, name, span)) {
            return;
        }
        let error = Diagnostic::error(span, format!("there is no {what} `{name}`"));
        let hint = self.way_out_of_unknown(name, context);
        self.report(error.label("unknown name").maybe_hint(hint));
    }

    fn way_out_of_unknown(&self, name: &str, context: &Context) -> Option<String> {
        if super::calls::is_function(name) {
            return Some(format!("`{name}` is a function: write `{name}(...)`"));
        }
        let mut known: Vec<&str> = self.scope.keys().map(String::as_str).collect();
        known.extend(self.deferred.iter().map(|(n, ..)| n.text.as_str()));
        known.extend(context.given.iter().map(|(n, _)| n.as_str()));
        known.sort_unstable();
        known.dedup();
        let prefix = |outcome: &&super::Outcome| {
            name.strip_prefix(outcome.name.as_str()).is_some_and(|rest| rest.starts_with('_'))
        };
        if let Some(outcome) = self.outcomes.iter().find(prefix)
            && outcome.names.len() <= LISTED_MAX
        {
            let names: Vec<&str> = outcome.names.iter().map(String::as_str).collect();
            let names = joined(&names, "and");
            return Some(format!("the potential outcomes of `{}` are {names}", outcome.name));
        }
        let meant = did_you_mean(name, known.iter().copied());
        // A word of a step that could not be read may be what was meant.
        if let Some(meant) = meant.or_else(|| did_you_mean(name, &self.doubtful)) {
            return Some(format!("did you mean `{meant}`?"));
        }
        if known.is_empty() {
            let hint = "nothing is declared before this: name numbers in `parameters`";
            return Some(hint.to_string());
        }
        (known.len() <= LISTED_MAX).then(|| format!("declared so far: {}", joined(&known, "and")))
    }

    /// Tells that something is declared in a later step, if it is.
    pub fn told_to_be_later(&mut self, kind: Declares, name: &str, span: Span) -> bool {
        let Some(declared) = self.declared.get(&(kind, name.to_string())).copied() else {
            return false;
        };
        let what = kind.word();
        let error = Diagnostic::error(span, format!("{what} `{name}` is not declared yet"))
            .label("used before it is declared")
            .related(declared, "declared here")
            .hint("a step sees what is declared before it: change the order");
        self.report(error);
        true
    }

    /// Reports a name that has no value for each unit of the level where it stands.
    pub(super) fn out_of_reach(
        &mut self,
        name: &str,
        level: LevelId,
        reach: LevelId,
        (span, context): (Span, &Context),
    ) {
        let (here, there) =
            (self.level_name(reach).to_string(), self.level_name(level).to_string());
        if !self.is_above(reach, level) {
            let message =
                format!("`{name}` belongs to level `{there}`, which does not contain `{here}`");
            let error = Diagnostic::error(span, message).label("can not be seen here");
            self.report(error.hint("compute what is needed in the Aggregate step"));
            return;
        }
        let is_level = matches!(self.binding(name), Some(Binding::Level(_)));
        let rows_left = self.is_above(level, self.frame);
        let whole = reach == LevelId::WHOLE;
        let message = match is_level {
            true => format!("level `{name}` is further down than {}", self.rows_of(reach)),
            false if whole => format!("`{name}` has a value for each {there}, not one for all"),
            false => format!("`{name}` has a value for each {there}, not one for each {here}"),
        };
        let label = match whole {
            true => "expected one value".to_string(),
            false => format!("expected one value a {here}"),
        };
        let reduced = match whole {
            true => format!("mean({name})"),
            false => format!("mean({name}, by = {here})"),
        };
        let hint = if is_level {
            format!("name level `{here}`, or one above it")
        } else if context.rows.is_some() {
            format!("reduce it, as in `mean({name})`")
        } else if !rows_left {
            format!(
                "reduce it in the Aggregate step, as in `mean({name})`, or put this step before it"
            )
        } else if context.by_name {
            format!(
                "compute one value a {here} before this step: \
                 `Variables(level: {here}, variables: {{ ... }})`"
            )
        } else {
            format!("reduce it, as in `{reduced}`")
        };
        self.report(Diagnostic::error(span, message).label(label).hint(hint));
    }

    /// The units of a level in words.
    fn rows_of(&self, level: LevelId) -> String {
        match level {
            LevelId::WHOLE => "the design as a whole".to_string(),
            level if level == self.frame => {
                format!("the rows, which are of level `{}`", self.level_name(level))
            }
            level => format!("level `{}`, whose units are meant", self.level_name(level)),
        }
    }

    /// Reports a level that there is not.
    pub(super) fn unknown_level(&mut self, name: &Name) {
        let Name { text, span } = name;
        if self.is_doubtful(text) || self.told_to_be_later(Declares::Level, text, *span) {
            return;
        }
        let known: Vec<String> = self.levels[1..].iter().map(|l| l.name.clone()).collect();
        let is_variable = matches!(self.binding(&name.text), Some(Binding::Variable(_)));
        let error = Diagnostic::error(name.span, format!("there is no level `{}`", name.text));
        let label = if is_variable { "a variable, not a level" } else { "not a level" };
        self.report(error.label(label).maybe_hint(suggestion(&name.text, &known)));
    }
}
