//! The outer part of a diagnosand: arithmetic of averages, which becomes operations on a stack.

use trialrun_lang::{Arg, BinaryOp, Diagnostic, Expr, ExprKind, Span, UnaryOp, suggestion};
use trialrun_stats::composite::{AVERAGES_MAX, Operation};

use super::{AverageKind, Rows};
use crate::compile::calls::is_function;
use crate::compile::ir::NodeId;
use crate::compile::reductions::reduction_called;
use crate::compile::scope::Binding;
use crate::exec::lens::COLUMNS;

/// The functions of averages, with the number of their arguments.
const FUNCTIONS: [(&str, Operation, usize); 7] = [
    ("abs", Operation::Abs, 1),
    ("exp", Operation::Exp, 1),
    ("log", Operation::Log, 1),
    ("max", Operation::Max, 2),
    ("min", Operation::Min, 2),
    ("pow", Operation::Pow, 2),
    ("sqrt", Operation::Sqrt, 1),
];

/// A function of averages that is being written.
pub struct Outer<'r> {
    rows: &'r mut Rows,
    operations: Vec<Operation>,
    averages: Vec<(AverageKind, NodeId)>,
}

impl<'r> Outer<'r> {
    pub fn new(rows: &'r mut Rows) -> Self {
        Self { rows, operations: Vec::new(), averages: Vec::new() }
    }

    pub fn finish(self) -> (Vec<Operation>, Vec<(AverageKind, NodeId)>) {
        (self.operations, self.averages)
    }

    /// Adds the operations of an expression; none if it has an error.
    pub fn lower(&mut self, expr: &Expr) -> Option<()> {
        match &expr.kind {
            ExprKind::Number(value) => self.operations.push(Operation::Number(*value)),
            ExprKind::Name(name) => self.lower_name(name, expr.span)?,
            ExprKind::Unary(UnaryOp::Neg, inner) => {
                self.lower(inner)?;
                self.operations.push(Operation::Neg);
            }
            ExprKind::Binary(op, a, b) => {
                let Some(operation) = arithmetic(*op) else {
                    return self.refuse_truth(op.symbol(), expr.span);
                };
                let is_square = matches!(b.kind, ExprKind::Number(2.0));
                if operation == Operation::Pow && is_square {
                    self.lower(a)?;
                    self.operations.push(Operation::Square);
                    return Some(());
                }
                // Both sides are read before either failure is acted on: two errors, not one.
                let (a, b) = (self.lower(a), self.lower(b));
                a.and(b)?;
                self.operations.push(operation);
            }
            ExprKind::Call { name, name_span, args } => {
                return self.lower_call(name, *name_span, args, expr.span);
            }
            ExprKind::Unary(UnaryOp::Not, _) => return self.refuse_truth("!", expr.span),
            ExprKind::Bool(_) | ExprKind::Text(_) => {
                let error = Diagnostic::error(expr.span, "expected a number or an average");
                self.rows.report(error.label("not a number"));
                return None;
            }
        }
        Some(())
    }

    fn lower_name(&mut self, name: &str, span: Span) -> Option<()> {
        if let Some(Binding::Parameter(value)) = self.rows.cx.binding(name) {
            self.operations.push(Operation::Number(value));
            return Some(());
        }
        if COLUMNS.iter().any(|(column, _)| *column == name) {
            let message = format!("`{name}` has a value in each simulation");
            self.rows.report(
                Diagnostic::error(span, message)
                    .label("not averaged")
                    .hint(format!("write `mean({name})`")),
            );
            return None;
        }
        if !self.rows.cx.is_doubtful(name) {
            let message = format!("there is no parameter `{name}`");
            let hint = suggestion(name, &self.rows.parameters);
            let error = Diagnostic::error(span, message).label("neither parameter nor average");
            self.rows.report(error.maybe_hint(hint));
        }
        None
    }

    fn refuse_truth(&mut self, symbol: &str, span: Span) -> Option<()> {
        let message = format!("`{symbol}` of averages is no number with a Monte Carlo error");
        self.rows.report(
            Diagnostic::error(span, message)
                .label("true or false once for all simulations")
                .hint("compare within `mean(...)`, or let an `Expect` say what it should be"),
        );
        None
    }

    fn lower_call(&mut self, name: &str, at: Span, args: &[Arg], span: Span) -> Option<()> {
        if reduction_called(name, args).is_some() {
            return self.lower_average(name, at, args, span);
        }
        let Some((_, operation, arity)) = FUNCTIONS.iter().find(|(n, ..)| *n == name) else {
            let names: Vec<&str> = FUNCTIONS.iter().map(|(name, ..)| *name).collect();
            let (message, hint) = if is_function(name) {
                let message = format!("`{name}` of averages has no Monte Carlo error");
                let hint = format!("{} have one; or write it within `mean(...)`", names.join(", "));
                (message, Some(hint))
            } else {
                let averages = ["mean", "sd", "var"];
                let known = averages.into_iter().chain(names.iter().copied());
                let meant = trialrun_lang::did_you_mean(name, known);
                let hint = meant.map(|meant| format!("did you mean `{meant}`?"));
                (format!("there is no function `{name}`"), hint)
            };
            let error = Diagnostic::error(at, message).label("not a function of averages");
            self.rows.report(error.maybe_hint(hint));
            return None;
        };
        if args.len() != *arity || args.iter().any(|arg| arg.name.is_some()) {
            let message = format!("`{name}` of averages takes {arity} of them");
            let error = Diagnostic::error(span, message).label("wrong number of arguments");
            self.rows.report(error);
            return None;
        }
        let lowered: Vec<Option<()>> = args.iter().map(|arg| self.lower(&arg.value)).collect();
        lowered.into_iter().collect::<Option<()>>()?;
        self.operations.push(*operation);
        Some(())
    }

    fn lower_average(&mut self, name: &str, at: Span, args: &[Arg], span: Span) -> Option<()> {
        if !["mean", "sd", "var"].contains(&name) {
            let (label, hint) = refused(name);
            let message = format!("`{name}` over simulations can not be a diagnosand");
            self.rows.report(Diagnostic::error(at, message).label(label).hint(hint));
            return None;
        }
        let [Arg { name: None, value }] = args else {
            let message = format!("`{name}` over simulations takes one argument");
            let error = Diagnostic::error(span, message).label("wrong arguments");
            self.rows.report(error.hint("`where:` leaves simulations out"));
            return None;
        };
        let node = self.rows.of_simulation(value)?;
        let kind = match name {
            "mean" if self.rows.is_truth(node) => AverageKind::Share,
            "mean" => AverageKind::Mean,
            _ => AverageKind::Variance,
        };
        let known = self.averages.iter().position(|average| *average == (kind, node));
        let place = known.unwrap_or(self.averages.len());
        if place == AVERAGES_MAX {
            let message = format!("a diagnosand has at most {AVERAGES_MAX} averages");
            let error = Diagnostic::error(span, message).label("one more");
            self.rows.report(error.hint("write several diagnosands"));
            return None;
        }
        if known.is_none() {
            self.averages.push((kind, node));
        }
        self.operations.push(Operation::Average(place));
        if name == "sd" {
            self.operations.push(Operation::Sqrt);
        }
        Some(())
    }
}

fn arithmetic(op: BinaryOp) -> Option<Operation> {
    Some(match op {
        BinaryOp::Add => Operation::Add,
        BinaryOp::Sub => Operation::Sub,
        BinaryOp::Mul => Operation::Mul,
        BinaryOp::Div => Operation::Div,
        BinaryOp::Pow => Operation::Pow,
        _ => return None,
    })
}

/// Why a reduction is no average of simulations, and what to write.
fn refused(name: &str) -> (&'static str, &'static str) {
    match name {
        "median" | "quantile" => (
            "it would need every simulation to be kept",
            "the share below a bound is one: `mean(estimate < 2)`",
        ),
        "min" | "max" => (
            "it grows with the number of simulations, and has no Monte Carlo error",
            "the share beyond a bound is one: `mean(estimate > 2)`",
        ),
        _ => (
            "it depends on the number of simulations",
            "write a share or a mean: `mean(p_value <= alpha)`",
        ),
    }
}
