//! Formulas are written out as R writes them out.

use trialrun_lang::parse_formula;

/// What is refused although R takes it, because R reads it otherwise than it looks.
fn refused_on_purpose(message: &str) -> bool {
    message.ends_with("removes nothing")
        || message.ends_with("is not a power in a formula")
        || message.starts_with("no term is left")
}

/// The number of formulas that agree with R, and of those that are refused.
fn check(lines: &str) -> (usize, usize) {
    let (mut agreed, mut refused) = (0, 0);
    for line in lines.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (text, expected) = line.split_once(" => ").expect("run formulas.R");
        match parse_formula(text, 0) {
            Ok(formula) => {
                let mut found = vec![u8::from(formula.intercept).to_string()];
                found.extend(formula.terms.iter().map(|term| term.label()));
                assert_eq!(found.join("; "), expected, "{text}");
                assert!(formula.random.is_empty() && formula.instruments.is_none(), "{text}");
                agreed += 1;
            }
            Err(errors) => {
                for error in errors {
                    assert!(refused_on_purpose(&error.message), "{text}: {error:?}");
                }
                refused += 1;
            }
        }
    }
    (agreed, refused)
}

#[test]
fn terms_are_rs() {
    let (by_hand, at_random) =
        include_str!("formulas.txt").split_once("# Drawn at random").expect("both parts");
    let (agreed, refused) = check(by_hand);
    assert_eq!(refused, 0);
    assert!(agreed > 80, "{agreed}");
    let (agreed, refused) = check(at_random);
    assert!(agreed > 230 && refused < 70, "{agreed} agree, {refused} are refused");
}
