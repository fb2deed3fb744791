//! The outcomes of a model: one, or several that share its predictors, as in `cbind(a, b) ~ z`.
//!
//! Several outcomes have one model matrix, which is made and factorised once. As in R, a row where
//! one of them is missing is left out for all; their columns are made missing in the same rows, so
//! that numbers and weights of rows are alike for all.

use trialrun_lang::{Arg, Diagnostic, Expr, ExprKind, Formula, Span};

use crate::compile::ir::{NA, NodeId};
use crate::compile::{Compiler, Context, Missing};
use crate::functions::Fun;
use crate::ids::ColumnId;

/// An outcome of a compiled model.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// As the formula writes it.
    pub label: String,
    /// Its values, or their means where rows are collapsed; a column of the model's rows.
    pub column: ColumnId,
    /// Where rows are collapsed, its sum of squares around these means.
    pub within: Option<ColumnId>,
}

impl Outcome {
    /// Its columns.
    pub fn columns(&self) -> impl Iterator<Item = ColumnId> {
        [Some(self.column), self.within].into_iter().flatten()
    }
}

/// An outcome whose names are resolved.
pub struct Named {
    /// As the formula writes it.
    pub label: String,
    /// Its values.
    pub node: NodeId,
}

/// The one outcome of a formula; several are refused.
pub fn one(cx: &mut Compiler<'_>, formula: &Formula, context: &Context) -> Option<Named> {
    if bound(&formula.response).is_some() {
        let error = Diagnostic::error(formula.response.span, "this method has one outcome")
            .label("several outcomes")
            .hint("declare an estimator for each, or use `LmRobust`, `Lin` or `DifferenceInMeans`");
        cx.report(error);
        return None;
    }
    number(cx, &formula.response, formula.response.to_string(), context)
}

/// The outcomes of a formula: those that `cbind(...)` holds, or the one that there is.
pub fn several(cx: &mut Compiler<'_>, formula: &Formula, context: &Context) -> Option<Vec<Named>> {
    let Some(args) = bound(&formula.response) else {
        return one(cx, formula, context).map(|outcome| vec![outcome]);
    };
    if args.is_empty() {
        let error = Diagnostic::error(formula.response.span, "`cbind` binds no outcome");
        cx.report(error.label("expected outcomes").hint("write `cbind(y1, y2) ~ z`"));
        return None;
    }
    let mut found: Vec<Option<Named>> = Vec::new();
    let mut labels: Vec<(String, Span)> = Vec::new();
    for arg in args {
        let label = arg.name.as_ref().map_or(arg.value.to_string(), |(name, _)| name.clone());
        if let Some((_, first)) = labels.iter().find(|(known, _)| *known == label) {
            let message = format!("the outcome `{label}` is named twice");
            let error = Diagnostic::error(arg.value.span, message)
                .label("named again here")
                .related(*first, "first named here");
            cx.report(error.hint("a name tells outcomes apart: `cbind(first = y, second = y)`"));
            return None;
        }
        labels.push((label.clone(), arg.value.span));
        found.push(number(cx, &arg.value, label, context));
    }
    let found: Vec<Named> = found.into_iter().collect::<Option<_>>()?;
    Some(missing_together(cx, found, formula.response.span))
}

/// What `cbind(...)` holds, where an expression is that.
fn bound(response: &Expr) -> Option<&[Arg]> {
    match &response.kind {
        ExprKind::Call { name, args, .. } if name == "cbind" => Some(args),
        _ => None,
    }
}

/// An outcome that is a number.
fn number(cx: &mut Compiler<'_>, expr: &Expr, label: String, context: &Context) -> Option<Named> {
    let outcome = cx.lower(expr, context, &mut 0)?;
    if outcome.labels.is_some() {
        let error = Diagnostic::error(expr.span, "the outcome is not a number")
            .label("a variable of categories")
            .hint("compare it with a category: `I(answer == 'yes') ~ ...`");
        cx.report(error);
        return None;
    }
    Some(Named { label, node: outcome.id })
}

/// Makes each outcome missing where one of the others is.
fn missing_together(cx: &mut Compiler<'_>, outcomes: Vec<Named>, span: Span) -> Vec<Named> {
    let nodes: Vec<NodeId> = outcomes.iter().map(|outcome| outcome.node).collect();
    let with_missing: Vec<NodeId> =
        nodes.into_iter().filter(|node| cx.missing(*node) > Missing::Never).collect();
    let mask = |Named { label, node }: Named| {
        let others = with_missing.iter().filter(|other| **other != node);
        let mut masked = node;
        for other in others {
            let (is_missing, na) =
                (cx.map(Fun::IsMissing, vec![*other], span), cx.graph.constant(NA, span));
            masked = cx.map(Fun::If, vec![is_missing, na, masked], span);
        }
        Named { label, node: masked }
    };
    outcomes.into_iter().map(mask).collect()
}
