//! The methods of assignment, as declared.

use trialrun_lang::{Diagnostic, Span};

use super::custom::Custom;
use super::latin_square::LatinSquare;
use super::shares::Given;
use super::stepped_wedge::SteppedWedge;
use super::units::Seats;
use crate::compile::{Compiler, Condition};
use crate::declared::{Node, Reader};
use crate::exec::assign::Method as Draw;
use crate::exec::assign::wedge::Wedge;
use crate::ids::LevelId;

/// How units are assigned, as declared.
#[derive(Clone, Debug)]
pub struct Method {
    kind: Kind,
    /// Where it stands.
    pub span: Span,
}

#[derive(Clone, Debug)]
enum Kind {
    Simple(Given),
    Complete(Given, bool),
    Custom(Custom),
    SteppedWedge(SteppedWedge),
    LatinSquare(LatinSquare),
}

/// A method, compiled.
pub struct Made {
    /// The units.
    pub seats: Seats,
    /// How arms are drawn.
    pub draw: Draw,
    /// Number of arms of the lottery.
    pub n_arms: usize,
    /// The times of a stepped wedge.
    pub wedge: Option<Wedge>,
    /// The level at which the variable has values.
    pub level: LevelId,
}

/// The methods' names.
const NAMES: &[(&str, usize)] =
    &[("Complete", 0), ("Simple", 1), ("Custom", 2), ("SteppedWedge", 3), ("LatinSquare", 4)];

impl Method {
    /// Reads a method.
    pub fn read(r: &mut Reader, node: Node<'_>) -> Option<Self> {
        if node.string().is_some() {
            return r.expected(node, "`Complete(...)` or `Simple(...)`", "leave the quotes out");
        }
        let choice = r.choice(node, NAMES)?;
        let name = NAMES[choice].0;
        let mut f = r.fields(node, name)?;
        let n_errors = r.errors.len();
        let kind = match choice {
            0 => {
                let given = Given::of_complete(r, &mut f);
                let balance = f.optional(r, "balance", Reader::flag).unwrap_or(false);
                given.map(|given| Kind::Complete(given, balance))
            }
            1 => Given::of_simple(r, &mut f).map(Kind::Simple),
            2 => Custom::read(r, &mut f).map(Kind::Custom),
            3 => SteppedWedge::read(r, &mut f).map(Kind::SteppedWedge),
            _ => LatinSquare::read(r, &mut f).map(Kind::LatinSquare),
        };
        let span = f.span;
        f.finish(r);
        if r.errors.len() > n_errors { None } else { Some(Self { kind: kind?, span }) }
    }

    /// The method for these conditions and units; `rows` is the level of the rows.
    pub fn compile(
        &self,
        cx: &mut Compiler<'_>,
        conditions: &[Condition],
        seats: Seats,
        rows: Option<LevelId>,
    ) -> Option<Made> {
        let n = conditions.len();
        let draw = match &self.kind {
            Kind::Simple(given) => Draw::Simple(given.compile(cx, n, &seats, self.span)?),
            Kind::Complete(given, false) => {
                Draw::Complete(given.compile(cx, n, &seats, self.span)?)
            }
            Kind::Complete(given, true) => {
                let shares = given.compile(cx, n, &seats, self.span)?;
                self.check_balance(cx, given, &seats)?;
                Draw::Balanced(shares)
            }
            Kind::Custom(custom) => Draw::Custom(custom.compile(cx, conditions, &seats)?),
            Kind::LatinSquare(square) => Draw::Square(square.compile(cx, n, &seats, self.span)?),
            Kind::SteppedWedge(wedge) => {
                let (shares, wedge) = wedge.compile(cx, conditions, &seats, rows?, self.span)?;
                let (n_arms, level) = (wedge.starts.len(), wedge.level);
                let draw = Draw::Complete(shares);
                return Some(Made { seats, draw, n_arms, wedge: Some(wedge), level });
            }
        };
        let level = seats.units.level();
        Some(Made { seats, draw, n_arms: n, wedge: None, level })
    }

    /// Leftovers are of probabilities, and balanced across blocks.
    fn check_balance(&self, cx: &mut Compiler<'_>, given: &Given, seats: &Seats) -> Option<()> {
        let (message, hint) = if given.is_count() {
            ("fixed numbers leave nothing over to balance", "use `prob` or `prob_each`")
        } else if !seats.in_blocks() {
            ("`balance` is about what is left over in blocks", "add `blocks`, or leave it out")
        } else {
            return Some(());
        };
        let error = Diagnostic::error(self.span, message).label("nothing to balance");
        cx.report(error.hint(hint));
        None
    }

    /// The method in words.
    pub fn describe(&self, variable: &str) -> String {
        let how = match &self.kind {
            Kind::Simple(given) => format!("by simple random assignment {}", given.describe()),
            Kind::Complete(given, balance) => {
                let balanced = if *balance { ", leftovers balanced across blocks" } else { "" };
                format!("by complete random assignment {}{balanced}", given.describe())
            }
            Kind::Custom(custom) => format!("by a draw {}", custom.describe()),
            Kind::SteppedWedge(wedge) => format!("in a stepped wedge {}", wedge.describe()),
            Kind::LatinSquare(square) => format!("in a Latin square {}", square.describe()),
        };
        format!("`{variable}` is assigned {how}")
    }
}
