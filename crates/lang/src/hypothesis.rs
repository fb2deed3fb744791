//! Linear hypotheses about coefficients: `"treatment2 - treatment1 = 0"`, `"2*x + z = 1"`.

use crate::diagnostic::Diagnostic;
use crate::span::Span;

/// A linear combination of coefficients, and the value that it has if the hypothesis is true.
#[derive(Clone, Debug, PartialEq)]
pub struct Hypothesis {
    /// Coefficients by their names, each once, none with factor zero.
    pub terms: Vec<(String, Span, f64)>,
    /// The value.
    pub value: f64,
}

/// Reads a linear hypothesis. `at` is the byte offset of the text's first byte in the file.
///
/// Sums and differences of coefficients, each with a number before or after it (`2*x`, `x/2`), on
/// one or both sides of `=`; without `=` it is that the sum is 0. Names are those that reports
/// give: `z`, `armb`, `z:x_c`, `factor(g)3`, `(Intercept)`. A name with a sign or a space of its
/// own stands in back-ticks.
///
/// # Errors
/// What can not be read, and a hypothesis that names no coefficient.
pub fn parse_hypothesis(text: &str, at: u32) -> Result<Hypothesis, Vec<Diagnostic>> {
    let mut reader = Reader { text, at, place: 0 };
    reader.hypothesis().map_err(|error| vec![error])
}

struct Reader<'a> {
    text: &'a str,
    at: u32,
    /// Bytes that are read.
    place: usize,
}

/// A part of a product.
enum Part<'a> {
    Number(f64),
    Name(&'a str, Span),
}

impl<'a> Reader<'a> {
    fn hypothesis(&mut self) -> Result<Hypothesis, Diagnostic> {
        let mut found = Hypothesis { terms: Vec::new(), value: 0.0 };
        self.side(&mut found, 1.0)?;
        if self.peek() == Some('=') {
            self.take();
            if self.text[self.place..].starts_with('=') {
                self.take();
            }
            self.side(&mut found, -1.0)?;
        }
        if let Some(c) = self.peek() {
            let span = self.span(self.place, self.place + c.len_utf8());
            let error = Diagnostic::error(span, format!("`{c}` does not belong here"));
            return Err(error.label("expected `+`, `-` or the end"));
        }
        found.terms.retain(|(_, _, factor)| *factor != 0.0);
        if found.terms.is_empty() {
            let message = "the hypothesis is about no coefficient";
            let error = Diagnostic::error(self.span(0, self.text.len()), message);
            return Err(error.label("nothing is left of it").hint("write `a - b = 0`"));
        }
        // A difference of zeros is zero, not minus zero.
        found.value += 0.0;
        Ok(found)
    }

    /// A sum of products; `sign` is that of its side.
    fn side(&mut self, found: &mut Hypothesis, sign: f64) -> Result<(), Diagnostic> {
        let mut sign_of_term = sign;
        if let Some(c @ ('+' | '-')) = self.peek() {
            self.take();
            sign_of_term = if c == '-' { -sign } else { sign };
        }
        loop {
            self.product(found, sign_of_term)?;
            match self.peek() {
                Some('+') => sign_of_term = sign,
                Some('-') => sign_of_term = -sign,
                _ => return Ok(()),
            }
            self.take();
        }
    }

    /// A product of numbers and at most one name, added to what is there.
    fn product(&mut self, found: &mut Hypothesis, sign: f64) -> Result<(), Diagnostic> {
        let mut factor = sign;
        let mut name: Option<(&str, Span)> = None;
        let mut divides = false;
        loop {
            match self.part()? {
                Part::Number(v) if divides => factor /= v,
                Part::Number(v) => factor *= v,
                Part::Name(_, span) if divides || name.is_some() => {
                    return Err(Diagnostic::error(span, "the hypothesis is not linear")
                        .label("expected a number")
                        .hint("coefficients are added up, each with a number: `2*a - b/3`"));
                }
                Part::Name(text, span) => name = Some((text, span)),
            }
            divides = match self.peek() {
                Some('*') => false,
                Some('/') => true,
                _ => break,
            };
            self.take();
        }
        if !factor.is_finite() {
            let error = Diagnostic::error(self.span(0, self.text.len()), "the number is too large");
            return Err(error.label("not a finite number"));
        }
        match name {
            None => found.value -= factor,
            Some((text, span)) => match found.terms.iter_mut().find(|(own, _, _)| own == text) {
                Some((_, _, own)) => *own += factor,
                None => found.terms.push((text.to_string(), span, factor)),
            },
        }
        Ok(())
    }

    /// A number or a name.
    fn part(&mut self) -> Result<Part<'a>, Diagnostic> {
        let next = self.peek();
        let (text, start) = (self.text, self.place);
        match next {
            Some('`') => {
                let Some(length) = text[start + 1..].find('`') else {
                    let error =
                        Diagnostic::error(self.span(start, text.len()), "a name has no end");
                    return Err(error.label("the second back-tick is missing"));
                };
                self.place = start + length + 2;
                Ok(Part::Name(&text[start + 1..start + 1 + length], self.span(start, self.place)))
            }
            Some(c) if c.is_ascii_digit() || c == '.' => {
                self.place += number_length(&text[start..]);
                let own = &text[start..self.place];
                own.parse().map(Part::Number).map_err(|_| {
                    let span = self.span(start, self.place);
                    Diagnostic::error(span, format!("`{own}` is no number")).label("not a number")
                })
            }
            Some(c) if !matches!(c, '+' | '-' | '*' | '/' | '=' | ')') => {
                self.place += name_length(&text[start..]);
                let own = text[start..self.place].trim_end();
                Ok(Part::Name(own, self.span(start, start + own.len())))
            }
            _ => {
                let end = next.map_or(start, |c| start + c.len_utf8());
                Err(Diagnostic::error(self.span(start.min(end), end), "a coefficient is missing")
                    .label("expected a coefficient or a number"))
            }
        }
    }

    /// The next character that is no space.
    fn peek(&mut self) -> Option<char> {
        let rest = &self.text[self.place..];
        self.place += rest.len() - rest.trim_start().len();
        self.text[self.place..].chars().next()
    }

    fn take(&mut self) {
        self.place += self.text[self.place..].chars().next().map_or(0, char::len_utf8);
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span { start: self.at + start as u32, end: self.at + end as u32 }
    }
}

/// Bytes of a number, with its exponent.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |from: usize| {
        bytes[from..].iter().take_while(|b| b.is_ascii_digit() || **b == b'.').count()
    };
    let mut length = digits(0);
    if matches!(bytes.get(length), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
        let exponent = digits(length + 1 + sign);
        if exponent > 0 {
            length += 1 + sign + exponent;
        }
    }
    length
}

/// Bytes of a name: up to a sign or a space that is in no brackets.
fn name_length(text: &str) -> usize {
    let mut depth = 0_usize;
    for (place, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => return place,
            ')' => depth -= 1,
            '+' | '-' | '*' | '/' | '=' if depth == 0 => return place,
            c if c.is_whitespace() && depth == 0 => return place,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<(String, f64)>, f64) {
        let found = parse_hypothesis(text, 0).unwrap_or_else(|e| panic!("{text}: {e:?}"));
        (found.terms.into_iter().map(|(name, _, f)| (name, f)).collect(), found.value)
    }

    fn terms(list: &[(&str, f64)]) -> Vec<(String, f64)> {
        list.iter().map(|(name, f)| ((*name).to_string(), *f)).collect()
    }

    #[test]
    fn linear_combinations_are_read() {
        assert_eq!(read("b - a = 0"), (terms(&[("b", 1.0), ("a", -1.0)]), 0.0));
        assert_eq!(read("2*x + z = 1"), (terms(&[("x", 2.0), ("z", 1.0)]), 1.0));
        assert_eq!(read("x"), (terms(&[("x", 1.0)]), 0.0));
        assert_eq!(read("-x/4 == z - 1.5e-1"), (terms(&[("x", -0.25), ("z", -1.0)]), -0.15));
        assert_eq!(read("x*3*2 + 1 = x + x"), (terms(&[("x", 4.0)]), -1.0));
        assert_eq!(
            read("`arm b-c` - (Intercept) + z:x_c = factor(g)3"),
            (
                terms(&[
                    ("arm b-c", 1.0),
                    ("(Intercept)", -1.0),
                    ("z:x_c", 1.0),
                    ("factor(g)3", -1.0)
                ]),
                0.0
            )
        );
        assert_eq!(
            read("I(x - 1) + log(a + b)"),
            (terms(&[("I(x - 1)", 1.0), ("log(a + b)", 1.0)]), 0.0)
        );
        assert_eq!(read("-x = 0").1.to_bits(), 0);
    }

    #[test]
    fn what_is_not_linear_is_refused() {
        for (text, message, place) in [
            ("a * b", "the hypothesis is not linear", (4, 5)),
            ("1 / a", "the hypothesis is not linear", (4, 5)),
            ("a = a", "the hypothesis is about no coefficient", (0, 5)),
            ("1 = 2", "the hypothesis is about no coefficient", (0, 5)),
            ("a b", "`b` does not belong here", (2, 3)),
            ("a = b = c", "`=` does not belong here", (6, 7)),
            ("a -", "a coefficient is missing", (3, 3)),
            ("", "a coefficient is missing", (0, 0)),
            ("a + * b", "a coefficient is missing", (4, 5)),
            ("`a", "a name has no end", (0, 2)),
            ("1.2.3 * a", "`1.2.3` is no number", (0, 5)),
            ("a / 0", "the number is too large", (0, 5)),
            ("a)", "`)` does not belong here", (1, 2)),
        ] {
            let errors = parse_hypothesis(text, 10).unwrap_err();
            assert_eq!(errors[0].message, message, "{text}");
            let span = errors[0].span.unwrap();
            assert_eq!((span.start, span.end), (10 + place.0, 10 + place.1), "{text}");
        }
    }
}
