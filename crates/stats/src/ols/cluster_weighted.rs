//! CR2 for weighted least squares, with estimatr's working model of equal variances.

use super::Robust;
use super::active::Active;
use super::cluster::add_square;
use super::decompose::Decomposition;
use super::satterthwaite::Satterthwaite;
use crate::linalg::gram_schmidt::orthogonalise;
use crate::linalg::inverse_root::InverseRoot;
use crate::linalg::room;
use crate::linalg::vector::{dot, dot_weighted, scale, subtract};

/// A direction of which less than this share, squared, is new within its cluster is not new.
const NEW_SHARE_MIN: f64 = 1e-24;

/// Fills the meat of weighted CR2, and the Satterthwaite df of each target.
///
/// With `Q'WQ = I` and `H = QQ'W`, cluster `g` has `B_g = [(I - H)(I - H)']_gg = I + U_g C U_g'`,
/// where `U = [Q, WQ]`, `C = [[O, -I], [-I, 0]]` and `O = Q'W^2 Q`; the meat is `sum_g a_g a_g'`
/// with `a_g = Q_g'W_g B_g^(-1/2) e_g`. In an orthonormal basis `Z` of the columns of `U_g =
/// Z T`, `T = [S, V]`, this is a matter of order twice the rank: `B_z = I + T C T'`, `a_g =
/// V'B_z^(-1/2) Z'e_g`. A target, whose scaled row of `R^-1` is `r`, has `P_gh = c_g'C c_h` off the
/// diagonal, `c_g = T'B_z^(-1/2) V r`, and `P_gg = |V r|^2`, without the directions that the
/// pseudo-inverse takes out.
/// Shapes: `w`: rows; `unit`: targets x rank, rows of `R^-1` scaled to length one.
///
/// # References
/// Pustejovsky and Tipton (2018), Journal of Business and Economic Statistics 36:672, with
/// working covariance `I`.
pub(super) fn cr2(
    active: &Active,
    w: &[f64],
    parts: &Decomposition,
    unit: &[f64],
    robust: &mut Robust,
) {
    let (m, k) = (parts.m, parts.rank);
    let meat = room(&mut robust.meat, k * k);
    meat.fill(0.0);
    if k == 0 {
        return;
    }
    let n_targets = unit.len() / k;
    let groups = active.rows.groups;
    let size_max = groups.windows(2).map(|g| (g[1] - g[0]) as usize).max().unwrap_or(0);
    let mut basis = Basis::new(&mut robust.long, size_max, k);
    let mut small = Small::new(&mut robust.small, &mut robust.root, k);
    let mut df = Satterthwaite::new(&mut robust.cross, &mut robust.trail, (n_targets, 2 * k));
    weight_moments(&parts.q, m, k, w, small.omega);
    for g in groups.windows(2) {
        let (low, high) = (g[0] as usize, g[1] as usize);
        let size = basis.build(parts, w, low, high);
        if size == 0 {
            continue;
        }
        let singular = small.root_of(basis.t, size, n_targets + 1);
        small.add_score(basis.t, &basis.coordinates[..size], meat);
        for (t, r) in unit.chunks_exact(k).enumerate() {
            let diagonal = small.target(basis.t, size, r, singular);
            df.add(t, 2 * k, diagonal, small.c, small.d);
        }
    }
    let full = |t: usize| {
        let r = &unit[t * k..(t + 1) * k];
        (0..k).map(|a| r[a] * dot(&small.omega[a * k..(a + 1) * k], r)).sum()
    };
    df.finish(full, room(&mut robust.df, n_targets));
}

/// Writes `O = Q'W^2 Q`; the columns at hand are those of `W^(1/2) Q`.
fn weight_moments(q: &[f64], m: usize, k: usize, w: &[f64], omega: &mut [f64]) {
    for a in 0..k {
        for b in 0..=a {
            let v = dot_weighted(&q[a * m..(a + 1) * m], &q[b * m..(b + 1) * m], w);
            omega[a * k + b] = v;
            omega[b * k + a] = v;
        }
    }
}

/// An orthonormal basis `Z` of the columns of `U_g`, and their coordinates.
struct Basis<'a> {
    /// Rows of the cluster x up to 2 rank.
    z: &'a mut [f64],
    /// Residuals of the cluster.
    e: &'a mut [f64],
    /// Coordinates: column `j` of `U_g` is `Z t[2 k j..]`.
    t: &'a mut [f64],
    /// Coordinates `Z'e` of the residuals.
    coordinates: &'a mut [f64],
    k: usize,
}

impl<'a> Basis<'a> {
    fn new(buffer: &'a mut Vec<f64>, size_max: usize, k: usize) -> Self {
        let buffer = room(buffer, size_max * (2 * k + 2) + 4 * k * k + 2 * k);
        let (z, rest) = buffer.split_at_mut(size_max * (2 * k + 1));
        let (e, rest) = rest.split_at_mut(size_max);
        let (t, coordinates) = rest.split_at_mut(4 * k * k);
        Self { z, e, t, coordinates, k }
    }

    /// Fills the basis of rows `low..high`; returns its size.
    fn build(&mut self, parts: &Decomposition, w: &[f64], low: usize, high: usize) -> usize {
        let (n, k) = (high - low, self.k);
        let w = &w[low..high];
        for i in 0..n {
            self.e[i] = parts.e[low + i] / w[i].sqrt();
        }
        self.t.fill(0.0);
        let mut size = 0;
        for j in 0..2 * k {
            let column = &parts.q[(j % k) * parts.m + low..(j % k) * parts.m + high];
            let (z, next) = self.z.split_at_mut(size * n);
            let next = &mut next[..n];
            for i in 0..n {
                let root = w[i].sqrt();
                next[i] = if j < k { column[i] / root } else { column[i] * root };
            }
            let start = dot(next, next);
            let t = &mut self.t[j * 2 * k..(j + 1) * 2 * k];
            let square = orthogonalise(z, size, 0, next, start, t);
            // A basis of all the space leaves rounding error only.
            if size < n && square > NEW_SHARE_MIN * start {
                t[size] = square.sqrt();
                scale(1.0 / t[size], next);
                size += 1;
            }
        }
        for j in 0..size {
            self.coordinates[j] = dot(&self.z[j * n..(j + 1) * n], &self.e[..n]);
        }
        size
    }
}

/// Matrices and vectors of the order of the basis.
struct Small<'a> {
    omega: &'a mut [f64],
    /// `I - B_z`, overwritten.
    b: &'a mut [f64],
    x: &'a mut [f64],
    y: &'a mut [f64],
    /// `T'` times the target's vector.
    c: &'a mut [f64],
    /// `C c`.
    d: &'a mut [f64],
    root: &'a mut InverseRoot,
    k: usize,
}

impl<'a> Small<'a> {
    fn new(buffer: &'a mut Vec<f64>, root: &'a mut InverseRoot, k: usize) -> Self {
        let n = 2 * k;
        let buffer = room(buffer, k * k + n * n + 4 * n);
        let (omega, rest) = buffer.split_at_mut(k * k);
        let (b, rest) = rest.split_at_mut(n * n);
        let (x, rest) = rest.split_at_mut(n);
        let (y, rest) = rest.split_at_mut(n);
        let (c, d) = rest.split_at_mut(n);
        Self { omega, b, x, y, c, d, root, k }
    }

    /// Takes `B_z` apart; tells whether it is singular.
    fn root_of(&mut self, t: &[f64], size: usize, vectors: usize) -> bool {
        let k = self.k;
        let b = &mut self.b[..size * size];
        b.fill(0.0);
        for a in 0..k {
            let (s, v) = (&t[a * 2 * k..][..size], &t[(k + a) * 2 * k..][..size]);
            let x = &mut self.x[..size];
            x.copy_from_slice(v);
            for c in 0..k {
                subtract(self.omega[a * k + c], &t[c * 2 * k..][..size], x);
            }
            for i in 0..size {
                for j in 0..=i {
                    b[i * size + j] += s[i] * x[j] + v[i] * s[j];
                }
            }
        }
        for i in 0..size {
            for j in 0..i {
                b[j * size + i] = b[i * size + j];
            }
        }
        self.root.factor(b, size, vectors)
    }

    /// Adds `a_g a_g'` to the meat, from the coordinates `e` of the residuals.
    fn add_score(&mut self, t: &[f64], e: &[f64], meat: &mut [f64]) {
        let (k, size) = (self.k, e.len());
        self.root.apply(e, self.y);
        for a in 0..k {
            self.c[a] = dot(&t[(k + a) * 2 * k..][..size], &self.y[..size]);
        }
        add_square(meat, &self.c[..k], 1.0);
    }

    /// Writes `c` and `d = C c` of a target; returns `P_gg`.
    fn target(&mut self, t: &[f64], size: usize, r: &[f64], singular: bool) -> f64 {
        let k = self.k;
        self.x[..size].fill(0.0);
        for a in 0..k {
            let v = &t[(k + a) * 2 * k..][..size];
            for i in 0..size {
                self.x[i] += v[i] * r[a];
            }
        }
        self.root.apply(&self.x[..size], self.y);
        for j in 0..2 * k {
            self.c[j] = dot(&t[j * 2 * k..][..size], &self.y[..size]);
        }
        for a in 0..k {
            self.d[a] = dot(&self.omega[a * k..(a + 1) * k], &self.c[..k]) - self.c[k + a];
            self.d[k + a] = -self.c[a];
        }
        let x = &self.x[..size];
        if !singular {
            return dot(x, x);
        }
        // y'B y = |y|^2 + c'C c: y has no part in the directions taken out.
        dot(&self.y[..size], &self.y[..size]) + dot(self.c, self.d)
    }
}
