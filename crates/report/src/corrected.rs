//! Corrected p-values of families of tests on real data.

use serde_json::{Value, json};
use trialrun_plan::{FamilyInfo, Member, Plan};
use trialrun_stats::multiplicity::Scratch;

use crate::diagnosis::in_words;
use crate::estimates::Estimated;
use crate::number::{json_number, significant};
use crate::table::{Align, Grid};

/// A family with the corrected tests of its members.
pub struct Corrected<'a> {
    family: &'a FamilyInfo,
    members: Vec<Test<'a>>,
}

/// A member's test.
struct Test<'a> {
    fit: &'a Estimated,
    term: &'a str,
    /// Its own p-value and the corrected one; none where the fit failed.
    p: Option<(f64, f64)>,
}

/// A member that is not among what was estimated, or is there twice, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongMember {
    /// What is wrong.
    pub message: String,
    /// A way out.
    pub help: String,
}

/// The families of a plan, with the corrected tests of what was estimated. Members whose fit failed
/// are not counted among the tests, as in simulations.
///
/// # Errors
/// If a member names a term that its estimator does not report on these data, or if two members are
/// one test.
pub fn corrected<'a>(
    plan: &'a Plan,
    results: &'a [Estimated],
) -> Result<Vec<Corrected<'a>>, WrongMember> {
    plan.families.iter().map(|family| correct(family, results)).collect()
}

fn correct<'a>(
    family: &'a FamilyInfo,
    results: &'a [Estimated],
) -> Result<Corrected<'a>, WrongMember> {
    let mut members: Vec<Test<'a>> = Vec::new();
    for member in &family.members {
        for test in tests_of(member, family, results)? {
            if members.iter().any(|known| known.is_of(test.fit, test.term)) {
                let (label, name, term) = (&family.label, test.fit.name(), test.term);
                let message = format!("`{term}` of \"{name}\" is in the family \"{label}\" twice");
                let help = "a test is corrected for once".to_string();
                return Err(WrongMember { message, help });
            }
            members.push(test);
        }
    }
    let own = members.iter().filter_map(|test| test.p);
    let mut p: Vec<f64> = own.map(|(own, _)| own).collect();
    family.correction.adjust(&mut p, &mut Scratch::default());
    let each = members.iter_mut().filter_map(|test| test.p.as_mut());
    each.zip(p).for_each(|(test, corrected)| test.1 = corrected);
    Ok(Corrected { family, members })
}

/// The tests of a member, not corrected yet: one, or one for each term that is reported.
fn tests_of<'a>(
    member: &'a Member,
    family: &FamilyInfo,
    results: &'a [Estimated],
) -> Result<Vec<Test<'a>>, WrongMember> {
    let mut tests = Vec::new();
    for fit in results.iter().filter(|r| r.is_of(&member.estimator, &member.outcome)) {
        for coefficient in fit.coefficients() {
            let own = coefficient.row.fit.ok().map(|fit| fit.p_value);
            let p = own.map(|p| (p, p));
            // A fit that failed may not know its terms.
            let term = match &member.term {
                Some(term) if coefficient.term.is_empty() => term,
                Some(term) if *term != coefficient.term => continue,
                _ => &coefficient.term,
            };
            tests.push(Test { fit, term, p });
        }
        if let (Some(term), true) = (&member.term, tests.is_empty()) {
            let message = format!(
                "the family \"{}\" has a member `{term}` that \"{}\" does not report on these data",
                family.label,
                fit.name(),
            );
            let terms: Vec<&str> = fit.coefficients().iter().map(|c| c.term.as_str()).collect();
            let help = format!("it reports {}", terms.join(", "));
            return Err(WrongMember { message, help });
        }
    }
    Ok(tests)
}

impl Test<'_> {
    fn is_of(&self, fit: &Estimated, term: &str) -> bool {
        std::ptr::eq(self.fit, fit) && self.term == term
    }
}

impl Corrected<'_> {
    /// A heading and a table.
    pub fn text(&self) -> String {
        format!("{}\n\n{}", self.title(), self.grid().text())
    }

    /// The same for documents.
    pub fn markdown(&self) -> String {
        format!("{}\n\n{}", self.title(), self.grid().markdown())
    }

    fn title(&self) -> String {
        format!("Family {}, {}", self.family.label, in_words(self.family.correction))
    }

    fn grid(&self) -> Grid {
        let columns = [
            ("estimator", Align::Left),
            ("term", Align::Left),
            ("p.value", Align::Right),
            ("corrected", Align::Right),
        ];
        let mut grid = Grid::new(columns.map(|(name, align)| (name.to_string(), align)));
        for test in &self.members {
            let number = |v: Option<f64>| v.map_or("-".to_string(), |v| significant(v, 5));
            let (own, corrected) = test.p.unzip();
            let names = [test.fit.name(), test.term.to_string()];
            grid.row(names.into_iter().chain([number(own), number(corrected)]));
        }
        grid
    }

    /// The family for programs.
    pub fn json(&self) -> Value {
        let number = |v: Option<f64>| v.map_or(Value::Null, json_number);
        let members = self.members.iter().map(|test| {
            let (own, corrected) = test.p.unzip();
            json!({
                "estimator": test.fit.label(),
                "outcome": test.fit.outcome(),
                "term": test.term,
                "p_value": number(own),
                "corrected": number(corrected),
            })
        });
        json!({
            "family": self.family.label,
            "correction": self.family.correction.name(),
            "members": members.collect::<Vec<_>>(),
        })
    }

    /// The name of its column in a table of all estimates.
    pub fn column(&self) -> String {
        format!("p.value ({})", self.family.label)
    }

    /// The corrected p-value of a fit's term, where it is a member.
    pub fn of(&self, fit: &Estimated, term: &str) -> Option<f64> {
        let test = self.members.iter().find(|test| test.is_of(fit, term))?;
        test.p.map(|(_, corrected)| corrected)
    }
}
