//! The wild cluster bootstrap of least squares: tests and intervals with few clusters.
//!
//! Each replicate multiplies the residuals of a cluster by one random weight, adds them to fitted
//! values, and fits again. The `p_value` is the share of replicates with a t statistic at least as
//! large as that of the data, in absolute size; the interval has the values that this test does not
//! reject. Estimate, standard error and degrees of freedom stay those of the method, and t
//! statistics use its standard error, in replicates as in the data.
//!
//! # Fields
//! - `replicates`: how many; 999 if nothing is given.
//! - `weights`: `Rademacher` (1 and -1; the default), or `Webb` (six values, for ten clusters or
//!   fewer).
//! - `null`: `Imposed` (the default): fitted values and residuals are those of the fit in which
//!   the coefficient has the value tested ("WCR"). `Unrestricted`: those of the fit ("WCU").
//!
//! It is an `inference` of `LmRobust` or `Lin` with `clusters`, of their `hypotheses` and `joint`
//! tests too.
//!
//! # Formula
//! `p(b0) = (1 + #{|t*| >= |t|}) / (1 + replicates)`, `t = (b - b0) / se`. With Rademacher weights
//! and J clusters there are `2^(J - 1)` replicates that differ (a vector of weights and its
//! negative give the same `|t*|`); where these are no more than `replicates` all are made, and `p`
//! is their share itself. Then p is a multiple of `2^(1 - J)`.
//!
//! Nothing is refitted: a replicate is made from sums of each cluster, and t* is a function of
//! `b0` that is known once it is made (its numerator is linear in b0, its variance quadratic). The
//! interval is `{b0: p(b0) > alpha}`: steps from the estimate look for a value that is rejected,
//! and bisection finds the end to 1e-10 standard errors or so. With the null not imposed it is
//! `b +- q se`, q the quantile of `|t*|`. Where nothing is rejected, as with 5 clusters at level
//! 0.05, ends are infinite, and `ci_width` leaves the simulation out.
//!
//! A joint test of `L b = c` compares Wald's form `(L b - c)'(L V L')^-1 (L b - c)` with those of
//! the replicates, whose fitted values and residuals are those of the fit in which all of its
//! hypotheses hold. With the null not imposed they are those of the fit, and a replicate's form is
//! about `L b`. For one hypothesis that is the test above. Statistic and degrees of freedom stay
//! those of the method.
//!
//! # Assumptions
//! Clusters are independent, and many enough, or alike enough in both arms. With one or two treated
//! clusters it fails: with the null imposed it rejects too rarely, otherwise far too often
//! (MacKinnon and Webb 2017).
//!
//! # Example
//! ```ron
//! Estimator(label: "Wild", estimand: ate, term: treatment,
//!     method: LmRobust(formula: "score ~ treatment", clusters: class, se: Stata),
//!     inference: WildCluster(replicates: 999)),
//! ```
//!
//! # References
//! Cameron, Gelbach and Miller 2008, Review of Economics and Statistics 90:414. Webb 2023,
//! Canadian Journal of Economics 56:839. MacKinnon 2023, Econometrics and Statistics 26:52.
//! Roodman, MacKinnon, Nielsen and Webb 2019, Stata Journal 19:4 (joint tests too). MacKinnon and
//! Webb 2017, Journal of Applied Econometrics 32:233.

use rand::{Rng, RngExt};
use rand_pcg::Pcg64Dxsm;
use trialrun_lang::Diagnostic;
use trialrun_stats::Failure;
use trialrun_stats::ols::Variance;
use trialrun_stats::resample::Joint;
use trialrun_stats::resample::wild::{self, Null};

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

/// A wild cluster bootstrap, as declared.
#[derive(Clone, Debug)]
pub struct WildCluster {
    replicates: u64,
    weights: Weights,
    null: Null,
}

/// The distribution of a cluster's weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weights {
    Rademacher,
    Webb,
}

const WEIGHTS: &[(&str, Weights)] = &[("Rademacher", Weights::Rademacher), ("Webb", Weights::Webb)];
const NULLS: &[(&str, Null)] = &[("Imposed", Null::Imposed), ("Unrestricted", Null::Unrestricted)];

impl Declared for WildCluster {
    fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let replicates = f.take(r, "replicates").map(|node| r.count(node, 1));
        let weights = f.take(r, "weights").map(|node| r.choice(node, WEIGHTS));
        let null = f.take(r, "null").map(|node| r.choice(node, NULLS));
        Some(Self {
            replicates: replicates.unwrap_or(Some(REPLICATES))?,
            weights: weights.unwrap_or(Some(Weights::Rademacher))?,
            null: null.unwrap_or(Some(Null::Imposed))?,
        })
    }

    fn needs_single_rows(&self) -> bool {
        false
    }

    fn compile(&self, cx: &mut Compiler<'_>, of: &Of<'_>) -> Option<Box<dyn Infer>> {
        let variance = least_squares(cx, of, "WildCluster")?;
        if !variance.is_clustered() {
            let error = Diagnostic::error(of.span, "`WildCluster` needs `clusters`")
                .label("the method has none")
                .hint("add `clusters: ...` to the method");
            cx.report(error);
            return None;
        }
        if variance == Variance::Cr2 && of.model.is_weighted() {
            let message = "`WildCluster` does not go with CR2 and weights";
            let error = Diagnostic::error(of.span, message).label("not with this standard error");
            cx.report(error.hint("use `se: Stata`"));
            return None;
        }
        enough(cx, self.replicates, cx.alpha, of.span)?;
        let key = stream_key("inference", of.label, 0);
        Some(Box::new(Wild { declared: self.clone(), variance, alpha: cx.alpha, key }))
    }

    fn describe(&self) -> String {
        let find = |null: Null| NULLS.iter().find(|(_, n)| *n == null).map_or("", |(name, _)| name);
        let weights = WEIGHTS.iter().find(|(_, w)| *w == self.weights).map_or("", |(name, _)| name);
        let null = find(self.null).to_lowercase();
        let n = self.replicates;
        format!("p-values and intervals by {n} wild cluster bootstraps ({weights}, null {null})")
    }
}

/// The bootstrap of one estimator.
struct Wild {
    declared: WildCluster,
    variance: Variance,
    alpha: f64,
    key: u64,
}

impl Infer for Wild {
    fn infer(&self, of: &Estimation, ws: &mut Workspace, fitted: Fitted<'_>) {
        each(
            ws,
            fitted,
            |ws, i, estimate, s| self.one(of, ws, i, estimate, s),
            |ws, test, found, s| self.all(of, ws, test, found, s),
        );
    }
}

impl Wild {
    /// Test and interval of one coefficient. Every coefficient sees the same weights.
    fn one(
        &self,
        of: &Estimation,
        ws: &mut Workspace,
        i: usize,
        estimate: Estimate,
        s: &mut Scratch,
    ) -> Result<Estimate, Failure> {
        let value = sums_of(of, ws, self.variance, i, &mut s.sums)?;
        let Scratch { sums, replicates, numbers, work, .. } = s;
        let null = self.declared.null;
        let observed = wild::observed(sums);
        replicates.begin(observed, self.declared.replicates as usize + 1);
        let is_all = self.each_vector(ws, sums.n_clusters(), numbers, |v| {
            wild::add(sums, v, null, work, replicates);
        });
        if !is_all {
            // The data are one of the replicates, as the share above says.
            replicates.add(observed);
        }
        let scaled = 1.0 / sums.unit[0];
        let step = estimate.std_error * scaled;
        let [low, high] = replicates.interval(self.alpha, step).ok_or(Failure::NotFinite)?;
        Ok(Estimate {
            p_value: replicates.p_value((estimate.estimate - value) * scaled),
            conf_low: estimate.estimate - high * sums.unit[0],
            conf_high: estimate.estimate - low * sums.unit[0],
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
        begin_joint(of, ws, self.variance, test, self.declared.null, s)?;
        let Scratch { sums, joint, numbers, .. } = s;
        let (mut n, mut extreme) = (0_u32, 0_u32);
        let is_all = self.each_vector(ws, sums.n_clusters(), numbers, |v| {
            let form = joint.wild(sums, v);
            n += 1;
            extreme += u32::from(Joint::is_extreme(form, joint.observed));
        });
        let data = u32::from(!is_all);
        let p_value = f64::from(extreme + data) / f64::from(n + data);
        Ok(Estimate { p_value, ..found })
    }

    /// Gives `make` each vector of weights: as many as are drawn, or all that differ; whether it
    /// was all.
    fn each_vector(
        &self,
        ws: &Workspace,
        n_clusters: usize,
        v: &mut Vec<f64>,
        mut make: impl FnMut(&[f64]),
    ) -> bool {
        let WildCluster { replicates: n, weights, .. } = self.declared;
        grow(v, n_clusters);
        let all = 1_u64.checked_shl(n_clusters as u32 - 1).filter(|all| *all <= n);
        match all {
            Some(all) if weights == Weights::Rademacher => {
                for number in 0..all {
                    signs(number, v);
                    make(v);
                }
                true
            }
            _ => {
                let mut rng = generator(ws.seed, ws.sim, self.key);
                for _ in 0..n {
                    draw(weights, &mut rng, v);
                    make(v);
                }
                false
            }
        }
    }
}

/// Number `number` of the vectors of signs whose last one is 1.
fn signs(number: u64, v: &mut [f64]) {
    for (g, v) in v.iter_mut().enumerate() {
        *v = if number >> g & 1 == 0 { 1.0 } else { -1.0 };
    }
}

/// Draws a weight for each cluster.
fn draw(weights: Weights, rng: &mut Pcg64Dxsm, v: &mut [f64]) {
    match weights {
        Weights::Rademacher => {
            for chunk in v.chunks_mut(64) {
                signs(rng.next_u64(), chunk);
            }
        }
        Weights::Webb => v.iter_mut().for_each(|v| *v = wild::WEBB[rng.random_range(0..6)]),
    }
}
