//! Formula to model: names become columns, terms find their level, rows are collapsed.

use trialrun_lang::{Diagnostic, Formula, RandomTerm, Span};

use super::coding::full_coding;
use super::collapse::Collapse;
use super::model::{Blocks, Factor, Model, Part, Source, Term};
use super::warnings::{warn_of_copies, warn_of_unused};
use crate::compile::ir::NodeId;
use crate::compile::{Binding, Compiler, Context, Groups, Missing, Value};
use crate::declared::{Name, Text};
use crate::functions::Fun;
use crate::ids::LevelId;

/// A formula whose names are resolved, before its rows are chosen.
pub struct Resolved {
    /// The outcome.
    pub outcome: NodeId,
    intercept: bool,
    terms: Vec<ResolvedTerm>,
    outcome_label: String,
    /// Where the formula stands.
    pub span: Span,
}

impl Resolved {
    /// A model of one number, without intercept.
    pub fn of_one(outcome: NodeId, predictor: NodeId, label: String, formula: &Formula) -> Self {
        let parts = vec![Part::Numeric(label)];
        Self {
            outcome,
            intercept: false,
            terms: vec![ResolvedTerm { parts, numeric: Some(predictor), factors: vec![] }],
            outcome_label: formula.response.to_string(),
            span: formula.span,
        }
    }

    /// The nodes of the predictors.
    pub fn predictors(&self) -> Vec<NodeId> {
        let of_term = |t: &ResolvedTerm| {
            t.numeric.into_iter().chain(t.factors.iter().map(|(_, value, _)| value.id)).collect()
        };
        self.terms.iter().flat_map(|t| -> Vec<NodeId> { of_term(t) }).collect()
    }
}

struct ResolvedTerm {
    parts: Vec<Part>,
    numeric: Option<NodeId>,
    factors: Vec<(String, Value, bool)>,
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

/// Resolves the outcome of a formula.
pub fn resolve_outcome(
    cx: &mut Compiler<'_>,
    formula: &Formula,
    context: &Context,
) -> Option<NodeId> {
    let outcome = cx.lower(&formula.response, context, &mut 0)?;
    if outcome.labels.is_some() {
        let error = Diagnostic::error(formula.response.span, "the outcome is not a number")
            .label("a variable of categories")
            .hint("compare it with a category: `I(answer == 'yes') ~ ...`");
        cx.report(error);
        return None;
    }
    Some(outcome.id)
}

/// Where the expressions of a model stand: at the rows of a level, without draws.
pub fn context(level: LevelId) -> Context {
    Context::at(level).without_draws(
        "a model has no draws of its own: declare the draw as a variable, and name it here",
    )
}

/// Resolves the names of a formula at the rows of a level.
pub fn resolve(cx: &mut Compiler<'_>, formula: &Formula, level: LevelId) -> Option<Resolved> {
    let context = context(level);
    let outcome = resolve_outcome(cx, formula, &context);
    let mut values: Vec<Vec<Option<Value>>> = Vec::new();
    for term in &formula.terms {
        let of_term = term.factors.iter().map(|f| cx.lower(&f.expr, &context, &mut 0)).collect();
        values.push(of_term);
    }
    let outcome = outcome?;
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
    let (intercept, span) = (formula.intercept, formula.span);
    Some(Resolved { outcome, intercept, terms, outcome_label, span })
}

/// Groups that a model needs: by one name, or by the combinations of several.
pub enum Wanted<'a> {
    /// None.
    Nothing,
    /// Clusters.
    Clusters(&'a Name),
    /// Groups of a random effect.
    Random(&'a RandomTerm),
    /// Blocks, and clusters within them.
    Blocks(&'a Name, Option<&'a Name>),
}

impl Wanted<'_> {
    fn names(&self) -> Vec<Name> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Clusters(name) => vec![(*name).clone()],
            Self::Blocks(blocks, clusters) => {
                [Some(*blocks), *clusters].into_iter().flatten().cloned().collect()
            }
            Self::Random(term) => {
                let name = |(text, span): &(String, _)| Name { text: text.clone(), span: *span };
                term.grouping.iter().map(name).collect()
            }
        }
    }
}

/// Resolves the names of a model at the rows of a level, chooses the level to which rows are
/// collapsed, and makes the model's columns there.
pub fn model(
    cx: &mut Compiler<'_>,
    formula: &Formula,
    level: LevelId,
    groups: &Wanted<'_>,
    weights: Option<&Name>,
) -> Option<Model> {
    let resolved = resolve(cx, formula, level);
    assemble(cx, resolved, level, groups, weights, None)
}

/// Makes the columns of a model whose formula is resolved; `subset` tells which rows it has.
pub fn assemble(
    cx: &mut Compiler<'_>,
    resolved: Option<Resolved>,
    level: LevelId,
    groups: &Wanted<'_>,
    weights: Option<&Name>,
    subset: Option<NodeId>,
) -> Option<Model> {
    // Each part is resolved before a failure of another is acted on: all errors are told.
    let context = Context::at(level).for_a_name();
    let mut found = |name: &Name| cx.resolve(&name.text, name.span, &context);
    let keys: Vec<Option<NodeId>> = groups.names().iter().map(&mut found).collect();
    let weights = weights.map(&mut found);
    let (resolved, keys) = (resolved?, keys.into_iter().collect::<Option<Vec<NodeId>>>()?);
    let weights = match weights {
        None => None,
        Some(weights) => Some(weights?),
    };
    let mut nodes = resolved.predictors();
    nodes.extend(subset);
    let deepest = |cx: &Compiler<'_>, nodes: &[NodeId]| {
        nodes.iter().fold(LevelId::WHOLE, |l, n| cx.deeper(l, cx.graph.node(*n).level))
    };
    let of_predictors = cx.deeper(deepest(cx, &nodes), deepest(cx, &keys));
    warn_of_copies(cx, &resolved, of_predictors, level);
    warn_of_unused(cx, &resolved);
    let mut all = [nodes.as_slice(), &keys, &[resolved.outcome]].concat();
    all.extend(weights);
    let drops_missing = all.iter().any(|node| cx.missing(*node) > Missing::Never);
    let collapses = weights.is_none() && cx.data.is_none() && of_predictors != level;
    let rows = if collapses { of_predictors } else { level };
    let (outcome, observations) = if collapses {
        collapsed(cx, resolved.outcome, rows, level)
    } else {
        let outcome = cx.column_at(resolved.outcome, level);
        let source = weights.map(|w| Source::Weighted(cx.column_at(w, level)));
        (outcome, source.unwrap_or(Source::Single))
    };
    let found = group_rows(cx, groups, &keys, rows)?;
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
        groups: found.groups,
        blocks: found.blocks,
        subset: subset.map(|s| cx.column_at(s, rows)),
        drops_missing,
        outcome_label: resolved.outcome_label,
    })
}

/// Groups and blocks of a model's rows.
struct Grouped {
    groups: Option<Groups>,
    blocks: Option<Blocks>,
}

/// Sorts the rows of a model into the groups that it wants; `keys` are the nodes of their names.
fn group_rows(
    cx: &mut Compiler<'_>,
    wanted: &Wanted<'_>,
    keys: &[NodeId],
    rows: LevelId,
) -> Option<Grouped> {
    let names = wanted.names();
    let is_level = |cx: &Compiler<'_>, name: &Name| match cx.binding(&name.text) {
        Some(Binding::Level(level)) => cx.is_above(level, rows),
        _ => false,
    };
    let by_values = |cx: &mut Compiler<'_>, keys: &[NodeId]| {
        let keys = keys.iter().map(|k| cx.column_at(*k, rows)).collect();
        cx.grouping(rows, keys)
    };
    let (groups, blocks) = match (wanted, names.as_slice()) {
        (_, []) => (None, None),
        (Wanted::Blocks(_, clusters), _) => {
            let code = cx.column_at(keys[0], rows);
            let split = match (clusters, keys) {
                (Some(clusters), [blocks, cluster]) => {
                    let nested = names.iter().all(|name| is_level(cx, name));
                    let above = cx.graph.node(*blocks).level;
                    let below = cx.graph.node(*cluster).level;
                    if nested && !cx.is_above(above, below) {
                        cx.report(blocks_within_clusters(&names[0], clusters));
                        return None;
                    }
                    (!nested).then(|| by_values(cx, &keys[1..]))
                }
                _ => None,
            };
            let runs = names.iter().all(|name| is_level(cx, name));
            let groups = match (runs, names.last()) {
                (true, Some(finest)) => cx.groups(finest, rows)?,
                _ => Groups::Values(by_values(cx, keys)),
            };
            (Some(groups), Some(Blocks { code, clusters: split }))
        }
        (_, [name]) => (Some(cx.groups(name, rows)?), None),
        _ => (Some(Groups::Values(by_values(cx, keys))), None),
    };
    Some(Grouped { groups, blocks })
}

/// The error for blocks that lie within clusters.
fn blocks_within_clusters(blocks: &Name, clusters: &Name) -> Diagnostic {
    let message = format!("blocks of level `{}` lie within the clusters", blocks.text);
    Diagnostic::error(blocks.span, message)
        .label("further down than the clusters")
        .related(clusters.span, "the clusters")
        .hint("a block has whole clusters: choose a level above them")
}

/// The outcome collapsed to the level of the predictors.
fn collapsed(
    cx: &mut Compiler<'_>,
    outcome: NodeId,
    rows: LevelId,
    level: LevelId,
) -> (crate::ids::ColumnId, Source) {
    let skips_missing = cx.missing(outcome) > Missing::Never;
    let outcome = cx.column_at(outcome, level);
    if let Some(known) = cx.collapsed.get(&(outcome, rows)) {
        let [mean, count, within] = *known;
        return (mean, Source::Collapsed { count, within });
    }
    let runs = cx.runs_between(rows, level);
    let fixed = cx.runs[runs.idx()];
    let [mean, count, within] = std::array::from_fn(|_| cx.new_column(rows));
    cx.push(Collapse { outcome, rows, runs, fixed, skips_missing, count, mean, within });
    cx.collapsed.insert((outcome, rows), [mean, count, within]);
    (mean, Source::Collapsed { count, within })
}
