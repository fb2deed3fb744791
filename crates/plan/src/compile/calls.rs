//! Calls in expressions: functions of one unit, reductions of many, random draws.

use trialrun_lang::{Arg, Diagnostic, Expr, ExprKind, Span};

use super::Compiler;
use super::ir::{By, NodeId, NodeKind, Reduction};
use super::lower::{Context, Draws, Value};
use crate::declared::Name;
use crate::exec::draw::{self, ARGS_MAX, DISTRIBUTIONS};
use crate::exec::random::stream_key;
use crate::exec::words::plural;
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

/// Names that functions have elsewhere, and what to write here.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("average", "mean"),
    ("avg", "mean"),
    ("ceil", "ceiling"),
    ("expit", "inv_logit"),
    ("ifelse", "if(condition, a, b)"),
    ("length", "count"),
    ("ln", "log"),
    ("n", "count"),
    ("normalcdf", "pnorm"),
    ("plogis", "inv_logit"),
    ("qlogis", "logit"),
    ("rbeta", "beta(a, b)"),
    ("rbinom", "binomial(n, p)"),
    ("rexp", "exponential(rate)"),
    ("rgamma", "gamma(shape, rate)"),
    ("rlnorm", "lognormal(meanlog, sdlog)"),
    ("rnbinom", "negative_binomial(mean, size)"),
    ("rnorm", "normal(mean, sd)"),
    ("rpois", "poisson(mean)"),
    ("rt", "student_t(df)"),
    ("runif", "uniform(low, high)"),
    ("sample", "categorical(p1, p2, ...)"),
    ("std", "sd"),
    ("stddev", "sd"),
    ("stdev", "sd"),
    ("trunc", "floor"),
    ("variance", "var"),
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

/// The reduction that a call means, if it means one: `min` and `max` of several arguments do not.
fn reduction_called(name: &str, args: &[Arg]) -> Option<Reduction> {
    let (_, reduction, _) = REDUCTIONS.iter().find(|(n, ..)| *n == name)?;
    let unnamed = args.iter().filter(|a| a.name.is_none()).count();
    let of_one_unit = matches!(reduction, Reduction::Min | Reduction::Max) && unnamed > 1;
    if of_one_unit { None } else { Some(*reduction) }
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
        if let Some(reduction) = reduction_called(name, args) {
            return self.lower_reduction(reduction, name, args, span, context, place);
        }
        let named = args.iter().find_map(|a| a.name.as_ref());
        let distribution = DISTRIBUTIONS.iter().find(|e| e.name == name);
        let function = FUNCTIONS.iter().find(|e| e.name == name);
        if distribution.is_none() && function.is_none() {
            self.unknown_function(name, name_span);
            return None;
        }
        if let Some(entry) = distribution {
            let args = self.distribution_args(entry, args, span, context, place)?;
            return self.lower_draw(entry, args, span, context, place);
        }
        let entry = function?;
        if let Some((argument, at)) = named {
            let message = format!("`{name}` has no argument `{argument}`");
            let error = Diagnostic::error(*at, message).label("unknown argument");
            self.report(error.hint("arguments of functions have no names"));
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
            self.pairwise(entry.fun, &ids, span)
        } else {
            self.map(entry.fun, ids, span)
        };
        Some(Value { id, labels: None })
    }

    /// The smallest or largest of many, by halves: the graph stays shallow.
    fn pairwise(&mut self, fun: Fun, ids: &[NodeId], span: Span) -> NodeId {
        let (first, second) = ids.split_at(ids.len() / 2);
        match (first, second) {
            (_, [only]) if first.is_empty() => *only,
            _ => {
                let (a, b) = (self.pairwise(fun, first, span), self.pairwise(fun, second, span));
                self.map(fun, vec![a, b], span)
            }
        }
    }

    /// Reports a function that there is not.
    fn unknown_function(&mut self, name: &str, span: Span) {
        let error = Diagnostic::error(span, format!("there is no function `{name}`"))
            .label("unknown function");
        let other = OTHER_NAMES.iter().find(|(other, _)| *other == name);
        let near = trialrun_lang::did_you_mean(name, function_names());
        let hint = match (other, near) {
            (Some((_, ours)), _) => format!("write `{ours}`"),
            _ if self.binding(name).is_some() => format!("to multiply, write `{name} * (...)`"),
            (None, Some(near)) => format!("did you mean `{near}`?"),
            (None, None) => "`trialrun explain functions` lists all functions".to_string(),
        };
        self.report(error.hint(hint));
    }

    fn wrong_count(&mut self, name: &str, expected: usize, found: usize, span: Span) {
        let expected = plural(expected as f64, "argument");
        let message = format!("`{name}` takes {expected}, found {found}");
        let function = FUNCTIONS.iter().find(|e| e.name == name).map(|e| e.doc);
        let reduction = REDUCTIONS.iter().find(|(n, ..)| *n == name).map(|(.., doc)| *doc);
        let error = Diagnostic::error(span, message).label("wrong number of arguments");
        self.report(error.maybe_hint(reduction.or(function).map(|d| format!("`{name}`: {d}"))));
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
            if let Some(slot @ None) = slots.get_mut(slot) {
                *slot = Some(&arg.value);
            }
        }
        if args.len() != n || slots.contains(&None) || !(1..=ARGS_MAX).contains(&n) {
            let expected = match open {
                true => format!("1 to {ARGS_MAX} parameters"),
                false => plural(n as f64, "parameter"),
            };
            let found = if args.len() == n && !open { "one of them twice" } else { "" };
            let found = if found.is_empty() { args.len().to_string() } else { found.to_string() };
            let message = format!("`{}` takes {expected}, found {found}", entry.name);
            let error = Diagnostic::error(span, message).label("wrong parameters");
            self.report(error.hint(format!("`{usage}`: {}", entry.doc)));
            return None;
        }
        let inner = context.clone().without_draws(
            "the parameters of a draw are not drawn: declare the inner draw as a variable",
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
                self.report(Diagnostic::error(span, message).label("a random draw").hint(*why));
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
        // Within a reduction, parameters from further down give a draw to each unit there.
        let level = args
            .iter()
            .fold(context.level, |level, arg| self.deeper(level, self.graph.node(*arg).level));
        let kind = NodeKind::Draw { distribution: entry.distribution, args, level, key };
        Some(Value { id: self.graph.add(kind, level, span), labels: None })
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
        let declared = values.first().map_or(LevelId::WHOLE, |value| self.declared_level(value));
        self.frame = frame;
        let arg = arg?;
        let reduction = if quantile {
            Reduction::Quantile(self.probability(values[1], &inner, place)?.to_bits())
        } else {
            reduction
        };
        let level = match by {
            By::Whole => LevelId::WHOLE,
            By::Level(level) | By::Groups(_, level) => level,
        };
        let of_mask = context.mask.map_or(LevelId::WHOLE, |mask| self.graph.node(mask).level);
        let mut rows = inner.level;
        for reached in [declared, self.graph.node(arg).level, of_mask] {
            rows = self.deeper(rows, reached);
        }
        if let By::Level(level) = by {
            rows = self.deeper(rows, level);
        }
        let kind = NodeKind::Reduce { reduction, arg, rows, by, mask: context.mask };
        Some(Value { id: self.graph.add(kind, level, span), labels: None })
    }

    /// The deepest level at which a name of an argument is declared. A reduction runs over these
    /// units, also where the value is stored further up because it is the same for all below.
    fn declared_level(&self, expr: &Expr) -> LevelId {
        let deepest = |a, b| self.deeper(a, b);
        match &expr.kind {
            ExprKind::Name(name) => {
                let level = self.variables.iter().find(|v| v.name == *name).map(|v| v.level);
                level.filter(|l| self.is_above(*l, self.frame)).unwrap_or(LevelId::WHOLE)
            }
            ExprKind::Unary(_, a) => self.declared_level(a),
            ExprKind::Binary(_, a, b) => deepest(self.declared_level(a), self.declared_level(b)),
            ExprKind::Call { name, args, .. } if reduction_called(name, args).is_none() => {
                args.iter().map(|a| self.declared_level(&a.value)).fold(LevelId::WHOLE, deepest)
            }
            // A reduction within has one value, or one a unit of its own level.
            _ => LevelId::WHOLE,
        }
    }

    fn probability(&mut self, expr: &Expr, inner: &Context, place: &mut u32) -> Option<f64> {
        let p = self.lower(expr, inner, place)?;
        match self.graph.value(p.id) {
            Some(p) if (0.0..=1.0).contains(&p) => Some(p),
            _ => {
                self.report(
                    Diagnostic::error(expr.span, "a quantile takes a fixed probability")
                        .label("expected a number between 0 and 1"),
                );
                None
            }
        }
    }

    /// The level of `by = class`.
    fn reduction_by(&mut self, expr: &Expr, context: &Context) -> Option<By> {
        let ExprKind::Name(name) = &expr.kind else {
            self.report(
                Diagnostic::error(expr.span, "`by` takes the name of a level")
                    .label("not a level's name"),
            );
            return None;
        };
        let level = self.level(&Name { text: name.clone(), span: expr.span })?;
        let reach = if context.reaches_below { self.frame } else { context.level };
        if self.is_above(level, reach) {
            return Some(By::Level(level));
        }
        let reach = self.level_name(reach);
        let message = format!("level `{name}` is further down than `{reach}`");
        let error = Diagnostic::error(expr.span, message)
            .label(format!("expected one value a {reach}, or one for several"));
        self.report(error.hint("leave `by` out, or name a level above"));
        None
    }
}
