//! `H` and `E` of a component taken in parts.

use super::rows::add_rows;
use super::{Evaluation, Problem, Sizes, Work, backward, forward};
use crate::linalg::{room, spelt_out};
use crate::lmm::mixed::roomy;

impl Problem<'_> {
    /// `H`, `Y` and `u` of a component.
    ///
    /// `H_11 = D_1 - F_1'F_1`, of which the second part is kept as `F_1`, with a row for each outer
    /// column; `H_21` and `H_22` are kept in full.
    pub fn prepare_parts(&self, c: usize, inner: usize, lambda: &[f64], work: &mut Evaluation) {
        let sizes = self.sizes(self.index.components[c], inner);
        spelt_out!(sizes.r, |r| self.set_cross(c, Sizes { r, ..sizes }, &mut work.parts));
        self.solve_cross(c, inner, sizes, lambda, &mut work.parts);
        self.unscale(c, inner, sizes, lambda, &mut work.parts);
        spelt_out!(sizes.r, |r| self.set_blocks(c, Sizes { r, ..sizes }, &mut work.parts));
        spelt_out!(sizes.r, |r| self.set_errors(c, Sizes { r, ..sizes }, work));
        work.turn(sizes.inner + sizes.outer, sizes.width);
    }

    /// `Z_2'V_1^-1 [Z_1 Z_2 Q e]`.
    #[inline(always)]
    fn set_cross(&self, c: usize, sizes: Sizes, parts: &mut Work) {
        let Sizes { inner, outer, r, w, v, .. } = sizes;
        let at = self.index.components[c];
        let Work { zz, white, a, cross, .. } = parts;
        let zz = &zz[at.start * r..(at.start + inner) * r];
        let white = &white[at.tall..at.tall + inner * w];
        let a = &a[at.square..at.square + outer * w];
        let cross = roomy(cross, outer * v);
        for (i, (row, a)) in cross.chunks_exact_mut(v).zip(a.chunks_exact(w)).enumerate() {
            let (first, rest) = row.split_at_mut(inner);
            rest.copy_from_slice(a);
            let groups = zz.chunks_exact(r * r).zip(white.chunks_exact(r * w));
            for (out, (zz, white)) in first.chunks_exact_mut(r).zip(groups) {
                for (e, out) in out.iter_mut().enumerate() {
                    *out = (0..r).map(|j| white[j * w + i] * zz[j * r + e]).sum();
                }
            }
        }
    }

    /// `F = U'^-1 Lambda' cross`, and `Lambda'H_2 = U^-1 F`.
    fn solve_cross(
        &self,
        c: usize,
        inner: usize,
        Sizes { outer, v, .. }: Sizes,
        lambda: &[f64],
        parts: &mut Work,
    ) {
        let at = self.index.components[c];
        let Work { u, cross, f, h, .. } = parts;
        let u = &u[at.square..at.square + outer * outer];
        let f = roomy(f, outer * v);
        f.copy_from_slice(&cross[..outer * v]);
        self.turn_by_lambda(c, inner, lambda, f, v);
        forward(u, outer, f, v);
        let h = roomy(h, outer * v);
        h.copy_from_slice(f);
        backward(u, outer, h, v);
    }

    /// `H_2` from `Lambda'H_2`: by division where the diagonal element of `Lambda` is large, by
    /// subtraction from `cross` where it is small, so that neither costs digits.
    fn unscale(
        &self,
        c: usize,
        inner: usize,
        Sizes { inner: n_inner, outer, v, .. }: Sizes,
        lambda: &[f64],
        parts: &mut Work,
    ) {
        let Work { cross, h, moved, .. } = parts;
        let (cross, h) = (&cross[..outer * v], &mut h[..outer * v]);
        let is_large = |a: usize, own: f64| own * own * cross[a * v + n_inner + a] > 1.0;
        let mut all_large = true;
        self.each_outer(c, inner, lambda, |first, r, l| {
            all_large &= (0..r).all(|i| is_large(first + i, l[i * r + i]));
        });
        let moved = roomy(moved, outer * v);
        if !all_large {
            moved.copy_from_slice(h);
            self.spread_by_lambda(c, inner, lambda, moved, v);
        }
        self.each_outer(c, inner, lambda, |first, r, l| {
            for i in (0..r).rev() {
                let a = first + i;
                let (head, later) = h.split_at_mut((a + 1) * v);
                let row = &mut head[a * v..];
                if is_large(a, l[i * r + i]) {
                    add_rows(row, later, v, r - i - 1, |j| -l[(i + 1 + j) * r + i]);
                    let scale = 1.0 / l[i * r + i];
                    row.iter_mut().for_each(|x| *x *= scale);
                } else {
                    let own = &cross[a * v..(a + 1) * v];
                    row.copy_from_slice(own);
                    add_rows(row, moved, v, outer, |b| -own[n_inner + b]);
                }
            }
        });
    }

    /// `D_1` and the blocks on the diagonal of `F_1'F_1`.
    #[inline(always)]
    fn set_blocks(&self, c: usize, sizes: Sizes, parts: &mut Work) {
        let Sizes { inner, outer, r, v, .. } = sizes;
        let at = self.index.components[c];
        let Work { zz, f, d1, phi, .. } = parts;
        let zz = &zz[at.start * r..(at.start + inner) * r];
        let d1 = room(d1, inner * r);
        for (d1, zz) in d1.chunks_exact_mut(r * r).zip(zz.chunks_exact(r * r)) {
            for a in 0..r {
                for b in 0..r {
                    d1[a * r + b] = (0..r).map(|i| zz[i * r + a] * zz[i * r + b]).sum();
                }
            }
        }
        let phi = room(phi, inner * r);
        phi.fill(0.0);
        for f in f[..outer * v].chunks_exact(v) {
            let groups = f[..inner].chunks_exact(r);
            for (phi, f) in phi.chunks_exact_mut(r * r).zip(groups) {
                for (phi, a) in phi.chunks_exact_mut(r).zip(f) {
                    phi.iter_mut().zip(f).for_each(|(phi, b)| *phi += a * b);
                }
            }
        }
    }

    /// `E = Z'V^-1 [Q e]`.
    #[inline(always)]
    fn set_errors(&self, c: usize, sizes: Sizes, work: &mut Evaluation) {
        let Sizes { inner, outer, r, width, v, .. } = sizes;
        let at = self.index.components[c];
        let Work { zz, left, h, .. } = &work.parts;
        let zz = &zz[at.start * r..(at.start + inner) * r];
        let left = &left[at.start * width..(at.start + inner) * width];
        let (of_inner, of_outer) =
            roomy(&mut work.y, (inner + outer) * width).split_at_mut(inner * width);
        of_inner.fill(0.0);
        let groups = zz.chunks_exact(r * r).zip(left.chunks_exact(r * width));
        for (out, (zz, left)) in of_inner.chunks_exact_mut(r * width).zip(groups) {
            for (e, out) in out.chunks_exact_mut(width).enumerate() {
                add_rows(out, left, width, r, |j| zz[j * r + e]);
            }
        }
        for (out, h) in of_outer.chunks_exact_mut(width).zip(h[..outer * v].chunks_exact(v)) {
            out.copy_from_slice(&h[inner + outer..]);
        }
    }
}
