//! The cells of a fit in the order of their components.

use super::{Data, Failure, Structure};
use crate::glm::rows::{Apart, Cells};
use crate::glm::{self, Family};
use crate::linalg::{emptied, room};
use crate::lmm::mixed::basis::Basis;
use crate::lmm::mixed::index::{Index, Route};
use crate::lmm::mixed::{self, scales};

/// Most columns that slopes may have in all.
const SLOPES_MAX: usize = 64;
/// Most numbers that the matrix of a component may have.
const NUMBERS_MAX: usize = 4_000_000;
/// Groups of several factors are numbered by their combinations, if those are at most so many
/// times as many as rows.
const COMBINATIONS_SHARE: usize = 8;

/// Cells, each with all that its likelihood depends on, component after component.
///
/// A cell is a row, or all rows of the same groups whose predictors are alike. Its linear
/// predictor is `offset + z'Lambda v + x'gamma`: `z` are the effects' values, `x` is its row of
/// `Q` times [`Layout::unit`], so that columns have mean square one and all parameters one scale.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// Number of cells.
    pub m: usize,
    /// Effects of a row, all factors together.
    pub e: usize,
    /// Number of columns of `Q`.
    pub k: usize,
    /// For each cell the `e` values of `z`, then the `k` of `x`.
    pub u: Vec<f64>,
    /// For each cell and effect, its column among those of the component.
    pub column: Vec<u32>,
    /// Mean outcome.
    pub y: Vec<f64>,
    /// Weight, trials and number of rows included.
    pub w: Vec<f64>,
    /// Offset.
    pub offset: Vec<f64>,
    /// First cell of each component; one more than there are.
    pub starts: Vec<usize>,
    /// Factor of `Q`: square root of the sum of the weights.
    pub unit: f64,
    /// For each factor and effect: where it is measured from, and its unit.
    pub scales: Vec<(f64, f64)>,
    /// For each factor and effect: the column that is its slope's, none for an intercept.
    pub slopes: Vec<Option<usize>>,
    counts: Vec<f64>,
    basis: Basis,
    numbers: Vec<u32>,
    order: Vec<u32>,
    next: Vec<usize>,
}

impl Layout {
    /// Reads the rows: finds cells, groups and components.
    ///
    /// # Errors
    /// As [`super::fit`].
    pub fn read(
        &mut self,
        data: &Data,
        structure: &Structure,
        family: Family,
        cells: &mut Cells,
        index: &mut Index,
    ) -> Result<(), Failure> {
        cells.check(&data.rows, family)?;
        let counts = emptied(&mut self.counts, cells.cell.len());
        counts
            .extend((0..cells.cell.len()).map(|i| f64::from(u8::from(cells.cell_of(i).is_some()))));
        self.basis.stand_for(counts, cells.n_obs);
        let rows = mixed::Data {
            x: &[],
            y: data.rows.y,
            weights: None,
            offset: None,
            columns: data.columns,
        };
        index.read(&rows, structure, &self.basis, Some(Route::Whole))?;
        if (0..index.len()).any(|c| index.components[c].q.pow(2) > NUMBERS_MAX) {
            return Err(Failure::TooLarge);
        }
        scales::find(structure, data.columns, counts, &mut self.scales)?;
        let effects = structure.factors.iter().flat_map(|f| &f.effects);
        emptied(&mut self.slopes, self.scales.len()).extend(effects);
        self.collapse(&data.rows, data.columns, structure, cells, index)?;
        self.sort(cells, index, structure.factors.len());
        self.copy(data, structure, cells, index);
        Ok(())
    }

    /// Makes the cells: of rows whose groups are the same.
    fn collapse(
        &mut self,
        rows: &glm::Data,
        columns: &[&[f64]],
        structure: &Structure,
        cells: &mut Cells,
        index: &Index,
    ) -> Result<(), Failure> {
        let m = rows.y.len();
        let mut slopes = [&[][..]; SLOPES_MAX];
        let effects = structure.factors.iter().flat_map(|f| &f.effects);
        let mut n_slopes = 0;
        for (slope, column) in slopes.iter_mut().zip(effects.copied().flatten()) {
            *slope = columns[column];
            n_slopes += 1;
        }
        let combinations = index.n_groups.iter().try_fold(1, |all: usize, n| {
            all.checked_mul(*n).filter(|all| *all <= COMBINATIONS_SHARE * m + SLOPES_MAX)
        });
        let numbers = room(&mut self.numbers, m);
        let n = match combinations {
            Some(n) => {
                numbers.fill(0);
                for (f, n) in index.n_groups.iter().enumerate() {
                    let live = (0..m).filter(|i| self.counts[*i] > 0.0);
                    live.for_each(|i| numbers[i] = numbers[i] * *n as u32 + index.group[f * m + i]);
                }
                n
            }
            None => {
                numbers.iter_mut().zip(0..).for_each(|(n, i)| *n = i);
                m
            }
        };
        let apart = Apart { numbers, n: n as u32, columns: &slopes[..n_slopes] };
        cells.collapse(rows, &apart)
    }

    /// Puts the cells in the order of their components.
    fn sort(&mut self, cells: &Cells, index: &Index, n_factors: usize) {
        self.m = cells.m;
        let rows = cells.cell.len();
        let component = |c: usize| {
            let node = index.first[0] + index.group[cells.origin[c] as usize] as usize;
            index.component[node] as usize
        };
        assert!(n_factors * rows <= index.group.len());
        emptied(&mut self.starts, index.len() + 1).resize(index.len() + 1, 0);
        for c in 0..self.m {
            self.starts[component(c) + 1] += 1;
        }
        for c in 0..index.len() {
            self.starts[c + 1] += self.starts[c];
        }
        let next = emptied(&mut self.next, index.len());
        next.extend_from_slice(&self.starts[..index.len()]);
        let order = room(&mut self.order, self.m);
        for c in 0..self.m {
            let place = &mut next[component(c)];
            order[*place] = c as u32;
            *place += 1;
        }
    }

    /// Copies what the fit needs of each cell.
    fn copy(&mut self, data: &Data, structure: &Structure, cells: &Cells, index: &Index) {
        let (m, rows) = (self.m, cells.cell.len());
        (self.k, self.e) = (cells.rank, self.scales.len());
        self.unit = cells.weight.sqrt();
        let width = self.e + self.k;
        let u = room(&mut self.u, m * width);
        let column = room(&mut self.column, m * self.e);
        for buffer in [&mut self.y, &mut self.w, &mut self.offset] {
            emptied(buffer, m);
        }
        for (place, &c) in self.order[..m].iter().enumerate() {
            let (c, i) = (c as usize, cells.origin[c as usize] as usize);
            self.y.push(cells.y[c]);
            self.w.push(cells.total(c));
            self.offset.push(cells.offset.get(c).copied().unwrap_or(0.0));
            let (z, x) = u[place * width..(place + 1) * width].split_at_mut(self.e);
            for (x, q) in x.iter_mut().zip(cells.basis.q.chunks_exact(m)) {
                *x = q[c] * self.unit;
            }
            let mut effect = 0;
            for (f, factor) in structure.factors.iter().enumerate() {
                let node = index.first[f] + index.group[f * rows + i] as usize;
                for (own, slope) in factor.effects.iter().enumerate() {
                    let (mean, spread) = self.scales[effect];
                    z[effect] = slope.map_or(1.0, |s| (data.columns[s][i] - mean) / spread);
                    column[place * self.e + effect] = index.column[node] + own as u32;
                    effect += 1;
                }
            }
        }
    }

    /// Width of a row of `u`.
    pub fn width(&self) -> usize {
        self.e + self.k
    }

    /// The row of `u` of cell `i`.
    #[inline(always)]
    pub fn row(&self, i: usize) -> &[f64] {
        let width = self.e + self.k;
        &self.u[i * width..(i + 1) * width]
    }
}
