//! Average marginal effects of a model's variables: how each variable changes the predictors.

use trialrun_lang::{ExprKind, Factor, Formula};
use trialrun_stats::Failure;
use trialrun_stats::glm::{self, Change, Data, Effects};

use super::estimation::{Coef, Target};
use super::model::{Model, ModelScratch, Term};
use super::resolve::terms_given;
use crate::compile::Compiler;
use crate::exec::workspace::grow;

/// On which scale results are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Coefficients.
    Link,
    /// Average marginal effects.
    Response,
}

/// The scales, by name.
pub const SCALES: &[(&str, Scale)] = &[("Link", Scale::Link), ("Response", Scale::Response)];

/// How the variable of a term changes.
pub enum Way {
    /// The term is an interaction: it has no variable of its own.
    Interaction,
    /// The term is the only one with its variable.
    Alone,
    /// The variable is categorical, and stands in other terms as well.
    Category,
    /// The variable is a number that stands in other terms as well.
    Number { low: Vec<Term>, high: Vec<Term>, value: usize },
    /// The variable also stands within another expression.
    Entangled(String),
}

/// How the variable of each term changes.
pub fn ways(cx: &mut Compiler<'_>, formula: &Formula, model: &mut Model) -> Option<Vec<Way>> {
    let mut ways = Vec::new();
    for term in &formula.terms {
        let [own] = term.factors.as_slice() else {
            ways.push(Way::Interaction);
            continue;
        };
        let others = || formula.terms.iter().flat_map(|t| &t.factors);
        let random = || formula.random.iter().flat_map(|r| &r.slopes).flat_map(|t| &t.factors);
        let name = match &own.expr.kind {
            ExprKind::Name(name) => Some(name.as_str()),
            _ => None,
        };
        let stands_in =
            |f: &&Factor| f.label != own.label && name.is_some_and(|name| f.expr.mentions(name));
        let entangled = others().chain(random()).find(stands_in);
        let shared = others().filter(|f| f.label == own.label).count() > 1;
        let t = ways.len();
        let is_category = model.terms[t].numeric.is_none();
        ways.push(match (entangled, name) {
            (Some(other), _) => Way::Entangled(other.label.clone()),
            (None, _) if !shared => Way::Alone,
            (None, _) if is_category => Way::Category,
            (None, None) => Way::Entangled(own.label.clone()),
            (None, Some(name)) => {
                let low = terms_given(cx, formula, model.rows, name, 0.0)?;
                let high = terms_given(cx, formula, model.rows, name, 1.0)?;
                model.extras.extend(model.terms[t].numeric);
                Way::Number { low, high, value: model.extras.len() - 1 }
            }
        });
    }
    Some(ways)
}

/// The rows that a fit was made to.
pub struct At<'a> {
    /// The model.
    pub model: &'a Model,
    /// What it prepared.
    pub scratch: &'a ModelScratch,
    /// The columns of the workspace.
    pub columns: &'a [Vec<f64>],
    /// The rows.
    pub data: &'a Data<'a>,
    /// Their number.
    pub n: usize,
}

/// What changes: the variable of a term, from one value to another. They are zero and one for a
/// number, and the codes of two categories.
pub struct Moved {
    /// The term.
    pub term: usize,
    /// The values.
    pub values: [f64; 2],
}

/// Scratch space, one a thread.
#[derive(Default)]
pub struct Scratch {
    /// The effects of the last fit.
    pub found: Effects,
    /// Predictors before and after a change.
    ends: [Vec<f64>; 2],
}

impl Scratch {
    /// Finds the effects of the columns that are wanted, as targets or in combinations; `average`
    /// finds one, for the change of the predictors, and writes its gradient.
    pub fn find(
        &mut self,
        ways: &[Way],
        at: &At<'_>,
        n_gradient: usize,
        mut average: impl FnMut(&Change, &Moved, &mut [f64]) -> Result<f64, Failure>,
    ) {
        let Self { found, ends } = self;
        found.begin(at.scratch.starts.last().copied().unwrap_or(0), n_gradient);
        let mut find = |column: usize| {
            found.find(column, |gradient| {
                effect(ways, at, column, ends, |change, moved| average(change, moved, gradient))
            });
        };
        at.scratch.targets.iter().for_each(|column| find(*column));
        for factors in at.scratch.wanted_contrasts() {
            let used = factors.iter().enumerate().filter(|(_, factor)| **factor != 0.0);
            used.for_each(|(column, _)| find(column));
        }
    }

    /// Hands over the effects of the targets, and then the combinations of effects; `by_delta` adds
    /// the error to an estimate with its gradient.
    pub fn give(
        &mut self,
        wanted: &ModelScratch,
        mut by_delta: impl FnMut(f64, &[f64]) -> Result<glm::Coefficient, Failure>,
        give: &mut dyn FnMut(usize, Result<Coef, Failure>),
    ) {
        let mut with_error = |found: Result<(f64, &[f64]), Failure>| {
            let (estimate, gradient) = found?;
            by_delta(estimate, gradient).map(Coef::from)
        };
        for (i, column) in wanted.targets.iter().enumerate() {
            give(i, with_error(self.found.combine(std::iter::once((*column, 1.0)))));
        }
        for (i, factors) in wanted.wanted_contrasts().enumerate() {
            let factors = factors.iter().copied().enumerate();
            give(wanted.targets.len() + i, with_error(self.found.combine(factors)));
        }
    }

    /// Which of `n` coefficients have an effect, and the variance matrix of these, which `vcov`
    /// makes of their gradients.
    pub fn variances(
        &self,
        n: usize,
        vcov: impl FnOnce(&[&[f64]]) -> Vec<f64>,
    ) -> (Vec<bool>, Vec<f64>) {
        let (places, gradients): (Vec<usize>, Vec<&[f64]>) = self.found.gradients().unzip();
        ((0..n).map(|j| places.contains(&j)).collect(), vcov(&gradients))
    }
}

/// The average marginal effect of the variable of a column, which `average` finds for the change
/// of the predictors.
///
/// # Errors
/// `NoMarginalEffect` for an intercept or an interaction; what `average` reports.
fn effect(
    ways: &[Way],
    at: &At<'_>,
    column: usize,
    ends: &mut [Vec<f64>; 2],
    average: impl FnOnce(&Change, &Moved) -> Result<f64, Failure>,
) -> Result<f64, Failure> {
    let At { model, scratch, columns, data, n } = at;
    let [low, high] = ends;
    let starts = &scratch.starts;
    let term = starts.iter().rposition(|s| *s <= column).ok_or(Failure::NoMarginalEffect)?;
    let way = ways.get(term).ok_or(Failure::NoMarginalEffect)?;
    let values = match model.terms[term].factors.first() {
        Some(factor) if model.terms[term].numeric.is_none() => {
            let codes = model.categories(scratch, term);
            [codes[0], codes[column - starts[term] + usize::from(!factor.full)]]
        }
        _ => [0.0, 1.0],
    };
    let change = match way {
        Way::Interaction | Way::Entangled(_) => return Err(Failure::NoMarginalEffect),
        Way::Alone if model.terms[term].numeric.is_some() => Change::Number { column },
        Way::Alone => {
            let (first, end) = (starts[term], starts[term + 1]);
            let base = model.terms[term].factors[0].full.then_some(first);
            Change::Category { first, end, base, column }
        }
        Way::Category | Way::Number { .. } => {
            grow(low, data.x.len());
            grow(high, data.x.len());
            let value = match way {
                Way::Number { low: terms, high: other, value } => {
                    model.fill(terms, None, columns, scratch, *n, low);
                    model.fill(other, None, columns, scratch, *n, high);
                    Some(model.extra(scratch, columns, *value, *n))
                }
                _ => {
                    let factor = &model.terms[term].factors[0];
                    for (code, out) in values.into_iter().zip([&mut *low, &mut *high]) {
                        let forced = Some((factor.label.as_str(), code));
                        model.fill(&model.terms, forced, columns, scratch, *n, out);
                    }
                    None
                }
            };
            Change::Rows { low, high, value }
        }
    };
    average(&change, &Moved { term, values })
}

/// Why a coefficient has no average marginal effect, if it has none.
pub fn refuses(ways: &[Way], model: &Model, target: &Target) -> Option<String> {
    let Some(term) = target.term else {
        return Some("the intercept has no average marginal effect".to_string());
    };
    match &ways[term] {
        Way::Interaction => {
            Some("an interaction has no average marginal effect of its own".to_string())
        }
        Way::Entangled(other) => {
            let label = model.terms[term].variable().map_or("", String::as_str);
            Some(format!("`{label}` has no marginal effect: it also enters through `{other}`"))
        }
        _ => None,
    }
}
