//! Random draws, named after their distribution, with the field's usual parameters.

use rand::RngExt;
use rand_distr::{self as rd, Distribution as _, StandardNormal, StandardUniform};
use rand_pcg::Pcg64Dxsm;
use trialrun_lang::Span;

use super::random::generator;
use super::replay::Trace;
use super::words::shown;
use super::{Op, Operand, Stop, Values, Workspace};
use crate::ids::{ColumnId, LevelId};

/// A distribution to draw from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Distribution {
    Bernoulli,
    Beta,
    Binomial,
    Categorical,
    Exponential,
    Gamma,
    Lognormal,
    NegativeBinomial,
    Normal,
    Poisson,
    StudentT,
    Uniform,
}

/// A distribution's name, parameters and meaning.
pub struct Entry {
    /// The name in expressions.
    pub name: &'static str,
    /// The distribution.
    pub distribution: Distribution,
    /// Names of the parameters, in order; `...` takes one or more.
    pub parameters: &'static [&'static str],
    /// What it draws, in a line.
    pub doc: &'static str,
}

const fn entry(
    name: &'static str,
    distribution: Distribution,
    parameters: &'static [&'static str],
    doc: &'static str,
) -> Entry {
    Entry { name, distribution, parameters, doc }
}

/// Every distribution, alphabetical.
pub const DISTRIBUTIONS: &[Entry] = &[
    entry("bernoulli", Distribution::Bernoulli, &["p"], "1 with probability p, else 0"),
    entry("beta", Distribution::Beta, &["a", "b"], "on (0, 1), mean a / (a + b)"),
    entry("binomial", Distribution::Binomial, &["n", "p"], "successes in n trials"),
    entry(
        "categorical",
        Distribution::Categorical,
        &["p1", "..."],
        "1, 2, ... with probabilities p1, p2, ..., which sum to 1",
    ),
    entry("exponential", Distribution::Exponential, &["rate"], "mean 1 / rate"),
    entry("gamma", Distribution::Gamma, &["shape", "rate"], "mean shape / rate"),
    entry(
        "lognormal",
        Distribution::Lognormal,
        &["meanlog", "sdlog"],
        "exp of a normal draw with mean meanlog and standard deviation sdlog",
    ),
    entry(
        "negative_binomial",
        Distribution::NegativeBinomial,
        &["mean", "size"],
        "a count with variance mean + mean^2 / size",
    ),
    entry("normal", Distribution::Normal, &["mean", "sd"], "sd is the standard deviation"),
    entry("poisson", Distribution::Poisson, &["mean"], "a count with variance equal to its mean"),
    entry("student_t", Distribution::StudentT, &["df"], "Student's t, df degrees of freedom"),
    entry("uniform", Distribution::Uniform, &["low", "high"], "evenly between low and high"),
];

/// The largest mean of a Poisson draw: above it whole numbers are no longer told apart.
const MEAN_MAX: f64 = 1e15;

impl Distribution {
    /// The distribution's entry.
    pub fn entry(self) -> &'static Entry {
        DISTRIBUTIONS
            .iter()
            .find(|e| e.distribution == self)
            .expect("every distribution is listed, a test walks them")
    }

    /// What is wrong with the parameters, or nothing.
    pub fn complaint(self, args: &[f64]) -> Option<String> {
        let names = self.entry().parameters;
        let name = |i: usize| {
            if self == Self::Categorical { format!("p{}", i + 1) } else { names[i].to_string() }
        };
        let not =
            |i: usize, what: &str| Some(format!("`{}` is {}, {what}", name(i), shown(args[i])));
        if let Some(i) = args.iter().position(|a| !a.is_finite()) {
            return not(i, "not a finite number");
        }
        let probability = |i: usize| {
            let ok = (0.0..=1.0).contains(&args[i]);
            if ok { None } else { not(i, "not a probability between 0 and 1") }
        };
        let positive = |i: usize| if args[i] > 0.0 { None } else { not(i, "not above 0") };
        let least_0 = |i: usize| if args[i] >= 0.0 { None } else { not(i, "below 0") };
        match self {
            Self::Bernoulli => probability(0),
            Self::Binomial if args[0] < 0.0 || args[0].fract() != 0.0 || args[0] > MEAN_MAX => {
                not(0, "not a whole number of 0 or more")
            }
            Self::Binomial => probability(1),
            Self::Beta | Self::Gamma => positive(0).or_else(|| positive(1)),
            Self::Exponential | Self::StudentT => positive(0),
            Self::Lognormal | Self::Normal => least_0(1),
            Self::NegativeBinomial => least_0(0).or_else(|| positive(1)),
            Self::Poisson if args[0] > MEAN_MAX => not(0, "too large for whole numbers"),
            Self::Poisson => least_0(0),
            Self::Uniform if args[1] < args[0] => {
                let (low, high) = (shown(args[0]), shown(args[1]));
                Some(format!("`high` is {high}, below `low`, which is {low}"))
            }
            Self::Uniform => None,
            Self::Categorical => {
                let sum: f64 = args.iter().sum();
                (0..args.len()).find_map(probability).or_else(|| {
                    let ok = (sum - 1.0).abs() < 1e-9;
                    if ok {
                        None
                    } else {
                        Some(format!("the probabilities sum to {}, not to 1", shown(sum)))
                    }
                })
            }
        }
    }

    /// One draw, of valid parameters.
    fn one(self, rng: &mut Pcg64Dxsm, args: &[f64]) -> f64 {
        // The parameters were checked; a constructor of rand_distr that refuses them all the same
        // (a size beyond its range) gives a missing value, which the caller reports.
        let uniform = |rng: &mut Pcg64Dxsm| -> f64 { rng.sample(StandardUniform) };
        match self {
            Self::Bernoulli => f64::from(u8::from(uniform(rng) < args[0])),
            Self::Beta => rd::Beta::new(args[0], args[1]).map_or(f64::NAN, |d| d.sample(rng)),
            Self::Binomial => rd::Binomial::new(args[0] as u64, args[1])
                .map_or(f64::NAN, |d| d.sample(rng) as f64),
            Self::Exponential => {
                let draw: f64 = rd::Exp1.sample(rng);
                draw / args[0]
            }
            Self::Gamma => gamma(rng, args[0], 1.0 / args[1]),
            Self::Lognormal => (args[0] + args[1] * normal(rng)).exp(),
            Self::NegativeBinomial => {
                // A Poisson draw whose mean is a gamma draw (Greenwood and Yule 1920).
                let mean = if args[0] > 0.0 { gamma(rng, args[1], args[0] / args[1]) } else { 0.0 };
                poisson(rng, mean)
            }
            Self::Normal => args[0] + args[1] * normal(rng),
            Self::Poisson => poisson(rng, args[0]),
            Self::StudentT => rd::StudentT::new(args[0]).map_or(f64::NAN, |d| d.sample(rng)),
            Self::Uniform => args[0] + (args[1] - args[0]) * uniform(rng),
            Self::Categorical => {
                let u = uniform(rng);
                let mut reached = 0.0;
                let last = args.iter().rposition(|p| *p > 0.0).unwrap_or(0);
                let drawn = args.iter().take(last).position(|p| {
                    reached += p;
                    u < reached
                });
                (drawn.unwrap_or(last) + 1) as f64
            }
        }
    }
}

#[inline(always)]
fn normal(rng: &mut Pcg64Dxsm) -> f64 {
    StandardNormal.sample(rng)
}

fn gamma(rng: &mut Pcg64Dxsm, shape: f64, scale: f64) -> f64 {
    rd::Gamma::new(shape, scale).map_or(f64::NAN, |d| d.sample(rng))
}

fn poisson(rng: &mut Pcg64Dxsm, mean: f64) -> f64 {
    if mean == 0.0 {
        return 0.0;
    }
    rd::Poisson::new(mean).map_or(f64::NAN, |d| d.sample(rng))
}

/// Draws a column: one number for each unit of a level.
pub struct Draw {
    /// The distribution.
    pub distribution: Distribution,
    /// Its parameters.
    pub args: Vec<Operand>,
    /// The level.
    pub level: LevelId,
    /// The stream of draws.
    pub key: u64,
    /// The column that is drawn.
    pub out: ColumnId,
    /// Where the draw stands in the design.
    pub span: Span,
}

/// Most parameters of a distribution.
pub const ARGS_MAX: usize = 32;

impl Op for Draw {
    fn run(&self, ws: &mut Workspace) -> Result<(), Stop> {
        let n = ws.size(self.level);
        let mut out = ws.take(self.out, n);
        let mut rng = generator(ws.seed, ws.sim, self.key);
        let mut args = [Values::Same(0.0); ARGS_MAX];
        for (values, operand) in args.iter_mut().zip(&self.args) {
            *values = ws.values(*operand, 0, n);
        }
        let args = &args[..self.args.len()];
        let result = self.fill(&mut rng, args, &mut out);
        ws.put(self.out, out);
        result
    }

    fn trace(&self, trace: &mut Trace<'_>) {
        let args: Vec<ColumnId> = self.args.iter().filter_map(|arg| arg.column()).collect();
        trace.draws(&args, self.out);
    }
}

impl Draw {
    /// Fills the column. The draws that populations are mostly made of have loops of their own;
    /// the results are those of the plain loop.
    fn fill(&self, rng: &mut Pcg64Dxsm, args: &[Values<'_>], out: &mut [f64]) -> Result<(), Stop> {
        match (self.distribution, args) {
            (Distribution::Normal, [mean, Values::Same(sd)]) if *sd >= 0.0 && sd.is_finite() => {
                out.fill_with(|| normal(rng));
                match mean {
                    Values::Same(mean) => out.iter_mut().for_each(|z| *z = mean + sd * *z),
                    Values::Each(mean) => {
                        out.iter_mut().zip(*mean).for_each(|(z, m)| *z = m + sd * *z);
                    }
                }
                self.check_finite(out, args)
            }
            (Distribution::Uniform, [Values::Same(low), Values::Same(high)]) if low <= high => {
                let width = high - low;
                out.fill_with(|| {
                    let u: f64 = rng.sample(StandardUniform);
                    low + width * u
                });
                self.check_finite(out, args)
            }
            _ => self.fill_plainly(rng, args, out),
        }
    }

    fn fill_plainly(
        &self,
        rng: &mut Pcg64Dxsm,
        args: &[Values<'_>],
        out: &mut [f64],
    ) -> Result<(), Stop> {
        let mut now = [0.0; ARGS_MAX];
        let now = &mut now[..args.len()];
        let fixed = args.iter().all(|a| matches!(a, Values::Same(_)));
        for (i, o) in out.iter_mut().enumerate() {
            if i == 0 || !fixed {
                now.iter_mut().zip(args).for_each(|(value, arg)| *value = arg.get(i));
                if let Some(complaint) = self.distribution.complaint(now) {
                    return Err(self.stop(&complaint, i));
                }
            }
            *o = self.distribution.one(rng, now);
            if o.is_nan() {
                return Err(self.stop("no number can be drawn with these parameters", i));
            }
        }
        Ok(())
    }

    /// A mean that is not finite shows in the draws.
    fn check_finite(&self, out: &[f64], args: &[Values<'_>]) -> Result<(), Stop> {
        if super::reduce::sum(out).is_finite() {
            return Ok(());
        }
        let Some(unit) = out.iter().position(|v| !v.is_finite()) else { return Ok(()) };
        let now: Vec<f64> = args.iter().map(|a| a.get(unit)).collect();
        let complaint = self.distribution.complaint(&now);
        Err(self.stop(complaint.as_deref().unwrap_or("a draw is not finite"), unit))
    }

    fn stop(&self, complaint: &str, unit: usize) -> Stop {
        let name = self.distribution.entry().name;
        Stop::at(self.span, format!("`{name}` can not be drawn: {complaint}"), "this draw")
            .hint(format!("this showed in unit {} of its level", unit + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(distribution: Distribution, args: &[f64], n: usize) -> Vec<f64> {
        let mut rng = generator(1, 2, 3);
        (0..n).map(|_| distribution.one(&mut rng, args)).collect()
    }

    /// Mean and variance of each distribution against closed forms, within 5 standard errors.
    #[test]
    fn moments_are_those_of_theory() {
        let cases: &[(Distribution, &[f64], f64, f64)] = &[
            (Distribution::Bernoulli, &[0.3], 0.3, 0.21),
            (Distribution::Beta, &[2.0, 3.0], 0.4, 0.04),
            (Distribution::Binomial, &[10.0, 0.3], 3.0, 2.1),
            (Distribution::Categorical, &[0.5, 0.3, 0.2], 1.7, 0.61),
            (Distribution::Exponential, &[4.0], 0.25, 0.0625),
            (Distribution::Gamma, &[3.0, 2.0], 1.5, 0.75),
            (Distribution::Lognormal, &[0.0, 0.5], 1.133_148_453_066_826_3, 0.364_695_8),
            (Distribution::NegativeBinomial, &[4.0, 2.0], 4.0, 12.0),
            (Distribution::Normal, &[1.0, 2.0], 1.0, 4.0),
            (Distribution::Poisson, &[20.0], 20.0, 20.0),
            (Distribution::StudentT, &[10.0], 0.0, 1.25),
            (Distribution::Uniform, &[-1.0, 3.0], 1.0, 16.0 / 12.0),
        ];
        assert_eq!(cases.len(), DISTRIBUTIONS.len());
        let n = 200_000;
        for (distribution, args, mean, variance) in cases {
            let x = draws(*distribution, args, n);
            let m = x.iter().sum::<f64>() / n as f64;
            let squares: Vec<f64> = x.iter().map(|v| (v - mean) * (v - mean)).collect();
            let v = squares.iter().sum::<f64>() / n as f64;
            let fourth = squares.iter().map(|s| (s - v) * (s - v)).sum::<f64>() / n as f64;
            let name = distribution.entry().name;
            assert!((m - mean).abs() < 5.0 * (variance / n as f64).sqrt(), "{name}: mean {m}");
            assert!((v - variance).abs() < 5.0 * (fourth / n as f64).sqrt(), "{name}: var {v}");
        }
    }

    #[test]
    fn wrong_parameters_are_named() {
        let complaint = Distribution::Normal.complaint(&[0.0, -1.0]).unwrap();
        assert_eq!(complaint, "`sd` is -1, below 0");
        assert!(Distribution::Categorical.complaint(&[0.5, 0.4]).unwrap().contains("sum to 0.9"));
        assert!(Distribution::Uniform.complaint(&[1.0, 0.0]).is_some());
        assert!(Distribution::Poisson.complaint(&[f64::NAN]).is_some());
    }
}
