//! `LatinSquare`: each condition once in each row and column, as declared.

use trialrun_lang::{Diagnostic, Span};

use super::units::Seats;
use crate::compile::{Compiler, Context};
use crate::declared::{Fields, Reader, Text};
use crate::exec::assign::square::Square;
use crate::exec::words::plural;

/// A Latin square, as declared.
#[derive(Clone, Debug)]
pub struct LatinSquare {
    row: Text,
    column: Text,
}

impl LatinSquare {
    pub fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let row = f.required(r, "row", Reader::name_or_expression);
        let column = f.required(r, "column", Reader::name_or_expression);
        Some(Self { row: row?, column: column? })
    }

    /// The square for `k` conditions.
    pub fn compile(
        &self,
        cx: &mut Compiler<'_>,
        k: usize,
        seats: &Seats,
        span: Span,
    ) -> Option<Square> {
        if let Some(units) = seats.fixed.filter(|units| *units != k * k) {
            let there = if seats.in_blocks() { "a block has" } else { "there are" };
            let message = format!(
                "a Latin square of {k} conditions has {}, but {there} {units}",
                plural((k * k) as f64, "unit")
            );
            let error = Diagnostic::error(span, message).label("does not fit the number of units");
            cx.report(error.hint("it has as many rows and columns as conditions"));
            return None;
        }
        let level = seats.units.level();
        let context = Context::at(level).without_draws("declare the draw as a variable");
        let of = |cx: &mut Compiler<'_>, text: &Text| cx.expression(text, &context);
        let (row, column) = (of(cx, &self.row), of(cx, &self.column));
        let (row, column) = (cx.column_at(row?.id, level), cx.column_at(column?.id, level));
        Some(Square { row, column, span })
    }

    /// In words, after "assignment of `z`".
    pub fn describe(&self) -> String {
        format!("with rows `{}` and columns `{}`", self.row.text, self.column.text)
    }
}
