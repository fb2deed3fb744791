//! The likelihood of components with any effects: Laplace's approximation.

mod derivatives;

use std::ops::Range;

use super::jet::Jet;
use super::{Likelihood, Setting};
use crate::linalg::{cholesky, emptied, room};
use derivatives::Work;

/// A step of the search for a mode shorter than this is the last: the next would be its square.
const STEP_LAST: f64 = 1e-7;
/// Steps of that search; six are many.
const STEPS_MAX: usize = 200;
/// Times that a step is shortened.
const SHORTER_MAX: usize = 60;

/// Modes of the components, and work space.
///
/// A component has effects `Lambda v`, `v ~ N(0, I)`; its cells have linear predictors `eta_i = o_i
/// + t_i'v + x_i'gamma` with `t_i = Lambda' z_i`. With `h(v) = sum_i l_i(eta_i) - v'v / 2`, its
/// mode `v_0` and `H = I + sum_i w_i t_i t_i'` there, the component's log-likelihood is about
/// `h(v_0) - log|H| / 2`.
///
/// # References
/// Bates 2018, Computational Methods for Mixed Models (vignette of lme4), section 6.
#[derive(Debug, Default)]
pub(super) struct Components {
    /// Where each component's `h` is largest.
    pub modes: Vec<f64>,
    /// The factors `Lambda`.
    lambda: Vec<f64>,
    /// `t` of each cell: an entry for each effect.
    turned: Vec<f64>,
    /// Linear predictors without the effects.
    fixed: Vec<f64>,
    /// Gradient of `h`.
    slope: Vec<f64>,
    step: Vec<f64>,
    tried: Vec<f64>,
    /// Minus the Hessian of `h`, then its factor.
    bend: Vec<f64>,
    work: Work,
}

/// A component: its cells and the place of its modes.
#[derive(Clone, Debug)]
struct Part {
    cells: Range<usize>,
    start: usize,
    q: usize,
}

impl Part {
    fn of(s: &Setting, c: usize) -> Self {
        let cells = s.layout.starts[c]..s.layout.starts[c + 1];
        let own = s.index.components[c];
        Self { cells, start: own.start, q: own.q }
    }
}

impl Likelihood for Components {
    fn begin(&mut self, s: &Setting) {
        let n = s.index.len();
        let total = s.index.components[n].start;
        emptied(&mut self.modes, total).resize(total, 0.0);
        let q = (0..n).map(|c| s.index.components[c].q).max().unwrap_or(0);
        for buffer in [&mut self.slope, &mut self.step, &mut self.tried] {
            room(buffer, q);
        }
        room(&mut self.bend, q * q);
        self.work.begin(s, q);
    }

    fn value(&mut self, s: &Setting, psi: &[f64]) -> Option<f64> {
        self.predict(s, psi);
        let mut total = 0.0;
        for c in 0..s.index.len() {
            let part = Part::of(s, c);
            self.find_mode(s, &part)?;
            total += self.height(s, &part)?;
        }
        total.is_finite().then_some(total)
    }

    fn modes(&mut self, s: &Setting, psi: &[f64]) -> Option<&[f64]> {
        self.predict(s, psi);
        (0..s.index.len()).try_for_each(|c| self.find_mode(s, &Part::of(s, c)))?;
        Some(&self.modes)
    }

    fn differentiate(&mut self, s: &Setting, _: &[f64], first: &mut [f64], second: &mut [f64]) {
        for c in 0..s.index.len() {
            self.differentiate_part(s, &Part::of(s, c), first, second);
        }
    }
}

impl Components {
    /// Linear predictors without the effects, and the turned effects.
    fn predict(&mut self, s: &Setting, psi: &[f64]) {
        let (layout, parameters) = (s.layout, s.parameters);
        let e = layout.e;
        let (theta, gamma) = psi.split_at(parameters.len());
        parameters.expand(theta, &mut self.lambda);
        let fixed = room(&mut self.fixed, layout.m);
        let turned = room(&mut self.turned, layout.m * e);
        turned.fill(0.0);
        for i in 0..layout.m {
            let (z, x) = layout.row(i).split_at(e);
            fixed[i] = layout.offset[i] + x.iter().zip(gamma).map(|(x, g)| x * g).sum::<f64>();
            let t = &mut turned[i * e..(i + 1) * e];
            let mut first = 0;
            for (f, &r) in parameters.effects.iter().enumerate() {
                let lambda = &self.lambda[parameters.starts[f]..];
                for row in 0..r {
                    for column in 0..=row {
                        t[first + column] += lambda[row * r + column] * z[first + row];
                    }
                }
                first += r;
            }
        }
    }

    /// The linear predictor of cell `i` with the effects `v` of its component.
    #[inline(always)]
    fn eta(&self, s: &Setting, i: usize, v: &[f64]) -> f64 {
        let e = s.layout.e;
        let entries = self.turned[i * e..(i + 1) * e].iter().zip(&s.layout.column[i * e..]);
        self.fixed[i] + entries.map(|(t, column)| t * v[*column as usize]).sum::<f64>()
    }

    /// Sets the gradient and minus the Hessian of `h` at `v`.
    fn pull(&mut self, s: &Setting, part: &Part, v: &[f64]) {
        let (q, e) = (part.q, s.layout.e);
        for (slope, v) in self.slope[..q].iter_mut().zip(v) {
            *slope = -v;
        }
        identity(&mut self.bend, q);
        for i in part.cells.clone() {
            let pull = s.family.pull(self.eta(s, i, v), s.layout.y[i], 0.0);
            let (score, weight) = (s.layout.w[i] * pull.score, s.layout.w[i] * pull.weight);
            let (t, columns) = (&self.turned[i * e..], &s.layout.column[i * e..(i + 1) * e]);
            for (t, column) in t.iter().zip(columns) {
                self.slope[*column as usize] += score * t;
            }
            add_square(&mut self.bend, q, columns, t, weight);
        }
    }

    /// Finds the mode of a component by Newton's method from the last one; `h` is concave.
    fn find_mode(&mut self, s: &Setting, part: &Part) -> Option<()> {
        let (q, own) = (part.q, part.start..part.start + part.q);
        let mut tried = std::mem::take(&mut self.tried);
        tried[..q].copy_from_slice(&self.modes[own.clone()]);
        self.pull(s, part, &tried[..q]);
        if !self.slope[..q].iter().all(|g| g.is_finite()) {
            tried[..q].fill(0.0);
            self.modes[own.clone()].fill(0.0);
            self.pull(s, part, &tried[..q]);
        }
        let found = self.climb(s, part, &mut tried[..q]);
        if found.is_some() {
            self.modes[own].copy_from_slice(&tried[..q]);
        }
        self.tried = tried;
        found
    }

    /// Newton's method; `v` is the mode afterwards.
    fn climb(&mut self, s: &Setting, part: &Part, v: &mut [f64]) -> Option<()> {
        let q = part.q;
        for _ in 0..STEPS_MAX {
            if !cholesky::factor(&mut self.bend[..q * q], q, cholesky::ROUNDING) {
                return None;
            }
            self.step[..q].copy_from_slice(&self.slope[..q]);
            cholesky::solve(&self.bend, q, &mut self.step[..q]);
            let step = &self.step[..q];
            let gain: f64 = step.iter().zip(&self.slope).map(|(s, g)| s * g).sum();
            let largest = |values: &[f64]| values.iter().fold(0.0_f64, |most, v| most.max(v.abs()));
            let is_last = largest(step) <= STEP_LAST * (1.0 + largest(v));
            if is_last {
                v.iter_mut().zip(step).for_each(|(v, s)| *v += s);
                return Some(());
            }
            let mut t = 1.0;
            let mut n = 0;
            loop {
                v.iter_mut().zip(&self.step).for_each(|(v, s)| *v += t * s);
                self.pull(s, part, v);
                // How steeply `h` falls there: too far if more than a quarter of how it rose.
                let steep =
                    -self.step[..q].iter().zip(&self.slope).map(|(s, g)| s * g).sum::<f64>();
                if steep <= 0.25 * gain {
                    break;
                }
                v.iter_mut().zip(&self.step).for_each(|(v, s)| *v -= t * s);
                let share = if steep.is_finite() { gain / (gain + steep) } else { 0.0 };
                t *= share.clamp(0.1, 0.8);
                n += 1;
                if n == SHORTER_MAX {
                    return None;
                }
            }
        }
        None
    }

    /// The component's log-likelihood at its mode.
    fn height(&mut self, s: &Setting, part: &Part) -> Option<f64> {
        let (q, e) = (part.q, s.layout.e);
        let v = &self.modes[part.start..part.start + q];
        let mut height = -0.5 * v.iter().map(|v| v * v).sum::<f64>();
        let mut bend = std::mem::take(&mut self.bend);
        identity(&mut bend, q);
        for i in part.cells.clone() {
            let jet = Jet::at(s.family, s.curvature, self.eta(s, i, v), s.layout.y[i]);
            height -= s.layout.w[i] * jet.loss;
            let (t, columns) = (&self.turned[i * e..], &s.layout.column[i * e..(i + 1) * e]);
            add_square(&mut bend, q, columns, t, s.layout.w[i] * jet.bent);
        }
        let is_definite = cholesky::factor(&mut bend[..q * q], q, cholesky::ROUNDING);
        height -= 0.5 * cholesky::log_determinant(&bend, q);
        self.bend = bend;
        is_definite.then_some(height)
    }
}

/// Sets the leading `q x q` entries to the identity.
fn identity(matrix: &mut [f64], q: usize) {
    matrix[..q * q].fill(0.0);
    (0..q).for_each(|i| matrix[i * q + i] = 1.0);
}

/// Adds `weight t t'` to a lower triangle, `t` given by its entries.
#[inline(always)]
fn add_square(matrix: &mut [f64], q: usize, columns: &[u32], t: &[f64], weight: f64) {
    for (a, &row) in columns.iter().enumerate() {
        for (b, &column) in columns.iter().enumerate() {
            if column <= row {
                matrix[row as usize * q + column as usize] += weight * t[a] * t[b];
            }
        }
    }
}
