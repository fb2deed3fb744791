//! Expression trees to nodes: names are resolved, constants fold, every node gets its level.

use trialrun_lang::{BinaryOp, Diagnostic, Expr, ExprKind, Span, UnaryOp, suggestion};

use super::Compiler;
use super::ir::{By, NodeId, NodeKind, Reduction};
use crate::declared::{Name, Scalar, Text};
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

/// Whether random draws may stand in an expression.
#[derive(Clone, Debug)]
pub enum Draws {
    /// They may; the label of the step names their streams.
    Allowed(String),
    /// They may not, and why.
    Refused(&'static str),
}

/// Where an expression stands.
#[derive(Clone, Debug)]
pub struct Context {
    /// The level on whose units it is evaluated.
    pub level: LevelId,
    /// Whether names of levels further down, as far as the frame, can be seen: inside reductions.
    pub reaches_below: bool,
    /// Draws.
    pub draws: Draws,
    /// The variable that is computed, for the streams of its draws.
    pub variable: String,
    /// Over which units reductions run that do not say so.
    pub by: By,
    /// The level whose units reductions run over, where it is not `level`: the rows that an
    /// Aggregate step groups.
    pub rows: Option<LevelId>,
    /// Units that count in reductions.
    pub mask: Option<NodeId>,
    /// Names with a meaning of their own here.
    pub given: Vec<(String, Value)>,
}

/// A node, and the categories that its values are codes of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    /// The node.
    pub id: NodeId,
    /// An index into the compiler's sets of labels.
    pub labels: Option<u32>,
}

impl Context {
    /// Expressions on the units of a level; no draws.
    pub fn at(level: LevelId) -> Self {
        Self {
            level,
            reaches_below: false,
            draws: Draws::Refused("only variables of levels can be drawn"),
            variable: String::new(),
            by: By::Whole,
            rows: None,
            mask: None,
            given: Vec::new(),
        }
    }

    /// Allows draws, with streams named after a step and a variable.
    pub fn named(mut self, step: &str, variable: &str) -> Self {
        self.draws = Draws::Allowed(step.to_string());
        self.variable = variable.to_string();
        self
    }

    /// Refuses draws, and says why.
    pub fn without_draws(mut self, why: &'static str) -> Self {
        self.draws = Draws::Refused(why);
        self
    }
}

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
    /// Compiles a number or an expression.
    pub fn scalar(&mut self, scalar: &Scalar, context: &Context) -> Option<Value> {
        match scalar {
            Scalar::Number(value, span) => {
                Some(Value { id: self.graph.constant(*value, *span), labels: None })
            }
            Scalar::Text(text) => self.expression(text, context),
        }
    }

    /// Compiles an expression.
    pub fn expression(&mut self, text: &Text, context: &Context) -> Option<Value> {
        match trialrun_lang::parse_expression(&text.text, text.at) {
            Ok(expr) => self.lower(&expr, context, &mut 0),
            Err(errors) => {
                let inside = errors.into_iter().map(|e| clamp(e, text.span));
                self.diagnostics.extend(inside);
                None
            }
        }
    }

    /// Compiles a tree; `place` counts its draws.
    pub fn lower(&mut self, expr: &Expr, context: &Context, place: &mut u32) -> Option<Value> {
        let plain = |id| Some(Value { id, labels: None });
        match &expr.kind {
            ExprKind::Number(value) => plain(self.graph.constant(*value, expr.span)),
            ExprKind::Bool(value) => {
                plain(self.graph.constant(f64::from(u8::from(*value)), expr.span))
            }
            ExprKind::Text(text) => {
                let error = Diagnostic::error(expr.span, "text can only be compared")
                    .label(format!("`'{text}'` is no number"))
                    .hint("compare it with a variable of categories: `arm == 'control'`");
                self.report(error);
                None
            }
            ExprKind::Name(name) => self.lower_name(name, expr.span, context),
            ExprKind::Unary(op, arg) => {
                let arg = self.lower(arg, context, place)?;
                match op {
                    UnaryOp::Neg => plain(self.map(Fun::Neg, vec![arg.id], expr.span)),
                    UnaryOp::Not => plain(self.map(Fun::Not, vec![arg.id], expr.span)),
                }
            }
            ExprKind::Binary(op, a, b) => self.lower_binary(*op, a, b, expr.span, context, place),
            ExprKind::Call { name, name_span, args } => {
                self.lower_call(name, *name_span, args, expr.span, context, place)
            }
        }
    }

    fn lower_name(&mut self, name: &str, span: Span, context: &Context) -> Option<Value> {
        if let Some((_, value)) = context.given.iter().find(|(given, _)| given == name) {
            return Some(*value);
        }
        if name == "N" && self.binding("N").is_none() {
            let level = context.level;
            let node = self.graph.add(NodeKind::Size(level), LevelId::WHOLE, span);
            return Some(Value { id: node, labels: None });
        }
        let id = self.resolve(name, span, context)?;
        let labels = match self.graph.node(id).kind {
            NodeKind::Column(column) => self.columns[column.idx()].labels,
            _ => None,
        };
        Some(Value { id, labels })
    }

    fn lower_binary(
        &mut self,
        op: BinaryOp,
        a: &Expr,
        b: &Expr,
        span: Span,
        context: &Context,
        place: &mut u32,
    ) -> Option<Value> {
        let fun = match op {
            BinaryOp::Add => Fun::Add,
            BinaryOp::Sub => Fun::Sub,
            BinaryOp::Mul => Fun::Mul,
            BinaryOp::Div => Fun::Div,
            BinaryOp::Rem => Fun::Rem,
            BinaryOp::Pow => Fun::Pow,
            BinaryOp::Lt => Fun::Lt,
            BinaryOp::Le => Fun::Le,
            BinaryOp::Gt => Fun::Gt,
            BinaryOp::Ge => Fun::Ge,
            BinaryOp::Eq => Fun::Eq,
            BinaryOp::Ne => Fun::Ne,
            BinaryOp::And => Fun::And,
            BinaryOp::Or => Fun::Or,
        };
        let compares = matches!(op, BinaryOp::Eq | BinaryOp::Ne);
        let (a, b) = match (&a.kind, &b.kind) {
            (_, ExprKind::Text(text)) if compares => {
                let a = self.lower(a, context, place)?;
                (a.id, self.category(text, b.span, a.labels)?)
            }
            (ExprKind::Text(text), _) if compares => {
                let b = self.lower(b, context, place)?;
                (self.category(text, a.span, b.labels)?, b.id)
            }
            _ => {
                // Both sides are compiled before either failure is acted on: two errors, not one.
                let (a, b) = (self.lower(a, context, place), self.lower(b, context, place));
                (a?.id, b?.id)
            }
        };
        Some(Value { id: self.map(fun, vec![a, b], span), labels: None })
    }

    /// The code of a category.
    fn category(&mut self, text: &str, span: Span, labels: Option<u32>) -> Option<NodeId> {
        let Some(labels) = labels else {
            self.report(
                Diagnostic::error(span, "numbers can not be compared with text")
                    .label("text")
                    .hint("only variables with named categories can"),
            );
            return None;
        };
        let labels = self.labels[labels as usize].clone();
        if let Some(code) = labels.iter().position(|l| l == text) {
            return Some(self.graph.constant(code as f64, span));
        }
        let error = Diagnostic::error(span, format!("there is no category `{text}`"))
            .label("unknown category")
            .maybe_hint(suggestion(text, &labels));
        self.report(error);
        None
    }

    fn lower_call(
        &mut self,
        name: &str,
        name_span: Span,
        args: &[trialrun_lang::Arg],
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
        args: &[trialrun_lang::Arg],
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
        args: &[trialrun_lang::Arg],
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

    /// A function of nodes: folded where all are constants, simplified where that changes no bit.
    pub fn map(&mut self, fun: Fun, args: Vec<NodeId>, span: Span) -> NodeId {
        let value = |i: usize| args.get(i).and_then(|a| self.graph.value(*a));
        let constants: Vec<Option<f64>> = (0..args.len()).map(value).collect();
        if let Some(all) = constants.iter().copied().collect::<Option<Vec<f64>>>() {
            let at = |i: usize| all.get(i).copied().unwrap_or(0.0);
            return self.graph.constant(fun.apply(at(0), at(1), at(2)), span);
        }
        match (fun, constants.as_slice()) {
            (Fun::Mul, [Some(1.0), _]) => return args[1],
            (Fun::Mul | Fun::Div | Fun::Pow, [_, Some(1.0)]) => return args[0],
            (Fun::Sub, [_, Some(0.0)]) => return args[0],
            (Fun::Pow, [_, Some(2.0)]) => return self.map(Fun::Mul, vec![args[0]; 2], span),
            (Fun::If, [Some(c), ..]) if !c.is_nan() => {
                return if *c != 0.0 { args[1] } else { args[2] };
            }
            _ => {}
        }
        let level = args
            .iter()
            .fold(LevelId::WHOLE, |level, arg| self.deeper(level, self.graph.node(*arg).level));
        self.graph.add(NodeKind::Map(fun, args), level, span)
    }
}

/// Keeps the places of an error within the text that it is about: a text with escapes is shorter
/// than its source.
fn clamp(mut error: Diagnostic, within: Span) -> Diagnostic {
    let clamp = |s: Span| {
        Span::new(s.start.clamp(within.start, within.end), s.end.clamp(within.start, within.end))
    };
    error.span = error.span.map(clamp);
    error.related.iter_mut().for_each(|(s, _)| *s = clamp(*s));
    error
}
