//! Model formulas in the notation of R and lme4: the tree, with all shorthand written out.

use std::fmt;

use crate::expr::Expr;
use crate::span::Span;

/// A model formula, expanded: `y ~ x*z + (1 | g)` has the terms `x`, `z` and `x:z`.
#[derive(Clone, Debug, PartialEq)]
pub struct Formula {
    /// The left side. `I(...)` around it is gone.
    pub response: Expr,
    /// Whether the fixed part has an intercept.
    pub intercept: bool,
    /// The fixed terms in R's order: main effects in order of appearance, then interactions of
    /// two, and so on. No term comes twice.
    pub terms: Vec<Term>,
    /// The random effects, in the order written; `(1 | a/b)` has become `(1 | a)` and `(1 | a:b)`.
    pub random: Vec<RandomTerm>,
    /// For a right side in two parts, `y ~ d + x | z + x`: the intercept and terms after the bar.
    pub instruments: Option<(bool, Vec<Term>)>,
    /// The whole formula.
    pub span: Span,
}

/// An interaction of distinct factors; a main effect where there is one.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// The factors, in the order in which they first appear in the formula.
    pub factors: Vec<Factor>,
    /// The text that the term comes from: for the `x:z` of `x*z`, all of `x*z`.
    pub span: Span,
}

/// A variable of a term.
#[derive(Clone, Debug, PartialEq)]
pub struct Factor {
    /// What to evaluate: what `factor(...)` or `I(...)` hold where they are written.
    pub expr: Expr,
    /// Whether it was written as `factor(...)`, so that its values are classes and not numbers.
    pub categorical: bool,
    /// R's label of the column: `x`, `I(x^2)`, `factor(g)`, `log(x + 1)`.
    pub label: String,
}

/// A random effect: `(intercept + slopes | grouping)`.
#[derive(Clone, Debug, PartialEq)]
pub struct RandomTerm {
    /// Whether each group has its own intercept.
    pub intercept: bool,
    /// The terms whose coefficients differ between groups.
    pub slopes: Vec<Term>,
    /// False where it was written with `||`: the effects have variances and no covariances.
    pub correlated: bool,
    /// The grouping factors: each combination of their values is a group. One for `g`, two for
    /// `a:b`.
    pub grouping: Vec<(String, Span)>,
    /// The text that the effect comes from.
    pub span: Span,
}

impl Term {
    /// R's label: the labels of the factors, joined by `:`.
    pub fn label(&self) -> String {
        let labels: Vec<&str> = self.factors.iter().map(|factor| factor.label.as_str()).collect();
        labels.join(":")
    }
}

impl RandomTerm {
    /// The grouping as it is written: `g`, or `a:b`.
    pub fn grouping_label(&self) -> String {
        let names: Vec<&str> = self.grouping.iter().map(|(name, _)| name.as_str()).collect();
        names.join(":")
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label())
    }
}
