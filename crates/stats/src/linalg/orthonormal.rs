//! Predictors made orthonormal one after the other, without those that the ones before determine.

use super::gram_schmidt::orthogonalise;
use super::room;
use super::vector::dot;

/// Columns shorter than this, squared, are none.
const SQUARE_MIN: f64 = 1e-280;

/// `X = Q R` with orthonormal `Q`; columns of `X` that depend on those before them are left out.
#[derive(Clone, Debug, Default)]
pub struct Orthonormal {
    /// `m x rank` by column.
    pub q: Vec<f64>,
    /// Upper triangle by column, column stride `stride`.
    pub r: Vec<f64>,
    /// Column stride of `r`: number of columns of `X`.
    pub stride: usize,
    /// Whether each column of `X` was kept.
    pub kept: Vec<bool>,
    /// Kept columns in order.
    pub columns: Vec<usize>,
    m: usize,
}

impl Orthonormal {
    /// Begins with no column of up to `p`, each `m` long.
    pub fn begin(&mut self, m: usize, p: usize) {
        (self.m, self.stride) = (m, p);
        room(&mut self.q, m * p);
        room(&mut self.r, p * p).fill(0.0);
        self.kept.clear();
        self.columns.clear();
    }

    /// The place into which the next column of `X` is to be written.
    pub fn place(&mut self) -> &mut [f64] {
        let k = self.columns.len();
        &mut self.q[k * self.m..(k + 1) * self.m]
    }

    /// Takes the column in: it is dropped where its part outside the columns before it is at most
    /// `tolerance` of its norm. `None` where its square is not finite.
    pub fn take(&mut self, tolerance: f64) -> Option<()> {
        let (m, k, p) = (self.m, self.columns.len(), self.stride);
        let (before, rest) = self.q.split_at_mut(k * m);
        let v = &mut rest[..m];
        let square = dot(v, v);
        if !square.is_finite() {
            return None;
        }
        let r = &mut self.r[k * p..(k + 1) * p];
        r.fill(0.0);
        let left = orthogonalise(before, k, 0, v, square, &mut r[..k]);
        let kept = k < m && left > tolerance * tolerance * square && left > SQUARE_MIN;
        if kept {
            let norm = left.sqrt();
            r[k] = norm;
            v.iter_mut().for_each(|v| *v /= norm);
            self.columns.push(self.kept.len());
        }
        self.kept.push(kept);
        Some(())
    }

    /// Solves `R'h = g`, `g` by column of `X`, `h` by kept column.
    pub fn lower(&self, g: impl Fn(usize) -> f64, h: &mut [f64]) {
        for (i, &j) in self.columns.iter().enumerate() {
            let r = &self.r[i * self.stride..];
            let before: f64 = (0..i).map(|l| r[l] * h[l]).sum();
            h[i] = (g(j) - before) / r[i];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependent_columns_are_left_out_and_the_others_are_reproduced() {
        let x = [
            [1.0, 1.0, 1.0, 1.0],
            [0.0, 1.0, 0.0, 1.0],
            [2.0, -1.0, 2.0, -1.0],
            [3.0, 0.5, 1.0, 1.0],
            [0.0, 0.0, 0.0, 0.0],
        ];
        let mut basis = Orthonormal::default();
        basis.begin(4, 5);
        for column in &x {
            basis.place().copy_from_slice(column);
            assert!(basis.take(1e-9).is_some());
        }
        assert_eq!(basis.kept, [true, true, false, true, false]);
        assert_eq!(basis.columns, [0, 1, 3]);
        for (k, &j) in basis.columns.iter().enumerate() {
            for i in 0..4 {
                let sum: f64 = (0..=k).map(|l| basis.q[l * 4 + i] * basis.r[k * 5 + l]).sum();
                assert!((sum - x[j][i]).abs() < 1e-14);
            }
        }
        let mut h = [0.0; 3];
        basis.lower(|j| f64::from(u8::from(j == 3)), &mut h);
        for (k, _) in basis.columns.iter().enumerate() {
            let sum: f64 = (0..=k).map(|l| basis.r[k * 5 + l] * h[l]).sum();
            assert!((sum - f64::from(u8::from(k == 2))).abs() < 1e-14);
        }
        basis.place()[0] = f64::INFINITY;
        assert!(basis.take(1e-9).is_none());
    }
}
