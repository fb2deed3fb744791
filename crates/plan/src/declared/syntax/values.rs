//! The walk through single values: names, texts and numbers, and those that are none.

use super::brackets::{char_end, string_end};
use super::outline::{Kind, Walk, is_name_start, is_word};
use super::{slips, span};

impl Walk<'_> {
    /// A value, or a slip where there is none.
    pub fn value(&mut self) {
        let start = self.at;
        let rest = self.rest();
        let hashes = rest.strip_prefix('r').unwrap_or("").trim_start_matches('#');
        match self.peek() {
            Some('(') => self.bracket(Kind::Fields),
            Some('[') => self.bracket(Kind::List),
            Some('{') => self.bracket(Kind::Map),
            Some('"') => self.text(),
            Some('r') if hashes.starts_with('"') => {
                self.at += rest.len() - hashes.len();
                self.text();
            }
            Some('\'') => match char_end(self.source, start) {
                Some(end) => self.at = end,
                None => self.other_quotes('\''),
            },
            Some(open @ ('“' | '”' | '„' | '‘' | '’' | '«' | '‚')) => {
                self.other_quotes(open)
            }
            Some(c) if is_name_start(c) => self.name(),
            Some(c) if c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | '−' | '–') => {
                self.number();
            }
            Some(',' | ')' | ']' | '}') | None => {
                let before = self.source[..start].trim_end().len();
                self.slip(slips::no_value(self.source, before, start));
            }
            Some(c) => {
                self.slip(slips::unexpected(span(start, start + c.len_utf8()), c));
                self.skip_entry();
            }
        }
    }

    /// A name, and the bracket behind it.
    fn name(&mut self) {
        let word = self.span_of_word(self.at);
        self.at = word.end as usize;
        let end = self.at;
        self.skip_space(false);
        match self.peek() {
            Some('(') => self.bracket(Kind::Fields),
            Some(open @ ('{' | '[')) => {
                let at = span(self.at, self.at + 1);
                let name = &self.source[word.range()];
                self.slip(slips::other_bracket(at, name, open));
                self.bracket(Kind::Fields);
            }
            _ => self.at = end,
        }
    }

    fn text(&mut self) {
        let start = self.at;
        let Ok(end) = string_end(self.source, start) else {
            self.at = self.source.len();
            return;
        };
        let is_raw = self.source[..start].ends_with(['r', '#']);
        if let (false, Some(slip)) = (is_raw, slips::escape(self.source, start + 1, end - 1)) {
            self.slip(slip);
        }
        self.at = end;
    }

    /// Text in quotes of another kind.
    fn other_quotes(&mut self, open: char) {
        let close = match open {
            '\'' => ['\'', '\''],
            '‘' | '‚' => ['’', '‘'],
            '«' => ['»', '»'],
            _ => ['”', '“'],
        };
        let start = self.at;
        let rest = self.rest();
        let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
        let inside = &line[open.len_utf8()..];
        match inside.char_indices().find(|(_, c)| close.contains(c)) {
            Some((len, c)) => {
                self.at += open.len_utf8() + len + c.len_utf8();
                let at = span(start, self.at);
                self.slip(slips::quotes(at, open, Some(&inside[..len])));
            }
            None => {
                self.slip(slips::quotes(span(start, start + open.len_utf8()), open, None));
                self.skip_entry();
            }
        }
    }

    /// A number or a range of numbers.
    fn number(&mut self) {
        let start = self.at;
        let mut before = ' ';
        let rest = self.rest();
        let sign = |c| matches!(c, '+' | '-' | '−' | '–');
        let end = rest.char_indices().find(|&(i, c)| {
            let goes_on = is_word(c)
                || c == '.'
                || (c == '=' && before == '.')
                || (sign(c) && (i == 0 || matches!(before, 'e' | 'E' | '.' | '=')));
            before = c;
            !goes_on
        });
        let mut len = end.map_or(rest.len(), |(i, _)| i);
        if rest[..len].chars().all(sign) {
            // A sign, and the number after a space.
            let number = rest[len..].trim_start_matches(' ');
            let digits = number.find(|c: char| !c.is_ascii_digit() && c != '.');
            len = rest.len() - number.len() + digits.unwrap_or(number.len());
        }
        self.at += len;
        let written = &self.source[start..self.at];
        if let Some(slip) = slips::number(span(start, self.at), written) {
            self.slip(slip);
        }
    }

    /// Moves to the comma or closing bracket that ends an entry.
    pub fn skip_entry(&mut self) {
        let mut depth = 0;
        while let Some(c) = self.peek() {
            match c {
                '"' => {
                    self.at = string_end(self.source, self.at).unwrap_or(self.source.len());
                    continue;
                }
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' | ',' if depth == 0 => return,
                ')' | ']' | '}' => depth -= 1,
                _ => {}
            }
            self.at += c.len_utf8();
        }
    }
}
