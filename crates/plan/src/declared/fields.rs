//! The fields of a struct: which are given, which are missing, which nobody knows.

use trialrun_lang::{Diagnostic, Span, did_you_mean};

use super::node::Node;
use super::reader::{Reader, joined, suggest};

/// The fields of a struct that were not yet asked for.
pub struct Fields<'s> {
    owner: String,
    /// Where the struct's name stands.
    pub span: Span,
    fields: Vec<(String, Span, Node<'s>)>,
    asked: Vec<&'static str>,
    missing: Vec<&'static str>,
}

impl<'s> Fields<'s> {
    /// The fields of a node; none where it is no struct. `owner` names it in messages.
    pub(super) fn of(node: Node<'s>, owner: &str) -> Option<Self> {
        let fields = if node.has_body() { node.struct_fields()? } else { Vec::new() };
        let (owner, span) = (owner.to_string(), node.head_span());
        Some(Self { owner, span, fields, asked: Vec::new(), missing: Vec::new() })
    }

    /// Takes a field out, unread.
    pub fn take(&mut self, r: &mut Reader, name: &'static str) -> Option<Node<'s>> {
        self.asked.push(name);
        let at = self.fields.iter().position(|(key, ..)| key == name)?;
        let (_, first, node) = self.fields.remove(at);
        while let Some(again) = self.fields.iter().position(|(key, ..)| key == name) {
            let (_, span, _) = self.fields.remove(again);
            r.error(
                Diagnostic::error(span, format!("field `{name}` is given twice"))
                    .label("given again here")
                    .related(first, "first given here"),
            );
        }
        Some(node)
    }

    /// A field that is yet to be taken.
    pub fn peek(&self, name: &str) -> Option<Node<'s>> {
        self.fields.iter().find(|(key, ..)| key == name).map(|(_, _, node)| *node)
    }

    /// A field that may be left out.
    pub fn optional<T>(
        &mut self,
        r: &mut Reader,
        name: &'static str,
        read: impl FnOnce(&mut Reader, Node<'s>) -> Option<T>,
    ) -> Option<T> {
        let node = self.take(r, name)?;
        read(r, node)
    }

    /// A field that may be left out, with what it then is.
    pub fn optional_or<T>(
        &mut self,
        r: &mut Reader,
        name: &'static str,
        otherwise: T,
        read: impl FnOnce(&mut Reader, Node<'s>) -> Option<T>,
    ) -> Option<T> {
        match self.take(r, name) {
            Some(node) => read(r, node),
            None => Some(otherwise),
        }
    }

    /// A field that must be there.
    pub fn required<T>(
        &mut self,
        r: &mut Reader,
        name: &'static str,
        read: impl FnOnce(&mut Reader, Node<'s>) -> Option<T>,
    ) -> Option<T> {
        match self.take(r, name) {
            Some(node) => read(r, node),
            None => {
                self.missing.push(name);
                None
            }
        }
    }

    /// Reports the fields that nobody asked for, and those that are missing. Call it last.
    pub fn finish(mut self, r: &mut Reader) {
        for (key, span, _) in &self.fields {
            let message = format!("`{}` has no field `{key}`", self.owner);
            let error = Diagnostic::error(*span, message).label("unknown field");
            // What is misspelt is not missing.
            match did_you_mean(key, self.missing.iter().copied()) {
                Some(meant) => {
                    r.error(error.hint(format!("did you mean `{meant}`?")));
                    let meant = self.missing.iter().position(|m| *m == meant);
                    meant.map(|at| self.missing.remove(at));
                }
                None => r.error(suggest(error, key, &self.asked)),
            }
        }
        let names = joined(&self.missing, "and");
        let (fields, are) = match self.missing.as_slice() {
            [] => return,
            [_] => ("a field", "is"),
            _ => ("the fields", "are"),
        };
        let message = format!("`{}` needs {fields} {names}", self.owner);
        let error = Diagnostic::error(self.span, message).label(format!("{names} {are} missing"));
        r.error(match crate::manual::manual(&self.owner) {
            Some(_) => error.hint(format!("`trialrun explain {}` has an example", self.owner)),
            None if self.owner == "Design" => {
                error.hint("`trialrun new` lists designs to start from")
            }
            None => error,
        });
    }
}
