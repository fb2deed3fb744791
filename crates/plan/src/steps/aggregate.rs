//! Moves the rows up: one row for each unit of a level, or for each combination of values.
//!
//! After the step, estimators have one row for each unit of `by`. Variables of that level and of
//! the levels above stay visible, and so does every variable that does not vary within a unit; a
//! variable from below has to be reduced here.
//!
//! # Fields
//! - `by`: a level, or a list of levels and variables whose combinations are the new rows.
//! - `variables`: a map from names to expressions; reductions run over the old rows of each new
//!   one.
//!
//! # Example
//! ```ron
//! Aggregate(by: student, variables: { average_score: "mean(score)", tests_taken: "count()" }),
//! ```

use super::{Declared, all_of};
use crate::compile::ir::By;
use crate::compile::{Binding, Compiler, Context, Declares};
use crate::declared::{Fields, Name, Node, Reader, Scalar};
use crate::ids::LevelId;

/// An aggregation, as declared.
#[derive(Clone, Debug)]
pub struct Aggregate {
    by: Vec<Name>,
    variables: Vec<(Name, Scalar)>,
}

impl Declared for Aggregate {
    fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let by = f.required(r, "by", read_by);
        let variables = f.optional(r, "variables", |r, node| r.entries(node, Reader::scalar));
        Some(Self { by: by?, variables: variables.unwrap_or_default() })
    }

    fn compile(&self, cx: &mut Compiler<'_>) {
        let below = cx.frame;
        let Some((level, by)) = self.target(cx) else {
            self.variables.iter().for_each(|(name, _)| cx.define_unknown(name, below));
            return;
        };
        cx.frame = level;
        for (name, value) in &self.variables {
            let mut context = Context::at(level).without_draws(
                "an Aggregate step draws nothing: draw in a Variables step before or after it",
            );
            (context.by, context.rows) = (by, Some(below));
            let replaced = cx.data.is_some() && cx.hide(&name.text);
            if replaced {
                cx.notes.push(format!("`{}` is computed, not taken from the data", name.text));
            }
            match cx.scalar(value, &context) {
                Some(value) => cx.define(name, value.id, level),
                None => cx.define_unknown(name, level),
            }
        }
    }

    fn declares(&self) -> Vec<(Declares, Name)> {
        all_of(Declares::Variable, self.variables.iter().map(|(name, _)| name.clone()))
    }

    fn describe(&self) -> String {
        let by: Vec<String> = self.by.iter().map(|n| format!("`{}`", n.text)).collect();
        let definitions: Vec<String> =
            self.variables.iter().map(|(n, v)| format!("`{}` = {v}", n.text)).collect();
        let with = if definitions.is_empty() { String::new() } else { " with ".to_string() };
        format!("one row for each {}{with}{}", by.join(" and "), definitions.join(", "))
    }
}

/// The levels and variables whose combinations are the new rows: one or more.
fn read_by(r: &mut Reader, node: Node<'_>) -> Option<Vec<Name>> {
    let by = r.list(node, Reader::identifier)?;
    if by.is_empty() {
        return r.expected(node, "a level, or a list of levels and variables", "");
    }
    Some(by)
}

impl Aggregate {
    /// The level of the new rows.
    fn target(&self, cx: &mut Compiler<'_>) -> Option<(LevelId, By)> {
        if let [name] = self.by.as_slice()
            && let Some(Binding::Level(level)) = cx.binding(&name.text)
            && cx.is_above(level, cx.frame)
        {
            return Some((level, By::Level(level)));
        }
        let frame = cx.frame;
        let mut keys = Vec::new();
        for name in &self.by {
            let node = cx.resolve(&name.text, name.span, &Context::at(frame).for_a_name())?;
            keys.push(cx.column_at(node, frame));
        }
        let names: Vec<&str> = self.by.iter().map(|n| n.text.as_str()).collect();
        let (level, grouping) = cx.grouped_level(names.join(":"), keys);
        Some((level, By::Groups(grouping, level)))
    }
}
