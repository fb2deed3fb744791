//! Choice between numbers without a branch.

/// `a` where `on`, else `b`, by their bits. Where `on` hangs on chance a branch is guessed wrong
/// half of the time; and of this form, unlike of `if`, the compiler makes wide operations.
#[inline(always)]
pub(crate) fn select(on: bool, a: f64, b: f64) -> f64 {
    let mask = u64::from(on).wrapping_neg();
    f64::from_bits((a.to_bits() & mask) | (b.to_bits() & !mask))
}
