//! Generalised linear models, fitted by maximum likelihood as R's `glm` and `MASS::glm.nb` do.
//!
//! Rows that are alike become one cell with a number and a mean outcome ([`rows`]), and the
//! predictors become orthonormal; Newton's method then climbs to the maximum ([`newton`]) or
//! proves that there is none, because some predictor separates the outcomes. Variances
//! ([`variance`]) and average marginal effects ([`effect`]) are small sums over the cells.

pub(crate) mod effect;
mod effects;
pub(crate) mod family;
pub(crate) mod newton;
pub(crate) mod rows;
mod size;
mod variance;

#[cfg(test)]
mod tests;

pub use effect::Change;
pub use effects::Effects;
pub use family::Family;

use crate::Failure;
use crate::linalg::{room, triangular};
use crate::special::gamma::ln_gamma;
use newton::Search;
use rows::Cells;
use variance::{At, Covariance};

/// A variance up to this share of that of the expected information is rounding error.
const ROUNDING: f64 = 1e-24;

/// The rows of a model.
#[derive(Clone, Copy, Debug)]
pub struct Data<'a> {
    /// Predictors by column: column `j` of `p` is `x[j * m..(j + 1) * m]`, `m` rows.
    pub x: &'a [f64],
    /// Outcome of each row, length `m`; successes where there are `trials`.
    pub y: &'a [f64],
    /// Prior weights, none negative: the log-likelihood of a row counts so many times.
    pub weights: Option<&'a [f64]>,
    /// Trials of each row, whole numbers: the outcome is the number of successes.
    pub trials: Option<&'a [f64]>,
    /// What is added to the linear predictor of each row.
    pub offset: Option<&'a [f64]>,
    /// Where clusters begin, as in [`crate::Rows`]; empty where there are none.
    pub groups: &'a [u32],
}

/// Estimators of the variance of the coefficients.
///
/// `s` score of a row, `h` leverage, `n` rows, `k` rank, `G` clusters. Each but the first is
/// `B M B` with `B` the inverse of the expected information and `M` as said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Variance {
    /// `B` times the dispersion: right where the model is.
    Classical,
    /// `sum s s'`.
    Hc0,
    /// `n / (n - k) sum s s'`.
    Hc1,
    /// `sum s s' / (1 - h)`.
    Hc2,
    /// `sum s s' / (1 - h)^2`.
    Hc3,
    /// `sum_g S_g S_g'`, `S_g` the sum of the scores of a cluster.
    Cr0,
    /// CR0 times `G / (G - 1)`.
    Cr1,
    /// CR0 times `G / (G - 1) (n - 1) / (n - k)`.
    Cr1s,
}

impl Variance {
    /// Whether the variance sums over clusters.
    pub fn is_clustered(self) -> bool {
        matches!(self, Self::Cr0 | Self::Cr1 | Self::Cr1s)
    }
}

/// An estimate with its error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coefficient {
    /// Estimate.
    pub estimate: f64,
    /// Standard error.
    pub std_error: f64,
    /// Degrees of freedom: infinite, or those of the dispersion where it is estimated.
    pub df: f64,
}

/// Memory of the fits of one thread; it grows to the largest data set and stays.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    cells: Cells,
    search: Search,
    size: size::Size,
    covariance: Covariance,
    beta: Vec<f64>,
}

/// A fitted model. It lives in the scratch space that it was computed in.
#[derive(Debug)]
pub struct Fit<'s> {
    family: Family,
    /// One over the size of the negative binomial family, zero in others.
    alpha: f64,
    cells: &'s Cells,
    search: &'s Search,
    covariance: &'s Covariance,
    beta: &'s [f64],
}

/// Fits a generalised linear model by maximum likelihood.
///
/// Coefficients solve the score equations to the last digits. A predictor that the ones before it
/// determine (tolerance 1e-11, as in R's `glm`) is dropped. Rows of weight zero do not count.
/// Shapes: as in [`Data`].
/// Domain: finite numbers, squares of predictors within the range of doubles.
///
/// # Errors
/// `NoRows`, `NotFinite`; `BadWeights` (negative, all zero, or trials that are no whole numbers);
/// `OutcomeNotAllowed` by the family; `Separation` where the likelihood has no maximum because
/// some combination of the predictors separates the outcomes; `TooFewClusters`; `NoResidualDf`;
/// `NotConverged` where the likelihood is flat, or its maximum beyond the reach of doubles.
///
/// # Panics
/// Where the lengths of the slices do not fit together.
///
/// # References
/// McCullagh and Nelder 1989, Generalized Linear Models, chapter 2. Zeileis, Koell and Graham
/// 2020, Journal of Statistical Software 95(1) (clustered variances).
pub fn fit<'s>(
    data: &Data,
    family: Family,
    variance: Variance,
    scratch: &'s mut Scratch,
) -> Result<Fit<'s>, Failure> {
    let m = data.y.len();
    if m == 0 {
        return Err(Failure::NoRows);
    }
    assert!(data.x.len().is_multiple_of(m), "predictors come in whole columns");
    let Scratch { cells, search, size, covariance, beta } = scratch;
    cells.read(data, family)?;
    let alpha = match family {
        Family::NegativeBinomial => size.fit(data, cells, search)?,
        _ => {
            search.start(cells, family, 0.0)?;
            0.0
        }
    };
    covariance.fit(&At { data, cells, search, family, alpha }, variance)?;
    let p = cells.basis.kept.len();
    let kept_beta = room(beta, 2 * p);
    let (kept_beta, all) = kept_beta.split_at_mut(p);
    let kept_beta = &mut kept_beta[..cells.rank];
    kept_beta.copy_from_slice(&search.gamma);
    triangular::solve(&cells.basis.r, cells.basis.stride, kept_beta);
    all.fill(0.0);
    for (b, &j) in kept_beta.iter().zip(&cells.basis.columns) {
        all[j] = *b;
    }
    let variances = covariance.matrix[..cells.rank * cells.rank].iter();
    if !all.iter().chain(variances).all(|b| b.is_finite()) {
        return Err(Failure::NotFinite);
    }
    Ok(Fit { family, alpha, cells, search, covariance, beta: &beta[p..2 * p] })
}

impl Fit<'_> {
    /// Coefficients, one a predictor; zero where the predictor was dropped.
    pub fn beta(&self) -> &[f64] {
        self.beta
    }

    /// Whether each predictor was kept.
    pub fn kept(&self) -> &[bool] {
        &self.cells.basis.kept
    }

    /// Number of predictors that were kept.
    pub fn rank(&self) -> usize {
        self.cells.rank
    }

    /// Rows of positive weight.
    pub fn n_obs(&self) -> f64 {
        self.cells.n_obs
    }

    /// Clusters with observations; zero where the variance is not clustered.
    pub fn n_clusters(&self) -> usize {
        self.covariance.n_clusters
    }

    /// Whether the negative binomial family ended at Poisson's, its size infinite.
    pub fn is_boundary(&self) -> bool {
        self.family == Family::NegativeBinomial && self.alpha == 0.0
    }

    /// The size of the negative binomial family; infinite at the boundary.
    pub fn size(&self) -> Option<f64> {
        (self.family == Family::NegativeBinomial).then(|| 1.0 / self.alpha)
    }

    /// The factor of the variance that Gamma families leave open; one in others.
    pub fn dispersion(&self) -> f64 {
        self.covariance.dispersion
    }

    /// Degrees of freedom of the coefficients' statistics.
    fn df(&self) -> f64 {
        let residual = self.cells.n_obs - self.cells.rank as f64;
        if self.family.has_dispersion() { residual } else { f64::INFINITY }
    }

    /// Estimate, standard error and degrees of freedom of predictor `j`, on the link scale.
    ///
    /// # Errors
    /// `TermDropped` where the predictor was dropped.
    pub fn coefficient(&self, j: usize, work: &mut Vec<f64>) -> Result<Coefficient, Failure> {
        if !self.cells.basis.kept[j] {
            return Err(Failure::TermDropped);
        }
        let p = self.cells.basis.kept.len();
        let (unit, own) = room(work, 2 * p).split_at_mut(p);
        unit.fill(0.0);
        unit[j] = 1.0;
        let std_error = self.form(unit, own).sqrt();
        Ok(Coefficient { estimate: self.beta[j], std_error, df: self.df() })
    }

    /// The same for a combination of the coefficients; `factors` has one for each predictor.
    ///
    /// # Errors
    /// `TermDropped` where a predictor of it was dropped.
    pub fn contrast(&self, factors: &[f64], work: &mut Vec<f64>) -> Result<Coefficient, Failure> {
        let mut pairs = factors.iter().zip(&self.cells.basis.kept);
        if pairs.any(|(factor, kept)| *factor != 0.0 && !kept) {
            return Err(Failure::TermDropped);
        }
        let estimate = factors.iter().zip(self.beta).map(|(f, b)| f * b).sum();
        let std_error = self.form(factors, room(work, factors.len())).sqrt();
        Ok(Coefficient { estimate, std_error, df: self.df() })
    }

    /// `g'V g`, with `V` the variance of the coefficients; dropped ones have none. Zero where it is
    /// rounding error beside what the expected information alone would give.
    fn form(&self, g: &[f64], work: &mut [f64]) -> f64 {
        let k = self.cells.rank;
        let h = &mut work[..k];
        self.lower(g, h);
        let form = |matrix: &[f64]| {
            let row = |i: usize| &matrix[i * k..(i + 1) * k];
            let inner = |i: usize| row(i).iter().zip(&*h).map(|(v, h)| v * h).sum::<f64>();
            (0..k).map(|i| h[i] * inner(i)).sum::<f64>()
        };
        let (own, plain) = (form(&self.covariance.matrix), form(&self.covariance.bread));
        if own <= ROUNDING * plain { 0.0 } else { own }
    }

    /// Solves `R'h = g`, `g` by predictor.
    fn lower(&self, g: &[f64], h: &mut [f64]) {
        self.cells.basis.lower(|j| g[j], h);
    }

    /// The variance matrix of the kept coefficients, `rank x rank`.
    pub fn vcov(&self) -> Vec<f64> {
        let (p, columns) = (self.cells.basis.kept.len(), &self.cells.basis.columns);
        let mut units = vec![0.0; columns.len() * p];
        columns.iter().enumerate().for_each(|(i, j)| units[i * p + j] = 1.0);
        self.vcov_of(&units.chunks_exact(p.max(1)).collect::<Vec<_>>())
    }

    /// The variance matrix of functions of the coefficients with these gradients, by rows: the
    /// delta method.
    pub fn vcov_of(&self, gradients: &[&[f64]]) -> Vec<f64> {
        let (k, n) = (self.cells.rank, gradients.len());
        let mut inverse = vec![0.0; n * k];
        for (row, gradient) in inverse.chunks_exact_mut(k.max(1)).zip(gradients) {
            self.lower(gradient, row);
        }
        let v = &self.covariance.matrix[..k * k];
        let entry = |i: usize, j: usize| -> f64 {
            let inner = |a: usize| (0..k).map(|b| v[a * k + b] * inverse[j * k + b]).sum::<f64>();
            (0..k).map(|a| inverse[i * k + a] * inner(a)).sum()
        };
        (0..n * n).map(|at| entry(at / n, at % n)).collect()
    }

    /// Twice the log-likelihood that a perfect fit has more.
    pub fn deviance(&self, data: &Data) -> f64 {
        let own = self.cells.live().map(|(i, c)| {
            let y = data.trials.map_or(data.y[i], |t| data.y[i] / t[i]);
            let least = self.family.least_loss(y, self.alpha);
            self.cells.w[c] * (self.family.loss(self.search.eta[c], y, self.alpha) - least)
        });
        2.0 * own.sum::<f64>()
    }

    /// The log-likelihood; none with prior weights, which give it no scale, and for Gamma families.
    pub fn log_likelihood(&self, data: &Data) -> Option<f64> {
        if data.weights.is_some() || self.family.has_dispersion() {
            return None;
        }
        let own = self.cells.live().map(|(i, c)| {
            let (y, w) = (data.y[i], self.cells.w[c]);
            let share = data.trials.map_or(y, |t| y / t[i]);
            let loss = w * self.family.loss(self.search.eta[c], share, self.alpha);
            let constant = match self.family {
                Family::Poisson => -ln_gamma(y + 1.0),
                Family::NegativeBinomial => {
                    let rising = |k: u32| libm::log1p(self.alpha * f64::from(k));
                    (0..y as u32).map(rising).sum::<f64>() - ln_gamma(y + 1.0)
                }
                _ => data.trials.map_or(0.0, |t| log_choose(t[i], y)),
            };
            constant - loss
        });
        Some(own.sum())
    }
}

/// Logarithm of the number of ways to choose `k` of `n`.
pub(crate) fn log_choose(n: f64, k: f64) -> f64 {
    ln_gamma(n + 1.0) - ln_gamma(k + 1.0) - ln_gamma(n - k + 1.0)
}
