//! Mixed models with any random effects: from the formula to the structure that is fitted.

use trialrun_lang::{Diagnostic, Formula, RandomTerm};
use trialrun_stats::lmm::Method;
use trialrun_stats::lmm::mixed::{self, Data, Df, Factor, Structure};
use trialrun_stats::{Failure, Observations};

use super::build::{self, add_extra};
use super::estimation::{Coef, Details, Fit, Fitted};
use super::model::{Model, ModelScratch};
use super::resolve::{self, Resolved};
use crate::compile::ir::NodeId;
use crate::compile::{Compiler, Context};
use crate::declared::{Name, Scalar};
use crate::exec::Workspace;
use crate::functions::Fun;
use crate::ids::LevelId;

/// Most columns that random effects may have.
const COLUMNS_MAX: usize = 64;

/// What is wanted of a mixed model.
pub struct Wanted<'a> {
    /// REML or ML.
    pub method: Method,
    /// Degrees of freedom.
    pub df: Df,
    /// Prior weights.
    pub weights: Option<&'a Name>,
    /// A known part of the outcome.
    pub offset: Option<&'a Scalar>,
}

impl Wanted<'_> {
    /// The model on the units of a level, and how it is fitted.
    pub(crate) fn compile(
        &self,
        cx: &mut Compiler<'_>,
        formula: &Formula,
        level: LevelId,
    ) -> Option<(Model, Box<dyn Fit>)> {
        if formula.random.is_empty() {
            let error = Diagnostic::error(formula.span, "this model has no random effect")
                .label("can not be fitted")
                .hint("add one, such as `(1 | class)`, or use `LmRobust`");
            cx.report(error);
            return None;
        }
        let resolved = resolve::resolve(cx, formula, level).map(Resolved::with_every_row);
        let nothing = build::Wanted::Nothing;
        let beside = build::Beside { weights: self.weights, ..build::Beside::default() };
        let model = build::assemble(cx, resolved, level, &nothing, beside);
        let effects: Vec<Option<Effects>> =
            formula.random.iter().map(|term| resolve_effects(cx, term, level)).collect();
        let offset = self.offset.map(|offset| resolve::offset(cx, offset, level));
        let (mut model, effects) = (model?, effects.into_iter().collect::<Option<Vec<_>>>()?);
        let offset = match offset {
            None => None,
            Some(node) => Some(add_extra(cx, &mut model, node?)),
        };
        let mut structure = Structure::default();
        let mut labels: Vec<Labels> = Vec::new();
        for (term, effects) in formula.random.iter().zip(effects) {
            add_term(cx, &mut model, term, &effects, &mut structure, &mut labels);
        }
        if model.extras.len() > COLUMNS_MAX {
            let error = Diagnostic::error(formula.span, "the random effects are too many")
                .label(format!("{} columns, more than {COLUMNS_MAX}", model.extras.len()));
            cx.report(error);
            return None;
        }
        let fit = MixedFit { method: self.method, df: self.df, structure, labels, offset };
        Some((model, Box::new(fit)))
    }
}

/// A random effect whose names are resolved.
struct Effects {
    keys: Vec<NodeId>,
    slopes: Vec<NodeId>,
}

/// What the random effects of a factor are called.
struct Labels {
    /// The names of the groups, sorted: what makes two factors one.
    names: Vec<String>,
    group: String,
    effects: Vec<String>,
}

/// Finds the nodes of a random effect; reports what is wrong with it.
fn resolve_effects(cx: &mut Compiler<'_>, term: &RandomTerm, level: LevelId) -> Option<Effects> {
    let named = Context::at(level).for_a_name();
    let keys: Vec<Option<NodeId>> =
        term.grouping.iter().map(|(name, span)| cx.resolve(name, *span, &named)).collect();
    let context = resolve::context(level);
    let mut slopes = Vec::new();
    for slope in &term.slopes {
        let mut product: Option<NodeId> = None;
        for factor in &slope.factors {
            let value = cx.lower(&factor.expr, &context, &mut 0)?;
            if factor.categorical || value.labels.is_some() {
                let label = &factor.label;
                let message = format!("`{label}` is a category, which has no slope");
                let error = Diagnostic::error(slope.span, message).label("not a number");
                let hint = "use indicators: `(1 + I(arm == 'b') | site)`";
                cx.report(error.hint(hint));
                return None;
            }
            product = Some(match product {
                None => value.id,
                Some(so_far) => cx.map(Fun::Mul, vec![so_far, value.id], slope.span),
            });
        }
        slopes.extend(product);
    }
    Some(Effects { keys: keys.into_iter().collect::<Option<_>>()?, slopes })
}

/// Adds a random effect to the structure; effects of the same groups share a factor.
fn add_term(
    cx: &mut Compiler<'_>,
    model: &mut Model,
    term: &RandomTerm,
    effects: &Effects,
    structure: &mut Structure,
    labels: &mut Vec<Labels>,
) {
    let mut names: Vec<String> = term.grouping.iter().map(|(name, _)| name.clone()).collect();
    names.sort_unstable();
    let at = labels.iter().position(|l| l.names == names).unwrap_or(labels.len());
    if at == labels.len() {
        let keys = effects.keys.iter().map(|key| add_extra(cx, model, *key)).collect();
        structure.factors.push(Factor { keys, effects: Vec::new(), blocks: Vec::new() });
        labels.push(Labels { names, group: term.grouping_label(), effects: Vec::new() });
    }
    let (factor, labels) = (&mut structure.factors[at], &mut labels[at]);
    let start = factor.effects.len();
    if term.intercept {
        factor.effects.push(None);
        labels.effects.push("(Intercept)".to_string());
    }
    for (node, slope) in effects.slopes.iter().zip(&term.slopes) {
        factor.effects.push(Some(add_extra(cx, model, *node)));
        labels.effects.push(slope.label());
    }
    let end = factor.effects.len();
    if term.correlated {
        factor.blocks.push(start..end);
    } else {
        factor.blocks.extend((start..end).map(|e| e..e + 1));
    }
}

/// Scratch space of fits.
#[derive(Default)]
pub struct MixedScratch {
    fit: mixed::Scratch,
    buffer: Vec<f64>,
}

/// The fit.
struct MixedFit {
    method: Method,
    df: Df,
    structure: Structure,
    labels: Vec<Labels>,
    /// Its place among the extra columns.
    offset: Option<usize>,
}

impl MixedFit {
    /// Fits, and hands the fit to `use_fit`.
    fn with_fit<T, F>(&self, model: &Model, ws: &mut Workspace, use_fit: F) -> Result<T, Failure>
    where
        F: FnOnce(&mut mixed::Fit<'_>, &ModelScratch, &mut Vec<f64>) -> Result<T, Failure>,
    {
        let n = ws.size(model.rows);
        let Workspace { columns, runs, model: scratch, mixed, .. } = ws;
        let rows = model.rows(scratch, columns, runs, n);
        let weights = match rows.observations {
            Observations::Weighted(weights) => Some(weights),
            Observations::Single | Observations::Collapsed { .. } => None,
        };
        let mut extras = [&[][..]; COLUMNS_MAX];
        for (i, extra) in extras.iter_mut().enumerate().take(model.extras.len()) {
            *extra = model.extra(scratch, columns, i, n);
        }
        let offset = self.offset.map(|i| extras[i]);
        let data = Data { x: rows.x, y: rows.y, weights, offset, columns: &extras };
        let mut fit = mixed::fit(&data, &self.structure, self.method, &mut mixed.fit)?;
        fit.prepare(self.df, &data, &self.structure)?;
        use_fit(&mut fit, scratch, &mut mixed.buffer)
    }
}

impl Fit for MixedFit {
    fn fit(
        &self,
        model: &Model,
        ws: &mut Workspace,
        give: &mut dyn FnMut(usize, Result<Coef, Failure>),
    ) -> Result<Fitted, Failure> {
        self.with_fit(model, ws, |fit, scratch, buffer| {
            for (i, &column) in scratch.targets.iter().enumerate() {
                let coef = fit.coefficient(column, self.df, buffer);
                let all = |c: mixed::Coefficient| Coef {
                    estimate: c.estimate,
                    std_error: c.std_error,
                    df: c.df,
                };
                give(i, coef.map(all));
            }
            Ok(Fitted { n_obs: fit.n_obs(), boundary: fit.is_boundary() })
        })
    }

    fn details(&self, model: &Model, ws: &mut Workspace) -> Result<Details, Failure> {
        self.with_fit(model, ws, |fit, _, _| {
            let criterion = match self.method {
                Method::Reml => ("reml_criterion", fit.criterion()),
                Method::Ml => ("deviance", fit.criterion()),
            };
            let numbers = vec![
                ("sigma", fit.sigma()),
                criterion,
                ("log_likelihood", fit.log_likelihood()),
                ("aic", fit.aic()),
                ("bic", fit.bic()),
                ("rank", fit.rank() as f64),
            ];
            let mut details = Details { numbers, ..Details::default() };
            let covariances = fit.covariances(&self.structure);
            let mut start = 0;
            for (factor, labels) in self.structure.factors.iter().zip(&self.labels) {
                let r = factor.effects.len();
                let own = &covariances[start..start + r * r];
                start += r * r;
                let sd = |i: usize| own[i * r + i].sqrt() * fit.sigma();
                for i in 0..r {
                    let label = labels.effects[i].clone();
                    details.random_effects.push((labels.group.clone(), label, sd(i)));
                }
                let pairs = factor.blocks.iter().flat_map(|block| {
                    block.clone().flat_map(|i| (block.start..i).map(move |j| (i, j)))
                });
                for (i, j) in pairs {
                    let both = (own[i * r + i] * own[j * r + j]).sqrt();
                    if both > 0.0 {
                        let names = [i, j].map(|e| labels.effects[e].clone());
                        let correlation = own[i * r + j] / both;
                        details.correlations.push((labels.group.clone(), names, correlation));
                    }
                }
            }
            (details.kept, details.vcov) = (fit.kept().to_vec(), fit.vcov(self.df));
            Ok(details)
        })
    }
}
