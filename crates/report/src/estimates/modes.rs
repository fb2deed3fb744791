//! The random effects of each group: conditional modes, with the group's coefficients.

use serde_json::{Value, json};
use trialrun_plan::Mode;
use trialrun_stats::Failure;

use super::Estimated;
use crate::csv::csv_line;
use crate::number::{json_number, significant};
use crate::table::{Align, Grid};

/// The conditional modes of one estimator, or why there are none.
pub struct Modes<'a> {
    /// Whose they are.
    pub of: &'a Estimated,
    /// All groups of all factors.
    pub found: Result<Vec<Mode>, Failure>,
}

/// Most groups of a factor that a table shows; JSON and CSV have all.
const GROUPS_MAX: usize = 20;

impl Modes<'_> {
    /// A table for each factor, made by `table`, under its title.
    fn tables(&self, table: impl Fn(&Grid) -> String) -> String {
        let name = self.of.name();
        let modes = match &self.found {
            Ok(modes) => modes,
            Err(failure) => {
                return format!("\n{name}: no conditional modes, {}\n", failure.explain());
            }
        };
        let mut text = String::new();
        for own in modes.chunk_by(|a, b| a.group == b.group) {
            let group = &own[0].group;
            let n_effects = own.chunk_by(|a, b| a.label == b.label).next().map_or(1, <[_]>::len);
            let n_groups = own.len() / n_effects;
            text += &format!("\n{name}: conditional modes by {group}\n\n");
            text += &table(&grid(group, &own[..n_effects * n_groups.min(GROUPS_MAX)]));
            if n_groups > GROUPS_MAX {
                text += &format!(
                    "\nThe first {GROUPS_MAX} of {n_groups} groups; `--format json` and `--format \
                     csv` have all.\n"
                );
            }
        }
        text
    }

    /// Tables of text.
    pub(super) fn text(&self) -> String {
        self.tables(Grid::text)
    }

    /// Tables of Markdown.
    pub(super) fn markdown(&self) -> String {
        self.tables(Grid::markdown)
    }

    /// An object for each effect of each group; one with the reason where there are none.
    pub(super) fn json(&self) -> Vec<Value> {
        let own = |mut value: Value| {
            value["estimator"] = json!(self.of.label());
            value
        };
        match &self.found {
            Err(failure) => vec![own(json!({ "reason": failure.name() }))],
            Ok(modes) => modes.iter().map(|mode| own(mode_json(mode))).collect(),
        }
    }

    /// Lines of CSV, below [`csv_header`].
    pub(super) fn csv(&self, design: &str) -> String {
        let own = [design, self.of.label(), self.of.outcome()];
        let line = |rest: [&str; 7]| csv_line(own.into_iter().chain(rest));
        match &self.found {
            Err(failure) => line(["NA", "NA", "NA", "NA", "NA", "NA", failure.name()]),
            Ok(modes) => modes
                .iter()
                .map(|m| {
                    let numbers = [m.mode, m.std_dev, m.coefficient].map(|v| v.to_string());
                    let [mode, sd, coefficient] = numbers.each_ref().map(String::as_str);
                    line([&m.group, &m.label, &m.term, mode, sd, coefficient, "ok"])
                })
                .collect(),
        }
    }
}

/// The first line of CSV.
pub(super) fn csv_header() -> String {
    let own = ["design", "estimator", "outcome"];
    let rest = ["group", "label", "term", "mode", "sd", "coefficient", "status"];
    csv_line(own.into_iter().chain(rest))
}

fn mode_json(mode: &Mode) -> Value {
    json!({
        "group": mode.group,
        "label": mode.label,
        "term": mode.term,
        "mode": json_number(mode.mode),
        "sd": json_number(mode.std_dev),
        "coefficient": json_number(mode.coefficient),
    })
}

fn grid(group: &str, modes: &[Mode]) -> Grid {
    let headers = [group, "term", "mode", "sd", "coefficient"].map(str::to_string);
    let align = |i: usize| if i < 2 { Align::Left } else { Align::Right };
    let mut grid = Grid::new(headers.into_iter().enumerate().map(|(i, name)| (name, align(i))));
    for one in modes {
        let numbers = [one.mode, one.std_dev, one.coefficient].map(|v| significant(v, 5));
        grid.row([one.label.clone(), one.term.clone()].into_iter().chain(numbers));
    }
    grid
}

#[cfg(test)]
mod tests {
    use super::super::tests::fitted;
    use super::*;
    use trialrun_plan::Details;

    fn modes(n_groups: usize) -> Vec<Mode> {
        let one = |i: usize| Mode {
            group: "class".to_string(),
            label: format!("c{}", i / 2),
            term: ["(Intercept)", "x"][i % 2].to_string(),
            mode: 0.25,
            std_dev: 0.5,
            coefficient: 1.25,
        };
        (0..2 * n_groups).map(one).collect()
    }

    #[test]
    fn tables_are_short_and_lists_are_whole() {
        let of = fitted(Details::default());
        let of_all = |n: usize| Modes { of: &of, found: Ok(modes(n)) };
        let text = of_all(2).text();
        let expected = "\nM: conditional modes by class\n\n\
                        class  term         mode   sd  coefficient\n\
                        c0     (Intercept)  0.25  0.5         1.25\n\
                        c0     x            0.25  0.5         1.25\n\
                        c1     (Intercept)  0.25  0.5         1.25\n\
                        c1     x            0.25  0.5         1.25\n";
        assert_eq!(text, expected);
        let text = of_all(25).text();
        assert!(text.contains("c19") && !text.contains("c20"), "{text}");
        assert!(text.contains("The first 20 of 25 groups"), "{text}");
        assert_eq!(of_all(25).json().len(), 50);
        assert_eq!(of_all(25).csv("d").lines().count(), 50);
        let line = "d,M,y,class,c0,(Intercept),0.25,0.5,1.25,ok";
        assert_eq!(of_all(1).csv("d").lines().next(), Some(line));
    }

    #[test]
    fn lost_modes_have_a_reason() {
        let of = fitted(Details::default());
        let lost = Modes { of: &of, found: Err(Failure::NotConverged) };
        let why = Failure::NotConverged.explain();
        assert_eq!(lost.text(), format!("\nM: no conditional modes, {why}\n"));
        assert_eq!(lost.json(), [json!({ "estimator": "M", "reason": "not_converged" })]);
        assert_eq!(lost.csv("d"), "d,M,y,NA,NA,NA,NA,NA,NA,not_converged\n");
    }
}
