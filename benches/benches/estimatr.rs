//! Side by side with R's estimatr: the same data set, fitted again and again, in one run.
//!
//! `cargo bench -p trialrun-benches --bench estimatr`; a number after `--` is the number of
//! rounds. Where `Rscript` or estimatr is absent it says so, and measures this program alone.
//! Ratios are for one thread each: R fits, this program draws data and assignment, and fits. What
//! the fit alone takes is the difference to a design without estimator.
#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::process::Command;

use trialrun_benches::{clock, machine};
use trialrun_plan::{Options, Plan, compile, read};

/// A comparison: its name, the design, the fit in R, and how often each fits in a round.
struct Case {
    name: &'static str,
    /// The steps that make the data.
    data: &'static str,
    /// The estimator.
    estimator: &'static str,
    r: &'static str,
    sims: u64,
    fits: u32,
    /// The ratio that is asked for.
    least: f64,
}

const CASES: [Case; 2] = [
    Case {
        name: "difference in means, 100 units",
        data: r#"
            Level(name: unit, n: 100, variables: { y: "normal(0, 1)" }),
            Assignment(variable: z, method: Complete(m: 50)),"#,
        estimator: r#"
            Estimator(label: "means", method: DifferenceInMeans(formula: "y ~ z")),"#,
        r: "d <- data.frame(y = rnorm(100), z = rep(0:1, 50))
            fit <- function() difference_in_means(y ~ z, data = d)",
        sims: 200_000,
        fits: 200,
        least: 1000.0,
    },
    Case {
        name: "CR2, 1,000 units, 50 clusters, 3 covariates",
        data: r#"
            Level(name: class, n: 50, variables: { a: "normal(0, 1)" }),
            Level(name: unit, n: 20, variables: {
                x1: "normal(0, 1)", x2: "normal(0, 1)", x3: "normal(0, 1)",
                y: "a + x1 + normal(0, 1)",
            }),
            Assignment(variable: z, method: Complete(m: 25), clusters: class),"#,
        estimator: r#"
            Estimator(label: "CR2", term: z,
                method: LmRobust(formula: "y ~ z + x1 + x2 + x3", clusters: class, se: CR2)),"#,
        r: "g <- rep(1:50, each = 20)
            d <- data.frame(g, z = g %% 2, x1 = rnorm(1000), x2 = rnorm(1000), x3 = rnorm(1000))
            d$y <- rnorm(50)[g] + d$x1 + rnorm(1000)
            fit <- function() lm_robust(y ~ z + x1 + x2 + x3, data = d, clusters = g,
                                        se_type = 'CR2')",
        sims: 4_000,
        fits: 20,
        least: 200.0,
    },
];

/// Seconds of a fit in R; the reason where there are none.
fn in_r(case: &Case) -> Result<f64, String> {
    let script = format!(
        "if (!requireNamespace('estimatr', quietly = TRUE)) quit(status = 3)
         suppressPackageStartupMessages(library(estimatr))
         set.seed(1)
         {}
         for (i in 1:3) fit()
         start <- proc.time()[['elapsed']]
         for (i in 1:{n}) fit()
         cat((proc.time()[['elapsed']] - start) / {n})",
        case.r,
        n = case.fits
    );
    let out = Command::new("Rscript").args(["-e", &script]).output();
    let out = out.map_err(|_| "skipped: there is no Rscript".to_string())?;
    match (out.status.code(), String::from_utf8_lossy(&out.stdout).trim().parse()) {
        (Some(3), _) => Err("skipped: R has no estimatr".to_string()),
        (_, Ok(seconds)) => Ok(seconds),
        _ => Err(format!("skipped: {}", String::from_utf8_lossy(&out.stderr).trim())),
    }
}

fn plan(steps: &str) -> Plan {
    let (design, errors) = read(&format!("Design(steps: [{steps}])"));
    assert!(errors.is_empty(), "{errors:?}");
    let design = design.expect("a design without errors");
    compile(&design, &Options::default()).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn simulate(plan: &Plan, sims: u64) {
    let mut ws = plan.workspace();
    for sim in 0..sims {
        plan.simulate(&mut ws, 1, sim).expect("a sound design");
    }
}

fn main() {
    let rounds = clock::rounds(5);
    println!("Trialrun and R's estimatr, one thread each; {rounds} rounds in turn, least times");
    print!("{}", machine::describe());
    for case in &CASES {
        let plans = [case.data.to_string(), format!("{}{}", case.data, case.estimator)];
        let [data, whole] = plans.map(|steps| plan(&steps));
        let (mut theirs, mut missing) = (Vec::new(), None);
        let mut draw = || simulate(&data, case.sims);
        let mut own = || simulate(&whole, case.sims);
        let mut peer = || match in_r(case) {
            Ok(seconds) => theirs.push(seconds),
            Err(reason) => missing = Some(reason),
        };
        let [data, times, _] = clock::interleaved(rounds, [&mut draw, &mut own, &mut peer]);
        let [data, ours] = [data, times].map(|times| clock::least(&times) / case.sims as f64);
        println!("\n{}", case.name);
        println!(
            "  a simulation, data and fit    {:10.2} us {:10.0} a second",
            ours * 1e6,
            1.0 / ours
        );
        println!("  of these, the fit             {:10.2} us", (ours - data) * 1e6);
        match missing {
            Some(reason) => println!("  estimatr                      {reason}"),
            None => {
                let theirs = clock::least(&theirs);
                println!(
                    "  estimatr, the fit alone       {:10.2} us {:10.0} a second",
                    theirs * 1e6,
                    1.0 / theirs
                );
                let (ratio, fits) = (theirs / ours, theirs / (ours - data));
                println!("  ratio                         {ratio:10.0}, asked for {}", case.least);
                println!("  ratio of the fits             {fits:10.0}");
            }
        }
    }
}
