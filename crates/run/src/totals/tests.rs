//! Tests of totals, and of paired differences.

use trialrun_plan::Estimate;

use super::*;
use crate::diagnosands::ALL;

/// A row with those numbers; an interval of half width 1, significant above 2.
fn fitted(estimand: f64, estimate: f64) -> Row {
    let p_value = if estimate.abs() > 2.0 { 0.01 } else { 0.5 };
    let fit = Ok(Estimate {
        estimate,
        std_error: 0.5,
        df: 7.0,
        statistic: estimate / 0.5,
        p_value,
        conf_low: estimate - 1.0,
        conf_high: estimate + 1.0,
    });
    Row { estimand: Some(estimand), fit, boundary: estimate < 0.0, n_obs: 5.0, is_joint: false }
}

fn failed(failure: Failure) -> Row {
    Row { estimand: Some(1.0), fit: Err(failure), ..Row::EMPTY }
}

/// Two estimators in seven simulations; both succeed in five.
fn two_rows() -> (Vec<Row>, Vec<Row>) {
    let estimands = [1.0, 1.5, 0.5, 1.0, 2.0];
    let a = [1.2, 3.0, -1.0, 2.5, 1.9];
    let b = [0.8, 2.5, 0.4, 1.0, 3.5];
    let rows = |estimates: [f64; 5]| -> Vec<Row> {
        estimands.iter().zip(estimates).map(|(t, e)| fitted(*t, e)).collect()
    };
    let (mut first, mut second) = (rows(a), rows(b));
    first.insert(2, failed(Failure::NotConverged));
    second.insert(2, fitted(1.0, 50.0));
    first.push(fitted(1.0, -40.0));
    second.push(failed(Failure::NoResidualDf));
    (first, second)
}

/// A layout of estimators' rows.
fn layout(n_rows: usize, pairs: Vec<(usize, usize)>) -> Layout {
    let rows = (0..n_rows).map(Source::Column).collect();
    Layout { alpha: 0.05, rows, n_columns: n_rows, pairs, contests: Vec::new() }
}

fn reduced() -> Totals {
    let (a, b) = two_rows();
    let layout = layout(2, vec![(0, 1)]);
    // Room for ten simulations a row, of which seven are filled.
    let mut columns = vec![Row::EMPTY; 20];
    columns[..7].copy_from_slice(&a);
    columns[10..17].copy_from_slice(&b);
    let mut totals = Totals::default();
    let own = CustomDiagnosands::default();
    totals.reduce(&layout, &own, &columns, (10, 7), &mut Buffers::default());
    totals
}

#[test]
fn failures_are_counted_by_reason_and_boundary_fits_beside_them() {
    let totals = reduced();
    let of = |row: usize, reason: Failure| {
        let place = Failure::ALL.iter().position(|f| *f == reason).unwrap();
        totals.rows[row].failures[place]
    };
    assert_eq!(of(0, Failure::NotConverged), 1);
    assert_eq!(of(1, Failure::NoResidualDf), 1);
    for row in &totals.rows {
        assert_eq!(row.failures.iter().sum::<u64>(), 1);
    }
    assert_eq!((totals.rows[0].boundary, totals.rows[1].boundary), (2, 0));
}

#[test]
fn paired_differences_are_those_of_explicit_loops() {
    let totals = reduced();
    let (first, second) = two_rows();
    let both: Vec<(f64, Estimate, Estimate)> = first
        .iter()
        .zip(&second)
        .filter_map(|(a, b)| Some((a.estimand?, a.fit.ok()?, b.fit.ok()?)))
        .collect();
    assert_eq!(both.len(), 5);
    let n = 5.0;
    let error_of = |values: &[f64]| {
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
        (squares / (n - 1.0) / n).sqrt()
    };
    let squares = |of: fn(&(f64, Estimate, Estimate)) -> f64| -> Vec<f64> {
        both.iter().map(|row| (of(row) - row.0).powi(2)).collect()
    };
    let (a, b) = (squares(|r| r.1.estimate), squares(|r| r.2.estimate));
    let root = |s: &[f64]| (s.iter().sum::<f64>() / n).sqrt();
    let compared: Vec<_> = ALL.iter().filter(|d| d.compared).collect();
    assert_eq!(totals.pairs[0].len(), compared.len());
    for (diagnosand, total) in compared.iter().zip(&totals.pairs[0]) {
        let found = total.difference();
        let covers = |e: &Estimate, t: f64| f64::from(e.conf_low <= t && t <= e.conf_high);
        let each: Vec<f64> = both
            .iter()
            .enumerate()
            .map(|(i, (t, x, y))| match diagnosand.name {
                "bias" => x.estimate - y.estimate,
                "power" => f64::from(x.p_value <= 0.05) - f64::from(y.p_value <= 0.05),
                "coverage" => covers(x, *t) - covers(y, *t),
                "rmse" => a[i] / (2.0 * root(&a)) - b[i] / (2.0 * root(&b)),
                other => panic!("{other} is not compared here"),
            })
            .collect();
        let value = match diagnosand.name {
            "rmse" => root(&a) - root(&b),
            _ => each.iter().sum::<f64>() / n,
        };
        assert_eq!(found.n, 5, "{}", diagnosand.name);
        let name = diagnosand.name;
        assert!((found.value.unwrap() - value).abs() < 1e-14, "{name}: {found:?} {value}");
        assert!((found.mcse.unwrap() - error_of(&each)).abs() < 1e-14, "{name}: {found:?}");
    }
    let names: Vec<&str> = compared.iter().map(|d| d.name).collect();
    assert_eq!(names, ["bias", "rmse", "power", "coverage"]);
}

#[test]
fn a_snapshot_shows_coverage_or_else_power() {
    let mut totals = reduced();
    let seen = totals.snapshot();
    assert_eq!((seen.diagnosand, seen.value), ("coverage", Some(2.0 / 6.0)));
    assert!(seen.mcse.unwrap() > 0.0);
    let (a, _) = two_rows();
    let columns: Vec<Row> = a.iter().map(|r| Row { estimand: None, ..*r }).collect();
    let layout = layout(1, Vec::new());
    totals = Totals::default();
    let own = CustomDiagnosands::default();
    totals.reduce(&layout, &own, &columns, (7, 7), &mut Buffers::default());
    assert_eq!((totals.snapshot().diagnosand, totals.snapshot().value), ("power", Some(0.5)));
    assert_eq!(Totals::default().snapshot().value, None);
}
