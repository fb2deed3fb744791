//! The probabilities of a sample, for the audit: a sample is an allocation of units to "left out"
//! and "drawn".

use super::assign::shares::{Number, Says, Shares};
use super::assign::{Lottery, Method, Units};
use super::random::generator;
use super::sample::Drawing;
use super::workspace::grow;
use super::{Op, Operand, Stop, Workspace};
use crate::compile::Sampled;
use crate::ids::{AllocationId, LinkId};

/// Finds the probabilities of a sample.
pub struct FindInclusion {
    /// The lottery with the same probabilities.
    lottery: Lottery,
    /// Whether units of a stratum are alike. Else probabilities of pairs have no closed form.
    exchangeable: bool,
    /// The units that were drawn.
    link: LinkId,
    /// Where the sample is kept.
    id: AllocationId,
    /// The stream of draws.
    key: u64,
}

impl FindInclusion {
    /// What finds the probabilities of a sample; nothing where units may be drawn again and again.
    pub fn of(sampled: &Sampled, link: LinkId, id: AllocationId, key: u64) -> Option<Self> {
        let Sampled { level, drawing, strata, span, .. } = *sampled;
        let exchangeable = !matches!(drawing, Drawing::Expected(Operand::Column(_)));
        let (value, says) = match drawing {
            Drawing::Simple(p) | Drawing::Expected(p) => (p, Says::Prob),
            Drawing::Count(n) => (n, Says::M),
            Drawing::Replaced(_) => return None,
        };
        let by_unit = !exchangeable || matches!(drawing, Drawing::Simple(_));
        let numbers = vec![Number { value, span }];
        let shares = Shares { says, numbers, by_unit, in_blocks: strata.is_some(), span };
        let method = if by_unit { Method::Simple(shares) } else { Method::Complete(shares) };
        let units = Units::Level { level, blocks: strata };
        let lottery = Lottery { units, n_arms: 2, method, accept: None, span };
        Some(Self { lottery, exchangeable, link, id, key })
    }
}

impl Op for FindInclusion {
    fn run(&self, ws: &mut Workspace) -> Result<(), Stop> {
        let mut s = std::mem::take(&mut ws.assign);
        let mut allocation = std::mem::take(&mut ws.allocations[self.id.idx()]);
        grow(&mut allocation.arms, ws.size(self.lottery.units.level()));
        allocation.arms.fill(0);
        ws.links[self.link.idx()].iter().for_each(|unit| allocation.arms[*unit as usize] = 1);
        let p = &mut allocation.probabilities;
        let found = self.lottery.seat(ws, &mut s).and_then(|()| {
            let mut rng = generator(ws.seed, ws.sim, self.key);
            self.lottery.probabilities(ws, &mut s, &mut rng, self.exchangeable, p)
        });
        if !self.exchangeable {
            p.no_joint();
        }
        ws.allocations[self.id.idx()] = allocation;
        ws.assign = s;
        found
    }
}
