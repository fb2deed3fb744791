//! Reads a design file and compiles it; shows what is wrong with it.

use std::io::Read;
use std::path::Path;

use trialrun_frame::{FrameError, Problem};
use trialrun_lang::{Diagnostic, render};
use trialrun_plan::declared::worth_reading;
use trialrun_plan::{Design, Limits, Name, Options, Plan, Stop, Table};

use crate::args::DesignArgs;
use crate::exit::Failed;
use crate::gallery::{DATA, GALLERY};
use crate::output;

/// Most bytes of a design file.
const BYTES_MAX: u64 = 16 << 20;

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
    let bytes = first_bytes(path).map_err(|error| unreadable(path, &error))?;
    if bytes.len() as u64 > BYTES_MAX {
        let limit = BYTES_MAX >> 20;
        return Err(Failed::input(format!(
            "`{name}` has more than {limit} MB: it is not a design file"
        )));
    }
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

/// Reads a file that is no design.
pub fn read_file(path: &Path) -> Result<String, Failed> {
    std::fs::read_to_string(path).map_err(|error| {
        let why = lower(&error.to_string());
        Failed::input(format!("can not read `{}`: {why}", path.display()))
    })
}

/// The message for a file that can not be read.
fn unreadable(path: &Path, error: &std::io::Error) -> Failed {
    let name = path.display().to_string();
    let missing = error.kind() == std::io::ErrorKind::NotFound;
    let why = if missing { "no such file".to_string() } else { lower(&error.to_string()) };
    let with_ending = format!("{name}.ron");
    let hint = if missing && Path::new(&with_ending).exists() {
        format!("\n  help: did you mean `{with_ending}`?")
    } else if missing && GALLERY.iter().any(|entry| entry.name == name) {
        format!("\n  help: `trialrun new {name} > {name}.ron` copies this design of the gallery")
    } else if missing {
        "\n  help: `trialrun new` lists designs to start from".to_string()
    } else {
        String::new()
    };
    Failed::input(format!("can not read `{name}`: {why}{hint}"))
}

/// The bytes of a file, one more than a design may have at most: what never ends is no design.
fn first_bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(BYTES_MAX + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
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
            let shown = worth_reading(diagnostics.to_vec());
            anstream::eprintln!("{}", render(&shown, &self.name, &self.text, self.colour));
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
    load_with(args, alpha, data, false)
}

/// The same; `probabilities` of all assignments and samples are found if they are to be audited.
pub fn load_with(
    args: &DesignArgs,
    alpha: Option<f64>,
    data: Option<&Table>,
    probabilities: bool,
) -> Result<Loaded, Failed> {
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
    let files = match data {
        None => read_data(&design, &args.design).unwrap_or_else(|errors| {
            diagnostics.extend(errors);
            Vec::new()
        }),
        Some(_) => Vec::new(),
    };
    if diagnostics.iter().any(Diagnostic::is_error) && files.len() < design.data_files().len() {
        // Without its data every name of theirs would be unknown.
        source.show(&diagnostics);
        return Err(Failed::shown());
    }
    let options = Options {
        overrides: &args.set,
        alpha,
        limits: Limits { max_values: args.max_values },
        diagnosands: trialrun_run::diagnosands::INFO,
        probabilities,
        files: &files,
    };
    let compiled = match data {
        None => trialrun_plan::compile(&design, &options),
        Some(table) => trialrun_plan::compile_for_data(&design, &options, table),
    };
    match compiled {
        Ok(plan) if diagnostics.is_empty() => {
            source.show(&plan.warnings);
            if data.is_none() {
                plan.notes.iter().for_each(|text| output::note(&format!("note: {text}")));
            }
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

/// Reads the data files of a design; their paths begin at its folder.
fn read_data(design: &Design, path: &Path) -> Result<Vec<(String, Table)>, Vec<Diagnostic>> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let (mut tables, mut errors) = (Vec::new(), Vec::new());
    for file in design.data_files() {
        match trialrun_frame::read(&folder.join(&file.text)) {
            Ok((table, notes)) => {
                notes.iter().for_each(|text| output::note(&format!("note: {text}")));
                tables.push((file.text.clone(), table));
            }
            Err(error) => errors.push(no_data(file, &error)),
        }
    }
    if errors.is_empty() { Ok(tables) } else { Err(errors) }
}

/// The message for a data file that can not be read, at its place in the design.
fn no_data(file: &Name, error: &FrameError) -> Diagnostic {
    let text = error.to_string();
    let (message, hint) = match text.split_once("\nhint: ") {
        Some((message, hint)) => (message.to_string(), Some(hint.to_string())),
        None => (text, None),
    };
    let own = DATA.iter().find(|entry| entry.name == file.text);
    let own =
        own.map(|e| format!("`trialrun new {0} > {0}` writes this file of the gallery", e.name));
    let missing = matches!(error.problem, Problem::NotFound);
    Diagnostic::error(file.span, message)
        .label("this data file")
        .maybe_hint(own.filter(|_| missing).or(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Why a file with these bytes can not be read.
    fn refused(name: &str, bytes: &[u8]) -> String {
        let path = std::env::temp_dir().join(format!("trialrun-{}-{name}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        let failed = read_text(&path).unwrap_err();
        std::fs::remove_file(&path).unwrap();
        failed.message().replace(&path.display().to_string(), name)
    }

    #[test]
    fn files_that_are_no_text_are_refused_at_their_place() {
        assert_eq!(
            refused("latin1.ron", b"Design(\n  name: \"caf\xe9\")"),
            "latin1.ron:2:13: the file is not UTF-8 text\n  help: save it as UTF-8 in your editor"
        );
        let utf16: Vec<u8> = "\u{feff}Design()".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(refused("utf16.ron", &utf16).starts_with("utf16.ron:1:1: the file is not UTF-8"));
        assert!(refused("cut.ron", b"Design()\xe2\x82").starts_with("cut.ron:1:9: "));
    }

    #[test]
    fn files_that_are_no_design_are_refused() {
        let folder = std::env::temp_dir();
        let message = read_text(&folder).err().unwrap().message();
        assert_eq!(message, format!("`{}` is a directory, not a design file", folder.display()));
        let message = |path: &str| read_text(Path::new(path)).unwrap_err().message();
        assert_eq!(
            message("no/such.ron"),
            "can not read `no/such.ron`: no such file\n  \
             help: `trialrun new` lists designs to start from"
        );
        assert!(message("two-arm").ends_with("copies this design of the gallery"));
        let design = concat!(env!("CARGO_MANIFEST_DIR"), "/../../designs/two-arm");
        assert!(message(design).ends_with("two-arm.ron`?"));
        let large = vec![b' '; BYTES_MAX as usize + 1];
        let expected = "`large.ron` has more than 16 MB: it is not a design file";
        assert_eq!(refused("large.ron", &large), expected);
    }
}
