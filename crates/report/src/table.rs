//! Tables of text: columns that line up in a terminal, or Markdown.

use unicode_width::UnicodeWidthStr;

/// How the cells of a column line up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// At their left ends.
    Left,
    /// At their right ends.
    Right,
    /// At their decimal points.
    Decimal,
}

/// A cell: its text, and a tail of lesser weight such as an error in parentheses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    text: String,
    tail: String,
    /// Whether it stands at the left of a column that lines up at decimal points.
    is_word: bool,
    mark: Mark,
}

/// What a cell says at a glance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mark {
    #[default]
    None,
    Good,
    Bad,
}

impl Cell {
    /// A cell with a tail, which follows after a space.
    pub fn with_tail(text: impl Into<String>, tail: &str) -> Self {
        let text = clean(&text.into());
        let tail = if tail.is_empty() { String::new() } else { format!(" {}", clean(tail)) };
        Self { text, tail, ..Self::default() }
    }

    /// A cell with good news.
    pub fn good(text: &str) -> Self {
        Self { mark: Mark::Good, ..Self::from(text) }
    }

    /// A cell with bad news.
    pub fn bad(text: &str) -> Self {
        Self { mark: Mark::Bad, ..Self::from(text) }
    }

    /// A cell that is no number: it does not line up at a decimal point.
    pub fn word(text: &str) -> Self {
        Self { is_word: true, ..Self::from(text) }
    }

    fn width(&self) -> usize {
        self.text.width() + self.tail.width()
    }

    /// Width of what stands before the decimal point; none for a word.
    fn whole(&self) -> Option<usize> {
        if self.is_word {
            return None;
        }
        let whole = self.text.split(['.', 'e', ' ']).next().unwrap_or("");
        Some(whole.width())
    }

    /// Spaces before it in a column that lines up at decimal points.
    fn indent(&self, shape_whole: usize) -> usize {
        self.whole().map_or(0, |whole| shape_whole - whole)
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::with_tail(text, "")
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::with_tail(text, "")
    }
}

/// Rows of cells under headers.
#[derive(Clone, Debug, Default)]
pub struct Grid {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<Cell>>,
}

/// Spaces between columns.
const GAP: &str = "  ";

impl Grid {
    /// A table without rows. Headers may be empty; if all are, none is shown in text.
    pub fn new(columns: impl IntoIterator<Item = (String, Align)>) -> Self {
        let columns = columns.into_iter().map(|(header, align)| (clean(&header), align));
        Self { columns: columns.collect(), rows: Vec::new() }
    }

    /// Adds a row; cells that are not given are empty, and those beyond the columns are left out.
    pub fn row<C: Into<Cell>>(&mut self, cells: impl IntoIterator<Item = C>) {
        let mut row: Vec<Cell> = cells.into_iter().map(Into::into).collect();
        row.resize(self.columns.len(), Cell::default());
        self.rows.push(row);
    }

    /// Aligned text, a line a row.
    pub fn text(&self) -> String {
        self.styled(Style::Plain)
    }

    /// Aligned text with headers and tails in their style.
    pub fn styled(&self, style: Style) -> String {
        let shapes = self.shapes();
        let mut text = String::new();
        if self.columns.iter().any(|(header, _)| !header.is_empty()) {
            let cells = self.columns.iter().zip(&shapes).map(|((header, align), shape)| {
                let room = shape.width - header.width();
                let left = if *align == Align::Right { room } else { 0 };
                Padded { left, text: style.strong(header), right: room - left }
            });
            text += &line(cells);
        }
        for row in &self.rows {
            let cells = row.iter().zip(&self.columns).zip(&shapes);
            text += &line(cells.map(|((cell, (_, align)), shape)| {
                let room = shape.width - cell.width();
                let left = match align {
                    Align::Left => 0,
                    Align::Right => room,
                    Align::Decimal => cell.indent(shape.whole),
                };
                let text = match cell.mark {
                    Mark::None => cell.text.clone(),
                    Mark::Good => style.good(&cell.text),
                    Mark::Bad => style.bad(&cell.text),
                };
                let text = text + &style.faint(&cell.tail);
                Padded { left, text, right: room - left }
            }));
        }
        text
    }

    /// A GitHub table.
    pub fn markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let headers = self.columns.iter().map(|(header, _)| escape(header));
        let mut text = line(headers.collect());
        let rule = |align: &Align| if *align == Align::Left { ":--" } else { "--:" };
        text += &line(self.columns.iter().map(|(_, align)| rule(align).to_string()).collect());
        for row in &self.rows {
            let cells = row.iter().map(|cell| escape(&format!("{}{}", cell.text, cell.tail)));
            text += &line(cells.collect());
        }
        text
    }

    /// Columns of a terminal that the text takes.
    pub fn width(&self) -> usize {
        let widths: Vec<usize> = self.shapes().iter().map(|shape| shape.width).collect();
        widths.iter().sum::<usize>() + GAP.len() * widths.len().saturating_sub(1)
    }

    fn shapes(&self) -> Vec<Shape> {
        let of_column = |(i, (header, align)): (usize, &(String, Align))| {
            let cells = || self.rows.iter().map(|row| &row[i]);
            let whole = cells().filter_map(Cell::whole).max().unwrap_or(0);
            let width = |cell: &Cell| match align {
                Align::Decimal => cell.indent(whole) + cell.width(),
                Align::Left | Align::Right => cell.width(),
            };
            let width = cells().map(width).max().unwrap_or(0).max(header.width());
            Shape { width, whole }
        };
        self.columns.iter().enumerate().map(of_column).collect()
    }
}

/// The measures of a column.
struct Shape {
    width: usize,
    /// Width before the decimal point.
    whole: usize,
}

/// A text with spaces at its sides.
struct Padded {
    left: usize,
    text: String,
    right: usize,
}

/// One line, without spaces at its end.
fn line(cells: impl Iterator<Item = Padded>) -> String {
    let mut text = String::new();
    let mut spaces = 0;
    for (i, cell) in cells.enumerate() {
        spaces += cell.left + if i > 0 { GAP.len() } else { 0 };
        if !cell.text.is_empty() {
            text += &" ".repeat(spaces);
            text += &cell.text;
            spaces = 0;
        }
        spaces += cell.right;
    }
    text + "\n"
}

/// How text is marked on a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Not at all.
    Plain,
    /// Bold headings, dim details.
    Colour,
}

impl Style {
    /// Text that stands out.
    pub fn strong(self, text: &str) -> String {
        self.mark("\x1b[1m", text)
    }

    /// Text that stands back.
    pub fn faint(self, text: &str) -> String {
        self.mark("\x1b[2m", text)
    }

    /// Good news: green.
    pub fn good(self, text: &str) -> String {
        self.mark("\x1b[32m", text)
    }

    /// Bad news: bold and red.
    pub fn bad(self, text: &str) -> String {
        self.mark("\x1b[1;31m", text)
    }

    fn mark(self, code: &str, text: &str) -> String {
        if self == Self::Plain || text.is_empty() {
            return text.to_string();
        }
        format!("{code}{text}\x1b[0m")
    }
}

/// Text without line breaks and other control characters, which would break a table or reach the
/// terminal.
pub fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Text that Markdown shows as it is.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '<' => escaped += "&lt;",
            '&' => escaped += "&amp;",
            '\\' | '|' | '*' | '`' => escaped.extend(['\\', c]),
            _ => escaped.push(c),
        }
    }
    escaped
}

/// Breaks a sentence into lines of at most `width` columns where words allow; `first` opens the
/// first line, and the others are indented.
pub fn wrap(text: &str, first: &str, indent: usize, width: usize) -> String {
    fill(text.split_whitespace(), first, indent, width)
}

/// As [`wrap`], of a list; lines break between its items.
pub fn wrap_list(items: &[String], first: &str, indent: usize, width: usize) -> String {
    let last = items.len().saturating_sub(1);
    let with_comma =
        |(i, item): (usize, &String)| format!("{item}{}", if i < last { "," } else { "" });
    let items: Vec<String> = items.iter().enumerate().map(with_comma).collect();
    fill(items.iter().map(String::as_str), first, indent, width)
}

fn fill<'a>(
    words: impl Iterator<Item = &'a str>,
    first: &str,
    indent: usize,
    width: usize,
) -> String {
    let mut out = String::new();
    let mut line = first.to_string();
    let mut is_begun = false;
    for word in words {
        if is_begun && line.width() + 1 + word.width() > width {
            out += line.trim_end();
            out.push('\n');
            line = " ".repeat(indent);
            is_begun = false;
        }
        if is_begun {
            line.push(' ');
        }
        line += word;
        is_begun = true;
    }
    out + line.trim_end() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Grid {
        let columns = [("name", Align::Left), ("n", Align::Right), ("value", Align::Decimal)];
        let mut grid = Grid::new(columns.map(|(name, align)| (name.to_string(), align)));
        grid.row([Cell::from("a | b"), Cell::from("5"), Cell::with_tail("-0.25", "(0.01)")]);
        grid.row([Cell::from("名前"), Cell::from("1,000"), Cell::with_tail("12", "n=3")]);
        grid.row(["<x>\n\x1b[31m"]);
        grid.row(["y".to_string(), String::new(), "1e-9".to_string()]);
        grid.row([Cell::from("z"), Cell::default(), Cell::word("a word")]);
        grid
    }

    #[test]
    fn columns_line_up() {
        let expected = "\
name           n  value
a | b          5  -0.25 (0.01)
名前       1,000  12 n=3
<x>  [31m
y                  1e-9
z                 a word
";
        assert_eq!(grid().text(), expected);
        assert_eq!(grid().width(), expected.lines().map(|l| l.width()).max().unwrap());
    }

    #[test]
    fn styles_do_not_move_columns() {
        let styled = grid().styled(Style::Colour);
        assert!(styled.contains("-0.25\x1b[2m (0.01)\x1b[0m"), "{styled:?}");
        assert!(styled.starts_with("\x1b[1mname\x1b[0m  "), "{styled:?}");
        let mut plain = styled;
        for code in ["\x1b[1m", "\x1b[2m", "\x1b[0m"] {
            plain = plain.replace(code, "");
        }
        assert_eq!(plain, grid().text());
    }

    #[test]
    fn markdown_shows_text_as_it_is() {
        let expected = "\
| name | n | value |
| :-- | --: | --: |
| a \\| b | 5 | -0.25 (0.01) |
| 名前 | 1,000 | 12 n=3 |
| &lt;x>  [31m |  |  |
| y |  | 1e-9 |
| z |  | a word |
";
        assert_eq!(grid().markdown(), expected);
    }

    #[test]
    fn a_grid_without_headers_or_rows() {
        let mut grid = Grid::new([(String::new(), Align::Left), (String::new(), Align::Right)]);
        assert_eq!((grid.text(), grid.width()), (String::new(), 2));
        grid.row(["a", "b", "more"]);
        assert_eq!(grid.text(), "a  b\n");
    }

    #[test]
    fn sentences_break_between_words() {
        let text = wrap("one two three seventeen", "- ", 2, 10);
        assert_eq!(text, "- one two\n  three\n  seventeen\n");
        assert_eq!(wrap("", "- ", 2, 10), "-\n");
        let items = ["one two".to_string(), "three four".to_string()];
        assert_eq!(wrap_list(&items, "- ", 2, 15), "- one two,\n  three four\n");
    }
}
