//! The rows that a fit works on: collapsed where they are alike, in an orthonormal basis.

use super::{Data, Family};
use crate::Failure;
use crate::linalg::orthonormal::Orthonormal;
use crate::linalg::{emptied, room};

/// Rows are collapsed where they have at most so many different sets of predictors.
const CELLS_MAX: usize = 64;
/// ... and no predictor has more different values than this.
const VALUES_MAX: usize = 16;
/// A column is dropped where its part outside the columns before it is below this share of its
/// norm: the tolerance of R's `glm`.
const RANK_TOLERANCE: f64 = 1e-11;
/// The table of all codes is at most so many times as long as the rows.
const TABLE_SHARE: usize = 8;
/// The place of a row that does not count.
const NONE: u32 = u32::MAX;

/// What keeps rows of equal predictors apart; nothing, by default.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Apart<'a> {
    /// A number of each row, such as its group: rows of different numbers are not alike.
    pub numbers: &'a [u32],
    /// One more than the largest number.
    pub n: u32,
    /// Columns in which rows that are alike agree.
    pub columns: &'a [&'a [f64]],
}

/// The rows of a fit, and the coordinates in which it is computed.
///
/// A *cell* is a row, or all rows whose predictors, weight, trials and offset are alike: the
/// likelihood depends on their outcomes through number and mean, robust variances through the sum
/// of squares as well. The linear predictor is `offset + Q gamma` with `R beta = gamma`, `X = Q R`,
/// `Q` orthonormal over the cells times their weights, so that neither the scale nor the mean of a
/// predictor costs digits.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cells {
    /// Number of cells.
    pub m: usize,
    /// Number of columns of `Q`.
    pub rank: usize,
    /// The predictors and `Q`.
    pub basis: Orthonormal,
    /// Mean outcome of each cell.
    pub y: Vec<f64>,
    /// Rows of each cell.
    pub n: Vec<f64>,
    /// Weight of one row of the cell, its trials included.
    pub w: Vec<f64>,
    /// Sum of squares of the outcome around the cell's mean.
    pub within: Vec<f64>,
    /// Offset; empty where there is none.
    pub offset: Vec<f64>,
    /// A row of each cell.
    pub origin: Vec<u32>,
    /// Cell of each row; [`NONE`] for rows of weight zero.
    pub cell: Vec<u32>,
    /// Rows of positive weight.
    pub n_obs: f64,
    /// Sum of the weights.
    pub weight: f64,
    code: Vec<u32>,
    values: Vec<f64>,
    length: Vec<f64>,
}

impl Cells {
    /// Reads rows.
    ///
    /// # Errors
    /// As [`super::fit`].
    pub fn read(&mut self, data: &Data, family: Family) -> Result<(), Failure> {
        self.check(data, family)?;
        self.collapse(data, &Apart::default())
    }

    /// Makes cells of rows that were checked, none of rows that are apart.
    ///
    /// # Errors
    /// `NotFinite`.
    pub fn collapse(&mut self, data: &Data, apart: &Apart) -> Result<(), Failure> {
        let n_codes = self.code_rows(data, apart).unwrap_or_else(|| {
            self.cell.iter_mut().zip(0..).filter(|(c, _)| **c != NONE).for_each(|(c, i)| *c = i);
            data.y.len()
        });
        self.number_cells(n_codes);
        self.gather(data);
        self.orthogonalise(data)
    }

    /// Outcome of a row as a share of its trials.
    fn outcome(data: &Data, i: usize) -> f64 {
        data.trials.map_or(data.y[i], |t| data.y[i] / t[i])
    }

    /// Weight of a row, its trials included.
    fn weight_of(data: &Data, i: usize) -> f64 {
        data.weights.map_or(1.0, |w| w[i]) * data.trials.map_or(1.0, |t| t[i])
    }

    /// Checks outcomes, weights and offsets, and marks the rows of weight zero.
    ///
    /// # Errors
    /// As [`super::fit`].
    pub fn check(&mut self, data: &Data, family: Family) -> Result<(), Failure> {
        let m = data.y.len();
        let cell = room(&mut self.cell, m);
        cell.fill(0);
        let mut n_obs = 0;
        for i in 0..m {
            let w = Self::weight_of(data, i);
            if !w.is_finite() {
                return Err(Failure::NotFinite);
            }
            let trials_fit = data.trials.is_none_or(|t| t[i].fract() == 0.0 && t[i] >= 0.0);
            if w < 0.0 || !trials_fit {
                return Err(Failure::BadWeights);
            }
            if w == 0.0 {
                cell[i] = NONE;
                continue;
            }
            let (y, offset) = (Self::outcome(data, i), data.offset.map_or(0.0, |o| o[i]));
            if !y.is_finite() || !offset.is_finite() {
                return Err(Failure::NotFinite);
            }
            if !family.allows(y) {
                return Err(Failure::OutcomeNotAllowed);
            }
            n_obs += 1;
        }
        self.cell.truncate(m);
        self.n_obs = f64::from(n_obs);
        match n_obs {
            0 if m == 0 => Err(Failure::NoRows),
            0 => Err(Failure::BadWeights),
            _ => Ok(()),
        }
    }

    /// Gives rows that are alike one code; returns the number of codes, if they are few enough.
    fn code_rows(&mut self, data: &Data, apart: &Apart) -> Option<usize> {
        let m = data.y.len();
        room(&mut self.code, m).fill(0);
        let mut n_codes = 1;
        let own = [data.weights, data.trials, data.offset];
        let columns = data.x.chunks_exact(m).chain(own.into_iter().flatten());
        for column in columns.chain(apart.columns.iter().copied()) {
            self.values.clear();
            self.values.push(column[0]);
            for (v, code) in column.iter().zip(&mut self.code[..m]) {
                let place = match self.values.iter().position(|known| known == v) {
                    Some(place) => place,
                    None if self.values.len() == VALUES_MAX || v.is_nan() => return None,
                    None => {
                        self.values.push(*v);
                        self.values.len() - 1
                    }
                };
                *code += (place * n_codes) as u32;
            }
            n_codes *= self.values.len();
            if n_codes > CELLS_MAX {
                return None;
            }
        }
        let n = apart.n.max(1) as usize;
        if n_codes * n > CELLS_MAX + TABLE_SHARE * m {
            return None;
        }
        for (i, (cell, code)) in self.cell.iter_mut().zip(&self.code).enumerate() {
            let number = apart.numbers.get(i).copied().unwrap_or(0);
            *cell = if *cell == NONE { NONE } else { number * n_codes as u32 + *code };
        }
        Some(n_codes * n)
    }

    /// Replaces codes by numbers of cells in order of appearance.
    fn number_cells(&mut self, n_codes: usize) {
        emptied(&mut self.origin, self.cell.len());
        let place = room(&mut self.code, n_codes);
        place.fill(NONE);
        for (i, cell) in self.cell.iter_mut().enumerate().filter(|(_, c)| **c != NONE) {
            let known = &mut place[*cell as usize];
            if *known == NONE {
                *known = self.origin.len() as u32;
                self.origin.push(i as u32);
            }
            *cell = *known;
        }
        self.m = self.origin.len();
    }

    /// Sums the outcomes of each cell.
    fn gather(&mut self, data: &Data) {
        let m = self.m;
        for buffer in [&mut self.y, &mut self.n, &mut self.within, &mut self.w] {
            room(buffer, m).fill(0.0);
            buffer.truncate(m);
        }
        let live = || self.cell.iter().enumerate().filter(|(_, c)| **c != NONE);
        for (i, &c) in live() {
            self.n[c as usize] += 1.0;
            self.y[c as usize] += Self::outcome(data, i);
        }
        for (y, n) in self.y.iter_mut().zip(&self.n) {
            *y /= n;
        }
        if self.n_obs > m as f64 {
            for (i, &c) in live() {
                let d = Self::outcome(data, i) - self.y[c as usize];
                self.within[c as usize] += d * d;
            }
        }
        self.weight = 0.0;
        emptied(&mut self.offset, m);
        for (c, &i) in self.origin.iter().enumerate() {
            self.w[c] = Self::weight_of(data, i as usize);
            self.weight += self.w[c] * self.n[c];
            self.offset.extend(data.offset.map(|o| o[i as usize]));
        }
    }

    /// Sum of the weights of cell `c`.
    #[inline(always)]
    pub fn total(&self, c: usize) -> f64 {
        self.n[c] * self.w[c]
    }

    /// Finds `Q` and `R`, leaving out columns that those before them determine.
    fn orthogonalise(&mut self, data: &Data) -> Result<(), Failure> {
        let (m, rows) = (self.m, data.y.len());
        let p = data.x.len() / rows;
        self.basis.begin(m, p);
        emptied(&mut self.length, m);
        self.length.extend((0..m).map(|c| (self.n[c] * self.w[c]).sqrt()));
        for x in data.x.chunks_exact(rows) {
            let v = self.basis.place().iter_mut();
            for ((v, &i), length) in v.zip(&self.origin).zip(&self.length) {
                *v = x[i as usize] * length;
            }
            self.basis.take(RANK_TOLERANCE).ok_or(Failure::NotFinite)?;
        }
        self.rank = self.basis.columns.len();
        for q in self.basis.q[..m * self.rank].chunks_exact_mut(m) {
            q.iter_mut().zip(&self.length).for_each(|(q, length)| *q /= length);
        }
        Ok(())
    }

    /// The linear predictors at `gamma`.
    pub fn predict(&self, gamma: &[f64], eta: &mut [f64]) {
        if self.offset.is_empty() {
            eta.fill(0.0);
        } else {
            eta.copy_from_slice(&self.offset);
        }
        self.add(gamma, eta);
    }

    /// Adds `Q gamma`.
    pub fn add(&self, gamma: &[f64], out: &mut [f64]) {
        for (q, g) in self.basis.q.chunks_exact(self.m).zip(gamma) {
            out.iter_mut().zip(q).for_each(|(o, q)| *o += g * q);
        }
    }

    /// The rows that count, each with its cell.
    pub fn live(&self) -> impl Iterator<Item = (usize, usize)> {
        let numbered = self.cell.iter().enumerate().filter(|(_, c)| **c != NONE);
        numbered.map(|(i, c)| (i, *c as usize))
    }

    /// The cell of row `i`, if the row counts.
    pub fn cell_of(&self, i: usize) -> Option<usize> {
        let c = self.cell[i];
        (c != NONE).then_some(c as usize)
    }
}
