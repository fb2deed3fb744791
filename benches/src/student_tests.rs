//! The student-tests design, written by hand: `designs/student-tests.ron` without the engine.
//!
//! What a programmer would write for this one design and no other: its numbers are constants, its
//! levels are nested loops, and no score is ever stored, since both estimators need only sums. It
//! shares the random numbers of the engine and the t distribution, and nothing else, so it is the
//! yardstick of the engine's speed and a check of its numbers, simulation by simulation.

mod diagnosis;
mod estimators;

use rand::RngExt;
use rand_distr::{Distribution, Poisson, StandardNormal, StandardUniform};
use rand_pcg::Pcg64Dxsm;
use trialrun_plan::exec::random::{generator, stream_key};
use trialrun_stats::special::student_t::Critical;

pub use diagnosis::{Comparison, Diagnosand, Diagnosis};
pub use estimators::Estimate;
use estimators::{Arm, RandomIntercept, random_intercept, student_average};

/// Classes of the one school, an even number: half of them are treated.
const CLASSES: usize = 10;
/// Mean of the Poisson part of a class's size.
const STUDENTS_PER_CLASS: f64 = 20.0;
/// Students that every class has.
const STUDENTS_MIN: usize = 5;
/// Tests of each student.
const TESTS: usize = 3;
/// Standard deviation of the shocks of school, class and test.
const SHOCK_SD: f64 = 0.001;
/// Ends of a student's ability.
const ABILITY: (f64, f64) = (-0.01, 0.01);
/// Ends of a student's baseline.
const BASELINE: (f64, f64) = (0.4, 0.8);
/// Scores are summed as distances from here, near their mean, so that squares keep their digits.
const CENTRE: f64 = 0.6;

/// The design, with what need not be computed anew for each simulation.
pub struct StudentTests {
    keys: Keys,
    class_size: Poisson<f64>,
    critical: Critical,
}

/// The streams of random numbers, one for each drawn variable.
struct Keys {
    school_effect: u64,
    class_effect: u64,
    students: u64,
    test_ability: u64,
    student_baseline: u64,
    test_effect: u64,
    treatment: u64,
}

/// The result of one simulation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Simulation {
    /// The average effect over all tests.
    pub estimand: f64,
    /// The random intercept's estimate.
    pub random_intercept: Estimate,
    /// Whether the variance of the random intercept is zero.
    pub boundary: bool,
    /// The student averages' estimate.
    pub student_average: Estimate,
}

impl StudentTests {
    /// The design with tests of level `alpha`.
    pub fn new(alpha: f64) -> Self {
        let keys = Keys {
            school_effect: stream_key("school", "school_effect", 0),
            class_effect: stream_key("class", "class_effect", 0),
            students: stream_key("class", "students", 0),
            test_ability: stream_key("student", "test_ability", 0),
            student_baseline: stream_key("student", "student_baseline", 0),
            test_effect: stream_key("test", "test_effect", 0),
            treatment: stream_key("assignment", "treatment", 0),
        };
        let class_size = Poisson::new(STUDENTS_PER_CLASS).expect("the mean is positive");
        Self { keys, class_size, critical: Critical::new(alpha) }
    }

    /// Level of tests.
    pub fn alpha(&self) -> f64 {
        self.critical.alpha()
    }

    /// Does simulation number `sim` of the run with that seed.
    pub fn simulate(&self, draws: &mut Draws, seed: u64, sim: u64) -> Simulation {
        let stream = |key| generator(seed, sim, key);
        let keys = &self.keys;
        let school_effect = SHOCK_SD * normal(&mut stream(keys.school_effect));
        let treatments = assign(&mut stream(keys.treatment));
        let sizes = self.class_sizes(&mut stream(keys.students));
        let n_students = sizes.iter().sum();
        draws.resize(n_students);
        let Draws { abilities, baselines, shocks } = draws;
        fill_uniform(&mut stream(keys.test_ability), ABILITY, abilities);
        fill_uniform(&mut stream(keys.student_baseline), BASELINE, baselines);
        let mut rng = stream(keys.test_effect);
        shocks.iter_mut().flatten().for_each(|shock| *shock = normal(&mut rng));

        let mut arms = [Arm::default(); 2];
        let mut effects = 0.0;
        let mut class_effects = stream(keys.class_effect);
        let mut first = 0;
        for (treatment, n) in treatments.into_iter().zip(sizes) {
            let shared = school_effect + SHOCK_SD * normal(&mut class_effects);
            let students = first..first + n;
            first += n;
            let class = Class {
                shared,
                treatment: treatment as f64,
                abilities: &abilities[students.clone()],
                baselines: &baselines[students.clone()],
                shocks: &shocks[students],
            };
            effects += class.teach(&mut arms[treatment]);
        }
        let (intercept, boundary) = match random_intercept(&arms) {
            RandomIntercept::Interior(fit) => (fit, false),
            RandomIntercept::Boundary(fit) => (fit, true),
        };
        Simulation {
            estimand: effects / (TESTS * n_students) as f64,
            random_intercept: intercept.test(&self.critical),
            boundary,
            student_average: student_average(&arms).test(&self.critical),
        }
    }

    fn class_sizes(&self, rng: &mut Pcg64Dxsm) -> [usize; CLASSES] {
        std::array::from_fn(|_| self.class_size.sample(rng) as usize + STUDENTS_MIN)
    }
}

/// The draws of one simulation, one buffer a thread.
///
/// A loop that draws one variable keeps its generator in registers; loops that draw several at once
/// were slower.
#[derive(Default)]
pub struct Draws {
    abilities: Vec<f64>,
    baselines: Vec<f64>,
    /// Standard normal, a set for each student.
    shocks: Vec<[f64; TESTS]>,
}

impl Draws {
    fn resize(&mut self, n_students: usize) {
        self.abilities.resize(n_students, 0.0);
        self.baselines.resize(n_students, 0.0);
        self.shocks.resize(n_students, [0.0; TESTS]);
    }
}

/// The students of a class and their draws.
struct Class<'a> {
    /// Effects of school and class.
    shared: f64,
    treatment: f64,
    abilities: &'a [f64],
    baselines: &'a [f64],
    shocks: &'a [[f64; TESTS]],
}

impl Class<'_> {
    /// Adds the scores of the class to its arm. Gives the sum over its tests of the treatment's
    /// effect, which is that of school, class and test once more.
    #[inline]
    fn teach(&self, arm: &mut Arm) -> f64 {
        let dose = 1.0 + self.treatment;
        let (mut effects, mut sum, mut squares, mut within) = (0.0, 0.0, 0.0, 0.0);
        let students = self.abilities.iter().zip(self.baselines).zip(self.shocks);
        for ((ability, baseline), shocks) in students {
            let shift = self.shared + ability;
            let effect = shocks.map(|shock| shift + SHOCK_SD * shock);
            effects += effect.iter().sum::<f64>();
            let scores = effect.map(|e| baseline + dose * e);
            let average = scores.iter().sum::<f64>() * (1.0 / TESTS as f64);
            within += scores.iter().map(|s| (s - average) * (s - average)).sum::<f64>();
            let distance = average - CENTRE;
            sum += distance;
            squares += distance * distance;
        }
        arm.add_class(self.abilities.len() as f64, sum, squares, within);
        effects
    }
}

#[inline]
fn normal(rng: &mut Pcg64Dxsm) -> f64 {
    StandardNormal.sample(rng)
}

fn fill_uniform(rng: &mut Pcg64Dxsm, (low, high): (f64, f64), out: &mut [f64]) {
    for value in out {
        let u: f64 = rng.sample(StandardUniform);
        *value = low + (high - low) * u;
    }
}

/// Deals the classes to the two conditions, half each. The order of the draws is the engine's:
/// a uniform that decides on remainders (here there is none), then the untreated classes.
fn assign(rng: &mut Pcg64Dxsm) -> [usize; CLASSES] {
    let _remainders: f64 = rng.sample(StandardUniform);
    let mut order: [usize; CLASSES] = std::array::from_fn(|class| class);
    let mut treatments = [1; CLASSES];
    for i in 0..CLASSES / 2 {
        order.swap(i, rng.random_range(i..CLASSES));
        treatments[order[i]] = 0;
    }
    treatments
}

#[cfg(test)]
mod tests;
