//! Reads nodes into declared values, and collects every error on the way.

use std::collections::HashMap;

use trialrun_lang::{Diagnostic, Span, did_you_mean};

use super::fields::Fields;
use super::node::Node;
use super::places::Places;

/// A name of the design, bare or quoted in the file: a level, a variable, a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The name.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// Text of the expression or formula language.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// The text.
    pub text: String,
    /// Where its characters stand in the file.
    pub places: Places,
    /// Where the whole value stands, quotes included.
    pub span: Span,
}

/// A number, or an expression in quotes.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// A plain number.
    Number(f64, Span),
    /// An expression.
    Text(Text),
}

impl Scalar {
    /// Where it stands.
    pub fn span(&self) -> Span {
        match self {
            Self::Number(_, span) => *span,
            Self::Text(text) => text.span,
        }
    }
}

impl std::fmt::Display for Scalar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(value, _) => write!(f, "{value}"),
            Self::Text(text) => f.write_str(&text.text),
        }
    }
}

/// Most characters of the file that a message repeats.
const SHOWN_MAX: usize = 40;

/// From here on floating-point numbers skip whole ones.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// Signs of an expression.
const OPERATORS: [char; 10] = ['+', '*', '/', '^', '(', ')', '=', '<', '>', '~'];

/// Words that can not be names, with what they stand for.
const RESERVED: &[(&str, &str)] = &[
    ("N", "the number of units of a level"),
    ("NA", "a missing value"),
    ("true", "the number 1"),
    ("TRUE", "the number 1"),
    ("false", "the number 0"),
    ("FALSE", "the number 0"),
];

/// Reads values and keeps the errors. Each method returns `None` after it has reported why.
#[derive(Default)]
pub struct Reader {
    /// What was wrong so far.
    pub errors: Vec<Diagnostic>,
}

impl Reader {
    /// Reports an error.
    pub fn error(&mut self, error: Diagnostic) {
        self.errors.push(error);
    }

    /// Reports that `node` is not what belongs there.
    pub fn expected<T>(&mut self, node: Node<'_>, what: &str, hint: &str) -> Option<T> {
        let error = Diagnostic::error(node.span, format!("expected {what}, found {}", kind(node)));
        self.errors.push(if hint.is_empty() { error } else { error.hint(hint) });
        None
    }

    /// A name, bare or quoted.
    pub fn name(&mut self, node: Node<'_>) -> Option<Name> {
        let text = match node.head() {
            Some(word) if !node.has_body() => word.to_string(),
            _ => match node.string() {
                Some((text, _)) => text,
                None => {
                    let hint = match node.number() {
                        Some(_) => in_quotes(node),
                        None => "write a bare name, or quote it".to_string(),
                    };
                    return self.expected(node, "a name", &hint);
                }
            },
        };
        if text.trim().is_empty() {
            let error =
                Diagnostic::error(node.span, "expected a name, found nothing between quotes");
            self.error(error);
            return None;
        }
        Some(Name { text, span: node.span })
    }

    /// The name of a variable or level: one that expressions can use.
    pub fn identifier(&mut self, node: Node<'_>) -> Option<Name> {
        let name = match node.number() {
            Some(_) => Name { text: node.text.to_string(), span: node.span },
            None => self.name(node)?,
        };
        if !has_form_of_name(&name.text) {
            let message = format!("`{}` can not be used as a name", name.text);
            let rule = "names have letters, digits and underscores, and begin with no digit";
            let hint = match mended(&name.text) {
                Some(mended) => format!("{rule}: `{mended}`"),
                None if name.text.contains(OPERATORS) => {
                    "an expression can not stand here: declare a variable, and name it".to_string()
                }
                None => rule.to_string(),
            };
            let error = Diagnostic::error(node.span, message);
            self.error(error.label("not a name that expressions can use").hint(hint));
            return None;
        }
        if let Some((_, meaning)) = RESERVED.iter().find(|(word, _)| *word == name.text) {
            let message = format!("`{}` has a meaning of its own in expressions", name.text);
            let error = Diagnostic::error(node.span, message).label(*meaning);
            self.error(error.hint("choose another name"));
            return None;
        }
        Some(name)
    }

    /// A piece of the expression or formula language, in quotes.
    pub fn text(&mut self, node: Node<'_>) -> Option<Text> {
        match node.string() {
            Some((text, places)) => Some(Text { text, places, span: node.span }),
            None => self.expected(node, "text in double quotes", &in_quotes(node)),
        }
    }

    /// An expression in quotes, or a bare name.
    pub fn name_or_expression(&mut self, node: Node<'_>) -> Option<Text> {
        match node.head() {
            Some(_) if !node.has_body() => {
                let Name { text, span } = self.identifier(node)?;
                Some(Text { text, places: Places::plain(span.start), span })
            }
            _ => self.text(node),
        }
    }

    /// A number, or an expression in quotes.
    pub fn scalar(&mut self, node: Node<'_>) -> Option<Scalar> {
        if node.number().is_some() {
            return self.number(node).map(|value| Scalar::Number(value, node.span));
        }
        if node.string().is_some() {
            return self.text(node).map(Scalar::Text);
        }
        self.expected(node, "a number or an expression in double quotes", &in_quotes(node))
    }

    /// A number.
    pub fn number(&mut self, node: Node<'_>) -> Option<f64> {
        let quoted = || node.string().and_then(|(text, _)| text.trim().parse::<f64>().ok());
        match node.number() {
            Some(value) if value.is_finite() => Some(value),
            Some(_) => {
                let message = format!("the number `{}` is too large", node.text);
                self.error(Diagnostic::error(node.span, message));
                None
            }
            None => {
                let hint = match quoted() {
                    Some(_) => "leave the quotes out",
                    None if node.string().is_some() => "only a plain number can stand here",
                    None => "",
                };
                self.expected(node, "a number", hint)
            }
        }
    }

    /// A whole number from `least` up.
    pub fn count(&mut self, node: Node<'_>, least: u64) -> Option<u64> {
        let digits = node.text.replace('_', "");
        if let Ok(value) = digits.parse::<u64>()
            && value >= least
        {
            return Some(value);
        }
        let value = self.number(node)?;
        let is_whole = value.fract() == 0.0 && value >= least as f64;
        if is_whole && value < WHOLE_MAX {
            return Some(value as u64);
        }
        if is_whole {
            let message = format!("the number `{}` is too large", node.text);
            let error = Diagnostic::error(node.span, message);
            self.error(error.hint(format!("the largest is {}", u64::MAX)));
            return None;
        }
        self.expected(node, &format!("a whole number of {least} or more"), "")
    }

    /// `true` or `false`.
    pub fn flag(&mut self, node: Node<'_>) -> Option<bool> {
        match node.text {
            "true" => Some(true),
            "false" => Some(false),
            _ => self.expected(node, "`true` or `false`", ""),
        }
    }

    /// The entries of a list; a single value stands for a list of one.
    pub fn list<'s, T>(
        &mut self,
        node: Node<'s>,
        mut read: impl FnMut(&mut Self, Node<'s>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let entries = match node.list() {
            Some(entries) if node.text.starts_with('[') => entries,
            _ => vec![node],
        };
        let all: Vec<Option<T>> = entries.into_iter().map(|entry| read(self, entry)).collect();
        all.into_iter().collect()
    }

    /// The entries of a map in file order, if each of them can be read; a key given twice is an
    /// error.
    pub fn map<'s, T>(
        &mut self,
        node: Node<'s>,
        read: impl FnMut(&mut Self, Node<'s>) -> Option<T>,
    ) -> Option<Vec<(Name, T)>> {
        let n_errors = self.errors.len();
        let entries = self.entries(node, read)?;
        (self.errors.len() == n_errors).then_some(entries)
    }

    /// The entries of a map in file order, as far as they can be read; a key given twice is an
    /// error.
    pub fn entries<'s, T>(
        &mut self,
        node: Node<'s>,
        mut read: impl FnMut(&mut Self, Node<'s>) -> Option<T>,
    ) -> Option<Vec<(Name, T)>> {
        let Some(entries) = node.map() else {
            return self.expected(node, "a map in curly brackets", "write `{ name: value }`");
        };
        let mut out: Vec<(Name, T)> = Vec::with_capacity(entries.len());
        let mut seen: HashMap<String, Span> = HashMap::with_capacity(entries.len());
        for (key, value) in entries {
            let (name, value) = (self.identifier(key), read(self, value));
            let Some(name) = name else { continue };
            if let Some(first) = seen.get(&name.text) {
                let message = format!("`{}` is given twice", name.text);
                self.errors.push(
                    Diagnostic::error(name.span, message)
                        .label("given again here")
                        .related(*first, "first given here"),
                );
                continue;
            }
            seen.insert(name.text.clone(), name.span);
            out.extend(value.map(|value| (name, value)));
        }
        Some(out)
    }

    /// The choice among `choices` that `node` names, as one word.
    pub fn choice<T: Copy>(&mut self, node: Node<'_>, choices: &[(&str, T)]) -> Option<T> {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let word = node.string().map(|(text, _)| text);
        let word = word.as_deref().or_else(|| node.head()).unwrap_or("");
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == word) {
            return Some(*value);
        }
        if word.is_empty() {
            return self.expected(node, &listed(&names), "");
        }
        let error = Diagnostic::error(node.head_span(), format!("there is no `{word}` here"))
            .label("unknown choice");
        let same = names.iter().find(|name| name.eq_ignore_ascii_case(word));
        self.errors.push(error.hint(match same {
            Some(same) => format!("did you mean `{same}`?"),
            None => format!("write {}", listed(&names)),
        }));
        None
    }

    /// The fields of a struct such as `Level(name: class)`; `owner` names it in messages.
    pub fn fields<'s>(&mut self, node: Node<'s>, owner: &str) -> Option<Fields<'s>> {
        match Fields::of(node, owner) {
            Some(fields) => Some(fields),
            None => {
                let what = format!("the fields of `{owner}` in round brackets");
                self.expected(node, &what, "each field is written `name: value`")
            }
        }
    }
}

/// Whether expressions can use a text as a name.
pub fn is_identifier(text: &str) -> bool {
    has_form_of_name(text) && RESERVED.iter().all(|(word, _)| *word != text)
}

/// Whether a text is a letter or an underscore, with letters, digits and underscores after it.
fn has_form_of_name(text: &str) -> bool {
    let mut chars = text.chars();
    let first = chars.next().is_some_and(|c| c == '_' || c.is_alphabetic());
    first && chars.all(|c| c == '_' || c.is_alphanumeric())
}

/// Adds "did you mean", or the list of what there is.
pub fn suggest(error: Diagnostic, word: &str, known: &[&str]) -> Diagnostic {
    match did_you_mean(word, known.iter().copied()) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None if known.is_empty() => error,
        None => error.hint(format!("choose {}", listed(known))),
    }
}

/// `a`, `b` or `c`, with back-ticks.
pub fn listed(names: &[&str]) -> String {
    joined(names, "or")
}

/// The names with back-ticks and commas, `word` before the last.
pub fn joined(names: &[&str], word: &str) -> String {
    let quoted: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
    match quoted.split_last() {
        None => "nothing".to_string(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} {word} {last}", rest.join(", ")),
    }
}

/// What a node looks like, in words.
fn kind(node: Node<'_>) -> String {
    let line = node.text.lines().next().unwrap_or("");
    let mut shown: String = line.chars().take(SHOWN_MAX).collect();
    if shown.len() < node.text.len() {
        shown.push_str("...");
    }
    match node.text.chars().next() {
        Some('"') => format!("the text {shown}"),
        Some('[') => match node.list().map_or(0, |entries| entries.len()) {
            0 => "an empty list".to_string(),
            n => format!("a list of {n}"),
        },
        Some('{') if node.map().is_some_and(|entries| entries.is_empty()) => {
            "an empty map".to_string()
        }
        Some('{') => "a map".to_string(),
        _ => format!("`{shown}`"),
    }
}

/// What to write where quotes are missing.
fn in_quotes(node: Node<'_>) -> String {
    let short = node.text.len() <= SHOWN_MAX && !node.text.contains(['\n', '"', '\\', '\'']);
    match node.text.chars().next() {
        Some('[' | '{') => String::new(),
        _ if short => format!("write `\"{}\"`", node.text),
        _ => "put it in double quotes".to_string(),
    }
}

/// The nearest name that expressions can use, where a name was meant.
fn mended(text: &str) -> Option<String> {
    let is_word = |c: char| c == '_' || c.is_alphanumeric();
    if text.contains(OPERATORS) || !text.contains(char::is_alphabetic) {
        return None;
    }
    let words: Vec<&str> = text.split(|c| !is_word(c)).filter(|w| !w.is_empty()).collect();
    let name = words.join("_");
    let first = name.chars().next()?;
    Some(if first.is_numeric() { format!("_{name}") } else { name })
}
