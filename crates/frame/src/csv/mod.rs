//! Comma- and tab-separated text, by the rules of RFC 4180.
//!
//! A file is scanned twice: the first pass finds what each column holds, from all of its cells,
//! and the second fills the columns. Between them nothing is kept for each cell.

mod columns;
mod guess;
mod header;
mod scan;
mod text;
mod write;

pub(crate) use columns::table_from;
pub(crate) use text::is_text;
pub use write::csv_string;
pub(crate) use write::write_table;

/// What separates the cells of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Separator {
    /// `,`
    Comma,
    /// A tab.
    Tab,
}

impl Separator {
    /// The separator's byte.
    pub(crate) fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Tab => b'\t',
        }
    }

    /// The separator's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Comma => "comma",
            Self::Tab => "tab",
        }
    }
}

/// Whether an unquoted cell with this text is a missing value.
pub(crate) fn is_missing(text: &str) -> bool {
    matches!(text, "" | "NA" | "NaN")
}
