//! Data sets and simulations to and from files: CSV, Parquet and Arrow, through polars.
//!
//! polars reads and writes Parquet and Arrow. CSV text is read and written here: polars fills a
//! row that is too short with missing values, renames the second of two columns of one name,
//! cannot tell the label `NA` from a missing value, and does not say in which row a cell is wrong.

mod csv;
mod error;
mod format;
mod frame;
mod labels;
mod names;
mod numbers;
mod read;
mod write;

pub use csv::csv_string;
pub use error::{FrameError, Place, Problem};
pub use format::extensions;
pub use read::read;
pub use write::write;

#[cfg(test)]
mod tests;
