//! Ordinary and weighted least squares with the robust variances of estimatr.
//!
//! [`fit`] brings the rows into the form `X = Q R` with `Q'WQ = I` (module `decompose`); every
//! variance is then a small matrix between two copies of `R^-1`, which the modules `hc`, `cluster`
//! and `cluster_weighted` compute. Fixed effects are taken out of the columns first (`absorb`);
//! with instruments the predictors are replaced by their projections (`project`).

mod absorb;
mod active;
mod cluster;
mod cluster_absorbed;
mod cluster_ways;
mod cluster_weighted;
mod decompose;
mod hc;
mod infer;
mod instrument_tests;
mod joint;
mod project;
mod satterthwaite;
mod sums;
mod wald;

#[cfg(test)]
mod tests;

pub use instrument_tests::{InstrumentTests, instrument_tests};
pub use joint::hotelling_df;
pub use sums::{Sums, Wanted, sums};
pub use wald::{Wald, inverse_form};

use crate::linalg::inverse_root::InverseRoot;
use crate::{Failure, Rows};
use active::Active;
use decompose::Decomposition;

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
    /// These columns, and combinations of the coefficients: as many factors as there are
    /// predictors for each, not all zero.
    Contrasts(&'a [usize], &'a [f64]),
}

impl<'a> Targets<'a> {
    /// The factors of combinations.
    fn contrasts(self) -> &'a [f64] {
        match self {
            Self::Contrasts(_, factors) => factors,
            Self::All | Self::Some(_) => &[],
        }
    }
}

/// A combination `l'b` of coefficients.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Contrast {
    /// Its estimate.
    pub estimate: f64,
    /// Its standard error, as for coefficients.
    pub std_error: f64,
    /// Its degrees of freedom: with CR2 those of Satterthwaite for the combination itself.
    pub df: f64,
    /// Whether its variance is below zero; the standard error is then zero.
    pub is_negative: bool,
    /// Whether all of its coefficients were kept; if not the other fields are zero.
    pub kept: bool,
}

/// What the columns of the predictors are, in this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Number of instruments, after the predictors; zero for least squares.
    pub instruments: usize,
    /// Number of fixed effects, after the instruments: columns of levels, numbered from 0.
    pub fixed: usize,
    /// In how many ways observations are clustered, where it is more than one (for CR0 and Stata's,
    /// in the place of groups): after the fixed effects stand `2^ways - 1` columns of clusters,
    /// numbered from 0. Column `c - 1` has the intersections of the ways whose bits are set in `c`.
    pub ways: usize,
}

impl Shape {
    /// Number of columns beside the predictors.
    pub fn n_beside(&self) -> usize {
        self.instruments + self.fixed + cluster_ways::n_columns(self.ways)
    }
}

/// Work space of [`fit`]; it grows with the problem, and never shrinks.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    compact: active::Compact,
    absorb: absorb::Absorb,
    project: project::Project,
    parts: Decomposition,
    infer: infer::Infer,
    joint: joint::Work,
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
    places: Vec<usize>,
    /// The clusters of combinations of ways.
    ways: Vec<cluster_ways::Combination>,
    /// Kept for tests of several hypotheses, where they ask for it.
    trail: Option<joint::Trail>,
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
    /// Targets whose variance is below zero, which can be with clusters of several ways; their
    /// standard error is zero.
    pub is_negative: &'s [bool],
    /// Variance matrix of the kept coefficients, rank x rank; empty unless all are targets.
    pub vcov: &'s [f64],
    /// The combinations of coefficients that were asked for.
    pub contrasts: &'s [Contrast],
    /// Number of kept predictors.
    pub rank: usize,
    /// Number of coefficients that the fixed effects take up.
    pub n_fixed: usize,
    /// The first constant predictor.
    pub intercept: Option<usize>,
    /// Number of observations with positive weight.
    pub n_obs: f64,
    /// Number of clusters with observations, the smallest of several ways; zero where the variance
    /// is not clustered.
    pub n_clusters: usize,
    /// Weighted sum of squared residuals.
    pub rss: f64,
    /// Weighted sum of squares of the outcome, around its mean if there is a constant predictor
    /// or a fixed effect.
    pub tss: f64,
    /// The same after the fixed effects are taken out; as `tss` without any.
    pub tss_within: f64,
}

impl Fit<'_> {
    /// `n - k`, above zero in every fit; `k` counts fixed effects.
    pub fn df_residual(&self) -> f64 {
        self.n_obs - (self.rank + self.n_fixed) as f64
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
        let constant = self.intercept.is_some() || self.n_fixed > 0;
        let n = self.n_obs - f64::from(u8::from(constant));
        (self.tss > 0.0).then(|| 1.0 - self.rss / self.tss * (n / self.df_residual()))
    }

    /// `R^2` of what the fixed effects leave.
    pub fn r_squared_within(&self) -> Option<f64> {
        (self.tss_within > 0.0).then(|| 1.0 - self.rss / self.tss_within)
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
    fit_shaped(rows, Shape::default(), variance, targets, scratch)
}

/// Fits a linear model with fixed effects, with instruments, or with both.
///
/// The columns of `rows.x` are the predictors, then the instruments, then the levels of each fixed
/// effect. Fixed effects are absorbed exactly: estimates, standard errors (leverages of HC2, HC3
/// and CR2 included) and degrees of freedom are those of the fit with an indicator for each level.
/// With instruments it is two-stage least squares: `beta = (X'P X)^-1 X'P y`, `P` the projection
/// on the instruments; residuals are `y - X beta`, while meat and leverages use `P X`.
/// Predictors that are instruments as well stand in both places.
/// With clusters of several ways the variance is `sum_c s_c V_c` over their combinations, `V_c`
/// that of one way, `s_c` 1 where the combination is of an odd number of ways and -1 elsewhere; df
/// is the smallest number of clusters minus one. It can be below zero (`Fit::is_negative`).
///
/// # Errors
/// As [`fit`]; `UnderIdentified` where the instruments do not tell the predictors apart.
///
/// # Panics
/// Where the lengths of the slices, or a target, do not fit together, for CR2 with weights and
/// fixed effects, which estimatr refuses as well, and for clusters of several ways with another
/// variance than CR0 or Stata's.
///
/// # References
/// Frisch and Waugh (1933), Econometrica 1:387; Pustejovsky and Tipton (2018), as for [`fit`],
/// theorem 2 (absorption); Wooldridge (2010), Econometric Analysis, chapter 5; Cameron, Gelbach and
/// Miller (2011), Journal of Business and Economic Statistics 29:238 (several ways).
pub fn fit_shaped<'s>(
    rows: &Rows,
    shape: Shape,
    variance: Variance,
    targets: Targets,
    scratch: &'s mut Scratch,
) -> Result<Fit<'s>, Failure> {
    let n_columns = rows.n_predictors();
    assert_eq!(rows.x.len(), n_columns * rows.len(), "predictors fill whole columns");
    let p = n_columns - shape.n_beside();
    let Scratch { compact, absorb, project, parts, infer, .. } = scratch;
    let active = active::select(rows, shape, compact)?;
    let n_clusters = count_clusters(&active, variance, &mut infer.robust)?;
    let active = if shape.fixed > 0 { absorb.take_out(&active, shape.fixed)? } else { active };
    if shape.instruments > 0 {
        project.decompose(&active, p, parts)?;
    } else {
        parts.decompose(&active)?;
    }
    infer.infer(&active, parts, variance, n_clusters, targets)
}

/// Fits another outcome of the rows that were fitted last.
///
/// The predictors are not factorised again. The results are to the bit those of [`fit_shaped`].
/// Rows, shape and variance are as in the last fit, which did not fail; only `rows.y`, and what
/// collapsed rows have within them, may differ.
///
/// # Errors
/// As [`fit_shaped`].
///
/// # Panics
/// Where the rows are not as many as those of the last fit, and where there are instruments.
pub fn fit_outcome<'s>(
    rows: &Rows,
    shape: Shape,
    variance: Variance,
    targets: Targets,
    scratch: &'s mut Scratch,
) -> Result<Fit<'s>, Failure> {
    assert_eq!(shape.instruments, 0, "two-stage least squares has one outcome");
    let Scratch { compact, absorb, parts, infer, .. } = scratch;
    let active = active::select(rows, shape, compact)?;
    assert_eq!(active.rows.len(), parts.m, "the rows of the last fit");
    let n_clusters = count_clusters(&active, variance, &mut infer.robust)?;
    let active =
        if shape.fixed > 0 { absorb.take_out_of_outcome(&active, shape.fixed)? } else { active };
    parts.orthogonalise_outcome(&active)?;
    infer.infer(&active, parts, variance, n_clusters, targets)
}

/// Number of clusters that have rows; zero where the variance has none.
fn count_clusters(
    active: &Active,
    variance: Variance,
    robust: &mut Robust,
) -> Result<usize, Failure> {
    if !variance.is_clustered() {
        return Ok(0);
    }
    let n = match active.ways {
        [] => active.rows.groups.windows(2).filter(|g| g[0] < g[1]).count(),
        _ => cluster_ways::count(active, robust)?,
    };
    if n < 2 { Err(Failure::TooFewClusters) } else { Ok(n) }
}
