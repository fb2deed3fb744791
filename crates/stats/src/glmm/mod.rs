//! Generalised linear mixed models, fitted by maximum likelihood as lme4's `glmer` does.
//!
//! Rows of the same groups whose predictors are alike become one cell with a number and a mean
//! outcome; cells that share groups, directly or through others, are a *component* ([`layout`]).
//! Components are independent, and the effects are integrated out of each: where a component is a
//! group with one effect, by Laplace's approximation or by adaptive quadrature ([`single`]);
//! otherwise by Laplace's approximation ([`joint`]). The search over the elements of the
//! covariance factors and the coefficients, jointly, is Newton's with exact first and second
//! derivatives ([`search`]), whose inverse is the covariance of the estimates.
//!
//! Given the outcome, the effects of each group have a mode and a covariance ([`modes`]).
//!
//! Average marginal effects ([`effect`]) are differences of means over the distribution of the
//! effects ([`marginal`]).

mod effect;
mod estimates;
mod jet;
mod joint;
mod layout;
mod marginal;
mod modes;
mod quadrature;
mod search;
mod single;

#[cfg(test)]
mod tests;

pub use effect::{Room, Turn};
pub use estimates::Fit;
pub use quadrature::{NODES_MAX, Nodes};

use crate::Failure;
use crate::descent::Descent;
use crate::glm::newton;
use crate::glm::rows::Cells;
use crate::glm::{self, Family};
use crate::linalg::room;
use crate::lmm::mixed::Structure;
use crate::lmm::mixed::index::Index;
use crate::lmm::mixed::parameters::Parameters;
use joint::Components;
use layout::Layout;
use single::Groups;

/// Most grouping factors of a model.
pub const FACTORS_MAX: usize = 16;
/// With more weight in all than this, rounding errors of the likelihood hide its curvature.
const WEIGHT_MAX: f64 = 1e12;

/// The rows of a model.
#[derive(Clone, Copy)]
pub struct Data<'a> {
    /// Predictors, outcome, weights, trials and offset; its clusters are ignored.
    pub rows: glm::Data<'a>,
    /// The columns that [`Structure`] speaks of, one after the other, each as long as the outcome.
    pub columns: &'a [&'a [f64]],
}

/// Which second derivative of the log-likelihood Laplace's approximation uses at the mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Curvature {
    /// Its expectation, as `lme4` does.
    Expected,
    /// The derivative itself, as `glmmTMB` does: Laplace's approximation proper.
    Observed,
}

/// How the effects are integrated out.
#[derive(Clone, Debug, PartialEq)]
pub struct Integral {
    /// Nodes of the adaptive quadrature; one is Laplace's approximation.
    pub nodes: Nodes,
    /// What measures the spread at the mode. For the canonical links (logit, log) both are one.
    pub curvature: Curvature,
}

/// Memory of the fits of one thread; it grows to the largest data set and stays.
#[derive(Debug, Default)]
pub struct Scratch {
    cells: Cells,
    parameters: Parameters,
    index: Index,
    layout: Layout,
    glm: newton::Search,
    groups: Groups,
    components: Components,
    search: search::Work,
    descent: Descent,
    covariance: Vec<f64>,
}

/// What a likelihood is made of.
#[derive(Clone, Copy)]
struct Setting<'a> {
    layout: &'a Layout,
    index: &'a Index,
    parameters: &'a Parameters,
    family: Family,
    curvature: Curvature,
    nodes: &'a Nodes,
}

/// A way to integrate the effects out. Parameters are the elements of the factors, then the
/// coefficients of the layout's predictors.
trait Likelihood: std::fmt::Debug {
    /// Begins a fit: all modes at zero.
    fn begin(&mut self, s: &Setting);

    /// The log-likelihood, but for what depends on the outcome alone; `None` where it is no number.
    fn value(&mut self, s: &Setting, psi: &[f64]) -> Option<f64>;

    /// The modes of the effects at a point, in the order of the components' columns; `None` where
    /// there are none.
    fn modes(&mut self, s: &Setting, psi: &[f64]) -> Option<&[f64]>;

    /// Adds its derivatives at the point whose value was asked last; the second ones to the lower
    /// triangle.
    fn differentiate(&mut self, s: &Setting, psi: &[f64], first: &mut [f64], second: &mut [f64]);
}

/// Fits a generalised linear mixed model by maximum likelihood.
///
/// `link(E[y | u]) = X b + Z u + offset`, `u ~ N(0, Lambda Lambda')`. The likelihood is the
/// integral over `u`, approximated as `integral` says; elements of `Lambda` and `b` maximise it
/// jointly, to the last digits. A variance that is estimated as zero is exactly zero; that is a
/// success, at the boundary. Predictors that the ones before them determine (tolerance 1e-11) are
/// dropped, and rows of weight zero do not count.
/// Domain: binomial families and Poisson's.
///
/// # Errors
/// `NoRows`, `NotFinite`, `BadWeights`, `OutcomeNotAllowed`; `Separation` where predictors, or
/// groups, separate the outcomes, so that the likelihood grows without end; `TooFewGroups` where a
/// factor has fewer than two groups, or more effects than there are rows; `TooLarge` where crossed
/// factors have so many groups that their matrix does not fit; `NotConverged`, also where
/// the likelihood does not depend on some coefficient.
///
/// # Panics
/// Where the lengths of the slices do not fit together, for a family without such a model, and for
/// more than one node where the groups do not have one effect each ([`integrates`]).
///
/// # References
/// Bates, Maechler, Bolker and Walker 2015, Journal of Statistical Software 67(1). Pinheiro and
/// Bates 1995, Journal of Computational and Graphical Statistics 4:12 (both approximations).
pub fn fit<'s>(
    data: &Data,
    structure: &Structure,
    family: Family,
    integral: &Integral,
    scratch: &'s mut Scratch,
) -> Result<Fit<'s>, Failure> {
    let m = data.rows.y.len();
    if m == 0 {
        return Err(Failure::NoRows);
    }
    assert!(data.rows.x.len().is_multiple_of(m), "predictors come in whole columns");
    assert!(family.is_binomial() || family == Family::Poisson, "a family with mixed models");
    assert!(structure.factors.len() <= FACTORS_MAX, "not too many factors");
    let Scratch { cells, parameters, index, layout, .. } = scratch;
    let Scratch { glm, groups, components, search, descent, covariance, .. } = scratch;
    parameters.read(structure);
    layout.read(data, structure, family, cells, index)?;
    if cells.weight.is_nan() || cells.weight > WEIGHT_MAX {
        return Err(Failure::NotConverged);
    }
    glm.start(cells, family, 0.0)?;
    let (curvature, nodes) = (integral.curvature, &integral.nodes);
    let setting = Setting { layout, index, parameters, family, curvature, nodes };
    let is_single = has_single_effect(structure);
    assert!(is_single || nodes.len() == 1, "quadrature is for groups with one effect each");
    let likelihood: &mut dyn Likelihood = if is_single { groups } else { components };
    search.maximise(&setting, likelihood, &glm.gamma, descent)?;
    let n = descent.at.len();
    if !descent.invert(parameters.len(), room(covariance, n * n)) {
        return Err(Failure::NotConverged);
    }
    let fit = Fit {
        family,
        curvature,
        cells,
        parameters,
        index,
        layout,
        descent,
        covariance,
        likelihood,
    };
    Ok(fit)
}

/// Whether adaptive quadrature with more than one node can fit the structure: one grouping factor
/// with one effect.
pub fn integrates(structure: &Structure) -> bool {
    has_single_effect(structure)
}

fn has_single_effect(structure: &Structure) -> bool {
    matches!(structure.factors.as_slice(), [one] if one.effects.len() == 1)
}
