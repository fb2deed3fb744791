//! Linked levels: units that each belong to one unit of two levels, such as pupils to a primary and
//! a secondary school, with a rank correlation between the two.
//!
//! Each unit draws its places among the units of both levels, ranked by a variable, so that the two
//! places have the rank correlation that is declared (Spearman's; with few units, ties make that of
//! the units a little smaller). Every unit of a level is as likely as every other. Declare the
//! second level with `nest: false`.
//!
//! # Fields
//! - `name`: the level's name.
//! - `n`: the number of units, a number or an expression of parameters.
//! - `levels`: the two levels.
//! - `by`: for each of them the variable that its units are ranked by; their own order by default.
//! - `rank_correlation`: between -1 and 1; 0 if it is left out.
//! - `variables`: a map from names to expressions, computed in order.
//!
//! # Formula
//! Two normal numbers with correlation `2 sin(pi rho / 6)` have rank correlation `rho`. The place
//! among `k` units is `ceil(k Phi(z))`.
//!
//! # Example
//! ```ron
//! Level(name: primary, n: 20, variables: { good: "normal(0, 1)" }),
//! Level(name: secondary, n: 10, nest: false, variables: { better: "normal(0, 1)" }),
//! LinkLevels(name: pupil, n: 500, levels: [primary, secondary], by: [good, better],
//!     rank_correlation: 0.5, variables: { score: "good + better + normal(0, 1)" }),
//! ```
//!
//! # References
//! Pearson 1907, On further methods of determining correlation, for the relation of the two
//! correlations.

use std::f64::consts::PI;

use trialrun_lang::Diagnostic;

use super::cross_levels::{define_all, separate_levels};
use super::{Declared, level_with};
use crate::compile::{Compiler, Context, Declares, Link};
use crate::declared::{Fields, Name, Reader, Scalar};
use crate::exec::crossed::LinkLevels as LinkLevelsOp;
use crate::exec::random::stream_key;
use crate::exec::words::shown;
use crate::ids::LevelId;
use crate::plan::Size;

/// Linked levels, as declared.
#[derive(Clone, Debug)]
pub struct LinkLevels {
    name: Name,
    n: Scalar,
    levels: Vec<Name>,
    by: Vec<Name>,
    rank_correlation: Option<Scalar>,
    variables: Vec<(Name, Scalar)>,
}

impl Declared for LinkLevels {
    fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let name = f.required(r, "name", Reader::identifier);
        let n = f.required(r, "n", Reader::scalar);
        let levels = f.required(r, "levels", |r, node| {
            let levels = r.list(node, Reader::identifier)?;
            if levels.len() != 2 {
                let hint = "write `levels: [primary, secondary]`";
                return r.expected(node, "a list of two levels", hint);
            }
            Some(levels)
        });
        let by = f.optional(r, "by", |r, node| {
            let by = r.list(node, Reader::identifier)?;
            if by.len() != 2 {
                let hint = "write `by: [quality_of_the_first, quality_of_the_second]`";
                return r.expected(node, "a variable for each of the two levels", hint);
            }
            Some(by)
        });
        let rank_correlation = f.optional(r, "rank_correlation", Reader::scalar);
        let variables = f.optional(r, "variables", |r, node| r.entries(node, Reader::scalar));
        Some(Self {
            name: name?,
            n: n?,
            levels: levels?,
            by: by.unwrap_or_default(),
            rank_correlation,
            variables: variables.unwrap_or_default(),
        })
    }

    fn compile(&self, cx: &mut Compiler<'_>) {
        if cx.data.is_some() {
            return;
        }
        if self.link(cx).is_none() {
            cx.enter_unknown_levels(std::slice::from_ref(&self.name));
        }
        define_all(cx, &self.name, &self.variables);
    }

    fn declares(&self) -> Vec<(Declares, Name)> {
        level_with(&self.name, &self.variables)
    }

    fn describe(&self) -> String {
        let Self { name, n, levels, .. } = self;
        let rho = match &self.rank_correlation {
            Some(rho) => format!(" with rank correlation {rho}"),
            None => String::new(),
        };
        let (first, second) = (&levels[0].text, &levels[1].text);
        format!("{n} units of level `{}`, each of one `{first}` and one `{second}`{rho}", name.text)
    }
}

impl LinkLevels {
    fn link(&self, cx: &mut Compiler<'_>) -> Option<()> {
        let ids = separate_levels(cx, &self.levels)?;
        let rho = match &self.rank_correlation {
            Some(rho) => self.correlation(cx, rho)?,
            None => 0.0,
        };
        let n = cx.scalar(&self.n, &Context::at(LevelId::WHOLE))?;
        let n = cx.number(n, self.n.span())?;
        if let Some(value) = cx.graph.value(n).filter(|n| !(*n >= 1.0 && n.fract() == 0.0)) {
            let message = format!("a level can not have {} units", shown(value));
            let error = Diagnostic::error(self.n.span(), message);
            cx.report(error.label("expected a whole number of 1 or more"));
            return None;
        }
        let mut ranks = [None; 2];
        for (rank, (name, level)) in ranks.iter_mut().zip(self.by.iter().zip(&ids)) {
            let node = cx.resolve(&name.text, name.span, &Context::at(*level).for_a_name())?;
            *rank = Some(cx.column_at(node, *level));
        }
        let n = cx.operand(n, LevelId::WHOLE);
        let level = cx.enter_linked_level(&self.name, &ids, Size::Varies);
        let runs = cx.new_runs(None);
        cx.set_runs(level, runs);
        let link = cx.new_link();
        cx.link(level, Link { from: ids[1], list: link, is_sample: false });
        // No variable can have this name, so none shares its stream with the links.
        let key = stream_key(&self.name.text, "linked units", 0);
        let (latent, levels) = (2.0 * (PI * rho / 6.0).sin(), [ids[0], ids[1]]);
        let (max_values, span) = (cx.limits.max_values, self.n.span());
        cx.push(LinkLevelsOp {
            levels,
            ranks,
            latent,
            n,
            level,
            runs,
            link,
            key,
            max_values,
            span,
        });
        Some(())
    }

    fn correlation(&self, cx: &mut Compiler<'_>, rho: &Scalar) -> Option<f64> {
        let value = cx.constant(rho, "rank_correlation")?;
        if (-1.0..=1.0).contains(&value) {
            return Some(value);
        }
        let error = Diagnostic::error(rho.span(), format!("{} is not a correlation", shown(value)));
        cx.report(error.label("expected a number between -1 and 1"));
        None
    }
}
