//! The errors of expressions and formulas, to the letter.
//!
//! A file in `errors/` holds cases: a text after `>>> `, then what is printed for it. To write
//! what is printed now into the files, run the tests with `UPDATE_EXPECT=1`.

use std::fs;
use std::path::PathBuf;

use trialrun_lang::{Diagnostic, parse_expression, parse_formula, render};

const BEFORE: &str = "Design(\n    name: \"a\", value: \"";

/// What is printed when the text stands in a design.
fn printed(text: &str, parse: impl Fn(&str, u32) -> Result<(), Vec<Diagnostic>>) -> String {
    let source = format!("{BEFORE}{text}\",\n)\n");
    let errors = parse(text, BEFORE.len() as u32).expect_err(text);
    assert!(!errors.is_empty(), "{text}");
    render(&errors, "design.ron", &source, false)
}

fn check(file: &str, parse: impl Fn(&str, u32) -> Result<(), Vec<Diagnostic>>) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/errors").join(file);
    let expected = fs::read_to_string(&path).expect("the file of cases");
    let mut found = String::new();
    for line in expected.lines() {
        if let Some(text) = line.strip_prefix(">>> ") {
            found.push_str(&format!("{line}\n{}\n", printed(text, &parse)));
        }
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, found).expect("the file of cases is writable");
        return;
    }
    for (expected, found) in expected.split(">>> ").zip(found.split(">>> ")) {
        assert_eq!(expected, found);
    }
    assert_eq!(expected, found);
}

#[test]
fn expressions() {
    check("expressions.txt", |text, at| parse_expression(text, at).map(drop));
}

#[test]
fn formulas() {
    check("formulas.txt", |text, at| parse_formula(text, at).map(drop));
}
