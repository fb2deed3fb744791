//! Which predictors are estimable, and the coordinates in which the fit is computed.

use super::groups::{Groups, Layout};
use super::kernels::{at, factor, factor_dropping, grown, triangle};
use super::sums::{Sums, column, compress};
use crate::Rows;

/// A column is dropped where its part outside the columns before it is below this share of its
/// norm: the tolerance of R's `qr`, which `lmer` uses.
const RANK_TOLERANCE: f64 = 1e-7;
/// Sums of squares below this have lost digits to underflow and count as zero.
pub(super) const UNDERFLOW: f64 = 1e-280;
/// Below this share of its sum of squares, what the columns before leave of a column has lost too
/// many digits in cross-products, and the rows are read again.
const LOSS: f64 = 1e-6;

/// The columns `Z U` that the fit is computed on, `U` unit upper triangular, `Z` the kept
/// predictors and the outcome.
///
/// `U` takes out of each column some multiple of the columns before it: of the constant, so that
/// an offset costs no digits, and of all of them where they are nearly collinear. Determinants and
/// the residual sum of squares are the same in either coordinates.
#[derive(Debug, Default)]
pub(super) struct Basis {
    /// Whether a predictor is estimable.
    pub kept: Vec<bool>,
    /// Kept predictors in order.
    pub columns: Vec<usize>,
    /// `U` by rows, `q x q` with `q` one more than the kept predictors.
    pub u: Vec<f64>,
    /// Packed `L D L'` of the total cross-products of the columns used last.
    pub total: Vec<f64>,
    /// Sums of squares of the columns as they were given.
    pub raw: Vec<f64>,
    /// The rows in new coordinates, where they had to be read again.
    rows: Vec<f64>,
    /// Whether `rows` is in use.
    rewritten: bool,
}

/// Whether what is left of a sum of squares is too small a share to be known to many digits.
pub(super) fn is_lossy(left: f64, all: f64) -> bool {
    left < LOSS * all
}

impl Basis {
    /// Number of columns, the outcome included.
    pub fn q(&self) -> usize {
        self.columns.len() + 1
    }

    /// Decides on the predictors from the total cross-products, and drops the others from `sums`.
    pub fn choose(&mut self, sums: &mut Sums, slots: usize) {
        let q = sums.q;
        grown(&mut self.kept, q - 1);
        self.kept.truncate(q - 1);
        let total = grown(&mut self.total, triangle(q));
        total.copy_from_slice(&sums.total[..triangle(q)]);
        let raw = &sums.raw;
        factor_dropping(total, q, &mut self.kept, |j| {
            (RANK_TOLERANCE * RANK_TOLERANCE * raw[j]).max(UNDERFLOW)
        });
        self.columns.clear();
        self.columns.extend((0..q - 1).filter(|&j| self.kept[j]));
        if self.columns.len() + 1 < q {
            compress(&mut self.total, 0, 0, &self.columns, q);
            sums.keep(&self.columns, slots);
        }
        let q = self.q();
        grown(&mut self.raw, q).copy_from_slice(&sums.raw[..q]);
        self.rewritten = false;
        let u = grown(&mut self.u, q * q);
        u.fill(0.0);
        for j in 0..q {
            u[j * q + j] = 1.0;
        }
        self.centre(sums);
    }

    /// Notes that the constant's multiple was taken out of the other columns.
    pub fn centre(&mut self, sums: &Sums) {
        let q = self.q();
        if let Some(c) = sums.constant {
            for j in 1..q {
                self.u[j] -= sums.shift[j] / c;
            }
        }
    }

    /// Whether some column is so close to the span of those before it that cross-products do not
    /// resolve the difference.
    pub fn is_lossy(&self, sums: &Sums) -> bool {
        (0..self.q()).any(|j| is_lossy(self.total[at(j, j)], sums.total[at(j, j)]))
    }

    /// Takes the fit of all observations out of every column.
    pub fn free_columns(&mut self, rows: &Rows, sums: &Sums) {
        let lower = std::mem::take(&mut self.total);
        self.free(rows, sums, &lower);
        self.total = lower;
    }

    /// Takes the fit with coefficients `beta` out of the outcome alone.
    pub fn free_outcome(&mut self, rows: &Rows, sums: &Sums, beta: &[f64]) {
        let p = self.columns.len();
        self.total[..triangle(p)].fill(0.0);
        self.total[triangle(p)..][..p].copy_from_slice(&beta[..p]);
        self.free_columns(rows, sums);
    }

    /// Rewrites the rows, to be read again: column `j` becomes `z_j - sum_(k<j) L_jk z_k`, each
    /// measured from where `sums` measured it.
    fn free(&mut self, rows: &Rows, sums: &Sums, lower: &[f64]) {
        let (q, m) = (self.q(), rows.len());
        let new = grown(&mut self.rows, q * m);
        for j in 0..q {
            let (done, rest) = new.split_at_mut(j * m);
            let target = &mut rest[..m];
            if !self.rewritten {
                let source = self.columns.get(j).copied().unwrap_or(rows.n_predictors());
                target.copy_from_slice(column(rows, source));
            }
            for t in target.iter_mut() {
                *t -= sums.shift[j];
            }
            for (k, z) in done.chunks_exact(m).enumerate() {
                for (t, v) in target.iter_mut().zip(z) {
                    *t -= lower[at(j, k)] * v;
                }
            }
        }
        self.rewritten = true;
        // U <- U L'^-1, row by row.
        for row in self.u[..q * q].chunks_exact_mut(q) {
            for j in 1..q {
                row[j] -= (0..j).map(|k| row[k] * lower[at(j, k)]).sum::<f64>();
            }
        }
    }

    /// Reads rewritten rows.
    pub fn read_again(&mut self, rows: &Rows, sums: &mut Sums, layout: &Layout, groups: &Groups) {
        let (q, m) = (self.q(), rows.len());
        let (x, y) = self.rows[..q * m].split_at((q - 1) * m);
        let freed = Rows { x, y, observations: rows.observations, groups: rows.groups };
        sums.read(&freed, layout, groups);
        self.centre(sums);
        self.total[..triangle(q)].copy_from_slice(&sums.total[..triangle(q)]);
        factor(&mut self.total[..triangle(q)], q);
    }

    /// The first `p` elements of row `i` of `U`, by kept predictor.
    pub fn row(&self, i: usize) -> &[f64] {
        let q = self.q();
        &self.u[i * q..(i + 1) * q - 1]
    }

    /// Coefficients of the given predictors from those of the columns `Z U`; zero where dropped.
    pub fn coefficients(&self, beta: &[f64], out: &mut Vec<f64>) {
        let p = self.columns.len();
        out.clear();
        out.resize(self.kept.len(), 0.0);
        for (i, &j) in self.columns.iter().enumerate() {
            let row = self.row(i);
            let fitted: f64 = (i..p).map(|k| row[k] * beta[k]).sum();
            out[j] = fitted - self.u[i * (p + 1) + p];
        }
    }
}
