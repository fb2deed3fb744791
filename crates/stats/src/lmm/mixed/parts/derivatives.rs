//! What a component taken in parts gives to the derivatives of the criterion.

use super::rows::add_rows;
use super::{Evaluation, Problem, Sizes, Work};
use crate::linalg::spelt_out;
use crate::linalg::vector::{dot, dots};
use crate::lmm::mixed::index::Group;
use crate::lmm::mixed::parameters::Element;
use crate::lmm::mixed::roomy;

impl Problem<'_> {
    /// Adds what a component gives to sums over single elements.
    pub fn add_singles_of_parts(&self, c: usize, inner: usize, work: &mut Evaluation) {
        let Sizes { inner: n_inner, r, v, .. } = self.sizes(self.index.components[c], inner);
        spelt_out!(self.p(), |p| self.add_singles_with(c, inner, (n_inner, r, v), p, work));
    }

    #[inline(always)]
    fn add_singles_with(
        &self,
        c: usize,
        inner: usize,
        (n_inner, r, v): (usize, usize, usize),
        p: usize,
        work: &mut Evaluation,
    ) {
        for (k, e) in self.parameters.list.iter().enumerate() {
            let twice = if e.row == e.column { 1.0 } else { 2.0 };
            for g in self.groups_of(c, e.factor) {
                let (a, b) = (g.column + e.row, g.column + e.column);
                let h = if e.factor == inner {
                    let at = a * r + e.column;
                    work.parts.d1[at] - work.parts.phi[at]
                } else {
                    work.parts.h[(a - n_inner) * v + b]
                };
                work.add_single(k, (a, b), h, twice, p);
            }
        }
    }

    /// The groups of one factor in a component.
    fn groups_of(&self, c: usize, factor: usize) -> impl Iterator<Item = &Group> {
        self.index.groups_of(c).iter().filter(move |g| g.factor == factor)
    }

    /// Adds what a component gives to sums over pairs of elements.
    pub fn add_pairs_of_parts(&self, c: usize, inner: usize, work: &mut Evaluation) {
        let sizes = self.sizes(self.index.components[c], inner);
        let (n, p, width) = (self.parameters.len(), self.p(), sizes.width);
        let q = sizes.inner + sizes.outer;
        spelt_out!(sizes.r, |r| self.set_g(inner, Sizes { r, ..sizes }, &mut work.parts));
        for l in 0..n {
            self.multiply(c, inner, l, sizes, work);
            for k in l..n {
                let e = self.parameters.list[k];
                let (mut freed, mut form) = (0.0, 0.0);
                for g in self.groups_of(c, e.factor) {
                    each_order(e, g, |a, b| {
                        let own = &work.y[b * width..b * width + p];
                        let other = work.parts.product[a..].iter().step_by(q);
                        freed += own.iter().zip(other).map(|(y, h)| y * h).sum::<f64>();
                        form += work.u[b] * work.parts.product[p * q + a];
                    });
                }
                work.pair[k * n + l] += self.plain_pair(c, inner, (k, l), sizes, &work.parts);
                work.pair_p[k * n + l] -= 2.0 * freed;
                work.pair_form[k * n + l] += form;
            }
        }
    }

    /// Adds a component's `G^-1 Q'V^-1 V_k V^-1 V_l V^-1 Q G'^-1` for each pair, `p x p` matrices.
    pub fn add_sandwiches_of_parts(
        &self,
        c: usize,
        inner: usize,
        work: &mut Evaluation,
        out: &mut [f64],
    ) {
        let sizes = self.sizes(self.index.components[c], inner);
        let (n, p, width) = (self.parameters.len(), self.p(), sizes.width);
        let q = sizes.inner + sizes.outer;
        for l in 0..n {
            self.multiply(c, inner, l, sizes, work);
            for k in 0..n {
                let e = self.parameters.list[k];
                let matrix = &mut out[(k * n + l) * p * p..(k * n + l + 1) * p * p];
                for g in self.groups_of(c, e.factor) {
                    each_order(e, g, |a, b| {
                        let y = &work.y[b * width..b * width + p];
                        for (y, row) in y.iter().zip(matrix.chunks_exact_mut(p)) {
                            let h = work.parts.product[a..].iter().step_by(q);
                            row.iter_mut().zip(h).for_each(|(m, h)| *m += y * h);
                        }
                    });
                }
            }
        }
    }

    /// `F_1 D_k F_1'` for each element of the inner factor.
    #[inline(always)]
    fn set_g(&self, inner: usize, sizes: Sizes, parts: &mut Work) {
        let Sizes { inner: n_inner, outer, r, v, .. } = sizes;
        let Work { f, g, swapped, .. } = parts;
        let f = &f[..outer * v];
        let elements = self.elements_of(inner);
        let all = roomy(g, elements.clone().count() * outer * outer);
        let swapped = roomy(swapped, outer * n_inner);
        for (e, g) in elements.zip(all.chunks_exact_mut(outer * outer)) {
            swapped.fill(0.0);
            for (out, f) in swapped.chunks_exact_mut(n_inner).zip(f.chunks_exact(v)) {
                for (out, f) in out.chunks_exact_mut(r).zip(f[..n_inner].chunks_exact(r)) {
                    (out[e.row], out[e.column]) = (f[e.column], f[e.row]);
                }
            }
            for (a, f) in f.chunks_exact(v).enumerate() {
                let (f, column) = (&f[..n_inner], |b: usize| &swapped[b * n_inner..][..n_inner]);
                let mut put = |b: usize, v: f64| (g[a * outer + b], g[b * outer + a]) = (v, v);
                let mut b = 0;
                while b + 4 <= a + 1 {
                    let four = dots(f, [0, 1, 2, 3].map(|i| column(b + i)));
                    (0..4).for_each(|i| put(b + i, four[i]));
                    b += 4;
                }
                (b..=a).for_each(|b| put(b, dot(f, column(b))));
            }
        }
    }

    /// The elements of one factor: they stand together in the list.
    fn elements_of(&self, factor: usize) -> impl Iterator<Item = Element> + Clone {
        self.parameters.list.iter().copied().filter(move |e| e.factor == factor)
    }

    /// `tr(D_k H D_l H)`.
    fn plain_pair(
        &self,
        c: usize,
        inner: usize,
        (k, l): (usize, usize),
        sizes: Sizes,
        parts: &Work,
    ) -> f64 {
        let Sizes { inner: n_inner, outer, v, .. } = sizes;
        let (e, o) = (self.parameters.list[k], self.parameters.list[l]);
        if e.factor == inner && o.factor == inner {
            let first = self.parameters.list.iter().position(|e| e.factor == inner).unwrap_or(0);
            let g = |k: usize| &parts.g[(k - first) * outer * outer..][..outer * outer];
            return dot(g(k), g(l)) + self.inner_pair(c, e, o, sizes, parts);
        }
        // The outer one of the two, where only one is.
        let (e, o) = if e.factor == inner { (o, e) } else { (e, o) };
        // The columns of a factor stand together.
        let first = self.groups_of(c, o.factor).next().map_or(0, |h| h.column);
        let columns = first..first + self.groups_of(c, o.factor).count();
        let mut sum = 0.0;
        for g in self.groups_of(c, e.factor) {
            each_order(e, g, |a, b| {
                let (of_a, of_b) = (&parts.h[(a - n_inner) * v..], &parts.h[(b - n_inner) * v..]);
                if self.parameters.effects[o.factor] == 1 {
                    sum += dot(&of_b[columns.clone()], &of_a[columns.clone()]);
                    return;
                }
                for h in self.groups_of(c, o.factor) {
                    each_order(o, h, |s, t| sum += of_b[s] * of_a[t]);
                }
            });
        }
        sum
    }

    /// What `D_1` has in `tr(D_k H D_l H)` of two elements of the inner factor.
    fn inner_pair(&self, c: usize, e: Element, o: Element, sizes: Sizes, parts: &Work) -> f64 {
        let r = sizes.r;
        let mut sum = 0.0;
        for group in self.groups_of(c, e.factor) {
            let first = group.column;
            let d = &parts.d1[first * r..(first + r) * r];
            let phi = &parts.phi[first * r..(first + r) * r];
            each_order(e, group, |a, b| {
                each_order(o, group, |s, t| {
                    let (x, y) = ((b - first) * r + s - first, (t - first) * r + a - first);
                    sum += d[x] * d[y] - d[x] * phi[y] - phi[x] * d[y];
                });
            });
        }
        sum
    }

    /// `H D_l [Y u]`, by column.
    fn multiply(&self, c: usize, inner: usize, l: usize, sizes: Sizes, work: &mut Evaluation) {
        spelt_out!(sizes.r, |r| self.multiply_with(c, inner, l, Sizes { r, ..sizes }, work));
    }

    #[inline(always)]
    fn multiply_with(&self, c: usize, inner: usize, l: usize, sizes: Sizes, work: &mut Evaluation) {
        let Sizes { inner: n_inner, outer, r, width, v, .. } = sizes;
        let (e, q) = (self.parameters.list[l], n_inner + outer);
        let Evaluation { y, u, parts, .. } = work;
        let Work { f, h, d1, changed, through, product, .. } = parts;
        let (f, h) = (&f[..outer * v], &h[..outer * v]);
        let changed = roomy(changed, q * width);
        changed.fill(0.0);
        for g in self.groups_of(c, e.factor) {
            each_order(e, g, |a, b| {
                for j in 0..width - 1 {
                    changed[j * q + a] = y[b * width + j];
                }
                changed[(width - 1) * q + a] = u[b];
            });
        }
        let product = roomy(product, q * width);
        product.fill(0.0);
        let through = roomy(through, outer);
        for (out, changed) in product.chunks_exact_mut(q).zip(changed.chunks_exact(q)) {
            let (out_inner, out_outer) = out.split_at_mut(n_inner);
            if e.factor != inner {
                let changed = &changed[n_inner..];
                add_rows(out_inner, h, v, outer, |a| changed[a]);
                for (out, h) in out_outer.iter_mut().zip(h.chunks_exact(v)) {
                    *out = dot(&h[n_inner..q], changed);
                }
                continue;
            }
            let changed = &changed[..n_inner];
            for (out, f) in through.iter_mut().zip(f.chunks_exact(v)) {
                *out = dot(&f[..n_inner], changed);
            }
            let groups = d1[..n_inner * r].chunks_exact(r * r).zip(changed.chunks_exact(r));
            for (out, (d, changed)) in out_inner.chunks_exact_mut(r).zip(groups) {
                for (out, d) in out.iter_mut().zip(d.chunks_exact(r)) {
                    *out = d.iter().zip(changed).map(|(d, x)| d * x).sum();
                }
            }
            add_rows(out_inner, f, v, outer, |a| -through[a]);
            for (out, h) in out_outer.iter_mut().zip(h.chunks_exact(v)) {
                *out = dot(&h[..n_inner], changed);
            }
        }
    }
}

/// Visits `(a, b)` and, off the diagonal, `(b, a)`: the places where an element's `D` has ones in
/// the columns of a group.
fn each_order(e: Element, group: &Group, mut visit: impl FnMut(usize, usize)) {
    let (a, b) = (group.column + e.row, group.column + e.column);
    visit(a, b);
    if a != b {
        visit(b, a);
    }
}
