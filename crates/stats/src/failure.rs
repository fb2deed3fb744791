//! Why a fit could not be made.

/// The reason for a failed fit. Each failed simulation is counted under its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Failure {
    /// No row is left to fit: the data set is empty, or every row has a missing value.
    NoRows,
    /// A value of the model is infinite or not a number.
    NotFinite,
    /// The coefficient asked for is not estimable: its column is a combination of the others.
    TermDropped,
    /// Rows minus coefficients (or clusters minus one) leave no degree of freedom, or so small a
    /// part of one that an interval has no ends.
    NoResidualDf,
    /// A clustered standard error needs at least two clusters.
    TooFewClusters,
    /// A mixed model needs at least two groups, and fewer groups than rows.
    TooFewGroups,
    /// The standard error is zero: the outcome does not vary around the fit.
    ZeroStandardError,
    /// The variance of a coefficient is below zero: clusters of several ways do not exclude it.
    NegativeVariance,
    /// The variance of several hypotheses is singular: there are no more clusters than these.
    SingularVariance,
    /// A weight is negative, or all weights are zero.
    BadWeights,
    /// The optimiser did not reach an optimum.
    NotConverged,
    /// A condition has no unit, in all or in a block.
    EmptyArm,
    /// A category of a random effect has no row.
    EmptyCategory,
    /// One unit or cluster is alone in an arm, and no other block is like that.
    TooFewInArm,
    /// Units of one cluster have different conditions.
    MixedCluster,
    /// A cluster has units in more than one block.
    SplitCluster,
    /// The treatment has a value that is no condition.
    NotACondition,
    /// Crossed groups are so many that their matrix does not fit into memory.
    TooLarge,
    /// An outcome that the family does not allow: no share of successes, a negative count.
    OutcomeNotAllowed,
    /// Some combination of the predictors separates the outcomes: the likelihood has no maximum.
    Separation,
    /// An intercept or an interaction has no average marginal effect.
    NoMarginalEffect,
    /// The instruments do not tell the predictors apart.
    UnderIdentified,
    /// The probability of a unit's condition is zero, or not known.
    NoProbability,
    /// The standard error asks for simple assignment to two conditions.
    NeedsSimple,
    /// Most replicates of a bootstrap had no estimate.
    ReplicatesLost,
    /// The design could not have assigned the treatment of the data.
    NotAssigned,
    /// The estimand of the simulation is not a finite number.
    NoEstimand,
}

impl Failure {
    /// Every reason, in the order in which reports list them.
    pub const ALL: [Self; 27] = [
        Self::NoRows,
        Self::NotFinite,
        Self::TermDropped,
        Self::NoResidualDf,
        Self::TooFewClusters,
        Self::TooFewGroups,
        Self::ZeroStandardError,
        Self::NegativeVariance,
        Self::SingularVariance,
        Self::BadWeights,
        Self::NotConverged,
        Self::EmptyArm,
        Self::EmptyCategory,
        Self::TooFewInArm,
        Self::MixedCluster,
        Self::SplitCluster,
        Self::NotACondition,
        Self::TooLarge,
        Self::OutcomeNotAllowed,
        Self::Separation,
        Self::NoMarginalEffect,
        Self::UnderIdentified,
        Self::NoProbability,
        Self::NeedsSimple,
        Self::ReplicatesLost,
        Self::NotAssigned,
        Self::NoEstimand,
    ];

    /// The reason's name in JSON and CSV.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoRows => "no_rows",
            Self::NotFinite => "not_finite",
            Self::TermDropped => "term_dropped",
            Self::NoResidualDf => "no_residual_df",
            Self::TooFewClusters => "too_few_clusters",
            Self::TooFewGroups => "too_few_groups",
            Self::ZeroStandardError => "zero_standard_error",
            Self::NegativeVariance => "negative_variance",
            Self::SingularVariance => "singular_variance",
            Self::BadWeights => "bad_weights",
            Self::NotConverged => "not_converged",
            Self::EmptyArm => "empty_arm",
            Self::EmptyCategory => "empty_category",
            Self::TooFewInArm => "too_few_in_arm",
            Self::MixedCluster => "mixed_cluster",
            Self::SplitCluster => "split_cluster",
            Self::NotACondition => "not_a_condition",
            Self::TooLarge => "too_large",
            Self::OutcomeNotAllowed => "outcome_not_allowed",
            Self::Separation => "separation",
            Self::NoMarginalEffect => "no_marginal_effect",
            Self::UnderIdentified => "under_identified",
            Self::NoProbability => "no_probability",
            Self::NeedsSimple => "needs_simple",
            Self::ReplicatesLost => "replicates_lost",
            Self::NotAssigned => "not_assigned",
            Self::NoEstimand => "no_estimand",
        }
    }

    /// The reason in words, for a reader who has to mend the design.
    pub fn explain(self) -> &'static str {
        match self {
            Self::NoRows => "no row is left to fit",
            Self::NotFinite => "a value of the model is infinite or not a number",
            Self::TermDropped => "the term's column is a combination of the other columns",
            Self::NoResidualDf => "no residual degree of freedom is left",
            Self::TooFewClusters => "a clustered standard error needs two clusters or more",
            Self::TooFewGroups => "a mixed model needs two groups or more, and fewer than rows",
            Self::ZeroStandardError => "the standard error is zero",
            Self::NegativeVariance => "clusters of several ways gave a variance below zero",
            Self::SingularVariance => {
                "the variance of several hypotheses is singular: no more clusters than hypotheses"
            }
            Self::BadWeights => "a weight is negative, or all are zero",
            Self::NotConverged => "the optimiser did not reach an optimum",
            Self::EmptyArm => "a condition has no unit, in all or in a block",
            Self::EmptyCategory => "a category of a random effect has no row",
            Self::TooFewInArm => {
                "a unit or cluster is alone in its arm, and no other block is like that"
            }
            Self::MixedCluster => "units of one cluster have different conditions",
            Self::SplitCluster => "a cluster has units in more than one block",
            Self::NotACondition => "the treatment has a value that is no condition",
            Self::TooLarge => "crossed groups are too many for one matrix",
            Self::OutcomeNotAllowed => "an outcome is none that the family allows",
            Self::Separation => "the predictors separate the outcomes: there is no estimate",
            Self::NoMarginalEffect => "an intercept or interaction has no marginal effect",
            Self::UnderIdentified => "the instruments do not tell the predictors apart",
            Self::NoProbability => "the probability of a unit's condition is zero, or not known",
            Self::NeedsSimple => "the standard error asks for simple assignment to two conditions",
            Self::ReplicatesLost => "most replicates of the bootstrap had no estimate",
            Self::NotAssigned => "the design could not have assigned the treatment of the data",
            Self::NoEstimand => "the estimand is not a finite number",
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.explain())
    }
}

impl std::error::Error for Failure {}
