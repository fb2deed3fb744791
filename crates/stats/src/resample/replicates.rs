//! A resampling test of every value of a parameter at once, and its inversion to an interval.

use crate::linalg::emptied;

/// Squared statistics that differ by less than this share are ties: the replicate that repeats the
/// data, and those that mirror it, count as equal to it whatever rounding does.
pub(super) const TIE: f64 = 1e-9;
/// Doublings of the step in the search for an end.
const DOUBLINGS: usize = 40;
/// Bisections of the bracket of an end.
const BISECTIONS: usize = 40;

/// A squared statistic as a function of the hypothesis: `(top + d slope)^2 / (square + 2 d cross +
/// d^2 bend)`, where `d` says which value is tested.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Curve {
    /// The numerator at `d = 0`.
    pub top: f64,
    /// How the numerator changes with `d`.
    pub slope: f64,
    /// The variance at `d = 0`.
    pub square: f64,
    /// How the variance changes with `d`, a half of it.
    pub cross: f64,
    /// How the variance changes with `d^2`.
    pub bend: f64,
}

impl Curve {
    /// The squared numerator and the variance at `d`.
    #[inline(always)]
    fn at(&self, d: f64) -> (f64, f64) {
        let top = self.top + d * self.slope;
        (top * top, self.square + d * (2.0 * self.cross + d * self.bend))
    }
}

/// The statistic of the data, and those of its replicates, each as a [`Curve`].
///
/// Replicates may have weights: probabilities, where assignments are listed.
#[derive(Clone, Debug, Default)]
pub struct Replicates {
    /// The statistic of the data.
    pub observed: Curve,
    pub(super) curves: Vec<Curve>,
    weights: Vec<f64>,
}

impl Replicates {
    /// Empties the list; room is made for `n` replicates.
    pub fn begin(&mut self, observed: Curve, n: usize) {
        self.observed = observed;
        emptied(&mut self.curves, n);
        emptied(&mut self.weights, n);
    }

    /// Adds a replicate of weight 1.
    #[inline]
    pub fn add(&mut self, curve: Curve) {
        self.curves.push(curve);
    }

    /// Adds a replicate with a weight; either all replicates have one, or none.
    #[inline]
    pub fn add_weighted(&mut self, curve: Curve, weight: f64) {
        self.curves.push(curve);
        self.weights.push(weight);
    }

    /// Number of replicates.
    pub fn len(&self) -> usize {
        self.curves.len()
    }

    /// Whether there is no replicate.
    pub fn is_empty(&self) -> bool {
        self.curves.is_empty()
    }

    /// The share of replicates with a statistic at least as large as that of the data, both sides
    /// taken together, under the hypothesis `d`.
    ///
    /// A replicate without variance counts as larger. Domain: at least one replicate.
    pub fn p_value(&self, d: f64) -> f64 {
        let (top, variance) = self.observed.at(d);
        let least = top * (1.0 - TIE);
        let is_extreme = |curve: &Curve| {
            let (own, own_variance) = curve.at(d);
            own * variance >= least * own_variance
        };
        if self.weights.is_empty() {
            let n = self.curves.iter().map(|c| u32::from(is_extreme(c))).sum::<u32>();
            return f64::from(n) / self.curves.len() as f64;
        }
        let (mut extreme, mut all) = (0.0, 0.0);
        for (curve, weight) in self.curves.iter().zip(&self.weights) {
            all += weight;
            extreme += if is_extreme(curve) { *weight } else { 0.0 };
        }
        extreme / all
    }

    /// The values of `d` around the one where the data's statistic is zero that are not rejected
    /// at level `alpha`; an end is infinite where none is found.
    ///
    /// From that value steps that begin with `step` and double look for a value that is rejected;
    /// bisection then finds the place between it and the last that is not, to 1e-10 steps or so.
    /// The share of extreme replicates is a step function, and need not fall all the way: what lies
    /// beyond the first rejected step is not looked at. None where the statistic does not depend
    /// on `d`.
    pub fn interval(&self, alpha: f64, step: f64) -> Option<[f64; 2]> {
        let centre = -self.observed.top / self.observed.slope;
        if !(centre.is_finite() && step.is_finite()) {
            return None;
        }
        Some([-step, step].map(|step| self.end(alpha, centre, step)))
    }

    fn end(&self, alpha: f64, centre: f64, step: f64) -> f64 {
        let (mut inside, mut reach) = (centre, step);
        for _ in 0..DOUBLINGS {
            let mut outside = centre + reach;
            if self.p_value(outside) <= alpha {
                for _ in 0..BISECTIONS {
                    let middle = 0.5 * (inside + outside);
                    if self.p_value(middle) <= alpha {
                        outside = middle;
                    } else {
                        inside = middle;
                    }
                }
                return inside;
            }
            (inside, reach) = (outside, 2.0 * reach);
        }
        if step < 0.0 { f64::NEG_INFINITY } else { f64::INFINITY }
    }
}
