//! Fixed effects against indicators, and two-stage least squares against its equations.

use super::*;
use crate::linalg::vector::dot;

const KINDS: [Kind; 4] = [Kind::Single, Kind::Weighted, Kind::WeightedByCluster, Kind::Collapsed];

/// The cluster of each row.
fn cluster_of(d: &Design) -> Vec<usize> {
    (0..d.y.len()).map(|i| d.groups.partition_point(|g| *g as usize <= i) - 1).collect()
}

/// Levels of a fixed effect: crossing the clusters, blocks of clusters, the clusters themselves,
/// or parts of clusters.
fn levels(d: &Design, r: &mut Lcg, kind: usize) -> Vec<f64> {
    let clusters = cluster_of(d);
    let level = |i: usize, g: usize, r: &mut Lcg| match kind {
        0 => r.below(4),
        1 => g / 3,
        2 => g,
        _ => 2 * g + i % 2,
    };
    clusters.iter().enumerate().map(|(i, g)| level(i, *g, r) as f64).collect()
}

/// The columns of `d` with an indicator for each level in the place of the fixed effects.
fn indicators(d: &Design, effects: &[Vec<f64>]) -> Design {
    let mut out = d.clone();
    for (f, effect) in effects.iter().enumerate() {
        let n = effect.iter().fold(0.0_f64, |n, c| n.max(*c)) as usize + 1;
        for level in usize::from(f > 0)..n {
            let column: Vec<f64> =
                effect.iter().map(|c| f64::from(u8::from(*c == level as f64))).collect();
            if column.contains(&1.0) {
                out.columns.push(column);
            }
        }
    }
    out
}

/// Variances that go with the rows: weighted CR2 is refused with fixed effects.
fn variances(kind: Kind) -> impl Iterator<Item = Variance> {
    let weighted = matches!(kind, Kind::Weighted | Kind::WeightedByCluster);
    ALL.into_iter().filter(move |v| !(weighted && *v == Variance::Cr2))
}

#[test]
fn fixed_effects_equal_indicators() {
    let mut r = Lcg(11);
    for round in 0..60 {
        let kind = KINDS[round % 4];
        let mut d = random_design(&mut r, kind, 12, 4);
        // Without the constant and the treatment of clusters, which some effects explain.
        d.columns.drain(..2);
        let structure = [&[0][..], &[1], &[2], &[3], &[0, 1], &[1, 0], &[0, 0, 1]][round % 7];
        let effects: Vec<Vec<f64>> = structure.iter().map(|k| levels(&d, &mut r, *k)).collect();
        let mut absorbed = d.clone();
        absorbed.columns.extend(effects.iter().cloned());
        let plain = indicators(&d, &effects);
        let shape = Shape { fixed: effects.len(), ..Shape::default() };
        let p = d.columns.len();
        for variance in variances(kind) {
            let what = format!("{round} {kind:?} {structure:?} {variance:?}");
            let mut scratch = Scratch::default();
            let ours = absorbed.fit_shaped(shape, variance, Targets::All, &mut scratch);
            let theirs = plain.fit(variance);
            let (ours, theirs) = match (ours, theirs) {
                (Ok(ours), Ok(theirs)) => (ours, theirs),
                (Err(a), Err(b)) => {
                    assert_eq!(a, b, "{what}");
                    continue;
                }
                (a, b) => panic!("{what}: {a:?} {b:?}"),
            };
            for j in 0..p {
                close(ours.beta[j], theirs.beta[j], ours.std_error[j], 1e-10, &what);
                close(ours.std_error[j], theirs.std_error[j], 0.0, 1e-9, &what);
                close(ours.df[j], theirs.df[j], 0.0, 1e-8, &what);
            }
            close(ours.rss, theirs.rss, 0.0, 1e-10, &what);
            close(ours.sigma, theirs.sigma, 0.0, 1e-10, &what);
            // The plain design has no constant column, so that its total is around zero.
            let mut with_constant = d.clone();
            with_constant.columns = vec![vec![1.0; d.y.len()]];
            let total = with_constant.fit(Variance::Classical).unwrap().tss;
            close(ours.tss, total, 0.0, 1e-10, &what);
        }
    }
}

#[test]
fn what_fixed_effects_explain_is_dropped() {
    let mut r = Lcg(12);
    let d = random_design(&mut r, Kind::Single, 12, 3);
    let fit = |d: &Design, columns: Vec<Vec<f64>>, fixed| {
        let d = Design { columns, ..d.clone() };
        let shape = Shape { fixed, ..Shape::default() };
        d.fit_shaped(shape, Variance::Hc2, Targets::All, &mut Scratch::default())
    };
    let effect = levels(&d, &mut r, 2);
    // The constant and the treatment of clusters are combinations of cluster effects.
    let found = fit(&d, [&d.columns[..], std::slice::from_ref(&effect)].concat(), 1).unwrap();
    assert_eq!(found.kept, [false, false, true]);
    // A column that only the second factor explains.
    let second = levels(&d, &mut r, 0);
    let explained: Vec<f64> = second.iter().map(|c| (c * 1.3).sin()).collect();
    let columns = vec![explained, d.columns[2].clone(), effect.clone(), second];
    assert_eq!(fit(&d, columns, 2).unwrap().kept, [false, true]);
    // An outcome that the effects explain has no variance left.
    let mut explained = d.clone();
    explained.y = effect.iter().map(|c| 1e3 + (c * 0.7).cos()).collect();
    let found = fit(&explained, vec![d.columns[2].clone(), effect.clone()], 1).unwrap();
    assert_eq!((found.rss, found.std_error[0]), (0.0, 0.0));
    let mut bad = effect.clone();
    bad[3] = -1.0;
    assert_eq!(fit(&d, vec![d.columns[2].clone(), bad], 1).unwrap_err(), Failure::NotFinite);
    let each: Vec<f64> = (0..d.y.len()).map(|i| i as f64).collect();
    assert_eq!(fit(&d, vec![d.columns[2].clone(), each], 1).unwrap_err(), Failure::NoResidualDf);
}

/// A design with one or two predictors that depend on the errors, and its instruments.
fn with_instruments(r: &mut Lcg, kind: Kind, n_endogenous: usize) -> (Design, Vec<Vec<f64>>) {
    let mut d = random_design(r, kind, 14, 3);
    let n = d.y.len();
    let mut instruments = d.columns.clone();
    for j in 0..n_endogenous {
        let z: Vec<f64> = (0..n).map(|_| r.normal()).collect();
        let endogenous =
            (0..n).map(|i| 5.0 + z[i] + 0.4 * d.y[i] + 0.3 * r.normal() + j as f64).collect();
        instruments.push(z);
        d.columns.push(endogenous);
    }
    (d, instruments)
}

fn two_stage(d: &Design, instruments: &[Vec<f64>], variance: Variance) -> Result<Owned, Failure> {
    let mut all = d.clone();
    all.columns.extend(instruments.iter().cloned());
    let shape = Shape { instruments: instruments.len(), ..Shape::default() };
    all.fit_shaped(shape, variance, Targets::All, &mut Scratch::default())
}

#[test]
fn predictors_as_instruments_are_least_squares() {
    let mut r = Lcg(13);
    for kind in KINDS {
        let d = random_design(&mut r, kind, 10, 4);
        for variance in ALL {
            let ours = two_stage(&d, &d.columns, variance).unwrap();
            same(&ours, &d.fit(variance).unwrap(), 1e-12, &format!("{kind:?} {variance:?}"));
        }
    }
}

#[test]
fn just_identified_residuals_are_orthogonal_to_the_instruments() {
    let mut r = Lcg(14);
    for kind in KINDS {
        for n_endogenous in 1..3 {
            let (d, instruments) = with_instruments(&mut r, kind, n_endogenous);
            let ours = two_stage(&d, &instruments, Variance::Hc2).unwrap();
            let weights = match (&d.weight, &d.collapsed) {
                (Some(w), _) => w.clone(),
                (_, Some((count, _))) => count.clone(),
                _ => vec![1.0; d.y.len()],
            };
            let residual: Vec<f64> = (0..d.y.len())
                .map(|i| {
                    let fitted: f64 = d.columns.iter().zip(&ours.beta).map(|(x, b)| x[i] * b).sum();
                    weights[i] * (d.y[i] - fitted)
                })
                .collect();
            let size = dot(&residual, &residual).sqrt();
            for z in &instruments {
                assert!(dot(z, &residual).abs() <= 1e-11 * size * dot(z, z).sqrt());
            }
        }
    }
}

#[test]
fn instruments_count_by_their_span() {
    let mut r = Lcg(15);
    for kind in KINDS {
        let (d, mut instruments) = with_instruments(&mut r, kind, 1);
        instruments.push((0..d.y.len()).map(|_| r.normal()).collect());
        let mixed: Vec<Vec<f64>> = (0..instruments.len())
            .map(|j| {
                let mix = |i: usize| {
                    let other = &instruments[(j + 1) % instruments.len()];
                    instruments[j][i] + 0.5 * other[i]
                };
                (0..d.y.len()).map(mix).collect()
            })
            .collect();
        for variance in ALL {
            let a = two_stage(&d, &instruments, variance).unwrap();
            let b = two_stage(&d, &mixed, variance).unwrap();
            let same_numbers = |a: &[f64], b: &[f64]| {
                for (a, b) in a.iter().zip(b) {
                    close(*a, *b, 0.0, 1e-9, &format!("{kind:?} {variance:?}"));
                }
            };
            same_numbers(&a.beta, &b.beta);
            same_numbers(&a.std_error, &b.std_error);
            same_numbers(&a.df, &b.df);
        }
    }
}

#[test]
fn too_few_instruments_are_refused() {
    let mut r = Lcg(16);
    let (d, mut instruments) = with_instruments(&mut r, Kind::Single, 2);
    let refused = |z: &[Vec<f64>]| two_stage(&d, z, Variance::Hc2).unwrap_err();
    assert_eq!(refused(&instruments[..4]), Failure::UnderIdentified);
    // Two instruments that are one.
    instruments[4] = instruments[3].iter().map(|z| 2.0 * z - 1.0).collect();
    assert_eq!(refused(&instruments), Failure::UnderIdentified);
    // A predictor that is given twice is dropped, and no matter of instruments.
    let (mut d, instruments) = with_instruments(&mut r, Kind::Single, 1);
    d.columns.push(d.columns[2].clone());
    let fit = two_stage(&d, &instruments, Variance::Hc2).unwrap();
    assert_eq!(fit.kept.iter().filter(|k| **k).count(), 4);
}

#[test]
fn both_equal_indicators_in_both_stages() {
    let mut r = Lcg(17);
    for round in 0..24 {
        let kind = KINDS[round % 4];
        let (mut d, mut instruments) = with_instruments(&mut r, kind, 1);
        d.columns.drain(..2);
        instruments.drain(..2);
        let effects = vec![levels(&d, &mut r, round % 3)];
        let mut absorbed = d.clone();
        absorbed.columns.extend(instruments.iter().chain(&effects).cloned());
        let shape = Shape { instruments: instruments.len(), fixed: 1, ways: 0 };
        let plain = indicators(&d, &effects);
        let dummies = &plain.columns[d.columns.len()..];
        let both = [&instruments[..], dummies].concat();
        for variance in variances(kind) {
            let what = format!("{round} {kind:?} {variance:?}");
            let mut scratch = Scratch::default();
            let ours =
                absorbed.fit_shaped(shape, variance, Targets::All, &mut scratch).expect(&what);
            let theirs = two_stage(&plain, &both, variance).expect(&what);
            for j in 0..d.columns.len() {
                close(ours.beta[j], theirs.beta[j], ours.std_error[j], 1e-9, &what);
                close(ours.std_error[j], theirs.std_error[j], 0.0, 1e-8, &what);
                close(ours.df[j], theirs.df[j], 0.0, 1e-7, &what);
            }
        }
    }
}

/// Another outcome of the same rows has the fit that it has alone, to the bit: with rows of weight
/// zero, with fixed effects, and after an outcome that failed.
#[test]
fn another_outcome_is_fitted_as_if_it_were_alone() {
    let mut r = Lcg(23);
    for round in 0..48 {
        let kind = KINDS[round % 4];
        let mut d = random_design(&mut r, kind, 9, 4);
        let effects = [&[][..], &[0], &[0, 1]][round % 3];
        if !effects.is_empty() {
            d.columns.remove(0);
        }
        let own: Vec<Vec<f64>> = effects.iter().map(|k| levels(&d, &mut r, *k)).collect();
        d.columns.extend(own);
        // A column that depends on another takes the pivoted route.
        if round % 5 == 0 {
            let twice = d.columns[1].iter().map(|v| 2.0 * v).collect();
            d.columns.insert(2, twice);
        }
        if let Some(weight) = &mut d.weight {
            weight[1] = 0.0;
        }
        let other = Design { y: d.y.iter().map(|y| y * y + r.normal()).collect(), ..d.clone() };
        let other = match &other.collapsed {
            None => other,
            Some((count, within)) => {
                let within = within.iter().map(|w| 3.0 * w).collect();
                Design { collapsed: Some((count.clone(), within)), ..other }
            }
        };
        let shape = Shape { fixed: effects.len(), ..Shape::default() };
        for variance in variances(kind) {
            let mut scratch = Scratch::default();
            let first = d.fit_shaped(shape, variance, Targets::All, &mut scratch);
            if first.is_err() {
                continue;
            }
            let again = other.fit_outcome(shape, variance, &mut scratch);
            let alone = other.fit_shaped(shape, variance, Targets::All, &mut Scratch::default());
            assert_eq!(again, alone, "{round} {kind:?} {effects:?} {variance:?}");
            let infinite = Design { y: vec![f64::INFINITY; d.y.len()], ..d.clone() };
            let lost = infinite.fit_outcome(shape, variance, &mut scratch);
            assert_eq!(lost, Err(Failure::NotFinite));
            let back = d.fit_outcome(shape, variance, &mut scratch);
            assert_eq!(back, first, "{round} {kind:?} {effects:?} {variance:?}");
        }
    }
}
