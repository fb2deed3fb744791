//! Limits of standard deviations and correlations of effects that may be correlated, against a
//! plain search over dense matrices, and what has to hold of any.

use super::*;
use crate::testing::shapes::block;
use faer::linalg::solvers::Solve;

/// The deviance at standard deviations of intercepts and slopes, their correlation, and sigma.
fn deviance(sample: &Sample, [first, second, correlation, sigma]: [f64; 4]) -> f64 {
    let (m, p) = (sample.y.len(), sample.x.len() / sample.y.len());
    let (key, x) = (&sample.columns[0], &sample.columns[2]);
    let v = faer::Mat::from_fn(m, m, |i, j| {
        let noise = if i == j { sigma * sigma } else { 0.0 };
        let both = first * first
            + correlation * first * second * (x[i] + x[j])
            + second * second * x[i] * x[j];
        noise + if key[i] == key[j] { both } else { 0.0 }
    });
    let predictors = faer::Mat::from_fn(m, p, |i, j| sample.x[j * m + i]);
    let y = faer::Mat::from_fn(m, 1, |i, _| sample.y[i]);
    let Ok(llt) = v.llt(faer::Side::Lower) else { return f64::INFINITY };
    let a = predictors.transpose() * llt.solve(&predictors);
    let right = predictors.transpose() * llt.solve(&y);
    let beta = a.llt(faer::Side::Lower).expect("full rank").solve(&right);
    let left = &y - &predictors * &beta;
    let squares = (left.transpose() * llt.solve(&left))[(0, 0)];
    let log: f64 = (0..m).map(|i| 2.0 * llt.L()[(i, i)].ln()).sum();
    log + squares + m as f64 * (2.0 * std::f64::consts::PI).ln()
}

/// The lowest value of a function of three numbers near a start: Nelder and Mead's search, begun
/// again from where it ended.
fn lowest(start: [f64; 3], f: impl Fn([f64; 3]) -> f64) -> f64 {
    let mix = |a: [f64; 3], b: [f64; 3], t: f64| std::array::from_fn(|i| a[i] + t * (b[i] - a[i]));
    let mut best = (start, f(start));
    for size in [0.2, 0.05, 0.01, 0.002] {
        let mut points = vec![best];
        for i in 0..3 {
            let mut at = best.0;
            at[i] += size;
            points.push((at, f(at)));
        }
        for _ in 0..200 {
            points.sort_by(|a, b| a.1.total_cmp(&b.1));
            let sum = |i: usize| points[..3].iter().map(|p| p.0[i]).sum::<f64>() / 3.0;
            let (centre, worst) = (std::array::from_fn(sum), points[3]);
            let tried = |t: f64| {
                let at = mix(centre, worst.0, t);
                (at, f(at))
            };
            let mirrored = tried(-1.0);
            points[3] = if mirrored.1 < points[0].1 {
                let further = tried(-2.0);
                if further.1 < mirrored.1 { further } else { mirrored }
            } else if mirrored.1 < points[2].1 {
                mirrored
            } else {
                let nearer = tried(if mirrored.1 < worst.1 { -0.5 } else { 0.5 });
                if nearer.1 < worst.1.min(mirrored.1) {
                    nearer
                } else {
                    let base = points[0].0;
                    for p in &mut points[1..3] {
                        p.0 = mix(p.0, base, 0.5);
                        p.1 = f(p.0);
                    }
                    let at = mix(worst.0, base, 0.5);
                    (at, f(at))
                }
            };
        }
        points.sort_by(|a, b| a.1.total_cmp(&b.1));
        best = points[0];
    }
    best.1
}

/// Limits of the two standard deviations and of the correlation.
fn limits(sample: &Sample, critical: f64) -> [[f64; 2]; 3] {
    let mut scratch = Scratch::default();
    let mut fit = sample.fit(Method::Reml, &mut scratch).expect("a fit");
    fit.prepare_profiles().expect("a maximum");
    let structure = &sample.structure;
    let sd = [0, 1].map(|e| fit.sd_limits(structure, 0, e, critical).expect("limits"));
    [sd[0], sd[1], fit.correlation_limits(structure, 0, [1, 0], critical).expect("limits")]
}

/// Intercepts and slopes that vary together.
fn together(n: usize, correlation: f64, r: &mut Random) -> Sample {
    let mut sample = sample(Shape::Slope, n, r);
    let own: Vec<f64> = (0..8).map(|_| r.normal()).collect();
    let slopes: Vec<f64> = own.iter().map(|v| correlation * v + 0.7 * r.normal()).collect();
    for i in 0..n {
        let (group, x) = (sample.columns[0][i] as usize, sample.columns[2][i]);
        sample.y[i] += 0.7 * own[group] + slopes[group] * (x - 2.0);
    }
    sample
}

#[test]
fn limits_are_where_a_plain_search_says() {
    let mut r = Random(71);
    let critical = 1.3;
    let (mut n, mut bounds) = (0, 0);
    for correlation in [-0.8, 0.0, 0.6] {
        let sample = together(64, correlation, &mut r);
        let mut scratch = Scratch::default();
        let fit = sample.fit(Method::Ml, &mut scratch).expect("a fit");
        let (least, sigma) = (fit.criterion(), fit.sigma());
        let own = fit.covariances(&sample.structure);
        let sd = [own[0], own[3]].map(|v| v.sqrt() * sigma);
        let rho = own[1] / (own[0] * own[3]).sqrt();
        let at = [sd[0], sd[1], rho, sigma];
        close("deviance", deviance(&sample, at), least, 1e-10);
        let found = limits(&sample, critical);
        for (given, limits) in found.into_iter().enumerate() {
            assert!(limits[0] < at[given] && at[given] < limits[1], "{given} {limits:?}");
            for limit in limits {
                if limit == 0.0 || limit.abs() == 1.0 {
                    bounds += 1;
                    continue;
                }
                // Logarithms of standard deviations, hyperbolic tangents of correlations.
                let free: Vec<usize> = (0..4).filter(|k| *k != given).collect();
                let start = std::array::from_fn(|k| match free[k] {
                    2 => rho.atanh(),
                    k => at[k].ln(),
                });
                let rise = lowest(start, |values| {
                    let mut all = [limit; 4];
                    for (k, value) in free.iter().zip(values) {
                        all[*k] = if *k == 2 { value.tanh() } else { value.exp() };
                    }
                    deviance(&sample, all)
                }) - least;
                assert!((rise - critical * critical).abs() < 1e-8, "{given} {limit}: {rise}");
                n += 1;
            }
        }
    }
    assert!(n >= 14, "{n} limits, {bounds} at their bounds");
}

/// Units of predictor and outcome change the limits as they have to; where the predictor is
/// measured from changes nothing of its slopes.
#[test]
fn limits_go_with_the_units() {
    let mut r = Random(72);
    let sample = together(90, 0.4, &mut r);
    let usual = limits(&sample, 1.7);
    let mut other = sample.clone();
    other.y.iter_mut().for_each(|y| *y *= 1e3);
    other.columns[2].iter_mut().for_each(|x| *x *= 0.01);
    for (k, factor) in [1e3, 1e5, 1.0].into_iter().enumerate() {
        for (ours, theirs) in limits(&other, 1.7)[k].iter().zip(&usual[k]) {
            close("limit", *ours, factor * theirs, 1e-7);
        }
    }
    let mut far = sample.clone();
    far.columns[2].iter_mut().for_each(|x| *x += 30.0);
    let [intercept, slope, correlation] = limits(&far, 1.7);
    for (ours, theirs) in slope.iter().zip(&usual[1]) {
        close("slope", *ours, *theirs, 1e-7);
    }
    // The intercept lies thirty slopes away: it varies with them.
    assert!(
        intercept[0] > 20.0 * slope[0] && correlation[1] < -0.9,
        "{intercept:?} {correlation:?}"
    );
}

/// Where an effect may not vary, any correlation is as good.
#[test]
fn limits_are_bounds_where_effects_may_be_none() {
    let mut r = Random(73);
    let mut sample = sample(Shape::Slope, 90, &mut r);
    sample.y = (0..90).map(|i| sample.columns[0][i] + r.normal()).collect();
    let [intercept, slope, correlation] = limits(&sample, 1.96);
    assert!(intercept[0] > 0.0 && slope[0] == 0.0 && slope[1] > 0.0, "{intercept:?} {slope:?}");
    assert_eq!(correlation, [-1.0, 1.0]);
}

/// Few groups, large and small variances, slopes that follow the intercept or are none: limits are
/// in order and hold the estimate, and few can not be had.
#[test]
fn hostile_shapes_have_limits_or_a_reason() {
    let mut r = Random(74);
    let (mut n, mut n_lost) = (0, 0);
    for i in 0..120 {
        let correlation = [0.0, 1.0, -3.0][i % 3];
        let mut sample = together(24 + 8 * (i % 7), correlation, &mut r);
        let factor = &mut sample.structure.factors[0];
        if i % 2 == 0 {
            // A second slope, which does not vary or varies more than anything.
            let rows = sample.y.len();
            sample.columns.push((0..rows).map(|_| 4.0 + r.normal()).collect());
            (factor.effects, factor.blocks) = (vec![None, Some(2), Some(3)], block(0..3));
            let size = if i % 4 == 0 { 0.0 } else { 30.0 };
            let own: Vec<f64> = (0..8).map(|_| size * r.normal()).collect();
            for row in 0..rows {
                sample.y[row] += own[sample.columns[0][row] as usize] * sample.columns[3][row];
            }
        }
        let mut scratch = Scratch::default();
        let structure = &sample.structure;
        let Ok(mut fit) = sample.fit(Method::Ml, &mut scratch) else { continue };
        let (own, sigma, r) = (fit.covariances(structure), fit.sigma(), 2 + (i + 1) % 2);
        if fit.prepare_profiles().is_err() {
            continue;
        }
        for e in 0..r {
            let sd = own[e * r + e].sqrt() * sigma;
            n += 1;
            match fit.sd_limits(structure, 0, e, 1.96) {
                Err(_) => n_lost += 1,
                Ok([low, high]) => {
                    assert!(0.0 <= low && low <= sd * (1.0 + 1e-6) && sd < high, "{i} {e}: {sd}");
                }
            }
            for o in 0..e {
                n += 1;
                let both = (own[e * r + e] * own[o * r + o]).sqrt();
                match fit.correlation_limits(structure, 0, [e, o], 1.96) {
                    Err(_) => n_lost += 1,
                    Ok([low, high]) if both > 0.0 => {
                        let rho = own[e * r + o] / both;
                        let holds = low <= rho + 1e-6 && rho <= high + 1e-6;
                        assert!(
                            holds && -1.0 <= low && high <= 1.0,
                            "{i} {e} {o}: {rho} {low} {high}"
                        );
                    }
                    Ok(limits) => assert_eq!(limits, [-1.0, 1.0]),
                }
            }
        }
    }
    assert!(n > 300 && n_lost * 50 < n, "{n_lost} of {n} limits are lost");
}
