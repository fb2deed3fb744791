//! Small designs, enumerated: every possible assignment appears, with its probability; and what
//! balanced, rerandomised and stepped designs keep besides.

use std::collections::BTreeMap;

use super::{SIMS, assert_probabilities, assigned, count, plain, units};
use crate::common::{assert_chi_squared, assert_close, assert_mean, drawn, plan, values};

/// How often each assignment appears.
fn ways(all: &[Vec<f64>]) -> BTreeMap<Vec<u8>, usize> {
    let mut ways = BTreeMap::new();
    for a in all {
        *ways.entry(a.iter().map(|z| *z as u8).collect()).or_default() += 1;
    }
    ways
}

/// Asserts that just these assignments appear, with these probabilities.
fn assert_ways(what: &str, all: &[Vec<f64>], expected: &[(Vec<u8>, f64)]) {
    let found = ways(all);
    let counts: Vec<usize> =
        expected.iter().map(|(way, _)| found.get(way).copied().unwrap_or(0)).collect();
    assert_eq!(found.len(), expected.len(), "{what}: {:?}", found.keys());
    let expected: Vec<f64> = expected.iter().map(|(_, p)| p * all.len() as f64).collect();
    assert_chi_squared(what, &counts, &expected);
}

/// All orders of three things.
const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

/// The orders of three arms, each once, with its share of a probability.
fn orders(arms: [u8; 3], probability: f64) -> Vec<(Vec<u8>, f64)> {
    let mut all: Vec<Vec<u8>> =
        ORDERS.iter().map(|order| order.iter().map(|i| arms[*i]).collect()).collect();
    all.sort();
    all.dedup();
    let each = probability / all.len() as f64;
    all.into_iter().map(|way| (way, each)).collect()
}

/// Three units with probabilities .5, .3 and .2: the expectations 1.5, .9 and .6 cumulate to 1.5
/// and 2.4, so a uniform draw rounds them to (1, 1, 1) below .5, to (2, 0, 1) up to .6, and to
/// (2, 1, 0) above.
#[test]
fn remainders_are_drawn_systematically() {
    let complete = "method: Complete(prob_each: [0.5, 0.3, 0.2]), conditions: [0, 1, 2]";
    let mut expected = orders([0, 1, 2], 0.5);
    expected.extend(orders([0, 0, 2], 0.1));
    expected.extend(orders([0, 0, 1], 0.4));
    assert_ways(complete, &assigned(&plain(3, complete), SIMS), &expected);
}

#[test]
fn listed_assignments_are_all_there_is() {
    let list = "method: Custom(assignments: [[0, 1, 1], [1, 0, 0], [0, 0, 1]], \
                probabilities: [0.5, 0.3, 0.2])";
    let expected = [(vec![0, 1, 1], 0.5), (vec![1, 0, 0], 0.3), (vec![0, 0, 1], 0.2)];
    assert_ways("custom", &assigned(&plain(3, list), SIMS), &expected);
    let both: Vec<(Vec<u8>, f64)> = expected
        .iter()
        .flat_map(|(a, p)| expected.iter().map(move |(b, q)| ([&a[..], b].concat(), p * q)))
        .collect();
    let blocks = units(
        "Level(name: block, n: 2), Level(name: unit, n: 3),",
        &format!("{list}, blocks: block"),
    );
    assert_ways("custom in blocks", &assigned(&blocks, SIMS), &both);
}

/// There are twelve Latin squares of side three, and shuffles make them all.
#[test]
fn latin_squares_of_three_are_equally_likely() {
    let plan = units(
        "Level(name: unit, n: 9, variables: { r: \"floor((unit - 1) / 3)\", c: \"unit % 3\" }),",
        "method: LatinSquare(row: r, column: c), conditions: [0, 1, 2]",
    );
    let found = ways(&assigned(&plan, SIMS));
    for square in found.keys() {
        let line = |cells: [usize; 3]| cells.iter().map(|i| 1 << square[*i]).sum::<u32>() == 7;
        let rows = (0..3).all(|r| line([3 * r, 3 * r + 1, 3 * r + 2]));
        assert!(rows && (0..3).all(|c| line([c, c + 3, c + 6])), "{square:?}");
    }
    assert_eq!(found.len(), 12);
    let counts: Vec<usize> = found.into_values().collect();
    assert_chi_squared("squares", &counts, &[SIMS as f64 / 12.0; 12]);
}

/// Clusters go over once, and stay; starts are an order of the clusters.
#[test]
fn wedges_have_each_start_once() {
    let plan = units(
        "Level(name: ward, n: 3), Level(name: cell, n: 4, variables: {
            wave: \"(cell - 1) % 4 + 1\" }),",
        "method: SteppedWedge(time: wave, starts: [2, 3, 4]), clusters: ward",
    );
    let steps = [[0, 1, 1, 1], [0, 0, 1, 1], [0, 0, 0, 1]];
    let expected: Vec<(Vec<u8>, f64)> = ORDERS
        .iter()
        .map(|order| (order.iter().flat_map(|i| steps[*i]).collect(), 1.0 / 6.0))
        .collect();
    assert_ways("wedge", &assigned(&plan, SIMS), &expected);
}

/// Of the six ways to treat two of four units, those with a distance up to the threshold appear,
/// all equally often: with x = 1, 2, 3, 7 the differences of means are 5.5 to 2.5 apart.
#[test]
fn rerandomisation_draws_from_the_accepted() {
    let levels = "Level(name: unit, n: 4, variables: { x: \"if(unit == 4, 7, unit)\" }),";
    let x = [1.0, 2.0, 3.0, 7.0];
    let variance = x.iter().map(|x| (x - 3.25) * (x - 3.25)).sum::<f64>() / 3.0;
    let mut pairs = Vec::new();
    for (i, j) in [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)] {
        let difference = 0.5 * (2.0 * (x[i] + x[j]) - x.iter().sum::<f64>());
        pairs.push((i, j, difference * difference / variance));
    }
    let threshold = 1.0;
    let accepted: Vec<_> = pairs.into_iter().filter(|(.., m)| *m <= threshold).collect();
    assert!((2..6).contains(&accepted.len()), "{accepted:?}");
    let way = |i: usize, j: usize| (0..4).map(|u| u8::from(u == i || u == j)).collect();
    let n = accepted.len() as f64;
    let expected: Vec<(Vec<u8>, f64)> =
        accepted.iter().map(|(i, j, _)| (way(*i, *j), 1.0 / n)).collect();
    let assignment = format!("method: Complete, rerandomise: ( on: x, threshold: {threshold} )");
    assert_ways("rerandomised", &assigned(&units(levels, &assignment), SIMS), &expected);
}

/// Accepting a share `a` of assignments scales the variance of the difference in a covariate's
/// means by `v = P(chi2(d + 2) <= q) / P(chi2(d) <= q)`, with `q` the quantile of `a`.
///
/// Morgan and Rubin (2012), Annals of Statistics 40:1263, theorem 3.1.
#[test]
fn rerandomisation_reduces_the_variance_as_theory_says() {
    use trialrun_stats::special::chi_squared;
    let levels = "Level(name: unit, n: 60, variables: {
        x: \"normal(0, 1)\", v: \"exponential(1) + x\" }),";
    for (blocks, method) in [("", "Complete"), (", blocks: half", "Complete(prob: 0.5)")] {
        let source = format!(
            "Design(steps: [{levels} Variables(variables: {{ half: \"unit % 2\" }}),
             Assignment(variable: z, method: {method}{blocks},
                 rerandomise: ( on: [x, v], acceptance: 0.1 ))])"
        );
        let plan = plan(&source);
        let mut ratios = Vec::new();
        for sim in 0..4000 {
            let ws = drawn(&plan, 3, sim);
            let (x, z) = (values(&plan, &ws, "x"), values(&plan, &ws, "z"));
            // Within blocks, if there are any: units of one parity.
            let groups = if blocks.is_empty() { 1 } else { 2 };
            let mut squares = 0.0;
            for g in 0..groups {
                let own: Vec<f64> = x.iter().skip(g).step_by(groups).copied().collect();
                let mean = own.iter().sum::<f64>() / own.len() as f64;
                let sum: f64 = own.iter().map(|x| (x - mean) * (x - mean)).sum();
                squares += sum * own.len() as f64 / (own.len() as f64 - 1.0);
            }
            let difference: f64 = x.iter().zip(z).map(|(x, z)| x * (2.0 * z - 1.0)).sum();
            ratios.push(difference * difference / squares);
        }
        let q = chi_squared::quantile(0.1, 2.0);
        let v = chi_squared::cdf(q, 4.0) / chi_squared::cdf(q, 2.0);
        // The chi-squared distribution is an approximation: allow for it.
        let mean = ratios.iter().sum::<f64>() / ratios.len() as f64;
        assert_close(blocks, mean, v, 0.1);
    }
}

/// With leftovers balanced, blocks and the whole have their expectations rounded down or up, and
/// every unit its probability.
#[test]
fn balanced_leftovers_are_even_over_all_blocks() {
    let levels = "Level(name: block, n: 5), Level(name: unit, n: 3),";
    for (shares, each) in [
        ("prob: 0.5", vec![0.5, 0.5]),
        ("prob: 0.3", vec![0.7, 0.3]),
        ("prob_each: [0.5, 0.3, 0.2]", vec![0.5, 0.3, 0.2]),
        ("prob_each: [0.25, 0.25, 0.25, 0.25]", vec![0.25; 4]),
    ] {
        let conditions: Vec<String> = (0..each.len()).map(|c| c.to_string()).collect();
        let conditions = conditions.join(", ");
        let what = format!(
            "method: Complete({shares}, balance: true), blocks: block, conditions: [{conditions}]"
        );
        let all = assigned(&units(levels, &what), SIMS);
        assert_probabilities(&what, &all, &each);
        for (condition, p) in each.iter().enumerate() {
            let number = |units: &[f64]| count(units, condition as f64) as f64;
            for a in &all {
                assert!((number(a) - 15.0 * p).abs() < 1.0 - 1e-9, "{what}: {a:?}");
                let near = |block: &[f64]| (number(block) - 3.0 * p).abs() < 1.0 - 1e-9;
                assert!(a.chunks(3).all(near), "{what}: {a:?}");
            }
            let numbers: Vec<f64> = all.iter().map(|a| number(a)).collect();
            assert_mean(&what, &numbers, 15.0 * p);
        }
    }
}

/// Weighted by one over its probability, each arm's mean is that of all units.
#[test]
fn probabilities_of_assignment_weigh_units() {
    let plan = plan(
        "Design(steps: [
         Level(name: side, n: 2), Level(name: unit, n: 8, variables: { x: \"unit^2\" }),
         Assignment(variable: z, method: Complete(prob: \"if(side == 1, 0.25, 0.6)\"),
             blocks: side),
         Variables(variables: { w: \"1 / z_prob\", all: \"mean(x)\" }) ])",
    );
    let mut errors = Vec::new();
    for sim in 0..20_000 {
        let ws = drawn(&plan, 4, sim);
        let of = |name| values(&plan, &ws, name);
        let (x, z, w) = (of("x"), of("z"), of("w"));
        let p = |unit: usize| [0.25, 0.6][unit / 8];
        for unit in 0..16 {
            let own = if z[unit] == 1.0 { p(unit) } else { 1.0 - p(unit) };
            assert_eq!(w[unit], 1.0 / own);
        }
        let total: f64 = (0..16).filter(|u| z[*u] == 1.0).map(|u| x[u] * w[u]).sum();
        errors.push(total / 16.0 - of("all")[0]);
    }
    assert_mean("weighted", &errors, 0.0);
}

/// Pairs are of units that are alike, within what they must be alike in; a coin decides in each.
#[test]
fn matched_pairs_are_alike() {
    let plan = plan(
        "Design(steps: [
         Level(name: region, n: 2), Level(name: person, n: 21, variables: {
             x: \"normal(0, 1)\", v: \"normal(x, 1)\", girl: \"bernoulli(0.5)\" }),
         Match(variable: pair, on: [x, v], within: [region, girl]),
         Match(variable: four, on: v, size: 4),
         Assignment(variable: z, method: Complete(prob: 0.5), blocks: pair) ])",
    );
    let (mut within, mut among) = (0.0, 0.0);
    for sim in 0..200 {
        let ws = drawn(&plan, 8, sim);
        let of = |name: &str| values(&plan, &ws, name);
        let (x, girl, z, pair) = (of("x"), of("girl"), of("z"), of("pair"));
        let mut pairs: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for unit in 0..42 {
            pairs.entry(pair[unit] as u32).or_default().push(unit);
        }
        let mut odd = BTreeMap::new();
        for set in pairs.values() {
            let place = |unit: usize| (unit / 21, girl[unit] as u8);
            assert!(set.iter().all(|unit| place(*unit) == place(set[0])), "{set:?}");
            match set.as_slice() {
                [a, b] => {
                    assert_eq!(z[*a] + z[*b], 1.0);
                    within += (x[*a] - x[*b]) * (x[*a] - x[*b]);
                    among += 2.0;
                }
                [lone] => assert_eq!(odd.insert(place(*lone), ()), None, "a second lone unit"),
                other => panic!("{other:?}"),
            }
        }
        // Numbers of sets are those from 1 on.
        assert!(pairs.keys().copied().eq(1..=pairs.len() as u32));
        // With one covariate, sets are runs of the sorted units.
        let (v, four) = (of("v"), of("four"));
        let mut order: Vec<usize> = (0..42).collect();
        order.sort_by(|a, b| v[*a].total_cmp(&v[*b]));
        assert!(order.iter().enumerate().all(|(i, unit)| four[*unit] as usize == i / 4 + 1));
    }
    assert!(within < 0.25 * among, "{within} of {among}");
}
