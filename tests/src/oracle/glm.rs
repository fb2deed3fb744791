//! Generalised linear models against R's `glm`, `MASS::glm.nb` and sandwich.

use super::{cases, close, compare, compare_vcov, fit, number};

/// glm, with the robust and clustered errors of sandwich.
#[test]
fn generalised_linear_models_are_those_of_r() {
    let mut n = 0;
    for case in cases("glm") {
        n += 1;
        let family = match (case["family"].as_str().unwrap(), case["link"].as_str().unwrap()) {
            ("poisson", _) => "Poisson",
            (_, "logit") => "Binomial",
            (_, "probit") => "Binomial(link: Probit)",
            (_, "cloglog") => "Binomial(link: Cloglog)",
            other => panic!("{other:?}"),
        };
        let mut method = format!("Glm(formula: {}, family: {family}", case["formula"]);
        for (field, ours) in [("weights", "weights"), ("size_column", "trials")] {
            if let Some(name) = case[field].as_str() {
                method += &format!(", {ours}: {name}");
            }
        }
        if let Some(name) = case["log_offset_column"].as_str() {
            method += &format!(", offset: \"log({name})\"");
        }
        let (coefficients, details) = fit(&case, &format!("{method})"));
        let fields = ["estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high"];
        let fields = fields.map(|f| (f, &case[f], if f == "p_value" { 1e-8 } else { 1e-9 }));
        compare(&case, &fields, &coefficients);
        compare_vcov(&case, &details, 1e-9);
        close(&case, "deviance", number(&details, "deviance"), &case["deviance"], 1e-9);
        for (name, field) in [("log_likelihood", "loglik"), ("aic", "aic")] {
            if !case[field].is_null() {
                close(&case, name, number(&details, name), &case[field], 1e-9);
            }
        }
        let robust = &case["robust"];
        for (field, se) in [("HC0", "HC0"), ("CL_HC0", "CR0"), ("CL_HC1_cadjust", "CR1S")] {
            if robust[field].is_null() {
                continue;
            }
            let clusters = match robust["cluster"].as_str() {
                Some(name) if se != "HC0" => format!(", clusters: {name}"),
                _ => String::new(),
            };
            let (coefficients, _) = fit(&case, &format!("{method}, se: {se}{clusters})"));
            compare(&case, &[("std_error", &robust[field], 1e-9)], &coefficients);
        }
    }
    assert_eq!(n, 16, "generalised linear models");
}

/// One coefficient's number.
fn of_term(coefficients: &[trialrun_plan::Coefficient], term: &str) -> (f64, f64) {
    let found = coefficients.iter().find(|c| c.term == term);
    let e = found.and_then(|c| c.row.fit.ok()).unwrap_or_else(|| panic!("no {term}"));
    (e.estimate, e.std_error)
}

/// Further families and errors, and average marginal effects.
#[test]
fn sizes_robust_errors_and_marginal_effects_are_those_of_r() {
    let (mut n_errors, mut n_effects) = (0, 0);
    for case in cases("glm_more") {
        let family = case["family"].as_str().unwrap();
        let method = format!("Glm(formula: {}, family: {family}", case["formula"]);
        let (coefficients, details) = fit(&case, &format!("{method})"));
        // R's search for the size stops some 1e-9 before the maximum.
        let tolerance = if family == "NegativeBinomial" { 1e-8 } else { 1e-9 };
        let fields = [
            ("estimate", &case["estimate"], tolerance),
            ("std_error", &case["std_error"], tolerance),
        ];
        compare(&case, &fields, &coefficients);
        for (ours, theirs) in [("size", "size"), ("log_likelihood", "loglik")] {
            if !case[theirs].is_null() {
                close(&case, ours, number(&details, ours), &case[theirs], tolerance);
            }
        }
        if family.starts_with("Gamma") {
            close(&case, "phi", number(&details, "dispersion"), &case["dispersion"], 1e-9);
        }
        for (se, values) in case["robust"].as_object().into_iter().flatten() {
            let clusters = if se.starts_with("CR") { ", clusters: g" } else { "" };
            let (coefficients, _) = fit(&case, &format!("{method}, se: {se}{clusters})"));
            compare(&case, &[("std_error", values, 1e-9)], &coefficients);
            n_errors += 1;
        }
        let none = Vec::new();
        for effect in case["effects"].as_array().unwrap_or(&none) {
            let term = effect["term"].as_str().unwrap();
            let (coefficients, _) = fit(&case, &format!("{method}, scale: Response)"));
            let (estimate, std_error) = of_term(&coefficients, term);
            close(&case, "effect", estimate, &effect["estimate"], tolerance);
            // The gradient is R's by differences.
            close(&case, "its error", std_error, &effect["std_error"], 1e-8);
            if !effect["clustered"].is_null() {
                let (c, _) = fit(&case, &format!("{method}, scale: Response, clusters: g)"));
                close(&case, "clustered", of_term(&c, term).1, &effect["clustered"], 1e-8);
            }
            n_effects += 1;
        }
    }
    assert_eq!((n_errors, n_effects), (42, 16), "robust errors and effects");
}
