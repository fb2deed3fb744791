//! The largest likelihood: where to begin, and what to do where a variance is zero.

use super::{Likelihood, Setting};
use crate::Failure;
use crate::descent::{Descent, Surface};
use crate::linalg::room;

/// A diagonal element below this, in units of the effect's spread, is tried at zero.
const NEAR_ZERO: f64 = 1e-3;
/// From here the search begins anew where a diagonal element that ended near zero hid what stands
/// below it.
const LEAST: f64 = 0.03;
/// Least and largest first guess of a standard deviation.
const GUESS: [f64; 2] = [0.2, 3.0];
/// Standard deviations to begin with where the first guess leads nowhere.
const STARTS: [f64; 3] = [1.0, 0.3, 3.0];
/// Standard deviations that might be better than none.
const BEYOND: [f64; 2] = [0.5, 2.0];
/// Standard deviations beyond this, in units of the effect's spread, grow without end.
const THETA_MAX: f64 = 1e3;

/// Work space.
#[derive(Debug, Default)]
pub(super) struct Work {
    start: Vec<f64>,
    /// Scores and information of the effects, and which effect each is.
    score: Vec<f64>,
    info: Vec<f64>,
    effect: Vec<usize>,
    guess: Vec<f64>,
    sigma: Vec<f64>,
    lambda: Vec<f64>,
}

/// Minus the log-likelihood.
struct Loss<'a> {
    setting: &'a Setting<'a>,
    likelihood: &'a mut dyn Likelihood,
}

impl Surface for Loss<'_> {
    fn value(&mut self, at: &[f64]) -> Option<f64> {
        self.likelihood.value(self.setting, at).map(|v| -v)
    }

    fn differentiate(&mut self, at: &[f64], first: &mut [f64], second: &mut [f64]) {
        let n = at.len();
        first.fill(0.0);
        second.fill(0.0);
        self.likelihood.differentiate(self.setting, at, first, second);
        first.iter_mut().for_each(|v| *v = -*v);
        for p in 0..n {
            for q in 0..=p {
                let v = -second[p * n + q];
                second[p * n + q] = v;
                second[q * n + p] = v;
            }
        }
    }

    fn is_endless(&self, at: &[f64]) -> Option<Failure> {
        let theta = &at[..self.setting.parameters.len()];
        theta.iter().any(|t| t.abs() > THETA_MAX).then_some(Failure::Separation)
    }
}

impl Work {
    /// Maximises the likelihood; the optimum is in `descent` afterwards. `gamma` are the
    /// coefficients of the model without random effects.
    ///
    /// # Errors
    /// `Separation` where a standard deviation grows without end; `NotConverged`.
    pub fn maximise(
        &mut self,
        s: &Setting,
        likelihood: &mut dyn Likelihood,
        gamma: &[f64],
        descent: &mut Descent,
    ) -> Result<(), Failure> {
        let n_theta = s.parameters.len();
        likelihood.begin(s);
        let mut loss = Loss { setting: s, likelihood };
        room(&mut self.start, n_theta + s.layout.k).fill(0.0);
        self.start.truncate(n_theta + s.layout.k);
        for (g, gamma) in self.start[n_theta..].iter_mut().zip(gamma) {
            *g = gamma / s.layout.unit;
        }
        let without = loss.value(&self.start).ok_or(Failure::NotConverged)?;
        self.guess(s);
        self.first_descent(s, descent, &mut loss)?;
        self.settle_zeros(s, descent, &mut loss)?;
        let slack = 1e-9 * (1.0 + without.abs());
        if descent.at[..n_theta].iter().all(|t| *t == 0.0) {
            self.look_beyond(s, descent, &mut loss, slack)?;
        } else if without < descent.value - slack {
            self.set_theta(s, |_| 0.0);
            descent.try_zero(&self.start, |t| t < n_theta, &mut loss)?;
        }
        loss.is_endless(&descent.at).map_or(Ok(()), Err)
    }

    /// Sets the diagonal elements of the start, by effect, and the others to zero.
    fn set_theta(&mut self, s: &Setting, value: impl Fn(usize) -> f64) {
        for (t, e) in self.start.iter_mut().zip(&s.parameters.list) {
            let effect = s.parameters.effects[..e.factor].iter().sum::<usize>() + e.row;
            *t = if e.row == e.column { value(effect) } else { 0.0 };
        }
    }

    /// Guesses standard deviations from the scores of the effects at the model without them: an
    /// effect's score has variance `info + theta^2 info^2` to first order.
    fn guess(&mut self, s: &Setting) {
        let (layout, n_theta) = (s.layout, s.parameters.len());
        let total = s.index.components[s.index.len()].start;
        room(&mut self.score, total).fill(0.0);
        room(&mut self.info, total).fill(0.0);
        room(&mut self.effect, total);
        for c in 0..s.index.len() {
            let start = s.index.components[c].start;
            for i in layout.starts[c]..layout.starts[c + 1] {
                let (z, x) = layout.row(i).split_at(layout.e);
                let gamma = &self.start[n_theta..];
                let eta: f64 = x.iter().zip(gamma).map(|(x, g)| x * g).sum();
                let pull = s.family.pull(layout.offset[i] + eta, layout.y[i], 0.0);
                let columns = &layout.column[i * layout.e..];
                for (effect, (z, column)) in z.iter().zip(columns).enumerate() {
                    let at = start + *column as usize;
                    self.effect[at] = effect;
                    self.score[at] += layout.w[i] * pull.score * z;
                    self.info[at] += layout.w[i] * pull.weight * z * z;
                }
            }
        }
        room(&mut self.guess, layout.e);
        for effect in 0..layout.e {
            let (mut excess, mut square) = (0.0, 0.0);
            for at in (0..total).filter(|at| self.effect[*at] == effect) {
                excess += self.score[at] * self.score[at] - self.info[at];
                square += self.info[at] * self.info[at];
            }
            let guess = (excess / square).max(0.0).sqrt();
            // Also where there is no information.
            self.guess[effect] = if guess > GUESS[0] { guess.min(GUESS[1]) } else { GUESS[0] };
        }
    }

    /// Descends from the guess, or from the first other start that leads somewhere.
    fn first_descent(
        &mut self,
        s: &Setting,
        descent: &mut Descent,
        loss: &mut Loss,
    ) -> Result<(), Failure> {
        let mut found = Err(Failure::NotConverged);
        for attempt in 0..=STARTS.len() {
            let guess = std::mem::take(&mut self.guess);
            self.set_theta(s, |effect| match attempt {
                0 => guess[effect],
                _ => STARTS[attempt - 1],
            });
            self.guess = guess;
            descent.begin(self.start.len());
            descent.at.copy_from_slice(&self.start);
            found = descent.descend(loss);
            if found != Err(Failure::NotConverged) {
                break;
            }
        }
        found
    }

    /// Puts diagonal elements that ended near zero there, with what stands below them: a factor
    /// with a zero on its diagonal has another with a zero column.
    fn settle_zeros(
        &mut self,
        s: &Setting,
        descent: &mut Descent,
        loss: &mut Loss,
    ) -> Result<(), Failure> {
        let list = &s.parameters.list;
        for (t, e) in list.iter().enumerate() {
            let is_near = e.row == e.column && descent.at[t].abs() < NEAR_ZERO;
            if !is_near || !descent.free[t] {
                continue;
            }
            self.clear(s, t, descent);
            if s.parameters.has_below(t) {
                self.start[t] = LEAST;
                if descent.try_zero(&self.start, |_| false, loss)?
                    && descent.at[t].abs() >= NEAR_ZERO
                {
                    continue;
                }
                self.clear(s, t, descent);
            }
            let in_column = |other: usize| {
                list.get(other).is_some_and(|o| o.factor == e.factor && o.column == e.column)
            };
            descent.try_zero(&self.start, in_column, loss)?;
        }
        Ok(())
    }

    /// Sets the start to where the descent ended, without what a diagonal element adds.
    fn clear(&mut self, s: &Setting, t: usize, descent: &Descent) {
        self.start.copy_from_slice(&descent.at);
        let theta = &mut self.start[..s.parameters.len()];
        s.parameters.clear(t, theta, &mut self.lambda, &mut self.sigma);
    }

    /// Descends from standard deviations far from zero, if they are better than none.
    fn look_beyond(
        &mut self,
        s: &Setting,
        descent: &mut Descent,
        loss: &mut Loss,
        slack: f64,
    ) -> Result<(), Failure> {
        let n_theta = s.parameters.len();
        self.start[n_theta..].copy_from_slice(&descent.at[n_theta..]);
        for beyond in BEYOND {
            self.set_theta(s, |_| beyond);
            if loss.value(&self.start).is_some_and(|v| v < descent.value - slack) {
                descent.free.fill(true);
                descent.at.copy_from_slice(&self.start);
                descent.descend(loss)?;
                return self.settle_zeros(s, descent, loss);
            }
        }
        // The derivatives are still those of the lowest point.
        Ok(())
    }
}
