//! The compiled design: immutable, shared by all threads, without a name to look up.

use std::ops::Range;
use std::sync::Arc;

use trialrun_lang::{Diagnostic, Span};

use crate::compile::{CustomDiagnosands, Expectation, FixedLevel, Link, Missing};
use crate::estimators::Estimation;
use crate::estimators::model::ModelScratch;
use crate::exec::allocation::{Allocation, AllocationInfo};
use crate::exec::workspace::Grouping;
use crate::exec::{Op, Stop, Workspace};
use crate::ids::{ColumnId, LevelId, RunsId};
use crate::result::Row;
use crate::rows::{EstimatorInfo, RowInfo};
use crate::subjects::FamilyInfo;

/// Limits on the size of a simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Values that a simulation may hold, all columns together.
    pub max_values: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_values: 50_000_000 }
    }
}

/// How many units of a level there are in each unit above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Always the same number.
    Fixed(usize),
    /// It depends on the upper unit or on the simulation.
    Varies,
}

/// A level of the population.
#[derive(Clone, Debug)]
pub struct LevelInfo {
    /// Its name.
    pub name: String,
    /// The level that it nests in; the design as a whole is its own.
    pub parent: LevelId,
    /// Number of levels above.
    pub depth: u32,
    /// Units for each unit above.
    pub size: Size,
}

/// A stored column.
#[derive(Clone, Debug)]
pub struct ColumnInfo {
    /// The level on whose units it has values.
    pub level: LevelId,
    /// Labels of the categories that its values are codes of: an index into `Plan::labels`.
    pub labels: Option<u32>,
    /// Whether values can be missing.
    pub missing: Missing,
    /// Values that do not change from simulation to simulation: real data.
    pub data: Option<Vec<f64>>,
}

/// A named variable of the design.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its values, at the highest level at which they can be computed.
    pub column: ColumnId,
    /// The level at which it is declared.
    pub level: LevelId,
}

/// An estimand.
#[derive(Clone, Debug)]
pub struct EstimandInfo {
    /// Its label.
    pub label: String,
    /// Its value: a column of the design as a whole.
    pub column: ColumnId,
    /// Where it is declared.
    pub span: Span,
}

/// How much of a plan there is after a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    pub(crate) ops: usize,
    pub(crate) levels: usize,
    pub(crate) variables: usize,
    pub(crate) estimands: usize,
    pub(crate) estimators: usize,
    pub(crate) families: usize,
}

/// What a step made: places in the plan's lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Levels.
    pub levels: Vec<LevelId>,
    /// Variables.
    pub variables: Range<usize>,
    /// Estimands.
    pub estimands: Range<usize>,
    /// Estimators.
    pub estimators: Range<usize>,
    /// Families.
    pub families: Range<usize>,
}

/// A compiled design.
pub struct Plan {
    /// The design's name.
    pub name: String,
    /// Its description.
    pub description: String,
    /// Parameters with their values after overrides.
    pub parameters: Vec<(String, f64)>,
    /// Level of tests.
    pub alpha: f64,
    /// Levels, the design as a whole first.
    pub levels: Vec<LevelInfo>,
    /// Variables in the order of their declaration.
    pub variables: Vec<Variable>,
    /// Estimands.
    pub estimands: Vec<EstimandInfo>,
    /// Estimators.
    pub estimators: Vec<EstimatorInfo>,
    /// Families of tests.
    pub families: Vec<FamilyInfo>,
    /// Random allocations of units to arms: assignments and samples.
    pub allocations: Vec<AllocationInfo>,
    /// Sets of category labels.
    pub labels: Vec<Vec<String>>,
    /// Warnings about the design.
    pub warnings: Vec<Diagnostic>,
    /// Notes on where real data were used.
    pub notes: Vec<String>,
    /// The deepest level of the population.
    pub deepest: LevelId,
    /// The compiled estimators, in the order of `estimators`.
    pub estimations: Vec<Arc<Estimation>>,
    /// A hash of what determines the numbers, beside the seed and the program: the steps, the
    /// parameters, the level of tests and the data files.
    pub fingerprint: u128,
    /// The diagnosands that the design declares; their places follow those of
    /// [`Options::diagnosands`](crate::Options::diagnosands).
    pub custom: CustomDiagnosands,
    /// What the diagnosis is expected to show.
    pub expectations: Vec<Expectation>,
    /// How far diagnosands may drift from their baseline: places in [`Options::diagnosands`] and
    /// amounts.
    ///
    /// [`Options::diagnosands`]: crate::Options::diagnosands
    pub drift: Vec<(usize, f64)>,
    pub(crate) columns: Vec<ColumnInfo>,
    pub(crate) ops: Vec<Arc<dyn Op>>,
    /// How far each step got.
    pub(crate) marks: Vec<Mark>,
    /// For each level, its runs in its parent.
    pub(crate) parent_runs: Vec<Option<RunsId>>,
    /// The number of operations up to the last assignment or sample.
    pub(crate) n_ops_allocating: usize,
    /// For each level, the levels that its units belong to without nesting in them.
    pub(crate) links: Vec<Vec<Link>>,
    pub(crate) n_links: usize,
    /// Levels whose units are the same in every simulation.
    pub(crate) fixed_levels: Vec<FixedLevel>,
    pub(crate) n_runs: usize,
    pub(crate) n_groupings: usize,
    pub(crate) n_registers: usize,
    /// The number of rows of real data, zero for a simulated population.
    pub(crate) n_data_rows: usize,
}

impl Plan {
    /// Scratch space for simulations, one for each thread.
    pub fn workspace(&self) -> Workspace {
        let mut sizes = vec![0; self.levels.len()];
        sizes[0] = 1;
        if self.n_data_rows > 0 {
            sizes[1] = self.n_data_rows;
        }
        let mut widths = vec![0; self.levels.len()];
        self.columns.iter().for_each(|c| widths[c.level.idx()] += 1);
        let mut runs = vec![vec![0, self.n_data_rows as u32]; self.n_runs];
        for fixed in &self.fixed_levels {
            sizes[fixed.level.idx()] = fixed.size;
            runs[fixed.runs.idx()].clone_from(&fixed.starts);
        }
        Workspace {
            seed: 0,
            sim: 0,
            columns: self.columns.iter().map(|c| c.data.clone().unwrap_or_default()).collect(),
            sizes,
            widths,
            runs,
            links: vec![Vec::new(); self.n_links],
            units: Vec::new(),
            orders: Default::default(),
            pairs: Vec::new(),
            groupings: (0..self.n_groupings).map(|_| Grouping::default()).collect(),
            registers: vec![Vec::new(); self.n_registers],
            assign: Default::default(),
            points: Default::default(),
            allocations: self.allocations.iter().map(|_| Allocation::default()).collect(),
            sorted: Vec::new(),
            ols: Default::default(),
            dim: Default::default(),
            glm: Default::default(),
            glmer: Default::default(),
            ht: Default::default(),
            assigned: Default::default(),
            lmm: Default::default(),
            mixed: Default::default(),
            inference: Default::default(),
            model: ModelScratch::default(),
            rows: vec![Row::EMPTY; self.n_rows()],
            corrected: vec![Row::EMPTY; self.n_corrected()],
            family: Default::default(),
        }
    }

    /// Rows of results of one simulation: one for each estimator, outcome, estimand and term.
    pub fn n_rows(&self) -> usize {
        self.estimators.iter().map(EstimatorInfo::n_rows).sum()
    }

    /// What the rows of results of one simulation are, in their order.
    pub fn row_infos(&self) -> impl Iterator<Item = RowInfo<'_>> {
        self.estimators.iter().flat_map(EstimatorInfo::rows)
    }

    /// Whether there is anything to simulate.
    pub fn is_simulated(&self) -> bool {
        self.levels.len() > 1 && self.n_data_rows == 0
    }

    /// Does simulation number `sim` of the run with that seed; the results are the workspace's
    /// rows.
    ///
    /// # Errors
    /// A mistake in the design that shows only in drawn numbers, such as a negative standard
    /// deviation.
    pub fn simulate(&self, ws: &mut Workspace, seed: u64, sim: u64) -> Result<(), Stop> {
        (ws.seed, ws.sim) = (seed, sim);
        self.ops.iter().try_for_each(|op| op.run(ws))
    }

    /// Does the simulation as far as the last assignment or sample: what an audit looks at.
    ///
    /// # Errors
    /// As [`Plan::simulate`].
    pub fn simulate_allocations(
        &self,
        ws: &mut Workspace,
        seed: u64,
        sim: u64,
    ) -> Result<(), Stop> {
        (ws.seed, ws.sim) = (seed, sim);
        self.ops[..self.n_ops_allocating].iter().try_for_each(|op| op.run(ws))
    }

    /// Does the operations of one step alone; the steps before it must have been done.
    ///
    /// # Errors
    /// As [`Plan::simulate`].
    pub fn simulate_step(
        &self,
        ws: &mut Workspace,
        seed: u64,
        sim: u64,
        step: usize,
    ) -> Result<(), Stop> {
        (ws.seed, ws.sim) = (seed, sim);
        let (from, to) = self.marks_around(step);
        self.ops[from.ops..to.ops].iter().try_for_each(|op| op.run(ws))
    }

    /// What a step made.
    pub fn made_by_step(&self, step: usize) -> Made {
        let (from, to) = self.marks_around(step);
        Made {
            levels: (from.levels.max(1)..to.levels).map(|l| LevelId(l as u32)).collect(),
            variables: from.variables..to.variables,
            estimands: from.estimands..to.estimands,
            estimators: from.estimators..to.estimators,
            families: from.families..to.families,
        }
    }

    fn marks_around(&self, step: usize) -> (Mark, Mark) {
        let from = if step == 0 { Mark::default() } else { self.marks[step - 1] };
        (from, self.marks[step])
    }

    /// How many samples were drawn until the units of a level were those they are.
    pub fn n_samples(&self, level: LevelId) -> usize {
        let sample = self.links[level.idx()].iter().find(|link| link.is_sample);
        sample.map_or(0, |link| 1 + self.n_samples(link.from))
    }

    /// The labels of a column's categories.
    pub fn labels_of(&self, column: ColumnId) -> Option<&[String]> {
        let labels = self.columns[column.idx()].labels?;
        Some(&self.labels[labels as usize])
    }

    /// The level on whose units a column has values.
    pub fn level_of(&self, column: ColumnId) -> LevelId {
        self.columns[column.idx()].level
    }
}
