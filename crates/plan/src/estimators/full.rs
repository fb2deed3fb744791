//! A fit to real data: every coefficient, with all that the method knows.

use trialrun_stats::Failure;

use super::details::{Coefficient, Details, Test};
use super::estimation::{Coef, Estimation};
use super::joint::JointTest;
use super::modes::Mode;
use crate::exec::Workspace;
use crate::inference::{Fitted, Infer};
use crate::result::{Estimate, Row};

impl Estimation {
    /// Whether there are random effects of groups.
    pub fn has_modes(&self) -> bool {
        self.fit.has_modes()
    }

    /// Fits the model to the workspace's data, which are real ones, and gives the conditional modes
    /// of the random effects. Methods that have some have one outcome.
    ///
    /// # Errors
    /// The reason why the model can not be fitted.
    pub fn modes(&self, ws: &mut Workspace, labels: &[Vec<String>]) -> Result<Vec<Mode>, Failure> {
        self.model.prepare(ws)?;
        let terms = self.model.labels(&ws.model, labels);
        Ok(self.fit.modes(&self.model, ws, labels)?.complete(&terms))
    }

    /// Fits an outcome of the model to the workspace's data and gives every coefficient, with all
    /// that the method knows of the fit.
    ///
    /// # Errors
    /// The reason why the model can not be fitted.
    pub fn full(
        &self,
        ws: &mut Workspace,
        labels: &[Vec<String>],
        outcome: usize,
    ) -> Result<(Vec<Coefficient>, Details), Failure> {
        self.model.prepare(ws)?;
        ws.model.response = outcome;
        let terms = self.model.labels(&ws.model, labels);
        ws.model.targets = (0..terms.len()).collect();
        // A hypothesis about a coefficient that there is not has no factors; its row stays empty.
        let factors = self.model.hypotheses.factors(&terms);
        let known: Vec<&(Vec<f64>, f64)> = factors.iter().flatten().collect();
        ws.model.contrasts = known.iter().flat_map(|(factors, _)| factors.clone()).collect();
        ws.model.values = known.iter().map(|(_, value)| *value).collect();
        let (n, mut rows) = (terms.len(), vec![Row::EMPTY; terms.len() + known.len()]);
        let mut give = |i: usize, coef: Result<Coef, Failure>| {
            let value = if i < n { 0.0 } else { known[i - n].1 };
            rows[i].fit = coef.and_then(|c| self.estimate(c, value));
        };
        let fitted = self.fit.fit(&self.model, ws, &mut give)?;
        self.take_profiles(ws, &mut rows);
        let mut details = self.fit.details(&self.model, ws)?;
        let eta = |contrasts: &[f64]| self.fit.hotelling_df(&self.model, ws, contrasts);
        let mut tests = self.model.hypotheses.tests((&terms, &rows[..n]), &details, eta);
        if let Some(inference) = &self.inference {
            self.infer_again(&**inference, ws, &terms, &mut rows, &mut tests);
        }
        ws.model.contrasts.clear();
        let complete = |(term, row): (String, Row)| {
            let row = Row { n_obs: fitted.n_obs, boundary: fitted.boundary, ..row };
            Coefficient { term, row }
        };
        let tested = rows.split_off(n);
        let coefficients: Vec<Coefficient> = terms.into_iter().zip(rows).map(complete).collect();
        let labels = self.model.hypotheses.labels().into_iter().zip(&factors);
        let labels = labels.filter_map(|(label, factors)| factors.is_some().then_some(label));
        details.hypotheses = labels.zip(tested).map(complete).collect();
        for (name, test) in tests {
            match test {
                Ok(test) => details.tests.push(test),
                Err(failure) => details.untested.push((name, failure)),
            }
        }
        Ok((coefficients, details))
    }

    /// Makes tests and intervals of a fit to real data by its kind of inference.
    fn infer_again(
        &self,
        inference: &dyn Infer,
        ws: &mut Workspace,
        terms: &[String],
        rows: &mut [Row],
        tests: &mut [(String, Result<Test, Failure>)],
    ) {
        let (mut own, mut joint) = (Vec::new(), Vec::new());
        let p = terms.len().max(1);
        for (factors, (_, test)) in self.model.hypotheses.joint_factors(terms).zip(&*tests) {
            let factors = factors.unwrap_or_default();
            own.push(JointTest { first: ws.model.contrasts.len() / p, q: factors.len() });
            for (factors, value) in factors {
                ws.model.contrasts.extend(factors);
                ws.model.values.push(value);
            }
            let found = |test: &Test| {
                let df = test.df2.unwrap_or(f64::INFINITY);
                Estimate::of_test(test.statistic, df, test.p_value)
            };
            let fit = test.as_ref().map(found).map_err(|failure| *failure);
            joint.push(Row { fit, is_joint: true, ..Row::EMPTY });
        }
        let fitted = Fitted { rows, tests: &own, joint: &mut joint };
        inference.infer(self, ws, fitted);
        for ((_, test), row) in tests.iter_mut().zip(joint) {
            *test = row.fit.and_then(|found| {
                let Estimate { statistic, p_value, .. } = found;
                test.clone().map(|test| Test { statistic, p_value, ..test })
            });
        }
    }
}
