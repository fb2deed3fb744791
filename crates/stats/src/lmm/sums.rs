//! Cross-products of the columns, within groups and between them: all that the fit reads of rows.

use super::basis::UNDERFLOW;
use super::groups::{Groups, Layout, Shape, weights};
use super::kernels::{
    From, all_equal, all_equal_to, at, dot_from, dot_weighted, grown, moments, sum_from, triangle,
};
use crate::{Observations, Rows};

/// Cross-products of the predictors and the outcome (the last of `q = p + 1` columns).
///
/// With `M_g` the weighted mean of the columns in group `g` and `s_g` its weight, the criterion at
/// any `theta` is a function of `within = sum_i w_i (z_i - M_g)(z_i - M_g)'` and, per distinct
/// `s_g`, of `between = sum_g s_g M_g M_g'`. Both are sums of positive terms, so that neither a
/// large nor a small `theta` costs digits.
///
/// Where the first predictor is constant, the other columns are measured from their value in one
/// row (`shift`): that removes a common offset before it can drown the differences.
#[derive(Debug, Default)]
pub(super) struct Sums {
    /// Number of columns, the outcome included.
    pub q: usize,
    /// Packed `q x q` cross-products within groups.
    pub within: Vec<f64>,
    /// Packed `q x q` cross-products of group means, a matrix per distinct size.
    pub between: Vec<f64>,
    /// Packed `q x q` sum of all of the above.
    pub total: Vec<f64>,
    /// Sum of squares of each column, not shifted.
    pub raw: Vec<f64>,
    /// What was subtracted from each column.
    pub shift: Vec<f64>,
    /// Value of the first predictor where it is constant and large enough to measure, else `None`.
    pub constant: Option<f64>,
    /// Group means, a column of all groups per column.
    means: Vec<f64>,
    /// Deviations from group means, a column of all rows per column.
    deviations: Vec<f64>,
}

impl Sums {
    /// Reads the rows.
    pub fn read(&mut self, rows: &Rows, layout: &Layout, groups: &Groups) {
        let q = rows.n_predictors() + 1;
        self.q = q;
        self.measure(rows, layout);
        if layout.shape.has_rows_within() {
            self.centre(rows, layout);
        }
        self.sum_within(rows, layout);
        match layout.shape {
            Shape::Flat | Shape::Even(_) => self.sum_between_alike(rows, layout, groups),
            Shape::OneRow | Shape::Ragged => self.sum_between(rows, layout, groups),
        }
        self.sum_total(layout, groups);
    }

    /// First column that is not the constant.
    fn first(&self) -> usize {
        usize::from(self.constant.is_some())
    }

    /// Finds the constant column and where the others are measured from.
    fn measure(&mut self, rows: &Rows, layout: &Layout) {
        let m = rows.len();
        let r = layout.reference;
        self.constant = (self.q > 1).then(|| &rows.x[..m]).and_then(|x| {
            let value = x[r];
            let same = match weights(rows) {
                Some(w) if layout.shape != Shape::Flat => all_equal_to(value, x, w),
                _ => all_equal(x),
            };
            let norm = value * value * layout.weight;
            (same && norm > 2.0 * UNDERFLOW && norm.is_finite()).then_some(value)
        });
        let shift = grown(&mut self.shift, self.q);
        for (j, shift) in shift.iter_mut().enumerate() {
            let shifted = self.constant.is_some() && j > 0;
            *shift = if shifted { column(rows, j)[r] } else { 0.0 };
        }
    }

    /// Group means of the columns and the deviations from them.
    fn centre(&mut self, rows: &Rows, layout: &Layout) {
        let (q, m, n) = (self.q, rows.len(), layout.n_means(rows));
        let first = self.first();
        let means = &mut grown(&mut self.means, q * n)[first * n..];
        let deviations = &mut grown(&mut self.deviations, q * m)[first * m..];
        let blocks = means.chunks_exact_mut(n).zip(deviations.chunks_exact_mut(m));
        for (j, (means, deviations)) in (first..).zip(blocks) {
            let (col, shift) = (column(rows, j), self.shift[j]);
            match (layout.shape, weights(rows)) {
                (Shape::Even(2), _) => centre_even::<2>(col, shift, means, deviations),
                (Shape::Even(3), _) => centre_even::<3>(col, shift, means, deviations),
                (Shape::Even(4), _) => centre_even::<4>(col, shift, means, deviations),
                (Shape::Even(5), _) => centre_even::<5>(col, shift, means, deviations),
                (_, None) => centre_single(col, rows.groups, shift, means, deviations),
                (_, Some(w)) => centre_weighted(col, w, rows.groups, shift, means, deviations),
            }
        }
    }

    fn sum_within(&mut self, rows: &Rows, layout: &Layout) {
        let (q, m) = (self.q, rows.len());
        let first = self.first();
        let within = grown(&mut self.within, triangle(q));
        within.fill(0.0);
        let product = |i: usize, j: usize| {
            let a = &self.deviations[i * m..(i + 1) * m];
            let b = &self.deviations[j * m..(j + 1) * m];
            match weights(rows) {
                None => dot_from(From::zero(a), From::zero(b)),
                Some(w) => dot_weighted(w, a, b),
            }
        };
        for i in (first..q).filter(|_| layout.shape.has_rows_within()) {
            within[at(i, i)] = product(i, i);
            for j in first..i {
                // A column that is constant within groups has no product with any other.
                if within[at(i, i)] != 0.0 && within[at(j, j)] != 0.0 {
                    within[at(i, j)] = product(i, j);
                }
            }
        }
        if let Observations::Collapsed { count, within: inner } = rows.observations {
            within[at(q - 1, q - 1)] += if layout.shape == Shape::Flat {
                sum_from(From::zero(inner))
            } else {
                count.iter().zip(inner).filter(|(c, _)| **c > 0.0).map(|(_, s)| s).sum()
            };
        }
    }

    /// Cross-products of the means of groups that are all alike.
    fn sum_between_alike(&mut self, rows: &Rows, layout: &Layout, groups: &Groups) {
        let (q, n) = (self.q, layout.n_means(rows));
        let first = self.first();
        let s = groups.sizes()[0];
        let between = grown(&mut self.between, triangle(q));
        let from = |j: usize| match layout.shape {
            Shape::Flat => From { values: column(rows, j), from: self.shift[j] },
            _ => From { values: &self.means[j * n..(j + 1) * n], from: 0.0 },
        };
        if q - first == 2 {
            let sums = moments(from(first), from(first + 1));
            between[at(first, first)] = s * sums.aa;
            between[at(first + 1, first)] = s * sums.ab;
            between[at(first + 1, first + 1)] = s * sums.bb;
            if let Some(c) = self.constant {
                between[at(1, 0)] = c * s * sums.a;
                between[at(2, 0)] = c * s * sums.b;
            }
        } else {
            for i in first..q {
                for j in first..=i {
                    between[at(i, j)] = s * dot_from(from(i), from(j));
                }
                if let Some(c) = self.constant {
                    between[at(i, 0)] = c * s * sum_from(from(i));
                }
            }
        }
        if let Some(c) = self.constant {
            between[0] = c * c * s * groups.members()[0];
        }
    }

    /// Cross-products of the means of groups of several sizes.
    fn sum_between(&mut self, rows: &Rows, layout: &Layout, groups: &Groups) {
        let (q, n) = (self.q, layout.n_means(rows));
        let between = grown(&mut self.between, groups.sizes().len() * triangle(q));
        between.fill(0.0);
        let one_row = layout.shape == Shape::OneRow;
        let from = |j: usize| {
            if one_row {
                From { values: column(rows, j), from: self.shift[j] }
            } else {
                From::zero(&self.means[j * n..(j + 1) * n])
            }
        };
        let means = Means { groups, rows: one_row.then_some(rows.groups), constant: self.constant };
        match (q, self.constant) {
            (2, Some(_)) => means.scatter([from(1)], between),
            (3, Some(_)) => means.scatter([from(1), from(2)], between),
            (4, Some(_)) => means.scatter([from(1), from(2), from(3)], between),
            _ => means.scatter_any(q, from, between),
        }
    }

    fn sum_total(&mut self, layout: &Layout, groups: &Groups) {
        let (q, tri) = (self.q, triangle(self.q));
        let total = grown(&mut self.total, tri);
        total.copy_from_slice(&self.within[..tri]);
        for b in self.between[..groups.sizes().len() * tri].chunks_exact(tri) {
            for (t, b) in total.iter_mut().zip(b) {
                *t += b;
            }
        }
        let raw = grown(&mut self.raw, q);
        for (j, raw) in raw.iter_mut().enumerate() {
            let c = self.shift[j];
            // Where nothing was subtracted, c is zero.
            let sum = self.constant.map_or(0.0, |v| total[at(j, 0)] / v);
            *raw = total[at(j, j)] + c * (2.0 * sum + c * layout.weight);
        }
    }

    /// Whether every sum is finite, which no infinite or missing value leaves it.
    pub fn is_finite(&self) -> bool {
        let total = &self.total[..triangle(self.q)];
        total.iter().chain(&self.raw[..self.q]).all(|v| v.is_finite())
    }

    /// Keeps only the predictors at `columns` (and the outcome).
    pub fn keep(&mut self, columns: &[usize], slots: usize) {
        let (q, old) = (self.q, triangle(self.q));
        let new = triangle(columns.len() + 1);
        compress(&mut self.within, 0, 0, columns, q);
        compress(&mut self.total, 0, 0, columns, q);
        for t in 0..slots {
            compress(&mut self.between, t * old, t * new, columns, q);
        }
        for (to, from) in columns.iter().copied().chain([q - 1]).enumerate() {
            self.shift[to] = self.shift[from];
            self.raw[to] = self.raw[from];
        }
        self.q = columns.len() + 1;
    }
}

/// Means of groups of several sizes, to be summed by size.
struct Means<'a> {
    groups: &'a Groups,
    /// Where each group's mean is, if not at the group's own number.
    rows: Option<&'a [u32]>,
    constant: Option<f64>,
}

impl Means<'_> {
    /// Number, slot and weight of each group that has an observation, and where its mean is.
    fn live(&self) -> impl Iterator<Item = (usize, usize, f64)> {
        let groups = self.groups.slot().iter().zip(self.groups.weight()).enumerate();
        groups.filter(|(_, (_, s))| **s > 0.0).map(|(g, (&slot, &s))| {
            (self.rows.map_or(g, |rows| rows[g] as usize), slot as usize, s)
        })
    }

    /// The few columns after a constant, their number known when this is compiled.
    fn scatter<const N: usize>(&self, columns: [From; N], between: &mut [f64]) {
        let tri = triangle(N + 1);
        let c = self.constant.unwrap_or(0.0);
        for (at_mean, slot, s) in self.live() {
            let z: [f64; N] = std::array::from_fn(|k| columns[k].get(at_mean));
            let b = &mut between[slot * tri..][..tri];
            b[0] += c * c * s;
            for i in 0..N {
                let scaled = s * z[i];
                b[at(i + 1, 0)] += c * scaled;
                for j in 0..=i {
                    b[at(i + 1, j + 1)] += scaled * z[j];
                }
            }
        }
    }

    /// Any number of columns.
    fn scatter_any<'a>(&self, q: usize, from: impl Fn(usize) -> From<'a>, between: &mut [f64]) {
        let tri = triangle(q);
        let mean = |j: usize, at_mean: usize| match self.constant {
            Some(c) if j == 0 => c,
            _ => from(j).get(at_mean),
        };
        for (at_mean, slot, s) in self.live() {
            let b = &mut between[slot * tri..][..tri];
            for i in 0..q {
                let scaled = s * mean(i, at_mean);
                for j in 0..=i {
                    b[at(i, j)] += scaled * mean(j, at_mean);
                }
            }
        }
    }
}

/// Column `j` of the rows; the one after the predictors is the outcome.
pub(super) fn column<'a>(rows: &Rows<'a>, j: usize) -> &'a [f64] {
    let m = rows.len();
    if (j + 1) * m <= rows.x.len() { &rows.x[j * m..(j + 1) * m] } else { rows.y }
}

/// Moves the elements of `columns` and of the last column of a packed matrix together, in place.
pub(super) fn compress(a: &mut [f64], from: usize, to: usize, columns: &[usize], q: usize) {
    let mut next = to;
    for i in columns.iter().copied().chain([q - 1]) {
        for j in columns.iter().copied().chain([q - 1]).take_while(|&j| j <= i) {
            a[next] = a[from + at(i, j)];
            next += 1;
        }
    }
}

/// Means and deviations of groups of `N` rows that are one observation each.
fn centre_even<const N: usize>(col: &[f64], shift: f64, means: &mut [f64], deviations: &mut [f64]) {
    let (groups, _) = col.as_chunks::<N>();
    let (deviations, _) = deviations.as_chunks_mut::<N>();
    for ((rows, d), mean) in groups.iter().zip(deviations).zip(means) {
        let base = rows[0];
        let inner = rows.iter().map(|v| v - base).sum::<f64>() * (1.0 / N as f64);
        for k in 0..N {
            d[k] = (rows[k] - base) - inner;
        }
        *mean = (base - shift) + inner;
    }
}

/// Means and deviations of rows that are one observation each.
fn centre_single(
    col: &[f64],
    groups: &[u32],
    shift: f64,
    means: &mut [f64],
    deviations: &mut [f64],
) {
    for (ends, mean) in groups.windows(2).zip(means) {
        let rows = &col[ends[0] as usize..ends[1] as usize];
        *mean = 0.0;
        // Measured from the first row, a constant group deviates by exactly zero.
        let Some(&base) = rows.first() else { continue };
        let inner = rows.iter().map(|v| v - base).sum::<f64>() / rows.len() as f64;
        for (d, v) in deviations[ends[0] as usize..ends[1] as usize].iter_mut().zip(rows) {
            *d = (v - base) - inner;
        }
        *mean = (base - shift) + inner;
    }
}

/// Means and deviations of rows with weights or counts; a row of weight zero has no deviation.
fn centre_weighted(
    col: &[f64],
    w: &[f64],
    groups: &[u32],
    shift: f64,
    means: &mut [f64],
    deviations: &mut [f64],
) {
    for (ends, mean) in groups.windows(2).zip(means) {
        let range = ends[0] as usize..ends[1] as usize;
        let live = || range.clone().filter(|&i| w[i] > 0.0);
        deviations[range.clone()].fill(0.0);
        *mean = 0.0;
        let Some(first) = live().next() else { continue };
        let base = col[first];
        let (mut weight, mut inner) = (0.0, 0.0);
        for i in live() {
            weight += w[i];
            inner += w[i] * (col[i] - base);
        }
        inner /= weight;
        for i in live() {
            deviations[i] = (col[i] - base) - inner;
        }
        *mean = (base - shift) + inner;
    }
}
