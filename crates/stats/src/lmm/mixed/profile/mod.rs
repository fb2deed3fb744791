//! Profile likelihood: how much worse the best fit becomes where one quantity is given.

mod effects;
mod turned;

use super::Method;
use super::basis::Basis;
use super::constrained::Turn;
use super::criterion::{Problem, Scale, Work as Evaluation};
use super::estimates::Fit;
use super::index::Index;
use super::parameters::{Element, Parameters};
use super::search::Search;
use super::sums::Sums;
use crate::Failure;
use crate::linalg::room;

/// Most fits for one limit; five are usual.
const FITS_MAX: usize = 60;
/// A residual standard deviation of this share of the estimate is taken for zero.
const LEAST_SIGMA: f64 = 1e-3;
/// A step below this share of the distance from the estimate is the last.
const LAST_STEP: f64 = 1e-9;

/// Work space.
#[derive(Debug, Default)]
pub(super) struct Work {
    turn: Turn,
    /// The rows with a coefficient given.
    sums: Sums,
    search: Search,
    evaluation: Evaluation,
    /// The whole model at the covariances of the last fit.
    full: Evaluation,
    /// Theta at the maximum of the likelihood.
    theta: Vec<f64>,
    /// Theta of the last fit.
    last: Vec<f64>,
    /// The deviance at the maximum, but for constants.
    deviance: f64,
    /// The residual variance there, in the unit of the weights.
    variance: f64,
    /// Coefficients there, in the columns of `Q`, and the factor of their inverse covariance.
    best: Evaluation,
    h: Vec<f64>,
    a: Vec<f64>,
}

/// A coefficient's interval and test by profile likelihood.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Profiled {
    /// Lower limit.
    pub low: f64,
    /// Upper limit.
    pub high: f64,
    /// The signed root of the likelihood ratio statistic of zero.
    pub root: f64,
}

/// What does not change from fit to fit.
#[derive(Clone, Copy)]
struct Model<'a> {
    parameters: &'a Parameters,
    index: &'a Index,
    basis: &'a Basis,
    sums: &'a Sums,
}

impl<'a> Model<'a> {
    /// The full likelihood. Restricted ones of different predictors do not compare.
    fn problem(&self, sums: &'a Sums, scale: Scale<'a>) -> Problem<'a> {
        let Model { parameters, index, basis, .. } = *self;
        Problem { sums, index, parameters, method: Method::Ml, nu: basis.n_obs, scale }
    }
}

impl Fit<'_> {
    /// Makes profiles ready: maximises the full likelihood, also for a fit by REML.
    ///
    /// # Errors
    /// `NotConverged`.
    pub fn prepare_profiles(&mut self) -> Result<(), Failure> {
        let (model, work) = self.profiles();
        let problem = model.problem(model.sums, Scale::Best);
        let start = std::mem::take(&mut work.theta);
        let found = work.search.minimise_from(&start, |_| false, &problem, &mut work.best);
        work.theta = start;
        found?;
        work.theta.copy_from_slice(&work.search.descent.at);
        (work.deviance, work.variance) = (work.search.descent.value, work.best.r2 / problem.nu);
        Ok(())
    }

    /// The model and the work space; before the first profile theta is that of the fit.
    fn profiles(&mut self) -> (Model<'_>, &mut Work) {
        let Fit { parameters, index, basis, sums, search, profile, .. } = self;
        profile.theta.resize(search.descent.at.len(), 0.0);
        profile.theta.copy_from_slice(&search.descent.at);
        (Model { parameters, index, basis, sums }, profile)
    }

    /// Interval and test of a coefficient by profile likelihood: the values at which the deviance
    /// is `critical^2` above its minimum. [`Fit::prepare_profiles`] comes first.
    ///
    /// # Errors
    /// `TermDropped`; `NotConverged`, also where sixty fits do not find a limit.
    ///
    /// # References
    /// Bates, Maechler, Bolker and Walker 2015, Journal of Statistical Software 67(1), section 5.1.
    pub fn profile(&mut self, term: usize, critical: f64) -> Result<Profiled, Failure> {
        if !self.basis.x.kept[term] {
            return Err(Failure::TermDropped);
        }
        let p = self.rank();
        let Fit { parameters, index, basis, sums, profile: work, .. } = self;
        let model = Model { parameters, index, basis, sums };
        basis.row(term, room(&mut work.h, p));
        let length = work.turn.read(&work.h[..p]);
        let (estimate, unscaled) = work.coefficient(basis, p, true);
        let error = (work.variance * unscaled).sqrt();
        work.last.clone_from(&work.theta);
        let mut sides = [estimate - critical * error, estimate + critical * error];
        for side in &mut sides {
            let rise = |value: f64| work.rise(model, length, value);
            *side = limit(*side, estimate, None, critical, rise)?;
            work.last.clone_from(&work.theta);
        }
        let (rise, _) = work.rise(model, length, 0.0)?;
        let root = rise.max(0.0).sqrt().copysign(estimate);
        Ok(Profiled { low: sides[0], high: sides[1], root })
    }

    /// Limits of the residual standard deviation by profile likelihood. The lower one is zero where
    /// effects can take all that there is, and the likelihood says that they may.
    ///
    /// # Errors
    /// `NotConverged`.
    pub fn sigma_limits(&mut self, critical: f64) -> Result<[f64; 2], Failure> {
        let Fit { parameters, index, basis, sums, profile: work, .. } = self;
        let model = Model { parameters, index, basis, sums };
        let sigma = work.variance.sqrt();
        let half = (critical / (2.0 * basis.n_obs).sqrt()).min(0.9);
        let scale = |s: f64| Scale::Fixed(s * s);
        let sides = [(sigma * (1.0 - half), Some(0.0)), (sigma * (1.0 + half), None)];
        let is_below = |(rise, _): (f64, f64)| rise < critical * critical;
        let mut limits = [0.0; 2];
        for (out, (start, far)) in limits.iter_mut().zip(sides) {
            work.last.clone_from(&work.theta);
            let mut rise = |s: f64| work.rise_of_scale(model, s, scale(s));
            *out = match limit(start, sigma, far, critical, &mut rise) {
                Ok(found) => basis.unit.sqrt() * found,
                Err(_) if far.is_some() && rise(LEAST_SIGMA * sigma).is_ok_and(is_below) => 0.0,
                Err(failure) => return Err(failure),
            };
        }
        Ok(limits)
    }

    /// The likelihood ratio statistic of an effect, by the criterion of the fit, and the number of
    /// variances and covariances that a model without it lacks.
    ///
    /// # Errors
    /// `NotConverged`.
    pub fn effect_test(&mut self, factor: usize, effect: usize) -> Result<(f64, usize), Failure> {
        let (method, nu, value) = (self.method, self.nu, self.search.descent.value);
        let (Model { parameters, index, sums, .. }, work) = self.profiles();
        let problem = Problem { sums, index, parameters, method, nu, scale: Scale::Best };
        let is_own = |e: Element| e.factor == factor && (e.row == effect || e.column == effect);
        work.search.minimise_from(&work.theta, is_own, &problem, &mut work.evaluation)?;
        let n = parameters.list.iter().filter(|e| is_own(**e)).count();
        // A difference of this size is rounding error.
        let rise = work.search.descent.value - value;
        Ok((if rise > 1e-9 * (1.0 + value.abs()) { rise } else { 0.0 }, n))
    }
}

impl Work {
    /// The coefficient of `h` at the best fit, or in the full model at the last one, and its
    /// variance over that of the residuals.
    fn coefficient(&mut self, basis: &Basis, p: usize, at_best: bool) -> (f64, f64) {
        let Evaluation { joint, b, .. } = if at_best { &self.best } else { &self.full };
        let (h, a, width) = (&self.h[..p], room(&mut self.a, p), p + 1);
        for i in 0..p {
            let g = &joint[i * width..i * width + i + 1];
            let done: f64 = (0..i).map(|l| g[l] * a[l]).sum();
            a[i] = (h[i] - done) / g[i];
        }
        let moved = basis.ols.iter().zip(b);
        let estimate = h.iter().zip(moved).map(|(h, (ols, b))| h * (ols + b)).sum();
        (estimate, a.iter().map(|a| a * a).sum())
    }

    /// How much the deviance rises where the coefficient of `h` is `value`, and its derivative.
    fn rise(&mut self, model: Model, length: f64, value: f64) -> Result<(f64, f64), Failure> {
        let p = model.basis.x.columns.len();
        let given = value / length - self.turn.place(&model.basis.ols[..p]);
        self.turn.constrain(model.sums, given, model.index, &mut self.sums);
        let problem = model.problem(&self.sums, Scale::Best);
        let Work { search, evaluation, last, full, .. } = self;
        search.minimise_from(last, |_| false, &problem, evaluation)?;
        last.clone_from(&search.descent.at);
        // At the optimum only the given value moves the deviance: by what it adds to the squares.
        let whole = model.problem(model.sums, Scale::Best);
        whole.value(&search.lambda, full).ok_or(Failure::NotConverged)?;
        whole.set_coefficients(full);
        let rise = search.descent.value - self.deviance;
        let (free, unscaled) = self.coefficient(model.basis, p, false);
        let away = value - free;
        let squares = self.full.r2 + away * away / unscaled;
        Ok((rise, 2.0 * whole.nu * away / (unscaled * squares)))
    }

    /// How much the deviance rises where a standard deviation is `sd`, and its derivative.
    fn rise_of_scale(
        &mut self,
        model: Model,
        sd: f64,
        scale: Scale,
    ) -> Result<(f64, f64), Failure> {
        let problem = model.problem(model.sums, scale);
        let Work { search, evaluation, last, .. } = self;
        search.minimise_from(last, |_| false, &problem, evaluation)?;
        last.clone_from(&search.descent.at);
        let ratio = evaluation.r2 / problem.scale(evaluation);
        Ok((search.descent.value - self.deviance, 2.0 * (problem.nu - ratio) / sd))
    }
}

/// Where the root of the deviance's rise reaches `critical`, on the side of `start`; `far` is a
/// place where it is known to be above. Newton's method for the root, which is nearly a line.
fn limit(
    start: f64,
    estimate: f64,
    mut far: Option<f64>,
    critical: f64,
    mut rise: impl FnMut(f64) -> Result<(f64, f64), Failure>,
) -> Result<f64, Failure> {
    let sign = (start - estimate).signum();
    let (mut near, mut x) = (estimate, start);
    for _ in 0..FITS_MAX {
        let (above, slope) = rise(x)?;
        let root = above.max(0.0).sqrt();
        let newton = x - (root - critical) * 2.0 * root / slope;
        if newton.is_finite() && (newton - x).abs() <= LAST_STEP * (newton - estimate).abs() {
            return Ok(newton);
        }
        if root < critical {
            near = x;
        } else {
            far = Some(x);
        }
        let is_inside =
            |v: f64| sign * (v - near) > 0.0 && far.is_none_or(|f| sign * (f - v) > 0.0);
        x = match far {
            _ if is_inside(newton) => newton,
            Some(far) => 0.5 * (near + far),
            None => x + 2.0 * (x - estimate),
        };
        if far.is_some_and(|far| (far - near).abs() <= 1e-14 * far.abs()) {
            return Ok(x);
        }
    }
    Err(Failure::NotConverged)
}

#[cfg(test)]
mod tests {
    use super::limit;
    use crate::Failure;

    #[test]
    fn limits_are_found_from_bad_starts() {
        // (x - 1)^2 is nine at -2 and 4.
        for start in [1.1, 3.0, 50.0] {
            let found =
                limit(start, 1.0, None, 3.0, |x| Ok(((x - 1.0) * (x - 1.0), 2.0 * (x - 1.0))));
            assert!((found.expect("a limit") - 4.0).abs() < 1e-9);
        }
        let steep = |x: f64| Ok(((x - 1.0).exp_m1().powi(2), f64::NAN));
        let found = limit(0.9, 1.0, Some(-9.0), 0.5, steep).expect("a limit");
        assert!((found - (1.0 + 0.5_f64.ln())).abs() < 1e-9, "{found}");
        let flat = |_: f64| Ok((0.1, 1e-9));
        assert_eq!(limit(2.0, 1.0, None, 3.0, flat), Err(Failure::NotConverged));
    }
}
