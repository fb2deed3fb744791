//! What the groups of the rows weigh, and which rows and groups count at all.

use super::kernels::{From, all_equal, grown, sum_from};
use crate::buffer::push;
use crate::{Failure, Observations, Rows};

/// Sizes up to here find their slot in a table.
const TABLE: usize = 4096;
/// No slot yet.
const NONE: u32 = u32::MAX;

/// The shape of the data: how many rows, groups and observations there are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// Observations, the counts of collapsed rows summed; rows of weight zero do not count.
    pub n_obs: f64,
    /// Groups that have an observation.
    pub n_groups: usize,
    /// Sum of the weights (counts) of all rows.
    pub weight: f64,
    /// How rows make groups.
    pub shape: Shape,
    /// A row from whose values the columns are measured, one that carries weight.
    pub reference: usize,
}

/// How rows make groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Every group is one row, all of one count: group `g` is row `g`.
    Flat,
    /// Every group is this many rows, each one observation.
    Even(usize),
    /// No group has more than one row; some may have none.
    OneRow,
    /// Any other.
    Ragged,
}

impl Shape {
    /// Whether some group may have more than one row.
    pub fn has_rows_within(self) -> bool {
        matches!(self, Self::Even(_) | Self::Ragged)
    }
}

impl Layout {
    /// Number of groups for which a mean is stored, the empty ones included.
    pub fn n_means(&self, rows: &Rows) -> usize {
        match self.shape {
            Shape::Flat | Shape::Even(_) => self.n_groups,
            Shape::OneRow | Shape::Ragged => rows.groups.len().saturating_sub(1),
        }
    }
}

/// Weight of each group and the slot of its size.
///
/// Groups of one size share a slot, because the criterion depends on them only through the sum of
/// their cross-products.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// Sum of weights of each group, zero where it has no observation; not set where all are alike.
    weight: Vec<f64>,
    /// Slot of each group; not set where all are alike.
    slot: Vec<u32>,
    /// Distinct sizes (sums of weights).
    size: Vec<f64>,
    /// Number of groups of each size.
    members: Vec<f64>,
    /// Slot of each whole size below `TABLE`.
    table: Vec<u32>,
}

/// Prior weights or counts of the rows, `None` where each row is one observation.
pub(super) fn weights<'a>(rows: &Rows<'a>) -> Option<&'a [f64]> {
    match rows.observations {
        Observations::Single => None,
        Observations::Weighted(w) => Some(w),
        Observations::Collapsed { count, .. } => Some(count),
    }
}

impl Groups {
    /// Distinct group sizes, in order of appearance.
    pub fn sizes(&self) -> &[f64] {
        &self.size
    }

    /// Number of groups of each size.
    pub fn members(&self) -> &[f64] {
        &self.members
    }

    /// Weight of each group, where they are not all alike.
    pub fn weight(&self) -> &[f64] {
        &self.weight
    }

    /// Slot of each group, where they are not all alike.
    pub fn slot(&self) -> &[u32] {
        &self.slot
    }

    /// Weighs the groups and checks that a random intercept can be fitted to them.
    ///
    /// # Errors
    /// `NoRows` without observations, `BadWeights` for a negative weight or all zero, `NotFinite`
    /// for an infinite weight, `TooFewGroups` below two groups or where no group has two
    /// observations.
    pub fn inspect(&mut self, rows: &Rows) -> Result<Layout, Failure> {
        let weights = weights(rows);
        let ends = rows.groups.first().zip(rows.groups.last());
        let whole = ends.is_none_or(|(&a, &b)| a == 0 && b as usize == rows.len());
        assert!(whole, "groups run from the first row to the last");
        if let Some(w) = weights {
            assert_eq!(w.len(), rows.len(), "one weight or count a row");
        }
        if rows.is_empty() {
            return Err(Failure::NoRows);
        }
        self.size.clear();
        self.members.clear();
        let layout = match weights {
            Some(count) if is_flat(rows, count) => self.alike(rows, count[0], Shape::Flat),
            Some(w) => {
                check(w, matches!(rows.observations, Observations::Collapsed { .. }))?;
                self.general(rows, Some(w))
            }
            None => match even_size(rows) {
                Some(n) => self.alike(rows, n as f64, Shape::Even(n)),
                None => self.general(rows, None),
            },
        };
        if layout.n_groups < 2 || layout.n_groups as f64 >= layout.n_obs {
            return Err(Failure::TooFewGroups);
        }
        Ok(layout)
    }

    /// Groups that all have one size.
    fn alike(&mut self, rows: &Rows, size: f64, shape: Shape) -> Layout {
        let n_groups = rows.groups.len() - 1;
        let n_obs = size * n_groups as f64;
        push(&mut self.size, size);
        push(&mut self.members, n_groups as f64);
        Layout { n_obs, n_groups, weight: n_obs, shape, reference: 0 }
    }

    fn general(&mut self, rows: &Rows, w: Option<&[f64]>) -> Layout {
        let n = rows.groups.len().saturating_sub(1);
        let weight = grown(&mut self.weight, n);
        let mut largest = 1;
        match w {
            Some(w) if is_regular(rows.groups, rows.len(), 1) => weight.copy_from_slice(w),
            _ => {
                for (weight, ends) in weight.iter_mut().zip(rows.groups.windows(2)) {
                    let range = ends[0] as usize..ends[1] as usize;
                    largest = largest.max(range.len());
                    *weight = w.map_or(range.len() as f64, |w| w[range].iter().sum());
                }
            }
        }
        let total = sum_from(From::zero(weight));
        self.weight.truncate(n);
        let n_groups = self.assign_slots();
        let (n_obs, reference) = match (rows.observations, w) {
            (Observations::Weighted(w), _) => {
                let live = w.iter().filter(|&&v| v > 0.0).count();
                let heaviest =
                    (0..w.len()).fold(0, |best, i| if w[i] > w[best] { i } else { best });
                (live as f64, heaviest)
            }
            (_, Some(w)) => (total, w.iter().position(|&v| v > 0.0).unwrap_or(0)),
            (_, None) => (total, 0),
        };
        let shape = if largest <= 1 { Shape::OneRow } else { Shape::Ragged };
        Layout { n_obs, n_groups, weight: total, shape, reference }
    }

    /// Gives each group the slot of its size and returns the number of groups that have one.
    fn assign_slots(&mut self) -> usize {
        let n = self.weight.len();
        if self.table.is_empty() {
            self.table.resize(TABLE, NONE);
        }
        let slot = grown(&mut self.slot, n);
        let mut n_groups = 0;
        for (slot, &s) in slot.iter_mut().zip(&self.weight) {
            *slot = NONE;
            if s > 0.0 {
                n_groups += 1;
                let whole = s as u32;
                let mut new = NONE;
                let entry = match self.table.get_mut(whole as usize) {
                    Some(entry) if f64::from(whole) == s => entry,
                    _ => &mut new,
                };
                if *entry == NONE {
                    *entry = self.size.len() as u32;
                    push(&mut self.size, s);
                    push(&mut self.members, 0.0);
                }
                *slot = *entry;
                self.members[*entry as usize] += 1.0;
            }
        }
        for &s in &self.size {
            if let Some(entry) = self.table.get_mut(s as u32 as usize) {
                *entry = NONE;
            }
        }
        self.slot.truncate(n);
        n_groups
    }
}

/// Whether every group is one row and all rows have one positive count.
fn is_flat(rows: &Rows, count: &[f64]) -> bool {
    let m = rows.len();
    let Observations::Collapsed { .. } = rows.observations else { return false };
    count[0] > 0.0 && count[0].is_finite() && all_equal(count) && is_regular(rows.groups, m, 1)
}

/// Number of rows of each group, where it is the same and not zero.
fn even_size(rows: &Rows) -> Option<usize> {
    let n = *rows.groups.get(1)? as usize;
    (n > 0 && rows.len().is_multiple_of(n) && is_regular(rows.groups, rows.len() / n, n))
        .then_some(n)
}

/// Whether there are `n_groups` groups, each of `n` rows.
fn is_regular(groups: &[u32], n_groups: usize, n: usize) -> bool {
    if groups.len() != n_groups + 1 {
        return false;
    }
    // No early way out: the loop then runs several elements at a time.
    let n = n as u32;
    let (differs, _) = groups
        .iter()
        .fold((false, 0u32), |(differs, at), &r| (differs | (r != at), at.wrapping_add(n)));
    !differs
}

/// Checks that weights are finite, none negative and not all zero.
fn check(w: &[f64], counts: bool) -> Result<(), Failure> {
    let total = sum_from(From::zero(w));
    if w.iter().fold(false, |negative, &v| negative | (v < 0.0)) {
        return Err(Failure::BadWeights);
    }
    if !total.is_finite() {
        return Err(Failure::NotFinite);
    }
    if total == 0.0 {
        return Err(if counts { Failure::NoRows } else { Failure::BadWeights });
    }
    Ok(())
}
