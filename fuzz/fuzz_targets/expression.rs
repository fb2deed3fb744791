//! Any text as an expression and as a formula: parsed alone, and as part of a design.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trialrun_lang::{parse_expression, parse_formula, render};
use trialrun_plan::{Limits, Options, compile, read};

fuzz_target!(|text: &str| {
    if let Ok(expression) = parse_expression(text, 7) {
        let again = parse_expression(&expression.to_string(), 0).expect("its own text parses");
        assert!(again.same(&expression), "its own text is another expression");
    }
    if let Ok(formula) = parse_formula(text, 7) {
        parse_formula(&formula.to_string(), 0).expect("its own text parses");
    }
    // A raw string holds every text but its own end.
    let hashes = "#".repeat(1 + text.split('"').map(leading_hashes).max().unwrap_or(0));
    let raw = format!("r{hashes}\"{text}\"{hashes}");
    for place in 0..PLACES.len() {
        let mut steps = String::new();
        for (i, (before, step)) in PLACES.iter().enumerate() {
            steps += before;
            steps += &if i == place { step.replace('@', &raw) } else { String::new() };
        }
        check(&format!("Design(parameters: {{ p: 2 }}, steps: [{steps}])"));
    }
});

/// Steps, each with one that has the text in the place of `@`.
const PLACES: &[(&str, &str)] = &[
    ("Level(name: class, n: 3, variables: { e: \"normal(0, 1)\", k: \"poisson(2)\" }),", ""),
    ("", "Level(name: team, n: @),"),
    ("Level(name: unit, n: \"k\", variables: { u: \"normal(0, 1)\" }),", ""),
    ("", "Variables(variables: { x: @ }),"),
    ("", "Variables(level: class, variables: { m: @ }),"),
    ("", "PotentialOutcomes(outcome: w, conditions: { z: [0, 1] }, formula: @),"),
    ("PotentialOutcomes(outcome: y, conditions: { z: [a, b] }, formula: \"u + (z == 'a')\"),", ""),
    ("", "Estimand(label: q, value: @),"),
    ("", "Estimand(label: r, value: \"mean(u)\", where: @),"),
    ("Assignment(variable: z, method: Complete()), Reveal(outcome: y),", ""),
    ("", "Estimator(label: a, method: LmRobust(formula: @, clusters: class)),"),
    ("", "Estimator(label: b, term: All, method: Lmer(formula: @)),"),
    ("", "Aggregate(by: class, variables: { n: @ }),"),
    ("", "Aggregate(by: [z, class], variables: { n: @ }),"),
];

fn leading_hashes(text: &str) -> usize {
    text.bytes().take_while(|b| *b == b'#').count()
}

/// Compiles a design, and simulates it once if that succeeds.
fn check(source: &str) {
    let (design, errors) = read(source);
    render(&errors, "design.ron", source, false);
    let Some(design) = design else { return };
    let limits = Limits { max_values: 2_000 };
    match compile(&design, &Options { limits, ..Options::default() }) {
        Err(found) => drop(render(&found, "design.ron", source, false)),
        Ok(plan) => drop(plan.simulate(&mut plan.workspace(), 1, 0)),
    }
}
