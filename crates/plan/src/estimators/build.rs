//! Resolved formula to model: terms find their level, rows are collapsed and sorted into groups.

use trialrun_lang::{Diagnostic, Formula, RandomTerm};

use super::cells;
use super::collapse::Collapse;
use super::hypotheses::Hypotheses;
use super::model::{Blocks, Model, Source};
use super::outcomes::{Named, Outcome};
use super::resolve::{Collapsing, Resolved, ResolvedTerm, resolve};
use super::shaped::{Instruments, Ways};
use super::warnings::{warn_of_copies, warn_of_unused};
use crate::compile::ir::NodeId;
use crate::compile::{Binding, Compiler, Context, Groups, Missing};
use crate::declared::Name;
use crate::functions::Fun;
use crate::ids::{ColumnId, LevelId};

/// Groups that a model needs: by one name, or by the combinations of several.
pub enum Wanted<'a> {
    /// None.
    Nothing,
    /// Clusters.
    Clusters(&'a Name),
    /// Clusters of several ways.
    Ways(&'a [Name]),
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
            Self::Ways(names) => names.to_vec(),
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
    assemble(cx, resolved, level, groups, Beside { weights, ..Beside::default() })
}

/// What a model has beside its formula and its groups.
#[derive(Default)]
pub struct Beside<'a> {
    /// Weights.
    pub weights: Option<&'a Name>,
    /// Only rows where this is neither zero nor missing.
    pub subset: Option<NodeId>,
    /// Instruments: whether there is an intercept among them, and their terms.
    pub instruments: Option<(bool, Vec<ResolvedTerm>)>,
    /// Fixed effects: levels or variables.
    pub fixed: &'a [Name],
}

/// Makes the columns of a model whose formula is resolved.
pub fn assemble(
    cx: &mut Compiler<'_>,
    resolved: Option<Resolved>,
    level: LevelId,
    groups: &Wanted<'_>,
    beside: Beside<'_>,
) -> Option<Model> {
    // Each part is resolved before a failure of another is acted on: all errors are told.
    let context = Context::at(level).for_a_name();
    let mut found = |name: &Name| cx.resolve(&name.text, name.span, &context);
    let keys: Vec<Option<NodeId>> = groups.names().iter().map(&mut found).collect();
    let weights = beside.weights.map(&mut found);
    let fixed: Vec<Option<NodeId>> = beside.fixed.iter().map(&mut found).collect();
    let (resolved, keys) = (resolved?, keys.into_iter().collect::<Option<Vec<NodeId>>>()?);
    let fixed = fixed.into_iter().collect::<Option<Vec<NodeId>>>()?;
    let weights = match weights {
        None => None,
        Some(weights) => Some(weights?),
    };
    let mut nodes = resolved.predictors();
    let instruments = beside.instruments.iter().flat_map(|(_, terms)| terms);
    nodes.extend(instruments.flat_map(ResolvedTerm::nodes).chain(fixed.iter().copied()));
    let subset = match (cx.subset, beside.subset) {
        (Some(a), Some(b)) => Some(cx.map(Fun::And, vec![a, b], resolved.span)),
        (a, b) => a.or(b),
    };
    nodes.extend(subset);
    let deepest = |cx: &Compiler<'_>, nodes: &[NodeId]| {
        nodes.iter().fold(LevelId::WHOLE, |l, n| cx.deeper(l, cx.graph.node(*n).level))
    };
    let of_predictors = cx.deeper(deepest(cx, &nodes), deepest(cx, &keys));
    warn_of_copies(cx, &resolved, of_predictors, level);
    warn_of_unused(cx, &resolved);
    let mut all = [nodes.as_slice(), &keys, &resolved.of_outcomes()].concat();
    all.extend(weights);
    let drops_missing = all.iter().any(|node| cx.missing(*node) > Missing::Never);
    let sorted = !(keys.is_empty() && fixed.is_empty());
    let predictors = Predictors { nodes: &nodes, level: of_predictors, sorted };
    let (rows, outcomes, observations) = observe(cx, &resolved, &predictors, weights, level);
    let found = group_rows(cx, groups, &keys, rows)?;
    let terms = resolved.terms.into_iter().map(|t| t.stored(cx, rows)).collect();
    let instruments = beside.instruments.map(|(intercept, terms)| Instruments {
        intercept,
        terms: terms.into_iter().map(|t| t.stored(cx, rows)).collect(),
    });
    Some(Model {
        rows,
        intercept: resolved.intercept,
        terms,
        instruments,
        fixed: fixed.into_iter().map(|node| cx.column_at(node, rows)).collect(),
        outcomes,
        observations,
        groups: found.groups,
        blocks: found.blocks,
        ways: found.ways,
        extras: Vec::new(),
        subset: subset.map(|s| cx.column_at(s, rows)),
        drops_missing,
        hypotheses: Hypotheses::default(),
    })
}

/// What the rows of a model may be collapsed by.
struct Predictors<'a> {
    nodes: &'a [NodeId],
    /// Their level, or that of the groups where it is deeper.
    level: LevelId,
    /// Whether rows are sorted by something else than predictors.
    sorted: bool,
}

/// Chooses what a row of a model stands for: the level of the rows, and outcomes and observations.
fn observe(
    cx: &mut Compiler<'_>,
    resolved: &Resolved,
    predictors: &Predictors<'_>,
    weights: Option<NodeId>,
    level: LevelId,
) -> (LevelId, Vec<Outcome>, Source) {
    let Resolved { outcomes, collapsing, .. } = resolved;
    let (nodes, collapsing) = (resolved.of_outcomes(), *collapsing);
    let single = |cx: &mut Compiler<'_>| -> Vec<Outcome> {
        let outcome = |Named { label, node }: &Named| Outcome {
            label: label.clone(),
            column: cx.column_at(*node, level),
            within: None,
        };
        outcomes.iter().map(outcome).collect()
    };
    if let Some(weights) = weights {
        let outcomes = single(cx);
        return (level, outcomes, Source::Weighted(cx.column_at(weights, level)));
    }
    let may_collapse = collapsing != Collapsing::Refused && cx.data.is_none() && !cx.single_rows;
    if may_collapse && predictors.level != level {
        let rows = predictors.level;
        let all: Vec<_> = outcomes.iter().map(|own| collapsed(cx, own, rows, level)).collect();
        // Outcomes are missing in the same rows: the numbers of observations are alike.
        let count = all[0].1;
        let outcomes = all.into_iter().map(|(outcome, _)| outcome).collect();
        return (rows, outcomes, Source::Collapsed { count });
    }
    let may_have_cells = may_collapse && collapsing == Collapsing::Allowed && !predictors.sorted;
    let cells = if may_have_cells {
        cells::of_predictors(cx, predictors.nodes, &nodes, level)
    } else {
        None
    };
    (level, single(cx), cells.map_or(Source::Single, Source::Cells))
}

/// Adds a column that a method needs besides its terms to an uncollapsed model, and returns its
/// place among them. Rows where it is missing are left out.
pub fn add_extra(cx: &mut Compiler<'_>, model: &mut Model, node: NodeId) -> usize {
    model.drops_missing |= cx.missing(node) > Missing::Never;
    let column = cx.column_at(node, model.rows);
    model.extras.iter().position(|known| *known == column).unwrap_or_else(|| {
        model.extras.push(column);
        model.extras.len() - 1
    })
}

/// Groups and blocks of a model's rows.
struct Grouped {
    groups: Option<Groups>,
    blocks: Option<Blocks>,
    ways: Option<Ways>,
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
    if let Wanted::Ways(_) = wanted {
        let keys: Vec<ColumnId> = keys.iter().map(|key| cx.column_at(*key, rows)).collect();
        let combination = |c: usize| {
            let own = keys.iter().enumerate().filter(|(way, _)| c >> way & 1 == 1);
            cx.grouping(rows, own.map(|(_, key)| *key).collect())
        };
        let groupings = (1..1 << keys.len()).map(combination).collect();
        return Some(Grouped { groups: None, blocks: None, ways: Some(Ways { keys, groupings }) });
    }
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
    Some(Grouped { groups, blocks, ways: None })
}

/// The error for blocks that lie within clusters.
fn blocks_within_clusters(blocks: &Name, clusters: &Name) -> Diagnostic {
    let message = format!("blocks of level `{}` lie within the clusters", blocks.text);
    Diagnostic::error(blocks.span, message)
        .label("further down than the clusters")
        .related(clusters.span, "the clusters")
        .hint("a block has whole clusters: choose a level above them")
}

/// An outcome collapsed to the level of the predictors, and the number of its observations.
fn collapsed(
    cx: &mut Compiler<'_>,
    outcome: &Named,
    rows: LevelId,
    level: LevelId,
) -> (Outcome, ColumnId) {
    let skips_missing = cx.missing(outcome.node) > Missing::Never;
    let made =
        |mean, within| Outcome { label: outcome.label.clone(), column: mean, within: Some(within) };
    let outcome = cx.column_at(outcome.node, level);
    if let Some(known) = cx.collapsed.get(&(outcome, rows)) {
        let [mean, count, within] = *known;
        return (made(mean, within), count);
    }
    let runs = cx.runs_between(rows, level);
    let fixed = cx.runs[runs.idx()];
    let [mean, count, within] = std::array::from_fn(|_| cx.new_column(rows));
    cx.push(Collapse { outcome, rows, runs, fixed, skips_missing, count, mean, within });
    cx.collapsed.insert((outcome, rows), [mean, count, within]);
    (made(mean, within), count)
}
