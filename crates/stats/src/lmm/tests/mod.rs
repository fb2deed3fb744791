//! Tests of the random-intercept model, and the data sets that they share.

mod dense;
mod hostile;
mod invariance;
mod oracle;

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

/// SplitMix64, for test data only.
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn below(&mut self, n: usize) -> usize {
        (self.uniform() * n as f64) as usize
    }

    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (2.0 * std::f64::consts::PI * self.uniform()).cos()
    }
}

/// Asserts that two numbers agree to a relative tolerance.
#[track_caller]
fn assert_close(what: &str, ours: f64, theirs: f64, tolerance: f64) {
    let scale = ours.abs().max(theirs.abs());
    assert!(
        (ours - theirs).abs() <= tolerance * scale,
        "{what}: {ours} is not {theirs}, relative difference {:e}",
        (ours - theirs).abs() / scale
    );
}
