//! The inverse square root of a small positive semidefinite matrix near the identity.

use super::eigen;
use super::room;

/// Eigenvalues up to this count as zero (estimatr's bound).
pub const EIGENVALUE_MIN: f64 = 1e-12;
/// Quadrature nodes that are handled side by side.
const LANES: usize = 8;
/// Up to this many vectors quadrature costs less than the eigenvectors.
const VECTORS_MAX: usize = 8;
/// Norms of `E` up to which 8 and 16 nodes err by less than 1e-15.
const NORM_MAX: [f64; 2] = [0.357, 0.74];
/// `sin^2((2 j - 1) pi / (4 N))` for `N = 8`.
const NODES_8: [f64; LANES] = [
    0.009607359798384776,
    0.08426519384872738,
    0.22221488349019888,
    0.40245483899193585,
    0.5975451610080641,
    0.7777851165098011,
    0.9157348061512727,
    0.9903926402016152,
];
/// The same for `N = 16`: the nodes below and above a half.
const NODES_16: [[f64; LANES]; 2] = [
    [
        0.002407636663901557,
        0.021529832133895567,
        0.05903936782582248,
        0.11349477331863152,
        0.18280335791817726,
        0.26430163158700115,
        0.3548576613727688,
        0.4509914298352197,
    ],
    [
        0.5490085701647803,
        0.6451423386272311,
        0.7356983684129988,
        0.8171966420818227,
        0.8865052266813684,
        0.9409606321741775,
        0.9784701678661044,
        0.9975923633360985,
    ],
];

/// Work space of [`InverseRoot`].
#[derive(Clone, Debug, Default)]
pub struct InverseRoot {
    /// How the last matrix was taken apart.
    form: Form,
    /// Entries 11, 12 and 22 of the inverse root, up to order 2.
    small: [f64; 3],
    /// The inverse root beyond, n x n.
    full: Vec<f64>,
    work: Vec<f64>,
    /// For each node the factor `C` of `I - s E`, by column from the diagonal down; the inverse
    /// of `C_jj` stands on the diagonal.
    factor: Vec<[f64; LANES]>,
    lanes: Vec<[f64; LANES]>,
}

/// How the inverse root is represented.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Form {
    /// As a matrix.
    #[default]
    Full,
    /// As the mean of `(I - s E)^-1` over so many blocks of nodes `s`.
    Quadrature(usize),
}

impl InverseRoot {
    /// Takes `B = I - E` apart; tells whether `B` is singular.
    ///
    /// The Moore-Penrose inverse of the symmetric root is `B^(-1/2) = V diag(f(l)) V'` with
    /// `B = V diag(l) V'`, and `f(l) = l^(-1/2)`, or 0 where `l <=` [`EIGENVALUE_MIN`]. Order 2
    /// is in closed form. Beyond, for `E` of small norm and few vectors, it is the mean of
    /// `(I - s E)^-1` over `N` nodes `s = sin^2 a`, the midpoint rule for `(2 / pi)` times the
    /// integral over `a` in `(0, pi / 2)`; it errs by `2 q^(2 N)`, `q = |1 - l^(1/2)| /
    /// (1 + l^(1/2))`. Otherwise it is made from the eigenvectors.
    /// Shapes: `e`: n x n, full and symmetric, overwritten. `vectors` is the number of calls of
    /// [`Self::apply`] to come.
    /// Domain: entries of the order of 1.
    ///
    /// # References
    /// Levinger (1980), Mathematics Magazine 53:222 (order 2); Hale, Higham and Trefethen (2008),
    /// SIAM Journal on Numerical Analysis 46:2505 (quadrature of matrix functions).
    #[inline(always)]
    pub fn factor(&mut self, e: &mut [f64], n: usize, vectors: usize) -> bool {
        if n <= 2 {
            // For order 1 beside a zero, which is not singular by itself.
            let (b, c) = if n == 2 { (e[1], e[3]) } else { (0.0, 0.0) };
            let singular;
            (self.small, singular) = order_two(1.0 - e[0], -b, 1.0 - c);
            return singular;
        }
        self.factor_large(e, n, vectors)
    }

    /// [`Self::factor`] for orders above 2.
    fn factor_large(&mut self, e: &mut [f64], n: usize, vectors: usize) -> bool {
        // Made beforehand: a loop over problems may come to the second route late.
        let (full, work) = (room(&mut self.full, n * n), room(&mut self.work, n * n + 3 * n));
        if vectors <= VECTORS_MAX {
            let norm = e[..n * n].iter().map(|v| v * v).sum::<f64>().sqrt();
            if let Some(i) = NORM_MAX.iter().position(|max| norm <= *max) {
                let blocks = i + 1;
                let size = n * (n + 1) / 2;
                let factor = room(&mut self.factor, blocks * size);
                let lanes = room(&mut self.lanes, n);
                for (block, factor) in factor.chunks_exact_mut(size).enumerate() {
                    factorise(e, n, &nodes(blocks)[block], factor, lanes);
                }
                self.form = Form::Quadrature(blocks);
                return false;
            }
        }
        self.form = Form::Full;
        for v in &mut e[..n * n] {
            *v = -*v;
        }
        for i in 0..n {
            e[i * (n + 1)] += 1.0;
        }
        from_eigenvectors(e, n, full, work)
    }

    /// Writes `B^(-1/2) x` for the matrix taken apart last.
    #[inline(always)]
    pub fn apply(&mut self, x: &[f64], out: &mut [f64]) {
        let [a, b, c] = self.small;
        match x {
            [] => (),
            [x] => out[0] = a * x,
            [x, y] => (out[0], out[1]) = (a * x + b * y, b * x + c * y),
            _ => self.apply_large(x, out),
        }
    }

    /// [`Self::apply`] for orders above 2.
    fn apply_large(&mut self, x: &[f64], out: &mut [f64]) {
        let n = x.len();
        match self.form {
            Form::Full => {
                for i in 0..n {
                    out[i] = 0.0;
                    for j in 0..n {
                        out[i] += self.full[i * n + j] * x[j];
                    }
                }
            }
            Form::Quadrature(blocks) => {
                out[..n].fill(0.0);
                let size = n * (n + 1) / 2;
                for factor in self.factor[..blocks * size].chunks_exact(size) {
                    add_solution(factor, n, x, &mut self.lanes, out);
                }
                for v in &mut out[..n] {
                    *v /= (blocks * LANES) as f64;
                }
            }
        }
    }
}

/// The nodes of so many blocks.
fn nodes(blocks: usize) -> &'static [[f64; LANES]] {
    if blocks == 1 { std::slice::from_ref(&NODES_8) } else { &NODES_16 }
}

/// Factors `I - s E = C D^-1 C'`, `D` the diagonal of `C`, for each node `s`.
fn factorise(
    e: &[f64],
    n: usize,
    nodes: &[f64; LANES],
    factor: &mut [[f64; LANES]],
    row: &mut [[f64; LANES]],
) {
    // Column j starts at start(j), with its diagonal.
    let start = |j: usize| j * n - j * j.saturating_sub(1) / 2;
    for j in 0..n {
        for l in 0..j {
            let (c, d) = (factor[start(l) + j - l], factor[start(l)]);
            for x in 0..LANES {
                row[l][x] = c[x] * d[x];
            }
        }
        for i in j..n {
            let mut v = [f64::from(u8::from(i == j)); LANES];
            for x in 0..LANES {
                v[x] -= nodes[x] * e[j * n + i];
            }
            for l in 0..j {
                let c = factor[start(l) + i - l];
                for x in 0..LANES {
                    v[x] -= c[x] * row[l][x];
                }
            }
            if i == j {
                v = v.map(|v| 1.0 / v);
            }
            factor[start(j) + i - j] = v;
        }
    }
}

/// Adds the sum over the nodes of `(I - s E)^-1 x`.
fn add_solution(
    factor: &[[f64; LANES]],
    n: usize,
    x: &[f64],
    lanes: &mut [[f64; LANES]],
    out: &mut [f64],
) {
    for i in 0..n {
        lanes[i] = [x[i]; LANES];
    }
    let mut start = 0;
    for j in 0..n {
        let column = &factor[start..start + n - j];
        start += n - j;
        let mut u = lanes[j];
        for l in 0..LANES {
            u[l] *= column[0][l];
        }
        lanes[j] = u;
        for (c, v) in column[1..].iter().zip(&mut lanes[j + 1..n]) {
            for l in 0..LANES {
                v[l] -= c[l] * u[l];
            }
        }
    }
    for j in (0..n).rev() {
        start -= n - j;
        let column = &factor[start..start + n - j];
        let mut s = [0.0; LANES];
        for (c, v) in column[1..].iter().zip(&lanes[j + 1..n]) {
            for l in 0..LANES {
                s[l] += c[l] * v[l];
            }
        }
        let z = &mut lanes[j];
        for l in 0..LANES {
            z[l] -= column[0][l] * s[l];
        }
        out[j] += ((z[0] + z[4]) + (z[2] + z[6])) + ((z[1] + z[5]) + (z[3] + z[7]));
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
        let mut forms = [0; 3];
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
                        forms[match root.form {
                            Form::Full => 0,
                            Form::Quadrature(blocks) => blocks,
                        }] += 1;
                    }
                }
            }
        }
        assert!(forms.iter().all(|n| *n > 20), "{forms:?}");
    }

    #[test]
    fn quadrature_is_exact_up_to_its_bound_on_both_sides() {
        let mut root = InverseRoot::default();
        for (i, max) in NORM_MAX.iter().enumerate() {
            for e in [0.999 * max, -0.999 * max] {
                let matrix = [e, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
                let (_, out) = columns(&mut root, &matrix, 3, 1);
                assert_eq!(root.form, Form::Quadrature(i + 1));
                assert!((out[0] * (1.0 - e).sqrt() - 1.0).abs() < 2e-15, "{e} {}", out[0]);
                assert!((out[4] - 1.0).abs() < 4e-16);
            }
        }
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
