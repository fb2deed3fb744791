//! Benches, the hand-written twin of the first design, and data sets that try to break a fit.

pub mod clock;
pub mod crossing;
pub mod engine;
pub mod hostile;
pub mod lme4;
pub mod machine;
pub mod student_tests;
