//! Modified Gram-Schmidt with selective reorthogonalisation: a QR that also yields residuals.

use super::vector::{dot, scale, subtract, take_out};

/// A drop of the squared norm below this share calls for another pass.
const SHARE_KEPT: f64 = 0.01;
/// Two passes are enough for any vector outside the span; the third is for safety.
const PASSES_MAX: usize = 4;

/// Takes out of `v` its part in the span of the first `k` columns of `q`.
///
/// `v <- v - Q c` with `c = Q'v`, column after column; `c` is added to `coefficients`. Where most
/// of `v` was taken out the rest is orthogonalised again, so that `Q'v` ends at rounding level
/// relative to what is left of `v`.
/// Shapes: `q`: `v.len()` x k, by column, orthonormal; `coefficients`: k.
/// The columns before `first` are skipped in the first pass: `v` is orthogonal to them already.
/// `square` is the sum of squares of `v`; the return value is that of the new `v`.
///
/// # References
/// Daniel, Gragg, Kaufman and Stewart (1976), Mathematics of Computation 30:772, section 4;
/// Bjorck (1996), Numerical Methods for Least Squares Problems, section 2.4.
pub fn orthogonalise(
    q: &[f64],
    k: usize,
    first: usize,
    v: &mut [f64],
    square: f64,
    coefficients: &mut [f64],
) -> f64 {
    let m = v.len();
    let (mut first, mut square) = (first, square);
    for _ in 0..PASSES_MAX {
        let before = square;
        for j in first..k {
            let column = &q[j * m..(j + 1) * m];
            let c = dot(column, v);
            coefficients[j] += c;
            if j + 1 < k {
                take_out(c, column, v);
            } else {
                square = subtract(c, column, v);
            }
        }
        if first == k || square >= SHARE_KEPT * before || square.is_nan() {
            break;
        }
        first = 0;
    }
    square
}

/// A column of which no larger share of the norm is left depends on those before it.
const DEPENDENT: f64 = 1e-7;

/// Makes the columns of `x` orthonormal in place, and returns how many there are: columns that
/// depend on those before them, or are zero, are left out.
///
/// With centred columns, the squared distance between two rows of the result, times `m - 1`, is
/// their squared Mahalanobis distance.
/// Shapes: `x`: m x p, by column; on return the first `rank` columns count. `coefficients`: p.
pub fn orthonormalise(x: &mut [f64], m: usize, coefficients: &mut [f64]) -> usize {
    let mut rank = 0;
    for j in 0..x.len().checked_div(m).unwrap_or(0) {
        x.copy_within(j * m..(j + 1) * m, rank * m);
        let (q, rest) = x.split_at_mut(rank * m);
        let v = &mut rest[..m];
        let square = dot(v, v);
        let left = orthogonalise(q, rank, 0, v, square, coefficients);
        if left > DEPENDENT * DEPENDENT * square {
            scale(1.0 / left.sqrt(), v);
            rank += 1;
        }
    }
    rank
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearly_dependent_vectors_come_out_orthogonal() {
        let m = 20;
        let unit = |v: &mut Vec<f64>| {
            let norm = dot(v, v).sqrt();
            v.iter_mut().for_each(|x| *x /= norm);
        };
        let mut a: Vec<f64> = (0..m).map(|i| 1e3 + (i as f64 * 0.9).sin()).collect();
        unit(&mut a);
        // The second vector differs from the first by a part in 1e9.
        let mut b: Vec<f64> =
            a.iter().enumerate().map(|(i, x)| x + 1e-9 * (i as f64 * 2.3).cos()).collect();
        let start = b.clone();
        let square = dot(&b, &b);
        let mut c = [0.0];
        let left = orthogonalise(&a, 1, 0, &mut b, square, &mut c);
        assert!((left - dot(&b, &b)).abs() <= 1e-14 * left);
        assert!(dot(&a, &b).abs() <= 1e-15 * left.sqrt());
        for i in 0..m {
            assert!((start[i] - c[0] * a[i] - b[i]).abs() <= 1e-15);
        }
    }

    #[test]
    fn a_vector_of_the_span_and_nan_end() {
        let a = [0.6, 0.8];
        let mut v = [3.0, 4.0];
        let left = orthogonalise(&a, 1, 0, &mut v, 25.0, &mut [0.0]);
        assert!(left < 1e-25);
        let mut v = [f64::NAN, 1.0];
        assert!(orthogonalise(&a, 1, 0, &mut v, f64::NAN, &mut [0.0]).is_nan());
    }

    #[test]
    fn dependent_columns_are_left_out() {
        let a = [1.0, -1.0, 2.0, -2.0];
        let b = [3.0, 1.0, -2.0, -2.0];
        let both: Vec<f64> = a.iter().zip(&b).map(|(a, b)| 2.0 * a - b).collect();
        let mut x = [&a[..], &both, &[0.0; 4], &b].concat();
        assert_eq!(orthonormalise(&mut x, 4, &mut [0.0; 4]), 2);
        let (p, q) = (&x[..4], &x[4..8]);
        assert!((dot(p, p) - 1.0).abs() < 1e-15 && (dot(q, q) - 1.0).abs() < 1e-15);
        assert!(dot(p, q).abs() < 1e-15);
        // Both span what the columns spanned.
        let (on_p, on_q) = (dot(p, &b), dot(q, &b));
        let left = |i: usize| (b[i] - p[i] * on_p - q[i] * on_q).abs();
        assert!((0..4).all(|i| left(i) < 1e-14));
        assert_eq!(orthonormalise(&mut [], 0, &mut []), 0);
    }
}
