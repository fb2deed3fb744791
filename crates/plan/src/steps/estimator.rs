//! An estimator: a model of the current rows, and the coefficients that answer the question.
//!
//! # Fields
//! - `label`: its name in reports.
//! - `estimand`: the label of the estimand that it targets; without it there is no bias and no
//!   coverage, only power and the like. A list, `[ate, att]`, holds each estimate against several:
//!   the model is fitted once, and each term has a row for each estimand. With several outcomes it
//!   says which are of which: `{ score: ate_score, absence: [ate_absence, att_absence] }`.
//! - `term`: the coefficient that is reported: a name as R writes it, a list, or `All`. By default
//!   the first that is not the intercept.
//! - `method`: how it estimates: `DifferenceInMeans(...)`, `Glm(...)`, `Lin(...)`, `LmRobust(...)`,
//!   `Lmer(...)`.
//! - `level`: the level whose units are its rows; the current rows if it is left out.
//! - `inference`: how test and interval are made, where not by the method alone: `Bootstrap(...)`,
//!   `Randomisation(...)`, `WildCluster(...)`.
//! - `subset`: an expression; only rows where it holds are used, such as `"age > 40 & arm != 'b'"`.
//!
//! # Example
//! ```ron
//! Estimator(label: "Student average", estimand: ate, term: treatment,
//!     method: LmRobust(formula: "average_score ~ treatment", clusters: class)),
//! ```

use std::sync::Arc;

use trialrun_lang::{Diagnostic, Span};
use trialrun_stats::special::student_t::Critical;

use super::{Declared, all_of};
use crate::compile::{Compiler, Context, Declares};
use crate::declared::{Fields, Name, Node, Reader, Scalar, joined};
use crate::estimators::hypotheses::Contrast;
use crate::estimators::model::Model;
use crate::estimators::{Estimands, Estimation, Fit, JointTest, Method, Target, Terms, targets};
use crate::ids::LevelId;
use crate::inference::{Infer, Inference};
use crate::rows::{Aim, EstimatorInfo};

/// An estimator, as declared.
#[derive(Clone, Debug)]
pub struct Estimator {
    label: Name,
    estimands: Estimands,
    term: Option<Terms>,
    term_span: Span,
    method: Method,
    level: Option<Name>,
    subset: Option<Scalar>,
    inference: Option<Inference>,
}

impl Declared for Estimator {
    fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let label = f.required(r, "label", Reader::name);
        let estimands = f.take(r, "estimand");
        let estimands = Estimands::read(r, estimands);
        let node = f.take(r, "term");
        let term = node.map(|node| read_terms(r, node));
        let term_span = node.map_or(f.span, |n| n.span);
        let method = f.required(r, "method", Method::read);
        let level = f.optional(r, "level", Reader::identifier);
        let subset = f.optional(r, "subset", Reader::scalar);
        let inference = f.take(r, "inference").map(|node| Inference::read(r, node));
        let inference = match inference {
            None => None,
            Some(inference) => Some(inference?),
        };
        let term = match term {
            None => None,
            Some(term) => Some(term?),
        };
        let (label, estimands, method) = (label?, estimands?, method?);
        Some(Self { label, estimands, term, term_span, method, level, subset, inference })
    }

    fn compile(&self, cx: &mut Compiler<'_>) {
        if self.is_taken(cx) {
            return;
        }
        cx.estimator_spans.insert(self.label.text.clone(), self.label.span);
        self.estimands.report_unknown(cx);
        let Some(level) = cx.level_or_frame(self.level.as_ref()) else { return };
        let Some((model, fit)) = self.compile_method(cx, level) else { return };
        let outcomes: Vec<String> = model.outcomes.iter().map(|own| own.label.clone()).collect();
        let Some((aims, compiled)) = self.estimands.compile(cx, &outcomes) else { return };
        let Some(reported) = self.reported(cx, &model, &*fit) else { return };
        let Reported { targets, terms, contrasts, joint } = reported;
        let reported = (targets.as_slice(), contrasts.as_slice());
        let Some(inference) = self.compile_inference(cx, &model, &*fit, reported) else { return };
        let from_data = cx.data.is_some();
        let hypotheses = &model.hypotheses;
        let n_single = hypotheses.single.len().min(contrasts.len());
        let tests = if from_data { Vec::new() } else { hypotheses.joint_labels() };
        let first_row = cx.estimators.iter().map(EstimatorInfo::n_rows).sum();
        cx.estimators.push(EstimatorInfo {
            label: self.label.text.clone(),
            joint: joint_rows(&outcomes, &tests),
            aims,
            terms,
            reports_all: matches!(self.term, Some(Terms::All)),
            first_row,
            level,
            span: self.label.span,
        });
        let critical = Critical::new(cx.alpha);
        let aims = compiled;
        let estimation = Arc::new(Estimation {
            model,
            fit,
            targets,
            contrasts,
            n_single,
            joint,
            aims,
            first_row,
            critical,
            inference,
        });
        cx.estimations.push(Arc::clone(&estimation));
        if !from_data {
            cx.push(estimation);
        }
    }

    fn declares(&self) -> Vec<(Declares, Name)> {
        all_of(Declares::Estimator, [self.label.clone()])
    }

    fn describe(&self) -> String {
        let target = match self.estimands.labels().as_slice() {
            [] => String::new(),
            labels => format!(" of {}", joined(labels, "and")),
        };
        let subset = match &self.subset {
            Some(subset) => format!(", where `{subset}`"),
            None => String::new(),
        };
        let method = self.method.describe();
        let inference = match &self.inference {
            Some(inference) => format!(", with {}", inference.describe()),
            None => String::new(),
        };
        format!("the estimator \"{}\"{target}: {method}{subset}{inference}", self.label.text)
    }
}

/// A term, a list of terms, or `All`.
fn read_terms(r: &mut Reader, node: Node<'_>) -> Option<Terms> {
    if node.text == "All" {
        return Some(Terms::All);
    }
    let names = r.list(node, Reader::name)?;
    if names.is_empty() {
        r.error(
            Diagnostic::error(node.span, "expected a term")
                .label("no term")
                .hint("name a coefficient, as in `term: treatment`, or write `term: All`"),
        );
        return None;
    }
    Some(Terms::Some(names))
}

/// What an estimator reports.
struct Reported {
    targets: Vec<Target>,
    /// The names of coefficients and hypotheses.
    terms: Vec<String>,
    contrasts: Vec<Contrast>,
    joint: Vec<JointTest>,
}

/// The rows of joint tests: for each outcome, each test.
fn joint_rows(outcomes: &[String], tests: &[String]) -> Vec<(Aim, String)> {
    let row = |outcome: &String, test: &String| {
        (Aim { outcome: outcome.clone(), estimand: None }, test.clone())
    };
    outcomes.iter().flat_map(|outcome| tests.iter().map(|test| row(outcome, test))).collect()
}

impl Estimator {
    /// Whether the label stands for something else; reports it if it does.
    fn is_taken(&self, cx: &mut Compiler<'_>) -> bool {
        let label = &self.label.text;
        let error = if let Some(first) = cx.estimator_spans.get(label).copied() {
            Diagnostic::error(self.label.span, format!("estimator `{label}` is defined twice"))
                .label("defined again here")
                .related(first, "first defined here")
        } else if let Some(family) = cx.families.iter().find(|family| family.label == *label) {
            Diagnostic::error(self.label.span, format!("the label \"{label}\" is taken"))
                .label("a label of its own is needed")
                .related(family.span, "it stands for this family")
        } else {
            return false;
        };
        cx.report(error);
        true
    }

    /// The model, on the rows of the subset, and how it is fitted.
    fn compile_method(
        &self,
        cx: &mut Compiler<'_>,
        level: LevelId,
    ) -> Option<(Model, Box<dyn Fit>)> {
        if let Some(subset) = &self.subset {
            let context = Context::at(level).without_draws(
                "a subset has no draws of its own: declare the draw as a variable, and name it",
            );
            cx.subset = Some(cx.scalar(subset, &context)?.id);
        }
        cx.single_rows = self.inference.as_ref().is_some_and(Inference::needs_single_rows);
        let compiled = self.method.compile(cx, level);
        (cx.subset, cx.single_rows) = (None, false);
        compiled
    }

    /// What it reports; what can not be reported is told.
    fn reported(&self, cx: &mut Compiler<'_>, model: &Model, fit: &dyn Fit) -> Option<Reported> {
        let from_data = cx.data.is_some();
        let hypotheses = &model.hypotheses;
        let needs_targets =
            !from_data || self.inference.as_ref().is_some_and(Inference::needs_targets);
        let asks_only = self.term.is_none() && !hypotheses.single.is_empty();
        let nothing = !needs_targets || asks_only;
        let found = if nothing { Some(Vec::new()) } else { self.targets(cx, model) };
        let made = match needs_targets {
            true => hypotheses.compile(cx, model, fit),
            false => Some(Default::default()),
        };
        let (found, (contrasts, joint)) = (found?, made?);
        for (target, _) in &found {
            if let Some(reason) = fit.refuses(model, target) {
                let error = Diagnostic::error(self.term_span, reason).label("can not be reported");
                cx.report(error.hint("name another `term`"));
                return None;
            }
        }
        let (targets, mut terms): (Vec<_>, Vec<String>) = found.into_iter().unzip();
        if from_data {
            terms = self.wanted();
        }
        terms.extend(hypotheses.labels());
        Some(Reported { targets, terms, contrasts, joint })
    }

    /// What is done with each fit, if anything is; none where it can not be.
    fn compile_inference(
        &self,
        cx: &mut Compiler<'_>,
        model: &Model,
        fit: &dyn Fit,
        reported: (&[Target], &[Contrast]),
    ) -> Option<Option<Box<dyn Infer>>> {
        let Some(wish) = &self.inference else { return Some(None) };
        wish.compile(cx, &self.label.text, model, fit, reported).map(Some)
    }

    /// The names of the terms, none where they are not given.
    fn wanted(&self) -> Vec<String> {
        match &self.term {
            Some(Terms::Some(names)) => names.iter().map(|n| n.text.clone()).collect(),
            _ => Vec::new(),
        }
    }

    fn targets(&self, cx: &mut Compiler<'_>, model: &Model) -> Option<Vec<(Target, String)>> {
        targets(cx, model, self.term.as_ref(), self.term_span)
    }
}
