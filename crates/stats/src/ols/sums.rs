//! The sums of each cluster that bootstraps are made of.

use super::active;
use super::decompose::Decomposition;
use super::infer::combine;
use super::{Scratch, Shape, Variance};
use crate::linalg::inverse_root::InverseRoot;
use crate::linalg::vector::{dot, multiply};
use crate::linalg::{room, triangular};
use crate::{Failure, Rows};

/// What each cluster adds to a coefficient and to its variance, in the coordinates of `X = Q R`,
/// with residuals `e` scaled to a sum of squares of one: nothing overflows.
///
/// Rows are clusters of their own where the model has no groups. Clusters without rows are left
/// out. Vectors of clusters are stored one after the other.
#[derive(Clone, Debug, Default)]
pub struct Sums {
    /// Number of coefficients.
    pub k: usize,
    /// The coefficient's row `r` of `R^-1`, scaled to length one: k.
    pub row: Vec<f64>,
    /// What 1 in these scaled coordinates is in units of the coefficient.
    pub unit: f64,
    /// The scores `s_g = Q_g'e_g`: clusters x k.
    pub score: Vec<f64>,
    /// `K_g = Q_g'Q_g`: clusters x k x k.
    pub inner: Vec<f64>,
    /// `h_g = K_g r`: clusters x k.
    pub lean: Vec<f64>,
    /// `K_g u_g`: clusters x k; `u_g` is `r`, for CR2 `(I - K_g)^(-1/2) r`.
    pub pull: Vec<f64>,
    /// `u_g's_g` and `u_g'h_g`.
    pub own: Vec<[f64; 2]>,
    root: InverseRoot,
    work: Vec<f64>,
}

impl Sums {
    /// Number of clusters.
    pub fn n_clusters(&self) -> usize {
        self.own.len()
    }
}

/// What the sums of clusters are wanted for.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'a> {
    /// The coefficient of a predictor.
    Column(usize),
    /// A combination of coefficients: a factor for each predictor, not all zero.
    Combination(&'a [f64]),
}

impl Wanted<'_> {
    /// Writes the row of `R^-1`, or the combination of rows; false where a predictor was dropped.
    fn find_row(self, parts: &Decomposition, work: &mut [f64], out: &mut [f64]) -> bool {
        match self {
            Self::Column(j) if parts.kept[j] => {
                triangular::inverse_row(&parts.r, parts.stride, parts.position[j], out);
                true
            }
            Self::Column(_) => false,
            Self::Combination(factors) => combine(parts, factors, work, out),
        }
    }
}

/// Finds the sums of the clusters for one coefficient, or a combination of several, after
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
    let (m, k) = (parts.m, parts.rank);
    out.k = k;
    let groups = active.rows.groups;
    let most = if groups.is_empty() { m } else { groups.len() };
    let Sums { row, score, inner, lean, pull, own, root, work, .. } = out;
    exactly(row, k);
    if !wanted.find_row(parts, room(work, k), row) {
        return Err(Failure::TermDropped);
    }
    let (length, sigma) = (dot(row, row).sqrt(), parts.rss.sqrt());
    row.iter_mut().for_each(|r| *r /= length);
    out.unit = length * sigma;
    for (list, width) in [(&mut *score, k), (&mut *inner, k * k), (&mut *lean, k), (&mut *pull, k)]
    {
        exactly(list, most * width);
    }
    crate::linalg::emptied(own, most);
    let mut add = |low: usize, high: usize| {
        let g = own.len();
        let column = |j: usize| &parts.q[j * m + low..j * m + high];
        let score = &mut score[g * k..(g + 1) * k];
        let inner = &mut inner[g * k * k..(g + 1) * k * k];
        for a in 0..k {
            score[a] = dot(column(a), &parts.e[low..high]) / sigma;
            for b in 0..=a {
                let v = dot(column(a), column(b));
                (inner[a * k + b], inner[b * k + a]) = (v, v);
            }
        }
        let lean = &mut lean[g * k..(g + 1) * k];
        multiply(inner, row, lean);
        let (copy, u) = room(work, k * k + k).split_at_mut(k * k);
        if variance == Variance::Cr2 {
            copy.copy_from_slice(inner);
            root.factor(copy, k, 1);
            root.apply(row, u);
        } else {
            u.copy_from_slice(row);
        }
        multiply(inner, u, &mut pull[g * k..(g + 1) * k]);
        own.push([dot(u, score), dot(u, lean)]);
    };
    if groups.is_empty() {
        (0..m).for_each(|i| add(i, i + 1));
    } else {
        for g in groups.windows(2).filter(|g| g[0] < g[1]) {
            add(g[0] as usize, g[1] as usize);
        }
    }
    let n = out.own.len();
    for (list, width) in [(&mut out.score, k), (&mut out.lean, k), (&mut out.pull, k)] {
        list.truncate(n * width);
    }
    out.inner.truncate(n * k * k);
    Ok(())
}

/// Makes a list just `n` long; it grows with slack.
fn exactly(list: &mut Vec<f64>, n: usize) {
    room(list, n);
    list.truncate(n);
}
