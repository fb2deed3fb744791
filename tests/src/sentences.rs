//! Random expressions of the design language, for a population of schools, classes and students.
//!
//! Values are compared bit for bit where both sides must compute the same numbers. A sum may be
//! added up in another order, so expressions know whether their bits are certain, and what jumps
//! (comparisons, rounding) is only applied where they are.

/// How much is certain of an expression's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certain {
    /// Multiples of a small power of two: sums of them are exact in any order.
    Sums,
    /// The bits.
    Bits,
    /// All but rounding errors.
    Digits,
}

/// Where an expression stands.
#[derive(Clone, Copy)]
struct Place {
    /// The level, 1 for schools.
    level: usize,
    /// Whether lower levels can be seen: inside a reduction.
    inside: bool,
    /// How many reductions are around it.
    nested: usize,
}

/// A generator of expressions (a linear congruential generator of Knuth's).
pub struct Author(u64);

const LEVELS: [&str; 3] = ["school", "class", "student"];

/// Variables whose sums are exact, with the place of their level.
const GRID: &[(&str, usize)] = &[
    ("s", 1),
    ("kind", 1),
    ("c", 2),
    ("twice", 2),
    ("pupils", 2),
    ("x", 3),
    ("b", 3),
    ("gap", 3),
    ("above", 3),
    ("half", 0),
    ("three", 0),
    ("school", 1),
    ("class", 2),
    ("student", 3),
    ("N", 0),
];

/// Other variables.
const REAL: &[(&str, usize)] = &[("y", 3), ("weight", 2), ("share", 1)];

/// Functions of one argument that are defined everywhere.
const ANYWHERE: &[&str] =
    &["cos", "dnorm", "inv_logit", "pnorm", "sin", "tan", "tanh", "abs", "log", "sqrt", "logit"];

/// Functions of one argument between 0 and 1.
const OF_SHARES: &[&str] = &["exp", "expm1", "log10", "log1p", "log2", "qnorm", "logit", "log"];

impl Author {
    /// A generator from a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (self.0 >> 33) as usize % n
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }

    /// An expression at a level, 1 for schools, and what is certain of its values.
    pub fn expression(&mut self, level: usize) -> (String, Certain) {
        let place = Place { level, inside: false, nested: 0 };
        let depth = 1 + self.below(4);
        match self.below(3) {
            0 => (self.grid(place, depth), Certain::Sums),
            1 => (self.real(place, depth), Certain::Bits),
            _ => (self.loose(place, depth), Certain::Digits),
        }
    }

    fn name(&mut self, list: &[(&'static str, usize)], place: Place) -> Option<&'static str> {
        let reach = if place.inside { 3 } else { place.level };
        let seen: Vec<&str> = list.iter().filter(|(_, l)| *l <= reach).map(|(n, _)| *n).collect();
        if seen.is_empty() { None } else { Some(self.pick(&seen)) }
    }

    /// An expression whose sums are exact.
    fn grid(&mut self, place: Place, depth: usize) -> String {
        if depth == 0 {
            return match self.below(3) {
                0 => self.pick(&["0", "1", "2", "0.25", "1.5", "true", "3"]).to_string(),
                _ => self.name(GRID, place).unwrap_or("1").to_string(),
            };
        }
        let d = depth - 1;
        match self.below(13) {
            0 => format!("{} + {}", self.grid(place, d), self.grid(place, d)),
            1 => format!("({} - {})", self.grid(place, d), self.grid(place, d)),
            2 => format!("-{}", self.bracket(place, d)),
            3 => {
                let by = self.pick(&["2", "-1", "0.5", "(b == b)", "1"]);
                let by = if by.contains('b') { self.condition(place, 0) } else { by.into() };
                format!("{} * {by}", self.bracket(place, d))
            }
            4 => {
                let whole = self.pick(&["floor", "round", "ceiling"]);
                // Bounded, so that sums stay exact.
                format!("min(max({whole}({}), -900), 900)", self.real(place, d))
            }
            5 => format!("sign({})", self.real(place, d)),
            6 => format!("abs({})", self.grid(place, d)),
            7 => format!(
                "{}({}, {})",
                self.pick(&["min", "max"]),
                self.grid(place, d),
                self.grid(place, d)
            ),
            8 => format!(
                "if({}, {}, {})",
                self.condition(place, d),
                self.grid(place, d),
                self.grid(place, d)
            ),
            9 => self.condition(place, d),
            10 => format!("{} % {}", self.bracket(place, d), self.pick(&["3", "2", "0.5", "(-4)"])),
            _ if place.nested < 2 => {
                let inner = self.within(place);
                let by = self.by(place);
                match self.below(8) {
                    0 => format!("count({}{by})", self.condition(inner, d)),
                    1 => format!("any({}{by})", self.condition(inner, d)),
                    2 => format!("all({}{by})", self.condition(inner, d)),
                    3 => format!("min({}{by})", self.grid(inner, d)),
                    4 => format!("max({}{by})", self.grid(inner, d)),
                    5 => format!("median({}{by})", self.grid(inner, d)),
                    6 => format!("quantile({}, 0.25{by})", self.grid(inner, d)),
                    _ => format!("sum({}{by})", self.grid(inner, d)),
                }
            }
            _ => self.grid(place, d),
        }
    }

    fn bracket(&mut self, place: Place, depth: usize) -> String {
        format!("({})", self.grid(place, depth))
    }

    /// A condition.
    fn condition(&mut self, place: Place, depth: usize) -> String {
        let d = depth.saturating_sub(1);
        let reach = if place.inside { 3 } else { place.level };
        match self.below(6) {
            0 if reach >= 3 => {
                let name = self.pick(&["'letter'", "'control'", "'visit'"]);
                format!("(arm {} {name})", self.pick(&["==", "!="]))
            }
            1 if reach >= 2 => format!("('south' {} wing)", self.pick(&["==", "!="])),
            2 if depth > 0 => format!(
                "({} {} {})",
                self.condition(place, d),
                self.pick(&["&", "|"]),
                self.condition(place, d)
            ),
            3 if depth > 0 => format!("(!({}))", self.condition(place, d)),
            _ => {
                let op = self.pick(&["<", "<=", ">", ">=", "==", "!="]);
                format!("({} {op} {})", self.real(place, d), self.real(place, d))
            }
        }
    }

    /// An expression whose bits are certain.
    fn real(&mut self, place: Place, depth: usize) -> String {
        if depth == 0 {
            return match self.below(3) {
                0 => self.pick(&["0.1", "1e-3", "7.3", "2.5"]).to_string(),
                1 => self.name(REAL, place).unwrap_or("0.3").to_string(),
                _ => self.grid(place, 0),
            };
        }
        let d = depth - 1;
        match self.below(11) {
            0 => format!("{} + {}", self.real(place, d), self.real(place, d)),
            1 => format!("({} - ({}))", self.real(place, d), self.real(place, d)),
            2 => format!("({}) * ({})", self.real(place, d), self.real(place, d)),
            3 => format!("({}) / ({})", self.real(place, d), self.real(place, d)),
            4 => {
                format!("({})^{}", self.real(place, d), self.pick(&["2", "3", "0.5", "-1", "half"]))
            }
            5 => format!("{}({})", self.pick(ANYWHERE), self.real(place, d)),
            6 => format!("{}(inv_logit({}))", self.pick(OF_SHARES), self.real(place, d)),
            7 => format!(
                "if({}, {}, {})",
                self.condition(place, d),
                self.real(place, d),
                self.real(place, d)
            ),
            8 if place.nested < 2 => {
                let inner = self.within(place);
                let by = self.by(place);
                match self.below(4) {
                    0 => format!("mean({}{by})", self.grid(inner, d)),
                    1 => format!("median({}{by})", self.real(inner, d)),
                    2 => format!("quantile({}, 0.9{by})", self.real(inner, d)),
                    _ => format!("max({}{by})", self.real(inner, d)),
                }
            }
            _ => self.grid(place, d),
        }
    }

    /// An expression of which all but rounding errors are certain.
    fn loose(&mut self, place: Place, depth: usize) -> String {
        let d = depth.saturating_sub(1);
        match self.below(8) {
            0 if depth > 0 => format!("{} + {}", self.loose(place, d), self.real(place, d)),
            1 if depth > 0 => format!("({} - {})", self.loose(place, d), self.loose(place, d)),
            2 if depth > 0 => format!("({}) * {}", self.loose(place, d), self.bracket(place, d)),
            3 if depth > 0 => format!("abs({})", self.loose(place, d)),
            4 if depth > 0 => format!(
                "if({}, {}, {})",
                self.condition(place, d),
                self.loose(place, d),
                self.loose(place, d)
            ),
            _ => {
                let inner = self.within(place);
                let by = self.by(place);
                let reduction = self.pick(&["sum", "mean", "var", "sd"]);
                format!("{reduction}({}{by})", self.real(inner, d))
            }
        }
    }

    fn within(&mut self, place: Place) -> Place {
        Place { inside: true, nested: place.nested + 1, ..place }
    }

    /// `, by = level`, or nothing.
    fn by(&mut self, place: Place) -> String {
        let reach = if place.inside { 3 } else { place.level };
        match self.below(reach + 1) {
            0 => String::new(),
            level => format!(", by = {}", LEVELS[level - 1]),
        }
    }
}
