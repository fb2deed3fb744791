//! The lowest point of a smooth surface whose first and second derivatives are exact.

use crate::Failure;
use crate::linalg::{eigen, room};

/// A step that lowers the surface by less than this is the last.
const LAST_GAIN: f64 = 1e-14;
/// A step that promises less than this moves nothing that shows.
const NO_GAIN: f64 = 1e-22;
/// A step that promises less than this share of the value is taken as it is: rounding of the value
/// hides whether it is lower.
const SMALL_GAIN: f64 = 1e-8;
/// A gain below this share of the value may be its rounding error.
const ROUNDING: f64 = 1e-12;
/// Steps; ten are many.
const STEPS_MAX: usize = 200;
/// Times that a step is shortened; then it is a hundred-millionth of what was promised.
const SHORTER_MAX: usize = 20;
/// A gain below this share of what was promised is none: derivatives and height disagree.
const KEPT: f64 = 1e-6;
/// So many steps of that kind, one after the other, end the search.
const BROKEN_MAX: usize = 3;
/// A curvature below this share of the largest is taken for that share.
const FLAT: f64 = 1e-10;
/// A saddle has a curvature below this share of the largest, negated.
const SADDLE: f64 = 1e-6;
/// A direction of length one moves parameters if their part of it, squared, is above this.
const MOVES: f64 = 1e-8;
/// How far to step away from a saddle.
const SADDLE_STEP: f64 = 0.1;
/// A saddle from which such a step gains less than this share of the value is flat: its curvature
/// is rounding error.
const SADDLE_GAIN: f64 = 1e-14;
/// Parameters are measured in units of their size over this where that is more than one.
const LARGE: f64 = 64.0;

/// The unit in which a parameter of this size is measured, so that flat in one parameter is flat
/// beside others of other sizes.
pub(crate) fn unit(parameter: f64) -> f64 {
    (parameter.abs() / LARGE).max(1.0)
}

/// A surface over some parameters, each of the order of one.
pub(crate) trait Surface {
    /// The height at a point; `None` where there is none.
    fn value(&mut self, at: &[f64]) -> Option<f64>;

    /// Sets the derivatives at the point whose height was asked last: `second` in full.
    fn differentiate(&mut self, at: &[f64], first: &mut [f64], second: &mut [f64]);

    /// Why there is no use in looking further, if there is none: a parameter grows without end.
    fn is_endless(&self, _at: &[f64]) -> Option<Failure> {
        None
    }
}

/// Work space of the search; `at` is the lowest point afterwards.
#[derive(Debug, Default)]
pub(crate) struct Descent {
    /// Where the search stands.
    pub at: Vec<f64>,
    /// The height there.
    pub value: f64,
    /// Which parameters may move.
    pub free: Vec<bool>,
    /// Second derivatives there, zero for parameters that may not move.
    pub hessian: Vec<f64>,
    gradient: Vec<f64>,
    step: Vec<f64>,
    tried: Vec<f64>,
    before: Vec<f64>,
    /// Units of the parameters where the search stands.
    units: Vec<f64>,
    a: Vec<f64>,
    values: Vec<f64>,
    vectors: Vec<f64>,
    eigen_work: Vec<f64>,
}

impl Descent {
    /// Begins with `n` parameters at zero, all free.
    pub fn begin(&mut self, n: usize) {
        let Self { at, gradient, step, tried, units, .. } = self;
        let buffers = [at, gradient, step, tried, units];
        for buffer in buffers {
            room(buffer, n).fill(0.0);
            buffer.truncate(n);
        }
        room(&mut self.free, n).fill(true);
        self.free.truncate(n);
        room(&mut self.hessian, n * n);
        room(&mut self.a, n * n);
        room(&mut self.vectors, n * n);
        room(&mut self.values, n);
        room(&mut self.eigen_work, 2 * n);
    }

    /// Newton's method from `at`; eigenvalues count by their size, so that steps lead downhill
    /// where the surface is not convex. Derivatives are those of the lowest point afterwards.
    ///
    /// # Errors
    /// `NotConverged`; what [`Surface::is_endless`] says.
    pub fn descend(&mut self, surface: &mut dyn Surface) -> Result<(), Failure> {
        self.value = surface.value(&self.at).ok_or(Failure::NotConverged)?;
        self.differentiate(surface);
        let (mut promised, mut before) = (f64::INFINITY, f64::INFINITY);
        let mut broken = 0;
        for _ in 0..STEPS_MAX {
            let (mut gain, is_valley) = self.direction();
            if !gain.is_finite() {
                return Err(Failure::NotConverged);
            }
            let is_small = gain <= SMALL_GAIN * (1.0 + self.value.abs());
            // Rounding errors of a gradient that is zero, at a saddle.
            let leaves = !is_valley && is_small && gain > 0.5 * before;
            if leaves {
                gain = self.leave_saddle();
            }
            before = gain;
            if is_valley && gain <= NO_GAIN {
                return Ok(());
            }
            if is_valley && is_small {
                // The promises of Newton's steps shrink until rounding errors are all they hold,
                // but for a bent valley, where steps go down if they are shortened.
                if gain >= promised {
                    let is_real = gain > ROUNDING * (1.0 + self.value.abs());
                    if !is_real || !self.advance(gain, surface) {
                        return Ok(());
                    }
                    self.differentiate(surface);
                    continue;
                }
                self.plain_step(surface);
                if gain <= LAST_GAIN {
                    return Ok(());
                }
                promised = gain;
                continue;
            }
            let above = self.value;
            if !self.advance(gain, surface) {
                if leaves {
                    // It was none: on as the gradient says.
                    before = f64::INFINITY;
                    continue;
                }
                return Err(Failure::NotConverged);
            }
            broken = if above - self.value < KEPT * gain { broken + 1 } else { 0 };
            if broken == BROKEN_MAX {
                return Err(Failure::NotConverged);
            }
            if let Some(failure) = surface.is_endless(&self.at) {
                return Err(failure);
            }
            self.differentiate(surface);
        }
        // In a bent valley steps are short, and what is left to gain is small.
        if promised.is_finite() { Ok(()) } else { Err(Failure::NotConverged) }
    }

    /// Descends again with some parameters at zero, and stays there where that is no higher.
    ///
    /// `start` is where to begin, with those parameters at zero. Returns whether it stayed.
    ///
    /// # Errors
    /// `NotConverged`.
    pub fn try_zero(
        &mut self,
        start: &[f64],
        zero: impl Fn(usize) -> bool,
        surface: &mut dyn Surface,
    ) -> Result<bool, Failure> {
        let value = self.value;
        let n = self.at.len();
        let before = room(&mut self.before, 2 * n);
        before[..n].copy_from_slice(&self.at);
        for (t, free) in self.free.iter_mut().enumerate() {
            before[n + t] = f64::from(u8::from(*free));
            *free &= !zero(t);
        }
        self.at.copy_from_slice(start);
        let found = self.descend(surface);
        if found.is_ok() && self.value <= value + 1e-9 * (1.0 + value.abs()) {
            return Ok(true);
        }
        self.at.copy_from_slice(&self.before[..n]);
        let free = self.free.iter_mut().zip(&self.before[n..2 * n]);
        free.for_each(|(free, was)| *free = *was == 1.0);
        self.descend(surface)?;
        Ok(false)
    }

    /// Writes the inverse of the Hessian of the free parameters, zero for the others.
    ///
    /// Directions in which the surface is flat are left out where they move only the first
    /// `n_nuisance` parameters; where they move others there is no inverse: false, as where
    /// derivatives are no numbers.
    pub fn invert(&mut self, n_nuisance: usize, inverse: &mut [f64]) -> bool {
        let n = self.at.len();
        let (_, largest) = self.eigenvalues();
        if !self.values[..n].iter().all(|value| value.is_finite()) {
            return false;
        }
        inverse[..n * n].fill(0.0);
        for (value, vector) in self.values[..n].iter().zip(self.vectors.chunks_exact(n.max(1))) {
            if *value <= FLAT * largest {
                let moved: f64 = vector[n_nuisance..].iter().map(|v| v * v).sum();
                if moved > MOVES || *value < -SADDLE * largest {
                    return false;
                }
                continue;
            }
            for p in (0..n).filter(|p| self.free[*p]) {
                for q in (0..n).filter(|q| self.free[*q]) {
                    let units = self.units[p] * self.units[q];
                    inverse[p * n + q] += units * (vector[p] * vector[q] / value);
                }
            }
        }
        true
    }

    fn differentiate(&mut self, surface: &mut dyn Surface) {
        let n = self.at.len();
        let hessian = &mut self.hessian[..n * n];
        surface.differentiate(&self.at, &mut self.gradient, hessian);
        for t in (0..n).filter(|t| !self.free[*t]) {
            self.gradient[t] = 0.0;
            for s in 0..n {
                hessian[s * n + t] = 0.0;
                hessian[t * n + s] = 0.0;
            }
        }
    }

    /// Takes the step as it is.
    fn plain_step(&mut self, surface: &mut dyn Surface) {
        for (tried, (at, step)) in self.tried.iter_mut().zip(self.at.iter().zip(&self.step)) {
            *tried = at + step;
        }
        if let Some(value) = surface.value(&self.tried) {
            self.at.copy_from_slice(&self.tried);
            self.value = value;
        } else if let Some(value) = surface.value(&self.at) {
            self.value = value;
        }
        self.differentiate(surface);
    }

    /// Finds the eigenvalues of the Hessian, parameters in their units; returns the least of a free
    /// direction, and the size of the largest.
    fn eigenvalues(&mut self) -> (f64, f64) {
        let n = self.at.len();
        let a = &mut self.a[..n * n];
        self.units.iter_mut().zip(&self.at).for_each(|(u, at)| *u = unit(*at));
        for (i, (a, h)) in a.iter_mut().zip(&self.hessian).enumerate() {
            *a = h * (self.units[i / n] * self.units[i % n]);
        }
        let largest = (0..n * n).fold(0.0_f64, |most, i| most.max(a[i].abs()));
        // What is fixed has the largest eigenvalue of all.
        for t in (0..n).filter(|t| !self.free[*t]) {
            a[t * n + t] = largest;
        }
        let (values, vectors) = (&mut self.values[..n], &mut self.vectors[..n * n]);
        eigen::symmetric(a, n, values, vectors, &mut self.eigen_work);
        let most = values.iter().fold(0.0_f64, |most, v| most.max(v.abs()));
        (values.iter().fold(f64::INFINITY, |least, v| least.min(*v)), most)
    }

    /// Sets the step. Returns the gain that it promises, and whether the point is no saddle.
    fn direction(&mut self) -> (f64, bool) {
        let n = self.at.len();
        let (least, largest) = self.eigenvalues();
        self.step.fill(0.0);
        let units = &self.units[..n];
        let mut gain = 0.0;
        for (value, vector) in self.values[..n].iter().zip(self.vectors.chunks_exact(n.max(1))) {
            let slopes = self.gradient.iter().zip(units).map(|(g, u)| g * u);
            let inner: f64 = vector.iter().zip(slopes).map(|(v, g)| v * g).sum();
            let curvature = value.abs().max(FLAT * largest);
            if curvature == 0.0 {
                continue;
            }
            gain += inner * inner / curvature;
            let share = inner / curvature;
            for (s, (v, u)) in self.step.iter_mut().zip(vector.iter().zip(units)) {
                *s -= share * v * u;
            }
        }
        // Rounding errors must not move what is fixed.
        let fixed = self.step.iter_mut().zip(&self.free).filter(|(_, free)| !**free);
        fixed.for_each(|(s, _)| *s = 0.0);
        let is_flat = -least * SADDLE_STEP * SADDLE_STEP <= SADDLE_GAIN * (1.0 + self.value.abs());
        let is_valley = least >= -SADDLE * largest || is_flat;
        if gain <= LAST_GAIN && !is_valley {
            gain = self.leave_saddle();
        }
        (gain, is_valley)
    }

    /// Points the step along the steepest way down from a saddle; returns the gain that it
    /// promises.
    fn leave_saddle(&mut self) -> f64 {
        let n = self.at.len();
        let least = self.values[..n].iter().fold(f64::INFINITY, |least, v| least.min(*v));
        let at = self.values[..n].iter().position(|v| *v == least).unwrap_or(0);
        let vector = &self.vectors[at * n..(at + 1) * n];
        for (s, (v, u)) in self.step.iter_mut().zip(vector.iter().zip(&self.units)) {
            *s = SADDLE_STEP * v * u;
        }
        -least * SADDLE_STEP * SADDLE_STEP
    }

    /// Takes the step, shortened until the surface is low enough; false where it is not.
    fn advance(&mut self, gain: f64, surface: &mut dyn Surface) -> bool {
        let length = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>().sqrt();
        let mut t = (2.0 * (1.0 + length(&self.at)) / length(&self.step)).min(1.0);
        for _ in 0..SHORTER_MAX {
            let line = self.tried.iter_mut().zip(self.at.iter().zip(&self.step));
            line.for_each(|(tried, (at, step))| *tried = at + t * step);
            if let Some(value) = surface.value(&self.tried)
                && value < self.value
                && value <= self.value - 1e-4 * t * gain
            {
                self.at.copy_from_slice(&self.tried);
                self.value = value;
                return true;
            }
            t *= 0.4;
        }
        false
    }
}
