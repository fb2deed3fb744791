//! Benches, and the hand-written twin of the first design: the yardstick of the engine's speed.

pub mod clock;
pub mod crossing;
pub mod engine;
pub mod lme4;
pub mod machine;
pub mod student_tests;
