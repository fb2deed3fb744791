//! Generalised linear models in simulations, against what is known of them.

use trialrun_plan::Row;

use crate::common::{assert_close, assert_mean, assert_rate, each, plan, values};

/// Share of the intervals that hold the estimand; every fit must have succeeded.
fn covered(row: &Row) -> bool {
    let fit = row.fit.unwrap_or_else(|f| panic!("{f}"));
    let estimand = row.estimand.unwrap();
    fit.conf_low <= estimand && estimand <= fit.conf_high
}

/// A binary outcome with a covariate: marginal effects of a logistic regression, with and without
/// interaction, and those of a probit, have no bias; their intervals cover. Without covariate the
/// effect is the difference of the shares of the arms, simulation by simulation.
#[test]
fn marginal_effects_of_a_binary_outcome_are_unbiased_and_cover() {
    let source = r#"Design(steps: [
        Level(name: unit, n: 300, variables: { x: "normal(0, 1)", u: "uniform(0, 1)" }),
        PotentialOutcomes(outcome: y, conditions: { z: [0, 1] },
            formula: "u < inv_logit(-0.4 + 0.8 * x + 0.6 * z)"),
        Estimand(label: ate, value: "mean(inv_logit(0.2 + 0.8 * x) - inv_logit(-0.4 + 0.8 * x))"),
        Assignment(variable: z, method: Complete(prob: 0.5)),
        Reveal(outcome: y, by: [z]),
        Estimator(label: "plain", estimand: ate, term: z,
            method: Glm(formula: "y ~ z", family: Binomial, scale: Response, se: HC0)),
        Estimator(label: "adjusted", estimand: ate, term: z,
            method: Glm(formula: "y ~ z + x", family: Binomial, scale: Response)),
        Estimator(label: "interacted", estimand: ate, term: z,
            method: Glm(formula: "y ~ z * x", family: Binomial(link: Probit), scale: Response)),
        Estimator(label: "odds", estimand: ate, term: z,
            method: Glm(formula: "y ~ z + x", family: Binomial)),
    ])"#;
    let plan = plan(source);
    let sims = 4000;
    let mut errors = [(); 3].map(|()| Vec::new());
    let (mut covers, mut log_odds) = ([0; 3], Vec::new());
    each(&plan, 11, sims, |ws| {
        for (i, errors) in errors.iter_mut().enumerate() {
            let row = &ws.rows()[i];
            errors.push(row.fit.unwrap().estimate - row.estimand.unwrap());
            covers[i] += usize::from(covered(row));
        }
        log_odds.push(ws.rows()[3].fit.unwrap().estimate);
        let (y, z) = (values(&plan, ws, "y"), values(&plan, ws, "z"));
        let share = |arm: f64| {
            let own = || y.iter().zip(z).filter(|(_, z)| **z == arm);
            own().map(|(y, _)| y).sum::<f64>() / own().count() as f64
        };
        let plain = ws.rows()[0].fit.unwrap().estimate;
        assert!((plain - (share(1.0) - share(0.0))).abs() < 1e-12);
    });
    for (i, what) in ["plain", "adjusted", "interacted"].into_iter().enumerate() {
        assert_mean(&format!("{what}: bias"), &errors[i], 0.0);
        assert_rate(&format!("{what}: coverage"), covers[i], sims as usize, 0.95);
    }
    // Maximum likelihood is off by a part in n: within a tenth of the truth here.
    let mean = log_odds.iter().sum::<f64>() / sims as f64;
    assert!((mean - 0.6).abs() < 0.03, "log odds ratio {mean}");
}

/// A subsidy for whole villages whose effect differs between them: the average marginal effect of a
/// multilevel logistic regression is the difference of probabilities over all villages that there
/// might be, with hardly a bias, and its interval covers.
#[test]
fn marginal_effects_over_groups_are_unbiased_and_cover() {
    let source = r#"Design(steps: [
        Level(name: village, n: 80, variables: {
            pull: "normal(0.4, 1.5)", lift: "normal(1, 0.5)",
        }),
        Level(name: child, n: 20, variables: { x: "bernoulli(0.5)", u: "uniform(0, 1)" }),
        PotentialOutcomes(outcome: y, conditions: { z: [0, 1] },
            formula: "u < inv_logit(pull + 0.5 * x + lift * z)"),
        Estimand(label: ate, value: "0.14690078905083997 + 0 * mean(u)"),
        Assignment(variable: z, method: Complete(prob: 0.5), blocks: village),
        Reveal(outcome: y, by: [z]),
        Estimator(label: "effect", estimand: ate, term: z, method: Glmer(
            formula: "y ~ z + x + (z | village)", family: Binomial, scale: Response)),
        Estimator(label: "arms", estimand: ate, term: z, method: LmRobust(formula: "y ~ z")),
        Estimator(label: "link", estimand: ate, term: z, method: Glmer(
            formula: "y ~ z + x + (z | village)", family: Binomial)),
    ])"#;
    let plan = plan(source);
    let (sims, mut covers, mut failed) = (600, 0, 0);
    let (mut errors, mut gaps) = (Vec::new(), Vec::new());
    each(&plan, 14, sims, |ws| {
        let [effect, arms, link] = [0, 1, 2].map(|i| ws.rows()[i]);
        let (Ok(fit), Ok(slope)) = (effect.fit, link.fit) else {
            failed += 1;
            return;
        };
        covers += usize::from(covered(&effect));
        errors.push(fit.estimate - effect.estimand.unwrap());
        gaps.push(fit.estimate - arms.fit.unwrap().estimate);
        assert!(slope.estimate > 2.0 * fit.estimate, "log odds are no difference of probabilities");
    });
    assert!(failed < 6, "{failed} fits failed");
    let n = errors.len();
    let share = covers as f64 / n as f64;
    assert!((0.92..=0.975).contains(&share), "covers {share}");
    // The truth is a sum over a fine grid of the villages' distribution; Laplace's approximation
    // with ten children of a village in each arm is off by less than a hundredth.
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    assert!(mean(&errors).abs() < 0.01, "bias {}", mean(&errors));
    assert!(mean(&gaps).abs() < 0.01, "beside the difference in means {}", mean(&gaps));
}

/// Counts with more variance than Poisson's: its classical interval covers too little, the robust
/// one and the negative binomial's cover as they should.
#[test]
fn overdispersed_counts_need_a_robust_error_or_a_size() {
    let source = r#"Design(steps: [
        Level(name: unit, n: 200, variables: {
            u0: "negative_binomial(2, 1.5)", u1: "negative_binomial(3, 1.5)",
        }),
        PotentialOutcomes(outcome: y, conditions: { z: [0, 1] }, formula: "if(z == 1, u1, u0)"),
        Estimand(label: ratio, value: "log(3 / 2) + 0 * mean(y_z_1)"),
        Assignment(variable: z, method: Complete(prob: 0.5)),
        Reveal(outcome: y, by: [z]),
        Estimator(label: "classical", estimand: ratio, term: z,
            method: Glm(formula: "y ~ z", family: Poisson)),
        Estimator(label: "robust", estimand: ratio, term: z,
            method: Glm(formula: "y ~ z", family: Poisson, se: HC2)),
        Estimator(label: "size", estimand: ratio, term: z,
            method: Glm(formula: "y ~ z", family: NegativeBinomial)),
    ])"#;
    let plan = plan(source);
    let sims = 4000_usize;
    let mut covers = [0; 3];
    each(&plan, 12, sims as u64, |ws| {
        for (i, covers) in covers.iter_mut().enumerate() {
            *covers += usize::from(covered(&ws.rows()[i]));
        }
        // In two arms both families fit the means of the arms.
        let estimate = |i: usize| ws.rows()[i].fit.unwrap().estimate;
        assert_close("estimate", estimate(2), estimate(0), 1e-9);
    });
    let rate = |i: usize| covers[i] as f64 / sims as f64;
    assert!(rate(0) < 0.80, "Poisson covers {}", rate(0));
    assert!((0.93..0.965).contains(&rate(1)), "robust covers {}", rate(1));
    assert!((0.93..0.965).contains(&rate(2)), "negative binomial covers {}", rate(2));
}

/// Without successes in an arm there is no estimate: each such simulation is counted, and no other.
#[test]
fn separation_is_counted_as_often_as_it_happens() {
    let source = r#"Design(steps: [
        Level(name: unit, n: 30, variables: { u: "uniform(0, 1)" }),
        PotentialOutcomes(outcome: y, conditions: { z: [0, 1] }, formula: "u < 0.1 + 0.05 * z"),
        Assignment(variable: z, method: Complete(prob: 0.5)),
        Reveal(outcome: y, by: [z]),
        Estimator(label: "logistic", term: z, method: Glm(formula: "y ~ z", family: Binomial)),
    ])"#;
    let plan = plan(source);
    let mut n = 0;
    each(&plan, 13, 2000, |ws| {
        let (y, z) = (values(&plan, ws, "y"), values(&plan, ws, "z"));
        let successes =
            |arm: f64| y.iter().zip(z).filter(|(y, z)| **z == arm && **y == 1.0).count();
        let expected = [0.0, 1.0].iter().any(|arm| [0, 15].contains(&successes(*arm)));
        let failure = ws.rows()[0].fit.err().map(|f| f.name());
        assert_eq!(failure, expected.then_some("separation"));
        n += usize::from(expected);
    });
    assert!((200..1000).contains(&n), "{n} separated");
}

/// A model that hangs on assigned conditions alone is fitted to one row a cell; one whose
/// predictors also hang, in name only, on something drawn is fitted to every row. Estimates,
/// standard errors and counts agree to rounding: with missing outcomes, several arms,
/// interactions, a subset.
#[test]
fn rows_of_equal_conditions_are_one_row() {
    let source = r#"Design(steps: [
        Level(name: unit, n: 37, variables: { u: "normal(0, 1)", v: "normal(5, 2)" }),
        Assignment(variable: z, method: Complete(prob: 0.4)),
        Assignment(variable: w, method: Simple(prob: 0.5)),
        Assignment(variable: arm, conditions: [1, 2, 3], method: Complete()),
        Variables(variables: {
            y: "v + z * (1 + u) + 0.5 * w", r: "if(u > 1, NA, y + 0.2 * arm)",
            z_: "if(u > 1e9, 9, z)", w_: "if(u > 1e9, 9, w)", arm_: "if(u > 1e9, 9, arm)",
            third: "arm_ == 3",
        }),
        Estimator(label: "1", term: z, method: LmRobust(formula: "y ~ z", se: HC2)),
        Estimator(label: "1_", term: z_, method: LmRobust(formula: "y ~ z_", se: HC2)),
        Estimator(label: "2", term: z, method: LmRobust(formula: "y ~ z", se: HC3)),
        Estimator(label: "2_", term: z_, method: LmRobust(formula: "y ~ z_", se: HC3)),
        Estimator(label: "3", term: z, method: LmRobust(formula: "r ~ z", se: classical)),
        Estimator(label: "3_", term: z_, method: LmRobust(formula: "r ~ z_", se: classical)),
        Estimator(label: "4", term: "z:w", method: LmRobust(formula: "r ~ z * w", se: HC2)),
        Estimator(label: "4_", term: "z:w_", method: LmRobust(formula: "r ~ z * w_", se: HC2)),
        Estimator(label: "5", term: "factor(arm)3",
            method: LmRobust(formula: "y ~ factor(arm)", se: HC1)),
        Estimator(label: "5_", term: "factor(arm_)3",
            method: LmRobust(formula: "y ~ factor(arm_)", se: HC1)),
        Estimator(label: "6",
            method: DifferenceInMeans(formula: "r ~ arm", condition1: "1", condition2: "3")),
        Estimator(label: "6_", term: third, subset: "arm != 2",
            method: LmRobust(formula: "r ~ third", se: HC2)),
    ])"#;
    let plan = plan(source);
    each(&plan, 5, 50, |ws| {
        for pair in ws.rows().chunks_exact(2) {
            let [cells, rows] = [pair[0], pair[1]].map(|row| row.fit.unwrap());
            assert_close("estimate", cells.estimate, rows.estimate, 1e-10);
            assert_close("standard error", cells.std_error, rows.std_error, 1e-11);
            assert_eq!(pair[0].n_obs, pair[1].n_obs);
        }
    });
}
