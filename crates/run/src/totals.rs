//! What is kept of a run: totals for each row and diagnosand, and for each compared pair.

use std::ops::Range;

use trialrun_plan::{CustomDiagnosands, Expectation, Plan, Row, RowInfo, SubjectKind};
use trialrun_stats::Failure;

use crate::check::{Contest, ContestTotal};
use crate::custom::{self, CustomTotal, Sight};
use crate::diagnosands;
use crate::families::{self, Tally};
use crate::summary::{Scratch, Total};

/// The rows of results that a plan gives, and which of them are compared.
#[derive(Debug)]
pub(crate) struct Layout {
    /// Level of tests.
    pub alpha: f64,
    /// What the diagnosis has rows of.
    pub rows: Vec<Source>,
    /// Number of columns of results: one for each estimator, outcome, estimand and term, then one
    /// for each member of a family.
    pub n_columns: usize,
    /// Pairs of rows of different estimators that share an estimand, in the order of rows.
    pub pairs: Vec<(usize, usize)>,
    /// Rows that a check compares in one diagnosand.
    pub contests: Vec<Contest>,
}

/// Where the numbers of a row of the diagnosis come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A column of results: that of an estimator, or the corrected one of a member.
    Column(usize),
    /// The columns of a family's members.
    Family(Range<usize>),
}

impl Source {
    fn of(plan: &Plan, kind: SubjectKind) -> Self {
        let corrected = plan.n_rows();
        match kind {
            SubjectKind::Estimator(row) => Self::Column(row),
            SubjectKind::Member(_, row) => Self::Column(corrected + row),
            SubjectKind::Family(place) => {
                let family = &plan.families[place];
                let first = corrected + family.first_row;
                Self::Family(first..first + family.members.len())
            }
        }
    }
}

impl Layout {
    pub fn of(plan: &Plan) -> Self {
        let rows: Vec<RowInfo<'_>> = plan.row_infos().collect();
        let share = |a: &RowInfo<'_>, b: &RowInfo<'_>| {
            let differ = a.estimator.first_row != b.estimator.first_row;
            differ && a.aim.estimand.is_some() && a.aim.estimand == b.aim.estimand
        };
        let pairs_of = |a: usize| {
            (a + 1..rows.len()).map(move |b| (a, b)).filter(|(a, b)| share(&rows[*a], &rows[*b]))
        };
        let pairs = (0..rows.len()).flat_map(pairs_of).collect();
        let rows = plan.subjects().iter().map(|subject| Source::of(plan, subject.kind)).collect();
        let n_columns = plan.n_rows() + plan.n_corrected();
        Self { alpha: plan.alpha, rows, n_columns, pairs, contests: Vec::new() }
    }

    /// The layout with what the plan's expectations compare.
    pub fn with_contests(plan: &Plan) -> Self {
        let contest = |e: &Expectation| {
            let (diagnosand, row) = (e.diagnosand, e.row);
            e.rival.map(|rival| Contest { diagnosand, row, rival })
        };
        let contests = plan.expectations.iter().filter_map(contest).collect();
        Self { contests, ..Self::of(plan) }
    }
}

/// What batches are reduced with.
#[derive(Default)]
pub(crate) struct Buffers {
    pub scratch: Scratch,
    pub sight: Sight,
}

/// Totals of one row.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RowTotals {
    /// Failed fits by reason, in the order of `Failure::ALL`.
    pub failures: [u64; Failure::ALL.len()],
    /// Fits on the boundary.
    pub boundary: u64,
    /// One total for each built-in diagnosand, or for each of families.
    pub diagnosands: Vec<Total>,
    /// One for each of the design's own.
    pub custom: Vec<CustomTotal>,
}

/// Totals of a run, or of a batch of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Totals {
    /// One for each row of the layout; none before the first batch.
    pub rows: Vec<RowTotals>,
    /// For each pair of the layout, one total for each diagnosand that is compared, the design's
    /// own last.
    pub pairs: Vec<Vec<Total>>,
    /// One for each contest of the layout.
    pub contests: Vec<ContestTotal>,
}

impl Totals {
    /// Reduces a batch of `n` simulations, in the place of what was here.
    ///
    /// `columns`: the columns of results, `stride` rows for each, of which the first
    /// `n` are filled.
    pub fn reduce(
        &mut self,
        layout: &Layout,
        own: &CustomDiagnosands,
        columns: &[Row],
        (stride, n): (usize, usize),
        buffers: &mut Buffers,
    ) {
        let Buffers { scratch, sight } = buffers;
        sight.look(own, columns, (stride, n), layout.n_columns);
        let of_row = |row: usize| &columns[row * stride..row * stride + n];
        let tallies = |members: &Range<usize>| {
            let members = members.clone();
            (0..n).map(move |sim| {
                Tally::of(members.clone().map(|column| &of_row(column)[sim]), layout.alpha)
            })
        };
        self.rows.resize_with(layout.rows.len(), RowTotals::default);
        for (source, totals) in layout.rows.iter().zip(&mut self.rows) {
            match source {
                Source::Column(column) => {
                    totals.reduce(of_row(*column), layout.alpha, scratch);
                    totals.custom.resize_with(own.list.len(), CustomTotal::default);
                    let each = own.list.iter().zip(&mut totals.custom).enumerate();
                    each.for_each(|(place, (own, total))| {
                        total.reduce(own, (*column, place), sight, scratch);
                    });
                }
                Source::Family(members) => totals.reduce_family(tallies(members), scratch),
            }
        }
        self.pairs.resize_with(layout.pairs.len(), Vec::new);
        for (&(a, b), totals) in layout.pairs.iter().zip(&mut self.pairs) {
            totals.clear();
            for diagnosand in diagnosands::ALL.iter().filter(|d| d.compared) {
                let pair = (of_row(a), of_row(b));
                totals.extend(diagnosand.summary.reduce_pair(pair, layout.alpha, scratch));
            }
            for (place, own) in own.list.iter().enumerate() {
                totals.extend(custom::reduce_pair(own, place, (a, b), sight, scratch));
            }
        }
        self.contests.clear();
        let contests = layout.contests.iter().map(|contest| {
            let (row, rival) = match (&layout.rows[contest.row], &layout.rows[contest.rival]) {
                (Source::Column(row), Source::Column(rival)) => (*row, *rival),
                (Source::Family(a), Source::Family(b)) => {
                    return contest.reduce_families(tallies(a).zip(tallies(b)), scratch);
                }
                _ => unreachable!("families are compared with families"),
            };
            let contest = Contest { row, rival, ..*contest };
            match contest.diagnosand.checked_sub(diagnosands::INFO.len()) {
                Some(place) => contest.reduce_custom(&own.list[place], sight, scratch),
                None => contest.reduce((of_row(row), of_row(rival)), layout.alpha, scratch),
            }
        });
        self.contests.extend(contests);
    }

    /// A look at the first row.
    pub fn snapshot(&self) -> Snapshot {
        let measure = |name| {
            let place = diagnosands::position(name)?;
            let total = self.rows.first()?.diagnosands.get(place)?;
            Some(diagnosands::ALL[place].summary.measure(total)).filter(|m| m.n > 0)
        };
        let coverage = measure("coverage").map(|m| ("coverage", m));
        let (diagnosand, measure) =
            coverage.unwrap_or_else(|| ("power", measure("power").unwrap_or_default()));
        Snapshot { diagnosand, value: measure.value, mcse: measure.mcse }
    }

    /// Adds the totals of the simulations that follow.
    pub fn merge(&mut self, later: &Self) {
        if self.rows.is_empty() {
            self.clone_from(later);
            return;
        }
        for (row, new) in self.rows.iter_mut().zip(&later.rows) {
            row.failures.iter_mut().zip(new.failures).for_each(|(all, more)| *all += more);
            row.boundary += new.boundary;
            merge_each(&mut row.diagnosands, &new.diagnosands);
            row.custom.iter_mut().zip(&new.custom).for_each(|(total, more)| total.merge(more));
        }
        for (pair, new) in self.pairs.iter_mut().zip(&later.pairs) {
            merge_each(pair, new);
        }
        for (contest, new) in self.contests.iter_mut().zip(&later.contests) {
            contest.merge(new);
        }
    }
}

impl RowTotals {
    fn reduce(&mut self, rows: &[Row], alpha: f64, scratch: &mut Scratch) {
        (self.failures, self.boundary) = Default::default();
        for row in rows {
            match row.fit {
                Ok(_) => self.boundary += u64::from(row.boundary),
                Err(reason) => {
                    let place = Failure::ALL.iter().position(|f| *f == reason);
                    self.failures[place.expect("ALL has every failure")] += 1;
                }
            }
        }
        self.diagnosands.clear();
        let reduced = diagnosands::ALL.iter().map(|d| d.summary.reduce(rows, alpha, scratch));
        self.diagnosands.extend(reduced);
    }

    /// Reduces what a family's tests do.
    fn reduce_family(
        &mut self,
        tallies: impl Iterator<Item = Tally> + Clone,
        scratch: &mut Scratch,
    ) {
        (self.failures, self.boundary) = Default::default();
        self.diagnosands.clear();
        let reduced = families::ALL.iter().map(|own| own.summary.reduce(tallies.clone(), scratch));
        self.diagnosands.extend(reduced);
    }
}

fn merge_each(totals: &mut [Total], later: &[Total]) {
    totals.iter_mut().zip(later).for_each(|(total, new)| total.merge(new));
}

/// A look at a run that is under way: coverage of the first row, or power where it has no
/// estimand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Snapshot {
    /// The diagnosand's name.
    pub diagnosand: &'static str,
    /// Its value so far.
    pub value: Option<f64>,
    /// Its Monte Carlo error.
    pub mcse: Option<f64>,
}

#[cfg(test)]
mod tests;
