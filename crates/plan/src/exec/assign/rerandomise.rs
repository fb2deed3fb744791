//! Rerandomisation: an assignment is drawn again until the covariates are balanced.
//!
//! The distance is `M = sum over arms of n_k (x_k - x)' S^-1 (x_k - x)`, with `x_k` the means of
//! the covariates in an arm, `x` those of all units and `S` their covariance (divisor n - 1): for
//! two arms the Mahalanobis distance of Morgan and Rubin. In blocks, covariates are centred within
//! them, and `S` is the mean of the blocks' covariances, weighted by size. Over all assignments M
//! is about chi-squared with `covariates * (arms - 1)` degrees of freedom.
//!
//! # References
//! Morgan and Rubin (2012), Annals of Statistics 40:1263, equation 1.

use trialrun_lang::Span;
use trialrun_stats::linalg::gram_schmidt::orthonormalise;

use super::Scratch;
use crate::exec::words::{plural, shown};
use crate::exec::workspace::grow;
use crate::exec::{Stop, Workspace};
use crate::ids::ColumnId;

/// Which assignments are accepted.
#[derive(Clone, Debug)]
pub struct Rerandomise {
    /// The covariates, with values in the rows of the units.
    pub covariates: Vec<ColumnId>,
    /// Their names.
    pub names: Vec<String>,
    /// The largest distance that is accepted, by the number of covariates that are not
    /// combinations of others.
    pub thresholds: Vec<f64>,
    /// How many assignments are drawn before the simulation gives up.
    pub tries: u32,
    /// Draws from which probabilities are estimated.
    pub draws: u32,
    /// Where it stands.
    pub span: Span,
}

/// A covariate whose sum of squares around its mean is no larger a share of that around zero does
/// not vary: what is left is rounding.
pub(crate) const ROUNDING: f64 = 1e-26;

/// Covariates turned so that they are uncorrelated with variance 1, a row a unit.
#[derive(Debug, Default)]
pub(super) struct Whitened {
    columns: Vec<f64>,
    rows: Vec<f64>,
    rank: usize,
    coefficients: Vec<f64>,
    sums: Vec<f64>,
    counts: Vec<f64>,
    threshold: f64,
    /// The smallest distance of a draw that was not accepted.
    least: f64,
}

impl Rerandomise {
    /// Turns the covariates of the seated units.
    pub(super) fn prepare(
        &self,
        ws: &Workspace,
        s: &mut Scratch,
        n_arms: usize,
    ) -> Result<(), Stop> {
        let mut w = std::mem::take(&mut s.whitened);
        let (n, d) = (s.urn.len(), self.covariates.len());
        grow(&mut w.columns, n * d);
        grow(&mut w.coefficients, d);
        for (c, covariate) in self.covariates.iter().enumerate() {
            let values = ws.column(*covariate);
            let column = &mut w.columns[c * n..][..n];
            for b in 0..s.n_blocks() {
                let block = &s.urn[s.block(b)];
                let sum: f64 = block.iter().map(|u| values[s.row(*u)]).sum();
                let mean = sum / block.len() as f64;
                let root = weight(block.len());
                for &unit in block {
                    column[unit as usize] = root * (values[s.row(unit)] - mean);
                }
            }
            let size = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>();
            let (spread, raw) =
                (size(column), s.urn.iter().map(|u| values[s.row(*u)].powi(2)).sum::<f64>());
            if !spread.is_finite() {
                s.whitened = w;
                return Err(self.missing(c));
            }
            if spread <= ROUNDING * raw {
                column.fill(0.0);
            }
        }
        w.rank = orthonormalise(&mut w.columns, n, &mut w.coefficients);
        grow(&mut w.rows, n * w.rank);
        for b in 0..s.n_blocks() {
            let block = &s.urn[s.block(b)];
            let factor = (n as f64).sqrt() / weight(block.len());
            for &unit in block {
                for c in 0..w.rank {
                    w.rows[unit as usize * w.rank + c] = factor * w.columns[c * n + unit as usize];
                }
            }
        }
        grow(&mut w.sums, n_arms * w.rank);
        grow(&mut w.counts, n_arms);
        w.threshold = self.thresholds[w.rank];
        w.least = f64::INFINITY;
        s.whitened = w;
        Ok(())
    }

    /// Whether a draw is balanced well enough.
    pub(super) fn accepts(&self, w: &mut Whitened, arms: &[u32], n_arms: usize) -> bool {
        let rank = w.rank;
        if rank == 0 {
            return true;
        }
        w.sums.fill(0.0);
        w.counts.fill(0.0);
        for (arm, row) in arms.iter().zip(w.rows.chunks_exact(rank)) {
            let arm = *arm as usize;
            w.counts[arm] += 1.0;
            w.sums[arm * rank..][..rank].iter_mut().zip(row).for_each(|(s, x)| *s += x);
        }
        let square = |k: usize| w.sums[k * rank..][..rank].iter().map(|s| s * s).sum::<f64>();
        let given = (0..n_arms).filter(|k| w.counts[*k] > 0.0);
        let distance: f64 = given.map(|k| square(k) / w.counts[k]).sum();
        w.least = w.least.min(distance);
        distance <= w.threshold
    }

    fn missing(&self, covariate: usize) -> Stop {
        let message = format!("`{}` has missing values", self.names[covariate]);
        Stop::at(self.span, message, "covariates must be known for all units")
    }

    /// The message after the last try.
    pub(super) fn refused_all(&self, w: &Whitened) -> Stop {
        let tries = plural(f64::from(self.tries), "assignment");
        let message = format!("none of {tries} was balanced enough");
        let label = format!(
            "accepted are distances up to {}; the smallest was {}",
            shown(w.threshold),
            shown(w.least)
        );
        Stop::at(self.span, message, label)
            .hint("accept more assignments, allow more `tries`, or balance on fewer covariates")
    }
}

/// The square root of the weight with which a unit of a block enters the covariance.
fn weight(n: usize) -> f64 {
    let n = n as f64;
    if n > 1.0 { (n / (n - 1.0)).sqrt() } else { 1.0 }
}
