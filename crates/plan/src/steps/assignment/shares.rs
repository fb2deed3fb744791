//! How many units get each condition, as declared: `prob`, `prob_each`, `prob_unit`, `m`, `m_each`.

use trialrun_lang::{Diagnostic, Span};

use super::units::Seats;
use crate::compile::ir::NodeKind;
use crate::compile::{Compiler, Context, Value};
use crate::declared::{Fields, Node, Reader, Scalar};
use crate::exec::Operand;
use crate::exec::assign::blocks::BlockSizes;
use crate::exec::assign::shares::{Number, SUM_TOLERANCE, Says, Shares};
use crate::exec::words::{plural, shown};

/// How many units get each condition, as declared.
#[derive(Clone, Debug)]
pub enum Given {
    /// Nothing: equal probabilities.
    Nothing,
    /// A field with its numbers.
    Field {
        /// What the numbers say.
        says: Says,
        /// The numbers, or expressions.
        numbers: Vec<Scalar>,
        /// Whether each unit has its own.
        by_unit: bool,
        /// Where they stand.
        span: Span,
    },
}

/// The name of the number of units in a block, in expressions.
const BLOCK_SIZE: &str = "n_block";

fn list(r: &mut Reader, node: Node<'_>) -> Option<(Vec<Scalar>, Span)> {
    Some((r.list(node, Reader::scalar)?, node.span))
}

fn one(r: &mut Reader, node: Node<'_>) -> Option<(Vec<Scalar>, Span)> {
    Some((vec![r.scalar(node)?], node.span))
}

impl Given {
    /// The fields of `Simple`.
    pub fn of_simple(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let mut given = Vec::new();
        given.extend(f.optional(r, "prob", one).map(|g| (Says::Prob, false, g)));
        given.extend(f.optional(r, "prob_each", list).map(|g| (Says::ProbEach, false, g)));
        given.extend(f.optional(r, "prob_unit", |r, node| {
            let says = if node.text.starts_with('[') { Says::ProbEach } else { Says::Prob };
            list(r, node).map(|g| (says, true, g))
        }));
        let counts = [f.take(r, "m"), f.take(r, "m_each")];
        for node in counts.iter().flatten() {
            let message = "`Simple` can not fix how many units get a condition";
            let error = Diagnostic::error(node.span, message);
            let error = error.label("each unit draws its condition on its own");
            r.error(error.hint("use `Complete`, or `prob` and `prob_each`"));
        }
        Self::the_one(r, f, "`Simple` takes one of `prob`, `prob_each` and `prob_unit`", given)
    }

    /// The fields of `Complete`.
    pub fn of_complete(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let mut given = Vec::new();
        given.extend(f.optional(r, "prob", one).map(|g| (Says::Prob, false, g)));
        given.extend(f.optional(r, "prob_each", list).map(|g| (Says::ProbEach, false, g)));
        given.extend(f.optional(r, "m", one).map(|g| (Says::M, false, g)));
        given.extend(f.optional(r, "m_each", list).map(|g| (Says::MEach, false, g)));
        if let Some(node) = f.take(r, "prob_unit") {
            let message = "`Complete` has no probability for each unit";
            let error = Diagnostic::error(node.span, message);
            let error = error.label("units of a block share their probability");
            r.error(error.hint("use `Simple`, or `prob` with one value for each block"));
        }
        let message = "`Complete` takes one of `prob`, `prob_each`, `m` and `m_each`";
        Self::the_one(r, f, message, given)
    }

    /// The fields of a method that gives each arm its share.
    pub fn of_each(r: &mut Reader, f: &mut Fields<'_>, message: &str) -> Option<Self> {
        let mut given = Vec::new();
        given.extend(f.optional(r, "prob_each", list).map(|g| (Says::ProbEach, false, g)));
        given.extend(f.optional(r, "m_each", list).map(|g| (Says::MEach, false, g)));
        Self::the_one(r, f, message, given)
    }

    /// The one field that is given; an error if there are more.
    fn the_one(
        r: &mut Reader,
        f: &Fields<'_>,
        message: &str,
        mut given: Vec<(Says, bool, (Vec<Scalar>, Span))>,
    ) -> Option<Self> {
        if let [(_, _, (_, first)), .., (_, _, (_, last))] = given.as_slice() {
            let span = if last.is_empty() { f.span } else { *last };
            let error = Diagnostic::error(span, message).label("more than one is given");
            r.error(error.related(*first, "given here"));
            return None;
        }
        Some(match given.pop() {
            None => Self::Nothing,
            Some((says, by_unit, (numbers, span))) => Self::Field { says, numbers, by_unit, span },
        })
    }

    /// Whether they are numbers of units.
    pub fn is_count(&self) -> bool {
        matches!(self, Self::Field { says: Says::M | Says::MEach, .. })
    }

    /// In words, after "assignment of `z`".
    pub fn describe(&self) -> String {
        let Self::Field { says, numbers, by_unit, .. } = self else {
            return "with equal probabilities".to_string();
        };
        let list: Vec<String> = numbers.iter().map(Scalar::to_string).collect();
        let list = list.join(", ");
        let each = if *by_unit { " of each unit's own" } else { "" };
        match says {
            Says::Prob => format!("with probability {list}{each}"),
            Says::ProbEach => format!("with probabilities {list}{each}"),
            Says::M => format!("with {list} units treated"),
            Says::MEach => format!("with {list} units each"),
        }
    }

    /// The shares of `n` conditions, checked as far as they are known.
    pub fn compile(
        &self,
        cx: &mut Compiler<'_>,
        n: usize,
        seats: &Seats,
        method: Span,
    ) -> Option<Shares> {
        let in_blocks = seats.in_blocks();
        let Self::Field { says, numbers, by_unit, span } = self else {
            let number = Number { value: Operand::Const(1.0 / n as f64), span: method };
            let (says, numbers) = (Says::ProbEach, vec![number; n]);
            return Some(Shares { says, numbers, by_unit: false, in_blocks, span: method });
        };
        let (says, by_unit, span) = (*says, *by_unit, *span);
        let shares = Shares { says, numbers: Vec::new(), by_unit, in_blocks, span };
        let context = self.context(cx, numbers, seats);
        let mut found = Vec::new();
        for number in numbers {
            found.push(compile_number(cx, number, &shares, seats, &context)?);
        }
        let shares = Shares { numbers: found, ..shares };
        check_number_of(cx, &shares, n)?;
        check_sum(cx, &shares, seats)?;
        Some(shares)
    }

    /// Where the numbers stand: `n_block` is known if one of them names it.
    fn context(&self, cx: &mut Compiler<'_>, numbers: &[Scalar], seats: &Seats) -> Context {
        let level = seats.units.level();
        let mut context = Context::at(level)
            .without_draws("declare the draw as a variable before this step, and name it here");
        let names_it = |s: &Scalar| matches!(s, Scalar::Text(t) if t.text.contains(BLOCK_SIZE));
        if let Some(number) = numbers.iter().find(|number| names_it(number)) {
            let span = number.span();
            let id = match seats.fixed {
                Some(fixed) => cx.graph.constant(fixed as f64, span),
                None => {
                    let out = cx.new_column(level);
                    cx.push(BlockSizes { units: seats.units.clone(), out, span });
                    cx.graph.add(NodeKind::Column(out), level, span)
                }
            };
            context.given.push((BLOCK_SIZE.to_string(), Value { id, labels: None }));
        }
        context
    }
}

/// One number: a constant is checked here, an expression in each simulation.
fn compile_number(
    cx: &mut Compiler<'_>,
    number: &Scalar,
    shares: &Shares,
    seats: &Seats,
    context: &Context,
) -> Option<Number> {
    let span = number.span();
    let node = cx.scalar(number, context)?;
    let Some(value) = cx.graph.value(node.id) else {
        return Some(Number { value: cx.operand(node.id, seats.units.level()), span });
    };
    let (wrong, label) = if shares.are_probabilities() {
        ("a probability", "expected a number between 0 and 1")
    } else {
        ("a number of units", "expected a whole number of 0 or more")
    };
    let fits = match shares.are_probabilities() {
        true => (0.0..=1.0).contains(&value),
        false => value >= 0.0 && value.fract() == 0.0,
    };
    if !fits {
        let message = format!("{} is not {wrong}", shown(value));
        cx.report(Diagnostic::error(span, message).label(label));
        return None;
    }
    if let Some(units) = seats.fixed.filter(|u| shares.says == Says::M && value > *u as f64) {
        let units = plural(units as f64, "unit");
        let there = if shares.in_blocks { "a block has only" } else { "there are only" };
        let message = format!("`m` is {}, but {there} {units} to assign", shown(value));
        cx.report(Diagnostic::error(span, message).label("more than there are"));
        return None;
    }
    Some(Number { value: Operand::Const(value), span })
}

/// One number for two conditions, or one for each.
fn check_number_of(cx: &mut Compiler<'_>, shares: &Shares, n: usize) -> Option<()> {
    let (field, found) = (shares.field(), shares.numbers.len());
    let error = if matches!(shares.says, Says::Prob | Says::M) {
        if n == 2 {
            return Some(());
        }
        let message = format!("`{field}` is for two conditions; there are {n}");
        let hint = match shares.by_unit {
            true => "give it a list with one entry for each condition".to_string(),
            false => format!("use `{field}_each` with one entry for each condition"),
        };
        Diagnostic::error(shares.span, message).label("two conditions only").hint(hint)
    } else {
        if found == n {
            return Some(());
        }
        let message = format!("{} for {n} conditions", plural(found as f64, "number"));
        Diagnostic::error(shares.span, message).label(expected(shares))
    };
    cx.report(error);
    None
}

fn expected(shares: &Shares) -> &'static str {
    match shares.are_probabilities() {
        true => "expected one probability for each condition; together they are 1",
        false => "expected one number for each condition; together they are all units",
    }
}

/// Constants sum to one, or to all units where their number is known.
fn check_sum(cx: &mut Compiler<'_>, shares: &Shares, seats: &Seats) -> Option<()> {
    let constant = |n: &Number| match n.value {
        Operand::Const(value) => Some(value),
        _ => None,
    };
    let Some(values) = shares.numbers.iter().map(constant).collect::<Option<Vec<f64>>>() else {
        return Some(());
    };
    let sum: f64 = values.iter().sum();
    let complaint = match (shares.says, seats.fixed) {
        (Says::ProbEach, _) if (sum - 1.0).abs() > SUM_TOLERANCE => {
            format!("these probabilities sum to {}, not to 1", shown(sum))
        }
        (Says::MEach, Some(units)) if sum != units as f64 => {
            let units = plural(units as f64, "unit");
            let there = if shares.in_blocks { "a block has" } else { "there are" };
            format!("these numbers sum to {}, but {there} {units} to assign", shown(sum))
        }
        _ => return Some(()),
    };
    cx.report(Diagnostic::error(shares.span, complaint).label(expected(shares)));
    None
}
