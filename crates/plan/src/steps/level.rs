//! A level of the population: schools, classes, students, tests.
//!
//! A level nests in the level declared before it. `n` is the number of units in each unit of the
//! level above: one number, or an expression of that level, so clusters may differ in size and
//! from draw to draw. A variable lives at the level that declares it and is visible below. `N` in
//! an expression is the number of units of the level in the whole population; the name of a level
//! is the number of the unit, from 1.
//!
//! # Fields
//! - `name`: the level's name.
//! - `n`: units in each unit above, a number or an expression; 0 units are allowed where it varies.
//! - `variables`: a map from names to expressions, computed in order. Random draws are made for
//!   each unit of the level.
//!
//! # Example
//! ```ron
//! Level(name: class, n: 10, variables: {
//!     class_effect: "normal(0, 0.3)",
//!     students: "poisson(20) + 5",
//! }),
//! Level(name: student, n: "students", variables: { ability: "normal(class_effect, 1)" }),
//! ```

use trialrun_lang::Diagnostic;

use super::Declared;
use crate::compile::{Binding, Compiler, Context};
use crate::declared::{Fields, Name, Reader, Scalar};
use crate::exec::units::{GrowLevel, bad_size, too_many};
use crate::ids::LevelId;
use crate::plan::{LevelInfo, Size};

/// A level, as declared.
#[derive(Clone, Debug)]
pub struct Level {
    name: Name,
    n: Scalar,
    variables: Vec<(Name, Scalar)>,
}

impl Declared for Level {
    fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let name = f.required(r, "name", Reader::identifier);
        let n = f.required(r, "n", Reader::scalar);
        let variables = f.optional(r, "variables", |r, node| r.map(node, Reader::scalar));
        Some(Self { name: name?, n: n?, variables: variables.unwrap_or_default() })
    }

    fn compile(&self, cx: &mut Compiler<'_>) {
        if cx.data.is_some() {
            return;
        }
        let parent = LevelId(cx.levels.len() as u32 - 1);
        if cx.frame != parent {
            let message = format!("level `{}` comes after an Aggregate step", self.name.text);
            cx.report(
                Diagnostic::error(self.name.span, message)
                    .label("a level nests in the level declared before it")
                    .hint("declare all levels before the first Aggregate step"),
            );
            return;
        }
        let Some(level) = self.grow(cx, parent) else {
            // The level exists all the same: what follows is checked against it.
            self.enter(cx, parent, Size::Varies);
            return;
        };
        for (name, value) in &self.variables {
            let context = Context::at(level).named(&self.name.text, &name.text);
            match cx.scalar(value, &context) {
                Some(value) => cx.define(name, value.id, level),
                None => cx.define_unknown(name, level),
            }
        }
    }

    fn describe(&self) -> String {
        let Self { name, n, variables } = self;
        let names: Vec<String> = variables.iter().map(|(n, _)| format!("`{}`", n.text)).collect();
        let with = if names.is_empty() {
            String::new()
        } else {
            format!(", with variables {}", names.join(", "))
        };
        format!("{n} units of level `{}` in each unit above{with}", name.text)
    }
}

impl Level {
    /// Compiles the number of units.
    fn grow(&self, cx: &mut Compiler<'_>, parent: LevelId) -> Option<LevelId> {
        let context = Context::at(parent).named(&self.name.text, "n");
        let n = cx.scalar(&self.n, &context)?;
        let span = self.n.span();
        let constant = cx.graph.value(n.id);
        if let Some(value) = constant {
            let stop = if value.is_nan() || value < 1.0 || value.fract() != 0.0 {
                Some(bad_size(span, value))
            } else {
                let total = value * cx.fixed_size(parent).unwrap_or(1) as f64;
                let too_large = total > cx.limits.max_values.min(u32::MAX as usize - 1) as f64;
                too_large.then(|| too_many(span, total, 1, cx.limits.max_values))
            };
            if let Some(stop) = stop {
                cx.report(*stop.0);
                return None;
            }
        }
        let size = constant.map_or(Size::Varies, |n| Size::Fixed(n as usize));
        let n = cx.operand(n.id, parent);
        let level = self.enter(cx, parent, size);
        let runs = cx.new_runs(constant.map(|n| n as usize));
        cx.set_runs(level, runs);
        let max_values = cx.limits.max_values;
        cx.push(GrowLevel { level, parent, n, runs, max_values, span });
        Some(level)
    }

    /// Makes the level known.
    fn enter(&self, cx: &mut Compiler<'_>, parent: LevelId, size: Size) -> LevelId {
        let level = LevelId(cx.levels.len() as u32);
        let depth = cx.levels[parent.idx()].depth + 1;
        cx.levels.push(LevelInfo { name: self.name.text.clone(), parent, depth, size });
        cx.bind(&self.name, Binding::Level(level));
        cx.frame = level;
        level
    }
}
