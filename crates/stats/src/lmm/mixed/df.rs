//! Degrees of freedom of the fixed effects.

use super::basis::Basis;
use super::criterion::{Problem, Work as Evaluation};
use super::index::{Index, Route};
use super::search::Search;
use super::{Data, Structure};
use crate::Failure;
use crate::descent::unit;
use crate::linalg::{eigen, room};

/// Degrees of freedom of a coefficient's t statistic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Df {
    /// Satterthwaite's, from the observed information, as `lmerTest` computes them.
    Satterthwaite,
    /// Kenward and Roger's, from the expected information, with their covariance, as `pbkrtest`.
    KenwardRoger,
    /// Groups at the level at which a predictor varies, less what is estimated there, as `nlme`.
    BetweenWithin,
    /// Observations minus coefficients.
    Residual,
    /// Infinite: a normal statistic.
    Z,
}

/// Directions flatter than this share of the steepest hold no information.
const FLAT: f64 = 1e-10;

/// Work space; `vary` and what Kenward and Roger need stay after they were computed.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// Inverse of the expected information of (phi, sigma^2), up to a factor.
    inverse: Vec<f64>,
    /// Derivatives of the covariance of the coefficients, a `p x p` matrix for each.
    d: Vec<f64>,
    /// The same twice, for each pair.
    q: Vec<f64>,
    /// `I + 4 sum M^ij (Q_ij - D_i D_j)`.
    pub adjusted: Vec<f64>,
    traces: Vec<f64>,
    values: Vec<f64>,
    vectors: Vec<f64>,
    eigen_work: Vec<f64>,
    phi: Vec<f64>,
    /// Degrees of freedom of each predictor between and within groups.
    pub between_within: Vec<f64>,
    order: Vec<usize>,
    seen: Vec<f64>,
}

/// Satterthwaite's degrees of freedom of the coefficient with `a = G^-1 c`.
///
/// `1 / df = 1 / nu + g' F^-1 g`, `F` the Hessian of the criterion by theta, `g` the gradient of
/// the logarithm of the variance along the criterion's profile in sigma. Elements at zero do not
/// move the variance to first order. Flat directions are left out.
///
/// # References
/// Kuznetsova, Brockhoff and Christensen 2017, Journal of Statistical Software 82(13), section 2.3.
pub(super) fn satterthwaite(
    problem: &Problem,
    search: &Search,
    evaluation: &Evaluation,
    a: &[f64],
    work: &mut Work,
) -> Result<f64, Failure> {
    let (n, p) = (problem.parameters.len(), a.len());
    let square: f64 = a.iter().map(|v| v * v).sum();
    let g = room(&mut work.traces, n);
    for (k, g) in g.iter_mut().enumerate() {
        let d = form(&evaluation.d[k * p * p..(k + 1) * p * p], a);
        *g = d / square - evaluation.form[k] / evaluation.r2;
    }
    let units = |t: usize| unit(search.descent.at[t]);
    let by_theta = room(&mut work.phi, n);
    for (t, out) in by_theta.iter_mut().enumerate() {
        let slope = |k: usize| problem.parameters.slope(k, t, &search.lambda);
        let sum: f64 = (0..n).map(|k| slope(k) * g[k]).sum();
        *out = if search.descent.free[t] { units(t) * sum } else { 0.0 };
    }
    let h = room(&mut work.inverse, n * n);
    for (i, (h, own)) in h.iter_mut().zip(&search.descent.hessian).enumerate() {
        *h = own * (units(i / n) * units(i % n));
    }
    let (values, vectors) = (room(&mut work.values, n), room(&mut work.vectors, n * n));
    eigen::symmetric(h, n, values, vectors, room(&mut work.eigen_work, 2 * n));
    let largest = values.iter().fold(0.0_f64, |most, v| most.max(*v));
    let mut share = 1.0 / problem.nu;
    for (value, vector) in values.iter().zip(vectors.chunks_exact(n)) {
        if *value > FLAT * largest {
            let inner: f64 = vector.iter().zip(&*by_theta).map(|(v, g)| v * g).sum();
            share += inner * inner / value;
        }
    }
    let df = 1.0 / share;
    if df > 0.0 && df.is_finite() { Ok(df) } else { Err(Failure::NotConverged) }
}

/// Computes what Kenward and Roger's method needs, once for a fit.
///
/// Parameters are the elements of the covariances and the residual variance, in which `V` is
/// linear. `M_ij = tr(V^-1 V_i V^-1 V_j) - 2 tr(Q_ij) + tr(D_i D_j)` is the expected information up
/// to a factor, `D_i = G^-1 X'V^-1 V_i V^-1 X G'^-1` and `Q_ij` the same with two derivatives. What
/// belongs to the residual variance follows from `I = V - sum phi_i V_i`.
///
/// # References
/// Kenward and Roger 1997, Biometrics 53:983, equations 3 to 5; Halekoh and Hojsgaard 2014, Journal
/// of Statistical Software 59(9), section 3.
pub(super) fn kenward_roger(
    problem: &Problem,
    lambda: &[f64],
    n_obs: f64,
    evaluation: &mut Evaluation,
    work: &mut Work,
) -> Result<(), Failure> {
    let (n, p) = (problem.parameters.len(), problem.p());
    let (size, pp) = (n + 1, p * p);
    let phi = room(&mut work.phi, n);
    for (phi, e) in phi.iter_mut().zip(&problem.parameters.list) {
        *phi = evaluation.sigma[problem.parameters.places(*e).0];
    }
    problem.sandwiches(lambda, evaluation, &mut work.adjusted);
    let d = room(&mut work.d, size * pp);
    d[..n * pp].copy_from_slice(&evaluation.d[..n * pp]);
    let q = room(&mut work.q, size * size * pp);
    for i in 0..p {
        for j in 0..p {
            let at = i * p + j;
            let weighted: f64 = (0..n).map(|k| phi[k] * d[k * pp + at]).sum();
            d[n * pp + at] = f64::from(u8::from(i == j)) - weighted;
            for k in 0..n {
                let own = |l: usize| work.adjusted[(k * n + l) * pp + at];
                for l in 0..n {
                    q[(k * size + l) * pp + at] = own(l);
                }
                let rest = d[k * pp + at] - (0..n).map(|l| phi[l] * own(l)).sum::<f64>();
                q[(k * size + n) * pp + at] = rest;
                q[(n * size + k) * pp + j * p + i] = rest;
            }
            let weighted: f64 = (0..n).map(|k| phi[k] * q[(k * size + n) * pp + at]).sum();
            q[(n * size + n) * pp + at] = d[n * pp + at] - weighted;
        }
    }
    let m = room(&mut work.traces, size * size);
    let mut corner = n_obs;
    for k in 0..n {
        corner -= phi[k] * evaluation.trace[k];
    }
    for k in 0..n {
        let row = &evaluation.pair[k * n..(k + 1) * n];
        m[k * size..k * size + n].copy_from_slice(row);
        let rest = evaluation.trace[k] - row.iter().zip(&*phi).map(|(t, f)| t * f).sum::<f64>();
        (m[k * size + n], m[n * size + k]) = (rest, rest);
        corner -= phi[k] * rest;
    }
    m[size * size - 1] = corner;
    for k in 0..size {
        for l in 0..size {
            let own = &q[(k * size + l) * pp..(k * size + l + 1) * pp];
            let trace: f64 = (0..p).map(|i| own[i * p + i]).sum();
            let (x, y) = (&d[k * pp..(k + 1) * pp], &d[l * pp..(l + 1) * pp]);
            m[k * size + l] += x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>() - 2.0 * trace;
        }
    }
    invert(size, work)?;
    adjust(size, p, work);
    Ok(())
}

impl Problem<'_> {
    /// `G^-1 Q'V^-1 V_k V^-1 V_l V^-1 Q G'^-1` for each pair, `p x p` matrices, summed over the
    /// components; `differentiate` must have been called.
    fn sandwiches(&self, lambda: &[f64], work: &mut Evaluation, out: &mut Vec<f64>) {
        let (n, p) = (self.parameters.len(), self.p());
        let out = room(out, n * n * p * p);
        out.fill(0.0);
        for c in 0..self.index.len() {
            match self.index.route {
                Route::Whole => {
                    self.prepare(c, work);
                    self.add_sandwiches(c, work, out);
                }
                Route::Parts { inner } => {
                    self.prepare_parts(c, inner, lambda, work);
                    self.add_sandwiches_of_parts(c, inner, work, out);
                }
            }
        }
    }
}

/// Inverts the symmetric matrix in `traces` into `inverse`.
fn invert(size: usize, work: &mut Work) -> Result<(), Failure> {
    let m = &mut work.traces[..size * size];
    for k in 0..size {
        for l in 0..k {
            let mean = 0.5 * (m[k * size + l] + m[l * size + k]);
            (m[k * size + l], m[l * size + k]) = (mean, mean);
        }
    }
    let (values, vectors) = (room(&mut work.values, size), room(&mut work.vectors, size * size));
    eigen::symmetric(m, size, values, vectors, room(&mut work.eigen_work, 2 * size));
    let largest = values.iter().fold(0.0_f64, |most, v| most.max(*v));
    if !(largest > 0.0 && largest.is_finite()) {
        return Err(Failure::NotConverged);
    }
    let inverse = room(&mut work.inverse, size * size);
    inverse.fill(0.0);
    for (value, vector) in values.iter().zip(vectors.chunks_exact(size)) {
        if *value > FLAT * largest {
            for k in 0..size {
                for l in 0..size {
                    inverse[k * size + l] += vector[k] * vector[l] / value;
                }
            }
        }
    }
    Ok(())
}

/// Kenward and Roger's covariance in the coordinates of `G`.
fn adjust(size: usize, p: usize, work: &mut Work) {
    let pp = p * p;
    let adjusted = room(&mut work.adjusted, pp);
    for i in 0..p {
        for j in 0..p {
            let mut sum = 0.0;
            for k in 0..size {
                for l in 0..size {
                    let (x, y) = (&work.d[k * pp..], &work.d[l * pp..]);
                    let product: f64 = (0..p).map(|m| x[i * p + m] * y[m * p + j]).sum();
                    let own = work.q[(k * size + l) * pp + i * p + j];
                    sum += work.inverse[k * size + l] * (own - product);
                }
            }
            adjusted[i * p + j] = f64::from(u8::from(i == j)) + 4.0 * sum;
        }
    }
}

/// Kenward and Roger's degrees of freedom of the coefficient with `a = G^-1 c`, and its variance
/// over `sigma^2`. For one coefficient their scale factor is one, and the degrees of freedom are
/// Satterthwaite's with the expected information.
pub(super) fn of_kenward_roger(n: usize, a: &[f64], work: &Work) -> (f64, f64) {
    let (size, p) = (n + 1, a.len());
    let square: f64 = a.iter().map(|v| v * v).sum();
    let h = |k: usize| form(&work.d[k * p * p..(k + 1) * p * p], a) / square;
    let mut share = 0.0;
    for k in 0..size {
        for l in 0..size {
            share += work.inverse[k * size + l] * h(k) * h(l);
        }
    }
    (1.0 / share, form(&work.adjusted[..p * p], a))
}

/// `a'M a`.
pub(super) fn form(m: &[f64], a: &[f64]) -> f64 {
    let rows = m.chunks_exact(a.len().max(1));
    a.iter().zip(rows).map(|(x, row)| x * row.iter().zip(a).map(|(m, a)| m * a).sum::<f64>()).sum()
}

/// Degrees of freedom between and within groups of every predictor.
///
/// Factors are ordered by their number of groups, `m_1 <= m_2 ...`; a predictor belongs to the
/// first factor within whose groups it does not vary, or to the observations. There `m_i -
/// m_(i-1) - p_i` degrees of freedom are left, `p_i` predictors belonging there; `m_0` is one where
/// there is an intercept. The intercept has those of the observations.
///
/// # References
/// Pinheiro and Bates 2000, Mixed-Effects Models in S and S-PLUS, section 2.4.2.
pub(super) fn between_within(
    data: &Data,
    structure: &Structure,
    basis: &Basis,
    index: &Index,
    work: &mut Work,
) {
    let m = data.y.len();
    let order = &mut work.order;
    order.clear();
    order.extend(0..structure.factors.len());
    order.sort_unstable_by_key(|f| (index.n_groups[*f], *f));
    let n_levels = order.len() + 1;
    let out = room(&mut work.between_within, basis.x.kept.len());
    out.fill(0.0);
    let counts = room(&mut work.values, n_levels);
    counts.fill(0.0);
    let mut has_intercept = false;
    for &j in &basis.x.columns {
        let x = &data.x[j * m..(j + 1) * m];
        let mut live = (0..m).filter(|i| basis.root[*i] > 0.0);
        let first = live.next().map_or(0.0, |i| x[i]);
        if live.all(|i| x[i] == first) {
            has_intercept = true;
            out[j] = n_levels as f64 - 1.0;
            continue;
        }
        let is_constant = |f: &usize| {
            let seen = room(&mut work.seen, index.n_groups[*f]);
            seen.fill(f64::NAN);
            (0..m).filter(|i| basis.root[*i] > 0.0).all(|i| {
                let known = &mut seen[index.group[f * m + i] as usize];
                let same = known.is_nan() || *known == x[i];
                *known = x[i];
                same
            })
        };
        let level = order.iter().position(is_constant).unwrap_or(n_levels - 1);
        out[j] = level as f64;
        counts[level] += 1.0;
    }
    for &j in &basis.x.columns {
        let level = out[j] as usize;
        let size = |level: usize| match level {
            0 => f64::from(u8::from(has_intercept)),
            l if l == n_levels => basis.n_obs,
            l => index.n_groups[order[l - 1]] as f64,
        };
        out[j] = size(level + 1) - size(level) - counts[level];
    }
}
