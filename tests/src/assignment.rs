//! Random assignment: counts, probabilities, and how assignments depend on one another.

mod audit;
mod beyond;
mod estimated;

use std::collections::BTreeMap;

use trialrun_plan::{Options, Plan, compile, read};

use crate::common::{assert_chi_squared, assert_mean, assert_rate, drawn, plan, simulate, values};

/// Simulations of each design.
const SIMS: u64 = 100_000;

/// A design with units in villages in regions, and an assignment of `z`.
fn units(levels: &str, assignment: &str) -> Plan {
    plan(&format!("Design(steps: [{levels} Assignment(variable: z, {assignment}) ])"))
}

fn plain(n: usize, assignment: &str) -> Plan {
    units(&format!("Level(name: unit, n: {n}),"), assignment)
}

/// The assignments of many simulations.
fn assigned(plan: &Plan, sims: u64) -> Vec<Vec<f64>> {
    let mut ws = plan.workspace();
    let mut all = Vec::new();
    for sim in 0..sims {
        simulate(plan, &mut ws, 17, sim);
        all.push(values(plan, &ws, "z").to_vec());
    }
    all
}

/// How many units get a condition.
fn count(assignment: &[f64], condition: f64) -> usize {
    assignment.iter().filter(|z| **z == condition).count()
}

/// Asserts that each unit gets each condition with its probability.
fn assert_probabilities(what: &str, all: &[Vec<f64>], probabilities: &[f64]) {
    for unit in 0..all[0].len() {
        for (condition, p) in probabilities.iter().enumerate() {
            let events = all.iter().filter(|a| a[unit] == condition as f64).count();
            assert_rate(
                &format!("{what}: unit {unit}, condition {condition}"),
                events,
                all.len(),
                *p,
            );
        }
    }
}

/// Asserts that the number of units of each condition is always an expectation rounded down or up,
/// and the expectation in the mean.
fn assert_counts(what: &str, all: &[Vec<f64>], probabilities: &[f64]) {
    for (condition, p) in probabilities.iter().enumerate() {
        let expected = p * all[0].len() as f64;
        let counts: Vec<f64> = all.iter().map(|a| count(a, condition as f64) as f64).collect();
        for c in &counts {
            assert!((c - expected).abs() < 1.0 - 1e-9, "{what}: {c} of condition {condition}");
        }
        assert_mean(&format!("{what}: condition {condition}"), &counts, expected);
    }
}

#[test]
fn simple_assignment_is_independent() {
    let p = 0.3;
    let all = assigned(&plain(3, "method: Simple(prob: 0.3)"), SIMS);
    assert_probabilities("simple", &all, &[0.7, p]);
    let mut outcomes = [0; 8];
    for a in &all {
        outcomes[(a[0] + 2.0 * a[1] + 4.0 * a[2]) as usize] += 1;
    }
    let of = |bits: usize| {
        let k = bits.count_ones() as i32;
        SIMS as f64 * p.powi(k) * (1.0 - p).powi(3 - k)
    };
    let expected: Vec<f64> = (0..8).map(of).collect();
    assert_chi_squared("simple", &outcomes, &expected);
    let arms = assigned(
        &plain(4, "method: Simple(prob_each: [0.2, 0, 0.5, 0.3]), conditions: [a, b, c, d]"),
        SIMS,
    );
    assert_probabilities("four arms", &arms, &[0.2, 0.0, 0.5, 0.3]);
    assert!(arms.iter().all(|a| count(a, 1.0) == 0), "a probability of 0 is never drawn");
    for (prob, always) in [("0", 0.0), ("1", 1.0)] {
        let all = assigned(&plain(3, &format!("method: Simple(prob: {prob})")), 200);
        assert!(all.iter().all(|a| count(a, always) == 3), "prob {prob}");
    }
}

#[test]
fn complete_assignment_has_the_expected_counts() {
    for (n, prob) in [(10, 0.5), (7, 0.5), (5, 0.3), (1, 0.25), (9, 1.0 / 3.0), (3, 0.0), (3, 1.0)]
    {
        let what = format!("{n} units, prob {prob}");
        let plan = plain(n, &format!("method: Complete(prob: {prob})"));
        let all = assigned(&plan, SIMS);
        assert_counts(&what, &all, &[1.0 - prob, prob]);
        assert_probabilities(&what, &all, &[1.0 - prob, prob]);
    }
}

/// Expectations that are not whole: each condition keeps its probability exactly.
#[test]
fn remainders_keep_the_probabilities() {
    for (n, each) in [
        (3, vec![0.5, 0.3, 0.2]),
        (1, vec![0.5, 0.3, 0.2]),
        (2, vec![0.2, 0.2, 0.2, 0.4]),
        (7, vec![0.25, 0.25, 0.5]),
        (10, vec![0.1, 0.2, 0.7]),
        (5, vec![0.0, 0.5, 0.0, 0.5]),
    ] {
        let what = format!("{n} units, {each:?}");
        let names: Vec<String> = (0..each.len()).map(|i| i.to_string()).collect();
        let plan = plain(
            n,
            &format!("method: Complete(prob_each: {each:?}), conditions: [{}]", names.join(", ")),
        );
        let all = assigned(&plan, SIMS);
        assert_counts(&what, &all, &each);
        assert_probabilities(&what, &all, &each);
    }
}

/// Equal probabilities where nothing is given, also where they do not divide the units.
#[test]
fn conditions_are_equally_likely_by_default() {
    for method in ["Simple", "Complete"] {
        let plan = plain(4, &format!("method: {method}, conditions: [0, 1, 2]"));
        let all = assigned(&plan, SIMS);
        assert_probabilities(method, &all, &[1.0 / 3.0; 3]);
        let ever: Vec<usize> = all.iter().map(|a| count(a, 0.0)).collect();
        let fixed = ever.iter().all(|c| (1..=2).contains(c));
        assert_eq!(fixed, method == "Complete", "{method}");
    }
}

/// Every assignment of a small complete design is equally likely.
#[test]
fn complete_assignments_are_equally_likely() {
    let cases = [
        (4, "method: Complete(prob: 0.5)", 6),
        (5, "method: Complete(m: 2)", 10),
        (6, "method: Complete(m_each: [2, 2, 2]), conditions: [0, 1, 2]", 90),
        (5, "method: Complete(m_each: [1, 3, 1]), conditions: [0, 1, 2]", 20),
    ];
    for (n, assignment, n_ways) in cases {
        let all = assigned(&plain(n, assignment), SIMS);
        let mut ways: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
        for a in &all {
            *ways.entry(a.iter().map(|z| *z as u8).collect()).or_default() += 1;
        }
        assert_eq!(ways.len(), n_ways, "{assignment}");
        let counts: Vec<usize> = ways.into_values().collect();
        let expected = vec![SIMS as f64 / n_ways as f64; n_ways];
        assert_chi_squared(assignment, &counts, &expected);
    }
    // Of one unit in two arms with a remainder, two ways; of three with one and a half, six.
    let all = assigned(&plain(3, "method: Complete"), SIMS);
    let mut ways = [0; 8];
    all.iter().for_each(|a| ways[(a[0] + 2.0 * a[1] + 4.0 * a[2]) as usize] += 1);
    assert_eq!((ways[0], ways[7]), (0, 0));
    assert_chi_squared("three units", &ways[1..7], &[SIMS as f64 / 6.0; 6]);
}

#[test]
fn fixed_numbers_are_exact() {
    let all = assigned(&plain(10, "method: Complete(m: 3)"), 2000);
    assert!(all.iter().all(|a| count(a, 1.0) == 3));
    assert_probabilities("m", &all, &[0.7, 0.3]);
    for (m, n_treated) in [(0, 0), (10, 10)] {
        let all = assigned(&plain(10, &format!("method: Complete(m: {m})")), 50);
        assert!(all.iter().all(|a| count(a, 1.0) == n_treated), "m: {m}");
    }
    let arms = "method: Complete(m_each: [5, 0, 2]), conditions: [5, 7, 9]";
    let all = assigned(&plain(7, arms), 2000);
    for a in &all {
        assert_eq!([count(a, 5.0), count(a, 7.0), count(a, 9.0)], [5, 0, 2]);
    }
}

/// Clusters are assigned as wholes; units of a cluster share its condition.
#[test]
fn clusters_are_assigned_as_wholes() {
    let levels = "Level(name: region, n: 2), Level(name: village, n: \"poisson(3)\"), \
                  Level(name: person, n: \"poisson(2)\", variables: { x: \"normal(0, 1)\" }),";
    let plan = plan(&format!(
        "Design(steps: [{levels}
         Assignment(variable: z, method: Complete(prob: 0.4), clusters: village),
         Assignment(variable: w, method: Simple(prob: 0.4), level: region),
         Variables(variables: {{ zz: \"z + 0 * x\", ww: \"w + 0 * x\" }}) ])"
    ));
    let mut shares = Vec::new();
    for sim in 0..2000 {
        let ws = drawn(&plan, 2, sim);
        let table = plan.data_set(&ws, plan.deepest, usize::MAX);
        let village = plan.data_set(&ws, crate::common::level(&plan, "village"), usize::MAX);
        let z = values(&plan, &ws, "z");
        assert_eq!(z.len(), village.n_rows());
        let (treated, expected) = (count(z, 1.0) as f64, 0.4 * z.len() as f64);
        assert!((treated - expected).abs() < 1.0 - 1e-9, "{treated} of {}", z.len());
        shares.push(treated - expected);
        let column = |name: &str| match &table.column(name).unwrap().values {
            trialrun_plan::Values::Integer(v) => v.iter().map(|v| v.unwrap() as usize).collect(),
            _ => unreachable!(),
        };
        let (of_village, of_region): (Vec<usize>, Vec<usize>) =
            (column("village"), column("region"));
        let (zz, ww) = (values(&plan, &ws, "zz"), values(&plan, &ws, "ww"));
        let w = values(&plan, &ws, "w");
        for person in 0..table.n_rows() {
            assert_eq!(zz[person], z[of_village[person] - 1]);
            assert_eq!(ww[person], w[of_region[person] - 1]);
        }
    }
    assert_mean("treated villages", &shares, 0.0);
}

/// Each block is assigned on its own, with its own remainder.
#[test]
fn blocks_are_assigned_on_their_own() {
    let levels = "Level(name: region, n: 3), Level(name: village, n: 3),";
    for blocks in ["region", "side"] {
        let levels = format!("{levels} Variables(variables: {{ side: \"region * 10\" }}),");
        let plan = units(&levels, &format!("method: Complete(prob: 0.5), blocks: {blocks}"));
        let all = assigned(&plan, SIMS);
        assert_probabilities(blocks, &all, &[0.5, 0.5]);
        let mut joint = [0; 8];
        for a in &all {
            let mut place = 0;
            for block in a.chunks(3) {
                let treated = count(block, 1.0);
                assert!((1..=2).contains(&treated), "{block:?}");
                place = 2 * place + treated - 1;
            }
            joint[place] += 1;
        }
        assert_chi_squared(blocks, &joint, &[SIMS as f64 / 8.0; 8]);
        // Within a block, whichever way it is assigned, the others are as they are without.
        let given: Vec<&Vec<f64>> = all.iter().filter(|a| a[0] == 1.0).collect();
        let events = given.iter().filter(|a| a[4] == 1.0).count();
        assert_rate("across blocks", events, given.len(), 0.5);
        let events = given.iter().filter(|a| a[1] == 1.0).count();
        assert_rate("within a block", events, given.len(), 1.0 / 3.0);
    }
}

/// Blocks of one unit: each unit keeps its probability, and blocks are independent.
#[test]
fn blocks_of_one_unit_keep_the_probabilities() {
    let plan = units(
        "Level(name: village, n: 3),",
        "method: Complete(prob_each: [0.5, 0.3, 0.2]), conditions: [0, 1, 2], blocks: village",
    );
    let all = assigned(&plan, SIMS);
    assert_probabilities("blocks of one", &all, &[0.5, 0.3, 0.2]);
    let mut joint = [0; 9];
    all.iter().for_each(|a| joint[(3.0 * a[0] + a[1]) as usize] += 1);
    let p = [0.5, 0.3, 0.2];
    let expected: Vec<f64> = (0..9).map(|i| SIMS as f64 * p[i / 3] * p[i % 3]).collect();
    assert_chi_squared("blocks of one", &joint, &expected);
}

/// Clusters within blocks; a fixed number in each block.
#[test]
fn clusters_are_assigned_within_blocks() {
    let levels =
        "Level(name: region, n: 4), Level(name: village, n: 5), Level(name: person, n: 3),";
    let plan = units(levels, "method: Complete(m: 2), clusters: village, blocks: region");
    let all = assigned(&plan, 4000);
    assert_eq!(all[0].len(), 20);
    for a in &all {
        assert!(a.chunks(5).all(|block| count(block, 1.0) == 2), "{a:?}");
    }
    assert_probabilities("villages", &all, &[0.6, 0.4]);
}

/// Blocks by a value that varies from unit to unit, of random size.
#[test]
fn blocks_by_values_balance_each_value() {
    let plan = plan(
        "Design(steps: [
         Level(name: person, n: 40, variables: { girl: \"bernoulli(0.3)\" }),
         Assignment(variable: z, method: Complete(prob: 0.25), blocks: girl) ])",
    );
    let mut treated = Vec::new();
    for sim in 0..4000 {
        let ws = drawn(&plan, 2, sim);
        let (girl, z) = (values(&plan, &ws, "girl"), values(&plan, &ws, "z"));
        for value in [0.0, 1.0] {
            let own: Vec<f64> =
                z.iter().zip(girl).filter(|(_, g)| **g == value).map(|(z, _)| *z).collect();
            let expected = own.len() as f64 / 4.0;
            let found = count(&own, 1.0) as f64;
            assert!((found - expected).abs() < 1.0 - 1e-9, "{found} of {}", own.len());
            treated.push(found - expected);
        }
    }
    assert_mean("treated in blocks", &treated, 0.0);
}

/// Two assignments of one design are independent, unless one is blocked by the other.
#[test]
fn two_assignments_are_independent() {
    for (blocks, ways) in [("", [1.0, 4.0, 1.0]), (", blocks: w", [0.0, 6.0, 0.0])] {
        let plan = units(
            "Level(name: person, n: 4), Assignment(variable: w, method: Complete),",
            &format!("method: Complete{blocks}"),
        );
        let mut both = [0; 3];
        for sim in 0..SIMS {
            let ws = drawn(&plan, 5, sim);
            let (w, z) = (values(&plan, &ws, "w"), values(&plan, &ws, "z"));
            both[w.iter().zip(z).filter(|(w, z)| **w == 1.0 && **z == 1.0).count()] += 1;
        }
        // Of the two that w treats, z treats none, one or two (hypergeometric), or just one.
        for (events, ways) in both.into_iter().zip(ways) {
            assert_rate(blocks, events, SIMS as usize, ways / 6.0);
        }
    }
}

/// Numbers that do not fit are errors, at compile time where that is known.
#[test]
fn numbers_that_do_not_fit_are_refused() {
    for assignment in [
        "method: Complete(m: 11)",
        "method: Complete(m: 2.5)",
        "method: Complete(m_each: [5, 4])",
        "method: Complete(m_each: [5, 5, 0])",
        "method: Complete(prob: 1.5)",
        "method: Complete(prob_each: [0.5, 0.4])",
        "method: Simple(prob: 0.5), conditions: [0, 1, 2]",
        "method: Simple(m: 5)",
    ] {
        let source = format!(
            "Design(steps: [Level(name: unit, n: 10), Assignment(variable: z, {assignment}) ])"
        );
        let (design, errors) = read(&source);
        let compiled = design.map(|d| compile(&d, &Options::default()));
        assert!(!errors.is_empty() || compiled.is_some_and(|c| c.is_err()), "{assignment}");
    }
    for assignment in ["method: Complete(m: 3), blocks: side", "method: Complete(m_each: [3, 3])"] {
        let plan = units(
            "Level(name: region, n: 2), Level(name: unit, n: \"poisson(1) + 1\"), \
             Variables(variables: { side: \"region\" }),",
            assignment,
        );
        let mut ws = plan.workspace();
        let stopped = (0..50).any(|sim| plan.simulate(&mut ws, 1, sim).is_err());
        assert!(stopped, "{assignment}");
    }
}

/// A unit without a block can not be assigned in blocks: the simulation says so, and is not left
/// with what another simulation drew.
#[test]
fn units_without_a_block_are_reported() {
    let plan = plan(
        "Design(steps: [Level(name: unit, n: 12, variables: {
             block: \"if(uniform(0, 1) < 0.3, 0 / 0, bernoulli(0.5))\" }),
         Assignment(variable: z, method: Complete, blocks: block) ])",
    );
    let mut ws = plan.workspace();
    let stop = (0..20).find_map(|sim| plan.simulate(&mut ws, 1, sim).err()).expect("a stop");
    assert!(stop.0.message.contains("block"), "{}", stop.0.message);
}
