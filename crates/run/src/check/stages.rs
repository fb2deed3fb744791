//! When a check looks at the simulations, and how much of its error each look may use.

use crate::BATCH;

/// Simulations before the first look.
const FIRST: u64 = 4 * BATCH;

/// The numbers of simulations after which a check looks: 1,024, then half as many again each time,
/// in whole batches, and at last `max_sims`.
///
/// They depend on `max_sims` alone, so a verdict depends neither on threads nor on time.
pub fn looks(max_sims: u64) -> Vec<u64> {
    let mut looks = Vec::new();
    let mut next = FIRST;
    // A look just before the last would use error for little.
    while next.saturating_add(next / 4) < max_sims {
        looks.push(next);
        next = (next + next / 2).next_multiple_of(BATCH);
    }
    looks.push(max_sims);
    looks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_grow_by_half_and_end_at_the_last_simulation() {
        let looks = looks(200_000);
        assert_eq!(looks[..4], [1024, 1536, 2304, 3584]);
        assert_eq!((looks.len(), looks.last()), (14, Some(&200_000)));
        assert!(looks.windows(2).all(|w| w[0] < w[1]));
        assert!(looks[..looks.len() - 1].iter().all(|n| n % BATCH == 0));
        assert_eq!(super::looks(1), [1]);
        assert_eq!(super::looks(1200), [1200]);
        assert_eq!(super::looks(1800), [1024, 1800]);
    }
}
