//! A diagnosis as text, Markdown, JSON and CSV. One file a format; what they share is here.

mod csv;
mod json;
mod markdown;
mod text;

use trialrun_run::{About, Comparison, Diagnosis, Measure, RowDiagnosis};
use trialrun_stats::multiplicity::Correction;

use crate::number::{count, interval, shortest, significant, with_error};

pub use csv::csv;
pub use json::json;
pub use markdown::markdown;
pub use text::text;

/// The rows of one estimand, all families of tests, or the members of one.
struct Block<'a> {
    /// The estimand, the outcome and the term, as far as the rows share them.
    title: String,
    rows: Vec<&'a RowDiagnosis>,
}

/// The rows by estimand, in the order of their first appearance; those without one come last, and
/// then families.
fn blocks(diagnosis: &Diagnosis) -> Vec<Block<'_>> {
    let mut estimands: Vec<Option<&str>> = Vec::new();
    let own = || diagnosis.rows.iter().filter(|row| row.about == About::Estimator);
    for row in own() {
        if !estimands.contains(&row.estimand.as_deref()) {
            estimands.push(row.estimand.as_deref());
        }
    }
    estimands.sort_by_key(|estimand| estimand.is_none());
    let block = |estimand: Option<&str>| {
        let of_estimand = |row: &&RowDiagnosis| row.estimand.as_deref() == estimand;
        let rows: Vec<&RowDiagnosis> = own().filter(of_estimand).collect();
        let mut title =
            estimand.map_or("No estimand".to_string(), |name| format!("Estimand {name}"));
        for (what, value) in [("outcome", shared_outcome(&rows)), ("term", shared_term(&rows))] {
            title += &value.map_or(String::new(), |value| format!(", {what} {value}"));
        }
        Block { title, rows }
    };
    estimands.into_iter().map(block).chain(families(diagnosis)).collect()
}

/// The families beside one another, then the members of each.
fn families(diagnosis: &Diagnosis) -> Vec<Block<'_>> {
    let mut families = Block { title: "Families of tests".to_string(), rows: Vec::new() };
    let mut members: Vec<Block<'_>> = Vec::new();
    for row in &diagnosis.rows {
        match (row.about, members.last_mut()) {
            (About::Family(correction), _) => {
                families.rows.push(row);
                let title = format!("Members of {}, {}", row.estimator, in_words(correction));
                members.push(Block { title, rows: Vec::new() });
            }
            (About::Member, Some(block)) => block.rows.push(row),
            _ => {}
        }
    }
    let families = Some(families).filter(|block| !block.rows.is_empty());
    families.into_iter().chain(members).collect()
}

/// What is done to p-values.
pub(crate) fn in_words(correction: Correction) -> String {
    match correction {
        Correction::None => "p-values not corrected".to_string(),
        correction => format!("p-values corrected by {}", correction.name()),
    }
}

fn shared_outcome<'a>(rows: &[&'a RowDiagnosis]) -> Option<&'a str> {
    let first = rows.first()?;
    rows.iter().all(|row| row.outcome == first.outcome).then_some(first.outcome.as_str())
}

fn shared_term<'a>(rows: &[&'a RowDiagnosis]) -> Option<&'a str> {
    let first = rows.first()?;
    rows.iter().all(|row| row.term == first.term).then_some(first.term.as_str())
}

impl Block<'_> {
    /// What the rows do not share: a name, and a text for each row.
    fn details(&self) -> Vec<(&'static str, Vec<&str>)> {
        let correction = |row: &&RowDiagnosis| match row.about {
            About::Family(correction) => Some(correction.name()),
            _ => None,
        };
        let corrections: Vec<&str> = self.rows.iter().filter_map(correction).collect();
        if !corrections.is_empty() {
            return vec![("correction", corrections)];
        }
        if self.rows.iter().any(|row| row.about == About::Member) {
            return Vec::new();
        }
        let mut details = Vec::new();
        if shared_outcome(&self.rows).is_none() {
            details.push(("outcome", self.rows.iter().map(|row| row.outcome.as_str()).collect()));
        }
        if shared_term(&self.rows).is_none() {
            details.push(("term", self.rows.iter().map(|row| row.term.as_str()).collect()));
        }
        details
    }

    /// The diagnosands that say something of a row. Rates of failed fits and of fits on the
    /// boundary are left out where there are none.
    fn diagnosands(&self) -> Vec<&str> {
        let says = |name: &str| {
            let measures = self.rows.iter().filter_map(|row| row.measure(name));
            let is_rare = ["failures", "boundary", "incomplete"].contains(&name);
            let mut values = measures.filter_map(|measure| measure.value);
            values.any(|value| !is_rare || value > 0.0)
        };
        let all = self.rows.first().into_iter().flat_map(|row| &row.diagnosands);
        all.map(|found| found.name.as_str()).filter(|name| says(name)).collect()
    }
}

/// The estimator's label, with the term and the outcome where it has several for one estimand; a
/// family's label, a member's name.
fn label(diagnosis: &Diagnosis, row: &RowDiagnosis) -> String {
    match row.about {
        About::Estimator => {}
        About::Family(_) => return row.estimator.clone(),
        About::Member => return row.term.clone(),
    }
    let same = diagnosis
        .rows
        .iter()
        .filter(|other| (&other.estimator, &other.estimand) == (&row.estimator, &row.estimand));
    let differ = |of: fn(&RowDiagnosis) -> &str| same.clone().any(|other| of(other) != of(row));
    let mut words = Vec::new();
    if differ(|row| &row.term) {
        words.push(row.term.as_str());
    }
    if differ(|row| &row.outcome) {
        words.push(row.outcome.as_str());
    }
    if words.is_empty() {
        row.estimator.clone()
    } else {
        format!("{} ({})", row.estimator, words.join(", "))
    }
}

/// What was run, in a line.
fn scope(diagnosis: &Diagnosis) -> String {
    let done = count(diagnosis.sims);
    let sims = if diagnosis.interrupted {
        format!("interrupted after {done} of {} simulations", count(diagnosis.asked))
    } else {
        format!("{done} simulations")
    };
    format!("{sims}, seed {}, alpha {}", diagnosis.seed, shortest(diagnosis.alpha))
}

/// A value and what stands behind it: its error; its interval where the error is 0, or always if
/// `with_interval`; the number of simulations where it is neither of all nor of all estimates.
fn value_and_tail(row: &RowDiagnosis, measure: &Measure, with_interval: bool) -> (String, String) {
    let Some(value) = measure.value else {
        let tail = if measure.n > 0 { number_of_sims(row, measure) } else { String::new() };
        return ("-".to_string(), tail);
    };
    let (text, error) = match measure.mcse {
        Some(error) => with_error(value, error),
        None => (significant(value, 4), String::new()),
    };
    let is_exact = error.is_empty() || error == "0";
    let mut tail = Vec::new();
    if !is_exact || (measure.interval.is_none() && !error.is_empty()) {
        tail.push(format!("({error})"));
    }
    if let Some((low, high)) = measure.interval.filter(|_| is_exact || with_interval) {
        let (low, high) = interval(low, high);
        tail.push(format!("[{low}, {high}]"));
    }
    tail.push(number_of_sims(row, measure));
    tail.retain(|part| !part.is_empty());
    (text, tail.join(" "))
}

fn number_of_sims(row: &RowDiagnosis, measure: &Measure) -> String {
    let usual = [row.sims, row.sims - row.n_failed()];
    if usual.contains(&measure.n) { String::new() } else { format!("n={}", count(measure.n)) }
}

/// Failed fits with their reasons, fits on the boundary, and diagnosands that are not defined: a
/// sentence each.
fn troubles(diagnosis: &Diagnosis, row: &RowDiagnosis) -> Vec<String> {
    let (label, failed) = (label(diagnosis, row), row.n_failed());
    let mut sentences = Vec::new();
    if row.about != About::Estimator {
        // What befell members stands with their own rows.
        return sentences;
    }
    if failed > 0 {
        let reasons: Vec<String> = match row.failures.as_slice() {
            [(reason, _)] => vec![reason.explain().to_string()],
            several => {
                several.iter().map(|(r, n)| format!("{} ({})", r.explain(), count(*n))).collect()
            }
        };
        let (failed, sims) = (count(failed), count(row.sims));
        sentences.push(format!("{label}: {failed} of {sims} fits failed: {}", reasons.join("; ")));
    }
    if row.boundary > 0 {
        let (n, fits) = (count(row.boundary), count(row.sims - failed));
        sentences.push(format!("{label}: {n} of {fits} fits estimate a variance as exactly 0"));
    }
    for found in row.diagnosands.iter().filter(|found| found.measure.undefined > 0) {
        let Measure { n, undefined, .. } = found.measure;
        let (undefined, all) = (count(undefined), count(n + undefined));
        let why = format!("it is not a finite number in {undefined} of {all} simulations");
        sentences.push(format!("{label}: {} has no value: {why}", found.name));
    }
    sentences
}

/// How two rows differ, in words.
struct Words {
    /// Who is compared with whom.
    title: String,
    /// Differences that are not noise, the first row less the second: what "differ in" lists.
    clear: Vec<String>,
    /// Sentences about what can not be told from no difference, or is none: how each begins, and
    /// a list.
    quiet: Vec<(&'static str, Vec<String>)>,
}

/// Two estimators whose formulas agree differ by this much of the size of their numbers.
const ROUNDING: f64 = 1e-11;

/// The size of the numbers that a difference is taken of: 1 for rates, and for others the largest
/// of the two diagnosands and of the two typical errors.
fn scale(diagnosis: &Diagnosis, comparison: &Comparison, name: &str) -> f64 {
    let rows = [comparison.a, comparison.b].map(|row| &diagnosis.rows[row]);
    let of = |name: &str| rows.map(|row| row.measure(name).unwrap_or_default());
    if of(name)[0].interval.is_some() {
        return 1.0;
    }
    let values = of(name).into_iter().chain(of("rmse")).filter_map(|measure| measure.value);
    values.fold(0.0, |largest, value| value.abs().max(largest))
}

fn words(diagnosis: &Diagnosis, comparison: &Comparison) -> Words {
    let of = |row: usize| label(diagnosis, &diagnosis.rows[row]);
    let mut title = format!("{} and {}", of(comparison.a), of(comparison.b));
    let estimators = |c: &Comparison| [c.a, c.b].map(|row| &diagnosis.rows[row].estimator);
    let is_namesake = |c: &&Comparison| estimators(c) == estimators(comparison);
    let mut namesakes = diagnosis.comparisons.iter().filter(is_namesake);
    if namesakes.any(|c| c.estimand != comparison.estimand) {
        title += &format!(", {}", comparison.estimand);
    }
    let (mut clear, mut unclear, mut same) = (Vec::new(), Vec::new(), Vec::new());
    for difference in &comparison.differences {
        let (name, measure) = (difference.name.as_str(), &difference.measure);
        let Some(value) = measure.value else { continue };
        match measure.mcse {
            None => unclear.push(format!("{name} ({})", significant(value, 4))),
            Some(error) if value.abs() + error <= ROUNDING * scale(diagnosis, comparison, name) => {
                same.push(name.to_string());
            }
            Some(error) => {
                let noise = value.abs() < 2.0 * error;
                let (text, error) = with_error(value, error);
                if noise {
                    unclear.push(format!("{name} ({text} ± {error})"));
                } else {
                    clear.push(format!("{name} by {text} ± {error}"));
                }
            }
        }
    }
    let mut quiet = Vec::new();
    if !unclear.is_empty() {
        quiet.push(("no clear difference in ", unclear));
    }
    if !same.is_empty() {
        quiet.push(("no difference beyond rounding in ", same));
    }
    if clear.is_empty() && quiet.is_empty() {
        quiet.push(("no simulation in which both gave an estimate", Vec::new()));
    }
    Words { title, clear, quiet }
}

#[cfg(test)]
mod tests;
