//! Derivatives of the criterion by what covariances are made of.

use super::criterion::Work;
use crate::linalg::room;

impl Work {
    /// First and second derivatives of the criterion by theta, from those by phi: `slope(k, t)` is
    /// `d phi_k / d theta_t`, `bend(k, s, t)` is `d^2 phi_k / d theta_s d theta_t`.
    pub fn chain(
        &self,
        slope: impl Fn(usize, usize) -> f64,
        bend: impl Fn(usize, usize, usize) -> f64,
        space: &mut Vec<f64>,
        (first, second): (&mut [f64], &mut [f64]),
    ) {
        let n = first.len();
        let (jacobian, half) = room(space, 2 * n * n).split_at_mut(n * n);
        for k in 0..n {
            for t in 0..n {
                jacobian[k * n + t] = slope(k, t);
            }
        }
        for t in 0..n {
            first[t] = (0..n).map(|k| self.slope[k] * jacobian[k * n + t]).sum();
            for k in 0..n {
                let row = &self.curvature[k * n..(k + 1) * n];
                half[k * n + t] = (0..n).map(|l| row[l] * jacobian[l * n + t]).sum();
            }
        }
        for s in 0..n {
            for t in 0..n {
                let one: f64 = (0..n).map(|k| jacobian[k * n + s] * half[k * n + t]).sum();
                let two: f64 = (0..n).map(|k| self.slope[k] * bend(k, s, t)).sum();
                second[s * n + t] = one + two;
            }
        }
    }
}
