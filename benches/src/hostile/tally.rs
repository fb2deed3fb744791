//! What became of many fits.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use trialrun_stats::Failure;

/// What became of one data set.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Why there is no fit.
    pub failure: Option<Failure>,
    /// Whether a variance is zero.
    pub boundary: bool,
    /// Of coefficients, tests and limits of a fit: what could not be had, and why.
    pub lost: Vec<(&'static str, Failure)>,
    /// What must not be: a number that is none.
    pub broken: Option<String>,
    /// The model, in a word or two.
    pub model: String,
    /// A mark of all bits of all numbers that were checked.
    pub bits: u64,
}

impl Outcome {
    /// A data set without a fit.
    pub fn failed(failure: Failure) -> Self {
        Self { failure: Some(failure), ..Self::default() }
    }

    /// Notes what a fit gave; hands back the number.
    pub fn take<T>(&mut self, what: &'static str, found: Result<T, Failure>) -> Option<T> {
        found.map_err(|failure| self.lost.push((what, failure))).ok()
    }

    /// Notes a number that is none.
    pub fn check(&mut self, what: &str, is_good: bool, values: &[f64]) {
        for value in values {
            self.bits = self.bits.rotate_left(7).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            self.bits ^= value.to_bits();
        }
        if !is_good || !values.iter().all(|v| v.is_finite()) {
            self.broken.get_or_insert_with(|| format!("{what}: {values:?}"));
        }
    }
}

/// Counts by row and outcome.
type Table = BTreeMap<String, BTreeMap<&'static str, u64>>;

/// Counts of the data sets of one kind of model.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// By twist and outcome.
    by_twist: Table,
    /// By model and outcome.
    by_model: Table,
    /// By what was lost of a fit.
    lost: BTreeMap<(&'static str, &'static str), u64>,
    /// Data sets that broke a fit, and how.
    pub broken: Vec<(u64, String)>,
    /// The first data sets whose fit did not converge.
    stuck: Vec<String>,
    /// Data sets in all.
    n: u64,
    /// Seconds of the slowest fit, and which it was.
    slowest: (f64, String),
    seconds: f64,
}

/// Data sets that are named where there are many.
const NAMED_MAX: usize = 20;

impl Tally {
    /// Adds a data set.
    pub fn add(&mut self, number: u64, twist: &str, outcome: &Outcome, seconds: f64) {
        self.n += 1;
        self.seconds += seconds;
        let which = || format!("{number} {twist} {}", outcome.model);
        if seconds > self.slowest.0 {
            self.slowest = (seconds, which());
        }
        let name = match outcome.failure {
            Some(failure) => failure.name(),
            None if outcome.boundary => "boundary",
            None => "value",
        };
        for (table, row) in [(&mut self.by_twist, twist), (&mut self.by_model, &outcome.model)] {
            *table.entry(row.to_string()).or_default().entry(name).or_default() += 1;
        }
        for (what, failure) in &outcome.lost {
            *self.lost.entry((what, failure.name())).or_default() += 1;
        }
        let is_stuck = outcome.failure == Some(Failure::NotConverged)
            || outcome.lost.iter().any(|(_, failure)| *failure == Failure::NotConverged);
        if is_stuck && self.stuck.len() < NAMED_MAX {
            self.stuck.push(which());
        }
        if let Some(how) = &outcome.broken {
            self.broken.push((number, format!("{} {how}", which())));
        }
    }

    /// How many data sets ended in some way: `value`, `boundary`, or the name of a failure.
    pub fn count(&self, name: &str) -> u64 {
        self.by_twist.values().filter_map(|own| own.get(name)).sum()
    }

    /// The counts as tables, and what else there is to tell.
    pub fn text(&self, kind: &str) -> String {
        let mut text = format!("{kind}: {} data sets, {:.0} s\n\n", self.n, self.seconds);
        let mut names: Vec<&str> = vec!["value", "boundary"];
        for name in self.by_twist.values().flat_map(BTreeMap::keys) {
            if !names.contains(name) {
                names.push(name);
            }
        }
        names[2..].sort_unstable();
        for table in [&self.by_twist, &self.by_model] {
            write_table(&mut text, table, &names);
        }
        for ((what, failure), count) in &self.lost {
            let _ = writeln!(text, "of fits, {what} lost to {failure}: {count}");
        }
        let (seconds, which) = &self.slowest;
        let _ = writeln!(text, "slowest: {:.1} ms, data set {which}", 1e3 * seconds);
        let _ = writeln!(text, "not converged, among others: {}", self.stuck.join("; "));
        let _ = writeln!(text, "broken: {}", self.broken.len());
        for (_, how) in self.broken.iter().take(NAMED_MAX) {
            let _ = writeln!(text, "  data set {how}");
        }
        text
    }
}

fn write_table(text: &mut String, table: &Table, names: &[&str]) {
    let width = |name: &str| name.len().max(6) + 2;
    let first = table.keys().map(String::len).max().unwrap_or(0).max(18);
    let _ = write!(text, "{:<first$}", "");
    for name in names {
        let _ = write!(text, "{name:>w$}", w = width(name));
    }
    text.push('\n');
    for (row, own) in table {
        let _ = write!(text, "{row:<first$}");
        for name in names {
            let count = own.get(name).copied().unwrap_or(0);
            let _ = write!(text, "{count:>w$}", w = width(name));
        }
        text.push('\n');
    }
    let _ = write!(text, "{:<first$}", "all");
    for name in names {
        let count: u64 = table.values().filter_map(|own| own.get(name)).sum();
        let _ = write!(text, "{count:>w$}", w = width(name));
    }
    text.push_str("\n\n");
}
