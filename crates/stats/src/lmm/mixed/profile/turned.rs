//! The criterion where the effects of a block are as they are given, some of them ahead of others.

use std::ops::Range;

use super::super::criterion::{Problem, Work as Evaluation};
use super::super::parameters::{Element, Parameters};
use super::super::{Structure, roomy};
use crate::descent::Surface;
use crate::linalg::room;

/// A block whose effects have another order: those in question come first.
///
/// With `S` the covariances of the effects as they are measured, `S = M L L'M'`: the elements of
/// `L` take the places of the block's own in the list of all parameters. The first effect, and the
/// second, are as they are given, in units of their spread; so the first variance is `L_11^2`, and
/// the correlation of the two is that of the first two rows of `L`.
#[derive(Debug)]
pub(super) struct Turned {
    block: Range<usize>,
    /// The places of the block's elements in the list of all.
    own: Range<usize>,
    /// Where the block's factor begins in a list of all factors' matrices, and its effects.
    start: usize,
    effects: usize,
    /// `M`, and its inverse.
    map: Vec<f64>,
    inverse: Vec<f64>,
    /// The unit of the first effect.
    pub spread: f64,
    /// The correlation of the first two effects, where it is given.
    pub correlation: Option<f64>,
    /// Derivatives by the elements where they were asked for last, as if none were given.
    gradient: Vec<f64>,
    /// `L` and `M L`.
    l: Vec<f64>,
    turned: Vec<f64>,
    /// The other factors in full.
    plain: Vec<f64>,
    sigma: Vec<f64>,
    theta: Vec<f64>,
    lambda: Vec<f64>,
    space: Vec<f64>,
}

impl Turned {
    /// The block of the first of the effects `ahead`, which are in its order to come.
    pub fn new(
        structure: &Structure,
        parameters: &Parameters,
        scales: &[(f64, f64)],
        factor: usize,
        ahead: &[usize],
    ) -> Self {
        let blocks = &structure.factors[factor].blocks;
        let block = blocks.iter().find(|b| b.contains(&ahead[0])).expect("an effect of a block");
        let (block, r) = (block.clone(), block.len());
        let rest = block.clone().filter(|e| !ahead.contains(e));
        let order: Vec<usize> = ahead.iter().copied().chain(rest).collect();
        let before: usize = parameters.effects[..factor].iter().sum();
        // A centred intercept lies, in slopes, a mean away from the one that is given.
        let is_centred = structure.factors[factor].effects[block.start].is_none()
            && ahead.contains(&block.start);
        let away = |effect: usize| {
            let (mean, spread) = scales[before + effect];
            if is_centred && effect != block.start { mean / spread } else { 0.0 }
        };
        let (mut map, mut inverse) = (vec![0.0; r * r], vec![0.0; r * r]);
        for (a, &effect) in order.iter().enumerate() {
            map[a] = away(effect);
            map[(effect - block.start) * r + a] = 1.0;
            for (i, own) in block.clone().enumerate().filter(|_| effect == block.start) {
                inverse[a * r + i] = -away(own);
            }
            inverse[a * r + effect - block.start] = 1.0;
        }
        let is_own = |e: &Element| e.factor == factor && block.contains(&e.row);
        let first = parameters.list.iter().position(is_own).expect("a block has elements");
        Self {
            own: first..first + r * (r + 1) / 2,
            start: parameters.starts[factor],
            effects: parameters.effects[factor],
            block,
            map,
            inverse,
            spread: scales[before + ahead[0]].1,
            correlation: None,
            gradient: Vec::new(),
            l: Vec::new(),
            turned: Vec::new(),
            plain: Vec::new(),
            sigma: Vec::new(),
            theta: Vec::new(),
            lambda: Vec::new(),
            space: Vec::new(),
        }
    }

    /// Whether the first effect is a combination of several as they are measured.
    pub fn is_combined(&self) -> bool {
        self.inverse[..self.block.len()].iter().filter(|v| **v != 0.0).count() > 1
    }

    /// Whether a parameter is an element of the first column of `L`.
    pub fn is_first(&self, t: usize) -> bool {
        (self.own.start..self.own.start + self.block.len()).contains(&t)
    }

    /// The variance of the first effect as a combination of the elements of `S`.
    pub fn variance(&self, parameters: &Parameters) -> Vec<f64> {
        let c = |effect: usize| self.inverse[effect - self.block.start];
        let factor = |(k, e): (usize, &Element)| match () {
            () if !self.own.contains(&k) => 0.0,
            () if e.row == e.column => c(e.row) * c(e.row),
            () => 2.0 * c(e.row) * c(e.column),
        };
        parameters.list.iter().enumerate().map(factor).collect()
    }

    /// The parameters here of elements `theta` of the factors as they are measured.
    pub fn read(&mut self, parameters: &Parameters, theta: &[f64], out: &mut Vec<f64>) {
        let (r, first) = (self.block.len(), self.block.start);
        parameters.expand(theta, &mut self.lambda);
        room(&mut self.sigma, parameters.size());
        parameters.square(&self.lambda, &mut self.sigma);
        let at = |i: usize, j: usize| self.start + (first + i) * self.effects + first + j;
        let own: Vec<f64> = (0..r * r).map(|k| self.sigma[at(k / r, k % r)]).collect();
        for a in 0..r {
            for b in 0..r {
                let (x, z) = (&self.inverse[a * r..(a + 1) * r], &self.inverse[b * r..]);
                let inner = |i: usize| (0..r).map(|j| own[i * r + j] * z[j]).sum::<f64>();
                self.sigma[at(a, b)] = x.iter().enumerate().map(|(i, x)| x * inner(i)).sum();
            }
        }
        parameters.factor(&self.sigma, room(out, parameters.len()));
        out.truncate(parameters.len());
        if self.correlation.is_some() {
            let (own, diagonal) = (self.own.start + 1, self.second());
            out[diagonal] = out[own].hypot(out[diagonal]);
            out[own] = 0.0;
        }
    }

    /// The correlation of the first two effects.
    pub fn correlation_at(&self, at: &[f64]) -> f64 {
        let (below, diagonal) = (at[self.own.start + 1], at[self.second()]);
        below * at[self.own.start].signum() / below.hypot(diagonal)
    }

    /// The place of the diagonal element of the second effect; where the correlation is given it
    /// holds the effect's size.
    fn second(&self) -> usize {
        self.own.start + self.block.len()
    }

    /// Whether a parameter is fixed by the correlation that is given.
    pub fn is_given(&self, t: usize) -> bool {
        self.correlation.is_some() && t == self.own.start + 1
    }

    /// The size of the first effect.
    pub fn first_size(&self, at: &[f64]) -> f64 {
        at[self.own.start]
    }

    /// The sizes of the first two effects where their correlation is given.
    pub fn sizes(&self, at: &[f64]) -> [f64; 2] {
        [at[self.own.start], at[self.second()]]
    }

    /// The derivative by the correlation that is given, at the point where derivatives were asked
    /// for last, `at`.
    pub fn slope_of_correlation(&self, at: &[f64]) -> f64 {
        let (size, given) = (at[self.second()], self.correlation.unwrap_or(0.0));
        let [below, diagonal] = [self.own.start + 1, self.second()].map(|t| self.gradient[t]);
        size * (below - diagonal * given / (1.0 - given * given).sqrt())
    }

    /// Sets `M L`, and theta as the criterion wants it.
    fn place(&mut self, parameters: &Parameters, at: &[f64]) {
        let (r, first) = (self.block.len(), self.block.start);
        let l = roomy(&mut self.l, r * r);
        l.fill(0.0);
        for (e, v) in parameters.list[self.own.clone()].iter().zip(&at[self.own.clone()]) {
            l[(e.row - first) * r + e.column - first] = *v;
        }
        if let Some(given) = self.correlation {
            let size = l[r + 1];
            (l[r], l[r + 1]) = (given * size, (1.0 - given * given).sqrt() * size);
        }
        let turned = roomy(&mut self.turned, r * r);
        for i in 0..r {
            for c in 0..r {
                turned[i * r + c] = (c..r).map(|a| self.map[i * r + a] * l[a * r + c]).sum();
            }
        }
        parameters.expand(at, &mut self.plain);
        for k in 0..r * r {
            self.plain[self.start + (first + k / r) * self.effects + first + k % r] = 0.0;
        }
        room(&mut self.sigma, parameters.size());
        parameters.square(&self.plain, &mut self.sigma);
        for i in 0..r {
            for j in 0..r {
                let (x, z) = (&turned[i * r..(i + 1) * r], &turned[j * r..(j + 1) * r]);
                let sum = x.iter().zip(z).map(|(x, z)| x * z).sum();
                self.sigma[self.start + (first + i) * self.effects + first + j] = sum;
            }
        }
        parameters.factor(&self.sigma, room(&mut self.theta, parameters.len()));
        parameters.expand(&self.theta[..parameters.len()], &mut self.lambda);
    }
}

/// The criterion over the parameters of a turned block and of the others.
pub(super) struct OnTurned<'a> {
    pub turned: &'a mut Turned,
    pub problem: &'a Problem<'a>,
    pub work: &'a mut Evaluation,
}

impl Surface for OnTurned<'_> {
    fn value(&mut self, at: &[f64]) -> Option<f64> {
        // Where one of the two sizes is negative the correlation has the other sign.
        if self.turned.correlation.is_some() && self.turned.sizes(at).iter().product::<f64>() <= 0.0
        {
            return None;
        }
        self.turned.place(self.problem.parameters, at);
        self.problem.value(&self.turned.lambda, self.work)
    }

    fn differentiate(&mut self, _: &[f64], first: &mut [f64], second: &mut [f64]) {
        let Self { turned, problem, work } = self;
        let (n, parameters) = (first.len(), problem.parameters);
        problem.differentiate(&turned.lambda, work);
        let mut space = std::mem::take(&mut turned.space);
        let (r, start) = (turned.block.len(), turned.block.start);
        let is_own = |k: usize| turned.own.contains(&k);
        let place = |k: usize| {
            let e = parameters.list[k];
            (e.row - start, e.column - start)
        };
        let (m, l) = (
            |i: usize, a: usize| turned.map[i * r + a],
            |i: usize, c: usize| turned.turned[i * r + c],
        );
        let slope = |k: usize, t: usize| match (is_own(k), is_own(t)) {
            (true, true) => {
                let ((i, j), (a, c)) = (place(k), place(t));
                m(i, a) * l(j, c) + l(i, c) * m(j, a)
            }
            (false, false) => parameters.slope(k, t, &turned.plain),
            _ => 0.0,
        };
        let bend = |k: usize, s: usize, t: usize| match (is_own(k), is_own(s), is_own(t)) {
            (true, true, true) => {
                let ((i, j), (a, c), (b, d)) = (place(k), place(s), place(t));
                if c == d { m(i, a) * m(j, b) + m(i, b) * m(j, a) } else { 0.0 }
            }
            (false, false, false) => parameters.bend(k, s, t),
            _ => 0.0,
        };
        work.chain(slope, bend, &mut space, (first, second));
        turned.space = space;
        room(&mut turned.gradient, n).copy_from_slice(first);
        let Some(given) = turned.correlation else { return };
        // Both elements of the second row are shares of one size.
        let (p, q, rest) = (turned.own.start + 1, turned.second(), (1.0 - given * given).sqrt());
        first[q] = given * first[p] + rest * first[q];
        let [pp, pq, qq] = [(p, p), (p, q), (q, q)].map(|(s, t)| second[s * n + t]);
        for s in (0..n).filter(|s| *s != q) {
            let both = given * second[s * n + p] + rest * second[s * n + q];
            (second[s * n + q], second[q * n + s]) = (both, both);
        }
        second[q * n + q] = given * given * pp + 2.0 * given * rest * pq + rest * rest * qq;
    }
}
