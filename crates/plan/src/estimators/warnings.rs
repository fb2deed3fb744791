//! Warnings about models that can be fitted and are probably not what was meant.

use trialrun_lang::Diagnostic;

use super::resolve::Resolved;
use crate::compile::{Binding, Compiler};
use crate::declared::joined;
use crate::ids::LevelId;

/// Warns where every variable of a model lives above its rows: they are copies of one another.
pub fn warn_of_copies(
    cx: &mut Compiler<'_>,
    resolved: &Resolved,
    of_predictors: LevelId,
    level: LevelId,
) {
    let nodes = resolved.of_outcomes();
    let top =
        nodes.iter().fold(of_predictors, |top, node| cx.deeper(top, cx.graph.node(*node).level));
    if cx.data.is_some() || cx.failed() || top == level {
        return;
    }
    let (here, there) = (cx.level_name(level).to_string(), cx.level_name(top).to_string());
    let message = format!("all variables of this model live above level `{here}`");
    let warning = Diagnostic::warning(resolved.span, message)
        .label(format!("the rows within a {there} are copies of one another"))
        .hint(format!(
            "put `Aggregate(by: {there})` before the estimator, or `level: {there}` in it"
        ));
    cx.report(warning);
}

/// Warns where the outcome was revealed by an assigned variable that no predictor depends on.
pub fn warn_of_unused(cx: &mut Compiler<'_>, resolved: &Resolved) {
    if cx.data.is_some() || cx.failed() {
        return;
    }
    let node = |name: &str| match cx.binding(name) {
        Some(Binding::Variable(node)) => Some(node),
        _ => None,
    };
    let of_outcome = cx.behind(&resolved.of_outcomes());
    let is_revealed = |name: &str| node(name).is_some_and(|node| of_outcome.contains(&node));
    // What the outcome was revealed by may have been revealed itself: take-up by assignment.
    let revealed: Vec<_> = cx.outcomes.iter().filter(|o| is_revealed(&o.name)).collect();
    let Some(outcome) = revealed.last() else { return };
    let used = cx.behind(&resolved.predictors());
    let by = revealed.iter().flat_map(|o| o.by.iter().map(|(name, _)| name.as_str()));
    let by: Vec<&str> = by.collect();
    if by.iter().any(|name| node(name).is_none_or(|node| used.contains(&node))) {
        return;
    }
    let (by, outcome) = (joined(&by, "or"), &outcome.name);
    let message = format!("the model does not use {by}, which `{outcome}` was revealed by");
    let warning = Diagnostic::warning(resolved.span, message).label("no assigned variable in it");
    cx.report(warning);
}
