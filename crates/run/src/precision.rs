//! Runs until the Monte Carlo errors of diagnosands are small enough.

use crate::BATCH;
use crate::check::looks;
use crate::diagnosands;
use crate::runner::{Runner, Stopped, Watch};
use crate::summary::Measure;

/// How precisely a diagnosand is wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    /// The place of the diagnosand, see [`diagnosands::place`].
    pub diagnosand: usize,
    /// The largest Monte Carlo error.
    pub mcse: f64,
}

/// A target that was not reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Miss {
    /// The row of results.
    pub row: usize,
    /// The target.
    pub target: Target,
    /// The Monte Carlo error after the simulations allowed; none where there is no value.
    pub mcse: Option<f64>,
}

/// Simulates until every target is reached for every estimator and term, or `max_sims`
/// simulations are done. Gives the targets that were not reached.
///
/// After 1,024 simulations, and then each time, the Monte Carlo errors tell how many simulations it
/// takes: an error falls with the root of their number. The run goes on to that number, in whole
/// batches, but at most to four times what it has. So the number of simulations depends on the
/// design, the seed and the targets alone. Rows without an estimand are left out where the
/// diagnosand asks for one.
///
/// # Errors
/// If a simulation can not be done.
pub fn refine(
    runner: &mut Runner<'_>,
    targets: &[Target],
    max_sims: u64,
    watch: &dyn Watch,
) -> Result<Vec<Miss>, Stopped> {
    let mut next = looks(max_sims)[0];
    loop {
        runner.extend(next - runner.sims(), watch)?;
        let done = runner.sims();
        let misses = misses(runner, targets);
        if misses.is_empty() || done >= max_sims || done < next {
            return Ok(misses);
        }
        let needed = misses.iter().map(|miss| {
            let ratio = miss.mcse.map_or(f64::INFINITY, |mcse| mcse / miss.target.mcse);
            // A little more, since the error itself is estimated.
            1.02 * ratio * ratio * done as f64
        });
        let most = done.saturating_mul(4);
        let needed = needed.fold(0.0, f64::max).min(most as f64) as u64;
        next = needed.max(done + 1).next_multiple_of(BATCH).min(max_sims);
    }
}

fn misses(runner: &Runner<'_>, targets: &[Target]) -> Vec<Miss> {
    let mut misses = Vec::new();
    let (plan, diagnosis) = (runner.plan(), runner.diagnosis());
    for (row, (subject, found)) in plan.subjects().iter().zip(&diagnosis.rows).enumerate() {
        for target in targets {
            // Families have diagnosands of their own, and their members few.
            let name = diagnosands::name(plan, target.diagnosand);
            let Some(measure) = found.measure(name) else { continue };
            if diagnosands::is_silent(plan, target.diagnosand, subject) {
                continue;
            }
            let mcse = error(&measure);
            if mcse.is_none_or(|mcse| mcse > target.mcse) {
                misses.push(Miss { row, target: *target, mcse });
            }
        }
    }
    misses
}

/// The Monte Carlo error of a diagnosand; of a rate at least half the width of its Wilson interval
/// over 1.96: the binomial error is 0 where the rate is 0 or 1, however few the simulations.
fn error(measure: &Measure) -> Option<f64> {
    let wilson = measure.interval.map_or(0.0, |(low, high)| (high - low) / (2.0 * 1.96));
    measure.mcse.map(|mcse| mcse.max(wilson))
}
