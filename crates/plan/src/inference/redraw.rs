//! Draws an assignment again and again, and holds the statistics of the data against those of the
//! assignments.

use std::sync::{Arc, OnceLock};

use trialrun_stats::Failure;
use trialrun_stats::buffer::{emptied, room};
use trialrun_stats::resample::{Curve, Replicates};

use super::randomisation::{Interval, Randomisation, Statistic};
use super::{Fitted, Infer, Scratch};
use crate::estimators::{Coef, Estimation};
use crate::exec::assign::Assign;
use crate::exec::random::generator;
use crate::exec::workspace::grow;
use crate::exec::{Op, Workspace};
use crate::result::{Estimate, Row};

/// The tests of one estimator.
///
/// Its statistics are, in this order, the coefficients that it reports, the hypotheses that have
/// rows, and joint tests.
pub(super) struct Redraw {
    pub declared: Randomisation,
    pub assign: Arc<Assign>,
    /// Whether real data have the assignment, and no operation makes it.
    pub of_data: bool,
    /// The operations that are done again after the assignment: places in the plan.
    pub places: Vec<usize>,
    /// These operations, once the plan is complete.
    pub ops: OnceLock<Vec<Arc<dyn Op>>>,
    pub alpha: f64,
    pub key: u64,
}

/// What is drawn and found; one a thread.
#[derive(Default)]
pub(super) struct Draws {
    /// Of each statistic, as many as there are; more where another estimator has more.
    lists: Vec<Replicates>,
    /// The statistics of the data, and of an assignment.
    observed: Vec<Option<Curve>>,
    curves: Vec<Option<Curve>>,
    /// The coefficients of a fit.
    found: Vec<Result<Coef, Failure>>,
    /// The rows of the coefficients that are reported.
    places: Vec<usize>,
}

impl Infer for Redraw {
    fn infer(&self, of: &Estimation, ws: &mut Workspace, fitted: Fitted<'_>) {
        let Fitted { rows, joint, .. } = fitted;
        let mut s = std::mem::take(&mut ws.inference);
        // Of a fit to real data every coefficient is there.
        let targets = &ws.model.targets;
        let (coefficients, hypotheses) = rows.split_at_mut(targets.len());
        emptied(&mut s.draws.places, of.targets.len());
        for target in &of.targets {
            let column = of.target_column(&ws.model, target);
            let place = targets.iter().position(|target| Some(*target) == column);
            s.draws.places.push(place.unwrap_or(usize::MAX));
        }
        let first = s.draws.places.first().and_then(|place| coefficients.get(*place));
        let scale = first.and_then(|row| row.fit.ok()).map_or(0.0, |found| found.std_error);
        let drawn = self.redraw(of, ws, scale, &mut s);
        let Draws { lists, places, .. } = &s.draws;
        let mut lists = lists.iter();
        let test = |row: &mut Row, list| {
            row.fit = row.fit.and_then(|found| drawn.and_then(|()| self.tested(found, list)));
        };
        for (place, list) in places.iter().zip(&mut lists) {
            if let Some(row) = coefficients.get_mut(*place) {
                test(row, list);
            }
        }
        let rest = hypotheses.iter_mut().chain(joint);
        rest.zip(lists).for_each(|(row, list)| test(row, list));
        ws.inference = s;
    }

    fn link(&self, ops: &[Arc<dyn Op>]) {
        let own = self.places.iter().map(|place| Arc::clone(&ops[*place])).collect();
        // A plan is completed once; a second call would bring the same operations.
        let _ = self.ops.set(own);
    }
}

impl Redraw {
    /// Test and interval from the list of a statistic.
    fn tested(&self, found: Estimate, list: &Replicates) -> Result<Estimate, Failure> {
        if list.is_empty() {
            return Err(Failure::ReplicatesLost);
        }
        let p_value = list.p_value(self.declared.null);
        let mut found = Estimate { p_value, ..found };
        if self.declared.interval == Interval::Inverted {
            let ends = list.interval(self.alpha, found.std_error);
            [found.conf_low, found.conf_high] = ends.ok_or(Failure::NotFinite)?;
        }
        Ok(found)
    }

    /// Fills the lists; the workspace is left as it was. `scale`: the error of the coefficient
    /// whose effects are tested.
    fn redraw(
        &self,
        of: &Estimation,
        ws: &mut Workspace,
        scale: f64,
        s: &mut Scratch,
    ) -> Result<(), Failure> {
        let curved = self.declared.needs_curve();
        // Half a shift on either side is about a standard error: nothing cancels.
        let shift = if curved { 2.0 * scale } else { 0.0 };
        if curved {
            let target = of.targets.first().ok_or(Failure::TermDropped)?;
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
        drawn
    }

    /// Fills the lists of replicates: of all assignments, or of so many draws.
    fn draw_all(
        &self,
        of: &Estimation,
        ws: &mut Workspace,
        shift: f64,
        s: &mut Scratch,
    ) -> Result<(), Failure> {
        let lost = |_| Failure::ReplicatesLost;
        let n = self.declared.draws;
        self.measure(of, ws, shift, s)?;
        s.draws.begin(n as usize + 1);
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
                    let weight = (!even).then(|| s.listing.chance());
                    self.again(of, ws, shift, weight, s);
                }
                if !lottery.next(&mut s.listing) {
                    return Ok(());
                }
            }
        }
        // The data are one of the assignments.
        s.draws.keep(None);
        let mut rng = generator(ws.seed, ws.sim, self.key);
        for _ in 0..n {
            self.assign.draw_again(ws, &mut s.seats, &mut rng, &mut s.arms).map_err(lost)?;
            self.again(of, ws, shift, None, s);
        }
        Ok(())
    }

    /// Adds the statistics of the arms in the scratch space to the lists, as far as there are any.
    fn again(
        &self,
        of: &Estimation,
        ws: &mut Workspace,
        shift: f64,
        weight: Option<f64>,
        s: &mut Scratch,
    ) {
        self.assign.put(ws, &s.arms);
        if self.replay(ws).and_then(|()| self.measure(of, ws, shift, s)).is_ok() {
            s.draws.keep(weight);
        }
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

    /// Finds the statistics of the assignment at hand, with a `shift` as functions of the effect.
    fn measure(
        &self,
        of: &Estimation,
        ws: &mut Workspace,
        shift: f64,
        s: &mut Scratch,
    ) -> Result<(), Failure> {
        let studentised = self.declared.statistic == Statistic::Studentised;
        let square = |coef: &Coef| if studentised { coef.std_error * coef.std_error } else { 1.0 };
        let Draws { curves, found, .. } = &mut s.draws;
        of.fit_again(ws, found)?;
        emptied(curves, found.len() + of.joint.len());
        for coef in found.iter() {
            let curve = |c: Coef| Curve { top: c.estimate, square: square(&c), ..Curve::default() };
            curves.push(coef.ok().map(curve));
        }
        for test in &of.joint {
            let form = test.wald(of, ws).ok();
            curves.push(form.map(|f| Curve { top: f.sqrt(), square: 1.0, ..Curve::default() }));
        }
        if shift == 0.0 {
            return Ok(());
        }
        let mut curve = curves[0].ok_or(Failure::NotFinite)?;
        let above = shifted(of, ws, shift, s)?;
        curve.slope = (above.estimate - curve.top) / shift;
        if studentised {
            let below = shifted(of, ws, -shift, s)?;
            curve.cross = (square(&above) - square(&below)) / (4.0 * shift);
            let middle = 0.5 * (square(&above) + square(&below));
            curve.bend = (middle - curve.square) / (shift * shift);
        }
        s.draws.curves[0] = Some(curve);
        Ok(())
    }
}

impl Draws {
    /// Begins the lists with the statistics of the data, which are at hand.
    fn begin(&mut self, n: usize) {
        std::mem::swap(&mut self.observed, &mut self.curves);
        emptied(&mut self.curves, self.observed.len()).extend_from_slice(&self.observed);
        let lists = room(&mut self.lists, self.observed.len());
        for (list, observed) in lists.iter_mut().zip(&self.observed) {
            list.begin(observed.unwrap_or_default(), n);
        }
    }

    /// Adds the statistics at hand, with a weight or without; those that the data lack are left
    /// out.
    fn keep(&mut self, weight: Option<f64>) {
        let both = self.curves.iter().zip(&self.observed);
        for (list, (curve, observed)) in self.lists.iter_mut().zip(both) {
            let Some(curve) = curve.filter(|_| observed.is_some()) else { continue };
            match weight {
                Some(weight) => list.add_weighted(curve, weight),
                None => list.add(curve),
            }
        }
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
    let fitted = of.fit_again(ws, &mut s.draws.found);
    std::mem::swap(&mut ws.columns[outcome], &mut s.held);
    fitted?;
    s.draws.found[0]
}
