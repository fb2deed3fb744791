//! The file formats, told apart by the extension of the file name.

use std::path::Path;

use crate::error::Problem;

/// A file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Comma-separated text.
    Csv,
    /// Tab-separated text.
    Tsv,
    /// Apache Parquet.
    Parquet,
    /// An Arrow IPC file, also called Feather version 2.
    Arrow,
}

const EXTENSIONS: [&str; 6] = ["csv", "tsv", "parquet", "arrow", "ipc", "feather"];

/// The extensions of the files that can be read and written, without the dot.
pub fn extensions() -> &'static [&'static str] {
    &EXTENSIONS
}

impl Format {
    /// The format that the extension of `path` names, in capitals or not.
    pub(crate) fn of(path: &Path) -> Result<Self, Problem> {
        let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
        match extension.as_deref() {
            Some("csv") => Ok(Self::Csv),
            Some("tsv") => Ok(Self::Tsv),
            Some("parquet") => Ok(Self::Parquet),
            Some("arrow" | "ipc" | "feather") => Ok(Self::Arrow),
            _ => Err(Problem::UnknownExtension { extension }),
        }
    }
}
