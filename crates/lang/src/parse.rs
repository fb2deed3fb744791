//! Tokens to trees, by operator precedence (Pratt 1973), with several errors from one pass.

use crate::cursor::{Failed, Parsed, Parser};
use crate::diagnostic::Diagnostic;
use crate::expr::{Arg, BinaryOp, Expr, ExprKind, Precedence, UnaryOp};
use crate::span::Span;
use crate::token::TokenKind;

/// How many nodes there may be on the way from the root of a tree to a leaf. A long sum reaches
/// it sooner than [`DEPTH_MAX`], as each `+` adds one.
pub const HEIGHT_MAX: u32 = 500;

/// Reads an expression. `at` is the byte offset of the text's first byte in the file; all spans
/// count from the file's start.
///
/// # Errors
/// One diagnostic for each thing that is wrong, in the order of their places; at least one, and no
/// more than are worth reading.
///
/// # References
/// Pratt 1973, Top down operator precedence, POPL 1973:41. The precedences are R's (`?Syntax`).
pub fn parse_expression(text: &str, at: u32) -> Result<Expr, Vec<Diagnostic>> {
    let mut parser = Parser::new(text, at);
    let parsed = parser.whole_expression();
    parser.finish(parsed)
}

/// A tree and its height, which bounds the recursion of whatever walks it.
pub(crate) struct Tree {
    pub expr: Expr,
    height: u32,
}

impl Parser<'_> {
    fn whole_expression(&mut self) -> Parsed<Expr> {
        if self.peek().kind == TokenKind::End {
            let span = self.peek().span;
            return self.fail(
                Diagnostic::error(span, "the expression is empty")
                    .label("expected a value")
                    .hint("write a number, a variable or a function call"),
            );
        }
        let tree = self.expression(Precedence::Or)?;
        match self.peek().kind {
            TokenKind::End => Ok(tree.expr),
            _ => Err(self.unexpected_after_value(None)),
        }
    }

    /// An expression of operators that bind at least as tightly as `least`.
    pub(crate) fn expression(&mut self, least: Precedence) -> Parsed<Tree> {
        self.descend()?;
        let parsed = self.operators(least);
        self.ascend();
        parsed
    }

    fn operators(&mut self, least: Precedence) -> Parsed<Tree> {
        let mut left = self.prefix()?;
        // The right side of a comparison, and whether another that follows it was reported.
        let (mut compared, mut chained): (Option<Span>, bool) = (None, false);
        loop {
            let token = self.peek();
            let Some(op) = binary_operator(token.kind) else {
                return Ok(left);
            };
            let own = op.precedence();
            if own < least {
                return Ok(left);
            }
            self.advance();
            let right = match own {
                // A power binds from the right: `2^3^2` is `2^9`.
                Precedence::Power => self.expression(own)?,
                _ => self.expression(own.tighter())?,
            };
            if own == Precedence::Comparison {
                if let (Some(middle), false) = (compared, chained) {
                    self.report_chained(&left, middle, token, &right);
                    chained = true;
                }
                compared = Some(right.expr.span);
            }
            left = self.binary(op, left, right)?;
        }
    }

    fn binary(&mut self, op: BinaryOp, left: Tree, right: Tree) -> Parsed<Tree> {
        let span = left.expr.span.join(right.expr.span);
        let height = 1 + left.height.max(right.height);
        let kind = ExprKind::Binary(op, Box::new(left.expr), Box::new(right.expr));
        self.tree(kind, span, height)
    }

    fn tree(&mut self, kind: ExprKind, span: Span, height: u32) -> Parsed<Tree> {
        if height > HEIGHT_MAX {
            return self.abandon(
                Diagnostic::error(span, "the expression is too long")
                    .label(format!("more than {HEIGHT_MAX} operators"))
                    .hint("declare a variable for a part of it"),
            );
        }
        Ok(Tree { expr: Expr::new(kind, span), height })
    }

    fn prefix(&mut self) -> Parsed<Tree> {
        let token = self.peek();
        match token.kind {
            TokenKind::Minus => self.unary(UnaryOp::Neg, Precedence::Sign),
            TokenKind::Not => self.unary(UnaryOp::Not, Precedence::Not),
            TokenKind::Plus => {
                // A plus sign says nothing: it leaves no node, but belongs to the span.
                self.advance();
                let mut tree = self.expression(Precedence::Sign)?;
                tree.expr.span = token.span.join(tree.expr.span);
                Ok(tree)
            }
            _ => self.operand(),
        }
    }

    fn unary(&mut self, op: UnaryOp, least: Precedence) -> Parsed<Tree> {
        let token = self.advance();
        let operand = self.expression(least)?;
        let span = token.span.join(operand.expr.span);
        self.tree(ExprKind::Unary(op, Box::new(operand.expr)), span, operand.height + 1)
    }

    fn operand(&mut self) -> Parsed<Tree> {
        let token = self.peek();
        let kind = match token.kind {
            TokenKind::Number(value) => ExprKind::Number(value),
            TokenKind::Bool(value) => ExprKind::Bool(value),
            TokenKind::Text(text) => ExprKind::Text(text.replace("''", "'")),
            TokenKind::Name(name) => {
                if self.peek_at(1).kind == TokenKind::Open {
                    return self.call(name);
                }
                ExprKind::Name(name.to_owned())
            }
            TokenKind::Open => return self.parenthesised(),
            _ => return Err(self.expected_value()),
        };
        self.advance();
        self.tree(kind, token.span, 1)
    }

    fn parenthesised(&mut self) -> Parsed<Tree> {
        let open = self.advance();
        if self.peek().kind == TokenKind::Close {
            let close = self.advance();
            return self.fail(
                Diagnostic::error(open.span.join(close.span), "nothing between the parentheses")
                    .label("expected a value"),
            );
        }
        let parsed = self.expression(Precedence::Or);
        let parsed = match parsed {
            Ok(_) if self.peek().kind != TokenKind::Close => {
                Err(self.unexpected_after_value(Some(open.span)))
            }
            parsed => parsed,
        };
        if parsed.is_err() {
            // What follows the parenthesis is read for further errors.
            self.skip_to(|_| false);
        }
        let close = self.advance();
        let mut tree = match parsed {
            Err(Failed) if close.kind == TokenKind::Close => placeholder(close.span),
            parsed => parsed?,
        };
        tree.expr.span = open.span.join(close.span);
        Ok(tree)
    }

    /// Reads `name(` and the arguments up to `)`. The current token is the name.
    pub(crate) fn call(&mut self, name: &str) -> Parsed<Tree> {
        let name_span = self.advance().span;
        let open = self.advance();
        let mut args: Vec<Arg> = Vec::new();
        let mut height = 0;
        while self.peek().kind != TokenKind::Close {
            let parsed = self.argument(name, open.span);
            match parsed {
                Ok((arg, arg_height)) => {
                    height = arg_height.max(height);
                    args.push(arg);
                }
                // What is wrong with one argument says nothing about the next.
                Err(Failed) => {
                    self.skip_to(|kind| kind == TokenKind::Comma);
                    if self.peek().kind == TokenKind::End {
                        return Err(Failed);
                    }
                }
            }
            if self.peek().kind == TokenKind::Comma {
                let comma = self.advance();
                if self.peek().kind == TokenKind::Close {
                    self.errors.push(
                        Diagnostic::error(comma.span, "expected an argument after `,`")
                            .related(open.span, "the arguments start here"),
                    );
                }
            }
        }
        let close = self.advance();
        let kind = ExprKind::Call { name: name.to_owned(), name_span, args };
        self.tree(kind, name_span.join(close.span), height + 1)
    }

    fn argument(&mut self, function: &str, open: Span) -> Parsed<(Arg, u32)> {
        let name = match (self.peek().kind, self.peek_at(1).kind) {
            (TokenKind::Name(name), TokenKind::Assign) => {
                let span = self.advance().span;
                let assign = self.advance();
                if function == "if" {
                    let error = Diagnostic::error(assign.span, "`=` does not compare");
                    return self.fail(error.hint("to compare, write `==`"));
                }
                Some((name.to_owned(), span))
            }
            _ => None,
        };
        let value = self.expression(Precedence::Or)?;
        match self.peek().kind {
            TokenKind::Comma | TokenKind::Close => {
                Ok((Arg { name, value: value.expr }, value.height))
            }
            _ => Err(self.unexpected_after_value(Some(open))),
        }
    }
}

/// Stands for a part that is in error, so that what follows it can be read. The tree it goes into
/// is thrown away.
fn placeholder(span: Span) -> Tree {
    Tree { expr: Expr::new(ExprKind::Number(0.0), span), height: 1 }
}

fn binary_operator(kind: TokenKind<'_>) -> Option<BinaryOp> {
    Some(match kind {
        TokenKind::Plus => BinaryOp::Add,
        TokenKind::Minus => BinaryOp::Sub,
        TokenKind::Star => BinaryOp::Mul,
        TokenKind::Slash => BinaryOp::Div,
        TokenKind::Percent => BinaryOp::Rem,
        TokenKind::Caret => BinaryOp::Pow,
        TokenKind::Lt => BinaryOp::Lt,
        TokenKind::Le => BinaryOp::Le,
        TokenKind::Gt => BinaryOp::Gt,
        TokenKind::Ge => BinaryOp::Ge,
        TokenKind::Eq => BinaryOp::Eq,
        TokenKind::Ne => BinaryOp::Ne,
        TokenKind::And => BinaryOp::And,
        TokenKind::Bar | TokenKind::DoubleBar => BinaryOp::Or,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree with every parenthesis, so that no precedence is left to the reader.
    fn outline(expr: &Expr) -> String {
        match &expr.kind {
            ExprKind::Unary(op, operand) => format!("({} {})", op.symbol(), outline(operand)),
            ExprKind::Binary(op, left, right) => {
                format!("({} {} {})", op.symbol(), outline(left), outline(right))
            }
            ExprKind::Call { name, args, .. } => {
                let args: Vec<String> = args
                    .iter()
                    .map(|arg| match &arg.name {
                        Some((name, _)) => format!(" {name}={}", outline(&arg.value)),
                        None => format!(" {}", outline(&arg.value)),
                    })
                    .collect();
                format!("({name}{})", args.concat())
            }
            ExprKind::Text(text) => format!("{text:?}"),
            _ => expr.to_string(),
        }
    }

    fn parsed(text: &str) -> Expr {
        parse_expression(text, 0).unwrap_or_else(|errors| panic!("{text}: {errors:?}"))
    }

    /// The text has this tree, and its canonical form is this and has the same tree.
    fn check(text: &str, tree: &str, canonical: &str) {
        let expr = parsed(text);
        assert_eq!(outline(&expr), tree, "{text}");
        assert_eq!(expr.to_string(), canonical, "{text}");
        let again = parsed(canonical);
        assert!(again.same(&expr), "{text}: {canonical} gives {}", outline(&again));
    }

    #[test]
    fn operands() {
        check("1", "1", "1");
        check(".5", "0.5", "0.5");
        check("2.", "2", "2");
        check("1e-3", "0.001", "0.001");
        check("1E+5", "1e+05", "1e+05");
        check("123456", "123456", "123456");
        check("1e-12", "1e-12", "1e-12");
        check("1_000", "1000", "1000");
        check("0.1", "0.1", "0.1");
        check("1e-400", "0", "0");
        check("true", "true", "true");
        check("FALSE", "false", "false");
        check("truely", "truely", "truely");
        check("_x9", "_x9", "_x9");
        check("größe_2", "größe_2", "größe_2");
        check("'control'", "\"control\"", "'control'");
        check("'it''s'", "\"it's\"", "'it''s'");
        check("''", "\"\"", "''");
        check("''''", "\"'\"", "''''");
    }

    #[test]
    fn precedence_is_rs() {
        check("-2^2", "(- (^ 2 2))", "-2^2");
        check("2^-1", "(^ 2 (- 1))", "2^-1");
        check("2^-3^2", "(^ 2 (- (^ 3 2)))", "2^-3^2");
        check("2^-3*4", "(* (^ 2 (- 3)) 4)", "2^-3 * 4");
        check("2^3^2", "(^ 2 (^ 3 2))", "2^3^2");
        check("(2^3)^2", "(^ (^ 2 3) 2)", "(2^3)^2");
        check("(-2)^2", "(^ (- 2) 2)", "(-2)^2");
        check("-a * b", "(* (- a) b)", "-a * b");
        check("a - -b", "(- a (- b))", "a - -b");
        check("--a", "(- (- a))", "--a");
        check("+a", "a", "a");
        check("1 + +a", "(+ 1 a)", "1 + a");
        check("a - b - c", "(- (- a b) c)", "a - b - c");
        check("a - (b - c)", "(- a (- b c))", "a - (b - c)");
        check("a / b * c % d", "(% (* (/ a b) c) d)", "a/b * c % d");
        check("a / (b * c)", "(/ a (* b c))", "a/(b * c)");
        check("a + b * c", "(+ a (* b c))", "a + b * c");
        check("(a + b) * c", "(* (+ a b) c)", "(a + b) * c");
        check("-(a + b)", "(- (+ a b))", "-(a + b)");
        check("a < b + 1", "(< a (+ b 1))", "a < b + 1");
        check("a == b & c != d", "(& (== a b) (!= c d))", "a == b & c != d");
        check("a & b | c && d", "(| (& a b) (& c d))", "a & b | c & d");
        check("a & (b | c)", "(& a (| b c))", "a & (b | c)");
        check("a || b", "(| a b)", "a | b");
        check("!a == b", "(! (== a b))", "!(a == b)");
        check("(!a) == b", "(== (! a) b)", "(!a) == b");
        check("!a & b", "(& (! a) b)", "!a & b");
        check("!!a", "(! (! a))", "!!a");
        check("-!a", "(- (! a))", "-(!a)");
        check("a + !b", "(+ a (! b))", "a + (!b)");
        check("(a < b) < c", "(< (< a b) c)", "(a < b) < c");
        check("x<-3", "(< x (- 3))", "x < -3");
    }

    #[test]
    fn calls() {
        check("f()", "(f)", "f()");
        check("normal(0, sd)", "(normal 0 sd)", "normal(0, sd)");
        check("mean(score, by=class)", "(mean score by=class)", "mean(score, by = class)");
        check("f (a)", "(f a)", "f(a)");
        check("-f(g(x)^2)^2", "(- (^ (f (^ (g x) 2)) 2))", "-f(g(x)^2)^2");
        check("if(a > 0 & b, 'x', -1)", "(if (& (> a 0) b) \"x\" (- 1))", "if(a > 0 & b, 'x', -1)");
        check("f(g = (a))", "(f g=a)", "f(g = a)");
        check("a\n  +\tb", "(+ a b)", "a + b");
    }

    #[test]
    fn spans_are_those_of_the_file() {
        let text = " (a + größe) * f( x , by = g ) ";
        let expr = parse_expression(text, 100).expect("valid");
        let at = |span: Span| &text[span.start as usize - 100..span.end as usize - 100];
        assert_eq!(at(expr.span), text.trim());
        let ExprKind::Binary(BinaryOp::Mul, left, right) = &expr.kind else {
            panic!("{expr:?}");
        };
        assert_eq!(at(left.span), "(a + größe)");
        let ExprKind::Binary(_, _, name) = &left.kind else {
            panic!("{left:?}");
        };
        assert_eq!(at(name.span), "größe");
        let ExprKind::Call { name_span, args, .. } = &right.kind else {
            panic!("{right:?}");
        };
        assert_eq!(at(right.span), "f( x , by = g )");
        assert_eq!(at(*name_span), "f");
        assert_eq!(at(args[0].value.span), "x");
        assert_eq!(args[1].name.as_ref().map(|(_, span)| at(*span)), Some("by"));
        assert_eq!(at(parse_expression(" - a ^ 2 ", 100).expect("valid").span).len(), 7);
    }

    #[test]
    fn the_same_tree_may_stand_elsewhere() {
        assert!(parsed("f(a, b = 1) + 'x'").same(&parsed("((f( a,b=1 )))+ 'x'")));
        for other in ["f(a, c = 1) + 'x'", "f(a, 1) + 'x'", "f(a) + 'x'", "f(a, b = 1) + 'y'"] {
            assert!(!parsed("f(a, b = 1) + 'x'").same(&parsed(other)), "{other}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let n = 10_000;
        let texts = [
            "(".repeat(n),
            format!("{}a{}", "(".repeat(n), ")".repeat(n)),
            format!("{}a", "-".repeat(n)),
            format!("{}a", "+".repeat(n)),
            format!("{}a", "!".repeat(n)),
            format!("{}a{}", "f(".repeat(n), ")".repeat(n)),
            format!("{}a", "f(1, ".repeat(n)),
            format!("{}2", "2^".repeat(n)),
            format!("{}2", "2^-".repeat(n)),
            format!("{}2", "a & (b < -(".repeat(n)),
            format!("{}a", "a - ".repeat(n)),
            format!("{}a", "a * ".repeat(n)),
            format!("{}a", "a | ".repeat(n)),
        ];
        for text in texts {
            let errors = parse_expression(&text, 0).expect_err("too deep");
            assert_eq!(errors.len(), 1, "{}", &text[..20]);
            let expected = ["the expression is nested too deeply", "the expression is too long"];
            assert!(expected.contains(&errors[0].message.as_str()), "{}", errors[0].message);
        }
    }

    #[test]
    fn what_people_write_is_within_the_bounds() {
        let nested = format!("{}a{}", "(".repeat(150), ")".repeat(150));
        assert_eq!(parsed(&nested).to_string(), "a");
        let sum = vec!["x"; 400].join(" + ");
        assert_eq!(parsed(&sum).to_string(), sum);
        let arguments = format!("categorical({})", vec!["0.001"; 5000].join(", "));
        assert_eq!(parsed(&arguments).to_string(), arguments);
        assert!(parsed(&sum).same(&parsed(&sum).clone()));
    }
}
