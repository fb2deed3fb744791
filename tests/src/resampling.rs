//! Resampling inference against what is known of it.

use trialrun_plan::{Estimate, Plan, Workspace};

use crate::common::{assert_mean, assert_rate, plan, simulate};
use crate::quadrature::t_critical;

fn each(plan: &Plan, seed: u64, sims: u64, mut look: impl FnMut(&Workspace)) {
    let mut ws = plan.workspace();
    for sim in 0..sims {
        simulate(plan, &mut ws, seed, sim);
        look(&ws);
    }
}

/// The estimate of a row, which must be there.
fn fit(ws: &Workspace, row: usize) -> Estimate {
    ws.rows()[row].fit.unwrap_or_else(|f| panic!("row {row}: {f}"))
}

fn covers(estimate: &Estimate, value: f64) -> bool {
    estimate.conf_low <= value && value <= estimate.conf_high
}

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
    assert_eq!(counts[0], 0, "the data are among their replicates");
    let mut below = 0;
    for (k, count) in counts.iter().enumerate().skip(1) {
        below += count;
        let level = k as f64 / attainable as f64;
        assert_rate(&format!("p <= {level}"), below, sims as usize, level);
    }
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
