//! Compiles expectations: estimators and terms become rows of results, diagnosands places.

use trialrun_lang::{Diagnostic, Span, suggestion};

use super::Compiler;
use crate::declared::{Design, Expect, Name, listed, suggest};
use crate::plan::EstimatorInfo;

/// What a design may say of a diagnosand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DiagnosandInfo {
    /// Its name.
    pub name: &'static str,
    /// Whether it asks for an estimand.
    pub needs_estimand: bool,
    /// Whether one estimator can be better in it than another.
    pub has_better: bool,
    /// Its smallest and largest possible value.
    pub range: (f64, f64),
}

/// An expectation about a row of results.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expectation {
    /// The row: that of an estimator's term.
    pub row: usize,
    /// The row that it is better than; the band is then one of the difference, positive where
    /// `row` is better.
    pub rival: Option<usize>,
    /// The place of the diagnosand in [`Options::diagnosands`](crate::Options::diagnosands).
    pub diagnosand: usize,
    /// Lower end of the band; minus infinity where there is none.
    pub low: f64,
    /// Upper end of the band; infinity where there is none.
    pub high: f64,
    /// Where it is declared.
    pub span: Span,
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
    pub fn expectations(&mut self, design: &Design, known: &[DiagnosandInfo]) -> Expectations {
        let mut compiled = Expectations::default();
        if self.data.is_some() {
            return compiled;
        }
        for expect in &design.expect {
            compiled.list.extend(self.expectation(expect, known));
        }
        for (name, amount) in &design.drift {
            let place = self.diagnosand(name, known);
            compiled.drift.extend(place.map(|place| (place, *amount)));
        }
        compiled
    }

    fn expectation(&mut self, expect: &Expect, known: &[DiagnosandInfo]) -> Option<Expectation> {
        let diagnosand = self.diagnosand(&expect.diagnosand, known);
        let row = self.row(&expect.estimator, expect.term.as_ref());
        let rival = match &expect.better_than {
            Some(label) => Some(self.rival(expect, label)?),
            None => None,
        };
        let (diagnosand, row) = (diagnosand?, row?);
        let info = known[diagnosand];
        if info.needs_estimand && self.estimator(&expect.estimator.text)?.estimand.is_none() {
            let message = format!(
                "`{}` needs an estimand, and the estimator \"{}\" names none",
                info.name, expect.estimator.text
            );
            self.report(
                Diagnostic::error(expect.diagnosand.span, message)
                    .label("it can not be computed")
                    .hint("add `estimand:` to the Estimator step"),
            );
            return None;
        }
        if rival.is_some() && !info.has_better {
            let message = format!("neither of two estimators is the better in `{}`", info.name);
            let better: Vec<&str> = known.iter().filter(|d| d.has_better).map(|d| d.name).collect();
            self.report(
                Diagnostic::error(expect.diagnosand.span, message)
                    .label("not a diagnosand with a better and a worse")
                    .hint(format!("choose {}", listed(&better))),
            );
            return None;
        }
        let Expect { low, high, span, .. } = *expect;
        if rival.is_none() && (high < info.range.0 || low > info.range.1) {
            self.report_impossible(expect, &info);
            return None;
        }
        Some(Expectation { row, rival, diagnosand, low, high, span })
    }

    /// Reports a band that the diagnosand can not lie in.
    fn report_impossible(&mut self, expect: &Expect, info: &DiagnosandInfo) {
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

    /// The row of the estimator that is compared with: its term is the same where it has several.
    fn rival(&mut self, expect: &Expect, label: &Name) -> Option<usize> {
        let one_term = self.estimator(&label.text).is_none_or(|e| e.terms.len() == 1);
        let term = if one_term { None } else { expect.term.as_ref() };
        let rival = self.row(label, term)?;
        if label.text == expect.estimator.text {
            self.report(
                Diagnostic::error(label.span, "an estimator can not be better than itself")
                    .label("name another estimator"),
            );
            return None;
        }
        let estimand = |label: &str| self.estimator(label).and_then(|e| e.estimand.clone());
        let (own, other) = (estimand(&expect.estimator.text), estimand(&label.text));
        if own != other && self.estimator(&expect.estimator.text).is_some() {
            let named = |estimand: Option<String>| {
                estimand.map_or("no estimand".to_string(), |name| format!("`{name}`"))
            };
            let message = format!("the two estimate {} and {}", named(own), named(other));
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

    /// The row of results of an estimator and a term.
    fn row(&mut self, label: &Name, term: Option<&Name>) -> Option<usize> {
        let Some(estimator) = self.estimator(&label.text) else {
            self.report_unknown_estimator(label);
            return None;
        };
        let (terms, first_row) = (estimator.terms.clone(), estimator.first_row);
        let complaint = match term {
            None if terms.len() == 1 => return Some(first_row),
            None => {
                let terms: Vec<&str> = terms.iter().map(String::as_str).collect();
                Diagnostic::error(label.span, "the estimator has several terms")
                    .label("which one is meant?")
                    .hint(format!("add `term:` with {}", listed(&terms)))
            }
            Some(term) => match terms.iter().position(|t| *t == term.text) {
                Some(place) => return Some(first_row + place),
                None => {
                    let message = format!("the estimator does not report a term `{}`", term.text);
                    Diagnostic::error(term.span, message)
                        .label("unknown term")
                        .maybe_hint(suggestion(&term.text, &terms))
                }
            },
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
    fn diagnosand(&mut self, name: &Name, known: &[DiagnosandInfo]) -> Option<usize> {
        let place = known.iter().position(|info| info.name == name.text);
        if place.is_none() {
            let names: Vec<&str> = known.iter().map(|info| info.name).collect();
            let message = format!("there is no diagnosand `{}`", name.text);
            let error = Diagnostic::error(name.span, message).label("unknown diagnosand");
            self.report(suggest(error, &name.text, &names));
        }
        place
    }
}
