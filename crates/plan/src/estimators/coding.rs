//! How categorical factors are coded: R's rules for indicators and contrasts.

use std::collections::BTreeSet;

use trialrun_lang::Term;

/// For each term and each of its factors, whether every category gets a column.
///
/// A factor of a term is coded by contrasts (the first category has no column) where the term
/// without it is in the model, the empty term included; otherwise each category has a column. In
/// a model without intercept the first categorical factor of the first term that has one gets a
/// column for each category. (R Core Team, `model.matrix`; Chambers and Hastie 1992, section 2.4.)
pub fn full_coding(intercept: bool, terms: &[Term], categorical: &[Vec<bool>]) -> Vec<Vec<bool>> {
    let labels = |term: &Term, without: Option<usize>| -> BTreeSet<String> {
        let kept = term.factors.iter().enumerate().filter(|(i, _)| Some(*i) != without);
        kept.map(|(_, f)| f.label.clone()).collect()
    };
    let model: Vec<BTreeSet<String>> = terms.iter().map(|t| labels(t, None)).collect();
    let mut full: Vec<Vec<bool>> = terms
        .iter()
        .zip(categorical)
        .map(|(term, categorical)| {
            let margin = |i: usize| labels(term, Some(i));
            let is_full = |(i, categorical): (usize, &bool)| {
                *categorical && !margin(i).is_empty() && !model.contains(&margin(i))
            };
            categorical.iter().enumerate().map(is_full).collect()
        })
        .collect();
    if !intercept {
        let first = categorical
            .iter()
            .enumerate()
            .find_map(|(t, factors)| factors.iter().position(|c| *c).map(|f| (t, f)));
        if let Some((t, f)) = first {
            full[t][f] = true;
        }
    }
    full
}

#[cfg(test)]
mod tests {
    use super::*;
    use trialrun_lang::parse_formula;

    fn check(formula: &str, names: &[&str], expected: &[&[bool]]) {
        let formula = parse_formula(formula, 0).unwrap();
        let is_categorical = |t: &Term| -> Vec<bool> {
            t.factors.iter().map(|f| names.contains(&f.label.as_str())).collect()
        };
        let categorical: Vec<Vec<bool>> = formula.terms.iter().map(is_categorical).collect();
        let full = full_coding(formula.intercept, &formula.terms, &categorical);
        assert_eq!(full, expected, "{:?}", formula.terms);
    }

    #[test]
    fn coding_is_that_of_r() {
        check("y ~ f + g", &["f", "g"], &[&[false], &[false]]);
        check("y ~ 0 + f + g", &["f", "g"], &[&[true], &[false]]);
        check("y ~ f * g", &["f", "g"], &[&[false], &[false], &[false, false]]);
        check("y ~ f:g", &["f", "g"], &[&[true, true]]);
        check("y ~ x + f:x", &["f"], &[&[false], &[false, false]]);
        check("y ~ f:x", &["f"], &[&[true, false]]);
        check("y ~ f + f:g", &["f", "g"], &[&[false], &[true, false]]);
    }
}
