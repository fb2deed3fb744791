//! Stepped wedges: clusters go over to the treatment one after another.

use super::Units;
use crate::compile::Groups;
use crate::exec::Workspace;
use crate::ids::{ColumnId, LevelId};

/// The times of a stepped wedge. The arms of its lottery are the starts.
pub struct Wedge {
    /// The level of the observations.
    pub level: LevelId,
    /// The time of each observation.
    pub time: ColumnId,
    /// The starts, in ascending order.
    pub starts: Vec<f64>,
    /// The clusters of the observations; none where the lottery's units are clusters of rows of
    /// this level.
    pub clusters: Option<Groups>,
}

impl Wedge {
    /// Gives each observation the first value before its cluster's start, and then the second.
    pub(super) fn spread(
        &self,
        ws: &Workspace,
        units: &Units,
        arms: &[u32],
        values: &[f64],
        out: &mut [f64],
    ) {
        self.each_row(ws, units, |row, cluster| {
            let started = self.reached(ws, row) > arms[cluster];
            out[row] = values[usize::from(started)];
        });
    }

    /// How many starts are at or before an observation's time.
    pub(super) fn reached(&self, ws: &Workspace, row: usize) -> u32 {
        let time = ws.column(self.time)[row];
        self.starts.partition_point(|start| *start <= time) as u32
    }

    /// Tells the cluster of each observation.
    pub(super) fn each_row(
        &self,
        ws: &Workspace,
        units: &Units,
        mut tell: impl FnMut(usize, usize),
    ) {
        match (&self.clusters, units) {
            (Some(Groups::Runs(_, runs)), _) => {
                for (cluster, run) in ws.runs(*runs).windows(2).enumerate() {
                    (run[0]..run[1]).for_each(|row| tell(row as usize, cluster));
                }
            }
            (_, Units::Clusters { cells, .. }) => {
                let cells = ws.grouping(*cells);
                for (cluster, run) in cells.offsets.windows(2).enumerate() {
                    for &row in &cells.order[run[0] as usize..run[1] as usize] {
                        tell(row as usize, cluster);
                    }
                }
            }
            (_, Units::Level { level, .. }) => {
                (0..ws.size(*level)).for_each(|row| tell(row, row));
            }
        }
    }
}
