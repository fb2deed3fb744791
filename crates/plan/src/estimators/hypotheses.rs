//! Linear hypotheses about the coefficients of a model.
//!
//! The fields of `LmRobust`, `IvRobust`, `Lin`, `Lmer`, `Glm` and `Glmer`:
//! - `hypotheses`: a list such as `["treatment2 - treatment1 = 0", "2*x + z = 1"]`. Each is a row
//!   of results, its text the term. The estimate is the combination on the left, which an estimand
//!   may stand for, with everything on the right that is no number moved to the left; the test is
//!   that it equals the number on the right (0 without `=`).
//! - `joint`: a list of lists, such as `[["z1", "z2"]]`. Each is one test that all of its
//!   hypotheses are true: a row of results with the name `joint(z1, z2)`, which has a p-value and
//!   no estimate. `estimate` reports it with the fit.
//!
//! With `scale: Response` they are about average marginal effects: a term stands for its effect.

use trialrun_lang::{Diagnostic, Hypothesis};
use trialrun_stats::Failure;
use trialrun_stats::ols::inverse_form;

use super::details::{Details, Joint, Test};
use super::estimation::{Fit, Target};
use super::joint::{self, JointTest, Tested};
use super::model::{Model, ModelScratch};
use super::terms::find;
use crate::compile::Compiler;
use crate::declared::{Fields, Name, Node, Reader, Text};
use crate::result::Row;

/// Hypotheses, as declared.
#[derive(Clone, Debug, Default)]
pub struct Hypotheses {
    /// Each a row of results.
    pub single: Vec<Stated>,
    /// Each a test of all of its hypotheses.
    pub joint: Vec<Vec<Stated>>,
}

/// A hypothesis, as stated.
#[derive(Clone, Debug)]
pub struct Stated {
    text: String,
    hypothesis: Hypothesis,
}

/// A compiled hypothesis: a combination of coefficients and its value.
pub struct Contrast {
    /// The coefficients with their factors.
    pub parts: Vec<(Target, f64)>,
    /// The value under the hypothesis.
    pub value: f64,
}

impl Hypotheses {
    /// Reads the fields `hypotheses` and `joint`.
    pub fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let single = f.take(r, "hypotheses").map_or(Some(Vec::new()), |node| read_list(r, node));
        let joint = f.take(r, "joint").map_or(Some(Vec::new()), |node| read_joint(r, node));
        Some(Self { single: single?, joint: joint? })
    }

    /// The hypotheses that have rows, as they are written.
    pub fn labels(&self) -> Vec<String> {
        self.single.iter().map(|stated| stated.text.clone()).collect()
    }

    /// Every name of a coefficient.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let all = self.single.iter().chain(self.joint.iter().flatten());
        all.flat_map(|stated| stated.hypothesis.terms.iter().map(|(name, _, _)| name.as_str()))
    }

    /// The joint tests, as rows name them.
    pub fn joint_labels(&self) -> Vec<String> {
        let texts = |all: &[Stated]| -> Vec<String> {
            all.iter().map(|stated| stated.text.clone()).collect()
        };
        self.joint.iter().map(|all| format!("joint({})", texts(all).join(", "))).collect()
    }

    /// The contrasts of the hypotheses that have rows, then those that joint tests need, and these
    /// tests. Names that are no coefficient, or one that the method does not report, and hypotheses
    /// that say nothing new, are told.
    pub(crate) fn compile(
        &self,
        cx: &mut Compiler<'_>,
        model: &Model,
        fit: &dyn Fit,
    ) -> Option<(Vec<Contrast>, Vec<JointTest>)> {
        let mut all_of = |all: &[Stated]| -> Option<Vec<Contrast>> {
            let found: Vec<_> = all.iter().map(|stated| contrast(cx, model, fit, stated)).collect();
            found.into_iter().collect()
        };
        let joint: Vec<Option<Vec<Contrast>>> = self.joint.iter().map(|all| all_of(all)).collect();
        let single = all_of(&self.single);
        let joint: Vec<Vec<Contrast>> = joint.into_iter().collect::<Option<_>>()?;
        let mut contrasts = single?;
        for (stated, hypotheses) in self.joint.iter().zip(&joint) {
            let place = joint::dependent(hypotheses);
            if let Some((_, span, _)) = place.and_then(|at| stated[at].hypothesis.terms.first()) {
                let message = "the hypotheses of a joint test depend on each other";
                let error = Diagnostic::error(*span, message).label("follows from those before it");
                cx.report(error.hint("leave one of them out"));
                return None;
            }
        }
        let tests = joint.into_iter().map(|all| joint::add(all, &mut contrasts)).collect();
        Some((contrasts, tests))
    }

    /// Factors of the coefficients with these labels, hypothesis after hypothesis; none for a
    /// hypothesis that names another.
    pub fn factors(&self, labels: &[String]) -> Vec<Option<(Vec<f64>, f64)>> {
        self.single.iter().map(|stated| stated.factors(labels)).collect()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.single.is_empty() && self.joint.is_empty()
    }

    /// The factors of the hypotheses of each joint test, and their values; none for a test of a
    /// coefficient that there is not.
    pub fn joint_factors<'s>(
        &'s self,
        labels: &'s [String],
    ) -> impl Iterator<Item = Option<Vec<(Vec<f64>, f64)>>> + 's {
        self.joint.iter().map(|all| all.iter().map(|stated| stated.factors(labels)).collect())
    }

    /// The joint tests of a fit, or why there are none. `hotelling_df` is that of the method.
    pub fn tests(
        &self,
        (labels, rows): (&[String], &[Row]),
        details: &Details,
        mut hotelling_df: impl FnMut(&[f64]) -> Option<f64>,
    ) -> Vec<(String, Result<Test, Failure>)> {
        let mut test = |all: &Vec<Stated>, name: &String| {
            let (form, df1) = wald(all, labels, rows, details)?;
            let eta = match details.joint {
                Joint::Hotelling => {
                    let factors: Option<Vec<_>> =
                        all.iter().map(|s| Some(s.factors(labels)?.0)).collect();
                    hotelling_df(&factors.ok_or(Failure::TermDropped)?.concat())
                }
                _ => None,
            };
            let tested = joint::tested(form, df1, details.joint, eta);
            let Tested { statistic, df2, p_value } = tested.ok_or(Failure::NoResidualDf)?;
            Ok(Test { name: name.clone(), statistic, df1, df2, p_value })
        };
        let with_name = |all: &Vec<Stated>| {
            let texts: Vec<&str> = all.iter().map(|stated| stated.text.as_str()).collect();
            let name = format!("joint hypothesis: {}", texts.join(", "));
            let test = test(all, &name);
            (name, test)
        };
        self.joint.iter().map(with_name).collect()
    }
}

impl ModelScratch {
    /// The factors of each combination of coefficients that is wanted.
    pub fn wanted_contrasts(&self) -> impl Iterator<Item = &[f64]> {
        let p = self.starts.last().copied().unwrap_or(0);
        self.contrasts.chunks_exact(p.max(1))
    }

    /// The factors of `n` of them, one after the other.
    pub fn contrasts_at(&self, first: usize, n: usize) -> &[f64] {
        let p = self.starts.last().copied().unwrap_or(0);
        &self.contrasts[first * p..(first + n) * p]
    }
}

impl Stated {
    fn factors(&self, labels: &[String]) -> Option<(Vec<f64>, f64)> {
        let mut factors = vec![0.0; labels.len()];
        for (name, _, factor) in &self.hypothesis.terms {
            factors[labels.iter().position(|label| label == name)?] = *factor;
        }
        Some((factors, self.hypothesis.value))
    }
}

fn read_list(r: &mut Reader, node: Node<'_>) -> Option<Vec<Stated>> {
    let texts = r.list(node, Reader::text)?;
    let all: Vec<Option<Stated>> = texts.iter().map(|text| state(r, text)).collect();
    let all: Vec<Stated> = all.into_iter().collect::<Option<_>>()?;
    if all.is_empty() {
        return r.expected(node, "a hypothesis", "write `[\"a - b = 0\"]`");
    }
    for (at, text) in texts.iter().enumerate() {
        if let Some(first) = texts[..at].iter().find(|first| first.text == text.text) {
            r.error(
                Diagnostic::error(text.span, "a hypothesis is stated twice")
                    .label("stated again here")
                    .related(first.span, "first stated here"),
            );
            return None;
        }
    }
    Some(all)
}

fn read_joint(r: &mut Reader, node: Node<'_>) -> Option<Vec<Vec<Stated>>> {
    let entries = node.list().filter(|all| all.iter().all(|entry| entry.list().is_some()));
    let Some(entries) = entries.filter(|all| !all.is_empty()) else {
        let hint = "each list is one test: write `joint: [[\"a\", \"b\"]]`";
        return r.expected(node, "a list of lists of hypotheses", hint);
    };
    let all: Vec<_> = entries.into_iter().map(|entry| read_list(r, entry)).collect();
    all.into_iter().collect()
}

/// Parses a hypothesis; reports what is wrong with it.
fn state(r: &mut Reader, text: &Text) -> Option<Stated> {
    match text.places.parse_hypothesis(&text.text) {
        Ok(hypothesis) => Some(Stated { text: text.text.clone(), hypothesis }),
        Err(errors) => {
            errors.into_iter().for_each(|error| r.error(error));
            None
        }
    }
}

fn contrast(
    cx: &mut Compiler<'_>,
    model: &Model,
    fit: &dyn Fit,
    stated: &Stated,
) -> Option<Contrast> {
    let terms = &stated.hypothesis.terms;
    let mut target = |(text, span, _): &(String, _, f64)| {
        let target = find(cx, model, &Name { text: text.clone(), span: *span })?;
        let Some(reason) = fit.refuses(model, &target) else { return Some(target) };
        let error = Diagnostic::error(*span, reason).label("can not be tested");
        cx.report(error.hint("`scale: Link` tests coefficients"));
        None
    };
    let found: Vec<_> = terms.iter().map(&mut target).collect();
    let targets: Vec<Target> = found.into_iter().collect::<Option<_>>()?;
    let parts = targets.into_iter().zip(terms.iter().map(|(_, _, factor)| *factor));
    Some(Contrast { parts: parts.collect(), value: stated.hypothesis.value })
}

/// `(Lb - c)'(LVL')^-1(Lb - c)`, and the number of hypotheses.
fn wald(
    all: &[Stated],
    labels: &[String],
    rows: &[Row],
    details: &Details,
) -> Result<(f64, f64), Failure> {
    let kept: Vec<usize> = (0..rows.len()).filter(|j| details.in_vcov()[*j]).collect();
    let labels: Vec<String> = kept.iter().map(|j| labels[*j].clone()).collect();
    let (q, k) = (all.len(), kept.len());
    let beta: Vec<f64> =
        kept.iter().map(|j| Ok(rows[*j].fit?.estimate)).collect::<Result<_, Failure>>()?;
    let rows: Option<Vec<(Vec<f64>, f64)>> =
        all.iter().map(|stated| stated.factors(&labels)).collect();
    let rows = rows.ok_or(Failure::TermDropped)?;
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let times_v =
        |l: &[f64]| -> Vec<f64> { details.vcov.chunks_exact(k).map(|row| dot(row, l)).collect() };
    let variance = |i: usize, j: usize| dot(&rows[i].0, &times_v(&rows[j].0));
    // Scaled to a unit diagonal, as the bound on pivots asks.
    let scale: Vec<f64> = (0..q).map(|i| variance(i, i).sqrt()).collect();
    let mut matrix: Vec<f64> =
        (0..q * q).map(|at| variance(at / q, at % q) / (scale[at / q] * scale[at % q])).collect();
    let mut left: Vec<f64> = rows
        .iter()
        .zip(&scale)
        .map(|((l, value), scale)| (dot(l, &beta) - value) / scale)
        .collect();
    let form = inverse_form(&mut matrix, q, &mut left).filter(|form| form.is_finite());
    Ok((form.ok_or(Failure::SingularVariance)?, q as f64))
}
