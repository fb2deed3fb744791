//! Special functions: the distributions that tests and intervals are made of.
//!
//! Each tail is computed for itself, never as one minus the other where that would lose digits:
//! tails keep their relative accuracy down to 1e-300. `exp` and `log` are those of the `libm`
//! crate, so that results do not depend on the platform. Outside its domain a function returns
//! NaN; callers check what users may write.
//!
//! Relative errors against 50-digit values (`tests/oracle/special.py`; degrees of freedom from
//! 0.001 to 1e12 and infinite): typically 1e-16; below 2e-14 where tail and quantile are above
//! 1e-20, and below 3e-13 down to 1e-300. The normal distribution and `ln_gamma` stay below 1e-15.

pub mod beta;
pub mod chi_squared;
pub mod fisher_f;
pub mod gamma;
pub mod incomplete_gamma;
pub mod normal;
pub mod student_t;

mod critical;
mod fraction;
mod half_line;
mod solve;

/// Both tails of a distribution on the positive half line, and the slope between them.
#[derive(Clone, Copy, Debug)]
pub struct Tails {
    /// Probability of a value at or below `x`.
    pub lower: f64,
    /// Probability of a value above `x`.
    pub upper: f64,
    /// Derivative of `lower` by the logarithm of `x`: `x` times the density.
    pub slope: f64,
}

impl Tails {
    const AT_ZERO: Self = Self { lower: 0.0, upper: 1.0, slope: 0.0 };
    const AT_INFINITY: Self = Self { lower: 1.0, upper: 0.0, slope: 0.0 };
    const UNDEFINED: Self = Self { lower: f64::NAN, upper: f64::NAN, slope: f64::NAN };

    /// Tails where `lower` is known to its last digits and `upper` is not small.
    fn from_lower(lower: f64, slope: f64) -> Self {
        Self { lower, upper: 1.0 - lower, slope }
    }

    /// The tails of the reciprocal.
    fn swapped(self) -> Self {
        Self { lower: self.upper, upper: self.lower, slope: self.slope }
    }
}

#[cfg(test)]
mod extremes;
