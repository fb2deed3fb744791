//! The probabilities of an assignment, found after it was drawn, where something uses them.

use std::sync::Arc;

use rand_pcg::Pcg64Dxsm;

use super::shares::Shares;
use super::wedge::Wedge;
use super::{Lottery, Method, Scratch, likely};
use crate::exec::allocation::{Allocation, Pairs, Probabilities};
use crate::exec::random::generator;
use crate::exec::workspace::grow;
use crate::exec::{Op, Stop, Workspace};
use crate::ids::{AllocationId, ColumnId};

/// Draws from which probabilities are estimated where nothing else is said.
pub const DRAWS: u32 = 1000;

/// Finds the probabilities of an assignment.
pub struct FindProbabilities {
    /// The lottery that drew it.
    pub lottery: Arc<Lottery>,
    /// Its times.
    pub wedge: Option<Arc<Wedge>>,
    /// Where it is kept.
    pub id: AllocationId,
    /// The column for the probability of the condition that each row got.
    pub out: Option<ColumnId>,
    /// Whether joint probabilities are needed.
    pub joint: bool,
    /// The stream of draws, for probabilities without a closed form.
    pub key: u64,
}

impl Op for FindProbabilities {
    fn run(&self, ws: &mut Workspace) -> Result<(), Stop> {
        let mut s = std::mem::take(&mut ws.assign);
        let mut allocation = std::mem::take(&mut ws.allocations[self.id.idx()]);
        let found = self.lottery.seat(ws, &mut s).and_then(|()| {
            let mut rng = generator(ws.seed, ws.sim, self.key);
            self.lottery.probabilities(
                ws,
                &mut s,
                &mut rng,
                self.joint,
                &mut allocation.probabilities,
            )
        });
        if found.is_ok() {
            self.place_rows(ws, &mut s, &mut allocation);
            if let Some(column) = self.out {
                let n =
                    ws.size(self.wedge.as_ref().map_or(self.lottery.units.level(), |w| w.level));
                let mut out = ws.take(column, n);
                for (row, o) in out.iter_mut().enumerate() {
                    let unit = allocation.unit(row);
                    *o = allocation.probabilities.marginal(unit, allocation.arms[unit] as usize);
                }
                ws.put(column, out);
            }
        }
        ws.allocations[self.id.idx()] = allocation;
        ws.assign = s;
        found
    }
}

impl FindProbabilities {
    /// Says which unit each row belongs to; in a stepped wedge, each row is a unit of its own.
    fn place_rows(&self, ws: &Workspace, s: &mut Scratch, allocation: &mut Allocation) {
        let units = &self.lottery.units;
        let Some(wedge) = &self.wedge else {
            allocation.unit_of.clear();
            if !s.rows.is_empty() {
                grow(&mut allocation.unit_of, ws.size(units.level()));
                super::blocks::number(&mut s.arms, s.rows.len());
                units.spread(ws, &s.arms, &mut allocation.unit_of, |unit| unit);
            }
            return;
        };
        let n = ws.size(wedge.level);
        let cells = allocation.probabilities.wedge.get_or_insert_default();
        grow(&mut cells.cluster, n);
        grow(&mut cells.reached, n);
        grow(&mut s.arms, n);
        wedge.each_row(ws, units, |row, cluster| {
            cells.cluster[row] = cluster as u32;
            cells.reached[row] = wedge.reached(ws, row);
            s.arms[row] = u32::from(cells.reached[row] > allocation.arms[cluster]);
        });
        std::mem::swap(&mut s.arms, &mut allocation.arms);
    }
}

impl Lottery {
    /// Finds the probabilities of the seated units.
    pub(in crate::exec) fn probabilities(
        &self,
        ws: &Workspace,
        s: &mut Scratch,
        rng: &mut Pcg64Dxsm,
        joint: bool,
        p: &mut Probabilities,
    ) -> Result<(), Stop> {
        p.n_arms = self.n_arms;
        (p.draws_of_marginal, p.draws_of_joint, p.lacks_joint) = (0, 0, false);
        number_blocks(s, &mut p.block);
        if let Some(accept) = &self.accept {
            let even = match &self.method {
                Method::Simple(shares) | Method::Complete(shares) | Method::Balanced(shares) => {
                    self.n_arms == 2 && shares.are_even()
                }
                Method::Custom(_) | Method::Square(_) => false,
            };
            return likely::drawn(
                self,
                ws,
                s,
                rng,
                p,
                &likely::Wanted {
                    draws: accept.draws,
                    // The distance does not change when the two conditions trade places.
                    marginal: if even { likely::Marginal::Even } else { likely::Marginal::Drawn },
                    joint,
                },
            );
        }
        match &self.method {
            Method::Simple(shares) => simple(shares, ws, s, p),
            Method::Complete(shares) => likely::complete(shares, ws, s, p).map(drop),
            Method::Balanced(shares) => {
                let whole = likely::complete(shares, ws, s, p)?;
                if whole {
                    return Ok(());
                }
                let marginal = likely::Marginal::Known;
                likely::drawn(
                    self,
                    ws,
                    s,
                    rng,
                    p,
                    &likely::Wanted { draws: DRAWS, marginal, joint },
                )
            }
            Method::Custom(custom) => {
                likely::custom(custom, self.n_arms, s, p);
                Ok(())
            }
            Method::Square(square) => {
                one_class(s.urn.len(), p);
                p.marginal.clear();
                p.marginal.resize(self.n_arms, 1.0 / self.n_arms as f64);
                p.pairs = Pairs::Square;
                square.places(self.n_arms, ws, s, &mut p.place)
            }
        }
    }
}

/// The block of each seated unit.
fn number_blocks(s: &Scratch, block: &mut Vec<u32>) {
    grow(block, s.urn.len());
    for b in 0..s.n_blocks() {
        s.urn[s.block(b)].iter().for_each(|unit| block[*unit as usize] = b as u32);
    }
}

/// All units have the same row of marginal probabilities.
fn one_class(n: usize, p: &mut Probabilities) {
    grow(&mut p.class, n);
    p.class.fill(0);
}

/// Simple assignment: the probabilities that were declared, and independence.
fn simple(
    shares: &Shares,
    ws: &Workspace,
    s: &mut Scratch,
    p: &mut Probabilities,
) -> Result<(), Stop> {
    p.pairs = Pairs::Independent;
    let n = s.urn.len();
    p.marginal.clear();
    if shares.are_constant() {
        one_class(n, p);
        shares.of_units(ws, s, 0..n)?;
        p.marginal.extend_from_slice(&s.numbers);
        return Ok(());
    }
    grow(&mut p.class, n);
    if shares.by_unit {
        // Rows of probabilities in the order of units: each is its own class.
        p.class.iter_mut().zip(0..).for_each(|(c, unit)| *c = unit);
        grow(&mut p.marginal, n * p.n_arms);
        for place in 0..n {
            shares.of_units(ws, s, place..place + 1)?;
            let unit = s.urn[place] as usize;
            p.marginal[unit * p.n_arms..][..p.n_arms].copy_from_slice(&s.numbers);
        }
        return Ok(());
    }
    p.class.copy_from_slice(&p.block);
    grow(&mut p.marginal, s.n_blocks() * p.n_arms);
    for b in 0..s.n_blocks() {
        if !s.block(b).is_empty() {
            shares.of_units(ws, s, s.block(b))?;
            p.marginal[b * p.n_arms..][..p.n_arms].copy_from_slice(&s.numbers);
        }
    }
    Ok(())
}
