//! Tests of differences in means: against least squares, by enumeration, and on hostile data.

mod enumeration;

use super::*;
use crate::ols::{Targets, Variance};
use crate::{Observations, Rows, ols};

/// A design with its outcome, rows sorted by block and cluster.
#[derive(Clone, Default)]
struct Case {
    y: Vec<f64>,
    treated: Vec<f64>,
    weights: Vec<f64>,
    blocks: Vec<u32>,
    clusters: Vec<u32>,
}

impl Case {
    fn fit(&self) -> Result<Fit, Failure> {
        let observations = match self.weights.is_empty() {
            true => Observations::Single,
            false => Observations::Weighted(&self.weights),
        };
        let Self { y, treated, blocks, clusters, .. } = self;
        fit(&Arms { y, treated, observations, blocks, clusters }, &mut Scratch::default())
    }

    /// The slope of `y ~ treated` with its standard error and degrees of freedom.
    fn slope(&self, variance: Variance) -> [f64; 3] {
        let x: Vec<f64> = vec![1.0; self.y.len()].into_iter().chain(self.treated.clone()).collect();
        let observations = match self.weights.is_empty() {
            true => Observations::Single,
            false => Observations::Weighted(&self.weights),
        };
        let rows = Rows { x: &x, y: &self.y, observations, groups: &self.clusters };
        let mut scratch = ols::Scratch::default();
        let fit = ols::fit(&rows, variance, Targets::Some(&[1]), &mut scratch).unwrap();
        [fit.beta[1], fit.std_error[1], fit.df[1]]
    }
}

fn numbers(n: usize, step: f64) -> Vec<f64> {
    (0..n).map(|i| ((i as f64 + 1.0) * step).sin()).collect()
}

fn close(ours: f64, expected: f64, tolerance: f64) {
    let error = (ours - expected).abs();
    assert!(error <= tolerance * expected.abs().max(1e-12), "{ours:e}, not {expected:e}");
}

/// Clusters of these sizes with these conditions.
fn clustered(sizes: &[usize], conditions: &[f64]) -> Case {
    let mut case = Case { clusters: vec![0], ..Case::default() };
    for (size, t) in sizes.iter().zip(conditions) {
        case.treated.extend(vec![*t; *size]);
        case.clusters.push(case.treated.len() as u32);
    }
    case.y = numbers(case.treated.len(), 0.83);
    case
}

#[test]
fn without_blocks_it_is_the_slope_of_least_squares() {
    let mut case = Case { y: numbers(23, 0.7), ..Case::default() };
    case.treated = (0..23).map(|i| f64::from(i % 3 == 0)).collect();
    let check = |case: &Case, variance, tolerance| {
        let ours = case.fit().unwrap();
        let [estimate, std_error, df] = case.slope(variance);
        close(ours.estimate, estimate, 1e-13);
        close(ours.std_error, std_error, tolerance);
        (ours.df, df)
    };
    // Welch's degrees of freedom are not those of the regression.
    let (df, residual) = check(&case, Variance::Hc2, 1e-13);
    assert!(df < residual);
    case.weights = numbers(23, 1.1).iter().map(|v| v + 1.5).collect();
    let (df, residual) = check(&case, Variance::Hc2, 1e-13);
    assert_eq!(df, residual);
    let sizes = [3, 1, 5, 2, 2, 7, 1, 4];
    let mut case = clustered(&sizes, &[1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0]);
    let (df, expected) = check(&case, Variance::Cr2, 1e-13);
    close(df, expected, 1e-12);
    case.weights = numbers(25, 1.3).iter().map(|v| v + 1.5).collect();
    let (df, expected) = check(&case, Variance::Cr2, 1e-13);
    close(df, expected, 1e-12);
}

#[test]
fn welch_has_its_degrees_of_freedom() {
    let y = vec![1.0, 2.0, 4.0, 3.0, 9.0, 5.0, 0.0];
    let treated = vec![1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0];
    let fit = Case { y, treated, ..Case::default() }.fit().unwrap();
    let (v1, v0) = (7.0 / 3.0 / 3.0, (42.75 / 3.0) / 4.0);
    let v: f64 = v1 + v0;
    close(fit.std_error, v.sqrt(), 1e-14);
    close(fit.df, v * v / (v1 * v1 / 2.0 + v0 * v0 / 3.0), 1e-14);
    assert_eq!((fit.n_obs, fit.n_blocks, fit.n_clusters), (7.0, 0, 0));
    assert_eq!(fit.design, Design::Standard);
}

/// Blocks that are not small are estimated one by one.
#[test]
fn blocks_are_combined_by_their_size() {
    let sizes = [4, 6, 9];
    let n = 19;
    for (weighted, clusters) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut case = Case { y: numbers(n, 0.71), blocks: vec![0, 4, 10, 19], ..Case::default() };
        case.treated = (0..n).map(|i| f64::from(i / 2 % 2 == 0)).collect();
        if weighted {
            case.weights = numbers(n, 1.9).iter().map(|v| v + 1.5).collect();
        }
        if clusters {
            // Clusters of two, and one alone.
            case.blocks = vec![0, 8, 19];
            case.clusters = (0..=9).map(|i| 2 * i).chain([19]).collect();
        }
        let ours = case.fit().unwrap();
        let (mut total, mut effect, mut variance) = (0.0, 0.0, 0.0);
        for run in case.blocks.windows(2) {
            let rows = run[0] as usize..run[1] as usize;
            let cut = |v: &Vec<f64>| if v.is_empty() { vec![] } else { v[rows.clone()].to_vec() };
            let own = case.clusters.iter().filter(|c| **c >= run[0] && **c <= run[1]);
            let block = Case {
                y: cut(&case.y),
                treated: cut(&case.treated),
                weights: cut(&case.weights),
                blocks: vec![],
                clusters: own.map(|c| c - run[0]).collect(),
            };
            let w = if weighted { block.weights.iter().sum() } else { rows.len() as f64 };
            let kind = if clusters { Variance::Cr2 } else { Variance::Hc2 };
            let [estimate, std_error, _] = block.slope(kind);
            total += w;
            effect += w * estimate;
            variance += (w * std_error).powi(2);
        }
        close(ours.estimate, effect / total, 1e-13);
        close(ours.std_error, variance.sqrt() / total, 1e-13);
        assert_eq!(ours.design, Design::Blocked);
        let df = if clusters { 10.0 - 4.0 } else { (n - 2 * sizes.len()) as f64 };
        assert_eq!(ours.df, df);
    }
}

#[test]
fn collapsed_rows_stand_for_their_observations() {
    let count = [3.0, 2.0, 4.0, 1.0, 2.0, 3.0];
    let treated = [1.0, 0.0, 1.0, 0.0, 1.0, 0.0];
    let mut plain = Case { y: numbers(15, 0.9), clusters: vec![0], ..Case::default() };
    let (mut mean, mut within) = (vec![], vec![]);
    for (c, t) in count.iter().zip(treated) {
        let (low, high) = (plain.treated.len(), plain.treated.len() + *c as usize);
        plain.treated.extend(vec![t; *c as usize]);
        plain.clusters.push(high as u32);
        let own = &plain.y[low..high];
        let m = own.iter().sum::<f64>() / c;
        mean.push(m);
        within.push(own.iter().map(|y| (y - m).powi(2)).sum());
    }
    let each: Vec<u32> = (0..=6).collect();
    for (clusters, blocks, of_plain) in [
        (&[][..], &[][..], &[][..]),
        (&each, &[], &[]),
        // Blocks of one cluster in each arm, the same in both forms.
        (&each, &[0, 2, 4, 6], &[0, 5, 10, 15]),
    ] {
        let observations = Observations::Collapsed { count: &count, within: &within };
        let arms = Arms { y: &mean, treated: &treated, observations, blocks, clusters };
        let ours = fit(&arms, &mut Scratch::default()).unwrap();
        let mut case = plain.clone();
        case.blocks = of_plain.to_vec();
        if clusters.is_empty() {
            case.clusters.clear();
        }
        let expected = case.fit().unwrap();
        close(ours.estimate, expected.estimate, 1e-13);
        close(ours.std_error, expected.std_error, 1e-13);
        close(ours.df, expected.df, 1e-12);
        assert_eq!((ours.n_obs, ours.design), (15.0, expected.design));
        assert_eq!(ours.n_clusters, expected.n_clusters);
    }
}

/// estimatr before 2.0 counted rows of weight zero.
#[test]
fn rows_of_weight_zero_are_not_there() {
    let mut case = Case { y: numbers(12, 0.7), ..Case::default() };
    case.treated = (0..12).map(|i| f64::from(i % 2)).collect();
    case.weights = numbers(12, 1.3).iter().map(|v| v + 1.5).collect();
    let expected = case.fit().unwrap();
    for at in [0, 5, 12] {
        let mut more = case.clone();
        more.y.insert(at, f64::NAN);
        more.treated.insert(at, 7.0);
        more.weights.insert(at, 0.0);
        assert_eq!(more.fit().unwrap(), expected);
    }
}

#[test]
fn what_can_not_be_estimated_is_named() {
    let failure = |case: Case| case.fit().unwrap_err();
    let y = |n| numbers(n, 0.7);
    let case = |treated: &[f64], blocks: &[u32], clusters: &[u32]| Case {
        y: y(treated.len()),
        treated: treated.to_vec(),
        blocks: blocks.to_vec(),
        clusters: clusters.to_vec(),
        ..Case::default()
    };
    assert_eq!(failure(case(&[], &[], &[])), Failure::NoRows);
    assert_eq!(failure(case(&[1.0, 1.0], &[], &[])), Failure::EmptyArm);
    assert_eq!(failure(case(&[1.0, 0.0, 1.0], &[], &[])), Failure::TooFewInArm);
    assert_eq!(failure(case(&[1.0, 0.0, 2.0], &[], &[])), Failure::NotACondition);
    assert_eq!(failure(case(&[1.0, 0.0, f64::NAN], &[], &[])), Failure::NotFinite);
    // One cluster in an arm: estimatr 1.0.4 gave CR2 a standard error of rounding errors.
    let one_cluster = case(&[1.0, 1.0, 0.0, 0.0, 0.0], &[], &[0, 2, 3, 5]);
    assert_eq!(failure(one_cluster), Failure::TooFewInArm);
    let mixed = case(&[1.0, 0.0, 0.0, 0.0], &[], &[0, 2, 3, 4]);
    assert_eq!(failure(mixed), Failure::MixedCluster);
    // A block with one condition only, and one pair among larger blocks.
    let four = [1.0, 1.0, 0.0, 0.0];
    let with = |more: &[f64]| [&four[..], more].concat();
    assert_eq!(failure(case(&with(&[1.0, 1.0]), &[0, 4, 6], &[])), Failure::EmptyArm);
    assert_eq!(failure(case(&with(&[1.0, 0.0]), &[0, 4, 6], &[])), Failure::TooFewInArm);
    let mut bad = case(&four, &[], &[]);
    bad.weights = vec![1.0, -1.0, 1.0, 1.0];
    assert_eq!(failure(bad.clone()), Failure::BadWeights);
    bad.weights = vec![0.0; 4];
    assert_eq!(failure(bad), Failure::BadWeights);
    let mut huge = case(&four, &[], &[]);
    huge.y = vec![1e200, -1e200, 1.0, 2.0];
    assert_eq!(failure(huge), Failure::NotFinite);
}

/// An outcome that does not vary has the standard error zero, whatever rounding makes of it.
#[test]
fn rounding_errors_are_no_standard_error() {
    for value in [0.1, 1e6 / 3.0, 1e-9] {
        for blocks in [vec![], vec![0, 8, 10, 12, 14, 16, 18, 20]] {
            let treated: Vec<f64> = (0..20).map(|i| f64::from(i % 2)).collect();
            let y = treated.iter().map(|t| value * (1.0 + 0.7 * t) + value * 0.3).collect();
            let fit = Case { y, treated, blocks, ..Case::default() }.fit().unwrap();
            assert_eq!(fit.std_error, 0.0);
            close(fit.estimate, 0.7 * value, 1e-12);
        }
    }
}

#[test]
fn shift_and_scale_carry_over() {
    let mut case = clustered(&[2, 2, 3, 1, 4, 2], &[1.0, 0.0, 1.0, 0.0, 0.0, 1.0]);
    for blocks in [vec![], vec![0, 4, 14]] {
        case.blocks = blocks;
        if !case.blocks.is_empty() {
            case.clusters.clear();
        }
        let first = case.fit().unwrap();
        for (shift, scale) in [(1e6, 1.0), (0.0, 1e-8), (-3e4, 1e5)] {
            let mut moved = case.clone();
            moved.y.iter_mut().for_each(|y| *y = shift + scale * *y);
            let other = moved.fit().unwrap();
            close(other.estimate, scale * first.estimate, 1e-8);
            close(other.std_error, scale * first.std_error, 1e-8);
            close(other.df, first.df, 1e-7);
        }
    }
}
