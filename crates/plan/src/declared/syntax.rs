//! Explains a file that `ron` can not parse, at the place where the trouble began.
//!
//! A parser sees a bracket or a quote left open only where something else does not fit, often
//! lines later. Here brackets and quotes are paired again, and the one left open is shown.

use trialrun_lang::{Diagnostic, Span};

/// The diagnostic for a parser's error.
pub fn explain(source: &str, error: &ron::error::SpannedError) -> Diagnostic {
    let start = byte_of(source, error.span.start.line, error.span.start.col);
    let end = byte_of(source, error.span.end.line, error.span.end.col).max(start);
    if matches!(error.code, ron::Error::ExceededRecursionLimit) {
        return Diagnostic::error(span(start, end), "brackets are nested too deeply")
            .label("nested deeper than any design needs");
    }
    if let Some(diagnostic) = unbalanced(source, start) {
        return diagnostic;
    }
    let at = span(start, end.max((start + 1).min(source.len())));
    let found = word_at(source, start);
    let (message, hint) = describe(&error.code, &found);
    let diagnostic = Diagnostic::error(at, message).label("here");
    if hint.is_empty() { diagnostic } else { diagnostic.hint(hint) }
}

/// The parser's error in words, and a way out.
fn describe(code: &ron::Error, found: &str) -> (String, String) {
    use ron::Error as E;
    let comment = found.starts_with('#');
    let (expected, hint) = match code {
        _ if comment => ("a field", "a comment starts with `//`"),
        E::ExpectedComma if found.starts_with("..") => {
            ("a comma", "a range is written without spaces: `0.94..=0.96`")
        }
        E::ExpectedComma => ("a comma", "fields and entries are separated by commas"),
        E::ExpectedMapColon if found.starts_with('=') => {
            ("a colon", "a field is written `name: value`")
        }
        E::ExpectedMapColon => ("a colon after the field's name", ""),
        E::ExpectedIdentifier if found.starts_with('\'') || found.starts_with('"') => {
            ("a field's name", "field names are written without quotes")
        }
        E::ExpectedString if found.starts_with('\'') => {
            ("text in double quotes", "text is written in double quotes")
        }
        E::ExpectedRangeSyntax => ("a range", "a range is written `0.94..=0.96`"),
        E::TrailingCharacters => ("the end of the file", "a file holds one `Design(...)`"),
        E::Eof => ("more", "the file ends too early"),
        E::UnclosedBlockComment => ("the end of a comment", "close the comment with `*/`"),
        E::InvalidEscape(_) => ("another character", "in quotes, a backslash is written `\\\\`"),
        other => {
            let text = other.to_string();
            let mut chars = text.chars();
            let lower = chars.next().map(|c| c.to_lowercase().to_string()).unwrap_or_default();
            return (format!("{lower}{}", chars.as_str().trim_end_matches('.')), String::new());
        }
    };
    let shown = if found.is_empty() { "the end of the file".into() } else { format!("`{found}`") };
    (format!("expected {expected}, found {shown}"), hint.to_string())
}

/// What stands at a place: a word, or a run of signs.
fn word_at(source: &str, start: usize) -> String {
    let rest = &source[start..];
    let is_word = |c: char| c == '_' || c.is_alphanumeric();
    let Some(first) = rest.chars().next() else { return String::new() };
    if is_word(first) {
        rest.chars().take_while(|c| is_word(*c)).take(30).collect()
    } else if rest.starts_with("..") {
        rest.chars().take_while(|c| *c == '.' || *c == '=').collect()
    } else {
        first.to_string()
    }
}

fn span(start: usize, end: usize) -> Span {
    Span { start: start as u32, end: end as u32 }
}

/// The byte at a line and column, both from 1, columns in characters.
fn byte_of(source: &str, line: usize, col: usize) -> usize {
    let mut lines = source.split_inclusive('\n');
    let before: usize = lines.by_ref().take(line.saturating_sub(1)).map(str::len).sum();
    let rest = &source[before..];
    let within = rest.char_indices().nth(col.saturating_sub(1)).map_or(rest.len(), |(i, _)| i);
    before + within
}

/// A bracket or quote that is open where it should be closed, or the other way round.
fn unbalanced(source: &str, error_at: usize) -> Option<Diagnostic> {
    let bytes = source.as_bytes();
    let mut open: Vec<(u8, usize)> = Vec::new();
    let mut i = 0;
    while i < bytes.len() {
        match bytes[i] {
            b'/' if bytes.get(i + 1) == Some(&b'/') => {
                i += source[i..].find('\n').unwrap_or(source.len() - i);
            }
            b'/' if bytes.get(i + 1) == Some(&b'*') => match source[i + 2..].find("*/") {
                Some(len) => i += len + 4,
                None => {
                    return Some(
                        Diagnostic::error(span(i, i + 2), "this comment is never closed")
                            .label("opened here")
                            .hint("close it with `*/`"),
                    );
                }
            },
            b'"' => match string_end(source, i) {
                Ok(end) => i = end,
                Err(diagnostic) => return Some(diagnostic),
            },
            b'(' | b'[' | b'{' => {
                open.push((bytes[i], i));
                i += 1;
            }
            close @ (b')' | b']' | b'}') => {
                match open.pop() {
                    Some((bracket, _)) if closing(bracket) == close => {}
                    Some((bracket, at)) => return Some(mismatch(source, bracket, at, close, i)),
                    None if i <= error_at => {
                        let message = format!("this `{}` closes nothing", close as char);
                        return Some(
                            Diagnostic::error(span(i, i + 1), message).label("one too many"),
                        );
                    }
                    None => return None,
                }
                i += 1;
            }
            _ => i += 1,
        }
    }
    let (bracket, at) = open.pop()?;
    Some(left_open(bracket, at))
}

fn closing(open: u8) -> u8 {
    match open {
        b'(' => b')',
        b'[' => b']',
        _ => b'}',
    }
}

fn left_open(bracket: u8, at: usize) -> Diagnostic {
    let (open, close) = (bracket as char, closing(bracket) as char);
    Diagnostic::error(span(at, at + 1), format!("this `{open}` is never closed"))
        .label("opened here")
        .hint(format!("close it with `{close}`"))
}

fn mismatch(source: &str, bracket: u8, at: usize, close: u8, close_at: usize) -> Diagnostic {
    let where_found = if source[at..close_at].contains('\n') {
        "closed by another bracket here"
    } else {
        "closed here by another bracket"
    };
    left_open(bracket, at)
        .related(span(close_at, close_at + 1), format!("{where_found}: `{}`", close as char))
}

/// The byte after a string that begins at `start`. Strings of a design stand on one line, so one
/// that runs over a line's end, and is closed by a quote that was meant to open the next, is
/// reported where it was opened.
fn string_end(source: &str, start: usize) -> Result<usize, Diagnostic> {
    let bytes = source.as_bytes();
    let hashes = bytes[..start].iter().rev().take_while(|b| **b == b'#').count();
    let raw = start > hashes && bytes[start - hashes - 1] == b'r' && is_raw(bytes, start, hashes);
    let close = format!("\"{}", "#".repeat(if raw { hashes } else { 0 }));
    let unclosed = || {
        let line_end = source[start..].find('\n').map_or(source.len(), |n| start + n);
        Diagnostic::error(span(start, line_end), "this text is never closed")
            .label("opened here")
            .hint("close it with `\"` on the same line")
    };
    let mut i = start + 1;
    while i < bytes.len() {
        match bytes[i] {
            b'\\' if !raw => i += 2,
            b'"' if source[i..].starts_with(&close) => return Ok(i + close.len()),
            b'\n' if !raw && !continues(source, i) => return Err(unclosed()),
            _ => i += 1,
        }
    }
    Err(unclosed())
}

/// Whether `r` before the quote marks a raw string and is not the end of a word.
fn is_raw(bytes: &[u8], start: usize, hashes: usize) -> bool {
    let r = start - hashes - 1;
    r == 0 || !(bytes[r - 1].is_ascii_alphanumeric() || bytes[r - 1] == b'_')
}

/// Whether a string that crosses this line end is closed in a way that fits: its next quote is
/// followed by a comma, a closing bracket or a colon.
fn continues(source: &str, line_end: usize) -> bool {
    let Some(quote) = source[line_end..].find('"') else { return false };
    let after = source[line_end + quote + 1..].trim_start();
    after.is_empty() || after.starts_with([',', ')', ']', '}', ':'])
}
