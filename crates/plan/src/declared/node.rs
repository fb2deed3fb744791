//! A RON file as nodes with byte spans: the layer between `ron` and the declared design.
//!
//! `ron` parses; this layer keeps where each value stands. A struct is read into its fields, each
//! an unparsed piece of the source, and each field is then read on its own. So every error of a
//! file is reported at once, and each at its place.

use ron::value::RawValue;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use trialrun_lang::Span;

use super::places::Places;

/// A value of the file, not yet read: its text and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Node<'s> {
    /// The value's text, without the space around it.
    pub text: &'s str,
    /// Where the text stands in the file.
    pub span: Span,
}

impl<'s> Node<'s> {
    /// The node of `text`, a piece of `source`.
    fn within(source: &'s str, text: &'s str) -> Self {
        let start = text.as_ptr() as usize - source.as_ptr() as usize;
        let lead = text.len() - text.trim_start().len();
        let text = text.trim();
        let start = (start + lead) as u32;
        Self { text, span: Span { start, end: start + text.len() as u32 } }
    }

    /// The whole file as one node, or the parser's error. A byte order mark is passed over.
    pub fn root(source: &'s str) -> Result<Self, ron::error::SpannedError> {
        let options = ron::Options::default();
        let text = source.strip_prefix('\u{feff}').unwrap_or(source);
        let raw: &RawValue = match options.from_str(text) {
            // A comment on the last line, without a line break after it.
            Err(error) if matches!(error.code, ron::Error::UnclosedLineComment) => {
                options.from_str(text[..text.rfind("//").unwrap_or(0)].trim_end())?
            }
            parsed => parsed?,
        };
        Ok(Self::of(source, raw))
    }

    /// The node of a raw value, without the comments around it.
    fn of(source: &'s str, raw: &'s RawValue) -> Self {
        Self::within(source, raw.trim().get_ron())
    }

    /// A name before a bracket, or alone: `Level` of `Level(name: class)`, `CR2` of `CR2`.
    pub fn head(&self) -> Option<&'s str> {
        let is_word = |c: char| c == '_' || c.is_alphanumeric();
        let end = self.text.find(|c| !is_word(c)).unwrap_or(self.text.len());
        let word = &self.text[..end];
        let starts_well = word.chars().next().is_some_and(|c| c == '_' || c.is_alphabetic());
        starts_well.then_some(word)
    }

    /// Where the name before a bracket stands.
    pub fn head_span(&self) -> Span {
        let len = self.head().map_or(self.text.len(), str::len) as u32;
        Span { start: self.span.start, end: self.span.start + len }
    }

    /// What follows the name: the bracket with the fields, or nothing.
    fn body(&self) -> Node<'s> {
        Node::within(self.text, &self.text[self.head().map_or(0, str::len)..]).shifted(self.span)
    }

    /// Moves a node whose span counts from the start of `outer` to file positions.
    fn shifted(self, outer: Span) -> Self {
        let span = Span { start: self.span.start + outer.start, end: self.span.end + outer.start };
        Self { text: self.text, span }
    }

    /// Whether anything stands behind the name.
    pub fn has_body(&self) -> bool {
        !self.body().text.is_empty()
    }

    /// The fields in the bracket behind the name: name, name's place, value.
    pub fn struct_fields(&self) -> Option<Vec<(String, Span, Node<'s>)>> {
        let body = self.body();
        let fields: RawFields = ron::Options::default().from_str(body.text).ok()?;
        let mut from = 0;
        let mut out = Vec::with_capacity(fields.0.len());
        for (key, value) in fields.0 {
            let node = Node::of(body.text, value);
            let before = &body.text[from..node.span.start as usize];
            let start = (from + before.rfind(&key).unwrap_or(0)) as u32;
            from = node.span.end as usize;
            let key_span = Span { start, end: start + key.len() as u32 };
            let at = body.span.start;
            let key_span = Span { start: key_span.start + at, end: key_span.end + at };
            out.push((key, key_span, node.shifted(body.span)));
        }
        Some(out)
    }

    /// The entries of a list `[a, b]`.
    pub fn list(&self) -> Option<Vec<Node<'s>>> {
        let raw: Vec<&RawValue> = ron::Options::default().from_str(self.text).ok()?;
        Some(raw.into_iter().map(|r| Node::of(self.text, r).shifted(self.span)).collect())
    }

    /// The entries of a map `{ a: 1, b: 2 }`, duplicates kept.
    pub fn map(&self) -> Option<Vec<(Node<'s>, Node<'s>)>> {
        let raw: RawMap = ron::Options::default().from_str(self.text).ok()?;
        let node = |r| Node::of(self.text, r).shifted(self.span);
        Some(raw.0.into_iter().map(|(k, v)| (node(k), node(v))).collect())
    }

    /// The value of a quoted string, and where its characters stand in the file.
    pub fn string(&self) -> Option<(String, Places)> {
        let value: String = ron::from_str(self.text).ok()?;
        let open = self.text.find('"')?;
        let inside = self.text.get(open + 1..self.text.rfind('"')?)?;
        let at = self.span.start + open as u32 + 1;
        let raw = self.text.starts_with('r');
        Some((value, if raw { Places::plain(at) } else { Places::of(inside, at) }))
    }

    /// The value of a number.
    pub fn number(&self) -> Option<f64> {
        let first = self.text.chars().next()?;
        let numeric = first.is_ascii_digit() || matches!(first, '-' | '+' | '.');
        if numeric { ron::from_str(self.text).ok() } else { None }
    }
}

/// Fields of a struct in file order, values unparsed.
struct RawFields<'s>(Vec<(String, &'s RawValue)>);

/// Entries of a map in file order, duplicates kept, keys and values unparsed.
struct RawMap<'s>(Vec<(&'s RawValue, &'s RawValue)>);

/// A field name.
struct FieldName(String);

impl<'de> Deserialize<'de> for FieldName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;
        impl Visitor<'_> for NameVisitor {
            type Value = FieldName;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a field name")
            }
            fn visit_str<E>(self, name: &str) -> Result<FieldName, E> {
                Ok(FieldName(name.to_string()))
            }
        }
        deserializer.deserialize_identifier(NameVisitor)
    }
}

impl<'de> Deserialize<'de> for RawFields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;
        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = RawFields<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("fields in round brackets")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(FieldName(key)) = map.next_key()? {
                    fields.push((key, map.next_value()?));
                }
                Ok(RawFields(fields))
            }
        }
        deserializer.deserialize_struct("", &[], FieldsVisitor)
    }
}

impl<'de> Deserialize<'de> for RawMap<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MapVisitor;
        impl<'de> Visitor<'de> for MapVisitor {
            type Value = RawMap<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map in curly brackets")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(RawMap(entries))
            }
        }
        deserializer.deserialize_map(MapVisitor)
    }
}
