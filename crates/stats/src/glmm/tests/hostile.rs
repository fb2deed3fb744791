//! Data that try to break a fit, and changes of unit that must not matter.

use super::*;

/// Scales and shifts of covariate and slope carry over to the results.
#[test]
fn scales_and_shifts_carry_over() {
    let mut r = Random(41);
    for shape in SHAPES {
        for family in FAMILIES {
            let data = sample(shape, family, [120, 12, 120], 0.8, &mut r);
            let (base, base_theta, log_likelihood) = data.results(&laplace());
            for (scale, shift) in [(1e6, 0.0), (1e-6, 0.0), (1.0, 1e6), (1.0, -1e4)] {
                let what = format!("{shape:?} {family:?} {scale} {shift}");
                // A slope that is not correlated with its intercept has a zero of its own.
                let shift = if shape == Shape::SlopeAlone { 0.0 } else { shift };
                let mut other = data.clone();
                let n = other.y.len();
                for x in other.x[2 * n..].iter_mut().chain(&mut other.columns[2]) {
                    *x = *x * scale + shift;
                }
                let (moved, theta, value) = other.results(&laplace());
                close(&what, value, log_likelihood, 1e-9);
                for e in 0..2 {
                    close(&what, moved[1][e], base[1][e], 1e-8);
                    close(&what, moved[2][e] * scale, base[2][e], 1e-8);
                }
                if !matches!(shape, Shape::Slope | Shape::SlopeAlone) {
                    for (ours, theirs) in theta.iter().zip(&base_theta) {
                        close(&what, *ours, *theirs, 1e-8);
                    }
                }
            }
        }
    }
}

/// Collapsed rows, trials, weights and separate rows are the same model.
#[test]
fn trials_weights_and_rows_agree() {
    let mut r = Random(42);
    let rows = sample(Shape::Intercept, Family::Logit, [240, 12, 2], 0.8, &mut r);
    let base = rows.results(&quadrature(5));
    // One row a group and value of the covariate.
    let n = rows.y.len();
    let mut order: Vec<(u64, u64)> =
        (0..n).map(|i| (rows.columns[0][i].to_bits(), rows.columns[2][i].to_bits())).collect();
    order.sort_unstable();
    order.dedup();
    let m = order.len();
    let (mut y, mut trials) = (vec![0.0; m], vec![0.0; m]);
    let (mut x, mut columns) = (vec![1.0; 3 * m], vec![vec![0.0; m]; 3]);
    for i in 0..n {
        let key = (rows.columns[0][i].to_bits(), rows.columns[2][i].to_bits());
        let at = order.iter().position(|o| *o == key).expect("a cell");
        y[at] += rows.y[i];
        trials[at] += 1.0;
        (x[m + at], x[2 * m + at]) = (rows.x[n + i], rows.x[2 * n + i]);
        (columns[0][at], columns[2][at]) = (rows.columns[0][i], rows.columns[2][i]);
    }
    let share: Vec<f64> = y.iter().zip(&trials).map(|(y, t)| y / t).collect();
    let with_trials = Sample { x, y, trials: Some(trials.clone()), columns, ..rows.clone() };
    let with_weights =
        Sample { y: share, trials: None, weights: Some(trials), ..with_trials.clone() };
    for other in [&with_trials, &with_weights] {
        let (coefficients, theta, _) = other.results(&quadrature(5));
        close("theta", theta[0], base.1[0], 1e-9);
        for (ours, theirs) in coefficients.iter().zip(&base.0) {
            close("estimate", ours[0], theirs[0], 1e-9);
            close("error", ours[1], theirs[1], 1e-9);
        }
    }
    // The order of the rows does not matter.
    let mut turned = rows.clone();
    turned.y.reverse();
    turned.x.chunks_exact_mut(n).for_each(<[f64]>::reverse);
    turned.columns.iter_mut().for_each(|c| c.reverse());
    let (coefficients, _, log_likelihood) = turned.results(&quadrature(5));
    close("log-likelihood", log_likelihood, base.2, 1e-13);
    close("estimate", coefficients[1][0], base.0[1][0], 1e-10);
}

#[test]
fn wrong_data_have_their_reasons() {
    let mut r = Random(43);
    for shape in [Shape::Intercept, Shape::Crossed] {
        let good = sample(shape, Family::Logit, [60, 6, 4], 0.5, &mut r);
        let mut one_group = good.clone();
        one_group.columns[0].fill(3.0);
        assert_eq!(one_group.reason(&laplace()), Failure::TooFewGroups);
        for bad in [f64::NAN, f64::INFINITY] {
            let mut other = good.clone();
            other.y[3] = bad;
            assert_eq!(other.reason(&laplace()), Failure::NotFinite);
            let mut other = good.clone();
            other.x[65] = bad;
            assert_eq!(other.reason(&laplace()), Failure::NotFinite);
        }
        let mut two = good.clone();
        two.y[3] = 2.0;
        assert_eq!(two.reason(&laplace()), Failure::OutcomeNotAllowed);
        let mut weights = good.clone();
        weights.weights = Some(vec![-1.0; 60]);
        assert_eq!(weights.reason(&laplace()), Failure::BadWeights);
        let mut empty = good.clone();
        (empty.x, empty.y) = (Vec::new(), Vec::new());
        assert_eq!(empty.reason(&laplace()), Failure::NoRows);
        // All successes; and a treatment without a failure.
        let mut all = good.clone();
        all.y.fill(1.0);
        assert_eq!(all.reason(&laplace()), Failure::Separation);
        let mut arm = good.clone();
        (0..60).filter(|i| good.x[60 + i] == 1.0).for_each(|i| arm.y[i] = 1.0);
        assert_eq!(arm.reason(&laplace()), Failure::Separation);
    }
}

/// Rows of weight zero are no rows, and a predictor that others determine is dropped.
#[test]
fn rows_without_weight_and_dependent_predictors_do_not_count() {
    let mut r = Random(44);
    for shape in SHAPES {
        let data = sample(shape, Family::Logit, [90, 9, 90], 0.8, &mut r);
        let mut longer = data.clone();
        let pad = |v: &[f64]| -> Vec<f64> { v.iter().copied().chain([9.0; 5]).collect() };
        longer.y = pad(&data.y);
        longer.columns = data.columns.iter().map(|c| pad(c)).collect();
        longer.x = data.x.chunks(90).flat_map(pad).collect();
        longer.weights = Some((0..95).map(|i| f64::from(i < 90)).collect());
        let dependent: Vec<f64> = (0..95).map(|i| 2.0 - 3.0 * longer.x[95 + i]).collect();
        longer.x.extend(dependent);
        let mut scratch = Scratch::default();
        let fit = longer.fit(&laplace(), &mut scratch).expect("a fit");
        assert_eq!(fit.kept(), [true, true, true, false]);
        assert_eq!(fit.coefficient(3, &mut Vec::new()), Err(Failure::TermDropped));
        for (j, theirs) in data.results(&laplace()).0.iter().enumerate() {
            let ours = fit.coefficient(j, &mut Vec::new()).expect("kept");
            close("estimate", ours.estimate, theirs[0], 1e-8);
            close("error", ours.std_error, theirs[1], 1e-8);
        }
    }
}

/// No variance between groups: the fit is that of the model without random effects.
#[test]
fn at_the_boundary_the_fit_is_that_without_groups() {
    let mut r = Random(45);
    let (mut n, mut scratch) = (0, Scratch::default());
    for _ in 0..40 {
        let data = sample(Shape::Intercept, Family::Logit, [80, 8, 3], 0.0, &mut r);
        for integral in [laplace(), quadrature(7)] {
            let Ok(fit) = data.fit(&integral, &mut scratch) else { continue };
            if !fit.is_boundary() {
                continue;
            }
            n += 1;
            assert_eq!(fit.theta(&data.structure), [0.0]);
            let mut glm_scratch = glm::Scratch::default();
            let theirs = data.with(|d| {
                let all =
                    glm::fit(&d.rows, Family::Logit, glm::Variance::Classical, &mut glm_scratch)
                        .expect("a fit");
                [0, 1, 2].map(|j| all.coefficient(j, &mut Vec::new()).expect("kept"))
            });
            for (j, theirs) in theirs.iter().enumerate() {
                let ours = fit.coefficient(j, &mut Vec::new()).expect("kept");
                close("estimate", ours.estimate, theirs.estimate, 1e-9);
                close("error", ours.std_error, theirs.std_error, 1e-9);
            }
        }
    }
    assert!(n >= 20, "{n} at the boundary");
}
