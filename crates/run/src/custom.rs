//! Diagnosands that designs declare: what is kept of the simulations for them, and how their
//! values, errors and evidence are read off it.
//!
//! A [`Sight`] computes what they look at, once for each row of a batch. Of each average the
//! moments are kept, and of each two the products around their means: all that the delta method
//! asks for. The formulas are in the manual, `trialrun explain Diagnosand`.

use trialrun_plan::{AverageKind, CustomDiagnosand, CustomDiagnosands, Form, Row, Workspace};
use trialrun_stats::moments::{Moments, Products};

use crate::check::{Evidence, Sample};
use crate::summary::{Measure, Scratch, Total, mean, rate, root_mean, sd};

/// What is kept of a diagnosand of the design's own, for one row.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct CustomTotal {
    /// Simulations that count and have a value.
    n: u64,
    /// Simulations that count and have none: what is averaged is not a finite number.
    undefined: u64,
    /// One for each average.
    averages: Vec<AverageTotal>,
    /// One for each two averages, the first before the second: (0, 1), (0, 2), (1, 2), (0, 3) ...
    products: Vec<Products>,
}

/// What is kept of an average.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct AverageTotal {
    moments: Moments,
    /// Simulations with the event, where the average is a share.
    events: u64,
    /// Moments of the variances of each eight successive values, where it is a variance.
    eights: Moments,
}

/// The numbers that diagnosands look at, in the simulations of a batch.
#[derive(Default)]
pub(crate) struct Sight {
    ws: Workspace,
    /// Simulations of the batch.
    n: usize,
    /// The place of the first average of each diagnosand among those of a row.
    starts: Vec<usize>,
    /// For each row and average, its values.
    values: Vec<f64>,
    /// For each row and diagnosand, whether simulations count.
    counts: Vec<bool>,
}

impl Sight {
    /// Looks at the rows of a batch. `columns`: results, `stride` for each row, of which the
    /// first `n` are filled.
    pub fn look(
        &mut self,
        custom: &CustomDiagnosands,
        columns: &[Row],
        (stride, n): (usize, usize),
        n_rows: usize,
    ) {
        self.n = n;
        self.starts.clear();
        self.starts.push(0);
        for own in &custom.list {
            self.starts.push(self.starts.last().unwrap_or(&0) + own.averages.len());
        }
        self.values.clear();
        self.counts.clear();
        if custom.list.is_empty() {
            return;
        }
        for row in 0..n_rows {
            let rows = &columns[row * stride..row * stride + n];
            custom.lens.look(&mut self.ws, rows);
            for own in &custom.list {
                for average in &own.averages {
                    self.values.extend_from_slice(&self.ws.column(average.column)[..n]);
                }
                let condition = own.condition.map(|column| self.ws.column(column));
                // A condition that is not defined counts, so that its value is missed.
                let holds = |i: usize| condition.is_none_or(|c| c[i] != 0.0);
                let counts = rows.iter().enumerate();
                self.counts.extend(counts.map(|(i, row)| has_row(own, row) && holds(i)));
                if let Some(condition) = condition {
                    let first = self.values.len() - own.averages.len() * n;
                    let undefined = (0..n).filter(|i| condition[*i].is_nan());
                    undefined.for_each(|i| self.values[first + i] = f64::NAN);
                }
            }
        }
    }

    /// The values of an average of a diagnosand, and which of them count.
    fn of(&self, row: usize, place: usize, average: usize) -> (&[f64], &[bool]) {
        let (n, n_custom) = (self.n, self.starts.len() - 1);
        let at = row * self.starts[n_custom] + self.starts[place] + average;
        let of_row = row * n_custom + place;
        (&self.values[at * n..(at + 1) * n], &self.counts[of_row * n..(of_row + 1) * n])
    }

    /// The values of the first average in the simulations in which both rows count.
    pub fn pairs(
        &self,
        place: usize,
        (a, b): (usize, usize),
    ) -> impl Iterator<Item = (f64, f64)> + '_ {
        let ((x, counts_x), (y, counts_y)) = (self.of(a, place, 0), self.of(b, place, 0));
        (0..self.n).filter(|i| counts_x[*i] && counts_y[*i]).map(|i| (x[i], y[i]))
    }
}

/// Whether a diagnosand looks at a row at all.
fn has_row(own: &CustomDiagnosand, row: &Row) -> bool {
    match row.fit {
        Ok(_) if row.is_joint => !own.needs_estimand && !own.needs_estimate,
        Ok(_) => row.estimand.is_some() || !own.needs_estimand,
        Err(_) => own.counts_failed,
    }
}

/// Whether two estimators are compared in a diagnosand.
pub(crate) fn is_compared(own: &CustomDiagnosand) -> bool {
    matches!(own.form(), Form::Rate | Form::Mean | Form::RootMean)
}

/// Reduces the paired rows of two estimators, where they are compared.
pub(crate) fn reduce_pair(
    own: &CustomDiagnosand,
    place: usize,
    pair: (usize, usize),
    sight: &Sight,
    scratch: &mut Scratch,
) -> Option<Total> {
    match own.form() {
        Form::Rate | Form::Mean => Some(scratch.differences(sight.pairs(place, pair))),
        Form::RootMean => Some(Total::Joint(scratch.joint(sight.pairs(place, pair)))),
        Form::Sd | Form::Function => None,
    }
}

impl CustomTotal {
    /// Reduces a batch, in the place of what was here.
    pub fn reduce(
        &mut self,
        own: &CustomDiagnosand,
        (row, place): (usize, usize),
        sight: &Sight,
        scratch: &mut Scratch,
    ) {
        let columns = |average: usize| sight.of(row, place, average);
        let n_averages = own.averages.len();
        let is_finite = |i: &usize| (0..n_averages).all(|a| columns(a).0[*i].is_finite());
        let counts = columns(0).1;
        let (mut n, mut undefined) = (0, 0);
        for i in (0..sight.n).filter(|i| counts[*i]) {
            if is_finite(&i) { n += 1 } else { undefined += 1 }
        }
        (self.n, self.undefined) = (n, undefined);
        scratch.averages.resize_with(scratch.averages.len().max(n_averages), Vec::new);
        self.averages.clear();
        self.products.clear();
        for (a, average) in own.averages.iter().enumerate() {
            let mut values = std::mem::take(&mut scratch.averages[a]);
            values.clear();
            let used = (0..sight.n).filter(|i| counts[*i]).filter(is_finite);
            values.extend(used.map(|i| columns(a).0[i]));
            let mut total = AverageTotal { moments: Moments::of(&values), ..Default::default() };
            match average.kind {
                AverageKind::Share => {
                    total.events = values.iter().filter(|value| **value != 0.0).count() as u64;
                }
                AverageKind::Variance => total.eights = scratch.eights_of(&values),
                AverageKind::Mean => {}
            }
            for b in 0..a {
                let means = (self.averages[b].moments.mean, total.moments.mean);
                self.products.push(Products::of(&scratch.averages[b], &values, means));
            }
            self.averages.push(total);
            scratch.averages[a] = values;
        }
    }

    /// Adds what came later.
    pub fn merge(&mut self, later: &Self) {
        self.n += later.n;
        self.undefined += later.undefined;
        for b in 1..self.averages.len() {
            for a in 0..b {
                let own = (&self.averages[a].moments, &self.averages[b].moments);
                let other = (&later.averages[a].moments, &later.averages[b].moments);
                let place = pair(a, b);
                self.products[place].merge(own, &later.products[place], other);
            }
        }
        for (total, new) in self.averages.iter_mut().zip(&later.averages) {
            total.moments.merge(&new.moments);
            total.eights.merge(&new.eights);
            total.events += new.events;
        }
    }

    /// The diagnosand with its Monte Carlo error.
    pub fn measure(&self, own: &CustomDiagnosand) -> Measure {
        if self.undefined > 0 {
            let (n, undefined) = (self.n, self.undefined);
            return Measure { n, undefined, ..Measure::default() };
        }
        let first = &self.averages[0];
        match own.form() {
            Form::Rate => rate(first.events, self.n),
            Form::Mean => mean(&first.moments),
            Form::RootMean => root_mean(&first.moments),
            Form::Sd => sd(&first.moments),
            Form::Function => self.function(own),
        }
    }

    /// The value of a function of averages; its error by the delta method.
    fn function(&self, own: &CustomDiagnosand) -> Measure {
        let n = self.n as f64;
        let has_all = own.averages.iter().all(|a| self.n >= least(a.kind));
        if !has_all {
            return Measure { n: self.n, ..Measure::default() };
        }
        let averages: Vec<f64> = own
            .averages
            .iter()
            .zip(&self.averages)
            .map(|(average, total)| match average.kind {
                AverageKind::Share => total.events as f64 / n,
                AverageKind::Mean => total.moments.mean,
                AverageKind::Variance => total.moments.m2 / (n - 1.0),
            })
            .collect();
        let gradient = own.function.gradient(&averages);
        // What does not vary has no say, however steep the function is there.
        let varies = |a: &usize| self.averages[*a].moments.m2 > 0.0;
        let mut variance = 0.0;
        for a in (0..averages.len()).filter(varies) {
            for b in (0..averages.len()).filter(varies) {
                variance += gradient[a] * gradient[b] * self.covariance(own, a, b);
            }
        }
        let error = variance.max(0.0).sqrt();
        let error = if variance.is_nan() { f64::NAN } else { error };
        Measure::new(self.n, Some(own.function.value(&averages)), Some(error))
    }

    /// The covariance of two averages.
    fn covariance(&self, own: &CustomDiagnosand, a: usize, b: usize) -> f64 {
        let n = self.n as f64;
        let (x, y) = (&self.averages[a].moments, &self.averages[b].moments);
        let Products { xy, xxy, xyy, xxyy } = match a.cmp(&b) {
            std::cmp::Ordering::Equal => Products { xy: x.m2, xxy: x.m3, xyy: x.m3, xxyy: x.m4 },
            std::cmp::Ordering::Less => self.products[pair(a, b)],
            std::cmp::Ordering::Greater => {
                let Products { xy, xxy, xyy, xxyy } = self.products[pair(b, a)];
                Products { xy, xxy: xyy, xyy: xxy, xxyy }
            }
        };
        let is_variance = |place: usize| own.averages[place].kind == AverageKind::Variance;
        match (is_variance(a), is_variance(b)) {
            (false, false) => xy / (n * (n - 1.0)),
            (false, true) => xyy / (n * (n - 1.0)),
            (true, false) => xxy / (n * (n - 1.0)),
            (true, true) => {
                let of_both = x.m2 / (n - 1.0) * (y.m2 / (n - 1.0));
                let covariance = xy / (n - 1.0);
                (xxyy / n - of_both) / n + 2.0 * covariance * covariance / (n * (n - 1.0))
            }
        }
    }

    /// What the simulations tell about the diagnosand; none where it is not defined in some.
    pub fn evidence(&self, own: &CustomDiagnosand) -> Option<Evidence> {
        if self.undefined > 0 {
            return None;
        }
        let of = |(average, total): (&trialrun_plan::Average, &AverageTotal)| match average.kind {
            AverageKind::Share => Evidence::Rate { n: self.n, events: total.events },
            AverageKind::Mean => Evidence::Mean(Sample::of(&total.moments)),
            AverageKind::Variance => Evidence::Mean(Sample::of(&total.eights)),
        };
        let averages: Vec<Evidence> = own.averages.iter().zip(&self.averages).map(of).collect();
        Some(match (own.form(), averages.as_slice()) {
            (Form::Rate | Form::Mean, [one]) => one.clone(),
            (Form::RootMean, [Evidence::Mean(sample)]) => Evidence::RootMean(*sample),
            (Form::Sd, [Evidence::Mean(sample)]) => Evidence::Sd(*sample),
            _ => Evidence::Function { n: self.n, averages, function: own.function.clone() },
        })
    }
}

/// Fewest simulations with which an average has a value.
fn least(kind: AverageKind) -> u64 {
    if kind == AverageKind::Variance { 2 } else { 1 }
}

/// The place of the products of averages `a < b`.
fn pair(a: usize, b: usize) -> usize {
    b * (b - 1) / 2 + a
}

#[cfg(test)]
mod tests;
