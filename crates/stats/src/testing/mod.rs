//! What the tests of several kernels share: random numbers, shapes of mixed models, comparisons.

pub mod random;
pub mod shapes;

pub use random::Random;

/// Asserts that two numbers agree, relative to the larger of them.
#[track_caller]
pub fn close(what: &str, ours: f64, theirs: f64, tolerance: f64) {
    let scale = ours.abs().max(theirs.abs());
    let error = (ours - theirs).abs();
    assert!(error <= tolerance * scale, "{what}: {ours} is not {theirs}, off by {error:e}");
}
