//! Three categories that differ between groups, coded in two ways: the model is the same, and so
//! has to be the optimum.

use super::*;
use crate::testing::shapes::block;

/// Rows of groups with three categories each, `n` rows of each category and group; columns are the
/// group and the indicators.
fn categories(groups: usize, n: usize, sd: [f64; 3], r: &mut Random) -> [Sample; 2] {
    let m = groups * 3 * n;
    let category = |i: usize| i % 3;
    let effects: Vec<[f64; 3]> = (0..groups)
        .map(|_| {
            let [a, b, c] = [r.normal(), r.normal(), r.normal()];
            [sd[0] * a, sd[0] * a + sd[1] * b, sd[0] * a + sd[2] * (0.5 * b + c)]
        })
        .collect();
    let y = (0..m).map(|i| effects[i / (3 * n)][category(i)] + r.normal()).collect();
    let indicator = |k: usize| (0..m).map(|i| f64::from(category(i) == k)).collect::<Vec<f64>>();
    let x = [vec![1.0; m], indicator(1), indicator(2)].concat();
    let key = (0..m).map(|i| (i / (3 * n)) as f64).collect();
    let columns = vec![key, indicator(0), indicator(1), indicator(2)];
    [[None, Some(2), Some(3)], [Some(1), Some(2), Some(3)]].map(|effects| {
        let factor = Factor { keys: vec![0], effects: effects.to_vec(), blocks: block(0..3) };
        let structure = Structure { factors: vec![factor] };
        Sample {
            x: x.clone(),
            y: Vec::clone(&y),
            weights: None,
            columns: columns.clone(),
            structure,
        }
    })
}

#[test]
fn the_coding_of_categories_does_not_matter() {
    let mut r = Random(31);
    let (mut scratch, mut other) = (Scratch::default(), Scratch::default());
    let (mut fits, mut boundary) = (0, 0);
    for trial in 0..2000 {
        let sd = [r.uniform(), 1.5 * r.uniform(), 1.5 * r.uniform()];
        let samples = categories(6 + r.below(12), 2 + r.below(4), sd, &mut r);
        let method = if trial % 2 == 0 { Method::Reml } else { Method::Ml };
        let [contrasts, full] = &samples;
        let a = contrasts.fit(method, &mut scratch).expect("a fit");
        let b = full.fit(method, &mut other).expect("a fit");
        let (a, boundary_a, b) = (a.criterion(), a.is_boundary(), b.criterion());
        let off = (a - b).abs();
        assert!(off <= 1e-9 * (1.0 + b.abs()), "{trial}: {a} {b} {off:e}");
        fits += 1;
        boundary += usize::from(boundary_a);
    }
    assert!(boundary > fits / 10 && boundary < fits, "{boundary} of {fits} at the boundary");
}
