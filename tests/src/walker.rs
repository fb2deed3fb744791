//! A plain walk of an expression's tree, row by row on flat tables: the slow twin of the compiled
//! language.

use std::collections::HashMap;

use trialrun_lang::{BinaryOp, Expr, ExprKind, UnaryOp};
use trialrun_plan::{LevelId, Plan, Values, Workspace};
use trialrun_stats::special::normal;

/// The units of a level: for each, the values of everything that can be seen from it.
struct Units {
    name: String,
    n: usize,
    columns: HashMap<String, Vec<f64>>,
}

/// A drawn population as flat tables, one for each level, the design as a whole first.
pub struct Population {
    levels: Vec<Units>,
    /// The place of the level at which each name is declared.
    declared: HashMap<String, usize>,
    labels: HashMap<String, Vec<String>>,
    parameters: HashMap<String, f64>,
}

/// Where an expression is evaluated.
#[derive(Clone, Copy)]
pub struct Context<'e> {
    /// The place of the level on whose units the expression has values.
    pub level: usize,
    /// The place of the level and the unit that names are looked up at.
    pub at: (usize, usize),
    /// Units that count in reductions.
    pub mask: Option<&'e Expr>,
}

/// A value, and how large the numbers are that it was added up from: rounding errors are small
/// relative to these.
#[derive(Clone, Copy, Debug)]
pub struct Walked {
    /// The value.
    pub value: f64,
    /// The size of what it was made of.
    pub size: f64,
}

impl From<f64> for Walked {
    fn from(value: f64) -> Self {
        Self { value, size: value.abs() }
    }
}

impl Population {
    /// Reads the levels from the first to `deepest` out of a workspace.
    pub fn new(plan: &Plan, ws: &Workspace, deepest: LevelId) -> Self {
        let mut chain = vec![deepest];
        while let Some(&last) = chain.last()
            && last != LevelId::WHOLE
        {
            chain.push(plan.levels[last.idx()].parent);
        }
        chain.reverse();
        let whole = Units { name: "design".into(), n: 1, columns: HashMap::new() };
        let (mut levels, mut labels) = (vec![whole], HashMap::new());
        for &level in &chain[1..] {
            let table = plan.data_set(ws, level, usize::MAX);
            let mut columns = HashMap::new();
            for column in &table.columns {
                let numbers = match &column.values {
                    Values::Number(v) => v.clone(),
                    Values::Integer(v) => v.iter().map(|v| v.unwrap() as f64).collect(),
                    Values::Category { codes, labels: own } => {
                        labels.insert(column.name.clone(), own.clone());
                        codes.iter().map(|c| c.map_or(f64::NAN, f64::from)).collect()
                    }
                };
                columns.insert(column.name.clone(), numbers);
            }
            let name = plan.levels[level.idx()].name.clone();
            levels.push(Units { name, n: table.n_rows(), columns });
        }
        let mut declared: HashMap<String, usize> = HashMap::new();
        for variable in &plan.variables {
            if let Some(place) = chain.iter().position(|l| *l == variable.level) {
                declared.insert(variable.name.clone(), place);
            }
        }
        for (place, units) in levels.iter().enumerate().skip(1) {
            declared.insert(units.name.clone(), place);
        }
        Self { levels, declared, labels, parameters: plan.parameters.iter().cloned().collect() }
    }

    /// Number of units of a level.
    pub fn n_units(&self, place: usize) -> usize {
        self.levels[place].n
    }

    /// The values of a variable on the units of a level.
    pub fn column(&self, place: usize, name: &str) -> &[f64] {
        &self.levels[place].columns[name]
    }

    /// The value of an expression at one unit of a level.
    pub fn walk(&self, expr: &Expr, level: usize, unit: usize) -> Walked {
        self.eval(expr, Context { level, at: (level, unit), mask: None })
    }

    /// The value of an expression.
    pub fn eval(&self, expr: &Expr, cx: Context<'_>) -> Walked {
        match &expr.kind {
            ExprKind::Number(value) => Walked::from(*value),
            ExprKind::Bool(value) => Walked::from(f64::from(u8::from(*value))),
            ExprKind::Text(text) => panic!("'{text}' stands alone"),
            ExprKind::Name(name) => Walked::from(self.look_up(name, cx)),
            ExprKind::Unary(UnaryOp::Neg, a) => {
                let a = self.eval(a, cx);
                Walked { value: -a.value, size: a.size }
            }
            ExprKind::Unary(UnaryOp::Not, a) => {
                let a = self.eval(a, cx).value;
                Walked::from(if a.is_nan() { f64::NAN } else { f64::from(u8::from(a == 0.0)) })
            }
            ExprKind::Binary(op, a, b) => self.binary(*op, a, b, cx),
            ExprKind::Call { name, args, .. } => {
                let plain = args.iter().filter(|a| a.name.is_none()).count();
                let extreme = matches!(name.as_str(), "min" | "max");
                if REDUCTIONS.contains(&name.as_str()) && !(extreme && plain > 1) {
                    return self.reduce(name, expr, cx);
                }
                let args: Vec<Walked> = args.iter().map(|a| self.eval(&a.value, cx)).collect();
                call(name, &args)
            }
        }
    }

    fn look_up(&self, name: &str, cx: Context<'_>) -> f64 {
        if name == "N" {
            return self.levels[cx.level].n as f64;
        }
        if let Some(value) = self.parameters.get(name) {
            return *value;
        }
        let (level, unit) = cx.at;
        self.levels[level].columns[name][unit]
    }

    fn binary(&self, op: BinaryOp, a: &Expr, b: &Expr, cx: Context<'_>) -> Walked {
        let square = matches!(b.kind, ExprKind::Number(n) if n == 2.0);
        let (x, y) = match (&a.kind, &b.kind) {
            (_, ExprKind::Text(text)) => (self.eval(a, cx), self.code(a, text)),
            (ExprKind::Text(text), _) => (self.code(b, text), self.eval(b, cx)),
            _ => (self.eval(a, cx), self.eval(b, cx)),
        };
        let (v, w) = (x.value, y.value);
        let flag = |holds: bool| {
            let missing = v.is_nan() || w.is_nan();
            Walked::from(if missing { f64::NAN } else { f64::from(u8::from(holds)) })
        };
        match op {
            BinaryOp::Add => Walked { value: v + w, size: x.size + y.size },
            BinaryOp::Sub => Walked { value: v - w, size: x.size + y.size },
            BinaryOp::Mul => Walked { value: v * w, size: x.size * y.size },
            BinaryOp::Div => Walked::from(v / w),
            BinaryOp::Rem => Walked::from(v - (v / w).floor() * w),
            // A square is a product: one rounding.
            BinaryOp::Pow if square => Walked::from(v * v),
            BinaryOp::Pow => Walked::from(v.powf(w)),
            BinaryOp::Lt => flag(v < w),
            BinaryOp::Le => flag(v <= w),
            BinaryOp::Gt => flag(v > w),
            BinaryOp::Ge => flag(v >= w),
            BinaryOp::Eq => flag(v == w),
            BinaryOp::Ne => flag(v != w),
            BinaryOp::And => flag(v != 0.0 && w != 0.0),
            BinaryOp::Or => flag(v != 0.0 || w != 0.0),
        }
    }

    /// The code of a category of the variable that it is compared with.
    fn code(&self, variable: &Expr, text: &str) -> Walked {
        let ExprKind::Name(name) = &variable.kind else { panic!("{variable} has no categories") };
        let found = self.labels[name].iter().position(|l| l == text);
        Walked::from(found.expect("a category") as f64)
    }

    fn reduce(&self, name: &str, expr: &Expr, cx: Context<'_>) -> Walked {
        let ExprKind::Call { args, .. } = &expr.kind else { unreachable!() };
        let own: Vec<&Expr> = args.iter().filter(|a| a.name.is_none()).map(|a| &a.value).collect();
        let by = by(args).map(|by| (by, self.declared[by]));
        let mut rows = own.first().map_or(0, |arg| self.depth(arg)).max(cx.level);
        rows = rows.max(by.map_or(0, |(_, place)| place));
        rows = rows.max(cx.mask.map_or(0, |mask| self.depth(mask)));
        let here = |(by, _): (&str, usize)| self.levels[cx.at.0].columns[by][cx.at.1];
        let mine = by.map(here);
        let mut kept: Vec<Walked> = Vec::new();
        for unit in 0..self.levels[rows].n {
            let at = Context { at: (rows, unit), ..cx };
            let belongs =
                by.is_none_or(|(by, _)| mine == Some(self.levels[rows].columns[by][unit]));
            let counts = |mask: &Expr| {
                let holds = self.eval(mask, Context { mask: None, ..at }).value;
                holds != 0.0 && !holds.is_nan()
            };
            if belongs && cx.mask.is_none_or(counts) {
                kept.push(own.first().map_or(Walked::from(1.0), |arg| self.eval(arg, at)));
            }
        }
        let p = own.get(1).map_or(f64::NAN, |p| self.eval(p, cx).value);
        reduction(name, &kept, p)
    }

    /// The place of the deepest level among those at which the names of an expression are
    /// declared.
    fn depth(&self, expr: &Expr) -> usize {
        match &expr.kind {
            ExprKind::Name(name) => self.declared.get(name).copied().unwrap_or(0),
            ExprKind::Unary(_, a) => self.depth(a),
            ExprKind::Binary(_, a, b) => self.depth(a).max(self.depth(b)),
            ExprKind::Call { name, args, .. } => {
                let plain = args.iter().filter(|a| a.name.is_none()).count();
                let extreme = matches!(name.as_str(), "min" | "max");
                if REDUCTIONS.contains(&name.as_str()) && !(extreme && plain > 1) {
                    return by(args).map_or(0, |by| self.declared[by]);
                }
                args.iter().map(|a| self.depth(&a.value)).max().unwrap_or(0)
            }
            _ => 0,
        }
    }
}

/// The names of the reductions.
const REDUCTIONS: &[&str] =
    &["all", "any", "count", "max", "mean", "median", "min", "quantile", "sd", "sum", "var"];

/// The level of `by = level`.
fn by(args: &[trialrun_lang::Arg]) -> Option<&str> {
    let named = args.iter().find(|a| a.name.is_some())?;
    match &named.value.kind {
        ExprKind::Name(name) => Some(name),
        other => panic!("by = {other:?}"),
    }
}

/// A function of the values of one unit.
fn call(name: &str, args: &[Walked]) -> Walked {
    let a = args[0].value;
    let value = match name {
        "abs" => return Walked { value: a.abs(), size: args[0].size },
        "if" if a.is_nan() => a,
        "if" => return if a == 0.0 { args[2] } else { args[1] },
        "min" | "max" => {
            let better = |x: f64, y: f64| if name == "min" { x < y } else { x > y };
            let pick = |x: Walked, y: &Walked| {
                let first = x.value.is_nan() || better(x.value, y.value);
                Walked { value: if first { x.value } else { y.value }, size: x.size.max(y.size) }
            };
            return args[1..].iter().fold(args[0], pick);
        }
        "pow" if args[1].value == 2.0 => a * a,
        "pow" => a.powf(args[1].value),
        "ceiling" => a.ceil(),
        "cos" => a.cos(),
        "dnorm" => normal::pdf(a),
        "exp" => a.exp(),
        "expm1" => a.exp_m1(),
        "floor" => a.floor(),
        "inv_logit" => 1.0 / (1.0 + (-a).exp()),
        "log" => a.ln(),
        "log10" => a.log10(),
        "log1p" => a.ln_1p(),
        "log2" => a.log2(),
        "logit" => (a / (1.0 - a)).ln(),
        "pnorm" => normal::cdf(a),
        "qnorm" => normal::quantile(a),
        "round" => a.round(),
        "sign" if a == 0.0 || a.is_nan() => a,
        "sign" => a.signum(),
        "sin" => a.sin(),
        "sqrt" => a.sqrt(),
        "tan" => a.tan(),
        "tanh" => a.tanh(),
        other => panic!("the walker does not know {other}"),
    };
    Walked::from(value)
}

/// One number from many.
fn reduction(name: &str, all: &[Walked], p: f64) -> Walked {
    let n = all.len() as f64;
    let sum: f64 = all.iter().map(|w| w.value).sum();
    let size: f64 = all.iter().map(|w| w.size).sum();
    let mut sorted: Vec<f64> = all.iter().map(|w| w.value).collect();
    sorted.sort_by(f64::total_cmp);
    let missing = sorted.iter().any(|v| v.is_nan()) || all.is_empty();
    let order = |p: f64| {
        let place = (all.len() - 1) as f64 * p;
        let (low, high) = (place.floor() as usize, place.ceil() as usize);
        sorted[low] + (place - place.floor()) * (sorted[high] - sorted[low])
    };
    let holds = |w: &&Walked| w.value != 0.0 && !w.value.is_nan();
    match name {
        "sum" => Walked { value: sum + 0.0, size },
        "mean" => Walked { value: (sum + 0.0) / n, size: size / n },
        "var" | "sd" => {
            let mean = sum / n;
            let squares: f64 = all.iter().map(|w| (w.value - mean) * (w.value - mean)).sum();
            let value = if n < 2.0 { f64::NAN } else { squares / (n - 1.0) };
            let size = (size / n).powi(2) * n;
            match name {
                "var" => Walked { value, size: size + value },
                _ => Walked { value: value.sqrt(), size: size.sqrt() + value.sqrt() },
            }
        }
        "count" => Walked::from(all.iter().filter(holds).count() as f64),
        "any" => Walked::from(f64::from(u8::from(all.iter().any(|w| holds(&w))))),
        "all" => Walked::from(f64::from(u8::from(all.iter().all(|w| holds(&w))))),
        _ if missing => Walked::from(f64::NAN),
        "min" => *all.iter().reduce(|a, b| if b.value < a.value { b } else { a }).unwrap(),
        "max" => *all.iter().reduce(|a, b| if b.value > a.value { b } else { a }).unwrap(),
        "median" => Walked::from(order(0.5)),
        "quantile" => Walked::from(order(p)),
        other => panic!("the walker does not know the reduction {other}"),
    }
}
