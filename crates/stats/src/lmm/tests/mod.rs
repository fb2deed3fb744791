//! Tests of the random-intercept model, and the data sets that they share.

mod dense;
mod hostile;
mod invariance;
mod oracle;

use crate::testing::{Random, close};
use crate::{Observations, Rows};

/// Rows that own their columns.
#[derive(Clone, Debug)]
struct Data {
    /// Predictors by column.
    x: Vec<f64>,
    y: Vec<f64>,
    groups: Vec<u32>,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Single,
    Weighted(Vec<f64>),
    Collapsed { count: Vec<f64>, within: Vec<f64> },
}

impl Data {
    fn rows(&self) -> Rows<'_> {
        let observations = match &self.kind {
            Kind::Single => Observations::Single,
            Kind::Weighted(w) => Observations::Weighted(w),
            Kind::Collapsed { count, within } => Observations::Collapsed { count, within },
        };
        Rows { x: &self.x, y: &self.y, observations, groups: &self.groups }
    }

    fn len(&self) -> usize {
        self.y.len()
    }

    fn p(&self) -> usize {
        self.x.len() / self.len()
    }

    /// Group of each row.
    fn group_of_rows(&self) -> Vec<usize> {
        let ends = self.groups.windows(2).enumerate();
        ends.flat_map(|(g, e)| (e[0]..e[1]).map(move |_| g)).collect()
    }
}
