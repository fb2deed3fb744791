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
//! - `nest`: `false` for a level that does not nest in the one before it: see CrossLevels and
//!   LinkLevels, which bring the two together.
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

use super::{Declared, level_with};
use crate::compile::{Compiler, Context, Declares};
use crate::declared::{Fields, Name, Reader, Scalar};
use crate::exec::units::{GrowLevel, too_many, units_max};
use crate::exec::words::shown;
use crate::ids::LevelId;
use crate::plan::Size;

/// A level, as declared.
#[derive(Clone, Debug)]
pub struct Level {
    name: Name,
    n: Scalar,
    nest: bool,
    variables: Vec<(Name, Scalar)>,
}

impl Declared for Level {
    fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let name = f.required(r, "name", Reader::identifier);
        let n = f.required(r, "n", Reader::scalar);
        let nest = f.optional(r, "nest", Reader::flag).unwrap_or(true);
        let variables = f.optional(r, "variables", |r, node| r.entries(node, Reader::scalar));
        Some(Self { name: name?, n: n?, nest, variables: variables.unwrap_or_default() })
    }

    fn compile(&self, cx: &mut Compiler<'_>) {
        if cx.data.is_some() {
            return;
        }
        let last = LevelId(cx.levels.len() as u32 - 1);
        let parent = if self.nest { last } else { LevelId::WHOLE };
        if (self.nest && cx.frame != last) || cx.is_grouped(cx.frame) {
            let message = format!("level `{}` comes after an Aggregate step", self.name.text);
            cx.report(
                Diagnostic::error(self.name.span, message)
                    .label("a level nests in the level declared before it")
                    .hint("declare all levels before the first Aggregate step"),
            );
            self.variables.iter().for_each(|(name, _)| cx.define_unknown(name, cx.frame));
            return;
        }
        cx.frame = parent;
        // After an error the level exists all the same: what follows is checked against it.
        let level = self.grow(cx, parent).unwrap_or_else(|| {
            let level = cx.enter_level(&self.name, Size::Varies);
            let runs = cx.new_runs(None);
            cx.set_runs(level, runs);
            level
        });
        for (name, value) in &self.variables {
            let context = Context::at(level).named(&self.name.text, &name.text);
            match cx.scalar(value, &context) {
                Some(value) => cx.define_value(name, value, level),
                None => cx.define_unknown(name, level),
            }
        }
    }

    fn declares(&self) -> Vec<(Declares, Name)> {
        level_with(&self.name, &self.variables)
    }

    fn describe(&self) -> String {
        let Self { name, n, variables, .. } = self;
        let names: Vec<String> = variables.iter().map(|(n, _)| format!("`{}`", n.text)).collect();
        let with = if names.is_empty() {
            String::new()
        } else {
            format!(", with variables {}", names.join(", "))
        };
        let units = if n.to_string() == "1" { "unit" } else { "units" };
        format!("{n} {units} of level `{}` in each unit above{with}", name.text)
    }
}

impl Level {
    /// Compiles the number of units.
    fn grow(&self, cx: &mut Compiler<'_>, parent: LevelId) -> Option<LevelId> {
        // No variable can have this name, so none shares its stream with the number of units.
        let context = Context::at(parent).named(&self.name.text, "number of units");
        let n = cx.scalar(&self.n, &context)?;
        cx.number(n, self.n.span())?;
        let span = self.n.span();
        let constant = cx.graph.value(n.id);
        if let Some(value) = constant {
            let total = value * cx.fixed_size(parent).unwrap_or(1) as f64;
            if !(value >= 1.0 && (value.fract() == 0.0 || value == f64::INFINITY)) {
                let message = format!("a level can not have {} units", shown(value));
                let error =
                    Diagnostic::error(span, message).label("expected a whole number of 1 or more");
                let computed = matches!(self.n, Scalar::Text(_)) && value > 1.0;
                let round = computed.then(|| "use `round(...)` or `floor(...)`".to_string());
                cx.report(error.maybe_hint(round));
                return None;
            }
            if total > units_max(cx.limits.max_values, 1) {
                cx.report(*too_many(span, total, 1, cx.limits.max_values).0);
                return None;
            }
        }
        let size = constant.map_or(Size::Varies, |n| Size::Fixed(n as usize));
        let n = cx.operand(n.id, parent);
        let level = cx.enter_level(&self.name, size);
        let runs = cx.new_runs(constant.map(|n| n as usize));
        cx.set_runs(level, runs);
        let max_values = cx.limits.max_values;
        cx.push(GrowLevel { level, parent, n, runs, max_values, span });
        Some(level)
    }
}
