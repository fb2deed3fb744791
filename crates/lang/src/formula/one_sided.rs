//! Terms without an outcome: `~ x + z`.

use super::Term;
use super::algebra::Side;
use super::parse::Reader;
use crate::cursor::{Parsed, Parser};
use crate::diagnostic::Diagnostic;
use crate::token::TokenKind;

/// Reads the terms of a formula without an outcome, such as `~ x + z`; the tilde may be left out.
/// Returns whether there is an intercept, and the terms in R's order.
///
/// # Errors
/// As [`super::parse_formula`].
pub fn parse_terms(text: &str, at: u32) -> Result<(bool, Vec<Term>), Vec<Diagnostic>> {
    let parser = Parser::new(text, at);
    let mut reader = Reader { parser, side: Side::new(), random: Vec::new(), bars: false };
    let parsed = reader.terms_alone();
    reader.parser.finish(parsed)
}

impl Reader<'_> {
    fn terms_alone(&mut self) -> Parsed<(bool, Vec<Term>)> {
        if self.parser.peek().kind == TokenKind::Tilde {
            self.parser.advance();
        }
        let part = self.sum()?;
        self.expect_end()?;
        let side = std::mem::replace(&mut self.side, Side::new());
        Ok((side.intercept, side.finish(part.terms)))
    }
}
