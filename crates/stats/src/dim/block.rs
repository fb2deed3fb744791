//! One block: the difference in its means, and its variance where it can be had.

use super::Arms;
use crate::linalg::room;
use crate::{Failure, Observations, Rows, ols};

/// The rows of one block.
pub(super) struct Block<'a> {
    y: &'a [f64],
    treated: &'a [f64],
    observations: Observations<'a>,
    /// Where clusters begin, counted from `start`; empty where there are none.
    clusters: &'a [u32],
    start: u32,
    clustered: bool,
}

/// The comparison of a block's two arms.
pub(super) struct Compared {
    /// Number of observations, or the sum of their weights.
    pub weight: f64,
    /// Sum of squares of the outcome around zero.
    pub square: f64,
    /// Difference in means.
    pub effect: f64,
    /// Its variance `V`, and `V^2 / df`; none where an arm has one unit or cluster.
    pub variance: Option<[f64; 2]>,
    /// Whether each arm has one unit or cluster.
    pub is_pair: bool,
    /// Number of observations.
    pub n_obs: f64,
    /// Number of clusters.
    pub n_clusters: usize,
}

/// Work space of blocks with weights and clusters.
#[derive(Clone, Debug, Default)]
pub(super) struct Weighted {
    x: Vec<f64>,
    groups: Vec<u32>,
    ols: ols::Scratch,
}

/// Sums over the rows of one arm.
#[derive(Clone, Copy, Debug, Default)]
struct Side {
    /// Number of observations.
    n_obs: f64,
    /// Sum of weights.
    weight: f64,
    /// Sum of the outcome less the block's first, then the mean.
    mean: f64,
    square: f64,
    n_clusters: usize,
}

/// A part of one arm that belongs to one cluster.
struct Piece {
    arm: usize,
    /// Share of the arm's weight.
    share: f64,
    /// Sum of residuals over the arm's weight.
    score: f64,
}

impl<'a> Block<'a> {
    /// The rows `low..high`, whose first cluster is number `cluster`; and the number of the first
    /// cluster after them.
    pub fn new(arms: &Arms<'a>, low: u32, high: u32, cluster: usize) -> (Self, usize) {
        let range = low as usize..high as usize;
        let clusters = arms.clusters;
        let mut next = cluster;
        while next + 1 < clusters.len() && clusters[next + 1] <= high {
            next += 1;
        }
        let observations = match arms.observations {
            Observations::Single => Observations::Single,
            Observations::Weighted(w) => Observations::Weighted(&w[range.clone()]),
            Observations::Collapsed { count, within } => Observations::Collapsed {
                count: &count[range.clone()],
                within: &within[range.clone()],
            },
        };
        let block = Self {
            y: &arms.y[range.clone()],
            treated: &arms.treated[range],
            observations,
            clusters: if clusters.is_empty() { &[] } else { &clusters[cluster..=next] },
            start: low,
            clustered: !clusters.is_empty(),
        };
        (block, next)
    }

    /// Compares the arms; nothing where the block has no observation.
    pub fn compare(&self, work: &mut Weighted) -> Result<Option<Compared>, Failure> {
        match self.observations {
            Observations::Single => self.compare_by(|_| 1.0, work),
            Observations::Weighted(w) => self.compare_by(|i| w[i], work),
            Observations::Collapsed { count, .. } => self.compare_by(|i| count[i], work),
        }
    }

    #[inline(always)]
    fn compare_by(
        &self,
        weight: impl Fn(usize) -> f64 + Copy,
        work: &mut Weighted,
    ) -> Result<Option<Compared>, Failure> {
        let mut sides = self.sides(weight)?;
        if self.clustered {
            self.count_clusters(weight, &mut sides)?;
        }
        let [b, a] = &sides;
        if a.n_obs + b.n_obs == 0.0 {
            return Ok(None);
        }
        if a.n_obs == 0.0 || b.n_obs == 0.0 {
            return Err(Failure::EmptyArm);
        }
        let units = |s: &Side| if self.clustered { s.n_clusters as f64 } else { s.n_obs };
        let small = units(a) < 2.0 || units(b) < 2.0;
        let variance = match (small, self.clustered, self.observations) {
            (true, ..) => None,
            (_, true, Observations::Weighted(_)) => Some(self.weighted_clusters(work)?),
            (_, true, _) => Some(self.clusters(weight, &sides)),
            (_, _, Observations::Weighted(_)) => Some(self.weighted(weight, &sides)),
            _ => Some(self.units(weight, &sides)),
        };
        Ok(Some(Compared {
            weight: a.weight + b.weight,
            square: a.square + b.square,
            effect: a.mean - b.mean,
            variance,
            is_pair: units(a) == 1.0 && units(b) == 1.0,
            n_obs: a.n_obs + b.n_obs,
            n_clusters: a.n_clusters + b.n_clusters,
        }))
    }

    /// Numbers and means of the arms.
    #[inline(always)]
    fn sides(&self, weight: impl Fn(usize) -> f64) -> Result<[Side; 2], Failure> {
        let prior = matches!(self.observations, Observations::Weighted(_));
        let mut sides = [Side::default(); 2];
        // Means around a value of the block: an outcome that does not vary has no rounding error.
        let mut shift = None;
        for (i, (&y, &t)) in self.y.iter().zip(self.treated).enumerate() {
            let w = weight(i);
            if w == 0.0 {
                continue;
            }
            if !(w > 0.0 && t.is_finite()) {
                return Err(if w < 0.0 { Failure::BadWeights } else { Failure::NotFinite });
            }
            if t != 0.0 && t != 1.0 {
                return Err(Failure::NotACondition);
            }
            let side = &mut sides[usize::from(t == 1.0)];
            side.n_obs += if prior { 1.0 } else { w };
            side.weight += w;
            side.mean += w * (y - *shift.get_or_insert(y));
            side.square += w * (y * y);
        }
        let shift = shift.unwrap_or(0.0);
        for side in &mut sides {
            side.mean = shift + side.mean / side.weight;
        }
        Ok(sides)
    }

    /// Counts the clusters of the arms.
    fn count_clusters(
        &self,
        weight: impl Fn(usize) -> f64,
        sides: &mut [Side; 2],
    ) -> Result<(), Failure> {
        for run in self.clusters.windows(2) {
            let rows = (run[0] - self.start) as usize..(run[1] - self.start) as usize;
            let mut conditions = rows.filter(|i| weight(*i) > 0.0).map(|i| self.treated[i]);
            let Some(first) = conditions.next() else { continue };
            if !conditions.all(|t| t == first) {
                return Err(Failure::MixedCluster);
            }
            sides[usize::from(first == 1.0)].n_clusters += 1;
        }
        Ok(())
    }

    /// Neyman's variance, and Welch's `sum_a V_a^2 / (n_a - 1)`.
    #[inline(always)]
    fn units(&self, weight: impl Fn(usize) -> f64, sides: &[Side; 2]) -> [f64; 2] {
        let means = sides.map(|s| s.mean);
        let mut squares = [0.0; 2];
        for (i, (&y, &t)) in self.y.iter().zip(self.treated).enumerate() {
            let w = weight(i);
            if w == 0.0 {
                continue;
            }
            let arm = usize::from(t == 1.0);
            let e = y - means[arm];
            squares[arm] += w * (e * e);
            if let Observations::Collapsed { within, .. } = self.observations {
                squares[arm] += within[i];
            }
        }
        let part = |arm: usize| {
            let n = sides[arm].n_obs;
            let v = squares[arm] / ((n - 1.0) * n);
            [v, v * (v / (n - 1.0))]
        };
        let ([v1, s1], [v0, s0]) = (part(1), part(0));
        [v1 + v0, s1 + s0]
    }

    /// HC2 of weighted means, on `n - 2` degrees of freedom.
    ///
    /// An observation has the leverage `w / W` in its arm.
    fn weighted(&self, weight: impl Fn(usize) -> f64, sides: &[Side; 2]) -> [f64; 2] {
        let mut variance = 0.0;
        for (i, (&y, &t)) in self.y.iter().zip(self.treated).enumerate() {
            let w = weight(i);
            if w == 0.0 {
                continue;
            }
            let side = &sides[usize::from(t == 1.0)];
            let (share, e) = (w / side.weight, y - side.mean);
            variance += share * share * (e * e) / (1.0 - share);
        }
        [variance, variance * (variance / (sides[0].n_obs + sides[1].n_obs - 2.0))]
    }

    /// CR2 of the difference in means and the Satterthwaite degrees of freedom, in closed form.
    ///
    /// A cluster with the share `h` of its arm's `n` units has `H_g = 1 1'/n`, so that its score
    /// is divided by `(1 - h)^(1/2)`; `P_gg = h / n`, and `P_gk = -(u_g u_k)^(1/2) / n` in an arm,
    /// `u = h^2 / (1 - h)`, zero between arms.
    fn clusters(&self, weight: impl Fn(usize) -> f64 + Copy, sides: &[Side; 2]) -> [f64; 2] {
        let (mut variance, mut diagonal, mut off) = (0.0, 0.0, 0.0);
        let mut before = [0.0; 2];
        for run in self.clusters.windows(2) {
            let Some(piece) = self.piece(run, weight, sides) else { continue };
            let (h, n) = (piece.share, sides[piece.arm].weight);
            let u = h * h / (1.0 - h);
            variance += piece.score * piece.score / (1.0 - h);
            diagonal += h * h / (n * n);
            off += u * before[piece.arm] / (n * n);
            before[piece.arm] += u;
        }
        let trace = 1.0 / sides[0].weight + 1.0 / sides[1].weight;
        let df = trace * trace / (diagonal + 2.0 * off);
        [variance, variance * (variance / df)]
    }

    /// The sums of one cluster; none where it has no observation.
    #[inline(always)]
    fn piece(
        &self,
        run: &[u32],
        weight: impl Fn(usize) -> f64,
        sides: &[Side; 2],
    ) -> Option<Piece> {
        let rows = (run[0] - self.start) as usize..(run[1] - self.start) as usize;
        let first = rows.clone().find(|i| weight(*i) > 0.0)?;
        let arm = usize::from(self.treated[first] == 1.0);
        let side = &sides[arm];
        let (mut total, mut score) = (0.0, 0.0);
        for i in rows {
            let w = weight(i);
            if w > 0.0 {
                total += w;
                score += w * (self.y[i] - side.mean);
            }
        }
        Some(Piece { arm, share: total / side.weight, score: score / side.weight })
    }

    /// CR2 of weighted means, by least squares.
    fn weighted_clusters(&self, work: &mut Weighted) -> Result<[f64; 2], Failure> {
        let m = self.y.len();
        let x = room(&mut work.x, 2 * m);
        x[..m].fill(1.0);
        x[m..].copy_from_slice(self.treated);
        let groups = room(&mut work.groups, self.clusters.len());
        for (g, c) in groups.iter_mut().zip(self.clusters) {
            *g = c - self.start;
        }
        let rows = Rows { x, y: self.y, observations: self.observations, groups };
        let fit = ols::fit(&rows, ols::Variance::Cr2, ols::Targets::Some(&[1]), &mut work.ols)?;
        let variance = fit.std_error[1] * fit.std_error[1];
        let spread = if variance > 0.0 { variance * (variance / fit.df[1]) } else { 0.0 };
        Ok([variance, spread])
    }
}
