//! The conditions of an assigned variable, as declared: numbers, or names.

use trialrun_lang::{Diagnostic, Span};

use super::{Node, Reader};
use crate::compile::{Compiler, Condition};

/// The conditions that an assigned variable can take.
#[derive(Clone, Debug, PartialEq)]
pub struct Conditions {
    /// The conditions; a named one has its place in the list as its value.
    pub list: Vec<Condition>,
    /// Whether they are named.
    pub named: bool,
    /// Where they stand.
    pub span: Span,
}

impl Conditions {
    /// Reads a list of numbers or of names, two or more, all different.
    pub fn read(r: &mut Reader, node: Node<'_>) -> Option<Self> {
        let entries = node.list().unwrap_or_default();
        let named = entries.iter().all(|e| e.number().is_none());
        let mut list: Vec<(Condition, Span)> = Vec::new();
        for (i, entry) in entries.iter().enumerate() {
            if !named && entry.number().is_none() {
                let error = Diagnostic::error(entry.span, "conditions are numbers, or names");
                r.error(error.label("not a number, as the others are"));
                return None;
            }
            let condition = if named {
                Condition { value: i as f64, label: r.name(*entry)?.text }
            } else {
                let value = r.number(*entry)?;
                Condition { value, label: value.to_string() }
            };
            let alike = |(c, _): &&(Condition, Span)| {
                c.value == condition.value || in_name(&c.label) == in_name(&condition.label)
            };
            if let Some((first, first_span)) = list.iter().find(alike) {
                r.error(twice(&condition, entry.span, first, *first_span));
                return None;
            }
            list.push((condition, entry.span));
        }
        if list.len() < 2 {
            let hint = "write `[0, 1]`, or names such as `[control, letter, visit]`";
            return r.expected(node, "a list of two conditions or more", hint);
        }
        let list = list.into_iter().map(|(condition, _)| condition).collect();
        Some(Self { list, named, span: node.span })
    }

    /// The set of category labels of named conditions.
    pub(crate) fn labels(&self, cx: &mut Compiler<'_>) -> Option<u32> {
        if !self.named {
            return None;
        }
        cx.labels.push(self.list.iter().map(|c| c.label.clone()).collect());
        Some(cx.labels.len() as u32 - 1)
    }
}

/// The error for a condition that can not be told from an earlier one.
fn twice(condition: &Condition, span: Span, first: &Condition, first_span: Span) -> Diagnostic {
    if condition.label == first.label {
        let message = format!("condition `{}` is given twice", condition.label);
        return Diagnostic::error(span, message)
            .label("given again here")
            .related(first_span, "first given here");
    }
    let (a, b) = (&first.label, &condition.label);
    let message = format!("conditions `{a}` and `{b}` can not be told apart in names");
    Diagnostic::error(span, message)
        .label("the same in the name of a potential outcome")
        .related(first_span, "as this one")
        .hint("names have letters, digits and underscores only; give one of them another name")
}

/// A condition's label as part of a column's name: what names can not hold becomes `_`.
pub fn in_name(label: &str) -> String {
    label.chars().map(|c| if c == '_' || c.is_alphanumeric() { c } else { '_' }).collect()
}
