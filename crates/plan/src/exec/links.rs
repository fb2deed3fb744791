//! Lists of numbers that tell which unit of another level each unit belongs to: samples, pairs.

use trialrun_lang::Span;

use super::replay::Trace;
use super::units::{too_many, units_max};
use super::workspace::grow;
use super::{Op, Stop, Workspace};
use crate::ids::{ColumnId, GroupingId, LevelId, LinkId, RunsId};

/// Copies, for each unit, the value of the unit of another level that it belongs to.
pub struct Gather {
    /// The other level's column.
    pub from: ColumnId,
    /// The units that are belonged to.
    pub link: LinkId,
    /// The level of the copies.
    pub level: LevelId,
    /// The copies.
    pub out: ColumnId,
}

impl Op for Gather {
    fn run(&self, ws: &mut Workspace) -> Result<(), Stop> {
        let n = ws.size(self.level);
        let mut out = ws.take(self.out, n);
        let from = ws.column(self.from);
        for (o, &unit) in out.iter_mut().zip(ws.link(self.link)) {
            *o = from[unit as usize];
        }
        ws.put(self.out, out);
        Ok(())
    }

    fn trace(&self, trace: &mut Trace<'_>) {
        trace.copies(self.from, self.out);
    }
}

/// Gives each unit the value of its group; units in no group have none, a missing value.
pub struct Spread {
    /// The column of the groups.
    pub from: ColumnId,
    /// The grouping.
    pub grouping: GroupingId,
    /// The level of the units.
    pub level: LevelId,
    /// The column of the units.
    pub out: ColumnId,
}

impl Op for Spread {
    fn run(&self, ws: &mut Workspace) -> Result<(), Stop> {
        let n = ws.size(self.level);
        let mut out = ws.take(self.out, n);
        out.fill(f64::NAN);
        let (grouping, from) = (ws.grouping(self.grouping), ws.column(self.from));
        for (bounds, value) in grouping.offsets.windows(2).zip(from) {
            for &unit in &grouping.order[bounds[0] as usize..bounds[1] as usize] {
                out[unit as usize] = *value;
            }
        }
        ws.put(self.out, out);
        Ok(())
    }

    fn trace(&self, trace: &mut Trace<'_>) {
        trace.copies(self.from, self.out);
    }
}

/// Keeps the units that have one below them that was drawn.
pub struct KeepAbove {
    /// The units drawn of the lower level, in ascending order.
    pub drawn: LinkId,
    /// The runs of the lower level in the upper one, before.
    pub before: RunsId,
    /// The upper level, after.
    pub level: LevelId,
    /// The units kept.
    pub link: LinkId,
    /// The runs of the lower level in the upper one, after.
    pub runs: RunsId,
    /// The runs of the upper level in the design as a whole, where it is the highest.
    pub whole: Option<RunsId>,
}

impl Op for KeepAbove {
    fn run(&self, ws: &mut Workspace) -> Result<(), Stop> {
        let mut link = std::mem::take(&mut ws.links[self.link.idx()]);
        let mut runs = std::mem::take(&mut ws.runs[self.runs.idx()]);
        let (drawn, before) = (ws.link(self.drawn), ws.runs(self.before));
        let most = drawn.len().min(before.len() - 1);
        grow(&mut link, most);
        grow(&mut runs, most + 1);
        let (mut kept, mut owner) = (0, 0);
        for (place, &unit) in drawn.iter().enumerate() {
            let is_new = kept == 0 || before[owner + 1] <= unit;
            while before[owner + 1] <= unit {
                owner += 1;
            }
            if is_new {
                (link[kept], runs[kept]) = (owner as u32, place as u32);
                kept += 1;
            }
        }
        runs[kept] = drawn.len() as u32;
        link.truncate(kept);
        runs.truncate(kept + 1);
        ws.sizes[self.level.idx()] = kept;
        if let Some(whole) = self.whole {
            grow(&mut ws.runs[whole.idx()], 2);
            ws.runs[whole.idx()][1] = kept as u32;
        }
        ws.links[self.link.idx()] = link;
        ws.runs[self.runs.idx()] = runs;
        Ok(())
    }
}

/// Keeps the units that are below those drawn; a unit drawn twice has them twice.
pub struct KeepBelow {
    /// The units drawn of the upper level.
    pub drawn: LinkId,
    /// The runs of the lower level in the upper one, before.
    pub before: RunsId,
    /// The lower level, after.
    pub level: LevelId,
    /// The units kept.
    pub link: LinkId,
    /// The runs of the lower level in the upper one, after.
    pub runs: RunsId,
    /// How many values a simulation may hold.
    pub max_values: usize,
    /// Where the sampling stands in the design.
    pub span: Span,
}

impl Op for KeepBelow {
    fn run(&self, ws: &mut Workspace) -> Result<(), Stop> {
        let mut link = std::mem::take(&mut ws.links[self.link.idx()]);
        let mut runs = std::mem::take(&mut ws.runs[self.runs.idx()]);
        let (drawn, before) = (ws.link(self.drawn), ws.runs(self.before));
        let own = |unit: u32| before[unit as usize]..before[unit as usize + 1];
        let total: usize = drawn.iter().map(|unit| own(*unit).len()).sum();
        let n_columns = ws.widths[self.level.idx()];
        if total as f64 > units_max(self.max_values, n_columns) {
            return Err(too_many(self.span, total as f64, n_columns, self.max_values));
        }
        grow(&mut runs, drawn.len() + 1);
        grow(&mut link, total);
        let mut end = 0;
        runs[0] = 0;
        for (run, &unit) in runs[1..].iter_mut().zip(drawn) {
            let units = own(unit);
            let begin = end;
            end += units.len();
            link[begin..end].iter_mut().zip(units).for_each(|(kept, unit)| *kept = unit);
            *run = end as u32;
        }
        ws.sizes[self.level.idx()] = total;
        ws.links[self.link.idx()] = link;
        ws.runs[self.runs.idx()] = runs;
        Ok(())
    }
}
