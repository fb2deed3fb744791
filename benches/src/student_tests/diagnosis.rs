//! All simulations of the hand-written design, reduced to diagnosands with Monte Carlo errors.

use std::ops::Range;

use rayon::prelude::*;

use super::estimators::Estimate;
use super::{Draws, Simulation, StudentTests};

/// Simulations that one thread does at a time. Batches are merged in order, so that the sums do not
/// depend on the threads.
const BATCH: u64 = 256;

/// A property of an estimator, with its Monte Carlo standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Diagnosand {
    /// Its name.
    pub name: &'static str,
    /// Its value; none where no simulation counts.
    pub value: Option<f64>,
    /// The standard error of the value; none where fewer than two simulations count.
    pub mcse: Option<f64>,
    /// Simulations that count.
    pub n: u64,
}

/// What a run says of both estimators.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnosis {
    /// Of the random intercept.
    pub random_intercept: Vec<Diagnosand>,
    /// Of the student averages.
    pub student_average: Vec<Diagnosand>,
    /// Random intercept minus student averages, with paired errors: bias, rmse, power, coverage.
    pub comparison: Vec<Comparison>,
}

/// A difference between the estimators, with its paired Monte Carlo standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// The diagnosand.
    pub name: &'static str,
    /// Random intercept minus student averages.
    pub value: f64,
    /// Its standard error.
    pub mcse: f64,
}

impl StudentTests {
    /// Does `sims` simulations on the threads of the current pool, and reduces them.
    pub fn diagnose(&self, seed: u64, sims: u64) -> Diagnosis {
        let batches: Vec<Sums> = (0..sims.div_ceil(BATCH))
            .into_par_iter()
            .map_init(Draws::default, |draws, batch| {
                self.batch(draws, seed, batch * BATCH..sims.min((batch + 1) * BATCH))
            })
            .collect();
        let mut sums = Sums::default();
        batches.iter().for_each(|batch| sums.merge(batch));
        sums.diagnosis()
    }

    fn batch(&self, draws: &mut Draws, seed: u64, sims: Range<u64>) -> Sums {
        let mut sums = Sums::default();
        for sim in sims {
            sums.add(&self.simulate(draws, seed, sim), self.alpha());
        }
        sums
    }
}

/// Sums of powers 1 to `K`.
#[derive(Clone, Copy)]
struct Powers<const K: usize>([f64; K]);

impl<const K: usize> Default for Powers<K> {
    fn default() -> Self {
        Self([0.0; K])
    }
}

impl<const K: usize> Powers<K> {
    #[inline]
    fn add(&mut self, x: f64) {
        let mut power = 1.0;
        for sum in &mut self.0 {
            power *= x;
            *sum += power;
        }
    }

    fn merge(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(sum, more)| *sum += more);
    }

    fn mean(&self, n: f64) -> f64 {
        self.0[0] / n
    }

    /// Variance with divisor `n - 1`.
    fn variance(&self, n: f64) -> f64 {
        let mean = self.mean(n);
        (self.0[1] - self.0[0] * mean) / (n - 1.0)
    }
}

/// Sums over simulations for one estimator.
#[derive(Clone, Copy, Default)]
struct EstimatorSums {
    n: f64,
    boundary: f64,
    estimand: Powers<2>,
    error: Powers<4>,
    estimate: Powers<4>,
    std_error: Powers<2>,
    df: Powers<2>,
    width: Powers<2>,
    /// Sums of the standard error times the estimate and its square.
    std_error_by_estimate: [f64; 2],
    significant: f64,
    covered: f64,
    /// Significant simulations with an estimand other than zero.
    signed: f64,
    wrong_sign: f64,
    exaggeration: Powers<2>,
    /// Simulations with an estimand of zero.
    null: f64,
    false_positive: f64,
}

impl EstimatorSums {
    /// Adds a simulation; tells whether it is significant, and whether its interval covers.
    #[inline]
    fn add(&mut self, estimand: f64, fit: &Estimate, boundary: bool, alpha: f64) -> [f64; 2] {
        let one_if = |condition: bool| f64::from(u8::from(condition));
        self.n += 1.0;
        self.boundary += one_if(boundary);
        self.estimand.add(estimand);
        self.error.add(fit.estimate - estimand);
        self.estimate.add(fit.estimate);
        self.std_error.add(fit.std_error);
        self.df.add(fit.df);
        self.width.add(fit.conf_high - fit.conf_low);
        self.std_error_by_estimate[0] += fit.std_error * fit.estimate;
        self.std_error_by_estimate[1] += fit.std_error * fit.estimate * fit.estimate;
        let significant = fit.p_value <= alpha;
        let covered = fit.conf_low <= estimand && estimand <= fit.conf_high;
        self.significant += one_if(significant);
        self.covered += one_if(covered);
        if estimand == 0.0 {
            self.null += 1.0;
            self.false_positive += one_if(significant);
        } else if significant {
            self.signed += 1.0;
            self.wrong_sign += one_if((fit.estimate > 0.0) != (estimand > 0.0));
            self.exaggeration.add((fit.estimate / estimand).abs());
        }
        [one_if(significant), one_if(covered)]
    }

    fn merge(&mut self, other: &Self) {
        self.n += other.n;
        self.boundary += other.boundary;
        self.estimand.merge(&other.estimand);
        self.error.merge(&other.error);
        self.estimate.merge(&other.estimate);
        self.std_error.merge(&other.std_error);
        self.df.merge(&other.df);
        self.width.merge(&other.width);
        self.std_error_by_estimate[0] += other.std_error_by_estimate[0];
        self.std_error_by_estimate[1] += other.std_error_by_estimate[1];
        self.significant += other.significant;
        self.covered += other.covered;
        self.signed += other.signed;
        self.wrong_sign += other.wrong_sign;
        self.exaggeration.merge(&other.exaggeration);
        self.null += other.null;
        self.false_positive += other.false_positive;
    }

    fn rmse(&self) -> f64 {
        (self.error.0[1] / self.n).sqrt()
    }

    /// Variance of the squared errors, divisor `n - 1`.
    fn variance_of_squares(&self) -> f64 {
        let [_, second, _, fourth] = self.error.0;
        (fourth - second * second / self.n) / (self.n - 1.0)
    }

    fn diagnosands(&self) -> Vec<Diagnosand> {
        let n = self.n;
        let counted = |name, n: f64, value: f64, mcse: f64| Diagnosand {
            name,
            value: (n > 0.0).then_some(value),
            mcse: (n > 1.0).then_some(mcse),
            n: n as u64,
        };
        let mean = |name, powers: &Powers<2>, n: f64| {
            counted(name, n, powers.mean(n), (powers.variance(n) / n).sqrt())
        };
        let rate = |name, count: f64, n: f64| {
            let p = count / n;
            counted(name, n, p, (p * (1.0 - p) / n).sqrt())
        };
        let first_two = |powers: &Powers<4>| Powers([powers.0[0], powers.0[1]]);
        let rmse = self.rmse();
        let (sd, sd_mcse) = self.sd_estimate();
        let (ratio, ratio_mcse) = self.se_ratio();
        vec![
            mean("bias", &first_two(&self.error), n),
            counted("rmse", n, rmse, (self.variance_of_squares() / n).sqrt() / (2.0 * rmse)),
            counted("sd_estimate", n, sd, sd_mcse),
            mean("mean_estimand", &self.estimand, n),
            mean("mean_estimate", &first_two(&self.estimate), n),
            mean("mean_se", &self.std_error, n),
            mean("mean_df", &self.df, n),
            mean("ci_width", &self.width, n),
            rate("power", self.significant, n),
            rate("coverage", self.covered, n),
            rate("type_s", self.wrong_sign, self.signed),
            mean("exaggeration", &self.exaggeration, self.signed),
            counted("se_ratio", n, ratio, ratio_mcse),
            rate("false_positive", self.false_positive, self.null),
            // No fit of this design fails: each arm has five classes of five students or more.
            rate("failures", 0.0, n),
            rate("boundary", self.boundary, n),
        ]
    }

    /// Second and fourth moment of the estimates around their mean, divisor `n`.
    fn central_moments(&self) -> (f64, f64) {
        let n = self.n;
        let [m1, m2, m3, m4] = self.estimate.0.map(|sum| sum / n);
        let second = m2 - m1 * m1;
        let fourth = m4 - 4.0 * m1 * m3 + 6.0 * m1 * m1 * m2 - 3.0 * m1.powi(4);
        (second, fourth)
    }

    /// Standard deviation `s` of the estimates, divisor `n - 1`. Its variance is that of `s^2`,
    /// `(m4 - s^4 (n - 3) / (n - 1)) / n`, over `4 s^2`: the delta method.
    fn sd_estimate(&self) -> (f64, f64) {
        let n = self.n;
        let variance = self.estimate.variance(n);
        let (_, fourth) = self.central_moments();
        let of_variance = (fourth - variance * variance * (n - 3.0) / (n - 1.0)) / n;
        (variance.sqrt(), (of_variance / (4.0 * variance)).sqrt())
    }

    /// Mean standard error `m` over `s`. By the delta method its relative variance is that of the
    /// mean of `se / m - (estimate - mean)^2 / (2 m2)` over simulations.
    fn se_ratio(&self) -> (f64, f64) {
        let n = self.n;
        let m = self.std_error.mean(n);
        let mean = self.estimate.mean(n);
        let (second, fourth) = self.central_moments();
        let [first, squared] = self.std_error_by_estimate.map(|sum| sum / n);
        let covariance = squared - 2.0 * mean * first + mean * mean * m - m * second;
        let variance = self.std_error.variance(n) * (n - 1.0) / n;
        let relative = variance / (m * m) + (fourth / (second * second) - 1.0) / 4.0
            - covariance / (m * second);
        let ratio = m / self.estimate.variance(n).sqrt();
        (ratio, ratio * (relative / (n - 1.0)).sqrt())
    }
}

/// Sums over simulations for the design.
#[derive(Clone, Copy, Default)]
struct Sums {
    random_intercept: EstimatorSums,
    student_average: EstimatorSums,
    n: f64,
    /// Differences of errors, of significance and of coverage.
    errors: Powers<2>,
    significant: Powers<2>,
    covered: Powers<2>,
    /// Sum of the products of the squared errors.
    squares: f64,
}

impl Sums {
    #[inline]
    fn add(&mut self, sim: &Simulation, alpha: f64) {
        let Simulation { estimand, random_intercept: a, student_average: b, boundary } = sim;
        let from_a = self.random_intercept.add(*estimand, a, *boundary, alpha);
        let from_b = self.student_average.add(*estimand, b, false, alpha);
        let (a, b) = (a.estimate - estimand, b.estimate - estimand);
        self.n += 1.0;
        self.errors.add(a - b);
        self.significant.add(from_a[0] - from_b[0]);
        self.covered.add(from_a[1] - from_b[1]);
        self.squares += a * a * b * b;
    }

    fn merge(&mut self, other: &Self) {
        self.random_intercept.merge(&other.random_intercept);
        self.student_average.merge(&other.student_average);
        self.n += other.n;
        self.errors.merge(&other.errors);
        self.significant.merge(&other.significant);
        self.covered.merge(&other.covered);
        self.squares += other.squares;
    }

    fn diagnosis(&self) -> Diagnosis {
        let n = self.n;
        let mean = |name, powers: &Powers<2>| {
            let mcse = (powers.variance(n) / n).sqrt();
            Comparison { name, value: powers.mean(n), mcse }
        };
        let rmse = self.rmse_difference();
        Diagnosis {
            random_intercept: self.random_intercept.diagnosands(),
            student_average: self.student_average.diagnosands(),
            comparison: vec![
                mean("bias", &self.errors),
                rmse,
                mean("power", &self.significant),
                mean("coverage", &self.covered),
            ],
        }
    }

    /// The difference of the root mean squares. By the delta method its variance is that of
    /// `a^2 / (2 rmse_a) - b^2 / (2 rmse_b)`, over `n`.
    fn rmse_difference(&self) -> Comparison {
        let n = self.n;
        let (a, b) = (&self.random_intercept, &self.student_average);
        let (rmse_a, rmse_b) = (a.rmse(), b.rmse());
        let covariance = (self.squares - a.error.0[1] * b.error.0[1] / n) / (n - 1.0);
        let variance = a.variance_of_squares() / (4.0 * rmse_a * rmse_a)
            + b.variance_of_squares() / (4.0 * rmse_b * rmse_b)
            - covariance / (2.0 * rmse_a * rmse_b);
        Comparison { name: "rmse", value: rmse_a - rmse_b, mcse: (variance.max(0.0) / n).sqrt() }
    }
}
