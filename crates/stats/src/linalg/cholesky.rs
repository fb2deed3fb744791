//! Cholesky factors of dense positive definite matrices, by row.

use super::vector::dot;

/// A pivot below this share of its diagonal is rounding error.
pub const ROUNDING: f64 = 1e-14;

/// Factors `A = L L'` in place, `A` given by its lower triangle; false where a pivot is no more
/// than the share `least` of its diagonal: there `A` is not positive definite, or too nearly not.
///
/// Shapes: `a`: n x n, by row.
pub fn factor(a: &mut [f64], n: usize, least: f64) -> bool {
    for i in 0..n {
        let (before, rest) = a.split_at_mut(i * n);
        let row = &mut rest[..=i];
        for j in 0..i {
            let other = &before[j * n..=j * n + j];
            row[j] = (row[j] - dot(&row[..j], &other[..j])) / other[j];
        }
        let own = row[i];
        let left = own - dot(&row[..i], &row[..i]);
        if !(left > least * own && left > 0.0) {
            return false;
        }
        row[i] = left.sqrt();
    }
    true
}

/// Twice the sum of the logarithms of the diagonal: `log |A|`.
pub fn log_determinant(l: &[f64], n: usize) -> f64 {
    2.0 * (0..n).map(|i| libm::log(l[i * n + i])).sum::<f64>()
}

/// Solves `A x = b` in place.
pub fn solve(l: &[f64], n: usize, b: &mut [f64]) {
    solve_lower(l, n, b);
    solve_upper(l, n, b);
}

/// Solves `L x = b` in place.
pub fn solve_lower(l: &[f64], n: usize, b: &mut [f64]) {
    for i in 0..n {
        b[i] = (b[i] - dot(&l[i * n..i * n + i], &b[..i])) / l[i * n + i];
    }
}

/// Solves `L' x = b` in place.
pub fn solve_upper(l: &[f64], n: usize, b: &mut [f64]) {
    for i in (0..n).rev() {
        b[i] /= l[i * n + i];
        let (row, own) = (&l[i * n..i * n + i], b[i]);
        b[..i].iter_mut().zip(row).for_each(|(b, l)| *b -= own * l);
    }
}

/// Writes the inverse of `A`, in full.
///
/// Shapes: `inverse`: n x n.
pub fn invert(l: &[f64], n: usize, inverse: &mut [f64]) {
    for (i, row) in inverse.chunks_exact_mut(n.max(1)).enumerate().take(n) {
        row.fill(0.0);
        row[i] = 1.0;
        solve(l, n, row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_solve_and_invert() {
        let n = 5;
        let entry = |i: usize, j: usize| {
            let far = (i as f64 - j as f64).abs();
            1.0 / (1.0 + far) + if i == j { 1.5 } else { 0.0 }
        };
        let a: Vec<f64> = (0..n * n).map(|at| entry(at / n, at % n)).collect();
        let mut l = a.clone();
        assert!(factor(&mut l, n, ROUNDING));
        let x = [1.0, -2.0, 0.5, 3.0, 0.1];
        let mut b: Vec<f64> = (0..n).map(|i| dot(&a[i * n..(i + 1) * n], &x)).collect();
        solve(&l, n, &mut b);
        assert!(b.iter().zip(&x).all(|(b, x)| (b - x).abs() < 1e-14));
        let mut inverse = vec![0.0; n * n];
        invert(&l, n, &mut inverse);
        for i in 0..n {
            for j in 0..n {
                let sum: f64 = (0..n).map(|k| a[i * n + k] * inverse[k * n + j]).sum();
                assert!((sum - f64::from(u8::from(i == j))).abs() < 1e-14);
            }
        }
        let diagonal = [2.0, 0.0, 0.0, 3.0];
        let mut l = diagonal;
        assert!(factor(&mut l, 2, ROUNDING));
        assert!((log_determinant(&l, 2) - libm::log(6.0)).abs() < 1e-15);
        assert!(!factor(&mut [1.0, 0.0, 1.0, 1.0], 2, ROUNDING));
        assert!(!factor(&mut [f64::NAN], 1, ROUNDING));
    }
}
