//! What is wrong with a design, where, and how to mend it.

use std::fmt;

use crate::span::Span;

/// How grave a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The design cannot be used.
    Error,
    /// The design can be used, but is probably not what was meant.
    Warning,
    /// Worth knowing.
    Note,
}

/// One message about the design file.
///
/// Messages are written in lower case without a full stop, with the user's words in back-ticks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How grave it is.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: String,
    /// The offending text; none where the message is about the file as a whole.
    pub span: Option<Span>,
    /// What to print under the marked text; may be empty.
    pub label: String,
    /// Other places that matter, each with its own label ("first defined here").
    pub related: Vec<(Span, String)>,
    /// Ways out, one `help:` line each.
    pub hints: Vec<String>,
}

impl Diagnostic {
    /// An error about the text at `span`.
    pub fn error(span: impl Into<Option<Span>>, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, span.into(), message.into())
    }

    /// A warning about the text at `span`.
    pub fn warning(span: impl Into<Option<Span>>, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, span.into(), message.into())
    }

    /// A note about the text at `span`.
    pub fn note(span: impl Into<Option<Span>>, message: impl Into<String>) -> Self {
        Self::new(Severity::Note, span.into(), message.into())
    }

    fn new(severity: Severity, span: Option<Span>, message: String) -> Self {
        Self {
            severity,
            message,
            span,
            label: String::new(),
            related: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// Sets the text under the marked words.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Adds another place that matters.
    #[must_use]
    pub fn related(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related.push((span, label.into()));
        self
    }

    /// Adds a way out.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds a way out where there is one, as [`crate::suggestion`] returns it.
    #[must_use]
    pub fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hints.extend(hint);
        self
    }

    /// Whether the design cannot be used because of it.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

/// The first line alone, as `error: unknown variable`; [`crate::render`] prints the whole.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.severity, self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_builder_fills_every_field() {
        let made = Diagnostic::error(Span::new(3, 6), "unknown name `abc`")
            .label("not a variable")
            .related(Span::new(0, 1), "first defined here")
            .hint("did you mean `abd`?")
            .maybe_hint(None)
            .maybe_hint(Some("declare it".to_owned()));
        assert_eq!(made.severity, Severity::Error);
        assert_eq!(made.span, Some(Span::new(3, 6)));
        assert_eq!(made.label, "not a variable");
        assert_eq!(made.related, [(Span::new(0, 1), "first defined here".to_owned())]);
        assert_eq!(made.hints, ["did you mean `abd`?", "declare it"]);
        assert_eq!(made.to_string(), "error: unknown name `abc`");
        assert!(made.is_error());
        assert_eq!(Diagnostic::note(None, "x").span, None);
        assert!(!Diagnostic::warning(None, "x").is_error());
    }
}
