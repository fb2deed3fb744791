//! What an estimator reports, row by row.
//!
//! An estimator fits its model once for each outcome. Each coefficient that it reports has a row
//! for every estimand that it is held against; rows of one estimand follow one another. Joint tests
//! come last: each has a row for every outcome, and no estimand.

use trialrun_lang::Span;

use crate::ids::LevelId;

/// An estimator.
#[derive(Clone, Debug)]
pub struct EstimatorInfo {
    /// Its label.
    pub label: String,
    /// What its coefficients are estimates of; one at least.
    pub aims: Vec<Aim>,
    /// The terms whose coefficients are reported, for each aim.
    pub terms: Vec<String>,
    /// Whether every term is reported.
    pub reports_all: bool,
    /// Joint tests that have rows: what they are tests of, and their name.
    pub joint: Vec<(Aim, String)>,
    /// Its first row among the results of a simulation.
    pub first_row: usize,
    /// The level whose units are its rows.
    pub level: LevelId,
    /// Where its label stands.
    pub span: Span,
}

/// An outcome, and an estimand that coefficients are held against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aim {
    /// The outcome: the response of the formula, or one of several.
    pub outcome: String,
    /// The estimand's label.
    pub estimand: Option<String>,
}

/// What a row of results is.
#[derive(Clone, Copy, Debug)]
pub struct RowInfo<'p> {
    /// The estimator.
    pub estimator: &'p EstimatorInfo,
    /// Outcome and estimand.
    pub aim: &'p Aim,
    /// The term, or the joint test.
    pub term: &'p str,
    /// Whether it is a joint test.
    pub is_joint: bool,
}

impl EstimatorInfo {
    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.aims.len() * self.terms.len() + self.joint.len()
    }

    /// Its rows in their order.
    pub fn rows(&self) -> impl Iterator<Item = RowInfo<'_>> {
        let row = |aim, term, is_joint| RowInfo { estimator: self, aim, term, is_joint };
        let of_aim = move |aim| self.terms.iter().map(move |term| row(aim, term.as_str(), false));
        let joint = self.joint.iter().map(move |(aim, name)| row(aim, name.as_str(), true));
        self.aims.iter().flat_map(of_aim).chain(joint)
    }

    /// Its outcomes, each once.
    pub fn outcomes(&self) -> Vec<&str> {
        let mut outcomes: Vec<&str> = self.aims.iter().map(|aim| aim.outcome.as_str()).collect();
        outcomes.dedup();
        outcomes
    }

    /// Its estimands, each once.
    pub fn estimands(&self) -> Vec<&str> {
        let mut estimands: Vec<&str> = Vec::new();
        for estimand in self.aims.iter().filter_map(|aim| aim.estimand.as_deref()) {
            if !estimands.contains(&estimand) {
                estimands.push(estimand);
            }
        }
        estimands
    }

    /// Whether it has rows that differ in their estimand alone.
    pub fn has_several_estimands(&self) -> bool {
        self.aims.len() > self.outcomes().len()
    }
}

impl RowInfo<'_> {
    /// The outcome and the estimand, where the estimator has several.
    fn aim_words(&self) -> Vec<&str> {
        let mut words = Vec::new();
        if self.estimator.outcomes().len() > 1 {
            words.push(self.aim.outcome.as_str());
        }
        if self.estimator.has_several_estimands() {
            words.extend(self.aim.estimand.as_deref());
        }
        words
    }

    /// The term, with what else tells the row apart from others of its estimator: `z (att)`.
    pub fn qualified_term(&self) -> String {
        match self.aim_words().as_slice() {
            [] => self.term.to_string(),
            words => format!("{} ({})", self.term, words.join(", ")),
        }
    }

    /// The estimator's label, with what tells the row apart from others of it.
    pub fn label(&self) -> String {
        let several = self.is_joint || self.estimator.terms.len() > 1;
        let term = several.then_some(self.term);
        let words: Vec<&str> = term.into_iter().chain(self.aim_words()).collect();
        let label = &self.estimator.label;
        if words.is_empty() { label.clone() } else { format!("{label} ({})", words.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimator(terms: &[&str], aims: &[(&str, Option<&str>)]) -> EstimatorInfo {
        let aim = |(outcome, estimand): &(&str, Option<&str>)| Aim {
            outcome: (*outcome).into(),
            estimand: estimand.map(str::to_string),
        };
        EstimatorInfo {
            label: "E".into(),
            aims: aims.iter().map(aim).collect(),
            terms: terms.iter().map(|t| (*t).to_string()).collect(),
            reports_all: false,
            joint: Vec::new(),
            first_row: 0,
            level: LevelId(1),
            span: Span { start: 0, end: 0 },
        }
    }

    fn labels(info: &EstimatorInfo) -> Vec<(String, String)> {
        info.rows().map(|row| (row.label(), row.qualified_term())).collect()
    }

    #[test]
    fn rows_are_named_as_far_as_it_takes() {
        let pair = |a: &str, b: &str| (a.to_string(), b.to_string());
        assert_eq!(labels(&estimator(&["z"], &[("y", None)])), [pair("E", "z")]);
        assert_eq!(
            labels(&estimator(&["z", "x"], &[("y", Some("ate"))])),
            [pair("E (z)", "z"), pair("E (x)", "x")]
        );
        assert_eq!(
            labels(&estimator(&["z"], &[("y", Some("ate")), ("y", Some("att"))])),
            [pair("E (ate)", "z (ate)"), pair("E (att)", "z (att)")]
        );
        let two = estimator(&["z"], &[("a", Some("ate")), ("b", None)]);
        assert_eq!(labels(&two), [pair("E (a)", "z (a)"), pair("E (b)", "z (b)")]);
        let both = estimator(&["z", "x"], &[("a", Some("ate")), ("a", Some("att")), ("b", None)]);
        assert_eq!(both.n_rows(), 6);
        assert_eq!(labels(&both)[3], pair("E (x, a, att)", "x (a, att)"));
        assert_eq!(labels(&both)[4], pair("E (z, b)", "z (b)"));
        assert_eq!((both.outcomes(), both.estimands()), (vec!["a", "b"], vec!["ate", "att"]));
        let tests = ["a", "b"].map(|outcome| {
            (Aim { outcome: outcome.into(), estimand: None }, "joint(z, x)".to_string())
        });
        let tested = EstimatorInfo { joint: tests.to_vec(), ..both };
        assert_eq!(tested.n_rows(), 8);
        assert_eq!(labels(&tested)[7], pair("E (joint(z, x), b)", "joint(z, x) (b)"));
        assert_eq!(tested.rows().filter(|row| row.is_joint).count(), 2);
    }
}
