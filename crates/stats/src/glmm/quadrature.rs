//! Nodes and weights of Gauss and Hermite's quadrature.

use crate::linalg::eigen;

/// Most nodes that a rule may have.
pub const NODES_MAX: usize = 99;

/// A rule for `E f(X)`, `X` standard normal: `sum_k weight_k f(node_k)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Nodes {
    /// Where, in ascending order; the one in the middle is zero.
    pub(super) at: Vec<f64>,
    /// Logarithm of the weight times `exp(node^2 / 2)`, which is what an integrand that is written
    /// as a logarithm needs.
    pub(super) log_weight: Vec<f64>,
}

impl Nodes {
    /// The rule with `n` nodes; it is exact for polynomials of degree `2 n - 1`.
    ///
    /// Nodes are the eigenvalues of the Jacobi matrix of Hermite's polynomials, polished by
    /// Newton's method. `None` unless `n` is odd and at most 99.
    ///
    /// # References
    /// Golub and Welsch 1969, Mathematics of Computation 23:221.
    pub fn new(n: usize) -> Option<Self> {
        if n.is_multiple_of(2) || n > NODES_MAX {
            return None;
        }
        let mut jacobi = vec![0.0; n * n];
        for i in 1..n {
            let off = (i as f64).sqrt();
            jacobi[(i - 1) * n + i] = off;
            jacobi[i * n + i - 1] = off;
        }
        let (mut at, mut vectors, mut work) = (vec![0.0; n], vec![0.0; n * n], vec![0.0; 2 * n]);
        eigen::symmetric(&mut jacobi, n, &mut at, &mut vectors, &mut work);
        at.sort_by(f64::total_cmp);
        for node in &mut at {
            for _ in 0..3 {
                let (value, before) = hermite(n, *node);
                *node -= value / ((n as f64).sqrt() * before);
            }
        }
        // The rule is symmetric.
        for i in 0..n / 2 {
            let size = 0.5 * (at[n - 1 - i] - at[i]);
            (at[i], at[n - 1 - i]) = (-size, size);
        }
        at[n / 2] = 0.0;
        let log_weight = at
            .iter()
            .map(|node| {
                let (_, before) = hermite(n, *node);
                0.5 * node * node - libm::log(n as f64 * before * before)
            })
            .collect();
        Some(Self { at, log_weight })
    }

    /// Number of nodes.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.at.len()
    }
}

/// Hermite's orthonormal polynomials of degrees `n` and `n - 1`.
fn hermite(n: usize, x: f64) -> (f64, f64) {
    let (mut before, mut value) = (0.0, 1.0);
    for i in 0..n {
        let next = (x * value - (i as f64).sqrt() * before) / ((i + 1) as f64).sqrt();
        (before, value) = (value, next);
    }
    (value, before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_the_normal_are_exact() {
        for n in [1, 3, 7, 25, 51, 99] {
            let nodes = Nodes::new(n).expect("a rule");
            let weights: Vec<f64> = nodes
                .at
                .iter()
                .zip(&nodes.log_weight)
                .map(|(x, w)| libm::exp(w - 0.5 * x * x))
                .collect();
            let mut moment = 1.0;
            for power in (0..(2 * n).min(20)).step_by(2) {
                if power > 0 {
                    moment *= (power - 1) as f64;
                }
                let sum: f64 =
                    nodes.at.iter().zip(&weights).map(|(x, w)| w * x.powi(power as i32)).sum();
                assert!((sum - moment).abs() < 1e-12 * moment, "{n} {power} {sum} {moment}");
            }
        }
        assert!([0, 2, 8, 101].iter().all(|n| Nodes::new(*n).is_none()));
    }
}
