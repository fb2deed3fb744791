//! Randomisation inference: the design's own assignment is drawn again and again.
//!
//! Under the sharp null that the effect of the treatment is one number for every unit, all
//! outcomes are known whatever the assignment. Each draw assigns anew, as the Assignment step of
//! the design does, and computes the estimate from the same outcomes. The `p_value` is the share of
//! assignments whose statistic is at least as far from the null as that of the data. Where the
//! assignments can be listed and are no more than `draws`, all are taken, with their probabilities,
//! and the test is exact. Estimate, standard error and degrees of freedom stay those of the method.
//!
//! # Fields
//! - `draws`: how many assignments are drawn; 1000 if nothing is given.
//! - `assignment`: the assigned variable, where the design assigns several. The others stay as they
//!   were drawn.
//! - `statistic`: `Estimate` (the default), or `Studentised`: the estimate over its standard error,
//!   so that the test also holds in large samples where effects vary with mean `null`.
//! - `null`: the effect under the null; 0 if nothing is given.
//! - `interval`: `Inverted` (the default): the effects that the test does not reject. `OfMethod`:
//!   the method's own interval is kept, at a half or a third of the cost.
//!
//! # Formula
//! With all assignments `p = sum of P(z*) over those with |T(z*)| >= |T(z)|`; otherwise
//! `p = (1 + #{|T(z*)| >= |T(z)|}) / (1 + draws)`. T is the estimate (over its standard error) from
//! the outcomes `y - null z`, z the treatment of the data. The tails are taken together by |T|.
//! Assignments from which there is no estimate are left out: the test is conditional on there being
//! one.
//!
//! The interval has the effects `tau` with `p(tau) > alpha`. Where the estimate is linear in the
//! outcomes, that from `y - tau z` is `e(y) - tau e(z)`, and its variance is quadratic in tau: two
//! fits for each draw (three with `Studentised`) tell the statistic for every tau. Steps from the
//! estimate look for an effect that is rejected, and bisection finds the end to 1e-10 standard
//! errors or so; of a share that falls and rises again the first end is taken. An end is infinite
//! where nothing is rejected, and `ci_width` leaves the simulation out.
//!
//! # What is done again
//! The assigned variable, and what is computed from it: products, copies for other levels, means by
//! groups, weights from probabilities. Outcomes are not revealed again, and variables drawn
//! after the assignment stay as observed, as covariates too. An outcome that is computed from the
//! treatment without PotentialOutcomes and Reveal is refused, and so are levels, samples and
//! assignments that depend on the treatment.
//!
//! # Several terms, hypotheses and joint tests
//! With `interval: OfMethod` an estimator may report several terms, `hypotheses` and `joint` tests:
//! all are looked at in the same draws. The null is always that no condition has any effect on
//! anybody, so that coefficients have to be those of the treatment, and hypotheses that they are 0.
//! The statistic of a contrast is its estimate (over its error); that of a joint test Wald's form
//! `b'L'(L V L')^-1 L b` with the method's variance, large where any condition stands out.
//!
//! `Inverted` and `null` are for estimates linear in the outcomes (`DifferenceInMeans`, `Hajek`,
//! `HorvitzThompson`, `Lin`, `LmRobust`) of one term: a treatment with two conditions, or with
//! numbers for conditions (the effect is then that of one unit of dose). `IvRobust` is refused: the
//! treatment taken is an outcome of the assignment.
//!
//! # Real data
//! `estimate` assigns the rows of the data anew as the Assignment step says; its blocks and
//! clusters are columns of the data. Conditions have to be numbers; a stepped wedge and `level` are
//! refused.
//!
//! # When it fails
//! `not_assigned`: the treatment of the data is no assignment of the design: too many are treated,
//! or the rows of a cluster differ. `replicates_lost`: no assignment gave an estimate.
//!
//! # Example
//! ```ron
//! Estimator(label: "Randomisation", estimand: ate, term: treatment,
//!     method: DifferenceInMeans(formula: "score ~ treatment", clusters: class),
//!     inference: Randomisation(draws: 1000, statistic: Studentised)),
//! Estimator(label: "Any arm", term: armletter,
//!     method: LmRobust(formula: "voted ~ arm", hypotheses: ["armvisit - armletter"],
//!         joint: [["armletter", "armvisit"]]),
//!     inference: Randomisation(interval: OfMethod)),
//! ```
//!
//! # References
//! Fisher 1935, The Design of Experiments. Rosenbaum 2002, Observational Studies, chapter 2. Gerber
//! and Green 2012, Field Experiments, chapter 3. Chung and Romano 2013, Annals of Statistics 41:484
//! (studentised statistics). Phipson and Smyth 2010, Statistical Applications in Genetics and
//! Molecular Biology 9:39 (the share with one added).

use std::sync::OnceLock;

use super::redraw::Redraw;
use super::replay::Replayed;
use super::{Declared, Infer, Of};
use crate::compile::Compiler;
use crate::declared::{Fields, Name, Reader};
use crate::exec::random::stream_key;

/// Draws where nothing is given.
const DRAWS: u64 = 1000;

/// Randomisation inference, as declared.
#[derive(Clone, Debug)]
pub struct Randomisation {
    pub(super) draws: u64,
    pub(super) assignment: Option<Name>,
    pub(super) statistic: Statistic,
    pub(super) null: f64,
    pub(super) interval: Interval,
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Statistic {
    Estimate,
    Studentised,
}

/// What the interval is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interval {
    Inverted,
    OfMethod,
}

const STATISTICS: &[(&str, Statistic)] =
    &[("Estimate", Statistic::Estimate), ("Studentised", Statistic::Studentised)];
const INTERVALS: &[(&str, Interval)] =
    &[("Inverted", Interval::Inverted), ("OfMethod", Interval::OfMethod)];

impl Declared for Randomisation {
    fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let draws = f.take(r, "draws").map(|node| r.count(node, 1));
        let assignment = f.take(r, "assignment").map(|node| r.identifier(node));
        let statistic = f.take(r, "statistic").map(|node| r.choice(node, STATISTICS));
        let null = f.take(r, "null").map(|node| r.number(node));
        let interval = f.take(r, "interval").map(|node| r.choice(node, INTERVALS));
        let assignment = match assignment {
            None => None,
            Some(name) => Some(name?),
        };
        Some(Self {
            draws: draws.unwrap_or(Some(DRAWS))?,
            assignment,
            statistic: statistic.unwrap_or(Some(Statistic::Estimate))?,
            null: null.unwrap_or(Some(0.0))?,
            interval: interval.unwrap_or(Some(Interval::Inverted))?,
        })
    }

    fn needs_single_rows(&self) -> bool {
        false
    }

    fn compile(&self, cx: &mut Compiler<'_>, of: &Of<'_>) -> Option<Box<dyn Infer>> {
        super::enough(cx, self.draws, cx.alpha, of.span)?;
        let Replayed { assign, of_data, ops } = super::replay::replay(self, cx, of)?;
        Some(Box::new(Redraw {
            declared: self.clone(),
            assign,
            of_data,
            places: ops,
            ops: OnceLock::new(),
            alpha: cx.alpha,
            key: stream_key("inference", of.label, 0),
        }))
    }

    fn describe(&self) -> String {
        let interval = match self.interval {
            Interval::Inverted => "p-values and intervals",
            Interval::OfMethod => "p-values",
        };
        let n = self.draws;
        let of = self.assignment.as_ref().map_or(String::new(), |a| format!(" of `{}`", a.text));
        format!("{interval} by randomisation inference ({n} assignments{of} at most)")
    }
}

impl Randomisation {
    /// Whether the statistic has to be known for other effects than 0.
    pub(super) fn needs_curve(&self) -> bool {
        self.interval == Interval::Inverted || self.null != 0.0
    }
}
