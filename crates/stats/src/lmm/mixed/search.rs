//! The lowest point of the criterion: Newton's method with exact derivatives.

use super::criterion::{Problem, Work};
use super::parameters::Element;
use super::start::LEAST;
use crate::Failure;
use crate::linalg::{eigen, room};

/// A step that lowers the criterion by less than this is the last.
const LAST_GAIN: f64 = 1e-14;
/// A step that promises less than this share of the criterion is taken as it is: the criterion's
/// own rounding hides whether it is lower.
const SMALL_GAIN: f64 = 1e-8;
/// Steps; ten are many.
const STEPS_MAX: usize = 300;
/// Times that a step is shortened.
const SHORTER_MAX: usize = 50;
/// Eigenvalues below this share of the largest are taken for flat.
const FLAT: f64 = 1e-10;
/// A diagonal element below this, in units of the effect's spread, is tried at zero.
const NEAR_ZERO: f64 = 1e-3;
/// Work space of the search; `theta` is the optimum afterwards.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// Elements of the factors.
    pub theta: Vec<f64>,
    /// The factors in full.
    pub lambda: Vec<f64>,
    /// The criterion, but for constants.
    pub value: f64,
    /// Elements that may move: not at zero for good.
    pub free: Vec<bool>,
    /// Second derivatives by theta.
    pub hessian: Vec<f64>,
    gradient: Vec<f64>,
    step: Vec<f64>,
    pub(super) tried: Vec<f64>,
    before: Vec<f64>,
    sigma: Vec<f64>,
    pub(super) a: Vec<f64>,
    values: Vec<f64>,
    vectors: Vec<f64>,
    eigen_work: Vec<f64>,
}

impl Search {
    /// Minimises the criterion.
    ///
    /// The criterion is smooth in theta, and even in each column of `Lambda`: a variance of zero
    /// needs no bound. A diagonal element that ends near zero is put there, with what stands below
    /// it kept where that is no worse.
    ///
    /// # Errors
    /// `NotConverged`.
    pub fn minimise(&mut self, problem: &Problem, work: &mut Work) -> Result<(), Failure> {
        self.make_room(problem);
        self.start(problem, work)?;
        self.settle(problem, work)
    }

    /// Minimises the criterion from `theta`, with some elements kept at zero.
    ///
    /// # Errors
    /// `NotConverged`.
    pub fn minimise_from(
        &mut self,
        theta: &[f64],
        is_zero: impl Fn(Element) -> bool,
        problem: &Problem,
        work: &mut Work,
    ) -> Result<(), Failure> {
        self.make_room(problem);
        for (t, e) in problem.parameters.list.iter().enumerate() {
            self.free[t] = !is_zero(*e);
            // Away from zero, where the criterion does not say which way is down.
            let is_small = e.row == e.column && theta[t].abs() < LEAST;
            self.theta[t] = match () {
                () if !self.free[t] => 0.0,
                () if is_small => LEAST,
                () => theta[t],
            };
        }
        self.settle(problem, work)
    }

    /// Empties what the search remembers.
    fn make_room(&mut self, problem: &Problem) {
        let n = problem.parameters.len();
        for buffer in [&mut self.theta, &mut self.tried, &mut self.step, &mut self.gradient] {
            room(buffer, n);
            buffer.truncate(n);
        }
        room(&mut self.free, n).fill(true);
        self.free.truncate(n);
    }

    /// Descends from `theta`, and puts what ends near zero there.
    fn settle(&mut self, problem: &Problem, work: &mut Work) -> Result<(), Failure> {
        let n = problem.parameters.len();
        self.descend(problem, work)?;
        let near = |s: &Self, t: usize| {
            let e = problem.parameters.list[t];
            s.free[t] && e.row == e.column && s.theta[t].abs() < NEAR_ZERO
        };
        for t in 0..n {
            if near(self, t) {
                self.leave_false_bottom(t, problem, work)?;
            }
            if near(self, t) {
                self.try_zero(t, problem, work)?;
            }
        }
        Ok(())
    }

    /// The criterion at `tried`.
    pub(super) fn at_tried(&mut self, problem: &Problem, work: &mut Work) -> Option<f64> {
        problem.parameters.expand(&self.tried, &mut self.lambda);
        problem.value(&self.lambda, work)
    }

    /// Newton's method from `theta`; derivatives stay those of the optimum.
    fn descend(&mut self, problem: &Problem, work: &mut Work) -> Result<(), Failure> {
        self.tried.copy_from_slice(&self.theta);
        self.value = self.at_tried(problem, work).ok_or(Failure::NotConverged)?;
        self.differentiate(problem, work);
        let (mut promised, mut before) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..STEPS_MAX {
            let (mut gain, is_valley) = self.direction();
            let is_small = gain <= SMALL_GAIN * (1.0 + self.value.abs());
            if !is_valley && is_small && gain > 0.5 * before {
                // Rounding errors of a gradient that is zero, at a saddle.
                gain = self.leave_saddle();
            }
            before = gain;
            if is_valley && is_small {
                // The promises of Newton's steps shrink until rounding errors are all they hold.
                if gain >= promised {
                    return Ok(());
                }
                self.plain_step(problem, work);
                if gain <= LAST_GAIN {
                    return Ok(());
                }
                promised = gain;
                continue;
            }
            if !self.advance(gain, problem, work) {
                return Err(Failure::NotConverged);
            }
            self.differentiate(problem, work);
        }
        Err(Failure::NotConverged)
    }

    /// Takes the step as it is.
    fn plain_step(&mut self, problem: &Problem, work: &mut Work) {
        for (tried, (t, s)) in self.tried.iter_mut().zip(self.theta.iter().zip(&self.step)) {
            *tried = t + s;
        }
        let mut value = self.at_tried(problem, work);
        if value.is_none() {
            self.tried.copy_from_slice(&self.theta);
            value = self.at_tried(problem, work);
        }
        if let Some(value) = value {
            self.theta.copy_from_slice(&self.tried);
            self.value = value;
            self.differentiate(problem, work);
        }
    }

    /// Derivatives by theta.
    fn differentiate(&mut self, problem: &Problem, work: &mut Work) {
        problem.differentiate(&self.lambda, work);
        let (n, parameters) = (problem.parameters.len(), problem.parameters);
        let hessian = room(&mut self.hessian, n * n);
        let jacobian = room(&mut self.a, 2 * n * n);
        let (jacobian, half) = jacobian.split_at_mut(n * n);
        for k in 0..n {
            for t in 0..n {
                jacobian[k * n + t] = parameters.slope(k, t, &self.lambda);
            }
        }
        for t in 0..n {
            self.gradient[t] = (0..n).map(|k| work.slope[k] * jacobian[k * n + t]).sum();
            for k in 0..n {
                let row = &work.curvature[k * n..(k + 1) * n];
                half[k * n + t] = (0..n).map(|l| row[l] * jacobian[l * n + t]).sum();
            }
        }
        for s in 0..n {
            for t in 0..n {
                let first: f64 = (0..n).map(|k| jacobian[k * n + s] * half[k * n + t]).sum();
                let second: f64 = (0..n).map(|k| work.slope[k] * parameters.bend(k, s, t)).sum();
                hessian[s * n + t] = first + second;
            }
        }
        // What is fixed neither moves nor matters.
        for t in (0..n).filter(|t| !self.free[*t]) {
            self.gradient[t] = 0.0;
            for s in 0..n {
                hessian[s * n + t] = 0.0;
                hessian[t * n + s] = 0.0;
            }
        }
    }

    /// Sets the step: Newton's, with the size of negative eigenvalues. Returns the gain that it
    /// promises, and whether the point is no saddle.
    fn direction(&mut self) -> (f64, bool) {
        let n = self.theta.len();
        let a = room(&mut self.a, n * n);
        a.copy_from_slice(&self.hessian[..n * n]);
        let values = room(&mut self.values, n);
        let vectors = room(&mut self.vectors, n * n);
        eigen::symmetric(a, n, values, vectors, room(&mut self.eigen_work, 2 * n));
        let largest = values.iter().fold(0.0_f64, |most, v| most.max(v.abs()));
        let lowest = values.iter().fold(0.0_f64, |least, v| least.min(*v));
        self.step.fill(0.0);
        let mut gain = 0.0;
        for (value, vector) in values.iter().zip(vectors.chunks_exact(n)) {
            let inner: f64 = vector.iter().zip(&self.gradient).map(|(v, g)| v * g).sum();
            let curvature = value.abs().max(FLAT * largest);
            if curvature == 0.0 {
                continue;
            }
            gain += inner * inner / curvature;
            let share = inner / curvature;
            self.step.iter_mut().zip(vector).for_each(|(s, v)| *s -= share * v);
        }
        let is_valley = lowest >= -1e-6 * largest;
        if gain <= LAST_GAIN && !is_valley {
            gain = self.leave_saddle();
        }
        (gain, is_valley)
    }

    /// Points the step along the steepest way down from a saddle; returns the gain that it
    /// promises.
    fn leave_saddle(&mut self) -> f64 {
        let n = self.theta.len();
        let lowest = self.values[..n].iter().fold(0.0_f64, |least, v| least.min(*v));
        let at = self.values[..n].iter().position(|v| *v == lowest).unwrap_or(0);
        let vector = &self.vectors[at * n..(at + 1) * n];
        self.step.iter_mut().zip(vector).for_each(|(s, v)| *s = 0.1 * v);
        -lowest * 0.01
    }

    /// Takes the step, shortened until the criterion falls enough; false where it does not.
    fn advance(&mut self, gain: f64, problem: &Problem, work: &mut Work) -> bool {
        let size = self.theta.iter().map(|t| t * t).sum::<f64>().sqrt();
        let length = self.step.iter().map(|s| s * s).sum::<f64>().sqrt();
        let mut t = (2.0 * (1.0 + size) / length).min(1.0);
        for _ in 0..SHORTER_MAX {
            let line = self.tried.iter_mut().zip(self.theta.iter().zip(&self.step));
            line.for_each(|(tried, (theta, step))| *tried = theta + t * step);
            if let Some(value) = self.at_tried(problem, work)
                && value <= self.value - 1e-4 * t * gain
            {
                self.theta.copy_from_slice(&self.tried);
                self.value = value;
                return true;
            }
            t *= 0.4;
        }
        false
    }

    /// Begins again where a diagonal element near zero hides what stands below it, and keeps that
    /// where it is lower.
    fn leave_false_bottom(
        &mut self,
        t: usize,
        problem: &Problem,
        work: &mut Work,
    ) -> Result<(), Failure> {
        if !problem.parameters.has_below(t) {
            return Ok(());
        }
        let (value, n) = (self.value, self.theta.len());
        room(&mut self.before, n).copy_from_slice(&self.theta);
        problem.parameters.clear(t, &mut self.theta, &mut self.lambda, &mut self.sigma);
        self.theta[t] = LEAST;
        let found = self.descend(problem, work);
        if found.is_ok() && self.value < value {
            return Ok(());
        }
        self.theta.copy_from_slice(&self.before[..n]);
        self.descend(problem, work)
    }

    /// Fits again with a diagonal element at zero, and keeps that where it is no worse.
    fn try_zero(&mut self, t: usize, problem: &Problem, work: &mut Work) -> Result<(), Failure> {
        let value = self.value;
        let n = self.theta.len();
        room(&mut self.before, n).copy_from_slice(&self.theta);
        self.theta[t] = 0.0;
        self.free[t] = false;
        let at_zero = self.descend(problem, work);
        let no_worse = at_zero.is_ok() && self.value <= value + 1e-9 * (1.0 + value.abs());
        if no_worse {
            return Ok(());
        }
        self.free[t] = true;
        self.theta.copy_from_slice(&self.before[..n]);
        self.descend(problem, work)
    }
}
