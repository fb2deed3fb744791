//! Estimates of two variances from what predictors, then one factor, then the other leave of the
//! outcome.
//!
//! With `V = sigma^2 (I + phi_1 Z_1 Z_1' + phi_2 Z_2 Z_2')` and `M` what is left after some
//! columns, `E y'M y = sigma^2 (tr M + phi_1 tr Z_1'M Z_1 + phi_2 tr Z_2'M Z_2)`. After all columns
//! both traces are zero, after the first factor that of `Z_1`: three equations, one after the
//! other. In balanced data they give the REML estimates, where none is negative.
//!
//! # References
//! Henderson 1953, Biometrics 9:226 (method 3). Searle, Casella and McCulloch 1992, Variance
//! Components, section 5.5.

use super::index::Index;
use super::sums::Sums;
use crate::linalg::room;

/// What factors leave of a predictor of length one is rounding error below this.
const DEPENDENT: f64 = 1e-11;
/// A factor of which less than this share is left by the other has no estimate.
const NESTED: f64 = 1e-6;

/// Sums of squares and their expectations.
#[derive(Clone, Debug, Default)]
pub(super) struct Reductions {
    /// What predictors leave, then the inner factor, then the outer one.
    left: [f64; 3],
    /// The traces of `M`.
    df: [f64; 3],
    /// The trace of the inner factor once the predictors are out.
    inner: f64,
    /// Those of the outer factor: without the predictors, and without the inner factor.
    outer: [f64; 2],
}

impl Reductions {
    /// Notes what all leave, and its degrees of freedom.
    pub fn note_all(&mut self, left: f64, df: f64) {
        (self.left[2], self.df[2]) = (left, df);
    }

    /// Variances of the inner and of the outer factor in units of the residual one; none where the
    /// data do not tell them apart.
    pub fn estimates(&self) -> Option<[f64; 2]> {
        let Self { left, df, inner, outer } = self;
        if df[2] <= 0.0 || left[2] <= 0.0 || *inner <= 0.0 || outer[1] <= NESTED * outer[0] {
            return None;
        }
        let sigma2 = left[2] / df[2];
        let of_outer = (left[1] / sigma2 - df[1]) / outer[1];
        let of_inner = (left[0] / sigma2 - df[0] - of_outer * outer[0]) / inner;
        (of_outer.is_finite() && of_inner.is_finite()).then_some([of_inner, of_outer])
    }
}

impl Sums {
    /// What the predictors leave; nothing is turned yet.
    pub fn reduced_by_predictors(&self, index: &Index) -> Reductions {
        let width = self.width;
        let mut traces = [0.0; 2];
        let square = |row: &[f64]| row[..width - 1].iter().map(|v| v * v).sum::<f64>();
        for at in &index.components[..index.len()] {
            let n_outer = at.q - at.inner;
            let w = n_outer + width;
            let blocks = &self.parts.blocks[at.start..at.start + at.inner];
            let tall = &self.parts.tall[at.tall..at.tall + at.inner * w];
            for (own, row) in blocks.iter().zip(tall.chunks_exact(w)) {
                traces[0] += own - square(&row[n_outer..]);
            }
            let outer = &self.parts.outer[at.square..at.square + n_outer * w];
            for (b, row) in outer.chunks_exact(w).enumerate() {
                traces[1] += row[b] - square(&row[n_outer..]);
            }
        }
        Reductions {
            left: [self.below[width * width - 1], 0.0, 0.0],
            df: [self.n_obs - (width - 1) as f64, 0.0, 0.0],
            inner: traces[0],
            outer: [traces[1], 0.0],
        }
    }

    /// Notes what the inner factor leaves, once it is taken out; `rank` is its own.
    pub fn note_inner(&mut self, index: &Index, rank: usize, reductions: &mut Reductions) {
        let (left, of_predictors) = self.take_out_predictors();
        let (width, mut trace) = (self.width, 0.0);
        let (a, z) = (&self.spare, room(&mut self.column, width));
        for at in &index.components[..index.len()] {
            let n_outer = at.q - at.inner;
            let w = n_outer + width;
            let outer = &self.parts.outer[at.square..at.square + n_outer * w];
            for (b, row) in outer.chunks_exact(w).enumerate() {
                z.copy_from_slice(&row[n_outer..]);
                trace += row[b] - form(a, width, z);
            }
        }
        reductions.left[1] = left;
        reductions.df[1] = self.n_obs - (rank + of_predictors) as f64;
        reductions.outer[1] = trace;
    }

    /// Takes the predictors out of `below`, into `spare`; returns what they leave of the outcome,
    /// and how many are not explained already.
    pub fn take_out_predictors(&mut self) -> (f64, usize) {
        let (width, mut rank) = (self.width, 0);
        let a = room(&mut self.spare, width * width);
        a.copy_from_slice(&self.below[..width * width]);
        for i in 0..width - 1 {
            let pivot = a[i * width + i];
            if pivot <= DEPENDENT {
                continue;
            }
            rank += 1;
            for j in i + 1..width {
                let share = a[j * width + i] / pivot;
                for l in i + 1..width {
                    a[j * width + l] -= share * a[i * width + l];
                }
            }
        }
        (a[width * width - 1], rank)
    }
}

/// `z'A^-1 z` for the predictors, `a` after they were taken out; `z` is overwritten.
fn form(a: &[f64], width: usize, z: &mut [f64]) -> f64 {
    let mut sum = 0.0;
    for i in 0..width - 1 {
        let pivot = a[i * width + i];
        if pivot <= DEPENDENT {
            continue;
        }
        let share = z[i] / pivot;
        sum += z[i] * share;
        for l in i + 1..width - 1 {
            z[l] -= share * a[i * width + l];
        }
    }
    sum
}
