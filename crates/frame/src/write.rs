//! A table to a file.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;

use trialrun_plan::{Table, Values};

use crate::csv::{self, Separator};
use crate::error::{FrameError, Problem};
use crate::format::Format;
use crate::{frame, names};

/// Writes a table to a file of the format that its extension names, in place of one that exists.
///
/// The table goes to a new file beside it, which then takes its name: a reader finds the old file
/// or the new one, never half of one, and a failure leaves the old file as it was.
///
/// A missing value is `NA` in text and null in Parquet and Arrow. Numbers are written in the
/// shortest form that gives them back to the bit.
///
/// # Errors
///
/// The extension is unknown, the folder is missing, the system refuses, or the table has no
/// columns, a column without a name, two columns of one name, columns of different lengths, or a
/// code without a label.
pub fn write(path: &Path, table: &Table) -> Result<(), FrameError> {
    write_any(path, table).map_err(|problem| FrameError::at(path, problem))
}

fn write_any(path: &Path, table: &Table) -> Result<(), Problem> {
    if path.is_dir() {
        return Err(Problem::Folder);
    }
    let format = Format::of(path)?;
    check(table)?;
    // Through a symbolic link, the file that it points to is the one to replace.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if let Some(parent) = path.parent()
        && !parent.as_os_str().is_empty()
        && !parent.is_dir()
    {
        return Err(Problem::NoParent { parent: parent.to_owned() });
    }
    let mut draft = Draft::beside(&path).map_err(|e| Problem::io("write", e))?;
    match format {
        Format::Csv => draft.text(table, Separator::Comma)?,
        Format::Tsv => draft.text(table, Separator::Tab)?,
        Format::Parquet => frame::write_parquet(&mut draft.file, table)?,
        Format::Arrow => frame::write_arrow(&mut draft.file, table)?,
    }
    draft.publish(&path).map_err(|e| Problem::io("write", e))
}

/// Checks that a table has what every format needs, and codes that have labels.
pub(crate) fn check(table: &Table) -> Result<(), Problem> {
    if table.columns.is_empty() {
        return Err(Problem::NoColumns);
    }
    let expected = table.n_rows();
    for (position, column) in (1..).zip(&table.columns) {
        let name = &column.name;
        if name.is_empty() {
            return Err(Problem::UnnamedColumn { position });
        }
        let rows = column.values.len();
        if rows != expected {
            return Err(Problem::UnequalColumns { name: name.clone(), rows, expected });
        }
        if let Values::Category { codes, labels } = &column.values {
            let has_no_label =
                |code: &Option<u32>| code.is_some_and(|c| c as usize >= labels.len());
            if let Some(row) = codes.iter().position(has_no_label) {
                return Err(Problem::UnknownCode { name: name.clone(), row: row + 1 });
            }
        }
    }
    names::distinct(table.columns.iter().map(|c| Some(&*c.name)))
}

/// A new file beside the one to write, removed unless it is published.
struct Draft {
    file: File,
    path: PathBuf,
    published: bool,
}

impl Draft {
    fn beside(path: &Path) -> io::Result<Self> {
        let mut attempt = 0;
        loop {
            let mut name = OsString::from(".");
            name.push(path.file_name().unwrap_or_default());
            name.push(format!(".{}-{attempt}.tmp", process::id()));
            let draft = path.with_file_name(name);
            match OpenOptions::new().write(true).create_new(true).open(&draft) {
                Ok(file) => return Ok(Self { file, path: draft, published: false }),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists && attempt < 100 => attempt += 1,
                Err(e) => return Err(e),
            }
        }
    }

    fn text(&mut self, table: &Table, separator: Separator) -> Result<(), Problem> {
        csv::write_table(&mut self.file, table, separator).map_err(|e| Problem::io("write", e))
    }

    fn publish(mut self, path: &Path) -> io::Result<()> {
        self.file.flush()?;
        if let Ok(old) = fs::metadata(path) {
            fs::set_permissions(&self.path, old.permissions())?;
        }
        // On disk before it takes the name: else a power cut could leave an empty file.
        self.file.sync_all()?;
        fs::rename(&self.path, path)?;
        self.published = true;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.published {
            // The error that is already on its way says more than this one could.
            let _ = fs::remove_file(&self.path);
        }
    }
}
