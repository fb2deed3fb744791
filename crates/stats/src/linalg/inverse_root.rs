//! The inverse square root of a small positive semidefinite matrix near the identity.

use super::eigen;
use super::room;
use super::series::Series;
use super::vector::multiply;

/// Eigenvalues up to this count as zero (estimatr's bound).
pub const EIGENVALUE_MIN: f64 = 1e-12;
/// Work space of inverse roots.
#[derive(Clone, Debug, Default)]
pub struct InverseRoot {
    /// Entries 11, 12 and 22 of the inverse root, up to order 2.
    small: [f64; 3],
    /// Beyond, the series in `F`, if there is one.
    series: Option<Series>,
    /// The inverse root, n x n, or the matrices of the series.
    full: Vec<f64>,
    work: Vec<f64>,
}

impl InverseRoot {
    /// Takes `B = I - E` apart; tells whether `B` is singular.
    ///
    /// The Moore-Penrose inverse of the symmetric root is `B^(-1/2) = V diag(f(l)) V'` with
    /// `B = V diag(l) V'`, and `f(l) = l^(-1/2)`, or 0 where `l <=` [`EIGENVALUE_MIN`]. Order 2
    /// is in closed form. Beyond, it is a [`Series`] where that is short, and otherwise made from
    /// the eigenvectors.
    /// Shapes: `e`: n x n, full and symmetric, overwritten. `vectors` is the number of calls of
    /// [`Self::apply`] to come.
    /// Domain: entries of the order of 1.
    ///
    /// # References
    /// Levinger (1980), Mathematics Magazine 53:222 (order 2).
    #[inline(always)]
    pub fn factor(&mut self, e: &mut [f64], n: usize, vectors: usize) -> bool {
        if n <= 2 {
            // For order 1 beside a zero, which is not singular by itself.
            let (b, c) = if n == 2 { (e[1], e[3]) } else { (0.0, 0.0) };
            let singular;
            (self.small, singular) = order_two(1.0 - e[0], -b, 1.0 - c);
            return singular;
        }
        self.factor_large(&mut e[..n * n], n, vectors)
    }

    /// Makes room for matrices of order `n`, of which a loop over problems may find the first one
    /// late.
    pub fn make_room(&mut self, n: usize) {
        room(&mut self.full, 2 * n * n);
        room(&mut self.work, n * n + 3 * n);
    }

    /// [`Self::factor`] for orders above 2.
    fn factor_large(&mut self, e: &mut [f64], n: usize, vectors: usize) -> bool {
        self.make_room(n);
        let (full, work) = (&mut self.full[..2 * n * n], &mut self.work[..n * n + 3 * n]);
        self.series = Series::of(e, n, vectors);
        if let Some(series) = self.series {
            series.write_matrices(e, n, full);
            return false;
        }
        for (i, v) in e.iter_mut().enumerate() {
            *v = if i % (n + 1) == 0 { 1.0 - *v } else { -*v };
        }
        from_eigenvectors(e, n, &mut full[..n * n], work)
    }

    /// Writes `B^(-1/2) x` for the matrix taken apart last.
    #[inline(always)]
    pub fn apply(&mut self, x: &[f64], out: &mut [f64]) {
        let [a, b, c] = self.small;
        match x {
            [] => (),
            [x] => out[0] = a * x,
            [x, y] => (out[0], out[1]) = (a * x + b * y, b * x + c * y),
            _ => self.apply_large(x, &mut out[..x.len()]),
        }
    }

    /// [`Self::apply`] for orders above 2.
    fn apply_large(&mut self, x: &[f64], out: &mut [f64]) {
        let n = x.len();
        match self.series {
            Some(series) => series.apply(&self.full, x, out, &mut self.work[..n]),
            None => multiply(&self.full[..n * n], x, out),
        }
    }
}

/// The inverse root of `B = [[a, b], [b, c]]`: its entries 11, 12, 22, and whether `B` is singular.
///
/// `B^(-1/2) = (adj B + d I) / (d sqrt(trace + 2 d))` with `d` the root of `det B`; as in
/// [`InverseRoot::factor`], a pseudo-inverse.
///
/// # References
/// Levinger (1980), Mathematics Magazine 53:222.
#[inline(always)]
pub fn order_two(a: f64, b: f64, c: f64) -> ([f64; 3], bool) {
    let (trace, det) = (a + c, a * c - b * b);
    // The smaller eigenvalue is at least det / trace.
    if det > EIGENVALUE_MIN * trace && trace > 0.0 {
        let root = det.sqrt();
        let f = 1.0 / (root * (trace + 2.0 * root).sqrt());
        return ([(c + root) * f, -b * f, (a + root) * f], false);
    }
    nearly_singular(a, b, c)
}

/// [`order_two`] by the eigenvectors.
#[cold]
fn nearly_singular(a: f64, b: f64, c: f64) -> ([f64; 3], bool) {
    let large = 0.5 * ((a + c) + ((a - c) * (a - c) + 4.0 * b * b).sqrt());
    let small = (a * c - b * b) / large;
    let (u, v) = if a >= c { (large - c, b) } else { (b, large - a) };
    // With both eigenvalues alike any direction will do.
    let (u, v) = if u == 0.0 && v == 0.0 { (1.0, 0.0) } else { (u, v) };
    let square = u * u + v * v;
    // Not `l > ...`: what is not a number has to come through.
    let f = |l: f64| if l <= EIGENVALUE_MIN { 0.0 } else { 1.0 / l.sqrt() / square };
    let (f, g) = (f(large), if large == 0.0 { 0.0 } else { f(small) });
    let singular = small <= EIGENVALUE_MIN || large <= EIGENVALUE_MIN;
    ([f * u * u + g * v * v, (f - g) * u * v, f * v * v + g * u * u], singular)
}

/// For any order; `b` is overwritten.
#[inline(never)]
fn from_eigenvectors(b: &mut [f64], n: usize, out: &mut [f64], work: &mut [f64]) -> bool {
    let (vectors, rest) = work.split_at_mut(n * n);
    let (values, rest) = rest.split_at_mut(n);
    eigen::symmetric(b, n, values, vectors, rest);
    let mut singular = false;
    for k in 0..n {
        // The fourth root on both sides of the outer product.
        let zero = values[k] <= EIGENVALUE_MIN;
        singular |= zero;
        let f = if zero { 0.0 } else { 1.0 / values[k].sqrt().sqrt() };
        for v in &mut vectors[k * n..(k + 1) * n] {
            *v *= f;
        }
    }
    out.fill(0.0);
    for v in vectors.chunks_exact(n) {
        for i in 0..n {
            for j in 0..n {
                out[i * n + j] += v[i] * v[j];
            }
        }
    }
    singular
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `n` orthonormal vectors: a Householder matrix.
    fn basis(n: usize, seed: f64) -> Vec<f64> {
        let v: Vec<f64> = (0..n).map(|i| ((i as f64 + 1.0) * seed).sin()).collect();
        let square: f64 = v.iter().map(|x| x * x).sum();
        let entry = |i, j| f64::from(u8::from(i == j)) - 2.0 * v[i] * v[j] / square;
        (0..n * n).map(|i| entry(i / n, i % n)).collect()
    }

    /// `V diag(f(l)) V'`.
    fn assemble(v: &[f64], n: usize, l: &[f64], f: impl Fn(f64) -> f64) -> Vec<f64> {
        let entry = |i, j| (0..n).map(|k| v[k * n + i] * f(l[k]) * v[k * n + j]).sum();
        (0..n * n).map(|i| entry(i / n, i % n)).collect()
    }

    /// The inverse root, column by column, and whether it is singular.
    fn columns(root: &mut InverseRoot, e: &[f64], n: usize, vectors: usize) -> (bool, Vec<f64>) {
        let singular = root.factor(&mut e.to_vec(), n, vectors);
        let mut out = vec![0.0; n * n];
        for j in 0..n {
            let unit: Vec<f64> = (0..n).map(|i| f64::from(u8::from(i == j))).collect();
            root.apply(&unit, &mut out[j * n..(j + 1) * n]);
        }
        (singular, out)
    }

    #[test]
    fn known_spectra_give_known_roots() {
        let mut root = InverseRoot::default();
        let mut forms = [0; 2];
        for n in 1..=9 {
            for case in 0..40 {
                let v = basis(n, 0.37 + case as f64);
                // From nearly the identity to singular.
                let spread = case as f64 / 30.0;
                let l: Vec<f64> = (0..n)
                    .map(|k| 1.0 - spread * ((k * 7 + case) % 5) as f64 / 4.0)
                    .map(|l| if l < 1e-3 { 0.0 } else { l })
                    .collect();
                let e = assemble(&v, n, &l, |x| 1.0 - x);
                let f = |x: f64| if x == 0.0 { 0.0 } else { x.powf(-0.5) };
                let expected = assemble(&v, n, &l, f);
                for vectors in [1, 100] {
                    let (singular, out) = columns(&mut root, &e, n, vectors);
                    assert_eq!(singular, l.contains(&0.0), "{n} {case}");
                    let size = expected.iter().fold(1.0_f64, |m, x| m.max(x.abs()));
                    for (a, b) in out.iter().zip(&expected) {
                        assert!((a - b).abs() < 4e-14 * size.powi(3), "{n} {case}: {a} {b}");
                    }
                    if n > 2 {
                        forms[usize::from(root.series.is_some())] += 1;
                    }
                }
            }
        }
        assert!(forms.iter().all(|n| *n > 20), "{forms:?}");
    }

    #[test]
    fn the_series_is_exact_at_every_length() {
        let mut root = InverseRoot::default();
        let mut longest = 0;
        for step in 0..60 {
            // Eigenvalues 1 - e, 1 + e, 1 of B: their mean is 1, F has the norm sqrt(2) e.
            let e = 0.33 * f64::from(step) / 60.0;
            let matrix = [e, 0.0, 0.0, 0.0, -e, 0.0, 0.0, 0.0, 0.0];
            let (_, out) = columns(&mut root, &matrix, 3, 0);
            longest = longest.max(root.series.expect("a series").terms());
            for (place, expected) in [(0, 1.0 / (1.0 - e).sqrt()), (4, 1.0 / (1.0 + e).sqrt())] {
                assert!((out[place] / expected - 1.0).abs() < 1e-15, "{e} {}", out[place]);
            }
            assert!((out[8] - 1.0).abs() < 4e-16);
        }
        assert!(longest > 40, "{longest}");
    }

    #[test]
    fn order_two_agrees_with_the_eigenvectors() {
        let cases = [(1.0, 0.0, 1.0), (0.5, 0.3, 0.9), (1e-9, 1e-10, 1.0), (2.0, -1.9, 1.9)];
        for (a, b, c) in cases.into_iter().chain([(1.0, 1.0, 1.0), (0.0, 0.0, 0.0)]) {
            let (mut y, mut work) = ([0.0; 4], [0.0; 10]);
            let singular = from_eigenvectors(&mut [a, b, b, c], 2, &mut y, &mut work);
            let y = [y[0], y[1], y[3]];
            for (x, x_singular) in [order_two(a, b, c), nearly_singular(a, b, c)] {
                assert_eq!(x_singular, singular);
                for i in 0..3 {
                    let norm = y[0].abs() + y[2].abs();
                    assert!((x[i] - y[i]).abs() <= 1e-12 * norm, "{a} {b} {c}: {x:?} {y:?}");
                }
            }
        }
    }
}
