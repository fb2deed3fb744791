//! The results of every simulation as a table with DeclareDesign's columns.

use trialrun_plan::{Plan, Row, Subject, SubjectKind, Table, TableColumn, Values};
use trialrun_stats::Failure;

/// One row for each simulation, estimator, outcome, estimand and term, and for each member of a
/// family, whose p-value is the corrected one.
///
/// `kept`: the plan's rows of simulation `first`, of the next, and so on.
pub(crate) fn table(plan: &Plan, first: u64, kept: &[Row]) -> Table {
    let mut places = plan.subjects();
    places.retain(|place| !matches!(place.kind, SubjectKind::Family(_)));
    let n_rows = places.len();
    let id = |i: usize| i64::try_from(first.saturating_add((i / n_rows) as u64)).ok();
    let sim_id = (0..kept.len()).map(|i| id(i)?.checked_add(1)).collect();
    let number = |of: fn(&Row) -> Option<f64>| {
        Values::Number(kept.iter().map(|row| of(row).unwrap_or(f64::NAN)).collect())
    };
    let text = |of: &dyn Fn(&Subject<'_>) -> Option<String>| {
        let each: Vec<_> = places.iter().map(of).collect();
        categories(&each, (0..kept.len()).map(|i| Some(i % n_rows)))
    };
    let reasons: Vec<_> = Failure::ALL.iter().map(|f| Some(f.name().to_string())).collect();
    let reason = |row: &Row| Failure::ALL.iter().position(|f| row.fit.err() == Some(*f));
    let columns = [
        ("design", text(&|_| Some(plan.name.clone()))),
        ("sim_ID", Values::Integer(sim_id)),
        ("inquiry", text(&|place| place.estimand.map(str::to_string))),
        ("estimand", number(|row| row.estimand)),
        ("estimator", text(&|place| Some(place.label.to_string()))),
        ("term", text(&|place| Some(place.term.to_string()))),
        ("estimate", number(|row| Some(row.estimate()?.estimate))),
        ("std.error", number(|row| Some(row.estimate()?.std_error))),
        ("statistic", number(|row| Some(row.fit.ok()?.statistic))),
        ("p.value", number(|row| Some(row.fit.ok()?.p_value))),
        ("conf.low", number(|row| Some(row.estimate()?.conf_low))),
        ("conf.high", number(|row| Some(row.estimate()?.conf_high))),
        ("df", number(|row| Some(row.fit.ok()?.df).filter(|df| df.is_finite()))),
        ("outcome", text(&|place| Some(place.outcome.to_string()))),
        ("failure", categories(&reasons, kept.iter().map(reason))),
    ];
    let columns = columns.into_iter();
    Table { columns: columns.map(|(n, values)| TableColumn { name: n.into(), values }).collect() }
}

/// Text of which each row has one of a few: `texts[place]`, or none. Labels that no row has are
/// left out.
fn categories(texts: &[Option<String>], rows: impl Iterator<Item = Option<usize>>) -> Values {
    let rows: Vec<Option<usize>> = rows.collect();
    let mut is_used = vec![false; texts.len()];
    rows.iter().flatten().for_each(|place| is_used[*place] = true);
    let used = texts.iter().zip(is_used).filter(|(_, used)| *used);
    let mut labels: Vec<String> = used.filter_map(|(text, _)| text.clone()).collect();
    labels.sort();
    labels.dedup();
    let code = |text: &Option<String>| labels.binary_search(text.as_ref()?).ok().map(|c| c as u32);
    let codes_of: Vec<Option<u32>> = texts.iter().map(code).collect();
    let codes = rows.into_iter().map(|place| codes_of[place?]).collect();
    Values::Category { codes, labels }
}
