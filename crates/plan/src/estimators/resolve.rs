//! Formula to nodes: names are looked up, factors are coded.

use trialrun_lang::{Diagnostic, Formula, Span, Term};

use super::coding::full_coding;
use super::model::{Factor, Part, Term as ModelTerm};
use super::outcomes::{self, Named};
use crate::compile::ir::NodeId;
use crate::compile::{Compiler, Context, Value};
use crate::declared::{Scalar, Text};
use crate::functions::Fun;
use crate::ids::LevelId;

/// A formula whose names are resolved, before its rows are chosen.
pub struct Resolved {
    /// The outcomes: one at least.
    pub outcomes: Vec<Named>,
    /// Whether there is an intercept.
    pub intercept: bool,
    /// The terms in R's order.
    pub terms: Vec<ResolvedTerm>,
    /// Where the formula stands.
    pub span: Span,
    /// Whether rows that share their predictors may become one.
    pub collapsing: Collapsing,
}

/// Whether rows that share their predictors may become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collapsing {
    /// They may.
    Allowed,
    /// Only rows of one unit that was assigned as a whole.
    WithinUnits,
    /// The method needs every row.
    Refused,
}

impl Resolved {
    /// The same for a method that needs every row.
    pub fn with_every_row(self) -> Self {
        Self { collapsing: Collapsing::Refused, ..self }
    }

    /// The same for a method that tells apart the units that were assigned.
    pub fn with_every_unit(self) -> Self {
        Self { collapsing: Collapsing::WithinUnits, ..self }
    }

    /// A model of one number, without intercept.
    pub fn of_one(
        outcomes: Vec<Named>,
        predictor: NodeId,
        label: String,
        formula: &Formula,
    ) -> Self {
        let parts = vec![Part::Numeric(label)];
        Self {
            outcomes,
            intercept: false,
            terms: vec![ResolvedTerm {
                parts,
                numeric: Some(predictor),
                ..ResolvedTerm::default()
            }],
            span: formula.span,
            collapsing: Collapsing::Allowed,
        }
    }

    /// The nodes of the outcomes.
    pub fn of_outcomes(&self) -> Vec<NodeId> {
        self.outcomes.iter().map(|outcome| outcome.node).collect()
    }

    /// The nodes of the predictors.
    pub fn predictors(&self) -> Vec<NodeId> {
        self.terms.iter().flat_map(ResolvedTerm::nodes).collect()
    }
}

/// A term whose names are resolved.
#[derive(Clone, Default)]
pub struct ResolvedTerm {
    /// The labels of its factors, in order.
    pub parts: Vec<Part>,
    /// The product of its numeric factors.
    pub numeric: Option<NodeId>,
    /// Its categorical factors: label, value, and whether each category has a column.
    pub factors: Vec<(String, Value, bool)>,
    /// From which part on it is a covariate around its mean.
    pub centred_from: Option<usize>,
}

impl ResolvedTerm {
    /// The nodes of its factors.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> {
        self.numeric.into_iter().chain(self.factors.iter().map(|(_, value, _)| value.id))
    }

    /// The term with its columns at the units of a level.
    pub fn stored(self, cx: &mut Compiler<'_>, rows: LevelId) -> ModelTerm {
        let numeric = self.numeric.map(|n| cx.column_at(n, rows));
        let factor = |(label, value, full): (String, Value, bool)| {
            let column = cx.column_at(value.id, rows);
            Factor { label, column, labels: value.labels, full }
        };
        let factors = self.factors.into_iter().map(factor).collect();
        ModelTerm { parts: self.parts, centred_from: self.centred_from, numeric, factors }
    }
}

/// The terms of a formula where a name has one value in every row: what the predictors would be.
pub fn terms_given(
    cx: &mut Compiler<'_>,
    formula: &Formula,
    rows: LevelId,
    name: &str,
    value: f64,
) -> Option<Vec<ModelTerm>> {
    let id = cx.graph.constant(value, formula.span);
    let given = vec![(name.to_string(), Value { id, labels: None })];
    let context = Context { given, ..context(rows) };
    let terms = resolve_terms(cx, formula.intercept, &formula.terms, &context)?;
    Some(terms.into_iter().map(|t| t.stored(cx, rows)).collect())
}

/// The node of an offset: an expression of the rows.
pub fn offset(cx: &mut Compiler<'_>, offset: &Scalar, level: LevelId) -> Option<NodeId> {
    let context = Context::at(level).without_draws("an offset has no draws of its own");
    cx.scalar(offset, &context).map(|value| value.id)
}

/// Parses a formula; reports what is wrong with it.
pub fn parse(cx: &mut Compiler<'_>, text: &Text) -> Option<Formula> {
    match text.places.parse_formula(&text.text) {
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
    let instead = if method == "Glm" { "Glmer" } else { "Lmer" };
    cx.report(error.hint(format!("use `{instead}` for models with random effects")));
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

/// Where the expressions of a model stand: at the rows of a level, without draws.
pub fn context(level: LevelId) -> Context {
    Context::at(level).without_draws(
        "a model has no draws of its own: declare the draw as a variable, and name it here",
    )
}

/// Resolves the names of a formula of one outcome at the rows of a level.
pub fn resolve(cx: &mut Compiler<'_>, formula: &Formula, level: LevelId) -> Option<Resolved> {
    let outcome = outcomes::one(cx, formula, &context(level));
    resolve_terms_of(cx, formula, level, outcome.map(|outcome| vec![outcome]))
}

/// Resolves the names of a formula that may have several outcomes, at the rows of a level.
pub fn resolve_several(
    cx: &mut Compiler<'_>,
    formula: &Formula,
    level: LevelId,
) -> Option<Resolved> {
    let outcomes = outcomes::several(cx, formula, &context(level));
    resolve_terms_of(cx, formula, level, outcomes)
}

/// Resolves the predictors of outcomes; their errors are told even where there is no outcome.
fn resolve_terms_of(
    cx: &mut Compiler<'_>,
    formula: &Formula,
    level: LevelId,
    outcomes: Option<Vec<Named>>,
) -> Option<Resolved> {
    let terms = resolve_terms(cx, formula.intercept, &formula.terms, &context(level));
    let (outcomes, terms) = (outcomes?, terms?);
    let (intercept, span) = (formula.intercept, formula.span);
    Some(Resolved { outcomes, intercept, terms, span, collapsing: Collapsing::Allowed })
}

/// Resolves the terms of one side of a formula.
pub fn resolve_terms(
    cx: &mut Compiler<'_>,
    intercept: bool,
    terms: &[Term],
    context: &Context,
) -> Option<Vec<ResolvedTerm>> {
    let mut values: Vec<Vec<Option<Value>>> = Vec::new();
    for term in terms {
        let of_term = term.factors.iter().map(|f| cx.lower(&f.expr, context, &mut 0)).collect();
        values.push(of_term);
    }
    let values: Option<Vec<Vec<Value>>> =
        values.into_iter().map(|t| t.into_iter().collect()).collect();
    let values = values?;
    let categorical: Vec<Vec<bool>> = terms
        .iter()
        .zip(&values)
        .map(|(t, v)| {
            t.factors.iter().zip(v).map(|(f, v)| f.categorical || v.labels.is_some()).collect()
        })
        .collect();
    let full = full_coding(intercept, terms, &categorical);
    let mut all = Vec::new();
    for (t, term) in terms.iter().enumerate() {
        let mut resolved = ResolvedTerm::default();
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
        all.push(resolved);
    }
    Some(all)
}
