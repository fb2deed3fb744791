//! What makes a data set hostile.

/// An ugly feature of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twist {
    /// None: data as a study has them.
    Tame,
    /// Nearly every group has one row.
    GroupsOfOne,
    /// All rows are in one group.
    OneGroup,
    /// Two or three rows in all.
    FewRows,
    /// A predictor, or a slope, that does not vary.
    ConstantPredictor,
    /// A predictor that is another one, but for a billionth.
    Collinear,
    /// A predictor that varies between groups only.
    PredictorOfGroups,
    /// As many predictors as rows, or more.
    ManyPredictors,
    /// A predictor that is not zero in one row only.
    LonePredictor,
    /// A predictor, and its slope, in units of 1e-150 to 1e150.
    ScaledPredictor,
    /// A predictor, and its slope, around 1e6 to 1e9.
    ShiftedPredictor,
    /// Predictors between 1e-13 and 1e13.
    HeavyPredictor,
    /// Groups that are alike, more alike than chance allows.
    NoVariance,
    /// Both grouping factors have the same groups.
    SameGroups,
    /// Few of the combinations of groups have rows.
    EmptyCells,
    /// Weights of 1e-150 to 1e150 side by side.
    UnevenWeights,
    /// Most weights are zero.
    ZeroWeights,
    /// A number somewhere that is infinite or none, or the largest there is.
    NotFinite,
    /// The outcome in units of 1e-150 to 1e150.
    ScaledOutcome,
    /// 1e6 to 1e9 are added to the outcome.
    ShiftedOutcome,
    /// All outcomes are equal.
    FlatOutcome,
    /// Predictors, or groups, say what the outcome is.
    Explained,
    /// Predictors and groups leave a billionth of the outcome.
    TinyResidual,
    /// Outcomes between 1e-13 and 1e13.
    HeavyOutcome,
    /// A predictor separates the outcomes, perhaps but for one value.
    Separated,
    /// All outcomes are failures, or successes, or zero.
    AllAlike,
    /// A known part of the linear predictor of tens or hundreds.
    LargeOffset,
    /// Outcomes that their family may not allow.
    WrongOutcome,
    /// Many trials, or large counts.
    ManyTrials,
    /// Two or three of the others.
    Several,
}

use Twist::*;

/// Of predictors, groups and weights.
const OF_ROWS: [Twist; 18] = [
    Tame,
    GroupsOfOne,
    OneGroup,
    FewRows,
    ConstantPredictor,
    Collinear,
    PredictorOfGroups,
    ManyPredictors,
    LonePredictor,
    ScaledPredictor,
    ShiftedPredictor,
    HeavyPredictor,
    NoVariance,
    SameGroups,
    EmptyCells,
    UnevenWeights,
    ZeroWeights,
    NotFinite,
];
/// Of outcomes of linear models.
const OF_NUMBERS: [Twist; 6] =
    [ScaledOutcome, ShiftedOutcome, FlatOutcome, Explained, TinyResidual, HeavyOutcome];
/// Of outcomes of generalised linear models.
const OF_FAMILIES: [Twist; 5] = [Separated, AllAlike, LargeOffset, WrongOutcome, ManyTrials];

/// The twists of linear models, or of generalised linear ones; [`Several`] is the last.
pub fn all(is_linear: bool) -> Vec<Twist> {
    let own: &[Twist] = if is_linear { &OF_NUMBERS } else { &OF_FAMILIES };
    OF_ROWS.iter().chain(own).copied().chain([Several]).collect()
}
