//! Names: what each one stands for, and where it can be seen.

use std::collections::HashSet;

use trialrun_lang::{Diagnostic, Span};

use super::files::numbers;
use super::ir::{NodeId, NodeKind};
use super::{Compiler, Context, Value};
use crate::declared::{Name, Places, Scalar, Text};
use crate::exec::units::GroupBy;
use crate::ids::{ColumnId, GroupingId, LevelId, RunsId};
use crate::plan::{LevelInfo, Size, Variable};
use crate::table::Table;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Binding {
    /// A variable.
    Variable(NodeId),
    /// A level; as a variable, the number of the unit.
    Level(LevelId),
    /// A parameter.
    Parameter(f64),
}

/// Sets of units of one level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Groups {
    /// The units below each unit of an upper level: contiguous.
    Runs(LevelId, RunsId),
    /// Units with equal values of columns.
    Values(GroupingId),
}

impl Compiler<'_> {
    /// Gives a name its meaning; a name that has one already is an error.
    pub fn bind(&mut self, name: &Name, binding: Binding) -> bool {
        if self.scope.contains_key(&name.text) {
            self.defined_twice(name, binding);
            return false;
        }
        self.scope.insert(name.text.clone(), (binding, name.span));
        true
    }

    /// Stores a variable under its name.
    pub fn define(&mut self, name: &Name, node: NodeId, declared: LevelId) {
        let column = self.column_of(node);
        self.define_column(name, column, declared);
    }

    /// Stores a variable under its name, with its categories where it has some.
    pub fn define_value(&mut self, name: &Name, value: Value, declared: LevelId) {
        let column = self.column_of(value.id);
        if value.labels.is_some() {
            self.columns[column.idx()].labels = value.labels;
        }
        self.define_column(name, column, declared);
    }

    /// Binds a name to a stored column.
    pub fn define_column(&mut self, name: &Name, column: ColumnId, declared: LevelId) {
        let level = self.columns[column.idx()].level;
        let node = self.graph.add(NodeKind::Column(column), level, name.span);
        if self.bind(name, Binding::Variable(node)) {
            self.variables.push(Variable { name: name.text.clone(), column, level: declared });
        }
    }

    /// Makes a name known whose value has an error in it, so that its uses are not wrong too.
    pub fn define_unknown(&mut self, name: &Name, level: LevelId) {
        let column = self.new_column(level);
        self.define_column(name, column, level);
    }

    /// Forgets a name; says whether it was known.
    pub fn hide(&mut self, name: &str) -> bool {
        self.variables.retain(|v| v.name != name);
        self.scope.remove(name).is_some()
    }

    /// Forgets the meaning of a name, so that another can take it.
    pub fn unbind(&mut self, name: &str) {
        self.scope.remove(name);
    }

    /// Gives the name that has one meaning another.
    pub fn rebind(&mut self, before: Binding, after: Binding) {
        let bindings = self.scope.values_mut().map(|(binding, _)| binding);
        bindings.filter(|binding| **binding == before).for_each(|binding| *binding = after);
    }

    /// The named level, or the level of the current rows.
    pub fn level_or_frame(&mut self, name: Option<&Name>) -> Option<LevelId> {
        let Some(name) = name else { return Some(self.frame) };
        let level = self.level(name)?;
        if self.is_above(level, self.frame) {
            return Some(level);
        }
        if self.is_linked(level, self.frame) {
            let message = format!("level `{}` is crossed with others in the rows", name.text);
            let error = Diagnostic::error(name.span, message)
                .label("the rows do not nest in its units")
                .hint(format!("`mean(x, by = {})` is one value for each of its units", name.text));
            self.report(error);
            return None;
        }
        let message = format!(
            "level `{}` is further down than the rows, which are of level `{}`",
            name.text,
            self.level_name(self.frame)
        );
        let error = Diagnostic::error(name.span, message).label("no rows of this level are left");
        self.report(error.hint("put this step before the Aggregate step"));
        None
    }

    /// What a name stands for, wherever it can be seen.
    pub fn binding(&self, name: &str) -> Option<Binding> {
        self.scope.get(name).map(|(binding, _)| *binding)
    }

    /// Makes the rows of real data the population: one level, a column for each of the table's.
    pub fn bind_data(&mut self, table: &Table) {
        self.levels.push(LevelInfo {
            name: "row".into(),
            parent: LevelId::WHOLE,
            depth: 1,
            size: Size::Fixed(table.n_rows()),
        });
        self.frame = LevelId(1);
        let runs = self.new_runs(Some(table.n_rows()));
        self.runs_known.insert((LevelId::WHOLE, self.frame), runs);
        for column in &table.columns {
            let (values, labels) = numbers(&column.values);
            let id = self.data_column(values, labels, self.frame);
            let name = Name { text: column.name.clone(), span: Span::default() };
            self.define_column(&name, id, self.frame);
        }
    }

    /// Keeps a variable of the design for the case that real data lack it and a model needs it.
    pub fn defer(&mut self, name: &Name, value: &Scalar) {
        if self.binding(&name.text).is_some() {
            self.notes.push(format!("`{}` is taken from the data", name.text));
        } else {
            self.deferred.push((name.clone(), value.clone(), self.frame));
        }
    }

    /// Computes a deferred variable, if the name is one.
    fn resolve_deferred(&mut self, name: &str) -> Option<Binding> {
        let at = self.deferred.iter().position(|(n, ..)| n.text == name)?;
        let (name, value, frame) = self.deferred.remove(at);
        let context = Context::at(frame).named("data", &name.text);
        let context = context.without_draws("real data have no random draws");
        let node = self.scalar(&value, &context)?;
        self.define(&name, node.id, frame);
        self.binding(&name.text)
    }

    /// The node that a name stands for at the units of a context; an error if it is unknown or
    /// can not be seen there.
    pub fn resolve(&mut self, name: &str, span: Span, context: &Context) -> Option<NodeId> {
        let binding = self.binding(name).or_else(|| self.resolve_deferred(name));
        let binding = binding.or_else(|| self.probability_named(name));
        let Some(binding) = binding else {
            self.unknown(name, span, context);
            return None;
        };
        let node = match binding {
            Binding::Variable(node) => node,
            Binding::Parameter(value) => self.graph.constant(value, span),
            Binding::Level(level) => self.graph.add(NodeKind::Index(level), level, span),
        };
        let level = self.graph.node(node).level;
        let reach = if context.reaches_below { self.frame } else { context.level };
        if let Some(seen) = self.see(node, reach, name, span) {
            return Some(seen);
        }
        self.out_of_reach(name, level, reach, (span, context));
        None
    }

    /// The nodes that the values of `nodes` are computed from, themselves included.
    pub fn behind(&self, nodes: &[NodeId]) -> HashSet<NodeId> {
        let mut found = HashSet::new();
        let mut rest = nodes.to_vec();
        while let Some(node) = rest.pop() {
            if !found.insert(node) {
                continue;
            }
            match &self.graph.node(node).kind {
                NodeKind::Map(_, args) | NodeKind::Draw { args, .. } => rest.extend(args),
                NodeKind::FromNormal { args, z, .. } => {
                    rest.extend(args);
                    rest.push(*z);
                }
                NodeKind::Reduce { arg, mask, .. } => {
                    rest.push(*arg);
                    rest.extend(mask);
                }
                NodeKind::Column(column) => {
                    let same = self.stored.iter().filter(|(_, stored)| **stored == *column);
                    rest.extend(same.map(|(node, _)| *node));
                    let carried = self.carried.iter().filter(|(_, carried)| *carried == column);
                    rest.extend(carried.map(|((node, _), _)| *node));
                    let gathered = self.gathered.iter().filter(|(_, copy)| *copy == column);
                    let from = gathered.filter_map(|((from, _), _)| self.node_of(*from));
                    rest.extend(from);
                }
                NodeKind::Const(_) | NodeKind::Size(_) | NodeKind::Index(_) => {}
            }
        }
        found
    }

    /// A node that stands for a stored column.
    fn node_of(&self, column: ColumnId) -> Option<NodeId> {
        let column = self.carried_down(column);
        self.graph.find(&NodeKind::Column(column)).or_else(|| self.origin_of(column))
    }

    /// The level of that name; an error if there is none.
    pub fn level(&mut self, name: &Name) -> Option<LevelId> {
        if let Some(Binding::Level(level)) = self.binding(&name.text) {
            return Some(level);
        }
        self.unknown_level(name);
        None
    }

    /// The sets of units of level `at` that a level or a variable makes: clusters, blocks, groups.
    pub fn groups(&mut self, name: &Name, at: LevelId) -> Option<Groups> {
        if let Some(Binding::Level(level)) = self.binding(&name.text)
            && self.is_above(level, at)
        {
            return Some(Groups::Runs(level, self.runs_between(level, at)));
        }
        let node = self.resolve(&name.text, name.span, &Context::at(at).for_a_name())?;
        let key = self.column_at(node, at);
        Some(Groups::Values(self.grouping(at, vec![key])))
    }

    /// Units of a level sorted by columns.
    pub fn grouping(&mut self, level: LevelId, keys: Vec<ColumnId>) -> GroupingId {
        if let Some(known) = self.groupings_known.get(&(level, keys.clone())) {
            return *known;
        }
        let grouping = self.new_grouping();
        self.push(GroupBy { level, keys: keys.clone(), grouping, groups: None });
        self.groupings_known.insert((level, keys), grouping);
        grouping
    }

    /// Whether the units of a level are groups of others, made by an Aggregate step.
    pub fn is_grouped(&self, level: LevelId) -> bool {
        self.grouped.contains_key(&level)
    }

    /// A new level whose units are the groups of the frame with equal values of columns.
    pub fn grouped_level(&mut self, name: String, keys: Vec<ColumnId>) -> (LevelId, GroupingId) {
        let level = LevelId(self.levels.len() as u32);
        self.levels.push(LevelInfo { name, parent: LevelId::WHOLE, depth: 1, size: Size::Varies });
        let runs = self.new_runs(None);
        self.runs_known.insert((LevelId::WHOLE, level), runs);
        let grouping = self.new_grouping();
        let groups = Some((level, runs));
        self.push(GroupBy { level: self.frame, keys, grouping, groups });
        self.grouped.insert(level, (grouping, self.frame));
        (level, grouping)
    }

    /// An expression or a number, as a constant; an error if it varies.
    pub fn constant(&mut self, scalar: &Scalar, what: &str) -> Option<f64> {
        let context = Context::at(self.frame).without_draws("use numbers and `parameters` only");
        let value = self.scalar(scalar, &context)?;
        match self.graph.value(value.id) {
            Some(value) => Some(value),
            None => {
                let message = format!("`{what}` is one number, known before anything is drawn");
                self.report(
                    Diagnostic::error(scalar.span(), message)
                        .label("this varies")
                        .hint("use numbers and `parameters` only"),
                );
                None
            }
        }
    }

    /// The name as text of the expression language.
    pub fn name_as_text(name: &Name) -> Text {
        let quoted = name.span.len() == name.text.len() + 2;
        let places = Places::plain(name.span.start + u32::from(quoted));
        Text { text: name.text.clone(), places, span: name.span }
    }
}
