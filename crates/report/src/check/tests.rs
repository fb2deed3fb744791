//! Tests of the forms of a check.

use trialrun_plan::{Options, Plan, compile, read};
use trialrun_run::baseline::{Difference, Drifted, Record, RecordRow, Recorded};
use trialrun_run::check::{Evidence, Sample};
use trialrun_run::diagnosands::INFO;

use super::*;

const DESIGN: &str = r#"Design(
    name: "a <b> & \"c\"",
    steps: [
        Level(name: unit, n: 10, variables: { y: "normal(0, 1)", x: "normal(0, 1)" }),
        Estimand(label: mean, value: 0),
        Estimator(label: "Mean", estimand: mean, term: "(Intercept)",
            method: LmRobust(formula: "y ~ 1")),
        Estimator(label: "Slope", estimand: mean, term: ["(Intercept)", x],
            method: LmRobust(formula: "y ~ x")),
    ],
    expect: [
        Expect(estimator: "Mean", diagnosand: coverage, within: 0.94..=0.96),
        Expect(estimator: "Slope", term: x, diagnosand: power, at_least: 0.8),
        Expect(estimator: "Mean", diagnosand: rmse, better_than: "Slope", term: "(Intercept)"),
    ],
)"#;

fn plan() -> Plan {
    let (design, errors) = read(DESIGN);
    assert!(errors.is_empty(), "{errors:?}");
    let options = Options { diagnosands: INFO, ..Options::default() };
    compile(&design.unwrap(), &options).map_err(|e| format!("{e:?}")).unwrap()
}

fn ruling(plan: &Plan, place: usize, verdict: Verdict, value: Option<f64>) -> Ruling {
    Ruling {
        expectation: plan.expectations[place],
        verdict,
        value,
        mcse: value.map(|_| 0.0031),
        bounds: value.map(|v| (v - 0.01, v + 0.01)),
        n: 5000,
        sims: 5120,
    }
}

fn test(diagnosand: &str, before: f64, now: f64) -> DriftTest {
    DriftTest {
        row: 2,
        estimator: "Slope".into(),
        term: "x".into(),
        diagnosand: diagnosand.into(),
        before,
        now,
        mcse: Some(0.002),
        tolerance: 0.01,
        bounds: Some((now - before - 0.008, now - before + 0.008)),
        catches: Some(0.0206),
    }
}

fn case(plan: &Plan, comparison: Option<Comparison>) -> Case<'_> {
    let rulings = vec![
        ruling(plan, 0, Verdict::Met, Some(0.95)),
        ruling(plan, 1, Verdict::NotMet, Some(0.612)),
        ruling(plan, 2, Verdict::Undecided, None),
    ];
    Case {
        file: "designs/a, b: 100%.ron".into(),
        plan,
        seed: 7,
        places: vec![(12, 9), (13, 9), (14, 9)],
        row_places: vec![(6, 26), (8, 26), (8, 26)],
        checked: Checked { rulings, sims: 200_000, interrupted: false },
        comparison,
    }
}

fn tested() -> Comparison {
    Comparison::Tested(Drifted {
        design_changed: true,
        version: None,
        seed: 99,
        sims: 20_000,
        tests: vec![test("coverage", 0.95, 0.91), test("power", 0.61, 0.612)],
        gone: vec![("Old".into(), "z".into())],
        new: Vec::new(),
    })
}

fn check<'a>(plan: &'a Plan, comparison: Option<Comparison>) -> Check<'a> {
    let baseline = comparison
        .is_some()
        .then(|| BaselineCheck { gone: vec!["lost".into()], n_diagnosands: 32 });
    Check { cases: vec![case(plan, comparison)], error_rate: 1e-3, max_sims: 200_000, baseline }
}

#[test]
fn text_has_a_line_for_each_expectation() {
    let plan = plan();
    let expected = "\
verdict    design         expectation       value             expected         simulations
met        a <b> & \"c\"  Mean: coverage    0.9500 (0.0031)   0.94 to 0.96           5,120
not met    a <b> & \"c\"  Slope (x): power  0.6120 (0.0031)   at least 0.8           5,120
undecided  a <b> & \"c\"  Mean: rmse better than Slope ((Intercept))  no value  at least 0  5,120
";
    let text = check_text(&check(&plan, None), false);
    let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let table: String = text.lines().take(4).map(|line| format!("{line}\n")).collect();
    assert_eq!(squeezed(&table), squeezed(expected));
    assert!(
        text.contains("\n3 expectations in 1 design: 1 met, 1 not met, 1 undecided\n"),
        "{text}"
    );
    assert!(text.contains("At most 1 in 1,000 such runs gives any wrong verdict"), "{text}");
    assert!(!text.contains("baseline"), "{text}");
    let styled = check_text(&check(&plan, None), true);
    assert!(styled.contains("\x1b[1;31mnot met\x1b[0m") && styled.contains("\x1b[32mmet\x1b[0m"));
}

#[test]
fn text_says_what_drifted_and_what_could_have_been_seen() {
    let plan = plan();
    let text = check_text(&check(&plan, Some(tested())), false);
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "gone, in the baseline only: lost",
        "changed; tested for drift on 20,000 new simulations, seed 99",
        "gone: Old, z",
        "drift Slope (x): coverage has drifted from 0.9500 to 0.9100 (change between -0.0480 and \
         -0.0320), more than 0.01",
        "2 diagnosands tested, 1 drifted",
        "smallest drift caught in 9 of 10 runs: power 0.021, coverage 0.021",
        "error rate shared by 32 diagnosands",
    ] {
        assert!(words.contains(part), "{part}\n{text}");
    }
    let same = check_text(&check(&plan, Some(Comparison::Same)), false);
    assert!(same.contains("the same to the last bit: a <b>"), "{same}");
    let differences =
        vec![Difference { estimator: "Mean".into(), term: "x".into(), diagnosand: "bias".into() }];
    let other = check_text(&check(&plan, Some(Comparison::NotReproduced(differences))), false);
    assert!(other.contains("not reproduced, other numbers in 1 diagnosand, although"), "{other}");
}

#[test]
fn markdown_begins_with_what_is_wrong() {
    let plan = plan();
    let text = check_markdown(&check(&plan, Some(tested())));
    let rows: Vec<&str> = text.lines().filter(|l| l.contains("&lt;b>")).collect();
    assert!(rows[0].starts_with("| not met |") && rows[1].starts_with("| undecided |"), "{text}");
    assert!(rows[2].starts_with("| met |"), "{text}");
    assert!(text.contains("**drift** Slope (x): coverage has drifted"), "{text}");
}

#[test]
fn json_keeps_every_digit() {
    let plan = plan();
    let text = check_json(&check(&plan, Some(tested())));
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["verdict"], "not_met");
    let second = &value["expectations"][1];
    assert_eq!((&second["term"], &second["value"]), (&"x".into(), &0.612.into()));
    assert!(second["high"].is_null() && second["better_than"].is_null());
    assert_eq!(value["expectations"][2]["better_than"], "Slope");
    let design = &value["baseline"]["designs"][0];
    assert_eq!(design["result"], "drift");
    assert_eq!(design["tests"][0]["drifted"], true);
    assert_eq!(design["tests"][1]["catches"], 0.0206);
}

#[test]
fn annotations_mark_the_lines() {
    let plan = plan();
    let text = annotations(&check(&plan, Some(tested())));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    let place = "file=designs/a%2C b%3A 100%25.ron,line=13,col=9,title=a <b> & \"c\"::";
    assert!(lines[0].starts_with(&format!("::error {place}Slope (x): power is not met")), "{text}");
    assert!(lines[0].contains("%0Atrialrun check 'designs/a, b: 100%25.ron'"), "{text}");
    assert!(lines[1].starts_with("::warning "), "{text}");
    assert!(lines[2].contains("line=8,col=26") && lines[2].contains("coverage has drifted"));
}

#[test]
fn junit_counts_and_escapes() {
    let plan = plan();
    let xml = junit(&check(&plan, Some(tested())));
    assert!(xml.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites "), "{xml}");
    assert!(
        xml.contains(
            "<testsuite name=\"a &lt;b&gt; &amp; &quot;c&quot;\" tests=\"4\" failures=\"2\" \
             errors=\"1\">"
        ),
        "{xml}"
    );
    let failure = "<failure message=\"Slope (x): power is not met: it is 0.6120 ± 0.0031 after \
                   5,120 simulations, expected at least 0.8\" type=\"power\">";
    assert!(xml.contains(failure), "{xml}");
    assert!(xml.contains("<failure message=\"1 diagnosand drifted\" type=\"baseline\">"), "{xml}");
    assert_eq!(xml.matches("<testcase ").count(), 4);
    assert_eq!(xml.matches("</testcase>").count() + xml.matches("\"/>").count(), 4);
}

#[test]
fn a_baseline_is_read_back_to_the_last_bit() {
    let sample = Sample { n: 20_000, mean: 0.1 + 0.2, sd: 1.0 / 3.0, skewness: -5e-324 };
    let recorded = |name: &str, value: f64, evidence: Evidence| Recorded {
        name: name.into(),
        value,
        mcse: (value != 0.0).then_some(1e-17),
        evidence,
    };
    let row = RecordRow {
        estimator: "a \"quoted\" name".into(),
        term: "(Intercept)".into(),
        diagnosands: vec![
            recorded("bias", 0.1 + 0.2, Evidence::Mean(sample)),
            recorded("rmse", 2.0, Evidence::RootMean(sample)),
            recorded("sd_estimate", 2.5, Evidence::Sd(sample)),
            recorded("se_ratio", 1.0, Evidence::MeanOverSd { mean: sample, variance: sample }),
            recorded("coverage", 0.0, Evidence::Rate { n: 10, events: 0 }),
            recorded(
                "own",
                1.5,
                Evidence::Function {
                    n: 20_000,
                    averages: vec![Evidence::Mean(sample), Evidence::Rate { n: 10, events: 3 }],
                    function: "a b / 1e-1 +".parse().unwrap(),
                },
            ),
        ],
    };
    let record = |design: &str| Record {
        design: design.into(),
        fingerprint: u128::MAX / 3,
        version: "0.1.0".into(),
        seed: u64::MAX,
        sims: 20_000,
        rows: vec![row.clone()],
    };
    let records = [record("b"), record("a")];
    let text = baseline_json(&records);
    let back = read_baseline(&text).unwrap();
    assert_eq!(back, [record("a"), record("b")]);
    assert_eq!(baseline_json(&back), text);
    let own_lines = |line: &&str| line.contains("\"mcse\"") && line.contains("\"value\"");
    let lines = text.lines().filter(own_lines).count();
    assert_eq!(lines, 10, "a line a diagnosand\n{text}");
}

#[test]
fn what_is_no_baseline_is_refused() {
    for (text, why) in [
        ("{", "EOF"),
        ("{}", "it has no `format`"),
        (r#"{"format": 2}"#, "its format is 2"),
        (r#"{"format": 1}"#, "no `designs`"),
        (r#"{"format": 1, "designs": {"x": {"seed": -1}}}"#, "its entry of `x` is damaged"),
    ] {
        let error = read_baseline(text).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
}
