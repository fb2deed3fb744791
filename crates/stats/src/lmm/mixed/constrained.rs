//! The rows of a model in which one coefficient is given.

use super::index::{Index, Route};
use super::roomy;
use super::sums::Sums;
use crate::linalg::room;

/// Turns the columns of `Q` so that one of them is the direction of a coefficient, and takes that
/// one out of the predictors and, times a number, out of the outcome.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// The direction, of length one.
    direction: Vec<f64>,
    /// The vector of the reflection that turns it to the last axis, so scaled that the reflection
    /// is `I - mirror mirror'`.
    mirror: Vec<f64>,
    space: Vec<f64>,
}

impl Turn {
    /// Takes the direction of `h`; returns its length.
    pub fn read(&mut self, h: &[f64]) -> f64 {
        let (p, length) = (h.len(), h.iter().map(|v| v * v).sum::<f64>().sqrt());
        for buffer in [&mut self.direction, &mut self.mirror] {
            room(buffer, p);
            buffer.truncate(p);
        }
        for (i, v) in h.iter().enumerate() {
            (self.direction[i], self.mirror[i]) = (v / length, v / length);
        }
        // Away from the axis, so that nothing cancels.
        self.mirror[p - 1] += if h[p - 1] < 0.0 { -1.0 } else { 1.0 };
        let square: f64 = self.mirror.iter().map(|v| v * v).sum();
        let scale = (2.0 / square).sqrt();
        self.mirror.iter_mut().for_each(|v| *v *= scale);
        length
    }

    /// The outcome's place in `direction`: its coefficients are `b`.
    pub fn place(&self, b: &[f64]) -> f64 {
        self.direction.iter().zip(b).map(|(v, b)| v * b).sum()
    }

    /// A row of predictors and outcome; the coefficient of the direction is `given`.
    fn row(&self, row: &[f64], given: f64, out: &mut [f64]) {
        let p = self.direction.len();
        let share: f64 = self.mirror.iter().zip(row).map(|(m, v)| m * v).sum();
        for (out, (v, m)) in out.iter_mut().zip(row.iter().zip(&self.mirror)).take(p - 1) {
            *out = v - share * m;
        }
        out[p - 1] = row[p] - given * self.place(&row[..p]);
    }

    /// Sums with the coefficient of the direction given.
    pub fn constrain(&mut self, from: &Sums, given: f64, index: &Index, to: &mut Sums) {
        let (width, ends) = (from.width, index.components[index.len()]);
        (to.n_obs, to.width) = (from.n_obs, width - 1);
        match index.route {
            Route::Whole => {
                roomy(&mut to.whole.c, ends.square).copy_from_slice(&from.whole.c[..ends.square]);
                let turned = roomy(&mut to.whole.turned, ends.start * (width - 1));
                let rows = from.whole.turned[..ends.start * width].chunks_exact(width);
                for (out, row) in turned.chunks_exact_mut(width - 1).zip(rows) {
                    self.row(row, given, out);
                }
            }
            Route::Parts { .. } => {
                let n = from.parts.blocks.len();
                roomy(&mut to.parts.blocks, n)[..n].copy_from_slice(&from.parts.blocks);
                roomy(&mut to.parts.tall, ends.tall);
                roomy(&mut to.parts.outer, ends.square);
                for at in &index.components[..index.len()] {
                    let outer = at.q - at.inner;
                    let w = outer + width;
                    let tall = &from.parts.tall[at.tall..at.tall + at.q * w];
                    let above = &from.parts.outer[at.square..at.square + outer * w];
                    self.rows(tall, outer, w, given, &mut to.parts.tall[at.tall..]);
                    self.rows(above, outer, w, given, &mut to.parts.outer[at.square..]);
                }
            }
        }
        // The cross-products below: the rows of the matrix, then its columns.
        let mut space = std::mem::take(&mut self.space);
        let half = room(&mut space, 2 * width * width);
        let (half, turned) = half.split_at_mut(width * width);
        let rows = from.below[..width * width].chunks_exact(width);
        for (i, row) in rows.enumerate() {
            self.row(row, given, &mut turned[..width - 1]);
            for (j, v) in turned[..width - 1].iter().enumerate() {
                half[j * width + i] = *v;
            }
        }
        let below = room(&mut to.below, (width - 1) * (width - 1));
        for (out, row) in below.chunks_exact_mut(width - 1).zip(half.chunks_exact(width)) {
            self.row(row, given, out);
        }
        self.space = space;
    }

    /// Rows that begin with outer columns.
    fn rows(&self, rows: &[f64], outer: usize, w: usize, given: f64, out: &mut [f64]) {
        for (out, row) in out.chunks_exact_mut(w - 1).zip(rows.chunks_exact(w)) {
            out[..outer].copy_from_slice(&row[..outer]);
            self.row(&row[outer..], given, &mut out[outer..]);
        }
    }
}
