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
//! ```
//!
//! # References
//! Fisher 1935, The Design of Experiments. Rosenbaum 2002, Observational Studies, chapter 2. Gerber
//! and Green 2012, Field Experiments, chapter 3. Chung and Romano 2013, Annals of Statistics 41:484
//! (studentised statistics). Phipson and Smyth 2010, Statistical Applications in Genetics and
//! Molecular Biology 9:39 (the share with one added).

use std::sync::{Arc, OnceLock};

use trialrun_stats::Failure;
use trialrun_stats::resample::Curve;

use super::replay::Replayed;
use super::{Declared, Infer, Of, Scratch};
use crate::compile::Compiler;
use crate::declared::{Fields, Name, Reader};
use crate::estimators::{Coef, Estimation};
use crate::exec::assign::Assign;
use crate::exec::random::{generator, stream_key};
use crate::exec::workspace::grow;
use crate::exec::{Op, Workspace};
use crate::result::{Estimate, Row};

/// Draws where nothing is given.
const DRAWS: u64 = 1000;

/// Randomisation inference, as declared.
#[derive(Clone, Debug)]
pub struct Randomisation {
    draws: u64,
    pub(super) assignment: Option<Name>,
    statistic: Statistic,
    null: f64,
    pub(super) interval: Interval,
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Statistic {
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

/// The test of one estimator.
struct Redraw {
    declared: Randomisation,
    assign: Arc<Assign>,
    /// Whether real data have the assignment, and no operation makes it.
    of_data: bool,
    /// The operations that are done again after the assignment: places in the plan.
    places: Vec<usize>,
    /// These operations, once the plan is complete.
    ops: OnceLock<Vec<Arc<dyn Op>>>,
    alpha: f64,
    key: u64,
}

impl Infer for Redraw {
    fn infer(&self, of: &Estimation, ws: &mut Workspace, rows: &mut [Row]) {
        // Of a fit to real data every coefficient is there.
        let column = of.target_column(&ws.model, &of.targets[0]);
        let own = ws.model.targets.iter().position(|target| Some(*target) == column);
        let Some(row) = own.map(|own| &mut rows[own]) else { return };
        let Ok(estimate) = row.fit else { return };
        let mut s = std::mem::take(&mut ws.inference);
        row.fit = self.test(of, ws, estimate, &mut s);
        ws.inference = s;
    }

    fn link(&self, ops: &[Arc<dyn Op>]) {
        let own = self.places.iter().map(|place| Arc::clone(&ops[*place])).collect();
        // A plan is completed once; a second call would bring the same operations.
        let _ = self.ops.set(own);
    }
}

impl Redraw {
    /// Test and interval; the workspace is left as it was.
    fn test(
        &self,
        of: &Estimation,
        ws: &mut Workspace,
        estimate: Estimate,
        s: &mut Scratch,
    ) -> Result<Estimate, Failure> {
        let curved = self.declared.needs_curve();
        // Half a shift on either side is about a standard error: nothing cancels.
        let shift = if curved { 2.0 * estimate.std_error } else { 0.0 };
        if curved {
            let target = &of.targets[0];
            let term = target.term.ok_or(Failure::TermDropped)?;
            let n = ws.size(of.model.rows);
            of.model.terms[term].fill(ws, &target.codes, &mut s.shift, n);
        }
        if self.of_data {
            let column = ws.column(self.assign.out);
            grow(&mut s.kept, column.len());
            s.kept.copy_from_slice(column);
        }
        let drawn = self.draw_all(of, ws, shift, s);
        self.restore(ws, s)?;
        drawn?;
        let p_value = s.replicates.p_value(self.declared.null);
        let mut found = Estimate { p_value, ..estimate };
        if self.declared.interval == Interval::Inverted {
            let ends = s.replicates.interval(self.alpha, estimate.std_error);
            [found.conf_low, found.conf_high] = ends.ok_or(Failure::NotFinite)?;
        }
        Ok(found)
    }

    /// Fills the list of replicates: of all assignments, or of so many draws.
    fn draw_all(
        &self,
        of: &Estimation,
        ws: &mut Workspace,
        shift: f64,
        s: &mut Scratch,
    ) -> Result<(), Failure> {
        let lost = |_| Failure::ReplicatesLost;
        let n = self.declared.draws;
        let observed = self.measure(of, ws, shift, s)?;
        s.replicates.begin(observed, n as usize + 1);
        self.assign.seat(ws, &mut s.seats).map_err(lost)?;
        let lottery = &self.assign.lottery;
        let count = lottery.list(ws, &mut s.seats, &mut s.listing).map_err(lost)?;
        if self.of_data {
            self.check_data(ws, s, count.is_some())?;
        }
        if count.is_some_and(|count| count <= n as f64) {
            let even = s.listing.is_even();
            loop {
                s.listing.tell(&s.seats, &mut s.arms);
                if lottery.accepts(&mut s.seats, &s.arms) {
                    let weight = s.listing.chance();
                    let curve = self.again(of, ws, shift, s);
                    match curve {
                        Some(curve) if even => s.replicates.add(curve),
                        Some(curve) => s.replicates.add_weighted(curve, weight),
                        None => {}
                    }
                }
                if !lottery.next(&mut s.listing) {
                    break;
                }
            }
            return if s.replicates.is_empty() { Err(Failure::ReplicatesLost) } else { Ok(()) };
        }
        s.replicates.add(observed);
        let mut rng = generator(ws.seed, ws.sim, self.key);
        for _ in 0..n {
            self.assign.draw_again(ws, &mut s.seats, &mut rng, &mut s.arms).map_err(lost)?;
            if let Some(curve) = self.again(of, ws, shift, s) {
                s.replicates.add(curve);
            }
        }
        Ok(())
    }

    /// The statistic of the arms in the scratch space; none where there is no estimate.
    fn again(
        &self,
        of: &Estimation,
        ws: &mut Workspace,
        shift: f64,
        s: &mut Scratch,
    ) -> Option<Curve> {
        self.assign.put(ws, &s.arms);
        self.replay(ws).ok()?;
        self.measure(of, ws, shift, s).ok()
    }

    /// Does again what depends on the assigned variable.
    fn replay(&self, ws: &mut Workspace) -> Result<(), Failure> {
        let ops = self.ops.get().map_or(&[][..], Vec::as_slice);
        // What could be done with the assignment that was drawn can fail with another: an
        // Aggregate whose groups have no longer one value.
        ops.iter().try_for_each(|op| op.run(ws)).map_err(|_| Failure::ReplicatesLost)
    }

    /// Puts the assignment back that was drawn first, or that real data have.
    fn restore(&self, ws: &mut Workspace, s: &Scratch) -> Result<(), Failure> {
        if self.of_data {
            ws.columns[self.assign.out.idx()].copy_from_slice(&s.kept);
        } else {
            self.assign.run(ws).map_err(|_| Failure::ReplicatesLost)?;
        }
        self.replay(ws)
    }

    /// Checks that the design could have assigned the treatment of real data.
    fn check_data(
        &self,
        ws: &mut Workspace,
        s: &mut Scratch,
        is_listed: bool,
    ) -> Result<(), Failure> {
        let known = self.assign.read(ws, &s.seats, &mut s.arms);
        if known {
            self.assign.put(ws, &s.arms);
        }
        let same = known && ws.column(self.assign.out) == s.kept;
        let possible = match is_listed {
            true => self.assign.lottery.can_draw(&mut s.seats, &s.listing, &s.arms),
            false => self.assign.lottery.accepts(&mut s.seats, &s.arms),
        };
        if same && possible { Ok(()) } else { Err(Failure::NotAssigned) }
    }

    /// The statistic of the assignment at hand as a function of the effect.
    fn measure(
        &self,
        of: &Estimation,
        ws: &mut Workspace,
        shift: f64,
        s: &mut Scratch,
    ) -> Result<Curve, Failure> {
        let studentised = self.declared.statistic == Statistic::Studentised;
        let square = |coef: &Coef| coef.std_error * coef.std_error;
        let here = of.coefficient(ws)?;
        let mut curve = Curve { top: here.estimate, square: 1.0, ..Curve::default() };
        if studentised {
            curve.square = square(&here);
        }
        if shift == 0.0 {
            return Ok(curve);
        }
        let above = shifted(of, ws, shift, s)?;
        curve.slope = (above.estimate - here.estimate) / shift;
        if studentised {
            let below = shifted(of, ws, -shift, s)?;
            curve.cross = (square(&above) - square(&below)) / (4.0 * shift);
            let middle = 0.5 * (square(&above) + square(&below));
            curve.bend = (middle - curve.square) / (shift * shift);
        }
        Ok(curve)
    }
}

/// The coefficient from the outcomes less `effect` times the treatment of the data.
fn shifted(
    of: &Estimation,
    ws: &mut Workspace,
    effect: f64,
    s: &mut Scratch,
) -> Result<Coef, Failure> {
    let outcome = of.model.outcomes[0].column.idx();
    let n = ws.size(of.model.rows);
    grow(&mut s.held, n);
    let observed = &ws.columns[outcome][..n];
    for ((o, y), z) in s.held.iter_mut().zip(observed).zip(&s.shift) {
        *o = y - effect * z;
    }
    std::mem::swap(&mut ws.columns[outcome], &mut s.held);
    let coefficient = of.coefficient(ws);
    std::mem::swap(&mut ws.columns[outcome], &mut s.held);
    coefficient
}
