//! A check as workflow commands of GitHub Actions: they mark the lines of the design files.
//!
//! GitHub shows ten errors and ten warnings of a step; the step summary has all.

use trialrun_run::baseline::Comparison;
use trialrun_run::check::Verdict;

use super::Check;

/// One line for each expectation that is not met or undecided, and for each drift.
pub fn annotations(check: &Check<'_>) -> String {
    let mut out = String::new();
    for case in &check.cases {
        let place = |at: (usize, usize)| {
            let file = property(&case.file);
            format!("file={file},line={},col={}", at.0, at.1)
        };
        for (ruling, at) in case.checked.rulings.iter().zip(&case.places) {
            let kind = match ruling.verdict {
                Verdict::Met => continue,
                Verdict::NotMet => "error",
                Verdict::Undecided => "warning",
            };
            let title = property(&case.plan.name);
            let message = format!("{}\n{}", case.complaint(ruling), case.command(check));
            out += &format!("::{kind} {},title={title}::{}\n", place(*at), data(&message));
        }
        match &case.comparison {
            Some(Comparison::NotReproduced(_)) => {
                let message = "the numbers are not those of the baseline, although nothing that \
                               determines them is another";
                let title = property(&case.plan.name);
                out += &format!("::error {},title={title}::{message}\n", place((1, 1)));
            }
            Some(Comparison::Tested(drifted)) => {
                for test in drifted.tests.iter().filter(|t| t.has_drifted() == Some(true)) {
                    let at = case.row_places.get(test.row).copied().unwrap_or((1, 1));
                    let title = property(&case.plan.name);
                    let message = data(&case.drift(test));
                    out += &format!("::error {},title={title}::{message}\n", place(at));
                }
            }
            _ => {}
        }
    }
    out
}

/// A message as a workflow command holds it.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property as a workflow command holds it.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
