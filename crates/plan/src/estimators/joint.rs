//! Joint tests of several linear hypotheses: that all of them are true.
//!
//! In a simulation each hypothesis is a combination of coefficients that the fit is asked for, and
//! so is the sum of each two of them: from the variances of sums the covariances follow, whatever
//! the method. What is tested is the same as in [`super::hypotheses`], which has the whole variance
//! matrix of a fit to real data.

use trialrun_stats::Failure;
use trialrun_stats::buffer::room;
use trialrun_stats::ols::inverse_form;
use trialrun_stats::special::{chi_squared, fisher_f};

use super::details::Joint;
use super::estimation::{Coef, Estimation, Target};
use super::hypotheses::Contrast;
use crate::exec::Workspace;
use crate::result::Estimate;

/// A hypothesis of which less than this share is new depends on those before it.
const NEW_MIN: f64 = 1e-10;

/// A compiled joint test.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JointTest {
    /// The place of its first hypothesis among the contrasts of the estimator; the others follow,
    /// and then the sums of each two: of the second and the first, the third and the first ...
    pub first: usize,
    /// Number of hypotheses.
    pub q: usize,
}

/// What a joint test gives.
pub(super) struct Tested {
    /// F, or chi-squared.
    pub statistic: f64,
    /// Degrees of freedom of the denominator; none for chi-squared.
    pub df2: Option<f64>,
    /// The p-value.
    pub p_value: f64,
}

/// The test of Wald's form `(Lb - c)'(LVL')^-1(Lb - c)` of `df1` hypotheses; none where there is no
/// degree of freedom. `eta` is that of Hotelling's approximation.
pub(super) fn tested(form: f64, df1: f64, joint: Joint, eta: Option<f64>) -> Option<Tested> {
    let (statistic, df2) = match joint {
        Joint::ChiSquared => (form, None),
        Joint::F(df2) => (form / df1, Some(df2)),
        Joint::Hotelling => {
            let eta = eta?;
            let df2 = eta - df1 + 1.0;
            (df2 > 0.0).then_some((form / df1 * (df2 / eta), Some(df2)))?
        }
    };
    let p_value = match df2 {
        Some(df2) => fisher_f::upper(statistic, df1, df2),
        None => chi_squared::upper(statistic, df1),
    };
    Some(Tested { statistic, df2, p_value })
}

/// Adds the hypotheses of a joint test, and the sums of each two of them, to the contrasts.
pub(super) fn add(hypotheses: Vec<Contrast>, contrasts: &mut Vec<Contrast>) -> JointTest {
    let test = JointTest { first: contrasts.len(), q: hypotheses.len() };
    let mut sums = Vec::new();
    for (s, a) in hypotheses.iter().enumerate() {
        for b in &hypotheses[..s] {
            let parts = a.parts.iter().chain(&b.parts).cloned().collect();
            sums.push(Contrast { parts, value: a.value + b.value });
        }
    }
    contrasts.extend(hypotheses);
    contrasts.extend(sums);
    test
}

/// The first hypothesis that is a combination of those before it.
pub(super) fn dependent(hypotheses: &[Contrast]) -> Option<usize> {
    let mut targets: Vec<&Target> = Vec::new();
    for (target, _) in hypotheses.iter().flat_map(|h| &h.parts) {
        if !targets.contains(&target) {
            targets.push(target);
        }
    }
    let factors = |h: &Contrast| -> Vec<f64> {
        let factor = |target: &Target| -> f64 {
            let own = h.parts.iter().filter(|(own, _)| own == target);
            own.map(|(_, factor)| factor).sum()
        };
        targets.iter().map(|target| factor(target)).collect()
    };
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let mut basis: Vec<Vec<f64>> = Vec::new();
    for (place, hypothesis) in hypotheses.iter().enumerate() {
        let mut rest = factors(hypothesis);
        let whole = dot(&rest, &rest);
        for known in &basis {
            let share = dot(&rest, known);
            rest.iter_mut().zip(known).for_each(|(r, k)| *r -= share * k);
        }
        let left = dot(&rest, &rest);
        if left <= NEW_MIN * whole {
            return Some(place);
        }
        rest.iter_mut().for_each(|r| *r /= left.sqrt());
        basis.push(rest);
    }
    None
}

impl JointTest {
    /// The test, from the combinations in `ws.model.combined`.
    pub fn run(&self, of: &Estimation, ws: &mut Workspace) -> Result<Estimate, Failure> {
        let q = self.q;
        let (form, df) = self.found(of, ws)?;
        let joint = of.fit.joint(df);
        let eta = match joint {
            Joint::Hotelling => {
                let contrasts = std::mem::take(&mut ws.model.contrasts);
                let p = contrasts.len() / of.contrasts.len();
                let own = &contrasts[self.first * p..(self.first + q) * p];
                let eta = of.fit.hotelling_df(&of.model, ws, own);
                ws.model.contrasts = contrasts;
                eta
            }
            _ => None,
        };
        let test = tested(form, q as f64, joint, eta).ok_or(Failure::NoResidualDf)?;
        let df = test.df2.unwrap_or(f64::INFINITY);
        let is_finite = test.statistic.is_finite() && test.p_value.is_finite();
        let estimate = Estimate::of_test(test.statistic, df, test.p_value);
        if is_finite { Ok(estimate) } else { Err(Failure::NotFinite) }
    }

    /// Wald's form.
    pub fn wald(&self, of: &Estimation, ws: &mut Workspace) -> Result<f64, Failure> {
        self.found(of, ws).map(|(form, _)| form)
    }

    /// Wald's form, and the degrees of freedom of the first hypothesis.
    fn found(&self, of: &Estimation, ws: &mut Workspace) -> Result<(f64, f64), Failure> {
        let mut work = std::mem::take(&mut ws.model.form);
        let found = self.form(of, ws, room(&mut work, self.q * self.q + self.q));
        ws.model.form = work;
        found
    }

    /// The same, with room for it.
    fn form(
        &self,
        of: &Estimation,
        ws: &Workspace,
        work: &mut [f64],
    ) -> Result<(f64, f64), Failure> {
        let q = self.q;
        let own = &ws.model.combined[self.first - of.n_single..];
        let (hypotheses, sums) = own.split_at(q);
        let (matrix, left) = work.split_at_mut(q * q);
        let mut df = f64::INFINITY;
        for (s, hypothesis) in hypotheses.iter().enumerate() {
            let Coef { estimate, std_error, df: own } = (*hypothesis)?;
            if !(estimate.is_finite() && std_error.is_finite()) {
                return Err(Failure::NotFinite);
            }
            if std_error <= 0.0 {
                return Err(Failure::ZeroStandardError);
            }
            df = if s == 0 { own } else { df };
            left[s] = (estimate - of.contrasts[self.first + s].value) / std_error;
            matrix[s * q + s] = 1.0;
        }
        let mut sums = sums.iter();
        let error = |s: usize| hypotheses[s].map_or(0.0, |coef| coef.std_error);
        for s in 0..q {
            for (t, sum) in (0..s).zip(&mut sums) {
                let (a, b, both) = (error(s), error(t), (*sum)?.std_error);
                // (v_st - v_s - v_t) / 2, over the two errors.
                let correlation = (both * both - a * a - b * b) / (2.0 * a * b);
                (matrix[s * q + t], matrix[t * q + s]) = (correlation, correlation);
            }
        }
        let form = inverse_form(matrix, q, left).ok_or(Failure::SingularVariance)?;
        Ok((form, df))
    }
}
