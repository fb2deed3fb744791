//! Every case of R's least squares and random intercepts, from design file and CSV to numbers;
//! those of design-based estimators are in `design_based`.
//!
//! Inputs and results are in `tests/oracle`, with the R scripts that make them. The tolerances are
//! those that the results support; none is wider than it has to be.

mod bootstrap;
mod design_based;
mod glm;
mod glmm;
mod hypotheses;
mod mixed;
mod modes;
mod multiplicity;
mod outcomes;
mod ways;

use std::path::PathBuf;

use serde_json::Value;
use trialrun_plan::{Coefficient, Details, Plan};
use trialrun_stats::Failure;

use crate::common::plan_for;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("oracle")
}

fn cases(family: &str) -> Vec<Value> {
    let path = folder().join(format!("{family}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path:?}: {e}"));
    let parsed: Value = serde_json::from_str(&text).unwrap();
    parsed["cases"].as_array().unwrap().clone()
}

/// Fits one method to a case's data, which must be possible.
fn fit(case: &Value, method: &str) -> (Vec<Coefficient>, Details) {
    try_fit(case, method).unwrap_or_else(|f| panic!("{}: {f}", case["name"]))
}

/// Fits one method to a case's data.
fn try_fit(case: &Value, method: &str) -> Result<(Vec<Coefficient>, Details), Failure> {
    fit_outcome(case, method, 0)
}

/// Fits one outcome of a method to a case's data.
fn fit_outcome(
    case: &Value,
    method: &str,
    outcome: usize,
) -> Result<(Vec<Coefficient>, Details), Failure> {
    let plan = compiled(case, method);
    let mut ws = plan.workspace();
    plan.simulate(&mut ws, 0, 0).unwrap();
    plan.estimations[0].full(&mut ws, &plan.labels, outcome)
}

/// A design of one method for a case's data.
fn compiled(case: &Value, method: &str) -> Plan {
    let alpha = case["alpha"].as_f64().unwrap_or(0.05);
    let source = format!(
        "Design(steps: [Estimator(label: \"case\", term: All, method: {method})], \
         diagnosis: (alpha: {alpha}))"
    );
    let data = folder().join(case["data"].as_str().unwrap());
    let (table, _) = trialrun_frame::read(&data).unwrap();
    plan_for(&source, &table)
}

/// Asserts that a number is R's, to a relative tolerance.
fn close(case: &Value, what: &str, ours: f64, theirs: &Value, tolerance: f64) {
    let theirs = theirs.as_f64().unwrap_or_else(|| panic!("{}: {what} is null", case["name"]));
    let error = (ours - theirs).abs() / theirs.abs().max(1e-300);
    // Numbers that are zero but for rounding have no relative accuracy.
    let is_noise = ours.abs() < 1e-11 && theirs.abs() < 1e-11;
    assert!(
        error <= tolerance || is_noise,
        "{}: {what}: ours {ours:e}, R's {theirs:e}, error {error:e}",
        case["name"]
    );
}

/// Compares the coefficients that R reports.
fn compare(case: &Value, fields: &[(&str, &Value, f64)], coefficients: &[Coefficient]) {
    let terms = case["terms"].as_array().unwrap();
    let labels: Vec<&str> = coefficients.iter().map(|c| c.term.as_str()).collect();
    let expected: Vec<&str> = terms.iter().map(|t| t.as_str().unwrap()).collect();
    assert_eq!(labels, expected, "{}", case["name"]);
    for (field, values, tolerance) in fields {
        for (i, coefficient) in coefficients.iter().enumerate() {
            let theirs = &values[i];
            let what = format!("{field} of {}", coefficient.term);
            match &coefficient.row.fit {
                Err(_) => assert!(theirs.is_null(), "{}: {what} is missing", case["name"]),
                Ok(e) => {
                    let ours = match *field {
                        "estimate" => e.estimate,
                        "std_error" => e.std_error,
                        "statistic" => e.statistic,
                        "p_value" => e.p_value,
                        "df" => e.df,
                        "conf_low" => e.conf_low,
                        "conf_high" => e.conf_high,
                        other => panic!("no field {other}"),
                    };
                    close(case, &what, ours, theirs, *tolerance);
                }
            }
        }
    }
}

/// Compares the covariance matrix of the kept coefficients.
fn compare_vcov(case: &Value, details: &Details, tolerance: f64) {
    let rows = case["vcov"].as_array().unwrap();
    let p = rows.len();
    assert_eq!(details.vcov.len(), p * p, "{}: size of vcov", case["name"]);
    for i in 0..p {
        for j in 0..p {
            let (ours, theirs) = (details.vcov[i * p + j], rows[i][j].as_f64().unwrap());
            let scale = (rows[i][i].as_f64().unwrap() * rows[j][j].as_f64().unwrap()).sqrt();
            let error = (ours - theirs).abs() / scale;
            assert!(error <= tolerance, "{}: vcov {i} {j}: {ours} {theirs}", case["name"]);
        }
    }
}

fn number(details: &Details, name: &str) -> f64 {
    let found = details.numbers.iter().find(|(n, _)| *n == name);
    found.unwrap_or_else(|| panic!("the fit has no {name}")).1
}

fn is_collinear(case: &Value) -> bool {
    case["aliased"].as_array().is_some_and(|a| a.iter().any(|x| x.as_bool() == Some(true)))
}

/// The field of a case's fixed effects, as design files write it.
fn fixed_effects(case: &Value) -> String {
    case["fixed_effects"].as_str().map_or(String::new(), |text| {
        format!(", fixed_effects: [{}]", text.trim_start_matches("~ ").replace(" + ", ", "))
    })
}

/// Compares the F test of all coefficients but the intercept.
fn compare_f(case: &Value, details: &Details, theirs: &Value) {
    // estimatr has none for some fits with dropped coefficients.
    if theirs.is_null() || theirs[0].is_null() {
        return;
    }
    let name = "all coefficients but the intercept";
    let test = details.tests.iter().find(|t| t.name == name).expect("an F test");
    close(case, "F statistic", test.statistic, &theirs[0], 1e-9);
    assert_eq!([test.df1, test.df2.unwrap()], [1, 2].map(|i| theirs[i].as_f64().unwrap()));
}

/// estimatr and lm.
#[test]
fn least_squares_are_those_of_r() {
    let mut n = 0;
    for case in cases("ols") {
        n += 1;
        let from_lm = case["engine"].as_str() == Some("lm");
        let se = case["se_type"].as_str().unwrap_or("classical");
        let se = if se == "stata" { "Stata" } else { se };
        let mut method = format!("LmRobust(formula: {}, se: {se}", case["formula"]);
        for field in ["clusters", "weights"] {
            if let Some(name) = case[field].as_str() {
                method += &format!(", {field}: {name}");
            }
        }
        method += &fixed_effects(&case);
        if case["name"] == "cl_fe1_weighted_CR2" {
            // estimatr refuses it as well; `weighted_cr2_has_no_fixed_effects` in `errors`.
            assert!(case["error"].is_string());
            continue;
        }
        let (coefficients, details) = fit(&case, &(method + ")"));
        compare_f(&case, &details, &case["fstatistic"]);
        if !case["fixed_effects"].is_null() {
            compare_f(&case, &details, &case["proj_fstatistic"]);
            let of_case = [("r_squared", 1e-9), ("adj_r_squared", 1e-9), ("proj_r_squared", 1e-9)];
            for (name, tolerance) in of_case {
                close(&case, name, number(&details, name), &case[name], tolerance);
            }
            let df = number(&details, "df_residual");
            assert_eq!(df, case["df_residual"].as_f64().unwrap(), "{}", case["name"]);
        }
        if from_lm {
            close(&case, "sigma", number(&details, "sigma"), &case["sigma"], 1e-9);
            close(&case, "r squared", number(&details, "r_squared"), &case["r_squared"], 1e-9);
            let ours = number(&details, "adj_r_squared");
            close(&case, "adjusted r squared", ours, &case["adj_r_squared"], 1e-9);
        }
        if from_lm && is_collinear(&case) {
            // lm drops the later of collinear columns, estimatr and we the one that its pivoted
            // decomposition meets last: the fit is the same, the coefficients are not.
            continue;
        }
        let fields =
            ["estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high", "df"];
        let fields: Vec<(&str, &Value, f64)> = fields
            .into_iter()
            .filter(|f| !case[*f].is_null())
            .map(|f| (f, &case[f], if f == "p_value" { 1e-8 } else { 1e-9 }))
            .collect();
        assert!(fields.len() >= 6, "{}", case["name"]);
        compare(&case, &fields, &coefficients);
        compare_vcov(&case, &details, 1e-9);
    }
    assert_eq!(n, 102, "cases of least squares");
}

/// lmer with one random intercept.
#[test]
fn random_intercepts_are_those_of_r() {
    let mut n = 0;
    for case in cases("lmm") {
        let formula = case["formula"].as_str().unwrap();
        let groups = case["ngroups"].as_object().unwrap();
        if groups.len() != 1 || formula.contains("|| ") || formula.contains("+ x |") {
            continue;
        }
        n += 1;
        let (coefficients, details) = fit(&case, &mixed::method(&case, "Satterthwaite"));
        let own = &case["satterthwaite"];
        let fields = [
            ("estimate", &case["estimate"], 1e-7),
            ("std_error", &case["std_error"], 1e-7),
            ("statistic", &case["statistic"], 1e-7),
            ("df", &own["df"], 1e-6),
            ("p_value", &own["p_value"], 1e-6),
            ("conf_low", &own["conf_low"], 1e-7),
            ("conf_high", &own["conf_high"], 1e-7),
        ];
        compare(&case, &fields, &coefficients);
        compare_vcov(&case, &details, 1e-7);
        mixed::compare_likelihood(&case, &details, 1e-7);
        let theta = case["theta"][0].as_f64().unwrap();
        assert!((number(&details, "theta") - theta).abs() <= 1e-7 * theta, "{}", case["name"]);
        assert_eq!(coefficients[0].row.boundary, case["singular"].as_bool().unwrap());
        mixed::compare_normal_limits(&case);
    }
    assert_eq!(n, 22, "cases with one random intercept");
}
