//! Units from data files: levels and columns that are the same in every simulation.

use trialrun_lang::Diagnostic;

use super::{Binding, Compiler, Missing};
use crate::declared::Name;
use crate::ids::{ColumnId, LevelId, RunsId};
use crate::plan::{ColumnInfo, LevelInfo, Size};
use crate::table::{TableColumn, Values};

/// A column of a file, under the name of a variable.
pub struct FileColumn<'t> {
    /// The variable.
    pub name: Name,
    /// Its values.
    pub column: &'t TableColumn,
}

/// A level whose units are the same in every simulation.
#[derive(Clone, Debug)]
pub struct FixedLevel {
    /// The level.
    pub level: LevelId,
    /// Its number of units.
    pub size: usize,
    /// Their runs in the level above.
    pub runs: RunsId,
    /// Where the units of each upper unit begin.
    pub starts: Vec<u32>,
}

/// The values of a table's column as numbers, missing ones as NaN, with the labels of categories.
pub fn numbers(values: &Values) -> (Vec<f64>, Option<Vec<String>>) {
    match values {
        Values::Number(values) => (values.clone(), None),
        Values::Integer(values) => {
            (values.iter().map(|v| v.map_or(f64::NAN, |v| v as f64)).collect(), None)
        }
        Values::Category { codes, labels } => {
            let code = |c: &Option<u32>| c.map_or(f64::NAN, f64::from);
            (codes.iter().map(code).collect(), Some(labels.clone()))
        }
    }
}

impl Compiler<'_> {
    /// A column of values that do not change from simulation to simulation.
    pub fn data_column(
        &mut self,
        values: Vec<f64>,
        labels: Option<Vec<String>>,
        level: LevelId,
    ) -> ColumnId {
        let labels = labels.map(|labels| {
            self.labels.push(labels);
            self.labels.len() as u32 - 1
        });
        let some = values.iter().any(|v| v.is_nan());
        let missing = if some { Missing::Declared } else { Missing::Never };
        let column = self.new_column(level);
        let data = Some(values);
        self.columns[column.idx()] = ColumnInfo { level, labels, missing, data };
        column
    }

    /// Makes the rows of a file the units of the last of `levels`, those with equal keys units of
    /// the levels before, and its columns their variables.
    pub fn enter_file(
        &mut self,
        file: &Name,
        levels: &[Name],
        keys: &[&TableColumn],
        columns: &[FileColumn<'_>],
        n_rows: usize,
    ) -> Option<()> {
        let keys: Vec<(&str, Vec<f64>)> =
            keys.iter().map(|key| (key.name.as_str(), numbers(&key.values).0)).collect();
        for (name, values) in &keys {
            if let Some(row) = values.iter().position(|v| v.is_nan()) {
                let message = format!("row {} of `{}` has no `{name}`", row + 1, file.text);
                let error = Diagnostic::error(file.span, message).label("a missing value");
                self.report(error.hint("each row has to belong to a unit of each level"));
                return None;
            }
        }
        let mut order: Vec<usize> = (0..n_rows).collect();
        // The sort is stable: rows of one unit keep their order.
        order.sort_by(|&a, &b| {
            let by_key = |(_, v): &(&str, Vec<f64>)| (v[a] + 0.0).total_cmp(&(v[b] + 0.0));
            keys.iter().map(by_key).find(|o| o.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
        });
        // For each level, the first row of each unit, in the sorted order.
        let mut firsts: Vec<Vec<usize>> = Vec::new();
        for depth in 0..keys.len() {
            let same = |a: usize, b: usize| keys[..=depth].iter().all(|(_, v)| v[a] == v[b]);
            let is_first = |&at: &usize| at == 0 || !same(order[at - 1], order[at]);
            firsts.push((0..n_rows).filter(is_first).collect());
        }
        firsts.push((0..n_rows).collect());
        let ids = self.enter_fixed_levels(levels, &firsts);
        for FileColumn { name, column } in columns {
            let (values, labels) = numbers(&column.values);
            let sorted: Vec<f64> = order.iter().map(|row| values[*row]).collect();
            let varies_within = |first: &Vec<usize>| {
                let mut unit = 0;
                sorted.iter().enumerate().any(|(at, value)| {
                    unit += usize::from(first.get(unit + 1) == Some(&at));
                    let own = sorted[first[unit]];
                    *value != own && !(value.is_nan() && own.is_nan())
                })
            };
            // The highest level within whose units the column does not vary.
            let depth = firsts.iter().position(|first| !varies_within(first));
            let depth = depth.unwrap_or(firsts.len() - 1);
            let own = firsts[depth].iter().map(|at| sorted[*at]).collect();
            let id = self.data_column(own, labels, ids[depth]);
            self.tell_text(file, column, id);
            self.define_column(name, id, ids[depth]);
        }
        Some(())
    }

    /// Keeps where a column of text is text, for those who take it for numbers.
    fn tell_text(&mut self, file: &Name, column: &TableColumn, id: ColumnId) {
        let (Some(labels), Values::Category { codes, labels: words }) =
            (self.columns[id.idx()].labels, &column.values)
        else {
            return;
        };
        let is_text = |code: &Option<u32>| {
            code.is_some_and(|code| words[code as usize].parse::<f64>().is_err())
        };
        if let Some(row) = codes.iter().position(is_text) {
            let word = codes[row].map_or("", |code| words[code as usize].as_str());
            let (name, file) = (&column.name, &file.text);
            let row = row + 1;
            let told = format!("column `{name}` of `{file}` is text: row {row} has `{word}`");
            self.text_columns.insert(labels, told);
        }
    }

    /// Makes levels of units that are the same in every simulation. `firsts`: for each level, the
    /// first row of each unit.
    fn enter_fixed_levels(&mut self, names: &[Name], firsts: &[Vec<usize>]) -> Vec<LevelId> {
        let mut ids: Vec<LevelId> = Vec::new();
        for (depth, (name, first)) in names.iter().zip(firsts).enumerate() {
            let above: &[usize] = if depth == 0 { &[0] } else { &firsts[depth - 1] };
            let mut starts: Vec<u32> =
                above.iter().map(|row| first.partition_point(|f| f < row) as u32).collect();
            starts.push(first.len() as u32);
            let lengths: Vec<u32> = starts.windows(2).map(|w| w[1] - w[0]).collect();
            let fixed = lengths.windows(2).all(|pair| pair[0] == pair[1]);
            let fixed = lengths.first().filter(|_| fixed).map(|n| *n as usize);
            let size = fixed.map_or(Size::Varies, Size::Fixed);
            let level = self.enter_level(name, size);
            let runs = self.new_runs(fixed);
            self.set_runs(level, runs);
            self.fixed_levels.push(FixedLevel { level, size: first.len(), runs, starts });
            ids.push(level);
        }
        ids
    }

    /// Makes a level that nests in the current rows, and whose units are the rows from now on.
    pub fn enter_level(&mut self, name: &Name, size: Size) -> LevelId {
        let parent = self.frame;
        let level = LevelId(self.levels.len() as u32);
        let depth = self.levels[parent.idx()].depth + 1;
        self.levels.push(LevelInfo { name: name.text.clone(), parent, depth, size });
        self.bind(name, Binding::Level(level));
        self.frame = level;
        level
    }

    /// Makes a level whose units belong to those of several levels; they have runs in the first.
    pub fn enter_linked_level(&mut self, name: &Name, levels: &[LevelId], size: Size) -> LevelId {
        self.frame = levels[0];
        let level = self.enter_level(name, size);
        let depths = levels.iter().map(|l| self.levels[l.idx()].depth);
        self.levels[level.idx()].depth = depths.max().unwrap_or(0) + 1;
        level
    }

    /// Makes levels known whose units could not be made.
    pub fn enter_unknown_levels(&mut self, names: &[Name]) {
        for name in names {
            let level = self.enter_level(name, Size::Varies);
            let runs = self.new_runs(None);
            self.set_runs(level, runs);
        }
    }
}
