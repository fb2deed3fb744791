//! Cross-products of random effects, predictors and outcome, component by component.

use super::basis::Basis;
use super::index::Index;
use super::parameters::Parameters;
use super::{Data, Structure, roomy};
use crate::Failure;
use crate::linalg::room;

/// A pivot below this share of its diagonal is rounding error.
const PIVOT_MIN: f64 = 1e-12;
/// What predictors and groups leave of the outcome is rounding error below this share of it.
const EXPLAINED: f64 = 1e-12;
/// What groups leave of a predictor of length one is rounding error below this.
const DEPENDENT: f64 = 1e-11;

/// The rows of each component, turned so that its part of `Z` is a lower triangle `C'` over zeros.
///
/// `Z_c'W Z_c = C C'`; the outcome and the predictors turned along are `C^-1 Z_c'W [Q e]` above,
/// and what is below enters only through the sum of its cross-products. The effects of a factor
/// are measured from their means where they may be correlated with its intercept, and in units of
/// their spread.
#[derive(Debug, Default)]
pub(super) struct Sums {
    /// Columns of `[Q e]`.
    pub width: usize,
    /// `C` of each component, by rows.
    pub c: Vec<f64>,
    /// Turned predictors and outcome, a row for each column of `Z`.
    pub turned: Vec<f64>,
    /// `[Q e]'[Q e]` of what is below, `width x width`.
    pub below: Vec<f64>,
    /// For each factor and effect: where it is measured from, and its unit.
    pub scales: Vec<(f64, f64)>,
    /// Columns of `Z` of one row: place in the component, value.
    entries: Vec<(usize, f64)>,
    spare: Vec<f64>,
}

impl Sums {
    /// Reads the rows.
    ///
    /// # Errors
    /// `NotFinite`; `ZeroStandardError` where predictors and groups explain the outcome.
    pub fn read(
        &mut self,
        data: &Data,
        structure: &Structure,
        parameters: &Parameters,
        basis: &Basis,
        index: &Index,
    ) -> Result<(), Failure> {
        self.find_scales(data, structure, basis)?;
        let k = basis.columns.len();
        self.width = k + 1;
        let ends = index.components[index.len()];
        roomy(&mut self.c, ends.square).fill(0.0);
        roomy(&mut self.turned, ends.start * self.width).fill(0.0);
        self.accumulate(data, structure, parameters, basis, index);
        self.set_below(data, basis);
        let mut spare = basis.n_obs;
        for c in 0..index.len() {
            spare -= self.turn(index, c) as f64;
        }
        let left: f64 = basis.e[..data.y.len()].iter().map(|e| e * e).sum();
        let varies = left > 1e-28 * basis.total && left > 1e-280;
        if !varies || (spare > 0.0 && self.unexplained() <= EXPLAINED * left) {
            return Err(Failure::ZeroStandardError);
        }
        Ok(())
    }

    /// What predictors and groups together leave of the outcome's sum of squares.
    fn unexplained(&mut self) -> f64 {
        let width = self.width;
        let a = room(&mut self.spare, width * width);
        a.copy_from_slice(&self.below[..width * width]);
        for i in 0..width {
            let pivot = a[i * width + i];
            if i + 1 == width || pivot <= DEPENDENT {
                continue;
            }
            for j in i + 1..width {
                let share = a[j * width + i] / pivot;
                for l in i + 1..width {
                    a[j * width + l] -= share * a[i * width + l];
                }
            }
        }
        a[width * width - 1]
    }

    /// Finds the mean and the spread of each slope's column.
    fn find_scales(
        &mut self,
        data: &Data,
        structure: &Structure,
        basis: &Basis,
    ) -> Result<(), Failure> {
        self.scales.clear();
        for factor in &structure.factors {
            for (e, effect) in factor.effects.iter().enumerate() {
                let Some(column) = *effect else {
                    self.scales.push((0.0, 1.0));
                    continue;
                };
                let block = factor.blocks.iter().find(|b| b.contains(&e));
                let with_intercept = block.is_some_and(|b| factor.effects[b.start].is_none());
                let live = || {
                    let rows = data.columns[column].iter().zip(&basis.root);
                    rows.filter(|(_, root)| **root > 0.0).map(|(v, _)| *v)
                };
                let mean = if with_intercept { live().sum::<f64>() / basis.n_obs } else { 0.0 };
                let square: f64 = live().map(|v| (v - mean) * (v - mean)).sum();
                if !square.is_finite() {
                    return Err(Failure::NotFinite);
                }
                let spread = (square / basis.n_obs).sqrt();
                let flat = spread <= 1e-12 * mean.abs() || spread == 0.0;
                self.scales.push(if flat { (0.0, 1.0) } else { (mean, spread) });
            }
        }
        Ok(())
    }

    /// Adds the rows to the cross-products of their components.
    fn accumulate(
        &mut self,
        data: &Data,
        structure: &Structure,
        parameters: &Parameters,
        basis: &Basis,
        index: &Index,
    ) {
        let (m, width) = (data.y.len(), self.width);
        for i in (0..m).filter(|i| basis.root[*i] > 0.0) {
            let root = basis.root[i];
            let mut component = 0;
            let mut scale = 0;
            self.entries.clear();
            for (f, factor) in structure.factors.iter().enumerate() {
                let node = index.first[f] + index.group[f * m + i] as usize;
                component = index.component[node] as usize;
                for (e, effect) in factor.effects.iter().enumerate() {
                    let (mean, spread) = self.scales[scale + e];
                    let value = effect.map_or(1.0, |c| (data.columns[c][i] - mean) / spread);
                    self.entries.push((index.column[node] as usize + e, root * value));
                }
                scale += parameters.effects[f];
            }
            let at = index.components[component];
            for &(a, za) in &self.entries {
                for &(b, zb) in self.entries.iter().filter(|(b, _)| *b <= a) {
                    self.c[at.square + a * at.q + b] += za * zb;
                }
                let out = &mut self.turned[(at.start + a) * width..(at.start + a + 1) * width];
                for (j, o) in out[..width - 1].iter_mut().enumerate() {
                    *o += za * basis.q[j * m + i];
                }
                out[width - 1] += za * basis.e[i];
            }
        }
    }

    /// Cross-products of all rows: the columns of `Q` are orthonormal, and `e` is free of them.
    fn set_below(&mut self, data: &Data, basis: &Basis) {
        let width = self.width;
        let below = room(&mut self.below, width * width);
        below.fill(0.0);
        for j in 0..width - 1 {
            below[j * width + j] = 1.0;
        }
        below[width * width - 1] = basis.e[..data.y.len()].iter().map(|e| e * e).sum();
    }

    /// Factors a component's cross-products and turns what goes with them; returns the rank.
    fn turn(&mut self, index: &Index, c: usize) -> usize {
        let (at, width) = (index.components[c], self.width);
        let q = at.q;
        let a = &mut self.c[at.square..at.square + q * q];
        let rows = &mut self.turned[at.start * width..(at.start + q) * width];
        let mut rank = 0;
        for i in 0..q {
            let own = a[i * q + i];
            for j in 0..=i {
                let (head, tail) = a.split_at_mut(i * q);
                let row_j = if j < i { &head[j * q..j * q + j] } else { &[][..] };
                let row_i = &mut tail[..q];
                let done: f64 = if j < i {
                    row_i[..j].iter().zip(row_j).map(|(x, y)| x * y).sum()
                } else {
                    row_i[..i].iter().map(|x| x * x).sum()
                };
                let v = row_i[j] - done;
                row_i[j] = if j < i {
                    let pivot = head[j * q + j];
                    if pivot > 0.0 { v / pivot } else { 0.0 }
                } else if v > PIVOT_MIN * own && v > 0.0 {
                    v.sqrt()
                } else {
                    0.0
                };
            }
            let (done, rest) = rows.split_at_mut(i * width);
            let own = &mut rest[..width];
            let pivot = a[i * q + i];
            if pivot == 0.0 {
                own.fill(0.0);
                continue;
            }
            rank += 1;
            for j in 0..i {
                let l = a[i * q + j];
                if l != 0.0 {
                    let before = &done[j * width..(j + 1) * width];
                    own.iter_mut().zip(before).for_each(|(o, b)| *o -= l * b);
                }
            }
            own.iter_mut().for_each(|o| *o /= pivot);
            for j in 0..width {
                for l in 0..width {
                    self.below[j * width + l] -= own[j] * own[l];
                }
            }
        }
        rank
    }
}
