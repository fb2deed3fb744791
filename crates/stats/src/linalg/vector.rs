//! Sums, products and updates of vectors, in lanes that the compiler turns into SIMD.
//!
//! Each sum keeps eight partial sums, always added up in the same order: the same bits on every
//! machine, and faster and more accurate than one running sum. Slices of one call have one length.
//! What is left over when the lanes are full has a sum of its own: were it spread over the lanes,
//! the compiler would no longer keep them together.

use wide::f64x4;

/// Number of partial sums.
const LANES: usize = 8;

/// Adds up the partial sums.
#[inline(always)]
fn total(s: [f64; LANES]) -> f64 {
    ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))
}

/// The sum of a vector.
#[inline]
pub fn sum(a: &[f64]) -> f64 {
    let (chunks, rest) = a.as_chunks::<LANES>();
    let (mut s, mut r) = ([0.0; LANES], 0.0);
    for c in chunks {
        for l in 0..LANES {
            s[l] += c[l];
        }
    }
    for v in rest {
        r += v;
    }
    total(s) + r
}

/// The inner product `a'b`.
#[inline]
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    let ((ac, ar), (bc, br)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let (mut s, mut r) = ([0.0; LANES], 0.0);
    for (a, b) in ac.iter().zip(bc) {
        for l in 0..LANES {
            s[l] += a[l] * b[l];
        }
    }
    for (a, b) in ar.iter().zip(br) {
        r += a * b;
    }
    total(s) + r
}

/// The inner products of a vector with several others, in one pass.
///
/// For short vectors: half as many partial sums as in [`dot`]. Their lanes are spelt out: left to
/// itself the compiler puts sums of different vectors together, and shuffles.
#[inline(always)]
pub fn dots<const W: usize>(a: &[f64], others: [&[f64]; W]) -> [f64; W] {
    let (ac, ar) = a.as_chunks::<4>();
    let others = others.map(|b| b[..a.len()].as_chunks::<4>());
    let mut lanes = [f64x4::ZERO; W];
    for (i, a) in ac.iter().enumerate() {
        let a = f64x4::new(*a);
        for w in 0..W {
            lanes[w] += a * f64x4::new(others[w].0[i]);
        }
    }
    let mut s = lanes.map(f64x4::to_array);
    for (i, a) in ar.iter().enumerate() {
        for w in 0..W {
            s[w][0] += a * others[w].1[i];
        }
    }
    s.map(|s| (s[0] + s[2]) + (s[1] + s[3]))
}

/// Writes `A x` for a symmetric matrix.
///
/// Shapes: `a`: n x n; `x`, `out`: n. Two columns at a time, so that sums wait less for each other.
#[inline(always)]
pub fn multiply(a: &[f64], x: &[f64], out: &mut [f64]) {
    let n = x.len();
    let column = |j: usize| &a[j * n..(j + 1) * n];
    for i in 0..n {
        out[i] = 0.0;
    }
    let mut j = 0;
    while j + 1 < n {
        let (one, two) = (column(j), column(j + 1));
        for i in 0..n {
            out[i] += one[i] * x[j] + two[i] * x[j + 1];
        }
        j += 2;
    }
    if j < n {
        let last = column(j);
        for i in 0..n {
            out[i] += last[i] * x[j];
        }
    }
}

/// The weighted inner product `sum_i w[i] a[i] b[i]`.
#[inline]
pub fn dot_weighted(a: &[f64], b: &[f64], w: &[f64]) -> f64 {
    let ((ac, ar), (bc, br)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let (wc, wr) = w.as_chunks::<LANES>();
    let (mut s, mut r) = ([0.0; LANES], 0.0);
    for ((a, b), w) in ac.iter().zip(bc).zip(wc) {
        for l in 0..LANES {
            s[l] += w[l] * (a[l] * b[l]);
        }
    }
    for ((a, b), w) in ar.iter().zip(br).zip(wr) {
        r += w * (a * b);
    }
    total(s) + r
}

/// Replaces `y` by `y - alpha x`.
#[inline]
pub fn take_out(alpha: f64, x: &[f64], y: &mut [f64]) {
    for (x, y) in x.iter().zip(y) {
        *y -= alpha * x;
    }
}

/// Replaces `y` by `y - alpha x` and returns the new sum of squares of `y`.
#[inline]
pub fn subtract(alpha: f64, x: &[f64], y: &mut [f64]) -> f64 {
    let (xc, xr) = x.as_chunks::<LANES>();
    let (yc, yr) = y.as_chunks_mut::<LANES>();
    let (mut s, mut r) = ([0.0; LANES], 0.0);
    for (x, y) in xc.iter().zip(yc) {
        for l in 0..LANES {
            y[l] -= alpha * x[l];
            s[l] += y[l] * y[l];
        }
    }
    for (x, y) in xr.iter().zip(yr) {
        *y -= alpha * x;
        r += *y * *y;
    }
    total(s) + r
}

/// Multiplies a vector by a number.
#[inline]
pub fn scale(alpha: f64, y: &mut [f64]) {
    for v in y {
        *v *= alpha;
    }
}

/// Writes `x - shift` to `out`; returns the sum and the sum of squares of what was written.
#[inline]
pub fn center(x: &[f64], shift: f64, out: &mut [f64]) -> (f64, f64) {
    let (xc, xr) = x.as_chunks::<LANES>();
    let (oc, or) = out.as_chunks_mut::<LANES>();
    let (mut s, mut ss) = ([0.0; LANES], [0.0; LANES]);
    let (mut r, mut rr) = (0.0, 0.0);
    for (x, o) in xc.iter().zip(oc) {
        for l in 0..LANES {
            o[l] = x[l] - shift;
            s[l] += o[l];
            ss[l] += o[l] * o[l];
        }
    }
    for (x, o) in xr.iter().zip(or) {
        *o = x - shift;
        r += *o;
        rr += *o * *o;
    }
    (total(s) + r, total(ss) + rr)
}

/// Writes `(x - shift) * root` to `out`; returns the inner product with `root` and the sum of
/// squares of what was written.
#[inline]
pub fn center_scaled(x: &[f64], shift: f64, root: &[f64], out: &mut [f64]) -> (f64, f64) {
    let (xc, xr) = x.as_chunks::<LANES>();
    let (wc, wr) = root.as_chunks::<LANES>();
    let (oc, or) = out.as_chunks_mut::<LANES>();
    let (mut s, mut ss) = ([0.0; LANES], [0.0; LANES]);
    let (mut r, mut rr) = (0.0, 0.0);
    for ((x, w), o) in xc.iter().zip(wc).zip(oc) {
        for l in 0..LANES {
            o[l] = (x[l] - shift) * w[l];
            s[l] += o[l] * w[l];
            ss[l] += o[l] * o[l];
        }
    }
    for ((x, w), o) in xr.iter().zip(wr).zip(or) {
        *o = (x - shift) * w;
        r += *o * w;
        rr += *o * *o;
    }
    (total(s) + r, total(ss) + rr)
}

/// Whether every entry equals `value`.
#[inline]
pub fn all_equal(a: &[f64], value: f64) -> bool {
    let (chunks, rest) = a.as_chunks::<LANES>();
    chunks.iter().all(|c| c.iter().fold(true, |same, v| same & (*v == value)))
        && rest.iter().all(|v| *v == value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(n: usize, step: f64) -> Vec<f64> {
        (0..n).map(|i| ((i as f64 + 1.0) * step).sin()).collect()
    }

    #[test]
    fn kernels_equal_plain_loops_at_every_length() {
        for n in 0..40 {
            let (a, b, w) = (numbers(n, 0.7), numbers(n, 1.3), numbers(n, 2.1));
            let close = |x: f64, y: f64| assert!((x - y).abs() <= 1e-14, "{n}: {x} {y}");
            close(sum(&a), a.iter().sum());
            close(dot(&a, &b), a.iter().zip(&b).map(|(x, y)| x * y).sum());
            let c = numbers(n, 0.4);
            let [ac, ab, aw] = dots(&a, [&c, &b, &w]);
            close(ac, dot(&a, &c));
            close(ab, dot(&a, &b));
            close(aw, dot(&a, &w));
            close(dot_weighted(&a, &b, &w), (0..n).map(|i| a[i] * b[i] * w[i]).sum());
            let mut y = b.clone();
            let ss = subtract(0.3, &a, &mut y);
            for i in 0..n {
                close(y[i], b[i] - 0.3 * a[i]);
            }
            close(ss, y.iter().map(|v| v * v).sum());
            let mut out = vec![0.0; n];
            let (s, ss) = center(&a, 0.2, &mut out);
            close(s, out.iter().sum());
            close(ss, out.iter().map(|v| v * v).sum());
            let (s, ss) = center_scaled(&a, 0.2, &w, &mut out);
            for i in 0..n {
                close(out[i], (a[i] - 0.2) * w[i]);
            }
            close(s, (0..n).map(|i| out[i] * w[i]).sum());
            close(ss, out.iter().map(|v| v * v).sum());
        }
    }

    #[test]
    fn a_symmetric_matrix_times_a_vector() {
        let mut out = [f64::NAN; 2];
        multiply(&[2.0, -1.0, -1.0, 3.0], &[5.0, 7.0], &mut out);
        assert_eq!(out, [3.0, 16.0]);
        let mut out = [f64::NAN; 3];
        multiply(&[2.0, -1.0, 4.0, -1.0, 3.0, 0.0, 4.0, 0.0, 1.0], &[5.0, 7.0, 2.0], &mut out);
        assert_eq!(out, [11.0, 16.0, 22.0]);
    }

    #[test]
    fn equality_is_noticed_at_every_place() {
        for n in 1..40 {
            assert!(all_equal(&vec![2.0; n], 2.0));
            for i in 0..n {
                let mut a = vec![2.0; n];
                a[i] = 2.5;
                assert!(!all_equal(&a, 2.0));
                a[i] = f64::NAN;
                assert!(!all_equal(&a, 2.0));
            }
        }
    }
}
