//! Several outcomes of one model against R's `cbind`, with rows missing in either.

use super::{cases, compare, fit_outcome};

#[test]
fn several_outcomes_are_those_of_r() {
    let mut n = 0;
    for case in cases("outcomes") {
        n += 1;
        for (place, outcome) in ["a", "b"].into_iter().enumerate() {
            let method = case["method"].as_str().unwrap();
            let (coefficients, _) = fit_outcome(&case, method, place)
                .unwrap_or_else(|f| panic!("{}: {f}", case["name"]));
            let own = &case["outcomes"][outcome];
            let fields = [
                ("estimate", &own["estimate"], 1e-11),
                ("std_error", &own["std_error"], 1e-11),
                ("df", &own["df"], 1e-10),
                ("p_value", &own["p_value"], 1e-10),
                ("conf_low", &own["conf_low"], 1e-10),
                ("conf_high", &own["conf_high"], 1e-10),
            ];
            compare(&case, &fields, &coefficients);
        }
    }
    assert_eq!(n, 17, "fits of two outcomes");
}
