//! What variables are drawn and made as: intra-class correlations, ordered answers, quantile
//! groups, named categories. Against closed forms, within Monte Carlo error.

use trialrun_plan::{Plan, Values};

use crate::common::{assert_chi_squared, assert_mean, assert_rate, drawn, plan, simulate, values};

/// For each simulation: mean, variance, and the mean product of pairs of one class, of a variable
/// with mean `mu`.
fn moments(plan: &Plan, name: &str, (class, mu): (usize, f64), sims: u64) -> [Vec<f64>; 3] {
    let mut ws = plan.workspace();
    let mut found = [Vec::new(), Vec::new(), Vec::new()];
    for sim in 0..sims {
        simulate(plan, &mut ws, 23, sim);
        let x = values(plan, &ws, name);
        let n = x.len() as f64;
        found[0].push(x.iter().sum::<f64>() / n);
        found[1].push(x.iter().map(|v| (v - mu) * (v - mu)).sum::<f64>() / n);
        let mut pairs = 0.0;
        for own in x.chunks(class) {
            let sum: f64 = own.iter().map(|v| v - mu).sum();
            let squares: f64 = own.iter().map(|v| (v - mu) * (v - mu)).sum();
            pairs += (sum * sum - squares) / (class * (class - 1)) as f64;
        }
        found[2].push(pairs / (x.len() / class) as f64);
    }
    found
}

/// The correlation of two units of a class is the one declared, and so are mean and spread.
#[test]
fn intra_class_correlations_are_those_declared() {
    for icc in [0.0, 0.05, 0.3, 1.0] {
        let plan = plan(&format!(
            r#"Design(parameters: {{ icc: {icc} }}, steps: [
            Level(name: class, n: 8),
            Level(name: student, n: 5, variables: {{
                x: "normal_icc(3, 2, icc, by = class)", y: "bernoulli_icc(0.3, icc, by = class)",
            }}),
            ])"#
        ));
        let [mean, variance, pairs] = moments(&plan, "x", (5, 3.0), 20_000);
        assert_mean(&format!("normal, icc {icc}: mean"), &mean, 3.0);
        assert_mean(&format!("normal, icc {icc}: variance"), &variance, 4.0);
        assert_mean(&format!("normal, icc {icc}: covariance"), &pairs, 4.0 * icc);
        let [mean, variance, pairs] = moments(&plan, "y", (5, 0.3), 20_000);
        assert_mean(&format!("binary, icc {icc}: mean"), &mean, 0.3);
        assert_mean(&format!("binary, icc {icc}: variance"), &variance, 0.21);
        assert_mean(&format!("binary, icc {icc}: covariance"), &pairs, 0.21 * icc);
    }
}

/// Probabilities may differ between classes, means and spreads between units.
#[test]
fn intra_class_draws_take_parameters_of_their_units() {
    let plan = plan(
        r#"Design(steps: [
        Level(name: class, n: 2, variables: { p: "if(class == 1, 0.2, 0.7)", s: "class" }),
        Level(name: student, n: 4, variables: {
            m: "student", y: "bernoulli_icc(p, 0.5, by = class)",
            x: "normal_icc(m, s, 0.4, by = class)",
        }),
        ])"#,
    );
    let mut ws = plan.workspace();
    let (mut ones, n) = ([0, 0], 20_000);
    let mut squares = [Vec::new(), Vec::new()];
    for sim in 0..n {
        simulate(&plan, &mut ws, 2, sim);
        let (x, y) = (values(&plan, &ws, "x"), values(&plan, &ws, "y"));
        for class in 0..2 {
            ones[class] += y[4 * class] as usize;
            squares[class].push((x[4 * class + 1] - (4 * class + 2) as f64).powi(2));
        }
    }
    assert_rate("p of the first class", ones[0], n as usize, 0.2);
    assert_rate("p of the second class", ones[1], n as usize, 0.7);
    // fabricatr 1.0.2 recycles a spread per cluster over units and gets neither of these.
    assert_mean("variance in the first class", &squares[0], 1.0);
    assert_mean("variance in the second class", &squares[1], 4.0);
}

#[test]
fn answers_fall_where_the_breaks_say() {
    let plan = plan(
        r#"Design(steps: [Level(name: unit, n: 11, variables: {
            x: "unit - 6", o: "ordered(x, -2, 0, 3)", l: "likert(x, -5, 5, 5)",
            ends: "likert(10 * x, -5, 5, 2)", word: "labelled(ordered(x, 0), 'low', 'high')",
            gap: "ordered(if(x == 0, NA, x), 1)", is_high: "word == 'high'",
        })])"#,
    );
    let ws = drawn(&plan, 1, 0);
    let v = |name| values(&plan, &ws, name);
    assert_eq!(v("o"), [1.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 3.0, 4.0, 4.0, 4.0]);
    // Five steps of width 2 from -5; the upper end belongs to the last.
    assert_eq!(v("l"), [1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0, 5.0, 5.0, 5.0]);
    assert_eq!(v("ends"), [1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0]);
    // Labels belong to categories, not to the order of appearance, as in fabricatr 1.0.2.
    assert_eq!(v("is_high"), [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
    assert!(v("gap")[5].is_nan());
    let table = plan.data_set(&ws, plan.deepest, 11);
    let Values::Category { codes, labels } = &table.column("word").unwrap().values else {
        panic!("words are categories")
    };
    assert_eq!((labels[0].as_str(), codes[0], codes[10]), ("low", Some(0), Some(1)));
}

/// Groups are of equal size where values differ; equal values stay together, and none is an error.
#[test]
fn quantile_groups_are_of_equal_size() {
    let plan = plan(
        r#"Design(steps: [
        Level(name: class, n: 4),
        Level(name: student, n: 20, variables: {
            x: "normal(class, 1)", q: "split_quantile(x, 4)",
            own: "split_quantile(x, 5, by = class)", tied: "floor(uniform(0, 3))",
            t: "split_quantile(tied, 4)", same: "split_quantile(1 + 0 * x, 3)",
        }),
        ])"#,
    );
    for sim in 0..20 {
        let ws = drawn(&plan, 1, sim);
        let v = |name| values(&plan, &ws, name);
        let count = |of: &[f64], k: f64| of.iter().filter(|g| **g == k).count();
        for k in 1..=4 {
            assert_eq!(count(v("q"), f64::from(k)), 20);
        }
        for own in v("own").chunks(20) {
            assert!((1..=5).all(|k| count(own, f64::from(k)) == 4), "{own:?}");
        }
        for (i, j) in (0..80).flat_map(|i| (0..80).map(move |j| (i, j))) {
            assert!(v("x")[i] > v("x")[j] || v("q")[i] <= v("q")[j]);
            assert!(v("tied")[i] != v("tied")[j] || v("t")[i] == v("t")[j]);
        }
        assert!(v("same").iter().all(|g| *g == 1.0));
    }
}

/// Named categories have their probabilities, and are factors with R's contrasts.
#[test]
fn named_categories_are_factors() {
    let plan = plan(
        r#"Design(steps: [
        Level(name: unit, n: 400, variables: {
            region: "categorical(north = 0.2, south = 0.5, west = 0.3)",
            y: "2 + 3 * (region == 'south') - (region == 'west') + normal(0, 0.001)",
            other: "if(y > 100, region, NA)",
        }),
        Estimator(label: "factor", term: [regionsouth, regionwest],
            method: LmRobust(formula: "y ~ region")),
        ])"#,
    );
    let mut counts = [0; 3];
    for sim in 0..200 {
        let ws = drawn(&plan, 1, sim);
        values(&plan, &ws, "region").iter().for_each(|code| counts[*code as usize] += 1);
        let [south, west] = [0, 1].map(|i| ws.rows()[i].fit.unwrap().estimate);
        assert!((south - 3.0).abs() < 1e-3 && (west + 1.0).abs() < 1e-3);
    }
    assert_chi_squared("regions", &counts, &[16_000.0, 40_000.0, 24_000.0]);
}
