//! Reads nodes into declared values, and collects every error on the way.

use trialrun_lang::{Diagnostic, Span, did_you_mean};

use super::node::Node;

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
    /// Where its first character stands in the file.
    pub at: u32,
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
    fn expected<T>(&mut self, node: Node<'_>, what: &str, hint: &str) -> Option<T> {
        let error = Diagnostic::error(node.span, format!("expected {what}, found {}", kind(node)))
            .label(format!("expected {what}"));
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
                    return self.expected(node, "a name", "write a bare name, or quote it");
                }
            },
        };
        if text.trim().is_empty() {
            return self.expected(node, "a name", "");
        }
        Some(Name { text, span: node.span })
    }

    /// The name of a variable or level: one that expressions can use.
    pub fn identifier(&mut self, node: Node<'_>) -> Option<Name> {
        let name = self.name(node)?;
        let mut chars = name.text.chars();
        let first = chars.next().is_some_and(|c| c == '_' || c.is_alphabetic());
        if first && chars.all(|c| c == '_' || c.is_alphanumeric()) {
            return Some(name);
        }
        let message = format!("`{}` can not be used as a name", name.text);
        self.error(
            Diagnostic::error(node.span, message)
                .label("not a name that expressions can use")
                .hint("names have letters, digits and underscores, and start with a letter"),
        );
        None
    }

    /// A piece of the expression or formula language, in quotes.
    pub fn text(&mut self, node: Node<'_>) -> Option<Text> {
        let Some((text, at)) = node.string() else {
            let hint = "put the expression in double quotes";
            return self.expected(node, "text in double quotes", hint);
        };
        // A text with escapes is shorter than its place: keep its errors inside that place.
        let exact = at + text.len() as u32 <= node.span.end;
        Some(Text { at: if exact { at } else { node.span.start }, text, span: node.span })
    }

    /// A number, or an expression in quotes.
    pub fn scalar(&mut self, node: Node<'_>) -> Option<Scalar> {
        if let Some(value) = node.number() {
            return Some(Scalar::Number(value, node.span));
        }
        if node.string().is_some() {
            return self.text(node).map(Scalar::Text);
        }
        let hint = "put expressions in double quotes";
        self.expected(node, "a number or an expression in double quotes", hint)
    }

    /// A number.
    pub fn number(&mut self, node: Node<'_>) -> Option<f64> {
        match node.number() {
            Some(value) => Some(value),
            None => self.expected(node, "a number", ""),
        }
    }

    /// A whole number from `least` up.
    pub fn count(&mut self, node: Node<'_>, least: u64) -> Option<u64> {
        let value = self.number(node)?;
        if value.fract() == 0.0 && value >= least as f64 && value < 9e15 {
            return Some(value as u64);
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

    /// The entries of a map in file order; a key given twice is an error.
    pub fn map<'s, T>(
        &mut self,
        node: Node<'s>,
        mut read: impl FnMut(&mut Self, Node<'s>) -> Option<T>,
    ) -> Option<Vec<(Name, T)>> {
        let Some(entries) = node.map() else {
            return self.expected(node, "a map in curly brackets", "write `{ name: value }`");
        };
        let mut out: Vec<(Name, T)> = Vec::with_capacity(entries.len());
        let mut complete = true;
        for (key, value) in entries {
            let (name, value) = (self.identifier(key), read(self, value));
            let (Some(name), Some(value)) = (name, value) else {
                complete = false;
                continue;
            };
            if let Some((first, _)) = out.iter().find(|(n, _)| n.text == name.text) {
                let message = format!("`{}` is given twice", name.text);
                self.errors.push(
                    Diagnostic::error(name.span, message)
                        .label("given again here")
                        .related(first.span, "first given here"),
                );
                complete = false;
                continue;
            }
            out.push((name, value));
        }
        complete.then_some(out)
    }

    /// The choice among `choices` that `node` names, as one bare word.
    pub fn choice<T: Copy>(&mut self, node: Node<'_>, choices: &[(&str, T)]) -> Option<T> {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let word = node.string().map(|(text, _)| text);
        let word = word.as_deref().or_else(|| node.head()).unwrap_or("");
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == word) {
            return Some(*value);
        }
        let listed = listed(&names);
        if word.is_empty() {
            return self.expected(node, &listed, "");
        }
        let error = Diagnostic::error(node.head_span(), format!("there is no `{word}` here"))
            .label(format!("expected {listed}"));
        self.errors.push(suggest(error, word, &names));
        None
    }

    /// The fields of a struct such as `Level(name: class)`; `owner` names it in messages.
    pub fn fields<'s>(&mut self, node: Node<'s>, owner: &str) -> Option<Fields<'s>> {
        let span = node.head_span();
        let fields = if node.has_body() { node.struct_fields() } else { Some(Vec::new()) };
        let Some(fields) = fields else {
            let what = format!("`{owner}` with its fields in round brackets");
            return self.expected(node, &what, "each field is written `name: value`");
        };
        Some(Fields { owner: owner.to_string(), span, fields, asked: Vec::new() })
    }
}

/// The fields of a struct that were not yet asked for.
pub struct Fields<'s> {
    owner: String,
    /// Where the struct's name stands.
    pub span: Span,
    fields: Vec<(String, Span, Node<'s>)>,
    asked: Vec<&'static str>,
}

impl<'s> Fields<'s> {
    /// Takes a field out, unread.
    pub fn take(&mut self, r: &mut Reader, name: &'static str) -> Option<Node<'s>> {
        self.asked.push(name);
        let at = self.fields.iter().position(|(key, ..)| key == name)?;
        let (_, first, node) = self.fields.remove(at);
        while let Some(again) = self.fields.iter().position(|(key, ..)| key == name) {
            let (_, span, _) = self.fields.remove(again);
            r.error(
                Diagnostic::error(span, format!("field `{name}` is given twice"))
                    .label("given again here")
                    .related(first, "first given here"),
            );
        }
        Some(node)
    }

    /// A field that may be left out.
    pub fn optional<T>(
        &mut self,
        r: &mut Reader,
        name: &'static str,
        read: impl FnOnce(&mut Reader, Node<'s>) -> Option<T>,
    ) -> Option<T> {
        let node = self.take(r, name)?;
        read(r, node)
    }

    /// A field that must be there.
    pub fn required<T>(
        &mut self,
        r: &mut Reader,
        name: &'static str,
        read: impl FnOnce(&mut Reader, Node<'s>) -> Option<T>,
    ) -> Option<T> {
        match self.take(r, name) {
            Some(node) => read(r, node),
            None => {
                let message = format!("`{}` needs a field `{name}`", self.owner);
                r.error(
                    Diagnostic::error(self.span, message).label(format!("`{name}` is missing")),
                );
                None
            }
        }
    }

    /// Reports the fields that nobody asked for. Call it last.
    pub fn finish(self, r: &mut Reader) {
        for (key, span, _) in &self.fields {
            let message = format!("`{}` has no field `{key}`", self.owner);
            let error = Diagnostic::error(*span, message).label("unknown field");
            r.error(suggest(error, key, &self.asked));
        }
    }
}

/// Adds "did you mean", or the list of what there is.
pub fn suggest(error: Diagnostic, word: &str, known: &[&str]) -> Diagnostic {
    match did_you_mean(word, known.iter().copied()) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None if known.is_empty() => error,
        None => error.hint(format!("there is {}", listed(known))),
    }
}

/// `a`, `b` or `c`, with back-ticks.
pub fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
    match quoted.split_last() {
        None => "nothing".to_string(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

/// What a node looks like, in words.
fn kind(node: Node<'_>) -> String {
    let shown: String = node.text.chars().take(40).collect();
    let shown = shown.lines().next().unwrap_or("");
    match node.text.chars().next() {
        Some('"') => format!("the text {shown}"),
        Some('[') => "a list".to_string(),
        Some('{') => "a map".to_string(),
        Some('(') => "a bracket".to_string(),
        _ => format!("`{shown}`"),
    }
}
