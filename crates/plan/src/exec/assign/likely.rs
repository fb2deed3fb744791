//! Tables of probabilities: of fixed numbers, of listed assignments, and of draws.

use rand_pcg::Pcg64Dxsm;

use super::complete::{self, HAIR};
use super::custom::Custom;
use super::shares::Shares;
use super::{Lottery, Scratch};
use crate::exec::allocation::{Pairs, Probabilities};
use crate::exec::workspace::grow;
use crate::exec::{Stop, Workspace};

/// Probabilities of complete assignment; says whether every expectation is whole.
///
/// Units of a block are exchangeable: with numbers `n_a` of `n` units, a unit gets arm `a` with
/// probability `E(n_a) / n`, and two units get `a` and `b` with `E(n_a n_b) / (n (n - 1))`, or
/// `E(n_a (n_a - 1)) / (n (n - 1))` for the same arm. Expectations are over the uniform draw that
/// rounds the numbers: they change at no more points than there are arms.
pub(super) fn complete(
    shares: &Shares,
    ws: &Workspace,
    s: &mut Scratch,
    p: &mut Probabilities,
) -> Result<bool, Stop> {
    let (k, n_blocks) = (p.n_arms, s.n_blocks());
    p.pairs = Pairs::Exchangeable;
    grow(&mut p.class, p.block.len());
    p.class.copy_from_slice(&p.block);
    grow(&mut p.marginal, n_blocks * k);
    grow(&mut p.joint, n_blocks * k * k);
    p.joint.fill(0.0);
    let mut all_whole = true;
    for b in 0..n_blocks {
        let block = s.block(b);
        let n = block.len();
        if n == 0 {
            continue;
        }
        shares.of_units(ws, s, block)?;
        let (marginal, joint) = (&mut p.marginal[b * k..][..k], &mut p.joint[b * k * k..][..k * k]);
        if shares.are_probabilities() {
            marginal.copy_from_slice(&s.numbers);
            all_whole &= breaks(&s.numbers, n, &mut s.breaks);
            for i in 1..s.breaks.len() {
                let (low, high) = (s.breaks[i - 1], s.breaks[i]);
                s.numbers.copy_from_slice(marginal);
                complete::round(&mut s.numbers, n, 0.5 * (low + high));
                add_pairs(&s.numbers, n, high - low, joint);
            }
        } else {
            marginal.iter_mut().zip(&s.numbers).for_each(|(m, number)| *m = number / n as f64);
            add_pairs(&s.numbers, n, 1.0, joint);
        }
    }
    Ok(all_whole)
}

/// The points at which the rounded numbers change, with 0 and 1 around them; says whether there
/// are none.
pub(super) fn breaks(probabilities: &[f64], n: usize, breaks: &mut Vec<f64>) -> bool {
    breaks.clear();
    let mut reached = 0.0;
    for p in &probabilities[..probabilities.len() - 1] {
        reached += p * n as f64;
        if (reached - reached.round()).abs() >= HAIR {
            breaks.push(1.0 - reached.fract());
        }
    }
    let none = breaks.is_empty();
    breaks.extend([0.0, 1.0]);
    breaks.sort_unstable_by(f64::total_cmp);
    none
}

/// Adds the probabilities of pairs, given the numbers of units of each arm.
fn add_pairs(numbers: &[f64], n: usize, weight: f64, joint: &mut [f64]) {
    if n < 2 {
        return;
    }
    let (k, pairs) = (numbers.len(), n as f64 * (n as f64 - 1.0));
    for (a, x) in numbers.iter().enumerate() {
        for (b, y) in numbers.iter().enumerate() {
            let ways = if a == b { x * (x - 1.0) } else { x * y };
            joint[a * k + b] += weight * ways / pairs;
        }
    }
}

/// Probabilities of listed assignments: sums over the list.
pub(super) fn custom(custom: &Custom, k: usize, s: &Scratch, p: &mut Probabilities) {
    let n = custom.n_units;
    p.pairs = Pairs::Places;
    grow(&mut p.class, s.urn.len());
    grow(&mut p.place, s.urn.len());
    for b in 0..s.n_blocks() {
        for (place, unit) in s.urn[s.block(b)].iter().enumerate() {
            p.class[*unit as usize] = place as u32;
            p.place[*unit as usize] = place as u32;
        }
    }
    grow(&mut p.marginal, n * k);
    grow(&mut p.joint, n * k * n * k);
    p.marginal.fill(0.0);
    p.joint.fill(0.0);
    for (number, probability) in custom.probabilities.iter().enumerate() {
        let arms = custom.assignment(number);
        for (i, a) in arms.iter().enumerate() {
            let row = i * k + *a as usize;
            p.marginal[row] += probability;
            for (j, b) in arms.iter().enumerate() {
                p.joint[row * n * k + j * k + *b as usize] += probability;
            }
        }
    }
}

/// What is known of marginal probabilities before anything is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Marginal {
    /// They are in place.
    Known,
    /// They are one half.
    Even,
    /// Nothing.
    Drawn,
}

/// What is to be found from draws.
pub(super) struct Wanted {
    /// How many draws are made.
    pub draws: u32,
    /// Marginal probabilities.
    pub marginal: Marginal,
    /// Joint probabilities too.
    pub joint: bool,
}

/// Probabilities as shares of so many draws of the same lottery.
pub(super) fn drawn(
    lottery: &Lottery,
    ws: &Workspace,
    s: &mut Scratch,
    rng: &mut Pcg64Dxsm,
    p: &mut Probabilities,
    wanted: &Wanted,
) -> Result<(), Stop> {
    let (k, n) = (lottery.n_arms, s.urn.len());
    p.pairs = Pairs::Drawn;
    p.lacks_joint = !wanted.joint;
    if wanted.marginal == Marginal::Even {
        grow(&mut p.class, n);
        p.class.fill(0);
        p.marginal.clear();
        p.marginal.resize(k, 0.5);
    }
    if wanted.marginal == Marginal::Drawn {
        grow(&mut p.class, n);
        p.class.iter_mut().zip(0..).for_each(|(c, unit)| *c = unit);
        grow(&mut p.marginal, n * k);
        p.marginal.fill(0.0);
        p.draws_of_marginal = wanted.draws;
    }
    if wanted.joint {
        grow(&mut p.joint, n * k * n * k);
        p.joint.fill(0.0);
        p.draws_of_joint = wanted.draws;
    }
    if wanted.marginal != Marginal::Drawn && !wanted.joint {
        return Ok(());
    }
    let each = 1.0 / f64::from(wanted.draws);
    let mut arms = std::mem::take(&mut s.arms);
    let mut result = Ok(());
    for _ in 0..wanted.draws {
        result = lottery.draw(ws, s, rng, &mut arms);
        if result.is_err() {
            break;
        }
        for (i, a) in arms.iter().enumerate() {
            let row = i * k + *a as usize;
            if wanted.marginal == Marginal::Drawn {
                p.marginal[row] += each;
            }
            if wanted.joint {
                let row = &mut p.joint[row * n * k..][..n * k];
                arms.iter().enumerate().for_each(|(j, b)| row[j * k + *b as usize] += each);
            }
        }
    }
    s.arms = arms;
    result
}
