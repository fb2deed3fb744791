//! `audit`: declared and realised probabilities of a design's assignments and samples.

use trialrun_report::DataFormat;
use trialrun_run::audit::audit;

use crate::args::{AuditArgs, Format};
use crate::exit::Failed;
use crate::load::load_with;
use crate::output;

/// Runs the command; says whether the probabilities agree.
pub fn run(args: &AuditArgs) -> Result<bool, Failed> {
    let loaded = load_with(&args.design, None, None, true)?;
    if loaded.plan.allocations.is_empty() {
        return Err(Failed::input(format!(
            "`{}` has no random assignment: there is nothing to audit\n  \
             help: add an Assignment step",
            loaded.source.name
        )));
    }
    let seed = args.seed.unwrap_or(loaded.design.diagnosis.seed);
    let found = audit(&loaded.plan, seed, args.sims)
        .map_err(|stopped| loaded.source.stopped(&stopped.stop, stopped.sim + 1))?;
    let format = match args.output.format {
        Format::Text => DataFormat::Text,
        Format::Markdown => DataFormat::Markdown,
        Format::Json => DataFormat::Json,
        Format::Csv => DataFormat::Csv,
    };
    let text = trialrun_report::audit(&found, format);
    output::write(&text, args.output.out.as_deref())?;
    Ok(found.agrees())
}
