//! The steps of a design. One file a step: what it declares, how it compiles, its manual.
//!
//! To add a step, write its file and add a line to the list below. The text that opens the file is
//! the step's manual: `trialrun explain NAME` prints it.

mod aggregate;
pub mod assignment;
mod correlated;
mod cross_levels;
mod data;
mod estimand;
mod estimator;
mod family;
mod level;
mod link_levels;
mod matching;
mod potential_outcomes;
mod reveal;
mod sampling;
mod variables;

use trialrun_lang::Diagnostic;

use crate::compile::{Compiler, Declares};
use crate::declared::{Fields, Name, Node, Reader, Scalar, listed, suggest};

/// What a step does.
pub(crate) trait Declared: Sized {
    /// Reads the step's fields.
    fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self>;

    /// Adds the step's columns and operations to the plan, or reports why it can not.
    fn compile(&self, cx: &mut Compiler<'_>);

    /// What the step declares, for steps that use it too early.
    fn declares(&self) -> Vec<(Declares, Name)> {
        Vec::new()
    }

    /// The step in a sentence, for `explain`.
    fn describe(&self) -> String;
}

/// Makes the enumeration of steps, and what is looked up by a step's name.
macro_rules! steps {
    ($($name:ident in $module:ident),* $(,)?) => {
        /// A step of a design.
        #[derive(Clone, Debug)]
        #[allow(missing_docs)]
        pub enum Step {
            $($name($module::$name),)*
        }

        /// The names of all steps.
        pub const NAMES: &[&str] = &[$(stringify!($name)),*];

        /// Each step's name and manual.
        pub const MANUALS: &[(&str, &str)] =
            &[$((stringify!($name), include_str!(concat!(stringify!($module), ".rs")))),*];

        impl Step {
            /// Reads a step; reports why it can not be read.
            pub fn read(r: &mut Reader, node: Node<'_>) -> Option<Self> {
                match node.head() {
                    $(Some(stringify!($name)) => {
                        let mut f = r.fields(node, stringify!($name))?;
                        let step = $module::$name::read(r, &mut f);
                        f.finish(r);
                        step.map(Self::$name)
                    })*
                    _ => unknown(r, node),
                }
            }

            /// Adds the step to the plan.
            pub fn compile(&self, cx: &mut Compiler<'_>) {
                match self {
                    $(Self::$name(step) => step.compile(cx),)*
                }
            }

            /// What the step declares.
            pub fn declares(&self) -> Vec<(Declares, Name)> {
                match self {
                    $(Self::$name(step) => step.declares(),)*
                }
            }

            /// The step in a sentence.
            pub fn describe(&self) -> String {
                match self {
                    $(Self::$name(step) => step.describe(),)*
                }
            }

            /// The step's name.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => stringify!($name),)*
                }
            }
        }
    };
}

steps! {
    Aggregate in aggregate,
    Assignment in assignment,
    Correlated in correlated,
    CrossLevels in cross_levels,
    Data in data,
    Estimand in estimand,
    Estimator in estimator,
    Family in family,
    Level in level,
    LinkLevels in link_levels,
    Match in matching,
    PotentialOutcomes in potential_outcomes,
    Reveal in reveal,
    Sampling in sampling,
    Variables in variables,
}

fn unknown(r: &mut Reader, node: Node<'_>) -> Option<Step> {
    let Some(word) = node.head() else {
        let hint = format!("choose {}", listed(NAMES));
        return r.expected(node, "a step such as `Level(name: class, n: 10)`", &hint);
    };
    let error = Diagnostic::error(node.head_span(), format!("there is no step `{word}`"))
        .label("unknown step");
    r.error(suggest(error, word, NAMES));
    None
}

/// What a step declares that makes a level with variables.
fn level_with(level: &Name, variables: &[(Name, Scalar)]) -> Vec<(Declares, Name)> {
    let mut declared = all_of(Declares::Variable, variables.iter().map(|v| v.0.clone()));
    declared.push((Declares::Level, level.clone()));
    declared
}

/// Names of one kind that a step declares.
fn all_of(kind: Declares, names: impl IntoIterator<Item = Name>) -> Vec<(Declares, Name)> {
    names.into_iter().map(|name| (kind, name)).collect()
}
