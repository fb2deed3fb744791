//! `new`: lists the gallery, or prints a design to start from.

use std::io::Write;

use trialrun_lang::suggestion;

use crate::args::NewArgs;
use crate::exit::Failed;
use crate::gallery::GALLERY;
use crate::load::lower;
use crate::output;

/// Runs the command.
pub fn run(args: &NewArgs) -> Result<(), Failed> {
    let Some(name) = &args.name else {
        return output::write(&list(), None);
    };
    let name = name.strip_suffix(".ron").unwrap_or(name);
    let Some(entry) = GALLERY.iter().find(|entry| entry.name == name) else {
        let names: Vec<&str> = GALLERY.iter().map(|entry| entry.name).collect();
        let hint = suggestion(name, &names).unwrap_or_default();
        return Err(Failed::input(format!("the gallery has no design `{name}`\n  help: {hint}")));
    };
    let Some(path) = &args.out else { return output::write(entry.text, None) };
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(path);
    file.and_then(|mut file| file.write_all(entry.text.as_bytes())).map_err(|error| {
        Failed::input(format!("can not write `{}`: {}", path.display(), lower(&error.to_string())))
    })
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
