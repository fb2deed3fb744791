//! Formula to model: names become columns, terms find their level, rows are collapsed.

use trialrun_lang::{Diagnostic, Formula, RandomTerm, Span, parse_formula, suggestion};

use super::coding::full_coding;
use super::collapse::Collapse;
use super::estimation::Target;
use super::model::{Factor, Model, Part, Source, Term};
use crate::compile::ir::{NodeId, NodeKind};
use crate::compile::{Compiler, Context, Groups, Value};
use crate::declared::{Name, Text};
use crate::functions::Fun;
use crate::ids::LevelId;

/// A formula whose names are resolved, before its rows are chosen.
pub struct Resolved {
    outcome: NodeId,
    intercept: bool,
    terms: Vec<ResolvedTerm>,
    outcome_label: String,
}

struct ResolvedTerm {
    parts: Vec<Part>,
    numeric: Option<NodeId>,
    factors: Vec<(String, Value, bool)>,
}

/// Parses a formula; reports what is wrong with it.
pub fn parse(cx: &mut Compiler<'_>, text: &Text) -> Option<Formula> {
    match parse_formula(&text.text, text.at) {
        Ok(formula) => Some(formula),
        Err(errors) => {
            cx.diagnostics.extend(errors);
            None
        }
    }
}

/// Refuses random effects in a model that has none.
pub fn no_random_effects(cx: &mut Compiler<'_>, formula: &Formula, method: &str) -> Option<()> {
    let Some(random) = formula.random.first() else { return Some(()) };
    let message = format!("`{method}` has no random effects");
    let error = Diagnostic::error(random.span, message).label("a random effect");
    cx.report(error.hint("use `Lmer` for models with random effects"));
    None
}

/// Refuses a second part on the right side, which names instruments.
pub fn no_instruments(cx: &mut Compiler<'_>, formula: &Formula, method: &str) -> Option<()> {
    if formula.instruments.is_none() {
        return Some(());
    }
    let message = format!("`{method}` takes no instruments");
    let error = Diagnostic::error(formula.span, message).label("two parts separated by `|`");
    cx.report(error.hint("write a random effect in round brackets: `(1 | group)`"));
    None
}

/// Resolves the names of a formula at the rows of a level.
pub fn resolve(cx: &mut Compiler<'_>, formula: &Formula, level: LevelId) -> Option<Resolved> {
    let context = Context::at(level).without_draws("a model has no draws of its own");
    let outcome = cx.lower(&formula.response, &context, &mut 0);
    if let Some(Value { labels: Some(_), .. }) = outcome {
        let error = Diagnostic::error(formula.response.span, "the outcome is no number")
            .label("a variable of categories")
            .hint("compare it with a category: `I(answer == 'yes') ~ ...`");
        cx.report(error);
        return None;
    }
    let mut values: Vec<Vec<Option<Value>>> = Vec::new();
    for term in &formula.terms {
        let of_term = term.factors.iter().map(|f| cx.lower(&f.expr, &context, &mut 0)).collect();
        values.push(of_term);
    }
    let outcome = outcome?.id;
    let values: Option<Vec<Vec<Value>>> =
        values.into_iter().map(|t| t.into_iter().collect()).collect();
    let values = values?;
    let categorical: Vec<Vec<bool>> = formula
        .terms
        .iter()
        .zip(&values)
        .map(|(t, v)| {
            t.factors.iter().zip(v).map(|(f, v)| f.categorical || v.labels.is_some()).collect()
        })
        .collect();
    let full = full_coding(formula.intercept, &formula.terms, &categorical);
    let mut terms = Vec::new();
    for (t, term) in formula.terms.iter().enumerate() {
        let mut resolved = ResolvedTerm { parts: vec![], numeric: None, factors: vec![] };
        for (f, factor) in term.factors.iter().enumerate() {
            let value = values[t][f];
            if categorical[t][f] {
                resolved.parts.push(Part::Factor(resolved.factors.len()));
                resolved.factors.push((factor.label.clone(), value, full[t][f]));
            } else {
                resolved.parts.push(Part::Numeric(factor.label.clone()));
                resolved.numeric = Some(match resolved.numeric {
                    None => value.id,
                    Some(so_far) => cx.map(Fun::Mul, vec![so_far, value.id], term.span),
                });
            }
        }
        terms.push(resolved);
    }
    let outcome_label = formula.response.to_string();
    Some(Resolved { outcome, intercept: formula.intercept, terms, outcome_label })
}

/// Groups that a model needs: by one name, or by the combinations of several.
pub enum Wanted<'a> {
    /// None.
    Nothing,
    /// Clusters.
    Clusters(&'a Name),
    /// Groups of a random effect.
    Random(&'a RandomTerm),
}

impl Wanted<'_> {
    fn names(&self) -> Vec<Name> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Clusters(name) => vec![(*name).clone()],
            Self::Random(term) => {
                let name = |(text, span): &(String, _)| Name { text: text.clone(), span: *span };
                term.grouping.iter().map(name).collect()
            }
        }
    }
}

/// Chooses the level of the rows, and makes the model's columns there.
pub fn model(
    cx: &mut Compiler<'_>,
    resolved: Resolved,
    level: LevelId,
    groups: &Wanted<'_>,
    weights: Option<&Name>,
) -> Option<Model> {
    let context = Context::at(level);
    let mut nodes: Vec<NodeId> = Vec::new();
    for term in &resolved.terms {
        nodes.extend(term.numeric);
        nodes.extend(term.factors.iter().map(|(_, value, _)| value.id));
    }
    let mut keys = Vec::new();
    for name in groups.names() {
        keys.push(cx.resolve(&name.text, name.span, &context)?);
    }
    let weights = match weights {
        None => None,
        Some(name) => {
            let text = Compiler::name_as_text(name);
            Some(cx.expression(&text, &context)?.id)
        }
    };
    let deepest = |cx: &Compiler<'_>, nodes: &[NodeId]| {
        nodes.iter().fold(LevelId::WHOLE, |l, n| cx.deeper(l, cx.graph.node(*n).level))
    };
    let of_predictors = cx.deeper(deepest(cx, &nodes), deepest(cx, &keys));
    warn_of_copies(cx, &resolved, of_predictors, level, &context);
    let collapses = weights.is_none() && cx.data.is_none() && of_predictors != level;
    let rows = if collapses { of_predictors } else { level };
    let (outcome, observations) = if collapses {
        collapsed(cx, resolved.outcome, rows, level)
    } else {
        let outcome = cx.column_at(resolved.outcome, level);
        let source = weights.map(|w| Source::Weighted(cx.column_at(w, level)));
        (outcome, source.unwrap_or(Source::Single))
    };
    let groups = match groups.names().as_slice() {
        [] => None,
        [name] => Some(cx.groups(name, rows)?),
        _ => {
            let keys = keys.iter().map(|k| cx.column_at(*k, rows)).collect();
            Some(Groups::Values(cx.grouping(rows, keys)))
        }
    };
    let term = |cx: &mut Compiler<'_>, t: ResolvedTerm| Term {
        parts: t.parts,
        numeric: t.numeric.map(|n| cx.column_at(n, rows)),
        factors: t
            .factors
            .into_iter()
            .map(|(label, value, full)| {
                let column = cx.column_at(value.id, rows);
                Factor { label, column, labels: value.labels, full }
            })
            .collect(),
    };
    let terms = resolved.terms.into_iter().map(|t| term(cx, t)).collect();
    Some(Model {
        rows,
        intercept: resolved.intercept,
        terms,
        outcome,
        observations,
        groups,
        drops_missing: cx.data.is_some(),
        outcome_label: resolved.outcome_label,
    })
}

/// The outcome collapsed to the level of the predictors.
fn collapsed(
    cx: &mut Compiler<'_>,
    outcome: NodeId,
    rows: LevelId,
    level: LevelId,
) -> (crate::ids::ColumnId, Source) {
    let outcome = cx.column_at(outcome, level);
    if let Some(known) = cx.collapsed.get(&(outcome, rows)) {
        let [mean, count, within] = *known;
        return (mean, Source::Collapsed { count, within });
    }
    let runs = cx.runs_between(rows, level);
    let fixed = cx.runs[runs.idx()];
    let [mean, count, within] = std::array::from_fn(|_| cx.new_column(rows));
    cx.push(Collapse { outcome, rows, runs, fixed, count, mean, within });
    cx.collapsed.insert((outcome, rows), [mean, count, within]);
    (mean, Source::Collapsed { count, within })
}

/// Warns where every variable of a model lives above its rows: they are copies of one another.
fn warn_of_copies(
    cx: &mut Compiler<'_>,
    resolved: &Resolved,
    of_predictors: LevelId,
    level: LevelId,
    context: &Context,
) {
    let of_outcome = cx.graph.node(resolved.outcome).level;
    let top = cx.deeper(of_outcome, of_predictors);
    if cx.data.is_some() || top == level || context.level != level {
        return;
    }
    let (here, there) = (cx.level_name(level).to_string(), cx.level_name(top).to_string());
    let span = cx.graph.node(resolved.outcome).span;
    let message = format!("all variables of this model live above level `{here}`");
    let warning = Diagnostic::warning(span, message)
        .label(format!("the rows within a {there} are copies of one another"))
        .hint(format!(
            "put `Aggregate(by: {there})` before the estimator, or `level: {there}` in it"
        ));
    cx.report(warning);
}

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
            let message = "`term: All` needs categories that the design fixes";
            let error = Diagnostic::error(span, message).label("some are known only from data");
            cx.report(error.hint("name the terms that you want, as in `term: treatment`"));
            return None;
        }
        None => {
            let mut own = known.into_iter().filter_map(|(target, label)| Some((target?, label)));
            let first = own.next();
            let is_intercept = first.as_ref().is_some_and(|(t, _)| t.term.is_none());
            let chosen = if is_intercept { own.next().or(first) } else { first };
            if chosen.is_none() {
                let error = Diagnostic::error(span, "the estimator needs a `term`");
                cx.report(error.label("the coefficient that is reported"));
            }
            return chosen.map(|chosen| vec![chosen]);
        }
    };
    let mut found = Vec::new();
    for name in names {
        let exact = known.iter().find(|(t, label)| t.is_some() && *label == name.text);
        let target = exact.and_then(|(t, _)| t.clone()).or_else(|| by_number(model, &name.text));
        match target {
            Some(target) => found.push((target, name.text.clone())),
            None => {
                let labels: Vec<String> = known.iter().map(|(_, l)| l.clone()).collect();
                let message = format!("the formula has no term `{}`", name.text);
                let error = Diagnostic::error(name.span, message)
                    .label("not a coefficient of this model")
                    .maybe_hint(suggestion(&name.text, &labels));
                cx.report(error);
            }
        }
    }
    (found.len() == names.len()).then_some(found)
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
    let skip = usize::from(!factor.full);
    if let Some(labels) = factor.labels {
        return Some((skip..cx.labels[labels as usize].len()).map(|c| c as f64).collect());
    }
    let level = cx.indexed_level(factor.column)?;
    let n = cx.fixed_size(level)?;
    Some((skip + 1..n + 1).map(|c| c as f64).collect())
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
    fn indexed_level(&self, column: crate::ids::ColumnId) -> Option<LevelId> {
        self.origin_of(column).and_then(|node| match self.graph.node(node).kind {
            NodeKind::Index(level) => Some(level),
            _ => None,
        })
    }
}
