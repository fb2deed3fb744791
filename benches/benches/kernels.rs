//! Nanoseconds a call of the kernels that a simulation spends its time in.
//!
//! `cargo bench -p trialrun-benches --bench kernels`; a name after `--` picks some of them.

use std::hint::black_box;

use divan::Bencher;
use rand::RngExt;
use rand_distr::StandardNormal;
use trialrun_plan::exec::random::generator;
use trialrun_stats::ols::{self, Targets, Variance};
use trialrun_stats::special::student_t::{self, Critical};
use trialrun_stats::{Observations, Rows, lmm};

fn main() {
    divan::main();
}

/// Calls a function with degrees of freedom as Satterthwaite's are: a new number each time.
fn with_new_df(bencher: Bencher<'_, '_>, df: f64, f: impl Fn(f64) -> f64) {
    let many: [f64; 64] = std::array::from_fn(|i| df + 0.618 * i as f64 % 1.0);
    let mut next = 0;
    bencher.bench_local(|| {
        next = (next + 1) % many.len();
        f(black_box(many[next]))
    });
}

#[divan::bench(args = [3.0, 8.0, 248.0])]
fn t_quantile(bencher: Bencher<'_, '_>, df: f64) {
    with_new_df(bencher, df, |df| student_t::quantile(0.975, df));
}

#[divan::bench(args = [3.0, 8.0, 248.0])]
fn t_critical(bencher: Bencher<'_, '_>, df: f64) {
    let critical = Critical::new(0.05);
    with_new_df(bencher, df, |df| critical.at(df));
}

#[divan::bench(args = [3.0, 8.0, 248.0])]
fn t_two_sided(bencher: Bencher<'_, '_>, df: f64) {
    with_new_df(bencher, df, |df| student_t::two_sided(1.3, df));
}

/// Rows of a model: an intercept, a treatment of whole groups, and covariates that vary within.
struct Data {
    x: Vec<f64>,
    y: Vec<f64>,
    count: Vec<f64>,
    within: Vec<f64>,
    groups: Vec<u32>,
}

impl Data {
    /// `n_groups` groups of `size` rows, give or take `spread`, with `n_covariates`.
    fn new(n_groups: usize, size: usize, spread: usize, n_covariates: usize) -> Self {
        let mut rng = generator(1, 2, 3);
        let mut groups = vec![0];
        let (mut treatment, mut y) = (Vec::new(), Vec::new());
        for group in 0..n_groups {
            let effect: f64 = rng.sample(StandardNormal);
            for _ in 0..size - spread + group * 7 % (2 * spread + 1) {
                treatment.push((group % 2) as f64);
                let noise: f64 = rng.sample(StandardNormal);
                y.push(effect + noise);
            }
            groups.push(y.len() as u32);
        }
        let m = y.len();
        let mut x = vec![1.0; m];
        x.extend(treatment);
        x.extend((0..n_covariates * m).map(|_| -> f64 { rng.sample(StandardNormal) }));
        let within = y.iter().map(|y: &f64| 1.0 + y.abs()).collect();
        Self { x, y, count: vec![3.0; m], within, groups }
    }

    fn single(&self) -> Rows<'_> {
        let observations = Observations::Single;
        Rows { x: &self.x, y: &self.y, observations, groups: &self.groups }
    }

    /// Each row stands for three observations.
    fn collapsed(&self) -> Rows<'_> {
        let observations = Observations::Collapsed { count: &self.count, within: &self.within };
        Rows { x: &self.x, y: &self.y, observations, groups: &self.groups }
    }
}

fn ols_of(bencher: Bencher<'_, '_>, rows: &Rows<'_>, variance: Variance) {
    let mut scratch = ols::Scratch::default();
    bencher.bench_local(|| {
        let fit = ols::fit(black_box(rows), variance, Targets::Some(&[1]), &mut scratch);
        fit.expect("a sound fit").std_error[1]
    });
}

/// As in student-tests: a row for each of 10 classes.
#[divan::bench]
fn ols_cr2_10_clusters_collapsed(bencher: Bencher<'_, '_>) {
    ols_of(bencher, &Data::new(10, 1, 0, 0).collapsed(), Variance::Cr2);
}

#[divan::bench]
fn ols_cr2_10_clusters_of_20_to_30(bencher: Bencher<'_, '_>) {
    ols_of(bencher, &Data::new(10, 25, 5, 0).single(), Variance::Cr2);
}

#[divan::bench]
fn ols_cr2_10_clusters_of_20_to_30_3_covariates(bencher: Bencher<'_, '_>) {
    ols_of(bencher, &Data::new(10, 25, 5, 3).single(), Variance::Cr2);
}

#[divan::bench]
fn ols_hc2_250_rows(bencher: Bencher<'_, '_>) {
    ols_of(bencher, &Data::new(10, 25, 0, 0).single(), Variance::Hc2);
}

fn lmm_of(bencher: Bencher<'_, '_>, rows: &Rows<'_>) {
    let mut scratch = lmm::Scratch::default();
    bencher.bench_local(|| {
        let fit = lmm::fit(black_box(rows), lmm::Method::Reml, &mut scratch);
        let fit = fit.expect("a sound fit");
        fit.coefficient(1, lmm::Df::Satterthwaite).expect("the treatment is kept").std_error
    });
}

/// As in student-tests: a row for each of 250 students with 3 tests.
#[divan::bench]
fn lmm_250_groups_of_3_collapsed(bencher: Bencher<'_, '_>) {
    lmm_of(bencher, &Data::new(250, 1, 0, 0).collapsed());
}

#[divan::bench]
fn lmm_250_groups_of_3(bencher: Bencher<'_, '_>) {
    lmm_of(bencher, &Data::new(250, 3, 0, 0).single());
}

#[divan::bench]
fn lmm_30_groups_of_20_to_30(bencher: Bencher<'_, '_>) {
    lmm_of(bencher, &Data::new(30, 25, 5, 0).single());
}

#[divan::bench]
fn lmm_30_groups_of_20_to_30_3_covariates(bencher: Bencher<'_, '_>) {
    lmm_of(bencher, &Data::new(30, 25, 5, 3).single());
}
