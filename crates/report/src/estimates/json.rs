//! Estimates from real data as JSON.

use serde_json::{Map, Value, json};
use trialrun_plan::{Estimate, Plan, Row, Test};
use trialrun_stats::Failure;

use super::{Estimated, Labels, Modes, status};
use crate::corrected::Corrected;
use crate::number::json_number;

/// All estimates, the random effects where they are wanted, and the families.
pub(super) fn text(
    plan: &Plan,
    results: &[Estimated],
    modes: Option<&[Modes<'_>]>,
    families: &[Corrected<'_>],
) -> String {
    let mut rows = Vec::new();
    for result in results {
        for (estimand, coefficient) in result.rows() {
            let labels = Labels {
                estimator: result.label.clone(),
                term: coefficient.term.clone(),
                outcome: result.has_others.then(|| result.outcome.clone()),
                estimand: estimand.clone(),
            };
            rows.push(row(&labels, &coefficient.row, Some(result.fit_json())));
        }
    }
    let mut value = json!({ "design": plan.name, "estimates": rows });
    if let Some(modes) = modes {
        value["conditional_modes"] = modes.iter().flat_map(Modes::json).collect::<Vec<_>>().into();
    }
    if !families.is_empty() {
        value["families"] = families.iter().map(Corrected::json).collect::<Vec<_>>().into();
    }
    crate::json_text(&value)
}

/// One estimate as JSON.
pub(crate) fn row(labels: &Labels, row: &Row, fit: Option<Value>) -> Value {
    type Of = fn(&Estimate) -> f64;
    let number = |of: Of| row.estimate().map_or(Value::Null, |e| json_number(of(e)));
    let tested = |of: Of| row.tested().map_or(Value::Null, |e| json_number(of(e)));
    let mut object = json!({
        "estimator": labels.estimator,
        "estimand": labels.estimand,
        "term": labels.term,
        "estimate": number(|e| e.estimate),
        "std_error": number(|e| e.std_error),
        "df": tested(|e| e.df),
        "statistic": tested(|e| e.statistic),
        "p_value": tested(|e| e.p_value),
        "conf_low": number(|e| e.conf_low),
        "conf_high": number(|e| e.conf_high),
        "n": json_number(row.n_obs),
        "status": status(row),
    });
    if let Some(outcome) = &labels.outcome {
        object["outcome"] = json!(outcome);
    }
    if let Some(fit) = fit {
        object["fit"] = fit;
    }
    object
}

impl Estimated {
    /// What the method knows of the fit.
    pub(super) fn fit_json(&self) -> Value {
        let mut fit = Map::new();
        for (name, value) in &self.details.numbers {
            fit.insert((*name).to_string(), json_number(*value));
        }
        for (name, word) in &self.details.words {
            fit.insert((*name).to_string(), json!(word));
        }
        let (tests, limits) = (self.tests_json(), self.limits_json());
        for (name, list) in [("tests", tests), ("limits", limits)] {
            if !list.is_empty() {
                fit.insert(name.into(), Value::Array(list));
            }
        }
        if !self.details.random_effects.is_empty() {
            let effect = |(group, term, sd): &(String, String, f64)| {
                let sd = json_number(*sd);
                json!({ "group": group, "term": term, "sd": sd })
            };
            let effects: Vec<Value> = self.details.random_effects.iter().map(effect).collect();
            fit.insert("random_effects".into(), Value::Array(effects));
        }
        if !self.details.correlations.is_empty() {
            let pair = |(group, terms, value): &(String, [String; 2], f64)| {
                let value = json_number(*value);
                json!({ "group": group, "terms": terms, "correlation": value })
            };
            let pairs: Vec<Value> = self.details.correlations.iter().map(pair).collect();
            fit.insert("correlations".into(), Value::Array(pairs));
        }
        let kept: Vec<&String> = self
            .terms
            .iter()
            .zip(self.details.in_vcov())
            .filter_map(|(term, kept)| kept.then_some(term))
            .collect();
        if !kept.is_empty() && self.details.vcov.len() == kept.len() * kept.len() {
            let row = |r: &[f64]| r.iter().map(|v| json_number(*v)).collect::<Vec<_>>();
            let rows: Vec<Vec<Value>> = self.details.vcov.chunks(kept.len()).map(row).collect();
            fit.insert("terms".into(), json!(kept));
            fit.insert("vcov".into(), json!(rows));
        }
        Value::Object(fit)
    }

    /// Tests; those that could not be made have a reason, and no numbers.
    fn tests_json(&self) -> Vec<Value> {
        let test = |test: &Test| {
            json!({
                "name": test.name,
                "statistic": json_number(test.statistic),
                "df1": json_number(test.df1),
                "df2": test.df2.map_or(Value::Null, json_number),
                "p_value": json_number(test.p_value),
            })
        };
        let lost = |(name, failure): &(String, Failure)| {
            let none = Value::Null;
            json!({
                "name": name,
                "statistic": none,
                "df1": none,
                "df2": none,
                "p_value": none,
                "reason": failure.name(),
            })
        };
        let lost = self.details.untested.iter().map(lost);
        self.details.tests.iter().map(test).chain(lost).collect()
    }

    /// Limits of standard deviations and correlations, or the reason why there are none.
    fn limits_json(&self) -> Vec<Value> {
        let one = |(what, limits): &(String, Result<[f64; 2], Failure>)| match limits {
            Ok([low, high]) => {
                json!({ "what": what, "low": json_number(*low), "high": json_number(*high) })
            }
            Err(failure) => {
                json!({ "what": what, "low": null, "high": null, "reason": failure.name() })
            }
        };
        self.details.limits.iter().chain(&self.details.correlation_limits).map(one).collect()
    }
}
