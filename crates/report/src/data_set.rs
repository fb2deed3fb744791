//! Rows of a data set, as text, Markdown or JSON.

use serde_json::{Map, Value};
use trialrun_plan::{Table, Values};

use crate::number::{json_number, significant};
use crate::table::{Align, Grid};

/// The form of a table of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataFormat {
    /// Aligned columns.
    Text,
    /// A Markdown table.
    Markdown,
    /// An array of objects.
    Json,
    /// Comma-separated values.
    Csv,
}

/// Digits of a value that is shown, not computed with.
const DIGITS: usize = 5;

/// The rows of a table. Values are shown with five digits, except in JSON.
pub fn data_set(table: &Table, format: DataFormat) -> String {
    if format == DataFormat::Json {
        return json(table);
    }
    let mut grid = Grid::new(table.columns.iter().map(|c| (c.name.clone(), Align::Right)));
    for row in 0..table.n_rows() {
        grid.row(table.columns.iter().map(|c| cell(&c.values, row)));
    }
    if format == DataFormat::Markdown { grid.markdown() } else { grid.text() }
}

fn cell(values: &Values, row: usize) -> String {
    match values {
        Values::Number(v) if v[row].is_nan() => "NA".to_string(),
        Values::Number(v) => significant(v[row], DIGITS),
        Values::Integer(v) => v[row].map_or("NA".to_string(), |i| i.to_string()),
        Values::Category { codes, labels } => {
            codes[row].map_or("NA".to_string(), |c| labels[c as usize].clone())
        }
    }
}

fn json(table: &Table) -> String {
    let value = |values: &Values, row: usize| match values {
        Values::Number(v) => json_number(v[row]),
        Values::Integer(v) => v[row].map_or(Value::Null, Value::from),
        Values::Category { codes, labels } => {
            codes[row].map_or(Value::Null, |c| Value::from(labels[c as usize].clone()))
        }
    };
    let object = |row: usize| {
        let cells = table.columns.iter().map(|c| (c.name.clone(), value(&c.values, row)));
        Value::Object(cells.collect::<Map<_, _>>())
    };
    let rows: Vec<Value> = (0..table.n_rows()).map(object).collect();
    crate::json_text(&Value::Array(rows))
}
