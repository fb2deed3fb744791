//! Tests of the whole program, one binary.
//!
//! - `oracle`: results of R, from design file and data file to numbers.
//! - `theory`: simulations against closed forms.
//! - `determinism`: the same bits whatever the threads; draws that do not move.
//! - `expressions`: the compiled language against a plain walk of the tree.
//! - `assignment`: shares of conditions against what was declared.
//! - `allocation`: no allocation in the loop.
//! - `tidy`: rules of the code base.

mod allocation;
mod assignment;
mod common;
mod determinism;
mod expressions;
mod oracle;
mod theory;
mod tidy;
