//! Random effects of categories in simulations, against what is known of them.

use trialrun_stats::Failure;

use crate::common::{assert_rate, plan, simulate, values};

/// A trial of three arms within sites, as many people in each.
fn source(assignment: &str, estimators: &str) -> String {
    format!(
        r#"Design(steps: [
            Level(name: site, n: 14, variables: {{
                base: "normal(0, 1)", by_letter: "normal(0, 1)", by_visit: "normal(0, 1.5)",
            }}),
            Level(name: person, n: 15, variables: {{ noise: "normal(0, 1)" }}),
            PotentialOutcomes(outcome: y, conditions: {{ arm: [control, letter, visit] }},
                formula: "base + noise + if(arm == 'letter', 0.5 + by_letter, 0)
                    + if(arm == 'visit', 1 + by_visit, 0)"),
            Estimand(label: letter, value: "0.5 + 0 * mean(noise)"),
            {assignment},
            Reveal(outcome: y, by: [arm]),
            {estimators}
        ])"#
    )
}

/// Whether a symmetric matrix of order 3 is positive definite; none where it is close.
fn is_definite(mut a: [[f64; 3]; 3]) -> Option<bool> {
    for j in 0..3 {
        if a[j][j].abs() < 1e-4 {
            return None;
        }
        if a[j][j] < 0.0 {
            return Some(false);
        }
        for i in j + 1..3 {
            let factor = a[i][j] / a[j][j];
            (j..3).for_each(|l| a[i][l] -= factor * a[j][l]);
        }
    }
    Some(true)
}

/// The outcomes of a site by arm, as many in each.
struct Arms<'a> {
    y: &'a [f64],
    arm: &'a [f64],
}

impl Arms<'_> {
    fn of(&self, site: usize, code: usize) -> impl Iterator<Item = f64> {
        let own = (site * 15..(site + 1) * 15).filter(move |i| self.arm[*i] == code as f64);
        own.map(|i| self.y[i])
    }

    fn mean(&self, site: usize, code: usize) -> f64 {
        self.of(site, code).sum::<f64>() / 5.0
    }

    /// The covariance of the sites' means, less what the noise of five people adds to it.
    fn between(&self, sites: usize) -> [[f64; 3]; 3] {
        let average = [0, 1, 2]
            .map(|code| (0..sites).map(|s| self.mean(s, code)).sum::<f64>() / sites as f64);
        let off = |s: usize, code: usize| self.mean(s, code) - average[code];
        let own = |s: usize, code: usize| {
            self.of(s, code).map(|y| (y - self.mean(s, code)).powi(2)).sum::<f64>()
        };
        let noise: f64 = (0..sites).map(|s| (0..3).map(|code| own(s, code)).sum::<f64>()).sum();
        let noise = noise / (sites * 3 * 4) as f64 / 5.0;
        [0, 1, 2].map(|i| {
            [0, 1, 2].map(|j| {
                let sum: f64 = (0..sites).map(|s| off(s, i) * off(s, j)).sum();
                sum / (sites - 1) as f64 - if i == j { noise } else { 0.0 }
            })
        })
    }
}

/// Where arms are of equal size in each site, the covariance of the sites' means is estimated
/// freely, unless there is none that they could have: the test of an arm against the first is the
/// paired t test of the sites' means, with sites less one degrees of freedom.
#[test]
fn effects_that_vary_by_site_are_tested_between_sites() {
    let of = |random: &str, df: &str| {
        format!(
            "Estimator(label: \"{random} {df}\", estimand: letter, term: armletter,
                method: Lmer(formula: \"y ~ arm + {random}\", df: {df})),"
        )
    };
    let estimators = of("(arm | site)", "Satterthwaite")
        + &of("(0 + arm | site)", "Satterthwaite")
        + &of("(arm | site)", "KenwardRoger");
    let assignment = "Assignment(variable: arm, method: Complete, blocks: site)";
    let plan = plan(&source(assignment, &estimators));
    let (sims, sites) = (3000, 14);
    let mut ws = plan.workspace();
    let (mut covered, mut inner) = (0, 0);
    for sim in 0..sims {
        simulate(&plan, &mut ws, 5, sim);
        let rows = ws.rows();
        let (y, arm) = (values(&plan, &ws, "y"), values(&plan, &ws, "arm"));
        let arms = Arms { y, arm };
        let differences: Vec<f64> = (0..sites).map(|s| arms.mean(s, 1) - arms.mean(s, 0)).collect();
        let average = differences.iter().sum::<f64>() / sites as f64;
        let squares: f64 = differences.iter().map(|d| (d - average).powi(2)).sum();
        let std_error = (squares / (sites * (sites - 1)) as f64).sqrt();
        let first = rows[0].fit.unwrap();
        covered += usize::from(first.conf_low <= 0.5 && 0.5 <= first.conf_high);
        let Some(is_inner) = is_definite(arms.between(sites)) else { continue };
        inner += usize::from(is_inner);
        if !is_inner {
            // Another coding ends there too; its search can stop a few last digits beside it.
            let other = rows[1].fit.unwrap();
            assert!(rows[0].boundary && rows[2].boundary, "simulation {sim}: {rows:?}");
            assert!((other.std_error / first.std_error - 1.0).abs() < 1e-6, "{rows:?}");
            continue;
        }
        for row in rows {
            assert!(!row.boundary, "simulation {sim}: {row:?}");
            let fit = row.fit.unwrap();
            for (ours, theirs) in
                [(fit.estimate, average), (fit.std_error, std_error), (fit.df, 13.0)]
            {
                let error = (ours - theirs).abs() / theirs.abs();
                assert!(error < 1e-6, "simulation {sim}: {ours} {theirs} {rows:?}");
            }
        }
    }
    assert!(inner > 2500, "{inner}");
    assert_rate("coverage", covered, sims as usize, 0.95);
}

/// A fit fails by name where, and only where, a category of a random effect has no row.
#[test]
fn a_category_without_a_row_is_told() {
    let assignment = "Assignment(variable: arm, method: Simple(prob_each: [0.49, 0.5, 0.01]))";
    let estimators = r#"
        Estimator(label: "by arm", estimand: letter, term: noise,
            method: Lmer(formula: "y ~ noise + (arm | site)", df: Z)),
        Estimator(label: "full", estimand: letter, term: noise,
            method: Lmer(formula: "y ~ noise + (0 + arm | site)", df: Z)),"#;
    let plan = plan(&source(assignment, estimators));
    let (mut ws, mut empty) = (plan.workspace(), 0);
    for sim in 0..100 {
        simulate(&plan, &mut ws, 6, sim);
        let is_empty = !values(&plan, &ws, "arm").contains(&2.0);
        empty += usize::from(is_empty);
        for row in ws.rows() {
            let failure = row.fit.err().filter(|f| *f == Failure::EmptyCategory);
            assert_eq!(failure.is_some(), is_empty, "simulation {sim}: {:?}", row.fit);
        }
    }
    assert!((3..50).contains(&empty), "{empty} simulations without a visit");
}
