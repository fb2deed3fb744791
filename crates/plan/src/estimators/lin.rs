//! Least squares with covariates around their means and in interaction with the treatment, as
//! estimatr's `lm_lin`: covariates help, and can not hurt, in large samples.
//!
//! # Fields
//! - `formula`: the outcome and the treatment, `"y ~ z"`. A treatment with more than two
//!   conditions gets an indicator for each but the first. `"cbind(a, b) ~ z"` has several outcomes,
//!   as in `LmRobust`.
//! - `covariates`: the covariates, as the right side of a formula: `"x + factor(g)"`.
//! - `se`, `clusters`, `weights`, `hypotheses`, `joint`: as for `LmRobust`.
//!
//! # Formula
//! `y ~ z + (x - m) + z (x - m)`, `m` the mean of `x` over the rows of the model, weighted where
//! they are. The coefficient of `z` is the estimated average effect. Coefficients are named
//! `z`, `x_c`, `z:x_c`, and `(x:w)_c` for products of covariates.
//!
//! # Assumptions
//! The covariates were not affected by the treatment. The standard errors take their means for
//! known, which is right for the effect in the sample.
//!
//! # When it fails
//! As `LmRobust`: `term_dropped` where a condition has fewer units than it takes to tell the
//! covariates apart, `no_residual_df` where units are too few.
//!
//! # Example
//! ```ron
//! Estimator(label: "Lin", estimand: ate, term: z,
//!     method: Lin(formula: "y ~ z", covariates: "pretest + factor(school)", se: HC2)),
//! ```
//!
//! # References
//! Lin 2013, Annals of Applied Statistics 7:295. Freedman 2008, Advances in Applied Mathematics
//! 40:180. Blair, Cooper, Coppock, Humphreys and Sonnet, estimatr.

use trialrun_lang::{Diagnostic, ExprKind, Formula, Term};

use super::Declared;
use super::build::{self, Beside};
use super::contrast::conditions_of;
use super::estimation::Fit;
use super::hypotheses::Hypotheses;
use super::lm_robust::Ols;
use super::model::{Model, Part};
use super::resolve::{self, Resolved, ResolvedTerm};
use super::robust::Robust;
use crate::compile::Compiler;
use crate::declared::{Fields, Reader, Text};
use crate::functions::Fun;
use crate::ids::LevelId;

/// Lin's estimator, as declared.
#[derive(Clone, Debug)]
pub struct Lin {
    formula: Text,
    covariates: Text,
    robust: Robust,
    hypotheses: Hypotheses,
}

impl Declared for Lin {
    fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let formula = f.required(r, "formula", Reader::text);
        let covariates = f.required(r, "covariates", Reader::text);
        let robust = Robust::read(r, f);
        let hypotheses = Hypotheses::read(r, f);
        let (formula, covariates) = (formula?, covariates?);
        Some(Self { formula, covariates, robust: robust?, hypotheses: hypotheses? })
    }

    fn compile(&self, cx: &mut Compiler<'_>, level: LevelId) -> Option<(Model, Box<dyn Fit>)> {
        let formula = resolve::parse(cx, &self.formula);
        let covariates = self.parse_covariates(cx);
        let (mut formula, covariates) = (formula?, covariates?);
        if treatment(cx, &mut formula, level).is_none() {
            // What is wrong with the covariates is told all the same.
            resolve::resolve_terms(cx, true, &covariates, &resolve::context(level));
            return None;
        }
        formula.terms.extend(covariates);
        let resolved = resolve::resolve_several(cx, &formula, level);
        let resolved = resolved.map(|resolved| interacted(cx, resolved));
        let beside = Beside { weights: self.robust.weights.as_ref(), ..Beside::default() };
        let model = build::assemble(cx, resolved, level, &self.robust.groups(), beside)?;
        let model = model.with_hypotheses(&self.hypotheses);
        Some((model, Box::new(Ols { variance: self.robust.se })))
    }

    fn describe(&self) -> String {
        let se = self.robust.describe();
        let covariates = self.covariates.text.trim_start_matches(['~', ' ']);
        format!(
            "least squares of `{}` with the covariates `{covariates}` around their means, \
             interacted, and {se}",
            self.formula.text
        )
    }
}

impl Lin {
    /// The terms of the covariates.
    fn parse_covariates(&self, cx: &mut Compiler<'_>) -> Option<Vec<Term>> {
        match self.covariates.places.parse_terms(&self.covariates.text) {
            Ok((true, terms)) if !terms.is_empty() => Some(terms),
            Ok((true, _)) => {
                let error = Diagnostic::error(self.covariates.span, "there is no covariate")
                    .label("expected a variable")
                    .hint("without covariates it is `LmRobust` or `DifferenceInMeans`");
                cx.report(error);
                None
            }
            Ok((false, _)) => {
                let message = "covariates around their means need the intercept";
                let error = Diagnostic::error(self.covariates.span, message);
                cx.report(error.label("removes the intercept").hint("leave the `0` out"));
                None
            }
            Err(errors) => {
                cx.diagnostics.extend(errors);
                None
            }
        }
    }
}

/// Checks that the formula has one variable on its right side, and makes it categorical where it
/// is not 0 and 1.
fn treatment(cx: &mut Compiler<'_>, formula: &mut Formula, level: LevelId) -> Option<()> {
    resolve::no_random_effects(cx, formula, "Lin")?;
    resolve::no_instruments(cx, formula, "Lin")?;
    if !formula.intercept || formula.terms.len() != 1 || formula.terms[0].factors.len() != 1 {
        let error = Diagnostic::error(formula.span, "`Lin` has one treatment in its formula")
            .label("expected one variable on the right side")
            .hint("write `formula: \"y ~ z\"`, and the others in `covariates`");
        cx.report(error);
        return None;
    }
    let factor = &mut formula.terms[0].factors[0];
    let variable = cx.lower(&factor.expr, &resolve::context(level), &mut 0)?;
    let name = match &factor.expr.kind {
        ExprKind::Name(name) => Some(name.as_str()),
        _ => None,
    };
    let conditions = conditions_of(cx, variable, name);
    let indicator =
        conditions.len() == 2 && [0.0, 1.0].iter().zip(&conditions).all(|(v, c)| c.value == *v);
    factor.categorical |= variable.labels.is_none() && !indicator;
    Some(())
}

/// Marks the covariates, and adds the products of the treatment with each of them.
fn interacted(cx: &mut Compiler<'_>, mut resolved: Resolved) -> Resolved {
    let treatment = resolved.terms[0].clone();
    let mut products = Vec::new();
    for covariate in &mut resolved.terms[1..] {
        covariate.centred_from = Some(0);
        let n_factors = treatment.factors.len();
        let shifted = covariate.parts.iter().map(|part| match part {
            Part::Factor(f) => Part::Factor(f + n_factors),
            Part::Numeric(label) => Part::Numeric(label.clone()),
        });
        let numeric = match (treatment.numeric, covariate.numeric) {
            (Some(a), Some(b)) => Some(cx.map(Fun::Mul, vec![a, b], resolved.span)),
            (a, b) => a.or(b),
        };
        products.push(ResolvedTerm {
            parts: treatment.parts.iter().cloned().chain(shifted).collect(),
            numeric,
            factors: [treatment.factors.as_slice(), &covariate.factors].concat(),
            centred_from: Some(treatment.parts.len()),
        });
    }
    resolved.terms.extend(products);
    resolved
}
