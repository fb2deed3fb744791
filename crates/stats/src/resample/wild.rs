//! The wild cluster bootstrap: residuals of a cluster keep their size and get a new sign together.
//!
//! # References
//! Cameron, Gelbach and Miller (2008), Review of Economics and Statistics 90:414; Webb (2023),
//! Canadian Journal of Economics 56:839 (six weights); MacKinnon (2023), Econometrics and
//! Statistics 26:52 (from the sums of each cluster); Roodman, MacKinnon, Nielsen and Webb (2019),
//! Stata Journal 19:4 (intervals by inversion).

use super::{Curve, Replicates};
use crate::linalg::room;
use crate::linalg::vector::dot;
use crate::ols::Sums;

/// Where the residuals of replicates come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Null {
    /// From the fit in which the coefficient has the value that is tested ("WCR").
    Imposed,
    /// From the fit itself ("WCU").
    Unrestricted,
}

/// The six weights of Webb: mean 0, variance 1, third moment 0.
pub const WEBB: [f64; 6] = [
    -1.224_744_871_391_589,
    -1.0,
    -std::f64::consts::FRAC_1_SQRT_2,
    std::f64::consts::FRAC_1_SQRT_2,
    1.0,
    1.224_744_871_391_589,
];

/// The statistic of the data as a function of `d = (b - b0) / unit`, for the hypothesis that the
/// coefficient is `b0`; `unit` is [`Sums::unit`]. Domain: sums of one combination.
pub fn observed(sums: &Sums) -> Curve {
    let square = sums.own.iter().map(|own| own[0] * own[0]).sum();
    Curve { slope: 1.0, square, ..Curve::default() }
}

/// Adds the replicate in which the residuals of cluster `g` are multiplied by `v[g]`.
///
/// With `X = Q R` restricted residuals have the scores `c_g = s_g + d h_g`, `h_g = K_g r`. The
/// coefficients of a replicate less those of its population are `delta = sum_g v_g c_g` in the
/// coordinates of `Q`, and cluster `g` adds the square of `v_g u_g'c_g - u_g'K_g delta` to the
/// variance, with `u_g = r`, or `(I - K_g)^(-1/2) r` for CR2. Both are linear in `d`, so that a
/// replicate is a [`Curve`].
/// Shapes: `v`: clusters.
pub fn add(sums: &Sums, v: &[f64], null: Null, work: &mut Vec<f64>, out: &mut Replicates) {
    // The order is spelt out where it is small, so that the compiler unrolls the loops.
    match sums.k {
        1 => add_of_order(1, sums, v, null, work, out),
        2 => add_of_order(2, sums, v, null, work, out),
        3 => add_of_order(3, sums, v, null, work, out),
        4 => add_of_order(4, sums, v, null, work, out),
        k => add_of_order(k, sums, v, null, work, out),
    }
}

#[inline(always)]
fn add_of_order(
    k: usize,
    sums: &Sums,
    v: &[f64],
    null: Null,
    work: &mut Vec<f64>,
    out: &mut Replicates,
) {
    let (s, h) = room(work, 2 * k).split_at_mut(k);
    s.fill(0.0);
    h.fill(0.0);
    let imposed = null == Null::Imposed;
    let vectors = || sums.score.chunks_exact(k).zip(sums.lean.chunks_exact(k));
    for ((score, lean), v) in vectors().zip(v) {
        for j in 0..k {
            s[j] += v * score[j];
        }
        if imposed {
            for j in 0..k {
                h[j] += v * lean[j];
            }
        }
    }
    let mut curve = Curve { top: dot(&sums.row, s), slope: dot(&sums.row, h), ..Curve::default() };
    for ((pull, own), v) in sums.pull.chunks_exact(k).zip(&sums.own).zip(v) {
        let (mut a, mut b) = (v * own[0], 0.0);
        for j in 0..k {
            a -= pull[j] * s[j];
        }
        curve.square += a * a;
        if imposed {
            b += v * own[1];
            for j in 0..k {
                b -= pull[j] * h[j];
            }
            curve.cross += a * b;
            curve.bend += b * b;
        }
    }
    out.add(curve);
}
