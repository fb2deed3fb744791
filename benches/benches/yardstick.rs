//! The engine against the hand-written twin of student-tests, side by side in one run.
//!
//! `cargo bench -p trialrun-benches --bench yardstick`; a number after `--` is the number of
//! rounds. In each round both do the same simulations, one after the other; the ratio is the median
//! over rounds of the ratio within the round.
#![allow(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::hint::black_box;

use trialrun_benches::student_tests::{Draws, StudentTests};
use trialrun_benches::{clock, engine, machine};

/// Simulations of a round where simulations are done one by one.
const SINGLE_SIMS: u64 = 512;
/// Simulations of a round where whole runs are done.
const RUN_SIMS: u64 = 10_240;
const SEED: u64 = 20_260_101;

fn main() {
    let rounds = clock::rounds(41);
    let plan = engine::plan(&[]);
    let twin = StudentTests::new(plan.alpha);
    println!("student-tests: about 750 rows, two estimators; {rounds} rounds");
    print!("{}", machine::describe());
    println!("\nmicroseconds a simulation: median (least)");
    println!("{:36} {:>16} {:>16} {:>8}", "", "engine", "twin", "ratio");

    let (mut ws, mut draws) = (plan.workspace(), Draws::default());
    let [a, b] = clock::interleaved(
        rounds,
        [
            &mut || {
                for sim in 0..SINGLE_SIMS {
                    plan.simulate(&mut ws, SEED, sim).expect("a sound design");
                    black_box(ws.rows());
                }
            },
            &mut || {
                for sim in 0..SINGLE_SIMS {
                    black_box(twin.simulate(&mut draws, SEED, sim));
                }
            },
        ],
    );
    print_line("simulations alone, 1 thread", &a, &b, SINGLE_SIMS);

    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut counts = vec![1, cores];
    counts.dedup();
    for threads in counts {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.expect("threads start");
        let [a, b] = clock::interleaved(
            rounds,
            [
                &mut || {
                    black_box(engine::diagnose(&plan, SEED, RUN_SIMS, Some(threads)));
                },
                &mut || {
                    black_box(pool.install(|| twin.diagnose(SEED, RUN_SIMS)));
                },
            ],
        );
        let threads = if threads == 1 { "1 thread".into() } else { format!("{threads} threads") };
        print_line(&format!("with all diagnosands, {threads}"), &a, &b, RUN_SIMS);
    }
}

fn print_line(what: &str, engine: &[f64], twin: &[f64], sims: u64) {
    let cell = |times: &[f64]| {
        let each = |time: f64| 1e6 * time / sims as f64;
        format!("{:.2} ({:.2})", each(clock::median(times)), each(clock::least(times)))
    };
    let ratio = clock::ratio(engine, twin);
    println!("{what:36} {:>16} {:>16} {ratio:8.2}", cell(engine), cell(twin));
}
