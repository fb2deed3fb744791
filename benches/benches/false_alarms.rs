//! How often a check is wrong: the study behind `reports/false-alarms.md`.
//!
//! `cargo bench -p trialrun-benches --bench false_alarms > reports/false-alarms.md` makes the
//! report again; a number after `--` is the number of seeds. Nothing in it depends on time or
//! threads.
#![allow(clippy::print_stdout, reason = "a study prints what it found")]

use rand::RngExt;
use rand_distr::{Distribution, Exp1, StandardNormal};
use rand_pcg::Pcg64Dxsm;
use rayon::prelude::*;
use trialrun_plan::{Options, Plan, compile, read};
use trialrun_run::check::{Evidence, Rules, Sample, Verdict, check};
use trialrun_run::{Unwatched, diagnosands};
use trialrun_stats::moments::Moments;
use trialrun_stats::special::student_t;

/// Seeds of a scenario, unless the command line says otherwise.
const SEEDS: u64 = 2000;

/// The mean of ten normal values with its t interval: coverage is exactly `1 - alpha`.
const DESIGN: &str = r#"Design(
    name: "mean",
    steps: [
        Level(name: unit, n: 10, variables: { y: "normal(0, 1)" }),
        Estimand(label: mean, value: 0),
        Estimator(label: "Mean", estimand: mean, term: "(Intercept)",
            method: LmRobust(formula: "y ~ 1", se: classical)),
    ],
    diagnosis: ( alpha: ALPHA ),
    expect: [ EXPECT ],
)"#;

const BAND: &str = "Expect(estimator: \"Mean\", diagnosand: coverage, within: 0.94..=0.96),";

fn main() {
    let seeds = std::env::args().filter_map(|arg| arg.parse().ok()).next().unwrap_or(SEEDS);
    println!("# How often a check is wrong\n");
    println!(
        "`trialrun check` promises that the probability of any wrong verdict in a run \
         is at most the error\n\
         rate. This study counts wrong verdicts where the truth is known. \
         `benches/benches/false_alarms.rs`\n\
         makes it again."
    );
    verdicts(seeds);
    many_expectations(seeds);
    means(50 * seeds);
    drifts(10 * seeds);
}

fn plan(alpha: &str, expect: &str) -> Plan {
    let text = DESIGN.replace("ALPHA", alpha).replace("EXPECT", expect);
    let (design, errors) = read(&text);
    assert!(errors.is_empty(), "{errors:?}");
    let options = Options { diagnosands: diagnosands::INFO, ..Options::default() };
    compile(&design.expect("the design has no error"), &options)
        .map_err(|errors| format!("{errors:?}"))
        .expect("the design compiles")
}

/// The verdicts of a seed and the simulations that it took.
fn judged(plan: &Plan, seed: u64, error: f64, max_sims: u64) -> (Vec<Verdict>, u64) {
    let rules = Rules { error, max_sims, seed, threads: Some(1) };
    let found = check(plan, &rules, &Unwatched).map_err(|stopped| stopped.sim);
    let found = found.expect("every simulation can be done");
    (found.rulings.iter().map(|ruling| ruling.verdict).collect(), found.sims)
}

/// A share with its binomial error, in per cent.
fn share(events: usize, n: usize) -> String {
    let p = events as f64 / n as f64;
    format!("{:.2}% ({:.2}%)", 100.0 * p, 100.0 * (p * (1.0 - p) / n as f64).sqrt())
}

/// Coverage against the band 0.94 to 0.96 at an error rate of 1 in 100.
fn verdicts(seeds: u64) {
    println!("\n## Verdicts on coverage\n");
    println!(
        "Ten normal values, their mean and t interval. The band is 0.94 to 0.96, the \
         error rate 1 in 100; one\n\
         expectation, up to 200,000 simulations a run. In parentheses: Monte Carlo \
         errors of the study.\n"
    );
    println!("| true coverage | runs | met | not met | undecided | simulations, median |");
    println!("| :-- | --: | --: | --: | --: | --: |");
    let edge = (seeds / 10).max(1);
    for (truth, alpha, runs) in
        [("0.95", "0.05", seeds), ("0.93", "0.07", seeds), ("0.94, on the edge", "0.06", edge)]
    {
        let plan = plan(alpha, BAND);
        let found: Vec<(Vec<Verdict>, u64)> =
            (0..runs).into_par_iter().map(|seed| judged(&plan, seed, 0.01, 200_000)).collect();
        let of = |verdict| found.iter().filter(|(verdicts, _)| verdicts[0] == verdict).count();
        let mut sims: Vec<u64> = found.iter().map(|(_, sims)| *sims).collect();
        sims.sort_unstable();
        let n = found.len();
        println!(
            "| {truth} | {n} | {} | {} | {} | {} |",
            share(of(Verdict::Met), n),
            share(of(Verdict::NotMet), n),
            share(of(Verdict::Undecided), n),
            sims[n / 2],
        );
    }
}

/// Six expectations of one run whose truths lie on the edges of their bands: where a wrong verdict
/// is most likely. A band includes its ends, so `not met` is wrong on the edge, and `met` a hair
/// outside.
fn many_expectations(seeds: u64) {
    println!("\n## Any wrong verdict among six\n");
    println!(
        "The same design. Coverage, power, bias, rmse, sd_estimate and ci_width, each \
         with a band that begins\n\
         exactly at the truth, where a wrong verdict is most likely, or 1e-9 above \
         it. The error rate is\n\
         shared by the six. It is 1 in 20 here, so that the study can see it; up to \
         20,000 simulations a run.\n\
         A run is wrong if any of its verdicts is. Bounds have two sides, of which \
         one can err here, so a\n\
         half of the error rate is what to expect at most.\n"
    );
    println!("| the band begins | runs | wrong | verdicts undecided |");
    println!("| :-- | --: | --: | --: |");
    // rmse = sd = sqrt(1 / 10); the width is 2 t(0.975, 9) E[s] / sqrt(10) with
    // E[s] = sqrt(2 / 9) Gamma(5) / Gamma(4.5).
    let sd = 0.1f64.sqrt();
    let width = 2.0 * student_t::quantile(0.975, 9.0) * sd * 0.972_659_274_121_588_4;
    let truths = [
        ("coverage", 0.95),
        ("power", 0.05),
        ("bias", 0.0),
        ("rmse", sd),
        ("sd_estimate", sd),
        ("ci_width", width),
    ];
    let places = [("at the truth", 0.0, Verdict::NotMet), ("1e-9 above it", 1e-9, Verdict::Met)];
    for (place, room, wrong) in places {
        let expect: String = truths
            .iter()
            .map(|(name, truth)| {
                format!(
                    "Expect(estimator: \"Mean\", diagnosand: {name}, within: {:?}..={:?}),",
                    truth + room,
                    truth + 0.2
                )
            })
            .collect();
        let plan = plan("0.05", &expect);
        let error = 0.05 / truths.len() as f64;
        let found: Vec<Vec<Verdict>> =
            (0..seeds).into_par_iter().map(|seed| judged(&plan, seed, error, 20_000).0).collect();
        let any = found.iter().filter(|verdicts| verdicts.contains(&wrong)).count();
        let all = found.iter().flatten();
        let open = all.clone().filter(|verdict| **verdict == Verdict::Undecided).count();
        println!(
            "| {place} | {} | {} | {} |",
            found.len(),
            share(any, found.len()),
            share(open, all.count()),
        );
    }
}

/// A distribution: its name, its mean, and a draw.
type Law = (&'static str, f64, fn(&mut Pcg64Dxsm) -> f64);

const LAWS: [Law; 5] = [
    ("normal", 0.0, |rng| StandardNormal.sample(rng)),
    ("square of a normal (rmse)", 1.0, |rng| {
        let z: f64 = StandardNormal.sample(rng);
        z * z
    }),
    ("exponential", 1.0, |rng| Exp1.sample(rng)),
    ("event of probability 0.01", 0.01, |rng| f64::from(rng.random_bool(0.01))),
    ("lognormal", 1.648_721_270_700_128_2, |rng| {
        let z: f64 = StandardNormal.sample(rng);
        z.exp()
    }),
];

/// How often the bounds on a mean miss, at the first look and at a later one.
fn means(samples: u64) {
    println!("\n## The bounds on a mean\n");
    println!(
        "Bounds on rates are exact. Those on means are not: this is how often they \
         miss, as a share of the\n\
         probability asked for on that side (1: exactly as often), in {samples} \
         samples. Beside it the\n\
         interval of Student's t without the transformation. The last column: the \
         share of samples without\n\
         bounds, since a few large values make up their mean.\n"
    );
    println!("| numbers | n | probability | below | above | t, below | t, above | no bounds |");
    println!("| :-- | --: | --: | --: | --: | --: | --: | --: |");
    for (at, law) in LAWS.iter().enumerate() {
        for n in [1024, 5376] {
            for (error, count) in [1e-2, 1e-3].into_iter().zip(misses(at, law, n, samples)) {
                let ratio = |misses: u64| misses as f64 / samples as f64 / (error / 2.0);
                let [low, high, t_low, t_high, none] = count;
                println!(
                    "| {} | {n} | {error} | {:.2} | {:.2} | {:.2} | {:.2} | {:.3} |",
                    law.0,
                    ratio(high),
                    ratio(low),
                    ratio(t_high),
                    ratio(t_low),
                    none as f64 / samples as f64
                );
            }
        }
    }
}

/// For two probabilities: how often bounds lie above the truth and below it, the same of Student's
/// t, and how often there are none.
fn misses(at: usize, law: &Law, n: usize, samples: u64) -> [[u64; 5]; 2] {
    let one = |sample: u64| {
        let mut rng = Pcg64Dxsm::new(u128::from(sample) << 8 | at as u128, n as u128);
        let x: Vec<f64> = (0..n).map(|_| (law.2)(&mut rng)).collect();
        let found = Sample::of(&Moments::of(&x));
        [1e-2, 1e-3].map(|error| {
            let q = -student_t::quantile(error / 2.0, n as f64 - 1.0);
            let half = q * found.sd / (n as f64).sqrt();
            let t = [found.mean - half > law.1, found.mean + half < law.1];
            match found.bounds(error) {
                Some((low, high)) => [low > law.1, high < law.1, t[0], t[1], false],
                None => [false, false, t[0], t[1], true],
            }
        })
    };
    let add = |mut all: [[u64; 5]; 2], one: [[bool; 5]; 2]| {
        for (all, one) in all.iter_mut().flatten().zip(one.iter().flatten()) {
            *all += u64::from(*one);
        }
        all
    };
    let counts = (0..samples).into_par_iter().map(one).fold(Default::default, add);
    counts.reduce(Default::default, |mut a: [[u64; 5]; 2], b| {
        a.iter_mut().flatten().zip(b.iter().flatten()).for_each(|(a, b)| *a += b);
        a
    })
}

/// The evidence of a seed and a number of simulations.
type Simulated = fn(u64, u64) -> Evidence;

/// How often the test for drift finds one where nothing has drifted.
fn drifts(pairs: u64) {
    println!("\n## The test for drift\n");
    println!(
        "Two independent runs of the same truth, tolerance 0: how often their \
         difference has bounds without\n\
         0, in {pairs} pairs, as a share of the probability asked for.\n"
    );
    println!("| diagnosand | simulations | probability | found |");
    println!("| :-- | --: | --: | --: |");
    let laws: [(&str, u64, Simulated); 4] = [
        ("coverage of 0.95", 20_000, |seed, n| rate(seed, n, 0.95)),
        ("failures of 0.0005", 20_000, |seed, n| rate(seed, n, 0.0005)),
        ("bias", 5_000, |seed, n| Evidence::Mean(sample(&LAWS[0], seed, n))),
        ("rmse", 5_000, |seed, n| Evidence::RootMean(sample(&LAWS[1], seed, n))),
    ];
    for (name, sims, evidence) in laws {
        for error in [1e-2, 1e-3] {
            let found: u64 = (0..pairs)
                .into_par_iter()
                .map(|pair| {
                    let (old, new) = (evidence(2 * pair, sims), evidence(2 * pair + 1, sims));
                    let bounds = trialrun_run::baseline::change(&old, &new, error);
                    u64::from(bounds.is_some_and(|(low, high)| low > 0.0 || high < 0.0))
                })
                .sum();
            let ratio = found as f64 / pairs as f64 / error;
            println!("| {name} | {sims} | {error} | {ratio:.2} |");
        }
    }
}

fn rate(seed: u64, n: u64, p: f64) -> Evidence {
    let mut rng = Pcg64Dxsm::new(u128::from(seed), n.into());
    let events = (0..n).filter(|_| rng.random_bool(p)).count() as u64;
    Evidence::Rate { n, events }
}

fn sample(law: &Law, seed: u64, n: u64) -> Sample {
    let mut rng = Pcg64Dxsm::new(u128::from(seed), n.into());
    let x: Vec<f64> = (0..n).map(|_| (law.2)(&mut rng)).collect();
    Sample::of(&Moments::of(&x))
}
