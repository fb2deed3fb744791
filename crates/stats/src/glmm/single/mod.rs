//! The likelihood of groups with one effect each: Laplace's approximation, and adaptive quadrature.

mod derivatives;

use super::jet::Jet;
use super::layout::Layout;
use super::{Likelihood, Setting};
use crate::linalg::{emptied, room};
use derivatives::Work;

/// A step of the search for a mode shorter than this is the last: the next would be its square.
const STEP_LAST: f64 = 1e-7;
/// Steps of that search; five are many.
const STEPS_MAX: usize = 200;

/// Modes of the groups, and work space.
///
/// A group has the effect `theta v`, `v ~ N(0, 1)`; its cells have linear predictors `eta_i = o_i +
/// theta z_i v + x_i'gamma`. With `h(v) = sum_i l_i(eta_i) - v^2 / 2`, its mode `v_0`, `H = 1 +
/// theta^2 sum_i w_i z_i^2` there and `tau = H^(-1/2)`, the group's likelihood is about `tau sum_k
/// c_k exp[h(v_0 + tau x_k) + x_k^2 / 2]`, `x_k` and `c_k` the nodes and weights of a rule for the
/// standard normal. With one node this is Laplace's approximation.
///
/// # References
/// Pinheiro and Bates 1995, Journal of Computational and Graphical Statistics 4:12, section 2.5.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// Where each group's `h` is largest.
    pub modes: Vec<f64>,
    /// Linear predictors without the groups' effects.
    fixed: Vec<f64>,
    /// Logarithm of each node's part of each group's likelihood.
    parts: Vec<f64>,
    work: Work,
}

/// `h` at a point: its first derivative, and its second, negated.
#[derive(Clone, Copy)]
struct Slope {
    first: f64,
    second: f64,
}

impl Slope {
    fn is_finite(self) -> bool {
        self.first.is_finite() && self.second.is_finite()
    }
}

impl Likelihood for Groups {
    fn begin(&mut self, s: &Setting) {
        let n = s.layout.starts.len() - 1;
        emptied(&mut self.modes, n).resize(n, 0.0);
        room(&mut self.parts, n * s.nodes.len());
        self.work.begin(s.layout.width());
    }

    fn value(&mut self, s: &Setting, psi: &[f64]) -> Option<f64> {
        self.predict(s.layout, psi);
        let theta = psi[0];
        let mut total = 0.0;
        for group in 0..self.modes.len() {
            let mode = self.mode(s, group, theta)?;
            self.modes[group] = mode;
            let (at_mode, information) = self.height(s, group, theta, mode);
            let tau = 1.0 / (1.0 + theta * theta * information).sqrt();
            total += libm::log(tau) + self.integrate(s, group, theta, tau, at_mode);
        }
        total.is_finite().then_some(total)
    }

    fn modes(&mut self, s: &Setting, psi: &[f64]) -> Option<&[f64]> {
        self.predict(s.layout, psi);
        for group in 0..self.modes.len() {
            self.modes[group] = self.mode(s, group, psi[0])?;
        }
        Some(&self.modes)
    }

    fn differentiate(&mut self, s: &Setting, psi: &[f64], first: &mut [f64], second: &mut [f64]) {
        for group in 0..self.modes.len() {
            self.differentiate_group(s, group, psi[0], first, second);
        }
    }
}

impl Groups {
    /// Linear predictors without the groups' effects.
    fn predict(&mut self, layout: &Layout, psi: &[f64]) {
        let fixed = room(&mut self.fixed, layout.m);
        for (i, eta) in fixed.iter_mut().enumerate() {
            let x = &layout.row(i)[1..];
            *eta = layout.offset[i] + x.iter().zip(&psi[1..]).map(|(x, g)| x * g).sum::<f64>();
        }
    }

    /// Logarithm of the sum over the nodes; keeps each node's part.
    fn integrate(&mut self, s: &Setting, group: usize, theta: f64, tau: f64, at_mode: f64) -> f64 {
        let (n, mode) = (s.nodes.len(), self.modes[group]);
        let mut most = f64::NEG_INFINITY;
        for (node, (x, log_weight)) in s.nodes.at.iter().zip(&s.nodes.log_weight).enumerate() {
            let is_mode = 2 * node + 1 == n;
            let height =
                if is_mode { at_mode } else { self.height(s, group, theta, mode + tau * x).0 };
            self.parts[group * n + node] = height + log_weight;
            most = most.max(height + log_weight);
        }
        let parts = &mut self.parts[group * n..(group + 1) * n];
        let sum: f64 = parts.iter().map(|part| libm::exp(part - most)).sum();
        let total = most + libm::log(sum);
        // From now on the share of each node.
        parts.iter_mut().for_each(|part| *part = libm::exp(*part - total));
        total
    }

    /// `h` at `v`, and the information on the effect there.
    fn height(&self, s: &Setting, group: usize, theta: f64, v: f64) -> (f64, f64) {
        let layout = s.layout;
        let (mut loss, mut information) = (0.0, 0.0);
        for i in layout.starts[group]..layout.starts[group + 1] {
            let z = layout.row(i)[0];
            let jet = Jet::at(s.family, s.curvature, self.fixed[i] + theta * z * v, layout.y[i]);
            loss += layout.w[i] * jet.loss;
            information += layout.w[i] * jet.bent * z * z;
        }
        (-loss - 0.5 * v * v, information)
    }

    fn slope(&self, s: &Setting, group: usize, theta: f64, v: f64) -> Slope {
        let layout = s.layout;
        let (mut score, mut information) = (0.0, 0.0);
        for i in layout.starts[group]..layout.starts[group + 1] {
            let z = layout.row(i)[0];
            let pull = s.family.pull(self.fixed[i] + theta * z * v, layout.y[i], 0.0);
            score += layout.w[i] * pull.score * z;
            information += layout.w[i] * pull.weight * z * z;
        }
        Slope { first: theta * score - v, second: 1.0 + theta * theta * information }
    }

    /// The mode of a group, by Newton's method from the last one.
    ///
    /// `h'` falls at least as fast as `-v` does: the mode lies between `v` and `v + h'(v)`.
    fn mode(&self, s: &Setting, group: usize, theta: f64) -> Option<f64> {
        let mut v = self.modes[group];
        let mut at = self.slope(s, group, theta, v);
        if !at.is_finite() {
            v = 0.0;
            at = self.slope(s, group, theta, v);
        }
        if !at.is_finite() {
            return None;
        }
        let (mut low, mut high) = (v + at.first.min(0.0), v + at.first.max(0.0));
        let mut last = f64::INFINITY;
        for _ in 0..STEPS_MAX {
            let step = at.first / at.second;
            let newton = v + step;
            if step.abs() <= STEP_LAST * (1.0 + v.abs()) {
                return Some(newton);
            }
            // Halves the interval where Newton's steps leave it, or do not shrink fast.
            let is_good = newton >= low && newton <= high && step.abs() <= 0.5 * last;
            let next = if is_good { newton } else { 0.5 * (low + high) };
            last = (next - v).abs();
            v = next;
            at = self.slope(s, group, theta, v);
            if at.first > 0.0 {
                low = v;
            } else {
                // Also where `h` falls so steeply that its slope is no number.
                high = v;
            }
            if high - low <= f64::EPSILON * (1.0 + v.abs()) {
                return Some(v);
            }
        }
        None
    }
}
