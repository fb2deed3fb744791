//! The words for what a formula should not hold.

use super::Term;
use super::parse::{Part, Reader};
use crate::cursor::{Failed, Parsed};
use crate::diagnostic::Diagnostic;
use crate::expr::Expr;
use crate::span::Span;
use crate::token::TokenKind;

const INTERCEPT_HINT: &str =
    "`0` and `1` say whether there is an intercept; they stand by themselves, as in `y ~ 0 + x`";

impl Reader<'_> {
    /// Fails where there is no `~` outside of parentheses, which makes everything else hard to
    /// blame.
    pub(super) fn require_tilde(&mut self) -> Parsed<()> {
        let tokens = self.parser.tokens();
        let mut open: Vec<Span> = Vec::new();
        let mut enclosed: Option<(Span, Span)> = None;
        for token in tokens {
            match (token.kind, open.last()) {
                (TokenKind::Open, _) => open.push(token.span),
                (TokenKind::Close, _) => drop(open.pop()),
                (TokenKind::Tilde, None) => return Ok(()),
                (TokenKind::Tilde, Some(open)) => enclosed = enclosed.or(Some((token.span, *open))),
                _ => {}
            }
        }
        if let Some((tilde, open)) = enclosed {
            return self.parser.fail(
                Diagnostic::error(tilde, "`~` stands in parentheses")
                    .related(open, "opened here")
                    .hint("write `outcome ~ terms`"),
            );
        }
        let first = tokens[0];
        if first.kind == TokenKind::End {
            return self.parser.fail(
                Diagnostic::error(first.span, "the formula is empty")
                    .hint("write `outcome ~ terms`"),
            );
        }
        let assign = tokens.iter().find(|token| token.kind == TokenKind::Assign);
        let made = match assign {
            Some(assign) => Diagnostic::error(assign.span, "the formula has no `~`")
                .label("found `=`")
                .hint("write `~` between the outcome and the terms"),
            None => {
                let whole = tokens.iter().fold(first.span, |span, token| match token.kind {
                    TokenKind::End => span,
                    _ => span.join(token.span),
                });
                Diagnostic::error(whole, "the formula has no `~`").hint("write `outcome ~ terms`")
            }
        };
        self.parser.fail(made)
    }

    /// Reports that a term should stand where the reader is.
    pub(super) fn expected_term(&mut self) -> Failed {
        let token = self.parser.peek();
        let written = self.parser.written(token.span);
        let before = self.parser.before();
        let error = |message: String| Diagnostic::error(token.span, message);
        let made = match token.kind {
            TokenKind::Number(_) => {
                let made = error(format!("`{written}` is not a term"));
                match before.map(|token| token.kind) {
                    Some(TokenKind::Star | TokenKind::Slash) => {
                        made.hint("to compute with a number, write `I(x * 2)`")
                    }
                    _ if self.parser.peek_at(1).kind == TokenKind::Star => {
                        made.hint("to compute with a number, write `I(2 * x)`")
                    }
                    _ => made.hint("of numbers, only `0` and `1` may stand in a formula"),
                }
            }
            TokenKind::Dot => error("`.` is not supported".to_owned())
                .label("all other columns, in R")
                .hint("name the variables: `y ~ x + z`"),
            TokenKind::Text(_) | TokenKind::Bool(_) => error(format!("`{written}` is not a term")),
            TokenKind::Not => {
                error("`!` cannot stand in a formula by itself".to_owned()).hint("write `I(!x)`")
            }
            TokenKind::Minus => {
                error("expected a term, found `-`".to_owned()).hint("to compute, write `I(-x)`")
            }
            TokenKind::End => {
                error("unexpected end of the formula".to_owned()).label("expected a term")
            }
            TokenKind::Bad => return Failed,
            _ => error(format!("expected a term, found `{written}`")),
        };
        self.parser.errors.push(made);
        Failed
    }

    /// Succeeds where a term may end; else reports what should not follow it.
    pub(super) fn expect_separator(&mut self) -> Parsed<()> {
        let token = self.parser.peek();
        let written = self.parser.written(token.span);
        let before = self.parser.before();
        let made = match token.kind {
            TokenKind::Plus
            | TokenKind::Minus
            | TokenKind::Close
            | TokenKind::Bar
            | TokenKind::DoubleBar
            | TokenKind::Tilde
            | TokenKind::End => return Ok(()),
            TokenKind::Lt
            | TokenKind::Le
            | TokenKind::Gt
            | TokenKind::Ge
            | TokenKind::Eq
            | TokenKind::Ne
            | TokenKind::And
            | TokenKind::Percent => {
                let left = before.map_or("x".into(), |token| self.parser.written(token.span));
                let ahead = self.parser.peek_at(1);
                let hint = match (&*left, ahead.kind) {
                    (")", _) => format!("put it in `I(...)`, as in `I(x {written} z)`"),
                    (_, TokenKind::Number(_) | TokenKind::Name(_) | TokenKind::Text(_)) => {
                        format!("write `I({left} {written} {})`", self.parser.written(ahead.span))
                    }
                    _ => format!("put it in `I(...)`, as in `I(x {written} z)`"),
                };
                let message = format!("`{written}` cannot stand in a formula by itself");
                Diagnostic::error(token.span, message).hint(hint)
            }
            TokenKind::Caret => {
                Diagnostic::error(token.span, "a second `^`").label("powers cannot be stacked")
            }
            TokenKind::Comma => {
                Diagnostic::error(token.span, "unexpected `,`").hint("to add a term, write `+`")
            }
            kind if kind.starts_value() => {
                let message = format!("expected an operator, found `{written}`");
                Diagnostic::error(token.span, message).hint("to add a term, write `+`")
            }
            _ => return Err(self.parser.unexpected_after_value(None)),
        };
        self.parser.fail(made)
    }

    /// Reports an exponent that is not a whole number from 2.
    pub(super) fn expected_exponent(&mut self, base: &Part) -> Failed {
        let token = self.parser.peek();
        let written = self.parser.written(base.span.join(token.span));
        let made = Diagnostic::error(token.span, "`^` takes a whole number from 2 in a formula");
        self.parser.errors.push(match token.kind {
            TokenKind::Bad => return Failed,
            TokenKind::End => Diagnostic::error(token.span, "unexpected end of the formula")
                .label("expected a whole number"),
            TokenKind::Number(_) | TokenKind::Name(_) => {
                made.hint(format!("to compute it, write `I({written})`"))
            }
            _ => made.hint("to compute it, put it in `I(...)`"),
        });
        Failed
    }

    pub(super) fn expected_grouping(&mut self) -> Failed {
        let token = self.parser.peek();
        let written = self.parser.written(token.span);
        let message = match token.kind {
            TokenKind::Bad => return Failed,
            TokenKind::End => "unexpected end of the formula".to_owned(),
            _ => format!("expected a grouping variable, found `{written}`"),
        };
        let made = Diagnostic::error(token.span, message);
        self.parser.errors.push(match token.kind {
            TokenKind::Name("factor") => {
                made.hint("write its name alone: each of its values is a group")
            }
            TokenKind::Name(_) => made
                .label("groups are given by a variable's name")
                .hint("declare a variable with this value, and name it here"),
            TokenKind::Number(_) => made.hint("the groups stand after the bar: `(1 | g)`"),
            _ => made,
        });
        Failed
    }

    /// Takes the `)` of the parenthesis opened at `open`, or reports what stands there.
    pub(super) fn expect_close(&mut self, open: Span) -> Parsed<Span> {
        let token = self.parser.peek();
        let made = match token.kind {
            TokenKind::Close => return Ok(self.parser.advance().span),
            // What ended the reading is reported; the missing parenthesis may be its doing.
            TokenKind::End if self.parser.failed() => return Err(Failed),
            TokenKind::Plus | TokenKind::Star => {
                let operator = self.parser.written(token.span);
                let message = format!("`{operator}` cannot join grouping variables");
                let made = Diagnostic::error(token.span, message);
                match &*operator {
                    "+" => made.hint("write one random effect each: `(1 | a) + (1 | b)`"),
                    _ => made.hint("write `(1 | a) + (1 | b) + (1 | a:b)`"),
                }
            }
            TokenKind::Bar | TokenKind::DoubleBar => {
                Diagnostic::error(token.span, "a second bar in one random effect")
                    .related(open, "in the parenthesis opened here")
                    .hint("write one random effect each: `(1 | a) + (1 | b)`")
            }
            TokenKind::Tilde => Diagnostic::error(open, "this `(` is never closed")
                .label("opened here")
                .related(token.span, "expected `)` before this"),
            _ => return Err(self.parser.unexpected_after_value(Some(open))),
        };
        self.parser.fail(made)
    }

    pub(super) fn expect_end(&mut self) -> Parsed<()> {
        let token = self.parser.peek();
        match token.kind {
            TokenKind::End => Ok(()),
            TokenKind::Tilde => self.parser.fail(
                Diagnostic::error(token.span, "a second `~`")
                    .label("a formula has one, after the outcome"),
            ),
            _ => Err(self.parser.unexpected_after_value(None)),
        }
    }

    /// Refuses a bar outside of parentheses that was meant for a random effect. The current token
    /// is the bar.
    pub(super) fn check_bar(&mut self) -> Parsed<()> {
        let bar = self.parser.peek();
        let (before, earlier) = (self.parser.before(), self.parser.before_by(2));
        let one = matches!(before.map(|token| token.kind), Some(TokenKind::Number(1.0)));
        let added =
            matches!(earlier.map(|token| token.kind), Some(TokenKind::Plus | TokenKind::Tilde));
        if bar.kind == TokenKind::Bar && !(one && added) {
            return Ok(());
        }
        let left = before.map_or("1".into(), |token| self.parser.written(token.span));
        let ahead = self.parser.peek_at(1);
        let right = match ahead.kind {
            TokenKind::Name(name) => name,
            _ => "g",
        };
        let hint = match &*left {
            ")" => format!("write `(... {} {right})`", self.parser.written(bar.span)),
            _ => format!("write `({left} {} {right})`", self.parser.written(bar.span)),
        };
        self.parser
            .fail(Diagnostic::error(bar.span, "a random effect stands in parentheses").hint(hint))
    }

    /// Refuses a part that cannot be combined with others but by `+`.
    pub(super) fn refuse_plain(&mut self, part: &Part) -> Parsed<()> {
        self.refuse_random(part)?;
        let Some(constant) = part.constant() else {
            if !part.terms.is_empty() || self.parser.failed() {
                return Ok(());
            }
            let written = self.parser.written(part.span);
            let message = format!("no term is left in `{written}`");
            return self.parser.fail(Diagnostic::error(part.span, message));
        };
        let written = self.parser.written(constant);
        self.parser.fail(
            Diagnostic::error(constant, format!("`{written}` cannot be crossed with other terms"))
                .hint(INTERCEPT_HINT),
        )
    }

    pub(super) fn refuse_random(&mut self, part: &Part) -> Parsed<()> {
        match part.random_span() {
            None => Ok(()),
            Some(span) => self.parser.fail(
                Diagnostic::error(span, "a random effect can only be added")
                    .hint("write `+` before it, and nothing but `+` after it"),
            ),
        }
    }

    /// Refuses the outcome among the terms; R drops it with a warning.
    pub(super) fn check_outcome(&mut self, response: &Expr, terms: &[Term]) {
        let label = response.to_string();
        let same = |term: &&Term| term.factors.iter().any(|factor| factor.label == label);
        if let Some(term) = terms.iter().find(same) {
            self.parser.errors.push(
                Diagnostic::error(term.span, format!("`{label}` is on both sides of `~`"))
                    .label("the outcome cannot explain itself")
                    .related(response.span, "the outcome"),
            );
        }
    }
}
