//! Draws an assignment that was made once more, for randomisation tests.

use rand_pcg::Pcg64Dxsm;

use super::{Assign, Scratch};
use crate::exec::workspace::grow;
use crate::exec::{Stop, Workspace};

impl Assign {
    /// Draws arms for the seated units.
    ///
    /// # Errors
    /// As the assignment itself: none of the draws is accepted.
    pub(crate) fn draw_again(
        &self,
        ws: &Workspace,
        s: &mut Scratch,
        rng: &mut Pcg64Dxsm,
        arms: &mut Vec<u32>,
    ) -> Result<(), Stop> {
        self.lottery.draw(ws, s, rng, arms)
    }

    /// Seats the units, as a draw needs them.
    ///
    /// # Errors
    /// As the assignment itself.
    pub(crate) fn seat(&self, ws: &Workspace, s: &mut Scratch) -> Result<(), Stop> {
        self.lottery.seat(ws, s)
    }

    /// Reads the arms of the seated units off the assigned variable; false where a value is no
    /// condition.
    pub(crate) fn read(&self, ws: &Workspace, s: &Scratch, arms: &mut Vec<u32>) -> bool {
        let column = ws.column(self.out);
        grow(arms, s.urn.len());
        for &unit in &s.urn {
            let value = column[s.row(unit)];
            match self.values.iter().position(|v| *v == value) {
                Some(arm) => arms[unit as usize] = arm as u32,
                None => return false,
            }
        }
        true
    }

    /// Gives the assigned variable the values of the arms, and keeps them as the allocation.
    pub(crate) fn put(&self, ws: &mut Workspace, arms: &[u32]) {
        // Assignments of real data have no place of their own.
        let Some(place) = ws.allocations.get_mut(self.id.idx()) else {
            return self.spread(ws, arms);
        };
        let mut allocation = std::mem::take(place);
        grow(&mut allocation.arms, arms.len());
        allocation.arms.copy_from_slice(arms);
        self.spread(ws, &allocation.arms);
        ws.allocations[self.id.idx()] = allocation;
    }

    /// Gives the assigned variable the values of the arms.
    pub(super) fn spread(&self, ws: &mut Workspace, arms: &[u32]) {
        let n = ws.size(self.wedge.as_ref().map_or(self.lottery.units.level(), |w| w.level));
        let mut out = ws.take(self.out, n);
        match &self.wedge {
            Some(wedge) => {
                wedge.spread(ws, &self.lottery.units, arms, &self.values, &mut out);
            }
            None => {
                let value = |arm: u32| self.values[arm as usize];
                self.lottery.units.spread(ws, arms, &mut out, value);
            }
        }
        ws.put(self.out, out);
    }
}
