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

/// Evaluates an expression of a number that the compiler knows where it is small: it unrolls loops
/// up to it. What the expression calls has to be inlined.
macro_rules! spelt_out {
    ($n:expr, |$q:ident| $body:expr) => {
        $crate::linalg::spelt_out!($n, $q, $body, 1, 2, 3, 4, 5, 6)
    };
    ($n:expr, $q:ident, $body:expr, $($small:literal),*) => {
        match $n {
            $($small => {
                let $q = $small;
                $body
            })*
            $q => $body,
        }
    };
}
pub(crate) use spelt_out;
