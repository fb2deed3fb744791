//! `check`: decides whether designs are what their files expect, and whether they have drifted.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use trialrun_lang::line_col;
use trialrun_report::{BaselineCheck, Case, Check};
use trialrun_run::baseline::{Record, compare};
use trialrun_run::check::{Checked, Rules, Verdict, check};
use trialrun_run::{Settings, Stopped};

use crate::args::{CheckArgs, CheckFormat, DesignArgs};
use crate::exit::{Exit, Failed};
use crate::load::{Loaded, load, read_file};
use crate::output;
use crate::progress::CheckProgress;

/// Where `--update` writes unless told otherwise.
const BASELINE: &str = "reports/baseline.json";

/// Runs the command.
pub fn run(args: &CheckArgs) -> Result<Exit, Failed> {
    let files = design_files(&args.designs)?;
    let designs = load_all(&files, args)?;
    let baseline = Baseline::open(args, &designs)?;
    let job = Job::new(args, &designs);
    let mut cases = Vec::with_capacity(designs.len());
    let mut records = Vec::new();
    for (loaded, file) in designs.iter().zip(&files) {
        let (case, record) = job.case(loaded, file, baseline.as_ref())?;
        cases.push(case);
        records.extend(record);
    }
    job.progress.finish();
    let interrupted = job.interrupted.load(Ordering::Relaxed);
    if args.update {
        write_baseline(args, &designs, records, interrupted)?;
    }
    let baseline = baseline.map(|baseline| baseline.summary(args, &designs));
    let (error_rate, max_sims) = (args.error_rate, args.max_sims);
    let result = Check { cases, error_rate, max_sims, baseline };
    if interrupted {
        output::note("interrupted: what was not decided yet is undecided");
    }
    report(args, &result)?;
    Ok(match result.verdict() {
        Verdict::Met => Exit::Done,
        Verdict::NotMet => Exit::NotMet,
        Verdict::Undecided => Exit::Undecided,
    })
}

/// Writes the result in every form that was asked for.
fn report(args: &CheckArgs, result: &Check<'_>) -> Result<(), Failed> {
    let out = args.out.as_deref();
    let text = match args.format {
        CheckFormat::Text => trialrun_report::check_text(result, output::colour_on_stdout(out)),
        CheckFormat::Markdown => trialrun_report::check_markdown(result),
        CheckFormat::Json => trialrun_report::check_json(result),
    };
    output::write(&text, out)?;
    for case in &result.cases {
        let open = |verdict: Verdict| case.checked.rulings.iter().any(|r| r.verdict == verdict);
        if open(Verdict::NotMet) || open(Verdict::Undecided) {
            output::note(&format!("to repeat: {}", case.command(result)));
        }
    }
    if let Some(path) = &args.junit {
        output::write(&trialrun_report::junit(result), Some(path))?;
    }
    if args.github {
        output::note(trialrun_report::annotations(result).trim_end());
        if let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY") {
            output::append(&summary(result), Path::new(&path))?;
        }
    }
    Ok(())
}

/// The step summary: GitHub drops one of more than a megabyte.
fn summary(result: &Check<'_>) -> String {
    const MOST: usize = 900_000;
    let text = trialrun_report::check_markdown(result);
    if text.len() <= MOST {
        return text;
    }
    let end = text[..text.floor_char_boundary(MOST)].rfind('\n').unwrap_or(0);
    format!("{}\n\nand more: the rest is in the log\n", &text[..end])
}

/// The design files that paths name: files as they are, and of folders all `.ron` files below, in
/// the order of their names.
fn design_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failed> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let before = files.len();
        walk(path, &mut files)?;
        if files.len() == before {
            let folder = path.display();
            return Err(Failed::input(format!("there is no design (`*.ron`) in `{folder}`")));
        }
    }
    Ok(files)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failed> {
    let unreadable = |error: std::io::Error| {
        Failed::input(format!("can not read `{}`: {error}", folder.display()))
    };
    let mut entries: Vec<std::fs::DirEntry> = std::fs::read_dir(folder)
        .map_err(unreadable)?
        .collect::<Result<_, _>>()
        .map_err(unreadable)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        // A link to a folder may lead in a circle.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            walk(&path, files)?;
        } else if path.extension().is_some_and(|ending| ending == "ron") {
            files.push(path);
        }
    }
    Ok(())
}

/// Reads and compiles every design; what is wrong with any of them is shown before a run begins.
fn load_all(files: &[PathBuf], args: &CheckArgs) -> Result<Vec<Loaded>, Failed> {
    let mut designs = Vec::with_capacity(files.len());
    let mut failed = None;
    for file in files {
        let design =
            DesignArgs { design: file.clone(), set: Vec::new(), max_values: args.max_values };
        match load(&design, None, None) {
            Ok(loaded) => designs.push(loaded),
            Err(error) => {
                if let Some(earlier) = failed.replace(error) {
                    Failed::report(earlier);
                }
            }
        }
    }
    match failed {
        Some(error) => Err(error),
        None => Ok(designs),
    }
}

/// What a run of `check` has to do.
struct Job<'a> {
    args: &'a CheckArgs,
    /// The error rate's share of one expectation.
    error: f64,
    interrupted: Arc<AtomicBool>,
    progress: CheckProgress,
}

impl<'a> Job<'a> {
    fn new(args: &'a CheckArgs, designs: &[Loaded]) -> Self {
        let interrupted = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&interrupted);
        // Where no handler can be installed, Ctrl-C ends the program as it does elsewhere.
        let _ = ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed));
        let expectations: usize = designs.iter().map(|d| d.plan.expectations.len()).sum();
        let error = args.error_rate / expectations.max(1) as f64;
        let progress = CheckProgress::new(designs.len(), args.quiet, Arc::clone(&interrupted));
        Self { args, error, interrupted, progress }
    }

    fn threads(&self) -> Option<usize> {
        self.args.threads.map(usize::from)
    }

    /// Checks a design; gives its record too if the baseline is to be updated.
    fn case<'p>(
        &self,
        loaded: &'p Loaded,
        file: &Path,
        baseline: Option<&Baseline>,
    ) -> Result<(Case<'p>, Option<Record>), Failed> {
        let stopped = |stopped: Stopped| loaded.source.stopped(&stopped.stop, stopped.sim + 1);
        self.progress.begin(&loaded.plan.name);
        let plan = &loaded.plan;
        let seed = self.args.seed.unwrap_or(loaded.design.diagnosis.seed);
        let (error, max_sims, threads) = (self.error, self.args.max_sims, self.threads());
        let rules = Rules { error, max_sims, seed, threads };
        let checked = check(plan, &rules, &self.progress).map_err(stopped)?;
        if plan.expectations.is_empty() {
            output::note(&format!("`{}` expects nothing", file.display()));
        }
        let record = if self.args.update {
            let sims = self.args.sims.unwrap_or(loaded.design.diagnosis.sims);
            let settings = Settings { seed, sims, threads, ..Settings::default() };
            Record::run(plan, &settings, &self.progress).map_err(stopped)?
        } else {
            None
        };
        let comparison = match baseline.and_then(|b| Some((b, b.record(&plan.name)?))) {
            Some((baseline, record)) => {
                let error = self.args.error_rate / baseline.n_diagnosands.max(1) as f64;
                let watched = (threads, &self.progress as &dyn trialrun_run::Watch);
                Some(compare(plan, record, error, watched).map_err(stopped)?)
            }
            None => None,
        };
        self.progress.end();
        Ok((case(loaded, file, seed, checked, comparison), record))
    }
}

fn case<'p>(
    loaded: &'p Loaded,
    file: &Path,
    seed: u64,
    checked: Checked,
    comparison: Option<trialrun_run::baseline::Comparison>,
) -> Case<'p> {
    let place = |at: u32| line_col(&loaded.source.text, at as usize);
    let plan = &loaded.plan;
    let rows = plan.subjects();
    Case {
        file: file.display().to_string(),
        plan,
        seed,
        places: plan.expectations.iter().map(|e| place(e.span.start)).collect(),
        row_places: rows.iter().map(|subject| place(subject.span.start)).collect(),
        checked,
        comparison,
    }
}

/// A baseline that designs are compared with.
struct Baseline {
    records: Vec<Record>,
    /// Diagnosands of the designs that are checked.
    n_diagnosands: usize,
}

impl Baseline {
    /// Reads the baseline, if the designs are to be compared with one.
    fn open(args: &CheckArgs, designs: &[Loaded]) -> Result<Option<Self>, Failed> {
        if args.update || args.baseline.is_some() {
            refuse_namesakes(designs)?;
        }
        let Some(path) = args.baseline.as_ref().filter(|_| !args.update) else { return Ok(None) };
        let records = read_records(path)?;
        let checked = |r: &&Record| designs.iter().any(|d| d.plan.name == r.design);
        let n_diagnosands = records.iter().filter(checked).map(Record::n_diagnosands).sum();
        Ok(Some(Self { records, n_diagnosands }))
    }

    fn record(&self, design: &str) -> Option<&Record> {
        self.records.iter().find(|record| record.design == design)
    }

    /// What is said of the baseline as a whole. Designs are gone only where a folder was checked.
    fn summary(&self, args: &CheckArgs, designs: &[Loaded]) -> BaselineCheck {
        let is_gone = |r: &&Record| designs.iter().all(|d| d.plan.name != r.design);
        let gone = self.records.iter().filter(is_gone).map(|r| r.design.clone());
        let whole = args.designs.iter().any(|path| path.is_dir());
        BaselineCheck {
            gone: if whole { gone.collect() } else { Vec::new() },
            n_diagnosands: self.n_diagnosands,
        }
    }
}

/// A baseline knows designs by their names.
fn refuse_namesakes(designs: &[Loaded]) -> Result<(), Failed> {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for loaded in designs {
        if let Some(other) = seen.insert(&loaded.plan.name, &loaded.source.name) {
            return Err(Failed::input(format!(
                "`{other}` and `{}` both have the name \"{}\": a baseline knows designs by their \
                 names\n  help: give one of them another `name:`",
                loaded.source.name, loaded.plan.name
            )));
        }
    }
    Ok(())
}

fn read_records(path: &Path) -> Result<Vec<Record>, Failed> {
    let name = path.display();
    if !path.exists() {
        return Err(Failed::input(format!(
            "there is no baseline `{name}`\n  help: `trialrun check ... --update --baseline \
             {name}` writes one"
        )));
    }
    let text = read_file(path)?;
    trialrun_report::read_baseline(&text)
        .map_err(|why| Failed::input(format!("can not use the baseline `{name}`: {why}")))
}

/// Writes the baseline: new records in the place of old ones. Where a folder is checked, designs
/// that are gone leave the baseline; where single files are, the others stay.
fn write_baseline(
    args: &CheckArgs,
    designs: &[Loaded],
    mut records: Vec<Record>,
    interrupted: bool,
) -> Result<(), Failed> {
    let path = args.baseline.clone().unwrap_or_else(|| PathBuf::from(BASELINE));
    let name = path.display();
    if interrupted || records.len() < designs.len() {
        output::note(&format!("interrupted: `{name}` is as it was"));
        return Ok(());
    }
    let whole = args.designs.iter().any(|path| path.is_dir());
    if !whole && path.exists() {
        let kept = read_records(&path)?.into_iter();
        let is_new = |design: &str| designs.iter().any(|d| d.plan.name == design);
        records.extend(kept.filter(|record| !is_new(&record.design)));
    }
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|error| {
            Failed::input(format!("can not make the folder `{}`: {error}", folder.display()))
        })?;
    }
    output::write(&trialrun_report::baseline_json(&records), Some(&path))?;
    let designs = if records.len() == 1 { "design" } else { "designs" };
    output::note(&format!("wrote the baseline of {} {designs} to {name}", records.len()));
    Ok(())
}
