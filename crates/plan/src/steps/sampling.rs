//! Draws a sample: from here on there are only the units drawn.
//!
//! Every level is compacted: the units below one that was drawn stay, and so do those above one.
//! The name of a level numbers the units of the sample. An estimand declared before the step refers
//! to the whole population, one declared after it to the sample. Several steps make a multi-stage
//! sample: villages first, then households within the villages that were drawn. A new level may be
//! declared after the step: its units are made for the sample alone.
//!
//! # Fields
//! - `method`: how units are drawn, `Simple`, `Complete` or `WithReplacement`, with `prob` or `n`.
//!   - `Simple(prob: ...)`: each unit on its own with its probability, which may be an expression
//!     of the unit. The size of the sample varies.
//!   - `Complete(prob: ...)`: the number of units is what the probabilities expect, rounded down
//!     or up at random. Each unit has exactly its probability, which may differ from unit to unit:
//!     `"10 * size / sum(size)"` draws ten with probabilities proportional to size.
//!   - `Complete(n: ...)`: so many units; with strata so many of each, a number or an expression
//!     that does not vary within a stratum.
//!   - `WithReplacement(n: ...)`: so many draws, as many as there are units if `n` is left out: a
//!     bootstrap. A unit drawn twice becomes two, each with its own copies of the units below.
//! - `level`: the level whose units are drawn; the current rows if it is left out.
//! - `clusters`: a level whose units are drawn as wholes; the same as naming it as the `level`.
//! - `strata`: a level above, or a variable; each stratum is sampled on its own.
//! - `inclusion`: the name of the inclusion probability, `inclusion_prob` if it is left out. It is
//!   the product over all Sampling steps so far, the probability that the unit is in the sample as
//!   it is now, and takes the place of an earlier variable of the name. Draws with replacement
//!   have none.
//!
//! # Example
//! ```ron
//! Sampling(method: Complete(n: 10), level: village),
//! Sampling(method: Complete(prob: 0.2), strata: village),
//! Variables(variables: { weight: "1 / inclusion_prob" }),
//! ```
//!
//! # References
//! Madow 1949, Annals of Mathematical Statistics 20:333, for samples of fixed size with unequal
//! probabilities: a random start, after the units were put in random order.

use trialrun_lang::{Diagnostic, Span};

use super::{Declared, all_of};
use crate::compile::ir::{NodeId, NodeKind};
use crate::compile::{Compiler, Context, Declares, Groups, Sampled};
use crate::declared::{Fields, Name, Node, Reader, Scalar};
use crate::exec::sample::Drawing;
use crate::exec::words::{plural, shown};
use crate::functions::Fun;
use crate::ids::LevelId;

/// A sample, as declared.
#[derive(Clone, Debug)]
pub struct Sampling {
    method: Method,
    level: Option<Name>,
    clusters: Option<Name>,
    strata: Option<Name>,
    inclusion: Option<Name>,
    span: Span,
}

/// How units are drawn.
#[derive(Clone, Debug)]
struct Method {
    kind: Kind,
    prob: Option<Scalar>,
    n: Option<Scalar>,
    span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Simple,
    Complete,
    WithReplacement,
}

/// The methods, by name.
const KINDS: &[(&str, Kind)] = &[
    ("Simple", Kind::Simple),
    ("Complete", Kind::Complete),
    ("WithReplacement", Kind::WithReplacement),
];

impl Declared for Sampling {
    fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let method = f.required(r, "method", Method::read);
        let level = f.optional(r, "level", Reader::identifier);
        let clusters = f.optional(r, "clusters", Reader::identifier);
        let strata = f.optional(r, "strata", Reader::identifier);
        let inclusion = f.optional(r, "inclusion", Reader::identifier);
        if let (Some(level), Some(clusters)) = (&level, &clusters)
            && level.text != clusters.text
        {
            let error = Diagnostic::error(clusters.span, "`level` and `clusters` differ")
                .label("the units that are drawn as wholes")
                .related(level.span, "the units that are drawn");
            r.error(error.hint("leave `level` out"));
            return None;
        }
        Some(Self { method: method?, level, clusters, strata, inclusion, span: f.span })
    }

    fn compile(&self, cx: &mut Compiler<'_>) {
        if cx.data.is_some() {
            return;
        }
        if cx.frame == LevelId::WHOLE {
            let error = Diagnostic::error(self.span, "there is nothing to sample from")
                .label("no level is declared before it");
            return cx.report(error.hint("declare the population in Level steps before this one"));
        }
        if self.sample(cx).is_none() && self.method.kind != Kind::WithReplacement {
            let name = self.inclusion_name();
            cx.unbind(&name.text);
            cx.define_unknown(&name, cx.frame);
        }
    }

    fn declares(&self) -> Vec<(Declares, Name)> {
        match self.method.kind {
            Kind::WithReplacement => Vec::new(),
            _ => all_of(Declares::Variable, [self.inclusion_name()]),
        }
    }

    fn describe(&self) -> String {
        let level = self.clusters.as_ref().or(self.level.as_ref());
        let of = level.map_or(String::new(), |l| format!(" of level `{}`", l.text));
        let how = match (self.method.kind, &self.method.prob, &self.method.n) {
            (Kind::Simple, Some(p), _) => {
                format!("draw units{of}, each on its own with probability {p}")
            }
            (Kind::Complete, Some(p), _) => {
                format!("draw a sample of fixed size{of}, each unit with probability {p}")
            }
            (Kind::Complete, _, Some(n)) => format!("draw {n} units{of} without replacement"),
            (_, _, Some(n)) => format!("draw {n} units{of} with replacement"),
            _ => format!("draw as many units{of} as there are, with replacement"),
        };
        match &self.strata {
            Some(strata) => format!("{how}, within each stratum of `{}`", strata.text),
            None => how,
        }
    }
}

impl Method {
    fn read(r: &mut Reader, node: Node<'_>) -> Option<Self> {
        if node.string().is_some() {
            return r.expected(node, "`Complete(...)` or `Simple(...)`", "leave the quotes out");
        }
        let kind = r.choice(node, KINDS)?;
        let owner = KINDS.iter().find(|(_, k)| *k == kind).map_or("", |(name, _)| name);
        let mut f = r.fields(node, owner)?;
        let n_errors = r.errors.len();
        let prob = if kind == Kind::WithReplacement {
            None
        } else {
            f.optional(r, "prob", Reader::scalar)
        };
        let n = if kind == Kind::Simple { None } else { f.optional(r, "n", Reader::scalar) };
        let span = f.span;
        f.finish(r);
        let complaint = match (&prob, &n) {
            (Some(_), Some(_)) => Some("takes `prob` or `n`, not both"),
            (None, None) if kind == Kind::Simple => Some("needs `prob`"),
            (None, None) if kind == Kind::Complete => Some("needs `prob` or `n`"),
            _ => None,
        };
        if let Some(complaint) = complaint
            && r.errors.len() == n_errors
        {
            let error = Diagnostic::error(span, format!("`{owner}` {complaint}"));
            r.error(error.label("how many are drawn?").hint("as in `Complete(n: 100)`"));
        }
        (r.errors.len() == n_errors).then_some(Self { kind, prob, n, span })
    }
}

impl Sampling {
    /// The name of the inclusion probability.
    fn inclusion_name(&self) -> Name {
        let default = || Name { text: "inclusion_prob".to_string(), span: self.span };
        self.inclusion.clone().unwrap_or_else(default)
    }

    fn sample(&self, cx: &mut Compiler<'_>) -> Option<()> {
        // Each part is looked at before a failure of another is acted on: all errors are told.
        let level = cx.level_or_frame(self.clusters.as_ref().or(self.level.as_ref()));
        let at = level.unwrap_or(cx.frame);
        let strata = self.strata.as_ref().map(|name| cx.groups(name, at));
        let context = Context::at(at).without_draws(
            "a sample draws units, not its own numbers: declare the draw as a variable",
        );
        let number = self.method.prob.as_ref().or(self.method.n.as_ref());
        let number =
            number.map(|number| cx.scalar(number, &context).map(|n| (n.id, number.span())));
        let level = level?;
        let strata = match strata {
            None => None,
            Some(strata) => Some(strata?),
        };
        let number = match number {
            None => None,
            Some(number) => Some(number?),
        };
        if let Some((number, span)) = number {
            self.check(cx, number, span, level, strata.is_some())?;
        }
        let span = number.map_or(self.method.span, |(_, span)| span);
        let operand = number.map(|(number, _)| cx.operand(number, level));
        let drawing = match (self.method.kind, operand) {
            (Kind::Simple, Some(p)) => Drawing::Simple(p),
            (Kind::Complete, Some(p)) if self.method.prob.is_some() => Drawing::Expected(p),
            (Kind::Complete, Some(n)) => Drawing::Count(n),
            (_, n) => Drawing::Replaced(n),
        };
        let chance = matches!(drawing, Drawing::Count(_)).then(|| {
            let of_all = strata.is_none();
            cx.new_column(if of_all { LevelId::WHOLE } else { level })
        });
        let prob = match (chance, drawing) {
            (Some(column), _) => {
                let level = cx.columns[column.idx()].level;
                Some(cx.graph.add(NodeKind::Column(column), level, span))
            }
            (None, Drawing::Replaced(_)) => None,
            (None, _) => number.map(|(node, _)| node),
        };
        let prob = prob.map(|prob| self.product(cx, prob));
        let fixed = self.fixed(cx, number.map(|(node, _)| node), drawing, strata, level);
        cx.draw_sample(Sampled { level, drawing, strata, chance, span, fixed });
        match prob {
            Some(prob) => self.define_inclusion(cx, prob),
            None => Some(()),
        }
    }

    /// Checks a number that the design fixes.
    fn check(
        &self,
        cx: &mut Compiler<'_>,
        number: NodeId,
        span: Span,
        level: LevelId,
        in_strata: bool,
    ) -> Option<()> {
        let Some(value) = cx.graph.value(number) else { return Some(()) };
        let n_units = if in_strata { None } else { cx.fixed_size(level) };
        let replaces = self.method.kind == Kind::WithReplacement;
        let (message, label) = if self.method.prob.is_some() {
            if (0.0..=1.0).contains(&value) {
                return Some(());
            }
            (format!("{} is not a probability", shown(value)), "expected a number between 0 and 1")
        } else if !(value >= 1.0 && value.fract() == 0.0) {
            let message = format!("{} is not a number of units to draw", shown(value));
            (message, "expected a whole number of 1 or more")
        } else if let Some(n) = n_units.filter(|n| !replaces && value > *n as f64) {
            let units = plural(n as f64, "unit");
            let message = format!("{} can not be drawn: there are {units}", plural(value, "unit"));
            (message, "more than there are")
        } else {
            return Some(());
        };
        cx.report(Diagnostic::error(span, message).label(label));
        None
    }

    /// How many units are drawn from the level above, or from all, where the design fixes it.
    fn fixed(
        &self,
        cx: &Compiler<'_>,
        number: Option<NodeId>,
        drawing: Drawing,
        strata: Option<Groups>,
        level: LevelId,
    ) -> Option<usize> {
        let value = cx.graph.value(number?)?;
        let parent = cx.levels[level.idx()].parent;
        let by_parent = match strata {
            None => parent == LevelId::WHOLE,
            Some(Groups::Runs(above, _)) => parent == above,
            Some(Groups::Values(_)) => false,
        };
        let counts = matches!(drawing, Drawing::Count(_) | Drawing::Replaced(Some(_)));
        (by_parent && counts).then_some(value as usize)
    }

    /// The probability of being in this sample and in those before it.
    fn product(&self, cx: &mut Compiler<'_>, prob: NodeId) -> NodeId {
        let before = cx.inclusion.last().map(|(_, node)| *node);
        let before = before.and_then(|node| cx.see(node, cx.frame, "inclusion_prob", self.span));
        before.map_or(prob, |before| cx.map(Fun::Mul, vec![before, prob], self.span))
    }

    /// Names the probability of the units that were drawn.
    fn define_inclusion(&self, cx: &mut Compiler<'_>, prob: NodeId) -> Option<()> {
        let name = self.inclusion_name();
        if cx.inclusion.iter().any(|(known, _)| *known == name.text) {
            cx.unbind(&name.text);
        }
        let prob = cx.see(prob, cx.frame, &name.text, name.span)?;
        cx.inclusion.push((name.text.clone(), prob));
        cx.define(&name, prob, cx.frame);
        Some(())
    }
}
