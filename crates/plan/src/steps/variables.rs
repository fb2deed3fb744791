//! Variables computed from those there are, or drawn, at any level.
//!
//! # Fields
//! - `variables`: a map from names to expressions, computed in order.
//! - `level`: the level of the variables; the current rows if it is left out. Reductions see the
//!   levels below: `mean(score, by = class)` is one value a class.
//!
//! On real data (`trialrun estimate`) a variable that the data have is taken from them; the others
//! are computed when a model uses them.
//!
//! # Example
//! ```ron
//! Variables(level: class, variables: { class_mean: "mean(pretest, by = class)" }),
//! Variables(variables: { gain: "score - pretest", high: "pretest > class_mean" }),
//! ```

use super::{Declared, all_of};
use crate::compile::{Compiler, Context, Declares};
use crate::declared::{Fields, Name, Reader, Scalar};

/// Derived variables, as declared.
#[derive(Clone, Debug)]
pub struct Variables {
    level: Option<Name>,
    variables: Vec<(Name, Scalar)>,
}

impl Declared for Variables {
    fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let level = f.optional(r, "level", Reader::identifier);
        let variables = f.required(r, "variables", |r, node| r.entries(node, Reader::scalar));
        Some(Self { level, variables: variables? })
    }

    fn compile(&self, cx: &mut Compiler<'_>) {
        if cx.data.is_some() {
            self.variables.iter().for_each(|(name, value)| cx.defer(name, value));
            return;
        }
        let Some(level) = cx.level_or_frame(self.level.as_ref()) else {
            self.variables.iter().for_each(|(name, _)| cx.define_unknown(name, cx.frame));
            return;
        };
        let step = cx.level_name(level).to_string();
        for (name, value) in &self.variables {
            let context = Context::at(level).named(&step, &name.text);
            match cx.scalar(value, &context) {
                Some(value) => cx.define_value(name, value, level),
                None => cx.define_unknown(name, level),
            }
        }
    }

    fn declares(&self) -> Vec<(Declares, Name)> {
        all_of(Declares::Variable, self.variables.iter().map(|(name, _)| name.clone()))
    }

    fn describe(&self) -> String {
        let definitions: Vec<String> =
            self.variables.iter().map(|(n, v)| format!("`{}` = {v}", n.text)).collect();
        let at = self.level.as_ref().map_or(String::new(), |l| format!(" at level `{}`", l.text));
        format!("compute{at} {}", definitions.join(", "))
    }
}
