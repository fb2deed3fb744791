//! No allocation in the loop over simulations, counted by the allocator itself.
//!
//! A program of its own: the counters are the process's, and a test harness would allocate, on a
//! thread of its own, when a test takes long.
#![allow(clippy::print_stdout, reason = "it says what it has tried, as a harness would")]

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use trialrun_plan::{Options, Plan, compile, read};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Simulations of the gallery in which buffers may still grow.
const WARM_UP: u64 = 300;

/// The same where every size is random: the largest comes later.
const LONG_WARM_UP: u64 = 1500;

/// Simulations in which nothing may be allocated.
const COUNTED: u64 = 1000;

fn plan(source: &str) -> Plan {
    let (design, errors) = read(source);
    assert!(errors.is_empty(), "{errors:?}");
    let design = design.unwrap();
    let folder = format!("{}/../designs", env!("CARGO_MANIFEST_DIR"));
    let table = |name: &str| {
        let path = std::path::Path::new(&folder).join(name);
        (name.to_string(), trialrun_frame::read(&path).expect("a data file").0)
    };
    let files: Vec<_> = design.data_files().iter().map(|file| table(&file.text)).collect();
    let diagnosands = trialrun_run::diagnosands::INFO;
    let options = Options { diagnosands, files: &files, ..Options::default() };
    compile(&design, &options).unwrap_or_else(|e| panic!("{e:?}"))
}

/// Allocations and reallocations after the warm-up, and their bytes.
fn allocated(plan: &Plan, warm_up: u64) -> (usize, usize) {
    let mut ws = plan.workspace();
    let mut run = |sims: std::ops::Range<u64>| {
        sims.into_iter().for_each(|sim| plan.simulate(&mut ws, 1, sim).expect("a simulation"));
    };
    run(0..warm_up);
    let region = Region::new(ALLOCATOR);
    run(warm_up..warm_up + COUNTED);
    let change = region.change();
    (change.allocations + change.reallocations, change.bytes_allocated)
}

/// What the gallery lacks: every reduction and draw, groups by value, real category blocks.
const EVERYTHING: &str = r#"Design(steps: [
    Level(name: school, n: 5, variables: { s: "normal(0, 1)", kind: "categorical(0.5, 0.5)" }),
    Level(name: class, n: "binomial(3, 0.5) + 1", variables: {
        c: "gamma(2, 1)", k: "binomial(20, 0.5)",
    }),
    Level(name: student, n: "binomial(10, 0.5) + 1", variables: {
        x: "student_t(5) + beta(2, 2)", g: "bernoulli(0.5)", e: "exponential(1)",
        q: "quantile(x, 0.3) + median(x, by = class) + sd(x, by = school)",
        nb: "negative_binomial(3, 2) * lognormal(0, 1)",
    }),
    PotentialOutcomes(outcome: y, conditions: { arm: [a, b, c] },
        formula: "x + s + c + (arm == 'b') * g"),
    Estimand(label: one, value: "mean(y_arm_b - y_arm_a)", where: "g == 1"),
    Assignment(variable: arm, method: Complete(prob_each: [0.3, 0.3, 0.4]), blocks: kind),
    Assignment(variable: w, method: Simple, clusters: class),
    Reveal(outcome: y),
    Estimator(label: "factors", estimand: one, term: armb,
        method: LmRobust(formula: "y ~ arm * g + factor(kind)", se: HC3)),
    Estimator(label: "clusters", term: armb,
        method: LmRobust(formula: "y ~ arm + x", clusters: class, se: CR2,
        joint: [["armb", "armc"]])),
    Estimator(label: "two ways", term: armb, method: LmRobust(
        formula: "cbind(y, q, lost = if(x > 2, NA, nb)) ~ arm + x", clusters: [class, k],
        joint: [["armb", "armc", "x = 1"]])),
    Estimator(label: "drawn again", term: w, inference: Randomisation(draws: 30, assignment: w,
        statistic: Studentised), method: LmRobust(formula: "y ~ w + x", clusters: class)),
    Estimator(label: "any arm", term: armb, inference: Randomisation(draws: 30, assignment: arm,
        interval: OfMethod), method: LmRobust(formula: "y ~ arm + x",
        hypotheses: ["armb - armc"], joint: [["armb", "armc"]])),
    Estimator(label: "wild", term: armb, inference: WildCluster(replicates: 99, weights: Webb),
        method: LmRobust(formula: "y ~ arm + x", clusters: class, se: CR2,
        joint: [["armb", "x = 1"]])),
    Estimator(label: "pairs", term: armb, inference: Bootstrap(replicates: 99),
        method: LmRobust(formula: "y ~ arm + x", joint: [["armb", "armc"]])),
    Estimator(label: "weights", estimand: one, method: LmRobust(formula: "y ~ arm", weights: e,
        hypotheses: ["armb - armc = 0", "armb = 1"], joint: [["armb = 1", "armc = 2"]])),
    Estimator(label: "values", term: armb,
        method: LmRobust(formula: "y ~ arm", clusters: k, se: Stata)),
    Estimator(label: "means", method: DifferenceInMeans(formula: "y ~ arm", blocks: kind,
        condition1: a, condition2: b)),
    Estimator(label: "means of classes", method: DifferenceInMeans(formula: "y ~ w", weights: e,
        clusters: class)),
    Estimator(label: "means within blocks", method: DifferenceInMeans(formula: "y ~ w",
        blocks: kind, clusters: class)),
    Estimator(label: "two-stage", method: IvRobust(formula: "y ~ x + g | e + q + g",
        clusters: class, fixed_effects: [kind])),
    Estimator(label: "fixed effects", term: armb, method: LmRobust(formula: "y ~ arm + x",
        fixed_effects: [class, g], se: HC3)),
    Estimator(label: "effects and clusters", term: armb, method: LmRobust(formula: "y ~ arm",
        fixed_effects: [kind, g], clusters: class, joint: [["armb", "armc"]])),
    Estimator(label: "weighted sums", method: HorvitzThompson(formula: "y ~ arm", condition1: a,
        condition2: c)),
    Estimator(label: "weighted means", method: Hajek(formula: "y ~ w")),
    Estimator(label: "given", method: Hajek(formula: "y ~ w", assignment: Complete, blocks: kind,
        clusters: class)),
    Estimator(label: "some", term: armb, subset: "x > -1 & kind == 1",
        method: LmRobust(formula: "y ~ arm", clusters: class)),
    Estimator(label: "covariates", method: Lin(formula: "y ~ arm", covariates: "x + factor(kind)",
        clusters: class)),
    Estimator(label: "logit", term: armb, method: Glm(formula: "I(y > 1) ~ arm * g + x",
        family: Binomial, scale: Response, clusters: class, joint: [["armb", "armc"]])),
    Estimator(label: "counts", term: armb, method: Glm(formula: "floor(nb) ~ arm + g",
        family: NegativeBinomial, offset: "log(e)", hypotheses: ["armc = armb"])),
    Estimator(label: "multilevel logit", term: armb, method: Glmer(
        formula: "I(y > 1) ~ arm * g + x + (1 | class)", family: Binomial, nagq: 5,
        scale: Response, hypotheses: ["armc - armb"])),
    Estimator(label: "multilevel counts", term: g, method: Glmer(
        formula: "floor(nb) ~ g + (1 + x | class) + (1 | k)", family: Poisson, offset: "log(e)",
        joint: [["g = 1", "(Intercept)"]])),
    Estimator(label: "mixed", term: armb, method: Lmer(formula: "y ~ arm + x + (1 | class)",
        hypotheses: ["armc - armb"])),
    Estimator(label: "slopes", term: armb, method: Lmer(formula: "y ~ arm + x + (1 + x | class)",
        df: KenwardRoger, weights: e, hypotheses: ["armc - armb"])),
    Estimator(label: "nested", term: armb, method: Lmer(
        formula: "y ~ arm + (1 | school/class) + (1 | k)", offset: "2 * e", df: BetweenWithin)),
    Estimator(label: "crossed", term: armb,
        method: Lmer(formula: "y ~ arm + (1 | kind:g)", reml: false)),
    Family(label: "sidak", of: ["drawn again", "wild", "pairs"], correction: Sidak),
    Family(label: "holm", of: ["factors", "clusters", Member(estimator: "logit", term: armb)]),
    Family(label: "hommel", of: ["weights", "logit", "slopes", "crossed"], correction: Hommel),
    Family(label: "discoveries", of: ["weights", "mixed"], correction: BenjaminiYekutieli),
    Aggregate(by: [class, g], variables: { m: "mean(y)", n: "count()" }),
    Estimator(label: "cells", term: g, method: LmRobust(formula: "m ~ g + c", clusters: class)),
])"#;

/// Every method of assignment, with probabilities that are used, in blocks and clusters.
const ASSIGNMENTS: &str = r#"Design(steps: [
    Level(name: region, n: 2),
    Level(name: village, n: "binomial(3, 0.5) + 2", variables: { v: "normal(0, 1)" }),
    Level(name: person, n: "binomial(6, 0.5) + 1", variables: {
        x: "normal(0, 1)", w: "exponential(1)", p: "uniform(0.2, 0.8)",
        side: "bernoulli(0.5)", household: "2 * floor(uniform(0, 4)) + side",
    }),
    Match(variable: pair, on: [x, w], within: [region, side]),
    Match(variable: triple, on: x, size: 3),
    Assignment(variable: a, method: Simple(prob_unit: "p")),
    Assignment(variable: b, method: Simple(prob_unit: ["p / 2", "p / 2", "1 - p"]),
        conditions: [k, l, m], blocks: side),
    Assignment(variable: c, method: Complete(prob: "if(side, 0.3, 0.6)"), blocks: [region, side]),
    Assignment(variable: d, method: Complete(m: "floor(n_block / 3)"), clusters: household),
    Assignment(variable: e, method: Complete(prob_each: [0.5, 0.3, 0.2], balance: true),
        conditions: [k, l, m], blocks: region, clusters: village),
    Assignment(variable: f, method: Complete, clusters: household, blocks: side),
    Assignment(variable: g, method: Complete, blocks: pair),
    Assignment(variable: h, method: Complete(prob: 0.4),
        rerandomise: ( on: [x, w], acceptance: 0.5, draws: 10 )),
    Assignment(variable: i, method: Custom(assignments: [[0, 1], [1, 0]]), clusters: region),
    Assignment(variable: j, clusters: village,
        method: SteppedWedge(time: "person % 3", starts: [1, 2])),
    Assignment(variable: k, method: Complete, blocks: triple),
    Variables(variables: {
        ones: "a_prob + b_prob + c_prob + d_prob + f_prob + g_prob + h_prob + j_prob + k_prob",
    }),
    Variables(level: village, variables: { twos: "e_prob + i_prob" }),
])"#;

/// A Latin square has a size of its own.
const SQUARE: &str = r#"Design(steps: [
    Level(name: farm, n: 2), Level(name: cow, n: 3), Level(name: period, n: 3, variables: {
        t: "(period - 1) % 3", x: "normal(0, 1)" }),
    Assignment(variable: z, method: LatinSquare(row: cow, column: t), blocks: farm,
        conditions: [a, b, c], rerandomise: ( on: x, threshold: 3, draws: 10 )),
    Assignment(variable: w, method: LatinSquare(row: cow, column: t), blocks: farm,
        conditions: [a, b, c]),
    Variables(variables: { p: "z_prob * w_prob" }),
])"#;

/// Levels that do not nest, samples of them, and variables drawn together.
const STRUCTURE: &str = r#"Design(steps: [
    Level(name: town, n: 4, variables: { t: "normal(0, 1)" }),
    Level(name: shop, n: "binomial(4, 0.5) + 1", variables: { s: "normal(t, 1)" }),
    Level(name: month, n: 3, nest: false, variables: { m: "normal(0, 1)" }),
    CrossLevels(name: visit, levels: [shop, month]),
    Correlated(rank_correlation: 0.4, variables: {
        a: "gamma(2, 1)", b: "binomial(9, 0.4)", c: "beta(2, 2)", d: "negative_binomial(3, 2)",
    }),
    Variables(variables: { x: "s + m + bernoulli_icc(0.3, 0.2, by = town)", o: "ordered(x, 0, 1)",
        f: "mean(x, by = month)", g: "split_quantile(x, 3, by = town)" }),
    Sampling(method: Complete(prob: "c"), strata: town),
    Sampling(method: WithReplacement, level: shop),
    Level(name: skill, n: 30, nest: false, variables: { k: "normal(0, 1)" }),
    LinkLevels(name: worker, n: 40, levels: [shop, skill], rank_correlation: 0.3),
    Sampling(method: Simple(prob: 0.9), level: shop),
    Variables(variables: { y: "k + s + normal(0, 1)", z: "bernoulli(0.5)", r: "if(z, y, NA)" }),
    Estimator(label: "linked", term: z, method: LmRobust(formula: "y ~ z + k", clusters: skill)),
    Estimator(label: "missing", term: k, method: LmRobust(formula: "r ~ k", clusters: shop)),
])"#;

fn main() {
    // The counter counts: a plan's own workspace is allocated.
    let region = Region::new(ALLOCATOR);
    drop(plan(EVERYTHING).workspace());
    assert!(region.change().allocations > 100, "the allocator does not count");

    let folder = format!("{}/../designs", env!("CARGO_MANIFEST_DIR"));
    let mut n = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "ron") {
            let source = std::fs::read_to_string(&path).unwrap();
            let found = allocated(&plan(&source), WARM_UP);
            assert_eq!(found, (0, 0), "{path:?}: allocations, bytes");
            n += 1;
        }
    }
    assert!(n >= 7, "{n} designs");
    let found = allocated(&plan(STRUCTURE), LONG_WARM_UP);
    assert_eq!(found, (0, 0), "structure: allocations, bytes");
    let found = allocated(&plan(EVERYTHING), LONG_WARM_UP);
    assert_eq!(found, (0, 0), "everything: allocations, bytes");
    for source in [ASSIGNMENTS, SQUARE] {
        let found = allocated(&plan(source), LONG_WARM_UP);
        assert_eq!(found, (0, 0), "assignments: allocations, bytes");
    }
    println!("{n} designs of the gallery and four more allocate nothing after the first few");
}
