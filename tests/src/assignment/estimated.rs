//! Probabilities that have no closed form: those realised over 100,000 draws are the ones that the
//! enumeration of all assignments gives, or those that the plan estimates from draws of its own.

use trialrun_plan::Plan;
use trialrun_stats::special::chi_squared;

use super::audit::audited;
use super::{assigned, units};
use crate::common::P_MIN;

const SIMS: u64 = 100_000;

/// Simulations whose estimated probabilities are averaged.
const ESTIMATES: u64 = 400;

/// Draws behind each estimate.
const DRAWS: u64 = 1_000;

/// Probabilities of the arms of two units, the arms of the second fastest, for each pair.
type Pairs = Vec<Vec<f64>>;

/// The pairs of `n` units.
fn pairs(n: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..n).flat_map(move |i| (i + 1..n).map(move |j| (i, j)))
}

/// Shares of the arms of pairs among weighted assignments.
fn shares<'a>(k: usize, all: impl Iterator<Item = (&'a [f64], f64)>) -> Pairs {
    let (mut found, mut total): (Pairs, f64) = (Vec::new(), 0.0);
    for (arms, weight) in all {
        found.resize(pairs(arms.len()).count(), vec![0.0; k * k]);
        for ((i, j), cells) in pairs(arms.len()).zip(&mut found) {
            cells[arms[i] as usize * k + arms[j] as usize] += weight;
        }
        total += weight;
    }
    found.iter_mut().flatten().for_each(|share| *share /= total);
    found
}

/// Asserts that realised shares agree with expected ones that are known from `m` draws.
fn assert_pairs(what: &str, realised: &Pairs, expected: &Pairs, m: f64) {
    assert_eq!(realised.len(), expected.len());
    let n = SIMS as f64;
    for (pair, (seen, p)) in realised.iter().zip(expected).enumerate() {
        let (mut statistic, mut cells) = (0.0, 0.0);
        for (seen, p) in seen.iter().zip(p) {
            if *p == 0.0 {
                assert_eq!(*seen, 0.0, "{what}: pair {pair} is impossible");
            } else {
                statistic += n * (seen - p) * (seen - p) / (p * (1.0 + n / m));
                cells += 1.0;
            }
        }
        let p = chi_squared::upper(statistic, cells - 1.0) * realised.len() as f64;
        assert!(p >= P_MIN, "{what}: pair {pair}: {seen:?}, not {:?}: p = {p}", expected[pair]);
    }
}

fn realised(levels: &str, assignment: &str, k: usize) -> Pairs {
    let all = assigned(&units(levels, assignment), SIMS);
    shares(k, all.iter().map(|arms| (arms.as_slice(), 1.0)))
}

/// What the plan declares, averaged over simulations.
fn declared(plan: &Plan, n: usize, k: usize) -> Pairs {
    let mut ws = plan.workspace();
    let mut sums = vec![vec![0.0; k * k]; pairs(n).count()];
    for sim in 0..ESTIMATES {
        plan.simulate_allocations(&mut ws, 29, sim).unwrap_or_else(|s| panic!("{:?}", s.0));
        let p = &ws.allocation(plan.allocations[0].id).probabilities;
        for ((i, j), cells) in pairs(n).zip(&mut sums) {
            for (cell, sum) in cells.iter_mut().enumerate() {
                *sum += p.joint(i, cell / k, j, cell % k) / ESTIMATES as f64;
            }
        }
    }
    sums
}

/// The distance of an assignment: `sum over arms of n_k (x_k - x)' S^-1 (x_k - x)`, for two
/// covariates.
fn distance(x: &[[f64; 2]], arms: &[f64], k: usize) -> f64 {
    let n = x.len() as f64;
    let mean = [0, 1].map(|c| x.iter().map(|x| x[c]).sum::<f64>() / n);
    let cross = |a: usize, b: usize| {
        x.iter().map(|x| (x[a] - mean[a]) * (x[b] - mean[b])).sum::<f64>() / (n - 1.0)
    };
    let [saa, sab, sbb] = [cross(0, 0), cross(0, 1), cross(1, 1)];
    let det = saa * sbb - sab * sab;
    (0..k)
        .map(|arm| {
            let own = || x.iter().zip(arms).filter(|(_, a)| **a == arm as f64);
            let size = own().count() as f64;
            if size == 0.0 {
                return 0.0;
            }
            let [a, b] = [0, 1].map(|c| own().map(|(x, _)| x[c]).sum::<f64>() / size - mean[c]);
            size * (a * a * sbb - 2.0 * a * b * sab + b * b * saa) / det
        })
        .sum()
}

/// All assignments of `n` units to `k` arms, each with its probability, which hangs on the numbers
/// of units in the arms.
fn enumerated(n: usize, k: usize, probability: impl Fn(&[usize]) -> f64) -> Vec<(Vec<f64>, f64)> {
    let all = (0..k.pow(n as u32)).map(|code| {
        let arms: Vec<usize> = (0..n).map(|unit| code / k.pow(unit as u32) % k).collect();
        let numbers: Vec<usize> =
            (0..k).map(|arm| arms.iter().filter(|a| **a == arm).count()).collect();
        (arms.iter().map(|arm| *arm as f64).collect(), probability(&numbers))
    });
    all.filter(|(_, p)| *p > 0.0).collect()
}

fn factorial(n: usize) -> f64 {
    (1..=n).map(|i| i as f64).product()
}

/// One over the number of assignments with these numbers of units.
fn each(numbers: &[usize]) -> f64 {
    numbers.iter().map(|n| factorial(*n)).product::<f64>() / factorial(numbers.iter().sum())
}

/// Rerandomised assignments are those of their method that are near enough, as likely among each
/// other as before; and what the plan estimates is what happens.
#[test]
fn rerandomised_probabilities_are_those_of_the_accepted() {
    let n = 8;
    let levels = "Level(name: unit, n: 8, variables: { x: \"unit^2\", v: \"unit % 3\" }),";
    let x: Vec<[f64; 2]> = (1..=n).map(|u| [(u * u) as f64, (u % 3) as f64]).collect();
    type Prior<'a> = &'a dyn Fn(&[usize]) -> f64;
    let cases: [(&str, &str, usize, Prior<'_>); 5] = [
        ("Complete", "", 2, &|m| if m[1] == 4 { each(m) } else { 0.0 }),
        ("Complete(m: 3)", "", 2, &|m| if m[1] == 3 { each(m) } else { 0.0 }),
        // 0.3 of 8 is 2.4: two are treated with probability 0.6, and three with 0.4.
        ("Complete(prob: 0.3)", "", 2, &|m| match m[1] {
            2 => 0.6 * each(m),
            3 => 0.4 * each(m),
            _ => 0.0,
        }),
        ("Simple(prob: 0.6)", "", 2, &|m| 0.6_f64.powi(m[1] as i32) * 0.4_f64.powi(m[0] as i32)),
        // A third of 8 in each arm: one of the three arms is a unit short.
        ("Complete", ", conditions: [0, 1, 2]", 3, &|m| {
            let mut sorted = m.to_vec();
            sorted.sort_unstable();
            if sorted == [2, 3, 3] { each(m) / 3.0 } else { 0.0 }
        }),
    ];
    for (method, conditions, k, prior) in cases {
        let d = 2.0 * (k as f64 - 1.0);
        let threshold = chi_squared::quantile(0.3, d);
        let mut accepted = enumerated(n, k, prior);
        let n_all = accepted.len();
        accepted.retain(|(arms, _)| distance(&x, arms, k) <= threshold);
        assert!((4..n_all).contains(&accepted.len()), "{method}: {}", accepted.len());
        let expected = shares(k, accepted.iter().map(|(arms, p)| (arms.as_slice(), *p)));
        let assignment =
            format!("method: {method}{conditions}, rerandomise: ( on: [x, v], acceptance: 0.3 )");
        assert_pairs(method, &realised(levels, &assignment, k), &expected, f64::INFINITY);
        let estimated = declared(&audited(levels, &assignment), n, k);
        let worst = expected.iter().flatten().zip(estimated.iter().flatten());
        let worst = worst.map(|(p, e)| (p - e).abs()).fold(0.0, f64::max);
        assert!(worst < 0.005, "{method}: declared {worst} off what is enumerated");
    }
}

/// Leftovers balanced across blocks: pairs have the probabilities that the plan estimates.
#[test]
fn balanced_pairs_have_their_estimated_probabilities() {
    let levels = "Level(name: block, n: 3), Level(name: unit, n: \"if(block == 1, 3, 2)\"),";
    for (shares, conditions, k) in [
        ("prob: 0.3", "", 2),
        ("prob_each: [0.7, 0.3]", "", 2),
        ("prob_each: [0.5, 0.3, 0.2]", ", conditions: [0, 1, 2]", 3),
    ] {
        let assignment =
            format!("method: Complete({shares}, balance: true){conditions}, blocks: block");
        let plan = audited(levels, &assignment);
        let expected = declared(&plan, 7, k);
        let m = (ESTIMATES * DRAWS) as f64;
        assert_pairs(shares, &realised(levels, &assignment, k), &expected, m);
    }
}
