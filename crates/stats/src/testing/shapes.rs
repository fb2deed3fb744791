//! The structures of random effects that mixed models are tried on.

use std::ops::Range;

use super::Random;
use crate::lmm::mixed::{Factor, Structure};

/// What varies between groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The intercept, `(1 | a)`.
    Intercept,
    /// Intercept and slope, `(1 + x | a)`.
    Slope,
    /// The two without correlation, `(x || a)`.
    SlopeAlone,
    /// The intercepts of groups in groups, `(1 | a) + (1 | b)`.
    Nested,
    /// The intercepts of two groupings, `(1 | b) + (1 | a)`.
    Crossed,
}

/// All of them.
pub const SHAPES: [Shape; 5] =
    [Shape::Intercept, Shape::Slope, Shape::SlopeAlone, Shape::Nested, Shape::Crossed];

/// A random intercept for the groups whose keys are in that column.
pub fn intercept(key: usize) -> Factor {
    Factor { keys: vec![key], effects: vec![None], blocks: block(0..1) }
}

/// One run of correlated effects.
pub fn block(range: Range<usize>) -> Vec<Range<usize>> {
    std::iter::once(range).collect()
}

impl Shape {
    /// The structure: the keys are columns 0 and 1, the slope is column 2.
    pub fn structure(self) -> Structure {
        let slope = Factor { effects: vec![None, Some(2)], ..intercept(0) };
        let factors = match self {
            Self::Intercept => vec![intercept(0)],
            Self::Slope => vec![Factor { blocks: block(0..2), ..slope }],
            Self::SlopeAlone => vec![Factor { blocks: vec![0..1, 1..2], ..slope }],
            Self::Nested => vec![intercept(0), intercept(1)],
            Self::Crossed => vec![intercept(1), intercept(0)],
        };
        Structure { factors }
    }

    /// The second grouping of rows whose first is `a`: its groups hold three of `a`, or six are
    /// crossed with it.
    pub fn second_keys(self, a: &[f64], r: &mut Random) -> Vec<f64> {
        match self {
            Self::Nested => a.iter().map(|a| (a / 3.0).floor()).collect(),
            _ => a.iter().map(|_| r.below(6) as f64).collect(),
        }
    }

    /// The part of a row's mean that varies, besides the first intercept: of its slope in group
    /// `a`, or of its second group.
    pub fn varies(self, slope: f64, x: f64, second: f64) -> f64 {
        match self {
            Self::Slope | Self::SlopeAlone => slope * x,
            Self::Nested | Self::Crossed => second,
            Self::Intercept => 0.0,
        }
    }
}
