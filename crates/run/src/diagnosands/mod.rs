//! The diagnosands: what a run tells about each estimator. One file a diagnosand.
//!
//! To add a diagnosand, write its file and add a line to the list below, at its place in reports.
//! A diagnosand is data: its name, which number or event of a simulation it looks at, and how
//! these are summarised. The text that opens the file is its manual: `trialrun explain NAME`
//! prints it.
//!
//! All but `failures` look only at simulations in which the estimator gave an estimate.

use trialrun_plan::{Estimate, Row};

use crate::summary::Summary;

/// A property of an estimator in a design.
#[derive(Clone, Copy, Debug)]
pub struct Diagnosand {
    /// Its name in designs and reports.
    pub name: &'static str,
    /// What is summarised, and how.
    pub summary: Summary,
    /// Whether estimators of one estimand are compared in it.
    pub compared: bool,
}

/// Makes the list of diagnosands, and what is looked up by a diagnosand's name.
macro_rules! diagnosands {
    ($($module:ident),* $(,)?) => {
        $(mod $module;)*

        /// Every diagnosand, in the order of reports.
        pub const ALL: &[Diagnosand] = &[$($module::DIAGNOSAND),*];

        /// The names of all diagnosands.
        pub const NAMES: &[&str] = &[$(stringify!($module)),*];

        /// Each diagnosand's name and manual.
        pub const MANUALS: &[(&str, &str)] =
            &[$((stringify!($module), include_str!(concat!(stringify!($module), ".rs")))),*];
    };
}

diagnosands! {
    bias,
    rmse,
    power,
    coverage,
    type_s,
    exaggeration,
    false_positive,
    mean_estimand,
    mean_estimate,
    sd_estimate,
    mean_se,
    se_ratio,
    mean_df,
    ci_width,
    failures,
    boundary,
}

/// The place of a diagnosand in [`ALL`].
pub fn position(name: &str) -> Option<usize> {
    NAMES.iter().position(|n| *n == name)
}

/// The manual of a diagnosand.
pub fn manual(name: &str) -> Option<String> {
    let (title, source) = MANUALS.iter().find(|(n, _)| n.eq_ignore_ascii_case(name))?;
    let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
    let text: Vec<&str> = lines.map(|l| l.strip_prefix(' ').unwrap_or(l)).collect();
    Some(format!("# {title}\n\n{}\n", text.join("\n")))
}

/// The estimate, where there is one.
fn estimate(row: &Row) -> Option<&Estimate> {
    row.fit.as_ref().ok()
}

/// The estimate with its estimand, where there are both.
fn aimed(row: &Row) -> Option<(&Estimate, f64)> {
    Some((estimate(row)?, row.estimand?))
}

/// The estimate with its estimand, where there are both, the estimand is not 0 and the test
/// rejects.
fn significant(row: &Row, alpha: f64) -> Option<(&Estimate, f64)> {
    aimed(row).filter(|(fit, estimand)| fit.p_value <= alpha && *estimand != 0.0)
}

#[cfg(test)]
mod tests;
