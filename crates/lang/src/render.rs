//! Diagnostics as text, in the look of rustc: the line, the offending words marked, the way out.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{
    Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet, normalize_untrusted_str,
};

use crate::diagnostic::{Diagnostic, Severity};
use crate::span::Span;

/// Prints diagnostics in the order of their places in the file, those without a place last.
///
/// Spans are clipped to the source; any span may be given with any source. The text ends with a
/// line break, and is empty where there is nothing to print. `colour` adds terminal colours.
pub fn render(diagnostics: &[Diagnostic], file_name: &str, source: &str, colour: bool) -> String {
    let mut sorted: Vec<&Diagnostic> = diagnostics.iter().collect();
    sorted.sort_by_key(|diagnostic| (diagnostic.span.is_none(), diagnostic.span));
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    let mut text = String::new();
    for diagnostic in sorted {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&renderer.render(&[group(diagnostic, file_name, source)]));
        text.push('\n');
    }
    text
}

/// The line and column of a byte of the source, both from 1, the column in characters.
///
/// A byte past the end counts as the end; one within a character, as the character's first.
pub fn line_col(source: &str, byte: usize) -> (usize, usize) {
    let before = &source[..source.floor_char_boundary(byte)];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
    (line, before[line_start..].chars().count() + 1)
}

fn group<'a>(diagnostic: &'a Diagnostic, file_name: &'a str, source: &'a str) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let group = Group::with_title(level.primary_title(one_line(&diagnostic.message)));
    let group = match diagnostic.span {
        Some(span) => group.element(snippet(diagnostic, span, file_name, source)),
        None => group.element(Origin::path(file_name)),
    };
    let hints = diagnostic.hints.iter().map(|hint| Level::HELP.message(one_line(hint)));
    group.elements(hints)
}

/// The lines from the first to the last marked one; those between that say nothing are left out.
fn snippet<'a>(
    diagnostic: &'a Diagnostic,
    span: Span,
    file_name: &'a str,
    source: &'a str,
) -> Snippet<'a, Annotation<'a>> {
    let primary = clip(span, source);
    let related: Vec<Span> =
        diagnostic.related.iter().map(|(span, _)| clip(*span, source)).collect();
    let all = related.iter().fold(primary, |all, span| all.join(*span));
    let first = source[..all.start as usize].rfind('\n').map_or(0, |newline| newline + 1);
    let rest = &source[all.end as usize..];
    let last = all.end as usize + rest.find('\n').map_or(rest.len(), |newline| newline + 1);
    let within = |span: Span| span.start as usize - first..span.end as usize - first;
    let mark = |kind: AnnotationKind, span: Span, label: &str| {
        let label = (!label.is_empty()).then(|| one_line(label));
        kind.span(within(span)).label(label)
    };
    let mut snippet = Snippet::source(&source[first..last])
        .line_start(line_col(source, first).0)
        .path(file_name)
        .annotation(mark(AnnotationKind::Primary, primary, &diagnostic.label));
    for (span, (_, label)) in related.iter().zip(&diagnostic.related) {
        snippet = snippet.annotation(mark(AnnotationKind::Context, *span, label));
    }
    snippet
}

/// The span as far as the source has it, on whole characters. What points past the last line is
/// moved to its end, where there is something to be seen.
fn clip(span: Span, source: &str) -> Span {
    let seen = source.trim_end_matches(['\n', '\r']).len();
    let end = source.ceil_char_boundary(span.end as usize).min(seen);
    let start = source.floor_char_boundary(span.start as usize).min(end);
    Span::new(start as u32, end as u32)
}

/// Text that may hold the user's words, made fit for one line of a terminal.
fn one_line(text: &str) -> String {
    normalize_untrusted_str(&text.replace(['\n', '\r'], " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str =
        "Design(\n\tname: \"größe\",\n    steps: [\n        Level(name: klass),\n    ],\n)\n";

    /// The span of the first place where the source has these words.
    fn words(source: &str, words: &str) -> Span {
        let start = source.find(words).expect("words of the source");
        Span::new(start as u32, (start + words.len()) as u32)
    }

    fn check(source: &str, diagnostics: &[Diagnostic], expected: &str) {
        let found = render(diagnostics, "a.ron", source, false);
        assert_eq!(found, expected, "found:\n{found}");
    }

    #[test]
    fn everything_has_its_place() {
        let first = Diagnostic::error(words(SOURCE, "klass"), "unknown level `klass`")
            .label("not a level")
            .related(words(SOURCE, "steps"), "levels are declared here")
            .hint("did you mean `class`?")
            .hint("or declare it");
        let second = Diagnostic::warning(words(SOURCE, "größe"), "`größe` is a strange name");
        let third = Diagnostic::note(None, "there are no estimators");
        check(
            SOURCE,
            &[third, first, second],
            "\
warning: `größe` is a strange name
 --> a.ron:2:9
  |
2 |     name: \"größe\",
  |            ^^^^^

error: unknown level `klass`
 --> a.ron:4:21
  |
3 |     steps: [
  |     ----- levels are declared here
4 |         Level(name: klass),
  |                     ^^^^^ not a level
  |
  = help: did you mean `class`?
  = help: or declare it

note: there are no estimators
--> a.ron
",
        );
        check(SOURCE, &[], "");
    }

    #[test]
    fn several_lines() {
        let span = words(SOURCE, "[\n        Level(name: klass),\n    ]");
        check(
            SOURCE,
            &[Diagnostic::error(span, "the steps are wrong").label("all of them")],
            "\
error: the steps are wrong
 --> a.ron:3:12
  |
3 |       steps: [
  |  ____________^
4 | |         Level(name: klass),
5 | |     ],
  | |_____^ all of them
",
        );
    }

    #[test]
    fn lines_between_are_left_out() {
        let source = format!("first\n{}last\n", "between\n".repeat(20));
        let made = Diagnostic::error(words(&source, "last"), "twice")
            .related(words(&source, "first"), "first defined here");
        check(
            &source,
            &[made],
            "\
error: twice
  --> a.ron:22:1
   |
 1 | first
   | ----- first defined here
...
22 | last
   | ^^^^
",
        );
    }

    #[test]
    fn places_at_the_end_and_past_it() {
        let end = |source: &str, byte: u32, expected: &str| {
            check(source, &[Diagnostic::error(Span::at(byte), "end")], expected);
        };
        let one = "error: end\n --> a.ron:1:4\n  |\n1 | abc\n  |    ^\n";
        end("abc", 3, one);
        end("abc\n", 3, one);
        end("abc\n", 4, one);
        end("abc\r\n\n", 99, one);
        end("abc", u32::MAX, one);
        let empty = "error: end\n --> a.ron:1:1\n  |\n1 |\n  | ^\n";
        end("", 0, empty);
        end("", 7, empty);
        end("\n", 1, empty);
        // Within a character: the whole of it.
        let made = Diagnostic::error(Span::new(2, 3), "half");
        check("aöb", &[made], "error: half\n --> a.ron:1:2\n  |\n1 | aöb\n  |  ^\n");
    }

    #[test]
    fn long_lines_are_cut_around_the_mark() {
        let source = format!("{}here{}", "a + ".repeat(500), " + b".repeat(500));
        let made = Diagnostic::error(words(&source, "here"), "wrong").label("this");
        let found = render(&[made], "a.ron", &source, false);
        assert!(found.starts_with("error: wrong\n --> a.ron:1:2001\n"), "{found}");
        assert!(found.lines().all(|line| line.chars().count() < 160), "{found}");
        assert!(found.contains("here") && found.contains("^^^^ this"), "{found}");
    }

    #[test]
    fn what_could_spoil_the_terminal_is_taken_out() {
        let made = Diagnostic::error(Span::new(0, 1), "a\nb\u{1b}[31m")
            .label("c\r\nd")
            .hint("e\nf\u{202e}");
        let expected = "\
error: a b␛[31m
 --> a.ron:1:1
  |
1 | x␛[0m
  | ^ c  d
  |
  = help: e f�
";
        check("x\u{1b}[0m", &[made], expected);
    }

    #[test]
    fn colour_changes_nothing_but_colour() {
        let made = Diagnostic::error(words(SOURCE, "klass"), "unknown").hint("way out");
        let coloured = render(std::slice::from_ref(&made), "a.ron", SOURCE, true);
        let mut plain = String::new();
        for (i, part) in coloured.split('\u{1b}').enumerate() {
            plain.push_str(if i == 0 { part } else { part.split_once('m').map_or("", |p| p.1) });
        }
        assert_ne!(coloured, plain);
        assert_eq!(plain, render(&[made], "a.ron", SOURCE, false));
    }

    #[test]
    fn lines_and_columns_count_from_one_in_characters() {
        let check = |source: &str, byte: usize, expected: (usize, usize)| {
            assert_eq!(line_col(source, byte), expected, "{source:?} at {byte}");
        };
        check("", 0, (1, 1));
        check("", 5, (1, 1));
        check("abc", 0, (1, 1));
        check("abc", 3, (1, 4));
        check("abc", 99, (1, 4));
        check("a\nbc", 1, (1, 2));
        check("a\nbc", 2, (2, 1));
        check("a\nbc\n", 5, (3, 1));
        check("a\r\nb", 3, (2, 1));
        check("öä", 2, (1, 2));
        check("öä", 3, (1, 2));
        check("\tx", 1, (1, 2));
    }
}
