//! Two-stage least squares with robust standard errors, as estimatr's `iv_robust`.
//!
//! # Fields
//! - `formula`: the model and, after a bar, the instruments: `"y ~ d + x | z + x"`. Variables that
//!   are not affected by others of the model stand on both sides.
//! - `se`, `clusters`, `weights`, `fixed_effects`, `hypotheses`, `joint`: as for `LmRobust`.
//!
//! # Formula
//! `b = (X'PX)^-1 X'Py`, `P` the projection on the instruments. Residuals are `y - Xb`; standard
//! errors and leverages are made with `PX` in the place of `X`, degrees of freedom as for
//! `LmRobust`. The fit holds tests: `first stage of d`, whether the instruments that are not in
//! the model predict `d` (F, with the standard errors of the fit); `endogeneity` (Wu-Hausman, F);
//! `overidentification`, where there are more instruments than it takes: Sargan's chi-squared with
//! `classical` standard errors, Wooldridge's score test with robust ones; with clusters there is
//! none.
//!
//! # Assumptions
//! The instruments affect the outcome through the model's variables only, and predict them. With
//! one binary instrument and take-up the estimate is the effect on compliers (Angrist, Imbens and
//! Rubin 1996) where no one does the opposite of what is assigned.
//!
//! # When it fails
//! `under_identified`: the instruments do not tell the predictors apart, as where no one takes up
//! the treatment. A model with fewer instruments than coefficients is refused at once.
//!
//! # Example
//! ```ron
//! Estimator(label: "Effect on compliers", estimand: cace, term: took_up,
//!     method: IvRobust(formula: "score ~ took_up + pretest | offered + pretest", se: HC2)),
//! ```
//!
//! # References
//! Angrist, Imbens and Rubin 1996, Journal of the American Statistical Association 91:444.
//! Wooldridge 2010, Econometric Analysis of Cross Section and Panel Data, chapter 5. Blair, Cooper,
//! Coppock, Humphreys and Sonnet, estimatr.

use trialrun_lang::{Diagnostic, Formula};
use trialrun_stats::Failure;
use trialrun_stats::ols::{Variance, instrument_tests};

use super::Declared;
use super::build::{self, Beside};
use super::details::{Details, Joint, Test};
use super::estimation::{Coef, Fit, Fitted};
use super::hypotheses::Hypotheses;
use super::lm_robust::Ols;
use super::model::{Model, Part};
use super::resolve::{self, ResolvedTerm};
use super::robust::Robust;
use crate::compile::Compiler;
use crate::declared::{Fields, Reader, Text};
use crate::exec::Workspace;
use crate::ids::LevelId;

/// Two-stage least squares, as declared.
#[derive(Clone, Debug)]
pub struct IvRobust {
    formula: Text,
    robust: Robust,
    hypotheses: Hypotheses,
}

impl Declared for IvRobust {
    fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let formula = f.required(r, "formula", Reader::text);
        let robust = Robust::read_with_fixed(r, f);
        let hypotheses = Hypotheses::read(r, f);
        Some(Self { formula: formula?, robust: robust?, hypotheses: hypotheses? })
    }

    fn compile(&self, cx: &mut Compiler<'_>, level: LevelId) -> Option<(Model, Box<dyn Fit>)> {
        let mut formula = resolve::parse(cx, &self.formula)?;
        resolve::no_random_effects(cx, &formula, "IvRobust")?;
        let Some((mut intercept, instruments)) = formula.instruments.take() else {
            let error = Diagnostic::error(formula.span, "`IvRobust` needs instruments")
                .label("expected a second part, after a bar")
                .hint("write `y ~ d | z`; without instruments it is `LmRobust`");
            cx.report(error);
            return None;
        };
        let Robust { se, weights, fixed, .. } = &self.robust;
        let absorbed = !fixed.is_empty();
        // Fixed effects have the place of the intercepts, by which factors are coded.
        formula.intercept |= absorbed;
        intercept |= absorbed;
        let resolved = resolve::resolve(cx, &formula, level);
        let context = resolve::context(level);
        let terms = resolve::resolve_terms(cx, intercept, &instruments, &context);
        let (mut resolved, terms) = (resolved?, terms?);
        enough(cx, &formula, &resolved.terms, (intercept, &terms))?;
        resolved.intercept &= !absorbed;
        let beside = Beside {
            weights: weights.as_ref(),
            instruments: Some((intercept && !absorbed, terms)),
            fixed,
            subset: None,
        };
        let model = build::assemble(cx, Some(resolved), level, &self.robust.groups(), beside)?;
        let model = model.with_hypotheses(&self.hypotheses);
        Some((model, Box::new(TwoStage { second: Ols { variance: *se } })))
    }

    fn describe(&self) -> String {
        let (se, fixed) = (self.robust.describe(), self.robust.describe_fixed());
        format!("two-stage least squares of `{}`{fixed} with {se}", self.formula.text)
    }
}

/// Refuses a model with fewer instruments than coefficients, where the formula tells their number.
fn enough(
    cx: &mut Compiler<'_>,
    formula: &Formula,
    terms: &[ResolvedTerm],
    instruments: (bool, &[ResolvedTerm]),
) -> Option<()> {
    let columns = |intercept: bool, terms: &[ResolvedTerm]| {
        let plain = terms.iter().all(|t| t.factors.is_empty());
        plain.then_some(usize::from(intercept) + terms.len())
    };
    let n = columns(formula.intercept, terms);
    let q = columns(instruments.0, instruments.1);
    let (n, q) = match n.zip(q) {
        Some((n, q)) if q < n => (n, q),
        _ => return Some(()),
    };
    let message = format!("{q} instruments can not tell {n} coefficients apart");
    let error = Diagnostic::error(formula.span, message)
        .label("each coefficient takes an instrument; the intercepts count")
        .hint("name more instruments after the bar, and each variable that is its own there too");
    cx.report(error);
    None
}

/// The fit.
struct TwoStage {
    second: Ols,
}

impl Fit for TwoStage {
    fn fit(
        &self,
        model: &Model,
        ws: &mut Workspace,
        give: &mut dyn FnMut(usize, Result<Coef, Failure>),
    ) -> Result<Fitted, Failure> {
        self.second.fit(model, ws, give)
    }

    fn hotelling_df(&self, model: &Model, ws: &mut Workspace, contrasts: &[f64]) -> Option<f64> {
        self.second.hotelling_df(model, ws, contrasts)
    }

    fn joint(&self, df: f64) -> Joint {
        self.second.joint(df)
    }

    fn details(&self, model: &Model, ws: &mut Workspace) -> Result<Details, Failure> {
        let mut details = self.second.details(model, ws)?;
        let n = ws.size(model.rows);
        let rows = model.rows(&ws.model, &ws.columns, &ws.runs, n);
        let variance = self.second.variance;
        // Tests that can not be made are left out; the fit stands without them.
        let Ok(found) = instrument_tests(&rows, ws.model.shape, variance) else {
            return Ok(details);
        };
        for (column, wald) in found.first_stage {
            let name = format!("first stage of {}", predictor(model, ws, column));
            details.tests.extend(wald.map(|wald| Test::f(name, &wald)));
        }
        let wald = found.endogeneity.map(|wald| Test::f("endogeneity (Wu-Hausman)", &wald));
        details.tests.extend(wald);
        let kind = if variance == Variance::Classical { "Sargan" } else { "score" };
        let name = format!("overidentification ({kind})");
        details.tests.extend(found.overidentification.map(|v| Test::chi_squared(name, v)));
        Ok(details)
    }
}

/// The name of a predictor: that of its term, with the place of its category where it has one.
fn predictor(model: &Model, ws: &Workspace, column: usize) -> String {
    let starts = &ws.model.starts;
    let term = starts.partition_point(|start| *start <= column) - 1;
    let part = |part: &Part| match part {
        Part::Numeric(label) => label.clone(),
        Part::Factor(f) => model.terms[term].factors[*f].label.clone(),
    };
    let label: Vec<String> = model.terms[term].parts.iter().map(part).collect();
    match starts[term + 1] - starts[term] {
        1 => label.join(":"),
        _ => format!("{} ({})", label.join(":"), column - starts[term] + 1),
    }
}
