//! Missing values: what is left out, what is missing for it, and what stops; attrition, take-up and
//! spillovers against closed forms.

use trialrun_plan::{Estimate, Plan};

use crate::common::{
    assert_mean, assert_rate, drawn, estimand, gallery, level, plan, simulate, values,
};

/// Classes of students some of whom do not respond; a covariate is missing for others.
const SCHOOL: &str = r#"
    Level(name: class, n: 8, variables: { c: "normal(0, 1)", z: "bernoulli(0.5)" }),
    Level(name: student, n: "binomial(6, 0.5) + 2", variables: {
        e: "normal(0, 1)", r: "bernoulli(0.7)", s: "bernoulli(0.9)", w: "uniform(1, 2)",
        all: "c + e + z", y: "if(r, all, NA)", x0: "normal(all, 1)", x: "if(s, x0, NA)",
    }),
"#;

/// The estimate of an estimator, and the number of observations that it used.
fn fit(plan: &Plan, ws: &trialrun_plan::Workspace, label: &str) -> (Option<Estimate>, f64) {
    let found = plan.estimators.iter().find(|e| e.label == label);
    let row = ws.rows()[found.unwrap_or_else(|| panic!("no estimator {label}")).first_row];
    (row.fit.ok(), row.n_obs)
}

/// A model with missing values is that of the rows that have none, which zero weights pick out in
/// the slow twin: in a weighted fit rows of weight zero are left out.
#[test]
fn models_leave_out_rows_with_missing_values() {
    let model = |f: &str, more: &str| format!("LmRobust(formula: \"{f}\"{more})");
    let plan = plan(&format!(
        r#"Design(steps: [{SCHOOL}
        Variables(variables: {{ both: "r & s", one: "r * 1", half: "w * r"}}),
        Estimator(label: "dropped", term: x, method: {}),
        Estimator(label: "weighted", term: x0, method: {}),
        Estimator(label: "collapsed", term: z, method: {}),
        Estimator(label: "counted", term: z, method: {}),
        Estimator(label: "mixed", term: z, method: Lmer(formula: "y ~ z + (1 | class)")),
        Estimator(label: "own weights", term: z, method: {}),
        Estimator(label: "own weights, counted", term: z, method: {}),
        ])"#,
        model("y ~ z + x", ", clusters: class"),
        model("all ~ z + x0", ", clusters: class, weights: both"),
        model("y ~ z", ", clusters: class"),
        model("all ~ z", ", clusters: class, weights: one"),
        model("y ~ z", ", weights: w"),
        model("all ~ z", ", weights: half"),
    ));
    let mut n_fits = 0;
    for sim in 0..200 {
        let ws = drawn(&plan, 3, sim);
        let count = |name: &str| values(&plan, &ws, name).iter().sum::<f64>();
        for (ours, twin, n) in [
            ("dropped", "weighted", count("both")),
            ("collapsed", "counted", count("r")),
            ("own weights", "own weights, counted", count("r")),
        ] {
            let ((a, n_a), (b, n_b)) = (fit(&plan, &ws, ours), fit(&plan, &ws, twin));
            assert_eq!(a.is_some(), b.is_some(), "{ours}, simulation {sim}");
            let (Some(a), Some(b)) = (a, b) else { continue };
            assert_eq!((n_a, n_b), (n, n), "{ours}: rows used");
            for (a, b) in [(a.estimate, b.estimate), (a.std_error, b.std_error), (a.df, b.df)] {
                assert!((a - b).abs() <= 1e-9 * b.abs().max(1.0), "{ours}: {a}, {twin}: {b}");
            }
            n_fits += 1;
        }
        let (mixed, n) = fit(&plan, &ws, "mixed");
        assert!(mixed.is_none() || n == count("r"));
    }
    assert!(n_fits > 500, "{n_fits} fits");
}

#[test]
fn what_is_computed_from_a_missing_value_is_missing() {
    let plan = plan(&format!(
        r#"Design(steps: [{SCHOOL}
        Variables(level: class, variables: {{
            plain: "mean(y, by = class)", kept: "mean(y, na_rm = true, by = class)",
            total: "sum(y, na_rm = true, by = class)", most: "max(y, by = class, na_rm = true)",
            n_kept: "count(!is_missing(y), by = class)",
            all_there: "all(y > -100, by = class)", some: "any(y > -100, by = class)",
            spread: "sd(y, by = class, na_rm = true)", middle: "median(y, by=class, na_rm=true)",
        }}),
        Variables(variables: {{ sign: "y > 0", lost: "is_missing(y)" }}),
        Estimand(label: kept_girls, value: "mean(y, na_rm = true)", where: "s"),
        ])"#
    ));
    let mut n_missing = 0;
    for sim in 0..50 {
        let ws = drawn(&plan, 1, sim);
        let v = |name| values(&plan, &ws, name);
        let table = plan.data_set(&ws, plan.deepest, usize::MAX);
        let trialrun_plan::Values::Integer(classes) = &table.column("class").unwrap().values else {
            panic!("the number of the class")
        };
        for i in 0..table.n_rows() {
            assert_eq!(v("y")[i].is_nan(), v("r")[i] == 0.0);
            assert_eq!(v("sign")[i].is_nan(), v("r")[i] == 0.0);
            assert_eq!(v("lost")[i], 1.0 - v("r")[i]);
        }
        let mut all: Vec<f64> = Vec::new();
        for class in 0..8 {
            let own = (0..table.n_rows()).filter(|i| classes[*i] == Some(class as i64 + 1));
            let (there, lost): (Vec<usize>, Vec<usize>) = own.partition(|i| v("r")[*i] == 1.0);
            let y: Vec<f64> = there.iter().map(|i| v("y")[*i]).collect();
            let sum: f64 = y.iter().sum();
            let mean = sum / y.len() as f64;
            let close = |a: f64, b: f64| (a.is_nan() && b.is_nan()) || (a - b).abs() < 1e-12;
            assert!(close(v("plain")[class], if lost.is_empty() { mean } else { f64::NAN }));
            assert!(close(v("kept")[class], mean));
            assert!(close(v("total")[class], sum));
            let most = y.iter().copied().fold(f64::NAN, f64::max);
            assert!(close(v("most")[class], most));
            assert_eq!(v("n_kept")[class], y.len() as f64);
            assert_eq!(v("all_there")[class], f64::from(u8::from(lost.is_empty())));
            assert_eq!(v("some")[class], f64::from(u8::from(!y.is_empty())));
            assert_eq!(v("spread")[class].is_nan(), y.len() < 2);
            assert_eq!(v("middle")[class].is_nan(), y.is_empty());
            all.extend(there.iter().filter(|i| v("s")[**i] == 1.0).map(|i| v("y")[*i]));
            n_missing += lost.len();
        }
        let expected = all.iter().sum::<f64>() / all.len() as f64;
        assert!((estimand(&plan, &ws, "kept_girls") - expected).abs() < 1e-12);
    }
    assert!(n_missing > 100);
}

/// Empty groups have no mean and no row; a number that is undefined by mistake is a failure.
#[test]
fn undefined_by_mistake_is_not_missing() {
    let plan = plan(
        r#"Design(steps: [
        Level(name: class, n: 30, variables: { z: "bernoulli(0.5)" }),
        Level(name: student, n: "poisson(1)", variables: { e: "normal(0, 1)" }),
        Variables(variables: { l: "log(e)" }),
        Estimator(label: "mistake", term: z, method: LmRobust(formula: "l ~ z")),
        Aggregate(by: class, variables: { m: "mean(e)", n: "count()" }),
        Estimator(label: "empty", term: z, method: LmRobust(formula: "m ~ z")),
        ])"#,
    );
    for sim in 0..20 {
        let ws = drawn(&plan, 1, sim);
        let n_full = values(&plan, &ws, "n").iter().filter(|n| **n > 0.0).count();
        assert!(n_full < 30);
        assert_eq!(fit(&plan, &ws, "empty").1, n_full as f64);
        assert_eq!(ws.rows()[0].fit, Err(trialrun_stats::Failure::NotFinite));
    }
}

/// Attrition by a latent index: P(respond) = Phi(a / sqrt 2), and the mean of the motivation of
/// those who respond is phi(a / sqrt 2) / Phi(a / sqrt 2) / sqrt 2.
#[test]
fn attrition_selects_as_theory_says() {
    use trialrun_stats::special::normal::{cdf, pdf};
    let plan = plan(&gallery("attrition"));
    let mut ws = plan.workspace();
    let (mut responds, mut n) = ([0, 0], [0, 0]);
    let mut estimates = [vec![], vec![]];
    for sim in 0..4000 {
        simulate(&plan, &mut ws, 11, sim);
        let v = |name| values(&plan, &ws, name);
        for i in 0..ws.size(plan.deepest) {
            let z = v("program")[i] as usize;
            n[z] += 1;
            responds[z] += v("responds")[i] as usize;
            assert_eq!(v("wellbeing")[i].is_nan(), v("responds")[i] == 0.0);
        }
        for (k, label) in ["Respondents", "Adjusted"].into_iter().enumerate() {
            let (estimate, used) = fit(&plan, &ws, label);
            assert_eq!(used, v("responds").iter().sum::<f64>());
            estimates[k].push(estimate.unwrap().estimate);
        }
    }
    let at = |z: usize| (0.2 + 0.8 * z as f64) / 2f64.sqrt();
    for z in [0, 1] {
        assert_rate("response", responds[z], n[z], cdf(at(z)));
    }
    let motivation = |z: usize| pdf(at(z)) / cdf(at(z)) / 2f64.sqrt();
    let naive = 0.3 + 0.7 * (motivation(1) - motivation(0));
    // The mean of a group of random size that is never empty here is that of its distribution.
    assert_mean("respondents", &estimates[0], naive);
    assert_mean("adjusted", &estimates[1], 0.3);
}

#[test]
fn outcomes_follow_takeup_and_neighbours() {
    let plan = plan(&gallery("noncompliance"));
    for sim in 0..20 {
        let ws = drawn(&plan, 1, sim);
        let v = |name| values(&plan, &ws, name);
        for i in 0..ws.size(plan.deepest) {
            let d = match v("type")[i] as u8 {
                1 => v("offer")[i],
                2 => 0.0,
                _ => 1.0,
            };
            assert_eq!(v("takeup")[i], d);
            let name = if d == 1.0 { "earnings_takeup_1" } else { "earnings_takeup_0" };
            assert_eq!(v("earnings")[i], v(name)[i]);
        }
        let compliers = v("type").iter().filter(|t| **t == 1.0).count() as f64;
        assert!((estimand(&plan, &ws, "effect_on_compliers") - 0.5).abs() < 1e-12);
        let diluted = 0.5 * compliers / 400.0;
        assert!((estimand(&plan, &ws, "effect_of_offer") - diluted).abs() < 1e-12);
    }
    let plan = crate::common::plan(&gallery("spillovers"));
    let villages = level(&plan, "village");
    for sim in 0..20 {
        let ws = drawn(&plan, 1, sim);
        let v = |name| values(&plan, &ws, name);
        for i in 0..ws.size(plan.deepest) {
            let own = i / 8 * 8..i / 8 * 8 + 8;
            let others: f64 = own.filter(|j| *j != i).map(|j| v("treated")[j]).sum();
            assert!((v("neighbours")[i] - others / 7.0).abs() < 1e-15);
            let base = v("health_treated_0_neighbours_0")[i];
            let expected = base + 0.4 * v("treated")[i] + 0.5 * v("neighbours")[i];
            assert!((v("health")[i] - expected).abs() < 1e-12);
        }
        assert_eq!(ws.size(villages), 40);
        assert!((estimand(&plan, &ws, "total_effect") - 0.9).abs() < 1e-12);
    }
}
