//! The profiled criterion of a random-intercept model and its derivatives.

use super::groups::Groups;
use super::kernels::{at, at_any, factor, grown, triangle};
use super::{Method, sums::Sums};

/// The criterion as a function of `lambda = theta^2` alone.
///
/// With `k_s = 1 / (1 + lambda s)` the cross-products of predictors and outcome, weighted by the
/// inverse of the relative covariance, are `M = within + sum_s k_s between_s`. `A` is its part for
/// the predictors, `r2` what they leave of its last element, and up to a constant
///
/// `f(lambda) = sum_g log(1 + lambda s_g) + [log det A] + nu log r2`,
///
/// with the bracket and `nu = n - p` for REML, without it and `nu = n` for ML.
///
/// # References
/// Bates, Maechler, Bolker and Walker 2015, Journal of Statistical Software 67(1), equations 34
/// and 41; `M` follows from the inverse of `I + lambda J` in each group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Profile<'a> {
    /// Packed `q x q` cross-products within groups.
    pub within: &'a [f64],
    /// Packed `q x q` cross-products between groups, a matrix per distinct size.
    pub between: &'a [f64],
    /// Distinct group sizes.
    pub size: &'a [f64],
    /// Number of groups of each size.
    pub members: &'a [f64],
    /// Number of columns, the outcome included.
    pub q: usize,
    /// REML or ML.
    pub method: Method,
    /// Degrees of freedom of the residual variance: `n - p` or `n`.
    pub nu: f64,
}

/// The criterion at one `lambda`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    /// Where.
    pub lambda: f64,
    /// First derivative.
    pub slope: f64,
    /// Sum of the sizes of the terms of `slope`: its rounding error is some 1e-15 of this.
    pub slope_scale: f64,
    /// Second derivative; zero where it was not asked for.
    pub curvature: f64,
    /// Penalised residual sum of squares.
    pub r2: f64,
    /// Its logarithm's derivative.
    pub r2_log_slope: f64,
}

/// Matrices of one evaluation; those of the last stay.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// Packed `L D L'` of `M`.
    pub factor: Vec<f64>,
    /// Packed first derivative of `M`.
    pub first: Vec<f64>,
    /// Packed second derivative of `M`.
    second: Vec<f64>,
    /// Inverse of `A`, `p x p`, both triangles.
    pub inverse: Vec<f64>,
    /// `A^-1 A'`, `p x p`.
    pub product: Vec<f64>,
    /// Coefficients.
    pub beta: Vec<f64>,
    /// Derivative of the normal equations at the coefficients.
    u: Vec<f64>,
}

/// How many derivatives are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// The first.
    Slope,
    /// The first and the second, `A^-1` and `A^-1 A'`.
    Curvature,
}

impl<'a> Profile<'a> {
    /// The criterion of these cross-products.
    pub fn new(sums: &'a Sums, groups: &'a Groups, method: Method, nu: f64) -> Self {
        let slots = groups.sizes().len();
        Self {
            within: &sums.within[..triangle(sums.q)],
            between: &sums.between[..slots * triangle(sums.q)],
            size: groups.sizes(),
            members: groups.members(),
            q: sums.q,
            method,
            nu,
        }
    }

    /// Derivatives at `lambda`, or `None` where `A` is singular there.
    pub fn evaluate(&self, lambda: f64, order: Order, work: &mut Work) -> Option<Point> {
        // One source, compiled again for the common orders so that its loops unroll.
        match self.q {
            1 => self.evaluate_order(1, lambda, order, work),
            2 => self.evaluate_order(2, lambda, order, work),
            3 => self.evaluate_order(3, lambda, order, work),
            4 => self.evaluate_order(4, lambda, order, work),
            q => self.evaluate_order(q, lambda, order, work),
        }
    }

    #[inline(always)]
    fn evaluate_order(
        &self,
        q: usize,
        lambda: f64,
        order: Order,
        work: &mut Work,
    ) -> Option<Point> {
        let p = q - 1;
        let y = triangle(p);
        let second = order == Order::Curvature;
        let (l1, l2) = self.assemble(q, lambda, second, work);
        let m = &mut work.factor[..triangle(q)];
        if !factor(m, q) {
            return None;
        }
        let r2 = m[y + p];
        let beta = grown(&mut work.beta, p);
        for i in (0..p).rev() {
            let later: f64 = (i + 1..p).map(|k| m[at(k, i)] * beta[k]).sum();
            beta[i] = m[y + i] - later;
        }
        let first = &work.first[..triangle(q)];
        let u = grown(&mut work.u, p);
        let mut r2_1 = first[y + p];
        for i in 0..p {
            u[i] = first[y + i] - (0..p).map(|j| first[at_any(i, j)] * beta[j]).sum::<f64>();
            r2_1 -= beta[i] * (first[y + i] + u[i]);
        }
        let r2_log_slope = r2_1 / r2;
        let mut slope = l1 + self.nu * r2_log_slope;
        let mut slope_scale = l1 + (self.nu * r2_log_slope).abs();
        if second || self.method == Method::Reml {
            invert(q, m, &mut work.product, &mut work.inverse);
        }
        if self.method == Method::Reml {
            let trace = trace_of_product(p, &work.inverse, first);
            slope += trace;
            slope_scale += trace.abs();
        }
        let mut point = Point { lambda, slope, slope_scale, curvature: 0.0, r2, r2_log_slope };
        if second {
            point.curvature = l2 + self.curvature_of_rest(q, &point, work);
        }
        Some(point)
    }

    /// Sets `M` and its derivatives; returns the derivatives of the sum of logarithms.
    #[inline(always)]
    fn assemble(&self, q: usize, lambda: f64, second: bool, work: &mut Work) -> (f64, f64) {
        let tri = triangle(q);
        let m = grown(&mut work.factor, tri);
        let m1 = grown(&mut work.first, tri);
        let m2 = grown(&mut work.second, tri);
        m.copy_from_slice(&self.within[..tri]);
        m1.fill(0.0);
        m2.fill(0.0);
        let (mut l1, mut l2) = (0.0, 0.0);
        let sizes = self.size.iter().zip(self.members);
        for ((&s, &members), b) in sizes.zip(self.between.chunks_exact(tri)) {
            let k = 1.0 / (1.0 + lambda * s);
            let k1 = -s * k * k;
            let k2 = -2.0 * s * k * k1;
            l1 += members * s * k;
            l2 += members * s * k1;
            for t in 0..tri {
                m[t] += k * b[t];
                m1[t] += k1 * b[t];
            }
            if second {
                for t in 0..tri {
                    m2[t] += k2 * b[t];
                }
            }
        }
        (l1, l2)
    }

    /// Second derivative of `[log det A] + nu log r2`.
    #[inline(always)]
    fn curvature_of_rest(&self, q: usize, point: &Point, work: &mut Work) -> f64 {
        let p = q - 1;
        let y = triangle(p);
        let (first, second) = (&work.first[..triangle(q)], &work.second[..triangle(q)]);
        let (inverse, beta, u) = (&work.inverse[..p * p], &work.beta[..p], &work.u[..p]);
        let mut r2_2 = second[y + p];
        for i in 0..p {
            let sb: f64 = (0..p).map(|j| second[at_any(i, j)] * beta[j]).sum();
            let cu: f64 = (0..p).map(|j| inverse[i * p + j] * u[j]).sum();
            r2_2 += beta[i] * (sb - 2.0 * second[y + i]) - 2.0 * u[i] * cu;
        }
        let slope = point.r2_log_slope;
        let mut curvature = self.nu * (r2_2 / point.r2 - slope * slope);
        let product = grown(&mut work.product, p * p);
        for i in 0..p {
            for j in 0..p {
                let terms = (0..p).map(|k| inverse[i * p + k] * first[at_any(k, j)]);
                product[i * p + j] = terms.sum();
            }
        }
        if self.method == Method::Reml {
            let pairs = (0..p).flat_map(|i| (0..p).map(move |j| (i, j)));
            let square: f64 = pairs.map(|(i, j)| product[i * p + j] * product[j * p + i]).sum();
            curvature += trace_of_product(p, inverse, second) - square;
        }
        curvature
    }

    /// `f` at the point evaluated last.
    pub fn value(&self, point: &Point, work: &Work) -> f64 {
        let determinant = match self.method {
            Method::Reml => log_determinant(&work.factor, self.q - 1),
            Method::Ml => 0.0,
        };
        self.log_relative_determinant(point.lambda) + determinant + self.nu * libm::log(point.r2)
    }

    /// `sum_g log(1 + lambda s_g)`.
    pub fn log_relative_determinant(&self, lambda: f64) -> f64 {
        self.size.iter().zip(self.members).map(|(s, k)| k * libm::log1p(lambda * s)).sum()
    }
}

/// Sum of the logarithms of the first `p` pivots of a packed `L D L'`.
pub(super) fn log_determinant(factor: &[f64], p: usize) -> f64 {
    (0..p).map(|i| libm::log(factor[at(i, i)])).sum()
}

/// Trace of the product of a full and a packed symmetric matrix of order `p`.
#[inline(always)]
fn trace_of_product(p: usize, full: &[f64], packed: &[f64]) -> f64 {
    let mut trace = 0.0;
    for i in 0..p {
        trace += full[i * p + i] * packed[at(i, i)];
        for j in 0..i {
            trace += 2.0 * full[i * p + j] * packed[at(i, j)];
        }
    }
    trace
}

/// Inverse of `A` from its packed `L D L'`; `space` holds the inverse of `L` meanwhile.
#[inline(always)]
fn invert(q: usize, factor: &[f64], space: &mut Vec<f64>, inverse: &mut Vec<f64>) {
    let p = q - 1;
    let l = grown(space, p * p);
    let inverse = grown(inverse, p * p);
    for i in 0..p {
        l[i * p + i] = 1.0;
        for j in 0..i {
            l[i * p + j] = -(j..i).map(|k| factor[at(i, k)] * l[k * p + j]).sum::<f64>();
        }
    }
    for i in 0..p {
        for j in 0..=i {
            let terms = (i..p).map(|k| l[k * p + i] * l[k * p + j] / factor[at(k, k)]);
            let c = terms.sum();
            inverse[i * p + j] = c;
            inverse[j * p + i] = c;
        }
    }
}
