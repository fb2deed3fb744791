//! Exact derivatives against differences, and the two routes against each other.

use super::super::{Components, Groups, Likelihood, Setting};
use super::*;
use crate::glm::rows::Cells;
use crate::lmm::mixed::index::Index;
use crate::lmm::mixed::parameters::Parameters;

/// What a likelihood needs.
struct Parts {
    layout: super::super::Layout,
    index: Index,
    parameters: Parameters,
}

impl Parts {
    fn of(sample: &Sample) -> Self {
        let (mut layout, mut index) = Default::default();
        let (mut parameters, mut cells): (Parameters, Cells) = Default::default();
        parameters.read(&sample.structure);
        sample
            .with(|data| {
                let (structure, family) = (&sample.structure, sample.family);
                super::super::Layout::read(
                    &mut layout,
                    data,
                    structure,
                    family,
                    &mut cells,
                    &mut index,
                )
            })
            .expect("rows");
        Self { layout, index, parameters }
    }

    fn setting<'a>(&'a self, sample: &Sample, integral: &'a Integral) -> Setting<'a> {
        Setting {
            layout: &self.layout,
            index: &self.index,
            parameters: &self.parameters,
            family: sample.family,
            curvature: integral.curvature,
            nodes: &integral.nodes,
        }
    }

    fn n(&self) -> usize {
        self.parameters.len() + self.layout.k
    }
}

/// Value, gradient and Hessian (lower triangle) at a point.
fn all(likelihood: &mut dyn Likelihood, s: &Setting, psi: &[f64]) -> (f64, Vec<f64>, Vec<f64>) {
    let n = psi.len();
    let (mut first, mut second) = (vec![0.0; n], vec![0.0; n * n]);
    let value = likelihood.value(s, psi).expect("a value");
    likelihood.differentiate(s, psi, &mut first, &mut second);
    (value, first, second)
}

#[test]
fn derivatives_are_those_of_the_likelihood() {
    let mut r = Random(11);
    for shape in SHAPES {
        for family in FAMILIES {
            for curvature in [Curvature::Expected, Curvature::Observed] {
                let data = sample(shape, family, [60, 8, 60], 0.8, &mut r);
                let parts = Parts::of(&data);
                let nodes: &[usize] = if shape == Shape::Intercept { &[1, 5] } else { &[1] };
                for &nodes in nodes {
                    let integral = Integral { nodes: Nodes::new(nodes).unwrap(), curvature };
                    let s = parts.setting(&data, &integral);
                    let (mut groups, mut components) = (Groups::default(), Components::default());
                    let likelihood: &mut dyn Likelihood =
                        if shape == Shape::Intercept { &mut groups } else { &mut components };
                    likelihood.begin(&s);
                    let psi: Vec<f64> = (0..parts.n()).map(|_| 0.7 * r.normal()).collect();
                    let (_, first, second) = all(likelihood, &s, &psi);
                    let h = 4e-4;
                    for p in 0..psi.len() {
                        let mut at = |by: f64| {
                            let mut psi = psi.clone();
                            psi[p] += by;
                            let (value, mut first, _) = all(likelihood, &s, &psi);
                            first.push(value);
                            first
                        };
                        // Two central differences, extrapolated.
                        let [near_low, near_high] = [at(-0.5 * h), at(0.5 * h)];
                        let [far_low, far_high] = [at(-h), at(h)];
                        let slope = |q: usize| {
                            let near = (near_high[q] - near_low[q]) / h;
                            let far = (far_high[q] - far_low[q]) / (2.0 * h);
                            (4.0 * near - far) / 3.0
                        };
                        let what = format!("{shape:?} {family:?} {curvature:?} {nodes} {p}");
                        let close = |ours: f64, q: usize| {
                            // Differences carry rounding errors of what they are taken of.
                            let theirs = slope(q);
                            let room = 1e-8 * (1.0 + theirs.abs()) + 1e-10 * far_low[q].abs();
                            assert!((ours - theirs).abs() < room, "{what}: {ours} {theirs}");
                        };
                        close(first[p], psi.len());
                        for q in 0..psi.len() {
                            close(second[p.max(q) * psi.len() + p.min(q)], q);
                        }
                    }
                }
            }
        }
    }
}

/// The route for groups with one effect, and the one for any effects.
#[test]
fn both_routes_agree() {
    let mut r = Random(12);
    for family in FAMILIES {
        for curvature in [Curvature::Expected, Curvature::Observed] {
            for values in [3, 100] {
                let data = sample(Shape::Intercept, family, [90, 9, values], 1.0, &mut r);
                let parts = Parts::of(&data);
                let integral = Integral { nodes: Nodes::new(1).unwrap(), curvature };
                let s = parts.setting(&data, &integral);
                let (mut groups, mut components) = (Groups::default(), Components::default());
                groups.begin(&s);
                components.begin(&s);
                let psi: Vec<f64> = (0..parts.n()).map(|_| r.normal()).collect();
                let (value, first, second) = all(&mut groups, &s, &psi);
                let (value2, first2, second2) = all(&mut components, &s, &psi);
                close("value", value, value2, 1e-13);
                let pairs = first.iter().chain(&second).zip(first2.iter().chain(&second2));
                for (ours, theirs) in pairs {
                    let error = (ours - theirs).abs() / (1.0 + theirs.abs());
                    assert!(error < 1e-10, "{family:?} {curvature:?} {values} {ours} {theirs}");
                }
                assert_eq!(groups.modes.len(), components.modes.len());
            }
        }
    }
}
