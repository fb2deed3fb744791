//! Collapses an outcome to the level of a model's predictors.

use crate::exec::replay::Trace;
use crate::exec::{Op, Stop, Workspace};
use crate::ids::{ColumnId, LevelId, RunsId};

/// Collapses an outcome to the level of the predictors: number, mean and sum of squares.
pub struct Collapse {
    /// The outcome.
    pub outcome: ColumnId,
    /// The level of the predictors.
    pub rows: LevelId,
    /// Runs of the outcome's units.
    pub runs: RunsId,
    /// The length of every run, where it is one number.
    pub fixed: Option<usize>,
    /// Whether observations can be missing; these are left out.
    pub skips_missing: bool,
    /// Number of observations.
    pub count: ColumnId,
    /// Their mean.
    pub mean: ColumnId,
    /// Their sum of squares around the mean.
    pub within: ColumnId,
}

impl Op for Collapse {
    fn run(&self, ws: &mut Workspace) -> Result<(), Stop> {
        let n = ws.size(self.rows);
        let mut count = ws.take(self.count, n);
        let mut mean = ws.take(self.mean, n);
        let mut within = ws.take(self.within, n);
        let values = ws.column(self.outcome);
        let out = (mean.as_mut_slice(), within.as_mut_slice());
        match self.fixed {
            _ if self.skips_missing => {
                for (i, run) in ws.runs(self.runs).windows(2).enumerate() {
                    let own = &values[run[0] as usize..run[1] as usize];
                    (count[i], mean[i], within[i]) = moments_of_present(own);
                }
            }
            Some(2) => collapse::<2>(values, out),
            Some(3) => collapse::<3>(values, out),
            Some(4) => collapse::<4>(values, out),
            Some(5) => collapse::<5>(values, out),
            Some(6) => collapse::<6>(values, out),
            _ => {
                for (i, run) in ws.runs(self.runs).windows(2).enumerate() {
                    let own = &values[run[0] as usize..run[1] as usize];
                    count[i] = own.len() as f64;
                    (mean[i], within[i]) = moments(own);
                }
            }
        }
        if let (Some(k @ 2..=6), false) = (self.fixed, self.skips_missing) {
            count.fill(k as f64);
        }
        ws.put(self.count, count);
        ws.put(self.mean, mean);
        ws.put(self.within, within);
        Ok(())
    }

    fn trace(&self, trace: &mut Trace<'_>) {
        trace.averages(self.outcome, self.mean);
        trace.computes(&[self.outcome], self.within);
        trace.computes(&[self.outcome], self.count);
    }
}

/// Mean and sum of squares around it; both zero where there is nothing.
fn moments(values: &[f64]) -> (f64, f64) {
    if values.is_empty() {
        return (0.0, 0.0);
    }
    let mean = crate::exec::reduce::sum(values) / values.len() as f64;
    let squares = values.iter().map(|v| (v - mean) * (v - mean));
    (mean, squares.sum())
}

/// Number, mean and sum of squares of the values that are not missing.
fn moments_of_present(values: &[f64]) -> (f64, f64, f64) {
    let present = || values.iter().filter(|v| !v.is_nan());
    let n = present().count() as f64;
    if n == 0.0 {
        return (0.0, 0.0, 0.0);
    }
    let mean = present().sum::<f64>() / n;
    (n, mean, present().map(|v| (v - mean) * (v - mean)).sum())
}

/// The same for runs of one short length.
fn collapse<const K: usize>(values: &[f64], (mean, within): (&mut [f64], &mut [f64])) {
    let runs = values.as_chunks::<K>().0;
    for ((run, m), w) in runs.iter().zip(mean).zip(within) {
        *m = run.iter().sum::<f64>() / K as f64;
        *w = run.iter().map(|v| (v - *m) * (v - *m)).sum();
    }
}
