//! Latin squares: each arm once in each row and once in each column.

use rand::RngExt;
use rand_pcg::Pcg64Dxsm;
use trialrun_lang::Span;

use super::Scratch;
use super::blocks::number;
use crate::exec::words::plural;
use crate::exec::workspace::grow;
use crate::exec::{Stop, Workspace};
use crate::ids::ColumnId;

/// A Latin square in each block: the cyclic square with its rows, columns and arms shuffled.
///
/// # References
/// Fisher and Yates (1963), Statistical Tables, 6th edition, introduction to table XV.
#[derive(Clone, Debug)]
pub struct Square {
    /// The row of each unit.
    pub row: ColumnId,
    /// The column of each unit.
    pub column: ColumnId,
    /// Where the method stands.
    pub span: Span,
}

/// Rows and columns of one square.
#[derive(Debug, Default)]
pub(super) struct Cells {
    keys: [Vec<f64>; 2],
    shuffled: [Vec<u32>; 3],
    seen: Vec<bool>,
}

impl Square {
    pub(super) fn draw(
        &self,
        k: usize,
        ws: &Workspace,
        s: &mut Scratch,
        rng: &mut Pcg64Dxsm,
        arms: &mut [u32],
    ) -> Result<(), Stop> {
        let mut cells = std::mem::take(&mut s.cells);
        let mut result = Ok(());
        for b in (0..s.n_blocks()).filter(|b| !s.block(*b).is_empty()) {
            result = self.lay(k, ws, s, b, &mut cells);
            if result.is_err() {
                break;
            }
            for order in &mut cells.shuffled {
                shuffle(order, k, rng);
            }
            for &unit in &s.urn[s.block(b)] {
                let (row, column) = self.cell(ws, s, &cells, unit);
                let [rows, columns, letters] = &cells.shuffled;
                arms[unit as usize] = letters[(rows[row] + columns[column]) as usize % k];
            }
        }
        s.cells = cells;
        result
    }

    /// The place of each unit in its square: row times side, plus column.
    pub(super) fn places(
        &self,
        k: usize,
        ws: &Workspace,
        s: &mut Scratch,
        places: &mut Vec<u32>,
    ) -> Result<(), Stop> {
        let mut cells = std::mem::take(&mut s.cells);
        grow(places, s.urn.len());
        let mut result = Ok(());
        for b in (0..s.n_blocks()).filter(|b| !s.block(*b).is_empty()) {
            result = self.lay(k, ws, s, b, &mut cells);
            if result.is_err() {
                break;
            }
            for &unit in &s.urn[s.block(b)] {
                let (row, column) = self.cell(ws, s, &cells, unit);
                places[unit as usize] = (row * k + column) as u32;
            }
        }
        s.cells = cells;
        result
    }

    /// Lists the rows and columns of a block, and checks that it is a square.
    pub(super) fn lay(
        &self,
        k: usize,
        ws: &Workspace,
        s: &Scratch,
        b: usize,
        cells: &mut Cells,
    ) -> Result<(), Stop> {
        let units = &s.urn[s.block(b)];
        let fits = units.len() == k * k;
        for (keys, column) in cells.keys.iter_mut().zip([self.row, self.column]) {
            keys.clear();
            for &unit in units {
                let key = ws.column(column)[s.row(unit)];
                if let Err(at) = keys.binary_search_by(|x| x.total_cmp(&key))
                    && keys.len() <= k
                {
                    keys.insert(at, key);
                }
            }
        }
        let [rows, columns] = &cells.keys;
        if !fits || rows.len() != k || columns.len() != k {
            let message = format!(
                "{k} conditions make a square of {k} rows and {k} columns, one unit in each cell; \
                 here {} lie in {} and {}",
                plural(units.len() as f64, "unit"),
                counted(rows.len(), k, "row"),
                counted(columns.len(), k, "column"),
            );
            return Err(Stop::at(self.span, message, "no square"));
        }
        grow(&mut cells.seen, k * k);
        cells.seen.fill(false);
        for &unit in units {
            let (row, column) = self.cell(ws, s, cells, unit);
            if std::mem::replace(&mut cells.seen[row * k + column], true) {
                let message = "two units lie in one cell of the Latin square";
                return Err(Stop::at(self.span, message, "expected one unit in each cell"));
            }
        }
        Ok(())
    }

    /// The numbers of a unit's row and column.
    pub(super) fn cell(
        &self,
        ws: &Workspace,
        s: &Scratch,
        cells: &Cells,
        unit: u32,
    ) -> (usize, usize) {
        let number = |keys: &[f64], column: ColumnId| {
            let key = ws.column(column)[s.row(unit)];
            keys.partition_point(|x| x.total_cmp(&key).is_lt())
        };
        (number(&cells.keys[0], self.row), number(&cells.keys[1], self.column))
    }
}

/// `3 rows`, or `more than 3 rows` where they were not all counted.
fn counted(n: usize, k: usize, word: &str) -> String {
    match n > k {
        true => format!("more than {}", plural(k as f64, word)),
        false => plural(n as f64, word),
    }
}

/// A random order of the numbers below `k`.
fn shuffle(order: &mut Vec<u32>, k: usize, rng: &mut Pcg64Dxsm) {
    number(order, k);
    for i in 0..k - 1 {
        let j = rng.random_range(i..k);
        order.swap(i, j);
    }
}
