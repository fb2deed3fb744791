//! Random allocations of units to arms, and the probabilities with which they are made.
//!
//! An assignment allocates units to conditions; a sample allocates them to "left out" and "drawn".
//! Each step that does so keeps an [`Allocation`] in the workspace: the arm of each unit and, where
//! something uses them, the probabilities of first and second order. Estimators and the audit ask
//! the same questions of all of them.

use crate::ids::{AllocationId, LevelId};

/// The allocation of one simulation.
#[derive(Debug, Default)]
pub struct Allocation {
    /// The arm of each unit, from 0.
    pub arms: Vec<u32>,
    /// The unit that each row belongs to; empty where every row is a unit.
    pub unit_of: Vec<u32>,
    /// The probabilities; empty unless the plan was made to find them.
    pub probabilities: Probabilities,
}

impl Allocation {
    /// The unit that a row of the allocation's level belongs to.
    #[inline]
    pub fn unit(&self, row: usize) -> usize {
        if self.unit_of.is_empty() { row } else { self.unit_of[row] as usize }
    }
}

/// What a step that allocates tells about itself.
#[derive(Clone, Debug)]
pub struct AllocationInfo {
    /// Its place in the workspace.
    pub id: AllocationId,
    /// The variable that holds the arms.
    pub variable: String,
    /// The level whose units are its rows.
    pub level: LevelId,
    /// How units are allocated, in a phrase: for reports.
    pub method: String,
    /// The names of the arms.
    pub arms: Vec<String>,
}

/// How units depend on one another: what an estimator needs to sum over pairs in linear time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Structure<'a> {
    /// Units are allocated independently: `joint = marginal * marginal` for every pair.
    Independent,
    /// Units of one block are exchangeable, units of different blocks independent.
    Blocks {
        /// The block of each unit.
        block_of: &'a [u32],
        /// For each block, an arms x arms table by rows: the probability that one unit of the
        /// block gets the row's arm, and another one the column's.
        within: &'a [f64],
    },
    /// Each pair has a probability of its own: ask [`Probabilities::joint`].
    Pairs,
}

/// How pairs are related, with the tables in `Probabilities`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Pairs {
    /// Independent units; a row of `marginal` for each class.
    #[default]
    Independent,
    /// Exchangeable units of a block; `joint` has an arms x arms table for each block.
    Exchangeable,
    /// Units have places in their block; `joint` is a table of (place, arm) by (place, arm).
    Places,
    /// Blocks are Latin squares; `place` is row * arms + column.
    Square,
    /// Estimated from draws: `joint` is a table of (unit, arm) by (unit, arm).
    Drawn,
}

/// Probabilities of first and second order of one allocation.
///
/// `marginal(unit, arm)` is the probability that the unit gets the arm; `joint(i, a, j, b)` that
/// unit `i` gets arm `a` and unit `j` gets arm `b`. Both are those of the design given everything
/// that was drawn before the step: block sizes, covariates, an earlier assignment.
#[derive(Debug, Default)]
pub struct Probabilities {
    pub(crate) n_arms: usize,
    /// The class of each unit: its row of `marginal`.
    pub(crate) class: Vec<u32>,
    /// Rows of `n_arms` probabilities.
    pub(crate) marginal: Vec<f64>,
    pub(crate) pairs: Pairs,
    /// The block of each unit.
    pub(crate) block: Vec<u32>,
    /// The place of each unit in its block.
    pub(crate) place: Vec<u32>,
    pub(crate) joint: Vec<f64>,
    /// Draws behind marginal probabilities that have no closed form; 0 where they are exact.
    pub(crate) draws_of_marginal: u32,
    /// Draws behind joint probabilities that have no closed form; 0 where they are exact.
    pub(crate) draws_of_joint: u32,
    /// Whether joint probabilities are not known.
    pub(crate) lacks_joint: bool,
    /// A stepped wedge over these: units are cells of clusters by times.
    pub(crate) wedge: Option<Wedge>,
}

/// The cells of a stepped wedge: arms of the allocation below it are starts, in order of time.
#[derive(Debug, Default)]
pub(crate) struct Wedge {
    /// The cluster of each cell.
    pub cluster: Vec<u32>,
    /// How many starts are at or before the cell's time.
    pub reached: Vec<u32>,
}

impl Probabilities {
    /// Number of arms.
    pub fn n_arms(&self) -> usize {
        if self.wedge.is_some() { 2 } else { self.n_arms }
    }

    /// Number of units.
    pub fn n_units(&self) -> usize {
        self.wedge.as_ref().map_or(self.class.len(), |w| w.cluster.len())
    }

    /// Whether marginal probabilities are exact.
    pub fn marginal_is_exact(&self) -> bool {
        self.draws_of_marginal == 0
    }

    /// Whether joint probabilities are exact.
    pub fn joint_is_exact(&self) -> bool {
        self.draws_of_joint == 0 && !self.lacks_joint
    }

    /// Whether joint probabilities are known at all: exactly, or as estimates because something
    /// uses them.
    pub fn has_joint(&self) -> bool {
        !self.lacks_joint
    }

    /// Says that joint probabilities are not known.
    pub(crate) fn no_joint(&mut self) {
        (self.pairs, self.lacks_joint) = (Pairs::Drawn, true);
    }

    /// How units depend on one another.
    pub fn structure(&self) -> Structure<'_> {
        match self.pairs {
            _ if self.wedge.is_some() => Structure::Pairs,
            Pairs::Independent => Structure::Independent,
            Pairs::Exchangeable => Structure::Blocks { block_of: &self.block, within: &self.joint },
            Pairs::Places | Pairs::Square | Pairs::Drawn => Structure::Pairs,
        }
    }

    /// The probability that a unit gets an arm.
    #[inline]
    pub fn marginal(&self, unit: usize, arm: usize) -> f64 {
        let Some(wedge) = &self.wedge else { return self.first(unit, arm) };
        wedge.starts(unit, arm, self.n_arms).map(|s| self.first(wedge.unit(unit), s)).sum()
    }

    /// The probability that unit `i` gets arm `a` and unit `j` gets arm `b`.
    ///
    /// # Panics
    /// If joint probabilities are not known: see [`Probabilities::has_joint`].
    pub fn joint(&self, i: usize, a: usize, j: usize, b: usize) -> f64 {
        let Some(wedge) = &self.wedge else { return self.second(i, a, j, b) };
        let (u, v) = (wedge.unit(i), wedge.unit(j));
        let of = |s| wedge.starts(j, b, self.n_arms).map(move |t| self.second(u, s, v, t));
        wedge.starts(i, a, self.n_arms).flat_map(of).sum()
    }

    fn first(&self, unit: usize, arm: usize) -> f64 {
        self.marginal[self.class[unit] as usize * self.n_arms + arm]
    }

    fn second(&self, i: usize, a: usize, j: usize, b: usize) -> f64 {
        let k = self.n_arms;
        if i == j {
            return if a == b { self.first(i, a) } else { 0.0 };
        }
        let apart = || self.first(i, a) * self.first(j, b);
        let together = !self.block.is_empty() && self.block[i] == self.block[j];
        match self.pairs {
            Pairs::Independent => apart(),
            Pairs::Drawn => self.joint[(i * k + a) * self.class.len() * k + j * k + b],
            _ if !together => apart(),
            Pairs::Exchangeable => self.joint[self.block[i] as usize * k * k + a * k + b],
            Pairs::Places => {
                let n_places = self.marginal.len() / k;
                let (p, q) = (self.place[i] as usize, self.place[j] as usize);
                self.joint[(p * k + a) * n_places * k + q * k + b]
            }
            Pairs::Square => {
                let (p, q) = (self.place[i] as usize, self.place[j] as usize);
                square(k as f64, p / k == q / k || p % k == q % k, a == b)
            }
        }
    }
}

impl Wedge {
    fn unit(&self, cell: usize) -> usize {
        self.cluster[cell] as usize
    }

    /// The starts that give a cell an arm.
    fn starts(&self, cell: usize, arm: usize, n_starts: usize) -> std::ops::Range<usize> {
        let reached = self.reached[cell] as usize;
        if arm == 1 { 0..reached } else { reached..n_starts }
    }
}

/// Two cells of a shuffled Latin square of side `k`: the probability of one arm each. In a line,
/// arms differ; of the `(k - 1)^2` cells in other rows and columns, `k - 1` have the same arm.
fn square(k: f64, in_line: bool, same: bool) -> f64 {
    match (in_line, same) {
        (true, true) => 0.0,
        (true, false) => 1.0 / (k * (k - 1.0)),
        (false, true) => 1.0 / (k * (k - 1.0)),
        (false, false) => (k - 2.0) / (k * (k - 1.0) * (k - 1.0)),
    }
}
