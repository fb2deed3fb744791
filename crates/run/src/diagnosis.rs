//! The diagnosis: what a run says about a design, ready to be reported.

use trialrun_plan::{Plan, Scope, Subject, SubjectKind};
use trialrun_stats::Failure;
use trialrun_stats::multiplicity::Correction;

use crate::custom;
use crate::diagnosands;
use crate::families::{self, FamilyDiagnosand};
use crate::runner::Settings;
use crate::summary::{Measure, Total};
use crate::totals::{Layout, RowTotals, Totals};

/// What a run says about a design.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnosis {
    /// The design's name.
    pub design: String,
    /// The design's description.
    pub description: String,
    /// Seed of the random numbers.
    pub seed: u64,
    /// Number of the first simulation.
    pub first: u64,
    /// Simulations done.
    pub sims: u64,
    /// Simulations asked for.
    pub asked: u64,
    /// Whether the run ended before all of them were done.
    pub interrupted: bool,
    /// Level of the tests.
    pub alpha: f64,
    /// Parameters with their values.
    pub parameters: Vec<(String, f64)>,
    /// One for each estimator, outcome, estimand and term, then one for each family and each of its
    /// members.
    pub rows: Vec<RowDiagnosis>,
    /// One for each two rows of different estimators that share an estimand.
    pub comparisons: Vec<Comparison>,
}

/// What a run says about an estimator and term, a family, or a member of one.
#[derive(Clone, Debug, PartialEq)]
pub struct RowDiagnosis {
    /// What it is.
    pub about: About,
    /// The estimator's label, or the family's.
    pub estimator: String,
    /// The estimand's label.
    pub estimand: Option<String>,
    /// The term.
    pub term: String,
    /// The outcome.
    pub outcome: String,
    /// Simulations.
    pub sims: u64,
    /// How often each reason made a fit fail; reasons that did not occur are left out.
    pub failures: Vec<(Failure, u64)>,
    /// Fits on the boundary of the parameter space.
    pub boundary: u64,
    /// Every diagnosand, in the order of [`diagnosands::ALL`], then the design's own; of a member
    /// those that look at its test, of a family as a whole those of [`families::ALL`].
    pub diagnosands: Vec<Finding>,
}

/// What a row of the diagnosis is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// An estimator's term.
    Estimator,
    /// A family of tests as a whole; it has no term. Its members follow.
    Family(Correction),
    /// A member of a family; its term is the member's name.
    Member,
}

/// A diagnosand and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The diagnosand's name.
    pub name: String,
    /// Its value.
    pub measure: Measure,
}

/// How two rows that share an estimand differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The estimand's label.
    pub estimand: String,
    /// The first row, an index into [`Diagnosis::rows`].
    pub a: usize,
    /// The second row.
    pub b: usize,
    /// One for each diagnosand that is compared.
    pub differences: Vec<Difference>,
}

/// A difference in a diagnosand, first row minus second, over the simulations in which both
/// estimators gave an estimate.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The diagnosand's name.
    pub name: String,
    /// The difference; its Monte Carlo error is that of pairs.
    pub measure: Measure,
}

impl Diagnosis {
    pub(crate) fn new(
        plan: &Plan,
        settings: &Settings,
        (sims, asked): (u64, u64),
        layout: &Layout,
        totals: &Totals,
    ) -> Self {
        let empty;
        let totals = if totals.rows.is_empty() {
            // No batch was merged: a batch without simulations has the totals of nothing.
            empty = nothing(plan, layout);
            &empty
        } else {
            totals
        };
        let rows = plan.subjects().into_iter().zip(&totals.rows);
        let rows: Vec<RowDiagnosis> =
            rows.map(|(subject, row)| RowDiagnosis::new(plan, &subject, sims, row)).collect();
        let pairs = layout.pairs.iter().zip(&totals.pairs);
        let comparisons = pairs.map(|(&(a, b), totals)| {
            let compared = diagnosands::ALL.iter().filter(|d| d.compared).map(|d| d.name);
            let own = plan.custom.list.iter().filter(|own| custom::is_compared(own));
            let compared = compared.chain(own.map(|own| own.name.as_str()));
            let differences = compared.zip(totals).map(|(name, total)| Difference {
                name: name.to_string(),
                measure: total.difference(),
            });
            let estimand = rows[a].estimand.clone().unwrap_or_default();
            Comparison { estimand, a, b, differences: differences.collect() }
        });
        Self {
            design: plan.name.clone(),
            description: plan.description.clone(),
            seed: settings.seed,
            first: settings.first,
            sims,
            asked,
            interrupted: sims < asked,
            alpha: plan.alpha,
            parameters: plan.parameters.clone(),
            comparisons: comparisons.collect(),
            rows,
        }
    }
}

impl About {
    /// Whether it is a family as a whole.
    pub fn is_family(self) -> bool {
        matches!(self, Self::Family(_))
    }
}

impl RowDiagnosis {
    fn new(plan: &Plan, subject: &Subject<'_>, sims: u64, totals: &RowTotals) -> Self {
        let (about, diagnosands) = match subject.kind {
            SubjectKind::Estimator(_) => (About::Estimator, totals.findings(plan, |_| true)),
            SubjectKind::Member(..) => {
                (About::Member, totals.findings(plan, |scope| scope == Scope::Tests))
            }
            SubjectKind::Family(place) => {
                let family = &plan.families[place];
                (About::Family(family.correction), totals.of_family(family.has_estimands))
            }
        };
        Self {
            about,
            estimator: subject.label.to_string(),
            estimand: subject.estimand.map(str::to_string),
            term: subject.term.to_string(),
            outcome: subject.outcome.to_string(),
            sims,
            failures: totals.reasons(),
            boundary: totals.boundary,
            diagnosands,
        }
    }

    /// A diagnosand by its name.
    pub fn measure(&self, name: &str) -> Option<Measure> {
        self.diagnosands.iter().find(|d| d.name == name).map(|d| d.measure)
    }

    /// How many fits failed.
    pub fn n_failed(&self) -> u64 {
        self.failures.iter().map(|(_, count)| count).sum()
    }
}

impl RowTotals {
    fn reasons(&self) -> Vec<(Failure, u64)> {
        Failure::ALL.into_iter().zip(self.failures).filter(|(_, count)| *count > 0).collect()
    }

    /// The diagnosands of a family as a whole.
    fn of_family(&self, has_estimands: bool) -> Vec<Finding> {
        let all = families::ALL.iter().zip(&self.diagnosands);
        let all = all.filter(|(d, _)| has_estimands || !d.needs_estimand);
        let finding = |(d, total): (&FamilyDiagnosand, &Total)| Finding {
            name: d.name.to_string(),
            measure: families::measure(total),
        };
        all.map(finding).collect()
    }

    /// The diagnosands of an estimator or a member, of scopes that are wanted.
    fn findings(&self, plan: &Plan, is_wanted: impl Fn(Scope) -> bool) -> Vec<Finding> {
        let finding = |name: &str, measure| Finding { name: name.to_string(), measure };
        let built_in = diagnosands::ALL.iter().zip(&self.diagnosands);
        let built_in = built_in.filter(|(d, _)| is_wanted(d.scope));
        let built_in = built_in.map(|(d, total)| finding(d.name, d.summary.measure(total)));
        let own = plan.custom.list.iter().zip(&self.custom);
        let own = own.filter(|(own, _)| is_wanted(own.scope()));
        built_in.chain(own.map(|(own, total)| finding(&own.name, total.measure(own)))).collect()
    }
}

fn nothing(plan: &Plan, layout: &Layout) -> Totals {
    let mut totals = Totals::default();
    totals.reduce(layout, &plan.custom, &[], (0, 0), &mut Default::default());
    totals
}
