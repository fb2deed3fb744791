//! Tests of diagnosands that designs declare: against the built-in ones, against formulas written
//! out over the kept simulations, and against replications.

use trialrun_plan::{Options, Plan, Values, compile, read};

use crate::check::Evidence;
use crate::diagnosands::{self, INFO};
use crate::{Diagnosis, Measure, Run, Runner, Settings, Unwatched, diagnose};

/// Two estimators of a mean; the second fails where fewer than two units are large.
fn plan(own: &[(&str, &str)]) -> Plan {
    let entry = |(label, rest): &(&str, &str)| format!("Diagnosand(label: {label}, {rest}),\n");
    let own: String = own.iter().map(entry).collect();
    let source = format!(
        r#"Design(
        parameters: {{ bound: 0.2 }},
        steps: [
            Level(name: unit, n: 12, variables: {{ y: "normal(0.4, 1)" }}),
            Estimand(label: mean, value: "0.4 + 0.1 * min(y)"),
            Estimator(label: "all", estimand: mean, term: "(Intercept)",
                method: LmRobust(formula: "y ~ 1", se: HC2)),
            Estimator(label: "large", estimand: mean, term: "(Intercept)",
                method: LmRobust(formula: "y ~ 1", se: HC2), subset: "y > 1"),
        ],
        diagnosands: [{own}],
    )"#
    );
    let (design, errors) = read(&source);
    assert!(errors.is_empty(), "{errors:?}");
    let options = Options { diagnosands: INFO, ..Options::default() };
    compile(&design.unwrap(), &options).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn run(plan: &Plan, sims: u64, seed: u64, threads: usize) -> Run {
    let settings = Settings { seed, sims, threads: Some(threads), keep: true, first: 0 };
    diagnose(plan, &settings, &Unwatched).unwrap()
}

fn measure(found: &Diagnosis, row: usize, name: &str) -> Measure {
    found.rows[row].measure(name).unwrap_or_else(|| panic!("no {name}"))
}

/// The built-in diagnosands that are functions of averages, as a design would write them.
const COPIES: [(&str, &str); 13] = [
    ("bias", "value: \"mean(estimate - estimand)\""),
    ("rmse", "value: \"sqrt(mean((estimate - estimand)^2))\""),
    ("power", "value: \"mean(p_value <= alpha)\""),
    ("coverage", "value: \"mean(conf_low <= estimand & estimand <= conf_high)\""),
    (
        "type_s",
        "value: \"mean(sign(estimate) != sign(estimand))\", \
        where: \"p_value <= alpha & estimand != 0\"",
    ),
    (
        "exaggeration",
        "value: \"mean(abs(estimate) / abs(estimand))\", \
        where: \"p_value <= alpha & estimand != 0\"",
    ),
    ("mean_estimand", "value: \"mean(estimand)\""),
    ("mean_estimate", "value: \"mean(estimate)\""),
    ("sd_estimate", "value: \"sd(estimate)\""),
    ("mean_se", "value: \"mean(std_error)\""),
    ("mean_df", "value: \"mean(df)\""),
    ("ci_width", "value: \"mean(conf_high - conf_low)\""),
    ("failures", "value: \"mean(failed)\""),
];

#[test]
fn the_built_in_diagnosands_can_be_written_by_a_design() {
    let names: Vec<String> = COPIES.iter().map(|(name, _)| format!("own_{name}")).collect();
    let own: Vec<(&str, &str)> =
        names.iter().zip(COPIES).map(|(name, (_, value))| (name.as_str(), value)).collect();
    let found = run(&plan(&own), 3000, 1, 2).diagnosis;
    for row in 0..2 {
        for (name, _) in COPIES {
            let (built_in, own) =
                (measure(&found, row, name), measure(&found, row, &format!("own_{name}")));
            assert_eq!(own, built_in, "{name}, row {row}");
            assert!(own.n > 0 && own.mcse.is_some(), "{name}");
        }
    }
    assert!(found.rows[1].n_failed() > 100, "{:?}", found.rows[1].failures);
    // Paired differences are those of the built-in ones too.
    let differences = &found.comparisons[0].differences;
    let of = |name: &str| differences.iter().find(|d| d.name == name).map(|d| d.measure);
    for name in ["bias", "rmse", "power", "coverage"] {
        assert!(of(name).is_some());
        assert_eq!(of(name), of(&format!("own_{name}")), "{name}");
    }
}

/// As functions of averages, which are reduced and differentiated in general, they agree to
/// rounding.
#[test]
fn the_general_route_agrees_with_the_special_ones() {
    let general = |value: &str| format!("value: \"0 + {value}\"");
    let values = [
        ("bias", "mean(estimate - estimand)"),
        ("rmse", "sqrt(mean((estimate - estimand)^2))"),
        ("power", "mean(p_value <= alpha)"),
        ("sd_estimate", "sd(estimate)"),
        ("mean_se", "mean(std_error)"),
        ("se_ratio", "mean(std_error) / sd(estimate)"),
    ];
    let names: Vec<(String, String)> =
        values.iter().map(|(n, v)| (format!("own_{n}"), general(v))).collect();
    let own: Vec<(&str, &str)> = names.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let found = run(&plan(&own), 3000, 1, 2).diagnosis;
    for row in 0..2 {
        for (name, _) in values {
            let (a, b) = (measure(&found, row, name), measure(&found, row, &format!("own_{name}")));
            // The built-in error of a rate has divisor n, that of the ratio leaves out a term of
            // order 1/n in the error of the variance.
            let slack = if ["power", "se_ratio"].contains(&name) { 1e-3 } else { 1e-12 };
            let off = |a: f64, b: f64| (a / b - 1.0).abs();
            assert!(off(a.value.unwrap(), b.value.unwrap()) < 1e-12, "{name} {a:?} {b:?}");
            assert!(off(a.mcse.unwrap(), b.mcse.unwrap()) < slack, "{name} {a:?} {b:?}");
        }
    }
}

/// A column of the kept simulations of the first estimator.
fn kept(run: &Run, name: &str) -> Vec<f64> {
    let table = run.simulations.as_ref().unwrap();
    let Values::Number(values) = &table.column(name).unwrap().values else { panic!("{name}") };
    values.iter().copied().step_by(2).collect()
}

#[test]
fn functions_of_averages_are_those_of_their_formulas() {
    let own = [
        ("cv", "value: \"sd(estimate) / mean(estimate)\""),
        (
            "slope",
            "value: \"(mean(estimate * std_error) - mean(estimate) * mean(std_error)) \
            / var(std_error)\"",
        ),
        ("odds", "value: \"log(mean(estimate > bound) / (1 - mean(estimate > bound)))\""),
        ("spread", "value: \"exp(var(estimate) - var(std_error)) - max(bound, 0)\""),
        ("wrong", "value: \"mean(estimate < bound & p_value <= alpha) / mean(p_value <= alpha)\""),
    ];
    let n = 4000;
    let run = run(&plan(&own), n, 2, 2);
    let (x, w, p) = (kept(&run, "estimate"), kept(&run, "std.error"), kept(&run, "p.value"));
    let n = n as f64;
    let mean = |f: &dyn Fn(usize) -> f64| (0..x.len()).map(f).sum::<f64>() / n;
    let (mx, mw) = (mean(&|i| x[i]), mean(&|i| w[i]));
    let flag = |b: bool| f64::from(u8::from(b));
    let vx = mean(&|i| (x[i] - mx).powi(2)) * n / (n - 1.0);
    let vw = mean(&|i| (w[i] - mw).powi(2)) * n / (n - 1.0);
    let mxw = mean(&|i| x[i] * w[i]);
    let above = mean(&|i| flag(x[i] > 0.2));
    let significant = mean(&|i| flag(p[i] <= 0.05));
    let both = mean(&|i| flag(x[i] < 0.2 && p[i] <= 0.05));
    let (slope, spread) = ((mxw - mx * mw) / vw, (vx - vw).exp());
    // Each diagnosand with what simulation i adds to it, to first order.
    let of_vx = |i: usize| (x[i] - mx).powi(2) - vx;
    let of_vw = |i: usize| (w[i] - mw).powi(2) - vw;
    type Influence<'a> = Box<dyn Fn(usize) -> f64 + 'a>;
    let cases: [(&str, f64, Influence<'_>); 5] = [
        (
            "cv",
            vx.sqrt() / mx,
            Box::new(|i| of_vx(i) / (2.0 * vx.sqrt() * mx) - vx.sqrt() / (mx * mx) * (x[i] - mx)),
        ),
        (
            "slope",
            slope,
            Box::new(|i| {
                let top = x[i] * w[i] - mxw - mw * (x[i] - mx) - mx * (w[i] - mw);
                (top - slope * of_vw(i)) / vw
            }),
        ),
        (
            "odds",
            (above / (1.0 - above)).ln(),
            Box::new(|i| (flag(x[i] > 0.2) - above) / (above * (1.0 - above))),
        ),
        ("spread", spread - 0.2, Box::new(|i| spread * (of_vx(i) - of_vw(i)))),
        (
            "wrong",
            both / significant,
            Box::new(|i| {
                let hit = flag(p[i] <= 0.05);
                (hit * flag(x[i] < 0.2) - both - both / significant * (hit - significant))
                    / significant
            }),
        ),
    ];
    for (name, value, influence) in cases {
        let found = measure(&run.diagnosis, 0, name);
        let squares: f64 = (0..x.len()).map(|i| influence(i).powi(2)).sum();
        let error = squares.sqrt() / n;
        assert_eq!(found.n, 4000, "{name}");
        assert!((found.value.unwrap() / value - 1.0).abs() < 1e-10, "{name} {found:?} {value}");
        assert!((found.mcse.unwrap() / error - 1.0).abs() < 2e-3, "{name} {found:?} {error}");
    }
}

#[test]
fn simulations_count_where_they_should() {
    let own = [
        ("found", "value: \"mean(if(failed, 0, p_value <= alpha))\""),
        ("some", "value: \"mean(estimate)\", where: \"estimate > bound\""),
        ("none", "value: \"mean(estimate)\", where: \"estimate > 1000\""),
        ("ratio", "value: \"mean(estimate) / mean(std_error)\", where: \"estimate > 1000\""),
        ("sizes", "value: \"mean(n_obs)\""),
        ("lost", "value: \"mean(log(estimate))\""),
        ("masked", "value: \"mean(estimate)\", where: \"log(estimate) > 0\""),
        ("roots", "value: \"mean(sqrt(estimate - bound)) / mean(estimate)\""),
    ];
    let run = run(&plan(&own), 1000, 3, 1);
    let of = |row: usize, name: &str| measure(&run.diagnosis, row, name);
    let x = kept(&run, "estimate");
    let power = of(1, "power");
    let (n_power, events) = (power.n as f64, (power.value.unwrap() * power.n as f64).round());
    assert!(n_power < 1000.0);
    assert_eq!((of(1, "found").n, of(1, "found").value), (1000, Some(events / 1000.0)));
    assert_eq!(of(0, "some").n, x.iter().filter(|x| **x > 0.2).count() as u64);
    for name in ["none", "ratio"] {
        assert_eq!(of(0, name), Measure::default(), "{name}");
    }
    assert_eq!((of(0, "sizes").value, of(0, "sizes").mcse), (Some(12.0), Some(0.0)));
    assert!(of(1, "sizes").value.unwrap() < 12.0);
    let negative = x.iter().filter(|x| **x <= 0.0).count() as u64;
    assert!(negative > 0);
    for name in ["lost", "masked"] {
        let found = of(0, name);
        assert_eq!((found.value, found.mcse, found.undefined), (None, None, negative), "{name}");
    }
    assert_eq!(of(0, "lost").n, 1000 - negative);
    assert_eq!(of(0, "roots").undefined, x.iter().filter(|x| **x < 0.2).count() as u64);
    // What is not defined has no difference either.
    let differences = &run.diagnosis.comparisons[0].differences;
    let lost = differences.iter().find(|d| d.name == "lost").unwrap();
    assert_eq!((lost.measure.value, lost.measure.mcse), (None, None));
}

#[test]
fn bits_do_not_depend_on_threads_or_stages() {
    let own = [
        ("cv", "value: \"sd(estimate) / mean(estimate) + var(std_error)\""),
        ("close", "value: \"mean(abs(estimate - estimand) < bound)\", better: Larger"),
    ];
    let plan = plan(&own);
    let one = run(&plan, 2000, 4, 1).diagnosis;
    assert_eq!(run(&plan, 2000, 4, 3).diagnosis, one);
    let settings = Settings { seed: 4, sims: 0, ..Settings::default() };
    let mut runner = Runner::new(&plan, &settings);
    for sims in [256, 768, 976] {
        runner.extend(sims, &Unwatched).unwrap();
    }
    assert_eq!(runner.diagnosis().rows, one.rows);
}

/// Monte Carlo errors are the spread of replications, and bounds hold the truth as often as they
/// should: the truth is a long run's.
#[test]
fn errors_and_bounds_are_those_of_replications() {
    let own = [
        ("cv", "value: \"sd(estimate) / mean(estimate)\""),
        ("wrong", "value: \"mean(estimate < bound) / mean(std_error > 0.25)\""),
        ("spread", "value: \"var(estimate)\""),
    ];
    let plan = plan(&own);
    let truth = run(&plan, 400_000, 99, 2).diagnosis;
    let (n_runs, error) = (300, 0.05);
    for (name, _) in own {
        let place = diagnosands::place(&plan, name).unwrap();
        let target = measure(&truth, 0, name).value.unwrap();
        let (mut squares, mut errors, mut missed) = (0.0, 0.0, 0);
        for seed in 0..n_runs {
            let settings = Settings { seed, sims: 0, ..Settings::default() };
            let mut runner = Runner::new(&plan, &settings);
            runner.extend(1000, &Unwatched).unwrap();
            let found = measure(&runner.diagnosis(), 0, name);
            squares += (found.value.unwrap() - target).powi(2);
            errors += found.mcse.unwrap().powi(2);
            let evidence = runner.evidence(0, place).unwrap();
            assert!(name == "spread" || matches!(evidence, Evidence::Function { .. }));
            let (low, high) = evidence.bounds(error).unwrap();
            missed += u64::from(!(low <= target && target <= high));
        }
        // A variance of 300 values has a relative error of about sqrt(2 / 300) = 0.08.
        let ratio = (errors / squares).sqrt();
        assert!((ratio - 1.0).abs() < 4.0 * 0.041, "{name} {ratio}");
        // 15 misses are expected of bounds that are just right; 31 are 4 errors more.
        assert!(missed < 31, "{name}: {missed} of {n_runs}");
    }
}
