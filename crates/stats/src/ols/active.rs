//! The rows that take part in a fit: those with a positive weight or count.

use super::absorb::Levels;
use super::{Shape, cluster_ways};
use crate::{Failure, Observations, Rows};

/// Rows with positive weights only, and their totals.
pub(super) struct Active<'a> {
    pub rows: Rows<'a>,
    /// Number of observations.
    pub n_obs: f64,
    /// Sum of the weights or counts; number of rows where there are none.
    pub weight_sum: f64,
    /// Sum of squares within collapsed rows.
    pub within: f64,
    /// Fixed effects that were taken out.
    pub levels: Option<&'a Levels>,
    /// Clusters of several ways: see [`Shape::ways`].
    pub ways: &'a [f64],
}

impl Active<'_> {
    /// Number of coefficients that the fixed effects take up.
    pub fn n_fixed(&self) -> usize {
        self.levels.map_or(0, |levels| levels.n_levels + levels.n_basis)
    }

    /// Weights of the rows in sums of squares; none where all are one.
    pub fn weights(&self) -> Option<&[f64]> {
        match self.rows.observations {
            Observations::Single => None,
            Observations::Weighted(w) => Some(w),
            Observations::Collapsed { count, .. } => Some(count),
        }
    }
}

/// Copies of the rows that are left where some are dropped.
#[derive(Clone, Debug, Default)]
pub(super) struct Compact {
    x: Vec<f64>,
    y: Vec<f64>,
    weight: Vec<f64>,
    within: Vec<f64>,
    groups: Vec<u32>,
}

/// Leaves out rows of weight zero; whatever stands in them is not looked at. The clusters of
/// several ways are no longer among the columns.
pub(super) fn select<'a>(
    rows: &Rows<'a>,
    shape: Shape,
    compact: &'a mut Compact,
) -> Result<Active<'a>, Failure> {
    let active = select_rows(rows, compact)?;
    let n_columns = active.rows.n_predictors() - cluster_ways::n_columns(shape.ways);
    let (x, ways) = active.rows.x.split_at(n_columns * active.rows.len());
    Ok(Active { rows: Rows { x, ..active.rows }, ways, ..active })
}

/// Leaves out rows of weight zero.
fn select_rows<'a>(rows: &Rows<'a>, compact: &'a mut Compact) -> Result<Active<'a>, Failure> {
    let m = rows.len();
    if m == 0 {
        return Err(Failure::NoRows);
    }
    let (weights, within) = match rows.observations {
        Observations::Single => {
            let n = m as f64;
            let rows = *rows;
            let (levels, ways) = (None, [].as_slice());
            return Ok(Active { rows, n_obs: n, weight_sum: n, within: 0.0, levels, ways });
        }
        Observations::Weighted(w) => (w, None),
        Observations::Collapsed { count, within } => (count, Some(within)),
    };
    assert_eq!(weights.len(), m, "one weight a row");
    let rows = if weights.iter().all(|w| *w > 0.0) {
        *rows
    } else {
        compact.fill(rows, weights, within)?
    };
    let (n_obs, weight_sum, within) = match rows.observations {
        Observations::Single => (0.0, 0.0, 0.0),
        Observations::Weighted(w) => (w.len() as f64, w.iter().sum(), 0.0),
        Observations::Collapsed { count, within } => {
            let n = count.iter().sum();
            (n, n, within.iter().sum())
        }
    };
    if !f64::is_finite(weight_sum + within) {
        return Err(Failure::NotFinite);
    }
    Ok(Active { rows, n_obs, weight_sum, within, levels: None, ways: &[] })
}

impl Compact {
    /// Copies the rows of positive weight.
    fn fill(
        &mut self,
        rows: &Rows,
        weights: &[f64],
        within: Option<&[f64]>,
    ) -> Result<Rows<'_>, Failure> {
        if weights.iter().any(|w| w.is_nan()) {
            return Err(Failure::NotFinite);
        }
        if weights.iter().any(|w| *w < 0.0) {
            return Err(Failure::BadWeights);
        }
        let keep = |out: &mut Vec<f64>, from: &[f64]| {
            out.extend(from.iter().zip(weights).filter(|(_, w)| **w > 0.0).map(|(v, _)| *v));
        };
        self.clear();
        keep(&mut self.weight, weights);
        if self.weight.is_empty() {
            return Err(if within.is_some() { Failure::NoRows } else { Failure::BadWeights });
        }
        for column in rows.x.chunks_exact(rows.len()) {
            keep(&mut self.x, column);
        }
        keep(&mut self.y, rows.y);
        if let Some(within) = within {
            keep(&mut self.within, within);
        }
        if !rows.groups.is_empty() {
            let mut end = 0;
            self.groups.push(end);
            for g in rows.groups.windows(2) {
                let group = &weights[g[0] as usize..g[1] as usize];
                end += group.iter().filter(|w| **w > 0.0).count() as u32;
                self.groups.push(end);
            }
        }
        let observations = match within {
            None => Observations::Weighted(&self.weight),
            Some(_) => Observations::Collapsed { count: &self.weight, within: &self.within },
        };
        Ok(Rows { x: &self.x, y: &self.y, observations, groups: &self.groups })
    }

    fn clear(&mut self) {
        self.x.clear();
        self.y.clear();
        self.weight.clear();
        self.within.clear();
        self.groups.clear();
    }
}
