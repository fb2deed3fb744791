//! Finds out what a column of text cells holds, from all of its cells.

use crate::csv::is_missing;
use crate::csv::scan::Cell;
use crate::error::{Place, count};
use crate::numbers;

/// What a column is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Numbers, as doubles.
    Number,
    /// Whole numbers, some with more digits than a double holds.
    Integer,
    /// `true` and `false`, as 1 and 0.
    Boolean,
    /// Text in categories.
    Text,
}

/// Cells of one sort: how many, and the first of them.
#[derive(Clone, Debug, Default)]
struct Seen {
    cells: usize,
    first: Option<(Place, String)>,
}

impl Seen {
    fn add(&mut self, place: Place, text: &str) {
        self.cells += 1;
        if self.first.is_none() {
            self.first = Some((place, text.to_owned()));
        }
    }

    /// `row 3 (line 4) has `x``, where there is such a cell.
    fn example(&self) -> Option<String> {
        self.first.as_ref().map(|(place, text)| format!("{place} has `{}`", shorten(text)))
    }
}

/// What was seen in the cells of a column.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guess {
    numbers: Seen,
    booleans: Seen,
    texts: Seen,
    // Missing values in quotes: in a column of text they are labels.
    quoted_missing: Seen,
    // Whole numbers that a double does not hold with every digit.
    inexact: Seen,
    // Whether all of the numbers are whole and fit in an `i64`.
    is_not_i64: bool,
}

impl Guess {
    /// Takes a cell into account.
    pub(crate) fn add(&mut self, place: Place, cell: &Cell<'_>) {
        let text = &*cell.text;
        if is_missing(text) {
            if cell.quoted {
                self.quoted_missing.add(place, text);
            }
        } else if boolean(text).is_some() {
            self.booleans.add(place, text);
        } else if numbers::parse(text.trim_ascii()).is_some() {
            self.numbers.add(place, text);
            let whole = numbers::parse_whole(text.trim_ascii());
            self.is_not_i64 |= whole.is_none_or(|w| i64::try_from(w).is_err());
            if whole.is_some_and(|w| !numbers::is_exact(w)) {
                self.inexact.add(place, text);
            }
        } else {
            self.texts.add(place, text);
        }
    }

    /// What the column is read as.
    pub(crate) fn kind(&self) -> Kind {
        match (self.numbers.cells, self.booleans.cells, self.texts.cells) {
            (_, 0, 0) if self.inexact.cells > 0 && !self.is_not_i64 => Kind::Integer,
            (_, 0, 0) => Kind::Number,
            (0, _, 0) => Kind::Boolean,
            (_, _, _) => Kind::Text,
        }
    }

    /// What the user should know about how the column is read.
    pub(crate) fn notes(&self, name: &str) -> Vec<String> {
        match self.kind() {
            Kind::Text => self.text_notes(name),
            Kind::Number if self.numbers.cells == 0 => {
                vec![format!("column `{name}` has no values")]
            }
            Kind::Number => {
                let lost = |example| {
                    format!("column `{name}` loses digits: {example}, more than a number holds")
                };
                self.inexact.example().map(lost).into_iter().collect()
            }
            Kind::Integer | Kind::Boolean => Vec::new(),
        }
    }

    fn text_notes(&self, name: &str) -> Vec<String> {
        let mut notes = Vec::new();
        let all = self.numbers.cells + self.booleans.cells + self.texts.cells;
        let (typed, sort, other) = if self.numbers.cells >= self.booleans.cells {
            (&self.numbers, "numbers", &self.booleans)
        } else {
            (&self.booleans, "true or false", &self.numbers)
        };
        // Where most cells are labels, a number among them is a label too.
        if 2 * typed.cells >= all {
            let odd = [&self.texts, other].into_iter().find_map(Seen::example).unwrap_or_default();
            let of = count(all, "cell");
            notes.push(format!(
                "column `{name}` is read as text, though {} of {of} are {sort}: {odd} \
                 (a missing value is an empty cell or NA)",
                typed.cells
            ));
        }
        if let Some(example) = self.quoted_missing.example() {
            let n = count(self.quoted_missing.cells, "cell");
            notes.push(format!(
                "column `{name}` has {n} such as {example} in quotes, read as text \
                 (a missing value has no quotes)"
            ));
        }
        notes
    }
}

/// The number for a cell that says true or false, as R, pandas and JSON write it.
pub(crate) fn boolean(text: &str) -> Option<f64> {
    match text {
        "true" | "TRUE" | "True" => Some(1.0),
        "false" | "FALSE" | "False" => Some(0.0),
        _ => None,
    }
}

/// The text itself, or its first 30 characters.
fn shorten(text: &str) -> String {
    match text.char_indices().nth(30) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
