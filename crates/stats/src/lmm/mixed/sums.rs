//! Cross-products of random effects, predictors and outcome, component by component.

use super::basis::Basis;
use super::index::{Index, Route};
use super::parameters::Parameters;
use super::{Data, Structure, parts, scales, whole};
use crate::Failure;
use crate::linalg::room;

/// A pivot below this share of its diagonal is rounding error.
pub(super) const PIVOT_MIN: f64 = 1e-12;
/// What predictors and groups leave of the outcome is rounding error below this share of it.
const EXPLAINED: f64 = 1e-12;

/// The rows of each component, turned so that its part of `Z` is an upper triangle `C'` over zeros.
///
/// `Z_c'W Z_c = C C'`; the outcome and the predictors turned along are `C^-1 Z_c'W [Q e]` above,
/// and what is below enters only through the sum of its cross-products. The effects of a factor
/// are measured from their means where they may be correlated with its intercept, and in units of
/// their spread.
#[derive(Clone, Debug, Default)]
pub(super) struct Sums {
    /// Rows of positive weight.
    pub n_obs: f64,
    /// Columns of `[Q e]`.
    pub width: usize,
    /// Of components taken whole.
    pub whole: whole::Sums,
    /// Of components taken in parts.
    pub parts: parts::Sums,
    /// `[Q e]'[Q e]` of what is below, `width x width`.
    pub below: Vec<f64>,
    /// Whether there are as many independent effects as rows.
    pub is_saturated: bool,
    /// For each factor and effect: where it is measured from, and its unit.
    pub scales: Vec<(f64, f64)>,
    /// Columns of `Z` of one row: place in the component, value.
    pub entries: Vec<(usize, f64)>,
    /// `below` once the predictors are taken out of it.
    pub spare: Vec<f64>,
    pub column: Vec<f64>,
}

/// The rows as they are read.
pub(super) struct Rows<'a> {
    pub data: &'a Data<'a>,
    pub structure: &'a Structure,
    pub basis: &'a Basis,
    pub index: &'a Index,
}

impl Sums {
    /// Reads the rows.
    ///
    /// # Errors
    /// `NotFinite`; `ZeroStandardError` where predictors and groups explain the outcome.
    pub fn read(
        &mut self,
        data: &Data,
        structure: &Structure,
        parameters: &Parameters,
        basis: &Basis,
        index: &Index,
    ) -> Result<(), Failure> {
        let counts = &basis.root[..data.y.len()];
        scales::find(structure, data.columns, counts, &mut self.scales)?;
        let k = basis.x.columns.len();
        (self.width, self.n_obs) = (k + 1, basis.n_obs);
        self.set_below(data, basis);
        let rows = Rows { data, structure, basis, index };
        let rank = match index.route {
            Route::Whole => self.read_whole(&rows),
            Route::Parts { inner } => self.read_parts(&rows, parameters.effects[inner]),
        };
        self.is_saturated = rank as f64 >= basis.n_obs;
        let left: f64 = basis.e[..data.y.len()].iter().map(|e| e * e).sum();
        let varies = left > 1e-28 * basis.total && left > 1e-280;
        let (unexplained, of_predictors) = self.take_out_predictors();
        if let Some(reductions) = &mut self.parts.reductions {
            reductions.note_all(unexplained, basis.n_obs - (rank + of_predictors) as f64);
        }
        if !varies || (!self.is_saturated && unexplained <= EXPLAINED * left) {
            return Err(Failure::ZeroStandardError);
        }
        Ok(())
    }

    /// Cross-products of all rows: the columns of `Q` are orthonormal, and `e` is free of them.
    fn set_below(&mut self, data: &Data, basis: &Basis) {
        let width = self.width;
        let below = room(&mut self.below, width * width);
        below.fill(0.0);
        for j in 0..width - 1 {
            below[j * width + j] = 1.0;
        }
        below[width * width - 1] = basis.e[..data.y.len()].iter().map(|e| e * e).sum();
    }

    /// Visits the rows that count: row, component; the row's columns of `Z` are in `entries`,
    /// factor after factor, multiplied by the root of its weight.
    pub fn each_row(&mut self, rows: &Rows, mut visit: impl FnMut(&mut Self, usize, usize)) {
        for i in (0..rows.data.y.len()).filter(|i| rows.basis.root[*i] > 0.0) {
            let component = rows.entries(i, &self.scales, &mut self.entries);
            visit(self, i, component);
        }
    }
}

impl Rows<'_> {
    /// Writes the columns of `Z` of row `i`, factor after factor, multiplied by the root of its
    /// weight; returns its component.
    pub fn entries(
        &self,
        i: usize,
        scales: &[(f64, f64)],
        entries: &mut Vec<(usize, f64)>,
    ) -> usize {
        let Rows { data, structure, basis, index } = *self;
        let (mut component, mut scale) = (0, 0);
        entries.clear();
        for (f, factor) in structure.factors.iter().enumerate() {
            let node = index.first[f] + index.group[f * data.y.len() + i] as usize;
            component = index.component[node] as usize;
            for (e, effect) in factor.effects.iter().enumerate() {
                let (mean, spread) = scales[scale + e];
                let value = effect.map_or(1.0, |c| (data.columns[c][i] - mean) / spread);
                entries.push((index.column[node] as usize + e, basis.root[i] * value));
            }
            scale += factor.effects.len();
        }
        component
    }
}
