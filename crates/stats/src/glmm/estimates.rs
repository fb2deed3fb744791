//! What a fitted model reports.

use super::layout::Layout;
use super::{Curvature, Data, Family, Likelihood, Structure};
use crate::Failure;
use crate::descent::Descent;
use crate::glm::rows::Cells;
use crate::glm::{Coefficient, log_choose};
use crate::linalg::{room, triangular};
use crate::lmm::mixed::index::Index;
use crate::lmm::mixed::parameters::Parameters;
use crate::lmm::mixed::scales;
use crate::special::gamma::ln_gamma;

/// A fitted model. It lives in the scratch space that it was computed in.
#[derive(Debug)]
pub struct Fit<'s> {
    pub(super) family: Family,
    pub(super) curvature: Curvature,
    pub(super) cells: &'s Cells,
    pub(super) parameters: &'s Parameters,
    pub(super) index: &'s Index,
    pub(super) layout: &'s Layout,
    pub(super) descent: &'s Descent,
    /// Of elements of the factors and coefficients of the layout's predictors.
    pub(super) covariance: &'s [f64],
    pub(super) likelihood: &'s mut dyn Likelihood,
}

impl Fit<'_> {
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

    /// Number of groups of each grouping factor.
    pub fn n_groups(&self) -> &[usize] {
        &self.index.n_groups
    }

    /// Whether some variance is zero, or some correlation one: a diagonal element of a factor is
    /// exactly zero.
    pub fn is_boundary(&self) -> bool {
        let mut theta = self.descent.at.iter().zip(&self.parameters.list);
        theta.any(|(t, e)| e.row == e.column && *t == 0.0)
    }

    /// Estimate, standard error and degrees of freedom (infinite) of predictor `j`, on the link
    /// scale. The error is that of the inverse of the observed information on all parameters,
    /// those of the variances included.
    ///
    /// # Errors
    /// `TermDropped` where the predictor was dropped; `NotFinite`; `ZeroStandardError`.
    pub fn coefficient(&self, j: usize, work: &mut Vec<f64>) -> Result<Coefficient, Failure> {
        if !self.cells.basis.kept[j] {
            return Err(Failure::TermDropped);
        }
        self.combination(|column| f64::from(u8::from(column == j)), work)
    }

    /// The same for a combination of the coefficients; `factors` has one for each predictor.
    ///
    /// # Errors
    /// `TermDropped` where a predictor of it was dropped; `NotFinite`; `ZeroStandardError`.
    pub fn contrast(&self, factors: &[f64], work: &mut Vec<f64>) -> Result<Coefficient, Failure> {
        let mut pairs = factors.iter().zip(&self.cells.basis.kept);
        if pairs.any(|(factor, kept)| *factor != 0.0 && !kept) {
            return Err(Failure::TermDropped);
        }
        self.combination(|column| factors[column], work)
    }

    fn combination(
        &self,
        factor: impl Fn(usize) -> f64,
        work: &mut Vec<f64>,
    ) -> Result<Coefficient, Failure> {
        let h = room(work, self.rank());
        self.cells.basis.lower(factor, h);
        let unit = self.layout.unit;
        let gamma = &self.descent.at[self.parameters.len()..];
        let estimate = unit * h.iter().zip(gamma).map(|(h, g)| h * g).sum::<f64>();
        let std_error = unit * self.form(h, h).max(0.0).sqrt();
        if !(estimate.is_finite() && std_error.is_finite()) {
            return Err(Failure::NotFinite);
        }
        if std_error == 0.0 {
            return Err(Failure::ZeroStandardError);
        }
        Ok(Coefficient { estimate, std_error, df: f64::INFINITY })
    }

    /// `a'C b`, `C` the covariance of the layout's coefficients.
    fn form(&self, a: &[f64], b: &[f64]) -> f64 {
        let (n, first) = (self.descent.at.len(), self.parameters.len());
        let row = |i: usize| &self.covariance[(first + i) * n + first..(first + i + 1) * n];
        let inner = |i: usize| row(i).iter().zip(b).map(|(c, b)| c * b).sum::<f64>();
        a.iter().enumerate().map(|(i, a)| a * inner(i)).sum()
    }

    /// Coefficients, one a predictor; zero where the predictor was dropped.
    pub fn beta(&self) -> Vec<f64> {
        let mut beta = Vec::new();
        self.write_beta(&mut beta);
        beta
    }

    /// Writes the coefficients, and work space behind them.
    pub(super) fn write_beta(&self, beta: &mut Vec<f64>) {
        let (basis, p) = (&self.cells.basis, self.cells.basis.kept.len());
        let (all, kept) = room(beta, p + self.rank()).split_at_mut(p);
        let gamma = &self.descent.at[self.parameters.len()..];
        kept.iter_mut().zip(gamma).for_each(|(k, g)| *k = g * self.layout.unit);
        let kept = &mut kept[..gamma.len()];
        triangular::solve(&basis.r, basis.stride, kept);
        all.fill(0.0);
        for (b, &j) in kept.iter().zip(&basis.columns) {
            all[j] = *b;
        }
        beta.truncate(p);
    }

    /// The covariance matrix of the kept coefficients, `rank x rank`.
    pub fn vcov(&self) -> Vec<f64> {
        let (k, basis) = (self.rank(), &self.cells.basis);
        let mut rows = vec![0.0; k * k];
        for (row, &j) in rows.chunks_exact_mut(k.max(1)).zip(&basis.columns) {
            basis.lower(|column| f64::from(u8::from(column == j)), row);
        }
        let row = |i: usize| &rows[i * k..(i + 1) * k];
        let square = self.layout.unit * self.layout.unit;
        (0..k * k).map(|at| square * self.form(row(at / k), row(at % k))).collect()
    }

    /// Covariances of the effects in the units of the data, a matrix for each factor, one after
    /// the other.
    pub fn covariances(&self, structure: &Structure) -> Vec<f64> {
        let (mut lambda, mut sigma) = (Vec::new(), vec![0.0; self.parameters.size()]);
        self.parameters.expand(&self.descent.at[..self.parameters.len()], &mut lambda);
        self.parameters.square(&lambda, &mut sigma);
        scales::undo(structure, self.parameters, &self.layout.scales, &sigma)
    }

    /// Elements of the factors in the units of the data: for each grouping factor and block the
    /// lower triangle by columns, no diagonal element negative.
    pub fn theta(&self, structure: &Structure) -> Vec<f64> {
        let mut theta = vec![0.0; self.parameters.len()];
        self.parameters.factor(&self.covariances(structure), &mut theta);
        theta
    }

    /// The log-likelihood, all constants included; none with prior weights, which give it no scale.
    pub fn log_likelihood(&self, data: &Data) -> Option<f64> {
        let rows = &data.rows;
        if rows.weights.is_some() {
            return None;
        }
        let constant = |i: usize| match self.family {
            Family::Poisson => -ln_gamma(rows.y[i] + 1.0),
            _ => rows.trials.map_or(0.0, |t| log_choose(t[i], rows.y[i])),
        };
        Some(self.cells.live().map(|(i, _)| constant(i)).sum::<f64>() - self.descent.value)
    }

    /// Number of estimated parameters: coefficients and elements of the factors.
    fn n_parameters(&self) -> f64 {
        (self.rank() + self.parameters.len()) as f64
    }

    /// Akaike's criterion.
    pub fn aic(&self, log_likelihood: f64) -> f64 {
        2.0 * (self.n_parameters() - log_likelihood)
    }

    /// Schwarz's criterion.
    pub fn bic(&self, log_likelihood: f64) -> f64 {
        libm::log(self.n_obs()) * self.n_parameters() - 2.0 * log_likelihood
    }
}
