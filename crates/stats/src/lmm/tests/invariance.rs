//! What must not change when the data are shifted, scaled or reordered, and the hard corners.

use super::super::{Coefficient, Df, Fit, Method, Scratch, fit};
use super::{Data, Kind, Random, close};
use crate::Failure;

/// An intercept, a group-level indicator and a row-level predictor.
fn study(random: &mut Random, n_groups: usize, sizes: &[usize], theta: f64) -> Data {
    let mut groups = vec![0];
    let (mut z, mut x1, mut y) = (Vec::new(), Vec::new(), Vec::new());
    for g in 0..n_groups {
        let effect = theta * random.normal();
        for _ in 0..sizes[g % sizes.len()] {
            z.push((g % 2) as f64);
            x1.push(random.normal());
            y.push(0.5 + 0.4 * (g % 2) as f64 + 0.3 * x1[x1.len() - 1] + effect + random.normal());
        }
        groups.push(y.len() as u32);
    }
    let x = [vec![1.0; y.len()], z, x1].concat();
    Data { x, y, groups, kind: Kind::Single }
}

fn terms(fit: &Fit) -> Vec<Coefficient> {
    let term = |j| fit.coefficient(j, Df::Satterthwaite).expect("estimable");
    (0..fit.kept().len()).map(term).collect()
}

/// Fits `data` and a changed copy; the change multiplies coefficient `j` by `factors[j]`, adds
/// `offset` to the first and multiplies the outcome's standard deviation by `unit`.
fn compare(data: &Data, changed: &Data, factors: &[f64], offset: f64, unit: f64) {
    for method in [Method::Reml, Method::Ml] {
        let (mut one, mut two) = (Scratch::default(), Scratch::default());
        let before = fit(&data.rows(), method, &mut one).expect("a fit");
        let after = fit(&changed.rows(), method, &mut two).expect("a fit");
        assert_eq!(before.is_boundary(), after.is_boundary());
        close("theta", after.theta(), before.theta(), 1e-8);
        close("sigma", after.sigma(), unit * before.sigma(), 1e-8);
        for (j, (a, b)) in terms(&after).iter().zip(terms(&before)).enumerate() {
            let shift = if j == 0 { offset } else { 0.0 };
            let difference = (a.estimate - shift - factors[j] * b.estimate).abs();
            assert!(difference < 1e-8 * a.std_error, "{j}: {difference:e} {}", a.std_error);
            close("std_error", a.std_error, factors[j] * b.std_error, 1e-8);
            close("df", a.df, b.df, 1e-8);
        }
    }
}

#[test]
fn an_offset_of_the_outcome_moves_the_intercept_alone() {
    let mut random = Random(11);
    for sizes in [&[3][..], &[2, 3, 5, 8]] {
        let data = study(&mut random, 20, sizes, 0.8);
        for offset in [1e6, -1e6] {
            let mut changed = data.clone();
            changed.y.iter_mut().for_each(|y| *y += offset);
            // The shifted outcome is rounded: shift back to the same digits.
            let mut rounded = data.clone();
            rounded.y = changed.y.iter().map(|y| y - offset).collect();
            compare(&rounded, &changed, &[1.0; 3], offset, 1.0);
        }
    }
}

#[test]
fn an_offset_without_a_constant_column_costs_no_digits() {
    let mut data = study(&mut Random(12), 20, &[2, 3, 5], 0.8);
    let m = data.len();
    for i in 0..m {
        // Two indicators add up to the constant.
        data.x[i] = 1.0 - data.x[m + i];
    }
    let mut changed = data.clone();
    changed.y.iter_mut().for_each(|y| *y += 1e6);
    data.y = changed.y.iter().map(|y| y - 1e6).collect();
    let (mut one, mut two) = (Scratch::default(), Scratch::default());
    let before = fit(&data.rows(), Method::Reml, &mut one).expect("a fit");
    let after = fit(&changed.rows(), Method::Reml, &mut two).expect("a fit");
    close("theta", after.theta(), before.theta(), 1e-8);
    close("sigma", after.sigma(), before.sigma(), 1e-8);
    for (a, b) in terms(&after).iter().zip(terms(&before)) {
        close("std_error", a.std_error, b.std_error, 1e-8);
        close("df", a.df, b.df, 1e-8);
    }
    let moved = terms(&after)[0].estimate - 1e6 - terms(&before)[0].estimate;
    assert!(moved.abs() < 1e-8, "{moved:e}");
}

#[test]
fn scales_of_predictors_and_outcome_pass_through() {
    let mut random = Random(13);
    for sizes in [&[3][..], &[2, 3, 5, 8]] {
        let data = study(&mut random, 20, sizes, 0.8);
        let m = data.len();
        for (first, second, unit) in
            [(1e-6, 1e6, 1.0), (1e6, 1e-6, 1.0), (1.0, 1.0, 1e6), (1.0, 1.0, 1e-6)]
        {
            let mut changed = data.clone();
            changed.x[m..2 * m].iter_mut().for_each(|v| *v *= first);
            changed.x[2 * m..].iter_mut().for_each(|v| *v *= second);
            changed.y.iter_mut().for_each(|y| *y *= unit);
            compare(&data, &changed, &[unit, unit / first, unit / second], 0.0, unit);
        }
    }
}

#[test]
fn weights_of_one_unit_are_no_weights_and_their_unit_is_that_of_the_variance() {
    let data = study(&mut Random(14), 20, &[2, 3, 5], 0.8);
    let (mut one, mut two) = (Scratch::default(), Scratch::default());
    let plain = fit(&data.rows(), Method::Reml, &mut one).expect("a fit");
    for weight in [1.0, 1e-3, 1e4] {
        let weighted = Data { kind: Kind::Weighted(vec![weight; data.len()]), ..data.clone() };
        let weighted = fit(&weighted.rows(), Method::Reml, &mut two).expect("a fit");
        close("sigma", weighted.sigma(), weight.sqrt() * plain.sigma(), 1e-11);
        close("sd", weighted.sd_group(), plain.sd_group(), 1e-11);
        close("criterion", weighted.criterion(), plain.criterion(), 1e-11);
        for (a, b) in terms(&weighted).iter().zip(terms(&plain)) {
            close("std_error", a.std_error, b.std_error, 1e-11);
            close("df", a.df, b.df, 1e-11);
        }
    }
}

#[test]
fn nearly_collinear_predictors_keep_their_digits() {
    let data = study(&mut Random(15), 30, &[2, 3, 5], 0.8);
    let m = data.len();
    let mut random = Random(16);
    // Exact in binary: the near copy minus the original is `small` without rounding.
    let small: Vec<f64> = (0..m).map(|_| (random.normal() * 1024.0).round() / 1024.0).collect();
    let round = |v: f64| (v * 1024.0).round() / 1024.0;
    let x1: Vec<f64> = data.x[2 * m..].iter().map(|&v| round(v)).collect();
    let scale = (-20f64).exp2();
    let near: Vec<f64> = x1.iter().zip(&small).map(|(v, s)| v + scale * s).collect();
    let apart = Data { x: [&data.x[..2 * m], &x1, &small].concat(), ..data.clone() };
    let alike = Data { x: [&data.x[..2 * m], &x1, &near].concat(), ..data.clone() };
    let (mut one, mut two) = (Scratch::default(), Scratch::default());
    let apart = fit(&apart.rows(), Method::Reml, &mut one).expect("a fit");
    let alike = fit(&alike.rows(), Method::Reml, &mut two).expect("a fit");
    close("theta", alike.theta(), apart.theta(), 1e-9);
    close("criterion", alike.criterion(), apart.criterion() + 2.0 * scale.ln(), 1e-9);
    let (a, b) = (terms(&alike)[3], terms(&apart)[3]);
    close("estimate", scale * a.estimate, b.estimate, 1e-9);
    close("std_error", scale * a.std_error, b.std_error, 1e-9);
    close("df", a.df, b.df, 1e-9);
}

/// Once the predictor explains nearly all of the outcome, once nearly all of it within groups only.
#[test]
fn a_tiny_residual_beside_a_large_effect_keeps_its_digits() {
    for theta in [3.0, 18f64.exp2()] {
        let data = study(&mut Random(17), 30, &[2, 3, 5], theta);
        let m = data.len();
        // The same outcome on a grid of 2^-26, and then with 2^20 times the predictor added.
        let grid = |v: f64| (v * 26f64.exp2()).round() / 26f64.exp2();
        let x1: Vec<f64> = data.x[2 * m..].iter().map(|v| (v * 64.0).round() / 64.0).collect();
        let y: Vec<f64> = data.y.iter().map(|&v| grid(v)).collect();
        let steep = 20f64.exp2();
        let plain = Data { x: [&data.x[..2 * m], &x1].concat(), y, ..data.clone() };
        let mut added = plain.clone();
        added.y.iter_mut().zip(&x1).for_each(|(y, x)| *y += steep * x);
        let (mut one, mut two) = (Scratch::default(), Scratch::default());
        let before = fit(&plain.rows(), Method::Reml, &mut one).expect("a fit");
        let after = fit(&added.rows(), Method::Reml, &mut two).expect("a fit");
        close("theta", after.theta(), before.theta(), 1e-9);
        close("sigma", after.sigma(), before.sigma(), 1e-9);
        for (a, b) in terms(&after).iter().zip(terms(&before)) {
            close("std_error", a.std_error, b.std_error, 1e-9);
            close("df", a.df, b.df, 1e-8);
        }
        let slope = after.beta()[2] - steep - before.beta()[2];
        assert!(slope.abs() < 1e-9, "{slope:e}");
    }
}

#[test]
fn huge_and_small_ratios_of_the_two_deviations_are_found() {
    for (theta, sizes) in [(1e3, &[3][..]), (1e6, &[2, 3, 5]), (1e8, &[2, 3, 5])] {
        let data = study(&mut Random(18), 60, sizes, theta);
        let mut scratch = Scratch::default();
        let fit = fit(&data.rows(), Method::Reml, &mut scratch).expect("a fit");
        assert!((fit.theta() / theta).ln().abs() < 0.5, "{} {theta}", fit.theta());
        assert!((fit.sigma() - 1.0).abs() < 0.3, "{}", fit.sigma());
    }
}

/// One-way analysis of variance: the balanced fit without predictors has a closed form.
#[test]
fn a_balanced_design_without_predictors_is_the_analysis_of_variance() {
    let mut random = Random(19);
    let (n_groups, size) = (12, 4);
    let mut boundaries = 0;
    for _ in 0..200 {
        let data = study(&mut random, n_groups, &[size], 0.3);
        let m = data.len();
        let data = Data { x: vec![1.0; m], ..data };
        let mean = data.y.iter().sum::<f64>() / m as f64;
        let means: Vec<f64> =
            data.y.chunks(size).map(|g| g.iter().sum::<f64>() / size as f64).collect();
        let squares = |g: &[f64], m: f64| g.iter().map(|v| (v - m) * (v - m)).sum::<f64>();
        let within: f64 = data.y.chunks(size).zip(&means).map(|(g, &m)| squares(g, m)).sum();
        let ms_between = size as f64 * squares(&means, mean) / (n_groups - 1) as f64;
        let ms_within = within / (m - n_groups) as f64;
        let mut scratch = Scratch::default();
        let fit = fit(&data.rows(), Method::Reml, &mut scratch).expect("a fit");
        let intercept = fit.coefficient(0, Df::Satterthwaite).expect("estimable");
        if ms_between <= ms_within {
            boundaries += 1;
            assert!(fit.is_boundary() && fit.theta() == 0.0);
            let pooled = squares(&data.y, mean) / (m - 1) as f64;
            close("variance", fit.sigma().powi(2), pooled, 1e-12);
            assert_eq!(intercept.df, (m - 1) as f64);
        } else {
            assert!(!fit.is_boundary());
            let variance = (ms_between - ms_within) / size as f64;
            close("sigma", fit.sigma().powi(2), ms_within, 1e-12);
            assert!((fit.sd_group().powi(2) - variance).abs() < 1e-12 * ms_within);
            close("error", intercept.std_error.powi(2), ms_between / m as f64, 1e-12);
            close("df", intercept.df, (n_groups - 1) as f64, 1e-9);
        }
    }
    assert!((20..150).contains(&boundaries), "{boundaries}");
}

#[test]
fn what_cannot_be_fitted_says_why() {
    let data = study(&mut Random(20), 4, &[3], 1.0);
    let m = data.len();
    let try_fit = |data: &Data, method| {
        fit(&data.rows(), method, &mut Scratch::default()).map(|_| ()).map_err(|e| e.name())
    };
    let reml = |data: &Data| try_fit(data, Method::Reml);
    assert_eq!(reml(&data), Ok(()));
    let nothing = Data { x: vec![], y: vec![], groups: vec![0, 0], kind: Kind::Single };
    assert_eq!(reml(&nothing), Err("no_rows"));
    let one_group = Data { groups: vec![0, m as u32, m as u32], ..data.clone() };
    assert_eq!(reml(&one_group), Err("too_few_groups"));
    let singletons = Data { groups: (0..=m as u32).collect(), ..data.clone() };
    assert_eq!(reml(&singletons), Err("too_few_groups"));
    let constant = Data { y: vec![0.1; m], ..data.clone() };
    assert_eq!(reml(&constant), Err("zero_standard_error"));
    let by_group = Data { y: (0..m).map(|i| (i / 3) as f64 * 0.1).collect(), ..data.clone() };
    assert_eq!(reml(&by_group), Err("zero_standard_error"));
    let explained = (0..m).map(|i| data.x[2 * m + i] + (i / 3) as f64).collect();
    assert_eq!(reml(&Data { y: explained, ..data.clone() }), Err("zero_standard_error"));
    let negative = Data { kind: Kind::Weighted(vec![-1.0; m]), ..data.clone() };
    assert_eq!(reml(&negative), Err("bad_weights"));
    let mut missing = data.clone();
    missing.y[4] = f64::NAN;
    assert_eq!(reml(&missing), Err("not_finite"));
    // An indicator a group: nothing between groups is left, and any theta fits as well.
    let indicators =
        (0..4).flat_map(|g| (0..m).map(move |i| f64::from(u8::from(i / 3 == g)))).collect();
    let fixed = Data { x: indicators, ..data.clone() };
    assert_eq!(reml(&fixed), Err("no_residual_df"));
    let mut scratch = Scratch::default();
    let ml = fit(&fixed.rows(), Method::Ml, &mut scratch).expect("a boundary fit");
    assert!(ml.is_boundary());
    let many = (0..m * m).map(|t| f64::from(u8::from(t / m == t % m))).collect();
    assert_eq!(reml(&Data { x: many, ..data.clone() }), Err("no_residual_df"));
    assert_eq!(Failure::TooFewGroups.name(), "too_few_groups");
}

/// The REML profile of a model of a mean alone, up to a constant, from group means.
fn profile_of_mean(data: &Data, lambda: f64) -> f64 {
    let groups: Vec<&[f64]> =
        data.groups.windows(2).map(|e| &data.y[e[0] as usize..e[1] as usize]).collect();
    let (mut weight, mut sum, mut r2, mut logs) = (0.0, 0.0, 0.0, 0.0);
    let mean = |g: &[f64]| g.iter().sum::<f64>() / g.len() as f64;
    let weight_of = |g: &[f64]| g.len() as f64 / (1.0 + lambda * g.len() as f64);
    for g in &groups {
        weight += weight_of(g);
        sum += weight_of(g) * mean(g);
        logs += (1.0 + lambda * g.len() as f64).ln();
    }
    for g in &groups {
        r2 += weight_of(g) * (mean(g) - sum / weight).powi(2);
        r2 += g.iter().map(|v| (v - mean(g)).powi(2)).sum::<f64>();
    }
    logs + weight.ln() + (data.len() - 1) as f64 * r2.ln()
}

#[test]
fn the_lowest_of_several_minima_is_found() {
    let mut random = Random(21);
    let mut scratch = Scratch::default();
    let mut several = [0, 0];
    for round in 0..20_000 {
        let mut groups = vec![0];
        let mut y = Vec::new();
        for _ in 0..3 + random.below(4) {
            let effect = [0.2, 1.0, 3.0][random.below(3)] * random.normal();
            y.extend((0..1 + random.below(12)).map(|_| effect + random.normal()));
            groups.push(y.len() as u32);
        }
        let data = Data { x: vec![1.0; y.len()], y, groups, kind: Kind::Single };
        let Ok(fit) = fit(&data.rows(), Method::Reml, &mut scratch) else { continue };
        let ours = profile_of_mean(&data, fit.theta() * fit.theta());
        let grid = (-20..60).map(|k| profile_of_mean(&data, 1.3f64.powi(k)));
        let values: Vec<f64> = std::iter::once(profile_of_mean(&data, 0.0)).chain(grid).collect();
        for &value in &values {
            assert!(ours <= value + 1e-10, "round {round}: {ours} above {value}");
        }
        let inner = values.windows(3).filter(|v| v[1] < v[0] && v[1] <= v[2]).count();
        if inner + usize::from(values[0] < values[1]) > 1 {
            several[usize::from(fit.is_boundary())] += 1;
        }
    }
    // Of the criteria with several minima, some are lowest inside and some at the boundary.
    assert!(several[0] >= 3 && several[1] >= 3, "{several:?}");
}
