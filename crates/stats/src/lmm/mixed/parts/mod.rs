//! Components taken in parts: the groups of the inner factor are eliminated one by one, and what is
//! left is dense in the columns of the other factors alone.
//!
//! With `V_1 = I + Z_1 S_1 Z_1'` of the inner factor, block-diagonal, rows are made white group by
//! group: `V = V_1 + Z_2 S_2 Z_2'` becomes `I + Z_2 S_2 Z_2'`. With `S_2 = Lambda Lambda'`, `A =
//! Z_2'Z_2` of the white rows and `M = I + Lambda'A Lambda = U'U`, the rest is that of lme4: the
//! effects of `[Q e]` are `t = M^-1 Lambda'Z_2'[Q e]`, and what they leave are the rows `[Q e] -
//! Z_2 Lambda t`, whose cross-products together with those of `t` are `[Q e]'V^-1[Q e]`. A factor
//! with `q` columns beside an inner one with `n` costs `n q^2` an evaluation, and half of that
//! where each inner group meets few of the others.

mod derivatives;
mod prepare;
mod rows;
mod sums;

pub(super) use sums::Sums;

use super::criterion::{Problem, Work as Evaluation};
use super::index::Component;
use super::log_product::LogProduct;
use super::roomy;
use crate::linalg::vector::dot;
use crate::linalg::{room, spelt_out};
use rows::add_rows;

/// Matrices of one evaluation; those of the last stay.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// `L^-1 C'` of each inner group, `V_1 = L L'` in the group; as many a row as effects.
    zz: Vec<f64>,
    /// White rows of all components, as [`Sums::tall`].
    white: Vec<f64>,
    /// `Z_2'Z_2` and `Z_2'[Q e]` of each component, a row for each outer column.
    a: Vec<f64>,
    /// `U` of each component: upper triangle by rows.
    u: Vec<f64>,
    /// `t` of each component, in the places of the outer columns.
    t: Vec<f64>,
    /// `Lambda t` of one component.
    effects: Vec<f64>,
    /// `[Q e] - Z_2 Lambda t` of each component.
    left: Vec<f64>,
    small: Vec<f64>,
    by_column: Vec<f64>,
    /// `Z_2'V_1^-1 [Z_1 Z_2 Q e]` of one component.
    cross: Vec<f64>,
    /// `U'^-1 Lambda'` times the same.
    f: Vec<f64>,
    /// `Z_2'V^-1 [Z_1 Z_2 Q e]`.
    h: Vec<f64>,
    /// `S_2 Z_2'V^-1 [Z_1 Z_2 Q e]`.
    moved: Vec<f64>,
    /// `Z_1'V_1^-1 Z_1` of each inner group.
    d1: Vec<f64>,
    /// Blocks on the diagonal of `F_1'F_1`.
    phi: Vec<f64>,
    /// `F_1 D_k F_1'` for each element of the inner factor.
    g: Vec<f64>,
    /// `F_1 D_k`.
    swapped: Vec<f64>,
    /// `D_l [Y u]` by column.
    changed: Vec<f64>,
    /// A column of `F_1 D_l [Y u]`.
    through: Vec<f64>,
    /// `H D_l [Y u]` by column.
    product: Vec<f64>,
}

/// Sizes of a component.
#[derive(Clone, Copy)]
struct Sizes {
    /// Inner columns.
    inner: usize,
    /// Other columns.
    outer: usize,
    /// Effects of the inner factor.
    r: usize,
    /// Predictors and outcome.
    width: usize,
    /// Columns of the tall matrices.
    w: usize,
    /// All columns, predictors and outcome.
    v: usize,
}

impl Problem<'_> {
    fn sizes(&self, at: Component, inner: usize) -> Sizes {
        let (outer, width) = (at.q - at.inner, self.sums.width);
        let r = self.parameters.effects[inner];
        Sizes { inner: at.inner, outer, r, width, w: outer + width, v: at.q + width }
    }

    /// Eliminates the inner groups and then the others, and adds what is left to the joint
    /// cross-products.
    pub fn eliminate(
        &self,
        inner: usize,
        lambda: &[f64],
        work: &mut Evaluation,
        determinant: &mut LogProduct,
    ) -> Option<()> {
        let ends = self.index.components[self.index.len()];
        let (width, r) = (self.sums.width, self.parameters.effects[inner]);
        let parts = &mut work.parts;
        roomy(&mut parts.zz, ends.start * r);
        roomy(&mut parts.white, ends.tall);
        roomy(&mut parts.a, ends.square);
        roomy(&mut parts.u, ends.square);
        roomy(&mut parts.t, ends.start * width);
        roomy(&mut parts.left, ends.start * width);
        for c in 0..self.index.len() {
            let sizes = self.sizes(self.index.components[c], inner);
            spelt_out!(r, |r| {
                self.whiten_inner(c, inner, Sizes { r, ..sizes }, work, determinant)
            })?;
            self.set_a(c, sizes, &mut work.parts);
            self.factor_outer(c, inner, sizes, lambda, &mut work.parts, determinant)?;
            self.leave(c, inner, sizes, lambda, work);
        }
        Some(())
    }

    /// Makes the rows of the inner groups white.
    #[inline(always)]
    fn whiten_inner(
        &self,
        c: usize,
        inner: usize,
        Sizes { w, r, .. }: Sizes,
        work: &mut Evaluation,
        determinant: &mut LogProduct,
    ) -> Option<()> {
        let at = self.index.components[c];
        let sigma = &work.sigma[self.parameters.starts[inner]..];
        let Work { zz, white, small, .. } = &mut work.parts;
        let white = &mut white[at.tall..at.tall + at.q * w];
        white.copy_from_slice(&self.sums.parts.tall[at.tall..at.tall + at.q * w]);
        let zz = &mut zz[at.start * r..(at.start + at.inner) * r];
        let blocks = &self.sums.parts.blocks[at.start * r..(at.start + at.inner) * r];
        let groups = blocks.chunks_exact(r * r).zip(zz.chunks_exact_mut(r * r));
        let l = room(small, r * r);
        for ((block, zz), rows) in groups.zip(white.chunks_exact_mut(r * w)) {
            // The lower triangle of I + C'S C, and its factor.
            for i in 0..r {
                for j in 0..=i {
                    let mut sum = f64::from(u8::from(i == j));
                    for a in i..r {
                        let s = &sigma[a * r..(a + 1) * r];
                        let row: f64 = (j..r).map(|b| s[b] * block[b * r + j]).sum();
                        sum += block[a * r + i] * row;
                    }
                    l[i * r + j] = sum;
                }
            }
            for i in 0..r {
                for j in 0..=i {
                    let done: f64 = (0..j).map(|m| l[i * r + m] * l[j * r + m]).sum();
                    let value = l[i * r + j] - done;
                    if j < i {
                        l[i * r + j] = value / l[j * r + j];
                    } else if value > 0.0 && value.is_finite() {
                        l[i * r + i] = value.sqrt();
                        determinant.add(l[i * r + i]);
                    } else {
                        return None;
                    }
                }
            }
            for i in 0..r {
                let scale = 1.0 / l[i * r + i];
                let (done, rest) = rows.split_at_mut(i * w);
                let row = &mut rest[..w];
                add_rows(row, done, w, i, |j| -l[i * r + j]);
                row.iter_mut().for_each(|v| *v *= scale);
                for e in 0..r {
                    let done: f64 = (0..i).map(|j| l[i * r + j] * zz[j * r + e]).sum();
                    zz[i * r + e] = (block[e * r + i] - done) * scale;
                }
            }
        }
        Some(())
    }

    /// Sets `A` and what goes with it.
    fn set_a(&self, c: usize, Sizes { inner, outer, w, .. }: Sizes, parts: &mut Work) {
        let at = self.index.components[c];
        let white = &parts.white[at.tall..at.tall + inner * w];
        let a = &mut parts.a[at.square..at.square + outer * w];
        a.copy_from_slice(&self.sums.parts.outer[at.square..at.square + outer * w]);
        for i in 0..outer {
            let row = &mut a[i * w + i..(i + 1) * w];
            add_rows(row, white.get(i..).unwrap_or(&[]), w, inner, |k| white[k * w + i]);
        }
        for i in 0..outer {
            for j in 0..i {
                a[i * w + j] = a[j * w + i];
            }
        }
    }

    /// Multiplies the rows of the outer columns by `Lambda'`, in place.
    fn turn_by_lambda(
        &self,
        c: usize,
        inner: usize,
        lambda: &[f64],
        rows: &mut [f64],
        stride: usize,
    ) {
        self.each_outer(c, inner, lambda, |first, r, l| {
            // Row i is a sum over rows from i on: those are as they were.
            for i in 0..r {
                let (head, later) = rows.split_at_mut((first + i + 1) * stride);
                let row = &mut head[(first + i) * stride..];
                let own = l[i * r + i];
                row.iter_mut().for_each(|v| *v *= own);
                add_rows(row, later, stride, r - i - 1, |j| l[(i + 1 + j) * r + i]);
            }
        });
    }

    /// Visits the groups that are not inner: first column among those, number of effects, the
    /// factor's `Lambda`.
    fn each_outer(
        &self,
        c: usize,
        inner: usize,
        lambda: &[f64],
        mut visit: impl FnMut(usize, usize, &[f64]),
    ) {
        let n_inner = self.index.components[c].inner;
        for group in self.index.groups_of(c).iter().filter(|g| g.factor != inner) {
            let r = self.parameters.effects[group.factor];
            let l = &lambda[self.parameters.starts[group.factor]..][..r * r];
            visit(group.column - n_inner, r, l);
        }
    }

    /// Factors `M`.
    fn factor_outer(
        &self,
        c: usize,
        inner: usize,
        Sizes { outer, w, .. }: Sizes,
        lambda: &[f64],
        parts: &mut Work,
        determinant: &mut LogProduct,
    ) -> Option<()> {
        let at = self.index.components[c];
        let a = &parts.a[at.square..at.square + outer * w];
        let u = &mut parts.u[at.square..at.square + outer * outer];
        for (u, a) in u.chunks_exact_mut(outer).zip(a.chunks_exact(w)) {
            u.copy_from_slice(&a[..outer]);
        }
        self.turn_by_lambda(c, inner, lambda, u, outer);
        self.each_outer(c, inner, lambda, |first, r, l| {
            for row in u.chunks_exact_mut(outer) {
                let row = &mut row[first..first + r];
                for i in 0..r {
                    row[i] = (i..r).map(|j| row[j] * l[j * r + i]).sum();
                }
            }
        });
        for k in 0..outer {
            let (done, rest) = u.split_at_mut(k * outer);
            let row = &mut rest[k..outer];
            row[0] += 1.0;
            add_rows(row, done.get(k..).unwrap_or(&[]), outer, k, |i| -done[i * outer + k]);
            let pivot = row[0];
            if !(pivot > 0.0 && pivot.is_finite()) {
                return None;
            }
            let scale = 1.0 / pivot.sqrt();
            row.iter_mut().for_each(|v| *v *= scale);
            determinant.add(row[0]);
        }
        Some(())
    }

    /// Sets `t`, and adds what it leaves of predictors and outcome to the joint cross-products.
    fn leave(
        &self,
        c: usize,
        inner: usize,
        Sizes { outer, w, width, .. }: Sizes,
        lambda: &[f64],
        work: &mut Evaluation,
    ) {
        let at = self.index.components[c];
        let Work { white, a, u, t, effects, left, by_column, .. } = &mut work.parts;
        let place = at.start * width..(at.start + outer) * width;
        let (t, effects) = (&mut t[place], roomy(effects, outer * width));
        let a = &a[at.square..at.square + outer * w];
        let u = &u[at.square..at.square + outer * outer];
        for (t, a) in t.chunks_exact_mut(width).zip(a.chunks_exact(w)) {
            t.copy_from_slice(&a[outer..]);
        }
        self.turn_by_lambda(c, inner, lambda, t, width);
        forward(u, outer, t, width);
        backward(u, outer, t, width);
        effects.copy_from_slice(t);
        self.spread_by_lambda(c, inner, lambda, effects, width);
        let white = &white[at.tall..at.tall + at.q * w];
        let left = &mut left[at.start * width..(at.start + at.q) * width];
        let joint = &mut work.joint[..width * width];
        let by_column = roomy(by_column, outer * width);
        transpose(effects, width, by_column);
        for (left, row) in left.chunks_exact_mut(width).zip(white.chunks_exact(w)) {
            let (of_outer, own) = row.split_at(outer);
            let effects = by_column.chunks_exact(outer);
            for (left, (own, effects)) in left.iter_mut().zip(own.iter().zip(effects)) {
                *left = own - dot(of_outer, effects);
            }
            Evaluation::add_joint(joint, left);
        }
        t.chunks_exact(width).for_each(|row| Evaluation::add_joint(joint, row));
    }

    /// Multiplies the rows of the outer columns by `Lambda`, in place.
    fn spread_by_lambda(
        &self,
        c: usize,
        inner: usize,
        lambda: &[f64],
        rows: &mut [f64],
        stride: usize,
    ) {
        self.each_outer(c, inner, lambda, |first, r, l| {
            // Row i is a sum over rows up to i: those are as they were.
            for i in (0..r).rev() {
                let (before, rest) = rows.split_at_mut((first + i) * stride);
                let row = &mut rest[..stride];
                let own = l[i * r + i];
                row.iter_mut().for_each(|v| *v *= own);
                add_rows(row, &before[first * stride..], stride, i, |j| l[i * r + j]);
            }
        });
    }
}

/// Solves `U'x = b` in place for the rows of `b`.
fn forward(u: &[f64], n: usize, b: &mut [f64], stride: usize) {
    for i in 0..n {
        let (done, rest) = b.split_at_mut(i * stride);
        let row = &mut rest[..stride];
        add_rows(row, done, stride, i, |k| -u[k * n + i]);
        let scale = 1.0 / u[i * n + i];
        row.iter_mut().for_each(|v| *v *= scale);
    }
}

/// Solves `U x = b` in place for the rows of `b`.
fn backward(u: &[f64], n: usize, b: &mut [f64], stride: usize) {
    for i in (0..n).rev() {
        let (head, later) = b.split_at_mut((i + 1) * stride);
        let row = &mut head[i * stride..];
        add_rows(row, later, stride, n - i - 1, |k| -u[i * n + i + 1 + k]);
        let scale = 1.0 / u[i * n + i];
        row.iter_mut().for_each(|v| *v *= scale);
    }
}

/// Writes rows of `width` numbers by column.
fn transpose(rows: &[f64], width: usize, out: &mut [f64]) {
    let n = rows.len() / width;
    for (i, row) in rows.chunks_exact(width).enumerate() {
        row.iter().zip(out[i..].iter_mut().step_by(n)).for_each(|(v, o)| *o = *v);
    }
}
