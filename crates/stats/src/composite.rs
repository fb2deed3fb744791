//! Functions of several averages: their value, their slopes and their bounds.
//!
//! A function is a short list of operations on a stack, `a b / sqrt` for the root of the ratio of
//! the first average to the second. The same list is read three ways: with numbers it gives the
//! value, with numbers and slopes the gradient (forward differentiation, exact to rounding), with
//! intervals the range over a box (each operation takes the smallest and the largest value that it
//! can have, so the range is never too narrow; where an average occurs twice it can be too wide).
//!
//! # References
//! Griewank and Walther 2008, Evaluating Derivatives, chapter 3 (forward mode). Moore, Kearfott and
//! Cloud 2009, Introduction to Interval Analysis, chapter 5 (the natural interval extension).

use std::fmt;

/// An operation: it takes its arguments off the stack and puts its result on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operation {
    /// A number.
    Number(f64),
    /// An average, by its place.
    Average(usize),
    /// `-x`
    Neg,
    /// `x^2`
    Square,
    /// `sqrt(x)`
    Sqrt,
    /// `exp(x)`
    Exp,
    /// `log(x)`
    Log,
    /// `abs(x)`
    Abs,
    /// `x + y`
    Add,
    /// `x - y`
    Sub,
    /// `x * y`
    Mul,
    /// `x / y`
    Div,
    /// `x^y`
    Pow,
    /// The smaller of two.
    Min,
    /// The larger of two.
    Max,
}

/// Most averages of a function: they are written as letters.
pub const AVERAGES_MAX: usize = 8;

/// The operations with a name, and how many arguments they take.
const NAMES: [(&str, Operation, usize); 13] = [
    ("neg", Operation::Neg, 1),
    ("square", Operation::Square, 1),
    ("sqrt", Operation::Sqrt, 1),
    ("exp", Operation::Exp, 1),
    ("log", Operation::Log, 1),
    ("abs", Operation::Abs, 1),
    ("+", Operation::Add, 2),
    ("-", Operation::Sub, 2),
    ("*", Operation::Mul, 2),
    ("/", Operation::Div, 2),
    ("^", Operation::Pow, 2),
    ("min", Operation::Min, 2),
    ("max", Operation::Max, 2),
];

impl Operation {
    /// How many values it takes off the stack.
    fn arity(self) -> usize {
        let named = NAMES.iter().find(|(_, operation, _)| *operation == self);
        named.map_or(0, |(.., arity)| *arity)
    }
}

/// A function of averages.
#[derive(Clone, Debug, PartialEq)]
pub struct Composite {
    operations: Vec<Operation>,
    n_averages: usize,
}

impl Composite {
    /// The function with these operations; none where they do not leave exactly one value, or name
    /// more averages than [`AVERAGES_MAX`].
    pub fn new(operations: Vec<Operation>) -> Option<Self> {
        let (mut depth, mut n_averages) = (0usize, 0);
        for operation in &operations {
            if let Operation::Average(place) = operation {
                n_averages = n_averages.max(place + 1);
            }
            depth = depth.checked_sub(operation.arity())? + 1;
        }
        (depth == 1 && n_averages <= AVERAGES_MAX).then_some(Self { operations, n_averages })
    }

    /// The operations.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The number of averages.
    pub fn n_averages(&self) -> usize {
        self.n_averages
    }

    /// The function's value; it may not be finite.
    ///
    /// `averages`: one for each.
    ///
    /// # Panics
    /// If there are too few averages.
    pub fn value(&self, averages: &[f64]) -> f64 {
        self.run(averages, apply, |number| number)
    }

    /// The slopes of the function, one for each average; not finite where there is none.
    ///
    /// # Panics
    /// If there are too few averages.
    pub fn gradient(&self, averages: &[f64]) -> Vec<f64> {
        let slope_in = |place: usize| {
            let seeded: Vec<(f64, f64)> = averages
                .iter()
                .enumerate()
                .map(|(i, average)| (*average, f64::from(u8::from(i == place))))
                .collect();
            let step = |operation, (x, dx): (f64, f64), (y, dy): (f64, f64)| {
                let value = apply(operation, x, y);
                (value, slope(operation, value, (x, dx), (y, dy)))
            };
            self.run(&seeded, step, |number| (number, 0.0)).1
        };
        (0..averages.len()).map(slope_in).collect()
    }

    /// The range of the function while each average lies within its bounds, ends included; none
    /// where the function is not defined or not finite on all of it. Below 0, where an average of
    /// numbers that are not negative can not lie, roots count as 0.
    ///
    /// # Panics
    /// If there are too few averages.
    pub fn range(&self, averages: &[(f64, f64)]) -> Option<(f64, f64)> {
        let some: Vec<Option<(f64, f64)>> = averages.iter().copied().map(Some).collect();
        let step = |operation, x: Option<(f64, f64)>, y: Option<(f64, f64)>| {
            let (low, high) = interval(operation, x?, y?)?;
            (low.is_finite() && high.is_finite()).then_some((low, high))
        };
        self.run(&some, step, |number| Some((number, number)))
    }

    /// Runs the operations on a stack. Operations of one argument get it twice.
    fn run<T: Copy>(
        &self,
        averages: &[T],
        step: impl Fn(Operation, T, T) -> T,
        number: impl Fn(f64) -> T,
    ) -> T {
        let mut stack: Vec<T> = Vec::with_capacity(self.operations.len());
        for operation in &self.operations {
            let value = match *operation {
                Operation::Number(value) => number(value),
                Operation::Average(place) => averages[place],
                other => {
                    let y = stack.pop().expect("operations are checked when they are made");
                    let x = if other.arity() == 2 { stack.pop() } else { Some(y) };
                    step(other, x.expect("operations are checked when they are made"), y)
                }
            };
            stack.push(value);
        }
        stack.pop().expect("operations are checked when they are made")
    }
}

fn apply(operation: Operation, x: f64, y: f64) -> f64 {
    match operation {
        Operation::Neg => -x,
        Operation::Square => x * x,
        Operation::Sqrt => x.sqrt(),
        Operation::Exp => libm::exp(x),
        Operation::Log => libm::log(x),
        Operation::Abs => x.abs(),
        Operation::Add => x + y,
        Operation::Sub => x - y,
        Operation::Mul => x * y,
        Operation::Div => x / y,
        Operation::Pow => libm::pow(x, y),
        Operation::Min => x.min(y),
        Operation::Max => x.max(y),
        Operation::Number(value) => value,
        Operation::Average(_) => f64::NAN,
    }
}

/// The derivative of an operation's value along the derivatives of its arguments; NaN at a kink.
fn slope(operation: Operation, value: f64, (x, dx): (f64, f64), (y, dy): (f64, f64)) -> f64 {
    // What does not move has no say, however steep the function is there.
    let times = |steepness: f64, d: f64| if d == 0.0 { 0.0 } else { steepness * d };
    let of_two = |first: bool, same: bool| match (first, same) {
        (_, true) if dx != dy => f64::NAN,
        (true, _) => dx,
        (false, _) => dy,
    };
    match operation {
        Operation::Neg => -dx,
        Operation::Square => times(2.0 * x, dx),
        Operation::Sqrt => times(0.5 / value, dx),
        Operation::Exp => times(value, dx),
        Operation::Log => times(1.0 / x, dx),
        Operation::Abs if x == 0.0 => times(f64::NAN, dx),
        Operation::Abs => times(x.signum(), dx),
        Operation::Add => dx + dy,
        Operation::Sub => dx - dy,
        Operation::Mul => times(y, dx) + times(x, dy),
        Operation::Div => times(1.0 / y, dx) - times(value / y, dy),
        Operation::Pow => times(y * libm::pow(x, y - 1.0), dx) + times(value * libm::log(x), dy),
        Operation::Min => of_two(x < y, x == y),
        Operation::Max => of_two(x > y, x == y),
        Operation::Number(_) | Operation::Average(_) => 0.0,
    }
}

/// The range of an operation's value over ranges of its arguments; none where it is not defined.
fn interval(operation: Operation, x: (f64, f64), y: (f64, f64)) -> Option<(f64, f64)> {
    let corners = |f: fn(f64, f64) -> f64| {
        let all = [f(x.0, y.0), f(x.0, y.1), f(x.1, y.0), f(x.1, y.1)];
        let low = all.into_iter().fold(f64::INFINITY, f64::min);
        (low, all.into_iter().fold(f64::NEG_INFINITY, f64::max))
    };
    let rising = |f: fn(f64) -> f64| (f(x.0), f(x.1));
    let holds_zero = |(low, high): (f64, f64)| low <= 0.0 && 0.0 <= high;
    Some(match operation {
        Operation::Neg => (-x.1, -x.0),
        Operation::Square | Operation::Abs => {
            let f = |v: f64| if operation == Operation::Abs { v.abs() } else { v * v };
            let (a, b) = (f(x.0), f(x.1));
            (if holds_zero(x) { 0.0 } else { a.min(b) }, a.max(b))
        }
        Operation::Sqrt if x.1 < 0.0 => return None,
        Operation::Sqrt => (x.0.max(0.0).sqrt(), x.1.sqrt()),
        Operation::Exp => rising(libm::exp),
        Operation::Log if x.0 <= 0.0 => return None,
        Operation::Log => rising(libm::log),
        Operation::Add => (x.0 + y.0, x.1 + y.1),
        Operation::Sub => (x.0 - y.1, x.1 - y.0),
        Operation::Mul => corners(|a, b| a * b),
        Operation::Div if holds_zero(y) => return None,
        Operation::Div => corners(|a, b| a / b),
        // x^y is monotone in each where x is above 0.
        Operation::Pow if x.0 > 0.0 => corners(libm::pow),
        Operation::Pow => return whole_power(x, y),
        Operation::Min => (x.0.min(y.0), x.1.min(y.1)),
        Operation::Max => (x.0.max(y.0), x.1.max(y.1)),
        Operation::Number(value) => (value, value),
        Operation::Average(_) => return None,
    })
}

/// The range of a power with a whole exponent of 1 or more.
fn whole_power(x: (f64, f64), (exponent, same): (f64, f64)) -> Option<(f64, f64)> {
    if exponent != same || exponent < 1.0 || exponent.fract() != 0.0 {
        return None;
    }
    let (a, b) = (libm::pow(x.0, exponent), libm::pow(x.1, exponent));
    let is_even = exponent % 2.0 == 0.0;
    Some(match is_even {
        true if x.0 <= 0.0 && 0.0 <= x.1 => (0.0, a.max(b)),
        true => (a.min(b), a.max(b)),
        false => (a, b),
    })
}

/// The operations in their order: averages as letters, numbers with all their digits.
impl fmt::Display for Composite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, operation) in self.operations.iter().enumerate() {
            f.write_str(if i == 0 { "" } else { " " })?;
            match operation {
                Operation::Number(value) => write!(f, "{value:e}")?,
                Operation::Average(place) => write!(f, "{}", char::from(b'a' + *place as u8))?,
                other => {
                    let named = NAMES.iter().find(|(_, operation, _)| operation == other);
                    f.write_str(named.map_or("", |(name, ..)| name))?;
                }
            }
        }
        Ok(())
    }
}

impl std::str::FromStr for Composite {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let operation = |word: &str| {
            if let Some((_, operation, _)) = NAMES.iter().find(|(name, ..)| *name == word) {
                return Ok(*operation);
            }
            match word.as_bytes() {
                [letter @ b'a'..=b'h'] => Ok(Operation::Average(usize::from(letter - b'a'))),
                _ => {
                    let value: f64 = word.parse().map_err(|_| ())?;
                    if value.is_finite() { Ok(Operation::Number(value)) } else { Err(()) }
                }
            }
        };
        let operations = text.split_whitespace().map(operation).collect::<Result<_, ()>>()?;
        Self::new(operations).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn composite(text: &str) -> Composite {
        text.parse().unwrap()
    }

    /// Every operation, with averages at which it is smooth.
    const ALL: [&str; 8] = [
        "a b /",
        "a square b c * + sqrt",
        "a neg exp b log -",
        "a b ^ 2.5 ^",
        "a b min c max",
        "a b - abs",
        "a 3 ^ b 2e0 c ^ / / sqrt",
        "1.5e0",
    ];

    #[test]
    fn text_is_read_back() {
        for text in ALL {
            let function = composite(text);
            assert_eq!(composite(&function.to_string()), function);
        }
        let third = Composite::new(vec![Operation::Number(1.0 / 3.0)]).unwrap();
        assert_eq!(composite(&third.to_string()), third);
        for wrong in ["", "a b", "+", "a +", "a i", "a sin", "nan", "a b c"] {
            assert!(wrong.parse::<Composite>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn slopes_are_those_of_differences() {
        let at = [1.3, 0.7, 2.1];
        for text in ALL {
            let function = composite(text);
            let gradient = function.gradient(&at);
            for (k, slope) in gradient.iter().enumerate() {
                let step = 1e-5;
                let moved = |by: f64| {
                    let mut moved = at;
                    moved[k] += by;
                    function.value(&moved)
                };
                let difference = (moved(step) - moved(-step)) / (2.0 * step);
                assert!((slope - difference).abs() < 1e-8, "{text}: {slope} {difference}");
            }
        }
        assert_eq!(composite("a sqrt").gradient(&[0.0]), [f64::INFINITY]);
        assert!(composite("a abs").gradient(&[0.0])[0].is_nan());
        assert!(composite("a b max").gradient(&[1.0, 1.0])[0].is_nan());
    }

    /// The range holds the value at every point of the box, and is attained where each average
    /// occurs once.
    #[test]
    fn ranges_hold_every_value() {
        let boxes = [[(1.2, 1.4), (0.6, 0.8), (2.0, 2.2)], [(0.1, 3.0), (0.1, 3.0), (0.1, 3.0)]];
        for text in ALL {
            for bounds in boxes {
                let function = composite(text);
                let (low, high) = function.range(&bounds).unwrap();
                let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
                let steps = 6;
                for i in 0..=steps {
                    for j in 0..=steps {
                        for k in 0..=steps {
                            let share = [i, j, k].map(|s| f64::from(s) / f64::from(steps));
                            let at: Vec<f64> = (bounds.iter().zip(share))
                                .map(|((a, b), s)| a + (b - a) * s)
                                .collect();
                            let value = function.value(&at);
                            (least, most) = (least.min(value), most.max(value));
                        }
                    }
                }
                let slack = 1e-12 * (high - low).abs();
                assert!(low <= least + slack && most - slack <= high, "{text} {low} {high}");
                let attained = (low - least).abs() < 1e-6 + slack
                    && (high - most).abs() < 1e-6 * high.abs() + slack;
                assert!(attained, "{text}: {low} {high}, {least} {most}");
            }
        }
    }

    #[test]
    fn there_is_no_range_where_there_is_no_value() {
        let around_zero = [(-1.0, 2.0), (-1.0, 2.0)];
        for text in ["1 a /", "a log", "a 0.5 ^", "a b ^", "a 100 * exp exp"] {
            assert_eq!(composite(text).range(&around_zero), None, "{text}");
        }
        let range = |text: &str| composite(text).range(&around_zero);
        assert_eq!(range("a square"), Some((0.0, 4.0)));
        assert_eq!(range("a 2 ^"), Some((0.0, 4.0)));
        assert_eq!(range("a 3 ^"), Some((-1.0, 8.0)));
        assert_eq!(range("a abs"), Some((0.0, 2.0)));
        assert_eq!(range("a sqrt"), Some((0.0, f64::sqrt(2.0))));
        // An average that occurs twice is taken for two.
        assert_eq!(range("a a -"), Some((-3.0, 3.0)));
    }
}
