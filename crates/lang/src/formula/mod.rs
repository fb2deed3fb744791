//! Model formulas in the notation of R and lme4: the tree, with all shorthand written out.

mod algebra;
mod blame;
mod one_sided;
mod parse;
mod random;

use std::fmt;

pub use one_sided::parse_terms;
pub use parse::parse_formula;

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

/// As it is written in lme4, with the intercept always said: `(1 + x | g)`.
impl fmt::Display for RandomTerm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.intercept { "(1" } else { "(0" })?;
        for slope in &self.slopes {
            write!(f, " + {slope}")?;
        }
        let bar = if self.correlated { "|" } else { "||" };
        write!(f, " {bar} {})", self.grouping_label())
    }
}

/// The formula with all shorthand written out: `y ~ x + z + x:z + (1 | g)`. Parsing it gives the
/// same terms in the same order, though perhaps with another order of the factors in one.
impl fmt::Display for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ~ {}", self.response, side_text(self.intercept, &self.terms))?;
        for random in &self.random {
            write!(f, " + {random}")?;
        }
        match &self.instruments {
            Some((intercept, terms)) => write!(f, " | {}", side_text(*intercept, terms)),
            None => Ok(()),
        }
    }
}

/// Terms joined by `+`; the intercept only where it has to be said.
fn side_text(intercept: bool, terms: &[Term]) -> String {
    let constant = match (intercept, terms.is_empty()) {
        (true, true) => Some("1".to_owned()),
        (true, false) => None,
        (false, _) => Some("0".to_owned()),
    };
    let parts: Vec<String> = constant.into_iter().chain(terms.iter().map(Term::label)).collect();
    parts.join(" + ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ExprKind;

    fn parsed(text: &str) -> Formula {
        parse_formula(text, 0).unwrap_or_else(|errors| panic!("{text}: {errors:?}"))
    }

    /// The text is written out like this, and what is written out means the same.
    fn check(text: &str, expected: &str) {
        assert_eq!(parsed(text).to_string(), expected, "{text}");
        assert_eq!(parsed(expected).to_string(), expected, "{text}");
    }

    #[test]
    fn random_effects() {
        check("y ~ x + (1 | g)", "y ~ x + (1 | g)");
        check("y ~ (1|g) + x", "y ~ x + (1 | g)");
        check("y ~ 1 + (1|g)", "y ~ 1 + (1 | g)");
        check("y ~ (1|g)", "y ~ 1 + (1 | g)");
        check("y ~ 0 + x + (1|g)", "y ~ 0 + x + (1 | g)");
        check("y ~ x + (x | g)", "y ~ x + (1 + x | g)");
        check("y ~ x + (1 + x | g)", "y ~ x + (1 + x | g)");
        check("y ~ x + (0 + x | g)", "y ~ x + (0 + x | g)");
        check("y ~ x + (x - 1 | g)", "y ~ x + (0 + x | g)");
        check("y ~ x + (-1 + x | g)", "y ~ x + (0 + x | g)");
        check("y ~ x + (x || g)", "y ~ x + (1 + x || g)");
        check("y ~ x + (x*z | g)", "y ~ x + (1 + x + z + x:z | g)");
        check("y ~ x + (factor(a) + I(x^2) | g)", "y ~ x + (1 + factor(a) + I(x^2) | g)");
        check("y ~ x + (1 | a/b)", "y ~ x + (1 | a) + (1 | a:b)");
        check("y ~ x + (x || a/b)", "y ~ x + (1 + x || a) + (1 + x || a:b)");
        check("y ~ (1 | a/b/c)", "y ~ 1 + (1 | a) + (1 | a:b) + (1 | a:b:c)");
        check("y ~ (1 | a:b)", "y ~ 1 + (1 | a:b)");
        check("y ~ (1 | a:b:a)", "y ~ 1 + (1 | a:b)");
        check("y ~ (1 | a:b/c)", "y ~ 1 + (1 | a:b) + (1 | a:b:c)");
        check("y ~ (1 | a/(b:c))", "y ~ 1 + (1 | a) + (1 | a:b:c)");
        check("y ~ (1 | (a/b)/c)", "y ~ 1 + (1 | a) + (1 | a:b) + (1 | a:b:c)");
        check("y ~ (1 | (a/b):c)", "y ~ 1 + (1 | a:c) + (1 | a:b:c)");
        check("y ~ (1 | g) + (0 + x | g)", "y ~ 1 + (1 | g) + (0 + x | g)");
        check("y ~ (1 | g) + (1 | h)", "y ~ 1 + (1 | g) + (1 | h)");
        check("y ~ x + ((1 | g))", "y ~ x + (1 | g)");
        check("y ~ (x + (1 | g))", "y ~ x + (1 | g)");
        check("y ~ x*z + (1 | g) - z", "y ~ x + x:z + (1 | g)");
    }

    #[test]
    fn the_intercept_of_a_random_effect_is_its_own() {
        check("y ~ 0 + x + (1 + x | g)", "y ~ 0 + x + (1 + x | g)");
        check("y ~ (0 + x | g) + x", "y ~ x + (0 + x | g)");
        check("y ~ x - 1 + (x | g) + (0 + z | h)", "y ~ 0 + x + (1 + x | g) + (0 + z | h)");
        // The order of its variables is its own too, as in lme4.
        check("y ~ x + z + (z:x | g)", "y ~ x + z + (1 + z:x | g)");
    }

    #[test]
    fn terms_without_an_outcome() {
        let check = |text: &str, expected: (bool, &[&str])| {
            let (intercept, terms) = parse_terms(text, 0).unwrap();
            let labels: Vec<String> = terms.iter().map(Term::label).collect();
            assert_eq!(
                (intercept, labels.iter().map(String::as_str).collect()),
                (expected.0, expected.1.to_vec())
            );
        };
        check("~ x + z", (true, &["x", "z"]));
        check("x*z + factor(g)", (true, &["x", "z", "factor(g)", "x:z"]));
        check("0 + x", (false, &["x"]));
        for wrong in ["", "~", "y ~ x", "x | z", "x + (1 | g)", "x +"] {
            assert!(parse_terms(wrong, 0).is_err(), "{wrong}");
        }
    }

    #[test]
    fn instruments() {
        check("y ~ d + x | z + x", "y ~ d + x | z + x");
        check("y ~ d | z", "y ~ d | z");
        check("y ~ 0 + d | 0 + z", "y ~ 0 + d | 0 + z");
        check("y ~ d - 1 | z", "y ~ 0 + d | z");
        check("y ~ d | z - 1", "y ~ d | 0 + z");
        check("y ~ d*x | z*x", "y ~ d + x + d:x | z + x + z:x");
        check("y ~ d | 1", "y ~ d | 1");
        check("y ~ (d + x)^2 | (z + x)^2", "y ~ d + x + d:x | z + x + z:x");
        check("y ~ d | I(z | w)", "y ~ d | I(z | w)");
        let formula = parsed("y ~ d + x | z + x");
        let (intercept, terms) = formula.instruments.expect("two parts");
        assert!(intercept);
        assert_eq!(terms.iter().map(Term::label).collect::<Vec<_>>(), ["z", "x"]);
    }

    #[test]
    fn identity_is_gone_from_what_is_evaluated() {
        let formula = parsed("I(y^2) ~ I(x^2) + factor(I(g) + 1) + log(I(-x)) + I(f(a = I(x)))");
        assert_eq!(formula.response.to_string(), "y^2");
        let factors: Vec<&Factor> = formula.terms.iter().flat_map(|term| &term.factors).collect();
        let evaluated: Vec<String> = factors.iter().map(|factor| factor.expr.to_string()).collect();
        assert_eq!(evaluated, ["x^2", "g + 1", "log(-x)", "f(a = x)"]);
        let labels: Vec<&str> = factors.iter().map(|factor| factor.label.as_str()).collect();
        assert_eq!(labels, ["I(x^2)", "factor(I(g) + 1)", "log(I(-x))", "I(f(a = I(x)))"]);
        let categorical: Vec<bool> = factors.iter().map(|factor| factor.categorical).collect();
        assert_eq!(categorical, [false, true, false, false]);
    }

    #[test]
    fn spans_are_those_of_the_file() {
        let text = " y ~ a*größe + I(a^2):b + (1 + a | g/h) ";
        let formula = parse_formula(text, 50).expect("valid");
        let at = |span: Span| &text[span.start as usize - 50..span.end as usize - 50];
        assert_eq!(at(formula.span), text.trim());
        assert_eq!(at(formula.response.span), "y");
        let terms: Vec<&str> = formula.terms.iter().map(|term| at(term.span)).collect();
        assert_eq!(terms, ["a", "größe", "a*größe", "I(a^2):b"]);
        assert_eq!(at(formula.terms[3].factors[0].expr.span), "a^2");
        assert_eq!(formula.terms[3].factors[1].expr.kind, ExprKind::Name("b".to_owned()));
        let nested = &formula.random[1];
        assert_eq!(at(nested.span), "(1 + a | g/h)");
        assert_eq!(at(nested.slopes[0].span), "a");
        let names: Vec<&str> = nested.grouping.iter().map(|(_, span)| at(*span)).collect();
        assert_eq!(names, ["g", "h"]);
    }

    #[test]
    fn size_is_bounded() {
        let n = 10_000;
        let names = |joint: &str| {
            let names: Vec<String> = (0..n).map(|i| format!("x{i}")).collect();
            names.join(joint)
        };
        let texts = [
            format!("y ~ {}", names(" + ")),
            format!("y ~ {}", names(":")),
            format!("y ~ {}", names("*")),
            format!("y ~ {}", names("/")),
            format!("y ~ ({})^2", (0..99).map(|i| format!("x{i} +")).collect::<String>() + "a"),
            format!("y ~ (1 | {})", names("/")),
            format!("y ~ (1 | {})", names("):(").replace(")", "/a)").replace("x0/", "(x0/") + ")"),
            format!("y ~ {}", "(1 | g) + ".repeat(n) + "x"),
            format!("y ~ {}", "(".repeat(n)),
            format!("y ~ {}x{}", "(".repeat(n), ")".repeat(n)),
            format!("y ~ (1 | {}g{})", "(".repeat(n), ")".repeat(n)),
            format!("y ~ {}", "(1 | (".repeat(n)),
            format!("y ~ {}", "(x | ".repeat(n)),
            format!("y ~ x{}", "^2".repeat(n)),
            format!("y ~ {}", "- ".repeat(n)),
            format!("{}y ~ x", "-".repeat(n)),
            format!("y ~ I({}x)", "-".repeat(n)),
            format!("y {}", "~ ".repeat(n)),
        ];
        for text in texts {
            let errors = parse_formula(&text, 0).expect_err("too long, or nonsense");
            assert!(errors.len() <= 20, "{}", &text[..20]);
        }
    }

    #[test]
    fn what_people_write_is_within_the_bounds() {
        let names: Vec<String> = (0..300).map(|i| format!("x{i}")).collect();
        assert_eq!(parsed(&format!("y ~ {}", names.join(" + "))).terms.len(), 300);
        assert_eq!(parsed(&format!("y ~ {}", names[..9].join("*"))).terms.len(), 511);
        assert_eq!(parsed(&format!("y ~ ({})^2", names[..40].join(" + "))).terms.len(), 820);
        assert_eq!(parsed(&format!("y ~ ({})^999", names[..9].join(" + "))).terms.len(), 511);
        let nested = format!("y ~ {}x{}", "(".repeat(150), ")".repeat(150));
        assert_eq!(parsed(&nested).terms.len(), 1);
    }
}
