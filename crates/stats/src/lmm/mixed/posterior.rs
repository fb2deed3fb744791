//! The effects given the outcome: where they most likely are, and how far from there they may be.

use super::index::{Index, Route};
use super::modes::Modes;
use super::parameters::Parameters;
use crate::Failure;
use crate::linalg::cholesky;
use crate::linalg::vector::dot;

/// The penalised normal equations of the effects, component by component.
///
/// Effects are `Lambda v`, `v ~ N(0, I)`. With `T` the rows `t = Lambda'z` and `W` their weights
/// the equations are `M v = T'W r`, `M = I + T'W T`; the residual variance times `M^-1` is the
/// covariance of `v` given the outcome. The groups of the inner factor share no row: they are
/// eliminated one by one, so that what stays is dense in the columns of the others alone, and all
/// are others where components are taken whole.
///
/// # References
/// Bates, Maechler, Bolker and Walker 2015, Journal of Statistical Software 67(1), equations 17
/// and 56.
#[derive(Debug)]
pub(crate) struct Posterior<'a> {
    index: &'a Index,
    parameters: &'a Parameters,
    lambda: &'a [f64],
    /// Effects of the inner factor.
    r: usize,
    /// Where the matrices of each component begin in `cross` and in `outer`.
    places: Vec<[usize; 2]>,
    /// The block of each inner group, as many a row as effects; then its factor `L`.
    inner: Vec<f64>,
    /// A row for each inner column, of what it shares with the others; then `L^-1` times it, and
    /// once solved that times the inverse of the others' transposed factor.
    cross: Vec<f64>,
    /// What the others share; then the factor of what elimination leaves.
    outer: Vec<f64>,
    /// The right-hand side, then `v`.
    right: Vec<f64>,
}

impl<'a> Posterior<'a> {
    /// No rows yet.
    pub fn new(index: &'a Index, parameters: &'a Parameters, lambda: &'a [f64]) -> Self {
        let r = match index.route {
            Route::Whole => 1,
            Route::Parts { inner } => parameters.effects[inner],
        };
        let (mut places, mut at) = (Vec::new(), [0, 0]);
        for c in &index.components[..index.len()] {
            places.push(at);
            let outer = c.q - c.inner;
            at = [at[0] + c.inner * outer, at[1] + outer * outer];
        }
        let n = index.components[index.len()].start;
        let [inner, cross, outer, right] = [n * r, at[0], at[1], n].map(|n| vec![0.0; n]);
        Self { index, parameters, lambda, r, places, inner, cross, outer, right }
    }

    /// Turns the columns of a row, factor after factor, from `z` to `Lambda'z`.
    pub fn turn(&self, entries: &mut [(usize, f64)]) {
        let mut rest = entries;
        for (&r, start) in self.parameters.effects.iter().zip(&self.parameters.starts) {
            let (own, later) = rest.split_at_mut(r);
            let lambda = &self.lambda[*start..start + r * r];
            for j in 0..r {
                own[j].1 = (j..r).map(|i| lambda[i * r + j] * own[i].1).sum();
            }
            rest = later;
        }
    }

    /// Adds a turned row of component `c`; `pull` is its weight times what is left of its outcome.
    pub fn add(&mut self, c: usize, entries: &[(usize, f64)], weight: f64, pull: f64) {
        let (at, r, [cross, outer]) = (self.index.components[c], self.r, self.places[c]);
        let n = at.q - at.inner;
        for &(a, of_a) in entries {
            self.right[at.start + a] += pull * of_a;
            for &(b, of_b) in entries {
                let share = weight * of_a * of_b;
                match (a < at.inner, b < at.inner) {
                    // A row has one inner group, and groups have `r` columns each.
                    (true, true) => self.inner[(at.start + a) * r + b % r] += share,
                    (true, false) => self.cross[cross + a * n + b - at.inner] += share,
                    (false, true) => {}
                    (false, false) => {
                        self.outer[outer + (a - at.inner) * n + b - at.inner] += share;
                    }
                }
            }
        }
    }

    /// Solves the equations of all rows.
    ///
    /// # Errors
    /// `NotConverged` where they are no numbers.
    pub fn solve(&mut self) -> Result<(), Failure> {
        (0..self.index.len()).try_for_each(|c| self.solve_one(c)).ok_or(Failure::NotConverged)
    }

    /// Solves the equations of a component.
    fn solve_one(&mut self, c: usize) -> Option<()> {
        let (at, r, [cross, outer]) = (self.index.components[c], self.r, self.places[c]);
        let n = at.q - at.inner;
        let blocks = &mut self.inner[at.start * r..(at.start + at.inner) * r];
        let cross = &mut self.cross[cross..cross + at.inner * n];
        let outer = &mut self.outer[outer..outer + n * n];
        let (first, others) = self.right[at.start..at.start + at.q].split_at_mut(at.inner);
        (0..n).for_each(|i| outer[i * n + i] += 1.0);
        for (g, block) in blocks.chunks_exact_mut(r * r).enumerate() {
            (0..r).for_each(|i| block[i * r + i] += 1.0);
            if !cholesky::factor(block, r, cholesky::ROUNDING) {
                return None;
            }
            let right = &mut first[g * r..(g + 1) * r];
            cholesky::solve_lower(block, r, right);
            for i in 0..r {
                let (done, rest) = cross[g * r * n..].split_at_mut(i * n);
                let row = &mut rest[..n];
                for (l, done) in block[i * r..i * r + i].iter().zip(done.chunks_exact(n.max(1))) {
                    row.iter_mut().zip(done).for_each(|(x, d)| *x -= l * d);
                }
                row.iter_mut().for_each(|x| *x /= block[i * r + i]);
                for a in (0..n).filter(|a| row[*a] != 0.0) {
                    others[a] -= row[a] * right[i];
                    let out = &mut outer[a * n..a * n + a + 1];
                    out.iter_mut().zip(&*row).for_each(|(o, x)| *o -= row[a] * x);
                }
            }
        }
        if !cholesky::factor(outer, n, 0.0) {
            return None;
        }
        cholesky::solve(outer, n, others);
        for (g, block) in blocks.chunks_exact(r * r).enumerate() {
            let right = &mut first[g * r..(g + 1) * r];
            let rows = cross[g * r * n..(g + 1) * r * n].chunks_exact_mut(n.max(1));
            for (v, row) in right.iter_mut().zip(rows) {
                *v -= dot(row, others);
                cholesky::solve_lower(outer, n, row);
            }
            cholesky::solve_upper(block, r, right);
        }
        Some(())
    }

    /// `v`, in the order of the components' columns.
    pub fn solution(&self) -> &[f64] {
        &self.right
    }

    /// Modes of the effects of a factor, and their standard deviations at a residual variance of
    /// one; `map` turns `v` into effects, `rows` has a row of each group.
    pub fn modes(&self, factor: usize, map: &[f64], v: &[f64], rows: Vec<usize>) -> Modes {
        let (index, r) = (self.index, self.parameters.effects[factor]);
        let (mut modes, mut std_devs) = (Vec::new(), Vec::new());
        for node in index.first[factor]..index.first[factor + 1] {
            let (c, column) = (index.component[node] as usize, index.column[node] as usize);
            let own = &v[index.components[c].start + column..][..r];
            for map in map.chunks_exact(r) {
                // Adding zero makes one of the two zeros.
                modes.push(dot(map, own) + 0.0);
                std_devs.push(self.variance(c, column, map).sqrt());
            }
        }
        Modes { rows, modes, std_devs }
    }

    /// Variance of the combination of the elements of `v` from `column` on that has these factors:
    /// a sum of squares, so that nothing cancels.
    fn variance(&self, c: usize, column: usize, factors: &[f64]) -> f64 {
        let (at, r, [cross, outer]) = (self.index.components[c], self.r, self.places[c]);
        let n = at.q - at.inner;
        if column >= at.inner {
            let mut a = vec![0.0; n];
            a[column - at.inner..][..factors.len()].copy_from_slice(factors);
            cholesky::solve_lower(&self.outer[outer..outer + n * n], n, &mut a);
            return dot(&a, &a);
        }
        let mut a = factors.to_vec();
        cholesky::solve_lower(&self.inner[(at.start + column) * r..][..r * r], r, &mut a);
        let mut through = vec![0.0; n];
        let rows = self.cross[cross + column * n..][..r * n].chunks_exact(n.max(1));
        for (a, row) in a.iter().zip(rows) {
            through.iter_mut().zip(row).for_each(|(t, x)| *t += a * x);
        }
        dot(&a, &a) + dot(&through, &through)
    }
}
