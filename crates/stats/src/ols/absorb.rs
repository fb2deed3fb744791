//! Fixed effects: taken out of the columns exactly, without an indicator for the first factor.

use super::active::Active;
use crate::linalg::gram_schmidt::orthogonalise;
use crate::linalg::room;
use crate::linalg::vector::{dot, scale};
use crate::{Failure, Rows};

/// What is left of a column up to this share, squared, is rounding error.
const SHARE_MIN: f64 = 1e-24;
/// The same for the outcome.
const RESIDUAL_MIN: f64 = 1.2e-29;
/// An indicator of which less than this share, squared, is new depends on those before it.
const NEW_SHARE_MIN: f64 = 1e-18;

/// Work space: the columns without their fixed effects.
#[derive(Clone, Debug, Default)]
pub(super) struct Absorb {
    x: Vec<f64>,
    y: Vec<f64>,
    levels: Levels,
    means: Vec<f64>,
    work: Vec<f64>,
}

/// The fixed effects as orthonormal columns.
///
/// Level `l` of the first factor stands for the column `1{l} w^(1/2) / W_l^(1/2)`, `W_l` its
/// weight; what the other factors add is kept as columns.
#[derive(Clone, Debug, Default)]
pub(super) struct Levels {
    /// Level of each row in the first factor.
    pub code: Vec<u32>,
    /// Weight of each level.
    pub weight: Vec<f64>,
    /// Number of levels with rows.
    pub n_levels: usize,
    /// rows x `n_basis`, times the root of the weights.
    pub basis: Vec<f64>,
    /// Number of independent indicators of the other factors.
    pub n_basis: usize,
    /// Sum of squares of the outcome around its mean.
    pub tss: f64,
    /// Sum of squares of the outcome around zero.
    pub square: f64,
}

impl Levels {
    /// Adds the leverages of the fixed effects, those of whole rows.
    pub fn leverages(&self, weights: Option<&[f64]>, leverage: &mut [f64]) {
        for (i, (h, code)) in leverage.iter_mut().zip(&self.code).enumerate() {
            *h += weights.map_or(1.0, |w| w[i]) / self.weight[*code as usize];
        }
        let m = leverage.len();
        for q in self.basis[..self.n_basis * m].chunks_exact(m) {
            for (h, q) in leverage.iter_mut().zip(q) {
                *h += q * q;
            }
        }
    }

    /// Reads the levels of the first factor and adds up their weights.
    fn read(&mut self, codes: &[f64], weights: Option<&[f64]>) -> Result<(), Failure> {
        let m = codes.len();
        let mut n = 0;
        for (own, code) in room(&mut self.code, m).iter_mut().zip(codes) {
            if !(*code >= 0.0 && *code < f64::from(u32::MAX)) {
                return Err(Failure::NotFinite);
            }
            *own = *code as u32;
            n = n.max(*own as usize + 1);
        }
        self.code.truncate(m);
        let total = room(&mut self.weight, n);
        total.fill(0.0);
        for (i, code) in self.code.iter().enumerate() {
            total[*code as usize] += weights.map_or(1.0, |w| w[i]);
        }
        self.n_levels = total.iter().filter(|w| **w > 0.0).count();
        Ok(())
    }

    /// Takes the weighted mean of each level out of a column, twice, since the first means carry
    /// rounding error.
    fn demean(&self, weights: Option<&[f64]>, means: &mut Vec<f64>, column: &mut [f64]) {
        for _ in 0..2 {
            let n = self.code.iter().max().map_or(0, |c| *c as usize + 1);
            let means = room(means, n);
            means.fill(0.0);
            for (i, (v, code)) in column.iter().zip(&self.code).enumerate() {
                means[*code as usize] += weights.map_or(1.0, |w| w[i]) * v;
            }
            for (mean, weight) in means.iter_mut().zip(&self.weight) {
                *mean /= weight;
            }
            for (v, code) in column.iter_mut().zip(&self.code) {
                *v -= means[*code as usize];
            }
        }
    }
}

impl Absorb {
    /// Takes the fixed effects, the last `n_fixed` columns of the predictors, out of the others and
    /// of the outcome.
    ///
    /// # Errors
    /// `NotFinite` where a level, or a sum of squares, is none.
    pub fn take_out<'a>(
        &'a mut self,
        active: &Active<'a>,
        n_fixed: usize,
    ) -> Result<Active<'a>, Failure> {
        let m = active.rows.len();
        let n_columns = active.rows.n_predictors() - n_fixed;
        let (x, codes) = active.rows.x.split_at(n_columns * m);
        let weights = active.weights();
        self.levels.read(&codes[..m], weights)?;
        self.levels.n_basis = 0;
        for codes in codes.chunks_exact(m).skip(1) {
            self.add_factor(codes, weights)?;
        }
        room(&mut self.x, n_columns * m).copy_from_slice(x);
        let Self { x, levels, means, work, .. } = self;
        for column in x[..n_columns * m].chunks_exact_mut(m) {
            take_out_of(levels, weights, means, work, SHARE_MIN, column)?;
        }
        self.take_out_of_outcome(active, n_fixed)
    }

    /// Takes the fixed effects of the last fit out of another outcome.
    ///
    /// # Errors
    /// `NotFinite` where its sum of squares is none.
    pub fn take_out_of_outcome<'a>(
        &'a mut self,
        active: &Active<'a>,
        n_fixed: usize,
    ) -> Result<Active<'a>, Failure> {
        let m = active.rows.len();
        let n_columns = active.rows.n_predictors() - n_fixed;
        let weights = active.weights();
        room(&mut self.y, m).copy_from_slice(active.rows.y);
        let Self { x, y, levels, means, work } = self;
        let (x, y) = (&x[..n_columns * m], &mut y[..m]);
        let mean = sum(y, weights) / active.weight_sum;
        levels.tss = square(y, mean, weights) + active.within;
        levels.square = take_out_of(levels, weights, means, work, RESIDUAL_MIN, y)?;
        let rows = Rows { x, y, ..active.rows };
        Ok(Active { rows, levels: Some(levels), ..*active })
    }

    /// Adds the indicators of another factor to the basis.
    fn add_factor(&mut self, codes: &[f64], weights: Option<&[f64]>) -> Result<(), Failure> {
        let m = codes.len();
        if !codes.iter().all(|c| *c >= 0.0 && *c < f64::from(u32::MAX)) {
            return Err(Failure::NotFinite);
        }
        let n = codes.iter().fold(0.0_f64, |n, c| n.max(*c)) as usize + 1;
        for level in 0..n {
            let k = self.levels.n_basis;
            room(&mut self.levels.basis, (k + 1) * m);
            let mut column = std::mem::take(&mut self.work);
            let own = room(&mut column, m + k);
            let (own, c) = own.split_at_mut(m);
            for (v, code) in own.iter_mut().zip(codes) {
                *v = f64::from(u8::from(*code == level as f64));
            }
            let raw = square(own, 0.0, weights);
            self.levels.demean(weights, &mut self.means, own);
            by_root(own, weights, |v, root| v * root);
            let start = dot(own, own);
            c.fill(0.0);
            let left = orthogonalise(&self.levels.basis[..k * m], k, 0, own, start, c);
            if left > NEW_SHARE_MIN * raw {
                scale(1.0 / left.sqrt(), own);
                self.levels.basis[k * m..(k + 1) * m].copy_from_slice(own);
                self.levels.n_basis += 1;
            }
            self.work = column;
        }
        Ok(())
    }
}

/// Takes the fixed effects out of a column; returns its sum of squares before. What is rounding
/// error becomes zero.
fn take_out_of(
    levels: &Levels,
    weights: Option<&[f64]>,
    means: &mut Vec<f64>,
    work: &mut Vec<f64>,
    share_min: f64,
    column: &mut [f64],
) -> Result<f64, Failure> {
    let (m, k) = (column.len(), levels.n_basis);
    let raw = square(column, 0.0, weights);
    if !raw.is_finite() {
        return Err(Failure::NotFinite);
    }
    levels.demean(weights, means, column);
    if k > 0 {
        by_root(column, weights, |v, root| v * root);
        let start = dot(column, column);
        let c = room(work, k);
        c.fill(0.0);
        orthogonalise(&levels.basis[..k * m], k, 0, column, start, c);
        by_root(column, weights, |v, root| v / root);
    }
    if square(column, 0.0, weights) <= share_min * raw {
        column.fill(0.0);
    }
    Ok(raw)
}

/// Combines a column with the roots of the weights, where there are any.
fn by_root(column: &mut [f64], weights: Option<&[f64]>, f: impl Fn(f64, f64) -> f64) {
    if let Some(w) = weights {
        for (v, w) in column.iter_mut().zip(w) {
            *v = f(*v, w.sqrt());
        }
    }
}

/// The weighted sum.
fn sum(column: &[f64], weights: Option<&[f64]>) -> f64 {
    match weights {
        None => crate::linalg::vector::sum(column),
        Some(w) => dot(column, w),
    }
}

/// The weighted sum of squares around `mean`.
fn square(column: &[f64], mean: f64, weights: Option<&[f64]>) -> f64 {
    let term = |(i, v): (usize, &f64)| weights.map_or(1.0, |w| w[i]) * ((v - mean) * (v - mean));
    column.iter().enumerate().map(term).sum()
}
