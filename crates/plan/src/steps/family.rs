//! A family of tests: estimators or terms whose p-values are corrected for their number.
//!
//! A study with several outcomes, arms or subgroups tests several hypotheses, and the more it tests
//! the more likely is a false alarm. A Family step corrects the p-values of its members in each
//! simulation. The members keep their own rows; the family adds one for each member, with the
//! corrected p-value, and one for the family as a whole:
//! - of a member: power, type_s, exaggeration and false_positive with the corrected p-value, and
//!   those of the design's own diagnosands that look at `p_value`.
//! - of the family: any_significant, all_significant, n_significant, fwer, fdr and incomplete
//!   (`trialrun explain fwer` and so on).
//!
//! Several families can have the same members: so corrections are compared. Estimates and intervals
//! are not corrected.
//!
//! # Fields
//! - `label`: its name, which no estimator and no other family has.
//! - `of`: its members, two at least: labels of estimators, each with all the terms that it
//!   reports, or `Member(estimator: "Arms", term: armb)`.
//! - `estimator`, `term`, `outcome`: of a `Member`, the estimator's label and, where it has
//!   several, which term and which outcome is meant; all of them if it is left out. A linear
//!   hypothesis is a term.
//! - `correction`: `Holm` if it is left out, or `None`, `Bonferroni`, `Sidak`, `Hochberg`,
//!   `Hommel`, `BenjaminiHochberg` or `BenjaminiYekutieli`.
//!
//! The step stands after the estimators of its members.
//!
//! # Example
//! ```ron
//! Family(label: "Outcomes", of: ["Reading", "Writing", "Maths"], correction: Holm),
//! Family(label: "Arms", of: [Member(estimator: "Model", term: armb),
//!     Member(estimator: "Model", term: armc)], correction: BenjaminiHochberg),
//! ```
//! Expectations name the family, and a member where one is meant:
//! ```text
//! Expect(family: "Outcomes", diagnosand: fwer, at_most: 0.05),
//! Expect(family: "Outcomes", member: "Reading", diagnosand: power, at_least: 0.8),
//! ```
//! A member is called by its estimator's label, with the term and the outcome where the family has
//! several of them: `Model (armb)`; by these alone where all members are of one estimator: `armb`.
//! A test that is held against several estimands is one member, for the first of them.
//!
//! # The corrections
//! Those of R's `p.adjust`, and Sidak's. With sorted p-values `p_1 <= ... <= p_m`:
//! ```text
//! Bonferroni          min(1, m p_i)
//! Sidak               1 - (1 - p_i)^m
//! Holm                max over j <= i of min(1, (m - j + 1) p_j)
//! Hochberg            min over j >= i of (m - j + 1) p_j
//! BenjaminiHochberg   min over j >= i of m p_j / j
//! BenjaminiYekutieli  the same, times 1 + 1/2 + ... + 1/m
//! ```
//! and Hommel's closed test. Bonferroni and Holm keep the family-wise error rate under any
//! dependence; Holm is never weaker. Hochberg and Hommel ask for independence or positive
//! dependence, Sidak for independence. The last two keep the false discovery rate instead.
//!
//! The p-values are those that the estimators report, of t tests, bootstraps or randomisation tests
//! alike.
//!
//! # Members without an estimate
//! A fit that failed rejects nothing, and the others are corrected as a smaller family, as
//! `p.adjust` does with missing p-values. `incomplete` says how often that happened.
//!
//! # Real data
//! `trialrun estimate` prints the corrected p-values after the estimates.
//!
//! # References
//! Holm 1979, Scandinavian Journal of Statistics 6:65. Benjamini and Hochberg 1995, Journal of the
//! Royal Statistical Society B 57:289. Sidak 1967, Journal of the American Statistical Association
//! 62:626. Hochberg 1988, Biometrika 75:800. Hommel 1988, Biometrika 75:383. Benjamini and
//! Yekutieli 2001, Annals of Statistics 29:1165.

use trialrun_lang::{Diagnostic, suggestion};
use trialrun_stats::multiplicity::Correction;

use super::Declared;
use crate::compile::{Compiler, Declares};
use crate::declared::{Fields, Name, Node, Reader};
use crate::exec::family::CorrectFamily;
use crate::subjects::{FamilyInfo, Member};

/// A family, as declared.
#[derive(Clone, Debug)]
pub struct Family {
    label: Name,
    of: Vec<Wanted>,
    correction: Correction,
}

/// Members that are named: all tests of an estimator, or those of a term and an outcome.
#[derive(Clone, Debug)]
struct Wanted {
    estimator: Name,
    term: Option<Name>,
    outcome: Option<Name>,
}

impl Declared for Family {
    fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let label = f.required(r, "label", Reader::name);
        let of = f.required(r, "of", |r, node| r.list(node, read_wanted));
        let correction =
            f.optional_or(r, "correction", Correction::Holm, |r, n| r.choice(n, &Correction::ALL));
        Some(Self { label: label?, of: of?, correction: correction? })
    }

    fn compile(&self, cx: &mut Compiler<'_>) {
        if self.add(cx).is_none() {
            // Expectations of it are not wrong too.
            cx.doubtful.push(self.label.text.clone());
        }
    }

    fn describe(&self) -> String {
        let members: Vec<String> = self.of.iter().map(Wanted::words).collect();
        let correction = match self.correction {
            Correction::None => "left as they are".to_string(),
            correction => format!("corrected by {}", correction.name()),
        };
        let members = members.join(", ");
        format!("the family \"{}\": p-values of {members}, {correction}", self.label.text)
    }
}

impl Family {
    /// Adds the family to the plan; none if it is wrong.
    fn add(&self, cx: &mut Compiler<'_>) -> Option<()> {
        let same_label = cx.families.iter().find(|family| family.label == self.label.text);
        let taken = cx.estimator_spans.get(&self.label.text).copied();
        if let Some(first) = taken.or(same_label.map(|family| family.span)) {
            let message = format!("the label \"{}\" is taken", self.label.text);
            let error = Diagnostic::error(self.label.span, message)
                .label("a label of its own is needed")
                .related(first, "it stands for this");
            cx.report(error);
            return None;
        }
        let mut members = self.members(cx)?;
        let is_simulated = cx.data.is_none();
        if is_simulated && members.len() < 2 {
            let message = format!("the family \"{}\" has one test", self.label.text);
            cx.report(
                Diagnostic::error(self.label.span, message)
                    .label("nothing to correct for")
                    .hint("name two members at least in `of`"),
            );
            return None;
        }
        name_members(&mut members);
        let has_estimand =
            |member: &Member| cx.row_info(member.row).is_some_and(|row| row.aim.estimand.is_some());
        let has_estimands = members.iter().all(has_estimand);
        let first_row = cx.families.iter().map(|family| family.members.len()).sum();
        let family = FamilyInfo {
            label: self.label.text.clone(),
            correction: self.correction,
            members,
            first_row,
            has_estimands,
            span: self.label.span,
        };
        if is_simulated {
            cx.push(CorrectFamily::new(&family));
        }
        cx.families.push(family);
        Some(())
    }

    /// Its members, not named yet, in the order of `of`; reports every name that is wrong.
    fn members(&self, cx: &mut Compiler<'_>) -> Option<Vec<Member>> {
        let found: Vec<_> = self.of.iter().map(|wanted| wanted.members(cx)).collect();
        let mut members: Vec<Member> = Vec::new();
        for (wanted, found) in self.of.iter().zip(found.into_iter().collect::<Option<Vec<_>>>()?) {
            let is_known = |new: &Member| members.iter().any(|known| known.row == new.row);
            if cx.data.is_none() && found.iter().any(is_known) {
                let message = format!("{} is in the family twice", wanted.words());
                cx.report(
                    Diagnostic::error(wanted.estimator.span, message)
                        .label("again")
                        .hint("a test is corrected for once"),
                );
                return None;
            }
            members.extend(found);
        }
        Some(members)
    }
}

/// A label, or `Member(estimator: "Arms", term: armb)`.
fn read_wanted(r: &mut Reader, node: Node<'_>) -> Option<Wanted> {
    if node.head() == Some("Member") && node.has_body() {
        let mut f = r.fields(node, "Member")?;
        let estimator = f.required(r, "estimator", Reader::name);
        let term = f.optional(r, "term", Reader::name);
        let outcome = f.optional(r, "outcome", Reader::name);
        f.finish(r);
        return Some(Wanted { estimator: estimator?, term, outcome });
    }
    Some(Wanted { estimator: r.name(node)?, term: None, outcome: None })
}

impl Wanted {
    /// The members that are meant, not named yet. On real data those of terms that are not named
    /// are found when the estimators are fitted.
    fn members(&self, cx: &mut Compiler<'_>) -> Option<Vec<Member>> {
        let label = &self.estimator.text;
        let Some(estimator) = cx.estimators.iter().find(|e| e.label == *label) else {
            self.report_unknown(cx);
            return None;
        };
        let known: Vec<&str> = estimator.outcomes();
        let is_outcome = |outcome: &str| self.outcome.as_ref().is_none_or(|o| o.text == outcome);
        if let Some(outcome) = self.outcome.as_ref().filter(|o| !known.contains(&&*o.text)) {
            let message = format!("\"{label}\" has no outcome `{}`", outcome.text);
            let hint = suggestion(&outcome.text, &known);
            let error = Diagnostic::error(outcome.span, message).label("unknown outcome");
            cx.report(error.maybe_hint(hint));
            return None;
        }
        let member = |row: usize, outcome: &str, term: Option<String>| Member {
            row,
            estimator: label.clone(),
            outcome: outcome.to_string(),
            term,
            name: String::new(),
        };
        if cx.data.is_some() {
            let term = self.term.as_ref().map(|term| term.text.clone());
            let outcomes = known.into_iter().filter(|outcome| is_outcome(outcome));
            let first_row = estimator.first_row;
            return Some(outcomes.map(|name| member(first_row, name, term.clone())).collect());
        }
        let is_term = |term: &str| self.term.as_ref().is_none_or(|t| t.text == term);
        let mut members: Vec<Member> = Vec::new();
        for (i, info) in estimator.rows().enumerate() {
            let (outcome, term) = (info.aim.outcome.as_str(), Some(info.term.to_string()));
            // A test that is held against several estimands is one test.
            let is_known = members.iter().any(|m| m.outcome == outcome && m.term == term);
            if !is_known && is_outcome(outcome) && is_term(info.term) {
                members.push(member(estimator.first_row + i, outcome, term));
            }
        }
        if let (Some(term), true) = (&self.term, members.is_empty()) {
            let message = format!("\"{label}\" does not report a term `{}`", term.text);
            let hint = suggestion(&term.text, &estimator.terms);
            let error = Diagnostic::error(term.span, message).label("unknown term");
            cx.report(error.maybe_hint(hint));
            return None;
        }
        Some(members)
    }

    /// Reports a label that no estimator before the step has; one that could not be compiled has
    /// its own error.
    fn report_unknown(&self, cx: &mut Compiler<'_>) {
        let label = &self.estimator.text;
        let mut known: Vec<String> = cx.estimator_spans.keys().cloned().collect();
        known.sort_unstable();
        let span = self.estimator.span;
        if known.contains(label)
            || cx.is_doubtful(label)
            || cx.told_to_be_later(Declares::Estimator, label, span)
        {
            return;
        }
        let error = Diagnostic::error(span, format!("there is no estimator \"{label}\""));
        cx.report(error.label("unknown estimator").maybe_hint(suggestion(label, &known)));
    }

    fn words(&self) -> String {
        let words: Vec<&str> =
            [&self.term, &self.outcome].into_iter().flatten().map(|name| &*name.text).collect();
        let label = &self.estimator.text;
        match words.is_empty() {
            true => format!("\"{label}\""),
            false => format!("\"{label}\" ({})", words.join(", ")),
        }
    }
}

/// Gives members their names: estimators' labels where they tell them apart, else with the term and
/// the outcome, as far as these tell the members of the estimator apart; these alone where all are
/// of one estimator.
fn name_members(members: &mut [Member]) {
    let all = members.to_vec();
    let of_one = all.iter().all(|m| m.estimator == all[0].estimator);
    for member in members {
        let same: Vec<&Member> = all.iter().filter(|m| m.estimator == member.estimator).collect();
        let mut words: Vec<&str> = Vec::new();
        if same.iter().any(|m| m.term != member.term) {
            words.extend(member.term.as_deref());
        }
        if same.iter().any(|m| m.outcome != member.outcome) {
            words.push(&member.outcome);
        }
        let words = words.join(", ");
        member.name = match (words.is_empty(), of_one) {
            (true, _) => member.estimator.clone(),
            (false, true) => words,
            (false, false) => format!("{} ({words})", member.estimator),
        };
    }
}
