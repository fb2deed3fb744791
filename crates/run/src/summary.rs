//! How the numbers or events of simulations are summarised, and with what Monte Carlo error.

use trialrun_plan::Row;
use trialrun_stats::moments::{Joint, Moments};

use crate::check::{Evidence, Sample};

/// A number of one simulation, at that level of tests; none where it does not count.
pub type Value = fn(&Row, f64) -> Option<f64>;

/// Whether something happened in one simulation, at that level of tests; none where it does not
/// count.
pub type Event = fn(&Row, f64) -> Option<bool>;

/// What is summarised, and how.
#[derive(Clone, Copy, Debug)]
pub enum Summary {
    /// The mean of a number.
    Mean(Value),
    /// The share of simulations with an event.
    Rate(Event),
    /// The square root of the mean of a number that is not negative.
    RootMean(Value),
    /// The standard deviation of a number.
    Sd(Value),
    /// The mean of one number over the standard deviation of another.
    MeanOverSd {
        /// The number whose mean is taken.
        mean: Value,
        /// The number whose standard deviation is taken.
        sd: Value,
    },
}

/// A summary of simulations with its Monte Carlo error.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measure {
    /// The summary; none where it is not defined, or too large for a number.
    pub value: Option<f64>,
    /// Its Monte Carlo standard error; none where `n < 2`.
    pub mcse: Option<f64>,
    /// Simulations that it is made of.
    pub n: u64,
    /// Simulations in which what is summarised is no finite number; the summary then has no value.
    pub undefined: u64,
    /// The Wilson interval of level 0.95 of a rate.
    pub interval: Option<(f64, f64)>,
}

/// What is kept of the simulations so far: as much as the summary needs, and no more.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Total {
    /// Simulations that count, and those with the event.
    Count { n: u64, events: u64 },
    /// Moments of a number.
    Moments(Moments),
    /// Moments of a number, and of the variances of each eight successive values.
    Spread { all: Moments, eights: Moments },
    /// Joint moments of two numbers, and of the variances of each eight successive values of the
    /// second.
    Ratio { both: Joint, eights: Moments },
    /// Joint moments of two numbers.
    Joint(Joint),
}

/// Successive values whose variance is one observation of the variance: see
/// [`Evidence::Sd`](crate::check::Evidence::Sd).
const EIGHT: usize = 8;

/// Buffers for the numbers of a batch.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    x: Vec<f64>,
    y: Vec<f64>,
    z: Vec<f64>,
    /// Values of the averages of a diagnosand of the design's own.
    pub averages: Vec<Vec<f64>>,
}

impl Summary {
    /// Whether it is the share of simulations with an event.
    pub fn is_rate(&self) -> bool {
        matches!(self, Self::Rate(_))
    }

    /// Its smallest and largest possible value.
    pub const fn range(&self) -> (f64, f64) {
        match self {
            Self::Rate(_) => (0.0, 1.0),
            Self::RootMean(_) | Self::Sd(_) => (0.0, f64::INFINITY),
            Self::Mean(_) | Self::MeanOverSd { .. } => (f64::NEG_INFINITY, f64::INFINITY),
        }
    }

    /// Reduces the rows of a batch.
    pub(crate) fn reduce(&self, rows: &[Row], alpha: f64, scratch: &mut Scratch) -> Total {
        match *self {
            Self::Rate(event) => {
                let (mut n, mut events) = (0, 0);
                for happened in rows.iter().filter_map(|row| event(row, alpha)) {
                    n += 1;
                    events += u64::from(happened);
                }
                Total::Count { n, events }
            }
            Self::Mean(value) | Self::RootMean(value) => {
                scratch.moments(rows.iter().filter_map(|row| value(row, alpha)))
            }
            Self::Sd(value) => {
                scratch.y.clear();
                scratch.y.extend(rows.iter().filter_map(|row| value(row, alpha)));
                Total::Spread { all: Moments::of(&scratch.y), eights: scratch.eights() }
            }
            Self::MeanOverSd { mean, sd } => {
                let both = rows.iter().filter_map(|row| mean(row, alpha).zip(sd(row, alpha)));
                let both = scratch.joint(both);
                Total::Ratio { both, eights: scratch.eights() }
            }
        }
    }

    /// Reduces the paired rows of two estimators: what both have in a simulation is compared
    /// there. None for summaries in which estimators are not compared.
    pub(crate) fn reduce_pair(
        &self,
        pairs: (&[Row], &[Row]),
        alpha: f64,
        scratch: &mut Scratch,
    ) -> Option<Total> {
        let rows = pairs.0.iter().zip(pairs.1);
        match *self {
            Self::Mean(value) => {
                let both = rows.filter_map(|(a, b)| value(a, alpha).zip(value(b, alpha)));
                Some(scratch.differences(both))
            }
            Self::Rate(event) => {
                let both = rows.filter_map(|(a, b)| event(a, alpha).zip(event(b, alpha)));
                Some(scratch.differences(both.map(|(a, b)| (f64::from(a), f64::from(b)))))
            }
            Self::RootMean(value) => {
                let both = rows.filter_map(|(a, b)| value(a, alpha).zip(value(b, alpha)));
                Some(Total::Joint(scratch.joint(both)))
            }
            Self::Sd(_) | Self::MeanOverSd { .. } => None,
        }
    }

    /// The summary of everything that was reduced.
    pub(crate) fn measure(&self, total: &Total) -> Measure {
        match (self, total) {
            (Self::Rate(_), Total::Count { n, events }) => rate(*events, *n),
            (Self::Mean(_), Total::Moments(m)) => mean(m),
            (Self::RootMean(_), Total::Moments(m)) => root_mean(m),
            (Self::Sd(_), Total::Spread { all, .. }) => sd(all),
            (Self::MeanOverSd { .. }, Total::Ratio { both, .. }) => mean_over_sd(both),
            _ => unreachable!("a summary reduces to its own kind of total"),
        }
    }

    /// What the simulations tell about the summary.
    pub(crate) fn evidence(&self, total: &Total) -> Evidence {
        match (self, total) {
            (Self::Rate(_), &Total::Count { n, events }) => Evidence::Rate { n, events },
            (Self::Mean(_), Total::Moments(m)) => Evidence::Mean(Sample::of(m)),
            (Self::RootMean(_), Total::Moments(m)) => Evidence::RootMean(Sample::of(m)),
            (Self::Sd(_), Total::Spread { eights, .. }) => Evidence::Sd(Sample::of(eights)),
            (Self::MeanOverSd { .. }, Total::Ratio { both, eights }) => {
                Evidence::MeanOverSd { mean: Sample::of(&both.x), variance: Sample::of(eights) }
            }
            _ => unreachable!("a summary reduces to its own kind of total"),
        }
    }
}

impl Total {
    /// The difference, first minus second, of everything that was reduced in pairs.
    pub(crate) fn difference(&self) -> Measure {
        match self {
            Self::Moments(m) => mean(m),
            Self::Joint(j) => difference_of_roots(j),
            _ => unreachable!("differences are numbers"),
        }
    }

    /// Adds what came later.
    pub(crate) fn merge(&mut self, later: &Self) {
        match (self, later) {
            (Self::Count { n, events }, Self::Count { n: more, events: new }) => {
                *n += more;
                *events += new;
            }
            (Self::Moments(a), Self::Moments(b)) => a.merge(b),
            (Self::Spread { all, eights }, Self::Spread { all: more, eights: new }) => {
                all.merge(more);
                eights.merge(new);
            }
            (Self::Ratio { both, eights }, Self::Ratio { both: more, eights: new }) => {
                both.merge(more);
                eights.merge(new);
            }
            (Self::Joint(a), Self::Joint(b)) => a.merge(b),
            _ => unreachable!("totals of one diagnosand are of one kind"),
        }
    }
}

impl Scratch {
    /// Moments of numbers.
    pub(crate) fn moments(&mut self, values: impl Iterator<Item = f64>) -> Total {
        self.x.clear();
        self.x.extend(values);
        Total::Moments(Moments::of(&self.x))
    }

    /// Moments of the differences of pairs, first less second.
    pub(crate) fn differences(&mut self, pairs: impl Iterator<Item = (f64, f64)>) -> Total {
        self.moments(pairs.map(|(a, b)| a - b))
    }

    /// Joint moments of pairs.
    pub(crate) fn joint(&mut self, pairs: impl Iterator<Item = (f64, f64)>) -> Joint {
        self.x.clear();
        self.y.clear();
        for (x, y) in pairs {
            self.x.push(x);
            self.y.push(y);
        }
        Joint::of(&self.x, &self.y)
    }

    /// Moments of the first numbers of pairs, of the second, of their difference and their sum.
    pub(crate) fn contest(&mut self, pairs: impl Iterator<Item = (f64, f64)>) -> [Moments; 4] {
        let Joint { x, y, .. } = self.joint(pairs);
        let mut of = |combine: fn(f64, f64) -> f64| {
            self.z.clear();
            self.z.extend(self.x.iter().zip(&self.y).map(|(a, b)| combine(*a, *b)));
            Moments::of(&self.z)
        };
        [x, y, of(|a, b| a - b), of(|a, b| a + b)]
    }

    /// Moments of the variances of each eight successive values of `y`; those left over do not
    /// count. The values of `x` are lost.
    fn eights(&mut self) -> Moments {
        let values = std::mem::take(&mut self.y);
        let moments = self.eights_of(&values);
        self.y = values;
        moments
    }

    /// The same of other values.
    pub(crate) fn eights_of(&mut self, values: &[f64]) -> Moments {
        self.x.clear();
        let chunks = values.chunks_exact(EIGHT);
        self.x.extend(chunks.map(|eight| Moments::of(eight).m2 / (EIGHT - 1) as f64));
        Moments::of(&self.x)
    }
}

impl Measure {
    /// A measure that hides what overflowed, and an error where there is no value.
    pub(crate) fn new(n: u64, value: Option<f64>, mcse: Option<f64>) -> Self {
        let value = value.filter(|v| v.is_finite());
        let mcse = mcse.filter(|e| e.is_finite() && n >= 2 && value.is_some());
        Self { value, mcse, n, ..Self::default() }
    }
}

/// A rate with its binomial error `sqrt(p (1 - p) / n)` and its Wilson interval.
pub(crate) fn rate(events: u64, n: u64) -> Measure {
    if n == 0 {
        return Measure::default();
    }
    let p = events as f64 / n as f64;
    let error = (p * (1.0 - p) / n as f64).sqrt();
    Measure { interval: Some(wilson(events, n)), ..Measure::new(n, Some(p), Some(error)) }
}

/// The Wilson interval of level 0.95 for a rate.
///
/// `(p + z^2 / 2n +- z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n)` with `p = events / n`.
///
/// `events <= n`; with `n = 0` nothing is known, and the interval is 0 to 1.
///
/// # References
/// Wilson 1927, Journal of the American Statistical Association 22:209. Brown, Cai and DasGupta
/// 2001, Statistical Science 16:101, equation 4.
pub fn wilson(events: u64, n: u64) -> (f64, f64) {
    /// The quantile 0.975 of the normal distribution.
    const Z: f64 = 1.959963984540054;
    if n == 0 {
        return (0.0, 1.0);
    }
    let (count, square) = (n as f64, Z * Z);
    let p = events as f64 / count;
    let scale = 1.0 + square / count;
    let centre = p + square / (2.0 * count);
    let half = Z * (p * (1.0 - p) / count + square / (4.0 * count * count)).sqrt();
    // At the ends the interval closes exactly; rounding must not open it.
    let low = if events == 0 { 0.0 } else { (centre - half) / scale };
    let high = if events == n { 1.0 } else { (centre + half) / scale };
    (low.max(0.0), high.min(1.0))
}

pub(crate) fn mean(m: &Moments) -> Measure {
    Measure::new(m.n, (m.n > 0).then_some(m.mean), m.mean_error())
}

/// The root of a mean; error by the delta method, `sd / (2 root sqrt(n))`.
pub(crate) fn root_mean(m: &Moments) -> Measure {
    let root = m.mean.sqrt();
    let error = m.mean_error().map(|e| e * root_slope(root));
    Measure::new(m.n, (m.n > 0).then_some(root), error)
}

/// The derivative of a square root at the square of `root`. A mean of 0 of numbers that are not
/// negative has no spread: its root is exact.
fn root_slope(root: f64) -> f64 {
    if root > 0.0 { 0.5 / root } else { 0.0 }
}

/// A standard deviation; its error is in the manual of `sd_estimate`.
pub(crate) fn sd(m: &Moments) -> Measure {
    let error = m.sd().map(|s| {
        let n = m.n as f64;
        let fourth = s.powi(4) * (n - 3.0) / (n - 1.0);
        root_slope(s) * ((m.m4 / n - fourth).max(0.0) / n).sqrt()
    });
    Measure::new(m.n, m.sd(), error)
}

/// A mean over a standard deviation; the error is derived in the manual of `se_ratio`.
fn mean_over_sd(j: &Joint) -> Measure {
    let Some(sd) = j.y.sd().filter(|s| *s > 0.0 && s.is_finite()) else {
        return Measure::new(j.x.n, None, None);
    };
    let (n, ratio) = (j.x.n as f64, j.x.mean / sd);
    let variance = j.y.m2 / n;
    // The three sums over simulations of the manual, each times (mean w)^2.
    let of_mean = j.x.m2;
    let of_sd = j.x.mean * j.x.mean * (j.y.m4 / (variance * variance) - n) / 4.0;
    let of_both = j.x.mean * j.xyy / variance;
    let squares = (of_mean + of_sd - of_both).max(0.0);
    let error = (squares / (n * (n - 1.0))).sqrt() / sd;
    Measure::new(j.x.n, Some(ratio), Some(error))
}

/// The difference of two roots of means over the same simulations.
fn difference_of_roots(j: &Joint) -> Measure {
    let difference = j.x.mean.sqrt() - j.y.mean.sqrt();
    let error = error_of_roots(&j.x, &j.y, j.xy);
    Measure::new(j.x.n, (j.x.n > 0).then_some(difference), Some(error))
}

/// The error of a difference of two roots of means over the same simulations; its formula is in
/// the manual of `rmse`. `xy`: sum of products around the means.
pub(crate) fn error_of_roots(x: &Moments, y: &Moments, xy: f64) -> f64 {
    let (n, s, t) = (x.n as f64, root_slope(x.mean.sqrt()), root_slope(y.mean.sqrt()));
    let squares = s * s * x.m2 + t * t * y.m2 - 2.0 * s * t * xy;
    (squares.max(0.0) / (n * (n - 1.0))).sqrt()
}

#[cfg(test)]
mod tests;
