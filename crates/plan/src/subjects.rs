//! What a diagnosis has rows of: estimators' terms, families of tests, and their members.

use trialrun_lang::Span;
use trialrun_stats::multiplicity::Correction;

use crate::plan::Plan;
use crate::rows::RowInfo;

/// A family of tests whose p-values are corrected.
#[derive(Clone, Debug)]
pub struct FamilyInfo {
    /// Its label.
    pub label: String,
    /// How p-values are corrected.
    pub correction: Correction,
    /// Its members.
    pub members: Vec<Member>,
    /// Its first row among the corrected rows of a simulation; one row a member.
    pub first_row: usize,
    /// Whether every member is held against an estimand.
    pub has_estimands: bool,
    /// Where its label stands.
    pub span: Span,
}

/// A member of a family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its row among the results of a simulation: the first of the test's, where there are several
    /// estimands.
    pub row: usize,
    /// The estimator's label.
    pub estimator: String,
    /// The outcome.
    pub outcome: String,
    /// The term; none, on real data, where all that are reported are meant.
    pub term: Option<String>,
    /// What it is called in the family.
    pub name: String,
}

/// Something that a diagnosis has a row of: an estimator's term, a family, a member of one.
#[derive(Clone, Debug)]
pub struct Subject<'a> {
    /// The label of the estimator or of the family.
    pub label: &'a str,
    /// The term, or the member's name; empty for a family as a whole.
    pub term: &'a str,
    /// The label, with what tells the row apart from others of it.
    pub name: String,
    /// The term, with what else tells the row apart from others of its label.
    pub recorded: String,
    /// The estimand's label.
    pub estimand: Option<&'a str>,
    /// The outcome; empty for a family as a whole.
    pub outcome: &'a str,
    /// Where the label stands.
    pub span: Span,
    /// Whether it is a joint test of several hypotheses, which has no estimate.
    pub is_joint: bool,
    /// What it is.
    pub kind: SubjectKind,
}

/// What a diagnosis has a row of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubjectKind {
    /// An estimator's term: its row of results.
    Estimator(usize),
    /// A family, by its place in [`Plan::families`].
    Family(usize),
    /// A member of a family: the family's place, and the corrected row.
    Member(usize, usize),
}

impl Plan {
    /// Corrected rows of one simulation: one for each member of each family.
    pub fn n_corrected(&self) -> usize {
        self.families.iter().map(|family| family.members.len()).sum()
    }

    /// What a diagnosis has rows of, in their order: every term of every estimator, then each
    /// family with its members.
    pub fn subjects<'p>(&'p self) -> Vec<Subject<'p>> {
        let of_row = |(row, info): (usize, RowInfo<'p>)| Subject {
            label: &info.estimator.label,
            term: info.term,
            name: info.label(),
            recorded: info.qualified_term(),
            estimand: info.aim.estimand.as_deref(),
            outcome: &info.aim.outcome,
            span: info.estimator.span,
            is_joint: info.is_joint,
            kind: SubjectKind::Estimator(row),
        };
        let mut subjects: Vec<Subject<'p>> = self.row_infos().enumerate().map(of_row).collect();
        for (place, family) in self.families.iter().enumerate() {
            let (label, span) = (family.label.as_str(), family.span);
            let members: Vec<Subject<'p>> = family
                .members
                .iter()
                .enumerate()
                .map(|(i, member)| Subject {
                    label,
                    term: &member.name,
                    name: format!("{label} ({})", member.name),
                    recorded: member.name.clone(),
                    span,
                    kind: SubjectKind::Member(place, family.first_row + i),
                    ..subjects[member.row].clone()
                })
                .collect();
            subjects.push(Subject {
                label,
                term: "",
                name: label.to_string(),
                recorded: String::new(),
                estimand: None,
                outcome: "",
                span,
                is_joint: false,
                kind: SubjectKind::Family(place),
            });
            subjects.extend(members);
        }
        subjects
    }
}
