//! Progress on stderr: a bar on a terminal, a line at every tenth elsewhere.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use trialrun_plan::Plan;
use trialrun_run::{Snapshot, Watch};

/// Shows how far a run is, and whether it was interrupted.
pub struct Progress {
    bar: Option<ProgressBar>,
    /// Whether plain lines are written.
    lines: bool,
    /// Tenths that were reported.
    tenths: AtomicU64,
    sims: u64,
    label: String,
    started: Instant,
    interrupted: Arc<AtomicBool>,
}

/// A run shorter than this is over before anybody reads about it.
const PATIENCE: Duration = Duration::from_secs(2);

impl Progress {
    /// Progress of a run of `sims` simulations.
    pub fn new(plan: &Plan, sims: u64, quiet: bool, interrupted: Arc<AtomicBool>) -> Self {
        let on_terminal = std::io::stderr().is_terminal();
        let bar = (on_terminal && !quiet).then(|| {
            let bar =
                ProgressBar::with_draw_target(Some(sims), ProgressDrawTarget::stderr_with_hz(8));
            let style = ProgressStyle::with_template(
                "{bar:24} {percent:>3}% {human_pos}/{human_len} sims  {per_sec}  {eta} left  {msg}",
            );
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        let label = plan.estimators.first().map_or_else(String::new, |e| e.label.clone());
        let lines = !on_terminal && !quiet;
        let (tenths, started) = (AtomicU64::new(0), Instant::now());
        Self { bar, lines, tenths, sims, label, started, interrupted }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// The running estimate, in words.
    fn estimate(&self, so_far: &Snapshot) -> String {
        match so_far.value {
            Some(value) => format!(
                "{} of {}: {value:.4} ± {:.4}",
                so_far.diagnosand,
                self.label,
                so_far.mcse.unwrap_or(0.0)
            ),
            None => String::new(),
        }
    }
}

impl Watch for Progress {
    fn batch_done(&self, sims_done: u64, so_far: &Snapshot) {
        if let Some(bar) = &self.bar {
            bar.set_position(sims_done);
            bar.set_message(self.estimate(so_far));
        }
        let tenth = 10 * sims_done / self.sims.max(1);
        if self.lines
            && self.started.elapsed() > PATIENCE
            && self.tenths.fetch_max(tenth, Ordering::Relaxed) < tenth
        {
            let left = self.started.elapsed().as_secs_f64() * (self.sims - sims_done) as f64
                / sims_done.max(1) as f64;
            let (percent, estimate) = (10 * tenth, self.estimate(so_far));
            anstream::eprintln!(
                "{percent}%: {sims_done} of {} simulations, {left:.0} s left; {estimate}",
                self.sims
            );
        }
    }

    fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}

/// Shows how far a check is: which design, how many are done.
pub struct CheckProgress {
    bar: Option<ProgressBar>,
    design: Mutex<String>,
    interrupted: Arc<AtomicBool>,
}

impl CheckProgress {
    /// Progress of a check of some designs. Where stderr is no terminal it is silent: a check is
    /// short, and its log is read for what it found.
    pub fn new(designs: usize, quiet: bool, interrupted: Arc<AtomicBool>) -> Self {
        let bar = (std::io::stderr().is_terminal() && !quiet).then(|| {
            let target = ProgressDrawTarget::stderr_with_hz(8);
            let bar = ProgressBar::with_draw_target(Some(designs as u64), target);
            let template = "{bar:24} {pos}/{len} designs  {eta} left  {msg}";
            let style = ProgressStyle::with_template(template);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        Self { bar, design: Mutex::default(), interrupted }
    }

    /// A design begins.
    pub fn begin(&self, design: &str) {
        *self.design.lock().unwrap_or_else(PoisonError::into_inner) = design.to_string();
    }

    /// A design is done.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Watch for CheckProgress {
    fn batch_done(&self, sims_done: u64, _so_far: &Snapshot) {
        if let Some(bar) = &self.bar {
            let design = self.design.lock().unwrap_or_else(PoisonError::into_inner);
            bar.set_message(format!("{design}: {sims_done} simulations"));
        }
    }

    fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}
