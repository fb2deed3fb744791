//! Who is assigned, and in which blocks.

use trialrun_lang::Span;

use super::Scratch;
use crate::compile::Groups;
use crate::exec::workspace::{Grouping, grow};
use crate::exec::{Op, Stop, Workspace};
use crate::ids::{ColumnId, GroupingId, LevelId};

/// The units that are assigned.
#[derive(Clone, Debug)]
pub enum Units {
    /// The units of a level.
    Level {
        /// The level.
        level: LevelId,
        /// Sets of units that are assigned each on its own.
        blocks: Option<Groups>,
    },
    /// Clusters: the rows with equal values of a variable.
    Clusters {
        /// The level of the rows.
        level: LevelId,
        /// Rows by block and cluster: a cluster in two blocks is two groups.
        cells: GroupingId,
        /// Rows by cluster.
        clusters: GroupingId,
        /// The columns that make blocks.
        blocks: Vec<ColumnId>,
    },
}

impl Units {
    /// The level of the rows that get values.
    pub fn level(&self) -> LevelId {
        match self {
            Self::Level { level, .. } | Self::Clusters { level, .. } => *level,
        }
    }

    /// Whether there are blocks.
    pub fn has_blocks(&self) -> bool {
        match self {
            Self::Level { blocks, .. } => blocks.is_some(),
            Self::Clusters { blocks, .. } => !blocks.is_empty(),
        }
    }

    /// Lists the units, block after block.
    pub(crate) fn seat(&self, ws: &Workspace, s: &mut Scratch, span: Span) -> Result<(), Stop> {
        let n_rows = ws.size(self.level());
        s.rows.clear();
        match self {
            Self::Level { blocks: Some(Groups::Values(grouping)), .. } => {
                let grouping = ws.grouping(*grouping);
                if grouping.order.len() < n_rows {
                    return Err(without(span, n_rows - grouping.order.len(), "block"));
                }
                grow(&mut s.urn, n_rows);
                s.urn.copy_from_slice(&grouping.order);
                grow(&mut s.offsets, grouping.offsets.len());
                s.offsets.copy_from_slice(&grouping.offsets);
            }
            Self::Level { blocks, .. } => {
                number(&mut s.urn, n_rows);
                match blocks {
                    Some(Groups::Runs(_, runs)) => {
                        let runs = ws.runs(*runs);
                        grow(&mut s.offsets, runs.len());
                        s.offsets.copy_from_slice(runs);
                    }
                    _ => {
                        grow(&mut s.offsets, 2);
                        (s.offsets[0], s.offsets[1]) = (0, n_rows as u32);
                    }
                }
            }
            Self::Clusters { cells, clusters, blocks, .. } => {
                let (cells, clusters) = (ws.grouping(*cells), ws.grouping(*clusters));
                let (n_cells, n_clusters) = (cells.offsets.len() - 1, clusters.offsets.len() - 1);
                if clusters.order.len() < n_rows {
                    return Err(without(span, n_rows - clusters.order.len(), "cluster"));
                }
                if cells.order.len() < n_rows {
                    return Err(without(span, n_rows - cells.order.len(), "block"));
                }
                if n_cells > n_clusters {
                    let message = "a cluster lies in more than one block";
                    return Err(Stop::at(span, message, "clusters are assigned as wholes")
                        .hint("blocks must be made of whole clusters"));
                }
                seat_clusters(ws, cells, blocks, s);
            }
        }
        Ok(())
    }

    /// Gives each row the value that goes with the arm of its unit.
    pub(super) fn spread<T>(
        &self,
        ws: &Workspace,
        arms: &[u32],
        out: &mut [T],
        value: impl Fn(u32) -> T,
    ) {
        match self {
            Self::Level { .. } => out.iter_mut().zip(arms).for_each(|(o, arm)| *o = value(*arm)),
            Self::Clusters { cells, .. } => {
                let cells = ws.grouping(*cells);
                for (run, arm) in cells.offsets.windows(2).zip(arms) {
                    for &row in &cells.order[run[0] as usize..run[1] as usize] {
                        out[row as usize] = value(*arm);
                    }
                }
            }
        }
    }
}

/// The numbers from 0.
pub(super) fn number(urn: &mut Vec<u32>, n: usize) {
    grow(urn, n);
    urn.iter_mut().zip(0..).for_each(|(u, unit)| *u = unit);
}

/// Clusters in the order of their blocks; a new block begins where a block's key changes.
fn seat_clusters(ws: &Workspace, cells: &Grouping, blocks: &[ColumnId], s: &mut Scratch) {
    let n = cells.offsets.len() - 1;
    number(&mut s.urn, n);
    grow(&mut s.rows, n);
    for (row, start) in s.rows.iter_mut().zip(&cells.offsets) {
        *row = cells.order[*start as usize];
    }
    grow(&mut s.offsets, n + 1);
    let mut n_blocks = 0;
    for unit in 0..n {
        let key = |unit: usize, column: &ColumnId| ws.column(*column)[s.rows[unit] as usize];
        if unit == 0 || blocks.iter().any(|c| key(unit, c) != key(unit - 1, c)) {
            s.offsets[n_blocks] = unit as u32;
            n_blocks += 1;
        }
    }
    s.offsets[n_blocks] = n as u32;
    s.offsets.truncate(n_blocks + 1);
}

fn without(span: Span, n_missing: usize, what: &str) -> Stop {
    let message = format!("{n_missing} units have a missing value for their {what}");
    Stop::at(span, message, format!("can not be assigned in {what}s"))
        .hint("give every unit a value: `if(condition, a, b)` is missing where it is missing")
}

/// The number of units in the block of each row, as expressions of shares know it: `n_block`.
pub struct BlockSizes {
    /// The units.
    pub units: Units,
    /// The column that gets the numbers.
    pub out: ColumnId,
    /// Where the method stands in the design.
    pub span: Span,
}

impl Op for BlockSizes {
    fn run(&self, ws: &mut Workspace) -> Result<(), Stop> {
        let mut s = std::mem::take(&mut ws.assign);
        let mut out = ws.take(self.out, ws.size(self.units.level()));
        let seated = self.units.seat(ws, &mut s, self.span);
        if seated.is_ok() {
            let mut sizes = std::mem::take(&mut s.arms);
            grow(&mut sizes, s.urn.len());
            for b in 0..s.n_blocks() {
                let block = &s.urn[s.block(b)];
                block.iter().for_each(|u| sizes[*u as usize] = block.len() as u32);
            }
            self.units.spread(ws, &sizes, &mut out, f64::from);
            s.arms = sizes;
        }
        ws.put(self.out, out);
        ws.assign = s;
        seated
    }
}
