//! Several outcomes of one model, `cbind(first, second) ~ z`, against a model for each; clusters of
//! several ways.

use trialrun_plan::{Plan, Row};
use trialrun_run::{Settings, Unwatched, diagnose};

use crate::common::{assert_close, plan, simulate};

/// Two outcomes, and one that some rows lack; `z` is given to students, `w` to schools.
const POPULATION: &str = r#"
    Level(name: school, n: 10, variables: { u: "normal(0, 1)", size: "binomial(6, 0.5) + 4" }),
    Level(name: student, n: "size", variables: {
        x: "normal(0, 1)", e: "normal(0, 1)", f: "normal(0, 1)", weight: "exponential(1) + 0.1",
        k: "binomial(6, 0.5)",
    }),
    PotentialOutcomes(outcome: first, conditions: { z: [0, 1] }, formula: "u + x + e + 0.4 * z"),
    PotentialOutcomes(outcome: second, conditions: { z: [0, 1] }, formula: "x - u + e * f - z"),
    Estimand(label: one, value: "mean(first_z_1 - first_z_0)"),
    Estimand(label: two, value: "mean(second_z_1 - second_z_0)"),
    Assignment(variable: z, method: Complete(prob: 0.5)),
    Estimand(label: treated, value: "mean(second_z_1 - second_z_0)", where: "z == 1"),
    Assignment(variable: w, clusters: school, method: Complete(prob: 0.5)),
    Reveal(outcome: first, by: z),
    Reveal(outcome: second, by: z),
    Variables(variables: { partial: "if(f > 1, NA, second)", if_known: "if(x < 1, k, NA)" }),
"#;

fn design(estimators: &str) -> Plan {
    plan(&format!("Design(name: \"outcomes\", steps: [{POPULATION} {estimators}])"))
}

/// The rows of an estimator whose method stands in `method`, its outcome as `OUTCOME`.
fn rows_of(method: &str, outcome: &str, sims: u64) -> Vec<Vec<Row>> {
    let method = method.replace("OUTCOME", outcome);
    let plan = design(&format!("Estimator(label: \"a\", {method}),"));
    let mut ws = plan.workspace();
    let mut run = |sim| {
        simulate(&plan, &mut ws, 3, sim);
        ws.rows().to_vec()
    };
    (0..sims).map(&mut run).collect()
}

const METHODS: &[&str] = &[
    r#"term: z, method: LmRobust(formula: "OUTCOME ~ z")"#,
    r#"term: [z, x], method: LmRobust(formula: "OUTCOME ~ z + x", se: classical)"#,
    r#"term: z, method: LmRobust(formula: "OUTCOME ~ z + x", se: HC0)"#,
    r#"term: z, method: LmRobust(formula: "OUTCOME ~ z * x", se: HC1)"#,
    r#"term: z, method: LmRobust(formula: "OUTCOME ~ z + x", se: HC2, weights: weight)"#,
    r#"term: z, method: LmRobust(formula: "OUTCOME ~ z + x", se: HC3)"#,
    r#"term: z, method: LmRobust(formula: "OUTCOME ~ z + x", clusters: school, se: CR0)"#,
    r#"term: w, method: LmRobust(formula: "OUTCOME ~ w", clusters: school, se: Stata)"#,
    r#"term: w, method: LmRobust(formula: "OUTCOME ~ w", clusters: school)"#,
    r#"term: z, method: LmRobust(formula: "OUTCOME ~ z + x", clusters: school, weights: weight)"#,
    r#"term: z, method: LmRobust(formula: "OUTCOME ~ z + x", clusters: [school, k])"#,
    r#"term: z, method: LmRobust(formula: "OUTCOME ~ z", clusters: [school, k, x], weights: weight,
        fixed_effects: [k], se: CR0)"#,
    r#"term: z, method: LmRobust(formula: "OUTCOME ~ z + x", fixed_effects: [school])"#,
    r#"term: z, method: LmRobust(formula: "OUTCOME ~ z", fixed_effects: [school], clusters: school,
        hypotheses: ["z = 0.5"])"#,
    r#"method: LmRobust(formula: "OUTCOME ~ z + x", hypotheses: ["z - x", "2*z = 1"])"#,
    r#"term: z, method: Lin(formula: "OUTCOME ~ z", covariates: "x")"#,
    r#"term: w, method: DifferenceInMeans(formula: "OUTCOME ~ w", clusters: school)"#,
    r#"term: z, method: DifferenceInMeans(formula: "OUTCOME ~ z")"#,
    r#"term: w, inference: WildCluster(replicates: 99),
        method: LmRobust(formula: "OUTCOME ~ w", clusters: school)"#,
    r#"term: [z, x], inference: Bootstrap(replicates: 99),
        method: LmRobust(formula: "OUTCOME ~ z + x")"#,
];

/// The rows of two outcomes are those of an estimator of each, to the bit.
#[test]
fn each_outcome_has_the_rows_of_its_own_model() {
    for method in METHODS {
        let both = rows_of(method, "cbind(first, second)", 12);
        let (first, second) = (rows_of(method, "first", 12), rows_of(method, "second", 12));
        for (sim, rows) in both.iter().enumerate() {
            assert_eq!(*rows, [first[sim].as_slice(), &second[sim]].concat(), "{method}, {sim}");
            // Clusters of several ways may have a variance below zero.
            assert!(rows[0].fit.is_ok() || method.contains("school, k"), "{method}");
        }
    }
}

/// Rows that lack one outcome are left out for both.
#[test]
fn rows_without_one_outcome_are_left_out_for_all() {
    for method in METHODS.iter().filter(|method| !method.contains("inference")) {
        let both = rows_of(method, "cbind(first, partial, f)", 12);
        let complete = method.to_string() + r#", subset: "!is_missing(partial)""#;
        let alone = ["first", "partial", "f"].map(|outcome| rows_of(&complete, outcome, 12));
        for (sim, rows) in both.iter().enumerate() {
            let n = rows.len() / 3;
            for (own, expected) in
                rows.chunks(n).zip(&alone).flat_map(|(own, alone)| own.iter().zip(&alone[sim]))
            {
                assert_eq!(own.n_obs, expected.n_obs, "{method}");
                if method.contains("school, k") && (own.fit.is_err() || expected.fit.is_err()) {
                    assert_eq!(own.fit, expected.fit, "{method}");
                    continue;
                }
                let (a, b) = (own.fit.unwrap(), expected.fit.unwrap());
                let scale = b.std_error;
                assert!((a.estimate - b.estimate).abs() < 1e-12 * scale, "{method}");
                assert_close(method, a.std_error, b.std_error, 1e-12);
                assert_close(method, a.df, b.df, 1e-11);
            }
        }
        assert!(both.iter().any(|rows| rows[0].n_obs < 60.0));
    }
}

/// A fit that fails is that of its outcome alone.
#[test]
fn one_outcome_that_fails_leaves_the_others() {
    let method = r#"term: z, method: LmRobust(formula: "OUTCOME ~ z + x")"#;
    let rows = rows_of(method, "cbind(zero = 0 * x, first, lost = log(x), second)", 5);
    for own in rows {
        let failed: Vec<bool> = own.iter().map(|row| row.fit.is_err()).collect();
        assert_eq!(failed, [true, false, true, false]);
    }
}

/// Each outcome has its estimands; rows, reports and comparisons tell outcomes apart.
#[test]
fn estimands_go_with_their_outcomes() {
    let source = format!(
        "Design(name: \"outcomes\", steps: [{POPULATION} {}])",
        r#"Estimator(label: "both", estimand: { first: one, second: [two, treated] }, term: z,
            method: LmRobust(formula: "cbind(first, second) ~ z + x")),
           Estimator(label: "alone", estimand: one, term: z,
            method: LmRobust(formula: "first ~ z")),"#
    );
    let plan = plan(&source);
    let labels: Vec<String> = plan.row_infos().map(|row| row.label()).collect();
    assert_eq!(
        labels,
        ["both (first, one)", "both (second, two)", "both (second, treated)", "alone"]
    );
    let mut ws = plan.workspace();
    simulate(&plan, &mut ws, 5, 0);
    let rows = ws.rows();
    assert_eq!(rows[1].fit, rows[2].fit);
    assert_ne!(rows[1].estimand, rows[0].estimand);
    let settings = Settings { sims: 600, ..Settings::default() };
    let run = diagnose(&plan, &settings, &Unwatched).unwrap();
    let pairs: Vec<(usize, usize)> = run.diagnosis.comparisons.iter().map(|c| (c.a, c.b)).collect();
    assert_eq!(pairs, [(0, 3)]);
    let text = trialrun_report::text(&run.diagnosis, false);
    assert!(text.contains("both") && text.contains("second"), "{text}");
}

/// Clusters of two ways, one a level and one a variable: rows without a cluster are left out, and
/// what is tested jointly has the degrees of freedom of the way with fewer clusters.
#[test]
fn rows_without_a_cluster_of_one_way_are_left_out() {
    let lost = r#"term: [z, x], method: LmRobust(formula: "OUTCOME ~ z + x",
        clusters: [school, if_known])"#;
    let known = r#"term: [z, x], subset: "x < 1", method: LmRobust(formula: "OUTCOME ~ z + x",
        clusters: [k, school])"#;
    let (lost, known) = (rows_of(lost, "first", 20), rows_of(known, "first", 20));
    for (own, expected) in lost.iter().flatten().zip(known.iter().flatten()) {
        assert_eq!(own.n_obs, expected.n_obs);
        let (Ok(a), Ok(b)) = (own.fit, expected.fit) else {
            assert_eq!(own.fit, expected.fit);
            continue;
        };
        assert_close("estimate", a.estimate, b.estimate, 1e-12);
        assert_close("standard error", a.std_error, b.std_error, 1e-12);
        assert_eq!(a.df, b.df);
        assert!((3.0..7.0).contains(&a.df), "{}", a.df);
    }
}
