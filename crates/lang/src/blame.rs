//! The words for what the parser did not expect.

use crate::cursor::{Failed, Parser};
use crate::diagnostic::Diagnostic;
use crate::parse::Tree;
use crate::span::Span;
use crate::token::{Token, TokenKind};

impl Parser<'_> {
    /// Reports that a value should stand where the parser is.
    pub(crate) fn expected_value(&mut self) -> Failed {
        let token = self.peek();
        let written = self.written(token.span);
        let error = |message: String| Diagnostic::error(token.span, message);
        let before = self.before();
        self.errors.push(match token.kind {
            TokenKind::Bad => return Failed,
            TokenKind::End => {
                error("unexpected end of the text".to_owned()).label("expected a value")
            }
            TokenKind::Assign => match before.map(|token| token.kind) {
                Some(TokenKind::Eq | TokenKind::Assign) => {
                    error("one `=` too many".to_owned()).hint("to compare, write `==`")
                }
                _ => error("expected a value, found `=`".to_owned()),
            },
            TokenKind::Dot => error("expected a value, found `.`".to_owned()),
            _ => error(format!("expected a value, found `{written}`")),
        });
        Failed
    }

    /// Reports that a value is followed by something else than an operator. `open` is the
    /// parenthesis that the value stands in.
    pub(crate) fn unexpected_after_value(&mut self, open: Option<Span>) -> Failed {
        let token = self.peek();
        let written = self.written(token.span);
        let before = self.before();
        let error = |message: String| Diagnostic::error(token.span, message);
        let mut made = match token.kind {
            TokenKind::Bad => return Failed,
            TokenKind::End => match open {
                Some(open) => Diagnostic::error(open, "this `(` is never closed")
                    .label("opened here")
                    .related(token.span, "expected `)`"),
                None => error("unexpected end of the text".to_owned()),
            },
            TokenKind::Close => {
                error("this `)` closes nothing".to_owned()).label("no `(` before it is open")
            }
            TokenKind::Assign => {
                error("`=` does not compare".to_owned()).hint("to compare, write `==`")
            }
            TokenKind::Comma => {
                let made = error("unexpected `,`".to_owned());
                match (before.map(|token| token.kind), self.peek_at(1).kind) {
                    (Some(TokenKind::Number(_)), TokenKind::Number(_)) => {
                        made.hint("the decimal mark is a point: `0.5`")
                    }
                    _ => made.hint("arguments stand in the parentheses of a function: `f(a, b)`"),
                }
            }
            TokenKind::Tilde => {
                error("`~` cannot stand in an expression".to_owned()).label("expected an operator")
            }
            TokenKind::Colon => {
                error("`:` cannot stand in an expression".to_owned()).label("expected an operator")
            }
            _ => {
                let made = error(format!("expected an operator, found `{written}`"));
                match (word_operator(&written), before.map(|token| token.kind)) {
                    (Some(operator), _) => made.hint(format!("write `{operator}`")),
                    (None, Some(TokenKind::Number(_) | TokenKind::Close))
                        if token.kind.starts_value() =>
                    {
                        made.hint("to multiply, write `*`")
                    }
                    _ => made,
                }
            }
        };
        if let (Some(open), false) = (open, token.kind == TokenKind::End) {
            made = made.related(open, "in the parenthesis opened here");
        }
        self.errors.push(made);
        Failed
    }

    /// Reports the second operator of `a < b < c`.
    pub(crate) fn report_chained(
        &mut self,
        left: &Tree,
        middle: Span,
        operator: Token<'_>,
        right: &Tree,
    ) {
        let first = self.written(left.expr.span);
        let second = self.written(middle.join(right.expr.span));
        let hint = format!("write `{first} & {second}`");
        self.errors.push(
            Diagnostic::error(operator.span, "comparisons cannot be chained")
                .label("the second comparison")
                .hint(hint),
        );
    }
}

/// The operator that some languages write as this word.
fn word_operator(word: &str) -> Option<&'static str> {
    Some(match word {
        "and" | "AND" => "&",
        "or" | "OR" => "|",
        "mod" => "%",
        "is" => "==",
        _ => return None,
    })
}
