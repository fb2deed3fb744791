//! The two conditions that an estimator compares: `y ~ z`, with `condition1` and `condition2`.

use trialrun_lang::{Diagnostic, ExprKind, Formula, Span, suggestion};

use super::resolve;
use crate::compile::ir::{NodeId, NodeKind};
use crate::compile::{Compiler, Condition, Value};
use crate::declared::{Name, Node, Reader, joined, listed};
use crate::functions::Fun;
use crate::ids::LevelId;

/// Two conditions of the variable on the right side of a formula.
pub struct Contrast {
    /// 1 for the second condition, 0 for the first, 2 for others.
    pub treated: NodeId,
    /// The name of the coefficient, as in R: `z`, or `armletter`.
    pub label: String,
    /// Whether there are other conditions.
    pub has_others: bool,
    /// The variable, where the formula names one, and its two conditions.
    pub variable: Option<String>,
    /// The two conditions.
    pub conditions: [Condition; 2],
}

/// Reads a condition: a number, or a name.
pub fn read_condition(r: &mut Reader, node: Node<'_>) -> Option<Name> {
    match node.number() {
        Some(_) => {
            let value = r.number(node)?;
            Some(Name { text: value.to_string(), span: node.span })
        }
        None => r.name(node),
    }
}

/// Finds the conditions of a formula with one variable on its right side; reports what is wrong.
pub fn contrast(
    cx: &mut Compiler<'_>,
    formula: &Formula,
    level: LevelId,
    method: &str,
    wanted: [Option<&Name>; 2],
) -> Option<Contrast> {
    resolve::no_random_effects(cx, formula, method)?;
    resolve::no_instruments(cx, formula, method)?;
    let factor = match formula.terms.as_slice() {
        [term] if formula.intercept && term.factors.len() == 1 => &term.factors[0],
        _ => {
            let message = format!("`{method}` compares two conditions of one variable");
            let error = Diagnostic::error(formula.span, message)
                .label("expected one variable on the right side")
                .hint("write `y ~ z`; `Lin` and `LmRobust` take covariates");
            cx.report(error);
            return None;
        }
    };
    let variable = cx.lower(&factor.expr, &resolve::context(level), &mut 0)?;
    let name = match &factor.expr.kind {
        ExprKind::Name(name) => Some(name.as_str()),
        _ => None,
    };
    let conditions = conditions_of(cx, variable, name);
    let span = factor.expr.span;
    let [first, second] = chosen(cx, &conditions, wanted, span)?;
    let is = |condition: &Condition, value: f64| condition.value == value;
    let plain = variable.labels.is_none() && is(&first, 0.0) && is(&second, 1.0);
    let label = if plain { factor.label.clone() } else { factor.label.clone() + &second.label };
    let has_others = conditions.len() > 2;
    let treated = if plain && !has_others {
        variable.id
    } else {
        let [zero, one, two] = [0.0, 1.0, 2.0].map(|value| cx.graph.constant(value, span));
        let equal = |cx: &mut Compiler<'_>, condition: &Condition| {
            let value = cx.graph.constant(condition.value, span);
            cx.map(Fun::Eq, vec![variable.id, value], span)
        };
        let (is_first, is_second) = (equal(cx, &first), equal(cx, &second));
        let rest = cx.map(Fun::If, vec![is_first, zero, two], span);
        cx.map(Fun::If, vec![is_second, one, rest], span)
    };
    let variable = name.map(str::to_string);
    Some(Contrast { treated, label, has_others, variable, conditions: [first, second] })
}

/// The conditions that a variable can take, in order; 0 and 1 where nothing tells.
pub fn conditions_of(cx: &Compiler<'_>, variable: Value, name: Option<&str>) -> Vec<Condition> {
    let condition = |value: f64| Condition { value, label: value.to_string() };
    if let Some(labels) = variable.labels {
        let labels = cx.labels[labels as usize].iter().enumerate();
        return labels.map(|(i, l)| Condition { value: i as f64, label: l.clone() }).collect();
    }
    if let NodeKind::Column(column) = cx.graph.node(variable.id).kind
        && let Some(data) = &cx.columns[column.idx()].data
    {
        let mut values: Vec<f64> = data.iter().copied().filter(|v| !v.is_nan()).collect();
        values.sort_unstable_by(f64::total_cmp);
        values.dedup();
        return values.into_iter().map(condition).collect();
    }
    let assigned = name.and_then(|name| cx.assigned.iter().find(|(assigned, _)| assigned == name));
    assigned.map_or_else(|| vec![condition(0.0), condition(1.0)], |(_, all)| all.clone())
}

/// The two conditions to compare: those named, or the only two that there are.
fn chosen(
    cx: &mut Compiler<'_>,
    conditions: &[Condition],
    wanted: [Option<&Name>; 2],
    span: Span,
) -> Option<[Condition; 2]> {
    let mut found = [None, None];
    for (found, name) in found.iter_mut().zip(wanted) {
        let Some(name) = name else { continue };
        match conditions.iter().position(|c| c.label == name.text) {
            Some(place) => *found = Some(place),
            None => {
                let labels: Vec<&str> = conditions.iter().map(|c| c.label.as_str()).collect();
                let hint = suggestion(&name.text, &labels)
                    .unwrap_or_else(|| format!("choose {}", listed(&labels)));
                let message = format!("there is no condition `{}`", name.text);
                let error = Diagnostic::error(name.span, message).label("unknown condition");
                cx.report(error.hint(hint));
                return None;
            }
        }
    }
    let places = match (found, conditions.len()) {
        ([Some(first), Some(second)], _) => [first, second],
        ([Some(first), None], 2) => [first, 1 - first],
        ([None, Some(second)], 2) => [1 - second, second],
        ([None, None], 2) => [0, 1],
        (_, n) => {
            let labels: Vec<&str> = conditions.iter().map(|c| c.label.as_str()).collect();
            let message = match n {
                0 => "the variable has no values".to_string(),
                1 => format!("there is one condition only, {}", joined(&labels, "and")),
                _ => format!("there are {n} conditions: {}", joined(&labels, "and")),
            };
            let error = Diagnostic::error(span, message).label("which two are compared?");
            cx.report(error.hint("name them, as `condition1: ..., condition2: ...`"));
            return None;
        }
    };
    if places[0] == places[1] {
        let at = wanted[1].map_or(span, |name| name.span);
        let label = &conditions[places[0]].label;
        let message = format!("condition `{label}` is compared with itself");
        cx.report(Diagnostic::error(at, message).label("the same as `condition1`"));
        return None;
    }
    Some(places.map(|place| conditions[place].clone()))
}
