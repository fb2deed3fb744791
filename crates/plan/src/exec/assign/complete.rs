//! Complete assignment: fixed numbers of units of each arm, in each block.
//!
//! Where a block's size times a probability is not whole, the numbers are drawn by systematic
//! sampling: arm `k` gets the whole numbers between the cumulated expectations, shifted by one
//! uniform draw. Each number is its expectation rounded down or up, and its mean is the
//! expectation, so that each unit has each arm with just the probability that was declared.
//!
//! # References
//! Madow (1949), Annals of Mathematical Statistics 20:333.

use rand::RngExt;
use rand_distr::StandardUniform;
use rand_pcg::Pcg64Dxsm;

use super::shares::{Says, Shares};
use super::{Lottery, Scratch, balance};
use crate::exec::workspace::grow;
use crate::exec::{Stop, Workspace};

/// An expectation that rounding left so far off a whole number is that number.
pub(super) const HAIR: f64 = 1e-9;

/// Draws the arms of all units, block by block.
pub(super) fn draw(
    lottery: &Lottery,
    shares: &Shares,
    ws: &Workspace,
    s: &mut Scratch,
    rng: &mut Pcg64Dxsm,
    arms: &mut [u32],
) -> Result<(), Stop> {
    for b in 0..s.n_blocks() {
        let block = s.block(b);
        if block.is_empty() {
            continue;
        }
        shares.of_units(ws, s, block.clone())?;
        let units = &mut s.urn[block];
        match shares.says {
            Says::Prob | Says::ProbEach => {
                let u: f64 = rng.sample(StandardUniform);
                round(&mut s.numbers, units.len(), u);
                deal(rng, units, s.numbers.iter().copied().enumerate(), arms);
            }
            Says::MEach => deal(rng, units, s.numbers.iter().copied().enumerate(), arms),
            Says::M => deal(rng, units, [(1, s.numbers[1]), (0, s.numbers[0])].into_iter(), arms),
        }
    }
    debug_assert!(arms.iter().all(|arm| (*arm as usize) < lottery.n_arms));
    Ok(())
}

/// The same where the numbers of all blocks together are balanced too.
pub(super) fn draw_balanced(
    lottery: &Lottery,
    shares: &Shares,
    ws: &Workspace,
    s: &mut Scratch,
    rng: &mut Pcg64Dxsm,
    arms: &mut [u32],
) -> Result<(), Stop> {
    let (n_blocks, k) = (s.n_blocks(), lottery.n_arms);
    let mut table = std::mem::take(&mut s.table);
    grow(&mut table, (n_blocks + 1) * k);
    for b in 0..n_blocks {
        let block = s.block(b);
        let n = block.len() as f64;
        if block.is_empty() {
            table[b * k..][..k].fill(0.0);
            continue;
        }
        shares.of_units(ws, s, block)?;
        let sum: f64 = s.numbers.iter().sum();
        table[b * k..][..k].iter_mut().zip(&s.numbers).for_each(|(t, p)| *t = p / sum * n);
    }
    balance::round(&mut table, k, &mut s.path, rng);
    for b in 0..n_blocks {
        let block = s.block(b);
        let numbers = table[b * k..][..k].iter().copied().enumerate();
        deal(rng, &mut s.urn[block], numbers, arms);
    }
    s.table = table;
    Ok(())
}

/// Turns the probabilities of a block of `n` units into numbers of units; `u` is the uniform draw.
pub(super) fn round(numbers: &mut [f64], n: usize, u: f64) {
    let (mut reached, mut given) = (0.0, 0);
    let last = numbers.len() - 1;
    for (k, number) in numbers.iter_mut().enumerate() {
        reached += *number * n as f64;
        let upto = if k == last { n } else { cut(reached, u).min(n) };
        *number = (upto - given) as f64;
        given = upto;
    }
}

/// The whole number below `expected + u`; an expectation that rounding left a hair off a whole
/// number is that number.
fn cut(expected: f64, u: f64) -> usize {
    let whole = expected.round();
    if (expected - whole).abs() < HAIR { whole as usize } else { (expected + u).floor() as usize }
}

/// Gives arms to units: so many of each, drawn without replacement. What is left for the last arm
/// needs no draw.
fn deal(
    rng: &mut Pcg64Dxsm,
    units: &mut [u32],
    numbers: impl ExactSizeIterator<Item = (usize, f64)>,
    arms: &mut [u32],
) {
    let mut given = 0;
    let last = numbers.len() - 1;
    for (place, (arm, number)) in numbers.enumerate() {
        let upto = given + number as usize;
        for i in given..upto {
            if place < last {
                let j = rng.random_range(i..units.len());
                units.swap(i, j);
            }
            arms[units[i] as usize] = arm as u32;
        }
        given = upto;
    }
}
