//! The gate as CI jobs run it: verdicts, exit codes, baselines, what CI systems read.

mod common;

use std::process::Command;

use serde_json::Value;

use common::{design, ended, json, refused, scratch, stdout, written};

/// A mean of ten values whose interval covers with 0.95.
const MEAN: &str = r#"Design(
    name: "mean",
    steps: [
        Level(name: unit, n: 10, variables: { y: "normal(0, 1)" }),
        Estimand(label: mean, value: 0),
        Estimator(label: "Mean", estimand: mean, term: "(Intercept)",
            method: LmRobust(formula: "y ~ 1", se: classical)),
    ],
    diagnosis: ( sims: 4000, seed: 5 ),
    expect: [
        Expect(estimator: "Mean", diagnosand: coverage, within: LOW..=HIGH),
    ],
)"#;

fn mean(name: &str, low: &str, high: &str) -> String {
    written(name, &MEAN.replace("LOW", low).replace("HIGH", high))
}

#[test]
fn a_check_ends_with_the_code_of_its_verdict() {
    let met = mean("check/met.ron", "0.92", "0.98");
    let (code, out, err) = ended(&["check", &met]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.contains("1 expectation in 1 design: 1 met"), "{out}");

    let not_met = mean("check/not-met.ron", "0.97", "0.99");
    let (code, out, err) = ended(&["check", &not_met]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("not met  mean    Mean: coverage"), "{out}");
    let command = format!("to repeat: trialrun check {not_met} --seed 5");
    assert!(err.contains(&command), "{err}");

    let edge = mean("check/edge.ron", "0.95", "0.98");
    let (code, out, _) = ended(&["check", &edge, "--max-sims", "3000"]);
    assert_eq!(code, 3, "{out}");
    assert!(out.contains("undecided"), "{out}");

    let wrong = written("check/wrong.ron", "Design(steps: [Levle(name: a, n: 1)])");
    let (code, out, err) =
        ended(&["check", &met, &wrong, &scratch("check/absent.ron").to_string_lossy()]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("did you mean `Level`?") && err.contains("no such file"), "{err}");
    // One file that fails decides, whatever the others are.
    let (code, out, err) = ended(&["check", &met, &not_met, "--format", "json"]);
    assert_eq!(code, 1, "{err}");
    let found: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(found["verdict"], "not_met");
    assert_eq!(found["expectations"][0]["verdict"], "met");
    // The command repeats the same verdict with this design's share of the error rate.
    assert!(err.contains("--error-rate 0.0005 --seed 5"), "{err}");
}

#[test]
fn a_check_is_the_same_on_any_number_of_threads() {
    let file = design("student-tests");
    for format in ["text", "markdown", "json"] {
        let run = |threads| stdout(&["check", &file, "--format", format, "--threads", threads]);
        assert_eq!(run("1"), run("2"), "{format}");
    }
}

#[test]
fn ci_systems_get_what_they_read() {
    let not_met = mean("check/ci.ron", "0.97", "0.99");
    let xml = scratch("check/out.xml");
    let summary = scratch("check/summary.md");
    let _ = std::fs::remove_file(&summary);
    let output = Command::new(env!("CARGO_BIN_EXE_trialrun"))
        .args(["check", &not_met, "--github", "--junit", xml.to_str().unwrap()])
        .env("GITHUB_STEP_SUMMARY", &summary)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let err = String::from_utf8(output.stderr).unwrap();
    // `Expect` stands in line 11, column 9.
    let mark =
        format!("::error file={not_met},line=11,col=9,title=mean::Mean: coverage is not met");
    assert!(err.contains(&mark), "{err}");
    let xml = std::fs::read_to_string(xml).unwrap();
    assert!(
        xml.contains("<testsuite name=\"mean\" tests=\"1\" failures=\"1\" errors=\"0\">"),
        "{xml}"
    );
    let summary = std::fs::read_to_string(summary).unwrap();
    assert!(summary.contains("| not met | mean | Mean: coverage |"), "{summary}");
}

#[test]
fn a_baseline_tells_what_drifted() {
    let folder = scratch("drift");
    let _ = std::fs::remove_dir_all(&folder);
    let place = |name: &str| folder.join(name).to_str().unwrap().to_string();
    let text = std::fs::read_to_string(design("student-tests")).unwrap();
    // Strong class shocks: the interval has to know of classes.
    let right = text.replace("shock_sd: 0.001", "shock_sd: 0.05").replace(
        "Expect(estimator: \"Random intercept\", diagnosand: bias, within: -0.001..=0.001),",
        "",
    );
    let file = written("drift/designs/student-tests.ron", &right);
    let (designs, baseline) = (place("designs"), place("reports/baseline.json"));
    let update = ["check", &designs, "--update", "--baseline", &baseline, "--sims", "4000"];
    let (code, _, err) = ended(&update);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("wrote the baseline of 1 design to"), "{err}");

    let against = ["check", &designs, "--baseline", &baseline];
    let (code, out, _) = ended(&against);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("the same to the last bit: student-tests"), "{out}");
    assert_eq!(stdout(&[&against[..], &["--threads", "1"]].concat()), out);

    // Classical instead of clustered standard errors.
    let classical = right.replace("clusters: class, se: CR2)", "se: classical)");
    assert_ne!(classical, right);
    std::fs::write(&file, without_expectations(&classical)).unwrap();
    let (code, out, _) = ended(&against);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("Student average: coverage has drifted from"), "{out}");
    assert!(out.contains("smallest drift caught in 9 of 10 runs"), "{out}");

    // A biased estimator.
    let biased = right.replace("\"mean(score)\"", "\"mean(score) + 0.02 * treatment\"");
    assert_ne!(biased, right);
    std::fs::write(&file, without_expectations(&biased)).unwrap();
    let (code, out, _) = ended(&against);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("Student average: bias has drifted from"), "{out}");

    // Failures rise from 0 to 2%: in a fiftieth of the studies the average is 0 for all.
    let failing = right.replace(
        "Aggregate(by: student, variables: { average_score: \"mean(score)\" }),",
        "Aggregate(by: student, variables: { average_score: \
         \"if(broken == 1, student_baseline * 0, mean(score))\" }),",
    );
    let failing = failing.replace(
        "school_effect: \"normal(0, shock_sd)\" }",
        "school_effect: \"normal(0, shock_sd)\", broken: \"bernoulli(0.02)\" }",
    );
    assert_ne!(failing, right);
    std::fs::write(&file, without_expectations(&failing)).unwrap();
    let (code, out, _) = ended(&against);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("Student average: failures has drifted from 0.0000 to 0.01"), "{out}");

    // Another design, and the old one gone.
    std::fs::remove_file(&file).unwrap();
    mean("drift/designs/mean.ron", "0.9", "1.0");
    let (code, out, _) = ended(&against);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("new, without a baseline: mean"), "{out}");
    assert!(out.contains("gone, in the baseline only: student-tests"), "{out}");
    assert!(refused(&["check", &designs, "--baseline", "absent.json"]).contains("--update"));
    let damaged = written("drift/damaged.json", "{\"format\": 1}");
    assert!(refused(&["check", &designs, "--baseline", &damaged]).contains("no `designs`"));
}

/// Diagnosands that a design declares are expected, made precise and kept in baselines.
#[test]
fn own_diagnosands_are_as_good_as_any() {
    let folder = scratch("own");
    let _ = std::fs::remove_dir_all(&folder);
    let place = |name: &str| folder.join(name).to_str().unwrap().to_string();
    let text = std::fs::read_to_string(design("decision")).unwrap();
    let file = written("own/designs/decision.ron", &text);
    let found = json(&[
        "diagnose",
        &file,
        "--precision",
        "curse=0.002,reliability=0.01",
        "--format",
        "json",
    ]);
    let adjusted = &found["diagnosis"][1]["diagnosands"];
    for (name, most) in [("curse", 0.002), ("reliability", 0.01)] {
        assert!(adjusted[name]["mcse"].as_f64().unwrap() <= most, "{adjusted}");
    }
    assert!(refused(&["diagnose", &file, "--precision", "cure=0.1"]).contains("`curse`"));
    let csv = stdout(&["diagnose", &file, "--sims", "300", "--format", "csv"]);
    assert_eq!(csv.lines().filter(|line| line.contains(",reliability,")).count(), 2);

    let (designs, baseline) = (place("designs"), place("baseline.json"));
    stdout(&["check", &designs, "--update", "--baseline", &baseline, "--sims", "4000"]);
    let against = ["check", &designs, "--baseline", &baseline];
    assert!(stdout(&against).contains("the same to the last bit: decision"));
    // Another diagnosand under the same name: the numbers are others, and so is the design.
    let other =
        text.replace("var(estimand) / var(estimate)", "0.4 * var(estimand) / var(estimate)");
    std::fs::write(&file, without_expectations(&other)).unwrap();
    let (code, out, _) = ended(&against);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("Adjusted: reliability has drifted from 0.8"), "{out}");
    assert!(!out.contains("not reproduced"), "{out}");
    // One that is no finite number has no value, and says so.
    let lost = text.replace("mean(estimate - estimand)\"", "mean(log(estimate))\"");
    std::fs::write(&file, lost.replace("where: \"p_value <= alpha & estimate > cost\"", ""))
        .unwrap();
    let out = stdout(&["diagnose", &file, "--sims", "300"]);
    assert!(out.contains("Adjusted: curse has no value: it is not a finite number in"), "{out}");
    let (code, out, _) = ended(&["check", &file, "--max-sims", "2000"]);
    assert_eq!(code, 3, "{out}");
}

#[test]
fn families_are_expected_recorded_and_made_precise() {
    let file = design("many-outcomes");
    let text = std::fs::read_to_string(&file).unwrap();
    let wish = "Expect(family: \"Holm\", member: \"Maths\", diagnosand: power, at_least: 0.5),
        Expect(family: \"Holm\", diagnosand: fwer, at_most: 0.5)";
    let own =
        text[..text.find("    expect: [").unwrap()].to_string() + &format!("expect: [{wish}])");
    let file = written("families/design.ron", &own);
    let (code, out, err) = ended(&["check", &file, "--format", "json"]);
    assert_eq!(code, 1, "{err}");
    let found: Value = serde_json::from_str(&out).unwrap();
    let [member, family] = [0, 1].map(|i| &found["expectations"][i]);
    assert_eq!((&member["family"], &member["member"]), (&"Holm".into(), &"Maths".into()));
    assert_eq!((&member["estimator"], &member["verdict"]), (&Value::Null, &"not_met".into()));
    assert_eq!((&family["member"], &family["verdict"]), (&Value::Null, &"met".into()));
    let (_, out, _) = ended(&["check", &file]);
    assert!(out.contains("Holm (Maths): power"), "{out}");

    let designs = written("families/designs/design.ron", &without_expectations(&text));
    let baseline = scratch("families/baseline.json").to_string_lossy().into_owned();
    stdout(&["check", &designs, "--update", "--baseline", &baseline, "--sims", "4000"]);
    let against = ["check", &designs, "--baseline", &baseline];
    assert!(stdout(&against).contains("the same to the last bit: many-outcomes"));
    // Another correction under the same label: its numbers drift, and no estimator's.
    let other = text.replace("correction: Holm", "correction: None");
    written("families/designs/design.ron", &without_expectations(&other));
    let (code, out, _) = ended(&against);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("Holm: fwer has drifted from 0.0"), "{out}");
    assert!(out.contains("Holm (Maths): power has drifted"), "{out}");

    let precise = ["diagnose", &file, "--precision", "fwer=0.004", "--format", "json"];
    let found = json(&precise);
    for family in found["families"].as_array().unwrap() {
        assert!(family["diagnosands"]["fwer"]["mcse"].as_f64().unwrap() <= 0.004);
    }
    assert!((512..20_000).contains(&found["sims"].as_u64().unwrap()));
}

/// A design without its expectations.
fn without_expectations(text: &str) -> String {
    let at = text.find("    expect: [").expect("the design expects something");
    format!("{})", &text[..at])
}

#[test]
fn a_diagnosis_goes_on_until_it_is_precise() {
    let file = design("two-arm");
    let precise =
        ["diagnose", &file, "--precision", "coverage=0.004,bias=0.01", "--format", "json"];
    let found = json(&precise);
    let sims = found["sims"].as_u64().unwrap();
    let row = &found["diagnosis"][0]["diagnosands"];
    assert!(row["coverage"]["mcse"].as_f64().unwrap() <= 0.004);
    assert!(row["bias"]["mcse"].as_f64().unwrap() <= 0.01);
    // sqrt(0.95 * 0.05) / 0.004 squared is 2,969: bias asks for more.
    assert!((2_969..8_000).contains(&sims), "{sims}");
    let (code, _, err) = ended(&[&precise[..], &["--max-sims", "2000"]].concat());
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("the Monte Carlo error of coverage is") && err.contains("--max-sims"));
    assert!(refused(&["diagnose", &file, "--precision", "covrage=0.1"]).contains("coverage"));
    assert!(refused(&["diagnose", &file, "--precision", "coverage=0"]).contains("above 0"));
}
