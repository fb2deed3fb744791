//! Runs a plan many times and reduces the simulations to a diagnosis.
//!
//! Simulations go in batches of [`BATCH`]. A thread simulates a batch in its own workspace and
//! reduces it to moments and counts; batches are merged in the order of their numbers. So the
//! result has the same bits with any number of threads, memory does not grow with the number of
//! simulations (unless their rows are kept), and at any time what is merged is a run from the
//! first simulation without a gap.

pub mod audit;
pub mod baseline;
pub mod check;
mod custom;
pub mod diagnosands;
mod diagnosis;
pub mod families;
mod precision;
mod runner;
mod simulations;
mod summary;
mod totals;

pub use diagnosis::{About, Comparison, Diagnosis, Difference, Finding, RowDiagnosis};
pub use precision::{Miss, Target, refine};
pub use runner::{Run, Runner, Settings, Stopped, Unwatched, Watch, diagnose};
pub use summary::{Measure, Summary, wilson};
pub use totals::Snapshot;

/// Simulations of a batch. Simulation `i` belongs to batch `i / BATCH`.
pub const BATCH: u64 = 256;
