//! Benches, and the hand-written twin of the first design.
