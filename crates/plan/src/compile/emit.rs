//! Nodes to operations: what is stored, what is carried down, what stays in a register.

use std::collections::HashMap;

use super::ir::{By, NodeId, NodeKind};
use super::{Compiler, Missing};
use crate::exec::Operand;
use crate::exec::copula::FromNormal;
use crate::exec::draw::Draw;
use crate::exec::program::{Instruction, Program, Target};
use crate::exec::reduce::{Over, Reduce};
use crate::exec::units::{Broadcast, ComposeRuns, IndexOf, SizeOf};
use crate::functions::Fun;
use crate::ids::{ColumnId, GroupingId, LevelId, RunsId};
use crate::plan::{ColumnInfo, Size};

/// A program that is being written.
struct Draft {
    level: LevelId,
    code: Vec<Instruction>,
    outputs: Vec<ColumnId>,
    done: HashMap<NodeId, Operand>,
    uses: HashMap<NodeId, usize>,
    free: Vec<u16>,
    n_registers: u16,
}

impl Compiler<'_> {
    /// A new column.
    pub fn new_column(&mut self, level: LevelId) -> ColumnId {
        let missing = Missing::Never;
        self.columns.push(ColumnInfo { level, labels: None, missing, data: None });
        ColumnId(self.columns.len() as u32 - 1)
    }

    /// A new column for values of another one, at a level.
    pub fn new_column_like(&mut self, column: ColumnId, level: LevelId) -> ColumnId {
        let ColumnInfo { labels, missing, .. } = self.columns[column.idx()];
        self.columns.push(ColumnInfo { level, labels, missing, data: None });
        ColumnId(self.columns.len() as u32 - 1)
    }

    /// A new table of runs.
    pub fn new_runs(&mut self, fixed: Option<usize>) -> RunsId {
        self.runs.push(fixed);
        RunsId(self.runs.len() as u32 - 1)
    }

    /// A new grouping.
    pub fn new_grouping(&mut self) -> GroupingId {
        self.n_groupings += 1;
        GroupingId(self.n_groupings - 1)
    }

    /// Says where the runs of a level in its parent are kept.
    pub fn set_runs(&mut self, level: LevelId, runs: RunsId) {
        let parent = self.levels[level.idx()].parent;
        self.runs_known.insert((parent, level), runs);
    }

    /// For each level, its runs in its parent, where they are kept.
    pub fn parent_runs(&self) -> Vec<Option<RunsId>> {
        let levels = self.levels.iter().enumerate();
        let runs = |(l, info): (usize, &crate::plan::LevelInfo)| {
            self.runs_known.get(&(info.parent, LevelId(l as u32))).copied()
        };
        levels.map(runs).collect()
    }

    /// The runs of `lower` units in `upper` ones; `upper` must be above `lower`.
    pub fn runs_between(&mut self, upper: LevelId, lower: LevelId) -> RunsId {
        if let Some(runs) = self.runs_known.get(&(upper, lower)) {
            return *runs;
        }
        let runs = if upper == lower {
            let runs = self.new_runs(Some(1));
            self.push(crate::exec::units::EachAlone { level: upper, out: runs });
            runs
        } else {
            let parent = self.levels[lower.idx()].parent;
            let (first, second) =
                (self.runs_between(upper, parent), self.runs_between(parent, lower));
            let fixed = match (self.runs[first.idx()], self.runs[second.idx()]) {
                (Some(a), Some(b)) => a.checked_mul(b),
                _ => None,
            };
            let runs = self.new_runs(fixed);
            self.push(ComposeRuns { upper: first, lower: second, out: runs });
            runs
        };
        self.runs_known.insert((upper, lower), runs);
        runs
    }

    /// The number of units of a level, where the design fixes it.
    pub fn fixed_size(&self, level: LevelId) -> Option<usize> {
        if level == LevelId::WHOLE {
            return Some(1);
        }
        let info = &self.levels[level.idx()];
        match info.size {
            Size::Fixed(n) => self.fixed_size(info.parent)?.checked_mul(n),
            Size::Varies => None,
        }
    }

    /// A node's values, stored at its own level.
    pub fn column_of(&mut self, node: NodeId) -> ColumnId {
        self.columns_of(&[node])[0]
    }

    /// The values of several nodes, stored; those of one level are computed in one program.
    pub fn columns_of(&mut self, nodes: &[NodeId]) -> Vec<ColumnId> {
        let mut rest: Vec<NodeId> = Vec::new();
        for &node in nodes {
            if !self.stored.contains_key(&node) && !rest.contains(&node) {
                rest.push(node);
            }
        }
        while let Some(&first) = rest.first() {
            let level = self.graph.node(first).level;
            let is_map = |c: &Self, n: NodeId| {
                matches!(c.graph.node(n).kind, NodeKind::Map(..) | NodeKind::Const(_))
                    && c.graph.node(n).level == level
            };
            if is_map(self, first) {
                let (now, later) = rest.iter().copied().partition(|n| is_map(self, *n));
                self.emit_program(level, now);
                rest = later;
            } else {
                self.emit_other(first);
                rest.remove(0);
            }
        }
        nodes.iter().map(|node| self.stored[node]).collect()
    }

    /// Stores the outcomes of a Reveal step by themselves: they stay as they are where an
    /// assignment is drawn again, whatever they were computed from.
    pub fn keep_as_revealed(&mut self, node: NodeId) -> NodeId {
        let column = self.column_of(node);
        self.revealed.insert(column);
        node
    }

    /// The node whose values a stored column holds, where it was stored as that node.
    pub fn origin_of(&self, column: ColumnId) -> Option<NodeId> {
        self.stored.iter().find(|(_, stored)| **stored == column).map(|(node, _)| *node)
    }

    /// The column that a column repeats for lower units, or the column itself.
    pub fn carried_down(&self, column: ColumnId) -> ColumnId {
        let from = self.broadcasts.iter().find(|(_, lower)| **lower == column);
        from.map_or(column, |((upper, _), _)| *upper)
    }

    /// A node's values on the units of a level at or below its own.
    pub fn column_at(&mut self, node: NodeId, level: LevelId) -> ColumnId {
        let column = self.column_of(node);
        self.broadcast(column, level)
    }

    /// A column's values on the units of a level at or below its own.
    pub fn broadcast(&mut self, column: ColumnId, level: LevelId) -> ColumnId {
        let from = self.columns[column.idx()].level;
        if from == level {
            return column;
        }
        if let Some(known) = self.broadcasts.get(&(column, level)) {
            return *known;
        }
        let runs = self.runs_between(from, level);
        let fixed = self.runs[runs.idx()];
        let out = self.new_column_like(column, level);
        self.push(Broadcast { from: column, out, level, runs, fixed });
        self.broadcasts.insert((column, level), out);
        out
    }

    /// A node as an argument of an operation on the units of a level.
    pub fn operand(&mut self, node: NodeId, level: LevelId) -> Operand {
        if let Some(value) = self.graph.value(node) {
            return Operand::Const(value);
        }
        let column = self.column_of(node);
        if level != LevelId::WHOLE && self.columns[column.idx()].level == LevelId::WHOLE {
            return Operand::Scalar(column);
        }
        Operand::Column(self.broadcast(column, level))
    }

    /// Emits what is neither a constant nor a function of one unit's values.
    fn emit_other(&mut self, node: NodeId) {
        let info = self.graph.node(node).clone();
        let column = match info.kind {
            NodeKind::Column(column) => column,
            NodeKind::Size(level) => {
                let out = self.new_column(LevelId::WHOLE);
                self.push(SizeOf { level, out });
                out
            }
            NodeKind::Index(level) => {
                let out = self.new_column(level);
                self.push(IndexOf { level, out });
                out
            }
            NodeKind::Draw { distribution, args, level, key } => {
                let args = args.iter().map(|a| self.operand(*a, level)).collect();
                let out = self.new_column(level);
                self.push(Draw { distribution, args, level, key, out, span: info.span });
                out
            }
            NodeKind::FromNormal { distribution, args, z } => {
                let (level, span) = (info.level, info.span);
                let args = args.iter().map(|a| self.operand(*a, level)).collect();
                let z = self.operand(z, level);
                let out = self.new_column(level);
                self.push(FromNormal { distribution, args, z, level, out, span });
                out
            }
            NodeKind::Reduce { reduction, arg, rows, by, mask } => {
                let arg = self.column_at(arg, rows);
                let mask = mask.map(|m| self.column_at(m, rows));
                let over = match by {
                    By::Whole => Over::Whole,
                    By::Level(LevelId::WHOLE) => Over::Whole,
                    By::Level(level) if !self.is_above(level, rows) => {
                        Over::Groups(self.link_grouping(level, rows, info.span))
                    }
                    By::Level(level) => {
                        let runs = self.runs_between(level, rows);
                        Over::Runs(level, runs, self.runs[runs.idx()])
                    }
                    By::Groups(grouping, _) => Over::Groups(grouping),
                };
                let missing = self.missing(node);
                let out = self.new_column(info.level);
                self.columns[out.idx()].missing = missing;
                self.push(Reduce { reduction, arg, level: rows, over, mask, out });
                out
            }
            NodeKind::Const(_) | NodeKind::Map(..) => {
                return self.emit_program(info.level, vec![node]);
            }
        };
        self.stored.insert(node, column);
    }

    /// Emits one program that stores several nodes of one level.
    fn emit_program(&mut self, level: LevelId, nodes: Vec<NodeId>) {
        let mut draft = Draft {
            level,
            code: Vec::new(),
            outputs: Vec::new(),
            done: HashMap::new(),
            uses: HashMap::new(),
            free: Vec::new(),
            n_registers: 0,
        };
        for &node in &nodes {
            self.count_uses(node, level, &mut draft.uses);
        }
        for &node in &nodes {
            let column = self.new_column(level);
            self.write(node, &mut draft, Some(column));
            draft.outputs.push(column);
            draft.done.insert(node, Operand::Column(column));
        }
        self.n_registers = self.n_registers.max(draft.n_registers);
        let (code, outputs) = (draft.code, draft.outputs);
        for (&node, &column) in nodes.iter().zip(&outputs) {
            self.columns[column.idx()].missing = self.missing(node);
        }
        self.stored.extend(nodes.into_iter().zip(outputs.iter().copied()));
        self.push(Program { level, code, outputs });
    }

    /// Counts how often each node of a program is used, so that registers are given back.
    fn count_uses(&self, node: NodeId, level: LevelId, uses: &mut HashMap<NodeId, usize>) {
        let NodeKind::Map(_, args) = &self.graph.node(node).kind else { return };
        for &arg in args {
            let count = uses.entry(arg).or_insert(0);
            *count += 1;
            if *count == 1 && self.is_inline(arg, level) {
                self.count_uses(arg, level, uses);
            }
        }
    }

    /// Whether a node is computed within a program of that level, in a register.
    fn is_inline(&self, node: NodeId, level: LevelId) -> bool {
        let info = self.graph.node(node);
        matches!(info.kind, NodeKind::Map(..))
            && info.level == level
            && !self.stored.contains_key(&node)
    }

    /// Writes the instructions for a node, into a column or a register.
    fn write(&mut self, node: NodeId, draft: &mut Draft, column: Option<ColumnId>) -> Operand {
        let (fun, args) = match self.graph.node(node).kind.clone() {
            NodeKind::Map(fun, args) => (fun, args),
            // A constant that has to be stored, or a second name for a stored column.
            _ => (Fun::Mul, vec![node, self.graph.constant(1.0, self.graph.node(node).span)]),
        };
        let mut operands = [Operand::Const(0.0); 3];
        for (operand, arg) in operands.iter_mut().zip(&args) {
            *operand = self.argument(*arg, draft);
        }
        let (target, result) = match column {
            Some(column) => (Target::Column(column), Operand::Column(column)),
            None => {
                let r = draft.free.pop().unwrap_or_else(|| {
                    draft.n_registers += 1;
                    draft.n_registers - 1
                });
                (Target::Register(r), Operand::Register(r))
            }
        };
        // Registers of arguments are given back only after the target was chosen: an instruction
        // never writes where it reads.
        for (operand, arg) in operands.iter().zip(&args) {
            let Some(left) = draft.uses.get_mut(arg) else { continue };
            *left = left.saturating_sub(1);
            if let (0, Operand::Register(r)) = (*left, operand)
                && !draft.free.contains(r)
            {
                draft.free.push(*r);
            }
        }
        draft.code.push(Instruction { fun, args: operands, target });
        result
    }

    fn argument(&mut self, node: NodeId, draft: &mut Draft) -> Operand {
        if let Some(done) = draft.done.get(&node) {
            return *done;
        }
        let operand = if self.is_inline(node, draft.level) {
            self.write(node, draft, None)
        } else {
            self.operand(node, draft.level)
        };
        draft.done.insert(node, operand);
        operand
    }
}
