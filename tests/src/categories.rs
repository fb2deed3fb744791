//! Random effects of categories in simulations, against what is known of them.

use trialrun_stats::Failure;

use crate::common::{plan, simulate, values};

/// A trial of three arms within sites.
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
