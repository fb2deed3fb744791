//! A diagnosis for programs: all digits, keys in a fixed order, `null` where nothing is defined.

use serde_json::{Map, Value, json};
use trialrun_run::{About, Comparison, Diagnosis, Measure, RowDiagnosis};

use crate::json::json_text;
use crate::number::json_number;

/// A diagnosis as JSON.
pub fn json(diagnosis: &Diagnosis) -> String {
    let parameters = diagnosis.parameters.iter().map(|(n, v)| (n.clone(), json_number(*v)));
    let own = diagnosis.rows.iter().filter(|row| row.about == About::Estimator);
    let rows: Vec<Value> = own.map(row_json).collect();
    let comparisons: Vec<Value> =
        diagnosis.comparisons.iter().map(|c| comparison_json(diagnosis, c)).collect();
    let mut value = json!({
        "design": diagnosis.design,
        "seed": diagnosis.seed,
        "sims": diagnosis.sims,
        "interrupted": diagnosis.interrupted,
        "alpha": json_number(diagnosis.alpha),
        "version": env!("CARGO_PKG_VERSION"),
        "parameters": parameters.collect::<Map<_, _>>(),
        "diagnosis": rows,
        "comparisons": comparisons,
    });
    let families = families_json(diagnosis);
    if !families.is_empty() {
        value["families"] = families.into();
    }
    json_text(&value)
}

/// Families, each with its members.
fn families_json(diagnosis: &Diagnosis) -> Vec<Value> {
    let mut families: Vec<Value> = Vec::new();
    let mut rows = diagnosis.rows.iter().peekable();
    while let Some(row) = rows.next() {
        let About::Family(correction) = row.about else { continue };
        let mut members = Vec::new();
        while let Some(member) = rows.next_if(|row| row.about == About::Member) {
            members.push(json!({
                "member": member.term,
                "estimand": member.estimand,
                "outcome": member.outcome,
                "diagnosands": diagnosands_json(member),
            }));
        }
        families.push(json!({
            "family": row.estimator,
            "correction": correction.name(),
            "sims": row.sims,
            "diagnosands": diagnosands_json(row),
            "members": members,
        }));
    }
    families
}

fn diagnosands_json(row: &RowDiagnosis) -> Map<String, Value> {
    let diagnosands = row.diagnosands.iter().map(|found| {
        let mut value = measure_json(&found.measure);
        value.insert("n".to_string(), Value::from(found.measure.n));
        if found.measure.undefined > 0 {
            value.insert("undefined".to_string(), Value::from(found.measure.undefined));
        }
        if let Some((low, high)) = found.measure.interval {
            value.insert("low".to_string(), json_number(low));
            value.insert("high".to_string(), json_number(high));
        }
        (found.name.clone(), Value::Object(value))
    });
    diagnosands.collect()
}

fn row_json(row: &RowDiagnosis) -> Value {
    let failures = row.failures.iter().map(|(r, n)| (r.name().to_string(), Value::from(*n)));
    json!({
        "estimator": row.estimator,
        "estimand": row.estimand,
        "term": row.term,
        "outcome": row.outcome,
        "sims": row.sims,
        "failures": failures.collect::<Map<_, _>>(),
        "boundary": row.boundary,
        "diagnosands": diagnosands_json(row),
    })
}

fn comparison_json(diagnosis: &Diagnosis, comparison: &Comparison) -> Value {
    let (a, b) = (&diagnosis.rows[comparison.a], &diagnosis.rows[comparison.b]);
    let differences = comparison.differences.iter().map(|found| {
        let mut value = measure_json(&found.measure);
        value.insert("n".to_string(), Value::from(found.measure.n));
        (found.name.clone(), Value::Object(value))
    });
    json!({
        "estimand": comparison.estimand,
        "a": a.estimator,
        "b": b.estimator,
        "term_a": a.term,
        "term_b": b.term,
        "differences": differences.collect::<Map<_, _>>(),
    })
}

fn measure_json(measure: &Measure) -> Map<String, Value> {
    let number = |value: Option<f64>| value.map_or(Value::Null, json_number);
    let fields = [("value", number(measure.value)), ("mcse", number(measure.mcse))];
    fields.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
}
