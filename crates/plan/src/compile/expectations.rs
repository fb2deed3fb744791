//! Compiles expectations: estimators and terms, families and members become rows of the diagnosis,
//! diagnosands places.

use trialrun_lang::{Diagnostic, Span, suggestion};

use super::Compiler;
use super::custom::CustomDiagnosand;
use super::families::Target;
use crate::declared::{Design, Expect, Name, listed, suggest};
use crate::rows::{EstimatorInfo, RowInfo};
use crate::subjects::SubjectKind;

/// What a diagnosand is one of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// An estimator.
    Estimators,
    /// An estimator, or a member of a family with its corrected p-value.
    Tests,
    /// A family as a whole.
    Families,
}

/// What a design may say of a diagnosand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DiagnosandInfo {
    /// Its name.
    pub name: &'static str,
    /// Whether it asks for an estimand.
    pub needs_estimand: bool,
    /// Whether it is made of estimates, which joint tests have not.
    pub needs_estimate: bool,
    /// Whether one estimator can be better in it than another.
    pub has_better: bool,
    /// Its smallest and largest possible value.
    pub range: (f64, f64),
    /// What it is one of.
    pub scope: Scope,
}

/// The same of any diagnosand: a built-in one, or one of the design's own.
pub(super) struct Known<'a> {
    pub name: &'a str,
    needs_estimand: bool,
    needs_estimate: bool,
    has_better: bool,
    range: (f64, f64),
    pub scope: Scope,
}

/// An expectation about a row of results.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expectation {
    /// What it is about: a place in [`Plan::subjects`](crate::Plan::subjects).
    pub row: usize,
    /// The row that it is better than; the band is then one of the difference, positive where
    /// `row` is better.
    pub rival: Option<usize>,
    /// The place of the diagnosand in [`Options::diagnosands`](crate::Options::diagnosands), or
    /// after them in [`Plan::custom`](crate::Plan::custom).
    pub diagnosand: usize,
    /// Lower end of the band; minus infinity where there is none.
    pub low: f64,
    /// Upper end of the band; infinity where there is none.
    pub high: f64,
    /// Where it is declared.
    pub span: Span,
}

/// What tells the rows of an estimator apart.
const PARTS: [&str; 3] = ["term", "outcome", "estimand"];

/// The parts of a row; an estimand that there is not is empty.
fn parts(row: RowInfo<'_>) -> [&str; 3] {
    [row.term, &row.aim.outcome, row.aim.estimand.as_deref().unwrap_or_default()]
}

/// Each text once.
fn different<'t>(texts: impl Iterator<Item = &'t str>) -> Vec<&'t str> {
    let mut found = Vec::new();
    for text in texts {
        if !found.contains(&text) {
            found.push(text);
        }
    }
    found
}

/// The error for a part that no row has.
fn unknown_part(part: usize, name: &Name, known: &[&str]) -> Diagnostic {
    let what = PARTS[part];
    let verb = if part == 0 { "report a" } else { "have an" };
    let message = format!("the estimator does not {verb} {what} `{}`", name.text);
    Diagnostic::error(name.span, message)
        .label(format!("unknown {what}"))
        .maybe_hint(suggestion(&name.text, known))
}

/// What a design says about its diagnosis.
#[derive(Default)]
pub struct Expectations {
    pub list: Vec<Expectation>,
    pub drift: Vec<(usize, f64)>,
}

impl Compiler<'_> {
    /// Compiles expectations and tolerances; reports names that are not there. On real data there
    /// is nothing to expect.
    pub fn expectations(
        &mut self,
        design: &Design,
        built_in: &[DiagnosandInfo],
        custom: &[CustomDiagnosand],
    ) -> Expectations {
        let mut compiled = Expectations::default();
        if self.data.is_some() {
            return compiled;
        }
        let built_in = built_in.iter().map(|info| {
            let DiagnosandInfo { name, needs_estimand, needs_estimate, has_better, range, scope } =
                *info;
            Known { name, needs_estimand, needs_estimate, has_better, range, scope }
        });
        let custom = custom.iter().map(|own| Known {
            name: &own.name,
            needs_estimand: own.needs_estimand,
            needs_estimate: own.needs_estimate,
            has_better: own.better.is_some(),
            range: own.range(),
            scope: own.scope(),
        });
        let known: Vec<Known<'_>> = built_in.chain(custom).collect();
        let known = known.as_slice();
        for expect in &design.expect {
            compiled.list.extend(self.expectation(expect, known));
        }
        for (name, amount) in &design.drift {
            let place = self.diagnosand(name, known);
            compiled.drift.extend(place.map(|place| (place, *amount)));
        }
        compiled
    }

    fn expectation(&mut self, expect: &Expect, known: &[Known<'_>]) -> Option<Expectation> {
        let diagnosand = self.diagnosand(&expect.diagnosand, known);
        let Expect { term, estimand, outcome, .. } = expect;
        let wanted = [term, outcome, estimand].map(Option::as_ref);
        let target = match expect.of_family {
            true => self.in_family(&expect.estimator, term.as_ref()),
            false => self.row(&expect.estimator, wanted).map(Target::estimator),
        };
        let rival = match &expect.better_than {
            Some(label) if expect.of_family => Some(self.rival_family(expect, label)?),
            Some(label) => {
                let rival = self.rival(expect, target.map(|own| own.row), label)?;
                Some(Target::estimator(rival))
            }
            None => None,
        };
        let (diagnosand, target) = (diagnosand?, target?);
        let info = &known[diagnosand];
        if !self.is_one_of(expect, info, target.kind) {
            return None;
        }
        if self.is_joint(target.kind) && (info.needs_estimand || info.needs_estimate) {
            self.report_joint(expect, info, known);
            return None;
        }
        let mut compared = [Some(target), rival].into_iter().flatten();
        if info.needs_estimand && !compared.all(|one| self.has_estimand(one.kind)) {
            let nameless = match target.kind {
                SubjectKind::Estimator(_) => {
                    format!("the estimator \"{}\" names none", expect.estimator.text)
                }
                SubjectKind::Member(..) => "the member's estimator names none".to_string(),
                SubjectKind::Family(_) => "not every member's estimator names one".to_string(),
            };
            let message = format!("`{}` needs an estimand, and {nameless}", info.name);
            self.report(
                Diagnostic::error(expect.diagnosand.span, message)
                    .label("it can not be computed")
                    .hint("add `estimand:` to the Estimator step"),
            );
            return None;
        }
        if rival.is_some() && !info.has_better {
            let message = format!("neither of two estimators is the better in `{}`", info.name);
            let is_choice = |d: &&Known<'_>| d.has_better && d.scope != Scope::Families;
            let better: Vec<&str> = known.iter().filter(is_choice).map(|d| d.name).collect();
            self.report(
                Diagnostic::error(expect.diagnosand.span, message)
                    .label("not a diagnosand with a better and a worse")
                    .hint(format!("choose {}", listed(&better))),
            );
            return None;
        }
        let Expect { low, high, span, .. } = *expect;
        if rival.is_none() && (high < info.range.0 || low > info.range.1) {
            self.report_impossible(expect, info);
            return None;
        }
        let (row, rival) = (target.row, rival.map(|rival| rival.row));
        Some(Expectation { row, rival, diagnosand, low, high, span })
    }

    /// Reports a diagnosand of estimates, asked of a joint test.
    fn report_joint(&mut self, expect: &Expect, info: &Known<'_>, known: &[Known<'_>]) {
        let message = format!("a joint test has no `{}`", info.name);
        let is_choice =
            |d: &&Known<'_>| !d.needs_estimand && !d.needs_estimate && d.scope != Scope::Families;
        let fit: Vec<&str> = known.iter().filter(is_choice).map(|d| d.name).collect();
        self.report(
            Diagnostic::error(expect.diagnosand.span, message)
                .label("a test has a p-value, and no estimate")
                .hint(format!("choose {}", listed(&fit))),
        );
    }

    /// Reports a band that the diagnosand can not lie in.
    fn report_impossible(&mut self, expect: &Expect, info: &Known<'_>) {
        let (least, most) = info.range;
        let range = if most.is_finite() {
            format!("between {least} and {most}")
        } else {
            format!("{least} or more")
        };
        let message = format!("`{}` is {range}: it can not lie in this band", info.name);
        let is_rate = most == 1.0 && expect.low > 1.0;
        let hint = is_rate.then(|| "rates are shares: write 0.95 for 95%".to_string());
        self.report(
            Diagnostic::error(expect.diagnosand.span, message)
                .label("no value meets the expectation")
                .maybe_hint(hint),
        );
    }

    /// The row of the estimator that is compared with: term, outcome and estimand are the same as
    /// those of `row`, where it has several.
    fn rival(&mut self, expect: &Expect, row: Option<usize>, label: &Name) -> Option<usize> {
        let Expect { term, estimand, outcome, .. } = expect;
        let own = row.and_then(|row| self.row_info(row));
        let own_estimand = own.and_then(|row| row.aim.estimand.clone());
        let names = |text: &str, span: Span| Name { text: text.to_string(), span };
        let estimand = estimand.clone().or(own_estimand.as_deref().map(|e| names(e, label.span)));
        let several = self.estimator(&label.text).map_or([false; 3], |e| {
            [e.terms.len() + e.joint.len() > 1, e.outcomes().len() > 1, e.estimands().len() > 1]
        });
        let given = [term.as_ref(), outcome.as_ref(), estimand.as_ref()];
        let wanted = std::array::from_fn(|i| given[i].filter(|_| several[i]));
        let rival = self.row(label, wanted)?;
        if label.text == expect.estimator.text {
            self.report(
                Diagnostic::error(label.span, "an estimator can not be better than itself")
                    .label("name another estimator"),
            );
            return None;
        }
        let other = self.row_info(rival)?.aim.estimand.clone();
        if row.is_some() && own_estimand != other {
            let named = |estimand: Option<String>| {
                estimand.map_or("no estimand".to_string(), |name| format!("`{name}`"))
            };
            let message = format!("the two estimate {} and {}", named(own_estimand), named(other));
            self.report(
                Diagnostic::error(label.span, message)
                    .label("not an estimator of the same estimand")
                    .hint("compare estimators of one estimand"),
            );
            return None;
        }
        Some(rival)
    }

    fn estimator(&self, label: &str) -> Option<&EstimatorInfo> {
        self.estimators.iter().find(|e| e.label == label)
    }

    /// What a row of results is.
    pub fn row_info(&self, row: usize) -> Option<RowInfo<'_>> {
        self.estimators.iter().flat_map(EstimatorInfo::rows).nth(row)
    }

    /// The row of results of an estimator; `wanted` are its term, outcome and estimand, as far as
    /// they are named.
    fn row(&mut self, label: &Name, wanted: [Option<&Name>; 3]) -> Option<usize> {
        let Some(estimator) = self.estimator(&label.text) else {
            self.report_unknown_estimator(label);
            return None;
        };
        let rows: Vec<[&str; 3]> = estimator.rows().map(parts).collect();
        let mut left: Vec<usize> = (0..rows.len()).collect();
        let mut complaint = None;
        for (part, name) in wanted.iter().enumerate() {
            let known = different(left.iter().map(|row| rows[*row][part]));
            let Some(name) = name else { continue };
            left.retain(|row| rows[*row][part] == name.text);
            if left.is_empty() {
                complaint = Some(unknown_part(part, name, &known));
                break;
            }
        }
        let first_row = estimator.first_row;
        let complaint = match (complaint, left.as_slice()) {
            (Some(complaint), _) => complaint,
            (None, [only]) => return Some(first_row + only),
            (None, several) => {
                let known = |part: usize| different(several.iter().map(|row| rows[*row][part]));
                let part = (0..PARTS.len()).find(|part| known(*part).len() > 1).unwrap_or(0);
                let what = PARTS[part];
                Diagnostic::error(label.span, format!("the estimator has several {what}s"))
                    .label("which one is meant?")
                    .hint(format!("add `{what}:` with {}", listed(&known(part))))
            }
        };
        self.report(complaint);
        None
    }

    /// Reports a label that no estimator has; one that could not be compiled has its own error.
    fn report_unknown_estimator(&mut self, label: &Name) {
        let mut labels: Vec<String> = self.estimator_spans.keys().cloned().collect();
        labels.sort_unstable();
        if labels.contains(&label.text) || self.is_doubtful(&label.text) {
            return;
        }
        let message = format!("there is no estimator \"{}\"", label.text);
        let hint = match labels.is_empty() {
            true => Some("the design declares no estimators".to_string()),
            false => suggestion(&label.text, &labels),
        };
        self.report(
            Diagnostic::error(label.span, message).label("unknown estimator").maybe_hint(hint),
        );
    }

    /// The place of a diagnosand.
    fn diagnosand(&mut self, name: &Name, known: &[Known<'_>]) -> Option<usize> {
        let place = known.iter().position(|info| info.name == name.text);
        if place.is_none() && !self.is_doubtful(&name.text) {
            let names: Vec<&str> = known.iter().map(|info| info.name).collect();
            let message = format!("there is no diagnosand `{}`", name.text);
            let error = Diagnostic::error(name.span, message).label("unknown diagnosand");
            self.report(suggest(error, &name.text, &names));
        }
        place
    }
}
