//! Calls in expressions: functions of one unit. Reductions and draws have files of their own.

use trialrun_lang::{Arg, Diagnostic, Span};

use super::Compiler;
use super::categories::CATEGORIES;
use super::icc::CORRELATED_DRAWS;
use super::ir::NodeId;
use super::lower::{Context, Value};
use super::reductions::{REDUCTIONS, reduction_called};
use crate::exec::draw::DISTRIBUTIONS;
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
    let categories = CATEGORIES.iter().map(|(name, ..)| *name);
    let draws = DISTRIBUTIONS.iter().map(|e| e.name);
    let draws = draws.chain(CORRELATED_DRAWS.iter().map(|(name, ..)| *name));
    functions.chain(reductions).chain(categories).chain(draws)
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
        if CATEGORIES.iter().any(|(n, ..)| *n == name) {
            return self.lower_categories(name, args, span, context, place);
        }
        if CORRELATED_DRAWS.iter().any(|(n, ..)| *n == name) {
            return self.lower_icc(name, args, span, context, place);
        }
        let named = args.iter().find_map(|a| a.name.as_ref());
        let distribution = DISTRIBUTIONS.iter().find(|e| e.name == name);
        let function = FUNCTIONS.iter().find(|e| e.name == name);
        if distribution.is_none() && function.is_none() {
            self.unknown_function(name, name_span);
            return None;
        }
        if let Some(entry) = distribution {
            return self.lower_distribution(entry, args, span, context, place);
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
        let values = lowered.into_iter().collect::<Option<Vec<Value>>>()?;
        let labels = match (entry.fun, values.as_slice()) {
            (Fun::If, [_, a, b]) => self.labels_of_either(*a, *b),
            _ => None,
        };
        let mut ids = Vec::new();
        for (i, (value, arg)) in values.iter().zip(args).enumerate() {
            let keeps = (labels.is_some() && i > 0) || entry.fun == Fun::IsMissing;
            ids.push(if keeps { value.id } else { self.number(*value, arg.value.span)? });
        }
        let id = if many {
            self.pairwise(entry.fun, &ids, span)
        } else {
            self.map(entry.fun, ids, span)
        };
        Some(Value { id, labels })
    }

    /// The categories of `if(condition, a, b)`: those of both, or of one where the other is `NA`.
    fn labels_of_either(&self, a: Value, b: Value) -> Option<u32> {
        match (a.labels, b.labels) {
            (Some(x), Some(y)) => (self.labels[x as usize] == self.labels[y as usize]).then_some(x),
            (Some(x), None) => self.graph.is_na(b.id).then_some(x),
            (None, Some(y)) => self.graph.is_na(a.id).then_some(y),
            (None, None) => None,
        }
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
}
