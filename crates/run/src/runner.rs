//! The runner: batches of simulations on threads, merged in the order of their numbers.

mod findings;

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use trialrun_plan::{Plan, Row, Stop, Table, Workspace};

use crate::BATCH;
use crate::diagnosis::Diagnosis;
use crate::simulations;
use crate::totals::{Buffers, Layout, Snapshot, Totals};

/// What is run, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Seed of the random numbers.
    pub seed: u64,
    /// Number of the first simulation.
    pub first: u64,
    /// Number of simulations.
    pub sims: u64,
    /// Threads; all that the machine has if none are given. They do not change the result.
    pub threads: Option<usize>,
    /// Whether the rows of every simulation are kept.
    pub keep: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { seed: 1, first: 0, sims: 50_000, threads: None, keep: false }
    }
}

/// Follows a run.
pub trait Watch: Sync {
    /// Simulations were merged; `sims_done` of the run are so far. Called by one thread at a
    /// time, which the others wait for: do little.
    fn batch_done(&self, sims_done: u64, so_far: &Snapshot);

    /// Whether the run should end now, with the simulations that are done. Asked before every
    /// simulation: do next to nothing.
    fn is_interrupted(&self) -> bool;
}

/// Follows nothing and never interrupts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl Watch for Unwatched {
    fn batch_done(&self, _sims_done: u64, _so_far: &Snapshot) {}

    fn is_interrupted(&self) -> bool {
        false
    }
}

/// A run that ended at a mistake in the design that only drawn numbers show.
#[derive(Clone, Debug)]
pub struct Stopped {
    /// Number of the first simulation that shows it, whatever the threads.
    pub sim: u64,
    /// What is wrong.
    pub stop: Stop,
}

/// The result of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// What the simulations say.
    pub diagnosis: Diagnosis,
    /// The results of every simulation, if they were kept; see [`Runner::simulations`].
    pub simulations: Option<Table>,
}

/// Runs a plan.
///
/// # Errors
/// If a simulation can not be done.
pub fn diagnose(plan: &Plan, settings: &Settings, watch: &dyn Watch) -> Result<Run, Stopped> {
    let mut runner = Runner::new(plan, settings);
    runner.extend(settings.sims, watch)?;
    Ok(Run { diagnosis: runner.diagnosis(), simulations: runner.simulations() })
}

/// A run in stages: simulations `first..first + sims` of a plan.
pub struct Runner<'p> {
    plan: &'p Plan,
    settings: Settings,
    layout: Layout,
    totals: Totals,
    sims: u64,
    asked: u64,
    /// Rows of each simulation after those of the one before, if they are kept.
    kept: Vec<Row>,
}

impl<'p> Runner<'p> {
    /// A run that has done no simulation yet; `settings.sims` is not looked at.
    pub fn new(plan: &'p Plan, settings: &Settings) -> Self {
        let layout = Layout::of(plan);
        let (totals, kept) = (Totals::default(), Vec::new());
        Self { plan, settings: *settings, layout, totals, sims: 0, asked: 0, kept }
    }

    /// A run that also keeps what the plan's expectations compare.
    pub(crate) fn with_contests(plan: &'p Plan, settings: &Settings) -> Self {
        Self { layout: Layout::with_contests(plan), ..Self::new(plan, settings) }
    }

    /// Simulations done.
    pub fn sims(&self) -> u64 {
        self.sims
    }

    /// Simulations asked for so far.
    pub(crate) fn asked(&self) -> u64 {
        self.asked
    }

    /// Does further simulations.
    ///
    /// A run in stages has the bits of a run in one go where every stage but the last ends at the
    /// end of a batch.
    ///
    /// # Errors
    /// If a simulation can not be done; the run then has the batches before it.
    pub fn extend(&mut self, sims: u64, watch: &dyn Watch) -> Result<(), Stopped> {
        self.asked = self.sims.saturating_add(sims);
        let from = self.settings.first.saturating_add(self.sims);
        let range = from..from.saturating_add(sims);
        if range.is_empty() {
            return Ok(());
        }
        let crew = Crew {
            plan: self.plan,
            seed: self.settings.seed,
            keep: self.settings.keep,
            layout: &self.layout,
            watch,
            next: AtomicU64::new(range.start / BATCH),
            stopped: AtomicU64::new(u64::MAX),
            merged: Mutex::new(Merged {
                next: range.start / BATCH,
                closed: false,
                sims: self.sims,
                totals: std::mem::take(&mut self.totals),
                kept: std::mem::take(&mut self.kept),
                waiting: Vec::new(),
                spare: Vec::new(),
                stop: None,
            }),
            range,
        };
        crew.run(self.settings.threads);
        let merged = crew.merged.into_inner().unwrap_or_else(PoisonError::into_inner);
        (self.totals, self.kept, self.sims) = (merged.totals, merged.kept, merged.sims);
        merged.stop.map_or(Ok(()), Err)
    }

    /// What the simulations say.
    pub fn diagnosis(&self) -> Diagnosis {
        let sims = (self.sims, self.asked);
        Diagnosis::new(self.plan, &self.settings, sims, &self.layout, &self.totals)
    }

    /// The plan.
    pub(crate) fn plan(&self) -> &'p Plan {
        self.plan
    }

    /// The results of every simulation, if they were kept: a row for each simulation, estimator
    /// and term, with DeclareDesign's columns and `failure`, the reason why a fit failed.
    ///
    /// `sim_ID` counts from 1: it is the number of the simulation plus 1. Missing numbers are NaN:
    /// those of failed fits, estimands of estimators that name none, and infinite `df`.
    pub fn simulations(&self) -> Option<Table> {
        self.settings.keep.then(|| simulations::table(self.plan, self.settings.first, &self.kept))
    }
}

/// What the threads of a run share.
struct Crew<'a> {
    plan: &'a Plan,
    seed: u64,
    keep: bool,
    layout: &'a Layout,
    watch: &'a dyn Watch,
    /// The simulations to do.
    range: Range<u64>,
    /// The next batch that nobody has taken.
    next: AtomicU64,
    /// The first batch known to have a simulation that can not be done.
    stopped: AtomicU64,
    merged: Mutex<Merged>,
}

/// The batches so far.
struct Merged {
    /// The next batch to be merged.
    next: u64,
    /// Whether the last one was cut short, so that none can follow.
    closed: bool,
    sims: u64,
    totals: Totals,
    kept: Vec<Row>,
    /// Batches that are done before their turn: about as many as there are threads.
    waiting: Vec<Batch>,
    /// Batches that are merged, to be filled again.
    spare: Vec<Batch>,
    /// The first simulation known that can not be done.
    stop: Option<Stopped>,
}

/// A batch that was simulated and reduced.
#[derive(Default)]
struct Batch {
    number: u64,
    /// Simulations done.
    sims: usize,
    /// Whether the run was interrupted in it.
    is_cut: bool,
    totals: Totals,
    kept: Vec<Row>,
}

/// What a thread works with.
struct Bench {
    ws: Workspace,
    /// Rows of results of the batch: `BATCH` simulations of the first row, then of the second ...
    columns: Vec<Row>,
    buffers: Buffers,
}

impl Crew<'_> {
    fn run(&self, threads: Option<usize>) {
        let batches = (self.range.end - 1) / BATCH - self.range.start / BATCH + 1;
        let most = usize::try_from(batches).unwrap_or(usize::MAX);
        let available = || std::thread::available_parallelism().map_or(1, usize::from);
        let threads = threads.filter(|n| *n > 0).unwrap_or_else(available).min(most);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        match pool {
            Ok(pool) if threads > 1 => {
                pool.broadcast(|_| self.work());
            }
            // The result does not depend on threads, so a system that gives none is no failure.
            _ => self.work(),
        }
    }

    /// Does batches until there are no more: the work of one thread.
    fn work(&self) {
        let stride = BATCH as usize;
        let mut bench = Bench {
            ws: self.plan.workspace(),
            columns: vec![Row::EMPTY; self.layout.n_columns * stride],
            buffers: Buffers::default(),
        };
        let mut batch = Batch::default();
        loop {
            batch.number = self.next.fetch_add(1, Ordering::Relaxed);
            let sims = self.sims_of(batch.number);
            if sims.is_empty() || self.is_moot(batch.number) {
                return;
            }
            if let Err(stopped) = self.simulate(sims, &mut bench, &mut batch) {
                self.stop(batch.number, stopped);
                return;
            }
            let totals = &mut batch.totals;
            let size = (stride, batch.sims);
            let (own, buffers) = (&self.plan.custom, &mut bench.buffers);
            totals.reduce(self.layout, own, &bench.columns, size, buffers);
            let is_cut = batch.is_cut;
            batch = self.hand_over(batch);
            if is_cut {
                return;
            }
        }
    }

    /// The simulations of a batch that are in the run.
    fn sims_of(&self, batch: u64) -> Range<u64> {
        let begin = batch.saturating_mul(BATCH);
        begin.max(self.range.start)..begin.saturating_add(BATCH).min(self.range.end)
    }

    /// Whether an earlier batch has stopped the run.
    fn is_moot(&self, batch: u64) -> bool {
        batch > self.stopped.load(Ordering::Relaxed)
    }

    /// Does the simulations of a batch, as far as the run goes on.
    fn simulate(
        &self,
        sims: Range<u64>,
        bench: &mut Bench,
        batch: &mut Batch,
    ) -> Result<(), Stopped> {
        (batch.sims, batch.is_cut) = (0, false);
        batch.kept.clear();
        for sim in sims {
            if self.watch.is_interrupted() || self.is_moot(batch.number) {
                batch.is_cut = true;
                break;
            }
            let done = self.plan.simulate(&mut bench.ws, self.seed, sim);
            done.map_err(|stop| Stopped { sim, stop })?;
            let (rows, corrected) = (bench.ws.rows(), bench.ws.corrected());
            let columns = bench.columns.chunks_exact_mut(BATCH as usize);
            for (column, row) in columns.zip(rows.iter().chain(corrected)) {
                column[batch.sims] = *row;
            }
            if self.keep {
                batch.kept.extend_from_slice(rows);
                batch.kept.extend_from_slice(corrected);
            }
            batch.sims += 1;
        }
        Ok(())
    }

    /// Notes a simulation that can not be done. Batches before it go on: one of them may have an
    /// earlier one.
    fn stop(&self, batch: u64, stopped: Stopped) {
        self.stopped.fetch_min(batch, Ordering::Relaxed);
        let mut merged = self.merged();
        if merged.stop.as_ref().is_none_or(|first| stopped.sim < first.sim) {
            merged.stop = Some(stopped);
        }
    }

    /// Merges a batch if it is its turn, and those that waited for it; gives one to fill.
    fn hand_over(&self, batch: Batch) -> Batch {
        let mut merged = self.merged();
        merged.waiting.push(batch);
        let before = merged.sims;
        while merged.merge_next() {}
        if merged.sims > before {
            self.watch.batch_done(merged.sims, &merged.totals.snapshot());
        }
        merged.spare.pop().unwrap_or_default()
    }

    fn merged(&self) -> MutexGuard<'_, Merged> {
        self.merged.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Merged {
    /// Merges the next batch if it is there.
    fn merge_next(&mut self) -> bool {
        let is_next = |batch: &Batch| batch.number == self.next;
        let Some(place) = self.waiting.iter().position(is_next).filter(|_| !self.closed) else {
            return false;
        };
        let batch = self.waiting.swap_remove(place);
        if batch.sims > 0 {
            self.totals.merge(&batch.totals);
            self.kept.extend_from_slice(&batch.kept);
        }
        self.sims += batch.sims as u64;
        self.closed = batch.is_cut;
        self.next += 1;
        self.spare.push(batch);
        true
    }
}

#[cfg(test)]
mod tests;
