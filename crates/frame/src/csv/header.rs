//! The names of the columns, from the first row.

use crate::csv::Separator;
use crate::csv::scan::Cell;
use crate::error::Problem;
use crate::{names, numbers};

/// The column names in the header's cells; `None` where a column has no name.
///
/// A header without any name, with numbers only, with one name twice, or with cells that another
/// separator separates is an error.
pub(crate) fn column_names(
    cells: &[Cell<'_>],
    separator: Separator,
) -> Result<Vec<Option<String>>, Problem> {
    if let [cell] = cells
        && !cell.quoted
        && let Some(found) = other_separator(&cell.text, separator)
    {
        return Err(Problem::OtherSeparator { expected: separator.name(), found });
    }
    if cells.iter().all(|c| c.text.is_empty()) {
        return Err(Problem::NoNames);
    }
    let is_number = |c: &Cell<'_>| !c.quoted && numbers::parse(&c.text).is_some();
    if let Some(first) = cells.first()
        && cells.iter().all(is_number)
    {
        return Err(Problem::NoHeader { cell: first.text.to_string() });
    }
    let named = |c: &Cell<'_>| (!c.text.is_empty()).then(|| c.text.to_string());
    let names: Vec<_> = cells.iter().map(named).collect();
    names::distinct(names.iter().map(Option::as_deref))?;
    Ok(names)
}

fn other_separator(text: &str, separator: Separator) -> Option<&'static str> {
    let others =
        [(',', Separator::Comma.name()), ('\t', Separator::Tab.name()), (';', "semicolon")];
    let found =
        others.into_iter().find(|&(c, _)| text.contains(c) && c as u32 != separator.byte().into());
    found.map(|(_, name)| name)
}
