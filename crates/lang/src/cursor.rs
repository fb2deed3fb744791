//! The parser's place among the tokens, and the errors it has met.

use std::borrow::Cow;

use crate::diagnostic::Diagnostic;
use crate::span::Span;
use crate::token::{Token, TokenKind, shortened, tokenize};

/// How deeply parentheses, calls, signs and powers may be nested.
pub const DEPTH_MAX: u32 = 200;

/// How many errors of one text are worth reading.
const ERRORS_MAX: usize = 20;

/// Parsing stopped here. The reason is already among the parser's errors.
#[derive(Debug)]
pub(crate) struct Failed;

pub(crate) type Parsed<T> = Result<T, Failed>;

/// Reads tokens in order; the grammars of expressions and formulas are built on it.
pub(crate) struct Parser<'a> {
    text: &'a str,
    at: u32,
    tokens: Vec<Token<'a>>,
    position: usize,
    depth: u32,
    pub errors: Vec<Diagnostic>,
}

impl<'a> Parser<'a> {
    pub(crate) fn new(text: &'a str, at: u32) -> Self {
        let (tokens, errors) = tokenize(text, at);
        Self { text, at, tokens, position: 0, depth: 0, errors }
    }

    /// The result, or the errors if there were any on the way.
    pub(crate) fn finish<T>(mut self, parsed: Parsed<T>) -> Result<T, Vec<Diagnostic>> {
        match parsed {
            Ok(value) if self.errors.is_empty() => Ok(value),
            _ => {
                self.errors.sort_by_key(|error| error.span);
                self.errors.truncate(ERRORS_MAX);
                Err(self.errors)
            }
        }
    }

    pub(crate) fn tokens(&self) -> &[Token<'a>] {
        &self.tokens
    }

    /// Whether something was wrong so far.
    pub(crate) fn failed(&self) -> bool {
        !self.errors.is_empty()
    }

    pub(crate) fn peek(&self) -> Token<'a> {
        // The last token is `End`, and `advance` does not pass it.
        self.tokens[self.position]
    }

    /// The token `ahead` places further on, or the end.
    pub(crate) fn peek_at(&self, ahead: usize) -> Token<'a> {
        self.tokens[(self.position + ahead).min(self.tokens.len() - 1)]
    }

    pub(crate) fn advance(&mut self) -> Token<'a> {
        let token = self.peek();
        if token.kind != TokenKind::End {
            self.position += 1;
        }
        token
    }

    /// The token before this one.
    pub(crate) fn before(&self) -> Option<Token<'a>> {
        self.before_by(1)
    }

    /// The token `places` back.
    pub(crate) fn before_by(&self, places: usize) -> Option<Token<'a>> {
        self.position.checked_sub(places).map(|index| self.tokens[index])
    }

    /// The text at a span, as a message repeats it.
    pub(crate) fn written(&self, span: Span) -> Cow<'a, str> {
        let offset = |byte: u32| byte.saturating_sub(self.at) as usize;
        shortened(self.text.get(offset(span.start)..offset(span.end)).unwrap_or(""))
    }

    pub(crate) fn fail<T>(&mut self, diagnostic: Diagnostic) -> Parsed<T> {
        self.errors.push(diagnostic);
        Err(Failed)
    }

    /// Gives up: skips to the end, so that nothing more is found.
    pub(crate) fn abandon<T>(&mut self, diagnostic: Diagnostic) -> Parsed<T> {
        self.position = self.tokens.len() - 1;
        self.fail(diagnostic)
    }

    /// Enters a part that may hold parts of its own kind, unless it is too deep.
    pub(crate) fn descend(&mut self) -> Parsed<()> {
        if self.depth == DEPTH_MAX {
            let span = self.peek().span;
            return self.abandon(
                Diagnostic::error(span, "the expression is nested too deeply")
                    .label(format!("{DEPTH_MAX} levels end here"))
                    .hint("declare a variable for a part of it"),
            );
        }
        self.depth += 1;
        Ok(())
    }

    /// Leaves what `descend` entered.
    pub(crate) fn ascend(&mut self) {
        self.depth -= 1;
    }

    /// Whether the parenthesis that opens here has a bar of its own, and the place of the token
    /// that closes it, or of the end.
    pub(crate) fn look_through(&self) -> (bool, usize) {
        let (mut depth, mut bar) = (0_usize, false);
        for (place, token) in self.tokens.iter().enumerate().skip(self.position + 1) {
            match token.kind {
                TokenKind::Close if depth == 0 => return (bar, place),
                TokenKind::Bar | TokenKind::DoubleBar if depth == 0 => bar = true,
                TokenKind::Open => depth += 1,
                TokenKind::Close => depth -= 1,
                _ => {}
            }
        }
        (bar, self.tokens.len() - 1)
    }

    /// Moves on until the token at `place` is behind, but not past the end.
    pub(crate) fn move_past(&mut self, place: usize) {
        self.position = self.position.max(place + 1).min(self.tokens.len() - 1);
    }

    /// Skips to the next token that `stops`, to the `)` of the parenthesis that is open, or to
    /// the end. What stands in further parentheses is skipped whole.
    pub(crate) fn skip_to(&mut self, stops: impl Fn(TokenKind<'_>) -> bool) {
        let mut depth = 0_usize;
        loop {
            match self.peek().kind {
                TokenKind::End => return,
                TokenKind::Close if depth == 0 => return,
                kind if depth == 0 && stops(kind) => return,
                TokenKind::Open => depth += 1,
                TokenKind::Close => depth -= 1,
                _ => {}
            }
            self.advance();
        }
    }
}
