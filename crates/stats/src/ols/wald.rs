//! The Wald test that several coefficients are zero: the F statistic of a fit.

use super::Fit;
use crate::linalg::vector::dot;
use crate::linalg::{cholesky, room};

/// A pivot of the scaled variance matrix up to this counts as zero.
const PIVOT_MIN: f64 = 1e-12;

/// An F statistic and its degrees of freedom.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wald {
    /// `b'V^-1 b / df1`.
    pub value: f64,
    /// Number of coefficients tested.
    pub df1: f64,
    /// `n - k`, or clusters minus one.
    pub df2: f64,
}

impl Fit<'_> {
    /// Tests that all coefficients except the intercept are zero.
    ///
    /// `F = b'V^-1 b / q` with the `q` kept coefficients `b` that are not the intercept, and their
    /// variance matrix `V`; with the classical variance this is the F test of the regression.
    /// df2 is `n - k`, or clusters minus one (for CR2 too, as in estimatr).
    /// None where there is nothing to test, where `V` is singular (no more clusters than
    /// coefficients), or where the fit was made for some coefficients only.
    pub fn f_statistic(&self, work: &mut Vec<f64>) -> Option<Wald> {
        let intercept = self.intercept.filter(|j| self.kept[*j]);
        self.wald(|j| Some(j) != intercept, work)
    }

    /// Tests that the kept coefficients that are `tested` are zero, as [`Self::f_statistic`].
    pub fn wald(&self, tested: impl Fn(usize) -> bool, work: &mut Vec<f64>) -> Option<Wald> {
        let rank = self.rank;
        if self.vcov.len() != rank * rank {
            return None;
        }
        // Places among the kept coefficients, and among all.
        let kept = || (0..self.kept.len()).filter(|j| self.kept[*j]).enumerate();
        let chosen = || kept().filter(|(_, j)| tested(*j));
        let q = chosen().count();
        if q == 0 {
            return None;
        }
        let work = room(work, q * q + 2 * q);
        let (l, rest) = work.split_at_mut(q * q);
        let (b, scale) = rest.split_at_mut(q);
        for (a, (i, j)) in chosen().enumerate() {
            scale[a] = self.std_error[j];
            b[a] = self.beta[j] / scale[a];
            for (c, (h, _)) in chosen().enumerate().take(a + 1) {
                l[a * q + c] = self.vcov[i * rank + h] / (scale[a] * scale[c]);
            }
        }
        let value = inverse_form(l, q, b)? / q as f64;
        let df2 =
            if self.n_clusters > 0 { self.n_clusters as f64 - 1.0 } else { self.df_residual() };
        value.is_finite().then_some(Wald { value, df1: q as f64, df2 })
    }
}

/// `b'A^-1 b` by the Cholesky factor; none where `A` is singular. `a` and `b` are overwritten.
///
/// Shapes: `a`: n x n, symmetric, its diagonal of the order of 1; `b`: n.
pub fn inverse_form(a: &mut [f64], n: usize, b: &mut [f64]) -> Option<f64> {
    if !cholesky::factor(a, n, PIVOT_MIN) {
        return None;
    }
    cholesky::solve_lower(a, n, b);
    Some(dot(b, b))
}
