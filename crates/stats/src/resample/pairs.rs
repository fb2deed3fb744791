//! The pairs bootstrap: rows, or whole clusters, are drawn with replacement.
//!
//! # References
//! Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapters 12 and 13; Cameron,
//! Gelbach and Miller (2008), Review of Economics and Statistics 90:414 (clusters).

use crate::linalg::room;
use crate::ols::Sums;

/// A pivot up to this, where the sample has about 1, says that the coefficients of a replicate can
/// not be told apart.
const PIVOT_MIN: f64 = 1e-10;

/// One replicate.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Replicate {
    /// The coefficient less that of the data.
    pub change: f64,
    /// `change` over its standard error, CR0 of the replicate (HC0 where rows are drawn).
    pub statistic: f64,
}

/// The replicate in which cluster `g` is drawn `counts[g]` times.
///
/// In the coordinates of `Q` its normal equations are `(sum_g n_g K_g) delta = sum_g n_g s_g`. None
/// where its coefficients can not be told apart, or where nothing varies around them.
/// Shapes: `counts`: clusters; whole numbers.
pub fn replicate(sums: &Sums, counts: &[f64], work: &mut Vec<f64>) -> Option<Replicate> {
    let k = sums.k;
    let (a, rest) = room(work, k * k + 2 * k).split_at_mut(k * k);
    let (delta, q) = rest.split_at_mut(k);
    a.fill(0.0);
    delta.fill(0.0);
    let drawn = || {
        let vectors = sums.score.chunks_exact(k).zip(sums.inner.chunks_exact(k * k));
        vectors.zip(counts).filter(|(_, n)| **n > 0.0)
    };
    for ((score, inner), n) in drawn() {
        a.iter_mut().zip(inner).for_each(|(a, v)| *a += n * v);
        delta.iter_mut().zip(score).for_each(|(d, s)| *d += n * s);
    }
    if !cholesky(a, k) {
        return None;
    }
    solve(a, k, delta);
    q.copy_from_slice(&sums.row);
    solve(a, k, q);
    let change: f64 = sums.row.iter().zip(&*delta).map(|(r, d)| r * d).sum();
    let mut square = 0.0;
    for ((score, inner), n) in drawn() {
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

/// Overwrites a symmetric matrix with its lower factor; false where it is singular.
fn cholesky(a: &mut [f64], k: usize) -> bool {
    for i in 0..k {
        for j in 0..=i {
            let mut v = a[i * k + j];
            for c in 0..j {
                v -= a[i * k + c] * a[j * k + c];
            }
            if j < i {
                a[i * k + j] = v / a[j * k + j];
            } else if v > PIVOT_MIN {
                a[i * k + i] = v.sqrt();
            } else {
                return false;
            }
        }
    }
    true
}

/// Solves `L L' x = b` in place.
fn solve(l: &[f64], k: usize, b: &mut [f64]) {
    for i in 0..k {
        for c in 0..i {
            b[i] -= l[i * k + c] * b[c];
        }
        b[i] /= l[i * k + i];
    }
    for i in (0..k).rev() {
        for c in i + 1..k {
            b[i] -= l[c * k + i] * b[c];
        }
        b[i] /= l[i * k + i];
    }
}
