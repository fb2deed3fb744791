//! Randomisation tests of several arms: contrasts, and that no arm has any effect.

use super::list;
use crate::common::{assert_exact, each, plan, plan_for, simulate, values};

/// Seven units in three arms: 7! / (2! 2! 3!) assignments.
const N: usize = 7;
const ASSIGNMENTS: usize = 210;

fn source(u: &str, effect: &str, estimators: &str) -> String {
    format!(
        r#"Design(steps: [
        Level(name: unit, n: {N}, variables: {{ u: "{u}" }}),
        PotentialOutcomes(outcome: y, conditions: {{ z: [0, 1, 2] }},
            formula: "u + ({effect}) * z"),
        Estimand(label: ate, value: "mean(y_z_1 - y_z_0)"),
        Assignment(variable: z, conditions: [0, 1, 2], method: Complete(m_each: [2, 2, 3])),
        Reveal(outcome: y),
        {estimators}])"#
    )
}

fn test(label: &str, method: &str, statistic: &str) -> String {
    format!(
        r#"Estimator(label: "{label} {statistic}", term: ["factor(z)1", "factor(z)2"],
            method: {method}, hypotheses: ["factor(z)2 - factor(z)1", "factor(z)2 - 3*factor(z)1"],
                joint: [["factor(z)1", "factor(z)2"]]),
            inference: Randomisation(statistic: {statistic}, interval: OfMethod)),"#
    )
}

const CLASSICAL: &str = r#"LmRobust(formula: "y ~ factor(z)", se: classical"#;
const ROBUST: &str = r#"LmRobust(formula: "y ~ factor(z)", se: HC2"#;

/// Over all assignments every test of a contrast, and of all arms at once, rejects just as often as
/// it says.
#[test]
fn tests_of_arms_are_exact() {
    let estimators = ["Estimate", "Studentised"]
        .map(|statistic| {
            test("classical", CLASSICAL, statistic) + &test("robust", ROBUST, statistic)
        })
        .concat();
    let u = "unit * unit * 0.7 % 1.9 + (unit % 3) * 0.4";
    let plan = plan(&source(u, "0", &estimators));
    let listed = list(&plan, ASSIGNMENTS, |_| 1.0 / ASSIGNMENTS as f64);
    let infos: Vec<String> = plan.row_infos().map(|row| row.label()).collect();
    assert_eq!(infos.len(), 20);
    for (row, label) in infos.iter().enumerate() {
        listed.assert_exact(label, row);
    }
}

/// Means, variances and sizes of the arms.
fn arms(y: &[f64], arm: &[usize]) -> [[f64; 3]; 3] {
    [0, 1, 2].map(|own| {
        let y: Vec<f64> = y.iter().zip(arm).filter(|(_, a)| **a == own).map(|(y, _)| *y).collect();
        let n = y.len() as f64;
        let mean = y.iter().sum::<f64>() / n;
        [mean, y.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / (n - 1.0), n]
    })
}

/// Wald's form of no difference between the arms, with variances of the arms' means.
fn wald(y: &[f64], arm: &[usize], pooled: bool) -> f64 {
    let arms = arms(y, arm);
    let within: f64 = arms.iter().map(|[_, s, n]| s * (n - 1.0)).sum::<f64>() / (N as f64 - 3.0);
    let v = arms.map(|[_, s, n]| if pooled { within } else { s } / n);
    let [b, c] = [arms[1][0] - arms[0][0], arms[2][0] - arms[0][0]];
    let (vb, vc, both) = (v[1] + v[0], v[2] + v[0], v[0]);
    (vc * b * b - 2.0 * both * b * c + vb * c * c) / (vb * vc - both * both)
}

/// Every assignment of the seven units.
fn assignments() -> Vec<Vec<usize>> {
    let arms = |mut code: usize| -> Vec<usize> {
        (0..N)
            .map(|_| {
                let arm = code % 3;
                code /= 3;
                arm
            })
            .collect()
    };
    let fits = |arm: &Vec<usize>| {
        [2, 2, 3].iter().enumerate().all(|(k, n)| arm.iter().filter(|a| **a == k).count() == *n)
    };
    (0..3_usize.pow(N as u32)).map(arms).filter(fits).collect()
}

/// p-values are shares of all assignments, by a plain loop and closed forms.
#[test]
fn p_values_of_arms_are_shares_of_a_plain_list() {
    let all = assignments();
    assert_eq!(all.len(), ASSIGNMENTS);
    let estimators =
        test("classical", CLASSICAL, "Estimate") + &test("robust", ROBUST, "Studentised");
    let plan = plan(&source("normal(0, 1)", "unit % 3", &estimators));
    let mut ws = plan.workspace();
    for sim in 0..20 {
        simulate(&plan, &mut ws, 8, sim);
        let y = values(&plan, &ws, "y").to_vec();
        let own: Vec<usize> = values(&plan, &ws, "z").iter().map(|z| *z as usize).collect();
        let share = |statistic: &dyn Fn(&[usize]) -> f64| {
            let least = statistic(&own) * (1.0 - 1e-9);
            all.iter().filter(|arm| statistic(arm) >= least).count() as f64 / all.len() as f64
        };
        let p = |row: usize| ws.rows()[row].tested().unwrap().p_value;
        let close = |row: usize, theirs: f64| {
            assert!((p(row) - theirs).abs() < 1e-12, "simulation {sim}: {} {theirs}", p(row));
        };
        let mean = |arm: &[usize], k: usize| arms(&y, arm)[k][0];
        close(0, share(&|arm| (mean(arm, 1) - mean(arm, 0)).abs()));
        close(2, share(&|arm| (mean(arm, 2) - mean(arm, 1)).abs()));
        close(4, share(&|arm| wald(&y, arm, true)));
        let error = |arm: &[usize]| {
            let arms = arms(&y, arm);
            (arms[1][1] / arms[1][2] + arms[2][1] / arms[2][2]).sqrt()
        };
        close(7, share(&|arm| (mean(arm, 2) - mean(arm, 1)).abs() / error(arm)));
        close(9, share(&|arm| wald(&y, arm, false)));
    }
}

/// Draws with replacement of the assignments: the joint test is exact with the one that is added.
#[test]
fn sampled_arms_keep_the_level() {
    let sims = 20_000;
    let plan = plan(
        r#"Design(steps: [
        Level(name: unit, n: 24, variables: { u: "exponential(1)" }),
        PotentialOutcomes(outcome: y, conditions: { arm: [a, b, c] }, formula: "u"),
        Assignment(variable: arm, method: Complete),
        Reveal(outcome: y),
        Estimator(label: "test", method: LmRobust(formula: "y ~ arm", hypotheses: ["armb - armc"],
            joint: [["armb", "armc"]]),
            inference: Randomisation(draws: 19, interval: OfMethod)),
        ])"#,
    );
    let mut counts = [[0; 21]; 2];
    each(&plan, 46, sims, |ws| {
        for (row, counts) in ws.rows().iter().zip(&mut counts) {
            counts[(row.tested().unwrap().p_value * 20.0).round() as usize] += 1;
        }
    });
    for counts in counts {
        assert_exact(&counts, sims as usize);
    }
}

/// Real data that the design could have made have the p-values of the simulation.
#[test]
fn real_data_have_the_tests_of_the_simulation() {
    let estimators = test("classical", CLASSICAL, "Estimate");
    let source = source("normal(0, 1)", "unit % 3", &estimators);
    let simulated = plan(&source);
    let mut ws = simulated.workspace();
    for sim in 0..5 {
        simulate(&simulated, &mut ws, 48, sim);
        let table = simulated.data_set(&ws, simulated.deepest, usize::MAX);
        let real = plan_for(&source, &table);
        let mut of_data = real.workspace();
        simulate(&real, &mut of_data, 48, sim);
        let (all, details) = real.estimations[0].full(&mut of_data, &real.labels, 0).unwrap();
        let p = |row: usize| ws.rows()[row].tested().unwrap().p_value;
        let of_term = |term: &str| all.iter().find(|c| c.term == term).unwrap().row.fit.unwrap();
        assert_eq!(p(0), of_term("factor(z)1").p_value);
        assert_eq!(p(1), of_term("factor(z)2").p_value);
        for (i, hypothesis) in details.hypotheses.iter().enumerate() {
            assert_eq!(p(2 + i), hypothesis.row.fit.unwrap().p_value);
        }
        assert_eq!(details.hypotheses.len(), 2);
        let joint = details.tests.iter().find(|test| test.name.starts_with("joint")).unwrap();
        assert_eq!(p(4), joint.p_value);
    }
}
