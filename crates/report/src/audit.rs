//! An audit: declared and realised probabilities of assignments and samples.

use serde_json::{Value, json};
use trialrun_run::audit::{Audit, Deviation, Finding, P_MIN, StepAudit};

use crate::csv::csv_line;
use crate::data_set::DataFormat;
use crate::number::{count, json_number, significant};
use crate::table::{Align, Grid, escape};

/// An audit in one of the forms of a report.
pub fn audit(audit: &Audit, format: DataFormat) -> String {
    match format {
        DataFormat::Text => text(audit),
        DataFormat::Markdown => markdown(audit),
        DataFormat::Json => json_audit(audit),
        DataFormat::Csv => csv(audit),
    }
}

/// What is compared, in words: the order of the probabilities.
fn orders(step: &StepAudit) -> Vec<(&'static str, &Finding)> {
    let first = Some(("units", &step.first));
    first.into_iter().chain(step.second.as_ref().map(|second| ("pairs", second))).collect()
}

/// A p-value as people read it.
fn p_value(p: f64) -> String {
    if p > 0.0 && p < 1e-300 { "< 1e-300".to_string() } else { significant(p, 3) }
}

fn verdict(finding: &Finding) -> &'static str {
    if finding.agrees() { "agrees" } else { "DISAGREES" }
}

/// The largest deviation in words: `unit 3 gets visit: 0.31, not 0.3`.
fn deviation(step: &StepAudit, largest: &Deviation) -> String {
    let arm = |i: usize| step.arms.get(largest.arms[i]).map_or("", String::as_str);
    let (realised, declared) = (significant(largest.realised, 4), significant(largest.declared, 4));
    let who = match largest.units.as_slice() {
        [unit] => format!("unit {unit} is {}", arm(0)),
        [i, j] => format!("units {i} and {j} are {} and {}", arm(0), arm(1)),
        _ => return String::new(),
    };
    format!("{who}: {realised}, declared {declared}")
}

/// One line a step and order.
fn grid(audit: &Audit) -> Grid {
    let columns = [
        ("variable", Align::Left),
        ("compared", Align::Left),
        ("declared", Align::Left),
        ("chi-squared", Align::Right),
        ("df", Align::Right),
        ("p", Align::Right),
        ("", Align::Left),
        ("largest deviation", Align::Left),
    ];
    let mut grid = Grid::new(columns.map(|(name, align)| (name.to_string(), align)));
    for step in &audit.steps {
        for (i, (what, finding)) in orders(step).into_iter().enumerate() {
            grid.row([
                if i == 0 { step.variable.clone() } else { String::new() },
                format!("{} {what}", finding.n_tests),
                if finding.exact { "exactly" } else { "estimated" }.to_string(),
                significant(finding.statistic, 4),
                significant(finding.df, 4),
                p_value(finding.p_value),
                verdict(finding).to_string(),
                deviation(step, &finding.largest),
            ]);
        }
    }
    grid
}

/// The scope of an audit in a sentence.
fn scope(audit: &Audit) -> String {
    format!("{} simulations, seed {}", count(audit.sims), audit.seed)
}

/// The verdict on all steps.
fn conclusion(audit: &Audit) -> &'static str {
    match audit.agrees() {
        true => "Declared and realised probabilities agree.",
        false => "Declared and realised probabilities DISAGREE.",
    }
}

const NOTE: &str = "Each unit and each pair is tested; shown is the test with the smallest \
                    p-value, which is multiplied by the number of tests.";

fn text(audit: &Audit) -> String {
    let mut text = format!("{}: audit of probabilities\n{}\n\n", audit.design, scope(audit));
    for step in &audit.steps {
        text += &format!("{}\n", step.method);
    }
    text + &format!("\n{}\n{NOTE}\n{}\n", grid(audit).text(), conclusion(audit))
}

fn markdown(audit: &Audit) -> String {
    let mut text = format!("# {}: audit of probabilities\n\n", escape(&audit.design));
    text += &format!("- {}\n", scope(audit));
    for step in &audit.steps {
        text += &format!("- {}\n", escape(&step.method));
    }
    text + &format!("\n{}\n{NOTE}\n\n**{}**\n", grid(audit).markdown(), conclusion(audit))
}

fn json_finding(step: &StepAudit, finding: &Finding) -> Value {
    let largest = &finding.largest;
    let arms: Vec<&String> = largest.arms.iter().filter_map(|arm| step.arms.get(*arm)).collect();
    json!({
        "exact": finding.exact,
        "n_tests": finding.n_tests,
        "statistic": json_number(finding.statistic),
        "df": json_number(finding.df),
        "p_value": json_number(finding.p_value),
        "agrees": finding.agrees(),
        "largest_deviation": {
            "units": largest.units,
            "arms": arms,
            "declared": json_number(largest.declared),
            "realised": json_number(largest.realised),
        },
    })
}

fn json_audit(audit: &Audit) -> String {
    let step = |step: &StepAudit| {
        json!({
            "variable": step.variable,
            "method": step.method,
            "arms": step.arms,
            "first_order": json_finding(step, &step.first),
            "second_order": step.second.as_ref().map(|second| json_finding(step, second)),
        })
    };
    let steps: Vec<Value> = audit.steps.iter().map(step).collect();
    crate::json_text(&json!({
        "design": audit.design,
        "seed": audit.seed,
        "sims": audit.sims,
        "p_min": P_MIN,
        "agrees": audit.agrees(),
        "steps": steps,
    }))
}

fn csv(audit: &Audit) -> String {
    let mut text = "design,variable,order,exact,n_tests,statistic,df,p_value,agrees,\
                    largest_units,largest_arms,declared,realised\n"
        .to_string();
    for step in &audit.steps {
        for (order, (_, finding)) in orders(step).into_iter().enumerate() {
            let largest = &finding.largest;
            let units: Vec<String> = largest.units.iter().map(usize::to_string).collect();
            let arms: Vec<&str> =
                largest.arms.iter().filter_map(|a| step.arms.get(*a)).map(String::as_str).collect();
            let fields = [
                audit.design.clone(),
                step.variable.clone(),
                (order + 1).to_string(),
                finding.exact.to_string(),
                finding.n_tests.to_string(),
                finding.statistic.to_string(),
                finding.df.to_string(),
                finding.p_value.to_string(),
                finding.agrees().to_string(),
                units.join(" "),
                arms.join(" "),
                largest.declared.to_string(),
                largest.realised.to_string(),
            ];
            text += &csv_line(fields.iter().map(String::as_str));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Audit {
        let finding = |p_value, units: Vec<usize>, arms, realised| Finding {
            exact: true,
            n_tests: 4,
            statistic: 1.25,
            df: 1.0,
            p_value,
            largest: Deviation { units, arms, declared: 0.5, realised },
        };
        Audit {
            design: "two-arm".into(),
            seed: 1,
            sims: 20_000,
            steps: vec![StepAudit {
                variable: "z".into(),
                method: "z is assigned by a draw".into(),
                arms: vec!["control".into(), "visit".into()],
                first: finding(1.0, vec![3], vec![1], 0.50125),
                second: Some(finding(1e-9, vec![1, 2], vec![0, 1], 0.25)),
            }],
        }
    }

    #[test]
    fn people_read_a_table() {
        let text = audit(&example(), DataFormat::Text);
        assert!(text.starts_with("two-arm: audit of probabilities\n20,000 simulations, seed 1\n"));
        assert!(text.contains("unit 3 is visit: 0.5012, declared 0.5"), "{text}");
        assert!(text.contains("units 1 and 2 are control and visit: 0.25, declared 0.5"), "{text}");
        assert!(text.ends_with("realised probabilities DISAGREE.\n"), "{text}");
        assert!(audit(&example(), DataFormat::Markdown).contains("| z "));
    }

    #[test]
    fn programs_read_every_number() {
        let value: Value = serde_json::from_str(&audit(&example(), DataFormat::Json)).unwrap();
        assert_eq!(value["agrees"], false);
        assert_eq!(value["steps"][0]["first_order"]["largest_deviation"]["arms"][0], "visit");
        assert_eq!(value["steps"][0]["second_order"]["p_value"], 1e-9);
        let csv = audit(&example(), DataFormat::Csv);
        let lines: Vec<&str> = csv.lines().collect();
        assert_eq!(lines[1], "two-arm,z,1,true,4,1.25,1,1,true,3,visit,0.5,0.50125");
        assert!(lines[2].ends_with("false,1 2,control visit,0.5,0.25"));
    }
}
