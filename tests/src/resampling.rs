//! Resampling inference against what is known of it.

use trialrun_plan::Plan;
use trialrun_stats::Failure;

use crate::common::{
    assert_close, assert_exact, assert_mean, assert_rate, covers, each, fit, plan, plan_for,
    simulate, values,
};
use crate::quadrature::t_critical;

/// Errors that are as likely as their negatives: the test of a mean that flips signs of clusters is
/// exact, and so is its interval.
#[test]
fn flipped_signs_are_an_exact_test_of_a_mean() {
    let (sims, clusters) = (20_000, 5);
    let plan = plan(&format!(
        r#"Design(steps: [
        Level(name: class, n: {clusters}, variables: {{ a: "normal(0, 1)" }}),
        Level(name: unit, n: "class + 2", variables: {{ y: "3 + a + student_t(3)" }}),
        Estimand(label: mean, value: 3),
        Variables(variables: {{ e: "y - 3" }}),
        Estimator(label: "of 0", term: "(Intercept)",
            method: LmRobust(formula: "e ~ 1", clusters: class, se: CR0),
            inference: WildCluster),
        Estimator(label: "of 3", estimand: mean, term: "(Intercept)",
            method: LmRobust(formula: "y ~ 1", clusters: class, se: CR2),
            inference: WildCluster),
        ], diagnosis: (alpha: 0.13))"#
    ));
    let attainable = 1 << (clusters - 1);
    let mut counts = vec![0; attainable + 1];
    let mut covered = 0;
    each(&plan, 41, sims, |ws| {
        let p = fit(ws, 0).p_value * attainable as f64;
        assert_eq!(p, p.round(), "a share of {attainable}");
        counts[p as usize] += 1;
        covered += usize::from(covers(&fit(ws, 1), 3.0));
    });
    assert_exact(&counts, sims as usize);
    // Two of sixteen replicates are a share that is below 0.13.
    assert_rate("coverage", covered, sims as usize, 1.0 - 2.0 / 16.0);
}

/// The mean of normal values: the variance of bootstrapped means is known, and quantiles of the
/// replicates are nearly those of a normal with it.
#[test]
fn bootstraps_of_a_mean_have_its_variance() {
    let (sims, n, alpha) = (4_000, 40, 0.1);
    let plan = plan(&format!(
        r#"Design(steps: [
        Level(name: unit, n: {n}, variables: {{ y: "normal(1, 2)" }}),
        Estimand(label: mean, value: 1),
        Estimator(label: "percentile", estimand: mean, term: "(Intercept)",
            method: LmRobust(formula: "y ~ 1"), inference: Bootstrap(replicates: 399)),
        Estimator(label: "studentised", estimand: mean, term: "(Intercept)",
            method: LmRobust(formula: "y ~ 1"),
            inference: Bootstrap(replicates: 399, interval: Studentised)),
        ], diagnosis: (alpha: {alpha}))"#
    ));
    let (mut variances, mut covered, mut agree) = (Vec::new(), [0; 2], 0);
    each(&plan, 42, sims, |ws| {
        variances.push(fit(ws, 0).std_error.powi(2));
        for row in 0..2 {
            let fit = fit(ws, row);
            covered[row] += usize::from(covers(&fit, 1.0));
            agree += usize::from((fit.p_value <= alpha) != covers(&fit, 0.0));
        }
    });
    let size = n as f64;
    assert_mean("variance", &variances, 4.0 * (size - 1.0) / (size * size));
    assert_eq!(agree, 2 * sims as usize, "p-values and intervals");
    // The normal interval with that variance: |t| <= z sqrt((n - 1) / n).
    let z = 1.644_853_626_951_473 * ((size - 1.0) / size).sqrt();
    assert!(z < t_critical(alpha, n - 1));
    let share = |covered: usize| covered as f64 / sims as f64;
    // P(|t| <= z) for 39 degrees of freedom; a hundredth is for quantiles of 399 replicates.
    assert!((share(covered[0]) - 0.888).abs() < 0.025, "percentile: {}", share(covered[0]));
    assert!((share(covered[1]) - 0.9).abs() < 0.025, "studentised: {}", share(covered[1]));
}

/// Whole clusters are drawn: the variance of a mean of clusters alike in size.
#[test]
fn bootstraps_of_clusters_draw_clusters() {
    let (sims, clusters) = (3_000, 20);
    let plan = plan(&format!(
        r#"Design(steps: [
        Level(name: class, n: {clusters}, variables: {{ a: "normal(0, 1)" }}),
        Level(name: unit, n: 4, variables: {{ y: "a + normal(0, 1)" }}),
        Estimator(label: "classes", term: "(Intercept)",
            method: LmRobust(formula: "y ~ 1", clusters: class),
            inference: Bootstrap(replicates: 199)),
        ])"#
    ));
    let mut variances = Vec::new();
    each(&plan, 43, sims, |ws| variances.push(fit(ws, 0).std_error.powi(2)));
    let size = f64::from(clusters);
    assert_mean("variance", &variances, 1.25 * (size - 1.0) / (size * size));
}

/// Sampled replicates agree with all of them, within Monte Carlo error.
#[test]
fn sampled_signs_are_like_all_of_them() {
    let source = |replicates: u32, weights: &str| {
        format!(
            r#"Design(steps: [
            Level(name: class, n: 9, variables: {{ a: "normal(0, 1)" }}),
            Level(name: unit, n: "class + 2", variables: {{ y: "a + normal(0, 1)" }}),
            Assignment(variable: z, method: Complete(m: 4), clusters: class),
            Estimator(label: "wild", term: z,
                method: LmRobust(formula: "y ~ z", clusters: class, se: Stata),
                inference: WildCluster(replicates: {replicates}, weights: {weights})),
            ])"#
        )
    };
    let exact = plan(&source(256, "Rademacher"));
    let sampled = plan(&source(255, "Rademacher"));
    let webb = plan(&source(255, "Webb"));
    let p_values = |plan: &Plan| {
        let mut all = Vec::new();
        each(plan, 44, 300, |ws| all.push(fit(ws, 0).p_value));
        all
    };
    let (exact, sampled, webb) = (p_values(&exact), p_values(&sampled), p_values(&webb));
    let off = |p: &[f64]| -> Vec<f64> { p.iter().zip(&exact).map(|(p, e)| p - e).collect() };
    assert!(off(&sampled).iter().all(|d| d.abs() < 0.16), "5 errors of a share of 255");
    // The one that is added makes sampled shares a bit larger.
    let shift: Vec<f64> = exact.iter().map(|p| (1.0 - p) / 256.0).collect();
    let less: Vec<f64> = off(&sampled).iter().zip(&shift).map(|(d, s)| d - s).collect();
    assert_mean("sampled less exact", &less, 0.0);
    // Webb's weights are another distribution: alike, and not the same.
    assert!(off(&webb).iter().all(|d| d.abs() < 0.3));
    assert!(off(&webb).iter().any(|d| d.abs() > 0.02));
}

/// A constant effect is taken out exactly: the test of an effect is that of none without it, and
/// the interval moves by it.
#[test]
fn intervals_of_randomisation_move_with_the_effect() {
    let source = |effect: f64, method: &str, statistic: &str, draws: u32| {
        format!(
            r#"Design(steps: [
            Level(name: class, n: 8, variables: {{ a: "normal(0, 1)" }}),
            Level(name: unit, n: "class % 3 + 2", variables: {{ e: "normal(0, 1)", x: "e + 1" }}),
            PotentialOutcomes(outcome: y, conditions: {{ z: [0, 1] }},
                formula: "a + e + {effect} * z"),
            Assignment(variable: z, method: Complete(m: 4), clusters: class),
            Reveal(outcome: y),
            Estimator(label: "test", term: z, method: {method}, inference: Randomisation(
                draws: {draws}, statistic: {statistic}, null: {effect})),
            ], diagnosis: (alpha: 0.15))"#
        )
    };
    for method in [
        r#"DifferenceInMeans(formula: "y ~ z", clusters: class)"#,
        r#"LmRobust(formula: "y ~ z + x", clusters: class, se: CR2)"#,
        r#"Lin(formula: "y ~ z", covariates: "x", se: HC2)"#,
        r#"HorvitzThompson(formula: "y ~ z")"#,
    ] {
        for (statistic, draws) in [("Estimate", 1000), ("Studentised", 1000), ("Estimate", 40)] {
            let [none, some] =
                [0.0, 1.3].map(|effect| plan(&source(effect, method, statistic, draws)));
            let (mut ws, mut other) = (none.workspace(), some.workspace());
            for sim in 0..12 {
                simulate(&none, &mut ws, 45, sim);
                simulate(&some, &mut other, 45, sim);
                let (a, b) = (fit(&ws, 0), fit(&other, 0));
                let what = format!("{method}, {statistic}, simulation {sim}");
                assert_eq!(a.p_value, b.p_value, "{what}");
                // Horvitz and Thompson's estimate does not move by the effect itself.
                if !method.starts_with("Horvitz") {
                    for (low, high) in [(a.conf_low, b.conf_low), (a.conf_high, b.conf_high)] {
                        let same = low.is_infinite() || (low + 1.3 - high).abs() < 1e-6;
                        assert!(same, "{what}: {low} and {high}");
                    }
                }
                // At the ends the test is on the edge: the value tested is in the interval where
                // it is not rejected.
                let inside = (a.conf_low..=a.conf_high).contains(&0.0);
                assert_eq!(inside, a.p_value > 0.15, "{what}: {a:?}");
            }
        }
    }
}

/// Draws with replacement of the assignments: the test is exact with the one that is added.
#[test]
fn sampled_assignments_keep_the_level() {
    let sims = 20_000;
    let plan = plan(
        r#"Design(steps: [
        Level(name: unit, n: 30, variables: { u: "exponential(1)" }),
        PotentialOutcomes(outcome: y, conditions: { z: [0, 1] }, formula: "u"),
        Assignment(variable: z, method: Complete(m: 10)),
        Reveal(outcome: y),
        Estimator(label: "test", method: DifferenceInMeans(formula: "y ~ z"),
            inference: Randomisation(draws: 39, interval: OfMethod, statistic: Studentised)),
        ])"#,
    );
    let mut counts = [0; 41];
    each(&plan, 46, sims, |ws| counts[(fit(ws, 0).p_value * 40.0).round() as usize] += 1);
    assert_exact(&counts, sims as usize);
}

/// A test leaves the data as they were, for whatever comes after it.
#[test]
fn what_was_drawn_again_is_put_back() {
    let source = |inference: &str| {
        format!(
            r#"Design(steps: [
            Level(name: school, n: 4),
            Level(name: class, n: 3, variables: {{ a: "normal(0, 1)" }}),
            Level(name: unit, n: "class % 4 + 1", variables: {{ e: "normal(0, 1)" }}),
            PotentialOutcomes(outcome: y, conditions: {{ z: [0, 1] }}, formula: "a + e + z"),
            Assignment(variable: z, method: Complete(prob: 0.4), clusters: class, blocks: school),
            Reveal(outcome: y),
            Variables(variables: {{ product: "z * e", w: "1 / z_prob", late: "y + normal(z, 1)" }}),
            Estimator(label: "first", term: z,
                method: LmRobust(formula: "y ~ z + product + late", weights: w){inference}),
            Estimator(label: "second", term: z, method: HorvitzThompson(formula: "y ~ z")),
            Variables(variables: {{ double: "2 * z" }}),
            Estimator(label: "third", method: LmRobust(formula: "y ~ double + product")),
            Aggregate(by: class, variables: {{ mean: "mean(y)" }}),
            Estimator(label: "fourth", term: z, method: LmRobust(formula: "mean ~ z"){inference}),
            Estimator(label: "fifth", term: z, method: LmRobust(formula: "mean ~ z + a")),
            ])"#
        )
    };
    let with = plan(&source(", inference: Randomisation(draws: 25)"));
    let without = plan(&source(""));
    let (mut ws, mut other) = (with.workspace(), without.workspace());
    for sim in 0..30 {
        simulate(&with, &mut ws, 47, sim);
        simulate(&without, &mut other, 47, sim);
        for row in [1, 2, 4] {
            assert_eq!(ws.rows()[row], other.rows()[row], "row {row}, simulation {sim}");
        }
        for row in [0, 3] {
            if let (Ok(a), Ok(b)) = (ws.rows()[row].fit, other.rows()[row].fit) {
                assert_eq!((a.estimate, a.std_error), (b.estimate, b.std_error));
                assert!(a.p_value >= 1.0 / 26.0 && a.p_value != b.p_value);
            }
        }
        let columns = ["z", "product", "w"];
        for name in columns {
            assert_eq!(values(&with, &ws, name), values(&without, &other, name), "{name}");
        }
    }
}

/// On real data the same assignment is drawn again, from the columns of the file; data that the
/// design could not have made are refused.
#[test]
fn real_data_are_assigned_as_the_design_says() {
    let source = |m: u32| {
        format!(
            r#"Design(steps: [
            Level(name: block, n: 2), Level(name: unit, n: 6, variables: {{ u: "normal(0, 1)" }}),
            PotentialOutcomes(outcome: y, conditions: {{ z: [0, 1] }}, formula: "u + z"),
            Assignment(variable: z, method: Complete(m: {m}), blocks: block),
            Reveal(outcome: y),
            Estimator(label: "listed", term: z, method: LmRobust(formula: "y ~ z + factor(block)"),
                inference: Randomisation),
            Estimator(label: "sampled", term: z, method: DifferenceInMeans(formula: "y ~ z"),
                inference: Randomisation(draws: 60)),
            ])"#
        )
    };
    let simulated = plan(&source(3));
    let mut ws = simulated.workspace();
    for sim in 0..5 {
        simulate(&simulated, &mut ws, 48, sim);
        let table = simulated.data_set(&ws, simulated.deepest, usize::MAX);
        let real = plan_for(&source(3), &table);
        let mut of_data = real.workspace();
        simulate(&real, &mut of_data, 48, sim);
        for (row, estimation) in real.estimations.iter().enumerate() {
            let (all, _) = estimation.full(&mut of_data, &real.labels, 0).unwrap();
            let theirs = all.iter().find(|c| c.term == "z").unwrap().row.fit.unwrap();
            let ours = fit(&ws, row);
            assert_eq!(ours.p_value, theirs.p_value, "row {row}, simulation {sim}");
            assert!((ours.conf_low - theirs.conf_low).abs() < 1e-8);
        }
        let other = plan_for(&source(2), &table);
        let mut of_data = other.workspace();
        simulate(&other, &mut of_data, 48, sim);
        let (all, _) = other.estimations[0].full(&mut of_data, &other.labels, 0).unwrap();
        let found = all.iter().find(|c| c.term == "z").unwrap().row.fit;
        assert_eq!(found, Err(Failure::NotAssigned));
    }
}

/// A combination of coefficients is the coefficient of a model in other terms: bootstraps of it
/// have the same tests and intervals, also of another value than 0.
#[test]
fn bootstraps_of_hypotheses_are_those_of_other_terms() {
    let rows = |outcome: &str, terms: &str, hypothesis: &str, inference: &str, se: &str| {
        let plan = plan(&format!(
            r#"Design(steps: [
            Level(name: site, n: 9, variables: {{ s: "normal(0, 1)", v: "normal(0, 1)" }}),
            Level(name: unit, n: 5, variables: {{
                x: "normal(0, 1) + v", y: "s + x + normal(0, 1)",
            }}),
            Assignment(variable: z, clusters: site, method: Complete),
            Estimator(label: "a", {hypothesis} inference: {inference}, method: LmRobust(
                formula: "{outcome} ~ {terms}", clusters: site, se: {se}{})),
        ])"#,
            if hypothesis.is_empty() { ", hypotheses: [\"z - x = 0.5\"]" } else { "" }
        ));
        let mut ws = plan.workspace();
        let mut run = |sim| {
            simulate(&plan, &mut ws, 6, sim);
            ws.rows()[0].fit.unwrap()
        };
        (0..8).map(&mut run).collect::<Vec<_>>()
    };
    for (inference, se) in [
        ("WildCluster(replicates: 199)", "Stata"),
        ("WildCluster(replicates: 99, weights: Webb)", "CR2"),
        ("WildCluster(replicates: 99, null: Unrestricted)", "CR0"),
        ("Bootstrap(replicates: 199)", "CR0"),
        ("Bootstrap(replicates: 199, interval: Studentised)", "Stata"),
    ] {
        let ours = rows("y", "z + x", "", inference, se);
        let turned = rows("I(y - 0.5*z)", "z + I(x + z)", "term: z,", inference, se);
        for (a, b) in ours.iter().zip(&turned) {
            assert!((a.estimate - b.estimate - 0.5).abs() < 1e-10, "{inference}");
            assert_close(inference, a.std_error, b.std_error, 1e-9);
            assert_close(inference, a.statistic, b.statistic, 1e-7);
            assert_close(inference, a.p_value, b.p_value, 1e-12);
            for (own, other) in [(a.conf_low, b.conf_low), (a.conf_high, b.conf_high)] {
                let same = own == other || (own - other - 0.5).abs() < 1e-8 * a.std_error;
                assert!(same, "{inference}: {own} {other}");
            }
        }
    }
}
