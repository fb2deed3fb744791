//! Who is assigned: units of a level, or clusters by a variable; in blocks.

use trialrun_lang::Diagnostic;

use super::Assignment;
use crate::compile::{Binding, Compiler, Context, Groups};
use crate::declared::Name;
use crate::exec::assign::Units;
use crate::ids::{ColumnId, LevelId};

/// The units of an assignment, and what is known of their number.
pub struct Seats {
    /// The units.
    pub units: Units,
    /// Units that are assigned together, in each block or in all, where the design fixes it.
    pub fixed: Option<usize>,
}

impl Seats {
    /// The units that are meant; `rows` is the level of the rows.
    pub fn compile(step: &Assignment, cx: &mut Compiler<'_>, rows: LevelId) -> Option<Self> {
        let Some(clusters) = &step.clusters else { return Self::of_level(step, cx, rows) };
        match cx.binding(&clusters.text) {
            Some(Binding::Level(above)) if cx.is_above(above, rows) => {
                Self::of_level(step, cx, above)
            }
            Some(Binding::Level(_)) => {
                let units = cx.level_name(rows);
                let message = format!(
                    "level `{}` does not contain the units, of level `{units}`",
                    clusters.text
                );
                let error =
                    Diagnostic::error(clusters.span, message).label("not a level of clusters");
                let hint = "clusters are a level that was declared before that of the units";
                cx.report(error.hint(hint));
                None
            }
            _ => Self::of_variable(step, cx, clusters, rows),
        }
    }

    /// Whether they are assigned in blocks.
    pub fn in_blocks(&self) -> bool {
        self.units.has_blocks()
    }

    fn of_level(step: &Assignment, cx: &mut Compiler<'_>, level: LevelId) -> Option<Self> {
        let units = in_groups(cx, level, &step.blocks)?;
        let fixed = match units {
            Units::Level { blocks: None, .. } => cx.fixed_size(level),
            Units::Level { blocks: Some(Groups::Runs(_, runs)), .. } => cx.runs[runs.idx()],
            _ => None,
        };
        Some(Self { units, fixed })
    }

    fn of_variable(
        step: &Assignment,
        cx: &mut Compiler<'_>,
        clusters: &Name,
        level: LevelId,
    ) -> Option<Self> {
        let key = keys(cx, std::slice::from_ref(clusters), level);
        let blocks = keys(cx, &step.blocks, level);
        let (key, blocks) = (key?[0], blocks?);
        let by_cluster = cx.grouping(level, vec![key]);
        let mut both = blocks.clone();
        both.push(key);
        let cells = cx.grouping(level, both);
        let units = Units::Clusters { level, cells, clusters: by_cluster, blocks };
        Some(Self { units, fixed: None })
    }
}

/// The units of a level, in the blocks that levels and variables make.
pub(crate) fn in_groups(cx: &mut Compiler<'_>, level: LevelId, blocks: &[Name]) -> Option<Units> {
    let blocks = match blocks {
        [] => None,
        [one] => Some(cx.groups(one, level)?),
        several => {
            let keys = keys(cx, several, level)?;
            Some(Groups::Values(cx.grouping(level, keys)))
        }
    };
    Some(Units::Level { level, blocks })
}

/// The columns of names, at the rows of a level.
fn keys(cx: &mut Compiler<'_>, names: &[Name], level: LevelId) -> Option<Vec<ColumnId>> {
    let context = Context::at(level).for_a_name();
    let nodes: Vec<_> =
        names.iter().map(|name| cx.resolve(&name.text, name.span, &context)).collect();
    let nodes: Option<Vec<_>> = nodes.into_iter().collect();
    Some(nodes?.into_iter().map(|node| cx.column_at(node, level)).collect())
}
