//! Conditional modes against plain Newton steps on the effects of all groups at once.

use super::*;
use crate::linalg::cholesky;

/// The effects of all groups at the estimates, and their standard deviations: where the joint
/// density is largest, and the inverse of minus its second derivatives there.
fn dense(data: &Sample, beta: &[f64], covariances: &[f64]) -> Option<Vec<[f64; 2]>> {
    let m = data.y.len();
    let mut all: Vec<(usize, f64, usize)> = Vec::new();
    for (f, factor) in data.structure.factors.iter().enumerate() {
        let mut keys = data.columns[factor.keys[0]].clone();
        keys.sort_by(f64::total_cmp);
        keys.dedup();
        all.extend(keys.iter().flat_map(|k| (0..factor.effects.len()).map(move |e| (f, *k, e))));
    }
    let (n, factor) = (all.len(), |f: usize| &data.structure.factors[f]);
    let start = |f: usize| (0..f).map(|f| factor(f).effects.len().pow(2)).sum::<usize>();
    let mut precision = vec![0.0; n * n];
    for i in 0..n {
        for j in 0..n {
            let ((f, key, e), (other, other_key, o)) = (all[i], all[j]);
            if f == other && key == other_key {
                let r = factor(f).effects.len();
                let mut own = covariances[start(f)..start(f) + r * r].to_vec();
                if !cholesky::factor(&mut own, r, 1e-9) {
                    return None;
                }
                let mut inverse = vec![0.0; r * r];
                cholesky::invert(&own, r, &mut inverse);
                precision[i * n + j] = inverse[e * r + o];
            }
        }
    }
    let z = |i: usize, j: usize| {
        let (f, key, e) = all[j];
        let value = factor(f).effects[e].map_or(1.0, |c| data.columns[c][i]);
        if data.columns[factor(f).keys[0]][i] == key { value } else { 0.0 }
    };
    let mut u = vec![0.0; n];
    for step in 0..60 {
        let mut bend = precision.clone();
        let mut slope: Vec<f64> =
            (0..n).map(|i| -(0..n).map(|j| precision[i * n + j] * u[j]).sum::<f64>()).collect();
        for i in 0..m {
            let fixed: f64 = beta.iter().enumerate().map(|(j, b)| b * data.x[j * m + i]).sum();
            let eta = fixed + (0..n).map(|j| z(i, j) * u[j]).sum::<f64>();
            let pull = data.family.pull(eta, data.y[i], 0.0);
            for a in 0..n {
                slope[a] += pull.score * z(i, a);
                for b in 0..n {
                    bend[a * n + b] += pull.weight * z(i, a) * z(i, b);
                }
            }
        }
        assert!(cholesky::factor(&mut bend, n, 0.0));
        if step == 59 {
            let mut inverse = vec![0.0; n * n];
            cholesky::invert(&bend, n, &mut inverse);
            return Some((0..n).map(|j| [u[j], inverse[j * n + j].sqrt()]).collect());
        }
        cholesky::solve(&bend, n, &mut slope);
        u.iter_mut().zip(&slope).for_each(|(u, s)| *u += s);
    }
    None
}

#[test]
fn modes_are_those_of_the_joint_density() {
    let mut r = Random(61);
    let mut n = 0;
    for shape in SHAPES {
        for family in FAMILIES {
            let data = sample(shape, family, [160, 8, 5], 1.3, &mut r);
            let mut scratch = Scratch::default();
            let mut fit = data.fit(&laplace(), &mut scratch).expect("a fit");
            let modes = fit.modes(&data.structure).expect("modes");
            let (beta, covariances) = (fit.beta(), fit.covariances(&data.structure));
            let mut values = modes.iter().flat_map(|one| one.modes.iter().zip(&one.std_devs));
            let what = format!("{shape:?} {family:?}");
            if fit.is_boundary() {
                let diagonal = shape != Shape::Slope;
                let zeros = values.filter(|(mode, sd)| **mode == 0.0 && **sd == 0.0).count();
                assert!(zeros > 0 || !diagonal, "{what}");
                continue;
            }
            let theirs = dense(&data, &beta, &covariances).expect("a positive matrix");
            n += 1;
            for [mode, sd] in theirs {
                let (ours, own) = values.next().expect("a mode");
                assert!((ours - mode).abs() < 1e-9, "{what}: {ours} {mode}");
                assert!((own - sd).abs() < 1e-9 * sd, "{what}: {own} {sd}");
            }
            assert!(values.next().is_none());
        }
    }
    assert!(n >= 10, "{n} of 20 inside");
}

/// The modes are those at the estimates, by whatever nodes these were found.
#[test]
fn quadrature_has_modes_too() {
    let mut r = Random(62);
    let data = sample(Shape::Intercept, Family::Logit, [120, 10, 4], 1.0, &mut r);
    let mut scratch = Scratch::default();
    let mut fit = data.fit(&quadrature(9), &mut scratch).expect("a fit");
    let modes = fit.modes(&data.structure).expect("modes");
    let theirs = dense(&data, &fit.beta(), &fit.covariances(&data.structure)).expect("a matrix");
    for (g, [mode, sd]) in theirs.into_iter().enumerate() {
        assert!((modes[0].modes[g] - mode).abs() < 1e-10);
        assert!((modes[0].std_devs[g] - sd).abs() < 1e-10);
    }
}
