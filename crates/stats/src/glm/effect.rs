//! Average marginal effects: what a change of one predictor does to the mean, over all rows.

use super::rows::Cells;
use super::{Coefficient, Data, Failure, Fit};
use crate::linalg::room;
use std::ops::Range;

/// The change whose average effect is wanted.
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> {
    /// Of a number that is column `column` of the predictors and in no other column.
    Number {
        /// The column.
        column: usize,
    },
    /// From one category to another of a factor whose indicators are in no other column.
    Category {
        /// The first column of the factor.
        first: usize,
        /// One past its last column.
        end: usize,
        /// The column of the category to compare with; none where it has no column.
        base: Option<usize>,
        /// The column of the category.
        column: usize,
    },
    /// From the predictors `low` to the predictors `high`, both like `Data::x`. Where `value` is
    /// given it is a number in which the predictors are linear, `low` those at zero and `high`
    /// those at one.
    Rows {
        /// Predictors before the change.
        low: &'a [f64],
        /// Predictors after it.
        high: &'a [f64],
        /// The number that changes.
        value: Option<&'a [f64]>,
    },
}

impl Fit<'_> {
    /// Average marginal effect of a change; writes its gradient by the coefficients.
    ///
    /// Of a number that is zero or one everywhere, and of a category, it is the average over the
    /// rows of the mean with the change less the mean without: `sum_i w_i [mu(eta_i1) -
    /// mu(eta_i0)] / sum_i w_i`. Of any other number it is the average derivative. With `g` the
    /// derivative of that by the coefficients and `V` their variance, its variance is `g'V g`; the
    /// predictors are taken as given.
    ///
    /// # Errors
    /// `TermDropped` where the change is not estimable; `NotFinite`.
    ///
    /// # Panics
    /// Where the change has columns or rows that the data lack.
    ///
    /// # References
    /// Bartus 2005, Stata Journal 5:309; Oehlert 1992, American Statistician 46:27.
    pub fn effect(
        &self,
        change: &Change,
        data: &Data,
        gradient: &mut [f64],
        work: &mut Vec<f64>,
    ) -> Result<f64, Failure> {
        let p = self.cells.basis.kept.len();
        let work = room(work, 2 * p);
        work.fill(0.0);
        gradient.fill(0.0);
        let (low, high) = work.split_at_mut(p);
        let walk = Walk { cells: self.cells, beta: self.beta, change, data };
        walk.check()?;
        let as_derivative = walk.is_derivative();
        let mut estimate = 0.0;
        for (cell, row, weight) in walk.units() {
            let value = walk.read(row, low, high);
            let (eta_low, step) = walk.turn(self.search.eta[cell], row, low, high);
            let mean = |eta: f64| self.family.mean(eta, self.alpha);
            if as_derivative {
                let here = mean(self.search.eta[cell]);
                estimate += weight * here.slope * step;
                for (j, g) in gradient.iter_mut().enumerate() {
                    let (d, x) = (high[j] - low[j], low[j] + value * (high[j] - low[j]));
                    *g += weight * (here.bend * step * x + here.slope * d);
                }
            } else {
                let (before, after) = (mean(eta_low), mean(eta_low + step));
                estimate += weight * (after.mu - before.mu);
                for (j, g) in gradient.iter_mut().enumerate() {
                    *g += weight * (after.slope * high[j] - before.slope * low[j]);
                }
            }
        }
        Ok(estimate)
    }

    /// An estimate that depends on the coefficients, with the error of the delta method: with `g`
    /// its gradient and `V` the variance of the coefficients, its variance is `g'V g`.
    ///
    /// # Errors
    /// `NotFinite`.
    ///
    /// # References
    /// Oehlert 1992, American Statistician 46:27.
    pub fn by_delta(
        &self,
        estimate: f64,
        gradient: &[f64],
        work: &mut Vec<f64>,
    ) -> Result<Coefficient, Failure> {
        let std_error = self.form(gradient, room(work, gradient.len())).sqrt();
        if !(estimate.is_finite() && std_error.is_finite()) {
            return Err(Failure::NotFinite);
        }
        Ok(Coefficient { estimate, std_error, df: self.df() })
    }
}

/// The rows of a fit, with a change of their predictors.
pub(crate) struct Walk<'a> {
    /// The cells that the rows were made to.
    pub cells: &'a Cells,
    /// Coefficients, one a predictor.
    pub beta: &'a [f64],
    /// The change.
    pub change: &'a Change<'a>,
    /// The rows.
    pub data: &'a Data<'a>,
}

impl Walk<'_> {
    /// Cells, or rows where the change is given for rows: cell, row, and share of the weight.
    pub fn units(&self) -> impl Iterator<Item = (usize, usize, f64)> {
        let by_row = matches!(self.change, Change::Rows { .. });
        let cells = self.cells;
        let all = cells.weight;
        let rows = cells.live().filter(move |_| by_row);
        let rows = rows.map(move |(i, c)| (c, i, cells.w[c] / all));
        let own = cells.origin.iter().enumerate().filter(move |_| !by_row);
        own.map(move |(c, &i)| (c, i as usize, cells.total(c) / all)).chain(rows)
    }

    /// Checks that the columns which change are estimable.
    ///
    /// # Errors
    /// `TermDropped`.
    pub fn check(&self) -> Result<(), Failure> {
        let m = self.data.y.len();
        let dropped = |j: usize| !self.cells.basis.kept[j];
        let lost = match self.change {
            Change::Number { column } => dropped(*column),
            Change::Category { first, end, column, .. } => {
                dropped(*column) || Range { start: *first, end: *end }.any(dropped)
            }
            Change::Rows { low, high, .. } => {
                let differs = |j: usize| low[j * m..(j + 1) * m] != high[j * m..(j + 1) * m];
                (0..self.cells.basis.kept.len()).any(|j| dropped(j) && differs(j))
            }
        };
        if lost { Err(Failure::TermDropped) } else { Ok(()) }
    }

    /// Whether a number changes that is not zero or one everywhere.
    pub fn is_derivative(&self) -> bool {
        let m = self.data.y.len();
        let values = match self.change {
            Change::Number { column } => &self.data.x[column * m..(column + 1) * m],
            Change::Rows { value: Some(value), .. } => value,
            _ => return false,
        };
        self.cells.live().any(|(i, _)| values[i] != 0.0 && values[i] != 1.0)
    }

    /// From the linear predictor of a row: that of `low`, and how much further it is to `high`.
    pub fn turn(&self, eta: f64, row: usize, low: &[f64], high: &[f64]) -> (f64, f64) {
        let m = self.data.y.len();
        let terms = self.beta.iter().zip(low).enumerate();
        let way: f64 = terms.map(|(j, (b, low))| b * (low - self.data.x[j * m + row])).sum();
        let ends = low.iter().zip(high);
        let step = self.beta.iter().zip(ends).map(|(b, (low, high))| b * (high - low)).sum();
        (eta + way, step)
    }

    /// The predictors of a row before and after the change; returns the number that changes, where
    /// it is one.
    pub fn read(&self, row: usize, low: &mut [f64], high: &mut [f64]) -> f64 {
        let m = self.data.y.len();
        if let Change::Rows { low: before, high: after, value } = self.change {
            for j in 0..low.len() {
                (low[j], high[j]) = (before[j * m + row], after[j * m + row]);
            }
            return value.map_or(0.0, |v| v[row]);
        }
        for (j, x) in low.iter_mut().enumerate() {
            *x = self.data.x[j * m + row];
        }
        let mut value = 0.0;
        match *self.change {
            Change::Number { column } => {
                value = low[column];
                low[column] = 0.0;
                high.copy_from_slice(low);
                high[column] = 1.0;
            }
            Change::Category { first, end, base, column } => {
                low[first..end].fill(0.0);
                high.copy_from_slice(low);
                high[column] = 1.0;
                if let Some(base) = base {
                    low[base] = 1.0;
                }
            }
            Change::Rows { .. } => {}
        }
        value
    }
}
