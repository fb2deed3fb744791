//! A diagnosis for spreadsheets: a row for each estimator, term and diagnosand. A family of tests
//! stands in the place of an estimator, its members in that of terms.

use trialrun_run::Diagnosis;

use crate::csv::csv_line;
use crate::number::shortest;

/// A diagnosis as comma-separated values; what is not defined is empty. `low` and `high` are the
/// ends of the Wilson interval of a rate.
pub fn csv(diagnosis: &Diagnosis) -> String {
    let mut text =
        "design,estimand,estimator,term,outcome,diagnosand,value,mcse,n,low,high\n".to_string();
    let number = |value: Option<f64>| value.map_or(String::new(), shortest);
    for row in &diagnosis.rows {
        for found in &row.diagnosands {
            let measure = &found.measure;
            text += &csv_line([
                diagnosis.design.as_str(),
                row.estimand.as_deref().unwrap_or(""),
                &row.estimator,
                &row.term,
                &row.outcome,
                &found.name,
                &number(measure.value),
                &number(measure.mcse),
                &measure.n.to_string(),
                &number(measure.interval.map(|ends| ends.0)),
                &number(measure.interval.map(|ends| ends.1)),
            ]);
        }
    }
    text
}
