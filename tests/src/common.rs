//! Designs from text, for tests.

use trialrun_plan::{Design, Options, Plan, Table, compile, compile_for_data, read};

/// Names that expectations may use in tests.
pub const DIAGNOSANDS: &[&str] = trialrun_run::diagnosands::NAMES;

/// Reads a design that has no error.
pub fn design(source: &str) -> Design {
    let (design, errors) = read(source);
    assert!(errors.is_empty(), "{}", trialrun_lang::render(&errors, "design", source, false));
    design.expect("a design without errors")
}

/// Compiles a design that has no error.
pub fn plan(source: &str) -> Plan {
    let options = Options { diagnosands: DIAGNOSANDS, ..Options::default() };
    compile(&design(source), &options)
        .unwrap_or_else(|e| panic!("{}", trialrun_lang::render(&e, "design", source, false)))
}

/// Compiles a design for data.
pub fn plan_for(source: &str, table: &Table) -> Plan {
    compile_for_data(&design(source), &Options::default(), table)
        .unwrap_or_else(|e| panic!("{}", trialrun_lang::render(&e, "design", source, false)))
}

/// A design of the gallery.
pub fn gallery(name: &str) -> String {
    let path = format!("{}/../designs/{name}.ron", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}
