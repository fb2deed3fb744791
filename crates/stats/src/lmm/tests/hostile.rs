//! Data that no study has: every fit ends, in a number or in a reason.

use super::super::{Df, Method, Scratch, fit};
use super::{Data, Kind, Random};
use crate::Failure;
use std::collections::BTreeMap;

const NASTY: [f64; 13] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    1e-300,
    -1e-200,
    1e-100,
    1e100,
    1e200,
    -f64::MAX,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
];

/// A column in one of many styles; `group` gives the group of each row.
fn column(random: &mut Random, group: &[usize]) -> Vec<f64> {
    let m = group.len();
    let scale = [1.0, 1e-6, 1e6, 1e-150, 1e140, 1e-90][random.below(6)];
    let own: Vec<f64> = (0..8).map(|_| random.normal()).collect();
    let style = random.below(9);
    let mut value = |i: usize| match style {
        0 => 1.0,
        1 => 0.0,
        2 => own[group[i]],
        3 => own[group[i]] + 1e-9 * random.normal(),
        4 => random.below(2) as f64,
        5 => 1e8 + random.normal(),
        6 => (random.normal() * 30.0).exp(),
        _ => random.normal(),
    };
    (0..m).map(|i| scale * value(i)).collect()
}

fn nasty(random: &mut Random) -> Data {
    let n_groups = if random.below(30) == 0 { 0 } else { 1 + random.below(7) };
    let p = random.below(5);
    let mut groups = vec![0];
    let size = 1 + random.below(4);
    for _ in 0..n_groups {
        let next = groups[groups.len() - 1] + [size, random.below(6)][random.below(2)] as u32;
        groups.push(next);
    }
    if random.below(40) == 0 {
        groups = if groups[groups.len() - 1] == 0 { Vec::new() } else { groups };
    }
    let m = groups.last().map_or(0, |&m| m as usize);
    let ends = groups.windows(2).enumerate();
    let group: Vec<usize> = ends.flat_map(|(g, e)| (e[0]..e[1]).map(move |_| g)).collect();
    let mut x: Vec<Vec<f64>> = (0..p).map(|_| column(random, &group)).collect();
    if p > 0 && random.below(3) > 0 {
        x[0].fill(1.0);
    }
    if p > 2 && random.below(4) == 0 {
        x[2] = x[1].iter().map(|v| 3.0 * v + 1e-9 * random.normal()).collect();
    }
    let mut y = column(random, &group);
    if p > 1 && random.below(6) == 0 {
        y = x[1].iter().zip(&group).map(|(v, g)| 2.0 * v + *g as f64).collect();
    }
    let mut x = x.concat();
    for values in [&mut x, &mut y] {
        if !values.is_empty() && random.below(12) == 0 {
            let at = random.below(values.len());
            values[at] = NASTY[random.below(NASTY.len())];
        }
    }
    let mut some = |nasty: usize| -> Vec<f64> {
        let strange = random.below(8) == 0;
        let value = |random: &mut Random| match random.below(nasty) {
            0 => 0.0,
            1 if strange => NASTY[random.below(NASTY.len())],
            _ => 1.0 + random.below(3) as f64,
        };
        (0..m).map(|_| value(random)).collect()
    };
    let (count, within) = (some(8), some(3));
    let kind = match random.below(4) {
        0 => Kind::Weighted(count),
        1 => Kind::Collapsed { count, within },
        2 => Kind::Collapsed { count: vec![3.0; m], within },
        _ => Kind::Single,
    };
    Data { x, y, groups, kind }
}

#[test]
fn every_fit_ends_in_a_number_or_in_a_reason() {
    let mut random = Random(7);
    let mut scratch = Scratch::default();
    let mut outcomes: BTreeMap<Result<&str, Failure>, usize> = BTreeMap::new();
    for round in 0..20_000 {
        let data = nasty(&mut random);
        let method = if round % 2 == 0 { Method::Reml } else { Method::Ml };
        let result = fit(&data.rows(), method, &mut scratch);
        let outcome = match &result {
            Err(failure) => Err(*failure),
            Ok(fit) => Ok(if fit.is_boundary() { "boundary" } else { "interior" }),
        };
        let mut fresh = Scratch::default();
        let again = fit(&data.rows(), method, &mut fresh).map(|f| f.criterion().to_bits());
        assert_eq!(again, result.as_ref().map(|f| f.criterion().to_bits()).map_err(|e| *e));
        *outcomes.entry(outcome).or_default() += 1;
        let Ok(fit) = result else { continue };
        assert!(fit.theta() >= 0.0 && fit.theta().is_finite(), "round {round}");
        assert!(fit.sigma() > 0.0 && fit.sigma().is_finite(), "round {round}");
        assert!(fit.criterion().is_finite(), "round {round}");
        assert!(fit.n_obs() > fit.rank() && fit.n_obs() > fit.n_groups(), "round {round}");
        for (j, kept) in fit.kept().iter().enumerate() {
            for df in [Df::Satterthwaite, Df::Residual, Df::Z] {
                match fit.coefficient(j, df) {
                    Ok(term) => {
                        assert!(kept & term.estimate.is_finite(), "round {round}");
                        assert!(term.std_error > 0.0 && term.df > 0.0, "round {round}");
                    }
                    Err(failure) => {
                        assert!(!kept || failure != Failure::TermDropped, "round {round}");
                    }
                }
            }
        }
    }
    for reached in [
        Ok("boundary"),
        Ok("interior"),
        Err(Failure::NoRows),
        Err(Failure::NotFinite),
        Err(Failure::BadWeights),
        Err(Failure::TooFewGroups),
        Err(Failure::NoResidualDf),
        Err(Failure::ZeroStandardError),
    ] {
        assert!(outcomes.get(&reached).is_some_and(|&n| n >= 20), "{reached:?} of {outcomes:?}");
    }
    let stuck = outcomes.get(&Err(Failure::NotConverged)).copied().unwrap_or(0);
    assert!(stuck <= 20, "{outcomes:?}");
}
