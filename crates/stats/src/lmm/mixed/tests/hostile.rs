//! Data that try to break a fit, and changes of unit that must not matter.

use super::*;

/// What must not change, or in proportion: estimates, errors and degrees of freedom, standard
/// deviations of residuals and of effects without slopes, the criterion.
struct Results {
    coefficients: Vec<[f64; 3]>,
    sigma: f64,
    sd: Vec<f64>,
    criterion: f64,
}

fn results(sample: &Sample, method: Method, df: Df) -> Results {
    let mut scratch = Scratch::default();
    let fit = sample.fit(method, &mut scratch).expect("a fit");
    let (sigma, criterion) = (fit.sigma(), fit.criterion());
    let covariances = fit.covariances(&sample.structure);
    let mut sd = Vec::new();
    let mut start = 0;
    for factor in &sample.structure.factors {
        let r = factor.effects.len();
        if r == 1 {
            sd.push(sigma * covariances[start].sqrt());
        }
        start += r * r;
    }
    Results { coefficients: sample.coefficients(method, df), sigma, sd, criterion }
}

/// Outcome and covariate (and its slope) in other units, and from other zeros: estimates, errors,
/// degrees of freedom, variances and criterion carry over to eight digits, the criterion with the
/// logarithms of the units.
///
/// Adding `b` rounds outcomes to `b` times 1e-16: up to `b = 1e6`, where that is 1e-10 of their
/// spread, nothing needs to be accounted for. The intercept has the digits of the outcome.
#[test]
fn scales_and_shifts_carry_over() {
    let changes: [(f64, f64); 7] =
        [(1e6, 0.0), (1e-6, 0.0), (-3.0, 0.0), (1.0, 1e6), (1.0, -1e4), (1e-3, 1e3), (1e6, 1e6)];
    let mut r = Random(4);
    let wanted = [
        (Method::Reml, Df::Satterthwaite),
        (Method::Reml, Df::KenwardRoger),
        (Method::Ml, Df::Satterthwaite),
    ];
    for shape in SHAPES {
        let sample = sample(shape, 80, &mut r);
        for (method, df) in wanted {
            let base = results(&sample, method, df);
            let coefficients = |what: &str, ours: &Results, first: usize, scale: &[f64]| {
                for j in first..3 {
                    let (a, b) = (ours.coefficients[j], base.coefficients[j]);
                    close(what, a[0], b[0] * scale[j], 1e-8);
                    close(what, a[1], b[1] * scale[j].abs(), 1e-8);
                    close(what, a[2], b[2], 1e-8);
                }
            };
            // Errors in the criterion are those of a sum of eighty logarithms.
            let deviance = |what: &str, ours: f64, theirs: f64| {
                assert!((ours - theirs).abs() < 1e-8 * (80.0 + theirs.abs()), "{what}");
            };
            for (scale, shift) in changes {
                let what = format!("{shape:?} {method:?} {df:?} {scale} {shift}");
                let log_scale = scale.abs().ln();
                let mut other = sample.clone();
                other.y.iter_mut().for_each(|y| *y = *y * scale + shift);
                let ours = results(&other, method, df);
                coefficients(&what, &ours, 1, &[scale; 3]);
                let intercept = ours.coefficients[0][0] - shift - base.coefficients[0][0] * scale;
                let digits = 1e-8 * scale.abs() + 1e-13 * shift.abs();
                assert!(intercept.abs() < digits, "{what}: {intercept:e}");
                close(&what, ours.sigma, base.sigma * scale.abs(), 1e-8);
                for (ours, theirs) in ours.sd.iter().zip(&base.sd) {
                    close(&what, *ours, theirs * scale.abs(), 1e-8);
                }
                let nu = if method == Method::Reml { 77.0 } else { 80.0 };
                deviance(&what, ours.criterion, base.criterion + 2.0 * nu * log_scale);
                // A slope that is not correlated with its intercept has a zero of its own.
                let shift = if shape == Shape::SlopeAlone { 0.0 } else { shift };
                let mut other = sample.clone();
                let n = other.y.len();
                for x in other.x[2 * n..].iter_mut().chain(&mut other.columns[2]) {
                    *x = *x * scale + shift;
                }
                let ours = results(&other, method, df);
                coefficients(&what, &ours, 1, &[1.0, 1.0, 1.0 / scale]);
                close(&what, ours.sigma, base.sigma, 1e-8);
                for (ours, theirs) in ours.sd.iter().zip(&base.sd) {
                    close(&what, *ours, *theirs, 1e-8);
                }
                let rows = if method == Method::Reml { 2.0 * log_scale } else { 0.0 };
                deviance(&what, ours.criterion, base.criterion + rows);
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
