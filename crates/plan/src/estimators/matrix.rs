//! Model matrices: which columns a model's terms have, and their values.

use super::model::{Model, ModelScratch, Term};
use crate::exec::Workspace;
use crate::exec::workspace::grow;
use crate::ids::ColumnId;

impl Model {
    /// Finds the categories of each categorical column that occur, in ascending order.
    pub(super) fn find_categories(
        &self,
        ws: &Workspace,
        scratch: &mut ModelScratch,
        n: usize,
        picked: bool,
    ) {
        let ModelScratch { categories, category_starts, index, .. } = scratch;
        categories.clear();
        category_starts.clear();
        category_starts.push(0);
        for column in self.categorical() {
            let start = categories.len();
            let values = ws.column(column);
            let mut last = f64::NAN;
            for i in 0..n {
                // Adding zero makes one of the two zeros.
                let value = values[if picked { index[i] as usize } else { i }] + 0.0;
                if value.is_nan() || value == last {
                    continue;
                }
                last = value;
                let found = categories[start..].binary_search_by(|c| c.total_cmp(&value));
                if let Err(place) = found {
                    categories.insert(start + place, value);
                }
            }
            category_starts.push(categories.len() as u32);
        }
    }

    /// Finds the first column of each term, and returns the number of columns.
    pub(super) fn find_starts(&self, scratch: &mut ModelScratch) -> usize {
        let ModelScratch { category_starts, starts, .. } = scratch;
        starts.clear();
        let mut p = usize::from(self.intercept);
        let mut first_factor = 0;
        for term in &self.terms {
            starts.push(p);
            let mut n_columns = 1;
            for (f, factor) in term.factors.iter().enumerate() {
                let range = &category_starts[first_factor + f..];
                let n_categories = (range[1] - range[0]) as usize;
                n_columns *= n_categories.saturating_sub(usize::from(!factor.full));
            }
            first_factor += term.factors.len();
            p += n_columns;
        }
        starts.push(p);
        p
    }

    /// Fills a model matrix, column after column: that of the model's own terms, or of terms like
    /// them. A factor that is `forced` has one code in every row.
    pub fn fill(
        &self,
        terms: &[Term],
        forced: Option<(&str, f64)>,
        columns: &[Vec<f64>],
        scratch: &ModelScratch,
        n: usize,
        x: &mut [f64],
    ) {
        let ModelScratch { index, categories, category_starts, starts, .. } = scratch;
        let index = if scratch.picked { Some(index.as_slice()) } else { None };
        if self.intercept {
            x[..n].fill(1.0);
        }
        let mut first_factor = 0;
        for (t, term) in terms.iter().enumerate() {
            for column in starts[t]..starts[t + 1] {
                let out = &mut x[column * n..(column + 1) * n];
                match term.numeric {
                    Some(numeric) => gather(&columns[numeric.idx()], index, out),
                    None => out.fill(1.0),
                }
                let mut rest = column - starts[t];
                for (f, factor) in term.factors.iter().enumerate() {
                    let range = &category_starts[first_factor + f..];
                    let own = &categories[range[0] as usize..range[1] as usize];
                    let own = &own[usize::from(!factor.full)..];
                    let category = own[rest % own.len()];
                    rest /= own.len();
                    match forced.filter(|(label, _)| *label == factor.label) {
                        Some((_, code)) if code == category => {}
                        Some(_) => out.fill(0.0),
                        None => keep_where(&columns[factor.column.idx()], index, category, out),
                    }
                }
            }
            first_factor += term.factors.len();
        }
    }

    /// The categories of the first factor of a term that occur, in ascending order.
    pub fn categories<'s>(&self, scratch: &'s ModelScratch, term: usize) -> &'s [f64] {
        let before: usize = self.terms[..term].iter().map(|t| t.factors.len()).sum();
        let range = &scratch.category_starts[before..];
        &scratch.categories[range[0] as usize..range[1] as usize]
    }
}

/// Copies picked rows of a column.
pub(super) fn copy(ws: &Workspace, column: ColumnId, index: Option<&[u32]>, out: &mut Vec<f64>) {
    let values = ws.column(column);
    grow(out, index.map_or(values.len(), <[u32]>::len));
    gather(values, index, out);
}

pub(super) fn gather(values: &[f64], index: Option<&[u32]>, out: &mut [f64]) {
    match index {
        None => out.copy_from_slice(&values[..out.len()]),
        Some(index) => out.iter_mut().zip(index).for_each(|(o, i)| *o = values[*i as usize]),
    }
}

/// Sets to zero where a row is not of the category; a missing category makes the row missing.
pub(super) fn keep_where(codes: &[f64], index: Option<&[u32]>, category: f64, out: &mut [f64]) {
    for (i, o) in out.iter_mut().enumerate() {
        let row = index.map_or(i, |index| index[i] as usize);
        if codes[row] != category {
            *o = if codes[row].is_nan() { f64::NAN } else { 0.0 };
        }
    }
}
