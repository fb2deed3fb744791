//! Generalised linear models.

use trialrun_stats::glm::{Change, Data, Family, Fit, Scratch, Variance, fit as fit_glm};

use super::draw::{Frame, NASTY, Source};
use super::twist::Twist;
use super::{Outcome, check_coefficient};

const VARIANCES: [Variance; 8] = [
    Variance::Classical,
    Variance::Hc0,
    Variance::Hc1,
    Variance::Hc2,
    Variance::Hc3,
    Variance::Cr0,
    Variance::Cr1,
    Variance::Cr1s,
];

/// What a generalised model has beside its predictors.
pub struct Outcomes {
    pub y: Vec<f64>,
    pub trials: Option<Vec<f64>>,
    pub offset: Option<Vec<f64>>,
}

/// Outcomes of a family.
pub fn outcomes(frame: &Frame, family: Family, r: &mut Source) -> Outcomes {
    let n = frame.n();
    let many = frame.has(Twist::ManyTrials);
    let trials = (family.is_binomial() && (many || r.one_in(4))).then(|| {
        let most = if many { r.of(&[1e3, 1e6, 1e9, 1e12]) } else { 5.0 };
        (0..n).map(|_| 1.0 + (most * r.uniform()).floor()).collect::<Vec<f64>>()
    });
    let scale = if many { r.of(&[1e2, 1e4, 1e6, 1e12]) } else { 1.0 };
    let mut y: Vec<f64> = (0..n)
        .map(|i| {
            let mean = frame.eta[i].clamp(-12.0, 12.0).exp();
            match family {
                Family::Poisson | Family::NegativeBinomial => {
                    (scale * mean * 2.0 * r.uniform()).floor()
                }
                Family::GammaLog | Family::GammaInverse => scale * mean * (0.01 - r.uniform().ln()),
                _ => {
                    let share = mean / (1.0 + mean);
                    match &trials {
                        Some(trials) => (trials[i] * (share + r.uniform()) / 2.0).floor(),
                        None => f64::from(r.uniform() < share),
                    }
                }
            }
        })
        .collect();
    let top = |i: usize| trials.as_ref().map_or(1.0, |t| t[i]);
    for twist in frame.twists() {
        match twist {
            Twist::Separated => {
                let by = &frame.slopes[0];
                let middle = by[r.below(n)];
                let but = r.below(2 * n);
                for i in (0..n).filter(|i| *i != but) {
                    y[i] = if by[i] > middle { top(i) } else { 0.0 };
                }
            }
            Twist::AllAlike => {
                let is_top = r.one_in(2);
                (0..n).for_each(|i| y[i] = if is_top { top(i) } else { 0.0 });
            }
            Twist::WrongOutcome => y[r.below(n)] = r.of(&[-1.0, 0.5, 2.0, 0.0, 1e300, 1e-300, 1e7]),
            Twist::NotFinite if r.one_in(2) => y[r.below(n)] = r.of(&NASTY),
            _ => {}
        }
    }
    let large = frame.has(Twist::LargeOffset);
    let offset = (large || r.one_in(6)).then(|| {
        let size = if large { r.of(&[30.0, 100.0, 700.0]) } else { 0.5 };
        (0..n).map(|_| size * r.normal()).collect()
    });
    Outcomes { y, trials, offset }
}

/// Fits, and asks for all that there is.
pub fn fit(frame: &Frame, r: &mut Source, scratch: &mut Scratch) -> Outcome {
    let family = r.of(&Family::ALL);
    let Outcomes { y, trials, offset } = outcomes(frame, family, r);
    let (n, x) = (y.len(), frame.x.concat());
    let mut groups = vec![0];
    let ends = (1..n).filter(|i| frame.keys[0][*i] != frame.keys[0][*i - 1]);
    groups.extend(ends.map(|i| i as u32));
    groups.push(n as u32);
    let data = Data {
        x: &x,
        y: &y,
        weights: frame.weights.as_deref(),
        trials: trials.as_deref(),
        offset: offset.as_deref(),
        groups: &groups,
    };
    let outcome = match fit_glm(&data, family, r.of(&VARIANCES), scratch) {
        Err(failure) => Outcome::failed(failure),
        Ok(fit) => check(&fit, &data),
    };
    Outcome { model: format!("{family:?}"), ..outcome }
}

fn check(fit: &Fit<'_>, data: &Data<'_>) -> Outcome {
    let mut outcome = Outcome { boundary: fit.is_boundary(), ..Outcome::default() };
    outcome.check("coefficients", true, fit.beta());
    outcome.check("covariance", true, &fit.vcov());
    outcome.check("dispersion", fit.dispersion() >= 0.0, &[fit.dispersion()]);
    outcome.check("deviance", true, &[fit.deviance(data)]);
    outcome.check("likelihood", true, &[fit.log_likelihood(data).unwrap_or(0.0)]);
    let size = fit.size().filter(|_| !fit.is_boundary()).unwrap_or(1.0);
    outcome.check("size", size > 0.0, &[size]);
    let (work, mut gradient) = (&mut Vec::new(), vec![0.0; fit.kept().len()]);
    for j in (0..fit.kept().len()).filter(|j| fit.kept()[*j]) {
        let found = fit.coefficient(j, work);
        check_one(&mut outcome, found.map(|c| [c.estimate, c.std_error, c.df]));
        let change = Change::Number { column: j };
        let found = fit.effect(&change, data, &mut gradient, work);
        let found = found.and_then(|estimate| fit.by_delta(estimate, &gradient, work));
        check_one(&mut outcome, found.map(|c| [c.estimate, c.std_error, c.df]));
    }
    outcome
}

/// A standard error of zero is named by whoever asks for a test.
fn check_one(outcome: &mut Outcome, found: Result<[f64; 3], trialrun_stats::Failure>) {
    let found = found.and_then(|found| match found {
        [_, 0.0, _] => Err(trialrun_stats::Failure::ZeroStandardError),
        found => Ok(found),
    });
    check_coefficient(outcome, found);
}
