//! The factors `X = Q R` and the residuals, by Gram-Schmidt on centred columns.

use super::Targets;
use super::active::Active;
use crate::Failure;
use crate::linalg::vector::{all_equal, center, center_scaled, dot, scale, sum};
use crate::linalg::{gram_schmidt, pivoted_qr, room, triangular};

/// A column of which less than this share is left, squared, calls for the pivoted route.
const SHARE_MIN: f64 = 1e-16;
/// Squared sine of the angle to the constant above which a centred column is centred again.
const TILT_MAX: f64 = 1e-29;
/// Residuals up to this share of the outcome, squared, are rounding error.
const RESIDUAL_MIN: f64 = 1.2e-29;

/// `W^(1/2) X = Q R`, `R beta = Q'W^(1/2) y`, and the residuals.
///
/// Column `j` of `Q` belongs to predictor `order[j]`: the constant first, then those kept, in
/// their order. Rows are multiplied by the root of their weight.
#[derive(Clone, Debug, Default)]
pub(super) struct Decomposition {
    /// Number of rows.
    pub m: usize,
    /// Number of columns kept.
    pub rank: usize,
    /// m x rank, orthonormal.
    pub q: Vec<f64>,
    /// Residuals times the root of the weight.
    pub e: Vec<f64>,
    /// Upper triangular, by column; column `rank` is `Q'W^(1/2) y`.
    pub r: Vec<f64>,
    /// Distance between the columns of `r`.
    pub stride: usize,
    /// Place of each predictor among the columns of `Q`.
    pub position: Vec<usize>,
    /// Which predictors are kept.
    pub kept: Vec<bool>,
    /// The first constant predictor.
    pub intercept: Option<usize>,
    /// Sum of squared residuals, with those within collapsed rows.
    pub rss: f64,
    /// Sum of squares of the outcome around its mean, or around zero without a constant.
    pub tss: f64,
    order: Vec<usize>,
    /// Roots of the weights; empty where all are one.
    pub root: Vec<f64>,
    pivoting: Vec<f64>,
    norms: Vec<f64>,
    solution: Vec<f64>,
}

/// A column after its mean was taken out.
struct Centred {
    mean: f64,
    /// Sum of squares around the mean.
    square: f64,
    /// Sum of squares around zero.
    square_raw: f64,
}

impl Decomposition {
    /// Decomposes the rows; columns that depend on others are dropped.
    ///
    /// # Errors
    /// `NotFinite` where a sum of squares is not finite.
    pub fn decompose(&mut self, active: &Active) -> Result<(), Failure> {
        let (m, p) = (active.rows.len(), active.rows.n_predictors());
        self.m = m;
        self.stride = p + 1;
        room(&mut self.q, m * p);
        room(&mut self.e, m);
        room(&mut self.r, (p + 1) * (p + 1));
        room(&mut self.position, p);
        room(&mut self.kept, p);
        room(&mut self.order, p);
        // Made beforehand: a loop over problems may come to the pivoted route late.
        room(&mut self.pivoting, m * p);
        room(&mut self.norms, 3 * p);
        self.weigh(active);
        self.intercept = (0..p).find(|j| {
            let column = &active.rows.x[j * m..(j + 1) * m];
            column[0] != 0.0 && column[0].is_finite() && all_equal(column, column[0])
        });
        self.kept[..p].fill(true);
        if !self.orthogonalise_columns(active, true)? {
            self.drop_dependent(active)?;
            self.orthogonalise_columns(active, false)?;
        }
        self.orthogonalise_outcome(active)
    }

    /// Solves for the coefficients; those dropped are zero.
    pub fn coefficients(&mut self, beta: &mut [f64]) {
        let (k, stride) = (self.rank, self.stride);
        let (r, right) = self.r.split_at(k * stride);
        let solution = room(&mut self.solution, k);
        solution.copy_from_slice(&right[..k]);
        triangular::solve(r, stride, solution);
        beta.fill(0.0);
        for (j, b) in self.order[..k].iter().zip(solution) {
            beta[*j] = *b;
        }
    }

    /// Writes the targets that are kept, and returns their number.
    pub fn kept_targets(&self, targets: Targets, out: &mut [usize]) -> usize {
        let mut n = 0;
        let mut add = |j: usize| {
            if self.kept[..out.len()][j] && !out[..n].contains(&j) {
                out[n] = j;
                n += 1;
            }
        };
        match targets {
            Targets::All => (0..self.stride - 1).for_each(add),
            Targets::Some(columns) | Targets::Contrasts(columns, _) => {
                columns.iter().for_each(|j| add(*j));
            }
        }
        n
    }

    /// Roots of the weights.
    fn weigh(&mut self, active: &Active) {
        self.root.clear();
        if let Some(w) = active.weights() {
            self.root.extend(w.iter().map(|w| w.sqrt()));
        }
    }

    /// Orders the kept columns and makes them orthonormal.
    ///
    /// With `check`, false tells that a column is nearly a combination of the others.
    fn orthogonalise_columns(&mut self, active: &Active, check: bool) -> Result<bool, Failure> {
        let m = self.m;
        self.rank = 0;
        let first = self.intercept.filter(|j| self.kept[*j]);
        if let Some(j) = first {
            let n = active.weight_sum.sqrt();
            let column = &mut self.q[..m];
            if self.root.is_empty() {
                column.fill(1.0 / n);
            } else {
                column.copy_from_slice(&self.root);
                scale(1.0 / n, column);
            }
            self.push(j, active.rows.x[j * m] * n);
        }
        for j in 0..self.stride - 1 {
            if Some(j) == first || !self.kept[j] {
                continue;
            }
            let k = self.rank;
            let (q, column) = self.q.split_at_mut(k * m);
            let (column, c) = (&mut column[..m], &mut self.r[k * self.stride..][..k]);
            c.fill(0.0);
            let x = &active.rows.x[j * m..(j + 1) * m];
            let start = load(x, active, &self.root, first.is_some(), column)?;
            let skip = usize::from(first.is_some());
            if skip == 1 {
                c[0] = start.mean * active.weight_sum.sqrt();
            }
            let square = gram_schmidt::orthogonalise(q, k, skip, column, start.square, c);
            if check && square <= SHARE_MIN * start.square_raw {
                return Ok(false);
            }
            if square == 0.0 {
                self.kept[j] = false;
                continue;
            }
            let norm = square.sqrt();
            scale(1.0 / norm, column);
            self.push(j, norm);
        }
        Ok(true)
    }

    /// Notes that column `rank` of `Q` is made and belongs to predictor `j`.
    fn push(&mut self, j: usize, diagonal: f64) {
        self.r[self.rank * self.stride + self.rank] = diagonal;
        self.order[self.rank] = j;
        self.position[j] = self.rank;
        self.rank += 1;
    }

    /// Finds the columns to drop on the columns as given.
    pub fn drop_dependent(&mut self, active: &Active) -> Result<(), Failure> {
        let (m, p) = (self.m, self.stride - 1);
        let a = room(&mut self.pivoting, m * p);
        a.copy_from_slice(active.rows.x);
        if let Some(w) = active.weights() {
            // Weights of mean one, as estimatr has them: rounding may decide between columns.
            let mean = exact_mean(w);
            for column in a.chunks_exact_mut(m) {
                for (v, w) in column.iter_mut().zip(w) {
                    *v *= (w / mean).sqrt();
                }
            }
        }
        let norms = room(&mut self.norms, 3 * p);
        let order = &mut self.order[..p];
        let kept = &mut self.kept[..p];
        pivoted_qr::independent_columns(a, m, active.n_obs, norms, order, kept)
            .map(|_| ())
            .ok_or(Failure::NotFinite)
    }

    /// Residuals and sums of squares of the outcome, once the columns are orthonormal.
    ///
    /// # Errors
    /// `NotFinite` where a sum of squares is not finite.
    pub fn orthogonalise_outcome(&mut self, active: &Active) -> Result<(), Failure> {
        let (m, k) = (self.m, self.rank);
        let e = &mut self.e[..m];
        let c = &mut self.r[k * self.stride..][..k];
        c.fill(0.0);
        let constant = self.intercept.is_some_and(|j| self.kept[j]);
        let start = load(active.rows.y, active, &self.root, constant, e)?;
        if constant {
            c[0] = start.mean * active.weight_sum.sqrt();
        }
        self.tss = start.square + active.within;
        if self.intercept.is_some() && !constant {
            // The constant is a combination of the columns kept: around the mean all the same.
            self.tss = load(active.rows.y, active, &self.root, true, e)?.square + active.within;
            load(active.rows.y, active, &self.root, false, e)?;
        }
        let skip = usize::from(constant);
        let square = gram_schmidt::orthogonalise(&self.q, k, skip, e, start.square, c);
        self.rss = square + active.within;
        let absorbed = active.levels.map_or(0.0, |levels| levels.square);
        let rounding = RESIDUAL_MIN * (start.square_raw + absorbed + active.within);
        if self.rss <= rounding {
            e.fill(0.0);
            self.rss = 0.0;
        }
        if self.tss <= rounding {
            self.tss = 0.0;
        }
        Ok(())
    }
}

/// Writes a column times the root of the weights, around its weighted mean if `centred`.
///
/// # Errors
/// `NotFinite` where the sum of squares is not finite.
fn load(
    x: &[f64],
    active: &Active,
    root: &[f64],
    centred: bool,
    out: &mut [f64],
) -> Result<Centred, Failure> {
    let total = active.weight_sum;
    let mut mean = 0.0;
    if centred {
        mean = active.weights().map_or_else(|| sum(x), |w| dot(x, w)) / total;
    }
    let write = |mean: f64, out: &mut [f64]| {
        if root.is_empty() { center(x, mean, out) } else { center_scaled(x, mean, root, out) }
    };
    let (mut rest, mut square) = write(mean, out);
    if centred {
        // The mean carries rounding error; what is left of it shows in the sum.
        let tilt = rest * rest / total;
        if tilt > TILT_MAX * square {
            mean += rest / total;
            (rest, square) = recentre(rest / total, root, out);
            square -= rest * rest / total;
        }
    }
    let square_raw = square + total * mean * mean;
    if square_raw.is_finite() {
        Ok(Centred { mean, square, square_raw })
    } else {
        Err(Failure::NotFinite)
    }
}

/// The mean, correctly rounded but for rare cases (R sums in more than double precision).
fn exact_mean(a: &[f64]) -> f64 {
    let (mut sum, mut rest) = (0.0, 0.0);
    for v in a {
        let next: f64 = sum + v;
        let big = next - sum;
        rest += (sum - (next - big)) + (v - big);
        sum = next;
    }
    let n = a.len() as f64;
    let mean = sum / n;
    mean + (f64::mul_add(-mean, n, sum) + rest) / n
}

/// Takes `shift` out of a column that is loaded; returns the sum and the sum of squares.
fn recentre(shift: f64, root: &[f64], out: &mut [f64]) -> (f64, f64) {
    let (mut s, mut ss) = (0.0, 0.0);
    for (i, v) in out.iter_mut().enumerate() {
        let r = root.get(i).copied().unwrap_or(1.0);
        *v -= shift * r;
        s += *v * r;
        ss += *v * *v;
    }
    (s, ss)
}
