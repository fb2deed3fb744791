//! What can be wrong with a file or a table, said with the place and a way out.

use std::fmt::{self, Display, Formatter};
use std::io;
use std::path::{Path, PathBuf};

use crate::format::extensions;

/// A file that cannot be read or written, or a table that cannot be written.
///
/// The text is one line that says what is wrong and where, and a second line `hint: ...` where
/// there is a way out.
#[derive(Debug)]
pub struct FrameError {
    /// The file, where there is one.
    pub path: Option<PathBuf>,
    /// What is wrong.
    pub problem: Problem,
}

/// Where in a text file: counted from one, the header is row zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The row of data; zero is the header.
    pub row: usize,
    /// The line of the file on which the row begins.
    pub line: usize,
}

/// What is wrong with a file or a table.
#[derive(Debug)]
pub enum Problem {
    /// The extension names no format.
    UnknownExtension {
        /// The extension in small letters, where there is one.
        extension: Option<String>,
    },
    /// There is no such file.
    NotFound,
    /// There is a folder of that name.
    Folder,
    /// The folder that should hold the file is missing.
    NoParent {
        /// The missing folder.
        parent: PathBuf,
    },
    /// The operating system refused.
    Io {
        /// What was to be done: `read` or `write`.
        action: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// The file has no bytes, or blanks only.
    Empty,
    /// The bytes are not UTF-8 text.
    NotUtf8 {
        /// The line of the first wrong byte.
        line: usize,
        /// That byte.
        byte: u8,
    },
    /// The bytes are not text at all, or UTF-16.
    NotText,
    /// The first line holds numbers only.
    NoHeader {
        /// Its first cell.
        cell: String,
    },
    /// No column has a name.
    NoNames,
    /// The header has one cell, with another separator in it.
    OtherSeparator {
        /// What separates cells in a file of this extension.
        expected: &'static str,
        /// What seems to separate them here.
        found: &'static str,
    },
    /// Two columns have one name.
    DuplicateColumn {
        /// The name.
        name: String,
        /// The position of the first, from one.
        first: usize,
        /// The position of the second.
        second: usize,
    },
    /// There are columns, but no row.
    NoRows,
    /// There are more rows than codes of labels.
    TooManyRows {
        /// The number of rows.
        rows: usize,
    },
    /// A row has more or fewer cells than the header.
    RaggedRow {
        /// The row.
        place: Place,
        /// Its number of cells.
        cells: usize,
        /// The number of cells of the header.
        columns: usize,
    },
    /// A quote is opened and never closed.
    UnclosedQuote {
        /// The row in which it is opened; the line is that of the quote.
        place: Place,
        /// The position of the cell in the row, from one.
        cell: usize,
    },
    /// A quote stands inside a cell that does not begin with one.
    QuoteInCell {
        /// The row.
        place: Place,
        /// The position of the cell in the row, from one.
        cell: usize,
    },
    /// Text follows the quote that closes a cell.
    TextAfterQuote {
        /// The row.
        place: Place,
        /// The position of the cell in the row, from one.
        cell: usize,
    },
    /// The content is not what the extension says.
    WrongContent {
        /// The format of the extension.
        expected: &'static str,
        /// What the file seems to hold, where that is known.
        found: Option<&'static str>,
    },
    /// The file does not end as its format does.
    CutOff {
        /// The format.
        expected: &'static str,
    },
    /// polars cannot read or write the file.
    Polars {
        /// What was to be done: `read` or `write`.
        action: &'static str,
        /// The format.
        format: &'static str,
        /// What polars says.
        message: String,
    },
    /// There is no column, or none that holds numbers or text.
    NoColumns,
    /// A column of the table to write has no name.
    UnnamedColumn {
        /// Its position, from one.
        position: usize,
    },
    /// The columns of the table to write differ in length.
    UnequalColumns {
        /// The name of the first column that differs from those before it.
        name: String,
        /// Its rows.
        rows: usize,
        /// The rows of the columns before it.
        expected: usize,
    },
    /// A code of the table to write has no label.
    UnknownCode {
        /// The column.
        name: String,
        /// The row, from one.
        row: usize,
    },
}

impl FrameError {
    pub(crate) fn at(path: &Path, problem: Problem) -> Self {
        Self { path: Some(path.to_owned()), problem }
    }
}

impl Problem {
    /// The problem that an error of the operating system is.
    pub(crate) fn io(action: &'static str, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound => Self::NotFound,
            io::ErrorKind::IsADirectory => Self::Folder,
            _ => Self::Io { action, source },
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::UnknownExtension { .. } => {
                let list: Vec<String> = extensions().iter().map(|e| format!("`.{e}`")).collect();
                return Some(format!("the extensions are {}", list.join(", ")));
            }
            Self::NoParent { parent } => {
                return Some(format!("make the folder first: mkdir -p '{}'", parent.display()));
            }
            Self::NotFound => "is the name right, and the folder from which the program runs?",
            Self::Folder => "name a file in it",
            Self::Empty | Self::NoRows => "a file needs columns with names, and rows",
            Self::NoHeader { .. } => {
                "the first line must name the columns; a name that is a number needs quotes"
            }
            Self::NotUtf8 { .. } | Self::NotText => {
                "save it as UTF-8 text: `CSV UTF-8` in a spreadsheet, \
                 `fileEncoding = \"UTF-8\"` in R"
            }
            Self::NoNames => "name the columns in the first line",
            Self::OtherSeparator { expected: "comma", .. } => {
                "separate by commas with decimal points, or name a file separated by tabs `.tsv`"
            }
            Self::OtherSeparator { .. } => "separate by tabs, or name a file with commas `.csv`",
            Self::DuplicateColumn { .. } => "give each column a name of its own",
            Self::RaggedRow { cells, columns, .. } if cells > columns => {
                "put a cell that holds a separator in quotes"
            }
            Self::RaggedRow { .. } => "leave a missing value's cell empty, but keep its separators",
            Self::UnclosedQuote { .. } | Self::QuoteInCell { .. } | Self::TextAfterQuote { .. } => {
                "write a cell with quotes as \"a \"\"quoted\"\" word\""
            }
            Self::WrongContent { found: Some(_), .. } => "rename it, or write it anew",
            Self::WrongContent { .. } | Self::CutOff { .. } => "copy it again, or write it anew",
            Self::NoColumns => "a column must hold numbers, text, or true and false",
            Self::Polars { action: "read", .. } => {
                "it may be damaged, or have two columns of one name: write it anew"
            }
            Self::TooManyRows { .. }
            | Self::Io { .. }
            | Self::Polars { .. }
            | Self::UnnamedColumn { .. }
            | Self::UnequalColumns { .. }
            | Self::UnknownCode { .. } => return None,
        };
        Some(hint.to_owned())
    }
}

impl Display for Place {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.row {
            0 => write!(f, "the header (line {})", self.line),
            row => write!(f, "row {row} (line {})", self.line),
        }
    }
}

impl Display for Problem {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownExtension { extension: None } => write!(f, "the name has no extension"),
            Self::UnknownExtension { extension: Some(e) } => {
                write!(f, "no format has the extension `.{e}`")
            }
            Self::NotFound => write!(f, "there is no such file"),
            Self::Folder => write!(f, "this is a folder, not a file"),
            Self::NoParent { parent } => {
                write!(f, "the folder `{}` does not exist", parent.display())
            }
            Self::Io { action, source } => write!(f, "cannot {action} the file: {source}"),
            Self::Empty => write!(f, "the file is empty"),
            Self::NotUtf8 { line, byte } => {
                write!(f, "line {line} is not UTF-8 text: it has the byte 0x{byte:02X}")
            }
            Self::NotText => write!(f, "the file is not UTF-8 text: it has zero bytes"),
            Self::NoHeader { cell } => {
                write!(f, "there is no header: the first line has only numbers, such as `{cell}`")
            }
            Self::NoNames => write!(f, "no column has a name"),
            Self::OtherSeparator { expected, found } => {
                write!(f, "the header has no {expected}, but it has a {found}")
            }
            Self::DuplicateColumn { name, first, second } => {
                write!(f, "columns {first} and {second} have the same name `{name}`")
            }
            Self::NoRows => write!(f, "the file has columns, but no rows"),
            Self::TooManyRows { rows } => write!(f, "{rows} rows are more than 2^32 - 1"),
            Self::RaggedRow { place, cells, columns } => {
                write!(f, "{place} has {}, the header has {columns}", count(*cells, "cell"))
            }
            Self::UnclosedQuote { place, cell } => {
                write!(f, "{place}, cell {cell}: the quote is never closed")
            }
            Self::QuoteInCell { place, cell } => {
                write!(f, "{place}, cell {cell}: a quote in a cell that does not begin with one")
            }
            Self::TextAfterQuote { place, cell } => {
                write!(f, "{place}, cell {cell}: text follows the closing quote")
            }
            Self::WrongContent { expected, found: None } => {
                write!(f, "the content is not {expected}")
            }
            Self::WrongContent { expected, found: Some(found) } => {
                write!(f, "the content is not {expected}, but {found}")
            }
            Self::CutOff { expected } => write!(f, "this is {expected} without its end"),
            Self::Polars { action, format, message } => {
                write!(f, "polars cannot {action} the {format} file: {message}")
            }
            Self::NoColumns => write!(f, "there are no columns that can be used"),
            Self::UnnamedColumn { position } => write!(f, "column {position} has no name"),
            Self::UnequalColumns { name, rows, expected } => {
                write!(f, "column `{name}` has {}, not {expected}", count(*rows, "row"))
            }
            Self::UnknownCode { name, row } => {
                write!(f, "column `{name}`, row {row}: the code has no label")
            }
        }
    }
}

impl Display for FrameError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.path {
            write!(f, "{}: ", path.display())?;
        }
        write!(f, "{}", self.problem)?;
        match self.problem.hint() {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for FrameError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.problem {
            Problem::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// `1 cell`, `2 cells`.
pub(crate) fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}
