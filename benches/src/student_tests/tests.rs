//! The hand-written design against the engine, and against the kernels where it never goes.

use trialrun_plan::{Estimate as EngineEstimate, Row};
use trialrun_run::Difference;
use trialrun_stats::{Observations, Rows, lmm};

use super::{Arm, Draws, Estimate, RandomIntercept, StudentTests, TESTS, random_intercept};
use crate::engine;

fn near(what: &str, ours: f64, theirs: f64, scale: f64) {
    assert!((ours - theirs).abs() <= 1e-9 * scale.abs(), "{what}: {ours} {theirs}");
}

/// Estimates are small differences of scores near 0.6, so they are held to their standard error.
fn same(sim: u64, ours: &Estimate, row: &Row) {
    let what = |name| format!("simulation {sim}, {name}");
    let EngineEstimate { estimate, std_error, df, statistic, p_value, conf_low, conf_high } =
        row.fit.expect("no fit of this design fails");
    near(&what("estimate"), ours.estimate, estimate, std_error);
    near(&what("std_error"), ours.std_error, std_error, std_error);
    near(&what("df"), ours.df, df, df);
    near(&what("statistic"), ours.statistic, statistic, 1.0);
    near(&what("p_value"), ours.p_value, p_value, p_value);
    near(&what("conf_low"), ours.conf_low, conf_low, std_error);
    near(&what("conf_high"), ours.conf_high, conf_high, std_error);
}

#[test]
fn every_simulation_is_that_of_the_engine() {
    let plan = engine::plan(&[]);
    let twin = StudentTests::new(plan.alpha);
    let (mut ws, mut draws) = (plan.workspace(), Draws::default());
    for sim in 0..200 {
        plan.simulate(&mut ws, 20_260_101, sim).expect("a sound design");
        let ours = twin.simulate(&mut draws, 20_260_101, sim);
        let [intercept, average] = ws.rows() else { panic!("two estimators") };
        let estimand = intercept.estimand.expect("an estimand");
        near(&format!("simulation {sim}, estimand"), ours.estimand, estimand, estimand);
        same(sim, &ours.random_intercept, intercept);
        same(sim, &ours.student_average, average);
        assert_eq!(ours.boundary, intercept.boundary);
    }
}

/// Every diagnosand, its error and its count, and every paired difference, over the same
/// simulations; values are held to their Monte Carlo error.
#[test]
fn the_diagnosis_is_that_of_the_engine() {
    let plan = engine::plan(&[]);
    let sims = 3000;
    let theirs = engine::diagnose(&plan, 11, sims, Some(1));
    let ours = StudentTests::new(plan.alpha).diagnose(11, sims);
    let of_estimators = [&ours.random_intercept, &ours.student_average];
    assert_eq!(theirs.rows.len(), 2);
    for (ours, theirs) in of_estimators.into_iter().zip(&theirs.rows) {
        assert_eq!(ours.len(), theirs.diagnosands.len());
        for diagnosand in ours {
            let what = format!("{}, {}", theirs.estimator, diagnosand.name);
            let measure = theirs.measure(diagnosand.name).expect("a diagnosand of the engine");
            assert_eq!(diagnosand.n, measure.n, "{what}");
            let scale = measure.mcse.unwrap_or(1.0).max(1e-6);
            near_or_none(&what, diagnosand.value, measure.value, scale);
            near_or_none(&what, diagnosand.mcse, measure.mcse, scale);
        }
    }
    let [differences] = theirs.comparisons.as_slice() else { panic!("one pair of estimators") };
    assert_eq!(ours.comparison.len(), differences.differences.len());
    for difference in &ours.comparison {
        let same_name = |d: &&Difference| d.name == difference.name;
        let theirs = differences.differences.iter().find(same_name).expect("compared").measure;
        let value = theirs.value.expect("a difference");
        let mcse = theirs.mcse.expect("a difference has an error");
        // The estimators agree so closely that errors of differences are roots of rounding errors:
        // their squares are compared, and held to the square of what one estimator has.
        let one = ours.random_intercept.iter().find(|d| d.name == difference.name);
        let scale = one.and_then(|d| d.mcse).expect("a diagnosand with an error");
        near(difference.name, difference.value, value, scale);
        near(difference.name, difference.mcse.powi(2), mcse.powi(2), scale * scale);
    }
}

fn near_or_none(what: &str, ours: Option<f64>, theirs: Option<f64>, scale: f64) {
    match (ours, theirs) {
        (Some(ours), Some(theirs)) => near(what, ours, theirs, scale),
        (ours, theirs) => assert_eq!(ours, theirs, "{what}"),
    }
}

/// The design never meets the boundary, so the closed form is put to made-up scores that do, and
/// to some that stay off it.
#[test]
fn the_closed_form_is_the_fit_of_the_kernel() {
    let mut scratch = lmm::Scratch::default();
    for (student_sd, expected) in [(0.0, true), (0.02, true), (1.0, false)] {
        let (mut arms, mut y, mut within) = ([Arm::default(); 2], Vec::new(), Vec::new());
        let n = 40;
        for student in 0..n {
            let phase = f64::from(student);
            let shared = student_sd * (2.3 * phase).sin();
            let scores: [f64; TESTS] =
                std::array::from_fn(|t| shared + (5.1 * phase + 1.7 * t as f64).cos());
            let mean = scores.iter().sum::<f64>() / TESTS as f64;
            let squares = scores.iter().map(|s| (s - mean) * (s - mean)).sum();
            y.push(mean);
            within.push(squares);
            if student % 4 == 3 {
                let class = student as usize - 3..=student as usize;
                let sum = y[class.clone()].iter().sum();
                let of_squares = y[class.clone()].iter().map(|m| m * m).sum();
                let arm = usize::from(student >= n / 2);
                arms[arm].add_class(4.0, sum, of_squares, within[class].iter().sum());
            }
        }
        let m = y.len();
        let x: Vec<f64> =
            (0..2 * m).map(|i| f64::from(u8::from(i < m || i >= m + m / 2))).collect();
        let groups: Vec<u32> = (0..=n).collect();
        let count = vec![TESTS as f64; m];
        let observations = Observations::Collapsed { count: &count, within: &within };
        let rows = Rows { x: &x, y: &y, observations, groups: &groups };
        let fit = lmm::fit(&rows, lmm::Method::Reml, &mut scratch).expect("a sound fit");
        let kernel = fit.coefficient(1, lmm::Df::Satterthwaite).expect("the treatment is kept");
        let (ours, boundary) = match random_intercept(&arms) {
            RandomIntercept::Interior(ours) => (ours, false),
            RandomIntercept::Boundary(ours) => (ours, true),
        };
        assert_eq!((boundary, fit.is_boundary()), (expected, expected), "sd {student_sd}");
        near("estimate", ours.estimate, kernel.estimate, kernel.std_error);
        near("std_error", ours.variance.sqrt(), kernel.std_error, kernel.std_error);
        near("df", ours.df, kernel.df, kernel.df);
    }
}

/// The same bits with any number of threads.
#[test]
fn threads_do_not_show() {
    let twin = StudentTests::new(0.05);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("threads start").install(|| twin.diagnose(7, 1000))
    };
    assert_eq!(run(1), run(3));
}
