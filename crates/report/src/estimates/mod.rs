//! Estimates from real data.

pub(crate) mod json;
mod modes;

use trialrun_plan::{Coefficient, Details, EstimatorInfo, Plan, Row, RowInfo, Test};
use trialrun_stats::Failure;

use crate::corrected::Corrected;
use crate::data_set::DataFormat;
use crate::number::significant;
use crate::table::{Align, Grid};

pub use modes::Modes;

/// The result of one estimator for one outcome.
pub struct Estimated {
    label: String,
    outcome: String,
    /// Whether the estimator has other outcomes.
    has_others: bool,
    /// The estimands of the outcome; each coefficient has a row for each.
    estimands: Vec<Option<String>>,
    coefficients: Vec<Coefficient>,
    /// All terms of the model.
    terms: Vec<String>,
    details: Details,
}

impl Estimated {
    /// A fit, with the coefficients that are reported and the names of all.
    pub fn fitted(
        (info, outcome): (&EstimatorInfo, &str),
        coefficients: Vec<Coefficient>,
        terms: Vec<String>,
        details: Details,
    ) -> Self {
        let own = info.aims.iter().filter(|aim| aim.outcome == outcome);
        Self {
            label: info.label.clone(),
            outcome: outcome.to_string(),
            has_others: info.outcomes().len() > 1,
            estimands: own.map(|aim| aim.estimand.clone()).collect(),
            coefficients,
            terms,
            details,
        }
    }

    /// The estimator's label.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The outcome.
    pub fn outcome(&self) -> &str {
        &self.outcome
    }

    /// Whether it is that of an estimator and an outcome.
    pub(crate) fn is_of(&self, label: &str, outcome: &str) -> bool {
        (self.label.as_str(), self.outcome.as_str()) == (label, outcome)
    }

    /// The coefficients that are reported.
    pub fn coefficients(&self) -> &[Coefficient] {
        &self.coefficients
    }

    /// A fit that failed.
    pub fn failed((info, outcome): (&EstimatorInfo, &str), failure: Failure) -> Self {
        let terms = if info.terms.is_empty() { vec![String::new()] } else { info.terms.clone() };
        let row = Row { fit: Err(failure), ..Row::EMPTY };
        let coefficients = terms.into_iter().map(|term| Coefficient { term, row }).collect();
        Self::fitted((info, outcome), coefficients, Vec::new(), Details::default())
    }

    /// Each estimand with each coefficient: a row of the report.
    fn rows(&self) -> impl Iterator<Item = (&Option<String>, &Coefficient)> {
        let each = |estimand| self.coefficients.iter().map(move |c| (estimand, c));
        self.estimands.iter().flat_map(each)
    }

    /// The label, with the outcome where there are several.
    pub(crate) fn name(&self) -> String {
        let Self { label, outcome, has_others, .. } = self;
        if *has_others { format!("{label} ({outcome})") } else { label.clone() }
    }
}

/// Who gave an estimate, of what.
pub(crate) struct Labels {
    pub estimator: String,
    pub term: String,
    /// The outcome, where the estimator has several.
    pub outcome: Option<String>,
    pub estimand: Option<String>,
}

impl Labels {
    pub fn of(row: &RowInfo<'_>) -> Self {
        let several = row.estimator.outcomes().len() > 1;
        Self {
            estimator: row.estimator.label.clone(),
            term: row.term.to_string(),
            outcome: several.then(|| row.aim.outcome.clone()),
            estimand: row.aim.estimand.clone(),
        }
    }
}

/// What became of a fit, in a word.
fn status(row: &Row) -> String {
    match row.fit {
        Err(failure) => failure.name().to_string(),
        Ok(_) if row.boundary => "boundary".to_string(),
        Ok(_) => "ok".to_string(),
    }
}

/// The estimates of all estimators, the random effects where they are wanted, and the corrected
/// p-values of families. As CSV the random effects take the place of the estimates.
pub fn estimates(
    plan: &Plan,
    results: &[Estimated],
    modes: Option<&[Modes<'_>]>,
    families: &[Corrected<'_>],
    format: DataFormat,
) -> String {
    let all = modes.unwrap_or(&[]);
    match format {
        DataFormat::Json => json::text(plan, results, modes, families),
        DataFormat::Csv if modes.is_some() => {
            let lines = all.iter().map(|modes| modes.csv(&plan.name));
            modes::csv_header() + &lines.collect::<String>()
        }
        DataFormat::Csv => csv_estimates(plan, results, families),
        DataFormat::Text => {
            let name = &plan.name;
            format!("{name}: estimates, intervals of level {}\n\n", 1.0 - plan.alpha)
                + &grid(results).text()
                + &fits(results)
                + &all.iter().map(Modes::text).collect::<String>()
                + &families.iter().map(|f| format!("\n{}", f.text())).collect::<String>()
        }
        DataFormat::Markdown => {
            let families = families.iter().map(|f| format!("\n{}", f.markdown()));
            let modes = all.iter().map(Modes::markdown);
            grid(results).markdown() + &modes.chain(families).collect::<String>()
        }
    }
}

/// The columns of a table of estimates.
const COLUMNS: [&str; 12] = [
    "estimator",
    "estimand",
    "outcome",
    "term",
    "estimate",
    "std.error",
    "df",
    "statistic",
    "p.value",
    "conf.low",
    "conf.high",
    "n",
];

/// The cells of one estimate, in the order of `COLUMNS`.
fn cells(
    result: &Estimated,
    (estimand, coefficient): (&Option<String>, &Coefficient),
    number: &dyn Fn(f64) -> String,
) -> Vec<String> {
    let row = &coefficient.row;
    let mut cells = vec![
        result.label.clone(),
        estimand.clone().unwrap_or_default(),
        result.outcome.clone(),
        coefficient.term.clone(),
    ];
    match &row.fit {
        Err(failure) => {
            cells.push(format!("failed: {}", failure.name()));
            cells.extend(std::iter::repeat_n(String::new(), 6));
        }
        Ok(e) => {
            let test = [e.estimate, e.std_error, e.df, e.statistic, e.p_value];
            cells.extend(test.map(number));
            let end = |v: f64| match v {
                f64::INFINITY => "Inf".to_string(),
                f64::NEG_INFINITY => "-Inf".to_string(),
                v => number(v),
            };
            cells.extend([e.conf_low, e.conf_high].map(end));
        }
    }
    cells.push(format!("{}", row.n_obs));
    cells
}

fn grid(results: &[Estimated]) -> Grid {
    let align = |i: usize| if i < 4 { Align::Left } else { Align::Right };
    let mut grid =
        Grid::new(COLUMNS.iter().enumerate().map(|(i, name)| ((*name).to_string(), align(i))));
    let number = |v: f64| if v.is_finite() { significant(v, 5) } else { String::new() };
    for result in results {
        for row in result.rows() {
            grid.row(cells(result, row, &number));
        }
    }
    grid
}

/// What the methods know of the fits, a line each.
fn fits(results: &[Estimated]) -> String {
    let mut text = String::from("\n");
    for result in results {
        let words = result.details.words.iter().map(|(name, word)| format!("{name} {word}"));
        let numbers = result.details.numbers.iter();
        let numbers = numbers.map(|(name, value)| format!("{name} {}", significant(*value, 6)));
        let mut known: Vec<String> = words.chain(numbers).collect();
        for (group, term, sd) in &result.details.random_effects {
            known.push(format!("sd of {term} by {group} {}", significant(*sd, 6)));
        }
        for (group, [a, b], value) in &result.details.correlations {
            let value = significant(*value, 6);
            known.push(format!("correlation of {a} and {b} by {group} {value}"));
        }
        if !known.is_empty() {
            text += &format!("{}: {}\n", result.name(), known.join(", "));
        }
        let limits = |limits: &Result<[f64; 2], Failure>| match limits {
            Ok(limits) => limits.map(|limit| significant(limit, 6)).join(" to "),
            Err(failure) => format!("no limits, {}", failure.explain()),
        };
        for (what, found) in &result.details.limits {
            let found = limits(found);
            text += &format!("{}: standard deviation {what}: {found}\n", result.name());
        }
        for (what, found) in &result.details.correlation_limits {
            text += &format!("{}: {what}: {}\n", result.name(), limits(found));
        }
        for test in &result.details.tests {
            text += &format!("{}: {}\n", result.name(), test_text(test));
        }
        for (name, failure) in &result.details.untested {
            text += &format!("{}: no test of {name}, {}\n", result.name(), failure.explain());
        }
        let dropped = result.terms.iter().zip(&result.details.kept).filter(|(_, kept)| !**kept);
        let dropped: Vec<&str> = dropped.map(|(term, _)| term.as_str()).collect();
        if !dropped.is_empty() {
            let dropped = dropped.join(", ");
            text += &format!("{}: dropped as collinear: {dropped}\n", result.name());
        }
    }
    text
}

/// A test in a line: its statistic, degrees of freedom and p-value.
fn test_text(test: &Test) -> String {
    let Test { name, statistic, df1, df2, p_value } = test;
    let (kind, df) = match df2 {
        Some(df2) => ("F", format!("{} and {}", significant(*df1, 6), significant(*df2, 6))),
        None => ("chi-squared", significant(*df1, 6)),
    };
    let (statistic, p) = (significant(*statistic, 6), significant(*p_value, 5));
    format!("test of {name}: {kind} {statistic} on {df} degrees of freedom, p-value {p}")
}

fn csv_estimates(plan: &Plan, results: &[Estimated], families: &[Corrected<'_>]) -> String {
    let mut headers = vec!["design".to_string()];
    headers.extend(COLUMNS.iter().map(ToString::to_string).chain(["status".to_string()]));
    headers.extend(families.iter().map(|family| crate::csv_field(&family.column())));
    let mut text = headers.join(",") + "\n";
    let number = |v: f64| if v.is_finite() { v.to_string() } else { "NA".to_string() };
    for result in results {
        for (estimand, coefficient) in result.rows() {
            let mut cells = cells(result, (estimand, coefficient), &number);
            if coefficient.row.fit.is_err() {
                cells[4..11].iter_mut().for_each(|cell| *cell = "NA".to_string());
            }
            cells.insert(0, plan.name.clone());
            cells.push(status(&coefficient.row));
            cells.extend(families.iter().map(|family| {
                let corrected = family.of(result, &coefficient.term);
                corrected.map_or("NA".to_string(), number)
            }));
            let quoted: Vec<String> = cells.iter().map(|c| crate::csv_field(c)).collect();
            text += &(quoted.join(",") + "\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What an estimator of the name `M` says, which has these details and no coefficient.
    pub(super) fn fitted(details: Details) -> Estimated {
        Estimated {
            label: "M".to_string(),
            outcome: "y".to_string(),
            has_others: false,
            estimands: Vec::new(),
            coefficients: Vec::new(),
            terms: Vec::new(),
            details,
        }
    }

    /// What could not be had is named with its reason, and the rest stays.
    #[test]
    fn lost_tests_and_limits_have_reasons() {
        let test = |name: &str| Test {
            name: name.to_string(),
            statistic: 2.0,
            df1: 1.0,
            df2: None,
            p_value: 0.1,
        };
        let details = Details {
            numbers: vec![("sigma", 1.5)],
            tests: vec![test("no variance of x by a")],
            untested: vec![("no variance of x by b".to_string(), Failure::NotConverged)],
            limits: vec![
                ("x by a".to_string(), Ok([0.5, 2.0])),
                ("x by b".to_string(), Err(Failure::NotConverged)),
            ],
            correlation_limits: vec![("correlation of x and z by c".to_string(), Ok([-1.0, 0.5]))],
            ..Details::default()
        };
        let fitted = fitted(details);
        let why = Failure::NotConverged.explain();
        let expected = [
            "",
            "M: sigma 1.5",
            "M: standard deviation x by a: 0.5 to 2",
            &format!("M: standard deviation x by b: no limits, {why}"),
            "M: correlation of x and z by c: -1 to 0.5",
            "M: test of no variance of x by a: chi-squared 2 on 1 degrees of freedom, p-value 0.1",
            &format!("M: no test of no variance of x by b, {why}"),
        ];
        assert_eq!(fits(&[fitted]).lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn lost_tests_and_limits_are_null_in_json() {
        let lost = |what: &str| (what.to_string(), Failure::NotConverged);
        let details = Details {
            untested: vec![lost("no variance of x by b")],
            limits: vec![("x by b".to_string(), Err(Failure::NotConverged))],
            ..Details::default()
        };
        let fitted = Estimated {
            label: String::new(),
            outcome: String::new(),
            has_others: false,
            estimands: Vec::new(),
            coefficients: Vec::new(),
            terms: Vec::new(),
            details,
        };
        let fit = fitted.fit_json();
        let test = &fit["tests"][0];
        assert!(test["statistic"].is_null() && test["p_value"].is_null());
        assert_eq!(test["reason"], "not_converged");
        let limits = json!([
            { "what": "x by b", "low": null, "high": null, "reason": "not_converged" },
        ]);
        assert_eq!(fit["limits"], limits);
    }
}
