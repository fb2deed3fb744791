//! The maximum of the likelihood by Newton's method, and the proof where there is none.

use super::rows::Cells;
use super::{Failure, Family};
use crate::linalg::vector::{dot, dot_weighted};
use crate::linalg::{cholesky, room};

/// A step this small on the scale of standard errors, squared, is the last.
const STEP_SQUARE: f64 = 1e-16;
/// Predictors that still move by this share of the largest have not settled.
const STILL_MOVING: f64 = 1e-6;
/// Steps of Newton's method; eight are many where there is a maximum.
const STEPS_MAX: usize = 200;
/// Times that a step is shortened.
const SHORTER_MAX: usize = 60;
/// A predictor that moves by less than this share of the fastest stands still.
const STANDSTILL: f64 = 1e-7;
/// A pivot below this share of its diagonal is rounding error.
pub(crate) const PIVOT_MIN: f64 = 1e-13;

/// Work space of the search; its vectors hold the optimum afterwards.
#[derive(Clone, Debug, Default)]
pub(crate) struct Search {
    /// Coefficients of `Q`.
    pub gamma: Vec<f64>,
    /// Linear predictor of each cell.
    pub eta: Vec<f64>,
    /// How the last step moved them.
    moved: Vec<f64>,
    /// Linear predictors to try.
    tried: Vec<f64>,
    score: Vec<f64>,
    weight: Vec<f64>,
    /// `rank x rank` factor of the information.
    pub factor: Vec<f64>,
    step: Vec<f64>,
    gradient: Vec<f64>,
    /// Steps that were taken.
    pub n_steps: usize,
}

impl Search {
    /// Finds the maximum from the outcomes; `alpha` is one over the size.
    ///
    /// # Errors
    /// `Separation` where some direction improves the likelihood without end; `NotConverged`.
    pub fn start(&mut self, cells: &Cells, family: Family, alpha: f64) -> Result<(), Failure> {
        let m = cells.m;
        for buffer in [&mut self.eta, &mut self.moved, &mut self.tried] {
            room(buffer, m);
            buffer.truncate(m);
        }
        for buffer in [&mut self.score, &mut self.weight] {
            room(buffer, m);
            buffer.truncate(m);
        }
        room(&mut self.gamma, cells.rank).fill(0.0);
        self.gamma.truncate(cells.rank);
        self.first_guess(cells, family, alpha)?;
        self.climb(cells, family, alpha)
    }

    /// Weighted least squares on the outcomes' own linear predictors, as R's `glm` starts.
    fn first_guess(&mut self, cells: &Cells, family: Family, alpha: f64) -> Result<(), Failure> {
        for c in 0..cells.m {
            let eta = family.start(cells.y[c], cells.total(c));
            self.weight[c] = cells.total(c) * family.mean(eta, alpha).fisher;
            let offset = cells.offset.get(c).copied().unwrap_or(0.0);
            self.score[c] = self.weight[c] * (eta - offset);
        }
        if self.solve(cells).is_some() {
            self.gamma.copy_from_slice(&self.step);
            cells.predict(&self.gamma, &mut self.eta);
            if self.eta.iter().all(|&e| family.has_mean(e)) {
                return Ok(());
            }
        }
        // The mean alone, as far as the columns can say it.
        let mean = (0..cells.m).map(|c| cells.total(c) * cells.y[c]).sum::<f64>() / cells.weight;
        let level = family.start(mean, cells.weight) - level_of_offset(cells, family);
        for (g, q) in self.gamma.iter_mut().zip(cells.basis.q.chunks_exact(cells.m)) {
            *g = (0..cells.m).map(|c| q[c] * cells.total(c) * level).sum();
        }
        cells.predict(&self.gamma, &mut self.eta);
        let valid = self.eta.iter().all(|&e| family.has_mean(e));
        if valid { Ok(()) } else { Err(Failure::NotConverged) }
    }

    /// Newton's method from where the search stands.
    ///
    /// # Errors
    /// As [`Search::start`].
    pub fn climb(&mut self, cells: &Cells, family: Family, alpha: f64) -> Result<(), Failure> {
        self.n_steps = 0;
        if cells.rank == 0 {
            return Ok(());
        }
        let floor = if family == Family::GammaInverse { 0.0 } else { 1.0 };
        self.pull(cells, family, alpha, false);
        for n in 1..=STEPS_MAX {
            let Some(gain) = self.solve(cells) else {
                return Err(self.verdict(cells, family));
            };
            self.moved.fill(0.0);
            cells.add(&self.step, &mut self.moved);
            let fastest = largest(&self.moved);
            let settled = gain <= STEP_SQUARE * cells.weight / cells.n_obs;
            let still = fastest <= STILL_MOVING * largest(&self.eta).max(floor);
            if !still && self.is_separating(cells, family) {
                return Err(Failure::Separation);
            }
            if !self.advance(cells, family, alpha, gain) {
                // No shorter step is better: rounding error is all that is left, or nothing is.
                return if still { Ok(()) } else { Err(Failure::NotConverged) };
            }
            self.n_steps = n;
            if settled && still {
                return Ok(());
            }
        }
        Err(Failure::NotConverged)
    }

    /// Why the information has no inverse.
    fn verdict(&self, cells: &Cells, family: Family) -> Failure {
        let separating = self.n_steps > 0 && self.is_separating(cells, family);
        if separating { Failure::Separation } else { Failure::NotConverged }
    }

    /// Score and information of every cell, at `eta` or at `tried`.
    fn pull(&mut self, cells: &Cells, family: Family, alpha: f64, tried: bool) {
        let eta = if tried { &self.tried } else { &self.eta };
        for c in 0..cells.m {
            let pull = family.pull(eta[c], cells.y[c], alpha);
            let w = cells.total(c);
            self.score[c] = w * pull.score;
            self.weight[c] = w * pull.weight;
        }
    }

    /// Solves for the step; the gain is the step's square on the scale of standard errors.
    fn solve(&mut self, cells: &Cells) -> Option<f64> {
        let (m, k) = (cells.m, cells.rank);
        let factor = room(&mut self.factor, k * k);
        let gradient = room(&mut self.gradient, k);
        room(&mut self.step, k);
        for i in 0..k {
            let q = &cells.basis.q[i * m..(i + 1) * m];
            gradient[i] = dot(q, &self.score);
            for j in 0..=i {
                factor[i * k + j] =
                    dot_weighted(q, &cells.basis.q[j * m..(j + 1) * m], &self.weight);
            }
        }
        self.step.truncate(k);
        self.gradient.truncate(k);
        let factor = &mut self.factor[..k * k];
        if !cholesky::factor(factor, k, PIVOT_MIN) {
            return None;
        }
        self.step.copy_from_slice(&self.gradient);
        cholesky::solve_lower(factor, k, &mut self.step);
        let gain = dot(&self.step, &self.step);
        cholesky::solve_upper(factor, k, &mut self.step);
        gain.is_finite().then_some(gain)
    }

    /// Takes the step, shortened where it goes too far; false where no step is better.
    ///
    /// The likelihood is concave in every family: a step goes too far where it has passed the
    /// maximum in its direction and climbs down as steeply as a quarter of how it began.
    fn advance(&mut self, cells: &Cells, family: Family, alpha: f64, gain: f64) -> bool {
        let mut t = 1.0;
        for _ in 0..SHORTER_MAX {
            let line = self.tried.iter_mut().zip(&self.eta).zip(&self.moved);
            line.for_each(|((tried, eta), moved)| *tried = eta + t * moved);
            let valid = self.tried.iter().all(|&e| family.has_mean(e));
            let mut steep = f64::INFINITY;
            if valid {
                self.pull(cells, family, alpha, true);
                steep = -dot(&self.score, &self.moved);
            }
            if steep <= 0.25 * gain {
                self.gamma.iter_mut().zip(&self.step).for_each(|(g, s)| *g += t * s);
                // From the coefficients, so that rounding errors do not add up.
                cells.predict(&self.gamma, &mut self.eta);
                return true;
            }
            let share = if steep.is_finite() { gain / (gain + steep) } else { 0.0 };
            t *= share.clamp(0.1, 0.8);
        }
        self.pull(cells, family, alpha, false);
        false
    }

    /// Whether the direction of the last step improves every outcome's likelihood for ever, or
    /// leaves it alone: the certificate that there is no maximum.
    ///
    /// # References
    /// Albert and Anderson 1984, Biometrika 71:1, section 2.
    fn is_separating(&self, cells: &Cells, family: Family) -> bool {
        let room = STANDSTILL * largest(&self.moved);
        room > 0.0
            && self.moved.iter().zip(&cells.y).all(|(&moved, &y)| match family.leaning(y) {
                0.0 => moved.abs() <= room,
                sign => sign * moved >= -room,
            })
    }
}

/// What offsets add to the linear predictor of the mean; for the inverse link, where predictors
/// must be positive, what they take away at most.
fn level_of_offset(cells: &Cells, family: Family) -> f64 {
    let offsets = || cells.offset.iter().copied();
    match family {
        _ if cells.offset.is_empty() => 0.0,
        Family::GammaInverse => offsets().fold(0.0, f64::min),
        Family::Poisson | Family::NegativeBinomial | Family::GammaLog => {
            let most = offsets().fold(f64::NEG_INFINITY, f64::max);
            let rates = offsets().enumerate().map(|(c, o)| cells.total(c) * libm::exp(o - most));
            most + libm::log(rates.sum::<f64>() / cells.weight)
        }
        _ => 0.0,
    }
}

/// Largest absolute value.
fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |most, v| most.max(v.abs()))
}
