//! Results go to stdout or to a file; talk goes to stderr.

use std::io::Write;
use std::path::Path;

use crate::exit::Failed;
use crate::load::lower;

/// Whether stdout takes colour.
pub fn colour_on_stdout(out: Option<&Path>) -> bool {
    let choice = anstream::AutoStream::choice(&std::io::stdout());
    out.is_none() && choice != anstream::ColorChoice::Never
}

/// Writes a result to a file, or to stdout. A reader that closes the pipe early is no error.
pub fn write(text: &str, out: Option<&Path>) -> Result<(), Failed> {
    let result = match out {
        Some(path) => {
            std::fs::write(path, text).map_err(|error| (path.display().to_string(), error))
        }
        None => std::io::stdout()
            .lock()
            .write_all(text.as_bytes())
            .and_then(|()| std::io::stdout().flush())
            .map_err(|error| ("stdout".to_string(), error)),
    };
    match result {
        Err((_, error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err((name, error)) => {
            Err(Failed::input(format!("can not write `{name}`: {}", lower(&error.to_string()))))
        }
        Ok(()) => Ok(()),
    }
}

/// Adds text to the end of a file.
pub fn append(text: &str, path: &Path) -> Result<(), Failed> {
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| {
        let why = lower(&error.to_string());
        Failed::input(format!("can not write `{}`: {why}", path.display()))
    })
}

/// Says something on stderr.
pub fn note(text: &str) {
    if !text.is_empty() {
        anstream::eprintln!("{text}");
    }
}
