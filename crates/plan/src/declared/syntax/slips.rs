//! The words for slips in a file's structure.

use trialrun_lang::{Diagnostic, Span};

use super::outline::Kind;

/// Longest piece of the file that a hint repeats.
const REPEATED_MAX: usize = 60;

/// A piece of the file in double quotes, where it is short enough to be repeated.
fn in_quotes(text: &str) -> Option<String> {
    let fits = text.len() <= REPEATED_MAX && !text.contains(['\n', '"', '\\']);
    fits.then(|| format!("write `\"{text}\"`"))
}

/// Text after the design.
pub fn trailing(source: &str, at: Span) -> Diagnostic {
    match &source[at.range()] {
        "Design" => Diagnostic::error(at, "a second design").hint("a file holds one `Design(...)`"),
        found => Diagnostic::error(at, format!("expected the end of the file, found `{found}`"))
            .hint("nothing but comments, `// ...`, stands behind the design"),
    }
}

/// A comment of another language.
pub fn comment(at: Span) -> Diagnostic {
    Diagnostic::error(at, "this is not a comment").hint("a comment starts with `//`")
}

/// Space that is none.
pub fn odd_space(at: Span, c: char) -> Diagnostic {
    let message = format!("this is not a plain space, but the character U+{:04X}", c as u32);
    Diagnostic::error(at, message).hint("delete it, and type a space")
}

/// A value is missing.
pub fn no_value(source: &str, before: usize, at: usize) -> Diagnostic {
    let found = source[at..].chars().next();
    let found = found.map_or_else(|| "the end of the file".to_string(), |c| format!("`{c}`"));
    let end = (at + 1).min(source.len());
    let error = Diagnostic::error(super::span(at, end), format!("expected a value, found {found}"));
    if source[..before].ends_with([':', '=']) { error.label("a value is missing") } else { error }
}

/// A character that nothing begins with.
pub fn unexpected(at: Span, c: char) -> Diagnostic {
    Diagnostic::error(at, format!("expected a value, found `{c}`"))
        .hint("expressions and other text stand in double quotes")
}

/// `Reveal { ... }`
pub fn other_bracket(at: Span, name: &str, open: char) -> Diagnostic {
    Diagnostic::error(at, format!("expected `(` after `{name}`, found `{open}`"))
        .hint(format!("write `{name}(field: value, ...)`"))
}

/// A backslash that begins nothing, in the text from `start` to `end`.
pub fn escape(source: &str, start: usize, end: usize) -> Option<Diagnostic> {
    let mut chars = source[start..end].char_indices();
    while let Some((i, c)) = chars.next() {
        if c != '\\' {
            continue;
        }
        let (_, after) = chars.next()?;
        if !"'\"\\nrt0xu\n\r\t ".contains(after) {
            let at = super::span(start + i, start + i + 1 + after.len_utf8());
            let message = format!("`\\{after}` means nothing in text");
            return Some(Diagnostic::error(at, message).hint("a backslash is written `\\\\`"));
        }
    }
    None
}

/// Text in quotes of another kind.
pub fn quotes(at: Span, open: char, inside: Option<&str>) -> Diagnostic {
    let message = match open {
        '\'' => "text stands in double quotes, not in single ones",
        _ => "text stands in straight quotes, `\"`, not in typographic ones",
    };
    let error = Diagnostic::error(at, message);
    error.maybe_hint(inside.and_then(in_quotes))
}

/// What is wrong with a number, or a range of numbers, if anything is.
pub fn number(at: Span, written: &str) -> Option<Diagnostic> {
    let is_number = |text: &str| ron::from_str::<f64>(text).is_ok();
    if is_number(written) || ron::from_str::<i64>(written).is_ok() {
        return None;
    }
    let error = Diagnostic::error(at, format!("`{written}` is not a number"));
    if let Some((low, high)) = written.split_once("..") {
        let end = high.strip_prefix('=').unwrap_or(high);
        if is_number(low) && is_number(end) && high.starts_with('=') {
            return None;
        }
        let end = end.trim_start_matches(['.', '=']);
        let hint = match is_number(low) && is_number(end) {
            true => format!("write `{low}..={end}`"),
            false => "`at_least:` and `at_most:` are bands with one end".to_string(),
        };
        let error = Diagnostic::error(at, "a band has two ends, as in `0.94..=0.96`");
        return Some(error.hint(hint));
    }
    let straight = written.replace(['−', '–'], "-").replace(' ', "");
    let without = written.replace('.', "");
    let thousands = written.matches('.').count() > 1 && is_number(&without);
    Some(if straight != written && is_number(&straight) {
        error.label("the minus sign is another character").hint(format!("write `{straight}`"))
    } else if thousands {
        error.hint("thousands may be separated by `_`, as in `50_000`")
    } else {
        error.hint("an expression stands in double quotes")
    })
}

/// A comma where a field or an entry belongs.
pub fn comma(at: Span) -> Diagnostic {
    Diagnostic::error(at, "one comma too many").hint("remove it")
}

/// A value without a name among those that have one.
pub fn no_name(at: Span) -> Diagnostic {
    Diagnostic::error(at, "a value without the name of its field")
        .hint("each field is written `name: value`")
}

/// `n 4`
pub fn no_colon(at: Span, name: &str) -> Diagnostic {
    Diagnostic::error(at, format!("expected `:` after `{name}`"))
        .hint("a field is written `name: value`")
}

/// `n = 4`
pub fn equals(at: Span, name: &str, rest: &str) -> Diagnostic {
    let value = rest[1..].trim_start().split([',', '\n', ')', ']', '}']).next().unwrap_or("");
    let error = Diagnostic::error(at, format!("expected `:` after `{name}`, found `=`"));
    if value.is_empty() || value.len() > REPEATED_MAX || value.contains(['(', '[', '{', '"']) {
        return error.hint("a field is written `name: value`");
    }
    error.hint(format!("write `{name}: {}`", value.trim_end()))
}

/// `"name": class`
pub fn quoted_name(at: Span, name: &str) -> Diagnostic {
    Diagnostic::error(at, "the name of a field stands without quotes")
        .hint(format!("write `{}:`", name.trim_matches('"')))
}

/// `level-name: class`
pub fn dashed_name(at: Span, name: &str) -> Diagnostic {
    Diagnostic::error(at, format!("`{name}` is not a name: names have no `-`"))
        .hint(format!("write `{}`", name.replace('-', "_")))
}

/// `;` where a comma belongs.
pub fn semicolon(at: Span) -> Diagnostic {
    Diagnostic::error(at, "expected a comma, found `;`")
}

/// `:` behind a value.
pub fn colon(at: Span, kind: Kind, written: &str) -> Diagnostic {
    let error = Diagnostic::error(at, "expected a comma, found `:`");
    match kind {
        Kind::List => {
            error.hint("the entries of a list have no names: fields stand in round brackets")
        }
        _ if written.len() <= REPEATED_MAX => {
            error.hint(format!("`{written}` can not be the name of a field"))
        }
        _ => error,
    }
}

/// `0.94 ..= 0.96`
pub fn spaced_range(at: Span) -> Diagnostic {
    Diagnostic::error(at, "a band is written without spaces").hint("write `0.94..=0.96`")
}

/// An expression without quotes; `first` is what could be read of it.
pub fn unquoted(at: Span, whole: &str, first: &str, in_parameters: bool) -> Diagnostic {
    if whole.strip_suffix('%').map(str::trim_end) == Some(first)
        && let Ok(percent) = first.parse::<f64>()
    {
        let message = format!("`{whole}` is not a number");
        return Diagnostic::error(at, message).hint(format!("write `{}`", percent / 100.0));
    }
    if in_parameters {
        return Diagnostic::error(at, "a parameter is a plain number")
            .label("an expression")
            .hint("compute it where it is used, or write its value");
    }
    if let Some((low, high)) = whole.split_once('-')
        && let (Ok(low), Ok(high)) = (low.trim().parse::<f64>(), high.trim().parse::<f64>())
    {
        return Diagnostic::error(at, "an expression stands in double quotes")
            .hint(format!("a band is written `{low}..={high}`"));
    }
    Diagnostic::error(at, "an expression stands in double quotes").maybe_hint(in_quotes(whole))
}

/// `"The "best" means"`
pub fn quotes_within(at: Span) -> Diagnostic {
    Diagnostic::error(at, "there are quotes within these quotes")
        .hint("in an expression, categories stand in single quotes: `arm == 'letter'`")
        .hint("in other text, a quote is written `\\\"`")
}

/// `label: Student average`
pub fn several_words(at: Span, whole: &str) -> Diagnostic {
    Diagnostic::error(at, "text of several words stands in double quotes")
        .maybe_hint(in_quotes(whole))
}

/// A comma is missing.
pub fn no_comma(at: Span, word: &str) -> Diagnostic {
    Diagnostic::error(at, format!("expected a comma before `{word}`"))
        .label("put a comma before this")
}

/// `0,5`
pub fn decimal_comma(at: Span, whole: &str, digits: &str) -> Diagnostic {
    let error = Diagnostic::error(at, format!("`{whole},{digits}` is not a number"));
    if digits.len() == 3 {
        error.hint(format!("thousands may be separated by `_`: `{whole}_{digits}`"))
    } else {
        error.hint(format!("the decimal mark is a point: `{whole}.{digits}`"))
    }
}
