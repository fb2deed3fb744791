//! Estimators that weight each unit by the inverse probability of its condition.
//!
//! Units are what was assigned: clusters count as one, by their totals. The variance needs the
//! probabilities of pairs; where units are independent, or exchangeable within blocks, its sums
//! over pairs are products of sums, and the cost is linear in the number of units.

#[cfg(test)]
mod tests;

use crate::Failure;
use crate::linalg::room;

/// Variation up to this share of the squares that it is made of is rounding error.
const ROUNDING: f64 = 1e-28;

/// A unit that was assigned.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Unit {
    /// Sum of the outcomes of its observations.
    pub total: f64,
    /// Number of its observations.
    pub count: f64,
    /// Sum of squares of the outcome, to tell rounding error from variation.
    pub square: f64,
    /// Its condition: 0 or 1 of the two that are compared, 2 for any other.
    pub arm: usize,
    /// Probabilities of the conditions 0 and 1.
    pub probability: [f64; 2],
}

/// How the conditions of two units depend on one another.
pub enum Pairs<'a> {
    /// They do not.
    Independent,
    /// Units of a block are exchangeable; those of different blocks are independent.
    Blocks {
        /// The block of each unit.
        block_of: &'a [u32],
        /// For each block, the probabilities that two of its units get the conditions 0 and 0, 1
        /// and 1, 1 and 0.
        within: &'a [[f64; 3]],
    },
    /// The probability that unit `i` gets condition `a` and unit `j` condition `b`.
    Each(&'a dyn Fn(usize, usize, usize, usize) -> f64),
}

/// What is estimated by what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weighting {
    /// Horvitz and Thompson: weighted sums over the number of observations.
    HorvitzThompson,
    /// Hajek: weighted means.
    Hajek,
}

/// Estimators of the variance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Variance {
    /// Aronow and Samii's, with Young's bound for what never occurs together: never too small in
    /// expectation.
    Youngs,
    /// That of simple assignment where the effect is the same for all.
    Constant,
}

/// An estimate with its standard error, for the normal distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// Condition 1 less condition 0.
    pub estimate: f64,
    /// Its standard error; zero where the variance is estimated as zero or less.
    pub std_error: f64,
    /// Number of observations, those of other conditions included.
    pub n_obs: f64,
    /// Number of units, those of other conditions included.
    pub n_units: usize,
}

/// Work space of [`fit`].
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    /// Each unit's part of the estimate, times the number of observations.
    value: Vec<f64>,
    sums: Vec<[Sums; 2]>,
}

/// Sums over the units of one condition in a block, and the number of all units.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    n: f64,
    value: f64,
    square: f64,
    /// `value^2` times the probability.
    bound: f64,
}

/// Estimates the difference between conditions 1 and 0.
///
/// Horvitz-Thompson: `tau = (sum_1 y / p1 - sum_0 y / p0) / n`, `y` the totals of units, `n` the
/// number of all observations. Hajek: each sum over `sum_a c / p_a`, `c` the counts, in place of
/// `n`; its variance is that of Horvitz-Thompson for the residuals `y - c m_a` around the weighted
/// means (Taylor).
/// With `v = y / p`, signs left out, `n^2 V = sum v^2 + sum_{i != j, same arm} v_i v_j (p_ij - p_i
/// p_j) / p_ij - 2 sum_{i in 1, j in 0} v_i v_j (p_ij - p_i p_j) / p_ij`; a pair that can not occur
/// adds `v_i^2 p_i` to each of its units that could. For simple assignment and `Constant` it is
/// `sum (y1 ((1 - p) / p)^(1/2) + y0 (p / (1 - p))^(1/2))^2`, with `tau` filled in.
///
/// # Errors
/// `NoRows`; `NotFinite`; `NoProbability` (a condition that could not occur, or is unknown);
/// `EmptyArm` (Hajek); `NeedsSimple` (`Constant` with units that depend on one another, or with
/// other conditions).
///
/// # References
/// Horvitz and Thompson (1952), Journal of the American Statistical Association 47:663. Hajek
/// (1971), in Foundations of Statistical Inference. Aronow and Samii (2017), Annals of Applied
/// Statistics 11:1912, section 5. Middleton and Aronow (2015), Statistics, Politics and Policy
/// 6:39 (totals of clusters).
pub fn fit(
    units: &[Unit],
    pairs: &Pairs,
    weighting: Weighting,
    variance: Variance,
    scratch: &mut Scratch,
) -> Result<Fit, Failure> {
    let n_obs: f64 = units.iter().map(|u| u.count).sum();
    if units.is_empty() || n_obs == 0.0 {
        return Err(Failure::NoRows);
    }
    let (mut sums, mut counts, mut square) = ([0.0; 2], [0.0; 2], 0.0);
    for unit in units {
        if unit.arm > 1 {
            continue;
        }
        let p = unit.probability[unit.arm];
        if !(p > 0.0 && p <= 1.0 + 1e-12) {
            return Err(Failure::NoProbability);
        }
        sums[unit.arm] += unit.total / p;
        counts[unit.arm] += unit.count / p;
        square += unit.square / p;
    }
    let (mut means, mut sizes) = ([0.0; 2], [n_obs; 2]);
    if weighting == Weighting::Hajek {
        if counts.contains(&0.0) {
            return Err(Failure::EmptyArm);
        }
        means = [sums[0] / counts[0], sums[1] / counts[1]];
        sizes = counts;
    }
    let estimate = sums[1] / sizes[1] - sums[0] / sizes[0];
    let value = room(&mut scratch.value, units.len());
    for (v, unit) in value.iter_mut().zip(units) {
        *v = match unit.arm {
            a @ 0..=1 => {
                let residual = unit.total - unit.count * means[a];
                residual / unit.probability[a] * (n_obs / sizes[a])
            }
            _ => 0.0,
        };
    }
    let total = match (variance, pairs) {
        (Variance::Constant, Pairs::Independent) => constant(units, means, sizes, n_obs, estimate)?,
        (Variance::Constant, _) => return Err(Failure::NeedsSimple),
        (Variance::Youngs, Pairs::Independent) => value.iter().map(|v| v * v).sum(),
        (Variance::Youngs, Pairs::Blocks { block_of, within }) => {
            by_blocks(units, value, block_of, within, &mut scratch.sums)
        }
        (Variance::Youngs, Pairs::Each(joint)) => by_pairs(units, value, joint),
    };
    if !(estimate.is_finite() && total.is_finite() && square.is_finite()) {
        return Err(Failure::NotFinite);
    }
    let variance = if total <= ROUNDING * square { 0.0 } else { total / (n_obs * n_obs) };
    Ok(Fit { estimate, std_error: variance.sqrt(), n_obs, n_units: units.len() })
}

/// The variance of simple assignment where the effect is `estimate` for every observation.
fn constant(
    units: &[Unit],
    means: [f64; 2],
    sizes: [f64; 2],
    n_obs: f64,
    estimate: f64,
) -> Result<f64, Failure> {
    let mut total = 0.0;
    for unit in units {
        let [p0, p1] = unit.probability;
        if unit.arm > 1 || (p0 + p1 - 1.0).abs() > 1e-9 {
            return Err(Failure::NeedsSimple);
        }
        let other = if unit.arm == 1 { -estimate } else { estimate };
        let mut outcomes = [unit.total; 2];
        outcomes[1 - unit.arm] += other * unit.count;
        let part = |a: usize| {
            let p = unit.probability[a];
            let residual = (outcomes[a] - unit.count * means[a]) * (n_obs / sizes[a]);
            if p < 1.0 { residual * ((1.0 - p) / p).sqrt() } else { 0.0 }
        };
        total += (part(0) + part(1)).powi(2);
    }
    Ok(total)
}

/// The variance from sums by block and condition.
fn by_blocks(
    units: &[Unit],
    value: &[f64],
    block_of: &[u32],
    within: &[[f64; 3]],
    sums: &mut Vec<[Sums; 2]>,
) -> f64 {
    let sums = room(sums, within.len());
    sums.fill([Sums::default(); 2]);
    // Conditions have one probability in a block: that of its units.
    for ((unit, v), block) in units.iter().zip(value).zip(block_of) {
        let own = &mut sums[*block as usize];
        own[0].n += 1.0;
        if unit.arm <= 1 {
            let arm = &mut own[unit.arm];
            arm.value += v;
            arm.square += v * v;
            arm.bound += v * v * unit.probability[unit.arm];
        }
    }
    let mut total = 0.0;
    for (unit, block) in units.iter().zip(block_of) {
        // Each block once, with its first unit.
        let own = std::mem::take(&mut sums[*block as usize]);
        if own[0].n > 0.0 {
            total += of_block(&own, &within[*block as usize], unit.probability);
        }
    }
    total
}

/// The variance of one block's part of the estimate.
fn of_block(sums: &[Sums; 2], within: &[f64; 3], marginal: [f64; 2]) -> f64 {
    let others = sums[0].n - 1.0;
    let mut total = 0.0;
    for a in 0..2 {
        let Sums { value, square, bound, .. } = sums[a];
        let joint = within[a];
        total += square;
        if joint > 0.0 {
            let share = (joint - marginal[a] * marginal[a]) / joint;
            total += share * (value * value - square);
        } else {
            total += others * bound;
        }
    }
    let joint = within[2];
    if joint > 0.0 {
        let share = (joint - marginal[1] * marginal[0]) / joint;
        total - 2.0 * share * (sums[1].value * sums[0].value)
    } else if marginal[0] > 0.0 && marginal[1] > 0.0 {
        total + others * (sums[0].bound + sums[1].bound)
    } else {
        total
    }
}

/// The variance from all pairs, quadratic in the number of units.
fn by_pairs(
    units: &[Unit],
    value: &[f64],
    joint: &dyn Fn(usize, usize, usize, usize) -> f64,
) -> f64 {
    let mut total = 0.0;
    for (i, unit) in units.iter().enumerate() {
        let a = unit.arm;
        if a > 1 {
            continue;
        }
        let (v, p) = (value[i], unit.probability[a]);
        let mut bound = 0.0;
        for (j, other) in units.iter().enumerate() {
            if i == j {
                continue;
            }
            // What never occurs with this unit's condition shows by its absence.
            bound += (0..2)
                .filter(|b| other.probability[*b] > 0.0 && joint(i, a, j, *b) == 0.0)
                .count() as f64;
            let b = other.arm;
            if b > 1 {
                continue;
            }
            let p_ij = joint(i, a, j, b);
            if p_ij > 0.0 {
                let share = (p_ij - p * other.probability[b]) / p_ij;
                let sign = if a == b { 1.0 } else { -1.0 };
                total += sign * share * (v * value[j]);
            }
        }
        total += v * v * (1.0 + bound * p);
    }
    total
}
