//! Compiles a design's own diagnosands: what each looks at in a simulation becomes a column that a
//! [`Lens`] computes, and what it makes of the averages a [`Composite`].

mod outer;

use trialrun_lang::{Diagnostic, Expr, ExprKind, Span, suggestion};
use trialrun_stats::composite::{Composite, Operation};

use super::ir::{NodeId, NodeKind};
use super::lower::Context;
use super::reductions::reduction_called;
use super::scope::Binding;
use super::{Compiler, DiagnosandInfo, Scope};
use crate::declared::{Better, Design, Diagnosand, Name, Text};
use crate::exec::lens::{COLUMNS, Lens};
use crate::functions::Fun;
use crate::ids::{ColumnId, LevelId};
use crate::plan::{LevelInfo, Size};
use outer::Outer;

/// The columns that joint tests have not.
const ESTIMATED: [&str; 4] = ["estimate", "std_error", "conf_low", "conf_high"];

/// What is averaged over simulations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AverageKind {
    /// The share of simulations with an event: the mean of a number that is 0 or 1.
    Share,
    /// The mean of a number.
    Mean,
    /// The variance of a number, divisor n - 1.
    Variance,
}

/// An average over simulations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Average {
    /// What kind of average.
    pub kind: AverageKind,
    /// What is averaged: a column of the lens.
    pub column: ColumnId,
}

/// A diagnosand that a design declares.
#[derive(Clone, Debug)]
pub struct CustomDiagnosand {
    /// Its name.
    pub name: String,
    /// Whether it looks at the estimand.
    pub needs_estimand: bool,
    /// Whether it is made of estimates, which joint tests have not.
    pub needs_estimate: bool,
    /// Whether it looks at the interval.
    pub needs_interval: bool,
    /// Whether it looks at the p-value.
    pub needs_p_value: bool,
    /// Whether simulations count in which the fit failed.
    pub counts_failed: bool,
    /// A column of the lens: simulations count where it is not 0.
    pub condition: Option<ColumnId>,
    /// The averages, at least one.
    pub averages: Vec<Average>,
    /// The function of the averages.
    pub function: Composite,
    /// Which of two estimators is the better in it.
    pub better: Option<Better>,
}

/// Kinds of functions that are treated as the built-in diagnosands are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A share of simulations.
    Rate,
    /// A mean.
    Mean,
    /// The root of a mean or of a share.
    RootMean,
    /// A standard deviation.
    Sd,
    /// Any other function of averages.
    Function,
}

impl CustomDiagnosand {
    /// The kind of function.
    pub fn form(&self) -> Form {
        use {AverageKind::Mean, AverageKind::Share, AverageKind::Variance};
        let kinds: Vec<AverageKind> = self.averages.iter().map(|average| average.kind).collect();
        match (kinds.as_slice(), self.function.operations()) {
            ([Share], [Operation::Average(0)]) => Form::Rate,
            ([Mean], [Operation::Average(0)]) => Form::Mean,
            ([Mean | Share], [Operation::Average(0), Operation::Sqrt]) => Form::RootMean,
            ([Variance], [Operation::Average(0), Operation::Sqrt]) => Form::Sd,
            _ => Form::Function,
        }
    }

    /// What it is one of: of members of families where it looks at the test.
    pub fn scope(&self) -> Scope {
        if self.needs_p_value { Scope::Tests } else { Scope::Estimators }
    }

    /// Its smallest and largest possible value, as far as its last operation tells.
    pub fn range(&self) -> (f64, f64) {
        match (self.form(), self.function.operations().last()) {
            (Form::Rate, _) => (0.0, 1.0),
            (_, Some(Operation::Sqrt | Operation::Square | Operation::Abs | Operation::Exp)) => {
                (0.0, f64::INFINITY)
            }
            _ => (f64::NEG_INFINITY, f64::INFINITY),
        }
    }
}

/// The diagnosands that a design declares, with what computes their columns.
#[derive(Default)]
pub struct CustomDiagnosands {
    /// The diagnosands, in their order.
    pub list: Vec<CustomDiagnosand>,
    /// The columns of simulations that they look at.
    pub lens: Lens,
}

/// A diagnosand whose columns are not yet stored.
struct Draft<'d> {
    declared: &'d Diagnosand,
    condition: Option<NodeId>,
    averages: Vec<(AverageKind, NodeId)>,
    function: Composite,
    mentions: Vec<&'static str>,
}

impl Compiler<'_> {
    /// Compiles the design's own diagnosands, whose names are not those of `built_in`. On real data
    /// there is nothing to diagnose.
    pub fn custom_diagnosands(
        &mut self,
        design: &Design,
        parameters: &[(String, f64)],
        built_in: &[DiagnosandInfo],
    ) -> CustomDiagnosands {
        if self.data.is_some() || design.diagnosands.is_empty() {
            return CustomDiagnosands::default();
        }
        let mut rows = Rows::new(self, parameters);
        let mut drafts = Vec::new();
        for declared in &design.diagnosands {
            if built_in.iter().any(|info| info.name == declared.label.text) {
                let message = format!("`{}` is a built-in diagnosand", declared.label.text);
                rows.report(
                    Diagnostic::error(declared.label.span, message)
                        .label("this name is taken")
                        .hint("choose another label"),
                );
                continue;
            }
            match rows.draft(declared) {
                Some(draft) => drafts.push(draft),
                // Its uses are not wrong too.
                None => self.doubtful.push(declared.label.text.clone()),
            }
        }
        let (custom, diagnostics) = rows.finish(&drafts);
        self.diagnostics.extend(diagnostics);
        custom
    }
}

/// A compiler of what is computed in each simulation: simulations are the units of its level.
struct Rows {
    cx: Compiler<'static>,
    /// The places of the columns of simulations.
    columns: Vec<ColumnId>,
    parameters: Vec<String>,
}

impl Rows {
    fn new(design: &Compiler<'_>, parameters: &[(String, f64)]) -> Self {
        let mut cx = Compiler::new(design.alpha, design.limits, None);
        cx.doubtful.clone_from(&design.doubtful);
        cx.levels.push(LevelInfo {
            name: "simulation".into(),
            parent: LevelId::WHOLE,
            depth: 1,
            size: Size::Varies,
        });
        cx.frame = Lens::LEVEL;
        let named = |text: &str| Name { text: text.to_string(), span: Span::default() };
        let columns = COLUMNS.map(|(name, _)| {
            let column = cx.new_column(Lens::LEVEL);
            cx.define_column(&named(name), column, Lens::LEVEL);
            column
        });
        cx.bind(&named("alpha"), Binding::Parameter(design.alpha));
        let mut known = vec!["alpha".to_string()];
        for (name, value) in parameters {
            // A column's name means the column.
            if cx.binding(name).is_none() {
                cx.bind(&named(name), Binding::Parameter(*value));
                known.push(name.clone());
            }
        }
        Self { cx, columns: columns.to_vec(), parameters: known }
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.cx.report(diagnostic);
    }

    /// Compiles a diagnosand as far as the values of a simulation.
    fn draft<'d>(&mut self, declared: &'d Diagnosand) -> Option<Draft<'d>> {
        let value = self.parse(&declared.value);
        let condition = match &declared.condition {
            Some(text) => {
                let parsed = self.parse(text);
                Some(parsed.and_then(|expr| Some((self.of_simulation(&expr)?, expr))))
            }
            None => None,
        };
        let value = value?;
        let mut outer = Outer::new(self);
        let is_sound = outer.lower(&value).is_some();
        let (operations, averages) = outer.finish();
        let condition = match condition {
            Some(condition) => Some(condition?),
            None => None,
        };
        if !is_sound {
            return None;
        }
        if averages.is_empty() {
            self.report(
                Diagnostic::error(value.span, "it is the same in every run")
                    .label("no average of simulations")
                    .hint("average something: `mean(abs(estimate - estimand) < 0.1)`"),
            );
            return None;
        }
        let mentioned = |name: &&str| {
            value.mentions(name) || condition.as_ref().is_some_and(|(_, c)| c.mentions(name))
        };
        let draft = Draft {
            declared,
            mentions: COLUMNS.iter().map(|(name, _)| *name).filter(mentioned).collect(),
            condition: condition.as_ref().map(|(node, _)| *node),
            averages,
            function: Composite::new(operations).expect("a tree leaves one value"),
        };
        Some(draft)
    }

    fn parse(&mut self, text: &Text) -> Option<Expr> {
        match text.places.parse_expression(&text.text) {
            Ok(expr) => Some(expr),
            Err(errors) => {
                self.cx.diagnostics.extend(errors);
                None
            }
        }
    }

    /// The node of a number of each simulation.
    fn of_simulation(&mut self, expr: &Expr) -> Option<NodeId> {
        if !self.names_are_known(expr) {
            return None;
        }
        let why = "a diagnosand looks at what was simulated: nothing is drawn for it";
        let context = Context::at(Lens::LEVEL).without_draws(why);
        let value = self.cx.lower(expr, &context, &mut 0)?;
        let node = self.cx.number(value, expr.span)?;
        if self.cx.graph.node(node).level == Lens::LEVEL {
            return Some(node);
        }
        self.report(
            Diagnostic::error(expr.span, "it is the same in every simulation")
                .label("no column of simulations")
                .hint("`trialrun explain Diagnosand` lists the columns"),
        );
        None
    }

    /// Reports what is no number of a simulation: names of the design, averages within averages.
    fn names_are_known(&mut self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Name(name) => {
                if self.cx.binding(name).is_some() || name == "NA" {
                    return true;
                }
                if !self.cx.is_doubtful(name) {
                    let known = COLUMNS.iter().map(|(name, _)| *name);
                    let known: Vec<&str> =
                        known.chain(self.parameters.iter().map(String::as_str)).collect();
                    let hint = suggestion(name, known.iter().copied()).unwrap_or_else(|| {
                        "`trialrun explain Diagnosand` lists the columns".to_string()
                    });
                    let message = format!("simulations have no column `{name}`");
                    self.report(
                        Diagnostic::error(expr.span, message).label("unknown column").hint(hint),
                    );
                }
                false
            }
            ExprKind::Unary(_, a) => self.names_are_known(a),
            ExprKind::Binary(_, a, b) => {
                let (a, b) = (self.names_are_known(a), self.names_are_known(b));
                a && b
            }
            ExprKind::Call { name, args, .. } if reduction_called(name, args).is_some() => {
                self.report(
                    Diagnostic::error(expr.span, "an average stands within what is averaged")
                        .label("a simulation has one value here, not many")
                        .hint("averages stand side by side: `sqrt(mean(x^2) - mean(x)^2)`"),
                );
                false
            }
            ExprKind::Call { args, .. } => {
                let known: Vec<bool> =
                    args.iter().map(|arg| self.names_are_known(&arg.value)).collect();
                known.into_iter().all(|known| known)
            }
            ExprKind::Number(_) | ExprKind::Bool(_) | ExprKind::Text(_) => true,
        }
    }

    /// Whether a node is 0 or 1 wherever it has a value.
    fn is_truth(&self, node: NodeId) -> bool {
        let all = |nodes: &[NodeId]| nodes.iter().all(|node| self.is_truth(*node));
        match &self.cx.graph.node(node).kind {
            NodeKind::Const(bits) => [0.0, 1.0].contains(&f64::from_bits(*bits)),
            NodeKind::Column(column) => {
                let place = self.columns.iter().position(|c| c == column);
                place.is_some_and(|place| ["boundary", "failed"].contains(&COLUMNS[place].0))
            }
            NodeKind::Map(fun, args) => match fun {
                Fun::Lt | Fun::Le | Fun::Gt | Fun::Ge | Fun::Eq | Fun::Ne => true,
                Fun::And | Fun::Or | Fun::Not | Fun::IsMissing => true,
                Fun::Mul | Fun::Min | Fun::Max => all(args),
                Fun::If => all(&args[1..]),
                _ => false,
            },
            _ => false,
        }
    }

    /// Stores the columns that the diagnosands look at.
    fn finish(mut self, drafts: &[Draft<'_>]) -> (CustomDiagnosands, Vec<Diagnostic>) {
        let nodes: Vec<NodeId> = drafts
            .iter()
            .flat_map(|d| d.averages.iter().map(|(_, node)| *node).chain(d.condition))
            .collect();
        self.cx.columns_of(&nodes);
        let mut list = Vec::new();
        for draft in drafts {
            let averages = draft
                .averages
                .iter()
                .map(|(kind, node)| Average { kind: *kind, column: self.cx.column_of(*node) });
            let mentions = |name: &str| draft.mentions.contains(&name);
            let found = CustomDiagnosand {
                name: draft.declared.label.text.clone(),
                needs_estimand: mentions("estimand"),
                needs_estimate: ESTIMATED.into_iter().any(mentions),
                needs_interval: mentions("conf_low") || mentions("conf_high"),
                needs_p_value: mentions("p_value"),
                counts_failed: mentions("failed"),
                averages: averages.collect(),
                condition: draft.condition.map(|node| self.cx.column_of(node)),
                function: draft.function.clone(),
                better: draft.declared.better.map(|(better, _)| better),
            };
            if let Some((_, span)) = draft.declared.better
                && matches!(found.form(), Form::Sd | Form::Function)
            {
                let message = "which of two estimators is the better can not be decided here";
                self.cx.report(
                    Diagnostic::error(span, message)
                        .label("this diagnosand is no share, no mean and no root of a mean")
                        .hint("leave `better` out, or expect a band"),
                );
            }
            list.push(found);
        }
        let used = |name: &str| drafts.iter().any(|draft| draft.mentions.contains(&name));
        let inputs = COLUMNS.iter().enumerate().filter(|(_, (name, _))| used(name));
        let lens = Lens {
            inputs: inputs.map(|(place, _)| (place, self.columns[place])).collect(),
            ops: self.cx.ops,
            n_columns: self.cx.columns.len(),
            n_registers: usize::from(self.cx.n_registers),
        };
        (CustomDiagnosands { list, lens }, self.cx.diagnostics)
    }
}
