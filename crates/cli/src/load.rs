//! Reads a design file and compiles it; shows what is wrong with it.

use std::path::Path;

use trialrun_lang::{Diagnostic, render};
use trialrun_plan::{Design, Limits, Options, Plan, Stop, Table};

use crate::args::DesignArgs;
use crate::exit::Failed;

/// A design file that was read.
pub struct Source {
    /// The file's name, as the user gave it.
    pub name: String,
    /// Its text.
    pub text: String,
    colour: bool,
}

/// A design that compiled.
pub struct Loaded {
    /// The file.
    pub source: Source,
    /// What it declares.
    pub design: Design,
    /// What it was compiled to.
    pub plan: Plan,
}

/// Whether stderr takes colour.
pub fn colour_on_stderr() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}

/// Reads the text of a design file.
fn read_text(path: &Path) -> Result<String, Failed> {
    let name = path.display();
    if path.is_dir() {
        return Err(Failed::input(format!("`{name}` is a directory, not a design file")));
    }
    let bytes = std::fs::read(path).map_err(|error| {
        let hint = if error.kind() == std::io::ErrorKind::NotFound {
            "\n  help: `trialrun new` lists designs to start from"
        } else {
            ""
        };
        Failed::input(format!("can not read `{name}`: {}{hint}", lower(&error.to_string())))
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(&error.as_bytes()[..at]).into_owned();
        let (line, col) = trialrun_lang::line_col(&before, before.len());
        Failed::input(format!(
            "{name}:{line}:{col}: the file is not UTF-8 text\n  \
             help: save it as UTF-8 in your editor"
        ))
    })
}

/// The first letter in lower case, as messages are written.
pub fn lower(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |c| c.to_lowercase().to_string() + chars.as_str())
}

impl Source {
    /// Shows diagnostics on stderr.
    pub fn show(&self, diagnostics: &[Diagnostic]) {
        if !diagnostics.is_empty() {
            anstream::eprintln!("{}", render(diagnostics, &self.name, &self.text, self.colour));
        }
    }

    /// Turns a stop of a simulation into a failure that shows its place in the file.
    pub fn stopped(&self, stop: &Stop, sim: u64) -> Failed {
        let mut diagnostic = (*stop.0).clone();
        diagnostic
            .hints
            .push(format!("it showed in simulation {sim}; `trialrun run --sim {sim}` repeats it"));
        self.show(&[diagnostic]);
        Failed::shown()
    }
}

/// Reads and compiles a design; `data` take the place of the population.
pub fn load(args: &DesignArgs, alpha: Option<f64>, data: Option<&Table>) -> Result<Loaded, Failed> {
    let text = read_text(&args.design)?;
    let source =
        Source { name: args.design.display().to_string(), text, colour: colour_on_stderr() };
    let (design, mut diagnostics) = trialrun_plan::read(&source.text);
    let Some(design) = design else {
        source.show(&diagnostics);
        return Err(Failed::shown());
    };
    if data.is_none() && diagnostics.is_empty() && !design.has_population() {
        return Err(Failed::input(format!(
            "`{}` declares no population: there is nothing to simulate\n  help: add Level steps, \
             or use `trialrun estimate` on real data",
            source.name
        )));
    }
    let names: Vec<&str> = trialrun_run::diagnosands::NAMES.to_vec();
    let options = Options {
        overrides: &args.set,
        alpha,
        limits: Limits { max_values: args.max_values },
        diagnosands: &names,
    };
    let compiled = match data {
        None => trialrun_plan::compile(&design, &options),
        Some(table) => trialrun_plan::compile_for_data(&design, &options, table),
    };
    match compiled {
        Ok(plan) if diagnostics.is_empty() => {
            source.show(&plan.warnings);
            Ok(Loaded { source, design, plan })
        }
        Ok(_) => {
            source.show(&diagnostics);
            Err(Failed::shown())
        }
        Err(errors) => {
            diagnostics.extend(errors);
            source.show(&diagnostics);
            Err(Failed::shown())
        }
    }
}
