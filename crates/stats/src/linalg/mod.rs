//! Small dense kernels on slices, with a fixed order of summation on every machine.
//!
//! Matrices are stored by column unless a function says otherwise; symmetric ones are stored in
//! full. Nothing allocates: work space is passed in, see [`crate::buffer`].

pub mod cholesky;
pub mod eigen;
pub mod gram_schmidt;
pub mod inverse_root;
pub mod orthonormal;
pub mod pivoted_qr;
pub mod series;
pub mod triangular;
pub mod vector;

pub use crate::buffer::{emptied, room};
