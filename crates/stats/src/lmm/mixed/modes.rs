//! Conditional modes: where the effects of each group most likely are, given the outcome.

use super::estimates::Fit;
use super::posterior::Posterior;
use super::sums::Rows;
use super::{Data, Structure, scales};
use crate::Failure;

/// Conditional modes of the random effects of one grouping factor, also called best linear unbiased
/// predictions; what `ranef(fit, condVar = TRUE)` of lme4 gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Modes {
    /// A row of the data of each group, in the order of the groups' keys.
    pub rows: Vec<usize>,
    /// For each group the mode of each effect.
    pub modes: Vec<f64>,
    /// Standard deviations of the effects given the outcome, coefficients and covariances taken as
    /// known; zero where the variance is.
    pub std_devs: Vec<f64>,
}

impl Fit<'_> {
    /// The conditional modes of the effects of each grouping factor.
    ///
    /// `u ~ N(0, sigma^2 Lambda Lambda')` has, given the outcome, mean `Lambda M^-1 Lambda'Z'W (y -
    /// X b)` and covariance `sigma^2 Lambda M^-1 Lambda'`, `M = Lambda'Z'W Z Lambda + I`.
    /// `data` and `structure` are those of the fit.
    ///
    /// # Errors
    /// `NotConverged` where rounding errors leave no positive `M`.
    ///
    /// # References
    /// Bates, Maechler, Bolker and Walker 2015, Journal of Statistical Software 67(1), equations 56
    /// to 58.
    pub fn modes(&self, data: &Data, structure: &Structure) -> Result<Vec<Modes>, Failure> {
        let Fit { index, parameters, basis, sums, .. } = self;
        let (m, mut lambda, mut entries) = (data.y.len(), Vec::new(), Vec::new());
        parameters.expand(&self.search.descent.at, &mut lambda);
        let mut posterior = Posterior::new(index, parameters, &lambda);
        let rows = Rows { data, structure, basis, index };
        for i in (0..m).filter(|i| basis.root[*i] > 0.0) {
            let component = rows.entries(i, &sums.scales, &mut entries);
            posterior.turn(&mut entries);
            let predictors = basis.x.q.chunks_exact(m).zip(&self.work.b[..self.rank()]);
            let left = basis.e[i] - predictors.map(|(q, b)| q[i] * b).sum::<f64>();
            posterior.add(component, &entries, 1.0, left);
        }
        posterior.solve()?;
        let map = scales::given(structure, parameters, &sums.scales, &lambda);
        let unit = (self.work.r2 / self.nu).sqrt();
        let of_factor = |f: usize| {
            let own = &map[parameters.starts[f]..parameters.starts[f + 1]];
            let examples = index.examples(f, m);
            let mut modes = posterior.modes(f, own, posterior.solution(), examples);
            modes.std_devs.iter_mut().for_each(|sd| *sd *= unit);
            modes
        };
        Ok((0..structure.factors.len()).map(of_factor).collect())
    }
}
