//! Components taken whole: dense matrices of the order of their columns, best where each is a
//! group.

mod sums;

pub(super) use sums::Sums;

use super::criterion::{Problem, Work as Evaluation};
use super::log_product::LogProduct;
use super::roomy;
use crate::linalg::spelt_out;

/// Matrices of one evaluation; those of the last stay.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// `L^-1 C'` of each component, `V = L L'`.
    white: Vec<f64>,
    /// `L^-1` times the turned predictors and outcome.
    rows: Vec<f64>,
    /// `H` of one component.
    h: Vec<f64>,
    /// `Y Y'` of one component.
    r: Vec<f64>,
    n: Vec<f64>,
}

impl Problem<'_> {
    /// Whitens all components and adds them to the joint cross-products.
    pub fn whiten(&self, work: &mut Evaluation, determinant: &mut LogProduct) -> Option<()> {
        let ends = self.index.components[self.index.len()];
        roomy(&mut work.whole.white, ends.square);
        roomy(&mut work.whole.rows, ends.start * self.sums.width);
        (0..self.index.len()).try_for_each(|c| {
            let q = self.index.components[c].q;
            spelt_out!(q, |q| self.whiten_one(c, q, work, determinant))
        })
    }

    /// Whitens a component of `q` columns.
    #[inline(always)]
    fn whiten_one(
        &self,
        c: usize,
        q: usize,
        work: &mut Evaluation,
        determinant: &mut LogProduct,
    ) -> Option<()> {
        let (at, width) = (self.index.components[c], self.sums.width);
        let triangle = &self.sums.whole.c[at.square..at.square + q * q];
        let Evaluation { whole: Work { white, rows, n, .. }, joint, sigma, .. } = work;
        self.spread(c, q, triangle, sigma, n);
        let n = &mut n[..q * q];
        for i in 0..q {
            for j in 0..=i {
                let (a, b) = (&n[i * q..i * q + j], &n[j * q..j * q + j]);
                let v = n[i * q + j] - a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
                if j < i {
                    n[i * q + j] = v / n[j * q + j];
                } else if v > 0.0 && v.is_finite() {
                    n[i * q + i] = v.sqrt();
                    determinant.add(n[i * q + i]);
                } else {
                    return None;
                }
            }
        }
        // Row i of C' is column i of C: nothing before row i.
        let white = &mut white[at.square..at.square + q * q];
        let rows = &mut rows[at.start * width..(at.start + q) * width];
        rows.copy_from_slice(&self.sums.whole.turned[at.start * width..(at.start + q) * width]);
        for i in 0..q {
            let (done, own) = white.split_at_mut(i * q);
            let own = &mut own[..q];
            for (b, o) in own.iter_mut().enumerate() {
                *o = triangle[b * q + i];
            }
            let (rows_done, row) = rows.split_at_mut(i * width);
            let row = &mut row[..width];
            for j in 0..i {
                let l = n[i * q + j];
                if l != 0.0 {
                    let before = &done[j * q..(j + 1) * q];
                    own.iter_mut().zip(before).for_each(|(o, v)| *o -= l * v);
                    let before = &rows_done[j * width..(j + 1) * width];
                    row.iter_mut().zip(before).for_each(|(o, v)| *o -= l * v);
                }
            }
            let scale = 1.0 / n[i * q + i];
            own.iter_mut().for_each(|o| *o *= scale);
            row.iter_mut().for_each(|o| *o *= scale);
            Evaluation::add_joint(&mut joint[..width * width], row);
        }
        Some(())
    }

    /// The lower triangle of `I + C' S C`.
    #[inline(always)]
    fn spread(&self, c: usize, q: usize, triangle: &[f64], sigma: &[f64], n: &mut Vec<f64>) {
        let (n, half) = roomy(n, 2 * q * q).split_at_mut(q * q);
        n.fill(0.0);
        half.fill(0.0);
        let groups = self.index.groups_of(c);
        for group in groups {
            // A group alone has all columns.
            let r = if groups.len() == 1 { q } else { self.parameters.effects[group.factor] };
            let s = &sigma[self.parameters.starts[group.factor]..];
            for a in 0..r {
                for b in 0..r {
                    let v = s[a * r + b];
                    if v != 0.0 {
                        let from = group.column + b;
                        for j in 0..=from {
                            half[(group.column + a) * q + j] += v * triangle[from * q + j];
                        }
                    }
                }
            }
        }
        for i in 0..q {
            let row = &half[i * q..(i + 1) * q];
            for a in 0..=i {
                let l = triangle[i * q + a];
                if l != 0.0 {
                    let out = &mut n[a * q..(a + 1) * q];
                    out.iter_mut().zip(row).for_each(|(o, h)| *o += l * h);
                }
            }
        }
        // The upper triangle was filled; it is symmetric.
        for i in 0..q {
            for j in 0..i {
                n[i * q + j] = n[j * q + i];
            }
            n[i * q + i] += 1.0;
        }
    }

    /// `H`, `Y`, `Y Y'` and `u` of a component.
    pub fn prepare(&self, c: usize, work: &mut Evaluation) {
        spelt_out!(self.index.components[c].q, |q| self.prepare_one(c, q, work));
    }

    /// [`Self::prepare`] for `q` columns.
    #[inline(always)]
    fn prepare_one(&self, c: usize, q: usize, work: &mut Evaluation) {
        let (at, p, width) = (self.index.components[c], self.p(), self.sums.width);
        let white = &work.whole.white[at.square..at.square + q * q];
        let rows = &work.whole.rows[at.start * width..(at.start + q) * width];
        let h = roomy(&mut work.whole.h, q * q);
        h.fill(0.0);
        let y = roomy(&mut work.y, q * width);
        y.fill(0.0);
        for i in 0..q {
            let k = &white[i * q..(i + 1) * q];
            let row = &rows[i * width..(i + 1) * width];
            for a in 0..q {
                let v = k[a];
                if v != 0.0 {
                    let out = &mut h[a * q..(a + 1) * q];
                    out.iter_mut().zip(k).for_each(|(o, k)| *o += v * k);
                    let out = &mut y[a * width..(a + 1) * width];
                    out.iter_mut().zip(row).for_each(|(o, r)| *o += v * r);
                }
            }
        }
        work.turn(q, width);
        let (y, r) = (&work.y, roomy(&mut work.whole.r, q * q));
        for a in 0..q {
            for b in 0..=a {
                let (x, z) = (&y[a * width..a * width + p], &y[b * width..b * width + p]);
                let v = x.iter().zip(z).map(|(x, z)| x * z).sum();
                (r[a * q + b], r[b * q + a]) = (v, v);
            }
        }
    }

    /// Adds what a component gives to sums over single elements.
    pub fn add_singles(&self, c: usize, work: &mut Evaluation) {
        let q = self.index.components[c].q;
        spelt_out!(self.p(), |p| {
            for (k, e) in self.parameters.list.iter().enumerate() {
                let twice = if e.row == e.column { 1.0 } else { 2.0 };
                let own = self.index.groups_of(c).iter().filter(|g| g.factor == e.factor);
                for g in own {
                    let (a, b) = (g.column + e.row, g.column + e.column);
                    work.add_single(k, (a, b), work.whole.h[a * q + b], twice, p);
                }
            }
        });
    }

    /// Adds what a component gives to sums over pairs of elements.
    pub fn add_pairs(&self, c: usize, work: &mut Evaluation) {
        spelt_out!(self.index.components[c].q, |q| self.add_pairs_of(c, q, work));
    }

    /// [`Self::add_pairs`] for `q` columns.
    #[inline(always)]
    fn add_pairs_of(&self, c: usize, q: usize, work: &mut Evaluation) {
        let n = self.parameters.len();
        let Evaluation { whole: Work { h, r, .. }, u, pair, pair_p, pair_form, .. } = work;
        let (h, r, u) = (&h[..q * q], &r[..q * q], &u[..q]);
        for k in 0..n {
            for l in 0..=k {
                let (mut plain, mut freed, mut form) = (0.0, 0.0, 0.0);
                self.each_pair(c, k, l, |a, b, s, t| {
                    let inner = h[b * q + s];
                    plain += inner * h[t * q + a];
                    freed += inner * r[t * q + a];
                    form += u[a] * inner * u[t];
                });
                pair[k * n + l] += plain;
                pair_p[k * n + l] -= 2.0 * freed;
                pair_form[k * n + l] += form;
            }
        }
    }

    /// Visits the terms `e_a e_b'` of one element's `D` with the terms `e_s e_t'` of another's.
    #[inline(always)]
    fn each_pair(
        &self,
        c: usize,
        k: usize,
        l: usize,
        mut visit: impl FnMut(usize, usize, usize, usize),
    ) {
        let (e, o) = (self.parameters.list[k], self.parameters.list[l]);
        let groups = self.index.groups_of(c);
        for g in groups.iter().filter(|g| g.factor == e.factor) {
            let (a, b) = (g.column + e.row, g.column + e.column);
            for h in groups.iter().filter(|h| h.factor == o.factor) {
                let (s, t) = (h.column + o.row, h.column + o.column);
                visit(a, b, s, t);
                if s != t {
                    visit(a, b, t, s);
                }
                if a != b {
                    visit(b, a, s, t);
                }
                if a != b && s != t {
                    visit(b, a, t, s);
                }
            }
        }
    }

    /// Adds a component's `G^-1 Q'V^-1 V_k V^-1 V_l V^-1 Q G'^-1` for each pair, `p x p` matrices.
    pub fn add_sandwiches(&self, c: usize, work: &Evaluation, out: &mut [f64]) {
        let (n, p, width) = (self.parameters.len(), self.p(), self.sums.width);
        let q = self.index.components[c].q;
        for k in 0..n {
            for l in 0..n {
                let matrix = &mut out[(k * n + l) * p * p..(k * n + l + 1) * p * p];
                self.each_pair(c, k, l, |a, b, s, t| {
                    let inner = work.whole.h[b * q + s];
                    for i in 0..p {
                        let left = inner * work.y[a * width + i];
                        for j in 0..p {
                            matrix[i * p + j] += left * work.y[t * width + j];
                        }
                    }
                });
            }
        }
    }
}
