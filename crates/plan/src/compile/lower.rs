//! Expression trees to nodes: names are resolved, constants fold, every node gets its level.
//! Calls of functions, reductions and distributions are in `calls`.

use trialrun_lang::{BinaryOp, Diagnostic, Expr, ExprKind, Span, UnaryOp, suggestion};

use super::Binding;
use super::Compiler;
use super::ir::{By, NA, NodeId, NodeKind};
use crate::declared::{Scalar, Text};
use crate::functions::Fun;
use crate::ids::LevelId;

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
    /// Whether the name of a level or a variable stands here, not an expression.
    pub by_name: bool,
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
            draws: Draws::Refused("only variables can be drawn, in Level and Variables steps"),
            variable: String::new(),
            by: By::Whole,
            rows: None,
            mask: None,
            given: Vec::new(),
            by_name: false,
        }
    }

    /// Says that the name of a level or a variable stands here.
    pub fn for_a_name(mut self) -> Self {
        self.by_name = true;
        self
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

/// Whether a name stands for a missing value.
fn is_na(name: &str) -> bool {
    name == "NA"
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
        match text.places.parse_expression(&text.text) {
            Ok(expr) => self.lower(&expr, context, &mut 0),
            Err(errors) => {
                self.diagnostics.extend(errors);
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
            ExprKind::Text(_) => {
                let error = Diagnostic::error(expr.span, "text can only be compared")
                    .label("not a number")
                    .hint("compare it with a variable of categories: `arm == 'control'`");
                self.report(error);
                None
            }
            ExprKind::Name(name) => self.lower_name(name, expr.span, context),
            ExprKind::Unary(op, inner) => {
                let arg = self.lower(inner, context, place)?;
                let arg = self.number(arg, inner.span)?;
                match op {
                    UnaryOp::Neg => plain(self.map(Fun::Neg, vec![arg], expr.span)),
                    UnaryOp::Not => plain(self.map(Fun::Not, vec![arg], expr.span)),
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
        if is_na(name) && self.binding(name).is_none() {
            let id = self.graph.constant(NA, span);
            return Some(Value { id, labels: None });
        }
        let id = self.resolve(name, span, context)?;
        let labels = self.labels_of(id);
        Some(Value { id, labels })
    }

    /// The node of a value that is a number; an error where it is a category.
    pub fn number(&mut self, value: Value, span: Span) -> Option<NodeId> {
        let Some(labels) = value.labels else { return Some(value.id) };
        let error =
            Diagnostic::error(span, "a category is not a number").label("it has categories");
        let first = self.labels[labels as usize].first();
        let compare = first.map(|first| format!("compare it with one, as in `... == '{first}'`"));
        let error = match self.text_columns.get(&labels) {
            Some(told) => error.hint(told.clone()),
            None => error.maybe_hint(compare),
        };
        self.report(error);
        None
    }

    /// The categories that a node's values are codes of.
    pub fn labels_of(&self, node: NodeId) -> Option<u32> {
        match self.graph.node(node).kind {
            NodeKind::Column(column) => self.columns[column.idx()].labels,
            _ => None,
        }
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
        if compares && (self.told_of_na(a, b) || self.told_of_na(b, a)) {
            return None;
        }
        let (a, b) = match (&a.kind, &b.kind) {
            (_, ExprKind::Text(text)) if compares => {
                let a = self.lower(a, context, place)?;
                (a.id, self.category(text, b.span, a.labels)?)
            }
            (ExprKind::Text(text), _) if compares => {
                let b = self.lower(b, context, place)?;
                (self.category(text, a.span, b.labels)?, b.id)
            }
            _ if compares && self.told_category(a, b, context) => return None,
            _ => {
                // Both sides are compiled before either failure is acted on: two errors, not one.
                let (x, y) = (self.lower(a, context, place), self.lower(b, context, place));
                let (x, y) = (x?, y?);
                let same = |x: u32, y: u32| self.labels[x as usize] == self.labels[y as usize];
                match (x.labels, y.labels) {
                    (Some(of_x), Some(of_y)) if compares && same(of_x, of_y) => (x.id, y.id),
                    _ => (self.number(x, a.span)?, self.number(y, b.span)?),
                }
            }
        };
        Some(Value { id: self.map(fun, vec![a, b], span), labels: None })
    }

    /// Tells that nothing is equal to a missing value, where `na` is written as one.
    fn told_of_na(&mut self, na: &Expr, other: &Expr) -> bool {
        let ExprKind::Name(name) = &na.kind else { return false };
        if !is_na(name) || self.binding(name).is_some() {
            return false;
        }
        let error = Diagnostic::error(na.span, "nothing is equal to a missing value")
            .label("the comparison is missing itself")
            .hint(format!("write `is_missing({other})`"));
        self.report(error);
        true
    }

    /// Tells that a category lacks its quotes, as in `arm == control`, if it does.
    fn told_category(&mut self, a: &Expr, b: &Expr, context: &Context) -> bool {
        let name = |e: &Expr| match &e.kind {
            ExprKind::Name(name) => Some((name.clone(), e.span)),
            _ => None,
        };
        let (Some(a), Some(b)) = (name(a), name(b)) else { return false };
        let labels = |c: &Self, name: &str| {
            let given =
                context.given.iter().find(|(n, _)| n == name).map(|(_, value)| value.labels);
            given.unwrap_or_else(|| match c.binding(name) {
                Some(Binding::Variable(node)) => c.labels_of(node),
                _ => None,
            })
        };
        for ((variable, _), (category, span)) in [(&a, &b), (&b, &a)] {
            let known = self.binding(category).is_some()
                || context.given.iter().any(|(given, _)| given == category);
            let Some(labels) = labels(self, variable).filter(|_| !known) else { continue };
            if self.labels[labels as usize].contains(category) {
                let message = format!("there is no variable `{category}`");
                let error = Diagnostic::error(*span, message).label("a category without quotes");
                self.report(error.hint(format!("write `{variable} == '{category}'`")));
                return true;
            }
        }
        false
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

    /// A function of nodes: folded where all are constants, simplified where that changes no bit.
    pub fn map(&mut self, fun: Fun, args: Vec<NodeId>, span: Span) -> NodeId {
        let value = |i: usize| args.get(i).and_then(|a| self.graph.value(*a));
        let constants: Vec<Option<f64>> = (0..args.len()).map(value).collect();
        if let Some(all) = constants.iter().copied().collect::<Option<Vec<f64>>>() {
            let at = |i: usize| all.get(i).copied().unwrap_or(0.0);
            let value = fun.apply(at(0), at(1), at(2));
            let of_na = value.is_nan() && args.iter().any(|a| self.graph.is_na(*a));
            return self.graph.constant(if of_na { NA } else { value }, span);
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
