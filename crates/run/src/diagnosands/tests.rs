//! Tests of the diagnosands against computations by hand.

use trialrun_stats::Failure;

use super::*;
use crate::summary::{Measure, Scratch};

/// `(estimand, estimate, std_error, df, p_value, low, high, boundary)`.
type Given = (f64, f64, f64, f64, f64, f64, f64, bool);

fn fitted(given: Given) -> Row {
    let (estimand, estimate, std_error, df, p_value, conf_low, conf_high, boundary) = given;
    let statistic = estimate / std_error;
    let fit = Ok(Estimate { estimate, std_error, df, statistic, p_value, conf_low, conf_high });
    Row { estimand: Some(estimand), fit, boundary, n_obs: 10.0, is_joint: false }
}

/// Ten simulations: eight estimates, a failed fit with an estimand, one without.
fn rows() -> Vec<Row> {
    let z = f64::INFINITY;
    let mut rows: Vec<Row> = [
        (1.0, 2.0, 0.5, 4.0, 0.01, 1.0, 3.0, false), // low end on the estimand: covered
        (1.0, 0.5, 0.5, 8.0, 0.30, -0.5, 1.5, true),
        (1.0, -3.0, 1.0, z, 0.05, -5.0, -1.0, false), // p on alpha: significant; wrong sign
        (2.0, 5.0, 1.5, z, 0.04, 2.0, 8.0, false),
        (-1.0, -2.0, 0.5, 6.0, 0.02, -3.0, -1.0, true), // high end on the estimand: covered
        (0.0, 1.0, 0.5, 6.0, 0.03, 0.5, 1.5, false),    // false positive
        (0.0, 0.0, 1.0, 6.0, 1.00, -2.0, 2.0, false),
        (4.0, 2.0, 0.5, 6.0, 0.01, 1.0, 3.0, false),
    ]
    .map(fitted)
    .into();
    rows.push(Row { estimand: Some(100.0), fit: Err(Failure::TermDropped), ..Row::EMPTY });
    rows.push(Row { fit: Err(Failure::NoEstimand), ..Row::EMPTY });
    rows
}

fn measure(name: &str, rows: &[Row]) -> Measure {
    let summary = ALL[position(name).unwrap()].summary;
    summary.measure(&summary.reduce(rows, 0.05, &mut Scratch::default()))
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-14 * b.abs()
}

#[track_caller]
fn assert_measure(name: &str, value: f64, mcse: f64, n: u64) {
    let found = measure(name, &rows());
    assert_eq!(found.n, n, "{name}");
    assert!(close(found.value.unwrap(), value), "{name}: {found:?}, not {value}");
    assert!(close(found.mcse.unwrap(), mcse), "{name}: {found:?}, not {mcse}");
}

/// Mean and its error, from the definition.
fn mean_of(values: &[f64]) -> (f64, f64, u64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    (mean, (squares / (n - 1.0) / n).sqrt(), values.len() as u64)
}

#[test]
fn means_are_those_of_their_definitions() {
    let errors = [1.0, -0.5, -4.0, 3.0, -1.0, 1.0, 0.0, -2.0];
    let cases: [(&str, &[f64]); 7] = [
        ("bias", &errors),
        ("mean_estimand", &[1.0, 1.0, 1.0, 2.0, -1.0, 0.0, 0.0, 4.0]),
        ("mean_estimate", &[2.0, 0.5, -3.0, 5.0, -2.0, 1.0, 0.0, 2.0]),
        ("mean_se", &[0.5, 0.5, 1.0, 1.5, 0.5, 0.5, 1.0, 0.5]),
        ("ci_width", &[2.0, 2.0, 4.0, 6.0, 2.0, 1.0, 4.0, 2.0]),
        ("mean_df", &[4.0, 8.0, 6.0, 6.0, 6.0, 6.0]),
        ("exaggeration", &[2.0, 3.0, 2.5, 2.0, 0.5]),
    ];
    for (name, values) in cases {
        let (mean, error, n) = mean_of(values);
        assert_measure(name, mean, error, n);
    }
    let (mean_square, error, n) = mean_of(&errors.map(|e| e * e));
    let root = mean_square.sqrt();
    assert_measure("rmse", root, error / (2.0 * root), n);
}

#[test]
fn rates_are_those_of_their_definitions() {
    let cases = [
        ("power", 6, 8),
        ("coverage", 5, 8),
        ("type_s", 1, 5),
        ("false_positive", 1, 2),
        ("failures", 2, 10),
        ("boundary", 2, 8),
    ];
    for (name, events, n) in cases {
        let p = events as f64 / n as f64;
        assert_measure(name, p, (p * (1.0 - p) / n as f64).sqrt(), n);
        assert_eq!(measure(name, &rows()).interval, Some(crate::wilson(events, n)), "{name}");
    }
}

#[test]
fn spreads_are_those_of_their_definitions() {
    let x = [2.0, 0.5, -3.0, 5.0, -2.0, 1.0, 0.0, 2.0];
    let w = [0.5, 0.5, 1.0, 1.5, 0.5, 0.5, 1.0, 0.5];
    let n = 8.0;
    let (mean, error, _) = mean_of(&x);
    let s = error * f64::sqrt(n);
    let fourth = x.iter().map(|v| (v - mean).powi(4)).sum::<f64>() / n;
    let of_variance = (fourth - s.powi(4) * 5.0 / 7.0) / n;
    assert_measure("sd_estimate", s, of_variance.sqrt() / (2.0 * s), 8);
    let (mean_w, v) = (mean_of(&w).0, s * s * 7.0 / 8.0);
    let influence = |i: usize| {
        let d = x[i] - mean;
        (w[i] - mean_w) / mean_w - (d * d - v) / (2.0 * v)
    };
    let squares: f64 = (0..8).map(|i| influence(i) * influence(i)).sum();
    assert_measure("se_ratio", mean_w / s, mean_w / s * (squares / 56.0).sqrt(), 8);
}

#[test]
fn where_nothing_counts_there_is_no_value() {
    let failed = rows()[8..].to_vec();
    for (rows, n_of_failures) in [(failed, 2), (Vec::new(), 0)] {
        for diagnosand in ALL {
            let found = measure(diagnosand.name, &rows);
            if diagnosand.name == "failures" && n_of_failures > 0 {
                assert_eq!((found.value, found.mcse, found.n), (Some(1.0), Some(0.0), 2));
            } else {
                assert_eq!(found, Measure::default(), "{}", diagnosand.name);
            }
        }
    }
}

#[test]
fn an_estimator_without_an_estimand_has_neither_bias_nor_coverage() {
    let rows: Vec<Row> = rows().into_iter().map(|r| Row { estimand: None, ..r }).collect();
    let without = ["bias", "rmse", "coverage", "type_s", "exaggeration", "false_positive"];
    for name in without.into_iter().chain(["mean_estimand"]) {
        assert_eq!(measure(name, &rows), Measure::default(), "{name}");
    }
    assert_eq!(measure("power", &rows).n, 8);
    assert_eq!(measure("se_ratio", &rows).n, 8);
}

#[test]
fn one_simulation_has_values_without_errors() {
    for diagnosand in ALL {
        let found = measure(diagnosand.name, &rows()[..1]);
        assert_eq!(found.mcse, None, "{}", diagnosand.name);
        let has_no_value = ["sd_estimate", "se_ratio", "false_positive"].contains(&diagnosand.name);
        assert_eq!(found.value.is_none(), has_no_value, "{}", diagnosand.name);
    }
}

#[test]
fn numbers_too_large_to_square_are_missing_not_nan() {
    let huge = [1e200, -1e200].map(|e| fitted((1e-200, e, 1.0, 5.0, 0.01, e, e, false)));
    for name in ["rmse", "exaggeration", "sd_estimate", "se_ratio"] {
        let found = measure(name, &huge);
        assert_eq!((found.value, found.mcse, found.n), (None, None, 2), "{name}");
    }
    let bias = measure("bias", &huge);
    assert_eq!((bias.value, bias.mcse), (Some(0.0), None));
}

#[test]
fn every_diagnosand_has_its_name_and_its_manual() {
    for (diagnosand, name) in ALL.iter().zip(NAMES) {
        assert_eq!(diagnosand.name, *name);
        let text = manual(name).unwrap();
        assert!(text.starts_with(&format!("# {name}\n\n")), "{text}");
        let headings = ["# What it is\n", "# Formula\n", "# Monte Carlo error\n", "# References\n"];
        let places: Vec<usize> = headings.iter().map(|h| text.find(h).unwrap()).collect();
        assert!(places.is_sorted(), "{name}");
    }
    assert!(manual("nonsense").is_none());
}
