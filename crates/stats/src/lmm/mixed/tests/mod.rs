//! Tests of mixed models in general: a dense twin, invariance, the other route, hostile data.

mod coding;
mod correlated;
mod hostile;
mod modes;
mod parts;
mod profile;
mod twin;

use super::{Data, Df, Factor, Fit, Scratch, Structure, fit};
use crate::Failure;
use crate::lmm::Method;
use crate::testing::shapes::{SHAPES, Shape};
use crate::testing::{Random, close};

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

/// Rows with an intercept, a treatment, a covariate; keys are columns 0 and 1, the slope is column
/// 2, the covariate.
fn sample(shape: Shape, n: usize, r: &mut Random) -> Sample {
    let groups = 8;
    let a: Vec<f64> = (0..n).map(|i| ((i * 7) % groups) as f64).collect();
    let b = shape.second_keys(&a, r);
    let z: Vec<f64> = (0..n).map(|i| f64::from((i / 3) % 2 == 0)).collect();
    let x: Vec<f64> = (0..n).map(|_| 2.0 + r.normal()).collect();
    let own: Vec<f64> = (0..groups).map(|_| r.normal()).collect();
    let slopes: Vec<f64> = (0..groups).map(|_| 0.6 * r.normal()).collect();
    let others: Vec<f64> = (0..groups).map(|_| 0.8 * r.normal()).collect();
    let y = (0..n)
        .map(|i| {
            let varies = shape.varies(slopes[a[i] as usize], x[i], others[b[i] as usize]);
            1.0 + 0.5 * z[i] + 0.3 * x[i] + own[a[i] as usize] + varies + r.normal()
        })
        .collect();
    let mut columns = vec![1.0; n];
    columns.extend(&z);
    columns.extend(&x);
    let structure = shape.structure();
    Sample { x: columns, y, weights: None, columns: vec![a, b, x], structure }
}
