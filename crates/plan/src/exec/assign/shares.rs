//! How many units get each condition: numbers, or expressions with one value a block.

use trialrun_lang::Span;

use super::Scratch;
use crate::exec::words::{plural, shown};
use crate::exec::{Operand, Stop, Workspace};

/// A number of the design, and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Number {
    /// Its value, constant or a column of the rows.
    pub value: Operand,
    /// Where it stands.
    pub span: Span,
}

/// What the numbers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// The probability of the second of two conditions.
    Prob,
    /// The probability of each condition.
    ProbEach,
    /// The number of units that get the second of two conditions.
    M,
    /// The number of units of each condition.
    MEach,
}

/// How many units get each condition, or with which probability.
#[derive(Clone, Debug)]
pub struct Shares {
    /// What the numbers say.
    pub says: Says,
    /// One number, or one for each condition.
    pub numbers: Vec<Number>,
    /// Whether each unit has numbers of its own, not each block.
    pub by_unit: bool,
    /// Whether units are assigned in blocks.
    pub in_blocks: bool,
    /// Where they stand.
    pub span: Span,
}

/// Probabilities that are off by no more than this sum to one.
pub const SUM_TOLERANCE: f64 = 1e-9;

impl Shares {
    /// The field that gives the numbers.
    pub fn field(&self) -> &'static str {
        match (self.says, self.by_unit) {
            (Says::Prob | Says::ProbEach, true) => "prob_unit",
            (Says::Prob, false) => "prob",
            (Says::ProbEach, false) => "prob_each",
            (Says::M, _) => "m",
            (Says::MEach, _) => "m_each",
        }
    }

    /// Whether the numbers are the same for all units, and were checked when the design was
    /// compiled.
    pub fn are_constant(&self) -> bool {
        self.numbers.iter().all(|n| matches!(n.value, Operand::Const(_)))
    }

    /// Whether they are probabilities, not numbers of units.
    pub fn are_probabilities(&self) -> bool {
        matches!(self.says, Says::Prob | Says::ProbEach)
    }

    /// Whether two conditions are equally likely everywhere.
    pub fn are_even(&self) -> bool {
        let half = |n: &Number| n.value == Operand::Const(0.5);
        match self.says {
            Says::Prob => half(&self.numbers[0]),
            Says::ProbEach => self.numbers.len() == 2 && self.numbers.iter().all(half),
            Says::M | Says::MEach => false,
        }
    }

    /// The probabilities or the numbers of all arms, of one unit or of a block of units.
    ///
    /// # Errors
    /// Values that vary within the block, are no probabilities, or do not sum to what they must.
    pub(super) fn of_units(
        &self,
        ws: &Workspace,
        s: &mut Scratch,
        units: std::ops::Range<usize>,
    ) -> Result<(), Stop> {
        s.numbers.clear();
        let n = units.len();
        for number in &self.numbers {
            let value = self.value(ws, s, number, &s.urn[units.clone()])?;
            s.numbers.push(value);
        }
        match self.says {
            Says::Prob => s.numbers.insert(0, 1.0 - s.numbers[0]),
            Says::M if s.numbers[0] > n as f64 => {
                return Err(self.misfit("`m` is", s.numbers[0], n));
            }
            Says::M => s.numbers.insert(0, n as f64 - s.numbers[0]),
            Says::ProbEach => {
                let sum: f64 = s.numbers.iter().sum();
                if (sum - 1.0).abs() > SUM_TOLERANCE {
                    let message = format!("these probabilities sum to {}, not to 1", shown(sum));
                    return Err(Stop::at(self.span, message, "together they are 1"));
                }
            }
            Says::MEach => {
                let sum: f64 = s.numbers.iter().sum();
                if sum != n as f64 {
                    return Err(self.misfit("`m_each` sums to", sum, n));
                }
            }
        }
        Ok(())
    }

    /// One number for a block of units.
    fn value(
        &self,
        ws: &Workspace,
        s: &Scratch,
        number: &Number,
        units: &[u32],
    ) -> Result<f64, Stop> {
        let (value, same) = match number.value {
            Operand::Const(value) => return Ok(value),
            Operand::Scalar(column) => (ws.scalar(column), true),
            Operand::Column(column) => {
                let values = ws.column(column);
                let value = values[s.row(units[0])];
                (value, units.iter().all(|u| values[s.row(*u)] == value || value.is_nan()))
            }
            Operand::Register(_) => unreachable!("shares are stored in columns"),
        };
        let (field, is_probability) = (self.field(), self.are_probabilities());
        let fits = match is_probability {
            true => (0.0..=1.0).contains(&value),
            false => value >= 0.0 && value.fract() == 0.0,
        };
        if !same {
            let message = format!("`{field}` varies within a block");
            return Err(Stop::at(number.span, message, "expected one value for all its units")
                .hint("`Simple(prob_unit: ...)` takes a probability for each unit"));
        }
        if fits {
            return Ok(value);
        }
        let (wrong, label) = match is_probability {
            true => ("a probability", "expected a number between 0 and 1"),
            false => ("a number of units", "expected a whole number of 0 or more"),
        };
        let stop = Stop::at(number.span, format!("{} is not {wrong}", shown(value)), label);
        Err(if is_probability { stop } else { stop.hint("use `round(...)` or `floor(...)`") })
    }

    /// The message for a number that is no probability.
    pub(super) fn improbable(&self, value: f64) -> Stop {
        let message = format!("{} is not a probability", shown(value));
        Stop::at(self.numbers[0].span, message, "expected a number between 0 and 1")
    }

    fn misfit(&self, what: &str, number: f64, n: usize) -> Stop {
        let units = plural(n as f64, "unit");
        let (there, hint) = match self.in_blocks {
            true => {
                ("a block has", "the numbers are for each block; `prob` fits blocks of any size")
            }
            false => ("there are", "`prob` fits any number of units"),
        };
        let message = format!("{what} {}, but {there} {units} to assign", shown(number));
        Stop::at(self.span, message, "does not fit the number of units").hint(hint)
    }
}
