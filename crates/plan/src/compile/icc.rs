//! Draws with a given intra-class correlation.

use trialrun_lang::{Arg, Diagnostic, Expr, Span};

use super::Compiler;
use super::ir::{By, NodeId, NodeKind};
use super::lower::{Context, Draws, Value};
use crate::exec::draw::Distribution;
use crate::exec::random::stream_key;
use crate::exec::words::shown;
use crate::functions::Fun;
use crate::ids::LevelId;

/// The draws, with their arguments and what they draw.
pub const CORRELATED_DRAWS: &[(&str, &[&str], &str)] = &[
    (
        "bernoulli_icc",
        &["p", "icc"],
        "1 with probability p, else 0; two units of a unit of the level have correlation icc",
    ),
    (
        "normal_icc",
        &["mean", "sd", "icc"],
        "sd is that of all units; two units of a unit of the level have correlation icc",
    ),
];

impl Compiler<'_> {
    /// A draw that is alike within the units of an upper level, `by = level`.
    pub(super) fn lower_icc(
        &mut self,
        name: &str,
        args: &[Arg],
        span: Span,
        context: &Context,
        place: &mut u32,
    ) -> Option<Value> {
        let (_, parameters, doc) = CORRELATED_DRAWS.iter().find(|(n, ..)| *n == name)?;
        let Draws::Allowed(step) = context.draws.clone() else {
            self.refuse_draw(name, span, context);
            return None;
        };
        let of_level = |a: &&Arg| a.name.as_ref().is_some_and(|(n, _)| n == "by");
        let Some(by) = args.iter().find(of_level) else {
            let error = Diagnostic::error(span, format!("`{name}` needs a level"))
                .label("within which units are alike?");
            let usage = format!("{name}({}, by = class)", parameters.join(", "));
            self.report(error.hint(format!("`{usage}`: {doc}")));
            return None;
        };
        let rest: Vec<Arg> = args.iter().filter(|a| !of_level(a)).cloned().collect();
        let By::Level(class) = self.reduction_by(&by.value, context)? else { return None };
        let slots = self.slots_of(name, parameters, doc, &rest, span)?;
        let inner = context.clone().without_draws(
            "the parameters of a draw are not drawn: declare the inner draw as a variable",
        );
        let mut values = Vec::new();
        for expr in &slots {
            let value = self.lower(expr, &inner, place)?;
            values.push(self.number(value, expr.span)?);
        }
        let icc_at = slots[slots.len() - 1];
        let icc = self.icc(values[values.len() - 1], icc_at)?;
        let mut draws = Draw { step, span, place, variable: &context.variable };
        let id = match values.as_slice() {
            [p, _] => {
                self.one_value_each(*p, class, slots[0])?;
                self.bernoulli_icc(*p, icc, (class, context.level), &mut draws)
            }
            [mean, sd, ..] => {
                self.normal_icc((*mean, *sd), icc, (class, context.level), &mut draws)
            }
            _ => return None,
        };
        Some(Value { id: id?, labels: None })
    }

    /// A class draws `z`, each unit `y` and whether it takes `z`, with probability `sqrt(icc)`. All
    /// have probability `p`, and two units take the same `z` with probability `icc`.
    fn bernoulli_icc(
        &mut self,
        p: NodeId,
        icc: f64,
        (class, level): (LevelId, LevelId),
        draws: &mut Draw<'_>,
    ) -> Option<NodeId> {
        let span = draws.span;
        let share = self.graph.constant(icc.sqrt(), span);
        let z = draws.one(self, Distribution::Bernoulli, vec![p], class);
        let z = self.see(z, level, draws.variable, span)?;
        let y = draws.one(self, Distribution::Bernoulli, vec![p], level);
        let takes = draws.one(self, Distribution::Bernoulli, vec![share], level);
        Some(self.map(Fun::If, vec![takes, z, y], span))
    }

    /// A class draws a share `icc` of the variance, each unit the rest.
    fn normal_icc(
        &mut self,
        (mean, sd): (NodeId, NodeId),
        icc: f64,
        (class, level): (LevelId, LevelId),
        draws: &mut Draw<'_>,
    ) -> Option<NodeId> {
        let span = draws.span;
        let [zero, one, between, within] =
            [0.0, 1.0, icc.sqrt(), (1.0 - icc).sqrt()].map(|v| self.graph.constant(v, span));
        let z = draws.one(self, Distribution::Normal, vec![zero, one], class);
        let z = self.see(z, level, draws.variable, span)?;
        let sd_between = self.map(Fun::Mul, vec![sd, between], span);
        let shift = self.map(Fun::Mul, vec![sd_between, z], span);
        let centre = self.map(Fun::Add, vec![mean, shift], span);
        let sd_within = self.map(Fun::Mul, vec![sd, within], span);
        Some(draws.one(self, Distribution::Normal, vec![centre, sd_within], level))
    }

    /// A correlation that the design fixes.
    fn icc(&mut self, icc: NodeId, expr: &Expr) -> Option<f64> {
        let value = self.graph.value(icc);
        if let Some(icc) = value.filter(|icc| (0.0..=1.0).contains(icc)) {
            return Some(icc);
        }
        let message = match value {
            Some(icc) => format!("{} is not an intra-class correlation", shown(icc)),
            None => "the intra-class correlation is one number, known beforehand".to_string(),
        };
        let error = Diagnostic::error(expr.span, message);
        self.report(error.label("expected a number between 0 and 1"));
        None
    }

    /// Refuses a parameter that varies within the units of a level.
    fn one_value_each(&mut self, node: NodeId, class: LevelId, expr: &Expr) -> Option<()> {
        if self.is_above(self.graph.node(node).level, class) {
            return Some(());
        }
        let class = self.level_name(class).to_string();
        let error = Diagnostic::error(expr.span, format!("`p` varies within a {class}"))
            .label(format!("expected one probability a {class}"));
        self.report(error.hint("units that share a draw share its probability"));
        None
    }
}

/// The draws of one call.
struct Draw<'c> {
    step: String,
    variable: &'c str,
    span: Span,
    place: &'c mut u32,
}

impl Draw<'_> {
    /// A draw for each unit of a level, with a stream of its own.
    fn one(
        &mut self,
        cx: &mut Compiler<'_>,
        distribution: Distribution,
        args: Vec<NodeId>,
        level: LevelId,
    ) -> NodeId {
        let key = stream_key(&self.step, self.variable, *self.place);
        *self.place += 1;
        cx.graph.add(NodeKind::Draw { distribution, args, level, key }, level, self.span)
    }
}
