//! Which rows a fit works on: complete ones, of a subset, in the order of groups and blocks.

use trialrun_stats::Failure;
use trialrun_stats::buffer::{emptied, push};

use super::model::{Model, ModelScratch, Source, Term};
use crate::compile::Groups;
use crate::exec::Workspace;
use crate::ids::ColumnId;

impl Model {
    /// Finds where blocks begin.
    ///
    /// # Errors
    /// `SplitCluster` where a cluster has rows in two blocks.
    pub(super) fn find_blocks(
        &self,
        ws: &Workspace,
        scratch: &mut ModelScratch,
        n: usize,
        picked: bool,
    ) -> Result<(), Failure> {
        scratch.blocks.clear();
        let Some(blocks) = self.blocks else { return Ok(()) };
        if let (Some(Groups::Values(cells)), Some(clusters)) = (self.groups, blocks.clusters)
            && ws.grouping(cells).offsets.len() > ws.grouping(clusters).offsets.len()
        {
            return Err(Failure::SplitCluster);
        }
        let codes = ws.column(blocks.code);
        let row = |i: usize| if picked { scratch.index[i] as usize } else { i };
        for i in 0..n {
            if i == 0 || codes[row(i)] != codes[row(i - 1)] {
                push(&mut scratch.blocks, i as u32);
            }
        }
        push(&mut scratch.blocks, n as u32);
        Ok(())
    }

    /// Whether rows have to be picked out or put in the order of groups.
    pub(super) fn is_picked(&self, ws: &Workspace) -> bool {
        let n = ws.size(self.rows);
        let is_whole = |column: ColumnId| !ws.column(column)[..n].iter().any(|v| v.is_nan());
        matches!(self.observations, Source::Cells(_))
            || self.subset.is_some()
            || matches!(self.groups, Some(Groups::Values(_)))
            || (self.drops_missing && !self.all_columns(is_whole))
    }

    /// Whether something holds for each column that has to be there in a row.
    fn all_columns(&self, holds: impl Fn(ColumnId) -> bool) -> bool {
        let weights_hold = match self.observations {
            Source::Weighted(weight) => holds(weight),
            Source::Single | Source::Collapsed { .. } | Source::Cells(_) => true,
        };
        let term_holds =
            |t: &Term| t.numeric.is_none_or(&holds) && t.factors.iter().all(|f| holds(f.column));
        let extras_hold = self.extras.iter().all(|column| holds(*column));
        let instruments = self.instruments.iter().flat_map(|z| &z.terms);
        weights_hold
            && extras_hold
            && self.outcomes.iter().all(|outcome| holds(outcome.column))
            && self.terms.iter().chain(instruments).all(term_holds)
            && self.fixed.iter().all(|column| holds(*column))
            && self.ways.iter().flat_map(|ways| &ways.keys).all(|column| holds(*column))
    }

    /// Picks the rows of a fit, sorted by groups, without those that have a missing value or are
    /// not of the subset.
    pub(super) fn pick_rows(&self, ws: &Workspace, scratch: &mut ModelScratch) {
        let n = ws.size(self.rows);
        let ModelScratch { index, offsets, .. } = scratch;
        let n_groups = match self.groups {
            Some(Groups::Values(grouping)) => ws.grouping(grouping).offsets.len(),
            Some(Groups::Runs(_, runs)) => ws.runs(runs).len(),
            None => 0,
        };
        emptied(index, n);
        emptied(offsets, n_groups + 1).push(0);
        let subset = self.subset.map(|column| ws.column(column));
        let chosen =
            |row: u32| subset.is_none_or(|s| s[row as usize] != 0.0 && !s[row as usize].is_nan());
        let is_complete = |row: u32| self.all_columns(|c| !ws.column(c)[row as usize].is_nan());
        let keeps = |row: u32| chosen(row) && (!self.drops_missing || is_complete(row));
        match self.groups {
            Some(Groups::Values(grouping)) => {
                let grouping = ws.grouping(grouping);
                for run in grouping.offsets.windows(2) {
                    let rows = &grouping.order[run[0] as usize..run[1] as usize];
                    index.extend(rows.iter().copied().filter(|row| keeps(*row)));
                    offsets.push(index.len() as u32);
                }
            }
            Some(Groups::Runs(_, runs)) => {
                for run in ws.runs(runs).windows(2) {
                    index.extend((run[0]..run[1]).filter(|row| keeps(*row)));
                    offsets.push(index.len() as u32);
                }
            }
            None => index.extend((0..n as u32).filter(|row| keeps(*row))),
        }
    }
}
