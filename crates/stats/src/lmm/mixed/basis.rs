//! The coordinates of the fixed effects: orthonormal predictors, and an outcome freed of them.

use super::Data;
use crate::Failure;
use crate::linalg::orthonormal::Orthonormal;
use crate::linalg::room;
use crate::linalg::vector::{dot, subtract};

/// A column is dropped where its part outside the columns before it is below this share of its
/// norm: the tolerance of `lmer`.
const RANK_TOLERANCE: f64 = 1e-7;

/// `sqrt(W) X = Q R` with orthonormal `Q`, and what ordinary least squares leaves of the outcome.
///
/// In these coordinates neither the scale nor the mean of a predictor or of the outcome costs
/// digits.
#[derive(Debug, Default)]
pub(crate) struct Basis {
    /// The weighted predictors and `Q`.
    pub x: Orthonormal,
    /// Weighted residuals of least squares.
    pub e: Vec<f64>,
    /// Coefficients of least squares, in the columns of `Q`.
    pub ols: Vec<f64>,
    /// Mean of the positive weights: their unit within the fit.
    pub unit: f64,
    /// Square roots of the weights, in that unit.
    pub root: Vec<f64>,
    /// Rows of positive weight.
    pub n_obs: f64,
    /// Sum of the logarithms of the weights.
    pub log_weights: f64,
    /// Sum of squares of the weighted outcome.
    pub total: f64,
}

impl Basis {
    /// No predictors, and rows that count where `counts` is not zero: what an index needs. The
    /// groups of a factor may have up to `effects_max` effects together.
    pub fn stand_for(&mut self, counts: &[f64], effects_max: f64) {
        self.x.begin(counts.len(), 0);
        room(&mut self.root, counts.len()).copy_from_slice(counts);
        self.n_obs = effects_max + 1.0;
    }

    /// Reads predictors, outcome and weights.
    ///
    /// # Errors
    /// `BadWeights`, `NotFinite`.
    pub fn read(&mut self, data: &Data) -> Result<(), Failure> {
        self.read_weights(data)?;
        let m = data.y.len();
        let p = data.x.len() / m;
        self.x.begin(m, p);
        for x in data.x.chunks_exact(m) {
            weigh(x, &self.root, self.x.place());
            self.x.take(RANK_TOLERANCE).ok_or(Failure::NotFinite)?;
        }
        self.free_outcome(data)
    }

    fn read_weights(&mut self, data: &Data) -> Result<(), Failure> {
        let m = data.y.len();
        let root = room(&mut self.root, m);
        root.fill(1.0);
        (self.n_obs, self.log_weights, self.unit) = (m as f64, 0.0, 1.0);
        let Some(weights) = data.weights else { return Ok(()) };
        assert_eq!(weights.len(), m, "one weight a row");
        if weights.iter().any(|w| !w.is_finite()) {
            return Err(Failure::NotFinite);
        }
        if weights.iter().any(|w| *w < 0.0) {
            return Err(Failure::BadWeights);
        }
        self.n_obs = weights.iter().filter(|w| **w > 0.0).count() as f64;
        self.unit = weights.iter().map(|w| w / self.n_obs.max(1.0)).sum();
        for (root, w) in root.iter_mut().zip(weights) {
            let w = w / self.unit;
            *root = if w > 0.0 { w.sqrt() } else { 0.0 };
            if w > 0.0 {
                self.log_weights += libm::log(w);
            }
        }
        if self.n_obs == 0.0 { Err(Failure::BadWeights) } else { Ok(()) }
    }

    /// Takes the fit of least squares out of the outcome.
    fn free_outcome(&mut self, data: &Data) -> Result<(), Failure> {
        let (m, k) = (data.y.len(), self.x.columns.len());
        let e = room(&mut self.e, m);
        weigh(data.y, &self.root, e);
        if let Some(offset) = data.offset {
            for ((e, o), root) in e.iter_mut().zip(offset).zip(&self.root) {
                *e -= o * root;
            }
        }
        self.total = dot(e, e);
        if !self.total.is_finite() {
            return Err(Failure::NotFinite);
        }
        let ols = room(&mut self.ols, k);
        ols.fill(0.0);
        // Twice: the second pass takes out what rounding left.
        for _ in 0..2 {
            for (c, q) in ols.iter_mut().zip(self.x.q.chunks_exact(m)) {
                let inner = dot(q, e);
                subtract(inner, q, e);
                *c += inner;
            }
        }
        Ok(())
    }

    /// Solves `R'h = unit vector of predictor j`; `j` was kept.
    pub fn row(&self, j: usize, h: &mut [f64]) {
        self.x.lower(|column| f64::from(u8::from(column == j)), h);
    }
}

/// `out = x * root`, and zero where the weight is, whatever stands there.
fn weigh(x: &[f64], root: &[f64], out: &mut [f64]) {
    for ((o, x), root) in out.iter_mut().zip(x).zip(root) {
        *o = if *root == 0.0 { 0.0 } else { x * root };
    }
}
