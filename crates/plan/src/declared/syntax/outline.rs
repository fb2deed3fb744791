//! Walks through a file whose brackets pair, from slip to slip.
//!
//! The walk knows where a field, an entry or a value belongs, and no more. After a slip it goes on
//! as if the right thing stood there, so that all slips of a file are told at once.

use trialrun_lang::{Diagnostic, Span};

use super::brackets::{block_comment_end, string_end};
use super::{slips, span};

/// Deeper brackets are not walked through; no design has them.
const DEPTH_MAX: usize = 60;

/// The slips of a file.
pub fn slips(source: &str) -> Vec<Diagnostic> {
    let mut walk = Walk::new(source, 0);
    walk.skip_space(true);
    while walk.rest().starts_with("#![") {
        walk.at += walk.rest().find(']').map_or(walk.rest().len(), |end| end + 1);
        walk.skip_space(true);
    }
    walk.value();
    walk.skip_space(false);
    if !walk.rest().is_empty() {
        let at = walk.at;
        let word = walk.span_of_word(at);
        walk.found.push(slips::trailing(source, word));
    }
    walk.found
}

/// The first byte that is neither space nor comment.
pub fn past_space(source: &str, at: usize) -> usize {
    let mut walk = Walk::new(source, at);
    walk.skip_space(false);
    walk.at
}

/// The word that stands at a place; empty where there is none.
pub fn word_at(source: &str, at: usize) -> &str {
    let rest = &source[at..];
    &rest[..rest.find(|c| !is_word(c)).unwrap_or(rest.len())]
}

pub fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

pub fn is_name_start(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}

/// What separates the parts of a bracket.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    /// `(name: value, ...)`
    Fields,
    /// `[value, ...]`
    List,
    /// `{ key: value, ... }`
    Map,
}

/// A place in the file, and the slips before it.
pub struct Walk<'s> {
    pub source: &'s str,
    pub at: usize,
    depth: usize,
    /// Whether the map of parameters is walked through.
    in_parameters: bool,
    pub found: Vec<Diagnostic>,
}

impl<'s> Walk<'s> {
    fn new(source: &'s str, at: usize) -> Self {
        Self { source, at, depth: 0, in_parameters: false, found: Vec::new() }
    }

    pub fn rest(&self) -> &'s str {
        &self.source[self.at..]
    }

    pub fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub fn slip(&mut self, slip: Diagnostic) {
        self.found.push(slip);
    }

    /// Moves past space and comments. Where `starts` an entry, what other languages have for
    /// comments is told and skipped too.
    pub fn skip_space(&mut self, starts: bool) {
        loop {
            let rest = self.rest();
            let Some(c) = rest.chars().next() else { return };
            let line = rest.find('\n').unwrap_or(rest.len());
            if rest.starts_with("//") {
                self.at += line;
            } else if rest.starts_with("/*") {
                let Some(end) = block_comment_end(self.source, self.at) else { return };
                self.at = end;
            } else if (rest.starts_with('#') && !rest.starts_with("#!["))
                || (starts && (rest.starts_with("--") || rest.starts_with('%')))
            {
                let end = self.at + rest[..line].trim_end().len();
                self.slip(slips::comment(span(self.at, end)));
                self.at += line;
            } else if is_odd_space(c) {
                self.slip(slips::odd_space(span(self.at, self.at + c.len_utf8()), c));
                self.at += c.len_utf8();
            } else if c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200e}' | '\u{200f}') {
                self.at += c.len_utf8();
            } else {
                return;
            }
        }
    }

    /// The word at a place, or the sign where there is none.
    pub fn span_of_word(&self, at: usize) -> Span {
        let word = word_at(self.source, at).len();
        let sign = self.source[at..].chars().next().map_or(0, char::len_utf8);
        span(at, at + word.max(sign))
    }

    /// A bracket with what stands in it. The current character opens it.
    pub fn bracket(&mut self, kind: Kind) {
        self.at += 1;
        if self.depth == DEPTH_MAX {
            self.skip_entry();
            while self.peek() == Some(',') {
                self.at += 1;
                self.skip_entry();
            }
            self.at = (self.at + 1).min(self.source.len());
            return;
        }
        self.depth += 1;
        let mut names = 0;
        let mut alone: Vec<Span> = Vec::new();
        loop {
            self.skip_space(true);
            match self.peek() {
                None => break,
                Some(')' | ']' | '}') => {
                    self.at += 1;
                    break;
                }
                Some(',') => {
                    self.slip(slips::comma(span(self.at, self.at + 1)));
                    self.at += 1;
                    continue;
                }
                _ => {}
            }
            let start = self.at;
            if kind != Kind::List && self.key(kind) {
                names += 1;
                self.skip_space(false);
            }
            let named = self.at > start;
            if self.depth == 1 {
                self.in_parameters = word_at(self.source, start) == "parameters";
            }
            let value = self.at;
            self.value();
            self.after_value(kind, value);
            if !named && kind == Kind::Fields {
                alone.push(span(start, start + self.source[start..self.at].trim_end().len()));
            }
            if self.peek() == Some(',') {
                self.at += 1;
                self.decimal_comma(value);
            }
        }
        self.depth -= 1;
        if names > 0 {
            self.found.extend(alone.into_iter().map(slips::no_name));
        }
    }

    /// The name before a value, with its colon; false where there is none.
    fn key(&mut self, kind: Kind) -> bool {
        let start = self.at;
        let quoted = self.peek() == Some('"');
        let end = if quoted {
            string_end(self.source, start).unwrap_or(self.source.len())
        } else {
            let rest = self.rest();
            start + rest.find(|c| !is_word(c) && c != '-').unwrap_or(rest.len())
        };
        let name = &self.source[start..end];
        let after = past_space(self.source, end);
        let rest = &self.source[after..];
        let next = rest.chars().next();
        let colon = rest.starts_with(':') || (rest.starts_with('=') && !rest.starts_with("=="));
        let is_name = quoted || name.starts_with(is_name_start);
        if !colon {
            // `n 4`: a name, and then a value.
            let value = next.is_some_and(|c| {
                is_word(c) || matches!(c, '"' | '[' | '{' | '\'' | '“') || c == '-'
            });
            let missing = is_name && !quoted && value && after > end && !name.contains('-');
            if missing {
                self.slip(slips::no_colon(span(start, end), name));
                self.at = after;
            }
            return missing;
        }
        if name.is_empty() {
            return false;
        }
        if rest.starts_with('=') {
            self.slip(slips::equals(span(after, after + 1), name, rest));
        }
        if quoted && kind == Kind::Fields {
            self.slip(slips::quoted_name(span(start, end), name));
        } else if !quoted && is_name && name.contains('-') {
            self.slip(slips::dashed_name(span(start, end), name));
        }
        self.at = after + 1;
        true
    }

    /// Moves to the comma or the bracket after a value that began at `start`, or tells what stands
    /// there instead.
    fn after_value(&mut self, kind: Kind, start: usize) {
        let end = self.at;
        self.skip_space(false);
        let rest = self.rest();
        let written = &self.source[start..end];
        let Some(next) = rest.chars().next() else { return };
        match next {
            ',' | ')' | ']' | '}' => {}
            ';' => {
                self.slip(slips::semicolon(span(self.at, self.at + 1)));
                self.at += 1;
            }
            ':' => {
                let at = span(self.at, self.at + 1);
                self.skip_entry();
                self.slip(slips::colon(at, kind, written));
            }
            _ if rest.starts_with("..") || next == '…' => {
                self.skip_entry();
                let whole = span(start, start + self.source[start..self.at].trim_end().len());
                self.slip(slips::spaced_range(whole));
            }
            _ if "+-*/%^<>=~|&!?−×".contains(next) || (next == '(' && end == self.at) => {
                self.skip_entry();
                self.at -= before_a_name(&self.source[end..self.at]);
                let whole = self.source[start..self.at].trim_end();
                let at = span(start, start + whole.len());
                self.slip(slips::unquoted(at, whole, written, self.in_parameters));
            }
            _ if is_word(next) || matches!(next, '"' | '(' | '[' | '{' | '\'') => {
                self.no_comma(kind, start, end);
            }
            _ => {
                let at = span(self.at, self.at + next.len_utf8());
                self.slip(slips::unexpected(at, next));
                self.skip_entry();
            }
        }
    }

    /// A value follows a value: a comma is missing, or quotes.
    fn no_comma(&mut self, kind: Kind, start: usize, end: usize) {
        let written = &self.source[start..end];
        let next = self.span_of_word(self.at);
        let in_line = !self.source[end..self.at].contains('\n');
        let is_text = written.starts_with('"');
        let is_bare = written.starts_with(is_name_start) && written.chars().all(is_word);
        let after = past_space(self.source, next.end as usize);
        let is_name = kind != Kind::List && self.source[after..].starts_with([':', '=']);
        if is_text && end == self.at && !is_name {
            self.skip_entry();
            let whole = span(start, self.at);
            self.slip(slips::quotes_within(whole));
        } else if is_bare && in_line && !is_name && self.rest().starts_with(is_word) {
            self.skip_entry();
            let whole = self.source[start..self.at].trim_end();
            self.slip(slips::several_words(span(start, start + whole.len()), whole));
        } else if written.is_empty() {
            self.skip_entry();
        } else {
            let word = &self.source[next.range()];
            self.slip(slips::no_comma(next, word));
        }
    }

    /// `0,5` and `50,000`: a comma within a number.
    fn decimal_comma(&mut self, start: usize) {
        let before = &self.source[start..self.at - 1];
        let digits = self.rest();
        let len = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        let is_number = before.chars().all(|c| c.is_ascii_digit() || c == '-');
        if len == 0 || before.is_empty() || !is_number || self.in_list_of_numbers(start) {
            return;
        }
        let whole = span(start, self.at + len);
        self.at += len;
        self.slip(slips::decimal_comma(whole, before, &digits[..len]));
        self.skip_space(false);
        if self.peek() == Some(',') {
            self.at += 1;
        }
    }

    /// Whether the number at a place stands in a list, where `1,5` are two numbers.
    fn in_list_of_numbers(&self, start: usize) -> bool {
        self.source[..start].trim_end().ends_with(['[', ','])
    }
}

/// How long the end of a piece is that begins a field: from its name on.
fn before_a_name(piece: &str) -> usize {
    let Some(colon) = piece.find(':') else { return 0 };
    let name = piece[..colon].trim_end();
    let word = name.trim_end_matches(is_word);
    let is_name = word.len() < name.len() && word.ends_with(char::is_whitespace);
    if is_name { piece.len() - word.len() } else { 0 }
}

/// Characters that look like space and are none to the parser.
fn is_odd_space(c: char) -> bool {
    let plain = matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c' | '\u{85}');
    let lines = matches!(c, '\u{2028}' | '\u{2029}');
    (c.is_whitespace() && !plain && !lines) || matches!(c, '\u{200b}' | '\u{2060}')
}
