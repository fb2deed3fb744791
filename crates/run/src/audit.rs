//! The audit: whether assignments and samples happen with the probabilities that are declared.
//!
//! Each simulation tells for each unit which arm it got, and the probabilities that the plan says
//! it had. Summed over simulations, each unit has an observed and an expected number for each arm,
//! and each pair of units for each pair of arms. Pearson's chi-squared compares them, unit by unit
//! and pair by pair; units depend on one another, so the smallest p-value counts, multiplied by
//! the number of tests (Bonferroni), which holds under any dependence. Of large designs a fixed
//! choice of units and pairs is compared.

use rayon::prelude::*;
use trialrun_plan::{Allocation, AllocationInfo, Plan, Stop, Workspace};
use trialrun_stats::special::chi_squared;

use crate::runner::Stopped;

/// Most units that are compared.
const UNITS_MAX: usize = 1000;

/// Most pairs of units that are compared.
const PAIRS_MAX: usize = 2000;

/// Simulations that one thread does in one go; sums are merged in their order.
const CHUNK: u64 = 2048;

/// Cells of a test that expect fewer than this are put together.
const EXPECTED_MIN: f64 = 10.0;

/// Below this p-value declared and realised probabilities disagree.
pub const P_MIN: f64 = 1e-4;

/// What an audit found.
#[derive(Clone, Debug, PartialEq)]
pub struct Audit {
    /// The design's name.
    pub design: String,
    /// Seed of the random numbers.
    pub seed: u64,
    /// Number of simulations.
    pub sims: u64,
    /// What was found of each assignment and each sample.
    pub steps: Vec<StepAudit>,
}

impl Audit {
    /// Whether every step does what it declares.
    pub fn agrees(&self) -> bool {
        self.steps.iter().all(|s| s.first.agrees() && s.second.as_ref().is_none_or(Finding::agrees))
    }
}

/// What was found of one step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepAudit {
    /// The variable.
    pub variable: String,
    /// How units are allocated.
    pub method: String,
    /// The names of the arms.
    pub arms: Vec<String>,
    /// Probabilities of single units.
    pub first: Finding,
    /// Probabilities of pairs of units; none where there is a single unit, or where they are not
    /// declared: those of samples with unequal probabilities.
    pub second: Option<Finding>,
}

/// Declared and realised probabilities of one order, compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Whether the declared probabilities are exact; else they are estimates from draws.
    pub exact: bool,
    /// Units or pairs that were compared.
    pub n_tests: usize,
    /// The chi-squared statistic of the unit or pair with the smallest p-value.
    pub statistic: f64,
    /// Its degrees of freedom.
    pub df: f64,
    /// Its p-value, multiplied by the number of tests.
    pub p_value: f64,
    /// The largest difference between a realised and a declared probability.
    pub largest: Deviation,
}

impl Finding {
    /// Whether the two agree.
    pub fn agrees(&self) -> bool {
        self.p_value >= P_MIN
    }
}

/// A realised probability and the declared one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Deviation {
    /// The unit, or both, numbered from 1.
    pub units: Vec<usize>,
    /// The arm of each, from 0.
    pub arms: Vec<usize>,
    /// The declared probability: its mean over simulations.
    pub declared: f64,
    /// The realised share of simulations.
    pub realised: f64,
}

/// Counts of one step.
#[derive(Clone, Default)]
struct Counts {
    units: Table,
    pairs: Table,
    marginal_is_exact: bool,
    joint_is_exact: bool,
    has_joint: bool,
}

/// Observed and expected numbers: a row of cells for each unit or pair.
#[derive(Clone, Default)]
struct Table {
    seen: Vec<u32>,
    observed: Vec<u32>,
    expected: Vec<f64>,
}

/// The units and pairs of a step that are compared.
struct Chosen {
    n_units: usize,
    pairs: Vec<(usize, usize)>,
}

/// Compares declared with realised probabilities. The plan must have been compiled with
/// `Options::probabilities`.
///
/// # Errors
/// If a simulation can not be done.
pub fn audit(plan: &Plan, seed: u64, sims: u64) -> Result<Audit, Stopped> {
    let mut ws = plan.workspace();
    let stopped = |sim| move |stop: Stop| Stopped { sim, stop };
    plan.simulate_allocations(&mut ws, seed, 0).map_err(stopped(0))?;
    let chosen: Vec<Chosen> =
        plan.allocations.iter().map(|info| Chosen::of(ws.allocation(info.id))).collect();
    let empty = || -> Vec<Counts> {
        chosen.iter().zip(&plan.allocations).map(|(c, info)| Counts::new(c, info)).collect()
    };
    let done: Vec<Result<Vec<Counts>, Stopped>> = (0..sims.div_ceil(CHUNK))
        .into_par_iter()
        .map_init(
            || plan.workspace(),
            |ws, chunk| {
                let mut counts = empty();
                for sim in chunk * CHUNK..sims.min((chunk + 1) * CHUNK) {
                    plan.simulate_allocations(ws, seed, sim).map_err(stopped(sim))?;
                    add(plan, ws, &chosen, &mut counts);
                }
                Ok(counts)
            },
        )
        .collect();
    let mut total = empty();
    for counts in done {
        total.iter_mut().zip(&counts?).for_each(|(t, c)| t.merge(c));
    }
    let steps = plan.allocations.iter().zip(&total).zip(&chosen);
    let steps = steps.map(|((info, counts), chosen)| counts.found(info, chosen)).collect();
    Ok(Audit { design: plan.name.clone(), seed, sims, steps })
}

/// Adds what a simulation tells of all steps.
fn add(plan: &Plan, ws: &Workspace, chosen: &[Chosen], counts: &mut [Counts]) {
    for ((info, chosen), counts) in plan.allocations.iter().zip(chosen).zip(counts) {
        counts.add(ws.allocation(info.id), chosen);
    }
}

impl Chosen {
    /// All units and pairs of a small allocation. Of a large one, the first units, each with the
    /// next, and pairs that are spread over all of them.
    fn of(allocation: &Allocation) -> Self {
        let n = allocation.arms.len();
        let n_units = n.min(UNITS_MAX);
        let mut pairs = Vec::new();
        if n * n.saturating_sub(1) / 2 <= PAIRS_MAX {
            pairs.extend((0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j))));
        } else {
            pairs.extend((0..PAIRS_MAX / 2).map(|i| (i % (n - 1), i % (n - 1) + 1)));
            // Steps of the golden ratio fill the square of pairs evenly.
            let at = |i: usize, step: f64| ((i as f64 * step).fract() * n as f64) as usize;
            let spread = (1..=PAIRS_MAX / 2).map(|i| (at(i, 0.618_034), at(i, 0.754_878)));
            pairs.extend(spread.filter(|(i, j)| i != j));
            pairs.sort_unstable();
            pairs.dedup();
        }
        Self { n_units, pairs }
    }
}

impl Counts {
    fn new(chosen: &Chosen, info: &AllocationInfo) -> Self {
        let k = info.arms.len();
        Self {
            units: Table::new(chosen.n_units, k),
            pairs: Table::new(chosen.pairs.len(), k * k),
            marginal_is_exact: true,
            joint_is_exact: true,
            has_joint: true,
        }
    }

    /// Adds one simulation.
    fn add(&mut self, allocation: &Allocation, chosen: &Chosen) {
        let (arms, p) = (&allocation.arms, &allocation.probabilities);
        let k = p.n_arms();
        self.marginal_is_exact &= p.marginal_is_exact();
        self.joint_is_exact &= p.joint_is_exact();
        for unit in 0..chosen.n_units.min(arms.len()) {
            self.units.count(unit, arms[unit] as usize);
            for arm in 0..k {
                self.units.expect(unit, k, arm, p.marginal(unit, arm));
            }
        }
        self.has_joint &= p.has_joint();
        if !self.has_joint {
            return;
        }
        for (pair, &(i, j)) in chosen.pairs.iter().enumerate() {
            if i.max(j) >= arms.len() {
                continue;
            }
            self.pairs.count_in(pair, k * k, arms[i] as usize * k + arms[j] as usize);
            for cell in 0..k * k {
                self.pairs.expect(pair, k * k, cell, p.joint(i, cell / k, j, cell % k));
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        self.units.merge(&other.units);
        self.pairs.merge(&other.pairs);
        self.marginal_is_exact &= other.marginal_is_exact;
        self.joint_is_exact &= other.joint_is_exact;
        self.has_joint &= other.has_joint;
    }

    fn found(&self, info: &AllocationInfo, chosen: &Chosen) -> StepAudit {
        let k = info.arms.len();
        let first = self.units.found(self.marginal_is_exact, |row, cell| Deviation {
            units: vec![row + 1],
            arms: vec![cell],
            ..Deviation::default()
        });
        let second = self.pairs.found(self.joint_is_exact, |row, cell| Deviation {
            units: vec![chosen.pairs[row].0 + 1, chosen.pairs[row].1 + 1],
            arms: vec![cell / k, cell % k],
            ..Deviation::default()
        });
        StepAudit {
            variable: info.variable.clone(),
            method: info.method.clone(),
            arms: info.arms.clone(),
            first,
            second: (self.has_joint && !chosen.pairs.is_empty()).then_some(second),
        }
    }
}

impl Table {
    fn new(rows: usize, cells: usize) -> Self {
        let n = rows * cells;
        Self { seen: vec![0; rows], observed: vec![0; n], expected: vec![0.0; n] }
    }

    fn count(&mut self, row: usize, cell: usize) {
        let cells = self.observed.len() / self.seen.len();
        self.count_in(row, cells, cell);
    }

    fn count_in(&mut self, row: usize, cells: usize, cell: usize) {
        self.seen[row] += 1;
        self.observed[row * cells + cell] += 1;
    }

    fn expect(&mut self, row: usize, cells: usize, cell: usize, p: f64) {
        self.expected[row * cells + cell] += p;
    }

    fn merge(&mut self, other: &Self) {
        self.seen.iter_mut().zip(&other.seen).for_each(|(a, b)| *a += b);
        self.observed.iter_mut().zip(&other.observed).for_each(|(a, b)| *a += b);
        self.expected.iter_mut().zip(&other.expected).for_each(|(a, b)| *a += b);
    }

    /// The test with the smallest p-value, and the largest deviation; `place` names a cell.
    fn found(&self, exact: bool, place: impl Fn(usize, usize) -> Deviation) -> Finding {
        let cells = self.observed.len().checked_div(self.seen.len()).unwrap_or(0);
        let n_tests = self.seen.iter().filter(|n| **n > 0).count();
        let (statistic, df, p_value) = (0.0, 0.0, 1.0);
        let largest = Deviation::default();
        let mut found = Finding { exact, n_tests, statistic, df, p_value, largest };
        let mut smallest = f64::INFINITY;
        for (row, &n) in self.seen.iter().enumerate().filter(|(_, n)| **n > 0) {
            let observed = &self.observed[row * cells..][..cells];
            let expected = &self.expected[row * cells..][..cells];
            let (statistic, df) = pearson(observed, expected);
            let p = if df > 0.0 { chi_squared::upper(statistic, df) } else { 1.0 };
            let p = if statistic.is_infinite() { 0.0 } else { p };
            if p < smallest {
                (found.statistic, found.df, smallest) = (statistic, df, p);
            }
            for (cell, (o, e)) in observed.iter().zip(expected).enumerate() {
                let (realised, declared) = (f64::from(*o) / f64::from(n), e / f64::from(n));
                let largest = &found.largest;
                if (realised - declared).abs() > (largest.realised - largest.declared).abs()
                    || largest.units.is_empty()
                {
                    found.largest = Deviation { declared, realised, ..place(row, cell) };
                }
            }
        }
        found.p_value = (smallest * n_tests as f64).min(1.0);
        found
    }
}

/// Pearson's chi-squared and its degrees of freedom: the cells that expect enough, less one.
/// Cells that expect little count as one; what is impossible and happens makes it infinite.
fn pearson(observed: &[u32], expected: &[f64]) -> (f64, f64) {
    let (mut statistic, mut n_cells) = (0.0, 0.0);
    let mut term = |o: f64, e: f64| {
        statistic += (o - e) * (o - e) / e;
        n_cells += 1.0;
    };
    let (mut rest_observed, mut rest_expected) = (0.0, 0.0);
    for (o, e) in observed.iter().map(|o| f64::from(*o)).zip(expected) {
        if *e <= 0.0 && o > 0.0 {
            return (f64::INFINITY, 1.0);
        }
        if *e >= EXPECTED_MIN {
            term(o, *e);
        } else {
            rest_observed += o;
            rest_expected += e;
        }
    }
    if rest_expected >= EXPECTED_MIN {
        term(rest_observed, rest_expected);
    }
    (statistic, (n_cells - 1.0_f64).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pearsons_statistic_is_known() {
        let (statistic, df) = pearson(&[60, 40], &[50.0, 50.0]);
        assert_eq!((statistic, df), (4.0, 1.0));
        // Two cells that expect 6 count as one.
        let (statistic, df) = pearson(&[88, 8, 4], &[88.0, 6.0, 6.0]);
        assert_eq!((statistic, df), (0.0, 1.0));
        assert_eq!(pearson(&[99, 1], &[100.0, 0.0]), (f64::INFINITY, 1.0));
        assert_eq!(pearson(&[100, 0], &[100.0, 0.0]), (0.0, 0.0));
    }

    /// Two units, the second of which is not treated as often as declared.
    #[test]
    fn a_wrong_probability_is_found() {
        let mut table = Table::new(2, 2);
        for sim in 0..1000 {
            table.count(0, sim % 2);
            table.count(1, usize::from(sim % 5 < 2));
            for cell in 0..4 {
                table.expect(cell / 2, 2, cell % 2, 0.5);
            }
        }
        let place = |row, cell| Deviation {
            units: vec![row + 1],
            arms: vec![cell],
            ..Deviation::default()
        };
        let found = table.found(true, place);
        assert_eq!((found.statistic, found.df, found.n_tests), (40.0, 1.0, 2));
        assert!(!found.agrees() && found.p_value > 0.0, "{found:?}");
        assert_eq!(found.p_value, 2.0 * chi_squared::upper(40.0, 1.0));
        let largest = Deviation { units: vec![2], arms: vec![0], declared: 0.5, realised: 0.6 };
        assert_eq!(found.largest, largest);
    }
}
