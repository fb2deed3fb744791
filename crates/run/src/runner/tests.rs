//! Tests of the runner: threads, stages, interruption, stops.

use std::sync::atomic::AtomicUsize;

use trialrun_plan::{Options, Values, compile, read};
use trialrun_stats::Failure;

use super::*;

/// A small experiment with a regression and an estimator that often fails: where a unit's `x` is
/// the same for all, its coefficient is not estimable.
const DESIGN: &str = r#"Design(
    name: "small",
    parameters: { n: 12 },
    steps: [
        Level(name: unit, n: "n", variables: { u: "normal(0, 1)", x: "bernoulli(0.1)" }),
        PotentialOutcomes(outcome: y, conditions: { z: [0, 1] }, formula: "u + 0.5 * z * (1 + u)"),
        Estimand(label: ate, value: "mean(y_z_1 - y_z_0)"),
        Assignment(variable: z, method: Complete(prob: 0.5)),
        Reveal(outcome: y, by: [z]),
        Estimator(label: "Plain", estimand: ate, term: z, method: LmRobust(formula: "y ~ z")),
        Estimator(label: "Adjusted", estimand: ate, term: [z, x],
            method: LmRobust(formula: "y ~ z + x")),
        Estimator(label: "No estimand", term: z, method: LmRobust(formula: "y ~ z")),
    ],
)"#;

/// A design that can not always be simulated: the standard deviation is drawn, and below 0 in one
/// of 700 simulations.
const STOPS: &str = r#"Design(name: "stops", steps: [
    Level(name: study, n: 1, variables: { spread: "normal(3, 1)" }),
    Level(name: unit, n: 4, variables: { y: "normal(0, spread)", x: "normal(0, 1)" }),
    Estimator(label: "Plain", term: x, method: LmRobust(formula: "y ~ x")),
])"#;

fn plan(source: &str) -> Plan {
    let (design, errors) = read(source);
    assert!(errors.is_empty(), "{errors:?}");
    compile(&design.unwrap(), &Options::default()).map_err(|e| format!("{e:?}")).unwrap()
}

fn settings(sims: u64, threads: usize) -> Settings {
    Settings { seed: 7, sims, threads: Some(threads), keep: true, ..Settings::default() }
}

/// Interrupts after a number of questions, and notes what it is told.
#[derive(Default)]
struct Impatient {
    patience: usize,
    asked: AtomicUsize,
    told: Mutex<Vec<u64>>,
}

impl Watch for Impatient {
    fn batch_done(&self, sims_done: u64, so_far: &Snapshot) {
        assert_eq!(so_far.diagnosand, "coverage");
        self.told.lock().unwrap().push(sims_done);
    }

    fn is_interrupted(&self) -> bool {
        self.asked.fetch_add(1, Ordering::Relaxed) >= self.patience
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let plan = plan(DESIGN);
    let one = diagnose(&plan, &settings(1500, 1), &Unwatched).unwrap();
    assert_eq!((one.diagnosis.sims, one.diagnosis.interrupted), (1500, false));
    // Debug prints every digit, and tells 0 from -0.
    let all = |run: &Run| format!("{run:?}");
    for threads in [2, 3] {
        let several = diagnose(&plan, &settings(1500, threads), &Unwatched).unwrap();
        assert_eq!(all(&several), all(&one), "{threads} threads");
    }
    let other = Settings { seed: 8, ..settings(1500, 1) };
    let other = diagnose(&plan, &other, &Unwatched).unwrap();
    assert_ne!(all(&other), all(&one));
}

#[test]
fn a_run_in_stages_is_the_run() {
    let plan = plan(DESIGN);
    let whole = diagnose(&plan, &settings(1200, 2), &Unwatched).unwrap();
    let mut runner = Runner::new(&plan, &settings(0, 2));
    for sims in [256, 512, 0, 432] {
        runner.extend(sims, &Unwatched).unwrap();
    }
    assert_eq!(runner.diagnosis(), whole.diagnosis);
    assert_eq!(format!("{:?}", runner.simulations()), format!("{:?}", whole.simulations));
}

#[test]
fn a_run_that_begins_later_has_the_simulations_of_the_whole() {
    let plan = plan(DESIGN);
    let whole = diagnose(&plan, &settings(700, 1), &Unwatched).unwrap().simulations.unwrap();
    let late = Settings { first: 300, ..settings(400, 2) };
    let late = diagnose(&plan, &late, &Unwatched).unwrap().simulations.unwrap();
    let numbers = |table: &Table, name: &str| match &table.column(name).unwrap().values {
        Values::Number(v) => v.iter().map(|x| x.to_bits()).collect::<Vec<u64>>(),
        Values::Integer(v) => v.iter().map(|i| i.unwrap() as u64).collect(),
        Values::Category { .. } => panic!("{name} is text"),
    };
    for name in ["sim_ID", "estimand", "estimate", "p.value"] {
        assert_eq!(numbers(&late, name), numbers(&whole, name)[300 * 4..], "{name}");
    }
    assert_eq!(numbers(&late, "sim_ID")[0], 301);
}

#[test]
fn the_diagnosis_is_that_of_the_kept_simulations() {
    let plan = plan(DESIGN);
    let run = diagnose(&plan, &settings(600, 2), &Unwatched).unwrap();
    let table = run.simulations.unwrap();
    assert_eq!(table.n_rows(), 600 * 4);
    let names: Vec<&str> = table.columns.iter().map(|c| c.name.as_str()).collect();
    let expected = "design sim_ID inquiry estimand estimator term estimate std.error statistic \
                    p.value conf.low conf.high df outcome failure";
    assert_eq!(names.join(" "), expected);
    let number = |name: &str, i: usize| match &table.column(name).unwrap().values {
        Values::Number(v) => v[i],
        _ => panic!("{name} is not a number"),
    };
    let text = |name: &str, i: usize| match &table.column(name).unwrap().values {
        Values::Category { codes, labels } => codes[i].map(|c| labels[c as usize].as_str()),
        _ => panic!("{name} is not text"),
    };
    let labels = [("Plain", "z"), ("Adjusted", "z"), ("Adjusted", "x"), ("No estimand", "z")];
    for (row, (estimator, term)) in labels.into_iter().enumerate() {
        let found = &run.diagnosis.rows[row];
        assert_eq!((found.estimator.as_str(), found.term.as_str()), (estimator, term));
        let of_row: Vec<usize> = (0..600).map(|sim| 4 * sim + row).collect();
        for &i in &of_row {
            assert_eq!((text("estimator", i), text("term", i)), (Some(estimator), Some(term)));
            let inquiry = (estimator != "No estimand").then_some("ate");
            assert_eq!(text("inquiry", i), inquiry);
            assert_eq!(number("estimand", i).is_nan(), inquiry.is_none());
            assert_eq!(number("estimate", i).is_nan(), text("failure", i).is_some());
            assert_eq!((text("design", i), text("outcome", i)), (Some("small"), Some("y")));
        }
        let failed = of_row.iter().filter(|i| text("failure", **i).is_some()).count() as u64;
        assert_eq!(found.n_failed(), failed);
        let ok: Vec<usize> = of_row.into_iter().filter(|i| text("failure", *i).is_none()).collect();
        let mean = ok.iter().map(|i| number("estimate", *i)).sum::<f64>() / ok.len() as f64;
        let measure = found.measure("mean_estimate").unwrap();
        assert_eq!(measure.n, ok.len() as u64);
        assert!((measure.value.unwrap() - mean).abs() < 1e-12);
    }
    let reasons: Vec<Failure> = run.diagnosis.rows[2].failures.iter().map(|f| f.0).collect();
    assert_eq!(reasons, [Failure::TermDropped]);
    // The estimators with an estimand are compared; terms of one estimator are not.
    let pairs: Vec<(usize, usize)> = run.diagnosis.comparisons.iter().map(|c| (c.a, c.b)).collect();
    assert_eq!(pairs, [(0, 1), (0, 2)]);
}

#[test]
fn rows_are_kept_only_on_demand() {
    let plan = plan(DESIGN);
    let streamed = Settings { keep: false, ..settings(300, 2) };
    let streamed = diagnose(&plan, &streamed, &Unwatched).unwrap();
    assert_eq!(streamed.simulations, None);
    let kept = diagnose(&plan, &settings(300, 2), &Unwatched).unwrap();
    assert_eq!(streamed.diagnosis, kept.diagnosis);
}

#[test]
fn an_interrupted_run_is_the_run_of_what_was_done() {
    let plan = plan(DESIGN);
    for threads in [1, 3] {
        let watch = Impatient { patience: 1000, ..Impatient::default() };
        let run = diagnose(&plan, &settings(5000, threads), &watch).unwrap();
        let done = run.diagnosis.sims;
        assert!(run.diagnosis.interrupted && done <= 1000, "{done}");
        assert_eq!(run.diagnosis.asked, 5000);
        if threads == 1 {
            assert_eq!(done, 1000);
            assert_eq!(*watch.told.lock().unwrap(), [256, 512, 768, 1000]);
        }
        let mut same = diagnose(&plan, &settings(done, 1), &Unwatched).unwrap();
        (same.diagnosis.asked, same.diagnosis.interrupted) = (5000, true);
        assert_eq!(format!("{run:?}"), format!("{same:?}"), "{threads} threads");
    }
}

#[test]
fn a_run_interrupted_at_once_has_no_value_and_no_nan() {
    let plan = plan(DESIGN);
    let watch = Impatient::default();
    let run = diagnose(&plan, &settings(5000, 2), &watch).unwrap();
    assert_eq!((run.diagnosis.sims, run.diagnosis.interrupted), (0, true));
    assert_eq!(run.diagnosis.rows.len(), 4);
    for finding in run.diagnosis.rows.iter().flat_map(|r| &r.diagnosands) {
        assert_eq!(finding.measure, Default::default(), "{}", finding.name);
    }
    assert_eq!(run.diagnosis.comparisons.len(), 2);
    assert_eq!(run.simulations.unwrap().n_rows(), 0);
    assert!(watch.told.lock().unwrap().is_empty());
}

#[test]
fn progress_is_told_in_order_up_to_the_end() {
    let plan = plan(DESIGN);
    let watch = Impatient { patience: usize::MAX, ..Impatient::default() };
    diagnose(&plan, &settings(2000, 3), &watch).unwrap();
    let told = watch.told.lock().unwrap();
    assert!(told.is_sorted() && told.last() == Some(&2000), "{told:?}");
}

#[test]
fn the_first_simulation_that_stops_is_reported_whatever_the_threads() {
    let plan = plan(STOPS);
    let mut ws = plan.workspace();
    let mut stops = (0..20_000).filter(|sim| plan.simulate(&mut ws, 7, *sim).is_err());
    let (first, second) = (stops.next().unwrap(), stops.next().unwrap());
    for threads in [1, 2, 3] {
        for _ in 0..10 {
            let stopped = diagnose(&plan, &settings(20_000, threads), &Unwatched).unwrap_err();
            assert_eq!(stopped.sim, first, "{threads} threads");
            assert!(format!("{:?}", stopped.stop).contains("below 0"), "{:?}", stopped.stop);
        }
    }
    let later = Settings { first: first + 1, ..settings(20_000, 2) };
    assert_eq!(diagnose(&plan, &later, &Unwatched).unwrap_err().sim, second);
}

#[test]
fn the_ends_of_the_numbers_are_no_trap() {
    let plan = plan(DESIGN);
    let last = Settings { first: u64::MAX - 3, ..settings(10, 2) };
    let run = diagnose(&plan, &last, &Unwatched).unwrap();
    assert_eq!((run.diagnosis.sims, run.diagnosis.interrupted), (3, true));
    let none = diagnose(&plan, &settings(0, 2), &Unwatched).unwrap();
    assert_eq!((none.diagnosis.sims, none.diagnosis.interrupted), (0, false));
    let many = Settings { threads: Some(usize::MAX), ..settings(10, 2) };
    assert_eq!(diagnose(&plan, &many, &Unwatched).unwrap().diagnosis.sims, 10);
}
