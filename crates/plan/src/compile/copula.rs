//! Draws from any distribution that go with normal ones.

use trialrun_lang::{Diagnostic, ExprKind, Span};

use super::Compiler;
use super::ir::{NodeId, NodeKind};
use super::lower::{Context, Value};
use crate::declared::{Text, listed};
use crate::exec::draw::{DISTRIBUTIONS, Distribution};
use crate::exec::random::stream_key;
use crate::ids::LevelId;

impl Compiler<'_> {
    /// Standard normal numbers for the units of a level, with the stream of a variable.
    pub fn standard_normal(
        &mut self,
        step: &str,
        variable: &str,
        level: LevelId,
        span: Span,
    ) -> NodeId {
        let args = [0.0, 1.0].map(|v| self.graph.constant(v, span)).to_vec();
        let (distribution, key) = (Distribution::Normal, stream_key(step, variable, 0));
        self.graph.add(NodeKind::Draw { distribution, args, level, key }, level, span)
    }

    /// The values of a distribution that go with standard normal numbers.
    pub fn from_normal(&mut self, text: &Text, z: NodeId, context: &Context) -> Option<Value> {
        let expr = match text.places.parse_expression(&text.text) {
            Ok(expr) => expr,
            Err(errors) => {
                self.diagnostics.extend(errors);
                return None;
            }
        };
        let entry = match &expr.kind {
            ExprKind::Call { name, .. } => DISTRIBUTIONS.iter().find(|e| e.name == *name),
            _ => None,
        };
        let (Some(entry), ExprKind::Call { args, .. }) = (entry, &expr.kind) else {
            let names: Vec<&str> = DISTRIBUTIONS.iter().map(|e| e.name).collect();
            let error = Diagnostic::error(expr.span, "expected a distribution alone")
                .label("not a distribution")
                .hint(format!("one of {}", listed(&names)));
            self.report(error);
            return None;
        };
        let (labels, args) = self.named_categories(entry, args)?;
        let slots = self.slots_of(entry.name, entry.parameters, entry.doc, &args, expr.span)?;
        let mut ids = Vec::new();
        for slot in slots {
            let value = self.lower(slot, context, &mut 0)?;
            ids.push(self.number(value, slot.span)?);
        }
        self.check_parameters(entry, &ids, expr.span)?;
        let level = context.level;
        let distribution = entry.distribution;
        let kind = NodeKind::FromNormal { distribution, args: ids, z };
        let id = self.graph.add(kind, level, expr.span);
        let plain = Value { id, labels: None };
        Some(if labels.is_empty() { plain } else { self.coded(id, labels, expr.span) })
    }
}
