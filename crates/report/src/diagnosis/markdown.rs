//! A diagnosis for documents: GitHub tables.

use trialrun_run::Diagnosis;

use super::{Block, blocks, label, scope, troubles, value_and_tail, words};
use crate::number::shortest;
use crate::table::{Align, Cell, Grid, escape};

/// A diagnosis as Markdown. Rates have their Wilson intervals.
pub fn markdown(diagnosis: &Diagnosis) -> String {
    let mut text = format!("# {}\n\n", escape(&diagnosis.design));
    if !diagnosis.description.is_empty() {
        text += &format!("{}\n\n", escape(&diagnosis.description));
    }
    text += &format!("- {}\n", scope(diagnosis));
    if !diagnosis.parameters.is_empty() {
        let parameters: Vec<String> =
            diagnosis.parameters.iter().map(|(n, v)| format!("{n} {}", shortest(*v))).collect();
        text += &format!("- {}\n", escape(&parameters.join(", ")));
    }
    text += "- in parentheses: Monte Carlo standard errors; in brackets: 95% intervals of rates\n";
    for block in blocks(diagnosis).iter().filter(|_| diagnosis.sims > 0) {
        text += &format!("\n## {}\n\n", escape(&block.title));
        text += &table(diagnosis, block).markdown();
        let troubles = block.rows.iter().flat_map(|row| troubles(diagnosis, row));
        let troubles: String = troubles.map(|t| format!("- {}\n", escape(&t))).collect();
        if !troubles.is_empty() {
            text += &format!("\n{troubles}");
        }
    }
    if !diagnosis.comparisons.is_empty() && diagnosis.sims > 0 {
        text += "\n## Differences, first less second, on the same draws\n\n";
    }
    for comparison in diagnosis.comparisons.iter().filter(|_| diagnosis.sims > 0) {
        let words = words(diagnosis, comparison);
        let differs = format!("differ in {}", words.clear.join(", "));
        let mut parts: Vec<String> =
            (!words.clear.is_empty()).then_some(differs).into_iter().collect();
        parts.extend(
            words.quiet.iter().map(|(begin, items)| format!("{begin}{}", items.join(", "))),
        );
        text += &format!("- **{}**: {}\n", escape(&words.title), parts.join("; "));
    }
    text
}

fn table(diagnosis: &Diagnosis, block: &Block<'_>) -> Grid {
    let headers = block.rows.iter().map(|row| (label(diagnosis, row), Align::Right));
    let first = ("diagnosand".to_string(), Align::Left);
    let mut grid = Grid::new([first].into_iter().chain(headers));
    for (name, texts) in block.details() {
        grid.row([name].into_iter().chain(texts));
    }
    for name in block.diagnosands() {
        let cells = block.rows.iter().map(|row| {
            let measure = row.measure(name).unwrap_or_default();
            let (value, tail) = value_and_tail(row, &measure, true);
            Cell::with_tail(value, &tail)
        });
        grid.row([Cell::from(name)].into_iter().chain(cells));
    }
    grid
}
