//! The diagnosands of a family of tests as a whole. One file a diagnosand.
//!
//! To add one, write its file and add a line to the list below, at its place in reports. The text
//! that opens the file is its manual: `trialrun explain NAME` prints it.
//!
//! Each looks at a [`Tally`] of a simulation: how many of the members' corrected tests reject, and
//! which of them wrongly. Simulations count in which at least one member has an estimate.

use trialrun_plan::Row;

use crate::check::{Evidence, Sample};
use crate::diagnosands::{Better, Drift};
use crate::summary::{Measure, Scratch, Total, mean, rate};

/// A property of a family of tests in a design.
#[derive(Clone, Copy, Debug)]
pub struct FamilyDiagnosand {
    /// Its name in designs and reports.
    pub name: &'static str,
    /// What is summarised, and how.
    pub(crate) summary: Tallied,
    /// Whether it looks at estimands.
    pub needs_estimand: bool,
    /// Which of two families is the better in it.
    pub better: Better,
    /// How far it may drift from its baseline, unless a design says otherwise.
    pub drift: Drift,
}

/// What is summarised, and how; none where a simulation does not count.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tallied {
    /// The share of simulations with an event.
    Rate(fn(&Tally) -> Option<bool>),
    /// The mean of a share.
    Share(fn(&Tally) -> Option<f64>),
    /// The mean of a number.
    Mean(fn(&Tally) -> Option<f64>),
}

/// What a family's tests do in one simulation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Members.
    pub members: u32,
    /// Members with an estimate.
    pub fitted: u32,
    /// Members whose corrected test rejects.
    pub rejected: u32,
    /// Members with an estimate and an estimand.
    pub aimed: u32,
    /// Of these, those whose estimand is exactly 0.
    pub nulls: u32,
    /// Of these, those whose corrected test rejects.
    pub false_rejections: u32,
}

/// Makes the list of diagnosands, and what is looked up by a diagnosand's name.
macro_rules! families {
    ($($module:ident),* $(,)?) => {
        $(mod $module;)*

        /// Every diagnosand of families, in the order of reports.
        pub const ALL: &[FamilyDiagnosand] = &[$($module::DIAGNOSAND),*];

        /// The names of all diagnosands of families.
        pub const NAMES: &[&str] = &[$(stringify!($module)),*];

        /// Each diagnosand's name and manual.
        pub const MANUALS: &[(&str, &str)] =
            &[$((stringify!($module), include_str!(concat!(stringify!($module), ".rs")))),*];
    };
}

families! {
    any_significant,
    all_significant,
    n_significant,
    fwer,
    fdr,
    incomplete,
}

impl Tallied {
    /// Its smallest and largest possible value.
    pub const fn range(&self) -> (f64, f64) {
        match self {
            Self::Rate(_) | Self::Share(_) => (0.0, 1.0),
            Self::Mean(_) => (0.0, f64::INFINITY),
        }
    }

    /// Reduces the tallies of a batch.
    pub fn reduce(&self, tallies: impl Iterator<Item = Tally>, scratch: &mut Scratch) -> Total {
        match self {
            Self::Rate(event) => {
                let (mut n, mut events) = (0, 0);
                for happened in tallies.filter_map(|tally| event(&tally)) {
                    n += 1;
                    events += u64::from(happened);
                }
                Total::Count { n, events }
            }
            Self::Share(value) | Self::Mean(value) => {
                scratch.moments(tallies.filter_map(|tally| value(&tally)))
            }
        }
    }
}

/// The summary of what was reduced.
pub(crate) fn measure(total: &Total) -> Measure {
    match total {
        Total::Count { n, events } => rate(*events, *n),
        Total::Moments(m) => mean(m),
        _ => unreachable!("families have rates and means"),
    }
}

/// What the simulations tell.
pub(crate) fn evidence(total: &Total) -> Evidence {
    match *total {
        Total::Count { n, events } => Evidence::Rate { n, events },
        Total::Moments(ref m) => Evidence::Mean(Sample::of(m)),
        _ => unreachable!("families have rates and means"),
    }
}

impl Tally {
    /// The tally of a simulation: the members' corrected rows.
    pub fn of<'r>(rows: impl Iterator<Item = &'r Row>, alpha: f64) -> Self {
        let mut tally = Self::default();
        for row in rows {
            tally.members += 1;
            let Ok(fit) = &row.fit else { continue };
            let rejects = fit.p_value <= alpha;
            tally.fitted += 1;
            tally.rejected += u32::from(rejects);
            let Some(estimand) = row.estimand else { continue };
            tally.aimed += 1;
            if estimand == 0.0 {
                tally.nulls += 1;
                tally.false_rejections += u32::from(rejects);
            }
        }
        tally
    }

    /// The tally, where some member has an estimate.
    fn counted(&self) -> Option<&Self> {
        (self.fitted > 0).then_some(self)
    }
}

#[cfg(test)]
mod tests;
