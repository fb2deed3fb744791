//! How the cost of a simulation of student-tests grows with its rows, and falls with threads.
//!
//! `cargo bench -p trialrun-benches --bench scaling`; a number after `--` is the number of rounds.
#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::hint::black_box;

use trialrun_benches::{clock, engine, machine};

/// Rows that a round goes through, so that designs of all sizes take alike.
const ROWS: f64 = 750_000.0;
/// Simulations of a round of whole runs.
const RUN_SIMS: u64 = 20_480;
const SEED: u64 = 20_260_101;
/// Classes, and mean students of a class beside the five that each has.
const SIZES: [(u32, u32); 5] = [(10, 20), (100, 20), (10, 245), (1000, 20), (10, 2495)];

fn main() {
    let rounds = clock::rounds(21);
    println!("student-tests of several sizes; {rounds} rounds, medians (least)");
    print!("{}", machine::describe());

    println!(
        "\n1 thread\n{:>8} {:>9} {:>18} {:>15}",
        "classes", "rows", "us a simulation", "ns a row"
    );
    for (classes, students) in SIZES {
        size(rounds, classes, students);
    }

    let plan = engine::plan(&[]);
    let run = |threads| black_box(engine::diagnose(&plan, SEED, RUN_SIMS, Some(threads)));
    let [one, two] = clock::interleaved(
        rounds,
        [
            &mut || {
                run(1);
            },
            &mut || {
                run(2);
            },
        ],
    );
    println!("\n{:>8} {:>18}", "threads", "us a simulation");
    for (threads, times) in [(1, &one), (2, &two)] {
        let each = 1e6 / RUN_SIMS as f64;
        let (median, least) = (each * clock::median(times), each * clock::least(times));
        println!("{threads:>8} {:>18}", format!("{median:.2} ({least:.2})"));
    }
    println!("1 thread takes {:.2} times as long as 2", clock::ratio(&one, &two));
}

fn size(rounds: usize, classes: u32, students: u32) {
    let parameters = [("classes", f64::from(classes)), ("students_per_class", f64::from(students))];
    let plan = engine::plan(&parameters);
    let mut ws = plan.workspace();
    let sims = (ROWS / (3.0 * f64::from(classes * (students + 5)))).ceil() as u64;
    let mut rows = 0;
    let [times] = clock::interleaved(
        rounds,
        [&mut || {
            rows = 0;
            for sim in 0..sims {
                plan.simulate(&mut ws, SEED, sim).expect("a sound design");
                rows += ws.size(plan.deepest);
            }
        }],
    );
    let each = |time: f64, n: f64, unit: f64| unit * time / n;
    let (median, least) = (clock::median(&times), clock::least(&times));
    let (n, rows) = (sims as f64, rows as f64);
    println!(
        "{classes:>8} {:>9.0} {:>18} {:>15}",
        rows / n,
        format!("{:.2} ({:.2})", each(median, n, 1e6), each(least, n, 1e6)),
        format!("{:.2} ({:.2})", each(median, rows, 1e9), each(least, rows, 1e9)),
    );
}
