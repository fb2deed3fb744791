//! What a fit to real data tells: its coefficients, and all that the method knows beside them.

use trialrun_stats::Failure;
use trialrun_stats::ols::Wald;
use trialrun_stats::special::{chi_squared, fisher_f};

use crate::result::Row;

/// One term of a fit to real data.
#[derive(Clone, Debug, PartialEq)]
pub struct Coefficient {
    /// The term.
    pub term: String,
    /// The result.
    pub row: Row,
}

/// All that a method knows of one fit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Details {
    /// Named numbers: `sigma`, `log_likelihood` ...
    pub numbers: Vec<(&'static str, f64)>,
    /// Named words: the kind of design that was found ...
    pub words: Vec<(&'static str, String)>,
    /// Tests of several coefficients, or of the model.
    pub tests: Vec<Test>,
    /// Tests that could not be made: what is tested, and why not.
    pub untested: Vec<(String, Failure)>,
    /// Standard deviations of random effects: group, term, value.
    pub random_effects: Vec<(String, String, f64)>,
    /// Correlations of random effects of one group: group, the two terms, value.
    pub correlations: Vec<(String, [String; 2], f64)>,
    /// Limits of standard deviations: what, lower and upper, or why there are none.
    pub limits: Vec<(String, Result<[f64; 2], Failure>)>,
    /// Limits of correlations in the same way: `correlation of x and (Intercept) by class`.
    pub correlation_limits: Vec<(String, Result<[f64; 2], Failure>)>,
    /// Which coefficients were kept.
    pub kept: Vec<bool>,
    /// Variance matrix of the coefficients in [`Details::in_vcov`], by rows; empty where there is
    /// none.
    pub vcov: Vec<f64>,
    /// Which coefficients it is of, where they are not those kept: effects that there are.
    pub of_vcov: Vec<bool>,
    /// Hypotheses about coefficients, each with its estimate.
    pub hypotheses: Vec<Coefficient>,
    /// How several hypotheses are tested at once.
    pub joint: Joint,
}

impl Details {
    /// Which coefficients the variance matrix is of.
    pub fn in_vcov(&self) -> &[bool] {
        if self.of_vcov.is_empty() { &self.kept } else { &self.of_vcov }
    }

    /// Adds the test of a variance of zero, or why there is none.
    pub(crate) fn add_boundary_test(&mut self, what: &str, test: Result<(f64, usize), Failure>) {
        match test {
            Ok(found) => self.tests.push(Test::boundary(what, found)),
            Err(failure) => self.untested.push((Test::no_variance(what), failure)),
        }
    }
}

/// How several hypotheses about coefficients are tested at once.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Joint {
    /// Wald's chi-squared.
    #[default]
    ChiSquared,
    /// F, with degrees of freedom of the denominator.
    F(f64),
    /// Pustejovsky and Tipton's approximation to Hotelling's distribution.
    Hotelling,
}

/// A test beside those of the coefficients.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// What is tested.
    pub name: String,
    /// The statistic.
    pub statistic: f64,
    /// Degrees of freedom.
    pub df1: f64,
    /// Degrees of freedom of the denominator of an F statistic; none for chi-squared.
    pub df2: Option<f64>,
    /// The p-value.
    pub p_value: f64,
}

impl Test {
    /// An F test.
    pub(crate) fn f(name: impl Into<String>, wald: &Wald) -> Self {
        let Wald { value, df1, df2 } = *wald;
        let p_value = fisher_f::upper(value, df1, df2);
        Self { name: name.into(), statistic: value, df1, df2: Some(df2), p_value }
    }

    /// A likelihood ratio test of a variance of zero, at the boundary of what it can be: the mean
    /// of chi-squared distributions with `df` degrees of freedom and with one less.
    ///
    /// # References
    /// Self and Liang 1987, Journal of the American Statistical Association 82:605, case 5; Stram
    /// and Lee 1994, Biometrics 50:1171.
    fn boundary(what: &str, (value, df): (f64, usize)) -> Self {
        let upper = |df: usize| match df {
            0 => f64::from(u8::from(value <= 0.0)),
            _ => chi_squared::upper(value, df as f64),
        };
        let name = format!("{}, the mean of {} and {df}", Self::no_variance(what), df - 1);
        let p_value = 0.5 * (upper(df - 1) + upper(df));
        Self { name, statistic: value, df1: df as f64, df2: None, p_value }
    }

    /// What a test of a variance of zero is called.
    fn no_variance(what: &str) -> String {
        format!("no variance of {what}")
    }

    /// A chi-squared test.
    pub(crate) fn chi_squared(name: impl Into<String>, [value, df]: [f64; 2]) -> Self {
        let p_value = chi_squared::upper(value, df);
        Self { name: name.into(), statistic: value, df1: df, df2: None, p_value }
    }
}
