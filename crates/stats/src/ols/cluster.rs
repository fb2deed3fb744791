//! Cluster-robust variances of unweighted and collapsed rows: CR0, Stata's and CR2.

use super::Robust;
use super::active::Active;
use super::decompose::Decomposition;
use super::satterthwaite::Satterthwaite;
use crate::linalg::inverse_root::{EIGENVALUE_MIN, InverseRoot, order_two};
use crate::linalg::series::Series;
use crate::linalg::vector::{dot, dots, multiply};
use crate::linalg::{room, spelt_out};

/// Fills the meat `factor sum_g s_g s_g'` with the scores `s_g = Q_g'e_g`, weights included.
pub(super) fn meat(active: &Active, parts: &Decomposition, factor: f64, robust: &mut Robust) {
    let (m, k) = (parts.m, parts.rank);
    let meat = room(&mut robust.meat, k * k);
    let score = room(&mut robust.small, k);
    meat.fill(0.0);
    for g in active.rows.groups.windows(2) {
        let rows = g[0] as usize..g[1] as usize;
        for (q, s) in parts.q.chunks_exact(m).zip(&mut *score) {
            *s = dot(&q[rows.clone()], &parts.e[rows.clone()]);
        }
        add_square(meat, score, factor);
    }
}

/// Adds `factor v v'`.
#[inline(always)]
pub(super) fn add_square(a: &mut [f64], v: &[f64], factor: f64) {
    let k = v.len();
    for i in 0..k {
        let f = factor * v[i];
        for j in 0..k {
            a[i * k + j] += f * v[j];
        }
    }
}

/// Fills the meat of CR2, and the Satterthwaite df of each target.
///
/// The hat matrix of cluster `g` is `H_g = Q_g Q_g'`, and `Q_g'(I - H_g)^(-1/2) = F_g Q_g'` with
/// `F_g = (I - K_g)^(-1/2)` and `K_g = Q_g'Q_g` of order rank (pseudo-inverses, where singular).
/// So the meat is `sum_g (F_g s_g)(F_g s_g)'` with the scores `s_g = Q_g'e_g`. A target whose
/// scaled row of `R^-1` is `r` has the matrix `P_gh = -q_g'q_h` off the diagonal, with
/// `q_g = K_g F_g r`, and `P_gg = r'K_g r` on it, without the directions that the pseudo-inverse
/// takes out. A single target needs of the meat `r'F_g s_g = (F_g r)'s_g` alone: what is filled is
/// then `sum_g ((F_g r)'s_g)^2 r r'`, which has the same form along `r`.
/// Observations of a collapsed row differ from its mean only orthogonally to `Q_g`, where
/// `(I - H_g)^(-1/2)` does nothing: the sums of squares within rows do not enter.
/// Shapes: `unit`: targets x rank, rows of `R^-1` scaled to length one.
///
/// # References
/// Bell and McCaffrey (2002), Survey Methodology 28:169; Pustejovsky and Tipton (2018), Journal
/// of Business and Economic Statistics 36:672.
pub(super) fn cr2(active: &Active, parts: &Decomposition, unit: &[f64], robust: &mut Robust) {
    if parts.rank > 0 {
        spelt_out!(parts.rank, |k| cr2_of_order(k, active, parts, unit, robust));
    }
}

/// Up to this order the work space of a cluster has a size that the compiler knows.
const ORDER_SMALL: usize = 6;

/// Work space of one cluster.
struct Space<'a> {
    /// `K_g`.
    inner: &'a mut [f64],
    /// A copy of `K_g` to overwrite, or the matrices of the series.
    matrix: &'a mut [f64],
    /// `s_g`.
    score: &'a mut [f64],
    u: &'a mut [f64],
    v: &'a mut [f64],
    w: &'a mut [f64],
}

impl<'a> Space<'a> {
    /// What it takes.
    const fn size(k: usize) -> usize {
        k * k + Series::size(k) + 4 * k
    }

    #[inline(always)]
    fn new(buffer: &'a mut [f64], k: usize) -> Self {
        let (inner, rest) = buffer.split_at_mut(k * k);
        let (matrix, rest) = rest.split_at_mut(Series::size(k));
        let (score, rest) = rest.split_at_mut(k);
        let (u, rest) = rest.split_at_mut(k);
        let (v, rest) = rest.split_at_mut(k);
        Self { inner, matrix, score, u, v, w: &mut rest[..k] }
    }
}

#[inline(always)]
fn cr2_of_order(
    k: usize,
    active: &Active,
    parts: &Decomposition,
    unit: &[f64],
    robust: &mut Robust,
) {
    let m = parts.m;
    let (q, e) = (&parts.q[..m * k], &parts.e[..m]);
    let n_targets = unit.len() / k;
    let meat = &mut room(&mut robust.meat, k * k)[..k * k];
    meat.fill(0.0);
    let mut df = Satterthwaite::new(&mut robust.cross, &mut robust.trail, (n_targets, k));
    // Most clusters have a short series, and do without it.
    robust.root.make_room(k);
    for g in active.rows.groups.windows(2) {
        let (low, high) = (g[0] as usize, g[1] as usize);
        match high - low {
            0 => (),
            1 => {
                let vectors = room(&mut robust.small, 2 * k).split_at_mut(k);
                one_row(k, q, m, low, e[low], unit, vectors, meat, &mut df);
            }
            _ => {
                let (q, e) = (Columns { q, m, low, high }, &e[low..high]);
                if k == 2 {
                    many_rows_of_two(q, e, unit, meat, &mut df);
                } else if k <= ORDER_SMALL {
                    let mut buffer = [0.0; Space::size(ORDER_SMALL)];
                    let space = Space::new(&mut buffer, k);
                    many_rows(k, q, e, unit, space, &mut robust.root, meat, &mut df);
                } else {
                    let space = Space::new(room(&mut robust.small, Space::size(k)), k);
                    many_rows(k, q, e, unit, space, &mut robust.root, meat, &mut df);
                }
            }
        }
    }
    df.finish(|_| 1.0, room(&mut robust.df, n_targets));
}

/// The rows of one cluster in the columns of `Q`.
#[derive(Clone, Copy)]
struct Columns<'a> {
    q: &'a [f64],
    m: usize,
    low: usize,
    high: usize,
}

impl<'a> Columns<'a> {
    #[inline(always)]
    fn column(&self, j: usize) -> &'a [f64] {
        &self.q[j * self.m + self.low..j * self.m + self.high]
    }
}

/// A cluster of one row: `K_g = q q'` has the one eigenvector `q`.
#[inline(always)]
#[expect(clippy::too_many_arguments)]
fn one_row(
    k: usize,
    q: &[f64],
    m: usize,
    row: usize,
    e: f64,
    unit: &[f64],
    (x, v): (&mut [f64], &mut [f64]),
    meat: &mut [f64],
    df: &mut Satterthwaite,
) {
    let mut h = 0.0;
    for j in 0..k {
        x[j] = q[j * m + row];
        h += x[j] * x[j];
    }
    let gap = 1.0 - h;
    if gap <= EIGENVALUE_MIN {
        return;
    }
    let f = 1.0 / gap.sqrt();
    for j in 0..k {
        v[j] = x[j] * (f * e);
    }
    add_square(meat, v, 1.0);
    for (t, r) in unit.chunks_exact(k).enumerate() {
        let mut inner = 0.0;
        for j in 0..k {
            inner += x[j] * r[j];
        }
        for j in 0..k {
            v[j] = x[j] * (f * inner);
        }
        df.add(t, k, inner * inner, v, v);
    }
}

/// A cluster of several rows.
#[inline(always)]
#[expect(clippy::too_many_arguments)]
fn many_rows(
    k: usize,
    q: Columns,
    e: &[f64],
    unit: &[f64],
    space: Space,
    root: &mut InverseRoot,
    meat: &mut [f64],
    df: &mut Satterthwaite,
) {
    let Space { inner, matrix, score, u, v, w } = space;
    products(k, q, e, inner, score);
    let n_targets = unit.len() / k;
    // Of a single target, the meat is needed in its direction alone.
    let is_single = n_targets == 1;
    let n_vectors = n_targets + usize::from(!is_single);
    let series = Series::of(inner, k, n_vectors);
    let mut singular = false;
    if let Some(series) = series {
        series.write_matrices(inner, k, matrix);
    } else {
        let matrix = &mut matrix[..k * k];
        matrix.copy_from_slice(inner);
        singular = root.factor(matrix, k, n_vectors);
    }
    let mut apply = |x: &[f64], out: &mut [f64]| match series {
        Some(series) => series.apply(matrix, x, out, w),
        None => root.apply(x, out),
    };
    if !is_single {
        apply(score, u);
        add_square(meat, u, 1.0);
    }
    for (t, r) in unit.chunks_exact(k).enumerate() {
        multiply(inner, r, v);
        let [mut diagonal] = dots(r, [v]);
        apply(r, u);
        multiply(inner, u, v);
        if singular {
            // u'(K - K^2)u: u has no part in the directions taken out.
            diagonal = (0..k).map(|j| (u[j] - v[j]) * v[j]).sum();
        }
        df.add(t, k, diagonal, v, v);
        if is_single {
            let [own] = dots(u, [score]);
            add_square(meat, r, own * own);
        }
    }
}

/// Fills `K_g = Q_g'Q_g` and the scores `s_g = Q_g'e_g`.
#[inline(always)]
fn products(k: usize, q: Columns, e: &[f64], inner: &mut [f64], score: &mut [f64]) {
    for a in 0..k {
        // With the columns up to this one and the residuals, some at a time.
        let column = q.column(a);
        let row = &mut inner[a * k..a * k + a + 1];
        let mut b = 0;
        while b + 4 <= a + 1 {
            let next = [0, 1, 2, 3].map(|i| q.column(b + i));
            row[b..b + 4].copy_from_slice(&dots(column, next));
            b += 4;
        }
        match a + 1 - b {
            0 => [score[a]] = dots(column, [e]),
            1 => [row[b], score[a]] = dots(column, [column, e]),
            2 => [row[b], row[b + 1], score[a]] = dots(column, [q.column(b), column, e]),
            _ => {
                let others = [q.column(b), q.column(b + 1), column, e];
                [row[b], row[b + 1], row[b + 2], score[a]] = dots(column, others);
            }
        }
    }
    for a in 0..k {
        for b in 0..a {
            inner[b * k + a] = inner[a * k + b];
        }
    }
}

/// [`many_rows`] for order 2, without a detour through memory.
#[inline(always)]
fn many_rows_of_two(q: Columns, e: &[f64], unit: &[f64], meat: &mut [f64], df: &mut Satterthwaite) {
    let [aa, ab, bb, ae, be] = two_columns(q.column(0), q.column(1), e);
    let (f, singular) = order_two(1.0 - aa, -ab, 1.0 - bb);
    let root = |x: f64, y: f64| [f[0] * x + f[1] * y, f[1] * x + f[2] * y];
    add_square(meat, &root(ae, be), 1.0);
    for (t, r) in unit.chunks_exact(2).enumerate() {
        let u = root(r[0], r[1]);
        let v = [aa * u[0] + ab * u[1], ab * u[0] + bb * u[1]];
        let diagonal = if singular {
            (u[0] - v[0]) * v[0] + (u[1] - v[1]) * v[1]
        } else {
            aa * r[0] * r[0] + 2.0 * ab * r[0] * r[1] + bb * r[1] * r[1]
        };
        df.add(t, 2, diagonal, &v, &v);
    }
}

/// `a'a`, `a'b`, `b'b`, `a'e` and `b'e` in one pass.
#[inline(always)]
fn two_columns(a: &[f64], b: &[f64], e: &[f64]) -> [f64; 5] {
    const LANES: usize = 4;
    let ((ac, ar), (bc, br)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let (ec, er) = e.as_chunks::<LANES>();
    let [mut aa, mut ab, mut bb, mut ae, mut be] = [[0.0; LANES]; 5];
    for ((a, b), e) in ac.iter().zip(bc).zip(ec) {
        for l in 0..LANES {
            aa[l] += a[l] * a[l];
            ab[l] += a[l] * b[l];
            bb[l] += b[l] * b[l];
            ae[l] += a[l] * e[l];
            be[l] += b[l] * e[l];
        }
    }
    for ((a, b), e) in ar.iter().zip(br).zip(er) {
        aa[0] += a * a;
        ab[0] += a * b;
        bb[0] += b * b;
        ae[0] += a * e;
        be[0] += b * e;
    }
    [aa, ab, bb, ae, be].map(|s| (s[0] + s[2]) + (s[1] + s[3]))
}
