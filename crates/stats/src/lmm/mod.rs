//! The linear mixed model with one random intercept, fitted by REML or ML as `lmer` does.
//!
//! `y = X b + a_group + e`, `a ~ N(0, sd_group^2)`, `e_i ~ N(0, sigma^2 / w_i)`. Only `theta =
//! sd_group / sigma` is searched for; the rest follows from it. The criterion depends on the rows
//! through one matrix of cross-products within groups and one between groups per distinct group
//! size ([`sums`]), so that a step of the search costs as many small matrices as there are sizes.

mod basis;
mod estimates;
mod groups;
mod kernels;
pub mod mixed;
mod modes;
mod optimum;
mod profile;
mod sums;
mod within;

pub use estimates::{Coefficient, Fit};

use crate::{Failure, Observations, Rows};
use basis::Basis;
use groups::Groups;
use optimum::Outlook;
use profile::{Profile, Work};
use sums::Sums;
use within::Within;

/// What the fit maximises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Restricted likelihood: variances are estimated from what is free of the coefficients.
    Reml,
    /// Full likelihood.
    Ml,
}

/// Degrees of freedom of a coefficient's t statistic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Df {
    /// Satterthwaite's, as `lmerTest` computes them.
    Satterthwaite,
    /// Observations minus coefficients.
    Residual,
    /// Infinite: a normal statistic.
    Z,
}

/// Memory of the fits of one thread; it grows to the largest data set and stays.
#[derive(Debug, Default)]
pub struct Scratch {
    groups: Groups,
    sums: Sums,
    basis: Basis,
    within: Within,
    work: Work,
    beta: Vec<f64>,
}

/// Fits a random-intercept model by minimising the profiled criterion.
///
/// `f(theta) = log|L|^2 + [log|R_X|^2] + nu (1 + log(2 pi r2 / nu)) - sum log w`, the bracket and
/// `nu = n - p` for REML, `nu = n` for ML; with `s_g` the sum of the weights of group `g` and `J`
/// a matrix of ones, the inverse covariance in a group is `W - W J W theta^2 / (1 + theta^2 s_g)`.
///
/// Shapes: `rows.x` is `m x p` by column, `rows.groups` delimits the groups of the intercept.
/// Groups without observations and rows of weight zero do not count. As in `lmer`, a predictor
/// that the ones before it determine (tolerance 1e-7, judged on the weighted columns) is dropped.
/// At the boundary `theta` is exactly zero, and that is a success.
///
/// Domain: any finite values whose sums of squares neither overflow nor fall below 1e-280.
///
/// # Errors
/// `NoRows`, `NotFinite`, `BadWeights`; `TooFewGroups` below two groups or where there are as many
/// groups as observations; `NoResidualDf` where coefficients leave no observation, no group (REML)
/// or nothing within groups to tell the variances apart; `ZeroStandardError` where the
/// outcome does not vary within groups around the predictors, so that `sigma` would be zero;
/// `NotConverged`.
///
/// # Panics
/// Where the slices of `rows` do not fit each other.
///
/// # References
/// Bates, Maechler, Bolker and Walker 2015, Journal of Statistical Software 67(1), equations 34
/// and 41.
pub fn fit<'s>(rows: &Rows, method: Method, scratch: &'s mut Scratch) -> Result<Fit<'s>, Failure> {
    let p = rows.n_predictors();
    assert_eq!(rows.x.len(), p * rows.len(), "predictors come in whole columns");
    let layout = scratch.groups.inspect(rows)?;
    let Scratch { groups, sums, basis, within, work, beta } = scratch;
    sums.read(rows, &layout, groups);
    if !sums.is_finite() {
        return Err(Failure::NotFinite);
    }
    basis.choose(sums, groups.sizes().len());
    let rank = basis.columns.len();
    let residual_df = layout.n_obs - rank as f64;
    if residual_df < 1.0 {
        return Err(Failure::NoResidualDf);
    }
    if basis.is_lossy(sums) {
        basis.free_columns(rows, sums);
        basis.read_again(rows, sums, &layout, groups);
    }
    within.fit(sums, basis);
    if within.is_lossy() {
        basis.free_outcome(rows, sums, &within.beta);
        basis.read_again(rows, sums, &layout, groups);
        within.fit(sums, basis);
    }
    let nu = match method {
        Method::Reml => residual_df,
        Method::Ml => layout.n_obs,
    };
    let profile = Profile::new(sums, groups, method, nu);
    let outlook = Outlook::new(&profile, within, basis, layout.n_obs)?;
    let point = optimum::minimise(&profile, &outlook, work)?;
    basis.coefficients(&work.beta, beta);
    let n_groups = layout.n_groups;
    let log_weights = log_weights(rows);
    let fit = Fit { profile, point, work, basis, beta, n_obs: layout.n_obs, n_groups, log_weights };
    if fit.overflows() { Err(Failure::NotFinite) } else { Ok(fit) }
}

/// Sum of the logarithms of the prior weights; counts have none.
fn log_weights(rows: &Rows) -> f64 {
    let Observations::Weighted(weights) = rows.observations else { return 0.0 };
    // Logarithms of products, which stay far from overflow, are fewer.
    let (mut sum, mut product) = (0.0, 1.0);
    for &w in weights.iter().filter(|w| **w > 0.0) {
        let longer = product * w;
        if (1e-200..1e200).contains(&longer) {
            product = longer;
        } else {
            sum += libm::log(product);
            product = w;
        }
    }
    sum + libm::log(product)
}

#[cfg(test)]
mod tests;
