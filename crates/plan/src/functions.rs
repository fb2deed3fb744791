//! The functions of the expression language that act on the values of one unit.

/// A function of one to three numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Fun {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    Pow,
    Neg,
    Not,
    And,
    Or,
    Lt,
    Le,
    Gt,
    Ge,
    Eq,
    Ne,
    If,
    Abs,
    Exp,
    Expm1,
    Log,
    Log10,
    Log2,
    Log1p,
    Sqrt,
    Round,
    Floor,
    Ceiling,
    Sign,
    Min,
    Max,
    Sin,
    Cos,
    Tan,
    Tanh,
    Logit,
    InvLogit,
    Pnorm,
    Qnorm,
    Dnorm,
    IsMissing,
    Code,
}

/// A function that a design can call: name, number of arguments, meaning.
pub struct Entry {
    /// The name in expressions.
    pub name: &'static str,
    /// The function.
    pub fun: Fun,
    /// How many arguments it takes.
    pub arity: usize,
    /// What it computes, in a line.
    pub doc: &'static str,
}

const fn entry(name: &'static str, fun: Fun, arity: usize, doc: &'static str) -> Entry {
    Entry { name, fun, arity, doc }
}

/// Every function, alphabetical.
pub const FUNCTIONS: &[Entry] = &[
    entry("abs", Fun::Abs, 1, "absolute value"),
    entry("ceiling", Fun::Ceiling, 1, "smallest whole number not below x"),
    entry("cos", Fun::Cos, 1, "cosine, x in radians"),
    entry("dnorm", Fun::Dnorm, 1, "density of the standard normal distribution"),
    entry("exp", Fun::Exp, 1, "e to the power x"),
    entry("expm1", Fun::Expm1, 1, "exp(x) - 1, exact for small x"),
    entry("floor", Fun::Floor, 1, "largest whole number not above x"),
    entry("if", Fun::If, 3, "if(condition, a, b): a where the condition holds, else b"),
    entry("inv_logit", Fun::InvLogit, 1, "1 / (1 + exp(-x)), a probability"),
    entry("is_missing", Fun::IsMissing, 1, "1 where x is missing (NA), else 0"),
    entry("log", Fun::Log, 1, "natural logarithm"),
    entry("log10", Fun::Log10, 1, "logarithm to base 10"),
    entry("log1p", Fun::Log1p, 1, "log(1 + x), exact for small x"),
    entry("log2", Fun::Log2, 1, "logarithm to base 2"),
    entry("logit", Fun::Logit, 1, "log(p / (1 - p))"),
    entry("max", Fun::Max, 2, "max(a, b): the larger; max(x) of one argument is a reduction"),
    entry("min", Fun::Min, 2, "min(a, b): the smaller; min(x) of one argument is a reduction"),
    entry("pnorm", Fun::Pnorm, 1, "distribution function of the standard normal distribution"),
    entry("pow", Fun::Pow, 2, "pow(x, a): x to the power a, as x^a"),
    entry("qnorm", Fun::Qnorm, 1, "quantile function of the standard normal distribution"),
    entry("round", Fun::Round, 1, "nearest whole number, halves away from zero"),
    entry("sign", Fun::Sign, 1, "-1, 0 or 1"),
    entry("sin", Fun::Sin, 1, "sine, x in radians"),
    entry("sqrt", Fun::Sqrt, 1, "square root"),
    entry("tan", Fun::Tan, 1, "tangent, x in radians"),
    entry("tanh", Fun::Tanh, 1, "hyperbolic tangent"),
];

/// The truth value of a number: everything but zero is true.
#[inline(always)]
fn truth(x: f64) -> bool {
    x != 0.0
}

/// 1 for true, 0 for false.
#[inline(always)]
fn flag(x: bool) -> f64 {
    f64::from(u8::from(x))
}

impl Fun {
    /// Number of arguments.
    pub fn arity(self) -> usize {
        match self {
            Self::If | Self::Code => 3,
            Self::Add
            | Self::Sub
            | Self::Mul
            | Self::Div
            | Self::Rem
            | Self::Pow
            | Self::And
            | Self::Or
            | Self::Lt
            | Self::Le
            | Self::Gt
            | Self::Ge
            | Self::Eq
            | Self::Ne
            | Self::Min
            | Self::Max => 2,
            _ => 1,
        }
    }

    /// The value for one unit; arguments beyond the function's own are ignored. A missing value
    /// (NaN) among the arguments of a comparison or of a logical function gives a missing value.
    #[inline(always)]
    pub fn apply(self, a: f64, b: f64, c: f64) -> f64 {
        let either_missing = a.is_nan() || b.is_nan();
        let unless_missing = |x: bool| if either_missing { f64::NAN } else { flag(x) };
        match self {
            Self::Add => a + b,
            Self::Sub => a - b,
            Self::Mul => a * b,
            Self::Div => a / b,
            // As in R, the remainder has the sign of the divisor.
            Self::Rem => a - (a / b).floor() * b,
            Self::Pow => a.powf(b),
            Self::Neg => -a,
            Self::Not => {
                if a.is_nan() {
                    a
                } else {
                    flag(!truth(a))
                }
            }
            Self::And => unless_missing(truth(a) && truth(b)),
            Self::Or => unless_missing(truth(a) || truth(b)),
            Self::Lt => unless_missing(a < b),
            Self::Le => unless_missing(a <= b),
            Self::Gt => unless_missing(a > b),
            Self::Ge => unless_missing(a >= b),
            Self::Eq => unless_missing(a == b),
            Self::Ne => unless_missing(a != b),
            Self::If => {
                if a.is_nan() {
                    a
                } else if truth(a) {
                    b
                } else {
                    c
                }
            }
            // The code of category number a of b; c tells sets of categories apart.
            Self::Code => {
                if a >= 1.0 && a <= b && a.fract() == 0.0 {
                    a - 1.0
                } else {
                    f64::NAN
                }
            }
            Self::Min => {
                if a.is_nan() || a < b {
                    a
                } else {
                    b
                }
            }
            Self::Max => {
                if a.is_nan() || a > b {
                    a
                } else {
                    b
                }
            }
            _ => self.of_one(a),
        }
    }

    /// The functions of one number.
    #[inline(always)]
    fn of_one(self, a: f64) -> f64 {
        match self {
            Self::Abs => a.abs(),
            Self::Exp => a.exp(),
            Self::Expm1 => a.exp_m1(),
            Self::Log => a.ln(),
            Self::Log10 => a.log10(),
            Self::Log2 => a.log2(),
            Self::Log1p => a.ln_1p(),
            Self::Sqrt => a.sqrt(),
            Self::Round => a.round(),
            Self::Floor => a.floor(),
            Self::Ceiling => a.ceil(),
            Self::Sign => {
                if a > 0.0 {
                    1.0
                } else if a < 0.0 {
                    -1.0
                } else {
                    a
                }
            }
            Self::Sin => a.sin(),
            Self::Cos => a.cos(),
            Self::Tan => a.tan(),
            Self::Tanh => a.tanh(),
            Self::Logit => (a / (1.0 - a)).ln(),
            Self::InvLogit => 1.0 / (1.0 + (-a).exp()),
            Self::Pnorm => trialrun_stats::special::normal::cdf(a),
            Self::Qnorm => trialrun_stats::special::normal::quantile(a),
            Self::IsMissing => flag(a.is_nan()),
            Self::Dnorm => trialrun_stats::special::normal::pdf(a),
            _ => f64::NAN,
        }
    }
}
