//! Data that try to break a fit, and changes of unit that must not matter.

use super::*;

/// Scales and shifts of outcome, covariate and slope carry over to the results.
#[test]
fn scales_and_shifts_carry_over() {
    let mut r = Random(4);
    for shape in SHAPES {
        let sample = sample(shape, 80, &mut r);
        for df in [Df::Satterthwaite, Df::KenwardRoger] {
            let base = sample.coefficients(Method::Reml, df);
            for (scale, shift) in [(1e6, 0.0), (1e-6, 0.0), (1.0, 1e6), (1.0, -1e4)] {
                let what = format!("{shape:?} {df:?} {scale} {shift}");
                let mut other = sample.clone();
                other.y.iter_mut().for_each(|y| *y = *y * scale + shift);
                let scaled = other.coefficients(Method::Reml, df);
                for j in 1..3 {
                    close(&what, scaled[j][0], base[j][0] * scale, 1e-8);
                    close(&what, scaled[j][1], base[j][1] * scale, 1e-8);
                    close(&what, scaled[j][2], base[j][2], 1e-7);
                }
                // A slope that is not correlated with its intercept has a zero of its own.
                let shift = if shape == Shape::SlopeAlone { 0.0 } else { shift };
                let mut other = sample.clone();
                let n = other.y.len();
                for x in other.x[2 * n..].iter_mut().chain(&mut other.columns[2]) {
                    *x = *x * scale + shift;
                }
                let scaled = other.coefficients(Method::Reml, df);
                close(&what, scaled[1][0], base[1][0], 1e-8);
                close(&what, scaled[1][1], base[1][1], 1e-8);
                close(&what, scaled[1][2], base[1][2], 1e-7);
                close(&what, scaled[2][0] * scale, base[2][0], 1e-8);
                close(&what, scaled[2][1] * scale, base[2][1], 1e-8);
            }
        }
    }
}

#[test]
fn wrong_data_have_their_reasons() {
    let mut r = Random(5);
    let good = sample(Shape::Crossed, 60, &mut r);
    let reason = |sample: &Sample| {
        sample.fit(Method::Reml, &mut Scratch::default()).map(|_| ()).expect_err("no fit")
    };
    let mut one_group = good.clone();
    one_group.columns[0].fill(3.0);
    assert_eq!(reason(&one_group), Failure::TooFewGroups);
    let mut own_groups = good.clone();
    own_groups.columns[0].iter_mut().zip(0..).for_each(|(k, i)| *k = f64::from(i));
    assert_eq!(reason(&own_groups), Failure::TooFewGroups);
    let mut flat = good.clone();
    flat.y.fill(2.0);
    assert_eq!(reason(&flat), Failure::ZeroStandardError);
    let mut explained = good.clone();
    explained.y = explained.columns[0].iter().map(|k| k.sin()).collect();
    assert_eq!(reason(&explained), Failure::ZeroStandardError);
    for bad in [f64::NAN, f64::INFINITY, 1e200] {
        let mut other = good.clone();
        other.y[3] = bad;
        assert_eq!(reason(&other), Failure::NotFinite);
        let mut other = good.clone();
        other.x[65] = bad;
        assert_eq!(reason(&other), Failure::NotFinite);
    }
    let mut weights = good.clone();
    weights.weights = Some(vec![-1.0; 60]);
    assert_eq!(reason(&weights), Failure::BadWeights);
    weights.weights = Some(vec![0.0; 60]);
    assert_eq!(reason(&weights), Failure::BadWeights);
    let mut few = good.clone();
    few.x = (0..60 * 60).map(|_| r.normal()).collect();
    assert_eq!(reason(&few), Failure::NoResidualDf);
}

/// Rows of weight zero are no rows, and a predictor that others determine is dropped.
#[test]
fn rows_without_weight_and_dependent_predictors_do_not_count() {
    let mut r = Random(6);
    for shape in SHAPES {
        let base = sample(shape, 70, &mut r);
        let mut longer = base.clone();
        let n = 75;
        let pad = |v: &[f64]| -> Vec<f64> { v.iter().copied().chain([9.0; 5]).collect() };
        longer.y = pad(&base.y);
        longer.columns = base.columns.iter().map(|c| pad(c)).collect();
        longer.x = base.x.chunks(70).flat_map(pad).collect();
        longer.weights = Some((0..n).map(|i| f64::from(i < 70)).collect());
        let dependent: Vec<f64> = (0..n).map(|i| 2.0 - 3.0 * longer.x[n + i]).collect();
        longer.x.extend(dependent);
        let mut scratch = Scratch::default();
        let mut fit = longer.fit(Method::Reml, &mut scratch).expect("a fit");
        assert_eq!(fit.kept(), [true, true, true, false]);
        assert_eq!(fit.coefficient(3, Df::Z, &mut Vec::new()), Err(Failure::TermDropped));
        for (j, theirs) in base.coefficients(Method::Reml, Df::Satterthwaite).iter().enumerate() {
            let ours = fit.coefficient(j, Df::Satterthwaite, &mut Vec::new()).expect("kept");
            close("estimate", ours.estimate, theirs[0], 1e-8);
            close("error", ours.std_error, theirs[1], 1e-8);
            close("df", ours.df, theirs[2], 1e-7);
        }
    }
}

/// Many small data sets of every ugly shape: each is fitted or has a reason, and none is NaN.
#[test]
fn ugly_data_end_in_a_value_or_a_reason() {
    let mut r = Random(7);
    let mut scratch = Scratch::default();
    let (mut n_fitted, mut n_boundary, mut n_lost) = (0, 0, 0);
    for round in 0..6000 {
        let shape = SHAPES[r.below(5)];
        let n = 4 + r.below(30);
        let mut data = sample(shape, n, &mut r);
        let scale = [1.0, 1e6, 1e-6, 1e140, 1e-140][r.below(5)];
        match r.below(8) {
            0 => data.y = (0..n).map(|_| r.normal()).collect(),
            1 => data.y.iter_mut().for_each(|y| *y *= scale),
            2 => data.columns[2].fill(1.5),
            3 => data.columns[0] = (0..n).map(|_| r.below(n) as f64).collect(),
            4 => data.x[2 * n..].iter_mut().for_each(|x| *x *= scale),
            5 => data.columns[2].iter_mut().for_each(|x| *x = *x * scale + 1e6),
            6 => data.weights = Some((0..n).map(|_| r.below(3) as f64 * scale).collect()),
            _ => data.columns[1] = data.columns[0].clone(),
        }
        let method = if r.below(3) == 0 { Method::Ml } else { Method::Reml };
        let all = [Df::Satterthwaite, Df::BetweenWithin, Df::Z, Df::KenwardRoger];
        let df = all[r.below(if method == Method::Ml { 3 } else { 4 })];
        let mut fit = match data.fit(method, &mut scratch) {
            Ok(fit) => fit,
            Err(Failure::NotConverged) => {
                n_lost += 1;
                continue;
            }
            Err(_) => continue,
        };
        n_fitted += 1;
        n_boundary += usize::from(fit.is_boundary());
        assert!(fit.criterion().is_finite() && fit.sigma() > 0.0, "{round} {data:?}");
        if round % 10 == 0
            && fit.prepare_profiles().is_ok()
            && let Ok(profiled) = fit.profile(1, 1.96)
        {
            assert!(profiled.low < profiled.high && profiled.root.is_finite(), "{round} {data:?}");
        }
        if data.with(|d| fit.prepare(df, d, &data.structure)).is_err() {
            continue;
        }
        for j in 0..3 {
            if let Ok(c) = fit.coefficient(j, df, &mut Vec::new()) {
                assert!(c.estimate.is_finite() && c.std_error > 0.0 && c.df > 0.0, "{round} {c:?}");
            }
        }
    }
    let counts = format!("{n_fitted} fitted, {n_boundary} at the boundary, {n_lost} lost");
    assert!(n_fitted > 3500 && n_boundary > 300 && n_lost < 60, "{counts}");
}
