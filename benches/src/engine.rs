//! The student-tests design, compiled for the engine.

use trialrun_plan::{Options, Plan, compile, read};
use trialrun_run::{Diagnosis, Settings, Unwatched};

/// The design file.
pub const DESIGN: &str = include_str!("../../designs/student-tests.ron");

/// Compiles the design with some of its parameters replaced.
///
/// # Panics
/// Where the design does not compile.
pub fn plan(overrides: &[(&str, f64)]) -> Plan {
    let (design, errors) = read(DESIGN);
    assert!(errors.is_empty(), "{errors:?}");
    let mut design = design.expect("a design without errors");
    // What a run is expected to find plays no part in its speed.
    design.expect.clear();
    let overrides: Vec<(String, f64)> =
        overrides.iter().map(|(name, value)| (name.to_string(), *value)).collect();
    let options = Options { overrides: &overrides, ..Options::default() };
    compile(&design, &options).unwrap_or_else(|errors| panic!("{errors:?}"))
}

/// A run of the engine over `sims` simulations; all threads if no number is given.
///
/// # Panics
/// Where a simulation can not be done.
pub fn diagnose(plan: &Plan, seed: u64, sims: u64, threads: Option<usize>) -> Diagnosis {
    let settings = Settings { seed, sims, threads, ..Settings::default() };
    let run = trialrun_run::diagnose(plan, &settings, &Unwatched);
    run.unwrap_or_else(|stopped| panic!("{stopped:?}")).diagnosis
}
