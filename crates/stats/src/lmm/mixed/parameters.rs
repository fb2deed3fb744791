//! The elements of the relative covariance factors, and the covariances that they make.

use super::Structure;
use crate::linalg::room;

/// Element `(row, column)`, `row >= column`, of a factor's relative covariance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Element {
    pub factor: usize,
    pub row: usize,
    pub column: usize,
}

/// Which elements there are: of the factor `Lambda` (called theta) and of the covariance `Lambda
/// Lambda'` (called phi), the same list for both.
#[derive(Debug, Default)]
pub(crate) struct Parameters {
    /// The lower triangles of all blocks, column by column.
    pub list: Vec<Element>,
    /// Number of effects of each factor.
    pub effects: Vec<usize>,
    /// Where the matrices of each factor begin in a list of all.
    pub starts: Vec<usize>,
}

impl Parameters {
    /// Lists the elements of a structure.
    pub fn read(&mut self, structure: &Structure) {
        self.list.clear();
        self.effects.clear();
        self.starts.clear();
        self.starts.push(0);
        for (f, factor) in structure.factors.iter().enumerate() {
            let r = factor.effects.len();
            self.effects.push(r);
            self.starts.push(self.starts[f] + r * r);
            for block in &factor.blocks {
                for column in block.clone() {
                    let rows = column..block.end;
                    self.list.extend(rows.map(|row| Element { factor: f, row, column }));
                }
            }
        }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Length of a list of all factors' matrices.
    pub fn size(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    /// Place of an element, and of its mirror image, in a list of all factors' matrices.
    pub fn places(&self, e: Element) -> (usize, usize) {
        let (start, r) = (self.starts[e.factor], self.effects[e.factor]);
        (start + e.row * r + e.column, start + e.column * r + e.row)
    }

    /// The full factors `Lambda` from theta.
    pub fn expand(&self, theta: &[f64], lambda: &mut Vec<f64>) {
        let lambda = room(lambda, self.size());
        lambda.fill(0.0);
        for (e, t) in self.list.iter().zip(theta) {
            lambda[self.places(*e).0] = *t;
        }
    }

    /// The covariances `Lambda Lambda'`.
    pub fn square(&self, lambda: &[f64], sigma: &mut Vec<f64>) {
        let sigma = room(sigma, self.size());
        for (f, &r) in self.effects.iter().enumerate() {
            let l = &lambda[self.starts[f]..self.starts[f + 1]];
            let s = &mut sigma[self.starts[f]..self.starts[f + 1]];
            for i in 0..r {
                for j in 0..r {
                    s[i * r + j] = (0..r).map(|m| l[i * r + m] * l[j * r + m]).sum();
                }
            }
        }
    }

    /// Whether element `t` is on a diagonal, and others stand below it.
    pub fn has_below(&self, t: usize) -> bool {
        let e = self.list[t];
        let below = |o: &Element| o.factor == e.factor && o.column == e.column && o.row > o.column;
        e.row == e.column && self.list.iter().any(below)
    }

    /// Puts a diagonal element at zero, and in the place of what stands below it the factor of the
    /// same covariances in which nothing does.
    ///
    /// What stands below a zero on the diagonal can be turned into the columns behind it. While it
    /// is there, the first derivatives by the diagonal element hide whether a variance above zero
    /// is better: the search takes such a point for the bottom.
    pub fn clear(&self, t: usize, theta: &mut [f64], lambda: &mut Vec<f64>, sigma: &mut Vec<f64>) {
        theta[t] = 0.0;
        self.expand(theta, lambda);
        room(sigma, self.size());
        self.square(lambda, sigma);
        self.factor(sigma, theta);
    }

    /// `d phi_k / d theta_t` at `Lambda`.
    pub fn slope(&self, k: usize, t: usize, lambda: &[f64]) -> f64 {
        let (phi, theta) = (self.list[k], self.list[t]);
        if phi.factor != theta.factor {
            return 0.0;
        }
        let (start, r) = (self.starts[phi.factor], self.effects[phi.factor]);
        let l = |i: usize| lambda[start + i * r + theta.column];
        let mut slope = 0.0;
        if phi.row == theta.row {
            slope += l(phi.column);
        }
        if phi.column == theta.row {
            slope += l(phi.row);
        }
        slope
    }

    /// `d^2 phi_k / d theta_s d theta_t`, a constant.
    pub fn bend(&self, k: usize, s: usize, t: usize) -> f64 {
        let (phi, a, b) = (self.list[k], self.list[s], self.list[t]);
        if phi.factor != a.factor || a.factor != b.factor || a.column != b.column {
            return 0.0;
        }
        let is = |i: usize, j: usize| f64::from(u8::from(phi.row == i && phi.column == j));
        is(a.row, b.row) + is(b.row, a.row)
    }

    /// Theta from covariances: the lower triangular factor with no negative diagonal; a diagonal
    /// element that is rounding error is zero, and its column with it.
    pub fn factor(&self, sigma: &[f64], theta: &mut [f64]) {
        for t in 0..self.list.len() {
            let e = self.list[t];
            let mut v = sigma[self.places(e).0];
            let own = |i: usize, m: usize| -> f64 {
                let same = |o: &Element| o.factor == e.factor && o.row == i && o.column == m;
                self.list.iter().position(same).map_or(0.0, |at| theta[at])
            };
            let before: f64 = (0..e.column).map(|m| own(e.row, m) * own(e.column, m)).sum();
            let whole = v;
            v -= before;
            theta[t] = if e.row == e.column {
                if v > 1e-13 * whole { v.sqrt() } else { 0.0 }
            } else {
                let diagonal = own(e.column, e.column);
                if diagonal > 0.0 { v / diagonal } else { 0.0 }
            };
        }
    }
}
