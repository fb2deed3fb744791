//! A generalised linear model, as R's `glm` and `MASS::glm.nb`: logistic regression and its kin.
//!
//! # Fields
//! - `formula`: the model, such as `"voted ~ treatment + age"`. The outcome is 0 or 1 (or a share)
//!   for `Binomial`, a count for `Poisson` and `NegativeBinomial`, above zero for `Gamma`.
//! - `family`: `Binomial` (`link: Logit`, `Probit` or `Cloglog`), `Poisson`, `NegativeBinomial`
//!   (its size is estimated), `Gamma` (`link: Inverse` or `Log`). The first link is the default.
//! - `scale`: `Link` (the default) reports coefficients: log odds ratios and the like. `Response`
//!   reports average marginal effects: differences of probabilities or of mean counts, which is
//!   what an estimand such as `mean(y_z_1 - y_z_0)` is.
//! - `se`: the standard error. Without clusters `classical` (the default), `HC0`, `HC1`, `HC2` or
//!   `HC3`. With clusters `CR0`, `CR1` (the default, with Stata's factor `G / (G - 1)`) or `CR1S`
//!   (times `(n - 1) / (n - k)`, as sandwich's `vcovCL(type = "HC1")`).
//! - `clusters`: a level or a variable.
//! - `weights`: a variable; the log-likelihood of a row counts so many times.
//! - `trials`: a variable; the outcome is the number of successes in so many trials.
//! - `hypotheses`, `joint`: linear hypotheses about coefficients, as for `LmRobust`, with normal
//!   and chi-squared statistics (t and F with `Gamma`). With `scale: Response` they are about
//!   average marginal effects: a term stands for its effect, as in `["armb - armc = 0"]`.
//! - `offset`: an expression that is added to the linear predictor, such as `"log(exposure)"`.
//!
//! # Formula
//! `link(E y) = Xb + offset`; `b` maximises the likelihood. Robust variances are `B M B`, `B` the
//! inverse of the expected information and `M` a sum of squared scores. The average marginal
//! effect of a variable with values 0 and 1, or of a category, is the average over the rows of the
//! fitted mean with the variable at 1 less that at 0, also where it stands in interactions; that
//! of another number is the average derivative. Its error is that of the delta method, and so is
//! that of a combination of effects, by the combination of their gradients.
//! Statistics are normal; with `Gamma`, whose dispersion is estimated, t with `n - k` degrees of
//! freedom. A negative binomial fit without overdispersion ends at Poisson's: a success, counted
//! as `boundary`.
//!
//! # When it fails
//! `separation` where the predictors separate successes from failures, so that there is no
//! estimate: the fit is counted, and no huge number slips into a mean. `outcome_not_allowed` for
//! an outcome outside the family.
//!
//! # Example
//! ```ron
//! Estimator(label: "Logistic", estimand: ate, term: treatment,
//!     method: Glm(formula: "voted ~ treatment + age", family: Binomial(link: Logit),
//!         scale: Response, clusters: village)),
//! ```
//!
//! # References
//! McCullagh and Nelder 1989, Generalized Linear Models. Albert and Anderson 1984, Biometrika 71:1
//! (separation). Zeileis, Koell and Graham 2020, Journal of Statistical Software 95(1). Freedman
//! 2008, Statistical Science 23:237 (what logistic regression estimates in experiments).

use trialrun_lang::Diagnostic;
use trialrun_stats::Failure;
use trialrun_stats::glm::{self, Data, Family, Variance};

use super::Declared;
use super::build::{self, Beside, Wanted};
use super::details::{Details, Joint};
use super::effects::{self, At, SCALES, Scale, Way};
use super::estimation::{Coef, Fit, Fitted, Target};
use super::family::{describe_family, read_family};
use super::hypotheses::Hypotheses;
use super::model::{Model, ModelScratch};
use super::resolve::{self, Resolved};
use super::robust::Choices;
use crate::compile::ir::NodeId;
use crate::compile::{Compiler, Context};
use crate::declared::{Fields, Name, Reader, Scalar, Text};
use crate::exec::Workspace;
use crate::ids::LevelId;

/// A generalised linear model, as declared.
#[derive(Clone, Debug)]
pub struct Glm {
    formula: Text,
    family: Family,
    scale: Scale,
    se: Variance,
    clusters: Option<Name>,
    weights: Option<Name>,
    trials: Option<Name>,
    offset: Option<Scalar>,
    hypotheses: Hypotheses,
}

/// The standard errors.
const SE: Choices<Variance> = Choices {
    names: &[
        ("classical", Variance::Classical),
        ("HC0", Variance::Hc0),
        ("HC1", Variance::Hc1),
        ("HC2", Variance::Hc2),
        ("HC3", Variance::Hc3),
        ("CR0", Variance::Cr0),
        ("CR1", Variance::Cr1),
        ("CR1S", Variance::Cr1s),
    ],
    by_default: [Variance::Classical, Variance::Cr1],
    of_ways: &[],
    is_clustered: Variance::is_clustered,
    hint: "use `CR1`, `CR0` or `CR1S`",
};

impl Declared for Glm {
    fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let formula = f.required(r, "formula", Reader::text);
        let family = f.required(r, "family", read_family);
        let scale = f.take(r, "scale").map_or(Some(Scale::Link), |node| r.choice(node, SCALES));
        let choice = SE.read(r, f);
        let weights = f.optional(r, "weights", Reader::identifier);
        let trials_node = f.take(r, "trials");
        let trials = trials_node.and_then(|node| r.identifier(node));
        let offset = f.optional(r, "offset", Reader::scalar);
        let hypotheses = Hypotheses::read(r, f);
        if let (Some(node), Some(family)) = (trials_node, family)
            && !family.is_binomial()
        {
            let error = Diagnostic::error(node.span, "only `Binomial` outcomes have trials");
            let hint = "for a rate, give its exposure as `offset: \"log(exposure)\"`";
            r.error(error.label("no trials in this family").hint(hint));
            return None;
        }
        let (formula, family, scale) = (formula?, family?, scale?);
        let ((se, clusters), hypotheses) = (choice?, hypotheses?);
        let clusters = clusters.into_iter().next();
        Some(Self { formula, family, scale, se, clusters, weights, trials, offset, hypotheses })
    }

    fn compile(&self, cx: &mut Compiler<'_>, level: LevelId) -> Option<(Model, Box<dyn Fit>)> {
        let formula = resolve::parse(cx, &self.formula)?;
        resolve::no_random_effects(cx, &formula, "Glm")?;
        resolve::no_instruments(cx, &formula, "Glm")?;
        let groups = self.clusters.as_ref().map_or(Wanted::Nothing, Wanted::Clusters);
        let resolved = resolve::resolve(cx, &formula, level).map(Resolved::with_every_row);
        let model = build::assemble(cx, resolved, level, &groups, Beside::default());
        let context = Context::at(level).for_a_name();
        let name = |cx: &mut Compiler<'_>, n: &Name| cx.resolve(&n.text, n.span, &context);
        let weights = self.weights.as_ref().map(|w| name(cx, w));
        let trials = self.trials.as_ref().map(|t| name(cx, t));
        let offset = self.offset.as_ref().map(|offset| resolve::offset(cx, offset, level));
        let mut model = model?;
        let mut extra = |node: Option<Option<NodeId>>| match node {
            None => Some(None),
            Some(node) => Some(Some(build::add_extra(cx, &mut model, node?))),
        };
        let (weights, trials, offset) = (extra(weights)?, extra(trials)?, extra(offset)?);
        let ways = match self.scale {
            Scale::Link => Vec::new(),
            Scale::Response => effects::ways(cx, &formula, &mut model)?,
        };
        let (family, variance, scale) = (self.family, self.se, self.scale);
        let fit = GlmFit { family, variance, scale, weights, trials, offset, ways };
        Some((model.with_hypotheses(&self.hypotheses), Box::new(fit)))
    }

    fn describe(&self) -> String {
        let se = SE.describe(self.se, self.clusters.as_slice());
        let what = match self.scale {
            Scale::Link => "",
            Scale::Response => "average marginal effects in ",
        };
        let family = describe_family(self.family);
        let formula = &self.formula.text;
        format!("{what}the model `{formula}` ({family}) with {se}")
    }
}

/// Scratch space of fits and of changed predictors.
#[derive(Default)]
pub struct GlmScratch {
    fit: glm::Scratch,
    work: Vec<f64>,
    effects: effects::Scratch,
}

/// The fit.
struct GlmFit {
    family: Family,
    variance: Variance,
    scale: Scale,
    /// Places among the extra columns.
    weights: Option<usize>,
    trials: Option<usize>,
    offset: Option<usize>,
    /// How the variable of each term changes; empty on the link scale.
    ways: Vec<Way>,
}

impl GlmFit {
    fn data<'w>(
        &self,
        model: &Model,
        scratch: &'w ModelScratch,
        columns: &'w [Vec<f64>],
        runs: &'w [Vec<u32>],
        n: usize,
    ) -> Data<'w> {
        let rows = model.rows(scratch, columns, runs, n);
        let extra = |i: Option<usize>| i.map(|i| model.extra(scratch, columns, i, n));
        let (weights, trials) = (extra(self.weights), extra(self.trials));
        let offset = extra(self.offset);
        Data { x: rows.x, y: rows.y, weights, trials, offset, groups: rows.groups }
    }

    /// Finds the average marginal effects that are wanted.
    fn find_effects(
        &self,
        fit: &glm::Fit<'_>,
        at: &At<'_>,
        effects: &mut effects::Scratch,
        work: &mut Vec<f64>,
    ) {
        effects.find(&self.ways, at, fit.kept().len(), |change, _, gradient| {
            fit.effect(change, at.data, gradient, work)
        });
    }
}

impl Fit for GlmFit {
    fn fit(
        &self,
        model: &Model,
        ws: &mut Workspace,
        give: &mut dyn FnMut(usize, Result<Coef, Failure>),
    ) -> Result<Fitted, Failure> {
        let n = ws.size(model.rows);
        let Workspace { columns, runs, model: scratch, glm, .. } = ws;
        let data = self.data(model, scratch, columns, runs, n);
        let n = data.y.len();
        let GlmScratch { fit, work, effects } = glm;
        let fit = glm::fit(&data, self.family, self.variance, fit)?;
        match self.scale {
            Scale::Link => {
                for (i, &column) in scratch.targets.iter().enumerate() {
                    give(i, fit.coefficient(column, work).map(Coef::from));
                }
                for (i, factors) in scratch.wanted_contrasts().enumerate() {
                    let coef = fit.contrast(factors, work).map(Coef::from);
                    give(scratch.targets.len() + i, coef);
                }
            }
            Scale::Response => {
                let at = At { model, scratch, columns, data: &data, n };
                self.find_effects(&fit, &at, effects, work);
                effects.give(scratch, |value, g| fit.by_delta(value, g, work), give);
            }
        }
        Ok(Fitted { n_obs: fit.n_obs(), boundary: fit.is_boundary() })
    }

    fn refuses(&self, model: &Model, target: &Target) -> Option<String> {
        if self.scale == Scale::Link {
            return None;
        }
        effects::refuses(&self.ways, model, target)
    }

    fn joint(&self, df: f64) -> Joint {
        if self.family.has_dispersion() { Joint::F(df) } else { Joint::ChiSquared }
    }

    fn details(&self, model: &Model, ws: &mut Workspace) -> Result<Details, Failure> {
        let n = ws.size(model.rows);
        let Workspace { columns, runs, model: scratch, glm, .. } = ws;
        let data = self.data(model, scratch, columns, runs, n);
        let GlmScratch { fit, work, effects } = glm;
        let fit = glm::fit(&data, self.family, self.variance, fit)?;
        let mut numbers = vec![("deviance", fit.deviance(&data))];
        if let Some(log_likelihood) = fit.log_likelihood(&data) {
            let parameters = fit.rank() + usize::from(fit.size().is_some());
            let aic = -2.0 * log_likelihood + 2.0 * parameters as f64;
            numbers.extend([("log_likelihood", log_likelihood), ("aic", aic)]);
        }
        numbers.extend(fit.size().map(|size| ("size", size)));
        if self.family.has_dispersion() {
            numbers.push(("dispersion", fit.dispersion()));
        }
        numbers.push(("df_residual", fit.n_obs() - fit.rank() as f64));
        numbers.push(("rank", fit.rank() as f64));
        if self.variance.is_clustered() {
            numbers.push(("n_clusters", fit.n_clusters() as f64));
        }
        let kept = fit.kept().to_vec();
        let (of_vcov, vcov) = match self.scale {
            Scale::Link => (Vec::new(), fit.vcov()),
            Scale::Response => {
                let at = At { model, scratch, columns, data: &data, n: data.y.len() };
                self.find_effects(&fit, &at, effects, work);
                effects.variances(kept.len(), |gradients| fit.vcov_of(gradients))
            }
        };
        let residual = fit.n_obs() - fit.rank() as f64;
        let joint = self.joint(residual);
        Ok(Details { numbers, kept, of_vcov, vcov, joint, ..Details::default() })
    }
}
