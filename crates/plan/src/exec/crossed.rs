//! Units that belong to two levels or more: every pair, or pairs that are drawn.

use rand_distr::{Distribution as _, StandardNormal};
use trialrun_lang::Span;
use trialrun_stats::special::normal;

use super::random::generator;
use super::replay::Trace;
use super::units::{too_many, units_max};
use super::words::shown;
use super::workspace::grow;
use super::{Op, Operand, Stop, Workspace};
use crate::ids::{ColumnId, GroupingId, LevelId, LinkId, RunsId};

/// Makes a unit for every combination of units of several levels.
pub struct CrossLevels {
    /// The level whose units have runs of combinations.
    pub first: LevelId,
    /// The others, the last varying fastest.
    pub others: Vec<(LevelId, LinkId)>,
    /// The level that is made.
    pub level: LevelId,
    /// Its runs in the first level.
    pub runs: RunsId,
    /// How many values a simulation may hold.
    pub max_values: usize,
    /// Where the levels stand in the design.
    pub span: Span,
}

impl Op for CrossLevels {
    fn run(&self, ws: &mut Workspace) -> Result<(), Stop> {
        let n_first = ws.size(self.first);
        let sizes = self.others.iter().map(|(level, _)| ws.size(*level));
        let each: f64 = sizes.clone().map(|n| n as f64).product();
        let total = each * n_first as f64;
        let n_columns = ws.widths[self.level.idx()];
        if total > units_max(self.max_values, n_columns) {
            return Err(too_many(self.span, total, n_columns, self.max_values));
        }
        let (each, total) = (each as u32, total as usize);
        let mut inner = each;
        for (other, link) in &self.others {
            let n = ws.size(*other) as u32;
            inner = inner.checked_div(n).unwrap_or(0);
            let list = &mut ws.links[link.idx()];
            grow(list, total);
            let number = |place: u32| place.checked_div(inner).unwrap_or(0).checked_rem(n);
            list.iter_mut().zip(0..).for_each(|(l, place)| *l = number(place).unwrap_or(0));
        }
        let runs = &mut ws.runs[self.runs.idx()];
        grow(runs, n_first + 1);
        runs.iter_mut().zip(0..).for_each(|(run, unit): (_, u32)| *run = unit * each);
        ws.sizes[self.level.idx()] = total;
        Ok(())
    }
}

/// Draws units that each belong to one unit of two levels, with a rank correlation between the two.
///
/// Each unit draws two normal numbers with correlation `latent`; the first, as a share of the
/// normal distribution, is its place among the units of the first level in the order of their
/// ranks, and so the second.
pub struct LinkLevels {
    /// The two levels.
    pub levels: [LevelId; 2],
    /// What their units are ranked by; their own order where there is nothing.
    pub ranks: [Option<ColumnId>; 2],
    /// The correlation of the normal numbers.
    pub latent: f64,
    /// The number of units.
    pub n: Operand,
    /// The level that is made.
    pub level: LevelId,
    /// Its runs in the first level.
    pub runs: RunsId,
    /// Its units of the second level.
    pub link: LinkId,
    /// The stream of draws.
    pub key: u64,
    /// How many values a simulation may hold.
    pub max_values: usize,
    /// Where the number stands in the design.
    pub span: Span,
}

impl Op for LinkLevels {
    fn run(&self, ws: &mut Workspace) -> Result<(), Stop> {
        let n = ws.values(self.n, 0, 1).get(0);
        let n_columns = ws.widths[self.level.idx()];
        if !(n >= 0.0 && n.fract() == 0.0) {
            let message = format!("a level can not have {} units", shown(n));
            return Err(Stop::at(self.span, message, "expected a whole number of 0 or more"));
        }
        if n > units_max(self.max_values, n_columns) {
            return Err(too_many(self.span, n, n_columns, self.max_values));
        }
        let n = n as usize;
        let sizes = self.levels.map(|level| ws.size(level));
        if n > 0 && sizes.contains(&0) {
            let message = "there is nothing to link to";
            return Err(Stop::at(self.span, message, "one of the levels has no units"));
        }
        let mut orders = std::mem::take(&mut ws.orders);
        for (order, (level, rank)) in orders.iter_mut().zip(self.levels.iter().zip(self.ranks)) {
            grow(order, ws.size(*level));
            order.iter_mut().zip(0..).for_each(|(o, unit)| *o = unit);
            if let Some(rank) = rank {
                let by = ws.column(rank);
                let key = |unit: u32| by[unit as usize];
                order.sort_unstable_by(|&a, &b| key(a).total_cmp(&key(b)).then(a.cmp(&b)));
            }
        }
        let mut runs = std::mem::take(&mut ws.runs[self.runs.idx()]);
        let mut link = std::mem::take(&mut ws.links[self.link.idx()]);
        let mut pairs = std::mem::take(&mut ws.pairs);
        grow(&mut pairs, n);
        grow(&mut link, n);
        grow(&mut runs, sizes[0] + 1);
        runs.fill(0);
        let mut rng = generator(ws.seed, ws.sim, self.key);
        let rest = (1.0 - self.latent * self.latent).max(0.0).sqrt();
        for pair in &mut pairs {
            let z: f64 = StandardNormal.sample(&mut rng);
            let e: f64 = StandardNormal.sample(&mut rng);
            let place = |z: f64, n: usize| ((normal::cdf(z) * n as f64) as usize).min(n - 1);
            let first = orders[0][place(z, sizes[0])];
            let second = orders[1][place(self.latent * z + rest * e, sizes[1])];
            *pair = (first, second);
            runs[first as usize + 1] += 1;
        }
        for unit in 0..sizes[0] {
            runs[unit + 1] += runs[unit];
        }
        // Units of one unit of the first level are a run, in the order of their draws.
        for (first, second) in &pairs {
            let place = &mut runs[*first as usize];
            link[*place as usize] = *second;
            *place += 1;
        }
        runs.rotate_right(1);
        runs[0] = 0;
        ws.sizes[self.level.idx()] = n;
        (ws.orders, ws.pairs) = (orders, pairs);
        ws.runs[self.runs.idx()] = runs;
        ws.links[self.link.idx()] = link;
        Ok(())
    }

    fn trace(&self, trace: &mut Trace<'_>) {
        let reads: Vec<ColumnId> =
            self.ranks.into_iter().flatten().chain(self.n.column()).collect();
        trace.arranges(&reads);
    }
}

/// Sorts the units of a level by the number of the unit of another level that they belong to; a
/// unit to which none belongs has an empty group.
pub struct GroupByNumber {
    /// The level whose units are sorted.
    pub level: LevelId,
    /// The numbers, from 1.
    pub numbers: ColumnId,
    /// The other level.
    pub upper: LevelId,
    /// The grouping that is made.
    pub grouping: GroupingId,
}

impl Op for GroupByNumber {
    fn run(&self, ws: &mut Workspace) -> Result<(), Stop> {
        let (n, n_upper) = (ws.size(self.level), ws.size(self.upper));
        let mut made = std::mem::take(&mut ws.groupings[self.grouping.idx()]);
        grow(&mut made.order, n);
        grow(&mut made.offsets, n_upper + 1);
        made.offsets.fill(0);
        let numbers = &ws.column(self.numbers)[..n];
        numbers.iter().for_each(|number| made.offsets[*number as usize] += 1);
        for unit in 0..n_upper {
            made.offsets[unit + 1] += made.offsets[unit];
        }
        // From behind, so that units keep their order; each offset ends where its group begins.
        for (unit, number) in numbers.iter().enumerate().rev() {
            let place = &mut made.offsets[*number as usize];
            *place -= 1;
            made.order[*place as usize] = unit as u32;
        }
        made.offsets.rotate_left(1);
        made.offsets[n_upper] = n as u32;
        ws.groupings[self.grouping.idx()] = made;
        Ok(())
    }
}
