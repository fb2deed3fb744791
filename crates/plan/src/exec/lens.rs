//! What a design's own diagnosands look at: numbers of each simulation, computed from its rows.

use std::sync::Arc;

use super::{Op, Workspace};
use crate::ids::{ColumnId, LevelId};
use crate::result::{Estimate, Row};

/// A column of simulations: its name, and its value in one; NaN where it is missing.
type Column = (&'static str, fn(&Row) -> f64);

/// The columns of simulations, alphabetical.
pub const COLUMNS: [Column; 11] = [
    ("boundary", |row| if row.fit.is_ok() { flag(row.boundary) } else { f64::NAN }),
    ("conf_high", |row| number(row.estimate(), |fit| fit.conf_high)),
    ("conf_low", |row| number(row.estimate(), |fit| fit.conf_low)),
    ("df", |row| number(row.tested(), |fit| fit.df)),
    ("estimand", |row| row.estimand.unwrap_or(f64::NAN)),
    ("estimate", |row| number(row.estimate(), |fit| fit.estimate)),
    ("failed", |row| flag(row.fit.is_err())),
    ("n_obs", |row| if row.fit.is_ok() { row.n_obs } else { f64::NAN }),
    ("p_value", |row| number(row.tested(), |fit| fit.p_value)),
    ("statistic", |row| number(row.tested(), |fit| fit.statistic)),
    ("std_error", |row| number(row.estimate(), |fit| fit.std_error)),
];

fn flag(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

fn number(fit: Option<&Estimate>, of: fn(&Estimate) -> f64) -> f64 {
    fit.map_or(f64::NAN, of)
}

/// Programs over the rows of many simulations.
#[derive(Default)]
pub struct Lens {
    /// The columns that are used: places in [`COLUMNS`].
    pub(crate) inputs: Vec<(usize, ColumnId)>,
    pub(crate) ops: Vec<Arc<dyn Op>>,
    pub(crate) n_columns: usize,
    pub(crate) n_registers: usize,
}

impl Lens {
    /// The level whose units are simulations.
    pub(crate) const LEVEL: LevelId = LevelId(1);

    /// Computes the columns of these rows, one a simulation; they are then in the workspace, which
    /// serves nothing else.
    pub fn look(&self, ws: &mut Workspace, rows: &[Row]) {
        ws.columns.resize_with(self.n_columns, Vec::new);
        ws.registers.resize_with(self.n_registers, Vec::new);
        ws.sizes.clear();
        ws.sizes.extend([1, rows.len()]);
        for &(place, column) in &self.inputs {
            let values = &mut ws.columns[column.idx()];
            values.clear();
            values.extend(rows.iter().map(COLUMNS[place].1));
        }
        for op in &self.ops {
            op.run(ws).expect("nothing is drawn, so nothing can be drawn wrongly");
        }
    }
}
