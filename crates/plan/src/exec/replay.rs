//! What has to be done again when an assignment is drawn again, and what stays as it was observed.
//!
//! A randomisation test draws the design's assignment again and again, while outcomes stay fixed.
//! Functions of the assigned variable (a product with a covariate, a copy for lower units, a
//! weight) are computed again; outcomes that were revealed and variables that were drawn are kept.
//! A level, a sample or a second assignment that depends on the first can not be replayed.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::ColumnId;

/// What becomes of a column of outcomes when the effect of the assigned variable is taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It falls by the effect times the assigned variable: an outcome, or its mean where the
    /// variable does not vary.
    Shift,
    /// Something else: a function of an outcome.
    Other,
}

/// One column that an operation computes from others.
struct Link {
    op: usize,
    reads: Vec<ColumnId>,
    writes: ColumnId,
}

/// Follows an assigned variable through the operations after its assignment.
pub struct Trace<'a> {
    /// Columns that were revealed by a formula: outcomes, whatever they are computed from.
    revealed: &'a BTreeSet<ColumnId>,
    changed: BTreeSet<ColumnId>,
    copies: BTreeSet<ColumnId>,
    effects: BTreeMap<ColumnId, Effect>,
    links: Vec<Link>,
    op: usize,
    arranged: bool,
}

impl<'a> Trace<'a> {
    /// Begins with the column of the assigned variable.
    pub fn new(assigned: ColumnId, revealed: &'a BTreeSet<ColumnId>) -> Self {
        let own = BTreeSet::from([assigned]);
        Self {
            revealed,
            changed: own.clone(),
            copies: own,
            effects: BTreeMap::new(),
            links: Vec::new(),
            op: 0,
            arranged: false,
        }
    }

    /// Says which operation speaks next.
    pub fn at(&mut self, op: usize) {
        self.op = op;
    }

    /// A column is a function of others.
    pub fn computes(&mut self, reads: &[ColumnId], writes: ColumnId) {
        if self.revealed.contains(&writes) {
            return self.reveals(writes);
        }
        if reads.iter().any(|c| self.effects.contains_key(c)) {
            self.effects.insert(writes, Effect::Other);
        }
        if reads.iter().any(|c| self.changed.contains(c)) {
            self.changed.insert(writes);
            self.links.push(Link { op: self.op, reads: reads.to_vec(), writes });
        }
    }

    /// A column has the values of another, for other units.
    pub fn copies(&mut self, from: ColumnId, writes: ColumnId) {
        self.computes(&[from], writes);
        if self.copies.contains(&from) {
            self.copies.insert(writes);
        }
        self.averages(from, writes);
    }

    /// A column has means of another.
    pub fn averages(&mut self, from: ColumnId, writes: ColumnId) {
        self.computes(&[from], writes);
        if let Some(effect) = self.effects.get(&from) {
            self.effects.insert(writes, *effect);
        }
    }

    /// A column has outcomes: it stays as it was observed.
    pub fn reveals(&mut self, writes: ColumnId) {
        self.effects.insert(writes, Effect::Shift);
    }

    /// A column is drawn: it stays as it was observed, but an effect would have changed it.
    pub fn draws(&mut self, reads: &[ColumnId], writes: ColumnId) {
        let depends = |c: &ColumnId| self.changed.contains(c) || self.effects.contains_key(c);
        if reads.iter().any(depends) {
            self.effects.insert(writes, Effect::Other);
        }
    }

    /// Units are made, sorted, drawn or assigned by columns.
    pub fn arranges(&mut self, reads: &[ColumnId]) {
        self.arranged |= reads.iter().any(|c| self.changed.contains(c));
    }

    /// Whether units were arranged by what changes.
    pub fn is_arranged(&self) -> bool {
        self.arranged
    }

    /// Whether a column changes with the assignment.
    pub fn is_changed(&self, column: ColumnId) -> bool {
        self.changed.contains(&column)
    }

    /// Whether a column is the assigned variable itself.
    pub fn is_copy(&self, column: ColumnId) -> bool {
        self.copies.contains(&column)
    }

    /// What becomes of a column when the effect is taken out; none where it is no outcome.
    pub fn effect(&self, column: ColumnId) -> Option<Effect> {
        self.effects.get(&column).copied()
    }

    /// The operations that make the columns from the assigned variable, in order.
    pub fn needed(&self, columns: &[ColumnId]) -> Vec<usize> {
        let mut wanted: BTreeSet<ColumnId> = columns.iter().copied().collect();
        let mut ops = BTreeSet::new();
        for link in self.links.iter().rev().filter(|link| self.changed.contains(&link.writes)) {
            if wanted.contains(&link.writes) {
                ops.insert(link.op);
                wanted.extend(link.reads.iter().copied());
            }
        }
        ops.into_iter().collect()
    }
}
