//! Compiles a declared design: names become indices, expressions become operations.

mod allocations;
mod blame;
mod calls;
mod categories;
mod copula;
mod custom;
mod draws;
mod emit;
mod expectations;
mod families;
mod files;
mod icc;
pub mod ir;
mod links;
mod lower;
mod missing;
mod reductions;
mod samples;
mod scope;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use trialrun_lang::{Diagnostic, Span};

use crate::declared::{Name, Scalar};
use crate::estimators::Estimation;
use crate::exec::Op;
use crate::ids::{ColumnId, GroupingId, LevelId, LinkId, RunsId};
use crate::inference::MadeAssignment;
use crate::plan::{ColumnInfo, EstimandInfo, LevelInfo, Limits, Mark, Variable};
use crate::rows::EstimatorInfo;
use crate::steps::assignment::Assignment;
use crate::subjects::FamilyInfo;
use crate::table::Table;
use allocations::Pending;
pub use categories::CATEGORIES;
pub use custom::{Average, AverageKind, CustomDiagnosand, CustomDiagnosands, Form};
pub use expectations::{DiagnosandInfo, Expectation, Scope};
pub use files::{FileColumn, FixedLevel};
pub use icc::CORRELATED_DRAWS;
use ir::{Graph, NodeId};
pub use links::Link;
pub use lower::{Context, Draws, Value};
pub use missing::Missing;
pub use reductions::REDUCTIONS;
pub use samples::Sampled;
pub use scope::{Binding, Groups};

/// A value that an assigned variable can take.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The number that stands for it in columns.
    pub value: f64,
    /// How names of columns and reports write it.
    pub label: String,
}

/// What a step declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Declares {
    /// A level.
    Level,
    /// A variable, a potential outcome included.
    Variable,
    /// The outcome of a PotentialOutcomes step.
    Outcome,
    /// An estimand.
    Estimand,
    /// An estimator.
    Estimator,
}

impl Declares {
    /// What it is called.
    pub fn word(self) -> &'static str {
        match self {
            Self::Level => "level",
            Self::Variable => "variable",
            Self::Outcome => "outcome",
            Self::Estimand => "estimand",
            Self::Estimator => "estimator",
        }
    }
}

/// The potential outcomes of a variable.
pub struct Outcome {
    /// The outcome's name.
    pub name: String,
    /// The assigned variables, each with its conditions; the last varies fastest.
    pub by: Vec<(String, Vec<Condition>)>,
    /// Whether the conditions of each assigned variable are named: their labels.
    pub labels: Vec<Option<u32>>,
    /// A column for each combination of conditions.
    pub columns: Vec<NodeId>,
    /// The names of the columns.
    pub names: Vec<String>,
    /// The formula, for conditions that are not among those declared.
    pub formula: Scalar,
    /// The level at which the formula is evaluated.
    pub level: LevelId,
    /// Where they are declared.
    pub span: Span,
}

/// Everything known while a design is compiled.
pub struct Compiler<'a> {
    /// Expressions.
    pub graph: Graph,
    /// Errors and warnings.
    pub diagnostics: Vec<Diagnostic>,
    /// Levels; the first is the design as a whole.
    pub levels: Vec<LevelInfo>,
    /// Columns.
    pub columns: Vec<ColumnInfo>,
    /// Variables in the order of their declaration.
    pub variables: Vec<Variable>,
    /// Runs of lower units, with their fixed length.
    pub runs: Vec<Option<usize>>,
    /// Number of groupings.
    pub n_groupings: u32,
    /// Number of lists of units that belong to others.
    pub n_links: u32,
    /// Number of samples so far.
    pub n_samples: u32,
    /// Inclusion probabilities so far: the name, and the product over the samples until then.
    pub inclusion: Vec<(String, NodeId)>,
    /// Number of registers.
    pub n_registers: u16,
    /// Operations so far.
    pub ops: Vec<Arc<dyn Op>>,
    /// The level whose units are the rows of estimators and estimands.
    pub frame: LevelId,
    /// Sets of category labels.
    pub labels: Vec<Vec<String>>,
    /// Potential outcomes so far.
    pub outcomes: Vec<Outcome>,
    /// Assigned variables so far, each with its conditions.
    pub assigned: Vec<(String, Vec<Condition>)>,
    /// Assignment steps so far, where real data have the values, each with its rows.
    pub unmade: Vec<(Assignment, LevelId)>,
    /// Assignments so far, for tests that draw them again.
    pub made: Vec<MadeAssignment>,
    /// Columns of outcomes that were revealed by a formula.
    pub revealed: BTreeSet<ColumnId>,
    /// Random allocations so far: assignments and samples.
    pub allocations: Vec<Pending>,
    /// Estimands so far.
    pub estimands: Vec<EstimandInfo>,
    /// Estimators so far.
    pub estimators: Vec<EstimatorInfo>,
    /// Families of tests so far.
    pub families: Vec<FamilyInfo>,
    /// Where each estimator is declared.
    pub estimator_spans: HashMap<String, Span>,
    /// Compiled estimators.
    pub estimations: Vec<Arc<Estimation>>,
    /// The rows that the estimator at hand is restricted to.
    pub subset: Option<NodeId>,
    /// Whether the rows of the estimator at hand have to stay single observations.
    pub single_rows: bool,
    /// Outcomes collapsed to a level: mean, number and sum of squares.
    pub collapsed: HashMap<(ColumnId, LevelId), [ColumnId; 3]>,
    /// Words of steps that could not be read: names that they may have defined.
    pub doubtful: Vec<String>,
    /// What the steps declare, and where: kind and name.
    pub declared: HashMap<(Declares, String), Span>,
    /// Level of tests.
    pub alpha: f64,
    /// Limits on the size of a simulation.
    pub limits: Limits,
    /// Real data that take the place of the simulated population.
    pub data: Option<&'a Table>,
    /// Data files that the design reads, by name.
    pub files: &'a [(String, Table)],
    /// Levels whose units are the same in every simulation.
    pub fixed_levels: Vec<FixedLevel>,
    /// For columns of text: where they are text, in words.
    pub text_columns: HashMap<u32, String>,
    /// Notes for the user that are no warnings: where a variable was taken from.
    pub notes: Vec<String>,
    scope: HashMap<String, (Binding, Span)>,
    /// Variables of the design that real data lack, computed when they are first used.
    deferred: Vec<(Name, Scalar, LevelId)>,
    stored: HashMap<NodeId, ColumnId>,
    broadcasts: HashMap<(ColumnId, LevelId), ColumnId>,
    runs_known: HashMap<(LevelId, LevelId), RunsId>,
    groupings_known: HashMap<(LevelId, Vec<ColumnId>), GroupingId>,
    /// Columns carried up to groups.
    carried: HashMap<(NodeId, LevelId), ColumnId>,
    /// Units sorted by those of another level that they belong to.
    link_groupings: HashMap<(LevelId, LevelId), GroupingId>,
    /// Columns seen through links.
    gathered: HashMap<(ColumnId, LinkId), ColumnId>,
    /// For each level, the levels that its units belong to without nesting in them.
    links: HashMap<LevelId, Vec<Link>>,
    /// Groups of a level's units by a column of real data.
    column_groups: HashMap<(LevelId, ColumnId), (GroupingId, LevelId)>,
    /// For a level of groups: the grouping, and the frame that was grouped.
    grouped: HashMap<LevelId, (GroupingId, LevelId)>,
}

impl<'a> Compiler<'a> {
    /// A compiler that knows the design as a whole and nothing else.
    pub fn new(alpha: f64, limits: Limits, data: Option<&'a Table>) -> Self {
        let whole = LevelInfo {
            name: "design".into(),
            parent: LevelId::WHOLE,
            depth: 0,
            size: crate::plan::Size::Fixed(1),
        };
        Self {
            graph: Graph::default(),
            diagnostics: Vec::new(),
            levels: vec![whole],
            columns: Vec::new(),
            variables: Vec::new(),
            runs: Vec::new(),
            n_groupings: 0,
            n_links: 0,
            n_samples: 0,
            inclusion: Vec::new(),
            n_registers: 1,
            ops: Vec::new(),
            frame: LevelId::WHOLE,
            labels: Vec::new(),
            outcomes: Vec::new(),
            assigned: Vec::new(),
            unmade: Vec::new(),
            made: Vec::new(),
            revealed: BTreeSet::new(),
            allocations: Vec::new(),
            estimands: Vec::new(),
            estimators: Vec::new(),
            families: Vec::new(),
            estimator_spans: HashMap::new(),
            estimations: Vec::new(),
            subset: None,
            single_rows: false,
            collapsed: HashMap::new(),
            doubtful: Vec::new(),
            declared: HashMap::new(),
            alpha,
            limits,
            data,
            files: &[],
            fixed_levels: Vec::new(),
            text_columns: HashMap::new(),
            notes: Vec::new(),
            scope: HashMap::new(),
            deferred: Vec::new(),
            stored: HashMap::new(),
            broadcasts: HashMap::new(),
            runs_known: HashMap::new(),
            groupings_known: HashMap::new(),
            carried: HashMap::new(),
            link_groupings: HashMap::new(),
            gathered: HashMap::new(),
            links: HashMap::new(),
            column_groups: HashMap::new(),
            grouped: HashMap::new(),
        }
    }

    /// Reports an error or a warning.
    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Whether an error was reported.
    pub fn failed(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// Whether a name may have been defined by a step that could not be read; then it is not
    /// reported as unknown.
    pub fn is_doubtful(&self, name: &str) -> bool {
        let defines = |word: &String| {
            name.strip_prefix(word.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
        };
        self.doubtful.iter().any(defines)
    }

    /// How much of the plan there is.
    pub fn mark(&self) -> Mark {
        Mark {
            ops: self.ops.len(),
            levels: self.levels.len(),
            variables: self.variables.len(),
            estimands: self.estimands.len(),
            estimators: self.estimators.len(),
            families: self.families.len(),
        }
    }

    /// Adds an operation.
    pub fn push(&mut self, op: impl Op + 'static) {
        self.ops.push(Arc::new(op));
    }

    /// The level's name.
    pub fn level_name(&self, level: LevelId) -> &str {
        &self.levels[level.idx()].name
    }

    /// Whether `upper` is `lower` or one of the levels that it nests in.
    pub fn is_above(&self, upper: LevelId, lower: LevelId) -> bool {
        let mut at = lower;
        while at != upper {
            if at == LevelId::WHOLE {
                return false;
            }
            at = self.levels[at.idx()].parent;
        }
        true
    }

    /// The lower of two levels of which one nests in the other.
    pub fn deeper(&self, a: LevelId, b: LevelId) -> LevelId {
        if self.levels[a.idx()].depth >= self.levels[b.idx()].depth { a } else { b }
    }
}
