//! Corrected p-values against R's `p.adjust`.

use trialrun_stats::multiplicity::{Correction, Scratch};

use super::cases;

#[test]
fn corrected_p_values_are_those_of_p_adjust() {
    let cases = cases("p_adjust");
    assert_eq!(cases.len(), 7 * Correction::ALL.len());
    let mut scratch = Scratch::default();
    for case in &cases {
        let name = case["correction"].as_str().unwrap();
        let (_, correction) = Correction::ALL.into_iter().find(|(n, _)| *n == name).unwrap();
        let numbers = case["p"].as_array().unwrap().iter();
        let mut p: Vec<f64> = numbers.map(|p| p.as_f64().unwrap()).collect();
        correction.adjust(&mut p, &mut scratch);
        for (ours, theirs) in p.iter().zip(case["adjusted"].as_array().unwrap()) {
            let theirs = theirs.as_f64().unwrap();
            let off = (ours - theirs).abs();
            // Sidak's is R's tail of the binomial distribution: 6.00000000000014e-300 for 6e-300.
            let tolerance = if name == "Sidak" { 1e-13 } else { 1e-15 };
            assert!(off <= tolerance * theirs, "{}: {ours:e}, R's {theirs:e}", case["name"]);
        }
    }
}
