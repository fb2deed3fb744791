//! The declared design: what the file says, with names and places.

mod canonical;
pub mod conditions;
pub mod diagnosand;
pub mod expect;
pub mod fields;
mod fingerprint;
pub mod node;
pub mod places;
pub mod reader;
mod syntax;

use trialrun_lang::Diagnostic;

use crate::steps::Step;
pub use conditions::Conditions;
pub use diagnosand::{Better, Diagnosand};
pub use expect::Expect;
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
    /// Diagnosands of its own.
    pub diagnosands: Vec<Diagnosand>,
    /// What the diagnosis is expected to show.
    pub expect: Vec<Expect>,
    /// How far diagnosands may drift from their baseline, where the default is not meant.
    pub drift: Vec<(Name, f64)>,
    /// The steps as text, without comments and space.
    canonical: String,
    /// The same of its own diagnosands; empty where it has none.
    canonical_diagnosands: String,
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
    let mut canonical = String::new();
    let steps = f.required(r, "steps", |r, node| {
        canonical = canonical::canonical(node.text);
        read_steps(r, node, &mut lost)
    });
    let parameters = f.optional(r, "parameters", |r, node| {
        let n_errors = r.errors.len();
        let parameters = r.entries(node, Reader::number);
        if r.errors.len() > n_errors {
            lose(node, &mut lost);
        }
        parameters
    });
    let mut canonical_diagnosands = String::new();
    let diagnosands = f.optional(r, "diagnosands", |r, node| {
        canonical_diagnosands = canonical::canonical(node.text);
        diagnosand::read_diagnosands(r, node, &mut lost)
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
        diagnosands: diagnosands.unwrap_or_default(),
        expect: f.optional(r, "expect", expect::read_expectations).unwrap_or_default(),
        drift: f.optional(r, "drift", expect::read_drift).unwrap_or_default(),
        canonical,
        canonical_diagnosands,
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
