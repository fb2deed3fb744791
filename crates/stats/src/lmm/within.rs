//! The fit within groups: where the criterion goes as the groups' variance grows.

use super::basis::{Basis, is_lossy};
use super::kernels::{at, at_any, factor_dropping, grown, triangle};
use super::sums::Sums;

/// A sum of squares that is this share of what it was computed from is rounding error.
const CANCELLED: f64 = 1e-13;
/// A sum of squares that is this share of its column's own is rounding error.
pub(super) const ROUNDING: f64 = 1e-28;

/// Least squares on deviations from group means.
#[derive(Debug, Default)]
pub(super) struct Within {
    /// No predictor varies within groups.
    pub is_constant: bool,
    /// Number of independent predictors within groups.
    pub rank: usize,
    /// Residual sum of squares.
    pub r2: f64,
    /// What the fit leaves of the outcome's sum of squares between groups.
    pub between: f64,
    /// Coefficients, zero where a predictor is dependent within groups.
    pub beta: Vec<f64>,
    /// Sum of squares of the outcome within groups.
    outcome: f64,
    factor: Vec<f64>,
    kept: Vec<bool>,
}

impl Within {
    /// Fits.
    pub fn fit(&mut self, sums: &Sums, basis: &Basis) {
        let (q, p) = (sums.q, sums.q - 1);
        let (tri, y) = (triangle(q), triangle(p));
        let within = &sums.within[..tri];
        let beta = grown(&mut self.beta, p);
        self.outcome = within[tri - 1];
        self.is_constant = within[..tri - 1].iter().all(|&v| v == 0.0);
        if self.is_constant {
            beta.fill(0.0);
            self.rank = 0;
            self.r2 = self.outcome;
            self.between = sums.total[tri - 1] - self.outcome;
            return;
        }
        let a = grown(&mut self.factor, tri);
        let kept = grown(&mut self.kept, p);
        a.copy_from_slice(within);
        factor_dropping(a, q, kept, |j| {
            (CANCELLED * within[at(j, j)]).max(ROUNDING * basis.raw[j])
        });
        for i in (0..p).rev() {
            let later: f64 = (i + 1..p).map(|k| a[at(k, i)] * beta[k]).sum();
            beta[i] = if kept[i] { a[y + i] - later } else { 0.0 };
        }
        self.rank = kept.iter().filter(|&&k| k).count();
        self.r2 = a[y + p];
        // (y - X b)' T (y - X b) over the total T, less its part within groups.
        let total = &sums.total;
        let mut left = total[y + p];
        for i in 0..p {
            let tb: f64 = (0..p).map(|j| total[at_any(i, j)] * beta[j]).sum();
            left += beta[i] * (tb - 2.0 * total[y + i]);
        }
        self.between = (left - self.r2).max(0.0);
    }

    /// Whether the predictors explain so much within groups that cross-products do not resolve
    /// the rest.
    pub fn is_lossy(&self) -> bool {
        self.rank > 0 && is_lossy(self.r2, self.outcome)
    }

    /// Whether what is left of the outcome within groups is rounding error.
    pub fn is_exact(&self, basis: &Basis) -> bool {
        let zero = ROUNDING * basis.raw[basis.columns.len()];
        let cancelled = if self.rank > 0 { CANCELLED * self.outcome } else { 0.0 };
        self.r2.is_nan() || self.r2 <= zero.max(cancelled)
    }
}
