//! Reductions: one number from the values of many units.

use super::replay::Trace;
use super::workspace::grow;
use super::{Op, Stop, Workspace};
use crate::compile::ir::Reduction;
use crate::ids::{ColumnId, GroupingId, LevelId, RunsId};

/// Over which units a reduction runs.
#[derive(Clone, Copy, Debug)]
pub enum Over {
    /// All units of the level.
    Whole,
    /// The units below each unit of an upper level; all runs of one length where that is fixed.
    Runs(LevelId, RunsId, Option<usize>),
    /// The units of each group.
    Groups(GroupingId),
}

/// Computes one number for each set of units.
pub struct Reduce {
    /// What is computed.
    pub reduction: Reduction,
    /// The values, a column of `level`.
    pub arg: ColumnId,
    /// The level of the values.
    pub level: LevelId,
    /// The sets of units.
    pub over: Over,
    /// Only units where this column is neither zero nor missing count.
    pub mask: Option<ColumnId>,
    /// The column of results.
    pub out: ColumnId,
}

impl Op for Reduce {
    fn run(&self, ws: &mut Workspace) -> Result<(), Stop> {
        let n_sets = match self.over {
            Over::Whole => 1,
            Over::Runs(upper, ..) => ws.size(upper),
            Over::Groups(grouping) => ws.grouping(grouping).offsets.len() - 1,
        };
        let mut out = ws.take(self.out, n_sets);
        let mut sorted = std::mem::take(&mut ws.sorted);
        match (self.over, self.mask) {
            (Over::Whole, None) => {
                let n = ws.size(self.level);
                out[0] = reduce(self.reduction, &ws.column(self.arg)[..n], &mut sorted);
            }
            (Over::Runs(_, _, Some(k)), None) if k > 0 && self.is_sum_like() => {
                let values = &ws.column(self.arg)[..n_sets * k];
                let divisor = if self.reduction == Reduction::Mean { k as f64 } else { 1.0 };
                sum_runs(values, k, divisor, &mut out);
            }
            (Over::Runs(_, runs, _), None) => {
                let values = ws.column(self.arg);
                for (o, run) in out.iter_mut().zip(ws.runs(runs).windows(2)) {
                    let set = &values[run[0] as usize..run[1] as usize];
                    *o = reduce(self.reduction, set, &mut sorted);
                }
            }
            _ => self.reduce_sets(ws, &mut out, &mut sorted),
        }
        ws.sorted = sorted;
        ws.put(self.out, out);
        Ok(())
    }

    fn trace(&self, trace: &mut Trace<'_>) {
        match self.mask {
            None if self.reduction == Reduction::Mean => trace.averages(self.arg, self.out),
            None => trace.computes(&[self.arg], self.out),
            Some(mask) => trace.computes(&[self.arg, mask], self.out),
        }
    }
}

impl Reduce {
    fn is_sum_like(&self) -> bool {
        matches!(self.reduction, Reduction::Mean | Reduction::Sum)
    }

    /// The plain way: gathers the values of each set, then reduces them.
    fn reduce_sets(&self, ws: &mut Workspace, out: &mut [f64], sorted: &mut Vec<f64>) {
        let n = ws.size(self.level);
        let mut gathered = std::mem::take(&mut ws.registers[0]);
        grow(&mut gathered, n);
        let values = ws.column(self.arg);
        let mask = self.mask.map(|m| ws.column(m));
        let keeps = |u: usize| mask.is_none_or(|m| m[u] != 0.0 && !m[u].is_nan());
        for (s, o) in out.iter_mut().enumerate() {
            let mut kept = 0;
            let mut gather = |u: usize| {
                if keeps(u) {
                    gathered[kept] = values[u];
                    kept += 1;
                }
            };
            match self.over {
                Over::Whole => (0..n).for_each(&mut gather),
                Over::Runs(_, runs, _) => {
                    let runs = ws.runs(runs);
                    (runs[s] as usize..runs[s + 1] as usize).for_each(&mut gather);
                }
                Over::Groups(grouping) => {
                    let g = ws.grouping(grouping);
                    let set = &g.order[g.offsets[s] as usize..g.offsets[s + 1] as usize];
                    set.iter().for_each(|&u| gather(u as usize));
                }
            }
            *o = reduce(self.reduction, &gathered[..kept], sorted);
        }
        ws.registers[0] = gathered;
    }
}

/// Sums of runs of `k` values each, divided by `divisor`.
fn sum_runs(values: &[f64], k: usize, divisor: f64, out: &mut [f64]) {
    match k {
        1 => sum_fixed::<1>(values, divisor, out),
        2 => sum_fixed::<2>(values, divisor, out),
        3 => sum_fixed::<3>(values, divisor, out),
        4 => sum_fixed::<4>(values, divisor, out),
        5 => sum_fixed::<5>(values, divisor, out),
        _ => {
            for (o, run) in out.iter_mut().zip(values.chunks_exact(k)) {
                *o = run.iter().sum::<f64>() / divisor;
            }
        }
    }
}

fn sum_fixed<const K: usize>(values: &[f64], divisor: f64, out: &mut [f64]) {
    for (o, run) in out.iter_mut().zip(values.as_chunks::<K>().0) {
        *o = run.iter().sum::<f64>() / divisor;
    }
}

/// The sum, in eight interleaved parts: fast, and the same on every machine.
pub fn sum(values: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let (chunks, rest) = values.as_chunks::<8>();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += value;
        }
    }
    let tail: f64 = rest.iter().sum();
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + b) + (c + d)) + ((e + f) + (g + h)) + tail
}

/// The reduction of a set of values. The mean, smallest, largest and quantiles of no value, and
/// the variance of fewer than two, are missing (NaN). So is what has a missing value among its
/// own; a missing condition does not hold.
pub fn reduce(reduction: Reduction, values: &[f64], sorted: &mut Vec<f64>) -> f64 {
    let n = values.len() as f64;
    match reduction {
        Reduction::Sum => sum(values),
        Reduction::Mean => sum(values) / n,
        Reduction::Var => variance(values),
        Reduction::Sd => variance(values).sqrt(),
        Reduction::Min => extreme(values, |a, b| a < b),
        Reduction::Max => extreme(values, |a, b| a > b),
        Reduction::Median => quantile(values, 0.5, sorted),
        Reduction::Quantile(p) => quantile(values, f64::from_bits(p), sorted),
        Reduction::Count => values.iter().filter(|v| **v != 0.0 && !v.is_nan()).count() as f64,
        Reduction::Any => f64::from(u8::from(values.iter().any(|v| *v != 0.0 && !v.is_nan()))),
        Reduction::All => f64::from(u8::from(values.iter().all(|v| *v != 0.0 && !v.is_nan()))),
    }
}

fn variance(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    if n < 2.0 {
        return f64::NAN;
    }
    let mean = sum(values) / n;
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    squares / (n - 1.0)
}

fn extreme(values: &[f64], better: impl Fn(f64, f64) -> bool) -> f64 {
    let mut best = f64::NAN;
    for &value in values {
        if value.is_nan() {
            return value;
        }
        if best.is_nan() || better(value, best) {
            best = value;
        }
    }
    best
}

/// R's quantile of type 7: linear between order statistics, at position 1 + (n - 1) p.
fn quantile(values: &[f64], p: f64, sorted: &mut Vec<f64>) -> f64 {
    if values.is_empty() || values.iter().any(|v| v.is_nan()) {
        return f64::NAN;
    }
    grow(sorted, values.len());
    sorted.copy_from_slice(values);
    sorted.sort_unstable_by(f64::total_cmp);
    let place = (values.len() - 1) as f64 * p;
    let low = place.floor() as usize;
    let high = (low + 1).min(values.len() - 1);
    sorted[low] + (place - low as f64) * (sorted[high] - sorted[low])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_r() {
        // quantile(c(3, 1, 4, 1, 5), c(.1, .5, .9)) in R: 1.0 3.0 4.6
        let mut scratch = Vec::new();
        let values = [3.0, 1.0, 4.0, 1.0, 5.0];
        for (p, expected) in [(0.1, 1.0), (0.5, 3.0), (0.9, 4.6)] {
            assert!((quantile(&values, p, &mut scratch) - expected).abs() < 1e-14);
        }
    }

    #[test]
    fn a_long_sum_is_the_plain_sum() {
        let values: Vec<f64> = (0..1003).map(|i| (i * i) as f64).collect();
        assert_eq!(sum(&values), values.iter().sum::<f64>());
    }

    #[test]
    fn nothing_has_no_mean() {
        let mut scratch = Vec::new();
        assert!(reduce(Reduction::Mean, &[], &mut scratch).is_nan());
        assert!(reduce(Reduction::Max, &[], &mut scratch).is_nan());
        assert!(reduce(Reduction::Sd, &[1.0], &mut scratch).is_nan());
        assert_eq!(reduce(Reduction::Sum, &[], &mut scratch), 0.0);
    }
}
