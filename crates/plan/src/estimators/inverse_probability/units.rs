//! The units that were assigned, their totals and their probabilities.

use trialrun_stats::ht::{Pairs, Unit};
use trialrun_stats::{Failure, Observations, Rows};

use super::super::model::Model;
use crate::exec::Workspace;
use crate::exec::allocation::Structure;
use crate::exec::workspace::grow;
use crate::ids::AllocationId;

/// Units with their probabilities: scratch space that grows to the largest design.
#[derive(Debug, Default)]
pub(crate) struct AssignedUnits {
    units: Vec<Unit>,
    block_of: Vec<u32>,
    /// For each block, probabilities of pairs: 0 and 0, 1 and 1, 1 and 0.
    within: Vec<[f64; 3]>,
}

/// Where probabilities come from.
pub(super) enum Source {
    /// An allocation of the design, of which two arms are compared.
    Declared { id: AllocationId, arms: [usize; 2] },
    /// Fields of the estimator.
    Given { complete: bool, clustered: bool, has_prob: bool },
}

/// One row: its observations and its condition.
struct Row {
    count: f64,
    total: f64,
    square: f64,
    arm: usize,
}

/// Row `i` of a model whose one column is the condition: 0, 1, or 2 for others.
fn row(rows: &Rows<'_>, i: usize) -> Result<Row, Failure> {
    let (count, within) = match rows.observations {
        Observations::Collapsed { count, within } => (count[i], within[i]),
        _ => (1.0, 0.0),
    };
    let arm = match rows.x[i] {
        0.0 => 0,
        1.0 => 1,
        2.0 => 2,
        t if t.is_nan() => return Err(Failure::NotFinite),
        _ => return Err(Failure::NotACondition),
    };
    // Outcomes of other conditions do not enter; a count of zero has no outcome.
    let y = if arm == 2 || count == 0.0 { 0.0 } else { rows.y[i] };
    Ok(Row { count, total: count * y, square: count * (y * y) + within, arm })
}

/// Adds a row to its unit.
fn add(unit: &mut Unit, row: &Row) -> Result<(), Failure> {
    if unit.count > 0.0 && row.count > 0.0 && unit.arm != row.arm {
        return Err(Failure::MixedCluster);
    }
    unit.arm = row.arm;
    unit.count += row.count;
    unit.total += row.total;
    unit.square += row.square;
    Ok(())
}

impl Source {
    /// Finds the units of the rows that the model prepared.
    pub fn fill(
        &self,
        model: &Model,
        ws: &Workspace,
        assigned: &mut AssignedUnits,
    ) -> Result<(), Failure> {
        let n = ws.size(model.rows);
        let rows = model.rows(&ws.model, &ws.columns, &ws.runs, n);
        match self {
            Self::Declared { id, arms } => {
                let own_row = model.extra(&ws.model, &ws.columns, 0, n);
                assigned.fill_by_design(ws, *id, *arms, &rows, own_row)
            }
            Self::Given { complete, clustered, has_prob } => {
                let prob = has_prob.then(|| model.extra(&ws.model, &ws.columns, 0, n));
                assigned.fill_by_fields(&rows, &ws.model.blocks, *clustered, prob, *complete)
            }
        }
    }

    /// Hands over the units, and how pairs of them depend on one another.
    pub fn with_pairs<T>(
        &self,
        ws: &Workspace,
        assigned: &AssignedUnits,
        f: impl FnOnce(&[Unit], &Pairs<'_>) -> T,
    ) -> T {
        let AssignedUnits { units, block_of, within } = assigned;
        let blocks = Pairs::Blocks { block_of, within };
        match self {
            Self::Given { complete: true, .. } => f(units, &blocks),
            Self::Given { complete: false, .. } => f(units, &Pairs::Independent),
            Self::Declared { id, arms } => {
                let p = &ws.allocations[id.idx()].probabilities;
                match p.structure() {
                    Structure::Independent => f(units, &Pairs::Independent),
                    Structure::Blocks { .. } => f(units, &blocks),
                    Structure::Pairs => {
                        let joint = |i, a: usize, j, b: usize| p.joint(i, arms[a], j, arms[b]);
                        f(units, &Pairs::Each(&joint))
                    }
                }
            }
        }
    }

    /// Where probabilities come from, in a word.
    pub fn describe(&self) -> String {
        match self {
            Self::Declared { .. } => "of the design",
            Self::Given { complete: true, clustered: true, .. } => "Complete, of clusters",
            Self::Given { complete: true, .. } => "Complete",
            Self::Given { clustered: true, .. } => "Simple, of clusters",
            Self::Given { .. } => "Simple",
        }
        .to_string()
    }
}

impl AssignedUnits {
    /// The units of an allocation; `own_row` is the number of each row among those of the
    /// allocation's level, from 1.
    fn fill_by_design(
        &mut self,
        ws: &Workspace,
        id: AllocationId,
        arms: [usize; 2],
        rows: &Rows<'_>,
        own_row: &[f64],
    ) -> Result<(), Failure> {
        let allocation = &ws.allocations[id.idx()];
        let p = &allocation.probabilities;
        grow(&mut self.units, p.n_units());
        for (i, unit) in self.units.iter_mut().enumerate() {
            let probability = arms.map(|arm| p.marginal(i, arm));
            *unit = Unit { arm: 2, probability, ..Unit::default() };
        }
        for (i, number) in own_row.iter().enumerate().take(rows.len()) {
            let at = allocation.unit(*number as usize - 1);
            let unit = self.units.get_mut(at).ok_or(Failure::NoProbability)?;
            add(unit, &row(rows, i)?)?;
        }
        self.within.clear();
        if let Structure::Blocks { block_of, within } = p.structure() {
            grow(&mut self.block_of, block_of.len());
            self.block_of.copy_from_slice(block_of);
            let k = p.n_arms();
            grow(&mut self.within, within.len() / (k * k));
            let [a, b] = arms;
            for (out, table) in self.within.iter_mut().zip(within.chunks_exact(k * k)) {
                *out = [table[a * k + a], table[b * k + b], table[b * k + a]];
            }
        }
        Ok(())
    }

    /// The units of the rows, block after block, with the probabilities that fields give.
    fn fill_by_fields(
        &mut self,
        rows: &Rows<'_>,
        blocks: &[u32],
        clustered: bool,
        prob: Option<&[f64]>,
        complete: bool,
    ) -> Result<(), Failure> {
        let m = rows.len();
        grow(&mut self.units, m);
        grow(&mut self.block_of, m);
        let whole = [0, m as u32];
        let blocks = if blocks.is_empty() { &whole } else { blocks };
        grow(&mut self.within, blocks.len() - 1);
        let (mut n_units, mut cluster) = (0, 0);
        for (b, run) in blocks.windows(2).enumerate() {
            let first = n_units;
            let mut at = run[0] as usize;
            while at < run[1] as usize {
                let mut end = at + 1;
                if clustered {
                    // Clusters without rows may stand between.
                    while rows.groups[cluster + 1] as usize <= at {
                        cluster += 1;
                    }
                    end = rows.groups[cluster + 1] as usize;
                }
                let p = prob.map_or(f64::NAN, |p| p[at]);
                let mut unit = Unit { probability: [1.0 - p, p], ..Unit::default() };
                for i in at..end {
                    add(&mut unit, &row(rows, i)?)?;
                }
                self.units[n_units] = unit;
                self.block_of[n_units] = b as u32;
                n_units += 1;
                at = end;
            }
            self.within[b] =
                probabilities(&mut self.units[first..n_units], prob.is_some(), complete);
        }
        self.units.truncate(n_units);
        self.block_of.truncate(n_units);
        Ok(())
    }
}

/// Fills in the probabilities of a block's units where they are not given, and returns those of
/// pairs under complete assignment.
///
/// With a probability `p` that is given, `n p` units or the whole numbers around it are treated.
fn probabilities(units: &mut [Unit], is_given: bool, complete: bool) -> [f64; 3] {
    let n = units.len() as f64;
    let in_arm = |a: usize| units.iter().filter(|u| u.arm == a).count() as f64;
    let numbers = [in_arm(0), in_arm(1)];
    if !is_given {
        let shares = numbers.map(|m| m / n);
        units.iter_mut().for_each(|unit| unit.probability = shares);
    }
    if !complete || n < 2.0 {
        return [0.0; 3];
    }
    let pairs = n * (n - 1.0);
    let of = |m0: f64, m1: f64| [m0 * (m0 - 1.0), m1 * (m1 - 1.0), m1 * m0].map(|v| v / pairs);
    if !is_given {
        return of(numbers[0], numbers[1]);
    }
    let expected = n * units[0].probability[1];
    // A whole number that rounding has moved is that number.
    let nearest = expected.round();
    let low = if (expected - nearest).abs() < 1e-9 { nearest } else { expected.floor() };
    let more = (expected - low).max(0.0);
    let (a, b) = (of(n - low, low), of(n - low - 1.0, low + 1.0));
    std::array::from_fn(|i| if more > 1e-9 { (1.0 - more) * a[i] + more * b[i] } else { a[i] })
}
