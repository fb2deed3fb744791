//! Tests of generalised linear mixed models: derivatives, a plain twin, two routes, invariance,
//! hostile data, known truth.

mod derivatives;
mod effect;
mod hostile;
mod modes;
mod truth;
mod twin;

use super::{Curvature, Data, Fit, Integral, Nodes, Scratch, fit};
use crate::Failure;
use crate::glm::{self, Family};
use crate::lmm::mixed::Structure;
use crate::testing::shapes::{SHAPES, Shape};
use crate::testing::{Random, close};

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
    let b = shape.second_keys(&a, r);
    let z: Vec<f64> = a.iter().map(|a| f64::from(a % 2.0 == 0.0)).collect();
    let x: Vec<f64> = (0..n).map(|_| 1.0 + r.below(values) as f64 / values as f64).collect();
    let [own, slopes, others] = [1.0, 0.8, 0.9]
        .map(|s| (0..groups.max(6)).map(|_| s * sd * r.normal()).collect::<Vec<_>>());
    let y = (0..n)
        .map(|i| {
            let varies = shape.varies(slopes[a[i] as usize], x[i], others[b[i] as usize]);
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
        structure: shape.structure(),
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
