//! The sums of each cluster that bootstraps are made of.

use super::active;
use super::decompose::Decomposition;
use super::infer::combine;
use super::{Scratch, Shape, Variance};
use crate::linalg::inverse_root::InverseRoot;
use crate::linalg::vector::{dot, multiply};
use crate::linalg::{emptied, room, triangular};
use crate::{Failure, Rows};
use std::ops::Range;

/// What each cluster adds to a coefficient and to its variance, or to those of several combinations
/// of coefficients, in the coordinates of `X = Q R`, with residuals `e` scaled to a sum of squares
/// of one: nothing overflows.
///
/// Rows are clusters of their own where the model has no groups. Clusters without rows are left
/// out. Vectors of clusters are stored one after the other, those of a cluster by combination.
#[derive(Clone, Debug, Default)]
pub struct Sums {
    /// Number of coefficients.
    pub k: usize,
    /// Number of combinations, one for a coefficient.
    pub q: usize,
    /// The row `r` of `R^-1` of each combination, scaled to length one: q x k.
    pub row: Vec<f64>,
    /// What 1 in these scaled coordinates is in units of the combination: q.
    pub unit: Vec<f64>,
    /// The estimate of each combination: q.
    pub estimate: Vec<f64>,
    /// The scores `s_g = Q_g'e_g`: clusters x k.
    pub score: Vec<f64>,
    /// `K_g = Q_g'Q_g`: clusters x k x k.
    pub inner: Vec<f64>,
    /// `h_g = K_g r`: clusters x q x k.
    pub lean: Vec<f64>,
    /// `K_g u_g`: clusters x q x k; `u_g` is `r`, for CR2 `(I - K_g)^(-1/2) r`.
    pub pull: Vec<f64>,
    /// `u_g's_g` and `u_g'h_g`: clusters x q.
    pub own: Vec<[f64; 2]>,
    beta: Vec<f64>,
    root: InverseRoot,
    work: Vec<f64>,
}

impl Sums {
    /// Number of clusters.
    pub fn n_clusters(&self) -> usize {
        self.own.len() / self.q.max(1)
    }
}

/// What the sums of clusters are wanted for.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'a> {
    /// The coefficient of a predictor.
    Column(usize),
    /// Combinations of coefficients: a factor for each predictor, not all zero, combination after
    /// combination.
    Combinations(&'a [f64]),
}

impl Wanted<'_> {
    /// Number of combinations.
    fn len(self, n_predictors: usize) -> usize {
        match self {
            Self::Column(_) => 1,
            Self::Combinations(factors) => factors.len() / n_predictors.max(1),
        }
    }

    /// Writes the row of `R^-1`, or combinations of rows, and their estimates; false where a
    /// predictor was dropped.
    fn find_rows(
        self,
        parts: &Decomposition,
        beta: &[f64],
        work: &mut [f64],
        (rows, estimates): (&mut [f64], &mut [f64]),
    ) -> bool {
        match self {
            Self::Column(j) if parts.kept[j] => {
                triangular::inverse_row(&parts.r, parts.stride, parts.position[j], rows);
                estimates[0] = beta[j];
                true
            }
            Self::Column(_) => false,
            Self::Combinations(factors) => {
                let mut each = factors.chunks_exact(beta.len());
                let rows = rows.chunks_exact_mut(work.len());
                rows.zip(estimates).zip(&mut each).all(|((row, estimate), factors)| {
                    *estimate = dot(factors, beta);
                    combine(parts, factors, work, row)
                })
            }
        }
    }
}

/// Finds the sums of the clusters for one coefficient, or for combinations of several, after
/// [`super::fit`] of the same rows.
///
/// `CR2` gives `u_g` its adjustment; every other variance takes `u_g = r`, which is that of CR0.
///
/// # Errors
/// `TermDropped` where the coefficient was dropped; `ZeroStandardError` where nothing varies around
/// the fit.
///
/// # Panics
/// Where the rows are not those of the last fit. Fixed effects and instruments are not meant.
pub fn sums(
    rows: &Rows,
    variance: Variance,
    wanted: Wanted,
    scratch: &mut Scratch,
    out: &mut Sums,
) -> Result<(), Failure> {
    let Scratch { compact, parts, .. } = scratch;
    let active = active::select(rows, Shape::default(), compact)?;
    assert_eq!(active.rows.len(), parts.m, "the rows of the last fit");
    if parts.rss <= 0.0 {
        return Err(Failure::ZeroStandardError);
    }
    let (m, groups) = (parts.m, active.rows.groups);
    let n_clusters = if groups.is_empty() { m } else { groups.len() };
    out.begin(parts, wanted, n_clusters)?;
    if groups.is_empty() {
        (0..m).for_each(|i| out.add(parts, variance, i..i + 1));
    } else {
        for g in groups.windows(2).filter(|g| g[0] < g[1]) {
            out.add(parts, variance, g[0] as usize..g[1] as usize);
        }
    }
    Ok(())
}

impl Sums {
    /// Finds the combinations, and makes room for clusters.
    fn begin(
        &mut self,
        parts: &mut Decomposition,
        wanted: Wanted,
        n_clusters: usize,
    ) -> Result<(), Failure> {
        let (p, k) = (parts.stride - 1, parts.rank);
        let q = wanted.len(p);
        (self.k, self.q) = (k, q);
        let Self { row, unit, estimate, score, inner, lean, pull, own, beta, work, .. } = self;
        for (list, n) in [(&mut *row, q * k), (&mut *unit, q), (&mut *estimate, q), (&mut *beta, p)]
        {
            room(list, n);
            list.truncate(n);
        }
        parts.coefficients(beta);
        if !wanted.find_rows(parts, beta, room(work, k), (row, estimate)) {
            return Err(Failure::TermDropped);
        }
        let sigma = parts.rss.sqrt();
        for (row, unit) in row.chunks_exact_mut(k).zip(unit) {
            let length = dot(row, row).sqrt();
            row.iter_mut().for_each(|r| *r /= length);
            *unit = length * sigma;
        }
        for (list, width) in [(score, k), (inner, k * k), (lean, q * k), (pull, q * k)] {
            emptied(list, n_clusters * width);
        }
        emptied(own, n_clusters * q);
        Ok(())
    }

    /// Adds the cluster that has these rows.
    fn add(&mut self, parts: &Decomposition, variance: Variance, rows: Range<usize>) {
        let (k, q, m, sigma) = (self.k, self.q, parts.m, parts.rss.sqrt());
        let Self { row, score, inner, lean, pull, own, root, work, .. } = self;
        let column = |j: usize| &parts.q[j * m..(j + 1) * m][rows.clone()];
        let (score, inner) = (added(score, k), added(inner, k * k));
        for a in 0..k {
            score[a] = dot(column(a), &parts.e[rows.clone()]) / sigma;
            for b in 0..=a {
                let v = dot(column(a), column(b));
                (inner[a * k + b], inner[b * k + a]) = (v, v);
            }
        }
        let (copy, u) = room(work, k * k + k).split_at_mut(k * k);
        if variance == Variance::Cr2 {
            copy.copy_from_slice(inner);
            root.factor(copy, k, q);
        }
        let (lean, pull) = (added(lean, q * k), added(pull, q * k));
        let vectors = lean.chunks_exact_mut(k).zip(pull.chunks_exact_mut(k));
        for (row, (lean, pull)) in row.chunks_exact(k).zip(vectors) {
            multiply(inner, row, lean);
            if variance == Variance::Cr2 {
                root.apply(row, u);
            } else {
                u.copy_from_slice(row);
            }
            multiply(inner, u, pull);
            own.push([dot(u, score), dot(u, lean)]);
        }
    }
}

/// Makes a list `n` longer, and returns what was added; there is room for it.
fn added(list: &mut Vec<f64>, n: usize) -> &mut [f64] {
    let first = list.len();
    list.resize(first + n, 0.0);
    &mut list[first..]
}
