//! Profiles and tests of random effects against fits of the models that they stand for.

use super::*;
use crate::lmm::mixed::Profiled;
use crate::testing::shapes::intercept;

/// The lowest deviance where the coefficient of predictor `j` is `value`: a fit without it, and
/// with its part of the mean as an offset.
fn deviance(sample: &Sample, j: usize, value: f64) -> f64 {
    let n = sample.y.len();
    let offset: Vec<f64> = sample.x[j * n..(j + 1) * n].iter().map(|x| x * value).collect();
    let mut x = sample.x.clone();
    x.drain(j * n..(j + 1) * n);
    let without = Sample { x, ..sample.clone() };
    without.with(|data| {
        let data = Data { offset: Some(&offset), ..*data };
        let mut scratch = Scratch::default();
        fit(&data, &sample.structure, Method::Ml, &mut scratch).expect("a fit").criterion()
    })
}

#[test]
fn limits_are_where_the_deviance_says() {
    let mut r = Random(41);
    for shape in SHAPES {
        for weighted in [false, true] {
            let mut sample = sample(shape, 70, &mut r);
            if weighted {
                sample.weights = Some((0..70).map(|_| 0.5 + r.uniform()).collect());
            }
            let mut scratch = Scratch::default();
            let least = sample.fit(Method::Ml, &mut scratch).expect("a fit").criterion();
            let mut fit = sample.fit(Method::Reml, &mut scratch).expect("a fit");
            fit.prepare_profiles().expect("a maximum");
            for j in 0..3 {
                let what = format!("{shape:?} {weighted} {j}");
                let Profiled { low, high, root } = fit.profile(j, 1.7).expect("limits");
                for limit in [low, high] {
                    close(&what, deviance(&sample, j, limit) - least, 1.7 * 1.7, 1e-8);
                }
                let at_zero = deviance(&sample, j, 0.0) - least;
                assert!((root * root - at_zero).abs() < 1e-9, "{what}: {root} {at_zero}");
                assert_eq!(root > 1.7, low > 0.0, "{what}");
                assert_eq!(root < -1.7, high < 0.0, "{what}");
            }
        }
    }
}

/// A random slope with and without its correlation, and one of two crossed factors.
#[test]
fn effects_are_tested_by_the_model_without_them() {
    let mut r = Random(42);
    let cases = [
        (Shape::Slope, 0, 1, 2, vec![intercept(0)]),
        (Shape::SlopeAlone, 0, 1, 1, vec![intercept(0)]),
        (Shape::Crossed, 0, 0, 1, vec![intercept(0)]),
        (Shape::Crossed, 1, 0, 1, vec![intercept(1)]),
        (Shape::Nested, 0, 0, 1, vec![intercept(1)]),
    ];
    for (shape, factor, effect, n, factors) in cases {
        for method in [Method::Reml, Method::Ml] {
            let sample = sample(shape, 120, &mut r);
            let mut scratch = Scratch::default();
            let mut fit = sample.fit(method, &mut scratch).expect("a fit");
            let value = fit.criterion();
            let (statistic, lost) = fit.effect_test(factor, effect).expect("a test");
            let structure = Structure { factors: factors.clone() };
            let without = Sample { structure, ..sample.clone() };
            let mut scratch = Scratch::default();
            let theirs = without.fit(method, &mut scratch).expect("a fit").criterion() - value;
            assert_eq!(lost, n, "{shape:?}");
            assert!((statistic - theirs).abs() < 1e-7, "{shape:?} {statistic} {theirs}");
        }
    }
}
