//! Least squares with robust standard errors, as estimatr's `lm_robust`.
//!
//! # Fields
//! - `formula`: the model, such as `"score ~ treatment + pretest"`. Categorical variables and
//!   `factor(x)` get treatment contrasts, as in R.
//! - `se`: the standard error. Without clusters `classical`, `HC0`, `HC1`, `HC2` (the default) or
//!   `HC3`, with `n - k` degrees of freedom. With clusters `CR0` or `Stata`, with clusters - 1
//!   degrees of freedom, or `CR2` (the default), with the Satterthwaite degrees of freedom of Bell
//!   and McCaffrey for each coefficient.
//! - `clusters`: a level or a variable.
//! - `weights`: a variable.
//! - `fixed_effects`: a list of levels or variables, such as `[block]`. Each of their values has a
//!   coefficient of its own, which is not reported. Everything else is as with `factor(block)` in
//!   the formula, degrees of freedom and leverages included, at a fraction of the cost. With
//!   weights CR2 is not to be had.
//!
//! # Formula
//! `b = (X'WX)^-1 X'Wy`. `HC2` divides the squared residuals by `1 - h`, `h` the leverage; `CR2`
//! multiplies the residuals of each cluster by `(I - H)^(-1/2)`, so that the variance is unbiased
//! where the errors are independent and alike. Collinear columns are dropped as estimatr does.
//!
//! # Example
//! ```ron
//! Estimator(label: "Student average", estimand: ate, term: treatment,
//!     method: LmRobust(formula: "average_score ~ treatment", clusters: class, se: CR2)),
//! ```
//!
//! # References
//! MacKinnon and White 1985, Journal of Econometrics 29:305. Bell and McCaffrey 2002, Survey
//! Methodology 28:169. Pustejovsky and Tipton 2018, Journal of Business and Economic Statistics
//! 36:672. Blair, Cooper, Coppock, Humphreys and Sonnet, estimatr.

use trialrun_lang::Diagnostic;
use trialrun_stats::Failure;
use trialrun_stats::ols::{self, Targets, Variance};

use super::Declared;
use super::build::{self, Beside, Wanted};
use super::estimation::{Coef, Details, Fit, Fitted, Test};
use super::model::Model;
use super::resolve;
use crate::compile::Compiler;
use crate::declared::{Fields, Name, Reader, Text, joined};
use crate::exec::Workspace;
use crate::ids::LevelId;

/// Least squares with robust standard errors, as declared.
#[derive(Clone, Debug)]
pub struct LmRobust {
    formula: Text,
    se: Variance,
    clusters: Option<Name>,
    weights: Option<Name>,
    fixed: Vec<Name>,
}

/// The standard errors, by name.
const SE: &[(&str, Variance)] = &[
    ("classical", Variance::Classical),
    ("HC0", Variance::Hc0),
    ("HC1", Variance::Hc1),
    ("HC2", Variance::Hc2),
    ("HC3", Variance::Hc3),
    ("CR0", Variance::Cr0),
    ("Stata", Variance::Stata),
    ("CR2", Variance::Cr2),
];

impl Declared for LmRobust {
    fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let formula = f.required(r, "formula", Reader::text);
        let (se, clusters) = read_se(r, f);
        let weights = f.optional(r, "weights", Reader::identifier);
        let fixed = read_fixed(r, f, se, weights.is_some());
        Some(Self { formula: formula?, se: se?, clusters, weights, fixed: fixed? })
    }

    fn compile(&self, cx: &mut Compiler<'_>, level: LevelId) -> Option<(Model, Box<dyn Fit>)> {
        let mut formula = resolve::parse(cx, &self.formula)?;
        resolve::no_random_effects(cx, &formula, "LmRobust")?;
        resolve::no_instruments(cx, &formula, "LmRobust")?;
        // Fixed effects have the place of the intercept, by which factors are coded.
        formula.intercept |= !self.fixed.is_empty();
        let mut resolved = resolve::resolve(cx, &formula, level);
        if let Some(resolved) = &mut resolved {
            resolved.intercept &= self.fixed.is_empty();
        }
        let groups = self.clusters.as_ref().map_or(Wanted::Nothing, Wanted::Clusters);
        let weights = self.weights.as_ref();
        let beside = Beside { weights, fixed: &self.fixed, ..Beside::default() };
        let model = build::assemble(cx, resolved, level, &groups, beside)?;
        Some((model, Box::new(Ols { variance: self.se })))
    }

    fn describe(&self) -> String {
        let se = describe_se(self.se, self.clusters.as_ref(), self.weights.as_ref());
        let fixed = describe_fixed(&self.fixed);
        format!("least squares of `{}`{fixed} with {se}", self.formula.text)
    }
}

/// Reads `se` and `clusters`, which have to go together; HC2, or CR2 with clusters, by default.
pub(super) fn read_se(r: &mut Reader, f: &mut Fields<'_>) -> (Option<Variance>, Option<Name>) {
    let se_node = f.take(r, "se");
    let clusters = f.optional(r, "clusters", Reader::identifier);
    let se = match se_node {
        None if clusters.is_some() => Some(Variance::Cr2),
        None => Some(Variance::Hc2),
        Some(node) => r.choice(node, SE),
    };
    if let (Some(se), Some(node)) = (se, se_node)
        && se.is_clustered() != clusters.is_some()
    {
        let (what, label, hint) = if se.is_clustered() {
            ("needs `clusters`", "for clustered data", "add `clusters: ...`, or use `HC2`")
        } else {
            (
                "does not go with `clusters`",
                "ignores the clusters",
                "use `CR2`, `CR0` or `Stata`, or leave `clusters` out",
            )
        };
        let message = format!("`se: {}` {what}", node.text);
        r.error(Diagnostic::error(node.span, message).label(label).hint(hint));
        return (None, clusters);
    }
    (se, clusters)
}

/// Reads `fixed_effects`; refuses them where CR2 has weights.
pub(super) fn read_fixed(
    r: &mut Reader,
    f: &mut Fields<'_>,
    se: Option<Variance>,
    weighted: bool,
) -> Option<Vec<Name>> {
    let Some(node) = f.take(r, "fixed_effects") else { return Some(Vec::new()) };
    let fixed = r.list(node, Reader::identifier)?;
    if weighted && se == Some(Variance::Cr2) && !fixed.is_empty() {
        let message = "CR2 with weights and fixed effects is not to be had";
        let error = Diagnostic::error(node.span, message).label("taken out before the fit");
        r.error(error.hint("write `factor(...)` in the formula, or use `se: Stata`"));
        return None;
    }
    Some(fixed)
}

/// Fixed effects in words.
pub(super) fn describe_fixed(fixed: &[Name]) -> String {
    if fixed.is_empty() {
        return String::new();
    }
    let names: Vec<&str> = fixed.iter().map(|name| name.text.as_str()).collect();
    format!(" with fixed effects of {}", joined(&names, "and"))
}

/// Standard errors, clusters and weights in words, for `explain`.
pub(super) fn describe_se(se: Variance, clusters: Option<&Name>, weights: Option<&Name>) -> String {
    let se = SE.iter().find(|(_, v)| *v == se).map_or("", |(name, _)| name);
    let clusters = clusters.map_or(String::new(), |c| format!(" clustered by `{}`", c.text));
    let weights = weights.map_or(String::new(), |w| format!(", weighted by `{}`", w.text));
    format!("{se} standard errors{clusters}{weights}")
}

/// The fit.
pub(super) struct Ols {
    /// The standard error.
    pub variance: Variance,
}

impl Fit for Ols {
    fn fit(
        &self,
        model: &Model,
        ws: &mut Workspace,
        give: &mut dyn FnMut(usize, Result<Coef, Failure>),
    ) -> Result<Fitted, Failure> {
        let n = ws.size(model.rows);
        let Workspace { columns, runs, model: scratch, ols, .. } = ws;
        let rows = model.rows(scratch, columns, runs, n);
        let wanted = Targets::Some(&scratch.targets);
        let fit = ols::fit_shaped(&rows, scratch.shape, self.variance, wanted, ols)?;
        for (i, &column) in scratch.targets.iter().enumerate() {
            let coef = Coef {
                estimate: fit.beta[column],
                std_error: fit.std_error[column],
                df: fit.df[column],
            };
            give(i, if fit.kept[column] { Ok(coef) } else { Err(Failure::TermDropped) });
        }
        Ok(Fitted { n_obs: fit.n_obs, boundary: false })
    }

    fn details(&self, model: &Model, ws: &mut Workspace) -> Result<Details, Failure> {
        let n = ws.size(model.rows);
        let Workspace { columns, runs, model: scratch, ols, .. } = ws;
        let rows = model.rows(scratch, columns, runs, n);
        let fit = ols::fit_shaped(&rows, scratch.shape, self.variance, Targets::All, ols)?;
        let mut numbers = vec![("sigma", fit.sigma())];
        numbers.extend(fit.r_squared().map(|r| ("r_squared", r)));
        numbers.extend(fit.adj_r_squared().map(|r| ("adj_r_squared", r)));
        if fit.n_fixed > 0 {
            numbers.extend(fit.r_squared_within().map(|r| ("proj_r_squared", r)));
            numbers.push(("n_fixed", fit.n_fixed as f64));
        }
        numbers.push(("rss", fit.rss));
        numbers.push(("df_residual", fit.df_residual()));
        numbers.push(("rank", fit.rank as f64));
        if self.variance.is_clustered() {
            numbers.push(("n_clusters", fit.n_clusters as f64));
        }
        let joint = fit.f_statistic(&mut Vec::new());
        let tests = joint.map(|wald| Test::f("all coefficients but the intercept", &wald));
        let tests = tests.into_iter().collect();
        let (kept, vcov) = (fit.kept.to_vec(), fit.vcov.to_vec());
        Ok(Details { numbers, tests, kept, vcov, ..Details::default() })
    }
}
