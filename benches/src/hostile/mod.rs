//! Random data sets of every ugly shape, and what becomes of their fits: each has to end in
//! numbers, or in a reason.

mod draw;
mod glm;
mod glmm;
mod intercept;
mod mixed;
mod tally;
mod twist;

use crate::clock;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use draw::{Frame, Source};
pub use tally::{Outcome, Tally};
use trialrun_stats::Failure;
use trialrun_stats::special::student_t::{self, Critical};
use twist::Twist;

/// A kind of model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One random intercept, by its own route.
    Intercept,
    /// Linear mixed models in general, with tests and profiles.
    Mixed,
    /// Generalised linear models.
    Glm,
    /// Generalised linear mixed models.
    Glmm,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Intercept, Self::Mixed, Self::Glm, Self::Glmm];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Intercept => "intercept",
            Self::Mixed => "mixed",
            Self::Glm => "glm",
            Self::Glmm => "glmm",
        }
    }
}

/// Scratch space of all kinds, used again and again as in a simulation.
#[derive(Default)]
struct Spaces {
    intercept: trialrun_stats::lmm::Scratch,
    mixed: trialrun_stats::lmm::mixed::Scratch,
    glm: trialrun_stats::glm::Scratch,
    glmm: trialrun_stats::glmm::Scratch,
}

/// Data set `number` of a kind: its twist, what became of its fit, and the seconds that it took.
fn one(kind: Kind, number: u64, spaces: &mut Spaces) -> (Twist, Outcome, f64) {
    let begin = Instant::now();
    let mut r = Source::new(kind as u64 + 1, number);
    let frame = Frame::draw(&mut r, matches!(kind, Kind::Intercept | Kind::Mixed));
    let clock = || clock::busy().unwrap_or_else(|| begin.elapsed().as_secs_f64());
    let start = clock();
    let attempt = catch_unwind(AssertUnwindSafe(|| match kind {
        Kind::Intercept => intercept::fit(&frame, &mut r, &mut spaces.intercept),
        Kind::Mixed => mixed::fit(&frame, &mut r, &mut spaces.mixed),
        Kind::Glm => glm::fit(&frame, &mut r, &mut spaces.glm),
        Kind::Glmm => glmm::fit(&frame, &mut r, &mut spaces.glmm),
    }));
    let seconds = clock() - start;
    let outcome = attempt.unwrap_or_else(|panic| {
        *spaces = Spaces::default();
        let text = panic.downcast_ref::<String>().map_or("", String::as_str);
        Outcome { broken: Some(format!("panicked: {text}")), ..Outcome::default() }
    });
    (frame.twist, outcome, seconds)
}

/// Fits data sets of a kind.
pub fn run(kind: Kind, numbers: std::ops::Range<u64>) -> Tally {
    let (mut tally, mut spaces) = (Tally::default(), Spaces::default());
    for number in numbers {
        let (twist, outcome, seconds) = one(kind, number, &mut spaces);
        tally.add(number, &format!("{twist:?}"), &outcome, seconds);
    }
    tally
}

/// Checks a coefficient, its test and its interval.
fn check_coefficient(outcome: &mut Outcome, found: Result<[f64; 3], Failure>) {
    let Some([estimate, std_error, df]) = outcome.take("coefficient", found) else { return };
    outcome.check("coefficient", std_error > 0.0 && df > 0.0, &[estimate, std_error]);
    let p_value = student_t::two_sided(estimate / std_error, df);
    outcome.check("p-value", (0.0..=1.0).contains(&p_value), &[p_value, df.min(f64::MAX)]);
    let critical = Critical::new(0.05).at(df);
    if critical == f64::INFINITY {
        outcome.lost.push(("interval", Failure::NoResidualDf));
        return;
    }
    let half = critical * std_error;
    outcome.check("interval", half > 0.0, &[estimate - half, estimate + half, df.min(f64::MAX)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Data sets of each kind here; `cargo bench --bench hostile` tries a hundred thousand.
    const N: u64 = 2500;

    #[test]
    fn every_fit_ends_in_numbers_or_in_a_reason() {
        for kind in Kind::ALL {
            let tally = run(kind, 0..N);
            assert!(tally.broken.is_empty(), "{}", tally.text(kind.name()));
            let fitted = tally.count("value") + tally.count("boundary");
            assert!(fitted > 2 * N / 5, "{}", tally.text(kind.name()));
            // Offsets of hundreds and weights of 1e150 have no optimum that doubles can tell.
            assert!(tally.count("not_converged") < N / 10, "{}", tally.text(kind.name()));
        }
    }

    /// Data sets whose variances are beyond all numbers, of the few among a hundred thousand.
    #[test]
    fn numbers_that_overflow_have_their_reason() {
        let intercept = [31_055];
        let mixed = [14_222, 15_128, 38_331, 53_578, 70_506, 76_310, 97_749];
        let glm = [27_096, 34_917];
        let found = [(Kind::Intercept, &intercept[..]), (Kind::Mixed, &mixed), (Kind::Glm, &glm)];
        for (kind, numbers) in found {
            for &number in numbers {
                let (_, outcome, _) = one(kind, number, &mut Spaces::default());
                assert_eq!(outcome.broken, None, "{number}");
                assert_eq!(outcome.failure, Some(Failure::NotFinite), "{number}");
            }
        }
    }

    /// What was fitted before leaves no trace.
    #[test]
    fn a_fit_does_not_depend_on_those_before_it() {
        for kind in Kind::ALL {
            let mut used = Spaces::default();
            for number in 0..N / 10 {
                let again = one(kind, number, &mut used).1;
                let fresh = one(kind, number, &mut Spaces::default()).1;
                assert_eq!(format!("{again:?}"), format!("{fresh:?}"), "{kind:?} {number}");
            }
        }
    }
}
