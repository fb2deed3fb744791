//! Random effects of a formula: which groups, what varies between them, what they are called.

use std::ops::Range;

use trialrun_lang::{Diagnostic, Formula, RandomTerm};
use trialrun_stats::Failure;
use trialrun_stats::lmm::mixed::{self, Factor, Structure};

use super::build::add_extra;
use super::details::Details;
use super::model::{Model, ModelScratch, Term};
use super::modes::{Grouping, Mode};
use super::slopes::{self, Piece, Slopes};
use crate::compile::ir::NodeId;
use crate::compile::{Compiler, Context};
use crate::ids::LevelId;

/// Most columns that a model may have beside its terms.
pub const COLUMNS_MAX: usize = 64;

/// The random effects of a model.
pub struct RandomEffects {
    /// What varies between which groups; columns are the extra columns of the model.
    pub structure: Structure,
    labels: Vec<Labels>,
    /// Indicators of categories that have to occur: places among the extra columns.
    occurring: Vec<usize>,
}

impl RandomEffects {
    /// Adds the random effects of a formula to a model; reports why that can not be.
    pub fn add(
        cx: &mut Compiler<'_>,
        model: &mut Model,
        formula: &Formula,
        effects: Vec<Effects>,
    ) -> Option<Self> {
        let (mut structure, mut labels) = (Structure::default(), Vec::new());
        let mut occurring = Vec::new();
        for (term, effects) in formula.random.iter().zip(effects) {
            let indicators = effects.slopes.occurring.iter();
            occurring.extend(indicators.map(|node| add_extra(cx, model, *node)));
            add_term(cx, model, term, effects, &mut structure, &mut labels);
        }
        if model.extras.len() > COLUMNS_MAX {
            let error = Diagnostic::error(formula.span, "the random effects are too many")
                .label(format!("{} columns, more than {COLUMNS_MAX}", model.extras.len()));
            cx.report(error);
            return None;
        }
        Some(Self { structure, labels, occurring })
    }

    /// Whether each category that effects are for has a row.
    ///
    /// # Errors
    /// `EmptyCategory`.
    pub fn check(&self, columns: &[&[f64]]) -> Result<(), Failure> {
        let occurs = |column: &usize| columns[*column].iter().any(|v| *v != 0.0);
        if self.occurring.iter().all(occurs) { Ok(()) } else { Err(Failure::EmptyCategory) }
    }

    /// Where the variables of a model's terms stand among the columns of the random effects; adds
    /// what the columns have beside them.
    pub fn moves(&self, cx: &mut Compiler<'_>, model: &mut Model) -> Vec<Move> {
        let mut moves = Vec::new();
        let pieces = self.labels.iter().flat_map(|labels| &labels.pieces);
        for (effect, pieces) in pieces.enumerate() {
            for piece in pieces {
                let is_own = |term: &Term| term.variable() == Some(&piece.label);
                let Some(term) = model.terms.iter().position(is_own) else { continue };
                let rest = piece.rest.map(|node| add_extra(cx, model, node));
                moves.push(Move { term, effect, code: piece.code, rest });
            }
        }
        moves
    }

    /// What an effect of a factor is called: `x by class`.
    pub fn label(&self, factor: usize, effect: usize) -> String {
        let labels = &self.labels[factor];
        format!("{} by {}", labels.effects[effect], labels.grouping.label)
    }

    /// Names the conditional modes of all factors; `columns` are the extra columns, `sets` the
    /// plan's sets of labels.
    pub fn name(
        &self,
        found: &[mixed::Modes],
        columns: &[&[f64]],
        sets: &[Vec<String>],
    ) -> Vec<Mode> {
        let each = found.iter().zip(&self.labels);
        each.flat_map(|(one, labels)| labels.grouping.name(one, &labels.effects, columns, sets))
            .collect()
    }

    /// What the correlation of two effects of a factor is called.
    pub fn pair_label(&self, factor: usize, [a, b]: [usize; 2]) -> String {
        let Labels { effects, grouping, .. } = &self.labels[factor];
        format!("correlation of {} and {} by {}", effects[a], effects[b], grouping.label)
    }

    /// Writes standard deviations and correlations, from the covariances of all factors over the
    /// square of `unit`.
    pub fn report(&self, covariances: &[f64], unit: f64, details: &mut Details) {
        let mut start = 0;
        for (factor, labels) in self.structure.factors.iter().zip(&self.labels) {
            let r = factor.effects.len();
            let own = &covariances[start..start + r * r];
            start += r * r;
            let sd = |i: usize| own[i * r + i].sqrt() * unit;
            for i in 0..r {
                let label = labels.effects[i].clone();
                details.random_effects.push((labels.grouping.label.clone(), label, sd(i)));
            }
            for [i, j] in factor.blocks.iter().flat_map(pairs) {
                let both = (own[i * r + i] * own[j * r + j]).sqrt();
                if both > 0.0 {
                    let names = [i, j].map(|e| labels.effects[e].clone());
                    let correlation = own[i * r + j] / both;
                    let group = labels.grouping.label.clone();
                    details.correlations.push((group, names, correlation));
                }
            }
        }
    }
}

/// The pairs of effects that a block correlates, the later effect first.
pub fn pairs(block: &Range<usize>) -> impl Iterator<Item = [usize; 2]> {
    let start = block.start;
    block.clone().flat_map(move |i| (start..i).map(move |j| [i, j]))
}

/// The variable of a term among the columns of the random effects.
pub struct Move {
    /// The term.
    pub term: usize,
    /// The effect, numbered over all factors.
    pub effect: usize,
    /// The category whose indicator stands there; none for a number.
    pub code: Option<f64>,
    /// The product of what the column has beside it: a place among the extra columns.
    pub rest: Option<usize>,
}

/// The extra columns of a model at the rows that it prepared.
pub fn columns<'w>(
    model: &Model,
    scratch: &'w ModelScratch,
    columns: &'w [Vec<f64>],
    n: usize,
) -> [&'w [f64]; COLUMNS_MAX] {
    let mut all = [&[][..]; COLUMNS_MAX];
    for (i, extra) in all.iter_mut().enumerate().take(model.extras.len()) {
        *extra = model.extra(scratch, columns, i, n);
    }
    all
}

/// Refuses a formula without random effects.
pub fn required(cx: &mut Compiler<'_>, formula: &Formula, instead: &str) -> Option<()> {
    if !formula.random.is_empty() {
        return Some(());
    }
    let error = Diagnostic::error(formula.span, "this model has no random effect")
        .label("can not be fitted")
        .hint(format!("add one, such as `(1 | class)`, or use `{instead}`"));
    cx.report(error);
    None
}

/// Finds the nodes of the random effects of a formula; reports what is wrong with them.
pub fn resolve_all(
    cx: &mut Compiler<'_>,
    formula: &Formula,
    level: LevelId,
) -> Option<Vec<Effects>> {
    let found: Vec<Option<Effects>> =
        formula.random.iter().map(|term| resolve_effects(cx, term, level)).collect();
    let found: Vec<Effects> = found.into_iter().collect::<Option<_>>()?;
    let slopes: Vec<&Slopes> = found.iter().map(|effects| &effects.slopes).collect();
    slopes::no_sum_twice(cx, formula, &slopes)?;
    Some(found)
}

/// A random effect whose names are resolved.
pub struct Effects {
    keys: Vec<NodeId>,
    slopes: Slopes,
}

/// What the random effects of a factor are called.
struct Labels {
    /// The names of the groups, sorted: what makes two factors one.
    names: Vec<String>,
    grouping: Grouping,
    effects: Vec<String>,
    /// What the column of each effect is a product of; nothing for an intercept.
    pieces: Vec<Vec<Piece>>,
}

/// Finds the nodes of a random effect; reports what is wrong with it.
fn resolve_effects(cx: &mut Compiler<'_>, term: &RandomTerm, level: LevelId) -> Option<Effects> {
    let (keys, slopes) = (keys(cx, term, level), slopes::resolve(cx, term, level));
    Some(Effects { keys: keys?, slopes: slopes? })
}

/// The grouping of a random effect; its keys become extra columns of the model.
pub fn grouping(
    cx: &mut Compiler<'_>,
    model: &mut Model,
    term: &RandomTerm,
    keys: &[NodeId],
) -> Grouping {
    let key = |node: &NodeId| (add_extra(cx, model, *node), cx.labels_of(*node));
    Grouping { keys: keys.iter().map(key).collect(), label: term.grouping_label() }
}

/// Finds the keys of a random effect; reports what is wrong with them.
pub fn keys(cx: &mut Compiler<'_>, term: &RandomTerm, level: LevelId) -> Option<Vec<NodeId>> {
    let named = Context::at(level).for_a_name();
    let keys: Vec<Option<NodeId>> =
        term.grouping.iter().map(|(name, span)| cx.resolve(name, *span, &named)).collect();
    keys.into_iter().collect()
}

/// Adds a random effect to the structure; effects of the same groups share a factor.
fn add_term(
    cx: &mut Compiler<'_>,
    model: &mut Model,
    term: &RandomTerm,
    effects: Effects,
    structure: &mut Structure,
    labels: &mut Vec<Labels>,
) {
    let mut names: Vec<String> = term.grouping.iter().map(|(name, _)| name.clone()).collect();
    names.sort_unstable();
    let at = labels.iter().position(|l| l.names == names).unwrap_or(labels.len());
    if at == labels.len() {
        let grouping = grouping(cx, model, term, &effects.keys);
        let keys = grouping.keys.iter().map(|(key, _)| *key).collect();
        structure.factors.push(Factor { keys, effects: Vec::new(), blocks: Vec::new() });
        labels.push(Labels { names, grouping, effects: Vec::new(), pieces: Vec::new() });
    }
    let (factor, labels) = (&mut structure.factors[at], &mut labels[at]);
    let start = factor.effects.len();
    if term.intercept {
        factor.effects.push(None);
        labels.effects.push("(Intercept)".to_string());
        labels.pieces.push(Vec::new());
    }
    for column in effects.slopes.columns {
        factor.effects.push(Some(add_extra(cx, model, column.node)));
        labels.effects.push(column.label);
        labels.pieces.push(column.pieces);
    }
    let end = factor.effects.len();
    if term.correlated {
        factor.blocks.push(start..end);
    } else {
        factor.blocks.extend((start..end).map(|e| e..e + 1));
    }
}
