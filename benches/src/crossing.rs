//! The data and the structures of the benches of mixed models.

use std::fmt::Write as _;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Dxsm;
use trialrun_stats::lmm::mixed::Factor;

/// Columns y, z, x, g, h.
pub type Columns = [Vec<f64>; 5];

/// What a row is made of.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The row's group of either kind.
    pub group: [usize; 2],
    /// What the first kind of group adds to intercept (sd 1) and slope (0.5).
    pub own: [f64; 2],
    /// What the second kind adds (sd 0.7).
    pub other: f64,
}

/// Rows of a full crossing of `a` groups with `b`, or of `a` groups of `b` rows; `row` makes y, z
/// and x, from normal draws.
pub fn columns(
    a: usize,
    b: usize,
    row: impl Fn(Place, &mut dyn FnMut() -> f64) -> [f64; 3],
) -> Columns {
    let mut rng = Pcg64Dxsm::seed_from_u64(20_260_101);
    let mut normal = || -> f64 { rng.sample(rand_distr::StandardNormal) };
    let groups: Vec<[f64; 2]> = (0..a).map(|_| [normal(), 0.5 * normal()]).collect();
    let others: Vec<f64> = (0..b).map(|_| 0.7 * normal()).collect();
    let mut columns = [const { Vec::new() }; 5];
    for (i, own) in groups.iter().enumerate() {
        for (j, other) in others.iter().enumerate() {
            let place = Place { group: [i, j], own: *own, other: *other };
            let [y, z, x] = row(place, &mut normal);
            let row = [y, z, x, i as f64, j as f64];
            columns.iter_mut().zip(row).for_each(|(column, v)| column.push(v));
        }
    }
    columns
}

/// The columns as a file that R reads.
pub fn csv(columns: &Columns) -> String {
    let mut text = "y,z,x,g,h\n".to_string();
    for i in 0..columns[0].len() {
        let row: Vec<String> = columns.iter().map(|c| c[i].to_string()).collect();
        let _ = writeln!(text, "{}", row.join(","));
    }
    text
}

/// `(1 | g)`, the groups in column `key` of those that the fit is given.
pub fn intercept(key: usize) -> Factor {
    Factor { keys: vec![key], effects: vec![None], blocks: std::iter::once(0..1).collect() }
}

/// `(1 + x | g)`, x in column `slope`.
pub fn slope(key: usize, slope: usize) -> Factor {
    let blocks = std::iter::once(0..2).collect();
    Factor { effects: vec![None, Some(slope)], blocks, ..intercept(key) }
}
