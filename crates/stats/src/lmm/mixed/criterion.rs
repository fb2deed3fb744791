//! The profiled criterion at given covariances, and its exact derivatives.

use super::index::{Index, Route};
use super::log_product::LogProduct;
use super::parameters::Parameters;
use super::sums::Sums;
use super::{Method, parts, roomy, whole};
use crate::linalg::{room, spelt_out};

/// What the residual variance is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scale<'a> {
    /// The best one: `r2 / nu`.
    Best,
    /// Fixed.
    Fixed(f64),
    /// Such that the variance of an effect is fixed, a combination of elements of `S`.
    OfEffect {
        /// The factor of each element.
        factors: &'a [f64],
        /// The effect's variance.
        variance: f64,
    },
}

/// What is minimised.
#[derive(Clone, Copy)]
pub(super) struct Problem<'a> {
    pub sums: &'a Sums,
    pub index: &'a Index,
    pub parameters: &'a Parameters,
    pub method: Method,
    /// Degrees of freedom of the residual variance.
    pub nu: f64,
    pub scale: Scale<'a>,
}

/// Numbers of one evaluation; those of the last stay.
///
/// In a component `V = I + C' S C` with `S` the covariances; `H = Z'V^-1 Z`, `E = Z'V^-1 [Q e]`.
/// With `Q'V^-1 Q = G G'` and `b` the coefficients, `Y = E_Q G'^-1` and `u = Z'V^-1 (e - Q b)`. A
/// derivative by an element of `S` puts a matrix of zeros and ones in its place.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// Covariances of all factors.
    pub sigma: Vec<f64>,
    /// Of components taken whole.
    pub whole: whole::Work,
    /// Of components taken in parts.
    pub parts: parts::Work,
    /// `[Q e]'V^-1[Q e]`; after factoring, `G` in the lower triangle, and in its last row what
    /// `G^-1` makes of the outcome, with `sqrt(r2)` at the end.
    pub joint: Vec<f64>,
    /// `b`.
    pub b: Vec<f64>,
    /// Residual sum of squares.
    pub r2: f64,
    /// `E` of one component; then `Y` in all columns but the last.
    pub y: Vec<f64>,
    /// `u` of one component.
    pub u: Vec<f64>,
    /// `tr(V^-1 V_k)`.
    pub trace: Vec<f64>,
    /// `tr(P V_k)`.
    pub trace_p: Vec<f64>,
    /// `y'P V_k P y`.
    pub form: Vec<f64>,
    /// `tr(V^-1 V_k V^-1 V_l)`.
    pub pair: Vec<f64>,
    /// `-2 tr(V^-1 V_k V^-1 V_l (V^-1 - P))`.
    pub pair_p: Vec<f64>,
    /// `y'P V_k V^-1 V_l P y`.
    pub pair_form: Vec<f64>,
    /// `G^-1 Q'V^-1 V_k V^-1 Q G'^-1`, a matrix for each `k`.
    pub d: Vec<f64>,
    /// `G^-1 Q'V^-1 V_k P y`.
    pub w: Vec<f64>,
    /// First derivatives by phi.
    pub slope: Vec<f64>,
    /// Second derivatives by phi.
    pub curvature: Vec<f64>,
}

impl Work {
    /// Adds the cross-products of a row of `V^-1/2 [Q e]`.
    pub fn add_joint(joint: &mut [f64], row: &[f64]) {
        for (r, out) in row.iter().zip(joint.chunks_exact_mut(row.len())) {
            out.iter_mut().zip(row).for_each(|(o, v)| *o += r * v);
        }
    }

    /// Turns `E` of a component with `q` columns into `Y` and `u`.
    pub fn turn(&mut self, q: usize, width: usize) {
        roomy(&mut self.u, q);
        spelt_out!(width, |width| self.turn_rows(q, width));
    }

    #[inline(always)]
    fn turn_rows(&mut self, q: usize, width: usize) {
        let p = width - 1;
        let (b, joint) = (&self.b[..p], &self.joint[..width * width]);
        for (u, e) in self.u[..q].iter_mut().zip(self.y[..q * width].chunks_exact_mut(width)) {
            let mut left = 0.0;
            for j in 0..p {
                left += e[j] * b[j];
            }
            *u = e[p] - left;
            for j in 0..p {
                let mut done = 0.0;
                for l in 0..j {
                    done += joint[j * width + l] * e[l];
                }
                e[j] = (e[j] - done) / joint[j * width + j];
            }
        }
    }

    /// Adds what element `k` of `H` at `(a, b)`, which is `h`, gives to sums over single elements;
    /// `twice` is two off the diagonal.
    #[inline(always)]
    pub fn add_single(&mut self, k: usize, (a, b): (usize, usize), h: f64, twice: f64, p: usize) {
        let width = p + 1;
        let (x, z) = (&self.y[a * width..a * width + p], &self.y[b * width..b * width + p]);
        let (w, d) = (&mut self.w[k * p..(k + 1) * p], &mut self.d[k * p * p..(k + 1) * p * p]);
        let (of_a, of_b) = (self.u[a], self.u[b]);
        let half = 0.5 * twice;
        let mut r = 0.0;
        for i in 0..p {
            r += x[i] * z[i];
            w[i] += half * (of_b * x[i] + of_a * z[i]);
            for j in 0..p {
                d[i * p + j] += half * (x[i] * z[j] + z[i] * x[j]);
            }
        }
        self.trace[k] += twice * h;
        self.trace_p[k] += twice * (h - r);
        self.form[k] += twice * of_a * of_b;
    }
}

impl Problem<'_> {
    /// Number of predictors.
    pub fn p(&self) -> usize {
        self.sums.width - 1
    }

    /// The criterion at the factors `lambda`, but for constants; none where it has no value.
    pub fn value(&self, lambda: &[f64], work: &mut Work) -> Option<f64> {
        let (width, p) = (self.sums.width, self.p());
        self.parameters.square(lambda, &mut work.sigma);
        let joint = room(&mut work.joint, width * width);
        joint.copy_from_slice(&self.sums.below[..width * width]);
        let mut determinant = LogProduct::default();
        match self.index.route {
            Route::Whole => self.whiten(work, &mut determinant)?,
            Route::Parts { inner } => self.eliminate(inner, lambda, work, &mut determinant)?,
        }
        let joint = &mut work.joint[..width * width];
        let mut of_joint = LogProduct::default();
        for i in 0..width {
            for j in 0..=i {
                let (a, b) = (&joint[i * width..i * width + j], &joint[j * width..j * width + j]);
                let v = joint[i * width + j] - a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
                if j < i {
                    joint[i * width + j] = v / joint[j * width + j];
                } else if v > 0.0 && v.is_finite() {
                    joint[i * width + i] = v.sqrt();
                } else {
                    return None;
                }
            }
            if i < p {
                of_joint.add(joint[i * width + i]);
            }
        }
        work.r2 = joint[width * width - 1] * joint[width * width - 1];
        let best = work.r2 / self.nu;
        let scale = self.scale(work);
        let mut value = 2.0 * determinant.sum() + self.nu * libm::log(work.r2);
        if self.scale != Scale::Best {
            let ratio = best / scale;
            value += self.nu * (ratio - 1.0 - libm::log(ratio));
        }
        if self.method == Method::Reml {
            value += 2.0 * of_joint.sum();
        }
        value.is_finite().then_some(value)
    }

    /// Sets the coefficients where `value` was last asked for.
    pub fn set_coefficients(&self, work: &mut Work) {
        let (p, width) = (self.p(), self.sums.width);
        let b = room(&mut work.b, width);
        for i in (0..p).rev() {
            let later: f64 = (i + 1..p).map(|j| work.joint[j * width + i] * b[j]).sum();
            b[i] = (work.joint[p * width + i] - later) / work.joint[i * width + i];
        }
    }

    /// The residual variance.
    pub fn scale(&self, work: &Work) -> f64 {
        match self.scale {
            Scale::Best => work.r2 / self.nu,
            Scale::Fixed(variance) => variance,
            Scale::OfEffect { factors, variance } => {
                let of_element = |(e, factor)| factor * work.sigma[self.parameters.places(e).0];
                let elements = self.parameters.list.iter().copied().zip(factors);
                variance / elements.map(of_element).sum::<f64>()
            }
        }
    }

    /// First and second derivatives by phi where `value` was last asked for, at `lambda`.
    pub fn differentiate(&self, lambda: &[f64], work: &mut Work) {
        let (d, p) = (self.parameters.len(), self.p());
        self.set_coefficients(work);
        for (buffer, n) in [
            (&mut work.trace, d),
            (&mut work.trace_p, d),
            (&mut work.form, d),
            (&mut work.pair, d * d),
            (&mut work.pair_p, d * d),
            (&mut work.pair_form, d * d),
            (&mut work.d, d * p * p),
            (&mut work.w, d * p),
        ] {
            room(buffer, n).fill(0.0);
        }
        for c in 0..self.index.len() {
            match self.index.route {
                Route::Whole => {
                    self.prepare(c, work);
                    self.add_singles(c, work);
                    self.add_pairs(c, work);
                }
                Route::Parts { inner } => {
                    self.prepare_parts(c, inner, lambda, work);
                    self.add_singles_of_parts(c, inner, work);
                    self.add_pairs_of_parts(c, inner, work);
                }
            }
        }
        self.assemble(work);
    }

    /// Puts the sums together.
    fn assemble(&self, work: &mut Work) {
        let (n, p) = (self.parameters.len(), self.p());
        let reml = self.method == Method::Reml;
        let ratio = match self.scale {
            Scale::Best => self.nu / work.r2,
            Scale::Fixed(_) | Scale::OfEffect { .. } => 1.0 / self.scale(work),
        };
        let slope = room(&mut work.slope, n);
        let curvature = room(&mut work.curvature, n * n);
        for k in 0..n {
            let trace = if reml { work.trace_p[k] } else { work.trace[k] };
            slope[k] = trace - ratio * work.form[k];
            for l in 0..=k {
                let at = k * n + l;
                work.pair[l * n + k] = work.pair[at];
                let mut trace = work.pair[at];
                if reml {
                    let (x, z) = (&work.d[k * p * p..(k + 1) * p * p], &work.d[l * p * p..]);
                    let both: f64 = x.iter().zip(z).map(|(x, z)| x * z).sum();
                    trace += work.pair_p[at] + both;
                }
                let (x, z) = (&work.w[k * p..(k + 1) * p], &work.w[l * p..(l + 1) * p]);
                let inner: f64 = x.iter().zip(z).map(|(x, z)| x * z).sum();
                let mut forms = 2.0 * (work.pair_form[at] - inner);
                if self.scale == Scale::Best {
                    forms -= work.form[k] * work.form[l] / work.r2;
                }
                let value = -trace + ratio * forms;
                (curvature[at], curvature[l * n + k]) = (value, value);
            }
        }
        let Scale::OfEffect { factors, variance } = self.scale else { return };
        // The residual variance is `variance / phi`, `phi` the combination.
        let phi = ratio * variance;
        for (k, f) in factors.iter().enumerate() {
            slope[k] += f * (work.r2 / variance - self.nu / phi);
            for (l, g) in factors.iter().enumerate() {
                let cross = f * work.form[l] + g * work.form[k];
                curvature[k * n + l] += f * g * self.nu / (phi * phi) - cross / variance;
            }
        }
    }
}
