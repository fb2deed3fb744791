//! Heteroskedasticity-consistent variances: HC0 to HC3.

use super::active::Active;
use super::decompose::Decomposition;
use super::{Robust, Variance};
use crate::Observations;
use crate::linalg::room;
use crate::linalg::vector::dot_weighted;

/// Observations with `1 - h` up to this have residual zero by construction.
const LEVERAGE_GAP_MIN: f64 = 1e-12;

/// Fills the meat `factor sum_i omega_i q_i q_i'`.
///
/// `omega` is `e^2`, `e^2 / (1 - h)` or `e^2 / (1 - h)^2` and `h = |q|^2` of one observation,
/// both with the root of the weight. An observation that fits itself (`h = 1`) has `e = 0`; the
/// ratio of rounding errors is set to zero, as estimatr does where it is not finite.
/// A collapsed row of `c` observations has `h = |q|^2 / c` and `sum e^2` with its sum of squares.
///
/// # References
/// MacKinnon and White (1985), Journal of Econometrics 29:305, whose HC3 is the jackknife that
/// `e^2 / (1 - h)^2` approximates (Davidson and MacKinnon 1993, section 16.3).
pub(super) fn meat(
    active: &Active,
    parts: &Decomposition,
    variance: Variance,
    factor: f64,
    robust: &mut Robust,
) {
    let (m, k) = (parts.m, parts.rank);
    let omega = room(&mut robust.long, 2 * m);
    let (omega, leverage) = omega.split_at_mut(m);
    for (o, e) in omega.iter_mut().zip(&parts.e) {
        *o = factor * (e * e);
    }
    leverages(active, parts, variance, leverage);
    if let Observations::Collapsed { count, within } = active.rows.observations {
        // q_i of the row is the root of the count times that of an observation.
        for i in 0..m {
            omega[i] = (omega[i] + factor * within[i]) / count[i];
            leverage[i] /= count[i];
        }
    }
    match variance {
        Variance::Hc2 => inflate(omega, leverage, |gap| gap),
        Variance::Hc3 => inflate(omega, leverage, |gap| gap * gap),
        _ => (),
    }
    let meat = room(&mut robust.meat, k * k);
    for a in 0..k {
        let qa = &parts.q[a * m..(a + 1) * m];
        for b in 0..=a {
            let v = dot_weighted(qa, &parts.q[b * m..(b + 1) * m], omega);
            meat[a * k + b] = v;
            meat[b * k + a] = v;
        }
    }
}

/// Row sums of squares of `Q`, and of what was absorbed, where the variance asks for them; zero
/// elsewhere.
fn leverages(active: &Active, parts: &Decomposition, variance: Variance, leverage: &mut [f64]) {
    leverage.fill(0.0);
    if !matches!(variance, Variance::Hc2 | Variance::Hc3) {
        return;
    }
    let m = parts.m;
    if let Some(levels) = active.levels {
        levels.leverages(active.weights(), leverage);
    }
    for q in parts.q[..parts.rank * m].chunks_exact(m) {
        for (h, q) in leverage.iter_mut().zip(q) {
            *h += q * q;
        }
    }
}

/// Divides each `omega` by a function of `1 - h`.
#[inline(always)]
fn inflate(omega: &mut [f64], leverage: &[f64], divisor: impl Fn(f64) -> f64) {
    for (o, h) in omega.iter_mut().zip(leverage) {
        let gap = 1.0 - h;
        *o = if gap <= LEVERAGE_GAP_MIN { 0.0 } else { *o / divisor(gap) };
    }
}
