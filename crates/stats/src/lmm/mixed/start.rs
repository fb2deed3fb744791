//! Where the search starts.

use super::criterion::{Problem, Work};
use super::index::Route;
use super::reductions::Reductions;
use super::search::Search;
use crate::Failure;
use crate::linalg::{cholesky, room};

/// Starting values of the diagonal elements.
const STARTS: [f64; 4] = [1.0, 0.3, 3.0, 0.1];
/// Weights of the estimates: large ones where groups differ so much that small ones leave nothing
/// for the residual variance.
const WEIGHTS: [f64; 3] = [1.0, 30.0, 1000.0];
/// Least diagonal element to start from: at zero the criterion does not say which way is down.
pub(super) const LEAST: f64 = 0.03;
/// Variances that tell each other apart by less than this share are taken for one.
const PIVOT_MIN: f64 = 1e-8;

impl Search {
    /// Sets theta to where the search starts: estimates of the variances, or the best of some
    /// values where there are none.
    pub fn start(&mut self, problem: &Problem, work: &mut Work) -> Result<(), Failure> {
        if self.take_reductions(problem) {
            return Ok(());
        }
        let mut weights = WEIGHTS.iter();
        if weights.any(|weight| self.estimate(*weight, problem, work).is_some()) {
            return Ok(());
        }
        let mut best: Option<(f64, f64)> = None;
        for start in STARTS {
            if let Some(value) = self.value_of_diagonal(start, problem, work)
                && best.is_none_or(|(_, least)| value < least)
            {
                best = Some((start, value));
            }
        }
        let (start, _) = best.ok_or(Failure::NotConverged)?;
        set_diagonal(start, problem, &mut self.descent.at);
        Ok(())
    }

    /// Starts from what factors leave of the outcome, where that is known: it costs no evaluation.
    fn take_reductions(&mut self, problem: &Problem) -> bool {
        let Route::Parts { inner } = problem.index.route else { return false };
        let Some(variances) =
            problem.sums.parts.reductions.as_ref().and_then(Reductions::estimates)
        else {
            return false;
        };
        for (t, e) in self.descent.at.iter_mut().zip(&problem.parameters.list) {
            let variance = variances[usize::from(e.factor != inner)];
            *t = variance.max(LEAST * LEAST).sqrt();
        }
        true
    }

    /// The criterion at factors with one value on their diagonals.
    fn value_of_diagonal(&mut self, value: f64, problem: &Problem, work: &mut Work) -> Option<f64> {
        let mut theta = std::mem::take(&mut self.start);
        set_diagonal(value, problem, room(&mut theta, problem.parameters.len()));
        let found = self.value_at(&theta, problem, work);
        self.start = theta;
        found
    }

    /// Minimum norm quadratic unbiased estimates of the variances, with factors of one size as
    /// weights: `sum_l tr(P V_k P V_l) v_l = y'P V_k P y`, the residual variance among them. In
    /// balanced data they are the REML estimates, where none is negative.
    ///
    /// # References
    /// Rao 1971, Journal of Multivariate Analysis 1:445.
    fn estimate(&mut self, weight: f64, problem: &Problem, work: &mut Work) -> Option<()> {
        let (n, p, parameters) = (problem.parameters.len(), problem.p(), problem.parameters);
        self.value_of_diagonal(weight, problem, work)?;
        problem.differentiate(&self.lambda, work);
        let size = n + 1;
        let (m, v) = room(&mut self.room, size * size + size).split_at_mut(size * size);
        let phi = |k: usize| {
            let e = parameters.list[k];
            if e.row == e.column { weight * weight } else { 0.0 }
        };
        // The last row is that of the residual variance: I = V - sum phi_k V_k, and P V P = P.
        let (mut trace, mut square) = (problem.sums.n_obs - p as f64, work.r2);
        for k in 0..n {
            trace -= phi(k) * work.trace_p[k];
            square -= phi(k) * work.form[k];
            v[k] = work.form[k];
            m[n * size + k] = work.trace_p[k];
        }
        for k in 0..n {
            for l in 0..n {
                let (x, z) = (&work.d[k * p * p..(k + 1) * p * p], &work.d[l * p * p..]);
                let both: f64 = x.iter().zip(z).map(|(x, z)| x * z).sum();
                let at = k.max(l) * n + k.min(l);
                m[k * size + l] = work.pair[at] + work.pair_p[at] + both;
                m[n * size + l] -= phi(k) * m[k * size + l];
            }
        }
        v[n] = square;
        m[n * size + n] = trace - (0..n).map(|k| phi(k) * m[n * size + k]).sum::<f64>();
        solve(m, v)?;
        if v[n] <= 0.0 {
            return None;
        }
        let sigma = room(&mut work.sigma, parameters.size());
        sigma.fill(0.0);
        for (e, value) in parameters.list.iter().zip(&*v) {
            let (at, mirrored) = parameters.places(*e);
            (sigma[at], sigma[mirrored]) = (value / v[n], value / v[n]);
        }
        let theta = &mut self.descent.at;
        parameters.factor(sigma, theta);
        for (t, e) in theta.iter_mut().zip(&parameters.list) {
            if e.row == e.column && t.abs() < LEAST {
                *t = LEAST;
            }
        }
        theta.iter().all(|t| t.is_finite()).then_some(())
    }
}

/// Sets theta to factors with one value on their diagonals.
fn set_diagonal(value: f64, problem: &Problem, theta: &mut [f64]) {
    for (t, e) in theta.iter_mut().zip(&problem.parameters.list) {
        *t = if e.row == e.column { value } else { 0.0 };
    }
}

/// Solves `M v = b` in place, `M` positive definite by its lower triangle; none where it is not.
fn solve(m: &mut [f64], v: &mut [f64]) -> Option<()> {
    let n = v.len();
    if !cholesky::factor(m, n, PIVOT_MIN) {
        return None;
    }
    cholesky::solve(m, n, v);
    Some(())
}
