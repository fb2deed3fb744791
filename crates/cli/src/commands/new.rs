//! `new`: lists the gallery, or prints a design to start from.

use std::io::Write;
use std::path::Path;

use trialrun_lang::suggestion;

use crate::args::NewArgs;
use crate::exit::Failed;
use crate::gallery::{DATA, Entry, GALLERY};
use crate::load::lower;
use crate::output;

/// Runs the command.
pub fn run(args: &NewArgs) -> Result<(), Failed> {
    let Some(name) = &args.name else {
        return output::write(&list(), None);
    };
    let name = name.strip_suffix(".ron").unwrap_or(name);
    let Some(entry) = GALLERY.iter().chain(DATA).find(|entry| entry.name == name) else {
        let names: Vec<&str> = GALLERY.iter().map(|entry| entry.name).collect();
        let hint = suggestion(name, &names).unwrap_or_default();
        return Err(Failed::input(format!("the gallery has no design `{name}`\n  help: {hint}")));
    };
    let folder = args.out.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    for data in data_of(entry) {
        if !folder.join(data.name).exists() {
            output::note(&format!(
                "note: the design reads `{0}`: `trialrun new {0} > {0}` writes it",
                data.name
            ));
        }
    }
    let Some(path) = &args.out else { return output::write(entry.text, None) };
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(path);
    file.and_then(|mut file| file.write_all(entry.text.as_bytes())).map_err(|error| {
        Failed::input(format!("can not write `{}`: {}", path.display(), lower(&error.to_string())))
    })
}

/// The data files that a design of the gallery reads.
fn data_of(entry: &Entry) -> Vec<&'static Entry> {
    let design = trialrun_plan::read(entry.text).0;
    let files = design.iter().flat_map(|design| design.data_files());
    files.filter_map(|file| DATA.iter().find(|data| data.name == file.text)).collect()
}

/// The designs with their descriptions.
fn list() -> String {
    let width = GALLERY.iter().map(|entry| entry.name.len()).max().unwrap_or(0);
    let mut text = String::from("Designs to start from:\n\n");
    for entry in GALLERY {
        let (design, _) = trialrun_plan::read(entry.text);
        let description = design.map_or_else(String::new, |d| d.description);
        text += &format!("  {:<width$}  {description}\n", entry.name);
    }
    text + "\n`trialrun new NAME > my.ron` copies one.\n"
}
