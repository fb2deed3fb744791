//! Tests of families: against corrections of the kept p-values, and against exact error rates of
//! independent tests.

use trialrun_plan::{Options, Plan, Table, Values, compile, read};
use trialrun_stats::multiplicity::{self, Correction};

use super::*;
use crate::check::{Rules, Verdict, check};
use crate::diagnosands::{self, INFO};
use crate::{Diagnosis, RowDiagnosis, Run, Runner, Settings, Target, Unwatched, diagnose, refine};

/// Five independent tests of means, exact for normal values. The means of the last two are `shift`;
/// `first` stands in the first estimator, `rest` after the steps.
fn plan(families: &[Correction], shift: f64, first: &str, rest: &str) -> Plan {
    let [mut variables, mut estimands, mut estimators] = [const { String::new() }; 3];
    for i in 1..=5 {
        let mean = if i > 3 { shift } else { 0.0 };
        let first = if i == 1 { first } else { "" };
        variables += &format!("y{i}: \"normal({mean}, 1)\",");
        estimands += &format!("Estimand(label: m{i}, value: {mean:?}),");
        estimators += &format!(
            "Estimator(label: y{i}, estimand: m{i}, term: \"(Intercept)\", {first}
                method: LmRobust(formula: \"y{i} ~ 1\", se: classical)),"
        );
    }
    let family = |correction: &Correction| {
        let name = correction.name();
        format!("Family(label: \"{name}\", of: [y1, y2, y3, y4, y5], correction: {name}),")
    };
    let families: String = families.iter().map(family).collect();
    let source = format!(
        "Design(steps: [Level(name: unit, n: 10, variables: {{ {variables} }}),
            {estimands} {estimators} {families}], {rest})"
    );
    compiled(&source)
}

fn compiled(source: &str) -> Plan {
    let (design, errors) = read(source);
    assert!(errors.is_empty(), "{errors:?}");
    let options = Options { diagnosands: INFO, ..Options::default() };
    compile(&design.unwrap(), &options).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn all_corrections() -> [Correction; 8] {
    Correction::ALL.map(|(_, correction)| correction)
}

fn run(plan: &Plan, sims: u64, threads: usize) -> Run {
    let settings = Settings { seed: 8, sims, threads: Some(threads), keep: true, first: 0 };
    diagnose(plan, &settings, &Unwatched).unwrap()
}

fn row<'d>(found: &'d Diagnosis, label: &str, member: &str) -> &'d RowDiagnosis {
    let is_meant = |row: &&RowDiagnosis| row.estimator == label && row.term == member;
    found.rows.iter().find(is_meant).unwrap_or_else(|| panic!("{label} {member}"))
}

fn measure(found: &Diagnosis, label: &str, member: &str, name: &str) -> Measure {
    let measure = row(found, label, member).measure(name);
    measure.unwrap_or_else(|| panic!("{label} has no {name}"))
}

/// Asserts that a diagnosand of a family as a whole has a value, to four Monte Carlo errors.
#[track_caller]
fn assert_value(found: &Diagnosis, correction: Correction, name: &str, expected: f64) {
    let Measure { value, mcse, .. } = measure(found, correction.name(), "", name);
    let (value, mcse) = (value.unwrap(), mcse.unwrap());
    let z = (value - expected) / mcse;
    assert!(z.abs() < 4.0, "{correction:?} {name}: {value} ({mcse}), not {expected}");
}

/// Where every hypothesis is true, the error rates of independent tests are known exactly.
#[test]
fn error_rates_of_true_hypotheses_are_exact() {
    let found = run(&plan(&all_corrections(), 0.0, "", ""), 20_000, 2).diagnosis;
    let (alpha, m) = (0.05_f64, 5);
    let one_of = |level: f64| 1.0 - (1.0 - level).powi(m);
    for (correction, fwer) in [
        (Correction::None, one_of(alpha)),
        (Correction::Bonferroni, one_of(alpha / 5.0)),
        (Correction::Sidak, alpha),
        // The first step of Holm's is Bonferroni's.
        (Correction::Holm, one_of(alpha / 5.0)),
        // Simes' equality: the smallest of m p_j / j is at most alpha with probability alpha.
        (Correction::Hommel, alpha),
        (Correction::BenjaminiHochberg, alpha),
        (Correction::BenjaminiYekutieli, alpha / (1.0 + 0.5 + 1.0 / 3.0 + 0.25 + 0.2)),
    ] {
        for name in ["fwer", "fdr", "any_significant"] {
            assert_value(&found, correction, name, fwer);
        }
    }
    let hochberg = measure(&found, "Hochberg", "", "fwer");
    assert!(hochberg.value.unwrap() < alpha + 4.0 * hochberg.mcse.unwrap());
    for (correction, level) in [
        (Correction::None, alpha),
        (Correction::Bonferroni, alpha / 5.0),
        (Correction::Sidak, 1.0 - (1.0 - alpha).powf(0.2)),
    ] {
        assert_value(&found, correction, "n_significant", 5.0 * level);
        let power = measure(&found, correction.name(), "y4", "power");
        assert!((power.value.unwrap() - level).abs() < 4.0 * power.mcse.unwrap(), "{power:?}");
    }
}

/// Where some are false: Benjamini and Hochberg's rate is alpha times the share of true ones.
#[test]
fn error_rates_beside_false_hypotheses_are_exact() {
    let found = run(&plan(&all_corrections(), 1.0, "", ""), 20_000, 2).diagnosis;
    let harmonic = 1.0 + 0.5 + 1.0 / 3.0 + 0.25 + 0.2;
    assert_value(&found, Correction::BenjaminiHochberg, "fdr", 0.05 * 0.6);
    assert_value(&found, Correction::BenjaminiYekutieli, "fdr", 0.05 * 0.6 / harmonic);
    assert_value(&found, Correction::None, "fwer", 1.0 - 0.95_f64.powi(3));
    assert_value(&found, Correction::Bonferroni, "fwer", 1.0 - 0.99_f64.powi(3));
    assert_value(&found, Correction::Sidak, "fwer", 1.0 - 0.95_f64.powf(0.6));
    for correction in ["Holm", "Hochberg", "Hommel"] {
        let fwer = measure(&found, correction, "", "fwer");
        assert!(fwer.value.unwrap() < 0.05 + 4.0 * fwer.mcse.unwrap(), "{correction}");
        let power = |label| measure(&found, label, "y4", "power").value.unwrap();
        assert!(power(correction) > power("Bonferroni"), "{correction}");
    }
    // What no correction changes is that of the estimators alone.
    let member = row(&found, "Holm", "y4");
    let names: Vec<&str> = member.diagnosands.iter().map(|found| found.name.as_str()).collect();
    assert_eq!(names, ["power", "type_s", "exaggeration", "false_positive"]);
    // An uncorrected family is its members.
    for name in ["power", "false_positive"] {
        let own = measure(&found, "y2", "(Intercept)", name);
        assert_eq!(measure(&found, "None", "y2", name), own, "{name}");
    }
}

/// A column of kept simulations, of one estimator or member.
fn kept(table: &Table, label: &str, term: &str, name: &str) -> Vec<f64> {
    let text = |column: &str| match &table.column(column).unwrap().values {
        Values::Category { codes, labels } => codes
            .iter()
            .map(|code| code.map_or(String::new(), |code| labels[code as usize].clone()))
            .collect::<Vec<String>>(),
        _ => panic!("{column} is text"),
    };
    let (labels, terms) = (text("estimator"), text("term"));
    let Values::Number(values) = &table.column(name).unwrap().values else { panic!("{name}") };
    let rows = values.iter().enumerate();
    rows.filter(|(i, _)| labels[*i] == label && terms[*i] == term).map(|(_, v)| *v).collect()
}

/// Every diagnosand of a family with members that fail, counted anew from the kept p-values.
#[test]
fn families_are_those_of_the_kept_p_values() {
    let plan = plan(&all_corrections(), 0.8, "subset: \"y1 > 0.9\",", "");
    let Run { diagnosis, simulations } = run(&plan, 1500, 2);
    let table = simulations.unwrap();
    let members = ["y1", "y2", "y3", "y4", "y5"];
    let own: Vec<Vec<f64>> =
        members.iter().map(|label| kept(&table, label, "(Intercept)", "p.value")).collect();
    let n_incomplete = own[0].iter().filter(|p| p.is_nan()).count();
    assert!(n_incomplete > 100, "{n_incomplete}");
    for correction in all_corrections() {
        let label = correction.name();
        let corrected: Vec<Vec<f64>> =
            members.iter().map(|name| kept(&table, label, name, "p.value")).collect();
        let (mut any, mut all, mut number, mut wrong) = (0, 0, 0, 0);
        for sim in 0..1500 {
            let there: Vec<usize> = (0..5).filter(|k| !own[*k][sim].is_nan()).collect();
            let mut p: Vec<f64> = there.iter().map(|k| own[*k][sim]).collect();
            correction.adjust(&mut p, &mut multiplicity::Scratch::default());
            let found: Vec<f64> = there.iter().map(|k| corrected[*k][sim]).collect();
            assert_eq!(found, p, "{label}, simulation {sim}");
            let rejects = |k: &usize| corrected[*k][sim] <= 0.05;
            let n = (0..5).filter(rejects).count();
            any += usize::from(n > 0);
            all += usize::from(n == 5);
            number += n;
            wrong += usize::from((0..3).any(|k| rejects(&k)));
        }
        for (name, events) in [
            ("any_significant", any),
            ("all_significant", all),
            ("n_significant", number),
            ("fwer", wrong),
            ("incomplete", n_incomplete),
        ] {
            let found = measure(&diagnosis, label, "", name);
            let off = (found.value.unwrap() - events as f64 / 1500.0).abs();
            assert!(off < 1e-12 && found.n == 1500, "{label} {name} {found:?} {events}");
        }
    }
}

/// Members whose tests are drawn again, resampled, or of hypotheses about coefficients.
#[test]
fn members_are_tests_of_any_kind() {
    let plan = compiled(
        r#"Design(steps: [
            Level(name: unit, n: 30, variables: { x: "normal(0, 1)" }),
            PotentialOutcomes(outcome: y, conditions: { z: [0, 1] }, formula: "x + z / 2"),
            Assignment(variable: z, method: Complete),
            Reveal(outcome: y),
            Assignment(variable: arm, method: Complete, conditions: [a, b, c]),
            Variables(variables: { v: "normal(0, 1)" }),
            Estimator(label: "Drawn", term: z, inference: Randomisation(draws: 39, assignment: z),
                method: LmRobust(formula: "y ~ z")),
            Estimator(label: "Pairs", term: x, inference: Bootstrap(replicates: 39),
                method: LmRobust(formula: "y ~ x")),
            Estimator(label: "Arms", term: All,
                method: LmRobust(formula: "v ~ arm", hypotheses: ["armb = armc"])),
            Family(label: "Some", of: ["Drawn", Member(estimator: "Arms", term: armb), "Pairs",
                Member(estimator: "Arms", term: "armb = armc", outcome: v)]),
            Family(label: "Arms alone", of: "Arms", correction: BenjaminiHochberg),
        ])"#,
    );
    let own = ["Drawn z", "Arms armb", "Pairs x", "Arms armb = armc"];
    let some = ["Drawn", "Arms (armb)", "Pairs", "Arms (armb = armc)"];
    let names: Vec<&str> = plan.families[0].members.iter().map(|m| m.name.as_str()).collect();
    assert_eq!(names, some);
    let names: Vec<&str> = plan.families[1].members.iter().map(|m| m.name.as_str()).collect();
    assert_eq!(names, ["(Intercept)", "armb", "armc", "armb = armc"]);
    let table = run(&plan, 200, 2).simulations.unwrap();
    let p_values = |label: &str, term: &str| kept(&table, label, term, "p.value");
    let own = own.map(|name| {
        let (label, term) = name.split_once(' ').unwrap();
        p_values(label, term)
    });
    let corrected = some.map(|name| p_values("Some", name));
    for sim in 0..200 {
        let mut p = own.each_ref().map(|p| p[sim]);
        Correction::Holm.adjust(&mut p, &mut multiplicity::Scratch::default());
        assert_eq!(corrected.each_ref().map(|p| p[sim]), p);
    }
}

#[test]
fn bits_do_not_depend_on_threads() {
    let plan = plan(&[Correction::Holm, Correction::Sidak], 0.5, "", "");
    assert_eq!(run(&plan, 1000, 1), run(&plan, 1000, 3));
}

#[test]
fn families_and_their_members_are_expected_and_made_precise() {
    let expect = r#"expect: [
        Expect(family: "Holm", diagnosand: fwer, at_most: 0.06),
        Expect(family: "None", diagnosand: fwer, at_most: 0.06),
        Expect(family: "Holm", member: y4, diagnosand: power, at_least: 0.4),
        Expect(family: "Holm", member: y4, diagnosand: power, better_than: "Bonferroni", by: -0.01),
        Expect(family: "Bonferroni", member: y1, diagnosand: false_positive, within: 0..=0.03),
        Expect(family: "Holm", member: y4, diagnosand: found, at_most: 0.2),
        Expect(family: "None", diagnosand: n_significant, at_least: 1),
        Expect(family: "Holm", diagnosand: all_significant, better_than: "Bonferroni", by: -0.01),
        Expect(family: "Holm", diagnosand: n_significant, better_than: "Bonferroni"),
        Expect(family: "None", diagnosand: fdr, better_than: "Holm"),
    ], diagnosands: [Diagnosand(label: found, value: "mean(p_value < 0.01)")]"#;
    let families = [Correction::None, Correction::Holm, Correction::Bonferroni];
    let plan = plan(&families, 1.0, "", expect);
    let rules = Rules { error: 1e-3, max_sims: 20_000, seed: 4, threads: Some(2) };
    let found = check(&plan, &rules, &Unwatched).unwrap();
    let verdicts: Vec<Verdict> = found.rulings.iter().map(|ruling| ruling.verdict).collect();
    use Verdict::{Met, NotMet};
    assert_eq!(verdicts, [Met, NotMet, Met, Met, Met, NotMet, Met, Met, Met, NotMet]);
    let mut runner = Runner::new(&plan, &Settings { sims: 0, ..Settings::default() });
    let target = |name, mcse| Target { diagnosand: diagnosands::place(&plan, name).unwrap(), mcse };
    let targets = [target("fwer", 0.006), target("power", 0.006), target("found", 0.01)];
    let misses = refine(&mut runner, &targets, 50_000, &Unwatched).unwrap();
    assert!(misses.is_empty(), "{misses:?}");
    let diagnosis = runner.diagnosis();
    let mcse = |label| measure(&diagnosis, label, "", "fwer").mcse.unwrap();
    assert!(mcse("None") <= 0.006 && mcse("Holm") <= 0.006);
}

#[test]
fn every_diagnosand_has_its_name_and_its_manual() {
    for (diagnosand, name) in ALL.iter().zip(NAMES) {
        assert_eq!(diagnosand.name, *name);
        let text = diagnosands::manual(name).unwrap();
        assert!(text.starts_with(&format!("# {name}\n\n")), "{text}");
        let headings = ["# What it is\n", "# Formula\n", "# Monte Carlo error\n", "# References\n"];
        let places: Vec<usize> = headings.iter().map(|h| text.find(h).unwrap()).collect();
        assert!(places.is_sorted(), "{name}");
    }
}
