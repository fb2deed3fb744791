//! A check for programs: all digits, keys in a fixed order, `null` where nothing is defined.

use serde_json::{Value, json};
use trialrun_plan::SubjectKind;
use trialrun_run::baseline::{Comparison, DriftTest};
use trialrun_run::check::{Ruling, Verdict};
use trialrun_run::diagnosands;

use super::{Case, Check, verdict_of};
use crate::json::json_text;
use crate::number::json_number;

/// A check as JSON.
pub fn check_json(check: &Check<'_>) -> String {
    let expectations: Vec<Value> =
        check.rulings().map(|(case, ruling)| ruling_json(case, ruling)).collect();
    let mut value = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "verdict": name(check.verdict()),
        "error_rate": json_number(check.error_rate),
        "max_sims": check.max_sims,
        "designs": check.cases.iter().map(case_json).collect::<Vec<_>>(),
        "expectations": expectations,
    });
    if let Some(baseline) = &check.baseline {
        value["baseline"] = json!({
            "gone": baseline.gone,
            "diagnosands": baseline.n_diagnosands,
            "designs": check.cases.iter().map(comparison_json).collect::<Vec<_>>(),
        });
    }
    json_text(&value)
}

/// A verdict as programs know it.
fn name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Met => "met",
        Verdict::NotMet => "not_met",
        Verdict::Undecided => "undecided",
    }
}

fn case_json(case: &Case<'_>) -> Value {
    json!({
        "design": case.plan.name,
        "seed": case.seed,
        "sims": case.checked.sims,
        "interrupted": case.checked.interrupted,
    })
}

fn ruling_json(case: &Case<'_>, ruling: &Ruling) -> Value {
    let expectation = &ruling.expectation;
    let number = |value: Option<f64>| value.map_or(Value::Null, json_number);
    let subjects = case.plan.subjects();
    let (own, rival) = (&subjects[expectation.row], expectation.rival.map(|row| &subjects[row]));
    let mut value = json!({
        "design": case.plan.name,
        "estimator": own.label,
        "term": own.term,
        "diagnosand": diagnosands::name(case.plan, expectation.diagnosand),
        "better_than": rival.map(|subject| subject.label),
        "verdict": name(ruling.verdict),
        "value": number(ruling.value),
        "mcse": number(ruling.mcse),
        "low": json_number(expectation.low),
        "high": json_number(expectation.high),
        "bound_low": number(ruling.bounds.map(|b| b.0)),
        "bound_high": number(ruling.bounds.map(|b| b.1)),
        "n": ruling.n,
        "sims": ruling.sims,
    });
    if let SubjectKind::Family(_) | SubjectKind::Member(..) = own.kind {
        (value["estimator"], value["term"]) = (Value::Null, Value::Null);
        value["family"] = own.label.into();
        value["member"] = if own.term.is_empty() { Value::Null } else { own.term.into() };
    }
    // Named where they tell rows apart, so that the keys of other designs stay as they are.
    if let Some(row) = case.plan.row_infos().nth(expectation.row) {
        if row.estimator.outcomes().len() > 1 {
            value["outcome"] = json!(row.aim.outcome);
        }
        if row.estimator.has_several_estimands() {
            value["estimand"] = json!(row.aim.estimand);
        }
    }
    value
}

fn comparison_json(case: &Case<'_>) -> Value {
    let mut value = json!({ "design": case.plan.name });
    let Some(comparison) = &case.comparison else {
        value["result"] = "new".into();
        return value;
    };
    value["result"] = match comparison {
        Comparison::Same => "same",
        Comparison::NotReproduced(_) => "not_reproduced",
        Comparison::Interrupted => "interrupted",
        Comparison::Tested(_) if verdict_of(comparison) == Verdict::Met => "no_drift",
        Comparison::Tested(_) => "drift",
    }
    .into();
    match comparison {
        Comparison::NotReproduced(differences) => {
            let each = differences.iter().map(
                |d| json!({ "estimator": d.estimator, "term": d.term, "diagnosand": d.diagnosand }),
            );
            value["differences"] = each.collect::<Vec<_>>().into();
        }
        Comparison::Tested(drifted) => {
            let rows = |rows: &[(String, String)]| -> Value {
                let each = rows.iter().map(|(e, t)| json!({ "estimator": e, "term": t }));
                each.collect::<Vec<_>>().into()
            };
            value["design_changed"] = drifted.design_changed.into();
            value["baseline_version"] = drifted.version.clone().into();
            value["seed"] = drifted.seed.into();
            value["sims"] = drifted.sims.into();
            value["gone"] = rows(&drifted.gone);
            value["new"] = rows(&drifted.new);
            value["tests"] = drifted.tests.iter().map(test_json).collect::<Vec<_>>().into();
        }
        Comparison::Same | Comparison::Interrupted => {}
    }
    value
}

fn test_json(test: &DriftTest) -> Value {
    let number = |value: Option<f64>| value.map_or(Value::Null, json_number);
    json!({
        "estimator": test.estimator,
        "term": test.term,
        "diagnosand": test.diagnosand,
        "before": json_number(test.before),
        "now": json_number(test.now),
        "mcse": number(test.mcse),
        "tolerance": json_number(test.tolerance),
        "change_low": number(test.bounds.map(|b| b.0)),
        "change_high": number(test.bounds.map(|b| b.1)),
        "drifted": test.has_drifted(),
        "catches": number(test.catches),
    })
}
