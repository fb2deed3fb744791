//! `draw`: rows of one simulated data set.

use trialrun_lang::suggestion;
use trialrun_plan::LevelId;
use trialrun_report::DataFormat;

use crate::args::{DrawArgs, Format};
use crate::exit::Failed;
use crate::load::{Loaded, load};
use crate::output;

/// Runs the command.
pub fn run(args: &DrawArgs) -> Result<(), Failed> {
    let loaded = load(&args.design, None, None)?;
    let plan = &loaded.plan;
    let level = level(&loaded, args.level.as_deref())?;
    let seed = args.sim.seed.unwrap_or(loaded.design.diagnosis.seed);
    let mut ws = plan.workspace();
    let simulated = plan.simulate(&mut ws, seed, args.sim.sim - 1);
    simulated.map_err(|stop| loaded.source.stopped(&stop, args.sim.sim))?;
    if let Some(path) = &args.out {
        let table = plan.data_set(&ws, level, usize::MAX);
        trialrun_frame::write(path, &table)?;
        let (rows, columns) = (table.n_rows(), table.columns.len());
        output::note(&format!("wrote {rows} rows of {columns} columns to {}", path.display()));
        return Ok(());
    }
    let table = plan.data_set(&ws, level, args.rows);
    let format = match args.format {
        Format::Text => DataFormat::Text,
        Format::Markdown => DataFormat::Markdown,
        Format::Json => DataFormat::Json,
        Format::Csv => return output::write(&trialrun_frame::csv_string(&table)?, None),
    };
    let mut text = trialrun_report::data_set(&table, format);
    if args.format == Format::Text {
        let (all, shown) = (ws.size(level), table.n_rows());
        let name = &plan.levels[level.idx()].name;
        text += &format!("\n{shown} of {all} rows of level {name}, simulation {}\n", args.sim.sim);
    }
    output::write(&text, None)
}

/// The level of that name, or the deepest.
fn level(loaded: &Loaded, name: Option<&str>) -> Result<LevelId, Failed> {
    let Some(name) = name else { return Ok(loaded.plan.deepest) };
    let levels = &loaded.plan.levels;
    match levels.iter().skip(1).rposition(|level| level.name == name) {
        Some(place) => Ok(LevelId(place as u32 + 1)),
        None => {
            let known: Vec<&str> = levels[1..].iter().map(|level| level.name.as_str()).collect();
            let hint = suggestion(name, &known).unwrap_or_default();
            Err(Failed::input(format!("there is no level `{name}`\n  help: {hint}")))
        }
    }
}
