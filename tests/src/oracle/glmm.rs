//! Generalised linear mixed models against the exact optimum of what lme4's `glmer` approximates.

use serde_json::Value;
use trialrun_plan::Details;

use super::{cases, close, compare, compare_vcov, fit, number};

/// The method of a case.
pub fn method(case: &Value) -> String {
    let family = match (case["family"].as_str().unwrap(), case["link"].as_str().unwrap()) {
        ("poisson", _) => "Poisson",
        (_, "logit") => "Binomial",
        (_, "probit") => "Binomial(link: Probit)",
        (_, "cloglog") => "Binomial(link: Cloglog)",
        other => panic!("{other:?}"),
    };
    let mut method = format!("Glmer(formula: {}, family: {family}", case["formula"]);
    method += &format!(", nagq: {}", case["nAGQ"]);
    if case["curvature"] == "observed" {
        method += ", curvature: Observed";
    }
    if let Some(name) = case["size_column"].as_str() {
        method += &format!(", trials: {name}");
    }
    if let Some(name) = case["log_offset_column"].as_str() {
        method += &format!(", offset: \"log({name})\"");
    }
    method + ")"
}

/// lme4's theta: the Cholesky factor of the covariance, its columns one after the other, from
/// standard deviations and the correlations of all effects; without correlations the deviations.
fn theta(details: &Details) -> Vec<f64> {
    let sd: Vec<f64> = details.random_effects.iter().map(|(.., sd)| *sd).collect();
    if details.correlations.is_empty() {
        return sd;
    }
    let terms: Vec<&str> = details.random_effects.iter().map(|(_, t, _)| t.as_str()).collect();
    let correlation = |i: usize, j: usize| {
        let is = |pair: &[String; 2]| pair[0] == terms[i] && pair[1] == terms[j];
        details.correlations.iter().find(|(_, pair, _)| is(pair)).expect("a correlation").2
    };
    let mut theta = Vec::new();
    let mut factor = vec![vec![0.0; sd.len()]; sd.len()];
    for j in 0..sd.len() {
        for i in j..sd.len() {
            let known: f64 = (0..j).map(|m| factor[i][m] * factor[j][m]).sum();
            let own = if i == j { 1.0 } else { correlation(i, j) };
            factor[i][j] = if i == j { (own - known).sqrt() } else { (own - known) / factor[j][j] };
            theta.push(sd[i] * factor[i][j]);
        }
    }
    theta
}

/// Every case of glmer: Laplace's approximation and quadrature, slopes, crossed groups,
/// categories, a variance of zero.
#[test]
fn generalised_mixed_models_are_at_the_optimum() {
    let mut n = 0;
    for case in cases("glmm").into_iter().chain(cases("glmm_categories")) {
        n += 1;
        let (coefficients, details) = fit(&case, &method(&case));
        let fields = ["estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high"];
        let fields = fields.map(|f| (f, &case[f], 1e-6));
        compare(&case, &fields, &coefficients);
        compare_vcov(&case, &details, 1e-6);
        let log_likelihood = number(&details, "log_likelihood");
        let error = (log_likelihood - case["loglik"].as_f64().unwrap()).abs();
        assert!(error < 1e-8, "{}: log-likelihood is off by {error:e}", case["name"]);
        let (ours, theirs) = (theta(&details), case["theta"].as_array().unwrap());
        assert_eq!(ours.len(), theirs.len(), "{}", case["name"]);
        for (ours, theirs) in ours.iter().zip(theirs) {
            close(&case, "theta", *ours, theirs, 1e-6);
        }
        assert_eq!(coefficients[0].row.boundary, theirs[0] == 0.0, "{}", case["name"]);
    }
    assert_eq!(n, 17, "generalised mixed models");
}
