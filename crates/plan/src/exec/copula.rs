//! Draws from any distribution that go with normal ones: a Gaussian copula.

use trialrun_lang::Span;
use trialrun_stats::special::{beta, chi_squared, fisher_f, incomplete_gamma, normal, student_t};

use super::draw::{ARGS_MAX, Distribution};
use super::replay::Trace;
use super::{Op, Operand, Stop, Values, Workspace};
use crate::ids::{ColumnId, LevelId};

/// Takes normal numbers to the values of a distribution that have as much below them.
pub struct FromNormal {
    /// The distribution.
    pub distribution: Distribution,
    /// Its parameters.
    pub args: Vec<Operand>,
    /// The standard normal numbers.
    pub z: Operand,
    /// The level.
    pub level: LevelId,
    /// The values.
    pub out: ColumnId,
    /// Where the distribution stands in the design.
    pub span: Span,
}

impl Op for FromNormal {
    fn run(&self, ws: &mut Workspace) -> Result<(), Stop> {
        let n = ws.size(self.level);
        let mut out = ws.take(self.out, n);
        let z = ws.values(self.z, 0, n);
        let mut values = [Values::Same(0.0); ARGS_MAX];
        for (value, operand) in values.iter_mut().zip(&self.args) {
            *value = ws.values(*operand, 0, n);
        }
        let mut now = [0.0; ARGS_MAX];
        let now = &mut now[..self.args.len()];
        for (i, o) in out.iter_mut().enumerate() {
            now.iter_mut().zip(&values).for_each(|(arg, value)| *arg = value.get(i));
            if let Some(complaint) = self.distribution.complaint(now) {
                let name = self.distribution.entry().name;
                let message = format!("`{name}` can not be drawn: {complaint}");
                return Err(Stop::at(self.span, message, "this draw")
                    .hint(format!("this showed in unit {} of its level", i + 1)));
            }
            *o = from_normal(self.distribution, z.get(i), now);
        }
        ws.put(self.out, out);
        Ok(())
    }

    fn trace(&self, trace: &mut Trace<'_>) {
        let args = self.args.iter().chain([&self.z]);
        let args: Vec<ColumnId> = args.filter_map(|arg| arg.column()).collect();
        trace.draws(&args, self.out);
    }
}

/// The value of a distribution below which a draw falls as often as a standard normal one below
/// `z`. It grows with `z`. Parameters are valid.
pub fn from_normal(distribution: Distribution, z: f64, args: &[f64]) -> f64 {
    let (below, above) = (normal::cdf(z), normal::upper(z));
    let a = |i: usize| args.get(i).copied().unwrap_or(0.0);
    match distribution {
        Distribution::Bernoulli => f64::from(u8::from(above < a(0))),
        Distribution::Beta => {
            let f = fisher_f::quantile(below, 2.0 * a(0), 2.0 * a(1));
            if f.is_infinite() { 1.0 } else { a(0) * f / (a(0) * f + a(1)) }
        }
        Distribution::Binomial => {
            let (n, p) = (a(0), a(1));
            let sd = (n * p * (1.0 - p)).sqrt();
            let cdf = |k: f64| if k >= n { 1.0 } else { beta::lower(n - k, k + 1.0, 1.0 - p, p) };
            whole_quantile(below, n * p + z * sd, cdf).min(n)
        }
        Distribution::Categorical => {
            let mut reached = 0.0;
            let last = args.iter().rposition(|p| *p > 0.0).unwrap_or(0);
            let found = args.iter().take(last).position(|p| {
                reached += p;
                below < reached
            });
            (found.unwrap_or(last) + 1) as f64
        }
        Distribution::Exponential => -above.ln() / a(0),
        Distribution::Gamma => chi_squared::quantile(below, 2.0 * a(0)) / (2.0 * a(1)),
        Distribution::Lognormal => (a(0) + a(1) * z).exp(),
        Distribution::NegativeBinomial => {
            let (mean, size) = (a(0), a(1));
            let p = size / (size + mean);
            let sd = (mean + mean * mean / size).sqrt();
            whole_quantile(below, mean + z * sd, |k| beta::lower(size, k + 1.0, p, 1.0 - p))
        }
        Distribution::Normal => a(0) + a(1) * z,
        Distribution::Poisson if a(0) == 0.0 => 0.0,
        Distribution::Poisson => {
            let mean = a(0);
            let cdf = |k: f64| incomplete_gamma::upper(k + 1.0, mean);
            whole_quantile(below, mean + z * mean.sqrt(), cdf)
        }
        Distribution::StudentT => student_t::quantile(below, a(0)),
        Distribution::Uniform => a(0) + (a(1) - a(0)) * below,
    }
}

/// The smallest whole number from 0 at which a distribution function reaches `p`.
fn whole_quantile(p: f64, start: f64, cdf: impl Fn(f64) -> f64) -> f64 {
    let reaches = |k: f64| cdf(k) >= p;
    let start = if start.is_finite() { start.floor().max(0.0) } else { 0.0 };
    // A bracket: `low` does not reach p (or is -1), `high` does.
    let (mut low, mut high, mut step) = (-1.0, start, 1.0);
    while !reaches(high) && high < 1e15 {
        (low, high, step) = (high, high + step, 2.0 * step);
    }
    if low < 0.0 {
        let (mut at, mut step) = (high, 1.0);
        while at > 0.0 && reaches(at) {
            (high, at, step) = (at, (at - step).max(0.0), 2.0 * step);
        }
        if reaches(at) {
            return at;
        }
        low = at;
    }
    while high - low > 1.0 {
        let middle = ((low + high) / 2.0).floor();
        if reaches(middle) { high = middle } else { low = middle }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    /// qpois, qbinom, qnbinom, qgamma, qbeta and qt of R 4.2.2 at pnorm(z).
    #[test]
    fn quantiles_are_those_of_r() {
        // R: u <- pnorm(c(-2, -0.5, 0, 1.3, 3))
        let z = [-2.0, -0.5, 0.0, 1.3, 3.0];
        let whole: &[(Distribution, &[f64], [f64; 5])] = &[
            (Distribution::Poisson, &[4.0], [1.0, 3.0, 4.0, 7.0, 11.0]),
            (Distribution::Binomial, &[10.0, 0.3], [0.0, 2.0, 3.0, 5.0, 8.0]),
            (Distribution::Bernoulli, &[0.4], [0.0, 0.0, 0.0, 1.0, 1.0]),
            (Distribution::Categorical, &[0.2, 0.5, 0.3], [1.0, 2.0, 2.0, 3.0, 3.0]),
        ];
        for (distribution, args, expected) in whole {
            assert_eq!(z.map(|z| from_normal(*distribution, z, args)), *expected);
        }
        // Exponential is gamma of shape 1, and uniform is beta(1, 1): closed forms.
        for z in z {
            let e = from_normal(Distribution::Exponential, z, &[2.0]);
            let g = from_normal(Distribution::Gamma, z, &[1.0, 2.0]);
            assert!((e - g).abs() < 1e-12 * e.abs(), "{e} {g}");
            let b = from_normal(Distribution::Beta, z, &[1.0, 1.0]);
            assert!((b - normal::cdf(z)).abs() < 1e-12);
            let t = from_normal(Distribution::StudentT, z, &[1.0]);
            let cauchy = (std::f64::consts::PI * (normal::cdf(z) - 0.5)).tan();
            assert!((t - cauchy).abs() < 1e-9 * cauchy.abs().max(1.0), "{t} {cauchy}");
        }
    }

    /// A whole quantile is where a sum of probabilities first reaches the share.
    #[test]
    fn whole_quantiles_are_found_by_adding_up() {
        for i in 0..400 {
            let z = -4.0 + 0.02 * f64::from(i);
            let u = normal::cdf(z);
            let mean = 0.3 + 0.2 * f64::from(i % 50);
            let (mut k, mut p) = (0.0, (-mean).exp());
            let mut reached = p;
            while reached < u - 1e-12 {
                k += 1.0;
                p *= mean / k;
                reached += p;
            }
            let found = from_normal(Distribution::Poisson, z, &[mean]);
            // Where the share is that of a whole number to the last digit either may be taken.
            assert!(found == k || (reached - u).abs() < 1e-10, "{z}, {mean}: {found}, not {k}");
        }
    }
}
