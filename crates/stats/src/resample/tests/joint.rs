//! Joint tests of several hypotheses against refits of each replicate.

use super::*;
use crate::resample::Joint;

/// Two hypotheses, of the treatment and of the covariate, in the terms of a test: `T` between them
/// changes nothing.
const TURNS: [[[f64; 2]; 2]; 2] = [[[1.0, 0.0], [0.0, 1.0]], [[1.0, -2.0], [0.5, 30.0]]];

/// `x'V^-1 x` of order two.
fn form(v: [[f64; 2]; 2], x: [f64; 2]) -> f64 {
    let determinant = v[0][0] * v[1][1] - v[0][1] * v[1][0];
    let inner = v[1][1] * x[0] * x[0] - 2.0 * v[0][1] * x[0] * x[1] + v[0][0] * x[1] * x[1];
    inner / determinant
}

/// Wald's form that treatment and covariate have these coefficients.
fn wald(rows: &Rows, variance: Variance, values: [f64; 2]) -> f64 {
    let mut scratch = ols::Scratch::default();
    let fit = ols::fit(rows, variance, Targets::All, &mut scratch).unwrap();
    let v = |i: usize, j: usize| fit.vcov[(i + 1) * P + j + 1];
    let off = [fit.beta[1] - values[0], fit.beta[2] - values[1]];
    form([[v(0, 0), v(0, 1)], [v(1, 0), v(1, 1)]], off)
}

impl Data {
    fn column(&self, j: usize) -> &[f64] {
        &self.x[j * self.n()..(j + 1) * self.n()]
    }

    /// Wald's form of replicate `v`, by refits; without values the residuals are those of the fit.
    fn joint(
        &self,
        v: &[f64],
        values: Option<[f64; 2]>,
        variance: Variance,
        weighted: bool,
    ) -> f64 {
        let (n, mut scratch) = (self.n(), ols::Scratch::default());
        let rows = self.rows(&self.y, &self.x, weighted);
        let fit = ols::fit(&rows, variance, Targets::All, &mut scratch).unwrap();
        let mut beta = fit.beta.to_vec();
        if let Some([z, x]) = values {
            let rest = |i: usize| self.y[i] - z * self.column(1)[i] - x * self.column(2)[i];
            let rest: Vec<f64> = (0..n).map(rest).collect();
            let rows = self.rows(&rest, self.column(0), weighted);
            let fit = ols::fit(&rows, Variance::Cr0, Targets::All, &mut scratch).unwrap();
            beta = vec![fit.beta[0], z, x];
        }
        let fitted = |i: usize| (0..P).map(|j| beta[j] * self.column(j)[i]).sum::<f64>();
        let mut y: Vec<f64> = (0..n).map(fitted).collect();
        for (g, run) in self.groups.windows(2).enumerate() {
            for i in run[0] as usize..run[1] as usize {
                y[i] += v[g] * (self.y[i] - y[i]);
            }
        }
        wald(&self.rows(&y, &self.x, weighted), variance, [beta[1], beta[2]])
    }

    /// The sums of the two hypotheses, turned, and the values that they have.
    fn joint_sums(
        &self,
        turn: [[f64; 2]; 2],
        values: [f64; 2],
        variance: Variance,
        weighted: bool,
    ) -> (Sums, Vec<f64>) {
        let (mut scratch, mut sums) = (ols::Scratch::default(), Sums::default());
        let rows = self.rows(&self.y, &self.x, weighted);
        ols::fit(&rows, variance, Targets::Some(&[TARGET]), &mut scratch).unwrap();
        let factors: Vec<f64> = turn.iter().flat_map(|[a, b]| [0.0, *a, *b]).collect();
        let wanted = ols::Wanted::Combinations(&factors);
        ols::sums(&rows, variance, wanted, &mut scratch, &mut sums).unwrap();
        let value = |[a, b]: &[f64; 2]| a * values[0] + b * values[1];
        (sums, turn.iter().map(value).collect())
    }

    /// The factor between Stata's variance and the one that replicates have.
    fn factor(&self, variance: Variance) -> f64 {
        let (n, j) = (self.n() as f64, (self.groups.len() - 1) as f64);
        match variance {
            Variance::Stata => j / (j - 1.0) * ((n - 1.0) / (n - P as f64)),
            _ => 1.0,
        }
    }
}

const VARIANCES: [(bool, Variance); 4] = [
    (false, Variance::Cr0),
    (false, Variance::Stata),
    (false, Variance::Cr2),
    (true, Variance::Stata),
];

#[test]
fn wild_forms_are_those_of_refits() {
    let mut joint = Joint::default();
    for (weighted, variance) in VARIANCES {
        let data = data(&SIZES, 13);
        let factor = data.factor(variance);
        for (turn, null) in TURNS
            .into_iter()
            .flat_map(|t| [(t, wild::Null::Imposed), (t, wild::Null::Unrestricted)])
        {
            for values in [[0.0, 0.0], [0.5, -1.2]] {
                let (sums, tested) = data.joint_sums(turn, values, variance, weighted);
                joint.begin(&sums, &tested, null).unwrap();
                let rows = data.rows(&data.y, &data.x, weighted);
                close(joint.observed, wald(&rows, variance, values) * factor, 1e-9);
                let mut numbers = Numbers(21);
                for _ in 0..20 {
                    let draw = |_| wild::WEBB[(numbers.uniform() * 6.0) as usize];
                    let v: Vec<f64> = (0..SIZES.len()).map(draw).collect();
                    let imposed = (null == wild::Null::Imposed).then_some(values);
                    let plain = data.joint(&v, imposed, variance, weighted);
                    close(joint.wild(&sums, &v), plain * factor, 1e-8);
                }
            }
        }
    }
}

/// One hypothesis: the form is the square of the statistic.
#[test]
fn one_hypothesis_is_a_test_of_a_coefficient() {
    let data = data(&SIZES, 14);
    let (mut joint, mut replicates) = (Joint::default(), Replicates::default());
    let (b, _, sums) = data.sums(Variance::Cr2, false);
    let (mut work, mut numbers, value) = (Vec::new(), Numbers(3), 0.4);
    joint.begin(&sums, &[value], wild::Null::Imposed).unwrap();
    let d = (b - value) / sums.unit[0];
    close(joint.observed, square(&wild::observed(&sums), d), 1e-12);
    for _ in 0..20 {
        let draw = |_| wild::WEBB[(numbers.uniform() * 6.0) as usize];
        let v: Vec<f64> = (0..SIZES.len()).map(draw).collect();
        replicates.begin(wild::observed(&sums), 1);
        wild::add(&sums, &v, wild::Null::Imposed, &mut work, &mut replicates);
        close(joint.wild(&sums, &v), square(&replicates.curves[0], d), 1e-10);
    }
}

/// All vectors of signs: the share is that of refits, and a vector and its negative are alike.
#[test]
fn a_listed_joint_test_is_that_of_refits() {
    let mut joint = Joint::default();
    for (weighted, variance) in VARIANCES {
        let data = data(&SIZES, 15);
        let values = [0.3, -0.9];
        let (sums, tested) = data.joint_sums(TURNS[1], values, variance, weighted);
        joint.begin(&sums, &tested, wild::Null::Imposed).unwrap();
        let rows = data.rows(&data.y, &data.x, weighted);
        let observed = wald(&rows, variance, values);
        let (mut ours, mut theirs) = (0, 0);
        for number in 0..1 << SIZES.len() {
            let sign = |g: usize| if number >> g & 1 == 0 { 1.0 } else { -1.0 };
            let v: Vec<f64> = (0..SIZES.len()).map(sign).collect();
            ours += u32::from(Joint::is_extreme(joint.wild(&sums, &v), joint.observed));
            let plain = data.joint(&v, Some(values), variance, weighted);
            theirs += u32::from(plain >= observed * (1.0 - 1e-9));
        }
        assert_eq!(ours, theirs);
        assert!((2..100).contains(&ours) && ours.is_multiple_of(2), "{ours}");
    }
}

#[test]
fn pairs_forms_are_those_of_refits() {
    let data = data(&SIZES, 16);
    let mut joint = Joint::default();
    let mut told_apart = 0;
    for turn in TURNS {
        let mut numbers = Numbers(4);
        let (sums, tested) = data.joint_sums(turn, [0.0, 0.0], Variance::Cr0, false);
        joint.begin(&sums, &tested, wild::Null::Unrestricted).unwrap();
        let own = data.rows(&data.y, &data.x, false);
        let mut scratch = ols::Scratch::default();
        let fit = ols::fit(&own, Variance::Cr0, Targets::All, &mut scratch).unwrap();
        let centre = [fit.beta[1], fit.beta[2]];
        for _ in 0..30 {
            let mut counts = vec![0.0; SIZES.len()];
            for _ in 0..SIZES.len() {
                counts[(numbers.uniform() * SIZES.len() as f64) as usize] += 1.0;
            }
            let drawn = data.drawn(&counts);
            let fit = ols::fit(&drawn.all(), Variance::Cr0, Targets::All, &mut scratch);
            let mut change = [0.0; 2];
            let form = joint.pairs(&sums, &counts, &mut change);
            if !fit.is_ok_and(|fit| fit.kept.iter().all(|kept| *kept)) {
                assert_eq!(form, None);
                continue;
            }
            // Three clusters leave two combinations no variance of their own.
            let distinct = counts.iter().filter(|count| **count > 0.0).count();
            let Some(form) = form.filter(|_| distinct > 3) else { continue };
            told_apart += 1;
            close(form, wald(&drawn.all(), Variance::Cr0, centre), 1e-6);
            let fit = ols::fit(&drawn.all(), Variance::Cr0, Targets::All, &mut scratch).unwrap();
            for (s, [a, b]) in turn.iter().enumerate() {
                let moved = a * (fit.beta[1] - centre[0]) + b * (fit.beta[2] - centre[1]);
                close(change[s] * sums.unit[s], moved, 1e-9);
            }
        }
    }
    assert!(told_apart > 30, "{told_apart}");
}

/// Distances are by the covariance of the changes, whatever the terms.
#[test]
fn distances_are_by_the_spread_of_the_changes() {
    let data = data(&SIZES, 17);
    let mut joint = Joint::default();
    let mut numbers = Numbers(8);
    let changes: Vec<[f64; 2]> = (0..50)
        .map(|_| {
            let a = numbers.normal();
            [a, 0.5 * a + 2.0 * numbers.normal()]
        })
        .collect();
    let mean = [0, 1].map(|s| changes.iter().map(|c| c[s]).sum::<f64>() / 50.0);
    let v = [0, 1].map(|s| {
        [0, 1].map(|t| {
            changes.iter().map(|c| (c[s] - mean[s]) * (c[t] - mean[t])).sum::<f64>() / 49.0
        })
    });
    let (sums, _) = data.joint_sums(TURNS[0], [0.0, 0.0], Variance::Cr0, false);
    joint.begin(&sums, &[0.0, 0.0], wild::Null::Unrestricted).unwrap();
    assert!(joint.measure(&changes.concat(), 2));
    for change in &changes {
        close(joint.distance(change), form(v, *change), 1e-11);
    }
    let top = [0, 1].map(|s| sums.estimate[s] / sums.unit[s]);
    close(joint.distance_of_data(2), form(v, top), 1e-11);
    let flat: Vec<f64> = changes.iter().flat_map(|c| [c[0], 2.0 * c[0]]).collect();
    assert!(!joint.measure(&flat, 2), "no spread of the second beside the first");
}
