//! Which coefficients an estimator reports: what `term` names.

use trialrun_lang::{Diagnostic, Span, suggestion};

use super::estimation::Target;
use super::model::{Factor, Model, Part};
use crate::compile::ir::NodeKind;
use crate::compile::{Compiler, Value};
use crate::declared::{Name, listed};
use crate::ids::{ColumnId, LevelId};

/// Which coefficients an estimator reports.
#[derive(Clone, Debug)]
pub enum Terms {
    /// All of them.
    All,
    /// These.
    Some(Vec<Name>),
}

/// Finds the coefficients that `term` names; an error names those that there are.
///
/// Without `terms` it is the first coefficient that is not the intercept.
pub fn targets(
    cx: &mut Compiler<'_>,
    model: &Model,
    terms: Option<&Terms>,
    span: Span,
) -> Option<Vec<(Target, String)>> {
    let known = known_coefficients(cx, model);
    let names = match terms {
        Some(Terms::Some(names)) => names,
        Some(Terms::All) => {
            if known.iter().all(|(target, _)| target.is_some()) {
                return Some(known.into_iter().filter_map(|(t, l)| Some((t?, l))).collect());
            }
            cx.report(open_categories(&known, span));
            return None;
        }
        None => return first_term(cx, &known, span).map(|chosen| vec![chosen]),
    };
    let mut found = Vec::new();
    for name in names {
        if let Some(target) = find_among(cx, model, &known, name) {
            found.push((target, name.text.clone()));
        }
    }
    (found.len() == names.len()).then_some(found)
}

/// The coefficient of a name; an error says which there are.
pub fn find(cx: &mut Compiler<'_>, model: &Model, name: &Name) -> Option<Target> {
    let known = known_coefficients(cx, model);
    find_among(cx, model, &known, name)
}

fn find_among(
    cx: &mut Compiler<'_>,
    model: &Model,
    known: &[(Option<Target>, String)],
    name: &Name,
) -> Option<Target> {
    let exact = known.iter().find(|(t, label)| t.is_some() && *label == name.text);
    let open = known.iter().any(|(target, _)| target.is_none());
    let by_number = || by_number(model, &name.text).filter(|_| open);
    let target = exact.and_then(|(t, _)| t.clone()).or_else(by_number);
    if target.is_none() {
        let message = format!("the formula has no term `{}`", name.text);
        let error = Diagnostic::error(name.span, message)
            .label("not a coefficient of this model")
            .maybe_hint(way_out(known, model, name));
        cx.report(error);
    }
    target
}

/// The first coefficient that is not the intercept; the intercept where it is alone.
fn first_term(
    cx: &mut Compiler<'_>,
    known: &[(Option<Target>, String)],
    span: Span,
) -> Option<(Target, String)> {
    let is_own = |target: &Option<Target>| target.as_ref().is_none_or(|t| t.term.is_some());
    match known.iter().find(|(target, _)| is_own(target)).or(known.first()) {
        Some((Some(target), label)) => return Some((target.clone(), label.clone())),
        Some((None, _)) => cx.report(open_categories(known, span)),
        None => {
            let error = Diagnostic::error(span, "the formula has no term to report")
                .label("which coefficient is meant?");
            cx.report(error.hint("add a term to the formula, as in `y ~ treatment`"));
        }
    }
    None
}

/// The error for coefficients that are not named, and whose categories only data show.
fn open_categories(known: &[(Option<Target>, String)], span: Span) -> Diagnostic {
    let open = known.iter().find(|(target, _)| target.is_none());
    let label = open.map_or("", |(_, label)| label.trim_end_matches('.'));
    let message = format!("the categories of `{label}` are not known before the data are drawn");
    Diagnostic::error(span, message)
        .label("which coefficients are meant?")
        .hint(format!("name them, as in `term: \"{label}2\"`"))
}

/// What to name in the place of a term that there is not.
fn way_out(known: &[(Option<Target>, String)], model: &Model, name: &Name) -> Option<String> {
    let labels: Vec<&str> = known.iter().map(|(_, label)| label.as_str()).collect();
    let factors = || model.terms.iter().flat_map(|term| &term.factors);
    if factors().any(|factor| factor.label == name.text) {
        let own: Vec<&str> =
            labels.iter().copied().filter(|label| label.starts_with(&name.text)).collect();
        return Some(format!("each category has a coefficient of its own: {}", listed(&own)));
    }
    suggestion(&name.text, &labels)
}

/// The coefficients of a model with their labels; a term whose categories only data show has no
/// target.
fn known_coefficients(cx: &Compiler<'_>, model: &Model) -> Vec<(Option<Target>, String)> {
    let mut known = Vec::new();
    if model.intercept {
        known.push((Some(Target { term: None, codes: vec![] }), "(Intercept)".to_string()));
    }
    for (t, term) in model.terms.iter().enumerate() {
        let categories: Option<Vec<Vec<f64>>> =
            term.factors.iter().map(|f| known_categories(cx, f)).collect();
        let Some(categories) = categories else {
            let label = |p: &Part| match p {
                Part::Numeric(label) => label.clone(),
                Part::Factor(f) => format!("{}...", term.factors[*f].label),
            };
            known.push((None, term.parts.iter().map(label).collect::<Vec<_>>().join(":")));
            continue;
        };
        let n: usize = categories.iter().map(Vec::len).product();
        for combination in 0..n {
            let mut rest = combination;
            let code = |own: &Vec<f64>| {
                let code = own[rest % own.len()];
                rest /= own.len();
                code
            };
            let codes: Vec<f64> = categories.iter().map(code).collect();
            let label = term.label(&codes, &cx.labels);
            known.push((Some(Target { term: Some(t), codes }), label));
        }
    }
    known
}

/// The categories of a factor that have a column, where the design fixes them.
fn known_categories(cx: &Compiler<'_>, factor: &Factor) -> Option<Vec<f64>> {
    let codes = codes_of(cx, factor.column, factor.labels)?;
    Some(codes.into_iter().skip(usize::from(!factor.full)).collect())
}

/// The codes of a categorical value at the rows of a level, where the design fixes them.
pub fn known_codes(cx: &mut Compiler<'_>, value: Value, level: LevelId) -> Option<Vec<f64>> {
    let column = cx.column_at(value.id, level);
    codes_of(cx, column, value.labels)
}

/// The codes in a column, where the design fixes them: they are named, units of a level, or data.
fn codes_of(cx: &Compiler<'_>, column: ColumnId, labels: Option<u32>) -> Option<Vec<f64>> {
    if let Some(labels) = labels {
        return Some((0..cx.labels[labels as usize].len()).map(|c| c as f64).collect());
    }
    if let (Some(_), Some(values)) = (cx.data, &cx.columns[column.idx()].data) {
        // Adding zero makes one of the two zeros.
        let mut codes: Vec<f64> = values.iter().map(|v| v + 0.0).filter(|v| !v.is_nan()).collect();
        codes.sort_by(f64::total_cmp);
        codes.dedup();
        return Some(codes);
    }
    let level = cx.indexed_level(column)?;
    let n = cx.fixed_size(level)?;
    Some((1..=n).map(|c| c as f64).collect())
}

/// A coefficient of a single factor whose category is written as a number: `factor(class)3`.
fn by_number(model: &Model, text: &str) -> Option<Target> {
    model.terms.iter().enumerate().find_map(|(t, term)| {
        let [factor] = term.factors.as_slice() else { return None };
        if term.numeric.is_some() || factor.labels.is_some() {
            return None;
        }
        let code: f64 = text.strip_prefix(&factor.label)?.parse().ok()?;
        Some(Target { term: Some(t), codes: vec![code] })
    })
}

impl Compiler<'_> {
    /// The level whose units a column numbers, if it does.
    fn indexed_level(&self, column: ColumnId) -> Option<LevelId> {
        let column = self.carried_down(column);
        let column = self.seen_of_all(column).unwrap_or(column);
        self.origin_of(column).and_then(|node| match self.graph.node(node).kind {
            NodeKind::Index(level) => Some(level),
            _ => None,
        })
    }
}
