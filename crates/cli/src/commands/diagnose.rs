//! `diagnose`: simulates a design many times, and reports its diagnosands.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use trialrun_lang::suggestion;
use trialrun_plan::Plan;
use trialrun_run::{Miss, Runner, Settings, Target, diagnosands, refine};

use crate::args::{DiagnoseArgs, Format};
use crate::exit::{Exit, Failed};
use crate::load::load;
use crate::output;
use crate::progress::Progress;

/// Runs the command.
pub fn run(args: &DiagnoseArgs) -> Result<Exit, Failed> {
    let loaded = load(&args.design, args.alpha, None)?;
    let plan = &loaded.plan;
    let targets = targets(plan, &args.precision)?;
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
    let mut runner = Runner::new(plan, &settings);
    let most = if targets.is_empty() { settings.sims } else { args.max_sims };
    let progress = Progress::new(plan, most, args.quiet, interrupted);
    let misses = if targets.is_empty() {
        runner.extend(settings.sims, &progress).map(|()| Vec::new())
    } else {
        refine(&mut runner, &targets, args.max_sims, &progress)
    };
    progress.finish();
    let misses = misses.map_err(|stopped| loaded.source.stopped(&stopped.stop, stopped.sim + 1))?;
    let diagnosis = runner.diagnosis();
    if diagnosis.interrupted {
        let done = diagnosis.sims;
        output::note(&format!("interrupted: the result is that of the first {done} simulations"));
    }
    for miss in &misses {
        output::note(&shortfall(plan, miss, &diagnosis));
    }
    if !targets.is_empty() && misses.is_empty() {
        let done = trialrun_report::number::count(diagnosis.sims);
        output::note(&format!(
            "every Monte Carlo error is as small as asked for after {done} simulations"
        ));
    }
    if let (Some(path), Some(table)) = (&args.simulations, runner.simulations()) {
        trialrun_frame::write(path, &table)?;
        output::note(&format!("wrote {} rows to {}", table.n_rows(), path.display()));
    }
    let out = args.output.out.as_deref();
    let text = match args.output.format {
        Format::Text => trialrun_report::text(&diagnosis, output::colour_on_stdout(out)),
        Format::Markdown => trialrun_report::markdown(&diagnosis),
        Format::Json => trialrun_report::json(&diagnosis),
        Format::Csv => trialrun_report::csv(&diagnosis),
    };
    output::write(&text, out)?;
    Ok(if misses.is_empty() { Exit::Done } else { Exit::Undecided })
}

/// The Monte Carlo errors that are asked for.
fn targets(plan: &Plan, precision: &[(String, f64)]) -> Result<Vec<Target>, Failed> {
    let target = |(name, mcse): &(String, f64)| {
        let diagnosand = diagnosands::place(plan, name).ok_or_else(|| {
            let known: Vec<&str> = diagnosands::names(plan).collect();
            let hint = suggestion(name, known.iter().copied())
                .unwrap_or_else(|| format!("choose of {}", known.join(", ")));
            Failed::input(format!("there is no diagnosand `{name}`\n  help: {hint}"))
        })?;
        Ok(Target { diagnosand, mcse: *mcse })
    };
    precision.iter().map(target).collect()
}

/// A Monte Carlo error that is still too large, in words.
fn shortfall(plan: &Plan, miss: &Miss, diagnosis: &trialrun_run::Diagnosis) -> String {
    let row = &diagnosis.rows[miss.row];
    let name = diagnosands::name(plan, miss.target.diagnosand);
    let reached = match miss.mcse {
        Some(mcse) => format!("is {mcse:.2e}"),
        None => "is not defined".to_string(),
    };
    format!(
        "{}, {}: the Monte Carlo error of {name} {reached} after {} simulations, not {} or less\n  \
         help: `--max-sims` allows more",
        row.estimator,
        row.term,
        trialrun_report::number::count(diagnosis.sims),
        miss.target.mcse
    )
}
