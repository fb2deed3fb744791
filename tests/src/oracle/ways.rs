//! Clusters of several ways against sandwich's `vcovCL`.

use serde_json::Value;
use trialrun_stats::Failure;

use super::{cases, close, fit};

/// A matrix by rows.
fn rows(matrix: &Value) -> Vec<Vec<f64>> {
    let row = |row: &Value| row.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
    matrix.as_array().unwrap().iter().map(row).collect()
}

#[test]
fn clusters_of_several_ways_are_those_of_r() {
    let (mut n, mut n_negative) = (0, 0);
    for case in cases("ways") {
        n += 1;
        let (coefficients, details) = fit(&case, case["method"].as_str().unwrap());
        for (i, coefficient) in coefficients.iter().enumerate() {
            assert_eq!(coefficient.term, case["terms"][i].as_str().unwrap(), "{}", case["name"]);
            // The square root of a variance below zero is missing in R.
            if case["std_error"][i].is_null() {
                n_negative += 1;
                assert_eq!(coefficient.row.fit, Err(Failure::NegativeVariance));
                continue;
            }
            let ours = coefficient.row.fit.unwrap();
            close(&case, "estimate", ours.estimate, &case["estimate"][i], 1e-10);
            close(&case, "std_error", ours.std_error, &case["std_error"][i], 1e-10);
            close(&case, "df", ours.df, &case["df"][i], 0.0);
            close(&case, "p_value", ours.p_value, &case["p_value"][i], 1e-9);
        }
        // The scale of a variance below zero is its size.
        let theirs: Vec<f64> = rows(&case["vcov"]).concat();
        let k = coefficients.len();
        let size = |i: usize| theirs[i * (k + 1)].abs();
        assert_eq!(details.vcov.len(), k * k, "{}", case["name"]);
        for (at, (a, b)) in details.vcov.iter().zip(&theirs).enumerate() {
            let scale = (size(at / k) * size(at % k)).sqrt();
            assert!((a - b).abs() <= 1e-10 * scale, "{}: vcov {at}: {a} {b}", case["name"]);
        }
    }
    assert_eq!((n, n_negative), (14, 2), "fits, and variances below zero");
}
