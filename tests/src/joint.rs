//! Joint tests of several hypotheses: their rows in simulations against the tests of whole fits,
//! and their power against theory.

mod resampled;

use trialrun_plan::{Options, Plan, compile, read};
use trialrun_run::{Settings, Unwatched, diagnose};

use crate::common::{assert_close, assert_rate, plan, simulate};

/// Three arms, with clusters and two ways of them.
const POPULATION: &str = r#"
    Level(name: site, n: 12, variables: { s: "normal(0, 0.5)" }),
    Level(name: unit, n: 6, variables: {
        x: "normal(0, 1)", e: "normal(0, 1)", w: "exponential(1) + 0.2", k: "binomial(9, 0.5)",
    }),
    Assignment(variable: arm, method: Complete, conditions: [a, b, c]),
    Variables(variables: {
        in_c: "arm == 'c'", d: "0.5 * x + (arm == 'b') + 0.5 * e",
        y: "x + s + e + 0.4 * in_c", v: "e * x - s",
    }),
"#;

fn with(estimators: &str) -> String {
    format!("Design(name: \"joint\", steps: [{POPULATION} {estimators}])")
}

const METHODS: &[&str] = &[
    r#"LmRobust(formula: "OUTCOME ~ arm + x", se: classical"#,
    r#"LmRobust(formula: "OUTCOME ~ arm + x", se: HC2"#,
    r#"LmRobust(formula: "OUTCOME ~ arm + x", clusters: site, se: Stata"#,
    r#"LmRobust(formula: "OUTCOME ~ arm + x", clusters: site"#,
    r#"LmRobust(formula: "OUTCOME ~ arm + x", clusters: site, weights: w"#,
    r#"LmRobust(formula: "OUTCOME ~ arm + x", clusters: site, fixed_effects: [site, k]"#,
    r#"LmRobust(formula: "OUTCOME ~ arm + x", clusters: [site, k]"#,
    r#"Lin(formula: "OUTCOME ~ arm", covariates: "x""#,
    r#"IvRobust(formula: "OUTCOME ~ d + in_c + x | arm + x + w", clusters: site"#,
    r#"IvRobust(formula: "OUTCOME ~ d + in_c + x | arm + x + w", se: HC0"#,
    r#"Lmer(formula: "OUTCOME ~ arm + x + (1 | site)""#,
    r#"Lmer(formula: "OUTCOME ~ arm + x + (1 + x | site)", df: KenwardRoger"#,
    r#"Glm(formula: "I(OUTCOME > 0) ~ arm + x", family: Binomial"#,
    r#"Glm(formula: "exp(OUTCOME) ~ arm + x", family: Gamma(link: Log), se: HC0"#,
    r#"Glm(formula: "I(OUTCOME > 0) ~ arm * w + x", family: Binomial, scale: Response"#,
    r#"Glm(formula: "exp(OUTCOME) ~ arm + x", family: Gamma(link: Log), scale: Response"#,
    r#"Glmer(formula: "I(OUTCOME > 0) ~ arm + x + (1 | site)", family: Binomial"#,
    r#"Glmer(formula: "k ~ arm + x + (1 | site)", family: Poisson, scale: Response"#,
    r#"Glmer(formula: "k ~ arm + x + (arm | site)", family: Poisson, scale: Response"#,
];

/// The rows of joint tests are the tests that a whole fit tells, for two outcomes where a method
/// has several.
#[test]
fn rows_are_the_tests_of_whole_fits() {
    for method in METHODS {
        let iv = method.starts_with("Iv");
        let (b, c) = if iv { ("d", "in_c") } else { ("armb", "armc") };
        let x = if method.starts_with("Lin") { "x_c" } else { "x" };
        let several = method.starts_with("L") && !method.starts_with("Lmer");
        let bound = if several { "cbind(y, v)" } else { "y" };
        let outcomes = if several { vec!["y", "v"] } else { vec!["y"] };
        let own = method.replace("OUTCOME", bound);
        let tests =
            format!(r#"joint: [["{b}", "{c} = 0.5"], ["{b} = {c}", "{x} = 1", "2*{c} - 3*{x}"]]"#);
        let plan = plan(&with(&format!(
            "Estimator(label: \"a\", term: \"{x}\", method: {own}, {tests})),"
        )));
        let infos: Vec<_> = plan.row_infos().collect();
        let n = outcomes.len();
        assert_eq!(infos.len(), 3 * n, "{own}");
        assert!(!several || infos[n].aim.outcome == outcomes[0]);
        assert!(infos[n].is_joint && infos[n].label().contains("joint("), "{}", infos[n].label());
        let mut ws = plan.workspace();
        let mut compared = 0;
        for sim in 0..6 {
            simulate(&plan, &mut ws, 4, sim);
            let rows = ws.rows().to_vec();
            for place in 0..n {
                let Ok((_, details)) = plan.estimations[0].full(&mut ws, &plan.labels, place)
                else {
                    continue;
                };
                let whole: Vec<_> =
                    details.tests.iter().filter(|t| t.name.starts_with("joint")).collect();
                let own_rows = &rows[n + 2 * place..n + 2 * (place + 1)];
                let made = own_rows.iter().filter(|row| row.fit.is_ok()).count();
                assert_eq!(made, whole.len(), "{own}");
                for (row, test) in own_rows.iter().filter(|row| row.fit.is_ok()).zip(whole) {
                    let found = row.tested().unwrap();
                    assert!(row.estimate().is_none() && row.is_joint && row.estimand.is_none());
                    let tolerance = if iv { 1e-8 } else { 1e-9 };
                    assert_close(&own, found.statistic, test.statistic, tolerance);
                    assert_close(&own, found.p_value, test.p_value, 10.0 * tolerance);
                    let df2 = test.df2.unwrap_or(f64::INFINITY);
                    assert!(found.df == df2 || (found.df / df2 - 1.0).abs() < 1e-8, "{own}");
                    compared += 1;
                }
            }
        }
        assert!(compared >= 6, "{own}: {compared}");
    }
}

/// Runs simulations of a design with one estimator of which the joint test is the last row.
fn rejections(plan: &Plan, sims: u64) -> usize {
    let mut ws = plan.workspace();
    let mut rejects = |sim: &u64| {
        simulate(plan, &mut ws, 9, *sim);
        ws.rows().last().unwrap().fit.unwrap().p_value <= 0.05
    };
    (0..sims).filter(|sim| rejects(sim)).count()
}

/// Normal errors, three arms of ten: under the null the F test has its size, and otherwise the
/// power of the noncentral F distribution (R: `pf(qf(0.95, 2, 27), 2, 27, 5, lower = FALSE)`).
#[test]
fn the_classical_test_has_the_power_of_the_noncentral_f() {
    for (effect, power) in [(0.0, 0.05), (0.5, 0.457992275534)] {
        let plan = plan(&format!(
            r#"Design(parameters: {{ effect: {effect} }}, steps: [
            Level(name: unit, n: 30, variables: {{ e: "normal(0, 1)" }}),
            Assignment(variable: arm, method: Complete, conditions: [a, b, c]),
            Variables(variables: {{ y: "e + effect * (arm == 'b') + 2 * effect * (arm == 'c')" }}),
            Estimator(label: "F", term: armb, method: LmRobust(formula: "y ~ arm", se: classical,
                joint: [["armb", "armc"]])),
        ])"#
        ));
        assert_rate("power", rejections(&plan, 20_000), 20_000, power);
    }
}

/// Twelve clusters, treatment of clusters: Hotelling's approximation has about its size, where the
/// F test of CR0 rejects far too often.
#[test]
fn hotellings_test_holds_its_level_with_few_clusters() {
    let rate = |se: &str| {
        let plan = plan(&format!(
            r#"Design(steps: [
            Level(name: site, n: 12, variables: {{ s: "normal(0, 1)" }}),
            Level(name: unit, n: 5, variables: {{ y: "s + normal(0, 1)" }}),
            Assignment(variable: arm, clusters: site, method: Complete, conditions: [a, b, c]),
            Estimator(label: "F", term: armb, method: LmRobust(formula: "y ~ arm", clusters: site,
                se: {se}, joint: [["armb", "armc"]])),
        ])"#
        ));
        rejections(&plan, 8000) as f64 / 8000.0
    };
    let (hotelling, naive) = (rate("CR2"), rate("CR0"));
    assert!((0.03..0.06).contains(&hotelling), "{hotelling}");
    assert!(naive > 0.12, "{naive}");
}

/// Reports have the power of a joint test and nothing of estimates; it is compared with nobody, and
/// a design's own diagnosands of the p-value look at it.
#[test]
fn a_joint_test_has_the_diagnosands_of_a_test() {
    let source = format!(
        "Design(name: \"joint\", steps: [{POPULATION} {} ], {})",
        r#"Estimand(label: zero, value: "0 * mean(x)"),
           Estimator(label: "one", estimand: { y: zero }, term: armb, method: LmRobust(
               formula: "cbind(y, v) ~ arm", joint: [["armb", "armc"]])),
           Estimator(label: "two", estimand: zero, term: armb, method: LmRobust(
               formula: "y ~ arm", joint: [["armb", "armc"]])),"#,
        r#"diagnosands: [
               Diagnosand(label: small_p, value: "mean(p_value < 0.5)"),
               Diagnosand(label: width, value: "mean(conf_high - conf_low)"),
           ],
           expect: [Expect(estimator: "two", term: "joint(armb, armc)", diagnosand: power,
               within: 0..=1), Expect(estimator: "one", term: "joint(armb, armc)", outcome: v,
               diagnosand: small_p, within: 0..=1)]"#
    );
    let (design, errors) = read(&source);
    assert!(errors.is_empty(), "{}", trialrun_lang::render(&errors, "joint", &source, false));
    let options = Options { diagnosands: trialrun_run::diagnosands::INFO, ..Options::default() };
    let plan = compile(&design.unwrap(), &options)
        .unwrap_or_else(|e| panic!("{}", trialrun_lang::render(&e, "joint", &source, false)));
    let labels: Vec<String> = plan.row_infos().map(|row| row.label()).collect();
    assert_eq!(
        labels,
        [
            "one (y)",
            "one (v)",
            "one (joint(armb, armc), y)",
            "one (joint(armb, armc), v)",
            "two",
            "two (joint(armb, armc))"
        ]
    );
    assert_eq!((plan.expectations[0].row, plan.expectations[1].row), (5, 3));
    let settings = Settings { sims: 400, keep: true, ..Settings::default() };
    let run = diagnose(&plan, &settings, &Unwatched).unwrap();
    let pairs: Vec<(usize, usize)> = run.diagnosis.comparisons.iter().map(|c| (c.a, c.b)).collect();
    assert_eq!(pairs, [(0, 4)]);
    for row in [2, 3, 5] {
        let found = &run.diagnosis.rows[row].diagnosands;
        let names = found.iter().filter(|d| d.measure.value.is_some());
        let names: Vec<&str> = names.map(|d| d.name.as_str()).collect();
        assert_eq!(names, ["power", "mean_df", "failures", "boundary", "small_p"]);
        assert!(found.iter().all(|d| d.measure.value.is_some() || d.measure.n == 0));
    }
    let table = run.simulations.unwrap();
    let numbers = |name: &str| {
        let column = table.columns.iter().find(|c| c.name == name).unwrap();
        let trialrun_plan::Values::Number(values) = &column.values else { panic!("{name}") };
        values[..6].iter().map(|v| v.is_nan()).collect::<Vec<bool>>()
    };
    let blank = [false, false, true, true, false, true];
    for name in ["estimate", "std.error", "conf.low", "conf.high"] {
        assert_eq!(numbers(name), blank, "{name}");
    }
    for name in ["statistic", "p.value", "df"] {
        assert_eq!(numbers(name), [false; 6], "{name}");
    }
}
