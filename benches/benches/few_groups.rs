//! Coverage of mixed models with few groups, by degrees of freedom: the study behind
//! `reports/few-groups.md`.
//!
//! `cargo bench -p trialrun-benches --bench few_groups > reports/few-groups.md` makes the report
//! again; a number after `--` is the number of simulations. Nothing in it depends on time or
//! threads.
#![allow(clippy::print_stdout, reason = "a study prints what it found")]

use trialrun_plan::{Options, compile, read};
use trialrun_run::{Diagnosis, Settings, Unwatched, diagnosands};

/// Simulations of a number of villages, unless the command line says otherwise.
const SIMS: u64 = 10_000;

const DESIGN: &str = include_str!("../../designs/few-groups.ron");

/// Numbers of villages.
const VILLAGES: [f64; 7] = [4.0, 6.0, 8.0, 10.0, 16.0, 24.0, 40.0];

const TEXT: &str = "\
# Mixed models with few groups

How often the 95% interval of a treatment of whole villages holds the effect, by the degrees of
freedom that are given to it. The design is `few-groups` of the gallery: half of the villages are
treated, villages have about a dozen people each and differ in size, and the model with a random
intercept is right. In per cent, SIMS simulations a row, Monte Carlo errors in parentheses.
`benches/benches/few_groups.rs` makes the tables again.

`Ignored` leaves the villages out. `z` and `Residual` take the estimated variance of few villages
for the true one, and are too bold. `Between-within`, `Satterthwaite` and `Kenward-Roger` hold, from
six villages on. `Profile` is the interval by profile likelihood, as bold as `z`. `Means` is the
classical analysis: Welch's test of the means of the villages, without a model. The last column is
how often the variance of the villages is estimated as exactly zero; then Satterthwaite's degrees of
freedom are those of all people, and the others are careful.";

/// The design with a number of villages, and another intra-class correlation.
fn diagnose(villages: f64, icc: f64, sims: u64) -> Diagnosis {
    let (design, errors) = read(DESIGN);
    assert!(errors.is_empty(), "{errors:?}");
    let mut design = design.expect("a design without errors");
    design.expect.clear();
    let overrides = [("villages".to_string(), villages), ("icc".to_string(), icc)];
    let options =
        Options { overrides: &overrides, diagnosands: diagnosands::INFO, ..Options::default() };
    let plan = compile(&design, &options).unwrap_or_else(|errors| panic!("{errors:?}"));
    let settings = Settings { seed: 20_260_511, sims, ..Settings::default() };
    let run = trialrun_run::diagnose(&plan, &settings, &Unwatched);
    run.unwrap_or_else(|stopped| panic!("{stopped:?}")).diagnosis
}

/// A rate and its Monte Carlo error, in per cent.
fn rate(diagnosis: &Diagnosis, row: usize, name: &str) -> String {
    let measure = diagnosis.rows[row].measure(name);
    let known = measure.and_then(|m| Some((m.value?, m.mcse?)));
    known.map_or("-".to_string(), |(value, error)| {
        format!("{:.1} ({:.1})", 100.0 * value, 100.0 * error)
    })
}

fn table(icc: f64, sims: u64) {
    println!("\n## Intra-class correlation {icc}\n");
    let all = VILLAGES.map(|villages| diagnose(villages, icc, sims));
    let labels = all[0].rows.iter().map(|row| row.estimator.clone());
    println!("| villages | {} | variance zero |", labels.collect::<Vec<_>>().join(" | "));
    println!("| --: |{}", " --: |".repeat(all[0].rows.len() + 1));
    for (villages, diagnosis) in VILLAGES.iter().zip(&all) {
        let cells: Vec<String> =
            (0..diagnosis.rows.len()).map(|row| rate(diagnosis, row, "coverage")).collect();
        let at = diagnosis.rows.iter().position(|row| row.estimator == "Satterthwaite");
        let boundary = rate(diagnosis, at.expect("Satterthwaite's"), "boundary");
        println!("| {villages} | {} | {boundary} |", cells.join(" | "));
    }
}

fn main() {
    let sims = std::env::args().filter_map(|arg| arg.parse().ok()).next().unwrap_or(SIMS);
    println!("{}", TEXT.replace("SIMS", &sims.to_string()));
    for icc in [0.2, 0.05] {
        table(icc, sims);
    }
}
