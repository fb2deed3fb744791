//! Variances clustered in several ways, by inclusion and exclusion.
//!
//! The columns after the fixed effects have the cluster of each row, numbered from 0, for every
//! combination of the ways: column `c - 1` for the ways whose bits are set in `c`. A combination
//! of two ways is their intersection.

use super::active::Active;
use super::cluster::add_square;
use super::decompose::Decomposition;
use super::{Robust, Variance};
use crate::Failure;
use crate::linalg::room;

/// The clusters of one combination of ways.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Combination {
    /// One more than the largest number.
    size: usize,
    /// Number of clusters that have rows.
    clusters: usize,
}

/// Number of columns for so many ways.
pub(super) const fn n_columns(ways: usize) -> usize {
    if ways > 1 { (1 << ways) - 1 } else { 0 }
}

/// Counts the clusters of every combination; returns the smallest number among the ways.
///
/// # Errors
/// `NotFinite` where a number of a cluster is none.
pub(super) fn count(active: &Active, robust: &mut Robust) -> Result<usize, Failure> {
    let m = active.rows.len();
    let Robust { ways, places, .. } = robust;
    let ways = room(ways, active.ways.len() / m);
    let mut fewest = usize::MAX;
    for (place, (way, codes)) in ways.iter_mut().zip(active.ways.chunks_exact(m)).enumerate() {
        let mut size = 0;
        for code in codes {
            if !(*code >= 0.0 && *code < f64::from(u32::MAX)) {
                return Err(Failure::NotFinite);
            }
            size = size.max(*code as usize + 1);
        }
        let marks = room(places, size);
        marks.fill(0);
        codes.iter().for_each(|code| marks[*code as usize] = 1);
        *way = Combination { size, clusters: marks.iter().sum() };
        if (place + 1).is_power_of_two() {
            fewest = fewest.min(way.clusters);
        }
    }
    Ok(fewest)
}

/// Fills the meat: that of CR0 for every combination, added for an odd number of ways, and taken
/// off for an even one. Stata's has the factor `G / (G - 1) (n - 1) / (n - k)` on each, `G` the
/// number of its clusters.
///
/// # References
/// Cameron, Gelbach and Miller (2011), Journal of Business and Economic Statistics 29:238,
/// equation 2.11 and section 2.3.
pub(super) fn meat(
    active: &Active,
    parts: &Decomposition,
    variance: Variance,
    n_coefficients: f64,
    robust: &mut Robust,
) {
    let (m, k, n) = (parts.m, parts.rank, active.n_obs);
    let Robust { meat, ways, long, .. } = robust;
    let meat = room(meat, k * k);
    meat.fill(0.0);
    for (place, codes) in active.ways.chunks_exact(m).enumerate() {
        let Combination { size, clusters } = ways[place];
        let scores = room(long, size * k);
        scores.fill(0.0);
        for (j, q) in parts.q[..k * m].chunks_exact(m).enumerate() {
            for ((q, e), code) in q.iter().zip(&parts.e).zip(codes) {
                scores[*code as usize * k + j] += q * e;
            }
        }
        let sign = if (place + 1).count_ones() % 2 == 1 { 1.0 } else { -1.0 };
        let clusters = clusters as f64;
        let factor = match variance {
            Variance::Stata => clusters / (clusters - 1.0) * ((n - 1.0) / (n - n_coefficients)),
            _ => 1.0,
        };
        for score in scores.chunks_exact(k.max(1)) {
            add_square(meat, score, sign * factor);
        }
    }
}
