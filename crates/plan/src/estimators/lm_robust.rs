//! Least squares with robust standard errors, as estimatr's `lm_robust`.
//!
//! # Fields
//! - `formula`: the model, such as `"score ~ treatment + pretest"`. Categorical variables and
//!   `factor(x)` get treatment contrasts, as in R. `"cbind(score, absence) ~ treatment"` has
//!   several outcomes, with rows of results for each. They share the model matrix, which is
//!   factorised once; each has the results of its own fit to the rows that lack none of them.
//!   `cbind(early = log(y1), late = log(y2))` names them.
//! - `se`: the standard error. Without clusters `classical`, `HC0`, `HC1`, `HC2` (the default) or
//!   `HC3`, with `n - k` degrees of freedom. With clusters `CR0` or `Stata`, with clusters - 1
//!   degrees of freedom, or `CR2` (the default), with the Satterthwaite degrees of freedom of Bell
//!   and McCaffrey for each coefficient.
//! - `clusters`: a level or a variable; or a list of up to four, such as `[school, teacher]`, for
//!   clusters of several ways: observations may depend on each other where they share a school, a
//!   teacher, or both. Then `se` is `Stata` (the default) or `CR0`; see below.
//! - `weights`: a variable.
//! - `fixed_effects`: a list of levels or variables, such as `[block]`. Each of their values has a
//!   coefficient of its own, which is not reported. Everything else is as with `factor(block)` in
//!   the formula, degrees of freedom and leverages included, at a fraction of the cost. With
//!   weights CR2 is not to be had.
//!
//! - `hypotheses`: linear hypotheses, such as `["treatment2 - treatment1 = 0", "2*x + z = 1"]`.
//!   Each is a row of results, its text the term: what stands on the left, with coefficients on the
//!   right moved over, is estimated, and tested against the number on the right (0 without `=`).
//!   Without `term` they are all that is reported. A name that has a sign or a space in it stands
//!   in back-ticks. `CR2` has the Satterthwaite degrees of freedom of the combination itself.
//! - `joint`: lists of hypotheses, such as `[["z1", "z2"]]`, each list one test that all of them
//!   are true: F, with `CR2` the approximate Hotelling test of Pustejovsky and Tipton (`HTZ` of
//!   clubSandwich). It is a row of results with the name `joint(z1, z2)`, as in `Expect(term:
//!   "joint(z1, z2)", diagnosand: power, ...)`. It has a p-value and no estimate: its diagnosands
//!   are `power`, `mean_df` (of the denominator), `failures` and your own of `p_value`.
//!
//! # Formula
//! `b = (X'WX)^-1 X'Wy`. `HC2` divides the squared residuals by `1 - h`, `h` the leverage; `CR2`
//! multiplies the residuals of each cluster by `(I - H)^(-1/2)`, so that the variance is unbiased
//! where the errors are independent and alike. Collinear columns are dropped as estimatr does.
//!
//! Clusters of two ways have `V = V_1 + V_2 - V_12`, each the variance of one way, `V_12` that of
//! their intersections; more ways go on like that. With `Stata` each part has its own factor
//! `G / (G - 1) (n - 1) / (n - k)`, as in sandwich's `vcovCL`; fixest and Stata's reghdfe take the
//! smallest `G` for all. The degrees of freedom are the smallest number of clusters minus one. A
//! variance found in this way can be below zero. Such a fit is a failure, `negative_variance`,
//! which reports count: to replace negative eigenvalues by zero (Cameron et al., section 2.3)
//! would make the result hang on the units in which predictors are measured. With few clusters in
//! either way the intervals are too short; the design `two-way-clusters` of the gallery shows how
//! much. `CR2` and bootstraps have one way.
//!
//! # Example
//! ```ron
//! Estimator(label: "Student average", estimand: ate, term: treatment,
//!     method: LmRobust(formula: "average_score ~ treatment", clusters: class, se: CR2)),
//! ```
//!
//! # References
//! MacKinnon and White 1985, Journal of Econometrics 29:305. Bell and McCaffrey 2002, Survey
//! Methodology 28:169. Cameron, Gelbach and Miller 2011, Journal of Business and Economic
//! Statistics 29:238. Pustejovsky and Tipton 2018, Journal of Business and Economic Statistics
//! 36:672. Blair, Cooper, Coppock, Humphreys and Sonnet, estimatr.

use trialrun_stats::Failure;
use trialrun_stats::ols::{self, Targets, Variance};

use super::Declared;
use super::build::{self, Beside};
use super::details::{Details, Joint, Test};
use super::estimation::{Coef, Fit, Fitted};
use super::hypotheses::Hypotheses;
use super::model::Model;
use super::resolve;
use super::robust::Robust;
use crate::compile::Compiler;
use crate::declared::{Fields, Reader, Text};
use crate::exec::Workspace;
use crate::ids::LevelId;

/// Least squares with robust standard errors, as declared.
#[derive(Clone, Debug)]
pub struct LmRobust {
    formula: Text,
    robust: Robust,
    hypotheses: Hypotheses,
}

impl Declared for LmRobust {
    fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let formula = f.required(r, "formula", Reader::text);
        let robust = Robust::read_with_fixed(r, f);
        let hypotheses = Hypotheses::read(r, f);
        Some(Self { formula: formula?, robust: robust?, hypotheses: hypotheses? })
    }

    fn compile(&self, cx: &mut Compiler<'_>, level: LevelId) -> Option<(Model, Box<dyn Fit>)> {
        let mut formula = resolve::parse(cx, &self.formula)?;
        resolve::no_random_effects(cx, &formula, "LmRobust")?;
        resolve::no_instruments(cx, &formula, "LmRobust")?;
        // Fixed effects have the place of the intercept, by which factors are coded.
        let Robust { se: variance, weights, fixed, .. } = &self.robust;
        formula.intercept |= !fixed.is_empty();
        let mut resolved = resolve::resolve_several(cx, &formula, level);
        if let Some(resolved) = &mut resolved {
            resolved.intercept &= fixed.is_empty();
        }
        let beside = Beside { weights: weights.as_ref(), fixed, ..Beside::default() };
        let model = build::assemble(cx, resolved, level, &self.robust.groups(), beside)?;
        let model = model.with_hypotheses(&self.hypotheses);
        Some((model, Box::new(Ols { variance: *variance })))
    }

    fn describe(&self) -> String {
        let (se, fixed) = (self.robust.describe(), self.robust.describe_fixed());
        format!("least squares of `{}`{fixed} with {se}", self.formula.text)
    }
}

/// The fit.
pub(super) struct Ols {
    /// The standard error.
    pub variance: Variance,
}

/// A coefficient, where it was kept and has a variance.
fn reported(coef: Coef, kept: bool, is_negative: bool) -> Result<Coef, Failure> {
    match (kept, is_negative) {
        (false, _) => Err(Failure::TermDropped),
        (true, true) => Err(Failure::NegativeVariance),
        (true, false) => Ok(coef),
    }
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
        let wanted = Targets::Contrasts(&scratch.targets, &scratch.contrasts);
        // The predictors are the same for every outcome.
        let fit = if scratch.is_factorised { ols::fit_outcome } else { ols::fit_shaped };
        let fit = fit(&rows, scratch.shape, self.variance, wanted, ols)?;
        scratch.is_factorised = true;
        for (i, &column) in scratch.targets.iter().enumerate() {
            let coef = Coef {
                estimate: fit.beta[column],
                std_error: fit.std_error[column],
                df: fit.df[column],
            };
            give(i, reported(coef, fit.kept[column], fit.is_negative[column]));
        }
        for (i, c) in fit.contrasts.iter().enumerate() {
            let coef = Coef { estimate: c.estimate, std_error: c.std_error, df: c.df };
            give(scratch.targets.len() + i, reported(coef, c.kept, c.is_negative));
        }
        Ok(Fitted { n_obs: fit.n_obs, boundary: false })
    }

    fn is_linear(&self) -> bool {
        true
    }

    fn least_squares(&self) -> Option<Variance> {
        Some(self.variance)
    }

    fn hotelling_df(&self, model: &Model, ws: &mut Workspace, contrasts: &[f64]) -> Option<f64> {
        let n = ws.size(model.rows);
        let Workspace { columns, runs, model: scratch, ols, .. } = ws;
        let rows = model.rows(scratch, columns, runs, n);
        ols::hotelling_df(&rows, scratch.shape, contrasts, ols).ok().flatten()
    }

    fn joint(&self, df: f64) -> Joint {
        if self.variance == Variance::Cr2 { Joint::Hotelling } else { Joint::F(df) }
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
        let df = if self.variance.is_clustered() {
            fit.n_clusters as f64 - 1.0
        } else {
            fit.df_residual()
        };
        let tested = self.joint(df);
        let joint = fit.f_statistic(&mut Vec::new());
        let tests = joint.map(|wald| Test::f("all coefficients but the intercept", &wald));
        let tests = tests.into_iter().collect();
        let (kept, vcov) = (fit.kept.to_vec(), fit.vcov.to_vec());
        Ok(Details { numbers, tests, kept, vcov, joint: tested, ..Details::default() })
    }
}
