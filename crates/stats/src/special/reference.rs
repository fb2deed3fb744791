//! The special functions against 50-digit values made by `tests/oracle/special.py`.

use super::{chi_squared, fisher_f, gamma, normal, student_t};

const VALUES: &str = include_str!("../../testdata/special.csv");

/// Probabilities and values outside of this are deep: the rounding of their logarithms shows.
const SHALLOW: std::ops::RangeInclusive<f64> = 1e-20..=1e20;

/// Every function of the file, the largest relative error that it may have, and the largest one
/// where neither probability nor value is deep.
const FUNCTIONS: [(&str, f64, f64); 13] = [
    ("normal_pdf", 5e-16, 5e-16),
    ("normal_upper", 5e-16, 5e-16),
    ("normal_quantile", 5e-16, 5e-16),
    ("ln_gamma", 5e-16, 5e-16),
    ("stirlerr", 1e-14, 1e-14),
    ("t_two_sided", 1.5e-13, 6e-15),
    ("t_quantile", 1e-13, 3e-15),
    ("chi2_cdf", 1e-13, 1.5e-14),
    ("chi2_upper", 6e-14, 6e-15),
    ("chi2_quantile", 6e-14, 5e-15),
    ("f_cdf", 1.5e-13, 2e-14),
    ("f_upper", 2e-13, 1.5e-14),
    ("f_quantile", 1.5e-13, 1e-14),
];

fn call(name: &str, args: &[f64]) -> f64 {
    match (name, args) {
        ("normal_pdf", [z]) => normal::pdf(*z),
        ("normal_upper", [z]) => normal::upper(*z),
        ("normal_quantile", [p]) => normal::quantile(*p),
        ("ln_gamma", [x]) => gamma::ln_gamma(*x),
        ("stirlerr", [x]) => gamma::stirlerr(*x),
        ("t_two_sided", [t, df]) => student_t::two_sided(*t, *df),
        ("t_quantile", [p, df]) => student_t::quantile(*p, *df),
        ("chi2_cdf", [x, df]) => chi_squared::cdf(*x, *df),
        ("chi2_upper", [x, df]) => chi_squared::upper(*x, *df),
        ("chi2_quantile", [p, df]) => chi_squared::quantile(*p, *df),
        ("f_cdf", [f, d1, d2]) => fisher_f::cdf(*f, *d1, *d2),
        ("f_upper", [f, d1, d2]) => fisher_f::upper(*f, *d1, *d2),
        ("f_quantile", [p, d1, d2]) => fisher_f::quantile(*p, *d1, *d2),
        _ => panic!("unknown function {name} of {} arguments", args.len()),
    }
}

#[test]
fn relative_errors() {
    let mut known = 0;
    for (name, bound, shallow_bound) in FUNCTIONS {
        let mut count = 0;
        for line in VALUES.lines() {
            let Some(rest) = line.strip_prefix(name).and_then(|rest| rest.strip_prefix(',')) else {
                continue;
            };
            let numbers: Vec<f64> = rest.split(',').map(|n| n.parse().unwrap()).collect();
            let (value, args) = numbers.split_last().unwrap();
            let probability = if name.ends_with("quantile") { args[0] } else { 1.0 };
            let shallow = SHALLOW.contains(&value.abs()) && SHALLOW.contains(&probability);
            let allowed = if shallow { shallow_bound } else { bound };
            let got = call(name, args);
            let error = (got / value - 1.0).abs();
            assert!(error <= allowed, "{line}: got {got:e}, relative error {error:e}");
            count += 1;
        }
        assert!(count >= 15, "{name}: only {count} values");
        known += count;
    }
    assert_eq!(known + 1, VALUES.lines().count(), "a line of no known function");
}
