//! What the rows of a design are: potential outcomes, Reveal, Aggregate, and the same on real data.

use std::collections::BTreeMap;

use trialrun_plan::{Plan, Table, Values, Workspace};

use crate::common::{
    assert_close, design, drawn, estimand, gallery, gallery_names, level, plan, plan_for, simulate,
    values,
};

/// The numbers of a column of a table; categories are their codes.
fn numbers(table: &Table, name: &str) -> Vec<f64> {
    match &table.column(name).unwrap_or_else(|| panic!("no column {name}")).values {
        Values::Number(v) => v.clone(),
        Values::Integer(v) => v.iter().map(|v| v.unwrap() as f64).collect(),
        Values::Category { codes, .. } => codes.iter().map(|c| f64::from(c.unwrap())).collect(),
    }
}

/// The text of a column of categories.
fn texts(table: &Table, name: &str) -> Vec<String> {
    let Values::Category { codes, labels } = &table.column(name).unwrap().values else {
        panic!("{name} has no categories")
    };
    codes.iter().map(|c| labels[c.unwrap() as usize].clone()).collect()
}

/// Schools of classes of students with tests, all of random number; classes may be empty.
const SCHOOLS: &str = r#"
    Level(name: school, n: 3, variables: { s: "normal(0, 1)", kind: "floor(uniform(0, 2))" }),
    Level(name: class, n: "poisson(3)", variables: { c: "normal(0, 1)" }),
    Level(name: student, n: "poisson(2.5)", variables: {
        x: "normal(0, 1)", group: "floor(uniform(0, 4))", twice: "2 * c",
    }),
"#;

#[test]
fn potential_outcomes_are_the_formula_under_each_condition() {
    let source = format!(
        r#"Design(parameters: {{ effect: 0.3 }}, steps: [{SCHOOLS}
        PotentialOutcomes(outcome: y, conditions: {{ z: [0, 1, 2.5], arm: [none, "a letter"] }},
            formula: "x + effect * z * (arm == 'a letter') + if(arm == 'none', c, -c)"),
        PotentialOutcomes(outcome: w, level: class, conditions: {{ wing: [1, 2] }},
            formula: "c * wing + N"),
        Assignment(variable: arm, method: Simple(prob: 0.7)),
        Assignment(variable: z, method: Simple, clusters: class),
        Assignment(variable: wing, method: Complete, clusters: class),
        Reveal(outcome: y, by: [z, arm]),
        Reveal(outcome: w),
        ])"#
    );
    let plan = plan(&source);
    let mut n_rows = 0;
    for sim in 0..20 {
        let ws = drawn(&plan, 1, sim);
        let table = plan.data_set(&ws, plan.deepest, usize::MAX);
        let [x, c, y, z, arm] = ["x", "c", "y", "z", "arm"].map(|n| numbers(&table, n));
        let named = texts(&table, "arm");
        for i in 0..table.n_rows() {
            for (k, z_is) in [("0", 0.0), ("1", 1.0), ("2_5", 2.5)] {
                let without = numbers(&table, &format!("y_z_{k}_arm_none"))[i];
                let with = numbers(&table, &format!("y_z_{k}_arm_a_letter"))[i];
                assert_eq!(without, x[i] + c[i]);
                assert!((with - (x[i] + 0.3 * z_is - c[i])).abs() < 1e-15);
                if z[i] == z_is {
                    assert_eq!(y[i], if arm[i] == 1.0 { with } else { without });
                }
            }
            assert_eq!(named[i], ["none", "a letter"][arm[i] as usize]);
            assert!([0.0, 1.0, 2.5].contains(&z[i]));
        }
        n_rows += table.n_rows();
        let (wing, w, c) =
            (values(&plan, &ws, "wing"), values(&plan, &ws, "w"), values(&plan, &ws, "c"));
        let n = ws.size(level(&plan, "class"));
        assert_eq!((wing.len(), w.len()), (n, n));
        for i in 0..n {
            assert_eq!(w[i], c[i] * wing[i] + n as f64);
        }
    }
    assert!(n_rows > 200);
}

/// The order in which conditions are declared, and that in which variables were assigned, do not
/// matter to what is revealed.
#[test]
fn reveal_goes_by_names() {
    let design = |conditions: &str, steps: &str| {
        plan(&format!(
            "Design(steps: [{SCHOOLS}
            PotentialOutcomes(outcome: y, conditions: {{ {conditions} }},
                formula: \"x + 10 * a + 100 * b + a * b\"), {steps} ])"
        ))
    };
    let (a, b) = (
        "Assignment(variable: a, method: Simple, conditions: [1, 2]),",
        "Assignment(variable: b, method: Simple(prob: 0.3), clusters: class, conditions: [0, 5]),",
    );
    let designs = [
        design("a: [1, 2], b: [0, 5]", &format!("{a}{b} Reveal(outcome: y),")),
        design("b: [5, 0], a: [2, 1]", &format!("{b}{a} Reveal(outcome: y, by: [b, a]),")),
        design("b: [0, 5], a: [0, 2, 1]", &format!("{b}{a} Reveal(outcome: y, by: [a, b]),")),
    ];
    for plan in &designs {
        let ws = drawn(plan, 4, 2);
        let table = plan.data_set(&ws, plan.deepest, usize::MAX);
        let [x, y, a, b] = ["x", "y", "a", "b"].map(|n| numbers(&table, n));
        for i in 0..table.n_rows() {
            assert_eq!(y[i], x[i] + 10.0 * a[i] + 100.0 * b[i] + a[i] * b[i]);
        }
        let first = &designs[0];
        assert_eq!(y, numbers(&first.data_set(&drawn(first, 4, 2), first.deepest, 999), "y"));
    }
}

/// The rows of a flat table in groups of equal keys, in ascending order of the keys.
fn grouped(table: &Table, keys: &[&str]) -> BTreeMap<Vec<i64>, Vec<usize>> {
    let columns: Vec<Vec<f64>> = keys.iter().map(|k| numbers(table, k)).collect();
    let mut groups: BTreeMap<Vec<i64>, Vec<usize>> = BTreeMap::new();
    for row in 0..table.n_rows() {
        groups.entry(columns.iter().map(|c| ordered(c[row])).collect()).or_default().push(row);
    }
    groups
}

/// A whole number that is in the order of the numbers.
fn ordered(value: f64) -> i64 {
    let bits = value.to_bits() as i64;
    if bits < 0 { bits ^ i64::MAX } else { bits }
}

fn mean(values: &[f64], rows: &[usize]) -> f64 {
    rows.iter().map(|r| values[*r]).sum::<f64>() / rows.len() as f64
}

fn assert_all_close(what: &str, ours: &[f64], theirs: &[f64]) {
    assert_eq!(ours.len(), theirs.len(), "{what}: number of rows");
    for (o, t) in ours.iter().zip(theirs) {
        assert!((o - t).abs() <= 1e-13 * t.abs().max(1.0), "{what}: {ours:?}, not {theirs:?}");
    }
}

/// Groups by values: of one column, of several, of a level and a variable.
#[test]
fn aggregates_by_values_are_groups_of_rows() {
    for keys in [vec!["group"], vec!["kind", "group"], vec!["class", "group"], vec!["s"]] {
        let source = format!(
            r#"Design(steps: [{SCHOOLS}
            Variables(variables: {{ high: "x > 0", carried: "kind + 1" }}),
            Aggregate(by: [{}], variables: {{
                m: "mean(x)", n: "count()", n_high: "count(high)", spread: "sd(x)",
                q: "quantile(x, 0.3)", top: "max(x) - min(x)", rel: "mean(x - mean(x))",
                deviation: "mean(x - mean(x, by = class))", rows: "N", m_carried: "mean(carried)",
                t: "sum(twice)",
            }}),
            Variables(variables: {{ plus: "m + {}", number: "N" }}),
            ])"#,
            keys.join(", "),
            keys[0]
        );
        let plan = plan(&source);
        for sim in 0..10 {
            let ws = drawn(&plan, 8, sim);
            let table = plan.data_set(&ws, level(&plan, "student"), usize::MAX);
            let [x, carried, twice] = ["x", "carried", "twice"].map(|n| numbers(&table, n));
            let groups = grouped(&table, &keys);
            let each = |f: &dyn Fn(&[usize]) -> f64| -> Vec<f64> {
                groups.values().map(|rows| f(rows)).collect()
            };
            let ours = |name| values(&plan, &ws, name);
            let n_groups = groups.len();
            assert_eq!(ws.size(level(&plan, &keys.join(":"))), n_groups);
            assert_all_close("m", ours("m"), &each(&|rows| mean(&x, rows)));
            assert_all_close("n", ours("n"), &each(&|rows| rows.len() as f64));
            let high = |rows: &[usize]| rows.iter().filter(|r| x[**r] > 0.0).count() as f64;
            assert_all_close("n_high", ours("n_high"), &each(&high));
            let grand = mean(&x, &(0..x.len()).collect::<Vec<_>>());
            assert_all_close("rel", ours("rel"), &each(&|rows| mean(&x, rows) - grand));
            let of_class = grouped(&table, &["class"]);
            let class = numbers(&table, "class");
            let centred = |rows: &[usize]| {
                let own = |r: &usize| x[*r] - mean(&x, &of_class[&vec![ordered(class[*r])]]);
                rows.iter().map(own).sum::<f64>() / rows.len() as f64
            };
            assert_all_close("deviation", ours("deviation"), &each(&centred));
            let range = |rows: &[usize]| {
                let own: Vec<f64> = rows.iter().map(|r| x[*r]).collect();
                let fold = |f: fn(f64, f64) -> f64| own.iter().copied().reduce(f).unwrap();
                fold(f64::max) - fold(f64::min)
            };
            assert_all_close("top", ours("top"), &each(&range));
            let low = |rows: &[usize]| {
                let mut own: Vec<f64> = rows.iter().map(|r| x[*r]).collect();
                own.sort_by(f64::total_cmp);
                let place = 0.3 * (own.len() - 1) as f64;
                let (below, above) = (own[place as usize], own[place.ceil() as usize]);
                below + place.fract() * (above - below)
            };
            assert_all_close("q", ours("q"), &each(&low));
            assert_all_close("m_carried", ours("m_carried"), &each(&|rows| mean(&carried, rows)));
            let sum = |rows: &[usize]| rows.iter().map(|r| twice[*r]).sum();
            assert_all_close("t", ours("t"), &each(&sum));
            for (group, rows) in groups.values().enumerate() {
                let alone = rows.len() == 1;
                assert_eq!(ours("spread")[group].is_nan(), alone, "sd of one");
            }
            assert!(ours("rows").iter().chain(ours("number")).all(|n| *n == n_groups as f64));
            let first = numbers(&table, keys[0]);
            let plus = each(&|rows| mean(&x, rows) + first[rows[0]]);
            assert_all_close("plus", ours("plus"), &plus);
        }
    }
}

/// By a level: a row for each unit, the empty ones included; what lives above stays visible.
#[test]
fn aggregates_by_a_level_are_its_units() {
    let source = format!(
        r#"Design(steps: [{SCHOOLS}
        Aggregate(by: class, variables: {{ m: "mean(x)", n: "count()", all: "sum(x * s)" }}),
        Variables(variables: {{ v: "m + c + s", of_school: "mean(c, by = school)", k: "N" }}),
        Aggregate(by: school, variables: {{ classes: "count()", c_mean: "mean(c)" }}),
        Variables(variables: {{ w: "c_mean - s" }}),
        ])"#
    );
    let plan = plan(&source);
    let mut n_empty = 0;
    for sim in 0..20 {
        let ws = drawn(&plan, 9, sim);
        let students = plan.data_set(&ws, level(&plan, "student"), usize::MAX);
        let classes = plan.data_set(&ws, level(&plan, "class"), usize::MAX);
        let [x, s_low] = ["x", "s"].map(|n| numbers(&students, n));
        let [c, s, school] = ["c", "s", "school"].map(|n| numbers(&classes, n));
        let groups = grouped(&students, &["class"]);
        let by_school = grouped(&classes, &["school"]);
        for class in 0..classes.n_rows() {
            let rows = groups.get(&vec![ordered(class as f64 + 1.0)]);
            let at = |name| numbers(&classes, name)[class];
            assert_eq!(at("n"), rows.map_or(0.0, |r| r.len() as f64));
            assert_eq!(at("k"), classes.n_rows() as f64);
            assert_eq!(at("m").is_nan(), rows.is_none());
            if let Some(rows) = rows {
                assert_close("m", at("m"), mean(&x, rows), 1e-12);
                let all = rows.iter().map(|r| x[*r] * s_low[*r]).sum();
                assert_close("all", at("all"), all, 1e-11);
                assert_close("v", at("v"), mean(&x, rows) + c[class] + s[class], 1e-11);
            } else {
                n_empty += 1;
                assert_eq!(at("all"), 0.0);
            }
            let peers = &by_school[&vec![ordered(school[class])]];
            assert_close("of_school", at("of_school"), mean(&c, peers), 1e-12);
        }
        for (key, rows) in &by_school {
            let i = f64::from_bits(key[0] as u64) as usize - 1;
            assert_eq!(values(&plan, &ws, "classes")[i], rows.len() as f64);
            let w = mean(&c, rows) - values(&plan, &ws, "s")[i];
            assert!((values(&plan, &ws, "w")[i] - w).abs() < 1e-13);
        }
    }
    assert!(n_empty > 5, "{n_empty} classes were empty");
}

/// What varies within groups can not be carried up to them.
#[test]
fn what_varies_within_groups_is_not_carried() {
    let source = format!(
        "Design(steps: [{SCHOOLS} Aggregate(by: [group, kind]),
         Variables(variables: {{ v: \"kind + x\" }}) ])"
    );
    let plan = plan(&source);
    let mut ws = plan.workspace();
    let stop = plan.simulate(&mut ws, 1, 0).expect_err("x varies");
    assert!(stop.0.message.contains("`x` varies within the groups"), "{}", stop.0.message);
}

/// The data of a simulation, as someone would have collected them: without the variables of some
/// kinds of steps.
fn collected(source: &str, plan: &Plan, ws: &Workspace, without: &[&str]) -> Table {
    let steps = design(source).steps;
    let mut table = plan.data_set(ws, plan.deepest, usize::MAX);
    for (i, step) in steps.iter().enumerate().filter(|(_, s)| without.contains(&s.name())) {
        let made = plan.made_by_step(i).variables;
        assert!(!made.is_empty(), "{} makes variables", step.name());
        for variable in &plan.variables[made] {
            table.columns.retain(|c| c.name != variable.name);
        }
    }
    table
}

/// Compares the estimates of a simulation with those from its own flat data set.
fn assert_round_trip(what: &str, source: &str, without: &[&str], sims: u64) {
    let simulated = plan(source);
    let mut ws = simulated.workspace();
    let mut n = 0;
    for sim in 0..sims {
        simulate(&simulated, &mut ws, 3, sim);
        let table = collected(source, &simulated, &ws, without);
        let real = plan_for(source, &table);
        let mut real_ws = real.workspace();
        // Bootstraps of the same seed and number draw the same.
        simulate(&real, &mut real_ws, 3, sim);
        for (i, info) in simulated.estimators.iter().enumerate() {
            for (t, term) in info.terms.iter().enumerate() {
                let row = &ws.rows()[info.first_row + t];
                let full = real.estimations[i].full(&mut real_ws, &real.labels, 0);
                let ours = match (&row.fit, &full) {
                    (Ok(ours), Ok(_)) => ours,
                    (ours, theirs) => {
                        let theirs = theirs.as_ref().err();
                        assert_eq!(ours.err().as_ref(), theirs, "{what}: {}", info.label);
                        continue;
                    }
                };
                let (all, _) = full.unwrap();
                let found = all.iter().find(|c| c.term == *term).expect("the term");
                let theirs = found.row.fit.unwrap();
                let scale = ours.std_error;
                for (name, a, b, scale) in [
                    ("estimate", ours.estimate, theirs.estimate, scale),
                    ("std_error", ours.std_error, theirs.std_error, scale),
                    ("df", ours.df, theirs.df, ours.df),
                    ("p_value", ours.p_value, theirs.p_value, 1.0),
                    ("conf_low", ours.conf_low, theirs.conf_low, scale),
                ] {
                    let same = a == b || (a - b).abs() <= 1e-9 * scale;
                    assert!(same, "{what}, simulation {sim}: {name} of {}: {a} {b}", info.label);
                }
                assert_eq!(row.n_obs, found.row.n_obs, "{what}: {}", info.label);
                assert_eq!(row.boundary, found.row.boundary, "{what}: {}", info.label);
                n += 1;
            }
        }
    }
    assert!(n as u64 > sims / 2, "{what}: {n} estimates were compared");
}

#[test]
fn real_data_give_the_estimates_of_the_simulation_that_made_them() {
    for name in gallery_names() {
        assert_round_trip(&name, &gallery(&name), &["PotentialOutcomes", "Aggregate"], 10);
    }
}

/// Classes without students, and schools without classes, do not count.
#[test]
fn empty_clusters_do_not_count() {
    let source = format!(
        r#"Design(steps: [{}
        PotentialOutcomes(outcome: y, conditions: {{ z: [0, 1] }}, formula: "x + c + z"),
        Assignment(variable: z, method: Complete(m: 4), clusters: class),
        Reveal(outcome: y),
        Estimator(label: "HC2", term: z, method: LmRobust(formula: "y ~ z", se: HC2)),
        Estimator(label: "CR0", term: z,
            method: LmRobust(formula: "y ~ z", clusters: class, se: CR0)),
        Estimator(label: "CR2", term: z, method: LmRobust(formula: "y ~ z", clusters: class)),
        Estimator(label: "Stata", term: z,
            method: LmRobust(formula: "y ~ z + s", clusters: school, se: Stata)),
        Estimator(label: "Lmer", term: z, method: Lmer(formula: "y ~ z + (1 | class)")),
        Estimator(label: "Within", term: z, method: Lmer(formula: "y ~ z + x + (1 | class)")),
        Estimator(label: "By values", term: z, method: LmRobust(formula: "y ~ z", clusters: group)),
        ])"#,
        SCHOOLS.replace("n: 3", "n: 9")
    );
    let plan = plan(&source);
    let mut ws = plan.workspace();
    let class = level(&plan, "class");
    let mut n_empty = 0;
    for sim in 0..20 {
        simulate(&plan, &mut ws, 3, sim);
        let table = plan.data_set(&ws, plan.deepest, usize::MAX);
        n_empty += ws.size(class) - grouped(&table, &["class"]).len();
    }
    assert!(n_empty > 20, "{n_empty} classes were empty");
    assert_round_trip("empty clusters", &source, &["PotentialOutcomes"], 20);
}

/// Aggregate steps of every kind on real data.
#[test]
fn aggregates_of_real_data_are_those_of_the_simulation() {
    let source = r#"Design(steps: [
        Level(name: school, n: 6, variables: { s: "normal(0, 1)" }),
        Level(name: class, n: "poisson(3) + 1", variables: { c: "normal(0, 1)" }),
        Level(name: student, n: "poisson(4) + 1", variables: {
            x: "normal(0, 1)", girl: "bernoulli(0.5)",
        }),
        PotentialOutcomes(outcome: y, conditions: { arm: [drug, placebo] },
            formula: "x + c + s + (arm == 'drug')"),
        Assignment(variable: arm, method: Complete(prob: 0.4), clusters: class),
        Reveal(outcome: y),
        Variables(variables: { high: "y > 0", scaled: "y * 2 + girl" }),
        Estimator(label: "Students", term: armplacebo,
            method: LmRobust(formula: "scaled ~ arm + girl", clusters: class, se: CR2)),
        Estimator(label: "Interaction", term: "armplacebo:girl",
            method: LmRobust(formula: "high ~ arm * girl")),
        Aggregate(by: [class, girl], variables: { m: "mean(y)", n: "count()", s2: "sd(x)" }),
        Estimator(label: "Cells", term: armplacebo,
            method: LmRobust(formula: "m ~ arm + girl", clusters: class, weights: n)),
        Estimator(label: "Mixed", term: armplacebo,
            method: Lmer(formula: "m ~ arm + girl + (1 | class)")),
        Aggregate(by: class, variables: { mm: "mean(m)", cells: "count()" }),
        Estimator(label: "Classes", term: armplacebo,
            method: LmRobust(formula: "mm ~ arm + cells")),
        Estimator(label: "Schools", term: armplacebo,
            method: Lmer(formula: "mm ~ arm + (1 | school)")),
    ])"#;
    let computed = ["PotentialOutcomes", "Variables", "Aggregate"];
    assert_round_trip("computed from data", source, &computed, 20);
    assert_round_trip("taken from data", source, &["PotentialOutcomes"], 5);
}

/// Group means as predictors, by levels that real data have as columns: in a Variables step, in a
/// formula, in weights, in groups of quantiles, beside missing values.
#[test]
fn group_means_of_real_data_are_those_of_the_simulation() {
    let source = r#"Design(steps: [
        Level(name: site, n: 9, variables: { s: "normal(0, 1)" }),
        Level(name: unit, n: "poisson(6) + 2", variables: {
            x: "normal(s, 1)", z: "bernoulli(inv_logit(s))", e: "normal(0, 1)",
            lost: "bernoulli(0.2)",
        }),
        Variables(variables: {
            y: "if(lost == 1, NA, x + z + s + e)", z_mean: "mean(z, by = site)",
            apart: "x - mean(x, by = site)", own: "count(by = site)",
            rank: "split_quantile(x, 2, by = site)", widest: "max(sd(x, by = site))",
            known: "mean(y, by = site, na_rm = true)",
        }),
        Estimator(label: "correlated", term: z,
            method: Lmer(formula: "y ~ z + z_mean + apart + (1 | site)")),
        Estimator(label: "written out", term: z,
            method: LmRobust(formula: "y ~ z + mean(z, by = site) + rank", clusters: site)),
        Estimator(label: "weights", term: apart, subset: "own > 4",
            method: LmRobust(formula: "I(y * widest) ~ apart + known", weights: own)),
        Aggregate(by: [site, z], variables: { m: "mean(y, na_rm = true)", top: "max(z_mean)" }),
        Estimator(label: "cells", term: z, method: LmRobust(formula: "m ~ z + top")),
    ])"#;
    assert_round_trip("group means", source, &["Variables", "Aggregate"], 20);
}

/// Zero is one value, whatever its sign: rounding makes both.
#[test]
fn zeros_of_both_signs_are_one_group() {
    let source = r#"Design(steps: [
        Level(name: unit, n: 40, variables: { x: "normal(0, 1)", g: "round(x / 2)" }),
        PotentialOutcomes(outcome: y, conditions: { z: [0, 1] }, formula: "x + z"),
        Assignment(variable: z, method: Complete, blocks: g),
        Reveal(outcome: y),
        Variables(variables: { same: "g + 0" }),
        Estimator(label: "signed", term: z, method: LmRobust(formula: "y ~ z + factor(g)")),
        Estimator(label: "plain", term: z, method: LmRobust(formula: "y ~ z + factor(same)")),
        Estimator(label: "clusters", term: z, method: LmRobust(formula: "y ~ z", clusters: g)),
        Estimator(label: "plain ones", term: z, method: LmRobust(formula: "y ~ z", clusters: same)),
        Aggregate(by: g, variables: { m: "mean(y)", n: "count()" }),
        ])"#;
    let plan = plan(source);
    let mut n_negative = 0;
    for sim in 0..20 {
        let ws = drawn(&plan, 5, sim);
        let g = values(&plan, &ws, "g");
        n_negative += g.iter().filter(|g| **g == 0.0 && g.is_sign_negative()).count();
        let mut distinct: Vec<f64> = g.iter().map(|g| g + 0.0).collect();
        distinct.sort_by(f64::total_cmp);
        distinct.dedup();
        assert_eq!(values(&plan, &ws, "n").len(), distinct.len(), "groups of {g:?}");
        for value in distinct {
            let own: Vec<f64> = (0..40).filter(|i| g[*i] == value).map(|i| i as f64).collect();
            let z = values(&plan, &ws, "z");
            let treated: f64 = own.iter().map(|i| z[*i as usize]).sum();
            assert!((treated - own.len() as f64 / 2.0).abs() < 1.0, "one block a value");
        }
        let rows = ws.rows();
        assert_eq!(rows[0].fit, rows[1].fit);
        assert_eq!(rows[2].fit, rows[3].fit);
    }
    assert!(n_negative > 20);
}

/// An estimand of nobody has no value: a counted failure, not a number.
#[test]
fn an_estimand_of_nobody_is_a_failure() {
    let source = gallery("subgroups").replace("girl == 1", "girl == 2");
    let plan = plan(&source);
    let ws = drawn(&plan, 1, 0);
    assert!(estimand(&plan, &ws, "effect_girls").is_nan());
    assert_eq!(ws.rows()[0].fit, Err(trialrun_stats::Failure::NoEstimand));
    assert_eq!(ws.rows()[0].estimand, None);
    assert!(ws.rows()[1].fit.is_ok());
}

/// A level of which each unit has one below is the same units.
#[test]
fn a_level_of_one_unit_each_changes_nothing() {
    let source = |n: &str, extra: &str| {
        format!(
            r#"Design(steps: [
            Level(name: town, n: 20, variables: {{ t: "normal(0, 1)", one: "1" }}),
            {extra}
            PotentialOutcomes(outcome: y, conditions: {{ z: [0, 1] }}, formula: "t + z"),
            Assignment(variable: z, method: Complete, clusters: town),
            Reveal(outcome: y),
            Estimator(label: "e", term: z, method: LmRobust(formula: "y ~ z", se: {n})),
            ])"#
        )
    };
    let plain = plan(&source("HC2", ""));
    for n in ["1", "one"] {
        let house = format!("Level(name: house, n: \"{n}\", variables: {{ h: \"0 * t\" }}),");
        let nested = plan(&source("HC2", &house).replace("\"t + z\"", "\"t + z + h\""));
        for sim in 0..5 {
            let (a, b) = (drawn(&plain, 1, sim), drawn(&nested, 1, sim));
            let (a, b) = (a.rows()[0].fit.unwrap(), b.rows()[0].fit.unwrap());
            assert_close("estimate", b.estimate, a.estimate, 1e-12);
            assert_close("std_error", b.std_error, a.std_error, 1e-12);
            assert_eq!(a.df, b.df);
        }
    }
}
