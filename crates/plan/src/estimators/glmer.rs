//! A generalised linear mixed model, as lme4's `glmer`: multilevel logistic regression and its kin.
//!
//! # Fields
//! - `formula`: the model, such as `"voted ~ treatment + (1 | village)"`, with random effects as
//!   `Lmer` has them: `(1 | g)`, `(1 + x | g)`, `(x || g)`, `(arm | g)`, nested and crossed groups.
//! - `family`: `Binomial` (`link: Logit`, the default, `Probit` or `Cloglog`; the outcome is 0 or
//!   1, or a share) or `Poisson` (a count).
//! - `nagq`: nodes of the adaptive Gauss-Hermite quadrature, an odd number up to 99. One, the
//!   default, is Laplace's approximation. More nodes need one grouping factor with one effect, such
//!   as `(1 | village)`.
//! - `curvature`: what Laplace's approximation (and the width of the quadrature) takes for the
//!   information at the mode. `Expected`, the default, is lme4's choice; `Observed` is the second
//!   derivative itself, glmmTMB's choice and the more accurate one. For `Logit` and `Poisson` they
//!   are the same.
//! - `scale`: `Link` (the default) reports coefficients given the group. `Response` reports average
//!   marginal effects over all groups: differences of probabilities or of mean counts, which is
//!   what an estimand such as `mean(y_z_1 - y_z_0)` is.
//! - `weights`: a variable; the log-likelihood of a row counts so many times.
//! - `trials`: a variable; the outcome is the number of successes in so many trials.
//! - `offset`: an expression that is added to the linear predictor, such as `"log(exposure)"`.
//! - `hypotheses`, `joint`: linear hypotheses about coefficients, as for `LmRobust`, with normal
//!   and chi-squared statistics. With `scale: Response` they are about average marginal effects: a
//!   term stands for its effect, as in `["armb - armc = 0"]`.
//!
//! # Formula
//! `link(E[y | u]) = Xb + Zu + offset`, `u ~ N(0, Lambda Lambda')`. The likelihood is the integral
//! over `u`; `b` and `Lambda` maximise its approximation jointly, to the last digits (glmer stops
//! some 1e-5 before). Standard errors are from the inverse of the observed information on both;
//! statistics are normal. A fit in which a variance is zero, or a correlation one, is a success,
//! counted as `boundary`.
//!
//! Coefficients are on the link scale *given the group*: with `Logit` they lie further from zero
//! than those of `Glm`, and than a difference of probabilities says. An estimand that is compared
//! with them has to be on that scale too.
//!
//! With `scale: Response` the random effects are integrated out. The mean of a row over all groups
//! that there might be is `M(eta, v) = E mu(eta + sqrt(v) X)`, `mu` the inverse link, `eta = xb +
//! offset`, `v = z'Lambda Lambda'z` and `X` standard normal: `Phi(eta / sqrt(1 + v))` with
//! `Probit`, `exp(eta + v / 2)` with `Poisson`, a sum that is exact to rounding with the others.
//! The effect of a variable with values 0 and 1, or of a category, is the average over the rows of
//! `M` with the variable at 1 less that at 0, wherever it stands: in interactions, and in random
//! slopes, where `v` changes too. That of another number is the average derivative. This is not
//! the change at a random effect of zero, which is larger. The error is that of the delta method,
//! by coefficients and elements of `Lambda` jointly, also of combinations of effects; predictors,
//! and variances that are estimated as zero, are taken as known.
//!
//! `trialrun estimate --random-effects` gives the conditional modes of the random effects of each
//! group on the link scale, as lme4's `ranef`: where the joint density of effects and outcome is
//! largest at the estimates. Beside each stands its standard deviation, the root of the diagonal of
//! `Lambda (I + Lambda'Z'W Z Lambda)^-1 Lambda'`, `W` the information at the mode that `curvature`
//! says; and the group's coefficient, the mode and the fixed effect of that name.
//!
//! With few observations a group and a binary outcome Laplace's approximation makes variances too
//! small: use `nagq: 7` or more. With few groups, say below forty, normal statistics make tests of
//! a treatment of whole groups somewhat too bold.
//!
//! # When it fails
//! `separation` where predictors, or groups, separate successes from failures, so that the
//! likelihood grows without end. `outcome_not_allowed` for an outcome outside the family.
//! `not_converged` where the likelihood is flat: such as one binary outcome a group.
//!
//! # Example
//! ```ron
//! Estimator(label: "Multilevel logistic", estimand: log_odds, term: program,
//!     method: Glmer(formula: "enrolled ~ program + (1 | village)",
//!         family: Binomial(link: Logit), nagq: 7)),
//! ```
//!
//! # References
//! Bates, Maechler, Bolker and Walker 2015, Journal of Statistical Software 67(1). Pinheiro and
//! Bates 1995, Journal of Computational and Graphical Statistics 4:12. Zeger, Liang and Albert
//! 1988, Biometrics 44:1049 (means over groups). Gelman and Hill 2007, Data
//! Analysis Using Regression and Multilevel/Hierarchical Models, chapters 14 and 23.

use trialrun_lang::{Diagnostic, Span};
use trialrun_stats::Failure;
use trialrun_stats::glm::{self, Family};
use trialrun_stats::glmm::{self, Curvature, Data, Integral, NODES_MAX, Nodes, Turn};

use super::Declared;
use super::build::{self, Beside, Wanted};
use super::details::Details;
use super::effects::{self, At, SCALES, Scale, Way};
use super::estimation::{Coef, Fit, Fitted, Target};
use super::family::{describe_family, read_family};
use super::hypotheses::Hypotheses;
use super::model::Model;
use super::modes::Found;
use super::random::{self, Move, RandomEffects};
use super::resolve::{self, Resolved};
use crate::compile::ir::NodeId;
use crate::compile::{Compiler, Context};
use crate::declared::{Fields, Name, Node, Reader, Scalar, Text};
use crate::exec::Workspace;
use crate::ids::LevelId;

/// A generalised linear mixed model, as declared.
#[derive(Clone, Debug)]
pub struct Glmer {
    formula: Text,
    family: Family,
    scale: Scale,
    integral: Integral,
    /// Where the number of nodes is given.
    nagq: Span,
    weights: Option<Name>,
    trials: Option<Name>,
    offset: Option<Scalar>,
    hypotheses: Hypotheses,
}

/// The curvatures, by name.
const CURVATURES: &[(&str, Curvature)] =
    &[("Expected", Curvature::Expected), ("Observed", Curvature::Observed)];

impl Declared for Glmer {
    fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let formula = f.required(r, "formula", Reader::text);
        let family = f.required(r, "family", read_mixed_family);
        let nagq = f.take(r, "nagq");
        let nodes = nagq.map_or_else(|| Nodes::new(1), |node| read_nodes(r, node));
        let curvature = f.take(r, "curvature");
        let curvature =
            curvature.map_or(Some(Curvature::Expected), |node| r.choice(node, CURVATURES));
        let weights = f.optional(r, "weights", Reader::identifier);
        let trials_node = f.take(r, "trials");
        let trials = trials_node.and_then(|node| r.identifier(node));
        let offset = f.optional(r, "offset", Reader::scalar);
        let scale = f.take(r, "scale").map_or(Some(Scale::Link), |node| r.choice(node, SCALES));
        let hypotheses = Hypotheses::read(r, f);
        if let (Some(node), Some(Family::Poisson)) = (trials_node, family) {
            let error = Diagnostic::error(node.span, "only `Binomial` outcomes have trials");
            let hint = "for a rate, give its exposure as `offset: \"log(exposure)\"`";
            r.error(error.label("no trials in this family").hint(hint));
            return None;
        }
        let (formula, family, scale, hypotheses) = (formula?, family?, scale?, hypotheses?);
        let integral = Integral { nodes: nodes?, curvature: curvature? };
        let nagq = nagq.map_or(formula.span, |node| node.span);
        let all =
            Self { formula, family, scale, integral, nagq, weights, trials, offset, hypotheses };
        Some(all)
    }

    fn compile(&self, cx: &mut Compiler<'_>, level: LevelId) -> Option<(Model, Box<dyn Fit>)> {
        let formula = resolve::parse(cx, &self.formula)?;
        resolve::no_instruments(cx, &formula, "Glmer")?;
        random::required(cx, &formula, "Glm")?;
        let resolved = resolve::resolve(cx, &formula, level).map(Resolved::with_every_row);
        let model = build::assemble(cx, resolved, level, &Wanted::Nothing, Beside::default());
        let effects = random::resolve_all(cx, &formula, level);
        let context = Context::at(level).for_a_name();
        let name = |cx: &mut Compiler<'_>, n: &Name| cx.resolve(&n.text, n.span, &context);
        let weights = self.weights.as_ref().map(|w| name(cx, w));
        let trials = self.trials.as_ref().map(|t| name(cx, t));
        let offset = self.offset.as_ref().map(|offset| resolve::offset(cx, offset, level));
        let (mut model, effects) = (model?, effects?);
        let mut extra = |node: Option<Option<NodeId>>| match node {
            None => Some(None),
            Some(node) => Some(Some(build::add_extra(cx, &mut model, node?))),
        };
        let (weights, trials, offset) = (extra(weights)?, extra(trials)?, extra(offset)?);
        let random = RandomEffects::add(cx, &mut model, &formula, effects)?;
        if self.integral.nodes.len() > 1 && !glmm::integrates(&random.structure) {
            let error = Diagnostic::error(self.nagq, "quadrature needs one random effect a group")
                .label("more than one node")
                .related(formula.span, "several grouping factors, or several effects of one")
                .hint("leave `nagq` out: Laplace's approximation fits any random effects");
            cx.report(error);
            return None;
        }
        let (ways, moves) = match self.scale {
            Scale::Link => (Vec::new(), Vec::new()),
            Scale::Response => {
                (effects::ways(cx, &formula, &mut model)?, random.moves(cx, &mut model))
            }
        };
        let (family, scale, integral) = (self.family, self.scale, self.integral.clone());
        let fit =
            GlmerFit { family, scale, integral, random, weights, trials, offset, ways, moves };
        Some((model.with_hypotheses(&self.hypotheses), Box::new(fit)))
    }

    fn describe(&self) -> String {
        let integral = match self.integral.nodes.len() {
            1 => "Laplace's approximation".to_string(),
            n => format!("{n} nodes of quadrature"),
        };
        let what = match self.scale {
            Scale::Link => "",
            Scale::Response => "average marginal effects in ",
        };
        let family = describe_family(self.family);
        format!("{what}the mixed model `{}` ({family}) by {integral}", self.formula.text)
    }
}

/// A family that has mixed models.
fn read_mixed_family(r: &mut Reader, node: Node<'_>) -> Option<Family> {
    let family = read_family(r, node)?;
    if family.is_binomial() || family == Family::Poisson {
        return Some(family);
    }
    let error = Diagnostic::error(node.span, "`Glmer` fits `Binomial` and `Poisson` models")
        .label("a family without random effects here");
    r.error(error.hint("use one of them, or `Glm` with `clusters`"));
    None
}

/// A number of nodes.
fn read_nodes(r: &mut Reader, node: Node<'_>) -> Option<Nodes> {
    let n = r.count(node, 1)?;
    let nodes = usize::try_from(n).ok().and_then(Nodes::new);
    if nodes.is_none() {
        let message = format!("`nagq: {n}` is no odd number from 1 to {NODES_MAX}");
        let error = Diagnostic::error(node.span, message).label("number of nodes");
        r.error(error.hint("`nagq: 7` is usual, `nagq: 1` is Laplace's approximation"));
    }
    nodes
}

/// Scratch space of fits.
#[derive(Default)]
pub struct GlmerScratch {
    fit: glmm::Scratch,
    room: Room,
}

/// What is made beside a fit.
#[derive(Default)]
struct Room {
    work: Vec<f64>,
    effects: effects::Scratch,
    effect: glmm::Room,
}

/// The fit.
struct GlmerFit {
    family: Family,
    scale: Scale,
    integral: Integral,
    random: RandomEffects,
    /// Places among the extra columns.
    weights: Option<usize>,
    trials: Option<usize>,
    offset: Option<usize>,
    /// How the variable of each term changes; empty on the link scale.
    ways: Vec<Way>,
    /// Where it stands among the columns of the random effects.
    moves: Vec<Move>,
}

/// Most effects of a model, intercepts included.
const EFFECTS_MAX: usize = random::COLUMNS_MAX + glmm::FACTORS_MAX;

impl GlmerFit {
    /// Fits, and hands the fit to `use_fit`.
    fn with_fit<T, F>(&self, model: &Model, ws: &mut Workspace, use_fit: F) -> Result<T, Failure>
    where
        F: FnOnce(&mut glmm::Fit<'_>, &Data, &At, &mut Room) -> Result<T, Failure>,
    {
        let n = ws.size(model.rows);
        let Workspace { columns, runs, model: scratch, glmer, .. } = ws;
        let rows = model.rows(scratch, columns, runs, n);
        let extras = random::columns(model, scratch, columns, n);
        self.random.check(&extras)?;
        let extra = |i: Option<usize>| i.map(|i| extras[i]);
        let rows = glm::Data {
            x: rows.x,
            y: rows.y,
            weights: extra(self.weights),
            trials: extra(self.trials),
            offset: extra(self.offset),
            groups: &[],
        };
        let data = Data { rows, columns: &extras };
        let at = At { model, scratch, columns, data: &data.rows, n: rows.y.len() };
        let GlmerScratch { fit, room } = glmer;
        let mut fit = glmm::fit(&data, &self.random.structure, self.family, &self.integral, fit)?;
        use_fit(&mut fit, &data, &at, room)
    }

    /// Finds the average marginal effects that are wanted.
    fn find_effects(&self, fit: &glmm::Fit<'_>, data: &Data, at: &At, room: &mut Room) {
        let Room { effects, effect, .. } = room;
        effects.find(&self.ways, at, fit.n_gradient(), |change, moved, gradient| {
            let mut turns = [None; EFFECTS_MAX];
            for m in self.moves.iter().filter(|m| m.term == moved.term) {
                let rest = m.rest.map(|i| at.model.extra(at.scratch, at.columns, i, at.n));
                let is = |value: f64| m.code.map_or(value, |c| f64::from(u8::from(c == value)));
                let [low, high] = moved.values.map(is);
                turns[m.effect] = Some(Turn { rest, low, high });
            }
            fit.effect(change, &turns, data, gradient, effect)
        });
    }
}

impl Fit for GlmerFit {
    fn fit(
        &self,
        model: &Model,
        ws: &mut Workspace,
        give: &mut dyn FnMut(usize, Result<Coef, Failure>),
    ) -> Result<Fitted, Failure> {
        self.with_fit(model, ws, |fit, data, at, room| {
            let wanted = at.scratch;
            match self.scale {
                Scale::Link => {
                    for (i, &column) in wanted.targets.iter().enumerate() {
                        give(i, fit.coefficient(column, &mut room.work).map(Coef::from));
                    }
                    for (i, factors) in wanted.wanted_contrasts().enumerate() {
                        let coef = fit.contrast(factors, &mut room.work).map(Coef::from);
                        give(wanted.targets.len() + i, coef);
                    }
                }
                Scale::Response => {
                    self.find_effects(fit, data, at, room);
                    room.effects.give(wanted, |value, g| fit.by_delta(value, g), give);
                }
            }
            Ok(Fitted { n_obs: fit.n_obs(), boundary: fit.is_boundary() })
        })
    }

    fn refuses(&self, model: &Model, target: &Target) -> Option<String> {
        match self.scale {
            Scale::Link => None,
            Scale::Response => effects::refuses(&self.ways, model, target),
        }
    }

    fn has_modes(&self) -> bool {
        true
    }

    fn modes(
        &self,
        model: &Model,
        ws: &mut Workspace,
        sets: &[Vec<String>],
    ) -> Result<Found, Failure> {
        self.with_fit(model, ws, |fit, data, _, _| {
            let found = fit.modes(&self.random.structure)?;
            Ok(Found { modes: self.random.name(&found, data.columns, sets), beta: fit.beta() })
        })
    }

    fn details(&self, model: &Model, ws: &mut Workspace) -> Result<Details, Failure> {
        self.with_fit(model, ws, |fit, data, at, room| {
            let mut numbers = Vec::new();
            if let Some(log_likelihood) = fit.log_likelihood(data) {
                numbers.push(("log_likelihood", log_likelihood));
                numbers
                    .extend([("aic", fit.aic(log_likelihood)), ("bic", fit.bic(log_likelihood))]);
            }
            numbers.push(("rank", fit.rank() as f64));
            let mut details = Details { numbers, ..Details::default() };
            let covariances = fit.covariances(&self.random.structure);
            self.random.report(&covariances, 1.0, &mut details);
            details.kept = fit.kept().to_vec();
            (details.of_vcov, details.vcov) = match self.scale {
                Scale::Link => (Vec::new(), fit.vcov()),
                Scale::Response => {
                    self.find_effects(fit, data, at, room);
                    room.effects.variances(fit.kept().len(), |g| fit.vcov_of(g))
                }
            };
            Ok(details)
        })
    }
}
