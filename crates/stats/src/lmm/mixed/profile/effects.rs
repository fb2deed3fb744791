//! Profile likelihood of the standard deviations of effects, and of their correlations.

use super::turned::{OnTurned, Turned};
use super::{Element, Model, Work, limit};
use crate::Failure;
use crate::lmm::mixed::Structure;
use crate::lmm::mixed::criterion::Scale;
use crate::lmm::mixed::estimates::Fit;

/// A correlation this close to one is taken for one.
const ONE: f64 = 1e-9;
/// An effect of this size, in units of its predictor's spread and of sigma, is as good as none.
const GONE: f64 = 0.03;

impl Fit<'_> {
    /// Limits of the standard deviation of an effect by profile likelihood. The lower one is zero
    /// where a variance of zero is not rejected. [`Fit::prepare_profiles`] comes first.
    ///
    /// # Errors
    /// `NotConverged`.
    ///
    /// # References
    /// Bates, Maechler, Bolker and Walker 2015, Journal of Statistical Software 67(1), section 5.1.
    pub fn sd_limits(
        &mut self,
        structure: &Structure,
        factor: usize,
        effect: usize,
        critical: f64,
    ) -> Result<[f64; 2], Failure> {
        let Fit { parameters, index, basis, sums, profile: work, .. } = self;
        let model = Model { parameters, index, basis, sums };
        let mut turned = Turned::new(structure, parameters, &sums.scales, factor, &[effect]);
        let factors = turned.variance(parameters);
        let (sigma, mut own) = (work.variance.sqrt(), Vec::new());
        turned.read(parameters, &work.theta, &mut own);
        let sd = sigma * turned.first_size(&own);
        let scale = |s: f64| Scale::OfEffect { factors: &factors, variance: s * s };
        work.last.clone_from(&work.theta);
        let step = 0.3 * sd + 0.1 * sigma;
        let rise = |s: f64| work.rise_of_scale(model, s, scale(s));
        let high = limit(sd + step, sd, None, critical, rise)?;
        let mut low = 0.0;
        if sd > 0.0 && work.rise_without(model, structure, factor, effect)? > critical * critical {
            work.last.clone_from(&work.theta);
            let rise = |s: f64| work.rise_of_scale(model, s, scale(s));
            low = limit(0.7 * sd, sd, Some(0.0), critical, rise)?;
        }
        Ok([low, high].map(|limit| limit / turned.spread))
    }

    /// Limits of the correlation of two effects by profile likelihood. A limit is one, or minus
    /// one, where that is not rejected, or where one of the effects might as well be none.
    /// [`Fit::prepare_profiles`] comes first.
    ///
    /// # Errors
    /// `NotConverged`.
    ///
    /// # Panics
    /// Where the two can not be correlated.
    pub fn correlation_limits(
        &mut self,
        structure: &Structure,
        factor: usize,
        pair: [usize; 2],
        critical: f64,
    ) -> Result<[f64; 2], Failure> {
        let mut blocks = structure.factors[factor].blocks.iter();
        assert!(blocks.any(|b| pair.iter().all(|e| b.contains(e))), "effects of one block");
        let Fit { parameters, index, basis, sums, profile: work, .. } = self;
        let model = Model { parameters, index, basis, sums };
        let mut lost = f64::INFINITY;
        for effect in pair {
            lost = lost.min(work.rise_without(model, structure, factor, effect)?);
        }
        let mut limits = [-1.0, 1.0];
        // Without one of the effects any correlation is as good.
        if lost <= critical * critical {
            return Ok(limits);
        }
        let mut turned = Turned::new(structure, parameters, &sums.scales, factor, &pair);
        let mut start = Vec::new();
        turned.read(parameters, &work.theta, &mut start);
        let estimate = turned.correlation_at(&start);
        for side in &mut limits {
            turned.correlation = Some(*side);
            turned.read(parameters, &work.theta, &mut work.last);
            let mut rise = |given: f64| work.rise_of_correlation(model, &mut turned, lost, given);
            let is_there = (*side - estimate).abs() < ONE;
            if is_there || rise(*side)?.0 <= critical * critical {
                continue;
            }
            *side = limit(0.5 * (estimate + *side), estimate, Some(*side), critical, rise)?;
        }
        Ok(limits)
    }
}

impl Work {
    /// How much the deviance rises where an effect does not vary.
    fn rise_without(
        &mut self,
        model: Model,
        structure: &Structure,
        factor: usize,
        effect: usize,
    ) -> Result<f64, Failure> {
        let Model { parameters, sums, .. } = model;
        let problem = model.problem(sums, Scale::Best);
        let mut turned = Turned::new(structure, parameters, &sums.scales, factor, &[effect]);
        let Work { search, evaluation, theta, .. } = self;
        if turned.is_combined() {
            let descent = &mut search.descent;
            descent.begin(parameters.len());
            turned.read(parameters, theta, &mut descent.at);
            for t in (0..parameters.len()).filter(|t| turned.is_first(*t)) {
                (descent.at[t], descent.free[t]) = (0.0, false);
            }
            let (turned, problem) = (&mut turned, &problem);
            descent.descend(&mut OnTurned { turned, problem, work: evaluation })?;
        } else {
            let is_own = |e: Element| e.factor == factor && (e.row == effect || e.column == effect);
            search.minimise_from(theta, is_own, &problem, evaluation)?;
        }
        Ok(search.descent.value - self.deviance)
    }

    /// How much the deviance rises where the correlation of a block's first two effects is `given`,
    /// and its derivative; `lost` where it rises less without one of the effects.
    fn rise_of_correlation(
        &mut self,
        model: Model,
        turned: &mut Turned,
        lost: f64,
        given: f64,
    ) -> Result<(f64, f64), Failure> {
        let problem = model.problem(model.sums, Scale::Best);
        let Work { search, evaluation, last, .. } = self;
        turned.correlation = Some(given);
        let descent = &mut search.descent;
        descent.begin(last.len());
        descent.at.copy_from_slice(last);
        (0..last.len()).for_each(|t| descent.free[t] = !turned.is_given(t));
        let surface = &mut OnTurned { turned, problem: &problem, work: evaluation };
        let found = descent.descend(surface);
        let is_gone = turned.sizes(&descent.at).iter().any(|size| size.abs() < GONE);
        match found {
            Ok(()) if descent.value - self.deviance < lost => {
                last.clone_from(&descent.at);
                let slope = turned.slope_of_correlation(&descent.at);
                Ok((descent.value - self.deviance, slope))
            }
            Ok(()) => Ok((lost, f64::NAN)),
            Err(_) if is_gone => Ok((lost, f64::NAN)),
            Err(failure) => Err(failure),
        }
    }
}
