//! Tests of generalised linear models: a slow twin, invariance, separation, hostile data.

mod hostile;
mod twin;

use super::{Coefficient, Data, Family, Fit, Scratch, Variance, fit};
use crate::Failure;
use crate::testing::{Random, close};

/// Rows that own their columns: an intercept, a treatment, and a covariate or none.
#[derive(Clone, Debug)]
struct Sample {
    x: Vec<f64>,
    y: Vec<f64>,
    weights: Option<Vec<f64>>,
    offset: Option<Vec<f64>>,
    groups: Vec<u32>,
}

impl Sample {
    fn data(&self) -> Data<'_> {
        Data {
            x: &self.x,
            y: &self.y,
            weights: self.weights.as_deref(),
            trials: None,
            offset: self.offset.as_deref(),
            groups: &self.groups,
        }
    }

    fn fit<'s>(
        &self,
        family: Family,
        variance: Variance,
        scratch: &'s mut Scratch,
    ) -> Result<Fit<'s>, Failure> {
        fit(&self.data(), family, variance, scratch)
    }

    fn coefficients(&self, family: Family, variance: Variance) -> Vec<Coefficient> {
        let mut scratch = Scratch::default();
        let fit = self.fit(family, variance, &mut scratch).expect("a fit");
        let p = self.x.len() / self.y.len();
        (0..p).map(|j| fit.coefficient(j, &mut Vec::new()).expect("a coefficient")).collect()
    }
}

/// Outcomes of a family around predictors of moderate size; clusters of ten.
fn sample(family: Family, n: usize, covariate: bool, r: &mut Random) -> Sample {
    let z: Vec<f64> = (0..n).map(|_| f64::from(r.uniform() < 0.5)).collect();
    let x: Vec<f64> = (0..n).map(|_| r.normal()).collect();
    let outcome = |i: usize, r: &mut Random| {
        let eta = 0.3 + 0.4 * z[i] + 0.3 * x[i] * f64::from(covariate);
        let mean = eta.exp();
        let share = mean / (1.0 + mean);
        match family {
            Family::Poisson | Family::NegativeBinomial => {
                let rate = mean * if r.uniform() < 0.5 { 0.4 } else { 1.6 };
                (0..40).filter(|_| r.uniform() < rate / 40.0).count() as f64
            }
            Family::GammaLog | Family::GammaInverse => -mean * (1.0 - r.uniform()).ln() + 0.1,
            _ => f64::from(r.uniform() < share),
        }
    };
    let y = (0..n).map(|i| outcome(i, r)).collect();
    let mut columns = vec![1.0; n];
    columns.extend(&z);
    if covariate {
        columns.extend(&x);
    }
    let groups = (0..=n).filter(|i| i % 10 == 0 || *i == n).map(|i| i as u32).collect();
    Sample { x: columns, y, weights: None, offset: None, groups }
}
