//! Simple assignment: each unit draws its arm on its own.

use rand::RngExt;
use rand_distr::StandardUniform;
use rand_pcg::Pcg64Dxsm;

use super::Scratch;
use super::shares::{Says, Shares};
use crate::exec::{Operand, Stop, Workspace};

/// Draws the arm of each unit.
pub(super) fn draw(
    shares: &Shares,
    n_arms: usize,
    ws: &Workspace,
    s: &mut Scratch,
    rng: &mut Pcg64Dxsm,
    arms: &mut [u32],
) -> Result<(), Stop> {
    if let (true, Says::Prob, [number]) = (shares.by_unit, shares.says, shares.numbers.as_slice())
        && let Operand::Column(column) = number.value
    {
        return draw_each(shares, ws.column(column), s, rng, arms);
    }
    let constant = shares.are_constant();
    if constant {
        shares.of_units(ws, s, 0..s.urn.len())?;
    }
    for b in 0..s.n_blocks() {
        let block = s.block(b);
        if !constant && !shares.by_unit && !block.is_empty() {
            shares.of_units(ws, s, block.clone())?;
        }
        for place in block {
            if !constant && shares.by_unit {
                shares.of_units(ws, s, place..place + 1)?;
            }
            let u: f64 = rng.sample(StandardUniform);
            arms[s.urn[place] as usize] = chosen(&s.numbers[..n_arms - 1], u);
        }
    }
    Ok(())
}

/// Draws one of two arms for each unit, with a probability of its own: the common case, without
/// the detour over the numbers of a block.
fn draw_each(
    shares: &Shares,
    probabilities: &[f64],
    s: &Scratch,
    rng: &mut Pcg64Dxsm,
    arms: &mut [u32],
) -> Result<(), Stop> {
    for &unit in &s.urn {
        let p = probabilities[s.row(unit)];
        if !(0.0..=1.0).contains(&p) {
            return Err(shares.improbable(p));
        }
        let u: f64 = rng.sample(StandardUniform);
        arms[unit as usize] = chosen(&[1.0 - p], u);
    }
    Ok(())
}

/// The arm that a uniform draw falls to; `probabilities` are those of all arms but the last.
fn chosen(probabilities: &[f64], u: f64) -> u32 {
    if let [first] = probabilities {
        return u32::from(u >= *first);
    }
    let mut reached = 0.0;
    let falls = |p: &f64| {
        reached += p;
        u < reached
    };
    probabilities.iter().position(falls).unwrap_or(probabilities.len()) as u32
}
