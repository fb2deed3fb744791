//! Assigns units to conditions at random.
//!
//! `Simple` gives each unit a condition independently. `Complete` fixes how many units get each:
//! where the number of units times a probability is not whole, the remainder is drawn so that the
//! probability of each condition is exactly what is declared (systematic sampling of the
//! remainders). `Custom` draws one of a list of assignments. `SteppedWedge` lets clusters go over
//! to the treatment one after another. `LatinSquare` gives each row and each column of a square
//! every condition once. With `clusters`, whole clusters are assigned; with `blocks`, each block
//! is assigned on its own.
//!
//! # Fields
//! - `variable`: the name of the assigned variable.
//! - `method`: how units are assigned; see below. Equal probabilities if nothing is given.
//! - `clusters`: units that are assigned as wholes: a level, or a variable that has one value for
//!   each cluster. Clusters lie within blocks.
//! - `blocks`: a level, a variable that does not vary within a unit, or a list of them.
//! - `conditions`: the conditions; by default those of the potential outcomes, or `[0, 1]`.
//! - `level`: the level of the units; the current rows if it is left out.
//! - `rerandomise`: assignments are drawn again until covariates are balanced; see below.
//!
//! # Methods
//! - `Simple(prob, prob_each, prob_unit)`: `prob` is the probability of the second of two
//!   conditions, `prob_each` a list of probabilities, one for each condition. `prob_unit` is an
//!   expression with a probability for each unit, or a list of them, one for each condition.
//! - `Complete(prob, prob_each, m, m_each, balance)`: the same probabilities, or numbers of units:
//!   `m` get the second of two conditions, `m_each` is a list. Numbers are for each block. With
//!   `balance: true`, what is left over in the blocks is balanced across them: the number of units
//!   of each condition in all blocks together is its expectation, rounded down or up (controlled
//!   rounding, Cox 1987).
//! - `Custom(assignments, probabilities)`: a list of assignments, each a list of the units'
//!   conditions, in their order; equal probabilities, or a list of them.
//! - `SteppedWedge(time, starts, prob_each, m_each)`: `time` is an expression for the period of
//!   an observation. Each cluster draws one of `starts`, and has the second condition from then
//!   on. Equal numbers of clusters if nothing is given.
//! - `LatinSquare(row, column)`: expressions for the row and the column of a unit: as many rows
//!   and columns as conditions, one unit in each cell; with `blocks`, a square in each.
//!
//! # Expressions
//! The numbers of `Simple` and `Complete` may be expressions of the units' variables: one value
//! for all units of a block (for clusters, of the clusters' variables). `n_block` is the number of
//! units in the block. `prob: "if(urban, 0.3, 0.5)"` gives blocks their own probability,
//! `m: "floor(n_block / 3)"` their own number. What varies within a block goes into `prob_unit`.
//!
//! # Designs of several steps
//! A later assignment may depend on an earlier one. Factorial: `blocks: first` balances the second
//! within the first, and `prob: "if(first == 1, 0.5, 0)"` with it gives the second to the treated
//! alone. Split plot: the first with `clusters: field`, the second with `blocks: field`. Two-stage
//! saturation: `clusters: village` and conditions `[0, 0.25, 0.5]` for `saturation`, and then
//! `prob: "saturation"` with `blocks: village`. Matched pairs: a Match step, and `blocks: pair`.
//!
//! # Rerandomisation
//! `rerandomise: ( on: [age, income], acceptance: 0.05, tries: 10000 )` draws until the Mahalanobis
//! distance between the conditions' means is small (Morgan and Rubin 2012). `threshold` is the
//! largest distance; `acceptance` is the share of assignments to accept, by the chi-squared
//! approximation to the distance. After `tries` draws (10,000 if nothing is given) the run stops.
//!
//! # Probabilities
//! The probability of the condition that a unit got is a variable, `treatment_prob` for an
//! assignment of `treatment`, as for weights: `1 / treatment_prob`. It is exact, except for
//! rerandomised designs that are not one to one: there it is estimated from `draws` (1,000 if
//! nothing is given) accepted assignments, in each simulation.
//!
//! # Example
//! ```ron
//! Assignment(variable: treatment, method: Complete(prob: 0.5), clusters: class, blocks: school),
//! Assignment(variable: arm, method: Complete(prob_each: [0.5, 0.25, 0.25])),
//! Assignment(variable: visit, method: Complete(m: "floor(n_block / 3)"), blocks: [region, urban]),
//! Assignment(variable: offer, method: Simple(prob_unit: "inv_logit(need)")),
//! Assignment(variable: z, method: Custom(assignments: [[0, 1, 1, 0], [1, 0, 0, 1]])),
//! Assignment(variable: open, clusters: clinic,
//!     method: SteppedWedge(time: wave, starts: [2, 3, 4])),
//! Assignment(variable: feed, method: LatinSquare(row: animal, column: period)),
//! Assignment(variable: letter, method: Complete,
//!     rerandomise: ( on: [age, income], acceptance: 0.01 )),
//! ```

mod custom;
mod latin_square;
mod method;
mod rerandomise;
mod shares;
mod stepped_wedge;
mod units;

use std::sync::Arc;

use trialrun_lang::Diagnostic;

use super::{Declared, all_of};
use crate::compile::{Compiler, Condition, Context, Declares};
use crate::declared::{Conditions, Fields, Name, Reader};
use crate::exec::allocation::AllocationInfo;
use crate::exec::assign::probabilities::FindProbabilities;
use crate::exec::assign::{Assign, Lottery};
use crate::exec::random::stream_key;
use crate::ids::LevelId;
use crate::inference::MadeAssignment;
use method::Method;
use rerandomise::Rerandomise;
use units::Seats;
pub(crate) use units::in_groups;

/// A random assignment, as declared.
#[derive(Clone, Debug)]
pub struct Assignment {
    variable: Name,
    method: Method,
    clusters: Option<Name>,
    blocks: Vec<Name>,
    conditions: Option<Conditions>,
    level: Option<Name>,
    rerandomise: Option<Rerandomise>,
}

impl Declared for Assignment {
    fn read(r: &mut Reader, f: &mut Fields<'_>) -> Option<Self> {
        let variable = f.required(r, "variable", Reader::identifier);
        let method = f.required(r, "method", Method::read);
        let clusters = f.optional(r, "clusters", Reader::identifier);
        let blocks = f.optional(r, "blocks", |r, node| r.list(node, Reader::identifier));
        let conditions = f.optional(r, "conditions", Conditions::read);
        let level = f.optional(r, "level", Reader::identifier);
        let rerandomise = f.optional(r, "rerandomise", Rerandomise::read);
        Some(Self {
            variable: variable?,
            method: method?,
            clusters,
            blocks: blocks.unwrap_or_default(),
            conditions,
            level,
            rerandomise,
        })
    }

    fn compile(&self, cx: &mut Compiler<'_>) {
        if cx.data.is_some() {
            cx.unmade.push((self.clone(), cx.frame));
            return;
        }
        let (conditions, labels) = self.conditions(cx);
        let rows = cx.level_or_frame(self.level.as_ref());
        let seats = rows.and_then(|rows| Seats::compile(self, cx, rows));
        // After an error the variable exists all the same: its uses are not wrong.
        let fallback = seats.as_ref().map(|s| s.units.level()).or(rows).unwrap_or(cx.frame);
        let made = seats.and_then(|seats| self.method.compile(cx, &conditions, seats, rows));
        let made = made.and_then(|made| match &self.rerandomise {
            None => Some((made, None)),
            Some(wish) => {
                let accept = wish.compile(cx, made.seats.units.level(), made.n_arms)?;
                Some((made, Some(accept)))
            }
        });
        let level = made.as_ref().map_or(fallback, |(made, _)| made.level);
        let out = cx.new_column(level);
        cx.columns[out.idx()].labels = labels;
        cx.define_column(&self.variable, out, level);
        cx.assigned.push((self.variable.text.clone(), conditions.clone()));
        let Some((made, accept)) = made else { return };
        let (units, n_arms, span) = (made.seats.units, made.n_arms, self.method.span);
        let lottery = Arc::new(Lottery { units, n_arms, method: made.draw, accept, span });
        let wedge = made.wedge.map(Arc::new);
        let id = cx.next_allocation();
        let values = conditions.iter().map(|c| c.value).collect();
        let key = stream_key("assignment", &self.variable.text, 0);
        let (of_op, by) = (Arc::clone(&lottery), wedge.clone());
        let assign = Arc::new(Assign { lottery: of_op, id, values, wedge: by, out, key });
        let (variable, place) = (self.variable.text.clone(), cx.ops.len());
        cx.made.push(MadeAssignment { variable, assign: Arc::clone(&assign), place });
        cx.push(assign);
        let info = AllocationInfo {
            id,
            variable: self.variable.text.clone(),
            level,
            method: self.describe().replace('`', ""),
            arms: conditions.iter().map(|c| c.label.clone()).collect(),
        };
        let key = stream_key("probabilities", &self.variable.text, 0);
        let finder = move |out, joint| -> Box<dyn crate::exec::Op> {
            let (lottery, wedge) = (Arc::clone(&lottery), wedge.clone());
            Box::new(FindProbabilities { lottery, wedge, id, out, joint, key })
        };
        cx.allocate(info, self.probability_name(), self.variable.span, Box::new(finder));
    }

    fn declares(&self) -> Vec<(Declares, Name)> {
        let span = self.variable.span;
        let probability = Name { text: self.probability_name(), span };
        all_of(Declares::Variable, [self.variable.clone(), probability])
    }

    fn describe(&self) -> String {
        let mut text = self.method.describe(&self.variable.text);
        if let Some(clusters) = &self.clusters {
            text += &format!(", to clusters of `{}` as wholes", clusters.text);
        }
        if !self.blocks.is_empty() {
            let blocks: Vec<String> = self.blocks.iter().map(|b| format!("`{}`", b.text)).collect();
            text += &format!(", separately within each {}", blocks.join(" by "));
        }
        if let Some(wish) = &self.rerandomise {
            text += &wish.describe();
        }
        text
    }
}

impl Assignment {
    /// The assigned variable.
    pub(crate) fn variable(&self) -> &Name {
        &self.variable
    }

    /// The assignment of the rows of real data, which have the variable: its units and blocks are
    /// those that the data tell.
    pub(crate) fn of_data(
        &self,
        cx: &mut Compiler<'_>,
        rows: LevelId,
    ) -> Option<(Assign, Vec<Condition>)> {
        let Name { text, span } = &self.variable;
        let node = cx.resolve(text, *span, &Context::at(rows).for_a_name())?;
        let refused = if cx.labels_of(node).is_some() {
            Some("its conditions are names: numbers are needed")
        } else if self.level.is_some() {
            Some("its `level` is not one of the data")
        } else {
            None
        };
        let (conditions, _) = self.conditions(cx);
        let seats = Seats::compile(self, cx, rows)?;
        let made = self.method.compile(cx, &conditions, seats, Some(rows))?;
        let accept = match &self.rerandomise {
            None => None,
            Some(wish) => Some(wish.compile(cx, made.seats.units.level(), made.n_arms)?),
        };
        let refused = refused.or(made.wedge.is_some().then_some("a stepped wedge has times"));
        if let Some(reason) = refused {
            let message = format!("`{text}` can not be assigned again on real data");
            cx.report(Diagnostic::error(*span, message).label(reason));
            return None;
        }
        let out = cx.column_at(node, rows);
        let (units, n_arms, span) = (made.seats.units, made.n_arms, self.method.span);
        let lottery = Arc::new(Lottery { units, n_arms, method: made.draw, accept, span });
        let values = conditions.iter().map(|c| c.value).collect();
        let (id, key) = (cx.next_allocation(), stream_key("assignment", text, 0));
        Some((Assign { lottery, id, values, wedge: None, out, key }, conditions))
    }

    /// The name under which each row's probability can be used.
    fn probability_name(&self) -> String {
        format!("{}_prob", self.variable.text)
    }

    /// The conditions: declared here, or by the potential outcomes, or 0 and 1.
    fn conditions(&self, cx: &mut Compiler<'_>) -> (Vec<Condition>, Option<u32>) {
        if let Some(conditions) = &self.conditions {
            return (conditions.list.clone(), conditions.labels(cx));
        }
        for outcome in &cx.outcomes {
            let at = outcome.by.iter().position(|(name, _)| *name == self.variable.text);
            if let Some(at) = at {
                return (outcome.by[at].1.clone(), outcome.labels[at]);
            }
        }
        let condition = |value: f64| Condition { value, label: value.to_string() };
        (vec![condition(0.0), condition(1.0)], None)
    }
}
