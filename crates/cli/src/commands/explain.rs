//! `explain`: a design in words, or a manual.

use trialrun_lang::suggestion;

use crate::args::{DesignArgs, ExplainArgs, Format};
use crate::exit::Failed;
use crate::load::load;
use crate::output;

/// Runs the command.
pub fn run(args: &ExplainArgs) -> Result<(), Failed> {
    let subject = args.subject.display().to_string();
    if !args.subject.exists()
        && let Some(manual) = manual(&subject)
    {
        return output::write(&manual, None);
    }
    let is_word = !subject.contains(['.', '/', '\\']);
    if !args.subject.exists() && is_word {
        let names = names();
        let hint = trialrun_lang::did_you_mean(&subject, names.iter().copied())
            .map(|near| format!("did you mean `{near}`?"))
            .or_else(|| suggestion(&subject, &names))
            .unwrap_or_else(|| format!("there are manuals of {}", names.join(", ")));
        let message = format!("`{subject}` is neither a design file nor a word with a manual");
        return Err(Failed::input(format!("{message}\n  help: {hint}")));
    }
    let markdown = match args.format {
        Format::Text => false,
        Format::Markdown => true,
        Format::Json | Format::Csv => {
            return Err(Failed::input("`explain` writes text and markdown"));
        }
    };
    let design = DesignArgs {
        design: args.subject.clone(),
        set: args.set.clone(),
        max_values: trialrun_plan::Limits::default().max_values,
    };
    let loaded = load(&design, None, None)?;
    let mut ws = loaded.plan.workspace();
    let seed = loaded.design.diagnosis.seed;
    let simulated = loaded.plan.simulate(&mut ws, seed, 0);
    simulated.map_err(|stop| loaded.source.stopped(&stop, 1))?;
    let sizes: Vec<usize> =
        (0..loaded.plan.levels.len()).map(|l| ws.size(trialrun_plan::LevelId(l as u32))).collect();
    let text = trialrun_report::explain(&loaded.design, &loaded.plan, &sizes, markdown);
    output::write(&text, None)
}

/// The manual of a step, an estimator, a diagnosand, or of the functions.
fn manual(name: &str) -> Option<String> {
    trialrun_plan::manual::manual(name).or_else(|| trialrun_run::diagnosands::manual(name)).or_else(
        || {
            let (title, source) = TOPICS.iter().find(|(topic, _)| *topic == name)?;
            Some(format!("# {title}\n\n{}", trialrun_plan::manual::opening(source)))
        },
    )
}

/// What a command does beyond its `--help`.
const TOPICS: [(&str, &str); 2] =
    [("check", trialrun_run::check::MANUAL), ("baseline", trialrun_run::baseline::MANUAL)];

/// Everything that has a manual.
fn names() -> Vec<&'static str> {
    let mut names = trialrun_plan::manual::names();
    names.extend(trialrun_run::diagnosands::NAMES);
    names.extend(trialrun_run::families::NAMES);
    names.extend(TOPICS.map(|(name, _)| name));
    names
}
