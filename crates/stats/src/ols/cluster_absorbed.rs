//! CR2 with absorbed fixed effects: equal to CR2 with an indicator for each level.

use super::Robust;
use super::absorb::Levels;
use super::active::Active;
use super::cluster::add_square;
use super::decompose::Decomposition;
use super::satterthwaite::Satterthwaite;
use crate::linalg::room;
use crate::linalg::vector::dot;

/// Fills the meat of CR2, and the Satterthwaite df of each target.
///
/// As `cluster::cr2`, with the orthonormal columns `[Q, B, D]`: those of the predictors, of the
/// other factors, and of the levels of the first factor. A cluster has only the columns `D` of
/// levels that it shares with other clusters: a level that lies within it is orthogonal to its
/// residuals and to all its other columns, so that the pseudo-inverse takes it out alone. The
/// targets have no part in `B` and `D`.
///
/// # References
/// Pustejovsky and Tipton (2018), Journal of Business and Economic Statistics 36:672, section 3.2.
pub(super) fn cr2(
    active: &Active,
    levels: &Levels,
    parts: &Decomposition,
    unit: &[f64],
    robust: &mut Robust,
) {
    let k = parts.rank;
    let meat = room(&mut robust.meat, k * k);
    meat.fill(0.0);
    if k == 0 {
        return;
    }
    let n_targets = unit.len() / k;
    let n_all = k + levels.n_basis + levels.weight.len();
    let mut df = Satterthwaite::new(&mut robust.cross, &mut robust.trail, (n_targets, n_all));
    let places = room(&mut robust.places, n_all + levels.weight.len());
    let (place, local) = places.split_at_mut(n_all);
    local.fill(usize::MAX);
    let mut cluster = Cluster { levels, parts, weights: active.weights(), place, local, order: 0 };
    for g in active.rows.groups.windows(2) {
        let (low, high) = (g[0] as usize, g[1] as usize);
        if low == high {
            continue;
        }
        cluster.find_levels(low, high, &mut robust.small);
        let d = cluster.order;
        let buffer = room(&mut robust.small, 2 * d * d + 3 * d);
        let (inner, rest) = buffer.split_at_mut(d * d);
        let (copy, rest) = rest.split_at_mut(d * d);
        let (score, rest) = rest.split_at_mut(d);
        let (u, v) = rest.split_at_mut(d);
        cluster.products(low, high, inner, score);
        cluster.forget(low, high);
        copy.copy_from_slice(inner);
        let singular = robust.root.factor(copy, d, n_targets + 1);
        robust.root.apply(score, u);
        add_square(meat, &u[..k], 1.0);
        for (t, r) in unit.chunks_exact(k).enumerate() {
            score.fill(0.0);
            score[..k].copy_from_slice(r);
            robust.root.apply(score, u);
            for i in 0..d {
                v[i] = dot(&inner[i * d..(i + 1) * d], u);
            }
            let diagonal = if singular {
                // u'(K - K^2)u: u has no part in the directions taken out.
                (0..d).map(|j| (u[j] - v[j]) * v[j]).sum()
            } else {
                (0..k).map(|a| r[a] * dot(&inner[a * d..a * d + k], r)).sum()
            };
            df.add_at(t, n_all, diagonal, v, &cluster.place[..d]);
        }
    }
    df.finish(|_| 1.0, room(&mut robust.df, n_targets));
}

/// The columns of one cluster.
struct Cluster<'a> {
    levels: &'a Levels,
    parts: &'a Decomposition,
    weights: Option<&'a [f64]>,
    /// Place of each of the cluster's columns among all.
    place: &'a mut [usize],
    /// Place of each level among the cluster's columns; `usize::MAX` where it has none.
    local: &'a mut [usize],
    /// Number of the cluster's columns.
    order: usize,
}

impl Cluster<'_> {
    fn weight(&self, row: usize) -> f64 {
        self.weights.map_or(1.0, |w| w[row])
    }

    /// Finds the levels that the cluster shares with others.
    fn find_levels(&mut self, low: usize, high: usize, own: &mut Vec<f64>) {
        let fixed = self.parts.rank + self.levels.n_basis;
        for (j, place) in self.place[..fixed].iter_mut().enumerate() {
            *place = j;
        }
        self.order = fixed;
        // Weights of the cluster's levels, in the order of their first rows.
        let own = room(own, high - low);
        for row in low..high {
            let level = self.levels.code[row] as usize;
            if self.local[level] == usize::MAX {
                self.local[level] = self.order;
                self.place[self.order] = fixed + level;
                own[self.order - fixed] = 0.0;
                self.order += 1;
            }
            own[self.local[level] - fixed] += self.weight(row);
        }
        let found = self.order;
        self.order = fixed;
        for j in fixed..found {
            let level = self.place[j] - fixed;
            // Sums of the same whole numbers; weights are refused.
            if own[j - fixed] == self.levels.weight[level] {
                self.local[level] = usize::MAX;
            } else {
                self.local[level] = self.order;
                self.place[self.order] = self.place[j];
                self.order += 1;
            }
        }
    }

    /// Forgets the levels of the cluster.
    fn forget(&mut self, low: usize, high: usize) {
        for code in &self.levels.code[low..high] {
            self.local[*code as usize] = usize::MAX;
        }
    }

    /// Column `j` of the predictors and the other factors, in the rows of the cluster.
    fn column(&self, j: usize, low: usize, high: usize) -> &[f64] {
        let (m, k) = (self.parts.m, self.parts.rank);
        if j < k {
            &self.parts.q[j * m + low..j * m + high]
        } else {
            &self.levels.basis[(j - k) * m + low..(j - k) * m + high]
        }
    }

    /// Inner products of the cluster's columns, and with its residuals.
    fn products(&self, low: usize, high: usize, inner: &mut [f64], score: &mut [f64]) {
        let (d, fixed) = (self.order, self.parts.rank + self.levels.n_basis);
        let e = &self.parts.e[low..high];
        inner.fill(0.0);
        score.fill(0.0);
        for a in 0..fixed {
            let qa = self.column(a, low, high);
            score[a] = dot(qa, e);
            for b in 0..=a {
                inner[a * d + b] = dot(qa, self.column(b, low, high));
            }
        }
        for row in low..high {
            let level = self.levels.code[row] as usize;
            let j = self.local[level];
            if j == usize::MAX {
                continue;
            }
            let w = self.weight(row);
            let own = (w / self.levels.weight[level]).sqrt();
            score[j] += own * e[row - low];
            inner[j * d + j] += own * own;
            for a in 0..fixed {
                inner[j * d + a] += own * self.column(a, low, high)[row - low];
            }
        }
        for i in 0..d {
            for j in 0..i {
                inner[j * d + i] = inner[i * d + j];
            }
        }
    }
}
