//! Fits against a plain twin that knows no cells, and against closed forms.

use super::super::Change;
use super::*;

/// Iteratively reweighted least squares on the rows as they are, with faer's solver, and the
/// sandwich of all scores or of clusters' scores: coefficients and standard errors.
fn twin(sample: &Sample, family: Family, alpha: f64, variance: Variance) -> Vec<(f64, f64)> {
    use faer::linalg::solvers::Solve;
    let (m, p) = (sample.y.len(), sample.x.len() / sample.y.len());
    let x = faer::Mat::from_fn(m, p, |i, j| sample.x[j * m + i]);
    let w = |i: usize| sample.weights.as_ref().map_or(1.0, |w| w[i]);
    let offset = |i: usize| sample.offset.as_ref().map_or(0.0, |o| o[i]);
    let mut eta: Vec<f64> = sample.y.iter().map(|y| family.start(*y, 1.0)).collect();
    let mut beta = faer::Mat::<f64>::zeros(p, 1);
    let information = |eta: &[f64]| {
        let fisher: Vec<f64> = (0..m).map(|i| w(i) * family.mean(eta[i], alpha).fisher).collect();
        let weighted = faer::Mat::from_fn(m, p, |i, j| fisher[i] * x[(i, j)]);
        (x.transpose() * &weighted, weighted)
    };
    for _ in 0..300 {
        let (a, weighted) = information(&eta);
        let working = faer::Mat::from_fn(m, 1, |i, _| {
            let mean = family.mean(eta[i], alpha);
            eta[i] - offset(i) + (sample.y[i] - mean.mu) / mean.slope
        });
        beta = a.partial_piv_lu().solve(weighted.transpose() * working);
        let fitted = &x * &beta;
        eta.iter_mut().enumerate().for_each(|(i, e)| *e = fitted[(i, 0)] + offset(i));
    }
    let bread = information(&eta).0.partial_piv_lu().solve(faer::Mat::<f64>::identity(p, p));
    let score = faer::Mat::from_fn(m, p, |i, j| {
        let mean = family.mean(eta[i], alpha);
        w(i) * mean.gain * (sample.y[i] - mean.mu) * x[(i, j)]
    });
    let v = match variance {
        Variance::Classical => bread,
        Variance::Hc0 => &bread * (score.transpose() * &score) * &bread,
        _ => {
            let sums = faer::Mat::from_fn(sample.groups.len() - 1, p, |g, j| {
                let rows = sample.groups[g] as usize..sample.groups[g + 1] as usize;
                rows.map(|i| score[(i, j)]).sum::<f64>()
            });
            &bread * (sums.transpose() * &sums) * &bread
        }
    };
    (0..p).map(|j| (beta[(j, 0)], v[(j, j)].sqrt())).collect()
}

#[test]
fn fits_are_those_of_a_plain_twin() {
    let mut r = Random(1);
    for family in Family::ALL {
        for (covariate, weighted) in [(false, false), (true, false), (false, true), (true, true)] {
            let mut sample = sample(family, 200, covariate, &mut r);
            if weighted {
                sample.weights = Some((0..200).map(|i| f64::from(i % 3)).collect());
                sample.offset = Some((0..200).map(|i| 0.1 * f64::from(i % 4)).collect());
            }
            let mut scratch = Scratch::default();
            let fitted = sample.fit(family, Variance::Classical, &mut scratch).expect("a fit");
            let (alpha, dispersion) = (fitted.alpha, fitted.dispersion());
            for variance in [Variance::Classical, Variance::Hc0, Variance::Cr0] {
                let theirs = twin(&sample, family, alpha, variance);
                let ours = sample.coefficients(family, variance);
                for (ours, (estimate, error)) in ours.iter().zip(theirs) {
                    let scale = if variance == Variance::Classical { dispersion } else { 1.0 };
                    let what = format!("{family:?} {covariate} {weighted} {variance:?}");
                    close(&what, ours.estimate, estimate, 1e-10);
                    close(&what, ours.std_error, error * scale.sqrt(), 1e-10);
                }
            }
        }
    }
}

fn effect(fit: &Fit, change: &Change, sample: &Sample) -> Result<Coefficient, Failure> {
    let mut gradient = vec![0.0; fit.kept().len()];
    let estimate = fit.effect(change, &sample.data(), &mut gradient, &mut Vec::new())?;
    fit.by_delta(estimate, &gradient, &mut Vec::new())
}

/// With an intercept and a treatment every family fits the means of the arms.
#[test]
fn two_arms_have_the_closed_form_of_their_means() {
    let mut r = Random(2);
    for family in Family::ALL {
        let sample = sample(family, 300, false, &mut r);
        let mean = |arm: f64| {
            let own = || sample.x[300..].iter().zip(&sample.y).filter(|(z, _)| **z == arm);
            own().map(|(_, y)| y).sum::<f64>() / own().count() as f64
        };
        let mut scratch = Scratch::default();
        let fitted = sample.fit(family, Variance::Classical, &mut scratch).expect("a fit");
        let (low, high) = (fitted.beta()[0], fitted.beta()[0] + fitted.beta()[1]);
        close("control", family.mean(low, 0.0).mu, mean(0.0), 1e-12);
        close("treated", family.mean(high, 0.0).mu, mean(1.0), 1e-12);
        let change = Change::Number { column: 1 };
        let effect = effect(&fitted, &change, &sample).expect("an effect");
        close("effect", effect.estimate, mean(1.0) - mean(0.0), 1e-11);
    }
}

/// The robust error of the difference of two proportions is that of two independent samples.
#[test]
fn the_effect_in_two_arms_has_the_error_of_two_proportions() {
    let sample = sample(Family::Logit, 400, false, &mut Random(3));
    let variance = |arm: f64| {
        let own = || sample.x[400..].iter().zip(&sample.y).filter(|(z, _)| **z == arm);
        let n = own().count() as f64;
        let p = own().map(|(_, y)| y).sum::<f64>() / n;
        p * (1.0 - p) / n
    };
    let expected = (variance(0.0) + variance(1.0)).sqrt();
    for family in [Family::Logit, Family::Probit, Family::Cloglog] {
        for se in [Variance::Classical, Variance::Hc0] {
            let mut scratch = Scratch::default();
            let fitted = sample.fit(family, se, &mut scratch).expect("a fit");
            let change = Change::Number { column: 1 };
            let effect = effect(&fitted, &change, &sample);
            close("error", effect.expect("an effect").std_error, expected, 1e-12);
        }
    }
}

/// Trials are rows that are written together.
#[test]
fn trials_are_repeated_rows() {
    let sample = sample(Family::Probit, 120, false, &mut Random(4));
    let (mut k, mut n) = ([0.0; 2], [0.0; 2]);
    for (z, y) in sample.x[120..].iter().zip(&sample.y) {
        k[*z as usize] += y;
        n[*z as usize] += 1.0;
    }
    let x = [1.0, 1.0, 0.0, 1.0];
    let data = Data { x: &x, y: &k, weights: None, trials: Some(&n), offset: None, groups: &[] };
    let mut scratch = Scratch::default();
    let together = fit(&data, Family::Probit, Variance::Classical, &mut scratch).expect("a fit");
    for (j, single) in sample.coefficients(Family::Probit, Variance::Classical).iter().enumerate() {
        let both = together.coefficient(j, &mut Vec::new()).expect("a coefficient");
        close("estimate", both.estimate, single.estimate, 1e-12);
        close("error", both.std_error, single.std_error, 1e-12);
    }
}
