//! The same bits whatever the threads, the batches and the simulations before; draws that do not
//! move when something is added; and golden numbers.

use std::fmt::Write as _;
use std::path::PathBuf;

use trialrun_plan::{Plan, Row, Workspace};
use trialrun_run::{BATCH, Settings, Unwatched, diagnose};

use crate::common::{design, drawn, gallery, gallery_names, plan, simulate, values};

fn settings(sims: u64, threads: usize) -> Settings {
    Settings { seed: 5, first: 0, sims, threads: Some(threads), keep: true }
}

/// Everything in a row, to the bit.
fn bits(row: &Row) -> Vec<u64> {
    let mut all = vec![row.estimand.map_or(1, f64::to_bits), u64::from(row.boundary)];
    all.push(row.n_obs.to_bits());
    match &row.fit {
        Err(failure) => all.push(*failure as u64),
        Ok(e) => {
            let numbers =
                [e.estimate, e.std_error, e.df, e.statistic, e.p_value, e.conf_low, e.conf_high];
            all.extend(numbers.map(f64::to_bits));
        }
    }
    all
}

fn all_bits(ws: &Workspace) -> Vec<Vec<u64>> {
    ws.rows().iter().map(bits).collect()
}

/// The values of every variable, to the bit.
fn drawn_bits(plan: &Plan, ws: &Workspace) -> Vec<(String, Vec<u64>)> {
    let of = |v: &trialrun_plan::Variable| {
        (v.name.clone(), ws.column(v.column).iter().map(|x| x.to_bits()).collect())
    };
    plan.variables.iter().map(of).collect()
}

/// A simulation alone, in a new workspace, is what it is in a run after others.
#[test]
fn a_simulation_does_not_depend_on_those_before() {
    for name in gallery_names() {
        let plan = plan(&gallery(&name));
        let mut ws = plan.workspace();
        for sim in (0..60).chain([3, 1000, 3]) {
            simulate(&plan, &mut ws, 5, sim);
            let alone = drawn(&plan, 5, sim);
            assert_eq!(all_bits(&ws), all_bits(&alone), "{name}, simulation {sim}");
            assert_eq!(drawn_bits(&plan, &ws), drawn_bits(&plan, &alone), "{name} {sim}");
        }
    }
}

/// Step by step a simulation is what it is at once.
#[test]
fn steps_one_by_one_are_the_simulation() {
    for name in gallery_names() {
        let source = gallery(&name);
        let plan = plan(&source);
        let mut ws = plan.workspace();
        for step in 0..design(&source).steps.len() {
            plan.simulate_step(&mut ws, 5, 3, step).unwrap();
        }
        let whole = drawn(&plan, 5, 3);
        assert_eq!(all_bits(&ws), all_bits(&whole), "{name}");
        assert_eq!(drawn_bits(&plan, &ws), drawn_bits(&plan, &whole), "{name}");
    }
}

/// Another simulation, and another seed, are other draws.
#[test]
fn simulations_and_seeds_differ() {
    for name in gallery_names() {
        let plan = plan(&gallery(&name));
        let first = all_bits(&drawn(&plan, 5, 7));
        assert_ne!(first, all_bits(&drawn(&plan, 5, 8)), "{name}");
        assert_ne!(first, all_bits(&drawn(&plan, 6, 7)), "{name}");
        assert_ne!(first, all_bits(&drawn(&plan, 7, 5)), "{name}");
    }
}

/// One, two and three threads, twice: every number of the diagnosis and every row.
#[test]
fn threads_do_not_change_a_bit() {
    for name in gallery_names() {
        let plan = plan(&gallery(&name));
        let sims = 5 * BATCH + 77;
        let one = diagnose(&plan, &settings(sims, 1), &Unwatched).unwrap();
        for threads in [1, 2, 3, 2, 3] {
            let run = diagnose(&plan, &settings(sims, threads), &Unwatched).unwrap();
            let reports = [&run, &one].map(|r| trialrun_report::json(&r.diagnosis));
            assert_eq!(reports[0], reports[1], "{name}, {threads} threads");
            let (ours, theirs) = (&run.diagnosis, &one.diagnosis);
            assert_eq!(format!("{ours:?}"), format!("{theirs:?}"), "{name}, {threads} threads");
            let (ours, theirs) = (run.simulations.as_ref(), one.simulations.as_ref());
            assert_eq!(format!("{ours:?}"), format!("{theirs:?}"), "{name}, {threads} threads");
        }
    }
}

/// A longer run begins with the shorter one, and a run from a later simulation is its end.
#[test]
fn more_simulations_leave_the_first_as_they_were() {
    let plan = plan(&gallery("student-tests"));
    let rows = |first: u64, sims: u64| {
        let settings = Settings { first, ..settings(sims, 2) };
        let table = diagnose(&plan, &settings, &Unwatched).unwrap().simulations.unwrap();
        let lines = (0..table.n_rows()).map(|row| {
            let cell = |c: &trialrun_plan::TableColumn| match &c.values {
                trialrun_plan::Values::Number(v) => format!("{:x}", v[row].to_bits()),
                trialrun_plan::Values::Integer(v) => format!("{:?}", v[row]),
                trialrun_plan::Values::Category { codes, labels } => {
                    codes[row].map_or("NA".into(), |c| labels[c as usize].clone())
                }
            };
            table.columns.iter().map(cell).collect::<Vec<_>>().join(" ")
        });
        lines.collect::<Vec<String>>()
    };
    let long = rows(0, 700);
    assert_eq!(long.len(), 1400);
    assert_eq!(rows(0, 300), long[..600]);
    assert_eq!(rows(300, 400), long[600..]);
    assert_eq!(rows(256, 1), long[512..514]);
}

/// The first design with something added to it.
fn with(from: &str, to: &str) -> Plan {
    let source = gallery("student-tests");
    assert!(source.contains(from), "the design no longer has: {from}");
    plan(&source.replacen(from, to, 1))
}

/// A step that is added leaves every other variable as it was, to the bit.
#[test]
fn steps_that_are_added_move_no_draw() {
    let before = plan(&gallery("student-tests"));
    let estimator = "Estimator(label: \"Another\", estimand: ate, term: treatment, \
                     method: LmRobust(formula: \"score ~ treatment\", clusters: class)),";
    let changes = [
        (
            "PotentialOutcomes(",
            "Variables(variables: { noise: \"normal(0, 1)\" }), PotentialOutcomes(",
        ),
        (
            "PotentialOutcomes(",
            "Variables(level: class, variables: { early: \"poisson(3)\" }), PotentialOutcomes(",
        ),
        ("Reveal(", "Estimand(label: other, value: \"median(score_treatment_1)\"), Reveal("),
        ("Reveal(", "Assignment(variable: w, method: Simple, blocks: school), Reveal("),
        ("Aggregate(", &format!("{estimator} Aggregate(")),
        ("class_effect:", "more: \"gamma(2, 1)\", class_effect:"),
        ("test_ability:", "more: \"uniform(0, 1) + normal(0, 1)\", test_ability:"),
        ("label: \"Random intercept\"", "label: \"Renamed\""),
        ("[0, 1]", "[0, 1, 2]"),
        ("diagnosis: ( sims: 50000", "diagnosis: ( sims: 17"),
        ("name: \"student-tests\"", "name: \"other\""),
    ];
    for (from, to) in changes {
        let source = gallery("student-tests");
        assert!(source.contains(from), "the design no longer has: {from}");
        let mut changed = source.replacen(from, to, 1);
        if to == "[0, 1, 2]" {
            // Another arm in the potential outcomes; the assignment stays as it was.
            changed = changed.replace("Complete(prob: 0.5)", "Complete(prob_each: [0.5, 0.5, 0])");
        }
        if to.contains("Renamed") {
            changed = changed.replace("\"Random intercept\"", "\"Renamed\"");
        }
        let after = plan(&changed);
        for sim in [0, 1, 99] {
            let (a, b) = (drawn(&before, 5, sim), drawn(&after, 5, sim));
            for variable in &before.variables {
                let (x, y) =
                    (values(&before, &a, &variable.name), values(&after, &b, &variable.name));
                assert_eq!(x.len(), y.len(), "{} after {to}", variable.name);
                let same = x.iter().zip(y).all(|(x, y)| x.to_bits() == y.to_bits());
                assert!(same, "`{}` moved: {to}", variable.name);
            }
            let rows = |ws: &Workspace, n: usize| all_bits(ws)[..n].to_vec();
            assert_eq!(rows(&a, 1), rows(&b, 1), "{to}");
        }
    }
}

/// What a change concerns does move: the comparison above can fail.
#[test]
fn what_is_changed_moves() {
    let before = plan(&gallery("student-tests"));
    let after =
        with("class_effect: \"normal(0, shock_sd)\"", "class_effect: \"normal(0, 2 * shock_sd)\"");
    let (a, b) = (drawn(&before, 5, 0), drawn(&after, 5, 0));
    let (x, y) = (values(&before, &a, "class_effect"), values(&after, &b, "class_effect"));
    // Common random numbers: the same standard normal draws, twice as wide.
    assert!(x.iter().zip(y).all(|(x, y)| (2.0 * x - y).abs() < 1e-17 && x != y));
    assert_ne!(all_bits(&a), all_bits(&b));
}

/// The streams of a level's size and of a variable called `n` are two, as are those of all names.
#[test]
fn every_draw_has_a_stream_of_its_own() {
    let plan = plan(
        "Design(steps: [
         Level(name: a, n: \"binomial(1000000, 0.5)\", variables: {
             n: \"binomial(1000000, 0.5)\", m: \"binomial(1000000, 0.5)\",
             both: \"binomial(1000000, 0.5) - binomial(1000000, 0.5)\" }),
         Variables(variables: { late: \"binomial(1000000, 0.5)\", size: \"N\" }) ])",
    );
    let mut ws = plan.workspace();
    plan.simulate(&mut ws, 1, 0).unwrap();
    let first = |name: &str| values(&plan, &ws, name)[0];
    let drawn = [first("size"), first("n"), first("m"), first("late")];
    for i in 0..drawn.len() {
        assert!(!drawn[..i].contains(&drawn[i]), "two draws are one: {drawn:?}");
    }
    assert_ne!(first("both"), 0.0);
}

/// Where golden numbers are kept.
fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden").join(name)
}

/// Compares a text with the one that is kept; `UPDATE_EXPECT=1` keeps the new one.
fn assert_golden(name: &str, text: &str) {
    let path = golden(name);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(&path)
        .unwrap_or_else(|e| panic!("{path:?}: {e}; UPDATE_EXPECT=1 writes it"));
    for (line, (ours, kept)) in text.lines().zip(kept.lines()).enumerate() {
        assert_eq!(ours, kept, "{name}, line {}; UPDATE_EXPECT=1 rewrites it", line + 1);
    }
    assert_eq!(text.lines().count(), kept.lines().count(), "{name}");
}

/// The report of every design of the gallery.
#[test]
fn designs_report_what_they_reported() {
    for name in gallery_names() {
        let source = gallery(&name);
        let seed = design(&source).diagnosis.seed;
        let settings = Settings { seed, ..settings(1000, 2) };
        let run = diagnose(&plan(&source), &settings, &Unwatched).unwrap();
        assert_golden(&format!("{name}.txt"), &trialrun_report::text(&run.diagnosis, false));
    }
}

/// A few draws and every estimate of the first design, to the last digit.
///
/// Draws depend on the platform's mathematical functions: on another platform than that of the
/// file the numbers must agree to 1e-12, on the same one to the bit.
#[test]
fn the_first_design_draws_what_it_drew() {
    let plan = plan(&gallery("student-tests"));
    let platform = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
    let mut text =
        format!("# student-tests, seed 20260101. To the bit on {platform}, to 1e-12 elsewhere.\n");
    for sim in [0, 1, 49_999] {
        let ws = drawn(&plan, 20_260_101, sim);
        for name in
            ["school_effect", "class_effect", "students", "treatment", "test_effect", "score"]
        {
            let own = values(&plan, &ws, name);
            let shown: Vec<String> = own.iter().take(4).map(f64::to_string).collect();
            writeln!(text, "{sim} {name} {} {}", own.len(), shown.join(" ")).unwrap();
        }
        writeln!(text, "{sim} ate {}", ws.rows()[0].estimand.unwrap()).unwrap();
        for (label, row) in ["random_intercept", "student_average"].iter().zip(ws.rows()) {
            let e = row.fit.unwrap();
            let numbers = [e.estimate, e.std_error, e.df, e.p_value, e.conf_low, e.conf_high];
            writeln!(text, "{sim} {label} {}", numbers.map(|x| x.to_string()).join(" ")).unwrap();
        }
    }
    let name = "student-tests-draws.txt";
    let kept = std::fs::read_to_string(golden(name)).unwrap_or_default();
    let elsewhere = !kept.is_empty() && !kept.contains(&platform);
    if !elsewhere || std::env::var_os("UPDATE_EXPECT").is_some() {
        return assert_golden(name, &text);
    }
    for (ours, kept) in text.lines().zip(kept.lines()).skip(1) {
        let near = |(a, b): (&str, &str)| match (a.parse::<f64>(), b.parse::<f64>()) {
            (Ok(a), Ok(b)) => (a - b).abs() <= 1e-12 * b.abs().max(1e-3),
            _ => a == b,
        };
        assert!(ours.split(' ').zip(kept.split(' ')).all(near), "{ours}\n{kept}");
    }
}
