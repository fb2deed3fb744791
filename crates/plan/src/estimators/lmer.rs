//! A linear mixed model, as lme4's `lmer` with the tests of lmerTest, pbkrtest and nlme.
//!
//! # Fields
//! - `formula`: the model, such as `"score ~ treatment + (1 | class)"`. Random effects: intercepts
//!   `(1 | g)`, slopes `(1 + x | g)` correlated with the intercept, `(x || g)` not correlated,
//!   `(0 + x | g)` alone; categories, `(arm | g)` with an effect of each but the first and
//!   `(0 + arm | g)` with one of each, and their products with numbers, `(arm:x | g)`; several of
//!   them, for nested groups (`(1 | school/class)`) or crossed ones (`(1 | rater) + (1 | essay)`).
//!   Groups are a level, a variable, or the combinations `a:b`. Categories are named ones, or
//!   `factor(x)` where the values are known beforehand; lme4's `(arm || g)` does not take their
//!   effects apart and is refused: `(1 | g) + (1 | g:arm)` has one variance and no correlations.
//! - `reml`: `true` (the default) for restricted maximum likelihood, `false` for maximum
//!   likelihood.
//! - `df`: degrees of freedom of the t statistics: `Satterthwaite` (the default), `KenwardRoger`
//!   (with its covariance of the coefficients; needs REML), `BetweenWithin` (groups at the level at
//!   which a predictor varies, less what is estimated there), `Residual` (observations less
//!   coefficients), or `Z` (a normal statistic).
//! - `interval`: `Wald` (the default: the estimate and so many standard errors), or `Profile`:
//!   limits and test by profile likelihood, as R's `confint` of an `lmer`. They need some ten fits
//!   a coefficient, and no `df`.
//! - `weights`: a variable; the residual variance of a row is `sigma^2 / weight`.
//! - `offset`: an expression that is a known part of the outcome's mean.
//! - `hypotheses`, `joint`: linear hypotheses, as for `LmRobust`. The degrees of freedom are those
//!   of the combination (with `BetweenWithin` the fewest of its coefficients); joint tests are
//!   Wald's, chi-squared.
//!
//! # Formula
//! `y = Xb + Zu + e`, `u ~ N(0, sigma^2 Lambda Lambda')`, `e ~ N(0, sigma^2)`; `Lambda` minimises
//! the profiled criterion of lme4, to the last digits that it supports (lmer itself stops some
//! 1e-5 before). A fit in which a variance is zero, or a correlation one, is a success, counted as
//! `boundary`.
//!
//! By `interval: Profile` the limits of a coefficient are the values at which the deviance of the
//! full likelihood, with all else at its best, is `z^2` above its minimum, found to nine digits;
//! the statistic is the signed root of the likelihood ratio of zero, the p-value its normal tail.
//!
//! `trialrun estimate` also tests the random effects: the likelihood ratio (of the fit's own
//! criterion) of each variance, which under a variance of zero is, at the boundary, half the time
//! chi-squared on as many degrees of freedom as parameters go, and half the time on one less. An
//! intercept with correlated slopes is not tested. With `interval: Profile` there are limits of all
//! standard deviations and correlations, by the full likelihood in the same way. A lower limit is
//! zero where a variance of zero is not rejected; its effect's correlations then have the limits
//! minus one and one, as has a correlation where those are not rejected. Of a test or a limit that
//! can not be had the report says why, beside all that can.
//!
//! `trialrun estimate --random-effects` gives the conditional modes of the random effects of each
//! group (best linear unbiased predictions), as lme4's `ranef`: `Lambda M^-1 Lambda'Z'W (y - Xb)`
//! with `M = Lambda'Z'W Z Lambda + I`. Beside each stands its standard deviation given the data,
//! the root of the diagonal of `sigma^2 Lambda M^-1 Lambda'`, which takes coefficients and
//! variances as known; and the group's coefficient, the mode and the fixed effect of that name, as
//! lme4's `coef`. An effect with a variance of zero is zero.
//!
//! With few groups, say below forty, `Z` and `Profile` make tests of a treatment of whole groups
//! too bold: use `Satterthwaite` or `KenwardRoger`. How often the 95% interval holds the effect, in
//! per cent, where half of so many groups of twelve are treated and the intra-class correlation is
//! 0.2 (the design `few-groups`; more in `reports/few-groups.md`; Monte Carlo errors are 0.2 to
//! 0.3):
//!
//! | groups | Z | Profile | Residual | BetweenWithin | Satterthwaite | KenwardRoger |
//! | --: | --: | --: | --: | --: | --: | --: |
//! | 6 | 89.0 | 88.2 | 89.4 | 96.0 | 94.6 | 96.4 |
//! | 10 | 91.5 | 91.2 | 91.8 | 95.1 | 95.0 | 95.3 |
//! | 24 | 93.4 | 93.3 | 93.6 | 94.7 | 94.7 | 94.7 |
//! | 40 | 94.5 | 94.4 | 94.5 | 95.1 | 95.1 | 95.1 |
//!
//! # Example
//! ```ron
//! Estimator(label: "Random intercept", estimand: ate, term: treatment,
//!     method: Lmer(formula: "score ~ treatment + (1 | student)", df: Satterthwaite)),
//! Estimator(label: "By profile likelihood", estimand: ate, term: treatment,
//!     method: Lmer(formula: "score ~ treatment + (1 | site)", reml: false, interval: Profile)),
//! Estimator(label: "Effects vary by site", estimand: ate, term: treatment,
//!     method: Lmer(formula: "score ~ treatment + (1 + treatment | site)", df: KenwardRoger)),
//! ```
//!
//! # References
//! Bates, Maechler, Bolker and Walker 2015, Journal of Statistical Software 67(1). Kuznetsova,
//! Brockhoff and Christensen 2017, Journal of Statistical Software 82(13). Kenward and Roger 1997,
//! Biometrics 53:983. Pinheiro and Bates 2000, Mixed-Effects Models in S and S-PLUS. Self and Liang
//! 1987, Journal of the American Statistical Association 82:605. Stram and Lee 1994, Biometrics
//! 50:1171.

use trialrun_lang::{Diagnostic, Formula, RandomTerm};
use trialrun_stats::Failure;
use trialrun_stats::lmm::mixed::Df;
use trialrun_stats::lmm::{self, Method};
use trialrun_stats::special::student_t::Critical;

use super::Declared;
use super::build::{self, Wanted};
use super::details::Details;
use super::estimation::{Coef, Fit, Fitted};
use super::hypotheses::Hypotheses;
use super::mixed;
use super::model::Model;
use super::modes::{Found, Grouping};
use super::random;
use super::resolve;
use crate::compile::Compiler;
use crate::declared::{Fields, Name, Reader, Scalar, Text};
use crate::exec::Workspace;
use crate::ids::LevelId;

/// A linear mixed model, as declared.
#[derive(Clone, Debug)]
pub struct Lmer {
    formula: Text,
    reml: bool,
    df: Df,
    interval: Interval,
    weights: Option<Name>,
    offset: Option<Scalar>,
    hypotheses: Hypotheses,
}

/// How intervals are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Interval {
    Wald,
    Profile,
}

/// The kinds of intervals, by name.
const INTERVALS: &[(&str, Interval)] = &[("Wald", Interval::Wald), ("Profile", Interval::Profile)];

/// The kinds of degrees of freedom, by name.
const DF: &[(&str, Df)] = &[
    ("Satterthwaite", Df::Satterthwaite),
    ("KenwardRoger", Df::KenwardRoger),
    ("BetweenWithin", Df::BetweenWithin),
    ("Residual", Df::Residual),
    ("Z", Df::Z),
];

impl Declared for Lmer {
    fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let formula = f.required(r, "formula", Reader::text);
        let reml = f.take(r, "reml").map_or(Some(true), |node| r.flag(node));
        let df_node = f.take(r, "df");
        let df = df_node.map_or(Some(Df::Satterthwaite), |node| r.choice(node, DF));
        let interval_node = f.take(r, "interval");
        let interval = interval_node.map_or(Some(Interval::Wald), |node| r.choice(node, INTERVALS));
        let weights = f.optional(r, "weights", Reader::identifier);
        let offset = f.optional(r, "offset", Reader::scalar);
        let hypotheses = Hypotheses::read(r, f);
        if let (Some(node), Some(Df::KenwardRoger), Some(false)) = (df_node, df, reml) {
            let error = Diagnostic::error(node.span, "`KenwardRoger` needs REML")
                .label("not for maximum likelihood")
                .hint("leave `reml: false` out, or use `df: Satterthwaite`");
            r.error(error);
            return None;
        }
        if let (Some(node), Some(Interval::Profile)) = (df_node, interval) {
            let error =
                Diagnostic::error(node.span, "profile likelihood has no degrees of freedom")
                    .label("not with `interval: Profile`")
                    .hint("leave `df` out, or use `interval: Wald`");
            r.error(error);
            return None;
        }
        let (formula, reml, interval, hypotheses) = (formula?, reml?, interval?, hypotheses?);
        if let (Some(node), Interval::Profile, false) =
            (interval_node, interval, hypotheses.is_empty())
        {
            let error = Diagnostic::error(node.span, "hypotheses are tested by Wald's statistic")
                .label("not with `interval: Profile`")
                .hint("leave `hypotheses` and `joint` out, or use `interval: Wald`");
            r.error(error);
            return None;
        }
        let df = if interval == Interval::Profile { Df::Z } else { df? };
        Some(Self { formula, reml, df, interval, weights, offset, hypotheses })
    }

    fn compile(&self, cx: &mut Compiler<'_>, level: LevelId) -> Option<(Model, Box<dyn Fit>)> {
        let formula = resolve::parse(cx, &self.formula)?;
        resolve::no_instruments(cx, &formula, "Lmer")?;
        let method = if self.reml { Method::Reml } else { Method::Ml };
        let (Some(random), Some(df)) = (self.random_intercept(&formula), plain(self.df)) else {
            let weights = self.weights.as_ref();
            let critical = || Critical::new(cx.alpha).at(f64::INFINITY);
            let profile = (self.interval == Interval::Profile).then(critical);
            let (df, offset) = (self.df, self.offset.as_ref());
            let fit = mixed::Wanted { method, df, profile, weights, offset };
            let (model, fit) = fit.compile(cx, &formula, level)?;
            return Some((model.with_hypotheses(&self.hypotheses), fit));
        };
        let groups = Wanted::Random(random);
        let model = build::model(cx, &formula, level, &groups, self.weights.as_ref())?;
        let mut model = model.with_hypotheses(&self.hypotheses);
        // Only real data have groups with names.
        let keys = match cx.data {
            Some(_) => random::keys(cx, random, level)?,
            None => Vec::new(),
        };
        let grouping = random::grouping(cx, &mut model, random, &keys);
        Some((model, Box::new(RandomIntercept { method, df, grouping })))
    }

    fn describe(&self) -> String {
        let method = if self.reml { "REML" } else { "maximum likelihood" };
        let df = DF.iter().find(|(_, df)| *df == self.df).map_or("", |(name, _)| name);
        match self.interval {
            Interval::Wald => {
                format!(
                    "the mixed model `{}` by {method}, {df} degrees of freedom",
                    self.formula.text
                )
            }
            Interval::Profile => format!(
                "the mixed model `{}` by {method}, intervals by profile likelihood",
                self.formula.text
            ),
        }
    }
}

impl Lmer {
    /// The random intercept of a model that has no more, for the fast route.
    fn random_intercept<'f>(&self, formula: &'f Formula) -> Option<&'f RandomTerm> {
        match formula.random.as_slice() {
            [one]
                if one.intercept
                    && one.slopes.is_empty()
                    && self.offset.is_none()
                    && self.interval == Interval::Wald =>
            {
                Some(one)
            }
            _ => None,
        }
    }
}

/// The degrees of freedom that the fast route knows.
fn plain(df: Df) -> Option<lmm::Df> {
    match df {
        Df::Satterthwaite => Some(lmm::Df::Satterthwaite),
        Df::Residual => Some(lmm::Df::Residual),
        Df::Z => Some(lmm::Df::Z),
        Df::KenwardRoger | Df::BetweenWithin => None,
    }
}

/// What varies.
const INTERCEPT: &str = "(Intercept)";

/// The fit of one random intercept.
struct RandomIntercept {
    method: Method,
    df: lmm::Df,
    grouping: Grouping,
}

impl Fit for RandomIntercept {
    fn fit(
        &self,
        model: &Model,
        ws: &mut Workspace,
        give: &mut dyn FnMut(usize, Result<Coef, Failure>),
    ) -> Result<Fitted, Failure> {
        let n = ws.size(model.rows);
        let Workspace { columns, runs, model: scratch, lmm, mixed, .. } = ws;
        let rows = model.rows(scratch, columns, runs, n);
        let fit = lmm::fit(&rows, self.method, lmm)?;
        let of =
            |c: lmm::Coefficient| Coef { estimate: c.estimate, std_error: c.std_error, df: c.df };
        for (i, &column) in scratch.targets.iter().enumerate() {
            give(i, fit.coefficient(column, self.df).map(of));
        }
        let n = scratch.targets.len();
        for (i, factors) in scratch.wanted_contrasts().enumerate() {
            let coef = fit.contrast(factors, self.df, &mut mixed.room.buffer);
            give(n + i, coef.map(of));
        }
        Ok(Fitted { n_obs: fit.n_obs() as f64, boundary: fit.is_boundary() })
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
        let n = ws.size(model.rows);
        let Workspace { columns, runs, model: scratch, lmm, .. } = ws;
        let rows = model.rows(scratch, columns, runs, n);
        let fit = lmm::fit(&rows, self.method, lmm)?;
        let extras = random::columns(model, scratch, columns, n);
        let modes = self.grouping.name(&fit.modes(&rows), &[INTERCEPT.to_string()], &extras, sets);
        Ok(Found { modes, beta: fit.beta().to_vec() })
    }

    fn details(&self, model: &Model, ws: &mut Workspace) -> Result<Details, Failure> {
        let n = ws.size(model.rows);
        let Workspace { columns, runs, model: scratch, lmm, .. } = ws;
        let rows = model.rows(scratch, columns, runs, n);
        let fit = lmm::fit(&rows, self.method, lmm)?;
        let criterion = match self.method {
            Method::Reml => ("reml_criterion", fit.criterion()),
            Method::Ml => ("deviance", fit.criterion()),
        };
        let numbers = vec![
            ("sigma", fit.sigma()),
            ("theta", fit.theta()),
            criterion,
            ("log_likelihood", fit.log_likelihood()),
            ("aic", fit.aic()),
            ("bic", fit.bic()),
            ("n_groups", fit.n_groups() as f64),
            ("rank", fit.rank() as f64),
        ];
        let group = &self.grouping.label;
        let intercept = (group.clone(), INTERCEPT.to_string(), fit.sd_group());
        let mut vcov = vec![0.0; fit.rank() * fit.rank()];
        fit.vcov(&mut vcov);
        let kept = fit.kept().to_vec();
        let random_effects = vec![intercept];
        let what = format!("{INTERCEPT} by {group}");
        let mut details = Details { numbers, random_effects, kept, vcov, ..Details::default() };
        details.add_boundary_test(&what, fit.groups_test().map(|statistic| (statistic, 1)));
        Ok(details)
    }
}
