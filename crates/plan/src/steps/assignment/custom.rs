//! `Custom`: a list of assignments, as declared.

use trialrun_lang::{Diagnostic, Span, suggestion};

use super::units::Seats;
use crate::compile::{Compiler, Condition};
use crate::declared::{Fields, Node, Reader};
use crate::exec::assign::custom::Custom as Draw;
use crate::exec::assign::shares::SUM_TOLERANCE;
use crate::exec::words::{plural, shown};

/// A list of assignments, as declared.
#[derive(Clone, Debug)]
pub struct Custom {
    assignments: Vec<(Vec<Entry>, Span)>,
    span: Span,
    probabilities: Option<(Vec<f64>, Span)>,
}

/// The condition of a unit, as written.
#[derive(Clone, Debug)]
struct Entry {
    value: Option<f64>,
    text: String,
    span: Span,
}

impl Custom {
    pub fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let span = f.span;
        let assignments = f.required(r, "assignments", |r, node| {
            let example = "write `[[0, 1], [1, 0]]`: each inner list is an assignment";
            match node.list() {
                Some(entries) if !entries.is_empty() => {
                    let all: Vec<_> = entries.into_iter().map(|e| read_one(r, e)).collect();
                    Some((all.into_iter().collect::<Option<Vec<_>>>()?, node.span))
                }
                _ => r.expected(node, "a list of assignments", example),
            }
        });
        let probabilities = f.optional(r, "probabilities", |r, node| {
            Some((r.list(node, Reader::number)?, node.span))
        });
        let (assignments, list) = assignments?;
        let (first, first_span) = &assignments[0];
        for (entries, at) in &assignments {
            if entries.len() != first.len() {
                let n = plural(entries.len() as f64, "unit");
                let message = format!("this assignment is of {n}, the first of {}", first.len());
                let error = Diagnostic::error(*at, message).label("not as long as the first");
                r.error(error.related(*first_span, "the first"));
                return None;
            }
        }
        if let Some((p, at)) = &probabilities {
            check(r, p, assignments.len(), *at)?;
        }
        let span = span.join(list);
        Some(Self { assignments, span, probabilities })
    }

    /// The assignments as arms.
    pub fn compile(
        &self,
        cx: &mut Compiler<'_>,
        conditions: &[Condition],
        seats: &Seats,
    ) -> Option<Draw> {
        let (n_units, span) = (self.assignments[0].0.len(), self.span);
        if let Some(fixed) = seats.fixed.filter(|fixed| *fixed != n_units) {
            let (listed, found) = (plural(n_units as f64, "unit"), plural(fixed as f64, "unit"));
            let there = if seats.in_blocks() { "a block has" } else { "there are" };
            let message = format!("the assignments are for {listed}, but {there} {found}");
            let at = self.assignments[0].1;
            cx.report(Diagnostic::error(at, message).label("not one condition for each unit"));
            return None;
        }
        let mut arms = Vec::new();
        for entry in self.assignments.iter().flat_map(|(entries, _)| entries) {
            let is_it = |c: &Condition| match entry.value {
                Some(value) => c.value == value && c.label.parse::<f64>().is_ok(),
                None => c.label == entry.text,
            };
            match conditions.iter().position(is_it) {
                Some(arm) => arms.push(arm as u32),
                None => {
                    let labels: Vec<String> = conditions.iter().map(|c| c.label.clone()).collect();
                    let message = format!("`{}` is not among the conditions", entry.text);
                    let error = Diagnostic::error(entry.span, message).label("not a condition");
                    cx.report(error.maybe_hint(suggestion(&entry.text, &labels)));
                    return None;
                }
            }
        }
        let n = self.assignments.len();
        let equal = || vec![1.0 / n as f64; n];
        let probabilities = self.probabilities.as_ref().map_or_else(equal, |(p, _)| p.clone());
        let in_blocks = seats.in_blocks();
        Some(Draw { arms, n_units, probabilities, in_blocks, span })
    }

    /// In words, after "assignment of `z`".
    pub fn describe(&self) -> String {
        let n = self.assignments.len();
        let which = match &self.probabilities {
            None => ", all equally likely".to_string(),
            Some((p, _)) => {
                let list: Vec<String> = p.iter().map(f64::to_string).collect();
                format!(", with probabilities {}", list.join(", "))
            }
        };
        format!("from a list of {}{which}", plural(n as f64, "assignment"))
    }
}

fn read_one(r: &mut Reader, node: Node<'_>) -> Option<(Vec<Entry>, Span)> {
    if !node.text.starts_with('[') {
        return r.expected(node, "a list of conditions, one for each unit", "write `[0, 1, 1, 0]`");
    }
    let entries = r.list(node, |r, node| {
        if let Some(value) = node.number() {
            return Some(Entry { value: Some(value), text: node.text.into(), span: node.span });
        }
        let name = r.name(node)?;
        Some(Entry { value: None, text: name.text, span: name.span })
    })?;
    if entries.is_empty() {
        return r.expected(node, "a condition for each unit", "write `[0, 1, 1, 0]`");
    }
    Some((entries, node.span))
}

/// One probability for each assignment; together they are 1.
fn check(r: &mut Reader, p: &[f64], n: usize, span: Span) -> Option<()> {
    let sum: f64 = p.iter().sum();
    let complaint = if p.len() != n {
        format!("{} for {}", plural(p.len() as f64, "number"), plural(n as f64, "assignment"))
    } else if let Some(wrong) = p.iter().find(|p| !(0.0..=1.0).contains(*p)) {
        format!("{} is not a probability", shown(*wrong))
    } else if (sum - 1.0).abs() > SUM_TOLERANCE {
        format!("these probabilities sum to {}, not to 1", shown(sum))
    } else {
        return Some(());
    };
    let label = "expected one probability for each assignment; together they are 1";
    r.error(Diagnostic::error(span, complaint).label(label));
    None
}
