//! Decides whether a design's diagnosands are what its file expects, with an error rate that is
//! kept.
//!
//! # What it decides
//! Each expectation names a diagnosand and a band. The diagnosand of infinitely many simulations,
//! the truth, lies in the band or it does not. A check says *met*, *not met* or *undecided*. A
//! wrong verdict is a *met* while the truth lies outside of the band, or a *not met* while it lies
//! inside. The probability that a run of `check` gives any wrong verdict is at most the error
//! rate: 1 in 1,000 unless `--error-rate` says otherwise. The seed is what it is taken over.
//!
//! # How it decides
//! Simulations run in stages: a look after 1,024 of them, then after half as many again each time,
//! the last at `--max-sims`. At each look every open expectation has bounds on its diagnosand. If
//! they lie in the band it is met, if they lie outside it is not met, and otherwise the run goes
//! on. What is open at the last look is undecided. The expectation of a truth well inside its band
//! is met after a few thousand simulations; one whose truth is on the edge of the band never is.
//!
//! # Why the error rate is kept
//! The error rate is shared equally by the expectations of a run, m of them, and by the looks, K of
//! them. The bounds of one look miss the truth with probability `error rate / (m K)` at most. So
//! the probability that any bounds of any expectation ever miss is at most
//! ```text
//! m K (error rate / (m K)) = error rate
//! ```
//! whatever the dependence between looks and between expectations (Boole's inequality), and while
//! none misses no verdict is wrong: bounds that hold the truth and lie in the band show that the
//! truth lies in the band. Bounds at a fixed number of looks, with the error spent in equal parts,
//! are a confidence sequence. Its price against bounds that know how looks depend on each other is
//! small: with 14 looks and an error of 0.001 the quantile is 4.0 where one look would have 3.3.
//!
//! # The bounds
//! - A rate (coverage, power, failures ...): Clopper and Pearson's, exact for every number of
//!   simulations.
//! - A mean (bias, mean_se, ci_width ...): Student's t with Hall's cubic transformation, which
//!   takes out the skewness of the simulated numbers. It is not exact; its error at 1,024
//!   simulations and in the far tails that a check uses is in `reports/false-alarms.md`. It asks
//!   for a finite fourth moment, and waits as long as a few large values make up the mean.
//! - rmse: the root of the bounds on the mean of squares. sd_estimate: the root of bounds on the
//!   mean of the variances of each eight successive estimates. se_ratio: the extremes of the ratio
//!   over bounds with half the error each.
//! - A diagnosand of the design's own: that of a rate, of a mean or of a standard deviation where
//!   it is one; else the extremes of its function of k averages over bounds with a k-th of the
//!   error each.
//! - `better_than`: bounds on the difference over the same draws. For rates these are exact bounds
//!   on how often the event happens to one of the two alone; for rmse the difference of mean
//!   squares over the sum of roots; for bias and coverage, of which the better is the nearer to its
//!   target, bounds on difference and sum together.
//!
//! # References
//! Lan and DeMets 1983, Biometrika 70:659 (error spent over looks). Howard, Ramdas, McAuliffe and
//! Sekhon 2021, Annals of Statistics 49:1055 (confidence sequences). Clopper and Pearson 1934,
//! Biometrika 26:404. Hall 1992, Journal of the Royal Statistical Society B 54:221.

mod evidence;
mod lead;
mod stages;

use trialrun_plan::{Expectation, Plan};

pub use evidence::{Evidence, Sample};
pub(crate) use lead::{Contest, ContestTotal, Lead};
pub use stages::looks;

use crate::runner::{Runner, Settings, Stopped, Watch};

/// The manual of `check`.
pub const MANUAL: &str = include_str!("mod.rs");

/// What a check of a design may do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// Probability of a wrong verdict on one expectation, all looks together.
    pub error: f64,
    /// Most simulations.
    pub max_sims: u64,
    /// Seed of the random numbers.
    pub seed: u64,
    /// Threads; they do not change the result.
    pub threads: Option<usize>,
}

/// Whether an expectation is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The bounds lie in the band.
    Met,
    /// The bounds lie outside of the band.
    NotMet,
    /// The simulations allowed do not tell.
    Undecided,
}

/// What a check says about an expectation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ruling {
    /// The expectation.
    pub expectation: Expectation,
    /// Whether it is met.
    pub verdict: Verdict,
    /// The diagnosand, or the lead over the other estimator, when it was decided.
    pub value: Option<f64>,
    /// Its Monte Carlo error.
    pub mcse: Option<f64>,
    /// Its bounds at the last look.
    pub bounds: Option<(f64, f64)>,
    /// Simulations that count for it.
    pub n: u64,
    /// Simulations until it was decided.
    pub sims: u64,
}

/// What a check says about a design.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// One for each expectation, in their order.
    pub rulings: Vec<Ruling>,
    /// Simulations done.
    pub sims: u64,
    /// Whether it was interrupted: what was not decided then is undecided.
    pub interrupted: bool,
}

/// Simulates until every expectation of a design is decided, or the simulations allowed are done.
///
/// A design without expectations is not simulated.
///
/// # Errors
/// If a simulation can not be done.
pub fn check(plan: &Plan, rules: &Rules, watch: &dyn Watch) -> Result<Checked, Stopped> {
    let settings = Settings { seed: rules.seed, threads: rules.threads, ..Settings::default() };
    let mut runner = Runner::with_contests(plan, &settings);
    let looks = looks(rules.max_sims);
    let error = rules.error / looks.len() as f64;
    let mut rulings: Vec<Ruling> = plan.expectations.iter().map(Ruling::open).collect();
    for look in looks {
        if rulings.iter().all(|ruling| ruling.verdict != Verdict::Undecided) {
            break;
        }
        runner.extend(look - runner.sims(), watch)?;
        if runner.sims() < look {
            break;
        }
        for ruling in rulings.iter_mut().filter(|r| r.verdict == Verdict::Undecided) {
            ruling.look(&runner, error);
        }
    }
    let interrupted = runner.sims() < runner.asked();
    Ok(Checked { rulings, sims: runner.sims(), interrupted })
}

impl Ruling {
    fn open(expectation: &Expectation) -> Self {
        Self {
            expectation: *expectation,
            verdict: Verdict::Undecided,
            value: None,
            mcse: None,
            bounds: None,
            n: 0,
            sims: 0,
        }
    }

    /// Looks at the simulations so far.
    fn look(&mut self, runner: &Runner<'_>, error: f64) {
        let Finding { value, mcse, n, bounds } = runner.finding(&self.expectation, error);
        let (low, high) = (self.expectation.low, self.expectation.high);
        (self.value, self.mcse, self.n, self.bounds) = (value, mcse, n, bounds);
        self.sims = runner.sims();
        self.verdict = match bounds {
            Some((from, to)) if low <= from && to <= high => Verdict::Met,
            Some((from, to)) if to < low || high < from => Verdict::NotMet,
            _ => Verdict::Undecided,
        };
    }
}

/// What the simulations so far say about an expectation.
pub(crate) struct Finding {
    pub value: Option<f64>,
    pub mcse: Option<f64>,
    pub n: u64,
    pub bounds: Option<(f64, f64)>,
}

#[cfg(test)]
mod tests;
