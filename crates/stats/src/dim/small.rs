//! The variance of blocks with one unit or cluster in an arm, from how their effects differ.

/// A block with one unit or cluster in an arm.
#[derive(Clone, Copy, Debug)]
pub(super) struct Small {
    /// Number of its observations, or the sum of their weights.
    pub weight: f64,
    /// Difference in means.
    pub effect: f64,
}

/// An estimate of the variance of `sum_k W_k tau_k`; none for a single block.
///
/// Units: `W^2 sum_k a_k (tau_k - tau)^2`, `a_k = c W_k^2 / (W - 2 W_k)`, with `c` such that the
/// expectation is the variance where all blocks have the same expected effect; otherwise it is
/// larger. For pairs that is `sum (tau_k - tau)^2 / (J (J - 1))`. It asks that no block has half
/// of the weight. Where one has, and for pairs of clusters, it is `J / (J - 1) sum_k (W_k tau_k -
/// mean)^2`, whose expectation is never below the variance.
///
/// # References
/// Pashley and Miratrix (2021), Journal of Educational and Behavioral Statistics 46:271, section
/// 3.2 (blocks of varying size); Imai, King and Nall (2009), Statistical Science 24:29, equation 7
/// (pairs of clusters).
pub(super) fn variance(blocks: &[Small], clustered: bool) -> Option<f64> {
    let n = blocks.len() as f64;
    if n < 2.0 {
        return None;
    }
    let sum = |f: &dyn Fn(&Small) -> f64| blocks.iter().map(f).sum::<f64>();
    let total = sum(&|b| b.weight);
    let half = blocks.iter().any(|b| 2.0 * b.weight >= total);
    if clustered || half {
        let mean = sum(&|b| b.weight * b.effect) / n;
        let squares = sum(&|b| (b.weight * b.effect - mean).powi(2));
        return Some(n / (n - 1.0) * squares);
    }
    let share = |b: &Small| b.weight * (b.weight / (total - 2.0 * b.weight));
    let scale = total + sum(&share);
    let mean = sum(&|b| b.weight * b.effect) / total;
    let squares = sum(&|b| share(b) * (b.effect - mean).powi(2));
    Some(total * (total / scale) * squares)
}
