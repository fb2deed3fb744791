//! The pairs bootstrap of least squares: rows, or whole clusters, are drawn with replacement.
//!
//! Each replicate draws as many rows as there are, or as many clusters where the method has
//! `clusters`, and fits them. Treatment and covariates are drawn with the outcome. The `std_error`
//! is the standard deviation of the replicates' estimates, `statistic` the estimate over it; the
//! degrees of freedom stay those of the method.
//!
//! # Fields
//! - `replicates`: how many; 999 if nothing is given.
//! - `interval`: `Percentile` (the default): quantiles of the replicates' estimates. `Studentised`:
//!   quantiles of their t statistics, which is more exact in small samples.
//!
//! It is an `inference` of `LmRobust`, of its `hypotheses` and `joint` tests too.
//!
//! # Formula
//! With B replicates and `k = floor((B + 1) alpha / 2)`, Percentile is from the k-th smallest to
//! the k-th largest `b*`. Studentised is from `b - t*_(k-th largest) se` to
//! `b - t*_(k-th smallest) se`, with `t* = (b* - b) / se*` and CR0 standard errors (HC0 where rows
//! are drawn), the ones that sums of each cluster give. The p-value is the smallest alpha at which
//! 0 is outside: `2 (1 + #{b* <= 0}) / (B + 1)` or the same of the other side, the smaller, and at
//! most 1.
//!
//! A joint test of `L b = c` has the statistic `(L b - c)'(L S L')^-1 (L b - c) / q`, S the
//! covariance of the replicates' estimates. Its p-value is the share of replicates, the data
//! counted as one of them, whose `b* - b` lies as far out as `L b - c`: by the same S (Percentile),
//! or each by its own CR0 variance (Studentised).
//!
//! # When it fails
//! A replicate whose coefficients can not be told apart, as where every cluster that it drew is
//! treated, is left out. `replicates_lost`: more than half of them were.
//!
//! # Assumptions
//! Rows (clusters) are drawn independently from one population, and there are many of them. With
//! few clusters `WildCluster` is better: here the number of treated clusters varies from replicate
//! to replicate.
//!
//! # Example
//! ```ron
//! Estimator(label: "Bootstrap", estimand: ate, term: treatment,
//!     method: LmRobust(formula: "score ~ treatment", clusters: class),
//!     inference: Bootstrap(replicates: 499, interval: Studentised)),
//! ```
//!
//! # References
//! Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapters 12 and 13. Davison and
//! Hinkley 1997, Bootstrap Methods and their Application, chapter 5. Cameron, Gelbach and Miller
//! 2008, Review of Economics and Statistics 90:414.

use rand::RngExt;
use rand_pcg::Pcg64Dxsm;
use trialrun_lang::Diagnostic;
use trialrun_stats::Failure;
use trialrun_stats::ols::Variance;
use trialrun_stats::resample::Joint;
use trialrun_stats::resample::pairs::{self, Replicate};
use trialrun_stats::resample::wild::Null;

use super::{Declared, Fitted, Infer, Of, Scratch};
use super::{begin_joint, each, enough, least_squares, sums_of};
use crate::compile::Compiler;
use crate::declared::{Fields, Reader};
use crate::estimators::{Estimation, JointTest};
use crate::exec::Workspace;
use crate::exec::random::{generator, stream_key};
use crate::exec::workspace::grow;
use crate::result::Estimate;

/// Replicates where nothing is given.
const REPLICATES: u64 = 999;

/// A pairs bootstrap, as declared.
#[derive(Clone, Debug)]
pub struct Bootstrap {
    replicates: u64,
    interval: Interval,
}

/// Which quantiles make the interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Interval {
    Percentile,
    Studentised,
}

const INTERVALS: &[(&str, Interval)] =
    &[("Percentile", Interval::Percentile), ("Studentised", Interval::Studentised)];

impl Declared for Bootstrap {
    fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let replicates = f.take(r, "replicates").map(|node| r.count(node, 1));
        let interval = f.take(r, "interval").map(|node| r.choice(node, INTERVALS));
        Some(Self {
            replicates: replicates.unwrap_or(Some(REPLICATES))?,
            interval: interval.unwrap_or(Some(Interval::Percentile))?,
        })
    }

    fn needs_single_rows(&self) -> bool {
        true
    }

    fn compile(&self, cx: &mut Compiler<'_>, of: &Of<'_>) -> Option<Box<dyn Infer>> {
        least_squares(cx, of, "Bootstrap")?;
        if of.model.terms.iter().any(|term| term.centred_from.is_some()) {
            let message = "`Bootstrap` does not go with covariates around their means";
            let error = Diagnostic::error(of.span, message)
                .label("the means would vary from replicate to replicate")
                .hint("use `WildCluster`, or write the products in the formula of `LmRobust`");
            cx.report(error);
            return None;
        }
        enough(cx, self.replicates, cx.alpha / 2.0, of.span)?;
        let key = stream_key("inference", of.label, 0);
        Some(Box::new(Pairs { declared: self.clone(), alpha: cx.alpha, key }))
    }

    fn describe(&self) -> String {
        let n = self.replicates;
        let find = |(_, i): &&(&str, Interval)| *i == self.interval;
        let name = INTERVALS.iter().find(find).map_or("", |(name, _)| name).to_lowercase();
        format!("p-values and {name} intervals by {n} bootstraps of pairs")
    }
}

/// The bootstrap of one estimator.
struct Pairs {
    declared: Bootstrap,
    alpha: f64,
    key: u64,
}

impl Infer for Pairs {
    fn infer(&self, of: &Estimation, ws: &mut Workspace, fitted: Fitted<'_>) {
        each(
            ws,
            fitted,
            |ws, i, estimate, s| self.one(of, ws, i, estimate, s),
            |ws, test, found, s| self.all(of, ws, test, found, s),
        );
    }
}

impl Pairs {
    /// Test and interval of one coefficient. Every coefficient sees the same draws.
    fn one(
        &self,
        of: &Estimation,
        ws: &mut Workspace,
        i: usize,
        estimate: Estimate,
        s: &mut Scratch,
    ) -> Result<Estimate, Failure> {
        let value = sums_of(of, ws, Variance::Cr0, i, &mut s.sums)?;
        let Scratch { sums, pairs, numbers, work, .. } = s;
        let n = self.declared.replicates as usize;
        grow(pairs, n);
        grow(numbers, sums.n_clusters());
        let mut rng = generator(ws.seed, ws.sim, self.key);
        let mut used = 0;
        for _ in 0..n {
            draw(&mut rng, numbers);
            if let Some(replicate) = pairs::replicate(sums, numbers, work) {
                pairs[used] = replicate;
                used += 1;
            }
        }
        let tail = ((used + 1) as f64 * self.alpha / 2.0 + 1e-9).floor() as usize;
        if 2 * used < n || tail == 0 {
            return Err(Failure::ReplicatesLost);
        }
        let scale = match self.declared.interval {
            Interval::Percentile => sums.unit[0],
            Interval::Studentised => pairs::std_error(sums) * sums.unit[0],
        };
        let distance = estimate.estimate - value;
        let found = self.ends(&pairs[..used], tail, distance / scale, work);
        let std_error = spread(&pairs[..used]) * sums.unit[0];
        if !(std_error.is_finite() && std_error > 0.0) {
            return Err(Failure::ZeroStandardError);
        }
        Ok(Estimate {
            std_error,
            statistic: distance / std_error,
            p_value: found.p_value,
            conf_low: estimate.estimate + found.low * scale,
            conf_high: estimate.estimate + found.high * scale,
            ..estimate
        })
    }

    /// Test of several hypotheses.
    fn all(
        &self,
        of: &Estimation,
        ws: &mut Workspace,
        test: &JointTest,
        found: Estimate,
        s: &mut Scratch,
    ) -> Result<Estimate, Failure> {
        begin_joint(of, ws, Variance::Cr0, test, Null::Unrestricted, s)?;
        let Scratch { sums, joint, numbers, changes, forms, .. } = s;
        let (n, q) = (self.declared.replicates as usize, test.q);
        grow(numbers, sums.n_clusters());
        grow(changes, n * q);
        grow(forms, n);
        let mut rng = generator(ws.seed, ws.sim, self.key);
        let mut used = 0;
        for _ in 0..n {
            draw(&mut rng, numbers);
            if let Some(form) = joint.pairs(sums, numbers, &mut changes[used * q..][..q]) {
                forms[used] = form;
                used += 1;
            }
        }
        if 2 * used < n || used <= q {
            return Err(Failure::ReplicatesLost);
        }
        let (changes, forms) = (&changes[..used * q], &mut forms[..used]);
        if !joint.measure(changes, q) {
            return Err(Failure::SingularVariance);
        }
        let distance = joint.distance_of_data(q);
        let mut data = joint.observed;
        if self.declared.interval == Interval::Percentile {
            let each = forms.iter_mut().zip(changes.chunks_exact(q));
            each.for_each(|(form, change)| *form = joint.distance(change));
            data = distance;
        }
        let extreme = forms.iter().filter(|form| Joint::is_extreme(**form, data)).count();
        let p_value = (1 + extreme) as f64 / (1 + used) as f64;
        Ok(Estimate { statistic: distance / q as f64, p_value, ..found })
    }

    /// The quantiles of the replicates and the p-value. `point` is the estimate in the coordinates
    /// of the replicates, over its standard error where they are studentised.
    fn ends(&self, pairs: &[Replicate], tail: usize, point: f64, x: &mut Vec<f64>) -> Ends {
        grow(x, pairs.len());
        for (x, pair) in x.iter_mut().zip(pairs) {
            *x = match self.declared.interval {
                Interval::Percentile => pair.change,
                Interval::Studentised => -pair.statistic,
            };
        }
        let below = x.iter().filter(|x| **x <= -point).count();
        let above = x.iter().filter(|x| **x >= -point).count();
        let n = x.len();
        let (_, low, rest) = x.select_nth_unstable_by(tail - 1, f64::total_cmp);
        let low = *low;
        // Less than a half is in each tail: the k-th largest lies behind the k-th smallest.
        let high = *rest.select_nth_unstable_by(n - 2 * tail, f64::total_cmp).1;
        let p_value = 2.0 * (1 + below.min(above)) as f64 / (n + 1) as f64;
        Ends { low, high, p_value: p_value.min(1.0) }
    }
}

/// Ends of an interval less the estimate, and the p-value.
struct Ends {
    low: f64,
    high: f64,
    p_value: f64,
}

/// Draws as many clusters as there are, with replacement: how often each.
fn draw(rng: &mut Pcg64Dxsm, counts: &mut [f64]) {
    counts.fill(0.0);
    for _ in 0..counts.len() {
        let g = rng.random_range(0..counts.len());
        counts[g] += 1.0;
    }
}

/// The standard deviation of the replicates, divisor n - 1.
fn spread(pairs: &[Replicate]) -> f64 {
    let n = pairs.len() as f64;
    let mean = pairs.iter().map(|p| p.change).sum::<f64>() / n;
    let squares: f64 = pairs.iter().map(|p| (p.change - mean) * (p.change - mean)).sum();
    (squares / (n - 1.0)).sqrt()
}
