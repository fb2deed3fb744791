//! Multilevel logistic regression beside lme4's `glmer`, on the same data in the same run.
//!
//! `cargo bench -p trialrun-benches --bench multilevel`; a number after `--` is the number of
//! rounds. A round of ours is twenty fits. Without R, or without lme4, only ours is timed.
#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]

use trialrun_benches::crossing::{self, Columns, csv, intercept};
use trialrun_benches::{clock, lme4, machine};
use trialrun_stats::glm::{self, Family};
use trialrun_stats::glmm::{self, Curvature, Data, Integral, Nodes, Scratch};
use trialrun_stats::lmm::mixed::Structure;

/// Fits of a round.
const FITS: usize = 20;
/// Fits by R.
const FITS_OF_R: usize = 11;

/// A model: `y ~ z + x` with random effects of groups `g` and `h`, slopes of `x`.
struct Case {
    name: &'static str,
    formula: &'static str,
    nodes: usize,
    structure: Structure,
}

/// Treatments given to groups.
fn columns(groups: usize, size: usize) -> Columns {
    crossing::columns(groups, size, |place, normal| {
        let (z, x) = ((place.group[0] % 2) as f64, normal());
        let [own, slope] = place.own;
        let eta = -0.5 + 0.6 * z + (0.4 + slope) * x + own + place.other;
        let share = trialrun_stats::special::normal::cdf(normal());
        [f64::from(u8::from((share / (1.0 - share)).ln() < eta)), z, x]
    })
}

/// Seconds of one fit in each round, and the log-likelihood.
fn ours(case: &Case, columns: &Columns, rounds: usize) -> (Vec<f64>, f64) {
    let [y, z, x, g, h] = columns;
    let predictors: Vec<f64> =
        std::iter::repeat_n(1.0, y.len()).chain(z.iter().chain(x).copied()).collect();
    let rows =
        glm::Data { x: &predictors, y, weights: None, trials: None, offset: None, groups: &[] };
    let data = Data { rows, columns: &[x, g, h] };
    let nodes = Nodes::new(case.nodes).expect("an odd number of nodes");
    let integral = Integral { nodes, curvature: Curvature::Expected };
    let (mut scratch, mut log_likelihood) = (Scratch::default(), 0.0);
    let mut fit_often = || {
        for _ in 0..FITS {
            let fit = glmm::fit(&data, &case.structure, Family::Logit, &integral, &mut scratch);
            log_likelihood = fit.expect("a fit").log_likelihood(&data).expect("no weights");
        }
    };
    let [times] = clock::interleaved(rounds, [&mut fit_often]);
    (times.iter().map(|t| t / FITS as f64).collect(), log_likelihood)
}

fn main() {
    let rounds = clock::rounds(11);
    println!("multilevel logistic: us a fit, medians (least); ratio of medians; {rounds} rounds");
    print!("{}", machine::describe());
    let slope = crossing::slope(1, 0);
    let one = |name, formula, nodes, factors| Case {
        name,
        formula,
        nodes,
        structure: Structure { factors },
    };
    let cases = [
        one("intercept, Laplace", "y ~ z + x + (1 | g)", 1, vec![intercept(1)]),
        one("intercept, 7 nodes", "y ~ z + x + (1 | g)", 7, vec![intercept(1)]),
        one("slope, Laplace", "y ~ z + x + (1 + x | g)", 1, vec![slope]),
        one(
            "crossed, Laplace",
            "y ~ z + x + (1 | g) + (1 | h)",
            1,
            vec![intercept(1), intercept(2)],
        ),
    ];
    // 1,000 rows in 50 groups.
    let columns = columns(50, 20);
    let path = std::env::temp_dir().join(format!("trialrun-glmer-{}.csv", std::process::id()));
    std::fs::write(&path, csv(&columns)).expect("a place for the data");
    for case in &cases {
        let (times, log_likelihood) = ours(case, &columns, rounds);
        let us = |times: &[f64]| {
            format!("{:.1} ({:.1})", 1e6 * clock::median(times), 1e6 * clock::least(times))
        };
        print!("{:<22} {:>18}", case.name, us(&times));
        match lme4::glmer(&path, case.formula, case.nodes, FITS_OF_R) {
            Ok(lme4::Timed { seconds, criterion: value }) => {
                let ratio = clock::median(&seconds) / clock::median(&times);
                println!("   glmer {:>24}   ratio {ratio:.0}", us(&seconds));
                // For binary outcomes the constants are zero: glmer's optimum is no higher.
                assert!(value - log_likelihood < 1e-6, "glmer is {value}, ours {log_likelihood}");
            }
            Err(why) => println!("   glmer skipped: {why}"),
        }
    }
    let _ = std::fs::remove_file(&path);
}
