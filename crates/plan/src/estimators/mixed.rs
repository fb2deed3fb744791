//! Linear mixed models with any random effects.

use trialrun_lang::Formula;
use trialrun_stats::lmm::Method;
use trialrun_stats::lmm::mixed::{self, Data, Df, Profiled};
use trialrun_stats::{Failure, Observations};

use super::build::{self, add_extra};
use super::details::Details;
use super::estimation::{Coef, Fit, Fitted};
use super::model::{Model, ModelScratch};
use super::modes::Found;
use super::random::{self, RandomEffects};
use super::resolve::{self, Resolved};
use crate::compile::Compiler;
use crate::declared::{Name, Scalar};
use crate::exec::Workspace;
use crate::ids::LevelId;

/// What is wanted of a mixed model.
pub struct Wanted<'a> {
    /// REML or ML.
    pub method: Method,
    /// Degrees of freedom.
    pub df: Df,
    /// The critical value of intervals by profile likelihood, if they are wanted.
    pub profile: Option<f64>,
    /// Prior weights.
    pub weights: Option<&'a Name>,
    /// A known part of the outcome.
    pub offset: Option<&'a Scalar>,
}

impl Wanted<'_> {
    /// The model on the units of a level, and how it is fitted.
    pub(crate) fn compile(
        &self,
        cx: &mut Compiler<'_>,
        formula: &Formula,
        level: LevelId,
    ) -> Option<(Model, Box<dyn Fit>)> {
        random::required(cx, formula, "LmRobust")?;
        let resolved = resolve::resolve(cx, formula, level).map(Resolved::with_every_row);
        let nothing = build::Wanted::Nothing;
        let beside = build::Beside { weights: self.weights, ..build::Beside::default() };
        let model = build::assemble(cx, resolved, level, &nothing, beside);
        let effects = random::resolve_all(cx, formula, level);
        let offset = self.offset.map(|offset| resolve::offset(cx, offset, level));
        let (mut model, effects) = (model?, effects?);
        let offset = match offset {
            None => None,
            Some(node) => Some(add_extra(cx, &mut model, node?)),
        };
        let random = RandomEffects::add(cx, &mut model, formula, effects)?;
        let Self { method, df, profile, .. } = *self;
        let fit = MixedFit { method, df, profile, random, offset };
        Some((model, Box::new(fit)))
    }
}

/// Scratch space of fits.
#[derive(Default)]
pub struct MixedScratch {
    fit: mixed::Scratch,
    pub(super) room: Room,
}

/// What is made beside a fit.
#[derive(Default)]
pub(super) struct Room {
    /// Rows of coefficients.
    pub(super) buffer: Vec<f64>,
    /// Of each target; after a fit by profile likelihood.
    profiled: Vec<Option<Profiled>>,
}

/// The fit.
struct MixedFit {
    method: Method,
    df: Df,
    profile: Option<f64>,
    random: RandomEffects,
    /// Its place among the extra columns.
    offset: Option<usize>,
}

impl MixedFit {
    /// Fits, and hands the fit to `use_fit`, and whether all is ready that coefficients need.
    fn with_fit<T, F>(&self, model: &Model, ws: &mut Workspace, use_fit: F) -> Result<T, Failure>
    where
        F: FnOnce(&mut mixed::Fit<'_>, &Data, Result<(), Failure>, &ModelScratch, &mut Room) -> T,
    {
        let n = ws.size(model.rows);
        let Workspace { columns, runs, model: scratch, mixed, .. } = ws;
        let rows = model.rows(scratch, columns, runs, n);
        let weights = match rows.observations {
            Observations::Weighted(weights) => Some(weights),
            Observations::Single | Observations::Collapsed { .. } => None,
        };
        let extras = random::columns(model, scratch, columns, n);
        self.random.check(&extras)?;
        let offset = self.offset.map(|i| extras[i]);
        let data = Data { x: rows.x, y: rows.y, weights, offset, columns: &extras };
        let mut fit = mixed::fit(&data, &self.random.structure, self.method, &mut mixed.fit)?;
        let ready = fit.prepare(self.df, &data, &self.random.structure);
        Ok(use_fit(&mut fit, &data, ready, scratch, &mut mixed.room))
    }

    /// A test of each effect that a model can do without: an intercept stays where slopes may be
    /// correlated with it.
    fn add_tests(&self, fit: &mut mixed::Fit<'_>, details: &mut Details) {
        for (f, factor) in self.random.structure.factors.iter().enumerate() {
            for block in &factor.blocks {
                let can_go = |e: &usize| block.len() == 1 || factor.effects[*e].is_some();
                for e in block.clone().filter(can_go) {
                    details.add_boundary_test(&self.random.label(f, e), fit.effect_test(f, e));
                }
            }
        }
    }

    /// Limits of standard deviations and correlations, where profiles are wanted.
    fn add_limits(&self, fit: &mut mixed::Fit<'_>, details: &mut Details) {
        let Some(critical) = self.profile else { return };
        let ready = fit.prepare_profiles();
        let structure = &self.random.structure;
        for (f, factor) in structure.factors.iter().enumerate() {
            for e in factor.blocks.iter().flat_map(Clone::clone) {
                let limits = ready.and_then(|()| fit.sd_limits(structure, f, e, critical));
                details.limits.push((self.random.label(f, e), limits));
            }
            for pair in factor.blocks.iter().flat_map(random::pairs) {
                let found =
                    ready.and_then(|()| fit.correlation_limits(structure, f, pair, critical));
                details.correlation_limits.push((self.random.pair_label(f, pair), found));
            }
        }
        let limits = ready.and_then(|()| fit.sigma_limits(critical));
        details.limits.push(("sigma".to_string(), limits));
    }
}

impl Fit for MixedFit {
    fn fit(
        &self,
        model: &Model,
        ws: &mut Workspace,
        give: &mut dyn FnMut(usize, Result<Coef, Failure>),
    ) -> Result<Fitted, Failure> {
        let all =
            |c: mixed::Coefficient| Coef { estimate: c.estimate, std_error: c.std_error, df: c.df };
        self.with_fit(model, ws, |fit, _, mut ready, scratch, Room { buffer, profiled }| {
            profiled.clear();
            if self.profile.is_some() {
                ready = ready.and_then(|()| fit.prepare_profiles());
            }
            for (i, &column) in scratch.targets.iter().enumerate() {
                let mut coef = ready.and_then(|()| fit.coefficient(column, self.df, buffer));
                if let Some(critical) = self.profile {
                    let one = coef.and_then(|_| fit.profile(column, critical));
                    profiled.push(one.ok());
                    coef = one.and(coef);
                }
                give(i, coef.map(all));
            }
            let n = scratch.targets.len();
            for (i, factors) in scratch.wanted_contrasts().enumerate() {
                let coef = ready.and_then(|()| fit.contrast(factors, self.df, buffer));
                give(n + i, coef.map(all));
            }
            Fitted { n_obs: fit.n_obs(), boundary: fit.is_boundary() }
        })
    }

    fn profiled(&self, ws: &Workspace, i: usize) -> Option<Profiled> {
        self.profile.and_then(|_| ws.mixed.room.profiled.get(i).copied().flatten())
    }

    fn has_modes(&self) -> bool {
        true
    }

    fn modes(
        &self,
        model: &Model,
        ws: &mut Workspace,
        sets: &[Vec<String>],
    ) -> Result<Found, Failure> {
        self.with_fit(model, ws, |fit, data, _, _, _| {
            let found = fit.modes(data, &self.random.structure)?;
            Ok(Found { modes: self.random.name(&found, data.columns, sets), beta: fit.beta() })
        })?
    }

    fn details(&self, model: &Model, ws: &mut Workspace) -> Result<Details, Failure> {
        self.with_fit(model, ws, |fit, _, ready, _, _| {
            let criterion = match self.method {
                Method::Reml => ("reml_criterion", fit.criterion()),
                Method::Ml => ("deviance", fit.criterion()),
            };
            let numbers = vec![
                ("sigma", fit.sigma()),
                criterion,
                ("log_likelihood", fit.log_likelihood()),
                ("aic", fit.aic()),
                ("bic", fit.bic()),
                ("rank", fit.rank() as f64),
            ];
            let mut details = Details { numbers, ..Details::default() };
            let covariances = fit.covariances(&self.random.structure);
            self.random.report(&covariances, fit.sigma(), &mut details);
            details.kept = fit.kept().to_vec();
            if ready.is_ok() {
                details.vcov = fit.vcov(self.df);
            }
            self.add_tests(fit, &mut details);
            self.add_limits(fit, &mut details);
            details
        })
    }
}
