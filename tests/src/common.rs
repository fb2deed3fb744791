//! Designs from text, their variables by name, and checks against Monte Carlo errors, for tests.

use trialrun_plan::{
    ColumnId, Design, DiagnosandInfo, Estimate, LevelId, Options, Plan, Table, Workspace, compile,
    compile_for_data, read,
};
use trialrun_stats::special::chi_squared;

/// Names that expectations may use in tests.
pub const DIAGNOSANDS: &[DiagnosandInfo] = trialrun_run::diagnosands::INFO;

/// Reads a design that has no error.
pub fn design(source: &str) -> Design {
    let (design, errors) = read(source);
    assert!(errors.is_empty(), "{}", trialrun_lang::render(&errors, "design", source, false));
    design.expect("a design without errors")
}

/// Compiles a design that has no error.
pub fn plan(source: &str) -> Plan {
    let design = design(source);
    let files = data_files(&design, "../designs");
    let options = Options { diagnosands: DIAGNOSANDS, files: &files, ..Options::default() };
    compile(&design, &options)
        .unwrap_or_else(|e| panic!("{}", trialrun_lang::render(&e, "design", source, false)))
}

/// The data files that a design reads, from a folder beside that of the tests.
pub fn data_files(design: &Design, folder: &str) -> Vec<(String, Table)> {
    let read = |name: &str| {
        let path = format!("{}/{folder}/{name}", env!("CARGO_MANIFEST_DIR"));
        trialrun_frame::read(path.as_ref()).ok().map(|(table, _)| (name.to_string(), table))
    };
    design.data_files().into_iter().filter_map(|file| read(&file.text)).collect()
}

/// Compiles a design for data.
pub fn plan_for(source: &str, table: &Table) -> Plan {
    compile_for_data(&design(source), &Options::default(), table)
        .unwrap_or_else(|e| panic!("{}", trialrun_lang::render(&e, "design", source, false)))
}

/// A design of the gallery.
pub fn gallery(name: &str) -> String {
    let path = format!("{}/../designs/{name}.ron", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The names of the designs of the gallery, sorted.
pub fn gallery_names() -> Vec<String> {
    let folder = format!("{}/../designs", env!("CARGO_MANIFEST_DIR"));
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{folder}: {e}"));
    let mut names: Vec<String> = entries
        .filter_map(|e| e.unwrap().file_name().to_str()?.strip_suffix(".ron").map(str::to_string))
        .collect();
    names.sort();
    assert!(names.len() >= 7, "the gallery has {names:?}");
    names
}

/// One simulation, drawn in a fresh workspace.
pub fn drawn(plan: &Plan, seed: u64, sim: u64) -> Workspace {
    let mut ws = plan.workspace();
    simulate(plan, &mut ws, seed, sim);
    ws
}

/// One simulation.
pub fn simulate(plan: &Plan, ws: &mut Workspace, seed: u64, sim: u64) {
    if let Err(stop) = plan.simulate(ws, seed, sim) {
        panic!("simulation {sim}: {:?}", stop.0);
    }
}

/// Runs simulations, and looks at each.
pub fn each(plan: &Plan, seed: u64, sims: u64, mut look: impl FnMut(&Workspace)) {
    let mut ws = plan.workspace();
    for sim in 0..sims {
        simulate(plan, &mut ws, seed, sim);
        look(&ws);
    }
}

/// The estimate of a row, which must be there.
pub fn fit(ws: &Workspace, row: usize) -> Estimate {
    ws.rows()[row].fit.unwrap_or_else(|f| panic!("row {row}: {f}"))
}

/// Whether an interval holds a value.
pub fn covers(estimate: &Estimate, value: f64) -> bool {
    estimate.conf_low <= value && value <= estimate.conf_high
}

/// The level of that name.
pub fn level(plan: &Plan, name: &str) -> LevelId {
    let at = plan.levels.iter().position(|l| l.name == name);
    LevelId(at.unwrap_or_else(|| panic!("there is no level {name}")) as u32)
}

/// The column of a variable.
pub fn column(plan: &Plan, name: &str) -> ColumnId {
    let found = plan.variables.iter().find(|v| v.name == name);
    found.unwrap_or_else(|| panic!("there is no variable {name}")).column
}

/// The values of a variable, one for each unit of the level that it is stored at.
pub fn values<'w>(plan: &Plan, ws: &'w Workspace, name: &str) -> &'w [f64] {
    ws.column(column(plan, name))
}

/// The value of an estimand.
pub fn estimand(plan: &Plan, ws: &Workspace, label: &str) -> f64 {
    let found = plan.estimands.iter().find(|e| e.label == label);
    ws.scalar(found.unwrap_or_else(|| panic!("there is no estimand {label}")).column)
}

/// Asserts that the mean of independent values is what is expected, within 5 standard errors.
pub fn assert_mean(what: &str, values: &[f64], expected: f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    let error = (squares / (n - 1.0) / n).sqrt();
    // Values that do not vary have a mean that is off by rounding alone.
    let room = 5.0 * error + 1e-12 * expected.abs();
    assert!((mean - expected).abs() <= room, "{what}: {mean}, not {expected} +- {room}");
}

/// Asserts that `events` of `n` independent trials have probability `p`, within 5 standard errors.
pub fn assert_rate(what: &str, events: usize, n: usize, p: f64) {
    let rate = events as f64 / n as f64;
    let room = 5.0 * (p * (1.0 - p) / n as f64).sqrt();
    assert!((rate - p).abs() <= room, "{what}: {rate}, not {p} +- {room}");
}

/// Asserts that two numbers agree to a relative tolerance.
pub fn assert_close(what: &str, ours: f64, expected: f64, tolerance: f64) {
    let error = (ours - expected).abs() / expected.abs().max(1e-300);
    assert!(error <= tolerance, "{what}: {ours:e}, not {expected:e}: off by {error:e}");
}

/// Below this p-value the counts of a seeded simulation are not those that theory expects.
pub const P_MIN: f64 = 1e-4;

/// Asserts that counts are those expected: Pearson's chi-squared has a p-value of 1e-4 or more.
pub fn assert_chi_squared(what: &str, counts: &[usize], expected: &[f64]) {
    let term = |(c, e): (&usize, &f64)| (*c as f64 - e) * (*c as f64 - e) / e;
    let statistic: f64 = counts.iter().zip(expected).map(term).sum();
    let df = counts.len() as f64 - 1.0;
    let p = if df > 0.0 { chi_squared::upper(statistic, df) } else { 1.0 };
    assert!(p >= P_MIN, "{what}: chi-squared {statistic}, df {df}, p = {p}: {counts:?}");
}

/// Asserts that a test is exact: of `sims` p-values `counts[k]` were `k` of the shares that there
/// are, and each share is the chance of a p-value up to it.
pub fn assert_exact(counts: &[usize], sims: usize) {
    assert_eq!(counts[0], 0, "the data are among their replicates");
    let attainable = counts.len() - 1;
    let mut below = 0;
    for (k, count) in counts.iter().enumerate().skip(1) {
        below += count;
        let level = k as f64 / attainable as f64;
        assert_rate(&format!("p <= {level}"), below, sims, level);
    }
}
