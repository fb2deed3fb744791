//! Tests of summaries and of their Monte Carlo errors.

use trialrun_plan::Estimate;

use super::*;

/// Independent draws for a seed (SplitMix64).
struct Draws(u64);

impl Draws {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn exponential(&mut self) -> f64 {
        -(1.0 - self.uniform()).ln()
    }
}

const REPLICATIONS: usize = 2000;
const DRAWS: usize = 200;

/// The standard deviation of a measure over replications, and the error that it claims.
fn actual_and_claimed(mut replicate: impl FnMut() -> Measure) -> (f64, f64) {
    let measures: Vec<Measure> = (0..REPLICATIONS).map(|_| replicate()).collect();
    let values: Vec<f64> = measures.iter().map(|m| m.value.unwrap()).collect();
    let squares = measures.iter().map(|m| m.mcse.unwrap().powi(2)).sum::<f64>();
    (Moments::of(&values).sd().unwrap(), (squares / REPLICATIONS as f64).sqrt())
}

/// A standard deviation from 2,000 replications has a relative error of about 2 per cent (more
/// where tails are heavy), so 6 per cent is three of these.
#[track_caller]
fn assert_claim(replicate: impl FnMut() -> Measure) {
    let (actual, claimed) = actual_and_claimed(replicate);
    assert!((claimed / actual - 1.0).abs() < 0.06, "claimed {claimed}, actual {actual}");
}

#[test]
fn the_errors_of_means_rates_and_roots_are_those_of_replications() {
    let mut draws = Draws(1);
    let mut sample = || (0..DRAWS).map(|_| draws.exponential()).collect::<Vec<f64>>();
    assert_claim(|| mean(&Moments::of(&sample())));
    assert_claim(|| rate(sample().iter().filter(|x| **x < 0.2).count() as u64, DRAWS as u64));
    assert_claim(|| root_mean(&Moments::of(&sample())));
}

#[test]
fn the_error_of_a_standard_deviation_holds_without_normality() {
    let mut draws = Draws(2);
    assert_claim(|| {
        let bounded: Vec<f64> = (0..DRAWS).map(|_| draws.uniform().powi(2)).collect();
        sd(&Moments::of(&bounded))
    });
    // A sum of three exponentials is skewed and has tails heavier than the normal's.
    assert_claim(|| {
        let mut skewed = || draws.exponential() + draws.exponential() + draws.exponential();
        let x: Vec<f64> = (0..DRAWS).map(|_| skewed()).collect();
        sd(&Moments::of(&x))
    });
    // The formula for normal values would be wrong here by far: s / sqrt(2 (n - 1)).
    let (actual, _) = actual_and_claimed(|| {
        let bounded: Vec<f64> = (0..DRAWS).map(|_| draws.uniform()).collect();
        sd(&Moments::of(&bounded))
    });
    let normal = (1.0f64 / 12.0).sqrt() / (2.0 * (DRAWS - 1) as f64).sqrt();
    assert!(normal > 1.3 * actual, "{normal} {actual}");
}

#[test]
fn the_error_of_a_standard_error_ratio_knows_their_correlation() {
    let mut draws = Draws(3);
    let mut sample = || {
        let x: Vec<f64> = (0..DRAWS).map(|_| draws.uniform() + draws.uniform() - 1.0).collect();
        // Standard errors that are large where estimates are far from their mean.
        let w: Vec<f64> = x.iter().map(|v| 0.2 + v.abs() + 0.1 * draws.uniform()).collect();
        Joint::of(&w, &x)
    };
    assert_claim(|| mean_over_sd(&sample()));
    // Without the correlation the error would be too large by far.
    let (actual, independent) = actual_and_claimed(|| {
        let j = Joint { xyy: 0.0, ..sample() };
        mean_over_sd(&j)
    });
    assert!(independent > 1.5 * actual, "{independent} {actual}");
}

#[test]
fn the_error_of_a_difference_of_roots_is_that_of_pairs() {
    let mut draws = Draws(4);
    let mut sample = || {
        let shared: Vec<f64> = (0..DRAWS).map(|_| draws.uniform() - 0.5).collect();
        let mut own = || {
            let errors = shared.iter().map(|s| s + 0.3 * (draws.uniform() - 0.5));
            errors.map(|e| e * e).collect::<Vec<f64>>()
        };
        Joint::of(&own(), &own())
    };
    assert_claim(|| difference_of_roots(&sample()));
    let (actual, independent) =
        actual_and_claimed(|| difference_of_roots(&Joint { xy: 0.0, ..sample() }));
    assert!(independent > 1.5 * actual, "{independent} {actual}");
}

#[test]
fn wilson_intervals_are_those_of_r() {
    // R 4.2.2: prop.test(x, n, correct = FALSE)$conf.int.
    let cases = [
        (8, 10, 0.49016247153664183, 0.9433178485456247),
        (0, 10, 0.0, 0.27753279986288915),
        (10, 10, 0.7224672001371109, 1.0),
        (475, 500, 0.9272318388284524, 0.9659062547561506),
    ];
    for (events, n, low, high) in cases {
        let found = wilson(events, n);
        assert!((found.0 - low).abs() < 1e-12, "{events} of {n}: {found:?}");
        assert!((found.1 - high).abs() < 1e-12, "{events} of {n}: {found:?}");
    }
    assert_eq!(wilson(0, 0), (0.0, 1.0));
    assert_eq!(wilson(0, u64::MAX).0, 0.0);
    assert_eq!(wilson(u64::MAX, u64::MAX).1, 1.0);
}

fn row(estimate: f64, p_value: f64) -> Row {
    let e = Estimate {
        estimate,
        std_error: 1.0,
        df: 5.0,
        statistic: estimate,
        p_value,
        conf_low: estimate - 1.0,
        conf_high: estimate + 1.0,
    };
    Row { estimand: Some(0.5), fit: Ok(e), boundary: false, n_obs: 9.0, is_joint: false }
}

#[test]
fn batches_merge_to_the_whole() {
    let mut draws = Draws(5);
    let mut rows = || {
        let draw = |_| row(3.0 * draws.uniform() - 1.0, draws.uniform());
        (0..1000).map(draw).collect::<Vec<Row>>()
    };
    let (a, b) = (rows(), rows());
    let mut scratch = Scratch::default();
    let close = |x: Option<f64>, y: Option<f64>| match (x, y) {
        (Some(x), Some(y)) => (x - y).abs() <= 1e-13 * (y.abs() + 0.01),
        (x, y) => x == y,
    };
    for d in crate::diagnosands::ALL {
        let whole = d.summary.measure(&d.summary.reduce(&a, 0.05, &mut scratch));
        let batches: Vec<Total> =
            a.chunks(256).map(|c| d.summary.reduce(c, 0.05, &mut scratch)).collect();
        let mut merged = batches[0];
        batches[1..].iter().for_each(|later| merged.merge(later));
        let merged = d.summary.measure(&merged);
        assert!(close(merged.value, whole.value) && close(merged.mcse, whole.mcse), "{}", d.name);
        assert_eq!((merged.n, merged.interval), (whole.n, whole.interval), "{}", d.name);
        let Some(pair) = d.summary.reduce_pair((&a, &b), 0.05, &mut scratch) else { continue };
        let whole = pair.difference();
        let mut parts = a.chunks(100).zip(b.chunks(100));
        let mut part = || d.summary.reduce_pair(parts.next()?, 0.05, &mut scratch);
        let mut merged = part().unwrap();
        while let Some(later) = part() {
            merged.merge(&later);
        }
        let merged = merged.difference();
        assert!(close(merged.value, whole.value) && close(merged.mcse, whole.mcse), "{}", d.name);
        assert_eq!(merged.n, whole.n, "{}", d.name);
    }
}
