//! Cross-products of components taken whole.

use crate::lmm::mixed::index::Index;
use crate::lmm::mixed::roomy;
use crate::lmm::mixed::sums::{self, PIVOT_MIN, Rows};

/// The triangles of the components.
#[derive(Clone, Debug, Default)]
pub(in crate::lmm::mixed) struct Sums {
    /// `C` of each component, by rows.
    pub c: Vec<f64>,
    /// Turned predictors and outcome, a row for each column of `Z`.
    pub turned: Vec<f64>,
}

impl sums::Sums {
    /// Reads the rows; returns the rank of `Z`.
    pub fn read_whole(&mut self, rows: &Rows) -> usize {
        let ends = rows.index.components[rows.index.len()];
        roomy(&mut self.whole.c, ends.square).fill(0.0);
        roomy(&mut self.whole.turned, ends.start * self.width).fill(0.0);
        self.accumulate(rows);
        (0..rows.index.len()).map(|c| self.turn(rows.index, c)).sum()
    }

    /// Adds the rows to the cross-products of their components.
    fn accumulate(&mut self, rows: &Rows) {
        let (m, width) = (rows.data.y.len(), self.width);
        let (q, e) = (&rows.basis.x.q[..(width - 1) * m], &rows.basis.e[..m]);
        self.each_row(rows, |sums, i, component| {
            let at = &rows.index.components[component];
            let Sums { c, turned } = &mut sums.whole;
            for &(a, za) in &sums.entries {
                for &(b, zb) in sums.entries.iter().filter(|(b, _)| *b <= a) {
                    c[at.square + a * at.q + b] += za * zb;
                }
                let out = &mut turned[(at.start + a) * width..(at.start + a + 1) * width];
                for j in 0..width - 1 {
                    out[j] += za * q[j * m + i];
                }
                out[width - 1] += za * e[i];
            }
        });
    }

    /// Factors a component's cross-products and turns what goes with them; returns the rank.
    fn turn(&mut self, index: &Index, c: usize) -> usize {
        let (at, width) = (index.components[c], self.width);
        let q = at.q;
        let a = &mut self.whole.c[at.square..at.square + q * q];
        let rows = &mut self.whole.turned[at.start * width..(at.start + q) * width];
        let mut rank = 0;
        for i in 0..q {
            let own = a[i * q + i];
            for j in 0..=i {
                let (head, tail) = a.split_at_mut(i * q);
                let row_j = if j < i { &head[j * q..j * q + j] } else { &[][..] };
                let row_i = &mut tail[..q];
                let done: f64 = if j < i {
                    row_i[..j].iter().zip(row_j).map(|(x, y)| x * y).sum()
                } else {
                    row_i[..i].iter().map(|x| x * x).sum()
                };
                let v = row_i[j] - done;
                row_i[j] = if j < i {
                    let pivot = head[j * q + j];
                    if pivot > 0.0 { v / pivot } else { 0.0 }
                } else if v > PIVOT_MIN * own && v > 0.0 {
                    v.sqrt()
                } else {
                    0.0
                };
            }
            let (done, rest) = rows.split_at_mut(i * width);
            let own = &mut rest[..width];
            let pivot = a[i * q + i];
            if pivot == 0.0 {
                own.fill(0.0);
                continue;
            }
            rank += 1;
            for j in 0..i {
                let l = a[i * q + j];
                if l != 0.0 {
                    let before = &done[j * width..(j + 1) * width];
                    own.iter_mut().zip(before).for_each(|(o, b)| *o -= l * b);
                }
            }
            own.iter_mut().for_each(|o| *o /= pivot);
            for j in 0..width {
                for l in 0..width {
                    self.below[j * width + l] -= own[j] * own[l];
                }
            }
        }
        rank
    }
}
