//! One estimator, compiled: fits its model and writes its rows.

use std::sync::Arc;

use trialrun_stats::Failure;
use trialrun_stats::buffer::emptied;
use trialrun_stats::glm;
use trialrun_stats::lmm::mixed::Profiled;
use trialrun_stats::ols::Variance;
use trialrun_stats::special::student_t::{self, Critical};

use super::aims::Compiled;
use super::details::{Details, Joint};
use super::hypotheses::{Contrast, Hypotheses};
use super::joint::JointTest;
use super::model::{Model, ModelScratch};
use super::modes::Found;
use crate::exec::workspace::grow;
use crate::exec::{Op, Stop, Workspace};
use crate::inference::{self, Infer};
use crate::result::{Estimate, Row};

/// A coefficient as a fit gives it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Coef {
    /// The estimate.
    pub estimate: f64,
    /// Its standard error.
    pub std_error: f64,
    /// Degrees of freedom; infinite where the normal is used.
    pub df: f64,
}

impl From<glm::Coefficient> for Coef {
    fn from(c: glm::Coefficient) -> Self {
        Self { estimate: c.estimate, std_error: c.std_error, df: c.df }
    }
}

/// How a model is fitted.
pub(crate) trait Fit: Send + Sync {
    /// Fits the rows that the model prepared, and hands over the coefficients of the columns in
    /// `ws.model.targets`, in their order, and then the combinations in `ws.model.contrasts`.
    fn fit(
        &self,
        model: &Model,
        ws: &mut Workspace,
        give: &mut dyn FnMut(usize, Result<Coef, Failure>),
    ) -> Result<Fitted, Failure>;

    /// The standard error of a fit by least squares; none for other methods.
    fn least_squares(&self) -> Option<Variance> {
        None
    }

    /// Whether estimates are linear in the outcomes, and variances quadratic.
    fn is_linear(&self) -> bool {
        false
    }

    /// For a method whose joint tests are [`Joint::Hotelling`]: the degrees of freedom of the
    /// variance of these combinations of coefficients, in the fit that was made last.
    fn hotelling_df(&self, _: &Model, _ws: &mut Workspace, _contrasts: &[f64]) -> Option<f64> {
        None
    }

    /// Interval and test of the coefficient handed over as number `i`, where they are not those of
    /// its standard error.
    fn profiled(&self, _ws: &Workspace, _i: usize) -> Option<Profiled> {
        None
    }

    /// How several hypotheses are tested at once; `df`: the degrees of freedom of one of them.
    fn joint(&self, _df: f64) -> Joint {
        Joint::ChiSquared
    }

    /// Why a coefficient can not be reported by this method, if it can not.
    fn refuses(&self, _model: &Model, _target: &Target) -> Option<String> {
        None
    }

    /// Whether groups have random effects, with conditional modes.
    fn has_modes(&self) -> bool {
        false
    }

    /// Fits the rows that the model prepared, which are real data, and finds the conditional modes;
    /// `sets` are the plan's sets of labels.
    fn modes(&self, _: &Model, _: &mut Workspace, _sets: &[Vec<String>]) -> Result<Found, Failure> {
        Ok(Found { modes: Vec::new(), beta: Vec::new() })
    }

    /// Fits the rows that the model prepared, and tells all that there is to know.
    fn details(&self, model: &Model, ws: &mut Workspace) -> Result<Details, Failure>;
}

/// What a fit tells beside its coefficients.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fitted {
    /// Observations that were used.
    pub n_obs: f64,
    /// Whether a variance is exactly zero.
    pub boundary: bool,
}

/// The coefficients that an estimator reports.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The term, `None` for the intercept.
    pub term: Option<usize>,
    /// The category of each of the term's factors.
    pub codes: Vec<f64>,
}

/// A compiled estimator.
pub struct Estimation {
    pub(crate) model: Model,
    pub(crate) fit: Box<dyn Fit>,
    pub(crate) targets: Vec<Target>,
    /// Combinations of coefficients, reported after the targets, and then those of joint tests.
    pub(crate) contrasts: Vec<Contrast>,
    /// Number of the combinations that are reported.
    pub(crate) n_single: usize,
    pub(crate) joint: Vec<JointTest>,
    pub(crate) aims: Vec<Compiled>,
    pub(crate) first_row: usize,
    pub(crate) critical: Critical,
    /// What makes test and interval where the method does not.
    pub(crate) inference: Option<Box<dyn Infer>>,
}

impl Op for Estimation {
    fn run(&self, ws: &mut Workspace) -> Result<(), Stop> {
        let n = self.targets.len() + self.n_single;
        let n_aimed = n * self.aims.len();
        let n_rows = n_aimed + self.joint.len() * self.model.outcomes.len();
        if n_rows == 0 {
            return Ok(());
        }
        let mut rows = std::mem::take(&mut ws.rows);
        let own = &mut rows[self.first_row..self.first_row + n_rows];
        own.fill(Row::EMPTY);
        own[n_aimed..].iter_mut().for_each(|row| row.is_joint = true);
        if let Err(failure) = self.fit_rows(ws, own, n) {
            own.iter_mut().for_each(|row| row.fit = Err(failure));
        }
        for (aim, rows) in self.aims.iter().zip(own.chunks_exact_mut(n)) {
            let Some(value) = aim.estimand.map(|column| ws.scalar(column)) else { continue };
            if value.is_finite() {
                rows.iter_mut().for_each(|row| row.estimand = Some(value));
            } else {
                rows.fill(Row { fit: Err(Failure::NoEstimand), ..Row::EMPTY });
            }
        }
        ws.rows = rows;
        Ok(())
    }
}

impl Estimation {
    /// Hands over the operations of the plan, once it is complete.
    pub(crate) fn link(&self, ops: &[Arc<dyn Op>]) {
        if let Some(inference) = &self.inference {
            inference.link(ops);
        }
    }

    /// Fits the model to the workspace's data and writes the rows, `n` for each aim. A fit of one
    /// outcome that fails leaves the others as they are.
    fn fit_rows(&self, ws: &mut Workspace, own: &mut [Row], n: usize) -> Result<(), Failure> {
        self.model.prepare(ws)?;
        self.find_wanted(ws)?;
        let (mut rest, mut tests) = own.split_at_mut(n * self.aims.len());
        for aims in self.aims.chunk_by(|a, b| a.outcome == b.outcome) {
            let (own, later) = rest.split_at_mut(aims.len() * n);
            let (first, others) = own.split_at_mut(n);
            let (joint, later_tests) = tests.split_at_mut(self.joint.len());
            ws.model.response = aims[0].outcome;
            if let Err(failure) = self.fit_outcome(ws, first, joint) {
                first.iter_mut().chain(joint).for_each(|row| row.fit = Err(failure));
            }
            others.chunks_exact_mut(n).for_each(|rows| rows.copy_from_slice(first));
            (rest, tests) = (later, later_tests);
        }
        Ok(())
    }

    /// Fits the outcome at hand and writes a row for each target and contrast, and for each joint
    /// test.
    fn fit_outcome(
        &self,
        ws: &mut Workspace,
        own: &mut [Row],
        tests: &mut [Row],
    ) -> Result<(), Failure> {
        let n = self.targets.len();
        let mut combined = std::mem::take(&mut ws.model.combined);
        emptied(&mut combined, self.contrasts.len() - self.n_single);
        let mut give = |i: usize, coef: Result<Coef, Failure>| {
            let value = if i < n { 0.0 } else { self.contrasts[i - n].value };
            match own.get_mut(i) {
                Some(row) => row.fit = coef.and_then(|c| self.estimate(c, value)),
                None => combined.push(coef),
            }
        };
        let fitted = self.fit.fit(&self.model, ws, &mut give);
        ws.model.combined = combined;
        let fitted = fitted?;
        self.take_profiles(ws, own);
        for (test, row) in self.joint.iter().zip(&mut *tests) {
            row.fit = test.run(self, ws);
        }
        for row in own.iter_mut().chain(&mut *tests) {
            (row.n_obs, row.boundary) = (fitted.n_obs, fitted.boundary);
        }
        if let Some(inference) = &self.inference {
            let fitted = inference::Fitted { rows: own, tests: &self.joint, joint: tests };
            inference.infer(self, ws, fitted);
        }
        Ok(())
    }

    /// Fits the workspace's data again, and gives the coefficients and combinations that are
    /// reported; joint tests can be made after it.
    pub(crate) fn fit_again(
        &self,
        ws: &mut Workspace,
        found: &mut Vec<Result<Coef, Failure>>,
    ) -> Result<(), Failure> {
        self.model.prepare(ws)?;
        self.find_wanted(ws)?;
        let n = self.targets.len() + self.n_single;
        let mut combined = std::mem::take(&mut ws.model.combined);
        emptied(&mut combined, self.contrasts.len() - self.n_single);
        emptied(found, n);
        let is_finite = |coef: &Coef| coef.estimate.is_finite() && coef.std_error.is_finite();
        let mut give = |i: usize, coef: Result<Coef, Failure>| {
            let coef =
                coef.and_then(|c| if is_finite(&c) { Ok(c) } else { Err(Failure::NotFinite) });
            if i < n { found.push(coef) } else { combined.push(coef) }
        };
        let fitted = self.fit.fit(&self.model, ws, &mut give);
        ws.model.combined = combined;
        fitted.map(|_| ())
    }

    /// Finds the columns of the targets, and the factors of the combinations.
    fn find_wanted(&self, ws: &mut Workspace) -> Result<(), Failure> {
        let mut columns = std::mem::take(&mut ws.model.targets);
        columns.clear();
        for target in &self.targets {
            let column = self.target_column(&ws.model, target);
            // A coefficient without a column is marked by a column that no model has.
            columns.push(column.unwrap_or(usize::MAX));
        }
        let lost = columns.contains(&usize::MAX);
        ws.model.targets = columns;
        if lost || !self.find_contrasts(ws) { Err(Failure::TermDropped) } else { Ok(()) }
    }

    /// The column of a target.
    pub(crate) fn target_column(&self, scratch: &ModelScratch, target: &Target) -> Option<usize> {
        match target.term {
            None => Some(0),
            Some(term) => self.model.column_of(scratch, term, &target.codes),
        }
    }

    /// Fills the factors of the combinations; false where a coefficient has no column.
    fn find_contrasts(&self, ws: &mut Workspace) -> bool {
        let mut contrasts = std::mem::take(&mut ws.model.contrasts);
        let p = ws.model.starts.last().copied().unwrap_or(0);
        grow(&mut contrasts, p * self.contrasts.len());
        contrasts.fill(0.0);
        let mut is_there = true;
        for (contrast, factors) in self.contrasts.iter().zip(contrasts.chunks_exact_mut(p.max(1))) {
            for (target, factor) in &contrast.parts {
                match self.target_column(&ws.model, target) {
                    Some(column) => factors[column] += factor,
                    None => is_there = false,
                }
            }
        }
        ws.model.contrasts = contrasts;
        grow(&mut ws.model.values, self.contrasts.len());
        let values = ws.model.values.iter_mut().zip(&self.contrasts);
        values.for_each(|(value, contrast)| *value = contrast.value);
        is_there
    }

    /// The hypotheses about the coefficients.
    pub fn hypotheses(&self) -> &Hypotheses {
        &self.model.hypotheses
    }

    /// Puts intervals and tests by profile likelihood in the place of others.
    pub(super) fn take_profiles(&self, ws: &Workspace, rows: &mut [Row]) {
        for (i, row) in rows.iter_mut().enumerate() {
            if let (Ok(estimate), Some(profiled)) = (&mut row.fit, self.fit.profiled(ws, i)) {
                let p_value = student_t::two_sided(profiled.root, f64::INFINITY);
                (estimate.statistic, estimate.p_value) = (profiled.root, p_value);
                (estimate.conf_low, estimate.conf_high) = (profiled.low, profiled.high);
            }
        }
    }

    /// Adds an interval to a coefficient, and the test that it equals a value.
    pub(super) fn estimate(&self, coef: Coef, value: f64) -> Result<Estimate, Failure> {
        let Coef { estimate, std_error, df } = coef;
        if !estimate.is_finite() || !std_error.is_finite() {
            return Err(Failure::NotFinite);
        }
        if std_error <= 0.0 {
            return Err(Failure::ZeroStandardError);
        }
        let half = self.critical.at(df) * std_error;
        if df.is_nan() || df <= 0.0 || half == f64::INFINITY {
            return Err(Failure::NoResidualDf);
        }
        let statistic = (estimate - value) / std_error;
        let p_value = student_t::two_sided(statistic, df);
        let (conf_low, conf_high) = (estimate - half, estimate + half);
        Ok(Estimate { estimate, std_error, df, statistic, p_value, conf_low, conf_high })
    }
}
