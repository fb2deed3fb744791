//! Puts similar units into sets: pairs, triples, blocks of four.

use trialrun_lang::Span;
use trialrun_stats::linalg::gram_schmidt::orthonormalise;
use trialrun_stats::matching::{self, match_sets};

use super::assign::rerandomise::ROUNDING;
use super::assign::{Scratch, Units};
use super::replay::Trace;
use super::workspace::grow;
use super::{Op, Stop, Workspace};
use crate::ids::ColumnId;

/// Sets of units with similar values of covariates.
pub struct Match {
    /// The units, in blocks that no set crosses.
    pub units: Units,
    /// The covariates.
    pub covariates: Vec<ColumnId>,
    /// Their names.
    pub names: Vec<String>,
    /// Units of a set.
    pub size: usize,
    /// The column that gets the number of each unit's set, from 1.
    pub out: ColumnId,
    /// Where the covariates stand in the design.
    pub span: Span,
}

/// Scratch space of matching.
#[derive(Debug, Default)]
pub struct Points {
    columns: Vec<f64>,
    rows: Vec<f64>,
    coefficients: Vec<f64>,
    sets: matching::Scratch,
}

impl Op for Match {
    fn run(&self, ws: &mut Workspace) -> Result<(), Stop> {
        let mut s = std::mem::take(&mut ws.assign);
        let mut points = std::mem::take(&mut ws.points);
        let mut out = ws.take(self.out, ws.size(self.units.level()));
        let done = self.sort(ws, &mut s, &mut points, &mut out);
        ws.put(self.out, out);
        ws.points = points;
        ws.assign = s;
        done
    }

    fn trace(&self, trace: &mut Trace<'_>) {
        trace.arranges(&self.covariates);
    }
}

impl Match {
    fn sort(
        &self,
        ws: &Workspace,
        s: &mut Scratch,
        points: &mut Points,
        out: &mut [f64],
    ) -> Result<(), Stop> {
        self.units.seat(ws, s, self.span)?;
        let rank = self.whiten(ws, points, out.len())?;
        let mut number = 0.0;
        for b in 0..s.n_blocks() {
            let block = s.block(b);
            let units = &mut s.urn[block];
            match_sets(&points.rows, rank, units, self.size, &mut points.sets);
            for set in units.chunks(self.size) {
                number += 1.0;
                set.iter().for_each(|unit| out[*unit as usize] = number);
            }
        }
        Ok(())
    }

    /// Turns the covariates so that distances are Mahalanobis distances, by rows; returns how many
    /// are not combinations of others.
    fn whiten(&self, ws: &Workspace, points: &mut Points, n: usize) -> Result<usize, Stop> {
        let d = self.covariates.len();
        grow(&mut points.columns, n * d);
        grow(&mut points.coefficients, d);
        for (c, covariate) in self.covariates.iter().enumerate() {
            let column = &mut points.columns[c * n..][..n];
            let values = ws.column(*covariate);
            let mean = values.iter().sum::<f64>() / n as f64;
            column.iter_mut().zip(values).for_each(|(x, v)| *x = v - mean);
            let size = |x: &[f64]| x.iter().map(|x| x * x).sum::<f64>();
            let spread = size(column);
            if spread <= ROUNDING * size(values) {
                column.fill(0.0);
            }
            if !spread.is_finite() {
                let message = format!("`{}` has missing values", self.names[c]);
                let label = "covariates must be known for all units";
                return Err(Stop::at(self.span, message, label));
            }
        }
        let rank = orthonormalise(&mut points.columns, n, &mut points.coefficients);
        grow(&mut points.rows, n * rank);
        for (unit, row) in points.rows.chunks_exact_mut(rank.max(1)).enumerate() {
            for (c, x) in row.iter_mut().enumerate() {
                *x = points.columns[c * n + unit];
            }
        }
        Ok(rank)
    }
}
