//! Linear mixed models in general: several grouping factors, nested or crossed, random slopes.
//!
//! What varies between which groups is a [`Structure`], made once for a design. Rows that share no
//! group, directly or through others, are independent: they fall into *components*, one a group
//! where there is one grouping factor, one a top group where factors are nested, one in all where
//! they are crossed ([`index`]). Each component is reduced to a triangle of cross-products
//! ([`sums`]), so that a step of the search costs small dense algebra a component ([`criterion`])
//! however many rows there are. A component of one group is taken [`whole`]; where there are
//! several factors it is taken in [`parts`]: the groups of the largest factor share no row and are
//! eliminated one by one, so that only the columns of the others make a dense matrix. The search is
//! Newton's, with exact derivatives ([`search`]).

pub(crate) mod basis;
mod chain;
mod constrained;
mod criterion;
mod df;
mod estimates;
pub(crate) mod index;
mod log_product;
pub(crate) mod modes;
mod numbering;
pub(crate) mod parameters;
mod parts;
pub(crate) mod posterior;
mod profile;
mod reductions;
pub(crate) mod scales;
mod search;
mod start;
mod sums;
mod whole;

#[cfg(test)]
mod tests;

use std::ops::Range;

pub use df::Df;
pub use estimates::{Coefficient, Fit};
pub use modes::Modes;
pub use profile::Profiled;

use super::Method;
use crate::Failure;
use crate::linalg::room;
use basis::Basis;
use criterion::Work;
use index::{Index, Route};
use parameters::Parameters;
use search::Search;
use sums::Sums;

/// What varies between groups; known before any data are.
#[derive(Clone, Debug, Default)]
pub struct Structure {
    /// The grouping factors.
    pub factors: Vec<Factor>,
}

/// A grouping factor, and what varies between its groups.
#[derive(Clone, Debug)]
pub struct Factor {
    /// Columns whose combinations of values are the groups.
    pub keys: Vec<usize>,
    /// What varies: the intercept (`None`), or the slope of a column.
    pub effects: Vec<Option<usize>>,
    /// Runs of effects that may be correlated; effects of different runs are not.
    pub blocks: Vec<Range<usize>>,
}

/// The rows of a model.
#[derive(Clone, Copy)]
pub struct Data<'a> {
    /// Predictors by column: column `j` of `p` is `x[j * m..(j + 1) * m]`, `m` rows.
    pub x: &'a [f64],
    /// Outcome of each row, length `m`.
    pub y: &'a [f64],
    /// Prior weights: the residual variance of a row is `sigma^2 / weight`. Weight zero: no row.
    pub weights: Option<&'a [f64]>,
    /// Known part of the outcome's mean.
    pub offset: Option<&'a [f64]>,
    /// The columns that [`Structure`] speaks of, one after the other, each `m` long.
    pub columns: &'a [&'a [f64]],
}

/// Where effects can say what all rows are, elements of the factors beyond this grow without end.
const ENDLESS: f64 = 1e4;

/// Memory of the fits of one thread; it grows to the largest data set and stays.
#[derive(Debug, Default)]
pub struct Scratch {
    parameters: Parameters,
    basis: Basis,
    index: Index,
    sums: Sums,
    work: Work,
    search: Search,
    df: df::Work,
    profile: profile::Work,
}

/// Room for `n` numbers, with more to spare than `room` gives: sizes here are squares of numbers of
/// groups, which vary more than the numbers do.
fn roomy(buffer: &mut Vec<f64>, n: usize) -> &mut [f64] {
    let wanted = if buffer.len() < n { 3 * n + 512 } else { n };
    &mut room(buffer, wanted)[..n]
}

/// Fits a linear mixed model by minimising the profiled criterion of lme4.
///
/// `y = X b + Z u + e`, `u ~ N(0, sigma^2 Lambda Lambda')`, `e_i ~ N(0, sigma^2 / w_i)`. With `V =
/// W^-1 + Z Lambda Lambda' Z'` the criterion is `log|V| + [log|X' V^-1 X|] + nu (1 + log(2 pi r2 /
/// nu))`, `r2` the generalised residual sum of squares; the bracket and `nu = n - p` for REML, `nu
/// = n` for ML. The elements of `Lambda` are found to the last digits that the criterion supports.
/// A variance that is estimated as zero is exactly zero; that is a success, at the boundary.
/// Predictors that the ones before them determine (tolerance 1e-7) are dropped.
///
/// # Errors
/// `NoRows`, `NotFinite`, `BadWeights`; `TooFewGroups` where a factor has fewer than two groups,
/// or as many effects as there are rows; `NoResidualDf` where predictors leave no row, or effects
/// of several factors leave none and the likelihood grows until the residual variance is zero;
/// `ZeroStandardError` where predictors and groups explain the outcome fully; `TooLarge` where
/// crossed factors have so many groups that their matrix does not fit; `NotConverged`.
///
/// # Panics
/// Where the lengths of the slices do not fit together.
///
/// # References
/// Bates, Maechler, Bolker and Walker 2015, Journal of Statistical Software 67(1), sections 2 and
/// 3.4. Lindstrom and Bates 1988, Journal of the American Statistical Association 83:1014 (Newton's
/// method for these criteria).
pub fn fit<'s>(
    data: &Data,
    structure: &Structure,
    method: Method,
    scratch: &'s mut Scratch,
) -> Result<Fit<'s>, Failure> {
    fit_by(None, data, structure, method, scratch)
}

/// [`fit`] by a route, or by the one that suits the structure.
fn fit_by<'s>(
    route: Option<Route>,
    data: &Data,
    structure: &Structure,
    method: Method,
    scratch: &'s mut Scratch,
) -> Result<Fit<'s>, Failure> {
    let m = data.y.len();
    if m == 0 {
        return Err(Failure::NoRows);
    }
    assert!(data.x.len().is_multiple_of(m), "predictors come in whole columns");
    let Scratch { parameters, basis, index, sums, work, search, df, profile } = scratch;
    parameters.read(structure);
    basis.read(data)?;
    let k = basis.x.columns.len();
    if basis.n_obs - k as f64 <= 0.0 {
        return Err(Failure::NoResidualDf);
    }
    index.read(data, structure, basis, route)?;
    sums.read(data, structure, parameters, basis, index)?;
    let nu = match method {
        Method::Reml => basis.n_obs - k as f64,
        Method::Ml => basis.n_obs,
    };
    let scale = criterion::Scale::Best;
    let problem = criterion::Problem { sums, index, parameters, method, nu, scale };
    let found = search.minimise(&problem, work);
    let grows = found.is_err() || search.descent.at.iter().any(|t| t.abs() > ENDLESS);
    if sums.is_saturated && grows {
        return Err(Failure::NoResidualDf);
    }
    found?;
    let mut fit = Fit { method, nu, parameters, basis, index, sums, work, search, df, profile };
    if fit.overflows() { Err(Failure::NotFinite) } else { Ok(fit) }
}
