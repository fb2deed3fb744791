//! The commands, one file each.

pub mod audit;
pub mod check;
pub mod diagnose;
pub mod draw;
pub mod estimate;
pub mod explain;
pub mod new;
pub mod run;
