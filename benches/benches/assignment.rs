//! What an assignment costs: 1,000 units in 50 clusters and 10 blocks, and the other methods.
//!
//! `cargo bench -p trialrun-benches --bench assignment`; a number after `--` is the number of
//! rounds.
#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]

use trialrun_benches::{clock, machine};
use trialrun_plan::{Options, Plan, compile, read};

/// Assignments of a round.
const SIMS: u64 = 2_000;

/// 1,000 people in 50 villages in 10 regions, with two covariates.
const PEOPLE: &str = "Level(name: region, n: 10), Level(name: village, n: 5), \
     Level(name: person, n: 20, variables: { x: \"person % 7\", v: \"person % 11\", \
     p: \"(person % 3 + 1) / 5\", side: \"person % 2\" }),";

/// 100 people with two covariates.
const FEW: &str = "Level(name: person, n: 100, variables: { x: \"normal(0, 1)\", \
     v: \"normal(0, 1)\", wave: \"person % 5\", clinic: \"ceiling(person / 5)\", \
     row: \"floor((person - 1) / 10)\", column: \"person % 10\" }),";

fn plan(levels: &str, steps: &str) -> Plan {
    let source = format!("Design(steps: [{levels} {steps}])");
    let (design, errors) = read(&source);
    assert!(errors.is_empty(), "{errors:?}");
    let design = design.expect("a design without errors");
    compile(&design, &Options::default()).unwrap_or_else(|errors| panic!("{errors:?}"))
}

/// Seconds of one simulation of a plan, in each round.
fn times(plan: &Plan, rounds: usize) -> Vec<f64> {
    let mut ws = plan.workspace();
    let [times] = clock::interleaved(
        rounds,
        [&mut || {
            for sim in 0..SIMS {
                plan.simulate(&mut ws, 1, sim).expect("a sound design");
            }
        }],
    );
    times.into_iter().map(|t| t / SIMS as f64).collect()
}

fn main() {
    let rounds = clock::rounds(21);
    println!("assignments, us each beyond the population; {rounds} rounds, medians (least)");
    print!("{}", machine::describe());
    let ten: Vec<String> = (0..10).map(|i| i.to_string()).collect();
    let square = format!("LatinSquare(row: row, column: column), conditions: [{}]", ten.join(", "));
    let cases = [
        (PEOPLE, "50 clusters in 10 blocks", "Complete, clusters: village, blocks: region"),
        (PEOPLE, "1000 units, complete", "Complete"),
        (PEOPLE, "1000 units, simple", "Simple"),
        (PEOPLE, "1000 units, own probabilities", "Simple(prob_unit: \"p\")"),
        (PEOPLE, "1000 units in 10 blocks", "Complete, blocks: region"),
        (PEOPLE, "1000 units in 2 blocks by value", "Complete, blocks: side"),
        (PEOPLE, "50 clusters by value", "Complete, clusters: x"),
        (
            FEW,
            "100 units, rerandomised 1 in 100",
            "Complete, rerandomise: ( on: [x, v], acceptance: 0.01 )",
        ),
        (
            FEW,
            "stepped wedge of 20 clusters",
            "SteppedWedge(time: wave, starts: [1, 2, 3, 4]), clusters: clinic",
        ),
        (FEW, "Latin square of side 10", square.as_str()),
    ];
    let bare = [PEOPLE, FEW].map(|levels| clock::median(&times(&plan(levels, ""), rounds)));
    for (levels, name, method) in cases {
        let steps = format!("Assignment(variable: z, method: {method})");
        let with = times(&plan(levels, &steps), rounds);
        let base = if levels == PEOPLE { bare[0] } else { bare[1] };
        let us = |seconds: f64| 1e6 * (seconds - base);
        println!("{name:<36} {:>8.2} ({:.2})", us(clock::median(&with)), us(clock::least(&with)));
    }
    let pairs = times(&plan(FEW, "Match(variable: pair, on: [x, v])"), rounds);
    let us = |seconds: f64| 1e6 * (seconds - bare[1]);
    let (median, least) = (us(clock::median(&pairs)), us(clock::least(&pairs)));
    println!("{:<36} {median:>8.2} ({least:.2})", "100 units in matched pairs");
}
