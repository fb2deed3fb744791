//! Solves with small upper triangular matrices.

/// Solves `R b = c` in place: `b` comes in as `c`.
///
/// Shapes: `r`: k x k upper triangular, by column with column stride `stride`; `b`: k.
/// Domain: a diagonal without zeros.
pub fn solve(r: &[f64], stride: usize, b: &mut [f64]) {
    for i in (0..b.len()).rev() {
        let mut v = b[i];
        for j in i + 1..b.len() {
            v -= r[j * stride + i] * b[j];
        }
        b[i] = v / r[i * stride + i];
    }
}

/// Writes row `i` of the inverse of `R`.
///
/// The row `x` solves `x R = e_i'`; its entries before `i` are zero.
/// Shapes and domain as for [`solve`]; `row`: k.
pub fn inverse_row(r: &[f64], stride: usize, i: usize, row: &mut [f64]) {
    row[..i].fill(0.0);
    row[i] = 1.0 / r[i * stride + i];
    for j in i + 1..row.len() {
        let mut v = 0.0;
        for l in i..j {
            v += row[l] * r[j * stride + l];
        }
        row[j] = -v / r[j * stride + j];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solutions_satisfy_their_equations() {
        let (k, stride) = (4, 5);
        let mut r = vec![f64::NAN; k * stride];
        for j in 0..k {
            for i in 0..=j {
                r[j * stride + i] = 1.0 + (3 * i + 7 * j) as f64 * 0.1 + f64::from(i == j);
            }
        }
        let c = [1.0, -2.0, 0.5, 3.0];
        let mut b = c;
        solve(&r, stride, &mut b);
        for i in 0..k {
            let v: f64 = (i..k).map(|j| r[j * stride + i] * b[j]).sum();
            assert!((v - c[i]).abs() < 1e-14);
        }
        for i in 0..k {
            let mut row = [f64::NAN; 4];
            inverse_row(&r, stride, i, &mut row);
            for j in 0..k {
                let v: f64 = (0..=j).map(|l| row[l] * r[j * stride + l]).sum();
                assert!((v - f64::from(i == j)).abs() < 1e-14);
            }
        }
    }
}
