//! The program as its users run it: commands, outputs, exit codes.

mod common;

use serde_json::Value;

use common::{design, ended, json, refused, scratch, stdout};

#[test]
fn every_command_has_an_example() {
    for command in ["new", "explain", "draw", "run", "estimate", "diagnose", "audit", "check"] {
        let help = stdout(&[command, "--help"]);
        assert!(help.contains(&format!("trialrun {command}")), "{command}");
        assert!(help.contains("Example"), "{command}");
    }
}

#[test]
fn the_gallery_is_listed_and_copied() {
    let list = stdout(&["new"]);
    assert!(list.contains("student-tests") && list.contains("cluster-rct"));
    let copied = stdout(&["new", "student-tests"]);
    assert_eq!(copied, std::fs::read_to_string(design("student-tests")).unwrap());
    assert!(refused(&["new", "student-test"]).contains("did you mean `student-tests`?"));
    let path = scratch("copied.ron");
    let _ = std::fs::remove_file(&path);
    let path = path.to_str().unwrap();
    assert_eq!(stdout(&["new", "two-arm", "--out", path]), "");
    assert!(refused(&["new", "two-arm", "--out", path]).contains("exists"));
}

#[test]
fn a_diagnosis_is_the_same_on_any_number_of_threads() {
    for format in ["text", "markdown", "json", "csv"] {
        let run = |threads| {
            let file = design("student-tests");
            let args = ["diagnose", &file, "--sims", "1000", "--format", format];
            stdout(&[&args[..], &["--threads", threads]].concat())
        };
        let one = run("1");
        for threads in ["1", "2", "3"] {
            assert_eq!(run(threads), one, "{format}, {threads} threads");
        }
        assert!(!one.contains('\u{1b}'), "no colour where nobody looks");
        assert!(!one.contains("NaN"), "{format}");
    }
}

/// The committed report is what the main job prints as Markdown. Remake it with
/// `trialrun diagnose designs/student-tests.ron --format markdown --out reports/student-tests.md`.
#[test]
fn the_committed_report_is_not_stale() {
    let path = format!("{}/../../reports/student-tests.md", env!("CARGO_MANIFEST_DIR"));
    let report = std::fs::read_to_string(path).unwrap();
    assert_eq!(stdout(&["diagnose", &design("student-tests"), "--format", "markdown"]), report);
}

#[test]
fn the_json_of_a_diagnosis_keeps_its_form() {
    let file = design("student-tests");
    let found =
        json(&["diagnose", &file, "--sims", "300", "--set", "classes=6", "--format", "json"]);
    assert_eq!(found["design"], "student-tests");
    assert_eq!(found["sims"], 300);
    assert_eq!(found["seed"], 20_260_101);
    assert_eq!(found["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(found["parameters"]["classes"], 6.0);
    let rows = found["diagnosis"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    for row in rows {
        for key in ["estimator", "estimand", "term", "outcome", "sims", "failures", "boundary"] {
            assert!(row.get(key).is_some(), "{key}");
        }
        for (name, value) in row["diagnosands"].as_object().unwrap() {
            for key in ["value", "mcse", "n"] {
                assert!(value.get(key).is_some(), "{name}: {key}");
            }
        }
    }
    let comparison = &found["comparisons"][0];
    assert_eq!(comparison["estimand"], "ate");
    assert!(comparison["differences"]["coverage"]["mcse"].as_f64().unwrap() > 0.0);
}

/// The numbers of a line of CSV without quoted separators.
fn cells(line: &str) -> Vec<&str> {
    line.split(',').map(|cell| cell.trim_matches('"')).collect()
}

#[test]
fn a_replayed_simulation_is_that_of_the_run() {
    let file = design("student-tests");
    let path = scratch("simulations.csv");
    let path = path.to_str().unwrap();
    stdout(&["diagnose", &file, "--sims", "600", "--simulations", path]);
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let header = cells(lines.next().unwrap());
    let expected = "design,sim_ID,inquiry,estimand,estimator,term,estimate,std.error,statistic,\
                    p.value,conf.low,conf.high,df,outcome";
    assert_eq!(header[..14].join(","), expected);
    let rows: Vec<Vec<&str>> = lines.map(cells).collect();
    assert_eq!(rows.len(), 1200);
    let run = json(&["run", &file, "--sim", "417", "--format", "json"]);
    let replayed: Vec<&Value> = run["steps"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|step| step["estimates"].as_array().unwrap())
        .collect();
    let kept: Vec<&Vec<&str>> = rows.iter().filter(|row| row[1] == "417").collect();
    assert_eq!(kept.len(), 2);
    for (kept, replayed) in kept.iter().zip(replayed) {
        assert_eq!(kept[4], replayed["estimator"].as_str().unwrap());
        for (column, key) in [(6, "estimate"), (7, "std_error"), (9, "p_value"), (12, "df")] {
            let number: f64 = kept[column].parse().unwrap();
            assert_eq!(number, replayed[key].as_f64().unwrap(), "{key}");
        }
    }
}

#[test]
fn a_drawn_data_set_gives_the_estimates_of_its_simulation() {
    let file = design("student-tests");
    let path = scratch("drawn.csv");
    let path = path.to_str().unwrap();
    stdout(&["draw", &file, "--sim", "5", "--out", path]);
    let estimates = json(&["estimate", &file, "--data", path, "--format", "json"]);
    let run = json(&["run", &file, "--sim", "5", "--format", "json"]);
    let simulated = run["steps"].as_array().unwrap().iter();
    let simulated = simulated.flat_map(|step| step["estimates"].as_array().unwrap());
    let estimated = estimates["estimates"].as_array().unwrap();
    assert_eq!(estimated.len(), 2);
    for (a, b) in estimated.iter().zip(simulated) {
        for key in ["estimate", "std_error", "df", "p_value", "conf_low", "conf_high"] {
            let (a, b) = (a[key].as_f64().unwrap(), b[key].as_f64().unwrap());
            assert!((a - b).abs() < 1e-8 * b.abs(), "{key}: {a} {b}");
        }
        assert_eq!(a["status"], "ok");
        assert!(a["fit"]["sigma"].as_f64().unwrap() > 0.0);
    }
}

#[test]
fn draw_prints_the_rows_that_it_is_asked_for() {
    let file = design("student-tests");
    let text = stdout(&["draw", &file, "-n", "3", "--level", "class", "--format", "csv"]);
    assert_eq!(text.lines().count(), 4);
    assert!(text.starts_with("school,class,school_effect,class_effect,students"));
    let rows = json(&["draw", &file, "-n", "4", "--format", "json"]);
    assert_eq!(rows.as_array().unwrap().len(), 4);
    assert!(refused(&["draw", &file, "--level", "clas"]).contains("did you mean `class`?"));
}

#[test]
fn a_file_of_estimators_alone_has_nothing_to_simulate() {
    let path = scratch("estimators.ron");
    let text = "Design(steps: [Estimator(label: \"means\", term: z, \
                method: LmRobust(formula: \"y ~ z\"))])";
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap();
    assert!(refused(&["diagnose", path]).contains("there is nothing to simulate"));
    assert!(refused(&["draw", path]).contains("there is nothing to simulate"));
    let data = scratch("estimators.csv");
    std::fs::write(&data, "y,z\n1,0\n2,0\n4,1\n5.5,1\n,1\n").unwrap();
    let found = json(&["estimate", path, "--data", data.to_str().unwrap(), "--format", "json"]);
    let estimate = &found["estimates"][0];
    assert_eq!(estimate["estimate"], 3.25);
    assert_eq!(estimate["n"], 4.0);
    assert_eq!(estimate["df"], 2.0);
    assert!(estimate["estimand"].is_null());
}

#[test]
fn a_drawn_data_set_gives_the_corrected_p_values_of_its_simulation() {
    let file = design("many-outcomes");
    let path = scratch("outcomes.csv");
    let path = path.to_str().unwrap();
    stdout(&["draw", &file, "--sim", "3", "--out", path]);
    let found = json(&["estimate", &file, "--data", path, "--format", "json"]);
    let run = json(&["run", &file, "--sim", "3", "--format", "json"]);
    let steps = run["steps"].as_array().unwrap().iter();
    let simulated: Vec<&Value> =
        steps.filter_map(|step| step["corrected"].as_array()).flatten().collect();
    let families = found["families"].as_array().unwrap();
    let members = families.iter().flat_map(|family| family["members"].as_array().unwrap());
    assert_eq!((families.len(), simulated.len()), (4, 24));
    let mut n_changed = 0;
    for (estimated, simulated) in members.zip(simulated) {
        assert_eq!(estimated["estimator"], simulated["member"]);
        let p = |value: &Value| value.as_f64().unwrap();
        let corrected = p(&estimated["corrected"]);
        assert!((corrected - p(&simulated["p_value"])).abs() < 1e-8 * corrected);
        n_changed += usize::from(corrected > p(&estimated["p_value"]));
    }
    assert!(n_changed >= 10, "{n_changed}");
    let text = stdout(&["estimate", &file, "--data", path]);
    assert!(text.contains("\nFamily Holm, p-values corrected by Holm\n"), "{text}");
    assert!(text.contains("\nFamily Uncorrected, p-values not corrected\n"), "{text}");
    let text = stdout(&["estimate", &file, "--data", path, "--format", "markdown"]);
    assert!(text.contains("| estimator | term | p.value | corrected |"), "{text}");
    let text = stdout(&["estimate", &file, "--data", path, "--format", "csv"]);
    let header = "status,p.value (Uncorrected),p.value (Bonferroni),p.value (Holm),";
    assert!(text.lines().next().unwrap().contains(header), "{text}");
    let text = stdout(&["run", &file, "--sim", "3"]);
    assert!(text.contains("Reading: corrected p "), "{text}");
}

#[test]
fn random_effects_are_told_where_they_are_wanted() {
    let data = scratch("classes.csv");
    let rows: String = (0..36)
        .map(|i| {
            let (class, x) = (["blue", "a, b", "red"][i % 3], (i * 7) % 5);
            let y = 2 * (i % 3) + x + (i * i * 5) % 11;
            let z = if i == 4 { "NA".to_string() } else { (y + (i * 3) % 4).to_string() };
            format!("\"{class}\",{x},{y},{z}\n")
        })
        .collect();
    std::fs::write(&data, format!("class,x,y,z\n{rows}")).unwrap();
    let estimate = |method: &str, rest: &[&str]| {
        let text =
            format!("Design(name: \"D\", steps: [Estimator(label: \"M\", method: {method})])");
        let path = scratch("classes.ron");
        std::fs::write(&path, text).unwrap();
        let own = [path.to_str().unwrap(), "--data", data.to_str().unwrap()];
        ended(&[&["estimate"], &own[..], rest].concat())
    };
    let intercepts = "Lmer(formula: \"y ~ x + (1 | class)\")";
    let (_, plain, _) = estimate(intercepts, &[]);
    let (_, text, _) = estimate(intercepts, &["--random-effects"]);
    let more = text.strip_prefix(&plain).expect("what there is without them");
    assert!(more.starts_with("\nM: conditional modes by class\n\nclass  term "), "{text}");
    let labels: Vec<&str> = more.lines().skip(4).map(|line| line[..5].trim()).collect();
    assert_eq!(labels, ["a, b", "blue", "red"]);
    let (_, alias, _) = estimate(intercepts, &["--ranef"]);
    assert_eq!(alias, text);
    let (_, text, _) = estimate(intercepts, &["--ranef", "--format", "csv"]);
    let header = "design,estimator,outcome,group,label,term,mode,sd,coefficient,status";
    assert_eq!(text.lines().next(), Some(header));
    assert!(
        text.lines().nth(1).unwrap().starts_with("D,M,y,class,\"a, b\",(Intercept),"),
        "{text}"
    );
    let (_, text, _) = estimate(intercepts, &["--ranef", "--format", "markdown"]);
    assert!(text.contains("| class | term | mode | sd | coefficient |"), "{text}");

    // A row with a missing outcome is left out.
    let missing = "Lmer(formula: \"z ~ x + (1 | class)\")";
    let (_, text, err) = estimate(missing, &["--ranef", "--format", "json"]);
    let found: Value = serde_json::from_str(&text).expect(&err);
    let modes = found["conditional_modes"].as_array().unwrap();
    let of = |key: &str| modes.iter().map(|m| m[key].as_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(of("label"), ["a, b", "blue", "red"]);
    let sum: f64 = modes.iter().map(|m| m["mode"].as_f64().unwrap()).sum();
    assert!(sum.abs() < 1e-12, "{text}");

    let lost = "Glmer(formula: \"y ~ x + (1 | class)\", family: Binomial)";
    let (code, text, _) = estimate(lost, &["--ranef"]);
    assert_eq!(code, 0);
    assert!(text.contains("\nM: no conditional modes, "), "{text}");
    let (code, _, err) = estimate("LmRobust(formula: \"y ~ x\")", &["--ranef"]);
    assert_eq!(code, 2);
    assert!(err.contains("has no estimator with random effects of groups"), "{err}");
    assert!(err.contains("`--random-effects` is for `Lmer` and `Glmer`"), "{err}");
}

#[test]
fn families_of_data_name_terms_that_are_there() {
    let data = scratch("arms.csv");
    std::fs::write(&data, "y,g,h\n1,a,1\n2,a,2\n4,b,1\n5.5,b,2\n3,c,1\n7,c,2\n1,d,1\n2.5,d,2\n")
        .unwrap();
    let estimate = |of: &str, format: &str| {
        let text = format!(
            "Design(steps: [
                Estimator(label: \"Arms\", term: [gb, gc, gd],
                    method: LmRobust(formula: \"y ~ g\", hypotheses: [\"gb = gc\"])),
                Estimator(label: \"None\", term: h, method: LmRobust(formula: \"y ~ h\"),
                    subset: \"h > 5\"),
                Family(label: \"All\", of: [{of}])])"
        );
        let path = scratch("arms.ron");
        std::fs::write(&path, text).unwrap();
        let [path, data] = [path, data.clone()].map(|path| path.to_str().unwrap().to_string());
        ended(&["estimate", &path, "--data", &data, "--format", format])
    };
    let (code, text, err) = estimate("\"Arms\", \"None\"", "json");
    assert_eq!(code, 0, "{err}");
    let found: Value = serde_json::from_str(&text).unwrap();
    let members = found["families"][0]["members"].as_array().unwrap();
    let terms: Vec<&str> = members.iter().map(|m| m["term"].as_str().unwrap()).collect();
    assert_eq!(terms, ["gb", "gc", "gd", "gb = gc", "h"]);
    // A fit that failed is not counted: four tests are corrected for.
    let of = |i: usize, key: &str| members[i][key].as_f64();
    let smallest = (0..4).filter_map(|i| of(i, "p_value")).fold(1.0, f64::min);
    let corrected = (0..4).filter_map(|i| of(i, "corrected")).fold(1.0, f64::min);
    assert!((corrected - 4.0 * smallest).abs() < 1e-15, "{text}");
    assert_eq!((of(4, "p_value"), of(4, "corrected")), (None, None));
    let (code, text, _) = estimate("\"Arms\", \"None\"", "csv");
    assert_eq!(code, 0);
    assert!(text.lines().last().unwrap().ends_with(",no_rows,NA"), "{text}");

    let (code, _, err) = estimate("Member(estimator: \"Arms\", term: ge), \"None\"", "text");
    assert_eq!(code, 2);
    assert!(err.contains("it reports gb, gc, gd"), "{err}");
    let (code, _, err) = estimate("\"Arms\", Member(estimator: \"Arms\", term: gb)", "text");
    assert_eq!(code, 2);
    assert!(err.contains("`gb` of \"Arms\" is in the family \"All\" twice"), "{err}");
}

#[test]
fn wrong_input_is_refused() {
    let file = design("two-arm");
    assert!(refused(&["diagnose", "nowhere.ron"]).contains("no such file"));
    assert!(refused(&["diagnose", env!("CARGO_MANIFEST_DIR")]).contains("is a directory"));
    assert!(refused(&["diagnose", &file, "--set", "unit=3"]).contains("did you mean `units`?"));
    assert!(refused(&["diagnose", &file, "--set", "units"]).contains("NAME=VALUE"));
    assert!(refused(&["diagnose", &file, "--sims", "0"]).contains("--sims"));
    assert!(refused(&["estimate", &file, "--data", "nowhere.csv"]).contains("nowhere.csv"));
    let path = scratch("latin1.ron");
    std::fs::write(&path, b"Design(name: \"\xe9\")").unwrap();
    let message = refused(&["explain", path.to_str().unwrap()]);
    assert!(message.contains(":1:15: the file is not UTF-8 text"), "{message}");
}

#[test]
fn explanations_name_what_there_is() {
    let text = stdout(&["explain", &design("student-tests")]);
    for word in ["school", "class", "student", "test", "Random intercept", "targets ate"] {
        assert!(text.contains(word), "{word}");
    }
    for subject in ["Level", "LmRobust", "Lmer", "coverage", "functions"] {
        assert!(stdout(&["explain", subject]).len() > 200, "{subject}");
    }
    assert!(refused(&["explain", "LmRobst"]).contains("did you mean `LmRobust`?"));
}

#[test]
fn an_audit_tells_whether_probabilities_agree() {
    let blocked = design("blocked");
    let text = stdout(&["audit", &blocked, "--sims", "2000"]);
    assert!(text.contains("Declared and realised probabilities agree."), "{text}");
    assert!(text.contains("tutoring is assigned by complete random assignment"), "{text}");
    let value = json(&["audit", &blocked, "--sims", "2000", "--format", "json"]);
    assert_eq!(value["agrees"], true);
    assert_eq!(value["steps"][0]["first_order"]["exact"], true);
    assert_eq!(value["steps"][0]["arms"], serde_json::json!(["0", "1"]));
    let csv = stdout(&["audit", &blocked, "--sims", "500", "--format", "csv"]);
    assert_eq!(csv.lines().count(), 3);
    let without = scratch("no-assignment.ron");
    std::fs::write(&without, "Design(steps: [Level(name: unit, n: 3)])").unwrap();
    assert!(refused(&["audit", without.to_str().unwrap()]).contains("nothing to audit"));
}

/// Data files are found beside the design, wherever the program runs; the gallery's can be copied.
#[test]
fn data_files_are_read_beside_the_design() {
    let drawn = stdout(&["draw", &design("population-from-data"), "-n", "2"]);
    assert!(drawn.contains("enrolment") && drawn.contains("coast"), "{drawn}");
    let folder = scratch("data");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("mine.ron");
    let path = path.to_str().unwrap();
    stdout(&["new", "population-from-data", "--out", path]);
    let missing = refused(&["run", path]);
    assert!(missing.contains("mine.ron:"), "{missing}");
    assert!(missing.contains("`trialrun new schools.csv > schools.csv` writes this"), "{missing}");
    std::fs::write(folder.join("schools.csv"), stdout(&["new", "schools.csv"])).unwrap();
    stdout(&["run", path]);
    let wrong = stdout(&["new", "schools.csv"]).replace(",44,", ",4x,");
    std::fs::write(folder.join("schools.csv"), wrong).unwrap();
    let refused = refused(&["run", path]);
    assert!(refused.contains("row 1 has `4x`"), "{refused}");
}
