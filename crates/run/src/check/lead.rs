//! How much better one estimator or family is than another, on the same draws.

use trialrun_plan::{CustomDiagnosand, Form, Row};
use trialrun_stats::bounds::{Sample, rate};
use trialrun_stats::moments::Moments;

use super::evidence::roots;
use crate::custom::Sight;
use crate::diagnosands::{self, Better};
use crate::families::{self, Tallied, Tally};
use crate::summary::{Scratch, Summary, error_of_roots};

/// Two rows that are compared in a diagnosand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Contest {
    /// The place of the diagnosand.
    pub diagnosand: usize,
    /// The row that should be better: a place in the diagnosis, or the column that it comes from.
    pub row: usize,
    /// The other.
    pub rival: usize,
}

/// What is kept of two rows that are compared: simulations in which both count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ContestTotal {
    /// An event: how often it happened to both, to one alone, and simulations.
    Events { n: u64, both: u64, only_row: u64, only_rival: u64 },
    /// A number: moments of both, of the difference, `row` less `rival`, and of the sum.
    Numbers { row: Moments, rival: Moments, difference: Moments, sum: Moments },
}

impl Contest {
    /// Reduces the rows of a batch.
    pub fn reduce(
        &self,
        (rows, rivals): (&[Row], &[Row]),
        alpha: f64,
        scratch: &mut Scratch,
    ) -> ContestTotal {
        let pairs = rows.iter().zip(rivals);
        match diagnosands::ALL[self.diagnosand].summary {
            Summary::Rate(event) => ContestTotal::of_events(
                pairs.filter_map(|(a, b)| event(a, alpha).zip(event(b, alpha))),
            ),
            Summary::Mean(value) | Summary::RootMean(value) => ContestTotal::of_numbers(
                pairs.filter_map(|(a, b)| value(a, alpha).zip(value(b, alpha))),
                scratch,
            ),
            Summary::Sd(_) | Summary::MeanOverSd { .. } => {
                unreachable!("no estimator is the better in it")
            }
        }
    }

    /// The same of two families as wholes.
    pub fn reduce_families(
        &self,
        pairs: impl Iterator<Item = (Tally, Tally)>,
        scratch: &mut Scratch,
    ) -> ContestTotal {
        match families::ALL[self.diagnosand - diagnosands::ALL.len()].summary {
            Tallied::Rate(event) => {
                ContestTotal::of_events(pairs.filter_map(|(a, b)| event(&a).zip(event(&b))))
            }
            Tallied::Share(value) | Tallied::Mean(value) => ContestTotal::of_numbers(
                pairs.filter_map(|(a, b)| value(&a).zip(value(&b))),
                scratch,
            ),
        }
    }

    /// The same of a diagnosand of the design's own.
    pub fn reduce_custom(
        &self,
        own: &CustomDiagnosand,
        sight: &Sight,
        scratch: &mut Scratch,
    ) -> ContestTotal {
        let place = self.diagnosand - diagnosands::INFO.len();
        let pairs = sight.pairs(place, (self.row, self.rival));
        match own.form() {
            Form::Rate => ContestTotal::of_events(pairs.map(|(a, b)| (a != 0.0, b != 0.0))),
            _ => ContestTotal::of_numbers(pairs, scratch),
        }
    }
}

impl ContestTotal {
    fn of_events(pairs: impl Iterator<Item = (bool, bool)>) -> Self {
        let (mut n, mut both, mut only_row, mut only_rival) = (0, 0, 0, 0);
        for (a, b) in pairs {
            n += 1;
            both += u64::from(a && b);
            only_row += u64::from(a && !b);
            only_rival += u64::from(b && !a);
        }
        Self::Events { n, both, only_row, only_rival }
    }

    fn of_numbers(pairs: impl Iterator<Item = (f64, f64)>, scratch: &mut Scratch) -> Self {
        let [row, rival, difference, sum] = scratch.contest(pairs);
        Self::Numbers { row, rival, difference, sum }
    }

    /// Adds what came later.
    pub fn merge(&mut self, later: &Self) {
        match (self, later) {
            (
                Self::Events { n, both, only_row, only_rival },
                Self::Events { n: n1, both: b1, only_row: r1, only_rival: v1 },
            ) => {
                *n += n1;
                *both += b1;
                *only_row += r1;
                *only_rival += v1;
            }
            (
                Self::Numbers { row, rival, difference, sum },
                Self::Numbers { row: r1, rival: v1, difference: d1, sum: s1 },
            ) => {
                row.merge(r1);
                rival.merge(v1);
                difference.merge(d1);
                sum.merge(s1);
            }
            _ => unreachable!("totals of one contest are of one kind"),
        }
    }

    /// Simulations in which both count.
    pub fn n(&self) -> u64 {
        match self {
            Self::Events { n, .. } => *n,
            Self::Numbers { difference, .. } => difference.n,
        }
    }
}

/// How much better a row is than its rival: positive where it is better.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lead<'a> {
    pub better: Better,
    /// Whether the root of the mean is meant.
    pub of_roots: bool,
    pub alpha: f64,
    pub total: &'a ContestTotal,
}

impl Lead<'_> {
    /// The lead itself.
    pub fn value(&self) -> Option<f64> {
        if self.total.n() == 0 {
            return None;
        }
        let (row, rival, difference, sum) = self.centres();
        let lead = match self.better {
            Better::Smaller if self.of_roots => rival.sqrt() - row.sqrt(),
            Better::Smaller => -difference,
            Better::Larger => difference,
            Better::NearerZero | Better::NearerConfidence => nearer(difference, sum),
        };
        lead.is_finite().then_some(lead)
    }

    /// The means of row, rival, difference, and of the sum around twice the target.
    fn centres(&self) -> (f64, f64, f64, f64) {
        match self.total {
            ContestTotal::Events { n, both, only_row, only_rival } => {
                let share = |count: u64| count as f64 / *n as f64;
                let (row, rival) = (share(both + only_row), share(both + only_rival));
                let difference = (*only_row as f64 - *only_rival as f64) / *n as f64;
                (row, rival, difference, row + rival - 2.0 * self.target())
            }
            ContestTotal::Numbers { row, rival, difference, sum } => {
                (row.mean, rival.mean, difference.mean, sum.mean - 2.0 * self.target())
            }
        }
    }

    fn target(&self) -> f64 {
        if self.better == Better::NearerConfidence { 1.0 - self.alpha } else { 0.0 }
    }

    /// Its Monte Carlo error: that of the difference, or of the sum where this is what tells which
    /// of the two is nearer to the target; of roots by the delta method.
    pub fn mcse(&self) -> Option<f64> {
        let (row, rival, difference, sum) = self.centres();
        let by_sum = matches!(self.better, Better::NearerZero | Better::NearerConfidence)
            && sum.abs() < difference.abs();
        let error = match self.total {
            ContestTotal::Events { n, both, only_row, only_rival } => {
                let count = *n as f64;
                let (one, two) = ((only_row + only_rival) as f64, *both as f64);
                let (mean, square) = if by_sum {
                    (row + rival, (one + 4.0 * two) / count)
                } else {
                    (difference, one / count)
                };
                ((square - mean * mean).max(0.0) / count).sqrt()
            }
            ContestTotal::Numbers { sum, .. } if by_sum => sum.mean_error()?,
            ContestTotal::Numbers { row: a, rival: b, difference: d, .. } if self.of_roots => {
                error_of_roots(a, b, (a.m2 + b.m2 - d.m2) / 2.0)
            }
            ContestTotal::Numbers { difference, .. } => difference.mean_error()?,
        };
        (self.total.n() >= 2 && error.is_finite()).then_some(error)
    }

    /// Bounds that miss the truth with probability `error` at most, both sides together.
    ///
    /// The difference has half of the probability, so that what the two share cancels; what else
    /// the lead depends on has the other half.
    pub fn bounds(&self, error: f64) -> Option<(f64, f64)> {
        let minus = |(low, high): (f64, f64)| (-high, -low);
        Some(match self.better {
            Better::Smaller if self.of_roots => {
                let (row, rival) = self.each(error / 4.0)?;
                let ((a, b), (c, d)) = (roots(row), roots(rival));
                // rival - row = (rival^2 - row^2) / (rival + row)
                let (low, high) = minus(self.difference(error / 2.0)?);
                let over = |lead: f64, least: bool| {
                    let sum = if (lead >= 0.0) == least { b + d } else { a + c };
                    if lead == 0.0 { 0.0 } else { lead / sum }
                };
                let bounds = (over(low, true), over(high, false));
                return (bounds.0.is_finite() && bounds.1.is_finite()).then_some(bounds);
            }
            Better::Smaller => minus(self.difference(error)?),
            Better::Larger => self.difference(error)?,
            Better::NearerZero | Better::NearerConfidence => {
                let (d, s) = (self.difference(error / 2.0)?, self.sum(error / 2.0)?);
                // For a given difference `nearer` is monotone in the sum, and the reverse: its
                // extremes over a rectangle are at corners.
                let corners = [(d.0, s.0), (d.0, s.1), (d.1, s.0), (d.1, s.1)];
                let leads = corners.map(|(d, s)| nearer(d, s));
                (
                    leads.into_iter().fold(f64::INFINITY, f64::min),
                    leads.into_iter().fold(f64::NEG_INFINITY, f64::max),
                )
            }
        })
    }

    /// Bounds on the difference, `row` less `rival`.
    fn difference(&self, error: f64) -> Option<(f64, f64)> {
        match self.total {
            ContestTotal::Events { n, only_row, only_rival, .. } => {
                let row = rate(*only_row, *n, error / 2.0)?;
                let rival = rate(*only_rival, *n, error / 2.0)?;
                Some((row.0 - rival.1, row.1 - rival.0))
            }
            ContestTotal::Numbers { difference, .. } => Sample::of(difference).bounds(error),
        }
    }

    /// Bounds on the sum of both distances from the target.
    fn sum(&self, error: f64) -> Option<(f64, f64)> {
        let twice = 2.0 * self.target();
        match self.total {
            ContestTotal::Events { .. } => {
                let (row, rival) = self.each(error / 2.0)?;
                Some((row.0 + rival.0 - twice, row.1 + rival.1 - twice))
            }
            ContestTotal::Numbers { sum, .. } => {
                Sample::of(sum).bounds(error).map(|(low, high)| (low - twice, high - twice))
            }
        }
    }

    /// Bounds on each of the two alone.
    #[allow(clippy::type_complexity)]
    fn each(&self, error: f64) -> Option<((f64, f64), (f64, f64))> {
        match self.total {
            ContestTotal::Events { n, both, only_row, only_rival } => {
                Some((rate(both + only_row, *n, error)?, rate(both + only_rival, *n, error)?))
            }
            ContestTotal::Numbers { row, rival, .. } => {
                Some((Sample::of(row).bounds(error)?, Sample::of(rival).bounds(error)?))
            }
        }
    }
}

/// `|b| - |a|` from `a - b` and `a + b`: by how much `a` is nearer to 0.
///
/// The larger of `|a - b|` and `|a + b|` is `|a| + |b|`, and their product is `|a^2 - b^2|`.
pub(super) fn nearer(difference: f64, sum: f64) -> f64 {
    let size = difference.abs().min(sum.abs());
    if (difference < 0.0) == (sum < 0.0) { -size } else { size }
}
