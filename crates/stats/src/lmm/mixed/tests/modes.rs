//! Conditional modes against dense matrices, closed forms, and what has to hold of any.

use super::*;
use crate::lmm::mixed::index::Route;
use crate::lmm::mixed::{Modes, fit_by};
use crate::testing::shapes::{block, intercept};
use crate::{Observations, Rows, lmm};
use faer::linalg::solvers::Solve;

impl Sample {
    /// The modes by a route, with the fit's covariances in the unit of the data, and coefficients.
    fn modes(&self, route: Option<Route>, method: Method) -> (Vec<Modes>, Vec<f64>, Vec<f64>, f64) {
        let mut scratch = Scratch::default();
        self.with(|data| {
            let fit = fit_by(route, data, &self.structure, method, &mut scratch).expect("a fit");
            let modes = fit.modes(data, &self.structure).expect("modes");
            let square = fit.sigma() * fit.sigma();
            let covariances = fit.covariances(&self.structure).iter().map(|v| v * square).collect();
            (modes, covariances, fit.beta(), square)
        })
    }

    /// The effects of all groups and their columns of `Z`: factor, key, effect.
    fn effects(&self) -> Vec<(usize, f64, usize)> {
        let mut all = Vec::new();
        for (f, factor) in self.structure.factors.iter().enumerate() {
            let mut keys = self.columns[factor.keys[0]].clone();
            keys.sort_by(f64::total_cmp);
            keys.dedup();
            let each = |key: f64| (0..factor.effects.len()).map(move |e| (f, key, e));
            all.extend(keys.into_iter().flat_map(each));
        }
        all
    }
}

/// `G Z'V^-1 (y - X b)` and the diagonal of `G - G Z'V^-1 Z G`, of matrices over all rows.
fn dense(sample: &Sample, covariances: &[f64], beta: &[f64], square: f64) -> Vec<[f64; 2]> {
    let (m, all) = (sample.y.len(), sample.effects());
    let factor = |f: usize| &sample.structure.factors[f];
    let start = |f: usize| (0..f).map(|f| factor(f).effects.len().pow(2)).sum::<usize>();
    let z = faer::Mat::from_fn(m, all.len(), |i, j| {
        let (f, key, e) = all[j];
        let value = factor(f).effects[e].map_or(1.0, |c| sample.columns[c][i]);
        if sample.columns[factor(f).keys[0]][i] == key { value } else { 0.0 }
    });
    let g = faer::Mat::from_fn(all.len(), all.len(), |i, j| {
        let ((f, key, e), (other, other_key, o)) = (all[i], all[j]);
        let is_same = f == other && key == other_key;
        if is_same { covariances[start(f) + e * factor(f).effects.len() + o] } else { 0.0 }
    });
    let w = |i: usize| sample.weights.as_ref().map_or(1.0, |w| w[i]);
    let noise = faer::Mat::from_fn(m, m, |i, j| if i == j { square / w(i) } else { 0.0 });
    let v = &z * &g * z.transpose() + noise;
    let left = faer::Mat::from_fn(m, 1, |i, _| {
        sample.y[i] - beta.iter().enumerate().map(|(j, b)| b * sample.x[j * m + i]).sum::<f64>()
    });
    let llt = v.llt(faer::Side::Lower).expect("a positive matrix");
    let zg = &z * &g;
    let modes = zg.transpose() * llt.solve(&left);
    let known = &g - zg.transpose() * llt.solve(&zg);
    (0..all.len()).map(|j| [modes[(j, 0)], known[(j, j)].max(0.0).sqrt()]).collect()
}

#[test]
fn modes_are_those_of_dense_matrices() {
    let mut r = Random(51);
    let correlated = Factor { keys: vec![0], effects: vec![None, Some(2)], blocks: block(0..2) };
    let more = Structure { factors: vec![intercept(1), correlated] };
    for structure in SHAPES.map(Shape::structure).into_iter().chain([more]) {
        for (method, weighted) in [(Method::Reml, false), (Method::Ml, true)] {
            let mut sample =
                Sample { structure: structure.clone(), ..sample(Shape::Crossed, 70, &mut r) };
            if weighted {
                sample.weights = Some((0..70).map(|_| 0.5 + r.uniform()).collect());
            }
            let last = structure.factors.len() - 1;
            let parts = (last > 0).then_some(Route::Parts { inner: last });
            let routes = [None, Some(Route::Whole)].into_iter().chain(parts.map(Some));
            for route in routes {
                let (modes, covariances, beta, square) = sample.modes(route, method);
                let theirs = dense(&sample, &covariances, &beta, square);
                let all = |of: fn(&Modes) -> &Vec<f64>| -> Vec<f64> {
                    modes.iter().flat_map(|one| of(one).clone()).collect()
                };
                let (ours, std_devs) = (all(|one| &one.modes), all(|one| &one.std_devs));
                assert_eq!(ours.len(), theirs.len());
                for (j, [mode, sd]) in theirs.into_iter().enumerate() {
                    let what = format!("{route:?} {weighted} {j} of {structure:?}");
                    assert!((ours[j] - mode).abs() < 1e-11, "{what}: {} {mode}", ours[j]);
                    // The dense difference loses digits where little is left.
                    assert!((std_devs[j] - sd).abs() < 1e-9, "{what}: {} {sd}", std_devs[j]);
                }
                for (one, factor) in modes.iter().zip(&structure.factors) {
                    let keys: Vec<f64> =
                        one.rows.iter().map(|i| sample.columns[factor.keys[0]][*i]).collect();
                    assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
                }
            }
        }
    }
}

/// Ten groups of six rows, with a treatment of groups.
fn balanced(sd: f64, r: &mut Random) -> Sample {
    let (groups, each) = (10, 6);
    let n = groups * each;
    let key: Vec<f64> = (0..n).map(|i| (i / each) as f64).collect();
    let z: Vec<f64> = key.iter().map(|k| k % 2.0).collect();
    let own: Vec<f64> = (0..groups).map(|_| sd * r.normal()).collect();
    let y = (0..n).map(|i| 1e5 + own[i / each] + z[i] + r.normal()).collect();
    let mut x = vec![1.0; n];
    x.extend(&z);
    let structure = Structure { factors: vec![intercept(0)] };
    Sample { x, y, weights: None, columns: vec![key], structure }
}

/// The modes of the fast route.
fn fast(sample: &Sample, groups: &[u32], method: Method) -> (Modes, f64, f64) {
    let observations =
        sample.weights.as_deref().map_or(Observations::Single, Observations::Weighted);
    let rows = Rows { x: &sample.x, y: &sample.y, observations, groups };
    let mut scratch = lmm::Scratch::default();
    let fit = lmm::fit(&rows, method, &mut scratch).expect("a fit");
    (fit.modes(&rows), fit.theta() * fit.theta(), fit.sigma())
}

/// The mean of a group around that of its arm, shrunk by `n lambda / (1 + n lambda)`, where `1 + n
/// lambda` is the ratio of the mean squares between and within groups.
#[test]
fn balanced_modes_have_a_closed_form() {
    let mut r = Random(52);
    let sample = balanced(1.5, &mut r);
    let ends: Vec<u32> = (0..=10).map(|g| 6 * g).collect();
    let means: Vec<f64> =
        sample.y.chunks(6).map(|y| y.iter().map(|y| y - 1e5).sum::<f64>() / 6.0).collect();
    let arm = |k: usize| means.iter().skip(k).step_by(2).sum::<f64>() / 5.0;
    let own: Vec<f64> = means.iter().enumerate().map(|(g, mean)| mean - arm(g % 2)).collect();
    let within: f64 = sample
        .y
        .chunks(6)
        .zip(&means)
        .flat_map(|(y, mean)| y.iter().map(move |y| (y - 1e5 - mean).powi(2)))
        .sum();
    let (within, between) = (within / 50.0, 6.0 * own.iter().map(|v| v * v).sum::<f64>() / 8.0);
    let shrink = 1.0 - within / between;
    let (fast, ..) = fast(&sample, &ends, Method::Reml);
    let (general, ..) = sample.modes(None, Method::Reml);
    for (route, tolerance) in [(&fast, 1e-12), (&general[0], 1e-9)] {
        for (g, own) in own.iter().enumerate() {
            let mode = own * shrink;
            assert!((route.modes[g] - mode).abs() < tolerance, "{} {mode}", route.modes[g]);
            let sd = (within / 6.0 * shrink).sqrt();
            assert!((route.std_devs[g] - sd).abs() < tolerance, "{} {sd}", route.std_devs[g]);
            assert_eq!(route.rows[g], 6 * g);
        }
    }
}

/// Groups of several sizes, rows of several weights, some of them and a whole group without any.
#[test]
fn both_routes_have_the_same_modes() {
    let mut r = Random(53);
    let mut sample = balanced(1.0, &mut r);
    let ends = [0, 2, 3, 9, 14, 20, 30, 31, 40, 52, 60];
    for (g, ends) in ends.windows(2).enumerate() {
        sample.columns[0][ends[0] as usize..ends[1] as usize].fill(g as f64);
    }
    for weighted in [false, true] {
        if weighted {
            let weight = |i: usize, r: &mut Random| match i {
                3..9 | 14 | 52 => 0.0,
                _ => 0.5 + r.uniform(),
            };
            sample.weights = Some((0..60).map(|i| weight(i, &mut r)).collect());
        }
        for method in [Method::Reml, Method::Ml] {
            let (fast, ..) = fast(&sample, &ends, method);
            let (general, ..) = sample.modes(None, method);
            assert_eq!(fast.rows, general[0].rows);
            assert_eq!(fast.rows.len(), if weighted { 9 } else { 10 });
            for (ours, theirs) in
                [(&fast.modes, &general[0].modes), (&fast.std_devs, &general[0].std_devs)]
            {
                for (a, b) in ours.iter().zip(theirs) {
                    assert!((a - b).abs() < 1e-8, "{a} {b}");
                }
            }
            // The coefficients' own equations.
            let sum: f64 = fast.modes.iter().sum();
            assert!(sum.abs() < 1e-12, "{sum}");
        }
    }
}

/// A known part of the outcome is taken off it.
#[test]
fn modes_with_an_offset_are_those_of_the_rest() {
    let mut r = Random(55);
    let mut sample = sample(Shape::Crossed, 80, &mut r);
    let (rest, ..) = sample.modes(None, Method::Reml);
    let offset: Vec<f64> = (0..80).map(|_| 3.0 * r.normal()).collect();
    sample.y.iter_mut().zip(&offset).for_each(|(y, o)| *y += o);
    let mut scratch = Scratch::default();
    let all = sample.with(|data| {
        let data = Data { offset: Some(&offset), ..*data };
        let fit = fit(&data, &sample.structure, Method::Reml, &mut scratch).expect("a fit");
        fit.modes(&data, &sample.structure).expect("modes")
    });
    for (ours, theirs) in all.iter().zip(&rest) {
        let values = ours.modes.iter().chain(&ours.std_devs);
        for (a, b) in values.zip(theirs.modes.iter().chain(&theirs.std_devs)) {
            assert!((a - b).abs() < 1e-9, "{a} {b}");
        }
    }
}

/// Modes add up to zero over the groups of each factor with an intercept, and so do slopes of a
/// predictor; where the variance is zero they are zeros without a doubt.
#[test]
fn modes_add_up_to_zero() {
    let mut r = Random(54);
    for shape in SHAPES {
        let sample = sample(shape, 120, &mut r);
        let (modes, covariances, ..) = sample.modes(None, Method::Reml);
        let mut start = 0;
        for (one, factor) in modes.iter().zip(&sample.structure.factors) {
            let n = factor.effects.len();
            for e in 0..n {
                let variance = covariances[start + e * n + e];
                let own = |values: &[f64]| -> Vec<f64> {
                    values.iter().skip(e).step_by(n).copied().collect()
                };
                let (values, std_devs) = (own(&one.modes), own(&one.std_devs));
                assert!(values.iter().sum::<f64>().abs() < 1e-11, "{shape:?} {values:?}");
                for (value, sd) in values.iter().zip(&std_devs) {
                    assert_eq!((*value == 0.0, *sd == 0.0), (variance == 0.0, variance == 0.0));
                    assert!(sd * sd <= variance * (1.0 + 1e-12));
                }
            }
            start += n * n;
        }
    }
    // Within groups as much as between them: no variance of groups.
    let mut sample = balanced(0.0, &mut r);
    sample.y = (0..60).map(|i| 3.0 + ((i % 6) as f64) - 2.5 + 0.01 * (i / 6 % 2) as f64).collect();
    let ends: Vec<u32> = (0..=10).map(|g| 6 * g).collect();
    let (fast, lambda, _) = fast(&sample, &ends, Method::Reml);
    assert_eq!(lambda, 0.0);
    let (general, ..) = sample.modes(None, Method::Reml);
    for modes in [&fast, &general[0]] {
        let zeros = modes.modes.iter().chain(&modes.std_devs);
        assert!(zeros.into_iter().all(|v| v.to_bits() == 0), "{modes:?}");
    }
}
