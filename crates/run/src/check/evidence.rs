//! What simulations tell about a diagnosand, and the bounds that this puts on it.

pub use trialrun_stats::bounds::Sample;
use trialrun_stats::bounds::rate;
use trialrun_stats::composite::Composite;

/// What the simulations tell about a diagnosand: as much as its bounds need.
#[derive(Clone, Debug, PartialEq)]
pub enum Evidence {
    /// A rate: the simulations that count, and those with the event.
    Rate {
        /// Simulations that count.
        n: u64,
        /// Those with the event.
        events: u64,
    },
    /// A mean.
    Mean(Sample),
    /// The root of a mean of numbers that are not negative.
    RootMean(Sample),
    /// A standard deviation. The sample is that of the variances, divisor 7, of each eight
    /// successive values: independent and without bias, so that their mean has the bounds of any
    /// mean, whatever the distribution of the values. For normal values this costs a seventh of
    /// the simulations.
    Sd(Sample),
    /// A mean over a standard deviation.
    MeanOverSd {
        /// The numbers whose mean it is.
        mean: Sample,
        /// The variances of each eight successive values, as for [`Evidence::Sd`].
        variance: Sample,
    },
    /// A function of averages.
    Function {
        /// Simulations that count.
        n: u64,
        /// Rates and means; a variance is the mean of the variances of each eight successive
        /// values, as for [`Evidence::Sd`].
        averages: Vec<Evidence>,
        /// The function.
        function: Composite,
    },
}

impl Evidence {
    /// Simulations that count.
    pub fn n(&self) -> u64 {
        match self {
            Self::Rate { n, .. } => *n,
            Self::Mean(sample) | Self::RootMean(sample) => sample.n,
            Self::Sd(sample) => 8 * sample.n,
            Self::MeanOverSd { mean, .. } => mean.n,
            Self::Function { n, .. } => *n,
        }
    }

    /// The value that the bounds surround.
    pub fn value(&self) -> Option<f64> {
        let value = match self {
            Self::Rate { n, events } => *events as f64 / *n as f64,
            Self::Mean(sample) => sample.mean,
            Self::RootMean(sample) | Self::Sd(sample) => sample.mean.sqrt(),
            Self::MeanOverSd { mean, variance } => mean.mean / variance.mean.sqrt(),
            Self::Function { averages, function, .. } => {
                let values: Option<Vec<f64>> = averages.iter().map(Self::value).collect();
                function.value(&values?)
            }
        };
        (self.n() > 0 && value.is_finite()).then_some(value)
    }

    /// Bounds that miss the truth with probability `error` at most, both sides together; none
    /// where the simulations do not suffice yet.
    ///
    /// Bounds on a function of a parameter that rises with it are the function of the bounds.
    /// Bounds on a function of several parameters are its smallest and largest value over bounds
    /// that miss with an equal share of the probability each.
    pub fn bounds(&self, error: f64) -> Option<(f64, f64)> {
        match self {
            Self::Rate { n, events } => rate(*events, *n, error),
            Self::Mean(sample) => sample.bounds(error),
            Self::RootMean(sample) | Self::Sd(sample) => sample.bounds(error).map(roots),
            Self::MeanOverSd { mean, variance } => {
                let (low, high) = mean.bounds(error / 2.0)?;
                let sd = roots(variance.bounds(error / 2.0)?);
                let ratio = |a: f64, sd: (f64, f64), least: bool| {
                    let over = if (a >= 0.0) == least { sd.1 } else { sd.0 };
                    a / over
                };
                let bounds = (ratio(low, sd, true), ratio(high, sd, false));
                (bounds.0.is_finite() && bounds.1.is_finite()).then_some(bounds)
            }
            Self::Function { averages, function, .. } => {
                let share = error / averages.len() as f64;
                let bounds: Option<Vec<(f64, f64)>> =
                    averages.iter().map(|average| average.bounds(share)).collect();
                function.range(&bounds?)
            }
        }
    }
}

/// The roots of two bounds on a number that is not negative.
pub(super) fn roots((low, high): (f64, f64)) -> (f64, f64) {
    (low.max(0.0).sqrt(), high.max(0.0).sqrt())
}
