//! `diagnose`: simulates a design many times, and reports its diagnosands.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use trialrun_run::{Settings, diagnose};

use crate::args::{DiagnoseArgs, Format};
use crate::exit::Failed;
use crate::load::load;
use crate::output;
use crate::progress::Progress;

/// Runs the command.
pub fn run(args: &DiagnoseArgs) -> Result<(), Failed> {
    let loaded = load(&args.design, args.alpha, None)?;
    let plan = &loaded.plan;
    if plan.estimators.is_empty() {
        return Err(Failed::input(format!(
            "`{}` declares no estimator: there is nothing to diagnose\n  \
             help: add an Estimator step",
            loaded.source.name
        )));
    }
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&interrupted);
    // Where no handler can be installed, Ctrl-C ends the program as it does elsewhere.
    let _ = ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed));
    let settings = Settings {
        seed: args.seed.unwrap_or(loaded.design.diagnosis.seed),
        sims: args.sims.unwrap_or(loaded.design.diagnosis.sims),
        threads: args.threads.map(usize::from),
        keep: args.simulations.is_some(),
        ..Settings::default()
    };
    let progress = Progress::new(plan, settings.sims, args.quiet, interrupted);
    let run = diagnose(plan, &settings, &progress);
    progress.finish();
    let run = run.map_err(|stopped| loaded.source.stopped(&stopped.stop, stopped.sim + 1))?;
    if run.diagnosis.interrupted {
        let done = run.diagnosis.sims;
        output::note(&format!("interrupted: the result is that of the first {done} simulations"));
    }
    if let (Some(path), Some(table)) = (&args.simulations, &run.simulations) {
        trialrun_frame::write(path, table)?;
        output::note(&format!("wrote {} rows to {}", table.n_rows(), path.display()));
    }
    let out = args.output.out.as_deref();
    let text = match args.output.format {
        Format::Text => trialrun_report::text(&run.diagnosis, output::colour_on_stdout(out)),
        Format::Markdown => trialrun_report::markdown(&run.diagnosis),
        Format::Json => trialrun_report::json(&run.diagnosis),
        Format::Csv => trialrun_report::csv(&run.diagnosis),
    };
    output::write(&text, out)
}
