//! Expectations of families of tests: what they name, and which diagnosands they have.

use trialrun_lang::{Diagnostic, suggestion};

use super::Compiler;
use super::expectations::{Known, Scope};
use crate::declared::{Expect, Name};
use crate::rows::{EstimatorInfo, RowInfo};
use crate::subjects::SubjectKind;

/// What an expectation is about.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its place in [`Plan::subjects`](crate::Plan::subjects).
    pub row: usize,
    pub kind: SubjectKind,
}

impl Target {
    /// The row of an estimator's term.
    pub fn estimator(row: usize) -> Self {
        Self { row, kind: SubjectKind::Estimator(row) }
    }
}

impl Compiler<'_> {
    /// Whether a diagnosand is one of what an expectation is about; reports it if not.
    pub(super) fn is_one_of(
        &mut self,
        expect: &Expect,
        info: &Known<'_>,
        kind: SubjectKind,
    ) -> bool {
        let name = info.name;
        let (message, hint) = match (kind, info.scope) {
            (SubjectKind::Estimator(_), Scope::Families) => (
                format!("`{name}` is that of a family of tests"),
                "write `family:` with the label of a Family step",
            ),
            (SubjectKind::Family(_), scope) if scope != Scope::Families => (
                format!("`{name}` is that of single tests, not of a family"),
                "name one of them in `member:`",
            ),
            (SubjectKind::Member(..), Scope::Families) => {
                (format!("`{name}` is that of the family as a whole"), "leave `member:` out")
            }
            (SubjectKind::Member(..), Scope::Estimators) => (
                format!("`{name}` does not depend on the correction"),
                "write `estimator:` with the member's own label",
            ),
            _ => return true,
        };
        let error = Diagnostic::error(expect.diagnosand.span, message);
        self.report(error.label("it can not be expected here").hint(hint));
        false
    }

    /// Whether it is held against an estimand; a family, whether every member is.
    pub(super) fn has_estimand(&self, kind: SubjectKind) -> bool {
        match kind {
            SubjectKind::Family(family) => self.families[family].has_estimands,
            _ => self.row_of(kind).is_some_and(|info| info.aim.estimand.is_some()),
        }
    }

    /// Whether it is a joint test of several hypotheses, which has no estimate.
    pub(super) fn is_joint(&self, kind: SubjectKind) -> bool {
        self.row_of(kind).is_some_and(|info| info.is_joint)
    }

    /// The row of a term, or of what is a member.
    fn row_of(&self, kind: SubjectKind) -> Option<RowInfo<'_>> {
        match kind {
            SubjectKind::Estimator(row) => self.row_info(row),
            SubjectKind::Family(_) => None,
            SubjectKind::Member(family, row) => {
                let family = &self.families[family];
                self.row_info(family.members[row - family.first_row].row)
            }
        }
    }

    /// What is compared with: another family, or the member of this name in it.
    pub(super) fn rival_family(&mut self, expect: &Expect, label: &Name) -> Option<Target> {
        let rival = self.in_family(label, expect.term.as_ref())?;
        if label.text == expect.estimator.text {
            let error = Diagnostic::error(label.span, "a family can not be better than itself");
            self.report(error.label("name another family"));
            return None;
        }
        Some(rival)
    }

    /// A family, or a member of it.
    pub(super) fn in_family(&mut self, label: &Name, member: Option<&Name>) -> Option<Target> {
        let known: Vec<String> = self.families.iter().map(|family| family.label.clone()).collect();
        let Some(place) = known.iter().position(|known| *known == label.text) else {
            if !self.is_doubtful(&label.text) {
                let message = format!("there is no family \"{}\"", label.text);
                let hint = match known.is_empty() {
                    true => Some("the design declares no Family step".to_string()),
                    false => suggestion(&label.text, &known),
                };
                let error = Diagnostic::error(label.span, message).label("unknown family");
                self.report(error.maybe_hint(hint));
            }
            return None;
        };
        let of_estimators: usize = self.estimators.iter().map(EstimatorInfo::n_rows).sum();
        let before: usize = self.families[..place].iter().map(|f| f.members.len() + 1).sum();
        let row = of_estimators + before;
        let Some(member) = member else {
            return Some(Target { row, kind: SubjectKind::Family(place) });
        };
        let family = &self.families[place];
        let names: Vec<String> = family.members.iter().map(|m| m.name.clone()).collect();
        let Some(at) = names.iter().position(|name| *name == member.text) else {
            let message =
                format!("the family \"{}\" has no member \"{}\"", label.text, member.text);
            let hint = suggestion(&member.text, &names);
            let error = Diagnostic::error(member.span, message).label("unknown member");
            self.report(error.maybe_hint(hint));
            return None;
        };
        let kind = SubjectKind::Member(place, family.first_row + at);
        Some(Target { row: row + 1 + at, kind })
    }
}
