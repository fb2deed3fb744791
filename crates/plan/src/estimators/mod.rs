//! The estimators of a design. One file an estimator: what it declares, how it fits, its manual.
//!
//! To add an estimator, write its file and add a line to the list below. The text that opens the
//! file is its manual: `trialrun explain NAME` prints it.

mod aims;
mod build;
mod cells;
mod centre;
mod coding;
mod collapse;
mod contrast;
mod details;
mod difference_in_means;
mod effects;
mod estimation;
mod family;
mod full;
pub mod glm;
pub mod glmer;
mod hajek;
mod horvitz_thompson;
pub mod hypotheses;
mod inverse_probability;
mod iv_robust;
mod joint;
mod lin;
mod lm_robust;
mod lmer;
mod matrix;
pub mod mixed;
pub mod model;
mod modes;
mod outcomes;
mod pick;
mod random;
mod resolve;
mod robust;
mod shaped;
mod slopes;
mod terms;
mod warnings;

use trialrun_lang::Diagnostic;

use crate::compile::Compiler;
use crate::declared::{Fields, Node, Reader, listed, suggest};
use crate::ids::LevelId;
pub(crate) use aims::Estimands;
pub use details::{Coefficient, Details, Joint, Test};
pub(crate) use estimation::{Coef, Fit, Target};
pub use estimation::{Estimation, Fitted};
pub(crate) use inverse_probability::AssignedUnits;
pub(crate) use joint::JointTest;
pub(crate) use model::Model;
pub use modes::Mode;
pub(crate) use terms::{Terms, targets};

/// What an estimator does.
pub(crate) trait Declared: Sized {
    /// Reads its fields.
    fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self>;

    /// The model on the units of a level, and how it is fitted; reports what is wrong.
    fn compile(&self, cx: &mut Compiler<'_>, level: LevelId) -> Option<(Model, Box<dyn Fit>)>;

    /// The method in a phrase, for `explain`.
    fn describe(&self) -> String;
}

/// Makes the enumeration of methods, and what is looked up by a method's name.
macro_rules! methods {
    ($($name:ident in $module:ident),* $(,)?) => {
        /// How an estimator estimates.
        #[derive(Clone, Debug)]
        #[allow(missing_docs)]
        pub enum Method {
            $($name($module::$name),)*
        }

        /// The names of all methods.
        pub const NAMES: &[&str] = &[$(stringify!($name)),*];

        /// Each method's name and manual.
        pub const MANUALS: &[(&str, &str)] =
            &[$((stringify!($name), include_str!(concat!(stringify!($module), ".rs")))),*];

        impl Method {
            /// Reads a method; reports why it can not be read.
            pub fn read(r: &mut Reader, node: Node<'_>) -> Option<Self> {
                match node.head() {
                    $(Some(stringify!($name)) => {
                        let mut f = r.fields(node, stringify!($name))?;
                        let method = $module::$name::read(r, &mut f);
                        f.finish(r);
                        method.map(Self::$name)
                    })*
                    _ => unknown(r, node),
                }
            }

            /// The model on the units of a level, and how it is fitted.
            pub(crate) fn compile(
                &self,
                cx: &mut Compiler<'_>,
                level: LevelId,
            ) -> Option<(Model, Box<dyn Fit>)> {
                match self {
                    $(Self::$name(method) => method.compile(cx, level),)*
                }
            }

            /// The method in a phrase.
            pub fn describe(&self) -> String {
                match self {
                    $(Self::$name(method) => method.describe(),)*
                }
            }
        }
    };
}

methods! {
    DifferenceInMeans in difference_in_means,
    Hajek in hajek,
    HorvitzThompson in horvitz_thompson,
    IvRobust in iv_robust,
    Lin in lin,
    Glm in glm,
    Glmer in glmer,
    LmRobust in lm_robust,
    Lmer in lmer,
}

fn unknown(r: &mut Reader, node: Node<'_>) -> Option<Method> {
    let Some(word) = node.head() else {
        let hint = format!("choose {}", listed(NAMES));
        return r.expected(node, "a method such as `LmRobust(formula: \"y ~ z\")`", &hint);
    };
    let error = Diagnostic::error(node.head_span(), format!("there is no method `{word}`"))
        .label("unknown method");
    r.error(suggest(error, word, NAMES));
    None
}
