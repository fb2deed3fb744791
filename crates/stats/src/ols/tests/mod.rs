//! Tests of least squares: reference values from R, slow twins, properties, failures.

mod contrasts;
mod failures;
mod oracle;
mod properties;
mod shaped;
mod twin;
mod ways;

use super::*;
use crate::Observations;

/// A small linear congruential generator (Knuth's MMIX constants).
pub(super) struct Lcg(pub u64);

impl Lcg {
    /// Uniform on (0, 1).
    pub fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Roughly normal, mean 0 and sd 1.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }

    /// A whole number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.uniform() * n as f64) as usize
    }
}

/// A design that owns its rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Design {
    pub columns: Vec<Vec<f64>>,
    pub y: Vec<f64>,
    pub weight: Option<Vec<f64>>,
    pub collapsed: Option<(Vec<f64>, Vec<f64>)>,
    pub groups: Vec<u32>,
}

/// A fit with owned results.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Owned {
    pub beta: Vec<f64>,
    pub kept: Vec<bool>,
    pub std_error: Vec<f64>,
    pub df: Vec<f64>,
    pub vcov: Vec<f64>,
    pub rank: usize,
    pub n_obs: f64,
    pub n_clusters: usize,
    pub rss: f64,
    pub tss: f64,
    pub sigma: f64,
    pub r_squared: Option<f64>,
    pub adj_r_squared: Option<f64>,
    pub wald: Option<Wald>,
}

impl Design {
    /// Fits with a scratch of its own.
    pub fn fit(&self, variance: Variance) -> Result<Owned, Failure> {
        self.fit_with(variance, Targets::All, &mut Scratch::default())
    }

    pub fn fit_with(
        &self,
        variance: Variance,
        targets: Targets,
        scratch: &mut Scratch,
    ) -> Result<Owned, Failure> {
        self.fit_shaped(Shape::default(), variance, targets, scratch)
    }

    /// Fits with instruments and fixed effects in the last columns.
    pub fn fit_shaped(
        &self,
        shape: Shape,
        variance: Variance,
        targets: Targets,
        scratch: &mut Scratch,
    ) -> Result<Owned, Failure> {
        let x = self.columns.concat();
        fit_shaped(&self.rows(&x), shape, variance, targets, scratch).map(|fit| owned(&fit))
    }

    /// Fits the outcome to the predictors of the last fit.
    pub fn fit_outcome(
        &self,
        shape: Shape,
        variance: Variance,
        scratch: &mut Scratch,
    ) -> Result<Owned, Failure> {
        let x = self.columns.concat();
        fit_outcome(&self.rows(&x), shape, variance, Targets::All, scratch).map(|fit| owned(&fit))
    }

    /// The rows; `x` are the columns.
    fn rows<'a>(&'a self, x: &'a [f64]) -> Rows<'a> {
        let observations = match (&self.weight, &self.collapsed) {
            (Some(w), _) => Observations::Weighted(w),
            (_, Some((count, within))) => Observations::Collapsed { count, within },
            _ => Observations::Single,
        };
        Rows { x, y: &self.y, observations, groups: &self.groups }
    }

    /// The observations that collapsed rows stand for, one a row.
    ///
    /// Two of them carry all of the row's sum of squares, the others sit at its mean.
    pub fn expand(&self) -> Self {
        let Some((count, within)) = &self.collapsed else { return self.clone() };
        let mut out = Self { columns: vec![Vec::new(); self.columns.len()], ..Self::default() };
        let mut row = 0;
        for g in 0..self.groups.len().max(2) - 1 {
            let end = self.groups.get(g + 1).map_or(self.y.len(), |e| *e as usize);
            if !self.groups.is_empty() {
                out.groups.push(out.y.len() as u32);
            }
            while row < end {
                let shift = (within[row] / 2.0).sqrt();
                for i in 0..count[row] as usize {
                    let sign = [shift, -shift].get(i).copied().unwrap_or(0.0);
                    out.y.push(self.y[row] + sign);
                    for (to, from) in out.columns.iter_mut().zip(&self.columns) {
                        to.push(from[row]);
                    }
                }
                row += 1;
            }
        }
        if !self.groups.is_empty() {
            out.groups.push(out.y.len() as u32);
        }
        out
    }
}

/// A fit with results of its own.
fn owned(fit: &Fit<'_>) -> Owned {
    Owned {
        beta: fit.beta.to_vec(),
        kept: fit.kept.to_vec(),
        std_error: fit.std_error.to_vec(),
        df: fit.df.to_vec(),
        vcov: fit.vcov.to_vec(),
        rank: fit.rank,
        n_obs: fit.n_obs,
        n_clusters: fit.n_clusters,
        rss: fit.rss,
        tss: fit.tss,
        sigma: fit.sigma(),
        r_squared: fit.r_squared(),
        adj_r_squared: fit.adj_r_squared(),
        wald: fit.f_statistic(&mut Vec::new()),
    }
}

pub(super) const ALL: [Variance; 8] = [
    Variance::Classical,
    Variance::Hc0,
    Variance::Hc1,
    Variance::Hc2,
    Variance::Hc3,
    Variance::Cr0,
    Variance::Stata,
    Variance::Cr2,
];

/// What a random design is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Single,
    Weighted,
    /// Weights alike within clusters.
    WeightedByCluster,
    Collapsed,
}

/// A random design with an intercept, a treatment of whole clusters and covariates.
pub(super) fn random_design(r: &mut Lcg, kind: Kind, clusters: usize, p: usize) -> Design {
    let mut d = Design { columns: vec![Vec::new(); p], groups: vec![0], ..Design::default() };
    let (mut weight, mut count, mut within) = (Vec::new(), Vec::new(), Vec::new());
    for g in 0..clusters {
        let shock = r.normal();
        let cluster_weight = 0.3 + 2.0 * r.uniform();
        for _ in 0..1 + r.below(4) {
            for (j, column) in d.columns.iter_mut().enumerate() {
                column.push(match j {
                    0 => 1.0,
                    1 => f64::from(u8::from(g % 2 == 0)),
                    2 => r.normal() + 0.3 * shock,
                    _ => r.normal(),
                });
            }
            let treated = d.columns.get(1).map_or(0.0, |z| z[d.y.len()]);
            d.y.push(0.5 + treated + shock + r.normal());
            weight.push(if kind == Kind::Weighted { 0.2 + r.uniform() } else { cluster_weight });
            count.push(1.0 + r.below(5) as f64);
            within.push(if count[d.y.len() - 1] > 1.0 { 3.0 * r.uniform() } else { 0.0 });
        }
        d.groups.push(d.y.len() as u32);
    }
    match kind {
        Kind::Single => (),
        Kind::Weighted | Kind::WeightedByCluster => d.weight = Some(weight),
        Kind::Collapsed => d.collapsed = Some((count, within)),
    }
    d
}

/// Asserts that two numbers agree, relative to their size or to `scale`.
#[track_caller]
pub(super) fn close(a: f64, b: f64, scale: f64, tolerance: f64, what: &str) {
    let size = a.abs().max(b.abs()).max(scale);
    assert!((a - b).abs() <= tolerance * size, "{what}: {a} {b}");
}

/// Asserts that two fits agree in everything.
#[track_caller]
pub(super) fn same(a: &Owned, b: &Owned, tolerance: f64, what: &str) {
    assert_eq!(a.kept, b.kept, "{what}");
    assert_eq!((a.rank, a.n_obs, a.n_clusters), (b.rank, b.n_obs, b.n_clusters), "{what}");
    for j in 0..a.beta.len() {
        close(a.beta[j], b.beta[j], a.std_error[j], tolerance, &format!("{what} beta {j}"));
        close(a.std_error[j], b.std_error[j], 0.0, tolerance, &format!("{what} se {j}"));
        close(a.df[j], b.df[j], 0.0, tolerance, &format!("{what} df {j}"));
    }
    assert_eq!(a.vcov.len(), b.vcov.len(), "{what}");
    let k = a.rank;
    for i in 0..a.vcov.len() {
        let scale = (a.vcov[i / k * (k + 1)] * a.vcov[i % k * (k + 1)]).sqrt();
        close(a.vcov[i], b.vcov[i], scale, tolerance, &format!("{what} vcov {i}"));
    }
    close(a.rss, b.rss, 0.0, tolerance, &format!("{what} rss"));
    close(a.tss, b.tss, 0.0, tolerance, &format!("{what} tss"));
}
