//! Variances of the coefficients of `Q`: the model's own, robust, and robust to clusters.

use super::newton::{PIVOT_MIN, Search};
use super::rows::Cells;
use super::{Data, Failure, Family, Variance};
use crate::linalg::{cholesky, room};

/// An observation whose leverage leaves less than this of one determines its own fit.
const LEVERAGE_GAP_MIN: f64 = 1e-12;

/// Work space; `matrix` is the variance.
#[derive(Clone, Debug, Default)]
pub(super) struct Covariance {
    /// Variance of the coefficients of `Q`, `rank x rank`.
    pub matrix: Vec<f64>,
    /// Clusters with observations; zero where the variance is not clustered.
    pub n_clusters: usize,
    /// Factor of the variance that the family leaves open; one where it leaves none.
    pub dispersion: f64,
    /// Inverse of the expected information, `rank x rank`.
    pub bread: Vec<f64>,
    meat: Vec<f64>,
    score: Vec<f64>,
}

/// What is needed of the fit.
pub(super) struct At<'a> {
    pub data: &'a Data<'a>,
    pub cells: &'a Cells,
    pub search: &'a Search,
    pub family: Family,
    pub alpha: f64,
}

impl At<'_> {
    /// Degrees of freedom that the coefficients leave.
    fn residual_df(&self) -> f64 {
        self.cells.n_obs - self.cells.rank as f64
    }

    /// Element `j` of the cell's row of `Q`.
    #[inline(always)]
    fn q(&self, c: usize, j: usize) -> f64 {
        self.cells.basis.q[j * self.cells.m + c]
    }
}

impl Covariance {
    /// Computes the variance.
    ///
    /// # Errors
    /// `NotConverged` where the expected information is singular; `TooFewClusters`;
    /// `NoResidualDf` where a factor needs one; `NotFinite` where outcomes are so many times their
    /// means that the dispersion is beyond all numbers.
    pub fn fit(&mut self, at: &At, variance: Variance) -> Result<(), Failure> {
        let k = at.cells.rank;
        self.n_clusters = 0;
        self.bread(at)?;
        let needs_df =
            at.family.has_dispersion() || matches!(variance, Variance::Hc1 | Variance::Cr1s);
        if needs_df && at.residual_df() < 1.0 {
            return Err(Failure::NoResidualDf);
        }
        self.dispersion = if at.family.has_dispersion() { dispersion(at) } else { 1.0 };
        if !self.dispersion.is_finite() {
            return Err(Failure::NotFinite);
        }
        room(&mut self.meat, k * k).fill(0.0);
        match variance {
            Variance::Classical => {
                let (matrix, bread) = (room(&mut self.matrix, k * k), &self.bread[..k * k]);
                let scaled = matrix.iter_mut().zip(bread);
                scaled.for_each(|(v, b)| *v = self.dispersion * b);
                return Ok(());
            }
            Variance::Hc0 | Variance::Hc1 | Variance::Hc2 | Variance::Hc3 => {
                self.robust(at, variance);
            }
            Variance::Cr0 | Variance::Cr1 | Variance::Cr1s => self.clustered(at, variance)?,
        }
        self.sandwich(k);
        Ok(())
    }

    /// Inverse of the expected information.
    fn bread(&mut self, at: &At) -> Result<(), Failure> {
        let k = at.cells.rank;
        let (bread, factor) = (room(&mut self.bread, k * k), room(&mut self.meat, k * k));
        factor.fill(0.0);
        for c in 0..at.cells.m {
            let w = at.cells.total(c) * at.family.mean(at.search.eta[c], at.alpha).fisher;
            for i in 0..k {
                for j in 0..=i {
                    factor[i * k + j] += w * at.q(c, i) * at.q(c, j);
                }
            }
        }
        if !cholesky::factor(factor, k, PIVOT_MIN) {
            return Err(Failure::NotConverged);
        }
        cholesky::invert(factor, k, bread);
        Ok(())
    }

    /// Fills the meat of the observations' own scores.
    fn robust(&mut self, at: &At, variance: Variance) {
        let (cells, k) = (at.cells, at.cells.rank);
        let factor = match variance {
            Variance::Hc1 => cells.n_obs / at.residual_df(),
            _ => 1.0,
        };
        for c in 0..cells.m {
            let mean = at.family.mean(at.search.eta[c], at.alpha);
            let d = cells.y[c] - mean.mu;
            let gain = cells.w[c] * mean.gain;
            let mut square = factor * gain * gain * (cells.within[c] + cells.n[c] * d * d);
            if matches!(variance, Variance::Hc2 | Variance::Hc3) {
                let mut h = 0.0;
                for i in 0..k {
                    let row = &self.bread[i * k..(i + 1) * k];
                    let inner: f64 = row.iter().enumerate().map(|(j, b)| b * at.q(c, j)).sum();
                    h += inner * at.q(c, i);
                }
                let gap = 1.0 - cells.w[c] * mean.fisher * h;
                let divisor = if variance == Variance::Hc2 { gap } else { gap * gap };
                square = if gap <= LEVERAGE_GAP_MIN { 0.0 } else { square / divisor };
            }
            for i in 0..k {
                for j in 0..k {
                    self.meat[i * k + j] += square * at.q(c, i) * at.q(c, j);
                }
            }
        }
    }

    /// Fills the meat of the clusters' scores.
    fn clustered(&mut self, at: &At, variance: Variance) -> Result<(), Failure> {
        let (cells, k) = (at.cells, at.cells.rank);
        let (gain, mu) = (room(&mut self.score, 2 * cells.m + k), cells.m);
        let (gain, rest) = gain.split_at_mut(mu);
        let (mu, score) = rest.split_at_mut(mu);
        for c in 0..cells.m {
            let mean = at.family.mean(at.search.eta[c], at.alpha);
            gain[c] = cells.w[c] * mean.gain;
            mu[c] = mean.mu;
        }
        for ends in at.data.groups.windows(2) {
            score.fill(0.0);
            let mut is_empty = true;
            for i in ends[0] as usize..ends[1] as usize {
                let Some(c) = cells.cell_of(i) else { continue };
                let y = at.data.trials.map_or(at.data.y[i], |t| at.data.y[i] / t[i]);
                let pull = gain[c] * (y - mu[c]);
                for (j, s) in score.iter_mut().enumerate() {
                    *s += pull * at.q(c, j);
                }
                is_empty = false;
            }
            if is_empty {
                continue;
            }
            self.n_clusters += 1;
            for i in 0..k {
                for j in 0..k {
                    self.meat[i * k + j] += score[i] * score[j];
                }
            }
        }
        if self.n_clusters < 2 {
            return Err(Failure::TooFewClusters);
        }
        let (g, n) = (self.n_clusters as f64, cells.n_obs);
        let factor = match variance {
            Variance::Cr1 => g / (g - 1.0),
            Variance::Cr1s => g / (g - 1.0) * ((n - 1.0) / at.residual_df()),
            _ => 1.0,
        };
        self.meat[..k * k].iter_mut().for_each(|v| *v *= factor);
        Ok(())
    }

    /// Bread, meat, bread.
    fn sandwich(&mut self, k: usize) {
        let (bread, meat) = (&self.bread[..k * k], &self.meat[..k * k]);
        let half = room(&mut self.score, k * k);
        multiply(bread, meat, k, half);
        multiply(half, bread, k, room(&mut self.matrix, k * k));
    }
}

/// Pearson's estimate of the dispersion of the Gamma families.
fn dispersion(at: &At) -> f64 {
    let cells = at.cells;
    let square = |c: usize| {
        let mu = at.family.mean(at.search.eta[c], at.alpha).mu;
        let d = cells.y[c] - mu;
        cells.w[c] * (cells.within[c] + cells.n[c] * d * d) / (mu * mu)
    };
    (0..cells.m).map(square).sum::<f64>() / at.residual_df()
}

/// `out = A B` for symmetric or full `k x k` matrices by rows.
fn multiply(a: &[f64], b: &[f64], k: usize, out: &mut [f64]) {
    for i in 0..k {
        for j in 0..k {
            out[i * k + j] = (0..k).map(|l| a[i * k + l] * b[l * k + j]).sum();
        }
    }
}
