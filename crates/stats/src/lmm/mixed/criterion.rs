//! The profiled criterion at given covariances, and its exact derivatives.

use super::index::{Component, Index};
use super::log_product::LogProduct;
use super::parameters::Parameters;
use super::sums::Sums;
use super::{Method, roomy};
use crate::linalg::room;

/// What is minimised.
#[derive(Clone, Copy)]
pub(super) struct Problem<'a> {
    pub sums: &'a Sums,
    pub index: &'a Index,
    pub parameters: &'a Parameters,
    pub method: Method,
    /// Degrees of freedom of the residual variance.
    pub nu: f64,
}

/// Matrices of one evaluation; those of the last stay.
///
/// In a component `V = I + C' S C = L L'` with `S` the covariances; `H = Z'V^-1 Z`, `E = Z'V^-1
/// [Q e]`. With `Q'V^-1 Q = G G'` and `b` the coefficients, `Y = E_Q G'^-1` and `u = Z'V^-1 (e -
/// Q b)`. A derivative by an element of `S` puts a matrix of zeros and ones in its
/// place.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// Covariances of all factors.
    pub sigma: Vec<f64>,
    /// `L^-1 C'` of each component.
    white: Vec<f64>,
    /// `L^-1` times the turned predictors and outcome.
    rows: Vec<f64>,
    /// `[Q e]'V^-1[Q e]`; after factoring, `G` in the lower triangle, and in its last row what
    /// `G^-1` makes of the outcome, with `sqrt(r2)` at the end.
    pub joint: Vec<f64>,
    /// `b`.
    pub b: Vec<f64>,
    /// Residual sum of squares.
    pub r2: f64,
    /// `H` of one component.
    pub h: Vec<f64>,
    /// `Y Y'` of one component.
    r: Vec<f64>,
    /// `Y` of one component.
    pub y: Vec<f64>,
    u: Vec<f64>,
    n: Vec<f64>,
    /// `tr(V^-1 V_k)`.
    pub trace: Vec<f64>,
    /// `tr(P V_k)`.
    trace_p: Vec<f64>,
    /// `y'P V_k P y`.
    pub form: Vec<f64>,
    /// `tr(V^-1 V_k V^-1 V_l)`.
    pub pair: Vec<f64>,
    /// `-2 tr(V^-1 V_k V^-1 V_l (V^-1 - P))`.
    pair_p: Vec<f64>,
    /// `y'P V_k V^-1 V_l P y`.
    pair_form: Vec<f64>,
    /// `G^-1 Q'V^-1 V_k V^-1 Q G'^-1`, a matrix for each `k`.
    pub d: Vec<f64>,
    /// `G^-1 Q'V^-1 V_k P y`.
    w: Vec<f64>,
    /// First derivatives by phi.
    pub slope: Vec<f64>,
    /// Second derivatives by phi.
    pub curvature: Vec<f64>,
}

impl Problem<'_> {
    /// Number of predictors.
    pub fn p(&self) -> usize {
        self.sums.width - 1
    }

    /// The criterion at `work.sigma`, but for constants; none where it has no value.
    pub fn value(&self, work: &mut Work) -> Option<f64> {
        let (width, p) = (self.sums.width, self.p());
        let ends = self.index.components[self.index.len()];
        roomy(&mut work.white, ends.square);
        roomy(&mut work.rows, ends.start * width);
        let joint = room(&mut work.joint, width * width);
        joint.copy_from_slice(&self.sums.below[..width * width]);
        let mut determinant = LogProduct::default();
        for c in 0..self.index.len() {
            self.whiten(c, work, &mut determinant)?;
        }
        let joint = &mut work.joint[..width * width];
        let mut of_joint = LogProduct::default();
        for i in 0..width {
            for j in 0..=i {
                let (a, b) = (&joint[i * width..i * width + j], &joint[j * width..j * width + j]);
                let v = joint[i * width + j] - a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
                if j < i {
                    joint[i * width + j] = v / joint[j * width + j];
                } else if v > 0.0 && v.is_finite() {
                    joint[i * width + i] = v.sqrt();
                } else {
                    return None;
                }
            }
            if i < p {
                of_joint.add(joint[i * width + i]);
            }
        }
        work.r2 = joint[width * width - 1] * joint[width * width - 1];
        let mut value = 2.0 * determinant.sum() + self.nu * libm::log(work.r2);
        if self.method == Method::Reml {
            value += 2.0 * of_joint.sum();
        }
        value.is_finite().then_some(value)
    }

    /// Whitens a component and adds it to the joint cross-products.
    fn whiten(&self, c: usize, work: &mut Work, determinant: &mut LogProduct) -> Option<()> {
        let (at, width) = (self.index.components[c], self.sums.width);
        let q = at.q;
        let triangle = &self.sums.c[at.square..at.square + q * q];
        self.spread(c, at, triangle, &work.sigma, &mut work.n);
        let n = &mut work.n[..q * q];
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
        let white = &mut work.white[at.square..at.square + q * q];
        let rows = &mut work.rows[at.start * width..(at.start + q) * width];
        rows.copy_from_slice(&self.sums.turned[at.start * width..(at.start + q) * width]);
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
            for a in 0..width {
                let r = row[a];
                let out = &mut work.joint[a * width..a * width + a + 1];
                out.iter_mut().zip(&*row).for_each(|(o, v)| *o += r * v);
            }
        }
        Some(())
    }

    /// The lower triangle of `I + C' S C`.
    fn spread(&self, c: usize, at: Component, triangle: &[f64], sigma: &[f64], n: &mut Vec<f64>) {
        let q = at.q;
        let n = roomy(n, 2 * q * q);
        let (n, half) = n.split_at_mut(q * q);
        n.fill(0.0);
        half.fill(0.0);
        for group in self.index.groups_of(c) {
            let r = self.parameters.effects[group.factor];
            let s = &sigma[self.parameters.starts[group.factor]..];
            for a in 0..r {
                for b in 0..r {
                    let v = s[a * r + b];
                    if v != 0.0 {
                        let from = group.column + b;
                        let out = &mut half[(group.column + a) * q..(group.column + a) * q + q];
                        let row = &triangle[from * q..from * q + from + 1];
                        out.iter_mut().zip(row).for_each(|(o, t)| *o += v * t);
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

    /// First and second derivatives by phi where `value` was last asked for.
    pub fn differentiate(&self, work: &mut Work) {
        let (d, p, width) = (self.parameters.len(), self.p(), self.sums.width);
        let b = room(&mut work.b, width);
        for i in (0..p).rev() {
            let later: f64 = (i + 1..p).map(|j| work.joint[j * width + i] * b[j]).sum();
            b[i] = (work.joint[p * width + i] - later) / work.joint[i * width + i];
        }
        for (buffer, n) in [
            (&mut work.trace, d),
            (&mut work.trace_p, d),
            (&mut work.form, d),
            (&mut work.pair, d * d),
            (&mut work.pair_p, d * d),
            (&mut work.pair_form, d * d),
            (&mut work.d, d * p * p),
            (&mut work.w, d * p),
        ] {
            room(buffer, n).fill(0.0);
        }
        for c in 0..self.index.len() {
            self.prepare(c, work);
            self.add_singles(c, work);
            self.add_pairs(c, work);
        }
        self.assemble(work);
    }

    /// `H`, `Y`, `Y Y'` and `u` of a component.
    pub fn prepare(&self, c: usize, work: &mut Work) {
        let (at, p, width) = (self.index.components[c], self.p(), self.sums.width);
        let q = at.q;
        let white = &work.white[at.square..at.square + q * q];
        let rows = &work.rows[at.start * width..(at.start + q) * width];
        let h = roomy(&mut work.h, q * q);
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
        let u = roomy(&mut work.u, q);
        for (u, e) in u.iter_mut().zip(y.chunks_exact_mut(width)) {
            *u = e[p] - (0..p).map(|j| e[j] * work.b[j]).sum::<f64>();
            for j in 0..p {
                let g = &work.joint[j * width..j * width + j + 1];
                let done: f64 = (0..j).map(|l| g[l] * e[l]).sum();
                e[j] = (e[j] - done) / g[j];
            }
        }
        let r = roomy(&mut work.r, q * q);
        for a in 0..q {
            for b in 0..=a {
                let (x, z) = (&y[a * width..a * width + p], &y[b * width..b * width + p]);
                let v = x.iter().zip(z).map(|(x, z)| x * z).sum();
                (r[a * q + b], r[b * q + a]) = (v, v);
            }
        }
    }

    /// Adds what a component gives to sums over single elements.
    fn add_singles(&self, c: usize, work: &mut Work) {
        let (q, p, width) = (self.index.components[c].q, self.p(), self.sums.width);
        for (k, e) in self.parameters.list.iter().enumerate() {
            let twice = if e.row == e.column { 1.0 } else { 2.0 };
            let own = self.index.groups_of(c).iter().filter(|g| g.factor == e.factor);
            for g in own {
                let (a, b) = (g.column + e.row, g.column + e.column);
                work.trace[k] += twice * work.h[a * q + b];
                work.trace_p[k] += twice * (work.h[a * q + b] - work.r[a * q + b]);
                work.form[k] += twice * work.u[a] * work.u[b];
                let (x, z) = (&work.y[a * width..a * width + p], &work.y[b * width..b * width + p]);
                let half = 0.5 * twice;
                for i in 0..p {
                    work.w[k * p + i] += half * (work.u[b] * x[i] + work.u[a] * z[i]);
                    for j in 0..p {
                        work.d[(k * p + i) * p + j] += half * (x[i] * z[j] + z[i] * x[j]);
                    }
                }
            }
        }
    }

    /// Adds what a component gives to sums over pairs of elements.
    fn add_pairs(&self, c: usize, work: &mut Work) {
        let n = self.parameters.len();
        for k in 0..n {
            for l in 0..=k {
                let (mut plain, mut freed, mut form) = (0.0, 0.0, 0.0);
                self.each_pair(c, k, l, |a, b, s, t, q| {
                    let inner = work.h[b * q + s];
                    plain += inner * work.h[t * q + a];
                    freed += inner * work.r[t * q + a];
                    form += work.u[a] * inner * work.u[t];
                });
                work.pair[k * n + l] += plain;
                work.pair_p[k * n + l] -= 2.0 * freed;
                work.pair_form[k * n + l] += form;
            }
        }
    }

    /// Visits the terms `e_a e_b'` of one element's `D` with the terms `e_s e_t'` of another's.
    pub fn each_pair(
        &self,
        c: usize,
        k: usize,
        l: usize,
        mut visit: impl FnMut(usize, usize, usize, usize, usize),
    ) {
        let q = self.index.components[c].q;
        let (e, o) = (self.parameters.list[k], self.parameters.list[l]);
        let groups = self.index.groups_of(c);
        for g in groups.iter().filter(|g| g.factor == e.factor) {
            let (a, b) = (g.column + e.row, g.column + e.column);
            for h in groups.iter().filter(|h| h.factor == o.factor) {
                let (s, t) = (h.column + o.row, h.column + o.column);
                visit(a, b, s, t, q);
                if s != t {
                    visit(a, b, t, s, q);
                }
                if a != b {
                    visit(b, a, s, t, q);
                }
                if a != b && s != t {
                    visit(b, a, t, s, q);
                }
            }
        }
    }

    /// Puts the sums together.
    fn assemble(&self, work: &mut Work) {
        let (n, p) = (self.parameters.len(), self.p());
        let reml = self.method == Method::Reml;
        let slope = room(&mut work.slope, n);
        let curvature = room(&mut work.curvature, n * n);
        let ratio = self.nu / work.r2;
        for k in 0..n {
            let trace = if reml { work.trace_p[k] } else { work.trace[k] };
            slope[k] = trace - ratio * work.form[k];
            for l in 0..=k {
                let at = k * n + l;
                work.pair[l * n + k] = work.pair[at];
                let mut trace = work.pair[at];
                if reml {
                    let (x, z) = (&work.d[k * p * p..(k + 1) * p * p], &work.d[l * p * p..]);
                    let both: f64 = x.iter().zip(z).map(|(x, z)| x * z).sum();
                    trace += work.pair_p[at] + both;
                }
                let (x, z) = (&work.w[k * p..(k + 1) * p], &work.w[l * p..(l + 1) * p]);
                let inner: f64 = x.iter().zip(z).map(|(x, z)| x * z).sum();
                let forms = work.form[k] * work.form[l] / work.r2;
                let value = -trace + ratio * (2.0 * (work.pair_form[at] - inner) - forms);
                (curvature[at], curvature[l * n + k]) = (value, value);
            }
        }
    }
}
