//! Random assignment of units to conditions.
//!
//! A [`Lottery`] seats the units in their blocks, and draws an arm for each: that is all a method
//! knows. [`Assign`] turns arms into the values of the assigned variable. One method a file.

mod balance;
pub mod blocks;
pub mod complete;
pub mod custom;
mod likely;
pub mod listing;
pub mod probabilities;
mod redraw;
pub mod rerandomise;
pub mod shares;
pub mod simple;
pub mod square;
pub mod wedge;

use rand_pcg::Pcg64Dxsm;
use trialrun_lang::Span;

use super::random::generator;
use super::replay::Trace;
use super::workspace::grow;
use super::{Op, Stop, Workspace};
use crate::ids::{AllocationId, ColumnId};
pub use blocks::Units;
use custom::Custom;
use rerandomise::Rerandomise;
use shares::Shares;
use square::Square;
use wedge::Wedge;

/// How the units of a block get their arms.
pub enum Method {
    /// Each on its own.
    Simple(Shares),
    /// Fixed numbers of units of each arm.
    Complete(Shares),
    /// Fixed numbers; what is left over in blocks is balanced across them.
    Balanced(Shares),
    /// One of a list of assignments.
    Custom(Custom),
    /// A Latin square.
    Square(Square),
}

/// A random draw of an arm for each unit.
pub struct Lottery {
    /// The units, in their blocks.
    pub units: Units,
    /// Number of arms.
    pub n_arms: usize,
    /// How arms are drawn.
    pub method: Method,
    /// Which draws are good enough; the others are drawn again.
    pub accept: Option<Rerandomise>,
    /// Where the method stands in the design.
    pub span: Span,
}

/// Scratch space of assignments.
#[derive(Debug, Default)]
pub struct Scratch {
    /// The units, block after block.
    pub(crate) urn: Vec<u32>,
    /// Block `b` is `urn[offsets[b]..offsets[b + 1]]`.
    pub(crate) offsets: Vec<u32>,
    /// The row of each unit where its values stand; empty where every row is a unit.
    pub(crate) rows: Vec<u32>,
    /// Probabilities or numbers of the arms of one block.
    numbers: Vec<f64>,
    /// The same for all blocks, while they are rounded.
    table: Vec<f64>,
    path: balance::Path,
    cells: square::Cells,
    whitened: rerandomise::Whitened,
    /// Arms of draws that only serve to find probabilities.
    arms: Vec<u32>,
    breaks: Vec<f64>,
}

impl Scratch {
    /// The row where the values of a unit stand.
    fn row(&self, unit: u32) -> usize {
        if self.rows.is_empty() { unit as usize } else { self.rows[unit as usize] as usize }
    }

    /// The places in `urn` of a block.
    pub(crate) fn block(&self, b: usize) -> std::ops::Range<usize> {
        self.offsets[b] as usize..self.offsets[b + 1] as usize
    }

    pub(crate) fn n_blocks(&self) -> usize {
        self.offsets.len() - 1
    }
}

impl Lottery {
    /// Draws an arm for each of the seated units, until the draw is accepted.
    fn draw(
        &self,
        ws: &Workspace,
        s: &mut Scratch,
        rng: &mut Pcg64Dxsm,
        arms: &mut Vec<u32>,
    ) -> Result<(), Stop> {
        let n = s.urn.len();
        grow(arms, n);
        let Some(accept) = &self.accept else { return self.draw_once(ws, s, rng, arms) };
        for _ in 0..accept.tries {
            self.draw_once(ws, s, rng, arms)?;
            if accept.accepts(&mut s.whitened, arms, self.n_arms) {
                return Ok(());
            }
        }
        Err(accept.refused_all(&s.whitened))
    }

    /// The columns that it reads beside blocks and clusters.
    fn columns(&self) -> Vec<ColumnId> {
        let of_shares = match &self.method {
            Method::Simple(shares) | Method::Complete(shares) | Method::Balanced(shares) => {
                shares.numbers.iter().filter_map(|number| number.value.column()).collect()
            }
            Method::Square(square) => vec![square.row, square.column],
            Method::Custom(_) => Vec::new(),
        };
        let covariates = self.accept.iter().flat_map(|accept| accept.covariates.iter().copied());
        covariates.chain(of_shares).collect()
    }

    fn draw_once(
        &self,
        ws: &Workspace,
        s: &mut Scratch,
        rng: &mut Pcg64Dxsm,
        arms: &mut [u32],
    ) -> Result<(), Stop> {
        match &self.method {
            Method::Simple(shares) => simple::draw(shares, self.n_arms, ws, s, rng, arms),
            Method::Complete(shares) => complete::draw(self, shares, ws, s, rng, arms),
            Method::Balanced(shares) => complete::draw_balanced(self, shares, ws, s, rng, arms),
            Method::Custom(custom) => custom.draw(s, rng, arms),
            Method::Square(square) => square.draw(self.n_arms, ws, s, rng, arms),
        }
    }

    /// Seats the units, and makes ready what all draws of a simulation share.
    pub(in crate::exec) fn seat(&self, ws: &Workspace, s: &mut Scratch) -> Result<(), Stop> {
        self.units.seat(ws, s, self.span)?;
        match &self.accept {
            Some(accept) => accept.prepare(ws, s, self.n_arms),
            None => Ok(()),
        }
    }
}

/// Assigns units, and gives the variable its values.
pub struct Assign {
    /// How arms are drawn; the probabilities are found with it too.
    pub lottery: std::sync::Arc<Lottery>,
    /// Where the arms are kept.
    pub id: AllocationId,
    /// The values of the conditions.
    pub values: Vec<f64>,
    /// The times at which units go over to the treatment, in a stepped wedge.
    pub wedge: Option<std::sync::Arc<Wedge>>,
    /// The assigned variable.
    pub out: ColumnId,
    /// The stream of draws.
    pub key: u64,
}

impl Op for Assign {
    fn run(&self, ws: &mut Workspace) -> Result<(), Stop> {
        let mut s = std::mem::take(&mut ws.assign);
        let mut allocation = std::mem::take(&mut ws.allocations[self.id.idx()]);
        let mut rng = generator(ws.seed, ws.sim, self.key);
        let seated = self.lottery.seat(ws, &mut s);
        let drawn =
            seated.and_then(|()| self.lottery.draw(ws, &mut s, &mut rng, &mut allocation.arms));
        if drawn.is_ok() {
            self.spread(ws, &allocation.arms);
        }
        ws.allocations[self.id.idx()] = allocation;
        ws.assign = s;
        drawn
    }

    fn trace(&self, trace: &mut Trace<'_>) {
        let mut reads = self.lottery.columns();
        reads.extend(self.wedge.as_ref().map(|wedge| wedge.time));
        trace.arranges(&reads);
    }
}
