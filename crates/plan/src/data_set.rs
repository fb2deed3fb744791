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
        let owners = self.owners(ws, level, n);
        let find = |level: LevelId| owners.iter().find(|(at, _)| *at == level).map(|(_, o)| o);
        let mut columns: Vec<TableColumn> = Vec::new();
        for (at, owner) in &owners {
            let name = &self.levels[at.idx()].name;
            if columns.iter().all(|c| c.name != *name) {
                let numbers = owner.iter().map(|u| Some(i64::from(*u) + 1)).collect();
                columns.push(TableColumn { name: name.clone(), values: Values::Integer(numbers) });
            }
        }
        for (place, variable) in self.variables.iter().enumerate() {
            let replaced = self.variables[place + 1..].iter().any(|v| v.name == variable.name);
            let own = self.level_of(variable.column);
            let owner = find(own);
            let is_seen = owner.is_some() || own == LevelId::WHOLE;
            if replaced || !is_seen || find(variable.level).is_none() {
                continue;
            }
            let values = ws.column(variable.column);
            let value = |row: usize| owner.map_or(values[0], |owner| values[owner[row] as usize]);
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

    /// The levels whose values can be seen from the units of a level: those above, the highest
    /// first, and those that they belong to through links; for each the unit that is seen.
    fn owners(&self, ws: &Workspace, level: LevelId, n: usize) -> Vec<(LevelId, Vec<u32>)> {
        let mut found: Vec<(LevelId, Vec<u32>)> = Vec::new();
        self.add_owners(ws, level, (0..n as u32).collect(), &mut found);
        found
    }

    fn add_owners(
        &self,
        ws: &Workspace,
        level: LevelId,
        units: Vec<u32>,
        found: &mut Vec<(LevelId, Vec<u32>)>,
    ) {
        let mut chain = vec![(level, units)];
        while let Some((at, below)) = chain.last() {
            let parent = self.levels[at.idx()].parent;
            if parent == LevelId::WHOLE {
                break;
            }
            let runs = self.parent_runs[at.idx()].map(|r| ws.runs(r));
            let owner = |unit: &u32| match runs {
                // Units are in the order of their owners: the owner is the last that begins at or
                // before the unit.
                Some(runs) => runs.partition_point(|start| start <= unit) as u32 - 1,
                None => 0,
            };
            let owners = below.iter().map(owner).collect();
            chain.push((parent, owners));
        }
        chain.reverse();
        let is_new = |at: LevelId, found: &[(LevelId, Vec<u32>)]| found.iter().all(|f| f.0 != at);
        let links: Vec<(LevelId, Vec<u32>)> = chain
            .iter()
            .flat_map(|(at, units)| self.links[at.idx()].iter().map(move |link| (link, units)))
            .map(|(link, units)| {
                let list = ws.link(link.list);
                (link.from, units.iter().map(|unit| list[*unit as usize]).collect())
            })
            .collect();
        for (at, units) in chain {
            if is_new(at, found) {
                found.push((at, units));
            }
        }
        for (from, units) in links {
            if is_new(from, found) {
                self.add_owners(ws, from, units, found);
            }
        }
    }
}
