//! The text of a design file without what does not matter: the basis of its fingerprint.
//!
//! Comments, space between words and a comma before a closing bracket are left out; what stands in
//! quotes is kept as it is. Two files with the same canonical text declare the same design. The
//! reverse is not promised: `"class"` and `class` are the same name and different text.

/// The canonical text of a piece of a design file that parses.
pub fn canonical(source: &str) -> String {
    let mut text = Text::default();
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        let len = match c {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment(rest),
            _ if c.is_whitespace() => c.len_utf8(),
            _ => {
                let len = quoted(rest).unwrap_or(c.len_utf8());
                text.push(&rest[..len]);
                rest = &rest[len..];
                continue;
            }
        };
        text.gap = true;
        rest = &rest[len..];
    }
    text.out
}

/// The text so far.
#[derive(Default)]
struct Text {
    out: String,
    /// Whether space or a comment stood after it.
    gap: bool,
}

impl Text {
    fn push(&mut self, piece: &str) {
        let first = piece.chars().next().unwrap_or(' ');
        if matches!(first, ')' | ']' | '}') && self.out.ends_with(',') {
            self.out.pop();
        }
        // Space keeps two words apart; elsewhere it says nothing.
        if self.gap && is_word(first) && self.out.chars().next_back().is_some_and(is_word) {
            self.out.push(' ');
        }
        self.out.push_str(piece);
        self.gap = false;
    }
}

fn is_word(c: char) -> bool {
    c == '_' || c == '.' || c.is_alphanumeric()
}

/// The length of the comment that the text begins with; comments may hold comments.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if text[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The length of the quoted piece that the text begins with, none if it begins with another.
fn quoted(text: &str) -> Option<usize> {
    if let Some(after) = text.strip_prefix('r') {
        let hashes = after.len() - after.trim_start_matches('#').len();
        if after[hashes..].starts_with('"') {
            let close = format!("\"{}", "#".repeat(hashes));
            let from = hashes + 1;
            let end = after[from..].find(&close).map(|at| from + at + close.len());
            return Some(1 + end.unwrap_or(after.len()));
        }
    }
    let inside = text.strip_prefix('"')?;
    let mut escaped = false;
    for (at, c) in inside.char_indices() {
        match c {
            '"' if !escaped => return Some(at + 2),
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    Some(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_matter_is_left_out() {
        let source = "Level( name : class, // ten of them\n  n: 10 /* or /* more */ */ ,\n)";
        assert_eq!(canonical(source), "Level(name:class,n:10)");
        assert_eq!(canonical("[ a b,\tc , ]"), "[a b,c]");
        assert_eq!(canonical(""), "");
    }

    #[test]
    fn what_is_quoted_is_kept() {
        for text in [r#""a  // b""#, r#""a \" /* b""#, r##"r#"a " , )"#"##, r#""\\""#] {
            assert_eq!(canonical(&format!("( {text} , )")), format!("({text})"));
        }
        assert_eq!(canonical("( r : 1 )"), "(r:1)");
    }

    #[test]
    fn words_stay_apart() {
        assert_ne!(canonical("a b"), canonical("ab"));
        assert_ne!(canonical("1 2"), canonical("12"));
        assert_eq!(canonical("a /* */ b"), "a b");
    }
}
