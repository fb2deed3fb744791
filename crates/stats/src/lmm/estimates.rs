//! What a fitted random-intercept model reports.

use super::basis::Basis;
use super::profile::{Order, Point, Profile, Work, log_determinant};
use super::{Df, Method};
use crate::Failure;
use crate::buffer::room;

/// A fitted random-intercept model. It lives in the scratch space that it was computed in.
#[derive(Debug)]
pub struct Fit<'s> {
    pub(super) profile: Profile<'s>,
    pub(super) point: Point,
    pub(super) work: &'s Work,
    pub(super) basis: &'s Basis,
    pub(super) beta: &'s [f64],
    pub(super) n_obs: f64,
    pub(super) n_groups: usize,
    pub(super) log_weights: f64,
}

/// One fixed effect.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coefficient {
    /// Estimate.
    pub estimate: f64,
    /// Standard error, that of `vcov` in `lme4`.
    pub std_error: f64,
    /// Degrees of freedom, infinite for [`Df::Z`].
    pub df: f64,
}

impl Fit<'_> {
    /// Fixed effects, one a predictor; zero where the predictor was dropped.
    pub fn beta(&self) -> &[f64] {
        self.beta
    }

    /// Whether each predictor was kept.
    pub fn kept(&self) -> &[bool] {
        &self.basis.kept
    }

    /// Number of predictors that were kept.
    pub fn rank(&self) -> usize {
        self.basis.columns.len()
    }

    /// Number of observations, counts summed, rows of weight zero left out.
    pub fn n_obs(&self) -> usize {
        self.n_obs as usize
    }

    /// Number of groups that have an observation.
    pub fn n_groups(&self) -> usize {
        self.n_groups
    }

    /// Residual standard deviation (of an observation of weight one).
    pub fn sigma(&self) -> f64 {
        self.variance().sqrt()
    }

    /// Standard deviation of the groups over that of the residuals.
    pub fn theta(&self) -> f64 {
        self.point.lambda.sqrt()
    }

    /// Standard deviation of the groups.
    pub fn sd_group(&self) -> f64 {
        self.theta() * self.sigma()
    }

    /// Whether the groups' variance is estimated as exactly zero.
    pub fn is_boundary(&self) -> bool {
        self.point.lambda == 0.0
    }

    /// REML criterion or -2 log-likelihood, whichever was minimised, with `lme4`'s constants.
    pub fn criterion(&self) -> f64 {
        let nu = self.profile.nu;
        let turn = 2.0 * std::f64::consts::PI;
        let determinant = match self.profile.method {
            Method::Reml => log_determinant(&self.work.factor, self.rank()),
            Method::Ml => 0.0,
        };
        self.profile.log_relative_determinant(self.point.lambda) + determinant - self.log_weights
            + nu * (1.0 + libm::log(turn * self.variance()))
    }

    /// The likelihood ratio statistic of the groups' variance, by the criterion of the fit.
    ///
    /// # Errors
    /// `NotConverged` where the model without groups can not be fitted.
    pub fn groups_test(&self) -> Result<f64, Failure> {
        let mut work = Work::default();
        let zero = self.profile.evaluate(0.0, Order::Slope, &mut work);
        let zero = zero.ok_or(Failure::NotConverged)?;
        let value = self.profile.value(&self.point, self.work);
        let rise = self.profile.value(&zero, &work) - value;
        // A difference of this size is rounding error.
        Ok(if rise > 1e-9 * (1.0 + value.abs()) { rise } else { 0.0 })
    }

    /// Logarithm of the (restricted) likelihood.
    pub fn log_likelihood(&self) -> f64 {
        -0.5 * self.criterion()
    }

    /// Akaike's criterion; parameters are the kept coefficients and two variances.
    pub fn aic(&self) -> f64 {
        self.criterion() + 2.0 * (self.rank() + 2) as f64
    }

    /// Schwarz's criterion, with the number of observations also for REML, as `lme4` has it.
    pub fn bic(&self) -> f64 {
        self.criterion() + libm::log(self.n_obs) * (self.rank() + 2) as f64
    }

    /// Estimate, standard error and degrees of freedom of predictor `term`.
    ///
    /// Satterthwaite's degrees of freedom are `2 v^2 / (g' V g)`: `v(theta, sigma)` the variance of
    /// the estimate, `g` its gradient, `V` twice the inverse Hessian of the criterion that was
    /// minimised. All derivatives are analytic. They are taken in `lambda = theta^2` and `log
    /// sigma^2`, where, with `C = (X' V^-1 X)^-1` at unit `sigma`, the ratio becomes `1 / df = 1 /
    /// nu + (C'/C + r2'/r2)^2 / f''`; the gradient of the criterion being zero, that is the same
    /// number. At `theta = 0` the derivative in `theta` is zero and `df = nu`: observations minus
    /// coefficients for REML, observations for ML, as `lmerTest` has it.
    ///
    /// # Errors
    /// `TermDropped` where the predictor was dropped; `ZeroStandardError` where its variance
    /// underflows; `NotConverged` where the criterion is flat at its minimum (its second
    /// derivative is not positive), so that the degrees of freedom are not defined. `lmerTest`
    /// leaves flat directions out instead, by a tolerance that depends on the outcome's unit.
    ///
    /// # References
    /// Kuznetsova, Brockhoff and Christensen 2017, Journal of Statistical Software 82(13),
    /// section 2.3; Giesbrecht and Burns 1985, Biometrics 41:477.
    pub fn coefficient(&self, term: usize, df: Df) -> Result<Coefficient, Failure> {
        let kept = self.basis.columns.iter().position(|&j| j == term);
        let row = self.basis.row(kept.ok_or(Failure::TermDropped)?);
        self.combination(row, self.beta[term], df)
    }

    /// The same for a combination of the coefficients; `factors` has one for each predictor.
    ///
    /// # Errors
    /// As [`Self::coefficient`]; `TermDropped` where a predictor of it was dropped.
    pub fn contrast(
        &self,
        factors: &[f64],
        df: Df,
        buffer: &mut Vec<f64>,
    ) -> Result<Coefficient, Failure> {
        let sum = room(buffer, self.rank());
        sum.fill(0.0);
        let mut estimate = 0.0;
        for (term, factor) in factors.iter().enumerate().filter(|(_, factor)| **factor != 0.0) {
            let kept = self.basis.columns.iter().position(|&j| j == term);
            let row = self.basis.row(kept.ok_or(Failure::TermDropped)?);
            sum.iter_mut().zip(row).for_each(|(s, r)| *s += factor * r);
            estimate += factor * self.beta[term];
        }
        self.combination(sum, estimate, df)
    }

    /// A combination of the coefficients: `row` is that of the rows of `U`.
    fn combination(&self, row: &[f64], estimate: f64, df: Df) -> Result<Coefficient, Failure> {
        let (c, c_slope) = self.unscaled_variance(row);
        let std_error = (self.variance() * c).sqrt();
        if !(std_error > 0.0 && std_error.is_finite()) {
            return Err(Failure::ZeroStandardError);
        }
        let df = match df {
            Df::Z => f64::INFINITY,
            Df::Residual => self.n_obs - self.rank() as f64,
            Df::Satterthwaite => self.satterthwaite(c_slope / c)?,
        };
        Ok(Coefficient { estimate, std_error, df })
    }

    /// Writes the covariance matrix of the kept coefficients, `rank x rank` by rows.
    ///
    /// # Panics
    /// Where `out` is not `rank^2` long.
    pub fn vcov(&self, out: &mut [f64]) {
        let p = self.rank();
        assert_eq!(out.len(), p * p, "the matrix has a row and a column per kept coefficient");
        let variance = self.variance();
        for i in 0..p {
            let u = self.basis.row(i);
            for j in 0..p {
                let c = &self.work.inverse[j * p..(j + 1) * p];
                out[i * p + j] = (i..p).map(|k| u[k] * c[k]).sum::<f64>();
            }
        }
        // Row i now holds U C; times U' from the right, where column j needs columns j and later.
        for row in out.chunks_exact_mut(p.max(1)) {
            for j in 0..p {
                let u = self.basis.row(j);
                row[j] = (j..p).map(|k| row[k] * u[k]).sum();
            }
            row.iter_mut().for_each(|v| *v *= variance);
        }
    }

    /// Whether the variance of a coefficient is beyond all numbers.
    pub(super) fn overflows(&self) -> bool {
        let scaled = |i| self.variance() * self.unscaled_variance(self.basis.row(i)).0;
        !(0..self.rank()).all(|i| scaled(i).is_finite())
    }

    /// Residual variance.
    fn variance(&self) -> f64 {
        self.point.r2 / self.profile.nu
    }

    /// Variance of a coefficient at `sigma = 1`, and its derivative in `lambda`.
    ///
    /// With `u` the coefficient's row of `U` they are `u' C u` and `-u' C A' C u`.
    fn unscaled_variance(&self, u: &[f64]) -> (f64, f64) {
        let p = self.rank();
        let (mut variance, mut slope) = (0.0, 0.0);
        for j in 0..p {
            let c: f64 = (0..p).map(|k| self.work.inverse[j * p + k] * u[k]).sum();
            let d: f64 = (0..p).map(|i| u[i] * self.work.product[i * p + j]).sum();
            variance += u[j] * c;
            slope -= d * c;
        }
        (variance, slope)
    }

    fn satterthwaite(&self, variance_log_slope: f64) -> Result<f64, Failure> {
        let nu = self.profile.nu;
        if self.is_boundary() {
            return Ok(nu);
        }
        let curvature = self.point.curvature;
        let slope = variance_log_slope + self.point.r2_log_slope;
        let df = 1.0 / (1.0 / nu + slope * slope / curvature);
        if curvature > 0.0 && df > 0.0 { Ok(df) } else { Err(Failure::NotConverged) }
    }
}
