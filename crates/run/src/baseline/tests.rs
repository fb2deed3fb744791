//! Tests of records and of the tests for drift.

use trialrun_plan::{Options, Plan, compile, read};

use super::*;
use crate::Unwatched;
use crate::check::Sample;

/// A mean of `n` values; its interval has the wrong width where `alpha` is another.
fn design(text: &str) -> Plan {
    let (design, errors) = read(text);
    assert!(errors.is_empty(), "{errors:?}");
    let options = Options { diagnosands: diagnosands::INFO, ..Options::default() };
    compile(&design.unwrap(), &options).map_err(|e| format!("{e:?}")).unwrap()
}

const DESIGN: &str = r#"Design(
    name: "mean",
    steps: [
        Level(name: unit, n: 10, variables: { y: "normal(0, 1)" }),
        Estimand(label: mean, value: 0),
        Estimator(label: "Mean", estimand: mean, term: "(Intercept)",
            method: LmRobust(formula: "y ~ 1", se: classical)),
    ],
    DRIFT
)"#;

fn variant(from: &str, to: &str, drift: &str) -> Plan {
    let text = DESIGN.replace(from, to).replace("DRIFT", drift);
    design(&text)
}

fn record(plan: &Plan, sims: u64) -> Record {
    let settings = Settings { seed: 3, sims, threads: Some(2), ..Settings::default() };
    Record::run(plan, &settings, &Unwatched).unwrap().unwrap()
}

fn compared(now: &Plan, baseline: &Record) -> Comparison {
    compare(now, baseline, 1e-4, (Some(2), &Unwatched)).unwrap()
}

#[test]
fn the_same_design_gives_the_same_numbers() {
    let before = variant("", "", "");
    let baseline = record(&before, 3_000);
    assert_eq!(compared(&before, &baseline), Comparison::Same);
    // A comment is no change; another version with the same numbers is none either.
    let commented = design(&DESIGN.replace("DRIFT", "// nothing\n"));
    assert_eq!(commented.fingerprint, before.fingerprint);
    let older = Record { version: "0.0.1".into(), ..baseline.clone() };
    assert_eq!(compared(&before, &older), Comparison::Same);
}

#[test]
fn other_numbers_without_a_cause_are_not_reproduced() {
    let before = variant("", "", "");
    let mut baseline = record(&before, 1_000);
    let coverage = baseline.rows[0].diagnosands.iter_mut().find(|d| d.name == "coverage").unwrap();
    coverage.value = f64::from_bits(coverage.value.to_bits() + 1);
    let Comparison::NotReproduced(differences) = compared(&before, &baseline) else { panic!() };
    assert_eq!(differences.len(), 1);
    assert_eq!(differences[0].diagnosand, "coverage");
}

#[test]
fn a_drift_is_found_and_what_could_not_be_is_told() {
    let baseline = record(&variant("", "", ""), 20_000);
    // A bias of nearly a standard error.
    let biased = variant("normal(0, 1)", "normal(0.3, 1)", "");
    let Comparison::Tested(found) = compared(&biased, &baseline) else { panic!() };
    assert!(found.design_changed && found.version.is_none());
    let test = |name: &str| found.tests.iter().find(|t| t.diagnosand == name).unwrap();
    assert_eq!(test("bias").has_drifted(), Some(true));
    assert_eq!(test("coverage").has_drifted(), Some(true));
    assert_eq!(test("sd_estimate").has_drifted(), Some(false));
    assert_eq!(test("mean_estimand").has_drifted(), Some(false));
    for test in &found.tests {
        let Some((low, high)) = test.bounds else { continue };
        let change = test.now - test.before;
        assert!(low <= change + 1e-3 && change - 1e-3 <= high, "{test:?}");
        assert!(test.catches.unwrap() >= test.tolerance);
    }
    // The same change is allowed where the design says so.
    let allowed = variant("normal(0, 1)", "normal(0.3, 1)", "drift: (bias: 0.5)");
    let Comparison::Tested(found) = compared(&allowed, &baseline) else { panic!() };
    let bias = found.tests.iter().find(|t| t.diagnosand == "bias").unwrap();
    assert_eq!((bias.has_drifted(), bias.tolerance), (Some(false), 0.5));
}

#[test]
fn a_change_that_changes_nothing_has_no_drift() {
    let baseline = record(&variant("", "", ""), 10_000);
    let renamed = variant("{ y:", "{ extra: \"normal(0, 1)\", y:", "");
    // The draws of `y` do not depend on other variables: the same numbers from another design.
    assert_eq!(compared(&renamed, &baseline), Comparison::Same);
    let other = variant("\"normal(0, 1)\"", "\"-normal(0, 1)\"", "");
    let Comparison::Tested(found) = compared(&other, &baseline) else { panic!() };
    let drifted: Vec<&DriftTest> =
        found.tests.iter().filter(|t| t.has_drifted() == Some(true)).collect();
    assert!(drifted.is_empty(), "{drifted:?}");
}

#[test]
fn rows_that_come_and_go_are_named() {
    let baseline = record(&variant("", "", ""), 2_000);
    let renamed = variant("\"Mean\"", "\"Average\"", "");
    let Comparison::Tested(found) = compared(&renamed, &baseline) else { panic!() };
    assert_eq!(found.gone, [("Mean".to_string(), "(Intercept)".to_string())]);
    assert_eq!(found.new, [("Average".to_string(), "(Intercept)".to_string())]);
    assert!(found.tests.is_empty());
}

#[test]
fn every_number_counts() {
    let sample = Sample { n: 5, mean: 0.0, sd: 1.0, skewness: 0.0 };
    let found = |evidence, mcse| Recorded { name: "bias".into(), value: 0.0, mcse, evidence };
    let base = found(Evidence::Mean(sample), Some(0.1));
    let others = [
        Recorded { value: -0.0, ..base.clone() },
        found(Evidence::Mean(sample), None),
        found(Evidence::Mean(Sample { skewness: 1e-300, ..sample }), Some(0.1)),
        found(Evidence::Mean(Sample { n: 6, ..sample }), Some(0.1)),
        found(Evidence::Rate { n: 5, events: 0 }, Some(0.1)),
    ];
    for other in others {
        assert_ne!(base.bits(), other.bits(), "{other:?}");
    }
}
