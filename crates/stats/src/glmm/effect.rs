//! Average marginal effects: differences of means over the distribution of the random effects.

use super::marginal::{Mixture, Tower};
use super::{Data, Failure, Fit};
use crate::glm::Coefficient;
use crate::glm::effect::{Change, Walk};
use crate::linalg::room;

/// How the column of a random slope changes with the variable: it is `rest` times a number that is
/// `low` before the change and `high` after it.
#[derive(Clone, Copy, Debug)]
pub struct Turn<'a> {
    /// The other factors of the slope's column, one a row; one where there are none.
    pub rest: Option<&'a [f64]>,
    /// The changing factor before the change.
    pub low: f64,
    /// The same after it.
    pub high: f64,
}

/// Work space.
#[derive(Debug, Default)]
pub struct Room {
    /// Numbers by predictor.
    predictors: Vec<f64>,
    /// Numbers by effect.
    effects: Vec<f64>,
    lambda: Vec<f64>,
    beta: Vec<f64>,
    mixture: Mixture,
}

/// What the variance of a row's random part is made of.
struct Spread<'a> {
    /// Values of the effects.
    z: &'a [f64],
    /// `Lambda'z`.
    turned: &'a [f64],
}

/// The gradient of an effect, as far as it is summed up.
struct Sums<'a> {
    /// By predictor.
    by_beta: &'a mut [f64],
    /// By element of the factors.
    by_theta: &'a mut [f64],
}

impl Fit<'_> {
    /// Average marginal effect of a change; writes its gradient by the parameters of the fit.
    ///
    /// With `mu` the inverse link, `eta` the fixed part of a row's linear predictor and `v =
    /// z'Lambda Lambda'z` the variance of its random part, the mean of the row over all groups that
    /// there might be is `M(eta, v) = E mu(eta + sqrt(v) X)`, `X` standard normal. The effect of a
    /// number that is zero or one everywhere, and of a category, is `sum_i w_i [M(eta_i1, v_i1) -
    /// M(eta_i0, v_i0)] / sum_i w_i`; that of any other number the average derivative of `M`. The
    /// predictors are taken as known.
    ///
    /// `turns` tells for each effect how its column changes, or that it does not.
    /// Shapes: `gradient`: [`Fit::n_gradient`].
    ///
    /// # Errors
    /// `TermDropped` where the change is not estimable.
    ///
    /// # Panics
    /// Where the change has columns or rows that the data lack.
    ///
    /// # References
    /// Zeger, Liang and Albert 1988, Biometrics 44:1049 (means over groups).
    pub fn effect(
        &self,
        change: &Change,
        turns: &[Option<Turn>],
        data: &Data,
        gradient: &mut [f64],
        work: &mut Room,
    ) -> Result<f64, Failure> {
        let (p, e) = (self.cells.basis.kept.len(), self.layout.e);
        self.write_beta(&mut work.beta);
        self.parameters.expand(&self.descent.at[..self.parameters.len()], &mut work.lambda);
        let Room { predictors, effects, lambda, beta, mixture } = work;
        let (low, high) = room(predictors, 3 * p).split_at_mut(p);
        let (high, by_beta) = high.split_at_mut(p);
        let (z, turned) = room(effects, 4 * e).split_at_mut(2 * e);
        by_beta.fill(0.0);
        gradient.fill(0.0);
        let walk = Walk { cells: self.cells, beta, change, data: &data.rows };
        walk.check()?;
        let as_derivative = walk.is_derivative();
        let mut estimate = 0.0;
        for (cell, row, weight) in walk.units() {
            let value = walk.read(row, low, high);
            let (eta, step) = walk.turn(self.eta(cell), row, low, high);
            self.read_effects(data, turns, row, z);
            for (z, turned) in z.chunks_exact(e).zip(turned.chunks_exact_mut(e)) {
                self.turn_effects(lambda, z, turned);
            }
            let (x, ends) = ([&*low, &*high], [eta, eta + step]);
            let mut sums = Sums { by_beta, by_theta: &mut gradient[..self.parameters.len()] };
            estimate += weight
                * if as_derivative {
                    self.add_derivative(value, ends, x, (z, turned), weight, mixture, &mut sums)
                } else {
                    self.add_difference(ends, x, (z, turned), weight, mixture, &mut sums)
                };
        }
        let by_gamma = &mut gradient[self.parameters.len()..];
        self.cells.basis.lower(|j| by_beta[j], by_gamma);
        by_gamma.iter_mut().for_each(|g| *g *= self.layout.unit);
        Ok(estimate)
    }

    /// Length of the gradient of a function of all parameters: elements of the factors, then
    /// coefficients.
    pub fn n_gradient(&self) -> usize {
        self.descent.at.len()
    }

    /// An estimate that depends on the parameters, with the error of the delta method.
    ///
    /// With `g` its gradient the variance is `g'C g`, `C` the joint covariance of coefficients and
    /// elements of the factors: the inverse of the observed information. A variance that is
    /// estimated as zero is taken as known.
    ///
    /// # Errors
    /// `NotFinite`; `ZeroStandardError`.
    ///
    /// # References
    /// Oehlert 1992, American Statistician 46:27.
    pub fn by_delta(&self, estimate: f64, gradient: &[f64]) -> Result<Coefficient, Failure> {
        let std_error = self.covariance_of(gradient, gradient).max(0.0).sqrt();
        if !(estimate.is_finite() && std_error.is_finite()) {
            return Err(Failure::NotFinite);
        }
        if std_error == 0.0 {
            return Err(Failure::ZeroStandardError);
        }
        Ok(Coefficient { estimate, std_error, df: f64::INFINITY })
    }

    /// The variance matrix of functions of the parameters with these gradients, by rows.
    pub fn vcov_of(&self, gradients: &[&[f64]]) -> Vec<f64> {
        let of = |a: &&[f64]| gradients.iter().map(|b| self.covariance_of(a, b)).collect();
        gradients.iter().map(of).collect::<Vec<Vec<f64>>>().concat()
    }

    fn covariance_of(&self, a: &[f64], b: &[f64]) -> f64 {
        let rows = self.covariance.chunks_exact(self.n_gradient().max(1)).zip(a);
        rows.map(|(row, a)| a * inner(row, b)).sum()
    }

    /// The difference of a row's means at the ends of the change; adds its gradient.
    fn add_difference(
        &self,
        eta: [f64; 2],
        x: [&[f64]; 2],
        (z, turned): (&[f64], &[f64]),
        weight: f64,
        mixture: &mut Mixture,
        sums: &mut Sums,
    ) -> f64 {
        let e = self.layout.e;
        let mut difference = 0.0;
        for (end, sign) in [(0, -1.0), (1, 1.0)] {
            let own = end * e..(end + 1) * e;
            let spread = Spread { z: &z[own.clone()], turned: &turned[own] };
            let tower = mixture.tower(self.family, eta[end], square(spread.turned));
            difference += sign * tower[0];
            let weight = sign * weight;
            let by_beta = sums.by_beta.iter_mut().zip(x[end]);
            by_beta.for_each(|(g, x)| *g += weight * tower[1] * x);
            for (t, g) in sums.by_theta.iter_mut().enumerate() {
                *g += weight * 0.5 * tower[2] * self.by_theta(t, &spread, &spread).0;
            }
        }
        difference
    }

    /// The derivative of a row's mean along the change, at `value` of it; adds its gradient.
    #[allow(clippy::too_many_arguments)]
    fn add_derivative(
        &self,
        value: f64,
        [eta, end]: [f64; 2],
        [low, high]: [&[f64]; 2],
        (z, turned): (&mut [f64], &mut [f64]),
        weight: f64,
        mixture: &mut Mixture,
        sums: &mut Sums,
    ) -> f64 {
        let e = self.layout.e;
        // From the ends of the change to the place and the direction of the derivative.
        for ends in [&mut *z, &mut *turned] {
            let (low, high) = ends.split_at_mut(e);
            for (l, h) in low.iter_mut().zip(high) {
                *h -= *l;
                *l += value * *h;
            }
        }
        let at = Spread { z: &z[..e], turned: &turned[..e] };
        let way = Spread { z: &z[e..], turned: &turned[e..] };
        let step = end - eta;
        let tower = mixture.tower(self.family, eta + value * step, square(at.turned));
        let (slope, rates) = along(&tower, step, 2.0 * inner(at.turned, way.turned));
        for (j, g) in sums.by_beta.iter_mut().enumerate() {
            let d = high[j] - low[j];
            *g += weight * (rates[0] * (low[j] + value * d) + tower[1] * d);
        }
        for (t, g) in sums.by_theta.iter_mut().enumerate() {
            let (own, turns) = self.by_theta(t, &at, &way);
            *g += weight * (rates[1] * own + 0.5 * tower[2] * turns);
        }
        slope
    }

    /// The fixed part of a cell's linear predictor.
    fn eta(&self, cell: usize) -> f64 {
        let gamma = &self.descent.at[self.parameters.len()..];
        let columns = self.cells.basis.q.chunks_exact(self.cells.m);
        let sum: f64 = columns.zip(gamma).map(|(q, g)| q[cell] * g).sum();
        self.layout.unit * sum + self.cells.offset.get(cell).copied().unwrap_or(0.0)
    }

    /// The values of a row's effects before and after the change, as the layout measures them.
    fn read_effects(&self, data: &Data, turns: &[Option<Turn>], row: usize, z: &mut [f64]) {
        let (low, high) = z.split_at_mut(self.layout.e);
        for (effect, (mean, spread)) in self.layout.scales.iter().enumerate() {
            let measured = |value: f64| (value - mean) / spread;
            let ends = match (turns.get(effect).copied().flatten(), self.layout.slopes[effect]) {
                (Some(turn), _) => {
                    let rest = turn.rest.map_or(1.0, |rest| rest[row]);
                    [turn.low * rest, turn.high * rest].map(measured)
                }
                (None, Some(column)) => [measured(data.columns[column][row]); 2],
                (None, None) => [1.0; 2],
            };
            (low[effect], high[effect]) = (ends[0], ends[1]);
        }
    }

    /// `Lambda'z`.
    fn turn_effects(&self, lambda: &[f64], z: &[f64], turned: &mut [f64]) {
        let mut first = 0;
        for (start, &r) in self.parameters.starts.iter().zip(&self.parameters.effects) {
            for column in 0..r {
                let rows = (column..r).map(|row| lambda[start + row * r + column] * z[first + row]);
                turned[first + column] = rows.sum();
            }
            first += r;
        }
    }

    /// By element `t` of the factors: the slope of `v = |Lambda'z|^2`, and that of its rate `2
    /// (Lambda'z)'(Lambda'd)`, `d` the way that `z` goes.
    fn by_theta(&self, t: usize, at: &Spread, way: &Spread) -> (f64, f64) {
        let e = self.parameters.list[t];
        let first: usize = self.parameters.effects[..e.factor].iter().sum();
        let (row, column) = (first + e.row, first + e.column);
        let own = 2.0 * at.turned[column] * at.z[row];
        let turns = 2.0 * (at.turned[column] * way.z[row] + way.turned[column] * at.z[row]);
        (own, turns)
    }
}

/// The derivative of a mean where `eta` and `v` move at these rates, and how that changes with
/// `eta` and with `v`.
fn along(m: &Tower, eta: f64, v: f64) -> (f64, [f64; 2]) {
    let by_eta = m[2] * eta + 0.5 * m[3] * v;
    let by_v = 0.5 * m[3] * eta + 0.25 * m[4] * v;
    (m[1] * eta + 0.5 * m[2] * v, [by_eta, by_v])
}

fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn square(a: &[f64]) -> f64 {
    inner(a, a)
}
