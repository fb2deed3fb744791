//! Expression and formula text to trees with byte spans; diagnostics and their renderer.

mod blame;
mod diagnostic;
mod expr;
mod formula;
mod parse;
mod span;
mod suggest;
mod token;

pub use diagnostic::{Diagnostic, Severity};
pub use expr::{Arg, BinaryOp, Expr, ExprKind, UnaryOp};
pub use formula::{Factor, Formula, RandomTerm, Term};
pub use parse::{DEPTH_MAX, HEIGHT_MAX, parse_expression};
pub use span::Span;
pub use suggest::{did_you_mean, suggestion};
