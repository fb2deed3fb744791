//! Ordinary and weighted least squares with the robust variances of estimatr.
//!
//! [`fit`] brings the rows into the form `X = Q R` with `Q'WQ = I` (module `decompose`); every
//! variance is then a small matrix between two copies of `R^-1`, which the modules `hc`, `cluster`
//! and `cluster_weighted` compute.

mod active;
mod cluster;
mod cluster_weighted;
mod decompose;
mod hc;
mod satterthwaite;
mod wald;

#[cfg(test)]
mod tests;

pub use wald::Wald;

use crate::linalg::inverse_root::InverseRoot;
use crate::linalg::{room, triangular};
use crate::{Failure, Observations, Rows};
use active::Active;
use decompose::Decomposition;

/// A standard error up to this share of what rounding could make of it counts as zero.
const ROUNDING: f64 = 1e-13;

/// Estimators of the variance of the coefficients, by estimatr's names.
///
/// `e` residual, `h` leverage, `n` observations, `k` rank, `J` clusters; df is that of the
/// t distribution. Clusters are the groups of [`Rows`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Variance {
    /// `e'e / (n - k)`, alike for all; df `n - k`.
    Classical,
    /// `e^2` (White); df `n - k`.
    Hc0,
    /// `e^2 n / (n - k)` (Stata's robust); df `n - k`.
    Hc1,
    /// `e^2 / (1 - h)`; df `n - k`. An observation with `h = 1` counts zero.
    Hc2,
    /// `e^2 / (1 - h)^2` (jackknife); df `n - k`. An observation with `h = 1` counts zero.
    Hc3,
    /// Sums of `x e` by cluster (Liang-Zeger); df `J - 1`.
    Cr0,
    /// CR0 times `J / (J - 1) (n - 1) / (n - k)`; df `J - 1`.
    Stata,
    /// Bias-reduced linearization (Bell-McCaffrey); Satterthwaite df of each coefficient.
    Cr2,
}

impl Variance {
    /// Whether the variance sums over clusters.
    pub fn is_clustered(self) -> bool {
        matches!(self, Self::Cr0 | Self::Stata | Self::Cr2)
    }
}

/// The coefficients of which a standard error and its degrees of freedom are wanted.
#[derive(Clone, Copy, Debug)]
pub enum Targets<'a> {
    /// Every coefficient, and the variance matrix.
    All,
    /// These columns of the predictors.
    Some(&'a [usize]),
}

/// Work space of [`fit`]; it grows with the problem, and never shrinks.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    compact: active::Compact,
    parts: Decomposition,
    robust: Robust,
    /// Rows of `R^-1` of the targets.
    inverse: Vec<f64>,
    /// The same at length one.
    units: Vec<f64>,
    target: Vec<usize>,
    beta: Vec<f64>,
    std_error: Vec<f64>,
    df: Vec<f64>,
    vcov: Vec<f64>,
}

/// Work space and results of the variance kernels.
#[derive(Clone, Debug, Default)]
struct Robust {
    /// The matrix between two copies of `R^-1`, rank x rank.
    meat: Vec<f64>,
    /// Satterthwaite df of each target; zero where it is not defined.
    df: Vec<f64>,
    small: Vec<f64>,
    long: Vec<f64>,
    cross: Vec<f64>,
    root: InverseRoot,
}

/// A fitted linear model. Slices of length `p` run parallel to the predictors.
#[derive(Clone, Copy, Debug)]
pub struct Fit<'s> {
    /// Coefficients; zero where dropped.
    pub beta: &'s [f64],
    /// Which predictors were kept; the others are combinations of these.
    pub kept: &'s [bool],
    /// Standard errors of the targets that were kept; zero elsewhere. Zero as well where nothing
    /// but rounding error is left: the outcome does not vary around the fit.
    pub std_error: &'s [f64],
    /// Degrees of freedom of the targets that were kept; zero elsewhere, and where CR2 has none.
    pub df: &'s [f64],
    /// Variance matrix of the kept coefficients, rank x rank; empty unless all are targets.
    pub vcov: &'s [f64],
    /// Number of kept predictors.
    pub rank: usize,
    /// The first constant predictor.
    pub intercept: Option<usize>,
    /// Number of observations with positive weight.
    pub n_obs: f64,
    /// Number of clusters with observations; zero where the variance is not clustered.
    pub n_clusters: usize,
    /// Weighted sum of squared residuals.
    pub rss: f64,
    /// Weighted sum of squares of the outcome, around its mean if there is a constant predictor.
    pub tss: f64,
}

impl Fit<'_> {
    /// `n - k`, above zero in every fit.
    pub fn df_residual(&self) -> f64 {
        self.n_obs - self.rank as f64
    }

    /// Residual standard deviation `sqrt(rss / (n - k))`.
    pub fn sigma(&self) -> f64 {
        (self.rss / self.df_residual()).sqrt()
    }

    /// `1 - rss / tss`; none where the outcome does not vary.
    pub fn r_squared(&self) -> Option<f64> {
        (self.tss > 0.0).then(|| 1.0 - self.rss / self.tss)
    }

    /// `1 - (1 - R^2) (n - i) / (n - k)`, `i` one where there is a constant predictor.
    pub fn adj_r_squared(&self) -> Option<f64> {
        let n = self.n_obs - f64::from(u8::from(self.intercept.is_some()));
        (self.tss > 0.0).then(|| 1.0 - self.rss / self.tss * (n / self.df_residual()))
    }
}

/// Fits a linear model by (weighted) least squares.
///
/// `beta` minimises `sum_i w_i (y_i - x_i'beta)^2`. Where a column is within 1e-8 of the span of
/// the others, dependent columns are dropped as estimatr does (see
/// [`crate::linalg::pivoted_qr`]). Rows of weight or count zero are left out and not counted
/// (estimatr before 2.0 counted them). Results for collapsed rows are those of the observations
/// they stand for.
/// Shapes: as in [`Rows`]; `p` predictors.
/// Domain: finite numbers, at most about 1e150 in size. Large means and scales of predictors and
/// outcome cost no digits where there is a constant predictor.
///
/// # Errors
/// `NoRows`; `BadWeights` (negative, or all zero); `NotFinite` (an input, or a sum of squares);
/// `NoResidualDf` (`n <= k`); `TooFewClusters` (a clustered variance with fewer than two).
///
/// # Panics
/// Where the lengths of the slices, or a target, do not fit together.
///
/// # References
/// MacKinnon and White (1985), Journal of Econometrics 29:305 (HC0 to HC3). Bell and McCaffrey
/// (2002), Survey Methodology 28:169; Pustejovsky and Tipton (2018), Journal of Business and
/// Economic Statistics 36:672 (CR2).
pub fn fit<'s>(
    rows: &Rows,
    variance: Variance,
    targets: Targets,
    scratch: &'s mut Scratch,
) -> Result<Fit<'s>, Failure> {
    let p = rows.n_predictors();
    assert_eq!(rows.x.len(), p * rows.len(), "predictors fill whole columns");
    let Scratch { compact, parts, robust, inverse, units, target, .. } = scratch;
    let Scratch { beta, std_error, df, vcov, .. } = scratch;
    let active = active::select(rows, compact)?;
    let n_clusters = if variance.is_clustered() { count_clusters(active.rows.groups) } else { 0 };
    if variance.is_clustered() && n_clusters < 2 {
        return Err(Failure::TooFewClusters);
    }
    parts.decompose(&active)?;
    let k = parts.rank;
    if active.n_obs <= k as f64 {
        return Err(Failure::NoResidualDf);
    }

    let beta = room(beta, p);
    parts.coefficients(beta);
    let n_targets = parts.kept_targets(targets, room(target, p));
    let target = &target[..n_targets];
    let inverse = room(inverse, n_targets * k);
    for (row, j) in inverse.chunks_exact_mut(k.max(1)).zip(target) {
        triangular::inverse_row(&parts.r, parts.stride, parts.position[*j], row);
    }
    let unit = room(units, n_targets * k);
    normalise(inverse, k, unit);
    meat(&active, parts, variance, n_clusters, unit, robust);

    let n_vcov = if matches!(targets, Targets::All) { n_targets } else { 0 };
    let (std_error, df) = (room(std_error, p), room(df, p));
    std_error.fill(0.0);
    df.fill(0.0);
    let vcov = room(vcov, n_vcov * n_vcov);
    let bread = &mut robust.small;
    sandwich(inverse, k, &robust.meat, bread, parts.rss.sqrt(), target, std_error);
    if n_vcov > 0 {
        vcov_matrix(inverse, bread, k, n_vcov, vcov);
    }
    let df_common =
        if variance.is_clustered() { n_clusters as f64 - 1.0 } else { active.n_obs - k as f64 };
    for (t, j) in target.iter().enumerate() {
        df[*j] = if variance == Variance::Cr2 { robust.df[t] } else { df_common };
        if df[*j] == 0.0 {
            std_error[*j] = 0.0;
        }
    }
    let results = beta.iter().chain(&*std_error).chain(&*df).chain(&*vcov);
    if !results.into_iter().all(|v| v.is_finite()) {
        return Err(Failure::NotFinite);
    }
    Ok(Fit {
        beta,
        kept: &parts.kept[..p],
        std_error,
        df,
        vcov,
        rank: k,
        intercept: parts.intercept,
        n_obs: active.n_obs,
        n_clusters,
        rss: parts.rss,
        tss: parts.tss,
    })
}

/// Scales rows to length one, without which squares of squares could overflow.
fn normalise(rows: &[f64], k: usize, unit: &mut [f64]) {
    for (row, unit) in rows.chunks_exact(k.max(1)).zip(unit.chunks_exact_mut(k.max(1))) {
        let length = row.iter().map(|r| r * r).sum::<f64>().sqrt();
        for (u, r) in unit.iter_mut().zip(row) {
            *u = r / length;
        }
    }
}

/// Number of groups that have rows.
fn count_clusters(groups: &[u32]) -> usize {
    groups.windows(2).filter(|g| g[0] < g[1]).count()
}

/// Fills `robust.meat`, and `robust.df` for CR2.
fn meat(
    active: &Active,
    parts: &Decomposition,
    variance: Variance,
    n_clusters: usize,
    unit: &[f64],
    robust: &mut Robust,
) {
    let (n, k, j) = (active.n_obs, parts.rank, n_clusters as f64);
    match variance {
        Variance::Classical => {
            let meat = room(&mut robust.meat, k * k);
            meat.fill(0.0);
            for a in 0..k {
                meat[a * k + a] = parts.rss / (n - k as f64);
            }
        }
        Variance::Hc0 | Variance::Hc1 | Variance::Hc2 | Variance::Hc3 => {
            let factor = if variance == Variance::Hc1 { n / (n - k as f64) } else { 1.0 };
            hc::meat(active, parts, variance, factor, robust);
        }
        Variance::Cr0 => cluster::meat(active, parts, 1.0, robust),
        Variance::Stata => {
            let factor = j / (j - 1.0) * ((n - 1.0) / (n - k as f64));
            cluster::meat(active, parts, factor, robust);
        }
        Variance::Cr2 => match active.rows.observations {
            Observations::Weighted(w) => {
                cluster_weighted::cr2(active, w, parts, unit, robust);
            }
            _ => cluster::cr2(active, parts, unit, robust),
        },
    }
}

/// Standard errors `sqrt(r'B r)`, `r` a row of `R^-1` and `B` the meat; `bread` keeps `B r`.
fn sandwich(
    inverse: &[f64],
    k: usize,
    meat: &[f64],
    bread: &mut Vec<f64>,
    residual_norm: f64,
    target: &[usize],
    std_error: &mut [f64],
) {
    let bread = room(bread, inverse.len());
    for (t, j) in target.iter().enumerate() {
        let r = &inverse[t * k..(t + 1) * k];
        let (mut square, mut length) = (0.0, 0.0);
        for a in 0..k {
            let v: f64 = r.iter().zip(&meat[a * k..]).map(|(r, b)| r * b).sum();
            bread[t * k + a] = v;
            square += v * r[a];
            length += r[a] * r[a];
        }
        let floor = ROUNDING * length.sqrt() * residual_norm;
        // Not `square > floor`: what is not a number has to come through.
        std_error[*j] = if square <= floor * floor { 0.0 } else { square.sqrt() };
    }
}

/// The variance matrix of all kept coefficients.
fn vcov_matrix(inverse: &[f64], bread: &[f64], k: usize, size: usize, vcov: &mut [f64]) {
    for s in 0..size {
        for t in 0..=s {
            let (b, r) = (&bread[s * k..(s + 1) * k], &inverse[t * k..(t + 1) * k]);
            let v = b.iter().zip(r).map(|(b, r)| b * r).sum();
            vcov[s * size + t] = v;
            vcov[t * size + s] = v;
        }
    }
}
