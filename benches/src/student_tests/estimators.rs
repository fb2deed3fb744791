//! Both estimators of the design in closed form, from sums over students and classes.

use trialrun_stats::special::student_t::{self, Critical};

use super::{CLASSES, TESTS};

/// Classes of an arm.
const ARM_CLASSES: usize = CLASSES / 2;

/// What the estimators need of the classes with one treatment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Arm {
    /// Students.
    pub n: f64,
    /// Sum over students of the average score, as a distance from a fixed centre.
    sum: f64,
    /// Sum of its squares.
    squares: f64,
    /// Sum of squares of the scores around their student's average.
    within: f64,
    /// Students and sum of each class.
    classes: [(f64, f64); ARM_CLASSES],
    n_classes: usize,
}

impl Arm {
    /// Adds a class of `n` students with these sums over its students.
    ///
    /// # Panics
    /// Where the arm has all of its classes already.
    #[inline]
    pub fn add_class(&mut self, n: f64, sum: f64, squares: f64, within: f64) {
        self.n += n;
        self.sum += sum;
        self.squares += squares;
        self.within += within;
        self.classes[self.n_classes] = (n, sum);
        self.n_classes += 1;
    }

    fn mean(&self) -> f64 {
        self.sum / self.n
    }

    /// Sum of squares of the student averages around the arm's mean.
    fn between(&self) -> f64 {
        self.squares - self.sum * self.mean()
    }
}

/// A coefficient of the treatment, before its test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coefficient {
    /// The estimate.
    pub estimate: f64,
    /// Its variance.
    pub variance: f64,
    /// Its degrees of freedom.
    pub df: f64,
}

/// An estimate with its test and interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The estimate.
    pub estimate: f64,
    /// Its standard error.
    pub std_error: f64,
    /// Degrees of freedom of the t distribution.
    pub df: f64,
    /// Estimate over standard error.
    pub statistic: f64,
    /// Two-sided p-value.
    pub p_value: f64,
    /// Lower end of the interval.
    pub conf_low: f64,
    /// Upper end of the interval.
    pub conf_high: f64,
}

impl Coefficient {
    /// Adds test and interval.
    pub fn test(self, critical: &Critical) -> Estimate {
        let Self { estimate, variance, df } = self;
        let std_error = variance.sqrt();
        let statistic = estimate / std_error;
        let half = critical.at(df) * std_error;
        Estimate {
            estimate,
            std_error,
            df,
            statistic,
            p_value: student_t::two_sided(statistic, df),
            conf_low: estimate - half,
            conf_high: estimate + half,
        }
    }
}

/// A fit of the random-intercept model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RandomIntercept {
    /// The variance of the intercept is positive.
    Interior(Coefficient),
    /// It is zero.
    Boundary(Coefficient),
}

/// `score ~ treatment + (1 | student)` by REML, with Satterthwaite's degrees of freedom.
///
/// Every student has `k` tests and the treatment does not vary within a student, so the estimate is
/// the difference of the arms' means, and the restricted likelihood falls into two parts: the mean
/// squares `MSW` within students, of expectation `sigma^2`, and `MSB` between them, of expectation
/// `sigma^2 + k sigma_a^2`. Where `MSB > MSW` both are at their maximum, the estimate's variance is
/// `MSB / k (1 / n_0 + 1 / n_1)`, and its degrees of freedom are those of `MSB`; elsewhere
/// `sigma_a = 0`, one mean square pools both, and has the residual degrees of freedom.
///
/// # References
/// Searle, Casella & McCulloch (1992), Variance Components, section 3.8. Kuznetsova, Brockhoff &
/// Christensen (2017), Journal of Statistical Software 82(13), equations 4 to 6.
pub fn random_intercept(arms: &[Arm; 2]) -> RandomIntercept {
    let [control, treated] = arms;
    let k = TESTS as f64;
    let n = control.n + treated.n;
    let estimate = treated.mean() - control.mean();
    let spread = 1.0 / control.n + 1.0 / treated.n;
    let between = k * (control.between() + treated.between());
    let within = control.within + treated.within;
    let df_between = n - 2.0;
    let mean_square = between / df_between;
    if mean_square > within / (n * (k - 1.0)) {
        let variance = mean_square / k * spread;
        return RandomIntercept::Interior(Coefficient { estimate, variance, df: df_between });
    }
    let df = n * k - 2.0;
    let variance = (between + within) / df / k * spread;
    RandomIntercept::Boundary(Coefficient { estimate, variance, df })
}

/// `average_score ~ treatment`, one row a student, with the CR2 variance clustered by class and its
/// Satterthwaite degrees of freedom.
///
/// All rows of a class are alike, so `I - H` of a class, with share `q` of its arm's students, has
/// the one eigenvalue `1 - q` beside ones, and its inverse root multiplies the class's sum of
/// residuals `S` by `(1 - q)^(-1/2)`: an arm of `n` students adds `sum S^2 / (1 - q) / n^2` to the
/// variance. With `v = q^2 / (1 - q)`, it adds `1 / n` to the trace of the matrix whose eigenvalues
/// are the weights of the variance's chi-squared variables, and
/// `(sum q^2 + (sum v)^2 - sum v^2) / n^2` to the trace of its square.
///
/// # References
/// Bell & McCaffrey (2002), Survey Methodology 28:169. Pustejovsky & Tipton (2018), Journal of
/// Business and Economic Statistics 36:672, equations 6 and 11.
pub fn student_average(arms: &[Arm; 2]) -> Coefficient {
    let (mut variance, mut trace, mut trace_of_square) = (0.0, 0.0, 0.0);
    for arm in arms {
        let share = 1.0 / arm.n;
        let mean = arm.mean();
        let (mut residuals, mut q_squares, mut v_sum, mut v_squares) = (0.0, 0.0, 0.0, 0.0);
        for (n, sum) in arm.classes {
            let q = n * share;
            let inverse = 1.0 / (1.0 - q);
            let residual = sum - n * mean;
            let v = q * q * inverse;
            residuals += residual * residual * inverse;
            q_squares += q * q;
            v_sum += v;
            v_squares += v * v;
        }
        variance += residuals * share * share;
        trace += share;
        trace_of_square += (q_squares + v_sum * v_sum - v_squares) * share * share;
    }
    let estimate = arms[1].mean() - arms[0].mean();
    Coefficient { estimate, variance, df: trace * trace / trace_of_square }
}
