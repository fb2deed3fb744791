//! Several effects of one fit, and combinations of them: values with their gradients.

use crate::Failure;
use crate::linalg::room;

/// Effects by predictor, each with its gradient by the parameters of the fit.
///
/// A combination of effects is a function of the parameters like each of them, and its gradient is
/// the combination of theirs: the delta method gives it an error.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    n_parameters: usize,
    /// By predictor; none where nobody asked.
    values: Vec<Option<Result<f64, Failure>>>,
    /// Predictors x parameters.
    gradients: Vec<f64>,
    /// The gradient of a combination.
    sum: Vec<f64>,
}

impl Effects {
    /// Begins anew, for a fit with so many predictors and parameters.
    pub fn begin(&mut self, n_predictors: usize, n_parameters: usize) {
        self.n_parameters = n_parameters;
        room(&mut self.values, n_predictors).fill(None);
        room(&mut self.gradients, n_predictors * n_parameters);
        room(&mut self.sum, n_parameters);
    }

    /// Finds the effect of predictor `j`, unless it is known: `effect` writes its gradient.
    pub fn find(&mut self, j: usize, effect: impl FnOnce(&mut [f64]) -> Result<f64, Failure>) {
        let n = self.n_parameters;
        if self.values[j].is_none() {
            self.values[j] = Some(effect(&mut self.gradients[j * n..(j + 1) * n]));
        }
    }

    /// The sum of effects with these factors, and its gradient.
    ///
    /// # Errors
    /// That of an effect with a factor other than zero; `NoMarginalEffect` where it was not found.
    pub fn combine(
        &mut self,
        factors: impl Iterator<Item = (usize, f64)>,
    ) -> Result<(f64, &[f64]), Failure> {
        let n = self.n_parameters;
        let (sum, mut value) = (&mut self.sum[..n], 0.0);
        sum.fill(0.0);
        for (j, factor) in factors.filter(|(_, factor)| *factor != 0.0) {
            value += factor * self.values[j].unwrap_or(Err(Failure::NoMarginalEffect))?;
            let own = &self.gradients[j * n..(j + 1) * n];
            sum.iter_mut().zip(own).for_each(|(s, g)| *s += factor * g);
        }
        Ok((value, sum))
    }

    /// The predictors with an effect, each with its gradient.
    pub fn gradients(&self) -> impl Iterator<Item = (usize, &[f64])> {
        let n = self.n_parameters;
        let found = self.values.iter().enumerate().filter(|(_, v)| matches!(v, Some(Ok(_))));
        found.map(move |(j, _)| (j, &self.gradients[j * n..(j + 1) * n]))
    }
}
