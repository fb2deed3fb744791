//! Custom assignment: one of a list of assignments.

use rand::RngExt;
use rand_distr::StandardUniform;
use rand_pcg::Pcg64Dxsm;
use trialrun_lang::Span;

use super::Scratch;
use crate::exec::Stop;
use crate::exec::words::plural;

/// The assignments that can be drawn.
#[derive(Clone, Debug)]
pub struct Custom {
    /// The arms of the assignments, one assignment after another.
    pub arms: Vec<u32>,
    /// Units of an assignment.
    pub n_units: usize,
    /// The probability of each assignment.
    pub probabilities: Vec<f64>,
    /// Whether units are assigned in blocks.
    pub in_blocks: bool,
    /// Where the list stands.
    pub span: Span,
}

impl Custom {
    /// Draws an assignment for each block.
    pub(super) fn draw(
        &self,
        s: &mut Scratch,
        rng: &mut Pcg64Dxsm,
        arms: &mut [u32],
    ) -> Result<(), Stop> {
        for b in 0..s.n_blocks() {
            let units = &s.urn[s.block(b)];
            if units.is_empty() {
                continue;
            }
            if units.len() != self.n_units {
                return Err(self.misfit(units.len()));
            }
            let u: f64 = rng.sample(StandardUniform);
            let mut reached = 0.0;
            let falls = |p: &f64| {
                reached += p;
                u < reached
            };
            let last = self.probabilities.len() - 1;
            let chosen = self.probabilities[..last].iter().position(falls).unwrap_or(last);
            for (unit, arm) in units.iter().zip(self.assignment(chosen)) {
                arms[*unit as usize] = *arm;
            }
        }
        Ok(())
    }

    /// The arms of an assignment.
    pub(super) fn assignment(&self, number: usize) -> &[u32] {
        &self.arms[number * self.n_units..][..self.n_units]
    }

    fn misfit(&self, n: usize) -> Stop {
        let (listed, found) = (self.n_units as f64, plural(n as f64, "unit"));
        let there = if self.in_blocks { "a block has" } else { "there are" };
        let message =
            format!("the assignments are for {}, but {there} {found}", plural(listed, "unit"));
        Stop::at(self.span, message, "does not fit the number of units")
    }
}
