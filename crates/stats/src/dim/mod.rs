//! Difference in means between two conditions, with the standard error of the design.
//!
//! Units may be assigned alone or in clusters, in one draw or block by block. A block whose arms
//! each hold two units (clusters) or more is estimated on its own (module `block`); a block with
//! an arm of one can only be compared with others of its kind (module `small`).

mod block;
mod small;

#[cfg(test)]
mod tests;

use crate::buffer::emptied;
use crate::{Failure, Observations};
use block::{Block, Compared};
use small::Small;

/// Variation up to this share of the outcome's mean square is rounding error.
const ROUNDING: f64 = 1.2e-29;

/// The data: rows sorted so that blocks, and within them clusters, are contiguous.
#[derive(Clone, Copy, Debug)]
pub struct Arms<'a> {
    /// Outcome of each row (mean outcome where rows are collapsed), length `m`.
    pub y: &'a [f64],
    /// The condition of each row: 1 treated, 0 not.
    pub treated: &'a [f64],
    /// What a row stands for.
    pub observations: Observations<'a>,
    /// Where blocks begin, `m` last; empty where there are none.
    pub blocks: &'a [u32],
    /// Where clusters begin, `m` last; empty where there are none. No cluster crosses a block.
    pub clusters: &'a [u32],
}

/// The kind of design that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Design {
    /// No blocks.
    Standard,
    /// Blocks, each with two units or clusters or more in each arm.
    Blocked,
    /// Blocks, each with one unit or cluster in each arm.
    MatchedPair,
    /// Blocks, some of which have one unit or cluster in an arm.
    Hybrid,
}

/// A difference in means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// Mean of the treated less mean of the others; averaged over blocks by their size.
    pub estimate: f64,
    /// Its standard error; zero where the outcome does not vary within the arms.
    pub std_error: f64,
    /// Degrees of freedom of the t distribution.
    pub df: f64,
    /// Number of observations with positive weight.
    pub n_obs: f64,
    /// Number of blocks; zero where there are none.
    pub n_blocks: usize,
    /// Number of clusters; zero where there are none.
    pub n_clusters: usize,
    /// The kind of design.
    pub design: Design,
}

/// Work space of [`fit`]; it grows with the problem, and never shrinks.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    small: Vec<Small>,
    weighted: block::Weighted,
}

/// Sums over blocks.
#[derive(Default)]
struct Total {
    weight: f64,
    /// Sum of squares of the outcome around zero.
    square: f64,
    /// `sum_b W_b tau_b`.
    effect: f64,
    /// `sum_b W_b^2 V_b` over blocks that are not small.
    variance: f64,
    /// `sum_b W_b^4 V_b^2 / df_b` over blocks that are not small.
    spread: f64,
    n_obs: f64,
    n_blocks: usize,
    n_clusters: usize,
    n_pairs: usize,
}

/// Estimates the difference in means.
///
/// `tau = sum_b (W_b / W) tau_b`, with `W_b` the number of observations of a block, or the sum of
/// their weights. A block with two units or more in each arm has Neyman's variance `s1^2 / n1 +
/// s0^2 / n0`; with weights HC2; with clusters CR2 (see [`crate::ols`]). Without blocks the
/// degrees of freedom are Welch's, those of CR2, or `n - 2` with weights; with `B` blocks `n - 2 B`
/// or clusters less `2 B`. Blocks with one unit or cluster in an arm are compared with one
/// another; the degrees of freedom are then those of Satterthwaite for the sum of both parts.
/// Rows of weight or count zero are left out and not counted.
///
/// # Errors
/// `NoRows`; `NotFinite`; `BadWeights`; `NotACondition` (a treatment that is neither 0 nor 1);
/// `EmptyArm`; `TooFewInArm` (one unit or cluster in an arm, and no other block of that kind);
/// `MixedCluster` (a cluster with both conditions).
///
/// # References
/// Neyman (1923), Statistical Science 5:465 (1990); Welch (1947), Biometrika 34:28; Gerber and
/// Green (2012), Field Experiments, chapter 3; Imai, King and Nall (2009), Statistical Science
/// 24:29; Pashley and Miratrix (2021), Journal of Educational and Behavioral Statistics 46:271.
pub fn fit(arms: &Arms, scratch: &mut Scratch) -> Result<Fit, Failure> {
    let m = arms.y.len();
    if m == 0 {
        return Err(Failure::NoRows);
    }
    let whole = [0, m as u32];
    let blocks = if arms.blocks.is_empty() { &whole } else { arms.blocks };
    let mut total = Total::default();
    emptied(&mut scratch.small, blocks.len());
    let mut cluster = 0;
    for run in blocks.windows(2) {
        let (block, next) = Block::new(arms, run[0], run[1], cluster);
        cluster = next;
        if let Some(compared) = block.compare(&mut scratch.weighted)? {
            total.add(&compared, &mut scratch.small);
        }
    }
    if total.n_obs == 0.0 {
        let weighted = matches!(arms.observations, Observations::Weighted(_));
        return Err(if weighted { Failure::BadWeights } else { Failure::NoRows });
    }
    total.finish(arms, &scratch.small)
}

impl Total {
    fn add(&mut self, block: &Compared, small: &mut Vec<Small>) {
        let w = block.weight;
        self.weight += w;
        self.square += block.square;
        self.effect += w * block.effect;
        self.n_obs += block.n_obs;
        self.n_blocks += 1;
        self.n_clusters += block.n_clusters;
        match block.variance {
            Some([variance, spread]) => {
                self.variance += w * w * variance;
                self.spread += (w * w) * (w * w) * spread;
            }
            None => {
                self.n_pairs += usize::from(block.is_pair);
                small.push(Small { weight: w, effect: block.effect });
            }
        }
    }

    fn finish(&self, arms: &Arms, small: &[Small]) -> Result<Fit, Failure> {
        let clustered = !arms.clusters.is_empty();
        let weighted = matches!(arms.observations, Observations::Weighted(_));
        let blocked = !arms.blocks.is_empty();
        let n_units = if clustered { self.n_clusters as f64 } else { self.n_obs };
        let by_size = n_units - 2.0 * self.n_blocks as f64;
        let satterthwaite = |spread: f64| {
            let variance = self.variance;
            if variance > 0.0 { variance * (variance / spread) } else { by_size }
        };
        let (mut variance, df, design) = if small.is_empty() {
            let has_own = !blocked && (clustered || !weighted);
            let df = if has_own { satterthwaite(self.spread) } else { by_size };
            (self.variance, df, if blocked { Design::Blocked } else { Design::Standard })
        } else {
            let own = small::variance(small, clustered).ok_or(Failure::TooFewInArm)?;
            let df_small = small.len() as f64 - 1.0;
            let variance = self.variance + own;
            let spread = self.spread + own * (own / df_small);
            let df = if self.variance == 0.0 { df_small } else { variance * (variance / spread) };
            let pairs = self.n_pairs == self.n_blocks;
            (variance, df, if pairs { Design::MatchedPair } else { Design::Hybrid })
        };
        variance /= self.weight * self.weight;
        if variance * self.n_obs <= ROUNDING * (self.square / self.weight) {
            variance = 0.0;
        }
        let estimate = self.effect / self.weight;
        if !(estimate.is_finite() && variance.is_finite() && self.square.is_finite()) {
            return Err(Failure::NotFinite);
        }
        Ok(Fit {
            estimate,
            std_error: variance.sqrt(),
            df,
            n_obs: self.n_obs,
            n_blocks: if blocked { self.n_blocks } else { 0 },
            n_clusters: self.n_clusters,
            design,
        })
    }
}
