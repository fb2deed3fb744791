//! Random allocations: their places in the workspace, and who uses their probabilities.
//!
//! An assignment or a sample leaves a place in the chain for the operation that finds its
//! probabilities. Only where a name or an estimator asks for them is the place filled.

use trialrun_lang::Span;

use super::{Binding, Compiler};
use crate::declared::Name;
use crate::exec::allocation::AllocationInfo;
use crate::exec::{Op, Stop, Workspace};
use crate::ids::{AllocationId, ColumnId};

/// Makes the operation that finds probabilities: for a column of the probability of the arm that
/// each row got, and for those of pairs.
pub type Finder = Box<dyn Fn(Option<ColumnId>, bool) -> Box<dyn Op>>;

/// An allocation, and what is wanted of it so far.
pub struct Pending {
    /// What it tells about itself.
    pub info: AllocationInfo,
    column_name: String,
    span: Span,
    place: usize,
    finder: Finder,
    out: Option<ColumnId>,
    is_used: bool,
    joint: bool,
}

/// Nothing: a place where nobody wanted anything.
struct Nothing;

impl Op for Nothing {
    fn run(&self, _: &mut Workspace) -> Result<(), Stop> {
        Ok(())
    }
}

impl Compiler<'_> {
    /// The next allocation's place in the workspace.
    pub fn next_allocation(&self) -> AllocationId {
        AllocationId(self.allocations.len() as u32)
    }

    /// Registers an allocation that the operations so far have made. `column_name` is the name
    /// under which each row's probability can be used.
    pub fn allocate(
        &mut self,
        info: AllocationInfo,
        column_name: String,
        span: Span,
        finder: Finder,
    ) {
        let place = self.ops.len();
        self.push(Nothing);
        let (out, is_used, joint) = (None, false, false);
        let pending = Pending { info, column_name, span, place, finder, out, is_used, joint };
        self.allocations.push(pending);
    }

    /// The allocation of a variable, whose probabilities are found from now on: those of pairs
    /// too if `joint`.
    pub fn use_probabilities(&mut self, variable: &str, joint: bool) -> Option<&AllocationInfo> {
        let found = self.allocations.iter_mut().find(|a| a.info.variable == variable)?;
        found.is_used = true;
        found.joint |= joint;
        Some(&found.info)
    }

    /// The column of a name such as `treatment_prob`, if it is one; it is made when it is first
    /// used.
    pub(super) fn probability_named(&mut self, name: &str) -> Option<Binding> {
        let at = self.allocations.iter().position(|a| a.column_name == name)?;
        let (level, span) = (self.allocations[at].info.level, self.allocations[at].span);
        let column = self.new_column(level);
        (self.allocations[at].out, self.allocations[at].is_used) = (Some(column), true);
        self.define_column(&Name { text: name.to_string(), span }, column, level);
        self.binding(name)
    }

    /// The column of the probabilities of the arms that an allocation's rows got, where something
    /// uses it, and the place of the operation that fills it.
    pub fn probability_column(&self, id: AllocationId) -> Option<(usize, ColumnId)> {
        let pending = self.allocations.iter().find(|pending| pending.info.id == id)?;
        Some((pending.place, pending.out?))
    }

    /// The number of operations up to the last allocation.
    pub fn ops_allocating(&self) -> usize {
        self.allocations.last().map_or(0, |a| a.place + 1)
    }

    /// Fills the places of those allocations whose probabilities are used; of all, for an audit.
    pub fn settle_allocations(&mut self, all: bool) -> Vec<AllocationInfo> {
        let pending = std::mem::take(&mut self.allocations);
        for allocation in &pending {
            if allocation.is_used || all {
                let joint = allocation.joint || all;
                self.ops[allocation.place] = (allocation.finder)(allocation.out, joint).into();
            }
        }
        pending.into_iter().map(|a| a.info).collect()
    }
}
