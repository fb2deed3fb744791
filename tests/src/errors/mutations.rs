//! Designs that are changed at random: none of them may make the program panic or hang.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use trialrun_plan::declared::worth_reading;
use trialrun_plan::{Limits, Options, compile, read};

use super::wrong_designs;
use crate::common::{DIAGNOSANDS, gallery};

/// A generator for tests: SplitMix64 (Steele, Lea and Flood 2014).
pub struct Dice(u64);

impl Dice {
    /// A number below `sides`.
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % sides.max(1) as u64) as usize
    }
}

/// Words, numbers, signs and runs of space.
fn tokens(source: &str) -> Vec<String> {
    let kind = |c: char| match c {
        c if c == '_' || c.is_alphanumeric() => 0,
        c if c.is_whitespace() => 1,
        _ => 2,
    };
    let mut tokens: Vec<String> = Vec::new();
    let mut last = 2;
    for c in source.chars() {
        match tokens.last_mut() {
            Some(token) if kind(c) == last && last != 2 => token.push(c),
            _ => tokens.push(c.to_string()),
        }
        last = kind(c);
    }
    tokens
}

/// What numbers are replaced by.
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "2",
    "-1",
    "0.5",
    "1e9",
    "1e300",
    "-1e-300",
    "1e-300",
    "0/0",
    "1/0",
    "NaN",
    "inf",
    "4294967295",
    "4294967296",
    "9007199254740993",
    "1.5",
    "1e15",
    "-0.0",
];

/// Pieces that are put in.
const PIECES: &[&str] = &[
    "(", ")", "[", "]", "{", "}", "\"", "'", ",", ":", "=", "#", "//", "/*", "*/", "\\", "..=",
    "|", "~", "\u{feff}", "\u{a0}", "é", "😀", "\0", "\r", "r#\"", "1 | ", "mean(", "by = ",
    "normal(", "All", "N", "true", "[]", "{}", "()", "level: ", "class", "student", "unit",
    "factor(",
];

/// A design that differs from `tokens` in a few places.
fn mutated(dice: &mut Dice, tokens: &[String], other: &[String]) -> String {
    let mut tokens = tokens.to_vec();
    for _ in 0..1 + dice.roll(4) {
        let n = tokens.len();
        let (i, j) = (dice.roll(n), dice.roll(n));
        match dice.roll(9) {
            _ if n == 0 => tokens.push("Design".into()),
            0 => drop(tokens.remove(i)),
            1 => drop(tokens.drain(i..(i + dice.roll(12)).min(n))),
            2 => tokens.insert(j, tokens[i].clone()),
            3 => tokens.swap(i, j),
            4 => tokens[i] = tokens[j].clone(),
            5 => tokens.insert(i, PIECES[dice.roll(PIECES.len())].into()),
            6 => {
                let numbers: Vec<usize> =
                    (0..n).filter(|&k| tokens[k].starts_with(|c: char| c.is_numeric())).collect();
                if let Some(&k) = numbers.get(dice.roll(numbers.len())) {
                    tokens[k] = NUMBERS[dice.roll(NUMBERS.len())].into();
                }
            }
            7 => {
                let from = dice.roll(other.len());
                let piece = &other[from..(from + 1 + dice.roll(40)).min(other.len())];
                tokens.splice(i..i, piece.iter().cloned());
            }
            _ => tokens.truncate(i),
        }
    }
    tokens.concat()
}

/// Reads, compiles and simulates once, as far as it goes; every message is rendered.
fn try_design(source: &str) {
    let (design, errors) = read(source);
    let _ = trialrun_lang::render(&worth_reading(errors.clone()), "design.ron", source, false);
    assert!(design.is_some() || !errors.is_empty(), "refused without a word");
    let Some(design) = design else { return };
    let limits = Limits { max_values: 5_000 };
    let options = Options { limits, diagnosands: DIAGNOSANDS, ..Options::default() };
    match compile(&design, &options) {
        Err(found) => {
            assert!(found.iter().any(|d| d.is_error()), "refused without an error");
            let _ = trialrun_lang::render(&worth_reading(found), "design.ron", source, false);
        }
        Ok(_) if !errors.is_empty() => {}
        Ok(plan) => {
            if let Err(stop) = plan.simulate(&mut plan.workspace(), 1, 0) {
                let _ = trialrun_lang::render(&[*stop.0], "design.ron", source, false);
            }
        }
    }
}

/// Tries designs that are made with the dice, on all processors; `MUTATIONS` in the environment
/// gives another number than `tried`.
pub fn hunt(tried: u64, make: impl Fn(&mut Dice) -> String + Sync) {
    let tried = std::env::var("MUTATIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(tried);
    let next = AtomicU64::new(0);
    let work = || loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= tried {
            return;
        }
        let source = make(&mut Dice(number));
        let outcome = catch_unwind(AssertUnwindSafe(|| try_design(&source)));
        assert!(outcome.is_ok(), "design {number} panics:\n{source}");
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
}

#[test]
fn changed_designs_never_panic() {
    let names = [
        "blocked",
        "cluster-rct",
        "factorial",
        "multi-arm",
        "student-tests",
        "subgroups",
        "two-arm",
    ];
    let mut sources: Vec<Vec<String>> = Vec::new();
    for name in names {
        // The gallery is half of what is changed.
        let design = gallery(name).replace("20000", "20").replace("50000", "20");
        sources.extend(std::iter::repeat_n(tokens(&design), 30));
    }
    sources.extend(wrong_designs().iter().map(|(_, source)| tokens(source)));
    hunt(5_000, |dice| {
        let (a, b) = (dice.roll(sources.len()), dice.roll(sources.len()));
        mutated(dice, &sources[a], &sources[b])
    });
}
