//! Linear mixed models in general, with tests of effects and limits by profile likelihood.

use trialrun_stats::Failure;
use trialrun_stats::lmm::Method;
use trialrun_stats::lmm::mixed::{self, Data, Df, Factor, Fit, Scratch, Structure};

use super::draw::{Frame, Source};
use super::twist::Twist;
use super::{Outcome, check_coefficient};

/// A factor whose effects fall into runs of these lengths.
fn factor(keys: &[usize], effects: &[Option<usize>], runs: &[usize]) -> Factor {
    let mut end = 0;
    let blocks = runs.iter().map(|run| {
        end += run;
        end - run..end
    });
    let blocks = blocks.collect();
    Factor { keys: keys.to_vec(), effects: effects.to_vec(), blocks }
}

/// What varies between groups: keys are columns 0 and 1, slopes columns 2 and 3.
pub fn structure(r: &mut Source) -> (&'static str, Structure) {
    let intercept = |keys: &[usize]| factor(keys, &[None], &[1]);
    let slope = || factor(&[0], &[None, Some(2)], &[2]);
    let apart = |key, slope| factor(&[key], &[None, Some(slope)], &[1, 1]);
    let (name, factors) = match r.below(10) {
        0 | 1 => ("1|a", vec![intercept(&[0])]),
        2 => ("1+x|a", vec![slope()]),
        3 => ("x||a", vec![apart(0, 2)]),
        4 => ("0+x|a", vec![factor(&[0], &[Some(2)], &[1])]),
        5 => ("1+x+z|a", vec![factor(&[0], &[None, Some(2), Some(3)], &[3])]),
        6 => ("1|b/a", vec![intercept(&[1]), intercept(&[1, 0])]),
        7 => ("1|a 1|b", vec![intercept(&[0]), intercept(&[1])]),
        8 => ("1+x|a 1|b", vec![slope(), intercept(&[1])]),
        _ => ("1|a z||b", vec![intercept(&[0]), apart(1, 3)]),
    };
    (name, Structure { factors })
}

/// Fits, and asks for all that there is.
pub fn fit(frame: &Frame, r: &mut Source, scratch: &mut Scratch) -> Outcome {
    let (y, x) = (frame.numbers(r), frame.x.concat());
    let (name, structure) = structure(r);
    let offset: Vec<f64> = frame.eta.iter().map(|eta| eta.sin()).collect();
    let columns: [&[f64]; 4] = [&frame.keys[0], &frame.keys[1], &frame.slopes[0], &frame.slopes[1]];
    let data = Data {
        x: &x,
        y: &y,
        weights: frame.weights.as_deref(),
        offset: (r.one_in(6) && !frame.has(Twist::ScaledOutcome)).then_some(&offset),
        columns: &columns,
    };
    let method = r.of(&[Method::Reml, Method::Ml]);
    let with_profiles = r.one_in(3);
    let outcome = match mixed::fit(&data, &structure, method, scratch) {
        Err(failure) => Outcome::failed(failure),
        Ok(mut fit) => {
            let mut outcome = check(&mut fit, &data, &structure, method);
            check_tests(&mut outcome, &mut fit, &structure);
            if with_profiles {
                check_profiles(&mut outcome, &mut fit, &structure);
            }
            outcome
        }
    };
    Outcome { model: format!("{name} {method:?}"), ..outcome }
}

fn check(fit: &mut Fit<'_>, data: &Data<'_>, structure: &Structure, method: Method) -> Outcome {
    let mut outcome = Outcome { boundary: fit.is_boundary(), ..Outcome::default() };
    outcome.check("sigma", fit.sigma() > 0.0, &[fit.sigma()]);
    outcome.check("likelihood", true, &[fit.criterion(), fit.aic(), fit.bic()]);
    let covariances = fit.covariances(structure);
    outcome.check("covariances", true, &covariances);
    outcome.check("theta", true, &fit.theta(structure));
    outcome.check("covariance", true, &fit.vcov(Df::Z));
    let all = [Df::Satterthwaite, Df::BetweenWithin, Df::Residual, Df::Z, Df::KenwardRoger];
    let n = if method == Method::Ml { 4 } else { 5 };
    for df in &all[..n] {
        if outcome.take("preparation", fit.prepare(*df, data, structure)).is_none() {
            continue;
        }
        for j in (0..fit.kept().len()).filter(|j| fit.kept()[*j]).collect::<Vec<_>>() {
            let found = fit.coefficient(j, *df, &mut Vec::new());
            check_coefficient(&mut outcome, found.map(|c| [c.estimate, c.std_error, c.df]));
        }
        if *df == Df::KenwardRoger {
            outcome.check("adjusted covariance", true, &fit.vcov(*df));
        }
    }
    outcome
}

fn check_tests(outcome: &mut Outcome, fit: &mut Fit<'_>, structure: &Structure) {
    for (f, factor) in structure.factors.iter().enumerate() {
        for block in &factor.blocks {
            let can_go = |e: &usize| block.len() == 1 || factor.effects[*e].is_some();
            for e in block.clone().filter(can_go) {
                if let Some((statistic, _)) = outcome.take("test", fit.effect_test(f, e)) {
                    outcome.check("test", statistic >= 0.0, &[statistic]);
                }
            }
        }
    }
}

fn check_profiles(outcome: &mut Outcome, fit: &mut Fit<'_>, structure: &Structure) {
    const CRITICAL: f64 = 1.96;
    if outcome.take("profile", fit.prepare_profiles()).is_none() {
        return;
    }
    if let Some(j) = fit.kept().iter().rposition(|kept| *kept)
        && let Some(found) = outcome.take("profile", fit.profile(j, CRITICAL))
    {
        let is_good = found.low < found.high;
        outcome.check("profile", is_good, &[found.low, found.high, found.root]);
    }
    let limits = |outcome: &mut Outcome, found: Result<[f64; 2], Failure>| {
        if let Some([low, high]) = outcome.take("limits", found) {
            outcome.check("limits", 0.0 <= low && low < high, &[low, high]);
        }
    };
    for (f, factor) in structure.factors.iter().enumerate() {
        for block in factor.blocks.iter().filter(|block| block.len() == 1) {
            limits(outcome, fit.sd_limits(structure, f, block.start, CRITICAL));
        }
    }
    limits(outcome, fit.sigma_limits(CRITICAL));
}
