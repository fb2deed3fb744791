//! The pairs bootstrap: rows, or whole clusters, are drawn with replacement.
//!
//! # References
//! Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapters 12 and 13; Cameron,
//! Gelbach and Miller (2008), Review of Economics and Statistics 90:414 (clusters).

use crate::linalg::{cholesky, room};
use crate::ols::Sums;

/// A pivot of a replicate up to this, or up to this share of its diagonal, says that its
/// coefficients can not be told apart; those of the data are 1.
const PIVOT_MIN: f64 = 1e-10;

/// One replicate.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Replicate {
    /// The coefficient less that of the data.
    pub change: f64,
    /// `change` over its standard error, CR0 of the replicate (HC0 where rows are drawn).
    pub statistic: f64,
}

/// The clusters that are drawn: score, `K_g`, and how often.
pub(super) fn drawn<'a>(
    sums: &'a Sums,
    counts: &'a [f64],
) -> impl Iterator<Item = (&'a [f64], &'a [f64], f64)> {
    let k = sums.k;
    let vectors = sums.score.chunks_exact(k).zip(sums.inner.chunks_exact(k * k));
    vectors.zip(counts).filter(|(_, n)| **n > 0.0).map(|((s, v), n)| (s, v, *n))
}

/// Solves the normal equations of the replicate in which cluster `g` is drawn `counts[g]` times, in
/// the coordinates of `Q`: `(sum_g n_g K_g) delta = sum_g n_g s_g`. `a` gets the factor of the
/// matrix. False where coefficients can not be told apart.
pub(super) fn solve(sums: &Sums, counts: &[f64], a: &mut [f64], delta: &mut [f64]) -> bool {
    let k = sums.k;
    a.fill(0.0);
    delta.fill(0.0);
    for (score, inner, n) in drawn(sums, counts) {
        a.iter_mut().zip(inner).for_each(|(a, v)| *a += n * v);
        delta.iter_mut().zip(score).for_each(|(d, s)| *d += n * s);
    }
    let varies = (0..k).all(|i| a[i * k + i] > PIVOT_MIN);
    if !varies || !cholesky::factor(a, k, PIVOT_MIN) {
        return false;
    }
    cholesky::solve(a, k, delta);
    true
}

/// The replicate in which cluster `g` is drawn `counts[g]` times. None where its coefficients can
/// not be told apart, or where nothing varies around them.
/// Shapes: `counts`: clusters; whole numbers.
pub fn replicate(sums: &Sums, counts: &[f64], work: &mut Vec<f64>) -> Option<Replicate> {
    let k = sums.k;
    let (a, rest) = room(work, k * k + 2 * k).split_at_mut(k * k);
    let (delta, q) = rest.split_at_mut(k);
    if !solve(sums, counts, a, delta) {
        return None;
    }
    q.copy_from_slice(&sums.row);
    cholesky::solve(a, k, q);
    let change: f64 = sums.row.iter().zip(&*delta).map(|(r, d)| r * d).sum();
    let mut square = 0.0;
    for (score, inner, n) in drawn(sums, counts) {
        let mut own = 0.0;
        for i in 0..k {
            let fitted: f64 =
                inner[i * k..(i + 1) * k].iter().zip(&*delta).map(|(v, d)| v * d).sum();
            own += q[i] * (score[i] - fitted);
        }
        square += n * own * own;
    }
    (square > 0.0).then(|| Replicate { change, statistic: change / square.sqrt() })
}

/// The CR0 standard error of the data, with which [`Replicate::statistic`] is comparable.
pub fn std_error(sums: &Sums) -> f64 {
    let k = sums.k;
    let own = sums.score.chunks_exact(k).map(|s| {
        let v: f64 = s.iter().zip(&sums.row).map(|(s, r)| s * r).sum();
        v * v
    });
    own.sum::<f64>().sqrt()
}
