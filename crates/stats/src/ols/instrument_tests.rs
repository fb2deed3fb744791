//! What a two-stage fit should be doubted for: weak, invalid or needless instruments.

use super::wald::inverse_form;
use super::{Scratch, Shape, Targets, Variance, Wald, fit_shaped};
use crate::{Failure, Observations, Rows};

/// Tests of the instruments of one fit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InstrumentTests {
    /// For each endogenous predictor, the F test that the excluded instruments do not predict it;
    /// none where it can not be computed.
    pub first_stage: Vec<(usize, Option<Wald>)>,
    /// The F test (Wu-Hausman) that the endogenous predictors are exogenous.
    pub endogeneity: Option<Wald>,
    /// The statistic and degrees of freedom of the chi-squared test that all instruments are valid:
    /// Sargan's with the classical variance, Wooldridge's score test with a robust one.
    pub overidentification: Option<[f64; 2]>,
}

/// The columns of a model, and where its observations come from.
struct Data<'a> {
    rows: &'a Rows<'a>,
    shape: Shape,
    variance: Variance,
    /// Sums of squares within rows of a column of predictors.
    none_within: Vec<f64>,
}

/// A fit with what the tests need of it.
struct Stage {
    beta: Vec<f64>,
    rss: f64,
    rank: usize,
    wald: Option<Wald>,
}

impl Data<'_> {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn column(&self, j: usize) -> &[f64] {
        &self.rows.x[j * self.len()..(j + 1) * self.len()]
    }

    fn n_predictors(&self) -> usize {
        self.rows.n_predictors() - self.shape.n_beside()
    }

    /// Least squares of `y` on columns and the fixed effects, and the test of those from `tested`.
    fn regress(&self, y: &[f64], columns: &[&[f64]], tested: &[usize]) -> Result<Stage, Failure> {
        let first = self.n_predictors() + self.shape.instruments;
        let mut x = columns.concat();
        x.extend_from_slice(&self.rows.x[first * self.len()..]);
        let observations = match self.rows.observations {
            Observations::Collapsed { count, .. } if y.as_ptr() != self.rows.y.as_ptr() => {
                Observations::Collapsed { count, within: &self.none_within }
            }
            other => other,
        };
        self.fit(y, &x, observations, tested)
    }

    fn fit(
        &self,
        y: &[f64],
        x: &[f64],
        observations: Observations,
        tested: &[usize],
    ) -> Result<Stage, Failure> {
        let rows = Rows { x, y, observations, groups: self.rows.groups };
        let shape = Shape { instruments: 0, ..self.shape };
        let mut scratch = Scratch::default();
        let fit = fit_shaped(&rows, shape, self.variance, Targets::All, &mut scratch)?;
        let wald = fit.wald(|j| tested.contains(&j), &mut Vec::new());
        Ok(Stage { beta: fit.beta.to_vec(), rss: fit.rss, rank: fit.rank, wald })
    }

    /// `y` less the fit of the first columns; the fixed effects stay in it.
    fn rest(&self, y: &[f64], columns: &[&[f64]], beta: &[f64]) -> Vec<f64> {
        let fitted = |i: usize| columns.iter().zip(beta).map(|(x, b)| x[i] * b).sum::<f64>();
        y.iter().enumerate().map(|(i, y)| y - fitted(i)).collect()
    }
}

/// Tests the instruments of a fit; allocates.
///
/// First stage: the Wald test of the excluded instruments in the regression of the predictor on
/// all instruments, with the variance of the fit. Endogeneity: that of the first stages' fitted
/// values, added to the model (the same as that of their residuals). Overidentification with `L`
/// instruments and `k` coefficients, `L - k` degrees of freedom: `n e'P e / e'e` (Sargan), or
/// `s'S^-1 s` with `s = sum u_i r_i`, `S = sum u_i^2 r_i r_i'`, `u` the residuals and `r` what the
/// fitted model leaves of `L - k` instruments (Wooldridge); none with clusters, and no score test
/// with fixed effects.
/// Shapes: as in [`fit_shaped`].
///
/// # Errors
/// As [`fit_shaped`], for any of the regressions.
///
/// # References
/// Hausman (1978), Econometrica 46:1251; Sargan (1958), Econometrica 26:393; Wooldridge (1995),
/// in Advances in Econometrics and Quantitative Economics.
pub fn instrument_tests(
    rows: &Rows,
    shape: Shape,
    variance: Variance,
) -> Result<InstrumentTests, Failure> {
    let data = Data { rows, shape, variance, none_within: vec![0.0; rows.len()] };
    let p = data.n_predictors();
    let predictors: Vec<&[f64]> = (0..p).map(|j| data.column(j)).collect();
    let instruments: Vec<&[f64]> = (p..p + shape.instruments).map(|j| data.column(j)).collect();
    let endogenous: Vec<usize> =
        (0..p).filter(|j| !instruments.contains(&predictors[*j])).collect();
    let excluded: Vec<usize> =
        (0..instruments.len()).filter(|l| !predictors.contains(&instruments[*l])).collect();
    let mut found = InstrumentTests::default();
    let mut fitted: Vec<Vec<f64>> = Vec::new();
    let mut n_instruments = 0;
    for j in &endogenous {
        let stage = data.regress(predictors[*j], &instruments, &excluded)?;
        found.first_stage.push((*j, stage.wald));
        n_instruments = stage.rank;
        let zero = vec![0.0; data.len()];
        let minus: Vec<f64> = stage.beta.iter().map(|b| -b).collect();
        fitted.push(data.rest(&zero, &instruments, &minus));
    }
    let both: Vec<&[f64]> =
        predictors.iter().copied().chain(fitted.iter().map(Vec::as_slice)).collect();
    let added: Vec<usize> = (p..both.len()).collect();
    found.endogeneity = data.regress(rows.y, &both, &added)?.wald;
    if n_instruments == 0 || variance.is_clustered() {
        return Ok(found);
    }
    let mut scratch = Scratch::default();
    let fit = fit_shaped(rows, shape, variance, Targets::Some(&[]), &mut scratch)?;
    let (beta, rss, n_obs) = (fit.beta.to_vec(), fit.rss, fit.n_obs);
    let df = n_instruments.saturating_sub(fit.rank);
    if df == 0 {
        return Ok(found);
    }
    let rest = data.rest(rows.y, &predictors, &beta);
    if variance == Variance::Classical {
        let mut x = instruments.concat();
        x.extend_from_slice(&rows.x[(p + shape.instruments) * rows.len()..]);
        let stage = data.fit(&rest, &x, rows.observations, &[])?;
        found.overidentification = Some([n_obs * (1.0 - stage.rss / rss), df as f64]);
    } else if shape.fixed == 0 {
        // The projections of the predictors: the exogenous ones are their own.
        let projected: Vec<&[f64]> = (0..p)
            .map(|j| match endogenous.iter().position(|e| *e == j) {
                Some(at) => fitted[at].as_slice(),
                None => predictors[j],
            })
            .collect();
        let chosen = &excluded[excluded.len().saturating_sub(df)..];
        let left: Result<Vec<Vec<f64>>, Failure> = chosen
            .iter()
            .map(|l| {
                let stage = data.regress(instruments[*l], &projected, &[])?;
                Ok(data.rest(instruments[*l], &projected, &stage.beta))
            })
            .collect();
        let value = score(&rest, &left?, rows.observations);
        found.overidentification = value.map(|value| [value, df as f64]);
    }
    Ok(found)
}

/// `s'S^-1 s`, over observations; none where `S` is singular.
fn score(rest: &[f64], left: &[Vec<f64>], observations: Observations) -> Option<f64> {
    let q = left.len();
    let (mut s, mut square) = (vec![0.0; q], vec![0.0; q * q]);
    for (i, u) in rest.iter().enumerate() {
        let (first, second) = match observations {
            Observations::Single => (*u, u * u),
            Observations::Weighted(w) => (w[i] * u, w[i] * w[i] * (u * u)),
            Observations::Collapsed { count, within } => {
                (count[i] * u, count[i] * (u * u) + within[i])
            }
        };
        for a in 0..q {
            s[a] += first * left[a][i];
            for b in 0..=a {
                square[a * q + b] += second * left[a][i] * left[b][i];
            }
        }
    }
    // Scaled to a unit diagonal, as the bound on pivots asks.
    let scale: Vec<f64> = (0..q).map(|a| square[a * q + a].sqrt()).collect();
    for a in 0..q {
        s[a] /= scale[a];
        for b in 0..=a {
            square[a * q + b] /= scale[a] * scale[b];
        }
    }
    inverse_form(&mut square, q, &mut s)
}
