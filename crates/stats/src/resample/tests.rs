//! Bootstraps against refits of the data that they stand for.

mod joint;

use super::{Curve, Replicates, pairs, wild};
use crate::ols::{self, Sums, Targets, Variance};
use crate::{Observations, Rows};

/// A small generator of plain numbers, so that the tests need no crate.
struct Numbers(u64);

impl Numbers {
    fn uniform(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

/// Clustered data: an intercept, a treatment of clusters and a covariate.
struct Data {
    x: Vec<f64>,
    y: Vec<f64>,
    w: Vec<f64>,
    groups: Vec<u32>,
}

const P: usize = 3;
const TARGET: usize = 1;

fn data(sizes: &[usize], seed: u64) -> Data {
    let mut numbers = Numbers(seed);
    let n: usize = sizes.iter().sum();
    let (mut x, mut y, mut w) = (vec![1.0; P * n], Vec::new(), Vec::new());
    let mut groups = vec![0];
    for (g, size) in sizes.iter().enumerate() {
        let (z, shift) = ((g % 2) as f64, numbers.normal());
        for _ in 0..*size {
            let i = y.len();
            x[n + i] = z;
            x[2 * n + i] = numbers.normal();
            y.push(40.0 + 0.7 * z - x[2 * n + i] + shift + numbers.normal());
            w.push(0.5 + numbers.uniform());
        }
        groups.push(y.len() as u32);
    }
    Data { x, y, w, groups }
}

impl Data {
    fn n(&self) -> usize {
        self.y.len()
    }

    fn rows<'a>(&'a self, y: &'a [f64], x: &'a [f64], weighted: bool) -> Rows<'a> {
        let observations =
            if weighted { Observations::Weighted(&self.w) } else { Observations::Single };
        Rows { x, y, observations, groups: &self.groups }
    }

    /// The signed statistic of replicate `v` under the hypothesis `b0`, by two fits; without a
    /// hypothesis the residuals are those of the fit itself.
    fn plain(&self, v: &[f64], b0: Option<f64>, variance: Variance, weighted: bool) -> f64 {
        let (n, mut scratch) = (self.n(), ols::Scratch::default());
        let column = |j: usize| &self.x[j * n..(j + 1) * n];
        let (fitted, tested) = if let Some(b0) = b0 {
            let y: Vec<f64> = self.y.iter().zip(column(TARGET)).map(|(y, z)| y - b0 * z).collect();
            let others = [column(0), column(2)].concat();
            let rows = self.rows(&y, &others, weighted);
            let fit = ols::fit(&rows, Variance::Cr0, Targets::All, &mut scratch).unwrap();
            let (a, c) = (fit.beta[0], fit.beta[1]);
            let fitted = (0..n).map(|i| a + c * column(2)[i] + b0 * column(TARGET)[i]);
            (fitted.collect::<Vec<f64>>(), b0)
        } else {
            let rows = self.rows(&self.y, &self.x, weighted);
            let fit = ols::fit(&rows, Variance::Cr0, Targets::All, &mut scratch).unwrap();
            let beta = fit.beta.to_vec();
            let fitted = (0..n).map(|i| (0..P).map(|j| beta[j] * column(j)[i]).sum::<f64>());
            (fitted.collect(), beta[TARGET])
        };
        let mut y = fitted.clone();
        for (g, run) in self.groups.windows(2).enumerate() {
            for i in run[0] as usize..run[1] as usize {
                y[i] += v[g] * (self.y[i] - fitted[i]);
            }
        }
        let rows = self.rows(&y, &self.x, weighted);
        let fit = ols::fit(&rows, variance, Targets::Some(&[TARGET]), &mut scratch).unwrap();
        (fit.beta[TARGET] - tested) / fit.std_error[TARGET]
    }

    /// The data of a replicate: each copy of a cluster is a cluster of its own.
    fn drawn(&self, counts: &[f64]) -> Self {
        let (n, mut rows, mut groups) = (self.n(), Vec::new(), vec![0]);
        for (run, count) in self.groups.windows(2).zip(counts) {
            for _ in 0..*count as usize {
                rows.extend(run[0] as usize..run[1] as usize);
                groups.push(rows.len() as u32);
            }
        }
        let of = |values: &[f64]| rows.iter().map(|i| values[*i]).collect::<Vec<f64>>();
        let x = self.x.chunks_exact(n).flat_map(of).collect();
        Self { x, y: of(&self.y), w: of(&self.w), groups }
    }

    /// All of its rows, unweighted.
    fn all(&self) -> Rows<'_> {
        self.rows(&self.y, &self.x, false)
    }

    /// The estimate, its standard error, and the sums.
    fn sums(&self, variance: Variance, weighted: bool) -> (f64, f64, Sums) {
        let (mut scratch, mut sums) = (ols::Scratch::default(), Sums::default());
        let rows = self.rows(&self.y, &self.x, weighted);
        let fit = ols::fit(&rows, variance, Targets::Some(&[TARGET]), &mut scratch).unwrap();
        let (b, se) = (fit.beta[TARGET], fit.std_error[TARGET]);
        let wanted = ols::Wanted::Column(TARGET);
        ols::sums(&rows, variance, wanted, &mut scratch, &mut sums).unwrap();
        (b, se, sums)
    }
}

/// The squared statistic of a curve.
fn square(curve: &Curve, d: f64) -> f64 {
    let top = curve.top + d * curve.slope;
    top * top / (curve.square + 2.0 * d * curve.cross + d * d * curve.bend)
}

#[track_caller]
fn close(a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance * (1.0 + b.abs()), "{a} and {b}");
}

const SIZES: [usize; 7] = [3, 8, 1, 5, 12, 4, 2];

#[test]
fn wild_replicates_are_refits() {
    let mut work = Vec::new();
    let mut replicates = Replicates::default();
    for (weighted, variance) in [
        (false, Variance::Cr0),
        (false, Variance::Stata),
        (false, Variance::Cr2),
        (true, Variance::Stata),
    ] {
        let data = data(&SIZES, 3);
        let (b, se, sums) = data.sums(variance, weighted);
        let n = data.n() as f64;
        let j = SIZES.len() as f64;
        // The factor of Stata cancels in p-values; squares here are without it.
        let factor = match variance {
            Variance::Stata => j / (j - 1.0) * ((n - 1.0) / (n - P as f64)),
            _ => 1.0,
        };
        let mut numbers = Numbers(9);
        let observed = wild::observed(&sums);
        close(square(&observed, b / sums.unit[0]), (b / se).powi(2) * factor, 1e-11);
        for _ in 0..20 {
            let draw = |_| wild::WEBB[(numbers.uniform() * 6.0) as usize];
            let v: Vec<f64> = (0..SIZES.len()).map(draw).collect();
            replicates.begin(observed, 2);
            wild::add(&sums, &v, wild::Null::Imposed, &mut work, &mut replicates);
            wild::add(&sums, &v, wild::Null::Unrestricted, &mut work, &mut replicates);
            for b0 in [0.0, 0.7, -3.0, b] {
                let plain = data.plain(&v, Some(b0), variance, weighted);
                let d = (b - b0) / sums.unit[0];
                close(square(&replicates.curves[0], d), plain * plain * factor, 1e-10);
            }
            let plain = data.plain(&v, None, variance, weighted);
            close(square(&replicates.curves[1], 1.0), plain * plain * factor, 1e-10);
        }
    }
}

#[test]
fn a_listed_test_is_that_of_refits_and_its_interval_its_inversion() {
    let data = data(&SIZES, 5);
    let (b, se, sums) = data.sums(Variance::Stata, false);
    let (n, mut work, mut replicates) = (SIZES.len(), Vec::new(), Replicates::default());
    let signs = |at: usize| -> Vec<f64> {
        (0..n).map(|g| if at >> g & 1 == 0 { 1.0 } else { -1.0 }).collect()
    };
    // A vector and its negative give the same square: a half of all is enough.
    replicates.begin(wild::observed(&sums), 1 << (n - 1));
    for at in 0..1 << (n - 1) {
        wild::add(&sums, &signs(at), wild::Null::Imposed, &mut work, &mut replicates);
    }
    let p = |b0: f64| replicates.p_value((b - b0) / sums.unit[0]);
    for b0 in [0.0, 0.4, 2.0] {
        let t = (b - b0) / se;
        let extreme = (0..1 << n)
            .filter(|at| {
                data.plain(&signs(*at), Some(b0), Variance::Stata, false).abs() >= t.abs() - 1e-9
            })
            .count();
        assert_eq!(p(b0), extreme as f64 / f64::from(1 << n), "{b0}");
    }
    let alpha = 0.1;
    let ends = replicates.interval(alpha, 2.0 * se / sums.unit[0]).unwrap();
    for (end, sign) in ends.into_iter().zip([1.0, -1.0]) {
        let end = b - end * sums.unit[0];
        assert!((end - b) * sign > 0.0, "{end} and {b}");
        assert!(p(end) > alpha && p(end + sign * 1e-7) <= alpha, "{end}");
    }
}

#[test]
fn an_interval_without_an_end_is_infinite() {
    let mut replicates = Replicates::default();
    let curve = Curve { slope: 1.0, square: 1.0, ..Curve::default() };
    replicates.begin(curve, 10);
    (0..10).for_each(|_| replicates.add(curve));
    let all = replicates.interval(0.05, 1.0).unwrap();
    assert_eq!(all, [f64::NEG_INFINITY, f64::INFINITY]);
    replicates.begin(Curve { slope: 0.0, ..curve }, 1);
    replicates.add(curve);
    assert_eq!(replicates.interval(0.05, 1.0), None);
    // Weights are probabilities.
    replicates.begin(curve, 2);
    replicates.add_weighted(Curve { top: 9.0, ..curve }, 0.25);
    replicates.add_weighted(Curve { slope: 0.0, ..curve }, 0.75);
    assert_eq!(replicates.p_value(1.0), 0.25);
}

#[test]
fn pairs_are_refits_of_the_clusters_drawn() {
    let data = data(&SIZES, 8);
    let (b, _, sums) = data.sums(Variance::Cr0, false);
    let (mut numbers, mut work) = (Numbers(4), Vec::new());
    let mut told_apart = 0;
    for _ in 0..30 {
        let mut counts = vec![0.0; SIZES.len()];
        for _ in 0..SIZES.len() {
            counts[(numbers.uniform() * SIZES.len() as f64) as usize] += 1.0;
        }
        let drawn = data.drawn(&counts);
        let mut scratch = ols::Scratch::default();
        let fit = ols::fit(&drawn.all(), Variance::Cr0, Targets::Some(&[TARGET]), &mut scratch);
        let replicate = pairs::replicate(&sums, &counts, &mut work);
        match fit {
            Ok(fit) if fit.kept[TARGET] => {
                let replicate = replicate.unwrap();
                told_apart += 1;
                close(b + replicate.change * sums.unit[0], fit.beta[TARGET], 1e-11);
                let t = (fit.beta[TARGET] - b) / fit.std_error[TARGET];
                close(replicate.statistic, t, 1e-9);
            }
            _ => assert_eq!(replicate, None),
        }
    }
    assert!(told_apart > 20, "{told_apart}");
    let (_, se, _) = data.sums(Variance::Cr0, false);
    close(pairs::std_error(&sums) * sums.unit[0], se, 1e-12);
}
