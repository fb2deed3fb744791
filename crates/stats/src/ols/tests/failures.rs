//! What cannot be fitted is a failure with its reason, and never a panic or a NaN.

use super::*;

/// Rows `y ~ 1 + z` in clusters of two.
fn base() -> Design {
    Design {
        columns: vec![vec![1.0; 8], vec![0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0]],
        y: vec![1.0, 2.0, 4.0, 3.0, 2.5, 0.5, 3.5, 6.0],
        groups: vec![0, 2, 4, 6, 8],
        ..Design::default()
    }
}

/// Fits with every variance and asserts one failure.
#[track_caller]
fn all_fail(d: &Design, failure: Failure) {
    for variance in ALL {
        assert_eq!(d.fit(variance).unwrap_err(), failure, "{variance:?}");
    }
}

#[test]
fn the_base_design_fits() {
    for variance in ALL {
        base().fit(variance).unwrap();
    }
}

#[test]
fn no_rows() {
    all_fail(&Design::default(), Failure::NoRows);
    let mut d = base();
    d.collapsed = Some((vec![0.0; 8], vec![0.0; 8]));
    all_fail(&d, Failure::NoRows);
}

#[test]
fn bad_weights() {
    let mut d = base();
    d.weight = Some(vec![0.0; 8]);
    all_fail(&d, Failure::BadWeights);
    for (bad, failure) in [
        (-1.0, Failure::BadWeights),
        (f64::NEG_INFINITY, Failure::BadWeights),
        (f64::NAN, Failure::NotFinite),
        (f64::INFINITY, Failure::NotFinite),
        (1e308, Failure::NotFinite),
    ] {
        d.weight = Some(vec![1.0; 8]);
        d.weight.iter_mut().for_each(|w| w[3] = bad);
        all_fail(&d, failure);
        let mut counts = base();
        counts.collapsed = Some((d.weight.clone().unwrap(), vec![0.0; 8]));
        all_fail(&counts, failure);
    }
}

#[test]
fn not_finite() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e200, -1e308] {
        for place in [0, 3, 7] {
            let mut d = base();
            d.y[place] = bad;
            all_fail(&d, Failure::NotFinite);
            for column in 0..2 {
                let mut d = base();
                d.columns[column][place] = bad;
                all_fail(&d, Failure::NotFinite);
                d.columns[column].fill(bad);
                if !bad.is_finite() {
                    all_fail(&d, Failure::NotFinite);
                }
            }
        }
        let mut d = base();
        d.collapsed = Some((vec![2.0; 8], vec![0.0; 8]));
        d.collapsed.iter_mut().for_each(|c| c.1[3] = bad);
        if !bad.is_finite() {
            all_fail(&d, Failure::NotFinite);
        }
    }
}

#[test]
fn no_residual_df() {
    let mut d = base();
    d.columns.iter_mut().for_each(|c| c.truncate(3));
    d.y.truncate(3);
    d.groups = vec![0, 2, 3];
    for variance in ALL {
        d.fit(variance).unwrap();
    }
    d.columns.push(vec![0.0, 1.0, 0.0]);
    all_fail(&d, Failure::NoResidualDf);
    // More columns than rows.
    d.columns.push(vec![0.3, 1.0, 0.0]);
    all_fail(&d, Failure::NoResidualDf);
    // Collapsed rows have the df of their observations.
    d.collapsed = Some((vec![2.0; 3], vec![1.0; 3]));
    for variance in ALL {
        assert_eq!(d.fit(variance).unwrap().rank, 3);
    }
}

#[test]
fn too_few_clusters() {
    for groups in [vec![], vec![0], vec![0, 8], vec![0, 0, 8, 8]] {
        let mut d = base();
        d.groups = groups;
        for variance in ALL {
            let fit = d.fit(variance);
            if variance.is_clustered() {
                assert_eq!(fit, Err(Failure::TooFewClusters));
            } else {
                assert_eq!(fit.unwrap().n_clusters, 0);
            }
        }
    }
}

#[test]
fn an_outcome_without_spread_has_standard_error_zero() {
    for (level, slope) in [(0.0, 0.0), (0.1, 0.0), (0.1, 0.7), (1e6 + 0.1, 0.0)] {
        for variance in ALL {
            let mut d = base();
            d.y = d.columns[1].iter().map(|z| level + slope * z).collect();
            let fit = d.fit(variance).unwrap();
            assert_eq!((fit.rss, &fit.std_error[..]), (0.0, &[0.0; 2][..]), "{variance:?}");
            close(fit.beta[1], slope, 1.0, 1e-15, "slope");
            assert!(fit.wald.is_none());
            assert_eq!(fit.r_squared, (slope != 0.0).then_some(1.0));
        }
    }
}

#[test]
fn clusters_that_are_the_arms_tell_nothing() {
    let mut d = base();
    d.columns[1] = vec![0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0];
    d.groups = vec![0, 4, 8];
    for variance in [Variance::Cr0, Variance::Stata, Variance::Cr2] {
        let fit = d.fit(variance).unwrap();
        assert_eq!(fit.std_error, [0.0; 2], "{variance:?}");
        if variance == Variance::Cr2 {
            assert_eq!(fit.df, [0.0; 2]);
        }
    }
}

#[test]
fn nothing_to_estimate() {
    let mut d = base();
    d.columns = vec![vec![0.0; 8]];
    for variance in ALL {
        let fit = d.fit(variance).unwrap();
        assert_eq!((fit.rank, fit.kept, fit.vcov), (0, vec![false], vec![]));
        assert_eq!((fit.rss, fit.tss), (84.75, 84.75));
        let dropped = d.fit_with(variance, Targets::Some(&[0]), &mut Scratch::default()).unwrap();
        assert_eq!((dropped.std_error, dropped.df), (vec![0.0], vec![0.0]));
    }
    d.columns.clear();
    assert_eq!(d.fit(Variance::Hc2).unwrap().rss, 84.75);
}

#[test]
fn extreme_scales_end_in_numbers_or_a_reason() {
    for exponent in (-320..=308).step_by(4) {
        let scale = 10_f64.powi(exponent);
        for (x, y) in [(scale, 1.0), (1.0, scale), (scale, scale), (scale, 1.0 / scale)] {
            let mut d = base();
            d.columns[1].iter_mut().for_each(|v| *v *= x);
            d.y.iter_mut().for_each(|v| *v *= y);
            for variance in ALL {
                match d.fit(variance) {
                    Ok(fit) => {
                        let all = [&fit.beta, &fit.std_error, &fit.df, &fit.vcov];
                        assert!(all.into_iter().flatten().all(|v| v.is_finite()), "{x} {y}");
                    }
                    Err(failure) => assert_eq!(failure, Failure::NotFinite, "{x} {y}"),
                }
                if exponent.abs() <= 140 && y.is_finite() && (x == 1.0 || y == 1.0) {
                    assert!(d.fit(variance).is_ok_and(|f| f.kept[1]), "{variance:?} {x:e} {y:e}");
                }
            }
        }
    }
}
