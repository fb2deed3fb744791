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

use super::Declared;
use crate::compile::{Compiler, Condition};
use crate::declared::{Conditions, Fields, Name, Node, Reader, Scalar};
use crate::exec::assign::{Assign, Shares};
use crate::exec::random::stream_key;
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
    ProbEach(Vec<Scalar>),
    M(Scalar),
    MEach(Vec<Scalar>),
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
        let Some(level) = self.unit_level(cx) else { return };
        let (conditions, labels) = self.conditions(cx);
        let out = cx.new_column(level);
        cx.columns[out.idx()].labels = labels;
        let blocks = self.blocks.as_ref().map(|name| cx.groups(name, level));
        let shares = self.method.shares(cx, &conditions, self.fixed_units(cx, level));
        cx.define_column(&self.variable, out, level);
        cx.assigned.push((self.variable.text.clone(), conditions.clone()));
        if let (Some(shares), Some(blocks)) = (shares, blocks.map_or(Some(None), |b| b.map(Some))) {
            let values = conditions.iter().map(|c| c.value).collect();
            let key = stream_key("assignment", &self.variable.text, 0);
            cx.push(Assign { level, shares, values, blocks, out, key, span: self.method.span });
        }
    }

    fn describe(&self) -> String {
        let method = if self.method.complete { "complete" } else { "simple" };
        let shares = match &self.method.shares {
            Given::Nothing => "with equal probabilities".to_string(),
            Given::Prob(p) => format!("with probability {p}"),
            Given::ProbEach(p) => format!("with probabilities {}", join(p)),
            Given::M(m) => format!("with {m} units treated"),
            Given::MEach(m) => format!("with {} units each", join(m)),
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
        let message =
            format!("level `{}` is not above level `{}`", clusters.text, cx.level_name(level));
        cx.report(
            Diagnostic::error(clusters.span, message)
                .label("units do not nest in it")
                .hint("clusters are a level that the units belong to"),
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
        let complete = r.choice(node, &[("Complete", true), ("Simple", false)])?;
        let owner = if complete { "Complete" } else { "Simple" };
        let mut f = r.fields(node, owner)?;
        let list = |r: &mut Reader, node: Node<'_>| r.list(node, Reader::scalar);
        let mut given = Vec::new();
        given.extend(f.optional(r, "prob", Reader::scalar).map(Given::Prob));
        given.extend(f.optional(r, "prob_each", list).map(Given::ProbEach));
        if complete {
            given.extend(f.optional(r, "m", Reader::scalar).map(Given::M));
            given.extend(f.optional(r, "m_each", list).map(Given::MEach));
        }
        let span = f.span;
        f.finish(r);
        if given.len() > 1 {
            r.error(
                Diagnostic::error(span, format!("`{owner}` takes only one kind of share"))
                    .label("more than one of `prob`, `prob_each`, `m` and `m_each`"),
            );
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
            Given::ProbEach(each) => self.prob_each(cx, each, n)?,
            Given::M(m) => {
                let count = self.count(cx, m)?;
                self.check_two(cx, m.span(), n, "m")?;
                let fits = n_units.is_none_or(|units| count <= units as f64);
                if !fits {
                    let message = format!("`m` is {count}, but there are {n_units:?} units")
                        .replace("Some(", "")
                        .replace(") units", " units");
                    cx.report(Diagnostic::error(m.span(), message).label("more than there are"));
                    return None;
                }
                return Some(Shares::Rest { condition: 1, count });
            }
            Given::MEach(each) => return self.m_each(cx, each, n, n_units),
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
        let message = format!("{p} is not a probability between 0 and 1");
        cx.report(Diagnostic::error(span, message).label("not a probability"));
        None
    }

    fn prob_each(&self, cx: &mut Compiler<'_>, each: &[Scalar], n: usize) -> Option<Vec<f64>> {
        let span = each.first().map_or(self.span, |first| {
            each.iter().fold(first.span(), |span, e| span.join(e.span()))
        });
        let mut probabilities = Vec::new();
        for entry in each {
            let p = cx.constant(entry, "prob_each")?;
            self.check_probability(cx, p, entry.span())?;
            probabilities.push(p);
        }
        let sum: f64 = probabilities.iter().sum();
        let complaint = if each.len() != n {
            format!("{} probabilities for {n} conditions", each.len())
        } else if (sum - 1.0).abs() > 1e-9 {
            format!("the probabilities sum to {sum}, not to 1")
        } else {
            return Some(probabilities);
        };
        cx.report(Diagnostic::error(span, complaint).label("one for each condition, sum 1"));
        None
    }

    fn count(&self, cx: &mut Compiler<'_>, scalar: &Scalar) -> Option<f64> {
        let count = cx.constant(scalar, "m")?;
        if count >= 0.0 && count.fract() == 0.0 {
            return Some(count);
        }
        let message = format!("{count} is not a number of units");
        let error = Diagnostic::error(scalar.span(), message);
        cx.report(error.label("expected a whole number of 0 or more"));
        None
    }

    fn m_each(
        &self,
        cx: &mut Compiler<'_>,
        each: &[Scalar],
        n: usize,
        n_units: Option<usize>,
    ) -> Option<Shares> {
        let counts: Option<Vec<f64>> = each.iter().map(|m| self.count(cx, m)).collect();
        let counts = counts?;
        let sum: f64 = counts.iter().sum();
        let complaint = if counts.len() != n {
            format!("{} numbers of units for {n} conditions", counts.len())
        } else if let Some(units) = n_units.filter(|units| *units as f64 != sum) {
            format!("the numbers sum to {sum}, but there are {units} units")
        } else {
            return Some(Shares::Counts(counts));
        };
        let error = Diagnostic::error(self.span, complaint).label("`m_each` does not fit");
        cx.report(error.hint("give one number for each condition; together they are all units"));
        None
    }
}
