//! Random assignment of units to conditions.

use rand::RngExt;
use rand_distr::StandardUniform;
use rand_pcg::Pcg64Dxsm;
use trialrun_lang::Span;

use super::random::generator;
use super::words::{plural, shown};
use super::workspace::grow;
use super::{Op, Stop, Workspace};
use crate::compile::Groups;
use crate::ids::{ColumnId, LevelId};

/// How many units get each condition.
#[derive(Clone, Debug)]
pub enum Shares {
    /// Each unit draws its condition on its own, with these probabilities.
    Independent(Vec<f64>),
    /// As many units as these probabilities expect; remainders by systematic sampling.
    Expected(Vec<f64>),
    /// Exactly so many units of each condition.
    Counts(Vec<f64>),
    /// Exactly so many units of one of two conditions; the rest get the other.
    Rest {
        /// The place of the condition, 0 or 1.
        condition: usize,
        /// Its number of units.
        count: f64,
    },
}

/// Assigns the units of a level.
pub struct Assign {
    /// The level.
    pub level: LevelId,
    /// How many units get each condition.
    pub shares: Shares,
    /// The values of the conditions.
    pub values: Vec<f64>,
    /// Sets of units that are assigned each on its own.
    pub blocks: Option<Groups>,
    /// The assigned variable.
    pub out: ColumnId,
    /// The stream of draws.
    pub key: u64,
    /// Where the method stands in the design.
    pub span: Span,
}

impl Op for Assign {
    fn run(&self, ws: &mut Workspace) -> Result<(), Stop> {
        let n = ws.size(self.level);
        let mut out = ws.take(self.out, n);
        let mut urn = std::mem::take(&mut ws.urn);
        grow(&mut urn, n);
        let mut rng = generator(ws.seed, ws.sim, self.key);
        let result = match self.blocks {
            None => {
                urn.iter_mut().zip(0..).for_each(|(u, unit)| *u = unit);
                self.assign(&mut rng, &mut urn, &mut out)
            }
            Some(Groups::Runs(_, runs)) => {
                urn.iter_mut().zip(0..).for_each(|(u, unit)| *u = unit);
                ws.runs(runs).windows(2).try_for_each(|run| {
                    self.assign(&mut rng, &mut urn[run[0] as usize..run[1] as usize], &mut out)
                })
            }
            Some(Groups::Values(grouping)) => {
                let grouping = ws.grouping(grouping);
                if grouping.order.len() == n {
                    urn.copy_from_slice(&grouping.order);
                    grouping.offsets.windows(2).try_for_each(|run| {
                        self.assign(&mut rng, &mut urn[run[0] as usize..run[1] as usize], &mut out)
                    })
                } else {
                    Err(self.without_block(n - grouping.order.len()))
                }
            }
        };
        ws.urn = urn;
        ws.put(self.out, out);
        result
    }
}

impl Assign {
    /// Assigns the units of one block. The order of the units is used up.
    fn assign(&self, rng: &mut Pcg64Dxsm, units: &mut [u32], out: &mut [f64]) -> Result<(), Stop> {
        let n = units.len();
        match &self.shares {
            Shares::Independent(probabilities) => {
                for &unit in units.iter() {
                    let u: f64 = rng.sample(StandardUniform);
                    let mut reached = 0.0;
                    let last = self.values.len() - 1;
                    let drawn = probabilities[..last].iter().position(|p| {
                        reached += p;
                        u < reached
                    });
                    out[unit as usize] = self.values[drawn.unwrap_or(last)];
                }
            }
            Shares::Expected(probabilities) => {
                // Systematic sampling (Madow 1949): condition k gets the whole numbers between
                // the cumulated expectations, shifted by one uniform draw. Each count is the
                // expectation rounded down or up, and its mean is the expectation.
                let u: f64 = rng.sample(StandardUniform);
                let (mut reached, mut given) = (0.0, 0);
                for (k, p) in probabilities.iter().enumerate() {
                    reached += p * n as f64;
                    let last = k + 1 == probabilities.len();
                    let upto = if last { n } else { cut(reached, u).min(n) };
                    deal(rng, &mut units[given..], upto - given, last, self.values[k], out);
                    given = upto;
                }
            }
            Shares::Counts(counts) => {
                let sum: f64 = counts.iter().sum();
                if sum != n as f64 {
                    return Err(self.misfit(format!("`m_each` sums to {}", shown(sum)), n));
                }
                let mut given = 0;
                for (k, &count) in counts.iter().enumerate() {
                    let last = k + 1 == counts.len();
                    deal(rng, &mut units[given..], count as usize, last, self.values[k], out);
                    given += count as usize;
                }
            }
            Shares::Rest { condition, count } => {
                if *count > n as f64 {
                    return Err(self.misfit(format!("`m` is {}", shown(*count)), n));
                }
                let count = *count as usize;
                deal(rng, units, count, count == n, self.values[*condition], out);
                for &unit in &units[count..] {
                    out[unit as usize] = self.values[1 - condition];
                }
            }
        }
        Ok(())
    }

    fn without_block(&self, n_missing: usize) -> Stop {
        let message = format!("{n_missing} units have a missing value for their block");
        Stop::at(self.span, message, "can not be assigned within blocks")
            .hint("give every unit a value: `if(condition, a, b)` is missing where it is missing")
    }

    fn misfit(&self, what: String, n: usize) -> Stop {
        let units = plural(n as f64, "unit");
        let where_ = if self.blocks.is_some() { "a block has" } else { "there are" };
        let message = format!("{what}, but {where_} {units} to assign");
        let hint = match self.blocks {
            Some(_) => "the numbers are for each block; `prob` fits blocks of any size",
            None => "`prob` fits any number of units",
        };
        Stop::at(self.span, message, "does not fit the number of units").hint(hint)
    }
}

/// The whole number below `expected + u`; an expectation that rounding left a hair off a whole
/// number is that number.
fn cut(expected: f64, u: f64) -> usize {
    let whole = expected.round();
    if (expected - whole).abs() < 1e-9 { whole as usize } else { (expected + u).floor() as usize }
}

/// Draws `count` of the units without replacement to the front, and gives them a value. Where
/// `all` of them get it there is nothing to draw.
fn deal(
    rng: &mut Pcg64Dxsm,
    units: &mut [u32],
    count: usize,
    all: bool,
    value: f64,
    out: &mut [f64],
) {
    for i in 0..count {
        if !all {
            let j = rng.random_range(i..units.len());
            units.swap(i, j);
        }
        out[units[i] as usize] = value;
    }
}
