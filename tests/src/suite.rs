//! Tests of the whole program in one binary; `allocation` has its own.
//!
//! - `oracle`: results of R, from design file and data file to numbers.
//! - `theory`: simulations against closed forms.
//! - `determinism`: the same bits whatever the threads; draws that do not move.
//! - `aims`: several estimands and outcomes of an estimator.
//! - `categories`: random effects of categories in simulations, against what is known of them.
//! - `enumeration`: all assignments of small designs: bias, variances, randomisation tests.
//! - `errors`: what the user is told about wrong designs.
//! - `expressions`: the compiled language against a plain walk of the tree.
//! - `frames`: potential outcomes, Reveal and Aggregate; the same on real data.
//! - `data`: populations from files.
//! - `fabrication`: drawn and derived variables against what they declare.
//! - `missing`: missing outcomes, take-up and spillovers.
//! - `joint`: joint tests of hypotheses in simulations.
//! - `models`: generalised linear and mixed models in simulations, against what is known of them.
//! - `outcomes`: several outcomes of one model, against a model for each.
//! - `assignment`: shares of conditions against what was declared.
//! - `resampling`: bootstraps and randomisation tests against what is known of them.
//! - `sampling`: samples against their probabilities, and what is left of a population.
//! - `structure`: crossed and linked levels, correlated variables.
//! - `tidy`: rules of the code base.

mod aims;
mod assignment;
mod categories;
mod common;
mod data;
mod determinism;
mod enumeration;
mod errors;
mod expressions;
mod fabrication;
mod frames;
mod joint;
mod missing;
mod models;
mod oracle;
mod outcomes;
mod quadrature;
mod resampling;
mod sampling;
mod sentences;
mod structure;
mod theory;
mod tidy;
mod walker;
