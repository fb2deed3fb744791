//! Random samples of the units of a level.

use rand::RngExt;
use rand_distr::StandardUniform;
use rand_pcg::Pcg64Dxsm;
use trialrun_lang::Span;
use trialrun_stats::buffer::push;

use super::random::generator;
use super::replay::Trace;
use super::units::{too_many, units_max};
use super::words::{plural, shown};
use super::workspace::grow;
use super::{Op, Operand, Stop, Values, Workspace};
use crate::compile::Groups;
use crate::ids::{ColumnId, LevelId, LinkId, RunsId};

/// How units are drawn.
#[derive(Clone, Copy, Debug)]
pub enum Drawing {
    /// Each unit on its own, with its probability.
    Simple(Operand),
    /// As many units as their probabilities expect, each with its own (Madow 1949, after a
    /// shuffle: equal probabilities give every set of units the same chance).
    Expected(Operand),
    /// So many units without replacement.
    Count(Operand),
    /// So many units with replacement; as many as there are, where no number is given.
    Replaced(Option<Operand>),
}

/// Draws a sample.
pub struct Sample {
    /// The level whose units are drawn.
    pub level: LevelId,
    /// How they are drawn.
    pub drawing: Drawing,
    /// Sets of units that are sampled each on its own.
    pub strata: Option<Groups>,
    /// The level of the units drawn.
    pub sampled: LevelId,
    /// The units drawn, in ascending order.
    pub link: LinkId,
    /// The runs of the sample in the design as a whole, where it has no level above.
    pub whole: Option<RunsId>,
    /// The probability to be drawn, where the number of units tells it: one for each unit, or one
    /// for all where there are no strata.
    pub chance: Option<ColumnId>,
    /// The stream of draws.
    pub key: u64,
    /// How many values a simulation may hold.
    pub max_values: usize,
    /// Where the method stands in the design.
    pub span: Span,
}

/// What drawing from one stratum writes to.
struct Out<'a> {
    rng: Pcg64Dxsm,
    /// The units drawn so far.
    drawn: Vec<u32>,
    /// Each unit's probability to be drawn.
    chance: &'a mut [f64],
}

impl Op for Sample {
    fn run(&self, ws: &mut Workspace) -> Result<(), Stop> {
        let n = ws.size(self.level);
        let mut units = std::mem::take(&mut ws.units);
        let mut drawn = std::mem::take(&mut ws.links[self.link.idx()]);
        let n_chances = if self.strata.is_some() { n } else { 1 };
        let mut chance = self.chance.map(|c| ws.take(c, n_chances)).unwrap_or_default();
        drawn.clear();
        grow(&mut units, n);
        let rng = generator(ws.seed, ws.sim, self.key);
        let mut out = Out { rng, drawn, chance: &mut chance };
        let result = self.draw_all(ws, &mut units, &mut out);
        let mut drawn = out.drawn;
        // Already in order unless a stratum mixed them; one unit drawn twice stands there twice.
        drawn.sort_unstable();
        let n_drawn = drawn.len();
        ws.units = units;
        ws.links[self.link.idx()] = drawn;
        if let Some(column) = self.chance {
            ws.put(column, chance);
        }
        result?;
        let n_columns = ws.widths[self.sampled.idx()];
        if n_drawn as f64 > units_max(self.max_values, n_columns) {
            return Err(too_many(self.span, n_drawn as f64, n_columns, self.max_values));
        }
        ws.sizes[self.sampled.idx()] = n_drawn;
        if let Some(whole) = self.whole {
            grow(&mut ws.runs[whole.idx()], 2);
            ws.runs[whole.idx()][1] = n_drawn as u32;
        }
        Ok(())
    }

    fn trace(&self, trace: &mut Trace<'_>) {
        let column = match self.drawing {
            Drawing::Simple(by) | Drawing::Expected(by) | Drawing::Count(by) => by.column(),
            Drawing::Replaced(by) => by.and_then(Operand::column),
        };
        trace.arranges(column.as_slice());
    }
}

impl Sample {
    /// Draws from each stratum.
    fn draw_all(&self, ws: &Workspace, units: &mut [u32], out: &mut Out<'_>) -> Result<(), Stop> {
        let n = units.len();
        let Some(Groups::Values(grouping)) = self.strata else {
            units.iter_mut().zip(0..).for_each(|(u, unit)| *u = unit);
            return match self.strata {
                Some(Groups::Runs(_, runs)) => ws.runs(runs).windows(2).try_for_each(|run| {
                    self.draw(ws, &mut units[run[0] as usize..run[1] as usize], out)
                }),
                _ => self.draw(ws, units, out),
            };
        };
        let grouping = ws.grouping(grouping);
        if grouping.order.len() < n {
            let lost = n - grouping.order.len();
            let message = format!("{lost} units have a missing value for their stratum");
            return Err(Stop::at(self.span, message, "can not be sampled within strata")
                .hint("give every unit a value: `if(condition, a, b)` is missing where it is"));
        }
        units.copy_from_slice(&grouping.order);
        grouping
            .offsets
            .windows(2)
            .try_for_each(|run| self.draw(ws, &mut units[run[0] as usize..run[1] as usize], out))
    }

    /// Draws from one stratum. The order of its units is used up.
    fn draw(&self, ws: &Workspace, units: &mut [u32], out: &mut Out<'_>) -> Result<(), Stop> {
        let all = ws.size(self.level);
        let values = |operand: Operand| ws.values(operand, 0, all);
        match self.drawing {
            Drawing::Simple(p) => {
                let p = values(p);
                for &unit in units.iter() {
                    let p = self.probability(p.get(unit as usize))?;
                    let u: f64 = out.rng.sample(StandardUniform);
                    if u < p {
                        push(&mut out.drawn, unit);
                    }
                }
            }
            Drawing::Expected(p) => match values(p) {
                Values::Same(p) => {
                    let expected = self.probability(p)? * units.len() as f64;
                    let u: f64 = out.rng.sample(StandardUniform);
                    let count = below(expected, u).min(units.len());
                    deal(units, count, out);
                }
                Values::Each(p) => {
                    let n = units.len();
                    shuffle(units, n, &mut out.rng);
                    let u: f64 = out.rng.sample(StandardUniform);
                    let (mut reached, mut taken) = (0.0, 0);
                    for &unit in units.iter() {
                        reached += self.probability(p[unit as usize])?;
                        let upto = below(reached, u);
                        if upto > taken {
                            push(&mut out.drawn, unit);
                        }
                        taken = upto;
                    }
                }
            },
            Drawing::Count(n) => {
                let count = self.count(values(n), units)?;
                if count > units.len() {
                    return Err(self.too_few(count, units.len()));
                }
                let chance = count as f64 / units.len() as f64;
                match self.strata {
                    None => out.chance[0] = chance,
                    Some(_) => units.iter().for_each(|u| out.chance[*u as usize] = chance),
                }
                deal(units, count, out);
            }
            Drawing::Replaced(n) => {
                let count = n.map_or(Ok(units.len()), |n| self.count(values(n), units))?;
                if units.is_empty() && count > 0 {
                    return Err(self.too_few(count, 0));
                }
                for _ in 0..count {
                    let place = out.rng.random_range(0..units.len());
                    push(&mut out.drawn, units[place]);
                }
            }
        }
        Ok(())
    }

    fn probability(&self, p: f64) -> Result<f64, Stop> {
        if (0.0..=1.0).contains(&p) {
            return Ok(p);
        }
        let message = format!("{} is not a probability", shown(p));
        Err(Stop::at(self.span, message, "expected a number between 0 and 1 for each unit"))
    }

    /// The number to draw from a stratum: the same for all of its units.
    fn count(&self, values: Values<'_>, units: &[u32]) -> Result<usize, Stop> {
        let Some(&first) = units.first() else {
            return match values {
                Values::Same(n) if self.strata.is_none() => Ok(n as usize),
                _ => Ok(0),
            };
        };
        let n = values.get(first as usize);
        if units.iter().any(|unit| values.get(*unit as usize).to_bits() != n.to_bits()) {
            let message = "the number of units to draw varies within a stratum";
            return Err(Stop::at(self.span, message, "expected one number a stratum")
                .hint("`prob` may differ from unit to unit"));
        }
        if n >= 0.0 && n.fract() == 0.0 {
            return Ok(n as usize);
        }
        let message = format!("{} is not a number of units", shown(n));
        Err(Stop::at(self.span, message, "expected a whole number of 0 or more"))
    }

    fn too_few(&self, wanted: usize, there: usize) -> Stop {
        let where_ = if self.strata.is_some() { "a stratum has" } else { "there are" };
        let units = plural(there as f64, "unit");
        let message =
            format!("{} can not be drawn: {where_} {units}", plural(wanted as f64, "unit"));
        Stop::at(self.span, message, "more than there are").hint(
            "`prob` fits any number of units, and `min(n, count(by = level))` takes all of a few",
        )
    }
}

/// The whole number below `expected + u`; an expectation that rounding left a hair off a whole
/// number is that number.
fn below(expected: f64, u: f64) -> usize {
    let whole = expected.round();
    if (expected - whole).abs() < 1e-9 { whole as usize } else { (expected + u).floor() as usize }
}

/// Puts a random set of `count` units first.
fn shuffle(units: &mut [u32], count: usize, rng: &mut Pcg64Dxsm) {
    for i in 0..count {
        let j = rng.random_range(i..units.len());
        units.swap(i, j);
    }
}

/// Draws `count` units without replacement. Where all are drawn there is nothing to choose.
fn deal(units: &mut [u32], count: usize, out: &mut Out<'_>) {
    if count < units.len() {
        shuffle(units, count, &mut out.rng);
    }
    units[..count].iter().for_each(|unit| push(&mut out.drawn, *unit));
}
