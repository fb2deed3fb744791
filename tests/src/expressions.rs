//! The compiled language against a plain walk of the tree, on the same drawn populations.

use trialrun_lang::parse_expression;
use trialrun_plan::{Options, compile, read};

use crate::common::{drawn, estimand, plan, values};
use crate::sentences::{Author, Certain};
use crate::walker::{Context, Population};

/// Numbers of schools, classes in each, students in each.
const FIXED: [&str; 3] = ["2", "3", "4"];
const RANDOM: [&str; 3] = ["4", "classes", "pupils"];
const ALONE: [&str; 3] = ["1", "1", "1"];
/// Runs longer than the lanes of a sum, levels longer than a block.
const LONG: [&str; 3] = ["2", "11", "29"];

const LEVELS: [&str; 3] = ["school", "class", "student"];

/// A population with variables of every kind, and steps that follow.
fn population(sizes: [&str; 3], steps: &str) -> String {
    let [schools, classes, students] = sizes.map(|n| format!("\"{n}\""));
    format!(
        r#"Design(parameters: {{ half: 0.5, three: 3 }}, steps: [
        Level(name: school, n: {schools}, variables: {{
            s: "round(8 * normal(0, 1)) / 8",
            kind: "floor(uniform(0, 3))",
            classes: "poisson(2)",
            share: "uniform(0, 1)",
        }}),
        Level(name: class, n: {classes}, variables: {{
            c: "round(8 * normal(0, 1)) / 8",
            pupils: "poisson(3)",
            weight: "uniform(0.5, 1.5)",
            twice: "2 * s",
        }}),
        Level(name: student, n: {students}, variables: {{
            x: "round(16 * normal(0, 1)) / 16",
            y: "uniform(0.1, 2)",
            b: "bernoulli(0.4)",
            gap: "if(uniform(0, 1) < 0.2, 0 / 0, x)",
            above: "c + s",
        }}),
        Assignment(variable: arm, method: Complete, conditions: [control, letter, visit]),
        Assignment(variable: wing, method: Simple, clusters: class, conditions: [north, south]),
        {steps}
    ])"#
    )
}

/// Compiles expressions at their levels, and compares their values with the walker's. Gives the
/// number of finite ones.
fn check(sizes: [&str; 3], sim: u64, expressions: &[(&str, &str, Certain)]) -> usize {
    let mut steps = String::new();
    for level in LEVELS {
        let own = expressions.iter().enumerate().filter(|(_, e)| e.0 == level);
        let entries: Vec<String> = own.map(|(i, e)| format!("e{i}: \"{}\"", e.1)).collect();
        if !entries.is_empty() {
            let entries = entries.join(", ");
            steps += &format!("Variables(level: {level}, variables: {{ {entries} }}),\n");
        }
    }
    let plan = plan(&population(sizes, &steps));
    let ws = drawn(&plan, 11, sim);
    let population = Population::new(&plan, &ws, plan.deepest);
    let mut n_finite = 0;
    for (i, (level, text, certain)) in expressions.iter().enumerate() {
        let expr = parse_expression(text, 0).unwrap();
        let place = 1 + LEVELS.iter().position(|l| l == level).unwrap();
        // The walker's time grows with the cube of the units: of many, some are looked at.
        let n_units = population.n_units(place);
        for unit in (0..n_units).step_by(1 + n_units / 60) {
            let ours = population.column(place, &format!("e{i}"))[unit];
            let walked = population.walk(&expr, place, unit);
            let theirs = walked.value;
            let room = match certain {
                Certain::Sums | Certain::Bits => 0.0,
                Certain::Digits => 1e-12 * walked.size,
            };
            let same = ours == theirs || (ours.is_nan() && theirs.is_nan());
            assert!(
                same || (ours - theirs).abs() <= room,
                "{level} {unit}, simulation {sim} of {sizes:?}: {ours:e}, not {theirs:e}\n{text}"
            );
            n_finite += usize::from(ours.is_finite());
        }
    }
    n_finite
}

/// Every function, operator and reduction, and the ways in which levels meet.
#[test]
fn written_expressions_are_what_the_walker_says() {
    use Certain::{Bits, Digits, Sums};
    let expressions: &[(&str, &str, Certain)] = &[
        ("student", "x + y - 2 * x / y", Bits),
        ("student", "x % 0.3 + -x % 2 + x % -1.5", Bits),
        ("student", "y^2 + y^3 - y^-0.5 + pow(y, half) + 2^x", Bits),
        ("student", "-x^2", Bits),
        ("student", "(x < y) + 2 * (x <= 0) + 4 * (x > gap) + 8 * (x >= 0)", Sums),
        ("student", "(x == gap) + 2 * (x != gap)", Sums),
        ("student", "gap < 1 | b", Sums),
        ("student", "!(gap < 0) & b == 0", Sums),
        ("student", "if(gap > 0, y, -y)", Bits),
        ("student", "if(b, x, if(gap, 1, 2))", Sums),
        ("student", "abs(x) + sign(x) + floor(y) + ceiling(x) + round(3 * x)", Bits),
        ("student", "exp(x) + expm1(x) + log(y) + log10(y) + log2(y) + log1p(y)", Bits),
        ("student", "sqrt(x) + sin(x) + cos(x) + tan(x) + tanh(x)", Bits),
        ("student", "logit(y / 2) + inv_logit(x) + pnorm(x) + qnorm(y / 2) + dnorm(x)", Bits),
        ("student", "min(x, y) + max(x, s, c, 0.25) - min(gap, 1) + max(1, gap)", Bits),
        ("student", "(arm == 'letter') + 2 * (arm != 'control') - ('south' == wing)", Sums),
        ("student", "school + 100 * class + 10000 * student + N", Sums),
        ("class", "N + class - school", Sums),
        ("school", "N * school", Sums),
        ("student", "mean(x) + mean(x, by = school) + mean(x, by = class)", Bits),
        ("student", "x - mean(x, by = student)", Bits),
        ("class", "mean(x, by = class) - mean(x)", Bits),
        ("class", "mean(c) - mean(c, by = school)", Bits),
        ("class", "sum(pupils) + sum(s) + sum(s, by = school)", Sums),
        ("school", "count() + count(x > 0, by = school) + count(b) + count(gap > 0)", Sums),
        ("class", "count() + count(by = school) + 10 * count(by = class)", Sums),
        ("school", "sum(y, by = school) + sum(y)", Digits),
        ("school", "var(y, by = school)", Digits),
        ("school", "sd(x) + sd(x, by = school)", Digits),
        ("class", "sd(x, by = class)", Digits),
        ("class", "min(x, by = class) + max(y) - max(c, by = school)", Bits),
        ("class", "median(x, by = class) + quantile(y, 0.3, by = class)", Bits),
        ("school", "quantile(x, 0.9) - quantile(x, 0) + quantile(x, 1, by = school)", Bits),
        ("school", "any(x > 1, by = school) + 2 * all(x < 1, by = school) + any(gap > 9)", Sums),
        ("student", "min(gap) + max(gap, by = class)", Sums),
        ("student", "sum(x * (arm == 'visit'), by = class)", Sums),
        ("student", "x * y + exp(x * y) + (x * y)^2 + mean(x) * (x * y)", Bits),
        ("student", "twice + above + half * three", Sums),
        ("student", "mean(x - mean(x, by = class), by = school)", Digits),
        ("school", "var(mean(x, by = class), by = school)", Digits),
        ("school", "mean(mean(c, by = school) == mean(twice, by = school))", Bits),
        ("student", "count(x < 0.5) / N", Bits),
        ("school", "max(max(y, by = class) - min(y, by = class))", Bits),
        ("student", "1 / 0 - 1 / 0 + x", Sums),
        ("student", "three", Sums),
        ("school", "half + 0", Sums),
        ("student", "s", Sums),
        ("class", "if(half > 0.4, c, s)", Sums),
        ("student", "true + false", Sums),
    ];
    let mut n = 0;
    for sizes in [FIXED, RANDOM, ALONE, LONG] {
        for sim in 0..if sizes == LONG { 1 } else { 6 } {
            n += check(sizes, sim, expressions);
        }
    }
    assert!(n > 10_000, "{n} values were compared");
}

/// A few thousand random expressions, every one at its level.
#[test]
fn random_expressions_are_what_the_walker_says() {
    let mut author = Author::new(20_260_101);
    let mut n = 0;
    for design in 0..120 {
        let written: Vec<(&str, String, Certain)> = (0..30)
            .map(|i| {
                let level = i % 3;
                let (text, certain) = author.expression(level + 1);
                (LEVELS[level], text, certain)
            })
            .collect();
        let expressions: Vec<(&str, &str, Certain)> =
            written.iter().map(|(level, text, c)| (*level, text.as_str(), *c)).collect();
        n += check([RANDOM, FIXED, ALONE][design % 3], design as u64, &expressions);
    }
    assert!(n > 15_000, "{n} values were compared");
}

/// Constants have the values of R, so that the parser that both sides share is tested too.
#[test]
fn precedence_is_that_of_r() {
    let cases = [
        ("-2^2", -4.0),
        ("2^3^2", 512.0),
        ("2^-1", 0.5),
        ("1 - 2 - 3", -4.0),
        ("8 / 4 / 2", 1.0),
        ("-7 % 3", 2.0),
        ("7 % -3", -2.0),
        ("2 * 7 % 4", 2.0),
        ("1 + 2 * 3^2", 19.0),
        ("!1 == 0", 1.0),
        ("!0 & 0", 0.0),
        ("1 | 0 & 0", 1.0),
        ("1 < 2 & 3 < 2 | 1", 1.0),
        ("-1 < 0", 1.0),
        ("round(-2.5)", -3.0),
        ("1e3 + .5", 1000.5),
        ("if(0, 1, 2)", 2.0),
        ("min(3, 1, 2) + max(3, 1, 2)", 4.0),
        ("pnorm(0) + inv_logit(0)", 1.0),
        ("pow(2, 10) + 3 % 2", 1025.0),
    ];
    let estimands: Vec<String> = (0..cases.len())
        .map(|i| format!("Estimand(label: e{i}, value: \"{}\"),", cases[i].0))
        .collect();
    let plan = plan(&population(ALONE, &estimands.join("\n")));
    let ws = drawn(&plan, 1, 0);
    for (i, (text, expected)) in cases.into_iter().enumerate() {
        assert_eq!(estimand(&plan, &ws, &format!("e{i}")), expected, "{text}");
    }
}

/// Missing values stay missing through comparison and logic, and do not count in conditions.
#[test]
fn missing_values_stay_missing() {
    let cases = [
        "0 / 0 == 0 / 0",
        "0 / 0 != 1",
        "!(0 / 0)",
        "(0 / 0) | 1",
        "(0 / 0) & 0",
        "if(0 / 0, 1, 2)",
        "min(0 / 0, 1)",
        "max(1, 0 / 0)",
        "mean(0 / x)  - mean(0 / x)",
    ];
    for text in cases {
        let steps = format!("Estimand(label: e, value: \"{text}\"),");
        let design = population(FIXED, &steps).replace("round(16 * normal(0, 1)) / 16", "0");
        let plan = plan(&design);
        let ws = drawn(&plan, 1, 0);
        assert!(estimand(&plan, &ws, "e").is_nan(), "{text}");
    }
}

/// Estimands with `where`, and with reductions within reductions.
#[test]
fn estimands_count_the_units_where_their_condition_holds() {
    let cases = [
        ("mean(y)", "x > 0"),
        ("mean(y)", "gap > 0"),
        ("sum(x) / count()", "arm == 'letter' & b"),
        ("median(y)", "c > 0"),
        ("mean(y - mean(y))", "x > 0"),
        ("mean(mean(y, by = class))", "x > 0.2"),
        ("max(x) - min(c)", "kind > 0 | x < 0"),
        ("mean(x)", "x > mean(x)"),
        ("count(b)", "x > 99"),
        ("mean(x)", "x > 99"),
        ("sd(y) + quantile(y, 0.2)", "wing == 'south'"),
    ];
    for sizes in [FIXED, RANDOM, ["2", "5", "13"]] {
        let estimands: Vec<String> = cases
            .iter()
            .enumerate()
            .map(|(i, (v, w))| format!("Estimand(label: e{i}, value: \"{v}\", where: \"{w}\"),"))
            .collect();
        let plan = plan(&population(sizes, &estimands.join("\n")));
        for sim in 0..5 {
            let ws = drawn(&plan, 5, sim);
            let population = Population::new(&plan, &ws, plan.deepest);
            for (i, (value, condition)) in cases.iter().enumerate() {
                let value = parse_expression(value, 0).unwrap();
                let condition = parse_expression(condition, 0).unwrap();
                let context = Context { level: 3, at: (0, 0), mask: Some(&condition) };
                let walked = population.eval(&value, context);
                let ours = estimand(&plan, &ws, &format!("e{i}"));
                let same = ours.is_nan() && walked.value.is_nan();
                let error = (ours - walked.value).abs();
                assert!(
                    same || error <= 1e-13 * walked.size,
                    "{value} where {condition}: {ours}, not {}",
                    walked.value
                );
            }
        }
    }
}

/// What a step asks to reduce to units below its own is refused, wherever it stands.
#[test]
fn reductions_to_lower_levels_are_refused() {
    for steps in [
        "Variables(level: class, variables: { v: \"mean(x, by = student)\" }),",
        "Variables(level: class, variables: { v: \"c + mean(x, by = student)\" }),",
        "Variables(level: class, variables: { v: \"mean(c, by = student)\" }),",
        "PotentialOutcomes(outcome: o, level: class, conditions: { z: [0, 1] },
            formula: \"z * mean(x, by = student)\"),",
        "Aggregate(by: [kind, b], variables: { v: \"mean(x, by = class)\" }),",
        "Aggregate(by: class, variables: { v: \"mean(x, by = student)\" }),",
        "Estimand(label: e, value: \"mean(x, by = class)\"),",
    ] {
        let source = population(FIXED, steps);
        let (design, errors) = read(&source);
        assert!(errors.is_empty(), "{steps}");
        let errors = compile(&design.unwrap(), &Options::default());
        let Err(errors) = errors else { panic!("accepted: {steps}") };
        assert_eq!(errors.len(), 1, "{steps}");
    }
}

/// What one unit's values are is not changed by what else is computed beside them.
#[test]
fn shared_parts_are_computed_once_and_rightly() {
    let alone = population(
        LONG,
        r#"Variables(variables: { p: "exp(x * y) + log(y) * (x * y)", q: "x * y + log(y)" }),"#,
    );
    let shared = population(
        LONG,
        r#"Variables(variables: { q: "x * y + log(y)" }),
        Variables(variables: { r: "mean(exp(x * y)) - exp(x * y)" }),
        Variables(variables: { p: "exp(x * y) + log(y) * (x * y)" }),"#,
    );
    let (alone, shared) = (plan(&alone), plan(&shared));
    let (a, b) = (drawn(&alone, 3, 4), drawn(&shared, 3, 4));
    for name in ["p", "q", "x", "arm"] {
        assert_eq!(values(&alone, &a, name), values(&shared, &b, name), "{name}");
    }
}
