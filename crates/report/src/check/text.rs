//! A check for people: a line an expectation, then what became of the baseline.

use trialrun_run::baseline::{Comparison, Drifted};
use trialrun_run::check::Verdict;

use super::{Case, Check, band, catches, one_in, plural, value, word};
use crate::number::{count, significant};
use crate::table::{Align, Cell, Grid, Style, clean, wrap, wrap_list};

/// Columns of a line.
const WIDTH: usize = 100;

/// A check as aligned text.
pub fn check_text(check: &Check<'_>, colour: bool) -> String {
    let style = if colour { Style::Colour } else { Style::Plain };
    let mut text = String::new();
    if check.rulings().next().is_some() {
        text += &rulings(check).styled(style);
        text += "\n";
    }
    text += &format!("{}\n", style.strong(&check.summary()));
    if check.rulings().next().is_some() {
        text += &wrap(&check.promise(), "", 0, WIDTH);
    }
    text + &baseline(check, style)
}

/// A line for each expectation.
pub(super) fn rulings(check: &Check<'_>) -> Grid {
    let columns = [
        ("verdict", Align::Left),
        ("design", Align::Left),
        ("expectation", Align::Left),
        ("value", Align::Decimal),
        ("expected", Align::Left),
        ("simulations", Align::Right),
    ];
    let mut grid = Grid::new(columns.map(|(name, align)| (name.to_string(), align)));
    for (case, ruling) in check.rulings() {
        let (value, error) = value(ruling);
        let error = if error.is_empty() { error } else { format!("({error})") };
        let verdict = match ruling.verdict {
            Verdict::Met => Cell::good(word(ruling.verdict)),
            Verdict::NotMet | Verdict::Undecided => Cell::bad(word(ruling.verdict)),
        };
        grid.row([
            verdict,
            Cell::from(case.plan.name.as_str()),
            Cell::from(case.subject(&ruling.expectation)),
            if ruling.value.is_some() {
                Cell::with_tail(value, &error)
            } else {
                Cell::word(&value)
            },
            Cell::from(band(&ruling.expectation)),
            Cell::from(count(ruling.sims)),
        ]);
    }
    grid
}

fn baseline(check: &Check<'_>, style: Style) -> String {
    let Some(baseline) = &check.baseline else { return String::new() };
    let mut text = format!("\n{}\n", style.strong("Against the baseline"));
    let names = |wanted: fn(Option<&Comparison>) -> bool| -> Vec<String> {
        let cases = check.cases.iter().filter(|case| wanted(case.comparison.as_ref()));
        cases.map(|case| clean(&case.plan.name)).collect()
    };
    let groups = [
        ("the same to the last bit: ", names(|c| matches!(c, Some(Comparison::Same)))),
        ("new, without a baseline: ", names(|c| c.is_none())),
        ("gone, in the baseline only: ", baseline.gone.iter().map(|name| clean(name)).collect()),
        ("interrupted: ", names(|c| matches!(c, Some(Comparison::Interrupted)))),
    ];
    for (begin, items) in groups.iter().filter(|(_, items)| !items.is_empty()) {
        text += &wrap_list(items, &format!("  {begin}"), 4, WIDTH);
    }
    let mut n_tests = 0;
    for case in &check.cases {
        let name = clean(&case.plan.name);
        match &case.comparison {
            Some(Comparison::NotReproduced(differences)) => {
                let numbers = plural(differences.len(), "diagnosand");
                let sentence = format!(
                    "{name}: {}, other numbers in {numbers}, although design, seed, simulations \
                     and program version are those of the baseline",
                    style.bad("not reproduced")
                );
                text += &wrap(&sentence, "  ", 4, WIDTH);
            }
            Some(Comparison::Tested(drifted)) => {
                n_tests += drifted.tests.len();
                text += &tested(case, drifted, style);
            }
            _ => {}
        }
    }
    if n_tests > 0 {
        let promise = format!(
            "At most {} such runs reports any drift where there is none beyond its tolerance \
             (error rate shared by {}).",
            one_in(check.error_rate),
            plural(baseline.n_diagnosands, "diagnosand")
        );
        text += &wrap(&promise, "", 0, WIDTH);
    }
    text
}

/// What was tested on a design that is not what it was.
fn tested(case: &Case<'_>, drifted: &Drifted, style: Style) -> String {
    let name = clean(&case.plan.name);
    let mut text = wrap(&format!("{name}: {}", reason(drifted)), "  ", 4, WIDTH);
    for (what, rows) in [("gone", &drifted.gone), ("new", &drifted.new)] {
        for (estimator, term) in rows {
            let names: Vec<String> = [estimator, term]
                .into_iter()
                .filter(|name| !name.is_empty())
                .map(|name| clean(name))
                .collect();
            text += &format!("    {what}: {}\n", names.join(", "));
        }
    }
    let found = drifted.tests.iter().filter(|test| test.has_drifted() == Some(true));
    let mut n_drifted = 0;
    for test in found {
        n_drifted += 1;
        text += &wrap(&case.drift(test), &format!("    {} ", style.bad("drift")), 6, WIDTH);
    }
    let untold = drifted.tests.iter().filter(|test| test.has_drifted().is_none()).count();
    let told = drifted.tests.len() - untold;
    text += &format!("    {} tested, {n_drifted} drifted", plural(told, "diagnosand"));
    text += if untold > 0 { ", " } else { "\n" };
    if untold > 0 {
        text += &format!("{untold} not testable: a few large values make up their mean\n");
    }
    let caught = catches(&drifted.tests);
    let items: Vec<String> =
        caught.iter().map(|(name, drift)| format!("{name} {}", significant(*drift, 2))).collect();
    if !items.is_empty() {
        let lines = wrap_list(&items, "    smallest drift caught in 9 of 10 runs: ", 6, WIDTH);
        text += &lines.lines().map(|line| style.faint(line) + "\n").collect::<String>();
    }
    text
}

/// Why a design was tested.
pub(super) fn reason(drifted: &Drifted) -> String {
    let sims = count(drifted.sims);
    let cause = match (&drifted.version, drifted.design_changed) {
        (Some(version), true) => format!("changed, and the baseline is of version {version}"),
        (Some(version), false) => format!("the baseline is of version {version}"),
        (None, _) => "changed".to_string(),
    };
    format!("{cause}; tested for drift on {sims} new simulations, seed {}", drifted.seed)
}
