//! Tests of generalised linear mixed models: derivatives, a plain twin, two routes, invariance,
//! hostile data, known truth.

mod derivatives;
mod hostile;
mod truth;
mod twin;

use super::{Curvature, Data, Fit, Integral, Nodes, Scratch, fit};
use crate::Failure;
use crate::glm::{self, Family};
use crate::lmm::mixed::{Factor, Structure};
use crate::random_tests::Random;

const FAMILIES: [Family; 4] = [Family::Logit, Family::Probit, Family::Cloglog, Family::Poisson];

/// Rows that own their columns.
#[derive(Clone, Debug)]
struct Sample {
    family: Family,
    x: Vec<f64>,
    y: Vec<f64>,
    weights: Option<Vec<f64>>,
    trials: Option<Vec<f64>>,
    offset: Option<Vec<f64>>,
    /// Keys and slopes.
    columns: Vec<Vec<f64>>,
    structure: Structure,
}

/// A coefficient with its error.
type Pair = [f64; 2];

impl Sample {
    fn with<T>(&self, use_data: impl FnOnce(&Data) -> T) -> T {
        let columns: Vec<&[f64]> = self.columns.iter().map(Vec::as_slice).collect();
        let rows = glm::Data {
            x: &self.x,
            y: &self.y,
            weights: self.weights.as_deref(),
            trials: self.trials.as_deref(),
            offset: self.offset.as_deref(),
            groups: &[],
        };
        use_data(&Data { rows, columns: &columns })
    }

    fn fit<'s>(&self, integral: &Integral, scratch: &'s mut Scratch) -> Result<Fit<'s>, Failure> {
        self.with(|data| fit(data, &self.structure, self.family, integral, scratch))
    }

    fn reason(&self, integral: &Integral) -> Failure {
        self.fit(integral, &mut Scratch::default()).map(|_| ()).expect_err("no fit")
    }

    /// Estimates and errors of all predictors, theta, and the log-likelihood (zero with weights).
    fn results(&self, integral: &Integral) -> (Vec<Pair>, Vec<f64>, f64) {
        let mut scratch = Scratch::default();
        let fit = self.fit(integral, &mut scratch).expect("a fit");
        let one = |j: usize| {
            let c = fit.coefficient(j, &mut Vec::new()).expect("a coefficient");
            [c.estimate, c.std_error]
        };
        let all = (0..self.x.len() / self.y.len()).map(one).collect();
        let log_likelihood = self.with(|data| fit.log_likelihood(data)).unwrap_or(0.0);
        (all, fit.theta(&self.structure), log_likelihood)
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

/// The structure of a shape: keys are columns 0 and 1, the slope is column 2, the covariate.
fn structure(shape: Shape) -> Structure {
    let block = |range: std::ops::Range<usize>| std::iter::once(range).collect::<Vec<_>>();
    let one = |key: usize| Factor { keys: vec![key], effects: vec![None], blocks: block(0..1) };
    let slope = Factor { effects: vec![None, Some(2)], ..one(0) };
    let factors = match shape {
        Shape::Intercept => vec![one(0)],
        Shape::Slope => vec![Factor { blocks: block(0..2), ..slope }],
        Shape::SlopeAlone => vec![Factor { blocks: vec![0..1, 1..2], ..slope }],
        Shape::Nested => vec![one(0), one(1)],
        Shape::Crossed => vec![one(1), one(0)],
    };
    Structure { factors }
}

/// `n` rows in `groups` groups with an intercept, a treatment of groups, and a covariate of
/// `values` values; the effects have standard deviation `sd`.
fn sample(
    shape: Shape,
    family: Family,
    [n, groups, values]: [usize; 3],
    sd: f64,
    r: &mut Random,
) -> Sample {
    let a: Vec<f64> = (0..n).map(|i| (i % groups) as f64).collect();
    let b: Vec<f64> = match shape {
        Shape::Nested => a.iter().map(|a| (a / 3.0).floor()).collect(),
        _ => (0..n).map(|_| r.below(6) as f64).collect(),
    };
    let z: Vec<f64> = a.iter().map(|a| f64::from(a % 2.0 == 0.0)).collect();
    let x: Vec<f64> = (0..n).map(|_| 1.0 + r.below(values) as f64 / values as f64).collect();
    let [own, slopes, others] = [1.0, 0.8, 0.9]
        .map(|s| (0..groups.max(6)).map(|_| s * sd * r.normal()).collect::<Vec<_>>());
    let y = (0..n)
        .map(|i| {
            let varies = match shape {
                Shape::Slope | Shape::SlopeAlone => slopes[a[i] as usize] * x[i],
                Shape::Nested | Shape::Crossed => others[b[i] as usize],
                Shape::Intercept => 0.0,
            };
            let eta = -0.9 + 0.6 * z[i] + 0.5 * x[i] + own[a[i] as usize] + varies;
            draw(family, eta, r)
        })
        .collect();
    let mut columns = vec![1.0; n];
    columns.extend(&z);
    columns.extend(&x);
    Sample {
        family,
        x: columns,
        y,
        weights: None,
        trials: None,
        offset: None,
        columns: vec![a, b, x],
        structure: structure(shape),
    }
}

/// An outcome.
fn draw(family: Family, eta: f64, r: &mut Random) -> f64 {
    let mu = family.mean(eta.clamp(-30.0, 5.0), 0.0).mu;
    if family != Family::Poisson {
        return f64::from(r.uniform() < mu);
    }
    let (mut count, mut left) = (0.0, r.uniform() - (-mu).exp());
    let mut share = (-mu).exp();
    while left > 0.0 && count < 1e3 {
        count += 1.0;
        share *= mu / count;
        left -= share;
    }
    count
}

fn laplace() -> Integral {
    Integral { nodes: Nodes::new(1).unwrap(), curvature: Curvature::Observed }
}

fn quadrature(n: usize) -> Integral {
    Integral { nodes: Nodes::new(n).unwrap(), curvature: Curvature::Expected }
}

#[track_caller]
fn close(what: &str, ours: f64, theirs: f64, tolerance: f64) {
    let scale = ours.abs().max(theirs.abs());
    let error = (ours - theirs).abs();
    assert!(error <= tolerance * scale, "{what}: {ours} is not {theirs}, off by {error:e}");
}
