//! Reductions in expressions: one number from the values of many units.

use trialrun_lang::{Arg, Diagnostic, Expr, ExprKind, Span};

use super::ir::{By, NodeId, NodeKind, Reduction};
use super::lower::{Context, Value};
use super::{Binding, Compiler};
use crate::declared::{Name, Scalar};
use crate::exec::links::Spread;
use crate::functions::Fun;
use crate::ids::{GroupingId, LevelId};

/// The reductions, with what they compute.
pub const REDUCTIONS: &[(&str, Reduction, &str)] = &[
    ("all", Reduction::All, "1 where the condition holds for all units"),
    ("any", Reduction::Any, "1 where the condition holds for some unit"),
    ("count", Reduction::Count, "number of units, or of those where a condition holds"),
    ("max", Reduction::Max, "largest value"),
    ("mean", Reduction::Mean, "arithmetic mean"),
    ("median", Reduction::Median, "median"),
    ("min", Reduction::Min, "smallest value"),
    ("quantile", Reduction::Quantile(0), "quantile(x, p), R's type 7"),
    ("sd", Reduction::Sd, "standard deviation, divisor n - 1"),
    ("sum", Reduction::Sum, "sum"),
    ("var", Reduction::Var, "variance, divisor n - 1"),
];

/// The arguments of a reduction.
struct ReductionArgs<'e> {
    /// Those without a name.
    values: Vec<&'e Expr>,
    /// Over which units it runs.
    by: By,
    /// Whether missing values are left out.
    removes_missing: bool,
}

/// The reduction that a call means, if it means one: `min` and `max` of several arguments do not.
pub(super) fn reduction_called(name: &str, args: &[Arg]) -> Option<Reduction> {
    let (_, reduction, _) = REDUCTIONS.iter().find(|(n, ..)| *n == name)?;
    let unnamed = args.iter().filter(|a| a.name.is_none()).count();
    let of_one_unit = matches!(reduction, Reduction::Min | Reduction::Max) && unnamed > 1;
    if of_one_unit { None } else { Some(*reduction) }
}

impl Compiler<'_> {
    pub(super) fn lower_reduction(
        &mut self,
        reduction: Reduction,
        name: &str,
        args: &[Arg],
        span: Span,
        context: &Context,
        place: &mut u32,
    ) -> Option<Value> {
        let ReductionArgs { values, by, removes_missing } =
            self.reduction_args(name, args, context)?;
        let quantile = matches!(reduction, Reduction::Quantile(_));
        let expected = 1 + usize::from(quantile);
        if values.len() != expected && !(reduction == Reduction::Count && values.is_empty()) {
            self.wrong_count(name, expected, values.len(), span);
            return None;
        }
        let mut inner = context.clone();
        inner.reaches_below = true;
        // Reductions within the argument run over everything unless they say otherwise.
        (inner.by, inner.rows) = (By::Whole, None);
        inner.level = context.rows.unwrap_or(context.level);
        let frame = self.frame;
        self.frame = context.rows.unwrap_or(frame);
        let arg = match values.first() {
            Some(value) => {
                let found = self.lower(value, &inner, place);
                found.and_then(|found| self.number(found, value.span))
            }
            None => Some(self.graph.constant(1.0, span)),
        };
        let declared = values.first().map_or(LevelId::WHOLE, |value| self.declared_level(value));
        self.frame = frame;
        let arg = arg?;
        let reduction = if quantile {
            Reduction::Quantile(self.probability(values[1], &inner, place)?.to_bits())
        } else {
            reduction
        };
        let level = match by {
            By::Whole => LevelId::WHOLE,
            By::Level(level) | By::Groups(_, level) => level,
        };
        let mut mask = context.mask;
        if removes_missing {
            let lost = self.map(Fun::IsMissing, vec![arg], span);
            let there = self.map(Fun::Not, vec![lost], span);
            mask = Some(mask.map_or(there, |m| self.map(Fun::And, vec![m, there], span)));
        }
        let of_mask = mask.map_or(LevelId::WHOLE, |mask| self.graph.node(mask).level);
        let mut rows = inner.level;
        for reached in [declared, self.graph.node(arg).level, of_mask] {
            rows = self.deeper(rows, reached);
        }
        rows = self.deeper(rows, self.units_of(by));
        let kind = NodeKind::Reduce { reduction, arg, rows, by, mask };
        let id = self.graph.add(kind, level, span);
        let here = if context.reaches_below { self.frame } else { context.level };
        let id = self.seen_reduction(id, by, here, name, span)?;
        Some(Value { id, labels: None })
    }

    /// The units that a reduction has to run over, at the least.
    fn units_of(&self, by: By) -> LevelId {
        match by {
            By::Whole => LevelId::WHOLE,
            By::Level(level) => level,
            By::Groups(_, level) => self.grouped.get(&level).map_or(level, |(_, below)| *below),
        }
    }

    /// A reduction as it is seen from the units of a level: a value for each unit of a crossed
    /// level, or of a group, is seen by the units that belong to it.
    fn seen_reduction(
        &mut self,
        id: NodeId,
        by: By,
        here: LevelId,
        name: &str,
        span: Span,
    ) -> Option<NodeId> {
        match by {
            By::Level(level) if self.is_linked(level, here) => self.see(id, here, name, span),
            By::Groups(grouping, level) if !self.is_above(level, here) => {
                Some(self.spread(id, grouping, here, span))
            }
            _ => Some(id),
        }
    }

    /// Sorts the arguments of a reduction.
    fn reduction_args<'e>(
        &mut self,
        name: &str,
        args: &'e [Arg],
        context: &Context,
    ) -> Option<ReductionArgs<'e>> {
        let mut found = ReductionArgs { values: vec![], by: context.by, removes_missing: false };
        for arg in args {
            match &arg.name {
                None => found.values.push(&arg.value),
                Some((n, _)) if n == "by" => found.by = self.reduction_by(&arg.value, context)?,
                Some((n, _)) if n == "na_rm" => found.removes_missing = self.flag(&arg.value)?,
                Some((n, at)) => {
                    let message = format!("`{name}` has no argument `{n}`");
                    let error = Diagnostic::error(*at, message).label("unknown argument");
                    self.report(error.hint(format!(
                        "`{name}(x, by = level)` is one value a unit of the level; \
                         `na_rm = true` leaves missing values out"
                    )));
                    return None;
                }
            }
        }
        Some(found)
    }

    /// The deepest level at which a name of an argument is declared. A reduction runs over these
    /// units, also where the value is stored further up because it is the same for all below.
    fn declared_level(&self, expr: &Expr) -> LevelId {
        let deepest = |a, b| self.deeper(a, b);
        match &expr.kind {
            ExprKind::Name(name) => {
                let level = self.variables.iter().rfind(|v| v.name == *name).map(|v| v.level);
                level.and_then(|l| self.left_of(l, self.frame)).unwrap_or(LevelId::WHOLE)
            }
            ExprKind::Unary(_, a) => self.declared_level(a),
            ExprKind::Binary(_, a, b) => deepest(self.declared_level(a), self.declared_level(b)),
            ExprKind::Call { name, args, .. } if reduction_called(name, args).is_none() => {
                args.iter().map(|a| self.declared_level(&a.value)).fold(LevelId::WHOLE, deepest)
            }
            // A reduction within has one value, or one a unit of its own level.
            _ => LevelId::WHOLE,
        }
    }

    /// Whether an expression looks at other units than its own: by a reduction, or by `N`.
    pub fn looks_around(&self, scalar: &Scalar) -> bool {
        fn looks(expr: &Expr) -> bool {
            match &expr.kind {
                ExprKind::Name(name) => name == "N",
                ExprKind::Unary(_, a) => looks(a),
                ExprKind::Binary(_, a, b) => looks(a) || looks(b),
                ExprKind::Call { name, args, .. } => {
                    let reduces = reduction_called(name, args).is_some();
                    reduces || args.iter().any(|a| looks(&a.value))
                }
                _ => false,
            }
        }
        let Scalar::Text(text) = scalar else { return false };
        text.places.parse_expression(&text.text).is_ok_and(|expr| looks(&expr))
    }

    /// `true` or `false`.
    fn flag(&mut self, expr: &Expr) -> Option<bool> {
        if let ExprKind::Bool(value) = expr.kind {
            return Some(value);
        }
        let error = Diagnostic::error(expr.span, "expected `true` or `false`");
        self.report(error.label("not a constant truth value"));
        None
    }

    fn probability(&mut self, expr: &Expr, inner: &Context, place: &mut u32) -> Option<f64> {
        let p = self.lower(expr, inner, place)?;
        match self.graph.value(p.id) {
            Some(p) if (0.0..=1.0).contains(&p) => Some(p),
            _ => {
                self.report(
                    Diagnostic::error(expr.span, "a quantile takes a fixed probability")
                        .label("expected a number between 0 and 1"),
                );
                None
            }
        }
    }

    /// The groups that a column of real data makes of a level's units: it stands for the level of
    /// its name.
    fn groups_of_column(&mut self, name: &str, span: Span, at: LevelId) -> Option<By> {
        let node = self.resolve(name, span, &Context::at(at).for_a_name())?;
        let key = self.column_at(node, at);
        if let Some((grouping, level)) = self.column_groups.get(&(at, key)) {
            return Some(By::Groups(*grouping, *level));
        }
        let frame = std::mem::replace(&mut self.frame, at);
        let (level, grouping) = self.grouped_level(name.to_string(), vec![key]);
        self.frame = frame;
        self.column_groups.insert((at, key), (grouping, level));
        Some(By::Groups(grouping, level))
    }

    /// The value of each group, seen from its units.
    pub(super) fn spread(
        &mut self,
        node: NodeId,
        grouping: GroupingId,
        at: LevelId,
        span: Span,
    ) -> NodeId {
        let from = self.column_at(node, self.graph.node(node).level);
        let out = self.new_column_like(from, at);
        // A unit whose group is not known has no value.
        let keys = self.column_groups.iter().find(|(_, (known, _))| *known == grouping);
        let of_key = keys.map(|((_, key), _)| self.columns[key.idx()].missing);
        let missing = &mut self.columns[out.idx()].missing;
        *missing = (*missing).max(of_key.unwrap_or_default());
        self.push(Spread { from, grouping, level: at, out });
        self.graph.add(NodeKind::Column(out), at, span)
    }

    /// The level of `by = class`.
    pub(super) fn reduction_by(&mut self, expr: &Expr, context: &Context) -> Option<By> {
        let ExprKind::Name(name) = &expr.kind else {
            self.report(
                Diagnostic::error(expr.span, "`by` takes the name of a level")
                    .label("not a level's name"),
            );
            return None;
        };
        let reach = if context.reaches_below { self.frame } else { context.level };
        if self.data.is_some() && matches!(self.binding(name), Some(Binding::Variable(_))) {
            return self.groups_of_column(name, expr.span, reach);
        }
        let level = self.level(&Name { text: name.clone(), span: expr.span })?;
        if self.is_above(level, reach) || self.is_linked(level, reach) {
            return Some(By::Level(level));
        }
        let reach = self.level_name(reach);
        let message = format!("level `{name}` is further down than `{reach}`");
        let error = Diagnostic::error(expr.span, message)
            .label(format!("expected one value a {reach}, or one for several"));
        self.report(error.hint("leave `by` out, or name a level above"));
        None
    }
}
