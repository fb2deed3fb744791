//! Exactness: small designs whose units are the same in every simulation, over all assignments.
//!
//! Simulations are made until every assignment was seen; what has to hold on average over the
//! assignments, with their probabilities, then holds to rounding.

mod arms;

use std::collections::BTreeMap;

use trialrun_plan::{Estimate, Plan};

use crate::common::{assert_close, estimand, plan, simulate, values};

/// The estimates of every assignment that was seen; none where a fit failed.
struct Listed {
    rows: Vec<Vec<Option<Estimate>>>,
    /// The probability of each assignment.
    chances: Vec<f64>,
    ate: f64,
}

/// Simulates until `n` assignments were seen, with that probability for each.
fn list(plan: &Plan, n: usize, chance: impl Fn(&[f64]) -> f64) -> Listed {
    let mut ws = plan.workspace();
    let mut seen: BTreeMap<Vec<u64>, Vec<Option<Estimate>>> = BTreeMap::new();
    let mut ate = 0.0;
    for sim in 0..200_000 {
        simulate(plan, &mut ws, 5, sim);
        let z: Vec<u64> = values(plan, &ws, "z").iter().map(|z| z.to_bits()).collect();
        let rows = ws.rows().iter().map(|row| row.fit.ok()).collect();
        let before = seen.insert(z, rows);
        let rows: Vec<Option<Estimate>> = ws.rows().iter().map(|row| row.fit.ok()).collect();
        assert!(before.is_none_or(|before| before == rows), "an assignment has one estimate");
        ate = estimand(plan, &ws, "ate");
        if seen.len() == n {
            break;
        }
    }
    assert_eq!(seen.len(), n, "assignments");
    let of = |z: &Vec<u64>| chance(&z.iter().map(|z| f64::from_bits(*z)).collect::<Vec<f64>>());
    let chances: Vec<f64> = seen.keys().map(of).collect();
    let total: f64 = chances.iter().sum();
    assert!((total - 1.0).abs() < 1e-12, "probabilities sum to {total}");
    Listed { rows: seen.into_values().collect(), chances, ate }
}

impl Listed {
    /// The mean of something over all assignments with an estimate.
    fn mean(&self, row: usize, of: impl Fn(&Estimate) -> f64) -> f64 {
        let found = self.rows.iter().zip(&self.chances).filter_map(|(r, p)| Some((r[row]?, p)));
        let (sum, total) = found.fold((0.0, 0.0), |(s, t), (r, p)| (s + p * of(&r), t + p));
        sum / total
    }

    /// Asserts that an estimator has no bias, and returns the variance of its estimates and the
    /// mean of its own squared standard error.
    fn variances(&self, row: usize) -> [f64; 2] {
        let mean = self.mean(row, |e| e.estimate);
        assert!((mean - self.ate).abs() < 1e-10, "mean {mean}, truth {}", self.ate);
        let variance = self.mean(row, |e| (e.estimate - mean).powi(2));
        [variance, self.mean(row, |e| e.std_error.powi(2))]
    }

    /// Asserts that `P(p <= a) <= a`, with equality at every p-value that occurs.
    fn assert_exact(&self, what: &str, row: usize) {
        let found = self.rows.iter().zip(&self.chances);
        let mut all: Vec<(f64, f64)> =
            found.filter_map(|(r, p)| Some((r[row]?.p_value, *p))).collect();
        let total: f64 = all.iter().map(|(_, chance)| chance).sum();
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut below = 0.0;
        for (i, (p, chance)) in all.iter().enumerate() {
            below += chance / total;
            // Equal p-values count together; weights are added up in another order each time.
            if all.get(i + 1).is_none_or(|next| next.0 > p + 1e-9) {
                assert!((below - p).abs() < 1e-10, "{what}: P(p <= {p}) = {below}");
            }
        }
        assert!(all[0].0 < 0.9, "{what}: assignments differ, {}", all[0].0);
    }
}

/// Units of a design: numbers without a pattern, the same in every simulation.
const NUMBERS: &str = "unit * unit * 0.7 % 1.9 + (unit % 3) * 0.4";

fn source(population: &str, effect: &str, assignment: &str, estimators: &str) -> String {
    format!(
        r#"Design(steps: [{population}
        PotentialOutcomes(outcome: y, conditions: {{ z: [0, 1] }}, formula: "u + ({effect}) * z"),
        Estimand(label: ate, value: "mean(y_z_1 - y_z_0)"),
        Assignment(variable: z, {assignment}),
        Reveal(outcome: y),
        {estimators}], diagnosis: (alpha: 0.11))"#
    )
}

fn units(n: usize) -> String {
    format!(r#"Level(name: unit, n: {n}, variables: {{ u: "{NUMBERS}" }}),"#)
}

const MEANS: &str = r#"Estimator(label: "means", estimand: ate,
    method: DifferenceInMeans(formula: "y ~ z")),
    Estimator(label: "weighted", estimand: ate, method: HorvitzThompson(formula: "y ~ z")),"#;

/// Neyman's variance is too large by the variance of the effects over the number of units.
#[test]
fn complete_assignment_has_no_bias_and_the_variance_of_neyman() {
    for (effect, spread) in [("0.8", 0.0), ("unit % 4", 1.0)] {
        let plan = plan(&source(&units(7), effect, "method: Complete(m: 3)", MEANS));
        let listed = list(&plan, 35, |_| 1.0 / 35.0);
        let [truth, own] = listed.variances(0);
        // Effects 1, 2, 3, 0, 1, 2, 3 have the variance 26/21 (divisor n - 1).
        let excess = spread * 26.0 / 21.0 / 7.0;
        assert_close("Neyman", own, truth + excess, 1e-10);
        let [truth, own] = listed.variances(1);
        assert!(own >= truth - 1e-10, "Young's bound: {own}, truth {truth}");
    }
}

#[test]
fn blocks_have_no_bias_and_the_variance_of_neyman() {
    let population = format!(
        r#"Level(name: block, n: 2), Level(name: unit, n: "block + 3",
            variables: {{ u: "{NUMBERS}" }}),"#
    );
    let estimators = r#"
        Estimator(label: "means", estimand: ate,
            method: DifferenceInMeans(formula: "y ~ z", blocks: block)),
        Estimator(label: "weighted", estimand: ate, method: HorvitzThompson(formula: "y ~ z")),"#;
    for (effect, constant) in [("0.8", true), ("unit % 4", false)] {
        let assignment = "method: Complete(m: 2), blocks: block";
        let plan = plan(&source(&population, effect, assignment, estimators));
        let listed = list(&plan, 60, |_| 1.0 / 60.0);
        let [truth, own] = listed.variances(0);
        if constant {
            assert_close("Neyman in blocks", own, truth, 1e-10);
        } else {
            assert!(own > truth * 1.01, "effects vary: {own}, truth {truth}");
        }
        let [truth, own] = listed.variances(1);
        assert!(own >= truth - 1e-10, "Young's bound: {own}, truth {truth}");
    }
}

/// Clusters of unequal size, and units with probabilities of their own.
#[test]
fn horvitz_thompson_has_no_bias() {
    let estimator = r#"Estimator(label: "weighted", estimand: ate,
        method: HorvitzThompson(formula: "y ~ z")),"#;
    let clusters = format!(
        r#"Level(name: class, n: 5), Level(name: unit, n: "class % 3 + 1",
            variables: {{ u: "{NUMBERS}" }}),"#
    );
    let assignment = "method: Complete(m: 2), clusters: class";
    let plan_of = |text: &str| plan(text);
    let plan = plan_of(&source(&clusters, "unit % 4", assignment, estimator));
    let listed = list(&plan, 10, |_| 0.1);
    let [truth, own] = listed.variances(0);
    assert!(own >= truth - 1e-10, "Young's bound: {own}, truth {truth}");
    // Shares that do not divide: two or three of five, and the probability is kept.
    let assignment = "method: Complete(prob: 0.5)";
    let plan = plan_of(&source(&units(5), "unit % 4", assignment, estimator));
    let chance = |_: &[f64]| 0.5 / 10.0;
    list(&plan, 20, chance).variances(0);
}

/// The statistic of a difference in means, all assignments by a plain loop.
#[test]
fn p_values_are_shares_of_a_plain_list() {
    let estimator = r#"Estimator(label: "test", method: DifferenceInMeans(formula: "y ~ z"),
        inference: Randomisation),"#;
    let plan = plan(&source(&units(8), "0.6", "method: Complete(m: 3)", estimator));
    let mut ws = plan.workspace();
    for sim in 0..20 {
        simulate(&plan, &mut ws, 6, sim);
        let (y, z) = (values(&plan, &ws, "y").to_vec(), values(&plan, &ws, "z").to_vec());
        let effect = |treated: &dyn Fn(usize) -> bool| {
            let of = |arm: bool| -> f64 {
                let own: Vec<f64> = (0..8).filter(|i| treated(*i) == arm).map(|i| y[i]).collect();
                own.iter().sum::<f64>() / own.len() as f64
            };
            of(true) - of(false)
        };
        let own = effect(&|i| z[i] == 1.0).abs();
        let all: Vec<u32> = (0..256_u32).filter(|set| set.count_ones() == 3).collect();
        let extreme =
            all.iter().filter(|set| effect(&|i| **set >> i & 1 == 1).abs() >= own - 1e-9).count();
        let ours = ws.rows()[0].fit.unwrap().p_value;
        assert_eq!(ours, extreme as f64 / all.len() as f64, "simulation {sim}");
    }
}

/// Over all assignments a randomisation test rejects just as often as it says.
#[test]
fn randomisation_tests_are_exact() {
    let test = |method: &str, statistic: &str| {
        // Tells labels of different methods apart.
        let n = method.len();
        format!(
            r#"Estimator(label: "test {statistic} {n}", term: z, method: {method},
                inference: Randomisation(statistic: {statistic})),"#
        )
    };
    let both = |method: &str| test(method, "Estimate") + &test(method, "Studentised");
    let means = both(r#"DifferenceInMeans(formula: "y ~ z")"#);
    let check = |what: &str, source: String, n: usize, chance: &dyn Fn(&[f64]) -> f64| {
        let plan = plan(&source);
        let listed = list(&plan, n, chance);
        for (row, info) in plan.estimators.iter().enumerate() {
            listed.assert_exact(&format!("{what}, {}", info.label), row);
        }
    };
    let complete = "method: Complete(m: 3)";
    check("units", source(&units(7), "0", complete, &means), 35, &|_| 1.0 / 35.0);
    let odd = "method: Complete(prob: 0.4)";
    let chance = |z: &[f64]| if z.iter().sum::<f64>() == 2.0 { 0.6 / 15.0 } else { 0.4 / 20.0 };
    check("leftovers", source(&units(6), "0", odd, &means), 35, &chance);
    let simple = "method: Simple(prob: 0.4)";
    let chance = |z: &[f64]| z.iter().map(|z| if *z == 1.0 { 0.4 } else { 0.6 }).product();
    let covariate = both(r#"LmRobust(formula: "y ~ z")"#);
    check("simple", source(&units(6), "0", simple, &covariate), 64, &chance);
    let list = "method: Custom(assignments: [[0, 0, 1, 1], [1, 0, 0, 1], [0, 1, 0, 1], \
        [1, 0, 1, 0]], probabilities: [0.1, 0.2, 0.3, 0.4])";
    let chance = |z: &[f64]| match z {
        [0.0, 0.0, ..] => 0.1,
        [1.0, 0.0, 0.0, ..] => 0.2,
        [0.0, 1.0, ..] => 0.3,
        _ => 0.4,
    };
    check(
        "listed",
        source(&units(4), "0", list, &test(r#"DifferenceInMeans(formula: "y ~ z")"#, "Estimate")),
        4,
        &chance,
    );
    let blocks = format!(
        r#"Level(name: block, n: 2), Level(name: unit, n: "block + 3",
            variables: {{ u: "{NUMBERS}", x: "unit * 0.3 % 1" }}),"#
    );
    // Weights from the probabilities of the draw at hand, and a covariate's product.
    let weighted = both(r#"LmRobust(formula: "y ~ z", weights: w)"#)
        + r#"Estimator(label: "product", term: z, method: LmRobust(formula: "y ~ z + x + z:x"),
            inference: Randomisation(interval: OfMethod)),"#;
    let weights = r#"Variables(variables: { w: "1 / z_prob" }),"#.to_string() + &weighted;
    let assignment = "method: Complete(m: \"block\"), blocks: block";
    check("weights", source(&blocks, "0", assignment, &weights), 40, &|_| 1.0 / 40.0);
    let clusters = format!(
        r#"Level(name: class, n: 6), Level(name: unit, n: "class % 3 + 1",
            variables: {{ u: "{NUMBERS}" }}),"#
    );
    let averaged = both(r#"LmRobust(formula: "y ~ z", clusters: class)"#)
        + r#"Aggregate(by: class, variables: { y_mean: "mean(y)" }),"#
        + &both(r#"LmRobust(formula: "y_mean ~ z")"#)
        + r#"Estimator(label: "mixed", term: z, method: LmRobust(formula: "y_mean ~ z"),
            inference: Randomisation(interval: OfMethod)),"#;
    let assignment = "method: Complete(m: 3), clusters: class";
    check("clusters", source(&clusters, "0", assignment, &averaged), 20, &|_| 0.05);
}

/// A balanced half of the assignments is what a rerandomised design draws, and its test lists.
#[test]
fn rerandomised_tests_list_what_is_accepted() {
    let population = format!(
        r#"Level(name: unit, n: 8, variables: {{ u: "{NUMBERS}", x: "unit * 0.37 % 1" }}),"#
    );
    let estimator = r#"Estimator(label: "test", term: z,
        method: DifferenceInMeans(formula: "y ~ z"), inference: Randomisation),"#;
    let assignment = "method: Complete(m: 4), rerandomise: ( on: [x], threshold: 0.5 )";
    let plan = plan(&source(&population, "0", assignment, estimator));
    // Mirror images are as balanced: the number is even, and their p-values are the same.
    let mut ws = plan.workspace();
    let mut seen = std::collections::BTreeSet::new();
    for sim in 0..5_000 {
        simulate(&plan, &mut ws, 5, sim);
        seen.insert(values(&plan, &ws, "z").iter().map(|z| z.to_bits()).collect::<Vec<u64>>());
    }
    let n = seen.len();
    assert!(n < 60 && n > 10, "{n} of 70 are accepted");
    list(&plan, n, |_| 1.0 / n as f64).assert_exact("rerandomised", 0);
}
