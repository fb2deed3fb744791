//! Average marginal effects: what a change of one predictor does to the mean, over all rows.

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
    /// Average marginal effect of a change, with the error of the delta method.
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
        work: &mut Vec<f64>,
    ) -> Result<Coefficient, Failure> {
        let p = self.cells.basis.kept.len();
        let work = room(work, 3 * p);
        work.fill(0.0);
        let (gradient, rest) = work.split_at_mut(p);
        let (low, high) = rest.split_at_mut(p);
        self.check(change, data)?;
        let as_derivative = self.is_derivative(change, data);
        let mut estimate = 0.0;
        for (cell, row, weight) in self.units(change) {
            let eta = self.search.eta[cell];
            let value = read(change, data, row, low, high);
            let (to_low, step) = (self.way(data, row, low), self.between(low, high));
            let (eta_low, eta_high) = (eta + to_low, eta + to_low + step);
            let mean = |eta: f64| self.family.mean(eta, self.alpha);
            if as_derivative {
                let here = mean(eta);
                estimate += weight * here.slope * step;
                for (j, g) in gradient.iter_mut().enumerate() {
                    let (d, x) = (high[j] - low[j], low[j] + value * (high[j] - low[j]));
                    *g += weight * (here.bend * step * x + here.slope * d);
                }
            } else {
                let (before, after) = (mean(eta_low), mean(eta_high));
                estimate += weight * (after.mu - before.mu);
                for (j, g) in gradient.iter_mut().enumerate() {
                    *g += weight * (after.slope * high[j] - before.slope * low[j]);
                }
            }
        }
        let variance = self.form(gradient, low);
        let std_error = variance.sqrt();
        if !(estimate.is_finite() && std_error.is_finite()) {
            return Err(Failure::NotFinite);
        }
        Ok(Coefficient { estimate, std_error, df: self.df() })
    }

    /// Cells, or rows where the change is given for rows: cell, row, and share of the weight.
    fn units(&self, change: &Change) -> impl Iterator<Item = (usize, usize, f64)> {
        let by_row = matches!(change, Change::Rows { .. });
        let cells = self.cells;
        let all = cells.weight;
        let rows = cells.live().filter(move |_| by_row);
        let rows = rows.map(move |(i, c)| (c, i, cells.w[c] / all));
        let own = cells.origin.iter().enumerate().filter(move |_| !by_row);
        own.map(move |(c, &i)| (c, i as usize, cells.total(c) / all)).chain(rows)
    }

    /// Checks that the columns which change are estimable.
    fn check(&self, change: &Change, data: &Data) -> Result<(), Failure> {
        let m = data.y.len();
        let dropped = |j: usize| !self.cells.basis.kept[j];
        let lost = match change {
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
    fn is_derivative(&self, change: &Change, data: &Data) -> bool {
        let m = data.y.len();
        let values = match change {
            Change::Number { column } => &data.x[column * m..(column + 1) * m],
            Change::Rows { value: Some(value), .. } => value,
            _ => return false,
        };
        self.cells.live().any(|(i, _)| values[i] != 0.0 && values[i] != 1.0)
    }

    /// From the row's own linear predictor to that of `low`.
    fn way(&self, data: &Data, row: usize, low: &[f64]) -> f64 {
        let m = data.y.len();
        let terms = self.beta.iter().zip(low).enumerate();
        terms.map(|(j, (b, low))| b * (low - data.x[j * m + row])).sum()
    }

    /// From the linear predictor of `low` to that of `high`.
    fn between(&self, low: &[f64], high: &[f64]) -> f64 {
        self.beta.iter().zip(low.iter().zip(high)).map(|(b, (low, high))| b * (high - low)).sum()
    }
}

/// The predictors of a row before and after the change; returns the number that changes, where it
/// is one.
fn read(change: &Change, data: &Data, row: usize, low: &mut [f64], high: &mut [f64]) -> f64 {
    let m = data.y.len();
    if let Change::Rows { low: before, high: after, value } = change {
        for j in 0..low.len() {
            (low[j], high[j]) = (before[j * m + row], after[j * m + row]);
        }
        return value.map_or(0.0, |v| v[row]);
    }
    for (j, x) in low.iter_mut().enumerate() {
        *x = data.x[j * m + row];
    }
    let mut value = 0.0;
    match *change {
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
