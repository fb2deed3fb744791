//! Every case of one random intercept among the reference values that R computed.

use super::super::{Df, Fit, Method, Scratch, fit};
use super::{Data, Kind, close};
use crate::Failure;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Relative tolerance of coefficients, variances and the criterion.
const TOLERANCE: f64 = 1e-10;
/// Relative tolerance of Satterthwaite's degrees of freedom.
const DF_TOLERANCE: f64 = 1e-8;

fn read(name: &str) -> String {
    let folder: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "..", "..", "tests", "oracle"].iter().collect();
    std::fs::read_to_string(folder.join(name)).expect("reference values lie in tests/oracle")
}

fn numbers(value: &Value) -> Vec<f64> {
    let list = value.as_array().expect("a list of numbers");
    list.iter().map(|v| v.as_f64().expect("a number")).collect()
}

/// A CSV file by column, as text.
struct Table {
    names: Vec<String>,
    columns: Vec<Vec<String>>,
}

impl Table {
    fn read(name: &str) -> Self {
        let text = read(name);
        let mut lines = text.lines();
        let split = |line: &str| -> Vec<String> { line.split(',').map(str::to_string).collect() };
        let names = split(lines.next().expect("a header"));
        let mut columns = vec![Vec::new(); names.len()];
        for line in lines {
            for (column, field) in columns.iter_mut().zip(split(line)) {
                column.push(field);
            }
        }
        Self { names, columns }
    }

    fn column(&self, name: &str) -> Option<&[String]> {
        self.names.iter().position(|n| n == name).map(|i| self.columns[i].as_slice())
    }

    /// The column of a factor of a model term: a number, or an indicator of a level.
    fn factor(&self, part: &str) -> Vec<f64> {
        if let Some(column) = self.column(part) {
            return column.iter().map(|v| v.parse().expect("a number")).collect();
        }
        let (name, level) = if let Some(rest) = part.strip_prefix("factor(") {
            rest.split_once(')').expect("a closing bracket")
        } else {
            let name = self.names.iter().find(|n| part.starts_with(n.as_str()));
            part.split_at(name.expect("a column of the data").len())
        };
        let column = self.column(name).expect("a column of the data");
        assert!(column.iter().collect::<BTreeSet<_>>().contains(&level.to_string()), "{part}");
        column.iter().map(|v| f64::from(u8::from(v == level))).collect()
    }

    fn term(&self, term: &str) -> Vec<f64> {
        let n = self.columns[0].len();
        term.split(':').filter(|&part| part != "(Intercept)").fold(vec![1.0; n], |product, part| {
            product.iter().zip(self.factor(part)).map(|(a, b)| a * b).collect()
        })
    }
}

/// The model matrix of a case, its rows sorted by group; `terms` name the columns.
fn data(case: &Value, terms: &[String]) -> Data {
    let table = Table::read(case["data"].as_str().expect("a file"));
    let formula = case["formula"].as_str().expect("a formula");
    let (_, random) = formula.split_once("(1 | ").expect("a random intercept");
    let group = table.column(random.trim_end_matches(')')).expect("a grouping column");
    let mut order: Vec<usize> = (0..group.len()).collect();
    order.sort_by_key(|&i| &group[i]);
    let sorted = |column: Vec<f64>| -> Vec<f64> { order.iter().map(|&i| column[i]).collect() };
    let mut groups = vec![0];
    for i in 1..order.len() {
        if group[order[i]] != group[order[i - 1]] {
            groups.push(i as u32);
        }
    }
    groups.push(order.len() as u32);
    let x = terms.iter().flat_map(|term| sorted(table.term(term))).collect();
    let kind = match case["weights"].as_str() {
        Some(name) => Kind::Weighted(sorted(table.factor(name))),
        None => Kind::Single,
    };
    Data { x, y: sorted(table.factor("y")), groups, kind }
}

fn terms(case: &Value) -> Vec<String> {
    let list = case["terms"].as_array().expect("terms");
    list.iter().map(|t| t.as_str().expect("a name").to_string()).collect()
}

fn method(case: &Value) -> Method {
    if case["REML"].as_bool().expect("a choice") { Method::Reml } else { Method::Ml }
}

/// The cases with one random intercept.
fn cases() -> Vec<Value> {
    let all: Value = serde_json::from_str(&read("lmm.json")).expect("valid JSON");
    let cases = all["cases"].as_array().expect("cases").clone();
    let is_one = |case: &Value| {
        let formula = case["formula"].as_str().expect("a formula");
        formula.matches('|').count() == 1
            && formula.split_once("(1 | ").is_some_and(|(_, group)| !group.contains(['/', ':']))
    };
    cases.into_iter().filter(is_one).collect()
}

fn compare(case: &Value, fit: &Fit) {
    let number = |field: &str| case[field].as_f64().expect("a number");
    let check = |field: &str, ours: f64| {
        let what = format!("{} {field}", case["name"]);
        close(&what, ours, number(field), TOLERANCE);
    };
    check("sigma", fit.sigma());
    check("criterion", fit.criterion());
    check("loglik", fit.log_likelihood());
    check("aic", fit.aic());
    check("bic", fit.bic());
    let name = &case["name"];
    let theta = numbers(&case["theta"])[0];
    close(&format!("{name} theta"), fit.theta(), theta, TOLERANCE);
    let sd_group = numbers(&case["varcomp"]["sd_or_cor"])[0];
    close(&format!("{name} sd"), fit.sd_group(), sd_group, TOLERANCE);
    assert_eq!(fit.is_boundary(), case["singular"].as_bool().expect("a choice"), "{name}");
    assert_eq!(fit.theta() == 0.0, fit.is_boundary(), "{name}");
    assert_eq!(fit.n_obs() as u64, case["nobs"].as_u64().expect("a count"), "{name}");
    let n_groups = case["ngroups"].as_object().expect("counts").values().next();
    assert_eq!(Some(fit.n_groups() as u64), n_groups.and_then(Value::as_u64), "{name}");
    assert_eq!(fit.rank() as u64 + 2, case["npar"].as_u64().expect("a count"), "{name}");
    let (estimate, std_error) = (numbers(&case["estimate"]), numbers(&case["std_error"]));
    let df = numbers(&case["satterthwaite"]["df"]);
    let p = estimate.len();
    let mut vcov = vec![0.0; p * p];
    fit.vcov(&mut vcov);
    for j in 0..p {
        let ours = fit.coefficient(j, Df::Satterthwaite).expect("an estimable term");
        close(&format!("{name} estimate {j}"), ours.estimate, estimate[j], TOLERANCE);
        close(&format!("{name} std_error {j}"), ours.std_error, std_error[j], TOLERANCE);
        close(&format!("{name} df {j}"), ours.df, df[j], DF_TOLERANCE);
        for (k, &theirs) in numbers(&case["vcov"][j]).iter().enumerate() {
            // An element near zero is compared on the scale of its row and column.
            let scale = std_error[j] * std_error[k];
            let difference = (vcov[j * p + k] - theirs).abs();
            assert!(difference <= TOLERANCE * scale, "{name} vcov {j} {k}: {difference:e}");
        }
    }
}

#[test]
fn every_case_of_one_random_intercept_agrees_with_r() {
    let cases = cases();
    let mut scratch = Scratch::default();
    for case in &cases {
        let data = data(case, &terms(case));
        let fit = fit(&data.rows(), method(case), &mut scratch).expect("R fitted it");
        compare(case, &fit);
    }
    assert_eq!(cases.len(), 22, "cases of one random intercept");
}

#[test]
fn other_degrees_of_freedom_are_those_of_their_names() {
    let case = &cases()[1];
    let data = data(case, &terms(case));
    let mut scratch = Scratch::default();
    let fit = fit(&data.rows(), Method::Reml, &mut scratch).expect("R fitted it");
    assert_eq!(fit.coefficient(1, Df::Residual).map(|c| c.df), Ok(78.0));
    assert_eq!(fit.coefficient(1, Df::Z).map(|c| c.df), Ok(f64::INFINITY));
    assert_eq!(fit.coefficient(2, Df::Z), Err(Failure::TermDropped));
}

#[test]
fn a_dependent_predictor_is_dropped_and_the_rest_agrees_with_r() {
    let case = cases().into_iter().find(|c| c["name"] == "unbalanced_covariate_reml");
    let case = case.expect("a case of two predictors");
    let mut data = data(&case, &terms(&case));
    let m = data.len();
    // The new third column is 2 - 3 z: the constant and z determine it.
    let dependent: Vec<f64> = data.x[m..2 * m].iter().map(|z| 2.0 - 3.0 * z).collect();
    data.x.splice(2 * m..2 * m, dependent);
    let mut scratch = Scratch::default();
    let fit = fit(&data.rows(), Method::Reml, &mut scratch).expect("R fits it");
    assert_eq!(fit.kept(), [true, true, false, true]);
    assert_eq!(fit.beta()[2], 0.0);
    assert_eq!(fit.coefficient(2, Df::Z), Err(Failure::TermDropped));
    let df = numbers(&case["satterthwaite"]["df"]);
    for (ours, theirs) in [(0, 0), (1, 1), (3, 2)] {
        let term = fit.coefficient(ours, Df::Satterthwaite).expect("an estimable term");
        let (estimate, error) = (numbers(&case["estimate"]), numbers(&case["std_error"]));
        close("estimate", term.estimate, estimate[theirs], TOLERANCE);
        close("std_error", term.std_error, error[theirs], TOLERANCE);
        close("df", term.df, df[theirs], DF_TOLERANCE);
    }
    close("criterion", fit.criterion(), case["criterion"].as_f64().expect("one"), TOLERANCE);
}
