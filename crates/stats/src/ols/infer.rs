//! From residuals and factors to standard errors and degrees of freedom.

use super::active::Active;
use super::decompose::Decomposition;
use super::{Contrast, Fit, Robust, Targets, Variance};
use super::{cluster, cluster_absorbed, cluster_ways, cluster_weighted, hc};
use crate::linalg::{room, triangular};
use crate::{Failure, Observations};

/// A standard error up to this share of what rounding could make of it counts as zero.
const ROUNDING: f64 = 1e-13;

/// Work space and results.
#[derive(Clone, Debug, Default)]
pub(super) struct Infer {
    pub robust: Robust,
    /// Rows of `R^-1` of the targets.
    pub inverse: Vec<f64>,
    /// The same at length one.
    units: Vec<f64>,
    target: Vec<usize>,
    beta: Vec<f64>,
    std_error: Vec<f64>,
    df: Vec<f64>,
    is_negative: Vec<bool>,
    pub vcov: Vec<f64>,
    /// A row of `R^-1`.
    row: Vec<f64>,
    contrasts: Vec<Contrast>,
}

impl Infer {
    /// Coefficients and their variances.
    ///
    /// # Errors
    /// `NoResidualDf` and `NotFinite`, as [`super::fit`].
    pub fn infer<'s>(
        &'s mut self,
        active: &Active,
        parts: &'s mut Decomposition,
        variance: Variance,
        n_clusters: usize,
        targets: Targets,
    ) -> Result<Fit<'s>, Failure> {
        let Self { robust, inverse, units, target, vcov, row, contrasts, .. } = self;
        let Self { beta, std_error, df, is_negative, .. } = self;
        let (p, k) = (parts.stride - 1, parts.rank);
        let n_coefficients = (k + active.n_fixed()) as f64;
        if active.n_obs <= n_coefficients {
            return Err(Failure::NoResidualDf);
        }
        let beta = room(beta, p);
        parts.coefficients(beta);
        let factors = targets.contrasts();
        let n_contrasts = factors.len() / p.max(1);
        let contrasts = room(contrasts, n_contrasts);
        let target = room(target, p + n_contrasts);
        let inverse = room(inverse, (p + n_contrasts) * k);
        let mut lists = Lists { target, inverse, row: room(row, k), contrasts };
        let n_targets = lists.fill(parts, targets, beta);
        let Lists { target, inverse, contrasts, .. } = lists;
        let (target, inverse) = (&target[..n_targets], &mut inverse[..n_targets * k]);
        let unit = room(units, n_targets * k);
        normalise(inverse, k, unit);
        meat(active, parts, variance, n_clusters, unit, robust);

        let n_vcov = if matches!(targets, Targets::All) { n_targets } else { 0 };
        let n_all = p + n_contrasts;
        let (std_error, df) = (cleared(std_error, n_all), cleared(df, n_all));
        let is_negative = cleared(is_negative, n_all);
        let vcov = room(vcov, n_vcov * n_vcov);
        let errors = Errors { std_error, is_negative, residual_norm: parts.rss.sqrt() };
        errors.sandwich(inverse, k, &robust.meat, &mut robust.small, target);
        vcov_matrix(inverse, &robust.small, k, n_vcov, vcov);
        let clustered = variance.is_clustered();
        let df_common =
            if clustered { n_clusters as f64 - 1.0 } else { active.n_obs - n_coefficients };
        let own = (variance == Variance::Cr2).then_some(robust.df.as_slice());
        degrees(target, own, df_common, df, std_error);
        for (i, contrast) in contrasts.iter_mut().enumerate().filter(|(_, c)| c.kept) {
            (contrast.std_error, contrast.df) = (std_error[p + i], df[p + i]);
            contrast.is_negative = is_negative[p + i];
        }
        let results = beta.iter().chain(&*std_error).chain(&*df).chain(&*vcov);
        if !results.into_iter().all(|v| v.is_finite()) {
            return Err(Failure::NotFinite);
        }
        Ok(Fit {
            beta,
            kept: &parts.kept[..p],
            std_error: &std_error[..p],
            df: &df[..p],
            is_negative: &is_negative[..p],
            vcov,
            contrasts,
            rank: k,
            n_fixed: active.n_fixed(),
            intercept: parts.intercept,
            n_obs: active.n_obs,
            n_clusters,
            rss: parts.rss,
            tss: active.levels.map_or(parts.tss, |levels| levels.tss),
            tss_within: parts.tss,
        })
    }
}

/// A buffer with the default value everywhere.
fn cleared<T: Clone + Default>(buffer: &mut Vec<T>, n: usize) -> &mut [T] {
    let room = room(buffer, n);
    room.fill(T::default());
    room
}

/// Writes the degrees of freedom of each target: its own, or those that all have in common.
fn degrees(
    target: &[usize],
    own: Option<&[f64]>,
    common: f64,
    df: &mut [f64],
    std_error: &mut [f64],
) {
    for (t, j) in target.iter().enumerate() {
        df[*j] = own.map_or(common, |own| own[t]);
        if df[*j] == 0.0 {
            std_error[*j] = 0.0;
        }
    }
}

/// What is wanted of a fit.
struct Lists<'a> {
    /// Coefficients; a contrast has the place of a predictor after all others.
    target: &'a mut [usize],
    /// Rows of `R^-1`, and their combinations.
    inverse: &'a mut [f64],
    /// Room for one.
    row: &'a mut [f64],
    contrasts: &'a mut [Contrast],
}

impl Lists<'_> {
    /// Fills the lists with the targets that are kept, and with the contrasts of predictors that
    /// are; returns their number.
    fn fill(&mut self, parts: &Decomposition, targets: Targets, beta: &[f64]) -> usize {
        let (p, k) = (beta.len(), self.row.len());
        let mut n = parts.kept_targets(targets, &mut self.target[..p]);
        for (row, j) in self.inverse.chunks_exact_mut(k.max(1)).zip(&self.target[..n]) {
            triangular::inverse_row(&parts.r, parts.stride, parts.position[*j], row);
        }
        for (i, factors) in targets.contrasts().chunks_exact(p.max(1)).enumerate() {
            let own = &mut self.inverse[n * k..(n + 1) * k];
            self.contrasts[i] = Contrast::default();
            if combine(parts, factors, self.row, own) {
                self.contrasts[i].kept = true;
                self.contrasts[i].estimate = factors.iter().zip(beta).map(|(f, b)| f * b).sum();
                self.target[n] = p + i;
                n += 1;
            }
        }
        n
    }
}

/// Writes the combination of the rows of `R^-1`; false where a predictor of it was dropped.
pub(super) fn combine(
    parts: &Decomposition,
    factors: &[f64],
    row: &mut [f64],
    out: &mut [f64],
) -> bool {
    out.fill(0.0);
    for (j, factor) in factors.iter().enumerate().filter(|(_, factor)| **factor != 0.0) {
        if !parts.kept[j] {
            return false;
        }
        triangular::inverse_row(&parts.r, parts.stride, parts.position[j], row);
        out.iter_mut().zip(&*row).for_each(|(o, r)| *o += factor * r);
    }
    true
}

/// Scales rows to length one, without which squares of squares could overflow.
fn normalise(rows: &[f64], k: usize, unit: &mut [f64]) {
    for (row, unit) in rows.chunks_exact(k.max(1)).zip(unit.chunks_exact_mut(k.max(1))) {
        let length = row.iter().map(|r| r * r).sum::<f64>().sqrt();
        for (u, r) in unit.iter_mut().zip(row) {
            *u = r / length;
        }
    }
}

/// Fills `robust.meat`, and `robust.df` for CR2.
fn meat(
    active: &Active,
    parts: &Decomposition,
    variance: Variance,
    n_clusters: usize,
    unit: &[f64],
    robust: &mut Robust,
) {
    let (n, k, j) = (active.n_obs, parts.rank, n_clusters as f64);
    let n_coefficients = (k + active.n_fixed()) as f64;
    match variance {
        Variance::Classical => {
            let meat = room(&mut robust.meat, k * k);
            meat.fill(0.0);
            for a in 0..k {
                meat[a * k + a] = parts.rss / (n - n_coefficients);
            }
        }
        Variance::Hc0 | Variance::Hc1 | Variance::Hc2 | Variance::Hc3 => {
            let factor = if variance == Variance::Hc1 { n / (n - n_coefficients) } else { 1.0 };
            hc::meat(active, parts, variance, factor, robust);
        }
        Variance::Cr0 | Variance::Stata if !active.ways.is_empty() => {
            cluster_ways::meat(active, parts, variance, n_coefficients, robust);
        }
        Variance::Cr0 => cluster::meat(active, parts, 1.0, robust),
        Variance::Stata => {
            let factor = j / (j - 1.0) * ((n - 1.0) / (n - n_coefficients));
            cluster::meat(active, parts, factor, robust);
        }
        Variance::Cr2 => match (active.levels, active.rows.observations) {
            (Some(_), Observations::Weighted(_)) => {
                panic!("CR2 with weights and fixed effects: use indicators");
            }
            (None, Observations::Weighted(w)) => {
                cluster_weighted::cr2(active, w, parts, unit, robust);
            }
            (Some(levels), _) => cluster_absorbed::cr2(active, levels, parts, unit, robust),
            _ => cluster::cr2(active, parts, unit, robust),
        },
    }
}

/// Where standard errors are written.
struct Errors<'a> {
    std_error: &'a mut [f64],
    is_negative: &'a mut [bool],
    residual_norm: f64,
}

impl Errors<'_> {
    /// Standard errors `sqrt(r'B r)`, `r` a row of `R^-1` and `B` the meat; `bread` keeps `B r`.
    fn sandwich(
        self,
        inverse: &[f64],
        k: usize,
        meat: &[f64],
        bread: &mut Vec<f64>,
        target: &[usize],
    ) {
        let bread = room(bread, inverse.len());
        for (t, j) in target.iter().enumerate() {
            let r = &inverse[t * k..(t + 1) * k];
            let (mut square, mut length) = (0.0, 0.0);
            for a in 0..k {
                let v: f64 = r.iter().zip(&meat[a * k..]).map(|(r, b)| r * b).sum();
                bread[t * k + a] = v;
                square += v * r[a];
                length += r[a] * r[a];
            }
            let floor = ROUNDING * length.sqrt() * self.residual_norm;
            // Not `square > floor`: what is not a number has to come through.
            self.std_error[*j] = if square <= floor * floor { 0.0 } else { square.sqrt() };
            self.is_negative[*j] = square < -floor * floor;
        }
    }
}

/// The variance matrix of all kept coefficients.
fn vcov_matrix(inverse: &[f64], bread: &[f64], k: usize, size: usize, vcov: &mut [f64]) {
    for s in 0..size {
        for t in 0..=s {
            let (b, r) = (&bread[s * k..(s + 1) * k], &inverse[t * k..(t + 1) * k]);
            let v = b.iter().zip(r).map(|(b, r)| b * r).sum();
            vcov[s * size + t] = v;
            vcov[t * size + s] = v;
        }
    }
}
