//! States what the diagnosis of a design must show; `trialrun check` decides whether it does.
//!
//! Expectations stand in the design's `expect:` list, beside `steps:`. `trialrun check` simulates
//! until each is decided: met, not met, or, with the simulations allowed, undecided. How it
//! decides, and how often it is wrong, is in `trialrun explain check`.
//!
//! # Fields
//! - `estimator`: the estimator's label.
//! - `term`: which of its terms, where it reports several.
//! - `estimand`, `outcome`: which of its estimands and outcomes, where it has several.
//! - `family`: in the place of `estimator`, the label of a family of tests.
//! - `member`: which of its members, where one is meant and not the family as a whole.
//! - `diagnosand`: what is looked at: `coverage`, `power`, `bias`, `failures` and so on, or one of
//!   the design's own (`trialrun explain Diagnosand`).
//! - `within`: a band, `0.94..=0.96`, its ends included.
//! - `at_least`, `at_most`: a band with one end.
//! - `better_than`: another estimator of the same estimand, another family, or the member's
//!   namesake in another family. The difference between the two is taken on the same draws. Better
//!   is a smaller `rmse`, `ci_width`, `mean_se`, `failures`, `boundary` or `false_positive`, a
//!   larger `power`, a `bias` nearer to 0, a `coverage` nearer to 1 - alpha; of families more tests
//!   that are significant, a smaller `fwer`, `fdr` or `incomplete`; diagnosands of the design's own
//!   say it themselves (`better: Smaller`).
//! - `by`: how much better at least, 0 if it is left out. Below 0 it is how much worse it may be.
//!
//! Give a band or `better_than`. A band wider than the Monte Carlo error can get within the
//! simulations allowed is decided; the truth exactly on its edge is not.
//!
//! # Example
//! ```ron
//! Expect(estimator: "CR2", diagnosand: coverage, within: 0.94..=0.96),
//! Expect(estimator: "CR2", diagnosand: failures, at_most: 0.001),
//! Expect(estimator: "Adjusted", diagnosand: rmse, better_than: "Unadjusted", by: 0.01),
//! Expect(family: "Outcomes", diagnosand: fwer, at_most: 0.06),
//! ```

use trialrun_lang::{Diagnostic, Span};

use super::{Fields, Name, Node, Reader};

/// What a diagnosand of an estimator is expected to be.
#[derive(Clone, Debug)]
pub struct Expect {
    /// The estimator's label, or the family's.
    pub estimator: Name,
    /// Whether it is a family's.
    pub of_family: bool,
    /// The term, where the estimator has more than one; the member of a family.
    pub term: Option<Name>,
    /// The estimand, where the estimator has more than one.
    pub estimand: Option<Name>,
    /// The outcome, where the estimator has more than one.
    pub outcome: Option<Name>,
    /// The diagnosand's name.
    pub diagnosand: Name,
    /// The label of an estimator that it is better than; the band is then one of the difference.
    pub better_than: Option<Name>,
    /// Lower end of the band; minus infinity where there is none.
    pub low: f64,
    /// Upper end of the band; infinity where there is none.
    pub high: f64,
    /// Where the expectation stands.
    pub span: Span,
}

/// Reads the list of expectations; a wrong one does not hide the others.
pub fn read_expectations(r: &mut Reader, node: Node<'_>) -> Option<Vec<Expect>> {
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
    let of_family = f.peek("family").is_some();
    let [estimator, term, estimand, outcome] = read_subject(r, &mut f, of_family);
    let diagnosand = f.required(r, "diagnosand", Reader::name);
    let band = read_band(r, &mut f);
    let better_than = f.optional(r, "better_than", Reader::name);
    let by = f.take(r, "by");
    let margin = by.and_then(|node| r.number(node));
    let span = f.span;
    f.finish(r);
    let (low, high) = match (band, &better_than) {
        (Band::Wrong, _) => return None,
        (Band::Given(..), Some(rival)) => {
            let message = "`Expect` takes a band or `better_than`, not both";
            r.error(
                Diagnostic::error(rival.span, message)
                    .label("a band is given as well")
                    .hint("write two expectations"),
            );
            return None;
        }
        (Band::Given(low, high), None) => {
            if let Some(by) = by {
                r.error(
                    Diagnostic::error(by.span, "`by` goes with `better_than`")
                        .label("there is no other estimator to be better than")
                        .hint("add `better_than:` with the estimator's label"),
                );
                return None;
            }
            (low, high)
        }
        (Band::Missing, Some(_)) => (margin.unwrap_or(0.0), f64::INFINITY),
        (Band::Missing, None) => {
            if r.errors.len() == n_errors {
                r.error(
                    Diagnostic::error(span, "`Expect` needs a band")
                        .label("what is expected is missing")
                        .hint("write `within: 0.94..=0.96`, `at_least: 0.8` or `at_most: 0.01`"),
                );
            }
            return None;
        }
    };
    Some(Expect {
        estimator: estimator?,
        of_family,
        term,
        estimand,
        outcome,
        diagnosand: diagnosand?,
        better_than,
        low,
        high,
        span: node.span,
    })
}

/// Estimator, term, estimand and outcome, or family and member; fields that go with an estimator
/// where a family is meant are errors, and the reverse.
fn read_subject(r: &mut Reader, f: &mut Fields<'_>, of_family: bool) -> [Option<Name>; 4] {
    let mut refuse = |f: &mut Fields<'_>, name: &'static str, what: &str, hint: &str| {
        let Some(node) = f.take(r, name) else { return };
        let message = format!("`{name}` does not go with {what}");
        r.error(Diagnostic::error(node.span, message).label("one too many").hint(hint));
    };
    if of_family {
        for name in ["estimator", "term", "estimand", "outcome"] {
            let hint = "a family is named by `family:`, one of its tests by `member:`";
            refuse(f, name, "a family", hint);
        }
        let family = f.required(r, "family", Reader::name);
        return [family, f.optional(r, "member", Reader::name), None, None];
    }
    refuse(f, "member", "an estimator", "`member:` goes with `family:`, `term:` with `estimator:`");
    let estimator = f.required(r, "estimator", Reader::name);
    let [term, estimand, outcome] =
        ["term", "estimand", "outcome"].map(|name| f.optional(r, name, Reader::name));
    [estimator, term, estimand, outcome]
}

/// A band as it was read.
enum Band {
    Missing,
    Wrong,
    Given(f64, f64),
}

/// `within`, `at_least` and `at_most`: the values that are in all that are given.
fn read_band(r: &mut Reader, f: &mut Fields<'_>) -> Band {
    let n_errors = r.errors.len();
    let within = f.take(r, "within");
    let bands = [
        within.and_then(|node| read_range(r, node)),
        f.optional(r, "at_least", Reader::number).map(|low| (low, f64::INFINITY)),
        f.optional(r, "at_most", Reader::number).map(|high| (f64::NEG_INFINITY, high)),
    ];
    let Some((low, high)) =
        bands.into_iter().flatten().reduce(|(l, h), (a, b)| (l.max(a), h.min(b)))
    else {
        return if r.errors.len() > n_errors { Band::Wrong } else { Band::Missing };
    };
    if low > high {
        let span = within.map_or(f.span, |node| node.span);
        let message = format!("no value lies between {low} and {high}");
        let reversed = within.map(|_| format!("write the smaller number first: `{high}..={low}`"));
        r.error(Diagnostic::error(span, message).label("an empty band").maybe_hint(reversed));
        return Band::Wrong;
    }
    Band::Given(low, high)
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

/// Reads how far each diagnosand may drift from its baseline: names and amounts.
pub fn read_drift(r: &mut Reader, node: Node<'_>) -> Option<Vec<(Name, f64)>> {
    let hint = "write `drift: (coverage: 0.01, power: 0.02)`";
    let Some(fields) = node.struct_fields().filter(|_| node.head().is_none()) else {
        return r.expected(node, "tolerances in round brackets", hint);
    };
    let mut tolerances: Vec<(Name, f64)> = Vec::new();
    for (text, span, node) in fields {
        if let Some((first, _)) = tolerances.iter().find(|(name, _)| name.text == text) {
            r.error(
                Diagnostic::error(span, format!("the drift of `{text}` is given twice"))
                    .label("given again here")
                    .related(first.span, "first given here"),
            );
            continue;
        }
        let Some(amount) = r.number(node) else { continue };
        if amount < 0.0 {
            let message = format!("a drift is an amount, and {amount} is below 0");
            r.error(Diagnostic::error(node.span, message).label("expected 0 or more"));
            continue;
        }
        tolerances.push((Name { text, span }, amount));
    }
    Some(tolerances)
}
