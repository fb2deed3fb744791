//! A linear mixed model with a random intercept, as lme4's `lmer` with lmerTest's tests.
//!
//! # Fields
//! - `formula`: the model, such as `"score ~ treatment + (1 | student)"`. One random intercept is
//!   fitted; its groups are a level, a variable, or the combinations `a:b`.
//! - `reml`: `true` (the default) for restricted maximum likelihood, `false` for maximum
//!   likelihood.
//! - `df`: degrees of freedom of the t statistics: `Satterthwaite` (the default), `Residual`
//!   (observations less coefficients), or `Z` (a normal statistic).
//! - `weights`: a variable; the residual variance of a row is `sigma^2 / weight`.
//!
//! # Formula
//! `y = Xb + a_group + e`, `a ~ N(0, theta^2 sigma^2)`, `e ~ N(0, sigma^2)`; `theta` minimises the
//! profiled criterion of lme4. A fit with `theta = 0` is a success, counted as `boundary`.
//!
//! # Example
//! ```ron
//! Estimator(label: "Random intercept", estimand: ate, term: treatment,
//!     method: Lmer(formula: "score ~ treatment + (1 | student)", df: Satterthwaite)),
//! ```
//!
//! # References
//! Bates, Maechler, Bolker and Walker 2015, Journal of Statistical Software 67(1). Kuznetsova,
//! Brockhoff and Christensen 2017, Journal of Statistical Software 82(13).

use trialrun_lang::{Diagnostic, Formula, RandomTerm};
use trialrun_stats::Failure;
use trialrun_stats::lmm::{self, Df, Method};

use super::Declared;
use super::build::{self, Wanted};
use super::estimation::{Coef, Details, Fit, Fitted};
use super::model::Model;
use super::resolve;
use crate::compile::Compiler;
use crate::declared::{Fields, Name, Reader, Text};
use crate::exec::Workspace;
use crate::ids::LevelId;

/// A linear mixed model, as declared.
#[derive(Clone, Debug)]
pub struct Lmer {
    formula: Text,
    reml: bool,
    df: Df,
    weights: Option<Name>,
}

/// The kinds of degrees of freedom, by name.
const DF: &[(&str, Df)] =
    &[("Satterthwaite", Df::Satterthwaite), ("Residual", Df::Residual), ("Z", Df::Z)];

impl Declared for Lmer {
    fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let formula = f.required(r, "formula", Reader::text);
        let reml = f.take(r, "reml").map_or(Some(true), |node| r.flag(node));
        let df = f.take(r, "df").map_or(Some(Df::Satterthwaite), |node| r.choice(node, DF));
        let weights = f.optional(r, "weights", Reader::identifier);
        Some(Self { formula: formula?, reml: reml?, df: df?, weights })
    }

    fn compile(&self, cx: &mut Compiler<'_>, level: LevelId) -> Option<(Model, Box<dyn Fit>)> {
        let formula = resolve::parse(cx, &self.formula)?;
        resolve::no_instruments(cx, &formula, "Lmer")?;
        let random = self.random_intercept(cx, &formula)?;
        let groups = Wanted::Random(random);
        let model = build::model(cx, &formula, level, &groups, self.weights.as_ref())?;
        let names: Vec<&str> = random.grouping.iter().map(|(name, _)| name.as_str()).collect();
        let method = if self.reml { Method::Reml } else { Method::Ml };
        Some((model, Box::new(RandomIntercept { method, df: self.df, group: names.join(":") })))
    }

    fn describe(&self) -> String {
        let method = if self.reml { "REML" } else { "maximum likelihood" };
        let df = DF.iter().find(|(_, df)| *df == self.df).map_or("", |(name, _)| name);
        format!("the mixed model `{}` by {method}, {df} degrees of freedom", self.formula.text)
    }
}

impl Lmer {
    /// The one random intercept of the formula; anything else is refused with a way out.
    fn random_intercept<'f>(
        &self,
        cx: &mut Compiler<'_>,
        formula: &'f Formula,
    ) -> Option<&'f RandomTerm> {
        let (span, message, hint) = match formula.random.as_slice() {
            [] => (
                formula.span,
                "this model has no random effect",
                "add one, such as `(1 | class)`, or use `LmRobust`",
            ),
            [one] if one.intercept && one.slopes.is_empty() => return Some(one),
            [one] => (
                one.span,
                "random slopes are not fitted yet",
                "this version fits one random intercept, such as `(1 | class)`",
            ),
            [_, second, ..] => (
                second.span,
                "several random effects are not fitted yet",
                "this version fits one random intercept, such as `(1 | class)`",
            ),
        };
        let error = Diagnostic::error(span, message).label("can not be fitted");
        cx.report(error.hint(hint));
        None
    }
}

/// The fit.
struct RandomIntercept {
    method: Method,
    df: Df,
    group: String,
}

impl Fit for RandomIntercept {
    fn fit(
        &self,
        model: &Model,
        ws: &mut Workspace,
        give: &mut dyn FnMut(usize, Result<Coef, Failure>),
    ) -> Result<Fitted, Failure> {
        let n = ws.size(model.rows);
        let Workspace { columns, runs, model: scratch, lmm, .. } = ws;
        let rows = model.rows(scratch, columns, runs, n);
        let fit = lmm::fit(&rows, self.method, lmm)?;
        for (i, &column) in scratch.targets.iter().enumerate() {
            let coef = fit.coefficient(column, self.df);
            give(i, coef.map(|c| Coef { estimate: c.estimate, std_error: c.std_error, df: c.df }));
        }
        Ok(Fitted { n_obs: fit.n_obs() as f64, boundary: fit.is_boundary() })
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
        let intercept = (self.group.clone(), "(Intercept)".to_string(), fit.sd_group());
        let mut vcov = vec![0.0; fit.rank() * fit.rank()];
        fit.vcov(&mut vcov);
        let kept = fit.kept().to_vec();
        let random_effects = vec![intercept];
        Ok(Details { numbers, random_effects, kept, vcov, ..Details::default() })
    }
}
