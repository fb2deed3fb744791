//! Mixed models in general against lme4, lmerTest, pbkrtest and nlme.

use serde_json::Value;
use trialrun_plan::Details;
use trialrun_stats::Failure;

use super::{cases, close, compare, compare_vcov, fit, number};

/// The method of a case.
pub fn method(case: &Value, df: &str) -> String {
    let reml = case["REML"].as_bool().unwrap();
    let weights = case["weights"].as_str().map_or(String::new(), |w| format!(", weights: {w}"));
    format!("Lmer(formula: {}, reml: {reml}, df: {df}{weights})", case["formula"])
}

/// The same through the general route: an offset of zero is no offset.
fn general(case: &Value, df: &str) -> String {
    method(case, df).replace("Lmer(", "Lmer(offset: 0, ")
}

/// Compares what a fit says of its likelihood.
pub fn compare_likelihood(case: &Value, details: &Details, tolerance: f64) {
    let criterion = match case["REML"].as_bool() {
        Some(true) => "reml_criterion",
        _ => "deviance",
    };
    for (name, field) in [
        ("sigma", "sigma"),
        (criterion, "criterion"),
        ("log_likelihood", "loglik"),
        ("aic", "aic"),
        ("bic", "bic"),
    ] {
        close(case, name, number(details, name), &case[field], tolerance);
    }
}

/// Fits with a normal statistic, and compares the limits.
pub fn compare_normal_limits(case: &Value) {
    let (coefficients, _) = fit(case, &method(case, "Z"));
    let fields = [
        ("conf_low", &case["wald_z"]["conf_low"], 1e-7),
        ("conf_high", &case["wald_z"]["conf_high"], 1e-7),
    ];
    compare(case, &fields, &coefficients);
}

/// Compares standard deviations and correlations with R's table, in any order of the groups.
fn compare_variances(case: &Value, details: &Details) {
    let table = &case["varcomp"];
    let text = |field: &str, i: usize| table[field][i].as_str();
    let names = |group: &str| {
        let group = group.split_once('.').map_or(group, |(name, _)| name);
        let mut names: Vec<String> = group.split(':').map(str::to_string).collect();
        names.sort();
        names
    };
    let mut n = 0;
    for i in 0..table["group"].as_array().unwrap().len() {
        let (group, Some(term)) = (text("group", i).unwrap(), text("term1", i)) else { continue };
        let same = |ours: &str| names(ours) == names(group);
        let ours = match text("term2", i) {
            None => {
                let mut effects = details.random_effects.iter();
                effects.find(|(g, t, _)| same(g) && t == term).map(|(_, _, sd)| *sd)
            }
            Some(other) => {
                let mut pairs = details.correlations.iter();
                let is =
                    |t: &[String; 2]| t.contains(&term.to_string()) && t.contains(&other.into());
                pairs.find(|(g, t, _)| same(g) && is(t)).map(|(_, _, value)| *value)
            }
        };
        let what = format!("{group} {term}");
        let ours = ours.unwrap_or_else(|| panic!("{}: {what} is missing", case["name"]));
        close(case, &what, ours, &table["sd_or_cor"][i], 1e-7);
        n += 1;
    }
    assert_eq!(n, details.random_effects.len() + details.correlations.len(), "{}", case["name"]);
}

/// Every case of lmer: nested and crossed groups, slopes of numbers and of categories, and random
/// intercepts once more through the general route.
#[test]
fn mixed_models_are_those_of_r() {
    let mut n = 0;
    for case in cases("lmm").into_iter().chain(cases("lmm_categories")) {
        n += 1;
        let (coefficients, details) = fit(&case, &general(&case, "Satterthwaite"));
        let own = &case["satterthwaite"];
        let fields = [
            ("estimate", &case["estimate"], 1e-7),
            ("std_error", &case["std_error"], 1e-7),
            ("df", &own["df"], 1e-6),
            ("p_value", &own["p_value"], 1e-6),
            ("conf_low", &own["conf_low"], 1e-7),
            ("conf_high", &own["conf_high"], 1e-7),
        ];
        compare(&case, &fields, &coefficients);
        compare_vcov(&case, &details, 1e-7);
        compare_variances(&case, &details);
        compare_likelihood(&case, &details, 1e-8);
        assert_eq!(coefficients[0].row.boundary, case["singular"].as_bool().unwrap());
        compare_normal_limits(&case);
    }
    assert_eq!(n, 38, "mixed models");
}

/// Kenward and Roger's degrees of freedom and covariance, of every case by REML.
#[test]
fn kenward_roger_is_that_of_r() {
    let mut n = 0;
    for case in cases("lmm") {
        let own = &case["kenward_roger"];
        if own.is_null() {
            continue;
        }
        n += 1;
        let (coefficients, details) = fit(&case, &method(&case, "KenwardRoger"));
        let fields = [
            ("estimate", &case["estimate"], 1e-7),
            ("std_error", &own["std_error"], 1e-7),
            ("df", &own["df"], 1e-7),
            ("statistic", &own["statistic"], 1e-7),
            ("p_value", &own["p_value"], 1e-6),
            ("conf_low", &own["conf_low"], 1e-7),
            ("conf_high", &own["conf_high"], 1e-7),
        ];
        compare(&case, &fields, &coefficients);
        let mut adjusted = case.clone();
        adjusted["vcov"] = own["vcov_adj"].clone();
        compare_vcov(&adjusted, &details, 1e-7);
    }
    // pbkrtest has none for the fit with weights.
    assert_eq!(n, 15, "mixed models by REML without weights");
}

/// Categories that differ between groups are their indicators: Kenward and Roger's degrees of
/// freedom and covariance are the same.
#[test]
fn categories_are_their_indicators() {
    let forms = [
        ("(arm | site)", "(1 + I(arm == 'letter') + I(arm == 'visit') | site)"),
        ("(0 + factor(wave) | site)", "(0 + I(wave == 1) + I(wave == 2) | site)"),
        ("(factor(wave):x | site)", "(1 + I((wave == 1) * x) + I((wave == 2) * x) | site)"),
    ];
    for (categories, indicators) in forms {
        let of = |random: &str| {
            let case = serde_json::json!({ "name": random, "data": "lmm_categories.csv" });
            let formula = format!("y ~ arm + x + {random}");
            fit(&case, &format!("Lmer(formula: \"{formula}\", df: KenwardRoger)"))
        };
        let ((ours, details), (theirs, others)) = (of(categories), of(indicators));
        for (ours, theirs) in ours.iter().zip(&theirs) {
            let (a, b) = (ours.row.fit.unwrap(), theirs.row.fit.unwrap());
            for (a, b) in [(a.estimate, b.estimate), (a.std_error, b.std_error), (a.df, b.df)] {
                assert!((a - b).abs() < 1e-9 * b.abs(), "{categories} {}: {a} {b}", ours.term);
            }
        }
        let sizes = |details: &Details| -> Vec<f64> {
            details.random_effects.iter().map(|(.., sd)| *sd).collect()
        };
        for (a, b) in sizes(&details).iter().zip(sizes(&others)) {
            assert!((a - b).abs() < 1e-9 * b, "{categories}: {a} {b}");
        }
    }
}

/// Degrees of freedom between and within groups: those that nlme's `lme` prints, see
/// `between_within.R`.
#[test]
fn between_and_within_is_that_of_nlme() {
    let cases: [(&str, &str, &[f64]); 4] = [
        ("lmm_nested.csv", "y ~ z + x1 + (1 | school/class)", &[92.0, 18.0, 92.0]),
        ("lmm_slopes.csv", "y ~ z + x + (1 + x | g)", &[86.0, 14.0, 86.0]),
        (
            "lmm_splitplot.csv",
            "y ~ main * sub + (1 | row/plot)",
            &[20.0, 16.0, 16.0, 16.0, 16.0, 20.0, 20.0, 20.0, 20.0, 20.0],
        ),
        ("lmm_unbalanced.csv", "y ~ z + x1 + (1 | g)", &[60.0, 10.0, 60.0]),
    ];
    for (data, formula, expected) in cases {
        let case = serde_json::json!({ "name": formula, "data": data });
        let method = format!("Lmer(formula: \"{formula}\", df: BetweenWithin)");
        let (coefficients, _) = fit(&case, &method);
        let found: Vec<f64> = coefficients.iter().map(|c| c.row.fit.unwrap().df).collect();
        assert_eq!(found, expected, "{formula}");
    }
}

/// Limits by profile likelihood, of coefficients and of standard deviations, found by R's own root
/// finder on lme4's deviance: see `lmm.R`. lme4's splines are further from them than we are.
#[test]
fn profile_likelihood_is_that_of_r() {
    let (mut n, mut n_deviations) = (0, 0);
    for case in cases("lmm") {
        let own = &case["profile_ml"];
        if own.is_null() {
            continue;
        }
        n += 1;
        for reml in ["true", "false"] {
            let method = method(&case, "Z").replace(", df: Z", ", interval: Profile");
            let method = method.replace("reml: false", &format!("reml: {reml}"));
            let (coefficients, details) = fit(&case, &method);
            let fields =
                [("conf_low", &own["fixed_low"], 1e-6), ("conf_high", &own["fixed_high"], 1e-6)];
            compare(&case, &fields, &coefficients);
            let Some(low) = own["sd_low"].as_array() else { continue };
            assert_eq!(details.limits.len(), low.len() + 1, "{}", case["name"]);
            for (i, (what, limits)) in details.limits.iter().enumerate().take(low.len()) {
                let limits = limits.expect("limits");
                // In any order of the groups.
                let is_theirs = |k: &usize| {
                    let high = own["sd_high"][*k].as_f64().unwrap();
                    (high - limits[1]).abs() < 1e-3 * high
                };
                let k = (0..low.len()).find(is_theirs).unwrap_or(i);
                let close_to_zero = own["sd_low"][k].as_f64() == Some(0.0);
                assert_eq!(limits[0] == 0.0, close_to_zero, "{} {what}", case["name"]);
                close(&case, what, limits[0], &own["sd_low"][k], 1e-6);
                close(&case, what, limits[1], &own["sd_high"][k], 1e-6);
                n_deviations += 1;
            }
            let [low, high] = details.limits[low.len()].1.expect("limits");
            close(&case, "sigma", low, &own["sigma_low"], 1e-6);
            // There R's root finder was caught where the groups' variance is zero, a saddle: at its
            // limit another variance has a lower deviance. See `lmm_profile.R`.
            let caught = case["name"] == "small_variance_ml";
            let theirs = if caught { &Value::from(1.1252548323) } else { &own["sigma_high"] };
            close(&case, "sigma", high, theirs, if caught { 1e-9 } else { 1e-6 });
        }
    }
    assert_eq!((n, n_deviations), (13, 30), "profiles");
}

/// Limits of correlated standard deviations and of their correlations, found by R's own root finder
/// on lme4's deviance: see `lmm_correlated.R`. lme4's splines are near those of standard
/// deviations; where they say that the deviance of a correlation has risen by 3.84 it has risen by
/// less or more.
#[test]
fn profiles_of_correlated_effects_are_those_of_r() {
    let mut n = 0;
    for case in cases("lmm_correlated") {
        let method = format!("Lmer(formula: {}, interval: Profile)", case["formula"]);
        let (_, details) = fit(&case, &method);
        let text = |value: &Value| value.as_str().unwrap().to_string();
        let list = |field: &str| -> Vec<String> {
            case[field].as_array().unwrap().iter().map(text).collect()
        };
        let group = text(&case["group"]);
        let mut compare = |known: &[(String, Result<[f64; 2], Failure>)], what: &str, field, i| {
            let of = known.iter().find(|(name, _)| *name == format!("{what} by {group}"));
            let ours = of.unwrap_or_else(|| panic!("no limits of {what}")).1.expect("limits");
            for (ours, side) in ours.into_iter().zip(["low", "high"]) {
                close(&case, what, ours, &case[format!("{field}_{side}")][i], 1e-8);
                let spline = case[format!("lme4_{field}_{side}")][i].as_f64().unwrap();
                let rise = case[format!("lme4_rise_{side}")][i].as_f64().unwrap_or(0.0);
                let is_lost = field == "cor" && (rise - 3.841_458_8).abs() > 0.005;
                let is_near = (ours - spline).abs() < 1e-3 * spline.abs();
                assert!(is_near || is_lost, "{}: {what} {ours} {spline}", case["name"]);
                n += 1;
            }
        };
        for (i, term) in list("terms").iter().enumerate() {
            compare(&details.limits, term, "sd", i);
        }
        for (i, pair) in list("cor_terms").iter().enumerate() {
            let (a, b) = pair.split_once(' ').unwrap();
            let what = format!("correlation of {b} and {a}");
            compare(&details.correlation_limits, &what, "cor", i);
        }
    }
    assert_eq!(n, 30, "limits");
}

/// Nearly every row is a group, so that the residual variance may be nothing: then some limit can
/// not be had, and the rest is told.
#[test]
fn a_lost_limit_takes_nothing_along() {
    let case = serde_json::json!({ "name": "lost", "data": "lmm_lost.csv" });
    let method = "Lmer(formula: \"y ~ z + x + (1 | a) + (1 | b)\", reml: false, interval: Profile)";
    let (coefficients, details) = fit(&case, method);
    assert_eq!(coefficients.len(), 3);
    let limits: Vec<_> = details.limits.iter().map(|(what, l)| (what.as_str(), *l)).collect();
    let [(a, _), (b, _), (sigma, _)] = limits[..] else { panic!("{limits:?}") };
    assert_eq!([a, b, sigma], ["(Intercept) by a", "(Intercept) by b", "sigma"]);
    let is_lost = |(_, found): &(&str, _)| *found == Err(Failure::NotConverged);
    let n_lost = limits.iter().filter(|one| is_lost(one)).count();
    assert!((1..3).contains(&n_lost), "{limits:?}");
    assert_eq!((details.tests.len(), details.vcov.len()), (2, 9));
}
