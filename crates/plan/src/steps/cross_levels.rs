//! Crossed levels: a unit for every combination of units of two levels or more.
//!
//! People and periods, pupils and questions, judges and cases: every person is measured in every
//! period, and a period is the same for all. Declare the second level with `nest: false`, so that
//! it does not nest in the first. The rows are then the combinations, in the order of the first
//! level. They see the variables of all the levels, and `mean(y, by = period)` is one value a
//! period. The name of a level is the number of its unit: `period` is 1, 2, ...
//!
//! # Fields
//! - `name`: the name of the level of combinations.
//! - `levels`: the levels, two or more, of which none nests in another.
//! - `variables`: a map from names to expressions, computed in order for each combination.
//!
//! # Example
//! ```ron
//! Level(name: person, n: 50, variables: { ability: "normal(0, 1)" }),
//! Level(name: period, n: 4, nest: false, variables: { shock: "normal(0, 0.3)" }),
//! CrossLevels(name: measurement, levels: [person, period], variables: {
//!     y: "ability + shock + 0.1 * period + normal(0, 1)",
//! }),
//! ```

use trialrun_lang::{Diagnostic, Span};

use super::{Declared, level_with};
use crate::compile::{Compiler, Context, Declares, Link};
use crate::declared::{Fields, Name, Reader, Scalar};
use crate::exec::crossed::CrossLevels as CrossLevelsOp;
use crate::ids::LevelId;
use crate::plan::Size;

/// Crossed levels, as declared.
#[derive(Clone, Debug)]
pub struct CrossLevels {
    name: Name,
    levels: Vec<Name>,
    variables: Vec<(Name, Scalar)>,
    span: Span,
}

impl Declared for CrossLevels {
    fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let name = f.required(r, "name", Reader::identifier);
        let node = f.take(r, "levels");
        let levels = node.and_then(|node| r.list(node, Reader::identifier));
        let variables = f.optional(r, "variables", |r, node| r.entries(node, Reader::scalar));
        let span = node.map_or(f.span, |node| node.span);
        if levels.as_ref().map_or(node.is_none(), |levels| levels.len() < 2) {
            let error = Diagnostic::error(span, "`CrossLevels` needs two levels or more");
            r.error(error.label("which levels?").hint("write `levels: [person, period]`"));
            return None;
        }
        Some(Self { name: name?, levels: levels?, variables: variables.unwrap_or_default(), span })
    }

    fn compile(&self, cx: &mut Compiler<'_>) {
        if cx.data.is_some() {
            return;
        }
        if self.cross(cx).is_none() {
            cx.enter_unknown_levels(std::slice::from_ref(&self.name));
        }
        define_all(cx, &self.name, &self.variables);
    }

    fn declares(&self) -> Vec<(Declares, Name)> {
        level_with(&self.name, &self.variables)
    }

    fn describe(&self) -> String {
        let levels: Vec<String> = self.levels.iter().map(|n| format!("`{}`", n.text)).collect();
        let (name, levels) = (&self.name.text, levels.join(" and "));
        format!("a unit of level `{name}` for every combination of {levels}")
    }
}

impl CrossLevels {
    fn cross(&self, cx: &mut Compiler<'_>) -> Option<()> {
        let ids = separate_levels(cx, &self.levels)?;
        let each = ids[1..].iter().try_fold(1usize, |n, id| n.checked_mul(cx.fixed_size(*id)?));
        let size = each.map_or(Size::Varies, Size::Fixed);
        let level = cx.enter_linked_level(&self.name, &ids, size);
        let runs = cx.new_runs(each);
        cx.set_runs(level, runs);
        let mut others = Vec::new();
        for from in &ids[1..] {
            let list = cx.new_link();
            cx.link(level, Link { from: *from, list, is_sample: false });
            others.push((*from, list));
        }
        let (first, max_values, span) = (ids[0], cx.limits.max_values, self.span);
        cx.push(CrossLevelsOp { first, others, level, runs, max_values, span });
        Some(())
    }
}

/// The levels of those names; an error where one nests in another.
pub(super) fn separate_levels(cx: &mut Compiler<'_>, names: &[Name]) -> Option<Vec<LevelId>> {
    let ids: Vec<Option<LevelId>> = names.iter().map(|name| cx.level(name)).collect();
    let ids = ids.into_iter().collect::<Option<Vec<LevelId>>>()?;
    if cx.is_grouped(cx.frame) {
        let error = Diagnostic::error(names[0].span, "the rows of these levels are gone")
            .label("an Aggregate step grouped the rows");
        cx.report(error.hint("put this step before the Aggregate step"));
        return None;
    }
    for (i, lower) in ids.iter().enumerate() {
        for (j, upper) in ids.iter().enumerate() {
            if i != j && cx.is_above(*upper, *lower) && (i > j || upper != lower) {
                let (upper, at) = (cx.level_name(*upper).to_string(), &names[i]);
                let message = match upper == at.text {
                    true => format!("level `{upper}` is named twice"),
                    false => format!("level `{}` nests in level `{upper}`", at.text),
                };
                let error = Diagnostic::error(at.span, message)
                    .label("each of its units belongs to one there already");
                cx.report(error.hint("declare the second of two levels with `nest: false`"));
                return None;
            }
        }
    }
    Some(ids)
}

/// Defines the variables of the level that a step made.
pub(super) fn define_all(cx: &mut Compiler<'_>, step: &Name, variables: &[(Name, Scalar)]) {
    let level = cx.frame;
    for (name, value) in variables {
        let context = Context::at(level).named(&step.text, &name.text);
        match cx.scalar(value, &context) {
            Some(value) => cx.define_value(name, value, level),
            None => cx.define_unknown(name, level),
        }
    }
}
