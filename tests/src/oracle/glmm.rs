//! Generalised linear mixed models against the exact optimum of what lme4's `glmer` approximates.

use serde_json::Value;
use trialrun_plan::Details;

use super::{cases, close, compare, compare_vcov, fit, number};

/// The method of a case.
fn method(case: &Value) -> String {
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

/// lme4's theta, from standard deviations and the correlation.
fn theta(details: &Details) -> Vec<f64> {
    let sd: Vec<f64> = details.random_effects.iter().map(|(.., sd)| *sd).collect();
    match details.correlations.as_slice() {
        [] => sd,
        [(.., r)] => vec![sd[0], r * sd[1], (1.0 - r * r).sqrt() * sd[1]],
        more => panic!("{} correlations", more.len()),
    }
}

/// Every case of glmer: Laplace's approximation and quadrature, slopes, crossed groups, a variance
/// of zero.
#[test]
fn generalised_mixed_models_are_at_the_optimum() {
    let mut n = 0;
    for case in cases("glmm") {
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
    assert_eq!(n, 16, "generalised mixed models");
}
