//! Tests of mixed models in general: a dense twin, invariance, the other route, hostile data.

mod hostile;
mod parts;
mod profile;
mod twin;

use super::{Data, Df, Factor, Fit, Scratch, Structure, fit};
use crate::Failure;
use crate::lmm::Method;
use crate::random_tests::Random;

/// Rows that own their columns.
#[derive(Clone, Debug)]
struct Sample {
    x: Vec<f64>,
    y: Vec<f64>,
    weights: Option<Vec<f64>>,
    /// Keys and slopes.
    columns: Vec<Vec<f64>>,
    structure: Structure,
}

impl Sample {
    fn with<T>(&self, use_data: impl FnOnce(&Data) -> T) -> T {
        let columns: Vec<&[f64]> = self.columns.iter().map(Vec::as_slice).collect();
        let weights = self.weights.as_deref();
        use_data(&Data { x: &self.x, y: &self.y, weights, offset: None, columns: &columns })
    }

    fn fit<'s>(&self, method: Method, scratch: &'s mut Scratch) -> Result<Fit<'s>, Failure> {
        self.with(|data| fit(data, &self.structure, method, scratch))
    }

    /// Estimates, errors and degrees of freedom of all predictors.
    fn coefficients(&self, method: Method, df: Df) -> Vec<[f64; 3]> {
        let mut scratch = Scratch::default();
        let mut fit = self.fit(method, &mut scratch).expect("a fit");
        self.with(|data| fit.prepare(df, data, &self.structure)).expect("degrees of freedom");
        let p = self.x.len() / self.y.len();
        let one = |j: usize| {
            let c = fit.coefficient(j, df, &mut Vec::new()).expect("a coefficient");
            [c.estimate, c.std_error, c.df]
        };
        (0..p).map(one).collect()
    }
}

/// What varies between groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Intercept,
    Slope,
    SlopeAlone,
    Nested,
    Crossed,
}

const SHAPES: [Shape; 5] =
    [Shape::Intercept, Shape::Slope, Shape::SlopeAlone, Shape::Nested, Shape::Crossed];

/// Rows with an intercept, a treatment, a covariate; keys are columns 0 and 1, the slope is column
/// 2, the covariate.
fn sample(shape: Shape, n: usize, r: &mut Random) -> Sample {
    let groups = 8;
    let a: Vec<f64> = (0..n).map(|i| ((i * 7) % groups) as f64).collect();
    let b: Vec<f64> = match shape {
        Shape::Nested => a.iter().map(|a| (a / 3.0).floor()).collect(),
        _ => (0..n).map(|_| r.below(6) as f64).collect(),
    };
    let z: Vec<f64> = (0..n).map(|i| f64::from((i / 3) % 2 == 0)).collect();
    let x: Vec<f64> = (0..n).map(|_| 2.0 + r.normal()).collect();
    let own: Vec<f64> = (0..groups).map(|_| r.normal()).collect();
    let slopes: Vec<f64> = (0..groups).map(|_| 0.6 * r.normal()).collect();
    let others: Vec<f64> = (0..groups).map(|_| 0.8 * r.normal()).collect();
    let y = (0..n)
        .map(|i| {
            let varies = match shape {
                Shape::Slope | Shape::SlopeAlone => slopes[a[i] as usize] * x[i],
                Shape::Nested | Shape::Crossed => others[b[i] as usize],
                Shape::Intercept => 0.0,
            };
            1.0 + 0.5 * z[i] + 0.3 * x[i] + own[a[i] as usize] + varies + r.normal()
        })
        .collect();
    let one = |key: usize| Factor { keys: vec![key], effects: vec![None], blocks: block(0..1) };
    let slope = Factor { effects: vec![None, Some(2)], ..one(0) };
    let factors = match shape {
        Shape::Intercept => vec![one(0)],
        Shape::Slope => vec![Factor { blocks: block(0..2), ..slope }],
        Shape::SlopeAlone => vec![Factor { blocks: vec![0..1, 1..2], ..slope }],
        Shape::Nested => vec![one(0), one(1)],
        Shape::Crossed => vec![one(1), one(0)],
    };
    let mut columns = vec![1.0; n];
    columns.extend(&z);
    columns.extend(&x);
    let structure = Structure { factors };
    Sample { x: columns, y, weights: None, columns: vec![a, b, x], structure }
}

/// One run of correlated effects.
fn block(range: std::ops::Range<usize>) -> Vec<std::ops::Range<usize>> {
    std::iter::once(range).collect()
}

#[track_caller]
fn close(what: &str, ours: f64, theirs: f64, tolerance: f64) {
    let scale = ours.abs().max(theirs.abs());
    let error = (ours - theirs).abs();
    assert!(error <= tolerance * scale, "{what}: {ours} is not {theirs}, off by {error:e}");
}
