//! Estimators with several estimands and several outcomes.

use trialrun_plan::{Options, compile, read};
use trialrun_run::{Settings, Unwatched, diagnose};

use crate::common::{plan, simulate};

/// A population, treated with chances that go with the effect.
const POPULATION: &str = r#"
    Level(name: unit, n: 40, variables: { x: "normal(0, 1)", e: "normal(0, 1)" }),
    PotentialOutcomes(outcome: y, conditions: { z: [0, 1] }, formula: "e + x * z"),
    Assignment(variable: z, method: Simple(prob_unit: "inv_logit(x)")),
    Estimand(label: ate, value: "mean(y_z_1 - y_z_0)"),
    Estimand(label: att, value: "mean(y_z_1 - y_z_0)", where: "z == 1"),
    Estimand(label: lost, value: "mean(y_z_1)", where: "x > 1.9"),
    Reveal(outcome: y),
"#;

fn with(estimators: &str) -> String {
    format!("Design(name: \"aims\", steps: [{POPULATION} {estimators}])")
}

/// Several estimands give the rows of as many estimators with one, to the bit.
#[test]
fn several_estimands_are_as_several_estimators() {
    let method = r#"term: [z, x], method: LmRobust(formula: "y ~ z + x")"#;
    let one =
        plan(&with(&format!(r#"Estimator(label: "a", estimand: [ate, att, lost], {method}),"#)));
    let many = plan(&with(&format!(
        r#"Estimator(label: "a", estimand: ate, {method}),
           Estimator(label: "b", estimand: att, {method}),
           Estimator(label: "c", estimand: lost, {method}),"#
    )));
    let (mut a, mut b) = (one.workspace(), many.workspace());
    let mut lost = 0;
    for sim in 0..200 {
        simulate(&one, &mut a, 5, sim);
        simulate(&many, &mut b, 5, sim);
        assert_eq!(a.rows(), b.rows(), "{sim}");
        lost += usize::from(a.rows()[5].fit.is_err());
        assert_ne!(a.rows()[0].estimand, a.rows()[2].estimand);
    }
    assert!((30..120).contains(&lost), "{lost} estimands without a value");
    let names = |plan: &trialrun_plan::Plan| -> Vec<String> {
        plan.row_infos().map(|row| row.label()).collect()
    };
    assert_eq!(names(&one)[..3], ["a (z, ate)", "a (x, ate)", "a (z, att)"]);
    assert_eq!(names(&many)[..3], ["a (z)", "a (x)", "b (z)"]);
}

/// Rows that share an estimand are compared, and no others.
#[test]
fn rows_of_one_estimand_are_compared() {
    let source = with(
        r#"Estimator(label: "a", estimand: [ate, att], method: LmRobust(formula: "y ~ z")),
           Estimator(label: "b", estimand: [att, ate], method: LmRobust(formula: "y ~ z + x")),
           Estimator(label: "c", estimand: ate, method: LmRobust(formula: "y ~ z + x")),"#,
    );
    let (design, _) = read(&source);
    let options = Options { diagnosands: trialrun_run::diagnosands::INFO, ..Options::default() };
    let plan = compile(&design.unwrap(), &options).unwrap_or_else(|e| panic!("{e:?}"));
    let settings = Settings { sims: 300, keep: true, ..Settings::default() };
    let run = diagnose(&plan, &settings, &Unwatched).unwrap();
    let pairs: Vec<(usize, usize)> = run.diagnosis.comparisons.iter().map(|c| (c.a, c.b)).collect();
    assert_eq!(pairs, [(0, 3), (0, 4), (1, 2), (3, 4)]);
    let text = trialrun_report::text(&run.diagnosis, false);
    for title in ["a and b, ate", "a and b, att", "a and c", "b and c"] {
        assert!(text.contains(title), "{title} in\n{text}");
    }
    let table = run.simulations.unwrap();
    let inquiry = table.columns.iter().find(|c| c.name == "inquiry").unwrap();
    let trialrun_plan::Values::Category { codes, labels } = &inquiry.values else { panic!() };
    assert_eq!(labels, &["ate", "att"]);
    assert_eq!(codes[..5], [Some(0), Some(1), Some(1), Some(0), Some(0)]);
}
