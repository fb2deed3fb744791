//! A check for documents and for the summary of a CI job: what is wrong comes first.

use trialrun_run::baseline::Comparison;
use trialrun_run::check::Verdict;

use super::{Check, band, catches, plural, text, value, word};
use crate::number::{count, significant};
use crate::table::{Align, Cell, Grid, escape};

/// A check as Markdown.
pub fn check_markdown(check: &Check<'_>) -> String {
    let mut out = format!("# {}\n\n", escape(&check.summary()));
    if check.rulings().next().is_some() {
        out += &rulings(check).markdown();
        out += &format!("\n{}\n", escape(&check.promise()));
    }
    let Some(baseline) = &check.baseline else { return out };
    out += "\n## Against the baseline\n\n";
    for case in &check.cases {
        let name = escape(&case.plan.name);
        out += &match &case.comparison {
            None => format!("- {name}: new, without a baseline\n"),
            Some(Comparison::Same) => format!("- {name}: the same to the last bit\n"),
            Some(Comparison::Interrupted) => format!("- {name}: interrupted\n"),
            Some(Comparison::NotReproduced(differences)) => format!(
                "- {name}: **not reproduced**, {} with other numbers\n",
                plural(differences.len(), "diagnosand")
            ),
            Some(Comparison::Tested(drifted)) => {
                let mut item = format!("- {name}: {}\n", escape(&text::reason(drifted)));
                for test in drifted.tests.iter().filter(|t| t.has_drifted() == Some(true)) {
                    item += &format!("  - **drift** {}\n", escape(&case.drift(test)));
                }
                let caught = catches(&drifted.tests);
                let caught: Vec<String> =
                    caught.iter().map(|(d, by)| format!("{d} {}", significant(*by, 2))).collect();
                item +=
                    &format!("  - smallest drift caught in 9 of 10 runs: {}\n", caught.join(", "));
                item
            }
        };
    }
    for name in &baseline.gone {
        out += &format!("- {}: gone, in the baseline only\n", escape(name));
    }
    out
}

fn rulings(check: &Check<'_>) -> Grid {
    let columns = ["verdict", "design", "expectation", "value", "expected", "simulations"];
    let align = |name: &str| match name {
        "value" | "simulations" => Align::Right,
        _ => Align::Left,
    };
    let mut grid = Grid::new(columns.map(|name| (name.to_string(), align(name))));
    for wanted in [Verdict::NotMet, Verdict::Undecided, Verdict::Met] {
        for (case, ruling) in check.rulings().filter(|(_, r)| r.verdict == wanted) {
            let (value, error) = value(ruling);
            let error = if error.is_empty() { error } else { format!("({error})") };
            grid.row([
                Cell::from(word(wanted)),
                Cell::from(case.plan.name.as_str()),
                Cell::from(case.subject(&ruling.expectation)),
                Cell::with_tail(value, &error),
                Cell::from(band(&ruling.expectation)),
                Cell::from(count(ruling.sims)),
            ]);
        }
    }
    grid
}
