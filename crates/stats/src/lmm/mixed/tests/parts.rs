//! Components in parts against the same components whole.

use super::*;
use crate::lmm::mixed::fit_by;
use crate::lmm::mixed::index::Route;
use crate::testing::shapes::{block, intercept};

/// Crossed and nested factors with slopes, in some groups of some factors; column 3 is a slope.
fn structures() -> Vec<Structure> {
    let slope = |key: usize, blocks: Vec<std::ops::Range<usize>>| Factor {
        keys: vec![key],
        effects: vec![None, Some(3)],
        blocks,
    };
    let two = || vec![0..1, 1..2];
    let list = [
        vec![intercept(0), intercept(1)],
        vec![slope(0, block(0..2)), intercept(1)],
        vec![intercept(0), slope(1, block(0..2))],
        vec![slope(0, two()), slope(1, block(0..2))],
        vec![intercept(2), slope(0, two()), intercept(1)],
        vec![slope(2, block(0..2)), slope(1, two())],
    ];
    list.into_iter().map(|factors| Structure { factors }).collect()
}

/// Rows in crossed groups 0 (of eleven) and 1 (of six), and in groups 2 that each hold two of 0.
fn crossed(structure: Structure, n: usize, r: &mut Random) -> Sample {
    let a: Vec<f64> = (0..n).map(|_| r.below(11) as f64).collect();
    let b: Vec<f64> = (0..n).map(|_| r.below(6) as f64).collect();
    let above = a.iter().map(|a| (a / 2.0).floor()).collect();
    let x: Vec<f64> = (0..n).map(|_| 1.0 + r.normal()).collect();
    let z: Vec<f64> = (0..n).map(|_| r.below(2) as f64).collect();
    let own: Vec<[f64; 4]> = (0..11).map(|_| [0; 4].map(|_| r.normal())).collect();
    let y = (0..n)
        .map(|i| {
            let (a, b) = (own[a[i] as usize], own[b[i] as usize]);
            a[0] + 0.6 * a[1] * x[i] + 0.8 * b[2] + 0.5 * b[3] * x[i] + r.normal()
        })
        .collect();
    let mut columns = vec![1.0; n];
    columns.extend(&z);
    columns.extend(&x);
    let weights = (r.below(2) == 0).then(|| (0..n).map(|_| 0.3 + r.uniform()).collect());
    Sample { x: columns, y, weights, columns: vec![a, b, above, x], structure }
}

/// Everything that a fit by a route says.
fn all_of(sample: &Sample, route: Option<Route>, method: Method) -> Vec<(&'static str, f64)> {
    let mut scratch = Scratch::default();
    sample.with(|data| {
        let mut fit = fit_by(route, data, &sample.structure, method, &mut scratch).expect("a fit");
        let mut all = vec![("criterion", fit.criterion()), ("sigma", fit.sigma())];
        all.extend(fit.theta(&sample.structure).iter().map(|t| ("theta", *t)));
        for df in [Df::Satterthwaite, Df::KenwardRoger] {
            if df == Df::KenwardRoger && method == Method::Ml {
                continue;
            }
            fit.prepare(df, data, &sample.structure).expect("degrees of freedom");
            for j in 0..3 {
                let c = fit.coefficient(j, df, &mut Vec::new()).expect("a coefficient");
                let named = [("estimate", c.estimate), ("error", c.std_error), ("df", c.df)];
                all.extend(named);
            }
        }
        all
    })
}

#[test]
fn components_in_parts_are_those_taken_whole() {
    let mut r = Random(31);
    let mut n_boundary = 0;
    for round in 0..6 {
        for (s, structure) in structures().into_iter().enumerate() {
            let sample = crossed(structure, 90 + 30 * round, &mut r);
            for method in [Method::Reml, Method::Ml] {
                let whole = all_of(&sample, Some(Route::Whole), method);
                let parts = all_of(&sample, None, method);
                n_boundary += usize::from(whole.contains(&("theta", 0.0)));
                for ((name, ours), (_, theirs)) in parts.iter().zip(&whole) {
                    let what = format!("{round} {s} {method:?} {name}");
                    match *name {
                        // Their optimum is flat: it has half the digits of the criterion.
                        "theta" => assert!((ours - theirs).abs() < 1e-7, "{what} {ours} {theirs}"),
                        "criterion" => close(&what, *ours, *theirs, 1e-12),
                        "df" => close(&what, *ours, *theirs, 1e-6),
                        _ => close(&what, *ours, *theirs, 1e-8),
                    }
                }
            }
        }
    }
    assert!((3..50).contains(&n_boundary), "{n_boundary} at the boundary");
}

/// Any factor can be the one that is eliminated.
#[test]
fn it_does_not_matter_which_factor_is_eliminated() {
    let mut r = Random(32);
    for structure in structures() {
        let n_factors = structure.factors.len();
        let sample = crossed(structure, 150, &mut r);
        let usual = all_of(&sample, None, Method::Reml);
        for inner in 0..n_factors {
            let other = all_of(&sample, Some(Route::Parts { inner }), Method::Reml);
            for ((name, ours), (_, theirs)) in other.iter().zip(&usual) {
                assert!((ours - theirs).abs() <= 1e-6 * theirs.abs().max(0.1), "{name} {inner}");
            }
        }
    }
}

/// Variances far apart: what one factor leaves is small against what it explains.
#[test]
fn large_variances_cost_few_digits() {
    let mut r = Random(33);
    for size in [1e3, 1e4] {
        for key in [0, 1] {
            let mut sample = crossed(structures().swap_remove(0), 200, &mut r);
            sample.weights = None;
            let mut own = [0.0; 11];
            own.iter_mut().for_each(|v| *v = size * r.normal());
            for (y, k) in sample.y.iter_mut().zip(&sample.columns[key]) {
                *y += own[*k as usize];
            }
            let whole = all_of(&sample, Some(Route::Whole), Method::Reml);
            let parts = all_of(&sample, None, Method::Reml);
            for ((name, ours), (_, theirs)) in parts.iter().zip(&whole) {
                // Degrees of freedom beyond counting are rounding errors.
                let (ours, theirs) = (ours.min(1e7), theirs.min(1e7));
                close(&format!("{size} {key} {name}"), ours, theirs, 1e-5);
            }
        }
    }
}

/// In balanced data the estimates that the search starts from are those of REML.
#[test]
fn in_balanced_data_the_search_starts_at_its_end() {
    let mut r = Random(34);
    for round in 0..5 {
        let (a, b, each) = (7, 5, 1 + round % 2);
        let n = a * b * each;
        let keys = [0, 1].map(|key| {
            let group = |i: usize| if key == 0 { i / each / b } else { i / each % b };
            (0..n).map(|i| group(i) as f64).collect::<Vec<f64>>()
        });
        let own: Vec<f64> = (0..a + b).map(|_| 2.0 * r.normal()).collect();
        let y = (0..n).map(|i| own[keys[0][i] as usize] + own[a + keys[1][i] as usize]);
        let y = y.map(|y| y + r.normal()).collect();
        let structure = structures().swap_remove(0);
        let x = vec![1.0; n];
        let sample = Sample { x, y, weights: None, columns: keys.to_vec(), structure };
        let mut scratch = Scratch::default();
        let theta = {
            let fit = sample.fit(Method::Reml, &mut scratch).expect("a fit");
            fit.theta(&sample.structure).to_vec()
        };
        let estimates =
            scratch.sums.parts.reductions.and_then(|r| r.estimates()).expect("estimates");
        // The factor with more groups is the inner one.
        for (theta, variance) in theta.iter().zip(estimates) {
            close("variance", theta * theta, variance, 1e-9);
        }
    }
}
