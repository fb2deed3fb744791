//! The input of every linear and mixed model: rows, their predictors and outcomes.

/// Rows of a model, sorted so that each group (cluster) is one contiguous run.
///
/// Observations of one group that share all their predictors may be *collapsed* into one row that
/// carries their number, their mean outcome and their sum of squares around that mean. Least
/// squares, its robust variances and a random-intercept model depend on the observations only
/// through these, exactly; a treatment given to whole classes then costs a row per class.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// Predictors by column: column `j` of `p` is `x[j * m..(j + 1) * m]`, `m` rows.
    pub x: &'a [f64],
    /// Outcome of each row (mean outcome where rows are collapsed), length `m`.
    pub y: &'a [f64],
    /// What a row stands for.
    pub observations: Observations<'a>,
    /// Where groups begin: group `g` is rows `groups[g]..groups[g + 1]`; the last entry is `m`.
    /// Empty where the model has no groups. Groups of no rows are allowed and skipped.
    pub groups: &'a [u32],
}

/// What each row of a model stands for.
#[derive(Clone, Copy, Debug)]
pub enum Observations<'a> {
    /// One observation a row, all alike.
    Single,
    /// One observation a row, with prior weights `w > 0` (residual variance `sigma^2 / w`).
    Weighted(&'a [f64]),
    /// `count[i]` observations that share their predictors; `within[i]` is their sum of squares
    /// around the row's mean outcome. A count may be zero; such a row is skipped.
    Collapsed {
        /// Number of observations of each row, whole numbers.
        count: &'a [f64],
        /// Sum of squares of the outcome around the row's mean.
        within: &'a [f64],
    },
}

impl Rows<'_> {
    /// Number of rows `m`.
    pub fn len(&self) -> usize {
        self.y.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.y.is_empty()
    }

    /// Number of predictors `p`, zero where there are no rows.
    pub fn n_predictors(&self) -> usize {
        if self.y.is_empty() { 0 } else { self.x.len() / self.y.len() }
    }
}
