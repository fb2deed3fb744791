//! Conditional modes: where the effects of each group most likely are, given the outcome.

use super::estimates::Fit;
use super::jet::Jet;
use super::quadrature::Nodes;
use super::{Setting, Structure};
use crate::Failure;
use crate::lmm::mixed::posterior::Posterior;
use crate::lmm::mixed::{Modes, scales};

impl Fit<'_> {
    /// The conditional modes of the effects of each grouping factor, on the link scale.
    ///
    /// They are where the joint density of effects and outcome is largest at the estimates; their
    /// covariance is `Lambda H^-1 Lambda'`, `H = I + Lambda'Z'W Z Lambda` at the mode with the
    /// information `W` that Laplace's approximation uses, also for fits by quadrature, as in lme4.
    ///
    /// # Errors
    /// `NotConverged`.
    ///
    /// # References
    /// Bates 2018, Computational Methods for Mixed Models (vignette of lme4), section 6.
    pub fn modes(&mut self, structure: &Structure) -> Result<Vec<Modes>, Failure> {
        let Fit { family, curvature, parameters, index, layout, .. } = *self;
        let nodes = Nodes::new(1).ok_or(Failure::NotConverged)?;
        let setting = Setting { layout, index, parameters, family, curvature, nodes: &nodes };
        let v = self.likelihood.modes(&setting, &self.descent.at).ok_or(Failure::NotConverged)?;
        let (theta, gamma) = self.descent.at.split_at(parameters.len());
        let (mut lambda, mut entries) = (Vec::new(), Vec::new());
        parameters.expand(theta, &mut lambda);
        let mut posterior = Posterior::new(index, parameters, &lambda);
        for c in 0..index.len() {
            let own = &v[index.components[c].start..];
            for i in layout.starts[c]..layout.starts[c + 1] {
                let (z, x) = layout.row(i).split_at(layout.e);
                entries.clear();
                let columns = layout.column[i * layout.e..].iter();
                entries.extend(columns.zip(z).map(|(column, z)| (*column as usize, *z)));
                posterior.turn(&mut entries);
                let fixed = x.iter().zip(gamma).map(|(x, g)| x * g).sum::<f64>();
                let varies = entries.iter().map(|(column, t)| t * own[*column]).sum::<f64>();
                let eta = layout.offset[i] + fixed + varies;
                let jet = Jet::at(family, curvature, eta, layout.y[i]);
                posterior.add(c, &entries, layout.w[i] * jet.bent, 0.0);
            }
        }
        posterior.solve()?;
        let map = scales::given(structure, parameters, &layout.scales, &lambda);
        let of_factor = |f: usize| {
            let own = &map[parameters.starts[f]..parameters.starts[f + 1]];
            posterior.modes(f, own, v, index.examples(f, self.cells.cell.len()))
        };
        Ok((0..structure.factors.len()).map(of_factor).collect())
    }
}
