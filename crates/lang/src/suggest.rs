//! The word that was probably meant where an unknown one was written.

/// How many candidates a hint lists before it would be too long to read.
const LISTED_MAX: usize = 8;

/// The candidate that `word` is probably a misspelling of.
///
/// A candidate that differs only in case wins, then one with the same parts in another order
/// (`sd_class` for `class_sd`), then the nearest by insertions, deletions, replacements and swaps
/// of neighbouring letters; the earlier of two that are equally near. Nothing is suggested where
/// the nearest is too far for the length of the words.
pub fn did_you_mean<'a, S>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a S>,
) -> Option<&'a str>
where
    S: AsRef<str> + ?Sized + 'a,
{
    let folded = word.to_lowercase();
    let parts = sorted_parts(&folded);
    let letters: Vec<char> = folded.chars().collect();
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let candidate = candidate.as_ref();
        if candidate.is_empty() || candidate == word {
            continue;
        }
        let other = candidate.to_lowercase();
        let distance = if other == folded {
            0
        } else if parts.len() > 1 && sorted_parts(&other) == parts {
            1
        } else {
            let other: Vec<char> = other.chars().collect();
            match bounded_distance(&letters, &other) {
                // One more, so that the two cases above come first.
                Some(distance) => distance + 1,
                None => continue,
            }
        };
        if best.is_none_or(|(nearest, _)| distance < nearest) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// The text of a hint for an unknown `word`: the candidate it resembles, or all candidates where
/// they are few.
pub fn suggestion<'a, S, I>(word: &str, candidates: I) -> Option<String>
where
    S: AsRef<str> + ?Sized + 'a,
    I: IntoIterator<Item = &'a S> + Clone,
{
    if let Some(meant) = did_you_mean(word, candidates.clone()) {
        return Some(format!("did you mean `{meant}`?"));
    }
    let mut listed: Vec<String> = Vec::new();
    for candidate in candidates {
        if listed.len() == LISTED_MAX {
            return None;
        }
        listed.push(format!("`{}`", candidate.as_ref()));
    }
    match listed.as_slice() {
        [] => None,
        [only] => Some(format!("the only choice is {only}")),
        _ => Some(format!("one of {}", listed.join(", "))),
    }
}

/// The parts of a name between underscores, sorted, so that their order does not matter.
fn sorted_parts(word: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = word.split('_').filter(|part| !part.is_empty()).collect();
    parts.sort_unstable();
    parts
}

/// How many edits make a misspelling of a word of this length, rather than another word.
fn edits_allowed(letters: usize) -> usize {
    match letters {
        0 | 1 => 0,
        2..=5 => 1,
        6..=8 => 2,
        _ => 3,
    }
}

/// The number of edits between two words, or nothing where it exceeds what is allowed.
///
/// Edits are insertion, deletion, replacement and the swap of two neighbours, no letter being
/// edited twice (the optimal string alignment distance).
///
/// # References
/// Damerau 1964, Communications of the ACM 7:171.
fn bounded_distance(a: &[char], b: &[char]) -> Option<usize> {
    let allowed = edits_allowed(a.len().max(b.len()));
    if a.len().abs_diff(b.len()) > allowed {
        return None;
    }
    // Three rows of the table: two letters back in `a`, one back, and the current one.
    let mut before_last: Vec<usize> = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let mut current: Vec<usize> = vec![0; b.len() + 1];
    for i in 1..=a.len() {
        current[0] = i;
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut edits = replaced.min(last[j] + 1).min(current[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                edits = edits.min(before_last[j - 2] + 1);
            }
            current[j] = edits;
        }
        std::mem::swap(&mut before_last, &mut last);
        std::mem::swap(&mut last, &mut current);
    }
    (last[b.len()] <= allowed).then_some(last[b.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(word: &str, candidates: &[&str], expected: Option<&str>) {
        assert_eq!(did_you_mean(word, candidates.iter().copied()), expected, "{word}");
    }

    #[test]
    fn misspellings_are_found() {
        check("clas", &["school", "class", "student"], Some("class"));
        check("calss", &["school", "class", "student"], Some("class"));
        check("school_efect", &["class_effect", "school_effect"], Some("school_effect"));
        check("Class", &["klass", "class"], Some("class"));
        check("sd_shock", &["shock", "shock_sd"], Some("shock_sd"));
        check("größe", &["grosse", "große", "Größe"], Some("Größe"));
        check("score_treatment1", &["score_treatment_0", "score_treatment_1"], {
            Some("score_treatment_1")
        });
        check("treatement", &["treatment"], Some("treatment"));
        check("n_student", &["students", "n_students"], Some("n_students"));
    }

    #[test]
    fn other_words_are_not() {
        check("x", &["y", "z"], None);
        check("age", &["sex", "income"], None);
        check("banana", &["school", "class"], None);
        check("", &["school"], None);
        check("school", &[], None);
        check("school", &["", "school"], None);
    }

    #[test]
    fn the_nearest_wins_and_then_the_first() {
        check("tests", &["texts", "test"], Some("texts"));
        check("effects", &["offects_", "effect"], Some("effect"));
    }

    #[test]
    fn hints_list_few_candidates() {
        let names = ["CR0".to_owned(), "CR2".to_owned()];
        assert_eq!(suggestion("CR3", &names).as_deref(), Some("did you mean `CR0`?"));
        assert_eq!(suggestion("stata", &names).as_deref(), Some("one of `CR0`, `CR2`"));
        assert_eq!(suggestion("stata", &names[..1]).as_deref(), Some("the only choice is `CR0`"));
        assert_eq!(suggestion("stata", &names[..0]), None);
        let many: Vec<String> = (0..9).map(|i| format!("variable_{i}")).collect();
        assert_eq!(suggestion("stata", &many), None);
    }

    #[test]
    fn distance_counts_each_kind_of_edit_once() {
        let distance = |a: &str, b: &str| {
            let a: Vec<char> = a.chars().collect();
            let b: Vec<char> = b.chars().collect();
            bounded_distance(&a, &b)
        };
        assert_eq!(distance("coverage", "coverage"), Some(0));
        assert_eq!(distance("coverage", "coverages"), Some(1));
        assert_eq!(distance("coverage", "covrage"), Some(1));
        assert_eq!(distance("coverage", "coverege"), Some(1));
        assert_eq!(distance("coverage", "covearge"), Some(1));
        assert_eq!(distance("coverage", "ocvearge"), Some(2));
        assert_eq!(distance("coverage", "ocveagre"), None);
    }
}
