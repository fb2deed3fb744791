//! Calls in expressions: functions of one unit, reductions of many, random draws.

use trialrun_lang::{Arg, Diagnostic, Expr, ExprKind, Span};

use super::Compiler;
use super::ir::{By, NodeId, NodeKind, Reduction};
use super::lower::{Context, Draws, Value};
use crate::declared::Name;
use crate::exec::draw::{self, ARGS_MAX, DISTRIBUTIONS};
use crate::exec::random::stream_key;
use crate::functions::{FUNCTIONS, Fun};
use crate::ids::LevelId;

/// The reductions, with what they compute.
pub const REDUCTIONS: &[(&str, Reduction, &str)] = &[
    ("all", Reduction::All, "1 where the condition holds for all units"),
    ("any", Reduction::Any, "1 where the condition holds for some unit"),
    ("count", Reduction::Count, "number of units, or of those where a condition holds"),
    ("max", Reduction::Max, "largest value"),
    ("mean", Reduction::Mean, "arithmetic mean"),
    ("median", Reduction::Median, "median"),
    ("min", Reduction::Min, "smallest value"),
    ("quantile", Reduction::Quantile(0), "quantile(x, p), R's type 7"),
    ("sd", Reduction::Sd, "standard deviation, divisor n - 1"),
    ("sum", Reduction::Sum, "sum"),
    ("var", Reduction::Var, "variance, divisor n - 1"),
];

/// Whether a name is that of a function, a reduction or a distribution.
pub fn is_function(name: &str) -> bool {
    function_names().any(|n| n == name)
}

fn function_names() -> impl Iterator<Item = &'static str> {
    let functions = FUNCTIONS.iter().map(|e| e.name);
    let reductions = REDUCTIONS.iter().map(|(name, ..)| *name);
    functions.chain(reductions).chain(DISTRIBUTIONS.iter().map(|e| e.name))
}

impl Compiler<'_> {
    pub(super) fn lower_call(
        &mut self,
        name: &str,
        name_span: Span,
        args: &[Arg],
        span: Span,
        context: &Context,
        place: &mut u32,
    ) -> Option<Value> {
        let unnamed = args.iter().filter(|a| a.name.is_none()).count();
        let reduction = REDUCTIONS.iter().find(|(n, ..)| *n == name);
        if let Some((_, reduction, _)) = reduction
            && !(matches!(reduction, Reduction::Min | Reduction::Max) && unnamed > 1)
        {
            return self.lower_reduction(*reduction, name, args, span, context, place);
        }
        let named = args.iter().find_map(|a| a.name.as_ref());
        let distribution = DISTRIBUTIONS.iter().find(|e| e.name == name);
        let function = FUNCTIONS.iter().find(|e| e.name == name);
        if distribution.is_none() && function.is_none() {
            let error = Diagnostic::error(name_span, format!("there is no function `{name}`"))
                .label("unknown function");
            let known: Vec<&str> = function_names().collect();
            let near = trialrun_lang::did_you_mean(name, known.iter().copied());
            let hint = near.map_or_else(
                || "`trialrun explain functions` lists them".to_string(),
                |near| format!("did you mean `{near}`?"),
            );
            self.report(error.hint(hint));
            return None;
        }
        if let Some(entry) = distribution {
            let args = self.distribution_args(entry, args, span, context, place)?;
            return self.lower_draw(entry, args, span, context, place);
        }
        let entry = function?;
        if let Some((argument, at)) = named {
            let message = format!("`{name}` has no argument `{argument}`");
            self.report(Diagnostic::error(*at, message).label("leave the name out"));
            return None;
        }
        let many = matches!(entry.fun, Fun::Min | Fun::Max) && args.len() >= 2;
        if args.len() != entry.arity && !many {
            self.wrong_count(name, entry.arity, args.len(), span);
            return None;
        }
        let lowered: Vec<Option<Value>> =
            args.iter().map(|a| self.lower(&a.value, context, place)).collect();
        let ids: Option<Vec<NodeId>> = lowered.into_iter().map(|v| v.map(|v| v.id)).collect();
        let ids = ids?;
        let id = if many {
            let fold = |a, b: &NodeId| self.map(entry.fun, vec![a, *b], span);
            ids[1..].iter().fold(ids[0], fold)
        } else {
            self.map(entry.fun, ids, span)
        };
        Some(Value { id, labels: None })
    }

    fn wrong_count(&mut self, name: &str, expected: usize, found: usize, span: Span) {
        let s = if expected == 1 { "" } else { "s" };
        let message = format!("`{name}` takes {expected} argument{s}, found {found}");
        let doc = FUNCTIONS.iter().find(|e| e.name == name).map(|e| e.doc);
        let error = Diagnostic::error(span, message).label("wrong number of arguments");
        self.report(error.maybe_hint(doc.map(|d| format!("`{name}`: {d}"))));
    }

    /// The arguments of a distribution in the order of its parameters.
    fn distribution_args(
        &mut self,
        entry: &draw::Entry,
        args: &[Arg],
        span: Span,
        context: &Context,
        place: &mut u32,
    ) -> Option<Vec<NodeId>> {
        let open = entry.parameters.last() == Some(&"...");
        let usage = format!("{}({})", entry.name, entry.parameters.join(", "));
        let n = if open { args.len() } else { entry.parameters.len() };
        let mut slots: Vec<Option<&Expr>> = vec![None; n];
        let mut next = 0;
        for arg in args {
            let slot = match &arg.name {
                None => {
                    next += 1;
                    next - 1
                }
                Some((name, at)) => match entry.parameters.iter().position(|p| p == name) {
                    Some(slot) if !open => slot,
                    _ => {
                        let message = format!("`{}` has no parameter `{name}`", entry.name);
                        let error = Diagnostic::error(*at, message).label("unknown parameter");
                        self.report(error.hint(format!("write `{usage}`")));
                        return None;
                    }
                },
            };
            if slot >= n || slots[slot].is_some() || n > ARGS_MAX {
                slots.clear();
                break;
            }
            slots[slot] = Some(&arg.value);
        }
        if slots.len() != n || n == 0 || slots.iter().any(Option::is_none) {
            let message = format!("wrong parameters for `{}`", entry.name);
            let error = Diagnostic::error(span, message).label(format!("expected `{usage}`"));
            self.report(error.hint(format!("`{usage}`: {}", entry.doc)));
            return None;
        }
        let inner = context.clone().without_draws(
            "the parameters of a draw can not be drawn: declare the inner draw as a variable",
        );
        let lowered: Vec<Option<Value>> =
            slots.into_iter().flatten().map(|e| self.lower(e, &inner, place)).collect();
        lowered.into_iter().map(|v| v.map(|v| v.id)).collect()
    }

    fn lower_draw(
        &mut self,
        entry: &draw::Entry,
        args: Vec<NodeId>,
        span: Span,
        context: &Context,
        place: &mut u32,
    ) -> Option<Value> {
        let step = match &context.draws {
            Draws::Allowed(step) => step,
            Draws::Refused(why) => {
                let message = format!("`{}` can not be drawn here", entry.name);
                self.report(Diagnostic::error(span, message).label(*why));
                return None;
            }
        };
        let constants: Option<Vec<f64>> = args.iter().map(|a| self.graph.value(*a)).collect();
        if let Some(complaint) = constants.and_then(|c| entry.distribution.complaint(&c)) {
            let message = format!("`{}` can not be drawn: {complaint}", entry.name);
            let usage = format!("{}({})", entry.name, entry.parameters.join(", "));
            let error = Diagnostic::error(span, message).label("wrong parameters");
            self.report(error.hint(format!("`{usage}`: {}", entry.doc)));
            return None;
        }
        let key = stream_key(step, &context.variable, *place);
        *place += 1;
        let kind =
            NodeKind::Draw { distribution: entry.distribution, args, level: context.level, key };
        Some(Value { id: self.graph.add(kind, context.level, span), labels: None })
    }

    fn lower_reduction(
        &mut self,
        reduction: Reduction,
        name: &str,
        args: &[Arg],
        span: Span,
        context: &Context,
        place: &mut u32,
    ) -> Option<Value> {
        let mut by = context.by;
        let mut values = Vec::new();
        for arg in args {
            match &arg.name {
                None => values.push(&arg.value),
                Some((n, _)) if n == "by" => by = self.reduction_by(&arg.value, context)?,
                Some((n, at)) => {
                    let message = format!("`{name}` has no argument `{n}`");
                    let error = Diagnostic::error(*at, message).label("unknown argument");
                    self.report(
                        error.hint(format!(
                            "`{name}(x, by = level)` is one value a unit of the level"
                        )),
                    );
                    return None;
                }
            }
        }
        let quantile = matches!(reduction, Reduction::Quantile(_));
        let expected = 1 + usize::from(quantile);
        if values.len() != expected && !(reduction == Reduction::Count && values.is_empty()) {
            self.wrong_count(name, expected, values.len(), span);
            return None;
        }
        let mut inner = context.clone();
        inner.reaches_below = true;
        // Reductions within the argument run over everything unless they say otherwise.
        (inner.by, inner.rows) = (By::Whole, None);
        inner.level = context.rows.unwrap_or(context.level);
        let frame = self.frame;
        self.frame = context.rows.unwrap_or(frame);
        let arg = match values.first() {
            Some(value) => self.lower(value, &inner, place).map(|v| v.id),
            None => Some(self.graph.constant(1.0, span)),
        };
        self.frame = frame;
        let arg = arg?;
        let reduction = if quantile {
            Reduction::Quantile(self.probability(values[1], &inner, place)?.to_bits())
        } else {
            reduction
        };
        let rows = self.deeper(inner.level, self.graph.node(arg).level);
        let level = match by {
            By::Whole => LevelId::WHOLE,
            By::Level(level) | By::Groups(_, level) => level,
        };
        let kind = NodeKind::Reduce { reduction, arg, rows, by, mask: context.mask };
        Some(Value { id: self.graph.add(kind, level, span), labels: None })
    }

    fn probability(&mut self, expr: &Expr, inner: &Context, place: &mut u32) -> Option<f64> {
        let p = self.lower(expr, inner, place)?;
        match self.graph.value(p.id) {
            Some(p) if (0.0..=1.0).contains(&p) => Some(p),
            _ => {
                self.report(
                    Diagnostic::error(expr.span, "the probability of a quantile is a constant")
                        .label("not a constant between 0 and 1"),
                );
                None
            }
        }
    }

    /// The level of `by = class`.
    fn reduction_by(&mut self, expr: &Expr, context: &Context) -> Option<By> {
        let ExprKind::Name(name) = &expr.kind else {
            self.report(
                Diagnostic::error(expr.span, "`by` takes the name of a level").label("not a name"),
            );
            return None;
        };
        let level = self.level(&Name { text: name.clone(), span: expr.span })?;
        let reach = self.deeper(self.frame, context.rows.unwrap_or(context.level));
        if self.is_above(level, reach) {
            return Some(By::Level(level));
        }
        let message = format!("level `{name}` is not above level `{}`", self.level_name(reach));
        self.report(Diagnostic::error(expr.span, message).label("not a level to reduce to"));
        None
    }
}
