//! Linear hypotheses against R: contrasts with the degrees of freedom of clubSandwich and lmerTest,
//! joint tests from the variance matrices of the fits; of generalised models also for average
//! marginal effects.

use super::{cases, close, fit};

#[test]
fn hypotheses_are_those_of_r() {
    let mut n = 0;
    for case in cases("hypotheses").into_iter().chain(cases("glmm_hypotheses")) {
        n += 1;
        let method = case["method"].as_str().unwrap();
        let (_, details) = fit(&case, method);
        let mixed = ["Lmer", "Glmer"].iter().any(|name| method.starts_with(name));
        let tolerance = if mixed { 1e-6 } else { 1e-9 };
        for (i, row) in details.hypotheses.iter().enumerate() {
            let e = row.row.fit.unwrap();
            let fields = [
                ("estimate", e.estimate),
                ("std_error", e.std_error),
                ("statistic", e.statistic),
                ("p_value", e.p_value),
            ];
            for (field, ours) in fields {
                let tolerance = if field == "p_value" { 10.0 * tolerance } else { tolerance };
                let what = format!("{field} of {}", row.term);
                close(&case, &what, ours, &case["rows"][field][i], tolerance);
            }
            let df = &case["rows"]["df"][i];
            if df.is_null() {
                assert!(e.df.is_infinite(), "{}", case["name"]);
            } else {
                close(&case, "df", e.df, df, tolerance);
            }
        }
        let joint = &case["joint"];
        let test = details.tests.iter().find(|t| t.name.starts_with("joint hypothesis: "));
        let test = test.unwrap_or_else(|| panic!("{}: no joint test", case["name"]));
        close(&case, "df1", test.df1, &joint["df1"], 0.0);
        if let Some(eta) = case["eta"].as_f64() {
            // R's statistic is without the factor of Hotelling's approximation.
            let df2 = eta - test.df1 + 1.0;
            let plain = test.statistic * eta / df2;
            close(&case, "joint F", plain, &joint["statistic"], 1e-9);
            let ours = test.df2.unwrap();
            assert!((ours / df2 - 1.0).abs() < 1e-8, "{}: {ours} {df2}", case["name"]);
            continue;
        }
        close(&case, "joint statistic", test.statistic, &joint["statistic"], tolerance);
        close(&case, "joint p-value", test.p_value, &joint["p_value"], 10.0 * tolerance);
        match test.df2 {
            Some(df2) => close(&case, "df2", df2, &joint["df2"], 1e-12),
            None => assert!(joint["df2"].is_null()),
        }
    }
    assert_eq!(n, 25, "fits with hypotheses");
}
