//! The randomisation audit: every method realises the probabilities that it declares, for single
//! units and for pairs, over 100,000 draws.

use trialrun_plan::{Options, Plan, compile};
use trialrun_run::audit::audit;

use crate::common::design;

const SEED: u64 = 20_261_121;
const SIMS: u64 = 100_000;

/// Levels of designs: units alone, and units in villages in regions.
const FLAT: &str = "Level(name: unit, n: 6, variables: { x: \"unit\" }),";
const NESTED: &str = "Level(name: region, n: 2), \
     Level(name: village, n: \"if(region == 1, 3, 2)\"), Level(name: unit, n: 2),";

/// A plan that finds all probabilities.
pub(super) fn audited(levels: &str, assignment: &str) -> Plan {
    let source = format!("Design(steps: [{levels} Assignment(variable: z, {assignment}) ])");
    let options = Options { probabilities: true, ..Options::default() };
    compile(&design(&source), &options)
        .unwrap_or_else(|e| panic!("{}", trialrun_lang::render(&e, "design", &source, false)))
}

/// Asserts that declared and realised probabilities agree; says whether they are exact.
fn assert_agrees(levels: &str, assignment: &str, sims: u64) -> (bool, bool) {
    let found = audit(&audited(levels, assignment), SEED, sims).expect("an audit");
    let step = &found.steps[0];
    assert!(found.agrees(), "{assignment}: {step:#?}");
    assert!(step.first.largest.realised > 0.0 || step.first.largest.declared > 0.0);
    (step.first.exact, step.second.as_ref().is_none_or(|second| second.exact))
}

fn assert_exact(levels: &str, assignment: &str) {
    assert_eq!(assert_agrees(levels, assignment, SIMS), (true, true), "{assignment}");
}

/// Every method, alone and in blocks, clusters, and clusters in blocks.
#[test]
fn simple_and_complete_are_what_they_declare() {
    let three = "conditions: [a, b, c]";
    for method in [
        "method: Simple(prob: 0.3)".to_string(),
        format!("method: Simple(prob_each: [0.5, 0.3, 0.2]), {three}"),
        "method: Complete".to_string(),
        "method: Complete(prob: 0.3)".to_string(),
        format!("method: Complete(prob_each: [0.5, 0.3, 0.2]), {three}"),
        format!("method: Complete, {three}"),
        "method: Complete(m: 1)".to_string(),
        "method: Complete(m: \"floor(n_block / 2)\")".to_string(),
    ] {
        assert_exact(FLAT, &method);
        assert_exact(NESTED, &format!("{method}, blocks: region"));
        assert_exact(NESTED, &format!("{method}, blocks: village"));
        assert_exact(NESTED, &format!("{method}, clusters: village"));
        assert_exact(NESTED, &format!("{method}, clusters: village, blocks: region"));
    }
}

/// The cases in which others fail: three units with probabilities .5 .3 .2, and blocks or
/// clusters of a single unit.
#[test]
fn few_units_keep_the_probabilities() {
    let three = "method: Complete(prob_each: [0.5, 0.3, 0.2]), conditions: [1, 2, 3]";
    for n in 1..=4 {
        let levels = format!("Level(name: unit, n: {n}),");
        assert_exact(&levels, three);
        assert_exact(&levels, &format!("{three}, blocks: unit"));
        assert_exact(&levels, &format!("{three}, clusters: unit"));
        assert_exact(&levels, "method: Complete(prob: 0.9)");
        assert_exact(&levels, "method: Complete(prob: 0.5), blocks: unit");
    }
    let lone = "Level(name: village, n: 3), Level(name: unit, n: 1),";
    assert_exact(lone, &format!("{three}, clusters: village, blocks: village"));
}

/// Numbers that differ from unit to unit or from block to block.
#[test]
fn expressions_give_units_and_blocks_their_own_shares() {
    let levels = "Level(name: unit, n: 7, variables: { u: \"unit / 8\", late: \"unit > 3\" }),";
    assert_exact(levels, "method: Simple(prob_unit: \"u\")");
    let each = "prob_unit: [\"u / 2\", \"u / 2\", \"1 - u\"]";
    assert_exact(levels, &format!("method: Simple({each}), conditions: [a, b, c]"));
    assert_exact(levels, "method: Simple(prob: \"if(late, 0.2, 0.7)\"), blocks: late");
    assert_exact(levels, "method: Complete(prob: \"if(late, 0.2, 0.7)\"), blocks: late");
    assert_exact(levels, "method: Complete(m: \"if(late, 1, n_block)\"), blocks: late");
    let each = "m_each: [\"n_block - 2\", 1, 1]";
    assert_exact(levels, &format!("method: Complete({each}), conditions: [a, b, c], blocks: late"));
    // Sizes that are drawn.
    let drawn = "Level(name: block, n: 3), Level(name: unit, n: \"binomial(3, 0.5) + 1\"),";
    assert_exact(drawn, "method: Complete(prob: 0.4), blocks: block");
    assert_exact(drawn, "method: Complete(prob_each: [0.5, 0.3, 0.2]), conditions: [1, 2, 3]");
}

/// Clusters and blocks by variables, alone and several.
#[test]
fn clusters_and_blocks_by_variables() {
    let levels = "Level(name: unit, n: 12, variables: {
        side: \"unit % 2\", household: \"ceiling(unit / 4) + 10 * side\", old: \"unit > 6\" }),";
    for blocks in ["", ", blocks: side", ", blocks: [side]"] {
        assert_exact(levels, &format!("method: Complete, clusters: household{blocks}"));
        assert_exact(levels, &format!("method: Simple(prob: 0.2), clusters: household{blocks}"));
        let m = "method: Complete(m: \"n_block - 1\")";
        assert_exact(levels, &format!("{m}, clusters: household{blocks}"));
    }
    assert_exact(levels, "method: Complete(prob: 0.4), blocks: [side, old]");
}

#[test]
fn listed_assignments_have_their_probabilities() {
    let list = "assignments: [[0, 1, 1], [1, 0, 0], [0, 0, 1]]";
    let levels = "Level(name: block, n: 2), Level(name: unit, n: 3),";
    let named = "assignments: [[a, c, b], [c, a, a]], probabilities: [0.8, 0.2]";
    let three = "Level(name: unit, n: 3),";
    assert_exact(three, &format!("method: Custom({list})"));
    assert_exact(three, &format!("method: Custom({list}, probabilities: [0.5, 0.3, 0.2])"));
    assert_exact(three, &format!("method: Custom({named}), conditions: [a, b, c]"));
    assert_exact(levels, &format!("method: Custom({list}), blocks: block"));
    let clusters = "Level(name: village, n: 3), Level(name: unit, n: 2),";
    assert_exact(clusters, &format!("method: Custom({list}), clusters: village"));
}

#[test]
fn latin_squares_are_shuffled() {
    for k in 2..=3 {
        let levels = format!(
            "Level(name: unit, n: {}, variables: {{ r: \"floor((unit - 1) / {k})\", \
             c: \"unit % {k}\" }}),",
            k * k
        );
        let conditions: Vec<String> = (0..k).map(|i| i.to_string()).collect();
        let conditions = conditions.join(", ");
        let square = format!("method: LatinSquare(row: r, column: c), conditions: [{conditions}]");
        assert_exact(&levels, &square);
    }
    let two = "Level(name: farm, n: 2), Level(name: unit, n: 9, variables: {
        r: \"floor((unit - 1) / 3) % 3\", c: \"unit % 3\" }),";
    let square = "method: LatinSquare(row: r, column: c), conditions: [0, 1, 2], blocks: farm";
    assert_exact(two, square);
}

#[test]
fn stepped_wedges_go_over_in_turn() {
    let levels = "Level(name: region, n: 2), Level(name: ward, n: 2),
        Level(name: cell, n: 3, variables: { wave: \"(cell - 1) % 3 + 2\" }),";
    for shares in ["", ", prob_each: [0.5, 0.3, 0.2]"] {
        let method = format!("method: SteppedWedge(time: wave, starts: [2, 3, 4]{shares})");
        assert_exact(levels, &format!("{method}, clusters: ward"));
        assert_exact(levels, &format!("{method}, clusters: ward, blocks: region"));
    }
    let flat = "Level(name: cell, n: 12, variables: {
        ward: \"ceiling(cell / 3)\", wave: \"(cell - 1) % 3\" }),";
    let wedge = "method: SteppedWedge(time: wave, starts: [1, 2], m_each: [1, 3]), clusters: ward";
    assert_exact(flat, wedge);
}

/// What is left over in blocks is balanced across them: probabilities of single units stay
/// exact, those of pairs are estimated unless nothing is left over.
#[test]
fn balanced_leftovers_keep_the_probabilities() {
    let levels = "Level(name: block, n: 3), Level(name: unit, n: \"if(block == 1, 3, 2)\"),";
    for shares in ["prob: 0.3", "prob_each: [0.7, 0.3]"] {
        let assignment = format!("method: Complete({shares}, balance: true), blocks: block");
        assert_eq!(assert_agrees(levels, &assignment, 500), (true, false), "{assignment}");
    }
    let arms = "method: Complete(prob_each: [0.5, 0.3, 0.2], balance: true), \
                conditions: [a, b, c], blocks: block";
    assert_eq!(assert_agrees(levels, arms, 500), (true, false));
    let whole = "Level(name: block, n: 3), Level(name: unit, n: 4),";
    assert_exact(whole, "method: Complete(prob: 0.25, balance: true), blocks: block");
}

/// Rerandomised: exact for two even arms, else estimated from draws.
#[test]
fn rerandomised_probabilities_are_estimated() {
    let levels = "Level(name: unit, n: 8, variables: { x: \"unit^2\", v: \"unit % 3\" }),";
    let accept = "rerandomise: ( on: [x, v], acceptance: 0.3 )";
    let even = format!("method: Complete, {accept}");
    assert_eq!(assert_agrees(levels, &even, 300), (true, false));
    for method in ["Complete(m: 3)", "Complete(prob: 0.3)", "Simple(prob: 0.6)"] {
        let assignment = format!("method: {method}, {accept}");
        assert_eq!(assert_agrees(levels, &assignment, 300), (false, false), "{method}");
    }
    let arms = format!("method: Complete, {accept}, conditions: [a, b, c]");
    assert_eq!(assert_agrees(levels, &arms, 300), (false, false));
}

/// Samples are audited with assignments: one step for each.
#[test]
fn samples_are_audited_too() {
    let levels = "Level(name: village, n: 4), Level(name: person, n: 3, variables: {
        p: \"(person % 3 + 1) / 5\" }),";
    for (sampling, has_pairs) in [
        ("method: Simple(prob: p)", true),
        ("method: Complete(n: 2), strata: village", true),
        ("method: Complete(n: 5)", true),
        ("method: Complete(prob: 0.4), strata: village", true),
        ("method: Complete(prob: p)", false),
    ] {
        let sampling = sampling.replace("prob: p", "prob: \"p\"");
        let levels = format!("{levels} Sampling({sampling}),");
        let found = audit(&audited(&levels, "method: Complete"), SEED, SIMS).expect("an audit");
        assert!(found.agrees(), "{sampling}: {found:#?}");
        let [sample, z] = found.steps.as_slice() else { panic!("{found:?}") };
        assert_eq!((sample.variable.as_str(), z.variable.as_str()), ("sample of person", "z"));
        assert_eq!((sample.first.exact, sample.second.is_some()), (true, has_pairs));
    }
    let twice = "Level(name: person, n: 9), Sampling(method: WithReplacement),";
    let found = audit(&audited(twice, "method: Complete"), SEED, 1_000).expect("an audit");
    assert_eq!(found.steps.len(), 1);
}
