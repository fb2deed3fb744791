//! The diagnosands: what a run tells about each estimator. One file a diagnosand.
//!
//! To add a diagnosand, write its file and add a line to the list below, at its place in reports.
//! A diagnosand is data: its name, which number or event of a simulation it looks at, and how
//! these are summarised. The text that opens the file is its manual: `trialrun explain NAME`
//! prints it.
//!
//! All but `failures` look only at simulations in which the estimator gave an estimate. A joint
//! test of several hypotheses has none: it has `power`, `mean_df`, `failures` and `boundary`.
//!
//! Designs can declare diagnosands of their own, see `trialrun explain Diagnosand`. A *place* is
//! that of a diagnosand in the list of all that a plan has: the built-in ones, those of families
//! of tests, then its own.

pub use trialrun_plan::{Better, Scope};
use trialrun_plan::{
    CustomDiagnosand, DiagnosandInfo, Estimate, Form, Plan, Row, Subject, SubjectKind,
};

use crate::families::{self, FamilyDiagnosand};
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
    /// Whether it is a relation of estimate and estimand.
    pub needs_estimand: bool,
    /// Whether it is made of estimates, which joint tests have not.
    pub needs_estimate: bool,
    /// Which of two estimators is the better in it; none where neither is.
    pub better: Option<Better>,
    /// How far it may drift from its baseline, unless a design says otherwise.
    pub drift: Drift,
    /// Whether it is one of members of families too.
    pub scope: Scope,
}

/// How far a diagnosand may drift.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Drift {
    /// By an amount.
    By(f64),
    /// By a share of its own value.
    OfItself(f64),
    /// By a share of the estimate's standard deviation.
    OfSpread(f64),
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

/// What designs may say of each diagnosand: those of [`ALL`], then those of families.
pub const INFO: &[DiagnosandInfo] = &{
    const EMPTY: DiagnosandInfo = DiagnosandInfo {
        name: "",
        needs_estimand: false,
        needs_estimate: false,
        has_better: false,
        range: (0.0, 0.0),
        scope: Scope::Families,
    };
    let mut all = [EMPTY; ALL.len() + families::ALL.len()];
    let mut i = 0;
    while i < ALL.len() {
        let Diagnosand { name, summary, needs_estimand, needs_estimate, better, scope, .. } =
            ALL[i];
        let (has_better, range) = (better.is_some(), summary.range());
        all[i] = DiagnosandInfo { name, needs_estimand, needs_estimate, has_better, range, scope };
        i += 1;
    }
    while i < all.len() {
        let FamilyDiagnosand { name, summary, needs_estimand, .. } = families::ALL[i - ALL.len()];
        let range = summary.range();
        all[i] = DiagnosandInfo { name, needs_estimand, range, has_better: true, ..EMPTY };
        i += 1;
    }
    all
};

/// A diagnosand of a plan, at a place.
pub(crate) enum Found<'p> {
    /// One of [`ALL`].
    BuiltIn(&'static Diagnosand),
    /// One of a family as a whole, by its place in [`families::ALL`].
    Family(usize),
    /// One of the design's own, by its place among them.
    Own(usize, &'p CustomDiagnosand),
}

/// The diagnosand at a place.
///
/// # Panics
/// If the plan has fewer diagnosands.
pub(crate) fn at(plan: &Plan, place: usize) -> Found<'_> {
    if let Some(own) = place.checked_sub(INFO.len()) {
        return Found::Own(own, &plan.custom.list[own]);
    }
    match place.checked_sub(ALL.len()) {
        Some(family) => Found::Family(family),
        None => Found::BuiltIn(&ALL[place]),
    }
}

/// The names of a plan's diagnosands, by their places.
pub fn names(plan: &Plan) -> impl Iterator<Item = &str> + Clone {
    INFO.iter().map(|info| info.name).chain(plan.custom.list.iter().map(|own| own.name.as_str()))
}

/// The name of a plan's diagnosand at a place.
///
/// # Panics
/// If the plan has fewer diagnosands.
pub fn name(plan: &Plan, place: usize) -> &str {
    match at(plan, place) {
        Found::Own(_, own) => &own.name,
        _ => INFO[place].name,
    }
}

/// The place of a plan's diagnosand.
pub fn place(plan: &Plan, name: &str) -> Option<usize> {
    names(plan).position(|known| known == name)
}

/// Whether a plan's diagnosand has nothing to say of a row: it asks for an estimand that is not
/// there, or for estimates of a joint test.
pub(crate) fn is_silent(plan: &Plan, place: usize, subject: &Subject<'_>) -> bool {
    let (needs_estimand, needs_estimate) = match at(plan, place) {
        Found::Own(_, own) => (own.needs_estimand, own.needs_estimate),
        _ => (INFO[place].needs_estimand, INFO[place].needs_estimate),
    };
    let has_estimand = match subject.kind {
        SubjectKind::Family(family) => plan.families[family].has_estimands,
        _ => subject.estimand.is_some(),
    };
    (needs_estimand && !has_estimand) || (needs_estimate && subject.is_joint)
}

/// How far a plan's diagnosand may drift, unless the design says otherwise.
pub(crate) fn drift(plan: &Plan, place: usize) -> Drift {
    match at(plan, place) {
        Found::BuiltIn(diagnosand) => diagnosand.drift,
        Found::Family(family) => families::ALL[family].drift,
        Found::Own(_, own) if own.form() == Form::Rate => Drift::By(0.02),
        Found::Own(..) => Drift::OfItself(0.05),
    }
}

/// The place of a built-in diagnosand in [`ALL`].
pub fn position(name: &str) -> Option<usize> {
    NAMES.iter().position(|n| *n == name)
}

/// The manual of a diagnosand.
pub fn manual(name: &str) -> Option<String> {
    let mut all = MANUALS.iter().chain(families::MANUALS);
    let (title, source) = all.find(|(n, _)| n.eq_ignore_ascii_case(name))?;
    let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
    let text: Vec<&str> = lines.map(|l| l.strip_prefix(' ').unwrap_or(l)).collect();
    Some(format!("# {title}\n\n{}\n", text.join("\n")))
}

/// The estimate with its estimand, where there are both.
fn aimed(row: &Row) -> Option<(&Estimate, f64)> {
    Some((row.estimate()?, row.estimand?))
}

/// The estimate with its estimand, where there are both, the estimand is not 0 and the test
/// rejects.
fn significant(row: &Row, alpha: f64) -> Option<(&Estimate, f64)> {
    aimed(row).filter(|(fit, estimand)| fit.p_value <= alpha && *estimand != 0.0)
}

#[cfg(test)]
mod tests;
