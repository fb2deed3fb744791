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

/// A hypothesis that is a coefficient has the coefficient's row, to the bit; with a value its test
/// alone is another.
#[test]
fn a_hypothesis_of_one_coefficient_is_its_row() {
    for method in [
        r#"LmRobust(formula: "y ~ z + x", se: HC2"#,
        r#"LmRobust(formula: "y ~ z + x", clusters: k"#,
        r#"LmRobust(formula: "y ~ z + x", fixed_effects: [k], clusters: k, se: Stata"#,
        r#"LmRobust(formula: "y ~ z + x", clusters: [k, j]"#,
        r#"IvRobust(formula: "y ~ z + x | e + x", clusters: [k, j], se: CR0"#,
        r#"IvRobust(formula: "y ~ z + x | e + x""#,
        r#"Lin(formula: "y ~ z", covariates: "x""#,
        r#"Lmer(formula: "y ~ z + x + (1 | k)""#,
        r#"Lmer(formula: "y ~ z + x + (1 + x | k)", df: KenwardRoger"#,
        r#"Lmer(formula: "y ~ z + x + (1 | k)", df: BetweenWithin"#,
        r#"Glm(formula: "I(y > 0) ~ z + x", family: Binomial, se: HC0"#,
    ] {
        let plan = plan(&with(&format!(
            r#"Variables(variables: {{ k: "unit % 8", j: "unit % 5" }}),
               Estimator(label: "a", term: z, method: {method},
                   hypotheses: ["z", "3*z/2 - z = z/2 - z + 0.5"])),"#
        )));
        let names: Vec<String> = plan.row_infos().map(|row| row.label()).collect();
        assert_eq!(names, ["a (z)", "a (z)", "a (3*z/2 - z = z/2 - z + 0.5)"]);
        let mut ws = plan.workspace();
        for sim in 0..20 {
            simulate(&plan, &mut ws, 8, sim);
            let rows = ws.rows();
            assert_eq!(rows[0], rows[1], "{method}, {sim}");
            let (Ok(own), Ok(moved)) = (rows[0].fit, rows[2].fit) else { continue };
            let same = trialrun_plan::Estimate {
                statistic: moved.statistic,
                p_value: moved.p_value,
                ..own
            };
            assert_eq!(moved, same, "{method}, {sim}");
            let statistic = (own.estimate - 0.5) / own.std_error;
            assert!((moved.statistic - statistic).abs() < 1e-12 * statistic.abs().max(1.0));
        }
    }
}

/// The difference of two arms: no bias, and intervals that cover, with its own estimand; without
/// `term` it is all that is reported.
#[test]
fn a_contrast_of_arms_is_unbiased_and_covers() {
    let plan = plan(
        r#"Design(steps: [
            Level(name: class, n: 12, variables: { shock: "normal(0, 0.5)" }),
            Level(name: unit, n: "class % 3 + 2", variables: { e: "normal(0, 1)" }),
            PotentialOutcomes(outcome: y, conditions: { arm: [a, b, c] },
                formula: "e + shock + 0.4 * (arm == 'b') + (arm == 'c')"),
            Estimand(label: gap, value: "mean(y_arm_c - y_arm_b)"),
            Assignment(variable: arm, method: Complete, clusters: class),
            Reveal(outcome: y),
            Estimator(label: "gap", estimand: gap, method: LmRobust(formula: "y ~ arm",
                clusters: class, hypotheses: ["armc - armb"])),
        ])"#,
    );
    assert_eq!(plan.n_rows(), 1);
    let (mut ws, sims) = (plan.workspace(), 4000);
    let (mut errors, mut covered) = (Vec::new(), 0);
    for sim in 0..sims {
        simulate(&plan, &mut ws, 3, sim);
        let row = &ws.rows()[0];
        let (fit, gap) = (row.fit.unwrap(), row.estimand.unwrap());
        errors.push(fit.estimate - gap);
        covered += usize::from(fit.conf_low <= gap && gap <= fit.conf_high);
    }
    let n = sims as f64;
    let mean = errors.iter().sum::<f64>() / n;
    let sd = (errors.iter().map(|e| (e - mean) * (e - mean)).sum::<f64>() / n).sqrt();
    assert!(mean.abs() < 4.0 * sd / n.sqrt(), "bias {mean}");
    let coverage = covered as f64 / n;
    assert!((0.93..0.985).contains(&coverage), "coverage {coverage}");
}
