//! The criterion against dense matrices, and the general route against the fast one.

use super::*;
use crate::testing::shapes::intercept;
use faer::linalg::solvers::Solve;

/// The criterion at theta, in the units of the data, from the covariance matrix of all rows.
fn dense(sample: &Sample, theta: &[f64], method: Method) -> f64 {
    let (m, p) = (sample.y.len(), sample.x.len() / sample.y.len());
    let w = |i: usize| sample.weights.as_ref().map_or(1.0, |w| w[i]);
    let mut v = faer::Mat::from_fn(m, m, |i, j| if i == j { 1.0 / w(i) } else { 0.0 });
    let mut at = 0;
    for factor in &sample.structure.factors {
        let r = factor.effects.len();
        let mut lambda = vec![0.0; r * r];
        for block in &factor.blocks {
            for column in block.clone() {
                for row in column..block.end {
                    lambda[row * r + column] = theta[at];
                    at += 1;
                }
            }
        }
        let effect = |i: usize, e: usize| factor.effects[e].map_or(1.0, |c| sample.columns[c][i]);
        let whole =
            |i: usize, c: usize| -> f64 { (0..r).map(|e| effect(i, e) * lambda[e * r + c]).sum() };
        let key = &sample.columns[factor.keys[0]];
        for i in 0..m {
            for j in (0..m).filter(|j| key[i] == key[*j]) {
                v[(i, j)] += (0..r).map(|c| whole(i, c) * whole(j, c)).sum::<f64>();
            }
        }
    }
    let x = faer::Mat::from_fn(m, p, |i, j| sample.x[j * m + i]);
    let y = faer::Mat::from_fn(m, 1, |i, _| sample.y[i]);
    let log_determinant = |a: &faer::Mat<f64>| -> f64 {
        let llt = a.llt(faer::Side::Lower).expect("a positive matrix");
        (0..a.nrows()).map(|i| 2.0 * llt.L()[(i, i)].ln()).sum()
    };
    let solve = v.llt(faer::Side::Lower).expect("a positive matrix");
    let a = x.transpose() * solve.solve(&x);
    let beta = a.llt(faer::Side::Lower).expect("full rank").solve(x.transpose() * solve.solve(&y));
    let e = &y - &x * &beta;
    let r2 = (e.transpose() * solve.solve(&e))[(0, 0)];
    let nu = if method == Method::Reml { (m - p) as f64 } else { m as f64 };
    let turn = 2.0 * std::f64::consts::PI;
    let own = log_determinant(&v) + nu * (1.0 + (turn * r2 / nu).ln());
    own + if method == Method::Reml { log_determinant(&a) } else { 0.0 }
}

#[test]
fn the_optimum_is_the_lowest_point_of_the_dense_criterion() {
    let mut r = Random(1);
    for shape in SHAPES {
        for (method, weighted) in [(Method::Reml, false), (Method::Ml, false), (Method::Reml, true)]
        {
            let mut sample = sample(shape, 60, &mut r);
            if weighted {
                sample.weights = Some((0..60).map(|_| 0.5 + r.uniform()).collect());
            }
            let mut scratch = Scratch::default();
            let fit = sample.fit(method, &mut scratch).expect("a fit");
            let theta = fit.theta(&sample.structure);
            let what = format!("{shape:?} {method:?} {weighted}");
            let least = dense(&sample, &theta, method);
            close(&what, fit.criterion(), least, 1e-11);
            for t in 0..theta.len() {
                for step in [1e-3, -1e-3] {
                    let mut near = theta.clone();
                    near[t] += step;
                    assert!(dense(&sample, &near, method) > least - 1e-12, "{what} {t}");
                }
                // The slope by differences is rounding error.
                if theta[t] != 0.0 {
                    let at = |h: f64| {
                        let mut near = theta.clone();
                        near[t] += h;
                        dense(&sample, &near, method)
                    };
                    let h = 1e-3;
                    let (near, far) = (at(h) - at(-h), at(2.0 * h) - at(-2.0 * h));
                    let slope = (8.0 * near - far) / (12.0 * h);
                    assert!(slope.abs() < 1e-6, "{what} {t}: slope {slope}");
                }
            }
        }
    }
}

/// One random intercept goes two routes; they meet.
#[test]
fn the_general_route_agrees_with_the_fast_one() {
    use crate::lmm;
    let mut r = Random(2);
    for i in 0..40 {
        let sample = sample(Shape::Intercept, 30 + i, &mut r);
        let mut order: Vec<usize> = (0..sample.y.len()).collect();
        order.sort_by(|&a, &b| sample.columns[0][a].total_cmp(&sample.columns[0][b]));
        let sorted = |v: &[f64]| -> Vec<f64> { order.iter().map(|&i| v[i]).collect() };
        let (key, y) = (sorted(&sample.columns[0]), sorted(&sample.y));
        let x: Vec<f64> = sample.x.chunks(sample.y.len()).flat_map(sorted).collect();
        let mut groups: Vec<u32> = (0..key.len())
            .filter(|i| *i == 0 || key[*i] != key[*i - 1])
            .map(|i| i as u32)
            .collect();
        groups.push(key.len() as u32);
        let observations = crate::Observations::Single;
        let rows = crate::Rows { x: &x, y: &y, observations, groups: &groups };
        for method in [Method::Reml, Method::Ml] {
            let mut fast = lmm::Scratch::default();
            let fast = lmm::fit(&rows, method, &mut fast).expect("a fit");
            let mut scratch = Scratch::default();
            let fit = sample.fit(method, &mut scratch).expect("a fit");
            assert!((fit.theta(&sample.structure)[0] - fast.theta()).abs() < 1e-9);
            assert_eq!(fit.is_boundary(), fast.is_boundary());
            close("criterion", fit.criterion(), fast.criterion(), 1e-12);
            close("sigma", fit.sigma(), fast.sigma(), 1e-10);
            for (j, ours) in sample.coefficients(method, Df::Satterthwaite).iter().enumerate() {
                let theirs = fast.coefficient(j, lmm::Df::Satterthwaite).expect("a coefficient");
                close("estimate", ours[0], theirs.estimate, 1e-9);
                close("error", ours[1], theirs.std_error, 1e-9);
                close("df", ours[2], theirs.df, 1e-8);
            }
        }
    }
}

/// In balanced data Kenward and Roger's degrees of freedom of a treatment of whole groups are
/// those of the groups, and so are Satterthwaite's and those between groups.
#[test]
fn balanced_groups_have_the_degrees_of_freedom_of_their_means() {
    let mut r = Random(3);
    let (groups, each) = (10, 6);
    let n = groups * each;
    let key: Vec<f64> = (0..n).map(|i| (i / each) as f64).collect();
    let z: Vec<f64> = key.iter().map(|k| k % 2.0).collect();
    let own: Vec<f64> = (0..groups).map(|_| 2.0 * r.normal()).collect();
    let y = (0..n).map(|i| own[i / each] + z[i] + r.normal()).collect();
    let mut x = vec![1.0; n];
    x.extend(&z);
    let structure = Structure { factors: vec![intercept(0)] };
    let sample = Sample { x, y, weights: None, columns: vec![key], structure };
    for df in [Df::KenwardRoger, Df::Satterthwaite, Df::BetweenWithin] {
        let [_, _, found] = sample.coefficients(Method::Reml, df)[1];
        close(&format!("{df:?}"), found, (groups - 2) as f64, 1e-8);
    }
    let plain = sample.coefficients(Method::Reml, Df::Z)[1];
    let adjusted = sample.coefficients(Method::Reml, Df::KenwardRoger)[1];
    close("error", adjusted[1], plain[1], 1e-9);
}
