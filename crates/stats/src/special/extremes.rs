//! The special functions over the whole range of doubles: no panic, no hang, no NaN inside the
//! domain, probabilities that are probabilities, quantiles that invert them.

use super::{chi_squared, fisher_f, normal, student_t};

const SIZES: [f64; 17] = [
    f64::MIN_POSITIVE,
    1e-300,
    1e-100,
    1e-17,
    1e-6,
    0.1,
    1.0,
    1.0000000000000002,
    2.5,
    33.0,
    1e4,
    1e6,
    1e12,
    1e17,
    1e100,
    1e300,
    f64::MAX,
];
const PROBABILITIES: [f64; 9] =
    [f64::MIN_POSITIVE, 1e-200, 1e-17, 1e-3, 0.4, 0.5, 0.500_000_000_000_001, 0.9, 1.0 - 1e-16];

fn check_tails(lower: f64, upper: f64, what: &str) {
    assert!((0.0..=1.0).contains(&lower), "{what}: lower tail {lower:e}");
    assert!((0.0..=1.0).contains(&upper), "{what}: upper tail {upper:e}");
    assert!((lower + upper - 1.0).abs() < 1e-12, "{what}: {lower:e} + {upper:e}");
}

#[test]
fn normal() {
    for z in SIZES {
        check_tails(normal::cdf(z), normal::upper(z), &format!("{z}"));
        check_tails(normal::cdf(-z), normal::upper(-z), &format!("-{z}"));
    }
}

#[test]
fn student() {
    for df in SIZES {
        for t in SIZES {
            let what = format!("t {t:e} df {df:e}");
            check_tails(student_t::cdf(t, df), student_t::upper(t, df), &what);
            check_tails(student_t::cdf(-t, df), student_t::upper(-t, df), &what);
            assert_eq!(student_t::two_sided(t, df), student_t::two_sided(-t, df));
        }
        for p in PROBABILITIES {
            let t = student_t::quantile(p, df);
            assert!(if p <= 0.5 { t <= 0.0 } else { t >= 0.0 }, "p {p:e} df {df:e}: {t}");
        }
    }
}

#[test]
fn chi_squared() {
    for df in SIZES {
        for x in SIZES {
            let what = format!("x {x:e} df {df:e}");
            check_tails(chi_squared::cdf(x, df), chi_squared::upper(x, df), &what);
        }
        for p in PROBABILITIES {
            let x = chi_squared::quantile(p, df);
            assert!(x >= 0.0, "p {p:e} df {df:e}: {x}");
        }
    }
}

#[test]
fn fisher() {
    for d1 in SIZES {
        for d2 in SIZES {
            // Above 1e300 a share of the odds can be too small for a double.
            for f in SIZES.into_iter().filter(|&f| f <= 1e300) {
                let what = format!("f {f:e} df {d1:e} {d2:e}");
                check_tails(fisher_f::cdf(f, d1, d2), fisher_f::upper(f, d1, d2), &what);
            }
            for p in PROBABILITIES {
                let f = fisher_f::quantile(p, d1, d2);
                assert!(f >= 0.0, "p {p:e} df {d1:e} {d2:e}: {f}");
            }
        }
    }
}

const DFS: [f64; 11] = [0.12, 0.5, 1.0, 1.7, 3.0, 8.4, 40.0, 231.0, 5e3, 5e4, 3e6];
const TAILS: [f64; 13] =
    [1e-240, 1e-199, 1e-120, 1e-77, 1e-33, 1e-12, 1e-5, 0.01, 0.1, 0.27, 0.4, 0.49, 0.5];

/// Checks that `tail`, which rises or falls, passes `target` within 1e-12 of `x`.
fn check_root(x: f64, target: f64, tail: impl Fn(f64) -> f64, what: &str) {
    let (one, two) = (tail(x * (1.0 - 1e-12)), tail(x * (1.0 + 1e-12)));
    let (low, high) = (one.min(two), one.max(two));
    let inside = low * (1.0 - 1e-14) <= target && target <= high * (1.0 + 1e-14);
    assert!(inside, "{what}: {x:e} has tail {low:e} to {high:e}, wanted {target:e}");
}

#[test]
fn quantiles_invert_the_tails() {
    let held = |x: f64| x > 1e-290 && x < 1e290;
    for q in TAILS {
        for d1 in DFS {
            let what = format!("q {q:e} df {d1}");
            let t = -student_t::quantile(0.5 * q, d1);
            if held(t) {
                check_root(t, q, |t| student_t::two_sided(t, d1), &what);
            }
            let x = chi_squared::quantile(q, d1);
            if held(x) {
                check_root(x, q, |x| chi_squared::cdf(x, d1), &what);
            }
            for d2 in DFS {
                let what = format!("q {q:e} df {d1} {d2}");
                let f = fisher_f::quantile(q, d1, d2);
                if held(f) {
                    check_root(f, q, |f| fisher_f::cdf(f, d1, d2), &what);
                }
            }
        }
    }
    // Upper tails have as many digits as 1 - p leaves them.
    for p in [0.51, 0.6, 0.9, 0.999, 1.0 - 1e-12] {
        for d1 in DFS {
            let x = chi_squared::quantile(p, d1);
            check_root(x, 1.0 - p, |x| chi_squared::upper(x, d1), &format!("p {p} df {d1}"));
        }
    }
}
