//! Diagnoses, estimates, data and explanations as text, Markdown, JSON and CSV: pure functions.
//!
//! A report depends on what is reported and on nothing else: no time, no path, no thread.

mod audit;
mod check;
mod corrected;
mod csv;
mod data_set;
mod diagnosis;
mod estimates;
mod explain;
mod json;
pub mod number;
pub mod table;
mod trace;

pub use audit::audit;
pub use check::{
    BaselineCheck, Case, Check, MAX_SIMS, annotations, baseline_json, check_json, check_markdown,
    check_text, junit, read_baseline,
};
pub use corrected::{Corrected, WrongMember, corrected};
pub use csv::csv_field;
pub use data_set::{DataFormat, data_set};
pub use diagnosis::{csv, json, markdown, text};
pub use estimates::{Estimated, Modes, estimates};
pub use explain::explain;
pub use json::json_text;
pub use trace::{Event, trace_json, trace_text};
