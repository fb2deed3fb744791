//! Tests whether a design's diagnosands have drifted from those of an earlier run.
//!
//! # What it does
//! `trialrun check designs/ --update` writes a baseline: for each design a fingerprint of what
//! determines its numbers, the seed, the number of simulations, and each diagnosand with its Monte
//! Carlo error. `trialrun check designs/ --baseline FILE` runs the same simulations again.
//!
//! 1. The same numbers to the last bit: nothing has drifted. This is the usual case.
//! 2. Other numbers, although fingerprint and program version are the same: the run is *not
//!    reproduced*, which is a failure. A result should depend on nothing else.
//! 3. Other numbers, since the design or the program is another: each diagnosand is *tested for
//!    drift* on new simulations with a seed of their own, so that they are independent of those of
//!    the baseline.
//!
//! # The test
//! A diagnosand has drifted if the bounds on its change lie outside of its tolerance. With the
//! value `v0`, bounds `l0` to `u0` of the baseline and `v1`, `l1` to `u1` now, the bounds on the
//! change are
//! ```text
//! v1 - v0 - sqrt((v1 - l1)^2 + (u0 - v0)^2)  to  v1 - v0 + sqrt((u1 - v1)^2 + (v0 - l0)^2)
//! ```
//! The bounds of each are those of `trialrun explain check`. The error rate, 1 in 1,000 unless
//! `--error-rate` says otherwise, is shared equally by all diagnosands of the baseline: it is the
//! probability that any of them is said to have drifted while none has drifted by more than its
//! tolerance.
//!
//! # Tolerances
//! A design may say how far each diagnosand may drift: `drift: (coverage: 0.005, bias: 0.01)`.
//! Without it: power 0.02, coverage and false_positive 0.01, failures 0.005, boundary 0.02, type_s
//! 0.05, se_ratio 0.03; rmse, sd_estimate, mean_se, mean_df and ci_width 3% and exaggeration 10% of
//! their value; bias, mean_estimand and mean_estimate 5% of sd_estimate. Of diagnosands that the
//! design declares, a share 0.02 and any other 5% of its value.
//!
//! # What it can not see
//! A drift within the tolerance and the Monte Carlo error. Beside each test stands the smallest
//! drift that it would have caught in nine runs of ten: tolerance, half the width of the bounds,
//! and 1.28 Monte Carlo errors of the change.
//!
//! # References
//! Zou and Donner 2008, Statistics in Medicine 27:1693 (bounds on a difference from bounds on its
//! parts). Newcombe 1998, Statistics in Medicine 17:873, method 10 (the same for rates).

mod drift;

use trialrun_plan::Plan;

pub use drift::{Comparison, DriftTest, Drifted, change, compare};

use crate::check::Evidence;
use crate::diagnosands;
use crate::runner::{Runner, Settings, Stopped, Watch};

/// The manual of baselines.
pub const MANUAL: &str = include_str!("mod.rs");

/// What is kept of a design's diagnosis, to be compared with a later one.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The design's name.
    pub design: String,
    /// A hash of what determines the numbers, beside seed, simulations and program.
    pub fingerprint: u128,
    /// The version of the program.
    pub version: String,
    /// Seed of the random numbers.
    pub seed: u64,
    /// Simulations.
    pub sims: u64,
    /// One for each estimator, outcome, estimand and term.
    pub rows: Vec<RecordRow>,
}

/// The diagnosands of a row of results.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordRow {
    /// The estimator's label.
    pub estimator: String,
    /// The term, with outcome and estimand in brackets where the estimator has several.
    pub term: String,
    /// The diagnosands that have a value.
    pub diagnosands: Vec<Recorded>,
}

/// A diagnosand of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// Its Monte Carlo error.
    pub mcse: Option<f64>,
    /// What its bounds are made of.
    pub evidence: Evidence,
}

impl Record {
    /// Simulates a design and keeps its diagnosis; none if it was interrupted.
    ///
    /// # Errors
    /// If a simulation can not be done.
    pub fn run(
        plan: &Plan,
        settings: &Settings,
        watch: &dyn Watch,
    ) -> Result<Option<Self>, Stopped> {
        let mut runner = Runner::new(plan, settings);
        runner.extend(settings.sims, watch)?;
        let diagnosis = runner.diagnosis();
        if diagnosis.interrupted {
            return Ok(None);
        }
        let rows = plan.subjects().into_iter().zip(&diagnosis.rows).enumerate();
        let rows = rows.map(|(at, (subject, row))| {
            let recorded = row.diagnosands.iter().filter_map(|found| {
                let place = diagnosands::place(plan, &found.name)?;
                Some(Recorded {
                    name: found.name.clone(),
                    value: found.measure.value?,
                    mcse: found.measure.mcse,
                    evidence: runner.evidence(at, place)?,
                })
            });
            RecordRow {
                estimator: row.estimator.clone(),
                term: subject.recorded,
                diagnosands: recorded.collect(),
            }
        });
        Ok(Some(Self {
            design: plan.name.clone(),
            fingerprint: plan.fingerprint,
            version: env!("CARGO_PKG_VERSION").to_string(),
            seed: settings.seed,
            sims: settings.sims,
            rows: rows.collect(),
        }))
    }

    /// Whether nothing that determines the numbers is another.
    pub fn has_the_causes_of(&self, other: &Self) -> bool {
        (self.fingerprint, &self.version, self.seed, self.sims)
            == (other.fingerprint, &other.version, other.seed, other.sims)
    }

    /// The diagnosands whose numbers are not those of another record to the last bit.
    pub fn differences(&self, other: &Self) -> Vec<Difference> {
        let mut differences = Vec::new();
        for row in &self.rows {
            let there = other.row(&row.estimator, &row.term);
            let own = row.diagnosands.iter().map(|d| d.name.as_str());
            let others = there.into_iter().flat_map(|r| &r.diagnosands).map(|d| d.name.as_str());
            let new = others.filter(|name| row.diagnosands.iter().all(|d| d.name != *name));
            let names = own.chain(new).filter(|name| {
                let own = row.diagnosands.iter().find(|d| d.name == *name);
                let other = there.and_then(|r| r.diagnosands.iter().find(|d| d.name == *name));
                own.map(Recorded::bits) != other.map(Recorded::bits)
            });
            differences.extend(names.map(|name| Difference {
                estimator: row.estimator.clone(),
                term: row.term.clone(),
                diagnosand: name.to_string(),
            }));
        }
        differences
    }

    /// The row of an estimator and term.
    pub fn row(&self, estimator: &str, term: &str) -> Option<&RecordRow> {
        self.rows.iter().find(|row| row.estimator == estimator && row.term == term)
    }

    /// Diagnosands of all rows.
    pub fn n_diagnosands(&self) -> usize {
        self.rows.iter().map(|row| row.diagnosands.len()).sum()
    }
}

/// A diagnosand whose numbers differ between two records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The estimator's label.
    pub estimator: String,
    /// The term.
    pub term: String,
    /// The diagnosand's name.
    pub diagnosand: String,
}

impl Recorded {
    /// Every number of it, as bits: -0 is not 0.
    fn bits(&self) -> Vec<u64> {
        let mut bits = vec![self.value.to_bits(), self.mcse.map_or(u64::MAX, f64::to_bits)];
        add_bits(&self.evidence, &mut bits);
        bits
    }
}

fn add_bits(evidence: &Evidence, bits: &mut Vec<u64>) {
    let sample =
        |s: &crate::check::Sample| [s.n, s.mean.to_bits(), s.sd.to_bits(), s.skewness.to_bits()];
    match evidence {
        Evidence::Rate { n, events } => bits.extend([*n, *events]),
        Evidence::Mean(s) | Evidence::RootMean(s) | Evidence::Sd(s) => bits.extend(sample(s)),
        Evidence::MeanOverSd { mean, variance } => {
            bits.extend(sample(mean));
            bits.extend(sample(variance));
        }
        Evidence::Function { n, averages, .. } => {
            bits.push(*n);
            averages.iter().for_each(|average| add_bits(average, bits));
        }
    }
}

#[cfg(test)]
mod tests;
