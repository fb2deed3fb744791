//! The manuals of steps, estimators and kinds of inference: the text that opens their source files.

use crate::compile::{CATEGORIES, CORRELATED_DRAWS, REDUCTIONS};
use crate::exec::draw::DISTRIBUTIONS;
use crate::functions::FUNCTIONS;
use crate::{estimators, inference, steps};

/// The manual of a step, an estimator or a kind of inference, or of the functions of expressions.
pub fn manual(name: &str) -> Option<String> {
    if name == "functions" {
        return Some(functions());
    }
    let all = steps::MANUALS.iter().chain(estimators::MANUALS);
    let all = all.chain(inference::MANUALS).chain(LISTS);
    let (title, source) = all.into_iter().find(|(n, _)| n.eq_ignore_ascii_case(name))?;
    Some(format!("# {title}\n\n{}", opening(source)))
}

/// The manuals of what stands in lists beside the steps.
const LISTS: &[(&str, &str)] = &[
    ("Diagnosand", include_str!("declared/diagnosand.rs")),
    ("Expect", include_str!("declared/expect.rs")),
];

/// Everything that has a manual.
pub fn names() -> Vec<&'static str> {
    let all = steps::NAMES.iter().chain(estimators::NAMES).chain(inference::NAMES);
    let mut names: Vec<&str> = all.copied().collect();
    names.extend(LISTS.iter().map(|(name, _)| *name));
    names.push("functions");
    names
}

/// The text that opens a source file.
pub fn opening(source: &str) -> String {
    let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
    let text: Vec<&str> = lines.map(|l| l.strip_prefix(' ').unwrap_or(l)).collect();
    text.join("\n") + "\n"
}

/// The functions of the expression language, as a list.
fn functions() -> String {
    let mut text = String::from(
        "# Expressions\n\n\
         Operators: + - * / % ^, < <= > >= == !=, & |, !. Numbers that are not 0 count as true.\n\n\
         ## Functions of one unit\n\n",
    );
    for entry in FUNCTIONS {
        text += &format!("{:<16}{}\n", entry.name, entry.doc);
    }
    text +=
        "\n## Reductions: over all units, or with `by = level` one value a unit of the level\n\n";
    for (name, _, doc) in REDUCTIONS {
        text += &format!("{name:<16}{doc}\n");
    }
    text += "\n## Missing values\n\n\
         `NA` is a missing value: `if(responds, y, NA)`. What is computed from a missing value\n\
         is missing, reductions included; `mean(y, na_rm = true)` leaves missing values out. A\n\
         missing condition does not hold: `count`, `any`, `all` and `where` pass over it.\n\
         `is_missing(y)` tells. Models leave out rows with a missing value and report how many\n\
         they used. A number that is undefined by mistake, such as the logarithm of -1, makes the\n\
         fit fail instead.\n";
    text += "\n## Categories\n\n";
    for (name, usage, doc) in CATEGORIES {
        let usage = format!("{name}({usage})");
        text += &format!("{usage:<32}{doc}\n");
    }
    text += "\n## Random draws\n\n";
    for entry in DISTRIBUTIONS {
        let usage = format!("{}({})", entry.name, entry.parameters.join(", "));
        text += &format!("{usage:<32}{}\n", entry.doc);
    }
    for (name, parameters, doc) in CORRELATED_DRAWS {
        let usage = format!("{name}({}, by = level)", parameters.join(", "));
        text += &format!("{usage}\n{:<32}{doc}\n", "");
    }
    text += "\nCategories may have names: `categorical(north = 0.6, south = 0.4)`. They are\n\
         factors with treatment contrasts in formulas, and are compared in expressions:\n\
         `region == 'north'`.\n";
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_manual_with_an_example() {
        for name in names() {
            let text = manual(name).unwrap();
            assert!(text.len() > 200, "{name}");
            assert!(name == "functions" || text.contains("# Example\n```ron\n"), "{name}");
            assert!(name == "functions" || text.contains("# Fields\n"), "{name}");
        }
        assert!(manual("nonsense").is_none());
    }
}
