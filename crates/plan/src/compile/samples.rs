//! A sample: the levels of the units drawn, and of those above and below them.

use trialrun_lang::Span;

use super::{Binding, Compiler, Groups, Link};
use crate::exec::Op;
use crate::exec::allocation::AllocationInfo;
use crate::exec::inclusion::FindInclusion;
use crate::exec::links::{KeepAbove, KeepBelow};
use crate::exec::random::stream_key;
use crate::exec::sample::{Drawing, Sample};
use crate::ids::{ColumnId, LevelId, LinkId, RunsId};
use crate::plan::{LevelInfo, Size};

/// A sample of the units of a level.
#[derive(Clone, Copy, Debug)]
pub struct Sampled {
    /// The level.
    pub level: LevelId,
    /// How units are drawn.
    pub drawing: Drawing,
    /// Sets of units that are sampled each on its own.
    pub strata: Option<Groups>,
    /// The column of probabilities that the numbers of units tell.
    pub chance: Option<ColumnId>,
    /// Where the numbers stand.
    pub span: Span,
    /// Units drawn from each unit of the level above, where the design fixes it.
    pub fixed: Option<usize>,
}

/// A level before and after a sample.
#[derive(Clone, Copy)]
struct Kept {
    old: LevelId,
    new: LevelId,
    /// The units that are kept.
    link: LinkId,
    /// Their runs in the level above.
    runs: RunsId,
}

impl Compiler<'_> {
    /// Draws a sample. The current rows are then its units; what was known of them before is seen
    /// through links.
    pub fn draw_sample(&mut self, sampled: Sampled) {
        let Sampled { level, drawing, strata, chance, span, fixed } = sampled;
        let of_audit = sampled;
        let levels = self.levels_of_sample(level, fixed);
        let place = levels.iter().position(|kept| kept.old == level);
        let place = place.expect("the level is above the rows, or theirs");
        let key = stream_key("sampling", self.level_name(level), self.n_samples);
        self.n_samples += 1;
        let max_values = self.limits.max_values;
        let Kept { new, link, runs, .. } = levels[place];
        let whole = (place == 0).then_some(runs);
        let (sampled, strata) = (new, strata);
        self.push(Sample {
            level,
            drawing,
            strata,
            sampled,
            link,
            whole,
            chance,
            key,
            max_values,
            span,
        });
        self.allocate_sample(of_audit, link);
        for at in (0..place).rev() {
            let (upper, lower) = (levels[at], levels[at + 1]);
            let before = self.runs_between(upper.old, lower.old);
            let whole = (at == 0).then_some(upper.runs);
            let (drawn, level, link, runs) = (lower.link, upper.new, upper.link, lower.runs);
            self.push(KeepAbove { drawn, before, level, link, runs, whole });
        }
        for pair in levels[place..].windows(2) {
            let before = self.runs_between(pair[0].old, pair[1].old);
            let (drawn, Kept { new: level, link, runs, .. }) = (pair[0].link, pair[1]);
            self.push(KeepBelow { drawn, before, level, link, runs, max_values, span });
        }
        for kept in &levels {
            self.link(kept.new, Link { from: kept.old, list: kept.link, is_sample: true });
            self.rebind(Binding::Level(kept.old), Binding::Level(kept.new));
            self.frame = kept.new;
        }
    }

    /// Registers a sample for the audit of its probabilities.
    fn allocate_sample(&mut self, sampled: Sampled, link: LinkId) {
        let (level, id) = (sampled.level, self.next_allocation());
        let name = self.level_name(level).to_string();
        let key = stream_key("inclusion", &name, self.n_samples);
        if FindInclusion::of(&sampled, link, id, key).is_none() {
            return;
        }
        let info = AllocationInfo {
            id,
            variable: format!("sample of {name}"),
            level,
            method: format!("a sample of {name} is drawn"),
            arms: vec!["left out".to_string(), "drawn".to_string()],
        };
        let finder = move |_, _| -> Box<dyn Op> {
            let found = FindInclusion::of(&sampled, link, id, key);
            Box::new(found.expect("looked at before"))
        };
        self.allocate(info, String::new(), sampled.span, Box::new(finder));
    }

    /// Makes the levels of a sample of the units of `level`, the highest first.
    fn levels_of_sample(&mut self, level: LevelId, fixed: Option<usize>) -> Vec<Kept> {
        let mut kept: Vec<Kept> = Vec::new();
        let mut is_above = true;
        for old in self.chain(self.frame) {
            let info = self.levels[old.idx()].clone();
            let size = match fixed {
                Some(n) if old == level => Size::Fixed(n),
                // A fixed number of each unit above keeps them all.
                None if is_above => Size::Varies,
                _ => info.size,
            };
            is_above &= old != level;
            let parent = kept.last().map_or(LevelId::WHOLE, |upper| upper.new);
            let new = LevelId(self.levels.len() as u32);
            self.levels.push(LevelInfo { parent, size, ..info });
            let runs = self.new_runs(match size {
                Size::Fixed(n) => Some(n),
                Size::Varies => None,
            });
            self.set_runs(new, runs);
            kept.push(Kept { old, new, link: self.new_link(), runs });
        }
        kept
    }
}
