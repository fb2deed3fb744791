//! Tests of several hypotheses at once: Wald's form in each replicate.
//!
//! [`Sums`] are of as many combinations `L b` of coefficients as there are hypotheses `L b = c`. In
//! the coordinates of `Q` these are rows `P`, each of length one, and the distance of the data from
//! the hypotheses is `t`, in units of the combinations.
//!
//! # References
//! Cameron, Gelbach and Miller (2008), Review of Economics and Statistics 90:414; Roodman,
//! MacKinnon, Nielsen and Webb (2019), Stata Journal 19:4 (several restrictions at once).

use super::pairs;
use super::replicates::TIE;
use super::wild::Null;
use crate::Failure;
use crate::linalg::vector::dot;
use crate::linalg::{cholesky, room};
use crate::ols::{Sums, inverse_form};

/// A pivot of `P P'` up to this says that the hypotheses depend on each other.
const PIVOT_MIN: f64 = 1e-12;

/// The test of several hypotheses of the data, and room for replicates.
#[derive(Clone, Debug, Default)]
pub struct Joint {
    /// Wald's form of the data.
    pub observed: f64,
    /// The distance `t`: q.
    top: Vec<f64>,
    /// The scores `c_g` of the residuals that wild replicates keep: clusters x k.
    score: Vec<f64>,
    /// `u_g'c_g`: clusters x q.
    own: Vec<f64>,
    /// The factor of a covariance of replicates, scaled, and the scales.
    spread: Vec<f64>,
    work: Vec<f64>,
}

impl Joint {
    /// Begins the test that the combinations have these values.
    ///
    /// With the null imposed, residuals are those of the fit under `L b = c`: `c_g = s_g + K_g P'm`
    /// with `P P' m = t`. Otherwise `c_g = s_g`.
    /// Shapes: `values`: q.
    ///
    /// # Errors
    /// `SingularVariance` where the hypotheses depend on each other, or where the clusters leave no
    /// variance to some combination of them.
    pub fn begin(&mut self, sums: &Sums, values: &[f64], null: Null) -> Result<(), Failure> {
        let (k, q) = (sums.k, sums.q);
        let Self { top, score, own, work, .. } = self;
        let top = room(top, q);
        for (s, top) in top.iter_mut().enumerate() {
            *top = (sums.estimate[s] - values[s]) / sums.unit[s];
        }
        let (score, own) = (room(score, sums.score.len()), room(own, sums.own.len()));
        score.copy_from_slice(&sums.score);
        own.iter_mut().zip(&sums.own).for_each(|(o, own)| *o = own[0]);
        let (matrix, rest) = room(work, q * q + 2 * q + k).split_at_mut(q * q);
        let (left, rest) = rest.split_at_mut(q);
        let (scale, way) = rest.split_at_mut(q);
        matrix.fill(0.0);
        own.chunks_exact(q).for_each(|own| add_square(1.0, own, matrix));
        left.copy_from_slice(top);
        self.observed = form(matrix, left, scale).ok_or(Failure::SingularVariance)?;
        if null == Null::Unrestricted {
            return Ok(());
        }
        let row = |s: usize| &sums.row[s * k..(s + 1) * k];
        matrix.iter_mut().enumerate().for_each(|(at, v)| *v = dot(row(at / q), row(at % q)));
        if !cholesky::factor(matrix, q, PIVOT_MIN) {
            return Err(Failure::SingularVariance);
        }
        left.copy_from_slice(top);
        cholesky::solve(matrix, q, left);
        way.fill(0.0);
        for (s, m) in left.iter().enumerate() {
            way.iter_mut().zip(row(s)).for_each(|(w, r)| *w += m * r);
        }
        for (score, lean) in score.chunks_exact_mut(k).zip(sums.lean.chunks_exact(q * k)) {
            for (m, lean) in left.iter().zip(lean.chunks_exact(k)) {
                score.iter_mut().zip(lean).for_each(|(s, h)| *s += m * h);
            }
        }
        for (own, pull) in own.iter_mut().zip(sums.pull.chunks_exact(k)) {
            *own += dot(pull, way);
        }
        Ok(())
    }

    /// Wald's form of the wild replicate in which the residuals of cluster `g` are multiplied by
    /// `v[g]`; infinite where its variance is singular.
    ///
    /// The coefficients less those of its population are `delta = sum_g v_g c_g`, and cluster `g`
    /// adds the square of `v_g u_g'c_g - u_g'K_g delta` to the variance.
    /// Shapes: `v`: clusters.
    pub fn wild(&mut self, sums: &Sums, v: &[f64]) -> f64 {
        let (k, q) = (sums.k, sums.q);
        let (matrix, rest) = room(&mut self.work, q * q + 2 * q + k).split_at_mut(q * q);
        let (left, rest) = rest.split_at_mut(q);
        let (part, delta) = rest.split_at_mut(q);
        delta.fill(0.0);
        for (score, v) in self.score.chunks_exact(k).zip(v) {
            delta.iter_mut().zip(score).for_each(|(d, s)| *d += v * s);
        }
        matrix.fill(0.0);
        let pulls = sums.pull.chunks_exact(q * k);
        for ((own, pull), v) in self.own.chunks_exact(q).zip(pulls).zip(v) {
            for ((part, own), pull) in part.iter_mut().zip(own).zip(pull.chunks_exact(k)) {
                *part = v * own - dot(pull, delta);
            }
            add_square(1.0, part, matrix);
        }
        for (left, row) in left.iter_mut().zip(sums.row.chunks_exact(k)) {
            *left = dot(row, delta);
        }
        form(matrix, left, part).unwrap_or(f64::INFINITY)
    }

    /// Wald's form of the replicate in which cluster `g` is drawn `counts[g]` times, with its own
    /// CR0 variance; writes how the combinations change. None where coefficients can not be told
    /// apart, or where the variance is singular.
    /// Shapes: `counts`: clusters; `change`: q.
    pub fn pairs(&mut self, sums: &Sums, counts: &[f64], change: &mut [f64]) -> Option<f64> {
        let (k, q) = (sums.k, sums.q);
        let (matrix, rest) =
            room(&mut self.work, q * q + 2 * q + k * k + (q + 2) * k).split_at_mut(q * q);
        let (left, rest) = rest.split_at_mut(q);
        let (part, rest) = rest.split_at_mut(q);
        let (a, rest) = rest.split_at_mut(k * k);
        let (delta, rest) = rest.split_at_mut(k);
        let (rest_of, rows) = rest.split_at_mut(k);
        if !pairs::solve(sums, counts, a, delta) {
            return None;
        }
        rows.copy_from_slice(&sums.row);
        rows.chunks_exact_mut(k).for_each(|row| cholesky::solve(a, k, row));
        matrix.fill(0.0);
        for (score, inner, n) in pairs::drawn(sums, counts) {
            for (i, rest) in rest_of.iter_mut().enumerate() {
                *rest = score[i] - dot(&inner[i * k..(i + 1) * k], delta);
            }
            for (part, row) in part.iter_mut().zip(rows.chunks_exact(k)) {
                *part = dot(row, rest_of);
            }
            add_square(n, part, matrix);
        }
        for (change, row) in change.iter_mut().zip(sums.row.chunks_exact(k)) {
            *change = dot(row, delta);
        }
        left.copy_from_slice(change);
        form(matrix, left, part)
    }

    /// Whether a replicate's form is at least as large as one of the data; rounding does not
    /// decide.
    pub fn is_extreme(replicate: f64, data: f64) -> bool {
        replicate >= data * (1.0 - TIE)
    }

    /// Takes the covariance of the replicates' changes for what [`Self::distance`] measures with;
    /// false where it is singular.
    /// Shapes: `changes`: replicates x q.
    pub fn measure(&mut self, changes: &[f64], q: usize) -> bool {
        let n = (changes.len() / q) as f64;
        let (mean, part) = room(&mut self.work, 2 * q).split_at_mut(q);
        let (matrix, scale) = room(&mut self.spread, q * q + q).split_at_mut(q * q);
        mean.fill(0.0);
        matrix.fill(0.0);
        for change in changes.chunks_exact(q) {
            mean.iter_mut().zip(change).for_each(|(m, c)| *m += c / n);
        }
        for change in changes.chunks_exact(q) {
            part.iter_mut().zip(change).zip(&*mean).for_each(|((p, c), m)| *p = c - m);
            add_square(1.0 / (n - 1.0), part, matrix);
        }
        unit_diagonal(matrix, scale) && cholesky::factor(matrix, q, PIVOT_MIN)
    }

    /// How far a change is from none: the form with the covariance that was taken.
    pub fn distance(&mut self, change: &[f64]) -> f64 {
        let q = change.len();
        let (factor, scale) = self.spread[..q * q + q].split_at(q * q);
        let part = room(&mut self.work, q);
        part.iter_mut().zip(change.iter().zip(scale)).for_each(|(p, (c, s))| *p = c * s);
        cholesky::solve_lower(factor, q, part);
        dot(part, part)
    }

    /// How far the data are from the hypotheses: the same of their distance.
    pub fn distance_of_data(&mut self, q: usize) -> f64 {
        let top = std::mem::take(&mut self.top);
        let distance = self.distance(&top[..q]);
        self.top = top;
        distance
    }
}

/// Adds `n x x'` to a matrix.
fn add_square(n: f64, x: &[f64], matrix: &mut [f64]) {
    for (row, a) in matrix.chunks_exact_mut(x.len()).zip(x) {
        row.iter_mut().zip(x).for_each(|(v, b)| *v += n * a * b);
    }
}

/// `x'V^-1 x`; none where `V` is singular. `V` is overwritten.
fn form(v: &mut [f64], x: &mut [f64], scale: &mut [f64]) -> Option<f64> {
    if !unit_diagonal(v, scale) {
        return None;
    }
    x.iter_mut().zip(scale).for_each(|(x, s)| *x *= *s);
    inverse_form(v, x.len(), x).filter(|form| form.is_finite())
}

/// Scales a variance matrix to a unit diagonal; false where one is zero.
fn unit_diagonal(v: &mut [f64], scale: &mut [f64]) -> bool {
    let q = scale.len();
    for s in 0..q {
        scale[s] = 1.0 / v[s * q + s].sqrt();
    }
    for (at, v) in v.iter_mut().enumerate() {
        *v *= scale[at / q] * scale[at % q];
    }
    scale.iter().all(|s| s.is_finite())
}
