//! The units in which effects are measured.
//!
//! An effect is measured from its column's mean where it may be correlated with an intercept, and
//! in units of the column's spread (of its size where it does not vary): neither costs digits then,
//! nor leads a search astray.

use super::parameters::Parameters;
use super::{Failure, Structure};

/// Finds for each factor and effect where it is measured from, and its unit; `counts` is zero for
/// rows that do not count.
///
/// # Errors
/// `NotFinite`.
pub(crate) fn find(
    structure: &Structure,
    columns: &[&[f64]],
    counts: &[f64],
    scales: &mut Vec<(f64, f64)>,
) -> Result<(), Failure> {
    scales.clear();
    let n_obs = counts.iter().filter(|c| **c > 0.0).count() as f64;
    for factor in &structure.factors {
        for (e, effect) in factor.effects.iter().enumerate() {
            let Some(column) = *effect else {
                scales.push((0.0, 1.0));
                continue;
            };
            let block = factor.blocks.iter().find(|b| b.contains(&e));
            let with_intercept = block.is_some_and(|b| factor.effects[b.start].is_none());
            let live = || {
                let rows = columns[column].iter().zip(counts);
                rows.filter(|(_, count)| **count > 0.0).map(|(v, _)| *v)
            };
            let mean = if with_intercept { live().sum::<f64>() / n_obs } else { 0.0 };
            let square: f64 = live().map(|v| (v - mean) * (v - mean)).sum();
            if !square.is_finite() {
                return Err(Failure::NotFinite);
            }
            let spread = (square / n_obs).sqrt();
            let is_flat = spread <= 1e-12 * mean.abs() || spread == 0.0;
            scales.push(match mean.abs() {
                _ if !is_flat => (mean, spread),
                0.0 => (0.0, 1.0),
                size => (0.0, size),
            });
        }
    }
    Ok(())
}

/// Covariances of the effects as they are given, from those of the effects as they are measured.
pub(crate) fn undo(
    structure: &Structure,
    parameters: &Parameters,
    scales: &[(f64, f64)],
    sigma: &[f64],
) -> Vec<f64> {
    each_element(structure, parameters, scales, sigma, |map, sigma, (i, j), r| {
        let mut sum = 0.0;
        for a in 0..r {
            for b in 0..r {
                sum += map(i, a) * sigma[a * r + b] * map(j, b);
            }
        }
        sum
    })
}

/// What turns `v` into effects as they are given, where `Lambda v` are those as they are measured:
/// a matrix for each factor, one after the other.
pub(crate) fn given(
    structure: &Structure,
    parameters: &Parameters,
    scales: &[(f64, f64)],
    lambda: &[f64],
) -> Vec<f64> {
    each_element(structure, parameters, scales, lambda, |map, lambda, (i, j), r| {
        (0..r).map(|a| map(i, a) * lambda[a * r + j]).sum()
    })
}

/// Makes a matrix for each factor from the factor's own: `element` is given the map from measured
/// to given effects, the matrix, the place and the order.
fn each_element(
    structure: &Structure,
    parameters: &Parameters,
    scales: &[(f64, f64)],
    from: &[f64],
    element: impl Fn(&dyn Fn(usize, usize) -> f64, &[f64], (usize, usize), usize) -> f64,
) -> Vec<f64> {
    let mut all = vec![0.0; parameters.size()];
    each_factor(structure, scales, |f, map, r| {
        let place = parameters.starts[f]..parameters.starts[f + 1];
        let from = &from[place.clone()];
        for (at, out) in all[place].iter_mut().enumerate() {
            *out = element(map, from, (at / r, at % r), r);
        }
    });
    all
}

/// Visits the factors: each with the map from measured to given effects, and its order.
fn each_factor(
    structure: &Structure,
    scales: &[(f64, f64)],
    mut visit: impl FnMut(usize, &dyn Fn(usize, usize) -> f64, usize),
) {
    let mut first = 0;
    for (f, factor) in structure.factors.iter().enumerate() {
        let r = factor.effects.len();
        let scales = &scales[first..first + r];
        first += r;
        let map = |i: usize, j: usize| {
            let (mean, spread) = scales[j];
            let block = factor.blocks.iter().find(|b| b.contains(&j));
            let to_intercept = block.is_some_and(|b| b.start == i && i != j);
            match () {
                () if i == j => 1.0 / spread,
                () if to_intercept && factor.effects[i].is_none() => -mean / spread,
                () => 0.0,
            }
        };
        visit(f, &map, r);
    }
}
