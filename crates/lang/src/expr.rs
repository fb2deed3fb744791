//! The tree of an expression, and how it is printed back.

use std::fmt;

use crate::span::Span;

/// An expression with the place it was written at.
///
/// Parentheses leave no node; the span of what they hold includes them. Trees made by the parser
/// are at most [`crate::HEIGHT_MAX`] nodes high, so that they can be walked by recursion.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
}

/// What an expression is.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// A finite number, never negative: `-2` is a negation.
    Number(f64),
    /// `true` or `false`.
    Bool(bool),
    /// Text in single quotes: `'control'`.
    Text(String),
    /// A name to be resolved: a variable, a parameter, a level.
    Name(String),
    /// An operator before its operand.
    Unary(UnaryOp, Box<Expr>),
    /// An operator between its operands.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// A function call: `mean(score, by = class)`.
    Call {
        /// The function's name.
        name: String,
        /// Where the name stands; the expression's own span runs to the closing parenthesis.
        name_span: Span,
        /// The arguments in the order written.
        args: Vec<Arg>,
    },
}

/// An argument of a call, with its name where it was written as `name = value`.
#[derive(Clone, Debug, PartialEq)]
pub struct Arg {
    /// The name and where it stands.
    pub name: Option<(String, Span)>,
    /// The value.
    pub value: Expr,
}

/// Operators before one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `-x`
    Neg,
    /// `!x`
    Not,
}

/// Operators between two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `a + b`
    Add,
    /// `a - b`
    Sub,
    /// `a * b`
    Mul,
    /// `a / b`
    Div,
    /// `a % b`
    Rem,
    /// `a ^ b`
    Pow,
    /// `a < b`
    Lt,
    /// `a <= b`
    Le,
    /// `a > b`
    Gt,
    /// `a >= b`
    Ge,
    /// `a == b`
    Eq,
    /// `a != b`
    Ne,
    /// `a & b`
    And,
    /// `a | b`
    Or,
}

/// How tightly an operator binds; the looser first, as in R.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Precedence {
    Or,
    And,
    Not,
    Comparison,
    Sum,
    Product,
    Sign,
    Power,
    Operand,
}

impl Precedence {
    /// The next tighter one.
    pub(crate) fn tighter(self) -> Self {
        match self {
            Self::Or => Self::And,
            Self::And => Self::Not,
            Self::Not => Self::Comparison,
            Self::Comparison => Self::Sum,
            Self::Sum => Self::Product,
            Self::Product => Self::Sign,
            Self::Sign => Self::Power,
            Self::Power | Self::Operand => Self::Operand,
        }
    }
}

impl BinaryOp {
    /// The operator as it is written.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Rem => "%",
            Self::Pow => "^",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::And => "&",
            Self::Or => "|",
        }
    }

    pub(crate) const fn precedence(self) -> Precedence {
        match self {
            Self::Add | Self::Sub => Precedence::Sum,
            Self::Mul | Self::Div | Self::Rem => Precedence::Product,
            Self::Pow => Precedence::Power,
            Self::Lt | Self::Le | Self::Gt | Self::Ge | Self::Eq | Self::Ne => {
                Precedence::Comparison
            }
            Self::And => Precedence::And,
            Self::Or => Precedence::Or,
        }
    }

    /// The loosest precedence that stands on either side without parentheses.
    fn sides(self) -> (Precedence, Precedence) {
        let own = self.precedence();
        match self {
            Self::Pow => (own.tighter(), own),
            _ if own == Precedence::Comparison => (own.tighter(), own.tighter()),
            _ => (own, own.tighter()),
        }
    }
}

impl UnaryOp {
    /// The operator as it is written.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Neg => "-",
            Self::Not => "!",
        }
    }
}

impl Expr {
    /// An expression from its parts.
    pub fn new(kind: ExprKind, span: Span) -> Self {
        Self { kind, span }
    }

    /// Whether both say the same, wherever they stand.
    pub fn same(&self, other: &Self) -> bool {
        match (&self.kind, &other.kind) {
            (ExprKind::Unary(a, x), ExprKind::Unary(b, y)) => a == b && x.same(y),
            (ExprKind::Binary(a, x, v), ExprKind::Binary(b, y, w)) => {
                a == b && x.same(y) && v.same(w)
            }
            (ExprKind::Call { name: a, args: x, .. }, ExprKind::Call { name: b, args: y, .. }) => {
                a == b && x.len() == y.len() && x.iter().zip(y).all(|(x, y)| x.same(y))
            }
            (a, b) => a == b,
        }
    }

    /// Whether a name occurs in it.
    pub fn mentions(&self, wanted: &str) -> bool {
        match &self.kind {
            ExprKind::Name(name) => name == wanted,
            ExprKind::Unary(_, arg) => arg.mentions(wanted),
            ExprKind::Binary(_, a, b) => a.mentions(wanted) || b.mentions(wanted),
            ExprKind::Call { args, .. } => args.iter().any(|arg| arg.value.mentions(wanted)),
            ExprKind::Number(_) | ExprKind::Bool(_) | ExprKind::Text(_) => false,
        }
    }

    fn precedence(&self) -> Precedence {
        match &self.kind {
            ExprKind::Unary(UnaryOp::Neg, _) => Precedence::Sign,
            ExprKind::Unary(UnaryOp::Not, _) => Precedence::Not,
            ExprKind::Binary(op, ..) => op.precedence(),
            ExprKind::Number(value) if value.is_sign_negative() => Precedence::Sign,
            _ => Precedence::Operand,
        }
    }

    /// Prints it as an operand, in parentheses where it binds more loosely than `least`.
    fn print_operand(&self, least: Precedence, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.precedence() < least { write!(f, "({self})") } else { write!(f, "{self}") }
    }
}

impl Arg {
    fn same(&self, other: &Self) -> bool {
        let names_agree = match (&self.name, &other.name) {
            (Some((a, _)), Some((b, _))) => a == b,
            (a, b) => a.is_none() && b.is_none(),
        };
        names_agree && self.value.same(&other.value)
    }
}

/// The canonical form: one spelling for one tree, spaced as R's `deparse` does (`log(x + 1)`,
/// `x^2`, `x/2`), with no parentheses but those that are needed. Parsing it gives the tree back.
impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::Number(value) => f.write_str(&number_text(*value)),
            ExprKind::Bool(value) => write!(f, "{value}"),
            ExprKind::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
            ExprKind::Name(name) => f.write_str(name),
            ExprKind::Unary(UnaryOp::Neg, operand) => {
                f.write_str("-")?;
                operand.print_operand(Precedence::Sign, f)
            }
            // `!a == b` means `!(a == b)`, which few readers know: the parentheses are printed.
            ExprKind::Unary(UnaryOp::Not, operand) => {
                f.write_str("!")?;
                match operand.kind {
                    ExprKind::Unary(UnaryOp::Not, _) => write!(f, "{operand}"),
                    _ => operand.print_operand(Precedence::Operand, f),
                }
            }
            ExprKind::Binary(op, left, right) => {
                let (least_left, least_right) = op.sides();
                left.print_operand(least_left, f)?;
                match op {
                    BinaryOp::Div | BinaryOp::Pow => f.write_str(op.symbol())?,
                    _ => write!(f, " {} ", op.symbol())?,
                }
                // A sign needs no parentheses after an operator: `2^-1`, `a * -b`.
                match right.precedence() {
                    Precedence::Sign => write!(f, "{right}"),
                    _ => right.print_operand(least_right, f),
                }
            }
            ExprKind::Call { name, args, .. } => {
                write!(f, "{name}(")?;
                for (i, arg) in args.iter().enumerate() {
                    f.write_str(if i == 0 { "" } else { ", " })?;
                    write!(f, "{arg}")?;
                }
                f.write_str(")")
            }
        }
    }
}

impl fmt::Display for Arg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((name, _)) = &self.name {
            write!(f, "{name} = ")?;
        }
        write!(f, "{}", self.value)
    }
}

/// The shortest digits that give the number back, in fixed or exponent form, whichever is shorter
/// (fixed where they tie), as R's `deparse` chooses: `100`, `0.001`, `1e+05`.
fn number_text(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Inf" } else { "-Inf" }.to_owned();
    }
    let fixed = format!("{value}");
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let (sign, exponent) = match exponent.strip_prefix('-') {
        Some(exponent) => ('-', exponent),
        None => ('+', exponent),
    };
    let scientific = format!("{digits}e{sign}{exponent:0>2}");
    if fixed.len() <= scientific.len() { fixed } else { scientific }
}
