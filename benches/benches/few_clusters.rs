//! Coverage with few clusters: the study behind `reports/few-clusters.md`.
//!
//! `cargo bench -p trialrun-benches --bench few_clusters > reports/few-clusters.md` makes the
//! report again; a number after `--` is the number of simulations of a design. Nothing in it
//! depends on time or threads.
#![allow(clippy::print_stdout, reason = "a study prints what it found")]

use trialrun_plan::{Options, Plan, compile, read};
use trialrun_run::{Diagnosis, Settings, Unwatched, diagnosands, diagnose};
use trialrun_stats::special::student_t;

/// Simulations of a design, unless the command line says otherwise.
const SIMS: u64 = 6000;

/// Villages of people, a share of them treated; noise of villages and of people.
const DESIGN: &str = r#"Design(
    name: "few clusters",
    steps: [
        Level(name: village, n: VILLAGES, variables: {
            village_effect: "normal(0, sqrt(0.1))",
            people: "SIZE",
        }),
        Level(name: person, n: "people", variables: { noise: "normal(0, sqrt(0.9))" }),
        PotentialOutcomes(outcome: y, conditions: { z: [0, 1] },
            formula: "village_effect + noise"),
        Estimand(label: ate, value: "mean(y_z_1 - y_z_0)"),
        Assignment(variable: z, method: Complete(m: TREATED), clusters: village),
        Reveal(outcome: y),
        ESTIMATORS
    ],
)"#;

/// An estimator: its label, its standard error, and its inference.
const ESTIMATORS: [(&str, &str, &str); 7] = [
    ("CR0", "CR0", ""),
    ("Stata", "Stata", ""),
    ("CR2", "CR2", ""),
    ("Wild", "Stata", "WildCluster"),
    ("Wild, Webb", "Stata", "WildCluster(weights: Webb)"),
    ("Wild, unrestricted", "Stata", "WildCluster(null: Unrestricted)"),
    ("Pairs", "Stata", "Bootstrap(interval: Studentised)"),
];

/// Sizes of villages: alike, or from 10 to 80 with most of them small.
const SIZES: [(&str, &str); 2] =
    [("30 each", "30"), ("10 to 80", "round(10 + 70 * ((village - 1) / (VILLAGES - 1)) ^ 2)")];

fn main() {
    let sims = std::env::args().filter_map(|arg| arg.parse().ok()).next().unwrap_or(SIMS);
    println!("# Which interval can be trusted with few clusters?\n");
    println!(
        "A treatment is given to whole villages; outcomes are normal, with an intra-class \
         correlation of 0.1\n\
         and no effect. Each row of a table is a design of {sims} simulations: how often the \
         interval of level\n\
         0.95 covers the truth, in per cent. The Monte Carlo error of 95 is {:.2}. \
         `benches/benches/few_clusters.rs`\n\
         makes the report again, and `designs/few-clusters.ron` is one of its designs. The wild \
         bootstraps\n\
         have 999 replicates (all of them, where there are fewer) and Stata's standard error.",
        100.0 * (0.95 * 0.05 / sims as f64).sqrt()
    );
    for (name, size) in SIZES {
        println!("\n## Half of the villages treated, {name}\n");
        heading("villages");
        for villages in [6, 10, 20, 40] {
            let found = study(villages, villages / 2, size, sims);
            row(&format!("{villages}"), &found);
            if size == "30" {
                theory(villages);
            }
        }
    }
    println!("\n## Few of 20 villages treated, 10 to 80 people\n");
    heading("treated");
    for treated in [2, 3, 4, 6] {
        row(&format!("{treated}"), &study(20, treated, SIZES[1].1, sims));
    }
    println!(
        "\n## What to take from it\n\n\
         - Stata's factor helps CR0 little: what is wrong is the t distribution of `villages - 1` \
         degrees of freedom,\n  which are too many.\n\
         - CR2 with its own degrees of freedom is close to 95 where villages are alike, and the \
         closest of the formulas\n  where they are not.\n\
         - The wild bootstrap with the null imposed does about as well as CR2 from 10 villages on. \
         Without the null it is\n  too bold where few villages are treated.\n\
         - With two treated villages nothing is right: CR2 and the imposed null are far too wide, \
         the others far too narrow.\n  No method makes up for a comparison of two."
    );
}

/// The names of the columns; the first is what the rows differ in.
fn heading(first: &str) {
    let names: Vec<&str> = ESTIMATORS.iter().map(|(label, ..)| *label).collect();
    println!("| {first} | {} |", names.join(" | "));
    println!("| :-- |{}", " --: |".repeat(names.len()));
}

/// A row of a table: coverage, and in brackets the share of intervals without an end.
fn row(first: &str, found: &Diagnosis) {
    let cells: Vec<String> = found
        .rows
        .iter()
        .map(|row| {
            let measure = |name: &str| row.measure(name).expect("a diagnosand");
            let coverage = 100.0 * measure("coverage").value.unwrap_or(f64::NAN);
            let (all, bounded) = (measure("coverage").n, measure("ci_width").n);
            let open = 100.0 * (all - bounded) as f64 / all as f64;
            if open == 0.0 {
                format!("{coverage:.1}")
            } else {
                format!("{coverage:.1} [{open:.0}]")
            }
        })
        .collect();
    println!("| {first} | {} |", cells.join(" | "));
}

/// What clusters alike in size must give: CR2 is the t test of their means, and the others are its
/// statistic times a constant.
fn theory(villages: u32) {
    let (j, n) = (f64::from(villages), 30.0 * f64::from(villages));
    let covers = |factor: f64| {
        // |t| of J - 2 degrees of freedom up to the quantile for J - 1, times the factor's root.
        let critical = student_t::quantile(0.975, j - 1.0) * (factor * (j - 2.0) / j).sqrt();
        100.0 * (1.0 - student_t::two_sided(critical, j - 2.0))
    };
    let stata = j / (j - 1.0) * (n - 1.0) / (n - 2.0);
    println!("| {villages}, theory | {:.1} | {:.1} | 95.0 | | | | |", covers(1.0), covers(stata));
}

fn study(villages: u32, treated: u32, size: &str, sims: u64) -> Diagnosis {
    let estimators: String = ESTIMATORS
        .iter()
        .map(|(label, se, inference)| {
            let inference = match inference {
                &"" => String::new(),
                inference => format!(", inference: {inference}"),
            };
            format!(
                "Estimator(label: \"{label}\", estimand: ate, term: z, \
                 method: LmRobust(formula: \"y ~ z\", clusters: village, se: {se}){inference}),"
            )
        })
        .collect();
    let text = DESIGN
        .replace("SIZE", size)
        .replace("ESTIMATORS", &estimators)
        .replace("VILLAGES", &villages.to_string())
        .replace("TREATED", &treated.to_string());
    let settings = Settings { seed: 20261122, sims, ..Settings::default() };
    let run = diagnose(&plan(&text), &settings, &Unwatched).map_err(|stopped| stopped.sim);
    run.expect("every simulation can be done").diagnosis
}

fn plan(text: &str) -> Plan {
    let (design, errors) = read(text);
    assert!(errors.is_empty(), "{errors:?}");
    let options = Options { diagnosands: diagnosands::INFO, ..Options::default() };
    compile(&design.expect("the design has no error"), &options)
        .map_err(|errors| format!("{errors:?}"))
        .expect("the design compiles")
}
