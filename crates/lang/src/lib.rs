//! Expression and formula text to trees with byte spans; diagnostics and their renderer.
//!
//! It knows nothing of designs: names are left to whoever resolves them.
//!
//! ```
//! use trialrun_lang::{parse_expression, parse_formula, render};
//!
//! let expr = parse_expression("-2^2 * (a+b)", 0).unwrap();
//! assert_eq!(expr.to_string(), "-2^2 * (a + b)");
//!
//! let formula = parse_formula("score ~ x*z + (1 | class/student)", 0).unwrap();
//! assert_eq!(
//!     formula.to_string(),
//!     "score ~ x + z + x:z + (1 | class) + (1 | class:student)"
//! );
//!
//! let errors = parse_expression("a = 1", 0).unwrap_err();
//! assert!(render(&errors, "a.ron", "a = 1", false).contains("to compare, write `==`"));
//! ```

mod blame;
mod cursor;
mod diagnostic;
mod expr;
mod formula;
mod hypothesis;
mod parse;
mod render;
mod span;
mod suggest;
mod token;

pub use cursor::DEPTH_MAX;
pub use diagnostic::{Diagnostic, Severity};
pub use expr::{Arg, BinaryOp, Expr, ExprKind, UnaryOp};
pub use formula::{Factor, Formula, RandomTerm, Term, parse_formula, parse_terms};
pub use hypothesis::{Hypothesis, parse_hypothesis};
pub use parse::{HEIGHT_MAX, parse_expression};
pub use render::{line_col, render};
pub use span::Span;
pub use suggest::{did_you_mean, suggestion};
