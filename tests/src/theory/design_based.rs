//! Design-based estimators against exact tests.

use crate::common::{assert_close, assert_mean, assert_rate, covers, each, fit, plan};
use crate::quadrature::{t_critical, t_power};

/// Pairs of normal outcomes: the paired t test, whose coverage and power are known exactly.
#[test]
fn matched_pairs_are_the_paired_t_test() {
    let (sims, alpha) = (30_000, 0.05);
    for (pairs, effect) in [(4, 1.0), (9, 0.5), (9, 0.0)] {
        let plan = plan(&format!(
            r#"Design(steps: [
            Level(name: pair, n: {pairs}, variables: {{ a: "normal(0, 2)" }}),
            Level(name: unit, n: 2, variables: {{ e: "normal(0, 1)" }}),
            PotentialOutcomes(outcome: y, conditions: {{ z: [0, 1] }},
                formula: "a + e + {effect} * z"),
            Estimand(label: ate, value: "mean(y_z_1 - y_z_0)"),
            Assignment(variable: z, method: Complete(m: 1), blocks: pair),
            Reveal(outcome: y),
            Estimator(label: "pairs", estimand: ate,
                method: DifferenceInMeans(formula: "y ~ z", blocks: pair)),
            ])"#
        ));
        let df = pairs - 1;
        let (mut covered, mut significant) = (0, 0);
        let mut estimates = Vec::new();
        each(&plan, 31, sims, |ws| {
            let row = fit(ws, 0);
            assert_eq!(row.df, df as f64);
            covered += usize::from(covers(&row, effect));
            significant += usize::from(row.p_value <= alpha);
            estimates.push(row.estimate);
        });
        let what = format!("{pairs} pairs, effect {effect}");
        assert_rate(&format!("{what}: coverage"), covered, sims as usize, 1.0 - alpha);
        let shift = effect / (2.0 / pairs as f64).sqrt();
        let power = t_power(t_critical(alpha, df), df, shift);
        assert_rate(&format!("{what}: power"), significant, sims as usize, power);
        assert_mean(&format!("{what}: bias"), &estimates, effect);
    }
}

/// As many clusters of one size in each arm: the t test of the cluster means, within blocks too.
#[test]
fn equal_clusters_are_the_t_test_of_their_means() {
    let (sims, alpha, effect) = (30_000, 0.1, 0.8);
    for (blocks, clusters) in [(1, 8), (3, 4)] {
        let by_block = if blocks > 1 { ", blocks: block" } else { "" };
        let plan = plan(&format!(
            r#"Design(steps: [
            Level(name: block, n: {blocks}, variables: {{ b: "normal(0, 3)" }}),
            Level(name: class, n: {clusters}, variables: {{ a: "normal(0, 1)" }}),
            Level(name: unit, n: 3, variables: {{ e: "normal(0, 1)" }}),
            PotentialOutcomes(outcome: y, conditions: {{ z: [0, 1] }},
                formula: "b + a + e + {effect} * z"),
            Estimand(label: ate, value: "mean(y_z_1 - y_z_0)"),
            Assignment(variable: z, method: Complete(m: {}), clusters: class, blocks: block),
            Reveal(outcome: y),
            Estimator(label: "classes", estimand: ate,
                method: DifferenceInMeans(formula: "y ~ z", clusters: class{by_block})),
            ], diagnosis: (alpha: {alpha}))"#,
            clusters / 2
        ));
        let df = blocks * clusters - 2 * blocks;
        let (mut covered, mut significant) = (0, 0);
        each(&plan, 32, sims, |ws| {
            let row = fit(ws, 0);
            assert!((row.df - df as f64).abs() < 1e-9, "{}", row.df);
            covered += usize::from(covers(&row, effect));
            significant += usize::from(row.p_value <= alpha);
        });
        let what = format!("{blocks} blocks of {clusters} classes");
        assert_rate(&format!("{what}: coverage"), covered, sims as usize, 1.0 - alpha);
        let error = ((1.0 + 1.0 / 3.0) * 4.0 / (blocks * clusters) as f64).sqrt();
        let power = t_power(t_critical(alpha, df), df, effect / error);
        assert_rate(&format!("{what}: power"), significant, sims as usize, power);
    }
}

/// With indicators of strata Lin's estimator is the post-stratified difference in means, and the
/// sandwich HC2 around it is Neyman's variance within strata.
#[test]
fn lin_with_strata_is_post_stratification() {
    let plan = plan(
        r#"Design(steps: [
        Level(name: stratum, n: 3, variables: { b: "normal(0, 2)" }),
        Level(name: unit, n: "2 * stratum + 6", variables: { e: "normal(0, 1)" }),
        PotentialOutcomes(outcome: y, conditions: { z: [0, 1] }, formula: "b + e + b * z"),
        Estimand(label: ate, value: "mean(y_z_1 - y_z_0)"),
        Assignment(variable: z, method: Complete(prob: 0.5), blocks: stratum),
        Reveal(outcome: y),
        Estimator(label: "lin", estimand: ate,
            method: Lin(formula: "y ~ z", covariates: "factor(stratum)", se: HC2)),
        Estimator(label: "means", estimand: ate,
            method: DifferenceInMeans(formula: "y ~ z", blocks: stratum)),
        ])"#,
    );
    each(&plan, 33, 200, |ws| {
        let [lin, means] = [fit(ws, 0), fit(ws, 1)];
        assert_close("estimate", lin.estimate, means.estimate, 1e-9);
        assert_close("standard error", lin.std_error, means.std_error, 1e-9);
        assert_eq!(lin.df, means.df);
    });
}

/// Probabilities of the design are those that fields can give; the estimate has no bias, and its
/// variance is not too small.
#[test]
fn probabilities_of_the_design_are_those_given() {
    let plan = plan(
        r#"Design(steps: [
        Level(name: block, n: 4, variables: { b: "normal(0, 1)" }),
        Level(name: class, n: "block + 3"),
        Level(name: unit, n: "class % 3 + 1", variables: { e: "normal(0, 1)" }),
        PotentialOutcomes(outcome: y, conditions: { z: [0, 1] }, formula: "b + e - b * z"),
        Estimand(label: ate, value: "mean(y_z_1 - y_z_0)"),
        Assignment(variable: z, method: Complete(m: 2), clusters: class, blocks: block),
        Assignment(variable: s, method: Simple(prob: 0.3)),
        Reveal(outcome: y),
        Estimator(label: "of the design", estimand: ate, method: HorvitzThompson(formula: "y ~ z")),
        Estimator(label: "given", estimand: ate, method: HorvitzThompson(formula: "y ~ z",
            assignment: Complete, blocks: block, clusters: class)),
        Estimator(label: "simple", method: HorvitzThompson(formula: "y ~ s")),
        Estimator(label: "simple, given",
            method: HorvitzThompson(formula: "y ~ s", assignment: Simple, prob: 0.3)),
        Estimator(label: "ratio", estimand: ate, method: Hajek(formula: "y ~ z")),
        ])"#,
    );
    let (mut errors, mut spread) = (Vec::new(), Vec::new());
    each(&plan, 34, 20_000, |ws| {
        for pair in [[0, 1], [2, 3]] {
            let [own, given] = pair.map(|row| fit(ws, row));
            assert_close("estimate", own.estimate, given.estimate, 1e-10);
            assert_close("standard error", own.std_error, given.std_error, 1e-10);
        }
        let (row, ate) = (fit(ws, 0), ws.rows()[0].estimand.unwrap());
        errors.push(row.estimate - ate);
        spread.push(row.std_error.powi(2) - (row.estimate - ate).powi(2));
        assert!(fit(ws, 4).std_error > 0.0);
    });
    assert_mean("bias", &errors, 0.0);
    let n = spread.len() as f64;
    let mean = spread.iter().sum::<f64>() / n;
    let error = (spread.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / n / n).sqrt();
    assert!(mean > -4.0 * error, "the variance is too small by {mean} +- {error}");
}

/// A subset is what is left when the other rows are taken out: with weights of zero.
#[test]
fn subsets_are_weights_of_zero() {
    let plan = plan(
        r#"Design(steps: [
        Level(name: class, n: 12, variables: { a: "normal(0, 1)", kind: "class % 3" }),
        Level(name: unit, n: 5, variables: {
            e: "normal(0, 1)", x: "normal(0, 1)", old: "x > -0.3",
        }),
        PotentialOutcomes(outcome: y, conditions: { z: [0, 1] }, formula: "a + e + x * z"),
        Assignment(variable: z, method: Complete(prob: 0.5), clusters: class),
        Reveal(outcome: y),
        Estimator(label: "subset", subset: "x > -0.3", method: LmRobust(formula: "y ~ z + x")),
        Estimator(label: "weights", method: LmRobust(formula: "y ~ z + x", weights: old)),
        Estimator(label: "means", subset: "old",
            method: DifferenceInMeans(formula: "y ~ z", clusters: class)),
        Estimator(label: "slope", subset: "old",
            method: LmRobust(formula: "y ~ z", clusters: class)),
        Estimator(label: "classes", subset: "kind > 0",
            method: DifferenceInMeans(formula: "y ~ z", clusters: class)),
        Estimator(label: "slope of classes", subset: "kind > 0",
            method: LmRobust(formula: "y ~ z", clusters: class)),
        ])"#,
    );
    each(&plan, 35, 300, |ws| {
        for pair in [[0, 1], [2, 3], [4, 5]] {
            let [a, b] = pair.map(|row| fit(ws, row));
            assert_close("estimate", a.estimate, b.estimate, 1e-9);
            assert_close("standard error", a.std_error, b.std_error, 1e-9);
            assert_close("degrees of freedom", a.df, b.df, 1e-8);
            assert_eq!(ws.rows()[pair[0]].n_obs, ws.rows()[pair[1]].n_obs);
        }
    });
}
