//! Joint tests by resampling: exact where they have to be, near their level elsewhere, and the same
//! in simulations and for real data.

use super::{rejections, with};
use crate::common::{assert_close, assert_exact, each, plan, simulate};

/// Errors that are as likely as their negatives, and a null that leaves nothing to estimate: the
/// test that flips signs of clusters is exact.
#[test]
fn flipped_signs_are_an_exact_joint_test() {
    let (sims, clusters) = (20_000, 6);
    let plan = plan(&format!(
        r#"Design(steps: [
        Level(name: class, n: {clusters}, variables: {{ s: "normal(0, 1)" }}),
        Level(name: unit, n: "class + 2", variables: {{
            x: "normal(0, 1)", y: "2 - x + s + student_t(3)",
        }}),
        Estimator(label: "wild", term: x, method: LmRobust(formula: "y ~ x", clusters: class,
            se: CR2, joint: [["(Intercept) = 2", "x = -1"]]), inference: WildCluster),
        ])"#
    ));
    let attainable = 1 << (clusters - 1);
    let mut counts = vec![0; attainable + 1];
    each(&plan, 51, sims, |ws| {
        let p = ws.rows()[1].tested().unwrap().p_value * attainable as f64;
        assert_eq!(p, p.round(), "a share of {attainable}");
        counts[p as usize] += 1;
    });
    assert_exact(&counts, sims as usize);
}

/// A trial of three arms of whole sites, without any effect.
fn null_design(sites: u32, size: &str, inference: &str) -> String {
    format!(
        r#"Design(steps: [
        Level(name: site, n: {sites}, variables: {{ s: "normal(0, 1)" }}),
        Level(name: unit, n: "{size}", variables: {{
            x: "normal(0, 1)", y: "s + x + normal(0, 1)",
        }}),
        Assignment(variable: arm, clusters: site, method: Complete, conditions: [a, b, c]),
        Estimator(label: "F", term: armb, method: LmRobust(formula: "y ~ arm + x", clusters: site,
            se: CR0, joint: [["armb", "armc"]]){inference}),
    ])"#
    )
}

/// Twelve clusters: the wild bootstrap with the joint null imposed holds its level where the F test
/// of CR0 rejects far too often; so does the studentised bootstrap of pairs, about, with more.
#[test]
fn bootstraps_hold_the_level_of_joint_tests() {
    let rate = |sites: u32, inference: &str, sims: u64| {
        let design = null_design(sites, "site % 4 + 3", inference);
        rejections(&plan(&design), sims) as f64 / sims as f64
    };
    let naive = rate(12, "", 4000);
    let imposed = rate(12, ", inference: WildCluster(replicates: 199)", 4000);
    assert!(naive > 0.12, "{naive}");
    assert!((0.035..0.065).contains(&imposed), "{imposed}");
    let webb = rate(12, ", inference: WildCluster(replicates: 199, weights: Webb)", 2000);
    assert!((0.03..0.07).contains(&webb), "{webb}");
    for interval in ["Percentile", "Studentised"] {
        let inference = format!(", inference: Bootstrap(replicates: 199, interval: {interval})");
        let pairs = rate(60, &inference, 1500);
        assert!((0.025..0.085).contains(&pairs), "{interval}: {pairs}");
    }
}

/// A joint test of one hypothesis is the test of that hypothesis.
#[test]
fn a_joint_test_of_one_hypothesis_is_its_own() {
    for inference in [
        "WildCluster(replicates: 99)",
        "WildCluster(replicates: 99, weights: Webb, null: Unrestricted)",
        "WildCluster(replicates: 2047)",
    ] {
        let plan = plan(&with(&format!(
            r#"Estimator(label: "a", method: LmRobust(formula: "y ~ arm + x", clusters: site,
                hypotheses: ["armb - x = 0.3"], joint: [["armb - x = 0.3"]]),
                inference: {inference}),"#
        )));
        let mut ws = plan.workspace();
        for sim in 0..10 {
            simulate(&plan, &mut ws, 5, sim);
            let [one, all] = ws.rows() else { panic!("two rows") };
            let (one, all) = (one.fit.unwrap(), all.fit.unwrap());
            assert_eq!(one.p_value, all.p_value, "{inference}");
        }
    }
}

/// Power grows with the effect, and p-values do not depend on how the hypotheses are put.
#[test]
fn the_terms_of_a_joint_hypothesis_do_not_matter() {
    for inference in [
        "WildCluster(replicates: 99)",
        "Bootstrap(replicates: 99)",
        "Bootstrap(replicates: 99, interval: Studentised)",
    ] {
        let rows = |joint: &str| {
            let plan = plan(&with(&format!(
                r#"Estimator(label: "a", term: x, method: LmRobust(formula: "y ~ arm + x",
                    clusters: site, joint: [{joint}]), inference: {inference}),"#
            )));
            let mut ws = plan.workspace();
            let mut run = |sim| {
                simulate(&plan, &mut ws, 6, sim);
                ws.rows()[1].fit.unwrap()
            };
            (0..10).map(&mut run).collect::<Vec<_>>()
        };
        let ours = rows(r#"["armb = 0.1", "armc = 0.3"]"#);
        let turned = rows(r#"["armb + armc = 0.4", "2*armb - 50*armc = -14.8"]"#);
        for (a, b) in ours.iter().zip(&turned) {
            assert_eq!(a.p_value, b.p_value, "{inference}");
            assert_close(inference, a.statistic, b.statistic, 1e-8);
        }
        assert!(ours.iter().any(|a| a.p_value != ours[0].p_value));
    }
}

/// A fit to real data tells the same tests as the row of a simulation.
#[test]
fn real_data_are_tested_like_simulations() {
    for inference in ["WildCluster(replicates: 49)", "Bootstrap(replicates: 49)"] {
        let plan = plan(&with(&format!(
            r#"Estimator(label: "a", term: x, method: LmRobust(formula: "y ~ arm + x",
                clusters: site, hypotheses: ["armb = armc"],
                joint: [["armb", "armc = 0.5"], ["x = 1", "armc"]]),
                inference: {inference}),"#
        )));
        let mut ws = plan.workspace();
        for sim in 0..6 {
            simulate(&plan, &mut ws, 7, sim);
            let rows = ws.rows().to_vec();
            let (_, details) = plan.estimations[0].full(&mut ws, &plan.labels, 0).unwrap();
            let tests = details.tests.iter().filter(|test| test.name.starts_with("joint"));
            for (row, test) in rows[2..].iter().zip(tests.collect::<Vec<_>>()) {
                let found = row.tested().unwrap();
                assert_eq!(found.p_value, test.p_value, "{inference}");
                assert_close(inference, found.statistic, test.statistic, 1e-8);
            }
            assert_eq!(rows.len(), 4);
            assert_eq!(
                rows[1].fit.unwrap().p_value,
                details.hypotheses[0].row.fit.unwrap().p_value
            );
        }
    }
}
