//! Assigns units to conditions at random.
//!
//! `Simple` gives each unit a condition independently. `Complete` fixes how many units get each:
//! where the number of units times a probability is not whole, the remainder is drawn so that the
//! probability of each condition is exactly what is declared (systematic sampling of the
//! remainders). With `clusters`, whole clusters are assigned; with `blocks`, each block is assigned
//! on its own.
//!
//! # Fields
//! - `variable`: the name of the assigned variable.
//! - `method`: `Simple` or `Complete`, with `prob` (of the second of two conditions), `prob_each`
//!   (a list, one for each condition), or for `Complete` `m` (units that get the second of two
//!   conditions) or `m_each` (a list). Equal probabilities if nothing is given.
//! - `clusters`: a level whose units are assigned as wholes.
//! - `blocks`: a level, or a variable that does not vary within a unit.
//! - `conditions`: the conditions; by default those of the potential outcomes, or `[0, 1]`.
//! - `level`: the level of the units; the current rows if it is left out.
//!
//! # Example
//! ```ron
//! Assignment(variable: treatment, method: Complete(prob: 0.5), clusters: class, blocks: school),
//! Assignment(variable: arm, method: Complete(prob_each: [0.5, 0.25, 0.25])),
//! ```

use trialrun_lang::{Diagnostic, Span};

use super::{Declared, all_of};
use crate::compile::{Compiler, Condition, Declares};
use crate::declared::{Conditions, Fields, Name, Node, Reader, Scalar};
use crate::exec::assign::{Assign, Shares};
use crate::exec::random::stream_key;
use crate::exec::words::{plural, shown};
use crate::ids::LevelId;

/// A random assignment, as declared.
#[derive(Clone, Debug)]
pub struct Assignment {
    variable: Name,
    method: Method,
    clusters: Option<Name>,
    blocks: Option<Name>,
    conditions: Option<Conditions>,
    level: Option<Name>,
}

/// How units are assigned.
#[derive(Clone, Debug)]
struct Method {
    complete: bool,
    shares: Given,
    span: Span,
}

/// How many units get each condition.
#[derive(Clone, Debug)]
enum Given {
    Nothing,
    Prob(Scalar),
    ProbEach(Vec<Scalar>, Span),
    M(Scalar),
    MEach(Vec<Scalar>, Span),
}

impl Given {
    /// Where the numbers stand.
    fn span(&self) -> Option<Span> {
        match self {
            Self::Nothing => None,
            Self::Prob(one) | Self::M(one) => Some(one.span()),
            Self::ProbEach(_, span) | Self::MEach(_, span) => Some(*span),
        }
    }
}

impl Declared for Assignment {
    fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let variable = f.required(r, "variable", Reader::identifier);
        let method = f.required(r, "method", Method::read);
        let clusters = f.optional(r, "clusters", Reader::identifier);
        let blocks = f.optional(r, "blocks", Reader::identifier);
        let conditions = f.optional(r, "conditions", Conditions::read);
        let level = f.optional(r, "level", Reader::identifier);
        Some(Self { variable: variable?, method: method?, clusters, blocks, conditions, level })
    }

    fn compile(&self, cx: &mut Compiler<'_>) {
        if cx.data.is_some() {
            return;
        }
        let (conditions, labels) = self.conditions(cx);
        let wanted = self.unit_level(cx);
        // After an error the variable exists all the same: its uses are not wrong.
        let level = wanted.unwrap_or(cx.frame);
        let out = cx.new_column(level);
        cx.columns[out.idx()].labels = labels;
        let blocks = self.blocks.as_ref().filter(|_| wanted.is_some());
        let blocks = blocks.map(|name| cx.groups(name, level));
        let shares = self.method.shares(cx, &conditions, self.fixed_units(cx, level));
        cx.define_column(&self.variable, out, level);
        cx.assigned.push((self.variable.text.clone(), conditions.clone()));
        if let (Some(shares), Some(blocks)) = (shares, blocks.map_or(Some(None), |b| b.map(Some))) {
            let values = conditions.iter().map(|c| c.value).collect();
            let key = stream_key("assignment", &self.variable.text, 0);
            let span = self.method.shares.span().unwrap_or(self.method.span);
            cx.push(Assign { level, shares, values, blocks, out, key, span });
        }
    }

    fn declares(&self) -> Vec<(Declares, Name)> {
        all_of(Declares::Variable, [self.variable.clone()])
    }

    fn describe(&self) -> String {
        let method = if self.method.complete { "complete" } else { "simple" };
        let shares = match &self.method.shares {
            Given::Nothing => "with equal probabilities".to_string(),
            Given::Prob(p) => format!("with probability {p}"),
            Given::ProbEach(p, _) => format!("with probabilities {}", join(p)),
            Given::M(m) => format!("with {m} units treated"),
            Given::MEach(m, _) => format!("with {} units each", join(m)),
        };
        let mut text = format!("{method} random assignment of `{}` {shares}", self.variable.text);
        if let Some(clusters) = &self.clusters {
            text += &format!(", in clusters `{}`", clusters.text);
        }
        if let Some(blocks) = &self.blocks {
            text += &format!(", within blocks `{}`", blocks.text);
        }
        text
    }
}

fn join(list: &[Scalar]) -> String {
    list.iter().map(Scalar::to_string).collect::<Vec<_>>().join(", ")
}

impl Assignment {
    /// The level whose units are assigned.
    fn unit_level(&self, cx: &mut Compiler<'_>) -> Option<LevelId> {
        let level = cx.level_or_frame(self.level.as_ref())?;
        let Some(clusters) = &self.clusters else { return Some(level) };
        let above = cx.level(clusters)?;
        if cx.is_above(above, level) {
            return Some(above);
        }
        let message = format!(
            "level `{}` does not contain the units, of level `{}`",
            clusters.text,
            cx.level_name(level)
        );
        cx.report(
            Diagnostic::error(clusters.span, message)
                .label("not a level of clusters")
                .hint("clusters are a level that was declared before that of the units"),
        );
        None
    }

    /// The conditions: declared here, or by the potential outcomes, or 0 and 1.
    fn conditions(&self, cx: &mut Compiler<'_>) -> (Vec<Condition>, Option<u32>) {
        if let Some(conditions) = &self.conditions {
            return (conditions.list.clone(), conditions.labels(cx));
        }
        for outcome in &cx.outcomes {
            let at = outcome.by.iter().position(|(name, _)| *name == self.variable.text);
            if let Some(at) = at {
                return (outcome.by[at].1.clone(), outcome.labels[at]);
            }
        }
        let condition = |value: f64| Condition { value, label: value.to_string() };
        (vec![condition(0.0), condition(1.0)], None)
    }

    /// The number of units that are assigned together, where the design fixes it.
    fn fixed_units(&self, cx: &Compiler<'_>, level: LevelId) -> Option<usize> {
        if self.blocks.is_some() { None } else { cx.fixed_size(level) }
    }
}

impl Method {
    fn read(r: &mut Reader, node: Node<'_>) -> Option<Self> {
        if node.string().is_some() {
            return r.expected(node, "`Complete(...)` or `Simple(...)`", "leave the quotes out");
        }
        let complete = r.choice(node, &[("Complete", true), ("Simple", false)])?;
        let owner = if complete { "Complete" } else { "Simple" };
        let mut f = r.fields(node, owner)?;
        let n_errors = r.errors.len();
        let list =
            |r: &mut Reader, node: Node<'_>| Some((r.list(node, Reader::scalar)?, node.span));
        let mut given = Vec::new();
        given.extend(f.optional(r, "prob", Reader::scalar).map(Given::Prob));
        given.extend(f.optional(r, "prob_each", list).map(|(p, span)| Given::ProbEach(p, span)));
        let counts = [f.take(r, "m"), f.take(r, "m_each")];
        if let (false, Some(node)) = (complete, counts.iter().flatten().next()) {
            let message = "`Simple` can not fix how many units get a condition";
            r.error(
                Diagnostic::error(node.span, message)
                    .label("each unit draws its condition on its own")
                    .hint("use `Complete`, or `prob` and `prob_each`"),
            );
        } else {
            let [m, m_each] = counts;
            given.extend(m.and_then(|node| r.scalar(node)).map(Given::M));
            let m_each = m_each.and_then(|node| list(r, node));
            given.extend(m_each.map(|(m, span)| Given::MEach(m, span)));
        }
        let span = f.span;
        f.finish(r);
        if let [first, .., last] = given.as_slice() {
            let message = format!("`{owner}` takes one of `prob`, `prob_each`, `m` and `m_each`");
            let mut error = Diagnostic::error(last.span().unwrap_or(span), message)
                .label("more than one is given");
            error.related.extend(first.span().map(|span| (span, "given here".to_string())));
            r.error(error);
        }
        if r.errors.len() > n_errors {
            return None;
        }
        Some(Self { complete, shares: given.pop().unwrap_or(Given::Nothing), span })
    }

    /// The shares as numbers, checked.
    fn shares(
        &self,
        cx: &mut Compiler<'_>,
        conditions: &[Condition],
        n_units: Option<usize>,
    ) -> Option<Shares> {
        let n = conditions.len();
        let probabilities = match &self.shares {
            Given::Nothing => vec![1.0 / n as f64; n],
            Given::Prob(prob) => {
                let p = cx.constant(prob, "prob")?;
                self.check_two(cx, prob.span(), n, "prob")?;
                self.check_probability(cx, p, prob.span())?;
                vec![1.0 - p, p]
            }
            Given::ProbEach(each, span) => self.prob_each(cx, each, *span, n)?,
            Given::M(m) => {
                let count = self.count(cx, m)?;
                self.check_two(cx, m.span(), n, "m")?;
                if let Some(units) = n_units.filter(|units| count > *units as f64) {
                    let units = plural(units as f64, "unit");
                    let message = format!("`m` is {count}, but there are only {units} to assign");
                    let error = Diagnostic::error(m.span(), message);
                    cx.report(error.label("more than there are"));
                    return None;
                }
                return Some(Shares::Rest { condition: 1, count });
            }
            Given::MEach(each, span) => return self.m_each(cx, each, *span, n, n_units),
        };
        Some(if self.complete {
            Shares::Expected(probabilities)
        } else {
            Shares::Independent(probabilities)
        })
    }

    fn check_two(&self, cx: &mut Compiler<'_>, span: Span, n: usize, field: &str) -> Option<()> {
        if n == 2 {
            return Some(());
        }
        let message = format!("`{field}` is for two conditions; there are {n}");
        let hint = format!("use `{field}_each` with one entry for each condition");
        cx.report(Diagnostic::error(span, message).label("two conditions only").hint(hint));
        None
    }

    fn check_probability(&self, cx: &mut Compiler<'_>, p: f64, span: Span) -> Option<()> {
        if (0.0..=1.0).contains(&p) {
            return Some(());
        }
        let message = format!("{} is not a probability", shown(p));
        cx.report(Diagnostic::error(span, message).label("expected a number between 0 and 1"));
        None
    }

    fn prob_each(
        &self,
        cx: &mut Compiler<'_>,
        each: &[Scalar],
        span: Span,
        n: usize,
    ) -> Option<Vec<f64>> {
        let mut probabilities = Vec::new();
        for entry in each {
            let p = cx.constant(entry, "prob_each")?;
            self.check_probability(cx, p, entry.span())?;
            probabilities.push(p);
        }
        let sum: f64 = probabilities.iter().sum();
        let complaint = if each.len() != n {
            format!("{} for {n} conditions", plural(each.len() as f64, "number"))
        } else if (sum - 1.0).abs() > 1e-9 {
            format!("these probabilities sum to {}, not to 1", shown(sum))
        } else {
            return Some(probabilities);
        };
        let label = "expected one probability for each condition; together they are 1";
        cx.report(Diagnostic::error(span, complaint).label(label));
        None
    }

    fn count(&self, cx: &mut Compiler<'_>, scalar: &Scalar) -> Option<f64> {
        let count = cx.constant(scalar, "m")?;
        if count >= 0.0 && count.fract() == 0.0 {
            return Some(count);
        }
        let message = format!("{} is not a number of units", shown(count));
        let error = Diagnostic::error(scalar.span(), message);
        cx.report(error.label("expected a whole number of 0 or more"));
        None
    }

    fn m_each(
        &self,
        cx: &mut Compiler<'_>,
        each: &[Scalar],
        span: Span,
        n: usize,
        n_units: Option<usize>,
    ) -> Option<Shares> {
        let counts: Option<Vec<f64>> = each.iter().map(|m| self.count(cx, m)).collect();
        let counts = counts?;
        let sum: f64 = counts.iter().sum();
        let complaint = if counts.len() != n {
            format!("{} for {n} conditions", plural(counts.len() as f64, "number"))
        } else if let Some(units) = n_units.filter(|units| *units as f64 != sum) {
            let units = plural(units as f64, "unit");
            format!("these numbers sum to {}, but there are {units} to assign", shown(sum))
        } else {
            return Some(Shares::Counts(counts));
        };
        let label = "expected one number for each condition; together they are all units";
        cx.report(Diagnostic::error(span, complaint).label(label));
        None
    }
}
