//! Columns beside the terms of a model: instruments, the levels of fixed effects, and clusters of
//! several ways.

use trialrun_stats::ols::Shape;

use super::matrix::{gather, keep_where};
use super::model::{Factor, Model, ModelScratch, Term};
use crate::exec::Workspace;
use crate::exec::workspace::{Grouping, grow};
use crate::ids::{ColumnId, GroupingId};

impl Model {
    /// The categorical columns whose categories a fit has to know: factors of the terms, then of
    /// the instruments, then fixed effects.
    pub(super) fn categorical(&self) -> impl Iterator<Item = ColumnId> {
        let instruments = self.instruments.iter().flat_map(|z| &z.terms);
        let factors = self.terms.iter().chain(instruments).flat_map(|t| &t.factors);
        factors.map(|f| f.column).chain(self.fixed.iter().copied())
    }

    /// Adds the instruments, the levels of fixed effects and the clusters of several ways, numbered
    /// from 0, to the columns.
    pub(super) fn add_columns(&self, ws: &Workspace, scratch: &mut ModelScratch, n: usize) {
        scratch.shape = Shape::default();
        if self.instruments.is_none() && self.fixed.is_empty() && self.ways.is_none() {
            return;
        }
        let ModelScratch { x, index, categories, category_starts, starts, cells, .. } = scratch;
        let index = if scratch.picked { Some(index.as_slice()) } else { None };
        let known = Known { categories, starts: category_starts };
        let p = starts.last().copied().unwrap_or(0);
        let mut first: usize = self.terms.iter().map(|t| t.factors.len()).sum();
        let n_instruments = self.instruments.as_ref().map_or(0, |z| {
            let mut place = first;
            let widths = z.terms.iter().map(|term| {
                place += term.factors.len();
                known.width(term, place - term.factors.len())
            });
            usize::from(z.intercept) + widths.sum::<usize>()
        });
        scratch.shape = Shape {
            instruments: n_instruments,
            fixed: self.fixed.len(),
            ways: self.ways.as_ref().map_or(0, |ways| ways.keys.len()),
        };
        grow(x, (p + scratch.shape.n_beside()) * n);
        let mut columns = x[p * n..].chunks_exact_mut(n.max(1));
        if let Some(z) = &self.instruments {
            if z.intercept
                && let Some(out) = columns.next()
            {
                out.fill(1.0);
            }
            for term in &z.terms {
                for at in 0..known.width(term, first) {
                    let Some(out) = columns.next() else { return };
                    fill_column(ws, term, index, &known, (first, at), out);
                }
                first += term.factors.len();
            }
        }
        for ((place, column), out) in self.fixed.iter().enumerate().zip(&mut columns) {
            level_codes(ws.column(*column), index, known.of(first + place), out);
        }
        let groupings = self.ways.iter().flat_map(|ways| &ways.groupings);
        for (grouping, out) in groupings.zip(columns) {
            number_groups(ws.grouping(*grouping), ws.size(self.rows), cells);
            gather(cells, index, out);
        }
    }
}

/// The instruments of a model.
#[derive(Clone, Debug)]
pub struct Instruments {
    /// Whether there is an intercept among them.
    pub intercept: bool,
    /// The terms.
    pub terms: Vec<Term>,
}

/// Clusters of several ways.
pub struct Ways {
    /// The clusters of each row, by ways.
    pub keys: Vec<ColumnId>,
    /// The rows sorted by each combination of ways: number `c - 1` by those whose bits `c` has.
    pub groupings: Vec<GroupingId>,
}

/// Writes the number of the group of each row; none where it has none.
fn number_groups(grouping: &Grouping, n: usize, numbers: &mut Vec<f64>) {
    grow(numbers, n);
    numbers.fill(f64::NAN);
    for (group, run) in grouping.offsets.windows(2).enumerate() {
        for row in &grouping.order[run[0] as usize..run[1] as usize] {
            numbers[*row as usize] = group as f64;
        }
    }
}

/// The categories of factors that occur.
struct Known<'a> {
    categories: &'a [f64],
    starts: &'a [u32],
}

impl Known<'_> {
    /// Those of a factor.
    fn of(&self, factor: usize) -> &[f64] {
        &self.categories[self.starts[factor] as usize..self.starts[factor + 1] as usize]
    }

    /// Those of a factor that have a column.
    fn coded(&self, factor: &Factor, place: usize) -> &[f64] {
        let own = self.of(place);
        own.get(usize::from(!factor.full)..).unwrap_or(&[])
    }

    /// Number of columns of a term whose first factor is number `first`.
    fn width(&self, term: &Term, first: usize) -> usize {
        let of_factor = |(f, factor): (usize, &Factor)| self.coded(factor, first + f).len();
        term.factors.iter().enumerate().map(of_factor).product()
    }
}

/// Fills column `at` of a term; `first` is the number of its first factor.
fn fill_column(
    ws: &Workspace,
    term: &Term,
    index: Option<&[u32]>,
    known: &Known<'_>,
    (first, at): (usize, usize),
    out: &mut [f64],
) {
    match term.numeric {
        Some(numeric) => gather(ws.column(numeric), index, out),
        None => out.fill(1.0),
    }
    let mut rest = at;
    for (f, factor) in term.factors.iter().enumerate() {
        let own = known.coded(factor, first + f);
        let category = own[rest % own.len()];
        rest /= own.len();
        keep_where(ws.column(factor.column), index, category, out);
    }
}

/// Numbers the levels of a fixed effect from 0.
fn level_codes(values: &[f64], index: Option<&[u32]>, levels: &[f64], out: &mut [f64]) {
    let (mut last, mut code) = (f64::NAN, f64::NAN);
    for (i, o) in out.iter_mut().enumerate() {
        let value = values[index.map_or(i, |index| index[i] as usize)] + 0.0;
        if value != last {
            let found = levels.binary_search_by(|l| l.total_cmp(&value));
            (last, code) = (value, found.map_or(f64::NAN, |at| at as f64));
        }
        *o = code;
    }
}
