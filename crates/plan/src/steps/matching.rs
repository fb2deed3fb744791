//! Puts similar units into sets, within which a treatment can be assigned: matched pairs, triples
//! for three conditions, blocks of four.
//!
//! Units are similar where their Mahalanobis distance on the covariates is small. With one
//! covariate, units are sorted by it and neighbours are a set. With more, sets are made from the
//! outside in: the unit farthest from the mean with those nearest to it, and so on; then units
//! trade places between sets while that lowers the sum of squared distances within them. Nothing
//! is drawn: the sets depend on the covariates alone. Where the units do not divide into sets, the
//! last set is smaller.
//!
//! # Fields
//! - `variable`: the name of the variable with the number of each unit's set, from 1.
//! - `on`: the covariates: variables, one or a list.
//! - `size`: units of a set; 2 if it is left out.
//! - `within`: a level, a variable, or a list of them: units of one set are alike in these.
//! - `level`: the level of the units; the current rows if it is left out.
//!
//! # Example
//! ```ron
//! Match(variable: pair, on: [age, income], within: region),
//! Assignment(variable: treatment, method: Complete(prob: 0.5), blocks: pair),
//! ```
//!
//! # References
//! Greevy, Lu, Silber and Rosenbaum (2004), Biostatistics 5:263. Imai, King and Nall (2009),
//! Statistical Science 24:29, on why to match in pairs.

use super::assignment::in_groups;
use super::{Declared, all_of};
use crate::compile::{Compiler, Context, Declares};
use crate::declared::{Fields, Name, Node, Reader};
use crate::exec::matching::Match as MatchOp;
use crate::ids::LevelId;

/// Sets of similar units, as declared.
#[derive(Clone, Debug)]
pub struct Match {
    variable: Name,
    on: Vec<Name>,
    size: usize,
    within: Vec<Name>,
    level: Option<Name>,
}

/// Units of a set where nothing is said.
const PAIR: usize = 2;

impl Declared for Match {
    fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let variable = f.required(r, "variable", Reader::identifier);
        let on = f.required(r, "on", read_covariates);
        let size = f.optional(r, "size", |r, node| r.count(node, 2));
        let within = f.optional(r, "within", |r, node| r.list(node, Reader::identifier));
        let level = f.optional(r, "level", Reader::identifier);
        let size = size.map_or(PAIR, |size| usize::try_from(size).unwrap_or(usize::MAX));
        let within = within.unwrap_or_default();
        Some(Self { variable: variable?, on: on?, size, within, level })
    }

    fn compile(&self, cx: &mut Compiler<'_>) {
        if cx.data.is_some() {
            return;
        }
        let level = cx.level_or_frame(self.level.as_ref());
        if level.and_then(|level| self.sets(cx, level)).is_none() {
            cx.define_unknown(&self.variable, level.unwrap_or(cx.frame));
        }
    }

    fn declares(&self) -> Vec<(Declares, Name)> {
        all_of(Declares::Variable, [self.variable.clone()])
    }

    fn describe(&self) -> String {
        let names = |list: &[Name]| {
            let names: Vec<String> = list.iter().map(|n| format!("`{}`", n.text)).collect();
            names.join(", ")
        };
        let within = match self.within.as_slice() {
            [] => String::new(),
            list => format!(", within {}", names(list)),
        };
        let (variable, on) = (&self.variable.text, names(&self.on));
        match self.size {
            PAIR => format!("pairs `{variable}` of units with similar {on}{within}"),
            n => format!("sets `{variable}` of {n} units with similar {on}{within}"),
        }
    }
}

/// One covariate or more.
fn read_covariates(r: &mut Reader, node: Node<'_>) -> Option<Vec<Name>> {
    let on = r.list(node, Reader::identifier)?;
    match on.is_empty() {
        true => r.expected(node, "a covariate or more", "write `on: [age, income]`"),
        false => Some(on),
    }
}

impl Match {
    fn sets(&self, cx: &mut Compiler<'_>, level: LevelId) -> Option<()> {
        let context = Context::at(level).for_a_name();
        let nodes: Vec<_> = self.on.iter().map(|n| cx.resolve(&n.text, n.span, &context)).collect();
        let units = in_groups(cx, level, &self.within);
        let nodes: Option<Vec<_>> = nodes.into_iter().collect();
        let covariates = nodes?.into_iter().map(|node| cx.column_at(node, level)).collect();
        let (units, out) = (units?, cx.new_column(level));
        let names = self.on.iter().map(|n| n.text.clone()).collect();
        let span = self.on.iter().map(|n| n.span).reduce(trialrun_lang::Span::join);
        let span = span.unwrap_or(self.variable.span);
        cx.push(MatchOp { units, covariates, names, size: self.size, out, span });
        cx.define_column(&self.variable, out, level);
        Some(())
    }
}
