//! Random intercepts by their own route.

use trialrun_stats::lmm::{Df, Fit, Method, Scratch, fit as fit_lmm};
use trialrun_stats::{Observations, Rows};

use super::draw::{Frame, Source};
use super::{Outcome, check_coefficient};

/// Fits, and asks for all that there is.
pub fn fit(frame: &Frame, r: &mut Source, scratch: &mut Scratch) -> Outcome {
    let y = frame.numbers(r);
    let (n, x) = (y.len(), frame.x.concat());
    let mut groups = vec![0];
    let ends = (1..n).filter(|i| frame.keys[0][*i] != frame.keys[0][*i - 1]);
    groups.extend(ends.map(|i| i as u32));
    groups.push(n as u32);
    let counts: Vec<f64> = (0..n).map(|_| r.below(5) as f64).collect();
    let within: Vec<f64> =
        counts.iter().map(|c| if *c > 1.0 { r.uniform() } else { 0.0 }).collect();
    let observations = match &frame.weights {
        Some(weights) => Observations::Weighted(weights),
        None if r.one_in(4) => Observations::Collapsed { count: &counts, within: &within },
        None => Observations::Single,
    };
    let rows = Rows { x: &x, y: &y, observations, groups: &groups };
    let method = r.of(&[Method::Reml, Method::Ml]);
    let outcome = match fit_lmm(&rows, method, scratch) {
        Err(failure) => Outcome::failed(failure),
        Ok(fit) => check(&fit),
    };
    Outcome { model: format!("{method:?}"), ..outcome }
}

fn check(fit: &Fit<'_>) -> Outcome {
    let mut outcome = Outcome { boundary: fit.is_boundary(), ..Outcome::default() };
    let sds = [fit.sigma(), fit.theta(), fit.sd_group()];
    outcome.check("standard deviations", sds[0] > 0.0 && sds[1] >= 0.0, &sds);
    outcome.check("likelihood", true, &[fit.criterion(), fit.aic(), fit.bic()]);
    outcome.check("coefficients", true, fit.beta());
    let mut vcov = vec![0.0; fit.rank() * fit.rank()];
    fit.vcov(&mut vcov);
    outcome.check("covariance", true, &vcov);
    if let Some(statistic) = outcome.take("test", fit.groups_test()) {
        outcome.check("test", statistic >= 0.0, &[statistic]);
    }
    for j in (0..fit.kept().len()).filter(|j| fit.kept()[*j]) {
        for df in [Df::Satterthwaite, Df::Residual, Df::Z] {
            let found = fit.coefficient(j, df);
            check_coefficient(&mut outcome, found.map(|c| [c.estimate, c.std_error, c.df]));
        }
    }
    outcome
}
