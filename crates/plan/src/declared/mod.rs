//! The declared design: what the file says, with names and places.

pub mod conditions;
pub mod fields;
pub mod node;
pub mod places;
pub mod reader;
mod syntax;

use trialrun_lang::{Diagnostic, Span};

use crate::steps::Step;
pub use conditions::Conditions;
pub use fields::Fields;
pub use node::Node;
pub use places::Places;
pub use reader::{Name, Reader, Scalar, Text, is_identifier, joined, listed, suggest};

/// A design file, read but not yet compiled.
#[derive(Clone, Debug)]
pub struct Design {
    /// The design's name.
    pub name: String,
    /// What it is about, in a sentence.
    pub description: String,
    /// Named constants, which can be overridden when the design is run.
    pub parameters: Vec<(Name, f64)>,
    /// The chain of steps.
    pub steps: Vec<Step>,
    /// Words of the steps that could not be read.
    pub lost: Vec<String>,
    /// How it is diagnosed.
    pub diagnosis: Diagnosis,
    /// What the diagnosis is expected to show.
    pub expect: Vec<Expect>,
}

impl Design {
    /// Whether it declares a population: without one it can only be used on real data. A step
    /// that could not be read may be what declares it.
    pub fn has_population(&self) -> bool {
        let makes_units = |step: &Step| matches!(step, Step::Level(_) | Step::Data(_));
        !self.lost.is_empty() || self.steps.iter().any(makes_units)
    }

    /// The data files that it reads: paths from the folder of the design, each once.
    pub fn data_files(&self) -> Vec<&Name> {
        let mut files: Vec<&Name> = Vec::new();
        for step in &self.steps {
            if let Step::Data(data) = step
                && files.iter().all(|file| file.text != data.file().text)
            {
                files.push(data.file());
            }
        }
        files
    }
}

/// How a design is diagnosed unless the command line says otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Diagnosis {
    /// Number of simulations.
    pub sims: u64,
    /// Seed of the random numbers.
    pub seed: u64,
    /// Level of the tests; intervals have level 1 - alpha.
    pub alpha: f64,
}

impl Default for Diagnosis {
    fn default() -> Self {
        Self { sims: 50_000, seed: 1, alpha: 0.05 }
    }
}

/// What a diagnosand of an estimator is expected to be.
#[derive(Clone, Debug)]
pub struct Expect {
    /// The estimator's label.
    pub estimator: Name,
    /// The term, where the estimator has more than one.
    pub term: Option<Name>,
    /// The diagnosand's name.
    pub diagnosand: Name,
    /// Lower end of the band; minus infinity where there is none.
    pub low: f64,
    /// Upper end of the band; infinity where there is none.
    pub high: f64,
    /// Where the expectation stands.
    pub span: Span,
}

/// Most diagnostics of a file that are worth reading.
const SHOWN_MAX: usize = 50;

/// The first diagnostics of a file, in its order; those beyond are counted.
pub fn worth_reading(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let n = diagnostics.len();
    if n > SHOWN_MAX {
        diagnostics.sort_by_key(|d| (d.span.is_none(), d.span));
        diagnostics.truncate(SHOWN_MAX);
        let message = format!("{} more messages are not shown", n - SHOWN_MAX);
        diagnostics.push(Diagnostic::note(None, message));
    }
    diagnostics
}

/// Reads a design file. The design is `None` where an error makes it useless to go on.
pub fn read(source: &str) -> (Option<Design>, Vec<Diagnostic>) {
    if let Some(error) = syntax::wrong_root(source) {
        return (None, vec![error]);
    }
    let root = match Node::root(source) {
        Ok(root) => root,
        Err(error) => return (None, syntax::explain(source, &error)),
    };
    let mut r = Reader::default();
    let design = read_design(&mut r, root);
    (design, r.errors)
}

fn read_design(r: &mut Reader, root: Node<'_>) -> Option<Design> {
    let mut f = r.fields(root, "Design")?;
    let mut lost = Vec::new();
    let steps = f.required(r, "steps", |r, node| read_steps(r, node, &mut lost));
    let parameters = f.optional(r, "parameters", |r, node| {
        let n_errors = r.errors.len();
        let parameters = r.entries(node, Reader::number);
        if r.errors.len() > n_errors {
            lose(node, &mut lost);
        }
        parameters
    });
    let design = Design {
        name: f.optional(r, "name", Reader::name).map_or_else(|| "design".into(), |n| n.text),
        description: f
            .optional(r, "description", Reader::text)
            .map_or_else(String::new, |t| t.text),
        parameters: parameters.unwrap_or_default(),
        steps: steps.unwrap_or_default(),
        lost,
        diagnosis: f.optional(r, "diagnosis", read_diagnosis).unwrap_or_default(),
        expect: f.optional(r, "expect", read_expectations).unwrap_or_default(),
    };
    f.finish(r);
    Some(design)
}

/// Reads each step on its own: a wrong one does not hide the others.
fn read_steps(r: &mut Reader, node: Node<'_>, lost: &mut Vec<String>) -> Option<Vec<Step>> {
    let Some(entries) = node.list() else {
        let hint = "write `steps: [Level(...), ...]`";
        return r.expected(node, "a list of steps in square brackets", hint);
    };
    let mut steps = Vec::new();
    for entry in entries {
        let n_errors = r.errors.len();
        steps.extend(Step::read(r, entry));
        if r.errors.len() > n_errors {
            lose(entry, lost);
        }
    }
    Some(steps)
}

/// Keeps the words of what could not be read, names that it may define: their uses are not errors.
fn lose(node: Node<'_>, lost: &mut Vec<String>) {
    let words = node.text.split(|c: char| c != '_' && !c.is_alphanumeric());
    lost.extend(words.filter(|w| !w.is_empty()).map(str::to_string));
}

fn read_diagnosis(r: &mut Reader, node: Node<'_>) -> Option<Diagnosis> {
    let mut f = r.fields(node, "diagnosis")?;
    let default = Diagnosis::default();
    let diagnosis = Diagnosis {
        sims: f.optional(r, "sims", |r, n| r.count(n, 1)).unwrap_or(default.sims),
        seed: f.optional(r, "seed", |r, n| r.count(n, 0)).unwrap_or(default.seed),
        alpha: f.optional(r, "alpha", read_alpha).unwrap_or(default.alpha),
    };
    f.finish(r);
    Some(diagnosis)
}

/// A level of tests, between 0 and 1.
pub fn read_alpha(r: &mut Reader, node: Node<'_>) -> Option<f64> {
    let alpha = r.number(node)?;
    if alpha > 0.0 && alpha < 1.0 {
        return Some(alpha);
    }
    r.error(
        Diagnostic::error(node.span, format!("`alpha` is {alpha}, not between 0 and 1"))
            .label("the level of the tests")
            .hint("0.05 is usual"),
    );
    None
}

fn read_expectations(r: &mut Reader, node: Node<'_>) -> Option<Vec<Expect>> {
    let Some(entries) = node.list() else {
        return r.expected(node, "a list in square brackets", "write `expect: [Expect(...), ...]`");
    };
    Some(entries.into_iter().filter_map(|entry| read_expect(r, entry)).collect())
}

fn read_expect(r: &mut Reader, node: Node<'_>) -> Option<Expect> {
    if node.head() != Some("Expect") {
        let example = "write `Expect(estimator: \"...\", diagnosand: bias, within: -0.1..=0.1)`";
        return r.expected(node, "an `Expect(...)`", example);
    }
    let n_errors = r.errors.len();
    let mut f = r.fields(node, "Expect")?;
    let estimator = f.required(r, "estimator", Reader::name);
    let term = f.optional(r, "term", Reader::name);
    let diagnosand = f.required(r, "diagnosand", Reader::name);
    let within = f.take(r, "within");
    let bands = [
        within.and_then(|node| read_range(r, node)),
        f.optional(r, "at_least", Reader::number).map(|low| (low, f64::INFINITY)),
        f.optional(r, "at_most", Reader::number).map(|high| (f64::NEG_INFINITY, high)),
    ];
    let span = f.span;
    f.finish(r);
    let mut given = bands.into_iter().flatten();
    let Some((low, high)) = given.next() else {
        if r.errors.len() == n_errors {
            r.error(
                Diagnostic::error(span, "`Expect` needs a band")
                    .label("what is expected is missing")
                    .hint("write `within: 0.94..=0.96`, `at_least: 0.8` or `at_most: 0.01`"),
            );
        }
        return None;
    };
    let (low, high) = given.fold((low, high), |(l, h), (a, b)| (l.max(a), h.min(b)));
    if low > high {
        let span = within.map_or(span, |node| node.span);
        let message = format!("no value lies between {low} and {high}");
        let reversed = within.map(|_| format!("write the smaller number first: `{high}..={low}`"));
        r.error(Diagnostic::error(span, message).label("an empty band").maybe_hint(reversed));
        return None;
    }
    Some(Expect {
        estimator: estimator?,
        term,
        diagnosand: diagnosand?,
        low,
        high,
        span: node.span,
    })
}

/// A band `low..=high`.
fn read_range(r: &mut Reader, node: Node<'_>) -> Option<(f64, f64)> {
    match ron::from_str::<std::ops::RangeInclusive<f64>>(node.text) {
        Ok(range) if !range.start().is_nan() && !range.end().is_nan() => {
            Some((*range.start(), *range.end()))
        }
        _ => {
            let hint = "`at_least: 0.8` and `at_most: 0.01` are bands with one end";
            r.expected(node, "a band such as `0.94..=0.96`", hint)
        }
    }
}
