//! Pairs brackets and quotes, and tells which one is open that should be closed.

use trialrun_lang::Diagnostic;

use super::span;

/// A bracket or quote that is open where it should be closed, or the other way round.
pub fn unbalanced(source: &str) -> Option<Diagnostic> {
    let brackets = match brackets(source) {
        Ok(brackets) => brackets,
        Err(error) => return Some(*error),
    };
    let mut open: Vec<(u8, usize)> = Vec::new();
    for (i, &(bracket, at)) in brackets.iter().enumerate() {
        if is_open(bracket) {
            open.push((bracket, at));
            continue;
        }
        match open.pop() {
            Some((opening, _)) if closing(opening) == bracket => {}
            Some((opening, from)) => {
                return Some(mismatch(&open, (opening, from), (bracket, at), &brackets[i + 1..]));
            }
            None => return Some(one_too_many(bracket, at)),
        }
    }
    let (bracket, at) = open.pop()?;
    Some(left_open(bracket, at).label("the file ends before it is closed"))
}

/// The brackets of a file and their places, those in comments and in text left out; an error where
/// a comment or a text is never closed.
fn brackets(source: &str) -> Result<Vec<(u8, usize)>, Box<Diagnostic>> {
    let bytes = source.as_bytes();
    let mut found = Vec::new();
    let mut i = 0;
    while i < bytes.len() {
        match bytes[i] {
            b'/' | b'#' if is_line_comment(source, i) => {
                i += source[i..].find('\n').unwrap_or(source.len() - i);
            }
            b'/' if bytes.get(i + 1) == Some(&b'*') => {
                i = block_comment_end(source, i).ok_or_else(|| {
                    let error = Diagnostic::error(span(i, i + 2), "this comment is never closed");
                    Box::new(error.label("opened here").hint("close it with `*/`"))
                })?;
            }
            b'"' => i = string_end(source, i)?,
            b'\'' => i = char_end(source, i).unwrap_or(i + 1),
            bracket @ (b'(' | b'[' | b'{' | b')' | b']' | b'}') => {
                found.push((bracket, i));
                i += 1;
            }
            _ => i += 1,
        }
    }
    Ok(found)
}

/// Whether a comment of one line begins here: one of ours, or one of another language at the start
/// of a line, whose brackets mean nothing either.
fn is_line_comment(source: &str, at: usize) -> bool {
    let rest = &source[at..];
    let line_start = source[..at].rfind('\n').map_or(0, |n| n + 1);
    let is_first = source[line_start..at].trim().is_empty();
    rest.starts_with("//") || (rest.starts_with('#') && !rest.starts_with("#![") && is_first)
}

/// The byte after a comment that begins at `start`; comments may be nested.
pub fn block_comment_end(source: &str, start: usize) -> Option<usize> {
    let mut depth = 0;
    let mut i = start;
    while i < source.len() {
        let rest = &source.as_bytes()[i..];
        if rest.starts_with(b"/*") {
            (depth, i) = (depth + 1, i + 2);
        } else if rest.starts_with(b"*/") {
            (depth, i) = (depth - 1, i + 2);
            if depth == 0 {
                return Some(i);
            }
        } else {
            i += 1;
        }
    }
    None
}

/// The byte after a character in single quotes, `'x'` or `'\n'`.
pub fn char_end(source: &str, start: usize) -> Option<usize> {
    let rest = &source[start + 1..];
    let inside = match rest.strip_prefix('\\') {
        Some(escaped) => 1 + escaped.chars().next()?.len_utf8(),
        None => rest.chars().next()?.len_utf8(),
    };
    rest[inside..].starts_with('\'').then_some(start + inside + 2)
}

fn is_open(bracket: u8) -> bool {
    matches!(bracket, b'(' | b'[' | b'{')
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
        .hint(format!("close it with `{close}`"))
}

fn one_too_many(bracket: u8, at: usize) -> Diagnostic {
    Diagnostic::error(span(at, at + 1), format!("this `{}` closes nothing", bracket as char))
        .label("one too many")
}

/// An opening bracket meets a closing one of another kind. Either it was left open, or the closing
/// one is too many, or of the wrong kind: whichever makes the rest of the file fit is reported.
fn mismatch(
    outside: &[(u8, usize)],
    (opening, from): (u8, usize),
    (bracket, at): (u8, usize),
    rest: &[(u8, usize)],
) -> Diagnostic {
    let (open, close) = (opening as char, bracket as char);
    let mut before: Vec<u8> = outside.iter().map(|(b, _)| *b).collect();
    let rest: Vec<u8> = rest.iter().map(|(b, _)| *b).collect();
    let closed_late = before.last().is_some_and(|b| closing(*b) == bracket)
        && fits(&before[..before.len() - 1], &rest);
    let wrong_kind = fits(&before, &rest);
    before.push(opening);
    if !closed_late && wrong_kind {
        let message = format!("this `{open}` is closed by `{close}`");
        return Diagnostic::error(span(from, from + 1), message)
            .label("opened here")
            .related(span(at, at + 1), "closed here by another bracket")
            .hint(format!("close it with `{}`", closing(opening) as char));
    }
    if !closed_late && fits(&before, &rest) {
        return one_too_many(bracket, at).related(span(from, from + 1), "this is open before it");
    }
    left_open(opening, from)
        .label("opened here")
        .related(span(at, at + 1), format!("`{close}` comes before it is closed"))
}

/// Whether these brackets close all that is open, and nothing else.
fn fits(open: &[u8], rest: &[u8]) -> bool {
    let mut open = open.to_vec();
    for &bracket in rest {
        if is_open(bracket) {
            open.push(bracket);
        } else if open.pop().map(closing) != Some(bracket) {
            return false;
        }
    }
    open.is_empty()
}

/// The byte after a string that begins at `start`. Strings of a design stand on one line, so one
/// that runs over a line's end, and is closed by a quote that was meant to open the next, is
/// reported where it was opened.
pub fn string_end(source: &str, start: usize) -> Result<usize, Box<Diagnostic>> {
    let bytes = source.as_bytes();
    let hashes = bytes[..start].iter().rev().take_while(|b| **b == b'#').count();
    let raw = start > hashes && bytes[start - hashes - 1] == b'r' && is_raw(bytes, start, hashes);
    let close = format!("\"{}", "#".repeat(if raw { hashes } else { 0 }));
    let unclosed = || {
        let line = source[start..].lines().next().unwrap_or("");
        let error = Diagnostic::error(span(start, start + line.len()), "this text is never closed");
        let hint = match raw {
            true => format!("close it with `{close}`"),
            false => "close it with `\"` on the same line, or take this quote out".to_string(),
        };
        Box::new(error.label("opened here").hint(hint))
    };
    let mut i = start + 1;
    let mut fits_until = 0;
    while i < bytes.len() {
        match bytes[i] {
            b'\\' if !raw && bytes.get(i + 1) == Some(&b'\n') => i += 1,
            b'\\' if !raw => i += 2,
            b'"' if source.as_bytes()[i..].starts_with(close.as_bytes()) => {
                return Ok(i + close.len());
            }
            b'\n' if !raw && i >= fits_until => match next_fitting_quote(source, i) {
                Some(quote) => (fits_until, i) = (quote, i + 1),
                None => return Err(unclosed()),
            },
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

/// The next quote after a line's end, if it closes a string that crosses the line in a way that
/// fits: it is followed by a comma, a closing bracket or a colon.
fn next_fitting_quote(source: &str, line_end: usize) -> Option<usize> {
    let quote = line_end + source[line_end..].find('"')?;
    let after = source[quote + 1..].trim_start();
    let fits = after.is_empty() || after.starts_with([',', ')', ']', '}', ':']);
    fits.then_some(quote)
}
