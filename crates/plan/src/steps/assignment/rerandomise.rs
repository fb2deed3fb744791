//! `rerandomise`: which assignments are accepted, as declared.

use trialrun_lang::{Diagnostic, Span};
use trialrun_stats::special::chi_squared;

use crate::compile::{Compiler, Context};
use crate::declared::{Name, Node, Reader};
use crate::exec::assign::probabilities::DRAWS;
use crate::exec::assign::rerandomise::Rerandomise as Accept;
use crate::ids::LevelId;

/// Tries where nothing is said.
const TRIES: u32 = 10_000;

/// Which assignments are accepted, as declared.
#[derive(Clone, Debug)]
pub struct Rerandomise {
    on: Vec<Name>,
    limit: Limit,
    tries: u32,
    draws: u32,
    span: Span,
}

/// How the distance is limited.
#[derive(Clone, Copy, Debug)]
enum Limit {
    Threshold(f64),
    Acceptance(f64),
}

impl Rerandomise {
    pub fn read(r: &mut Reader, node: Node<'_>) -> Option<Self> {
        let n_errors = r.errors.len();
        let mut f = r.fields(node, "rerandomise")?;
        let on = f.required(r, "on", |r, node| {
            let on = r.list(node, Reader::identifier)?;
            match on.is_empty() {
                true => r.expected(node, "a covariate or more", "write `on: [age, income]`"),
                false => Some(on),
            }
        });
        let threshold = f.optional(r, "threshold", |r, node| {
            positive(r, node, f64::INFINITY, "a distance above 0").map(Limit::Threshold)
        });
        let acceptance = f.optional(r, "acceptance", |r, node| {
            positive(r, node, 1.0, "a share of assignments, above 0 and at most 1")
                .map(Limit::Acceptance)
        });
        let mut count = |r: &mut Reader, name, usual: u32| {
            let n = f.optional(r, name, |r, node| r.count(node, 1));
            n.map_or(usual, |n| n.min(u64::from(u32::MAX)) as u32)
        };
        let (tries, draws) = (count(r, "tries", TRIES), count(r, "draws", DRAWS));
        f.finish(r);
        if r.errors.len() > n_errors {
            return None;
        }
        let limit = match (threshold, acceptance) {
            (Some(limit), None) | (None, Some(limit)) => limit,
            _ => {
                let message = "`rerandomise` takes one of `threshold` and `acceptance`";
                let error = Diagnostic::error(node.span, message);
                r.error(error.hint("write `acceptance: 0.05` to accept one assignment in twenty"));
                return None;
            }
        };
        Some(Self { on: on?, limit, tries, draws, span: node.span })
    }

    /// The covariates as columns of the units, and the largest distances.
    pub fn compile(&self, cx: &mut Compiler<'_>, level: LevelId, n_arms: usize) -> Option<Accept> {
        let context = Context::at(level).for_a_name();
        let nodes: Vec<_> = self.on.iter().map(|n| cx.resolve(&n.text, n.span, &context)).collect();
        let nodes: Option<Vec<_>> = nodes.into_iter().collect();
        let covariates: Vec<_> = nodes?.into_iter().map(|n| cx.column_at(n, level)).collect();
        let threshold = |rank: usize| match self.limit {
            Limit::Threshold(threshold) => threshold,
            Limit::Acceptance(1.0) => f64::INFINITY,
            Limit::Acceptance(share) => {
                chi_squared::quantile(share, (rank * (n_arms - 1)).max(1) as f64)
            }
        };
        let thresholds = (0..=covariates.len()).map(threshold).collect();
        let names = self.on.iter().map(|n| n.text.clone()).collect();
        let (tries, draws, span) = (self.tries, self.draws, self.span);
        Some(Accept { covariates, names, thresholds, tries, draws, span })
    }

    /// In words, after the assignment.
    pub fn describe(&self) -> String {
        let on: Vec<String> = self.on.iter().map(|n| format!("`{}`", n.text)).collect();
        let limit = match self.limit {
            Limit::Threshold(threshold) => format!("is at most {threshold}"),
            Limit::Acceptance(share) => format!("is among the smallest {}%", 100.0 * share),
        };
        let on = on.join(", ");
        format!("; it is drawn again until the Mahalanobis distance between arms on {on} {limit}")
    }
}

/// A number above 0, at most `most`.
fn positive(r: &mut Reader, node: Node<'_>, most: f64, what: &str) -> Option<f64> {
    let value = r.number(node)?;
    if value > 0.0 && value <= most {
        return Some(value);
    }
    let error = Diagnostic::error(node.span, format!("{value} would accept no assignment"));
    let error = if value > 0.0 {
        Diagnostic::error(node.span, format!("{value} is not a share of assignments"))
    } else {
        error
    };
    r.error(error.label(format!("expected {what}")));
    None
}
