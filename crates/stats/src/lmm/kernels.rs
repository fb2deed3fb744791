//! Sums over columns and the packed triangular algebra that the mixed model is built from.
//!
//! A symmetric matrix is kept as the rows of its lower triangle, one after the other: element
//! `(i, j)`, `j <= i`, is at `i (i + 1) / 2 + j`. Sums run over eight lanes in a fixed order, so
//! that the same rows give the same bits.

pub(super) use crate::buffer::room as grown;

const LANES: usize = 8;

/// Number of stored elements of a symmetric matrix of order `q`.
#[inline(always)]
pub(super) fn triangle(q: usize) -> usize {
    q * (q + 1) / 2
}

/// Position of element `(i, j)` of a packed symmetric matrix, `j <= i`.
#[inline(always)]
pub(super) fn at(i: usize, j: usize) -> usize {
    i * (i + 1) / 2 + j
}

/// Position of element `(i, j)` of a packed symmetric matrix, whichever index is larger.
#[inline(always)]
pub(super) fn at_any(i: usize, j: usize) -> usize {
    if i >= j { at(i, j) } else { at(j, i) }
}

/// A column measured from some value: its elements are `values[i] - from`.
#[derive(Clone, Copy, Debug)]
pub(super) struct From<'a> {
    pub values: &'a [f64],
    pub from: f64,
}

impl<'a> From<'a> {
    /// The column as it is.
    pub fn zero(values: &'a [f64]) -> Self {
        Self { values, from: 0.0 }
    }

    /// Element `i`.
    #[inline(always)]
    pub fn get(&self, i: usize) -> f64 {
        self.values[i] - self.from
    }
}

/// Sum of a column.
pub(super) fn sum_from(a: From) -> f64 {
    let mut lanes = [0.0; LANES];
    let (blocks, rest) = a.values.as_chunks::<LANES>();
    for block in blocks {
        for k in 0..LANES {
            lanes[k] += block[k] - a.from;
        }
    }
    fold(lanes) + rest.iter().map(|v| v - a.from).sum::<f64>()
}

/// Inner product of two columns of one length.
pub(super) fn dot_from(a: From, b: From) -> f64 {
    let mut lanes = [0.0; LANES];
    let (blocks_a, rest_a) = a.values.as_chunks::<LANES>();
    let (blocks_b, rest_b) = b.values.as_chunks::<LANES>();
    for (x, y) in blocks_a.iter().zip(blocks_b) {
        for k in 0..LANES {
            lanes[k] += (x[k] - a.from) * (y[k] - b.from);
        }
    }
    let rest = rest_a.iter().zip(rest_b).map(|(x, y)| (x - a.from) * (y - b.from));
    fold(lanes) + rest.sum::<f64>()
}

/// Sums and sums of products of two columns of one length.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moments {
    pub a: f64,
    pub b: f64,
    pub aa: f64,
    pub ab: f64,
    pub bb: f64,
}

/// Moments of two columns in one pass.
pub(super) fn moments(a: From, b: From) -> Moments {
    let lanes = moment_lanes(a, b);
    let fold = |l: [f64; 4]| (l[0] + l[2]) + (l[1] + l[3]);
    let mut sums = Moments {
        a: fold(lanes[0]),
        b: fold(lanes[1]),
        aa: fold(lanes[2]),
        ab: fold(lanes[3]),
        bb: fold(lanes[4]),
    };
    let (rest_a, rest_b) = (a.values.as_chunks::<4>().1, b.values.as_chunks::<4>().1);
    for (x, y) in rest_a.iter().zip(rest_b) {
        let (u, v) = (x - a.from, y - b.from);
        sums.a += u;
        sums.b += v;
        sums.aa += u * u;
        sums.ab += u * v;
        sums.bb += v * v;
    }
    sums
}

/// The sums of [`Moments`], each in four lanes, over all whole blocks of four.
///
/// Kept apart from what adds the lanes up: seen together, the compiler pairs one sum with another
/// instead of lane with lane, and shuffles in the loop.
#[inline(never)]
fn moment_lanes(a: From, b: From) -> [[f64; 4]; 5] {
    let mut sums = [[0.0; 4]; 5];
    let (blocks_a, _) = a.values.as_chunks::<4>();
    let (blocks_b, _) = b.values.as_chunks::<4>();
    for (x, y) in blocks_a.iter().zip(blocks_b) {
        for k in 0..4 {
            let (u, v) = (x[k] - a.from, y[k] - b.from);
            sums[0][k] += u;
            sums[1][k] += v;
            sums[2][k] += u * u;
            sums[3][k] += u * v;
            sums[4][k] += v * v;
        }
    }
    sums
}

/// Inner product of two columns of one length, each row weighted.
pub(super) fn dot_weighted(w: &[f64], a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    let (blocks_w, rest_w) = w.as_chunks::<LANES>();
    let (blocks_a, rest_a) = a.as_chunks::<LANES>();
    let (blocks_b, rest_b) = b.as_chunks::<LANES>();
    for ((v, x), y) in blocks_w.iter().zip(blocks_a).zip(blocks_b) {
        for k in 0..LANES {
            lanes[k] += v[k] * x[k] * y[k];
        }
    }
    let rest = rest_w.iter().zip(rest_a).zip(rest_b);
    fold(lanes) + rest.map(|((v, x), y)| v * x * y).sum::<f64>()
}

/// Sum of the lanes, neighbours last: pairs of lanes then stay together in a register of two.
fn fold(l: [f64; LANES]) -> f64 {
    ((l[0] + l[2]) + (l[4] + l[6])) + ((l[1] + l[3]) + (l[5] + l[7]))
}

/// Whether every element equals the first; false where one is not a number.
pub(super) fn all_equal(a: &[f64]) -> bool {
    // No early way out: the loop then runs several elements at a time.
    a.first().is_none_or(|&first| !a.iter().fold(false, |differs, &v| differs | (v != first)))
}

/// Whether every element of positive weight equals `value`.
pub(super) fn all_equal_to(value: f64, a: &[f64], w: &[f64]) -> bool {
    !a.iter().zip(w).fold(false, |differs, (&v, &w)| differs | ((w > 0.0) & (v != value)))
}

/// Factors a packed symmetric matrix in place as `L D L'`: `L` unit lower triangular below the
/// diagonal, `D` on it. Returns false where some pivot is not positive.
#[inline(always)]
pub(super) fn factor(a: &mut [f64], q: usize) -> bool {
    let mut positive = true;
    for i in 0..q {
        for j in 0..i {
            let mut s = a[at(i, j)];
            for k in 0..j {
                s -= a[at(i, k)] * a[at(j, k)];
            }
            a[at(i, j)] = s;
        }
        let mut pivot = a[at(i, i)];
        for k in 0..i {
            let scaled = a[at(i, k)];
            let l = scaled / a[at(k, k)];
            pivot -= l * scaled;
            a[at(i, k)] = l;
        }
        a[at(i, i)] = pivot;
        positive &= pivot > 0.0;
    }
    positive
}

/// Factors as [`factor`] does, leaving out each of the first `p` columns whose pivot falls below
/// `floor(column)`: its pivot and its multipliers become zero and `kept[column]` false.
pub(super) fn factor_dropping(
    a: &mut [f64],
    q: usize,
    kept: &mut [bool],
    floor: impl Fn(usize) -> f64,
) {
    let p = kept.len();
    for i in 0..q {
        for j in 0..i {
            let mut s = a[at(i, j)];
            for k in 0..j {
                s -= a[at(i, k)] * a[at(j, k)];
            }
            a[at(i, j)] = if kept[j] { s } else { 0.0 };
        }
        let mut pivot = a[at(i, i)];
        for k in (0..i).filter(|&k| kept[k]) {
            let scaled = a[at(i, k)];
            let l = scaled / a[at(k, k)];
            pivot -= l * scaled;
            a[at(i, k)] = l;
        }
        a[at(i, i)] = pivot;
        if i < p {
            kept[i] = pivot > floor(i);
            if !kept[i] {
                a[at(i, i)] = 0.0;
            }
        }
    }
}
