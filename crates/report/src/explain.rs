//! A design in words: its population, its steps, its variables, and what each estimator targets.

use trialrun_plan::{Design, Expect, LevelId, Plan, Size};

use crate::table::wrap;

/// A design as plain text, or as Markdown. `sizes` are the units of each level in one simulation.
pub fn explain(design: &Design, plan: &Plan, sizes: &[usize], markdown: bool) -> String {
    let page = Page { markdown };
    let mut text = page.title(&plan.name);
    if !plan.description.is_empty() {
        text += &format!("{}\n", plan.description);
    }
    if !plan.parameters.is_empty() {
        text += &page.heading("Parameters");
        for (name, value) in &plan.parameters {
            text += &page.item(&format!("{} = {value}", page.code(name)));
        }
    }
    if plan.is_simulated() {
        text += &page.heading("Population");
        for level in 1..plan.levels.len() {
            text += &page.item(&population(&page, plan, LevelId(level as u32), sizes));
        }
    }
    text += &page.heading("Steps");
    for (number, step) in design.steps.iter().enumerate() {
        let sentence = page.words(&step.describe());
        text += &page.numbered(number + 1, step.name(), &sentence);
    }
    text += &page.heading("Estimators");
    for estimator in &plan.estimators {
        let level = &plan.levels[estimator.level.idx()].name;
        let target = match estimator.estimands().as_slice() {
            [] => "has no estimand: no bias and no coverage".to_string(),
            labels => {
                let labels: Vec<String> = labels.iter().map(|label| page.code(label)).collect();
                format!("targets {}", labels.join(" and "))
            }
        };
        let mut reported: Vec<&str> = Vec::new();
        for row in estimator.rows() {
            if !reported.contains(&row.term) {
                reported.push(row.term);
            }
        }
        let terms: Vec<String> = reported.into_iter().map(|term| page.code(term)).collect();
        let outcomes: Vec<String> =
            estimator.outcomes().into_iter().map(|outcome| page.code(outcome)).collect();
        text += &page.item(&format!(
            "\"{}\" {target}; it reports {} of {}, one row a {level}",
            estimator.label,
            terms.join(", "),
            outcomes.join(" and "),
        ));
    }
    if !design.diagnosands.is_empty() {
        text += &page.heading("Diagnosands");
        for own in &design.diagnosands {
            let condition = own.condition.as_ref();
            let condition = condition.map(|c| format!(", where {}", page.code(&c.text)));
            let (name, value) = (page.code(&own.label.text), page.code(&own.value.text));
            text += &page.item(&format!("{name} is {value}{}", condition.unwrap_or_default()));
        }
    }
    if !design.expect.is_empty() {
        text += &page.heading("Expectations");
        for expect in &design.expect {
            text += &page.item(&expectation(&page, expect));
        }
    }
    text
}

/// What a diagnosand of an estimator is expected to be.
fn expectation(page: &Page, expect: &Expect) -> String {
    let band = match (expect.low.is_finite(), expect.high.is_finite()) {
        (true, true) => format!("between {} and {}", expect.low, expect.high),
        (true, false) => format!("at least {}", expect.low),
        _ => format!("at most {}", expect.high),
    };
    let band = match &expect.better_than {
        Some(rival) if expect.low == 0.0 => format!("better than that of \"{}\"", rival.text),
        Some(rival) => format!("better than that of \"{}\" by {}", rival.text, expect.low),
        None => band,
    };
    let (name, label) = (page.code(&expect.diagnosand.text), &expect.estimator.text);
    let member = expect.term.as_ref().filter(|_| expect.of_family);
    let member = member.map_or(String::new(), |m| format!("\"{}\" in ", m.text));
    let of = if expect.of_family { "the family " } else { "" };
    format!("{name} of {member}{of}\"{label}\" is {band}")
}

/// A level: how many units, in what, with which variables.
fn population(page: &Page, plan: &Plan, level: LevelId, sizes: &[usize]) -> String {
    let info = &plan.levels[level.idx()];
    let each = match (info.size, info.parent) {
        (Size::Fixed(n), LevelId::WHOLE) => format!("{n}"),
        (Size::Fixed(n), above) => format!("{n} in each {}", plan.levels[above.idx()].name),
        (Size::Varies, LevelId::WHOLE) => "a number that varies".to_string(),
        (Size::Varies, above) => format!("varying in each {}", plan.levels[above.idx()].name),
    };
    let own = plan.variables.iter().filter(|v| v.level == level);
    let names: Vec<String> = own.map(|v| page.code(&v.name)).collect();
    let variables =
        if names.is_empty() { String::new() } else { format!("; variables {}", names.join(", ")) };
    let in_all = sizes[level.idx()];
    let sample = match plan.n_samples(level) {
        0 => String::new(),
        1 => " in the sample".to_string(),
        n => format!(" in sample {n}"),
    };
    format!("{}{sample}: {each}, {in_all} in simulation 1{variables}", page.code(&info.name))
}

/// How a page is written.
struct Page {
    markdown: bool,
}

/// Columns of a line of text.
const WIDTH: usize = 96;

impl Page {
    fn title(&self, title: &str) -> String {
        if self.markdown { format!("# {title}\n\n") } else { format!("{title}\n") }
    }

    fn heading(&self, heading: &str) -> String {
        if self.markdown { format!("\n## {heading}\n\n") } else { format!("\n{heading}\n") }
    }

    fn code(&self, word: &str) -> String {
        if self.markdown { format!("`{word}`") } else { word.to_string() }
    }

    /// A sentence with back-ticks, which plain text does without.
    fn words(&self, sentence: &str) -> String {
        if self.markdown { sentence.to_string() } else { sentence.replace('`', "") }
    }

    fn item(&self, text: &str) -> String {
        if self.markdown { format!("- {text}\n") } else { wrap(text, "  ", 4, WIDTH) }
    }

    fn numbered(&self, number: usize, name: &str, text: &str) -> String {
        if self.markdown {
            format!("{number}. **{name}**: {text}\n")
        } else {
            wrap(text, &format!("  {number:>2}  {name:<18} "), 25, WIDTH)
        }
    }
}
