//! The random effects of each group of real data: their conditional modes, and the group's
//! coefficients.

use trialrun_stats::lmm::mixed;

use super::model::category_label;

/// One random effect of one group.
#[derive(Clone, Debug, PartialEq)]
pub struct Mode {
    /// What groups: `class`, or `class:school`.
    pub group: String,
    /// Which group.
    pub label: String,
    /// What varies: the intercept, or the slope of a variable.
    pub term: String,
    /// The conditional mode: how far the group is from the mean of all.
    pub mode: f64,
    /// Standard deviation of the effect given the outcome, all else taken as known.
    pub std_dev: f64,
    /// The group's coefficient: the mode, and the fixed effect of the term of that name.
    pub coefficient: f64,
}

/// What a fit finds: the modes, not yet with fixed effects, and these, one a column of the model.
pub struct Found {
    /// All effects of all groups, factor after factor.
    pub modes: Vec<Mode>,
    /// Coefficients, zero where a column was dropped.
    pub beta: Vec<f64>,
}

impl Found {
    /// The modes, with the fixed effects of `terms`, the model's columns, in the coefficients.
    pub fn complete(mut self, terms: &[String]) -> Vec<Mode> {
        for mode in &mut self.modes {
            if let Some(at) = terms.iter().position(|term| *term == mode.term) {
                mode.coefficient += self.beta[at];
            }
        }
        self.modes
    }
}

/// A grouping factor, and the variables whose combinations its groups are.
pub struct Grouping {
    /// What it is called.
    pub label: String,
    /// Places of the variables among a model's extra columns, each with its set of labels.
    pub keys: Vec<(usize, Option<u32>)>,
}

impl Grouping {
    /// Names the modes of a factor with these effects; `columns` are the extra columns, `sets` the
    /// plan's sets of labels.
    pub fn name(
        &self,
        found: &mixed::Modes,
        effects: &[String],
        columns: &[&[f64]],
        sets: &[Vec<String>],
    ) -> Vec<Mode> {
        let label = |row: usize| -> String {
            let one = |(key, set): &(usize, _)| category_label(columns[*key][row], *set, sets);
            self.keys.iter().map(one).collect::<Vec<_>>().join(":")
        };
        let values = found.modes.iter().zip(&found.std_devs);
        let each = values.enumerate().map(|(i, (&mode, &std_dev))| Mode {
            group: self.label.clone(),
            label: label(found.rows[i / effects.len()]),
            term: effects[i % effects.len()].clone(),
            mode,
            std_dev,
            coefficient: mode,
        });
        each.collect()
    }
}
