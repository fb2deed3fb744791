//! The inverse square root of a matrix near the identity, as a series.

use super::vector::multiply;

/// The series goes up to this many pairs of terms after the first; then eigenvectors cost less.
const PAIRS_MAX: usize = 24;
/// So many products with a matrix, times its order, cost as much as the eigenvectors.
const PRODUCTS_MAX: usize = 8;
/// A power of the norm below this ends the series: its coefficient is a fifth or less.
const TAIL: f64 = 4e-16;
/// Up to this order the time of a product is that of waiting for the one before: even and odd
/// powers are added up side by side.
const SPLIT_MAX: usize = 6;
/// Coefficients of `(1 - x)^(-1/2)`: `c_0 = 1`, `c_j = c_(j-1) (2 j - 1) / (2 j)`.
const COEFFICIENTS: [f64; 2 * PAIRS_MAX + 2] = {
    let mut all = [1.0; 2 * PAIRS_MAX + 2];
    let mut j = 1;
    while j < all.len() {
        all[j] = all[j - 1] * (2 * j - 1) as f64 / (2 * j) as f64;
        j += 1;
    }
    all
};

/// The inverse root of `B = I - E = c (I - F)`, `c` the mean of the eigenvalues of `B`, as the
/// binomial series `c^(-1/2) sum_j c_j F^j`, cut off at the rounding error.
///
/// Its functions are inlined: where the compiler knows the order, vectors stay in registers.
///
/// # References
/// Higham (2008), Functions of Matrices, section 4.2 (evaluation by even and odd powers) and 4.3
/// (the error of a series cut off).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Series {
    /// Pairs of terms after the first two.
    pairs: usize,
    /// The mean of the eigenvalues of `E`.
    mean: f64,
    /// `c^(-1/2)`.
    scale: f64,
}

impl Series {
    /// Length of the matrices of order `n`: `F`, and `F^2` where it is used.
    pub const fn size(n: usize) -> usize {
        if n <= SPLIT_MAX { 2 * n * n } else { n * n }
    }

    /// The series for `E`; none where it is too long for so many vectors, as it is near a singular
    /// `B`.
    ///
    /// Shapes: `e`: n x n, full and symmetric.
    #[inline(always)]
    pub fn of(e: &[f64], n: usize, vectors: usize) -> Option<Self> {
        let mut mean = 0.0;
        for i in 0..n {
            mean += e[i * n + i];
        }
        mean /= n as f64;
        let mut square = 0.0;
        for i in 0..n {
            for j in 0..n {
                let v = e[i * n + j] - if i == j { mean } else { 0.0 };
                square += v * v;
            }
        }
        // The Frobenius norm of F bounds its eigenvalues.
        let c = 1.0 - mean;
        square /= c * c;
        let (mut pairs, mut power) = (0, square);
        while power > TAIL && pairs <= PAIRS_MAX {
            power *= square;
            pairs += 1;
        }
        let short = pairs <= PAIRS_MAX && 2 * pairs * vectors <= PRODUCTS_MAX * n;
        (c > 0.0 && power <= TAIL && short).then(|| Self { pairs, mean, scale: 1.0 / c.sqrt() })
    }

    /// Terms after the first.
    #[cfg(test)]
    pub fn terms(self) -> usize {
        2 * self.pairs + 1
    }

    /// Writes `F` and what [`Self::apply`] wants beside it.
    ///
    /// Shapes: `e`: n x n; `f`: [`Self::size`].
    #[inline(always)]
    pub fn write_matrices(self, e: &[f64], n: usize, f: &mut [f64]) {
        let factor = 1.0 / (1.0 - self.mean);
        for i in 0..n {
            for j in 0..n {
                f[i * n + j] = (e[i * n + j] - if i == j { self.mean } else { 0.0 }) * factor;
            }
        }
        if n <= SPLIT_MAX {
            let (f, squared) = f.split_at_mut(n * n);
            for j in 0..n {
                multiply(f, &f[j * n..(j + 1) * n], &mut squared[j * n..(j + 1) * n]);
            }
        }
    }

    /// Writes `B^(-1/2) x`.
    ///
    /// Shapes: `f`: the matrices written before; `x`, `out`: n; `product`: work space, n.
    #[inline(always)]
    pub fn apply(self, f: &[f64], x: &[f64], out: &mut [f64], product: &mut [f64]) {
        let n = x.len();
        if n <= SPLIT_MAX {
            self.apply_split(f, x, out, product);
        } else {
            add_up(f, &COEFFICIENTS[..2 * self.pairs + 2], x, out, product);
        }
        for v in out {
            *v *= self.scale;
        }
    }

    /// The sum `sum_i c_2i G^i x + sum_i c_(2i+1) G^i F x` with `G = F^2`: two sums by Horner's
    /// rule, of which neither waits for the other.
    #[inline(always)]
    fn apply_split(self, f: &[f64], x: &[f64], out: &mut [f64], product: &mut [f64]) {
        let n = x.len();
        let (f, squared) = f.split_at(n * n);
        let mut buffer = [0.0; 3 * SPLIT_MAX];
        let (fx, rest) = buffer.split_at_mut(n);
        let (odd, of_odd) = rest.split_at_mut(n);
        let of_odd = &mut of_odd[..n];
        multiply(f, x, fx);
        let [even_top, odd_top] = [0, 1].map(|j| COEFFICIENTS[2 * self.pairs + j]);
        for i in 0..n {
            (out[i], odd[i]) = (even_top * x[i], odd_top * fx[i]);
        }
        for j in (0..self.pairs).rev() {
            multiply(squared, out, product);
            multiply(squared, odd, of_odd);
            for i in 0..n {
                out[i] = product[i] + COEFFICIENTS[2 * j] * x[i];
                odd[i] = of_odd[i] + COEFFICIENTS[2 * j + 1] * fx[i];
            }
        }
        for i in 0..n {
            out[i] += odd[i];
        }
    }
}

/// The polynomial `sum_j c_j F^j x`, by Horner's rule.
#[inline(always)]
fn add_up(f: &[f64], coefficients: &[f64], x: &[f64], out: &mut [f64], product: &mut [f64]) {
    out.fill(0.0);
    for c in coefficients.iter().rev() {
        multiply(f, out, product);
        for ((o, p), x) in out.iter_mut().zip(&*product).zip(x) {
            *o = p + c * x;
        }
    }
}
