//! Logarithms of long products.

/// The logarithm of a product, of which few are taken.
#[derive(Debug)]
pub(super) struct LogProduct {
    sum: f64,
    product: f64,
}

impl Default for LogProduct {
    fn default() -> Self {
        Self { sum: 0.0, product: 1.0 }
    }
}

impl LogProduct {
    /// Multiplies by a positive factor.
    pub fn add(&mut self, factor: f64) {
        let longer = self.product * factor;
        if (1e-200..1e200).contains(&longer) {
            self.product = longer;
        } else {
            self.sum += libm::log(self.product);
            self.product = factor;
        }
    }

    /// The logarithm so far.
    pub fn sum(&self) -> f64 {
        self.sum + libm::log(self.product)
    }
}
