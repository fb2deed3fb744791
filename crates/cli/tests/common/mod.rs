//! Runs the program as its users do, for the tests of its commands.
#![allow(dead_code, reason = "each binary of tests uses some of it")]

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

/// A design of the gallery.
pub fn design(name: &str) -> String {
    format!("{}/../../designs/{name}.ron", env!("CARGO_MANIFEST_DIR"))
}

/// A file that tests write, in a folder that the build gives them.
pub fn scratch(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// A file with this text in the folder of tests.
pub fn written(name: &str, text: &str) -> String {
    let path = scratch(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_string()
}

/// Runs a command; gives its exit code, stdout and stderr.
pub fn ended(args: &[&str]) -> (i32, String, String) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_trialrun"));
    let output = program.args(args).output().expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is text");
    let code = output.status.code().expect("an exit code");
    (code, text(output.stdout), text(output.stderr))
}

/// Runs a command that succeeds, and gives its stdout.
pub fn stdout(args: &[&str]) -> String {
    let (code, out, err) = ended(args);
    assert_eq!(code, 0, "{args:?}\n{err}");
    out
}

/// Runs a command that is refused: exit code 2, nothing on stdout. Gives its stderr.
pub fn refused(args: &[&str]) -> String {
    let (code, out, err) = ended(args);
    assert_eq!((code, out.as_str()), (2, ""), "{args:?}: stdout is for results");
    err
}

/// Runs a command that prints JSON.
pub fn json(args: &[&str]) -> Value {
    serde_json::from_str(&stdout(args)).expect("stdout is JSON")
}
