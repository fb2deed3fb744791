//! Covariates around their means, and their products with the treatment.

use super::model::{Model, ModelScratch, Source};
use crate::exec::Workspace;

impl Model {
    /// Takes the means out of the covariates, and makes their products with the treatment anew.
    ///
    /// The terms are the treatment, the covariates, and the products of the treatment with each of
    /// them, in the same order. Means are weighted where rows are.
    pub(super) fn centre(&self, ws: &Workspace, scratch: &mut ModelScratch, n: usize) {
        let n_covariates = self.terms.iter().filter(|t| t.centred_from == Some(0)).count();
        if n_covariates == 0 {
            return;
        }
        let ModelScratch { x, weight, starts, picked, .. } = scratch;
        let weights = match self.observations {
            Source::Single => None,
            Source::Weighted(column) | Source::Collapsed { count: column } => {
                Some(if *picked { weight.as_slice() } else { ws.column(column) })
            }
            Source::Cells(_) => Some(weight.as_slice()),
        };
        for column in starts[1]..starts[1 + n_covariates] {
            let values = &mut x[column * n..(column + 1) * n];
            let mean = mean(values, weights);
            values.iter_mut().for_each(|v| *v -= mean);
        }
        let (plain, products) = x.split_at_mut(starts[1 + n_covariates] * n);
        let mut products = products.chunks_exact_mut(n.max(1));
        for covariate in starts[1]..starts[1 + n_covariates] {
            let covariate = &plain[covariate * n..(covariate + 1) * n];
            for arm in starts[0]..starts[1] {
                let arm = &plain[arm * n..(arm + 1) * n];
                let Some(out) = products.next() else { return };
                for ((o, a), c) in out.iter_mut().zip(arm).zip(covariate) {
                    *o = a * c;
                }
            }
        }
    }
}

/// The mean; rows of weight zero do not count, whatever they hold.
fn mean(values: &[f64], weights: Option<&[f64]>) -> f64 {
    let Some(weights) = weights else {
        return crate::exec::reduce::sum(values) / values.len() as f64;
    };
    let (mut sum, mut total) = (0.0, 0.0);
    for (v, w) in values.iter().zip(weights) {
        if *w != 0.0 {
            sum += w * v;
            total += w;
        }
    }
    sum / total
}
