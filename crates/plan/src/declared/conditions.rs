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
        let mut list: Vec<Condition> = Vec::new();
        for (i, entry) in entries.iter().enumerate() {
            let condition = if named {
                Condition { value: i as f64, label: r.name(*entry)?.text }
            } else {
                let value = r.number(*entry)?;
                Condition { value, label: value.to_string() }
            };
            if list.iter().any(|c| c.label == condition.label) {
                let message = format!("condition `{}` is given twice", condition.label);
                r.error(Diagnostic::error(entry.span, message).label("given again here"));
                return None;
            }
            list.push(condition);
        }
        if list.len() < 2 {
            r.error(
                Diagnostic::error(node.span, "expected a list of two conditions or more")
                    .label("not enough conditions")
                    .hint("write `[0, 1]`, or names such as `[control, letter, visit]`"),
            );
            return None;
        }
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

/// A condition's label as part of a column's name: what names can not hold becomes `_`.
pub fn in_name(label: &str) -> String {
    label.chars().map(|c| if c == '_' || c.is_alphanumeric() { c } else { '_' }).collect()
}
