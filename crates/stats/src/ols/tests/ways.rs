//! Clusters of several ways against fits clustered in one way each.

use super::*;

/// The columns of all combinations of ways; numbers may have gaps.
fn combinations(ways: &[Vec<usize>]) -> Vec<Vec<f64>> {
    let number = |c: usize, i: usize| {
        let own = ways.iter().enumerate().filter(|(w, _)| c >> w & 1 == 1);
        own.fold(0, |number, (_, way)| number * 7 + way[i]) as f64
    };
    (1..1 << ways.len()).map(|c| (0..ways[0].len()).map(|i| number(c, i)).collect()).collect()
}

/// The rows in the order of one column's numbers, which are their groups.
fn grouped(d: &Design, codes: &[f64]) -> Design {
    let mut order: Vec<usize> = (0..codes.len()).collect();
    order.sort_by(|a, b| codes[*a].total_cmp(&codes[*b]));
    let pick = |from: &[f64]| -> Vec<f64> { order.iter().map(|i| from[*i]).collect() };
    let starts = (0..order.len()).filter(|i| *i == 0 || codes[order[i - 1]] != codes[order[*i]]);
    Design {
        columns: d.columns.iter().map(|column| pick(column)).collect(),
        y: pick(&d.y),
        weight: d.weight.as_deref().map(pick),
        collapsed: d.collapsed.as_ref().map(|(count, within)| (pick(count), pick(within))),
        groups: starts.chain([order.len()]).map(|start| start as u32).collect(),
    }
}

const KINDS: [Kind; 3] = [Kind::Single, Kind::Weighted, Kind::Collapsed];

/// Variances add up over the combinations of ways; standard errors, also of contrasts, are roots
/// of these sums, degrees of freedom those of the way with the fewest clusters.
#[test]
fn combinations_of_ways_are_added_and_taken_off() {
    let mut r = Lcg(41);
    let mut n_negative = 0;
    for round in 0..60 {
        let kind = KINDS[round % 3];
        let mut d = random_design(&mut r, kind, 14, 3);
        let m = d.y.len();
        let n_ways = 2 + round % 2;
        let sizes = [3 + round % 5, 6, 4];
        let ways: Vec<Vec<usize>> =
            sizes[..n_ways].iter().map(|n| (0..m).map(|_| r.below(*n)).collect()).collect();
        let mut shape = Shape { ways: n_ways, ..Shape::default() };
        if round % 4 == 1 {
            // Instruments: a column of its own for the third predictor, which it moves.
            let z: Vec<f64> = d.columns[2].iter().map(|x| x + r.normal()).collect();
            let exogenous = [d.columns[0].clone(), d.columns[1].clone()];
            d.columns.extend(exogenous.into_iter().chain([z]));
            shape.instruments = 3;
        }
        if round % 4 == 2 {
            d.columns.remove(0);
            d.columns.push((0..m).map(|_| r.below(3) as f64).collect());
            shape.fixed = 1;
        }
        if let Some(weight) = &mut d.weight {
            weight[2] = 0.0;
        }
        let codes = combinations(&ways);
        let mut several = Design { groups: Vec::new(), ..d.clone() };
        several.columns.extend(codes.iter().cloned());
        for variance in [Variance::Cr0, Variance::Stata] {
            let what = format!("{round} {kind:?} {shape:?} {variance:?}");
            let mut scratch = Scratch::default();
            let ours = several.fit_shaped(shape, variance, Targets::All, &mut scratch).unwrap();
            let one_way = Shape { ways: 0, ..shape };
            let mut vcov = vec![0.0; ours.vcov.len()];
            let mut size = vec![0.0; ours.vcov.len()];
            let mut fewest = usize::MAX;
            for (c, codes) in codes.iter().enumerate() {
                let own = grouped(&d, codes);
                let mut scratch = Scratch::default();
                let fit = own.fit_shaped(one_way, variance, Targets::All, &mut scratch).unwrap();
                let odd = (c + 1).count_ones() % 2 == 1;
                for ((total, size), v) in vcov.iter_mut().zip(&mut size).zip(&fit.vcov) {
                    *total += if odd { *v } else { -v };
                    *size += v.abs();
                }
                if (c + 1).is_power_of_two() {
                    fewest = fewest.min(fit.n_clusters);
                }
            }
            assert_eq!(ours.n_clusters, fewest, "{what}");
            let k = ours.rank;
            for i in 0..k * k {
                close(ours.vcov[i], vcov[i], size[i / k * (k + 1)], 1e-10, &what);
            }
            let x = several.columns.concat();
            let contrast: Vec<f64> = (0..k).map(|j| if j == k - 1 { 1.0 } else { 0.0 }).collect();
            let targets = Targets::Contrasts(&[k - 1], &contrast);
            let fit = fit_shaped(&several.rows(&x), shape, variance, targets, &mut scratch);
            let fit = fit.unwrap();
            let own = vcov[k * k - 1];
            if own.abs() > 1e-9 * size[k * k - 1] {
                n_negative += usize::from(own < 0.0);
                assert_eq!(fit.is_negative[k - 1], own < 0.0, "{what}");
                close(fit.std_error[k - 1], own.max(0.0).sqrt(), 0.0, 1e-7, &what);
            }
            assert_eq!(fit.contrasts[0].is_negative, fit.is_negative[k - 1]);
            assert_eq!(fit.contrasts[0].std_error, fit.std_error[k - 1], "{what}");
            assert_eq!(fit.df[k - 1], fewest as f64 - 1.0, "{what}");
        }
    }
    assert!((1..30).contains(&n_negative), "{n_negative} variances below zero");
}

#[test]
fn a_way_of_one_cluster_and_numbers_that_are_none_are_refused() {
    let mut r = Lcg(5);
    let d = random_design(&mut r, Kind::Single, 6, 2);
    let m = d.y.len();
    let shape = Shape { ways: 2, ..Shape::default() };
    let fit = |columns: Vec<Vec<f64>>| {
        let columns = d.columns.iter().cloned().chain(columns).collect();
        let several = Design { columns, groups: Vec::new(), ..d.clone() };
        several.fit_shaped(shape, Variance::Cr0, Targets::All, &mut Scratch::default()).unwrap_err()
    };
    let alternating: Vec<f64> = (0..m).map(|i| (i % 2) as f64).collect();
    let alone = vec![0.0; m];
    let columns = vec![alone, alternating.clone(), alternating.clone()];
    assert_eq!(fit(columns), Failure::TooFewClusters);
    for wrong in [f64::NAN, -1.0, f64::INFINITY] {
        let mut codes = alternating.clone();
        codes[1] = wrong;
        let columns = vec![alternating.clone(), alternating.clone(), codes];
        assert_eq!(fit(columns), Failure::NotFinite);
    }
}
