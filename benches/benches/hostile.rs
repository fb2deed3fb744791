//! A hundred thousand random data sets of every ugly shape for each kind of model: none may panic,
//! none may go on without end, and each fit ends in finite numbers or in a named reason.
//!
//! `cargo bench -p trialrun-benches --bench hostile`; a number after `--` is how many data sets,
//! and the name of a kind (`intercept`, `mixed`, `glm`, `glmm`) tries that one alone.
#![allow(clippy::print_stdout, reason = "a bench prints what it found")]

use trialrun_benches::hostile::{self, Kind};
use trialrun_benches::{clock, machine};

fn main() {
    let n = clock::rounds(100_000) as u64;
    let named: Vec<String> = std::env::args().skip(1).collect();
    let kinds = Kind::ALL.iter().filter(|kind| named.iter().any(|arg| arg == kind.name()));
    let mut kinds: Vec<Kind> = kinds.copied().collect();
    if kinds.is_empty() {
        kinds = Kind::ALL.to_vec();
    }
    print!("{}", machine::describe());
    let mut broken = 0;
    for kind in kinds {
        let tally = hostile::run(kind, 0..n);
        println!("\n{}", tally.text(kind.name()));
        broken += tally.broken.len();
    }
    std::process::exit(i32::from(broken > 0));
}
