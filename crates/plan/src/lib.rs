//! A declared design, compiled to a plan that does one simulation.
//!
//! Three stages, three words. *Declared*: a [`Design`] has names and places in the file.
//! *Compiled*: a [`Plan`] has indices and sizes; it is immutable and shared by all threads.
//! *Drawn*: a [`Workspace`] has the numbers of one simulation, one for each thread.

pub mod compile;
mod data_set;
pub mod declared;
pub mod estimators;
pub mod exec;
pub mod functions;
pub mod ids;
pub mod inference;
pub mod manual;
mod plan;
mod result;
mod rows;
pub mod steps;
mod subjects;
pub mod table;

use trialrun_lang::{Diagnostic, suggestion};

pub use compile::{
    Average, AverageKind, CustomDiagnosand, CustomDiagnosands, DiagnosandInfo, Expectation, Form,
    Scope,
};
use compile::{Binding, Compiler};
pub use declared::{Better, Design, Diagnosis, Expect, Name, read};
pub use estimators::{Coefficient, Details, Estimation, Mode, Test};
pub use exec::allocation::{Allocation, AllocationInfo, Probabilities, Structure};
pub use exec::{Stop, Workspace};
pub use ids::{AllocationId, ColumnId, LevelId};
pub use plan::{ColumnInfo, EstimandInfo, LevelInfo, Limits, Made, Plan, Size, Variable};
pub use result::{Estimate, Row};
pub use rows::{Aim, EstimatorInfo, RowInfo};
pub use subjects::{FamilyInfo, Member, Subject, SubjectKind};
pub use table::{Table, TableColumn, Values};

/// What compilation takes beside the design.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// Values of parameters that replace those of the file.
    pub overrides: &'a [(String, f64)],
    /// Level of tests that replaces that of the file.
    pub alpha: Option<f64>,
    /// Limits on the size of a simulation.
    pub limits: Limits,
    /// The diagnosands that expectations can be about.
    pub diagnosands: &'a [DiagnosandInfo],
    /// Data files that Data steps read, by name.
    pub files: &'a [(String, Table)],
    /// Whether the probabilities of all assignments and samples are found, used or not.
    pub probabilities: bool,
}

/// Compiles a design; warnings are kept in the plan.
///
/// # Errors
/// Every error of the design, and the warnings.
pub fn compile(design: &Design, options: &Options<'_>) -> Result<Plan, Vec<Diagnostic>> {
    compile_with(design, options, None)
}

/// Compiles the estimators of a design for real data: one flat table in the place of the
/// population. Level, PotentialOutcomes, Estimand, Assignment and Reveal steps are passed over.
///
/// # Errors
/// Every error of the steps that are used, and the warnings.
pub fn compile_for_data(
    design: &Design,
    options: &Options<'_>,
    data: &Table,
) -> Result<Plan, Vec<Diagnostic>> {
    compile_with(design, options, Some(data))
}

fn compile_with(
    design: &Design,
    options: &Options<'_>,
    data: Option<&Table>,
) -> Result<Plan, Vec<Diagnostic>> {
    let alpha = options.alpha.unwrap_or(design.diagnosis.alpha);
    let mut cx = Compiler::new(alpha, options.limits, data);
    cx.files = options.files;
    cx.doubtful.clone_from(&design.lost);
    if data.is_none() {
        for (kind, name) in design.steps.iter().flat_map(steps::Step::declares) {
            cx.declared.entry((kind, name.text)).or_insert(name.span);
        }
    }
    if let Some(table) = data {
        cx.bind_data(table);
    }
    let parameters = bind_parameters(&mut cx, design, options);
    let mut marks = Vec::with_capacity(design.steps.len());
    let mut deepest = cx.frame;
    for step in &design.steps {
        step.compile(&mut cx);
        marks.push(cx.mark());
        if !cx.is_above(cx.frame, deepest) && !cx.is_grouped(cx.frame) {
            deepest = cx.frame;
        }
    }
    let custom = cx.custom_diagnosands(design, &parameters, options.diagnosands);
    let expectations = cx.expectations(design, options.diagnosands, &custom.list);
    if cx.failed() {
        return Err(cx.diagnostics);
    }
    let (parent_runs, n_ops_allocating) = (cx.parent_runs(), cx.ops_allocating());
    let allocations = cx.settle_allocations(options.probabilities);
    cx.estimations.iter().for_each(|estimation| estimation.link(&cx.ops));
    let links = cx.links_of_levels();
    Ok(Plan {
        name: design.name.clone(),
        description: design.description.clone(),
        alpha,
        levels: cx.levels,
        variables: cx.variables,
        estimands: cx.estimands,
        estimators: cx.estimators,
        families: cx.families,
        allocations,
        labels: cx.labels,
        warnings: cx.diagnostics,
        notes: cx.notes,
        deepest,
        estimations: cx.estimations,
        fingerprint: design.fingerprint(&parameters, alpha, options.files),
        custom,
        expectations: expectations.list,
        drift: expectations.drift,
        parameters,
        columns: cx.columns,
        ops: cx.ops,
        marks,
        parent_runs,
        n_ops_allocating,
        links,
        n_links: cx.n_links as usize,
        fixed_levels: cx.fixed_levels,
        n_runs: cx.runs.len(),
        n_groupings: cx.n_groupings as usize,
        n_registers: usize::from(cx.n_registers),
        n_data_rows: data.map_or(0, Table::n_rows),
    })
}

/// Gives parameters their values; an override of a parameter that the design lacks is an error.
fn bind_parameters(
    cx: &mut Compiler<'_>,
    design: &Design,
    options: &Options<'_>,
) -> Vec<(String, f64)> {
    let known: Vec<String> = design.parameters.iter().map(|(n, _)| n.text.clone()).collect();
    for (name, _) in options.overrides {
        if !known.contains(name) {
            let hint = suggestion(name, &known)
                .unwrap_or_else(|| "the design declares no parameters".to_string());
            let message = format!("there is no parameter `{name}` to set");
            cx.report(Diagnostic::error(None, message).hint(hint));
        }
    }
    let mut parameters = Vec::new();
    for (name, value) in &design.parameters {
        let given = options.overrides.iter().rev().find(|(n, _)| *n == name.text);
        let value = given.map_or(*value, |(_, v)| *v);
        let real_data_have_it = cx.data.is_some() && cx.binding(&name.text).is_some();
        if !real_data_have_it {
            cx.bind(name, Binding::Parameter(value));
        }
        parameters.push((name.text.clone(), value));
    }
    parameters
}
