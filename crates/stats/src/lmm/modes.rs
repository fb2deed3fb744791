//! Conditional modes of a random intercept, in closed form.

use super::estimates::Fit;
use super::groups::weights;
use super::kernels::{all_equal, all_equal_to};
use super::mixed::Modes;
use crate::Rows;

impl Fit<'_> {
    /// The conditional modes of the groups that have an observation; `rows` are those of the fit.
    ///
    /// With `lambda = theta^2`, `s` the group's weight and `d` the weighted mean of what the
    /// coefficients leave of its outcomes, the mode is `d lambda s / (1 + lambda s)` and its
    /// variance `sigma^2 lambda / (1 + lambda s)`: how far the mean is shrunk, and what is left to
    /// know.
    ///
    /// # References
    /// Bates, Maechler, Bolker and Walker 2015, Journal of Statistical Software 67(1), equations 56
    /// to 58, for one column a group.
    pub fn modes(&self, rows: &Rows) -> Modes {
        let (lambda, m) = (self.point.lambda, rows.len());
        let weights = weights(rows);
        let weight = |i: usize| weights.map_or(1.0, |w| w[i]);
        let live = |i: &usize| weight(*i) > 0.0;
        // Measured from one row, so that a common offset of the outcomes costs no digits.
        let base = (0..m).find(live).unwrap_or(0);
        let left = |i: usize| {
            let columns = rows.x.chunks_exact(m).zip(self.beta);
            let fitted: f64 = columns.map(|(x, b)| b * (x[i] - x[base])).sum();
            (rows.y[i] - rows.y[base]) - fitted
        };
        let mut groups: Vec<(usize, f64, f64)> = Vec::new();
        for ends in rows.groups.windows(2) {
            let own = || (ends[0] as usize..ends[1] as usize).filter(live);
            let Some(first) = own().next() else { continue };
            let size: f64 = own().map(weight).sum();
            groups.push((first, size, own().map(|i| weight(i) * left(i)).sum::<f64>() / size));
        }
        let is_constant = |x: &[f64]| match weights {
            Some(w) => all_equal_to(x[base], x, w),
            None => all_equal(x),
        };
        let common = match rows.x.chunks_exact(m).next() {
            // What is left then adds up to zero in the metric of the fit.
            Some(x) if self.basis.kept[0] && is_constant(x) => {
                let share = |size: f64| size / (1.0 + lambda * size);
                let sum: f64 = groups.iter().map(|(_, size, mean)| share(*size) * mean).sum();
                sum / groups.iter().map(|(_, size, _)| share(*size)).sum::<f64>()
            }
            _ => {
                let columns = rows.x.chunks_exact(m).zip(self.beta);
                columns.map(|(x, b)| b * x[base]).sum::<f64>() - rows.y[base]
            }
        };
        let shrink = |size: f64| lambda * size / (1.0 + lambda * size);
        let spread = |size: f64| self.sigma() * (lambda / (1.0 + lambda * size)).sqrt();
        Modes {
            rows: groups.iter().map(|(first, ..)| *first).collect(),
            // Adding zero makes one of the two zeros.
            modes: groups.iter().map(|(_, s, mean)| shrink(*s) * (mean - common) + 0.0).collect(),
            std_devs: groups.iter().map(|(_, size, _)| spread(*size)).collect(),
        }
    }
}
