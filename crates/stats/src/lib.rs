//! Numeric kernels on slices: special functions, moments, least squares, differences in means,
//! generalised linear and mixed models.
//!
//! Nothing here draws a random number, reads a file or allocates in a loop: each kernel takes its
//! scratch space as an argument, grows it when a larger problem arrives, and is a pure function
//! of its inputs. A fit that cannot be made is an `Err(Failure)`, never a NaN.

pub mod bounds;
pub mod buffer;
pub mod composite;
mod descent;
pub mod dim;
pub mod failure;
pub mod glm;
pub mod glmm;
pub mod ht;
pub mod linalg;
pub mod lmm;
pub mod matching;
pub mod moments;
pub mod multiplicity;
pub mod ols;
pub mod resample;
pub mod rows;
pub mod special;
#[cfg(test)]
mod testing;

pub use failure::Failure;
pub use rows::{Observations, Rows};
