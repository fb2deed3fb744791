//! Splits text into rows and cells, and finds quotes and rows that are wrong.
//!
//! A cell that begins with a quote ends with one, may hold separators and line ends, and has each
//! quote inside doubled (RFC 4180, section 2). Blanks around a cell are dropped, those in quotes
//! are kept. Lines end with LF, CR LF or CR.

use std::borrow::Cow;

use crate::csv::Separator;
use crate::error::{Place, Problem};

/// One cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cell<'a> {
    /// Its text, without the quotes around it.
    pub text: Cow<'a, str>,
    /// Whether there were quotes around it.
    pub quoted: bool,
}

/// The rows of a text, the header first.
#[derive(Clone, Debug)]
pub(crate) struct Rows<'a> {
    text: &'a str,
    separator: u8,
    position: usize,
    line: usize,
    row: usize,
    // The number of cells of the header, `None` until it is read.
    columns: Option<usize>,
}

impl<'a> Rows<'a> {
    /// The rows of `text`; blank lines at its end do not count.
    pub(crate) fn new(text: &'a str, separator: Separator) -> Self {
        let text = text.trim_end_matches(['\n', '\r']);
        Self { text, separator: separator.byte(), position: 0, line: 1, row: 0, columns: None }
    }

    /// Reads the next row into `cells`; `None` at the end.
    ///
    /// The first row read is the header; every later one must have as many cells. A blank line is
    /// no row, unless there is one column: there it is a missing value.
    pub(crate) fn next_into(
        &mut self,
        cells: &mut Vec<Cell<'a>>,
    ) -> Result<Option<Place>, Problem> {
        loop {
            if self.position >= self.text.len() {
                return Ok(None);
            }
            let place = Place { row: self.row, line: self.line };
            cells.clear();
            while self.next_cell(place, cells)? {}
            let is_blank = matches!(&cells[..], [c] if !c.quoted && c.text.is_empty());
            if is_blank && self.columns != Some(1) {
                continue;
            }
            let columns = *self.columns.get_or_insert(cells.len());
            if cells.len() != columns {
                return Err(Problem::RaggedRow { place, cells: cells.len(), columns });
            }
            self.row += 1;
            return Ok(Some(place));
        }
    }

    /// Reads one cell and what ends it; `false` where that is the end of the row.
    fn next_cell(&mut self, place: Place, cells: &mut Vec<Cell<'a>>) -> Result<bool, Problem> {
        let bytes = self.text.as_bytes();
        let mut start = self.position;
        while bytes.get(start).is_some_and(|&b| self.is_blank(b)) {
            start += 1;
        }
        let number = cells.len() + 1;
        let end = if bytes.get(start) == Some(&b'"') {
            let (text, after) = self.quoted(start + 1, place, number)?;
            let end = self.end_of_cell(after);
            if !bytes[after..end].iter().all(|&b| self.is_blank(b)) {
                return Err(Problem::TextAfterQuote { place, cell: number });
            }
            cells.push(Cell { text, quoted: true });
            end
        } else {
            let end = self.end_of_cell(start);
            let text = &self.text[start..end];
            if text.contains('"') {
                return Err(Problem::QuoteInCell { place, cell: number });
            }
            let text = Cow::Borrowed(text.trim_ascii_end());
            cells.push(Cell { text, quoted: false });
            end
        };
        Ok(self.step_over(end))
    }

    fn is_blank(&self, byte: u8) -> bool {
        byte == b' ' || (byte == b'\t' && self.separator != b'\t')
    }

    /// Where the cell ends that reaches beyond `from` without quotes.
    fn end_of_cell(&self, from: usize) -> usize {
        let is_end = |&b: &u8| b == self.separator || b == b'\n' || b == b'\r';
        let rest = &self.text.as_bytes()[from..];
        from + rest.iter().position(is_end).unwrap_or(rest.len())
    }

    /// The text from `start`, just after the opening quote, and the position after the closing one.
    fn quoted(
        &mut self,
        start: usize,
        place: Place,
        cell: usize,
    ) -> Result<(Cow<'a, str>, usize), Problem> {
        let bytes = self.text.as_bytes();
        let opened = self.line;
        let mut doubled = false;
        let mut at = start;
        loop {
            match bytes.get(at) {
                None => {
                    let place = Place { line: opened, ..place };
                    return Err(Problem::UnclosedQuote { place, cell });
                }
                Some(b'"') if bytes.get(at + 1) == Some(&b'"') => {
                    doubled = true;
                    at += 1;
                }
                Some(b'"') => break,
                Some(b'\n') => self.line += 1,
                Some(b'\r') if bytes.get(at + 1) != Some(&b'\n') => self.line += 1,
                Some(_) => {}
            }
            at += 1;
        }
        let inside = &self.text[start..at];
        let text = if doubled { inside.replace("\"\"", "\"").into() } else { inside.into() };
        Ok((text, at + 1))
    }

    /// Moves behind the separator or line end at `end`; `false` where the row ends.
    fn step_over(&mut self, end: usize) -> bool {
        let bytes = self.text.as_bytes();
        let is_separator = bytes.get(end) == Some(&self.separator);
        let is_crlf = bytes[end..].starts_with(b"\r\n");
        self.position = end + if is_crlf { 2 } else { 1 };
        self.line += usize::from(!is_separator);
        is_separator
    }
}
