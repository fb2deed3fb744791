//! Baselines as JSON text, and back to the last bit.

use serde_json::{Map, Value, json};
use trialrun_run::baseline::{Record, RecordRow, Recorded};
use trialrun_run::check::{Evidence, Sample};
use trialrun_stats::composite::Composite;

use crate::json::json_text_within;
use crate::number::json_number;

/// The layout of the file; another one is refused.
const FORMAT: u64 = 1;

/// Columns of a line: a diagnosand stands on one, so that a change of it is a line of a diff.
const WIDTH: usize = 280;

/// A baseline as JSON: designs by name, in the order of the alphabet.
pub fn baseline_json(records: &[Record]) -> String {
    let mut sorted: Vec<&Record> = records.iter().collect();
    sorted.sort_by(|a, b| a.design.cmp(&b.design));
    let designs: Map<String, Value> =
        sorted.into_iter().map(|record| (record.design.clone(), record_json(record))).collect();
    json_text_within(&json!({ "format": FORMAT, "designs": designs }), WIDTH)
}

fn record_json(record: &Record) -> Value {
    let rows = record.rows.iter().map(|row| {
        let diagnosands = row.diagnosands.iter();
        let diagnosands = diagnosands.map(|found| (found.name.clone(), recorded_json(found)));
        json!({
            "estimator": row.estimator,
            "term": row.term,
            "diagnosands": diagnosands.collect::<Map<_, _>>(),
        })
    });
    json!({
        "fingerprint": format!("{:032x}", record.fingerprint),
        "version": record.version,
        "seed": record.seed,
        "sims": record.sims,
        "rows": rows.collect::<Vec<_>>(),
    })
}

fn recorded_json(found: &Recorded) -> Value {
    let mut value = json!({
        "value": json_number(found.value),
        "mcse": found.mcse.map_or(Value::Null, json_number),
    });
    add_evidence(&mut value, &found.evidence);
    value
}

/// Adds the fields of evidence; the value of a mean is its mean.
fn add_evidence(value: &mut Value, evidence: &Evidence) {
    let is_mean = matches!(evidence, Evidence::Mean(_));
    let mut sample = |prefix: &str, sample: &Sample| {
        value[format!("{prefix}n")] = sample.n.into();
        if !prefix.is_empty() || !is_mean {
            value[format!("{prefix}mean")] = json_number(sample.mean);
        }
        value[format!("{prefix}sd")] = json_number(sample.sd);
        value[format!("{prefix}skewness")] = json_number(sample.skewness);
    };
    match evidence {
        Evidence::Mean(s) => sample("", s),
        Evidence::RootMean(s) => sample("square_", s),
        Evidence::Sd(s) => sample("variance_", s),
        Evidence::MeanOverSd { mean, variance } => {
            sample("", mean);
            sample("variance_", variance);
        }
        Evidence::Rate { n, events } => {
            value["n"] = (*n).into();
            value["events"] = (*events).into();
        }
        Evidence::Function { n, averages, function } => {
            value["n"] = (*n).into();
            value["function"] = function.to_string().into();
            let each = averages.iter().map(|average| {
                let mut fields = json!({});
                if let Evidence::Mean(s) = average {
                    fields["value"] = json_number(s.mean);
                }
                add_evidence(&mut fields, average);
                fields
            });
            value["averages"] = each.collect::<Vec<_>>().into();
        }
    }
}

/// Reads a baseline.
///
/// # Errors
/// What is wrong with the text, with line and column where it is not JSON.
pub fn read_baseline(text: &str) -> Result<Vec<Record>, String> {
    let file: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    match file["format"].as_u64() {
        Some(FORMAT) => {}
        Some(other) => {
            return Err(format!("its format is {other}; this program reads format {FORMAT}"));
        }
        None => return Err("it is not a baseline: it has no `format`".to_string()),
    }
    let designs = file["designs"].as_object().ok_or("it has no `designs`")?;
    designs
        .iter()
        .map(|(name, value)| {
            record(name, value).ok_or_else(|| format!("its entry of `{name}` is damaged"))
        })
        .collect()
}

fn record(name: &str, value: &Value) -> Option<Record> {
    Some(Record {
        design: name.to_string(),
        fingerprint: u128::from_str_radix(value["fingerprint"].as_str()?, 16).ok()?,
        version: value["version"].as_str()?.to_string(),
        seed: value["seed"].as_u64()?,
        sims: value["sims"].as_u64()?,
        rows: value["rows"].as_array()?.iter().map(row).collect::<Option<_>>()?,
    })
}

fn row(value: &Value) -> Option<RecordRow> {
    let diagnosands = value["diagnosands"].as_object()?;
    Some(RecordRow {
        estimator: value["estimator"].as_str()?.to_string(),
        term: value["term"].as_str()?.to_string(),
        diagnosands: diagnosands.iter().map(|(n, v)| recorded(n, v)).collect::<Option<_>>()?,
    })
}

fn recorded(name: &str, value: &Value) -> Option<Recorded> {
    let mcse = if value["mcse"].is_null() { None } else { Some(value["mcse"].as_f64()?) };
    let evidence = evidence(value)?;
    Some(Recorded { name: name.to_string(), value: value["value"].as_f64()?, mcse, evidence })
}

fn evidence(value: &Value) -> Option<Evidence> {
    let has = |key: &str| value.get(key).is_some();
    Some(if has("function") {
        let function: Composite = value["function"].as_str()?.parse().ok()?;
        let averages = value["averages"].as_array()?.iter().map(evidence);
        let averages = averages.collect::<Option<Vec<Evidence>>>()?;
        let is_whole = averages.len() == function.n_averages();
        is_whole.then_some(Evidence::Function { n: value["n"].as_u64()?, averages, function })?
    } else if has("events") {
        let (n, events) = (value["n"].as_u64()?, value["events"].as_u64()?);
        (events <= n).then_some(Evidence::Rate { n, events })?
    } else if has("square_n") {
        Evidence::RootMean(sample("square_", value)?)
    } else if has("variance_n") && has("mean") {
        let (mean, variance) = (sample("", value)?, sample("variance_", value)?);
        Evidence::MeanOverSd { mean, variance }
    } else if has("variance_n") {
        Evidence::Sd(sample("variance_", value)?)
    } else {
        Evidence::Mean(Sample { mean: value["value"].as_f64()?, ..spread("", value)? })
    })
}

fn sample(prefix: &str, value: &Value) -> Option<Sample> {
    let mean = value[format!("{prefix}mean")].as_f64()?;
    Some(Sample { mean, ..spread(prefix, value)? })
}

/// A sample without its mean.
fn spread(prefix: &str, value: &Value) -> Option<Sample> {
    let number = |key: &str| value[format!("{prefix}{key}")].as_f64();
    let n = value[format!("{prefix}n")].as_u64()?;
    Some(Sample { n, mean: 0.0, sd: number("sd")?, skewness: number("skewness")? })
}
