//! Random generators: one for each seed, simulation, step and variable.
//!
//! A generator's state is a hash of these four, so a draw depends on nothing else: adding a step,
//! renaming an estimator or running more simulations leaves every other draw as it was, and any
//! simulation can be rebuilt alone. `Pcg64Dxsm` with hashed states is sound for this; raw stream
//! numbers of PCG are not (neighbouring streams are correlated).

use rand_pcg::Pcg64Dxsm;

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014), a bijection that mixes all bits.
#[inline]
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The odd constant of SplitMix64: the golden ratio in 64 bits.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// The key of a stream of draws: a hash of the step's label, the variable, and the place of the
/// draw among those of the variable's expression.
pub fn stream_key(step: &str, variable: &str, place: u32) -> u64 {
    let mut hash = STEP;
    for part in [step.as_bytes(), variable.as_bytes(), &place.to_le_bytes()] {
        for &byte in part {
            hash = mix(hash ^ u64::from(byte)).wrapping_add(STEP);
        }
        // A mark between the parts keeps ("ab", "c") and ("a", "bc") apart.
        hash = mix(hash ^ 0x100).wrapping_add(STEP);
    }
    hash
}

/// The generator of a stream in a simulation.
#[inline]
pub fn generator(seed: u64, sim: u64, key: u64) -> Pcg64Dxsm {
    let mut state = mix(seed.wrapping_add(STEP));
    state = mix(state.wrapping_add(STEP) ^ mix(sim.wrapping_add(STEP)));
    state = mix(state.wrapping_add(STEP) ^ key);
    let mut next = || {
        state = state.wrapping_add(STEP);
        u128::from(mix(state))
    };
    let (a, b, c, d) = (next(), next(), next(), next());
    Pcg64Dxsm::new(a << 64 | b, c << 64 | d)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    #[test]
    fn every_part_of_the_address_gives_another_stream() {
        let first = |seed, sim, key| generator(seed, sim, key).next_u64();
        let base = first(1, 2, stream_key("class", "effect", 0));
        assert_eq!(base, first(1, 2, stream_key("class", "effect", 0)));
        assert_ne!(base, first(2, 1, stream_key("class", "effect", 0)));
        assert_ne!(base, first(1, 3, stream_key("class", "effect", 0)));
        assert_ne!(base, first(1, 2, stream_key("class", "effect", 1)));
        assert_ne!(base, first(1, 2, stream_key("classe", "ffect", 0)));
    }

    /// Uniform draws of neighbouring simulations fill the unit square evenly: the chi-squared
    /// statistic over 16 x 16 cells stays within 5 standard errors of its mean.
    #[test]
    fn neighbouring_simulations_are_independent() {
        let key = stream_key("class", "effect", 0);
        let uniform = |sim| (generator(7, sim, key).next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        let mut cells = vec![0.0; 256];
        let n = 200_000;
        for sim in 0..n {
            let (x, y) = (uniform(sim), uniform(sim + 1));
            cells[(x * 16.0) as usize * 16 + (y * 16.0) as usize] += 1.0;
        }
        let expected = n as f64 / 256.0;
        let chi2: f64 = cells.iter().map(|c| (c - expected) * (c - expected) / expected).sum();
        assert!((chi2 - 255.0).abs() < 5.0 * (2.0 * 255.0_f64).sqrt(), "chi2 = {chi2}");
    }
}
