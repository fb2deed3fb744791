//! Degrees of freedom of a CR2 variance, from one pass over the clusters.

use super::joint::Trail;
use crate::linalg::room;

/// A trace below this share of what it would be without singular clusters is rounding error.
const TRACE_MIN: f64 = 1e-10;

/// Sums for `df = (sum_g P_gg)^2 / sum_gh P_gh^2`, for several targets at once.
///
/// `P` is clusters x clusters, with `P_gh = a_g'b_h` off the diagonal. Then `sum_{g<h} P_gh^2 =
/// sum_h b_h'S_h b_h` where `S_h` sums `a_g a_g'` over the clusters before `h`: the cost is
/// linear in the number of clusters. Nothing is subtracted, so that a cluster with a leverage
/// near one, whose `a_g` is very long, takes no digits away from the others.
pub(super) struct Satterthwaite<'a> {
    /// `S_h` of each target.
    before: &'a mut [f64],
    trace: &'a mut [f64],
    diagonal: &'a mut [f64],
    off: &'a mut [f64],
    trail: Option<&'a mut Trail>,
}

impl<'a> Satterthwaite<'a> {
    /// Sums at zero, for vectors of length `k`.
    pub fn new(
        buffer: &'a mut Vec<f64>,
        trail: &'a mut Option<Trail>,
        (n_targets, k): (usize, usize),
    ) -> Self {
        let buffer = room(buffer, n_targets * (k * k + 3));
        buffer.fill(0.0);
        let (before, rest) = buffer.split_at_mut(n_targets * k * k);
        let (trace, rest) = rest.split_at_mut(n_targets);
        let (diagonal, off) = rest.split_at_mut(n_targets);
        let trail = trail.as_mut();
        if let Some(trail) = trail.as_deref() {
            debug_assert!(trail.numbers.is_empty(), "a trail is of one fit");
        }
        Self { before, trace, diagonal, off, trail }
    }

    /// Adds a cluster with `P_gg = p` and the vectors `a` and `b` to target `t`.
    #[inline(always)]
    pub fn add(&mut self, t: usize, k: usize, p: f64, a: &[f64], b: &[f64]) {
        let s = &mut self.before[t * k * k..(t + 1) * k * k];
        let mut form = 0.0;
        for i in 0..k {
            let mut v = 0.0;
            for j in 0..k {
                v += s[i * k + j] * b[j];
                s[i * k + j] += a[i] * a[j];
            }
            form += v * b[i];
        }
        self.trace[t] += p;
        self.diagonal[t] += p * p;
        self.off[t] += form;
        if let Some(trail) = &mut self.trail {
            trail.add(k, p, a, b);
        }
    }

    /// Adds a cluster with `P_gg = p` and one vector, which has entries at `place` only.
    pub fn add_at(&mut self, t: usize, k: usize, p: f64, a: &[f64], place: &[usize]) {
        let s = &mut self.before[t * k * k..(t + 1) * k * k];
        let mut form = 0.0;
        for (x, i) in a.iter().zip(place) {
            let mut v = 0.0;
            for (y, j) in a.iter().zip(place) {
                v += s[i * k + j] * y;
                s[i * k + j] += x * y;
            }
            form += v * x;
        }
        self.trace[t] += p;
        self.diagonal[t] += p * p;
        self.off[t] += form;
        if let Some(trail) = &mut self.trail {
            trail.add_at(k, p, a, place);
        }
    }

    /// Writes the df of each target, zero where no cluster tells of it.
    ///
    /// `full(t)` is what the trace would be if no cluster were singular.
    pub fn finish(&self, full: impl Fn(usize) -> f64, df: &mut [f64]) {
        for (t, df) in df.iter_mut().enumerate() {
            let trace = self.trace[t];
            *df = if trace <= TRACE_MIN * full(t) {
                0.0
            } else {
                trace * trace / (self.diagonal[t] + 2.0 * self.off[t])
            };
        }
    }
}
