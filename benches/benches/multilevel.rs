//! Multilevel logistic regression beside lme4's `glmer`, on the same data in the same run.
//!
//! `cargo bench -p trialrun-benches --bench multilevel`; a number after `--` is the number of
//! rounds. A round of ours is twenty fits. Without R, or without lme4, only ours is timed.
#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Dxsm;
use trialrun_benches::{clock, machine};
use trialrun_stats::glm::{self, Family};
use trialrun_stats::glmm::{self, Curvature, Data, Integral, Nodes, Scratch};
use trialrun_stats::lmm::mixed::{Factor, Structure};

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

/// Rows: y, z (by group), x, g, h.
fn columns(groups: usize, size: usize) -> [Vec<f64>; 5] {
    let mut rng = Pcg64Dxsm::seed_from_u64(20_260_101);
    let mut normal = || -> f64 { rng.sample(rand_distr::StandardNormal) };
    let own: Vec<[f64; 2]> = (0..groups).map(|_| [normal(), 0.5 * normal()]).collect();
    let others: Vec<f64> = (0..size).map(|_| 0.7 * normal()).collect();
    let mut columns = [const { Vec::new() }; 5];
    for (i, [level, slope]) in own.iter().enumerate() {
        for (j, other) in others.iter().enumerate() {
            let (z, x) = ((i % 2) as f64, normal());
            let eta = -0.5 + 0.6 * z + (0.4 + slope) * x + level + other;
            let logistic = trialrun_stats::special::normal::cdf(normal());
            let y = f64::from(u8::from((logistic / (1.0 - logistic)).ln() < eta));
            let row = [y, z, x, i as f64, j as f64];
            columns.iter_mut().zip(row).for_each(|(column, v)| column.push(v));
        }
    }
    columns
}

fn csv(columns: &[Vec<f64>; 5]) -> String {
    let mut text = "y,z,x,g,h\n".to_string();
    for i in 0..columns[0].len() {
        let row: Vec<String> = columns.iter().map(|c| c[i].to_string()).collect();
        let _ = writeln!(text, "{}", row.join(","));
    }
    text
}

/// Seconds of one fit in each round, and the log-likelihood.
fn ours(case: &Case, columns: &[Vec<f64>; 5], rounds: usize) -> (Vec<f64>, f64) {
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

/// The log-likelihood and the seconds of each fit by glmer, or why there are none.
fn theirs(data: &Path, case: &Case) -> Result<(f64, Vec<f64>), String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("glmer.R");
    let mut command = Command::new("Rscript");
    command.arg(script).arg(data).arg(case.formula).arg(case.nodes.to_string());
    let out = command.arg(FITS_OF_R.to_string()).output().map_err(|e| format!("no R: {e}"))?;
    let text = String::from_utf8_lossy(&out.stdout);
    let mut lines = text
        .lines()
        .map(|line| line.split_whitespace().filter_map(|v| v.parse().ok()).collect::<Vec<f64>>());
    match (lines.next().as_deref(), lines.next()) {
        (Some([value]), Some(seconds)) if !seconds.is_empty() => Ok((*value, seconds)),
        _ => Err(String::from_utf8_lossy(&out.stderr).trim().to_string()),
    }
}

fn main() {
    let rounds = clock::rounds(11);
    println!("multilevel logistic: us a fit, medians (least); ratio of medians; {rounds} rounds");
    print!("{}", machine::describe());
    let block = |range: std::ops::Range<usize>| std::iter::once(range).collect();
    let intercept = |key| Factor { keys: vec![key], effects: vec![None], blocks: block(0..1) };
    let slope = Factor { effects: vec![None, Some(0)], blocks: block(0..2), ..intercept(1) };
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
        match theirs(&path, case) {
            Ok((value, seconds)) => {
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
