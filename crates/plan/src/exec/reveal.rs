//! Reveals the potential outcome that goes with the assigned condition.

use super::replay::Trace;
use super::select::select;
use super::{Op, Stop, Workspace};
use crate::ids::{ColumnId, LevelId, RunsId};

/// Chooses, for each unit, among the columns of potential outcomes.
pub struct Reveal {
    /// The level of the outcome.
    pub level: LevelId,
    /// The level at which conditions are assigned, at or above the outcome's.
    pub choice: LevelId,
    /// Runs of outcomes in assigned units.
    pub runs: RunsId,
    /// Whether each assigned unit has one outcome: the levels are the same.
    pub alone: bool,
    /// Each assigned variable, at level `choice`, and its conditions; the last varies fastest.
    pub assigned: Vec<(ColumnId, Vec<f64>)>,
    /// The potential outcomes, one column for each combination of conditions.
    pub sources: Vec<ColumnId>,
    /// The revealed outcome.
    pub out: ColumnId,
}

impl Op for Reveal {
    fn run(&self, ws: &mut Workspace) -> Result<(), Stop> {
        let n = ws.size(self.level);
        let mut out = ws.take(self.out, n);
        let n_choices = ws.size(self.choice);
        if self.alone {
            self.reveal_units(ws, &mut out);
        } else {
            let runs = ws.runs(self.runs);
            for u in 0..n_choices {
                let run = runs[u] as usize..runs[u + 1] as usize;
                let source = ws.column(self.sources[self.combination(ws, u)]);
                out[run.clone()].copy_from_slice(&source[run]);
            }
        }
        ws.put(self.out, out);
        Ok(())
    }

    fn trace(&self, trace: &mut Trace<'_>) {
        trace.reveals(self.out);
    }
}

impl Reveal {
    /// Reveals the outcome of units that are assigned one by one.
    ///
    /// Of one assigned variable, each condition in turn lays its outcomes over those before it.
    fn reveal_units(&self, ws: &Workspace, out: &mut [f64]) {
        let n = out.len();
        let [(assigned, conditions)] = self.assigned.as_slice() else {
            for (u, o) in out.iter_mut().enumerate() {
                *o = ws.column(self.sources[self.combination(ws, u)])[u];
            }
            return;
        };
        let assigned = &ws.column(*assigned)[..n];
        out.copy_from_slice(&ws.column(self.sources[0])[..n]);
        for (condition, source) in conditions.iter().zip(&self.sources).skip(1) {
            let outcomes = out.iter_mut().zip(&ws.column(*source)[..n]);
            for ((o, potential), value) in outcomes.zip(assigned) {
                *o = select(value == condition, *potential, *o);
            }
        }
    }

    /// The number of the combination of conditions that a unit was assigned to. Compilation made
    /// sure that every assigned condition is among those of the outcome.
    #[inline]
    fn combination(&self, ws: &Workspace, unit: usize) -> usize {
        self.assigned.iter().fold(0, |number, (column, conditions)| {
            let value = ws.column(*column)[unit];
            let place = conditions.iter().position(|c| *c == value).unwrap_or(0);
            number * conditions.len() + place
        })
    }
}
