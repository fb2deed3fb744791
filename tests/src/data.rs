//! Populations from data files: levels, categories, missing values, and the bootstrap of them.

use trialrun_plan::{Options, Plan, Table, TableColumn, Values, Workspace, compile};

use crate::common::{
    assert_close, assert_mean, design, drawn, estimand, gallery, level, plan, simulate, values,
};

/// A table of numbers.
fn table(columns: &[(&str, &[f64])]) -> Table {
    let column = |(name, values): &(&str, &[f64])| TableColumn {
        name: name.to_string(),
        values: Values::Number(values.to_vec()),
    };
    Table { columns: columns.iter().map(column).collect() }
}

fn plan_with(source: &str, table: Table) -> Plan {
    let files = [("file.csv".to_string(), table)];
    let design = design(source);
    compile(&design, &Options { files: &files, ..Options::default() })
        .unwrap_or_else(|e| panic!("{}", trialrun_lang::render(&e, "design", source, false)))
}

fn numbers(plan: &Plan, ws: &Workspace, name: &str) -> Vec<f64> {
    let table = plan.data_set(ws, plan.deepest, usize::MAX);
    match &table.column(name).unwrap_or_else(|| panic!("no column {name}")).values {
        Values::Number(v) => v.clone(),
        Values::Integer(v) => v.iter().map(|v| v.unwrap() as f64).collect(),
        Values::Category { codes, .. } => {
            codes.iter().map(|c| c.map_or(f64::NAN, f64::from)).collect()
        }
    }
}

/// Rows are sorted into units of upper levels, which take what does not vary within them.
#[test]
fn a_flat_file_has_levels() {
    let file = || {
        table(&[
            ("district", &[2.0, 1.0, 2.0, 1.0, 2.0, 1.0]),
            ("school", &[7.0, 7.0, 3.0, 7.0, 7.0, 9.0]),
            ("size", &[20.0, 10.0, 20.0, 10.0, 20.0, 10.0]),
            ("type", &[1.0, 2.0, f64::NAN, 2.0, 1.0, 3.0]),
            ("x", &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
        ])
    };
    let source = r#"Design(steps: [
        Data(name: student, file: "file.csv", within: [district, school],
            columns: { size: size, kind: type, x: x }, variables: { twice: "2 * x" }),
        Estimand(label: mean_size, value: "mean(size)"),
        Estimand(label: sum_of_schools, value: "sum(type_or_0)", level: school),
        ])"#
    .replace("type_or_0", "if(is_missing(kind), 0, kind)");
    let plan = plan_with(&source, file());
    let ws = drawn(&plan, 1, 0);
    assert_eq!(["district", "school", "student"].map(|l| ws.size(level(&plan, l))), [2, 4, 6]);
    let level_of = |name: &str| {
        let variable = plan.variables.iter().find(|v| v.name == name).unwrap();
        plan.levels[plan.level_of(variable.column).idx()].name.clone()
    };
    assert_eq!(["size", "kind", "x"].map(level_of), ["district", "school", "student"]);
    let of = |name: &str| numbers(&plan, &ws, name);
    assert_eq!(of("x"), [2.0, 4.0, 6.0, 3.0, 1.0, 5.0]);
    assert_eq!(of("twice"), [4.0, 8.0, 12.0, 6.0, 2.0, 10.0]);
    assert_eq!(of("size"), [10.0, 10.0, 10.0, 20.0, 20.0, 20.0]);
    assert_eq!(of("school"), [1.0, 1.0, 2.0, 3.0, 4.0, 4.0]);
    assert_eq!(of("district"), [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]);
    assert_eq!(of("kind")[..3], [2.0, 2.0, 3.0]);
    assert!(of("kind")[3].is_nan());
    assert_eq!(estimand(&plan, &ws, "mean_size"), 15.0);
    assert_eq!(estimand(&plan, &ws, "sum_of_schools"), 6.0);
}

/// Levels below a file, categories with their names, and missing values of the file in a model.
#[test]
fn the_gallery_reads_its_files() {
    let source = gallery("population-from-data").replace(
        "PotentialOutcomes(",
        "Estimand(label: coast, value: \"count(region == 'coast')\", level: school),
        Estimator(label: \"private\", term: private, method: LmRobust(
            formula: \"mean_score ~ private\"), level: school),
        PotentialOutcomes(",
    );
    let plan = plan(&source);
    let ws = drawn(&plan, 1, 0);
    let schools = level(&plan, "school");
    assert_eq!(ws.size(schools), 48);
    let enrolled: f64 = values(&plan, &ws, "enrolment").iter().sum();
    let everybody = plan.levels.iter().position(|l| l.name == "student").unwrap();
    assert_eq!(ws.size(trialrun_plan::LevelId(everybody as u32)) as f64, enrolled);
    assert_eq!(estimand(&plan, &ws, "coast"), 16.0);
    assert_eq!(ws.rows()[0].n_obs, 46.0, "two schools have no entry");
    // Half of each region gets the program.
    let table = plan.data_set(&ws, plan.deepest, usize::MAX);
    let Values::Category { codes, labels } = &table.column("region").unwrap().values else {
        panic!("regions are categories")
    };
    assert_eq!(labels, &["coast", "hills", "plain"]);
    let z = numbers(&plan, &ws, "program");
    for region in 0..3 {
        let of = |(i, c): (usize, &Option<u32>)| (*c == Some(region)).then_some(z[i]);
        let own: Vec<f64> = codes.iter().enumerate().filter_map(of).collect();
        assert_eq!(own.iter().sum::<f64>() * 2.0, own.len() as f64);
    }
}

/// The mean of a bootstrap sample is unbiased for the mean of the file, and its variance is that of
/// two stages: schools of equal size k, with spread between schools and within.
#[test]
fn the_hierarchical_bootstrap_has_the_variance_of_theory() {
    let x = [1.0, 4.0, 2.0, 8.0, 5.0, 7.0, 1.0, 9.0, 3.0, 3.0, 6.0, 2.0];
    let school: Vec<f64> = (0..12).map(|i| f64::from(i / 3)).collect();
    let plan = plan_with(
        r#"Design(steps: [
        Data(name: student, file: "file.csv", within: school),
        Sampling(method: WithReplacement, level: school),
        Sampling(method: WithReplacement, strata: school),
        Estimand(label: m, value: "mean(x)"),
        ])"#,
        table(&[("school", &school), ("x", &x)]),
    );
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let spread = |v: &[f64]| v.iter().map(|x| (x - mean(v)).powi(2)).sum::<f64>() / v.len() as f64;
    let schools: Vec<&[f64]> = x.chunks(3).collect();
    let means: Vec<f64> = schools.iter().map(|s| mean(s)).collect();
    let within = mean(&schools.iter().map(|s| spread(s)).collect::<Vec<f64>>());
    let expected = spread(&means) / 4.0 + within / 12.0;
    let mut ws = plan.workspace();
    let mut found = Vec::new();
    for sim in 0..40_000 {
        simulate(&plan, &mut ws, 3, sim);
        found.push(estimand(&plan, &ws, "m"));
    }
    assert_mean("mean", &found, mean(&x));
    let squares: Vec<f64> = found.iter().map(|m| (m - mean(&x)).powi(2)).collect();
    assert_mean("variance", &squares, expected);
}

/// A file in place of drawn numbers gives the numbers that were drawn.
#[test]
fn a_file_is_as_good_as_a_draw() {
    let steps = r#"
        PotentialOutcomes(outcome: y, conditions: { z: [0, 1] }, formula: "x + z"),
        Assignment(variable: z, method: Complete, clusters: class),
        Reveal(outcome: y),
        Estimator(label: "e", term: z, method: LmRobust(formula: "y ~ z", clusters: class)),
        ])"#;
    let levels = r#"Level(name: class, n: 12), Level(name: student, n: "3", variables: {
        x: "normal(0, 1)" }),"#;
    let drawn_plan = plan(&format!("Design(steps: [{levels}{steps}"));
    let ws = drawn(&drawn_plan, 1, 5);
    let x = values(&drawn_plan, &ws, "x").to_vec();
    let class: Vec<f64> = (0..36).map(|i| f64::from(i / 3)).collect();
    let data = r#"Data(name: student, file: "file.csv", within: class),"#;
    let plan =
        plan_with(&format!("Design(steps: [{data}{steps}"), table(&[("class", &class), ("x", &x)]));
    let again = drawn(&plan, 1, 5);
    let (a, b) = (again.rows()[0].fit.unwrap(), ws.rows()[0].fit.unwrap());
    assert_close("estimate", a.estimate, b.estimate, 1e-14);
    assert_close("std_error", a.std_error, b.std_error, 1e-14);
}
