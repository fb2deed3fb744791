//! Cross-products of components taken in parts.

use super::rows::add_rows;
use crate::linalg::room;
use crate::lmm::mixed::index::Index;
use crate::lmm::mixed::reductions::Reductions;
use crate::lmm::mixed::roomy;
use crate::lmm::mixed::sums::{self, PIVOT_MIN, Rows};

/// The upper triangles `C'` of the components, in parts, with what is turned along.
///
/// In `C'` the inner columns are blocks on the diagonal, one a group, and the others a dense
/// triangle below; rows of the inner groups reach into the columns of the others.
#[derive(Clone, Debug, Default)]
pub(in crate::lmm::mixed) struct Sums {
    /// The blocks of the inner groups: of each its `C` by rows, as many a row as effects.
    pub blocks: Vec<f64>,
    /// The rest of all rows: outer columns, then predictors and outcome.
    pub tall: Vec<f64>,
    /// Cross-products of the rows that are not inner: the outer columns with all columns of `tall`.
    pub outer: Vec<f64>,
    /// What predictors and factors leave of the outcome, where there are two factors of one effect
    /// each.
    pub reductions: Option<Reductions>,
    /// Sums of squares of the outer columns.
    sizes: Vec<f64>,
}

impl sums::Sums {
    /// Reads the rows; the inner factor has `r` effects. Returns the rank of `Z`.
    pub fn read_parts(&mut self, rows: &Rows, r: usize) -> usize {
        let ends = rows.index.components[rows.index.len()];
        roomy(&mut self.parts.blocks, ends.start * r).fill(0.0);
        roomy(&mut self.parts.tall, ends.tall).fill(0.0);
        roomy(&mut self.parts.outer, ends.square).fill(0.0);
        room(&mut self.parts.sizes, ends.start);
        self.accumulate_parts(rows, r);
        let index = rows.index;
        let factors = &rows.structure.factors;
        let is_reduced = factors.len() == 2 && factors.iter().all(|f| f.effects.len() == 1);
        let mut reductions = is_reduced.then(|| self.reduced_by_predictors(index));
        let inner = (0..index.len()).map(|c| self.turn_inner(index, c, r)).sum();
        if let Some(reductions) = &mut reductions {
            self.note_inner(index, inner, reductions);
        }
        self.parts.reductions = reductions;
        inner + (0..index.len()).map(|c| self.turn_outer(index, c)).sum::<usize>()
    }

    /// Adds the rows to the cross-products of their components.
    fn accumulate_parts(&mut self, rows: &Rows, r: usize) {
        let (m, width) = (rows.data.y.len(), self.width);
        let (q, e) = (&rows.basis.x.q[..(width - 1) * m], &rows.basis.e[..m]);
        self.each_row(rows, |sums, i, component| {
            let at = &rows.index.components[component];
            let n_outer = at.q - at.inner;
            let w = n_outer + width;
            let Sums { blocks, tall, outer, .. } = &mut sums.parts;
            for &(a, za) in &sums.entries {
                let out = if a < at.inner {
                    &mut tall[at.tall + a * w..][..w]
                } else {
                    &mut outer[at.square + (a - at.inner) * w..][..w]
                };
                for &(b, zb) in &sums.entries {
                    if b >= at.inner {
                        out[b - at.inner] += za * zb;
                    } else if a < at.inner {
                        // Inner columns of a row are those of one group.
                        blocks[(at.start + a) * r + b % r] += za * zb;
                    }
                }
                let out = &mut out[n_outer..];
                for j in 0..width - 1 {
                    out[j] += za * q[j * m + i];
                }
                out[width - 1] += za * e[i];
            }
        });
    }

    /// Factors the blocks of the inner groups, turns what goes with them, and takes it out of the
    /// rest; returns the rank.
    fn turn_inner(&mut self, index: &Index, c: usize, r: usize) -> usize {
        let (at, width) = (index.components[c], self.width);
        let n_outer = at.q - at.inner;
        let w = n_outer + width;
        let blocks = &mut self.parts.blocks[at.start * r..(at.start + at.inner) * r];
        let tall = &mut self.parts.tall[at.tall..at.tall + at.inner * w];
        let mut rank = 0;
        for (block, rows) in blocks.chunks_exact_mut(r * r).zip(tall.chunks_exact_mut(r * w)) {
            for i in 0..r {
                let own = block[i * r + i];
                for j in 0..=i {
                    let done: f64 = (0..j).map(|l| block[i * r + l] * block[j * r + l]).sum();
                    let (v, pivot) = (block[i * r + j] - done, block[j * r + j]);
                    block[i * r + j] = match () {
                        () if j < i => {
                            if pivot > 0.0 {
                                v / pivot
                            } else {
                                0.0
                            }
                        }
                        () if v > PIVOT_MIN * own => v.sqrt(),
                        () => 0.0,
                    };
                }
                block[i * r + i + 1..(i + 1) * r].fill(0.0);
                let (done, rest) = rows.split_at_mut(i * w);
                let (row, pivot) = (&mut rest[..w], block[i * r + i]);
                add_rows(row, done, w, i, |j| -block[i * r + j]);
                let scale = if pivot > 0.0 { 1.0 / pivot } else { 0.0 };
                row.iter_mut().for_each(|v| *v *= scale);
                rank += usize::from(pivot > 0.0);
            }
        }
        let below = &mut self.below[..width * width];
        for row in tall.chunks_exact(w) {
            take_out(below, &row[n_outer..]);
        }
        let outer = &mut self.parts.outer[at.square..at.square + n_outer * w];
        let sizes = &mut self.parts.sizes[at.start..at.start + n_outer];
        for a in 0..n_outer {
            sizes[a] = outer[a * w + a];
            add_rows(&mut outer[a * w + a..(a + 1) * w], &tall[a..], w, at.inner, |k| {
                -tall[k * w + a]
            });
        }
        rank
    }

    /// Factors what is left of the outer columns, and turns what goes with them; returns the rank.
    fn turn_outer(&mut self, index: &Index, c: usize) -> usize {
        let (at, width) = (index.components[c], self.width);
        let n_outer = at.q - at.inner;
        let w = n_outer + width;
        let Sums { tall, outer, sizes, .. } = &mut self.parts;
        let sizes = &sizes[at.start..at.start + n_outer];
        let rows = &mut tall[at.tall + at.inner * w..at.tall + at.q * w];
        let outer = &mut outer[at.square..at.square + n_outer * w];
        let mut rank = 0;
        for k in 0..n_outer {
            let (done, rest) = rows.split_at_mut(k * w);
            let row = &mut rest[k..w];
            row.copy_from_slice(&outer[k * w + k..(k + 1) * w]);
            add_rows(row, &done[k.min(done.len())..], w, k, |i| -done[i * w + k]);
            let pivot = row[0];
            if pivot > PIVOT_MIN * sizes[k] {
                let scale = 1.0 / pivot.sqrt();
                row.iter_mut().for_each(|v| *v *= scale);
                take_out(&mut self.below[..width * width], &row[n_outer - k..]);
                rank += 1;
            } else {
                row.fill(0.0);
            }
        }
        outer.fill(0.0);
        for a in 0..n_outer {
            add_rows(&mut outer[a * w + a..(a + 1) * w], &rows[a..], w, a + 1, |k| rows[k * w + a]);
        }
        rank
    }
}

/// Takes the cross-products of a row out.
fn take_out(below: &mut [f64], row: &[f64]) {
    for (r, out) in row.iter().zip(below.chunks_exact_mut(row.len())) {
        out.iter_mut().zip(row).for_each(|(o, v)| *o -= r * v);
    }
}
