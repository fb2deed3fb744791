//! Units from a data file: the population, or its upper levels with other levels declared below.
//!
//! Each row is a unit, the same in every simulation. To let the population vary, draw from it: a
//! Sampling step `WithReplacement` at each level is the hierarchical bootstrap. Columns become
//! variables: numbers, or categories where the file has text. An empty cell is a missing value.
//! A column of the level's own name is left out: the name of a level is the number of the unit.
//! On real data (`trialrun estimate`) the step does nothing.
//!
//! # Fields
//! - `name`: the level's name, one unit a row.
//! - `file`: a CSV, TSV, Parquet or Arrow file; its path begins at the folder of the design.
//! - `within`: a column, or a list of them with the highest first: units with the same value are
//!   one unit of a level of that name. Rows are sorted by them. A column that does not vary within
//!   an upper unit becomes a variable of the upper level.
//! - `columns`: a map from names of variables to columns of the file; only these are taken. By
//!   default every column is whose name an expression can use.
//! - `variables`: further variables of the level, as in Level.
//!
//! # Example
//! ```ron
//! Data(name: student, file: "students.csv", within: school, columns: {
//!     pretest: "Pretest score", girl: "girl",
//! }),
//! ```

use trialrun_lang::{Diagnostic, suggestion};

use super::{Declared, all_of};
use crate::compile::{Compiler, Context, Declares, FileColumn};
use crate::declared::{Fields, Name, Reader, Scalar, is_identifier};
use crate::ids::LevelId;
use crate::table::{Table, TableColumn};

/// Units from a file, as declared.
#[derive(Clone, Debug)]
pub struct Data {
    name: Name,
    file: Name,
    within: Vec<Name>,
    columns: Option<Vec<(Name, Name)>>,
    variables: Vec<(Name, Scalar)>,
}

impl Declared for Data {
    fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let name = f.required(r, "name", Reader::identifier);
        let file = f.required(r, "file", Reader::text);
        let within = f.optional(r, "within", |r, node| r.list(node, Reader::identifier));
        let columns = f.optional(r, "columns", |r, node| r.entries(node, Reader::name));
        let variables = f.optional(r, "variables", |r, node| r.entries(node, Reader::scalar));
        let file = file.map(|file| Name { text: file.text, span: file.span });
        let (within, variables) = (within.unwrap_or_default(), variables.unwrap_or_default());
        Some(Self { name: name?, file: file?, within, columns, variables })
    }

    fn compile(&self, cx: &mut Compiler<'_>) {
        if cx.data.is_some() {
            return;
        }
        let levels: Vec<Name> = self.within.iter().chain([&self.name]).cloned().collect();
        if cx.frame != LevelId::WHOLE {
            let message = format!("level `{}` comes after another level", self.name.text);
            let error = Diagnostic::error(self.name.span, message)
                .label("the units of a file are the highest level")
                .hint("declare it first, and the other levels below it");
            cx.report(error);
            return;
        }
        let table = cx.files.iter().find(|(name, _)| *name == self.file.text);
        let read = table.and_then(|(_, table)| self.enter(cx, table, &levels));
        if table.is_none() {
            let message = format!("the data file `{}` was not read", self.file.text);
            cx.report(Diagnostic::error(self.file.span, message).label("no such data"));
        }
        if read.is_none() {
            cx.enter_unknown_levels(&levels);
            let named = self.columns.iter().flatten().map(|(name, _)| name.text.clone());
            cx.doubtful.extend(named);
            let all = table.iter().flat_map(|(_, table)| table.columns.iter());
            cx.doubtful.extend(all.map(|column| column.name.clone()));
        }
        let level = cx.frame;
        for (name, value) in &self.variables {
            let context = Context::at(level).named(&self.name.text, &name.text);
            match cx.scalar(value, &context) {
                Some(value) => cx.define_value(name, value, level),
                None => cx.define_unknown(name, level),
            }
        }
    }

    fn declares(&self) -> Vec<(Declares, Name)> {
        let named = self.columns.iter().flatten().map(|(name, _)| name.clone());
        let own = self.variables.iter().map(|(name, _)| name.clone());
        let mut declared = all_of(Declares::Variable, named.chain(own));
        declared.push((Declares::Level, self.name.clone()));
        declared.extend(all_of(Declares::Level, self.within.iter().cloned()));
        declared
    }

    fn describe(&self) -> String {
        let within: Vec<String> = self.within.iter().map(|n| format!("`{}`", n.text)).collect();
        let within = if within.is_empty() {
            String::new()
        } else {
            format!(" within {}", within.join(", "))
        };
        let (name, file) = (&self.name.text, &self.file.text);
        format!("the units of level `{name}`{within} are the rows of `{file}`")
    }
}

impl Data {
    /// The file's path, from the folder of the design.
    pub fn file(&self) -> &Name {
        &self.file
    }

    /// Makes the levels and the variables; reports what the file lacks.
    fn enter(&self, cx: &mut Compiler<'_>, table: &Table, levels: &[Name]) -> Option<()> {
        let keys: Vec<Option<&TableColumn>> =
            self.within.iter().map(|name| self.find(cx, table, name)).collect();
        let taken: Vec<Option<FileColumn<'_>>> = match &self.columns {
            Some(columns) => {
                let find = |(name, column): &(Name, Name)| {
                    let column = self.find(cx, table, column)?;
                    Some(FileColumn { name: name.clone(), column })
                };
                columns.iter().map(find).collect()
            }
            None => self.usable(cx, table, levels).into_iter().map(Some).collect(),
        };
        let keys = keys.into_iter().collect::<Option<Vec<_>>>()?;
        let taken = taken.into_iter().collect::<Option<Vec<_>>>()?;
        cx.enter_file(&self.file, levels, &keys, &taken, table.n_rows())
    }

    /// The column of that name; an error names those that there are.
    fn find<'t>(
        &self,
        cx: &mut Compiler<'_>,
        table: &'t Table,
        name: &Name,
    ) -> Option<&'t TableColumn> {
        let found = table.column(&name.text);
        if found.is_none() {
            let known: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
            let message = format!("`{}` has no column `{}`", self.file.text, name.text);
            let error = Diagnostic::error(name.span, message).label("unknown column");
            cx.report(error.maybe_hint(suggestion(&name.text, &known)));
        }
        found
    }

    /// The columns that expressions can name; a note tells of each other one.
    fn usable<'t>(
        &self,
        cx: &mut Compiler<'_>,
        table: &'t Table,
        levels: &[Name],
    ) -> Vec<FileColumn<'t>> {
        let mut usable = Vec::new();
        for column in &table.columns {
            if levels.iter().any(|level| level.text == column.name) {
                continue;
            }
            if is_identifier(&column.name) {
                let name = Name { text: column.name.clone(), span: self.file.span };
                usable.push(FileColumn { name, column });
            } else {
                cx.notes.push(format!(
                    "column `{0}` of `{1}` is left out: expressions can not name it; \
                     `columns: {{ a_name: \"{0}\" }}` takes it in",
                    column.name, self.file.text
                ));
            }
        }
        usable
    }
}
