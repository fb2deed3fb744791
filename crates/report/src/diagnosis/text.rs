//! A diagnosis for people: a table for each estimand, then how its estimators differ.

use trialrun_run::Diagnosis;

use super::{Block, blocks, label, scope, troubles, value_and_tail, words};
use crate::number::shortest;
use crate::table::{Align, Cell, Grid, Style, clean, wrap, wrap_list};

/// Columns of a line.
const WIDTH: usize = 100;

/// A diagnosis as aligned text.
pub fn text(diagnosis: &Diagnosis, colour: bool) -> String {
    let style = if colour { Style::Colour } else { Style::Plain };
    let mut text = style.strong(&clean(&diagnosis.design)) + "\n";
    if !diagnosis.description.is_empty() {
        text += &wrap(&clean(&diagnosis.description), "", 0, WIDTH);
    }
    text += &format!("\n{}\n", scope(diagnosis));
    if !diagnosis.parameters.is_empty() {
        let parameters: Vec<String> =
            diagnosis.parameters.iter().map(|(n, v)| format!("{n} {}", shortest(*v))).collect();
        text += &wrap(&clean(&parameters.join(", ")), "", 0, WIDTH);
    }
    for block in blocks(diagnosis).iter().filter(|_| diagnosis.sims > 0) {
        text += &format!("\n{}\n", style.strong(&clean(&block.title)));
        text += &tables(diagnosis, block, style);
        let troubles = block.rows.iter().flat_map(|row| troubles(diagnosis, row));
        let troubles: String = troubles.map(|t| wrap(&clean(&t), "", 4, WIDTH)).collect();
        if !troubles.is_empty() {
            text += &format!("\n{troubles}");
        }
    }
    if diagnosis.sims > 0 && !diagnosis.rows.is_empty() {
        let note = "In parentheses: Monte Carlo standard errors. In brackets: 95% intervals of \
                    rates that are 0 or 1.";
        text += &format!("\n{}\n", style.faint(note));
    }
    text + &differences(diagnosis, style)
}

/// Diagnosands as rows and estimators as columns, in as many tables as the width asks for.
fn tables(diagnosis: &Diagnosis, block: &Block<'_>, style: Style) -> String {
    let mut text = String::new();
    let (mut from, all) = (0, block.rows.len());
    while from < all {
        let mut to = from + 1;
        while to < all && table(diagnosis, block, from..to + 1).width() <= WIDTH {
            to += 1;
        }
        text += &format!("\n{}", table(diagnosis, block, from..to).styled(style));
        from = to;
    }
    text
}

fn table(diagnosis: &Diagnosis, block: &Block<'_>, columns: std::ops::Range<usize>) -> Grid {
    let rows = &block.rows[columns.clone()];
    let headers = rows.iter().map(|row| (label(diagnosis, row), Align::Decimal));
    let mut grid = Grid::new([(String::new(), Align::Left)].into_iter().chain(headers));
    for (name, texts) in block.details() {
        let texts = texts[columns.clone()].iter().map(|text| Cell::word(text));
        grid.row([Cell::from(name)].into_iter().chain(texts));
    }
    for name in block.diagnosands() {
        let cells = rows.iter().map(|row| {
            let measure = row.measure(name).unwrap_or_default();
            let (value, tail) = value_and_tail(row, &measure, false);
            Cell::with_tail(value, &tail)
        });
        grid.row([Cell::from(name)].into_iter().chain(cells));
    }
    grid
}

fn differences(diagnosis: &Diagnosis, style: Style) -> String {
    if diagnosis.comparisons.is_empty() || diagnosis.sims == 0 {
        return String::new();
    }
    let mut text =
        format!("\n{}\n", style.strong("Differences, first less second, on the same draws"));
    for comparison in &diagnosis.comparisons {
        let words = words(diagnosis, comparison);
        text += &wrap(&clean(&words.title), "  ", 4, WIDTH);
        if !words.clear.is_empty() {
            text += &wrap_list(&words.clear, "    differ in ", 6, WIDTH);
        }
        for (begin, items) in &words.quiet {
            let lines = wrap_list(items, &format!("    {begin}"), 6, WIDTH);
            text += &lines.lines().map(|l| style.faint(l) + "\n").collect::<String>();
        }
    }
    text
}
