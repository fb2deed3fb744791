//! What runs in each simulation: operations on the columns of a workspace.
//!
//! An operation knows its columns by index. It takes its output column out of the workspace, reads
//! the others, and puts it back: no copy, no allocation once the column has grown to its size.

pub mod allocation;
pub mod assign;
pub mod copula;
pub mod crossed;
pub mod draw;
pub mod family;
pub mod inclusion;
pub mod lens;
pub mod links;
pub mod matching;
pub mod program;
pub mod random;
pub mod reduce;
pub mod replay;
pub mod reveal;
pub mod sample;
pub(crate) mod select;
pub mod units;
pub mod words;
pub mod workspace;

use std::sync::Arc;

use trialrun_lang::{Diagnostic, Span};

use crate::ids::ColumnId;
use replay::Trace;
pub use workspace::Workspace;

/// Why a simulation can not go on: a mistake in the design that only the drawn numbers show.
#[derive(Clone, Debug)]
pub struct Stop(pub Box<Diagnostic>);

impl Stop {
    /// A stop that points at the piece of the design at fault.
    pub fn at(span: Span, message: impl Into<String>, label: impl Into<String>) -> Self {
        Self(Box::new(Diagnostic::error(span, message.into()).label(label.into())))
    }

    /// Adds what to do.
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self(Box::new(self.0.hint(hint.into())))
    }
}

/// One operation of a simulation.
pub trait Op: Send + Sync {
    /// Carries it out.
    fn run(&self, ws: &mut Workspace) -> Result<(), Stop>;

    /// Says which columns it computes from which others, for assignments that are drawn again. What
    /// says nothing is not done again.
    fn trace(&self, _trace: &mut Trace<'_>) {}
}

/// An operation that is known in another place too.
impl<T: Op> Op for Arc<T> {
    fn run(&self, ws: &mut Workspace) -> Result<(), Stop> {
        self.as_ref().run(ws)
    }

    fn trace(&self, trace: &mut Trace<'_>) {
        self.as_ref().trace(trace);
    }
}

/// Where an operation finds an argument.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operand {
    /// A constant.
    Const(f64),
    /// The one value of a column of the design as a whole.
    Scalar(ColumnId),
    /// A column of the operation's own level.
    Column(ColumnId),
    /// A block of intermediate values.
    Register(u16),
}

impl Operand {
    /// The column that it reads, if it reads one.
    pub fn column(self) -> Option<ColumnId> {
        match self {
            Self::Scalar(column) | Self::Column(column) => Some(column),
            Self::Const(_) | Self::Register(_) => None,
        }
    }
}

/// Values of an argument for a block of units.
#[derive(Clone, Copy)]
pub enum Values<'a> {
    /// The same for every unit.
    Same(f64),
    /// One for each unit.
    Each(&'a [f64]),
}

impl Values<'_> {
    /// The value for unit `i` of the block.
    #[inline(always)]
    pub fn get(&self, i: usize) -> f64 {
        match self {
            Self::Same(value) => *value,
            Self::Each(values) => values[i],
        }
    }
}
