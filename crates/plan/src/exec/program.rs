//! Expressions of one level, evaluated a block of units at a time.
//!
//! A block fits the processor's first cache; an instruction is chosen once a block, not once a
//! unit, and its loop is a plain pass over slices that the compiler vectorises.

use super::replay::Trace;
use super::workspace::grow;
use super::{Op, Operand, Stop, Values, Workspace};
use crate::functions::Fun;
use crate::ids::{ColumnId, LevelId};

/// Units in a block.
const BLOCK: usize = 256;

/// Where an instruction writes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// A block of intermediate values.
    Register(u16),
    /// A stored column.
    Column(ColumnId),
}

/// One function applied to a block.
#[derive(Clone, Debug)]
pub struct Instruction {
    /// The function.
    pub fun: Fun,
    /// Its arguments; those beyond its arity are not read.
    pub args: [Operand; 3],
    /// Where the values go.
    pub target: Target,
}

/// Instructions for all units of a level.
pub struct Program {
    /// The level.
    pub level: LevelId,
    /// The instructions, in order.
    pub code: Vec<Instruction>,
    /// Columns that the program writes.
    pub outputs: Vec<ColumnId>,
}

impl Op for Program {
    fn run(&self, ws: &mut Workspace) -> Result<(), Stop> {
        let n = ws.size(self.level);
        for output in &self.outputs {
            grow(&mut ws.columns[output.idx()], n);
        }
        let mut lo = 0;
        while lo < n {
            let hi = n.min(lo + BLOCK);
            for instruction in &self.code {
                instruction.run(ws, lo, hi);
            }
            lo = hi;
        }
        Ok(())
    }

    fn trace(&self, trace: &mut Trace<'_>) {
        // What each register was last computed from.
        let mut behind: Vec<Vec<ColumnId>> = Vec::new();
        for Instruction { args, target, fun } in &self.code {
            let mut reads = Vec::new();
            for arg in &args[..fun.arity()] {
                match arg {
                    Operand::Register(r) => reads.extend_from_slice(&behind[*r as usize]),
                    arg => reads.extend(arg.column()),
                }
            }
            match target {
                Target::Column(column) => trace.computes(&reads, *column),
                Target::Register(r) => {
                    behind.resize(behind.len().max(*r as usize + 1), Vec::new());
                    behind[*r as usize] = reads;
                }
            }
        }
    }
}

impl Instruction {
    /// Carries out the instruction for the units `lo..hi`.
    fn run(&self, ws: &mut Workspace, lo: usize, hi: usize) {
        match self.target {
            Target::Register(r) => {
                let mut out = std::mem::take(&mut ws.registers[r as usize]);
                grow(&mut out, BLOCK);
                self.fill(ws, lo, hi, &mut out[..hi - lo]);
                ws.registers[r as usize] = out;
            }
            Target::Column(column) => {
                let mut out = std::mem::take(&mut ws.columns[column.idx()]);
                self.fill(ws, lo, hi, &mut out[lo..hi]);
                ws.columns[column.idx()] = out;
            }
        }
    }

    fn fill(&self, ws: &Workspace, lo: usize, hi: usize, out: &mut [f64]) {
        let arg = |i: usize| ws.values(self.args[i], lo, hi);
        match self.fun.arity() {
            1 => unary(self.fun, arg(0), out),
            2 => binary(self.fun, arg(0), arg(1), out),
            _ if self.fun == Fun::If => select(arg(0), arg(1), arg(2), out),
            _ => {
                let (a, b, c) = (arg(0), arg(1), arg(2));
                let apply = |i: usize| self.fun.apply(a.get(i), b.get(i), c.get(i));
                out.iter_mut().enumerate().for_each(|(i, o)| *o = apply(i));
            }
        }
    }
}

/// Runs a loop with the function known inside it, so that the compiler can vectorise it.
macro_rules! each {
    ($fun:expr, $loop:ident, ($a:expr, $b:expr, $out:expr), $($variant:ident)*) => {
        match $fun {
            $(Fun::$variant => $loop($a, $b, $out, |a, b| Fun::$variant.apply(a, b, 0.0)),)*
            other => $loop($a, $b, $out, |a, b| other.apply(a, b, 0.0)),
        }
    };
}

fn unary(fun: Fun, a: Values<'_>, out: &mut [f64]) {
    let none = Values::Same(0.0);
    each!(fun, zip, (a, none, out), Neg Not Abs Exp Log Sqrt Round Floor InvLogit Logit Pnorm);
}

fn binary(fun: Fun, a: Values<'_>, b: Values<'_>, out: &mut [f64]) {
    each!(fun, zip, (a, b, out), Add Sub Mul Div Lt Le Gt Ge Eq Ne And Or Min Max Pow);
}

#[inline(always)]
fn zip(a: Values<'_>, b: Values<'_>, out: &mut [f64], f: impl Fn(f64, f64) -> f64) {
    match (a, b) {
        (Values::Same(a), Values::Same(b)) => out.fill(f(a, b)),
        (Values::Each(a), Values::Same(b)) => {
            out.iter_mut().zip(a).for_each(|(o, &a)| *o = f(a, b));
        }
        (Values::Same(a), Values::Each(b)) => {
            out.iter_mut().zip(b).for_each(|(o, &b)| *o = f(a, b));
        }
        (Values::Each(a), Values::Each(b)) => {
            out.iter_mut().zip(a.iter().zip(b)).for_each(|(o, (&a, &b))| *o = f(a, b));
        }
    }
}

fn select(cond: Values<'_>, a: Values<'_>, b: Values<'_>, out: &mut [f64]) {
    for (i, o) in out.iter_mut().enumerate() {
        *o = Fun::If.apply(cond.get(i), a.get(i), b.get(i));
    }
}
