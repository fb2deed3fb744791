//! Simple assignment: each unit draws its arm on its own.

use rand::RngExt;
use rand_distr::StandardUniform;
use rand_pcg::Pcg64Dxsm;

use super::Scratch;
use super::shares::Shares;
use crate::exec::{Stop, Workspace};

/// Draws the arm of each unit.
pub(super) fn draw(
    shares: &Shares,
    n_arms: usize,
    ws: &Workspace,
    s: &mut Scratch,
    rng: &mut Pcg64Dxsm,
    arms: &mut [u32],
) -> Result<(), Stop> {
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

/// The arm that a uniform draw falls to; `probabilities` are those of all arms but the last.
fn chosen(probabilities: &[f64], u: f64) -> u32 {
    let mut reached = 0.0;
    let falls = |p: &f64| {
        reached += p;
        u < reached
    };
    probabilities.iter().position(falls).unwrap_or(probabilities.len()) as u32
}
