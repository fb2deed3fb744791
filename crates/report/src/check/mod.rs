//! The result of a check, in the forms that people and CI systems read. One file a form.

mod annotations;
mod baseline;
mod json;
mod junit;
mod markdown;
mod text;

use trialrun_plan::{Expectation, Plan};
use trialrun_run::baseline::{Comparison, DriftTest};
use trialrun_run::check::{Checked, Ruling, Verdict};
use trialrun_run::diagnosands;

use crate::number::{count, shortest, with_error};
use crate::table::clean;

pub use annotations::annotations;
pub use baseline::{baseline_json, read_baseline};
pub use json::check_json;
pub use junit::junit;
pub use markdown::check_markdown;
pub use text::check_text;

/// A check of one or several designs.
#[derive(Clone)]
pub struct Check<'a> {
    /// The designs, in the order in which they were checked.
    pub cases: Vec<Case<'a>>,
    /// The error rate of all expectations together, and that of all tests for drift.
    pub error_rate: f64,
    /// Most simulations of a design.
    pub max_sims: u64,
    /// What was compared with a baseline, if there is one.
    pub baseline: Option<BaselineCheck>,
}

/// What a check compared with a baseline.
#[derive(Clone, Debug, Default)]
pub struct BaselineCheck {
    /// Designs that the baseline has and the check has not.
    pub gone: Vec<String>,
    /// Diagnosands among which the error rate is shared.
    pub n_diagnosands: usize,
}

/// A design that was checked.
#[derive(Clone)]
pub struct Case<'a> {
    /// The design's file, as the user named it.
    pub file: String,
    /// The design.
    pub plan: &'a Plan,
    /// Seed of the random numbers.
    pub seed: u64,
    /// Line and column of each expectation.
    pub places: Vec<(usize, usize)>,
    /// Line and column of each row of results: those of its estimator.
    pub row_places: Vec<(usize, usize)>,
    /// What was decided.
    pub checked: Checked,
    /// How it compares with its baseline; none where it has none.
    pub comparison: Option<Comparison>,
}

impl Check<'_> {
    /// The worst of all verdicts: not met before undecided before met. A drift and a run that is
    /// not reproduced count as not met.
    pub fn verdict(&self) -> Verdict {
        let verdicts = self.rulings().map(|(_, ruling)| ruling.verdict);
        let compared =
            self.cases.iter().filter_map(|case| case.comparison.as_ref()).map(verdict_of);
        let all: Vec<Verdict> = verdicts.chain(compared).collect();
        let worst = [Verdict::NotMet, Verdict::Undecided];
        worst.into_iter().find(|verdict| all.contains(verdict)).unwrap_or(Verdict::Met)
    }

    /// Every ruling with its case.
    fn rulings(&self) -> impl Iterator<Item = (&Case<'_>, &Ruling)> {
        self.cases.iter().flat_map(|case| case.checked.rulings.iter().map(move |r| (case, r)))
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.rulings().filter(|(_, ruling)| ruling.verdict == verdict).count()
    }

    /// How many expectations there are, and what became of them.
    fn summary(&self) -> String {
        let designs = plural(self.cases.len(), "design");
        let expectations = plural(self.rulings().count(), "expectation");
        let mut text = format!("{expectations} in {designs}");
        let verdicts = [Verdict::Met, Verdict::NotMet, Verdict::Undecided];
        let found = verdicts.map(|v| (self.count(v), v)).into_iter().filter(|(n, _)| *n > 0);
        let parts: Vec<String> = found.map(|(n, v)| format!("{n} {}", word(v))).collect();
        if !parts.is_empty() {
            text += &format!(": {}", parts.join(", "));
        }
        text
    }

    /// What the error rate means.
    fn promise(&self) -> String {
        let rate = one_in(self.error_rate);
        let sims = count(self.max_sims);
        format!(
            "At most {rate} such runs gives any wrong verdict (error rate {}, shared by all \
             expectations; up to {sims} simulations a design).",
            shortest(self.error_rate)
        )
    }
}

impl Case<'_> {
    /// The estimator of a row, with term, outcome and estimand where it has several; a family, or a
    /// member of one.
    fn estimator(&self, row: usize) -> String {
        self.plan.subjects().swap_remove(row).name
    }

    /// A drift in words.
    fn drift(&self, test: &DriftTest) -> String {
        let (before, now) = (shortest_of(test.before, test), shortest_of(test.now, test));
        let bounds = test.bounds.map_or(String::new(), |(low, high)| {
            format!(" (change between {} and {})", shortest_of(low, test), shortest_of(high, test))
        });
        format!(
            "{}: {} has drifted from {before} to {now}{bounds}, more than {}",
            clean(&self.estimator(test.row)),
            test.diagnosand,
            crate::number::significant(test.tolerance, 3)
        )
    }

    /// The expectation in words: estimator and diagnosand, and the other estimator if there is one.
    fn subject(&self, expectation: &Expectation) -> String {
        let name = diagnosands::name(self.plan, expectation.diagnosand);
        let own = self.estimator(expectation.row);
        match expectation.rival {
            Some(rival) => format!("{own}: {name} better than {}", self.estimator(rival)),
            None => format!("{own}: {name}"),
        }
    }

    /// A sentence on a ruling that is not met or undecided.
    fn complaint(&self, ruling: &Ruling) -> String {
        let (value, error) = value(ruling);
        let value = if error.is_empty() { value } else { format!("{value} ± {error}") };
        let what = match ruling.expectation.rival {
            Some(_) => "the lead is",
            None => "it is",
        };
        format!(
            "{} {}: {what} {value} after {} simulations, expected {}",
            self.subject(&ruling.expectation),
            if ruling.verdict == Verdict::NotMet { "is not met" } else { "is undecided" },
            count(ruling.sims),
            band(&ruling.expectation),
        )
    }

    /// The command that repeats the verdicts on this design: its share of the error rate is that of
    /// the whole check.
    pub fn command(&self, check: &Check<'_>) -> String {
        let all = check.rulings().count();
        let own = self.checked.rulings.len();
        let rate = check.error_rate / all as f64 * own as f64;
        let mut command = format!("trialrun check {}", quoted(&self.file));
        if own != all {
            command += &format!(" --error-rate {rate}");
        }
        if check.max_sims != MAX_SIMS {
            command += &format!(" --max-sims {}", check.max_sims);
        }
        command + &format!(" --seed {}", self.seed)
    }
}

/// Most simulations of a design unless the command line says otherwise.
pub const MAX_SIMS: u64 = 200_000;

/// A file's name as a shell takes it.
fn quoted(file: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '\\' | ':');
    if file.chars().all(plain) { file.to_string() } else { format!("'{file}'") }
}

/// The verdict that a comparison amounts to.
fn verdict_of(comparison: &Comparison) -> Verdict {
    match comparison {
        Comparison::Same => Verdict::Met,
        Comparison::NotReproduced(_) => Verdict::NotMet,
        Comparison::Interrupted => Verdict::Undecided,
        Comparison::Tested(drifted) => {
            let any = drifted.tests.iter().any(|test| test.has_drifted() == Some(true));
            if any { Verdict::NotMet } else { Verdict::Met }
        }
    }
}

/// A verdict in a word or two.
fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Met => "met",
        Verdict::NotMet => "not met",
        Verdict::Undecided => "undecided",
    }
}

/// A band in words.
fn band(expectation: &Expectation) -> String {
    let (low, high) = (expectation.low, expectation.high);
    match (low.is_finite(), high.is_finite()) {
        (true, true) => format!("{} to {}", shortest(low), shortest(high)),
        (true, false) => format!("at least {}", shortest(low)),
        (false, true) => format!("at most {}", shortest(high)),
        (false, false) => "any value".to_string(),
    }
}

/// A value and its Monte Carlo error.
fn value(ruling: &Ruling) -> (String, String) {
    match (ruling.value, ruling.mcse) {
        (Some(value), Some(error)) => with_error(value, error),
        (Some(value), None) => (shortest(value), String::new()),
        (None, _) => ("no value".to_string(), String::new()),
    }
}

/// "1 in 1,000", or the rate itself where it is no such share.
fn one_in(rate: f64) -> String {
    let runs = (1.0 / rate).round();
    if ((1.0 / rate) - runs).abs() < 1e-6 * runs && runs < 1e15 {
        format!("1 in {}", count(runs as u64))
    } else {
        format!("a share of {} of", shortest(rate))
    }
}

fn plural(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// A number with the digits that the Monte Carlo error of a change supports.
fn shortest_of(value: f64, test: &DriftTest) -> String {
    match test.mcse {
        Some(mcse) if mcse > 0.0 => with_error(value, mcse).0,
        _ => crate::number::significant(value, 6),
    }
}

/// For each diagnosand of the tests: its name and the largest of the smallest drifts that its tests
/// would have caught. The built-in ones come first, in their order.
fn catches(tests: &[DriftTest]) -> Vec<(&str, f64)> {
    let of = |name| {
        let own = tests.iter().filter(|test| test.diagnosand == name);
        let largest = own.filter_map(|test| test.catches).reduce(f64::max)?;
        Some((name, largest))
    };
    let mut names: Vec<&str> = diagnosands::NAMES.to_vec();
    for test in tests {
        if !names.contains(&test.diagnosand.as_str()) {
            names.push(&test.diagnosand);
        }
    }
    names.into_iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests;
