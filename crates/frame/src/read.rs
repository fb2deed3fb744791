//! A file to a table.

use std::fs;
use std::path::Path;

use trialrun_plan::Table;

use crate::csv::{self, Separator};
use crate::error::{FrameError, Problem};
use crate::format::Format;
use crate::frame;

/// Reads a file of the format that its extension names.
///
/// With the table come notes for the user, one line each: columns that are read as text though
/// most of their cells are numbers, columns that are left out, and the like.
///
/// - Numbers, whole or not, and `true` and `false` (1 and 0) become [`Values::Number`], correctly
///   rounded. Whole numbers become [`Values::Integer`] only where a double would lose digits.
/// - Text becomes [`Values::Category`].
/// - In text files a missing value is an empty cell, `NA` or `NaN`. In a column of text these are
///   labels where they stand in quotes. Text that looks like numbers is read as numbers, in
///   quotes or not; with a leading zero, as in `007`, it stays text.
///
/// [`Values::Number`]: trialrun_plan::Values::Number
/// [`Values::Integer`]: trialrun_plan::Values::Integer
/// [`Values::Category`]: trialrun_plan::Values::Category
///
/// # Errors
///
/// The file is missing, unreadable, of an unknown extension or of another format than its
/// extension says; it has no header, no rows, a name twice, or rows and quotes that are wrong.
pub fn read(path: &Path) -> Result<(Table, Vec<String>), FrameError> {
    read_any(path).map_err(|problem| FrameError::at(path, problem))
}

fn read_any(path: &Path) -> Result<(Table, Vec<String>), Problem> {
    // Before the extension: a folder seldom has one.
    if path.is_dir() {
        return Err(Problem::Folder);
    }
    let format = Format::of(path)?;
    let bytes = fs::read(path).map_err(|e| Problem::io("read", e))?;
    if bytes.is_empty() {
        return Err(Problem::Empty);
    }
    check_content(format, &bytes)?;
    match format {
        Format::Csv => csv::table_from(&bytes, Separator::Comma),
        Format::Tsv => csv::table_from(&bytes, Separator::Tab),
        Format::Parquet => frame::read_parquet(bytes),
        Format::Arrow => frame::read_arrow(bytes),
    }
}

/// Compares the first and the last bytes with those of the format.
fn check_content(format: Format, bytes: &[u8]) -> Result<(), Problem> {
    let marks = [
        (&b"PAR1"[..], "a Parquet file"),
        (b"ARROW1", "an Arrow file"),
        (b"FEA1", "a Feather file of version 1"),
        (b"\xFF\xFF\xFF\xFF", "an Arrow stream"),
        (b"\x1F\x8B", "a gzip archive"),
        (b"PK\x03\x04", "a spreadsheet or a zip archive"),
    ];
    let found = marks.into_iter().find(|(mark, _)| bytes.starts_with(mark));
    let expected = match format {
        Format::Csv | Format::Tsv if found.is_none() => return Ok(()),
        Format::Csv | Format::Tsv => "text",
        Format::Parquet => "a Parquet file",
        Format::Arrow => "an Arrow file",
    };
    match found {
        // Both formats begin and end with their mark.
        Some((mark, name)) if name == expected && bytes.ends_with(mark) => Ok(()),
        Some((_, name)) if name == expected => Err(Problem::CutOff { expected }),
        Some((_, name)) => Err(Problem::WrongContent { expected, found: Some(name) }),
        None => {
            let found = csv::is_text(bytes).then_some("text");
            Err(Problem::WrongContent { expected, found })
        }
    }
}
