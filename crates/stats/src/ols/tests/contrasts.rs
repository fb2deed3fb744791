//! Combinations of coefficients, one and several, against other parametrisations and dense
//! matrices.

use super::twin::{Matrix, adjusted, inverse, inverse_root, multiply, transpose};
use super::*;

/// The design in which coefficient `j` is the combination `l'b`, and the others stay.
fn turned(d: &Design, l: &[f64], j: usize) -> Design {
    let mut out = d.clone();
    let own = d.columns[j].clone();
    for (c, column) in out.columns.iter_mut().enumerate() {
        for (v, x) in column.iter_mut().zip(&own) {
            *v = if c == j { x / l[j] } else { *v - x * l[c] / l[j] };
        }
    }
    out
}

#[test]
fn a_contrast_is_a_coefficient_of_the_turned_design() {
    let mut r = Lcg(31);
    for kind in [Kind::Single, Kind::Weighted, Kind::Collapsed] {
        for round in 0..12 {
            let p = 2 + round % 4;
            let d = random_design(&mut r, kind, 8, p);
            let l: Vec<f64> = (0..p).map(|_| r.normal() + 0.1).collect();
            let j = round % p;
            let other: Vec<f64> = (0..p).map(|c| f64::from(u8::from(c == j))).collect();
            let (x, both) = (d.columns.concat(), [l.clone(), other].concat());
            for variance in ALL {
                let what = format!("{kind:?} {round} {variance:?}");
                let targets = Targets::Contrasts(&[j], &both);
                let mut scratch = Scratch::default();
                let fit = fit(&d.rows(&x), variance, targets, &mut scratch).unwrap();
                let turned = turned(&d, &l, j).fit(variance).unwrap();
                let [found, same] = [fit.contrasts[0], fit.contrasts[1]];
                close(found.estimate, turned.beta[j], turned.std_error[j], 1e-9, &what);
                close(found.std_error, turned.std_error[j], 0.0, 1e-9, &what);
                close(found.df, turned.df[j], 0.0, 1e-8, &what);
                assert!(found.kept && same.kept);
                // A contrast that is a coefficient has its bits.
                let own = [fit.beta[j], fit.std_error[j], fit.df[j]];
                assert_eq!([same.estimate, same.std_error, same.df], own, "{what}");
            }
        }
    }
}

#[test]
fn a_contrast_of_a_dropped_predictor_is_none() {
    let mut r = Lcg(32);
    let mut d = random_design(&mut r, Kind::Single, 8, 3);
    d.columns.push(d.columns[2].iter().map(|v| 2.0 * v).collect());
    let x = d.columns.concat();
    let factors = [0.0, 1.0, 0.0, -1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 2.0, 0.0, 0.0];
    let mut scratch = Scratch::default();
    let targets = Targets::Contrasts(&[], &factors);
    let fit = fit(&d.rows(&x), Variance::Cr2, targets, &mut scratch).unwrap();
    let dropped = fit.kept.iter().position(|kept| !kept).unwrap();
    let kept: Vec<bool> = fit.contrasts.iter().map(|c| c.kept).collect();
    assert_eq!(kept, [dropped != 3, dropped != 2, true]);
}

/// `eta` from its definition: variances of the quadratic forms `D_st`, all matrices dense.
fn dense_eta(d: &Design, l: &Matrix) -> f64 {
    let n = d.y.len();
    let x = transpose(&d.columns);
    let w = d.weight.clone().unwrap_or_else(|| vec![1.0; n]);
    let wx: Matrix = x.iter().zip(&w).map(|(row, w)| row.iter().map(|v| v * w).collect()).collect();
    let m = inverse(&multiply(&transpose(&wx), &x));
    let hat = multiply(&multiply(&x, &m), &transpose(&wx));
    let entry = |i: usize, j: usize| f64::from(u8::from(i == j)) - hat[i][j];
    let gap: Matrix = (0..n).map(|i| (0..n).map(|j| entry(i, j)).collect()).collect();
    let lm = multiply(l, &m);
    let of_errors = multiply(&lm, &transpose(&wx));
    let root = inverse_root(&multiply(&of_errors, &transpose(&of_errors)));
    let whitened = multiply(&root, &lm);
    // For each hypothesis and cluster the vector whose product with the errors is its part.
    let v = multiply(&adjusted(d, &wx, &gap), &transpose(&whitened));
    let part = |s: usize, g: &[u32]| -> Vec<f64> {
        let sum = |i: usize| (g[0]..g[1]).map(|j| gap[j as usize][i] * v[j as usize][s]).sum();
        (0..n).map(sum).collect()
    };
    let q = l.len();
    let mut total = 0.0;
    for s in 0..q {
        for t in 0..q {
            let mut b = vec![vec![0.0; n]; n];
            for g in d.groups.windows(2) {
                let (a, c) = (part(s, g), part(t, g));
                for i in 0..n {
                    (0..n).for_each(|j| b[i][j] += a[i] * c[j]);
                }
            }
            for i in 0..n {
                total += (0..n).map(|j| b[i][j] * (b[i][j] + b[j][i])).sum::<f64>();
            }
        }
    }
    (q * (q + 1)) as f64 / total
}

/// After a fit of its own.
fn degrees(rows: &Rows, shape: Shape, contrasts: &[f64]) -> Result<Option<f64>, Failure> {
    let mut scratch = Scratch::default();
    fit_shaped(rows, shape, Variance::Cr2, Targets::Some(&[]), &mut scratch)?;
    hotelling_df(rows, shape, contrasts, &mut scratch)
}

#[test]
fn the_df_of_joint_tests_agree_with_their_definition() {
    let mut r = Lcg(33);
    for kind in [Kind::Single, Kind::Weighted, Kind::Collapsed] {
        for round in 0..6 {
            let (p, q) = (3 + round % 2, 1 + round % 3);
            let d = random_design(&mut r, kind, 9, p);
            let l: Matrix = (0..q).map(|_| (0..p).map(|_| r.normal()).collect()).collect();
            let (x, what) = (d.columns.concat(), format!("{kind:?} {round}"));
            let shape = Shape::default();
            let eta = degrees(&d.rows(&x), shape, &l.concat()).unwrap().unwrap();
            close(eta, dense_eta(&d.expand(), &l), 0.0, 1e-9, &what);
            if q == 1 {
                let mut scratch = Scratch::default();
                let targets = Targets::Contrasts(&[], &l[0]);
                let fit = fit(&d.rows(&x), Variance::Cr2, targets, &mut scratch).unwrap();
                close(eta, fit.contrasts[0].df, 0.0, 1e-9, &what);
            }
            // Hypotheses that say the same in other words.
            if q == 2 {
                let other: Vec<f64> = (0..p).map(|j| 3.0 * l[0][j] - l[1][j]).collect();
                let same = [l[1].clone(), other].concat();
                let again = degrees(&d.rows(&x), shape, &same).unwrap().unwrap();
                close(eta, again, 0.0, 1e-9, &what);
                let twice = [l[0].clone(), l[0].clone()].concat();
                assert_eq!(degrees(&d.rows(&x), shape, &twice), Ok(None), "{what}");
            }
        }
    }
}

#[test]
fn the_df_of_joint_tests_are_those_of_indicators() {
    let mut r = Lcg(34);
    let mut d = random_design(&mut r, Kind::Single, 12, 4);
    d.columns.drain(..2);
    let level = |i: usize| (i % 3) as f64;
    let levels: Vec<f64> = (0..d.y.len()).map(level).collect();
    let mut plain = d.clone();
    for own in 0..3 {
        plain.columns.push(levels.iter().map(|l| f64::from(u8::from(*l == own as f64))).collect());
    }
    d.columns.push(levels);
    let shape = Shape { fixed: 1, ..Shape::default() };
    let (x, with) = (d.columns.concat(), plain.columns.concat());
    let ours = degrees(&d.rows(&x), shape, &[1.0, 0.0, 0.5, 1.0]).unwrap().unwrap();
    let l = [1.0, 0.0, 0.0, 0.0, 0.0, 0.5, 1.0, 0.0, 0.0, 0.0];
    let theirs = degrees(&plain.rows(&with), Shape::default(), &l).unwrap().unwrap();
    close(ours, theirs, 0.0, 1e-9, "fixed effects");
}
