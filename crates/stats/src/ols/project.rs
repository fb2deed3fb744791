//! Two-stage least squares: predictors are replaced by their projections on the instruments.

use super::active::Active;
use super::decompose::Decomposition;
use crate::linalg::gram_schmidt::orthogonalise;
use crate::linalg::room;
use crate::linalg::vector::{dot, dot_weighted};
use crate::{Failure, Rows};

/// What is left of a column up to this share, squared, is rounding error.
const SHARE_MIN: f64 = 1e-28;

/// Work space: the first stage.
#[derive(Clone, Debug, Default)]
pub(super) struct Project {
    stage: Decomposition,
    /// The projections, by column.
    x: Vec<f64>,
    /// What the instruments leave, times the root of the weights, by column.
    rest: Vec<f64>,
    coefficients: Vec<f64>,
}

impl Project {
    /// Decomposes the projections of the first `p` columns on the columns after them; the residuals
    /// are those of the predictors as they are.
    ///
    /// # Errors
    /// `NotFinite`; `UnderIdentified` where the projections have a lower rank than the predictors.
    pub fn decompose(
        &mut self,
        active: &Active,
        p: usize,
        parts: &mut Decomposition,
    ) -> Result<(), Failure> {
        let m = active.rows.len();
        let (x, instruments) = active.rows.x.split_at(p * m);
        self.stage
            .decompose(&Active { rows: Rows { x: instruments, ..active.rows }, ..*active })?;
        for (j, column) in x.chunks_exact(m).enumerate() {
            self.project(active, instruments, j, column)?;
        }
        let projected = Rows { x: &self.x[..p * m], ..active.rows };
        parts.decompose(&Active { rows: projected, ..*active })?;
        if parts.rank < p {
            self.stage.decompose(&Active { rows: Rows { x, ..active.rows }, ..*active })?;
            if self.stage.rank > parts.rank {
                return Err(Failure::UnderIdentified);
            }
        }
        self.correct_residuals(active, p, parts)
    }

    /// Projects a predictor; one that is an instrument itself stays as it is.
    fn project(
        &mut self,
        active: &Active,
        instruments: &[f64],
        j: usize,
        column: &[f64],
    ) -> Result<(), Failure> {
        let m = column.len();
        let out = &mut room(&mut self.x, (j + 1) * m)[j * m..];
        let rest = &mut room(&mut self.rest, (j + 1) * m)[j * m..];
        out.copy_from_slice(column);
        rest.fill(0.0);
        if instruments.chunks_exact(m).any(|z| z == column) {
            return Ok(());
        }
        let weights = active.weights();
        let root = |i: usize| weights.map_or(1.0, |w| w[i].sqrt());
        for (i, (r, v)) in rest.iter_mut().zip(column).enumerate() {
            *r = v * root(i);
        }
        let start = dot(rest, rest);
        if !start.is_finite() {
            return Err(Failure::NotFinite);
        }
        let k = self.stage.rank;
        let c = room(&mut self.coefficients, k);
        c.fill(0.0);
        let square = orthogonalise(&self.stage.q, k, 0, rest, start, c);
        if square <= SHARE_MIN * start {
            rest.fill(0.0);
            return Ok(());
        }
        for (i, (o, r)) in out.iter_mut().zip(&*rest).enumerate() {
            *o -= r / root(i);
        }
        Ok(())
    }

    /// Residuals `y - X b` in the place of those of the projections, `y - PX b`.
    fn correct_residuals(
        &mut self,
        active: &Active,
        p: usize,
        parts: &mut Decomposition,
    ) -> Result<(), Failure> {
        let m = active.rows.len();
        let beta = room(&mut self.coefficients, p);
        parts.coefficients(beta);
        let e = &mut parts.e[..m];
        for (rest, b) in self.rest[..p * m].chunks_exact(m).zip(&*beta) {
            if *b != 0.0 {
                for (e, r) in e.iter_mut().zip(rest) {
                    *e -= b * r;
                }
            }
        }
        parts.rss = dot(e, e) + active.within;
        let y = active.rows.y;
        let square = active.weights().map_or_else(|| dot(y, y), |w| dot_weighted(y, y, w));
        if parts.rss <= SHARE_MIN * square {
            e.fill(0.0);
            parts.rss = 0.0;
        }
        if parts.rss.is_finite() { Ok(()) } else { Err(Failure::NotFinite) }
    }
}
