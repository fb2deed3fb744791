//! Corrections of p-values for the number of tests: those of R's `p.adjust`, and Sidak's.
//!
//! With the p-values sorted, `p_1 <= ... <= p_m`, the corrected ones are
//!
//! ```text
//! Bonferroni          min(1, m p_i)
//! Sidak               1 - (1 - p_i)^m
//! Holm                max over j <= i of min(1, (m - j + 1) p_j)
//! Hochberg            min over j >= i of (m - j + 1) p_j
//! Hommel              the smallest level at which Hommel's closed test of Simes rejects
//! BenjaminiHochberg   min over j >= i of m p_j / j
//! BenjaminiYekutieli  min over j >= i of m p_j / j (1 + 1/2 + ... + 1/m)
//! ```
//!
//! A hypothesis is rejected where its corrected p-value is at most alpha. Bonferroni and Holm keep
//! the family-wise error rate, the probability that some true hypothesis is rejected, whatever the
//! dependence of the tests, Sidak where they are independent (and for two-sided tests of normal
//! estimates), Hochberg and Hommel where they are independent or positively dependent. Benjamini
//! and Hochberg keep the false discovery rate under independence or positive dependence, Benjamini
//! and Yekutieli under any.
//!
//! # References
//! Holm 1979, Scandinavian Journal of Statistics 6:65. Hochberg 1988, Biometrika 75:800. Hommel
//! 1988, Biometrika 75:383. Sidak 1967, Journal of the American Statistical Association 62:626.
//! Benjamini and Hochberg 1995, Journal of the Royal Statistical Society B 57:289. Benjamini and
//! Yekutieli 2001, Annals of Statistics 29:1165. Wright 1992, Biometrics 48:1005 (adjusted
//! p-values).

/// How p-values are corrected for the number of tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Correction {
    /// Not at all.
    None,
    /// Times the number of tests.
    Bonferroni,
    /// Sidak's, for independent tests.
    Sidak,
    /// Holm's step-down of Bonferroni.
    Holm,
    /// Hochberg's step-up.
    Hochberg,
    /// Hommel's closed test.
    Hommel,
    /// Benjamini and Hochberg's, for the false discovery rate.
    BenjaminiHochberg,
    /// Benjamini and Yekutieli's, for the same under any dependence.
    BenjaminiYekutieli,
}

impl Correction {
    /// Every correction with its name, in the order of their strength for most data.
    pub const ALL: [(&'static str, Self); 8] = [
        ("None", Self::None),
        ("Bonferroni", Self::Bonferroni),
        ("Sidak", Self::Sidak),
        ("Holm", Self::Holm),
        ("Hochberg", Self::Hochberg),
        ("Hommel", Self::Hommel),
        ("BenjaminiHochberg", Self::BenjaminiHochberg),
        ("BenjaminiYekutieli", Self::BenjaminiYekutieli),
    ];

    /// The correction's name.
    pub fn name(self) -> &'static str {
        let named = Self::ALL.iter().find(|(_, correction)| *correction == self);
        named.map_or("", |(name, _)| name)
    }

    /// Corrects p-values in their place.
    ///
    /// `p`: any number of values between 0 and 1, one alone stays as it is; `scratch` grows to it.
    pub fn adjust(self, p: &mut [f64], scratch: &mut Scratch) {
        if p.len() < 2 {
            return;
        }
        let m = p.len() as f64;
        match self {
            Self::None => {}
            Self::Bonferroni => p.iter_mut().for_each(|p| *p = (m * *p).min(1.0)),
            Self::Sidak => {
                p.iter_mut().for_each(|p| *p = -libm::expm1(m * libm::log1p(-*p)));
            }
            Self::Holm => {
                scratch.sort(p);
                let mut largest = 0.0_f64;
                for (i, &place) in scratch.order.iter().enumerate() {
                    largest = largest.max((m - i as f64) * p[place]).min(1.0);
                    p[place] = largest;
                }
            }
            Self::Hochberg => step_up(p, scratch, |i| m - i as f64),
            Self::BenjaminiHochberg => step_up(p, scratch, |i| m / (i + 1) as f64),
            Self::BenjaminiYekutieli => {
                let harmonic: f64 = (1..=p.len()).map(|i| 1.0 / i as f64).sum();
                step_up(p, scratch, |i| harmonic * m / (i + 1) as f64);
            }
            Self::Hommel => hommel(p, scratch),
        }
    }
}

/// Buffers of corrections.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    /// Places from the smallest p-value to the largest.
    order: Vec<usize>,
    /// The p-values in that order.
    sorted: Vec<f64>,
    /// Hommel's two lists.
    q: Vec<f64>,
    corrected: Vec<f64>,
}

impl Scratch {
    /// Finds the order of p-values; equal ones keep theirs.
    fn sort(&mut self, p: &[f64]) {
        self.order.clear();
        self.order.extend(0..p.len());
        // By insertion: families are small, and a stable sort of the library allocates.
        for i in 1..p.len() {
            let mut j = i;
            while j > 0 && p[self.order[j]] < p[self.order[j - 1]] {
                self.order.swap(j, j - 1);
                j -= 1;
            }
        }
    }
}

/// From the largest p-value down, the smallest so far of each times its factor.
fn step_up(p: &mut [f64], scratch: &mut Scratch, factor: impl Fn(usize) -> f64) {
    scratch.sort(p);
    let mut smallest = 1.0_f64;
    for (i, &place) in scratch.order.iter().enumerate().rev() {
        smallest = smallest.min(factor(i) * p[place]);
        p[place] = smallest;
    }
}

/// Hommel's correction by Wright's algorithm.
///
/// # References
/// Wright 1992, Biometrics 48:1005, appendix.
fn hommel(p: &mut [f64], scratch: &mut Scratch) {
    let n = p.len();
    scratch.sort(p);
    let Scratch { order, sorted, q, corrected } = scratch;
    sorted.clear();
    sorted.extend(order.iter().map(|place| p[*place]));
    let simes = |i: usize| n as f64 * sorted[i] / (i + 1) as f64;
    let first = (0..n).map(simes).fold(1.0, f64::min);
    q.clear();
    q.resize(n, first);
    corrected.clear();
    corrected.resize(n, first);
    for m in (2..n).rev() {
        // The m - 1 largest, as a family of m with one p-value of 0 before them.
        let tail = n - m + 1;
        let of_tail = |j: usize| m as f64 * sorted[tail + j] / (j + 2) as f64;
        let smallest = (0..m - 1).map(of_tail).fold(f64::INFINITY, f64::min);
        for i in 0..tail {
            q[i] = (m as f64 * sorted[i]).min(smallest);
        }
        let last = q[tail - 1];
        q[tail..].fill(last);
        corrected.iter_mut().zip(q.iter()).for_each(|(c, q)| *c = c.max(*q));
    }
    for ((place, corrected), own) in order.iter().zip(corrected).zip(sorted) {
        p[*place] = corrected.max(*own);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    fn adjusted(correction: Correction, p: &[f64]) -> Vec<f64> {
        let mut p = p.to_vec();
        correction.adjust(&mut p, &mut Scratch::default());
        p
    }

    #[test]
    fn corrections_of_three_are_those_by_hand() {
        let p = [0.04, 0.01, 0.03];
        let third = 1.0 / 3.0;
        let cases = [
            (Correction::None, [0.04, 0.01, 0.03]),
            (Correction::Bonferroni, [0.12, 0.03, 0.09]),
            (Correction::Holm, [0.06, 0.03, 0.06]),
            (Correction::Hochberg, [0.04, 0.03, 0.04]),
            (Correction::Hommel, [0.04, 0.03, 0.04]),
            (Correction::BenjaminiHochberg, [0.04, 0.03, 0.04]),
            (Correction::BenjaminiYekutieli, [0.04, 0.03, 0.04].map(|p| p * (1.5 + third))),
            (Correction::Sidak, [0.115264, 0.029701, 0.087327]),
        ];
        for (correction, expected) in cases {
            for (found, expected) in adjusted(correction, &p).iter().zip(expected) {
                assert!((found - expected).abs() < 1e-15, "{correction:?} {found} {expected}");
            }
        }
    }

    #[test]
    fn small_families_and_ends_are_no_trap() {
        for (name, correction) in Correction::ALL {
            assert_eq!(correction.name(), name);
            assert!(adjusted(correction, &[]).is_empty());
            assert_eq!(adjusted(correction, &[0.25]), [0.25], "{name}");
            assert_eq!(adjusted(correction, &[1.0, 1.0, 1.0]), [1.0; 3], "{name}");
            assert_eq!(adjusted(correction, &[0.0, 0.0]), [0.0; 2], "{name}");
            let tiny = adjusted(correction, &[1e-300, 0.5]);
            assert!(tiny[0] > 0.0 && tiny[0] < 1e-299, "{name}: {tiny:?}");
        }
    }

    /// Corrected p-values are never below the own ones, keep their order, and do not depend on the
    /// order in which they come.
    #[test]
    fn orders_are_kept() {
        let mut random = Random(7);
        for n in 2..12 {
            for _ in 0..200 {
                let p: Vec<f64> = (0..n).map(|_| random.uniform() * random.uniform()).collect();
                let mut turned = p.clone();
                turned.reverse();
                for (name, correction) in Correction::ALL {
                    let found = adjusted(correction, &p);
                    let mut back = adjusted(correction, &turned);
                    back.reverse();
                    assert_eq!(found, back, "{name}");
                    for i in 0..n {
                        assert!(found[i] >= p[i] - 1e-15 && found[i] <= 1.0, "{name}");
                        assert!((0..n).all(|j| p[i] > p[j] || found[i] <= found[j]), "{name}");
                    }
                }
                // Holm is never weaker than Bonferroni, Hochberg than Holm, Hommel than Hochberg.
                let strength = [
                    Correction::Bonferroni,
                    Correction::Holm,
                    Correction::Hochberg,
                    Correction::Hommel,
                ];
                let all = strength.map(|correction| adjusted(correction, &p));
                for pair in all.windows(2) {
                    assert!(pair[0].iter().zip(&pair[1]).all(|(a, b)| *b <= a + 1e-15));
                }
            }
        }
    }
}
