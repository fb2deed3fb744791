//! Random data sets of every ugly shape.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Dxsm;

use super::twist::{self, Twist};

/// Random numbers of one data set.
pub struct Source(Pcg64Dxsm);

impl Source {
    /// Those of data set `number`.
    pub fn new(seed: u64, number: u64) -> Self {
        Self(Pcg64Dxsm::seed_from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number))
    }

    /// Standard normal.
    pub fn normal(&mut self) -> f64 {
        self.0.sample(rand_distr::StandardNormal)
    }

    /// Uniform on [0, 1).
    pub fn uniform(&mut self) -> f64 {
        self.0.random()
    }

    /// A whole number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        self.0.random_range(0..n)
    }

    /// Whether something happens that does one time in `n`.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of some things.
    pub fn of<T: Copy>(&mut self, things: &[T]) -> T {
        things[self.below(things.len())]
    }
}

/// A data set. Rows of one group of the first factor stand together.
#[derive(Clone, Debug)]
pub struct Frame {
    /// What was drawn.
    pub twist: Twist,
    /// The twists that were applied: that one, or several.
    twists: Vec<Twist>,
    /// Predictors, each a column.
    pub x: Vec<Vec<f64>>,
    /// Linear predictor, effects of the groups included.
    pub eta: Vec<f64>,
    /// Groups of the first factor, ascending, and of the second.
    pub keys: [Vec<f64>; 2],
    /// Columns with slopes.
    pub slopes: [Vec<f64>; 2],
    /// Prior weights.
    pub weights: Option<Vec<f64>>,
}

/// Magnitudes from hardly to far too small and large.
const SCALES: [f64; 10] = [1e-150, 1e-140, 1e-90, 1e-30, 1e-6, 1e6, 1e30, 1e90, 1e140, 1e150];
/// What is added to columns.
const SHIFTS: [f64; 6] = [1e6, -1e7, 1e8, 1e9, -1e6, 3e6];
/// Numbers that are none, or hardly.
pub const NASTY: [f64; 7] =
    [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, -f64::MAX, 1e200, 1e-300];

impl Frame {
    /// Draws predictors, groups and weights with a random twist.
    pub fn draw(r: &mut Source, is_linear: bool) -> Self {
        let twists = twist::all(is_linear);
        let drawn = r.of(&twists);
        let mut own = vec![drawn];
        if drawn == Twist::Several {
            let n = 2 + r.below(2);
            own = (0..n).map(|_| twists[r.below(twists.len() - 1)]).collect();
        }
        let mut frame = Self {
            twist: drawn,
            twists: own,
            x: Vec::new(),
            eta: Vec::new(),
            keys: Default::default(),
            slopes: Default::default(),
            weights: None,
        };
        frame.draw_groups(r);
        frame.draw_predictors(r);
        frame.draw_weights(r);
        frame
    }

    /// The twists that were applied.
    pub fn twists(&self) -> &[Twist] {
        &self.twists
    }

    /// Whether a twist was applied.
    pub fn has(&self, twist: Twist) -> bool {
        self.twists.contains(&twist)
    }

    /// Number of rows.
    pub fn n(&self) -> usize {
        self.eta.len()
    }

    fn draw_groups(&mut self, r: &mut Source) {
        let most = if r.one_in(20) { 200 } else { 40 };
        let n = if self.has(Twist::FewRows) { 2 + r.below(2) } else { 4 + r.below(most) };
        let groups = if self.has(Twist::OneGroup) { 1 } else { 2 + r.below(10) };
        let alone = self.has(Twist::GroupsOfOne);
        let even = r.one_in(2);
        let mut first: Vec<f64> = (0..n)
            .map(|i| match () {
                () if alone => i as f64 - f64::from(u8::from(i + 1 == n)),
                () if even => (i * groups / n) as f64,
                () => r.below(groups) as f64,
            })
            .collect();
        first.sort_unstable_by(f64::total_cmp);
        let others = if r.one_in(3) { 1 + r.below(n) } else { 2 + r.below(6) };
        let nested = r.one_in(3);
        let second = first.iter().map(|a| match () {
            () if self.has(Twist::SameGroups) => 7.0 - a,
            () if nested => (a / 3.0).floor(),
            // One cell in a row and a column each, and few beside.
            () if self.has(Twist::EmptyCells) && !r.one_in(8) => a % others as f64,
            () => r.below(others) as f64,
        });
        let second = second.collect();
        self.keys = [first, second];
    }

    fn draw_predictors(&mut self, r: &mut Source) {
        let (n, a) = (self.keys[0].len(), self.keys[0].clone());
        let z: Vec<f64> = (0..n).map(|_| f64::from(r.uniform() < 0.5)).collect();
        let covariate: Vec<f64> = match r.below(3) {
            0 => (0..n).map(|_| r.below(3) as f64).collect(),
            _ => (0..n).map(|_| 1.0 + r.normal()).collect(),
        };
        let sd = if self.has(Twist::NoVariance) { 0.0 } else { r.of(&[0.0, 0.3, 1.0, 5.0]) };
        let mut effects = |n: usize| -> Vec<f64> { (0..n).map(|_| sd * r.normal()).collect() };
        // As many as there may be groups.
        let most = n + 12;
        let (own, slope, other) = (effects(most), effects(most), effects(most));
        let b = &self.keys[1];
        let of = |i: usize| {
            let (g, h) = (a[i] as usize, b[i].abs() as usize);
            own[g] + 0.5 * slope[g] * covariate[i] + 0.5 * other[h]
        };
        self.eta = (0..n).map(|i| 0.3 + 0.4 * z[i] + 0.3 * covariate[i] + of(i)).collect();
        self.x = vec![vec![1.0; n], z, covariate];
        if r.one_in(8) {
            self.x.remove(0);
        }
        self.slopes = [self.x[self.x.len() - 1].clone(), self.x[self.x.len() - 2].clone()];
        self.twist_predictors(r);
        if self.has(Twist::NotFinite) && r.one_in(2) {
            let column = r.below(self.x.len());
            let at = r.below(n);
            self.x[column][at] = r.of(&NASTY);
            self.slopes[0][r.below(n)] = self.x[column][at];
        }
    }

    fn twist_predictors(&mut self, r: &mut Source) {
        let n = self.n();
        let last = self.x.len() - 1;
        for twist in self.twists.clone() {
            let x = &mut self.x[last];
            match twist {
                Twist::ConstantPredictor => x.fill(r.of(&[0.0, 3.0, -1e9])),
                Twist::PredictorOfGroups => {
                    x.iter_mut().zip(&self.keys[0]).for_each(|(x, a)| *x = (7.0 * a).sin());
                }
                Twist::LonePredictor => {
                    x.fill(0.0);
                    x[r.below(n)] = r.of(&[1.0, 1e9, 1e-9]);
                }
                Twist::ScaledPredictor => {
                    let scale = r.of(&SCALES);
                    x.iter_mut().for_each(|x| *x *= scale);
                }
                Twist::ShiftedPredictor => {
                    let shift = r.of(&SHIFTS);
                    x.iter_mut().for_each(|x| *x += shift);
                }
                Twist::HeavyPredictor => {
                    x.iter_mut().for_each(|x| *x = (10.0 * r.normal()).clamp(-30.0, 30.0).exp());
                }
                _ => {}
            }
            self.slopes[0].copy_from_slice(&self.x[last]);
            if twist == Twist::Collinear {
                let noise = r.of(&[0.0, 1e-15, 1e-12, 1e-9, 1e-7, 1e-5]);
                let near = self.x[last].iter().map(|x| 3.0 * x - 2.0 + noise * r.normal());
                let near = near.collect();
                self.x.push(near);
            }
            if twist == Twist::ManyPredictors {
                let more = n.min(30) + r.below(3) - 2;
                self.x.extend((0..more).map(|_| (0..n).map(|_| r.normal()).collect::<Vec<_>>()));
            }
        }
    }

    fn draw_weights(&mut self, r: &mut Source) {
        let n = self.n();
        let uneven = self.has(Twist::UnevenWeights);
        let weight = |r: &mut Source| match () {
            () if self.has(Twist::ZeroWeights) => f64::from(u8::from(r.one_in(3))),
            () if uneven => r.of(&[1e-150, 1e-30, 1e-9, 1e-3, 1.0, 1e3, 1e9, 1e30, 1e150]),
            () => 0.25 + 2.0 * r.uniform(),
        };
        if uneven || self.has(Twist::ZeroWeights) || r.one_in(5) {
            let mut weights: Vec<f64> = (0..n).map(|_| weight(r)).collect();
            if uneven && r.one_in(3) {
                // All alike, but far from one.
                let same = r.of(&SCALES);
                weights.iter_mut().for_each(|w| *w = same);
            }
            if self.has(Twist::NotFinite) && r.one_in(4) {
                weights[r.below(n)] = r.of(&[f64::NAN, -1.0, f64::INFINITY, 0.0, f64::MAX]);
            }
            self.weights = Some(weights);
        }
    }

    /// Outcomes of a linear model.
    pub fn numbers(&self, r: &mut Source) -> Vec<f64> {
        let n = self.n();
        let mut y: Vec<f64> = self.eta.iter().map(|eta| eta + r.normal()).collect();
        for twist in &self.twists {
            match twist {
                Twist::FlatOutcome => y.fill(r.of(&[0.0, 2.0, 1e9, 0.1, 1e-200])),
                Twist::Explained => {
                    let by_groups = r.one_in(2);
                    let of = |i: usize| {
                        let own = if by_groups { self.keys[0][i].sin() } else { 0.0 };
                        own + 0.3 * self.x[0][i] - 1.7 * self.slopes[0][i]
                    };
                    y = (0..n).map(of).collect();
                }
                Twist::TinyResidual => {
                    let size = r.of(&[1e-3, 1e-6, 1e-9, 1e-12]);
                    let noise = self.eta.iter().map(|eta| eta + size * r.normal());
                    y = noise.collect();
                }
                Twist::NoVariance => {
                    // Rows of a group differ more than groups do: alternating signs.
                    y = (0..n).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
                    y.iter_mut().for_each(|y| *y += 0.01 * r.normal());
                }
                Twist::HeavyOutcome => {
                    y.iter_mut().for_each(|y| *y = (10.0 * *y).clamp(-30.0, 30.0).exp());
                }
                Twist::ScaledOutcome => {
                    let scale = r.of(&SCALES);
                    y.iter_mut().for_each(|y| *y *= scale);
                }
                Twist::ShiftedOutcome => {
                    let shift = r.of(&SHIFTS);
                    y.iter_mut().for_each(|y| *y += shift);
                }
                Twist::NotFinite => y[r.below(n)] = r.of(&NASTY),
                _ => {}
            }
        }
        y
    }
}
