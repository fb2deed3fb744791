//! What a fitted mixed model reports.

use super::basis::Basis;
use super::criterion::{Problem, Scale, Work};
use super::df::{self, Df};
use super::index::Index;
use super::parameters::Parameters;
use super::scales;
use super::search::Search;
use super::sums::Sums;
use super::{Data, Method, Structure, profile};
use crate::Failure;
use crate::linalg::room;
pub use crate::lmm::estimates::Coefficient;

/// A fitted mixed model. It lives in the scratch space that it was computed in.
#[derive(Debug)]
pub struct Fit<'s> {
    pub(super) method: Method,
    pub(super) nu: f64,
    pub(super) parameters: &'s Parameters,
    pub(super) basis: &'s Basis,
    pub(super) index: &'s Index,
    pub(super) sums: &'s Sums,
    pub(super) work: &'s mut Work,
    pub(super) search: &'s mut Search,
    pub(super) df: &'s mut df::Work,
    pub(super) profile: &'s mut profile::Work,
}

impl Fit<'_> {
    /// Whether each predictor was kept.
    pub fn kept(&self) -> &[bool] {
        &self.basis.x.kept
    }

    /// Number of predictors that were kept.
    pub fn rank(&self) -> usize {
        self.basis.x.columns.len()
    }

    /// Observations of positive weight.
    pub fn n_obs(&self) -> f64 {
        self.basis.n_obs
    }

    /// Number of groups of each grouping factor.
    pub fn n_groups(&self) -> &[usize] {
        &self.index.n_groups
    }

    /// Residual standard deviation (of an observation of weight one).
    pub fn sigma(&self) -> f64 {
        (self.work.r2 / self.nu * self.basis.unit).sqrt()
    }

    /// Whether a variance, of the residuals or of a coefficient, is beyond all numbers.
    pub(super) fn overflows(&mut self) -> bool {
        let variance = self.work.r2 / self.nu;
        let p = self.rank();
        let mut buffer = std::mem::take(&mut self.search.room);
        let (row, a) = room(&mut buffer, 2 * p).split_at_mut(p);
        let is_finite = |j: &usize| {
            self.basis.row(*j, row);
            self.lower(row, a);
            (variance * a.iter().map(|v| v * v).sum::<f64>()).is_finite()
        };
        let all_finite = self.basis.x.columns.iter().all(is_finite);
        self.search.room = buffer;
        !all_finite || !(variance * self.basis.unit).is_finite()
    }

    /// Whether some variance is zero, or some correlation one: a diagonal element of a factor is
    /// exactly zero.
    pub fn is_boundary(&self) -> bool {
        let theta = self.search.descent.at.iter().zip(&self.parameters.list);
        theta.into_iter().any(|(t, e)| e.row == e.column && *t == 0.0)
    }

    /// REML criterion or -2 log-likelihood, whichever was minimised, with `lme4`'s constants.
    pub fn criterion(&self) -> f64 {
        let turn = 2.0 * std::f64::consts::PI;
        let constant = self.nu * (1.0 + libm::log(turn / self.nu));
        let scale = match self.method {
            Method::Reml => {
                let r = |i: usize| self.basis.x.r[i * self.basis.x.stride + i];
                2.0 * (0..self.rank()).map(|i| libm::log(r(i))).sum::<f64>()
            }
            Method::Ml => 0.0,
        };
        self.search.descent.value + constant + scale - self.basis.log_weights
    }

    /// Logarithm of the (restricted) likelihood.
    pub fn log_likelihood(&self) -> f64 {
        -0.5 * self.criterion()
    }

    /// Number of estimated parameters: coefficients, elements of the factors, and sigma.
    fn n_parameters(&self) -> f64 {
        (self.rank() + self.parameters.len() + 1) as f64
    }

    /// Akaike's criterion.
    pub fn aic(&self) -> f64 {
        self.criterion() + 2.0 * self.n_parameters()
    }

    /// Schwarz's criterion, with the number of observations also for REML, as `lme4` has it.
    pub fn bic(&self) -> f64 {
        self.criterion() + libm::log(self.n_obs()) * self.n_parameters()
    }

    /// Covariances of the effects over `sigma^2` in the units of the data, a matrix for each
    /// factor, one after the other.
    pub fn covariances(&self, structure: &Structure) -> Vec<f64> {
        let (scales, sigma) = (&self.sums.scales, &self.work.sigma);
        let mut all = scales::undo(structure, self.parameters, scales, sigma);
        all.iter_mut().for_each(|v| *v /= self.basis.unit);
        all
    }

    /// Elements of the factors in the units of the data: for each grouping factor and block the
    /// lower triangle by columns, no diagonal element negative.
    pub fn theta(&self, structure: &Structure) -> Vec<f64> {
        let mut theta = vec![0.0; self.parameters.len()];
        self.parameters.factor(&self.covariances(structure), &mut theta);
        theta
    }

    /// Fixed effects, one a predictor; zero where the predictor was dropped.
    pub fn beta(&self) -> Vec<f64> {
        let (basis, p) = (self.basis, self.rank());
        let (mut beta, mut row) = (vec![0.0; basis.x.kept.len()], vec![0.0; p]);
        for &j in &basis.x.columns {
            basis.row(j, &mut row);
            let moved = basis.ols[..p].iter().zip(&self.work.b);
            beta[j] = row.iter().zip(moved).map(|(r, (ols, b))| r * (ols + b)).sum();
        }
        beta
    }

    /// Makes the degrees of freedom ready that need more than the fit.
    ///
    /// # Errors
    /// `NotConverged` where the expected information is none.
    pub fn prepare(&mut self, df: Df, data: &Data, structure: &Structure) -> Result<(), Failure> {
        let Fit { parameters, index, sums, method, nu, basis, .. } = self;
        match df {
            Df::KenwardRoger => {
                let (method, nu, scale) = (*method, *nu, Scale::Best);
                let problem = Problem { sums, index, parameters, method, nu, scale };
                df::kenward_roger(&problem, &self.search.lambda, basis.n_obs, self.work, self.df)
            }
            Df::BetweenWithin => {
                df::between_within(data, structure, basis, index, self.df);
                Ok(())
            }
            Df::Satterthwaite | Df::Residual | Df::Z => Ok(()),
        }
    }

    /// Estimate, standard error and degrees of freedom of predictor `term`; [`Fit::prepare`] comes
    /// first.
    ///
    /// # Errors
    /// `TermDropped`; `ZeroStandardError`; `NoResidualDf` where none are left between groups;
    /// `NotConverged` where the criterion is flat.
    pub fn coefficient(
        &mut self,
        term: usize,
        df: Df,
        buffer: &mut Vec<f64>,
    ) -> Result<Coefficient, Failure> {
        if !self.basis.x.kept[term] {
            return Err(Failure::TermDropped);
        }
        let p = self.rank();
        let (row, a) = room(buffer, 2 * p).split_at_mut(p);
        self.basis.row(term, row);
        let between = if df == Df::BetweenWithin { self.df.between_within[term] } else { 0.0 };
        self.combination(row, a, df, between)
    }

    /// The same for a combination of the coefficients; `factors` has one for each predictor. With
    /// `BetweenWithin` its degrees of freedom are the fewest of its coefficients.
    ///
    /// # Errors
    /// As [`Self::coefficient`]; `TermDropped` where a predictor of it was dropped.
    pub fn contrast(
        &mut self,
        factors: &[f64],
        df: Df,
        buffer: &mut Vec<f64>,
    ) -> Result<Coefficient, Failure> {
        let p = self.rank();
        let (sum, rest) = room(buffer, 3 * p).split_at_mut(p);
        let (row, a) = rest.split_at_mut(p);
        sum.fill(0.0);
        let mut between = f64::INFINITY;
        for (term, factor) in factors.iter().enumerate().filter(|(_, factor)| **factor != 0.0) {
            if !self.basis.x.kept[term] {
                return Err(Failure::TermDropped);
            }
            self.basis.row(term, row);
            sum.iter_mut().zip(&*row).for_each(|(s, r)| *s += factor * r);
            if df == Df::BetweenWithin {
                between = between.min(self.df.between_within[term]);
            }
        }
        self.combination(sum, a, df, between)
    }

    /// A combination of the coefficients: `row` is that of their rows, `a` is room as long.
    fn combination(
        &mut self,
        row: &[f64],
        a: &mut [f64],
        df: Df,
        between: f64,
    ) -> Result<Coefficient, Failure> {
        let p = self.rank();
        let moved = self.basis.ols[..p].iter().zip(&self.work.b);
        let estimate = row.iter().zip(moved).map(|(r, (ols, b))| r * (ols + b)).sum();
        self.lower(row, a);
        let mut variance: f64 = a.iter().map(|v| v * v).sum();
        let df = match df {
            Df::Z => f64::INFINITY,
            Df::Residual => self.basis.n_obs - p as f64,
            Df::BetweenWithin => between,
            Df::Satterthwaite => {
                let Fit { parameters, index, sums, method, nu, .. } = *self;
                let scale = Scale::Best;
                let problem = Problem { sums, index, parameters, method, nu, scale };
                df::satterthwaite(&problem, self.search, self.work, a, self.df)?
            }
            Df::KenwardRoger => {
                let (df, adjusted) = df::of_kenward_roger(self.parameters.len(), a, self.df);
                variance = adjusted;
                df
            }
        };
        let std_error = (self.work.r2 / self.nu * variance).sqrt();
        if !(std_error > 0.0 && std_error.is_finite()) {
            return Err(Failure::ZeroStandardError);
        }
        if df.is_nan() || df <= 0.0 {
            return Err(Failure::NoResidualDf);
        }
        Ok(Coefficient { estimate, std_error, df })
    }

    /// Solves `G a = h`.
    fn lower(&self, h: &[f64], a: &mut [f64]) {
        let width = self.sums.width;
        for i in 0..h.len() {
            let g = &self.work.joint[i * width..i * width + i + 1];
            let done: f64 = (0..i).map(|l| g[l] * a[l]).sum();
            a[i] = (h[i] - done) / g[i];
        }
    }

    /// The covariance matrix of the kept coefficients, `rank x rank`; Kenward and Roger's where
    /// `df` asks for it and [`Fit::prepare`] was called.
    pub fn vcov(&self, df: Df) -> Vec<f64> {
        let p = self.rank();
        let (mut row, mut all) = (vec![0.0; p], vec![0.0; p * p]);
        for (a, &j) in all.chunks_exact_mut(p.max(1)).zip(&self.basis.x.columns) {
            self.basis.row(j, &mut row);
            self.lower(&row, a);
        }
        let variance = self.work.r2 / self.nu;
        let entry = |i: usize, j: usize| -> f64 {
            let (x, y) = (&all[i * p..(i + 1) * p], &all[j * p..(j + 1) * p]);
            if df != Df::KenwardRoger {
                return x.iter().zip(y).map(|(x, y)| x * y).sum();
            }
            let inner = |k: usize| -> f64 {
                let m = &self.df.adjusted[k * p..(k + 1) * p];
                m.iter().zip(y).map(|(m, y)| m * y).sum()
            };
            x.iter().enumerate().map(|(k, x)| x * inner(k)).sum()
        };
        (0..p * p).map(|at| variance * entry(at / p, at % p)).collect()
    }
}
