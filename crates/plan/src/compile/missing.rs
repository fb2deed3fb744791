//! Which values can be missing: known when the design is compiled, so that models without missing
//! values never look for them, and a number that is undefined by mistake is not taken for one.

use super::Compiler;
use super::ir::{By, NodeId, NodeKind, Reduction};
use crate::functions::Fun;

/// Whether values of a column can be missing, and how they come to be. A missing value is NaN.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Missing {
    /// Every value is there. A NaN among them is a mistake, such as the logarithm of -1.
    #[default]
    Never,
    /// A reduction of nothing is undefined: the mean of an empty class.
    OfNothing,
    /// Missing as the design says: `NA`, an outcome without response, an empty cell of a file.
    Declared,
}

impl Compiler<'_> {
    /// Whether values of a node can be missing.
    pub fn missing(&self, node: NodeId) -> Missing {
        let mut found = Missing::Never;
        let mut seen = std::collections::HashSet::new();
        let mut rest = vec![node];
        while let Some(node) = rest.pop() {
            if !seen.insert(node) {
                continue;
            }
            if let Some(column) = self.stored.get(&node) {
                found = found.max(self.columns[column.idx()].missing);
                continue;
            }
            match &self.graph.node(node).kind {
                NodeKind::Const(_) if self.graph.is_na(node) => {
                    found = Missing::Declared;
                }
                NodeKind::Column(column) => {
                    found = found.max(self.columns[column.idx()].missing);
                }
                NodeKind::Map(Fun::IsMissing, _) => {}
                NodeKind::Map(fun, args) => rest.extend(args.iter().take(fun.arity())),
                NodeKind::Reduce { reduction, arg, rows, by, mask } => {
                    if self.can_be_undefined(*reduction, *rows, *by, mask.is_some()) {
                        found = found.max(Missing::OfNothing);
                    }
                    let removes = mask.is_some_and(|mask| self.removes_missing(mask, *arg));
                    if !removes && !matches!(reduction, Reduction::Count) {
                        rest.push(*arg);
                    }
                }
                // A draw with a missing parameter stops the simulation.
                NodeKind::Const(_)
                | NodeKind::Draw { .. }
                | NodeKind::FromNormal { .. }
                | NodeKind::Size(_)
                | NodeKind::Index(_) => {}
            }
        }
        found
    }

    /// Whether a reduction can run over too few units to have a value.
    fn can_be_undefined(
        &self,
        reduction: Reduction,
        rows: crate::ids::LevelId,
        by: By,
        masked: bool,
    ) -> bool {
        let needed = match reduction {
            Reduction::Sum | Reduction::Count | Reduction::Any | Reduction::All => return false,
            Reduction::Sd | Reduction::Var => 2,
            _ => 1,
        };
        let fewest = match by {
            _ if masked => 0,
            By::Whole => return false,
            By::Groups(..) => 1,
            By::Level(level) if !self.is_above(level, rows) => 0,
            By::Level(level) => {
                let runs = self.runs_known.get(&(level, rows));
                runs.and_then(|runs| self.runs[runs.idx()])
                    .or(self.fixed_below(level, rows))
                    .unwrap_or(0)
            }
        };
        fewest < needed
    }

    /// The number of units of a lower level in each unit of an upper one, where it is fixed.
    fn fixed_below(&self, upper: crate::ids::LevelId, lower: crate::ids::LevelId) -> Option<usize> {
        let (mut at, mut n) = (lower, 1usize);
        while at != upper {
            let info = &self.levels[at.idx()];
            match info.size {
                crate::plan::Size::Fixed(size) => n = n.checked_mul(size)?,
                crate::plan::Size::Varies => return None,
            }
            at = info.parent;
        }
        Some(n)
    }

    /// Whether a mask leaves out the units where `arg` is missing.
    fn removes_missing(&self, mask: NodeId, arg: NodeId) -> bool {
        match &self.graph.node(mask).kind {
            NodeKind::Map(Fun::And, both) => both.iter().any(|m| self.removes_missing(*m, arg)),
            NodeKind::Map(Fun::Not, of) => match &self.graph.node(of[0]).kind {
                NodeKind::Map(Fun::IsMissing, of) => of[0] == arg,
                _ => false,
            },
            _ => false,
        }
    }
}
