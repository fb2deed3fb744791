//! Sets of similar units: pairs, triples and larger ones, from points in a few dimensions.

/// Most rounds of exchanges; a round that exchanges nothing is the last in any case.
const ROUNDS_MAX: usize = 50;

/// What an exchange must win at least, as a share of what it looks at: less is rounding.
const GAIN_MIN: f64 = 1e-12;

/// Points of no more units than this have their distances computed once.
const KEPT_MAX: usize = 512;

/// Scratch of [`match_sets`].
#[derive(Debug, Default)]
pub struct Scratch {
    key: Vec<f64>,
    distances: Vec<f64>,
}

/// Sorts `units` so that each `size` in a row are a set of units that lie close together; the last
/// set is smaller where the numbers do not divide.
///
/// In one dimension units are sorted, and neighbours are a set: for pairs of an even number of
/// units no other pairing has a smaller sum of distances. In more, the units are taken from the
/// outside in, those farthest from the mean first, each with the nearest that are left; then units
/// trade places between sets as long as that lowers the sum of squared distances within sets.
/// Ties go to the unit that comes first, so the result depends on the points alone.
///
/// The cost is about `n^2 (d + size)` for `n` units.
/// Shapes: `points`: rows of `d` coordinates; `units`: numbers of rows, all different.
///
/// # References
/// Greevy, Lu, Silber and Rosenbaum (2004), Biostatistics 5:263, on matching before randomisation.
pub fn match_sets(points: &[f64], d: usize, units: &mut [u32], size: usize, scratch: &mut Scratch) {
    if d == 0 || size < 2 || units.len() <= size {
        return;
    }
    // Equal points keep the order of their numbers.
    units.sort_unstable();
    if d == 1 {
        let at = |u: u32| points[u as usize];
        units.sort_unstable_by(|a, b| at(*a).total_cmp(&at(*b)).then(a.cmp(b)));
        return;
    }
    let n = points.len() / d;
    let key = crate::linalg::room(&mut scratch.key, n);
    from_mean(points, d, units, key);
    let between = |a: u32, b: u32| distance(points, d, a, b);
    if n > KEPT_MAX {
        return make_sets(units, size, key, between);
    }
    let kept = crate::linalg::room(&mut scratch.distances, n * n);
    for &a in units.iter() {
        for &b in units.iter() {
            kept[a as usize * n + b as usize] = between(a, b);
        }
    }
    make_sets(units, size, key, |a, b| kept[a as usize * n + b as usize]);
}

/// The squared distance of two units.
fn distance(points: &[f64], d: usize, a: u32, b: u32) -> f64 {
    let (a, b) = (&points[a as usize * d..][..d], &points[b as usize * d..][..d]);
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// The squared distance of each unit from the mean.
fn from_mean(points: &[f64], d: usize, units: &[u32], key: &mut [f64]) {
    units.iter().for_each(|unit| key[*unit as usize] = 0.0);
    for c in 0..d {
        let at = |u: u32| points[u as usize * d + c];
        let mean = units.iter().map(|u| at(*u)).sum::<f64>() / units.len() as f64;
        for &unit in units {
            key[unit as usize] += (at(unit) - mean) * (at(unit) - mean);
        }
    }
}

/// Makes sets from the outside in, and mends them.
fn make_sets(units: &mut [u32], size: usize, key: &[f64], between: impl Fn(u32, u32) -> f64) {
    let n = units.len();
    for open in (0..n).step_by(size) {
        let farthest = first_by(units, open, |u| -key[u as usize]);
        units.swap(open, farthest);
        for next in open + 1..(open + size).min(n) {
            let nearest = first_by(units, next, |u| between(units[open], u));
            units.swap(next, nearest);
        }
    }
    for _ in 0..ROUNDS_MAX {
        if !exchange(units, size, &between) {
            break;
        }
    }
}

/// The place, from `open` on, of the unit with the smallest key; of equal ones, the first unit.
fn first_by(units: &[u32], open: usize, key: impl Fn(u32) -> f64) -> usize {
    let (mut place, mut least) = (open, key(units[open]));
    for (i, &unit) in units.iter().enumerate().skip(open + 1) {
        let k = key(unit);
        if k < least || (k == least && unit < units[place]) {
            (place, least) = (i, k);
        }
    }
    place
}

/// Lets units trade places between sets where that lowers the sum of squared distances within
/// sets; says whether any did.
fn exchange(units: &mut [u32], size: usize, between: impl Fn(u32, u32) -> f64) -> bool {
    let n = units.len();
    let mut any = false;
    // Of two pairs, either unit of the one can trade with the first of the other: trading with
    // the second makes the same pairs.
    let step = if size == 2 { 2 } else { 1 };
    for i in 0..n {
        for j in ((i / size + 1) * size..n).step_by(step) {
            let (u, v) = (units[i], units[j]);
            let (mut before, mut after) = (0.0, 0.0);
            for (place, own, other) in [(i, u, v), (j, v, u)] {
                let first = place / size * size;
                for k in (first..(first + size).min(n)).filter(|k| *k != place) {
                    before += between(own, units[k]);
                    after += between(other, units[k]);
                }
            }
            if after < before * (1.0 - GAIN_MIN) {
                units.swap(i, j);
                any = true;
            }
        }
    }
    any
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sum of squared distances within sets.
    fn total(points: &[f64], d: usize, units: &[u32], size: usize) -> f64 {
        let of_set = |set: &[u32]| -> f64 {
            let pairs = (0..set.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
            pairs.map(|(i, j)| distance(points, d, set[i], set[j])).sum()
        };
        units.chunks(size).map(of_set).sum()
    }

    /// The least total of all ways to make pairs.
    fn best(points: &[f64], d: usize, left: &[u32]) -> f64 {
        let Some((first, rest)) = left.split_first() else { return 0.0 };
        (0..rest.len())
            .map(|i| {
                let mut others = rest.to_vec();
                let partner = others.remove(i);
                distance(points, d, *first, partner) + best(points, d, &others)
            })
            .fold(f64::INFINITY, f64::min)
    }

    fn points(n: usize, d: usize, seed: u64) -> Vec<f64> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 11) as f64 / (1u64 << 53) as f64
        };
        (0..n * d).map(|_| next() + next() + next()).collect()
    }

    fn matched(points: &[f64], d: usize, size: usize) -> Vec<u32> {
        let mut units: Vec<u32> = (0..(points.len() / d) as u32).collect();
        match_sets(points, d, &mut units, size, &mut Scratch::default());
        let mut sorted = units.clone();
        sorted.sort_unstable();
        assert!(sorted.iter().zip(0..).all(|(u, i)| *u == i), "{units:?}");
        units
    }

    #[test]
    fn neighbours_on_a_line_are_pairs() {
        let line = [5.0, 1.0, 9.0, 1.5, 4.0, 8.0];
        assert_eq!(matched(&line, 1, 2), [1, 3, 4, 0, 5, 2]);
        assert_eq!(matched(&[1.0, 1.0, 1.0, 1.0], 1, 2), [0, 1, 2, 3]);
        assert_eq!(matched(&[3.0, 1.0, 2.0], 1, 2), [1, 2, 0]);
    }

    /// Pairs are close to the best of all pairings: on average within some per cent, and never
    /// far off.
    #[test]
    fn pairs_are_close_to_the_best() {
        let mut ratios = Vec::new();
        for seed in 0..40 {
            let points = points(10, 2, seed);
            let units = matched(&points, 2, 2);
            let all: Vec<u32> = (0..10).collect();
            ratios.push(total(&points, 2, &units, 2) / best(&points, 2, &all));
        }
        assert!(ratios.iter().all(|r| (1.0 - 1e-9..2.0).contains(r)), "{ratios:?}");
        let mean = ratios.iter().sum::<f64>() / ratios.len() as f64;
        assert!(mean < 1.05, "{mean}");
    }

    #[test]
    fn sets_of_any_size_are_closer_than_chance() {
        for (n, size) in [(30, 3), (31, 3), (40, 4), (7, 2), (2, 2), (3, 5)] {
            let points = points(n, 3, 7);
            let units = matched(&points, 3, size);
            let chance: Vec<u32> = (0..n as u32).collect();
            let (ours, theirs) =
                (total(&points, 3, &units, size), total(&points, 3, &chance, size));
            assert!(n <= size || ours < 0.6 * theirs, "{n} by {size}: {ours}, {theirs}");
        }
    }

    #[test]
    fn the_order_of_units_does_not_matter() {
        let points = points(24, 2, 3);
        let sets = |mut units: Vec<u32>| {
            match_sets(&points, 2, &mut units, 2, &mut Scratch::default());
            let mut sets: Vec<Vec<u32>> = units.chunks(2).map(<[u32]>::to_vec).collect();
            sets.iter_mut().for_each(|s| s.sort_unstable());
            sets.sort();
            sets
        };
        assert_eq!(sets((0..24).collect()), sets((0..24).rev().collect()));
    }
}
