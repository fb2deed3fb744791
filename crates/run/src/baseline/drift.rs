//! Compares a design with its baseline.

use trialrun_plan::Plan;

use super::{Difference, Record, RecordRow, Recorded};
use crate::check::Evidence;
use crate::diagnosands::{self, Drift};
use crate::runner::{Settings, Stopped, Watch};

/// What became of a design since its baseline.
#[derive(Clone, Debug, PartialEq)]
pub enum Comparison {
    /// The same numbers to the last bit.
    Same,
    /// Other numbers, although nothing that determines them is another.
    NotReproduced(Vec<Difference>),
    /// Other numbers, since the design or the program is another.
    Tested(Drifted),
    /// It was interrupted before it was compared.
    Interrupted,
}

/// The tests of a design that is not what it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Drifted {
    /// Whether the design is another.
    pub design_changed: bool,
    /// The program's version of the baseline, where it is another.
    pub version: Option<String>,
    /// Seed of the new simulations.
    pub seed: u64,
    /// New simulations.
    pub sims: u64,
    /// One for each diagnosand that both have.
    pub tests: Vec<DriftTest>,
    /// Estimators and terms that the baseline has and the design has no more.
    pub gone: Vec<(String, String)>,
    /// Estimators and terms that the baseline does not have.
    pub new: Vec<(String, String)>,
}

/// A diagnosand, tested for drift.
#[derive(Clone, Debug, PartialEq)]
pub struct DriftTest {
    /// The row of the design.
    pub row: usize,
    /// The estimator's label.
    pub estimator: String,
    /// The term.
    pub term: String,
    /// The diagnosand's name.
    pub diagnosand: String,
    /// Its value in the baseline.
    pub before: f64,
    /// Its value now.
    pub now: f64,
    /// Monte Carlo error of the change.
    pub mcse: Option<f64>,
    /// How far it may drift.
    pub tolerance: f64,
    /// Bounds on the change; none where the simulations do not suffice.
    pub bounds: Option<(f64, f64)>,
    /// The smallest drift that the test would have caught in nine runs of ten.
    pub catches: Option<f64>,
}

impl DriftTest {
    /// Whether it has drifted; none where that can not be told.
    pub fn has_drifted(&self) -> Option<bool> {
        self.bounds.map(|(low, high)| low > self.tolerance || high < -self.tolerance)
    }
}

/// The quantile 0.9 of the normal distribution.
const NINE_IN_TEN: f64 = 1.2815515655446004;

/// Compares a design with its baseline. `error` is the probability with which one test may find a
/// drift where there is none beyond the tolerance.
///
/// # Errors
/// If a simulation can not be done.
pub fn compare(
    plan: &Plan,
    baseline: &Record,
    error: f64,
    (threads, watch): (Option<usize>, &dyn Watch),
) -> Result<Comparison, Stopped> {
    let run = |seed: u64| {
        let settings = Settings { seed, sims: baseline.sims, threads, ..Settings::default() };
        Record::run(plan, &settings, watch)
    };
    let Some(again) = run(baseline.seed)? else { return Ok(Comparison::Interrupted) };
    let mut differences = baseline.differences(&again);
    let (gone, new) = (missing(baseline, &again), missing(&again, baseline));
    if differences.is_empty() && gone.is_empty() && new.is_empty() {
        return Ok(Comparison::Same);
    }
    if again.has_the_causes_of(baseline) {
        let rows = new.into_iter();
        differences.extend(rows.map(|(estimator, term)| Difference {
            estimator,
            term,
            diagnosand: "all".to_string(),
        }));
        return Ok(Comparison::NotReproduced(differences));
    }
    let seed = fresh_seed(baseline.seed);
    let Some(now) = run(seed)? else { return Ok(Comparison::Interrupted) };
    let mut tests = Vec::new();
    for (row, after) in now.rows.iter().enumerate() {
        let Some(before) = baseline.row(&after.estimator, &after.term) else { continue };
        let both = before.diagnosands.iter().filter_map(|old| {
            let new = after.diagnosands.iter().find(|d| d.name == old.name)?;
            let tolerance = tolerance(plan, before, old)?;
            Some(test(row, after, (old, new), tolerance, error))
        });
        tests.extend(both);
    }
    Ok(Comparison::Tested(Drifted {
        design_changed: again.fingerprint != baseline.fingerprint,
        version: (again.version != baseline.version).then(|| baseline.version.clone()),
        seed,
        sims: now.sims,
        tests,
        gone,
        new,
    }))
}

/// A seed for simulations that are independent of those with another seed. Any other seed is one:
/// the state of every generator is a hash of it.
fn fresh_seed(seed: u64) -> u64 {
    seed.wrapping_add(1)
}

/// Rows that one record has and another has not.
fn missing(of: &Record, from: &Record) -> Vec<(String, String)> {
    let lacks = |row: &&RecordRow| from.row(&row.estimator, &row.term).is_none();
    let name = |row: &RecordRow| (row.estimator.clone(), row.term.clone());
    of.rows.iter().filter(lacks).map(name).collect()
}

/// How far a diagnosand may drift: what the design says, or the default.
fn tolerance(plan: &Plan, row: &RecordRow, old: &Recorded) -> Option<f64> {
    let place = diagnosands::place(plan, &old.name)?;
    if let Some((_, amount)) = plan.drift.iter().find(|(declared, _)| *declared == place) {
        return Some(*amount);
    }
    let spread = || row.diagnosands.iter().find(|d| d.name == "sd_estimate").map(|d| d.value);
    Some(match diagnosands::drift(plan, place) {
        Drift::By(amount) => amount,
        Drift::OfItself(share) => share * old.value.abs(),
        Drift::OfSpread(share) => share * spread().unwrap_or(0.0),
    })
}

fn test(
    row: usize,
    names: &RecordRow,
    (old, new): (&Recorded, &Recorded),
    tolerance: f64,
    error: f64,
) -> DriftTest {
    let mcse = old.mcse.zip(new.mcse).map(|(a, b)| both(a, b));
    let bounds = change(&old.evidence, &new.evidence, error);
    let catches = bounds
        .map(|(low, high)| tolerance + (high - low) / 2.0 + NINE_IN_TEN * mcse.unwrap_or(0.0));
    DriftTest {
        row,
        estimator: names.estimator.clone(),
        term: names.term.clone(),
        diagnosand: old.name.clone(),
        before: old.value,
        now: new.value,
        mcse,
        tolerance,
        bounds,
        catches,
    }
}

/// Bounds on the change of a diagnosand between two independent runs, which miss with probability
/// `error`; none where the simulations do not suffice.
///
/// # References
/// Zou and Donner 2008, section 2.
pub fn change(old: &Evidence, new: &Evidence, error: f64) -> Option<(f64, f64)> {
    let (v0, v1) = (old.value()?, new.value()?);
    let ((l0, u0), (l1, u1)) = (old.bounds(error)?, new.bounds(error)?);
    let change = v1 - v0;
    Some((change - both(v1 - l1, u0 - v0), change + both(u1 - v1, v0 - l0)))
}

/// The size of two independent errors together.
fn both(a: f64, b: f64) -> f64 {
    (a * a + b * b).sqrt()
}
