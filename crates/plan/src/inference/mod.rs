//! Tests and intervals of an estimator by resampling. One file a kind: what it declares, what it
//! does in a simulation, its manual.
//!
//! To add a kind, write its file and add a line to the list below. The text that opens the file is
//! its manual: `trialrun explain NAME` prints it.

mod bootstrap;
mod randomisation;
mod redraw;
mod replay;
mod wild_cluster;

use std::sync::Arc;

pub use replay::MadeAssignment;
use trialrun_lang::{Diagnostic, Span};
use trialrun_stats::ols::{self, Sums, Wanted};
use trialrun_stats::resample::pairs::Replicate;
use trialrun_stats::resample::wild::Null;
use trialrun_stats::resample::{Joint, Replicates};
use trialrun_stats::{Failure, Rows};

use crate::compile::Compiler;
use crate::declared::{Fields, Node, Reader, listed, suggest};
use crate::estimators::hypotheses::Contrast;
use crate::estimators::model::ModelScratch;
use crate::estimators::{Estimation, Fit, JointTest, Model, Target};
use crate::exec::assign::listing::Listing;
use crate::exec::{Op, Workspace, assign};
use crate::result::{Estimate, Row};

/// What a kind of inference does.
pub(crate) trait Declared: Sized {
    /// Reads its fields.
    fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self>;

    /// Whether rows of observations that are alike have to stay apart: see `Model`.
    fn needs_single_rows(&self) -> bool;

    /// What is done with each fit of a model; reports what is wrong.
    fn compile(&self, cx: &mut Compiler<'_>, of: &Of<'_>) -> Option<Box<dyn Infer>>;

    /// The kind in a phrase, for `explain`.
    fn describe(&self) -> String;
}

/// The estimator whose inference is compiled.
pub(crate) struct Of<'a> {
    /// Its label.
    pub label: &'a str,
    /// Its model.
    pub model: &'a Model,
    /// How it is fitted.
    pub fit: &'a dyn Fit,
    /// The coefficients that it reports.
    pub targets: &'a [Target],
    /// Combinations of coefficients that are reported, or needed for joint tests.
    pub contrasts: &'a [Contrast],
    /// Where the kind of inference is written.
    pub span: Span,
}

/// The rows of a fit.
pub(crate) struct Fitted<'a> {
    /// Those of the columns in `ws.model.targets`, and of the combinations in `ws.model.contrasts`
    /// after them.
    pub rows: &'a mut [Row],
    /// Joint tests, whose hypotheses are among the combinations.
    pub tests: &'a [JointTest],
    /// Their rows.
    pub joint: &'a mut [Row],
}

/// Changes the test and the interval of each row of an estimator that has been fitted.
pub(crate) trait Infer: Send + Sync {
    /// Does so; a row that it can not be done for becomes a failure.
    fn infer(&self, of: &Estimation, ws: &mut Workspace, fitted: Fitted<'_>);

    /// Hands over the operations of the plan, once it is complete.
    fn link(&self, _ops: &[Arc<dyn Op>]) {}
}

/// Scratch space, one a thread.
#[derive(Default)]
pub(crate) struct Scratch {
    sums: Sums,
    replicates: Replicates,
    joint: Joint,
    pairs: Vec<Replicate>,
    numbers: Vec<f64>,
    /// How hypotheses change in replicates of a joint test, and its forms.
    changes: Vec<f64>,
    forms: Vec<f64>,
    seats: assign::Scratch,
    listing: Listing,
    arms: Vec<u32>,
    draws: redraw::Draws,
    /// Outcomes while others are in their place.
    held: Vec<f64>,
    /// The assigned variable of real data.
    kept: Vec<f64>,
    /// The treatment of the data, by the rows of the model.
    shift: Vec<f64>,
    work: Vec<f64>,
}

/// Makes the enumeration of kinds, and what is looked up by a kind's name.
macro_rules! kinds {
    ($($name:ident in $module:ident),* $(,)?) => {
        /// How the test and the interval of an estimator are made.
        #[derive(Clone, Debug)]
        #[allow(missing_docs)]
        pub enum Kind {
            $($name($module::$name),)*
        }

        /// The names of all kinds.
        pub const NAMES: &[&str] = &[$(stringify!($name)),*];

        /// Each kind's name and manual.
        pub const MANUALS: &[(&str, &str)] =
            &[$((stringify!($name), include_str!(concat!(stringify!($module), ".rs")))),*];

        impl Kind {
            fn read(r: &mut Reader, node: Node<'_>) -> Option<Self> {
                match node.head() {
                    $(Some(stringify!($name)) => {
                        let mut f = r.fields(node, stringify!($name))?;
                        let kind = $module::$name::read(r, &mut f);
                        f.finish(r);
                        kind.map(Self::$name)
                    })*
                    _ => unknown(r, node),
                }
            }

            fn needs_single_rows(&self) -> bool {
                match self {
                    $(Self::$name(kind) => kind.needs_single_rows(),)*
                }
            }

            fn compile(&self, cx: &mut Compiler<'_>, of: &Of<'_>) -> Option<Box<dyn Infer>> {
                match self {
                    $(Self::$name(kind) => kind.compile(cx, of),)*
                }
            }

            fn describe(&self) -> String {
                match self {
                    $(Self::$name(kind) => kind.describe(),)*
                }
            }
        }
    };
}

kinds! {
    Bootstrap in bootstrap,
    Randomisation in randomisation,
    WildCluster in wild_cluster,
}

fn unknown(r: &mut Reader, node: Node<'_>) -> Option<Kind> {
    let Some(word) = node.head() else {
        let hint = format!("choose {}", listed(NAMES));
        return r.expected(node, "a kind of inference such as `WildCluster`", &hint);
    };
    let message = format!("there is no inference `{word}`");
    let error = Diagnostic::error(node.head_span(), message).label("unknown inference");
    r.error(suggest(error, word, NAMES));
    None
}

/// A kind of inference, and where it is written.
#[derive(Clone, Debug)]
pub struct Inference {
    kind: Kind,
    span: Span,
}

impl Inference {
    /// Reads it; reports why it can not be read.
    pub fn read(r: &mut Reader, node: Node<'_>) -> Option<Self> {
        let kind = Kind::read(r, node)?;
        Some(Self { kind, span: node.head_span() })
    }

    /// Whether the model's rows have to be single observations.
    pub(crate) fn needs_single_rows(&self) -> bool {
        self.kind.needs_single_rows()
    }

    /// Whether it has to know the coefficients that are reported.
    pub(crate) fn needs_targets(&self) -> bool {
        matches!(self.kind, Kind::Randomisation(_))
    }

    /// What is done with each fit of an estimator.
    pub(crate) fn compile(
        &self,
        cx: &mut Compiler<'_>,
        label: &str,
        model: &Model,
        fit: &dyn Fit,
        (targets, contrasts): (&[Target], &[Contrast]),
    ) -> Option<Box<dyn Infer>> {
        self.kind.compile(cx, &Of { label, model, fit, targets, contrasts, span: self.span })
    }

    /// It in a phrase, for `explain`.
    pub fn describe(&self) -> String {
        self.kind.describe()
    }
}

/// Refuses what is not plain least squares, with or without weights; the standard error otherwise.
fn least_squares(cx: &mut Compiler<'_>, of: &Of<'_>, kind: &str) -> Option<ols::Variance> {
    let refuse = |cx: &mut Compiler<'_>, message: String, label: &str, hint: &str| {
        cx.report(Diagnostic::error(of.span, message).label(label).hint(hint));
        None
    };
    let plain = of.model.instruments.is_none();
    let Some(variance) = of.fit.least_squares().filter(|_| plain) else {
        let message = format!("`{kind}` is for least squares");
        return refuse(cx, message, "not of this method", "use `LmRobust`");
    };
    if of.model.ways.is_some() {
        let message = format!("`{kind}` has one way of clustering");
        return refuse(cx, message, "the method has several", "name one in `clusters`");
    }
    if !of.model.fixed.is_empty() {
        let message = format!("`{kind}` does not go with `fixed_effects`");
        let hint = "write `factor(...)` in the formula";
        return refuse(cx, message, "they are taken out before the fit", hint);
    }
    Some(variance)
}

/// The least number of replicates with which `least` of them and one is a share of at most `alpha`.
fn enough(cx: &mut Compiler<'_>, replicates: u64, alpha: f64, span: Span) -> Option<()> {
    if (replicates + 1) as f64 * alpha < 1.0 - 1e-9 {
        let least = (1.0 / alpha - 1e-9).ceil() - 1.0;
        let message = format!("{replicates} draws can reject nothing at this level");
        let error = Diagnostic::error(span, message).label("too few");
        cx.report(error.hint(format!("take {least} or more; 999 is usual")));
        return None;
    }
    if replicates as usize > cx.limits.max_values / 8 {
        let message = format!("{replicates} draws do not fit the limit on values");
        let error = Diagnostic::error(span, message).label("too many");
        cx.report(error.hint("999 is usual; --max-values raises the limit"));
        return None;
    }
    Some(())
}

/// Makes tests and intervals anew of what could be had: `one` is given the place of a coefficient
/// among the targets and the combinations, `all` a joint test, and each what the method found.
fn each(
    ws: &mut Workspace,
    fitted: Fitted<'_>,
    one: impl Fn(&mut Workspace, usize, Estimate, &mut Scratch) -> Result<Estimate, Failure>,
    all: impl Fn(&mut Workspace, &JointTest, Estimate, &mut Scratch) -> Result<Estimate, Failure>,
) {
    let mut scratch = std::mem::take(&mut ws.inference);
    for (i, row) in fitted.rows.iter_mut().enumerate() {
        row.fit = row.fit.and_then(|estimate| one(ws, i, estimate, &mut scratch));
    }
    for (test, row) in fitted.tests.iter().zip(fitted.joint) {
        row.fit = row.fit.and_then(|found| all(ws, test, found, &mut scratch));
    }
    ws.inference = scratch;
}

/// Finds the sums of the clusters for row `i` of the fit at hand, a coefficient or a combination;
/// returns the value that it is tested against.
fn sums_of(
    of: &Estimation,
    ws: &mut Workspace,
    variance: ols::Variance,
    i: usize,
    sums: &mut Sums,
) -> Result<f64, Failure> {
    let Some(place) = i.checked_sub(ws.model.targets.len()) else {
        find_sums(of, ws, variance, |model| Wanted::Column(model.targets[i]), sums)?;
        return Ok(0.0);
    };
    find_sums(of, ws, variance, |m| Wanted::Combinations(m.contrasts_at(place, 1)), sums)?;
    Ok(ws.model.values[place])
}

/// Finds the sums of the clusters for the hypotheses of a joint test, and begins the test.
fn begin_joint(
    of: &Estimation,
    ws: &mut Workspace,
    variance: ols::Variance,
    test: &JointTest,
    null: Null,
    s: &mut Scratch,
) -> Result<(), Failure> {
    let JointTest { first, q } = *test;
    find_sums(of, ws, variance, |m| Wanted::Combinations(m.contrasts_at(first, q)), &mut s.sums)?;
    s.joint.begin(&s.sums, &ws.model.values[first..first + q], null)
}

fn find_sums(
    of: &Estimation,
    ws: &mut Workspace,
    variance: ols::Variance,
    wanted: impl FnOnce(&ModelScratch) -> Wanted<'_>,
    sums: &mut Sums,
) -> Result<(), Failure> {
    let n = ws.size(of.model.rows);
    let Workspace { columns, runs, model: scratch, ols, .. } = ws;
    let rows: Rows<'_> = of.model.rows(scratch, columns, runs, n);
    ols::sums(&rows, variance, wanted(scratch), ols, sums)
}
