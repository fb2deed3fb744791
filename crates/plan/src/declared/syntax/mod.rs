//! Explains a file that `ron` can not parse, at the place where the trouble began.
//!
//! A parser sees a bracket or a quote left open only where something else does not fit, often
//! lines later. Here brackets and quotes are paired again (`brackets.rs`), and where they pair, the
//! file is walked through once more, past each slip to the next (`outline.rs`).

mod brackets;
mod outline;
mod slips;
mod values;

use trialrun_lang::{Diagnostic, Span};

use super::reader::suggest;

/// Most errors that are shown of a file that does not parse.
const SHOWN_MAX: usize = 20;

/// What is wrong with a file that does not even begin as a design does.
pub fn wrong_root(source: &str) -> Option<Diagnostic> {
    let start = outline::past_space(source, 0);
    let rest = &source[start..];
    if rest.is_empty() {
        let nothing = source.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        let message = match nothing {
            "" => "the file is empty",
            _ => "the file holds no design, only comments",
        };
        let hint = if source.contains('\r') && !source.contains('\n') {
            "the lines end as on very old computers: save the file with other line ends"
        } else {
            "`trialrun new` lists designs to start from"
        };
        return Some(Diagnostic::error(Span::at(0), message).hint(hint));
    }
    let word = outline::word_at(source, start);
    if word == "Design" || rest.starts_with("/*") || rest.starts_with('#') {
        return None;
    }
    let first = rest.chars().next().map_or(0, char::len_utf8);
    let error = Diagnostic::error(
        span(start, start + word.len().max(first)),
        "a design file holds one `Design(...)`",
    );
    let near = trialrun_lang::did_you_mean(word, ["Design"]).is_some();
    Some(if near {
        suggest(error.label("expected `Design`"), word, &["Design"])
    } else {
        error
            .label("expected `Design(`")
            .hint("write `Design(name: ..., steps: [...])`; `trialrun new` lists examples")
    })
}

/// The diagnostics for a file that `ron` refused.
pub fn explain(source: &str, error: &ron::error::SpannedError) -> Vec<Diagnostic> {
    let start = byte_of(source, error.span.start.line, error.span.start.col);
    let end = byte_of(source, error.span.end.line, error.span.end.col).max(start);
    if matches!(error.code, ron::Error::ExceededRecursionLimit) {
        let error = Diagnostic::error(span(start, end), "brackets are nested too deeply")
            .label("nested deeper than any design needs");
        return vec![error];
    }
    if let Some(error) = brackets::unbalanced(source) {
        return vec![error];
    }
    let mut slips = outline::slips(source);
    if slips.is_empty() {
        let at = span(start, end.max((start + 1).min(source.len())));
        slips.push(Diagnostic::error(at, in_lower_case(&error.code.to_string())));
    }
    slips.truncate(SHOWN_MAX);
    slips
}

/// A message of another library, written as ours are.
fn in_lower_case(text: &str) -> String {
    let mut chars = text.chars();
    let lower = chars.next().map(|c| c.to_lowercase().to_string()).unwrap_or_default();
    format!("{lower}{}", chars.as_str().trim_end_matches('.'))
}

fn span(start: usize, end: usize) -> Span {
    Span::new(start as u32, end as u32)
}

/// The byte at a line and column, both from 1, columns in characters.
fn byte_of(source: &str, line: usize, col: usize) -> usize {
    let mut lines = source.split_inclusive('\n');
    let before: usize = lines.by_ref().take(line.saturating_sub(1)).map(str::len).sum();
    let rest = &source[before..];
    let within = rest.char_indices().nth(col.saturating_sub(1)).map_or(rest.len(), |(i, _)| i);
    before + within
}
