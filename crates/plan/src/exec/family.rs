//! Corrects the p-values of a family of tests, in each simulation.

use trialrun_stats::multiplicity::{Correction, Scratch};

use super::{Op, Stop, Workspace};
use crate::subjects::FamilyInfo;

/// Writes the corrected rows of a family.
pub struct CorrectFamily {
    correction: Correction,
    /// The rows of the members.
    rows: Vec<usize>,
    /// The first of the corrected rows; there is one for each member.
    first_row: usize,
}

/// Buffers of corrections.
#[derive(Default)]
pub struct FamilyScratch {
    p: Vec<f64>,
    correction: Scratch,
}

impl CorrectFamily {
    /// The correction of a family.
    pub fn new(family: &FamilyInfo) -> Self {
        Self {
            correction: family.correction,
            rows: family.members.iter().map(|member| member.row).collect(),
            first_row: family.first_row,
        }
    }
}

impl Op for CorrectFamily {
    /// Members whose fit failed keep their failure, and are not counted among the tests.
    fn run(&self, ws: &mut Workspace) -> Result<(), Stop> {
        let FamilyScratch { p, correction } = &mut ws.family;
        p.clear();
        p.extend(self.rows.iter().filter_map(|row| Some(ws.rows[*row].fit.ok()?.p_value)));
        self.correction.adjust(p, correction);
        let mut corrected = p.iter();
        let own = &mut ws.corrected[self.first_row..];
        for (row, own) in self.rows.iter().zip(own) {
            *own = ws.rows[*row];
            let Ok(fit) = &mut own.fit else { continue };
            fit.p_value = *corrected.next().expect("each fit has a p-value");
        }
        Ok(())
    }
}
