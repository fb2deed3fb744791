//! Conditional modes of random effects against lme4's `ranef` and `coef`: see `lmm.R`, `modes.R`.

use serde_json::Value;
use trialrun_plan::Mode;

use super::{cases, compiled, fit, glmm, mixed};

/// The conditional modes of a method on a case's data.
fn modes(case: &Value, method: &str) -> Vec<Mode> {
    let plan = compiled(case, method);
    let mut ws = plan.workspace();
    plan.simulate(&mut ws, 0, 0).unwrap();
    let estimation = &plan.estimations[0];
    assert!(estimation.has_modes());
    estimation.modes(&mut ws, &plan.labels).unwrap_or_else(|f| panic!("{}: {f}", case["name"]))
}

/// The parts of a combination of names or of values, in the order of the names.
fn parts(names: &str, values: &str) -> Vec<(String, String)> {
    let pairs = names.split(':').zip(values.split(':'));
    let mut parts: Vec<_> = pairs.map(|(n, v)| (n.to_string(), v.to_string())).collect();
    parts.sort();
    parts
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

/// Compares the modes of one case of lmer, in any order of the groups.
fn compare(case: &Value, ours: &[Mode], fixed: &[(String, f64)]) {
    let mut n = 0;
    for (names, theirs) in case["ranef"].as_object().unwrap() {
        let names = names.split_once('.').map_or(names.as_str(), |(name, _)| name);
        let list = |field: &str| theirs[field].as_array().unwrap().clone();
        let (levels, terms) = (list("levels"), list("terms"));
        let (values, std_devs) = (list("values"), list("cond_sd"));
        let size = |rows: &[Value]| {
            let all = rows.iter().flat_map(|row| row.as_array().unwrap().iter().map(number));
            all.fold(1e-300, |most: f64, v| most.max(v.abs()))
        };
        for (g, level) in levels.iter().enumerate() {
            let key = parts(names, level.as_str().unwrap());
            for (e, term) in terms.iter().enumerate() {
                let is = |m: &&Mode| *term == m.term.as_str() && parts(&m.group, &m.label) == key;
                let what = format!("{}: {term} of {key:?}", case["name"]);
                let own = ours.iter().find(is).unwrap_or_else(|| panic!("{what} is missing"));
                for (ours, theirs) in [(own.mode, &values), (own.std_dev, &std_devs)] {
                    let error = (ours - number(&theirs[g][e])).abs();
                    assert!(error <= 1e-7 * size(theirs), "{what}: {ours} {}", theirs[g][e]);
                }
                let base = fixed.iter().find(|(name, _)| *name == own.term).map_or(0.0, |f| f.1);
                assert!((own.coefficient - base - own.mode).abs() < 1e-12 * base.abs().max(1.0));
                n += 1;
            }
        }
    }
    assert_eq!(n, ours.len(), "{}", case["name"]);
}

/// Every case of lmer that says what the modes are: nested and crossed groups, slopes of numbers
/// and of categories, weights, a variance of zero; random intercepts by both routes.
#[test]
fn modes_of_linear_models_are_those_of_r() {
    let mut n = 0;
    for case in cases("lmm").into_iter().chain(cases("lmm_categories")) {
        if case["ranef"].is_null() {
            continue;
        }
        let method = mixed::method(&case, "Z");
        let (coefficients, _) = fit(&case, &method);
        let estimate = |c: &trialrun_plan::Coefficient| c.row.fit.map_or(0.0, |e| e.estimate);
        let fixed: Vec<(String, f64)> =
            coefficients.iter().map(|c| (c.term.clone(), estimate(c))).collect();
        compare(&case, &modes(&case, &method), &fixed);
        // An offset of zero is no offset, but takes the general route.
        compare(&case, &modes(&case, &method.replace("Lmer(", "Lmer(offset: 0, ")), &fixed);
        n += 1;
    }
    assert_eq!(n, 36, "mixed models");
}

/// Every case of glmer that says what the modes are, in lme4's order: the factor with the most
/// groups first.
#[test]
fn modes_of_generalised_models_are_those_of_r() {
    let mut n = 0;
    for case in cases("glmm") {
        let ours = modes(&case, &glmm::method(&case));
        let mut factors: Vec<&[Mode]> = ours.chunk_by(|a, b| a.group == b.group).collect();
        factors.sort_by_key(|own| std::cmp::Reverse(own.len()));
        let list = |field: &str| -> Vec<f64> {
            case[field].as_array().unwrap().iter().map(number).collect()
        };
        let (values, std_devs) = (list("ranef_mode"), list("ranef_cond_sd"));
        assert_eq!(ours.len(), values.len(), "{}", case["name"]);
        let size = |all: &[f64]| all.iter().fold(1e-300, |most: f64, v| most.max(v.abs()));
        for (i, own) in factors.concat().iter().enumerate() {
            for (ours, theirs) in [(own.mode, &values), (own.std_dev, &std_devs)] {
                let error = (ours - theirs[i]).abs();
                let what = format!("{}: {} of {}", case["name"], own.term, own.label);
                assert!(error <= 1e-6 * size(theirs), "{what}: {ours} {}", theirs[i]);
            }
        }
        n += 1;
    }
    assert_eq!(n, 16, "generalised mixed models");
}

/// Average marginal effects are no coefficients of groups: the modes stay on the link scale.
#[test]
fn modes_are_on_the_link_scale() {
    let case = cases("glmm").into_iter().find(|c| c["name"] == "logit_slope_laplace").unwrap();
    let method = glmm::method(&case);
    let response = method.replace("Glmer(", "Glmer(scale: Response, ");
    assert_eq!(modes(&case, &response), modes(&case, &method));
}
