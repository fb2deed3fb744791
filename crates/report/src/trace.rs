//! One simulation, step by step.

use serde_json::{Value, json};
use trialrun_plan::{Plan, Row, Workspace, steps::Step};

use crate::estimates::{Labels, json};
use crate::number::{json_number, significant};
use crate::table::{Align, Grid};

/// What a step did.
pub struct Event {
    step: &'static str,
    words: String,
    facts: Vec<Fact>,
}

enum Fact {
    Units { level: String, n: usize },
    Variable { name: String, n: usize, mean: f64, sd: f64, min: f64, max: f64 },
    Estimand { label: String, value: f64 },
    Estimate { labels: Labels, words: String, row: Row },
    Corrected { family: String, member: String, row: Row },
}

impl Event {
    /// What step `number` did: call it right after the step.
    pub fn of(plan: &Plan, ws: &Workspace, number: usize, step: &Step) -> Self {
        let made = plan.made_by_step(number);
        let mut facts = Vec::new();
        for level in made.levels {
            let name = plan.levels[level.idx()].name.clone();
            facts.push(Fact::Units { level: name, n: ws.size(level) });
        }
        for variable in &plan.variables[made.variables] {
            let values = ws.column(variable.column);
            facts.push(summary(&variable.name, values));
        }
        for estimand in &plan.estimands[made.estimands] {
            let (label, value) = (estimand.label.clone(), ws.scalar(estimand.column));
            facts.push(Fact::Estimand { label, value });
        }
        for estimator in &plan.estimators[made.estimators] {
            for (info, row) in estimator.rows().zip(&ws.rows()[estimator.first_row..]) {
                facts.push(Fact::Estimate {
                    labels: Labels::of(&info),
                    words: info.qualified_term(),
                    row: *row,
                });
            }
        }
        for family in &plan.families[made.families] {
            let rows = &ws.corrected()[family.first_row..];
            facts.extend(family.members.iter().zip(rows).map(|(member, row)| Fact::Corrected {
                family: family.label.clone(),
                member: member.name.clone(),
                row: *row,
            }));
        }
        Self { step: step.name(), words: step.describe().replace('`', ""), facts }
    }
}

fn summary(name: &str, values: &[f64]) -> Fact {
    let n = values.len();
    let mean = values.iter().sum::<f64>() / n as f64;
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    let sd = if n > 1 { (squares / (n - 1) as f64).sqrt() } else { f64::NAN };
    let min = values.iter().copied().fold(f64::INFINITY, f64::min);
    let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Fact::Variable { name: name.to_string(), n, mean, sd, min, max }
}

/// The simulation as text.
pub fn trace_text(plan: &Plan, seed: u64, sim: u64, events: &[Event]) -> String {
    let mut text = format!("{}: simulation {sim} of seed {seed}\n", plan.name);
    for (number, event) in events.iter().enumerate() {
        text += &format!("\n{}  {}: {}\n", number + 1, event.step, event.words);
        let mut variables = Grid::new(
            [("variable", Align::Left), ("n", Align::Right), ("mean", Align::Right)]
                .into_iter()
                .chain([("sd", Align::Right), ("min", Align::Right), ("max", Align::Right)])
                .map(|(name, align)| (name.to_string(), align)),
        );
        let mut any = false;
        for fact in &event.facts {
            match fact {
                Fact::Units { level, n } => text += &format!("   {n} units of level {level}\n"),
                Fact::Variable { name, n, mean, sd, min, max } => {
                    any = true;
                    let number = |v: &f64| show(*v);
                    variables.row(
                        [name.clone(), n.to_string()]
                            .into_iter()
                            .chain([mean, sd, min, max].map(number)),
                    );
                }
                Fact::Estimand { label, value } => {
                    text += &format!("   estimand {label} = {}\n", show(*value));
                }
                Fact::Estimate { words, row, .. } => text += &estimate_line(words, row),
                Fact::Corrected { member, row, .. } => {
                    let p = row.fit.map(|fit| format!("corrected p {}", show(fit.p_value)));
                    let p = p.unwrap_or_else(|_| "no estimate".to_string());
                    text += &format!("   {member}: {p}\n");
                }
            }
        }
        if any {
            for line in variables.text().lines() {
                text += &format!("   {line}\n");
            }
        }
    }
    text
}

fn show(value: f64) -> String {
    match value {
        f64::INFINITY => "infinity".to_string(),
        f64::NEG_INFINITY => "-infinity".to_string(),
        value if value.is_finite() => significant(value, 6),
        _ => "NA".to_string(),
    }
}

fn estimate_line(term: &str, row: &Row) -> String {
    match &row.fit {
        Err(failure) => format!("   {term}: failed, {}\n", failure.explain()),
        Ok(e) if row.is_joint => {
            let kind = if e.df.is_finite() { "F" } else { "chi-squared" };
            let (value, p) = (show(e.statistic), show(e.p_value));
            format!("   {term}: {kind} {value} (df {}, p {p})\n", show(e.df))
        }
        Ok(e) => {
            let df = if e.df.is_finite() { show(e.df) } else { "infinite".to_string() };
            let mut line = format!(
                "   {term} = {} (std. error {}, df {df}, p {}), interval {} to {}\n",
                show(e.estimate),
                show(e.std_error),
                show(e.p_value),
                show(e.conf_low),
                show(e.conf_high),
            );
            if let Some(estimand) = row.estimand {
                let covered = e.conf_low <= estimand && estimand <= e.conf_high;
                let verb = if covered { "covers" } else { "misses" };
                line += &format!(
                    "   error {}; the interval {verb} the estimand {}\n",
                    show(e.estimate - estimand),
                    show(estimand)
                );
            }
            if row.boundary {
                line += "   a variance is estimated as zero (boundary)\n";
            }
            line
        }
    }
}

/// The simulation as JSON.
pub fn trace_json(plan: &Plan, seed: u64, sim: u64, events: &[Event]) -> String {
    let steps: Vec<Value> = events.iter().map(event_json).collect();
    crate::json_text(&json!({ "design": plan.name, "seed": seed, "sim": sim, "steps": steps }))
}

fn event_json(event: &Event) -> Value {
    let mut units = serde_json::Map::new();
    let mut variables = serde_json::Map::new();
    let mut estimands = serde_json::Map::new();
    let (mut estimates, mut corrected) = (Vec::new(), Vec::new());
    for fact in &event.facts {
        match fact {
            Fact::Units { level, n } => {
                units.insert(level.clone(), json!(n));
            }
            Fact::Variable { name, n, mean, sd, min, max } => {
                let value = json!({
                    "n": n,
                    "mean": json_number(*mean),
                    "sd": json_number(*sd),
                    "min": json_number(*min),
                    "max": json_number(*max),
                });
                variables.insert(name.clone(), value);
            }
            Fact::Estimand { label, value } => {
                estimands.insert(label.clone(), json_number(*value));
            }
            Fact::Estimate { labels, row, .. } => {
                estimates.push(json::row(labels, row, None));
            }
            Fact::Corrected { family, member, row } => {
                let p = row.fit.map_or(Value::Null, |fit| json_number(fit.p_value));
                corrected.push(json!({ "family": family, "member": member, "p_value": p }));
            }
        }
    }
    let mut value = json!({
        "step": event.step,
        "units": units,
        "variables": variables,
        "estimands": estimands,
        "estimates": estimates,
    });
    if !corrected.is_empty() {
        value["corrected"] = corrected.into();
    }
    value
}
