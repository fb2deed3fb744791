//! Generalised linear mixed models, by Laplace's approximation and by quadrature.

use trialrun_stats::glm::{self, Family};
use trialrun_stats::glmm::{
    Curvature, Data, Fit, Integral, Nodes, Scratch, fit as fit_glmm, integrates,
};
use trialrun_stats::lmm::mixed::Structure;

use super::draw::{Frame, Source};
use super::glm::{Outcomes, outcomes};
use super::mixed::structure;
use super::{Outcome, check_coefficient};

const FAMILIES: [Family; 4] = [Family::Logit, Family::Probit, Family::Cloglog, Family::Poisson];

/// Fits, and asks for all that there is.
pub fn fit(frame: &Frame, r: &mut Source, scratch: &mut Scratch) -> Outcome {
    let family = r.of(&FAMILIES);
    let (name, structure) = structure(r);
    let Outcomes { y, trials, offset } = outcomes(frame, family, r);
    let x = frame.x.concat();
    let columns: [&[f64]; 4] = [&frame.keys[0], &frame.keys[1], &frame.slopes[0], &frame.slopes[1]];
    let rows = glm::Data {
        x: &x,
        y: &y,
        weights: frame.weights.as_deref(),
        trials: trials.as_deref(),
        offset: offset.as_deref(),
        groups: &[],
    };
    let data = Data { rows, columns: &columns };
    let nodes = if integrates(&structure) { r.of(&[1, 3, 7, 25, 99]) } else { 1 };
    let curvature = r.of(&[Curvature::Expected, Curvature::Observed]);
    let integral = Integral { nodes: Nodes::new(nodes).expect("an odd number"), curvature };
    let outcome = match fit_glmm(&data, &structure, family, &integral, scratch) {
        Err(failure) => Outcome::failed(failure),
        Ok(fit) => check(&fit, &data, &structure),
    };
    let how = if nodes == 1 { "Laplace" } else { "nodes" };
    Outcome { model: format!("{family:?} {name} {how}"), ..outcome }
}

fn check(fit: &Fit<'_>, data: &Data<'_>, structure: &Structure) -> Outcome {
    let mut outcome = Outcome { boundary: fit.is_boundary(), ..Outcome::default() };
    outcome.check("coefficients", true, &fit.beta());
    outcome.check("covariance", true, &fit.vcov());
    outcome.check("covariances", true, &fit.covariances(structure));
    outcome.check("theta", true, &fit.theta(structure));
    if let Some(value) = fit.log_likelihood(data) {
        outcome.check("likelihood", true, &[value, fit.aic(value), fit.bic(value)]);
    }
    for j in (0..fit.kept().len()).filter(|j| fit.kept()[*j]) {
        let found = fit.coefficient(j, &mut Vec::new());
        check_coefficient(&mut outcome, found.map(|c| [c.estimate, c.std_error, c.df]));
    }
    outcome
}
