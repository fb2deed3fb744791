//! Every assignment of a lottery, one after another, where they are few.
//!
//! An assignment is read off wheels, as on an odometer: a wheel for each block of a complete or a
//! listed assignment, for each unit of a simple one. The options of a wheel are arms, rows of the
//! list, or numbers of units of each arm; with numbers, the arms of the block's units go through
//! all their orders before the wheel turns.

use super::complete::{self};
use super::shares::Shares;
use super::{Lottery, Method, Scratch, likely};
use crate::exec::workspace::grow;
use crate::exec::{Stop, Workspace};

/// What turns last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Turns {
    /// Units with an arm each.
    #[default]
    Units,
    /// Blocks with a row of the list each.
    Rows,
    /// Blocks with numbers of units of each arm.
    Orders,
}

/// A block or a unit.
#[derive(Clone, Copy, Debug, Default)]
struct Wheel {
    /// Its places among the seated units.
    from: u32,
    to: u32,
    /// Its options.
    first: u32,
    n: u32,
    /// The option that is on.
    at: u32,
}

/// The assignment that is on, and where it stands in the list.
#[derive(Debug, Default)]
pub struct Listing {
    turns: Turns,
    n_arms: usize,
    wheels: Vec<Wheel>,
    /// The arm or the row of each option, or its numbers of units of each arm.
    options: Vec<u32>,
    /// The probability of each option, of one of its orders where there are several.
    chances: Vec<f64>,
    /// The arm at each place.
    arms: Vec<u32>,
}

impl Lottery {
    /// Puts the first assignment on, and returns how many there are; none where they can not be
    /// listed. The units are seated.
    ///
    /// # Errors
    /// As drawing them has.
    pub fn list(
        &self,
        ws: &Workspace,
        s: &mut Scratch,
        listing: &mut Listing,
    ) -> Result<Option<f64>, Stop> {
        listing.n_arms = self.n_arms;
        listing.wheels.clear();
        listing.options.clear();
        listing.chances.clear();
        grow(&mut listing.arms, s.urn.len());
        match &self.method {
            Method::Simple(shares) => listing.of_units(shares, ws, s)?,
            Method::Complete(shares) => listing.of_numbers(shares, ws, s)?,
            Method::Custom(_) => listing.turns = Turns::Rows,
            Method::Balanced(_) | Method::Square(_) => return Ok(None),
        }
        if let Method::Custom(custom) = &self.method {
            for (row, chance) in (0..).zip(&custom.probabilities).filter(|(_, p)| **p > 0.0) {
                push(&mut listing.options, row);
                push(&mut listing.chances, *chance);
            }
            let n = listing.options.len() as u32;
            for b in 0..s.n_blocks() {
                listing.add_wheel(s.block(b), 0, n);
            }
        }
        for wheel in 0..listing.wheels.len() {
            self.put_on(listing, wheel);
        }
        Ok(Some(listing.count()))
    }

    /// Puts the next assignment on; false after the last, when the first is on again.
    pub fn next(&self, listing: &mut Listing) -> bool {
        for place in 0..listing.wheels.len() {
            let wheel = listing.wheels[place];
            let block = &mut listing.arms[wheel.from as usize..wheel.to as usize];
            if listing.turns == Turns::Orders && next_order(block) {
                return true;
            }
            let turned = wheel.at + 1 < wheel.n;
            listing.wheels[place].at = if turned { wheel.at + 1 } else { 0 };
            self.put_on(listing, place);
            if turned {
                return true;
            }
        }
        false
    }

    /// Writes the arms of the option that is on.
    fn put_on(&self, listing: &mut Listing, wheel: usize) {
        let Wheel { from, to, first, at, .. } = listing.wheels[wheel];
        let (block, k) = (&mut listing.arms[from as usize..to as usize], listing.n_arms);
        let option = (first + at) as usize;
        match (listing.turns, &self.method) {
            (Turns::Rows, Method::Custom(custom)) => {
                block.copy_from_slice(custom.assignment(listing.options[option] as usize));
            }
            (Turns::Orders, _) => {
                let numbers = &listing.options[option * k..][..k];
                let mut given = 0;
                for (arm, number) in (0..).zip(numbers) {
                    block[given..given + *number as usize].fill(arm);
                    given += *number as usize;
                }
            }
            _ => block.fill(listing.options[option]),
        }
    }

    /// Whether arms are an assignment of the list that was begun.
    pub fn can_draw(&self, s: &mut Scratch, listing: &Listing, arms: &[u32]) -> bool {
        let k = listing.n_arms;
        let fits = |wheel: &Wheel| {
            let units = &s.urn[wheel.from as usize..wheel.to as usize];
            let own = || units.iter().map(|unit| arms[*unit as usize]);
            let mut options = wheel.first as usize..(wheel.first + wheel.n) as usize;
            options.any(|option| match (listing.turns, &self.method) {
                (Turns::Rows, Method::Custom(custom)) => {
                    let row = custom.assignment(listing.options[option] as usize);
                    own().eq(row.iter().copied())
                }
                (Turns::Orders, _) => {
                    let numbers = &listing.options[option * k..][..k];
                    let count = |arm: u32| own().filter(|a| *a == arm).count() as u32;
                    (0..).zip(numbers).all(|(arm, number)| count(arm) == *number)
                }
                _ => own().all(|arm| arm == listing.options[option]),
            })
        };
        listing.wheels.iter().all(fits) && self.accepts(s, arms)
    }

    /// Whether the assignment that is on is one that is accepted.
    pub fn accepts(&self, s: &mut Scratch, arms: &[u32]) -> bool {
        let accept = self.accept.as_ref();
        accept.is_none_or(|accept| accept.accepts(&mut s.whitened, arms, self.n_arms))
    }
}

impl Listing {
    /// The arm of each unit in the assignment that is on.
    pub fn tell(&self, s: &Scratch, arms: &mut Vec<u32>) {
        grow(arms, s.urn.len());
        for (unit, arm) in s.urn.iter().zip(&self.arms) {
            arms[*unit as usize] = *arm;
        }
    }

    /// Whether every assignment has the same probability.
    pub fn is_even(&self) -> bool {
        let same = |wheel: &Wheel| {
            let own = &self.chances[wheel.first as usize..(wheel.first + wheel.n) as usize];
            own.iter().all(|chance| *chance == own[0])
        };
        self.wheels.iter().all(same)
    }

    /// The probability of the assignment that is on.
    pub fn chance(&self) -> f64 {
        self.wheels.iter().map(|w| self.chances[(w.first + w.at) as usize]).product()
    }

    /// How many assignments there are.
    fn count(&self) -> f64 {
        let k = self.n_arms;
        let options = |wheel: &Wheel| -> f64 {
            if self.turns != Turns::Orders {
                return f64::from(wheel.n);
            }
            let range = wheel.first as usize..(wheel.first + wheel.n) as usize;
            range.map(|option| orders(&self.options[option * k..][..k])).sum()
        };
        self.wheels.iter().map(options).product()
    }

    fn add_wheel(&mut self, places: std::ops::Range<usize>, first: usize, n: u32) {
        let (from, to, first) = (places.start as u32, places.end as u32, first as u32);
        if from < to {
            push(&mut self.wheels, Wheel { from, to, first, n, at: 0 });
        }
    }

    /// A wheel for each unit, with the arms that it can get.
    fn of_units(&mut self, shares: &Shares, ws: &Workspace, s: &mut Scratch) -> Result<(), Stop> {
        self.turns = Turns::Units;
        for b in 0..s.n_blocks() {
            for place in s.block(b) {
                let units = if shares.by_unit { place..place + 1 } else { s.block(b) };
                shares.of_units(ws, s, units)?;
                let first = self.chances.len();
                for (arm, p) in (0..).zip(&s.numbers).filter(|(_, p)| **p > 0.0) {
                    push(&mut self.options, arm);
                    push(&mut self.chances, *p);
                }
                let n = (self.chances.len() - first) as u32;
                self.add_wheel(place..place + 1, first, n);
            }
        }
        Ok(())
    }

    /// A wheel for each block, with the numbers of units of each arm that it can have: those
    /// between the points at which the uniform draw that rounds them makes a difference.
    fn of_numbers(&mut self, shares: &Shares, ws: &Workspace, s: &mut Scratch) -> Result<(), Stop> {
        self.turns = Turns::Orders;
        for b in 0..s.n_blocks() {
            let block = s.block(b);
            let n = block.len();
            if n == 0 {
                continue;
            }
            shares.of_units(ws, s, block.clone())?;
            let first = self.chances.len();
            if shares.are_probabilities() {
                likely::breaks(&s.numbers, n, &mut s.breaks);
                // The probabilities stay in the table while they are rounded.
                s.table.clear();
                s.table.extend_from_slice(&s.numbers);
                for i in 1..s.breaks.len() {
                    let (low, high) = (s.breaks[i - 1], s.breaks[i]);
                    s.numbers.copy_from_slice(&s.table);
                    complete::round(&mut s.numbers, n, 0.5 * (low + high));
                    if high > low {
                        self.add_numbers(&s.numbers, high - low);
                    }
                }
            } else {
                self.add_numbers(&s.numbers, 1.0);
            }
            let n_options = (self.chances.len() - first) as u32;
            self.add_wheel(block, first, n_options);
        }
        Ok(())
    }

    fn add_numbers(&mut self, numbers: &[f64], chance: f64) {
        let at = self.options.len();
        numbers.iter().for_each(|n| push(&mut self.options, *n as u32));
        let orders = orders(&self.options[at..]);
        push(&mut self.chances, chance / orders);
    }
}

/// In how many orders so many units of each arm can stand: a multinomial coefficient.
fn orders(numbers: &[u32]) -> f64 {
    let (mut product, mut placed) = (1.0, 0.0);
    for number in numbers {
        for i in 1..=*number {
            placed += 1.0;
            // Whole at every step: a product of binomial coefficients.
            product = product * placed / f64::from(i);
        }
    }
    product.round()
}

/// Puts arms into their next order; false after the last.
fn next_order(arms: &mut [u32]) -> bool {
    let Some(fall) = arms.windows(2).rposition(|pair| pair[0] < pair[1]) else { return false };
    let pivot = arms[fall];
    let next = arms.iter().rposition(|arm| *arm > pivot).unwrap_or(fall);
    arms.swap(fall, next);
    arms[fall + 1..].reverse();
    true
}

/// Adds to a list that grows with room to spare.
fn push<T>(list: &mut Vec<T>, value: T) {
    if list.len() == list.capacity() {
        list.reserve(list.len() + 64);
    }
    list.push(value);
}
