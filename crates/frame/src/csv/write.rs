//! A table as text.

use std::io::{self, Write};

use trialrun_plan::{Table, Values};

use crate::csv::{Separator, is_missing};
use crate::error::FrameError;
use crate::{numbers, write};

/// Text is handed on in pieces of about this size.
const PIECE_BYTES: usize = 1 << 16;

/// The table as comma-separated text, as it is written to a `.csv` file.
///
/// # Errors
///
/// The table has no columns, a column without a name, two columns of one name, columns of
/// different lengths, or a code without a label.
pub fn csv_string(table: &Table) -> Result<String, FrameError> {
    write::check(table).map_err(|problem| FrameError { path: None, problem })?;
    let mut out = String::new();
    append_header(&mut out, table, Separator::Comma);
    for row in 0..table.n_rows() {
        append_row(&mut out, table, row, Separator::Comma);
    }
    Ok(out)
}

/// Writes a table that [`write::check`] has passed.
pub(crate) fn write_table(
    out: &mut impl Write,
    table: &Table,
    separator: Separator,
) -> io::Result<()> {
    let mut piece = String::with_capacity(PIECE_BYTES + PIECE_BYTES / 4);
    append_header(&mut piece, table, separator);
    for row in 0..table.n_rows() {
        append_row(&mut piece, table, row, separator);
        if piece.len() >= PIECE_BYTES {
            out.write_all(piece.as_bytes())?;
            piece.clear();
        }
    }
    out.write_all(piece.as_bytes())
}

fn append_header(out: &mut String, table: &Table, separator: Separator) {
    for (i, column) in table.columns.iter().enumerate() {
        if i > 0 {
            out.push(separator.byte().into());
        }
        // A number is a name only in quotes: without them a first line of numbers is no header.
        append_text(out, &column.name, numbers::parse(&column.name).is_some());
    }
    out.push('\n');
}

fn append_row(out: &mut String, table: &Table, row: usize, separator: Separator) {
    for (i, column) in table.columns.iter().enumerate() {
        if i > 0 {
            out.push(separator.byte().into());
        }
        match &column.values {
            Values::Number(v) if v[row].is_nan() => out.push_str("NA"),
            Values::Number(v) => numbers::append(out, v[row]),
            Values::Integer(v) => match v[row] {
                Some(x) => out.push_str(&x.to_string()),
                None => out.push_str("NA"),
            },
            Values::Category { codes, labels } => match codes[row] {
                Some(code) => append_text(out, &labels[code as usize], false),
                None => out.push_str("NA"),
            },
        }
    }
    out.push('\n');
}

/// Appends text, in quotes where it would else be read as something else.
fn append_text(out: &mut String, text: &str, always_quoted: bool) {
    let special = [',', '\t', ';', '"', '\n', '\r'];
    // A byte order mark at the start of the file would be dropped.
    let is_bare = !always_quoted
        && !is_missing(text)
        && text.trim_ascii() == text
        && !text.starts_with('\u{FEFF}')
        && !text.contains(special);
    if is_bare {
        out.push_str(text);
        return;
    }
    out.push('"');
    for (i, part) in text.split('"').enumerate() {
        if i > 0 {
            out.push_str("\"\"");
        }
        out.push_str(part);
    }
    out.push('"');
}
