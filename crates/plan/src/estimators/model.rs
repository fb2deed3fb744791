//! A model's columns, and the rows that a fit works on.
//!
//! Rows that share all their predictors, and their group, are collapsed into one: a treatment given
//! to whole classes makes a row a class, with the number of observations, their mean outcome and
//! their sum of squares around it. Least squares, its robust variances and random intercepts need
//! no more (`trialrun_stats::Rows`), so the cost of a fit is that of the level of its predictors.
//! Where predictors hang on assigned conditions alone, equal rows become one (module `cells`).

use trialrun_stats::ols::Shape;
use trialrun_stats::{Failure, Observations, Rows};

use super::cells::Cells;
use super::estimation::Coef;
use super::hypotheses::Hypotheses;
use super::matrix::{copy, gather, keep_where};
use super::outcomes::Outcome;
use super::shaped::{Instruments, Ways};
use crate::compile::Groups;
use crate::exec::Workspace;
use crate::exec::workspace::grow;
use crate::ids::{ColumnId, GroupingId, LevelId};

/// A compiled model.
pub struct Model {
    /// The level whose units are the model's rows once they are collapsed.
    pub rows: LevelId,
    /// Whether there is an intercept; it is the first column.
    pub intercept: bool,
    /// The terms in R's order.
    pub terms: Vec<Term>,
    /// The instruments, where there are any.
    pub instruments: Option<Instruments>,
    /// Fixed effects that are taken out of all columns.
    pub fixed: Vec<ColumnId>,
    /// The outcomes: one at least.
    pub outcomes: Vec<Outcome>,
    /// What a row stands for.
    pub observations: Source,
    /// Clusters, or groups of the random effect; blocks where there are no clusters.
    pub groups: Option<Groups>,
    /// Blocks, within which the groups are sorted.
    pub blocks: Option<Blocks>,
    /// Clusters of several ways.
    pub ways: Option<Ways>,
    /// Columns of `rows` that the method needs besides: offset, trials ...
    pub extras: Vec<ColumnId>,
    /// Only rows where this column is neither zero nor missing.
    pub subset: Option<ColumnId>,
    /// Whether values can be missing; rows with one are left out.
    pub drops_missing: bool,
    /// Hypotheses about the coefficients.
    pub hypotheses: Hypotheses,
}

/// Blocks of rows, contiguous in the order of the groups.
#[derive(Clone, Copy, Debug)]
pub struct Blocks {
    /// The block of each row.
    pub code: ColumnId,
    /// Rows by cluster alone, where the design does not say that clusters lie within blocks.
    pub clusters: Option<GroupingId>,
}

/// Where a row's weight comes from.
pub enum Source {
    /// Rows are single observations.
    Single,
    /// Rows have prior weights.
    Weighted(ColumnId),
    /// Rows stand for observations that share their predictors.
    Collapsed {
        /// Their number.
        count: ColumnId,
    },
    /// Rows of equal conditions are collapsed when the fit begins.
    Cells(Cells),
}

/// A term of a model: a product of numbers and of indicators of categories.
#[derive(Clone, Debug)]
pub struct Term {
    /// The labels of its factors, in order.
    pub parts: Vec<Part>,
    /// The product of its numeric factors.
    pub numeric: Option<ColumnId>,
    /// Its categorical factors.
    pub factors: Vec<Factor>,
    /// From which part on it is a covariate around its mean.
    pub centred_from: Option<usize>,
}

/// A factor of a term, for its label.
#[derive(Clone, Debug)]
pub enum Part {
    /// A number; its label.
    Numeric(String),
    /// A categorical factor: its place in `factors`.
    Factor(usize),
}

/// A categorical factor of a term.
#[derive(Clone, Debug)]
pub struct Factor {
    /// The label in the formula.
    pub label: String,
    /// The codes.
    pub column: ColumnId,
    /// The labels of the codes: an index into the plan's sets of labels.
    pub labels: Option<u32>,
    /// Whether every category has a column; if not, the first one has none (treatment contrasts).
    pub full: bool,
}

/// The rows of a fit, and scratch space to make them.
#[derive(Default)]
pub struct ModelScratch {
    pub(super) x: Vec<f64>,
    /// Values or means of each outcome, one after the other, where rows are picked.
    pub(super) outcome: Vec<f64>,
    pub(super) weight: Vec<f64>,
    /// Sums of squares of each outcome, one after the other.
    pub(super) within: Vec<f64>,
    /// The outcome that is fitted: its place among those of the model.
    pub response: usize,
    /// Whether the predictors have been factorised, for the outcome before.
    pub is_factorised: bool,
    /// The number of each row's cell, or of its cluster.
    pub(super) cells: Vec<f64>,
    /// The extra columns, one after the other, where rows are picked.
    extras: Vec<f64>,
    /// Whether the rows were picked out, or put in the order of groups: `index` has them.
    pub(super) picked: bool,
    /// Rows to use, in the order of their groups.
    pub(super) index: Vec<u32>,
    pub(super) offsets: Vec<u32>,
    /// Where blocks begin.
    pub blocks: Vec<u32>,
    /// Categories that occur, factor after factor.
    pub(super) categories: Vec<f64>,
    /// Where the categories of each factor begin.
    pub(super) category_starts: Vec<u32>,
    /// The first column of each term; one more than the terms.
    pub starts: Vec<usize>,
    /// Instruments and fixed effects among the columns, after the terms.
    pub shape: Shape,
    /// Columns whose coefficients are wanted.
    pub targets: Vec<usize>,
    /// Combinations of coefficients that are wanted: a factor for each column of the terms.
    pub contrasts: Vec<f64>,
    /// The values that these are tested against.
    pub values: Vec<f64>,
    /// What the last fit found for those of joint tests.
    pub(super) combined: Vec<Result<Coef, Failure>>,
    pub(super) form: Vec<f64>,
}

impl Model {
    /// Whether rows have prior weights.
    pub fn is_weighted(&self) -> bool {
        matches!(self.observations, Source::Weighted(_))
    }

    /// Makes the rows of a fit in the workspace's scratch space.
    ///
    /// # Errors
    /// `NoRows` where every row has a missing value.
    pub fn prepare(&self, ws: &mut Workspace) -> Result<(), Failure> {
        let mut scratch = std::mem::take(&mut ws.model);
        let picked = self.is_picked(ws);
        (scratch.picked, scratch.response, scratch.is_factorised) = (picked, 0, false);
        let found = match &self.observations {
            Source::Cells(cells) => {
                let subset = self.subset.map(|column| ws.column(column));
                cells.pick(ws, (&self.outcomes, ws.size(self.rows)), subset, &mut scratch)
            }
            _ if picked => {
                self.pick_rows(ws, &mut scratch);
                self.copy_picked(ws, &mut scratch);
                Ok(())
            }
            _ => Ok(()),
        };
        let index = if picked { Some(scratch.index.as_slice()) } else { None };
        let n = index.map_or(ws.size(self.rows), <[u32]>::len);
        self.find_categories(ws, &mut scratch, n, picked);
        let p = self.find_starts(&mut scratch);
        let mut x = std::mem::take(&mut scratch.x);
        grow(&mut x, p * n);
        self.fill(&self.terms, None, &ws.columns, &scratch, n, &mut x);
        scratch.x = x;
        self.centre(ws, &mut scratch, n);
        self.add_columns(ws, &mut scratch, n);
        let blocks = self.find_blocks(ws, &mut scratch, n, picked);
        ws.model = scratch;
        if n == 0 { Err(Failure::NoRows) } else { found.and(blocks) }
    }

    /// Copies outcomes, weights and extra columns of the picked rows.
    fn copy_picked(&self, ws: &Workspace, scratch: &mut ModelScratch) {
        let ModelScratch { index, outcome, weight, within, extras, .. } = scratch;
        let (n, index) = (index.len(), Some(index.as_slice()));
        match self.observations {
            Source::Single | Source::Cells(_) => {}
            Source::Weighted(column) | Source::Collapsed { count: column } => {
                copy(ws, column, index, weight);
            }
        }
        let all = |out: &mut Vec<f64>, columns: &mut dyn Iterator<Item = ColumnId>, most: usize| {
            grow(out, n * most);
            for (column, out) in columns.zip(out.chunks_exact_mut(n.max(1))) {
                gather(ws.column(column), index, out);
            }
        };
        let (outcomes, n_outcomes) = (&self.outcomes, self.outcomes.len());
        all(outcome, &mut outcomes.iter().map(|own| own.column), n_outcomes);
        all(within, &mut outcomes.iter().filter_map(|own| own.within), n_outcomes);
        all(extras, &mut self.extras.iter().copied(), self.extras.len());
    }

    /// The model with hypotheses about its coefficients.
    pub fn with_hypotheses(self, hypotheses: &Hypotheses) -> Self {
        Self { hypotheses: hypotheses.clone(), ..self }
    }

    /// The rows that `prepare` made, with the outcome at hand.
    pub fn rows<'w>(
        &self,
        scratch: &'w ModelScratch,
        columns: &'w [Vec<f64>],
        runs: &'w [Vec<u32>],
        n: usize,
    ) -> Rows<'w> {
        let p = scratch.starts.last().copied().unwrap_or(0);
        let p = p + scratch.shape.n_beside();
        let picked = scratch.picked;
        let n = if picked { scratch.index.len() } else { n };
        let Outcome { column, within, .. } = &self.outcomes[scratch.response];
        let source = |column: ColumnId, copied: &'w [f64]| {
            if picked { copied } else { &columns[column.idx()][..n] }
        };
        let own = |copied: &'w [f64]| {
            if picked { &copied[scratch.response * n..][..n] } else { copied }
        };
        let observations = match self.observations {
            Source::Single => Observations::Single,
            Source::Weighted(weight) => Observations::Weighted(source(weight, &scratch.weight)),
            Source::Collapsed { count } => Observations::Collapsed {
                count: source(count, &scratch.weight),
                within: within.map_or(&[], |column| source(column, own(&scratch.within))),
            },
            Source::Cells(_) => {
                Observations::Collapsed { count: &scratch.weight, within: own(&scratch.within) }
            }
        };
        let groups: &[u32] = match self.groups {
            None => &[],
            Some(Groups::Runs(_, id)) if !picked => &runs[id.idx()],
            Some(_) => &scratch.offsets,
        };
        let outcome = source(*column, own(&scratch.outcome));
        Rows { x: &scratch.x[..p * outcome.len()], y: outcome, observations, groups }
    }

    /// The columns that its rows are made of.
    pub fn columns(&self) -> Vec<ColumnId> {
        let instruments = self.instruments.iter().flat_map(|z| &z.terms);
        let terms = self.terms.iter().chain(instruments).flat_map(Term::columns);
        let observations = match &self.observations {
            Source::Single => Vec::new(),
            Source::Weighted(weight) => vec![*weight],
            Source::Collapsed { count } => vec![*count],
            Source::Cells(cells) => cells.columns(),
        };
        let beside = self.subset.into_iter().chain(self.blocks.map(|blocks| blocks.code));
        let outcomes = self.outcomes.iter().flat_map(Outcome::columns);
        let keys = self.ways.iter().flat_map(|ways| &ways.keys);
        let own = self.fixed.iter().chain(keys).chain(&self.extras).copied().chain(outcomes);
        terms.chain(own).chain(observations).chain(beside).collect()
    }

    /// Extra column number `i` at the rows that `prepare` made.
    pub fn extra<'w>(
        &self,
        scratch: &'w ModelScratch,
        columns: &'w [Vec<f64>],
        i: usize,
        n: usize,
    ) -> &'w [f64] {
        if scratch.picked {
            let n = scratch.index.len();
            &scratch.extras[i * n..(i + 1) * n]
        } else {
            &columns[self.extras[i].idx()][..n]
        }
    }

    /// The column of a coefficient: a term, and the category of each of its factors. `None` where
    /// a category does not occur, or is the one that the others are compared with.
    pub fn column_of(&self, scratch: &ModelScratch, term: usize, codes: &[f64]) -> Option<usize> {
        let before: usize = self.terms[..term].iter().map(|t| t.factors.len()).sum();
        let (mut place, mut stride) = (0, 1);
        for (f, (factor, code)) in self.terms[term].factors.iter().zip(codes).enumerate() {
            let range = &scratch.category_starts[before + f..];
            let own = &scratch.categories[range[0] as usize..range[1] as usize];
            let own = own.get(usize::from(!factor.full)..)?;
            place += stride * own.iter().position(|c| c == code)?;
            stride *= own.len();
        }
        Some(scratch.starts[term] + place)
    }

    /// The labels of all coefficients of the last fit, as R writes them.
    pub fn labels(&self, scratch: &ModelScratch, sets: &[Vec<String>]) -> Vec<String> {
        let mut labels = Vec::new();
        if self.intercept {
            labels.push("(Intercept)".to_string());
        }
        let mut first_factor = 0;
        for (t, term) in self.terms.iter().enumerate() {
            for column in scratch.starts[t]..scratch.starts[t + 1] {
                let mut rest = column - scratch.starts[t];
                let codes: Vec<f64> = (0..term.factors.len())
                    .map(|f| {
                        let range = &scratch.category_starts[first_factor + f..];
                        let own = &scratch.categories[range[0] as usize..range[1] as usize];
                        let own = &own[usize::from(!term.factors[f].full)..];
                        let code = own[rest % own.len()];
                        rest /= own.len();
                        code
                    })
                    .collect();
                labels.push(term.label(&codes, sets));
            }
            first_factor += term.factors.len();
        }
        labels
    }
}

impl Term {
    /// The values of its column for categories, on the units of the model's level.
    pub fn fill(&self, ws: &Workspace, codes: &[f64], out: &mut Vec<f64>, n: usize) {
        grow(out, n);
        match self.numeric {
            Some(column) => out.copy_from_slice(&ws.column(column)[..n]),
            None => out.fill(1.0),
        }
        for (factor, code) in self.factors.iter().zip(codes) {
            keep_where(ws.column(factor.column), None, *code, out);
        }
    }

    /// The variable of a term that is no product.
    pub fn variable(&self) -> Option<&String> {
        match self.parts.as_slice() {
            [Part::Numeric(label)] => Some(label),
            [Part::Factor(f)] => Some(&self.factors[*f].label),
            _ => None,
        }
    }

    /// The columns that it is made of.
    pub fn columns(&self) -> Vec<ColumnId> {
        self.numeric.into_iter().chain(self.factors.iter().map(|f| f.column)).collect()
    }

    /// The label of the coefficient for one category of each factor.
    pub fn label(&self, codes: &[f64], sets: &[Vec<String>]) -> String {
        let part = |part: &Part| match part {
            Part::Numeric(label) => label.clone(),
            Part::Factor(f) => {
                let factor = &self.factors[*f];
                format!("{}{}", factor.label, category_label(codes[*f], factor.labels, sets))
            }
        };
        let parts: Vec<String> = self.parts.iter().map(part).collect();
        let Some(from) = self.centred_from else { return parts.join(":") };
        let (before, covariate) = parts.split_at(from);
        let mut label: String = before.iter().map(|part| format!("{part}:")).collect();
        match covariate {
            [one] => label += &format!("{one}_c"),
            many => label += &format!("({})_c", many.join(":")),
        }
        label
    }
}

/// A category as text.
pub fn category_label(code: f64, labels: Option<u32>, sets: &[Vec<String>]) -> String {
    let label = labels.and_then(|l| sets[l as usize].get(code as usize));
    label.cloned().unwrap_or_else(|| code.to_string())
}
