//! Any text as a design file: read, compiled, simulated once, and its messages rendered.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trialrun_lang::render;
use trialrun_plan::declared::worth_reading;
use trialrun_plan::{Limits, Options, compile, read};

fuzz_target!(|source: &str| {
    let (design, errors) = read(source);
    assert!(design.is_some() || !errors.is_empty(), "refused without a word");
    let clean = errors.is_empty();
    render(&worth_reading(errors), "design.ron", source, false);
    let Some(design) = design else { return };
    let limits = Limits { max_values: 2_000 };
    let options =
        Options { limits, diagnosands: trialrun_run::diagnosands::INFO, ..Options::default() };
    match compile(&design, &options) {
        Err(found) => {
            assert!(found.iter().any(|d| d.is_error()), "refused without an error");
            render(&worth_reading(found), "design.ron", source, false);
        }
        Ok(plan) if clean => {
            render(&worth_reading(plan.warnings.clone()), "design.ron", source, false);
            if let Err(stop) = plan.simulate(&mut plan.workspace(), 1, 0) {
                render(&[*stop.0], "design.ron", source, false);
            }
        }
        Ok(_) => {}
    }
});
