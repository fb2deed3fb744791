//! Levels that do not nest, and variables that go together: crossed and linked levels against what
//! they say, rank correlations and marginals of copulas against closed forms.

use trialrun_plan::{Plan, Values, Workspace};

use crate::common::{
    assert_chi_squared, assert_close, assert_mean, drawn, estimand, gallery, level, plan, simulate,
    values,
};

/// A variable as it is seen from the rows.
fn numbers(plan: &Plan, ws: &Workspace, name: &str) -> Vec<f64> {
    let table = plan.data_set(ws, plan.deepest, usize::MAX);
    match &table.column(name).unwrap_or_else(|| panic!("no column {name}")).values {
        Values::Number(v) => v.clone(),
        Values::Integer(v) => v.iter().map(|v| v.unwrap() as f64).collect(),
        Values::Category { codes, .. } => codes.iter().map(|c| f64::from(c.unwrap())).collect(),
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let all: Vec<f64> = values.collect();
    all.iter().sum::<f64>() / all.len() as f64
}

const CROSSED: &str = r#"
    Level(name: town, n: 3, variables: { t: "normal(0, 1)" }),
    Level(name: person, n: "poisson(3)", variables: { p: "normal(t, 1)" }),
    Level(name: year, n: 2, nest: false, variables: { y: "normal(0, 1)" }),
    Level(name: month, n: 3, variables: { m: "normal(y, 1)" }),
    Level(name: question, n: 2, nest: false, variables: { q: "normal(0, 1)" }),
    CrossLevels(name: answer, levels: [person, month, question], variables: {
        e: "normal(0, 1)", x: "p + m + q + t + y + e", number: "answer",
    }),
"#;

#[test]
fn every_combination_is_a_unit() {
    let plan = plan(&format!(
        r#"Design(steps: [{CROSSED}
        Variables(variables: {{
            of_month: "mean(x, by = month)", of_year: "mean(x, by = year)",
            of_town: "mean(x, by = town)", n: "count(by = question)", top: "max(m)",
        }}),
        Estimand(label: grand, value: "mean(x)"),
        ])"#
    ));
    for sim in 0..20 {
        let ws = drawn(&plan, 1, sim);
        let v = |name: &str| numbers(&plan, &ws, name);
        let people = ws.size(level(&plan, "person"));
        assert_eq!(ws.size(plan.deepest), people * 6 * 2);
        let (person, month, question, year) = (v("person"), v("month"), v("question"), v("year"));
        let (x, e) = (v("x"), v("e"));
        for i in 0..x.len() {
            assert_eq!(person[i], (i / 12 + 1) as f64);
            assert_eq!(month[i], (i / 2 % 6 + 1) as f64);
            assert_eq!(question[i], (i % 2 + 1) as f64);
            assert_eq!(year[i], ((month[i] - 1.0) / 3.0).floor() + 1.0);
            let parts = [("p", person[i]), ("m", month[i]), ("q", question[i]), ("y", year[i])];
            let sum: f64 =
                parts.iter().map(|(n, unit)| values(&plan, &ws, n)[*unit as usize - 1]).sum();
            assert!((x[i] - sum - v("t")[i] - e[i]).abs() < 1e-12);
            let of = |key: &[f64]| mean((0..x.len()).filter(|j| key[*j] == key[i]).map(|j| x[j]));
            assert!((v("of_month")[i] - of(&month)).abs() < 1e-12);
            assert!((v("of_year")[i] - of(&year)).abs() < 1e-12);
            assert!((v("of_town")[i] - of(&v("town"))).abs() < 1e-12);
            assert_eq!(v("n")[i], (people * 6) as f64);
        }
        if !x.is_empty() {
            assert!((estimand(&plan, &ws, "grand") - mean(x.iter().copied())).abs() < 1e-12);
        }
    }
}

/// What was crossed can be sampled, assigned, aggregated and modelled.
#[test]
fn crossed_units_are_units() {
    let plan = plan(&format!(
        r#"Design(steps: [{CROSSED}
        PotentialOutcomes(outcome: o, conditions: {{ z: [0, 1] }}, formula: "x + z"),
        Sampling(method: Simple(prob: 0.7)),
        Variables(variables: {{
            left: "count(x > -100, by = month)", again: "p + m + q + t + y + e",
        }}),
        Assignment(variable: z, method: Complete, clusters: person),
        Reveal(outcome: o),
        Estimator(label: "months", term: z,
            method: LmRobust(formula: "o ~ z + factor(question) + m", clusters: month)),
        Estimator(label: "named", term: "factor(question)2",
            method: LmRobust(formula: "o ~ factor(question)")),
        Aggregate(by: month, variables: {{ of_month: "mean(o)", k: "count()" }}),
        Estimator(label: "means", term: m, method: LmRobust(formula: "of_month ~ m + y")),
        ])"#
    ));
    let mut n_fits = 0;
    for sim in 0..40 {
        let ws = drawn(&plan, 1, sim);
        let v = |name: &str| numbers(&plan, &ws, name);
        let (x, month) = (v("x"), v("month"));
        for i in 0..x.len() {
            assert_eq!(x[i], v("again")[i]);
            assert_eq!(v("o")[i], x[i] + v("z")[i]);
            let own = month.iter().filter(|k| **k == month[i]).count();
            assert_eq!(v("left")[i], own as f64);
        }
        n_fits += ws.rows().iter().filter(|row| row.fit.is_ok()).count();
    }
    assert!(n_fits > 90, "{n_fits} fits");
}

/// A two-way table of means by hand: differences in differences of the panel are those of the
/// model.
#[test]
fn the_panel_gives_differences_in_differences() {
    let plan = plan(&gallery("panel"));
    for sim in 0..10 {
        let ws = drawn(&plan, 1, sim);
        let v = |name: &str| numbers(&plan, &ws, name);
        let (y, z, late) = (v("mood"), v("treated"), v("late"));
        let cell = |a: f64, b: f64| {
            mean((0..y.len()).filter(|i| z[*i] == a && late[*i] == b).map(|i| y[i]))
        };
        let by_hand = (cell(1.0, 1.0) - cell(1.0, 0.0)) - (cell(0.0, 1.0) - cell(0.0, 0.0));
        let fit = ws.rows()[1].fit.unwrap();
        assert_close("differences in differences", fit.estimate, by_hand, 1e-10);
    }
}

/// Places in the two levels have the rank correlation declared, and every unit is as likely as
/// every other: fabricatr 1.0.2 gives the first of five .3 and the last .1.
#[test]
fn linked_levels_have_the_rank_correlation() {
    for rho in [-0.7, 0.0, 0.5, 1.0] {
        let source = format!(
            r#"Design(steps: [
            Level(name: primary, n: 150, variables: {{ a: "normal(0, 1)" }}),
            Level(name: secondary, n: 130, nest: false, variables: {{ b: "exponential(1)" }}),
            LinkLevels(name: pupil, n: 400, levels: [primary, secondary], by: [a, b],
                rank_correlation: {rho}, variables: {{ both: "a + b" }}),
            ])"#
        );
        let plan = plan(&source);
        let mut ws = plan.workspace();
        let mut products = Vec::new();
        for sim in 0..400 {
            simulate(&plan, &mut ws, 9, sim);
            let grade = |of: &[f64], value: f64| {
                (of.iter().filter(|v| **v < value).count() as f64 + 0.5) / of.len() as f64
            };
            let of = |name: &str| numbers(&plan, &ws, name);
            let (a, b) = (of("a"), of("b"));
            assert_eq!(a.len(), 400);
            let (all_a, all_b) = (values(&plan, &ws, "a"), values(&plan, &ws, "b"));
            let product = |i: usize| 12.0 * grade(all_a, a[i]) * grade(all_b, b[i]) - 3.0;
            products.push(mean((0..400).map(product)));
            assert!((0..400).all(|i| of("both")[i] == a[i] + b[i]));
            assert!(of("primary").windows(2).all(|pair| pair[0] <= pair[1]), "runs");
        }
        assert_mean(&format!("rank correlation {rho}"), &products, rho);
    }
    let plan = plan(
        r#"Design(steps: [
        Level(name: one, n: 5), Level(name: other, n: 3, nest: false),
        LinkLevels(name: unit, n: 30, levels: [one, other], rank_correlation: 0.3),
        ])"#,
    );
    let (mut ones, mut others) = ([0; 5], [0; 3]);
    for sim in 0..3000 {
        let ws = drawn(&plan, 1, sim);
        numbers(&plan, &ws, "one").iter().for_each(|unit| ones[*unit as usize - 1] += 1);
        numbers(&plan, &ws, "other").iter().for_each(|unit| others[*unit as usize - 1] += 1);
    }
    assert_chi_squared("first level", &ones, &[18_000.0; 5]);
    assert_chi_squared("second level", &others, &[30_000.0; 3]);
}

/// Each variable has its own distribution, and each pair its rank correlation
/// `12 E[F(x) G(y)] - 3`.
#[test]
fn copulas_keep_marginals_and_ranks() {
    let plan = plan(
        r#"Design(parameters: { rho: 0.4 }, steps: [
        Level(name: unit, n: 200, variables: { rate: "1 + unit % 2" }),
        Correlated(rank_correlation: [[1, "rho", -0.6], ["rho", 1, 0], [-0.6, 0, 1]], variables: {
            income: "lognormal(1, 0.5)", wait: "exponential(rate)", age: "uniform(20, 60)",
        }),
        Correlated(correlation: 0.5, variables: {
            x: "normal(2, 3)", y: "normal(0, 1)", k: "poisson(1.8)", g: "gamma(2, 1)",
            b: "beta(2, 3)", n: "binomial(10, 0.3)", c: "negative_binomial(4, 2)",
            region: "categorical(north = 0.2, south = 0.8)", yes: "bernoulli(0.3)",
        }),
        ])"#,
    );
    use trialrun_stats::special::normal::cdf;
    let mut ws = plan.workspace();
    let mut found: Vec<(&str, f64, Vec<f64>)> = [
        ("income and wait", 0.4),
        ("income and age", -0.6),
        ("wait and age", 0.0),
        ("x and y", 1.5),
        ("mean of k", 1.8),
        ("variance of k", 1.8),
        ("mean of g", 2.0),
        ("variance of g", 2.0),
        ("mean of b", 0.4),
        ("variance of b", 0.04),
        ("mean of n", 3.0),
        ("variance of n", 2.1),
        ("mean of c", 4.0),
        ("variance of c", 12.0),
        ("share of the south", 0.8),
        ("share of yes", 0.3),
        ("mean of age", 40.0),
        ("mean of x", 2.0),
        ("variance of x", 9.0),
    ]
    .map(|(what, expected)| (what, expected, Vec::new()))
    .to_vec();
    for sim in 0..3000 {
        simulate(&plan, &mut ws, 4, sim);
        let v = |name: &str| values(&plan, &ws, name);
        let income: Vec<f64> = v("income").iter().map(|x| cdf((x.ln() - 1.0) / 0.5)).collect();
        let rate = v("rate");
        let wait: Vec<f64> =
            v("wait").iter().zip(rate).map(|(x, r)| 1.0 - (-r * x).exp()).collect();
        let age: Vec<f64> = v("age").iter().map(|x| (x - 20.0) / 40.0).collect();
        let grades = |a: &[f64], b: &[f64]| mean(a.iter().zip(b).map(|(a, b)| 12.0 * a * b - 3.0));
        let of = |name: &str| mean(v(name).iter().copied());
        let spread = |name: &str, mu: f64| mean(v(name).iter().map(|x| (x - mu) * (x - mu)));
        let xy = mean(v("x").iter().zip(v("y")).map(|(x, y)| (x - 2.0) * y));
        let now = [
            grades(&income, &wait),
            grades(&income, &age),
            grades(&wait, &age),
            xy,
            of("k"),
            spread("k", 1.8),
            of("g"),
            spread("g", 2.0),
            of("b"),
            spread("b", 0.4),
            of("n"),
            spread("n", 3.0),
            of("c"),
            spread("c", 4.0),
            of("region"),
            of("yes"),
            of("age"),
            of("x"),
            spread("x", 2.0),
        ];
        found.iter_mut().zip(now).for_each(|((.., all), value)| all.push(value));
    }
    for (what, expected, all) in &found {
        assert_mean(what, all, *expected);
    }
}

/// One of two variables that go together perfectly is the other.
#[test]
fn perfect_correlations_are_allowed() {
    let plan = plan(
        r#"Design(steps: [
        Level(name: unit, n: 50),
        Correlated(rank_correlation: 1, variables: { a: "normal(0, 1)", b: "normal(1, 2)" }),
        Correlated(correlation: -1, variables: { c: "normal(0, 1)", d: "uniform(0, 1)" }),
        ])"#,
    );
    let ws = drawn(&plan, 1, 0);
    let v = |name: &str| values(&plan, &ws, name);
    for i in 0..50 {
        assert!((v("b")[i] - 1.0 - 2.0 * v("a")[i]).abs() < 1e-12);
        let below = trialrun_stats::special::normal::cdf(-v("c")[i]);
        assert!((v("d")[i] - below).abs() < 1e-12);
    }
}
