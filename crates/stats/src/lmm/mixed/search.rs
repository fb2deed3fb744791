//! The lowest point of the criterion.

use super::criterion::{Problem, Work};
use super::parameters::Element;
use super::start::LEAST;
use crate::Failure;
use crate::descent::{Descent, Surface};

/// A diagonal element below this, in units of the effect's spread, is tried at zero.
const NEAR_ZERO: f64 = 1e-3;

/// Work space of the search.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// Elements of the factors, and the criterion there, but for constants; the optimum afterwards.
    pub descent: Descent,
    /// The factors in full.
    pub lambda: Vec<f64>,
    pub(super) start: Vec<f64>,
    sigma: Vec<f64>,
    pub(super) room: Vec<f64>,
}

/// The criterion as a surface over theta.
struct Criterion<'a> {
    problem: &'a Problem<'a>,
    work: &'a mut Work,
    lambda: &'a mut Vec<f64>,
    room: &'a mut Vec<f64>,
}

impl Surface for Criterion<'_> {
    fn value(&mut self, theta: &[f64]) -> Option<f64> {
        self.problem.parameters.expand(theta, self.lambda);
        self.problem.value(self.lambda, self.work)
    }

    /// By the chain rule from the derivatives by phi.
    fn differentiate(&mut self, _: &[f64], first: &mut [f64], second: &mut [f64]) {
        let Self { problem, work, lambda, room } = self;
        let parameters = problem.parameters;
        problem.differentiate(lambda, work);
        let slope = |k: usize, t: usize| parameters.slope(k, t, lambda);
        let bend = |k: usize, s: usize, t: usize| parameters.bend(k, s, t);
        work.chain(slope, bend, room, (first, second));
    }
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
        self.descent.begin(problem.parameters.len());
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
        self.descent.begin(problem.parameters.len());
        let Descent { at, free, .. } = &mut self.descent;
        for (t, e) in problem.parameters.list.iter().enumerate() {
            free[t] = !is_zero(*e);
            // Away from zero, where the criterion does not say which way is down.
            let is_small = e.row == e.column && theta[t].abs() < LEAST;
            at[t] = match () {
                () if !free[t] => 0.0,
                () if is_small => LEAST,
                () => theta[t],
            };
        }
        self.settle(problem, work)
    }

    /// Descends, and puts what ends near zero there.
    fn settle(&mut self, problem: &Problem, work: &mut Work) -> Result<(), Failure> {
        self.descend(problem, work)?;
        for (t, e) in problem.parameters.list.iter().enumerate() {
            let is_near = |descent: &Descent| {
                descent.free[t] && e.row == e.column && descent.at[t].abs() < NEAR_ZERO
            };
            if is_near(&self.descent) {
                self.leave_false_bottom(t, problem, work)?;
            }
            if is_near(&self.descent) {
                let Self { descent, lambda, start, room, .. } = self;
                start.clone_from(&descent.at);
                start[t] = 0.0;
                let mut criterion = Criterion { problem, work, lambda, room };
                descent.try_zero(start, |other| other == t, &mut criterion)?;
            }
        }
        Ok(())
    }

    fn descend(&mut self, problem: &Problem, work: &mut Work) -> Result<(), Failure> {
        let Self { descent, lambda, room, .. } = self;
        descent.descend(&mut Criterion { problem, work, lambda, room })
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
        let Self { descent, lambda, start, sigma, .. } = self;
        let value = descent.value;
        start.clone_from(&descent.at);
        problem.parameters.clear(t, &mut descent.at, lambda, sigma);
        descent.at[t] = LEAST;
        let found = self.descend(problem, work);
        if found.is_ok() && self.descent.value < value {
            return Ok(());
        }
        self.descent.at.clone_from(&self.start);
        self.descend(problem, work)
    }

    /// The criterion at a point.
    pub(super) fn value_at(
        &mut self,
        theta: &[f64],
        problem: &Problem,
        work: &mut Work,
    ) -> Option<f64> {
        problem.parameters.expand(theta, &mut self.lambda);
        problem.value(&self.lambda, work)
    }
}
