//! Tests of the reports of a diagnosis.

use std::path::PathBuf;

use serde_json::Value;
use trialrun_run::{Difference, Finding, diagnosands, wilson};
use trialrun_stats::Failure;
use trialrun_stats::multiplicity::Correction;

use super::*;

/// Compares with a file in `testdata`; `UPDATE_EXPECT=1` writes the file.
#[track_caller]
fn expect(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{name}: `UPDATE_EXPECT=1 cargo test` accepts the new text");
}

fn number(value: f64, mcse: f64, n: u64) -> Measure {
    Measure { value: Some(value), mcse: Some(mcse), n, ..Measure::default() }
}

fn rate(events: u64, n: u64) -> Measure {
    let p = events as f64 / n as f64;
    let mcse = (p * (1.0 - p) / n as f64).sqrt();
    Measure { interval: Some(wilson(events, n)), ..number(p, mcse, n) }
}

fn row(names: [&str; 3], estimand: Option<&str>, measures: &[(&str, Measure)]) -> RowDiagnosis {
    let of = |name: &str| measures.iter().find(|m| m.0 == name).map_or(Measure::default(), |m| m.1);
    let finding = |name: &&str| Finding { name: name.to_string(), measure: of(name) };
    let diagnosands = diagnosands::NAMES.iter().map(finding);
    RowDiagnosis {
        about: About::Estimator,
        estimator: names[0].to_string(),
        estimand: estimand.map(str::to_string),
        term: names[1].to_string(),
        outcome: names[2].to_string(),
        sims: 50_000,
        failures: Vec::new(),
        boundary: 0,
        diagnosands: diagnosands.collect(),
    }
}

/// An estimator that never fails.
fn average() -> RowDiagnosis {
    let measures = [
        ("bias", number(-0.0000013, 0.0000031, 50_000)),
        ("rmse", number(0.00069531, 0.0000022, 50_000)),
        ("power", rate(2_531, 50_000)),
        ("coverage", rate(47_469, 50_000)),
        ("type_s", rate(1_301, 2_400)),
        ("exaggeration", number(14.31, 0.61, 2_400)),
        ("mean_estimand", number(0.000002, 0.0000021, 50_000)),
        ("mean_estimate", number(0.0000007, 0.0000038, 50_000)),
        ("sd_estimate", number(0.000851, 0.0000027, 50_000)),
        ("mean_se", number(0.000812, 0.00000091, 50_000)),
        ("se_ratio", number(0.95417, 0.0031, 50_000)),
        ("mean_df", number(7.8125, 0.0041, 50_000)),
        ("ci_width", number(0.0037, 0.0000043, 50_000)),
        ("failures", rate(0, 50_000)),
        ("boundary", rate(0, 50_000)),
    ];
    row(["Student average", "treatment", "average_score"], Some("ate"), &measures)
}

/// An estimator that fails now and then, covers always, and has no finite df.
fn intercept() -> RowDiagnosis {
    let n = 49_988;
    let measures = [
        ("bias", number(-0.0000014, 0.0000031, n)),
        ("rmse", number(0.00069101, 0.0000022, n)),
        ("power", rate(0, n)),
        ("coverage", rate(n, n)),
        ("mean_estimand", number(0.5, 0.0, n)),
        ("mean_estimate", number(1.25e-9, 3.1e-10, n)),
        ("se_ratio", Measure { n, ..Measure::default() }),
        ("failures", rate(12, 50_000)),
        ("boundary", rate(31_204, n)),
    ];
    let intercept = row(["Random intercept", "treatment", "score"], Some("ate"), &measures);
    let failures = vec![(Failure::TermDropped, 2), (Failure::NotConverged, 10)];
    RowDiagnosis { failures, boundary: 31_204, ..intercept }
}

/// Two terms of an estimator without an estimand, in which nothing succeeded.
fn lost(term: &str) -> RowDiagnosis {
    let lost = row(["Lost, |all|", term, "y"], None, &[("failures", rate(50_000, 50_000))]);
    RowDiagnosis { failures: vec![(Failure::NoRows, 50_000)], ..lost }
}

fn made_up() -> Diagnosis {
    let difference = |name: &str, value: f64, mcse: f64| Difference {
        name: name.to_string(),
        measure: number(value, mcse, 49_988),
    };
    let comparison = Comparison {
        estimand: "ate".to_string(),
        a: 0,
        b: 1,
        differences: vec![
            difference("bias", 0.0000001, 0.0000002),
            difference("rmse", 0.00000431, 0.00000031),
            difference("power", 0.0506, 0.00098),
            difference("coverage", -0.0506, 0.00098),
        ],
    };
    Diagnosis {
        design: "student-tests".to_string(),
        description: "Average each student's tests, or give each student a <random> intercept?"
            .to_string(),
        seed: 20260101,
        first: 0,
        sims: 50_000,
        asked: 50_000,
        interrupted: false,
        alpha: 0.05,
        parameters: vec![("classes".to_string(), 10.0), ("shock_sd".to_string(), 0.001)],
        rows: vec![average(), intercept(), lost("z"), lost("x")],
        comparisons: vec![comparison],
    }
}

#[test]
fn every_format_is_as_expected() {
    let diagnosis = made_up();
    expect("diagnosis.txt", &text(&diagnosis, false));
    expect("diagnosis.md", &markdown(&diagnosis));
    expect("diagnosis.json", &json(&diagnosis));
    expect("diagnosis.csv", &csv(&diagnosis));
}

/// Two families of the same tests, of which one failed now and then.
fn with_families() -> Diagnosis {
    let finding = |name: &str, measure| Finding { name: name.to_string(), measure };
    let family = |label: &str, correction, any, incomplete| RowDiagnosis {
        about: About::Family(correction),
        estimator: label.to_string(),
        term: String::new(),
        outcome: String::new(),
        estimand: None,
        diagnosands: vec![
            finding("any_significant", rate(any, 50_000)),
            finding("n_significant", number(0.71234, 0.0031, 50_000)),
            finding("fwer", Measure::default()),
            finding("incomplete", rate(incomplete, 50_000)),
        ],
        ..average()
    };
    let member = |label: &str, name: &str, power| RowDiagnosis {
        about: About::Member,
        estimator: label.to_string(),
        term: name.to_string(),
        failures: vec![(Failure::Separation, 12)],
        diagnosands: vec![
            finding("power", rate(power, 49_988)),
            finding("type_s", rate(31, 2_400)),
            finding("false_positive", Measure::default()),
        ],
        ..average()
    };
    let mut diagnosis = made_up();
    diagnosis.rows.extend([
        family("Plain", Correction::None, 9_000, 0),
        member("Plain", "Student average", 7_000),
        member("Plain", "Random intercept", 5_000),
        family("Holm's", Correction::Holm, 7_000, 12),
        member("Holm's", "Student average", 6_500),
        member("Holm's", "Random intercept", 4_500),
    ]);
    diagnosis
}

#[test]
fn families_stand_after_estimators() {
    let (plain, diagnosis) = (text(&made_up(), false), with_families());
    expect("families.txt", &text(&diagnosis, false));
    expect("families.md", &markdown(&diagnosis));
    expect("families.csv", &csv(&diagnosis));
    let value: Value = serde_json::from_str(&json(&diagnosis)).unwrap();
    expect("families.json", &crate::json_text(&value["families"]));
    assert_eq!(value["diagnosis"].as_array().unwrap().len(), made_up().rows.len());
    // What befell the fits is said once, of the estimators.
    let troubles = |text: &str| text.matches("fits failed").count();
    assert_eq!(troubles(&text(&diagnosis, false)), troubles(&plain));
}

#[test]
fn colour_changes_nothing_but_colour() {
    let diagnosis = made_up();
    let mut coloured = text(&diagnosis, true);
    assert!(coloured.starts_with("\x1b[1mstudent-tests\x1b[0m\n"));
    for code in ["\x1b[1m", "\x1b[2m", "\x1b[0m"] {
        assert!(coloured.contains(code));
        coloured = coloured.replace(code, "");
    }
    assert_eq!(coloured, text(&diagnosis, false));
    assert!(!coloured.contains('\x1b'));
}

#[test]
fn an_interrupted_run_says_so() {
    let diagnosis = Diagnosis { sims: 12_288, interrupted: true, ..made_up() };
    let line = "interrupted after 12,288 of 50,000 simulations, seed 20260101, alpha 0.05\n";
    assert!(text(&diagnosis, false).contains(&format!("\n{line}")));
    assert!(markdown(&diagnosis).contains(&format!("- {line}")));
    assert!(json(&diagnosis).contains("\"sims\": 12288,\n  \"interrupted\": true,\n"));
}

#[test]
fn a_run_without_simulations_has_no_results() {
    let mut diagnosis = Diagnosis { sims: 0, interrupted: true, ..made_up() };
    diagnosis.rows = vec![row(["A", "z", "y"], Some("ate"), &[])];
    diagnosis.rows[0].sims = 0;
    diagnosis.comparisons.clear();
    let expected = "student-tests\nAverage each student's tests, or give each student a <random> \
                    intercept?\n\ninterrupted after 0 of 50,000 simulations, seed 20260101, \
                    alpha 0.05\nclasses 10, shock_sd 0.001\n";
    assert_eq!(text(&diagnosis, false), expected);
    assert!(!markdown(&diagnosis).contains("NaN") && !json(&diagnosis).contains("NaN"));
    let value: Value = serde_json::from_str(&json(&diagnosis)).unwrap();
    let bias = &value["diagnosis"][0]["diagnosands"]["bias"];
    assert!(bias["value"].is_null() && bias["mcse"].is_null() && bias["n"] == 0);
}

#[test]
fn json_has_every_digit_and_its_keys_in_order() {
    let diagnosis = made_up();
    let value: Value = serde_json::from_str(&json(&diagnosis)).unwrap();
    let keys =
        |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
    let expected = "design seed sims interrupted alpha version parameters diagnosis comparisons";
    assert_eq!(keys(&value).join(" "), expected);
    let row = &value["diagnosis"][0];
    let expected = "estimator estimand term outcome sims failures boundary diagnosands";
    assert_eq!(keys(row).join(" "), expected);
    assert_eq!(keys(&row["diagnosands"]), diagnosands::NAMES);
    for (row, json) in diagnosis.rows.iter().zip(value["diagnosis"].as_array().unwrap()) {
        for found in &row.diagnosands {
            let json = &json["diagnosands"][&found.name];
            assert_eq!(json["value"].as_f64(), found.measure.value);
            assert_eq!(json["mcse"].as_f64(), found.measure.mcse);
            assert_eq!(json["low"].as_f64(), found.measure.interval.map(|ends| ends.0));
        }
    }
    assert!(value["diagnosis"][2]["estimand"].is_null());
}

#[test]
fn wide_tables_are_cut_into_several() {
    let mut diagnosis = made_up();
    let copy = |i: usize| RowDiagnosis { estimator: format!("Estimator number {i}"), ..average() };
    diagnosis.rows = (0..7).map(copy).collect();
    diagnosis.comparisons.clear();
    let text = text(&diagnosis, false);
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    for i in 0..7 {
        assert_eq!(text.matches(&format!("Estimator number {i}")).count(), 1);
    }
    let tables = text.lines().filter(|line| line.starts_with("coverage ")).count();
    assert_eq!(tables, 3, "{text}");
}

#[test]
fn differences_are_told_from_noise() {
    let diagnosis = made_up();
    let mut comparison = diagnosis.comparisons[0].clone();
    let said = |comparison: &Comparison| {
        let words = words(&diagnosis, comparison);
        assert_eq!(words.title, "Student average and Random intercept");
        let quiet = words.quiet.iter().map(|(begin, items)| format!("{begin}{}", items.join(", ")));
        (words.clear.join(", "), quiet.collect::<Vec<_>>().join("; "))
    };
    let (clear, quiet) = said(&comparison);
    let expected = "rmse by 4.31e-6 ± 0.31e-6, power by 0.0506 ± 0.0010, \
                    coverage by -0.0506 ± 0.0010";
    assert_eq!(clear, expected);
    assert_eq!(quiet, "no clear difference in bias (1.0e-7 ± 2.0e-7)");
    comparison.differences.truncate(3);
    comparison.differences[0].measure = number(0.0, 0.0, 9);
    comparison.differences[1].measure = Measure { mcse: None, ..number(0.25, 0.0, 1) };
    comparison.differences[2].measure = number(0.019, 0.01, 9);
    let expected = "no clear difference in rmse (0.25), power (0.019 ± 0.010); \
                    no difference beyond rounding in bias";
    assert_eq!(said(&comparison), (String::new(), expected.to_string()));
    // Estimators that agree but for rounding; the rmse is 0.0007.
    comparison.differences[0].measure = number(2e-19, 1e-19, 9);
    comparison.differences[1].measure = number(-3e-16, 0.0, 9);
    comparison.differences[2].measure = number(0.0, 0.0, 9);
    let expected = "no difference beyond rounding in bias, rmse, power";
    assert_eq!(said(&comparison), (String::new(), expected.to_string()));
    comparison.differences.iter_mut().for_each(|d| d.measure = Measure::default());
    let expected = "no simulation in which both gave an estimate";
    assert_eq!(said(&comparison), (String::new(), expected.to_string()));
}
