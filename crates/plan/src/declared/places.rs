//! Where the characters of a text with escapes stand in the file.
//!
//! `\n` is one character of the text and two of the file. Expressions are parsed as the text they
//! are; the places in their trees and messages are then moved to those of the file.

use trialrun_lang::{
    Arg, Diagnostic, Expr, ExprKind, Factor, Formula, Hypothesis, RandomTerm, Span, Term,
    parse_expression, parse_formula, parse_hypothesis, parse_terms,
};

/// Where each byte of a text stands in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Places {
    /// Bytes of the text, ascending, and their places; the bytes between follow one another.
    jumps: Vec<(u32, u32)>,
}

impl Places {
    /// Those of a text that stands in the file as it is.
    pub fn plain(at: u32) -> Self {
        Self { jumps: vec![(0, at)] }
    }

    /// Those of a text that is written as `inside`, its first character at `at`.
    pub fn of(inside: &str, at: u32) -> Self {
        let mut jumps = vec![(0, at)];
        let mut lost = 0;
        let mut rest = inside.char_indices();
        while let Some((i, c)) = rest.next() {
            if c != '\\' {
                continue;
            }
            let written = &inside[i..];
            let (len, value_len) = escape(written);
            let text = i as u32 - lost;
            lost += (len - value_len) as u32;
            jumps.push((text, at + i as u32));
            jumps.push((text + value_len as u32, at + (i + len) as u32));
            while rest.as_str().len() > inside.len() - (i + len) && rest.next().is_some() {}
        }
        Self { jumps }
    }

    /// Where the text begins.
    pub fn start(&self) -> u32 {
        self.jumps[0].1
    }

    /// The place of a byte.
    fn byte(&self, byte: u32) -> u32 {
        let next = self.jumps.partition_point(|(text, _)| *text <= byte);
        let (text, place) = self.jumps[next.saturating_sub(1)];
        place + (byte - text)
    }

    fn span(&self, span: Span) -> Span {
        Span::new(self.byte(span.start), self.byte(span.end))
    }

    fn is_plain(&self) -> bool {
        self.jumps.len() == 1
    }

    /// Parses an expression, with places in the file.
    pub fn parse_expression(&self, text: &str) -> Result<Expr, Vec<Diagnostic>> {
        if self.is_plain() {
            return parse_expression(text, self.start());
        }
        parse_expression(text, 0).map(|e| self.expr(e)).map_err(|e| self.errors(e))
    }

    /// Parses a formula, with places in the file.
    pub fn parse_formula(&self, text: &str) -> Result<Formula, Vec<Diagnostic>> {
        if self.is_plain() {
            return parse_formula(text, self.start());
        }
        let formula = parse_formula(text, 0).map_err(|errors| self.errors(errors))?;
        let terms = |terms: Vec<Term>| -> Vec<Term> {
            terms.into_iter().map(|term| self.term(term)).collect()
        };
        Ok(Formula {
            response: self.expr(formula.response),
            terms: terms(formula.terms),
            random: formula.random.into_iter().map(|random| self.random(random)).collect(),
            instruments: formula.instruments.map(|(intercept, t)| (intercept, terms(t))),
            span: self.span(formula.span),
            ..formula
        })
    }

    /// Parses terms without an outcome, with places in the file; tells of the intercept, too.
    pub fn parse_terms(&self, text: &str) -> Result<(bool, Vec<Term>), Vec<Diagnostic>> {
        if self.is_plain() {
            return parse_terms(text, self.start());
        }
        let (intercept, terms) = parse_terms(text, 0).map_err(|errors| self.errors(errors))?;
        Ok((intercept, terms.into_iter().map(|term| self.term(term)).collect()))
    }

    /// Parses a linear hypothesis, with places in the file.
    pub fn parse_hypothesis(&self, text: &str) -> Result<Hypothesis, Vec<Diagnostic>> {
        let mut found = parse_hypothesis(text, 0).map_err(|errors| self.errors(errors))?;
        found.terms.iter_mut().for_each(|(_, span, _)| *span = self.span(*span));
        Ok(found)
    }

    fn errors(&self, mut errors: Vec<Diagnostic>) -> Vec<Diagnostic> {
        for error in &mut errors {
            error.span = error.span.map(|span| self.span(span));
            error.related.iter_mut().for_each(|(span, _)| *span = self.span(*span));
        }
        errors
    }

    fn expr(&self, expr: Expr) -> Expr {
        let inside = |boxed: Box<Expr>| Box::new(self.expr(*boxed));
        let kind = match expr.kind {
            ExprKind::Unary(op, operand) => ExprKind::Unary(op, inside(operand)),
            ExprKind::Binary(op, left, right) => ExprKind::Binary(op, inside(left), inside(right)),
            ExprKind::Call { name, name_span, args } => {
                let arg = |arg: Arg| Arg {
                    name: arg.name.map(|(name, span)| (name, self.span(span))),
                    value: self.expr(arg.value),
                };
                let args = args.into_iter().map(arg).collect();
                ExprKind::Call { name, name_span: self.span(name_span), args }
            }
            leaf => leaf,
        };
        Expr { kind, span: self.span(expr.span) }
    }

    fn term(&self, term: Term) -> Term {
        let factor = |factor: Factor| Factor { expr: self.expr(factor.expr), ..factor };
        Term { factors: term.factors.into_iter().map(factor).collect(), span: self.span(term.span) }
    }

    fn random(&self, random: RandomTerm) -> RandomTerm {
        let name = |(name, span): (String, Span)| (name, self.span(span));
        RandomTerm {
            slopes: random.slopes.into_iter().map(|term| self.term(term)).collect(),
            grouping: random.grouping.into_iter().map(name).collect(),
            span: self.span(random.span),
            ..random
        }
    }
}

/// The bytes of an escape as it is written, and those of the character that it stands for.
fn escape(written: &str) -> (usize, usize) {
    let bytes = written.as_bytes();
    match bytes.get(1) {
        Some(b'x') => (4.min(bytes.len()), 1),
        Some(b'u') => {
            let len = written.find('}').map_or(bytes.len(), |end| end + 1);
            let digits = written.get(3..len.saturating_sub(1)).unwrap_or("");
            let c = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
            (len, c.map_or(1, char::len_utf8))
        }
        // A backslash at a line's end, and the space that begins the next line, are nothing.
        Some(b' ' | b'\t' | b'\r' | b'\n') => {
            let space = written[1..].len() - written[1..].trim_start_matches(SPACE).len();
            (1 + space, 0)
        }
        _ => (2.min(bytes.len()), 1),
    }
}

/// What a backslash at a line's end takes with it.
const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_of_a_text_has_its_place() {
        for inside in [
            "plain",
            "a\\nb",
            "\\\"a\\\" + b",
            "\\u{e9}t\\u{61}\\x41z",
            "a + \\\n      b\\\\",
            "größe\\t+ \\'x\\'",
        ] {
            let source = format!("   \"{inside}\"");
            let value: String = ron::from_str(&source).unwrap();
            let places = Places::of(inside, 4);
            for (i, c) in value.char_indices() {
                let at = places.byte(i as u32) as usize;
                let written = source[at..].chars().next().unwrap();
                assert!(written == c || written == '\\', "{inside}: {c} at {at}");
            }
            assert_eq!(places.byte(value.len() as u32) as usize, source.len() - 1, "{inside}");
        }
    }

    #[test]
    fn trees_and_errors_have_places_in_the_file() {
        let inside = "\\n\\\"x\\\" + f(b, \\n by = c)";
        let places = Places::of(inside, 10);
        let error = places.parse_expression("\n\"x\" + f(b, \n by = c)").unwrap_err().remove(0);
        assert_eq!(error.span, Some(Span::new(12, 17)));
        let places = Places::of("y ~ \\n x + (1 |\\n g)", 0);
        let formula = places.parse_formula("y ~ \n x + (1 |\n g)").unwrap();
        assert_eq!(formula.terms[0].span, Span::new(7, 8));
        assert_eq!(formula.random[0].grouping[0].1, Span::new(18, 19));
        assert_eq!(formula.span, Span::new(0, 20));
    }
}
