//! Tests of inverse-probability estimators: sums against pairs, all assignments of small designs.

use super::*;

/// Potential outcomes of the units of each block, without and with treatment, and how many of a
/// block are treated.
type Blocks = [(Vec<[f64; 2]>, usize)];

/// The design's units under one assignment, with blocks and the table of pairs.
struct Drawn {
    units: Vec<Unit>,
    block_of: Vec<u32>,
    within: Vec<[f64; 3]>,
}

impl Drawn {
    fn fit(&self, weighting: Weighting) -> Fit {
        let pairs = Pairs::Blocks { block_of: &self.block_of, within: &self.within };
        fit(&self.units, &pairs, weighting, Variance::Youngs, &mut Scratch::default()).unwrap()
    }
}

fn unit(y: f64, arm: usize, p: f64) -> Unit {
    Unit { total: y, count: 1.0, square: y * y, arm, probability: [1.0 - p, p] }
}

/// All ways to treat `m` of `n`.
fn choices(n: usize, m: usize) -> Vec<Vec<usize>> {
    (0..1_u32 << n)
        .filter(|set| set.count_ones() as usize == m)
        .map(|set| (0..n).map(|i| (set >> i & 1) as usize).collect())
        .collect()
}

fn all_assignments(blocks: &Blocks) -> Vec<Drawn> {
    let mut all: Vec<Vec<usize>> = vec![vec![]];
    for (block, m) in blocks {
        let own = choices(block.len(), *m);
        all = all.iter().flat_map(|a| own.iter().map(|b| [&a[..], b].concat())).collect();
    }
    let within: Vec<[f64; 3]> = blocks
        .iter()
        .map(|(block, m)| {
            let (n, m) = (block.len() as f64, *m as f64);
            let pairs = n * (n - 1.0);
            [(n - m) * (n - m - 1.0) / pairs, m * (m - 1.0) / pairs, m * (n - m) / pairs]
        })
        .collect();
    let of_unit: Vec<(usize, f64, [f64; 2])> = blocks
        .iter()
        .enumerate()
        .flat_map(|(b, (block, m))| {
            block.iter().map(move |y| (b, *m as f64 / block.len() as f64, *y))
        })
        .collect();
    all.into_iter()
        .map(|arms| Drawn {
            units: of_unit.iter().zip(&arms).map(|((_, p, y), a)| unit(y[*a], *a, *p)).collect(),
            block_of: of_unit.iter().map(|(b, ..)| *b as u32).collect(),
            within: within.clone(),
        })
        .collect()
}

/// Outcomes of every kind: `slope` turns those with treatment against those without.
fn blocks(sizes: &[(usize, usize)], slope: f64) -> Vec<(Vec<[f64; 2]>, usize)> {
    let mut i = 0.0;
    let mut both = || {
        i += 1.0;
        let y: f64 = 2.0 * (i * 1.7_f64).sin() + 0.5;
        [y, 1.0 + slope * y]
    };
    sizes.iter().map(|(n, m)| ((0..*n).map(|_| both()).collect(), *m)).collect()
}

/// Mean and variance of the estimates, and the mean of their estimated variances.
fn moments(all: &[Drawn]) -> [f64; 3] {
    let fits: Vec<Fit> = all.iter().map(|d| d.fit(Weighting::HorvitzThompson)).collect();
    let n = fits.len() as f64;
    let mean = fits.iter().map(|f| f.estimate).sum::<f64>() / n;
    let variance = fits.iter().map(|f| (f.estimate - mean).powi(2)).sum::<f64>() / n;
    [mean, variance, fits.iter().map(|f| f.std_error.powi(2)).sum::<f64>() / n]
}

const DESIGNS: &[&[(usize, usize)]] =
    &[&[(6, 2)], &[(6, 1)], &[(2, 1), (2, 1), (2, 1)], &[(2, 1), (5, 3)], &[(4, 2), (3, 1)]];

#[test]
fn the_estimate_is_unbiased_and_its_variance_never_too_small() {
    for sizes in DESIGNS {
        for slope in [1.0, 0.3, -1.0, -2.0] {
            let design = blocks(sizes, slope);
            let both: Vec<[f64; 2]> = design.iter().flat_map(|(b, _)| b.clone()).collect();
            let effect = both.iter().map(|y| y[1] - y[0]).sum::<f64>() / both.len() as f64;
            let [mean, variance, estimated] = moments(&all_assignments(&design));
            assert!((mean - effect).abs() <= 1e-13, "{sizes:?}: {mean}, not {effect}");
            let least = variance * (1.0 - 1e-12);
            assert!(estimated >= least, "{sizes:?} {slope}: {estimated} for {variance}");
        }
    }
}

/// Units of a pair never have one condition together. Without Young's bound for that, as in
/// estimatr 1.0.4, the variance is too small.
#[test]
fn pairs_without_youngs_bound_would_be_too_sure() {
    let pair = vec![(vec![[1.0, 1.0], [-1.0, -1.0]], 1)];
    let all = all_assignments(&pair);
    let [_, variance, estimated] = moments(&all);
    let unbounded = |d: &Drawn| {
        let v = |arm| {
            let of_arm = d.units.iter().find(|u| u.arm == arm).unwrap();
            of_arm.total / of_arm.probability[arm]
        };
        (v(0) * v(0) + v(1) * v(1) - v(0) * v(1)) / 4.0
    };
    let theirs = all.iter().map(unbounded).sum::<f64>() / all.len() as f64;
    assert!(theirs < 0.8 * variance, "{theirs} for {variance}");
    assert!(estimated >= variance, "{estimated} for {variance}");
}

#[test]
fn sums_by_block_are_sums_over_pairs() {
    for sizes in DESIGNS {
        for drawn in all_assignments(&blocks(sizes, 0.4)) {
            let joint = |i: usize, a: usize, j: usize, b: usize| {
                let (own, other) = (&drawn.units[i], &drawn.units[j]);
                if drawn.block_of[i] != drawn.block_of[j] {
                    return own.probability[a] * other.probability[b];
                }
                let table = drawn.within[drawn.block_of[i] as usize];
                if a == b { table[a] } else { table[2] }
            };
            for weighting in [Weighting::HorvitzThompson, Weighting::Hajek] {
                let ours = drawn.fit(weighting);
                let pairs = Pairs::Each(&joint);
                let mut scratch = Scratch::default();
                let plain =
                    fit(&drawn.units, &pairs, weighting, Variance::Youngs, &mut scratch).unwrap();
                assert!((ours.std_error - plain.std_error).abs() <= 1e-12 * plain.std_error);
            }
        }
    }
}

/// With one probability and independent units Hajek's is the difference in means with HC0.
#[test]
fn hajek_with_one_probability_is_the_difference_in_means() {
    let y: Vec<f64> = (0..15).map(|i| (f64::from(i) * 0.9).sin() + 3.0).collect();
    let units: Vec<Unit> =
        y.iter().enumerate().map(|(i, y)| unit(*y, usize::from(i % 3 == 0), 0.4)).collect();
    let fit = |variance| {
        let mut scratch = Scratch::default();
        fit(&units, &Pairs::Independent, Weighting::Hajek, variance, &mut scratch).unwrap()
    };
    let arm =
        |a: usize| -> Vec<f64> { units.iter().filter(|u| u.arm == a).map(|u| u.total).collect() };
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let part = |v: &[f64]| {
        let m = mean(v);
        v.iter().map(|y| (y - m).powi(2)).sum::<f64>() / (v.len() as f64).powi(2)
    };
    let (one, zero) = (arm(1), arm(0));
    let ours = fit(Variance::Youngs);
    assert!((ours.estimate - (mean(&one) - mean(&zero))).abs() < 1e-14);
    assert!((ours.std_error - (part(&one) + part(&zero)).sqrt()).abs() < 1e-14);
}

#[test]
fn what_can_not_be_estimated_is_named() {
    let fit = |units: &[Unit], pairs: &Pairs, weighting, variance| {
        fit(units, pairs, weighting, variance, &mut Scratch::default()).map(|f| f.estimate)
    };
    let plain = [unit(1.0, 1, 0.5), unit(2.0, 0, 0.5), unit(4.0, 0, 0.5)];
    let (ht, hajek) = (Weighting::HorvitzThompson, Weighting::Hajek);
    let simple = &Pairs::Independent;
    let youngs = Variance::Youngs;
    assert_eq!(fit(&[], simple, ht, youngs), Err(Failure::NoRows));
    assert_eq!(fit(&[unit(1.0, 1, 0.0)], simple, ht, youngs), Err(Failure::NoProbability));
    assert_eq!(fit(&[unit(1.0, 1, f64::NAN)], simple, ht, youngs), Err(Failure::NoProbability));
    assert_eq!(fit(&[unit(f64::NAN, 1, 0.5)], simple, ht, youngs), Err(Failure::NotFinite));
    // An arm that nobody got is a zero for one, and no mean for the other.
    assert_eq!(fit(&plain[1..], simple, ht, youngs), Ok(-6.0));
    assert_eq!(fit(&plain[1..], simple, hajek, youngs), Err(Failure::EmptyArm));
    let each = Pairs::Each(&|_, _, _, _| 0.25);
    assert_eq!(fit(&plain, &each, ht, Variance::Constant), Err(Failure::NeedsSimple));
    let mut third = plain;
    third[0].arm = 2;
    assert_eq!(fit(&third, simple, ht, Variance::Constant), Err(Failure::NeedsSimple));
}
