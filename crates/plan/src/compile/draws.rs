//! Random draws in expressions.

use trialrun_lang::{Arg, Diagnostic, Expr, Span};

use super::Compiler;
use super::ir::{NodeId, NodeKind};
use super::lower::{Context, Draws, Value};
use crate::exec::draw::{ARGS_MAX, Distribution, Entry};
use crate::exec::random::stream_key;
use crate::exec::words::plural;

impl Compiler<'_> {
    /// A draw from a distribution.
    pub(super) fn lower_distribution(
        &mut self,
        entry: &Entry,
        args: &[Arg],
        span: Span,
        context: &Context,
        place: &mut u32,
    ) -> Option<Value> {
        let (labels, args) = self.named_categories(entry, args)?;
        let slots = self.slots_of(entry.name, entry.parameters, entry.doc, &args, span)?;
        let inner = context.clone().without_draws(
            "the parameters of a draw are not drawn: declare the inner draw as a variable",
        );
        let lowered: Vec<Option<NodeId>> = slots
            .into_iter()
            .map(|e| self.lower(e, &inner, place).and_then(|value| self.number(value, e.span)))
            .collect();
        let args = lowered.into_iter().collect::<Option<Vec<NodeId>>>()?;
        let value = self.lower_draw(entry, args, span, context, place)?;
        Some(if labels.is_empty() { value } else { self.coded(value.id, labels, span) })
    }

    /// The names of `categorical(north = 0.5, south = 0.5)`, and the arguments without them.
    pub(super) fn named_categories(
        &mut self,
        entry: &Entry,
        args: &[Arg],
    ) -> Option<(Vec<String>, Vec<Arg>)> {
        let named = args.iter().all(|a| a.name.is_some()) && !args.is_empty();
        if entry.distribution != Distribution::Categorical || !named {
            return Some((Vec::new(), args.to_vec()));
        }
        let mut labels: Vec<String> = Vec::new();
        for (label, at) in args.iter().filter_map(|a| a.name.as_ref()) {
            if labels.contains(label) {
                let message = format!("category `{label}` is given twice");
                self.report(Diagnostic::error(*at, message).label("given again here"));
                return None;
            }
            labels.push(label.clone());
        }
        let args = args.iter().map(|a| Arg { name: None, value: a.value.clone() }).collect();
        Some((labels, args))
    }

    /// The arguments of a draw in the order of its parameters.
    pub(super) fn slots_of<'e>(
        &mut self,
        name: &str,
        parameters: &[&str],
        doc: &str,
        args: &'e [Arg],
        span: Span,
    ) -> Option<Vec<&'e Expr>> {
        let open = parameters.last() == Some(&"...");
        let usage = format!("{name}({})", parameters.join(", "));
        let n = if open { args.len() } else { parameters.len() };
        let mut slots: Vec<Option<&Expr>> = vec![None; n];
        let mut next = 0;
        for arg in args {
            let slot = match &arg.name {
                None => {
                    next += 1;
                    next - 1
                }
                Some((given, at)) => match parameters.iter().position(|p| p == given) {
                    Some(slot) if !open => slot,
                    _ => {
                        let message = format!("`{name}` has no parameter `{given}`");
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
            let message = format!("`{name}` takes {expected}, found {found}");
            let error = Diagnostic::error(span, message).label("wrong parameters");
            self.report(error.hint(format!("`{usage}`: {doc}")));
            return None;
        }
        slots.into_iter().collect()
    }

    /// Reports a draw where none can be, and why.
    pub(super) fn refuse_draw(&mut self, name: &str, span: Span, context: &Context) {
        if let Draws::Refused(why) = context.draws {
            let message = format!("`{name}` can not be drawn here");
            self.report(Diagnostic::error(span, message).label("a random draw").hint(why));
        }
    }

    fn lower_draw(
        &mut self,
        entry: &Entry,
        args: Vec<NodeId>,
        span: Span,
        context: &Context,
        place: &mut u32,
    ) -> Option<Value> {
        let Draws::Allowed(step) = &context.draws else {
            self.refuse_draw(entry.name, span, context);
            return None;
        };
        self.check_parameters(entry, &args, span)?;
        let key = stream_key(step, &context.variable, *place);
        *place += 1;
        // Within a reduction, parameters from further down give a draw to each unit there.
        let level = args
            .iter()
            .fold(context.level, |level, arg| self.deeper(level, self.graph.node(*arg).level));
        let kind = NodeKind::Draw { distribution: entry.distribution, args, level, key };
        Some(Value { id: self.graph.add(kind, level, span), labels: None })
    }

    /// Checks parameters that the design fixes.
    pub(super) fn check_parameters(
        &mut self,
        entry: &Entry,
        args: &[NodeId],
        span: Span,
    ) -> Option<()> {
        let constants: Option<Vec<f64>> = args.iter().map(|a| self.graph.value(*a)).collect();
        if let Some(complaint) = constants.and_then(|c| entry.distribution.complaint(&c)) {
            let message = format!("`{}` can not be drawn: {complaint}", entry.name);
            let usage = format!("{}({})", entry.name, entry.parameters.join(", "));
            let error = Diagnostic::error(span, message).label("wrong parameters");
            self.report(error.hint(format!("`{usage}`: {}", entry.doc)));
            return None;
        }
        Some(())
    }
}
