//! The quantity that the study wants to know, as a number of the simulated population.
//!
//! An estimand is one number in each simulation, computed where it stands in the chain: before a
//! sampling step it refers to the whole population. Reductions run over the current rows.
//!
//! Estimators of an estimand of nobody (no complier was drawn) are counted as failed in that
//! simulation. An estimand that is missing because some of its values are stops the run: reduce
//! with `na_rm = true` if the others are meant.
//!
//! # Fields
//! - `label`: its name, which estimators refer to.
//! - `value`: an expression that reduces to one number.
//! - `where`: a condition; reductions then count only the units where it holds.
//! - `level`: the level whose units reductions run over; the current rows if it is left out.
//!
//! # Example
//! ```ron
//! Estimand(label: ate, value: "mean(score_treatment_1 - score_treatment_0)"),
//! Estimand(label: ate_girls, value: "mean(score_treatment_1 - score_treatment_0)",
//!     where: "girl == 1"),
//! ```

use trialrun_lang::{Diagnostic, Span};

use super::{Declared, all_of};
use crate::compile::{Compiler, Context, Declares, Missing};
use crate::declared::{Fields, Name, Reader, Scalar, Text};
use crate::exec::{Op, Stop, Workspace};
use crate::ids::{ColumnId, LevelId};
use crate::plan::EstimandInfo;

/// An estimand, as declared.
#[derive(Clone, Debug)]
pub struct Estimand {
    label: Name,
    value: Scalar,
    condition: Option<Text>,
    level: Option<Name>,
}

impl Declared for Estimand {
    fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let label = f.required(r, "label", Reader::name);
        let value = f.required(r, "value", Reader::scalar);
        let condition = f.optional(r, "where", Reader::text);
        let level = f.optional(r, "level", Reader::identifier);
        Some(Self { label: label?, value: value?, condition, level })
    }

    fn compile(&self, cx: &mut Compiler<'_>) {
        if cx.data.is_some() {
            return;
        }
        if let Some(first) = cx.estimands.iter().find(|e| e.label == self.label.text) {
            let message = format!("estimand `{}` is defined twice", self.label.text);
            let error = Diagnostic::error(self.label.span, message)
                .label("defined again here")
                .related(first.span, "first defined here");
            cx.report(error);
            return;
        }
        let column = self.column(cx);
        // An estimand with an error in it stays known, so that its estimators are not wrong too.
        let column = column.unwrap_or_else(|| cx.new_column(LevelId::WHOLE));
        let (label, span) = (self.label.text.clone(), self.label.span);
        cx.estimands.push(EstimandInfo { label, column, span });
    }

    fn declares(&self) -> Vec<(Declares, Name)> {
        all_of(Declares::Estimand, [self.label.clone()])
    }

    fn describe(&self) -> String {
        let subset =
            self.condition.as_ref().map_or(String::new(), |c| format!(" where {}", c.text));
        format!("the estimand `{}` is {}{subset}", self.label.text, self.value)
    }
}

impl Estimand {
    fn column(&self, cx: &mut Compiler<'_>) -> Option<ColumnId> {
        let level = cx.level_or_frame(self.level.as_ref())?;
        let mut context = Context::at(level).without_draws(
            "an estimand has no draws of its own: declare the draw as a variable, and name it here",
        );
        if let Some(condition) = &self.condition {
            context.mask = Some(cx.expression(condition, &context)?.id);
        }
        let value = cx.scalar(&self.value, &context)?;
        let found = cx.graph.node(value.id).level;
        if found != LevelId::WHOLE {
            let level = cx.level_name(found);
            let message = format!("an estimand is one number, not one for each {level}");
            cx.report(
                Diagnostic::error(self.value.span(), message)
                    .label("not reduced to one number")
                    .hint("wrap it in `mean(...)` or another reduction"),
            );
            return None;
        }
        let column = cx.column_of(value.id);
        if cx.missing(value.id) == Missing::Declared {
            cx.push(NotMissing { column, label: self.label.text.clone(), span: self.value.span() });
        }
        Some(column)
    }
}

/// Stops a simulation whose estimand is missing because some of its values are.
struct NotMissing {
    column: ColumnId,
    label: String,
    span: Span,
}

impl Op for NotMissing {
    fn run(&self, ws: &mut Workspace) -> Result<(), Stop> {
        if !ws.scalar(self.column).is_nan() {
            return Ok(());
        }
        let message = format!("the estimand `{}` is missing", self.label);
        Err(Stop::at(self.span, message, "some of its values are missing")
            .hint("`mean(x, na_rm = true)` leaves missing values out"))
    }
}
