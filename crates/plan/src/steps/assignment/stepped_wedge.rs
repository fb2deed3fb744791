//! `SteppedWedge`: clusters go over to the treatment at random times, as declared.

use trialrun_lang::{Diagnostic, Span};

use super::shares::Given;
use super::units::Seats;
use crate::compile::{Compiler, Condition, Context, Groups};
use crate::declared::{Fields, Reader, Text};
use crate::exec::assign::Units;
use crate::exec::assign::shares::Shares;
use crate::exec::assign::wedge::Wedge;
use crate::exec::words::shown;
use crate::ids::LevelId;

/// A stepped wedge, as declared.
#[derive(Clone, Debug)]
pub struct SteppedWedge {
    time: Text,
    starts: Vec<f64>,
    shares: Given,
}

impl SteppedWedge {
    pub fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let time = f.required(r, "time", Reader::name_or_expression);
        let starts = f.required(r, "starts", |r, node| {
            let starts = r.list(node, Reader::number)?;
            if starts.len() >= 2 && starts.windows(2).all(|pair| pair[0] < pair[1]) {
                return Some(starts);
            }
            let hint = "write `starts: [2, 3, 4, 5]`: times at which clusters may begin";
            r.expected(node, "two times or more in ascending order", hint)
        });
        let message = "`SteppedWedge` takes one of `prob_each` and `m_each`";
        let shares = Given::of_each(r, f, message);
        Some(Self { time: time?, starts: starts?, shares: shares? })
    }

    /// The shares of the starts, and the times.
    pub fn compile(
        &self,
        cx: &mut Compiler<'_>,
        conditions: &[Condition],
        seats: &Seats,
        rows: LevelId,
        span: Span,
    ) -> Option<(Shares, Wedge)> {
        if conditions.len() != 2 {
            let message =
                format!("a stepped wedge has two conditions; there are {}", conditions.len());
            let error = Diagnostic::error(span, message).label("two conditions only");
            cx.report(error.hint("the first is the condition before a cluster's start"));
            return None;
        }
        let shares = self.shares.compile(cx, self.starts.len(), seats, span);
        let context = Context::at(rows).without_draws("declare the draw as a variable");
        let time = cx.expression(&self.time, &context);
        let (shares, time) = (shares?, time?.id);
        let units = seats.units.level();
        let is_level = matches!(seats.units, Units::Level { .. });
        let level = if is_level { cx.deeper(units, cx.graph.node(time).level) } else { units };
        if is_level && level == units {
            let message = "the time does not vary within the clusters";
            let error = Diagnostic::error(self.time.span, message)
                .label("one time for all observations of a cluster");
            let hint = "observations of a cluster lie at several times: name their clusters in \
                        `clusters`";
            cx.report(error.hint(hint));
            return None;
        }
        let runs = |cx: &mut Compiler<'_>| Groups::Runs(units, cx.runs_between(units, level));
        let clusters = is_level.then(|| runs(cx));
        let time = cx.column_at(time, level);
        Some((shares, Wedge { level, time, starts: self.starts.clone(), clusters }))
    }

    /// In words, after "assignment of `z`".
    pub fn describe(&self) -> String {
        let starts: Vec<String> = self.starts.iter().map(|s| shown(*s)).collect();
        let (time, starts) = (&self.time.text, starts.join(", "));
        let how = self.shares.describe();
        format!("by `{time}`, in which clusters go over at {starts}, drawn {how}")
    }
}
