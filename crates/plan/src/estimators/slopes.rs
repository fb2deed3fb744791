//! What varies between the groups of a random effect: numbers, and categories written out.

use trialrun_lang::{Diagnostic, Formula, RandomTerm, Span, Term};

use super::model::{Part, category_label};
use super::resolve::{self, ResolvedTerm};
use super::terms::known_codes;
use crate::compile::ir::NodeId;
use crate::compile::{Compiler, Value};
use crate::functions::Fun;
use crate::ids::LevelId;

/// The columns of a random effect beside its intercept.
#[derive(Default)]
pub struct Slopes {
    /// The columns whose coefficients differ between groups.
    pub columns: Vec<Column>,
    /// Indicators of categories that have to occur: those with a column, and those that others are
    /// compared with.
    pub occurring: Vec<NodeId>,
    /// The categories whose columns add up to one, if there are any.
    pub whole: Option<String>,
}

/// A column whose coefficient differs between groups.
pub struct Column {
    /// Its values.
    pub node: NodeId,
    /// What it is called.
    pub label: String,
    /// What it is a product of.
    pub pieces: Vec<Piece>,
}

/// A factor of a column.
pub struct Piece {
    /// The variable.
    pub label: String,
    /// The category whose indicator it is; none for a number.
    pub code: Option<f64>,
    /// The product of the other factors, if there are any.
    pub rest: Option<NodeId>,
}

/// Finds the columns of a random effect; reports what is wrong with them.
///
/// Categories are coded as R's model matrix codes them: after an intercept each but the first has
/// a column, and without one each has.
pub fn resolve(cx: &mut Compiler<'_>, term: &RandomTerm, level: LevelId) -> Option<Slopes> {
    let context = resolve::context(level);
    let terms = resolve::resolve_terms(cx, term.intercept, &term.slopes, &context)?;
    let mut slopes = Slopes::default();
    for (resolved, slope) in terms.iter().zip(&term.slopes) {
        if !resolved.factors.is_empty() && !term.correlated {
            cx.report(not_taken_apart(resolved, term, slope.span));
            return None;
        }
        write_out(cx, resolved, slope, level, &mut slopes)?;
    }
    Some(slopes)
}

/// Adds the columns of a term: one for each combination of its categories, the first factor's
/// fastest.
fn write_out(
    cx: &mut Compiler<'_>,
    term: &ResolvedTerm,
    slope: &Term,
    level: LevelId,
    slopes: &mut Slopes,
) -> Option<()> {
    let (span, context) = (slope.span, resolve::context(level));
    let mut numbers: Vec<(&str, Option<f64>, NodeId)> = Vec::new();
    for (factor, part) in slope.factors.iter().zip(&term.parts) {
        if let Part::Numeric(label) = part {
            numbers.push((label, None, cx.lower(&factor.expr, &context, &mut 0)?.id));
        }
    }
    let mut categories: Vec<Vec<f64>> = Vec::new();
    for (label, value, full) in &term.factors {
        let Some(codes) = known_codes(cx, *value, level) else {
            cx.report(open_category(label, span));
            return None;
        };
        if !full {
            slopes.occurring.extend(codes.first().map(|code| is_code(cx, *value, *code, span)));
        }
        categories.push(codes.into_iter().skip(usize::from(!full)).collect());
    }
    let n: usize = categories.iter().map(Vec::len).product();
    for combination in 0..n {
        let mut rest = combination;
        let (mut codes, mut all) = (Vec::new(), numbers.clone());
        for ((label, value, _), own) in term.factors.iter().zip(&categories) {
            let code = own[rest % own.len()];
            rest /= own.len();
            codes.push(code);
            all.push((label, Some(code), is_code(cx, *value, code, span)));
        }
        let Some(node) = product(cx, &all, None, span) else { continue };
        if !term.factors.is_empty() {
            slopes.occurring.push(node);
        }
        let piece = |(i, (label, code, _)): (usize, &(&str, Option<f64>, NodeId))| {
            let rest = product(cx, &all, Some(i), span);
            Piece { label: (*label).to_string(), code: *code, rest }
        };
        let pieces = all.iter().enumerate().map(piece).collect();
        slopes.columns.push(Column { node, label: label(cx, term, &codes), pieces });
    }
    if term.numeric.is_none() && term.factors.iter().all(|(.., full)| *full) {
        let labels: Vec<&str> = term.factors.iter().map(|(label, ..)| label.as_str()).collect();
        slopes.whole.get_or_insert_with(|| labels.join(":"));
    }
    Some(())
}

/// The product of numbers and indicators, one of them left out.
fn product(
    cx: &mut Compiler<'_>,
    pieces: &[(&str, Option<f64>, NodeId)],
    without: Option<usize>,
    span: Span,
) -> Option<NodeId> {
    let kept = pieces.iter().enumerate().filter(|(i, _)| Some(*i) != without);
    kept.map(|(_, (.., node))| *node).reduce(|a, b| cx.map(Fun::Mul, vec![a, b], span))
}

/// One where a value is a category, else zero.
fn is_code(cx: &mut Compiler<'_>, value: Value, code: f64, span: Span) -> NodeId {
    let code = cx.graph.constant(code, span);
    cx.map(Fun::Eq, vec![value.id, code], span)
}

/// The label of a column, as R writes it: `armb:x`.
fn label(cx: &Compiler<'_>, term: &ResolvedTerm, codes: &[f64]) -> String {
    let part = |part: &Part| match part {
        Part::Numeric(label) => label.clone(),
        Part::Factor(f) => {
            let (label, value, _) = &term.factors[*f];
            format!("{label}{}", category_label(codes[*f], value.labels, &cx.labels))
        }
    };
    term.parts.iter().map(part).collect::<Vec<_>>().join(":")
}

/// Refuses a random effect of categories where another of the same groups has the sum of them, an
/// intercept: no data could tell one from the other.
pub fn no_sum_twice(cx: &mut Compiler<'_>, formula: &Formula, slopes: &[&Slopes]) -> Option<()> {
    let names = |term: &RandomTerm| {
        let mut names: Vec<String> = term.grouping.iter().map(|(name, _)| name.clone()).collect();
        names.sort_unstable();
        names
    };
    let terms = || formula.random.iter().zip(slopes);
    for (i, (late, own)) in terms().enumerate() {
        for (early, others) in terms().take(i) {
            let (Some(categories), true) =
                (own.whole.as_ref().or(others.whole.as_ref()), names(early) == names(late))
            else {
                continue;
            };
            let has_sum =
                |term: &RandomTerm, slopes: &Slopes| term.intercept || slopes.whole.is_some();
            if !(has_sum(early, others) && has_sum(late, own)) {
                continue;
            }
            let group = late.grouping_label();
            let message = format!("the random intercept by `{group}` is given twice");
            let hint = format!("leave one out: `({categories} | {group})` has both");
            let error = Diagnostic::error(late.span, message)
                .label(format!("the categories of `{categories}` add up to an intercept"))
                .related(early.span, "first given here");
            cx.report(error.hint(hint));
            return None;
        }
    }
    Some(())
}

/// The error for categories with `||`.
fn not_taken_apart(resolved: &ResolvedTerm, term: &RandomTerm, span: Span) -> Diagnostic {
    let label = resolved.factors.first().map_or("", |(label, ..)| label.as_str());
    let group = term.grouping_label();
    let message = format!("`||` does not take the categories of `{label}` apart");
    let hint = format!(
        "write `({label} | {group})`, or `(1 | {group}) + (1 | {group}:{label})` for effects of \
         one variance without correlations"
    );
    Diagnostic::error(span, message).label("a category").hint(hint)
}

/// The error for categories that only the data show.
fn open_category(label: &str, span: Span) -> Diagnostic {
    let message = format!("the categories of `{label}` are not known before the data are drawn");
    let hint = "give them names, as in `kind: \"labelled(x, 'a', 'b')\"`, or use indicators: \
                `(1 + I(kind == 2) | site)`";
    Diagnostic::error(span, message).label("which effects are there?").hint(hint)
}
