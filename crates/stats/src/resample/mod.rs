//! Inference by resampling: bootstraps of least squares, and tests inverted to intervals.
//!
//! Everything is read off sums of each cluster ([`crate::ols::Sums`]): a replicate costs as many
//! steps as there are clusters and coefficients. Nothing here draws a random number: the caller
//! hands in signs or counts.

mod joint;
pub mod pairs;
mod replicates;
pub mod wild;

#[cfg(test)]
mod tests;

pub use joint::Joint;
pub use replicates::{Curve, Replicates};
