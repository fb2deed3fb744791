//! Every case of the wild cluster bootstrap, all vectors of signs refitted in R.

use super::{cases, close, fit};

#[test]
fn wild_bootstraps_are_those_of_r() {
    let mut n = 0;
    for case in cases("bootstrap") {
        n += 1;
        let word = |field: &str| case[field].as_str().unwrap();
        // The fields of the estimator that come after its method.
        let method = format!(
            "LmRobust(formula: \"{}\", clusters: {}, se: {}), inference: WildCluster(null: {})",
            word("formula"),
            word("clusters"),
            word("se"),
            word("null")
        );
        let (coefficients, _) = fit(&case, &method);
        let ours = coefficients.iter().find(|c| c.term == word("term")).unwrap();
        let ours = ours.row.fit.unwrap();
        close(&case, "estimate", ours.estimate, &case["estimate"], 1e-11);
        close(&case, "std_error", ours.std_error, &case["std_error"], 1e-9);
        // A count of replicates over their number.
        assert_eq!(ours.p_value, case["p_value"].as_f64().unwrap(), "{}", case["name"]);
        // R's ends are bisected to 1e-10 steps.
        close(&case, "conf_low", ours.conf_low, &case["conf_low"], 1e-8);
        close(&case, "conf_high", ours.conf_high, &case["conf_high"], 1e-8);
    }
    assert_eq!(n, 8, "cases of bootstraps");
}
