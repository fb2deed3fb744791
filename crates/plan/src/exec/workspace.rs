//! The numbers of one simulation, one workspace a thread.

pub(crate) use trialrun_stats::buffer::grow;
use trialrun_stats::{dim, ht, lmm, ols};

use super::allocation::Allocation;
use super::family::FamilyScratch;
use super::matching::Points;
use super::{Operand, Values, assign};
use crate::estimators::AssignedUnits;
use crate::estimators::glm::GlmScratch;
use crate::estimators::glmer::GlmerScratch;
use crate::estimators::mixed::MixedScratch;
use crate::estimators::model::ModelScratch;
use crate::ids::{AllocationId, ColumnId, GroupingId, LevelId, LinkId, RunsId};
use crate::inference;
use crate::result::Row;

/// Units of a level sorted into groups.
#[derive(Default, Debug)]
pub struct Grouping {
    /// The units, group after group, in their own order within a group.
    pub order: Vec<u32>,
    /// Group `g` is `order[offsets[g]..offsets[g + 1]]`.
    pub offsets: Vec<u32>,
    /// Scratch of the sort.
    pub(super) counts: Vec<u32>,
    /// The keys by which they were sorted, one after the other.
    pub(super) keys: Vec<f64>,
}

/// Drawn numbers and scratch space. It grows to the largest simulation seen, and no further.
#[derive(Default)]
pub struct Workspace {
    /// The seed of the run.
    pub(crate) seed: u64,
    /// The number of the simulation, from 0.
    pub(crate) sim: u64,
    /// The columns, each as long as its level.
    pub(crate) columns: Vec<Vec<f64>>,
    /// Units of each level.
    pub(crate) sizes: Vec<usize>,
    /// Columns of each level.
    pub(crate) widths: Vec<usize>,
    /// Runs of lower units, for the pairs of levels that the plan needs.
    pub(crate) runs: Vec<Vec<u32>>,
    /// For units of a level, those of another that they belong to.
    pub(crate) links: Vec<Vec<u32>>,
    /// A list of unit numbers, for samples.
    pub(crate) units: Vec<u32>,
    /// The units of two levels in the order of their ranks, for linked levels.
    pub(crate) orders: [Vec<u32>; 2],
    /// Linked units.
    pub(crate) pairs: Vec<(u32, u32)>,
    /// Groupings by value.
    pub(crate) groupings: Vec<Grouping>,
    /// Blocks of intermediate values.
    pub(crate) registers: Vec<Vec<f64>>,
    /// Scratch of assignments.
    pub(crate) assign: assign::Scratch,
    /// Scratch of matching.
    pub(crate) points: Points,
    /// Random allocations of units to arms.
    pub(crate) allocations: Vec<Allocation>,
    /// A copy of values, for medians and quantiles.
    pub(crate) sorted: Vec<f64>,
    /// Scratch of least squares.
    pub(crate) ols: ols::Scratch,
    /// Scratch of differences in means.
    pub(crate) dim: dim::Scratch,
    /// Scratch of generalised linear models.
    pub(crate) glm: GlmScratch,
    /// Scratch of generalised linear mixed models.
    pub(crate) glmer: GlmerScratch,
    /// Scratch of inverse-probability estimators.
    pub(crate) ht: ht::Scratch,
    /// Units that were assigned, for the same.
    pub(crate) assigned: AssignedUnits,
    /// Scratch of mixed models.
    pub(crate) lmm: lmm::Scratch,
    /// Scratch of mixed models in general.
    pub(crate) mixed: MixedScratch,
    /// Scratch of resampling.
    pub(crate) inference: inference::Scratch,
    /// Model matrices.
    pub(crate) model: ModelScratch,
    /// What the estimators gave, a row for each estimator and term.
    pub(crate) rows: Vec<Row>,
    /// The same of members of families, with corrected p-values.
    pub(crate) corrected: Vec<Row>,
    /// Scratch of corrections.
    pub(crate) family: FamilyScratch,
}

impl Workspace {
    /// Number of units of a level.
    pub fn size(&self, level: LevelId) -> usize {
        self.sizes[level.idx()]
    }

    /// A column's values.
    pub fn column(&self, column: ColumnId) -> &[f64] {
        &self.columns[column.idx()]
    }

    /// The one value of a column of the design as a whole.
    pub fn scalar(&self, column: ColumnId) -> f64 {
        self.columns[column.idx()][0]
    }

    /// Where the units of an upper level begin among those of a lower one.
    pub fn runs(&self, runs: RunsId) -> &[u32] {
        &self.runs[runs.idx()]
    }

    /// The units of another level that the units of a level belong to.
    pub fn link(&self, link: LinkId) -> &[u32] {
        &self.links[link.idx()]
    }

    /// Units sorted into groups.
    pub fn grouping(&self, grouping: GroupingId) -> &Grouping {
        &self.groupings[grouping.idx()]
    }

    /// The arms of an assignment or a sample, and their probabilities.
    pub fn allocation(&self, id: AllocationId) -> &Allocation {
        &self.allocations[id.idx()]
    }

    /// What the estimators gave in this simulation.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The rows of members of families, with corrected p-values; all else is the member's own.
    pub fn corrected(&self) -> &[Row] {
        &self.corrected
    }

    /// Takes a column out, `n` values long, to be written and put back.
    pub(crate) fn take(&mut self, column: ColumnId, n: usize) -> Vec<f64> {
        let mut values = std::mem::take(&mut self.columns[column.idx()]);
        grow(&mut values, n);
        values
    }

    /// Puts a column back.
    pub(crate) fn put(&mut self, column: ColumnId, values: Vec<f64>) {
        self.columns[column.idx()] = values;
    }

    /// The values of an argument for the units `lo..hi`.
    pub(crate) fn values(&self, operand: Operand, lo: usize, hi: usize) -> Values<'_> {
        match operand {
            Operand::Const(value) => Values::Same(value),
            Operand::Scalar(column) => Values::Same(self.scalar(column)),
            Operand::Column(column) => Values::Each(&self.columns[column.idx()][lo..hi]),
            Operand::Register(r) => Values::Each(&self.registers[r as usize][..hi - lo]),
        }
    }
}
