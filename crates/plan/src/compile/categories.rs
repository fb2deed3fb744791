//! Calls that make categories: ordered answers, quantile groups, named categories.

use trialrun_lang::{Arg, Diagnostic, Expr, ExprKind, Span};

use super::Compiler;
use super::ir::{By, NodeId, NodeKind, Reduction};
use super::lower::{Context, Value};
use crate::functions::Fun;

/// The calls, with their arguments and what they make.
pub const CATEGORIES: &[(&str, &str, &str)] = &[
    ("labelled", "x, 'a', 'b', ...", "the categories a, b, ... for x = 1, 2, ..."),
    ("likert", "x, low, high, k", "1 to k by k steps of equal width; the ends take what is beyond"),
    ("ordered", "x, b1, b2, ...", "1, and one more for each break that x reaches"),
    ("split_quantile", "x, k", "1 to k, groups of equal size; units with equal x stay together"),
];

/// Most groups of a call.
const GROUPS_MAX: f64 = 100.0;

impl Compiler<'_> {
    /// A call that makes categories.
    pub(super) fn lower_categories(
        &mut self,
        name: &str,
        args: &[Arg],
        span: Span,
        context: &Context,
        place: &mut u32,
    ) -> Option<Value> {
        let by = args.iter().find(|a| a.name.as_ref().is_some_and(|(n, _)| n == "by"));
        let is_wrong =
            |a: &&Arg| a.name.as_ref().is_some_and(|(n, _)| name != "split_quantile" || n != "by");
        if let Some((wrong, at)) = args.iter().find(is_wrong).and_then(|a| a.name.as_ref()) {
            let message = format!("`{name}` has no argument `{wrong}`");
            self.report(Diagnostic::error(*at, message).label("unknown argument"));
            return None;
        }
        let values: Vec<&Expr> =
            args.iter().filter(|a| a.name.is_none()).map(|a| &a.value).collect();
        let enough = match name {
            "labelled" | "ordered" => values.len() >= 2,
            "likert" => values.len() == 4,
            _ => values.len() == 2,
        };
        if !enough {
            let (_, usage, doc) = CATEGORIES.iter().find(|(n, ..)| *n == name)?;
            let error = Diagnostic::error(span, format!("`{name}` has other arguments"))
                .label("wrong number of arguments");
            self.report(error.hint(format!("`{name}({usage})`: {doc}")));
            return None;
        }
        let x = self.lower(values[0], context, place)?;
        let x = self.number(x, values[0].span)?;
        let id = match name {
            "labelled" => return self.labelled(x, &values[1..], span),
            "ordered" => {
                let mut breaks = Vec::new();
                for expr in &values[1..] {
                    let value = self.lower(expr, context, place)?;
                    breaks.push(self.number(value, expr.span)?);
                }
                self.one_more_for_each(Fun::Ge, x, &breaks, span)
            }
            "likert" => {
                let [low, high] = [values[1], values[2]].map(|e| self.fixed_number(e, context));
                let (low, high, k) = (low?, high?, self.group_count(values[3], context)?);
                if high <= low {
                    let error = Diagnostic::error(values[2].span, "`high` is not above `low`");
                    self.report(error.label("the upper end of the scale"));
                    return None;
                }
                self.likert(x, (low, high), k, span)
            }
            _ => {
                let k = self.group_count(values[1], context)?;
                let by = match by {
                    Some(by) => self.reduction_by(&by.value, context)?,
                    None => context.by,
                };
                self.split_quantile(x, k, by, span, context)
            }
        };
        Some(Value { id, labels: None })
    }

    /// Names for the categories 1, 2, ...
    fn labelled(&mut self, x: NodeId, words: &[&Expr], span: Span) -> Option<Value> {
        let mut labels: Vec<String> = Vec::new();
        for expr in words {
            let ExprKind::Text(word) = &expr.kind else {
                let error = Diagnostic::error(expr.span, "expected a category in single quotes");
                self.report(error.label("not text").hint("as in `labelled(x, 'no', 'yes')`"));
                return None;
            };
            if labels.contains(word) {
                let message = format!("category `{word}` is given twice");
                self.report(Diagnostic::error(expr.span, message).label("given again here"));
                return None;
            }
            labels.push(word.clone());
        }
        Some(self.coded(x, labels, span))
    }

    /// The numbers 1, 2, ... as codes of categories.
    pub(super) fn coded(&mut self, x: NodeId, labels: Vec<String>, span: Span) -> Value {
        let n = self.graph.constant(labels.len() as f64, span);
        self.labels.push(labels);
        let set = self.labels.len() as u32 - 1;
        // The set is an argument so that no column has the labels of two sets.
        let which = self.graph.constant(f64::from(set), span);
        // A constant would share its column with equal numbers: it is not folded.
        let level = self.graph.node(x).level;
        let id = self.graph.add(NodeKind::Map(Fun::Code, vec![x, n, which]), level, span);
        Value { id, labels: Some(set) }
    }

    /// 1, and one more for each bound that `x` compares with.
    fn one_more_for_each(&mut self, fun: Fun, x: NodeId, bounds: &[NodeId], span: Span) -> NodeId {
        let one = self.graph.constant(1.0, span);
        bounds.iter().fold(one, |sum, bound| {
            let beyond = self.map(fun, vec![x, *bound], span);
            self.map(Fun::Add, vec![sum, beyond], span)
        })
    }

    fn likert(&mut self, x: NodeId, (low, high): (f64, f64), k: f64, span: Span) -> NodeId {
        let [low, scale, one, k] =
            [low, k / (high - low), 1.0, k].map(|v| self.graph.constant(v, span));
        let above = self.map(Fun::Sub, vec![x, low], span);
        let steps = self.map(Fun::Mul, vec![above, scale], span);
        let whole = self.map(Fun::Floor, vec![steps], span);
        let step = self.map(Fun::Add, vec![whole, one], span);
        let at_most = self.map(Fun::Min, vec![step, k], span);
        self.map(Fun::Max, vec![at_most, one], span)
    }

    fn split_quantile(
        &mut self,
        x: NodeId,
        k: f64,
        by: By,
        span: Span,
        context: &Context,
    ) -> NodeId {
        let level = match by {
            By::Whole => crate::ids::LevelId::WHOLE,
            By::Level(level) | By::Groups(_, level) => level,
        };
        let rows = self.deeper(context.level, self.graph.node(x).level);
        let cut = |c: &mut Self, j: usize| {
            let reduction = Reduction::Quantile((j as f64 / k).to_bits());
            let kind = NodeKind::Reduce { reduction, arg: x, rows, by, mask: None };
            let cut = c.graph.add(kind, level, span);
            match by {
                By::Groups(grouping, _) if !c.is_above(level, rows) => {
                    c.spread(cut, grouping, rows, span)
                }
                _ => cut,
            }
        };
        let cuts: Vec<NodeId> = (1..k as usize).map(|j| cut(self, j)).collect();
        self.one_more_for_each(Fun::Gt, x, &cuts, span)
    }

    /// A number that is known before anything is drawn.
    fn fixed_number(&mut self, expr: &Expr, context: &Context) -> Option<f64> {
        let context = context.clone().without_draws("use numbers and `parameters` only");
        let value = self.lower(expr, &context, &mut 0)?;
        let fixed = self.graph.value(value.id).filter(|v| v.is_finite());
        if fixed.is_none() {
            let error = Diagnostic::error(expr.span, "expected one number, known beforehand");
            self.report(error.label("this varies").hint("use numbers and `parameters` only"));
        }
        fixed
    }

    /// A number of groups.
    fn group_count(&mut self, expr: &Expr, context: &Context) -> Option<f64> {
        let k = self.fixed_number(expr, context)?;
        if (2.0..=GROUPS_MAX).contains(&k) && k.fract() == 0.0 {
            return Some(k);
        }
        let message = format!("{} is not a number of groups", crate::exec::words::shown(k));
        let error = Diagnostic::error(expr.span, message);
        self.report(error.label(format!("expected a whole number from 2 to {GROUPS_MAX}")));
        None
    }
}
