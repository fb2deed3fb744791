//! The data of a simulation as a flat table: a row a unit, with all that can be seen from it.

use crate::exec::Workspace;
use crate::ids::LevelId;
use crate::plan::Plan;
use crate::table::{Table, TableColumn, Values};

impl Plan {
    /// The first `n_max` units of a level: the numbers of the units that they belong to, from 1,
    /// and every variable of the level and of those above.
    pub fn data_set(&self, ws: &Workspace, level: LevelId, n_max: usize) -> Table {
        let n = ws.size(level).min(n_max);
        let chain = self.chain(level);
        let mut owners: Vec<Vec<u32>> = vec![(0..n as u32).collect()];
        for pair in chain.windows(2) {
            let below = owners.last().map_or(&[][..], Vec::as_slice);
            let runs = self.parent_runs[pair[0].idx()].map(|r| ws.runs(r));
            let owner = |unit: &u32| match runs {
                // Units are in the order of their owners: the owner is the last that begins at or
                // before the unit.
                Some(runs) => runs.partition_point(|start| start <= unit) as u32 - 1,
                None => 0,
            };
            owners.push(below.iter().map(owner).collect());
        }
        let mut columns = Vec::new();
        for (at, owner) in chain.iter().zip(&owners).rev() {
            let numbers = owner.iter().map(|u| Some(i64::from(*u) + 1)).collect();
            let name = self.levels[at.idx()].name.clone();
            columns.push(TableColumn { name, values: Values::Integer(numbers) });
        }
        for variable in &self.variables {
            let own = self.level_of(variable.column);
            let Some(place) = chain
                .iter()
                .position(|at| *at == own)
                .or_else(|| (own == LevelId::WHOLE).then_some(chain.len()))
            else {
                continue;
            };
            if chain.iter().all(|at| *at != variable.level) {
                continue;
            }
            let values = ws.column(variable.column);
            let value = |row: usize| match owners.get(place) {
                Some(owner) => values[owner[row] as usize],
                None => values[0],
            };
            let numbers: Vec<f64> = (0..n).map(value).collect();
            let values = match self.labels_of(variable.column) {
                None => Values::Number(numbers),
                Some(labels) => {
                    let code = |v: &f64| if v.is_nan() { None } else { Some(*v as u32) };
                    let codes = numbers.iter().map(code).collect();
                    Values::Category { codes, labels: labels.to_vec() }
                }
            };
            columns.push(TableColumn { name: variable.name.clone(), values });
        }
        Table { columns }
    }

    /// A level and those above it, without the design as a whole.
    fn chain(&self, level: LevelId) -> Vec<LevelId> {
        let mut chain = Vec::new();
        let mut at = level;
        while at != LevelId::WHOLE {
            chain.push(at);
            at = self.levels[at.idx()].parent;
        }
        chain
    }
}
