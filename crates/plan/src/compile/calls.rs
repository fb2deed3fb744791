//! Calls in expressions: functions of one unit, and random draws. Reductions are in `reductions`.

use trialrun_lang::{Arg, Diagnostic, Expr, Span};

use super::Compiler;
use super::ir::{NodeId, NodeKind};
use super::lower::{Context, Draws, Value};
use super::reductions::{REDUCTIONS, reduction_called};
use crate::exec::draw::{self, ARGS_MAX, DISTRIBUTIONS};
use crate::exec::random::stream_key;
use crate::exec::words::plural;
use crate::functions::{FUNCTIONS, Fun};

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

    pub(super) fn wrong_count(&mut self, name: &str, expected: usize, found: usize, span: Span) {
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
}
