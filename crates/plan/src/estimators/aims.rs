//! What an estimator aims at: estimands, for each of its outcomes.

use trialrun_lang::{Diagnostic, Span, suggestion};

use crate::compile::{Compiler, Declares};
use crate::declared::{Name, Node, Reader, joined, listed};
use crate::ids::ColumnId;
use crate::rows::Aim;

/// The field `estimand`, as declared.
#[derive(Clone, Debug)]
pub enum Estimands {
    /// There is none.
    None,
    /// Estimands of the one outcome.
    OfOne(Vec<Name>, Span),
    /// For each outcome its estimands.
    ByOutcome(Vec<(Name, Vec<Name>)>),
}

/// A compiled aim.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Compiled {
    /// The place of its outcome.
    pub outcome: usize,
    /// The estimand's value.
    pub estimand: Option<ColumnId>,
}

impl Estimands {
    /// Reads a label, a list of them, or a map from outcomes to either.
    pub fn read(r: &mut Reader, node: Option<Node<'_>>) -> Option<Self> {
        let Some(node) = node else { return Some(Self::None) };
        let Some(entries) = node.map().filter(|_| node.text.starts_with('{')) else {
            return Some(Self::OfOne(read_labels(r, node)?, node.span));
        };
        if entries.is_empty() {
            return r.expected(node, "outcomes with their estimands", "write `{ y1: ate }`");
        }
        let mut all: Vec<(Name, Vec<Name>)> = Vec::new();
        for (key, value) in entries {
            let (outcome, labels) = (r.name(key)?, read_labels(r, value)?);
            if let Some((first, _)) = all.iter().find(|(o, _)| o.text == outcome.text) {
                twice(r, &outcome, first);
                return None;
            }
            all.push((outcome, labels));
        }
        Some(Self::ByOutcome(all))
    }

    /// The labels, in the order in which they are declared.
    pub fn labels(&self) -> Vec<&str> {
        self.names().map(|name| name.text.as_str()).collect()
    }

    fn names(&self) -> impl Iterator<Item = &Name> {
        let (one, by_outcome): (&[Name], &[(Name, Vec<Name>)]) = match self {
            Self::None => (&[], &[]),
            Self::OfOne(names, _) => (names, &[]),
            Self::ByOutcome(all) => (&[], all),
        };
        one.iter().chain(by_outcome.iter().flat_map(|(_, names)| names))
    }

    /// Reports the labels that no estimand has.
    pub fn report_unknown(&self, cx: &mut Compiler<'_>) {
        let names: Vec<&Name> = self.names().collect();
        if cx.data.is_none() {
            names.into_iter().for_each(|name| report_unknown(cx, name));
        }
    }

    /// The aims of a model with these outcomes; one without an estimand where none is declared.
    ///
    /// None where an outcome is not the model's, or where it is not told which estimand is of which
    /// outcome.
    pub fn compile(
        &self,
        cx: &mut Compiler<'_>,
        outcomes: &[String],
    ) -> Option<(Vec<Aim>, Vec<Compiled>)> {
        self.check(cx, outcomes)?;
        let (mut aims, mut compiled) = (Vec::new(), Vec::new());
        for (outcome, label) in outcomes.iter().enumerate() {
            let own: &[Name] = match self {
                Self::None => &[],
                Self::OfOne(names, _) => names,
                Self::ByOutcome(all) => {
                    all.iter().find(|(o, _)| o.text == *label).map_or(&[], |(_, names)| names)
                }
            };
            let aim = |estimand| Aim { outcome: label.clone(), estimand };
            if own.is_empty() {
                aims.push(aim(None));
                compiled.push(Compiled { outcome, estimand: None });
            }
            for name in own {
                aims.push(aim(Some(name.text.clone())));
                let found = cx.estimands.iter().find(|e| e.label == name.text);
                let estimand = found.map(|e| e.column);
                compiled.push(Compiled { outcome, estimand });
            }
        }
        Some((aims, compiled))
    }

    /// Refuses outcomes that are not the model's, and estimands of no certain outcome.
    fn check(&self, cx: &mut Compiler<'_>, outcomes: &[String]) -> Option<()> {
        match self {
            Self::OfOne(names, span) if outcomes.len() > 1 => {
                let known: Vec<&str> = outcomes.iter().map(String::as_str).collect();
                let message = format!("the model has {} outcomes", outcomes.len());
                let first = names.first().map_or("ate", |name| name.text.as_str());
                let error = Diagnostic::error(*span, message)
                    .label(format!("is it an estimand of {}?", listed(&known)))
                    .hint(format!("name the outcome: `estimand: {{ {}: {first} }}`", outcomes[0]));
                cx.report(error);
                None
            }
            Self::ByOutcome(all) => {
                let unknown = all.iter().find(|(o, _)| !outcomes.contains(&o.text));
                let Some((outcome, _)) = unknown else { return Some(()) };
                let known: Vec<&str> = outcomes.iter().map(String::as_str).collect();
                let message = format!("`{}` is no outcome of this model", outcome.text);
                let hint = suggestion(&outcome.text, outcomes)
                    .unwrap_or_else(|| format!("its outcomes are {}", joined(&known, "and")));
                cx.report(Diagnostic::error(outcome.span, message).label("unknown").hint(hint));
                None
            }
            _ => Some(()),
        }
    }
}

/// A label, or a list of labels that differ.
fn read_labels(r: &mut Reader, node: Node<'_>) -> Option<Vec<Name>> {
    let names = r.list(node, Reader::name)?;
    if names.is_empty() {
        return r.expected(node, "the label of an estimand", "leave `estimand` out for none");
    }
    for (at, name) in names.iter().enumerate() {
        if let Some(first) = names[..at].iter().find(|other| other.text == name.text) {
            twice(r, name, first);
            return None;
        }
    }
    Some(names)
}

fn twice(r: &mut Reader, name: &Name, first: &Name) {
    r.error(
        Diagnostic::error(name.span, format!("`{}` is named twice", name.text))
            .label("named again here")
            .related(first.span, "first named here"),
    );
}

/// Reports a label that no estimand has.
fn report_unknown(cx: &mut Compiler<'_>, wanted: &Name) {
    let Name { text, span } = wanted;
    let is_known = cx.estimands.iter().any(|e| e.label == *text);
    if is_known || cx.is_doubtful(text) || cx.told_to_be_later(Declares::Estimand, text, *span) {
        return;
    }
    let known: Vec<String> = cx.estimands.iter().map(|e| e.label.clone()).collect();
    let message = format!("there is no estimand `{}`", wanted.text);
    let hint = suggestion(&wanted.text, &known)
        .unwrap_or_else(|| "declare it in an Estimand step before the estimator".into());
    cx.report(Diagnostic::error(wanted.span, message).label("unknown estimand").hint(hint));
}
