//! `estimate`: the design's estimators on real data.

use trialrun_plan::{Estimation, EstimatorInfo};
use trialrun_report::{DataFormat, Estimated, Modes, corrected, estimates};

use crate::args::{EstimateArgs, Format};
use crate::exit::Failed;
use crate::load::{Loaded, load};
use crate::output;

/// Runs the command.
pub fn run(args: &EstimateArgs) -> Result<(), Failed> {
    let (table, notes) = trialrun_frame::read(&args.data)?;
    notes.iter().for_each(|text| output::note(&format!("note: {text}")));
    let loaded = load(&args.design, args.alpha, Some(&table))?;
    loaded.plan.notes.iter().for_each(|text| output::note(&format!("note: {text}")));
    let plan = &loaded.plan;
    if plan.estimators.is_empty() {
        return Err(Failed::input(format!("`{}` declares no estimator", loaded.source.name)));
    }
    let mut ws = plan.workspace();
    let prepared = plan.simulate(&mut ws, 0, 0);
    prepared.map_err(|stop| {
        loaded.source.show(&[*stop.0]);
        Failed::shown()
    })?;
    if args.random_effects && !plan.estimations.iter().any(|e| e.has_modes()) {
        return Err(Failed::input(format!(
            "`{}` has no estimator with random effects of groups\n  help: `--random-effects` is \
             for `Lmer` and `Glmer`",
            loaded.source.name
        )));
    }
    let (mut results, mut effects) = (Vec::new(), Vec::new());
    for (number, estimation) in plan.estimations.iter().enumerate() {
        if args.random_effects && estimation.has_modes() {
            effects.push((results.len(), estimation.modes(&mut ws, &plan.labels)));
        }
        for place in 0..plan.estimators[number].outcomes().len() {
            results.push(estimate(&loaded, &mut ws, (number, place), estimation)?);
        }
    }
    let families = corrected(plan, &results)
        .map_err(|wrong| Failed::input(format!("{}\n  help: {}", wrong.message, wrong.help)))?;
    let modes = effects.into_iter().map(|(at, found)| Modes { of: &results[at], found });
    let modes = args.random_effects.then(|| modes.collect::<Vec<_>>());
    let format = match args.output.format {
        Format::Text => DataFormat::Text,
        Format::Markdown => DataFormat::Markdown,
        Format::Json => DataFormat::Json,
        Format::Csv => DataFormat::Csv,
    };
    let text = estimates(plan, &results, modes.as_deref(), &families, format);
    output::write(&text, args.output.out.as_deref())
}

/// Fits one outcome of an estimator, and picks the terms that it reports.
fn estimate(
    loaded: &Loaded,
    ws: &mut trialrun_plan::Workspace,
    (number, place): (usize, usize),
    estimation: &Estimation,
) -> Result<Estimated, Failed> {
    let plan = &loaded.plan;
    let info = &plan.estimators[number];
    let outcome = info.outcomes()[place];
    let fitted = estimation.full(ws, &plan.labels, place);
    let (coefficients, details) = match fitted {
        Ok(fitted) => fitted,
        Err(failure) => return Ok(Estimated::failed((info, outcome), failure)),
    };
    let terms: Vec<String> = coefficients.iter().map(|c| c.term.clone()).collect();
    for name in estimation.hypotheses().names() {
        if !terms.iter().any(|term| term == name) {
            return Err(no_term(info, name, &terms));
        }
    }
    let wanted: Vec<String> = if info.reports_all {
        terms.iter().cloned().chain(estimation.hypotheses().labels()).collect()
    } else if info.terms.is_empty() {
        let first = terms.iter().find(|t| *t != "(Intercept)").or(terms.first());
        first.cloned().into_iter().collect()
    } else {
        info.terms.clone()
    };
    let mut reported = Vec::new();
    for term in &wanted {
        let known = coefficients.iter().chain(&details.hypotheses);
        match known.into_iter().find(|c| c.term == *term) {
            Some(coefficient) => reported.push(coefficient.clone()),
            None => return Err(no_term(info, term, &terms)),
        }
    }
    Ok(Estimated::fitted((info, outcome), reported, terms, details))
}

/// The error for a term that the data have not.
fn no_term(info: &EstimatorInfo, term: &str, terms: &[String]) -> Failed {
    let hint = trialrun_lang::suggestion(term, terms)
        .unwrap_or_else(|| format!("the terms are {}", terms.join(", ")));
    Failed::input(format!(
        "estimator \"{}\" has no term `{term}` on these data\n  help: {hint}",
        info.label
    ))
}
