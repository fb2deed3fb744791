//! Degrees of freedom of a Wald test of several hypotheses with a CR2 variance.

use super::infer::combine;
use super::{Scratch, Shape, Targets, Variance, fit_outcome, fit_shaped};
use crate::linalg::{cholesky, room};
use crate::{Failure, Observations, Rows};

/// What CR2 tells of each cluster and target: `P_gg`, and the vectors `a` and `b` of
/// `P_gh = a_g'b_h`.
#[derive(Clone, Debug, Default)]
pub(super) struct Trail {
    /// Length of a vector.
    pub k: usize,
    /// Cluster after cluster, target after target: `P_gg`, `a`, `b`.
    pub numbers: Vec<f64>,
}

impl Trail {
    /// Adds a cluster's part of a target.
    #[cold]
    pub fn add(&mut self, k: usize, p: f64, a: &[f64], b: &[f64]) {
        self.k = k;
        self.numbers.push(p);
        self.numbers.extend_from_slice(&a[..k]);
        self.numbers.extend_from_slice(&b[..k]);
    }

    /// The same for one vector in both places, which has entries at `place` only.
    #[cold]
    pub fn add_at(&mut self, k: usize, p: f64, a: &[f64], place: &[usize]) {
        self.k = k;
        self.numbers.push(p);
        let first = self.numbers.len();
        self.numbers.resize(first + k, 0.0);
        a.iter().zip(place).for_each(|(x, i)| self.numbers[first + i] = *x);
        self.numbers.extend_from_within(first..);
    }
}

/// Work space of [`hotelling_df`].
#[derive(Clone, Debug, Default)]
pub(super) struct Work {
    /// Whitened hypotheses, and the sums of each two of them.
    factors: Vec<f64>,
    /// The hypotheses between rows of `R^-1`, q x rank, and room for a row.
    rows: Vec<f64>,
    /// The variance of the hypotheses under the working model, q x q.
    working: Vec<f64>,
    /// Its factor, and the columns of the factor's inverse, q x q each.
    whitening: Vec<f64>,
    trail: Option<Trail>,
    long: Vec<f64>,
    inner: Vec<f64>,
}

/// `eta` of the approximate Hotelling test of the hypotheses `L b = c`, after a fit of the same
/// rows with a CR2 variance.
///
/// The estimated variance of `L b` is taken to be Wishart with `eta` degrees of freedom: with `D`
/// the estimate between two inverse roots of its value under the working model (independent errors
/// of equal variance), `eta = q (q + 1) / sum_st Var(D_st)`. `F = (eta - q + 1) / (eta q) Q` has
/// `q` and `eta - q + 1` degrees of freedom, `Q` the Wald statistic. For one hypothesis it is
/// Satterthwaite's. None where the hypotheses depend on each other.
/// Shapes: `rows` as in [`fit_shaped`]; `contrasts`: a factor for each predictor, hypothesis after
/// hypothesis.
///
/// # Errors
/// As [`fit_shaped`]; `TermDropped` where a predictor of a hypothesis was dropped.
///
/// # Panics
/// Where the rows are not those of the last fit.
///
/// # References
/// Pustejovsky and Tipton (2018), Journal of Business and Economic Statistics 36:672, section 4.2.
pub fn hotelling_df(
    rows: &Rows,
    shape: Shape,
    contrasts: &[f64],
    scratch: &mut Scratch,
) -> Result<Option<f64>, Failure> {
    let mut work = std::mem::take(&mut scratch.joint);
    let found = work.degrees(rows, shape, contrasts, scratch);
    scratch.joint = work;
    found
}

impl Work {
    fn degrees(
        &mut self,
        rows: &Rows,
        shape: Shape,
        contrasts: &[f64],
        scratch: &mut Scratch,
    ) -> Result<Option<f64>, Failure> {
        let p = rows.n_predictors() - shape.n_beside();
        let q = contrasts.len() / p;
        if shape.instruments > 0 {
            // Tests of the instruments may have left the factors of another stage.
            fit(rows, shape, contrasts, scratch)?;
        }
        self.find_rows(contrasts, q, scratch)?;
        self.find_working_variance(rows, q, scratch);
        if !whiten(&self.working, q, &mut self.whitening) {
            return Ok(None);
        }
        let whitening = &self.whitening[q * q..2 * q * q];
        let factors = room(&mut self.factors, q * (q + 1) / 2 * p);
        let (whitened, sums) = factors.split_at_mut(q * p);
        for (at, factor) in whitened.iter_mut().enumerate() {
            let (s, j) = (at / p, at % p);
            *factor = (0..q).map(|t| whitening[t * q + s] * contrasts[t * p + j]).sum();
        }
        let mut sums = sums.chunks_exact_mut(p);
        for s in 0..q {
            for (t, sum) in (0..s).zip(&mut sums) {
                let both = whitened[s * p..].iter().zip(&whitened[t * p..]);
                sum.iter_mut().zip(both).for_each(|(sum, (a, b))| *sum = a + b);
            }
        }
        let mut trail = self.trail.take().unwrap_or_default();
        trail.numbers.clear();
        scratch.infer.robust.trail = Some(trail);
        let made = fit(rows, shape, &self.factors[..q * (q + 1) / 2 * p], scratch);
        self.trail = scratch.infer.robust.trail.take();
        let rank = made?;
        let spread = self.total_variance(q, &scratch.infer.inverse, rank);
        Ok(Some((q * (q + 1)) as f64 / spread))
    }

    /// The hypotheses in the coordinates of the last fit.
    fn find_rows(&mut self, contrasts: &[f64], q: usize, scratch: &Scratch) -> Result<(), Failure> {
        let (parts, k) = (&scratch.parts, scratch.parts.rank);
        let (own, row) = room(&mut self.rows, (q + 1) * k).split_at_mut(q * k);
        let mut both = contrasts.chunks_exact(contrasts.len() / q).zip(own.chunks_exact_mut(k));
        let are_kept = both.all(|(factors, own)| combine(parts, factors, row, own));
        if are_kept { Ok(()) } else { Err(Failure::TermDropped) }
    }

    /// The variance of the hypotheses under the working model.
    fn find_working_variance(&mut self, rows: &Rows, q: usize, scratch: &Scratch) {
        let (parts, k) = (&scratch.parts, scratch.parts.rank);
        let inverse = &self.rows[..q * k];
        let working = room(&mut self.working, q * q);
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
        let Observations::Weighted(_) = rows.observations else {
            for (at, v) in working.iter_mut().enumerate() {
                *v = dot(&inverse[at / q * k..][..k], &inverse[at % q * k..][..k]);
            }
            return;
        };
        working.fill(0.0);
        let fitted = room(&mut self.long, q);
        for i in 0..parts.m {
            for (value, row) in fitted.iter_mut().zip(inverse.chunks_exact(k)) {
                let inner: f64 = (0..k).map(|j| parts.q[j * parts.m + i] * row[j]).sum();
                *value = inner * parts.root[i];
            }
            for (at, v) in working.iter_mut().enumerate() {
                *v += fitted[at / q] * fitted[at % q];
            }
        }
    }

    /// `sum_st Var(D_st) = sum_gh (tr M_gh)^2 + tr(M_gh M_gh)`, `M_gh` the matrix of `P_gh` over
    /// pairs of the first `q` targets; the others are their sums, which give what is off its
    /// diagonal where `g = h`.
    ///
    /// With `S` the sum of `A_g A_g'` over the clusters before `h`, `A_g` the vectors `a` of all
    /// targets, `sum_{g<h} (tr M_gh)^2 = B_h'S B_h`, and `sum_{g<h} tr(M_gh M_gh)` is made of the
    /// blocks of `S` between `b_t` and `b_s`: the cost is linear in the number of clusters.
    fn total_variance(&mut self, q: usize, inverse: &[f64], rank: usize) -> f64 {
        let Self { trail, long, inner, .. } = self;
        let Some(Trail { k, numbers }) = trail else { return 0.0 };
        let (k, n, width) = (*k, q * (q + 1) / 2, 1 + 2 * *k);
        let size = q * k;
        let long = room(long, size * size + 2 * size + n);
        long.fill(0.0);
        let (before, rest) = long.split_at_mut(size * size);
        let (a, rest) = rest.split_at_mut(size);
        let (b, lengths) = rest.split_at_mut(size);
        for (length, row) in lengths.iter_mut().zip(inverse.chunks_exact(rank)) {
            *length = row.iter().map(|r| r * r).sum::<f64>().sqrt();
        }
        let m = room(inner, q * q);
        let mut total = 0.0;
        for cluster in numbers.chunks_exact(width * n) {
            let diagonal = |t: usize| cluster[t * width] * lengths[t] * lengths[t];
            for t in 0..q {
                let own = &cluster[t * width + 1..(t + 1) * width];
                for (i, (x, y)) in own[..k].iter().zip(&own[k..]).enumerate() {
                    (a[t * k + i], b[t * k + i]) = (x * lengths[t], y * lengths[t]);
                }
            }
            total += 2.0 * between(before, a, b, (q, k));
            for s in 0..q {
                m[s * q + s] = diagonal(s);
                for t in 0..s {
                    let both = diagonal(q + s * (s - 1) / 2 + t);
                    let v = (both - diagonal(s) - diagonal(t)) / 2.0;
                    (m[s * q + t], m[t * q + s]) = (v, v);
                }
            }
            let trace: f64 = (0..q).map(|s| m[s * q + s]).sum();
            total += trace * trace + m.iter().map(|v| v * v).sum::<f64>();
        }
        total
    }
}

/// `(tr M_gh)^2 + tr(M_gh M_gh)`, summed over the clusters `g` before a cluster `h`, which is then
/// added to them.
fn between(before: &mut [f64], a: &[f64], b: &[f64], (q, k): (usize, usize)) -> f64 {
    let size = q * k;
    let mut total = 0.0;
    for (x, row) in before.chunks_exact_mut(size).enumerate() {
        let (s, i) = (x / k, x % k);
        for (y, v) in row.iter_mut().enumerate() {
            let (t, j) = (y / k, y % k);
            total += *v * (b[x] * b[y] + b[t * k + i] * b[s * k + j]);
            *v += a[x] * a[y];
        }
    }
    total
}

/// Fits the combinations with a CR2 variance; returns the rank.
fn fit(
    rows: &Rows,
    shape: Shape,
    contrasts: &[f64],
    scratch: &mut Scratch,
) -> Result<usize, Failure> {
    let targets = Targets::Contrasts(&[], contrasts);
    let again = if shape.instruments > 0 { fit_shaped } else { fit_outcome };
    let fit = again(rows, shape, Variance::Cr2, targets, scratch)?;
    if fit.contrasts.iter().all(|c| c.kept) { Ok(fit.rank) } else { Err(Failure::TermDropped) }
}

/// Writes `L` with `A = L L'`, then the columns of its inverse `C`, with `C A C' = I`; false where
/// `A` is singular.
fn whiten(a: &[f64], q: usize, out: &mut Vec<f64>) -> bool {
    let (l, columns) = room(out, 2 * q * q).split_at_mut(q * q);
    l.copy_from_slice(&a[..q * q]);
    if !cholesky::factor(l, q, PIVOT_MIN) {
        return false;
    }
    for (j, column) in columns.chunks_exact_mut(q).enumerate() {
        column.fill(0.0);
        column[j] = 1.0;
        cholesky::solve_lower(l, q, column);
    }
    true
}

/// A hypothesis of which less than this share is new depends on those before it.
const PIVOT_MIN: f64 = 1e-12;
