//! `run`: one simulation, step by step.

use trialrun_report::{Event, trace_json, trace_text};

use crate::args::{Format, RunArgs};
use crate::exit::Failed;
use crate::load::load;
use crate::output;

/// Runs the command.
pub fn run(args: &RunArgs) -> Result<(), Failed> {
    let loaded = load(&args.design, None, None)?;
    let plan = &loaded.plan;
    let seed = args.sim.seed.unwrap_or(loaded.design.diagnosis.seed);
    let mut ws = plan.workspace();
    let mut events = Vec::new();
    for (number, step) in loaded.design.steps.iter().enumerate() {
        let done = plan.simulate_step(&mut ws, seed, args.sim.sim - 1, number);
        done.map_err(|stop| loaded.source.stopped(&stop, args.sim.sim))?;
        events.push(Event::of(plan, &ws, number, step));
    }
    let out = args.output.out.as_deref();
    let text = match args.output.format {
        Format::Text => trace_text(plan, seed, args.sim.sim, &events),
        Format::Json => trace_json(plan, seed, args.sim.sim, &events),
        Format::Markdown | Format::Csv => {
            return Err(Failed::input("`run` writes text and json"));
        }
    };
    output::write(&text, out)
}
