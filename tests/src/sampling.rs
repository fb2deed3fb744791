//! Samples: first-order and joint probabilities against those declared, and what is left of a
//! population when a sample was drawn.

use std::collections::BTreeMap;

use trialrun_plan::{Plan, Values, Workspace};

use crate::common::{
    assert_chi_squared, assert_mean, drawn, estimand, gallery, level, plan, simulate, values,
};

/// Simulations of each audit.
const SIMS: u64 = 100_000;

/// The number of each unit in the population, for the units of the sample.
fn units(plan: &Plan, ws: &Workspace) -> Vec<usize> {
    numbers(plan, ws, "id").iter().map(|id| *id as usize - 1).collect()
}

/// A variable as it is seen from the rows of the sample.
fn numbers(plan: &Plan, ws: &Workspace, name: &str) -> Vec<f64> {
    let table = plan.data_set(ws, plan.deepest, usize::MAX);
    match &table.column(name).unwrap_or_else(|| panic!("no column {name}")).values {
        Values::Number(v) => v.clone(),
        Values::Integer(v) => v.iter().map(|v| v.unwrap() as f64).collect(),
        Values::Category { codes, .. } => codes.iter().map(|c| f64::from(c.unwrap())).collect(),
    }
}

/// How often each set of units is drawn, as bits.
fn sets(levels: &str, sampling: &str) -> BTreeMap<usize, usize> {
    let plan = plan(&format!("Design(steps: [{levels} Sampling({sampling}) ])"));
    let mut ws = plan.workspace();
    let mut found = BTreeMap::new();
    for sim in 0..SIMS {
        simulate(&plan, &mut ws, 5, sim);
        let bits = units(&plan, &ws).iter().fold(0, |bits, unit| bits | 1 << unit);
        *found.entry(bits).or_insert(0) += 1;
    }
    found
}

/// Asserts that sets of units occur with their probabilities, and no other does.
fn assert_sets(what: &str, found: &BTreeMap<usize, usize>, expected: &BTreeMap<usize, f64>) {
    let unexpected: Vec<&usize> = found.keys().filter(|k| !expected.contains_key(k)).collect();
    assert!(unexpected.is_empty(), "{what}: {unexpected:?} can not be drawn");
    let counts: Vec<usize> = expected.keys().map(|k| found.get(k).copied().unwrap_or(0)).collect();
    let expected: Vec<f64> = expected.values().map(|p| p * SIMS as f64).collect();
    assert_chi_squared(what, &counts, &expected);
}

/// All sets of so many of some units, each as likely.
fn of_size(units: &[usize], size: usize) -> BTreeMap<usize, f64> {
    let all: Vec<usize> = (0..1usize << units.len())
        .filter(|bits| bits.count_ones() as usize == size)
        .map(|bits| (0..units.len()).filter(|i| bits >> i & 1 == 1).map(|i| 1 << units[i]).sum())
        .collect();
    all.iter().map(|bits| (*bits, 1.0 / all.len() as f64)).collect()
}

/// The sets of two independent draws together.
fn both(a: &BTreeMap<usize, f64>, b: &BTreeMap<usize, f64>) -> BTreeMap<usize, f64> {
    let mut all = BTreeMap::new();
    for (x, p) in a {
        for (y, q) in b {
            *all.entry(x | y).or_insert(0.0) += p * q;
        }
    }
    all
}

/// A mixture of two draws.
fn mixed(a: &BTreeMap<usize, f64>, p: f64, b: &BTreeMap<usize, f64>) -> BTreeMap<usize, f64> {
    let mut all: BTreeMap<usize, f64> = a.iter().map(|(k, v)| (*k, p * v)).collect();
    b.iter().for_each(|(k, v)| *all.entry(*k).or_insert(0.0) += (1.0 - p) * v);
    all
}

const FIVE: &str = r#"Level(name: unit, n: 5, variables: { id: "unit", half: "unit > 2" }),"#;

#[test]
fn every_set_of_units_has_its_probability() {
    let simple: BTreeMap<usize, f64> = (0..32)
        .map(|bits: usize| {
            let p = |i: usize| {
                if bits >> i & 1 == 1 { 0.1 * (i + 1) as f64 } else { 0.9 - 0.1 * i as f64 }
            };
            (bits, (0..5).map(p).product())
        })
        .collect();
    assert_sets("simple", &sets(FIVE, "method: Simple(prob: \"0.1 * unit\")"), &simple);
    let two = of_size(&[0, 1, 2, 3, 4], 2);
    assert_sets("n", &sets(FIVE, "method: Complete(n: 2)"), &two);
    // 5 x 0.3 is 1.5: one or two units.
    let expected = mixed(&of_size(&[0, 1, 2, 3, 4], 1), 0.5, &two);
    assert_sets("prob", &sets(FIVE, "method: Complete(prob: 0.3)"), &expected);
    let strata = both(&of_size(&[0, 1], 1), &of_size(&[2, 3, 4], 2));
    let number = "method: Complete(n: \"if(half, 2, 1)\"), strata: half";
    assert_sets("strata", &sets(FIVE, number), &strata);
    // Half of two units is one; half of three is one or two.
    let halves = mixed(&of_size(&[2, 3, 4], 1), 0.5, &of_size(&[2, 3, 4], 2));
    let halves = both(&of_size(&[0, 1], 1), &halves);
    assert_sets("prob, strata", &sets(FIVE, "method: Complete(prob: 0.5), strata: half"), &halves);
}

#[test]
fn clusters_and_stages_have_their_probabilities() {
    // Villages of two, one and two people.
    let villages = r#"Level(name: village, n: 3, variables: { n: "if(village == 2, 1, 2)" }),
        Level(name: person, n: "n", variables: { id: "person" }),"#;
    let clusters: BTreeMap<usize, f64> =
        [(0b00111, 1.0 / 3.0), (0b11011, 1.0 / 3.0), (0b11100, 1.0 / 3.0)].into();
    for which in ["clusters: village", "level: village"] {
        let found = sets(villages, &format!("method: Complete(n: 2), {which}"));
        assert_sets(which, &found, &clusters);
    }
    let first = "method: Complete(n: 2), level: village), Sampling(";
    let second = format!("{first}method: Complete(n: 1), strata: village");
    let one = |units: &[usize]| of_size(units, 1);
    let mut stages = BTreeMap::new();
    for (a, b) in [(&[0, 1][..], &[2][..]), (&[0, 1], &[3, 4]), (&[2], &[3, 4])] {
        both(&one(a), &one(b))
            .into_iter()
            .for_each(|(k, v)| *stages.entry(k).or_insert(0.0) += v / 3.0);
    }
    assert_sets("two stages", &sets(villages, &second), &stages);
    // With probabilities .2, .6 and .2 one village is drawn, with a stratum that is all.
    let size = "method: Complete(prob: \"if(village == 2, 0.6, 0.2)\"), level: village";
    let one_village: BTreeMap<usize, f64> = [(0b00011, 0.2), (0b00100, 0.6), (0b11000, 0.2)].into();
    assert_sets("proportional", &sets(villages, size), &one_village);
}

/// Unequal probabilities that no pattern favours: each unit has exactly its own, and the number of
/// units drawn is their sum.
#[test]
fn unequal_probabilities_are_each_units_own() {
    let probabilities = [0.9, 0.15, 0.35, 0.5, 0.1];
    let list =
        "if(unit == 1, 0.9, if(unit == 2, 0.15, if(unit == 3, 0.35, if(unit == 4, 0.5, 0.1))))";
    let found = sets(FIVE, &format!("method: Complete(prob: \"{list}\")"));
    assert!(found.keys().all(|bits| bits.count_ones() == 2), "their sum is 2");
    for (unit, p) in probabilities.iter().enumerate() {
        let n: usize = found.iter().filter(|(k, _)| *k >> unit & 1 == 1).map(|(_, n)| n).sum();
        crate::common::assert_rate(&format!("unit {unit}"), n, SIMS as usize, *p);
    }
}

/// Schools of classes of students; each knows whose it is by the numbers of the population.
const SCHOOLS: &str = r#"
    Level(name: school, n: 6, variables: { s: "normal(0, 1)", school_id: "school" }),
    Level(name: class, n: "poisson(2)", variables: { c: "normal(s, 1)", class_id: "class" }),
    Level(name: student, n: "poisson(3)", variables: {
        x: "normal(c, 1)", id: "student", kind: "categorical(0.5, 0.5)",
    }),
    Estimand(label: before, value: "mean(x)"),
"#;

#[test]
fn what_is_left_is_as_it_was() {
    let samples = [
        "Sampling(method: Simple(prob: 0.6), level: school),",
        "Sampling(method: Simple(prob: 0.5)),",
        "Sampling(method: Complete(prob: 0.5), strata: class),",
        "Sampling(method: Complete(prob: 0.5), level: class, strata: school), \
         Sampling(method: Simple(prob: 0.7), strata: kind),",
        "Sampling(method: WithReplacement, level: school), \
         Sampling(method: WithReplacement, strata: class),",
        "Sampling(method: WithReplacement(n: 9), level: class),",
    ];
    for sampling in samples {
        let whole = plan(&format!("Design(steps: [{SCHOOLS}])"));
        let plan = plan(&format!(
            r#"Design(steps: [{SCHOOLS} {sampling}
            Variables(level: class, variables: {{
                m: "mean(x, by = class)", k: "count(x > -100, by = class)",
            }}),
            Variables(variables: {{ gap: "x - m + s", N_now: "N" }}),
            Estimand(label: after, value: "mean(x)"),
            Estimand(label: classes, value: "count(class > 0)", level: class),
            ])"#
        ));
        for sim in 0..60 {
            let (all, ws) = (drawn(&whole, 9, sim), drawn(&plan, 9, sim));
            let population = |name: &str| numbers(&whole, &all, name);
            let sample = |name: &str| numbers(&plan, &ws, name);
            let id = units(&plan, &ws);
            for name in ["s", "c", "x", "school_id", "class_id", "kind"] {
                let there = population(name);
                let expected: Vec<f64> = id.iter().map(|unit| there[*unit]).collect();
                assert_eq!(sample(name), expected, "{name}, {sampling}");
            }
            let (x, class) = (sample("x"), sample("class"));
            let mean = |all: &[f64]| all.iter().sum::<f64>() / all.len() as f64;
            let same = |a: f64, b: f64| (a - b).abs() < 1e-12 || (a.is_nan() && b.is_nan());
            assert!(same(estimand(&plan, &ws, "before"), mean(&population("x"))));
            assert!(same(estimand(&plan, &ws, "after"), mean(&x)), "{sampling}");
            let deepest = ws.size(plan.deepest);
            assert_eq!(x.len(), deepest);
            for i in 0..x.len() {
                let own: Vec<f64> =
                    (0..x.len()).filter(|j| class[*j] == class[i]).map(|j| x[j]).collect();
                assert!(same(sample("m")[i], mean(&own)));
                assert_eq!(sample("k")[i], own.len() as f64);
                assert_eq!(sample("N_now")[i], x.len() as f64);
                assert!(same(sample("gap")[i], x[i] - mean(&own) + sample("s")[i]));
            }
            // No school or class is left without a student unless it was drawn itself.
            if !sampling.contains("level:") {
                let mut classes = class.clone();
                classes.dedup();
                assert_eq!(estimand(&plan, &ws, "classes"), classes.len() as f64);
            }
        }
    }
}

/// A sample draws nothing new: variables, and assignments after it, are those of the design
/// without it, as far as the units are left; the streams of two samples differ.
#[test]
fn inclusion_probabilities_multiply_and_weigh() {
    let plan = plan(
        r#"Design(steps: [
        Level(name: town, n: 12, variables: { size: "town + 2", region: "town > 6" }),
        Level(name: person, n: "size", variables: { y: "normal(size, 1)" }),
        Estimand(label: total, value: "sum(y)"),
        Sampling(method: Complete(n: 2), level: town, strata: region),
        Sampling(method: Complete(prob: "size / 20"), level: person, strata: town, inclusion: p),
        Sampling(method: Simple(prob: 0.8)),
        Estimand(label: estimated, value: "sum(y / inclusion_prob)"),
        ])"#,
    );
    let mut ws = plan.workspace();
    let mut errors = Vec::new();
    for sim in 0..30_000 {
        simulate(&plan, &mut ws, 2, sim);
        errors.push(estimand(&plan, &ws, "estimated") - estimand(&plan, &ws, "total"));
        if sim < 20 && ws.size(plan.deepest) > 0 {
            let of = |name: &str| numbers(&plan, &ws, name);
            for i in 0..ws.size(plan.deepest) {
                let expected = 2.0 / 6.0 * of("size")[i] / 20.0;
                assert!((of("p")[i] - expected).abs() < 1e-15);
                assert!((of("inclusion_prob")[i] - 0.8 * expected).abs() < 1e-15);
            }
        }
    }
    assert_mean("the weighted total", &errors, 0.0);
}

/// A bootstrap draws as many as there are; each unit's number of copies is binomial.
#[test]
fn draws_with_replacement_copy_units() {
    let plan = plan(
        r#"Design(steps: [
        Level(name: school, n: 5, variables: { school_id: "school" }),
        Level(name: student, n: 4, variables: { id: "student", x: "normal(0, 1)" }),
        Sampling(method: WithReplacement, level: school),
        Sampling(method: WithReplacement, strata: school),
        ])"#,
    );
    let mut ws = plan.workspace();
    let schools = level_now(&plan, "school");
    let (mut copies, mut students) = (vec![0; 6], vec![Vec::new(); 20]);
    for sim in 0..20_000 {
        simulate(&plan, &mut ws, 1, sim);
        assert_eq!((ws.size(schools), ws.size(plan.deepest)), (5, 20));
        let id = numbers(&plan, &ws, "school_id");
        let first = id.iter().filter(|id| **id == 1.0).count();
        assert_eq!(first % 4, 0, "a school comes with all of its places");
        copies[first / 4] += 1;
        let id = units(&plan, &ws);
        (0..20).for_each(|s| {
            students[s].push(id.iter().filter(|i| **i == s).count() as f64);
        });
    }
    let choose = [1.0, 5.0, 10.0, 10.0, 5.0, 1.0];
    let binomial = |k: usize| choose[k] * 0.2f64.powi(k as i32) * 0.8f64.powi(5 - k as i32);
    let expected: Vec<f64> = (0..6).map(|k| 20_000.0 * binomial(k)).collect();
    assert_chi_squared("copies of a school", &copies, &expected);
    students.iter().for_each(|n| assert_mean("copies of a student", n, 1.0));
}

/// The last level of a name: that of the units drawn.
fn level_now(plan: &Plan, name: &str) -> trialrun_plan::LevelId {
    let at = plan.levels.iter().rposition(|l| l.name == name).expect("a level");
    trialrun_plan::LevelId(at as u32)
}

#[test]
fn a_level_can_be_declared_after_a_sample() {
    let plan = plan(
        r#"Design(steps: [
        Level(name: village, n: 30, variables: { v: "normal(0, 1)", k: "poisson(2)" }),
        Sampling(method: Complete(n: 10)),
        Level(name: person, n: "k", variables: { y: "v + normal(0, 1)" }),
        PotentialOutcomes(outcome: o, conditions: { z: [0, 1] }, formula: "y + z"),
        Sampling(method: Simple(prob: 0.5)),
        Assignment(variable: z, method: Complete, clusters: village),
        Reveal(outcome: o),
        Estimator(label: "e", term: z, method: LmRobust(formula: "o ~ z", clusters: village)),
        ])"#,
    );
    for sim in 0..50 {
        let ws = drawn(&plan, 1, sim);
        let of = |name: &str| numbers(&plan, &ws, name);
        for i in 0..ws.size(plan.deepest) {
            assert_eq!(of("o")[i], of("y")[i] + of("z")[i]);
        }
        let treated = values(&plan, &ws, "z").iter().sum::<f64>();
        let villages = ws.size(level_now(&plan, "village")) as f64;
        assert!((treated - villages / 2.0).abs() < 1.0);
    }
    assert_eq!(level(&plan, "village").idx(), 1);
}

/// Equal probabilities of the two stages multiply to one number, whatever the sizes.
#[test]
fn a_self_weighting_sample_has_one_inclusion_probability() {
    let plan = plan(&gallery("multi-stage-sampling"));
    for sim in 0..10 {
        let ws = drawn(&plan, 1, sim);
        let p = numbers(&plan, &ws, "inclusion_prob");
        assert_eq!(p.len(), 200);
        assert!(p.iter().all(|q| (q - p[0]).abs() < 1e-15), "{p:?}");
    }
}
