//! Text to tokens, with a message for every character that is not the language's.

use std::borrow::Cow;

use crate::diagnostic::Diagnostic;
use crate::span::Span;

/// A piece of expression text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Token<'a> {
    pub kind: TokenKind<'a>,
    pub span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum TokenKind<'a> {
    Number(f64),
    Bool(bool),
    Name(&'a str),
    /// What stands between the quotes, a doubled quote still doubled.
    Text(&'a str),
    Open,
    Close,
    Comma,
    Assign,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    Caret,
    Lt,
    Le,
    Gt,
    Ge,
    Eq,
    Ne,
    /// `&` or `&&`.
    And,
    Bar,
    DoubleBar,
    Not,
    Tilde,
    Colon,
    /// A dot alone: all other columns, in R.
    Dot,
    /// Not a token of the language; what is wrong with it is already reported.
    Bad,
    /// The end of the text.
    End,
}

/// Cuts `text`, which starts at byte `at` of the file, into tokens; the last is `End`.
pub(crate) fn tokenize(text: &str, at: u32) -> (Vec<Token<'_>>, Vec<Diagnostic>) {
    let mut lexer = Lexer { text, at, position: 0, errors: Vec::new() };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_space();
        let start = lexer.position;
        let kind = lexer.next_kind();
        tokens.push(Token { kind, span: lexer.span(start) });
        if kind == TokenKind::End {
            return (tokens, lexer.errors);
        }
    }
}

/// Characters and pairs that other languages and word processors put where ours has another.
const LOOKALIKES: [(&str, &str, TokenKind<'static>); 19] = [
    ("**", "^", TokenKind::Caret),
    ("%%", "%", TokenKind::Percent),
    ("=<", "<=", TokenKind::Le),
    ("=>", ">=", TokenKind::Ge),
    ("<>", "!=", TokenKind::Ne),
    ("\u{2212}", "-", TokenKind::Minus),
    ("\u{2013}", "-", TokenKind::Minus),
    ("\u{2014}", "-", TokenKind::Minus),
    ("\u{d7}", "*", TokenKind::Star),
    ("\u{b7}", "*", TokenKind::Star),
    ("\u{22c5}", "*", TokenKind::Star),
    ("\u{f7}", "/", TokenKind::Slash),
    ("\u{2264}", "<=", TokenKind::Le),
    ("\u{2265}", ">=", TokenKind::Ge),
    ("\u{2260}", "!=", TokenKind::Ne),
    ("\u{223c}", "~", TokenKind::Tilde),
    ("\u{ac}", "!", TokenKind::Not),
    ("\u{2227}", "&", TokenKind::And),
    ("\u{2228}", "|", TokenKind::Bar),
];

const SYMBOLS: [(&str, TokenKind<'static>); 24] = [
    ("==", TokenKind::Eq),
    ("!=", TokenKind::Ne),
    ("<=", TokenKind::Le),
    (">=", TokenKind::Ge),
    ("&&", TokenKind::And),
    ("||", TokenKind::DoubleBar),
    ("(", TokenKind::Open),
    (")", TokenKind::Close),
    (",", TokenKind::Comma),
    ("=", TokenKind::Assign),
    ("+", TokenKind::Plus),
    ("-", TokenKind::Minus),
    ("*", TokenKind::Star),
    ("/", TokenKind::Slash),
    ("%", TokenKind::Percent),
    ("^", TokenKind::Caret),
    ("<", TokenKind::Lt),
    (">", TokenKind::Gt),
    ("&", TokenKind::And),
    ("|", TokenKind::Bar),
    ("!", TokenKind::Not),
    ("~", TokenKind::Tilde),
    (":", TokenKind::Colon),
    (".", TokenKind::Dot),
];

/// How many characters of the user's text a message repeats.
const QUOTED_MAX: usize = 60;

/// The text as a message repeats it: cut where it is too long to read.
pub(crate) fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(QUOTED_MAX) {
        None => Cow::Borrowed(text),
        Some((cut, _)) => Cow::Owned(format!("{}...", &text[..cut])),
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: u32,
    position: usize,
    errors: Vec<Diagnostic>,
}

fn is_name_start(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}

fn is_name_part(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.position..]
    }

    /// The span from `start` to where the lexer stands.
    fn span(&self, start: usize) -> Span {
        let offset =
            |bytes: usize| self.at.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
        Span::new(offset(start), offset(self.position))
    }

    fn take_while(&mut self, keep: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|c| !keep(c)).unwrap_or(rest.len());
        self.position += length;
        &rest[..length]
    }

    fn skip_space(&mut self) {
        self.take_while(|c| c.is_whitespace() || c == '\u{feff}');
    }

    fn error(&mut self, start: usize, message: impl Into<String>) -> &mut Diagnostic {
        self.errors.push(Diagnostic::error(self.span(start), message));
        let last = self.errors.len() - 1;
        &mut self.errors[last]
    }

    fn next_kind(&mut self) -> TokenKind<'a> {
        let Some(first) = self.rest().chars().next() else {
            return TokenKind::End;
        };
        let second = self.rest()[first.len_utf8()..].chars().next();
        if is_name_start(first) {
            return self.name();
        }
        if first.is_ascii_digit() || (first == '.' && second.is_some_and(|c| c.is_ascii_digit())) {
            return self.number();
        }
        if let Some(close) = closing_quote(first) {
            return self.quoted(first, close);
        }
        self.symbol(first)
    }

    fn name(&mut self) -> TokenKind<'a> {
        let start = self.position;
        let name = self.take_while(is_name_part);
        // R allows dots in names. Reading them as one word gives one message and not three.
        if self.rest().starts_with('.') && self.rest()[1..].starts_with(is_name_part) {
            let whole = self.take_while(|c| c == '.' || is_name_part(c));
            let written = format!("{name}{whole}");
            let written = shortened(&written);
            let mended = written.trim_end_matches('.').replace('.', "_");
            let hint = match &*written {
                "as.factor" => "write `factor(...)`".to_owned(),
                "as.numeric" | "as.integer" => "leave it out: values are numbers".to_owned(),
                _ => format!("write `{mended}`"),
            };
            self.error(start, format!("`{written}` is not a name: names have no dots"))
                .hints
                .push(hint);
            return TokenKind::Bad;
        }
        match name {
            "true" | "TRUE" => TokenKind::Bool(true),
            "false" | "FALSE" => TokenKind::Bool(false),
            _ => TokenKind::Name(name),
        }
    }

    fn number(&mut self) -> TokenKind<'a> {
        let start = self.position;
        self.take_while(|c| c.is_ascii_digit() || c == '_');
        if self.rest().starts_with('.') {
            self.position += 1;
            self.take_while(|c| c.is_ascii_digit() || c == '_');
        }
        if self.rest().starts_with(['e', 'E']) {
            let sign = usize::from(self.rest()[1..].starts_with(['+', '-']));
            if self.rest()[1 + sign..].starts_with(|c: char| c.is_ascii_digit()) {
                self.position += 1 + sign;
                self.take_while(|c| c.is_ascii_digit() || c == '_');
            }
        }
        let written = &self.text[start..self.position];
        if self.rest().starts_with(|c| is_name_part(c) || c == '.') {
            self.take_while(|c| is_name_part(c) || c == '.');
            let whole = &self.text[start..self.position];
            let unit = &whole[written.len()..];
            let made = self.error(start, format!("`{}` is not a number", shortened(whole)));
            if unit.starts_with(is_name_start) && !written.ends_with(['_', '.']) {
                let (written, unit) = (shortened(written), shortened(unit));
                made.hints.push(format!("to multiply, write `{written} * {unit}`"));
            }
            return TokenKind::Bad;
        }
        let bytes = written.as_bytes();
        let misplaced = (0..bytes.len()).any(|i| {
            let digit = |j: usize| bytes.get(j).is_some_and(u8::is_ascii_digit);
            bytes[i] == b'_' && !(i > 0 && digit(i - 1) && digit(i + 1))
        });
        if misplaced {
            self.error(start, format!("`{}` is not a number", shortened(written)))
                .hints
                .push("an underscore may stand between two digits only".to_owned());
            return TokenKind::Bad;
        }
        match written.replace('_', "").parse::<f64>() {
            Ok(value) if value.is_finite() => TokenKind::Number(value),
            _ => {
                self.error(start, format!("the number `{}` is too large", shortened(written)))
                    .hints
                    .push("the largest number is about 1.8e308".to_owned());
                TokenKind::Bad
            }
        }
    }

    fn quoted(&mut self, open: char, close: char) -> TokenKind<'a> {
        let start = self.position;
        self.position += open.len_utf8();
        let inside = self.position;
        loop {
            let rest = self.rest();
            let Some(length) = rest.find(close) else {
                self.position = self.text.len();
                let made = self.error(start, "text without a closing quote");
                if let Some(span) = made.span {
                    made.span = Some(Span::new(span.start, span.start + open.len_utf8() as u32));
                    made.label = "opened here".to_owned();
                    made.hints.push("text stands between two quotes: `'control'`".to_owned());
                }
                return TokenKind::Bad;
            };
            self.position += length + close.len_utf8();
            // Two quotes in a row stand for one inside the text.
            if open == '\'' && self.rest().starts_with('\'') {
                self.position += 1;
                continue;
            }
            break;
        }
        let text = &self.text[inside..self.position - close.len_utf8()];
        if open == '`' {
            self.error(start, "names are not quoted").hints.push(
                "a name has letters, digits and underscores, and starts with no digit".into(),
            );
            return TokenKind::Bad;
        }
        if open != '\'' {
            self.error(start, "text goes in single quotes")
                .hints
                .push(format!("write `'{}'`", shortened(text)));
        }
        TokenKind::Text(text)
    }

    fn symbol(&mut self, first: char) -> TokenKind<'a> {
        let start = self.position;
        if self.rest().starts_with("%in%") {
            self.position += "%in%".len();
            self.error(start, "`%in%` is not an operator here")
                .hints
                .push("in a formula, write `a:b` for `a %in% b`".to_owned());
            return TokenKind::Bad;
        }
        for (written, meant, kind) in LOOKALIKES {
            if self.rest().starts_with(written) {
                self.position += written.len();
                self.error(start, format!("`{written}` is not an operator"))
                    .hints
                    .push(format!("write `{meant}`"));
                return kind;
            }
        }
        for (written, kind) in SYMBOLS {
            if self.rest().starts_with(written) {
                self.position += written.len();
                return kind;
            }
        }
        self.position += first.len_utf8();
        if matches!(first, ']' | '}') && !self.errors.is_empty() {
            // The bracket that it closes is reported.
            return TokenKind::Bad;
        }
        let made = self.error(start, format!("unexpected character `{first}`"));
        made.hints.extend(character_hint(first).map(str::to_owned));
        TokenKind::Bad
    }
}

/// The quote that ends text opened by this one, be it ours or one that a word processor put.
fn closing_quote(open: char) -> Option<char> {
    match open {
        '\'' | '"' | '`' => Some(open),
        '\u{2018}' => Some('\u{2019}'),
        '\u{201c}' => Some('\u{201d}'),
        _ => None,
    }
}

fn character_hint(c: char) -> Option<&'static str> {
    Some(match c {
        '[' | ']' | '$' | '@' => "there is no indexing: a variable's name stands for its values",
        '{' | '}' => "group with `(` and `)`",
        '?' => "to choose between two values, write `if(condition, a, b)`",
        ';' => "an expression is one value: declare a variable for each step",
        '#' => "comments stand outside of the quotes, after `//`",
        '\\' => "escapes are not needed here",
        _ => return None,
    })
}

impl TokenKind<'_> {
    /// Whether a value may start with it.
    pub(crate) fn starts_value(self) -> bool {
        matches!(self, Self::Number(_) | Self::Bool(_) | Self::Name(_) | Self::Text(_) | Self::Open)
    }
}
