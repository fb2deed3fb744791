//! Text to a table: two passes over the rows.

use trialrun_plan::{Table, TableColumn, Values};

use crate::csv::guess::{Guess, Kind, boolean};
use crate::csv::scan::{Cell, Rows};
use crate::csv::{Separator, header, is_missing, text};
use crate::error::Problem;
use crate::labels::Labels;
use crate::numbers;

/// The table in the bytes of a text file, and what the user should know about it.
pub(crate) fn table_from(
    bytes: &[u8],
    separator: Separator,
) -> Result<(Table, Vec<String>), Problem> {
    let mut rows = Rows::new(text::decode(bytes)?, separator);
    let mut cells = Vec::new();
    rows.next_into(&mut cells)?;
    let names = header::column_names(&cells, separator)?;
    let (guesses, n_rows) = guess_all(rows.clone(), names.len())?;
    if n_rows == 0 {
        return Err(Problem::NoRows);
    }
    if u32::try_from(n_rows).is_err() {
        return Err(Problem::TooManyRows { rows: n_rows });
    }

    let mut notes = Vec::new();
    let mut builders = Vec::new();
    for (position, (name, guess)) in (1..).zip(names.iter().zip(&guesses)) {
        match name {
            Some(name) => {
                notes.extend(guess.notes(name));
                builders.push(Some(Builder::new(guess.kind(), n_rows)));
            }
            None => {
                notes.push(format!("column {position} has no name and is left out"));
                builders.push(None);
            }
        }
    }
    while rows.next_into(&mut cells)?.is_some() {
        for (builder, cell) in builders.iter_mut().zip(&cells) {
            if let Some(builder) = builder {
                builder.push(cell);
            }
        }
    }
    let columns = names.into_iter().zip(builders).filter_map(|(name, builder)| {
        Some(TableColumn { name: name?, values: builder?.into_values() })
    });
    Ok((Table { columns: columns.collect() }, notes))
}

/// The first pass: what each column holds, and the number of rows.
fn guess_all(mut rows: Rows<'_>, n_columns: usize) -> Result<(Vec<Guess>, usize), Problem> {
    let mut guesses = vec![Guess::default(); n_columns];
    let mut cells = Vec::new();
    let mut n_rows = 0;
    while let Some(place) = rows.next_into(&mut cells)? {
        n_rows += 1;
        for (guess, cell) in guesses.iter_mut().zip(&cells) {
            guess.add(place, cell);
        }
    }
    Ok((guesses, n_rows))
}

/// A column while the second pass fills it.
enum Builder {
    Number(Vec<f64>),
    Boolean(Vec<f64>),
    Integer(Vec<Option<i64>>),
    Text(Labels),
}

impl Builder {
    fn new(kind: Kind, n_rows: usize) -> Self {
        match kind {
            Kind::Number => Self::Number(Vec::with_capacity(n_rows)),
            Kind::Boolean => Self::Boolean(Vec::with_capacity(n_rows)),
            Kind::Integer => Self::Integer(Vec::with_capacity(n_rows)),
            Kind::Text => Self::Text(Labels::with_capacity(n_rows)),
        }
    }

    /// Adds a cell; what is not of the column's kind is missing, by the first pass.
    fn push(&mut self, cell: &Cell<'_>) {
        let text = &*cell.text;
        match self {
            Self::Number(v) => v.push(numbers::parse(text.trim_ascii()).unwrap_or(f64::NAN)),
            Self::Boolean(v) => v.push(boolean(text).unwrap_or(f64::NAN)),
            Self::Integer(v) => v.push(text.trim_ascii().parse().ok()),
            Self::Text(labels) => {
                let missing = !cell.quoted && is_missing(text);
                labels.push((!missing).then_some(text));
            }
        }
    }

    fn into_values(self) -> Values {
        match self {
            Self::Number(v) | Self::Boolean(v) => Values::Number(v),
            Self::Integer(v) => Values::Integer(v),
            Self::Text(labels) => labels.into_values(),
        }
    }
}
