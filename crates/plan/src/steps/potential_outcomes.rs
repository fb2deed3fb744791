//! The outcomes that each unit would have under each condition.
//!
//! The formula is computed once for each combination of conditions, with the assigned variables
//! set to it. The columns are named as the field names them: `score_treatment_0` and
//! `score_treatment_1`; for two assigned variables `y_z1_0_z2_1`. A random draw in the formula is
//! refused: each condition would get a draw of its own, and the effect on a unit would be noise.
//! Declare the draw as a variable of a level instead.
//!
//! A condition may be an outcome itself. Take-up depends on the assignment, and the outcome on
//! take-up: two steps, of which the second has `conditions: { takeup: [0, 1] }`. Or it may be a
//! share, such as that of the treated neighbours: the conditions are then those for which columns
//! are wanted, and Reveal evaluates the formula at the share that a unit has.
//!
//! # Fields
//! - `outcome`: the outcome's name; a Reveal step makes the variable of that name.
//! - `conditions`: a map from assigned variables to lists of conditions, numbers or names.
//! - `formula`: an expression of the variables and of the assigned variables. Named conditions
//!   are compared with text: `arm == 'letter'`.
//! - `level`: the level of the outcome; the current rows if it is left out.
//!
//! # Example
//! ```ron
//! PotentialOutcomes(outcome: score, conditions: { treatment: [0, 1] },
//!     formula: "ability + 0.2 * treatment"),
//! ```

use trialrun_lang::Diagnostic;

use super::{Declared, all_of};
use crate::compile::ir::{NodeId, NodeKind};
use crate::compile::{Compiler, Condition, Context, Declares, Outcome, Value};
use crate::declared::conditions::in_name;
use crate::declared::{Conditions, Fields, Name, Node, Reader, Scalar};

/// Potential outcomes, as declared.
#[derive(Clone, Debug)]
pub struct PotentialOutcomes {
    outcome: Name,
    conditions: Vec<(Name, Conditions)>,
    formula: Scalar,
    level: Option<Name>,
}

/// Most combinations of conditions.
const COMBINATIONS_MAX: usize = 1024;

impl Declared for PotentialOutcomes {
    fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let outcome = f.required(r, "outcome", Reader::identifier);
        let conditions = f.required(r, "conditions", read_conditions);
        let formula = f.required(r, "formula", Reader::scalar);
        let level = f.optional(r, "level", Reader::identifier);
        let conditions = conditions?;
        Some(Self { outcome: outcome?, conditions, formula: formula?, level })
    }

    fn compile(&self, cx: &mut Compiler<'_>) {
        if cx.data.is_some() {
            return;
        }
        if let Some(first) = cx.outcomes.iter().find(|o| o.name == self.outcome.text) {
            let message = format!("potential outcomes of `{}` are declared twice", first.name);
            let error = Diagnostic::error(self.outcome.span, message)
                .label("declared again here")
                .related(first.span, "first declared here");
            cx.report(error.hint("name several assigned variables in one step's `conditions`"));
            return;
        }
        let wanted = cx.level_or_frame(self.level.as_ref());
        let level = wanted.unwrap_or(cx.frame);
        let labels: Vec<Option<u32>> = self.conditions.iter().map(|(_, c)| c.labels(cx)).collect();
        let names = self.names();
        let mut nodes = Vec::new();
        for combination in 0..names.len() {
            let chosen = self.combination(combination);
            let mut context = Context::at(level).without_draws(
                "each condition would get its own draw: declare it as a variable of a level",
            );
            for ((variable, condition), labels) in chosen.iter().zip(&labels) {
                let id = cx.graph.constant(condition.value, self.formula.span());
                context.given.push((variable.text.clone(), Value { id, labels: *labels }));
            }
            let value = wanted.and_then(|_| cx.scalar(&self.formula, &context));
            let Some(value) = value else {
                // One condition's errors are those of the others.
                self.stay_known(cx, level, labels);
                return;
            };
            nodes.push(value.id);
        }
        let variables: Vec<&str> = self.conditions.iter().map(|(n, _)| n.text.as_str()).collect();
        // An effect of zero may be meant: of it the formula speaks.
        if nodes.windows(2).all(|pair| pair[0] == pair[1]) && !mentions(&self.formula, &variables) {
            let message = format!("the formula does not depend on `{}`", variables.join("`, `"));
            let warning = Diagnostic::warning(self.formula.span(), message)
                .label("all potential outcomes are the same");
            cx.report(warning);
        }
        let columns = cx.columns_of(&nodes);
        for (name, column) in names.iter().zip(&columns) {
            cx.define_column(name, *column, level);
        }
        let columns = nodes.iter().zip(columns).map(|(node, column)| {
            let (level, span) = (cx.graph.node(*node).level, self.outcome.span);
            cx.graph.add(NodeKind::Column(column), level, span)
        });
        let columns: Vec<NodeId> = columns.collect();
        cx.outcomes.push(self.outcome(labels, columns, level));
    }

    fn declares(&self) -> Vec<(Declares, Name)> {
        let mut declared = all_of(Declares::Variable, self.names());
        declared.push((Declares::Outcome, self.outcome.clone()));
        declared
    }

    fn describe(&self) -> String {
        let conditions: Vec<String> = self
            .conditions
            .iter()
            .map(|(n, c)| {
                let list: Vec<&str> = c.list.iter().map(|c| c.label.as_str()).collect();
                format!("`{}` is {}", n.text, list.join(" or "))
            })
            .collect();
        let (outcome, formula) = (&self.outcome.text, &self.formula);
        format!("potential outcomes of `{outcome}`, where {}: {formula}", conditions.join(" and "))
    }
}

/// The assigned variables with their conditions; not too many combinations.
fn read_conditions(r: &mut Reader, node: Node<'_>) -> Option<Vec<(Name, Conditions)>> {
    let conditions = r.map(node, Conditions::read)?;
    let n = conditions.iter().try_fold(1usize, |n, (_, c)| n.checked_mul(c.list.len()));
    if n.is_none_or(|n| n > COMBINATIONS_MAX) {
        let message = format!("more than {COMBINATIONS_MAX} combinations of conditions");
        let error = Diagnostic::error(node.span, message);
        r.error(error.label("each combination is a potential outcome"));
        return None;
    }
    if conditions.is_empty() {
        let example = "write `conditions: { treatment: [0, 1] }`";
        return r.expected(node, "an assigned variable with its conditions", example);
    }
    Some(conditions)
}

impl PotentialOutcomes {
    /// The names of the columns, one for each combination.
    fn names(&self) -> Vec<Name> {
        let n: usize = self.conditions.iter().map(|(_, c)| c.list.len()).product();
        let name = |number: usize| {
            let mut text = self.outcome.text.clone();
            for (variable, condition) in self.combination(number) {
                text += &format!("_{}_{}", variable.text, in_name(&condition.label));
            }
            Name { text, span: self.outcome.span }
        };
        (0..n).map(name).collect()
    }

    /// The conditions of a combination; the last variable varies fastest.
    fn combination(&self, number: usize) -> Vec<(&Name, &Condition)> {
        let mut rest = number;
        let mut chosen: Vec<(&Name, &Condition)> = Vec::new();
        for (name, conditions) in self.conditions.iter().rev() {
            chosen.push((name, &conditions.list[rest % conditions.list.len()]));
            rest /= conditions.list.len();
        }
        chosen.reverse();
        chosen
    }

    fn outcome(
        &self,
        labels: Vec<Option<u32>>,
        columns: Vec<NodeId>,
        level: crate::ids::LevelId,
    ) -> Outcome {
        let by = self.conditions.iter().map(|(n, c)| (n.text.clone(), c.list.clone())).collect();
        let names = self.names().into_iter().map(|name| name.text).collect();
        let (name, span) = (self.outcome.text.clone(), self.outcome.span);
        let formula = self.formula.clone();
        Outcome { name, by, labels, columns, names, formula, level, span }
    }

    /// Makes the names known after an error, so that steps that use them are not wrong too.
    fn stay_known(
        &self,
        cx: &mut Compiler<'_>,
        level: crate::ids::LevelId,
        labels: Vec<Option<u32>>,
    ) {
        let mut columns = Vec::new();
        for name in self.names() {
            let column = cx.new_column(level);
            cx.define_column(&name, column, level);
            columns.push(cx.graph.add(NodeKind::Column(column), level, self.outcome.span));
        }
        cx.outcomes.push(self.outcome(labels, columns, level));
    }
}

/// Whether one of these names occurs in a formula.
fn mentions(formula: &Scalar, names: &[&str]) -> bool {
    let Scalar::Text(text) = formula else { return false };
    let parsed = text.places.parse_expression(&text.text);
    parsed.is_ok_and(|expr| names.iter().any(|name| expr.mentions(name)))
}
