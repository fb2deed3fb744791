//! A diagnosand of the design's own: a function of averages over the simulations.
//!
//! Diagnosands stand in the design's `diagnosands:` list, beside `steps:`. They are reported after
//! the built-in ones for every estimator and term, each with its Monte Carlo error, and can be
//! expected, made precise (`--precision close=0.001`) and compared with a baseline.
//!
//! # Fields
//! - `label`: its name, one that expressions can use.
//! - `value`: an expression of averages: see below.
//! - `where`: a condition; only the simulations where it holds count.
//! - `better`: `Smaller`, `Larger`, `NearerZero` or `NearerConfidence` (to 1 - alpha): which of two
//!   estimators is the better, for `better_than`. It goes with a share, a mean, and the root of a
//!   mean.
//!
//! # Example
//! ```ron
//! diagnosands: [
//!     Diagnosand(label: close, value: "mean(abs(estimate - estimand) < 0.1)", better: Larger),
//!     Diagnosand(label: mad, value: "mean(abs(estimate - estimand))", better: Smaller),
//!     Diagnosand(label: cv, value: "sd(estimate) / mean(estimate)"),
//!     Diagnosand(label: found, value: "mean(if(failed, 0, p_value <= alpha))"),
//!     Diagnosand(label: signed, value: "mean(estimate > 0)", where: "p_value <= alpha"),
//! ],
//! ```
//!
//! # The expression
//! Inside, a number of each simulation, made of its columns with the operators and functions of
//! `trialrun explain functions`:
//! - `estimate`, `std_error`, `statistic`, `df`, `p_value`, `conf_low`, `conf_high`, `n_obs`;
//! - `estimand`, where the estimator names one;
//! - `boundary`: 1 where the fit lies on the boundary, else 0; `failed`: 1 where it failed, else 0;
//! - `alpha`, the level of tests, and the design's parameters.
//!
//! Around it an average over the simulations: `mean`, `sd` and `var` (divisor n - 1). Around these
//! arithmetic (`+ - * / ^`) and `sqrt`, `exp`, `log`, `abs`, `min`, `max`.
//!
//! `median`, `quantile`, and `min` and `max` over simulations are refused. They would need every
//! simulation to be kept, or have no error that an average has. The share of simulations below a
//! bound, `mean(estimate < 2)`, is a diagnosand, and tells the same.
//!
//! # Which simulations count
//! Those with an estimate, as for the built-in diagnosands; those with an estimand too, where the
//! expression names it; those where `where` holds. An expression that names `failed` counts all:
//! its columns of an estimate are missing where the fit failed, so it has to say what counts
//! there, as `if(failed, 0, p_value <= alpha)` does.
//!
//! A value that is not a finite number in some simulation (a logarithm of 0, an infinite `df`)
//! leaves the diagnosand without a value, and the report says in how many simulations.
//!
//! # Monte Carlo error
//! Of a mean, sd / sqrt(n); of a share p, sqrt(p (1 - p) / n). Of a function f of averages the
//! delta method's
//! ```text
//! sqrt(sum_jk f_j f_k Cov(a_j, a_k))         f_j: the slope of f in average a_j
//! Cov of two means       S_xy / n
//! Cov of mean and var    M_xyy / (n (n - 1))
//! Cov of two variances   (M_xxyy / n - s_x^2 s_y^2) / n + 2 S_xy^2 / (n (n - 1))
//! ```
//! with S_xy the covariance, divisor n - 1, s^2 the variances, M_xyy and M_xxyy sums of products
//! around the means. The slopes are exact. The error is right to order 1/n where f is smooth at the
//! averages; at a kink (`abs` of a mean that is 0) there is none.
//!
//! # In `check`
//! A share has the exact bounds of rates, a mean those of means, and a variance those of the mean
//! of the variances of each eight successive values (see `trialrun explain check`). The bounds on a
//! function are its smallest and largest value while each of its k averages lies in bounds that
//! miss with a k-th of the error. They hold whatever the dependence of the averages, and are wide
//! where it is strong.
//!
//! # Drift
//! Unless `drift:` says otherwise a share may drift by 0.02, and any other by 5% of its value.
//!
//! # References
//! Morris, White and Crowther 2019, Statistics in Medicine 38:2074, table 6. Casella and Berger
//! 2002, Statistical Inference, section 5.5.4 (the delta method).

use trialrun_lang::{Diagnostic, Span};

use super::{Name, Node, Reader, Scalar, Text};

/// Which of two estimators is the better in a diagnosand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// The one with the smaller value.
    Smaller,
    /// The one with the larger value.
    Larger,
    /// The one whose value is nearer to 0.
    NearerZero,
    /// The one whose value is nearer to 1 - alpha.
    NearerConfidence,
}

/// The words for them.
const BETTER: &[(&str, Better)] = &[
    ("Smaller", Better::Smaller),
    ("Larger", Better::Larger),
    ("NearerZero", Better::NearerZero),
    ("NearerConfidence", Better::NearerConfidence),
];

/// A diagnosand, as declared.
#[derive(Clone, Debug)]
pub struct Diagnosand {
    /// Its name.
    pub label: Name,
    /// The function of averages.
    pub value: Text,
    /// Which simulations count.
    pub condition: Option<Text>,
    /// Which of two estimators is the better, and where that is said.
    pub better: Option<(Better, Span)>,
}

/// Reads the list of diagnosands; a wrong one does not hide the others.
pub fn read_diagnosands(
    r: &mut Reader,
    node: Node<'_>,
    lost: &mut Vec<String>,
) -> Option<Vec<Diagnosand>> {
    let Some(entries) = node.list() else {
        let hint = "write `diagnosands: [Diagnosand(...), ...]`";
        return r.expected(node, "a list in square brackets", hint);
    };
    let mut found: Vec<Diagnosand> = Vec::new();
    for entry in entries {
        let n_errors = r.errors.len();
        let read = read_diagnosand(r, entry);
        if r.errors.len() > n_errors {
            super::lose(entry, lost);
        }
        let Some(read) = read else { continue };
        match found.iter().find(|other| other.label.text == read.label.text) {
            Some(first) => {
                let message = format!("diagnosand `{}` is defined twice", read.label.text);
                r.error(
                    Diagnostic::error(read.label.span, message)
                        .label("defined again here")
                        .related(first.label.span, "first defined here"),
                );
            }
            None => found.push(read),
        }
    }
    Some(found)
}

fn read_diagnosand(r: &mut Reader, entry: Node<'_>) -> Option<Diagnosand> {
    if entry.head() != Some("Diagnosand") {
        let example = "write `Diagnosand(label: close, value: \"mean(abs(estimate) < 1)\")`";
        return r.expected(entry, "a `Diagnosand(...)`", example);
    }
    let mut f = r.fields(entry, "Diagnosand")?;
    let label = f.required(r, "label", Reader::identifier);
    let value = f.required(r, "value", read_value);
    let condition = f.optional(r, "where", Reader::text);
    let node = f.take(r, "better");
    let better = node.and_then(|node| Some((r.choice(node, BETTER)?, node.span)));
    f.finish(r);
    Some(Diagnosand { label: label?, value: value?, condition, better })
}

/// An expression; a plain number is none that says anything of simulations.
fn read_value(r: &mut Reader, node: Node<'_>) -> Option<Text> {
    match r.scalar(node)? {
        Scalar::Text(text) => Some(text),
        Scalar::Number(value, span) => {
            let message = format!("{value} is the same in every simulation");
            let error = Diagnostic::error(span, message).label("no average of simulations");
            r.error(error.hint("average something: `mean(abs(estimate - estimand) < 0.1)`"));
            None
        }
    }
}
