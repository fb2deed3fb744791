//! Data that try to break a fit: separation, extreme scales, degenerate shapes.

use super::*;

fn logit(x: &[&[f64]], y: &[f64]) -> Result<f64, Failure> {
    let x = x.concat();
    let data = Data { x: &x, y, weights: None, trials: None, offset: None, groups: &[] };
    let mut scratch = Scratch::default();
    fit(&data, Family::Logit, Variance::Classical, &mut scratch).map(|f| f.beta()[0])
}

#[test]
fn separation_is_proved_and_near_separation_is_fitted() {
    let one = [1.0; 8];
    let x: [f64; 8] = std::array::from_fn(|i| i as f64);
    let complete = x.map(|v| f64::from(v > 3.5));
    assert_eq!(logit(&[&one, &x], &complete), Err(Failure::Separation));
    // Separated but for two outcomes at one value.
    let quasi = [0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0];
    let tied = [0.0, 1.0, 2.0, 3.0, 3.0, 4.0, 5.0, 6.0];
    assert_eq!(logit(&[&one, &tied], &quasi), Err(Failure::Separation));
    // One overlap, however small, is enough for an estimate.
    for gap in [1.0, 0.1, 1e-3] {
        let mut near = tied;
        (near[3], near[4]) = (3.0 - gap, 3.0 + gap);
        assert!(logit(&[&one, &near], &quasi).is_ok(), "{gap}");
        (near[3], near[4]) = (3.0 + gap, 3.0 - gap);
        assert_eq!(logit(&[&one, &near], &quasi), Err(Failure::Separation), "{gap}");
    }
    // An arm without successes, alone and beside a covariate.
    let arm = [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0];
    let y = [0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0];
    assert_eq!(logit(&[&one, &arm], &y), Err(Failure::Separation));
    let noise = [0.3, 0.1, -0.4, -0.2, 0.5, -0.6, 0.1, 0.2];
    assert_eq!(logit(&[&one, &arm, &noise], &y), Err(Failure::Separation));
    assert_eq!(logit(&[&one], &[1.0; 8]), Err(Failure::Separation));
    for family in [Family::Probit, Family::Cloglog, Family::Poisson, Family::NegativeBinomial] {
        let x = [one, arm].concat();
        let data = Data { x: &x, y: &y, weights: None, trials: None, offset: None, groups: &[] };
        let mut scratch = Scratch::default();
        let fitted = fit(&data, family, Variance::Classical, &mut scratch).map(|_| ());
        assert_eq!(fitted, Err(Failure::Separation), "{family:?}");
    }
}

/// Overlapping outcomes have estimates, found from far away too.
#[test]
fn large_linear_predictors_are_reached() {
    let n = 40;
    let mut x = vec![1.0; n];
    // Outcomes follow x closely; one pair overlaps a little.
    x.extend((0..n).map(|i| i as f64));
    let mut y: Vec<f64> = (0..n).map(|i| f64::from(i >= 20)).collect();
    (y[19], y[20]) = (1.0, 0.0);
    let data = Data { x: &x, y: &y, weights: None, trials: None, offset: None, groups: &[] };
    for family in [Family::Logit, Family::Probit, Family::Cloglog] {
        let mut scratch = Scratch::default();
        let fitted = fit(&data, family, Variance::Classical, &mut scratch).expect("a fit");
        let b = fitted.beta();
        let score: f64 = (0..n)
            .map(|i| family.pull(b[0] + b[1] * x[n + i], y[i], 0.0).score * (x[n + i] - 19.5))
            .sum();
        assert!(b[1] > 0.5 && score.abs() < 1e-10, "{family:?} {b:?} {score:e}");
    }
}

#[test]
fn wrong_data_have_their_reasons() {
    let one = [1.0; 4];
    let try_fit = |family, y: &[f64], weights: Option<&[f64]>, offset: Option<&[f64]>| {
        let data = Data { x: &one, y, weights, trials: None, offset, groups: &[0, 4] };
        let mut scratch = Scratch::default();
        fit(&data, family, Variance::Classical, &mut scratch).map(|f| f.beta()[0])
    };
    let half = [0.0, 1.0, 0.0, 1.0];
    assert_eq!(try_fit(Family::Logit, &half, None, None), Ok(0.0));
    let not_allowed = Err(Failure::OutcomeNotAllowed);
    assert_eq!(try_fit(Family::Logit, &[0.0, 2.0, 1.0, 0.0], None, None), not_allowed);
    assert_eq!(try_fit(Family::Poisson, &[0.0, -1.0, 1.0, 0.0], None, None), not_allowed);
    assert_eq!(try_fit(Family::NegativeBinomial, &[0.5, 1.0, 1.0, 0.0], None, None), not_allowed);
    assert_eq!(try_fit(Family::GammaLog, &half, None, None), not_allowed);
    let nan = [0.0, f64::NAN, 1.0, 0.0];
    assert_eq!(try_fit(Family::Logit, &nan, None, None), Err(Failure::NotFinite));
    assert_eq!(try_fit(Family::Logit, &half, None, Some(&nan)), Err(Failure::NotFinite));
    assert_eq!(try_fit(Family::Logit, &half, Some(&nan), None), Err(Failure::NotFinite));
    assert_eq!(try_fit(Family::Logit, &half, Some(&[0.0; 4]), None), Err(Failure::BadWeights));
    let negative = [1.0, -1.0, 1.0, 1.0];
    assert_eq!(try_fit(Family::Logit, &half, Some(&negative), None), Err(Failure::BadWeights));
    let data =
        Data { x: &one, y: &half, weights: None, trials: None, offset: None, groups: &[0, 4] };
    let mut scratch = Scratch::default();
    let clustered = fit(&data, Family::Logit, Variance::Cr1, &mut scratch).map(|_| ());
    assert_eq!(clustered, Err(Failure::TooFewClusters));
    // Equal counts have less variance than Poisson's: the size is infinite, at the boundary.
    let fitted = fit(
        &Data { y: &[3.0; 4], ..data },
        Family::NegativeBinomial,
        Variance::Classical,
        &mut scratch,
    );
    let fitted = fitted.expect("Poisson's fit");
    assert!(fitted.is_boundary() && fitted.size() == Some(f64::INFINITY));
}

/// Scaling and shifting predictors changes coefficients in proportion, and effects not at all.
#[test]
fn scales_and_shifts_carry_over() {
    let mut r = Random(5);
    for family in Family::ALL {
        let sample = sample(family, 150, true, &mut r);
        let base = sample.coefficients(family, Variance::Hc0);
        for (scale, shift) in [(1e-6, 0.0), (1e6, 0.0), (1.0, 1e6), (1e3, -1e5)] {
            let mut other = sample.clone();
            // The inverse link needs the mean at hand; its covariate is only scaled.
            let shift = if family == Family::GammaInverse { 0.0 } else { shift };
            other.x[300..].iter_mut().for_each(|x| *x = *x * scale + shift);
            let scaled = other.coefficients(family, Variance::Hc0);
            let what = format!("{family:?} {scale} {shift}");
            close(&what, scaled[1].estimate, base[1].estimate, 1e-8);
            close(&what, scaled[2].estimate * scale, base[2].estimate, 1e-8);
            close(&what, scaled[2].std_error * scale, base[2].std_error, 1e-8);
        }
    }
}
