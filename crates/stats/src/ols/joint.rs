//! Degrees of freedom of a Wald test of several hypotheses with a CR2 variance.

use super::{Scratch, Shape, Targets, Variance, fit_shaped};
use crate::linalg::cholesky;
use crate::{Failure, Rows};

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
}

/// `eta` of the approximate Hotelling test of the hypotheses `L b = c`; allocates.
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
/// # References
/// Pustejovsky and Tipton (2018), Journal of Business and Economic Statistics 36:672, section 4.2.
pub fn hotelling_df(rows: &Rows, shape: Shape, contrasts: &[f64]) -> Result<Option<f64>, Failure> {
    let p = rows.n_predictors() - shape.n_beside();
    let q = contrasts.len() / p;
    let mut scratch = Scratch::default();
    let own = vectors(rows, shape, contrasts, &mut scratch)?;
    let Some(whitening) = whiten(&working_variance(&own, q), q) else { return Ok(None) };
    // Whitened hypotheses, and the sums of each two of them.
    let mut all: Vec<Vec<f64>> = (0..q)
        .map(|s| {
            let part = |j: usize| (0..q).map(|t| whitening[s * q + t] * contrasts[t * p + j]).sum();
            (0..p).map(part).collect()
        })
        .collect();
    for s in 0..q {
        for t in 0..s {
            all.push((0..p).map(|j| all[s][j] + all[t][j]).collect());
        }
    }
    let found = vectors(rows, shape, &all.concat(), &mut scratch)?;
    let spread = total_variance(&found, q);
    Ok(Some((q * (q + 1)) as f64 / spread))
}

/// A cluster's part of a target.
struct Part {
    diagonal: f64,
    a: Vec<f64>,
    b: Vec<f64>,
}

/// The parts of each target in each cluster, at the length of the targets.
struct Vectors {
    clusters: Vec<Vec<Part>>,
    /// Rows of `R^-1`, and the matrix between them under the working model, by target.
    working: Vec<Vec<f64>>,
}

fn vectors(
    rows: &Rows,
    shape: Shape,
    contrasts: &[f64],
    scratch: &mut Scratch,
) -> Result<Vectors, Failure> {
    scratch.infer.robust.trail = Some(Trail::default());
    let targets = Targets::Contrasts(&[], contrasts);
    let fit = fit_shaped(rows, shape, Variance::Cr2, targets, scratch)?;
    if !fit.contrasts.iter().all(|c| c.kept) {
        return Err(Failure::TermDropped);
    }
    let (n, k) = (fit.contrasts.len(), fit.rank);
    let trail = scratch.infer.robust.trail.take().unwrap_or_default();
    let inverse: Vec<&[f64]> = scratch.infer.inverse[..n * k].chunks_exact(k).collect();
    let length = |t: usize| inverse[t].iter().map(|r| r * r).sum::<f64>().sqrt();
    let lengths: Vec<f64> = (0..n).map(length).collect();
    let part = |(t, numbers): (usize, &[f64])| {
        let scaled = |own: &[f64]| own.iter().map(|v| v * lengths[t]).collect();
        let (a, b) = numbers[1..].split_at(trail.k);
        Part { diagonal: numbers[0] * lengths[t] * lengths[t], a: scaled(a), b: scaled(b) }
    };
    let width = 1 + 2 * trail.k;
    let cluster = |all: &[f64]| all.chunks_exact(width).enumerate().map(part).collect();
    let clusters = trail.numbers.chunks_exact(width * n).map(cluster).collect();
    let omega = |x: &[f64]| -> Vec<f64> {
        let q = |j: usize| &scratch.parts.q[j * scratch.parts.m..(j + 1) * scratch.parts.m];
        let weight = |i: usize| match rows.observations {
            crate::Observations::Weighted(_) => scratch.parts.root[i],
            _ => 1.0,
        };
        let fitted = |i: usize| (0..k).map(|j| q(j)[i] * x[j]).sum::<f64>() * weight(i);
        (0..scratch.parts.m).map(fitted).collect()
    };
    let working = inverse.iter().map(|row| omega(row)).collect();
    Ok(Vectors { clusters, working })
}

/// The variance of the combinations under the working model, q x q.
fn working_variance(own: &Vectors, q: usize) -> Vec<f64> {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    (0..q * q).map(|at| dot(&own.working[at / q], &own.working[at % q])).collect()
}

/// `C` with `C A C' = I`, lower triangular; none where `A` is singular.
fn whiten(a: &[f64], q: usize) -> Option<Vec<f64>> {
    let mut l = a.to_vec();
    if !cholesky::factor(&mut l, q, PIVOT_MIN) {
        return None;
    }
    // Column by column, the inverse of L.
    let mut c = vec![0.0; q * q];
    let mut column = vec![0.0; q];
    for j in 0..q {
        column.fill(0.0);
        column[j] = 1.0;
        cholesky::solve_lower(&l, q, &mut column);
        (0..q).for_each(|i| c[i * q + j] = column[i]);
    }
    Some(c)
}

/// A hypothesis of which less than this share is new depends on those before it.
const PIVOT_MIN: f64 = 1e-12;

/// `sum_st Var(D_st) = sum_gh (tr M_gh)^2 + tr(M_gh M_gh)`, `M_gh` the matrix of `P_gh` over pairs
/// of the first `q` targets; the others are their sums, which give what is off its diagonal where
/// `g = h`.
fn total_variance(found: &Vectors, q: usize) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let sum_of = |s: usize, t: usize| q + s * (s - 1) / 2 + t;
    let mut total = 0.0;
    let mut m = vec![0.0; q * q];
    for (g, own) in found.clusters.iter().enumerate() {
        for (h, other) in found.clusters.iter().enumerate() {
            for s in 0..q {
                for t in 0..q {
                    m[s * q + t] = if g != h {
                        dot(&own[s].a, &other[t].b)
                    } else if s == t {
                        own[s].diagonal
                    } else {
                        let both = own[sum_of(s.max(t), s.min(t))].diagonal;
                        (both - own[s].diagonal - own[t].diagonal) / 2.0
                    };
                }
            }
            let trace: f64 = (0..q).map(|s| m[s * q + s]).sum();
            let square: f64 = (0..q * q).map(|at| m[at] * m[(at % q) * q + at / q]).sum();
            total += trace * trace + square;
        }
    }
    total
}
