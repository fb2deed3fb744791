//! Column names, which must be distinct.

use std::collections::HashMap;

use crate::error::Problem;

/// Checks that no name stands twice.
pub(crate) fn distinct<'a>(names: impl Iterator<Item = Option<&'a str>>) -> Result<(), Problem> {
    let mut position_of = HashMap::new();
    for (i, name) in names.enumerate() {
        let Some(name) = name else { continue };
        if let Some(first) = position_of.insert(name, i + 1) {
            return Err(Problem::DuplicateColumn { name: name.to_owned(), first, second: i + 1 });
        }
    }
    Ok(())
}
