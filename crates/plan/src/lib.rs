//! A declared design, compiled to a plan that does one simulation.

pub mod table;

pub use table::{Table, TableColumn, Values};
