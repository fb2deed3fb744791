//! Finds what a randomisation test does again, and refuses what it can not.

use std::sync::Arc;

use trialrun_lang::{Diagnostic, Span};

use super::Of;
use super::randomisation::{Interval, Randomisation};
use crate::compile::Compiler;
use crate::declared::{joined, suggest};
use crate::estimators::Target;
use crate::exec::assign::Assign;
use crate::exec::replay::{Effect, Trace};
use crate::steps::assignment::Assignment;

/// An assignment, and the operations that are done again after it.
pub(super) struct Replayed {
    pub assign: Arc<Assign>,
    /// Whether real data have its values.
    pub of_data: bool,
    pub ops: Vec<usize>,
}

/// An assignment that a step made.
#[derive(Clone)]
pub struct MadeAssignment {
    /// The assigned variable.
    pub variable: String,
    /// The operation.
    pub assign: Arc<Assign>,
    /// Its place among the operations.
    pub place: usize,
}

/// A refusal: message, label and hint.
type Refusal = (String, &'static str, &'static str);

/// The assignment that is drawn again for an estimator; reports why it can not be.
pub(super) fn replay(wish: &Randomisation, cx: &mut Compiler<'_>, of: &Of<'_>) -> Option<Replayed> {
    let made = find(wish, cx, of.span)?;
    let probability = match cx.data {
        Some(_) => None,
        None => cx.probability_column(made.assign.id),
    };
    let revealed = std::mem::take(&mut cx.revealed);
    let mut trace = Trace::new(made.assign.out, &revealed);
    for (place, op) in cx.ops.iter().enumerate().skip(made.place) {
        trace.at(place);
        match probability {
            Some((at, column)) if at == place => trace.computes(&[made.assign.out], column),
            _ => op.trace(&mut trace),
        }
    }
    let columns = of.model.columns();
    let ops = trace.needed(&columns);
    let estimated = probability.is_some_and(|(at, _)| ops.contains(&at));
    let refusal = refuse(of, &made, &trace)
        .or_else(|| {
            let rerandomised = made.assign.lottery.accept.is_some();
            (estimated && rerandomised).then(|| {
                let message = format!("probabilities of `{}` are estimated", made.variable);
                let hint = "leave `rerandomise` or the probabilities out of this analysis";
                (message, "they would be estimated anew for each assignment", hint)
            })
        })
        .or_else(|| {
            let two = cx.assigned.iter().any(|(n, c)| *n == made.variable && c.len() == 2);
            wish.needs_curve().then(|| refuse_curve(of, &trace, two)).flatten().map(|what| {
                let (message, hint) = match wish.interval {
                    Interval::Inverted => (
                        format!("the interval can not be found: {what}"),
                        "`interval: OfMethod` keeps the method's own, and tests no effect",
                    ),
                    Interval::OfMethod => {
                        (format!("other effects than 0 can not be tested: {what}"), "drop `null`")
                    }
                };
                (message, "needs the statistic for every effect", hint)
            })
        });
    cx.revealed = revealed;
    if let Some((message, label, hint)) = refusal {
        cx.report(Diagnostic::error(of.span, message).label(label).hint(hint));
        return None;
    }
    Some(Replayed { assign: made.assign, of_data: cx.data.is_some(), ops })
}

/// The assignment that is meant.
fn find(wish: &Randomisation, cx: &mut Compiler<'_>, span: Span) -> Option<MadeAssignment> {
    if cx.data.is_some() {
        return find_in_data(wish, cx, span);
    }
    let known: Vec<&str> = cx.made.iter().map(|made| made.variable.as_str()).collect();
    if let Some(name) = &wish.assignment {
        let found = cx.made.iter().find(|made| made.variable == name.text).cloned();
        if found.is_none() && !cx.is_doubtful(&name.text) {
            let message = format!("no step before assigns `{}`", name.text);
            let error = Diagnostic::error(name.span, message).label("not an assigned variable");
            let error = suggest(error, &name.text, &known);
            cx.report(error);
        }
        return found;
    }
    let (message, hint) = match cx.made.as_slice() {
        [made] => return Some(made.clone()),
        [] => ("no step before assigns a treatment".to_string(), "add an Assignment step"),
        _ => {
            let all = joined(&known, "and");
            (format!("the design assigns {all}"), "say which, as in `assignment: z`")
        }
    };
    cx.report(Diagnostic::error(span, message).label("what is drawn again?").hint(hint));
    None
}

/// The assignment that real data have the values of.
fn find_in_data(wish: &Randomisation, cx: &mut Compiler<'_>, span: Span) -> Option<MadeAssignment> {
    let named = |step: &Assignment| {
        wish.assignment.as_ref().is_none_or(|name| name.text == step.variable().text)
    };
    let fitting: Vec<_> = cx.unmade.iter().filter(|(step, _)| named(step)).cloned().collect();
    let [(step, rows)] = fitting.as_slice() else {
        let error = Diagnostic::error(span, "the design does not say how units were assigned")
            .label("expected one Assignment step before")
            .hint("say which is meant, as in `assignment: z`");
        cx.report(error);
        return None;
    };
    let (assign, conditions) = step.of_data(cx, *rows)?;
    let variable = step.variable().text.clone();
    cx.assigned.push((variable.clone(), conditions));
    Some(MadeAssignment { variable, assign: Arc::new(assign), place: 0 })
}

/// Why the assignment can not be drawn again for this estimator, if it can not.
fn refuse(of: &Of<'_>, made: &MadeAssignment, trace: &Trace<'_>) -> Option<Refusal> {
    let z = &made.variable;
    if of.model.instruments.is_some() {
        let message = "`Randomisation` does not go with instruments".to_string();
        let hint = "test the effect of the assignment itself, by `LmRobust`";
        return Some((message, "the treatment taken depends on the assignment", hint));
    }
    if trace.is_arranged() {
        let message = format!("units are made, sampled or assigned by what `{z}` decides");
        let hint = "put the estimator before that step";
        return Some((message, "can not be replayed for another assignment", hint));
    }
    let [outcome] = of.model.outcomes.as_slice() else {
        let message = "`Randomisation` tests one outcome".to_string();
        return Some((message, "the model has several", "declare an estimator for each outcome"));
    };
    if outcome.columns().any(|column| trace.is_changed(column)) {
        let message = format!("the outcome is computed from `{z}`");
        let hint = "declare it in PotentialOutcomes and Reveal: outcomes stay fixed";
        return Some((message, "it would change with each assignment", hint));
    }
    let depends = |target: &Target| {
        let term = target.term.map(|term| &of.model.terms[term]);
        term.is_some_and(|t| t.columns().iter().any(|column| trace.is_changed(*column)))
    };
    if !of.targets.iter().all(depends) {
        let message = format!("the term does not depend on `{z}`");
        let hint = "name the treatment in `term`, or in `assignment`";
        return Some((message, "another assignment changes nothing about it", hint));
    }
    if !of.contrasts.iter().flat_map(|c| &c.parts).all(|(target, _)| depends(target)) {
        let message = format!("a hypothesis names a coefficient that does not depend on `{z}`");
        let hint = "state hypotheses about the treatment alone";
        return Some((message, "another assignment changes nothing about it", hint));
    }
    if of.contrasts.iter().any(|contrast| contrast.value != 0.0) {
        let message = "`Randomisation` tests that there is no effect at all".to_string();
        let hint = "state it without a value, as in `armb - armc`";
        return Some((message, "a hypothesis has another value than 0", hint));
    }
    None
}

/// Why the statistic is not known for every effect, if it is not.
fn refuse_curve(of: &Of<'_>, trace: &Trace<'_>, two_conditions: bool) -> Option<&'static str> {
    if !of.contrasts.is_empty() {
        return Some("hypotheses are tested under no effect at all");
    }
    let [target] = of.targets else { return Some("the estimator reports several terms") };
    let term = target.term.map(|term| &of.model.terms[term])?;
    let is_copy = term.numeric.is_some_and(|column| trace.is_copy(column));
    if !of.fit.is_linear() {
        Some("the estimate is not linear in the outcomes")
    } else if term.parts.len() != 1 || term.centred_from.is_some() {
        Some("the term is an interaction")
    } else if !(two_conditions || is_copy) {
        Some("the treatment has more than two conditions")
    } else if of.model.subset.is_some_and(|column| trace.is_changed(column)) {
        Some("the rows depend on the assignment")
    } else if trace.effect(of.model.outcomes[0].column) == Some(Effect::Other) {
        Some("the outcome is more than a mean of what was revealed")
    } else {
        None
    }
}
