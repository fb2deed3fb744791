//! Units and levels: making a level's units, carrying values down, sorting units into groups.

use trialrun_lang::Span;
use trialrun_stats::buffer::emptied;

use super::replay::Trace;
use super::words::{grouped, plural, shown};
use super::workspace::{Grouping, grow};
use super::{Op, Operand, Stop, Values, Workspace};
use crate::ids::{ColumnId, GroupingId, LevelId, RunsId};

/// Makes the units of a level: so many for each unit of the level above.
pub struct GrowLevel {
    /// The level.
    pub level: LevelId,
    /// The level above.
    pub parent: LevelId,
    /// Units for each unit above.
    pub n: Operand,
    /// Where the units of each upper unit begin.
    pub runs: RunsId,
    /// How many values a simulation may hold.
    pub max_values: usize,
    /// Where the number stands in the design.
    pub span: Span,
}

impl Op for GrowLevel {
    fn run(&self, ws: &mut Workspace) -> Result<(), Stop> {
        let n_parents = ws.size(self.parent);
        let mut runs = std::mem::take(&mut ws.runs[self.runs.idx()]);
        grow(&mut runs, n_parents + 1);
        let n_columns = ws.widths[self.level.idx()];
        let limit = units_max(self.max_values, n_columns);
        let (values, mut total) = (ws.values(self.n, 0, n_parents), 0.0);
        runs[0] = 0;
        match values {
            Values::Same(n) => {
                if !(n >= 0.0 && n.fract() == 0.0) {
                    return Err(bad_size(self.span, n));
                }
                total = n * n_parents as f64;
                if total <= limit {
                    let n = n as u32;
                    runs.iter_mut().zip(0..).for_each(|(run, parent): (_, u32)| *run = parent * n);
                }
            }
            Values::Each(values) => {
                for (run, &n) in runs[1..].iter_mut().zip(values) {
                    if !(n >= 0.0 && n.fract() == 0.0) {
                        return Err(bad_size(self.span, n));
                    }
                    total += n;
                    *run = total.min(limit) as u32;
                }
            }
        }
        if total > limit {
            return Err(too_many(self.span, total, n_columns, self.max_values));
        }
        ws.sizes[self.level.idx()] = total as usize;
        ws.runs[self.runs.idx()] = runs;
        Ok(())
    }

    fn trace(&self, trace: &mut Trace<'_>) {
        trace.arranges(self.n.column().as_slice());
    }
}

/// Most units of a level with so many columns.
pub fn units_max(max_values: usize, n_columns: usize) -> f64 {
    (max_values / n_columns.max(1)).min(u32::MAX as usize - 1) as f64
}

/// The message for a number of units that is none.
fn bad_size(span: Span, n: f64) -> Stop {
    let message = format!("a level can not have {} units", shown(n));
    Stop::at(span, message, "expected a whole number of 0 or more")
        .hint("use `round(...)`, `floor(...)` or `max(..., 0)` to make it one")
}

/// The message for more units than the limit allows.
pub fn too_many(span: Span, n: f64, n_columns: usize, max_values: usize) -> Stop {
    let units = if n.is_finite() { grouped(n) } else { "infinitely many".to_string() };
    let message = format!("{units} units are too many for one simulation");
    let with = match n_columns {
        0 | 1 => String::new(),
        _ => format!(" with {n_columns} values each"),
    };
    let limit = units_max(max_values, n_columns);
    let label = format!("the limit is {}{with}", plural(limit, "unit"));
    let values = grouped(max_values as f64);
    Stop::at(span, message, label)
        .hint(format!("a simulation may hold {values} values; `--max-values` raises the limit"))
}

/// Joins the runs of a level in a middle one with those of the middle one in a lower one.
pub struct ComposeRuns {
    /// Upper level to middle level.
    pub upper: RunsId,
    /// Middle level to lower level.
    pub lower: RunsId,
    /// Upper level to lower level.
    pub out: RunsId,
}

impl Op for ComposeRuns {
    fn run(&self, ws: &mut Workspace) -> Result<(), Stop> {
        let mut out = std::mem::take(&mut ws.runs[self.out.idx()]);
        let (upper, lower) = (ws.runs(self.upper), ws.runs(self.lower));
        grow(&mut out, upper.len());
        for (o, &u) in out.iter_mut().zip(upper) {
            *o = lower[u as usize];
        }
        ws.runs[self.out.idx()] = out;
        Ok(())
    }
}

/// Repeats the values of an upper level for the units below.
pub struct Broadcast {
    /// The upper column.
    pub from: ColumnId,
    /// The lower column.
    pub out: ColumnId,
    /// The lower level.
    pub level: LevelId,
    /// Runs of lower units in upper ones.
    pub runs: RunsId,
    /// The length of every run, where it is one number.
    pub fixed: Option<usize>,
}

impl Op for Broadcast {
    fn run(&self, ws: &mut Workspace) -> Result<(), Stop> {
        let n = ws.size(self.level);
        let mut out = ws.take(self.out, n);
        let from = ws.column(self.from);
        match self.fixed {
            Some(1) => out.copy_from_slice(&from[..n]),
            Some(2) => repeat::<2>(from, &mut out),
            Some(3) => repeat::<3>(from, &mut out),
            Some(4) => repeat::<4>(from, &mut out),
            Some(5) => repeat::<5>(from, &mut out),
            Some(6) => repeat::<6>(from, &mut out),
            _ => {
                let runs = ws.runs(self.runs);
                for (value, run) in from.iter().zip(runs.windows(2)) {
                    out[run[0] as usize..run[1] as usize].fill(*value);
                }
            }
        }
        ws.put(self.out, out);
        Ok(())
    }

    fn trace(&self, trace: &mut Trace<'_>) {
        trace.copies(self.from, self.out);
    }
}

/// Repeats each value `K` times.
fn repeat<const K: usize>(from: &[f64], out: &mut [f64]) {
    for (run, value) in out.as_chunks_mut::<K>().0.iter_mut().zip(from) {
        *run = [*value; K];
    }
}

/// The number of units of a level, as a value of the design as a whole.
pub struct SizeOf {
    /// The level.
    pub level: LevelId,
    /// The column that gets the number.
    pub out: ColumnId,
}

impl Op for SizeOf {
    fn run(&self, ws: &mut Workspace) -> Result<(), Stop> {
        let mut out = ws.take(self.out, 1);
        out[0] = ws.size(self.level) as f64;
        ws.put(self.out, out);
        Ok(())
    }
}

/// Numbers the units of a level from 1.
pub struct IndexOf {
    /// The level.
    pub level: LevelId,
    /// The column that gets the numbers.
    pub out: ColumnId,
}

impl Op for IndexOf {
    fn run(&self, ws: &mut Workspace) -> Result<(), Stop> {
        let n = ws.size(self.level);
        let mut out = ws.take(self.out, n);
        out.iter_mut().enumerate().for_each(|(i, o)| *o = (i + 1) as f64);
        ws.put(self.out, out);
        Ok(())
    }
}

/// Sorts the units of a level into groups of equal values of the key columns; groups in ascending
/// order of the keys, units in their own order within a group. Units with a missing key are left
/// out. The groups become the units of a level of their own where there is one. Where the keys are
/// those of the simulation before, so are the groups.
pub struct GroupBy {
    /// The level whose units are sorted.
    pub level: LevelId,
    /// The key columns, most significant first, all of that level.
    pub keys: Vec<ColumnId>,
    /// The grouping that is made.
    pub grouping: GroupingId,
    /// The level whose units are the groups, and its runs in the design as a whole.
    pub groups: Option<(LevelId, RunsId)>,
}

impl GroupBy {
    /// Whether the groups that were made last have these keys; if not, the keys are noted.
    fn is_made(&self, ws: &Workspace, made: &mut Grouping, n: usize) -> bool {
        let keys = || self.keys.iter().map(|key| &ws.column(*key)[..n]);
        let known = made.keys.chunks_exact(n.max(1));
        if n > 0 && made.keys.len() == n * self.keys.len() && keys().eq(known) {
            return true;
        }
        emptied(&mut made.keys, n * self.keys.len());
        keys().for_each(|key| made.keys.extend_from_slice(key));
        false
    }

    /// Sorts the units.
    fn make(&self, ws: &Workspace, made: &mut Grouping, n: usize) {
        grow(&mut made.order, n);
        let key = |k: ColumnId, unit: u32| ws.column(k)[unit as usize];
        let mut kept = 0;
        for unit in 0..n as u32 {
            if self.keys.iter().all(|&k| !key(k, unit).is_nan()) {
                made.order[kept] = unit;
                kept += 1;
            }
        }
        made.order.truncate(kept);
        let compare = |a: u32, b: u32| {
            // Adding zero makes one of the two zeros.
            let by_key = |k: &ColumnId| (key(*k, a) + 0.0).total_cmp(&(key(*k, b) + 0.0));
            self.keys.iter().map(by_key).find(|o| o.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
        };
        // From the last key to the first, each time keeping the order of what is equal.
        let counted = self
            .keys
            .iter()
            .rev()
            .all(|key| count_sort(ws.column(*key), &mut made.order, &mut made.counts));
        if !counted {
            // The unit's number breaks ties, so the unstable sort, which allocates nothing, is
            // stable.
            made.order.sort_unstable_by(|&a, &b| compare(a, b).then(a.cmp(&b)));
        }
        grow(&mut made.offsets, kept + 1);
        let mut n_groups = 0;
        for i in 0..kept {
            if i == 0 || compare(made.order[i - 1], made.order[i]).is_ne() {
                made.offsets[n_groups] = i as u32;
                n_groups += 1;
            }
        }
        made.offsets[n_groups] = kept as u32;
        made.offsets.truncate(n_groups + 1);
    }
}

impl Op for GroupBy {
    fn run(&self, ws: &mut Workspace) -> Result<(), Stop> {
        let n = ws.size(self.level);
        let mut made = std::mem::take(&mut ws.groupings[self.grouping.idx()]);
        if !self.is_made(ws, &mut made, n) {
            self.make(ws, &mut made, n);
        }
        let n_groups = made.offsets.len() - 1;
        ws.groupings[self.grouping.idx()] = made;
        if let Some((level, runs)) = self.groups {
            ws.sizes[level.idx()] = n_groups;
            grow(&mut ws.runs[runs.idx()], 2);
            ws.runs[runs.idx()][1] = n_groups as u32;
        }
        Ok(())
    }

    fn trace(&self, trace: &mut Trace<'_>) {
        trace.arranges(&self.keys);
    }
}

/// Sorts units by a key, equal ones in the order they have, where the keys are whole numbers in a
/// narrow range: each is counted, and put into its place. Says whether it did.
fn count_sort(keys: &[f64], units: &mut [u32], counts: &mut Vec<u32>) -> bool {
    let key = |unit: &u32| keys[*unit as usize];
    let least = units.iter().map(key).fold(f64::INFINITY, f64::min);
    let most = units.iter().map(key).fold(f64::NEG_INFINITY, f64::max);
    let n_keys = most - least + 1.0;
    let is_narrow = n_keys <= (2 * units.len() + 64) as f64;
    if !is_narrow || units.iter().any(|unit| key(unit).fract() != 0.0) {
        return false;
    }
    let n_keys = n_keys as usize;
    grow(counts, n_keys + units.len());
    let (places, sorted) = counts.split_at_mut(n_keys);
    let place = |unit: &u32| (key(unit) - least) as usize;
    places.fill(0);
    units.iter().for_each(|unit| places[place(unit)] += 1);
    let mut reached = 0;
    for count in places.iter_mut() {
        reached += std::mem::replace(count, reached);
    }
    for unit in units.iter() {
        let at = &mut places[place(unit)];
        sorted[*at as usize] = *unit;
        *at += 1;
    }
    units.copy_from_slice(sorted);
    true
}

/// Carries a column up to groups within which it does not vary.
pub struct Carry {
    /// The column of the units that were grouped.
    pub from: ColumnId,
    /// The grouping.
    pub grouping: GroupingId,
    /// The column of the groups.
    pub out: ColumnId,
    /// The column's name, for the message.
    pub name: String,
    /// Where the name is used.
    pub span: Span,
}

impl Op for Carry {
    fn run(&self, ws: &mut Workspace) -> Result<(), Stop> {
        let n_groups = ws.grouping(self.grouping).offsets.len() - 1;
        let mut out = ws.take(self.out, n_groups);
        let grouping = ws.grouping(self.grouping);
        let from = ws.column(self.from);
        for (g, o) in out.iter_mut().enumerate() {
            let units = &grouping.order[grouping.offsets[g] as usize..];
            let units = &units[..(grouping.offsets[g + 1] - grouping.offsets[g]) as usize];
            *o = from[units[0] as usize];
            let same = |&u: &u32| {
                let value = from[u as usize];
                value == *o || (value.is_nan() && o.is_nan())
            };
            if !units.iter().all(same) {
                let message = format!("`{}` varies within the groups", self.name);
                return Err(Stop::at(self.span, message, "not one value a group").hint(format!(
                    "give it in the `variables` of the Aggregate step, as `mean({})` or the like",
                    self.name
                )));
            }
        }
        ws.put(self.out, out);
        Ok(())
    }

    fn trace(&self, trace: &mut Trace<'_>) {
        trace.copies(self.from, self.out);
    }
}

/// Runs in which each unit stands alone.
pub struct EachAlone {
    /// The level.
    pub level: LevelId,
    /// The runs.
    pub out: RunsId,
}

impl Op for EachAlone {
    fn run(&self, ws: &mut Workspace) -> Result<(), Stop> {
        let n = ws.size(self.level);
        let runs = &mut ws.runs[self.out.idx()];
        grow(runs, n + 1);
        runs.iter_mut().zip(0..).for_each(|(run, unit)| *run = unit);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counting is sorting: against the sort of the standard library, with keys below zero, of
    /// both zeros, and beyond the range that is counted.
    #[test]
    fn counting_sorts_as_comparing_does() {
        let mut counts = Vec::new();
        for (spread, counted) in [(1.0, true), (3.0, true), (150.0, true), (1e6, false)] {
            let mut keys: Vec<f64> =
                (0..60).map(|i| (f64::from(i * i % 37) / 37.0 * spread).round() - 1.0).collect();
            keys.extend([0.0, -0.0, 0.0]);
            let mut units: Vec<u32> = (0..keys.len() as u32).filter(|u| u % 7 != 3).collect();
            let mut expected = units.clone();
            expected.sort_by(|a, b| {
                let key = |u: &u32| keys[*u as usize] + 0.0;
                key(a).total_cmp(&key(b)).then(a.cmp(b))
            });
            assert_eq!(count_sort(&keys, &mut units, &mut counts), counted, "{spread}");
            assert!(!counted || units == expected, "{spread}");
        }
        for keys in [[0.5, 1.0], [f64::INFINITY, 1.0], [1e300, -1e300]] {
            assert!(!count_sort(&keys, &mut [0, 1], &mut counts), "{keys:?}");
        }
        let mut units = [0, 1];
        assert!(count_sort(&[1e300, 1e300], &mut units, &mut counts));
        assert_eq!(units, [0, 1]);
        assert!(count_sort(&[], &mut [], &mut counts));
    }
}
