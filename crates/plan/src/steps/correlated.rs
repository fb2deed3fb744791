//! Variables that are drawn together: each with a distribution of its own, all with correlations.
//!
//! Standard normal numbers with the correlations declared are drawn for each unit, and each is
//! taken to the value of its variable's distribution that has as much below it (a Gaussian
//! copula). So every variable has exactly its own distribution, whatever the correlations.
//!
//! # Fields
//! - `variables`: a map from names to distributions, such as `"normal(40, 10)"`; the parameters may
//!   be expressions.
//! - `rank_correlation`: one number for every pair, or a list of rows, one for each variable: the
//!   rank correlations (Spearman's), exact where values do not tie. Ranks do not depend on the
//!   distributions.
//! - `correlation`: the same for the normal numbers behind the variables: the correlation of
//!   variables that are normal, and more than that of others.
//! - `level`: the level of the variables; the current rows if it is left out.
//!
//! # Formula
//! `x_k = F_k^-1(Phi(z_k))`, `z = L e`, `L L' = R`. Rank correlations `rho` make
//! `R = 2 sin(pi rho / 6)`.
//!
//! # Example
//! ```ron
//! Correlated(rank_correlation: [[1, 0.5, -0.2], [0.5, 1, 0], [-0.2, 0, 1]], variables: {
//!     age: "normal(40, 10)", income: "lognormal(10, 0.6)", children: "poisson(1.8)",
//! }),
//! ```
//!
//! # References
//! Nelsen 2006, An Introduction to Copulas; Pearson 1907 for rank correlations of normal numbers.

use std::f64::consts::PI;

use trialrun_lang::{Diagnostic, Span};

use super::{Declared, all_of};
use crate::compile::ir::NodeId;
use crate::compile::{Compiler, Context, Declares};
use crate::declared::{Fields, Name, Node, Reader, Scalar, Text};
use crate::exec::words::shown;
use crate::functions::Fun;

/// Variables drawn together, as declared.
#[derive(Clone, Debug)]
pub struct Correlated {
    variables: Vec<(Name, Text)>,
    correlations: Correlations,
    is_of_ranks: bool,
    span: Span,
    level: Option<Name>,
}

/// The correlations: of every pair, or a matrix by rows.
#[derive(Clone, Debug)]
enum Correlations {
    All(Scalar),
    Rows(Vec<Vec<Scalar>>),
}

/// How far below zero a pivot may be by rounding.
const ROUNDING: f64 = 1e-10;

impl Declared for Correlated {
    fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let variables = f.required(r, "variables", |r, node| r.map(node, Reader::text));
        let (ranks, plain) = (f.take(r, "rank_correlation"), f.take(r, "correlation"));
        let level = f.optional(r, "level", Reader::identifier);
        let (node, is_of_ranks) = match (ranks, plain) {
            (Some(node), None) => (node, true),
            (None, Some(node)) => (node, false),
            _ => {
                let error = Diagnostic::error(
                    f.span,
                    "`Correlated` takes one of `rank_correlation` and `correlation`",
                );
                r.error(error.label("how do the variables go together?"));
                return None;
            }
        };
        let correlations = read_correlations(r, node)?;
        Some(Self { variables: variables?, correlations, is_of_ranks, span: node.span, level })
    }

    fn compile(&self, cx: &mut Compiler<'_>) {
        if cx.data.is_some() {
            return;
        }
        if self.define(cx).is_none() {
            for (name, _) in &self.variables {
                if cx.binding(&name.text).is_none() {
                    cx.define_unknown(name, cx.frame);
                }
            }
        }
    }

    fn declares(&self) -> Vec<(Declares, Name)> {
        all_of(Declares::Variable, self.variables.iter().map(|(name, _)| name.clone()))
    }

    fn describe(&self) -> String {
        let variables: Vec<String> =
            self.variables.iter().map(|(n, v)| format!("`{}` = {}", n.text, v.text)).collect();
        let what = if self.is_of_ranks { "rank correlations" } else { "correlations" };
        let what = match &self.correlations {
            Correlations::All(rho) => format!("{what} of {rho}"),
            Correlations::Rows(_) => format!("given {what}"),
        };
        format!("draw {} with {what}", variables.join(", "))
    }
}

fn read_correlations(r: &mut Reader, node: Node<'_>) -> Option<Correlations> {
    match node.list() {
        Some(rows) if node.text.starts_with('[') => {
            let row = |r: &mut Reader, row: Node<'_>| r.list(row, Reader::scalar);
            let rows: Vec<Option<Vec<Scalar>>> = rows.into_iter().map(|n| row(r, n)).collect();
            rows.into_iter().collect::<Option<Vec<_>>>().map(Correlations::Rows)
        }
        _ => r.scalar(node).map(Correlations::All),
    }
}

impl Correlated {
    fn define(&self, cx: &mut Compiler<'_>) -> Option<()> {
        let level = cx.level_or_frame(self.level.as_ref())?;
        let root = self.root(cx)?;
        let step = cx.level_name(level).to_string();
        let mut normals: Vec<NodeId> = Vec::new();
        for (name, text) in &self.variables {
            normals.push(cx.standard_normal(&step, &name.text, level, text.span));
        }
        let mut all = Some(());
        for ((name, text), row) in self.variables.iter().zip(&root) {
            let mut z = cx.graph.constant(0.0, text.span);
            for (weight, normal) in row.iter().zip(&normals).filter(|(w, _)| **w != 0.0) {
                let weight = cx.graph.constant(*weight, text.span);
                let part = cx.map(Fun::Mul, vec![weight, *normal], text.span);
                z = if cx.graph.value(z) == Some(0.0) {
                    part
                } else {
                    cx.map(Fun::Add, vec![z, part], text.span)
                };
            }
            let context = Context::at(level).without_draws(
                "the parameters of a draw are not drawn: declare the inner draw as a variable",
            );
            match cx.from_normal(text, z, &context) {
                Some(value) => cx.define_value(name, value, level),
                None => all = None,
            }
        }
        all
    }

    /// A root of the correlations of the normal numbers: lower triangular, by rows.
    fn root(&self, cx: &mut Compiler<'_>) -> Option<Vec<Vec<f64>>> {
        let matrix = self.matrix(cx)?;
        let k = matrix.len();
        let mut root = vec![vec![0.0; k]; k];
        for i in 0..k {
            for j in 0..=i {
                let sum: f64 = (0..j).map(|m| root[i][m] * root[j][m]).sum();
                let rest = matrix[i][j] - sum;
                let is_wrong = match i == j {
                    true => rest < -ROUNDING,
                    // A variable that others determine has no share of its own to give.
                    false => root[j][j] == 0.0 && rest.abs() > ROUNDING,
                };
                if is_wrong {
                    let message = "no variables can have these correlations";
                    let error = Diagnostic::error(self.span, message)
                        .label("not a positive semi-definite matrix")
                        .hint("two that go with a third have to go with each other");
                    cx.report(error);
                    return None;
                }
                root[i][j] = if i == j {
                    if rest > ROUNDING { rest.sqrt() } else { 0.0 }
                } else if root[j][j] == 0.0 {
                    0.0
                } else {
                    rest / root[j][j]
                };
            }
        }
        Some(root)
    }

    /// The correlations of the normal numbers, checked.
    fn matrix(&self, cx: &mut Compiler<'_>) -> Option<Vec<Vec<f64>>> {
        let k = self.variables.len();
        let latent = |rho: f64| if self.is_of_ranks { 2.0 * (PI * rho / 6.0).sin() } else { rho };
        let rows = match &self.correlations {
            Correlations::All(rho) => {
                let rho = latent(self.one(cx, rho)?);
                let entry = |i: usize, j: usize| if i == j { 1.0 } else { rho };
                return Some((0..k).map(|i| (0..k).map(|j| entry(i, j)).collect()).collect());
            }
            Correlations::Rows(rows) => rows,
        };
        let complain = |cx: &mut Compiler<'_>, message: String| {
            let label = "expected a row for each variable, symmetric, with 1 on the diagonal";
            cx.report(Diagnostic::error(self.span, message).label(label));
        };
        if rows.len() != k || rows.iter().any(|row| row.len() != k) {
            complain(cx, format!("this is no matrix of {k} by {k}"));
            return None;
        }
        let mut matrix = vec![vec![1.0; k]; k];
        for i in 0..k {
            for j in 0..k {
                matrix[i][j] = self.one(cx, &rows[i][j])?;
            }
        }
        for i in 0..k {
            if let Some(j) = (0..k).find(|j| matrix[i][*j] != matrix[*j][i]) {
                let (a, b) = (shown(matrix[i][j]), shown(matrix[j][i]));
                let (x, y) = (&self.variables[i].0.text, &self.variables[j].0.text);
                complain(cx, format!("`{x}` and `{y}` have two correlations, {a} and {b}"));
                return None;
            }
            if matrix[i][i] != 1.0 {
                let (x, own) = (&self.variables[i].0.text, shown(matrix[i][i]));
                complain(cx, format!("the correlation of `{x}` with itself is {own}"));
                return None;
            }
        }
        Some(matrix.into_iter().map(|row| row.into_iter().map(latent).collect()).collect())
    }

    fn one(&self, cx: &mut Compiler<'_>, rho: &Scalar) -> Option<f64> {
        let value = cx.constant(rho, "correlation")?;
        if (-1.0..=1.0).contains(&value) {
            return Some(value);
        }
        let message = format!("{} is not a correlation", shown(value));
        let error = Diagnostic::error(rho.span(), message);
        cx.report(error.label("expected a number between -1 and 1"));
        None
    }
}
