//! Wrong designs and what the user is told about them.
//!
//! Each `tests/errors/NAME.ron` has its rendered messages beside it in `NAME.txt`;
//! `UPDATE_EXPECT=1` rewrites them. A first line such as `// --set classes=20` gives options.
//! Files that are too large to keep are made here, and `mutations` makes thousands more.

mod mutations;
mod nonsense;

use std::fs;
use std::path::PathBuf;

use trialrun_lang::{Diagnostic, render};
use trialrun_plan::declared::worth_reading;
use trialrun_plan::exec::draw::DISTRIBUTIONS;
use trialrun_plan::{Limits, Options, Plan, compile, read};

use crate::common::{DIAGNOSANDS, data_files};

/// Simulations that a design which compiles has to get through.
const SIMS: u64 = 3;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("errors")
}

/// Each wrong design: its name and its text.
fn wrong_designs() -> Vec<(String, String)> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder())
        .expect("the folder of wrong designs")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "ron"))
        .collect();
    files.sort();
    let read = |path: PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        (name, fs::read_to_string(&path).expect("UTF-8"))
    };
    files.into_iter().map(read).collect()
}

/// The options in a file's first line, as the command line would have them.
fn settings(source: &str) -> (Vec<(String, f64)>, Limits) {
    let (mut set, mut limits) = (Vec::new(), Limits::default());
    let words = source.lines().next().unwrap_or("").strip_prefix("// --");
    let mut words = words.unwrap_or("").split_whitespace();
    while let (Some(option), Some(value)) = (words.next(), words.next()) {
        match option.trim_start_matches("--") {
            "set" => {
                let (name, value) = value.split_once('=').expect("NAME=VALUE");
                set.push((name.to_string(), value.parse().expect("a number")));
            }
            "max-values" => limits.max_values = value.parse().expect("a number"),
            other => panic!("no option --{other}"),
        }
    }
    (set, limits)
}

/// What the user is told: errors, or warnings and what stopped one of the first simulations.
fn told(name: &str, source: &str) -> String {
    let show =
        |diagnostics: Vec<Diagnostic>| render(&worth_reading(diagnostics), name, source, false);
    let (design, mut diagnostics) = read(source);
    let Some(design) = design else { return show(diagnostics) };
    let (overrides, limits) = settings(source);
    let files = data_files(&design, "errors");
    let (diagnosands, rest) = (DIAGNOSANDS, Options::default());
    let options = Options { overrides: &overrides, limits, diagnosands, files: &files, ..rest };
    match compile(&design, &options) {
        Ok(plan) if diagnostics.is_empty() => {
            show(plan.warnings.clone()) + &told_by_simulations(&plan, design.diagnosis.seed, show)
        }
        Ok(_) => show(diagnostics),
        Err(errors) => {
            diagnostics.extend(errors);
            show(diagnostics)
        }
    }
}

fn told_by_simulations(plan: &Plan, seed: u64, show: impl Fn(Vec<Diagnostic>) -> String) -> String {
    let mut ws = plan.workspace();
    for sim in 0..SIMS {
        if let Err(stop) = plan.simulate(&mut ws, seed, sim) {
            return format!("in simulation {}: {}", sim + 1, show(vec![*stop.0]));
        }
    }
    let mut told = format!("no error in {SIMS} simulations\n");
    for estimator in &plan.estimators {
        for (info, row) in estimator.rows().zip(&ws.rows()[estimator.first_row..]) {
            if let Err(failure) = row.fit {
                let term = info.qualified_term();
                told += &format!("{}, {term}: no fit: {failure}\n", estimator.label);
            }
        }
    }
    told
}

#[test]
fn wrong_designs_are_explained() {
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let designs = wrong_designs();
    assert!(designs.len() >= 80, "{} files", designs.len());
    let mut wrong = Vec::new();
    for (name, source) in designs {
        let found = told(&name, &source);
        let expected = folder().join(&name).with_extension("txt");
        if update {
            fs::write(&expected, &found).expect("can be written");
        } else if fs::read_to_string(&expected).ok().as_deref() != Some(found.as_str()) {
            wrong.push(format!("{name} says now:\n{found}"));
        }
    }
    let n = wrong.len();
    assert!(wrong.is_empty(), "{n} differ; UPDATE_EXPECT=1 accepts\n{}", wrong.join("\n"));
}

#[test]
fn every_text_has_its_design() {
    for entry in fs::read_dir(folder()).expect("the folder of wrong designs") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|e| e == "txt") {
            assert!(path.with_extension("ron").exists(), "{path:?} is left over");
        }
    }
}

/// A design with one level and one variable.
fn with_variable(expression: &str) -> String {
    format!(
        "Design(steps: [Level(name: unit, n: 3, variables: {{ u: \"normal(0, 1)\", \
         x: \"{expression}\" }})])"
    )
}

/// The first line of what is told of a design, which is one error.
fn one_error(source: &str) -> String {
    let found = told("design.ron", source);
    assert_eq!(found.matches("error: ").count(), 1, "{}", &found[..found.len().min(2000)]);
    found.lines().next().unwrap_or("").to_string()
}

#[test]
fn deep_nesting_is_refused() {
    let deep = |open: &str, inside: &str, close: &str, n: usize| {
        format!("{}{inside}{}", open.repeat(n), close.repeat(n))
    };
    let expressions = [
        deep("(", "u", ")", 10_000),
        deep("sqrt(", "u", ")", 10_000),
        deep("-", "u", "", 10_000),
        deep("mean(", "u", ", by = unit)", 10_000),
        deep("if(u, 1, ", "u", ")", 10_000),
    ];
    for expression in expressions {
        let found = one_error(&with_variable(&expression));
        assert_eq!(found, "error: the expression is nested too deeply");
    }
    let files = [
        deep("[", "", "]", 10_000),
        deep("(", "", ")", 10_000),
        deep("{ a: ", "1", "}", 10_000),
        deep("Level(name: ", "a", ")", 10_000),
        deep("[", "a b", "]", 10_000),
        deep("Some(", "1", ")", 10_000),
    ];
    for file in files {
        let found = one_error(&format!("Design(steps: [{file}])"));
        assert_eq!(found, "error: brackets are nested too deeply");
    }
    for open in ["[", "(", "{", "a(", "Design(", "/*", "\"", "r#\""] {
        one_error(&format!("Design(steps: {}", open.repeat(10_000)));
    }
    let formula = format!("y ~ {}", deep("(", "x", ")", 10_000));
    let step = format!("Estimator(label: a, method: LmRobust(formula: \"{formula}\"))");
    one_error(&format!("Design(steps: [{step}])"));
}

#[test]
fn long_files_are_read_or_refused_in_seconds() {
    let sum = one_error(&with_variable(&"u + ".repeat(250_000)));
    assert_eq!(sum, "error: the expression is too long");
    one_error(&with_variable(&"u ".repeat(500_000)));
    one_error(&with_variable(&"u".repeat(1_000_000)));
    one_error(&with_variable(&format!("categorical({}0)", "0.1, ".repeat(200_000))));
    let largest = with_variable(&format!("max({}u)", "u, 2 * u, ".repeat(20_000)));
    assert!(told("design.ron", &largest).starts_with("no error"));
    let names: String = (0..20_000).map(|i| format!("p{i}: {i}, ")).collect();
    let many = format!("Design(parameters: {{ {names} }}, steps: [Level(name: a, n: \"p9\")])");
    assert!(told("design.ron", &many).starts_with("no error"));
    let steps = "Variables(variables: { a: \"b\" }),\n".repeat(2_000);
    let found = told("design.ron", &format!("Design(steps: [Level(name: l, n: 1), {steps}])"));
    assert_eq!(found.matches("error: ").count(), 50);
    assert!(found.contains("note: 3949 more messages are not shown"));
    let level = format!("Level(name: {}, n: 1)", "a".repeat(1_000_000));
    assert!(told("design.ron", &format!("Design(steps: [{level}])")).starts_with("no error"));
    let levels: String = (0..300).map(|i| format!("Level(name: l{i}, n: 1), ")).collect();
    assert!(told("design.ron", &format!("Design(steps: [{levels}])")).starts_with("no error"));
}

/// A draw is made, or refused, whatever the parameters: none hangs.
#[test]
fn draws_with_extreme_parameters_end() {
    let values = [
        "0",
        "1",
        "2",
        "0.5",
        "-1",
        "5e-324",
        "1e-300",
        "1e-16",
        "1e-5",
        "0.999999999999",
        "1e5",
        "1e9",
        "1e15",
        "1e16",
        "1e100",
        "1e300",
        "1.7e308",
    ];
    for entry in DISTRIBUTIONS {
        let n = entry.parameters.len();
        for i in 0..values.len().pow(n as u32) {
            let arg = |k: usize| values[i / values.len().pow(k as u32) % values.len()];
            let args: Vec<&str> = (0..n).map(arg).collect();
            let draw = format!("{}({})", entry.name, args.join(", "));
            let started = std::time::Instant::now();
            let found = told("design.ron", &with_variable(&draw));
            let answered = found.contains("no error") || found.contains("can not be drawn");
            assert!(answered, "{draw}: {found}");
            assert!(started.elapsed().as_secs() < 20, "{draw} takes too long");
        }
    }
}
