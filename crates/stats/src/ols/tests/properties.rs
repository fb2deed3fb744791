//! Identities that hold for every design: collapsing, scaling, routes, known special cases.

use super::*;

const KINDS: [Kind; 4] = [Kind::Single, Kind::Weighted, Kind::WeightedByCluster, Kind::Collapsed];

#[test]
fn collapsed_rows_equal_their_observations() {
    let mut r = Lcg(1);
    for round in 0..40 {
        let d = random_design(&mut r, Kind::Collapsed, 5 + round % 7, 1 + round % 5);
        let expanded = d.expand();
        assert!(expanded.y.len() > d.y.len());
        for variance in ALL {
            let (a, b) = (d.fit(variance).unwrap(), expanded.fit(variance).unwrap());
            same(&a, &b, 1e-12, &format!("{round} {variance:?}"));
        }
    }
}

#[test]
fn rows_of_weight_zero_are_as_if_absent() {
    let mut r = Lcg(2);
    for kind in [Kind::Weighted, Kind::Collapsed] {
        let d = random_design(&mut r, kind, 8, 3);
        let mut padded = d.clone();
        // A row of weight zero at the head of each cluster, full of what is no number, and a
        // cluster of such rows alone.
        let heads: Vec<usize> = d.groups.iter().map(|g| *g as usize).rev().collect();
        for at in &heads {
            padded.columns.iter_mut().for_each(|c| c.insert(*at, f64::NAN));
            padded.y.insert(*at, f64::INFINITY);
            if let Some(w) = &mut padded.weight {
                w.insert(*at, 0.0);
            }
            if let Some((count, within)) = &mut padded.collapsed {
                count.insert(*at, 0.0);
                within.insert(*at, f64::NAN);
            }
        }
        padded.groups = d.groups.iter().enumerate().map(|(g, at)| at + g as u32).collect();
        padded.groups.push(padded.y.len() as u32);
        for variance in ALL {
            let (a, b) = (d.fit(variance).unwrap(), padded.fit(variance).unwrap());
            assert_eq!(a, b, "{kind:?} {variance:?}");
        }
    }
}

#[test]
fn shifts_and_scales_of_the_outcome_pass_through() {
    let mut r = Lcg(3);
    for kind in KINDS {
        let d = random_design(&mut r, kind, 9, 4);
        for (scale, shift) in [(1e-6, 0.0), (1e6, 0.0), (1.0, 1e6), (1e-6, 1.0), (1e6, 1e12)] {
            let mut moved = d.clone();
            moved.y.iter_mut().for_each(|y| *y = *y * scale + shift);
            if let Some((_, within)) = &mut moved.collapsed {
                within.iter_mut().for_each(|v| *v *= scale * scale);
            }
            for variance in ALL {
                let (a, b) = (d.fit(variance).unwrap(), moved.fit(variance).unwrap());
                let what = format!("{kind:?} {variance:?} {scale} {shift}");
                for j in 0..4 {
                    let beta = b.beta[j] - if j == 0 { shift } else { 0.0 };
                    close(beta / scale, a.beta[j], a.std_error[j], 1e-8, &what);
                    close(b.std_error[j] / scale, a.std_error[j], 0.0, 1e-8, &what);
                    close(b.df[j], a.df[j], 0.0, 1e-12, &what);
                }
            }
        }
    }
}

#[test]
fn shifts_and_scales_of_predictors_pass_through() {
    let mut r = Lcg(4);
    for kind in KINDS {
        let d = random_design(&mut r, kind, 9, 4);
        for (scale, shift) in [(1e-6, 0.0), (1e6, 0.0), (1.0, 1e6), (1e-6, 1.0), (1e6, 1e12)] {
            let mut moved = d.clone();
            moved.columns[2].iter_mut().for_each(|x| *x = *x * scale + shift);
            moved.columns[3].iter_mut().for_each(|x| *x /= scale);
            for variance in ALL {
                let (a, b) = (d.fit(variance).unwrap(), moved.fit(variance).unwrap());
                let what = format!("{kind:?} {variance:?} {scale} {shift}");
                for (j, factor) in [(1, 1.0), (2, scale), (3, 1.0 / scale)] {
                    close(b.beta[j] * factor, a.beta[j], a.std_error[j], 1e-8, &what);
                    close(b.std_error[j] * factor, a.std_error[j], 0.0, 1e-8, &what);
                    close(b.df[j], a.df[j], 0.0, 1e-8, &what);
                }
            }
        }
    }
}

#[test]
fn the_unit_of_the_weights_does_not_matter() {
    let mut r = Lcg(5);
    let d = random_design(&mut r, Kind::Weighted, 9, 3);
    let mut constant = d.clone();
    constant.weight = None;
    for variance in ALL {
        for factor in [1e-5, 7.0, 1e8] {
            let mut other = d.clone();
            other.weight.iter_mut().flatten().for_each(|w| *w *= factor);
            let (a, mut b) = (d.fit(variance).unwrap(), other.fit(variance).unwrap());
            (b.rss, b.tss) = (b.rss / factor, b.tss / factor);
            same(&a, &b, 1e-12, &format!("{variance:?} {factor}"));
            // Weights all alike are no weights.
            other.weight = Some(vec![factor; d.y.len()]);
            let (a, mut b) = (constant.fit(variance).unwrap(), other.fit(variance).unwrap());
            (b.rss, b.tss) = (b.rss / factor, b.tss / factor);
            same(&a, &b, 1e-12, &format!("{variance:?} {factor} alike"));
        }
    }
}

#[test]
fn targets_and_used_scratch_change_no_bit() {
    let mut r = Lcg(6);
    let mut scratch = Scratch::default();
    for round in 0..60 {
        let kind = KINDS[round % 4];
        let d = random_design(&mut r, kind, 5 + 3 * (round % 5), 2 + round % 9);
        for variance in ALL {
            let Ok(all) = d.fit(variance) else { continue };
            assert_eq!(d.fit_with(variance, Targets::All, &mut scratch).as_ref(), Ok(&all));
            // One vector, and few, take another way through large clusters than many.
            for targets in [&[1][..], &[1, 1]] {
                let some = d.fit_with(variance, Targets::Some(targets), &mut scratch).unwrap();
                assert_eq!((&some.beta, some.rss), (&all.beta, all.rss));
                close(some.std_error[1], all.std_error[1], 0.0, 1e-13, "one target");
                close(some.df[1], all.df[1], 0.0, 1e-12, "one target");
                assert_eq!((some.std_error[0], some.df[0], some.vcov.len()), (0.0, 0.0, 0));
            }
        }
    }
}

#[test]
fn a_used_scratch_does_not_grow() {
    let mut r = Lcg(7);
    for kind in KINDS {
        let d = random_design(&mut r, kind, 12, 5);
        let (mut scratch, mut sizes) = (Scratch::default(), Vec::new());
        for _ in 0..3 {
            for variance in ALL {
                d.fit_with(variance, Targets::All, &mut scratch).unwrap();
            }
            let s = &scratch;
            sizes.push([
                s.parts.q.capacity(),
                s.parts.e.capacity(),
                s.parts.r.capacity(),
                s.infer.robust.meat.capacity(),
                s.infer.robust.small.capacity(),
                s.infer.robust.long.capacity(),
                s.infer.robust.cross.capacity(),
                s.infer.inverse.capacity(),
                s.infer.vcov.capacity(),
            ]);
        }
        assert_eq!(sizes[0], sizes[2]);
    }
}

#[test]
fn the_pivoted_route_keeps_what_the_fast_one_keeps() {
    let mut r = Lcg(8);
    for round in 0..40 {
        let d = random_design(&mut r, KINDS[round % 4], 9, 2 + round % 5);
        let x = d.columns.concat();
        let observations =
            d.weight.as_ref().map_or(Observations::Single, |w| Observations::Weighted(w));
        let rows = Rows { x: &x, y: &d.y, observations, groups: &d.groups };
        let mut compact = active::Compact::default();
        let active = active::select(&rows, Shape::default(), &mut compact).unwrap();
        let mut parts = Decomposition::default();
        parts.decompose(&active).unwrap();
        let p = d.columns.len();
        assert_eq!(parts.rank, p);
        parts.drop_dependent(&active).unwrap();
        assert_eq!(parts.kept[..p], vec![true; p]);
    }
}

#[test]
fn dropped_columns_leave_the_fit_of_the_others() {
    let mut r = Lcg(9);
    for round in 0..40 {
        let d = random_design(&mut r, KINDS[round % 4], 9, 4);
        let mut more = d.clone();
        // A combination at another scale, a second constant, and nothing at all.
        let combine = |i: usize| 1e-3 * (d.columns[2][i] - 2.0 * d.columns[1][i]);
        more.columns.insert(2, (0..d.y.len()).map(combine).collect());
        more.columns.insert(0, vec![0.0; d.y.len()]);
        more.columns.push(vec![0.1; d.y.len()]);
        for variance in ALL {
            let (a, b) = (d.fit(variance).unwrap(), more.fit(variance).unwrap());
            assert_eq!(b.kept, [false, true, true, false, true, true, false], "{round}");
            let places = [1, 2, 4, 5];
            let picked = Owned {
                beta: places.map(|j| b.beta[j]).to_vec(),
                kept: vec![true; 4],
                std_error: places.map(|j| b.std_error[j]).to_vec(),
                df: places.map(|j| b.df[j]).to_vec(),
                ..b
            };
            same(&a, &picked, 1e-12, &format!("{round} {variance:?}"));
        }
    }
}

#[test]
fn a_constant_that_is_dropped_still_centres_the_total() {
    // Long indicators for all of two levels push the constant out.
    let d = Design {
        columns: vec![vec![1.0; 5], vec![9.0, 9.0, 0.0, 0.0, 0.0], vec![0.0, 0.0, 9.0, 9.0, 9.0]],
        y: vec![1e6 + 1.0, 1e6 + 2.0, 1e6 + 5.0, 1e6 + 3.0, 1e6 + 4.0],
        ..Design::default()
    };
    let fit = d.fit(Variance::Hc2).unwrap();
    assert_eq!(fit.kept, [false, true, true]);
    close(fit.tss, 10.0, 0.0, 1e-12, "tss");
    close(fit.rss, 2.5, 0.0, 1e-12, "rss");
}

#[test]
fn an_observation_that_fits_itself_does_not_count() {
    // estimatr before 2.0 divided rounding error by rounding error here: HC3 39.5 instead of 1.42.
    let mut r = Lcg(10);
    for kind in [Kind::Single, Kind::Weighted] {
        for round in 0..20 {
            let d = random_design(&mut r, kind, 9, 3);
            let at = r.below(d.y.len());
            let mut own = d.clone();
            own.y[at] += 1e3 * r.normal();
            own.columns.push((0..d.y.len()).map(|i| f64::from(u8::from(i == at))).collect());
            let mut without = d.clone();
            let vectors = without.columns.iter_mut().chain(&mut without.weight);
            for v in vectors.chain([&mut without.y]) {
                v.remove(at);
            }
            without.groups.clear();
            for variance in [Variance::Hc0, Variance::Hc2, Variance::Hc3] {
                let (a, b) = (own.fit(variance).unwrap(), without.fit(variance).unwrap());
                for j in 0..3 {
                    let what = format!("{round} {variance:?} {j}");
                    close(a.beta[j], b.beta[j], b.std_error[j], 1e-9, &what);
                    close(a.std_error[j], b.std_error[j], 0.0, 1e-9, &what);
                }
            }
        }
    }
}

#[test]
fn balanced_clusters_give_the_two_sample_test_of_their_means() {
    let mut r = Lcg(11);
    let (half, size) = (5, 4);
    let mut d = Design { columns: vec![vec![], vec![]], groups: vec![0], ..Design::default() };
    for g in 0..2 * half {
        let shock = r.normal();
        for _ in 0..size {
            d.columns[0].push(1.0);
            d.columns[1].push(f64::from(u8::from(g < half)));
            d.y.push(shock + r.normal());
        }
        d.groups.push(d.y.len() as u32);
    }
    let fit = d.fit(Variance::Cr2).unwrap();
    let means: Vec<f64> = d.y.chunks(size).map(|c| c.iter().sum::<f64>() / 4.0).collect();
    let variance = |m: &[f64]| {
        let mean = m.iter().sum::<f64>() / half as f64;
        m.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (half - 1) as f64
    };
    let se = ((variance(&means[..half]) + variance(&means[half..])) / half as f64).sqrt();
    close(fit.std_error[1], se, 0.0, 1e-13, "se");
    close(fit.df[1], (2 * half - 2) as f64, 0.0, 1e-13, "df");
    close(fit.df[0], (half - 1) as f64, 0.0, 1e-13, "df of the control mean");
}

#[test]
fn longley_agrees_with_the_certified_values() {
    // NIST Statistical Reference Datasets, Longley: condition number about 5e9.
    #[rustfmt::skip]
    let rows = [
        [60323.0, 83.0, 234289.0, 2356.0, 1590.0, 107608.0, 1947.0],
        [61122.0, 88.5, 259426.0, 2325.0, 1456.0, 108632.0, 1948.0],
        [60171.0, 88.2, 258054.0, 3682.0, 1616.0, 109773.0, 1949.0],
        [61187.0, 89.5, 284599.0, 3351.0, 1650.0, 110929.0, 1950.0],
        [63221.0, 96.2, 328975.0, 2099.0, 3099.0, 112075.0, 1951.0],
        [63639.0, 98.1, 346999.0, 1932.0, 3594.0, 113270.0, 1952.0],
        [64989.0, 99.0, 365385.0, 1870.0, 3547.0, 115094.0, 1953.0],
        [63761.0, 100.0, 363112.0, 3578.0, 3350.0, 116219.0, 1954.0],
        [66019.0, 101.2, 397469.0, 2904.0, 3048.0, 117388.0, 1955.0],
        [67857.0, 104.6, 419180.0, 2822.0, 2857.0, 118734.0, 1956.0],
        [68169.0, 108.4, 442769.0, 2936.0, 2798.0, 120445.0, 1957.0],
        [66513.0, 110.8, 444546.0, 4681.0, 2637.0, 121950.0, 1958.0],
        [68655.0, 112.6, 482704.0, 3813.0, 2552.0, 123366.0, 1959.0],
        [69564.0, 114.2, 502601.0, 3931.0, 2514.0, 125368.0, 1960.0],
        [69331.0, 115.7, 518173.0, 4806.0, 2572.0, 127852.0, 1961.0],
        [70551.0, 116.9, 554894.0, 4007.0, 2827.0, 130081.0, 1962.0],
    ];
    let beta = [
        -3482258.63459582,
        15.0618722713733,
        -0.0358191792925910,
        -2.02022980381683,
        -1.03322686717359,
        -0.0511041056535807,
        1829.15146461355,
    ];
    let std_error = [
        890420.383607373,
        84.9149257747669,
        0.0334910077722432,
        0.488399681651699,
        0.214274163161675,
        0.226073200069370,
        455.478499142212,
    ];
    let column = |j: usize| rows.iter().map(|r| if j == 0 { 1.0 } else { r[j] }).collect();
    let d = Design {
        columns: (0..7).map(column).collect(),
        y: rows.iter().map(|r| r[0]).collect(),
        ..Design::default()
    };
    let fit = d.fit(Variance::Classical).unwrap();
    for j in 0..7 {
        close(fit.beta[j], beta[j], 0.0, 1e-11, "beta");
        close(fit.std_error[j], std_error[j], 0.0, 1e-11, "se");
    }
    close(fit.sigma, 304.854073561965, 0.0, 1e-13, "sigma");
    close(fit.r_squared.unwrap(), 0.995479004577296, 0.0, 1e-14, "r squared");
    close(fit.wald.unwrap().value, 330.285339234588, 0.0, 1e-10, "F");
}

#[test]
fn polynomials_are_recovered() {
    // NIST Statistical Reference Datasets, Wampler1: y = 1 + x + ... + x^5 exactly.
    let x: Vec<f64> = (0..21).map(f64::from).collect();
    let power = |k: i32| x.iter().map(|x| x.powi(k)).collect::<Vec<f64>>();
    let columns: Vec<_> = (0..6).map(power).collect();
    let y = (0..21).map(|i| columns.iter().map(|c| c[i]).sum()).collect();
    let fit = Design { columns, y, ..Design::default() }.fit(Variance::Hc3).unwrap();
    for j in 0..6 {
        close(fit.beta[j], 1.0, 0.0, 1e-9, "beta");
    }
    assert_eq!((fit.rss, &fit.std_error[..]), (0.0, &[0.0; 6][..]));
}
