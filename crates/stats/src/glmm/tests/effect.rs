//! Average marginal effects: a plain twin, closed forms, numeric derivatives, coverage.

use std::sync::LazyLock;

use super::*;
use crate::glm::{Change, Coefficient};
use crate::glmm::effect::{Room, Turn};
use crate::lmm::mixed::Factor;
use crate::special::normal;
use crate::testing::shapes::{block, intercept};

/// The mean of a row over its random effects, by Gauss and Hermite's rule.
fn mean(family: Family, eta: f64, v: f64) -> f64 {
    static RULE: LazyLock<Nodes> = LazyLock::new(|| Nodes::new(99).expect("a rule"));
    let rule = &*RULE;
    let one =
        |(x, w): (&f64, &f64)| libm::exp(w - 0.5 * x * x) * family.mean(eta + v.sqrt() * x, 0.0).mu;
    rule.at.iter().zip(&rule.log_weight).map(one).sum()
}

/// `z'S z` over all factors.
fn variance(data: &Sample, covariances: &[f64], z: &[Vec<f64>]) -> f64 {
    let (mut total, mut start) = (0.0, 0);
    for (factor, z) in data.structure.factors.iter().zip(z) {
        let r = factor.effects.len();
        for i in 0..r {
            for j in 0..r {
                total += z[i] * covariances[start + i * r + j] * z[j];
            }
        }
        start += r * r;
    }
    total
}

/// The average over the rows of what `of` makes of a row's mean at any value of predictor `j`.
fn average(
    data: &Sample,
    fit: &Fit,
    j: usize,
    of: impl Fn(&dyn Fn(f64) -> f64, f64) -> f64,
) -> f64 {
    let (n, beta) = (data.y.len(), fit.beta());
    let covariances = fit.covariances(&data.structure);
    let weight = |i: usize| data.weights.as_ref().map_or(1.0, |w| w[i]);
    let one = |i: usize| {
        let at = |value: f64| {
            let x = |k: usize| if k == j { value } else { data.x[k * n + i] };
            let offset = data.offset.as_ref().map_or(0.0, |o| o[i]);
            let eta = (0..beta.len()).map(|k| beta[k] * x(k)).sum::<f64>() + offset;
            let effects = data.structure.factors.iter().map(|f| {
                // Column 2 of the slopes is the predictor 2.
                let z = |e: &Option<usize>| e.map_or(1.0, |_| x(2));
                f.effects.iter().map(z).collect::<Vec<f64>>()
            });
            mean(data.family, eta, variance(data, &covariances, &effects.collect::<Vec<_>>()))
        };
        weight(i) * of(&at, data.x[j * n + i])
    };
    (0..n).map(one).sum::<f64>() / (0..n).map(weight).sum::<f64>()
}

/// A derivative by differences of fourth order.
fn slope(f: &dyn Fn(f64) -> f64, at: f64) -> f64 {
    let h = 2e-3;
    (8.0 * (f(at + h) - f(at - h)) - (f(at + 2.0 * h) - f(at - 2.0 * h))) / (12.0 * h)
}

/// The variance of an effect by the delta method, with the gradient by differences.
fn delta(data: &Sample, scratch: &mut Scratch, effect: impl Fn(&Fit) -> f64) -> f64 {
    let n = scratch.descent.at.len();
    let mut gradient = vec![0.0; n];
    for p in 0..n {
        let own = scratch.descent.at[p];
        let mut at = |value: f64| {
            scratch.descent.at[p] = value;
            let Scratch { cells, parameters, index, layout, .. } = &*scratch;
            let Scratch { descent, covariance, .. } = &*scratch;
            let (family, curvature) = (data.family, Curvature::Expected);
            effect(&Fit {
                family,
                curvature,
                cells,
                parameters,
                index,
                layout,
                descent,
                covariance,
                likelihood: &mut crate::glmm::single::Groups::default(),
            })
        };
        let h = 1e-4;
        gradient[p] = (at(own + h) - at(own - h)) / (2.0 * h);
        scratch.descent.at[p] = own;
    }
    let c = |i: usize, j: usize| scratch.covariance[i * n + j];
    (0..n)
        .flat_map(|i| (0..n).map(move |j| (i, j)))
        .map(|(i, j)| gradient[i] * c(i, j) * gradient[j])
        .sum()
}

/// The effect of a change, with its error.
fn effect(
    data: &Sample,
    fit: &Fit,
    change: &Change,
    turns: &[Option<Turn>],
    work: &mut Room,
) -> Coefficient {
    let mut gradient = vec![0.0; fit.n_gradient()];
    let estimate = data.with(|d| fit.effect(change, turns, d, &mut gradient, work));
    fit.by_delta(estimate.expect("an effect"), &gradient).expect("an error")
}

/// How the slopes change with the predictor 2, which is their column.
fn turns(data: &Sample, j: usize) -> Vec<Option<Turn<'static>>> {
    let effects = data.structure.factors.iter().flat_map(|f| &f.effects);
    let turn = Turn { rest: None, low: 0.0, high: 1.0 };
    effects.map(|e| e.filter(|_| j == 2).map(|_| turn)).collect()
}

/// Effects of a treatment and of a number, which has random slopes in some shapes, are those of the
/// plain twin; errors are those of differences of the effect by every parameter.
#[test]
fn effects_are_averages_over_groups_with_the_errors_of_the_delta_method() {
    let mut r = Random(5);
    let (mut scratch, mut work) = (Scratch::default(), Room::default());
    for family in FAMILIES {
        for shape in SHAPES {
            let mut data = sample(shape, family, [180, 12, 5], 0.7, &mut r);
            data.offset = Some((0..180).map(|_| 0.2 * r.normal()).collect());
            if shape == Shape::Slope {
                data.weights = Some((0..180).map(|_| 0.5 + r.uniform()).collect());
            }
            data.fit(&laplace(), &mut scratch).expect("a fit");
            for j in [1, 2] {
                let what = format!("{family:?} {shape:?} {j}");
                let change = Change::Number { column: j };
                let turns = turns(&data, j);
                let one =
                    |fit: &Fit| effect(&data, fit, &change, &turns, &mut Room::default()).estimate;
                let by_delta = delta(&data, &mut scratch, one).sqrt();
                let fit = data.fit(&laplace(), &mut scratch).expect("a fit");
                let expected = match j {
                    1 => average(&data, &fit, j, |f, _| f(1.0) - f(0.0)),
                    _ => average(&data, &fit, j, |f, at| slope(f, at)),
                };
                let ours = effect(&data, &fit, &change, &turns, &mut work);
                close(&what, ours.estimate, expected, 1e-9);
                close(&what, ours.std_error, by_delta, 1e-6);
            }
        }
    }
}

/// With a random intercept: `Phi(x'b / sqrt(1 + s^2))` and `exp(x'b + s^2 / 2)`.
#[test]
fn closed_forms_are_met() {
    let mut r = Random(6);
    let mut scratch = Scratch::default();
    for family in [Family::Probit, Family::Poisson] {
        let data = sample(Shape::Intercept, family, [200, 20, 4], 0.9, &mut r);
        let fit = data.fit(&quadrature(15), &mut scratch).expect("a fit");
        let (n, beta) = (data.y.len(), fit.beta());
        let s = fit.theta(&data.structure)[0];
        let mean = |z: f64, i: usize| {
            let eta = beta[0] + beta[1] * z + beta[2] * data.x[2 * n + i];
            match family {
                Family::Probit => normal::cdf(eta / (1.0 + s * s).sqrt()),
                _ => (eta + 0.5 * s * s).exp(),
            }
        };
        let expected = (0..n).map(|i| mean(1.0, i) - mean(0.0, i)).sum::<f64>() / n as f64;
        let change = Change::Number { column: 1 };
        let ours = effect(&data, &fit, &change, &[None], &mut Room::default());
        close("closed form", ours.estimate, expected, 1e-12);
    }
}

/// A category whose effect differs between groups: the effects' values change with it.
#[test]
fn categories_change_their_random_effects() {
    let mut r = Random(7);
    let (n, groups) = (600, 30);
    let key: Vec<f64> = (0..n).map(|i| (i % groups) as f64).collect();
    let indicator = |k: usize| (0..n).map(|i| f64::from(i / groups % 3 == k)).collect::<Vec<f64>>();
    let effects: Vec<[f64; 3]> =
        (0..groups).map(|_| [r.normal(), 0.8 * r.normal(), 1.2 * r.normal()]).collect();
    let y = (0..n)
        .map(|i| {
            let (own, arm) = (effects[i % groups], i / groups % 3);
            draw(Family::Logit, own[0] + [0.0, 0.5 + own[1], own[2]][arm], &mut r)
        })
        .collect();
    let factor =
        Factor { effects: vec![None, Some(2), Some(3)], blocks: block(0..3), ..intercept(0) };
    let data = Sample {
        family: Family::Logit,
        x: [vec![1.0; n], indicator(1), indicator(2)].concat(),
        y,
        weights: None,
        trials: None,
        offset: None,
        columns: vec![key, indicator(0), indicator(1), indicator(2)],
        structure: Structure { factors: vec![factor] },
    };
    let mut scratch = Scratch::default();
    let turn = |high: f64| Some(Turn { rest: None, low: 0.0, high });
    let turns = [None, turn(0.0), turn(1.0)];
    let change = Change::Category { first: 1, end: 3, base: None, column: 2 };
    data.fit(&laplace(), &mut scratch).expect("a fit");
    let by_delta = delta(&data, &mut scratch, |fit| {
        let beta = fit.beta();
        let covariances = fit.covariances(&data.structure);
        let at = |arm: usize| {
            let z = vec![vec![1.0, f64::from(arm == 1), f64::from(arm == 2)]];
            let eta = beta[0] + if arm == 0 { 0.0 } else { beta[arm] };
            mean(Family::Logit, eta, variance(&data, &covariances, &z))
        };
        at(2) - at(0)
    });
    let fit = data.fit(&laplace(), &mut scratch).expect("a fit");
    let ours = effect(&data, &fit, &change, &turns, &mut Room::default());
    close("error", ours.std_error, by_delta.sqrt(), 1e-6);
}

/// The difference of probabilities over all groups that there might be is covered as often as is
/// claimed; at random effects of zero it would be another number.
#[test]
fn intervals_of_effects_cover() {
    let mut r = Random(8);
    let (mut scratch, mut work) = (Scratch::default(), Room::default());
    let (sims, sd) = (500, 1.3);
    // Two values of the covariate, 1 and 1.5.
    let at = |z: f64, x: f64, v: f64| mean(Family::Logit, -0.9 + 0.6 * z + 0.5 * x, v);
    let truth =
        |v: f64| 0.5 * [1.0, 1.5].map(|x| at(1.0, x, v) - at(0.0, x, v)).iter().sum::<f64>();
    assert!(truth(0.0) > 1.15 * truth(sd * sd), "the two differ");
    let (mut covered, mut sum) = (0.0, 0.0);
    for _ in 0..sims {
        let data = sample(Shape::Intercept, Family::Logit, [900, 90, 2], sd, &mut r);
        let fit = data.fit(&quadrature(9), &mut scratch).expect("a fit");
        let change = Change::Number { column: 1 };
        let effect = effect(&data, &fit, &change, &[None], &mut work);
        let off = effect.estimate - truth(sd * sd);
        covered += f64::from(u8::from(off.abs() < 1.96 * effect.std_error));
        sum += off;
    }
    let share = covered / f64::from(sims);
    assert!((0.92..=0.975).contains(&share), "{share}");
    assert!((sum / f64::from(sims)).abs() < 0.01, "{}", sum / f64::from(sims));
}
