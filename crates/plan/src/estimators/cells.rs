//! Rows of equal conditions become one row.
//!
//! Where the predictors hang on nothing but assigned conditions, as in `y ~ z`, there are as many
//! kinds of rows as there are combinations of conditions: the *cells*. Number, mean and sum of
//! squares of the outcome in each cell are all that least squares and a difference in means need
//! (`trialrun_stats::Observations::Collapsed`), so two arms of any size cost a fit of two rows.

use trialrun_stats::Failure;
use trialrun_stats::buffer::emptied;
use wide::f64x4;

use super::model::ModelScratch;
use super::outcomes::Outcome;
use crate::compile::ir::{NodeId, NodeKind};
use crate::compile::{Binding, Compiler, Missing};
use crate::exec::Workspace;
use crate::exec::workspace::grow;
use crate::ids::{ColumnId, LevelId};

/// Most cells that rows are collapsed to: each costs two passes over the rows.
const CELLS_MAX: usize = 8;

/// The cells of a model's rows.
pub struct Cells {
    /// Each assigned variable that the predictors hang on, and its conditions.
    keys: Vec<(ColumnId, Vec<f64>)>,
    /// Whether outcomes can be missing; these are left out.
    skips_missing: bool,
}

/// The cells of predictors on the units of a level; none where they hang on something else.
pub fn of_predictors(
    cx: &mut Compiler<'_>,
    predictors: &[NodeId],
    outcomes: &[NodeId],
    level: LevelId,
) -> Option<Cells> {
    if predictors.iter().any(|node| cx.missing(*node) > Missing::Never) {
        return None;
    }
    let assigned: Vec<(NodeId, Vec<f64>)> = cx
        .assigned
        .iter()
        .filter_map(|(name, conditions)| match cx.binding(name) {
            Some(Binding::Variable(node)) => {
                Some((node, conditions.iter().map(|c| c.value).collect()))
            }
            _ => None,
        })
        .collect();
    let mut found: Vec<usize> = Vec::new();
    let mut rest = predictors.to_vec();
    while let Some(node) = rest.pop() {
        if let Some(place) = assigned.iter().position(|(known, _)| *known == node) {
            if !found.contains(&place) {
                found.push(place);
            }
            continue;
        }
        match &cx.graph.node(node).kind {
            NodeKind::Const(_) => {}
            NodeKind::Map(_, args) => rest.extend(args),
            _ => return None,
        }
    }
    let n_cells = found.iter().try_fold(1usize, |n, i| n.checked_mul(assigned[*i].1.len()))?;
    if found.is_empty() || n_cells > CELLS_MAX {
        return None;
    }
    let skips_missing = outcomes.iter().any(|outcome| cx.missing(*outcome) > Missing::Never);
    let mut key = |i: usize| (cx.column_at(assigned[i].0, level), assigned[i].1.clone());
    Some(Cells { keys: found.into_iter().map(&mut key).collect(), skips_missing })
}

impl Cells {
    /// The columns of the conditions.
    pub fn columns(&self) -> Vec<ColumnId> {
        self.keys.iter().map(|(column, _)| *column).collect()
    }

    /// Finds number, mean and sum of squares of each outcome in each cell that has any and is of
    /// the subset, and the first row of the cell, which stands for its predictors.
    ///
    /// # Errors
    /// `NotFinite` where a row is in no cell: its condition is not among those declared.
    pub(super) fn pick(
        &self,
        ws: &Workspace,
        (outcomes, n): (&[Outcome], usize),
        subset: Option<&[f64]>,
        scratch: &mut ModelScratch,
    ) -> Result<(), Failure> {
        for list in [&mut scratch.outcome, &mut scratch.within] {
            emptied(list, CELLS_MAX * outcomes.len());
        }
        let own = |outcome: &Outcome| &ws.column(outcome.column)[..n];
        outcomes.iter().try_for_each(|outcome| self.pick_one(ws, own(outcome), subset, scratch))
    }

    /// Adds means and sums of squares of an outcome; rows and weights are the same for each.
    fn pick_one(
        &self,
        ws: &Workspace,
        outcome: &[f64],
        subset: Option<&[f64]>,
        scratch: &mut ModelScratch,
    ) -> Result<(), Failure> {
        let n = outcome.len();
        let ModelScratch { index, outcome: mean, weight, within, cells, .. } = scratch;
        emptied(index, CELLS_MAX);
        emptied(weight, CELLS_MAX);
        let mut n_seen = 0.0;
        let mut add = |codes: &[f64], code: f64| {
            let (count, own_mean, squares) = match self.skips_missing {
                true => moments::<true>(outcome, codes, code),
                false => moments::<false>(outcome, codes, code),
            };
            n_seen += count;
            let first = codes.iter().position(|c| *c == code).filter(|_| count > 0.0);
            let chosen = |row: &usize| subset.is_none_or(|subset| subset[*row] != 0.0);
            if let Some(first) = first.filter(chosen) {
                index.push(first as u32);
                weight.push(count);
                mean.push(own_mean);
                within.push(squares);
            }
        };
        if let [(key, conditions)] = self.keys.as_slice() {
            let codes = &ws.column(*key)[..n];
            conditions.iter().for_each(|condition| add(codes, *condition));
        } else {
            let n_cells = self.number(ws, n, cells);
            (0..n_cells).for_each(|cell| add(cells, cell as f64));
        }
        if self.skips_missing {
            n_seen += outcome.iter().filter(|y| y.is_nan()).count() as f64;
        }
        if n_seen == n as f64 { Ok(()) } else { Err(Failure::NotFinite) }
    }

    /// Numbers the cell of each row; the last variable varies fastest. Returns the number of cells.
    fn number(&self, ws: &Workspace, n: usize, cells: &mut Vec<f64>) -> usize {
        grow(cells, n);
        cells.fill(0.0);
        let mut n_cells = 1;
        for (key, conditions) in &self.keys {
            n_cells *= conditions.len();
            for (cell, value) in cells.iter_mut().zip(ws.column(*key)) {
                // A value that is no condition gives a number that no cell has.
                let place = conditions.iter().position(|c| c == value);
                *cell = *cell * conditions.len() as f64 + place.map_or(f64::NAN, |p| p as f64);
            }
        }
        n_cells
    }
}

/// Number, mean and sum of squares of the outcomes of one cell; where it may be missing, of those
/// that are there.
///
/// Sums are of four interleaved parts: fast, and the same on every machine.
fn moments<const SKIPS: bool>(outcome: &[f64], codes: &[f64], code: f64) -> (f64, f64, f64) {
    let (y4, y1) = outcome.as_chunks::<4>();
    let (c4, c1) = codes.as_chunks::<4>();
    let rows = || y4.iter().zip(c4).map(|(y, c)| (f64x4::new(*y), f64x4::new(*c)));
    let rest = || y1.iter().zip(c1).enumerate();
    // All bits set where a row belongs.
    let in_cell = |y: f64x4, c: f64x4| {
        let own = c.simd_eq(f64x4::splat(code));
        if SKIPS { own & y.simd_eq(y) } else { own }
    };
    let belongs = |y: f64, c: f64| c == code && !(SKIPS && y.is_nan());
    let (mut n, mut total) = (f64x4::ZERO, f64x4::ZERO);
    for (y, c) in rows() {
        let own = in_cell(y, c);
        n += own & f64x4::ONE;
        total += own & y;
    }
    let (mut n, mut total) = (n.to_array(), total.to_array());
    for (lane, (y, c)) in rest() {
        if belongs(*y, *c) {
            n[lane] += 1.0;
            total[lane] += y;
        }
    }
    let n = add_up(n);
    if n == 0.0 {
        return (0.0, 0.0, 0.0);
    }
    let mean = add_up(total) / n;
    let mut within = f64x4::ZERO;
    for (y, c) in rows() {
        let off = y - f64x4::splat(mean);
        within += in_cell(y, c) & (off * off);
    }
    let mut within = within.to_array();
    for (lane, (y, c)) in rest() {
        if belongs(*y, *c) {
            within[lane] += (y - mean) * (y - mean);
        }
    }
    (n, mean, add_up(within))
}

/// The sum of interleaved parts.
fn add_up([a, b, c, d]: [f64; 4]) -> f64 {
    (a + b) + (c + d)
}
