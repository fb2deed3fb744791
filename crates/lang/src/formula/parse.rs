//! Formula text to terms: the grammar of R's formulas, with lme4's random effects.

use super::algebra::{FACTORS_MAX, Side, TERMS_MAX, Terms, TooMany};
use super::{Factor, Formula, RandomTerm};
use crate::cursor::{Failed, Parsed, Parser};
use crate::diagnostic::Diagnostic;
use crate::expr::{Arg, Expr, ExprKind, Precedence};
use crate::span::Span;
use crate::token::TokenKind;

/// Reads a model formula in the notation of R and lme4. `at` is the byte offset of the text's
/// first byte in the file; all spans count from the file's start.
///
/// Outside of calls, `+ - : * / ^` combine terms; within a call they compute. A bar outside of
/// parentheses starts the instruments.
///
/// # Errors
/// One diagnostic for each thing that is wrong; at least one. Besides what is no formula at all,
/// these are refused although R takes them: what R reads otherwise than it looks (`x^2` for
/// `I(x^2)`, `a - b` for `I(a - b)`), the outcome on both sides, an intercept in an interaction,
/// and what is not supported (`.`, `offset()`).
///
/// # References
/// Wilkinson & Rogers 1973, Applied Statistics 22:392. Bates, Machler, Bolker & Walker 2015,
/// Journal of Statistical Software 67(1), table 2.
pub fn parse_formula(text: &str, at: u32) -> Result<Formula, Vec<Diagnostic>> {
    let mut reader =
        Reader { parser: Parser::new(text, at), side: Side::new(), random: Vec::new(), bars: true };
    let parsed = reader.formula();
    reader.parser.finish(parsed)
}

pub(super) struct Reader<'a> {
    pub parser: Parser<'a>,
    /// The side that is being read: the fixed part, a random effect's, or the instruments.
    pub side: Side,
    pub random: Vec<RandomTerm>,
    /// Whether a random effect may stand here.
    pub bars: bool,
}

/// A part of a side.
pub(super) struct Part {
    pub terms: Terms,
    pub span: Span,
    /// A `0` or `1` in it; what it says of the intercept is already noted.
    constant: Option<Span>,
    /// A random effect in it; it is already noted.
    random: Option<Span>,
}

impl Part {
    fn of(terms: Terms, span: Span) -> Self {
        Self { terms, span, constant: None, random: None }
    }

    pub(super) fn constant(&self) -> Option<Span> {
        self.constant
    }

    pub(super) fn random_span(&self) -> Option<Span> {
        self.random
    }

    pub(super) fn random(span: Span) -> Self {
        Self { random: Some(span), ..Self::of(Terms::default(), span) }
    }
}

impl Reader<'_> {
    fn formula(&mut self) -> Parsed<Formula> {
        let start = self.parser.peek().span;
        self.require_tilde()?;
        let response = self.response();
        self.parser.skip_to(|kind| kind == TokenKind::Tilde);
        let tilde = self.parser.advance();
        if tilde.kind != TokenKind::Tilde {
            // It stands within parentheses that are themselves in error.
            return Err(Failed);
        }
        let tilde = tilde.span;
        if matches!(self.parser.peek().kind, TokenKind::End | TokenKind::Bar) {
            return self.parser.fail(
                Diagnostic::error(tilde, "nothing on the right of `~`")
                    .label("expected a term after this")
                    .hint("for an intercept alone, write `1`"),
            );
        }
        let fixed = self.sum()?;
        let side = std::mem::replace(&mut self.side, Side::new());
        let instruments = self.instruments()?;
        self.expect_end()?;
        let end = self.parser.before().map_or(start, |token| token.span);
        let response = response?;
        let terms = side.finish(fixed.terms);
        self.check_outcome(&response, &terms);
        self.check_random();
        Ok(Formula {
            response: without_identity(response),
            intercept: side.intercept,
            terms,
            random: std::mem::take(&mut self.random),
            instruments,
            span: start.join(end),
        })
    }

    /// The left side. The current token is then `~`, if all went well.
    fn response(&mut self) -> Parsed<Expr> {
        let token = self.parser.peek();
        if token.kind == TokenKind::Tilde {
            return self.parser.fail(
                Diagnostic::error(token.span, "nothing on the left of `~`")
                    .label("expected the outcome before this")
                    .hint("write `outcome ~ terms`"),
            );
        }
        let tree = self.parser.expression(Precedence::Or)?;
        match self.parser.peek().kind {
            TokenKind::Tilde => Ok(tree.expr),
            _ if self.parser.failed() => Err(Failed),
            _ => Err(self.parser.unexpected_after_value(None)),
        }
    }

    fn instruments(&mut self) -> Parsed<Option<(bool, Vec<super::Term>)>> {
        let bar = self.parser.peek();
        if !matches!(bar.kind, TokenKind::Bar | TokenKind::DoubleBar) {
            return Ok(None);
        }
        self.check_bar()?;
        self.parser.advance();
        if self.parser.peek().kind == TokenKind::End {
            return self.parser.fail(
                Diagnostic::error(bar.span, "nothing on the right of `|`")
                    .label("expected the instruments after this"),
            );
        }
        self.bars = false;
        let part = self.sum()?;
        if self.parser.peek().kind == TokenKind::Bar {
            let second = self.parser.peek().span;
            return self.parser.fail(
                Diagnostic::error(second, "a formula has at most two parts")
                    .label("a third part starts here")
                    .related(bar.span, "the second part starts here"),
            );
        }
        Ok(Some((self.side.intercept, self.side.finish(part.terms))))
    }

    /// Terms that are added and removed. What is wrong with one of them is reported, and the
    /// others are read.
    pub(super) fn sum(&mut self) -> Parsed<Part> {
        let mut total = Part::of(Terms::default(), self.parser.peek().span);
        let mut sign = TokenKind::Plus;
        if matches!(self.parser.peek().kind, TokenKind::Plus | TokenKind::Minus) {
            sign = self.parser.advance().kind;
        }
        loop {
            // R takes `x + -1` as well.
            let unary = (self.parser.peek().kind, self.parser.peek_at(1).kind);
            if let (TokenKind::Minus, TokenKind::Number(_)) = unary
                && sign == TokenKind::Plus
            {
                sign = self.parser.advance().kind;
            }
            match self.summand(total, sign == TokenKind::Plus) {
                Ok(part) => total = part,
                Err(Failed) => {
                    self.parser.skip_to(|kind| {
                        matches!(
                            kind,
                            TokenKind::Plus
                                | TokenKind::Minus
                                | TokenKind::Bar
                                | TokenKind::DoubleBar
                                | TokenKind::Tilde
                        )
                    });
                    total = Part::of(Terms::default(), self.parser.peek().span);
                }
            }
            match self.parser.peek().kind {
                TokenKind::Plus | TokenKind::Minus => sign = self.parser.advance().kind,
                _ => return Ok(total),
            }
        }
    }

    /// Adds the next term to the total, or removes it.
    fn summand(&mut self, total: Part, add: bool) -> Parsed<Part> {
        let adding = self.side.adding;
        // Within what is removed, `1` removes the intercept and `0` brings it back.
        self.side.adding = adding == add;
        let part = self.product();
        self.side.adding = adding;
        let part = part?;
        self.expect_separator()?;
        let span = total.span.join(part.span);
        let constant = total.constant.or(part.constant);
        if add {
            let random = total.random.or(part.random);
            let terms = self.bounded(total.terms.plus(part.terms), span)?;
            return Ok(Part { terms, span, constant, random });
        }
        self.refuse_random(&part)?;
        let (terms, removed) = total.terms.minus(&part.terms);
        if !removed && !part.terms.is_empty() && !self.parser.failed() {
            let written = self.parser.written(part.span);
            return self.parser.fail(
                Diagnostic::error(part.span, format!("`- {written}` removes nothing"))
                    .label("no such term before it")
                    .hint("in a formula `-` removes a term; to subtract, write `I(a - b)`"),
            );
        }
        Ok(Part { terms, span, constant, random: total.random })
    }

    fn product(&mut self) -> Parsed<Part> {
        let mut left = self.interaction()?;
        loop {
            let operator = self.parser.peek();
            if !matches!(operator.kind, TokenKind::Star | TokenKind::Slash) {
                return Ok(left);
            }
            self.refuse_plain(&left)?;
            self.parser.advance();
            let right = self.interaction()?;
            self.refuse_plain(&right)?;
            let span = left.span.join(right.span);
            let terms = match operator.kind {
                TokenKind::Star => left.terms.cross(right.terms, span),
                _ => left.terms.nest(&right.terms, span),
            };
            left = Part::of(self.bounded(terms, span)?, span);
        }
    }

    fn interaction(&mut self) -> Parsed<Part> {
        let mut left = self.power()?;
        while self.parser.peek().kind == TokenKind::Colon {
            self.refuse_plain(&left)?;
            self.parser.advance();
            let right = self.power()?;
            self.refuse_plain(&right)?;
            let span = left.span.join(right.span);
            left = Part::of(self.bounded(left.terms.interact(&right.terms, span), span)?, span);
        }
        Ok(left)
    }

    fn power(&mut self) -> Parsed<Part> {
        let errors = self.parser.errors.len();
        let base = self.primary()?;
        if self.parser.peek().kind != TokenKind::Caret {
            return Ok(base);
        }
        self.refuse_plain(&base)?;
        self.parser.advance();
        let exponent = self.parser.peek();
        let whole = match exponent.kind {
            TokenKind::Number(value) if value >= 2.0 && value.fract() == 0.0 => value,
            _ => return Err(self.expected_exponent(&base)),
        };
        self.parser.advance();
        let span = base.span.join(exponent.span);
        if base.terms.len() < 2 && self.parser.errors.len() == errors {
            let written = self.parser.written(span);
            return self.parser.fail(
                Diagnostic::error(span, format!("`{written}` is not a power in a formula"))
                    .label("`^` crosses terms, and there is one")
                    .hint(format!("to compute it, write `I({written})`")),
            );
        }
        // No interaction has more factors than there are terms to cross.
        let whole = whole.min(TERMS_MAX as f64) as u32;
        Ok(Part::of(self.bounded(base.terms.power(whole, span), span)?, span))
    }

    fn primary(&mut self) -> Parsed<Part> {
        let token = self.parser.peek();
        match token.kind {
            TokenKind::Number(value) if value == 0.0 || value == 1.0 => {
                self.parser.advance();
                self.side.intercept = (value == 1.0) == self.side.adding;
                let part = Part::of(Terms::default(), token.span);
                Ok(Part { constant: Some(token.span), ..part })
            }
            TokenKind::Name(name) => {
                let (factor, span) = match self.parser.peek_at(1).kind {
                    TokenKind::Open => self.call(name)?,
                    _ => {
                        self.parser.advance();
                        let expr = Expr::new(ExprKind::Name(name.to_owned()), token.span);
                        (computed(expr), token.span)
                    }
                };
                let terms = self.side.number(factor).map(|number| Terms::one(number, span));
                Ok(Part::of(self.bounded(terms, span)?, span))
            }
            TokenKind::Open => {
                self.parser.descend()?;
                let (bar, close) = self.parser.look_through();
                let part = if bar { self.random_effect() } else { self.parenthesised() };
                self.parser.ascend();
                if part.is_err() {
                    // What follows the parenthesis is read for further errors.
                    self.parser.move_past(close);
                }
                part
            }
            _ => Err(self.expected_term()),
        }
    }

    fn parenthesised(&mut self) -> Parsed<Part> {
        let open = self.parser.advance().span;
        let part = self.sum()?;
        let close = self.expect_close(open)?;
        Ok(Part { span: open.join(close), ..part })
    }

    /// A variable that is a function call. The current token is the function's name.
    fn call(&mut self, name: &str) -> Parsed<(Factor, Span)> {
        let errors = self.parser.errors.len();
        let expr = self.parser.call(name)?.expr;
        if self.parser.errors.len() > errors {
            return Err(Failed);
        }
        let span = expr.span;
        match (name, expr.kind) {
            ("factor" | "I", ExprKind::Call { args, .. }) => {
                let argument = match <[Arg; 1]>::try_from(args) {
                    Ok([Arg { name: None, value }]) => value,
                    _ => {
                        let message = format!("`{name}` takes one argument");
                        return self.parser.fail(Diagnostic::error(span, message));
                    }
                };
                let label = format!("{name}({argument})");
                let expr = without_identity(argument);
                Ok((Factor { expr, categorical: name == "factor", label }, span))
            }
            ("offset", _) => self.parser.fail(
                Diagnostic::error(span, "`offset` is not supported")
                    .hint("subtract it from the outcome: `y - x ~ ...`"),
            ),
            (_, kind) => Ok((computed(Expr::new(kind, span)), span)),
        }
    }

    fn bounded(&mut self, terms: Result<Terms, TooMany>, span: Span) -> Parsed<Terms> {
        match terms {
            Ok(terms) => Ok(terms),
            Err(TooMany) => self.parser.abandon(
                Diagnostic::error(span, "the formula is too long when it is written out").label(
                    format!("more than {TERMS_MAX} terms, or {FACTORS_MAX} factors in a term"),
                ),
            ),
        }
    }
}

/// A variable that is computed as it is written.
fn computed(expr: Expr) -> Factor {
    let label = expr.to_string();
    Factor { expr: without_identity(expr), categorical: false, label }
}

/// The expression without `I()`, which says nothing within an expression.
fn without_identity(expr: Expr) -> Expr {
    let Expr { kind, span } = expr;
    let inside = |boxed: Box<Expr>| Box::new(without_identity(*boxed));
    let kind = match kind {
        ExprKind::Unary(op, operand) => ExprKind::Unary(op, inside(operand)),
        ExprKind::Binary(op, left, right) => ExprKind::Binary(op, inside(left), inside(right)),
        ExprKind::Call { name, name_span, args } => {
            let mut args: Vec<Arg> = args
                .into_iter()
                .map(|arg| Arg { name: arg.name, value: without_identity(arg.value) })
                .collect();
            if name == "I" && args.len() == 1 && args[0].name.is_none() {
                return Expr { span, ..args.remove(0).value };
            }
            ExprKind::Call { name, name_span, args }
        }
        leaf => leaf,
    };
    Expr { kind, span }
}
